// SPDX-License-Identifier: GPL-2.0
/*
 * Cache flushes, suspended groups, streams and interrupts that misbehave, by injection
 * into the model. What the driver says of it, and what works afterwards.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "reset_common.h"

#define ROUNDS		8
#define FLUSH_US	20000
#define LATE_US		5000

FIXTURE(flush)
{
	struct pan_dev dev;
	struct pan_ctx a;
	struct pan_ctx b;
	uint64_t resets;
};

FIXTURE_SETUP(flush)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	PAN_NEEDS_MODEL();
	pan_model_calm();
	ASSERT_OK(pan_ctx_init(&self->a, &self->dev, 1));
	ASSERT_OK(pan_ctx_init(&self->b, &self->dev, 1));
	self->resets = pan_model_count("resets");
}

FIXTURE_TEARDOWN(flush)
{
	pan_model_calm();
	EXPECT_OK(new_client_works_after_reset(&self->dev));
	EXPECT_EQ(0, pan_model_count("unpowered"));
	EXPECT_EQ(0, pan_model_count("fw_asserts"));
	pan_ctx_fini(&self->b);
	pan_ctx_fini(&self->a);
	pan_close(&self->dev);
}

static int map_and_unmap(struct pan_ctx *ctx)
{
	struct pan_bo bo;
	int i, ret;

	for (i = 0; i < ROUNDS; i++) {
		ret = pan_ctx_bo(ctx, SIZE, true, &bo);
		if (!ret)
			ret = pan_vm_unmap(ctx->dev, ctx->vm, bo.va, SIZE);
		if (ret)
			return ret;
		bo.va = 0;
		pan_ctx_bo_free(ctx, &bo);
	}
	return 0;
}

/* Each bind of a VM that has an address space flushes. */
TEST_F(flush, two_vms_at_once)
{
	int status;
	pid_t pid;

	PAN_NEEDS_INJECTION("flush_us");
	ASSERT_OK(start_endless(&self->a));
	ASSERT_OK(start_endless(&self->b));
	ASSERT_OK(pan_model_inject("flush_us", FLUSH_US));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(map_and_unmap(&self->b) ? 1 : 0);
	EXPECT_OK(map_and_unmap(&self->a));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_OK(pan_model_inject("flush_us", 0));
	EXPECT_EQ(self->resets, pan_model_count("resets"));
	EXPECT_OK(end_endless(&self->a));
	EXPECT_OK(end_endless(&self->b));
}

TEST_F(flush, that_never_ends)
{
	uint64_t flushes;
	struct pan_bo bo;

	PAN_NEEDS_INJECTION("flush_stuck");
	ASSERT_OK(pan_ctx_bo(&self->a, SIZE, true, &bo));
	ASSERT_OK(start_endless(&self->a));
	ASSERT_OK(pan_model_inject("flush_stuck", 1));
	EXPECT_NE(0, pan_vm_unmap(&self->dev, self->a.vm, bo.va, SIZE));
	EXPECT_OK(pan_model_wait_resets(self->resets + 1, DEADLINE_MS));
	end_endless(&self->a);
	EXPECT_OK(new_client_works_after_reset(&self->dev));

	/* It is forgotten: the flushes of others are done, without another reset. */
	flushes = pan_model_count("gpu_flushes");
	ASSERT_OK(start_endless(&self->b));
	EXPECT_OK(map_and_unmap(&self->b));
	EXPECT_OK(end_endless(&self->b));
	EXPECT_LE(flushes + ROUNDS, pan_model_count("gpu_flushes"));
	EXPECT_EQ(self->resets + 1, pan_model_count("resets"));
}

/* The group that does not let itself be suspended is dead, and innocent. */
TEST_F(flush, group_that_is_not_suspended)
{
	struct drm_panthor_group_get_state state;

	PAN_NEEDS_INJECTION("suspend_hang");
	pan_cs_store32(pan_ctx_begin(&self->a, 0), pan_flag_va(2), 1);
	ASSERT_OK(pan_ctx_run(&self->a, 0));
	ASSERT_OK(pan_model_inject("suspend_hang", 1));
	ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", 5000));
	ASSERT_OK(pan_group_state(&self->dev, self->a.group, &state));
	EXPECT_EQ(DRM_PANTHOR_GROUP_STATE_TIMEDOUT | DRM_PANTHOR_GROUP_STATE_INNOCENT,
		  state.state);
	EXPECT_EQ(-EINVAL, pan_ctx_submit(&self->a, 0));
}

/* What a firmware does that has lost its mind: the group is not to be run again. */
TEST_F(flush, group_in_a_state_that_is_none)
{
	PAN_NEEDS_INJECTION("suspend_garbage");
	pan_cs_store32(pan_ctx_begin(&self->a, 0), pan_flag_va(2), 1);
	ASSERT_OK(pan_ctx_run(&self->a, 0));
	ASSERT_OK(pan_model_inject("suspend_garbage", 1));
	ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", 5000));
	pan_cs_store32(pan_ctx_begin(&self->a, 0), pan_flag_va(2), 2);
	EXPECT_EQ(-EINVAL, pan_ctx_submit(&self->a, 0));
	EXPECT_EQ(1, *pan_flag(&self->a, 2));
}

/* Who breaks its stream breaks the firmware: it is reset at once. */
TEST_F(flush, fault_that_cannot_be_recovered_from)
{
	struct drm_panthor_group_get_state state;

	PAN_NEEDS_INJECTION("unrecoverable");
	ASSERT_OK(pan_model_inject("unrecoverable", 1));
	pan_cs_store32(pan_ctx_begin(&self->a, 0), pan_flag_va(2), 1);
	ASSERT_OK(pan_ctx_submit(&self->a, 0));
	EXPECT_OK(pan_model_wait_resets(self->resets + 1, DEADLINE_MS));
	EXPECT_NE(0, pan_ctx_wait(&self->a, 0));
	ASSERT_OK(pan_group_state(&self->dev, self->a.group, &state));
	EXPECT_TRUE(state.state & DRM_PANTHOR_GROUP_STATE_FATAL_FAULT);
}

TEST_F(flush, interrupts_that_are_late)
{
	int i;

	PAN_NEEDS_INJECTION("irq_delay_us");
	ASSERT_OK(pan_model_inject("irq_delay_us", LATE_US));
	for (i = 0; i < ROUNDS; i++) {
		pan_cs_store32(pan_ctx_begin(&self->a, 0), pan_flag_va(2), i);
		EXPECT_OK(pan_ctx_run(&self->a, 0));
		EXPECT_EQ(i, *pan_flag(&self->a, 2));
		EXPECT_OK(map_and_unmap(&self->b));
	}
	ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", 5000));
	EXPECT_EQ(self->resets, pan_model_count("resets"));
}

TEST_HARNESS_MAIN
