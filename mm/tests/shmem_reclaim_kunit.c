// SPDX-License-Identifier: GPL-2.0
/*
 * Tests for shmem_reclaim_range().
 *
 * What goes to swap and comes back is tested if there is swap when the tests
 * run, for which they can be started through debugfs; see the KUnit
 * documentation. Those that miss what they need are skipped.
 */

#include <kunit/test.h>

#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>

#define FILE_PAGES	64UL

static void fput_action(void *file)
{
	fput(file);
}

static struct folio *get_folio(struct kunit *test, struct file *file, pgoff_t index)
{
	struct folio *folio = shmem_read_folio_gfp(file->f_mapping, index, GFP_HIGHUSER);

	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));

	return folio;
}

static u32 value_of(pgoff_t index)
{
	return 0x5eed0000 + index * 0x101;
}

/* A file that has a value of its own in every page. */
static struct file *create_file(struct kunit *test)
{
	struct file *file = shmem_file_setup("kunit", FILE_PAGES << PAGE_SHIFT,
					     EMPTY_VMA_FLAGS);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, fput_action, file));

	for (pgoff_t i = 0; i < FILE_PAGES; i++) {
		struct folio *folio = get_folio(test, file, i);
		u32 *p = kmap_local_folio(folio, offset_in_folio(folio, i << PAGE_SHIFT));

		*p = value_of(i);
		kunmap_local(p);
		folio_mark_dirty(folio);
		folio_put(folio);
	}

	return file;
}

static void expect_contents(struct kunit *test, struct file *file)
{
	for (pgoff_t i = 0; i < FILE_PAGES; i++) {
		struct folio *folio = get_folio(test, file, i);
		u32 *p = kmap_local_folio(folio, offset_in_folio(folio, i << PAGE_SHIFT));

		KUNIT_EXPECT_EQ_MSG(test, value_of(i), *p, "page %lu", i);
		kunmap_local(p);
		folio_put(folio);
	}
}

static unsigned long resident(struct file *file)
{
	return READ_ONCE(file->f_mapping->nrpages);
}

static void need_swap(struct kunit *test)
{
	if (get_nr_swap_pages() < 2 * FILE_PAGES)
		kunit_skip(test, "no swap");
}

static void without_swap_everything_stays(struct kunit *test)
{
	struct shmem_reclaim_stat stat = {};
	struct file *file;

	if (get_nr_swap_pages() > 0)
		kunit_skip(test, "there is swap");

	file = create_file(test);
	shmem_reclaim_range(file->f_mapping, 0, FILE_PAGES - 1, true, &stat);
	KUNIT_EXPECT_EQ(test, 0, stat.freed);
	KUNIT_EXPECT_EQ(test, 0, stat.writeback);
	KUNIT_EXPECT_EQ(test, FILE_PAGES, resident(file));
	expect_contents(test, file);
}

static void empty_file_has_nothing_to_give(struct kunit *test)
{
	struct shmem_reclaim_stat stat = {};
	struct file *file = shmem_file_setup("kunit", FILE_PAGES << PAGE_SHIFT,
					     EMPTY_VMA_FLAGS);

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	shmem_reclaim_range(file->f_mapping, 0, FILE_PAGES - 1, true, &stat);
	KUNIT_EXPECT_EQ(test, 0, stat.freed);
	KUNIT_EXPECT_EQ(test, 0, stat.writeback);
	fput(file);
}

static void waiting_frees_everything(struct kunit *test)
{
	struct shmem_reclaim_stat stat = {};
	struct file *file;

	need_swap(test);
	file = create_file(test);
	shmem_reclaim_range(file->f_mapping, 0, FILE_PAGES - 1, true, &stat);
	KUNIT_EXPECT_EQ(test, FILE_PAGES, stat.freed);
	KUNIT_EXPECT_EQ(test, 0, stat.writeback);
	KUNIT_EXPECT_EQ(test, 0, resident(file));
	expect_contents(test, file);
}

static void not_waiting_accounts_for_everything(struct kunit *test)
{
	struct shmem_reclaim_stat stat = {};
	struct file *file;

	need_swap(test);
	file = create_file(test);
	shmem_reclaim_range(file->f_mapping, 0, FILE_PAGES - 1, false, &stat);
	KUNIT_EXPECT_EQ(test, FILE_PAGES, stat.freed + stat.writeback);
	KUNIT_EXPECT_EQ(test, 0, resident(file));

	/* Who waits later gets the rest. */
	stat.writeback = 0;
	shmem_reclaim_range(file->f_mapping, 0, FILE_PAGES - 1, true, &stat);
	KUNIT_EXPECT_EQ(test, FILE_PAGES, stat.freed);
	KUNIT_EXPECT_EQ(test, 0, stat.writeback);
	expect_contents(test, file);
}

static void only_the_range_goes(struct kunit *test)
{
	struct shmem_reclaim_stat stat = {};
	struct file *file;

	need_swap(test);
	file = create_file(test);
	shmem_reclaim_range(file->f_mapping, 8, 15, true, &stat);
	KUNIT_EXPECT_EQ(test, 8, stat.freed);
	KUNIT_EXPECT_EQ(test, FILE_PAGES - 8, resident(file));
	expect_contents(test, file);
}

static void folio_in_use_stays(struct kunit *test)
{
	struct shmem_reclaim_stat stat = {};
	struct folio *folio;
	struct file *file;

	need_swap(test);
	file = create_file(test);
	folio = get_folio(test, file, 5);
	shmem_reclaim_range(file->f_mapping, 0, FILE_PAGES - 1, true, &stat);
	KUNIT_EXPECT_EQ(test, FILE_PAGES - folio_nr_pages(folio), stat.freed);
	KUNIT_EXPECT_PTR_EQ(test, file->f_mapping, folio->mapping);
	folio_put(folio);
	expect_contents(test, file);
}

static void unevictable_file_stays(struct kunit *test)
{
	struct shmem_reclaim_stat stat = {};
	struct file *file;

	need_swap(test);
	file = create_file(test);
	mapping_set_unevictable(file->f_mapping);
	shmem_reclaim_range(file->f_mapping, 0, FILE_PAGES - 1, true, &stat);
	KUNIT_EXPECT_EQ(test, 0, stat.freed);
	KUNIT_EXPECT_EQ(test, FILE_PAGES, resident(file));
	mapping_clear_unevictable(file->f_mapping);
}

static void second_time_there_is_nothing_left(struct kunit *test)
{
	struct shmem_reclaim_stat stat = {};
	struct file *file;

	need_swap(test);
	file = create_file(test);
	shmem_reclaim_range(file->f_mapping, 0, FILE_PAGES - 1, true, &stat);
	stat = (struct shmem_reclaim_stat) {};
	shmem_reclaim_range(file->f_mapping, 0, FILE_PAGES - 1, true, &stat);
	KUNIT_EXPECT_EQ(test, 0, stat.freed);
	KUNIT_EXPECT_EQ(test, 0, stat.writeback);
}

static struct kunit_case shmem_reclaim_cases[] = {
	KUNIT_CASE(without_swap_everything_stays),
	KUNIT_CASE(empty_file_has_nothing_to_give),
	KUNIT_CASE(waiting_frees_everything),
	KUNIT_CASE(not_waiting_accounts_for_everything),
	KUNIT_CASE(only_the_range_goes),
	KUNIT_CASE(folio_in_use_stays),
	KUNIT_CASE(unevictable_file_stays),
	KUNIT_CASE(second_time_there_is_nothing_left),
	{}
};

static struct kunit_suite shmem_reclaim_suite = {
	.name = "shmem_reclaim",
	.test_cases = shmem_reclaim_cases,
};

kunit_test_suite(shmem_reclaim_suite);

MODULE_DESCRIPTION("Tests for shmem_reclaim_range()");
MODULE_LICENSE("GPL");
