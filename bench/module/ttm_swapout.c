// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to swap a TTM object out and in again: time, memory and copies,
 * for each 2 MiB. Built against a kernel with CONFIG_DRM_TTM_KUNIT_TEST=m, which
 * exports what is needed, and prints
 *
 *	METRIC ttm-swapout NAME UNIT VALUE
 *
 * once for each round and metric. It knows nothing of how the kernel at hand
 * does it: that a page was copied shows by its being another page afterwards.
 */

#include <linux/cpumask.h>
#include <linux/device/faux.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/vmstat.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_device.h>
#include <drm/ttm/ttm_tt.h>

#define TT_PAGES	(SZ_2M >> PAGE_SHIFT)

static unsigned int objects = 32;
module_param(objects, uint, 0444);
MODULE_PARM_DESC(objects, "Objects of 2 MiB to swap out in a round");

static unsigned int rounds = 5;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "Rounds");

struct bench {
	struct ttm_device bdev;
	struct ttm_buffer_object bo;
	struct ttm_tt *tt;
	/* Which pages each object had, before and after */
	struct page **was;
	struct page **is;
	unsigned long before[NR_VM_EVENT_ITEMS];
	unsigned long after[NR_VM_EVENT_ITEMS];
	u64 start;
	u64 ns;
};

static void metric(const char *phase, const char *name, const char *unit,
		   u64 value)
{
	/* All are sums over the objects */
	u64 milli = div_u64(value * 1000, objects);
	u32 rest;

	milli = div_u64_rem(milli, 1000, &rest);
	pr_info("METRIC ttm-swapout %s-%s %s %llu.%03u\n", phase, name, unit,
		milli, rest);
}

static unsigned long pages_allocated(const unsigned long *events)
{
	unsigned long sum = 0;
	int i;

	/* One counter for each zone, from the lowest to ZONE_MOVABLE */
	for (i = 0; i < MAX_NR_ZONES; i++)
		sum += events[PGALLOC_MOVABLE - ZONE_MOVABLE + i];
	return sum;
}

static void begin(struct bench *b)
{
	all_vm_events(b->before);
	b->start = ktime_get_ns();
}

static void end(struct bench *b)
{
	b->ns = ktime_get_ns() - b->start;
	all_vm_events(b->after);
}

static u64 pattern(unsigned int object, pgoff_t page, unsigned int word)
{
	return ((u64)object << 48) ^ ((u64)page << 24) ^ word;
}

static void fill(struct bench *b)
{
	unsigned int o, j;
	pgoff_t i;

	for (o = 0; o < objects; o++) {
		for (i = 0; i < TT_PAGES; i++) {
			u64 *p = kmap_local_page(b->tt[o].pages[i]);

			for (j = 0; j < PAGE_SIZE / sizeof(*p); j += 8)
				p[j] = pattern(o, i, j);
			kunmap_local(p);
		}
	}
}

static unsigned long count_bad(struct bench *b)
{
	unsigned long bad = 0;
	unsigned int o, j;
	pgoff_t i;

	for (o = 0; o < objects; o++) {
		for (i = 0; i < TT_PAGES; i++) {
			u64 *p = kmap_local_page(b->tt[o].pages[i]);

			for (j = 0; j < PAGE_SIZE / sizeof(*p); j += 8)
				bad += p[j] != pattern(o, i, j);
			kunmap_local(p);
		}
	}
	return bad;
}

/* Which pages hold the contents while they are out, and in how many folios. */
static unsigned long look_at_files(struct bench *b, struct page **pages)
{
	unsigned long folios = 0;
	unsigned int o;
	pgoff_t i;

	for (o = 0; o < objects; o++) {
		struct address_space *mapping = b->tt[o].swap_storage->f_mapping;

		for (i = 0; i < TT_PAGES; i++) {
			struct folio *folio = filemap_get_folio(mapping, i);

			pages[o * TT_PAGES + i] = NULL;
			if (IS_ERR(folio))
				continue;
			folios += folio->index == i;
			pages[o * TT_PAGES + i] = folio_file_page(folio, i);
			folio_put(folio);
		}
	}
	return folios;
}

static void look_at_tts(struct bench *b, struct page **pages)
{
	unsigned int o;

	for (o = 0; o < objects; o++)
		memcpy(pages + o * TT_PAGES, b->tt[o].pages,
		       TT_PAGES * sizeof(*pages));
}

static u64 bytes_copied(struct bench *b)
{
	u64 bytes = 0;
	size_t i;

	for (i = 0; i < (size_t)objects * TT_PAGES; i++)
		bytes += b->was[i] == b->is[i] ? 0 : PAGE_SIZE;
	return bytes;
}

static void report(struct bench *b, const char *phase)
{
	metric(phase, "cpu", "ns/2MiB", b->ns);
	metric(phase, "allocated", "pages/2MiB",
	       pages_allocated(b->after) - pages_allocated(b->before));
	metric(phase, "copied", "bytes/2MiB", bytes_copied(b));
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	metric(phase, "split", "folios/2MiB",
	       b->after[THP_SPLIT_PAGE] - b->before[THP_SPLIT_PAGE]);
#endif
}

static int swap_out(struct bench *b)
{
	unsigned int o;
	int ret;

	for (o = 0; o < objects; o++) {
		ret = ttm_tt_swapout(&b->bdev, &b->tt[o], GFP_KERNEL);
		if (ret != TT_PAGES)
			return ret < 0 ? ret : -EAGAIN;
	}
	return 0;
}

static int swap_in(struct bench *b)
{
	struct ttm_operation_ctx ctx = { };
	unsigned int o;
	int ret;

	for (o = 0; o < objects; o++) {
		ret = ttm_tt_populate(&b->bdev, &b->tt[o], &ctx);
		if (ret)
			return ret;
	}
	return 0;
}

/* What reclaim does later with what was swapped out. */
static int write_out(struct bench *b)
{
	unsigned int o;
	pgoff_t i;

	for (o = 0; o < objects; o++) {
		struct address_space *mapping = b->tt[o].swap_storage->f_mapping;

		for (i = 0; i < TT_PAGES; i++) {
			struct folio *folio = filemap_get_folio(mapping, i);

			if (IS_ERR(folio))
				continue;
			folio_lock(folio);
			if (folio->mapping != mapping ||
			    !folio_clear_dirty_for_io(folio)) {
				folio_unlock(folio);
			} else {
				folio_set_reclaim(folio);
				if (shmem_write_folio(folio) == AOP_WRITEPAGE_ACTIVATE)
					folio_unlock(folio);
			}
			folio_put(folio);
		}
	}
	return 0;
}

static void report_write_out(struct bench *b)
{
	metric("writeout", "cpu", "ns/2MiB", b->ns);
	metric("writeout", "allocated", "pages/2MiB",
	       pages_allocated(b->after) - pages_allocated(b->before));
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	metric("writeout", "whole", "folios/2MiB",
	       b->after[THP_SWPOUT] - b->before[THP_SWPOUT]);
	metric("writeout", "fallback", "folios/2MiB",
	       b->after[THP_SWPOUT_FALLBACK] - b->before[THP_SWPOUT_FALLBACK]);
#endif
}

static int one_round(struct bench *b)
{
	unsigned long bad;
	int ret;

	fill(b);
	look_at_tts(b, b->was);
	begin(b);
	ret = swap_out(b);
	end(b);
	if (ret)
		return ret;
	metric("swapout", "folios", "folios/2MiB", look_at_files(b, b->is));
	report(b, "swapout");

	look_at_files(b, b->was);
	begin(b);
	ret = swap_in(b);
	end(b);
	if (ret)
		return ret;
	look_at_tts(b, b->is);
	report(b, "swapin");
	bad = count_bad(b);

	if (get_nr_swap_pages() > (long)objects * TT_PAGES) {
		ret = swap_out(b);
		if (ret)
			return ret;
		begin(b);
		ret = write_out(b);
		end(b);
		if (ret)
			return ret;
		report_write_out(b);
		ret = swap_in(b);
		if (ret)
			return ret;
		bad += count_bad(b);
	}
	if (bad)
		pr_err("%lu words came back wrong\n", bad);
	return bad ? -EIO : 0;
}

static void tt_destroy(struct ttm_device *bdev, struct ttm_tt *tt)
{
	ttm_tt_fini(tt);
}

static struct ttm_device_funcs bench_funcs = {
	.ttm_tt_destroy = tt_destroy,
	.eviction_valuable = ttm_bo_eviction_valuable,
};

static const struct drm_driver bench_driver = {
	.driver_features = DRIVER_GEM,
	.name = "ttm-swapout-bench",
	.desc = "Cost of TTM swapout",
};

static int run(struct bench *b, struct drm_device *drm)
{
	struct ttm_operation_ctx ctx = { };
	unsigned int o, made = 0, round;
	int ret;

	ret = ttm_device_init(&b->bdev, &bench_funcs, drm->dev,
			      drm->anon_inode->i_mapping,
			      drm->vma_offset_manager, 0);
	if (ret)
		return ret;

	b->bo.base.size = SZ_2M;
	for (o = 0; o < objects && !ret; o++) {
		ret = ttm_tt_init(&b->tt[o], &b->bo, 0, ttm_cached, 0);
		if (ret)
			break;
		made++;
		ret = ttm_tt_populate(&b->bdev, &b->tt[o], &ctx);
	}
	for (round = 0; round < rounds && !ret; round++)
		ret = one_round(b);

	for (o = 0; o < made; o++) {
		ttm_tt_unpopulate(&b->bdev, &b->tt[o]);
		ttm_tt_fini(&b->tt[o]);
	}
	ttm_device_fini(&b->bdev);
	return ret;
}

static int __init bench_init(void)
{
	struct faux_device *faux;
	struct drm_device *drm;
	struct bench *b;
	int ret = -ENOMEM;

	if (!objects || !rounds)
		return -EINVAL;

	faux = faux_device_create("ttm-swapout-bench", NULL, NULL);
	if (!faux)
		return -ENODEV;
	drm = drm_dev_alloc(&bench_driver, &faux->dev);
	if (IS_ERR(drm)) {
		ret = PTR_ERR(drm);
		goto destroy;
	}

	b = kzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		goto put;
	b->tt = kvcalloc(objects, sizeof(*b->tt), GFP_KERNEL);
	b->was = kvcalloc((size_t)objects * TT_PAGES, sizeof(*b->was), GFP_KERNEL);
	b->is = kvcalloc((size_t)objects * TT_PAGES, sizeof(*b->is), GFP_KERNEL);
	if (b->tt && b->was && b->is) {
		/* One CPU, so that its time is what the clock says */
		set_cpus_allowed_ptr(current, cpumask_of(cpumask_last(cpu_online_mask)));
		ret = run(b, drm);
		set_cpus_allowed_ptr(current, cpu_possible_mask);
	}
	kvfree(b->is);
	kvfree(b->was);
	kvfree(b->tt);
	kfree(b);
put:
	drm_dev_put(drm);
destroy:
	faux_device_destroy(faux);
	return ret;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
}
module_exit(bench_exit);

MODULE_DESCRIPTION("Cost of TTM swapout");
MODULE_LICENSE("GPL and additional rights");
