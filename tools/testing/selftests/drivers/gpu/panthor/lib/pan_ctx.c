// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "pan_ctx.h"
#include "pan_mem.h"
#include "pan_model.h"

/* Buffers start on 2 MiB boundaries, so that the driver may use large pages. */
#define DATA_ALIGN	(2ull << 20)

int pan_ctx_bo_map(struct pan_ctx *ctx, struct pan_bo *bo)
{
	if (!bo->map)
		bo->map = pan_bo_mmap(ctx->dev, bo->handle, bo->size);
	return bo->map ? 0 : -ENOMEM;
}

void pan_ctx_bo_unmap(struct pan_bo *bo)
{
	if (bo->map)
		munmap(bo->map, bo->size);
	bo->map = NULL;
}

void pan_ctx_bo_free(struct pan_ctx *ctx, struct pan_bo *bo)
{
	pan_ctx_bo_unmap(bo);
	if (bo->va)
		pan_vm_unmap(ctx->dev, ctx->vm, bo->va, bo->size);
	if (bo->handle)
		pan_bo_close(ctx->dev, bo->handle);
	memset(bo, 0, sizeof(*bo));
}

static int bo_at(struct pan_ctx *ctx, uint64_t size, bool private, uint64_t va,
		 uint32_t flags, struct pan_bo *bo)
{
	int ret;

	memset(bo, 0, sizeof(*bo));
	bo->size = size;
	ret = pan_bo_create(ctx->dev, size, 0, private ? ctx->vm : 0, &bo->handle);
	if (ret)
		return ret;

	ret = pan_vm_map(ctx->dev, ctx->vm, bo->handle, 0, va, size, flags);
	if (ret) {
		pan_ctx_bo_free(ctx, bo);
		return ret;
	}
	bo->va = va;
	return 0;
}

int pan_ctx_bo(struct pan_ctx *ctx, uint64_t size, bool private, struct pan_bo *bo)
{
	int ret = bo_at(ctx, size, private, ctx->next_va, PAN_MAP_RW, bo);

	if (!ret)
		ctx->next_va += (size + DATA_ALIGN - 1) & ~(DATA_ALIGN - 1);
	return ret;
}

int pan_ctx_new_group(struct pan_ctx *ctx)
{
	if (ctx->group)
		pan_group_destroy(ctx->dev, ctx->group);
	ctx->group = 0;
	return pan_group_create(ctx->dev, ctx->vm, ctx->queues, &ctx->group);
}

int pan_ctx_new_group_after_reset(struct pan_ctx *ctx, int timeout_ms)
{
	uint64_t end = pan_now_ms() + timeout_ms;
	int ret;

	for (;;) {
		ret = pan_ctx_new_group(ctx);
		if (!ret || pan_now_ms() >= end)
			return ret;
		pan_sleep_ms(50);
	}
}

static int init_streams(struct pan_ctx *ctx)
{
	uint32_t i;
	int ret;

	ret = bo_at(ctx, ctx->queues * PAN_STREAM_SIZE, true, PAN_STREAM_VA, PAN_MAP_RO,
		    &ctx->streams);
	if (!ret)
		ret = pan_ctx_bo_map(ctx, &ctx->streams);
	if (ret)
		return ret;

	for (i = 0; i < ctx->queues; i++) {
		pan_cs_init(&ctx->cs[i], (char *)ctx->streams.map + i * PAN_STREAM_SIZE,
			    PAN_STREAM_VA + i * PAN_STREAM_SIZE, PAN_STREAM_SIZE);
		ret = pan_syncobj_create(ctx->dev, &ctx->done[i]);
		if (ret)
			return ret;
	}
	return 0;
}

int pan_ctx_init(struct pan_ctx *ctx, struct pan_dev *dev, uint32_t queues)
{
	int ret;

	memset(ctx, 0, sizeof(*ctx));
	ctx->dev = dev;
	ctx->queues = queues;
	ctx->next_va = PAN_DATA_VA;

	ret = pan_vm_create(dev, &ctx->vm);
	if (!ret)
		ret = init_streams(ctx);
	if (!ret)
		ret = bo_at(ctx, PAN_PAGE, true, PAN_FLAGS_VA, PAN_MAP_RW, &ctx->flags);
	if (!ret)
		ret = pan_ctx_bo_map(ctx, &ctx->flags);
	if (!ret)
		ret = pan_ctx_new_group(ctx);
	if (ret)
		pan_ctx_fini(ctx);
	return ret;
}

void pan_ctx_fini(struct pan_ctx *ctx)
{
	uint32_t i;

	if (ctx->group)
		pan_group_destroy(ctx->dev, ctx->group);
	for (i = 0; i < ctx->queues; i++) {
		if (ctx->done[i])
			pan_syncobj_destroy(ctx->dev, ctx->done[i]);
	}
	pan_ctx_bo_free(ctx, &ctx->flags);
	pan_ctx_bo_free(ctx, &ctx->streams);
	if (ctx->vm)
		pan_vm_destroy(ctx->dev, ctx->vm);
	memset(ctx, 0, sizeof(*ctx));
}

struct pan_cs *pan_ctx_begin(struct pan_ctx *ctx, uint32_t queue)
{
	pan_cs_rewind(&ctx->cs[queue]);
	return &ctx->cs[queue];
}

struct pan_cs *pan_ctx_append(struct pan_ctx *ctx, uint32_t queue)
{
	pan_cs_begin(&ctx->cs[queue]);
	return &ctx->cs[queue];
}

int pan_ctx_submit_syncs(struct pan_ctx *ctx, uint32_t queue,
			 const struct drm_panthor_sync_op *syncs, uint32_t count)
{
	struct pan_cs *cs = &ctx->cs[queue];
	struct drm_panthor_sync_op ops[8];

	if (cs->overflow || count >= 8)
		return -ENOSPC;

	if (count)
		memcpy(ops, syncs, count * sizeof(*syncs));
	ops[count++] = pan_sync_signal(ctx->done[queue]);
	__sync_synchronize();
	return pan_submit(ctx->dev, ctx->group, queue, pan_cs_addr(cs), pan_cs_size(cs),
			  ops, count);
}

int pan_ctx_submit(struct pan_ctx *ctx, uint32_t queue)
{
	return pan_ctx_submit_syncs(ctx, queue, NULL, 0);
}

int pan_ctx_wait(struct pan_ctx *ctx, uint32_t queue)
{
	int ret = pan_syncobj_wait(ctx->dev, ctx->done[queue], 0, PAN_JOB_TIMEOUT);

	if (ret)
		return ret;
	ret = pan_syncobj_status(ctx->dev, ctx->done[queue]);
	return ret < 0 ? ret : 0;
}

int pan_ctx_run(struct pan_ctx *ctx, uint32_t queue)
{
	int ret = pan_ctx_submit(ctx, queue);

	if (ret)
		return pan_error(ret, "DRM_IOCTL_PANTHOR_GROUP_SUBMIT");
	ret = pan_ctx_wait(ctx, queue);
	if (ret == -ETIME || ret == -ETIMEDOUT)
		pan_model_tell();
	return ret ? pan_error(ret, "job on queue %u", queue) : 0;
}
