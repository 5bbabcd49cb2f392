// SPDX-License-Identifier: GPL-2.0 or MIT

/**
 * DOC: reclaim
 *
 * This file decides which GPU memory goes under memory pressure, and when. How
 * it goes (tearing mappings down, giving pages back) is the business of
 * panthor_evict.c, panthor_mmu.c and panthor_gem.c; the policy reaches that
 * mechanism only through struct panthor_reclaim_ops, which KUnit replaces.
 *
 * What is kept
 * ============
 *
 * Every BO is filed under one class (enum panthor_reclaim_class), which says
 * what it takes to evict it. panthor_reclaim_classify() computes the class from
 * the BO's state, panthor_reclaim_bo_file() files the BO, and nothing else
 * touches the lists or the counters. The mechanism calls the latter, with the
 * BO's resv and GPU mapping list locked, whenever one of the facts changed.
 *
 * Unused, mmapped and shared BOs are in one list each, coldest first. Private
 * BOs hang off their VM, because evicting them costs something per VM (is it
 * idle? one flush) and little per BO. VMs are in a list, coldest first: a VM
 * moves to the warm end when it gets a job and when all of it is brought back.
 * That its group is given a slot of the GPU says nothing: the scheduler gives free
 * slots to idle groups, too. A BO that comes back is filed anew and thereby at the
 * warm end.
 *
 * Who pays
 * ========
 *
 * Reclaim can be for those only whose BOs are charged to somebody in particular.
 * A BO then has an account, of whom this file knows no more than that: the
 * account's counters follow the class of its BOs, and a limited scan asks
 * &panthor_reclaim_account_ops.wants before it claims anything. All lists are
 * those of the device, coldest first, whoever pays. What others pay for is
 * stepped over, VM by VM: a VM notes whose its private BOs are as long as all
 * have the same account, which is nearly always.
 *
 * What a scan does
 * ================
 *
 * A scan goes through the classes, cheapest first, and stops as soon as its
 * target is reached: it may overshoot by less than the last BO. All private BOs
 * of idle VMs go before any time is spent waiting. What is then left of the
 * scan's one budget of waiting time goes to the busy VM that is closest to
 * done: the one with the fewest unfinished fences, and among those the one
 * that got its last job first. A VM is waited for once in a scan at most.
 *
 * A scan's state (target, budget, results) is on its caller's stack. Its place
 * in a list is an entry of its own, a cursor, so that lists keep their order
 * and scans do not hide list members from each other. What a scan works on it
 * claims: one flag per BO or VM, set and cleared under the lock. Other scans
 * step over it and take the next one, so that two reclaimers both progress.
 *
 * Evicted pages are written to swap before the scan returns, after all locks
 * of the driver are released. What counts as reclaimed is what has left memory
 * by then or is under writeback, not what was merely unpinned. Without free
 * swap, or where I/O is not allowed, nothing is evicted at all: it could not
 * leave, and its owner would pay for nothing.
 *
 * Locks
 * =====
 *
 * Outside of reclaim the order is
 *
 *	VM resv, BO resv, BO gpuva lock, VM op_lock, AS slots lock.
 *
 * Memory is allocated with the first two held, so reclaim comes in from below
 * them: it trylocks resv, gpuva lock and op_lock, and steps over what it cannot
 * have. It may take the AS slots lock, with which nothing is ever allocated.
 * CPU mappings are torn down before the gpuva lock is taken (i_mmap_rwsem ranks
 * above it), and after the resv lock has been had, the fences have been found
 * signalled and the class has been found to be worth it.
 *
 * &panthor_reclaim.lock is a spinlock and ranks below all of these. It is held
 * for list operations only. The counters are written under it and read without
 * it: counting takes no lock.
 *
 * References
 * ==========
 *
 * Reclaim takes a reference on what it claims, under the lock, unless it is
 * being freed already. Neither list holds one: BOs and VMs are unlisted before
 * they are freed. Reclaim's reference on a BO may become the last one; freeing
 * a BO takes no sleeping lock. Its reference on a VM may, too, but freeing a VM
 * sleeps on locks under which memory is allocated, so the last reference goes
 * to a worker (&panthor_reclaim.put_work).
 *
 * Waiting
 * =======
 *
 * Waiting for a fence in reclaim is allowed as long as nobody allocates with
 * reclaim on the way to signalling it; the budget bounds what a mistake there
 * costs. No lock of the driver is held meanwhile.
 */

#include <linux/bug.h>
#include <linux/container_of.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/shrinker.h>
#include <linux/swap.h>

#include <drm/drm_print.h>

#include "panthor_reclaim.h"

#define CREATE_TRACE_POINTS
#include "panthor_reclaim_trace.h"

static const char * const class_names[PANTHOR_RECLAIM_CLASS_COUNT] = {
	[PANTHOR_RECLAIM_UNUSED] = "unused",
	[PANTHOR_RECLAIM_MMAPPED] = "mmapped",
	[PANTHOR_RECLAIM_PRIVATE] = "private",
	[PANTHOR_RECLAIM_SHARED] = "shared",
	[PANTHOR_RECLAIM_UNRECLAIMABLE] = "unreclaimable",
};

static const char * const stat_names[PANTHOR_RECLAIM_STAT_COUNT] = {
	[PANTHOR_RECLAIM_STAT_SCANS] = "scans",
	[PANTHOR_RECLAIM_STAT_SCANNED_PAGES] = "scanned_pages",
	[PANTHOR_RECLAIM_STAT_EVICTED_BOS] = "evicted_bos",
	[PANTHOR_RECLAIM_STAT_EVICTED_PAGES] = "evicted_pages",
	[PANTHOR_RECLAIM_STAT_FREED_PAGES] = "freed_pages",
	[PANTHOR_RECLAIM_STAT_WRITTEN_PAGES] = "written_pages",
	[PANTHOR_RECLAIM_STAT_SKIP_BUSY] = "skip_busy",
	[PANTHOR_RECLAIM_STAT_SKIP_LOCKED] = "skip_locked",
	[PANTHOR_RECLAIM_STAT_SKIP_PINNED] = "skip_pinned",
	[PANTHOR_RECLAIM_STAT_SKIP_GPU] = "skip_gpu",
	[PANTHOR_RECLAIM_STAT_SKIP_NOSWAP] = "skip_noswap",
	[PANTHOR_RECLAIM_STAT_SKIP_NOIO] = "skip_noio",
	[PANTHOR_RECLAIM_STAT_SKIP_FOREIGN] = "skip_foreign",
	[PANTHOR_RECLAIM_STAT_WAITS] = "waits",
	[PANTHOR_RECLAIM_STAT_WAIT_TIMEOUTS] = "wait_timeouts",
	[PANTHOR_RECLAIM_STAT_WAIT_US] = "wait_us",
	[PANTHOR_RECLAIM_STAT_SCAN_US] = "scan_us",
	[PANTHOR_RECLAIM_STAT_FLUSHES] = "flushes",
	[PANTHOR_RECLAIM_STAT_FLUSHED_BYTES] = "flushed_bytes",
	[PANTHOR_RECLAIM_STAT_DEFERRED_PUTS] = "deferred_puts",
	[PANTHOR_RECLAIM_STAT_RESTORES] = "restores",
	[PANTHOR_RECLAIM_STAT_RESTORED_VMAS] = "restored_vmas",
	[PANTHOR_RECLAIM_STAT_SWAPPED_IN_BOS] = "swapped_in_bos",
	[PANTHOR_RECLAIM_STAT_SWAPPED_IN_PAGES] = "swapped_in_pages",
};

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

static struct panthor_reclaim_bo *next_private_bo(const struct panthor_reclaim_vm *vm,
						  const struct panthor_reclaim_bo *bo)
{
	const struct list_head *link = bo ? &bo->node.link : &vm->bos;

	while ((link = link->next) != &vm->bos) {
		struct panthor_reclaim_node *node;

		node = list_entry(link, struct panthor_reclaim_node, link);
		if (!node->cursor)
			return container_of(node, struct panthor_reclaim_bo, node);
	}

	return NULL;
}

static unsigned long count_charged(const struct panthor_reclaim_vm *vm,
				   const struct panthor_reclaim_account *account)
{
	const struct panthor_reclaim_bo *bo = NULL;
	unsigned long n = 0;

	while ((bo = next_private_bo(vm, bo)))
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

	first = next_private_bo(vm, NULL);
	if (first) {
		vm->account = first->account;
		vm->nr_account = count_charged(vm, first->account);
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
 * Context: Called with whatever keeps @facts true: the BO's resv and gpuva
 * lock, or nothing when nobody else can know the BO. Does not sleep.
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
 * panthor_reclaim_bo_charge() - Note who the pages of a BO are charged to
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
		WARN_ON_ONCE(bo->claimed);
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
	WARN_ON_ONCE(vm->claimed || vm->nr_bos);
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
 * panthor_reclaim_vm_hold() - Have all scans leave the private BOs of a VM alone
 * @reclaim: The device's reclaim.
 * @vm: The VM, whose jobs need what it has in memory. Scans that have claimed
 *	it already go on.
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
 * @keep_ns: Time in nanoseconds for which scans that respect it leave the VM
 *	     alone still, as long as it gets jobs. 0 leaves what was asked for
 *	     before.
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
 * Return: Pages of the BOs of all classes but unreclaimable, whether somebody
 * uses them now or not.
 */
unsigned long panthor_reclaim_reclaimable(struct panthor_reclaim *reclaim)
{
	return panthor_reclaim_sum_pages(reclaim->nr_pages);
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
	struct panthor_reclaim_node *node;
	unsigned long count = 0;

	spin_lock(&reclaim->lock);
	list_for_each_entry(node, &vm->bos, link) {
		if (!node->cursor)
			count += container_of(node, struct panthor_reclaim_bo, node)->nr_pages;
	}
	spin_unlock(&reclaim->lock);

	return count;
}

static bool is_to_be_kept(const struct panthor_reclaim_vm *vm)
{
	ktime_t now = ktime_get();

	return ktime_before(now, vm->keep_until) &&
	       ktime_to_ns(ktime_sub(now, vm->touched)) < PANTHOR_RECLAIM_KEEP_IDLE_NS;
}

/**
 * panthor_reclaim_vm_is_kept() - Is it too early to ask a VM for its memory?
 * @reclaim: The device's reclaim.
 * @vm: The VM.
 *
 * Context: Any, does not sleep.
 *
 * Return: true if the VM is held, or still to be kept.
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

static void cursor_enter(struct panthor_reclaim *reclaim,
			 struct panthor_reclaim_node *cursor, struct list_head *list)
{
	cursor->cursor = true;

	spin_lock(&reclaim->lock);
	list_add(&cursor->link, list);
	spin_unlock(&reclaim->lock);
}

static void cursor_leave(struct panthor_reclaim *reclaim,
			 struct panthor_reclaim_node *cursor)
{
	spin_lock(&reclaim->lock);
	list_del(&cursor->link);
	spin_unlock(&reclaim->lock);
}

static bool wants_bo(const struct panthor_reclaim *reclaim,
		     const struct panthor_reclaim_scan *scan,
		     const struct panthor_reclaim_bo *bo)
{
	return !scan->limited || reclaim->account_ops->wants(scan, bo->account);
}

static bool wants_vm(const struct panthor_reclaim *reclaim,
		     const struct panthor_reclaim_scan *scan,
		     const struct panthor_reclaim_vm *vm)
{
	const struct panthor_reclaim_bo *bo = NULL;

	if (!scan->limited)
		return true;

	/* Nearly always one account has all of them. */
	if (reclaim->account_ops->wants(scan, vm->account))
		return true;

	if (vm->nr_account == vm->nr_bos)
		return false;

	while ((bo = next_private_bo(vm, bo))) {
		if (wants_bo(reclaim, scan, bo))
			return true;
	}

	return false;
}

static struct panthor_reclaim_bo *
claim_next_bo(struct panthor_reclaim *reclaim, const struct panthor_reclaim_scan *scan,
	      struct panthor_reclaim_node *cursor, struct list_head *list)
{
	struct panthor_reclaim_node *node = cursor;
	struct panthor_reclaim_bo *found = NULL;

	spin_lock(&reclaim->lock);
	list_for_each_entry_continue(node, list, link) {
		struct panthor_reclaim_bo *bo;

		if (node->cursor)
			continue;

		bo = container_of(node, struct panthor_reclaim_bo, node);
		if (bo->claimed || !wants_bo(reclaim, scan, bo) ||
		    !reclaim->ops->get_bo(bo))
			continue;

		bo->claimed = true;
		list_move(&cursor->link, &node->link);
		found = bo;
		break;
	}
	spin_unlock(&reclaim->lock);

	return found;
}

static void release_bo(struct panthor_reclaim *reclaim, struct panthor_reclaim_bo *bo)
{
	spin_lock(&reclaim->lock);
	bo->claimed = false;
	spin_unlock(&reclaim->lock);

	reclaim->ops->put_bo(bo);
}

static bool is_off_limits(struct panthor_reclaim_scan *scan, const struct panthor_reclaim_vm *vm)
{
	if (vm->held)
		return true;

	scan->busy |= vm->claimed;

	return vm->claimed;
}

static struct panthor_reclaim_vm *
claim_next_vm(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
	      struct panthor_reclaim_node *cursor)
{
	struct panthor_reclaim_node *node = cursor;
	struct panthor_reclaim_vm *found = NULL;

	spin_lock(&reclaim->lock);
	list_for_each_entry_continue(node, &reclaim->vms, link) {
		struct panthor_reclaim_vm *vm;

		if (node->cursor)
			continue;

		vm = container_of(node, struct panthor_reclaim_vm, node);
		if (!wants_vm(reclaim, scan, vm) || is_off_limits(scan, vm) ||
		    !reclaim->ops->get_vm(vm))
			continue;

		vm->claimed = true;
		list_move(&cursor->link, &node->link);
		found = vm;
		break;
	}
	spin_unlock(&reclaim->lock);

	return found;
}

static void release_vm(struct panthor_reclaim *reclaim, struct panthor_reclaim_vm *vm)
{
	spin_lock(&reclaim->lock);
	vm->claimed = false;
	spin_unlock(&reclaim->lock);

	if (reclaim->ops->put_vm_unless_last(vm))
		return;

	/*
	 * Nobody but us has the VM, so nobody else can add it: whoever gets a
	 * reference from the list meanwhile drops one that is not the last.
	 */
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_DEFERRED_PUTS, 1);
	llist_add(&vm->dead, &reclaim->dead_vms);
	queue_work(system_dfl_wq, &reclaim->put_work);
}

static void put_dead_vms(struct work_struct *work)
{
	struct panthor_reclaim *reclaim = container_of(work, struct panthor_reclaim, put_work);
	struct llist_node *dead = llist_del_all(&reclaim->dead_vms);
	struct panthor_reclaim_vm *vm, *next;

	llist_for_each_entry_safe(vm, next, dead, dead)
		reclaim->ops->put_vm(vm);
}

static void note_skip(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		      int err)
{
	switch (err) {
	case -EBUSY:
		scan->busy = true;
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SKIP_BUSY, 1);
		break;
	case -EAGAIN:
		scan->contended = true;
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SKIP_LOCKED, 1);
		break;
	case -EIO:
		scan->busy = true;
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SKIP_GPU, 1);
		break;
	case -EPERM:
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SKIP_PINNED, 1);
		break;
	}
}

static bool wants_more(const struct panthor_reclaim_scan *scan)
{
	return scan->evicted < scan->target && !scan->interrupted;
}

/*
 * Account for a BO that has been evicted, and have its pages written. The locks
 * have been released: the BO may come back at any time, its pages then stay.
 */
static void bo_is_out(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		      struct panthor_reclaim_bo *bo)
{
	unsigned long writeback = 0;

	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_EVICTED_BOS, 1);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_EVICTED_PAGES, bo->nr_pages);

	reclaim->ops->write_out(bo, false, &scan->freed, &writeback);

	/* Only wait once everything is on its way. */
	if (scan->wait_writeback) {
		list_add_tail(&bo->victims, &scan->leaving);
		return;
	}

	scan->writeback += writeback;
	release_bo(reclaim, bo);
}

static void wait_for_writeback(struct panthor_reclaim *reclaim,
			       struct panthor_reclaim_scan *scan)
{
	struct panthor_reclaim_bo *bo, *next;

	list_for_each_entry_safe(bo, next, &scan->leaving, victims) {
		list_del_init(&bo->victims);
		reclaim->ops->write_out(bo, true, &scan->freed, &scan->writeback);
		release_bo(reclaim, bo);
	}
}

/**
 * panthor_reclaim_restored() - Account that a VM's evicted mappings were restored
 * @reclaim: The device's reclaim.
 * @vm: The VM.
 * @nr_vmas: Number of mappings.
 * @ns: Time it took, preparing their page tables included, in nanoseconds.
 * @result: 0, or the error that kept others from being restored.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_restored(struct panthor_reclaim *reclaim,
			      const struct panthor_reclaim_vm *vm,
			      unsigned long nr_vmas, u64 ns, int result)
{
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_RESTORES, 1);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_RESTORED_VMAS, nr_vmas);
	trace_panthor_reclaim_restore(reclaim, vm, nr_vmas, ns, result);
}

/* Returns whether what was waited for is idle. */
static bool account_wait(struct panthor_reclaim *reclaim,
			 struct panthor_reclaim_scan *scan, ktime_t start, int err)
{
	u64 ns = ktime_to_ns(ktime_sub(ktime_get(), start));

	scan->budget_ns -= min(ns, scan->budget_ns);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_WAITS, 1);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_WAIT_US,
				 div_u64(ns, NSEC_PER_USEC));
	if (err)
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_WAIT_TIMEOUTS, 1);
	trace_panthor_reclaim_wait(reclaim, scan, ns, err);
	if (err == -ERESTARTSYS)
		scan->interrupted = true;

	return !err;
}

static int evict_bo(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		    struct panthor_reclaim_bo *bo, bool may_wait)
{
	ktime_t start;
	int ret;

	ret = reclaim->ops->evict_bo(bo);
	if (ret != -EBUSY || !may_wait || !scan->budget_ns)
		return ret;

	start = ktime_get();
	if (!account_wait(reclaim, scan, start,
			  reclaim->ops->wait_bo(bo, scan->budget_ns, scan->interruptible)))
		return ret;

	return reclaim->ops->evict_bo(bo);
}

/* BOs of a class whose members are evicted one by one. */
static void scan_class(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		       enum panthor_reclaim_class class, bool may_wait)
{
	struct list_head *list = &reclaim->bos[class];
	struct panthor_reclaim_node cursor;
	struct panthor_reclaim_bo *bo;
	long left;

	/* What comes to the warm end meanwhile is not for this scan. */
	left = atomic_long_read(&reclaim->nr_bos[class]);
	if (!left)
		return;

	cursor_enter(reclaim, &cursor, list);
	while (wants_more(scan) && left-- > 0) {
		int ret;

		bo = claim_next_bo(reclaim, scan, &cursor, list);
		if (!bo)
			break;

		scan->scanned += bo->nr_pages;
		ret = evict_bo(reclaim, scan, bo, may_wait);
		trace_panthor_reclaim_evict(reclaim, scan, bo, class, ret);
		if (ret) {
			note_skip(reclaim, scan, ret);
			release_bo(reclaim, bo);
			continue;
		}

		scan->evicted += bo->nr_pages;
		bo_is_out(reclaim, scan, bo);
	}
	cursor_leave(reclaim, &cursor);
}

/* One round with the VM's locks held. Returns whether there should be another. */
static bool sweep_vm(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		     struct panthor_reclaim_vm *vm, struct panthor_reclaim_node *cursor,
		     long *left, struct list_head *victims)
{
	struct panthor_reclaim_bo *bo;

	while (wants_more(scan) && (*left)-- > 0) {
		int ret;

		bo = claim_next_bo(reclaim, scan, cursor, &vm->bos);
		if (!bo)
			return false;

		scan->scanned += bo->nr_pages;
		ret = reclaim->ops->evict_vm_bo(vm, bo);
		trace_panthor_reclaim_evict(reclaim, scan, bo, PANTHOR_RECLAIM_PRIVATE, ret);
		if (ret && ret != -ENOSPC) {
			note_skip(reclaim, scan, ret);
			release_bo(reclaim, bo);
			continue;
		}

		scan->evicted += bo->nr_pages;
		list_add_tail(&bo->victims, victims);
		if (ret)
			return true;
	}

	return false;
}

/* Take note of a VM's jobs. Returns whether the VM, though idle, is to be kept. */
static bool note_jobs(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		      struct panthor_reclaim_vm *vm, int begun)
{
	bool kept = false;

	spin_lock(&reclaim->lock);
	if (begun == -EBUSY)
		vm->touched = ktime_get();
	else if (!begun && scan->respect_keep)
		kept = is_to_be_kept(vm);
	spin_unlock(&reclaim->lock);

	scan->busy |= kept;

	return kept;
}

/* The private BOs of a claimed VM. */
static int scan_vm(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
		   struct panthor_reclaim_vm *vm, unsigned int *pending)
{
	struct panthor_reclaim_node cursor;
	struct panthor_reclaim_bo *bo, *next;
	bool again;
	long left;
	int ret;

	left = READ_ONCE(vm->nr_bos);
	cursor_enter(reclaim, &cursor, &vm->bos);
	do {
		LIST_HEAD(victims);

		ret = reclaim->ops->begin_vm(vm, pending);
		again = !note_jobs(reclaim, scan, vm, ret);
		if (ret)
			break;

		if (again)
			again = sweep_vm(reclaim, scan, vm, &cursor, &left, &victims);

		ret = reclaim->ops->end_vm(vm, &victims);
		list_for_each_entry_safe(bo, next, &victims, victims) {
			list_del_init(&bo->victims);
			if (!ret) {
				bo_is_out(reclaim, scan, bo);
				continue;
			}

			scan->evicted -= bo->nr_pages;
			release_bo(reclaim, bo);
		}
	} while (again && !ret);
	cursor_leave(reclaim, &cursor);

	trace_panthor_reclaim_vm(reclaim, scan, vm, ret, *pending);
	if (ret)
		note_skip(reclaim, scan, ret);

	return ret;
}

/*
 * Private BOs of all idle VMs. Returns, claimed, the busy VM that is worth
 * waiting for, if there is any time to wait.
 */
static struct panthor_reclaim_vm *
scan_idle_vms(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan)
{
	struct panthor_reclaim_vm *vm, *best = NULL;
	struct panthor_reclaim_node cursor;
	unsigned int best_pending = 0;

	cursor_enter(reclaim, &cursor, &reclaim->vms);
	while (wants_more(scan)) {
		unsigned int pending = 0;

		vm = claim_next_vm(reclaim, scan, &cursor);
		if (!vm)
			break;

		/*
		 * The list is coldest first, so among VMs with as many fences
		 * the first one got its last job before the others.
		 */
		if (scan_vm(reclaim, scan, vm, &pending) == -EBUSY &&
		    scan->budget_ns && vm->tried != scan->seq &&
		    (!best || pending < best_pending)) {
			swap(vm, best);
			best_pending = pending;
		}

		if (vm)
			release_vm(reclaim, vm);
	}
	cursor_leave(reclaim, &cursor);

	return best;
}

/* Returns the next VM worth waiting for. */
static struct panthor_reclaim_vm *
scan_busy_vm(struct panthor_reclaim *reclaim, struct panthor_reclaim_scan *scan,
	     struct panthor_reclaim_vm *vm)
{
	ktime_t start = ktime_get();
	unsigned int pending = 0;
	bool idle;

	vm->tried = scan->seq;
	idle = account_wait(reclaim, scan, start,
			    reclaim->ops->wait_vm(vm, scan->budget_ns, scan->interruptible));
	if (idle)
		scan_vm(reclaim, scan, vm, &pending);
	release_vm(reclaim, vm);

	return wants_more(scan) && scan->budget_ns ? scan_idle_vms(reclaim, scan) : NULL;
}

/**
 * panthor_reclaim_run() - Do one scan
 * @reclaim: The device's reclaim.
 * @scan: What is asked for. Gets the results. All results have to be zero.
 *
 * Context: Process context, may be reclaim in which I/O is allowed. No lock of
 * the driver may be held. Sleeps: for jobs as long as @scan->budget_ns says,
 * and for swap I/O.
 *
 * Return: Number of pages that have left memory or are on their way to swap.
 */
unsigned long panthor_reclaim_run(struct panthor_reclaim *reclaim,
				  struct panthor_reclaim_scan *scan)
{
	unsigned long swap_pages = reclaim->ops->swap_pages();
	struct panthor_reclaim_vm *busy;
	ktime_t start = ktime_get();

	INIT_LIST_HEAD(&scan->leaving);
	scan->seq = atomic64_inc_return(&reclaim->seq);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SCANS, 1);
	trace_panthor_reclaim_scan_begin(reclaim, scan);

	if (!swap_pages)
		panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SKIP_NOSWAP, 1);

	scan->target = min(scan->target, swap_pages);
	scan_class(reclaim, scan, PANTHOR_RECLAIM_UNUSED, false);
	scan_class(reclaim, scan, PANTHOR_RECLAIM_MMAPPED, false);
	busy = scan_idle_vms(reclaim, scan);
	scan_class(reclaim, scan, PANTHOR_RECLAIM_SHARED, false);

	while (busy && wants_more(scan))
		busy = scan_busy_vm(reclaim, scan, busy);
	if (busy)
		release_vm(reclaim, busy);
	if (scan->budget_ns)
		scan_class(reclaim, scan, PANTHOR_RECLAIM_SHARED, true);

	wait_for_writeback(reclaim, scan);

	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SCANNED_PAGES, scan->scanned);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_FREED_PAGES, scan->freed);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_WRITTEN_PAGES, scan->writeback);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SCAN_US,
				 ktime_us_delta(ktime_get(), start));
	trace_panthor_reclaim_scan_end(reclaim, scan);

	return scan->freed + scan->writeback;
}

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
 * Return: Number of reclaimable pages for which there is swap space, as a
 * hint; SHRINK_EMPTY if nothing is reclaimable.
 */
unsigned long panthor_reclaim_shrinker_count(struct panthor_reclaim *reclaim,
					     struct shrink_control *sc)
{
	unsigned long count;

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
 * 0 if nothing could be had because of contention, so that trying again makes
 * sense; SHRINK_STOP if nothing can be had from here.
 */
unsigned long panthor_reclaim_shrinker_scan(struct panthor_reclaim *reclaim,
					    struct shrink_control *sc)
{
	struct panthor_reclaim_scan scan = {
		.target = sc->nr_to_scan,
		.budget_ns = may_wait(sc) ? PANTHOR_RECLAIM_WAIT_BUDGET_NS : 0,
	};
	unsigned long reclaimed;

	/* Stopping leaves the work to the next one who may do I/O. */
	sc->nr_scanned = 0;
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
		reclaim->account_ops->freed(reclaim, &scan);
	else
		mm_account_reclaimed_pages(scan.freed);

	if (reclaimed)
		return reclaimed;

	/* The caller goes on until it has scanned enough, so this ends. */
	if (scan.contended) {
		sc->nr_scanned = max(scan.scanned, sc->nr_to_scan);
		return 0;
	}

	return SHRINK_STOP;
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
	INIT_WORK(&reclaim->put_work, put_dead_vms);
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
 * panthor_reclaim_register() - Let mm call us
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
 * panthor_reclaim_unregister() - Make sure that mm calls us no more
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

struct tally {
	long nr_bos[PANTHOR_RECLAIM_CLASS_COUNT];
	long nr_pages[PANTHOR_RECLAIM_CLASS_COUNT];
	long evicted_bos;
	long evicted_pages;
};

static long listed(const struct list_head *list)
{
	const struct panthor_reclaim_node *node;
	long n = 0;

	list_for_each_entry(node, list, link)
		n += !node->cursor;

	return n;
}

static unsigned int check_vms(struct panthor_reclaim *reclaim, long *nr_private)
{
	struct panthor_reclaim_node *node;
	unsigned int errors = 0;

	*nr_private = 0;
	list_for_each_entry(node, &reclaim->vms, link) {
		struct panthor_reclaim_vm *vm;

		if (node->cursor)
			continue;

		vm = container_of(node, struct panthor_reclaim_vm, node);
		errors += listed(&vm->bos) != vm->nr_bos || !vm->nr_bos;
		errors += !vm->nr_account || count_charged(vm, vm->account) != vm->nr_account;
		*nr_private += vm->nr_bos;
	}

	return errors;
}

/**
 * panthor_reclaim_check() - Compare lists and counters with a walk over all BOs
 * @reclaim: The device's reclaim.
 *
 * Context: Any, does not sleep, but takes time that grows with the BOs.
 *
 * Return: Number of things that disagree.
 */
unsigned int panthor_reclaim_check(struct panthor_reclaim *reclaim)
{
	struct panthor_reclaim_node *node;
	unsigned int errors;
	struct tally t = {};
	long nr_private;

	spin_lock(&reclaim->lock);
	list_for_each_entry(node, &reclaim->all, link) {
		struct panthor_reclaim_bo *bo;

		if (node->cursor)
			continue;

		bo = container_of(node, struct panthor_reclaim_bo, all);
		t.nr_bos[bo->class]++;
		t.nr_pages[bo->class] += bo->nr_pages;
		t.evicted_bos += bo->evicted;
		t.evicted_pages += bo->evicted ? bo->nr_pages : 0;
	}

	errors = check_vms(reclaim, &nr_private);
	errors += nr_private != t.nr_bos[PANTHOR_RECLAIM_PRIVATE];
	errors += atomic_long_read(&reclaim->evicted_bos) != t.evicted_bos;
	errors += atomic_long_read(&reclaim->evicted_pages) != t.evicted_pages;
	for (int i = 0; i < PANTHOR_RECLAIM_CLASS_COUNT; i++) {
		errors += atomic_long_read(&reclaim->nr_bos[i]) != t.nr_bos[i];
		errors += atomic_long_read(&reclaim->nr_pages[i]) != t.nr_pages[i];
		if (i != PANTHOR_RECLAIM_PRIVATE && i != PANTHOR_RECLAIM_UNRECLAIMABLE)
			errors += listed(&reclaim->bos[i]) != t.nr_bos[i];
	}
	spin_unlock(&reclaim->lock);

	return errors;
}

static struct panthor_reclaim_bo *
get_next_bo(struct panthor_reclaim *reclaim, struct panthor_reclaim_node *cursor)
{
	struct panthor_reclaim_node *node = cursor;
	struct panthor_reclaim_bo *found = NULL;

	spin_lock(&reclaim->lock);
	list_for_each_entry_continue(node, &reclaim->all, link) {
		struct panthor_reclaim_bo *bo;

		if (node->cursor)
			continue;

		bo = container_of(node, struct panthor_reclaim_bo, all);
		if (!reclaim->ops->get_bo(bo))
			continue;

		list_move(&cursor->link, &node->link);
		found = bo;
		break;
	}
	spin_unlock(&reclaim->lock);

	return found;
}

/**
 * panthor_reclaim_count_misfiled() - Compare the class of every BO with its state
 * @reclaim: The device's reclaim.
 *
 * Context: Process context outside of reclaim, takes the locks of every BO.
 *
 * Return: Number of BOs filed under a class they do not belong to. While
 * mappings change this need not be zero.
 */
unsigned int panthor_reclaim_count_misfiled(struct panthor_reclaim *reclaim)
{
	struct panthor_reclaim_node cursor;
	struct panthor_reclaim_bo *bo;
	unsigned int misfiled = 0;

	cursor_enter(reclaim, &cursor, &reclaim->all);
	while ((bo = get_next_bo(reclaim, &cursor))) {
		misfiled += !reclaim->ops->filed_right(bo);
		reclaim->ops->put_bo(bo);
	}
	cursor_leave(reclaim, &cursor);

	return misfiled;
}

/**
 * panthor_reclaim_print() - Print counters and statistics
 * @reclaim: The device's reclaim.
 * @p: Where to print. One line per fact, name and decimal value.
 *
 * Context: Process context, does not sleep. No scan is kept from a BO by it.
 */
void panthor_reclaim_print(struct panthor_reclaim *reclaim, struct drm_printer *p)
{
	for (int i = 0; i < PANTHOR_RECLAIM_CLASS_COUNT; i++) {
		drm_printf(p, "class_%s_bos %ld\n", class_names[i],
			   atomic_long_read(&reclaim->nr_bos[i]));
		drm_printf(p, "class_%s_pages %ld\n", class_names[i],
			   atomic_long_read(&reclaim->nr_pages[i]));
	}
	drm_printf(p, "class_evicted_bos %ld\n", atomic_long_read(&reclaim->evicted_bos));
	drm_printf(p, "class_evicted_pages %ld\n", atomic_long_read(&reclaim->evicted_pages));

	for (int i = 0; i < PANTHOR_RECLAIM_STAT_COUNT; i++)
		drm_printf(p, "%s %ld\n", stat_names[i], atomic_long_read(&reclaim->stats[i]));

	if (reclaim->account_ops)
		reclaim->account_ops->print(reclaim, p);

	drm_printf(p, "swap_pages %lu\n", reclaim->ops->swap_pages());
	drm_printf(p, "invariant_errors %u\n", panthor_reclaim_check(reclaim));

	if (reclaim->print_more)
		reclaim->print_more(reclaim, p);
}
