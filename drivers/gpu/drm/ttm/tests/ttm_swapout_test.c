// SPDX-License-Identifier: GPL-2.0 AND MIT
/* Swapping tts out and in: ttm_tt_swapout() and ttm_tt_populate(). */

#include <linux/cgroup.h>
#include <linux/memcontrol.h>
#include <linux/page_counter.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>

#include <drm/ttm/ttm_backup.h>
#include <drm/ttm/ttm_pool.h>
#include <drm/ttm/ttm_tt.h>

#include "ttm_backup_kunit.h"

static void expect_swapped_in(struct kunit *test, bool same)
{
	struct tt_test_priv *priv = test->priv;

	KUNIT_EXPECT_TRUE(test, ttm_tt_is_populated(priv->tt));
	KUNIT_EXPECT_FALSE(test, ttm_tt_is_swapped(priv->tt));
	KUNIT_EXPECT_NULL(test, priv->tt->swap_storage);
	flush_delayed_fput();
	tt_test_expect_restored(test, same);
}

static void swapout_gives_pages_away(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt = tt_test_make_tt(test, c, false);
	pgoff_t nr = tt->num_pages;
	int round;

	for (round = 0; round < 2; round++) {
		KUNIT_ASSERT_EQ(test, nr, tt_test_out(test));
		KUNIT_EXPECT_TRUE(test, ttm_tt_is_swapped(tt));
		KUNIT_EXPECT_FALSE(test, ttm_tt_is_populated(tt));
		if (!round)
			KUNIT_EXPECT_EQ(test, tt_test_count_moved(priv, tt->swap_storage), nr);
		tt_test_expect_stats(test, 0, nr);

		KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
		expect_swapped_in(test, IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE));
	}
}

static void swapout_copies_coherent_memory(struct kunit *test)
{
	static const struct tt_test_case c = {
		"", 6, ttm_cached, TTM_ALLOCATION_POOL_USE_DMA_ALLOC, true
	};
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt = tt_test_make_tt(test, &c, false);

	KUNIT_ASSERT_EQ(test, tt->num_pages, tt_test_out(test));
	KUNIT_EXPECT_EQ(test, ttm_tt_state(tt), TTM_TT_OUT);
	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
	KUNIT_EXPECT_EQ(test, ttm_tt_state(tt), TTM_TT_RESIDENT);
	tt_test_expect_contents(test, tt);
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, tt_test_stat(NR_SHMEM), priv->shmem);
}

static void swapout_under_nofs(struct kunit *test)
{
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt = tt_test_make_tt(test, &tt_test_mixed, false);

	KUNIT_ASSERT_EQ(test, tt->num_pages, ttm_tt_swapout(priv->bdev, tt, GFP_NOFS));
	KUNIT_EXPECT_EQ(test, tt_test_count_moved(priv, tt->swap_storage), tt->num_pages);
	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
	expect_swapped_in(test, IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE));
}

static void partial_swapout_is_swapped_in(struct kunit *test)
{
	long ret = tt_test_partly_out(test, false);
	struct tt_test_priv *priv = test->priv;

	KUNIT_EXPECT_TRUE(test, ttm_tt_is_swapped(priv->tt));
	/* A block that cannot be inserted is split, and not copied */
	KUNIT_EXPECT_EQ(test, tt_test_count_moved(priv, priv->tt->swap_storage), ret);

	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
	expect_swapped_in(test, false);
}

/* That is a failure: the pages stay in the tt, and need nothing to be used again. */
static void swapout_without_progress(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	tt_test_need_injection(test);
	tt = tt_test_make_tt(test, c, false);
	tt_test_inject_no_progress(test, tt);
	KUNIT_ASSERT_EQ(test, -ENOMEM, tt_test_out(test));
	tt_test_inject(0, 0);
	KUNIT_EXPECT_EQ(test, ttm_tt_state(tt), TTM_TT_PARTLY_OUT);
	KUNIT_EXPECT_EQ(test, tt_test_count_same(priv), tt->num_pages);
	KUNIT_EXPECT_EQ(test, tt_test_cache_bits(tt->pages[0]), 0);
	tt_test_expect_stats(test, tt->num_pages, 0);
	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
	expect_swapped_in(test, false);
}

static void partial_swapout_is_dropped(struct kunit *test)
{
	tt_test_partly_out(test, false);
	tt_test_drop(test);
}

static void interrupted_swapin_resumes(struct kunit *test)
{
	tt_test_interrupt(test, false);
	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, true));
	expect_swapped_in(test, false);
}

static void interrupted_swapin_is_dropped(struct kunit *test)
{
	tt_test_interrupt(test, false);
	tt_test_drop(test);
}

static void swapped_out_is_dropped(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct ttm_tt *tt = tt_test_make_tt(test, c, false);

	KUNIT_ASSERT_EQ(test, tt->num_pages, tt_test_out(test));
	tt_test_drop(test);
}

/*
 * A driver with methods of its own, that marks the pages as some drivers do, and
 * fails after it got them when it is told to.
 */
static bool driver_fails;

static void driver_unpopulate(struct ttm_device *bdev, struct ttm_tt *tt)
{
	pgoff_t i;

	for (i = 0; i < tt->num_pages; i++)
		tt->pages[i]->mapping = NULL;
	ttm_pool_free(&bdev->pool, tt);
}

static int driver_populate(struct ttm_device *bdev, struct ttm_tt *tt,
			   struct ttm_operation_ctx *ctx)
{
	int ret = ttm_pool_alloc(&bdev->pool, tt, ctx);
	pgoff_t i;

	if (ret)
		return ret;
	for (i = 0; i < tt->num_pages; i++)
		tt->pages[i]->mapping = bdev->dev_mapping;
	if (driver_fails) {
		driver_unpopulate(bdev, tt);
		return -EIO;
	}
	return 0;
}

static void swapout_with_driver_methods(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	driver_fails = false;
	priv->funcs = ttm_dev_funcs;
	priv->funcs.ttm_tt_populate = driver_populate;
	priv->funcs.ttm_tt_unpopulate = driver_unpopulate;
	tt = tt_test_make_tt(test, c, false);

	KUNIT_ASSERT_EQ(test, tt->num_pages, tt_test_out(test));
	driver_fails = true;
	KUNIT_EXPECT_EQ(test, -EIO, tt_test_in(test, false));
	/* The failed attempt has not lost anything, but keeps what it has restored */
	KUNIT_EXPECT_EQ(test, ttm_tt_state(tt), TTM_TT_PARTLY_OUT);
	tt_test_expect_stats(test, tt->num_pages, 0);

	driver_fails = false;
	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
	expect_swapped_in(test, IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE));
}

#ifdef CONFIG_MEMORY_FAILURE
/* A block with a page that is poisoned goes out but for that page. */
static void poisoned_page_stays(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt;
	struct page *page;
	pgoff_t at;

	tt = tt_test_make_tt(test, c, false);
	at = tt->num_pages / 5;
	page = tt->pages[at];
	SetPageHWPoison(page);
	KUNIT_EXPECT_EQ(test, tt_test_out(test),
			tt->num_pages > 1 ? (int)tt->num_pages - 1 : -EHWPOISON);
	KUNIT_EXPECT_EQ(test, ttm_tt_state(tt), TTM_TT_PARTLY_OUT);
	KUNIT_EXPECT_EQ(test, tt_test_count_handles(tt), tt->num_pages - 1);
	KUNIT_EXPECT_EQ(test, tt_test_count_moved(priv, tt->swap_storage),
			tt->num_pages - 1);
	KUNIT_EXPECT_PTR_EQ(test, tt->pages[at], page);
	/* Nor is it read to be copied into a larger block */
	KUNIT_EXPECT_EQ(test, 0, tt_test_in(test, false));
	KUNIT_EXPECT_PTR_EQ(test, tt->pages[at], page);
	ClearPageHWPoison(page);
	if (ttm_tt_is_populated(tt))
		expect_swapped_in(test, false);
}
#else
static void poisoned_page_stays(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_MEMORY_FAILURE");
}
#endif

#ifdef CONFIG_MEMCG
/* A cgroup with a low limit that the script which runs the tests creates. */
static struct mem_cgroup *small_memcg(struct kunit *test)
{
	struct cgroup *cgrp = cgroup_get_from_path("/shmem-insert");
	struct cgroup_subsys_state *css;

	if (IS_ERR(cgrp))
		kunit_skip(test, "no cgroup /shmem-insert");
	css = cgroup_get_e_css(cgrp, &memory_cgrp_subsys);
	cgroup_put(cgrp);
	if (READ_ONCE(mem_cgroup_from_css(css)->memory.max) > SZ_1M >> PAGE_SHIFT) {
		css_put(css);
		kunit_skip(test, "cgroup /shmem-insert has no low memory.max");
	}
	return mem_cgroup_from_css(css);
}

/*
 * The limit of a cgroup that is charged with more than it may have holds. Where it
 * can swap all goes out, where it cannot the rest stays.
 */
static void within_memory_max(struct kunit *test, struct mem_cgroup *memcg, bool swap)
{
	struct tt_test_priv *priv = test->priv;
	unsigned long max = READ_ONCE(memcg->memory.max);
	unsigned long swap_max = READ_ONCE(memcg->swap.max);
	struct ttm_tt *tt = tt_test_make_tt(test, &tt_test_mixed, false);
	long ret;

	if (!swap)
		WRITE_ONCE(memcg->swap.max, 0);
	page_counter_reset_watermark(&memcg->memory);
	tt->memcg = memcg;
	ret = tt_test_out(test);
	WRITE_ONCE(memcg->swap.max, swap_max);
	KUNIT_EXPECT_LE(test, READ_ONCE(memcg->memory.watermark), max);
	KUNIT_EXPECT_GT(test, READ_ONCE(memcg->memory.watermark), max / 2);
	KUNIT_EXPECT_GT(test, ret, 0);
	if (swap)
		KUNIT_EXPECT_EQ(test, ret, tt->num_pages);
	else
		KUNIT_EXPECT_LE(test, ret, max);
	KUNIT_EXPECT_EQ(test, tt_test_stat(NR_GPU_ACTIVE) - priv->gpu_active,
			tt->num_pages - ret);

	page_counter_reset_watermark(&memcg->memory);
	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
	KUNIT_EXPECT_LE(test, READ_ONCE(memcg->memory.watermark), max);
	expect_swapped_in(test, false);
	css_put(&memcg->css);
}

static void swapout_within_memory_max(struct kunit *test)
{
	tt_test_need_swap(test);
	within_memory_max(test, small_memcg(test), true);
}

static void swapout_within_memory_max_alone(struct kunit *test)
{
	within_memory_max(test, small_memcg(test), false);
}
#else
static void swapout_within_memory_max(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_MEMCG");
}

static void swapout_within_memory_max_alone(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_MEMCG");
}
#endif

static struct kunit_case ttm_swapout_test_cases[] = {
	KUNIT_CASE_PARAM(swapout_gives_pages_away, tt_test_case_params),
	KUNIT_CASE(swapout_copies_coherent_memory),
	KUNIT_CASE(swapout_under_nofs),
	KUNIT_CASE(swapout_within_memory_max),
	KUNIT_CASE(swapout_within_memory_max_alone),
	KUNIT_CASE_PARAM(poisoned_page_stays, tt_test_case_params),
	KUNIT_CASE_PARAM(partial_swapout_is_swapped_in, tt_test_injection_params),
	KUNIT_CASE_PARAM(partial_swapout_is_dropped, tt_test_injection_params),
	KUNIT_CASE_PARAM(swapout_without_progress, tt_test_case_params),
	KUNIT_CASE_PARAM(interrupted_swapin_resumes, tt_test_interruption_params),
	KUNIT_CASE_PARAM(interrupted_swapin_is_dropped, tt_test_interruption_params),
	KUNIT_CASE_PARAM(swapped_out_is_dropped, tt_test_case_params),
	KUNIT_CASE_PARAM(swapout_with_driver_methods, tt_test_case_params),
	{}
};

static struct kunit_suite ttm_swapout_test_suite = {
	.name = "ttm_swapout",
	.init = tt_test_init,
	.exit = tt_test_exit,
	.test_cases = ttm_swapout_test_cases,
};

kunit_test_suite(ttm_swapout_test_suite);
