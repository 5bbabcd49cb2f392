// SPDX-License-Identifier: GPL-2.0
/*
 * Tests for shmem_insert_folio() and shmem_take_folio().
 *
 * With swap set up, what goes to swap and comes back is tested too; the tests
 * of memory cgroup limits need a cgroup /shmem-insert with memory.max set
 * between 64 KiB and 1 MiB; the one of a lack of memory needs failslab with
 * task-filter Y, probability 100 and times -1. Tests that miss what they need
 * are skipped.
 */

#include <kunit/test.h>

#include <linux/anon_inodes.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs_context.h>
#include <linux/highmem.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/swapops.h>

#include "../internal.h"

#define BLOCK_GFP	(GFP_HIGHUSER | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)
#define INSERT_GFP	(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

/* Large enough for two of the largest folios at aligned places. */
#define FILE_PAGES	(4UL << MAX_PAGECACHE_ORDER)
/* Those at the start of the file that tests with a second thread fight for */
#define RIVAL_PAGES	64UL

struct shmem_insert_counters {
	long nr_shmem;
	unsigned long nrpages;
	unsigned long alloced;
	unsigned long swapped;
	u64 blocks;
};

struct shmem_insert_priv {
	struct file *file;
	long nr_shmem;
};

/* The exact value, with what CPUs have not folded into the sum yet. */
static long node_stat(enum node_stat_item item)
{
	struct pglist_data *pgdat;
	long sum = 0;
	int cpu;

	for_each_online_pgdat(pgdat) {
		sum += atomic_long_read(&pgdat->vm_stat[item]);
		for_each_online_cpu(cpu)
			sum += per_cpu_ptr(pgdat->per_cpu_nodestats,
					   cpu)->vm_node_stat_diff[item];
	}
	return sum;
}

static struct shmem_insert_counters counters(struct file *file)
{
	struct inode *inode = file_inode(file);
	struct shmem_inode_info *info = SHMEM_I(inode);

	return (struct shmem_insert_counters) {
		.nr_shmem = node_stat(NR_SHMEM),
		.nrpages = inode->i_mapping->nrpages,
		.alloced = info->alloced,
		.swapped = info->swapped,
		.blocks = inode->i_blocks,
	};
}

static void expect_counters(struct kunit *test, struct file *file,
			    const struct shmem_insert_counters *was,
			    long cached, long swapped)
{
	struct shmem_insert_counters now = counters(file);

	KUNIT_EXPECT_EQ(test, now.nr_shmem - was->nr_shmem, cached);
	KUNIT_EXPECT_EQ(test, now.nrpages - was->nrpages, cached);
	KUNIT_EXPECT_EQ(test, now.alloced - was->alloced, cached + swapped);
	KUNIT_EXPECT_EQ(test, now.swapped - was->swapped, swapped);
	KUNIT_EXPECT_EQ(test, now.blocks - was->blocks,
			(cached + swapped) * (PAGE_SIZE / 512));
}

static u64 pattern(u64 seed, unsigned long page, unsigned int word)
{
	return (seed << 40) ^ ((u64)page << 12) ^ word;
}

static void fill(struct page *page, unsigned long nr, u64 seed)
{
	unsigned long i;
	unsigned int j;

	for (i = 0; i < nr; i++) {
		u64 *p = kmap_local_page(page + i);

		for (j = 0; j < PAGE_SIZE / sizeof(*p); j++)
			p[j] = pattern(seed, i, j);
		kunmap_local(p);
	}
}

static bool page_is(struct page *page, u64 seed, unsigned long i)
{
	u64 *p = kmap_local_page(page);
	bool same = true;
	unsigned int j;

	for (j = 0; j < PAGE_SIZE / sizeof(*p) && same; j++)
		same = p[j] == pattern(seed, i, j);
	kunmap_local(p);
	return same;
}

/* A block as TTM has them: not compound, filled with a pattern. */
static struct folio *block(struct kunit *test, unsigned int order, u64 seed)
{
	struct page *page = alloc_pages(BLOCK_GFP, order);

	if (!page)
		kunit_skip(test, "no memory for order %u", order);
	fill(page, 1UL << order, seed);
	return (struct folio *)page;
}

static void free_block(struct folio *folio, unsigned int order)
{
	__free_pages(folio_page(folio, 0), order);
}

/* Whether the pages are as the allocator returned them. */
static void expect_block(struct kunit *test, struct folio *folio,
			 unsigned int order, u64 seed)
{
	unsigned long i, bad = 0, odd = 0;

	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	for (i = 0; i < 1UL << order; i++) {
		struct page *page = folio_page(folio, i);

		bad += !page_is(page, seed, i);
		odd += PageCompound(page) || page->mapping || page->private ||
		       atomic_read(&page->_mapcount) != -1 ||
		       (i && page_ref_count(page)) ||
		       page->flags.f & PAGE_FLAGS_CHECK_AT_PREP;
#ifdef CONFIG_MEMCG
		odd += !!page->memcg_data;
#endif
	}
	KUNIT_EXPECT_EQ_MSG(test, bad, 0, "pages with other contents");
	KUNIT_EXPECT_EQ_MSG(test, odd, 0, "pages in another state");
}

/* Read all pages through the page cache. Returns the order of the first. */
static int expect_contents(struct kunit *test, struct file *file, pgoff_t index,
			   unsigned long nr, u64 seed)
{
	unsigned long i, bad = 0;
	int order = -1;

	for (i = 0; i < nr; i++) {
		struct folio *folio = shmem_read_folio(file->f_mapping, index + i);

		if (IS_ERR(folio)) {
			KUNIT_FAIL(test, "page %lu: %pe", index + i, folio);
			return -1;
		}
		if (!i)
			order = folio_order(folio);
		bad += !page_is(folio_file_page(folio, index + i), seed, i);
		folio_put(folio);
	}
	KUNIT_EXPECT_EQ_MSG(test, bad, 0, "pages with other contents");
	return order;
}

/* The order of the entry at @index, -1 for none. */
static int entry_order(struct file *file, pgoff_t index, bool *swapped)
{
	XA_STATE(xas, &file->f_mapping->i_pages, index);
	void *entry;
	int order;

	rcu_read_lock();
	entry = xas_load(&xas);
	order = entry ? xas_get_order(&xas) : -1;
	*swapped = xa_is_value(entry);
	rcu_read_unlock();
	return order;
}

/* Reclaim one folio, as far as that can be. */
static void reclaim(struct file *file, pgoff_t index)
{
	struct folio *folio;
	LIST_HEAD(list);

	lru_add_drain_all();
	folio = filemap_get_folio(file->f_mapping, index);
	if (IS_ERR(folio))
		return;
	folio_clear_referenced(folio);
	if (folio_isolate_lru(folio))
		list_add(&folio->lru, &list);
	folio_put(folio);
	reclaim_pages(&list);
}

static void put_file(struct file *file)
{
	fput(file);
	flush_delayed_fput();
}

static int shmem_insert_init(struct kunit *test)
{
	struct shmem_insert_priv *priv;

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	flush_delayed_fput();
	priv->nr_shmem = node_stat(NR_SHMEM);
	priv->file = shmem_file_setup("insert", FILE_PAGES << PAGE_SHIFT,
				      EMPTY_VMA_FLAGS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, priv->file);
	test->priv = priv;
	return 0;
}

/* However a test ended, nothing may be left in the statistics. */
static void shmem_insert_exit(struct kunit *test)
{
	struct shmem_insert_priv *priv = test->priv;

	if (!priv || IS_ERR_OR_NULL(priv->file))
		return;
	put_file(priv->file);
	lru_add_drain_all();
	KUNIT_EXPECT_EQ(test, node_stat(NR_SHMEM), priv->nr_shmem);
}

static struct file *test_file(struct kunit *test)
{
	return ((struct shmem_insert_priv *)test->priv)->file;
}

static const unsigned int orders[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

static void order_desc(const unsigned int *order, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "order %u", *order);
}

KUNIT_ARRAY_PARAM(order, orders, order_desc);

static unsigned int order_param(struct kunit *test)
{
	unsigned int order = *(const unsigned int *)test->param_value;

	if (order && !IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		kunit_skip(test, "no CONFIG_TRANSPARENT_HUGEPAGE");
	if (order > MAX_PAGECACHE_ORDER)
		kunit_skip(test, "the page cache does not hold order %u", order);
	return order;
}

static void need_swap(struct kunit *test)
{
	if (!total_swap_pages)
		kunit_skip(test, "no swap");
}

static void insert_keeps_pages(struct kunit *test)
{
	unsigned int order = order_param(test);
	unsigned long nr = 1UL << order, index = nr, i, moved = 0;
	struct file *file = test_file(test);
	struct folio *folio = block(test, order, 1);
	struct page *page = folio_page(folio, 0);
	struct shmem_insert_counters was = counters(file);

	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, order, index,
						    false, INSERT_GFP));
	expect_counters(test, file, &was, nr, 0);

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
	KUNIT_EXPECT_EQ(test, expect_contents(test, file, index, nr, 1), order);
	lru_add_drain_all();
	KUNIT_EXPECT_TRUE(test, folio_test_lru(folio));
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), nr);

	shmem_truncate_range(file_inode(file), 0, -1);
	expect_counters(test, file, &was, 0, 0);
}

/* After writeout, be it by the insertion itself or by reclaim. */
static void expect_swapped(struct kunit *test, struct file *file, pgoff_t index,
			   unsigned int order, u64 seed,
			   const struct shmem_insert_counters *was)
{
	unsigned long nr = 1UL << order;
	bool swapped;

	expect_counters(test, file, was, 0, nr);
	/* One entry: the folio went out whole */
	KUNIT_EXPECT_EQ(test, entry_order(file, index, &swapped), order);
	KUNIT_EXPECT_TRUE(test, swapped);
	/* zram is synchronous, so it comes back whole, too */
	KUNIT_EXPECT_EQ(test, expect_contents(test, file, index, nr, seed), order);
	expect_counters(test, file, was, nr, 0);
}

static void insert_writes_out(struct kunit *test)
{
	unsigned int order = order_param(test);
	unsigned long index = 1UL << order;
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	struct folio *folio;
	bool swapped;

	folio = block(test, order, 2);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, order, index,
						    true, INSERT_GFP));
	if (total_swap_pages) {
		expect_swapped(test, file, index, order, 2, &was);
	} else {
		/* Stays, dirty and unlocked, for when there is swap */
		expect_counters(test, file, &was, 1L << order, 0);
		KUNIT_EXPECT_EQ(test, entry_order(file, index, &swapped), order);
		KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
		KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
		KUNIT_EXPECT_FALSE(test, folio_test_reclaim(folio));
		expect_contents(test, file, index, 1UL << order, 2);
	}

	shmem_truncate_range(file_inode(file), 0, -1);
	expect_counters(test, file, &was, 0, 0);
}

static void insert_then_reclaim(struct kunit *test)
{
	unsigned int order = order_param(test);
	unsigned long index = 1UL << order;
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	int round;

	need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, block(test, order, 3),
						    order, index, false, INSERT_GFP));
	for (round = 0; round < 2; round++) {
		reclaim(file, index);
		expect_swapped(test, file, index, order, 3, &was);
	}

	shmem_truncate_range(file_inode(file), 0, -1);
	expect_counters(test, file, &was, 0, 0);
}

static void insert_then_truncate_in_swap(struct kunit *test)
{
	unsigned int order = order_param(test);
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);

	need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, block(test, order, 4),
						    order, 0, true, INSERT_GFP));
	shmem_truncate_range(file_inode(file), 0, -1);
	expect_counters(test, file, &was, 0, 0);
}

/* The allocator's largest block is larger than any folio. */
static void insert_largest_block(struct kunit *test)
{
	const unsigned int order = MAX_PAGE_ORDER, half = MAX_PAGECACHE_ORDER;
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	unsigned long i, nr = 1UL << order;
	struct folio *folio;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) || half >= order)
		kunit_skip(test, "the page cache holds blocks of any order");

	folio = block(test, order, 5);
	KUNIT_ASSERT_EQ(test, shmem_split_block(folio_page(folio, 0), order), half);
	for (i = 0; i < nr; i += 1UL << half)
		KUNIT_ASSERT_EQ(test, 0,
				shmem_insert_folio(file, page_folio(folio_page(folio, i)),
						   half, i, false, INSERT_GFP));
	expect_counters(test, file, &was, nr, 0);
	KUNIT_EXPECT_EQ(test, expect_contents(test, file, 0, nr, 5), half);

	for (i = 0; i < nr && total_swap_pages; i += 1UL << half)
		reclaim(file, i);
	if (total_swap_pages)
		expect_counters(test, file, &was, 0, nr);
	KUNIT_EXPECT_EQ(test, expect_contents(test, file, 0, nr, 5), half);
}

/*
 * What can be wrong: how to bring it about before the call, how to undo that,
 * and what is to come of it. A warning is for mistakes of the caller.
 */
struct insert_error {
	const char *name;
	int err;
	bool warns;
	unsigned int min_order;
	void (*prepare)(struct kunit *test, struct file *file, struct folio *folio,
			unsigned int order);
	void (*undo)(struct folio *folio);
	pgoff_t (*index)(unsigned int order);
	unsigned int add_order;
};

static void occupy(struct kunit *test, struct file *file, struct folio *folio,
		   unsigned int order)
{
	struct folio *old = shmem_read_folio(file->f_mapping, (2UL << order) - 1);

	KUNIT_ASSERT_FALSE(test, IS_ERR(old));
	folio_put(old);
}

static void occupy_swapped(struct kunit *test, struct file *file,
			   struct folio *folio, unsigned int order)
{
	bool swapped;

	need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, block(test, 0, 9), 0,
						    (2UL << order) - 1, true,
						    INSERT_GFP));
	KUNIT_ASSERT_EQ(test, 0, entry_order(file, (2UL << order) - 1, &swapped));
	KUNIT_ASSERT_TRUE(test, swapped);
}

static void lock(struct kunit *test, struct file *file, struct folio *folio,
		 unsigned int order)
{
	folio_lock(folio);
}

static void refer(struct kunit *test, struct file *file, struct folio *folio,
		  unsigned int order)
{
	folio_get(folio);
}

static void map(struct kunit *test, struct file *file, struct folio *folio,
		unsigned int order)
{
	atomic_inc(&folio->_mapcount);
}

static void unmap(struct folio *folio)
{
	atomic_dec(&folio->_mapcount);
}

static void set_private(struct kunit *test, struct file *file, struct folio *folio,
			unsigned int order)
{
	folio->private = (void *)1UL;
}

static void clear_private(struct folio *folio)
{
	folio->private = NULL;
}

static void set_swapbacked(struct kunit *test, struct file *file,
			   struct folio *folio, unsigned int order)
{
	folio_set_swapbacked(folio);
}

static void clear_swapbacked(struct folio *folio)
{
	folio_clear_swapbacked(folio);
}

static void set_mapping(struct kunit *test, struct file *file, struct folio *folio,
			unsigned int order)
{
	folio->mapping = file->f_mapping;
}

static void clear_mapping(struct folio *folio)
{
	folio->mapping = NULL;
}

static void set_lru(struct kunit *test, struct file *file, struct folio *folio,
		    unsigned int order)
{
	folio_set_lru(folio);
}

static void clear_lru(struct folio *folio)
{
	folio_clear_lru(folio);
}

static void set_slab(struct kunit *test, struct file *file, struct folio *folio,
		     unsigned int order)
{
	__folio_set_slab(folio);
}

static void clear_slab(struct folio *folio)
{
	__folio_clear_slab(folio);
}

static void set_writeback(struct kunit *test, struct file *file,
			  struct folio *folio, unsigned int order)
{
	set_bit(PG_writeback, &folio->flags.f);
}

static void clear_writeback(struct folio *folio)
{
	clear_bit(PG_writeback, &folio->flags.f);
}

static void make_compound(struct kunit *test, struct file *file,
			  struct folio *folio, unsigned int order)
{
	prep_compound_page(&folio->page, order);
}

/* Which must still be one: who hands back has not touched it */
static void take_apart(struct folio *folio)
{
	if (WARN_ON(!folio_test_large(folio)) || !folio_ref_freeze(folio, 1))
		return;
	undo_compound_page(&folio->page, folio_order(folio));
	folio_ref_unfreeze(folio, 1);
}

static pgoff_t past_end(unsigned int order)
{
	return FILE_PAGES;
}

static pgoff_t far_past_end(unsigned int order)
{
	return round_down(ULONG_MAX, 1UL << order);
}

static pgoff_t misaligned(unsigned int order)
{
	return (1UL << order) + 1;
}

static const struct insert_error insert_errors[] = {
	{ "occupied", -EEXIST, .prepare = occupy },
	{ "occupied in swap", -EEXIST, .prepare = occupy_swapped },
	{ "past i_size", -EINVAL, .index = past_end },
	{ "index overflows", -EINVAL, .index = far_past_end },
	{ "misaligned", -EINVAL, true, 1, .index = misaligned },
	{ "order too large", -EINVAL, true, 9, .add_order = 1 },
	{ "locked", -EINVAL, true, .prepare = lock, .undo = folio_unlock },
	{ "private set", -EINVAL, true, .prepare = set_private, .undo = clear_private },
	{ "mapped", -EINVAL, true, .prepare = map, .undo = unmap },
	{ "in use as file or anon", -EINVAL, true, .prepare = set_mapping,
	  .undo = clear_mapping },
	{ "swapbacked", -EINVAL, true, .prepare = set_swapbacked,
	  .undo = clear_swapbacked },
	{ "on an LRU list", -EINVAL, true, .prepare = set_lru, .undo = clear_lru },
	{ "slab", -EINVAL, true, .prepare = set_slab, .undo = clear_slab },
	{ "under writeback", -EINVAL, true, .prepare = set_writeback,
	  .undo = clear_writeback },
	{ "compound", -EINVAL, true, 1, .prepare = make_compound,
	  .undo = take_apart },
	{ "referenced", -EBUSY, .prepare = refer, .undo = folio_put },
};

struct insert_error_param {
	const struct insert_error *error;
	unsigned int order;
};

/* Every error with a single page, a middling and the largest folio. */
static const void *insert_error_gen(struct kunit *test, const void *prev, char *desc)
{
	static const unsigned int some[] = { 0, 4, 9 };
	static struct insert_error_param param;
	static unsigned int next;

	if (!prev)
		next = 0;
	do {
		if (next == ARRAY_SIZE(insert_errors) * ARRAY_SIZE(some))
			return NULL;
		param.error = &insert_errors[next / ARRAY_SIZE(some)];
		param.order = some[next++ % ARRAY_SIZE(some)];
	} while (param.order < param.error->min_order);

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, order %u", param.error->name,
		 param.order);
	return &param;
}

static void insert_hands_back(struct kunit *test)
{
	const struct insert_error_param *param = test->param_value;
	const struct insert_error *error = param->error;
	unsigned int order = param->order;
	struct file *file = test_file(test);
	struct shmem_insert_counters was;
	struct folio *folio;
	pgoff_t index;
	int warnings = 0, err = 0;

	if (order && !IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		kunit_skip(test, "no CONFIG_TRANSPARENT_HUGEPAGE");
	if (order + error->add_order > MAX_PAGE_ORDER ||
	    (error->add_order && order != MAX_PAGECACHE_ORDER))
		kunit_skip(test, "no such order");

	order += error->add_order;
	index = error->index ? error->index(order) : 1UL << order;
	if (error->add_order)
		index = 0;

	folio = block(test, order, 6);
	if (error->prepare)
		error->prepare(test, file, folio, order);
	was = counters(file);

	kunit_warning_suppress(test) {
		err = shmem_insert_folio(file, folio, order, index, false, INSERT_GFP);
		warnings = KUNIT_SUPPRESSED_WARNING_COUNT();
	}
	KUNIT_EXPECT_EQ(test, err, error->err);
	if (!error->warns)
		KUNIT_EXPECT_EQ(test, warnings, 0);
	expect_counters(test, file, &was, 0, 0);

	if (error->undo)
		error->undo(folio);
	expect_block(test, folio, order, 6);
	free_block(folio, order);
}

/* Part of the folio within i_size is not enough: writeout would split it. */
static void insert_across_end(struct kunit *test)
{
	unsigned int order = order_param(test);
	unsigned long nr = 1UL << order;
	struct shmem_insert_counters was;
	struct folio *folio;
	struct file *file;

	if (!order)
		kunit_skip(test, "a single page is never across the end");

	file = shmem_file_setup("short", (nr - 1) << PAGE_SHIFT, EMPTY_VMA_FLAGS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	folio = block(test, order, 7);
	was = counters(file);

	KUNIT_EXPECT_EQ(test, -EINVAL, shmem_insert_folio(file, folio, order, 0,
							  false, INSERT_GFP));
	expect_counters(test, file, &was, 0, 0);
	expect_block(test, folio, order, 7);
	free_block(folio, order);
	put_file(file);
}

/* The end of the file need not be a multiple of the page size. */
static void insert_at_odd_end(struct kunit *test)
{
	struct file *file = shmem_file_setup("odd", 2 * PAGE_SIZE - 100,
					     EMPTY_VMA_FLAGS);
	struct folio *folio;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	folio = block(test, 0, 8);
	KUNIT_EXPECT_EQ(test, 0, shmem_insert_folio(file, folio, 0, 1, false,
						    INSERT_GFP));
	expect_contents(test, file, 1, 1, 8);
	put_file(file);
}

static void insert_needs_thp(struct kunit *test)
{
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	struct folio *folio;

	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		kunit_skip(test, "CONFIG_TRANSPARENT_HUGEPAGE is there");

	folio = block(test, 1, 10);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, shmem_insert_folio(file, folio, 1, 2,
							      false, INSERT_GFP));
	expect_counters(test, file, &was, 0, 0);
	expect_block(test, folio, 1, 10);
	free_block(folio, 1);
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
	unsigned int order = order_param(test);
	struct vfsmount *mnt = mount_with(test, "noswap");
	struct shmem_insert_counters was;
	unsigned long nr = 1UL << order;
	struct folio *folio;
	struct file *file;
	bool swapped;

	file = shmem_file_setup_with_mnt(mnt, "noswap", nr << PAGE_SHIFT,
					 EMPTY_VMA_FLAGS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	was = counters(file);
	folio = block(test, order, 11);
	KUNIT_EXPECT_EQ(test, 0, shmem_insert_folio(file, folio, order, 0, true,
						    INSERT_GFP));
	expect_counters(test, file, &was, nr, 0);
	KUNIT_EXPECT_EQ(test, entry_order(file, 0, &swapped), order);
	KUNIT_EXPECT_FALSE(test, swapped);
	KUNIT_EXPECT_TRUE(test, folio_test_dirty(folio));
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	/* Reclaim does not even try */
	KUNIT_EXPECT_FALSE(test, folio_evictable(folio));
	KUNIT_EXPECT_EQ(test, expect_contents(test, file, 0, nr, 11), order);
	put_file(file);
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
	struct shmem_insert_counters was;
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
		was = counters(file);
		folio = block(test, order, 15);
		KUNIT_EXPECT_EQ(test, -EDQUOT,
				insert_under_quota(test, file, folio, order, 0));
		expect_counters(test, file, &was, 0, 0);
		expect_block(test, folio, order, 15);
		free_block(folio, order);
	}

	/* Which has used up nothing of it */
	for (i = 0; (i + 1) * PAGE_SIZE <= 3 * SZ_4K; i++)
		KUNIT_EXPECT_EQ(test, 0,
				insert_under_quota(test, file,
						   block(test, 0, 15), 0, i));
	was = counters(file);
	folio = block(test, 0, 15);
	KUNIT_EXPECT_EQ(test, -EDQUOT, insert_under_quota(test, file, folio, 0, i));
	expect_counters(test, file, &was, 0, 0);
	expect_block(test, folio, 0, 15);

	shmem_truncate_range(file_inode(file), 0, PAGE_SIZE - 1);
	KUNIT_EXPECT_EQ(test, 0, insert_under_quota(test, file, folio, 0, i));
	put_file(file);
	mntput(mnt);
}

static const struct file_operations other_fops = { };

static void insert_into_other_file(struct kunit *test)
{
	struct file *file = anon_inode_create_getfile("[shmem-insert]", &other_fops,
						      NULL, O_RDWR, NULL);
	struct folio *folio = block(test, 0, 16);
	int err = 0;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	i_size_write(file_inode(file), PAGE_SIZE);
	kunit_warning_suppress(test)
		err = shmem_insert_folio(file, folio, 0, 0, false, INSERT_GFP);
	KUNIT_EXPECT_EQ(test, err, -EINVAL);
	KUNIT_EXPECT_EQ(test, file->f_mapping->nrpages, 0);
	expect_block(test, folio, 0, 16);
	free_block(folio, 0);
	put_file(file);
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
	unsigned int order = order_param(test);
	unsigned long index = 1UL << order;
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	struct folio *folio = block(test, order, 17);
	bool starved;
	int err = 0;

	starve(true);
	starved = starving();
	if (starved)
		err = shmem_insert_folio(file, folio, order, index, false,
					 GFP_NOWAIT | __GFP_NOWARN);
	starve(false);
	if (!starved) {
		free_block(folio, order);
		kunit_skip(test, "failslab is not set up");
	}
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	expect_counters(test, file, &was, 0, 0);
	expect_block(test, folio, order, 17);

	/* Only the memory was wanting */
	KUNIT_EXPECT_EQ(test, 0, shmem_insert_folio(file, folio, order, index,
						    false, INSERT_GFP));
	expect_counters(test, file, &was, index, 0);
}

static void insert_on_full_mount(struct kunit *test)
{
	struct vfsmount *mnt = mount_with(test, "nr_blocks=3");
	struct shmem_insert_counters was;
	struct folio *folio;
	struct file *file;
	unsigned int i;

	file = shmem_file_setup_with_mnt(mnt, "full", 16 * PAGE_SIZE,
					 EMPTY_VMA_FLAGS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);

	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE)) {
		was = counters(file);
		folio = block(test, 2, 12);
		KUNIT_EXPECT_EQ(test, -ENOSPC,
				shmem_insert_folio(file, folio, 2, 0, false,
						   INSERT_GFP));
		expect_counters(test, file, &was, 0, 0);
		expect_block(test, folio, 2, 12);
		free_block(folio, 2);
	}

	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, 0,
				shmem_insert_folio(file, block(test, 0, 12), 0, i,
						   false, INSERT_GFP));
	was = counters(file);
	folio = block(test, 0, 12);
	KUNIT_EXPECT_EQ(test, -ENOSPC, shmem_insert_folio(file, folio, 0, 3, false,
							  INSERT_GFP));
	expect_counters(test, file, &was, 0, 0);
	expect_block(test, folio, 0, 12);

	/* What failed has used up nothing */
	shmem_truncate_range(file_inode(file), 0, PAGE_SIZE - 1);
	KUNIT_EXPECT_EQ(test, 0, shmem_insert_folio(file, folio, 0, 3, false,
						    INSERT_GFP));
	put_file(file);
	mntput(mnt);
}

#ifdef CONFIG_MEMCG
static struct mem_cgroup *test_memcg(struct kunit *test)
{
	struct cgroup *cgrp = cgroup_get_from_path("/shmem-insert");
	struct cgroup_subsys_state *css;

	if (IS_ERR(cgrp))
		kunit_skip(test, "no cgroup /shmem-insert");
	css = cgroup_get_e_css(cgrp, &memory_cgrp_subsys);
	cgroup_put(cgrp);
	if (!css || READ_ONCE(mem_cgroup_from_css(css)->memory.max) > SZ_1M >> PAGE_SHIFT)
		kunit_skip(test, "cgroup /shmem-insert has no low memory.max");
	return mem_cgroup_from_css(css);
}

static unsigned long memcg_charged(struct mem_cgroup *memcg)
{
	/* Whatever the threshold for a flush is */
	css_rstat_flush(&memcg->css);
	return memcg_page_state(memcg, NR_SHMEM);
}

static unsigned long memcg_swap(struct mem_cgroup *memcg)
{
	return page_counter_read(&memcg->swap);
}

static void insert_charges_memcg(struct kunit *test)
{
	unsigned int order = order_param(test);
	struct mem_cgroup *memcg, *old;
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	unsigned long before, swap, nr = 1UL << order;
	struct folio *folio;
	bool writeback;
	int err;

	if (order > 4)
		kunit_skip(test, "larger than the limit may be");
	memcg = test_memcg(test);
	before = memcg_charged(memcg);
	swap = memcg_swap(memcg);

	for (writeback = false; ; writeback = true) {
		folio = block(test, order, 13);
		old = set_active_memcg(memcg);
		err = shmem_insert_folio(file, folio, order, 0, writeback,
					 INSERT_GFP);
		set_active_memcg(old);
		KUNIT_ASSERT_EQ(test, err, 0);
		if (!writeback || !total_swap_pages) {
			rcu_read_lock();
			KUNIT_EXPECT_PTR_EQ(test, folio_memcg(folio), memcg);
			rcu_read_unlock();
			KUNIT_EXPECT_EQ(test, memcg_charged(memcg), before + nr);
			KUNIT_EXPECT_EQ(test, memcg_swap(memcg), swap);
		} else {
			KUNIT_EXPECT_EQ(test, memcg_charged(memcg), before);
			KUNIT_EXPECT_EQ(test, memcg_swap(memcg), swap + nr);
		}

		shmem_truncate_range(file_inode(file), 0, -1);
		KUNIT_EXPECT_EQ(test, memcg_charged(memcg), before);
		KUNIT_EXPECT_EQ(test, memcg_swap(memcg), swap);
		expect_counters(test, file, &was, 0, 0);
		if (writeback)
			break;
	}
	css_put(&memcg->css);
}

static void insert_over_memcg_limit(struct kunit *test)
{
	struct mem_cgroup *memcg = test_memcg(test), *old;
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	unsigned long before = memcg_charged(memcg);
	struct folio *folio;
	int err;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE)) {
		css_put(&memcg->css);
		kunit_skip(test, "a single page does not reach the limit");
	}

	folio = block(test, 9, 14);
	old = set_active_memcg(memcg);
	err = shmem_insert_folio(file, folio, 9, 0, false, INSERT_GFP);
	set_active_memcg(old);
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	KUNIT_EXPECT_EQ(test, memcg_charged(memcg), before);
	expect_counters(test, file, &was, 0, 0);
	expect_block(test, folio, 9, 14);
	free_block(folio, 9);
	css_put(&memcg->css);
}

/*
 * Insert a page that must not make room for itself by reclaim. A page that is
 * refused is still there, as it was.
 */
static int insert_charged(struct kunit *test, struct mem_cgroup *memcg,
			  struct file *file, pgoff_t index)
{
	struct folio *folio = block(test, 0, 18);
	struct mem_cgroup *old;
	int err;

	old = set_active_memcg(memcg);
	err = shmem_insert_folio(file, folio, 0, index, false,
				 GFP_NOWAIT | __GFP_NOWARN);
	set_active_memcg(old);
	if (err) {
		expect_block(test, folio, 0, 18);
		free_block(folio, 0);
	}
	return err;
}

/* Insert pages from @index on, until the limit is reached. */
static void fill_memcg(struct kunit *test, struct mem_cgroup *memcg,
		       struct file *file, pgoff_t index)
{
	unsigned long charged, i;
	struct shmem_insert_counters was;
	int err = 0;

	for (i = 0; !err && i <= SZ_1M >> PAGE_SHIFT; i++) {
		was = counters(file);
		charged = memcg_charged(memcg);
		err = insert_charged(test, memcg, file, index + i);
	}
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	KUNIT_EXPECT_GT(test, i, 1);
	KUNIT_EXPECT_EQ(test, memcg_charged(memcg), charged);
	expect_counters(test, file, &was, 0, 0);
}

static void insert_up_to_memcg_limit(struct kunit *test)
{
	struct mem_cgroup *memcg = test_memcg(test);
	struct file *file = test_file(test);
	struct shmem_insert_counters empty = counters(file);
	unsigned long before = memcg_charged(memcg);

	fill_memcg(test, memcg, file, 0);
	shmem_truncate_range(file_inode(file), 0, -1);
	KUNIT_EXPECT_EQ(test, memcg_charged(memcg), before);
	expect_counters(test, file, &empty, 0, 0);
	css_put(&memcg->css);
}

/* What is in swap cannot be read where the limit leaves no page for it. */
static void take_over_memcg_limit(struct kunit *test)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN | __GFP_HIGHMEM;
	struct file *file = test_file(test);
	struct shmem_insert_counters was;
	struct mem_cgroup *memcg;
	unsigned int order = 0;
	struct folio *folio;

	need_swap(test);
	memcg = test_memcg(test);
	KUNIT_ASSERT_EQ(test, insert_charged(test, memcg, file, 0), 0);
	reclaim(file, 0);
	KUNIT_ASSERT_EQ(test, counters(file).swapped, 1);

	fill_memcg(test, memcg, file, 1);
	was = counters(file);
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, 0, &order,
							 NUMA_NO_NODE, gfp)));
	expect_counters(test, file, &was, 0, 0);

	shmem_truncate_range(file_inode(file), PAGE_SIZE, -1);
	folio = shmem_take_folio(file, 0, &order, NUMA_NO_NODE, gfp);
	KUNIT_EXPECT_FALSE(test, IS_ERR(folio));
	if (!IS_ERR(folio)) {
		expect_block(test, folio, 0, 18);
		free_block(folio, 0);
	}
	css_put(&memcg->css);
}
#else
static void insert_charges_memcg(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_MEMCG");
}

static void insert_over_memcg_limit(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_MEMCG");
}

static void insert_up_to_memcg_limit(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_MEMCG");
}

static void take_over_memcg_limit(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_MEMCG");
}
#endif

static void take_returns_the_pages(struct kunit *test)
{
	unsigned int order = order_param(test), got = MAX_PAGE_ORDER;
	unsigned long index = 1UL << order;
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	struct folio *folio = block(test, order, 20), *taken;

	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, order, index,
						    false, INSERT_GFP));
	taken = shmem_take_folio(file, index, &got, NUMA_NO_NODE, GFP_HIGHUSER);
	KUNIT_ASSERT_FALSE(test, IS_ERR(taken));
	KUNIT_EXPECT_PTR_EQ(test, taken, folio);
	KUNIT_EXPECT_EQ(test, got, order);
	expect_counters(test, file, &was, 0, 0);
	expect_block(test, taken, order, 20);

	/* And round again, which a state left behind would not survive */
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, taken, order, index,
						    false, INSERT_GFP));
	KUNIT_EXPECT_EQ(test, expect_contents(test, file, index, 1UL << order, 20),
			order);
	got = order;
	taken = shmem_take_folio(file, index, &got, folio_nid(folio), GFP_HIGHUSER);
	KUNIT_ASSERT_FALSE(test, IS_ERR(taken));
	expect_block(test, taken, order, 20);
	free_block(taken, order);
}

static void take_from_swap(struct kunit *test)
{
	unsigned int order = order_param(test), got = MAX_PAGE_ORDER;
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	struct folio *taken;

	need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, block(test, order, 21),
						    order, 0, false, INSERT_GFP));
	reclaim(file, 0);
	expect_counters(test, file, &was, 0, 1L << order);

	taken = shmem_take_folio(file, 0, &got, NUMA_NO_NODE, GFP_HIGHUSER);
	KUNIT_ASSERT_FALSE(test, IS_ERR(taken));
	KUNIT_EXPECT_EQ(test, got, order);
	expect_counters(test, file, &was, 0, 0);
	expect_block(test, taken, order, 21);
	free_block(taken, order);
}

/* Written to swap but still in the swap cache, clean. */
static void take_from_swap_cache(struct kunit *test)
{
	unsigned int order = order_param(test), got = MAX_PAGE_ORDER;
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	struct folio *folio = block(test, order, 22), *taken;

	need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, order, 0, true,
						    INSERT_GFP));
	expect_counters(test, file, &was, 0, 1L << order);
	taken = shmem_take_folio(file, 0, &got, NUMA_NO_NODE, GFP_HIGHUSER);
	KUNIT_ASSERT_FALSE(test, IS_ERR(taken));
	KUNIT_EXPECT_PTR_EQ(test, taken, folio);
	expect_counters(test, file, &was, 0, 0);
	expect_block(test, taken, order, 22);
	free_block(taken, order);
}

static void take_leaves_what_is_in_use(struct kunit *test)
{
	unsigned int order = order_param(test), got;
	unsigned long nr = 1UL << order;
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	struct folio *folio = block(test, order, 23);

	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, order, nr, false,
						    INSERT_GFP));
	folio_get(folio);
	got = order;
	KUNIT_EXPECT_EQ(test, -EBUSY,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, nr, &got, NUMA_NO_NODE,
							 GFP_HIGHUSER)));
	folio_put(folio);

	if (IS_ENABLED(CONFIG_ZONE_DMA) && folio_zonenum(folio) > gfp_zone(GFP_DMA))
		KUNIT_EXPECT_EQ(test, -EBUSY,
				PTR_ERR_OR_ZERO(shmem_take_folio(file, nr, &got,
								 NUMA_NO_NODE,
								 GFP_DMA)));
	if (order) {
		KUNIT_EXPECT_EQ(test, -EBUSY,
				PTR_ERR_OR_ZERO(shmem_take_folio(file, nr, &got,
								 folio_nid(folio) + 1,
								 GFP_HIGHUSER)));
		KUNIT_EXPECT_EQ(test, -EINVAL,
				PTR_ERR_OR_ZERO(shmem_take_folio(file, nr + 1, &got,
								 NUMA_NO_NODE,
								 GFP_HIGHUSER)));
		got = order - 1;
		KUNIT_EXPECT_EQ(test, -E2BIG,
				PTR_ERR_OR_ZERO(shmem_take_folio(file, nr, &got,
								 NUMA_NO_NODE,
								 GFP_HIGHUSER)));
	}

	/* It is still page cache like any other */
	expect_counters(test, file, &was, nr, 0);
	lru_add_drain_all();
	KUNIT_EXPECT_TRUE(test, folio_test_lru(folio));
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	KUNIT_EXPECT_EQ(test, expect_contents(test, file, nr, nr, 23), order);
}

/* As after an error of the swap device, which leaves this mark. */
static void take_lost_contents(struct kunit *test)
{
	struct file *file = test_file(test);
	struct xarray *pages = &file->f_mapping->i_pages;
	struct shmem_insert_counters was;
	unsigned int order = 0;
	struct folio *folio;
	void *swapped;

	need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, block(test, 0, 24), 0, 3,
						    false, INSERT_GFP));
	reclaim(file, 3);
	was = counters(file);
	swapped = xa_load(pages, 3);
	KUNIT_ASSERT_TRUE(test, xa_is_value(swapped));

	xa_store_irq(pages, 3, swp_to_radix_entry(make_poisoned_swp_entry()),
		     GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, -EIO,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, 3, &order,
							 NUMA_NO_NODE, GFP_HIGHUSER)));
	expect_counters(test, file, &was, 0, 0);
	xa_store_irq(pages, 3, swapped, GFP_KERNEL);

	folio = shmem_take_folio(file, 3, &order, NUMA_NO_NODE, GFP_HIGHUSER);
	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	expect_block(test, folio, 0, 24);
	free_block(folio, 0);
}

/* A page in memory whose contents the hardware has lost. */
static void take_poisoned_page(struct kunit *test)
{
#ifdef CONFIG_MEMORY_FAILURE
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	struct folio *folio = block(test, 0, 25);
	unsigned int order = 0;

	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, 0, 3, false,
						    INSERT_GFP));
	SetPageHWPoison(folio_page(folio, 0));
	KUNIT_EXPECT_EQ(test, -EIO,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, 3, &order,
							 NUMA_NO_NODE, GFP_HIGHUSER)));
	ClearPageHWPoison(folio_page(folio, 0));
	expect_counters(test, file, &was, 1, 0);
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
#else
	kunit_skip(test, "no CONFIG_MEMORY_FAILURE");
#endif
}

static void take_finds_nothing(struct kunit *test)
{
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	unsigned int order = 0;

	KUNIT_EXPECT_EQ(test, -ENOENT,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, 5, &order,
							 NUMA_NO_NODE, GFP_HIGHUSER)));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, FILE_PAGES, &order,
							 NUMA_NO_NODE, GFP_HIGHUSER)));
	/* A hole is not filled by looking into it */
	expect_counters(test, file, &was, 0, 0);
}

/* A thread that gets in the way until it is stopped. */
struct rival {
	struct file *file;
	void (*act)(struct file *file, unsigned long round);
	unsigned long rounds;
};

static int rival_thread(void *data)
{
	struct rival *rival = data;

	while (!kthread_should_stop()) {
		rival->act(rival->file, rival->rounds++);
		cond_resched();
	}
	return 0;
}

static void rival_truncates(struct file *file, unsigned long round)
{
	loff_t start = (round * 7 % FILE_PAGES) << PAGE_SHIFT;

	shmem_truncate_range(file_inode(file), start, start + SZ_64K - 1);
}

static void rival_reclaims(struct file *file, unsigned long round)
{
	reclaim(file, round % RIVAL_PAGES);
}

static void rival_reads(struct file *file, unsigned long round)
{
	struct folio *folio = filemap_get_folio(file->f_mapping, round % RIVAL_PAGES);

	if (!IS_ERR(folio))
		folio_put(folio);
}

static void rival_resizes(struct file *file, unsigned long round)
{
	struct inode *inode = file_inode(file);
	/* The smaller one is at the end of a folio of any order that is used */
	loff_t size = (round & 1 ? FILE_PAGES : 16) << PAGE_SHIFT;

	inode_lock(inode);
	i_size_write(inode, size);
	shmem_truncate_range(inode, size, (uoff_t)-1);
	inode_unlock(inode);
}

/* Count the folios that a truncation should have removed. */
static unsigned long beyond_end(struct file *file)
{
	struct inode *inode = file_inode(file);
	unsigned long index, count = 0;

	inode_lock(inode);
	for (index = DIV_ROUND_UP_ULL(i_size_read(inode), PAGE_SIZE);
	     index < RIVAL_PAGES; index++) {
		struct folio *folio = filemap_get_folio(file->f_mapping, index);

		if (IS_ERR(folio))
			continue;
		count++;
		folio_put(folio);
	}
	inode_unlock(inode);

	return count;
}

struct rival_case {
	const char *name;
	void (*act)(struct file *file, unsigned long round);
	bool keeps_contents;
	bool swap;
};

static const struct rival_case rival_cases[] = {
	{ "truncate", rival_truncates },
	{ "resize", rival_resizes },
	{ "reclaim", rival_reclaims, .keeps_contents = true, .swap = true },
	{ "lookup", rival_reads, .keeps_contents = true },
};

static void rival_desc(const struct rival_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(rival, rival_cases, rival_desc);

/* Insert and take while a thread on another CPU gets in the way. */
static void insert_and_take_with_rival(struct kunit *test)
{
	const struct rival_case *c = test->param_value;
	const unsigned int max = IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ? 4 : 0;
	struct file *file = test_file(test);
	struct shmem_insert_counters was = counters(file);
	struct rival rival = { .file = file, .act = c->act };
	unsigned long i, bad = 0, taken = 0, inserted = 0;
	struct task_struct *thread;

	if (c->swap)
		need_swap(test);

	thread = kthread_run(rival_thread, &rival, "shmem-rival");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));

	for (i = 0; i < 500; i++) {
		unsigned int order = max ? i % (max + 1) : 0, got = order;
		pgoff_t index = round_down(i % RIVAL_PAGES, 1UL << order);
		struct page *page = alloc_pages(BLOCK_GFP, order);
		struct folio *folio;
		int err;

		if (!page)
			continue;
		fill(page, 1UL << order, i);
		err = shmem_insert_folio(file, page_folio(page), order, index,
					 i & 1, INSERT_GFP);
		if (err) {
			__free_pages(page, order);
			bad += err != -EEXIST && err != -EBUSY &&
			       err != -EINVAL;
			shmem_truncate_range(file_inode(file), 0, -1);
			continue;
		}
		inserted++;
		bad += beyond_end(file);

		folio = shmem_take_folio(file, index, &got, NUMA_NO_NODE, GFP_HIGHUSER);
		if (!IS_ERR(folio)) {
			taken++;
			if (got == order && c->keeps_contents)
				bad += !page_is(folio_page(folio, 0), i, 0);
			__free_pages(folio_page(folio, 0), got);
			/* The rest, if it came back in pieces */
			if (got != order)
				shmem_truncate_range(file_inode(file), 0, -1);
			continue;
		}
		if (c->keeps_contents) {
			folio = shmem_read_folio(file->f_mapping, index);
			if (IS_ERR(folio)) {
				bad++;
			} else {
				bad += !page_is(folio_file_page(folio, index), i, 0);
				folio_put(folio);
			}
		}
		shmem_truncate_range(file_inode(file), 0, -1);
	}

	while (!READ_ONCE(rival.rounds))
		cond_resched();
	kthread_stop(thread);
	kunit_info(test, "%lu inserted, %lu taken, %lu rounds of the rival",
		   inserted, taken, rival.rounds);
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_GT(test, inserted, 0);

	i_size_write(file_inode(file), FILE_PAGES << PAGE_SHIFT);
	shmem_truncate_range(file_inode(file), 0, -1);
	lru_add_drain_all();
	expect_counters(test, file, &was, 0, 0);
}

static struct kunit_case shmem_insert_cases[] = {
	KUNIT_CASE_PARAM(insert_keeps_pages, order_gen_params),
	KUNIT_CASE_PARAM(insert_writes_out, order_gen_params),
	KUNIT_CASE_PARAM(insert_then_reclaim, order_gen_params),
	KUNIT_CASE_PARAM(insert_then_truncate_in_swap, order_gen_params),
	KUNIT_CASE(insert_largest_block),
	KUNIT_CASE_PARAM(insert_hands_back, insert_error_gen),
	KUNIT_CASE_PARAM(insert_across_end, order_gen_params),
	KUNIT_CASE(insert_at_odd_end),
	KUNIT_CASE(insert_needs_thp),
	KUNIT_CASE(insert_into_other_file),
	KUNIT_CASE_PARAM(insert_on_noswap_mount, order_gen_params),
	KUNIT_CASE(insert_on_full_mount),
	KUNIT_CASE(insert_over_quota),
	KUNIT_CASE_PARAM(insert_without_nodes, order_gen_params),
	KUNIT_CASE_PARAM(insert_charges_memcg, order_gen_params),
	KUNIT_CASE(insert_over_memcg_limit),
	KUNIT_CASE(insert_up_to_memcg_limit),
	{}
};

static struct kunit_suite shmem_insert_suite = {
	.name = "shmem_insert",
	.init = shmem_insert_init,
	.exit = shmem_insert_exit,
	.test_cases = shmem_insert_cases,
};

static struct kunit_case shmem_take_cases[] = {
	KUNIT_CASE_PARAM(take_returns_the_pages, order_gen_params),
	KUNIT_CASE_PARAM(take_from_swap, order_gen_params),
	KUNIT_CASE_PARAM(take_from_swap_cache, order_gen_params),
	KUNIT_CASE_PARAM(take_leaves_what_is_in_use, order_gen_params),
	KUNIT_CASE(take_finds_nothing),
	KUNIT_CASE(take_lost_contents),
	KUNIT_CASE(take_poisoned_page),
	KUNIT_CASE(take_over_memcg_limit),
	KUNIT_CASE_PARAM(insert_and_take_with_rival, rival_gen_params),
	{}
};

static struct kunit_suite shmem_take_suite = {
	.name = "shmem_take",
	.init = shmem_insert_init,
	.exit = shmem_insert_exit,
	.test_cases = shmem_take_cases,
};

kunit_test_suites(&shmem_insert_suite, &shmem_take_suite);

MODULE_DESCRIPTION("KUnit tests for inserting folios into shmem files");
MODULE_LICENSE("GPL");
