// SPDX-License-Identifier: GPL-2.0 or MIT

/* A given set of BOs goes: those, no others, and what is told about it. */

#include <linux/sizes.h>

#include "../panthor_reclaim_set.h"
#include "panthor_reclaim_mock.h"

#define BUDGET_NS	(100 * NSEC_PER_MSEC)
#define MAX_BOS		8

/**
 * struct mock_set - A set of BOs without hardware
 */
struct mock_set {
	/** @base: What is tested. */
	struct panthor_reclaim_set base;

	/** @entries: Its BOs. */
	struct panthor_reclaim_set_entry entries[MAX_BOS];

	/** @foreign: The BO that is somebody else's, too. */
	struct mock_bo *foreign;
};

static struct mock *current_set_mock;

static bool is_foreign(struct panthor_reclaim_set *base,
		       const struct panthor_reclaim_set_entry *entry)
{
	struct mock_set *set = container_of(base, struct mock_set, base);

	return set->foreign && entry->bo == &set->foreign->base;
}

static struct mock_set *set_create(struct kunit *test)
{
	struct mock_set *set = kunit_kzalloc(test, sizeof(*set), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, set);
	set->base.entries = set->entries;
	set->base.budget_ns = BUDGET_NS;
	set->base.is_foreign = is_foreign;

	return set;
}

static struct mock_bo *add(struct mock_set *set, struct mock_bo *bo)
{
	set->entries[set->base.nr_entries++].bo = &bo->base;

	return bo;
}

static int evict(struct mock *mock, struct mock_set *set)
{
	int ret = panthor_reclaim_evict_set(&mock->reclaim, &set->base);

	KUNIT_EXPECT_EQ(mock->test, 0, panthor_reclaim_check(&mock->reclaim));

	return ret;
}

static bool is_out(const struct mock_bo *bo)
{
	return bo->facts.evicted;
}

/* What is in the way stays, what is not goes. */
static void evict_other(struct mock *mock, struct mock_set *set, int ret,
			const struct mock_bo *stays, const struct mock_bo *goes)
{
	KUNIT_EXPECT_EQ(mock->test, ret, evict(mock, set));
	KUNIT_EXPECT_FALSE(mock->test, is_out(stays));
	KUNIT_EXPECT_TRUE(mock->test, is_out(goes));
}

static void whole_set_goes_and_nothing_else(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock), *other = mock_vm_create(mock);
	struct mock_set *set = set_create(test);
	struct mock_bo *stay[5];

	stay[0] = mock_bo_unused(mock, 1);
	stay[1] = mock_bo_mmapped(mock, 1);
	stay[2] = mock_bo_private(vm, 1);
	stay[3] = mock_bo_private(other, 1);
	stay[4] = mock_bo_shared(mock, 1);
	add(set, mock_bo_unused(mock, 1));
	add(set, mock_bo_mmapped(mock, 1));
	add(set, mock_bo_private(vm, 1));
	add(set, mock_bo_shared(mock, 1));
	add(set, mock_bo_private(other, 1));

	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
	KUNIT_EXPECT_EQ(test, 5, mock->logged);
	for (int i = 0; i < ARRAY_SIZE(stay); i++)
		KUNIT_EXPECT_FALSE_MSG(test, is_out(stay[i]), "BO %d", i);
	for (int i = 0; i < set->base.nr_entries; i++)
		KUNIT_EXPECT_EQ(test, PANTHOR_RECLAIM_SET_EVICTED, set->entries[i].state);
}

static void private_bos_of_a_vm_share_one_sweep(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct mock_set *set = set_create(test);

	for (int i = 0; i < 4; i++) {
		add(set, mock_bo_private(vm, 1));
		add(set, mock_bo_unused(mock, 1));
	}
	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
	KUNIT_EXPECT_EQ(test, 8, mock->logged);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&mock->sweeps));
}

static void sweep_that_is_full_is_followed_by_another(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct mock_set *set = set_create(test);

	vm->foreign = 2;
	for (int i = 0; i < 5; i++)
		add(set, mock_bo_private(vm, 1));
	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
	KUNIT_EXPECT_EQ(test, 5, mock->logged);
	KUNIT_EXPECT_EQ(test, 3, atomic_read(&mock->sweeps));
}

static void foreign_bo_stays_and_is_counted(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct mock_set *set = set_create(test);
	struct mock_bo *own = add(set, mock_bo_private(vm, 1));

	set->foreign = add(set, mock_bo_private(vm, 1));
	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
	KUNIT_EXPECT_TRUE(test, is_out(own));
	KUNIT_EXPECT_FALSE(test, is_out(set->foreign));
	KUNIT_EXPECT_EQ(test, PANTHOR_RECLAIM_SET_LEFT, set->entries[1].state);
	KUNIT_EXPECT_EQ(test, 1, mock_stat(mock, PANTHOR_RECLAIM_STAT_SKIP_FOREIGN));
}

static void pinned_bo_is_waited_for_and_busy(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_set *set = set_create(test);
	struct mock_bo *bo = add(set, mock_bo_unused(mock, 1));

	bo->facts.pinned = true;
	mock_bo_file(bo);
	KUNIT_EXPECT_EQ(test, -EBUSY, evict(mock, set));
	KUNIT_EXPECT_FALSE(test, is_out(bo));
	KUNIT_EXPECT_EQ(test, PANTHOR_RECLAIM_SET_WAITING, set->entries[0].state);
}

/* Who pays may not swap: it is not even unmapped. */
static void bo_that_may_not_be_swapped_is_left_alone(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct mock_set *set = set_create(test);
	struct mock_bo *stays = add(set, mock_bo_private(vm, 1));
	struct mock_bo *goes = add(set, mock_bo_private(vm, 1));

	stays->noswap = true;
	evict_other(mock, set, -ENOSPC, stays, goes);
	KUNIT_EXPECT_EQ(test, 1, mock->logged);
}

/* What is unmapped in one go counts against the swap space that there is. */
static void batch_is_no_larger_than_swap(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct mock_set *set = set_create(test);

	mock->swap = 25;
	for (int i = 0; i < 2; i++)
		add(set, mock_bo_private(vm, 10));
	add(set, mock_bo_private(vm, 10));
	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
	/* Swap does not shrink here, so the third follows in a sweep of its own. */
	KUNIT_EXPECT_EQ(test, 2, atomic_read(&mock->sweeps));
}

static void failed_write_ends_the_run(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_set *set = set_create(test);
	const unsigned long large = SZ_16M >> PAGE_SHIFT;

	for (int i = 0; i < 4; i++)
		add(set, mock_bo_unused(mock, large));
	mock->unwritable = true;
	KUNIT_EXPECT_EQ(test, -ENOSPC, evict(mock, set));

	/* One is under way while the next is begun. */
	KUNIT_EXPECT_EQ(test, 2, mock->logged);
	KUNIT_EXPECT_EQ(test, PANTHOR_RECLAIM_SET_NOSWAP, set->entries[3].state);
}

static bool is_cancelled(struct panthor_reclaim_set *base)
{
	return current_set_mock->parts >= current_set_mock->end_after;
}

/* Within one BO, and what was not begun stays. */
static void cancelled_set_ends_between_parts(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_set *set = set_create(test);
	struct mock_bo *large = add(set, mock_bo_unused(mock, SZ_16M >> PAGE_SHIFT));
	struct mock_bo *next = add(set, mock_bo_unused(mock, 1));

	current_set_mock = mock;
	mock->end_after = 3;
	set->base.is_cancelled = is_cancelled;
	KUNIT_EXPECT_EQ(test, -ECANCELED, evict(mock, set));
	KUNIT_EXPECT_EQ(test, 3, mock->parts);
	KUNIT_EXPECT_TRUE(test, is_out(large));
	KUNIT_EXPECT_FALSE(test, is_out(next));
}

/* What is known to have left is not looked at again. */
static void second_run_writes_nothing(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_set *set = set_create(test), *again = set_create(test);
	struct mock_bo *bo = add(set, mock_bo_unused(mock, SZ_1M >> PAGE_SHIFT));
	unsigned int parts;

	add(again, bo);
	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
	parts = mock->parts;
	KUNIT_EXPECT_EQ(test, 0, evict(mock, again));
	KUNIT_EXPECT_EQ(test, parts, mock->parts);
}

static void as_much_as_asked_for_goes(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_set *set = set_create(test);

	for (int i = 0; i < 4; i++)
		add(set, mock_bo_unused(mock, 10));
	set->base.max_pages = 15;
	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
	KUNIT_EXPECT_EQ(test, 2, mock->logged);

	/* In all, so once more does nothing. */
	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
	KUNIT_EXPECT_EQ(test, 2, mock->logged);
}

static struct mock_bo *bo_that_comes_back;

static void come_back(struct mock *mock)
{
	struct mock_bo *bo = bo_that_comes_back;

	bo->facts.evicted = false;
	bo->facts.resident = true;
	mock_bo_file(bo);
}

static void what_came_back_is_told(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_set *set = set_create(test);

	bo_that_comes_back = add(set, mock_bo_unused(mock, 1));
	mock->on_write = come_back;
	KUNIT_EXPECT_EQ(test, -EAGAIN, evict(mock, set));
	KUNIT_EXPECT_EQ(test, 1, mock->logged);
}

static void vm_that_is_held_stays(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct mock_set *set = set_create(test);
	struct mock_bo *bo = add(set, mock_bo_private(vm, 1));

	panthor_reclaim_vm_hold(&mock->reclaim, &vm->base);
	KUNIT_EXPECT_EQ(test, -EBUSY, evict(mock, set));
	KUNIT_EXPECT_FALSE(test, is_out(bo));
	panthor_reclaim_vm_release(&mock->reclaim, &vm->base, 0);
	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
}

static void busy_vm_keeps_its_bos_and_others_go(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *busy = mock_vm_create(mock), *idle = mock_vm_create(mock);
	struct mock_set *set = set_create(test);
	struct mock_bo *stays = add(set, mock_bo_private(busy, 1));
	struct mock_bo *goes = add(set, mock_bo_private(idle, 1));
	ktime_t start = ktime_get();

	busy->busy = 1;
	busy->done_ns = U64_MAX;
	evict_other(mock, set, -EBUSY, stays, goes);
	KUNIT_EXPECT_GE(test, ktime_to_ns(ktime_sub(ktime_get(), start)), BUDGET_NS);
	KUNIT_EXPECT_EQ(test, busy->id, mock->waits[0]);
}

static void vm_that_becomes_idle_goes(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct mock_set *set = set_create(test);
	struct mock_bo *bo = add(set, mock_bo_private(vm, 1));

	vm->busy = 1;
	vm->done_ns = 2 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
	KUNIT_EXPECT_TRUE(test, is_out(bo));
}

static void busy_shared_bo_is_waited_for(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_set *set = set_create(test);
	struct mock_bo *bo = add(set, mock_bo_shared(mock, 1));

	bo->error = -EBUSY;
	bo->done_ns = 2 * NSEC_PER_MSEC;
	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
	KUNIT_EXPECT_TRUE(test, is_out(bo));
}

static void signal_ends_the_wait(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct mock_set *set = set_create(test);
	struct mock_bo *bo = add(set, mock_bo_private(vm, 1));

	vm->busy = 1;
	mock->signal = true;
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS, evict(mock, set));
	KUNIT_EXPECT_FALSE(test, is_out(bo));
	KUNIT_EXPECT_EQ(test, 1, mock->nr_waits);
}

static void gpu_that_keeps_hold_is_tried_again(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct mock_set *set = set_create(test);
	struct mock_bo *bo = add(set, mock_bo_private(vm, 1));

	vm->dead_gpu = true;
	KUNIT_EXPECT_EQ(test, -EBUSY, evict(mock, set));
	KUNIT_EXPECT_FALSE(test, is_out(bo));
	KUNIT_EXPECT_EQ(test, PANTHOR_RECLAIM_SET_WAITING, set->entries[0].state);
	KUNIT_EXPECT_LT(test, 1, atomic_read(&mock->sweeps));
}

static void bo_that_is_not_unmapped_is_kept_alone(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct mock_set *set = set_create(test);
	struct mock_bo *first = add(set, mock_bo_private(vm, 1));
	struct mock_bo *bo = add(set, mock_bo_private(vm, 1));
	struct mock_bo *last = add(set, mock_bo_private(vm, 1));

	bo->unmap_error = -EAGAIN;
	KUNIT_EXPECT_EQ(test, -EBUSY, evict(mock, set));
	KUNIT_EXPECT_TRUE(test, is_out(first));
	KUNIT_EXPECT_FALSE(test, is_out(bo));
	KUNIT_EXPECT_TRUE(test, is_out(last));
}

static void bo_too_large_for_swap_stays_and_smaller_ones_go(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_set *set = set_create(test);
	struct mock_bo *large = add(set, mock_bo_unused(mock, 100));
	struct mock_bo *small = add(set, mock_bo_unused(mock, 10));

	mock->swap = 50;
	evict_other(mock, set, -ENOSPC, large, small);
	KUNIT_EXPECT_EQ(test, 1, mock_stat(mock, PANTHOR_RECLAIM_STAT_SKIP_NOSWAP));
}

/* Swap was there when it was asked for, and then it was not. */
static void use_up_swap(struct mock *mock, int bo)
{
	mock->swap = 0;
}

static void what_swap_did_not_take_is_an_error(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_set *set = set_create(test);

	add(set, mock_bo_unused(mock, 10));
	mock->unwritable = true;
	mock->on_evict = use_up_swap;
	KUNIT_EXPECT_EQ(test, -ENOSPC, evict(mock, set));
}

/* It is not evicted twice, but its pages may still be on their way. */
static void what_others_evicted_is_waited_for(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_set *set = set_create(test);
	struct mock_bo *bo = add(set, mock_bo_unused(mock, 10));
	struct panthor_reclaim_scan scan;

	mock->async = true;
	mock_scan(mock, 10, 0, &scan);
	KUNIT_ASSERT_TRUE(test, is_out(bo));
	KUNIT_EXPECT_EQ(test, 10, scan.writeback);
	KUNIT_EXPECT_EQ(test, 0, evict(mock, set));
	KUNIT_EXPECT_EQ(test, 1, mock->logged);
	KUNIT_EXPECT_EQ(test, 10, mock_stat(mock, PANTHOR_RECLAIM_STAT_FREED_PAGES));
}

static struct kunit_case set_test_cases[] = {
	KUNIT_CASE(whole_set_goes_and_nothing_else),
	KUNIT_CASE(private_bos_of_a_vm_share_one_sweep),
	KUNIT_CASE(sweep_that_is_full_is_followed_by_another),
	KUNIT_CASE(foreign_bo_stays_and_is_counted),
	KUNIT_CASE(pinned_bo_is_waited_for_and_busy),
	KUNIT_CASE(bo_that_may_not_be_swapped_is_left_alone),
	KUNIT_CASE(batch_is_no_larger_than_swap),
	KUNIT_CASE(failed_write_ends_the_run),
	KUNIT_CASE(cancelled_set_ends_between_parts),
	KUNIT_CASE(second_run_writes_nothing),
	KUNIT_CASE(as_much_as_asked_for_goes),
	KUNIT_CASE(what_came_back_is_told),
	KUNIT_CASE(vm_that_is_held_stays),
	KUNIT_CASE(busy_vm_keeps_its_bos_and_others_go),
	KUNIT_CASE(vm_that_becomes_idle_goes),
	KUNIT_CASE(busy_shared_bo_is_waited_for),
	KUNIT_CASE(signal_ends_the_wait),
	KUNIT_CASE(gpu_that_keeps_hold_is_tried_again),
	KUNIT_CASE(bo_that_is_not_unmapped_is_kept_alone),
	KUNIT_CASE(bo_too_large_for_swap_stays_and_smaller_ones_go),
	KUNIT_CASE(what_swap_did_not_take_is_an_error),
	KUNIT_CASE(what_others_evicted_is_waited_for),
	{}
};

static struct kunit_suite set_test_suite = {
	.name = "panthor_reclaim_set",
	.test_cases = set_test_cases,
};

kunit_test_suite(set_test_suite);
