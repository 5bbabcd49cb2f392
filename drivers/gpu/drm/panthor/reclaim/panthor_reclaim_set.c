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
 * It is not called from reclaim. It waits a lot longer than a scan does, and so
 * it ends on a signal and when the set is cancelled. Both are looked at after each
 * batch of evictions and after each part of a BO that is written, whatever its
 * size. A run that a signal ends has done at least one of these, and what has left
 * is not looked at again, so that runs that are repeated come to an end.
 *
 * What cannot leave is not unmapped: swap space is looked at before, also that of
 * those who pay, and pages whose write has failed end the run. As writing is only
 * started at first, that becomes known up to MAX_LEAVING pages later.
 *
 * It isolates what it works on, as a scan does, so that scans and other sets skip
 * it.
 */

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "panthor_reclaim_private.h"
#include "panthor_reclaim_set.h"
#include "panthor_reclaim_trace.h"

/* Something else may have got out of the way meanwhile, or the set is cancelled. */
#define WAIT_SLICE_NS	(10 * NSEC_PER_MSEC)

/* Locks are held for short times only, so look again soon. */
#define LOCK_POLL_US	1000

/* Pages of a VM that are unmapped with one flush. */
#define BATCH_PAGES	(SZ_16M >> PAGE_SHIFT)

/* Pages under way to swap before the first of them are waited for. */
#define MAX_LEAVING	(SZ_16M >> PAGE_SHIFT)

/* Pages that are written before signals are looked at: some ms of a slow card. */
#define PART_PAGES	(SZ_256K >> PAGE_SHIFT)

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

	/** @progress: Something has been done. Before that, only fatal signals end the run. */
	bool progress;

	/** @full: Swap has refused something. */
	bool full;

	/** @out: Pages of the set that are evicted. */
	unsigned long out;

	/** @unmapped: Pages of the current batch, which do not take up swap space yet. */
	unsigned long unmapped;

	/** @leaving: Entries whose writeback has been started, in that order. */
	struct list_head leaving;

	/** @nr_leaving: Number of pages of @leaving. */
	unsigned long nr_leaving;

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
		/* Pinned, or without pages by now. The next round knows. */
		run->again = true;
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

/* 0 to go on, -ECANCELED, or -ERESTARTSYS on a signal. */
static int check_end(struct set_run *run)
{
	if (run->set->is_cancelled && run->set->is_cancelled(run->set))
		return -ECANCELED;

	if (run->progress ? signal_pending(current) : fatal_signal_pending(current))
		return -ERESTARTSYS;

	return 0;
}

static bool enter(struct set_run *run)
{
	return !run->set->enter || run->set->enter(run->set);
}

static void exit(struct set_run *run)
{
	if (run->set->exit)
		run->set->exit(run->set);
}

static bool enough(const struct set_run *run)
{
	return run->set->max_pages && run->out >= run->set->max_pages;
}

/*
 * Writes an evicted BO part by part, from the first that is not known to have
 * left on. 0, -EAGAIN if pages stayed for the moment, -ENOSPC if swap did not
 * take them, or what check_end() returned.
 */
static int write_bo(struct set_run *run, struct panthor_reclaim_bo *bo, bool wait)
{
	unsigned int evictions = READ_ONCE(bo->evictions);
	unsigned long first = READ_ONCE(bo->written);
	int stuck = 0;

	while (first < bo->nr_pages && READ_ONCE(bo->evicted)) {
		unsigned long end = min(first + PART_PAGES, bo->nr_pages), writeback = 0;
		int ret;

		ret = run->reclaim->ops->write_out(bo, first, end - 1, wait,
						   &run->scan.freed, &writeback);
		run->progress = true;
		if (wait)
			run->scan.writeback += writeback;
		if (ret == -ENOSPC)
			return ret;

		stuck = stuck ?: ret;
		if (wait && !stuck)
			panthor_reclaim_bo_written(run->reclaim, bo, evictions, end);

		ret = check_end(run);
		if (ret)
			return ret;

		first = end;
		cond_resched();
	}

	return stuck;
}

/* Waits until an evicted BO has left. 0 to go on, or what check_end() returned. */
static int finish_writing(struct set_run *run, struct panthor_reclaim_set_entry *entry)
{
	int ret = write_bo(run, entry->bo, true);

	switch (ret) {
	case -ENOSPC:
		entry->state = PANTHOR_RECLAIM_SET_NOSWAP;
		run->full = true;
		return 0;
	case -EAGAIN:
		entry->state = PANTHOR_RECLAIM_SET_STUCK;
		return 0;
	default:
		return ret;
	}
}

/* Waits until no more than @max pages are under way. */
static int drain(struct set_run *run, unsigned long max)
{
	int ret = 0;

	while (!ret && run->nr_leaving > max) {
		struct panthor_reclaim_set_entry *entry;

		entry = list_first_entry(&run->leaving, struct panthor_reclaim_set_entry,
					 leaving);
		list_del(&entry->leaving);
		run->nr_leaving -= entry->bo->nr_pages;
		ret = finish_writing(run, entry);
	}

	return ret;
}

/* Some is on its way before any is waited for. */
static int start_writing(struct set_run *run, struct panthor_reclaim_set_entry *entry)
{
	list_add_tail(&entry->leaving, &run->leaving);
	run->nr_leaving += entry->bo->nr_pages;

	return write_bo(run, entry->bo, false);
}

static void note_evicted(struct set_run *run, struct panthor_reclaim_set_entry *entry)
{
	entry->state = PANTHOR_RECLAIM_SET_EVICTED;
	run->progress = true;
	run->set->evicted += entry->bo->nr_pages;
	run->scan.evicted += entry->bo->nr_pages;
	set_count(run, PANTHOR_RECLAIM_STAT_EVICTED_BOS, 1);
	set_count(run, PANTHOR_RECLAIM_STAT_EVICTED_PAGES, entry->bo->nr_pages);
}

/* See what need not or must not be tried, while no lock is held. */
static void sort_out(struct set_run *run, struct panthor_reclaim_set_entry *entry)
{
	if (entry->state != PANTHOR_RECLAIM_SET_WAITING)
		return;

	if (run->set->is_foreign && run->set->is_foreign(run->set, entry)) {
		entry->state = PANTHOR_RECLAIM_SET_LEFT;
		set_count(run, PANTHOR_RECLAIM_STAT_SKIP_FOREIGN, 1);
	} else if (READ_ONCE(entry->bo->class) == PANTHOR_RECLAIM_UNRECLAIMABLE) {
		if (READ_ONCE(entry->bo->evicted))
			entry->state = PANTHOR_RECLAIM_SET_EVICTED;
		else if (run->reclaim->ops->is_pinned(entry->bo))
			run->again = true;
		else
			entry->state = PANTHOR_RECLAIM_SET_GONE;
	}
}

static bool wanted(struct set_run *run, struct panthor_reclaim_set_entry *entry)
{
	if (entry->state != PANTHOR_RECLAIM_SET_WAITING || entry->round == run->round ||
	    READ_ONCE(entry->bo->class) == PANTHOR_RECLAIM_UNRECLAIMABLE || enough(run))
		return false;

	if (run->full || run->reclaim->ops->swap_pages_of(entry->bo) <
			 entry->bo->nr_pages + run->unmapped) {
		/* What is unmapped may be charged elsewhere: look again when it is written. */
		if (run->unmapped)
			run->again = true;
		else
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
		run->unmapped += entry->bo->nr_pages;
		run->out += entry->bo->nr_pages;
		if (ret || run->unmapped >= BATCH_PAGES)
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

/*
 * Puts the BOs of a batch back. Those still linked have been evicted, the others
 * were kept.
 */
static void put_batch_back(struct set_run *run, unsigned long first, struct list_head *evicted)
{
	struct panthor_reclaim_set *set = run->set;

	for (unsigned long i = first; i < set->nr_entries; i++) {
		struct panthor_reclaim_set_entry *entry = &set->entries[i];
		bool is_kept = list_empty(&entry->bo->victims);

		if (entry->state != PANTHOR_RECLAIM_SET_UNMAPPED)
			continue;

		list_del_init(&entry->bo->victims);
		panthor_reclaim_putback_bo(run->reclaim, entry->bo);
		if (is_kept) {
			entry->state = PANTHOR_RECLAIM_SET_WAITING;
			run->out -= entry->bo->nr_pages;
			run->again = true;
		} else {
			note_evicted(run, entry);
			list_add_tail(&entry->leaving, evicted);
		}
	}
}

static int write_batch(struct set_run *run, struct list_head *evicted)
{
	struct panthor_reclaim_set_entry *entry, *next;
	int ret = 0;

	list_for_each_entry_safe(entry, next, evicted, leaving) {
		list_del(&entry->leaving);
		if (!ret)
			ret = start_writing(run, entry);
	}
	run->unmapped = 0;

	return ret;
}

/* @vm and the entry at @first are isolated. Both are put back. */
static int evict_private(struct set_run *run, struct panthor_reclaim_vm *vm,
			 unsigned long first)
{
	struct panthor_reclaim *reclaim = run->reclaim;
	struct panthor_reclaim_set *set = run->set;
	struct panthor_reclaim_bo *bo, *next;
	unsigned int pending = 0;
	LIST_HEAD(victims);
	LIST_HEAD(kept);
	LIST_HEAD(evicted);
	int ret;

	ret = enter(run) ? reclaim->ops->begin_vm(vm, &pending) : -ENODEV;
	if (!ret) {
		/* What did not fit is picked up by the round, from the next BO on. */
		unmap_private(run, vm, first, &victims);
		ret = reclaim->ops->end_vm(vm, &victims, &kept);
		exit(run);
	} else {
		if (ret != -ENODEV)
			exit(run);
		skip_vm(run, vm, first);
		panthor_reclaim_putback_bo(reclaim, set->entries[first].bo);
		run->again = true;
		if (ret == -EBUSY)
			keep_busy_vm(run, vm);
	}
	trace_panthor_reclaim_vm(reclaim, &run->scan, vm, ret, pending);
	panthor_reclaim_putback_vm(reclaim, vm);
	put_vm(reclaim, vm);

	list_for_each_entry_safe(bo, next, &kept, victims)
		list_del_init(&bo->victims);
	put_batch_back(run, first, &evicted);

	return ret == -ENODEV ? ret : write_batch(run, &evicted);
}

/* The entry is isolated, and put back. */
static int evict_single(struct set_run *run, struct panthor_reclaim_set_entry *entry)
{
	enum panthor_reclaim_class class = READ_ONCE(entry->bo->class);
	int ret = -ENODEV;

	run->scan.scanned += entry->bo->nr_pages;
	if (enter(run)) {
		ret = run->reclaim->ops->evict_bo(entry->bo);
		exit(run);
		note_result(run, entry, class, ret);
	}
	panthor_reclaim_putback_bo(run->reclaim, entry->bo);
	if (ret)
		return ret == -ENODEV ? ret : 0;

	run->out += entry->bo->nr_pages;
	note_evicted(run, entry);

	return start_writing(run, entry);
}

static int evict_entry(struct set_run *run, unsigned long i)
{
	struct panthor_reclaim_set_entry *entry = &run->set->entries[i];
	struct panthor_reclaim_vm *vm = NULL;
	int ret;

	entry->round = run->round;
	if (panthor_reclaim_isolate(run->reclaim, entry->bo, &vm)) {
		run->again = true;
		return 0;
	}

	ret = vm ? evict_private(run, vm, i) : evict_single(run, entry);
	if (!ret && !run->set->nowait)
		ret = drain(run, MAX_LEAVING);

	return ret;
}

static int do_round(struct set_run *run)
{
	struct panthor_reclaim_set *set = run->set;
	int ret;

	run->round++;
	run->again = false;
	run->busy_bo = NULL;

	for (unsigned long i = 0; i < set->nr_entries; i++) {
		sort_out(run, &set->entries[i]);
		ret = check_end(run);
		if (ret)
			return ret;
		cond_resched();
	}

	for (unsigned long i = 0; i < set->nr_entries; i++) {
		if (!wanted(run, &set->entries[i]))
			continue;

		ret = check_end(run);
		if (!ret)
			ret = evict_entry(run, i);
		if (ret)
			return ret;
		cond_resched();
	}

	return 0;
}

/* Wait for what was in the way, for a slice of the time left. */
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

	run->progress = true;

	return ret == -ERESTARTSYS ? ret : check_end(run);
}

/* Also waits for what others evicted, whose pages may still be on their way. */
static int finish_all(struct set_run *run)
{
	struct panthor_reclaim_set *set = run->set;
	int ret;

	if (set->nowait)
		return 0;

	ret = drain(run, 0);
	for (unsigned long i = 0; !ret && i < set->nr_entries; i++) {
		struct panthor_reclaim_set_entry *entry = &set->entries[i];

		if (entry->state == PANTHOR_RECLAIM_SET_EVICTED &&
		    READ_ONCE(entry->bo->written) < entry->bo->nr_pages)
			ret = finish_writing(run, entry);
	}

	return ret;
}

static int conclude(struct set_run *run)
{
	bool busy = false, noswap = false, back = false;

	for (unsigned long i = 0; i < run->set->nr_entries; i++) {
		struct panthor_reclaim_set_entry *entry = &run->set->entries[i];

		switch (entry->state) {
		case PANTHOR_RECLAIM_SET_WAITING:
			if (enough(run))
				break;
			busy = true;
			set_count(run, PANTHOR_RECLAIM_STAT_SKIP_BUSY, 1);
			break;
		case PANTHOR_RECLAIM_SET_NOSWAP:
			noswap = true;
			break;
		case PANTHOR_RECLAIM_SET_STUCK:
			back = true;
			break;
		case PANTHOR_RECLAIM_SET_EVICTED:
			back |= !READ_ONCE(entry->bo->evicted);
			break;
		default:
			break;
		}
	}

	if (noswap)
		set_count(run, PANTHOR_RECLAIM_STAT_SKIP_NOSWAP, 1);

	return noswap ? -ENOSPC : busy ? -EBUSY : back ? -EAGAIN : 0;
}

static int evict_all(struct set_run *run)
{
	int ret;

	for (;;) {
		ret = do_round(run);
		if (ret || !run->again || enough(run) ||
		    ktime_compare(ktime_get(), run->deadline) >= 0)
			break;

		ret = wait_slice(run);
		if (ret)
			break;
	}
	if (run->busy_vm)
		put_vm(run->reclaim, run->busy_vm);

	ret = ret ?: finish_all(run);

	return ret ?: conclude(run);
}

/**
 * panthor_reclaim_evict_set() - Evict a given set of BOs and write them to swap
 * @reclaim: The device's reclaim.
 * @set: The BOs. Their states are set.
 *
 * On -EAGAIN, -EBUSY and -ENOSPC what could go is gone. A BO that comes back
 * meanwhile is not evicted a second time.
 *
 * Context: Process context outside of reclaim, no lock of the driver held.
 * Sleeps: for jobs and locks as long as @set->budget_ns says, and for swap I/O.
 *
 * Return: 0 if all that was to go has left memory, -EBUSY if jobs, pins or locks
 * outlasted the time, -ENOSPC if swap did not take everything, -EAGAIN if
 * something has come back meanwhile or stayed for the moment, -ECANCELED if the
 * set was cancelled, -ERESTARTSYS if a signal arrived, -ENODEV if the device is
 * gone.
 */
int panthor_reclaim_evict_set(struct panthor_reclaim *reclaim,
			      struct panthor_reclaim_set *set)
{
	struct set_run run = {
		.reclaim = reclaim,
		.set = set,
		.deadline = ktime_add_ns(ktime_get(), set->budget_ns),
		.leaving = LIST_HEAD_INIT(run.leaving),
	};
	int ret;

	for (unsigned long i = 0; i < set->nr_entries; i++) {
		run.scan.target += set->entries[i].bo->nr_pages;
		if (READ_ONCE(set->entries[i].bo->evicted))
			run.out += set->entries[i].bo->nr_pages;
	}
	run.scan.seq = atomic64_inc_return(&reclaim->seq);
	set_count(&run, PANTHOR_RECLAIM_STAT_SCANS, 1);
	trace_panthor_reclaim_scan_begin(reclaim, &run.scan);

	ret = evict_all(&run);

	set_count(&run, PANTHOR_RECLAIM_STAT_SCANNED_PAGES, run.scan.scanned);
	set_count(&run, PANTHOR_RECLAIM_STAT_FREED_PAGES, run.scan.freed);
	set_count(&run, PANTHOR_RECLAIM_STAT_WRITTEN_PAGES, run.scan.writeback);
	trace_panthor_reclaim_scan_end(reclaim, &run.scan);

	return ret;
}
