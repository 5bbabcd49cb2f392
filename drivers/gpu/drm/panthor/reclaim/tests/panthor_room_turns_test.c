// SPDX-License-Identifier: GPL-2.0 or MIT

/* Threads that need room at the same time: who gets it in which order. */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "panthor_room_mock.h"

/**
 * struct client - A thread that needs all of its VM's BOs in each round
 */
struct client {
	/** @m: Machine. */
	struct machine *m;

	/** @vm: VM. */
	struct mock_vm *vm;

	/** @bos: Its BOs. */
	struct mock_bo *bos[8];

	/** @rounds: Rounds to do. */
	int rounds;

	/** @done: Rounds done so far. */
	int done;

	/** @ret: First error. */
	int ret;

	/** @ended: The thread is at its end. */
	struct completion ended;
};

static int client_round(struct client *c)
{
	struct panthor_room_visit visit;
	unsigned long missing = 0;
	int ret = 0;

	panthor_room_begin(&c->m->room, &visit, &c->vm->base);
	ret = panthor_room_take_turn(&visit);

	/* The VM is held now: what is resident stays. */
	for (int i = 0; i < ARRAY_SIZE(c->bos); i++)
		missing += c->bos[i]->facts.resident ? 0 : c->bos[i]->base.nr_pages;
	if (!ret)
		ret = panthor_room_get(&visit, missing);

	for (int i = 0; i < ARRAY_SIZE(c->bos) && !ret; i++) {
		struct mock_bo *bo = c->bos[i];

		if (bo->facts.resident)
			continue;

		ret = machine_visit_fill(c->m, &visit, bo->base.nr_pages);
		if (ret)
			break;

		bo->facts.resident = true;
		bo->facts.evicted = false;
		bo->facts.nr_vms = 1;
		bo->facts.vm = &c->vm->base;
		mock_bo_file(bo);
	}

	/* What the jobs need. */
	for (int i = 0; i < ARRAY_SIZE(c->bos) && !ret; i++)
		KUNIT_EXPECT_TRUE(c->m->mock->test, c->bos[i]->facts.resident);
	panthor_room_end(&visit, !ret);

	return ret;
}

static int client_thread(void *arg)
{
	struct client *c = arg;

	while (!c->ret && c->done < c->rounds) {
		c->ret = client_round(c);
		c->done += !c->ret;
		cond_resched();
	}
	complete(&c->ended);

	return 0;
}

static void clients_that_do_not_fit_together_all_progress(struct kunit *test)
{
	/* Each needs 800 pages; there are 1000 on top of the reserve. */
	struct machine *m = machine_create(test, 1000 + MACHINE_RESERVE);
	struct client *clients = kunit_kcalloc(test, 2, sizeof(*clients), GFP_KERNEL);
	struct panthor_room_visit first;

	KUNIT_ASSERT_NOT_NULL(test, clients);
	for (int n = 0; n < 2; n++) {
		struct client *c = &clients[n];

		c->m = m;
		c->rounds = 20;
		c->vm = mock_vm_create(m->mock);
		init_completion(&c->ended);
		for (int i = 0; i < ARRAY_SIZE(c->bos); i++)
			c->bos[i] = mock_bo_create(m->mock, 100);
	}

	/* Both begin when both are there. */
	panthor_room_begin(&m->room, &first, NULL);
	KUNIT_ASSERT_EQ(test, 0, panthor_room_take_turn(&first));
	for (int n = 0; n < 2; n++)
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kthread_run(client_thread, &clients[n],
							       "room-client"));
	while (machine_stat(m, PANTHOR_ROOM_STAT_QUEUED) < 2)
		fsleep(100);
	panthor_room_end(&first, false);

	for (int n = 0; n < 2; n++) {
		wait_for_completion(&clients[n].ended);
		KUNIT_EXPECT_EQ(test, 0, clients[n].ret);
		KUNIT_EXPECT_EQ(test, 20, clients[n].done);
	}
	KUNIT_EXPECT_LE(test, 40, machine_stat(m, PANTHOR_ROOM_STAT_TURNS));
	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_check(&m->mock->reclaim));
	machine_expect_settled(test, m);
}

/**
 * struct waiter - A thread that takes the turn once
 */
struct waiter {
	/** @m: Machine. */
	struct machine *m;

	/** @order: Place at which it got the turn. */
	int order;

	/** @next: Counts the turns. */
	atomic_t *next;

	/** @ended: The thread is at its end. */
	struct completion ended;
};

static int waiter_thread(void *arg)
{
	struct waiter *w = arg;
	struct panthor_room_visit visit;

	panthor_room_begin(&w->m->room, &visit, NULL);
	if (!panthor_room_take_turn(&visit))
		w->order = atomic_inc_return(w->next);
	panthor_room_end(&visit, false);
	complete(&w->ended);

	return 0;
}

static void turns_are_taken_in_the_order_of_arrival(struct kunit *test)
{
	struct machine *m = machine_create(test, 100);
	struct waiter *waiters = kunit_kcalloc(test, 4, sizeof(*waiters), GFP_KERNEL);
	struct panthor_room_visit first;
	atomic_t next = ATOMIC_INIT(0);

	KUNIT_ASSERT_NOT_NULL(test, waiters);
	panthor_room_begin(&m->room, &first, NULL);
	KUNIT_ASSERT_EQ(test, 0, panthor_room_take_turn(&first));

	for (int i = 0; i < 4; i++) {
		waiters[i].m = m;
		waiters[i].next = &next;
		init_completion(&waiters[i].ended);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kthread_run(waiter_thread, &waiters[i],
							       "room-waiter"));
		while (machine_stat(m, PANTHOR_ROOM_STAT_QUEUED) <= i)
			fsleep(100);
	}
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&next));

	panthor_room_end(&first, false);
	for (int i = 0; i < 4; i++) {
		wait_for_completion(&waiters[i].ended);
		KUNIT_EXPECT_EQ(test, i + 1, waiters[i].order);
	}
	machine_expect_settled(test, m);
}

/**
 * struct yielder - A thread that is about to give a VM more jobs
 */
struct yielder {
	/** @m: Machine. */
	struct machine *m;

	/** @vm: VM. */
	struct mock_vm *vm;

	/** @went_on: It did not have to wait any more. */
	bool went_on;

	/** @ended: The thread is at its end. */
	struct completion ended;
};

static int yielder_thread(void *arg)
{
	struct yielder *y = arg;

	panthor_room_yield(&y->m->room, &y->vm->base);
	WRITE_ONCE(y->went_on, true);
	complete(&y->ended);

	return 0;
}

static void submissions_wait_while_the_turn_waits(struct kunit *test)
{
	struct machine *m = machine_create(test, 100);
	struct yielder y = { .m = m, .vm = mock_vm_create(m->mock) };
	struct panthor_room_visit visit;

	init_completion(&y.ended);
	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_ASSERT_EQ(test, 0, panthor_room_take_turn(&visit));
	KUNIT_EXPECT_EQ(test, 0, panthor_room_yield(&m->room, &y.vm->base));

	/* Long enough for the turn to end first. */
	m->room.give_up_ns = 600 * (u64)NSEC_PER_SEC;
	WRITE_ONCE(m->room.starving, true);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kthread_run(yielder_thread, &y, "room-yielder"));
	while (!machine_stat(m, PANTHOR_ROOM_STAT_YIELDS))
		fsleep(100);
	msleep(20);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(y.went_on));

	panthor_room_end(&visit, false);
	wait_for_completion(&y.ended);
	machine_expect_settled(test, m);
}

/* What the turn waits for may be a job that waits for what is about to be submitted. */
static void submissions_give_up_waiting(struct kunit *test)
{
	struct machine *m = machine_create(test, 100);
	struct mock_vm *vm = mock_vm_create(m->mock);
	struct panthor_room_visit visit;

	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_ASSERT_EQ(test, 0, panthor_room_take_turn(&visit));
	WRITE_ONCE(m->room.starving, true);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_yield(&m->room, &vm->base));
	KUNIT_EXPECT_EQ(test, 1, machine_stat(m, PANTHOR_ROOM_STAT_YIELDS));
	KUNIT_EXPECT_TRUE(test, READ_ONCE(m->room.starving));
	panthor_room_end(&visit, false);
	machine_expect_settled(test, m);
}

static struct kunit_case room_turns_test_cases[] = {
	KUNIT_CASE(clients_that_do_not_fit_together_all_progress),
	KUNIT_CASE(turns_are_taken_in_the_order_of_arrival),
	KUNIT_CASE(submissions_wait_while_the_turn_waits),
	KUNIT_CASE(submissions_give_up_waiting),
	{}
};

static struct kunit_suite room_turns_test_suite = {
	.name = "panthor_room_turns",
	.test_cases = room_turns_test_cases,
};

kunit_test_suite(room_turns_test_suite);
