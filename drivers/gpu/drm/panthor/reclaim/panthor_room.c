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
 * find some. The same holds within the limit of a memory cgroup, with a reserve for
 * the page faults of those who live in it.
 *
 * A small need (&panthor_room.small) does not queue as long as anything can go: it
 * evicts what it lacks, and the allocation says whether there is memory for it.
 *
 * Turns
 * =====
 *
 * If memory is short the visit gets in a queue. One visit at a time has the
 * turn, in the order of arrival, and evicts the coldest BOs until there is room
 * for what it needs as a whole. Without turns two clients that do not fit
 * together would each bring a part of their BOs back, find that the other one
 * holds the rest, and fail or evict each other for ever. Who is waiting in the
 * queue has pinned nothing: what it brought back before goes to whoever has the
 * turn. Who waits without progress for as long as a slice (SLICE_NS) lets go and
 * queues again, if others queue.
 *
 * What is evicted for a turn is what mm could take: nothing of memory cgroups that
 * are protected or may not swap, and for a limit only what is charged below it. What
 * was torn down and did not leave memory is no progress.
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
 * new submissions of VMs that have as much as it lacks do as well
 * (panthor_room_yield()), unless their VM is to be kept. They do not wait for long:
 * the jobs that are waited for may themselves wait for one of those that are about
 * to be submitted. Nothing is held back once there is room.
 *
 * Signals
 * =======
 *
 * Any signal ends a visit that has pinned nothing yet, and the system call starts
 * again. Its place in the queue is kept in the VM meanwhile, so that a client with
 * an interval timer gets its turn. Once something was pinned only fatal signals do.
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
#include <linux/memcontrol.h>
#include <linux/minmax.h>
#include <linux/psi.h>
#include <linux/sched/signal.h>

#include "panthor_reclaim_private.h"
#include "panthor_room_private.h"

/* A VM is kept for the time it took to bring it back, within these bounds. */
#define KEEP_MIN_NS		((u64)(10 * NSEC_PER_MSEC))
#define KEEP_MAX_NS		(10 * (u64)NSEC_PER_SEC)

/* Who is on the way out of another scan is neither here nor there for a moment. */
#define MAX_DOUBTS		5

/* Times an allocation is tried again after nothing could be evicted for it. */
#define MAX_RETRIES		2

/* For how long a submission lets the turn wait for the jobs of its VM. */
#define YIELD_NS		(100 * NSEC_PER_MSEC)

/* For how long the turn waits without progress while others want it. */
#define SLICE_NS		((u64)NSEC_PER_SEC)

static int count_result(struct panthor_room *room, int err)
{
	if (err == -ENOMEM)
		panthor_room_count(room, PANTHOR_ROOM_STAT_FAILURES, 1);
	else if (err == -ERESTARTSYS)
		panthor_room_count(room, PANTHOR_ROOM_STAT_INTERRUPTED, 1);

	return err;
}

/**
 * panthor_room_init() - Prepare making room
 * @room: Where room is to be made, zeroed.
 * @reclaim: The device's reclaim.
 * @ops: What is known of the machine.
 * @give_up_ns: Time in nanoseconds without any progress after which there is no
 *		room. Longer than jobs may take.
 *
 * Context: Any, does not sleep.
 */
void panthor_room_init(struct panthor_room *room, struct panthor_reclaim *reclaim,
		       const struct panthor_room_ops *ops, u64 give_up_ns)
{
	room->reclaim = reclaim;
	room->ops = ops;
	room->give_up_ns = give_up_ns;
	room->yield_ns = YIELD_NS;
	spin_lock_init(&room->lock);
	INIT_LIST_HEAD(&room->queue);
	INIT_LIST_HEAD(&room->filling);
	init_waitqueue_head(&room->wait);
}

static int check_signals(const struct panthor_room_visit *visit)
{
	bool killable = panthor_room_is_killable(visit);

	if (killable ? fatal_signal_pending(current) : signal_pending(current))
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

static unsigned int sleep_state(const struct panthor_room_visit *visit)
{
	unsigned int state = panthor_room_is_killable(visit) ? TASK_KILLABLE : TASK_INTERRUPTIBLE;

	return state | TASK_FREEZABLE;
}

static bool others_queue(struct panthor_room_visit *visit)
{
	struct panthor_room *room = visit->room;
	bool others;

	spin_lock(&room->lock);
	others = visit->has_turn && !list_is_last(&visit->link, &room->queue);
	spin_unlock(&room->lock);

	return others;
}

/*
 * Wait for what may be had later. Returns -ENOMEM if that has been done for too
 * long, and -EAGAIN if it is somebody else's turn.
 */
static int wait_for_later(struct panthor_room_visit *visit, unsigned long nr_pages,
			  ktime_t since)
{
	struct panthor_room *room = visit->room;
	unsigned long pflags;
	ktime_t start;
	u64 ns;

	if (visit->waited_ns > room->give_up_ns)
		return -ENOMEM;

	if (visit->slice_ns > SLICE_NS && others_queue(visit))
		return -EAGAIN;

	if (visit->has_turn)
		WRITE_ONCE(room->lacks, nr_pages);
	start = ktime_get();
	psi_memstall_enter(&pflags);
	usleep_range_state(USEC_PER_MSEC, 2 * USEC_PER_MSEC, sleep_state(visit));
	psi_memstall_leave(&pflags);
	panthor_room_count(room, PANTHOR_ROOM_STAT_WAITS, 1);
	panthor_room_count_time(room, PANTHOR_ROOM_STAT_WAIT_US, start);
	ns = ktime_to_ns(ktime_sub(ktime_get(), since));
	visit->waited_ns += ns;
	visit->slice_ns += ns;

	return 0;
}

/* Nobody has to wait for the turn any more: it has what it needs, or gives up. */
static void stop_lacking(struct panthor_room_visit *visit)
{
	struct panthor_room *room = visit->room;

	if (!visit->has_turn || !READ_ONCE(room->lacks))
		return;

	WRITE_ONCE(room->lacks, 0);
	wake_up_all(&room->wait);
}

/* One step of make_room(). Returns 1 if the allocation should be tried now. */
static int make_some_room(struct panthor_room_visit *visit, struct mem_cgroup *limit,
			  unsigned long missing, unsigned int *doubts)
{
	struct panthor_room *room = visit->room;
	ktime_t start = ktime_get();
	unsigned long left;
	bool later;
	int ret;

	ret = check_signals(visit);
	if (ret)
		return ret;

	later = limit || missing <= panthor_room_could_go(visit, 0);
	if (later) {
		later = panthor_room_scan(visit, limit, missing, &left);
		if (left) {
			*doubts = 0;
			return 0;
		}

		/* Other visits hold no more than they need, and not for long. */
		later |= panthor_room_asked_by_others(visit) > 0;

		/* The rest is for mm to swap out, in the course of the allocation. */
		if (!later && (limit || missing <= room->ops->swappable(room)))
			return 1;
	}

	if (!later && ++*doubts > MAX_DOUBTS)
		return -ENOMEM;

	return wait_for_later(visit, missing, start);
}

/* The visit has the turn. */
static int make_room(struct panthor_room_visit *visit)
{
	struct panthor_room *room = visit->room;
	unsigned int doubts = 0;
	struct mem_cgroup *limit;
	unsigned long missing;
	int ret = 0;

	missing = panthor_room_lacks(visit, 0, &limit);
	if (!missing)
		return 0;

	panthor_room_count(room, PANTHOR_ROOM_STAT_CALLS, 1);
	do {
		ret = make_some_room(visit, limit, missing, &doubts);
	} while (!ret && (missing = panthor_room_lacks(visit, 0, &limit)));
	stop_lacking(visit);

	return min(ret, 0);
}

/*
 * An allocation has failed: memory is short by what it was for, whatever the
 * counters say. Returns 0 if it is worth trying again.
 */
static int make_room_anyway(struct panthor_room_visit *visit, unsigned long nr_pages,
			    unsigned int *retries)
{
	ktime_t start = ktime_get();
	struct mem_cgroup *limit;
	unsigned long left;
	bool later;
	int ret;

	ret = check_signals(visit);
	if (ret)
		return ret;

	panthor_room_over_limit(visit, nr_pages, &limit);
	later = panthor_room_scan(visit, limit, nr_pages, &left);
	later |= panthor_room_asked_by_others(visit) > 0;
	if (left) {
		*retries = 0;
		return 0;
	}

	if (later)
		return wait_for_later(visit, nr_pages, start);

	return ++*retries > MAX_RETRIES ? -ENOMEM : 0;
}

static bool is_first(struct panthor_room_visit *visit)
{
	struct panthor_room *room = visit->room;
	bool first;

	spin_lock(&room->lock);
	first = list_first_entry(&room->queue, struct panthor_room_visit, link) == visit;
	visit->has_turn |= first;
	spin_unlock(&room->lock);

	return first;
}

/* Who was in the queue before, and had to handle a signal, is where it was. */
static void enter_queue(struct panthor_room_visit *visit)
{
	struct panthor_room *room = visit->room;
	struct panthor_room_visit *other;

	spin_lock(&room->lock);
	if (visit->position && *visit->position)
		swap(visit->seq, *visit->position);
	if (!visit->seq)
		visit->seq = ++room->seq;
	list_for_each_entry_reverse(other, &room->queue, link) {
		if (other->has_turn || other->seq <= visit->seq)
			break;
	}
	list_add(&visit->link, &other->link);
	spin_unlock(&room->lock);
}

/* If it is about to come back, *@position keeps its place. */
static void leave_queue(struct panthor_room_visit *visit, u64 *position)
{
	struct panthor_room *room = visit->room;

	spin_lock(&room->lock);
	list_del(&visit->link);
	visit->has_turn = false;
	if (position)
		*position = visit->seq;
	spin_unlock(&room->lock);

	wake_up_all(&room->wait);
}

static int wait_for_turn(struct panthor_room_visit *visit)
{
	struct panthor_room *room = visit->room;
	unsigned long pflags;
	int ret = 0;

	if (is_first(visit))
		return 0;

	panthor_room_count(room, PANTHOR_ROOM_STAT_QUEUED, 1);
	psi_memstall_enter(&pflags);
	while (!ret && !is_first(visit)) {
		ret = check_signals(visit);
		if (ret)
			break;

		if (panthor_room_is_killable(visit))
			ret = wait_event_killable_timeout(room->wait, is_first(visit), HZ / 10);
		else
			ret = wait_event_interruptible_timeout(room->wait, is_first(visit),
							       HZ / 10);
		ret = min(ret, 0);
	}
	psi_memstall_leave(&pflags);

	return ret;
}

static void end_turn(struct panthor_room_visit *visit, u64 keep_ns)
{
	struct panthor_room *room = visit->room;

	panthor_room_count_time(room, PANTHOR_ROOM_STAT_TURN_US, visit->start);
	if (visit->vm)
		panthor_reclaim_vm_release(room->reclaim, visit->vm, keep_ns);

	stop_lacking(visit);
	leave_queue(visit, NULL);
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
		.memcg = get_mem_cgroup_from_mm(current->mm),
	};
}

/**
 * panthor_room_take_turn() - Be the only one who makes room
 * @visit: The visit, which has pinned nothing. If it has got the turn others have it
 *	   first.
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
	if (visit->has_turn) {
		end_turn(visit, 0);
		visit->seq = 0;
	}

	atomic_long_add(nr_pages, &room->queued);
	enter_queue(visit);
	ret = wait_for_turn(visit);
	atomic_long_sub(nr_pages, &room->queued);
	if (ret) {
		leave_queue(visit, visit->position);
		return count_result(room, ret);
	}

	visit->start = ktime_get();
	visit->slice_ns = 0;
	panthor_room_count(room, PANTHOR_ROOM_STAT_TURNS, 1);
	if (visit->vm)
		panthor_reclaim_vm_hold(room->reclaim, visit->vm);

	return 0;
}

/*
 * Evicts for a small need what it lacks itself. Returns false if that leaves nothing
 * but the reserve: many small needs are a large one.
 */
static bool fits_small(struct panthor_room_visit *visit)
{
	struct mem_cgroup *limit;
	unsigned long missing, left;

	missing = panthor_room_lacks_alone(visit, &limit);
	if (!missing)
		return true;

	panthor_room_scan(visit, limit, missing, &left);
	missing = panthor_room_lacks_alone(visit, &limit);

	return limit || missing <= panthor_room_could_go(visit, 0);
}

/**
 * panthor_room_get() - Have room made
 * @visit: The visit. Unless it has got the turn it has pinned nothing.
 * @nr_pages: Pages needed, in addition to those asked for before.
 *
 * Context: No lock of the driver is held. If memory is short this waits for the
 * turn, for jobs of other VMs and for swap I/O.
 *
 * Return: 0 if there is room, or it is worth trying, -ENOMEM if none can be made,
 * -EAGAIN if the visit should take the turn (again), after it has released all it
 * pinned, -ERESTARTSYS on a signal, -ENODEV if the device is being unplugged.
 */
int panthor_room_get(struct panthor_room_visit *visit, unsigned long nr_pages)
{
	struct panthor_room *room = visit->room;
	struct mem_cgroup *limit;
	unsigned long missing;
	int ret;

	might_sleep();
	promise(visit, nr_pages);

	if (!visit->has_turn) {
		missing = panthor_room_lacks(visit, max(atomic_long_read(&room->queued), 0L),
					     &limit);
		if (!missing)
			return 0;

		if (visit->promised <= room->small && fits_small(visit))
			return check_signals(visit);

		if (visit->holds)
			return -EAGAIN;

		nr_pages = visit->promised;
		ret = panthor_room_take_turn(visit);
		if (ret)
			return ret;

		promise(visit, nr_pages);
	}

	return count_result(room, make_room(visit));
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

	leaves += panthor_room_could_go(visit, nr_pages);
	if (!visit->has_turn || panthor_room_shortage(room, 0) > leaves)
		return false;

	forget(visit, nr_pages);
	panthor_room_count(room, PANTHOR_ROOM_STAT_PARTS, 1);

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
 * Return: What @fill returned. -EAGAIN if that was -ENOMEM and the visit should
 * take the turn (again), after it has released all it pinned. -ERESTARTSYS on a
 * signal, -ENODEV if the device is being unplugged.
 */
int panthor_room_fill(struct panthor_room_visit *visit, unsigned long nr_pages,
		      int (*fill)(void *arg), void *arg)
{
	struct panthor_room *room = visit->room;
	unsigned int retries = 0;
	ktime_t start;
	int ret, err;

	for (;;) {
		start = ktime_get();
		panthor_room_begin_fill(visit);
		ret = fill(arg);
		panthor_room_end_fill(visit);
		panthor_room_count_time(room, PANTHOR_ROOM_STAT_FILL_US, start);
		if (ret != -ENOMEM)
			break;

		if (!visit->has_turn && nr_pages > room->small)
			return -EAGAIN;

		err = make_room_anyway(visit, nr_pages, &retries);
		if (err) {
			stop_lacking(visit);
			return count_result(room, err);
		}

		panthor_room_count(room, PANTHOR_ROOM_STAT_RETRIES, 1);
	}

	stop_lacking(visit);
	if (!ret) {
		visit->waited_ns = 0;
		keep_promise(visit, nr_pages);
	}

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
	u64 ns = ktime_to_ns(ktime_sub(ktime_get(), visit->start));

	forget(visit, visit->asked);
	if (visit->has_turn)
		end_turn(visit, keep ? clamp(ns, KEEP_MIN_NS, KEEP_MAX_NS) : 0);
	mem_cgroup_put(visit->memcg);
	visit->memcg = NULL;
}

/**
 * panthor_room_yield() - Let whoever waits for memory in use have it
 * @room: Where room is made.
 * @vm: VM that is about to get more jobs.
 *
 * A VM that always has jobs would never be idle and keep its memory for ever. One
 * that has less than what is lacking is not held back: its jobs are short or its
 * memory of no use.
 *
 * Context: No lock of the driver is held. Sleeps until whoever has the turn has
 * got room or has given up, or until this has taken too long to be of use.
 *
 * Return: 0 on success, -ERESTARTSYS on a signal, -ENODEV if the device is being
 * unplugged.
 */
int panthor_room_yield(struct panthor_room *room, struct panthor_reclaim_vm *vm)
{
	struct panthor_room_visit visit = { .room = room };
	unsigned long lacks = READ_ONCE(room->lacks);
	ktime_t start = ktime_get();
	unsigned long pflags;
	int ret = 0;

	might_sleep();
	if (!lacks || panthor_reclaim_vm_is_kept(room->reclaim, vm) ||
	    panthor_reclaim_vm_pages(room->reclaim, vm) < lacks)
		return 0;

	panthor_room_count(room, PANTHOR_ROOM_STAT_YIELDS, 1);
	psi_memstall_enter(&pflags);
	while (!ret && READ_ONCE(room->lacks) &&
	       ktime_to_ns(ktime_sub(ktime_get(), start)) < room->yield_ns) {
		ret = check_signals(&visit);
		if (ret)
			break;

		ret = wait_event_interruptible_timeout(room->wait, !READ_ONCE(room->lacks),
						       HZ / 100 ?: 1);
		ret = min(ret, 0);
	}
	psi_memstall_leave(&pflags);

	return count_result(room, ret);
}
