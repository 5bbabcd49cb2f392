// SPDX-License-Identifier: GPL-2.0
/* Tests for shmem_insert_folio() and shmem_take_folio() in a memory cgroup with a limit. */

#include <linux/cgroup.h>
#include <linux/memcontrol.h>
#include <linux/swap.h>

#include "../internal.h"
#include "shmem_insert_kunit.h"

#ifdef CONFIG_MEMCG
static struct mem_cgroup *test_memcg(struct kunit *test)
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
	unsigned int order = insert_test_order_param(test);
	struct mem_cgroup *memcg, *old;
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
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
		folio = insert_test_block(test, order, 13);
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
		insert_test_expect_counters(test, file, &was, 0, 0);
		if (writeback)
			break;
	}
	css_put(&memcg->css);
}

static void insert_over_memcg_limit(struct kunit *test)
{
	struct mem_cgroup *memcg = test_memcg(test), *old;
	struct file *file = insert_test_file(test);
	struct insert_test_counters was = insert_test_counters(file);
	unsigned long before = memcg_charged(memcg);
	struct folio *folio;
	int err;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE)) {
		css_put(&memcg->css);
		kunit_skip(test, "a single page does not reach the limit");
	}

	folio = insert_test_block(test, 9, 14);
	old = set_active_memcg(memcg);
	err = shmem_insert_folio(file, folio, 9, 0, false, INSERT_GFP);
	set_active_memcg(old);
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	KUNIT_EXPECT_EQ(test, memcg_charged(memcg), before);
	insert_test_expect_counters(test, file, &was, 0, 0);
	insert_test_expect_block(test, folio, 9, 14);
	insert_test_free_block(folio, 9);
	css_put(&memcg->css);
}

/*
 * Insert a page that must not make room for itself by reclaim. A page that is
 * refused is still there, as it was.
 */
static int insert_charged(struct kunit *test, struct mem_cgroup *memcg,
			  struct file *file, pgoff_t index)
{
	struct folio *folio = insert_test_block(test, 0, 18);
	struct mem_cgroup *old;
	int err;

	old = set_active_memcg(memcg);
	err = shmem_insert_folio(file, folio, 0, index, false,
				 GFP_NOWAIT | __GFP_NOWARN);
	set_active_memcg(old);
	if (err) {
		insert_test_expect_block(test, folio, 0, 18);
		insert_test_free_block(folio, 0);
	}
	return err;
}

/* Insert pages from @index on, until the limit is reached. */
static void fill_memcg(struct kunit *test, struct mem_cgroup *memcg,
		       struct file *file, pgoff_t index)
{
	unsigned long charged, i;
	struct insert_test_counters was;
	int err = 0;

	for (i = 0; !err && i <= SZ_1M >> PAGE_SHIFT; i++) {
		was = insert_test_counters(file);
		charged = memcg_charged(memcg);
		err = insert_charged(test, memcg, file, index + i);
	}
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	KUNIT_EXPECT_GT(test, i, 1);
	KUNIT_EXPECT_EQ(test, memcg_charged(memcg), charged);
	insert_test_expect_counters(test, file, &was, 0, 0);
}

static void insert_up_to_memcg_limit(struct kunit *test)
{
	struct mem_cgroup *memcg = test_memcg(test);
	struct file *file = insert_test_file(test);
	struct insert_test_counters empty = insert_test_counters(file);
	unsigned long before = memcg_charged(memcg);

	fill_memcg(test, memcg, file, 0);
	shmem_truncate_range(file_inode(file), 0, -1);
	KUNIT_EXPECT_EQ(test, memcg_charged(memcg), before);
	insert_test_expect_counters(test, file, &empty, 0, 0);
	css_put(&memcg->css);
}

/* What is in swap cannot be read where the limit leaves no page for it. */
static void take_over_memcg_limit(struct kunit *test)
{
	gfp_t gfp = GFP_NOWAIT | __GFP_NOWARN | __GFP_HIGHMEM;
	struct file *file = insert_test_file(test);
	struct insert_test_counters was;
	struct mem_cgroup *memcg;
	unsigned int order = 0;
	struct folio *folio;

	insert_test_need_swap(test);
	memcg = test_memcg(test);
	KUNIT_ASSERT_EQ(test, insert_charged(test, memcg, file, 0), 0);
	insert_test_reclaim(file, 0);
	KUNIT_ASSERT_EQ(test, insert_test_counters(file).swapped, 1);

	fill_memcg(test, memcg, file, 1);
	was = insert_test_counters(file);
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			PTR_ERR_OR_ZERO(shmem_take_folio(file, 0, &order,
							 NUMA_NO_NODE, gfp)));
	insert_test_expect_counters(test, file, &was, 0, 0);

	shmem_truncate_range(file_inode(file), PAGE_SIZE, -1);
	folio = shmem_take_folio(file, 0, &order, NUMA_NO_NODE, gfp);
	KUNIT_EXPECT_FALSE(test, IS_ERR(folio));
	if (!IS_ERR(folio)) {
		insert_test_expect_block(test, folio, 0, 18);
		insert_test_free_block(folio, 0);
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

static struct kunit_case shmem_insert_memcg_cases[] = {
	KUNIT_CASE_PARAM(insert_charges_memcg, insert_test_order_params),
	KUNIT_CASE(insert_over_memcg_limit),
	KUNIT_CASE(insert_up_to_memcg_limit),
	KUNIT_CASE(take_over_memcg_limit),
	{}
};

static struct kunit_suite shmem_insert_memcg_suite = {
	.name = "shmem_insert_memcg",
	.init = insert_test_init,
	.exit = insert_test_exit,
	.test_cases = shmem_insert_memcg_cases,
};

kunit_test_suite(shmem_insert_memcg_suite);
