// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * One scan: what is evicted, in which order, and what is waited for. See the
 * comment on top of panthor_reclaim.c.
 */

#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "panthor_reclaim_private.h"

#define CREATE_TRACE_POINTS
#include "panthor_reclaim_trace.h"

static void release_bo(struct panthor_reclaim *reclaim, struct panthor_reclaim_bo *bo)
{
	panthor_reclaim_putback_bo(reclaim, bo);
	panthor_reclaim_put_bo(reclaim, bo);
}

static void release_vm(struct panthor_reclaim *reclaim, struct panthor_reclaim_vm *vm)
{
	panthor_reclaim_putback_vm(reclaim, vm);
	panthor_reclaim_put_vm(reclaim, vm);
}

static void note_skip(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		      int err)
{
	switch (err) {
	case -EBUSY:
		scan->busy = true;
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SKIP_BUSY, 1);
		break;
	case -EAGAIN:
		scan->contended = true;
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SKIP_LOCKED, 1);
		break;
	case -EIO:
		scan->busy = true;
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SKIP_GPU, 1);
		break;
	case -EPERM:
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SKIP_PINNED, 1);
		break;
	}
}

static bool wants_more(const struct panthor_reclaim_scan *scan)
{
	return scan->evicted < scan->target && !scan->interrupted;
}

/*
 * Account for an evicted BO and write its pages out. The locks have been released:
 * the BO may be swapped in at any time, its pages then stay.
 */
static void bo_is_out(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		      struct panthor_reclaim_bo *bo)
{
	unsigned long writeback = 0;

	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_EVICTED_BOS, 1);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_EVICTED_PAGES, bo->nr_pages);

	reclaim->ops->write_out(bo, 0, bo->nr_pages - 1, false, &scan->freed, &writeback);

	/* Only wait once everything is on its way. */
	if (scan->wait_writeback) {
		list_add_tail(&bo->victims, &scan->leaving);
		return;
	}

	scan->writeback += writeback;
	release_bo(reclaim, bo);
}

static void wait_for_writeback(struct panthor_reclaim *reclaim,
			       struct panthor_reclaim_scan *scan)
{
	struct panthor_reclaim_bo *bo, *next;

	list_for_each_entry_safe(bo, next, &scan->leaving, victims) {
		list_del_init(&bo->victims);
		reclaim->ops->write_out(bo, 0, bo->nr_pages - 1, true, &scan->freed,
					&scan->writeback);
		release_bo(reclaim, bo);
	}
}

/* Returns whether what was waited for is idle. */
static bool account_wait(struct panthor_reclaim *reclaim,
			 struct panthor_reclaim_scan *scan, ktime_t start, int err)
{
	u64 ns = ktime_to_ns(ktime_sub(ktime_get(), start));

	scan->budget_ns -= min(ns, scan->budget_ns);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_WAITS, 1);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_WAIT_US,
				 div_u64(ns, NSEC_PER_USEC));
	if (err)
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_WAIT_TIMEOUTS, 1);
	trace_panthor_reclaim_wait(reclaim, scan, ns, err);
	if (err == -ERESTARTSYS)
		scan->interrupted = true;

	return !err;
}

static int evict_or_wait(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
			 struct panthor_reclaim_bo *bo, bool may_wait)
{
	ktime_t start;
	int ret;

	ret = reclaim->ops->evict_bo(bo);
	if (ret != -EBUSY || !may_wait || !scan->budget_ns)
		return ret;

	start = ktime_get();
	if (!account_wait(reclaim, scan, start,
			  reclaim->ops->wait_bo(bo, scan->budget_ns, scan->interruptible)))
		return ret;

	return reclaim->ops->evict_bo(bo);
}

/* BOs of a class whose members are evicted one by one. */
static void scan_class(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		       enum panthor_reclaim_class class, bool may_wait)
{
	struct list_head *list = &reclaim->bos[class];
	struct panthor_reclaim_node cursor;
	struct panthor_reclaim_bo *bo;
	long left;

	/* BOs that are added at the warm end meanwhile are not for this scan. */
	left = atomic_long_read(&reclaim->nr_bos[class]);
	if (!left)
		return;

	panthor_reclaim_cursor_enter(reclaim, &cursor, list);
	while (wants_more(scan) && left-- > 0) {
		int ret;

		bo = panthor_reclaim_isolate_next_bo(reclaim, scan, &cursor, list);
		if (!bo)
			break;

		scan->scanned += bo->nr_pages;
		ret = evict_or_wait(reclaim, scan, bo, may_wait);
		trace_panthor_reclaim_evict(reclaim, scan, bo, class, ret);
		if (ret) {
			note_skip(reclaim, scan, ret);
			release_bo(reclaim, bo);
			continue;
		}

		scan->evicted += bo->nr_pages;
		bo_is_out(reclaim, scan, bo);
	}
	panthor_reclaim_cursor_leave(reclaim, &cursor);
}

/* One round with the VM's locks held. Returns whether there should be another. */
static bool sweep_vm(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		     struct panthor_reclaim_vm *vm, struct panthor_reclaim_node *cursor,
		     long *left, struct list_head *victims)
{
	struct panthor_reclaim_bo *bo;

	while (wants_more(scan) && (*left)-- > 0) {
		int ret;

		bo = panthor_reclaim_isolate_next_bo(reclaim, scan, cursor, &vm->bos);
		if (!bo)
			return false;

		scan->scanned += bo->nr_pages;
		ret = reclaim->ops->zap_vm_bo(vm, bo);
		trace_panthor_reclaim_evict(reclaim, scan, bo, PANTHOR_RECLAIM_PRIVATE, ret);
		if (ret && ret != -ENOSPC) {
			note_skip(reclaim, scan, ret);
			release_bo(reclaim, bo);
			continue;
		}

		scan->evicted += bo->nr_pages;
		list_add_tail(&bo->victims, victims);
		if (ret)
			return true;
	}

	return false;
}

/* The private BOs of an isolated VM. */
static int scan_vm(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		   struct panthor_reclaim_vm *vm, unsigned int *pending)
{
	struct panthor_reclaim_node cursor;
	struct panthor_reclaim_bo *bo, *next;
	bool again;
	long left;
	int ret;

	left = READ_ONCE(vm->nr_bos);
	panthor_reclaim_cursor_enter(reclaim, &cursor, &vm->bos);
	do {
		LIST_HEAD(victims);
		LIST_HEAD(kept);

		ret = reclaim->ops->begin_vm(vm, pending);
		if (ret == -EBUSY)
			panthor_reclaim_vm_found_busy(reclaim, vm);
		if (ret)
			break;

		/* It is idle, but may be kept for its next job. */
		if (scan->respect_keep && panthor_reclaim_vm_is_young(reclaim, vm)) {
			scan->busy = true;
			again = false;
		} else {
			again = sweep_vm(reclaim, scan, vm, &cursor, &left, &victims);
		}

		ret = reclaim->ops->end_vm(vm, &victims, &kept);
		list_for_each_entry_safe(bo, next, &victims, victims) {
			list_del_init(&bo->victims);
			bo_is_out(reclaim, scan, bo);
		}
		list_for_each_entry_safe(bo, next, &kept, victims) {
			list_del_init(&bo->victims);
			scan->evicted -= bo->nr_pages;
			release_bo(reclaim, bo);
		}
	} while (again && !ret);
	panthor_reclaim_cursor_leave(reclaim, &cursor);

	trace_panthor_reclaim_vm(reclaim, scan, vm, ret, *pending);
	if (ret)
		note_skip(reclaim, scan, ret);

	return ret;
}

/*
 * Private BOs of all idle VMs. Returns, isolated, the busy VM that is worth
 * waiting for, if there is any time to wait.
 */
static struct panthor_reclaim_vm *
scan_idle_vms(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan)
{
	struct panthor_reclaim_vm *vm, *best = NULL;
	struct panthor_reclaim_node cursor;
	unsigned int best_pending = 0;

	panthor_reclaim_cursor_enter(reclaim, &cursor, &reclaim->vms);
	while (wants_more(scan)) {
		unsigned int pending = 0;

		vm = panthor_reclaim_isolate_next_vm(reclaim, scan, &cursor);
		if (!vm)
			break;

		/*
		 * The list is coldest first, so among VMs with as many fences
		 * the first one got its last job before the others.
		 */
		if (scan_vm(reclaim, scan, vm, &pending) == -EBUSY &&
		    scan->budget_ns && vm->tried != scan->seq &&
		    (!best || pending < best_pending)) {
			swap(vm, best);
			best_pending = pending;
		}

		if (vm)
			release_vm(reclaim, vm);
	}
	panthor_reclaim_cursor_leave(reclaim, &cursor);

	return best;
}

/* Returns the next VM worth waiting for. */
static struct panthor_reclaim_vm *
scan_busy_vm(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
	     struct panthor_reclaim_vm *vm)
{
	ktime_t start = ktime_get();
	unsigned int pending = 0;
	bool idle;

	vm->tried = scan->seq;
	idle = account_wait(reclaim, scan, start,
			    reclaim->ops->wait_vm(vm, scan->budget_ns, scan->interruptible));
	if (idle)
		scan_vm(reclaim, scan, vm, &pending);
	release_vm(reclaim, vm);

	return wants_more(scan) && scan->budget_ns ? scan_idle_vms(reclaim, scan) : NULL;
}

/**
 * panthor_reclaim_scan_begin() - Account for the begin of a scan
 * @reclaim: The device's reclaim.
 * @scan: The scan, which gets its number.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_scan_begin(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_scan *scan)
{
	scan->seq = atomic64_inc_return(&reclaim->seq);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SCANS, 1);
	trace_panthor_reclaim_scan_begin(reclaim, scan);
}

/**
 * panthor_reclaim_scan_end() - Account for the end of a scan
 * @reclaim: The device's reclaim.
 * @scan: The scan with its results.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_scan_end(struct panthor_reclaim *reclaim,
			      const struct panthor_reclaim_scan *scan)
{
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SCANNED_PAGES, scan->scanned);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_FREED_PAGES, scan->freed);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_WRITTEN_PAGES, scan->writeback);
	trace_panthor_reclaim_scan_end(reclaim, scan);
}

/**
 * panthor_reclaim_run() - Do one scan
 * @reclaim: The device's reclaim.
 * @scan: What is asked for. Gets the results. All results have to be zero.
 *
 * Context: Process context, may be reclaim in which I/O is allowed. No lock of
 * the driver may be held. Sleeps: for jobs as long as @scan->budget_ns says,
 * and for swap I/O.
 *
 * Return: Number of pages that have left memory or are on their way to swap.
 */
unsigned long panthor_reclaim_run(struct panthor_reclaim *reclaim,
				  struct panthor_reclaim_scan *scan)
{
	unsigned long swap_pages = reclaim->ops->swap_pages();
	struct panthor_reclaim_vm *busy;
	ktime_t start = ktime_get();

	INIT_LIST_HEAD(&scan->leaving);
	panthor_reclaim_scan_begin(reclaim, scan);

	if (!swap_pages)
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SKIP_NOSWAP, 1);

	scan->target = min(scan->target, swap_pages);
	scan_class(reclaim, scan, PANTHOR_RECLAIM_UNUSED, false);
	scan_class(reclaim, scan, PANTHOR_RECLAIM_MMAPPED, false);
	busy = scan_idle_vms(reclaim, scan);
	scan_class(reclaim, scan, PANTHOR_RECLAIM_SHARED, false);

	/* The next scan comes for the rest. It waits if nothing is idle by then. */
	if (scan->evicted)
		scan->budget_ns = 0;
	while (busy && scan->budget_ns && wants_more(scan))
		busy = scan_busy_vm(reclaim, scan, busy);
	if (busy)
		release_vm(reclaim, busy);
	if (scan->budget_ns)
		scan_class(reclaim, scan, PANTHOR_RECLAIM_SHARED, true);

	wait_for_writeback(reclaim, scan);

	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SCAN_US,
				 ktime_us_delta(ktime_get(), start));
	panthor_reclaim_scan_end(reclaim, scan);

	return scan->freed + scan->writeback;
}
