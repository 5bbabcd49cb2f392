// SPDX-License-Identifier: GPL-2.0 AND MIT
/*
 * The states of a tt, see enum ttm_tt_state: what is accounted, evictable and
 * mapped in each, and that signals and failures lead only from one to another.
 */

#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include <drm/ttm/ttm_backup.h>
#include <drm/ttm/ttm_pool.h>
#include <drm/ttm/ttm_resource.h>
#include <drm/ttm/ttm_tt.h>

#include "ttm_backup_kunit.h"

static const struct tt_test_case state_cases[] = {
	{ "cached", MIXED_PAGES, ttm_cached },
	{ "write-combined", MIXED_PAGES, ttm_write_combined },
	{ "with DMA addresses, write-combined", MIXED_PAGES, ttm_write_combined, 0, true },
	{ "below 4 GiB, with DMA addresses", MIXED_PAGES, ttm_cached,
	  TTM_ALLOCATION_POOL_USE_DMA32, true },
};

static void state_case_desc(const struct tt_test_case *c, char *desc)
{
	strscpy(desc, c->description, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(state, state_cases, state_case_desc);

/* What the device's ttm_tt_create() makes */
static const struct tt_test_case *making;

static struct ttm_tt *state_tt_create(struct ttm_buffer_object *bo, u32 page_flags)
{
	struct ttm_tt *tt = kzalloc_obj(*tt);
	int ret;

	if (!tt)
		return NULL;
	if (making->sg)
		ret = ttm_sg_tt_init(tt, bo, page_flags, making->caching);
	else
		ret = ttm_tt_init(tt, bo, page_flags, making->caching, 0);
	if (ret) {
		kfree(tt);
		return NULL;
	}
	return tt;
}

static void state_tt_destroy(struct ttm_device *bdev, struct ttm_tt *tt)
{
	ttm_tt_fini(tt);
	kfree(tt);
}

/* A BO in system memory, populated and filled, whose reservation is held. */
static struct ttm_buffer_object *make_bo(struct kunit *test,
					 const struct tt_test_case *c)
{
	struct tt_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_place place = { .mem_type = TTM_PL_SYSTEM };
	struct ttm_placement placement = { .num_placement = 1, .placement = &place };
	struct ttm_buffer_object *bo;

	if (!priv->funcs.ttm_tt_create)
		priv->funcs = ttm_dev_funcs;
	priv->funcs.ttm_tt_create = state_tt_create;
	priv->funcs.ttm_tt_destroy = state_tt_destroy;
	making = c;
	tt_test_make_device(test, c->alloc_flags);
	priv->accounted = ttm_tt_pages_allocated();

	bo = kunit_kzalloc(test, sizeof(*bo), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bo);
	drm_gem_private_object_init(priv->devs->drm, &bo->base,
				    c->num_pages << PAGE_SHIFT);
	KUNIT_ASSERT_EQ(test, 0,
			ttm_bo_init_reserved(priv->bdev, bo, ttm_bo_type_device,
					     &placement, 0, &ctx, NULL, NULL,
					     dummy_ttm_bo_destroy));
	KUNIT_ASSERT_EQ(test, 0, ttm_bo_populate(bo, &ctx));
	tt_test_remember(test, bo->ttm);
	return bo;
}

static void put_bo(struct kunit *test, struct ttm_buffer_object *bo)
{
	struct tt_test_priv *priv = test->priv;

	dma_resv_unlock(bo->base.resv);
	ttm_bo_fini(bo);
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, ttm_tt_pages_allocated(), priv->accounted);
	tt_test_expect_stats(test, 0, 0);
}

/* Swap out the way that TTM does it when its limit is hit. */
static s64 swap_out(struct kunit *test, struct ttm_buffer_object *bo)
{
	struct tt_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	s64 ret;

	dma_resv_unlock(bo->base.resv);
	ret = ttm_bo_swapout(priv->bdev, &ctx,
			     ttm_manager_type(priv->bdev, TTM_PL_SYSTEM),
			     GFP_KERNEL, 1);
	dma_resv_lock(bo->base.resv, NULL);
	return ret;
}

/* Pages of the tt itself, which are all that is accounted. */
static pgoff_t expect_accounted(struct kunit *test, struct ttm_tt *tt)
{
	struct tt_test_priv *priv = test->priv;
	pgoff_t held = tt->num_pages - tt_test_count_handles(tt);

	KUNIT_EXPECT_EQ(test, ttm_tt_pages_allocated() - priv->accounted, held);
	tt_test_expect_stats(test, held, tt->num_pages - held);
	return held;
}

static void expect_resident(struct kunit *test, struct ttm_buffer_object *bo)
{
	KUNIT_EXPECT_TRUE(test, ttm_tt_is_populated(bo->ttm));
	KUNIT_EXPECT_FALSE(test, ttm_tt_is_swapped(bo->ttm));
	tt_test_expect_contents(test, bo->ttm);
	tt_test_expect_dma(test, bo->ttm);
	flush_delayed_fput();
	expect_accounted(test, bo->ttm);
}

static void raise_signal(struct kunit *test)
{
	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
	KUNIT_ASSERT_TRUE(test, signal_pending(current));
}

static void drop_signal(void)
{
	flush_signals(current);
	disallow_signal(SIGUSR1);
}

/* One call with a signal pending brings something in, but not all. */
static void half_in(struct kunit *test, struct ttm_buffer_object *bo)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	int ret;

	raise_signal(test);
	ret = ttm_bo_populate(bo, &ctx);
	drop_signal();
	KUNIT_ASSERT_EQ(test, ret, -ERESTARTSYS);
	KUNIT_ASSERT_GT(test, tt_test_count_handles(bo->ttm), 0);
	KUNIT_ASSERT_LT(test, tt_test_count_handles(bo->ttm), bo->ttm->num_pages);
	KUNIT_EXPECT_FALSE(test, ttm_tt_is_populated(bo->ttm));
}

/*
 * A fault in kernel mode is taken again and again while a signal is pending: if
 * a call could bring nothing in, the task would never end.
 */
static void signals_slow_swapin_down(struct kunit *test)
{
	struct ttm_buffer_object *bo = make_bo(test, test->param_value);
	struct ttm_operation_ctx ctx = { .interruptible = true };
	pgoff_t before;
	int ret;

	KUNIT_ASSERT_EQ(test, swap_out(test, bo), bo->ttm->num_pages);
	raise_signal(test);
	do {
		before = tt_test_count_handles(bo->ttm);
		ret = ttm_bo_populate(bo, &ctx);
		if (ret)
			expect_accounted(test, bo->ttm);
	} while (ret == -ERESTARTSYS && tt_test_count_handles(bo->ttm) < before);
	drop_signal();
	KUNIT_EXPECT_EQ(test, ret, 0);
	if (!ret)
		expect_resident(test, bo);
	put_bo(test, bo);
}

static void signals_slow_restore_down(struct kunit *test)
{
	struct tt_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { .interruptible = true };
	struct ttm_tt *tt;
	pgoff_t before;
	int ret;

	tt_test_need_swap(test);
	tt = tt_test_make_tt(test, test->param_value, true);
	KUNIT_ASSERT_EQ(test, tt->num_pages,
			ttm_tt_backup(priv->bdev, tt, (struct ttm_backup_flags) { }));
	raise_signal(test);
	do {
		before = tt_test_count_handles(tt);
		ret = ttm_tt_restore(priv->bdev, tt, &ctx);
	} while (ret == -ERESTARTSYS && tt_test_count_handles(tt) < before);
	drop_signal();
	KUNIT_ASSERT_EQ(test, ret, 0);
	tt->page_flags |= TTM_TT_FLAG_PRIV_POPULATED;
	tt_test_expect_restored(test, false);
}

/* What is half in is accounted, and goes out again when memory is short. */
static void half_in_goes_out(struct kunit *test)
{
	struct ttm_buffer_object *bo = make_bo(test, test->param_value);
	struct ttm_operation_ctx ctx = { };
	pgoff_t held;

	KUNIT_ASSERT_EQ(test, swap_out(test, bo), bo->ttm->num_pages);
	half_in(test, bo);
	held = expect_accounted(test, bo->ttm);
	KUNIT_EXPECT_EQ(test, swap_out(test, bo), held);
	KUNIT_EXPECT_EQ(test, expect_accounted(test, bo->ttm), 0);
	KUNIT_EXPECT_EQ(test, swap_out(test, bo), 0);
	KUNIT_ASSERT_EQ(test, 0, ttm_bo_populate(bo, &ctx));
	expect_resident(test, bo);
	put_bo(test, bo);
}

/* So is what is half out. */
static void half_out_goes_out(struct kunit *test)
{
	struct ttm_buffer_object *bo = make_bo(test, test->param_value);
	struct ttm_operation_ctx ctx = { };
	pgoff_t held;

	tt_test_need_injection(test);
	tt_test_inject(1, -1);
	KUNIT_EXPECT_GT(test, swap_out(test, bo), 0);
	tt_test_inject(0, 0);
	held = expect_accounted(test, bo->ttm);
	KUNIT_ASSERT_GT(test, held, 0);
	KUNIT_EXPECT_EQ(test, swap_out(test, bo), held);
	KUNIT_EXPECT_EQ(test, expect_accounted(test, bo->ttm), 0);
	KUNIT_ASSERT_EQ(test, 0, ttm_bo_populate(bo, &ctx));
	expect_resident(test, bo);
	put_bo(test, bo);
}

static void half_in_is_destroyed(struct kunit *test)
{
	struct ttm_buffer_object *bo = make_bo(test, test->param_value);

	KUNIT_ASSERT_EQ(test, swap_out(test, bo), bo->ttm->num_pages);
	half_in(test, bo);
	put_bo(test, bo);
}

/* The edges of the diagram at enum ttm_tt_state. */
enum act { POPULATE, POPULATE_STOPPED, SWAPOUT, SWAPOUT_SOME, SWAPOUT_NONE, UNPOPULATE, UNPLUG };

struct edge {
	enum ttm_tt_state from;
	enum act act;
	enum ttm_tt_state to;
};

static const struct edge edges[] = {
	{ TTM_TT_EMPTY, POPULATE, TTM_TT_RESIDENT },
	{ TTM_TT_EMPTY, SWAPOUT, TTM_TT_EMPTY },
	{ TTM_TT_EMPTY, UNPLUG, TTM_TT_EMPTY },
	{ TTM_TT_RESIDENT, POPULATE, TTM_TT_RESIDENT },
	{ TTM_TT_RESIDENT, SWAPOUT, TTM_TT_OUT },
	{ TTM_TT_RESIDENT, SWAPOUT_SOME, TTM_TT_PARTLY_OUT },
	{ TTM_TT_RESIDENT, SWAPOUT_NONE, TTM_TT_PARTLY_OUT },
	{ TTM_TT_RESIDENT, UNPOPULATE, TTM_TT_EMPTY },
	{ TTM_TT_RESIDENT, UNPLUG, TTM_TT_EMPTY },
	{ TTM_TT_PARTLY_OUT, POPULATE, TTM_TT_RESIDENT },
	{ TTM_TT_PARTLY_OUT, POPULATE_STOPPED, TTM_TT_PARTLY_OUT },
	{ TTM_TT_PARTLY_OUT, SWAPOUT, TTM_TT_OUT },
	{ TTM_TT_PARTLY_OUT, SWAPOUT_SOME, TTM_TT_PARTLY_OUT },
	{ TTM_TT_PARTLY_OUT, SWAPOUT_NONE, TTM_TT_PARTLY_OUT },
	{ TTM_TT_PARTLY_OUT, UNPOPULATE, TTM_TT_PARTLY_OUT },
	{ TTM_TT_PARTLY_OUT, UNPLUG, TTM_TT_PARTLY_OUT },
	{ TTM_TT_OUT, POPULATE, TTM_TT_RESIDENT },
	{ TTM_TT_OUT, POPULATE_STOPPED, TTM_TT_PARTLY_OUT },
	{ TTM_TT_OUT, SWAPOUT, TTM_TT_OUT },
	{ TTM_TT_OUT, UNPOPULATE, TTM_TT_OUT },
	{ TTM_TT_OUT, UNPLUG, TTM_TT_OUT },
};

static void edge_desc(const struct edge *edge, char *desc)
{
	static const char * const states[] = { "empty", "resident", "partly out", "out" };
	static const char * const acts[] = {
		"populate", "populate, stopped", "swapout", "swapout, some", "swapout, none",
		"unpopulate", "unplug",
	};

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s: %s: %s", states[edge->from],
		 acts[edge->act], states[edge->to]);
}

KUNIT_ARRAY_PARAM(edge, edges, edge_desc);

static void do_act(struct kunit *test, struct ttm_buffer_object *bo, enum act act)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	struct tt_test_priv *priv = test->priv;

	switch (act) {
	case POPULATE:
		KUNIT_EXPECT_EQ(test, 0, ttm_bo_populate(bo, &ctx));
		break;
	case POPULATE_STOPPED:
		raise_signal(test);
		KUNIT_EXPECT_EQ(test, -ERESTARTSYS, ttm_bo_populate(bo, &ctx));
		drop_signal();
		break;
	case SWAPOUT:
	case SWAPOUT_SOME:
	case SWAPOUT_NONE:
		if (act != SWAPOUT)
			tt_test_inject(act == SWAPOUT_SOME, -1);
		swap_out(test, bo);
		tt_test_inject(0, 0);
		break;
	case UNPOPULATE:
		ttm_tt_unpopulate(priv->bdev, bo->ttm);
		break;
	case UNPLUG:
		dma_resv_unlock(bo->base.resv);
		ttm_device_clear_dma_mappings(priv->bdev);
		dma_resv_lock(bo->base.resv, NULL);
		break;
	}
}

/* What is written at enum ttm_tt_state. */
static void expect_state(struct kunit *test, struct ttm_buffer_object *bo,
			 enum ttm_tt_state state)
{
	struct tt_test_priv *priv = test->priv;
	struct ttm_tt *tt = bo->ttm;
	long held = ttm_tt_pages_allocated() - priv->accounted;
	pgoff_t i, bad = 0;

	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, ttm_tt_state(tt), state);
	KUNIT_EXPECT_EQ(test, ttm_tt_is_populated(tt), state == TTM_TT_RESIDENT);
	KUNIT_EXPECT_EQ(test, ttm_tt_is_swapped(tt), state >= TTM_TT_PARTLY_OUT);
	KUNIT_EXPECT_EQ(test, !!tt->swap_storage, state >= TTM_TT_PARTLY_OUT);
	tt_test_expect_stats(test, held, tt_test_count_handles(tt));

	switch (state) {
	case TTM_TT_EMPTY:
		KUNIT_EXPECT_EQ(test, held, 0);
		break;
	case TTM_TT_RESIDENT:
		KUNIT_EXPECT_EQ(test, held, tt->num_pages);
		tt_test_expect_dma(test, tt);
		for (i = 0; i < tt->num_pages; i++)
			bad += tt_test_cache_bits(tt->pages[i]) != priv->cache_bits;
		break;
	case TTM_TT_PARTLY_OUT:
		KUNIT_EXPECT_GT(test, held, 0);
		KUNIT_EXPECT_EQ(test, held + tt_test_count_handles(tt), tt->num_pages);
		for (i = 0; i < tt->num_pages; i++)
			bad += !ttm_backup_page_ptr_is_handle(tt->pages[i]) &&
			       tt_test_cache_bits(tt->pages[i]);
		break;
	case TTM_TT_OUT:
		KUNIT_EXPECT_EQ(test, held, 0);
		KUNIT_EXPECT_EQ(test, tt_test_count_handles(tt), tt->num_pages);
		break;
	}
	KUNIT_EXPECT_EQ_MSG(test, bad, 0, "pages have the caching of another state");
}

/* Go along an edge, with all that holds at its end, and then in or out for good. */
static void walk_edge(struct kunit *test, const struct tt_test_case *c, bool destroy)
{
	static const enum act to[] = { UNPOPULATE, POPULATE, SWAPOUT_SOME, SWAPOUT };
	const struct edge *edge = test->param_value;
	struct ttm_buffer_object *bo = make_bo(test, c);

	tt_test_need_injection(test);
	do_act(test, bo, to[edge->from]);
	expect_state(test, bo, edge->from);
	do_act(test, bo, edge->act);
	expect_state(test, bo, edge->to);
	if (!destroy && edge->from != TTM_TT_EMPTY && edge->to != TTM_TT_EMPTY) {
		do_act(test, bo, POPULATE);
		expect_state(test, bo, TTM_TT_RESIDENT);
		tt_test_expect_contents(test, bo->ttm);
	}
	put_bo(test, bo);
}

static void walk_edge_cached(struct kunit *test)
{
	walk_edge(test, &state_cases[0], false);
}

static void walk_edge_mapped(struct kunit *test)
{
	walk_edge(test, &state_cases[2], false);
}

static void walk_edge_and_destroy(struct kunit *test)
{
	walk_edge(test, &state_cases[2], true);
}

static bool populate_fails;

static int failing_populate(struct ttm_device *bdev, struct ttm_tt *tt,
			    struct ttm_operation_ctx *ctx)
{
	int ret = ttm_pool_alloc(&bdev->pool, tt, ctx);

	if (!ret && populate_fails) {
		ttm_pool_free(&bdev->pool, tt);
		ret = -EIO;
	}
	return ret;
}

static struct ttm_lru_bulk_move_pos *bulk_pos(struct ttm_buffer_object *bo,
					      struct ttm_lru_bulk_move *bulk)
{
	return &bulk->pos[bo->resource->mem_type][bo->priority];
}

/* However far a swapout and a swapin get, the bulk move knows if it has the BO. */
static void bulk_move_lets_go(struct kunit *test)
{
	struct tt_test_priv *priv = test->priv;
	struct ttm_operation_ctx ctx = { };
	struct ttm_lru_bulk_move *bulk;
	struct ttm_buffer_object *bo;

	tt_test_need_injection(test);
	bulk = kunit_kzalloc(test, sizeof(*bulk), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bulk);
	ttm_lru_bulk_move_init(bulk);
	priv->funcs = ttm_dev_funcs;
	priv->funcs.ttm_tt_populate = failing_populate;
	populate_fails = false;
	bo = make_bo(test, test->param_value);
	ttm_bo_set_bulk_move(bo, bulk);
	KUNIT_EXPECT_PTR_EQ(test, bulk_pos(bo, bulk)->first, bo->resource);

	/* Nothing goes out, and nothing comes back */
	populate_fails = true;
	tt_test_inject(0, -1);
	KUNIT_EXPECT_EQ(test, swap_out(test, bo), 0);
	tt_test_inject(0, 0);
	KUNIT_EXPECT_EQ(test, expect_accounted(test, bo->ttm), bo->ttm->num_pages);
	ttm_bo_set_bulk_move(bo, NULL);
	KUNIT_EXPECT_NULL(test, bulk_pos(bo, bulk)->first);
	KUNIT_EXPECT_NULL(test, bulk_pos(bo, bulk)->last);

	/* All goes out, and half comes back */
	ttm_bo_set_bulk_move(bo, bulk);
	KUNIT_EXPECT_EQ(test, swap_out(test, bo), bo->ttm->num_pages);
	KUNIT_EXPECT_NULL(test, bulk_pos(bo, bulk)->first);
	half_in(test, bo);
	KUNIT_EXPECT_PTR_EQ(test, bulk_pos(bo, bulk)->first, bo->resource);
	/* Which is when a BO that joins a bulk move gets on the LRU list */
	spin_lock(&priv->bdev->lru_lock);
	ttm_lru_bulk_move_tail(bulk);
	spin_unlock(&priv->bdev->lru_lock);
	KUNIT_EXPECT_GT(test, swap_out(test, bo), 0);
	KUNIT_EXPECT_NULL(test, bulk_pos(bo, bulk)->first);

	populate_fails = false;
	KUNIT_ASSERT_EQ(test, 0, ttm_bo_populate(bo, &ctx));
	KUNIT_EXPECT_PTR_EQ(test, bulk_pos(bo, bulk)->first, bo->resource);
	expect_resident(test, bo);
	ttm_bo_set_bulk_move(bo, NULL);
	KUNIT_EXPECT_NULL(test, bulk_pos(bo, bulk)->first);
	put_bo(test, bo);
}

/* Where a restore of a write-combined tt of several blocks is stopped. */
struct stop {
	int space;
	bool drop;
};

static const struct stop stops[] = {
	{ 0 }, { 1 }, { 2 }, { 0, true }, { 1, true }, { 2, true },
};

static void stop_desc(const struct stop *stop, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "after %d, %s", stop->space,
		 stop->drop ? "dropped" : "resumed");
}

KUNIT_ARRAY_PARAM(stop, stops, stop_desc);

/*
 * The second block of a swapped-out tt is in use, so that new pages are needed
 * for it, while the pool has write-combined ones. Wherever this stops, all pages
 * are write-combined when it has gone on, and none when the tt is gone.
 */
static void caching_survives_stops(struct kunit *test)
{
	static const struct tt_test_case c = { "", 1536, ttm_write_combined };
	struct ttm_operation_ctx ctx = { .interruptible = true };
	const struct stop *stop = test->param_value;
	struct tt_test_priv *priv = test->priv;
	/* The largest that there can be, in which single pages come back as well */
	const int blocks = IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ? 3 : 2;
	struct folio *held;
	struct ttm_tt *tt;
	pgoff_t i, bad;
	int expected;

	tt_test_need_injection(test);
	tt = tt_test_make_tt(test, &c, false);
	tt_test_fill_pool(test, 512, ttm_write_combined);
	KUNIT_ASSERT_EQ(test, tt->num_pages, ttm_tt_swapout(priv->bdev, tt, GFP_KERNEL));
	held = filemap_get_folio(tt->swap_storage->f_mapping, 512);
	KUNIT_ASSERT_FALSE(test, IS_ERR(held));

	/* With all blocks in, the pages cannot be mapped */
	expected = stop->space == blocks - 1 ? -EFAULT :
		   stop->space < blocks ? -ERESTARTSYS : 0;
	tt_test_inject(stop->space, 1);
	KUNIT_EXPECT_EQ(test, ttm_tt_populate(priv->bdev, tt, &ctx), expected);
	tt_test_inject(0, 0);
	folio_put(held);
	if (!stop->drop) {
		KUNIT_ASSERT_EQ(test, 0, ttm_tt_populate(priv->bdev, tt, &ctx));
		tt_test_expect_contents(test, tt);
		for (i = 0, bad = 0; i < tt->num_pages; i++)
			bad += tt_test_cache_bits(tt->pages[i]) != priv->cache_bits;
		KUNIT_EXPECT_EQ_MSG(test, bad, 0, "pages are not write-combined");
	}
	tt_test_fini_tt(test);
	ttm_test_devices_put(test, priv->devs);
	priv->devs = NULL;
	for (i = 0, bad = 0; i < c.num_pages; i++)
		bad += !!tt_test_cache_bits(priv->pages[i]);
	KUNIT_EXPECT_EQ_MSG(test, bad, 0, "pages are not as they were");
}

/* How many DMA mappings a device has, or a negative error code. */
static long count_mappings(struct device *dev)
{
	struct seq_file *seq;
	struct file *file;
	long found = 0;
	char *line;

	/* Tests run in a kernel thread, which has no file system of its own */
	scoped_with_init_fs()
		file = filp_open("/sys/kernel/debug/dma-api/dump", O_RDONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);

	/* kernel_read() does not read what has no read_iter() */
	seq = file->private_data;
	seq->size = SZ_1M;
	seq->buf = kvzalloc(seq->size, GFP_KERNEL);
	if (seq->buf)
		seq->op->show(seq, NULL);
	if (!seq->buf || seq_has_overflowed(seq))
		found = -ENOMEM;
	else
		for (line = seq->buf; (line = strstr(line, dev_name(dev))); line++)
			found++;
	fput(file);
	return found;
}

/* The device is gone, and so must be its mappings, however far a swapin got. */
static void unplugged_half_in(struct kunit *test)
{
	static const struct tt_test_case c = { "", MIXED_PAGES, ttm_cached, 0, true };
	struct tt_test_priv *priv = test->priv;
	struct device *dev = priv->devs->drm->dev;
	struct ttm_buffer_object *bo;

	if (!IS_ENABLED(CONFIG_DMA_API_DEBUG))
		kunit_skip(test, "no CONFIG_DMA_API_DEBUG");
	KUNIT_ASSERT_EQ(test, count_mappings(dev), 0);
	bo = make_bo(test, &c);
	KUNIT_EXPECT_GT(test, count_mappings(dev), 0);
	KUNIT_ASSERT_EQ(test, swap_out(test, bo), bo->ttm->num_pages);
	KUNIT_EXPECT_EQ(test, count_mappings(dev), 0);
	half_in(test, bo);
	ttm_device_clear_dma_mappings(priv->bdev);
	KUNIT_EXPECT_EQ(test, count_mappings(dev), 0);
	put_bo(test, bo);
}

static struct kunit_case ttm_state_test_cases[] = {
	KUNIT_CASE_PARAM(walk_edge_cached, edge_gen_params),
	KUNIT_CASE_PARAM(walk_edge_mapped, edge_gen_params),
	KUNIT_CASE_PARAM(walk_edge_and_destroy, edge_gen_params),
	KUNIT_CASE_PARAM(signals_slow_swapin_down, state_gen_params),
	KUNIT_CASE_PARAM(signals_slow_restore_down, state_gen_params),
	KUNIT_CASE_PARAM(half_in_goes_out, state_gen_params),
	KUNIT_CASE_PARAM(half_out_goes_out, state_gen_params),
	KUNIT_CASE_PARAM(half_in_is_destroyed, state_gen_params),
	KUNIT_CASE_PARAM(bulk_move_lets_go, state_gen_params),
	KUNIT_CASE_PARAM(caching_survives_stops, stop_gen_params),
	KUNIT_CASE(unplugged_half_in),
	{}
};

static struct kunit_suite ttm_state_test_suite = {
	.name = "ttm_state",
	.init = tt_test_init,
	.exit = tt_test_exit,
	.test_cases = ttm_state_test_cases,
};

kunit_test_suite(ttm_state_test_suite);
