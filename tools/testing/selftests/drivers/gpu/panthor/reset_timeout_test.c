// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs that never end, and a reset of the GPU that others have caused: the driver's
 * time limit ends them all the same. One that it does not end keeps its memory.
 */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_model.h"
#include "lib/pan_proc.h"

#define DEADLINE_MS	20000

/* Words of the page of flags */
#define NEVER_SET	0
#define RUNNING		1

FIXTURE(reset_timeout)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct pan_ctx blocked;
	uint64_t resets;
};

FIXTURE_SETUP(reset_timeout)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	PAN_NEEDS_MODEL();
	PAN_NEEDS_INJECTION("resume_hang");
	pan_model_calm();
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
	ASSERT_OK(pan_ctx_init(&self->blocked, &self->dev, 1));

	/* The group has had a slot: it is resumed, not started, when it gets one. */
	pan_cs_store32(pan_ctx_begin(&self->ctx, 0), pan_flag_va(RUNNING), 1);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	*pan_flag(&self->ctx, RUNNING) = 0;
	ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", 5000));
	self->resets = pan_model_count("resets");
}

FIXTURE_TEARDOWN(reset_timeout)
{
	pan_model_calm();
	pan_ctx_fini(&self->blocked);
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

/* The driver does not tell by which of several errors. */
static void expect_timed_out(struct __test_metadata *_metadata, struct pan_ctx *ctx)
{
	struct drm_panthor_group_get_state state;

	EXPECT_NE(0, pan_ctx_wait(ctx, 0));
	EXPECT_GT(0, pan_syncobj_status(ctx->dev, ctx->done[0]));
	EXPECT_OK(pan_group_state(ctx->dev, ctx->group, &state));
	EXPECT_TRUE(state.state & DRM_PANTHOR_GROUP_STATE_TIMEDOUT);
}

/*
 * One group waits for what never comes, without a slot. The device wakes up for the
 * job of the other one, and the firmware hangs when it resumes groups.
 */
TEST_F_TIMEOUT(reset_timeout, of_groups_without_a_slot, 120)
{
	pan_cs_store32(pan_ctx_begin(&self->blocked, 0), pan_flag_va(RUNNING), 1);
	pan_cs_sync_wait32(&self->blocked.cs[0], pan_flag_va(NEVER_SET), true, 0);
	ASSERT_OK(pan_ctx_submit(&self->blocked, 0));
	ASSERT_OK(pan_wait_word(pan_flag(&self->blocked, RUNNING), 1, 5000));
	ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", 4000));

	ASSERT_OK(pan_model_inject("resume_hang", 1));
	pan_cs_spin_until(pan_ctx_begin(&self->ctx, 0), pan_flag_va(NEVER_SET));
	ASSERT_OK(pan_ctx_submit(&self->ctx, 0));
	EXPECT_OK(pan_model_wait_resets(self->resets + 1, DEADLINE_MS));
	expect_timed_out(_metadata, &self->blocked);
	expect_timed_out(_metadata, &self->ctx);
}

TEST_HARNESS_MAIN
