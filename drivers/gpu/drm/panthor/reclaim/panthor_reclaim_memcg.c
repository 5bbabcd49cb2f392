// SPDX-License-Identifier: GPL-2.0 or MIT

/**
 * DOC: memcg
 *
 * Memory cgroups reach GPU memory: memory.max, memory.high and memory.reclaim
 * evict BOs that are charged to that cgroup, and no others.
 *
 * Accounts
 * ========
 *
 * shmem charges the pages of a BO to the memcg of the task that populates it. All BOs
 * of a device whose pages are charged to the same memcg have one account
 * (&struct memcg_account), which is what reclaim keeps of a memcg: how many BOs
 * and pages of every class are charged to it. A BO gets its account whenever its
 * pages are populated, from its first page. Pages of one BO can be charged to
 * several memcgs, when its first population was interrupted and another task
 * completed it. It then belongs to the account of the first page, and evicting it
 * also reduces the other memcgs' usage. Pages that are swapped in are charged to
 * the same memcg as before, so BOs keep their account when they are evicted and
 * when their owner has moved to another cgroup, as their pages do.
 *
 * An account belongs to an obj_cgroup, as the pages do, and has a reference to
 * it. That is how it follows its pages to the parent when the memcg goes away:
 * nothing is filed anew. A memcg may thus have several accounts. They live as
 * long as they have BOs.
 *
 * How mm finds them
 * =================
 *
 * mm calls a memcg-aware shrinker for a memcg only if list_lru says that there
 * is something to shrink. The items on the list_lru are accounts, not BOs: a
 * list_lru counts items, while mm has to be told pages, and it would cost two
 * more locks whenever a BO changes its class. The lists have one item each as a
 * rule, so counting takes one step. list_lru also moves accounts to the parent's
 * list. The list of a memcg must have been allocated, which is for the slab
 * allocator to do: an account is allocated for the memcg and charged to it, so
 * that list_lru_add_obj() can tell which list it is meant for.
 *
 * What is evicted
 * ===============
 *
 * If one memcg has to shrink, a scan takes only BOs of its accounts, in the
 * order in which reclaim always takes BOs. mm goes through the memcgs below on
 * its own. It also knows about protected memcgs and skips them.
 *
 * If all of memory has to shrink, mm calls the shrinker for one memcg after the
 * other, the root of all memcgs being one of them. Evicting from each in proportion
 * to its usage would evict the working set of an active cgroup
 * while others are idle. With many small cgroups it would evict nothing at all:
 * mm does not scan for less than a batch before it is about to give up. So the
 * root stands for the device: what is counted and taken for it is whatever is
 * coldest, regardless of who is charged, except for memcgs that are protected or have
 * no swap space left. Nothing is taken for the other memcgs then, unless mm has
 * decided to ignore their protection. The lists have the order of the device, so
 * the coldest BOs are found without a search, and a shortage of all memory does
 * not cost more with many cgroups than with one.
 *
 * What is swapped out
 * ===================
 *
 * A scan for one memcg waits until the pages have left memory: mm goes on, with
 * growing targets, until enough has been freed, and pages under writeback do not
 * count. The task that is over its limit is the one that waits.
 *
 * Nothing is evicted where mm would not swap anonymous memory: memory.swap.max
 * has been reached, or the swappiness is 0. That, and protection, also hold for
 * scans in the foreground, which mm does not ask for (panthor_room.c).
 *
 * Locks
 * =====
 *
 * &memcg_accounts.lock protects the hash table against changes, the locks within
 * the list_lru its lists. Both are innermost: neither is held while the other is
 * taken, nor while &panthor_reclaim.lock is taken. Counting walks the table under
 * RCU. Whether an account belongs to a memcg is asked with &panthor_reclaim.lock
 * held and under RCU.
 */

#include <linux/hashtable.h>
#include <linux/list_lru.h>
#include <linux/memcontrol.h>
#include <linux/memcontrol_swapout.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "panthor_device.h"
#include "panthor_reclaim_memcg.h"
#include "panthor_reclaim_private.h"

/**
 * struct memcg_account - What is charged to a memcg
 */
struct memcg_account {
	/** @base: Its BOs. */
	struct panthor_reclaim_account base;

	/** @objcg: What the pages are charged through, NULL for the root of all memcgs. */
	struct obj_cgroup *objcg;

	/** @refs: One for each BO. */
	refcount_t refs;

	/** @hash: Link in &memcg_accounts.by_objcg. */
	struct hlist_node hash;

	/** @lru: Link in &memcg_accounts.lru. */
	struct list_head lru;

	/**
	 * @refused: Sequence number of the last scan that may not take its BOs.
	 * Protected by &panthor_reclaim.lock.
	 */
	u64 refused;

	/** @rcu: Counting walks the hash table without a lock. */
	struct rcu_head rcu;
};

/**
 * struct memcg_accounts - The accounts of a device
 */
struct memcg_accounts {
	/** @aware: mm asks memcg by memcg. */
	bool aware;

	/** @lru: The accounts by memcg, for mm. */
	struct list_lru lru;

	/** @lock: Protects @by_objcg. */
	spinlock_t lock;

	/** @by_objcg: The accounts by obj_cgroup. */
	DECLARE_HASHTABLE(by_objcg, 6);

	/**
	 * @root: Account of what is charged to no memcg
	 *
	 * Also takes BOs for whose memcg there was no memory for an account.
	 */
	struct memcg_account root;

	/** @nr_accounts: Number of accounts, without @root. */
	atomic_long_t nr_accounts;

	/** @nr_unfiled: Times there was no memory for an account. */
	atomic_long_t nr_unfiled;

	/** @nr_scans: Scans on behalf of one memcg. */
	atomic_long_t nr_scans;

	/** @nr_evicted: Pages evicted in those. */
	atomic_long_t nr_evicted;

	/** @nr_noswap: Scans that found that nothing may be swapped. */
	atomic_long_t nr_noswap;
};

static struct kmem_cache *account_cache;

static struct memcg_account *to_account(const struct panthor_reclaim_account *base)
{
	return container_of(base, struct memcg_account, base);
}

static struct mem_cgroup *memcg_of(const struct memcg_account *account)
{
	return account->objcg ? obj_cgroup_memcg(account->objcg) : root_mem_cgroup;
}

static struct memcg_account *find_account(struct memcg_accounts *accounts,
					  struct obj_cgroup *objcg)
{
	struct memcg_account *account;

	lockdep_assert_held(&accounts->lock);

	hash_for_each_possible(accounts->by_objcg, account, hash, (unsigned long)objcg) {
		if (account->objcg == objcg && refcount_inc_not_zero(&account->refs))
			return account;
	}

	return NULL;
}

static struct memcg_account *alloc_account(struct memcg_accounts *accounts,
					   struct obj_cgroup *objcg)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_objcg(objcg);
	struct mem_cgroup *old = set_active_memcg(memcg);
	struct memcg_account *account;

	/* This is also what makes list_lru have a list for the memcg. */
	account = kmem_cache_alloc_lru(account_cache, &accounts->lru,
				       GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	set_active_memcg(old);
	mem_cgroup_put(memcg);
	if (!account)
		return NULL;

	obj_cgroup_get(objcg);
	account->objcg = objcg;
	refcount_set(&account->refs, 1);
	INIT_LIST_HEAD(&account->lru);

	return account;
}

static void free_account(struct memcg_account *account)
{
	obj_cgroup_put(account->objcg);
	kfree_rcu(account, rcu);
}

static struct memcg_account *get_account(struct memcg_accounts *accounts,
					 struct obj_cgroup *objcg)
{
	struct memcg_account *account, *new;

	scoped_guard(spinlock, &accounts->lock)
		account = find_account(accounts, objcg);
	if (account)
		return account;

	new = alloc_account(accounts, objcg);
	if (!new) {
		atomic_long_inc(&accounts->nr_unfiled);
		return &accounts->root;
	}

	scoped_guard(spinlock, &accounts->lock) {
		account = find_account(accounts, objcg);
		if (!account)
			hash_add_rcu(accounts->by_objcg, &new->hash, (unsigned long)objcg);
	}
	if (account) {
		free_account(new);
		return account;
	}

	atomic_long_inc(&accounts->nr_accounts);
	list_lru_add_obj(&accounts->lru, &new->lru);

	return new;
}

static void put_account(struct panthor_reclaim *reclaim, struct panthor_reclaim_account *base)
{
	struct memcg_accounts *accounts = reclaim->accounts;
	struct memcg_account *account = to_account(base);

	if (account == &accounts->root || !refcount_dec_and_test(&account->refs))
		return;

	scoped_guard(spinlock, &accounts->lock)
		hash_del_rcu(&account->hash);
	list_lru_del_obj(&accounts->lru, &account->lru);
	atomic_long_dec(&accounts->nr_accounts);
	free_account(account);
}

/**
 * panthor_reclaim_memcg_charge() - Record the memcg that a BO's pages are charged to
 * @reclaim: The device's reclaim.
 * @bo: BO that was just populated.
 * @first: Its first page.
 *
 * If there is no memory to remember a new memcg with, the BO is left to global
 * reclaim.
 *
 * Context: The BO's resv is held. May allocate memory.
 */
void panthor_reclaim_memcg_charge(struct panthor_reclaim *reclaim,
				  struct panthor_reclaim_bo *bo, struct page *first)
{
	struct memcg_accounts *accounts = reclaim->accounts;
	struct memcg_account *account;
	struct obj_cgroup *objcg;

	if (mem_cgroup_disabled())
		return;

	/* Our reference to the page keeps its charge. */
	objcg = folio_objcg(page_folio(first));
	if (bo->account && objcg && to_account(bo->account)->objcg == objcg)
		return;

	account = objcg && !obj_cgroup_is_root(objcg) ? get_account(accounts, objcg) :
							&accounts->root;
	panthor_reclaim_bo_charge(reclaim, bo, &account->base);
}

/**
 * panthor_reclaim_memcg_is_high() - Tell whether more of a BO exceeds a limit
 * @bo: BO that has been populated before.
 * @nr_pages: Number of pages that would be charged as those of the BO were.
 *
 * mm has tasks that exceed memory.high reclaim or wait in their own memcg, which is
 * not the one that is charged if they act on another process. One that is filled up
 * to memory.max by others leaves its own tasks to the OOM killer.
 *
 * Context: Any, does not sleep.
 *
 * Return: true if they exceed either, of the memcg or of one above it.
 */
bool panthor_reclaim_memcg_is_high(const struct panthor_reclaim_bo *bo, unsigned long nr_pages)
{
	const struct panthor_reclaim_account *account;
	struct mem_cgroup *memcg;

	if (mem_cgroup_disabled())
		return false;

	guard(rcu)();
	account = READ_ONCE(bo->account);
	memcg = account ? memcg_of(to_account(account)) : NULL;

	for (; memcg; memcg = parent_mem_cgroup(memcg)) {
		if (page_counter_read(&memcg->memory) + nr_pages >
		    min(READ_ONCE(memcg->memory.high), READ_ONCE(memcg->memory.max)))
			return true;
	}

	return false;
}

struct tally {
	unsigned long nr_accounts;
	unsigned long nr_pages;
};

static enum lru_status add_up(struct list_head *item, struct list_lru_one *list, void *arg)
{
	struct memcg_account *account = container_of(item, struct memcg_account, lru);
	struct tally *tally = arg;

	tally->nr_accounts++;
	tally->nr_pages += panthor_reclaim_sum_pages(account->base.nr_pages);

	return LRU_SKIP;
}

static void count_memcg(struct memcg_accounts *accounts, struct mem_cgroup *memcg,
			struct tally *tally)
{
	int nid;

	if (mem_cgroup_is_root(memcg)) {
		tally->nr_accounts++;
		tally->nr_pages += panthor_reclaim_sum_pages(accounts->root.base.nr_pages);
	}

	for_each_node_state(nid, N_NORMAL_MEMORY) {
		unsigned long all = ULONG_MAX;

		list_lru_walk_one(&accounts->lru, nid, memcg, add_up, tally, &all);
	}
}

static bool is_spared(struct mem_cgroup *memcg)
{
	return mem_cgroup_below_min(NULL, memcg) || mem_cgroup_below_low(NULL, memcg) ||
	       mem_cgroup_get_nr_swap_pages(memcg) <= 0;
}

/* All of memory is short, and mm has nothing special in mind with this memcg. */
static bool is_left_to_root(const struct shrink_control *sc, struct mem_cgroup *memcg)
{
	return sc->reclaim->global && !mem_cgroup_is_root(memcg) &&
	       !mem_cgroup_below_low(NULL, memcg);
}

static void count_device(struct memcg_accounts *accounts, struct tally *tally)
{
	struct memcg_account *account;
	int bucket;

	tally->nr_accounts++;
	tally->nr_pages += panthor_reclaim_sum_pages(accounts->root.base.nr_pages);

	guard(rcu)();
	hash_for_each_rcu(accounts->by_objcg, bucket, account, hash) {
		if (!is_spared(memcg_of(account)))
			tally->nr_pages += panthor_reclaim_sum_pages(account->base.nr_pages);
	}
}

static unsigned long count_objects(struct panthor_reclaim *reclaim, struct shrink_control *sc)
{
	struct mem_cgroup *memcg = sc->memcg ?: root_mem_cgroup;
	struct memcg_accounts *accounts = reclaim->accounts;
	struct tally tally = {};
	long swap_pages;

	if (!accounts->aware)
		tally.nr_pages = panthor_reclaim_reclaimable(reclaim);
	else if (sc->reclaim->global && mem_cgroup_is_root(memcg))
		count_device(accounts, &tally);
	else
		count_memcg(accounts, memcg, &tally);

	/*
	 * After this mm asks no more until there is another account. It has to
	 * ask again when evicted BOs of an account that is there come back.
	 */
	if (!tally.nr_pages && !tally.nr_accounts)
		return SHRINK_EMPTY;

	if (!sc->reclaim->may_swap || is_left_to_root(sc, memcg))
		return 0;

	swap_pages = mem_cgroup_get_nr_swap_pages(memcg);

	return min(tally.nr_pages, max(swap_pages, 0L));
}

static void limit_scan(struct panthor_reclaim *reclaim, struct shrink_control *sc,
		       struct panthor_reclaim_scan *scan)
{
	struct mem_cgroup *memcg = sc->memcg ?: root_mem_cgroup;
	struct memcg_accounts *accounts = reclaim->accounts;
	long swap_pages = 0;

	if (sc->reclaim->may_swap)
		swap_pages = mem_cgroup_get_nr_swap_pages(memcg);
	if (swap_pages <= 0)
		atomic_long_inc(&accounts->nr_noswap);
	scan->target = min(scan->target, max(swap_pages, 0L));

	if (!accounts->aware)
		return;

	scan->limited = true;
	scan->memcg = memcg;
	scan->global = sc->reclaim->global && mem_cgroup_is_root(memcg);
	if (sc->reclaim->global)
		return;

	/* Otherwise mm sees no progress and asks for ever more. */
	scan->wait_writeback = true;
	atomic_long_inc(&accounts->nr_scans);
}

static void limit_foreground(struct panthor_reclaim_scan *scan)
{
	if (mem_cgroup_disabled())
		return;

	scan->limited = true;
	scan->foreground = true;
	scan->memcg = root_mem_cgroup;
}

static bool wants_memcg(const struct panthor_reclaim_scan *scan,
			const struct memcg_account *account)
{
	struct mem_cgroup *memcg;

	guard(rcu)();
	memcg = memcg_of(account);
	if (scan->foreground)
		return mem_cgroup_may_swap_out(scan->memcg, memcg);

	/* mm has looked at the one it asks about. */
	if (memcg == scan->memcg)
		return true;

	return scan->global && !is_spared(memcg);
}

/*
 * What is refused stays so for the scan, so that stepping over many BOs costs one
 * look at their memcg and those above it. What is not refused is looked at anew
 * for each BO: it may get below its protection meanwhile.
 */
static bool wants_account(struct panthor_reclaim *reclaim,
			  const struct panthor_reclaim_scan *scan,
			  struct panthor_reclaim_account *base)
{
	struct memcg_accounts *accounts = reclaim->accounts;
	struct memcg_account *account = base ? to_account(base) : &accounts->root;

	if (account->refused == scan->seq)
		return false;

	if (wants_memcg(scan, account))
		return true;

	account->refused = scan->seq;

	return false;
}

static void account_freed(struct panthor_reclaim *reclaim, struct shrink_control *sc,
			  const struct panthor_reclaim_scan *scan)
{
	struct memcg_accounts *accounts = reclaim->accounts;

	if (!scan->limited || sc->reclaim->global) {
		mm_account_reclaimed_pages(scan->freed);
		return;
	}

	sc->reclaim->nr_charged += scan->freed;
	atomic_long_add(scan->evicted, &accounts->nr_evicted);
}

static void print_account(const struct memcg_account *account, struct drm_printer *p)
{
	u64 id;

	scoped_guard(rcu)
		id = mem_cgroup_id(memcg_of(account));

	drm_printf(p, "memcg_%llu_pages %lu\n", id,
		   panthor_reclaim_sum_pages(account->base.nr_pages));
	drm_printf(p, "memcg_%llu_unreclaimable_pages %ld\n", id,
		   atomic_long_read(&account->base.nr_pages[PANTHOR_RECLAIM_UNRECLAIMABLE]));
}

static void print_accounts(struct panthor_reclaim *reclaim, struct drm_printer *p)
{
	struct memcg_accounts *accounts = reclaim->accounts;
	struct memcg_account *account;
	int bucket;

	drm_printf(p, "memcg_aware %d\n", accounts->aware);
	drm_printf(p, "memcg_accounts %ld\n", atomic_long_read(&accounts->nr_accounts));
	drm_printf(p, "memcg_unfiled %ld\n", atomic_long_read(&accounts->nr_unfiled));
	drm_printf(p, "memcg_scans %ld\n", atomic_long_read(&accounts->nr_scans));
	drm_printf(p, "memcg_evicted_pages %ld\n", atomic_long_read(&accounts->nr_evicted));
	drm_printf(p, "memcg_skip_noswap %ld\n", atomic_long_read(&accounts->nr_noswap));

	/* An account may be about to go, but not before it is out of the table. */
	guard(spinlock)(&accounts->lock);
	print_account(&accounts->root, p);
	hash_for_each(accounts->by_objcg, bucket, account, hash)
		print_account(account, p);
}

static int start_accounts(struct panthor_reclaim *reclaim, struct shrinker *shrinker)
{
	struct memcg_accounts *accounts = reclaim->accounts;

	/* Let lockdep know before reclaim first frees a BO. */
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&accounts->lock);
	fs_reclaim_release(GFP_KERNEL);

	accounts->aware = shrinker->flags & SHRINKER_MEMCG_AWARE;

	return list_lru_init_memcg(&accounts->lru, shrinker);
}

static const struct panthor_reclaim_account_ops memcg_account_ops = {
	.shrinker_flags = SHRINKER_MEMCG_AWARE,
	.start = start_accounts,
	.put = put_account,
	.count = count_objects,
	.begin_scan = limit_scan,
	.begin_foreground = limit_foreground,
	.wants = wants_account,
	.freed = account_freed,
	.print = print_accounts,
};

static void fini_accounts(struct drm_device *ddev, void *data)
{
	struct memcg_accounts *accounts = data;

	drm_WARN_ON(ddev, atomic_long_read(&accounts->nr_accounts));
	list_lru_destroy(&accounts->lru);
}

/**
 * panthor_reclaim_memcg_init() - Set up reclaim by memory cgroup
 * @ptdev: Device. Reclaim is prepared but not started, there are no BOs.
 *
 * Context: Process context, sleeps.
 *
 * Return: 0 on success, -ENOMEM if there is no memory.
 */
int panthor_reclaim_memcg_init(struct panthor_device *ptdev)
{
	struct memcg_accounts *accounts;

	accounts = drmm_kzalloc(&ptdev->base, sizeof(*accounts), GFP_KERNEL);
	if (!accounts)
		return -ENOMEM;

	spin_lock_init(&accounts->lock);
	hash_init(accounts->by_objcg);
	INIT_LIST_HEAD(&accounts->root.lru);
	panthor_reclaim_set_accounts(ptdev->reclaim, &memcg_account_ops, accounts);

	return drmm_add_action_or_reset(&ptdev->base, fini_accounts, accounts);
}

/**
 * panthor_reclaim_memcg_cache_init() - Prepare for devices
 *
 * Context: Process context, sleeps.
 *
 * Return: 0 on success, -ENOMEM if there is no memory.
 */
int panthor_reclaim_memcg_cache_init(void)
{
	account_cache = kmem_cache_create("panthor_memcg_account",
					  sizeof(struct memcg_account), 0,
					  SLAB_ACCOUNT, NULL);

	return account_cache ? 0 : -ENOMEM;
}

/**
 * panthor_reclaim_memcg_cache_fini() - Undo panthor_reclaim_memcg_cache_init()
 *
 * Context: Process context, sleeps. There are no devices any more.
 */
void panthor_reclaim_memcg_cache_fini(void)
{
	kmem_cache_destroy(account_cache);
}
