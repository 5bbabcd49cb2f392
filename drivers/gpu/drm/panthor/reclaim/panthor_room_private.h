/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_ROOM_PRIVATE_H__
#define __PANTHOR_ROOM_PRIVATE_H__

/*
 * What the files that make room share.
 *
 * panthor_room.c		visits, the queue and the turn
 * panthor_room_need.c		what is short, and scans for it
 */

#include <linux/atomic.h>
#include <linux/ktime.h>

#include "panthor_room.h"

/**
 * panthor_room_count() - Add to a statistic
 * @room: Where room is made.
 * @stat: Which one.
 * @value: What to add.
 *
 * Context: Any.
 */
static inline void panthor_room_count(struct panthor_room *room, enum panthor_room_stat stat,
				      unsigned long value)
{
	atomic_long_add(value, &room->stats[stat]);
}

/**
 * panthor_room_count_time() - Add the time since @start to a statistic
 * @room: Where room is made.
 * @stat: Which one, in microseconds.
 * @start: Begin of what took that time.
 *
 * Context: Any.
 */
static inline void panthor_room_count_time(struct panthor_room *room,
					   enum panthor_room_stat stat, ktime_t start)
{
	panthor_room_count(room, stat, ktime_us_delta(ktime_get(), start));
}

/**
 * panthor_room_is_killable() - Is it only fatal signals that end a visit?
 * @visit: The visit.
 *
 * Context: Any.
 *
 * Return: true if so.
 */
static inline bool panthor_room_is_killable(const struct panthor_room_visit *visit)
{
	return visit->killable || visit->holds;
}

unsigned long panthor_room_lacks(const struct panthor_room_visit *visit, unsigned long more,
				 struct mem_cgroup **limit);
unsigned long panthor_room_lacks_alone(const struct panthor_room_visit *visit,
				       struct mem_cgroup **limit);
unsigned long panthor_room_over_limit(const struct panthor_room_visit *visit,
				      unsigned long nr_pages, struct mem_cgroup **limit);
unsigned long panthor_room_asked_by_others(const struct panthor_room_visit *visit);
unsigned long panthor_room_could_go(const struct panthor_room_visit *visit,
				    unsigned long swap_pages);
bool panthor_room_scan(struct panthor_room_visit *visit, struct mem_cgroup *limit,
		       unsigned long target, unsigned long *left);
unsigned long panthor_room_shortage(struct panthor_room *room, unsigned long more);
void panthor_room_begin_fill(struct panthor_room_visit *visit);
void panthor_room_end_fill(struct panthor_room_visit *visit);

#endif
