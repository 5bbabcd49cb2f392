/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_RECLAIM_PRIVATE_H__
#define __PANTHOR_RECLAIM_PRIVATE_H__

/*
 * What the files in this directory share. The rest of the driver includes
 * panthor_reclaim.h.
 *
 * panthor_reclaim.c		classes and lists, lifetime
 * panthor_reclaim_isolate.c	taking BOs and VMs out of the way of other scans
 * panthor_reclaim_scan.c	one scan
 * panthor_reclaim_shrinker.c	scans for mm
 * panthor_reclaim_stats.c	statistics, and checks of all this
 */

#include <linux/atomic.h>
#include <linux/container_of.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "panthor_reclaim.h"
#include "panthor_reclaim_stats.h"

struct drm_printer;
struct mem_cgroup;
struct panthor_reclaim_scan;
struct shrink_control;
struct shrinker;

/*
 * Total time one scan may wait for jobs. Long enough for a job of a frame to
 * end, short enough not to be felt by a task that waits for memory.
 */
#define PANTHOR_RECLAIM_WAIT_BUDGET_NS	(10 * NSEC_PER_MSEC)

/* A VM that has had no job for that long is not kept. */
#define PANTHOR_RECLAIM_KEEP_IDLE_NS	(250 * NSEC_PER_MSEC)

/**
 * struct panthor_reclaim_facts - What decides about the class of a BO
 */
struct panthor_reclaim_facts {
	/** @resident: The BO has pages. */
	bool resident;

	/** @pinned: The pages must stay where they are. */
	bool pinned;

	/** @imported: The pages belong to another device. */
	bool imported;

	/** @mmapped: User space has a CPU mapping. */
	bool mmapped;

	/** @evicted: The contents are with shmem because reclaim wanted the pages. */
	bool evicted;

	/** @nr_vms: Number of VMs with a live mapping of it; 2 means two or more. */
	unsigned int nr_vms;

	/** @vm: The VM if there is exactly one, NULL otherwise. */
	struct panthor_reclaim_vm *vm;
};

/**
 * struct panthor_reclaim_account - What the pages of BOs are charged to
 *
 * Embedded in a structure of the owner of &panthor_reclaim.account_ops. The
 * counters are written with &panthor_reclaim.lock held and read without.
 */
struct panthor_reclaim_account {
	/** @nr_bos: Number of its BOs by class. */
	atomic_long_t nr_bos[PANTHOR_RECLAIM_CLASS_COUNT];

	/** @nr_pages: Size of these BOs in pages. */
	atomic_long_t nr_pages[PANTHOR_RECLAIM_CLASS_COUNT];
};

/**
 * struct panthor_reclaim_account_ops - Reclaim by account
 *
 * Without these, all BOs are one set and mm asks for any of them.
 */
struct panthor_reclaim_account_ops {
	/** @shrinker_flags: Flags for shrinker_alloc(). */
	unsigned int shrinker_flags;

	/**
	 * @start: Prepare for being asked by @shrinker, which is not registered yet
	 *
	 * Context: Process context, sleeps.
	 *
	 * Return: 0 on success, -ENOMEM.
	 */
	int (*start)(struct panthor_reclaim *reclaim, struct shrinker *shrinker);

	/**
	 * @put: Drop a BO's reference to an account
	 *
	 * Context: Reclaim, no lock of the driver's reclaim held, does not sleep.
	 */
	void (*put)(struct panthor_reclaim *reclaim, struct panthor_reclaim_account *account);

	/**
	 * @count: Count what mm asks for
	 *
	 * Context: Reclaim, does not sleep.
	 *
	 * Return: As for panthor_reclaim_shrinker_count().
	 */
	unsigned long (*count)(struct panthor_reclaim *reclaim, struct shrink_control *sc);

	/**
	 * @begin_scan: Limit @scan to what mm asks for
	 *
	 * Context: Reclaim, does not sleep.
	 */
	void (*begin_scan)(struct panthor_reclaim *reclaim, struct shrink_control *sc,
			   struct panthor_reclaim_scan *scan);

	/**
	 * @begin_foreground: Limit @scan to what mm could take for the machine
	 *
	 * Protection and swap limits hold as they do for mm.
	 *
	 * Context: Any, does not sleep.
	 */
	void (*begin_foreground)(struct panthor_reclaim_scan *scan);

	/**
	 * @wants: May a scan that one of these limited take BOs of this account?
	 *
	 * Context: &panthor_reclaim.lock held, does not sleep.
	 */
	bool (*wants)(struct panthor_reclaim *reclaim, const struct panthor_reclaim_scan *scan,
		      struct panthor_reclaim_account *account);

	/**
	 * @freed: Tell mm about pages that left memory in such a scan
	 *
	 * Context: Reclaim, does not sleep.
	 */
	void (*freed)(struct panthor_reclaim *reclaim, struct shrink_control *sc,
		      const struct panthor_reclaim_scan *scan);

	/**
	 * @print: Print counters, one per line.
	 *
	 * Context: Process context outside of reclaim.
	 */
	void (*print)(struct panthor_reclaim *reclaim, struct drm_printer *p);
};

/**
 * struct panthor_reclaim_ops - What the policy asks of the mechanism
 *
 * This is all that the policy knows about BOs, VMs, locks, fences and page
 * tables. The driver has one instance (panthor_evict.c), KUnit another.
 */
struct panthor_reclaim_ops {
	/**
	 * @get_bo: Take a reference unless the BO is being freed
	 *
	 * Context: &panthor_reclaim.lock held, does not sleep.
	 *
	 * Return: true if there is a reference now.
	 */
	bool (*get_bo)(struct panthor_reclaim_bo *bo);

	/**
	 * @put_bo_unless_last: Drop a reference that is not the last
	 *
	 * Context: Reclaim, no lock of the driver held, does not sleep.
	 *
	 * Return: false if it is the last one; the caller then still has it.
	 */
	bool (*put_bo_unless_last)(struct panthor_reclaim_bo *bo);

	/**
	 * @put_bo: Drop a reference, which may be the last
	 *
	 * Context: Process context outside of reclaim, may sleep.
	 */
	void (*put_bo)(struct panthor_reclaim_bo *bo);

	/**
	 * @get_vm: Take a reference unless the VM is being freed
	 *
	 * Context: &panthor_reclaim.lock held, does not sleep.
	 *
	 * Return: true if there is a reference now.
	 */
	bool (*get_vm)(struct panthor_reclaim_vm *vm);

	/**
	 * @put_vm_unless_last: Drop a reference that is not the last
	 *
	 * Context: Reclaim, no lock of the driver held, does not sleep.
	 *
	 * Return: false if it is the last one; the caller then still has it.
	 */
	bool (*put_vm_unless_last)(struct panthor_reclaim_vm *vm);

	/**
	 * @put_vm: Drop a reference, which may be the last
	 *
	 * Context: Process context outside of reclaim, may sleep.
	 */
	void (*put_vm)(struct panthor_reclaim_vm *vm);

	/**
	 * @evict_bo: Evict one BO that is not private to a VM
	 *
	 * CPU and GPU mappings go, then the pages go back to shmem. The
	 * class is brought up to date whatever the result is.
	 *
	 * Context: Reclaim, no lock of the driver held, takes no lock but by
	 * trylock, never waits for a fence.
	 *
	 * Return: 0 on success, -EBUSY if jobs use it, -EAGAIN if a lock is
	 * contended, -EPERM if it is not reclaimable, -ESTALE if it belongs
	 * to another class, -EIO if the GPU is being reset or did not let go
	 * of it.
	 */
	int (*evict_bo)(struct panthor_reclaim_bo *bo);

	/**
	 * @begin_vm: Lock an idle VM to evict its private BOs
	 *
	 * @pending gets the number of unfinished fences if the VM is busy.
	 *
	 * Context: Reclaim, no lock of the driver held. On success the VM's
	 * resv is held until @end_vm.
	 *
	 * Return: 0 on success, -EBUSY if jobs run on it, -EAGAIN if a lock
	 * is contended, -EIO if the GPU is being reset.
	 */
	int (*begin_vm)(struct panthor_reclaim_vm *vm, unsigned int *pending);

	/**
	 * @zap_vm_bo: Prepare the eviction of a private BO
	 *
	 * CPU mappings go. They cannot come back before @end_vm, in which the
	 * GPU mappings go and the pages are released.
	 *
	 * Context: Between @begin_vm and @end_vm, takes further locks by
	 * trylock only.
	 *
	 * Return: 0 on success, -ENOSPC on success if no more BOs can be
	 * taken before @end_vm, otherwise as for @evict_bo.
	 */
	int (*zap_vm_bo)(struct panthor_reclaim_vm *vm, struct panthor_reclaim_bo *bo);

	/**
	 * @end_vm: Unmap all @victims, flush once and release their pages
	 *
	 * @victims are the BOs @zap_vm_bo succeeded for. Those that keep their
	 * pages are moved to @kept. They may have lost their mappings.
	 *
	 * Context: After @begin_vm, takes further locks by trylock only.
	 * Releases the VM's locks.
	 *
	 * Return: 0 on success, otherwise the first reason why a BO was kept:
	 * -EAGAIN if a lock is contended, -EIO if the GPU did not let go,
	 * -EPERM or -ESTALE as for @evict_bo.
	 */
	int (*end_vm)(struct panthor_reclaim_vm *vm, struct list_head *victims,
		      struct list_head *kept);

	/**
	 * @wait_vm: Wait for the jobs of a VM
	 *
	 * Context: Reclaim, no lock of the driver held nor taken, sleeps up
	 * to @ns nanoseconds, or until a signal arrives if @interruptible.
	 *
	 * Return: 0 if the VM is idle, -ETIME if it is not, -ERESTARTSYS on a
	 * signal.
	 */
	int (*wait_vm)(struct panthor_reclaim_vm *vm, u64 ns, bool interruptible);

	/**
	 * @wait_bo: Wait for the jobs that use a shared BO
	 *
	 * Context and return value as for @wait_vm.
	 */
	int (*wait_bo)(struct panthor_reclaim_bo *bo, u64 ns, bool interruptible);

	/**
	 * @write_out: Write out and free pages @first to @last of an evicted BO
	 *
	 * Starts writeback to swap, and with @wait also waits for its end and
	 * frees the pages. *@freed and *@writeback grow by what left memory
	 * and what is on its way, in pages.
	 *
	 * Context: Reclaim, I/O allowed, no lock of the driver held, sleeps. A
	 * fatal signal ends waiting.
	 *
	 * Return: 0 on success, with @wait also: -ENOSPC if swap did not take
	 * all, -EAGAIN if pages stayed for the moment.
	 */
	int (*write_out)(struct panthor_reclaim_bo *bo, unsigned long first,
			 unsigned long last, bool wait, unsigned long *freed,
			 unsigned long *writeback);

	/**
	 * @is_pinned: Are there pages that something uses for the moment?
	 *
	 * What the driver itself has mapped is not meant: that lasts as long
	 * as the BO does.
	 *
	 * Context: Any.
	 */
	bool (*is_pinned)(struct panthor_reclaim_bo *bo);

	/**
	 * @swap_pages_of: Swap space that the pages of a BO may take up
	 *
	 * At most @swap_pages, less if those who pay for the BO have a limit.
	 *
	 * Context: Any, does not sleep.
	 */
	unsigned long (*swap_pages_of)(struct panthor_reclaim_bo *bo);

	/**
	 * @swap_pages: Free swap space in pages, 0 if there is none
	 *
	 * Context: Any.
	 */
	unsigned long (*swap_pages)(void);

	/**
	 * @filed_right: Compare a BO's state with the class it is filed under
	 *
	 * Context: Process context outside of reclaim, takes the BO's locks.
	 *
	 * Return: false if the BO belongs elsewhere.
	 */
	bool (*filed_right)(struct panthor_reclaim_bo *bo);
};

/**
 * struct panthor_reclaim_scan - One request for memory
 *
 * Lives on the stack of the requester; the state of a scan is its own.
 */
struct panthor_reclaim_scan {
	/** @target: Number of pages to evict. */
	unsigned long target;

	/** @budget_ns: Time to spend waiting for jobs, in nanoseconds, for all waits together. */
	u64 budget_ns;

	/** @wait_writeback: Return only when the pages have left memory. */
	bool wait_writeback;

	/** @interruptible: Waiting for jobs, and with it the scan, ends on a signal. */
	bool interruptible;

	/** @respect_keep: Skip VMs that are kept. */
	bool respect_keep;

	/** @limited: Ask &panthor_reclaim_account_ops.wants about every account. */
	bool limited;

	/** @global: If @limited: the whole machine is short of memory. */
	bool global;

	/** @memcg: If @limited: the memory cgroup that mm asks about. */
	struct mem_cgroup *memcg;

	/** @foreground: If @limited: for the whole machine, not asked for by mm. */
	bool foreground;

	/** @scanned: Result: pages of the BOs looked at. */
	unsigned long scanned;

	/** @evicted: Result: pages given back to shmem. */
	unsigned long evicted;

	/** @freed: Result: pages of those that left memory. */
	unsigned long freed;

	/** @writeback: Result: pages of those on their way to swap. */
	unsigned long writeback;

	/** @contended: Result: something was skipped because of a held lock. */
	bool contended;

	/** @busy: Result: something was skipped that can be evicted later. */
	bool busy;

	/** @interrupted: Result: the scan ended early, on a signal. */
	bool interrupted;

	/** @seq: Number of this scan, set by panthor_reclaim_run(). */
	u64 seq;

	/** @leaving: BOs evicted by this scan whose writeback is waited for at the end. */
	struct list_head leaving;
};

/**
 * struct panthor_reclaim - Reclaim of one device's memory
 */
struct panthor_reclaim {
	/** @ops: The mechanism. */
	const struct panthor_reclaim_ops *ops;

	/** @account_ops: Reclaim by account, NULL if there is none. */
	const struct panthor_reclaim_account_ops *account_ops;

	/** @accounts: For @account_ops. */
	void *accounts;

	/** @name: Name of the device, for tracepoints. */
	const char *name;

	/**
	 * @lock: Protects the lists and what decides about them. Innermost
	 *
	 * Only panthor_reclaim.c, panthor_reclaim_isolate.c and the checks in
	 * panthor_reclaim_stats.c take it.
	 */
	spinlock_t lock;

	/** @all: All BOs, for the invariant check. */
	struct list_head all;

	/**
	 * @bos: The BOs of a class, coldest first
	 *
	 * The lists of private and unreclaimable BOs are unused: private BOs are
	 * listed in &panthor_reclaim_vm.bos.
	 */
	struct list_head bos[PANTHOR_RECLAIM_CLASS_COUNT];

	/** @vms: VMs with private BOs, coldest first. */
	struct list_head vms;

	/** @nr_bos: Number of BOs by class. Written with @lock held, read without. */
	atomic_long_t nr_bos[PANTHOR_RECLAIM_CLASS_COUNT];

	/** @nr_pages: Size of these BOs in pages. As @nr_bos. */
	atomic_long_t nr_pages[PANTHOR_RECLAIM_CLASS_COUNT];

	/** @evicted_bos: Number of evicted BOs (all unreclaimable). As @nr_bos. */
	atomic_long_t evicted_bos;

	/** @evicted_pages: Size of these BOs in pages. As @nr_bos. */
	atomic_long_t evicted_pages;

	/** @stats: Statistics. */
	atomic_long_t stats[PANTHOR_RECLAIM_STAT_COUNT];

	/** @seq: Number of the latest scan. */
	atomic64_t seq;

	/** @dead_vms: VMs with a last reference to drop. */
	struct llist_head dead_vms;

	/** @dead_bos: BOs with a last reference to drop. */
	struct llist_head dead_bos;

	/** @put_work: Drops the references in @dead_vms and @dead_bos. */
	struct work_struct put_work;

	/** @shrinker: What mm calls, NULL before registration and after unplug. */
	struct shrinker *shrinker;

	/** @print_more: Print hook for users of reclaim, NULL if there is none. */
	void (*print_more)(void *data, struct drm_printer *p);

	/** @print_data: Argument of @print_more. */
	void *print_data;
};

/* Lifetime. */
void panthor_reclaim_init(struct panthor_reclaim *reclaim,
			  const struct panthor_reclaim_ops *ops, const char *name);
void panthor_reclaim_fini(struct panthor_reclaim *reclaim);
void panthor_reclaim_set_accounts(struct panthor_reclaim *reclaim,
				  const struct panthor_reclaim_account_ops *ops,
				  void *accounts);
void panthor_reclaim_set_print_more(struct panthor_reclaim *reclaim,
				    void (*print_more)(void *data, struct drm_printer *p),
				    void *data);
int panthor_reclaim_register(struct panthor_reclaim *reclaim);
void panthor_reclaim_unregister(struct panthor_reclaim *reclaim);

/* Classes and lists. */
enum panthor_reclaim_class
panthor_reclaim_classify(const struct panthor_reclaim_facts *facts);
void panthor_reclaim_bo_file(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_bo *bo,
			     const struct panthor_reclaim_facts *facts);
void panthor_reclaim_bo_written(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_bo *bo, unsigned int evictions,
				unsigned long nr_pages);
void panthor_reclaim_bo_charge(struct panthor_reclaim *reclaim,
			       struct panthor_reclaim_bo *bo,
			       struct panthor_reclaim_account *account);
void panthor_reclaim_bo_touch(struct panthor_reclaim *reclaim,
			      struct panthor_reclaim_bo *bo);
unsigned long panthor_reclaim_count_charged(const struct panthor_reclaim_vm *vm,
					    const struct panthor_reclaim_account *account);

void panthor_reclaim_vm_hold(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_vm *vm);
void panthor_reclaim_vm_release(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_vm *vm, u64 keep_ns);
bool panthor_reclaim_vm_is_kept(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_vm *vm);
bool panthor_reclaim_vm_is_young(struct panthor_reclaim *reclaim,
				 struct panthor_reclaim_vm *vm);
void panthor_reclaim_vm_found_busy(struct panthor_reclaim *reclaim,
				   struct panthor_reclaim_vm *vm);

unsigned long panthor_reclaim_reclaimable(struct panthor_reclaim *reclaim);
unsigned long panthor_reclaim_resident_pages(struct panthor_reclaim *reclaim);
unsigned long panthor_reclaim_vm_pages(struct panthor_reclaim *reclaim,
				       struct panthor_reclaim_vm *vm);
unsigned long panthor_reclaim_swap_pages(struct panthor_reclaim *reclaim);

/* Taking BOs and VMs out of the way of other scans. */
void panthor_reclaim_cursor_enter(struct panthor_reclaim *reclaim,
				  struct panthor_reclaim_node *cursor,
				  struct list_head *list);
void panthor_reclaim_cursor_leave(struct panthor_reclaim *reclaim,
				  struct panthor_reclaim_node *cursor);
struct panthor_reclaim_bo *
panthor_reclaim_isolate_next_bo(struct panthor_reclaim *reclaim,
				const struct panthor_reclaim_scan *scan,
				struct panthor_reclaim_node *cursor,
				struct list_head *list);
struct panthor_reclaim_vm *
panthor_reclaim_isolate_next_vm(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_scan *scan,
				struct panthor_reclaim_node *cursor);
int panthor_reclaim_isolate(struct panthor_reclaim *reclaim,
			    struct panthor_reclaim_bo *bo, struct panthor_reclaim_vm **vm);
void panthor_reclaim_putback_bo(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_bo *bo);
void panthor_reclaim_putback_vm(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_vm *vm);
bool panthor_reclaim_get_vm(struct panthor_reclaim *reclaim,
			    struct panthor_reclaim_vm *vm);
void panthor_reclaim_put_vm(struct panthor_reclaim *reclaim,
			    struct panthor_reclaim_vm *vm);
void panthor_reclaim_put_bo(struct panthor_reclaim *reclaim,
			    struct panthor_reclaim_bo *bo);
void panthor_reclaim_put_dead(struct work_struct *work);

/* Scans. */
void panthor_reclaim_scan_begin(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_scan *scan);
void panthor_reclaim_scan_end(struct panthor_reclaim *reclaim,
			      const struct panthor_reclaim_scan *scan);
unsigned long panthor_reclaim_run(struct panthor_reclaim *reclaim,
				  struct panthor_reclaim_scan *scan);
unsigned long panthor_reclaim_shrinker_count(struct panthor_reclaim *reclaim,
					     struct shrink_control *sc);
unsigned long panthor_reclaim_shrinker_scan(struct panthor_reclaim *reclaim,
					    struct shrink_control *sc);

/**
 * panthor_reclaim_next_node() - Find the next entry that is a BO or a VM
 * @link: Where to go on from: the list's head, an entry, or a cursor.
 * @list: The list.
 *
 * Context: &panthor_reclaim.lock held.
 *
 * Return: The entry, NULL at the end of the list.
 */
static inline struct panthor_reclaim_node *
panthor_reclaim_next_node(const struct list_head *link, const struct list_head *list)
{
	while ((link = link->next) != list) {
		struct panthor_reclaim_node *node;

		node = list_entry(link, struct panthor_reclaim_node, link);
		if (!node->cursor)
			return node;
	}

	return NULL;
}

/**
 * panthor_reclaim_next_private_bo() - Find the next private BO of a VM
 * @vm: The VM.
 * @bo: BO to go on from, NULL for the first.
 *
 * Context: &panthor_reclaim.lock held.
 *
 * Return: The BO, NULL if there is no other one.
 */
static inline struct panthor_reclaim_bo *
panthor_reclaim_next_private_bo(const struct panthor_reclaim_vm *vm,
				const struct panthor_reclaim_bo *bo)
{
	struct panthor_reclaim_node *node;

	node = panthor_reclaim_next_node(bo ? &bo->node.link : &vm->bos, &vm->bos);

	return node ? container_of(node, struct panthor_reclaim_bo, node) : NULL;
}

/**
 * panthor_reclaim_sum_pages() - Add up the classes that can be evicted
 * @nr_pages: Pages by class.
 *
 * Context: Any. The counters may change meanwhile.
 *
 * Return: Number of pages.
 */
static inline unsigned long panthor_reclaim_sum_pages(const atomic_long_t *nr_pages)
{
	unsigned long sum = 0;

	for (int i = 0; i < PANTHOR_RECLAIM_UNRECLAIMABLE; i++)
		sum += max(atomic_long_read(&nr_pages[i]), 0L);

	return sum;
}

#endif
