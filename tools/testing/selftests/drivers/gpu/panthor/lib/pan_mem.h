/* SPDX-License-Identifier: GPL-2.0 */
/* What happens to memory: the system's statistics, the driver's, and swap. */
#ifndef PAN_MEM_H
#define PAN_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pan_dev.h"

/* A line of /proc/meminfo in 4 KiB pages, of /proc/vmstat as it is; 0 when absent. */
uint64_t pan_meminfo_pages(const char *name);
uint64_t pan_vmstat(const char *name);

/*
 * Free pages. MemFree leaves those out that wait in the page allocator's lists
 * of the CPUs, which grow to an eighth of a small machine's memory.
 */
uint64_t pan_free_pages(void);

/**
 * struct pan_mem - Memory at one moment, in pages of 4 KiB
 * @total: MemTotal
 * @free: pan_free_pages()
 * @available: MemAvailable
 * @writeback: Writeback
 * @swap_cached: SwapCached
 * @swap_total: SwapTotal
 * @swap_free: SwapFree
 * @swapped_in: pswpin, since boot
 * @swapped_out: pswpout, since boot
 * @zram: what swap on zram takes of memory
 */
struct pan_mem {
	uint64_t total;
	uint64_t free;
	uint64_t available;
	uint64_t writeback;
	uint64_t swap_cached;
	uint64_t swap_total;
	uint64_t swap_free;
	uint64_t swapped_in;
	uint64_t swapped_out;
	uint64_t zram;
};

void pan_mem_read(struct pan_mem *mem);

/* Bytes of all BOs in the driver's debugfs file: their size, and what is resident. */
int pan_gems_totals(const struct pan_dev *dev, uint64_t *size, uint64_t *resident);

/* Resident bytes of the BOs that this process created, kernel objects left out. */
int pan_gems_resident_of(const struct pan_dev *dev, int pid, uint64_t *resident);

/* A driver whose memory is reclaimed by the new engine has this file. */
bool pan_has_reclaim_engine(const struct pan_dev *dev);

/* Prints what the driver's debugfs file "reclaim" and /proc/meminfo say. */
void pan_reclaim_tell(const struct pan_dev *dev);

/* A line of that file; -ENOENT when there is no such line, or no file. */
int pan_reclaim_stat(const struct pan_dev *dev, const char *name, uint64_t *value);

/* BOs filed under a class they do not belong to, or -errno. Locks every BO. */
int64_t pan_reclaim_misfiled(const struct pan_dev *dev);

/* The engine can do what lines of that file speak of that begin with @prefix. */
bool pan_reclaim_has(const struct pan_dev *dev, const char *prefix);

bool pan_can_shrink(const struct pan_dev *dev);

/* Makes the driver's shrinker scan @pages pages; @reclaimed is what it then reports. */
int pan_shrink(const struct pan_dev *dev, uint64_t pages, uint64_t *reclaimed);

/* Clean page cache and slabs go. */
void pan_drop_caches(void);

/*
 * The device of the only swap area. Quiet: -ENOENT when there is none, -EOPNOTSUPP
 * when there are several.
 */
int pan_swap_area(char *device, size_t size);

/*
 * Does what mkswap does, to a device that is not in use. @bytes is the size of the
 * area, 0 for the whole device. Quiet.
 */
int pan_swap_make(const char *device, uint64_t bytes);

/*
 * A swap area on zram, used before any other, of @mib MiB. -ENODEV when there
 * is no zram device that is free. pan_zram_off() brings back what was swapped
 * out to it.
 */
int pan_zram_on(uint32_t mib);
int pan_zram_off(void);

/* Limits the memory of the area, for example to "1M"; "0" is no limit. Quiet. */
int pan_zram_limit(const char *limit);

/* Pages of memory that all zram devices take for what was written to them. */
uint64_t pan_zram_pages(void);

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t pan_now_ms(void);

/* Microseconds of it. */
uint64_t pan_now_us(void);

/* Sleeps. */
void pan_sleep_ms(unsigned int ms);

/*
 * Uses anonymous memory. It is populated first: a page fault is dear where the
 * kernel is a program. What cannot be had at once is faulted in.
 */
void pan_touch(void *mem, uint64_t size);

#endif /* PAN_MEM_H */
