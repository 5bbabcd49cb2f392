/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_CLIENT_MEMORY_H__
#define __PANTHOR_CLIENT_MEMORY_H__

#include <linux/types.h>

struct cred;
struct drm_file;
struct panthor_device;
struct panthor_target;
struct pid;

/**
 * struct panthor_client_request - A request for the memory of a client
 */
struct panthor_client_request {
	/** @bytes: How much of it is to be evicted, or resident, in all. 0 for all. */
	u64 bytes;

	/** @nowait: Evict what can go now, and do not wait until it has left. */
	bool nowait;

	/** @best_effort: Bring back only what there is free memory for. */
	bool best_effort;

	/** @done: Result: bytes evicted, or brought back. */
	u64 done;

	/** @resident: Result: bytes in memory. */
	u64 resident;

	/** @evicted: Result: bytes not in memory. */
	u64 evicted;

	/** @busy: Result: bytes in use by jobs, or pinned. */
	u64 busy;

	/** @shared: Result: bytes that others use as well. */
	u64 shared;

	/** @noswap: Result: bytes for which there is no swap space. */
	u64 noswap;
};

int panthor_client_init_target(struct panthor_target *target, struct panthor_device *ptdev,
			       struct pid *pid, const struct cred *opener);
int panthor_client_reclaim(struct panthor_target *target, struct panthor_client_request *req);
int panthor_client_claim(struct panthor_target *target, struct panthor_client_request *req);
void panthor_client_query(struct panthor_target *target, struct panthor_client_request *req);
int panthor_client_count(struct drm_file *file, u64 *resident, u64 *evicted);

#endif
