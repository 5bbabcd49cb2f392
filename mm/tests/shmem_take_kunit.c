// SPDX-License-Identifier: GPL-2.0
/* Tests for shmem_take_folio(), also with others that use the file at the same time. */

#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/swap.h>
#include <linux/swapops.h>

#include "../internal.h"
#include "shmem_insert_kunit.h"

/* Take a block of @order, all of it, with nothing left in the file. */
static struct folio *take_whole(struct kunit *test, const struct insert_test_counters *was,
				pgoff_t index, int nid, unsigned int order, u64 seed)
{
	struct file *file = insert_test_file(test);
	unsigned int got = MAX_PAGE_ORDER;
	struct folio *taken = shmem_take_folio(file, index, &got, nid, GFP_HIGHUSER);

	KUNIT_ASSERT_FALSE(test, IS_ERR(taken));
	KUNIT_EXPECT_EQ(test, got, order);
	insert_test_expect_counters(test, file, was, 0, 0);
	insert_test_expect_block(test, taken, order, seed);
	return taken;
}

static void take_returns_the_pages(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test);
	unsigned long index = 1UL << order;
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	struct folio *folio = insert_test_block(test, order, 20), *taken;

	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, order, index,
						    false, INSERT_GFP));
	taken = take_whole(test, &was, index, NUMA_NO_NODE, order, 20);
	KUNIT_EXPECT_PTR_EQ(test, taken, folio);

	/* And round again, which a state left behind would not survive */
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, taken, order, index,
						    false, INSERT_GFP));
	KUNIT_EXPECT_EQ(test, insert_test_expect_contents(test, file, index, 1UL << order, 20),
			order);
	taken = take_whole(test, &was, index, folio_nid(folio), order, 20);
	insert_test_free_block(taken, order);
}

static void take_from_swap(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test);
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);

	insert_test_need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, insert_test_block(test, order, 21),
						    order, 0, false, INSERT_GFP));
	insert_test_reclaim(file, 0);
	insert_test_expect_counters(test, file, &was, 0, 1L << order);
	insert_test_free_block(take_whole(test, &was, 0, NUMA_NO_NODE, order, 21), order);
}

/* It may have been migrated while it was on an LRU list: demoted, for one. */
static void take_leaves_other_nodes(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test), got = MAX_PAGE_ORDER;
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	struct folio *folio = insert_test_block(test, order, 27), *taken;

	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, order, 0, false,
						    INSERT_GFP));
	taken = shmem_take_folio(file, 0, &got, folio_nid(folio) + 1, GFP_HIGHUSER);
	KUNIT_ASSERT_PTR_EQ(test, taken, ERR_PTR(-EBUSY));
	insert_test_expect_counters(test, file, &was, 1L << order, 0);
	taken = take_whole(test, &was, 0, folio_nid(folio), order, 27);
	KUNIT_EXPECT_PTR_EQ(test, taken, folio);
	insert_test_free_block(taken, order);
}

/* Written to swap but still in the swap cache, clean. */
static void take_from_swap_cache(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test);
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	struct folio *folio = insert_test_block(test, order, 22), *taken;

	insert_test_need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, order, 0, true,
						    INSERT_GFP));
	insert_test_expect_counters(test, file, &was, 0, 1L << order);
	taken = take_whole(test, &was, 0, NUMA_NO_NODE, order, 22);
	KUNIT_EXPECT_PTR_EQ(test, taken, folio);
	insert_test_free_block(taken, order);
}

static void take_leaves_what_is_in_use(struct kunit *test)
{
	unsigned int order = insert_test_order_param(test), got;
	unsigned long nr = 1UL << order;
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	struct folio *folio = insert_test_block(test, order, 23);

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
	KUNIT_EXPECT_EQ(test, -EBUSY,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, nr, &got,
							 folio_nid(folio) + 1,
							 GFP_HIGHUSER)));
	if (order) {
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
	insert_test_expect_counters(test, file, &was, nr, 0);
	lru_add_drain_all();
	KUNIT_EXPECT_TRUE(test, folio_test_lru(folio));
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
	KUNIT_EXPECT_EQ(test, insert_test_expect_contents(test, file, nr, nr, 23), order);
}

/* As after an error of the swap device, which leaves this mark. */
static void take_lost_contents(struct kunit *test)
{
	struct file *file = insert_test_file(test);
	struct xarray *pages = &file->f_mapping->i_pages;
	struct insert_test_counters was;
	unsigned int order = 0;
	struct folio *folio;
	void *swapped;

	insert_test_need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, insert_test_block(test, 0, 24), 0, 3,
						    false, INSERT_GFP));
	insert_test_reclaim(file, 3);
	was = insert_test_counters(file);
	swapped = xa_load(pages, 3);
	KUNIT_ASSERT_TRUE(test, xa_is_value(swapped));

	xa_store_irq(pages, 3, swp_to_radix_entry(make_poisoned_swp_entry()),
		     GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, -EIO,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, 3, &order,
							 NUMA_NO_NODE, GFP_HIGHUSER)));
	insert_test_expect_counters(test, file, &was, 0, 0);
	xa_store_irq(pages, 3, swapped, GFP_KERNEL);

	folio = shmem_take_folio(file, 3, &order, NUMA_NO_NODE, GFP_HIGHUSER);
	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	insert_test_expect_block(test, folio, 0, 24);
	insert_test_free_block(folio, 0);
}

/* A page in memory whose contents the hardware has lost. */
static void take_poisoned_page(struct kunit *test)
{
#ifdef CONFIG_MEMORY_FAILURE
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	struct folio *folio = insert_test_block(test, 0, 25);
	unsigned int order = 0;

	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, folio, 0, 3, false,
						    INSERT_GFP));
	SetPageHWPoison(folio_page(folio, 0));
	KUNIT_EXPECT_EQ(test, -EIO,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, 3, &order,
							 NUMA_NO_NODE, GFP_HIGHUSER)));
	ClearPageHWPoison(folio_page(folio, 0));
	insert_test_expect_counters(test, file, &was, 1, 0);
	KUNIT_EXPECT_FALSE(test, folio_test_locked(folio));
#else
	kunit_skip(test, "no CONFIG_MEMORY_FAILURE");
#endif
}

static void take_finds_nothing(struct kunit *test)
{
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	unsigned int order = 0;

	KUNIT_EXPECT_EQ(test, -ENOENT,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, 5, &order,
							 NUMA_NO_NODE, GFP_HIGHUSER)));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, FILE_PAGES, &order,
							 NUMA_NO_NODE, GFP_HIGHUSER)));
	/* A hole is not filled by looking into it */
	insert_test_expect_counters(test, file, &was, 0, 0);
}

/* Those at the start of the file that tests with a second thread fight for */
#define RIVAL_PAGES	64UL

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
	insert_test_reclaim(file, round % RIVAL_PAGES);
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

/* How a round ended */
enum round_end {
	REFUSED,
	LEFT,
	TAKEN,
	TAKEN_IN_PART,
	WRONG,
	NR_ROUND_ENDS,
};

static bool page_in_file_is(struct file *file, pgoff_t index, u64 seed)
{
	struct folio *folio = shmem_read_folio(file->f_mapping, index);
	bool same;

	if (IS_ERR(folio))
		return false;
	same = insert_test_page_is(folio_file_page(folio, index), seed, 0);
	folio_put(folio);
	return same;
}

/* Insert a block, and take it again. @keeps: its contents stay what they are. */
static enum round_end insert_and_take(struct file *file, bool keeps, unsigned long round)
{
	const unsigned int max = IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ? 4 : 0;
	unsigned int order = round % (max + 1), got = order;
	pgoff_t index = round_down(round % RIVAL_PAGES, 1UL << order);
	struct page *page = alloc_pages(BLOCK_GFP, order);
	struct folio *folio;
	bool same;
	int err;

	if (!page)
		return REFUSED;
	insert_test_fill(page, 1UL << order, round);
	err = shmem_insert_folio(file, page_folio(page), order, index, round & 1,
				 INSERT_GFP);
	if (err) {
		__free_pages(page, order);
		return err == -EEXIST || err == -EBUSY || err == -EINVAL ? REFUSED : WRONG;
	}
	if (beyond_end(file))
		return WRONG;

	folio = shmem_take_folio(file, index, &got, NUMA_NO_NODE, GFP_HIGHUSER);
	if (IS_ERR(folio))
		return !keeps || page_in_file_is(file, index, round) ? LEFT : WRONG;

	same = got != order || insert_test_page_is(folio_page(folio, 0), round, 0);
	__free_pages(folio_page(folio, 0), got);
	if (keeps && !same)
		return WRONG;
	return got == order ? TAKEN : TAKEN_IN_PART;
}

/* Insert and take while a thread on another CPU gets in the way. */
static void insert_and_take_with_rival(struct kunit *test)
{
	const struct rival_case *c = test->param_value;
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	struct rival rival = { .file = file, .act = c->act };
	unsigned long i, ended[NR_ROUND_ENDS] = { };
	struct task_struct *thread;

	if (c->swap)
		insert_test_need_swap(test);

	thread = kthread_run(rival_thread, &rival, "shmem-rival");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));

	for (i = 0; i < 500; i++) {
		enum round_end end = insert_and_take(file, c->keeps_contents, i);

		ended[end]++;
		if (end != TAKEN)
			shmem_truncate_range(file_inode(file), 0, -1);
	}

	while (!READ_ONCE(rival.rounds))
		cond_resched();
	kthread_stop(thread);
	kunit_info(test, "%lu left, %lu taken, %lu taken in part, %lu rounds of the rival",
		   ended[LEFT], ended[TAKEN], ended[TAKEN_IN_PART], rival.rounds);
	KUNIT_EXPECT_EQ(test, ended[WRONG], 0);
	KUNIT_EXPECT_GT(test, ended[LEFT] + ended[TAKEN] + ended[TAKEN_IN_PART], 0);

	i_size_write(file_inode(file), FILE_PAGES << PAGE_SHIFT);
	shmem_truncate_range(file_inode(file), 0, -1);
	lru_add_drain_all();
	insert_test_expect_counters(test, file, &was, 0, 0);
}

static struct kunit_case shmem_take_cases[] = {
	KUNIT_CASE_PARAM(take_returns_the_pages, insert_test_order_params),
	KUNIT_CASE_PARAM(take_from_swap, insert_test_order_params),
	KUNIT_CASE_PARAM(take_leaves_other_nodes, insert_test_order_params),
	KUNIT_CASE_PARAM(take_from_swap_cache, insert_test_order_params),
	KUNIT_CASE_PARAM(take_leaves_what_is_in_use, insert_test_order_params),
	KUNIT_CASE(take_finds_nothing),
	KUNIT_CASE(take_lost_contents),
	KUNIT_CASE(take_poisoned_page),
	KUNIT_CASE_PARAM(insert_and_take_with_rival, rival_gen_params),
	{}
};

static struct kunit_suite shmem_take_suite = {
	.name = "shmem_take",
	.init = insert_test_init,
	.exit = insert_test_exit,
	.test_cases = shmem_take_cases,
};

kunit_test_suite(shmem_take_suite);
