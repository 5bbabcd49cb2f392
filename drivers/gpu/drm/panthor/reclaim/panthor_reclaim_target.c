// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Whose memory is it? Finds the VMs and BOs of a process, and tells which of
 * the BOs another process uses, too.
 *
 * A process has the memory that can be reached through the files of the device
 * that it has open, in the file tables of all its threads. &drm_file.pid does not
 * tell: it names whoever used the file last, which with a file that was handed
 * on is somebody else than who holds it, and it may be somebody who has closed
 * it since.
 *
 * A file that another process has open as well belongs to neither: its VMs and
 * handles count as the other's. So does a BO that has a handle in another file,
 * is mapped by a VM of another file, or is exported to a dma-buf that something
 * beside the handles refers to (a descriptor, a device, a CPU mapping).
 *
 * References are collected in one go under the file-list mutex, which keeps the
 * files from being freed. Memory for them is allocated without it, so that it is
 * held for the time it takes to look, and not longer.
 */

#include <linux/dma-buf.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm.h>

#include "panthor_device.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_target.h"

/* What is there may have grown before it is counted the next time. */
static unsigned long with_slack(unsigned long n)
{
	return n + n / 8 + 8;
}

/**
 * struct file_walk - A walk over the file tables of all processes
 */
struct file_walk {
	/** @target: Gets the files. */
	struct panthor_target *target;

	/** @mine: The file table is the process's. */
	bool mine;
};

static struct panthor_target_file *find_file(struct panthor_target *target,
					     struct drm_file *file)
{
	unsigned long nr = min(target->nr_files, target->max_files);

	for (unsigned long i = 0; i < nr; i++) {
		if (target->files[i].file == file)
			return &target->files[i];
	}

	/* A file that does not fit may be counted more than once. */
	if (target->nr_files++ >= target->max_files)
		return NULL;

	target->files[nr] = (struct panthor_target_file) { .file = file };

	return &target->files[nr];
}

static int note_file(const void *data, struct file *filp, unsigned int fd)
{
	const struct file_walk *walk = data;
	struct drm_device *ddev = &walk->target->ptdev->base;
	struct panthor_target_file *found;
	struct drm_file *file;

	if (filp->f_op != ddev->driver->fops)
		return 0;

	file = filp->private_data;
	if (file->minor->dev != ddev)
		return 0;

	found = find_file(walk->target, file);
	if (!found)
		return 0;

	if (walk->mine)
		found->mine = true;
	else
		found->shared = true;

	return 0;
}

static void walk_file_tables(struct panthor_target *target)
{
	struct task_struct *leader, *task;

	lockdep_assert_held(&target->ptdev->base.filelist_mutex);

	rcu_read_lock();
	for_each_process_thread(leader, task) {
		struct file_walk walk = {
			.target = target,
			.mine = task_tgid(task) == target->pid,
		};

		/* Threads rarely have a table of their own. */
		if (task != leader && READ_ONCE(task->files) == READ_ONCE(leader->files))
			continue;

		task_lock(task);
		iterate_fd(task->files, 0, note_file, &walk);
		task_unlock(task);
	}
	rcu_read_unlock();
}

static void add_bo(struct panthor_target *target, struct drm_gem_object *obj,
		   unsigned int nr_handles)
{
	if (target->nr_bos++ >= target->max_bos)
		return;

	drm_gem_object_get(obj);
	target->bos[target->nr_bos - 1] = (struct panthor_target_bo) {
		.obj = obj,
		.nr_handles = nr_handles,
	};
}

static void add_handles(struct panthor_target *target, const struct panthor_target_file *found)
{
	struct drm_gem_object *obj;
	int id;

	spin_lock(&found->file->table_lock);
	idr_for_each_entry(&found->file->object_idr, obj, id)
		add_bo(target, obj, !found->shared);
	spin_unlock(&found->file->table_lock);
}

static void add_vms(struct panthor_target *target, const struct panthor_target_file *found)
{
	struct panthor_file *pfile = found->file->driver_priv;
	unsigned long nr = min(target->nr_vms, target->max_vms);

	if (found->shared && !target->with_shared)
		return;

	target->nr_vms += panthor_vm_pool_get_vms(pfile->vms, target->vms + nr,
						  target->max_vms - nr);
}

static int collect_from_files(struct panthor_target *target)
{
	struct drm_device *ddev = &target->ptdev->base;
	bool has_file = false;

	mutex_lock(&ddev->filelist_mutex);
	walk_file_tables(target);
	for (unsigned long i = 0; i < min(target->nr_files, target->max_files); i++) {
		if (!target->files[i].mine)
			continue;

		has_file = true;
		add_vms(target, &target->files[i]);
		add_handles(target, &target->files[i]);
	}
	mutex_unlock(&ddev->filelist_mutex);

	/* They may be gone from now on. */
	if (target->nr_files <= target->max_files)
		return has_file ? 0 : -ESRCH;

	return 0;
}

static void add_mapped_bo(struct drm_gem_object *obj, void *data)
{
	add_bo(data, obj, 0);
}

/* BOs stay mapped when their handles are closed. */
static void collect_from_vms(struct panthor_target *target)
{
	for (unsigned long i = 0; i < min(target->nr_vms, target->max_vms); i++)
		panthor_vm_visit_bos(target->vms[i], add_mapped_bo, target);
}

static void put_all(struct panthor_target *target)
{
	for (unsigned long i = 0; i < min(target->nr_bos, target->max_bos); i++)
		drm_gem_object_put(target->bos[i].obj);
	for (unsigned long i = 0; i < min(target->nr_vms, target->max_vms); i++)
		drm_gpuvm_put(target->vms[i]);

	target->nr_files = 0;
	target->nr_vms = 0;
	target->nr_bos = 0;
}

static int compare_bos(const void *a, const void *b)
{
	const struct panthor_target_bo *bo_a = a, *bo_b = b;

	return cmp_int((uintptr_t)bo_a->obj, (uintptr_t)bo_b->obj);
}

/* Leaves one entry of each BO, with all its handles. */
static void merge_bos(struct panthor_target *target)
{
	unsigned long nr = 0;

	sort(target->bos, target->nr_bos, sizeof(*target->bos), compare_bos, NULL);
	for (unsigned long i = 0; i < target->nr_bos; i++) {
		struct panthor_target_bo *bo = &target->bos[i];

		if (nr && target->bos[nr - 1].obj == bo->obj) {
			target->bos[nr - 1].nr_handles += bo->nr_handles;
			drm_gem_object_put(bo->obj);
		} else {
			target->bos[nr++] = *bo;
		}
	}
	target->nr_bos = nr;
}

static bool fits(const struct panthor_target *target)
{
	return target->nr_files <= target->max_files &&
	       target->nr_vms <= target->max_vms && target->nr_bos <= target->max_bos;
}

static void free_arrays(struct panthor_target *target)
{
	kvfree(target->files);
	kvfree(target->vms);
	kvfree(target->bos);
}

static int alloc_arrays(struct panthor_target *target)
{
	target->files = kvmalloc_objs(*target->files, target->max_files);
	target->vms = kvmalloc_objs(*target->vms, target->max_vms);
	target->bos = kvmalloc_objs(*target->bos, target->max_bos);
	if (target->files && target->vms && target->bos)
		return 0;

	free_arrays(target);

	return -ENOMEM;
}

/**
 * panthor_target_init() - Collect the GPU memory of a process
 * @target: Gets it.
 * @ptdev: Device.
 * @pid: The process, to which the caller has a reference.
 * @with_shared: Also collect VMs in files that other processes have open.
 *
 * Context: Process context outside of reclaim, takes the file-list mutex and
 * op_locks of VMs, and sleeps.
 *
 * Return: 0 on success, -ESRCH if the process has no file of the device open,
 * -ENOMEM if there is no memory.
 */
int panthor_target_init(struct panthor_target *target, struct panthor_device *ptdev,
			struct pid *pid, bool with_shared)
{
	unsigned long nr_files, nr_vms, nr_bos;
	int ret;

	*target = (struct panthor_target) {
		.ptdev = ptdev,
		.pid = pid,
		.max_files = with_slack(0),
		.max_vms = with_slack(0),
		.max_bos = with_slack(256),
		.with_shared = with_shared,
	};

	for (;;) {
		ret = alloc_arrays(target);
		if (ret)
			return ret;

		ret = collect_from_files(target);
		if (ret)
			break;

		collect_from_vms(target);
		if (fits(target)) {
			merge_bos(target);
			return 0;
		}

		nr_files = target->nr_files;
		nr_vms = target->nr_vms;
		nr_bos = target->nr_bos;
		put_all(target);
		free_arrays(target);
		target->max_files = max(target->max_files, with_slack(nr_files));
		target->max_vms = max(target->max_vms, with_slack(nr_vms));
		target->max_bos = max(target->max_bos, with_slack(nr_bos));
	}

	put_all(target);
	free_arrays(target);

	return ret;
}

/**
 * panthor_target_fini() - Undo panthor_target_init()
 * @target: What was collected.
 *
 * Context: Process context outside of reclaim, no lock of the driver held. May
 * drop the last references of VMs and BOs.
 */
void panthor_target_fini(struct panthor_target *target)
{
	put_all(target);
	free_arrays(target);
}

static bool has_vm(const struct panthor_target *target, const struct drm_gpuvm *gpuvm)
{
	for (unsigned long i = 0; i < target->nr_vms; i++) {
		if (target->vms[i] == gpuvm)
			return true;
	}

	return false;
}

/**
 * panthor_target_is_foreign() - Tell whether another process uses a BO, too
 * @target: The process's memory, collected without what is shared.
 * @bo: One of its BOs.
 *
 * Context: Process context outside of reclaim, takes the device's object-name
 * lock and the BO's gpuva lock.
 *
 * Return: true if another process does.
 */
bool panthor_target_is_foreign(const struct panthor_target *target,
			       const struct panthor_target_bo *bo)
{
	struct drm_gem_object *obj = bo->obj;
	struct drm_gpuvm_bo *vm_bo;
	bool foreign;

	/* A dma-buf has one reference from the BO, and one for each file with a handle. */
	mutex_lock(&obj->dev->object_name_lock);
	foreign = obj->handle_count > bo->nr_handles ||
		  (obj->dma_buf && file_count(obj->dma_buf->file) > 1 + bo->nr_handles);
	mutex_unlock(&obj->dev->object_name_lock);
	if (foreign)
		return true;

	mutex_lock(&obj->gpuva.lock);
	drm_gem_for_each_gpuvm_bo(vm_bo, obj) {
		if (!has_vm(target, vm_bo->vm)) {
			foreign = true;
			break;
		}
	}
	mutex_unlock(&obj->gpuva.lock);

	return foreign;
}
