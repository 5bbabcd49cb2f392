// SPDX-License-Identifier: GPL-2.0 or MIT

/* Who gets room, in which order, at whose expense, and when there is none. */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "panthor_reclaim_mock.h"
#include "../panthor_room.h"

#define RESERVE		10
#define GIVE_UP_NS	(200 * NSEC_PER_MSEC)

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

static unsigned long pages_free(struct machine *m)
{
	return max(atomic_long_read(&m->free) +
		   mock_stat(m->mock, PANTHOR_RECLAIM_STAT_EVICTED_PAGES), 0L);
}

static unsigned long available(struct panthor_room *room)
{
	return pages_free(container_of(room, struct machine, room));
}

static unsigned long swappable(struct panthor_room *room)
{
	return container_of(room, struct machine, room)->swappable;
}

static unsigned long swap_memory(struct panthor_room *room)
{
	return container_of(room, struct machine, room)->swap_memory;
}

static unsigned long reserve(struct panthor_room *room)
{
	return RESERVE;
}

static bool gone(struct panthor_room *room)
{
	return container_of(room, struct machine, room)->gone;
}

static const struct panthor_room_ops room_ops = {
	.available = available,
	.swappable = swappable,
	.swap_memory = swap_memory,
	.reserve = reserve,
	.gone = gone,
};

static struct machine *machine_create(struct kunit *test, unsigned long free)
{
	struct machine *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->mock = mock_create(test);
	atomic_long_set(&m->free, free);
	panthor_room_init(&m->room, &m->mock->reclaim, &room_ops, GIVE_UP_NS);

	return m;
}

static long stat_of(struct machine *m, enum panthor_room_stat stat)
{
	return atomic_long_read(&m->room.stats[stat]);
}

struct request {
	struct machine *m;
	unsigned long nr_pages;
};

static int fill(void *arg)
{
	struct request *request = arg;

	if (request->m->failures > 0) {
		request->m->failures--;
		return -ENOMEM;
	}
	atomic_long_sub(request->nr_pages, &request->m->free);

	return 0;
}

static int visit_fill(struct machine *m, struct panthor_room_visit *visit, unsigned long nr_pages)
{
	struct request request = { .m = m, .nr_pages = nr_pages };

	return panthor_room_fill(visit, nr_pages, fill, &request);
}

/* A whole visit for one allocation. */
static int visit(struct machine *m, unsigned long nr_pages)
{
	struct panthor_room_visit visit;
	int ret;

	panthor_room_begin(&m->room, &visit, NULL);
	for (;;) {
		ret = panthor_room_get(&visit, nr_pages);
		if (!ret)
			ret = visit_fill(m, &visit, nr_pages);
		if (ret != -EAGAIN)
			break;

		ret = panthor_room_take_turn(&visit);
		if (ret)
			break;
	}
	panthor_room_end(&visit, false);

	return ret;
}

static void expect_settled(struct kunit *test, struct machine *m)
{
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&m->room.promised));
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&m->room.asked));
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&m->room.queued));
	KUNIT_EXPECT_TRUE(test, list_empty(&m->room.queue));
	KUNIT_EXPECT_EQ(test, 0, m->room.lacks);
	KUNIT_EXPECT_TRUE(test, list_empty(&m->room.filling));
}

static void plentiful_memory_costs_nothing(struct kunit *test)
{
	struct machine *m = machine_create(test, 100);

	mock_bo_unused(m->mock, 10);
	KUNIT_EXPECT_EQ(test, 0, visit(m, 100 - RESERVE));
	KUNIT_EXPECT_EQ(test, 0, stat_of(m, PANTHOR_ROOM_STAT_TURNS));
	KUNIT_EXPECT_EQ(test, 0, stat_of(m, PANTHOR_ROOM_STAT_SCANS));
	expect_settled(test, m);
}

static void room_is_made_if_memory_is_short(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE);

	mock_bo_unused(m->mock, 2000);
	KUNIT_EXPECT_EQ(test, 0, visit(m, 1500));
	KUNIT_EXPECT_EQ(test, 1, stat_of(m, PANTHOR_ROOM_STAT_TURNS));
	KUNIT_EXPECT_EQ(test, 2000, stat_of(m, PANTHOR_ROOM_STAT_PAGES));
	KUNIT_EXPECT_LE(test, RESERVE, pages_free(m));
	expect_settled(test, m);
}

static void reserve_is_left(struct kunit *test)
{
	struct machine *m = machine_create(test, 1000);

	KUNIT_EXPECT_EQ(test, -ENOMEM, visit(m, 1000 - RESERVE + 1));
	KUNIT_EXPECT_EQ(test, 0, visit(m, 1000 - RESERVE));
	KUNIT_EXPECT_EQ(test, RESERVE, pages_free(m));
}

static void what_was_promised_is_not_promised_again(struct kunit *test)
{
	struct machine *m = machine_create(test, 100 + RESERVE);
	struct panthor_room_visit first;

	panthor_room_begin(&m->room, &first, NULL);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&first, 60));
	KUNIT_EXPECT_EQ(test, -ENOMEM, visit(m, 41));
	KUNIT_EXPECT_EQ(test, 0, visit(m, 40));

	KUNIT_EXPECT_EQ(test, 0, visit_fill(m, &first, 60));
	panthor_room_end(&first, false);
	KUNIT_EXPECT_EQ(test, RESERVE, pages_free(m));
	expect_settled(test, m);
}

static void what_cannot_fit_evicts_nothing(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE);

	mock_bo_unused(m->mock, 500);
	KUNIT_EXPECT_EQ(test, -ENOMEM, visit(m, 501));
	KUNIT_EXPECT_EQ(test, 0, stat_of(m, PANTHOR_ROOM_STAT_PAGES));
	KUNIT_EXPECT_EQ(test, 1, stat_of(m, PANTHOR_ROOM_STAT_FAILURES));
	expect_settled(test, m);
}

static void without_swap_there_is_no_room(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE);

	m->mock->swap = 0;
	mock_bo_unused(m->mock, 500);
	KUNIT_EXPECT_EQ(test, -ENOMEM, visit(m, 1));
	m->mock->swap = 1000;
	KUNIT_EXPECT_EQ(test, 0, visit(m, 1));
}

/* What comes back from a full swap makes room there for what has to go. */
static void full_swap_is_exchanged_by_parts(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE);
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
	expect_settled(test, m);
}

/* What is swapped in leaves the memory that it took up when it was compressed. */
static void compressed_swap_is_exchanged_by_parts(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE + 325);
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
		KUNIT_EXPECT_EQ(test, 0, visit_fill(m, &visit, 100));
		atomic_long_add(25, &m->free);
	}
	panthor_room_end(&visit, false);

	/* It cannot leave more than what it will be. */
	m->swap_memory = 1000;
	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_EXPECT_EQ(test, -ENOMEM, panthor_room_get(&visit, 200));
	KUNIT_EXPECT_FALSE(test, panthor_room_get_by_parts(&visit, 99));
	panthor_room_end(&visit, false);
	expect_settled(test, m);
}

static void rest_is_left_to_mm(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE);

	mock_bo_unused(m->mock, 100);
	m->swappable = 50;
	KUNIT_EXPECT_EQ(test, 0, visit(m, 150));
	KUNIT_EXPECT_EQ(test, 100, stat_of(m, PANTHOR_ROOM_STAT_PAGES));
}

static void vm_of_the_visit_keeps_its_bos(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE);
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
	expect_settled(test, m);
}

static void kept_vm_is_waited_for(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE);
	struct mock_vm *a = mock_vm_create(m->mock), *b = mock_vm_create(m->mock);
	struct panthor_room_visit visit;

	mock_bo_private(a, 100);
	panthor_reclaim_vm_hold(&m->mock->reclaim, &a->base);
	panthor_reclaim_vm_touch(&m->mock->reclaim, &a->base);
	panthor_reclaim_vm_release(&m->mock->reclaim, &a->base, 50 * NSEC_PER_MSEC);

	panthor_room_begin(&m->room, &visit, &b->base);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 100));
	KUNIT_EXPECT_LT(test, 0, stat_of(m, PANTHOR_ROOM_STAT_WAITS));
	KUNIT_EXPECT_LT(test, 20 * USEC_PER_MSEC, stat_of(m, PANTHOR_ROOM_STAT_WAIT_US));
	panthor_room_end(&visit, true);
	KUNIT_EXPECT_FALSE(test, panthor_reclaim_vm_is_kept(&m->mock->reclaim, &a->base));
}

static void busy_vm_is_waited_for(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE);
	struct mock_vm *vm = mock_vm_create(m->mock);

	mock_bo_private(vm, 100);
	vm->busy = 1;
	vm->done_ns = 5 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, 0, visit(m, 100));
	expect_settled(test, m);
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
			visit_fill(early->m, &early->visit, early->bo->base.nr_pages));
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
	struct machine *m = machine_create(test, 100 + RESERVE);
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
	KUNIT_EXPECT_EQ(test, 0, visit(m, 100));
	wait_for_completion(&early->ended);
	KUNIT_EXPECT_EQ(test, 100, stat_of(m, PANTHOR_ROOM_STAT_PAGES));
	KUNIT_EXPECT_FALSE(test, early->bo->facts.resident);
	expect_settled(test, m);
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
	struct machine *m = machine_create(test, RESERVE);
	struct mock_vm *vm = mock_vm_create(m->mock);
	ktime_t start = ktime_get();

	mock_bo_private(vm, 100);
	vm->busy = 1;
	KUNIT_EXPECT_EQ(test, -ENOMEM, visit(m, 100));
	KUNIT_EXPECT_LE(test, GIVE_UP_NS, ktime_to_ns(ktime_sub(ktime_get(), start)));
	KUNIT_EXPECT_LT(test, 0, stat_of(m, PANTHOR_ROOM_STAT_WAITS));
	expect_settled(test, m);
}

static void unplugged_device_is_not_waited_for(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE);

	mock_bo_unused(m->mock, 100);
	m->gone = true;
	KUNIT_EXPECT_EQ(test, -ENODEV, visit(m, 100));
	KUNIT_EXPECT_EQ(test, 0, stat_of(m, PANTHOR_ROOM_STAT_PAGES));
	expect_settled(test, m);
}

static void failed_allocation_asks_for_the_turn(struct kunit *test)
{
	struct machine *m = machine_create(test, 5000);
	struct panthor_room_visit visit;

	mock_bo_unused(m->mock, 600);
	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 4000));
	m->failures = 2;
	KUNIT_EXPECT_EQ(test, -EAGAIN, visit_fill(m, &visit, 4000));
	KUNIT_EXPECT_EQ(test, 0, panthor_room_take_turn(&visit));
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 4000));

	/* It is tried again although there should have been enough. */
	KUNIT_EXPECT_EQ(test, 0, visit_fill(m, &visit, 4000));
	KUNIT_EXPECT_EQ(test, 1, stat_of(m, PANTHOR_ROOM_STAT_RETRIES));
	panthor_room_end(&visit, false);
	expect_settled(test, m);
}

static void allocation_is_not_tried_for_ever(struct kunit *test)
{
	struct machine *m = machine_create(test, 1000000);
	struct panthor_room_visit visit;

	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_take_turn(&visit));
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 10));
	m->failures = 1000;
	KUNIT_EXPECT_EQ(test, -ENOMEM, visit_fill(m, &visit, 10));
	KUNIT_EXPECT_GT(test, m->failures, 980);
	panthor_room_end(&visit, false);
}

static void who_may_not_wait_fails_at_once(struct kunit *test)
{
	struct machine *m = machine_create(test, 50);
	struct request request = { .m = m, .nr_pages = 50 };

	mock_bo_unused(m->mock, 100);
	m->failures = 1;
	KUNIT_EXPECT_EQ(test, -ENOMEM, panthor_room_fill_nowait(&m->room, fill, &request));
	KUNIT_EXPECT_EQ(test, 1, stat_of(m, PANTHOR_ROOM_STAT_NOWAIT_FAILURES));
	KUNIT_EXPECT_EQ(test, 0, stat_of(m, PANTHOR_ROOM_STAT_SCANS));
	KUNIT_EXPECT_EQ(test, 0, panthor_room_fill_nowait(&m->room, fill, &request));
}

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

		ret = visit_fill(c->m, &visit, bo->base.nr_pages);
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
	struct machine *m = machine_create(test, 1000 + RESERVE);
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
	while (stat_of(m, PANTHOR_ROOM_STAT_QUEUED) < 2)
		fsleep(100);
	panthor_room_end(&first, false);

	for (int n = 0; n < 2; n++) {
		wait_for_completion(&clients[n].ended);
		KUNIT_EXPECT_EQ(test, 0, clients[n].ret);
		KUNIT_EXPECT_EQ(test, 20, clients[n].done);
	}
	KUNIT_EXPECT_LE(test, 40, stat_of(m, PANTHOR_ROOM_STAT_TURNS));
	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_check(&m->mock->reclaim));
	expect_settled(test, m);
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
		while (stat_of(m, PANTHOR_ROOM_STAT_QUEUED) <= i)
			fsleep(100);
	}
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&next));

	panthor_room_end(&first, false);
	for (int i = 0; i < 4; i++) {
		wait_for_completion(&waiters[i].ended);
		KUNIT_EXPECT_EQ(test, i + 1, waiters[i].order);
	}
	expect_settled(test, m);
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

	/* What it has is not what is lacking. */
	mock_bo_private(y.vm, 49);
	WRITE_ONCE(m->room.lacks, 50);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_yield(&m->room, &y.vm->base));
	KUNIT_EXPECT_EQ(test, 0, stat_of(m, PANTHOR_ROOM_STAT_YIELDS));

	mock_bo_private(y.vm, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kthread_run(yielder_thread, &y, "room-yielder"));
	while (!stat_of(m, PANTHOR_ROOM_STAT_YIELDS))
		fsleep(100);
	msleep(20);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(y.went_on));

	panthor_room_end(&visit, false);
	wait_for_completion(&y.ended);
	expect_settled(test, m);
}

/* Submissions go on as soon as the turn has room, not when it has ended. */
static void nothing_is_lacking_once_there_is_room(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE);
	struct mock_vm *own = mock_vm_create(m->mock), *vm = mock_vm_create(m->mock);
	struct panthor_room_visit visit;

	mock_bo_private(vm, 100);
	panthor_reclaim_vm_hold(&m->mock->reclaim, &vm->base);
	panthor_reclaim_vm_touch(&m->mock->reclaim, &vm->base);
	panthor_reclaim_vm_release(&m->mock->reclaim, &vm->base, 50 * NSEC_PER_MSEC);
	panthor_room_begin(&m->room, &visit, &own->base);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_take_turn(&visit));
	KUNIT_EXPECT_EQ(test, 0, panthor_room_get(&visit, 100));
	KUNIT_EXPECT_LT(test, 0, stat_of(m, PANTHOR_ROOM_STAT_WAITS));
	KUNIT_EXPECT_TRUE(test, visit.has_turn);
	KUNIT_EXPECT_EQ(test, 0, m->room.lacks);
	panthor_room_end(&visit, false);
	expect_settled(test, m);
}

/* Who needs little does not wait for who needs much. */
static void small_needs_do_not_queue(struct kunit *test)
{
	struct machine *m = machine_create(test, RESERVE);
	struct panthor_room_visit big;

	m->room.small = 4;
	mock_bo_unused(m->mock, 3);
	panthor_room_begin(&m->room, &big, NULL);
	KUNIT_ASSERT_EQ(test, 0, panthor_room_take_turn(&big));
	KUNIT_EXPECT_EQ(test, 0, visit(m, 3));
	KUNIT_EXPECT_EQ(test, 3, stat_of(m, PANTHOR_ROOM_STAT_PAGES));

	/* The reserve is there for it, and only an allocation says that there is none. */
	KUNIT_EXPECT_EQ(test, 0, visit(m, 4));
	m->failures = 100;
	KUNIT_EXPECT_EQ(test, -ENOMEM, visit(m, 4));
	KUNIT_EXPECT_EQ(test, 0, stat_of(m, PANTHOR_ROOM_STAT_QUEUED));
	panthor_room_end(&big, false);
	expect_settled(test, m);
}

/* What was torn down and did not leave is no room. */
static void what_does_not_leave_is_no_progress(struct kunit *test)
{
	struct machine *m = machine_create(test, 5000);

	mock_bo_unused(m->mock, 600);
	m->mock->unwritable = true;
	m->failures = 1000;
	KUNIT_EXPECT_EQ(test, -ENOMEM, visit(m, 100));
	KUNIT_EXPECT_GT(test, m->failures, 990);
	expect_settled(test, m);
}

/* The part of a BO that is there already is not promised any more. */
static void what_was_filled_is_not_promised(struct kunit *test)
{
	struct machine *m = machine_create(test, 100 + RESERVE);
	struct panthor_room_visit visit_of_big;
	unsigned long filled = 7;

	panthor_room_begin(&m->room, &visit_of_big, NULL);
	KUNIT_ASSERT_EQ(test, 0, panthor_room_get(&visit_of_big, 60));
	visit_of_big.filled = &filled;
	visit_of_big.filled_before = 7;
	spin_lock(&m->room.lock);
	list_add(&visit_of_big.filling, &m->room.filling);
	spin_unlock(&m->room.lock);
	filled += 50;
	atomic_long_sub(50, &m->free);
	KUNIT_EXPECT_EQ(test, 0, visit(m, 40));

	spin_lock(&m->room.lock);
	list_del(&visit_of_big.filling);
	spin_unlock(&m->room.lock);
	panthor_room_end(&visit_of_big, false);
	expect_settled(test, m);
}

/* What the turn waits for may be a job that waits for what is about to be submitted. */
static void submissions_do_not_wait_for_ever(struct kunit *test)
{
	struct machine *m = machine_create(test, 100);
	struct mock_vm *vm = mock_vm_create(m->mock);
	struct panthor_room_visit visit;

	panthor_room_begin(&m->room, &visit, NULL);
	KUNIT_ASSERT_EQ(test, 0, panthor_room_take_turn(&visit));
	mock_bo_private(vm, 50);
	WRITE_ONCE(m->room.lacks, 50);
	KUNIT_EXPECT_EQ(test, 0, panthor_room_yield(&m->room, &vm->base));
	KUNIT_EXPECT_EQ(test, 1, stat_of(m, PANTHOR_ROOM_STAT_YIELDS));
	KUNIT_EXPECT_EQ(test, 50, READ_ONCE(m->room.lacks));
	panthor_room_end(&visit, false);
	expect_settled(test, m);
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
	KUNIT_CASE(allocation_is_not_tried_for_ever),
	KUNIT_CASE(who_may_not_wait_fails_at_once),
	KUNIT_CASE(clients_that_do_not_fit_together_all_progress),
	KUNIT_CASE(turns_are_taken_in_the_order_of_arrival),
	KUNIT_CASE(submissions_wait_while_the_turn_waits),
	KUNIT_CASE(submissions_do_not_wait_for_ever),
	KUNIT_CASE(nothing_is_lacking_once_there_is_room),
	KUNIT_CASE(small_needs_do_not_queue),
	KUNIT_CASE(what_does_not_leave_is_no_progress),
	KUNIT_CASE(what_was_filled_is_not_promised),
	{}
};

static struct kunit_suite room_test_suite = {
	.name = "panthor_room",
	.test_cases = room_test_cases,
};

kunit_test_suite(room_test_suite);
