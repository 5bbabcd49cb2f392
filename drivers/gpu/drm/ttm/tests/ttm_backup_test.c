// SPDX-License-Identifier: GPL-2.0 AND MIT
/*
 * Tests for backing up and restoring tts, ttm_tt_backup() and ttm_tt_restore(),
 * and for swapping them out and in, ttm_tt_swapout() and ttm_tt_populate().
 *
 * Both have to keep the contents, to keep the pages where they can, and to leave
 * nothing behind in any statistics. With swap set up the contents go there, too.
 */

#include <linux/fault-inject.h>
#include <linux/highmem.h>
#include <linux/mmzone.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>

#ifdef CONFIG_X86
#include <asm/pgtable_types.h>
#endif

#include <drm/ttm/ttm_backup.h>
#include <drm/ttm/ttm_pool.h>
#include <drm/ttm/ttm_tt.h>

#include "ttm_kunit_helpers.h"
#include "../ttm_pool_internal.h"

/* Orders 9, 3, 1 and 0 if memory is not fragmented. */
#define MIXED_PAGES	(512 + 8 + 2 + 1)

struct ttm_backup_test_case {
	const char *description;
	pgoff_t num_pages;
	enum ttm_caching caching;
	unsigned int alloc_flags;
	/* With DMA addresses */
	bool sg;
};

struct ttm_backup_test_priv {
	struct ttm_test_devices *devs;
	struct ttm_device *bdev;
	struct ttm_device_funcs funcs;
	long gpu_active;
	long gpu_reclaim;
	long shmem;

	struct ttm_tt *tt;
	/* What the page vector was when the tt was filled */
	struct page **pages;
	unsigned long cache_bits;
};

/* The exact value, with what CPUs have not folded into the sum yet. */
static long node_stat(enum node_stat_item item)
{
	struct pglist_data *pgdat;
	long sum = 0;
	int nid, cpu;

	for_each_online_node(nid) {
		pgdat = NODE_DATA(nid);
		sum += atomic_long_read(&pgdat->vm_stat[item]);
		for_each_online_cpu(cpu)
			sum += per_cpu_ptr(pgdat->per_cpu_nodestats,
					   cpu)->vm_node_stat_diff[item];
	}
	return sum;
}

/* What makes a page of the linear mapping write-combined or uncached. */
static unsigned long cache_bits(struct page *page)
{
#ifdef CONFIG_X86
	unsigned int level;
	pte_t *pte;

	if (PageHighMem(page))
		return 0;
	pte = lookup_address((unsigned long)page_address(page), &level);
	return pte ? pte_flags(*pte) & (_PAGE_PWT | _PAGE_PCD) : 0;
#else
	return 0;
#endif
}

#ifdef CONFIG_FAULT_INJECTION
/* Let TTM's fault injection fail @times times after @space times that it did not. */
static void inject(int space, int times)
{
	struct fault_attr *attr = ttm_backup_fault_attr();

	attr->probability = times ? 100 : 0;
	attr->verbose = 0;
	atomic_set(&attr->space, space ? space + 1 : 0);
	atomic_set(&attr->times, times);
}

static void need_injection(struct kunit *test)
{
}
#else
static void inject(int space, int times)
{
}

static void need_injection(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_FAULT_INJECTION");
}
#endif

static u64 pattern(pgoff_t page, unsigned int word)
{
	return (page << 32) ^ (word << 3) ^ 0x5a5a000000000000ULL;
}

static void fill(struct ttm_tt *tt)
{
	unsigned int j;
	pgoff_t i;

	for (i = 0; i < tt->num_pages; i++) {
		u64 *p = kmap_local_page(tt->pages[i]);

		for (j = 0; j < PAGE_SIZE / sizeof(*p); j++)
			p[j] = pattern(i, j);
		kunmap_local(p);
	}
}

static bool page_is(struct page *page, pgoff_t i)
{
	u64 *p = kmap_local_page(page);
	bool same = true;
	unsigned int j;

	for (j = 0; j < PAGE_SIZE / sizeof(*p) && same; j++)
		same = p[j] == pattern(i, j);
	kunmap_local(p);
	return same;
}

static void expect_contents(struct kunit *test, struct ttm_tt *tt)
{
	pgoff_t i, bad = 0;

	for (i = 0; i < tt->num_pages; i++)
		bad += ttm_backup_page_ptr_is_handle(tt->pages[i]) ||
		       !tt->pages[i] || !page_is(tt->pages[i], i);
	KUNIT_EXPECT_EQ_MSG(test, bad, 0, "of %u pages have other contents",
			    tt->num_pages);
}

static pgoff_t count_handles(struct ttm_tt *tt)
{
	pgoff_t i, nr = 0;

	for (i = 0; i < tt->num_pages; i++)
		nr += ttm_backup_page_ptr_is_handle(tt->pages[i]);
	return nr;
}

/* How many pages are the ones that the tt had in the beginning. */
static pgoff_t count_same(struct ttm_backup_test_priv *priv)
{
	pgoff_t i, nr = 0;

	for (i = 0; i < priv->tt->num_pages; i++)
		nr += priv->tt->pages[i] == priv->pages[i];
	return nr;
}

/* How many of those are in @file, in the right place. */
static pgoff_t count_moved(struct ttm_backup_test_priv *priv, struct file *file)
{
	pgoff_t i, nr = 0;

	for (i = 0; i < priv->tt->num_pages; i++) {
		struct folio *folio = filemap_get_folio(file->f_mapping, i);

		if (IS_ERR(folio))
			continue;
		nr += folio_file_page(folio, i) == priv->pages[i] &&
		      !cache_bits(priv->pages[i]);
		folio_put(folio);
	}
	return nr;
}

static void expect_stats(struct kunit *test, long gpu_active, long shmem)
{
	struct ttm_backup_test_priv *priv = test->priv;

	KUNIT_EXPECT_EQ(test, node_stat(NR_GPU_ACTIVE) - priv->gpu_active, gpu_active);
	KUNIT_EXPECT_EQ(test, node_stat(NR_SHMEM) - priv->shmem, shmem);
}

static int ttm_backup_test_init(struct kunit *test)
{
	struct ttm_backup_test_priv *priv;

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	priv->devs = ttm_test_devices_basic(test);
	flush_delayed_fput();
	priv->gpu_active = node_stat(NR_GPU_ACTIVE);
	priv->gpu_reclaim = node_stat(NR_GPU_RECLAIM);
	priv->shmem = node_stat(NR_SHMEM);
	test->priv = priv;
	inject(0, 0);
	return 0;
}

/* Make a device with pools of @alloc_flags. */
static void make_device(struct kunit *test, unsigned int alloc_flags)
{
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_device *bdev;

	bdev = kunit_kzalloc(test, sizeof(*bdev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bdev);
	if (!priv->funcs.ttm_tt_create)
		priv->funcs = ttm_dev_funcs;
	priv->devs->dev->dma_mask = &priv->devs->dev->coherent_dma_mask;
	KUNIT_ASSERT_EQ(test, 0,
			ttm_device_init(bdev, &priv->funcs, priv->devs->drm->dev,
					priv->devs->drm->anon_inode->i_mapping,
					priv->devs->drm->vma_offset_manager,
					alloc_flags));
	priv->bdev = bdev;
	priv->devs->ttm_dev = bdev;
}

/* Make a populated and filled tt; with @backup one that can be backed up. */
static struct ttm_tt *make_tt(struct kunit *test,
			      const struct ttm_backup_test_case *c, bool backup)
{
	u32 flags = backup ? TTM_TT_FLAG_EXTERNAL | TTM_TT_FLAG_EXTERNAL_MAPPABLE : 0;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_buffer_object *bo;
	struct ttm_tt *tt;

	make_device(test, c->alloc_flags);
	bo = ttm_bo_kunit_init(test, priv->devs, c->num_pages << PAGE_SHIFT, NULL);
	tt = kunit_kzalloc(test, sizeof(*tt), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, tt);

	if (c->sg)
		/* ttm_sg_tt_init() makes no page vector for external objects */
		KUNIT_ASSERT_EQ(test, 0, ttm_sg_tt_init(tt, bo, 0, c->caching));
	else
		KUNIT_ASSERT_EQ(test, 0, ttm_tt_init(tt, bo, 0, c->caching, 0));
	priv->tt = tt;
	tt->page_flags |= flags;
	if (backup)
		KUNIT_ASSERT_EQ(test, 0, ttm_tt_setup_backup(tt));

	KUNIT_ASSERT_EQ(test, 0, ttm_tt_populate(priv->bdev, tt, &ctx));
	fill(tt);
	priv->pages = kunit_kcalloc(test, tt->num_pages, sizeof(*priv->pages),
				    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv->pages);
	memcpy(priv->pages, tt->pages, tt->num_pages * sizeof(*priv->pages));
	priv->cache_bits = cache_bits(tt->pages[0]);
	if (IS_ENABLED(CONFIG_X86) && c->caching != ttm_cached)
		KUNIT_EXPECT_NE(test, priv->cache_bits, 0);
	return tt;
}

static void fini_tt(struct kunit *test)
{
	struct ttm_backup_test_priv *priv = test->priv;

	if (!priv->tt)
		return;
	ttm_tt_unpopulate(priv->bdev, priv->tt);
	ttm_tt_fini(priv->tt);
	priv->tt = NULL;
	flush_delayed_fput();
}

/* However a test ended, nothing may be left in the statistics. */
static void ttm_backup_test_exit(struct kunit *test)
{
	struct ttm_backup_test_priv *priv = test->priv;

	if (!priv)
		return;
	inject(0, 0);
	flush_signals(current);
	fini_tt(test);
	ttm_test_devices_put(test, priv->devs);
	expect_stats(test, 0, 0);
	KUNIT_EXPECT_EQ(test, node_stat(NR_GPU_RECLAIM), priv->gpu_reclaim);
}

static const struct ttm_backup_test_case ttm_backup_cases[] = {
	{ "one page", 1, ttm_cached },
	{ "one huge page", 512, ttm_cached },
	{ "larger than a folio", 1024, ttm_cached },
	{ "mixed orders", MIXED_PAGES, ttm_cached },
	{ "write-combined", 512, ttm_write_combined },
	{ "write-combined, mixed orders", MIXED_PAGES, ttm_write_combined },
	{ "uncached", 512, ttm_uncached },
	{ "uncached, mixed orders", MIXED_PAGES, ttm_uncached },
	{ "below 4 GiB", MIXED_PAGES, ttm_cached, TTM_ALLOCATION_POOL_USE_DMA32 },
	{ "below 4 GiB, write-combined", MIXED_PAGES, ttm_write_combined,
	  TTM_ALLOCATION_POOL_USE_DMA32 },
	{ "with DMA addresses", MIXED_PAGES, ttm_cached, 0, true },
	{ "with DMA addresses, write-combined", MIXED_PAGES, ttm_write_combined, 0, true },
};

static void case_desc(const struct ttm_backup_test_case *c, char *desc)
{
	strscpy(desc, c->description, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ttm_backup, ttm_backup_cases, case_desc);

/* How many pages can be inserted, of those that a tt has */
static pgoff_t insertable(struct ttm_backup_test_priv *priv)
{
	pgoff_t i, nr = 0;

	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		return priv->tt->num_pages;
	for (i = 0; i < priv->tt->num_pages; i += 1UL << priv->tt->pages[i]->private)
		nr += !priv->tt->pages[i]->private;
	return nr;
}

static void need_swap(struct kunit *test)
{
	if (!ttm_backup_bytes_avail())
		kunit_skip(test, "no swap");
}

static void expect_dma(struct kunit *test, struct ttm_tt *tt)
{
	pgoff_t i, bad = 0;

	for (i = 0; tt->dma_address && i < tt->num_pages; i++)
		bad += tt->dma_address[i] != page_to_phys(tt->pages[i]);
	KUNIT_EXPECT_EQ_MSG(test, bad, 0, "pages have other DMA addresses");
}

/* Everything is as it was when the tt was filled. */
static void expect_restored(struct kunit *test, bool same)
{
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt = priv->tt;

	expect_contents(test, tt);
	expect_dma(test, tt);
	KUNIT_EXPECT_EQ(test, cache_bits(tt->pages[0]), priv->cache_bits);
	KUNIT_EXPECT_EQ(test, cache_bits(tt->pages[tt->num_pages - 1]),
			priv->cache_bits);
	if (same)
		KUNIT_EXPECT_EQ(test, count_same(priv), tt->num_pages);
	KUNIT_EXPECT_NULL(test, tt->restore);
	expect_stats(test, tt->num_pages, 0);
	if (tt->backup)
		KUNIT_EXPECT_EQ(test, file_inode(tt->backup)->i_blocks, 0);
}

static void backup_gives_pages_away(struct kunit *test)
{
	const struct ttm_backup_test_case *c = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	pgoff_t nr, whole;
	struct ttm_tt *tt;
	int round;

	need_swap(test);
	tt = make_tt(test, c, true);
	nr = tt->num_pages;
	whole = insertable(priv);

	for (round = 0; round < 2; round++) {
		expect_stats(test, nr, 0);
		KUNIT_ASSERT_EQ(test, nr,
				ttm_tt_backup(priv->bdev, tt,
					      (struct ttm_backup_flags) { }));
		KUNIT_EXPECT_TRUE(test, ttm_tt_is_backed_up(tt));
		KUNIT_EXPECT_FALSE(test, ttm_tt_is_populated(tt));
		KUNIT_EXPECT_EQ(test, count_handles(tt), nr);
		if (!round)
			KUNIT_EXPECT_EQ(test, count_moved(priv, tt->backup), whole);
		expect_stats(test, 0, nr);

		KUNIT_ASSERT_EQ(test, 0, ttm_tt_restore(priv->bdev, tt, &ctx));
		tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
		expect_restored(test, whole == nr);
	}
}

/* The same, through swap. */
static void backup_writes_out(struct kunit *test)
{
	const struct ttm_backup_test_case *c = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_tt *tt;

	need_swap(test);
	tt = make_tt(test, c, true);
	KUNIT_ASSERT_EQ(test, tt->num_pages,
			ttm_tt_backup(priv->bdev, tt,
				      (struct ttm_backup_flags) { .writeback = true }));
	expect_stats(test, 0, 0);
	KUNIT_EXPECT_EQ(test, SHMEM_I(file_inode(tt->backup))->swapped, tt->num_pages);
	KUNIT_EXPECT_EQ(test, tt->backup->f_mapping->nrpages, 0);

	KUNIT_ASSERT_EQ(test, 0, ttm_tt_restore(priv->bdev, tt, &ctx));
	tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
	expect_restored(test, false);
}

/* Somebody looks at the backup: its pages cannot be taken. */
static void restore_copies_what_is_in_use(struct kunit *test)
{
	const struct ttm_backup_test_case *c = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct folio **held;
	pgoff_t i, nr = 0, first;
	struct ttm_tt *tt;
	bool moved;

	need_swap(test);
	tt = make_tt(test, c, true);
	moved = insertable(priv) == tt->num_pages;
	held = kunit_kcalloc(test, tt->num_pages, sizeof(*held), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, held);
	KUNIT_ASSERT_EQ(test, tt->num_pages,
			ttm_tt_backup(priv->bdev, tt, (struct ttm_backup_flags) { }));

	for (i = 0; i < tt->num_pages; i = folio_next_index(held[nr++])) {
		held[nr] = filemap_get_folio(tt->backup->f_mapping, i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(held[nr]));
	}
	first = folio_nr_pages(held[0]);

	KUNIT_EXPECT_EQ(test, 0, ttm_tt_restore(priv->bdev, tt, &ctx));
	tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
	if (moved)
		KUNIT_EXPECT_EQ(test, count_same(priv), 0);
	/* Copied whole: what was looked at was not split */
	KUNIT_EXPECT_EQ(test, folio_nr_pages(held[0]), first);
	while (nr--)
		folio_put(held[nr]);
	expect_restored(test, false);
}

/* One injected failure after another, wherever there is room for one. */
struct injection {
	int space;
	int times;
};

static const struct injection injections[] = {
	/* The first folio is copied, because it cannot be inserted */
	{ 1, 1 },
	/* The copy fails, too, in the middle of the folio */
	{ 1, 2 },
	/* The pages of the split folio are copied */
	{ 1, 3 }, { 1, 20 }, { 1, 400 },
	/* The second folio */
	{ 2, 1 }, { 2, 2 }, { 2, 20 },
	/* All */
	{ 1, -1 },
};

static void injection_desc(const struct injection *in, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "fail %d after %d", in->times, in->space);
}

KUNIT_ARRAY_PARAM(injection, injections, injection_desc);

static const struct ttm_backup_test_case mixed = { "", MIXED_PAGES, ttm_write_combined };

static void partial_backup_is_completed(struct kunit *test)
{
	const struct injection *in = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_tt *tt;
	long ret;

	need_swap(test);
	need_injection(test);
	tt = make_tt(test, &mixed, true);

	inject(in->space, in->times);
	ret = ttm_tt_backup(priv->bdev, tt, (struct ttm_backup_flags) { });
	inject(0, 0);
	KUNIT_ASSERT_GT(test, ret, 0);
	KUNIT_EXPECT_EQ(test, ret, count_handles(tt));
	expect_stats(test, tt->num_pages - ret, ret);

	/* Retried, without failures */
	ttm_tt_clear_backed_up(tt);
	ret += ttm_tt_backup(priv->bdev, tt, (struct ttm_backup_flags) { });
	KUNIT_EXPECT_EQ(test, count_handles(tt), tt->num_pages);
	KUNIT_EXPECT_EQ(test, ret, tt->num_pages);
	tt->page_flags |= TTM_TT_FLAG_BACKED_UP;
	expect_stats(test, 0, tt->num_pages);

	KUNIT_ASSERT_EQ(test, 0, ttm_tt_restore(priv->bdev, tt, &ctx));
	tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
	expect_restored(test, false);
}

static void partial_backup_is_restored(struct kunit *test)
{
	const struct injection *in = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_tt *tt;

	need_swap(test);
	need_injection(test);
	tt = make_tt(test, &mixed, true);

	inject(in->space, in->times);
	KUNIT_ASSERT_GT(test, ttm_tt_backup(priv->bdev, tt,
					    (struct ttm_backup_flags) { }), 0);
	inject(0, 0);
	KUNIT_ASSERT_EQ(test, 0, ttm_tt_restore(priv->bdev, tt, &ctx));
	tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
	expect_restored(test, false);
}

/*
 * The first failure that is injected cuts the work in half. With one block that
 * is larger than that, nothing is left to do.
 */
static void inject_no_progress(struct kunit *test, struct ttm_tt *tt)
{
	if (tt->num_pages == 1)
		kunit_skip(test, "one page cannot be halved");
	if (2UL << tt->pages[0]->private <= tt->num_pages)
		kunit_skip(test, "memory is fragmented");
	inject(0, 1);
}

/* The tt stays populated: it must be fit for use, as before. */
static void backup_without_progress(struct kunit *test)
{
	const struct ttm_backup_test_case *c = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	need_swap(test);
	need_injection(test);
	tt = make_tt(test, c, true);
	inject_no_progress(test, tt);
	KUNIT_ASSERT_EQ(test, 0, ttm_tt_backup(priv->bdev, tt,
					       (struct ttm_backup_flags) { }));
	KUNIT_EXPECT_FALSE(test, ttm_tt_is_backed_up(tt));
	KUNIT_EXPECT_TRUE(test, ttm_tt_is_populated(tt));
	expect_restored(test, true);
}

static void partial_backup_is_dropped(struct kunit *test)
{
	const struct injection *in = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	need_swap(test);
	need_injection(test);
	tt = make_tt(test, &mixed, true);

	inject(in->space, in->times);
	KUNIT_ASSERT_GT(test, ttm_tt_backup(priv->bdev, tt,
					    (struct ttm_backup_flags) { }), 0);
	inject(0, 0);
	fini_tt(test);
	expect_stats(test, 0, 0);
}

/* At which step a restore stops, and whether a failed backup came before it. */
struct interruption {
	int space;
	bool in_use;
	bool partial;
};

static const struct interruption interruptions[] = {
	{ 0 }, { 1 }, { 2 }, { 3 },
	{ 0, true }, { 1, true }, { 2, true }, { 3, true }, { 4, true },
	{ 0, false, true }, { 1, false, true }, { 5, false, true },
	{ 100, false, true },
	{ 1, true, true }, { 5, true, true }, { 100, true, true },
};

static void interruption_desc(const struct interruption *in, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "after %d%s%s", in->space,
		 in->in_use ? ", copying" : "",
		 in->partial ? ", from a partial backup" : "");
}

KUNIT_ARRAY_PARAM(interruption, interruptions, interruption_desc);

/* Back up, and interrupt the restore. */
static void interrupt(struct kunit *test, struct ttm_tt *tt)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	const struct interruption *in = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct folio *held = NULL;
	int ret;

	if (in->partial)
		inject(1, 2);
	KUNIT_ASSERT_GT(test, ttm_tt_backup(priv->bdev, tt,
					    (struct ttm_backup_flags) { }), 0);
	if (in->in_use)
		held = filemap_get_folio(tt->backup->f_mapping, 0);

	inject(in->space, 1);
	ret = ttm_tt_restore(priv->bdev, tt, &ctx);
	inject(0, 0);
	if (!IS_ERR_OR_NULL(held))
		folio_put(held);
	if (!ret)
		tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
	KUNIT_ASSERT_EQ(test, ret, -EINTR);
	KUNIT_EXPECT_TRUE(test, ttm_tt_is_backed_up(tt));
	KUNIT_EXPECT_FALSE(test, ttm_tt_is_populated(tt));
}

static void interrupted_restore_resumes(struct kunit *test)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	need_swap(test);
	need_injection(test);
	tt = make_tt(test, &mixed, true);
	interrupt(test, tt);
	KUNIT_ASSERT_EQ(test, 0, ttm_tt_restore(priv->bdev, tt, &ctx));
	tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
	expect_restored(test, false);
}

static void interrupted_restore_is_dropped(struct kunit *test)
{
	struct ttm_tt *tt;

	need_swap(test);
	need_injection(test);
	tt = make_tt(test, &mixed, true);
	interrupt(test, tt);
	fini_tt(test);
	expect_stats(test, 0, 0);
}

/* Not an injected error but what it stands for. */
static void restore_heeds_signals(struct kunit *test)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	need_swap(test);
	tt = make_tt(test, &mixed, true);
	KUNIT_ASSERT_EQ(test, tt->num_pages,
			ttm_tt_backup(priv->bdev, tt, (struct ttm_backup_flags) { }));

	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
	KUNIT_EXPECT_TRUE(test, signal_pending(current));
	KUNIT_EXPECT_EQ(test, -EINTR, ttm_tt_restore(priv->bdev, tt, &ctx));
	flush_signals(current);
	disallow_signal(SIGUSR1);

	KUNIT_ASSERT_EQ(test, 0, ttm_tt_restore(priv->bdev, tt, &ctx));
	tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
	expect_restored(test, IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE));
}

static void drop_frees_all(struct kunit *test)
{
	const struct ttm_backup_test_case *c = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	need_swap(test);
	tt = make_tt(test, c, true);
	KUNIT_ASSERT_EQ(test, tt->num_pages,
			ttm_tt_backup(priv->bdev, tt, (struct ttm_backup_flags) { }));
	fini_tt(test);
	expect_stats(test, 0, 0);
}

static void purge_frees_all(struct kunit *test)
{
	const struct ttm_backup_test_case *c = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_tt *tt;

	tt = make_tt(test, c, true);
	KUNIT_ASSERT_EQ(test, tt->num_pages,
			ttm_tt_backup(priv->bdev, tt,
				      (struct ttm_backup_flags) { .purge = true }));
	expect_stats(test, 0, 0);
	KUNIT_EXPECT_EQ(test, count_handles(tt), 0);

	KUNIT_ASSERT_EQ(test, 0, ttm_tt_restore(priv->bdev, tt, &ctx));
	tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
	expect_stats(test, tt->num_pages, 0);
}

static void backup_needs_swap(struct kunit *test)
{
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	if (ttm_backup_bytes_avail())
		kunit_skip(test, "there is swap");
	tt = make_tt(test, &mixed, true);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			ttm_tt_backup(priv->bdev, tt, (struct ttm_backup_flags) { }));
	KUNIT_EXPECT_EQ(test, count_same(priv), tt->num_pages);
	expect_restored(test, true);
}

static void backup_leaves_coherent_memory(struct kunit *test)
{
	static const struct ttm_backup_test_case c = {
		"", 4, ttm_cached, TTM_ALLOCATION_POOL_USE_DMA_ALLOC, true
	};
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt = make_tt(test, &c, true);

	KUNIT_EXPECT_EQ(test, -EBUSY,
			ttm_tt_backup(priv->bdev, tt, (struct ttm_backup_flags) { }));
	expect_contents(test, tt);
}

static struct kunit_case ttm_backup_test_cases[] = {
	KUNIT_CASE_PARAM(backup_gives_pages_away, ttm_backup_gen_params),
	KUNIT_CASE_PARAM(backup_writes_out, ttm_backup_gen_params),
	KUNIT_CASE_PARAM(restore_copies_what_is_in_use, ttm_backup_gen_params),
	KUNIT_CASE_PARAM(partial_backup_is_completed, injection_gen_params),
	KUNIT_CASE_PARAM(partial_backup_is_restored, injection_gen_params),
	KUNIT_CASE_PARAM(partial_backup_is_dropped, injection_gen_params),
	KUNIT_CASE_PARAM(backup_without_progress, ttm_backup_gen_params),
	KUNIT_CASE_PARAM(interrupted_restore_resumes, interruption_gen_params),
	KUNIT_CASE_PARAM(interrupted_restore_is_dropped, interruption_gen_params),
	KUNIT_CASE(restore_heeds_signals),
	KUNIT_CASE_PARAM(drop_frees_all, ttm_backup_gen_params),
	{}
};

static struct kunit_suite ttm_backup_test_suite = {
	.name = "ttm_backup",
	.init = ttm_backup_test_init,
	.exit = ttm_backup_test_exit,
	.test_cases = ttm_backup_test_cases,
};

/* What holds without swap, too */
static struct kunit_case ttm_backup_noswap_test_cases[] = {
	KUNIT_CASE_PARAM(purge_frees_all, ttm_backup_gen_params),
	KUNIT_CASE(backup_needs_swap),
	KUNIT_CASE(backup_leaves_coherent_memory),
	{}
};

static struct kunit_suite ttm_backup_noswap_test_suite = {
	.name = "ttm_backup_noswap",
	.init = ttm_backup_test_init,
	.exit = ttm_backup_test_exit,
	.test_cases = ttm_backup_noswap_test_cases,
};

static void expect_swapped_in(struct kunit *test, bool same)
{
	struct ttm_backup_test_priv *priv = test->priv;

	KUNIT_EXPECT_TRUE(test, ttm_tt_is_populated(priv->tt));
	KUNIT_EXPECT_FALSE(test, ttm_tt_is_swapped(priv->tt));
	KUNIT_EXPECT_NULL(test, priv->tt->swap_storage);
	flush_delayed_fput();
	expect_restored(test, same);
}

static void swapout_gives_pages_away(struct kunit *test)
{
	const struct ttm_backup_test_case *c = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_tt *tt = make_tt(test, c, false);
	pgoff_t nr = tt->num_pages, whole = insertable(priv);
	int round;

	for (round = 0; round < 2; round++) {
		KUNIT_ASSERT_EQ(test, nr, ttm_tt_swapout(priv->bdev, tt, GFP_KERNEL));
		KUNIT_EXPECT_TRUE(test, ttm_tt_is_swapped(tt));
		KUNIT_EXPECT_FALSE(test, ttm_tt_is_populated(tt));
		if (!round)
			KUNIT_EXPECT_EQ(test, count_moved(priv, tt->swap_storage), whole);
		expect_stats(test, 0, nr);

		KUNIT_ASSERT_EQ(test, 0, ttm_tt_populate(priv->bdev, tt, &ctx));
		expect_swapped_in(test, whole == nr);
	}
}

/* The limits that are not GFP_KERNEL's are those of the caller's locks. */
static void swapout_copies(struct kunit *test, struct ttm_tt *tt, gfp_t gfp)
{
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };

	KUNIT_ASSERT_EQ(test, tt->num_pages, ttm_tt_swapout(priv->bdev, tt, gfp));
	KUNIT_EXPECT_TRUE(test, ttm_tt_is_swapped(tt));
	KUNIT_ASSERT_EQ(test, 0, ttm_tt_populate(priv->bdev, tt, &ctx));
	KUNIT_EXPECT_FALSE(test, ttm_tt_is_swapped(tt));
	expect_contents(test, tt);
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, node_stat(NR_SHMEM), priv->shmem);
}

static void swapout_copies_coherent_memory(struct kunit *test)
{
	static const struct ttm_backup_test_case c = {
		"", 6, ttm_cached, TTM_ALLOCATION_POOL_USE_DMA_ALLOC, true
	};

	swapout_copies(test, make_tt(test, &c, false), GFP_KERNEL);
}

static void swapout_copies_under_nofs(struct kunit *test)
{
	swapout_copies(test, make_tt(test, &mixed, false), GFP_NOFS);
}

static void partial_swapout_is_swapped_in(struct kunit *test)
{
	const struct injection *in = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_tt *tt;
	int ret;

	need_injection(test);
	tt = make_tt(test, &mixed, false);
	inject(in->space, in->times);
	ret = ttm_tt_swapout(priv->bdev, tt, GFP_KERNEL);
	inject(0, 0);
	KUNIT_ASSERT_GT(test, ret, 0);
	KUNIT_EXPECT_TRUE(test, ttm_tt_is_swapped(tt));
	expect_stats(test, tt->num_pages - ret, ret);

	KUNIT_ASSERT_EQ(test, 0, ttm_tt_populate(priv->bdev, tt, &ctx));
	expect_swapped_in(test, false);
}

/* As above, but here that is a failure, and everything has to be as before. */
static void swapout_without_progress(struct kunit *test)
{
	const struct ttm_backup_test_case *c = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	need_injection(test);
	tt = make_tt(test, c, false);
	inject_no_progress(test, tt);
	KUNIT_ASSERT_EQ(test, -ENOMEM, ttm_tt_swapout(priv->bdev, tt, GFP_KERNEL));
	expect_swapped_in(test, true);
}

static void partial_swapout_is_dropped(struct kunit *test)
{
	const struct injection *in = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	need_injection(test);
	tt = make_tt(test, &mixed, false);
	inject(in->space, in->times);
	KUNIT_ASSERT_GT(test, ttm_tt_swapout(priv->bdev, tt, GFP_KERNEL), 0);
	inject(0, 0);
	fini_tt(test);
	expect_stats(test, 0, 0);
}

/* Swap out, and interrupt bringing it back. */
static void interrupt_swapin(struct kunit *test, struct ttm_tt *tt)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	const struct interruption *in = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct folio *held = NULL;
	int ret;

	if (in->partial)
		inject(1, 2);
	KUNIT_ASSERT_GT(test, ttm_tt_swapout(priv->bdev, tt, GFP_KERNEL), 0);
	if (in->in_use)
		held = filemap_get_folio(tt->swap_storage->f_mapping, 0);

	inject(in->space, 1);
	ret = ttm_tt_populate(priv->bdev, tt, &ctx);
	inject(0, 0);
	if (!IS_ERR_OR_NULL(held))
		folio_put(held);
	KUNIT_ASSERT_EQ(test, ret, -EINTR);
	KUNIT_EXPECT_TRUE(test, ttm_tt_is_swapped(tt));
	KUNIT_EXPECT_FALSE(test, ttm_tt_is_populated(tt));
}

static void interrupted_swapin_resumes(struct kunit *test)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt;

	need_injection(test);
	tt = make_tt(test, &mixed, false);
	interrupt_swapin(test, tt);
	KUNIT_ASSERT_EQ(test, 0, ttm_tt_populate(priv->bdev, tt, &ctx));
	expect_swapped_in(test, false);
}

static void interrupted_swapin_is_dropped(struct kunit *test)
{
	struct ttm_tt *tt;

	need_injection(test);
	tt = make_tt(test, &mixed, false);
	interrupt_swapin(test, tt);
	fini_tt(test);
	expect_stats(test, 0, 0);
}

static void swapped_out_is_dropped(struct kunit *test)
{
	const struct ttm_backup_test_case *c = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_tt *tt = make_tt(test, c, false);

	KUNIT_ASSERT_EQ(test, tt->num_pages,
			ttm_tt_swapout(priv->bdev, tt, GFP_KERNEL));
	fini_tt(test);
	expect_stats(test, 0, 0);
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
	const struct ttm_backup_test_case *c = test->param_value;
	struct ttm_backup_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_tt *tt;

	driver_fails = false;
	priv->funcs = ttm_dev_funcs;
	priv->funcs.ttm_tt_populate = driver_populate;
	priv->funcs.ttm_tt_unpopulate = driver_unpopulate;
	tt = make_tt(test, c, false);

	KUNIT_ASSERT_EQ(test, tt->num_pages,
			ttm_tt_swapout(priv->bdev, tt, GFP_KERNEL));
	driver_fails = true;
	KUNIT_EXPECT_EQ(test, -EIO, ttm_tt_populate(priv->bdev, tt, &ctx));
	/* Still swapped out: the failed attempt has not lost anything */
	KUNIT_EXPECT_TRUE(test, ttm_tt_is_swapped(tt));
	expect_stats(test, 0, tt->num_pages);

	driver_fails = false;
	KUNIT_ASSERT_EQ(test, 0, ttm_tt_populate(priv->bdev, tt, &ctx));
	expect_swapped_in(test, IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE));
}

static struct kunit_case ttm_swapout_test_cases[] = {
	KUNIT_CASE_PARAM(swapout_gives_pages_away, ttm_backup_gen_params),
	KUNIT_CASE(swapout_copies_coherent_memory),
	KUNIT_CASE(swapout_copies_under_nofs),
	KUNIT_CASE_PARAM(partial_swapout_is_swapped_in, injection_gen_params),
	KUNIT_CASE_PARAM(partial_swapout_is_dropped, injection_gen_params),
	KUNIT_CASE_PARAM(swapout_without_progress, ttm_backup_gen_params),
	KUNIT_CASE_PARAM(interrupted_swapin_resumes, interruption_gen_params),
	KUNIT_CASE_PARAM(interrupted_swapin_is_dropped, interruption_gen_params),
	KUNIT_CASE_PARAM(swapped_out_is_dropped, ttm_backup_gen_params),
	KUNIT_CASE_PARAM(swapout_with_driver_methods, ttm_backup_gen_params),
	{}
};

static struct kunit_suite ttm_swapout_test_suite = {
	.name = "ttm_swapout",
	.init = ttm_backup_test_init,
	.exit = ttm_backup_test_exit,
	.test_cases = ttm_swapout_test_cases,
};

kunit_test_suites(&ttm_backup_test_suite, &ttm_backup_noswap_test_suite,
		  &ttm_swapout_test_suite);

MODULE_DESCRIPTION("KUnit tests for backing up and swapping out TTM tts");
MODULE_LICENSE("GPL and additional rights");
