// SPDX-License-Identifier: GPL-2.0 or MIT

/* A machine with little memory, for the tests of who gets room in it. */

#include "panthor_room_mock.h"

unsigned long machine_pages_free(struct machine *m)
{
	return max(atomic_long_read(&m->free) +
		   mock_stat(m->mock, PANTHOR_RECLAIM_STAT_EVICTED_PAGES), 0L);
}

static unsigned long available(struct panthor_room *room)
{
	return machine_pages_free(container_of(room, struct machine, room));
}

static unsigned long swappable(struct panthor_room *room)
{
	return container_of(room, struct machine, room)->swappable;
}

static unsigned long swap_memory(struct panthor_room *room)
{
	return container_of(room, struct machine, room)->swap_memory;
}

static bool gone(struct panthor_room *room)
{
	return container_of(room, struct machine, room)->gone;
}

static const struct panthor_room_ops room_ops = {
	.available = available,
	.swappable = swappable,
	.swap_memory = swap_memory,
	.gone = gone,
};

struct machine *machine_create(struct kunit *test, unsigned long free)
{
	struct machine *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->mock = mock_create(test);
	atomic_long_set(&m->free, free);
	panthor_room_init(&m->room, &m->mock->reclaim, &room_ops, MACHINE_RESERVE,
			  MACHINE_GIVE_UP_NS);

	return m;
}

long machine_stat(struct machine *m, enum panthor_room_stat stat)
{
	return atomic_long_read(&m->room.stats[stat]);
}

int machine_fill(void *arg)
{
	struct machine_request *request = arg;

	if (request->m->failures > 0) {
		request->m->failures--;
		return -ENOMEM;
	}
	atomic_long_sub(request->nr_pages, &request->m->free);

	return 0;
}

int machine_visit_fill(struct machine *m, struct panthor_room_visit *visit,
		       unsigned long nr_pages)
{
	struct machine_request request = { .m = m, .nr_pages = nr_pages };

	return panthor_room_fill(visit, nr_pages, machine_fill, &request);
}

int machine_visit(struct machine *m, unsigned long nr_pages)
{
	struct panthor_room_visit visit;
	int ret;

	panthor_room_begin(&m->room, &visit, NULL);
	ret = panthor_room_get(&visit, nr_pages);
	if (!ret)
		ret = machine_visit_fill(m, &visit, nr_pages);
	panthor_room_end(&visit, false);

	return ret;
}

void machine_expect_settled(struct kunit *test, struct machine *m)
{
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&m->room.promised));
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&m->room.asked));
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&m->room.queued));
	KUNIT_EXPECT_TRUE(test, list_empty(&m->room.queue));
	KUNIT_EXPECT_FALSE(test, m->room.starving);
}
