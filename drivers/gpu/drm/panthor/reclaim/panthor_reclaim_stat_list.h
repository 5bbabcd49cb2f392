/* SPDX-License-Identifier: GPL-2.0 or MIT */

/*
 * The statistics of reclaim, in the order in which debugfs prints them. A line
 * here is all that a new one takes: the enumeration, the names in debugfs and the
 * list in Documentation/gpu/panthor-reclaim.rst are made of it. It is included
 * more than once, hence without a guard.
 *
 * STAT(identifier, name, what it counts)
 */

STAT(SCANS, scans, "Scans, by memory reclaim or on request")
STAT(SCANNED_PAGES, scanned_pages, "Pages of the BOs looked at")
STAT(EVICTED_BOS, evicted_bos, "BOs whose pages were given back to shmem")
STAT(EVICTED_PAGES, evicted_pages, "Pages given back to shmem")
STAT(FREED_PAGES, freed_pages, "Evicted pages that left memory within the scan")
STAT(WRITTEN_PAGES, written_pages, "Evicted pages under writeback at its end")
STAT(SCAN_US, scan_us, "Time spent in scans, in microseconds")
STAT(SKIP_BUSY, skip_busy, "VMs and BOs skipped because of unfinished jobs")
STAT(SKIP_LOCKED, skip_locked, "VMs and BOs skipped because of a held lock")
STAT(SKIP_PINNED, skip_pinned, "BOs that turned out not to be reclaimable")
STAT(SKIP_GPU, skip_gpu, "VMs and BOs skipped because the GPU does not answer")
STAT(SKIP_NOSWAP, skip_noswap, "Scans that found no swap space")
STAT(SKIP_NOIO, skip_noio, "Scans that must not start I/O")
STAT(SKIP_FOREIGN, skip_foreign, "BOs not evicted because another process uses them")
STAT(WAITS, waits, "Waits for the jobs of a VM or BO")
STAT(WAIT_TIMEOUTS, wait_timeouts, "Waits that the jobs outlasted")
STAT(WAIT_US, wait_us, "Time spent waiting for jobs, in microseconds")
STAT(FLUSHES, flushes, "GPU cache flushes for evictions")
STAT(FLUSHED_BYTES, flushed_bytes, "Bytes unmapped under those flushes")
STAT(DEFERRED_PUTS, deferred_puts, "VMs whose last reference a worker dropped")
STAT(RESTORES, restores, "Times evicted mappings of a VM were restored")
STAT(RESTORED_VMAS, restored_vmas, "Evicted GPU mappings restored")
STAT(SWAPPED_IN_BOS, swapped_in_bos, "Evicted BOs swapped in")
STAT(SWAPPED_IN_PAGES, swapped_in_pages, "Pages of evicted BOs swapped in")
