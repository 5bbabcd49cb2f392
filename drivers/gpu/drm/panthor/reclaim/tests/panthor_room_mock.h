/* SPDX-License-Identifier: GPL-2.0 or MIT */

/* A machine with little memory, for the tests of who gets room in it. */

#ifndef __PANTHOR_ROOM_MOCK_H__
#define __PANTHOR_ROOM_MOCK_H__

#include <linux/atomic.h>
#include <linux/time64.h>

#include "panthor_reclaim_mock.h"
#include "../panthor_room.h"

#define MACHINE_RESERVE		10
#define MACHINE_GIVE_UP_NS	(200 * NSEC_PER_MSEC)

/**
 * struct machine - A device without hardware in a machine with little memory
 */
struct machine {
	/** @room: What is tested. */
	struct panthor_room room;

	/** @mock: The device's BOs and VMs. */
	struct mock *mock;

	/** @free: Free pages, without those that the device evicted. */
	atomic_long_t free;

	/** @swappable: What mm could swap out. */
	unsigned long swappable;

	/** @swap_memory: What swap itself takes up. */
	unsigned long swap_memory;

	/** @gone: The device is being unplugged. */
	bool gone;

	/** @failures: How many times an allocation fails whatever is free. */
	int failures;
};

/**
 * struct machine_request - An allocation
 */
struct machine_request {
	/** @m: Machine. */
	struct machine *m;

	/** @nr_pages: Number of pages. */
	unsigned long nr_pages;
};

struct machine *machine_create(struct kunit *test, unsigned long free);
unsigned long machine_pages_free(struct machine *m);
long machine_stat(struct machine *m, enum panthor_room_stat stat);
void machine_expect_settled(struct kunit *test, struct machine *m);

/* For panthor_room_fill(): takes the pages of a struct machine_request. */
int machine_fill(void *arg);

/* An allocation of a visit, and a whole visit for one allocation. */
int machine_visit_fill(struct machine *m, struct panthor_room_visit *visit,
		       unsigned long nr_pages);
int machine_visit(struct machine *m, unsigned long nr_pages);

#endif
