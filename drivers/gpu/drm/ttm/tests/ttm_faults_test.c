// SPDX-License-Identifier: GPL-2.0 AND MIT
/*
 * Each allocation of swapping out and in, and of backing up and restoring, fails
 * once. Needs fault injection that also reaches allocations that may wait:
 * failslab/ignore-gfp-wait, fail_page_alloc/ignore-gfp-wait and min-order.
 */

#include <linux/fault-inject.h>
#include <linux/fs.h>
#include <linux/shmem_fs.h>

#include <drm/ttm/ttm_backup.h>
#include <drm/ttm/ttm_pool.h>
#include <drm/ttm/ttm_tt.h>

#include "ttm_backup_kunit.h"

/* Orders 4, 2 and 0: small, because all is done once for each allocation. */
#define FAULTS_PAGES	(16 + 4 + 1)

static const struct tt_test_case faults_cases[] = {
	{ "cached", FAULTS_PAGES, ttm_cached, 0, true },
	{ "write-combined", FAULTS_PAGES, ttm_write_combined, 0, true },
};

static void faults_case_desc(const struct tt_test_case *c, char *desc)
{
	strscpy(desc, c->description, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(faults, faults_cases, faults_case_desc);

#ifdef CONFIG_FAULT_INJECTION
/* Let the @nth thing that may fail from here on do so. */
static void fail_at(unsigned int nth)
{
	WRITE_ONCE(current->fail_nth, nth);
}

/* No more failures. Returns whether there was the one that had been asked for. */
static bool stop_failing(void)
{
	bool failed = !READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, 0);
	return failed;
}
#else
static void fail_at(unsigned int nth)
{
}

static bool stop_failing(void)
{
	return false;
}
#endif

/* An allocation that may wait fails only if fault injection has been told so. */
static void need_failing_allocations(struct kunit *test)
{
	bool slab, page;
	void *p;

	tt_test_need_injection(test);
	fail_at(1);
	p = kmalloc(64, GFP_KERNEL | __GFP_NOWARN);
	slab = stop_failing();
	kfree(p);
	fail_at(1);
	p = (void *)__get_free_page(GFP_KERNEL | __GFP_NOWARN);
	page = stop_failing();
	free_page((unsigned long)p);
	if (!slab || !page)
		kunit_skip(test, "fault injection leaves out allocations that may wait");
}

/* The tt is all there, and can be used, and nothing has been accounted twice. */
static void expect_whole(struct kunit *test, struct ttm_tt *tt, unsigned int nth)
{
	struct tt_test_priv *priv = test->priv;
	pgoff_t i, bad = 0;

	flush_delayed_fput();
	tt_test_expect_contents(test, tt);
	tt_test_expect_dma(test, tt);
	for (i = 0; i < tt->num_pages; i++)
		bad += tt_test_cache_bits(tt->pages[i]) != priv->cache_bits;
	KUNIT_EXPECT_EQ(test, bad, 0);
	tt_test_expect_stats(test, tt->num_pages, 0);
	if (test->status == KUNIT_FAILURE)
		KUNIT_FAIL_AND_ABORT(test, "after failure %u", nth);
}

/* What is not in the tt is in the backup, and nothing is in both. */
static void expect_split(struct kunit *test, struct ttm_tt *tt, unsigned int nth)
{
	pgoff_t i, bad = 0, out = tt_test_count_handles(tt);

	flush_delayed_fput();
	for (i = 0; i < tt->num_pages; i++)
		bad += !ttm_backup_page_ptr_is_handle(tt->pages[i]) &&
		       tt_test_cache_bits(tt->pages[i]);
	KUNIT_EXPECT_EQ(test, bad, 0);
	tt_test_expect_stats(test, tt->num_pages - out, out);
	if (test->status == KUNIT_FAILURE)
		KUNIT_FAIL_AND_ABORT(test, "after failure %u", nth);
}

static void swapout_fails_anywhere(struct kunit *test)
{
	struct ttm_tt *tt = tt_test_make_tt(test, test->param_value, false);
	struct tt_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	unsigned int nth = 0;
	bool failed;
	int ret;

	need_failing_allocations(test);
	do {
		fail_at(++nth);
		ret = ttm_tt_swapout(priv->bdev, tt, GFP_KERNEL);
		failed = stop_failing();
		/* shmem says -ENOSPC if there is no memory for an inode */
		if (ret < 0)
			KUNIT_EXPECT_TRUE(test, ret == -ENOMEM || ret == -ENOSPC);
		if (!ttm_tt_is_populated(tt))
			expect_split(test, tt, nth);
		KUNIT_ASSERT_EQ(test, 0, ttm_tt_populate(priv->bdev, tt, &ctx));
		expect_whole(test, tt, nth);
	} while (failed);
	KUNIT_EXPECT_EQ(test, ret, tt->num_pages);
	/* The file at least, and each block */
	KUNIT_EXPECT_GT(test, nth, 4);
}

static void swapin_fails_anywhere(struct kunit *test)
{
	struct ttm_tt *tt = tt_test_make_tt(test, test->param_value, false);
	struct tt_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct folio *held;
	unsigned int nth = 0;
	bool failed;
	int ret;

	need_failing_allocations(test);
	do {
		KUNIT_ASSERT_EQ(test, tt->num_pages,
				ttm_tt_swapout(priv->bdev, tt, GFP_KERNEL));
		/* One block has to be copied */
		held = filemap_get_folio(tt->swap_storage->f_mapping, 0);
		KUNIT_ASSERT_FALSE(test, IS_ERR(held));
		fail_at(++nth);
		ret = ttm_tt_populate(priv->bdev, tt, &ctx);
		failed = stop_failing();
		folio_put(held);
		if (ret)
			expect_split(test, tt, nth);
		KUNIT_ASSERT_EQ(test, 0, ttm_tt_populate(priv->bdev, tt, &ctx));
		expect_whole(test, tt, nth);
	} while (failed);
	KUNIT_EXPECT_EQ(test, ret, 0);
	/* The copy's block, and the mapping */
	KUNIT_EXPECT_GT(test, nth, 2);
}

/* The same with reading from swap. */
static void restore_fails_anywhere(struct kunit *test)
{
	struct tt_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct shmem_reclaim_stat stat;
	unsigned int nth = 0;
	struct ttm_tt *tt;
	bool failed;
	int ret;

	tt_test_need_swap(test);
	tt = tt_test_make_tt(test, test->param_value, true);
	need_failing_allocations(test);
	do {
		KUNIT_ASSERT_EQ(test, tt->num_pages,
				ttm_tt_backup(priv->bdev, tt,
					      (struct ttm_backup_flags) { }));
		/* Out of the swap cache as well */
		stat = (struct shmem_reclaim_stat) { };
		shmem_reclaim_range(tt->backup->f_mapping, 0, tt->num_pages - 1, true,
				    &stat);
		KUNIT_ASSERT_EQ(test, stat.freed, tt->num_pages);
		fail_at(++nth);
		ret = ttm_tt_restore(priv->bdev, tt, &ctx);
		failed = stop_failing();
		if (ret)
			KUNIT_ASSERT_EQ(test, 0, ttm_tt_restore(priv->bdev, tt, &ctx));
		tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
		expect_whole(test, tt, nth);
	} while (failed);
	KUNIT_EXPECT_EQ(test, ret, 0);
	/* A page for each of three folios, and the mapping */
	KUNIT_EXPECT_GT(test, nth, 4);
}

static struct kunit_case ttm_faults_test_cases[] = {
	KUNIT_CASE_PARAM(swapout_fails_anywhere, faults_gen_params),
	KUNIT_CASE_PARAM(swapin_fails_anywhere, faults_gen_params),
	KUNIT_CASE_PARAM(restore_fails_anywhere, faults_gen_params),
	{}
};

static struct kunit_suite ttm_faults_test_suite = {
	.name = "ttm_faults",
	.init = tt_test_init,
	.exit = tt_test_exit,
	.test_cases = ttm_faults_test_cases,
};

kunit_test_suite(ttm_faults_test_suite);
