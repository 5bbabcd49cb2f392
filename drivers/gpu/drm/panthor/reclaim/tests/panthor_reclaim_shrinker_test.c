// SPDX-License-Identifier: GPL-2.0 or MIT

/* What mm is told. */

#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>

#include "panthor_reclaim_mock.h"

static unsigned long count(struct mock *mock)
{
	struct shrink_context reclaim = { .global = true, .may_swap = true };
	struct shrink_control sc = { .gfp_mask = GFP_KERNEL, .reclaim = &reclaim };

	return panthor_reclaim_shrinker_count(&mock->reclaim, &sc);
}

static unsigned long scan(struct mock *mock, gfp_t gfp, unsigned long target,
			  unsigned long *nr_scanned)
{
	struct shrink_context reclaim = { .global = true, .may_swap = true };
	struct shrink_control sc = {
		.gfp_mask = gfp,
		.reclaim = &reclaim,
		.nr_to_scan = target,
		.nr_scanned = target,
	};
	unsigned long ret = panthor_reclaim_shrinker_scan(&mock->reclaim, &sc);

	*nr_scanned = sc.nr_scanned;

	return ret;
}

static void count_is_empty_without_reclaimable_bos(struct kunit *test)
{
	struct mock *mock = mock_create(test);

	KUNIT_EXPECT_EQ(test, SHRINK_EMPTY, count(mock));
	mock_bo_create(mock, 8);
	KUNIT_EXPECT_EQ(test, SHRINK_EMPTY, count(mock));
	mock->swap = 0;
	KUNIT_EXPECT_EQ(test, SHRINK_EMPTY, count(mock));
}

static void count_is_the_size_of_all_reclaimable_bos(struct kunit *test)
{
	struct mock *mock = mock_create(test);

	mock_bo_create(mock, 1);
	mock_bo_unused(mock, 2);
	mock_bo_mmapped(mock, 4);
	mock_bo_private(mock_vm_create(mock), 8);
	mock_bo_shared(mock, 16);
	KUNIT_EXPECT_EQ(test, 30, count(mock));
}

static void count_is_limited_by_swap(struct kunit *test)
{
	struct mock *mock = mock_create(test);

	mock_bo_unused(mock, 100);
	mock->swap = 40;
	KUNIT_EXPECT_EQ(test, 40, count(mock));
	mock->swap = 0;
	KUNIT_EXPECT_EQ(test, 0, count(mock));
}

static void count_is_never_negative(struct kunit *test)
{
	struct mock *mock = mock_create(test);

	mock_bo_unused(mock, 3);
	atomic_long_set(&mock->reclaim.nr_pages[PANTHOR_RECLAIM_MMAPPED], -5);
	KUNIT_EXPECT_EQ(test, 3, count(mock));
	atomic_long_set(&mock->reclaim.nr_pages[PANTHOR_RECLAIM_MMAPPED], 0);
}

static void nothing_is_taken_outside_of_reclaim(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct shrink_control sc = {
		.gfp_mask = GFP_KERNEL,
		.nr_to_scan = 8,
		.nr_scanned = 8,
	};

	mock_bo_unused(mock, 8);
	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_shrinker_count(&mock->reclaim, &sc));
	KUNIT_EXPECT_EQ(test, SHRINK_STOP, panthor_reclaim_shrinker_scan(&mock->reclaim, &sc));
	KUNIT_EXPECT_EQ(test, 8, mock_pages(mock, PANTHOR_RECLAIM_UNUSED));
}

static void scan_returns_pages_and_tells_what_it_looked_at(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	unsigned long scanned;

	mock_bo_unused(mock, 10)->error = -EBUSY;
	mock_bo_unused(mock, 20);
	mock_bo_unused(mock, 40);
	KUNIT_EXPECT_EQ(test, 20, scan(mock, GFP_KERNEL, 15, &scanned));
	KUNIT_EXPECT_EQ(test, 30, scanned);
}

static void scan_stops_when_nothing_can_be_had(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	unsigned long scanned;

	KUNIT_EXPECT_EQ(test, SHRINK_STOP, scan(mock, GFP_KERNEL, 128, &scanned));
	mock_bo_unused(mock, 10)->error = -EBUSY;
	KUNIT_EXPECT_EQ(test, SHRINK_STOP, scan(mock, GFP_KERNEL, 128, &scanned));
	mock->swap = 0;
	KUNIT_EXPECT_EQ(test, SHRINK_STOP, scan(mock, GFP_KERNEL, 128, &scanned));
}

/* mm asks again at its next priority. The holder of the lock may be waiting for this scan. */
static void contention_stops_the_scan(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	unsigned long scanned;

	mock_bo_unused(mock, 10)->error = -EAGAIN;
	KUNIT_EXPECT_EQ(test, SHRINK_STOP, scan(mock, GFP_KERNEL, 128, &scanned));
}

/* As do_shrink_slab() does at the highest priority. */
static unsigned long shrink_all(struct mock *mock, unsigned long freeable)
{
	unsigned long batch = SZ_2M >> PAGE_SHIFT, freed = 0;
	long total_scan = 2 * freeable;

	while (total_scan >= batch || total_scan >= freeable) {
		unsigned long ret, scanned;

		ret = scan(mock, GFP_KERNEL, min_t(unsigned long, batch, total_scan), &scanned);
		if (ret == SHRINK_STOP)
			break;

		freed += ret;
		total_scan -= scanned;
		cond_resched();
	}

	return freed;
}

static void pass_waits_within_one_budget(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *locked = mock_vm_create(mock);
	struct mock_vm *busy = mock_vm_create(mock);
	struct mock_vm *idle = mock_vm_create(mock);

	busy->busy = 1;
	mock_bo_private(locked, 1024);
	mock_bo_private(busy, SZ_512M >> PAGE_SHIFT);
	for (int i = 0; i < 64; i++)
		mock_bo_private(idle, SZ_8M >> PAGE_SHIFT);

	mutex_lock(&locked->locked);
	KUNIT_EXPECT_EQ(test, SZ_512M >> PAGE_SHIFT, shrink_all(mock, SZ_1G >> PAGE_SHIFT));
	mutex_unlock(&locked->locked);
	KUNIT_EXPECT_LE(test, mock->waited_ns, 2 * PANTHOR_RECLAIM_WAIT_BUDGET_NS);
	KUNIT_EXPECT_LE(test, 1, mock->nr_waits);
}

static void idle_memory_is_not_waited_for(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *busy = mock_vm_create(mock);
	unsigned long scanned;

	busy->busy = 1;
	busy->done_ns = 0;
	mock_bo_private(busy, 64);
	mock_bo_private(mock_vm_create(mock), 4);
	KUNIT_EXPECT_EQ(test, 4, scan(mock, GFP_KERNEL, 64, &scanned));
	KUNIT_EXPECT_EQ(test, 0, mock->nr_waits);
	KUNIT_EXPECT_EQ(test, 64, scan(mock, GFP_KERNEL, 64, &scanned));
	KUNIT_EXPECT_EQ(test, 1, mock->nr_waits);
}

static void progress_hides_contention(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	unsigned long scanned;

	mock_bo_unused(mock, 10)->error = -EAGAIN;
	mock_bo_unused(mock, 3);
	KUNIT_EXPECT_EQ(test, 3, scan(mock, GFP_KERNEL, 128, &scanned));
	KUNIT_EXPECT_EQ(test, 13, scanned);
}

static void progress_of_one_scan_is_not_that_of_another(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	unsigned long scanned;

	mock_bo_unused(mock, 10)->error = -EAGAIN;
	for (int i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, SHRINK_STOP, scan(mock, GFP_KERNEL, 128, &scanned));
}

static void scan_that_may_not_do_io_evicts_nothing(struct kunit *test)
{
	static const gfp_t gfps[] = { GFP_NOIO, GFP_NOFS, GFP_NOWAIT, GFP_ATOMIC };
	struct mock *mock = mock_create(test);
	unsigned long scanned;

	mock_bo_unused(mock, 10);
	for (int i = 0; i < ARRAY_SIZE(gfps); i++)
		KUNIT_EXPECT_EQ(test, SHRINK_STOP, scan(mock, gfps[i], 10, &scanned));
	KUNIT_EXPECT_EQ(test, 0, mock->logged);
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(gfps), mock_stat(mock, PANTHOR_RECLAIM_STAT_SKIP_NOIO));
	KUNIT_EXPECT_EQ(test, 10, scan(mock, GFP_KERNEL, 10, &scanned));
}

static void scan_waits_only_where_blocking_is_allowed(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	unsigned long scanned;

	vm->busy = 1;
	vm->done_ns = NSEC_PER_USEC;
	mock_bo_private(vm, 4);
	KUNIT_EXPECT_EQ(test, SHRINK_STOP,
			scan(mock, GFP_KERNEL & ~__GFP_DIRECT_RECLAIM, 4, &scanned));
	KUNIT_EXPECT_EQ(test, 0, mock->nr_waits);
	KUNIT_EXPECT_EQ(test, 4, scan(mock, GFP_KERNEL, 4, &scanned));
	KUNIT_EXPECT_EQ(test, 1, mock->nr_waits);
}

static void pages_that_could_not_be_written_stop_the_scan(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	unsigned long scanned;

	mock->unwritable = true;
	mock_bo_unused(mock, 10);
	KUNIT_EXPECT_EQ(test, SHRINK_STOP, scan(mock, GFP_KERNEL, 10, &scanned));
}

static struct kunit_case shrinker_test_cases[] = {
	KUNIT_CASE(count_is_empty_without_reclaimable_bos),
	KUNIT_CASE(count_is_the_size_of_all_reclaimable_bos),
	KUNIT_CASE(count_is_limited_by_swap),
	KUNIT_CASE(count_is_never_negative),
	KUNIT_CASE(nothing_is_taken_outside_of_reclaim),
	KUNIT_CASE(scan_returns_pages_and_tells_what_it_looked_at),
	KUNIT_CASE(scan_stops_when_nothing_can_be_had),
	KUNIT_CASE(contention_stops_the_scan),
	KUNIT_CASE(pass_waits_within_one_budget),
	KUNIT_CASE(idle_memory_is_not_waited_for),
	KUNIT_CASE(progress_hides_contention),
	KUNIT_CASE(progress_of_one_scan_is_not_that_of_another),
	KUNIT_CASE(scan_that_may_not_do_io_evicts_nothing),
	KUNIT_CASE(scan_waits_only_where_blocking_is_allowed),
	KUNIT_CASE(pages_that_could_not_be_written_stop_the_scan),
	{}
};

static struct kunit_suite shrinker_test_suite = {
	.name = "panthor_reclaim_shrinker",
	.test_cases = shrinker_test_cases,
};

kunit_test_suite(shrinker_test_suite);
