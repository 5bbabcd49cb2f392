// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware that misbehaves, by injection into the model: the driver survives,
 * resets the GPU where it has to, and what comes afterwards works.
 */
#include <errno.h>

#include "reset_common.h"

FIXTURE(reset)
{
	struct pan_dev dev;
	struct pan_ctx busy;
	struct pan_ctx ctx;
	struct pan_bo bo;
	uint64_t resets;
};

FIXTURE_SETUP(reset)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	PAN_NEEDS_MODEL();
	pan_model_calm();
	ASSERT_OK(pan_ctx_init(&self->busy, &self->dev, 2));
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
	ASSERT_OK(pan_ctx_bo(&self->ctx, SIZE, true, &self->bo));
	ASSERT_OK(pan_ctx_bo_map(&self->ctx, &self->bo));
	pan_cs_fill(pan_ctx_begin(&self->ctx, 0), self->bo.va, SIZE, 1);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	self->resets = pan_model_count("resets");
}

FIXTURE_TEARDOWN(reset)
{
	pan_model_calm();
	EXPECT_OK(new_client_works_after_reset(&self->dev));

	/* Whatever happened to the GPU, memory keeps its contents. */
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 1, 0));
	pan_ctx_fini(&self->ctx);
	pan_ctx_fini(&self->busy);
	pan_close(&self->dev);
}

TEST_F(reset, mcu_that_hangs)
{
	struct drm_panthor_group_get_state state;
	struct pan_ctx *ctx = &self->ctx;

	PAN_NEEDS_INJECTION("mcu_hang");
	ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", 5000));
	ASSERT_OK(start_endless(&self->busy));

	/* A group that wants a slot gets no answer: the driver resets the GPU. */
	ASSERT_OK(pan_model_inject("mcu_hang", 1));
	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(2), 1);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_OK(pan_model_wait_resets(self->resets + 1, DEADLINE_MS));

	/* Who was running when the MCU hung has lost its job. */
	EXPECT_NE(0, pan_ctx_wait(&self->busy, 0));
	ASSERT_OK(pan_group_state(&self->dev, self->busy.group, &state));
	EXPECT_TRUE(state.state & DRM_PANTHOR_GROUP_STATE_TIMEDOUT);
	EXPECT_FALSE(state.state & DRM_PANTHOR_GROUP_STATE_FATAL_FAULT);
	EXPECT_EQ(-EINVAL, pan_ctx_submit(&self->busy, 0));

	/* Who was not has its job done, or lost: but an answer it gets. */
	pan_ctx_wait(ctx, 0);
	EXPECT_NE(0, pan_syncobj_status(&self->dev, ctx->done[0]));
}

TEST_F(reset, many_resets)
{
	int i;

	PAN_NEEDS_INJECTION("mcu_hang");
	for (i = 1; i <= 3; i++) {
		ASSERT_OK(start_endless(&self->busy));
		ASSERT_OK(pan_model_inject("mcu_hang", 1));
		pan_cs_store32(pan_ctx_begin(&self->ctx, 0), pan_flag_va(2), 1);
		pan_ctx_submit(&self->ctx, 0);
		EXPECT_OK(pan_model_wait_resets(self->resets + i, DEADLINE_MS));
		pan_ctx_wait(&self->busy, 0);
		pan_ctx_wait(&self->ctx, 0);
		ASSERT_OK(pan_ctx_new_group_after_reset(&self->busy, DEADLINE_MS));
		ASSERT_OK(pan_ctx_new_group_after_reset(&self->ctx, DEADLINE_MS));
		EXPECT_OK(new_client_works_after_reset(&self->dev));
	}
}

TEST_F(reset, address_space_command_that_never_ends)
{
	struct pan_ctx *busy = &self->busy;
	struct pan_bo bo = { .size = SIZE };
	struct drm_panthor_vm_bind_op op;
	uint32_t state;

	PAN_NEEDS_INJECTION("as_stuck");
	ASSERT_OK(pan_bo_create(&self->dev, SIZE, 0, busy->vm, &bo.handle));
	op = (struct drm_panthor_vm_bind_op) {
		.flags = PAN_MAP_RW, .bo_handle = bo.handle, .va = PAN_DATA_VA, .size = SIZE,
	};
	ASSERT_OK(start_endless(busy));
	ASSERT_OK(pan_model_inject("as_stuck", 1));
	EXPECT_EQ(-ETIMEDOUT, pan_vm_bind(&self->dev, busy->vm, 0, &op, 1));
	EXPECT_OK(pan_model_wait_resets(self->resets + 1, DEADLINE_MS));
	end_endless(busy);

	/* A synchronous bind that failed has changed nothing: the VM goes on. */
	ASSERT_OK(pan_vm_state(&self->dev, busy->vm, &state));
	EXPECT_EQ(DRM_PANTHOR_VM_STATE_USABLE, state);
	ASSERT_OK(pan_ctx_new_group_after_reset(busy, DEADLINE_MS));
	EXPECT_OK(pan_vm_bind(&self->dev, busy->vm, 0, &op, 1));
	pan_cs_fill(pan_ctx_begin(busy, 0), PAN_DATA_VA, SIZE, 3);
	ASSERT_OK(pan_ctx_run(busy, 0));
	ASSERT_OK(pan_ctx_bo_map(busy, &bo));
	EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE, 3, 0));
}

TEST_F(reset, slow_address_space_commands)
{
	struct pan_ctx *busy = &self->busy;
	struct pan_cs *cs;
	struct pan_bo bo;
	int i;

	PAN_NEEDS_INJECTION("as_delay_us");
	ASSERT_OK(start_endless(busy));
	ASSERT_OK(pan_model_inject("as_delay_us", 3000));
	for (i = 0; i < 4; i++) {
		ASSERT_OK(pan_ctx_bo(busy, SIZE, true, &bo));
		cs = pan_ctx_begin(busy, 1);
		pan_cs_fill(cs, bo.va, SIZE, i);
		ASSERT_OK(pan_ctx_run(busy, 1));
		ASSERT_OK(pan_ctx_bo_map(busy, &bo));
		EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE, i, 0));
		pan_ctx_bo_free(busy, &bo);
	}
	EXPECT_OK(end_endless(busy));
	EXPECT_EQ(self->resets, pan_model_count("resets"));
}

TEST_F(reset, accesses_wait_for_a_locked_region)
{
	struct pan_ctx *busy = &self->busy;
	uint64_t stale = pan_model_count("tlb_stale");
	struct pan_bo work, side;
	struct pan_cs *cs;
	uint32_t loop;
	int i;

	PAN_NEEDS_INJECTION("as_delay_us");
	ASSERT_OK(pan_ctx_bo(busy, SIZE, true, &work));
	ASSERT_OK(pan_bo_create(&self->dev, SIZE, 0, busy->vm, &side.handle));

	/* Writes all the time to what is next to what is being bound. */
	cs = pan_ctx_begin(busy, 0);
	pan_cs_move48(cs, 80, work.va);
	pan_cs_move48(cs, 82, pan_flag_va(0));
	pan_cs_move32(cs, 84, 0);
	loop = pan_cs_label(cs);
	pan_cs_add32(cs, 84, 84, 1);
	pan_cs_store(cs, 84, 1, 80, 0);
	pan_cs_load(cs, 85, 1, 82, 0);
	pan_cs_wait(cs);
	pan_cs_branch(cs, PAN_COND_EQUAL, 85, loop);
	pan_cs_move48(cs, 82, pan_flag_va(2));
	pan_cs_store(cs, 84, 1, 82, 0);
	pan_cs_wait(cs);
	ASSERT_OK(pan_ctx_submit(busy, 0));

	ASSERT_OK(pan_model_inject("as_delay_us", 1000));
	for (i = 0; i < 10; i++) {
		ASSERT_OK(pan_vm_map(&self->dev, busy->vm, side.handle, 0, work.va + SIZE, SIZE,
				     PAN_MAP_RW));
		ASSERT_OK(pan_vm_unmap(&self->dev, busy->vm, work.va + SIZE, SIZE));
	}
	*pan_flag(busy, 0) = 1;
	EXPECT_OK(pan_ctx_wait(busy, 0));
	ASSERT_OK(pan_ctx_bo_map(busy, &work));
	EXPECT_EQ(*pan_flag(busy, 2), work.map[0]);
	EXPECT_EQ(stale, pan_model_count("tlb_stale"));
}

TEST_F(reset, lost_interrupt_of_a_finished_job)
{
	uint64_t lost = pan_model_count("irqs_lost");
	struct pan_ctx *busy = &self->busy;

	PAN_NEEDS_INJECTION("lose_irq");
	ASSERT_OK(start_endless(busy));
	ASSERT_OK(pan_model_inject("lose_irq", 1));
	*pan_flag(busy, 0) = 1;

	/* The driver finds out by the next interrupt, or by its own timeout. */
	EXPECT_OK(pan_ctx_wait(busy, 0));
	EXPECT_EQ(lost + 1, pan_model_count("irqs_lost"));
}

/*
 * Start of a group, end of a job, suspension: each loses its interrupt once. The
 * device is kept awake: a driver that loses the interrupt of the MCU's boot
 * gives the device up.
 */
TEST_F(reset, lost_interrupts_of_a_group)
{
	int i;

	PAN_NEEDS_INJECTION("lose_irq");
	for (i = 1; i <= 4; i++) {
		struct pan_ctx ctx;

		ASSERT_OK(start_endless(&self->busy));
		ASSERT_OK(pan_ctx_init(&ctx, &self->dev, 1));
		pan_cs_store32(pan_ctx_begin(&ctx, 0), pan_flag_va(0), 1);
		ASSERT_OK(pan_model_inject("lose_irq", i));
		ASSERT_OK(pan_ctx_submit(&ctx, 0));
		EXPECT_OK(pan_ctx_wait(&ctx, 0));
		EXPECT_EQ(1, *pan_flag(&ctx, 0));
		ASSERT_OK(pan_model_inject("lose_irq", 0));
		end_endless(&self->busy);
		ASSERT_OK(pan_ctx_new_group_after_reset(&self->busy, DEADLINE_MS));
		pan_ctx_fini(&ctx);
	}
}

TEST_F(reset, bus_fault_fails_one_job)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;

	PAN_NEEDS_INJECTION("bus_fault");
	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &bo));
	pan_cs_fill(pan_ctx_begin(ctx, 0), bo.va, SIZE, 4);
	ASSERT_OK(pan_model_inject("bus_fault", 1));
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_NE(0, pan_ctx_wait(ctx, 0));
	if (pan_ctx_submit(ctx, 0)) {
		ASSERT_OK(pan_ctx_new_group_after_reset(ctx, DEADLINE_MS));
		ASSERT_OK(pan_ctx_submit(ctx, 0));
	}
	EXPECT_OK(pan_ctx_wait(ctx, 0));
	ASSERT_OK(pan_ctx_bo_map(ctx, &bo));
	EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE, 4, 0));
}

TEST_F(reset, slow_gpu)
{
	PAN_NEEDS_INJECTION("slow_us");
	ASSERT_OK(pan_model_inject("slow_us", 2000));
	EXPECT_OK(new_client_works(&self->dev));
	EXPECT_EQ(self->resets, pan_model_count("resets"));
}

TEST_HARNESS_MAIN
