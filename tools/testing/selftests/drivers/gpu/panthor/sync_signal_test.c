// SPDX-License-Identifier: GPL-2.0
/*
 * Signal operations on sync objects that do not exist. A driver that puts the
 * object it has not found takes the kernel down with it.
 */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"

#define BAD_HANDLE	0x7fffffffu

FIXTURE(sync_signal)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
};

FIXTURE_SETUP(sync_signal)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
}

FIXTURE_TEARDOWN(sync_signal)
{
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

TEST_F(sync_signal, unknown_syncobj_is_rejected_by_vm_bind)
{
	struct drm_panthor_sync_op sync = pan_sync_signal(BAD_HANDLE);
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &sync),
	};

	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, self->ctx.vm, DRM_PANTHOR_VM_BIND_ASYNC,
				       &op, 1));
	sync = pan_timeline_signal(BAD_HANDLE, 1);
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, self->ctx.vm, DRM_PANTHOR_VM_BIND_ASYNC,
				       &op, 1));
}

TEST_F(sync_signal, unknown_syncobj_is_rejected_by_submit)
{
	struct drm_panthor_sync_op sync = pan_sync_signal(BAD_HANDLE);
	struct pan_ctx *ctx = &self->ctx;

	EXPECT_EQ(-EINVAL, pan_submit(ctx->dev, ctx->group, 0, 0, 0, &sync, 1));
	sync = pan_timeline_signal(BAD_HANDLE, 1);
	EXPECT_EQ(-EINVAL, pan_submit(ctx->dev, ctx->group, 0, 0, 0, &sync, 1));
}

TEST_HARNESS_MAIN
