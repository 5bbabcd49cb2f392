// SPDX-License-Identifier: GPL-2.0 or MIT

/**
 * DOC: reclaim
 *
 * The policy decides which GPU memory is evicted under memory pressure, and when.
 * The mechanism (tearing mappings down, giving pages back) is in panthor_evict.c,
 * panthor_mmu.c and panthor_gem.c. The policy reaches it only through struct
 * panthor_reclaim_ops, which KUnit replaces.
 *
 * Classes and lists
 * =================
 *
 * Every BO is filed under one class (enum panthor_reclaim_class), which says
 * what it takes to evict it. panthor_reclaim_classify() computes the class from
 * the BO's state, panthor_reclaim_bo_file() files the BO, and nothing else
 * touches the lists or the counters. The mechanism calls the latter, with the
 * BO's resv and GPU mapping list locked, whenever one of the facts changes.
 *
 * Unused, mmapped and shared BOs are in one list each, coldest first. Private
 * BOs are listed with their VM, because the cost of evicting them is per VM (one
 * look at its fences, one flush). VMs are in a list, coldest first. A VM moves to
 * the warm end when it gets a job and when all of it is brought back, but not when
 * its group gets a slot of the GPU: the scheduler gives free slots to idle groups.
 * A BO that is swapped in is filed anew, which puts it at the warm end.
 *
 * Accounts
 * ========
 *
 * Reclaim can be limited to the BOs that are charged to one account. The account
 * is opaque to the policy: its counters follow the class of its BOs, and a limited
 * scan asks &panthor_reclaim_account_ops.wants before it isolates a BO. The lists
 * are those of the device, coldest first, regardless of who is charged. A scan
 * skips BOs of other accounts, and whole VMs of them: a VM knows the account of its
 * private BOs as long as all have the same one, which is nearly always.
 *
 * Scans
 * =====
 *
 * A scan goes through the classes, cheapest first, and stops as soon as its
 * target is reached. It may overshoot by less than the last BO. It evicts the
 * private BOs of all idle VMs, and waits only if it has got nothing by then. It
 * spends its one budget of waiting time on the busy VM that is closest to done: the
 * one with the fewest unfinished fences, and among those the one that got its last
 * job first. It waits for a VM once at most. So one pass of mm over any amount of
 * memory waits in vain once: a wait that gives nothing stops the pass.
 *
 * A scan's state (target, budget, results) is on its caller's stack. Its place
 * in a list is an entry of its own, a cursor, so that lists keep their order
 * and scans do not hide list members from each other. A scan isolates what it
 * works on: one flag per BO or VM, set and cleared under the lock. Other scans
 * skip it and take the next one, so that two reclaimers both progress.
 *
 * Evicted pages are written to swap before the scan returns, after all locks
 * of the driver are released. Pages count as reclaimed if they have left memory
 * by then or are under writeback. Unpinning alone does not count. Without free
 * swap, or where I/O is not allowed, nothing is evicted: it could not leave memory,
 * and its next user would have to restore it for nothing.
 *
 * Locks
 * =====
 *
 * Outside of reclaim the order is
 *
 *	VM resv, BO resv, BO gpuva lock, VM op_lock, AS slots lock.
 *
 * Memory is allocated with the first two held, so reclaim is called below them. It
 * trylocks resv, gpuva lock and op_lock, and skips a BO or VM when that fails. It
 * may take the AS slots lock, with which nothing is ever allocated. CPU mappings
 * are torn down before the gpuva lock and the op_lock are taken, and only when the
 * resv is locked, the fences have signalled and the class is one that can be
 * evicted. i_mmap_rwsem ranks above the gpuva lock. It ranks above the op_lock
 * because MMU notifiers wait for fences, and the work that signals the fence of a
 * bind takes the op_lock.
 *
 * &panthor_reclaim.lock is a spinlock and ranks below all of these. It is held
 * for list operations only. The counters are written under it and read without
 * it: counting takes no lock.
 *
 * References
 * ==========
 *
 * Reclaim takes a reference on what it isolates, under the lock, unless the object
 * is being freed. The lists hold none: BOs and VMs are unlisted before they are
 * freed. Reclaim's reference may become the last one. Freeing a VM takes locks under
 * which memory is allocated, and freeing a BO waits for writeback, so a worker drops
 * the last reference (&panthor_reclaim.put_work).
 *
 * Waiting
 * =======
 *
 * Waiting for a fence in reclaim is allowed as long as no allocation that may
 * reclaim is on the way to signalling it. The budget bounds what a mistake there
 * costs. No lock of the driver is held meanwhile.
 */

#include <linux/bug.h>
#include <linux/container_of.h>
#include <linux/ktime.h>
#include <linux/sched/mm.h>

#include "panthor_reclaim_private.h"

/**
 * panthor_reclaim_classify() - Compute the class of a BO
 * @facts: State of the BO.
 *
 * Context: Any.
 *
 * Return: The class.
 */
enum panthor_reclaim_class
panthor_reclaim_classify(const struct panthor_reclaim_facts *facts)
{
	if (!facts->resident || facts->pinned || facts->imported)
		return PANTHOR_RECLAIM_UNRECLAIMABLE;

	if (facts->nr_vms > 1)
		return PANTHOR_RECLAIM_SHARED;

	if (facts->nr_vms)
		return PANTHOR_RECLAIM_PRIVATE;

	return facts->mmapped ? PANTHOR_RECLAIM_MMAPPED : PANTHOR_RECLAIM_UNUSED;
}

static void count_bo(struct panthor_reclaim *reclaim,
		     const struct panthor_reclaim_bo *bo, int sign)
{
	long nr_pages = sign * (long)bo->nr_pages;

	atomic_long_add(sign, &reclaim->nr_bos[bo->class]);
	atomic_long_add(nr_pages, &reclaim->nr_pages[bo->class]);

	if (bo->account) {
		atomic_long_add(sign, &bo->account->nr_bos[bo->class]);
		atomic_long_add(nr_pages, &bo->account->nr_pages[bo->class]);
	}

	if (bo->evicted) {
		atomic_long_add(sign, &reclaim->evicted_bos);
		atomic_long_add(nr_pages, &reclaim->evicted_pages);
	}
}

/**
 * panthor_reclaim_count_charged() - Count the private BOs charged to an account
 * @vm: The VM that has them.
 * @account: The account.
 *
 * Context: &panthor_reclaim.lock held.
 *
 * Return: Number of BOs.
 */
unsigned long panthor_reclaim_count_charged(const struct panthor_reclaim_vm *vm,
					    const struct panthor_reclaim_account *account)
{
	const struct panthor_reclaim_bo *bo = NULL;
	unsigned long n = 0;

	while ((bo = panthor_reclaim_next_private_bo(vm, bo)))
		n += bo->account == account;

	return n;
}

static void charge_vm(struct panthor_reclaim_vm *vm, const struct panthor_reclaim_bo *bo)
{
	if (bo->account == vm->account)
		vm->nr_account++;
}

/* A VM hardly ever has BOs of more than one account, so this is for the rare cases. */
static void uncharge_vm(struct panthor_reclaim_vm *vm, const struct panthor_reclaim_bo *bo)
{
	const struct panthor_reclaim_bo *first;

	if (bo->account != vm->account || --vm->nr_account)
		return;

	first = panthor_reclaim_next_private_bo(vm, NULL);
	if (first) {
		vm->account = first->account;
		vm->nr_account = panthor_reclaim_count_charged(vm, first->account);
	}
}

static void unlist_bo(struct panthor_reclaim_bo *bo)
{
	struct panthor_reclaim_vm *vm = bo->vm;

	list_del_init(&bo->node.link);
	bo->vm = NULL;

	if (!vm)
		return;

	uncharge_vm(vm, bo);
	if (!--vm->nr_bos)
		list_del_init(&vm->node.link);
}

static void list_bo(struct panthor_reclaim *reclaim, struct panthor_reclaim_bo *bo,
		    struct panthor_reclaim_vm *vm)
{
	switch (bo->class) {
	case PANTHOR_RECLAIM_UNRECLAIMABLE:
		return;

	case PANTHOR_RECLAIM_PRIVATE:
		bo->vm = vm;
		list_add_tail(&bo->node.link, &vm->bos);
		if (!vm->nr_bos)
			vm->account = bo->account;
		charge_vm(vm, bo);
		if (!vm->nr_bos++)
			list_add_tail(&vm->node.link, &reclaim->vms);
		return;

	default:
		list_add_tail(&bo->node.link, &reclaim->bos[bo->class]);
	}
}

/**
 * panthor_reclaim_bo_file() - File a BO under the class its state asks for
 * @reclaim: The device's reclaim.
 * @bo: The BO.
 * @facts: State of the BO.
 *
 * A BO whose class changes goes to the warm end of its new list, others stay
 * where they are.
 *
 * Context: The BO's resv and gpuva lock are held, or no other task can reach the
 * BO, so that @facts stay true. Does not sleep.
 */
void panthor_reclaim_bo_file(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_bo *bo,
			     const struct panthor_reclaim_facts *facts)
{
	enum panthor_reclaim_class class = panthor_reclaim_classify(facts);
	struct panthor_reclaim_vm *vm = class == PANTHOR_RECLAIM_PRIVATE ? facts->vm : NULL;
	bool evicted = facts->evicted && !facts->resident && !facts->imported;

	if (WARN_ON_ONCE(class == PANTHOR_RECLAIM_PRIVATE && !vm))
		return;

	spin_lock(&reclaim->lock);
	if (bo->class != class || bo->vm != vm || bo->evicted != evicted) {
		if (evicted && !bo->evicted) {
			bo->evictions++;
			bo->written = 0;
		}
		count_bo(reclaim, bo, -1);
		unlist_bo(bo);
		bo->class = class;
		bo->evicted = evicted;
		list_bo(reclaim, bo, vm);
		count_bo(reclaim, bo, 1);
	}
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_bo_written() - Record that pages of an evicted BO have left
 * @reclaim: The device's reclaim.
 * @bo: The BO.
 * @evictions: &panthor_reclaim_bo.evictions before they were written. What has come
 *	       back and gone again since then has not left.
 * @nr_pages: Number of pages from the first on.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_bo_written(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_bo *bo, unsigned int evictions,
				unsigned long nr_pages)
{
	spin_lock(&reclaim->lock);
	if (bo->evicted && bo->evictions == evictions)
		bo->written = nr_pages;
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_bo_charge() - Record the account of a BO's pages
 * @reclaim: The device's reclaim.
 * @bo: The BO.
 * @account: The account. The caller's reference becomes the BO's.
 *
 * Context: Whatever keeps the BO's pages from being replaced is held. Does not
 * sleep.
 */
void panthor_reclaim_bo_charge(struct panthor_reclaim *reclaim,
			       struct panthor_reclaim_bo *bo,
			       struct panthor_reclaim_account *account)
{
	struct panthor_reclaim_vm *vm;

	spin_lock(&reclaim->lock);
	vm = bo->vm;
	count_bo(reclaim, bo, -1);
	unlist_bo(bo);
	swap(bo->account, account);
	list_bo(reclaim, bo, vm);
	count_bo(reclaim, bo, 1);
	spin_unlock(&reclaim->lock);

	if (account)
		reclaim->account_ops->put(reclaim, account);
}

/**
 * panthor_reclaim_bo_touch() - Move a BO to the warm end of its list
 * @reclaim: The device's reclaim.
 * @bo: The BO.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_bo_touch(struct panthor_reclaim *reclaim,
			      struct panthor_reclaim_bo *bo)
{
	spin_lock(&reclaim->lock);
	if (bo->vm)
		list_move_tail(&bo->node.link, &bo->vm->bos);
	else if (bo->class != PANTHOR_RECLAIM_UNRECLAIMABLE)
		list_move_tail(&bo->node.link, &reclaim->bos[bo->class]);
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_bo_init() - Prepare a BO for reclaim
 * @bo: The BO, zeroed. It starts without pages and thus unreclaimable.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_bo_init(struct panthor_reclaim_bo *bo)
{
	INIT_LIST_HEAD(&bo->node.link);
	INIT_LIST_HEAD(&bo->all.link);
	INIT_LIST_HEAD(&bo->victims);
	bo->class = PANTHOR_RECLAIM_UNRECLAIMABLE;
}

/**
 * panthor_reclaim_bo_add() - Make a new BO known to reclaim
 * @reclaim: The device's reclaim.
 * @bo: The BO, ready for use.
 * @nr_pages: Its size in pages.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_bo_add(struct panthor_reclaim *reclaim,
			    struct panthor_reclaim_bo *bo, unsigned long nr_pages)
{
	bo->nr_pages = nr_pages;

	spin_lock(&reclaim->lock);
	list_add_tail(&bo->all.link, &reclaim->all);
	count_bo(reclaim, bo, 1);
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_bo_fini() - Forget a BO that is being freed
 * @reclaim: The device's reclaim.
 * @bo: The BO, to which no reference is left. It may never have been added.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_bo_fini(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_bo *bo)
{
	struct panthor_reclaim_account *account = bo->account;

	spin_lock(&reclaim->lock);
	if (!list_empty(&bo->all.link)) {
		WARN_ON_ONCE(bo->isolated);
		count_bo(reclaim, bo, -1);
		unlist_bo(bo);
		list_del_init(&bo->all.link);
	}
	bo->account = NULL;
	spin_unlock(&reclaim->lock);

	if (account)
		reclaim->account_ops->put(reclaim, account);
}

/**
 * panthor_reclaim_vm_init() - Prepare a VM for reclaim
 * @vm: The VM, zeroed.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_vm_init(struct panthor_reclaim_vm *vm)
{
	INIT_LIST_HEAD(&vm->node.link);
	INIT_LIST_HEAD(&vm->bos);
}

/**
 * panthor_reclaim_vm_fini() - Forget a VM that is being freed
 * @reclaim: The device's reclaim.
 * @vm: The VM, to which no reference is left and which maps nothing.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_vm_fini(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_vm *vm)
{
	spin_lock(&reclaim->lock);
	WARN_ON_ONCE(vm->isolated || vm->nr_bos);
	list_del_init(&vm->node.link);
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_vm_touch() - Move a VM to the warm end
 * @reclaim: The device's reclaim.
 * @vm: The VM that got a job or was brought back.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_vm_touch(struct panthor_reclaim *reclaim,
			      struct panthor_reclaim_vm *vm)
{
	spin_lock(&reclaim->lock);
	vm->touched = ktime_get();
	if (vm->nr_bos)
		list_move_tail(&vm->node.link, &reclaim->vms);
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_vm_hold() - Exclude a VM's private BOs from scans
 * @reclaim: The device's reclaim.
 * @vm: The VM. A scan that has isolated it already goes on.
 *
 * Context: Any, does not sleep. Has to be undone within bounded time, by
 * panthor_reclaim_vm_release().
 */
void panthor_reclaim_vm_hold(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_vm *vm)
{
	spin_lock(&reclaim->lock);
	vm->held++;
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_vm_release() - Undo panthor_reclaim_vm_hold()
 * @reclaim: The device's reclaim.
 * @vm: The VM.
 * @keep_ns: Time in nanoseconds for which scans that respect it still skip the
 *	     VM, as long as it gets jobs. 0 keeps the time set before.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_vm_release(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_vm *vm, u64 keep_ns)
{
	spin_lock(&reclaim->lock);
	if (!WARN_ON_ONCE(!vm->held))
		vm->held--;
	if (keep_ns)
		vm->keep_until = ktime_add_ns(ktime_get(), keep_ns);
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_reclaimable() - Size of all BOs that may be evicted
 * @reclaim: The device's reclaim.
 *
 * Context: Any, takes no lock.
 *
 * Return: Pages of the BOs of all classes but unreclaimable, in use or not.
 */
unsigned long panthor_reclaim_reclaimable(struct panthor_reclaim *reclaim)
{
	return panthor_reclaim_sum_pages(reclaim->nr_pages);
}

/**
 * panthor_reclaim_resident_pages() - Size of all BOs that are not evicted
 * @reclaim: The device's reclaim.
 *
 * BOs that never had pages count as well.
 *
 * Context: Any, takes no lock.
 *
 * Return: Pages.
 */
unsigned long panthor_reclaim_resident_pages(struct panthor_reclaim *reclaim)
{
	unsigned long sum = 0;

	for (int i = 0; i < PANTHOR_RECLAIM_CLASS_COUNT; i++)
		sum += max(atomic_long_read(&reclaim->nr_pages[i]), 0L);

	return sum - min(sum, max(atomic_long_read(&reclaim->evicted_pages), 0L));
}

/**
 * panthor_reclaim_vm_pages() - Size of the private BOs of a VM that have pages
 * @reclaim: The device's reclaim.
 * @vm: The VM.
 *
 * Context: Any, does not sleep, but takes time that grows with the BOs.
 *
 * Return: Pages.
 */
unsigned long panthor_reclaim_vm_pages(struct panthor_reclaim *reclaim,
				       struct panthor_reclaim_vm *vm)
{
	const struct panthor_reclaim_bo *bo = NULL;
	unsigned long count = 0;

	spin_lock(&reclaim->lock);
	while ((bo = panthor_reclaim_next_private_bo(vm, bo)))
		count += bo->nr_pages;
	spin_unlock(&reclaim->lock);

	return count;
}

/**
 * panthor_reclaim_swap_pages() - Free swap space
 * @reclaim: The device's reclaim.
 *
 * Context: Any, takes no lock.
 *
 * Return: Pages, 0 if there is no swap.
 */
unsigned long panthor_reclaim_swap_pages(struct panthor_reclaim *reclaim)
{
	return reclaim->ops->swap_pages();
}

static bool is_to_be_kept(const struct panthor_reclaim_vm *vm)
{
	ktime_t now = ktime_get();

	return ktime_before(now, vm->keep_until) &&
	       ktime_to_ns(ktime_sub(now, vm->touched)) < PANTHOR_RECLAIM_KEEP_IDLE_NS;
}

/**
 * panthor_reclaim_vm_is_kept() - Check whether a VM is held or kept
 * @reclaim: The device's reclaim.
 * @vm: The VM.
 *
 * Context: Any, does not sleep.
 *
 * Return: true if it is held, or the time to keep it is not over.
 */
bool panthor_reclaim_vm_is_kept(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_vm *vm)
{
	bool kept;

	spin_lock(&reclaim->lock);
	kept = vm->held || is_to_be_kept(vm);
	spin_unlock(&reclaim->lock);

	return kept;
}

/**
 * panthor_reclaim_vm_is_young() - Check whether the time to keep a VM is not over
 * @reclaim: The device's reclaim.
 * @vm: The VM, which is idle right now.
 *
 * Context: Any, does not sleep.
 *
 * Return: true if a scan that respects it has to skip the VM.
 */
bool panthor_reclaim_vm_is_young(struct panthor_reclaim *reclaim,
				 struct panthor_reclaim_vm *vm)
{
	bool young;

	spin_lock(&reclaim->lock);
	young = is_to_be_kept(vm);
	spin_unlock(&reclaim->lock);

	return young;
}

/**
 * panthor_reclaim_vm_found_busy() - Record that a VM has jobs
 * @reclaim: The device's reclaim.
 * @vm: The VM.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_vm_found_busy(struct panthor_reclaim *reclaim,
				   struct panthor_reclaim_vm *vm)
{
	spin_lock(&reclaim->lock);
	vm->touched = ktime_get();
	spin_unlock(&reclaim->lock);
}

/**
 * panthor_reclaim_init() - Prepare reclaim of a device's memory
 * @reclaim: The device's reclaim, zeroed.
 * @ops: The mechanism.
 * @name: Name of the device, which has to outlive @reclaim.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_init(struct panthor_reclaim *reclaim,
			  const struct panthor_reclaim_ops *ops, const char *name)
{
	reclaim->ops = ops;
	reclaim->name = name;
	spin_lock_init(&reclaim->lock);
	INIT_LIST_HEAD(&reclaim->all);
	INIT_LIST_HEAD(&reclaim->vms);
	for (int i = 0; i < PANTHOR_RECLAIM_CLASS_COUNT; i++)
		INIT_LIST_HEAD(&reclaim->bos[i]);
	init_llist_head(&reclaim->dead_vms);
	init_llist_head(&reclaim->dead_bos);
	INIT_WORK(&reclaim->put_work, panthor_reclaim_put_dead);
}

/**
 * panthor_reclaim_fini() - Undo panthor_reclaim_init()
 * @reclaim: The device's reclaim. No BO and no VM may be left.
 *
 * Context: Process context, sleeps.
 */
void panthor_reclaim_fini(struct panthor_reclaim *reclaim)
{
	flush_work(&reclaim->put_work);
	WARN_ON(!list_empty(&reclaim->all) || !list_empty(&reclaim->vms));
	WARN_ON(panthor_reclaim_check(reclaim));
}

/**
 * panthor_reclaim_set_accounts() - Have BOs charged to accounts
 * @reclaim: The device's reclaim, not registered yet. There are no BOs.
 * @ops: What knows about accounts.
 * @accounts: For @ops.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_set_accounts(struct panthor_reclaim *reclaim,
				  const struct panthor_reclaim_account_ops *ops,
				  void *accounts)
{
	reclaim->accounts = accounts;
	reclaim->account_ops = ops;
}

/**
 * panthor_reclaim_set_print_more() - Add lines to panthor_reclaim_print()
 * @reclaim: The device's reclaim, not visible to user space yet.
 * @print_more: Prints them.
 * @data: Argument of @print_more.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_set_print_more(struct panthor_reclaim *reclaim,
				    void (*print_more)(void *data, struct drm_printer *p),
				    void *data)
{
	reclaim->print_data = data;
	reclaim->print_more = print_more;
}
