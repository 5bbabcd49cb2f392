/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A context: an address space with a group that runs in it, memory to build
 * command streams in, and buffers bound at addresses picked by the library.
 */
#ifndef PAN_CTX_H
#define PAN_CTX_H

#include "pan_cs.h"
#include "pan_dev.h"
#include "pan_obj.h"

#define PAN_MAX_QUEUES		8

/* Layout of a context's address space */
#define PAN_STREAM_VA		0x10000000ull	/* command streams, read-only for the GPU */
#define PAN_STREAM_SIZE		(64ull << 10)	/* for each queue */
#define PAN_FLAGS_VA		0x18000000ull	/* one page of words shared with the CPU */
#define PAN_DATA_VA		0x100000000ull	/* buffers, upwards */
#define PAN_NOWHERE_VA		0x7000000000ull	/* nothing is ever bound here */

/* How long a job that must end may take before a test gives up, in ms. */
#define PAN_JOB_TIMEOUT		20000

/**
 * struct pan_bo - A buffer object
 * @handle: GEM handle, 0 when there is none
 * @size: size in bytes
 * @va: GPU address it is bound at, 0 when it is not
 * @map: CPU mapping, NULL when there is none
 */
struct pan_bo {
	uint32_t handle;
	uint64_t size;
	uint64_t va;
	uint32_t *map;
};

/**
 * struct pan_ctx - An address space and a group
 * @dev: device
 * @vm: VM id
 * @group: group handle, 0 when there is none
 * @queues: number of queues of the group
 * @streams: BO that command streams are built in
 * @flags: BO of words shared by CPU and GPU, mapped on both sides
 * @cs: builder of each queue
 * @done: syncobj that the last submission of each queue signals
 * @next_va: address of the next buffer
 */
struct pan_ctx {
	struct pan_dev *dev;
	uint32_t vm;
	uint32_t group;
	uint32_t queues;
	struct pan_bo streams;
	struct pan_bo flags;
	struct pan_cs cs[PAN_MAX_QUEUES];
	uint32_t done[PAN_MAX_QUEUES];
	uint64_t next_va;
};

int pan_ctx_init(struct pan_ctx *ctx, struct pan_dev *dev, uint32_t queues);
void pan_ctx_fini(struct pan_ctx *ctx);

/* Replaces a group that cannot run any more. */
int pan_ctx_new_group(struct pan_ctx *ctx);

/*
 * The same after a reset of the GPU, which may not be through: nothing can be mapped
 * as long as an address space hangs, and until the firmware has booted it says that
 * a group needs no memory for its state. Tries again for @timeout_ms.
 */
int pan_ctx_new_group_after_reset(struct pan_ctx *ctx, int timeout_ms);

/* GPU address and CPU view of word @index of the page of flags. */
static inline uint64_t pan_flag_va(uint32_t index)
{
	return PAN_FLAGS_VA + index * 4;
}

static inline volatile uint32_t *pan_flag(struct pan_ctx *ctx, uint32_t index)
{
	return ctx->flags.map + index;
}

/* Starts the only stream of a queue, or another one behind those not done yet. */
struct pan_cs *pan_ctx_begin(struct pan_ctx *ctx, uint32_t queue);
struct pan_cs *pan_ctx_append(struct pan_ctx *ctx, uint32_t queue);

/*
 * Submits the stream begun last, signalling the queue's syncobj. -errno of the
 * ioctl, quietly, or -ENOSPC when the stream did not fit.
 */
int pan_ctx_submit(struct pan_ctx *ctx, uint32_t queue);
int pan_ctx_submit_syncs(struct pan_ctx *ctx, uint32_t queue,
			 const struct drm_panthor_sync_op *syncs, uint32_t count);

/* Waits for the last submission of a queue: 0, -ETIME, or the fence's error. */
int pan_ctx_wait(struct pan_ctx *ctx, uint32_t queue);

/* Submit, wait, and say what went wrong. */
int pan_ctx_run(struct pan_ctx *ctx, uint32_t queue);

/* Creates a BO and binds it at the next free address. */
int pan_ctx_bo(struct pan_ctx *ctx, uint64_t size, bool private, struct pan_bo *bo);

/* Maps it for the CPU, unless it is; undoes that; closes it with all of this. */
int pan_ctx_bo_map(struct pan_ctx *ctx, struct pan_bo *bo);
void pan_ctx_bo_unmap(struct pan_bo *bo);
void pan_ctx_bo_free(struct pan_ctx *ctx, struct pan_bo *bo);

#endif /* PAN_CTX_H */
