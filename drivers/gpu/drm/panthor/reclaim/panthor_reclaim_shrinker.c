// SPDX-License-Identifier: GPL-2.0 or MIT

/* What mm asks for, translated into scans. */

#include <linux/gfp.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/swap.h>

#include "panthor_reclaim_private.h"

static bool may_start_io(const struct shrink_control *sc)
{
	/* Pages of shmem go to swap through their file, hence both. */
	return (sc->gfp_mask & (__GFP_IO | __GFP_FS)) == (__GFP_IO | __GFP_FS);
}

static bool may_wait(const struct shrink_control *sc)
{
	if (current_is_kswapd())
		return sc->gfp_mask & __GFP_KSWAPD_RECLAIM;

	return sc->gfp_mask & __GFP_DIRECT_RECLAIM;
}

/**
 * panthor_reclaim_shrinker_count() - &shrinker.count_objects
 * @reclaim: The device's reclaim.
 * @sc: What mm asks for.
 *
 * Context: Reclaim, takes no lock.
 *
 * drop_caches drops what is clean and swaps nothing out. The shrinker's debugfs
 * files come without reclaim as well.
 *
 * Return: Number of reclaimable pages for which there is swap space, as a
 * hint; SHRINK_EMPTY if nothing is reclaimable. 0 outside of reclaim.
 */
unsigned long panthor_reclaim_shrinker_count(struct panthor_reclaim *reclaim,
					     struct shrink_control *sc)
{
	unsigned long count;

	if (!sc->reclaim)
		return 0;

	if (reclaim->account_ops)
		return reclaim->account_ops->count(reclaim, sc);

	count = panthor_reclaim_reclaimable(reclaim);
	if (!count)
		return SHRINK_EMPTY;

	return min(count, reclaim->ops->swap_pages());
}

/**
 * panthor_reclaim_shrinker_scan() - &shrinker.scan_objects
 * @reclaim: The device's reclaim.
 * @sc: What mm asks for, in pages. @sc->nr_scanned tells what was looked at.
 *
 * Context: Reclaim, sleeps.
 *
 * Return: Number of pages that have left memory or are on their way to swap;
 * SHRINK_STOP if that is none, for a held lock as well, and outside of reclaim.
 */
unsigned long panthor_reclaim_shrinker_scan(struct panthor_reclaim *reclaim,
					    struct shrink_control *sc)
{
	struct panthor_reclaim_scan scan = {
		.target = sc->nr_to_scan,
		.budget_ns = may_wait(sc) ? PANTHOR_RECLAIM_WAIT_BUDGET_NS : 0,
	};
	unsigned long reclaimed;

	/* Let a caller that may do I/O do the work. */
	sc->nr_scanned = 0;
	if (!sc->reclaim)
		return SHRINK_STOP;

	if (!may_start_io(sc)) {
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SKIP_NOIO, 1);
		return SHRINK_STOP;
	}

	if (reclaim->account_ops)
		reclaim->account_ops->begin_scan(reclaim, sc, &scan);

	reclaimed = panthor_reclaim_run(reclaim, &scan);
	sc->nr_scanned = scan.scanned;

	/* mm counts what its own LRUs give up, but does not see this. */
	if (reclaim->account_ops)
		reclaim->account_ops->freed(reclaim, sc, &scan);
	else
		mm_account_reclaimed_pages(scan.freed);

	/*
	 * Nothing is to be had now, and trying again at once would cost another
	 * wait: the lock that was contended may be the caller's own. mm asks
	 * again at its next priority.
	 */
	return reclaimed ?: SHRINK_STOP;
}

static unsigned long shrinker_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	return panthor_reclaim_shrinker_count(shrinker->private_data, sc);
}

static unsigned long shrinker_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	return panthor_reclaim_shrinker_scan(shrinker->private_data, sc);
}

/**
 * panthor_reclaim_register() - Register the shrinker
 * @reclaim: The device's reclaim.
 *
 * Context: Process context, sleeps.
 *
 * Return: 0 on success, -ENOMEM if there is no memory for a shrinker.
 */
int panthor_reclaim_register(struct panthor_reclaim *reclaim)
{
	const struct panthor_reclaim_account_ops *account_ops = reclaim->account_ops;
	struct shrinker *shrinker;
	int ret;

	/* Let lockdep know what reclaim takes before reclaim first happens. */
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&reclaim->lock);
	fs_reclaim_release(GFP_KERNEL);

	shrinker = shrinker_alloc(account_ops ? account_ops->shrinker_flags : 0,
				  "drm-panthor:%s", reclaim->name);
	if (!shrinker)
		return -ENOMEM;

	ret = account_ops ? account_ops->start(reclaim, shrinker) : 0;
	if (ret) {
		shrinker_free(shrinker);
		return ret;
	}

	/*
	 * 2 MiB at a time: every scan costs each VM it takes from a GPU cache
	 * flush, and a scan for a memory cgroup waits for writeback at its end.
	 */
	shrinker->batch = SZ_2M >> PAGE_SHIFT;
	shrinker->count_objects = shrinker_count;
	shrinker->scan_objects = shrinker_scan;
	shrinker->private_data = reclaim;
	reclaim->shrinker = shrinker;
	shrinker_register(shrinker);

	return 0;
}

/**
 * panthor_reclaim_unregister() - Unregister the shrinker
 * @reclaim: The device's reclaim.
 *
 * Context: Process context, sleeps until running scans have ended.
 */
void panthor_reclaim_unregister(struct panthor_reclaim *reclaim)
{
	if (reclaim->shrinker)
		shrinker_free(reclaim->shrinker);
	reclaim->shrinker = NULL;
	flush_work(&reclaim->put_work);
}
