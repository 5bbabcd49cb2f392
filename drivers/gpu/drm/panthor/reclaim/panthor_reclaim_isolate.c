// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * A scan isolates what it works on: one flag per BO or VM, set and cleared under
 * &panthor_reclaim.lock. Other scans skip it and take the next one. The place of a
 * scan in a list is a cursor, an entry of the list that is no BO or VM.
 */

#include <linux/errno.h>

#include "panthor_reclaim_private.h"

/**
 * panthor_reclaim_cursor_enter() - Begin to walk a list
 * @reclaim: The device's reclaim.
 * @cursor: Place in the list, uninitialized. Becomes the first entry.
 * @list: The list.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_cursor_enter(struct panthor_reclaim *reclaim,
				  struct panthor_reclaim_node *cursor,
				  struct list_head *list)
{
	cursor->cursor = true;

	spin_lock(&reclaim->lock);
	list_add(&cursor->link, list);
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_cursor_leave() - End the walk of a list
 * @reclaim: The device's reclaim.
 * @cursor: Place in the list.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_cursor_leave(struct panthor_reclaim *reclaim,
				  struct panthor_reclaim_node *cursor)
{
	spin_lock(&reclaim->lock);
	list_del(&cursor->link);
	spin_unlock(&reclaim->lock);
}

static bool wants_bo(struct panthor_reclaim *reclaim,
		     const struct panthor_reclaim_scan *scan,
		     const struct panthor_reclaim_bo *bo)
{
	return !scan->limited || reclaim->account_ops->wants(reclaim, scan, bo->account);
}

static bool wants_vm(struct panthor_reclaim *reclaim,
		     const struct panthor_reclaim_scan *scan,
		     const struct panthor_reclaim_vm *vm)
{
	const struct panthor_reclaim_bo *bo = NULL;

	if (!scan->limited)
		return true;

	/* Nearly always one account has all of them. */
	if (reclaim->account_ops->wants(reclaim, scan, vm->account))
		return true;

	if (vm->nr_account == vm->nr_bos)
		return false;

	while ((bo = panthor_reclaim_next_private_bo(vm, bo))) {
		if (wants_bo(reclaim, scan, bo))
			return true;
	}

	return false;
}

/**
 * panthor_reclaim_isolate_next_bo() - Isolate the next BO that a scan may take
 * @reclaim: The device's reclaim.
 * @scan: The scan.
 * @cursor: Its place in @list, which moves behind the BO.
 * @list: BOs of a class, or private BOs of a VM.
 *
 * Context: Any, does not sleep.
 *
 * Return: The BO with a reference, NULL at the end of the list.
 */
struct panthor_reclaim_bo *
panthor_reclaim_isolate_next_bo(struct panthor_reclaim *reclaim,
				const struct panthor_reclaim_scan *scan,
				struct panthor_reclaim_node *cursor,
				struct list_head *list)
{
	struct panthor_reclaim_node *node = cursor;
	struct panthor_reclaim_bo *found = NULL;

	spin_lock(&reclaim->lock);
	while ((node = panthor_reclaim_next_node(&node->link, list))) {
		struct panthor_reclaim_bo *bo;

		bo = container_of(node, struct panthor_reclaim_bo, node);
		if (bo->isolated || !wants_bo(reclaim, scan, bo) ||
		    !reclaim->ops->get_bo(bo))
			continue;

		bo->isolated = true;
		list_move(&cursor->link, &node->link);
		found = bo;
		break;
	}
	spin_unlock(&reclaim->lock);

	return found;
}

static bool is_off_limits(struct panthor_reclaim_scan *scan, const struct panthor_reclaim_vm *vm)
{
	if (vm->held)
		return true;

	scan->busy |= vm->isolated;

	return vm->isolated;
}

/**
 * panthor_reclaim_isolate_next_vm() - Isolate the next VM that a scan may take from
 * @reclaim: The device's reclaim.
 * @scan: The scan. Is told if another scan works on a VM.
 * @cursor: Its place among the VMs, which moves behind the VM.
 *
 * Context: Any, does not sleep.
 *
 * Return: The VM with a reference, NULL if there is no other one.
 */
struct panthor_reclaim_vm *
panthor_reclaim_isolate_next_vm(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_scan *scan,
				struct panthor_reclaim_node *cursor)
{
	struct panthor_reclaim_node *node = cursor;
	struct panthor_reclaim_vm *found = NULL;

	spin_lock(&reclaim->lock);
	while ((node = panthor_reclaim_next_node(&node->link, &reclaim->vms))) {
		struct panthor_reclaim_vm *vm;

		vm = container_of(node, struct panthor_reclaim_vm, node);
		if (!wants_vm(reclaim, scan, vm) || is_off_limits(scan, vm) ||
		    !reclaim->ops->get_vm(vm))
			continue;

		vm->isolated = true;
		list_move(&cursor->link, &node->link);
		found = vm;
		break;
	}
	spin_unlock(&reclaim->lock);

	return found;
}

/**
 * panthor_reclaim_isolate() - Isolate a given BO and, if it is private, its VM
 * @reclaim: The device's reclaim.
 * @bo: The BO, to which the caller has a reference.
 * @vm: If this is a VM, it is isolated already and the BO has to be private to it.
 *	If it is NULL it becomes the VM of a private BO, isolated and with a
 *	reference.
 *
 * Context: Any, does not sleep.
 *
 * Return: 0 on success, -EAGAIN if another scan works on the BO or its VM, if the
 * VM is held, or if the BO does not belong to the VM.
 */
int panthor_reclaim_isolate(struct panthor_reclaim *reclaim,
			    struct panthor_reclaim_bo *bo, struct panthor_reclaim_vm **vm)
{
	struct panthor_reclaim_vm *has = *vm;
	int ret = -EAGAIN;

	spin_lock(&reclaim->lock);
	if (bo->isolated || (bo->vm && bo->vm->held))
		goto out_unlock;

	if (has) {
		if (bo->vm != has)
			goto out_unlock;
	} else if (bo->vm) {
		if (bo->vm->isolated || !reclaim->ops->get_vm(bo->vm))
			goto out_unlock;

		*vm = bo->vm;
		(*vm)->isolated = true;
	}

	bo->isolated = true;
	ret = 0;

out_unlock:
	spin_unlock(&reclaim->lock);

	return ret;
}

/**
 * panthor_reclaim_putback_bo() - Let other scans have a BO
 * @reclaim: The device's reclaim.
 * @bo: The isolated BO. The caller keeps its reference.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_putback_bo(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_bo *bo)
{
	spin_lock(&reclaim->lock);
	bo->isolated = false;
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_putback_vm() - Let other scans have a VM
 * @reclaim: The device's reclaim.
 * @vm: The isolated VM. The caller keeps its reference.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_putback_vm(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_vm *vm)
{
	spin_lock(&reclaim->lock);
	vm->isolated = false;
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_get_vm() - Take a reference to a VM
 * @reclaim: The device's reclaim.
 * @vm: The VM.
 *
 * Context: Any, does not sleep.
 *
 * Return: false if the VM is being freed.
 */
bool panthor_reclaim_get_vm(struct panthor_reclaim *reclaim,
			    struct panthor_reclaim_vm *vm)
{
	bool got;

	spin_lock(&reclaim->lock);
	got = reclaim->ops->get_vm(vm);
	spin_unlock(&reclaim->lock);

	return got;
}

/**
 * panthor_reclaim_put_vm() - Drop a reference to a VM within reclaim
 * @reclaim: The device's reclaim.
 * @vm: The VM. A worker drops the last reference.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_put_vm(struct panthor_reclaim *reclaim,
			    struct panthor_reclaim_vm *vm)
{
	if (reclaim->ops->put_vm_unless_last(vm))
		return;

	/*
	 * No other task has the VM, so no other can add it: a task that gets a
	 * reference from the list meanwhile drops one that is not the last.
	 */
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_DEFERRED_PUTS, 1);
	llist_add(&vm->dead, &reclaim->dead_vms);
	queue_work(system_dfl_wq, &reclaim->put_work);
}

/**
 * panthor_reclaim_put_bo() - Drop a reference to a BO within reclaim
 * @reclaim: The device's reclaim.
 * @bo: The BO.
 *
 * Freeing a BO truncates its file, which waits for folio locks and for the
 * writeback that reclaim has just started. The last reference goes to a worker.
 *
 * Context: Any that may not free a BO, does not sleep.
 */
void panthor_reclaim_put_bo(struct panthor_reclaim *reclaim,
			    struct panthor_reclaim_bo *bo)
{
	if (reclaim->ops->put_bo_unless_last(bo))
		return;

	/* As for VMs. */
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_DEFERRED_PUTS, 1);
	llist_add(&bo->dead, &reclaim->dead_bos);
	queue_work(system_dfl_wq, &reclaim->put_work);
}

/**
 * panthor_reclaim_put_dead() - Drop the last references to VMs and BOs
 * @work: &panthor_reclaim.put_work
 *
 * Context: Process context outside of reclaim, sleeps.
 */
void panthor_reclaim_put_dead(struct work_struct *work)
{
	struct panthor_reclaim *reclaim = container_of(work, struct panthor_reclaim, put_work);
	struct llist_node *dead_vms = llist_del_all(&reclaim->dead_vms);
	struct llist_node *dead_bos = llist_del_all(&reclaim->dead_bos);
	struct panthor_reclaim_vm *vm, *next_vm;
	struct panthor_reclaim_bo *bo, *next_bo;

	llist_for_each_entry_safe(vm, next_vm, dead_vms, dead)
		reclaim->ops->put_vm(vm);
	llist_for_each_entry_safe(bo, next_bo, dead_bos, dead)
		reclaim->ops->put_bo(bo);
}
