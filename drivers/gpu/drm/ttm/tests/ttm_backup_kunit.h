/* SPDX-License-Identifier: GPL-2.0 AND MIT */
#ifndef TTM_BACKUP_KUNIT_H
#define TTM_BACKUP_KUNIT_H

#include <linux/mmzone.h>

#include "ttm_kunit_helpers.h"

/* Orders 9, 3, 1 and 0 if memory is not fragmented. */
#define MIXED_PAGES	(512 + 8 + 2 + 1)

struct tt_test_case {
	const char *description;
	pgoff_t num_pages;
	enum ttm_caching caching;
	unsigned int alloc_flags;
	/* With DMA addresses */
	bool sg;
};

struct tt_test_priv {
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
	/* What was accounted before */
	long accounted;
};

/* @times injected failures after @space times that nothing failed. */
struct tt_test_injection {
	int space;
	int times;
};

/* At which step a restore stops, and whether a failed backup came before it. */
struct tt_test_interruption {
	int space;
	bool in_use;
	bool partial;
};

extern const struct tt_test_case tt_test_mixed;

const void *tt_test_case_params(struct kunit *test, const void *prev, char *desc);
const void *tt_test_injection_params(struct kunit *test, const void *prev, char *desc);
const void *tt_test_interruption_params(struct kunit *test, const void *prev,
					char *desc);

int tt_test_init(struct kunit *test);
void tt_test_exit(struct kunit *test);
void tt_test_need_swap(struct kunit *test);
void tt_test_need_injection(struct kunit *test);
void tt_test_inject(int space, int times);
void tt_test_inject_failures(struct kunit *test, struct ttm_tt *tt,
			     const struct tt_test_injection *in);
void tt_test_inject_no_progress(struct kunit *test, struct ttm_tt *tt);

void tt_test_make_device(struct kunit *test, unsigned int alloc_flags);
struct ttm_tt *tt_test_make_tt(struct kunit *test, const struct tt_test_case *c,
			       bool backup);
void tt_test_remember(struct kunit *test, struct ttm_tt *tt);
void tt_test_fill_pool(struct kunit *test, pgoff_t num_pages, enum ttm_caching caching);
void tt_test_fini_tt(struct kunit *test);
void tt_test_fill(struct ttm_tt *tt);

long tt_test_out(struct kunit *test);
int tt_test_in(struct kunit *test, bool interruptible);
void tt_test_interrupt(struct kunit *test, bool backup);
long tt_test_partly_out(struct kunit *test, bool backup);
void tt_test_drop(struct kunit *test);

long tt_test_stat(enum node_stat_item item);
unsigned long tt_test_cache_bits(struct page *page);
pgoff_t tt_test_count_handles(struct ttm_tt *tt);
pgoff_t tt_test_count_same(struct tt_test_priv *priv);
pgoff_t tt_test_count_moved(struct tt_test_priv *priv, struct file *file);

void tt_test_expect_contents(struct kunit *test, struct ttm_tt *tt);
void tt_test_expect_dma(struct kunit *test, struct ttm_tt *tt);
void tt_test_expect_restored(struct kunit *test, bool same);
void tt_test_expect_stats(struct kunit *test, long gpu_active, long shmem);

#endif
