// SPDX-License-Identifier: GPL-2.0 AND MIT
/* Backing up and restoring tts: ttm_tt_backup() and ttm_tt_restore(). */

#include <linux/pagemap.h>
#include <linux/shmem_fs.h>

#include <drm/ttm/ttm_backup.h>
#include <drm/ttm/ttm_pool.h>
#include <drm/ttm/ttm_tt.h>

#include "ttm_backup_kunit.h"

static void backup_gives_pages_away(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct tt_test_priv *priv = test->priv;
	pgoff_t nr;
	struct ttm_tt *tt;
	int round;

	tt_test_need_swap(test);
	tt = tt_test_make_tt(test, c, true);
	nr = tt->num_pages;

	for (round = 0; round < 2; round++) {
		tt_test_expect_stats(test, nr, 0);
		KUNIT_ASSERT_EQ(test, nr, tt_test_out(test));
		KUNIT_EXPECT_TRUE(test, ttm_tt_is_backed_up(tt));
		KUNIT_EXPECT_FALSE(test, ttm_tt_is_populated(tt));
		KUNIT_EXPECT_EQ(test, tt_test_count_handles(tt), nr);
		if (!round)
			KUNIT_EXPECT_EQ(test, tt_test_count_moved(priv, tt->backup), nr);
		tt_test_expect_stats(test, 0, nr);

		KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
		tt_test_expect_restored(test, IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE));
	}
}

/* The same, through swap. */
static void backup_writes_out(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	tt_test_need_swap(test);
	tt = tt_test_make_tt(test, c, true);
	KUNIT_ASSERT_EQ(test, tt->num_pages,
			ttm_tt_backup(priv->bdev, tt,
				      (struct ttm_backup_flags) { .writeback = true }));
	tt_test_expect_stats(test, 0, 0);
	KUNIT_EXPECT_EQ(test, SHMEM_I(file_inode(tt->backup))->swapped, tt->num_pages);
	KUNIT_EXPECT_EQ(test, tt->backup->f_mapping->nrpages, 0);

	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
	tt_test_expect_restored(test, false);
}

/* The pages of the backup have other references: they cannot be taken. */
static void restore_copies_what_is_in_use(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct tt_test_priv *priv = test->priv;
	struct folio **held;
	pgoff_t i, nr = 0, first;
	struct ttm_tt *tt;

	tt_test_need_swap(test);
	tt = tt_test_make_tt(test, c, true);
	held = kunit_kcalloc(test, tt->num_pages, sizeof(*held), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, held);
	KUNIT_ASSERT_EQ(test, tt->num_pages, tt_test_out(test));

	for (i = 0; i < tt->num_pages; i = folio_next_index(held[nr++])) {
		held[nr] = filemap_get_folio(tt->backup->f_mapping, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(held[nr]));
	}
	first = folio_nr_pages(held[0]);

	KUNIT_EXPECT_EQ(test, 0, tt_test_in(test, false));
	KUNIT_EXPECT_EQ(test, tt_test_count_same(priv), 0);
	/* Copied whole: what was looked at was not split */
	KUNIT_EXPECT_EQ(test, folio_nr_pages(held[0]), first);
	while (nr--)
		folio_put(held[nr]);
	tt_test_expect_restored(test, false);
}

static void partial_backup_is_completed(struct kunit *test)
{
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt;
	long ret;

	tt_test_need_swap(test);
	ret = tt_test_partly_out(test, true);
	tt = priv->tt;
	KUNIT_EXPECT_EQ(test, ret, tt_test_count_handles(tt));

	/* Retried, without failures */
	ret += tt_test_out(test);
	KUNIT_EXPECT_EQ(test, tt_test_count_handles(tt), tt->num_pages);
	KUNIT_EXPECT_EQ(test, ret, tt->num_pages);
	tt_test_expect_stats(test, 0, tt->num_pages);

	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
	tt_test_expect_restored(test, false);
}

static void partial_backup_is_restored(struct kunit *test)
{
	tt_test_need_swap(test);
	tt_test_partly_out(test, true);
	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
	tt_test_expect_restored(test, false);
}

/* The tt stays populated: it must be fit for use, as before. */
static void backup_without_progress(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct ttm_tt *tt;

	tt_test_need_swap(test);
	tt_test_need_injection(test);
	tt = tt_test_make_tt(test, c, true);
	tt_test_inject_no_progress(test, tt);
	KUNIT_ASSERT_EQ(test, -ENOMEM, tt_test_out(test));
	tt_test_inject(0, 0);
	KUNIT_EXPECT_FALSE(test, ttm_tt_is_backed_up(tt));
	KUNIT_EXPECT_TRUE(test, ttm_tt_is_populated(tt));
	tt_test_expect_restored(test, true);
}

static void partial_backup_is_dropped(struct kunit *test)
{
	tt_test_need_swap(test);
	tt_test_partly_out(test, true);
	tt_test_drop(test);
}

static void interrupted_restore_resumes(struct kunit *test)
{
	tt_test_need_swap(test);
	tt_test_interrupt(test, true);
	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, true));
	tt_test_expect_restored(test, false);
}

static void interrupted_restore_is_dropped(struct kunit *test)
{
	tt_test_need_swap(test);
	tt_test_interrupt(test, true);
	tt_test_drop(test);
}

/* Nothing can go out, and the pages cannot be mapped again either. */
static void backup_cannot_be_undone(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct ttm_tt *tt;

	tt_test_need_swap(test);
	tt_test_need_injection(test);
	tt = tt_test_make_tt(test, c, true);
	tt_test_inject(0, -1);
	KUNIT_EXPECT_EQ(test, 1, tt_test_out(test));
	tt_test_inject(0, 0);
	KUNIT_EXPECT_TRUE(test, ttm_tt_is_backed_up(tt));
	KUNIT_EXPECT_FALSE(test, ttm_tt_is_populated(tt));
	KUNIT_EXPECT_EQ(test, tt_test_count_handles(tt), 0);
	KUNIT_EXPECT_EQ(test, tt_test_cache_bits(tt->pages[0]), 0);
	tt_test_expect_stats(test, tt->num_pages, 0);

	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
	tt_test_expect_restored(test, false);
}

static void drop_frees_all(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct ttm_tt *tt;

	tt_test_need_swap(test);
	tt = tt_test_make_tt(test, c, true);
	KUNIT_ASSERT_EQ(test, tt->num_pages, tt_test_out(test));
	tt_test_drop(test);
}

static void purge_frees_all(struct kunit *test)
{
	const struct tt_test_case *c = test->param_value;
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	tt = tt_test_make_tt(test, c, true);
	KUNIT_ASSERT_EQ(test, tt->num_pages,
			ttm_tt_backup(priv->bdev, tt,
				      (struct ttm_backup_flags) { .purge = true }));
	tt_test_expect_stats(test, 0, 0);
	KUNIT_EXPECT_EQ(test, tt_test_count_handles(tt), 0);

	KUNIT_ASSERT_EQ(test, 0, tt_test_in(test, false));
	tt_test_expect_stats(test, tt->num_pages, 0);
}

static void backup_needs_swap(struct kunit *test)
{
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	if (ttm_backup_bytes_avail())
		kunit_skip(test, "there is swap");
	tt = tt_test_make_tt(test, &tt_test_mixed, true);
	KUNIT_EXPECT_EQ(test, -EBUSY, tt_test_out(test));
	KUNIT_EXPECT_EQ(test, tt_test_count_same(priv), tt->num_pages);
	tt_test_expect_restored(test, true);
}

static void backup_leaves_coherent_memory(struct kunit *test)
{
	static const struct tt_test_case c = {
		"", 4, ttm_cached, TTM_ALLOCATION_POOL_USE_DMA_ALLOC, true
	};
	struct ttm_tt *tt = tt_test_make_tt(test, &c, true);

	KUNIT_EXPECT_EQ(test, -EBUSY, tt_test_out(test));
	tt_test_expect_contents(test, tt);
}

static struct kunit_case ttm_backup_test_cases[] = {
	KUNIT_CASE_PARAM(backup_gives_pages_away, tt_test_case_params),
	KUNIT_CASE_PARAM(backup_writes_out, tt_test_case_params),
	KUNIT_CASE_PARAM(restore_copies_what_is_in_use, tt_test_case_params),
	KUNIT_CASE_PARAM(partial_backup_is_completed, tt_test_injection_params),
	KUNIT_CASE_PARAM(partial_backup_is_restored, tt_test_injection_params),
	KUNIT_CASE_PARAM(partial_backup_is_dropped, tt_test_injection_params),
	KUNIT_CASE_PARAM(backup_without_progress, tt_test_case_params),
	KUNIT_CASE_PARAM(interrupted_restore_resumes, tt_test_interruption_params),
	KUNIT_CASE_PARAM(interrupted_restore_is_dropped, tt_test_interruption_params),
	KUNIT_CASE_PARAM(backup_cannot_be_undone, tt_test_case_params),
	KUNIT_CASE_PARAM(drop_frees_all, tt_test_case_params),
	{}
};

static struct kunit_suite ttm_backup_test_suite = {
	.name = "ttm_backup",
	.init = tt_test_init,
	.exit = tt_test_exit,
	.test_cases = ttm_backup_test_cases,
};

/* What holds without swap as well */
static struct kunit_case ttm_backup_noswap_test_cases[] = {
	KUNIT_CASE_PARAM(purge_frees_all, tt_test_case_params),
	KUNIT_CASE(backup_needs_swap),
	KUNIT_CASE(backup_leaves_coherent_memory),
	{}
};

static struct kunit_suite ttm_backup_noswap_test_suite = {
	.name = "ttm_backup_noswap",
	.init = tt_test_init,
	.exit = tt_test_exit,
	.test_cases = ttm_backup_noswap_test_cases,
};

kunit_test_suites(&ttm_backup_test_suite, &ttm_backup_noswap_test_suite);

MODULE_DESCRIPTION("KUnit tests for backing up and swapping out TTM tts");
MODULE_LICENSE("GPL and additional rights");
