// SPDX-License-Identifier: GPL-2.0
/*
 * What the tests of shmem_insert_folio() and shmem_take_folio() have in common.
 *
 * With swap set up, what goes to swap and comes back is tested too; the tests
 * of memory cgroup limits need a cgroup /shmem-insert with memory.max set
 * between 64 KiB and 1 MiB; the one of a lack of memory needs failslab with
 * task-filter Y, probability 100 and times -1. Tests that miss what they need
 * are skipped.
 */

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

#include "../internal.h"
#include "shmem_insert_kunit.h"

/* The exact value, with what CPUs have not folded into the sum yet. */
long insert_test_node_stat(enum node_stat_item item)
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

struct insert_test_counters insert_test_counters(struct file *file)
{
	struct inode *inode = file_inode(file);
	struct shmem_inode_info *info = SHMEM_I(inode);

	return (struct insert_test_counters) {
		.nr_shmem = insert_test_node_stat(NR_SHMEM),
		.nrpages = inode->i_mapping->nrpages,
		.alloced = info->alloced,
		.swapped = info->swapped,
		.blocks = inode->i_blocks,
	};
}

void insert_test_expect_counters(struct kunit *test, struct file *file,
				 const struct insert_test_counters *was,
				 long cached, long swapped)
{
	struct insert_test_counters now = insert_test_counters(file);

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

void insert_test_fill(struct page *page, unsigned long nr, u64 seed)
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

bool insert_test_page_is(struct page *page, u64 seed, unsigned long i)
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
struct folio *insert_test_block(struct kunit *test, unsigned int order, u64 seed)
{
	struct page *page = alloc_pages(BLOCK_GFP, order);

	if (!page)
		kunit_skip(test, "no memory for order %u", order);
	insert_test_fill(page, 1UL << order, seed);
	return (struct folio *)page;
}

void insert_test_free_block(struct folio *folio, unsigned int order)
{
	__free_pages(folio_page(folio, 0), order);
}

/* Whether the pages are as the allocator returned them. */
void insert_test_expect_block(struct kunit *test, struct folio *folio,
			      unsigned int order, u64 seed)
{
	unsigned long i, bad = 0, odd = 0;

	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
	for (i = 0; i < 1UL << order; i++) {
		struct page *page = folio_page(folio, i);

		bad += !insert_test_page_is(page, seed, i);
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
int insert_test_expect_contents(struct kunit *test, struct file *file, pgoff_t index,
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
		bad += !insert_test_page_is(folio_file_page(folio, index + i), seed, i);
		folio_put(folio);
	}
	KUNIT_EXPECT_EQ_MSG(test, bad, 0, "pages with other contents");
	return order;
}

/* The order of the entry at @index, -1 for none. */
int insert_test_entry_order(struct file *file, pgoff_t index, bool *swapped)
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
void insert_test_reclaim(struct file *file, pgoff_t index)
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

void insert_test_put_file(struct file *file)
{
	fput(file);
	flush_delayed_fput();
}

int insert_test_init(struct kunit *test)
{
	struct insert_test_priv *priv;

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	flush_delayed_fput();
	priv->nr_shmem = insert_test_node_stat(NR_SHMEM);
	priv->file = shmem_file_setup("insert", FILE_PAGES << PAGE_SHIFT,
				      EMPTY_VMA_FLAGS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, priv->file);
	test->priv = priv;
	return 0;
}

/* However a test ended, nothing may be left in the statistics. */
void insert_test_exit(struct kunit *test)
{
	struct insert_test_priv *priv = test->priv;

	if (!priv || IS_ERR_OR_NULL(priv->file))
		return;
	insert_test_put_file(priv->file);
	lru_add_drain_all();
	KUNIT_EXPECT_EQ(test, insert_test_node_stat(NR_SHMEM), priv->nr_shmem);
}

struct file *insert_test_file(struct kunit *test)
{
	return ((struct insert_test_priv *)test->priv)->file;
}

static const unsigned int orders[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

static void order_desc(const unsigned int *order, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "order %u", *order);
}

KUNIT_ARRAY_PARAM(order, orders, order_desc);

const void *insert_test_order_params(struct kunit *test, const void *prev, char *desc)
{
	return order_gen_params(test, prev, desc);
}

unsigned int insert_test_order_param(struct kunit *test)
{
	unsigned int order = *(const unsigned int *)test->param_value;

	if (order && !IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		kunit_skip(test, "no CONFIG_TRANSPARENT_HUGEPAGE");
	if (order > MAX_PAGECACHE_ORDER)
		kunit_skip(test, "the page cache does not hold order %u", order);
	return order;
}

void insert_test_need_swap(struct kunit *test)
{
	if (!total_swap_pages)
		kunit_skip(test, "no swap");
}

MODULE_DESCRIPTION("KUnit tests for inserting folios into shmem files");
MODULE_LICENSE("GPL");
