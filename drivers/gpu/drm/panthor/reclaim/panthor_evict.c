// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * How BOs are evicted: the mechanism below panthor_reclaim.c. See there for the
 * order of locks and who holds which reference.
 *
 * A BO is evicted in these steps, each of which may find a reason to skip it:
 *
 *   1. trylock its resv, which freezes pages, pins and CPU faults;
 *   2. check class and fences;
 *   3. zap CPU mappings, without the gpuva lock;
 *   4. trylock its gpuva lock, which freezes its set of VMs; check again;
 *   5. trylock each VM's op_lock, unmap, flush;
 *   6. release the pages.
 *
 * The private BOs of a VM go together, in two passes. The first takes each of
 * them through 1 to 3, with the VM's resv held. The second takes the op_lock,
 * then each BO through 4 and 5: the whole address space is locked with the first
 * mapping that goes, and flushed after the last. There are two passes because no
 * CPU mapping may be zapped with the op_lock held: i_mmap_rwsem and MMU notifiers
 * come with that, MMU notifiers wait for fences, and signalling a fence may need
 * the op_lock (panthor_vm_bind_run_job()).
 */

#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/hrtimer.h>
#include <linux/memcontrol.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>

#include <drm/drm_device.h>
#include <drm/drm_gpuvm.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/drm_vma_manager.h>

#include "panthor_device.h"
#include "panthor_evict.h"
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_private.h"

/*
 * BOs that do not share their VM's resv have to stay locked until the flush.
 * lockdep cannot keep track of more than 48 locks, and there are others.
 */
#define MAX_OWN_RESVS	16

static struct panthor_gem_object *to_bo(struct panthor_reclaim_bo *rbo)
{
	return container_of(rbo, struct panthor_gem_object, reclaim);
}

static struct panthor_device *bo_to_ptdev(struct panthor_gem_object *bo)
{
	return container_of(bo->base.dev, struct panthor_device, base);
}

/* During a reset no flush succeeds, and what was not flushed must not be released. */
static bool gpu_is_resetting(struct panthor_device *ptdev)
{
	return panthor_device_reset_is_pending(ptdev) &&
	       atomic_read(&ptdev->pm.state) == PANTHOR_DEVICE_PM_STATE_ACTIVE;
}

static void get_facts(struct panthor_gem_object *bo, struct panthor_reclaim_facts *facts)
{
	struct drm_gpuvm_bo *vm_bo;

	dma_resv_assert_held(bo->base.resv);
	lockdep_assert_held(&bo->base.gpuva.lock);

	*facts = (struct panthor_reclaim_facts) {
		.resident = bo->backing.pages,
		.pinned = refcount_read(&bo->backing.pin_count),
		.imported = drm_gem_is_imported(&bo->base),
		.mmapped = refcount_read(&bo->cmap.mmap_count),
		.evicted = bo->evicted,
	};

	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->base) {
		if (!panthor_vm_bo_is_mapped(vm_bo))
			continue;

		facts->vm = facts->nr_vms++ ? NULL : panthor_vm_to_reclaim(vm_bo->vm);
		if (facts->nr_vms > 1)
			break;
	}
}

/**
 * panthor_evict_update_class_locked() - File a BO under the class it belongs to
 * @bo: BO of which something changed that decides about its class.
 *
 * Context: The BO's resv and gpuva lock are held. Does not sleep.
 */
void panthor_evict_update_class_locked(struct panthor_gem_object *bo)
{
	struct panthor_reclaim_facts facts;

	get_facts(bo, &facts);
	panthor_reclaim_bo_file(bo_to_ptdev(bo)->reclaim, &bo->reclaim, &facts);
}

/**
 * panthor_evict_update_class() - File a BO under the class it belongs to
 * @bo: BO of which something changed that decides about its class.
 *
 * Context: The BO's resv is held. Takes its gpuva lock, sleeps.
 */
void panthor_evict_update_class(struct panthor_gem_object *bo)
{
	mutex_lock(&bo->base.gpuva.lock);
	panthor_evict_update_class_locked(bo);
	mutex_unlock(&bo->base.gpuva.lock);
}

static bool get_bo(struct panthor_reclaim_bo *rbo)
{
	return kref_get_unless_zero(&to_bo(rbo)->base.refcount);
}

static bool put_bo_unless_last(struct panthor_reclaim_bo *rbo)
{
	return refcount_dec_not_one(&to_bo(rbo)->base.refcount.refcount);
}

static void put_bo(struct panthor_reclaim_bo *rbo)
{
	drm_gem_object_put(&to_bo(rbo)->base);
}

static bool is_idle(struct dma_resv *resv)
{
	return dma_resv_test_signaled(resv, DMA_RESV_USAGE_BOOKKEEP);
}

/*
 * On success the gpuva lock is held and the BO still has the class it was
 * filed under, or a cheaper one that it can be evicted in just as well.
 */
static int trylock_gpuva(struct panthor_gem_object *bo, enum panthor_reclaim_class filed)
{
	if (!mutex_trylock(&bo->base.gpuva.lock))
		return -EAGAIN;

	panthor_evict_update_class_locked(bo);
	if (bo->reclaim.class <= filed && filed != PANTHOR_RECLAIM_UNRECLAIMABLE)
		return 0;

	mutex_unlock(&bo->base.gpuva.lock);

	return bo->reclaim.class == PANTHOR_RECLAIM_UNRECLAIMABLE ? -EPERM : -ESTALE;
}

/*
 * Steps 2 and 3. @idle: that no job uses the BO is known already. *@filed gets the
 * class that the BO must not be found above in step 4.
 */
static int zap_bo(struct panthor_gem_object *bo, bool idle, enum panthor_reclaim_class *filed)
{
	int ret;

	ret = trylock_gpuva(bo, READ_ONCE(bo->reclaim.class));
	if (ret)
		return ret;

	*filed = bo->reclaim.class;
	mutex_unlock(&bo->base.gpuva.lock);

	/* Jobs cannot use what is not mapped. */
	if (!idle && *filed >= PANTHOR_RECLAIM_PRIVATE && !is_idle(bo->base.resv))
		return -EBUSY;

	if (refcount_read(&bo->cmap.mmap_count))
		drm_vma_node_unmap(&bo->base.vma_node,
				   bo->base.dev->anon_inode->i_mapping);

	return 0;
}

/* Step 6. Without pages a BO is unreclaimable, whether it is mapped or not. */
static void release_pages_of(struct panthor_gem_object *bo)
{
	const struct panthor_reclaim_facts facts = { .evicted = true };

	panthor_gem_release_pages_locked(bo);
	panthor_reclaim_bo_file(bo_to_ptdev(bo)->reclaim, &bo->reclaim, &facts);
}

static int unmap_from_vms(struct panthor_gem_object *bo)
{
	struct drm_gpuvm_bo *vm_bo;
	int ret = 0;

	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->base) {
		int err;

		if (!panthor_vm_bo_is_mapped(vm_bo))
			continue;

		ret = panthor_vm_evict_begin(vm_bo->vm);
		if (ret)
			return ret;

		ret = panthor_vm_evict_vm_bo(vm_bo);
		err = panthor_vm_evict_end(vm_bo->vm);
		ret = ret ?: err;
		if (ret)
			return ret;
	}

	return 0;
}

static int evict_bo(struct panthor_reclaim_bo *rbo)
{
	struct panthor_gem_object *bo = to_bo(rbo);
	enum panthor_reclaim_class filed;
	int ret;

	if (gpu_is_resetting(bo_to_ptdev(bo)))
		return -EIO;

	if (!dma_resv_trylock(bo->base.resv))
		return -EAGAIN;

	ret = zap_bo(bo, false, &filed);
	if (ret)
		goto out_unlock_resv;

	ret = trylock_gpuva(bo, filed);
	if (ret)
		goto out_unlock_resv;

	if (bo->reclaim.class == PANTHOR_RECLAIM_PRIVATE) {
		ret = -ESTALE;
		goto out_unlock_gpuva;
	}

	/*
	 * What goes wrong leaves some of the mappings evicted. The pages stay,
	 * and the next submission to these VMs restores them.
	 */
	ret = unmap_from_vms(bo);
	if (!ret)
		release_pages_of(bo);
	else
		panthor_evict_update_class_locked(bo);

out_unlock_gpuva:
	mutex_unlock(&bo->base.gpuva.lock);

out_unlock_resv:
	dma_resv_unlock(bo->base.resv);

	return ret;
}

static unsigned int count_pending(struct dma_resv *resv)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int pending = 0;

	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP, fence)
		pending += !dma_fence_is_signaled(fence);

	return pending;
}

static int sweep_begin(struct panthor_reclaim_vm *rvm, unsigned int *pending)
{
	struct drm_gpuvm *gpuvm = panthor_vm_from_reclaim(rvm);

	if (gpu_is_resetting(container_of(gpuvm->drm, struct panthor_device, base)))
		return -EIO;

	if (!dma_resv_trylock(drm_gpuvm_resv(gpuvm)))
		return -EAGAIN;

	rvm->nr_own_resvs = 0;
	*pending = count_pending(drm_gpuvm_resv(gpuvm));
	if (!*pending)
		return 0;

	dma_resv_unlock(drm_gpuvm_resv(gpuvm));

	return -EBUSY;
}

static bool has_own_resv(struct drm_gpuvm *gpuvm, struct panthor_gem_object *bo)
{
	return bo->base.resv != drm_gpuvm_resv(gpuvm);
}

/* Neither moved to another VM nor to a class that is evicted otherwise. */
static bool is_still_private(struct panthor_reclaim_vm *rvm, struct panthor_gem_object *bo)
{
	return READ_ONCE(bo->reclaim.vm) == rvm;
}

static int sweep_zap(struct panthor_reclaim_vm *rvm, struct panthor_reclaim_bo *rbo)
{
	struct drm_gpuvm *gpuvm = panthor_vm_from_reclaim(rvm);
	struct panthor_gem_object *bo = to_bo(rbo);
	bool own_resv = has_own_resv(gpuvm, bo);
	enum panthor_reclaim_class filed;
	int ret;

	if (own_resv && !dma_resv_trylock(bo->base.resv))
		return -EAGAIN;

	ret = zap_bo(bo, !own_resv, &filed);
	if (!ret && !is_still_private(rvm, bo))
		ret = -ESTALE;
	if (!own_resv)
		return ret;

	if (ret) {
		dma_resv_unlock(bo->base.resv);
		return ret;
	}

	return ++rvm->nr_own_resvs >= MAX_OWN_RESVS ? -ENOSPC : 0;
}

static int unmap_from_vm(struct drm_gpuvm *gpuvm, struct panthor_gem_object *bo)
{
	struct drm_gpuvm_bo *vm_bo;
	int ret = 0;

	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->base) {
		if (!panthor_vm_bo_is_mapped(vm_bo))
			continue;

		if (drm_WARN_ON_ONCE(gpuvm->drm, vm_bo->vm != gpuvm))
			return -ESTALE;

		ret = panthor_vm_evict_vm_bo(vm_bo);
		if (ret)
			break;
	}

	return ret;
}

static int sweep_unmap(struct panthor_reclaim_vm *rvm, struct panthor_gem_object *bo)
{
	int ret;

	ret = trylock_gpuva(bo, PANTHOR_RECLAIM_PRIVATE);
	if (ret)
		return ret;

	ret = is_still_private(rvm, bo) ? unmap_from_vm(panthor_vm_from_reclaim(rvm), bo) :
					  -ESTALE;
	if (ret)
		panthor_evict_update_class_locked(bo);
	mutex_unlock(&bo->base.gpuva.lock);

	return ret;
}

/* What is not unmapped, or not flushed, goes from @victims to @kept. */
static int sweep_unmap_all(struct panthor_reclaim_vm *rvm, struct list_head *victims,
			   struct list_head *kept)
{
	struct drm_gpuvm *gpuvm = panthor_vm_from_reclaim(rvm);
	struct panthor_reclaim_bo *rbo, *next;
	int ret, err;

	ret = panthor_vm_evict_begin(gpuvm);
	if (ret) {
		list_splice_tail_init(victims, kept);
		return ret;
	}

	list_for_each_entry_safe(rbo, next, victims, victims) {
		err = sweep_unmap(rvm, to_bo(rbo));
		if (err)
			list_move_tail(&rbo->victims, kept);
		ret = ret ?: err;
	}

	err = panthor_vm_evict_end(gpuvm);
	if (err)
		list_splice_tail_init(victims, kept);

	return err ?: ret;
}

static int sweep_end(struct panthor_reclaim_vm *rvm, struct list_head *victims,
		     struct list_head *kept)
{
	struct drm_gpuvm *gpuvm = panthor_vm_from_reclaim(rvm);
	struct panthor_reclaim_bo *rbo;
	int ret = 0;

	if (!list_empty(victims))
		ret = sweep_unmap_all(rvm, victims, kept);

	list_for_each_entry(rbo, victims, victims) {
		release_pages_of(to_bo(rbo));
		if (has_own_resv(gpuvm, to_bo(rbo)))
			dma_resv_unlock(to_bo(rbo)->base.resv);
	}

	list_for_each_entry(rbo, kept, victims) {
		struct panthor_gem_object *bo = to_bo(rbo);

		if (mutex_trylock(&bo->base.gpuva.lock)) {
			panthor_evict_update_class_locked(bo);
			mutex_unlock(&bo->base.gpuva.lock);
		}

		if (has_own_resv(gpuvm, bo))
			dma_resv_unlock(bo->base.resv);
	}

	dma_resv_unlock(drm_gpuvm_resv(gpuvm));

	return ret;
}

struct fence_waiter {
	struct dma_fence_cb cb;
	struct task_struct *task;
};

static void wake_fence_waiter(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	wake_up_process(container_of(cb, struct fence_waiter, cb)->task);
}

/* dma_fence_wait_timeout() knows jiffies only, of which the budget may have just one. */
static int wait_fence(struct dma_fence *fence, ktime_t deadline, unsigned int state)
{
	struct fence_waiter waiter = { .task = current };
	int ret = 0;

	if (dma_fence_add_callback(fence, &waiter.cb, wake_fence_waiter))
		return 0;

	for (;;) {
		set_current_state(state);
		if (dma_fence_is_signaled(fence))
			break;

		if (signal_pending_state(state, current)) {
			ret = -ERESTARTSYS;
			break;
		}

		if (!schedule_hrtimeout(&deadline, HRTIMER_MODE_ABS)) {
			ret = dma_fence_is_signaled(fence) ? 0 : -ETIME;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	dma_fence_remove_callback(fence, &waiter.cb);

	return ret;
}

static int wait_resv(struct dma_resv *resv, u64 ns, bool interruptible)
{
	unsigned int state = interruptible ? TASK_INTERRUPTIBLE : TASK_UNINTERRUPTIBLE;
	ktime_t deadline = ktime_add_ns(ktime_get(), ns);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret = 0;

	dma_resv_iter_begin(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		ret = wait_fence(fence, deadline, state);
		if (ret)
			break;
	}
	dma_resv_iter_end(&cursor);

	return ret;
}

static int wait_vm(struct panthor_reclaim_vm *rvm, u64 ns, bool interruptible)
{
	return wait_resv(drm_gpuvm_resv(panthor_vm_from_reclaim(rvm)), ns, interruptible);
}

static int wait_bo(struct panthor_reclaim_bo *rbo, u64 ns, bool interruptible)
{
	return wait_resv(to_bo(rbo)->base.resv, ns, interruptible);
}

static bool is_pinned(struct panthor_reclaim_bo *rbo)
{
	struct panthor_gem_object *bo = to_bo(rbo);

	return READ_ONCE(bo->backing.pages) && refcount_read(&bo->backing.pin_count) &&
	       !refcount_read(&bo->cmap.vaddr_use_count);
}

static unsigned long swap_pages(void)
{
	return max(get_nr_swap_pages(), 0L);
}

/* All pages of a BO are charged to the same memcg, that of who populated it. */
static unsigned long swap_pages_of(struct panthor_reclaim_bo *rbo)
{
	unsigned long nr_pages = swap_pages();
	struct folio *folio;
	struct mem_cgroup *memcg;
	long allowed = nr_pages;

	folio = filemap_get_folio(to_bo(rbo)->base.filp->f_mapping, 0);
	if (IS_ERR(folio))
		return nr_pages;

	rcu_read_lock();
	memcg = folio_memcg_check(folio);
	if (memcg)
		allowed = mem_cgroup_get_nr_swap_pages(memcg);
	rcu_read_unlock();
	folio_put(folio);

	return min_t(unsigned long, nr_pages, max(allowed, 0L));
}

static int write_out(struct panthor_reclaim_bo *rbo, unsigned long first, unsigned long last,
		     bool wait, unsigned long *freed, unsigned long *writeback)
{
	struct shmem_reclaim_stat stat = {};

	shmem_reclaim_range(to_bo(rbo)->base.filp->f_mapping, first, last, wait, &stat);
	*freed += stat.freed;
	*writeback += stat.writeback;
	if (!wait || !(stat.left + stat.writeback))
		return 0;

	return stat.failed || !swap_pages_of(rbo) ? -ENOSPC : -EAGAIN;
}

static bool filed_right(struct panthor_reclaim_bo *rbo)
{
	struct panthor_gem_object *bo = to_bo(rbo);
	struct panthor_reclaim_facts facts;
	bool right;

	dma_resv_lock(bo->base.resv, NULL);
	mutex_lock(&bo->base.gpuva.lock);
	get_facts(bo, &facts);
	right = panthor_reclaim_classify(&facts) == rbo->class &&
		(rbo->class != PANTHOR_RECLAIM_PRIVATE || rbo->vm == facts.vm);
	mutex_unlock(&bo->base.gpuva.lock);
	dma_resv_unlock(bo->base.resv);

	return right;
}

static const struct panthor_reclaim_ops panthor_evict_ops = {
	.get_bo = get_bo,
	.put_bo_unless_last = put_bo_unless_last,
	.put_bo = put_bo,
	.get_vm = panthor_vm_reclaim_get,
	.put_vm_unless_last = panthor_vm_reclaim_put_unless_last,
	.put_vm = panthor_vm_reclaim_put,
	.evict_bo = evict_bo,
	.begin_vm = sweep_begin,
	.zap_vm_bo = sweep_zap,
	.end_vm = sweep_end,
	.wait_vm = wait_vm,
	.wait_bo = wait_bo,
	.write_out = write_out,
	.is_pinned = is_pinned,
	.swap_pages = swap_pages,
	.swap_pages_of = swap_pages_of,
	.filed_right = filed_right,
};

static void panthor_evict_fini(struct drm_device *ddev, void *data)
{
	panthor_reclaim_fini(data);
}

/**
 * panthor_evict_init() - Prepare for BOs and VMs
 * @ptdev: Device. Neither BOs nor VMs exist yet.
 *
 * Context: Process context, sleeps.
 *
 * Return: 0 on success, -ENOMEM if there is no memory.
 */
int panthor_evict_init(struct panthor_device *ptdev)
{
	struct panthor_reclaim *reclaim;

	reclaim = drmm_kzalloc(&ptdev->base, sizeof(*reclaim), GFP_KERNEL);
	if (!reclaim)
		return -ENOMEM;

	panthor_reclaim_init(reclaim, &panthor_evict_ops, dev_name(ptdev->base.dev));
	ptdev->reclaim = reclaim;

	return drmm_add_action_or_reset(&ptdev->base, panthor_evict_fini, reclaim);
}

/* Scans of CPU faults go on after unplug, and leave last references to the worker. */
static void panthor_evict_put_dead(struct drm_device *ddev, void *data)
{
	struct panthor_reclaim *reclaim = data;

	flush_work(&reclaim->put_work);
}

/**
 * panthor_evict_start() - Start reclaim of the device's memory
 * @ptdev: Device. The MMU is initialized.
 *
 * Context: Process context, sleeps.
 *
 * Return: 0 on success, -ENOMEM if there is no memory.
 */
int panthor_evict_start(struct panthor_device *ptdev)
{
	int ret;

	/* Comes before the MMU goes, without which a VM cannot be freed. */
	ret = drmm_add_action_or_reset(&ptdev->base, panthor_evict_put_dead, ptdev->reclaim);
	if (ret)
		return ret;

	/* Let lockdep know what reclaim waits for before reclaim first happens. */
	fs_reclaim_acquire(GFP_KERNEL);
	panthor_mmu_might_flush(ptdev);
	fs_reclaim_release(GFP_KERNEL);

	return panthor_reclaim_register(ptdev->reclaim);
}

/**
 * panthor_evict_stop() - Undo panthor_evict_start()
 * @ptdev: Device.
 *
 * Context: Process context, sleeps until running scans have ended.
 */
void panthor_evict_stop(struct panthor_device *ptdev)
{
	panthor_reclaim_unregister(ptdev->reclaim);
}
