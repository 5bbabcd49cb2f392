// SPDX-License-Identifier: GPL-2.0
/* Tests for shmem_insert_folio(): what becomes of the pages, and of files that do not take them. */

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs_context.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

#include "../internal.h"
#include "shmem_insert_kunit.h"

static void insert_keeps_pages(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test);
	unsigned long nr = 1UL << order, index = nr, i, moved = 0;
	struct file *file = insert_test_file(test);
	struct folio *folio = insert_test_block(test, order, 1);
	struct page *page = folio_page(folio, 0);
	struct insert_test_counters was = insert_test_counters(file);

	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, order, index,
						    false, INSERT_GFP));
	insert_test_expect_counters(test, file, &was, nr, 0);

	for (i = 0; i < nr; i++) {
		struct folio *found = filemap_get_folio(file->f_mapping, index + i);

		KUNIT_ASSERT_FALSE(test, IS_ERR(found));
		moved += folio_file_page(found, index + i) != page + i;
		folio_put(found);
	}
	KUNIT_EXPECT_EQ_MSG(test, moved, 0, "pages are not the inserted ones");
	KUNIT_EXPECT_EQ(test, folio_order(folio), order);
	KUNIT_EXPECT_TRUE(test, folio_test_uptodate(folio));
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
	KUNIT_EXPECT_TRUE(test, folio_test_swapbacked(folio));
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	KUNIT_EXPECT_EQ(test, insert_test_expect_contents(test, file, index, nr, 1), order);
	lru_add_drain_all();
	KUNIT_EXPECT_TRUE(test, folio_test_lru(folio));
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), nr);

	shmem_truncate_range(file_inode(file), 0, -1);
	insert_test_expect_counters(test, file, &was, 0, 0);
}

/* After writeout, be it by the insertion itself or by reclaim. */
static void expect_swapped(struct kunit *test, struct file *file, pgoff_t index,
			   unsigned int order, u64 seed,
			   const struct insert_test_counters *was)
{
	unsigned long nr = 1UL << order;
	bool swapped;

	insert_test_expect_counters(test, file, was, 0, nr);
	/* One entry: the folio went out whole */
	KUNIT_EXPECT_EQ(test, insert_test_entry_order(file, index, &swapped), order);
	KUNIT_EXPECT_TRUE(test, swapped);
	/* zram is synchronous, so it comes back whole, too */
	KUNIT_EXPECT_EQ(test, insert_test_expect_contents(test, file, index, nr, seed), order);
	insert_test_expect_counters(test, file, was, nr, 0);
}

static void insert_writes_out(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test);
	unsigned long index = 1UL << order;
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	struct folio *folio;
	bool swapped;

	folio = insert_test_block(test, order, 2);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, order, index,
						    true, INSERT_GFP));
	if (total_swap_pages) {
		expect_swapped(test, file, index, order, 2, &was);
	} else {
		/* Stays, dirty and unlocked, for when there is swap */
		insert_test_expect_counters(test, file, &was, 1L << order, 0);
		KUNIT_EXPECT_EQ(test, insert_test_entry_order(file, index, &swapped), order);
		KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
		KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
		KUNIT_EXPECT_FALSE(test, folio_test_reclaim(folio));
		insert_test_expect_contents(test, file, index, 1UL << order, 2);
	}

	shmem_truncate_range(file_inode(file), 0, -1);
	insert_test_expect_counters(test, file, &was, 0, 0);
}

static void insert_then_reclaim(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test);
	unsigned long index = 1UL << order;
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	int round;

	insert_test_need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, insert_test_block(test, order, 3),
						    order, index, false, INSERT_GFP));
	for (round = 0; round < 2; round++) {
		insert_test_reclaim(file, index);
		expect_swapped(test, file, index, order, 3, &was);
	}

	shmem_truncate_range(file_inode(file), 0, -1);
	insert_test_expect_counters(test, file, &was, 0, 0);
}

static void insert_then_truncate_in_swap(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test);
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);

	insert_test_need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, insert_test_block(test, order, 4),
						    order, 0, true, INSERT_GFP));
	shmem_truncate_range(file_inode(file), 0, -1);
	insert_test_expect_counters(test, file, &was, 0, 0);
}

/* The allocator's largest block is larger than any folio. */
static void insert_largest_block(struct kunit *test)
{
	const unsigned int order = MAX_PAGE_ORDER, half = MAX_PAGECACHE_ORDER;
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	unsigned long i, nr = 1UL << order;
	struct folio *folio;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) || half >= order)
		kunit_skip(test, "the page cache holds blocks of any order");

	folio = insert_test_block(test, order, 5);
	KUNIT_ASSERT_EQ(test, shmem_split_block(folio_page(folio, 0), order), half);
	for (i = 0; i < nr; i += 1UL << half)
		KUNIT_ASSERT_EQ(test, 0,
				shmem_insert_folio(file, page_folio(folio_page(folio, i)),
						   half, i, false, INSERT_GFP));
	insert_test_expect_counters(test, file, &was, nr, 0);
	KUNIT_EXPECT_EQ(test, insert_test_expect_contents(test, file, 0, nr, 5), half);

	for (i = 0; i < nr && total_swap_pages; i += 1UL << half)
		insert_test_reclaim(file, i);
	if (total_swap_pages)
		insert_test_expect_counters(test, file, &was, 0, nr);
	KUNIT_EXPECT_EQ(test, insert_test_expect_contents(test, file, 0, nr, 5), half);
}

/* Part of the folio within i_size is not enough: writeout would split it. */
static void insert_across_end(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test);
	unsigned long nr = 1UL << order;
	struct insert_test_counters was;
	struct folio *folio;
	struct file *file;

	if (!order)
		kunit_skip(test, "a single page is never across the end");

	file = shmem_file_setup("short", (nr - 1) << PAGE_SHIFT, EMPTY_VMA_FLAGS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	folio = insert_test_block(test, order, 7);
	was = insert_test_counters(file);

	KUNIT_EXPECT_EQ(test, -EINVAL, shmem_insert_folio(file, folio, order, 0,
							  false, INSERT_GFP));
	insert_test_expect_counters(test, file, &was, 0, 0);
	insert_test_expect_block(test, folio, order, 7);
	insert_test_free_block(folio, order);
	insert_test_put_file(file);
}

/* The end of the file need not be a multiple of the page size. */
static void insert_at_odd_end(struct kunit *test)
{
	struct file *file = shmem_file_setup("odd", 2 * PAGE_SIZE - 100,
					     EMPTY_VMA_FLAGS);
	struct folio *folio;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	folio = insert_test_block(test, 0, 8);
	KUNIT_EXPECT_EQ(test, 0, shmem_insert_folio(file, folio, 0, 1, false,
						    INSERT_GFP));
	insert_test_expect_contents(test, file, 1, 1, 8);
	insert_test_put_file(file);
}

static void insert_needs_thp(struct kunit *test)
{
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	struct folio *folio;

	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		kunit_skip(test, "CONFIG_TRANSPARENT_HUGEPAGE is there");

	folio = insert_test_block(test, 1, 10);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, shmem_insert_folio(file, folio, 1, 2,
							      false, INSERT_GFP));
	insert_test_expect_counters(test, file, &was, 0, 0);
	insert_test_expect_block(test, folio, 1, 10);
	insert_test_free_block(folio, 1);
}

static struct vfsmount *mount_with(struct kunit *test, const char *options)
{
	struct file_system_type *type = get_fs_type("tmpfs");
	struct vfsmount *mnt;
	struct fs_context *fc;
	char buf[64];
	int err;

	if (!IS_ENABLED(CONFIG_TMPFS))
		kunit_skip(test, "no CONFIG_TMPFS");
	KUNIT_ASSERT_NOT_NULL(test, type);
	fc = fs_context_for_mount(type, 0);
	put_filesystem(type);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fc));
	strscpy(buf, options);
	err = generic_parse_monolithic(fc, buf);
	mnt = err ? ERR_PTR(err) : fc_mount(fc);
	put_fs_context(fc);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(mnt), "%s: %pe", options, mnt);
	return mnt;
}

static void insert_on_noswap_mount(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test);
	struct vfsmount *mnt = mount_with(test, "noswap");
	struct insert_test_counters was;
	unsigned long nr = 1UL << order;
	struct folio *folio;
	struct file *file;
	bool swapped;

	file = shmem_file_setup_with_mnt(mnt, "noswap", nr << PAGE_SHIFT,
					 EMPTY_VMA_FLAGS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	was = insert_test_counters(file);
	folio = insert_test_block(test, order, 11);
	KUNIT_EXPECT_EQ(test, 0, shmem_insert_folio(file, folio, order, 0, true,
						    INSERT_GFP));
	insert_test_expect_counters(test, file, &was, nr, 0);
	KUNIT_EXPECT_EQ(test, insert_test_entry_order(file, 0, &swapped), order);
	KUNIT_EXPECT_FALSE(test, swapped);
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	/* Reclaim does not even try */
	KUNIT_EXPECT_FALSE(test, folio_evictable(folio));
	KUNIT_EXPECT_EQ(test, insert_test_expect_contents(test, file, 0, nr, 11), order);
	insert_test_put_file(file);
	mntput(mnt);
}

/* As a user who is held to the quota, unlike root. */
static int insert_under_quota(struct kunit *test, struct file *file,
			      struct folio *folio, unsigned int order,
			      pgoff_t index)
{
	struct cred *cred = prepare_creds();
	const struct cred *old;
	int err;

	KUNIT_ASSERT_NOT_NULL(test, cred);
	cap_lower(cred->cap_effective, CAP_SYS_RESOURCE);
	old = override_creds(cred);
	err = shmem_insert_folio(file, folio, order, index, false, INSERT_GFP);
	put_cred(revert_creds(old));
	return err;
}

static void insert_over_quota(struct kunit *test)
{
	unsigned int order = IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ? 2 : 0;
	struct insert_test_counters was;
	struct vfsmount *mnt;
	struct folio *folio;
	struct file *file;
	pgoff_t i;

	if (!IS_ENABLED(CONFIG_TMPFS_QUOTA))
		kunit_skip(test, "no CONFIG_TMPFS_QUOTA");
	mnt = mount_with(test, "usrquota,usrquota_block_hardlimit=12K");
	file = shmem_file_setup_with_mnt(mnt, "quota", 16 * PAGE_SIZE,
					 EMPTY_VMA_FLAGS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);

	if (order) {
		was = insert_test_counters(file);
		folio = insert_test_block(test, order, 15);
		KUNIT_EXPECT_EQ(test, -EDQUOT,
				insert_under_quota(test, file, folio, order, 0));
		insert_test_expect_counters(test, file, &was, 0, 0);
		insert_test_expect_block(test, folio, order, 15);
		insert_test_free_block(folio, order);
	}

	/* Which has used up nothing of it */
	for (i = 0; (i + 1) * PAGE_SIZE <= 3 * SZ_4K; i++)
		KUNIT_EXPECT_EQ(test, 0,
				insert_under_quota(test, file,
						   insert_test_block(test, 0, 15), 0, i));
	was = insert_test_counters(file);
	folio = insert_test_block(test, 0, 15);
	KUNIT_EXPECT_EQ(test, -EDQUOT, insert_under_quota(test, file, folio, 0, i));
	insert_test_expect_counters(test, file, &was, 0, 0);
	insert_test_expect_block(test, folio, 0, 15);

	shmem_truncate_range(file_inode(file), 0, PAGE_SIZE - 1);
	KUNIT_EXPECT_EQ(test, 0, insert_under_quota(test, file, folio, 0, i));
	insert_test_put_file(file);
	mntput(mnt);
}

static const struct file_operations other_fops = { };

static void insert_into_other_file(struct kunit *test)
{
	struct file *file = anon_inode_create_getfile("[shmem-insert]", &other_fops,
						      NULL, O_RDWR, NULL);
	struct folio *folio = insert_test_block(test, 0, 16);
	int err = 0;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	i_size_write(file_inode(file), PAGE_SIZE);
	kunit_warning_suppress(test)
		err = shmem_insert_folio(file, folio, 0, 0, false, INSERT_GFP);
	KUNIT_EXPECT_EQ(test, err, -EINVAL);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 0);
	insert_test_expect_block(test, folio, 0, 16);
	insert_test_free_block(folio, 0);
	insert_test_put_file(file);
}

#ifdef CONFIG_FAILSLAB
/* Let the allocations of this task from slabs fail that may not reclaim. */
static void starve(bool on)
{
	current->make_it_fail = on;
}

static bool starving(void)
{
	void *p = kmalloc(8, GFP_NOWAIT | __GFP_NOWARN);

	kfree(p);
	return !p;
}
#else
static void starve(bool on)
{
}

static bool starving(void)
{
	return false;
}
#endif

static void insert_without_nodes(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test);
	unsigned long index = 1UL << order;
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	struct folio *folio = insert_test_block(test, order, 17);
	bool starved;
	int err = 0;

	starve(true);
	starved = starving();
	if (starved)
		err = shmem_insert_folio(file, folio, order, index, false,
					 GFP_NOWAIT | __GFP_NOWARN);
	starve(false);
	if (!starved) {
		insert_test_free_block(folio, order);
		kunit_skip(test, "failslab is not set up");
	}
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	insert_test_expect_counters(test, file, &was, 0, 0);
	insert_test_expect_block(test, folio, order, 17);

	/* Only the memory was wanting */
	KUNIT_EXPECT_EQ(test, 0, shmem_insert_folio(file, folio, order, index,
						    false, INSERT_GFP));
	insert_test_expect_counters(test, file, &was, index, 0);
}

static void insert_on_full_mount(struct kunit *test)
{
	struct vfsmount *mnt = mount_with(test, "nr_blocks=3");
	struct insert_test_counters was;
	struct folio *folio;
	struct file *file;
	unsigned int i;

	file = shmem_file_setup_with_mnt(mnt, "full", 16 * PAGE_SIZE,
					 EMPTY_VMA_FLAGS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);

	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE)) {
		was = insert_test_counters(file);
		folio = insert_test_block(test, 2, 12);
		KUNIT_EXPECT_EQ(test, -ENOSPC,
				shmem_insert_folio(file, folio, 2, 0, false,
						   INSERT_GFP));
		insert_test_expect_counters(test, file, &was, 0, 0);
		insert_test_expect_block(test, folio, 2, 12);
		insert_test_free_block(folio, 2);
	}

	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, 0,
				shmem_insert_folio(file, insert_test_block(test, 0, 12), 0, i,
						   false, INSERT_GFP));
	was = insert_test_counters(file);
	folio = insert_test_block(test, 0, 12);
	KUNIT_EXPECT_EQ(test, -ENOSPC, shmem_insert_folio(file, folio, 0, 3, false,
							  INSERT_GFP));
	insert_test_expect_counters(test, file, &was, 0, 0);
	insert_test_expect_block(test, folio, 0, 12);

	/* What failed has used up nothing */
	shmem_truncate_range(file_inode(file), 0, PAGE_SIZE - 1);
	KUNIT_EXPECT_EQ(test, 0, shmem_insert_folio(file, folio, 0, 3, false,
						    INSERT_GFP));
	insert_test_put_file(file);
	mntput(mnt);
}

static struct kunit_case shmem_insert_cases[] = {
	KUNIT_CASE_PARAM(insert_keeps_pages, insert_test_order_params),
	KUNIT_CASE_PARAM(insert_writes_out, insert_test_order_params),
	KUNIT_CASE_PARAM(insert_then_reclaim, insert_test_order_params),
	KUNIT_CASE_PARAM(insert_then_truncate_in_swap, insert_test_order_params),
	KUNIT_CASE(insert_largest_block),
	KUNIT_CASE_PARAM(insert_across_end, insert_test_order_params),
	KUNIT_CASE(insert_at_odd_end),
	KUNIT_CASE(insert_needs_thp),
	KUNIT_CASE(insert_into_other_file),
	KUNIT_CASE_PARAM(insert_on_noswap_mount, insert_test_order_params),
	KUNIT_CASE(insert_on_full_mount),
	KUNIT_CASE(insert_over_quota),
	KUNIT_CASE_PARAM(insert_without_nodes, insert_test_order_params),
	{}
};

static struct kunit_suite shmem_insert_suite = {
	.name = "shmem_insert",
	.init = insert_test_init,
	.exit = insert_test_exit,
	.test_cases = shmem_insert_cases,
};

kunit_test_suite(shmem_insert_suite);
