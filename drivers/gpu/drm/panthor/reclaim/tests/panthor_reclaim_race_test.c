// SPDX-License-Identifier: GPL-2.0 or MIT

/* Several scans at once, and what goes away under them. */

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "panthor_reclaim_mock.h"

#define NR_THREADS	4
#define NR_VMS		6
#define NR_BOS		48

/* Another scan that starts while the first one works on a BO. */
struct nested {
	struct panthor_reclaim_scan scan;
	unsigned long ret;
	bool done;
};

static struct nested nested;

static void scan_once_more(struct mock *mock, int bo)
{
	if (nested.done)
		return;

	nested.done = true;
	nested.scan = (struct panthor_reclaim_scan) { .target = 1 };
	nested.ret = panthor_reclaim_run(&mock->reclaim, &nested.scan);
}

static void second_scan_takes_the_next_bo(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;

	nested = (struct nested) {};
	mock->on_evict = scan_once_more;
	mock_bo_unused(mock, 1);
	mock_bo_unused(mock, 1);
	KUNIT_EXPECT_EQ(test, 1, mock_scan(mock, 1, 0, &scan));
	KUNIT_EXPECT_EQ(test, 1, nested.ret);
	KUNIT_ASSERT_EQ(test, 2, mock->logged);
	KUNIT_EXPECT_EQ(test, 1, mock->log[0]);
	KUNIT_EXPECT_EQ(test, 0, mock->log[1]);
}

static void second_scan_takes_the_next_vm(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *a = mock_vm_create(mock), *b = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	nested = (struct nested) {};
	mock->on_evict = scan_once_more;
	mock_bo_private(a, 1);
	mock_bo_private(a, 1);
	mock_bo_private(b, 1);
	KUNIT_EXPECT_EQ(test, 2, mock_scan(mock, 2, 0, &scan));
	KUNIT_EXPECT_EQ(test, 1, nested.ret);

	/* It stepped over the claimed VM, which it did not even find locked. */
	KUNIT_EXPECT_FALSE(test, nested.scan.contended);
	KUNIT_EXPECT_EQ(test, 2, mock->log[0]);
}

static struct mock_vm *victim;

static void drop_victim(struct mock *mock, int bo)
{
	if (victim)
		mock_vm_put(victim);
	victim = NULL;
}

static void last_reference_of_a_claimed_vm_is_dropped_by_the_worker(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	mock_bo_private(vm, 1);
	victim = vm;
	mock->on_evict = drop_victim;
	KUNIT_EXPECT_EQ(test, 1, mock_scan(mock, 1, 0, &scan));
	KUNIT_EXPECT_EQ(test, 1, mock_stat(mock, PANTHOR_RECLAIM_STAT_DEFERRED_PUTS));
	flush_work(&mock->reclaim.put_work);
	KUNIT_EXPECT_EQ(test, 1, mock->put_in_worker);
	KUNIT_EXPECT_EQ(test, 0, refcount_read(&vm->refs));
}

static void vm_that_others_use_is_put_in_place(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	mock_bo_private(vm, 1);
	mock_scan(mock, 1, 0, &scan);
	flush_work(&mock->reclaim.put_work);
	KUNIT_EXPECT_EQ(test, 0, mock_stat(mock, PANTHOR_RECLAIM_STAT_DEFERRED_PUTS));
	KUNIT_EXPECT_EQ(test, 1, refcount_read(&vm->refs));
}

static void vm_being_freed_is_left_alone(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;
	struct mock_bo *bo = mock_bo_private(vm, 1);

	refcount_set(&vm->refs, 0);
	KUNIT_EXPECT_EQ(test, 0, mock_scan(mock, 1, 0, &scan));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&mock->sweeps));
	refcount_set(&bo->refs, 1);
	mock_bo_free(bo);
	panthor_reclaim_vm_fini(&mock->reclaim, &vm->base);
}

static struct mock_bo *victim_bo;

static void drop_victim_bo(struct mock *mock, int bo)
{
	if (victim_bo)
		mock_bo_free(victim_bo);
	victim_bo = NULL;
}

static void last_reference_of_an_isolated_bo_is_dropped_by_the_worker(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;

	victim_bo = mock_bo_unused(mock, 3);
	mock->on_evict = drop_victim_bo;
	KUNIT_EXPECT_EQ(test, 3, mock_scan(mock, 3, 0, &scan));
	flush_work(&mock->reclaim.put_work);
	KUNIT_EXPECT_EQ(test, 1, mock_stat(mock, PANTHOR_RECLAIM_STAT_DEFERRED_PUTS));
	KUNIT_EXPECT_TRUE(test, list_empty(&mock->reclaim.all));
	KUNIT_EXPECT_EQ(test, 0, mock_pages(mock, PANTHOR_RECLAIM_UNRECLAIMABLE));
}

static struct mock_bo *moving;

static void warm_up(struct mock *mock, int bo)
{
	panthor_reclaim_bo_touch(&mock->reclaim, &moving->base);
}

static void scan_ends_though_a_bo_keeps_getting_warm(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;

	moving = mock_bo_unused(mock, 1);
	moving->error = -EAGAIN;
	mock->on_evict = warm_up;
	KUNIT_EXPECT_EQ(test, 0, mock_scan(mock, 1, 0, &scan));
	KUNIT_EXPECT_LE(test, scan.scanned, 2);
}

struct storm {
	struct mock *mock;
	struct mock_vm *vms[NR_VMS];
	struct mock_bo *bos[NR_BOS];
	unsigned long reclaimed[NR_THREADS];
	struct completion done;
	atomic_t running;
};

struct storm_thread {
	struct storm *storm;
	int id;
};

static void change_bo(struct storm *s)
{
	struct mock_bo *bo = s->bos[get_random_u32_below(NR_BOS)];
	struct panthor_reclaim_facts facts = {
		.resident = get_random_u32_below(8),
		.mmapped = get_random_u32_below(2),
		.pinned = !get_random_u32_below(8),
		.nr_vms = get_random_u32_below(3),
	};

	if (facts.nr_vms == 1)
		facts.vm = &s->vms[get_random_u32_below(NR_VMS)]->base;
	panthor_reclaim_bo_file(&s->mock->reclaim, &bo->base, &facts);
}

static int storm_main(void *arg)
{
	struct storm_thread *t = arg;
	struct storm *s = t->storm;

	for (int i = 0; i < 400; i++) {
		struct panthor_reclaim_scan scan = { .target = get_random_u32_below(16) };
		struct mock_vm *vm = s->vms[get_random_u32_below(NR_VMS)];

		change_bo(s);
		panthor_reclaim_vm_touch(&s->mock->reclaim, &vm->base);
		s->reclaimed[t->id] += panthor_reclaim_run(&s->mock->reclaim, &scan);
		if (panthor_reclaim_check(&s->mock->reclaim))
			KUNIT_FAIL(s->mock->test, "books out of order after %d rounds", i);
		cond_resched();
	}

	if (atomic_dec_and_test(&s->running))
		complete(&s->done);

	return 0;
}

/* A mechanism with real trylocks, but that leaves the facts to the storm. */
static int storm_evict_bo(struct panthor_reclaim_bo *rbo)
{
	struct mock_bo *bo = container_of(rbo, struct mock_bo, base);
	const struct panthor_reclaim_facts facts = { .evicted = true };

	KUNIT_EXPECT_EQ(bo->mock->test, 1, atomic_inc_return(&bo->users));
	cond_resched();
	panthor_reclaim_bo_file(&bo->mock->reclaim, rbo, &facts);
	atomic_dec(&bo->users);

	return 0;
}

static int storm_zap_vm_bo(struct panthor_reclaim_vm *rvm, struct panthor_reclaim_bo *rbo)
{
	return storm_evict_bo(rbo);
}

static int storm_end_vm(struct panthor_reclaim_vm *rvm, struct list_head *victims,
			struct list_head *kept)
{
	mutex_unlock(&container_of(rvm, struct mock_vm, base)->locked);

	return 0;
}

static void storm_of_scans_and_changes_keeps_the_books(struct kunit *test)
{
	struct storm *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	struct storm_thread threads[NR_THREADS];
	struct panthor_reclaim_ops ops;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->mock = mock_create(test);
	ops = *s->mock->reclaim.ops;
	ops.evict_bo = storm_evict_bo;
	ops.zap_vm_bo = storm_zap_vm_bo;
	ops.end_vm = storm_end_vm;
	s->mock->reclaim.ops = &ops;
	for (int i = 0; i < NR_VMS; i++)
		s->vms[i] = mock_vm_create(s->mock);
	for (int i = 0; i < NR_BOS; i++)
		s->bos[i] = mock_bo_create(s->mock, 1 + i % 7);

	init_completion(&s->done);
	atomic_set(&s->running, NR_THREADS);
	for (int i = 0; i < NR_THREADS; i++) {
		threads[i] = (struct storm_thread) { .storm = s, .id = i };
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(storm_main, &threads[i],
							    "reclaim-storm/%d", i)));
	}
	wait_for_completion(&s->done);

	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_check(&s->mock->reclaim));
	for (int i = 0; i < NR_THREADS; i++)
		KUNIT_EXPECT_GT_MSG(test, s->reclaimed[i], 0, "scan %d got nothing", i);
	for (int i = 0; i < NR_BOS; i++)
		mock_bo_free(s->bos[i]);
	for (int i = 0; i < PANTHOR_RECLAIM_CLASS_COUNT; i++)
		KUNIT_EXPECT_EQ(test, 0, mock_pages(s->mock, i));
}

static struct kunit_case race_test_cases[] = {
	KUNIT_CASE(second_scan_takes_the_next_bo),
	KUNIT_CASE(second_scan_takes_the_next_vm),
	KUNIT_CASE(last_reference_of_a_claimed_vm_is_dropped_by_the_worker),
	KUNIT_CASE(vm_that_others_use_is_put_in_place),
	KUNIT_CASE(vm_being_freed_is_left_alone),
	KUNIT_CASE(last_reference_of_an_isolated_bo_is_dropped_by_the_worker),
	KUNIT_CASE(scan_ends_though_a_bo_keeps_getting_warm),
	KUNIT_CASE_SLOW(storm_of_scans_and_changes_keeps_the_books),
	{}
};

static struct kunit_suite race_test_suite = {
	.name = "panthor_reclaim_race",
	.test_cases = race_test_cases,
};

kunit_test_suite(race_test_suite);
