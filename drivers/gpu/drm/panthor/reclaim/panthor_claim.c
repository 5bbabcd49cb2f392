// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Bringing evicted BOs back before anybody needs them.
 *
 * Reading from swap takes most of the time, in the CPU when swap is compressed
 * memory. So it is done first, without any lock, and by as many workers as there
 * are CPUs: each takes the next piece of a BO until none is left. Whoever brings
 * in the last piece of a BO gives the BO its pages. Only then are the VMs mapped
 * again, one by one, each with its own locks and those of its BOs.
 */

#include <linux/atomic.h>
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
#include "panthor_reclaim_target.h"

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

/* Nothing holds the pages until the BO gets them, but they have just been used. */
static int read_piece(struct claim *claim, const struct claim_piece *piece)
{
	struct address_space *mapping = claim->target->bos[piece->bo].obj->filp->f_mapping;
	unsigned long index = piece->start;

	while (index < piece->end) {
		struct folio *folio;

		folio = shmem_read_folio_gfp(mapping, index, mapping_gfp_mask(mapping));
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

static int claim_piece(struct claim *claim, const struct claim_piece *piece)
{
	int ret = 0;

	/* A BO of one piece is read while it gets its pages. */
	if (nr_pages_of(claim, piece->bo) > PIECE_PAGES)
		ret = read_piece(claim, piece);

	if (!ret && atomic_dec_and_test(&claim->pieces[piece->bo]))
		ret = panthor_gem_swapin(to_panthor_bo(claim->target->bos[piece->bo].obj));

	trace_panthor_claim_piece(dev_name(claim->target->ptdev->base.dev),
				  pid_nr(claim->target->pid), piece->bo, piece->start,
				  piece->end, ret);

	return ret;
}

static void claim_pieces(struct claim *claim, bool interruptible)
{
	struct claim_piece piece;

	while (!atomic_read(&claim->error) && next_piece(claim, &piece)) {
		int ret = claim_piece(claim, &piece);

		if (!ret && interruptible && signal_pending(current))
			ret = -EINTR;
		if (ret)
			atomic_cmpxchg(ret == -EIO ? &claim->lost : &claim->error, 0, ret);
		cond_resched();
	}
}

static void claim_work(struct work_struct *work)
{
	claim_pieces(container_of(work, struct claim_worker, work)->claim, false);
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

static int swap_in(struct claim *claim)
{
	unsigned long nr_pieces = count_pieces(claim);
	unsigned int nr = min3((unsigned long)num_online_cpus(), nr_pieces,
			       (unsigned long)MAX_WORKERS);
	struct claim_worker *workers = NULL;

	if (!nr_pieces)
		return 0;

	claim->pieces = kvzalloc_objs(*claim->pieces, claim->target->nr_bos);
	if (!claim->pieces)
		return -ENOMEM;

	/* Without helpers it takes longer. */
	if (nr > 1)
		workers = kzalloc_objs(*workers, nr - 1, GFP_KERNEL | __GFP_NOWARN);
	for (unsigned int i = 0; workers && i < nr - 1; i++) {
		workers[i].claim = claim;
		INIT_WORK(&workers[i].work, claim_work);
		queue_work(system_dfl_wq, &workers[i].work);
	}

	claim_pieces(claim, true);

	/* Those that have not begun have nothing left to do. */
	for (unsigned int i = 0; workers && i < nr - 1; i++)
		cancel_work_sync(&workers[i].work);

	kfree(workers);
	kvfree(claim->pieces);

	return atomic_read(&claim->error);
}

static int map_vm(struct panthor_target *target, struct drm_gpuvm *gpuvm)
{
	int ret, cookie;

	if (!drm_dev_enter(&target->ptdev->base, &cookie))
		return -ENODEV;

	ret = panthor_vm_bring_back(gpuvm);
	drm_dev_exit(cookie);

	return ret;
}

/**
 * panthor_claim() - Bring back all evicted memory of a process
 * @target: The process's memory.
 *
 * Whatever is returned, what came back is back, and the rest comes back when it
 * is needed.
 *
 * Context: Process context outside of reclaim, no lock of the driver held. Takes
 * the resvs of VMs and BOs, and sleeps for swap I/O.
 *
 * Return: 0 on success, -EBUSY if the GPU did not answer in time, -EINTR if a
 * signal arrived, -EIO if the swap device could not be read, -ENODEV if the
 * device is gone, -ENOMEM if there is no memory.
 */
int panthor_claim(struct panthor_target *target)
{
	struct claim claim = { .target = target };
	int ret;

	spin_lock_init(&claim.lock);
	ret = swap_in(&claim);
	for (unsigned long i = 0; !ret && i < target->nr_vms; i++) {
		ret = signal_pending(current) ? -EINTR : map_vm(target, target->vms[i]);
		if (ret == -EIO) {
			atomic_set(&claim.lost, ret);
			ret = 0;
		}
	}

	return ret ?: atomic_read(&claim.lost);
}
