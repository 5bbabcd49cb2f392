// SPDX-License-Identifier: GPL-2.0 AND MIT
/*
 * What the tests of backing up, restoring, swapping out and swapping in have in
 * common: a tt with contents that are known, what became of its pages, and the
 * statistics that have to be in balance again at the end.
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

#include "ttm_backup_kunit.h"
#include "../ttm_pool_internal.h"

/* The exact value, with what CPUs have not folded into the sum yet. */
long tt_test_stat(enum node_stat_item item)
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
unsigned long tt_test_cache_bits(struct page *page)
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
void tt_test_inject(int space, int times)
{
	struct fault_attr *attr = ttm_backup_fault_attr();

	attr->probability = times ? 100 : 0;
	attr->verbose = 0;
	atomic_set(&attr->space, space ? space + 1 : 0);
	atomic_set(&attr->times, times);
}

void tt_test_need_injection(struct kunit *test)
{
}
#else
void tt_test_inject(int space, int times)
{
}

void tt_test_need_injection(struct kunit *test)
{
	kunit_skip(test, "no CONFIG_FAULT_INJECTION");
}
#endif

static u64 pattern(pgoff_t page, unsigned int word)
{
	return (page << 32) ^ (word << 3) ^ 0x5a5a000000000000ULL;
}

void tt_test_fill(struct ttm_tt *tt)
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

void tt_test_expect_contents(struct kunit *test, struct ttm_tt *tt)
{
	pgoff_t i, bad = 0;

	for (i = 0; i < tt->num_pages; i++)
		bad += ttm_backup_page_ptr_is_handle(tt->pages[i]) ||
		       !tt->pages[i] || !page_is(tt->pages[i], i);
	KUNIT_EXPECT_EQ_MSG(test, bad, 0, "of %u pages have other contents",
			    tt->num_pages);
}

pgoff_t tt_test_count_handles(struct ttm_tt *tt)
{
	pgoff_t i, nr = 0;

	for (i = 0; i < tt->num_pages; i++)
		nr += ttm_backup_page_ptr_is_handle(tt->pages[i]);
	return nr;
}

/* How many pages are the ones that the tt had in the beginning. */
pgoff_t tt_test_count_same(struct tt_test_priv *priv)
{
	pgoff_t i, nr = 0;

	for (i = 0; i < priv->tt->num_pages; i++)
		nr += priv->tt->pages[i] == priv->pages[i];
	return nr;
}

/* How many of those are in @file, in the right place. */
pgoff_t tt_test_count_moved(struct tt_test_priv *priv, struct file *file)
{
	pgoff_t i, nr = 0;

	for (i = 0; i < priv->tt->num_pages; i++) {
		struct folio *folio = filemap_get_folio(file->f_mapping, i);

		if (IS_ERR(folio))
			continue;
		nr += folio_file_page(folio, i) == priv->pages[i] &&
		      !tt_test_cache_bits(priv->pages[i]);
		folio_put(folio);
	}
	return nr;
}

void tt_test_expect_stats(struct kunit *test, long gpu_active, long shmem)
{
	struct tt_test_priv *priv = test->priv;

	KUNIT_EXPECT_EQ(test, tt_test_stat(NR_GPU_ACTIVE) - priv->gpu_active, gpu_active);
	KUNIT_EXPECT_EQ(test, tt_test_stat(NR_SHMEM) - priv->shmem, shmem);
}

int tt_test_init(struct kunit *test)
{
	struct tt_test_priv *priv;

	priv = kunit_kzalloc(test, sizeof(*priv), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv);
	priv->devs = ttm_test_devices_basic(test);
	flush_delayed_fput();
	priv->gpu_active = tt_test_stat(NR_GPU_ACTIVE);
	priv->gpu_reclaim = tt_test_stat(NR_GPU_RECLAIM);
	priv->shmem = tt_test_stat(NR_SHMEM);
	test->priv = priv;
	tt_test_inject(0, 0);
	return 0;
}

/* Make a device with pools of @alloc_flags. */
void tt_test_make_device(struct kunit *test, unsigned int alloc_flags)
{
	struct tt_test_priv *priv = test->priv;
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

/* Fill a populated tt, and remember what it is made of. */
void tt_test_remember(struct kunit *test, struct ttm_tt *tt)
{
	struct tt_test_priv *priv = test->priv;

	tt_test_fill(tt);
	priv->pages = kunit_kcalloc(test, tt->num_pages, sizeof(*priv->pages),
				    GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, priv->pages);
	memcpy(priv->pages, tt->pages, tt->num_pages * sizeof(*priv->pages));
	priv->cache_bits = tt_test_cache_bits(tt->pages[0]);
	if (IS_ENABLED(CONFIG_X86) && tt->caching != ttm_cached)
		KUNIT_EXPECT_NE(test, priv->cache_bits, 0);
}

/* Leave @num_pages of @caching in the pool. */
void tt_test_fill_pool(struct kunit *test, pgoff_t num_pages, enum ttm_caching caching)
{
	struct tt_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_buffer_object *bo;
	struct ttm_tt tt = { };

	bo = ttm_bo_kunit_init(test, priv->devs, num_pages << PAGE_SHIFT, NULL);
	KUNIT_ASSERT_EQ(test, 0, ttm_tt_init(&tt, bo, 0, caching, 0));
	KUNIT_ASSERT_EQ(test, 0, ttm_tt_populate(priv->bdev, &tt, &ctx));
	ttm_tt_unpopulate(priv->bdev, &tt);
	ttm_tt_fini(&tt);
}

/* Let inserting blocks of @tt fail as @in says, but so that something goes out. */
void tt_test_inject_failures(struct kunit *test, struct ttm_tt *tt,
			     const struct tt_test_injection *in)
{
	tt_test_need_injection(test);
	if (!in->space && (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ||
			   in->times > tt->pages[0]->private))
		kunit_skip(test, "the first block is too small");
	tt_test_inject(in->space, in->times);
}

/* Let as many failures follow as there are attempts to insert anything of @tt. */
void tt_test_inject_no_progress(struct kunit *test, struct ttm_tt *tt)
{
	unsigned int order = min_t(unsigned int, tt->pages[0]->private, MAX_PAGECACHE_ORDER);

	tt_test_need_injection(test);
	tt_test_inject(0, IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ? order + 1 : 1);
}

/* Make a populated and filled tt; with @backup one that can be backed up. */
struct ttm_tt *tt_test_make_tt(struct kunit *test, const struct tt_test_case *c,
			       bool backup)
{
	u32 flags = backup ? TTM_TT_FLAG_EXTERNAL | TTM_TT_FLAG_EXTERNAL_MAPPABLE : 0;
	struct tt_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_buffer_object *bo;
	struct ttm_tt *tt;

	tt_test_make_device(test, c->alloc_flags);
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
	tt_test_remember(test, tt);
	return tt;
}

void tt_test_fini_tt(struct kunit *test)
{
	struct tt_test_priv *priv = test->priv;

	if (!priv->tt)
		return;
	ttm_tt_unpopulate(priv->bdev, priv->tt);
	ttm_tt_fini(priv->tt);
	priv->tt = NULL;
	flush_delayed_fput();
}

/* Back the tt up, or swap it out, whichever it was made for. */
long tt_test_out(struct kunit *test)
{
	struct tt_test_priv *priv = test->priv;

	if (priv->tt->backup)
		return ttm_tt_backup(priv->bdev, priv->tt, (struct ttm_backup_flags) { });
	return ttm_tt_swapout(priv->bdev, priv->tt, GFP_KERNEL);
}

/* Restore the tt, or swap it in. */
int tt_test_in(struct kunit *test, bool interruptible)
{
	struct ttm_operation_ctx ctx = { .interruptible = interruptible };
	struct tt_test_priv *priv = test->priv;
	int ret;

	if (!priv->tt->backup)
		return ttm_tt_populate(priv->bdev, priv->tt, &ctx);
	ret = ttm_tt_restore(priv->bdev, priv->tt, &ctx);
	if (!ret)
		priv->tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
	return ret;
}

/* Make a tt, move it out, and interrupt its way back, as the test's parameter says. */
void tt_test_interrupt(struct kunit *test, bool backup)
{
	const struct tt_test_interruption *in = test->param_value;
	struct folio *held = NULL;
	struct ttm_tt *tt;
	int ret;

	tt_test_need_injection(test);
	tt = tt_test_make_tt(test, &tt_test_mixed, backup);
	if (in->partial)
		tt_test_inject(1, -1);
	KUNIT_ASSERT_GT(test, tt_test_out(test), 0);
	if (in->in_use)
		held = filemap_get_folio((tt->backup ?: tt->swap_storage)->f_mapping, 0);

	tt_test_inject(in->space, 1);
	ret = tt_test_in(test, true);
	tt_test_inject(0, 0);
	if (!IS_ERR_OR_NULL(held))
		folio_put(held);
	KUNIT_ASSERT_EQ(test, ret, -ERESTARTSYS);
	KUNIT_EXPECT_TRUE(test, ttm_tt_is_swapped(tt));
	KUNIT_EXPECT_FALSE(test, ttm_tt_is_populated(tt));
}

/* Make a tt and move part of it out, as the test's parameter says. Returns how much. */
long tt_test_partly_out(struct kunit *test, bool backup)
{
	struct ttm_tt *tt = tt_test_make_tt(test, &tt_test_mixed, backup);
	long ret;

	tt_test_inject_failures(test, tt, test->param_value);
	ret = tt_test_out(test);
	tt_test_inject(0, 0);
	KUNIT_ASSERT_GT(test, ret, 0);
	tt_test_expect_stats(test, tt->num_pages - ret, ret);
	return ret;
}

/* Destroy the tt, which leaves nothing. */
void tt_test_drop(struct kunit *test)
{
	tt_test_fini_tt(test);
	tt_test_expect_stats(test, 0, 0);
}

/* However a test ended, nothing may be left in the statistics. */
void tt_test_exit(struct kunit *test)
{
	struct tt_test_priv *priv = test->priv;

	if (!priv)
		return;
	tt_test_inject(0, 0);
	flush_signals(current);
	tt_test_fini_tt(test);
	if (priv->devs)
		ttm_test_devices_put(test, priv->devs);
	tt_test_expect_stats(test, 0, 0);
	KUNIT_EXPECT_EQ(test, tt_test_stat(NR_GPU_RECLAIM), priv->gpu_reclaim);
}

void tt_test_need_swap(struct kunit *test)
{
	if (!ttm_backup_bytes_avail())
		kunit_skip(test, "no swap");
}

void tt_test_expect_dma(struct kunit *test, struct ttm_tt *tt)
{
	pgoff_t i, bad = 0;

	for (i = 0; tt->dma_address && i < tt->num_pages; i++)
		bad += tt->dma_address[i] != page_to_phys(tt->pages[i]);
	KUNIT_EXPECT_EQ_MSG(test, bad, 0, "pages have other DMA addresses");
}

/* Everything is as it was when the tt was filled. */
void tt_test_expect_restored(struct kunit *test, bool same)
{
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt = priv->tt;

	tt_test_expect_contents(test, tt);
	tt_test_expect_dma(test, tt);
	KUNIT_EXPECT_EQ(test, tt_test_cache_bits(tt->pages[0]), priv->cache_bits);
	KUNIT_EXPECT_EQ(test, tt_test_cache_bits(tt->pages[tt->num_pages - 1]),
			priv->cache_bits);
	if (same)
		KUNIT_EXPECT_EQ(test, tt_test_count_same(priv), tt->num_pages);
	tt_test_expect_stats(test, tt->num_pages, 0);
	if (tt->backup)
		KUNIT_EXPECT_EQ(test, file_inode(tt->backup)->i_blocks, 0);
}

static const struct tt_test_case ttm_backup_cases[] = {
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

static void case_desc(const struct tt_test_case *c, char *desc)
{
	strscpy(desc, c->description, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ttm_backup, ttm_backup_cases, case_desc);

const void *tt_test_case_params(struct kunit *test, const void *prev, char *desc)
{
	return ttm_backup_gen_params(test, prev, desc);
}

/* Of those to insert a block; a failure halves it. */
static const struct tt_test_injection injections[] = {
	/* The first block */
	{ 0, 1 }, { 0, 4 }, { 0, 9 },
	/* The second one; three halvings later it is a single page, and all stops */
	{ 1, 1 }, { 1, 2 }, { 1, 3 }, { 1, 4 }, { 1, 20 },
	/* Later ones */
	{ 2, 1 }, { 2, 2 }, { 3, 1 },
	/* All but the first */
	{ 1, -1 },
};

static void injection_desc(const struct tt_test_injection *in, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "fail %d after %d", in->times, in->space);
}

KUNIT_ARRAY_PARAM(injection, injections, injection_desc);

const void *tt_test_injection_params(struct kunit *test, const void *prev, char *desc)
{
	return injection_gen_params(test, prev, desc);
}

static const struct tt_test_interruption interruptions[] = {
	{ 0 }, { 1 }, { 2 },
	{ 0, true }, { 1, true }, { 2, true },
	{ 0, false, true }, { 0, true, true },
};

static void interruption_desc(const struct tt_test_interruption *in, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "after %d%s%s", in->space,
		 in->in_use ? ", copying" : "",
		 in->partial ? ", from a partial backup" : "");
}

KUNIT_ARRAY_PARAM(interruption, interruptions, interruption_desc);

const void *tt_test_interruption_params(struct kunit *test, const void *prev, char *desc)
{
	return interruption_gen_params(test, prev, desc);
}

const struct tt_test_case tt_test_mixed = { "", MIXED_PAGES, ttm_write_combined };
