// SPDX-License-Identifier: GPL-2.0
/* Asynchronous DRM_IOCTL_PANTHOR_VM_BIND, ordered by sync objects */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_model.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"

#define SIZE		(64ull << 10)
#define DEADLINE_MS	20000
#define BAD_HANDLE	0x7fffffffu

/* Long enough to see that something does not happen. */
#define SHORT_MS	50

FIXTURE(async)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct pan_bo bo;
	uint32_t in;
	uint32_t out;
};

FIXTURE_SETUP(async)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
	self->bo.size = SIZE;
	ASSERT_OK(pan_bo_create(&self->dev, SIZE, 0, 0, &self->bo.handle));
	ASSERT_OK(pan_ctx_bo_map(&self->ctx, &self->bo));
	ASSERT_OK(pan_syncobj_create(&self->dev, &self->in));
	ASSERT_OK(pan_syncobj_create(&self->dev, &self->out));
}

FIXTURE_TEARDOWN(async)
{
	pan_model_calm();
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

static struct drm_panthor_vm_bind_op map_op(uint32_t bo, uint64_t va,
					    struct drm_panthor_sync_op *syncs, uint32_t count)
{
	return (struct drm_panthor_vm_bind_op) {
		.flags = PAN_MAP_RW,
		.bo_handle = bo,
		.va = va,
		.size = SIZE,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(count, syncs),
	};
}

static int bind(struct pan_ctx *ctx, struct drm_panthor_vm_bind_op *ops, uint32_t count)
{
	return pan_vm_bind(ctx->dev, ctx->vm, DRM_PANTHOR_VM_BIND_ASYNC, ops, count);
}

TEST_F(async, out_fence_orders_a_job_behind_the_bind)
{
	struct drm_panthor_sync_op signal = pan_sync_signal(self->out);
	struct drm_panthor_sync_op wait = pan_sync_wait(self->out);
	struct drm_panthor_vm_bind_op op = map_op(self->bo.handle, PAN_DATA_VA, &signal, 1);
	struct pan_ctx *ctx = &self->ctx;

	ASSERT_OK(bind(ctx, &op, 1));
	pan_cs_fill(pan_ctx_begin(ctx, 0), PAN_DATA_VA, SIZE, 1);
	ASSERT_OK(pan_ctx_submit_syncs(ctx, 0, &wait, 1));
	ASSERT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 1, 0));
}

TEST_F(async, bind_waits_for_its_in_fence)
{
	struct drm_panthor_sync_op job_wait, syncs[2];
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_vm_bind_op op;

	/* A job that spins until the CPU lets it go stands for any fence. */
	pan_cs_spin_until(pan_ctx_begin(ctx, 0), pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	syncs[0] = pan_sync_wait(ctx->done[0]);
	syncs[1] = pan_sync_signal(self->out);
	op = map_op(self->bo.handle, PAN_DATA_VA, syncs, 2);
	ASSERT_OK(bind(ctx, &op, 1));
	EXPECT_EQ(-ETIME, pan_syncobj_wait(ctx->dev, self->out, 0, SHORT_MS));
	*pan_flag(ctx, 0) = 1;
	EXPECT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));

	job_wait = pan_sync_wait(self->out);
	pan_cs_fill(pan_ctx_append(ctx, 0), PAN_DATA_VA, SIZE, 2);
	ASSERT_OK(pan_ctx_submit_syncs(ctx, 0, &job_wait, 1));
	ASSERT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 2, 0));
}

TEST_F(async, binds_of_a_vm_stay_in_order)
{
	struct drm_panthor_sync_op signal = pan_sync_signal(self->out);
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_vm_bind_op ops[3];
	struct pan_bo second = { .size = SIZE };

	ASSERT_OK(pan_bo_create(ctx->dev, SIZE, 0, 0, &second.handle));
	ASSERT_OK(pan_ctx_bo_map(ctx, &second));
	ops[0] = map_op(self->bo.handle, PAN_DATA_VA, NULL, 0);
	ops[1] = (struct drm_panthor_vm_bind_op) {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP, .va = PAN_DATA_VA, .size = SIZE,
	};
	ops[2] = map_op(second.handle, PAN_DATA_VA, &signal, 1);
	ASSERT_OK(bind(ctx, ops, 3));
	ASSERT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));
	pan_cs_fill(pan_ctx_begin(ctx, 0), PAN_DATA_VA, SIZE, 3);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	EXPECT_EQ(0, pan_pattern_check(second.map, SIZE, 3, 0));
	EXPECT_EQ(0, self->bo.map[0]);
}

TEST_F(async, unmap_behind_a_job)
{
	struct drm_panthor_sync_op syncs[2];
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_vm_bind_op op;

	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, self->bo.handle, 0, PAN_DATA_VA, SIZE,
			     PAN_MAP_RW));
	pan_cs_spin(pan_ctx_begin(ctx, 0), 1000);
	pan_cs_fill(&ctx->cs[0], PAN_DATA_VA, SIZE, 4);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	syncs[0] = pan_sync_wait(ctx->done[0]);
	syncs[1] = pan_sync_signal(self->out);
	op = (struct drm_panthor_vm_bind_op) {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP, .va = PAN_DATA_VA, .size = SIZE,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(2, syncs),
	};
	ASSERT_OK(bind(ctx, &op, 1));
	ASSERT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));
	ASSERT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 4, 0));
}

TEST_F(async, sync_only_signals_behind_earlier_binds)
{
	struct drm_panthor_sync_op signal = pan_sync_signal(self->out);
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_vm_bind_op ops[2];

	ops[0] = map_op(self->bo.handle, PAN_DATA_VA, NULL, 0);
	ops[1] = (struct drm_panthor_vm_bind_op) {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal),
	};
	ASSERT_OK(bind(ctx, &ops[0], 1));
	ASSERT_OK(bind(ctx, &ops[1], 1));
	ASSERT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));
	pan_cs_fill(pan_ctx_begin(ctx, 0), PAN_DATA_VA, SIZE, 5);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 5, 0));
}

TEST_F(async, timeline_points_order_binds)
{
	struct drm_panthor_sync_op syncs[2] = {
		pan_timeline_wait(self->in, 7), pan_timeline_signal(self->out, 3),
	};
	struct drm_panthor_vm_bind_op op = map_op(self->bo.handle, PAN_DATA_VA, syncs, 2);
	struct pan_ctx *ctx = &self->ctx;
	uint64_t point = 0;

	/* A point that nothing has promised yet cannot be waited for. */
	EXPECT_EQ(-EINVAL, bind(ctx, &op, 1));
	ASSERT_OK(pan_syncobj_signal_point(ctx->dev, self->in, 7));
	ASSERT_OK(bind(ctx, &op, 1));
	ASSERT_OK(pan_syncobj_wait(ctx->dev, self->out, 3, PAN_JOB_TIMEOUT));
	ASSERT_OK(pan_syncobj_query(ctx->dev, self->out, &point));
	EXPECT_EQ(3, point);
}

TEST_F(async, operations_of_one_call_wait_for_each_other)
{
	struct drm_panthor_sync_op signal = pan_sync_signal(self->in);
	struct drm_panthor_sync_op syncs[2] = {
		pan_sync_wait(self->in), pan_sync_signal(self->out),
	};
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_vm_bind_op ops[2];

	ops[0] = map_op(self->bo.handle, PAN_DATA_VA, &signal, 1);
	ops[1] = map_op(self->bo.handle, PAN_DATA_VA + PAN_MIB, syncs, 2);
	ASSERT_OK(bind(ctx, ops, 2));
	ASSERT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));
	EXPECT_EQ(1, pan_syncobj_status(ctx->dev, self->in));
}

TEST_F(async, wait_for_a_syncobj_without_fence_is_rejected)
{
	struct drm_panthor_sync_op wait = pan_sync_wait(self->in);
	struct drm_panthor_vm_bind_op op = map_op(self->bo.handle, PAN_DATA_VA, &wait, 1);

	EXPECT_EQ(-EINVAL, bind(&self->ctx, &op, 1));
	ASSERT_OK(pan_syncobj_signal(&self->dev, self->in));
	EXPECT_OK(bind(&self->ctx, &op, 1));
}

TEST_F(async, wait_for_an_unknown_syncobj_is_rejected)
{
	struct drm_panthor_sync_op sync = pan_sync_wait(BAD_HANDLE);
	struct drm_panthor_vm_bind_op op = map_op(self->bo.handle, PAN_DATA_VA, &sync, 1);

	EXPECT_EQ(-ENOENT, bind(&self->ctx, &op, 1));
	sync = pan_timeline_wait(BAD_HANDLE, 1);
	EXPECT_EQ(-ENOENT, bind(&self->ctx, &op, 1));
}

TEST_F(async, bad_sync_operations_are_rejected)
{
	struct drm_panthor_sync_op sync = pan_sync_signal(self->out);
	struct drm_panthor_vm_bind_op op = map_op(self->bo.handle, PAN_DATA_VA, &sync, 1);

	sync.flags |= 1 << 8;
	EXPECT_EQ(-EINVAL, bind(&self->ctx, &op, 1));
	sync.flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL | 2;
	EXPECT_EQ(-EINVAL, bind(&self->ctx, &op, 1));
	sync = pan_sync_signal(self->out);
	sync.timeline_value = 1;
	EXPECT_EQ(-EINVAL, bind(&self->ctx, &op, 1));
	sync = pan_sync_wait(self->out);
	sync.timeline_value = 1;
	EXPECT_EQ(-EINVAL, bind(&self->ctx, &op, 1));
}

TEST_F(async, bad_sync_arrays_are_rejected)
{
	struct drm_panthor_sync_op sync = pan_sync_signal(self->out);
	struct drm_panthor_vm_bind_op op = map_op(self->bo.handle, PAN_DATA_VA, &sync, 1);

	op.syncs.stride = sizeof(sync) - 1;
	EXPECT_EQ(-EINVAL, bind(&self->ctx, &op, 1));
	op.syncs.stride = sizeof(sync);
	op.syncs.array = 8;
	EXPECT_EQ(-EFAULT, bind(&self->ctx, &op, 1));
}

TEST_F(async, sync_only_takes_nothing_else)
{
	struct drm_panthor_sync_op signal = pan_sync_signal(self->out);
	const struct drm_panthor_vm_bind_op good = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal),
	};
	struct drm_panthor_vm_bind_op op = good;

	op.syncs.count = 0;
	EXPECT_EQ(-EINVAL, bind(&self->ctx, &op, 1));
	op = good;
	op.bo_handle = self->bo.handle;
	EXPECT_EQ(-EINVAL, bind(&self->ctx, &op, 1));
	op = good;
	op.va = PAN_DATA_VA;
	EXPECT_EQ(-EINVAL, bind(&self->ctx, &op, 1));
	op = good;
	op.size = PAN_PAGE;
	EXPECT_EQ(-EINVAL, bind(&self->ctx, &op, 1));
	op = good;
	op.flags |= DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC;
	EXPECT_EQ(-EINVAL, bind(&self->ctx, &op, 1));
	op = good;
	EXPECT_OK(bind(&self->ctx, &op, 1));
	EXPECT_OK(pan_syncobj_wait(&self->dev, self->out, 0, PAN_JOB_TIMEOUT));
}

TEST_F(async, failed_call_has_no_effect)
{
	struct drm_panthor_sync_op signal = pan_sync_signal(self->out);
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_vm_bind_op ops[2];

	ops[0] = map_op(self->bo.handle, PAN_DATA_VA, &signal, 1);
	ops[1] = map_op(self->bo.handle, PAN_DATA_VA + 1, NULL, 0);
	EXPECT_EQ(-EINVAL, bind(ctx, ops, 2));
	EXPECT_EQ(-ETIME, pan_syncobj_wait(ctx->dev, self->out, 0, SHORT_MS));
	pan_cs_store32(pan_ctx_begin(ctx, 0), PAN_DATA_VA, 1);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_NE(0, pan_ctx_wait(ctx, 0));
	EXPECT_EQ(0, self->bo.map[0]);
}

/* The address space cannot be locked: the bind fails after it was accepted. */
TEST_F(async, failure_makes_the_vm_unusable)
{
	struct drm_panthor_sync_op signal = pan_sync_signal(self->out);
	struct drm_panthor_vm_bind_op op = map_op(self->bo.handle, PAN_DATA_VA, &signal, 1);
	struct pan_ctx *ctx = &self->ctx;
	uint32_t state;

	PAN_NEEDS_INJECTION("as_stuck");

	/* A job in the VM keeps an address space assigned to it. */
	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(1), 1);
	pan_cs_spin_until(&ctx->cs[0], pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	ASSERT_OK(pan_wait_word(pan_flag(ctx, 1), 1, DEADLINE_MS));

	ASSERT_OK(pan_model_inject("as_stuck", 1));
	ASSERT_OK(bind(ctx, &op, 1));
	EXPECT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));
	EXPECT_GT(0, pan_syncobj_status(ctx->dev, self->out));
	*pan_flag(ctx, 0) = 1;
	pan_ctx_wait(ctx, 0);

	ASSERT_OK(pan_vm_state(ctx->dev, ctx->vm, &state));
	EXPECT_EQ(DRM_PANTHOR_VM_STATE_UNUSABLE, state);
	EXPECT_EQ(-EINVAL, bind(ctx, &op, 1));
	op.syncs.count = 0;
	EXPECT_EQ(-EINVAL, pan_vm_bind(ctx->dev, ctx->vm, 0, &op, 1));
	EXPECT_OK(pan_vm_unmap(ctx->dev, ctx->vm, PAN_DATA_VA, SIZE));
}

TEST_HARNESS_MAIN
