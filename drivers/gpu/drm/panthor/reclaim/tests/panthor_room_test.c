// SPDX-License-Identifier: GPL-2.0 or MIT

/* Who gets room, at whose expense, and when there is none. */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "panthor_room_mock.h"

static void plentiful_memory_costs_nothing(struct kunit *test)
{
	struct machine *m = machine_create(test, 100);

	mock_bo_unused(m->mock, 10);
	KUNIT_EXPECT_EQ(test, 0, machine_visit(m, 100 - MACHINE_RESERVE));
	KUNIT_EXPECT_EQ(test, 0, machine_stat(m, PANTHOR_ROOM_STAT_TURNS));
	KUNIT_EXPECT_EQ(test, 0, machine_stat(m, PANTHOR_ROOM_STAT_SCANS));
	machine_expect_settled(test, m);
}

static void room_is_made_if_memory_is_short(struct kunit *test)
{
	struct machine *m = machine_create(test, MACHINE_RESERVE);

	mock_bo_unused(m->mock, 2000);
	KUNIT_EXPECT_EQ(test, 0, machine_visit(m, 1500));
	KUNIT_EXPECT_EQ(test, 1, machine_stat(m, PANTHOR_ROOM_STAT_TURNS));
	KUNIT_EXPECT_EQ(test, 2000, machine_stat(m, PANTHOR_ROOM_STAT_PAGES));
	KUNIT_EXPECT_LE(test, MACHINE_RESERVE, machine_pages_free(m));
	machine_expect_settled(test, m);
}

static void reserve_is_left(struct kunit *test)
{
	struct machine *m = machine_create(test, 1000);

	KUNIT_EXPECT_EQ(test, -ENOMEM, machine_visit(m, 1000 - MACHINE_RESERVE + 1));
	KUNIT_EXPECT_EQ(test, 0, machine_visit(m, 1000 - MACHINE_RESERVE));
	KUNIT_EXPECT_EQ(test, MACHINE_RESERVE, machine_pages_free(m));
}

static void what_was_promised_is_not_promised_again(struct kunit *test)
{
	struct machine *m = machine_create(test, 100 + MACHINE_RESERVE);
	struct panthor_room_visit first;

	panthor_room_begin(&m->room, &first, NULL);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&first, 60));
	KUNIT_EXPECT_EQ(test, -ENOMEM, machine_visit(m, 41));
	KUNIT_EXPECT_EQ(test, 0, machine_visit(m, 40));

	KUNIT_EXPECT_EQ(test, 0, machine_visit_fill(m, &first, 60));
	panthor_room_end(&first, false);
	KUNIT_EXPECT_EQ(test, MACHINE_RESERVE, machine_pages_free(m));
	machine_expect_settled(test, m);
}

static void what_cannot_fit_evicts_nothing(struct kunit *test)
{
	struct machine *m = machine_create(test, MACHINE_RESERVE);

	mock_bo_unused(m->mock, 500);
	KUNIT_EXPECT_EQ(test, -ENOMEM, machine_visit(m, 501));
	KUNIT_EXPECT_EQ(test, 0, machine_stat(m, PANTHOR_ROOM_STAT_PAGES));
	KUNIT_EXPECT_EQ(test, 1, machine_stat(m, PANTHOR_ROOM_STAT_FAILURES));
	machine_expect_settled(test, m);
}

static void without_swap_there_is_no_room(struct kunit *test)
{
	struct machine *m = machine_create(test, MACHINE_RESERVE);

	m->mock->swap = 0;
	mock_bo_unused(m->mock, 500);
	KUNIT_EXPECT_EQ(test, -ENOMEM, machine_visit(m, 1));
	m->mock->swap = 1000;
	KUNIT_EXPECT_EQ(test, 0, machine_visit(m, 1));
}

/* What comes back from a full swap makes room there for what has to go. */
static void full_swap_is_exchanged_by_parts(struct kunit *test)
{
	struct machine *m = machine_create(test, MACHINE_RESERVE);
	struct panthor_room_visit visit;

	m->mock->swap = 0;
	mock_bo_unused(m->mock, 500);
	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_EXPECT_EQ(test, -ENOMEM, panthor_room_get(&visit, 400));
	KUNIT_EXPECT_FALSE(test, panthor_room_get_by_parts(&visit, 399));
	KUNIT_EXPECT_TRUE(test, panthor_room_get_by_parts(&visit, 400));
	KUNIT_EXPECT_EQ(test, 0, visit.promised);

	/* The first part has come back, from a little memory that was left. */
	m->mock->swap = 1000;
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 200));
	panthor_room_end(&visit, false);

	/* More than there is to go does not become possible. */
	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_EXPECT_EQ(test, -ENOMEM, panthor_room_get(&visit, 1200));
	KUNIT_EXPECT_FALSE(test, panthor_room_get_by_parts(&visit, 1200));
	panthor_room_end(&visit, false);
	machine_expect_settled(test, m);
}

/* What is swapped in leaves the memory that it took up when it was compressed. */
static void compressed_swap_is_exchanged_by_parts(struct kunit *test)
{
	struct machine *m = machine_create(test, MACHINE_RESERVE + 325);
	struct panthor_room_visit visit;

	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_EXPECT_EQ(test, -ENOMEM, panthor_room_get(&visit, 400));
	KUNIT_EXPECT_FALSE(test, panthor_room_get_by_parts(&visit, 400));
	m->swap_memory = 74;
	KUNIT_EXPECT_FALSE(test, panthor_room_get_by_parts(&visit, 400));
	m->swap_memory = 75;
	KUNIT_EXPECT_TRUE(test, panthor_room_get_by_parts(&visit, 400));
	KUNIT_EXPECT_EQ(test, 0, visit.promised);

	for (int i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 100));
		KUNIT_EXPECT_EQ(test, 0, machine_visit_fill(m, &visit, 100));
		atomic_long_add(25, &m->free);
	}
	panthor_room_end(&visit, false);

	/* It cannot leave more than what it will be. */
	m->swap_memory = 1000;
	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_EXPECT_EQ(test, -ENOMEM, panthor_room_get(&visit, 200));
	KUNIT_EXPECT_FALSE(test, panthor_room_get_by_parts(&visit, 99));
	panthor_room_end(&visit, false);
	machine_expect_settled(test, m);
}

static void rest_is_left_to_mm(struct kunit *test)
{
	struct machine *m = machine_create(test, MACHINE_RESERVE);

	mock_bo_unused(m->mock, 100);
	m->swappable = 50;
	KUNIT_EXPECT_EQ(test, 0, machine_visit(m, 150));
	KUNIT_EXPECT_EQ(test, 100, machine_stat(m, PANTHOR_ROOM_STAT_PAGES));
}

static void vm_of_the_visit_keeps_its_bos(struct kunit *test)
{
	struct machine *m = machine_create(test, MACHINE_RESERVE);
	struct mock_vm *own = mock_vm_create(m->mock), *other = mock_vm_create(m->mock);
	struct panthor_room_visit visit;

	mock_bo_private(own, 100);
	mock_bo_private(other, 100);
	panthor_room_begin(&m->room, &visit, &own->base);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 100));
	KUNIT_EXPECT_EQ(test, 1, m->mock->logged);
	KUNIT_EXPECT_EQ(test, 1, m->mock->log[0]);

	/* Its own memory is no room for it either. */
	KUNIT_EXPECT_EQ(test, -ENOMEM, panthor_room_get(&visit, 1));
	panthor_room_end(&visit, false);
	machine_expect_settled(test, m);
}

static void kept_vm_is_waited_for(struct kunit *test)
{
	struct machine *m = machine_create(test, MACHINE_RESERVE);
	struct mock_vm *a = mock_vm_create(m->mock), *b = mock_vm_create(m->mock);
	struct panthor_room_visit visit;

	mock_bo_private(a, 100);
	panthor_reclaim_vm_hold(&m->mock->reclaim, &a->base);
	panthor_reclaim_vm_touch(&m->mock->reclaim, &a->base);
	panthor_reclaim_vm_release(&m->mock->reclaim, &a->base, 50 * NSEC_PER_MSEC);

	panthor_room_begin(&m->room, &visit, &b->base);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 100));
	KUNIT_EXPECT_LT(test, 0, machine_stat(m, PANTHOR_ROOM_STAT_WAITS));
	KUNIT_EXPECT_LT(test, 20 * USEC_PER_MSEC, machine_stat(m, PANTHOR_ROOM_STAT_WAIT_US));
	panthor_room_end(&visit, true);
	KUNIT_EXPECT_FALSE(test, panthor_reclaim_vm_is_kept(&m->mock->reclaim, &a->base));
}

static void busy_vm_is_waited_for(struct kunit *test)
{
	struct machine *m = machine_create(test, MACHINE_RESERVE);
	struct mock_vm *vm = mock_vm_create(m->mock);

	mock_bo_private(vm, 100);
	vm->busy = 1;
	vm->done_ns = 5 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, 0, machine_visit(m, 100));
	machine_expect_settled(test, m);
}

/**
 * struct early - A client that was promised memory before it became short
 */
struct early {
	/** @m: Machine. */
	struct machine *m;

	/** @visit: It has got the promise. */
	struct panthor_room_visit visit;

	/** @bo: What the memory is for. */
	struct mock_bo *bo;

	/** @has_filled: It has allocated the memory, too. */
	bool has_filled;

	/** @ended: The thread is at its end. */
	struct completion ended;
};

static void early_fill(struct early *early)
{
	KUNIT_EXPECT_EQ(early->m->mock->test, 0,
			machine_visit_fill(early->m, &early->visit, early->bo->base.nr_pages));
}

static int early_thread(void *arg)
{
	struct early *early = arg;

	/* Reading from swap takes time, and so does what the memory is for. */
	if (!early->has_filled) {
		msleep(50);
		early_fill(early);
	}
	msleep(50);
	early->bo->facts.resident = true;
	mock_bo_file(early->bo);
	panthor_room_end(&early->visit, true);
	complete(&early->ended);

	return 0;
}

static void visit_after_early(struct kunit *test, bool has_filled)
{
	struct machine *m = machine_create(test, 100 + MACHINE_RESERVE);
	struct early *early = kunit_kzalloc(test, sizeof(*early), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, early);
	early->m = m;
	early->bo = mock_bo_create(m->mock, 100);
	init_completion(&early->ended);
	panthor_room_begin(&m->room, &early->visit, NULL);
	KUNIT_ASSERT_EQ(test, 0, panthor_room_get(&early->visit, 100));
	early->has_filled = has_filled;
	if (has_filled)
		early_fill(early);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kthread_run(early_thread, early, "room-early"));

	/* There is nothing to evict yet. */
	KUNIT_EXPECT_EQ(test, 0, machine_visit(m, 100));
	wait_for_completion(&early->ended);
	KUNIT_EXPECT_EQ(test, 100, machine_stat(m, PANTHOR_ROOM_STAT_PAGES));
	KUNIT_EXPECT_FALSE(test, early->bo->facts.resident);
	machine_expect_settled(test, m);
}

static void what_others_were_promised_is_waited_for(struct kunit *test)
{
	visit_after_early(test, false);
}

static void what_others_have_pinned_is_waited_for(struct kunit *test)
{
	visit_after_early(test, true);
}

static void vm_that_stays_busy_is_given_up(struct kunit *test)
{
	struct machine *m = machine_create(test, MACHINE_RESERVE);
	struct mock_vm *vm = mock_vm_create(m->mock);
	ktime_t start = ktime_get();

	mock_bo_private(vm, 100);
	vm->busy = 1;
	KUNIT_EXPECT_EQ(test, -ENOMEM, machine_visit(m, 100));
	KUNIT_EXPECT_LE(test, MACHINE_GIVE_UP_NS, ktime_to_ns(ktime_sub(ktime_get(), start)));
	KUNIT_EXPECT_LT(test, 0, machine_stat(m, PANTHOR_ROOM_STAT_WAITS));
	machine_expect_settled(test, m);
}

static void unplugged_device_is_not_waited_for(struct kunit *test)
{
	struct machine *m = machine_create(test, MACHINE_RESERVE);

	mock_bo_unused(m->mock, 100);
	m->gone = true;
	KUNIT_EXPECT_EQ(test, -ENODEV, machine_visit(m, 100));
	KUNIT_EXPECT_EQ(test, 0, machine_stat(m, PANTHOR_ROOM_STAT_PAGES));
	machine_expect_settled(test, m);
}

static void failed_allocation_asks_for_the_turn(struct kunit *test)
{
	struct machine *m = machine_create(test, 5000);
	struct panthor_room_visit visit;

	mock_bo_unused(m->mock, 600);
	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 4000));
	m->failures = 2;
	KUNIT_EXPECT_EQ(test, -EAGAIN, machine_visit_fill(m, &visit, 4000));
	KUNIT_EXPECT_EQ(test, 0, panthor_room_take_turn(&visit));
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 4000));

	/* It is tried again although there should have been enough. */
	KUNIT_EXPECT_EQ(test, 0, machine_visit_fill(m, &visit, 4000));
	KUNIT_EXPECT_EQ(test, 1, machine_stat(m, PANTHOR_ROOM_STAT_RETRIES));
	panthor_room_end(&visit, false);
	machine_expect_settled(test, m);
}

static void allocation_that_fails_is_given_up(struct kunit *test)
{
	struct machine *m = machine_create(test, 1000000);
	struct panthor_room_visit visit;

	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_take_turn(&visit));
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 10));
	m->failures = 1000;
	KUNIT_EXPECT_EQ(test, -ENOMEM, machine_visit_fill(m, &visit, 10));
	KUNIT_EXPECT_GT(test, m->failures, 980);
	panthor_room_end(&visit, false);
}

static void who_may_not_wait_fails_at_once(struct kunit *test)
{
	struct machine *m = machine_create(test, 50);
	struct machine_request request = { .m = m, .nr_pages = 50 };

	mock_bo_unused(m->mock, 100);
	m->failures = 1;
	KUNIT_EXPECT_EQ(test, -ENOMEM, panthor_room_fill_nowait(&m->room, machine_fill, &request));
	KUNIT_EXPECT_EQ(test, 1, machine_stat(m, PANTHOR_ROOM_STAT_NOWAIT_FAILURES));
	KUNIT_EXPECT_EQ(test, 0, machine_stat(m, PANTHOR_ROOM_STAT_SCANS));
	KUNIT_EXPECT_EQ(test, 0, panthor_room_fill_nowait(&m->room, machine_fill, &request));
}

static struct kunit_case room_test_cases[] = {
	KUNIT_CASE(plentiful_memory_costs_nothing),
	KUNIT_CASE(room_is_made_if_memory_is_short),
	KUNIT_CASE(reserve_is_left),
	KUNIT_CASE(what_was_promised_is_not_promised_again),
	KUNIT_CASE(what_cannot_fit_evicts_nothing),
	KUNIT_CASE(without_swap_there_is_no_room),
	KUNIT_CASE(full_swap_is_exchanged_by_parts),
	KUNIT_CASE(compressed_swap_is_exchanged_by_parts),
	KUNIT_CASE(rest_is_left_to_mm),
	KUNIT_CASE(vm_of_the_visit_keeps_its_bos),
	KUNIT_CASE(kept_vm_is_waited_for),
	KUNIT_CASE(busy_vm_is_waited_for),
	KUNIT_CASE(what_others_were_promised_is_waited_for),
	KUNIT_CASE(what_others_have_pinned_is_waited_for),
	KUNIT_CASE(vm_that_stays_busy_is_given_up),
	KUNIT_CASE(unplugged_device_is_not_waited_for),
	KUNIT_CASE(failed_allocation_asks_for_the_turn),
	KUNIT_CASE(allocation_that_fails_is_given_up),
	KUNIT_CASE(who_may_not_wait_fails_at_once),
	{}
};

static struct kunit_suite room_test_suite = {
	.name = "panthor_room",
	.test_cases = room_test_cases,
};

kunit_test_suite(room_test_suite);
