// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Whose memory is it? Finds the VMs and BOs of a process or of one open file, and
 * tells which of the BOs others use as well.
 *
 * A process has the memory that can be reached through the files of the device
 * that it has open, in the file tables of all its threads. &drm_file.pid does not
 * tell: it names the last user of the file, which with a file that was handed on
 * is not its holder.
 *
 * Files are what is owned. All processes that have a file open, such as children
 * of a fork, may destroy all that is in it, and have one and the same memory. So
 * only the tables of the process itself are looked at, each once however many
 * threads have it, and no other process can make that slow.
 *
 * Others use a BO if it has a handle in a file that the process does not have
 * open, is mapped by a VM of such a file, or is exported to a dma-buf that
 * something beside these files and the process's own descriptors refers to: a
 * descriptor in another process or on its way there, a device, a CPU mapping.
 *
 * There are no locks of the device here: a reference to a file keeps its drm_file
 * from being freed while VMs and handles are collected.
 */

#include <linux/bsearch.h>
#include <linux/cleanup.h>
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
#include "panthor_gem.h"
#include "panthor_mmu.h"
#include "panthor_reclaim_target.h"

/**
 * struct file_table - A file table of the process, and a thread that has it
 */
struct file_table {
	/** @files: The table. Not a reference, only to be compared. */
	const struct files_struct *files;

	/** @task: The thread, with a reference. */
	struct task_struct *task;
};

/* Room for @nr of what @array has room for @max of. What there is may have grown meanwhile. */
static int make_room(void **array, unsigned long *max, unsigned long nr, size_t size)
{
	unsigned long new_max = nr + nr / 2 + 8;
	void *new;

	if (nr <= *max)
		return 0;

	new = kvmalloc_array(new_max, size, GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;

	if (*max)
		memcpy(new, *array, *max * size);
	kvfree(*array);
	*array = new;
	*max = new_max;

	return 0;
}

static int compare_tables(const void *a, const void *b)
{
	const struct file_table *table_a = a, *table_b = b;

	return cmp_int((uintptr_t)table_a->files, (uintptr_t)table_b->files);
}

static void put_tables(struct file_table *tables, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		put_task_struct(tables[i].task);
	kvfree(tables);
}

/* Threads with a table of their own, or too many. */
static unsigned long list_tables(struct pid *pid, struct file_table *tables, unsigned long max)
{
	const struct files_struct *last = NULL;
	struct task_struct *leader, *task;
	unsigned long nr = 0;

	guard(rcu)();
	leader = pid_task(pid, PIDTYPE_TGID);
	if (!leader)
		return 0;

	for_each_thread(leader, task) {
		const struct files_struct *files = READ_ONCE(task->files);

		if (!files || files == last)
			continue;

		last = files;
		if (nr < max) {
			tables[nr].files = files;
			tables[nr].task = get_task_struct(task);
		}
		nr++;
	}

	return nr;
}

/* All tables of the process, once each. */
static long get_tables(struct pid *pid, struct file_table **tables)
{
	unsigned long max = 0, nr, unique = 0;

	*tables = NULL;
	for (;;) {
		nr = list_tables(pid, *tables, max);
		if (nr <= max)
			break;

		put_tables(*tables, max);
		max = 0;
		*tables = NULL;
		if (fatal_signal_pending(current))
			return -ERESTARTSYS;

		if (make_room((void **)tables, &max, nr, sizeof(**tables)))
			return -ENOMEM;
	}

	sort_nonatomic(*tables, nr, sizeof(**tables), compare_tables, NULL);
	for (unsigned long i = 0; i < nr; i++) {
		if (unique && (*tables)[unique - 1].files == (*tables)[i].files)
			put_task_struct((*tables)[i].task);
		else
			(*tables)[unique++] = (*tables)[i];
	}

	return unique;
}

/* Calls @fn for each descriptor of the process, which may sleep. */
static int walk_fds(struct panthor_target *target,
		    int (*fn)(struct panthor_target *target, struct file *filp))
{
	struct file_table *tables;
	int ret = 0;
	long nr;

	nr = get_tables(target->pid, &tables);
	if (nr < 0)
		return nr;

	for (long i = 0; !ret && i < nr; i++) {
		unsigned int fd = 0;
		struct file *filp;

		while (!ret && (filp = fget_task_next(tables[i].task, &fd))) {
			ret = fn(target, filp);
			fput(filp);
			fd++;
			if (!ret && fatal_signal_pending(current))
				ret = -ERESTARTSYS;
			cond_resched();
		}
		if (!ret && fatal_signal_pending(current))
			ret = -ERESTARTSYS;
	}
	put_tables(tables, nr);

	return ret;
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

/* That of another request for the memory must not look like another user's. */
static void get_dmabuf(struct panthor_target_bo *bo, struct file *dmabuf)
{
	guard(mutex)(&bo->obj->dev->object_name_lock);
	bo->dmabuf = get_file(dmabuf);
	to_panthor_bo(bo->obj)->nr_noted++;
}

static void put_dmabuf(struct panthor_target_bo *bo)
{
	if (!bo->dmabuf)
		return;

	guard(mutex)(&bo->obj->dev->object_name_lock);
	to_panthor_bo(bo->obj)->nr_noted--;
	fput(bo->dmabuf);
}

static void put_bos_from(struct panthor_target *target, unsigned long first)
{
	for (unsigned long i = first; i < min(target->nr_bos, target->max_bos); i++) {
		put_dmabuf(&target->bos[i]);
		drm_gem_object_put(target->bos[i].obj);
	}
	target->nr_bos = first;
}

/* Adds what @add finds in @source, with as much room as it takes. */
static int add_bos(struct panthor_target *target,
		   void (*add)(struct panthor_target *target, void *source), void *source)
{
	unsigned long first = target->nr_bos;

	for (;;) {
		unsigned long nr;

		add(target, source);
		nr = target->nr_bos;
		if (nr <= target->max_bos)
			return 0;

		put_bos_from(target, first);
		if (fatal_signal_pending(current))
			return -ERESTARTSYS;

		if (make_room((void **)&target->bos, &target->max_bos, nr,
			      sizeof(*target->bos)))
			return -ENOMEM;
	}
}

static void add_handles(struct panthor_target *target, void *source)
{
	struct drm_file *file = source;
	struct drm_gem_object *obj;
	int id;

	spin_lock(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, id)
		add_bo(target, obj, 1);
	spin_unlock(&file->table_lock);
}

static void add_mapped_bo(struct drm_gem_object *obj, void *data)
{
	add_bo(data, obj, 0);
}

/* BOs stay mapped when their handles are closed. */
static void add_mapped_bos(struct panthor_target *target, void *source)
{
	panthor_vm_visit_bos(source, add_mapped_bo, target);
}

static int add_vms(struct panthor_target *target, struct panthor_file *pfile)
{
	unsigned long first = target->nr_vms, nr;

	for (;;) {
		nr = panthor_vm_pool_get_vms(pfile->vms, target->vms + first,
					     target->max_vms - first);
		if (first + nr <= target->max_vms)
			break;

		for (unsigned long i = first; i < target->max_vms; i++)
			drm_gpuvm_put(target->vms[i]);
		if (make_room((void **)&target->vms, &target->max_vms, first + nr,
			      sizeof(*target->vms)))
			return -ENOMEM;
	}
	target->nr_vms = first + nr;

	return 0;
}

static int add_client(struct panthor_target *target, struct panthor_client *client)
{
	int ret;

	if (make_room((void **)&target->clients, &target->max_clients, target->nr_clients + 1,
		      sizeof(*target->clients)))
		return -ENOMEM;

	ret = xa_insert(&target->seen, (unsigned long)client / __alignof__(*client), client,
			GFP_KERNEL_ACCOUNT);
	if (ret)
		return ret;

	kref_get(&client->ref);
	target->clients[target->nr_clients++].client = client;

	return 0;
}

/* The caller keeps @file from being freed. */
static int add_file(struct panthor_target *target, struct drm_file *file)
{
	struct panthor_file *pfile = file->driver_priv;
	unsigned long first = target->nr_vms;
	int ret;

	ret = add_client(target, pfile->client);
	if (ret)
		return ret == -EBUSY ? 0 : ret;

	ret = add_vms(target, pfile);
	if (!ret)
		ret = add_bos(target, add_handles, file);
	for (unsigned long i = first; !ret && i < target->nr_vms; i++)
		ret = add_bos(target, add_mapped_bos, target->vms[i]);

	return ret;
}

static int add_fd(struct panthor_target *target, struct file *filp)
{
	struct drm_device *ddev = &target->ptdev->base;
	struct drm_file *file;

	if (filp->f_op != ddev->driver->fops)
		return 0;

	file = filp->private_data;

	return file->minor->dev == ddev ? add_file(target, file) : 0;
}

static int compare_bos(const void *a, const void *b)
{
	const struct panthor_target_bo *bo_a = a, *bo_b = b;

	return cmp_int((uintptr_t)bo_a->obj, (uintptr_t)bo_b->obj);
}

static int compare_vms(const void *a, const void *b)
{
	return cmp_int(*(uintptr_t *)a, *(uintptr_t *)b);
}

/* Leaves one entry of each BO, with all its handles. */
static void merge_bos(struct panthor_target *target)
{
	unsigned long nr = 0;

	sort_nonatomic(target->bos, target->nr_bos, sizeof(*target->bos), compare_bos, NULL);
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
	sort_nonatomic(target->vms, target->nr_vms, sizeof(*target->vms), compare_vms, NULL);
}

/* The BO need not be the device's, so it is compared and nothing else. */
static int note_dmabuf(struct panthor_target *target, struct file *filp)
{
	struct panthor_target_bo *bo, key = { .obj = panthor_gem_of_dmabuf(filp) };

	if (!key.obj)
		return 0;

	bo = bsearch(&key, target->bos, target->nr_bos, sizeof(key), compare_bos);
	if (!bo)
		return 0;

	if (!bo->dmabuf)
		get_dmabuf(bo, filp);
	bo->nr_fds += bo->dmabuf == filp;

	return 0;
}

/* The process's own descriptors of dma-bufs, which are looked for if there can be any. */
static int note_dmabufs(struct panthor_target *target)
{
	if (!target->pid)
		return 0;

	for (unsigned long i = 0; i < target->nr_bos; i++) {
		if (panthor_gem_is_exported(target->bos[i].obj))
			return walk_fds(target, note_dmabuf);
	}

	return 0;
}

static void init(struct panthor_target *target, struct panthor_device *ptdev, struct pid *pid)
{
	*target = (struct panthor_target) { .ptdev = ptdev, .pid = get_pid(pid) };
	xa_init(&target->seen);
}

static int finish_init(struct panthor_target *target, int ret)
{
	if (!ret && !target->nr_clients)
		ret = -ESRCH;

	if (!ret) {
		merge_bos(target);
		ret = note_dmabufs(target);
	}
	if (ret)
		panthor_target_fini(target);

	return ret;
}

/**
 * panthor_target_init() - Collect the GPU memory of a process
 * @target: Gets it.
 * @ptdev: Device.
 * @pid: The process, to which the caller has a reference.
 *
 * Context: Process context outside of reclaim, no lock of the driver held. Takes
 * op_locks of VMs and sleeps.
 *
 * Return: 0 on success, -ESRCH if the process has no file of the device open,
 * -ENOMEM if there is no memory, -ERESTARTSYS on a fatal signal.
 */
int panthor_target_init(struct panthor_target *target, struct panthor_device *ptdev,
			struct pid *pid)
{
	init(target, ptdev, pid);

	return finish_init(target, walk_fds(target, add_fd));
}

/**
 * panthor_target_init_file() - Collect the GPU memory of one file
 * @target: Gets it.
 * @file: The file, which the caller keeps open.
 *
 * Context: As panthor_target_init(), in a process that uses the file.
 *
 * Return: As panthor_target_init(), but for -ESRCH.
 */
int panthor_target_init_file(struct panthor_target *target, struct drm_file *file)
{
	init(target, container_of(file->minor->dev, struct panthor_device, base),
	     task_tgid(current));

	return finish_init(target, add_file(target, file));
}

/**
 * panthor_target_init_count() - Collect the GPU memory of one file to count it
 * @target: Gets it. It is not known what others use as well.
 * @file: The file, which the caller keeps open.
 *
 * Context: As panthor_target_init(), in any process.
 *
 * Return: As panthor_target_init(), but for -ESRCH.
 */
int panthor_target_init_count(struct panthor_target *target, struct drm_file *file)
{
	init(target, container_of(file->minor->dev, struct panthor_device, base), NULL);

	return finish_init(target, add_file(target, file));
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
	put_bos_from(target, 0);
	for (unsigned long i = 0; i < target->nr_vms; i++)
		drm_gpuvm_put(target->vms[i]);
	for (unsigned long i = 0; i < target->nr_clients; i++)
		panthor_client_put(target->clients[i].client);
	kvfree(target->bos);
	kvfree(target->vms);
	kvfree(target->clients);
	xa_destroy(&target->seen);
	put_pid(target->pid);
}

static bool has_vm(const struct panthor_target *target, const struct drm_gpuvm *gpuvm)
{
	return bsearch(&gpuvm, target->vms, target->nr_vms, sizeof(*target->vms), compare_vms);
}

/* The BO itself refers to its dma-buf once, and each file with a handle does. */
static bool is_exported_to_others(const struct panthor_target_bo *bo)
{
	struct drm_gem_object *obj = bo->obj;
	struct file *dmabuf = bo->dmabuf;
	unsigned long own;

	lockdep_assert_held(&obj->dev->object_name_lock);

	own = bo->nr_fds + to_panthor_bo(obj)->nr_noted;
	if (obj->dma_buf) {
		dmabuf = obj->dma_buf->file;
		own += 1 + bo->nr_handles;
	}
	if (dmabuf)
		return file_count(dmabuf) > own;

	/* One that has outlived the handles. */
	return panthor_gem_is_exported(obj);
}

/**
 * panthor_target_is_foreign() - Tell whether others use a BO of a target as well
 * @target: The memory.
 * @bo: One of its BOs.
 *
 * Context: Process context outside of reclaim, takes the device's object-name
 * lock and the BO's gpuva lock.
 *
 * Return: true if others do.
 */
bool panthor_target_is_foreign(const struct panthor_target *target,
			       const struct panthor_target_bo *bo)
{
	struct drm_gem_object *obj = bo->obj;
	struct drm_gpuvm_bo *vm_bo;

	if (drm_gem_is_imported(obj))
		return true;

	scoped_guard(mutex, &obj->dev->object_name_lock) {
		if (obj->handle_count > bo->nr_handles || is_exported_to_others(bo))
			return true;
	}

	guard(mutex)(&obj->gpuva.lock);
	drm_gem_for_each_gpuvm_bo(vm_bo, obj) {
		if (!has_vm(target, vm_bo->vm))
			return true;
	}

	return false;
}
