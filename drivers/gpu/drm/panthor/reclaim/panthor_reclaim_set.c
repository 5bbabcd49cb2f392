// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Eviction of a given set of BOs, and of nothing else.
 *
 * A scan (panthor_reclaim.c) has a number of pages to find and takes what is
 * cheapest. Here somebody has named what is to go: there is nothing to choose,
 * and what resists is not made up for by something else. So this goes through
 * the set in rounds until nothing of it is left or the time is over, and waits
 * in between for the jobs and locks that were in the way.
 *
 * It is not called from reclaim. It may be interrupted by signals and waits a
 * lot longer than a scan does.
 *
 * It isolates what it works on, as a scan does, so that scans and other sets skip
 * it.
 */

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>

#include "panthor_reclaim_private.h"
#include "panthor_reclaim_set.h"
#include "panthor_reclaim_trace.h"

/* Something else may have got out of the way meanwhile. */
#define WAIT_SLICE_NS	(50 * NSEC_PER_MSEC)

/* Locks are held for short times only, so look again soon. */
#define LOCK_POLL_US	1000

/**
 * struct set_run - One run over a set
 */
struct set_run {
	/** @reclaim: The device's reclaim. */
	struct panthor_reclaim *reclaim;

	/** @set: The set. */
	struct panthor_reclaim_set *set;

	/** @scan: What tracepoints and write_out are told. */
	struct panthor_reclaim_scan scan;

	/** @deadline: When waiting ends. */
	ktime_t deadline;

	/** @round: Number of the current round. */
	unsigned int round;

	/** @again: Another round makes sense. */
	bool again;

	/** @busy_vm: A VM with jobs that are in the way, with a reference. */
	struct panthor_reclaim_vm *busy_vm;

	/** @busy_bo: A BO with jobs that are in the way. */
	struct panthor_reclaim_bo *busy_bo;
};

static void set_count(struct set_run *run, enum panthor_reclaim_stat stat, unsigned long value)
{
	panthor_reclaim_stat_add(run->reclaim, stat, value);
}

static void put_vm(struct panthor_reclaim *reclaim, struct panthor_reclaim_vm *vm)
{
	if (!reclaim->ops->put_vm_unless_last(vm))
		reclaim->ops->put_vm(vm);
}

static void note_result(struct set_run *run, struct panthor_reclaim_set_entry *entry,
			enum panthor_reclaim_class class, int ret)
{
	trace_panthor_reclaim_evict(run->reclaim, &run->scan, entry->bo, class, ret);

	switch (ret) {
	case 0:
		entry->state = PANTHOR_RECLAIM_SET_EVICTED;
		break;
	case -EPERM:
		entry->state = PANTHOR_RECLAIM_SET_GONE;
		set_count(run, PANTHOR_RECLAIM_STAT_SKIP_PINNED, 1);
		break;
	case -EBUSY:
		run->again = true;
		run->busy_bo = entry->bo;
		break;
	default:
		run->again = true;
	}
}

/* Everything is on its way before anything is waited for. */
static void start_writing(struct set_run *run, struct panthor_reclaim_set_entry *entry)
{
	unsigned long writeback = 0;

	set_count(run, PANTHOR_RECLAIM_STAT_EVICTED_BOS, 1);
	set_count(run, PANTHOR_RECLAIM_STAT_EVICTED_PAGES, entry->bo->nr_pages);
	run->scan.evicted += entry->bo->nr_pages;
	run->reclaim->ops->write_out(entry->bo, false, &run->scan.freed, &writeback);
}

/* See what need not or must not be tried, while no lock is held. */
static void sort_out(struct set_run *run, struct panthor_reclaim_set_entry *entry)
{
	if (entry->state != PANTHOR_RECLAIM_SET_WAITING)
		return;

	if (READ_ONCE(entry->bo->class) == PANTHOR_RECLAIM_UNRECLAIMABLE) {
		entry->state = PANTHOR_RECLAIM_SET_GONE;
	} else if (run->set->is_foreign && run->set->is_foreign(run->set, entry)) {
		entry->state = PANTHOR_RECLAIM_SET_LEFT;
		set_count(run, PANTHOR_RECLAIM_STAT_SKIP_FOREIGN, 1);
	}
}

static bool wanted(struct set_run *run, struct panthor_reclaim_set_entry *entry)
{
	if (entry->state != PANTHOR_RECLAIM_SET_WAITING || entry->round == run->round)
		return false;

	if (run->reclaim->ops->swap_pages() < entry->bo->nr_pages) {
		entry->state = PANTHOR_RECLAIM_SET_NOSWAP;
		return false;
	}

	return true;
}

/*
 * The mappings of the VM's BOs from @first on, or of as many of them as can be
 * taken at once.
 */
static void unmap_private(struct set_run *run, struct panthor_reclaim_vm *vm,
			  unsigned long first, struct list_head *victims)
{
	struct panthor_reclaim_set *set = run->set;

	for (unsigned long i = first; i < set->nr_entries; i++) {
		struct panthor_reclaim_set_entry *entry = &set->entries[i];
		int ret;

		/* The one at @first was isolated along with the VM. */
		if (i != first) {
			if (READ_ONCE(entry->bo->vm) != vm || !wanted(run, entry))
				continue;

			if (panthor_reclaim_isolate(run->reclaim, entry->bo, &vm)) {
				run->again = true;
				continue;
			}
		}

		entry->round = run->round;
		run->scan.scanned += entry->bo->nr_pages;
		ret = run->reclaim->ops->zap_vm_bo(vm, entry->bo);
		note_result(run, entry, PANTHOR_RECLAIM_PRIVATE, ret == -ENOSPC ? 0 : ret);
		if (ret && ret != -ENOSPC) {
			panthor_reclaim_putback_bo(run->reclaim, entry->bo);
			continue;
		}

		entry->state = PANTHOR_RECLAIM_SET_UNMAPPED;
		list_add_tail(&entry->bo->victims, victims);
		if (ret)
			break;
	}
}

/* None of them is tried again in this round. */
static void skip_vm(struct set_run *run, struct panthor_reclaim_vm *vm, unsigned long first)
{
	struct panthor_reclaim_set *set = run->set;

	for (unsigned long i = first; i < set->nr_entries; i++) {
		if (READ_ONCE(set->entries[i].bo->vm) == vm)
			set->entries[i].round = run->round;
	}
}

static void keep_busy_vm(struct set_run *run, struct panthor_reclaim_vm *vm)
{
	if (!run->busy_vm && panthor_reclaim_get_vm(run->reclaim, vm))
		run->busy_vm = vm;
}

/* @vm and the entry at @first are isolated. Both are put back. */
static void evict_private(struct set_run *run, struct panthor_reclaim_vm *vm,
			  unsigned long first)
{
	struct panthor_reclaim *reclaim = run->reclaim;
	struct panthor_reclaim_set *set = run->set;
	unsigned int pending = 0;
	struct panthor_reclaim_bo *bo, *next;
	LIST_HEAD(victims);
	LIST_HEAD(kept);
	int ret;

	ret = reclaim->ops->begin_vm(vm, &pending);
	if (ret) {
		skip_vm(run, vm, first);
		panthor_reclaim_putback_bo(reclaim, set->entries[first].bo);
		run->again = true;
		if (ret == -EBUSY)
			keep_busy_vm(run, vm);
	} else {
		/* What did not fit is picked up by the round, from the next BO on. */
		unmap_private(run, vm, first, &victims);
		ret = reclaim->ops->end_vm(vm, &victims, &kept);
	}
	trace_panthor_reclaim_vm(reclaim, &run->scan, vm, ret, pending);
	panthor_reclaim_putback_vm(reclaim, vm);
	put_vm(reclaim, vm);

	list_for_each_entry_safe(bo, next, &kept, victims)
		list_del_init(&bo->victims);

	for (unsigned long i = first; i < set->nr_entries; i++) {
		struct panthor_reclaim_set_entry *entry = &set->entries[i];
		bool is_kept = list_empty(&entry->bo->victims);

		if (entry->state != PANTHOR_RECLAIM_SET_UNMAPPED)
			continue;

		list_del_init(&entry->bo->victims);
		panthor_reclaim_putback_bo(reclaim, entry->bo);
		if (is_kept) {
			entry->state = PANTHOR_RECLAIM_SET_WAITING;
			run->again = true;
		} else {
			entry->state = PANTHOR_RECLAIM_SET_EVICTED;
			start_writing(run, entry);
		}
	}
}

/* The entry is isolated, and put back. */
static void evict_single(struct set_run *run, struct panthor_reclaim_set_entry *entry)
{
	enum panthor_reclaim_class class = READ_ONCE(entry->bo->class);
	int ret;

	run->scan.scanned += entry->bo->nr_pages;
	ret = run->reclaim->ops->evict_bo(entry->bo);
	note_result(run, entry, class, ret);
	panthor_reclaim_putback_bo(run->reclaim, entry->bo);
	if (!ret)
		start_writing(run, entry);
}

static int do_round(struct set_run *run)
{
	struct panthor_reclaim_set *set = run->set;

	run->round++;
	run->again = false;
	run->busy_bo = NULL;

	for (unsigned long i = 0; i < set->nr_entries; i++)
		sort_out(run, &set->entries[i]);

	for (unsigned long i = 0; i < set->nr_entries; i++) {
		struct panthor_reclaim_set_entry *entry = &set->entries[i];
		struct panthor_reclaim_vm *vm = NULL;

		if (!wanted(run, entry))
			continue;

		if (signal_pending(current))
			return -EINTR;

		entry->round = run->round;
		if (panthor_reclaim_isolate(run->reclaim, entry->bo, &vm)) {
			run->again = true;
			continue;
		}

		if (vm)
			evict_private(run, vm, i);
		else
			evict_single(run, entry);
		cond_resched();
	}

	return 0;
}

/* Wait for what was in the way, for a slice of the time left. -EINTR on a signal. */
static int wait_slice(struct set_run *run)
{
	const struct panthor_reclaim_ops *ops = run->reclaim->ops;
	ktime_t start = ktime_get();
	s64 left = ktime_to_ns(ktime_sub(run->deadline, start));
	u64 ns = clamp_t(s64, left, 0, WAIT_SLICE_NS);
	int ret = 0;

	if (run->busy_vm)
		ret = ops->wait_vm(run->busy_vm, ns, true);
	else if (run->busy_bo)
		ret = ops->wait_bo(run->busy_bo, ns, true);

	/* Idle already, or it is not jobs that are in the way. */
	if (!ret)
		usleep_range(LOCK_POLL_US / 2, LOCK_POLL_US);

	if (run->busy_vm || run->busy_bo) {
		ns = ktime_to_ns(ktime_sub(ktime_get(), start));
		set_count(run, PANTHOR_RECLAIM_STAT_WAITS, 1);
		set_count(run, PANTHOR_RECLAIM_STAT_WAIT_US, div_u64(ns, NSEC_PER_USEC));
		trace_panthor_reclaim_wait(run->reclaim, &run->scan, ns, ret);
	}

	if (run->busy_vm)
		put_vm(run->reclaim, run->busy_vm);
	run->busy_vm = NULL;

	return ret == -ERESTARTSYS ? -EINTR : 0;
}

/*
 * Once everything has been started, wait for it: also for what others evicted,
 * whose pages may still be on their way.
 */
static int finish_writing(struct set_run *run)
{
	unsigned long left = 0;

	for (unsigned long i = 0; i < run->set->nr_entries; i++) {
		struct panthor_reclaim_bo *bo = run->set->entries[i].bo;

		if (!READ_ONCE(bo->evicted))
			continue;

		if (signal_pending(current))
			return -EINTR;

		run->reclaim->ops->write_out(bo, true, &run->scan.freed, &run->scan.writeback);
		left += run->reclaim->ops->pages_left(bo);
		cond_resched();
	}

	/*
	 * Otherwise they are coming back, or somebody looks at them: a CPU that
	 * is about to put them on a list, for one.
	 */
	return left > run->reclaim->ops->swap_pages() ? -ENOSPC : 0;
}

static int conclude(struct set_run *run)
{
	bool busy = false, noswap = false;

	for (unsigned long i = 0; i < run->set->nr_entries; i++) {
		switch (run->set->entries[i].state) {
		case PANTHOR_RECLAIM_SET_WAITING:
			busy = true;
			set_count(run, PANTHOR_RECLAIM_STAT_SKIP_BUSY, 1);
			break;
		case PANTHOR_RECLAIM_SET_NOSWAP:
			noswap = true;
			break;
		default:
			break;
		}
	}

	if (noswap)
		set_count(run, PANTHOR_RECLAIM_STAT_SKIP_NOSWAP, 1);

	return noswap ? -ENOSPC : busy ? -EBUSY : 0;
}

/**
 * panthor_reclaim_evict_set() - Have a given set of BOs leave memory
 * @reclaim: The device's reclaim.
 * @set: The BOs. Their states are set.
 *
 * Whatever is returned, what could go is gone. A BO that comes back meanwhile is
 * not evicted a second time.
 *
 * Context: Process context outside of reclaim, no lock of the driver held.
 * Sleeps: for jobs and locks as long as @set->budget_ns says, and for swap I/O.
 *
 * Return: 0 on success, -EBUSY if jobs or locks outlasted the time, -ENOSPC if
 * swap did not take everything, -EINTR if a signal arrived.
 */
int panthor_reclaim_evict_set(struct panthor_reclaim *reclaim,
			      struct panthor_reclaim_set *set)
{
	struct set_run run = {
		.reclaim = reclaim,
		.set = set,
		.deadline = ktime_add_ns(ktime_get(), set->budget_ns),
	};
	int ret, err;

	for (unsigned long i = 0; i < set->nr_entries; i++)
		run.scan.target += set->entries[i].bo->nr_pages;
	panthor_reclaim_scan_begin(reclaim, &run.scan);

	for (;;) {
		ret = do_round(&run);
		if (ret || !run.again || ktime_compare(ktime_get(), run.deadline) >= 0)
			break;

		ret = wait_slice(&run);
		if (ret)
			break;
	}
	if (run.busy_vm)
		put_vm(reclaim, run.busy_vm);

	if (!ret) {
		ret = finish_writing(&run);
		err = conclude(&run);
		ret = ret ?: err;
	}

	panthor_reclaim_scan_end(reclaim, &run.scan);

	return ret;
}
