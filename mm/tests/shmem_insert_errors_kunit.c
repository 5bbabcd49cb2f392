// SPDX-License-Identifier: GPL-2.0
/* Tests for shmem_insert_folio(): every error, after which the pages are as they came. */

#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/swap.h>

#include "../internal.h"
#include "shmem_insert_kunit.h"

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

	insert_test_need_swap(test);
	KUNIT_ASSERT_EQ(test, 0, shmem_insert_folio(file, insert_test_block(test, 0, 9), 0,
						    (2UL << order) - 1, true,
						    INSERT_GFP));
	KUNIT_ASSERT_EQ(test, 0, insert_test_entry_order(file, (2UL << order) - 1, &swapped));
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

#ifdef CONFIG_MEMORY_FAILURE
/* The last page: as a tail of a folio it would not be seen to be poisoned. */
static struct page *poisoned;

static void poison(struct kunit *test, struct file *file, struct folio *folio,
		   unsigned int order)
{
	poisoned = folio_page(folio, (1UL << order) - 1);
	SetPageHWPoison(poisoned);
}

static void cure(struct folio *folio)
{
	ClearPageHWPoison(poisoned);
}
#endif

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
#ifdef CONFIG_MEMORY_FAILURE
	{ "poisoned", -EHWPOISON, .prepare = poison, .undo = cure },
#endif
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
	struct file *file = insert_test_file(test);
	struct insert_test_counters was;
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

	folio = insert_test_block(test, order, 6);
	if (error->prepare)
		error->prepare(test, file, folio, order);
	was = insert_test_counters(file);

	kunit_warning_suppress(test) {
		err = shmem_insert_folio(file, folio, order, index, false, INSERT_GFP);
		warnings = KUNIT_SUPPRESSED_WARNING_COUNT();
	}
	KUNIT_EXPECT_EQ(test, err, error->err);
	if (!error->warns)
		KUNIT_EXPECT_EQ(test, warnings, 0);
	insert_test_expect_counters(test, file, &was, 0, 0);

	if (error->undo)
		error->undo(folio);
	insert_test_expect_block(test, folio, order, 6);
	insert_test_free_block(folio, order);
}

static struct kunit_case shmem_insert_errors_cases[] = {
	KUNIT_CASE_PARAM(insert_hands_back, insert_error_gen),
	{}
};

static struct kunit_suite shmem_insert_errors_suite = {
	.name = "shmem_insert_errors",
	.init = insert_test_init,
	.exit = insert_test_exit,
	.test_cases = shmem_insert_errors_cases,
};

kunit_test_suite(shmem_insert_errors_suite);
