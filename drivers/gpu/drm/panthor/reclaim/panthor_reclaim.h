/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_RECLAIM_H__
#define __PANTHOR_RECLAIM_H__

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct drm_minor;
struct drm_printer;
struct mem_cgroup;
struct panthor_reclaim;
struct panthor_reclaim_scan;
struct shrink_control;
struct shrinker;

/*
 * How long one scan may wait for jobs, in all. Long enough for a job of a frame
 * to end, short enough not to be felt by whoever needs the memory.
 */
#define PANTHOR_RECLAIM_WAIT_BUDGET_NS	(10 * NSEC_PER_MSEC)

/* A VM that has had no job for that long has no use for being kept. */
#define PANTHOR_RECLAIM_KEEP_IDLE_NS	(250 * NSEC_PER_MSEC)

/**
 * enum panthor_reclaim_class - What it takes to evict a BO, cheapest first
 *
 * The order matters: reclaim goes through the classes in this order.
 */
enum panthor_reclaim_class {
	/** @PANTHOR_RECLAIM_UNUSED: Mapped nowhere, costs nothing but its pages. */
	PANTHOR_RECLAIM_UNUSED,

	/** @PANTHOR_RECLAIM_MMAPPED: Only CPU mappings have to go. */
	PANTHOR_RECLAIM_MMAPPED,

	/** @PANTHOR_RECLAIM_PRIVATE: One VM maps it and must be idle. */
	PANTHOR_RECLAIM_PRIVATE,

	/** @PANTHOR_RECLAIM_SHARED: Several VMs map it and all must be idle. */
	PANTHOR_RECLAIM_SHARED,

	/** @PANTHOR_RECLAIM_UNRECLAIMABLE: No pages, pinned or imported. */
	PANTHOR_RECLAIM_UNRECLAIMABLE,

	/** @PANTHOR_RECLAIM_CLASS_COUNT: Number of classes. */
	PANTHOR_RECLAIM_CLASS_COUNT,
};

/**
 * enum panthor_reclaim_stat - What a device's reclaim counts
 *
 * Everything is counted from probe on and shown in the debugfs file "reclaim".
 */
enum panthor_reclaim_stat {
	/** @PANTHOR_RECLAIM_STAT_SCANS: Scans, whoever asked for them. */
	PANTHOR_RECLAIM_STAT_SCANS,

	/** @PANTHOR_RECLAIM_STAT_SCANNED_PAGES: Pages of the BOs looked at. */
	PANTHOR_RECLAIM_STAT_SCANNED_PAGES,

	/** @PANTHOR_RECLAIM_STAT_EVICTED_BOS: BOs whose pages were given back to shmem. */
	PANTHOR_RECLAIM_STAT_EVICTED_BOS,

	/** @PANTHOR_RECLAIM_STAT_EVICTED_PAGES: Pages given back to shmem. */
	PANTHOR_RECLAIM_STAT_EVICTED_PAGES,

	/** @PANTHOR_RECLAIM_STAT_FREED_PAGES: Evicted pages that left memory within the scan. */
	PANTHOR_RECLAIM_STAT_FREED_PAGES,

	/** @PANTHOR_RECLAIM_STAT_WRITTEN_PAGES: Evicted pages on their way to swap at its end. */
	PANTHOR_RECLAIM_STAT_WRITTEN_PAGES,

	/** @PANTHOR_RECLAIM_STAT_SCAN_US: Time spent in scans, in microseconds. */
	PANTHOR_RECLAIM_STAT_SCAN_US,

	/** @PANTHOR_RECLAIM_STAT_SKIP_BUSY: VMs and BOs skipped because of unfinished jobs. */
	PANTHOR_RECLAIM_STAT_SKIP_BUSY,

	/** @PANTHOR_RECLAIM_STAT_SKIP_LOCKED: VMs and BOs skipped because of a held lock. */
	PANTHOR_RECLAIM_STAT_SKIP_LOCKED,

	/** @PANTHOR_RECLAIM_STAT_SKIP_PINNED: BOs that turned out not to be reclaimable. */
	PANTHOR_RECLAIM_STAT_SKIP_PINNED,

	/** @PANTHOR_RECLAIM_STAT_SKIP_GPU: VMs and BOs skipped because the GPU does not answer. */
	PANTHOR_RECLAIM_STAT_SKIP_GPU,

	/** @PANTHOR_RECLAIM_STAT_SKIP_NOSWAP: Scans that found no swap space. */
	PANTHOR_RECLAIM_STAT_SKIP_NOSWAP,

	/** @PANTHOR_RECLAIM_STAT_SKIP_NOIO: Scans that were not allowed to start I/O. */
	PANTHOR_RECLAIM_STAT_SKIP_NOIO,

	/** @PANTHOR_RECLAIM_STAT_SKIP_FOREIGN: BOs left alone because others use them, too. */
	PANTHOR_RECLAIM_STAT_SKIP_FOREIGN,

	/** @PANTHOR_RECLAIM_STAT_WAITS: Waits for the jobs of a VM or BO. */
	PANTHOR_RECLAIM_STAT_WAITS,

	/** @PANTHOR_RECLAIM_STAT_WAIT_TIMEOUTS: Waits that the jobs outlasted. */
	PANTHOR_RECLAIM_STAT_WAIT_TIMEOUTS,

	/** @PANTHOR_RECLAIM_STAT_WAIT_US: Time waited for jobs, in microseconds. */
	PANTHOR_RECLAIM_STAT_WAIT_US,

	/** @PANTHOR_RECLAIM_STAT_FLUSHES: GPU cache flushes done for evictions. */
	PANTHOR_RECLAIM_STAT_FLUSHES,

	/** @PANTHOR_RECLAIM_STAT_FLUSHED_BYTES: Bytes unmapped under those flushes. */
	PANTHOR_RECLAIM_STAT_FLUSHED_BYTES,

	/** @PANTHOR_RECLAIM_STAT_DEFERRED_PUTS: VMs whose last reference a worker dropped. */
	PANTHOR_RECLAIM_STAT_DEFERRED_PUTS,

	/** @PANTHOR_RECLAIM_STAT_RESTORES: Times evicted mappings of a VM were restored. */
	PANTHOR_RECLAIM_STAT_RESTORES,

	/** @PANTHOR_RECLAIM_STAT_RESTORED_VMAS: Evicted GPU mappings restored. */
	PANTHOR_RECLAIM_STAT_RESTORED_VMAS,

	/** @PANTHOR_RECLAIM_STAT_SWAPPED_IN_BOS: Evicted BOs that came back. */
	PANTHOR_RECLAIM_STAT_SWAPPED_IN_BOS,

	/** @PANTHOR_RECLAIM_STAT_SWAPPED_IN_PAGES: Pages of evicted BOs that came back. */
	PANTHOR_RECLAIM_STAT_SWAPPED_IN_PAGES,

	/** @PANTHOR_RECLAIM_STAT_COUNT: Number of statistics. */
	PANTHOR_RECLAIM_STAT_COUNT,
};

/**
 * struct panthor_reclaim_facts - What decides about the class of a BO
 */
struct panthor_reclaim_facts {
	/** @resident: The BO has pages. */
	bool resident;

	/** @pinned: Somebody relies on the pages staying where they are. */
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
 * struct panthor_reclaim_node - Entry of a list of BOs or VMs
 *
 * A scan marks its place in a list by an entry of its own, so that the order
 * of the list survives the scan and any number of scans can share it.
 */
struct panthor_reclaim_node {
	/** @link: Link in the list. */
	struct list_head link;

	/** @cursor: This is the place of a scan, not a BO or VM. */
	bool cursor;
};

/**
 * struct panthor_reclaim_account - Who the pages of BOs are charged to
 *
 * Embedded in what whoever sets &panthor_reclaim.account_ops knows about it. The
 * counters are written with &panthor_reclaim.lock held and read without.
 */
struct panthor_reclaim_account {
	/** @nr_bos: Number of its BOs by class. */
	atomic_long_t nr_bos[PANTHOR_RECLAIM_CLASS_COUNT];

	/** @nr_pages: Size of these BOs in pages. */
	atomic_long_t nr_pages[PANTHOR_RECLAIM_CLASS_COUNT];
};

/**
 * struct panthor_reclaim_account_ops - Reclaim that goes by who is charged
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
	 * @begin_foreground: Limit @scan to what mm could take for a memory cgroup
	 *
	 * @memcg and those below it are short of memory, the whole machine if it is
	 * NULL. Protection and swap limits hold as they do for mm.
	 *
	 * Context: Process context, does not sleep.
	 */
	void (*begin_foreground)(struct panthor_reclaim *reclaim, struct mem_cgroup *memcg,
				 struct panthor_reclaim_scan *scan);

	/**
	 * @eligible: Size of what such a scan could take if nobody used it
	 *
	 * Context: Process context, does not sleep.
	 *
	 * Return: Pages.
	 */
	unsigned long (*eligible)(struct panthor_reclaim *reclaim,
				  const struct panthor_reclaim_scan *scan);

	/**
	 * @wants: May a scan that @begin_scan limited take BOs of this account?
	 *
	 * Context: &panthor_reclaim.lock held, does not sleep.
	 */
	bool (*wants)(const struct panthor_reclaim_scan *scan,
		      const struct panthor_reclaim_account *account);

	/**
	 * @freed: Tell mm about pages that left memory in such a scan
	 *
	 * Context: Reclaim, does not sleep.
	 */
	void (*freed)(struct panthor_reclaim *reclaim,
		      const struct panthor_reclaim_scan *scan);

	/**
	 * @print: Print what there is to say. One line per fact.
	 *
	 * Context: Process context outside of reclaim.
	 */
	void (*print)(struct panthor_reclaim *reclaim, struct drm_printer *p);
};

/**
 * struct panthor_reclaim_vm - What reclaim knows about a VM
 *
 * Embedded in the VM. All fields are protected by &panthor_reclaim.lock.
 */
struct panthor_reclaim_vm {
	/** @node: Place among the VMs, coldest first. Linked if it has private BOs. */
	struct panthor_reclaim_node node;

	/** @bos: The VM's private BOs, coldest first. */
	struct list_head bos;

	/** @nr_bos: Number of BOs in @bos. */
	unsigned long nr_bos;

	/** @account: Account of at least one BO in @bos, most likely of all. Valid if @nr_bos. */
	struct panthor_reclaim_account *account;

	/** @nr_account: Number of BOs in @bos that are charged to @account. */
	unsigned long nr_account;

	/** @claimed: A scan works on this VM, others leave it alone. */
	bool claimed;

	/** @held: Number of those who need what the VM has in memory to stay. */
	unsigned int held;

	/** @position: Place in a queue for memory that a signal made it leave, 0 if none. */
	u64 position;

	/** @keep_until: Scans that respect it leave the VM alone until then (ktime_get()). */
	ktime_t keep_until;

	/** @touched: When the VM last got a job, was made active or was found busy. */
	ktime_t touched;

	/** @tried: Sequence number of the last scan that waited for this VM. */
	u64 tried;

	/** @dead: Link for a last reference that the worker has to drop. */
	struct llist_node dead;
};

/**
 * struct panthor_reclaim_bo - What reclaim knows about a BO
 *
 * Embedded in the BO. Unless stated otherwise the fields are protected by
 * &panthor_reclaim.lock.
 */
struct panthor_reclaim_bo {
	/** @node: Place in the list of the class, or of the VM if private. */
	struct panthor_reclaim_node node;

	/** @all: Place in &panthor_reclaim.all. */
	struct panthor_reclaim_node all;

	/** @victims: Link in the victims of the scan that claimed the BO, owned by that scan. */
	struct list_head victims;

	/** @vm: The VM whose private BO this is, NULL for all other classes. */
	struct panthor_reclaim_vm *vm;

	/** @account: Who the pages were charged to when they were last populated. */
	struct panthor_reclaim_account *account;

	/** @nr_pages: Size in pages. Constant. */
	unsigned long nr_pages;

	/** @class: The class the BO is filed and counted under. */
	enum panthor_reclaim_class class;

	/** @evicted: The BO is counted as evicted. */
	bool evicted;

	/** @claimed: A scan works on this BO, others leave it alone. */
	bool claimed;
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
	 * @put_bo: Drop a reference, which may be the last
	 *
	 * Context: Reclaim, no lock of the driver held.
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
	 * @begin_vm: Get hold of an idle VM to evict its private BOs
	 *
	 * @pending gets the number of unfinished fences if the VM is busy.
	 *
	 * Context: Reclaim, no lock of the driver held. On success the VM's
	 * resv and op_lock are held until @end_vm.
	 *
	 * Return: 0 on success, -EBUSY if jobs run on it, -EAGAIN if a lock
	 * is contended, -EIO if the GPU is being reset.
	 */
	int (*begin_vm)(struct panthor_reclaim_vm *vm, unsigned int *pending);

	/**
	 * @evict_vm_bo: Tear down all mappings of a private BO
	 *
	 * The pages are released by @end_vm, which is after the GPU has let
	 * go of them.
	 *
	 * Context: Between @begin_vm and @end_vm, takes further locks by
	 * trylock only.
	 *
	 * Return: 0 on success, -ENOSPC on success if no more BOs can be
	 * taken before @end_vm, otherwise as for @evict_bo.
	 */
	int (*evict_vm_bo)(struct panthor_reclaim_vm *vm, struct panthor_reclaim_bo *bo);

	/**
	 * @end_vm: Flush once and release the pages of all @victims
	 *
	 * @victims are the BOs @evict_vm_bo succeeded for. On failure they
	 * have lost their mappings but keep their pages.
	 *
	 * Context: After @begin_vm. Releases the VM's locks.
	 *
	 * Return: 0 on success, -EIO if the GPU did not let go.
	 */
	int (*end_vm)(struct panthor_reclaim_vm *vm, struct list_head *victims);

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
	 * @write_out: Have the pages of an evicted BO leave memory
	 *
	 * Starts writeback to swap, and with @wait also waits for its end and
	 * frees the pages. *@freed and *@writeback grow by what left memory
	 * and what is on its way, in pages.
	 *
	 * Context: Reclaim, I/O allowed, no lock of the driver held, sleeps.
	 */
	void (*write_out)(struct panthor_reclaim_bo *bo, bool wait,
			  unsigned long *freed, unsigned long *writeback);

	/**
	 * @pages_left: Pages of an evicted BO that have not left for swap
	 *
	 * Context: Any.
	 */
	unsigned long (*pages_left)(struct panthor_reclaim_bo *bo);

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

	/** @respect_keep: Leave VMs alone for the time that they are to be kept and have jobs. */
	bool respect_keep;

	/** @limited: Ask &panthor_reclaim_account_ops.wants about every account. */
	bool limited;

	/** @global: If @limited: the whole machine is short of memory. */
	bool global;

	/** @memcg: If @limited: the memory cgroup that mm asks about. */
	struct mem_cgroup *memcg;

	/** @foreground: If @limited: @memcg and all below it are short of memory, not for mm. */
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

	/** @busy: Result: something was skipped that can be had after some time. */
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

	/** @account_ops: What knows about accounts, NULL if nothing does. */
	const struct panthor_reclaim_account_ops *account_ops;

	/** @accounts: For @account_ops. */
	void *accounts;

	/** @name: Name of the device, for tracepoints. */
	const char *name;

	/** @lock: Protects the lists and what decides about them. Innermost. */
	spinlock_t lock;

	/** @all: All BOs, for the invariant check. */
	struct list_head all;

	/**
	 * @bos: The BOs of a class, coldest first
	 *
	 * Those of private BOs are with their VM, those of unreclaimable BOs
	 * are empty.
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

	/** @last: What the latest debugfs request reclaimed, in pages. */
	atomic_long_t last;

	/** @dead_vms: VMs with a last reference to drop. */
	struct llist_head dead_vms;

	/** @put_work: Drops the references in @dead_vms. */
	struct work_struct put_work;

	/** @shrinker: What mm calls, NULL before registration and after unplug. */
	struct shrinker *shrinker;

	/** @print_more: Prints the lines of who builds on this, NULL if nobody does. */
	void (*print_more)(struct panthor_reclaim *reclaim, struct drm_printer *p);
};

enum panthor_reclaim_class
panthor_reclaim_classify(const struct panthor_reclaim_facts *facts);

void panthor_reclaim_init(struct panthor_reclaim *reclaim,
			  const struct panthor_reclaim_ops *ops, const char *name);
void panthor_reclaim_fini(struct panthor_reclaim *reclaim);
int panthor_reclaim_register(struct panthor_reclaim *reclaim);
void panthor_reclaim_unregister(struct panthor_reclaim *reclaim);

void panthor_reclaim_bo_init(struct panthor_reclaim_bo *bo);
void panthor_reclaim_bo_add(struct panthor_reclaim *reclaim,
			    struct panthor_reclaim_bo *bo, unsigned long nr_pages);
void panthor_reclaim_bo_fini(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_bo *bo);
void panthor_reclaim_bo_file(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_bo *bo,
			     const struct panthor_reclaim_facts *facts);
void panthor_reclaim_bo_charge(struct panthor_reclaim *reclaim,
			       struct panthor_reclaim_bo *bo,
			       struct panthor_reclaim_account *account);
void panthor_reclaim_bo_touch(struct panthor_reclaim *reclaim,
			      struct panthor_reclaim_bo *bo);

void panthor_reclaim_vm_init(struct panthor_reclaim_vm *vm);
void panthor_reclaim_vm_fini(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_vm *vm);
void panthor_reclaim_vm_touch(struct panthor_reclaim *reclaim,
			      struct panthor_reclaim_vm *vm);
void panthor_reclaim_vm_hold(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_vm *vm);
void panthor_reclaim_vm_release(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_vm *vm, u64 keep_ns);

void panthor_reclaim_restored(struct panthor_reclaim *reclaim,
			      const struct panthor_reclaim_vm *vm,
			      unsigned long nr_vmas, u64 ns, int result);

unsigned long panthor_reclaim_run(struct panthor_reclaim *reclaim,
				  struct panthor_reclaim_scan *scan);
unsigned long panthor_reclaim_shrinker_count(struct panthor_reclaim *reclaim,
					     struct shrink_control *sc);
unsigned long panthor_reclaim_shrinker_scan(struct panthor_reclaim *reclaim,
					    struct shrink_control *sc);

unsigned long panthor_reclaim_reclaimable(struct panthor_reclaim *reclaim);
unsigned long panthor_reclaim_vm_pages(struct panthor_reclaim *reclaim,
				       struct panthor_reclaim_vm *vm);
bool panthor_reclaim_vm_is_kept(struct panthor_reclaim *reclaim,
				struct panthor_reclaim_vm *vm);
unsigned int panthor_reclaim_check(struct panthor_reclaim *reclaim);
unsigned int panthor_reclaim_count_misfiled(struct panthor_reclaim *reclaim);
void panthor_reclaim_print(struct panthor_reclaim *reclaim, struct drm_printer *p);

/**
 * panthor_reclaim_stat_add() - Add to a statistic
 * @reclaim: The device's reclaim.
 * @stat: Which one.
 * @value: What to add, in the unit of the statistic.
 *
 * Context: Any.
 */
static inline void panthor_reclaim_stat_add(struct panthor_reclaim *reclaim,
					    enum panthor_reclaim_stat stat,
					    unsigned long value)
{
	atomic_long_add(value, &reclaim->stats[stat]);
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

#ifdef CONFIG_DEBUG_FS
void panthor_reclaim_debugfs_init(struct drm_minor *minor);
#endif

#endif
