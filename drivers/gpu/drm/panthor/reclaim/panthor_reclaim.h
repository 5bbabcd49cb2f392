/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_RECLAIM_H__
#define __PANTHOR_RECLAIM_H__

/*
 * What the driver calls to have its BOs and VMs known to reclaim. How reclaim is
 * made is in panthor_reclaim_private.h; the fields below are for that alone.
 */

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/types.h>

struct drm_minor;
struct panthor_reclaim;
struct panthor_reclaim_account;

/**
 * enum panthor_reclaim_class - What it takes to evict a BO, cheapest first
 *
 * The order matters: reclaim goes through the classes in this order.
 *
 * @PANTHOR_RECLAIM_UNUSED: Mapped nowhere, costs nothing but its pages.
 * @PANTHOR_RECLAIM_MMAPPED: Only CPU mappings have to go.
 * @PANTHOR_RECLAIM_PRIVATE: One VM maps it and must be idle.
 * @PANTHOR_RECLAIM_SHARED: Several VMs map it and all must be idle.
 * @PANTHOR_RECLAIM_UNRECLAIMABLE: No pages, pinned or imported.
 * @PANTHOR_RECLAIM_CLASS_COUNT: Number of classes.
 */
enum panthor_reclaim_class {
	PANTHOR_RECLAIM_UNUSED,
	PANTHOR_RECLAIM_MMAPPED,
	PANTHOR_RECLAIM_PRIVATE,
	PANTHOR_RECLAIM_SHARED,
	PANTHOR_RECLAIM_UNRECLAIMABLE,
	PANTHOR_RECLAIM_CLASS_COUNT,
};

/**
 * struct panthor_reclaim_node - Entry of a list of BOs or VMs
 *
 * A scan marks its place in a list by an entry of its own, so that the order
 * of the list survives the scan and any number of scans can share it.
 *
 * @link: Link in the list.
 * @cursor: This is the place of a scan, not a BO or VM.
 */
struct panthor_reclaim_node {
	struct list_head link;
	bool cursor;
};

/**
 * struct panthor_reclaim_vm - What reclaim knows about a VM
 *
 * Embedded in the VM. All fields are protected by &panthor_reclaim.lock.
 *
 * @node: Place among the VMs, coldest first. Linked if it has private BOs.
 * @bos: The VM's private BOs, coldest first.
 * @nr_bos: Number of BOs in @bos.
 * @account: Account of at least one BO in @bos, most likely of all. Valid if @nr_bos.
 * @nr_account: Number of BOs in @bos that are charged to @account.
 * @isolated: A scan works on this VM, others skip it.
 * @held: Hold count; scans skip the VM while it is nonzero.
 * @keep_until: Scans that respect it skip the VM until then (ktime_get()).
 * @touched: When the VM last got a job or was found busy.
 * @nr_own_resvs: BOs of a sweep that have a resv of their own. Owned by the sweep.
 * @tried: Sequence number of the last scan that waited for this VM.
 * @dead: Link for a last reference that the worker has to drop.
 */
struct panthor_reclaim_vm {
	struct panthor_reclaim_node node;
	struct list_head bos;
	unsigned long nr_bos;
	struct panthor_reclaim_account *account;
	unsigned long nr_account;
	bool isolated;
	unsigned int held;
	ktime_t keep_until;
	ktime_t touched;
	unsigned int nr_own_resvs;
	u64 tried;
	struct llist_node dead;
};

/**
 * struct panthor_reclaim_bo - What reclaim knows about a BO
 *
 * Embedded in the BO. Unless stated otherwise the fields are protected by
 * &panthor_reclaim.lock.
 *
 * @node: Place in the list of the class, or of the VM if private.
 * @all: Place in &panthor_reclaim.all.
 * @victims: Link in the victims of the scan that isolated the BO, owned by that scan.
 * @vm: The VM whose private BO this is, NULL for all other classes.
 * @account: Account to which the pages were charged when they were last populated.
 * @nr_pages: Size in pages. Constant.
 * @class: The class the BO is filed and counted under.
 * @evicted: The BO is counted as evicted.
 * @evictions: Number of times it has been evicted.
 * @written: Pages from the first on that are known to have left since then.
 * @isolated: A scan works on this BO, others skip it.
 * @dead: Link for a last reference that the worker has to drop.
 */
struct panthor_reclaim_bo {
	struct panthor_reclaim_node node;
	struct panthor_reclaim_node all;
	struct list_head victims;
	struct panthor_reclaim_vm *vm;
	struct panthor_reclaim_account *account;
	unsigned long nr_pages;
	enum panthor_reclaim_class class;
	bool evicted;
	unsigned int evictions;
	unsigned long written;
	bool isolated;
	struct llist_node dead;
};

void panthor_reclaim_bo_init(struct panthor_reclaim_bo *bo);
void panthor_reclaim_bo_add(struct panthor_reclaim *reclaim,
			    struct panthor_reclaim_bo *bo, unsigned long nr_pages);
void panthor_reclaim_bo_fini(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_bo *bo);
void panthor_reclaim_bo_swapped_in(struct panthor_reclaim *reclaim,
				   const struct panthor_reclaim_bo *bo);

void panthor_reclaim_vm_init(struct panthor_reclaim_vm *vm);
void panthor_reclaim_vm_fini(struct panthor_reclaim *reclaim,
			     struct panthor_reclaim_vm *vm);
void panthor_reclaim_vm_touch(struct panthor_reclaim *reclaim,
			      struct panthor_reclaim_vm *vm);
void panthor_reclaim_vm_flushed(struct panthor_reclaim *reclaim, u64 bytes);
void panthor_reclaim_vm_restored(struct panthor_reclaim *reclaim,
				 const struct panthor_reclaim_vm *vm,
				 unsigned long nr_vmas, u64 ns, int result);

void panthor_reclaim_debugfs_init(struct drm_minor *minor);

#endif
