/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_RECLAIM_MOCK_H__
#define __PANTHOR_RECLAIM_MOCK_H__

#include <kunit/test.h>

#include <linux/mutex.h>
#include <linux/refcount.h>

#include "../panthor_reclaim_private.h"

/**
 * struct mock - A device without hardware
 *
 * BOs and VMs are numbered in the order of their creation. What the policy does
 * to them is written down in a log of events.
 */
struct mock {
	/** @reclaim: What is tested. */
	struct panthor_reclaim reclaim;

	/** @test: The running test. */
	struct kunit *test;

	/** @swap: Free swap space in pages. */
	unsigned long swap;

	/** @async: Writeback ends only when it is waited for. */
	bool async;

	/** @unwritable: Writing pages out gets nowhere. */
	bool unwritable;

	/** @on_evict: Called, without locks, when a BO is about to be evicted. */
	void (*on_evict)(struct mock *mock, int bo);

	/** @on_write: Called, without locks, before a part of a BO is written. */
	void (*on_write)(struct mock *mock);

	/** @parts: Parts written. */
	unsigned int parts;

	/** @end_after: Parts after which a set is cancelled. */
	unsigned int end_after;

	/** @lock: Protects @log. */
	spinlock_t lock;

	/** @log: Numbers of the BOs that were evicted, in this order. */
	int log[256];

	/** @logged: Entries in @log. */
	unsigned int logged;

	/** @sweeps: Times a VM's locks were held. */
	atomic_t sweeps;

	/** @waited_ns: Time for which the policy asked to wait, in all. */
	u64 waited_ns;

	/** @waits: Numbers of the VMs that were waited for. */
	int waits[16];

	/** @nr_waits: Entries in @waits. */
	unsigned int nr_waits;

	/** @signal: There is a signal that ends interruptible waits. */
	bool signal;

	/** @nr_bos: BOs created so far. */
	int nr_bos;

	/** @nr_vms: VMs created so far. */
	int nr_vms;

	/** @put_in_worker: A VM's last reference was dropped by put_vm. */
	int put_in_worker;
};

/**
 * struct mock_vm - A VM
 */
struct mock_vm {
	/** @base: What is tested. */
	struct panthor_reclaim_vm base;

	/** @mock: Its device. */
	struct mock *mock;

	/** @id: Its number. */
	int id;

	/** @refs: References; the VM is gone from the lists when none is left. */
	refcount_t refs;

	/** @busy: Number of unfinished fences. */
	unsigned int busy;

	/** @done_ns: Time after which a wait finds it idle. */
	u64 done_ns;

	/** @locked: Its locks; trylock fails while they are held. */
	struct mutex locked;

	/** @foreign: BOs that can be taken before end_vm, 0 for no limit. */
	unsigned int foreign;

	/** @taken: BOs taken since begin_vm. */
	unsigned int taken;

	/** @dead_gpu: end_vm fails. */
	bool dead_gpu;
};

/**
 * struct mock_bo - A BO
 */
struct mock_bo {
	/** @base: What is tested. */
	struct panthor_reclaim_bo base;

	/** @mock: Its device. */
	struct mock *mock;

	/** @id: Its number. */
	int id;

	/** @refs: References. */
	refcount_t refs;

	/** @facts: Its state. */
	struct panthor_reclaim_facts facts;

	/** @error: What evicting it returns, 0 for success. */
	int error;

	/** @unmap_error: Why end_vm keeps it, 0 if it does not. */
	int unmap_error;

	/** @noswap: Those who pay for it may not swap. */
	bool noswap;

	/** @done_ns: If busy, time after which a wait finds it idle. */
	u64 done_ns;

	/** @users: Scans working on it right now, at most one. */
	atomic_t users;
};

struct mock *mock_create(struct kunit *test);
struct mock_vm *mock_vm_create(struct mock *mock);
struct mock_bo *mock_bo_create(struct mock *mock, unsigned long nr_pages);
struct mock_bo *mock_bo_unused(struct mock *mock, unsigned long nr_pages);
struct mock_bo *mock_bo_mmapped(struct mock *mock, unsigned long nr_pages);
struct mock_bo *mock_bo_private(struct mock_vm *vm, unsigned long nr_pages);
struct mock_bo *mock_bo_shared(struct mock *mock, unsigned long nr_pages);
void mock_bo_file(struct mock_bo *bo);
void mock_bo_free(struct mock_bo *bo);
void mock_vm_put(struct mock_vm *vm);
long mock_pages(struct mock *mock, enum panthor_reclaim_class class);
long mock_stat(struct mock *mock, enum panthor_reclaim_stat stat);
unsigned long mock_scan(struct mock *mock, unsigned long target, u64 budget_ns,
			struct panthor_reclaim_scan *scan);

#endif
