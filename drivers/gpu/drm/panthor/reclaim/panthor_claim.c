// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Bringing evicted BOs back before they are needed.
 *
 * Reading from swap takes most of the time, in the CPU when swap is compressed
 * memory. So it is done first, without any lock, and by as many workers as there
 * are CPUs: each takes the next piece of a BO until none is left. When all pieces
 * of a BO are in memory the task that claims gives the BO its pages. It does so
 * itself, as only it has signals and may wait for room. Then the VMs are mapped
 * again, one by one, each with its own locks and those of its BOs.
 *
 * Workers only read. They stop at the next folio when the claim ends for any
 * reason, so that a killed task has not to wait for them.
 */

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/drm_drv.h>
#include <drm/drm_gpuvm.h>

#include "panthor_claim.h"
#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_memcg.h"
#include "panthor_reclaim_target.h"
#include "panthor_resident.h"

#define CREATE_TRACE_POINTS
#include "panthor_claim_trace.h"

/* Large enough to be worth taking the lock, small enough to keep all CPUs busy. */
#define PIECE_PAGES	(SZ_1M >> PAGE_SHIFT)

/* Beyond that the swap device is what everybody waits for. */
#define MAX_WORKERS	16

struct claim;

/**
 * struct claim_worker - A worker beside the one who claims
 */
struct claim_worker {
	/** @work: Work item. */
	struct work_struct work;

	/** @claim: What it works on. */
	struct claim *claim;
};

/**
 * struct claim - One claim
 */
struct claim {
	/** @target: What is to come back. */
	struct panthor_target *target;

	/** @pieces: Pieces of each BO that are not in memory yet. */
	atomic_t *pieces;

	/** @lock: Protects @bo and @start. */
	spinlock_t lock;

	/** @bo: BO of the next piece. */
	unsigned long bo;

	/** @start: First page of the next piece. */
	unsigned long start;

	/** @ready: BOs all of whose pieces are in memory. */
	unsigned long *ready;

	/** @best_effort: Take only memory that is free. */
	bool best_effort;

	/** @reading: Pages that are being read. */
	atomic_long_t reading;

	/** @max_pages: Stop when at least this many pages are in memory, 0 for all. */
	unsigned long max_pages;

	/** @resident: Pages of BOs that are in memory or on their way. Protected by @lock. */
	unsigned long resident;

	/** @progress: The task has read something. Before, only fatal signals end the claim. */
	bool progress;

	/** @error: First error that ends it all. */
	atomic_t error;

	/** @lost: -EIO if something could not be read: the rest comes back all the same. */
	atomic_t lost;
};

/**
 * struct claim_piece - A part of a BO
 */
struct claim_piece {
	/** @bo: Number of the BO. */
	unsigned long bo;

	/** @start: First page. */
	unsigned long start;

	/** @end: Page after the last one. */
	unsigned long end;
};

static unsigned long nr_pages_of(const struct claim *claim, unsigned long bo)
{
	return claim->target->bos[bo].obj->size >> PAGE_SHIFT;
}

static bool next_piece(struct claim *claim, struct claim_piece *piece)
{
	struct panthor_target *target = claim->target;
	bool found = false;

	spin_lock(&claim->lock);
	while (claim->bo < target->nr_bos) {
		struct panthor_gem_object *bo = to_panthor_bo(target->bos[claim->bo].obj);
		unsigned long nr_pages = nr_pages_of(claim, claim->bo);

		if (!claim->start) {
			if (!READ_ONCE(bo->evicted)) {
				claim->bo++;
				continue;
			}

			if (claim->max_pages && claim->resident >= claim->max_pages)
				break;

			claim->resident += nr_pages;

			atomic_set(&claim->pieces[claim->bo],
				   DIV_ROUND_UP(nr_pages, PIECE_PAGES));
		}

		piece->bo = claim->bo;
		piece->start = claim->start;
		piece->end = min(claim->start + PIECE_PAGES, nr_pages);
		claim->start = piece->end;
		if (claim->start == nr_pages) {
			claim->start = 0;
			claim->bo++;
		}
		found = true;
		break;
	}
	spin_unlock(&claim->lock);

	return found;
}

static bool may_read(struct claim *claim, const struct claim_piece *piece, unsigned long nr_pages)
{
	struct panthor_gem_object *bo = to_panthor_bo(claim->target->bos[piece->bo].obj);

	if (panthor_reclaim_memcg_is_high(&bo->reclaim, nr_pages))
		return false;

	/* Below the watermarks others would have to reclaim for it. */
	return !claim->best_effort || panthor_resident_is_free(claim->target->ptdev, nr_pages);
}

/* Nothing holds the pages until the BO gets them, but they have just been used. */
static int read_piece(struct claim *claim, const struct claim_piece *piece)
{
	struct address_space *mapping = claim->target->bos[piece->bo].obj->filp->f_mapping;
	gfp_t gfp = claim->best_effort ? ~__GFP_RECLAIM : ~0;
	unsigned long index = piece->start;

	while (index < piece->end) {
		struct folio *folio;

		folio = shmem_read_folio_gfp(mapping, index,
					     mapping_gfp_constraint(mapping, gfp));
		if (IS_ERR(folio))
			return PTR_ERR(folio);

		index = folio_next_index(folio);
		folio_put(folio);
		cond_resched();

		if (atomic_read(&claim->error))
			break;
	}

	return 0;
}

static void fail(struct claim *claim, int ret)
{
	atomic_cmpxchg(ret == -EIO ? &claim->lost : &claim->error, 0,
		       ret == -EINTR ? -ERESTARTSYS : ret);
}

static void claim_piece(struct claim *claim, const struct claim_piece *piece)
{
	unsigned long nr_pages = piece->end - piece->start;
	int ret = -ENOMEM;

	/* What is being read takes up memory as well. */
	if (may_read(claim, piece, atomic_long_add_return(nr_pages, &claim->reading)))
		ret = read_piece(claim, piece);
	atomic_long_sub(nr_pages, &claim->reading);

	/* One that is in part lost is given what there is by those who need it. */
	if (!ret && atomic_dec_and_test(&claim->pieces[piece->bo]))
		set_bit(piece->bo, claim->ready);
	if (ret)
		fail(claim, ret);

	trace_panthor_claim_piece(dev_name(claim->target->ptdev->base.dev),
				  pid_nr(claim->target->pid), piece->bo, piece->start,
				  piece->end, ret);
}

static void claim_work(struct work_struct *work)
{
	struct claim *claim = container_of(work, struct claim_worker, work)->claim;
	struct claim_piece piece;

	while (!atomic_read(&claim->error) && next_piece(claim, &piece)) {
		claim_piece(claim, &piece);
		cond_resched();
	}
}

/* Gives BOs pages that are in memory. */
static void publish(struct claim *claim)
{
	unsigned long nr_bos = claim->target->nr_bos, i;

	for_each_set_bit(i, claim->ready, nr_bos) {
		int ret;

		if (atomic_read(&claim->error))
			break;

		clear_bit(i, claim->ready);
		ret = panthor_gem_swapin(to_panthor_bo(claim->target->bos[i].obj),
					 claim->best_effort);
		if (ret)
			fail(claim, ret);
		cond_resched();
	}
}

static void check_signals(struct claim *claim)
{
	if (claim->progress ? signal_pending(current) : fatal_signal_pending(current))
		fail(claim, -ERESTARTSYS);
}

static void claim_pieces(struct claim *claim)
{
	struct claim_piece piece;

	check_signals(claim);
	while (!atomic_read(&claim->error) && next_piece(claim, &piece)) {
		claim_piece(claim, &piece);
		publish(claim);
		claim->progress = true;
		check_signals(claim);
		cond_resched();
	}
}

static unsigned long count_pieces(struct claim *claim)
{
	unsigned long count = 0;

	for (unsigned long i = 0; i < claim->target->nr_bos; i++) {
		if (READ_ONCE(to_panthor_bo(claim->target->bos[i].obj)->evicted))
			count += DIV_ROUND_UP(nr_pages_of(claim, i), PIECE_PAGES);
	}

	return count;
}

static void read_all(struct claim *claim, unsigned long nr_pieces)
{
	unsigned int nr = min3((unsigned long)num_online_cpus(), nr_pieces,
			       (unsigned long)MAX_WORKERS);
	struct claim_worker *workers = NULL;

	/* Without helpers it takes longer. */
	if (nr > 1)
		workers = kzalloc_objs(*workers, nr - 1, GFP_KERNEL | __GFP_NOWARN);
	for (unsigned int i = 0; workers && i < nr - 1; i++) {
		workers[i].claim = claim;
		INIT_WORK(&workers[i].work, claim_work);
		queue_work(system_dfl_wq, &workers[i].work);
	}

	claim_pieces(claim);

	/* Those that have not begun have nothing left to do. */
	for (unsigned int i = 0; workers && i < nr - 1; i++)
		cancel_work_sync(&workers[i].work);
	publish(claim);

	kfree(workers);
}

static int swap_in(struct claim *claim)
{
	unsigned long nr_pieces = count_pieces(claim);

	if (!nr_pieces)
		return 0;

	claim->pieces = kvzalloc_objs(*claim->pieces, claim->target->nr_bos);
	claim->ready = kvzalloc_objs(*claim->ready, BITS_TO_LONGS(claim->target->nr_bos));
	if (claim->pieces && claim->ready)
		read_all(claim, nr_pieces);
	else
		fail(claim, -ENOMEM);

	kvfree(claim->ready);
	kvfree(claim->pieces);

	return atomic_read(&claim->error);
}

static int map_vm(struct claim *claim, struct drm_gpuvm *gpuvm)
{
	int ret, cookie;

	if (claim->progress && signal_pending(current))
		return -ERESTARTSYS;

	if (!drm_dev_enter(&claim->target->ptdev->base, &cookie))
		return -ENODEV;

	ret = panthor_vm_bring_back(gpuvm, claim->best_effort);
	drm_dev_exit(cookie);
	claim->progress = true;

	return ret == -EINTR ? -ERESTARTSYS : ret;
}

static unsigned long count_resident(const struct panthor_target *target)
{
	unsigned long nr_pages = 0;

	for (unsigned long i = 0; i < target->nr_bos; i++) {
		if (READ_ONCE(to_panthor_bo(target->bos[i].obj)->backing.pages))
			nr_pages += target->bos[i].obj->size >> PAGE_SHIFT;
	}

	return nr_pages;
}

static bool is_enough_in(const struct panthor_target *target, unsigned long max_pages)
{
	if (max_pages && count_resident(target) >= max_pages)
		return true;

	for (unsigned long i = 0; i < target->nr_bos; i++) {
		if (READ_ONCE(to_panthor_bo(target->bos[i].obj)->evicted))
			return false;
	}

	return true;
}

/**
 * panthor_claim() - Bring back evicted memory
 * @target: The memory, between panthor_target_begin_claim() and _end_claim().
 * @max_pages: Stop when at least this many pages of it are in memory. Nothing is
 *	       mapped then that is not needed. 0 for all.
 * @best_effort: Take only memory that is free.
 *
 * Whatever is returned, what came back is back, and the rest comes back when it
 * is needed.
 *
 * Context: Process context outside of reclaim, no lock of the driver held. Takes
 * the resvs of VMs and BOs, and sleeps for room and swap I/O.
 *
 * Return: 0 if all is in memory and mapped (with @max_pages, if at least so much
 * of it is in memory), -EAGAIN if it is not, as some has been evicted again
 * meanwhile, -EBUSY if the GPU did not answer in time, -ERESTARTSYS if a signal
 * arrived, -EIO if the swap device could not be read, -ENODEV if the device is
 * gone, -ENOMEM if there is no memory.
 */
int panthor_claim(struct panthor_target *target, unsigned long max_pages, bool best_effort)
{
	struct claim claim = {
		.target = target,
		.best_effort = best_effort,
		.max_pages = max_pages,
		.resident = max_pages ? count_resident(target) : 0,
	};
	int ret;

	spin_lock_init(&claim.lock);
	ret = swap_in(&claim);
	for (unsigned long i = 0; !max_pages && !ret && i < target->nr_vms; i++) {
		ret = map_vm(&claim, target->vms[i]);
		if (ret == -EIO) {
			atomic_set(&claim.lost, ret);
			ret = 0;
		}
	}

	ret = ret ?: atomic_read(&claim.lost);

	return ret || is_enough_in(target, max_pages) ? ret : -EAGAIN;
}
