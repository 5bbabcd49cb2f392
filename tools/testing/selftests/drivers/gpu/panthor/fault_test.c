// SPDX-License-Identifier: GPL-2.0
/* Jobs that go wrong: what becomes of them, of their group, and of the others */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"

#define SIZE		(64ull << 10)
#define DEADLINE_MS	20000

FIXTURE(fault)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct pan_ctx other;
	struct pan_bo bo;
};

FIXTURE_VARIANT(fault)
{
	/* Emits the instruction that faults. */
	void (*emit)(struct pan_cs *cs, uint64_t data);
};

static void write_unmapped(struct pan_cs *cs, uint64_t data __maybe_unused)
{
	pan_cs_store32(cs, PAN_NOWHERE_VA, 1);
}

static void read_unmapped(struct pan_cs *cs, uint64_t data)
{
	pan_cs_copy(cs, data, PAN_NOWHERE_VA, PAN_PAGE);
}

static void write_read_only(struct pan_cs *cs, uint64_t data __maybe_unused)
{
	pan_cs_store32(cs, PAN_STREAM_VA, 0);
}

static void call_unmapped(struct pan_cs *cs, uint64_t data __maybe_unused)
{
	pan_cs_call(cs, PAN_NOWHERE_VA, 64);
}

static void invalid_instruction(struct pan_cs *cs, uint64_t data __maybe_unused)
{
	pan_cs_invalid(cs);
}

static void beyond_the_address_space(struct pan_cs *cs, uint64_t data __maybe_unused)
{
	pan_cs_store32(cs, 0xffff00000000ull, 1);
}

FIXTURE_VARIANT_ADD(fault, write_unmapped) { .emit = write_unmapped };
FIXTURE_VARIANT_ADD(fault, read_unmapped) { .emit = read_unmapped };
FIXTURE_VARIANT_ADD(fault, write_read_only) { .emit = write_read_only };
FIXTURE_VARIANT_ADD(fault, call_unmapped) { .emit = call_unmapped };
FIXTURE_VARIANT_ADD(fault, invalid_instruction) { .emit = invalid_instruction };
FIXTURE_VARIANT_ADD(fault, beyond_the_address_space) { .emit = beyond_the_address_space };

FIXTURE_SETUP(fault)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 2));
	ASSERT_OK(pan_ctx_init(&self->other, &self->dev, 1));
	ASSERT_OK(pan_ctx_bo(&self->ctx, SIZE, true, &self->bo));
	ASSERT_OK(pan_ctx_bo_map(&self->ctx, &self->bo));
}

FIXTURE_TEARDOWN(fault)
{
	pan_ctx_fini(&self->other);
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

static int run_faulty(FIXTURE_DATA(fault) *self, void (*emit)(struct pan_cs *cs, uint64_t data))
{
	struct pan_cs *cs = pan_ctx_begin(&self->ctx, 0);
	int ret;

	pan_cs_store32(cs, pan_flag_va(0), 1);
	emit(cs, self->bo.va);
	pan_cs_store32(cs, pan_flag_va(1), 1);
	ret = pan_ctx_submit(&self->ctx, 0);
	return ret ? ret : pan_ctx_wait(&self->ctx, 0);
}

TEST_F(fault, job_fails_and_the_group_is_dead)
{
	struct drm_panthor_group_get_state state;
	struct pan_ctx *ctx = &self->ctx;

	EXPECT_EQ(-EINVAL, run_faulty(self, variant->emit));
	EXPECT_EQ(1, *pan_flag(ctx, 0));
	EXPECT_EQ(0, *pan_flag(ctx, 1));
	ASSERT_OK(pan_group_state(ctx->dev, ctx->group, &state));
	EXPECT_TRUE(state.state & DRM_PANTHOR_GROUP_STATE_FATAL_FAULT);
	EXPECT_FALSE(state.state & DRM_PANTHOR_GROUP_STATE_TIMEDOUT);
	EXPECT_FALSE(state.state & DRM_PANTHOR_GROUP_STATE_INNOCENT);
	EXPECT_TRUE(state.fatal_queues & 1);
	EXPECT_EQ(-EINVAL, pan_ctx_submit(ctx, 0));
	EXPECT_EQ(-EINVAL, pan_ctx_submit(ctx, 1));
}

TEST_F(fault, next_group_in_the_same_vm_runs)
{
	struct pan_ctx *ctx = &self->ctx;
	uint32_t state;
	int i;

	for (i = 0; i < 4; i++) {
		EXPECT_EQ(-EINVAL, run_faulty(self, variant->emit));
		ASSERT_OK(pan_vm_state(ctx->dev, ctx->vm, &state));
		EXPECT_EQ(DRM_PANTHOR_VM_STATE_USABLE, state);
		ASSERT_OK(pan_ctx_new_group(ctx));
		pan_cs_fill(pan_ctx_begin(ctx, 0), self->bo.va, SIZE, i);
		ASSERT_OK(pan_ctx_run(ctx, 0));
		EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, i, 0));
	}
}

TEST_F(fault, another_vm_does_not_notice)
{
	struct pan_ctx *other = &self->other;

	pan_cs_store32(pan_ctx_begin(other, 0), pan_flag_va(2), 1);
	pan_cs_spin_until(&other->cs[0], pan_flag_va(0));
	pan_cs_store32(&other->cs[0], pan_flag_va(1), 7);
	ASSERT_OK(pan_ctx_submit(other, 0));
	ASSERT_OK(pan_wait_word(pan_flag(other, 2), 1, DEADLINE_MS));
	EXPECT_EQ(-EINVAL, run_faulty(self, variant->emit));
	*pan_flag(other, 0) = 1;
	EXPECT_OK(pan_ctx_wait(other, 0));
	EXPECT_EQ(7, *pan_flag(other, 1));
}

FIXTURE(faults)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
};

FIXTURE_SETUP(faults)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 2));
}

FIXTURE_TEARDOWN(faults)
{
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

TEST_F(faults, stream_that_is_not_mapped)
{
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_sync_op sync = pan_sync_signal(ctx->done[0]);

	ASSERT_OK(pan_submit(ctx->dev, ctx->group, 0, PAN_NOWHERE_VA, 64, &sync, 1));
	EXPECT_EQ(-EINVAL, pan_ctx_wait(ctx, 0));
}

TEST_F(faults, endless_recursion)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);

	pan_cs_call(cs, pan_cs_addr(cs), 4 * sizeof(uint64_t));
	pan_cs_nop(cs);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_NE(0, pan_ctx_wait(ctx, 0));
	ASSERT_OK(pan_ctx_new_group(ctx));
	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(0), 1);
	EXPECT_OK(pan_ctx_run(ctx, 0));
}

TEST_F(faults, jobs_behind_the_faulty_one_do_not_run)
{
	struct pan_ctx *ctx = &self->ctx;
	uint32_t late;
	struct drm_panthor_sync_op sync;
	struct pan_cs *cs;

	ASSERT_OK(pan_syncobj_create(ctx->dev, &late));
	sync = pan_sync_signal(late);
	pan_cs_spin_until(pan_ctx_begin(ctx, 0), pan_flag_va(0));
	pan_cs_invalid(&ctx->cs[0]);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	cs = pan_ctx_append(ctx, 0);
	pan_cs_store32(cs, pan_flag_va(1), 1);
	ASSERT_OK(pan_submit(ctx->dev, ctx->group, 0, pan_cs_addr(cs), pan_cs_size(cs),
			     &sync, 1));
	*pan_flag(ctx, 0) = 1;
	EXPECT_EQ(-EINVAL, pan_ctx_wait(ctx, 0));
	ASSERT_OK(pan_syncobj_wait(ctx->dev, late, 0, PAN_JOB_TIMEOUT));
	EXPECT_GT(0, pan_syncobj_status(ctx->dev, late));
	EXPECT_EQ(0, *pan_flag(ctx, 1));
}

TEST_F(faults, only_the_faulty_queue_is_marked)
{
	struct drm_panthor_group_get_state state;
	struct pan_ctx *ctx = &self->ctx;

	pan_cs_invalid(pan_ctx_begin(ctx, 1));
	ASSERT_OK(pan_ctx_submit(ctx, 1));
	EXPECT_EQ(-EINVAL, pan_ctx_wait(ctx, 1));
	ASSERT_OK(pan_group_state(ctx->dev, ctx->group, &state));
	EXPECT_EQ(2, state.fatal_queues);
}

TEST_F(faults, unmap_under_a_running_job)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_cs *cs;
	struct pan_bo bo;
	uint32_t loop;

	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &bo));
	cs = pan_ctx_begin(ctx, 0);
	pan_cs_store32(cs, pan_flag_va(0), 1);
	pan_cs_move48(cs, 80, bo.va);
	loop = pan_cs_label(cs);
	pan_cs_store(cs, 0, 1, 80, 0);
	pan_cs_wait(cs);
	pan_cs_branch(cs, PAN_COND_ALWAYS, 0, loop);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	ASSERT_OK(pan_wait_word(pan_flag(ctx, 0), 1, DEADLINE_MS));
	ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, bo.va, SIZE));
	EXPECT_EQ(-EINVAL, pan_ctx_wait(ctx, 0));
}

TEST_F(faults, vm_destroyed_under_a_running_job)
{
	struct pan_ctx *ctx = &self->ctx, next;

	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(1), 1);
	pan_cs_spin_until(&ctx->cs[0], pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	ASSERT_OK(pan_wait_word(pan_flag(ctx, 1), 1, DEADLINE_MS));
	ASSERT_OK(pan_vm_destroy(ctx->dev, ctx->vm));
	EXPECT_NE(0, pan_ctx_wait(ctx, 0));
	ctx->vm = 0;
	ctx->streams.va = 0;
	ctx->flags.va = 0;
	ASSERT_OK(pan_ctx_init(&next, &self->dev, 1));
	pan_cs_store32(pan_ctx_begin(&next, 0), pan_flag_va(0), 1);
	EXPECT_OK(pan_ctx_run(&next, 0));
	pan_ctx_fini(&next);
}

TEST_F(faults, endless_job_times_out)
{
	struct drm_panthor_group_get_state state;
	struct pan_ctx *ctx = &self->ctx;

	pan_cs_spin_until(pan_ctx_begin(ctx, 0), pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_EQ(-ETIMEDOUT, pan_ctx_wait(ctx, 0));
	ASSERT_OK(pan_group_state(ctx->dev, ctx->group, &state));
	EXPECT_EQ(DRM_PANTHOR_GROUP_STATE_TIMEDOUT, state.state);
	EXPECT_EQ(-EINVAL, pan_ctx_submit(ctx, 0));
	ASSERT_OK(pan_ctx_new_group(ctx));
	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(1), 1);
	EXPECT_OK(pan_ctx_run(ctx, 0));
}

TEST_HARNESS_MAIN
