/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_RECLAIM_TARGET_H__
#define __PANTHOR_RECLAIM_TARGET_H__

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>

struct drm_file;
struct drm_gem_object;
struct drm_gpuvm;
struct file;
struct panthor_device;
struct pid;

/**
 * struct panthor_client - What explicit reclaim knows about an open file
 *
 * Outlives the file as long as there are requests for its memory.
 */
struct panthor_client {
	/** @ref: Reference count. */
	struct kref ref;

	/** @generation: Grows whenever running requests to evict the memory are to end. */
	atomic_t generation;

	/** @lock: Protects the fields below. */
	spinlock_t lock;

	/** @claims: Running requests to bring the memory back. */
	unsigned int claims;

	/** @reclaims: Running requests to evict the memory. */
	unsigned int reclaims;

	/** @idle: Where the end of all @reclaims is waited for. */
	wait_queue_head_t idle;
};

/**
 * struct panthor_target_client - A client of a target
 */
struct panthor_target_client {
	/** @client: The client, with a reference. */
	struct panthor_client *client;

	/** @generation: &panthor_client.generation when the request began. */
	int generation;
};

/**
 * struct panthor_target_bo - A BO of a target
 */
struct panthor_target_bo {
	/** @obj: The BO, with a reference. */
	struct drm_gem_object *obj;

	/** @nr_handles: Handles of it in files of the target. */
	unsigned int nr_handles;

	/** @dmabuf: The file of its dma-buf, with a reference, if the process has it open. */
	struct file *dmabuf;

	/** @nr_fds: Descriptors of @dmabuf in the process. */
	unsigned int nr_fds;
};

/**
 * struct panthor_target - GPU memory of a process, or of one file
 *
 * All arrays grow until what there is fits; @nr counts what there is, @max what
 * fits.
 */
struct panthor_target {
	/** @ptdev: Device. */
	struct panthor_device *ptdev;

	/** @pid: The process whose descriptors count as its own, with a reference. May be NULL. */
	struct pid *pid;

	/** @seen: Clients that have been collected, by address. */
	struct xarray seen;

	/** @clients: Clients. */
	struct panthor_target_client *clients;

	/** @nr_clients: Number of clients. */
	unsigned long nr_clients;

	/** @max_clients: Room in @clients. */
	unsigned long max_clients;

	/** @vms: VMs, with a reference each. */
	struct drm_gpuvm **vms;

	/** @nr_vms: Number of VMs. */
	unsigned long nr_vms;

	/** @max_vms: Room in @vms. */
	unsigned long max_vms;

	/** @bos: BOs that have handles, and those that VMs map, once each. */
	struct panthor_target_bo *bos;

	/** @nr_bos: Number of BOs. */
	unsigned long nr_bos;

	/** @max_bos: Room in @bos. */
	unsigned long max_bos;
};

struct panthor_client *panthor_client_create(void);
void panthor_client_put(struct panthor_client *client);
void panthor_client_close(struct panthor_client *client);
void panthor_client_cancel(struct panthor_client *client);

int panthor_target_init(struct panthor_target *target, struct panthor_device *ptdev,
			struct pid *pid);
int panthor_target_init_file(struct panthor_target *target, struct drm_file *file);
int panthor_target_init_count(struct panthor_target *target, struct drm_file *file);
void panthor_target_fini(struct panthor_target *target);

int panthor_target_begin_reclaim(struct panthor_target *target);
bool panthor_target_is_cancelled(const struct panthor_target *target);
void panthor_target_end_reclaim(struct panthor_target *target);
int panthor_target_begin_claim(struct panthor_target *target);
void panthor_target_end_claim(struct panthor_target *target);

bool panthor_target_is_foreign(const struct panthor_target *target,
			       const struct panthor_target_bo *bo);

#endif
