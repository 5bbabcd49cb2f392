/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_ROOM_H__
#define __PANTHOR_ROOM_H__

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct drm_printer;
struct panthor_reclaim;
struct panthor_reclaim_vm;
struct panthor_room;

/**
 * enum panthor_room_stat - What making room counts
 *
 * Everything is counted from probe on and shown in the debugfs file "reclaim".
 */
enum panthor_room_stat {
	/** @PANTHOR_ROOM_STAT_CALLS: Times somebody with the turn was short of memory. */
	PANTHOR_ROOM_STAT_CALLS,

	/** @PANTHOR_ROOM_STAT_SCANS: Scans made for them. */
	PANTHOR_ROOM_STAT_SCANS,

	/** @PANTHOR_ROOM_STAT_PAGES: Pages these scans evicted. */
	PANTHOR_ROOM_STAT_PAGES,

	/** @PANTHOR_ROOM_STAT_WAITS: Times nothing could be had, but later. */
	PANTHOR_ROOM_STAT_WAITS,

	/** @PANTHOR_ROOM_STAT_TURNS: Turns taken. */
	PANTHOR_ROOM_STAT_TURNS,

	/** @PANTHOR_ROOM_STAT_QUEUED: Turns that had to be waited for. */
	PANTHOR_ROOM_STAT_QUEUED,

	/** @PANTHOR_ROOM_STAT_TURN_US: Time for which somebody had the turn, in microseconds. */
	PANTHOR_ROOM_STAT_TURN_US,

	/** @PANTHOR_ROOM_STAT_WAIT_US: Part of it spent waiting for what may be had later. */
	PANTHOR_ROOM_STAT_WAIT_US,

	/** @PANTHOR_ROOM_STAT_SCAN_US: Part of it spent in scans. */
	PANTHOR_ROOM_STAT_SCAN_US,

	/** @PANTHOR_ROOM_STAT_FILL_US: Time spent allocating and reading from swap. */
	PANTHOR_ROOM_STAT_FILL_US,

	/** @PANTHOR_ROOM_STAT_YIELDS: Submissions that waited so that somebody else got room. */
	PANTHOR_ROOM_STAT_YIELDS,

	/** @PANTHOR_ROOM_STAT_RETRIES: Allocations tried again after they had failed. */
	PANTHOR_ROOM_STAT_RETRIES,

	/**
	 * @PANTHOR_ROOM_STAT_PARTS: Times there was no room for all at once, which
	 * counts as a failure, but may have been for one part after the other.
	 */
	PANTHOR_ROOM_STAT_PARTS,

	/** @PANTHOR_ROOM_STAT_INTERRUPTED: Times a signal ended it. */
	PANTHOR_ROOM_STAT_INTERRUPTED,

	/** @PANTHOR_ROOM_STAT_FAILURES: Times there was no room to be made. */
	PANTHOR_ROOM_STAT_FAILURES,

	/** @PANTHOR_ROOM_STAT_NOWAIT_FAILURES: The same of those that may not wait for it. */
	PANTHOR_ROOM_STAT_NOWAIT_FAILURES,

	/** @PANTHOR_ROOM_STAT_COUNT: Number of statistics. */
	PANTHOR_ROOM_STAT_COUNT,
};

/**
 * struct panthor_room_ops - What making room has to know of the machine
 *
 * The driver has one instance (panthor_resident.c), KUnit another.
 */
struct panthor_room_ops {
	/**
	 * @available: Memory that can be had without swapping
	 *
	 * Context: Any, does not sleep.
	 *
	 * Return: Pages.
	 */
	unsigned long (*available)(struct panthor_room *room);

	/**
	 * @swappable: Memory that mm can swap out, or has, by itself
	 *
	 * Context: Any, does not sleep.
	 *
	 * Return: Pages.
	 */
	unsigned long (*swappable)(struct panthor_room *room);

	/**
	 * @swap_memory: Memory that holds what has been swapped out
	 *
	 * Compressed by zram or zswap. What is swapped in leaves its part of it.
	 *
	 * Context: Any, does not sleep.
	 *
	 * Return: Pages.
	 */
	unsigned long (*swap_memory)(struct panthor_room *room);

	/**
	 * @gone: The device is being unplugged, nobody should wait any more
	 *
	 * Context: Any, does not sleep.
	 *
	 * Return: true if so.
	 */
	bool (*gone)(struct panthor_room *room);
};

/**
 * struct panthor_room - Making room in one device's memory
 */
struct panthor_room {
	/** @reclaim: The device's reclaim, which is asked for memory. */
	struct panthor_reclaim *reclaim;

	/** @ops: What is known of the machine. */
	const struct panthor_room_ops *ops;

	/** @reserve: Pages that are left to everybody else. */
	unsigned long reserve;

	/** @give_up_ns: Time without any progress after which there is no room. */
	u64 give_up_ns;

	/** @lock: Protects @queue. */
	spinlock_t lock;

	/** @queue: Visits that want the turn; the first one has it. */
	struct list_head queue;

	/** @wait: Where turns and the end of @starving are waited for. */
	wait_queue_head_t wait;

	/** @promised: Pages promised to visits and not allocated yet. */
	atomic_long_t promised;

	/** @asked: The same, and those that they have allocated, until the visits end. */
	atomic_long_t asked;

	/** @queued: Pages that those in the queue are going to ask for. */
	atomic_long_t queued;

	/** @starving: Who has the turn waits for memory that jobs are using. */
	bool starving;

	/** @stats: Statistics. */
	atomic_long_t stats[PANTHOR_ROOM_STAT_COUNT];
};

/**
 * struct panthor_room_visit - One request for room
 *
 * Lives on the stack of who needs the memory.
 */
struct panthor_room_visit {
	/** @room: Where room is wanted. */
	struct panthor_room *room;

	/** @vm: The VM that has to be resident, NULL if this is for a single BO. */
	struct panthor_reclaim_vm *vm;

	/** @killable: Only fatal signals end the visit. */
	bool killable;

	/** @has_turn: Nobody else makes room now. */
	bool has_turn;

	/** @link: Place in &panthor_room.queue. */
	struct list_head link;

	/** @promised: Part of &panthor_room.promised that is for this visit. */
	unsigned long promised;

	/** @asked: Part of &panthor_room.asked that is for this visit. */
	unsigned long asked;

	/** @start: When the turn began. */
	ktime_t start;
};

void panthor_room_init(struct panthor_room *room, struct panthor_reclaim *reclaim,
		       const struct panthor_room_ops *ops, unsigned long reserve,
		       u64 give_up_ns);
void panthor_room_print(struct panthor_room *room, struct drm_printer *p);

void panthor_room_begin(struct panthor_room *room, struct panthor_room_visit *visit,
			struct panthor_reclaim_vm *vm);
int panthor_room_get(struct panthor_room_visit *visit, unsigned long nr_pages);
bool panthor_room_get_by_parts(struct panthor_room_visit *visit, unsigned long nr_pages);
int panthor_room_take_turn(struct panthor_room_visit *visit);
int panthor_room_fill(struct panthor_room_visit *visit, unsigned long nr_pages,
		      int (*fill)(void *arg), void *arg);
void panthor_room_end(struct panthor_room_visit *visit, bool keep);

int panthor_room_yield(struct panthor_room *room, struct panthor_reclaim_vm *vm);
int panthor_room_fill_nowait(struct panthor_room *room, int (*fill)(void *arg), void *arg);

#endif
