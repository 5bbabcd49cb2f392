/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_RECLAIM_SET_H__
#define __PANTHOR_RECLAIM_SET_H__

#include <linux/list.h>
#include <linux/types.h>

struct panthor_reclaim;
struct panthor_reclaim_bo;

/**
 * enum panthor_reclaim_set_state - How far a BO of a set has got
 */
enum panthor_reclaim_set_state {
	/** @PANTHOR_RECLAIM_SET_WAITING: It is still to be evicted. */
	PANTHOR_RECLAIM_SET_WAITING,

	/** @PANTHOR_RECLAIM_SET_UNMAPPED: It has lost its mappings and still has its pages. */
	PANTHOR_RECLAIM_SET_UNMAPPED,

	/** @PANTHOR_RECLAIM_SET_EVICTED: It has been evicted. */
	PANTHOR_RECLAIM_SET_EVICTED,

	/** @PANTHOR_RECLAIM_SET_STUCK: It has been evicted, but some of its pages stay. */
	PANTHOR_RECLAIM_SET_STUCK,

	/** @PANTHOR_RECLAIM_SET_GONE: It had no pages, or the driver itself uses it. */
	PANTHOR_RECLAIM_SET_GONE,

	/** @PANTHOR_RECLAIM_SET_LEFT: Others use it as well. */
	PANTHOR_RECLAIM_SET_LEFT,

	/** @PANTHOR_RECLAIM_SET_NOSWAP: There is no swap space for it. */
	PANTHOR_RECLAIM_SET_NOSWAP,
};

/**
 * struct panthor_reclaim_set_entry - One BO of a set
 */
struct panthor_reclaim_set_entry {
	/** @bo: The BO, to which the owner of the set has a reference. */
	struct panthor_reclaim_bo *bo;

	/** @index: For the owner of the set. */
	unsigned long index;

	/** @state: How far it has got. */
	enum panthor_reclaim_set_state state;

	/** @round: Number of the last round in which there was an attempt. */
	unsigned int round;

	/** @leaving: Link among those whose writeback has been started. */
	struct list_head leaving;
};

/**
 * struct panthor_reclaim_set - BOs that are to go, and no others
 *
 * Lives with the requester, as a struct panthor_reclaim_scan does.
 */
struct panthor_reclaim_set {
	/** @entries: The BOs, in the order in which they go. */
	struct panthor_reclaim_set_entry *entries;

	/** @nr_entries: Number of BOs. */
	unsigned long nr_entries;

	/** @budget_ns: Time for jobs and locks to let go of them, in nanoseconds. */
	u64 budget_ns;

	/** @max_pages: Stop when at least this many pages of the set are out, 0 for all. */
	unsigned long max_pages;

	/** @nowait: Do not wait for writeback. */
	bool nowait;

	/** @evicted: Result: pages evicted. */
	unsigned long evicted;

	/**
	 * @is_foreign: Tell whether a BO must be left alone
	 *
	 * Asked in each round before anything is evicted. May sleep.
	 */
	bool (*is_foreign)(struct panthor_reclaim_set *set,
			   const struct panthor_reclaim_set_entry *entry);

	/**
	 * @is_cancelled: Tell whether the set is no longer to go
	 *
	 * Asked between any two things that take time. Does not sleep. May be
	 * NULL.
	 */
	bool (*is_cancelled)(struct panthor_reclaim_set *set);

	/**
	 * @enter: Keep the device from being unplugged until @exit
	 *
	 * Around each attempt to evict something, but not around I/O. Returns
	 * false if the device is gone. May be NULL, as @exit.
	 */
	bool (*enter)(struct panthor_reclaim_set *set);

	/** @exit: Undo @enter. */
	void (*exit)(struct panthor_reclaim_set *set);
};

int panthor_reclaim_evict_set(struct panthor_reclaim *reclaim,
			      struct panthor_reclaim_set *set);

#endif
