// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Requests for the memory of a client, for the sysfs files and the ioctl.
 *
 * A request for the memory of another process needs permission to read its
 * memory (PTRACE_MODE_READ_FSCREDS, which security modules see) and to influence
 * its performance (CAP_SYS_NICE), as process_madvise(2) does. A request for the
 * caller's own memory needs neither.
 */

#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/cred.h>
#include <linux/dma-resv.h>
#include <linux/pid.h>
#include <linux/ptrace.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/time64.h>

#include <drm/drm_drv.h>

#include "panthor_claim.h"
#include "panthor_client_memory.h"
#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim_set.h"
#include "panthor_reclaim_target.h"

/*
 * How long eviction waits for the jobs of the client. One in the background has
 * none, or finishes what was submitted before.
 */
#define RECLAIM_BUDGET_NS	((u64)NSEC_PER_SEC)

static bool may_act_on(struct task_struct *task)
{
	return ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS) && capable(CAP_SYS_NICE);
}

static bool permit(struct task_struct *task, const struct cred *opener)
{
	const struct cred *old;
	bool may;

	if (same_thread_group(task, current))
		return true;

	may = may_act_on(task);
	if (may && opener && opener != current_cred()) {
		old = override_creds(opener);
		may = may_act_on(task);
		revert_creds(old);
	}

	return may;
}

/**
 * panthor_client_init_target() - Collect the memory of a process that may be moved
 * @target: Gets it.
 * @ptdev: Device.
 * @pid: The process, to which the caller has a reference.
 * @opener: Credentials with which the file was opened that the request comes
 *	    through, NULL if they do not matter. They and those of the current
 *	    task both have to allow it.
 *
 * The process cannot become another program between being looked at and having
 * its memory collected.
 *
 * Context: As panthor_target_init().
 *
 * Return: 0 on success, -EPERM if it is not allowed, -ESRCH if the process is gone
 * or has no file of the device open, -ENOMEM if there is no memory, -ERESTARTSYS on
 * a fatal signal.
 */
int panthor_client_init_target(struct panthor_target *target, struct panthor_device *ptdev,
			       struct pid *pid, const struct cred *opener)
{
	struct task_struct *task = get_pid_task(pid, PIDTYPE_TGID);
	int ret;

	if (!task)
		return -ESRCH;

	ret = down_read_killable(&task->signal->exec_update_lock) ? -ERESTARTSYS : 0;
	if (!ret) {
		ret = permit(task, opener) ? panthor_target_init(target, ptdev, pid) : -EPERM;
		up_read(&task->signal->exec_update_lock);
	}
	put_task_struct(task);

	return ret;
}

/**
 * struct client_reclaim - A request to evict the memory of a client
 */
struct client_reclaim {
	/** @set: The BOs. */
	struct panthor_reclaim_set set;

	/** @target: The memory. */
	struct panthor_target *target;

	/** @cookie: Of drm_dev_enter(). */
	int cookie;
};

static struct client_reclaim *to_client_reclaim(struct panthor_reclaim_set *set)
{
	return container_of(set, struct client_reclaim, set);
}

static bool is_foreign(struct panthor_reclaim_set *set,
		       const struct panthor_reclaim_set_entry *entry)
{
	struct panthor_target *target = to_client_reclaim(set)->target;

	return panthor_target_is_foreign(target, &target->bos[entry->index]);
}

static bool is_cancelled(struct panthor_reclaim_set *set)
{
	return panthor_target_is_cancelled(to_client_reclaim(set)->target);
}

static bool enter_device(struct panthor_reclaim_set *set)
{
	struct client_reclaim *cr = to_client_reclaim(set);

	return drm_dev_enter(&cr->target->ptdev->base, &cr->cookie);
}

static void exit_device(struct panthor_reclaim_set *set)
{
	drm_dev_exit(to_client_reclaim(set)->cookie);
}

/* If not all are to go, those go first that are cheapest to have back. */
static int compare_entries(const void *a, const void *b)
{
	const struct panthor_reclaim_set_entry *entry_a = a, *entry_b = b;

	return cmp_int(READ_ONCE(entry_a->bo->class), READ_ONCE(entry_b->bo->class));
}

static int init_set(struct client_reclaim *cr)
{
	struct panthor_target *target = cr->target;
	struct panthor_reclaim_set *set = &cr->set;

	set->nr_entries = target->nr_bos;
	set->entries = kvzalloc_objs(*set->entries, set->nr_entries, GFP_KERNEL_ACCOUNT);
	if (!set->entries)
		return -ENOMEM;

	for (unsigned long i = 0; i < set->nr_entries; i++) {
		set->entries[i].bo = &to_panthor_bo(target->bos[i].obj)->reclaim;
		set->entries[i].index = i;
	}
	if (set->max_pages)
		sort(set->entries, set->nr_entries, sizeof(*set->entries), compare_entries,
		     NULL);

	return 0;
}

static void add_up(const struct panthor_reclaim_set *set, struct panthor_client_request *req)
{
	for (unsigned long i = 0; i < set->nr_entries; i++) {
		u64 size = (u64)set->entries[i].bo->nr_pages << PAGE_SHIFT;

		if (set->entries[i].state == PANTHOR_RECLAIM_SET_NOSWAP)
			req->noswap += size;
	}
	req->done += (u64)set->evicted << PAGE_SHIFT;
}

static unsigned long to_pages(u64 bytes)
{
	return min_t(u64, DIV_ROUND_UP_ULL(min_t(u64, bytes, S64_MAX), PAGE_SIZE), ULONG_MAX);
}

/**
 * panthor_client_reclaim() - Evict the memory of a client and write it to swap
 * @target: The memory.
 * @req: Request, gets what has been done.
 *
 * Context: Process context, no lock of the driver held. Sleeps for jobs and I/O.
 *
 * Return: As panthor_reclaim_evict_set(), and -ENOMEM if there is no memory.
 */
int panthor_client_reclaim(struct panthor_target *target, struct panthor_client_request *req)
{
	struct client_reclaim cr = {
		.target = target,
		.set = {
			.budget_ns = req->nowait ? 0 : RECLAIM_BUDGET_NS,
			.max_pages = to_pages(req->bytes),
			.nowait = req->nowait,
			.is_foreign = is_foreign,
			.is_cancelled = is_cancelled,
			.enter = enter_device,
			.exit = exit_device,
		},
	};
	int ret;

	ret = init_set(&cr);
	if (ret)
		return ret;

	ret = panthor_target_begin_reclaim(target);
	if (!ret) {
		ret = panthor_reclaim_evict_set(target->ptdev->reclaim, &cr.set);
		panthor_target_end_reclaim(target);
	}
	add_up(&cr.set, req);
	kvfree(cr.set.entries);

	return ret;
}

static u64 evicted_bytes(const struct panthor_target *target)
{
	u64 bytes = 0;

	for (unsigned long i = 0; i < target->nr_bos; i++) {
		if (READ_ONCE(to_panthor_bo(target->bos[i].obj)->evicted))
			bytes += target->bos[i].obj->size;
	}

	return bytes;
}

/**
 * panthor_client_claim() - Bring the memory of a client back
 * @target: The memory.
 * @req: Request, gets what has been done.
 *
 * Context: As panthor_claim(). Sleeps also until requests to evict any of the
 * memory have ended, which they do soon.
 *
 * Return: As panthor_claim().
 */
int panthor_client_claim(struct panthor_target *target, struct panthor_client_request *req)
{
	u64 before, after;
	int ret;

	ret = panthor_target_begin_claim(target);
	before = evicted_bytes(target);
	if (!ret)
		ret = panthor_claim(target, to_pages(req->bytes), req->best_effort);
	after = evicted_bytes(target);
	panthor_target_end_claim(target);
	req->done += before - min(before, after);

	return ret;
}

/**
 * panthor_client_query() - See where the memory of a client is
 * @target: The memory.
 * @req: Gets it.
 *
 * Context: As panthor_target_is_foreign(). Things may change meanwhile.
 */
void panthor_client_query(struct panthor_target *target, struct panthor_client_request *req)
{
	req->resident = 0;
	req->evicted = 0;
	req->busy = 0;
	req->shared = 0;

	for (unsigned long i = 0; i < target->nr_bos; i++) {
		struct panthor_target_bo *tbo = &target->bos[i];
		struct panthor_gem_object *bo = to_panthor_bo(tbo->obj);
		u64 size = tbo->obj->size;

		if (panthor_target_is_foreign(target, tbo))
			req->shared += size;
		if (READ_ONCE(bo->evicted))
			req->evicted += size;
		if (!READ_ONCE(bo->backing.pages))
			continue;

		req->resident += size;
		if (refcount_read(&bo->backing.pin_count) ||
		    !dma_resv_test_signaled(tbo->obj->resv, DMA_RESV_USAGE_BOOKKEEP))
			req->busy += size;
		cond_resched();
	}
}

/**
 * panthor_client_count() - Add up the memory of a file for fdinfo
 * @file: The file, which the caller keeps open.
 * @resident: Grows by the bytes in memory of what has no handle in the file: BOs
 *	      of the driver, and those that are mapped and whose handles are closed.
 * @evicted: Grows by the bytes of all that has been evicted.
 *
 * Context: Process context, in any process. Takes op_locks of VMs and sleeps.
 *
 * Return: 0 on success, -ENOMEM if there is no memory, -ERESTARTSYS on a fatal
 * signal.
 */
int panthor_client_count(struct drm_file *file, u64 *resident, u64 *evicted)
{
	struct panthor_target target;
	int ret;

	ret = panthor_target_init_count(&target, file);
	if (ret)
		return ret;

	for (unsigned long i = 0; i < target.nr_bos; i++) {
		struct panthor_gem_object *bo = to_panthor_bo(target.bos[i].obj);

		if (READ_ONCE(bo->evicted))
			*evicted += bo->base.size;
		else if (!target.bos[i].nr_handles && READ_ONCE(bo->backing.pages))
			*resident += bo->base.size;
	}
	panthor_target_fini(&target);

	return 0;
}
