// SPDX-License-Identifier: GPL-2.0 or MIT

/* Whom a scan takes, how much, and how long it waits. */

#include <linux/delay.h>

#include "panthor_reclaim_mock.h"

static void expect_log(struct mock *mock, const int *ids, unsigned int n)
{
	KUNIT_ASSERT_EQ(mock->test, n, mock->logged);
	for (unsigned int i = 0; i < n; i++)
		KUNIT_EXPECT_EQ_MSG(mock->test, ids[i], mock->log[i], "eviction %u", i);
}

#define EXPECT_EVICTED(mock, ...) \
	expect_log(mock, (const int []) { __VA_ARGS__ }, \
		   sizeof((const int []) { __VA_ARGS__ }) / sizeof(int))

static void classes_go_cheapest_first(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	mock_bo_shared(mock, 1);
	mock_bo_private(vm, 1);
	mock_bo_mmapped(mock, 1);
	mock_bo_unused(mock, 1);

	KUNIT_EXPECT_EQ(test, 4, mock_scan(mock, 100, 0, &scan));
	EXPECT_EVICTED(mock, 3, 2, 1, 0);
}

static void coldest_bo_of_a_class_goes_first(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;
	struct mock_bo *first = mock_bo_unused(mock, 1);

	mock_bo_unused(mock, 1);
	mock_bo_unused(mock, 1);
	panthor_reclaim_bo_touch(&mock->reclaim, &first->base);
	mock_scan(mock, 2, 0, &scan);
	EXPECT_EVICTED(mock, 1, 2);
}

static void coldest_vm_goes_first(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *a = mock_vm_create(mock), *b = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	mock_bo_private(a, 1);
	mock_bo_private(b, 1);
	mock_bo_private(a, 1);
	panthor_reclaim_vm_touch(&mock->reclaim, &a->base);
	mock_scan(mock, 2, 0, &scan);
	EXPECT_EVICTED(mock, 1, 0);
}

static void order_of_what_remains_is_kept(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *a = mock_vm_create(mock), *b = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	for (int i = 0; i < 3; i++)
		mock_bo_private(a, 1);
	for (int i = 0; i < 2; i++)
		mock_bo_private(b, 1);

	for (int i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, 1, mock_scan(mock, 1, 0, &scan));
	EXPECT_EVICTED(mock, 0, 1, 2, 3, 4);
}

static void skipped_bo_keeps_its_place(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;
	struct mock_bo *locked = mock_bo_unused(mock, 1);

	mock_bo_unused(mock, 1);
	mock_bo_unused(mock, 1);
	locked->error = -EAGAIN;
	mock_scan(mock, 1, 0, &scan);
	locked->error = 0;
	mock_scan(mock, 2, 0, &scan);
	EXPECT_EVICTED(mock, 1, 0, 2);
}

static void bo_that_comes_back_is_warm(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;
	struct mock_bo *first = mock_bo_unused(mock, 1);

	mock_bo_unused(mock, 1);
	mock_scan(mock, 1, 0, &scan);
	first->facts.resident = true;
	first->facts.evicted = false;
	mock_bo_file(first);
	mock_scan(mock, 1, 0, &scan);
	EXPECT_EVICTED(mock, 0, 1);
}

struct target_case {
	const char *description;
	unsigned long size, target, evicted;
};

static const struct target_case target_cases[] = {
	{ "nothing", 8, 0, 0 },
	{ "less than a BO", 8, 1, 8 },
	{ "exactly one BO", 8, 8, 8 },
	{ "a page more than a BO", 8, 9, 16 },
	{ "a page less than all", 8, 79, 80 },
	{ "all", 8, 80, 80 },
	{ "more than there is", 8, 1000, 80 },
	{ "single pages", 1, 7, 7 },
};

static void target_case_description(const struct target_case *c, char *description)
{
	strscpy(description, c->description, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(target, target_cases, target_case_description);

static void overshoot_is_less_than_a_bo(struct kunit *test)
{
	const struct target_case *c = test->param_value;
	struct panthor_reclaim_scan scan;
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);

	for (int i = 0; i < 5; i++) {
		mock_bo_unused(mock, c->size);
		mock_bo_private(vm, c->size);
	}
	KUNIT_EXPECT_EQ(test, c->evicted, mock_scan(mock, c->target, 0, &scan));
	KUNIT_EXPECT_EQ(test, c->evicted, scan.evicted);
	KUNIT_EXPECT_EQ(test, c->evicted, scan.scanned);
}

static void private_bos_of_a_vm_share_one_sweep(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	for (int i = 0; i < 64; i++)
		mock_bo_private(vm, 1);
	KUNIT_EXPECT_EQ(test, 64, mock_scan(mock, 64, 0, &scan));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&mock->sweeps));
}

static void sweep_that_is_full_is_followed_by_another(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	vm->foreign = 16;
	for (int i = 0; i < 40; i++)
		mock_bo_private(vm, 1);
	KUNIT_EXPECT_EQ(test, 40, mock_scan(mock, 40, 0, &scan));
	KUNIT_EXPECT_EQ(test, 3, atomic_read(&mock->sweeps));
}

static void vm_whose_gpu_keeps_hold_keeps_its_bos(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	mock_bo_private(vm, 8);
	vm->dead_gpu = true;
	KUNIT_EXPECT_EQ(test, 0, mock_scan(mock, 8, 0, &scan));
	KUNIT_EXPECT_EQ(test, 8, mock_pages(mock, PANTHOR_RECLAIM_PRIVATE));
	KUNIT_EXPECT_EQ(test, 1, mock_stat(mock, PANTHOR_RECLAIM_STAT_SKIP_GPU));

	vm->dead_gpu = false;
	KUNIT_EXPECT_EQ(test, 8, mock_scan(mock, 8, 0, &scan));
}

static void bo_that_is_not_unmapped_is_kept_alone(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;
	struct mock_bo *bo;

	mock_bo_private(vm, 8);
	bo = mock_bo_private(vm, 16);
	mock_bo_private(vm, 32);
	bo->unmap_error = -EAGAIN;
	KUNIT_EXPECT_EQ(test, 40, mock_scan(mock, 56, 0, &scan));
	KUNIT_EXPECT_EQ(test, 40, scan.evicted);
	KUNIT_EXPECT_TRUE(test, scan.contended);
	KUNIT_EXPECT_EQ(test, 16, mock_pages(mock, PANTHOR_RECLAIM_PRIVATE));

	bo->unmap_error = 0;
	KUNIT_EXPECT_EQ(test, 16, mock_scan(mock, 56, 0, &scan));
}

struct skip_case {
	int error;
	enum panthor_reclaim_stat stat;
	bool contended;
};

static const struct skip_case skip_cases[] = {
	{ -EBUSY, PANTHOR_RECLAIM_STAT_SKIP_BUSY, false },
	{ -EAGAIN, PANTHOR_RECLAIM_STAT_SKIP_LOCKED, true },
	{ -EPERM, PANTHOR_RECLAIM_STAT_SKIP_PINNED, false },
	{ -EIO, PANTHOR_RECLAIM_STAT_SKIP_GPU, false },
};

static void skip_case_description(const struct skip_case *c, char *description)
{
	scnprintf(description, KUNIT_PARAM_DESC_SIZE, "%pe", ERR_PTR(c->error));
}

KUNIT_ARRAY_PARAM(skip, skip_cases, skip_case_description);

static void skips_are_counted_by_reason(struct kunit *test)
{
	const struct skip_case *c = test->param_value;
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;
	struct mock_bo *bo = mock_bo_shared(mock, 3);

	bo->error = c->error;
	KUNIT_EXPECT_EQ(test, 0, mock_scan(mock, 3, 0, &scan));
	KUNIT_EXPECT_EQ(test, 1, mock_stat(mock, c->stat));
	KUNIT_EXPECT_EQ(test, c->contended, scan.contended);
	KUNIT_EXPECT_EQ(test, 3, scan.scanned);
	KUNIT_EXPECT_EQ(test, 0, mock->nr_waits);
}

static void busy_vm_costs_nothing_while_others_are_idle(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *busy = mock_vm_create(mock), *idle = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	for (int i = 0; i < 65; i++)
		mock_bo_private(busy, 256);
	mock_bo_private(idle, 256);
	mock_bo_shared(mock, 256);
	busy->busy = 1;

	KUNIT_EXPECT_EQ(test, 512,
			mock_scan(mock, 512, PANTHOR_RECLAIM_WAIT_BUDGET_NS, &scan));
	EXPECT_EVICTED(mock, 65, 66);
	KUNIT_EXPECT_EQ(test, 0, mock->nr_waits);
}

static void waits_for_a_busy_vm_end_with_the_budget(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;

	for (int i = 0; i < 5; i++) {
		struct mock_vm *vm = mock_vm_create(mock);

		vm->busy = 1;
		for (int j = 0; j < 13; j++)
			mock_bo_private(vm, 1);
	}

	KUNIT_EXPECT_EQ(test, 0, mock_scan(mock, 65, PANTHOR_RECLAIM_WAIT_BUDGET_NS, &scan));
	KUNIT_EXPECT_EQ(test, 0, scan.budget_ns);
	KUNIT_EXPECT_EQ(test, PANTHOR_RECLAIM_WAIT_BUDGET_NS, mock->waited_ns);
	KUNIT_EXPECT_EQ(test, 1, mock->nr_waits);
	KUNIT_EXPECT_EQ(test, 1, mock_stat(mock, PANTHOR_RECLAIM_STAT_WAITS));
	KUNIT_EXPECT_EQ(test, 1, mock_stat(mock, PANTHOR_RECLAIM_STAT_WAIT_TIMEOUTS));
}

static void without_budget_nothing_waits(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;
	struct mock_bo *bo;

	vm->busy = 1;
	vm->done_ns = 1;
	mock_bo_private(vm, 1);
	bo = mock_bo_shared(mock, 1);
	bo->error = -EBUSY;
	bo->done_ns = 1;

	KUNIT_EXPECT_EQ(test, 0, mock_scan(mock, 2, 0, &scan));
	KUNIT_EXPECT_EQ(test, 0, mock->nr_waits);
	KUNIT_EXPECT_EQ(test, 2, mock_stat(mock, PANTHOR_RECLAIM_STAT_SKIP_BUSY));
}

static void vm_closest_to_done_is_waited_for(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vms[3];
	struct panthor_reclaim_scan scan;
	static const unsigned int busy[] = { 3, 1, 2 };

	for (int i = 0; i < ARRAY_SIZE(vms); i++) {
		vms[i] = mock_vm_create(mock);
		vms[i]->busy = busy[i];
		vms[i]->done_ns = NSEC_PER_USEC;
		mock_bo_private(vms[i], 4);
	}

	KUNIT_EXPECT_EQ(test, 4, mock_scan(mock, 4, PANTHOR_RECLAIM_WAIT_BUDGET_NS, &scan));
	KUNIT_ASSERT_EQ(test, 1, mock->nr_waits);
	KUNIT_EXPECT_EQ(test, 1, mock->waits[0]);
	EXPECT_EVICTED(mock, 1);
}

static void coldest_of_equally_busy_vms_is_waited_for(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *a = mock_vm_create(mock), *b = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	a->busy = 1;
	a->done_ns = NSEC_PER_USEC;
	b->busy = 1;
	b->done_ns = NSEC_PER_USEC;
	mock_bo_private(a, 1);
	mock_bo_private(b, 1);
	panthor_reclaim_vm_touch(&mock->reclaim, &a->base);

	mock_scan(mock, 1, PANTHOR_RECLAIM_WAIT_BUDGET_NS, &scan);
	KUNIT_ASSERT_EQ(test, 1, mock->nr_waits);
	KUNIT_EXPECT_EQ(test, 1, mock->waits[0]);
}

static void rest_of_the_budget_goes_to_the_next_vm(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *a = mock_vm_create(mock), *b = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	a->busy = 1;
	a->done_ns = NSEC_PER_USEC;
	b->busy = 2;
	b->done_ns = NSEC_PER_USEC;
	mock_bo_private(a, 1);
	mock_bo_private(b, 1);

	KUNIT_EXPECT_EQ(test, 2, mock_scan(mock, 2, NSEC_PER_SEC, &scan));
	KUNIT_ASSERT_EQ(test, 2, mock->nr_waits);
	KUNIT_EXPECT_EQ(test, 0, mock->waits[0]);
	KUNIT_EXPECT_EQ(test, 1, mock->waits[1]);
}

static void vm_that_stays_locked_is_waited_for_once(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	/* The wait succeeds at once, but fences keep coming. */
	vm->busy = 1;
	vm->done_ns = 0;
	mock_bo_private(vm, 1)->error = -EAGAIN;
	mock_scan(mock, 1, NSEC_PER_SEC, &scan);
	KUNIT_EXPECT_EQ(test, 1, mock->nr_waits);
}

static void shared_bo_is_waited_for_last(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;
	struct mock_bo *bo;

	vm->busy = 1;
	vm->done_ns = NSEC_PER_USEC;
	mock_bo_private(vm, 1);
	bo = mock_bo_shared(mock, 1);
	bo->error = -EBUSY;
	bo->done_ns = NSEC_PER_USEC;

	KUNIT_EXPECT_EQ(test, 2, mock_scan(mock, 2, NSEC_PER_SEC, &scan));
	EXPECT_EVICTED(mock, 0, 1);
}

static void without_swap_nothing_goes(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;

	mock->swap = 0;
	mock_bo_unused(mock, 8);
	KUNIT_EXPECT_EQ(test, 0, mock_scan(mock, 8, 0, &scan));
	KUNIT_EXPECT_EQ(test, 0, mock->logged);
	KUNIT_EXPECT_EQ(test, 1, mock_stat(mock, PANTHOR_RECLAIM_STAT_SKIP_NOSWAP));
}

static void no_more_goes_than_swap_can_take(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;

	mock->swap = 3;
	for (int i = 0; i < 10; i++)
		mock_bo_unused(mock, 1);
	KUNIT_EXPECT_EQ(test, 3, mock_scan(mock, 10, 0, &scan));
}

static void what_is_freed_and_what_is_written_are_told_apart(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;

	mock_bo_unused(mock, 5);
	mock_bo_unused(mock, 6);
	KUNIT_EXPECT_EQ(test, 5, mock_scan(mock, 5, 0, &scan));
	KUNIT_EXPECT_EQ(test, 5, scan.freed);
	KUNIT_EXPECT_EQ(test, 0, scan.writeback);

	mock->async = true;
	KUNIT_EXPECT_EQ(test, 6, mock_scan(mock, 6, 0, &scan));
	KUNIT_EXPECT_EQ(test, 0, scan.freed);
	KUNIT_EXPECT_EQ(test, 6, scan.writeback);
	KUNIT_EXPECT_EQ(test, 5, mock_stat(mock, PANTHOR_RECLAIM_STAT_FREED_PAGES));
	KUNIT_EXPECT_EQ(test, 6, mock_stat(mock, PANTHOR_RECLAIM_STAT_WRITTEN_PAGES));
}

static void waiting_for_writeback_frees_everything(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan = { .target = 12, .wait_writeback = true };

	mock->async = true;
	mock_bo_unused(mock, 5);
	mock_bo_private(vm, 7);
	KUNIT_EXPECT_EQ(test, 12, panthor_reclaim_run(&mock->reclaim, &scan));
	KUNIT_EXPECT_EQ(test, 12, scan.freed);
	KUNIT_EXPECT_EQ(test, 0, scan.writeback);
	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_check(&mock->reclaim));
}

static void what_only_was_unpinned_is_not_reported(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_scan scan;

	mock->unwritable = true;
	mock_bo_unused(mock, 5);
	KUNIT_EXPECT_EQ(test, 0, mock_scan(mock, 5, 0, &scan));
	KUNIT_EXPECT_EQ(test, 5, scan.evicted);
}

static void held_vm_is_left_alone(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *a = mock_vm_create(mock), *b = mock_vm_create(mock);
	struct panthor_reclaim_scan scan;

	mock_bo_private(a, 1);
	mock_bo_private(b, 1);
	panthor_reclaim_vm_hold(&mock->reclaim, &a->base);
	panthor_reclaim_vm_hold(&mock->reclaim, &a->base);
	mock_scan(mock, 2, 0, &scan);
	EXPECT_EVICTED(mock, 1);
	KUNIT_EXPECT_FALSE(test, scan.busy);

	panthor_reclaim_vm_release(&mock->reclaim, &a->base, 0);
	KUNIT_EXPECT_EQ(test, 0, mock_scan(mock, 2, 0, &scan));
	panthor_reclaim_vm_release(&mock->reclaim, &a->base, 0);
	mock_scan(mock, 2, 0, &scan);
	EXPECT_EVICTED(mock, 1, 0);
}

static void only_scans_that_respect_it_keep_a_vm(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan = { .target = 1, .respect_keep = true };

	mock_bo_private(vm, 1);
	panthor_reclaim_vm_hold(&mock->reclaim, &vm->base);
	panthor_reclaim_vm_touch(&mock->reclaim, &vm->base);
	panthor_reclaim_vm_release(&mock->reclaim, &vm->base, NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_run(&mock->reclaim, &scan));
	KUNIT_EXPECT_TRUE(test, scan.busy);

	mock_scan(mock, 1, 0, &scan);
	EXPECT_EVICTED(mock, 0);
}

static void vm_is_kept_while_it_has_jobs(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan = { .target = 1, .respect_keep = true };

	mock_bo_private(vm, 1);
	panthor_reclaim_vm_hold(&mock->reclaim, &vm->base);
	panthor_reclaim_vm_release(&mock->reclaim, &vm->base, NSEC_PER_SEC);

	/* Being found busy counts, until that is too long ago. */
	vm->busy = 1;
	panthor_reclaim_run(&mock->reclaim, &scan);
	vm->busy = 0;
	panthor_reclaim_run(&mock->reclaim, &scan);
	KUNIT_EXPECT_EQ(test, 0, mock->logged);
	KUNIT_EXPECT_TRUE(test, panthor_reclaim_vm_is_kept(&mock->reclaim, &vm->base));

	msleep(PANTHOR_RECLAIM_KEEP_IDLE_NS / NSEC_PER_MSEC + 1);
	KUNIT_EXPECT_FALSE(test, panthor_reclaim_vm_is_kept(&mock->reclaim, &vm->base));
	panthor_reclaim_run(&mock->reclaim, &scan);
	EXPECT_EVICTED(mock, 0);
}

static void vm_is_kept_no_longer_than_asked_for(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct panthor_reclaim_scan scan = { .target = 1, .respect_keep = true };

	mock_bo_private(vm, 1);
	panthor_reclaim_vm_hold(&mock->reclaim, &vm->base);
	panthor_reclaim_vm_touch(&mock->reclaim, &vm->base);
	panthor_reclaim_vm_release(&mock->reclaim, &vm->base, 1);
	fsleep(1);
	panthor_reclaim_run(&mock->reclaim, &scan);
	EXPECT_EVICTED(mock, 0);
	KUNIT_EXPECT_FALSE(test, scan.busy);
}

static void signal_ends_an_interruptible_scan(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *a = mock_vm_create(mock), *b = mock_vm_create(mock);
	struct panthor_reclaim_scan scan = {
		.target = 2,
		.budget_ns = NSEC_PER_SEC,
		.interruptible = true,
	};

	mock->signal = true;
	mock_bo_private(a, 1);
	mock_bo_private(b, 1);
	a->busy = 1;
	b->busy = 1;
	a->done_ns = 0;
	b->done_ns = 0;
	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_run(&mock->reclaim, &scan));
	KUNIT_EXPECT_TRUE(test, scan.interrupted);
	KUNIT_EXPECT_TRUE(test, scan.busy);
	KUNIT_EXPECT_EQ(test, 1, mock->nr_waits);

	/* Reclaim itself is not. */
	KUNIT_EXPECT_EQ(test, 2, mock_scan(mock, 2, NSEC_PER_SEC, &scan));
	KUNIT_EXPECT_FALSE(test, scan.interrupted);
}

static struct kunit_case scan_test_cases[] = {
	KUNIT_CASE(classes_go_cheapest_first),
	KUNIT_CASE(coldest_bo_of_a_class_goes_first),
	KUNIT_CASE(coldest_vm_goes_first),
	KUNIT_CASE(order_of_what_remains_is_kept),
	KUNIT_CASE(skipped_bo_keeps_its_place),
	KUNIT_CASE(bo_that_comes_back_is_warm),
	KUNIT_CASE_PARAM(overshoot_is_less_than_a_bo, target_gen_params),
	KUNIT_CASE(private_bos_of_a_vm_share_one_sweep),
	KUNIT_CASE(sweep_that_is_full_is_followed_by_another),
	KUNIT_CASE(vm_whose_gpu_keeps_hold_keeps_its_bos),
	KUNIT_CASE(bo_that_is_not_unmapped_is_kept_alone),
	KUNIT_CASE_PARAM(skips_are_counted_by_reason, skip_gen_params),
	KUNIT_CASE(busy_vm_costs_nothing_while_others_are_idle),
	KUNIT_CASE(waits_for_a_busy_vm_end_with_the_budget),
	KUNIT_CASE(without_budget_nothing_waits),
	KUNIT_CASE(vm_closest_to_done_is_waited_for),
	KUNIT_CASE(coldest_of_equally_busy_vms_is_waited_for),
	KUNIT_CASE(rest_of_the_budget_goes_to_the_next_vm),
	KUNIT_CASE(vm_that_stays_locked_is_waited_for_once),
	KUNIT_CASE(shared_bo_is_waited_for_last),
	KUNIT_CASE(without_swap_nothing_goes),
	KUNIT_CASE(no_more_goes_than_swap_can_take),
	KUNIT_CASE(what_is_freed_and_what_is_written_are_told_apart),
	KUNIT_CASE(waiting_for_writeback_frees_everything),
	KUNIT_CASE(what_only_was_unpinned_is_not_reported),
	KUNIT_CASE(held_vm_is_left_alone),
	KUNIT_CASE(only_scans_that_respect_it_keep_a_vm),
	KUNIT_CASE(vm_is_kept_while_it_has_jobs),
	KUNIT_CASE(vm_is_kept_no_longer_than_asked_for),
	KUNIT_CASE(signal_ends_an_interruptible_scan),
	{}
};

static struct kunit_suite scan_test_suite = {
	.name = "panthor_reclaim_scan",
	.test_cases = scan_test_cases,
};

kunit_test_suite(scan_test_suite);
