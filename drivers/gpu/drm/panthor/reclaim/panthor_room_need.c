// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * What is short, of the machine's memory or below the limit of a memory cgroup, and
 * scans for it. See the comment on top of panthor_room.c.
 */

#include <linux/memcontrol.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include <drm/drm_print.h>

#include "panthor_reclaim_private.h"
#include "panthor_room_private.h"

/* How long one scan waits for jobs. Then it is seen whether others have become idle. */
#define SCAN_BUDGET_NS		(20 * NSEC_PER_MSEC)

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

/* What has been allocated by those who are at it, and is still promised to them. */
static unsigned long filled(struct panthor_room *room)
{
	struct panthor_room_visit *visit;
	unsigned long sum = 0;

	spin_lock(&room->lock);
	list_for_each_entry(visit, &room->filling, filling) {
		unsigned long now = READ_ONCE(*visit->filled);

		sum += min(now - min(now, visit->filled_before), visit->promised);
	}
	spin_unlock(&room->lock);

	return sum;
}

static unsigned long shortage(struct panthor_room *room, unsigned long nr_pages)
{
	unsigned long available = room->ops->available(room);
	unsigned long needed = room->ops->reserve(room) + nr_pages;

	return needed > available ? needed - available : 0;
}

/**
 * panthor_room_shortage() - Pages that are missing in the machine
 * @room: Where room is made.
 * @more: Pages, in addition to what visits were promised and the reserve.
 *
 * Context: Any, does not sleep.
 *
 * Return: Pages, 0 if there is enough.
 */
unsigned long panthor_room_shortage(struct panthor_room *room, unsigned long more)
{
	unsigned long promised = max(atomic_long_read(&room->promised), 0L);

	promised -= min(promised, filled(room));

	return shortage(room, more + promised);
}

/**
 * panthor_room_lacks_alone() - Tell what a visit lacks if no other was promised any
 * @visit: The visit.
 * @limit: Gets the memory cgroup whose limit is in the way, NULL if memory is.
 *
 * Context: Any, does not sleep.
 *
 * Return: Pages, 0 if it lacks nothing.
 */
unsigned long panthor_room_lacks_alone(const struct panthor_room_visit *visit,
				       struct mem_cgroup **limit)
{
	unsigned long missing = panthor_room_over_limit(visit, visit->promised, limit);

	return missing ?: shortage(visit->room, visit->promised);
}

/**
 * panthor_room_over_limit() - Tell what the limits of memory cgroups lack
 * @visit: Who is to be charged.
 * @nr_pages: For how many pages. What others were promised is theirs to be charged.
 * @limit: Gets the memory cgroup whose limit is in the way, or NULL.
 *
 * Context: Any, does not sleep.
 *
 * Return: Pages, 0 if no limit is in the way.
 */
unsigned long panthor_room_over_limit(const struct panthor_room_visit *visit,
				      unsigned long nr_pages, struct mem_cgroup **limit)
{
	struct panthor_room *room = visit->room;

	*limit = NULL;
	if (!room->ops->over_limit || !visit->memcg)
		return 0;

	return room->ops->over_limit(room, visit->memcg, nr_pages, limit);
}

/**
 * panthor_room_lacks() - Tell what a visit lacks
 * @visit: The visit.
 * @more: Pages, in addition to what it and others were promised.
 * @limit: Gets the memory cgroup whose limit is in the way, NULL if memory is.
 *
 * Context: Any, does not sleep.
 *
 * Return: Pages, 0 if it lacks nothing.
 */
unsigned long panthor_room_lacks(const struct panthor_room_visit *visit, unsigned long more,
				 struct mem_cgroup **limit)
{
	unsigned long missing = panthor_room_over_limit(visit, visit->promised, limit);

	return missing ?: panthor_room_shortage(visit->room, more);
}

/**
 * panthor_room_asked_by_others() - Pages that can be evicted when other visits have ended
 * @visit: The visit that is not another one.
 *
 * Those in the queue have none.
 *
 * Context: Any, does not sleep.
 *
 * Return: Pages.
 */
unsigned long panthor_room_asked_by_others(const struct panthor_room_visit *visit)
{
	long asked = atomic_long_read(&visit->room->asked);

	return max(asked - (long)(visit->asked + visit->pinned), 0L);
}

static void limit_scan(struct panthor_room *room, struct mem_cgroup *limit,
		       struct panthor_reclaim_scan *scan)
{
	const struct panthor_reclaim_account_ops *ops = room->reclaim->account_ops;

	if (ops)
		ops->begin_foreground(room->reclaim, limit, scan);
}

/* What could be evicted for the machine: what is protected could not. */
static unsigned long count_eligible(struct panthor_room *room)
{
	struct panthor_reclaim_scan scan = {};

	limit_scan(room, NULL, &scan);

	return scan.limited ? room->reclaim->account_ops->count_eligible(room->reclaim, &scan) :
			      panthor_reclaim_reclaimable(room->reclaim);
}

/**
 * panthor_room_could_go() - What mm and reclaim could swap out if nobody used it
 * @visit: For whom.
 * @swap_pages: Swap space in addition to what is free, in pages.
 *
 * Generous: where it errs, nothing is found to be evictable later.
 *
 * Context: Process context, does not sleep.
 *
 * Return: Pages.
 */
unsigned long panthor_room_could_go(const struct panthor_room_visit *visit,
				    unsigned long swap_pages)
{
	struct panthor_room *room = visit->room;
	unsigned long own = visit->vm ? panthor_reclaim_vm_pages(room->reclaim, visit->vm) : 0;
	unsigned long could = count_eligible(room);

	could -= min(could, own);
	could += panthor_room_asked_by_others(visit);
	swap_pages += panthor_reclaim_swap_pages(room->reclaim);

	return min(could, swap_pages) + room->ops->swappable(room);
}

/**
 * panthor_room_scan() - Do one scan for a visit
 * @visit: The visit.
 * @limit: The memory cgroup whose limit is in the way, NULL for the machine.
 * @target: Pages to evict.
 * @left: Gets the pages that left memory: what was only unmapped is no progress.
 *
 * Context: Process context, no lock of the driver is held. Sleeps.
 *
 * Return: Whether there is anything that may be had later.
 */
bool panthor_room_scan(struct panthor_room_visit *visit, struct mem_cgroup *limit,
		       unsigned long target, unsigned long *left)
{
	struct panthor_room *room = visit->room;
	struct panthor_reclaim_scan scan = {
		.target = max(target, MIN_TARGET),
		.budget_ns = SCAN_BUDGET_NS,
		.wait_writeback = true,
		.interruptible = !panthor_room_is_killable(visit),
		.respect_keep = visit->vm,
	};
	ktime_t start = ktime_get();

	limit_scan(room, limit, &scan);
	panthor_reclaim_run(room->reclaim, &scan);
	panthor_room_count_time(room, PANTHOR_ROOM_STAT_SCAN_US, start);
	panthor_room_count(room, PANTHOR_ROOM_STAT_SCANS, 1);
	panthor_room_count(room, PANTHOR_ROOM_STAT_PAGES, scan.evicted);
	*left = scan.freed + scan.writeback;
	if (*left)
		visit->waited_ns = 0;

	return scan.busy || scan.contended;
}

/**
 * panthor_room_begin_fill() - Account for what a visit is allocating
 * @visit: The visit.
 *
 * Context: Any, does not sleep.
 */
void panthor_room_begin_fill(struct panthor_room_visit *visit)
{
	if (!visit->filled)
		return;

	visit->filled_before = READ_ONCE(*visit->filled);
	spin_lock(&visit->room->lock);
	list_add(&visit->filling, &visit->room->filling);
	spin_unlock(&visit->room->lock);
}

/**
 * panthor_room_end_fill() - Undo panthor_room_begin_fill()
 * @visit: The visit.
 *
 * Context: Any, does not sleep.
 */
void panthor_room_end_fill(struct panthor_room_visit *visit)
{
	if (!visit->filled)
		return;

	spin_lock(&visit->room->lock);
	list_del(&visit->filling);
	spin_unlock(&visit->room->lock);
}

/**
 * panthor_room_pinned() - Account for what is pinned until a bind is done
 * @room: Where room may have to be made.
 * @nr_pages: Pages, negative when they are not pinned any more.
 *
 * They cannot be evicted yet, but will be: who needs them waits.
 *
 * Context: Any, does not sleep.
 */
void panthor_room_pinned(struct panthor_room *room, long nr_pages)
{
	atomic_long_add(nr_pages, &room->asked);
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
		panthor_room_count(room, PANTHOR_ROOM_STAT_NOWAIT_FAILURES, 1);

	return ret;
}
