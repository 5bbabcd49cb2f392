// SPDX-License-Identifier: GPL-2.0 or MIT

/**
 * DOC: making room
 *
 * Reclaim can only try: it comes in from below all locks, steps over what it
 * cannot have and must not wait for long. Whoever is about to tell user space
 * that there is no memory can do better. This file decides how it is made.
 *
 * A visit
 * =======
 *
 * Who needs memory for BOs starts a visit, without any lock of the driver, says
 * how many pages it needs (panthor_room_get()), allocates them
 * (panthor_room_fill()), and ends the visit when what it needed the memory for
 * has been done: a bind is ready, a CPU fault has been served, or the jobs have
 * been submitted, so that their fences say that the memory is in use.
 *
 * As long as memory is plentiful that costs reading a few counters. Memory is
 * plentiful if what has been promised to all visits and a reserve can be had
 * without swapping anything out. The reserve is what keeps the OOM killer away:
 * allocations of everybody else, which know nothing of turns and fences, always
 * find some.
 *
 * Turns
 * =====
 *
 * If memory is short the visit gets in a queue. One visit at a time has the
 * turn, in the order of arrival, and evicts the coldest BOs until there is room
 * for what it needs as a whole. Without turns two clients that do not fit
 * together would each bring a part of their BOs back, find that the other one
 * holds the rest, and fail or evict each other without end. A visit that waits in
 * the queue has pinned nothing: what it brought back before goes to the visit that
 * has the turn.
 *
 * A submission that has the turn holds its VM, which means that no scan takes
 * anything away from it, and pins what it brings back. At the end of the visit
 * the fences of its jobs protect the memory until they have run. The VM is then
 * kept for as long as it took to bring its memory back, if it has jobs for that
 * long: no other submission has room made at its expense meanwhile, so that at
 * least half of the time is spent on jobs and not on swapping. Reclaim by mm and
 * visits for a single BO, such as those of CPU faults, take no notice of that.
 *
 * If all that could go is in use, the turn waits for jobs of other VMs. A client
 * that always has some job queued would never be idle: while the turn waits,
 * new submissions of others do as well (panthor_room_yield()), unless their VM
 * is to be kept. They do not wait for long: the jobs that are waited for may
 * themselves wait for one of those that are about to be submitted.
 *
 * Giving up
 * =========
 *
 * If swap is full, or is itself in memory (zram, zswap), all that a VM needs may not
 * fit at once but part by part: what comes back leaves swap to what has to go, and
 * the memory that it took there (panthor_room_get_by_parts()).
 *
 * What other visits read from swap, or have pinned until their jobs are submitted,
 * cannot go yet, but will: it is waited for.
 *
 * -ENOMEM remains for what cannot fit: what is needed exceeds all that could be
 * freed or swapped out, nothing evictable is left, or nothing could be evicted
 * for a time that is longer than a hung job lives. All waits end on a signal.
 *
 * Rules
 * =====
 *
 * A visit sleeps, waits for fences and for I/O. Hence no lock of the driver may
 * be held that is also taken on the way to signalling a fence, that is, no resv,
 * no op_lock, no lock of heaps. Who may not wait, such as the work that extends
 * a tiler heap while the GPU waits for it, uses panthor_room_fill_nowait(),
 * which fails at once if memory would have to be reclaimed.
 *
 * &panthor_room.lock is held for list operations only; nothing is taken under it.
 */

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include <drm/drm_print.h>

#include "panthor_reclaim_private.h"
#include "panthor_room.h"

/* How long one scan waits for jobs. Then it is seen whether others have become idle. */
#define SCAN_BUDGET_NS		(20 * NSEC_PER_MSEC)

/* A VM is kept for the time it took to bring it back, within these bounds. */
#define KEEP_MIN_NS		(10 * NSEC_PER_MSEC)
#define KEEP_MAX_NS		(10 * NSEC_PER_SEC)

/* Who is on the way out of another scan is neither here nor there for a moment. */
#define MAX_DOUBTS		5

/* Times an allocation is tried again after room was made for it. */
#define MAX_RETRIES		8

/* What part of the time after which the turn gives up others let it wait for their jobs. */
#define YIELD_PART		30

/* Small needs evict some more: every scan costs flushes. */
#define MIN_TARGET		((unsigned long)SZ_2M >> PAGE_SHIFT)

static const char * const stat_names[PANTHOR_ROOM_STAT_COUNT] = {
	[PANTHOR_ROOM_STAT_CALLS] = "room_calls",
	[PANTHOR_ROOM_STAT_SCANS] = "room_scans",
	[PANTHOR_ROOM_STAT_PAGES] = "room_pages",
	[PANTHOR_ROOM_STAT_WAITS] = "room_waits",
	[PANTHOR_ROOM_STAT_TURNS] = "room_turns",
	[PANTHOR_ROOM_STAT_QUEUED] = "room_queued",
	[PANTHOR_ROOM_STAT_TURN_US] = "room_turn_us",
	[PANTHOR_ROOM_STAT_WAIT_US] = "room_wait_us",
	[PANTHOR_ROOM_STAT_SCAN_US] = "room_scan_us",
	[PANTHOR_ROOM_STAT_FILL_US] = "room_fill_us",
	[PANTHOR_ROOM_STAT_YIELDS] = "room_yields",
	[PANTHOR_ROOM_STAT_RETRIES] = "room_retries",
	[PANTHOR_ROOM_STAT_PARTS] = "room_parts",
	[PANTHOR_ROOM_STAT_INTERRUPTED] = "room_interrupted",
	[PANTHOR_ROOM_STAT_FAILURES] = "room_failures",
	[PANTHOR_ROOM_STAT_NOWAIT_FAILURES] = "room_nowait_failures",
};

static void count(struct panthor_room *room, enum panthor_room_stat stat, unsigned long value)
{
	atomic_long_add(value, &room->stats[stat]);
}

static void count_time(struct panthor_room *room, enum panthor_room_stat stat, ktime_t start)
{
	count(room, stat, ktime_us_delta(ktime_get(), start));
}

static int count_result(struct panthor_room *room, int err)
{
	if (err == -ENOMEM)
		count(room, PANTHOR_ROOM_STAT_FAILURES, 1);
	else if (err == -ERESTARTSYS)
		count(room, PANTHOR_ROOM_STAT_INTERRUPTED, 1);

	return err;
}

/**
 * panthor_room_init() - Prepare making room
 * @room: Where room is to be made, zeroed.
 * @reclaim: The device's reclaim.
 * @ops: What is known of the machine.
 * @reserve: Pages to leave to everybody else.
 * @give_up_ns: Time in nanoseconds without any progress after which there is no
 *		room. Longer than jobs may take.
 *
 * Context: Any, does not sleep.
 */
void panthor_room_init(struct panthor_room *room, struct panthor_reclaim *reclaim,
		       const struct panthor_room_ops *ops, unsigned long reserve,
		       u64 give_up_ns)
{
	room->reclaim = reclaim;
	room->ops = ops;
	room->reserve = reserve;
	room->give_up_ns = give_up_ns;
	spin_lock_init(&room->lock);
	INIT_LIST_HEAD(&room->queue);
	init_waitqueue_head(&room->wait);
}

/**
 * panthor_room_print() - Print statistics
 * @room: Where room is made.
 * @p: Where to print. One line per fact, name and decimal value.
 *
 * Context: Process context.
 */
void panthor_room_print(struct panthor_room *room, struct drm_printer *p)
{
	for (int i = 0; i < PANTHOR_ROOM_STAT_COUNT; i++)
		drm_printf(p, "%s %ld\n", stat_names[i], atomic_long_read(&room->stats[i]));
	drm_printf(p, "room_promised_pages %ld\n", atomic_long_read(&room->promised));
	drm_printf(p, "room_queued_pages %ld\n", atomic_long_read(&room->queued));
}

static int check_signals(const struct panthor_room_visit *visit)
{
	if (visit->killable ? fatal_signal_pending(current) : signal_pending(current))
		return -ERESTARTSYS;

	return visit->room->ops->gone(visit->room) ? -ENODEV : 0;
}

static void promise(struct panthor_room_visit *visit, unsigned long nr_pages)
{
	visit->asked += nr_pages;
	visit->promised += nr_pages;
	atomic_long_add(nr_pages, &visit->room->asked);
	atomic_long_add(nr_pages, &visit->room->promised);
}

static void keep_promise(struct panthor_room_visit *visit, unsigned long nr_pages)
{
	nr_pages = min(nr_pages, visit->promised);
	visit->promised -= nr_pages;
	atomic_long_sub(nr_pages, &visit->room->promised);
}

/* The visit neither needs these pages any more nor keeps those it has from others. */
static void forget(struct panthor_room_visit *visit, unsigned long nr_pages)
{
	keep_promise(visit, nr_pages);
	visit->asked -= nr_pages;
	atomic_long_sub(nr_pages, &visit->room->asked);
}

/* Pages that are missing for all that was promised, the reserve, and @more. */
static unsigned long shortage(struct panthor_room *room, unsigned long more)
{
	unsigned long available = room->ops->available(room);
	unsigned long needed = room->reserve + more +
			       max(atomic_long_read(&room->promised), 0L);

	return needed > available ? needed - available : 0;
}

/* Pages of visits that are not in the queue. They can go when the visits have ended. */
static unsigned long asked_by_others(const struct panthor_room_visit *visit)
{
	long asked = atomic_long_read(&visit->room->asked);

	return max(asked - (long)visit->asked, 0L);
}

/*
 * What mm and we could have swapped out, if nobody used it. Generous: where it
 * errs, nothing is found to be evictable later.
 */
static unsigned long could_go(const struct panthor_room_visit *visit, unsigned long swap_pages)
{
	struct panthor_room *room = visit->room;
	unsigned long could = panthor_reclaim_reclaimable(room->reclaim);
	unsigned long own = visit->vm ? panthor_reclaim_vm_pages(room->reclaim, visit->vm) : 0;

	could -= min(could, own);
	could += asked_by_others(visit);
	swap_pages += panthor_reclaim_swap_pages(room->reclaim);

	return min(could, swap_pages) + room->ops->swappable(room);
}

/*
 * One scan. *@left gets the pages that left memory: what was only unmapped is no
 * progress. Returns whether there is anything that may be had later.
 */
static bool scan(struct panthor_room_visit *visit, unsigned long target, unsigned long *left)
{
	struct panthor_room *room = visit->room;
	const struct panthor_reclaim_account_ops *account_ops = room->reclaim->account_ops;
	struct panthor_reclaim_scan scan = {
		.target = max(target, MIN_TARGET),
		.budget_ns = SCAN_BUDGET_NS,
		.wait_writeback = true,
		.interruptible = !visit->killable,
		.respect_keep = visit->vm,
	};
	ktime_t start = ktime_get();

	if (account_ops)
		account_ops->begin_foreground(&scan);
	panthor_reclaim_run(room->reclaim, &scan);
	count_time(room, PANTHOR_ROOM_STAT_SCAN_US, start);
	count(room, PANTHOR_ROOM_STAT_SCANS, 1);
	count(room, PANTHOR_ROOM_STAT_PAGES, scan.evicted);
	*left = scan.freed + scan.writeback;

	return scan.busy || scan.contended;
}

/* The visit has the turn. @more: memory is short by this although it does not look so. */
static int make_room(struct panthor_room_visit *visit, unsigned long more)
{
	struct panthor_room *room = visit->room;
	ktime_t progress = ktime_get();
	unsigned int doubts = 0;
	unsigned long missing;

	missing = shortage(room, more);
	if (!missing)
		return 0;

	count(room, PANTHOR_ROOM_STAT_CALLS, 1);
	do {
		unsigned long left;
		ktime_t start;
		bool later;
		int ret;

		ret = check_signals(visit);
		if (ret)
			return ret;

		later = missing <= could_go(visit, 0);
		if (later) {
			later = scan(visit, missing, &left);
			if (left) {
				progress = ktime_get();
				doubts = 0;
				continue;
			}

			/* Other visits hold no more than they need, and not for long. */
			later |= asked_by_others(visit) > 0;

			/* The rest is for mm to swap out, in the course of the allocation. */
			if (!later && shortage(room, more) <= room->ops->swappable(room))
				return 0;
		}

		if (later ? ktime_to_ns(ktime_sub(ktime_get(), progress)) > room->give_up_ns :
			    ++doubts > MAX_DOUBTS)
			return -ENOMEM;

		if (later)
			WRITE_ONCE(room->starving, true);
		start = ktime_get();
		usleep_range_state(USEC_PER_MSEC, 2 * USEC_PER_MSEC,
				   visit->killable ? TASK_KILLABLE : TASK_INTERRUPTIBLE);
		count(room, PANTHOR_ROOM_STAT_WAITS, 1);
		count_time(room, PANTHOR_ROOM_STAT_WAIT_US, start);
	} while ((missing = shortage(room, more)));

	return 0;
}

static bool is_first(struct panthor_room_visit *visit)
{
	bool first;

	spin_lock(&visit->room->lock);
	first = list_first_entry(&visit->room->queue, struct panthor_room_visit, link) == visit;
	spin_unlock(&visit->room->lock);

	return first;
}

static void leave_queue(struct panthor_room_visit *visit)
{
	struct panthor_room *room = visit->room;

	spin_lock(&room->lock);
	list_del(&visit->link);
	spin_unlock(&room->lock);

	wake_up_all(&room->wait);
}

static int wait_for_turn(struct panthor_room_visit *visit)
{
	struct panthor_room *room = visit->room;
	int ret;

	if (is_first(visit))
		return 0;

	count(room, PANTHOR_ROOM_STAT_QUEUED, 1);
	do {
		ret = check_signals(visit);
		if (ret)
			return ret;

		if (visit->killable)
			ret = wait_event_killable_timeout(room->wait, is_first(visit), HZ / 10);
		else
			ret = wait_event_interruptible_timeout(room->wait, is_first(visit),
							       HZ / 10);
	} while (!ret);

	return min(ret, 0);
}

/**
 * panthor_room_begin() - Begin a visit
 * @room: Where room may have to be made.
 * @visit: The visit.
 * @vm: The VM that has to be resident as a whole, NULL if there is none. It has
 *	to outlive the visit.
 *
 * Context: Any, does not sleep.
 */
void panthor_room_begin(struct panthor_room *room, struct panthor_room_visit *visit,
			struct panthor_reclaim_vm *vm)
{
	*visit = (struct panthor_room_visit) {
		.room = room,
		.vm = vm,
	};
}

/**
 * panthor_room_take_turn() - Be the only one who makes room
 * @visit: The visit, which has not got the turn and has pinned nothing.
 *
 * What was promised to the visit is asked for anew after this, with
 * panthor_room_get().
 *
 * Context: No lock of the driver is held. Sleeps until all those who came before
 * have had their turn.
 *
 * Return: 0 on success, -ERESTARTSYS on a signal, -ENODEV if the device is being
 * unplugged.
 */
int panthor_room_take_turn(struct panthor_room_visit *visit)
{
	struct panthor_room *room = visit->room;
	unsigned long nr_pages = visit->promised;
	int ret;

	might_sleep();
	forget(visit, visit->asked);

	atomic_long_add(nr_pages, &room->queued);
	spin_lock(&room->lock);
	list_add_tail(&visit->link, &room->queue);
	spin_unlock(&room->lock);

	ret = wait_for_turn(visit);
	atomic_long_sub(nr_pages, &room->queued);
	if (ret) {
		leave_queue(visit);
		return count_result(room, ret);
	}

	visit->has_turn = true;
	visit->start = ktime_get();
	count(room, PANTHOR_ROOM_STAT_TURNS, 1);
	if (visit->vm)
		panthor_reclaim_vm_hold(room->reclaim, visit->vm);

	return 0;
}

/**
 * panthor_room_get() - Have room made
 * @visit: The visit. Unless it has got the turn it has pinned nothing.
 * @nr_pages: Pages needed, in addition to those asked for before.
 *
 * Context: No lock of the driver is held. If memory is short this waits for the
 * turn, for jobs of other VMs and for swap I/O.
 *
 * Return: 0 if there is room, -ENOMEM if none can be made, -ERESTARTSYS on a
 * signal, -ENODEV if the device is being unplugged.
 */
int panthor_room_get(struct panthor_room_visit *visit, unsigned long nr_pages)
{
	struct panthor_room *room = visit->room;
	int ret;

	might_sleep();
	promise(visit, nr_pages);

	if (!visit->has_turn) {
		if (!shortage(room, max(atomic_long_read(&room->queued), 0L)))
			return 0;

		nr_pages = visit->promised;
		ret = panthor_room_take_turn(visit);
		if (ret)
			return ret;

		promise(visit, nr_pages);
	}

	return count_result(room, make_room(visit, 0));
}

/**
 * panthor_room_get_by_parts() - Ask for less than all at a time from now on
 * @visit: The visit, for which panthor_room_get() has just failed with -ENOMEM.
 * @nr_pages: What that was asked for, all of which is in swap.
 *
 * If swap is full there is no room for as much as a VM needs, but each part of it
 * that comes back leaves swap to what has to go for the next one. The same holds
 * for the memory that compressed swap takes up.
 *
 * Context: Any, does not sleep.
 *
 * Return: true if asking for parts of @nr_pages may succeed. They are no longer
 * promised then.
 */
bool panthor_room_get_by_parts(struct panthor_room_visit *visit, unsigned long nr_pages)
{
	struct panthor_room *room = visit->room;
	unsigned long leaves = min(nr_pages, room->ops->swap_memory(room));

	if (!visit->has_turn || shortage(room, 0) > could_go(visit, nr_pages) + leaves)
		return false;

	forget(visit, nr_pages);
	count(room, PANTHOR_ROOM_STAT_PARTS, 1);

	return true;
}

/**
 * panthor_room_fill() - Allocate what room has been made for
 * @visit: The visit.
 * @nr_pages: Pages that @fill allocates. Part of what panthor_room_get() was
 *	      asked for.
 * @fill: Allocates. Called again after -ENOMEM, if more room could be made.
 * @arg: Argument of @fill.
 *
 * Context: No lock of the driver is held, sleeps.
 *
 * Return: What @fill returned. -EAGAIN if that was -ENOMEM and the visit has
 * not got the turn, which it should take, after it has released all it pinned.
 * -ERESTARTSYS on a signal, -ENODEV if the device is being unplugged.
 */
int panthor_room_fill(struct panthor_room_visit *visit, unsigned long nr_pages,
		      int (*fill)(void *arg), void *arg)
{
	struct panthor_room *room = visit->room;
	ktime_t start;
	int ret, err;

	for (unsigned int i = 0; ; i++) {
		start = ktime_get();
		ret = fill(arg);
		count_time(room, PANTHOR_ROOM_STAT_FILL_US, start);
		if (ret != -ENOMEM)
			break;

		if (!visit->has_turn)
			return -EAGAIN;

		/* What is short need not be what is counted: ask for some more each time. */
		if (i < MAX_RETRIES)
			err = make_room(visit, (i + 1) * max(nr_pages / 4, MIN_TARGET));
		else
			err = -ENOMEM;
		if (err)
			return count_result(room, err);

		count(room, PANTHOR_ROOM_STAT_RETRIES, 1);
	}

	if (!ret)
		keep_promise(visit, nr_pages);

	return ret;
}

/**
 * panthor_room_end() - End a visit
 * @visit: The visit.
 * @keep: Its VM got what it needed and is to be kept for a while.
 *
 * Context: Any, does not sleep.
 */
void panthor_room_end(struct panthor_room_visit *visit, bool keep)
{
	struct panthor_room *room = visit->room;
	u64 ns;

	forget(visit, visit->asked);
	if (!visit->has_turn)
		return;

	ns = ktime_to_ns(ktime_sub(ktime_get(), visit->start));
	count_time(room, PANTHOR_ROOM_STAT_TURN_US, visit->start);
	if (visit->vm)
		panthor_reclaim_vm_release(room->reclaim, visit->vm,
					   keep ? clamp(ns, KEEP_MIN_NS, KEEP_MAX_NS) : 0);

	visit->has_turn = false;
	WRITE_ONCE(room->starving, false);
	leave_queue(visit);
}

/**
 * panthor_room_yield() - Let whoever waits for memory in use have it
 * @room: Where room is made.
 * @vm: VM that is about to get more jobs.
 *
 * A VM that always has jobs would never be idle and always keep its memory.
 *
 * Context: No lock of the driver is held. Sleeps until the visit that has the
 * turn has got room or has given up, but not longer than a part of the time after
 * which it gives up.
 *
 * Return: 0 on success, -ERESTARTSYS on a signal, -ENODEV if the device is being
 * unplugged.
 */
int panthor_room_yield(struct panthor_room *room, struct panthor_reclaim_vm *vm)
{
	struct panthor_room_visit visit = { .room = room };
	u64 max_ns = div_u64(room->give_up_ns, YIELD_PART);
	ktime_t start = ktime_get();
	int ret;

	might_sleep();
	if (!READ_ONCE(room->starving) || panthor_reclaim_vm_is_kept(room->reclaim, vm))
		return 0;

	count(room, PANTHOR_ROOM_STAT_YIELDS, 1);
	do {
		ret = check_signals(&visit);
		if (ret)
			return count_result(room, ret);

		ret = wait_event_interruptible_timeout(room->wait, !READ_ONCE(room->starving),
						       HZ / 10);
	} while (!ret && ktime_to_ns(ktime_sub(ktime_get(), start)) < max_ns);

	return count_result(room, min(ret, 0));
}

/**
 * panthor_room_fill_nowait() - Allocate if that needs no reclaim
 * @room: Where room might have to be made.
 * @fill: Allocates without waiting for jobs.
 * @arg: Argument of @fill.
 *
 * For what fences wait for. It may have the reserve and what was promised to
 * visits: they can wait.
 *
 * Context: Does not wait for anybody.
 *
 * Return: What @fill returned, -ENOMEM if memory is short.
 */
int panthor_room_fill_nowait(struct panthor_room *room, int (*fill)(void *arg), void *arg)
{
	int ret = fill(arg);

	if (ret == -ENOMEM)
		count(room, PANTHOR_ROOM_STAT_NOWAIT_FAILURES, 1);

	return ret;
}
