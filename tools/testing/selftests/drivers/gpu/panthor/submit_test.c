// SPDX-License-Identifier: GPL-2.0
/* DRM_IOCTL_PANTHOR_GROUP_SUBMIT: what jobs do, and in which order */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_pattern.h"

#define SIZE		(64ull << 10)
#define QUEUES		4
#define SHORT_MS	50

FIXTURE(submit)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	uint32_t in;
	uint32_t out;
};

FIXTURE_SETUP(submit)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, QUEUES));
	ASSERT_OK(pan_syncobj_create(&self->dev, &self->in));
	ASSERT_OK(pan_syncobj_create(&self->dev, &self->out));
}

FIXTURE_TEARDOWN(submit)
{
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

TEST_F(submit, job_sums_words)
{
	struct pan_ctx *ctx = &self->ctx;
	uint32_t i, sum = 0;
	struct pan_bo bo;

	ASSERT_OK(pan_ctx_bo(ctx, PAN_PAGE, true, &bo));
	ASSERT_OK(pan_ctx_bo_map(ctx, &bo));
	pan_pattern_fill(bo.map, PAN_PAGE, 1);
	for (i = 0; i < 1024; i++)
		sum += bo.map[i];
	pan_cs_sum(pan_ctx_begin(ctx, 0), pan_flag_va(0), bo.va, 1024);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	EXPECT_EQ(sum, *pan_flag(ctx, 0));
}

TEST_F(submit, job_copies_and_steps)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo a, b;

	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &a));
	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &b));
	pan_cs_fill(pan_ctx_begin(ctx, 0), a.va, SIZE, 2);
	pan_cs_copy(&ctx->cs[0], b.va, a.va, SIZE);
	pan_cs_step(&ctx->cs[0], b.va, SIZE);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	ASSERT_OK(pan_ctx_bo_map(ctx, &a));
	ASSERT_OK(pan_ctx_bo_map(ctx, &b));
	EXPECT_EQ(0, pan_pattern_check(a.map, SIZE, 2, 0));
	EXPECT_EQ(0, pan_pattern_check(b.map, SIZE, 2, 1));
}

TEST_F(submit, calls_return)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_cs *cs;
	uint64_t inner, outer;
	uint32_t inner_size, outer_size;

	cs = pan_ctx_begin(ctx, 0);
	pan_cs_increment(cs, pan_flag_va(0), 1);
	inner = pan_cs_addr(cs);
	inner_size = pan_cs_size(cs);

	cs = pan_ctx_append(ctx, 0);
	pan_cs_call(cs, inner, inner_size);
	pan_cs_call(cs, inner, inner_size);
	pan_cs_increment(cs, pan_flag_va(0), 10);
	outer = pan_cs_addr(cs);
	outer_size = pan_cs_size(cs);

	cs = pan_ctx_append(ctx, 0);
	pan_cs_call(cs, outer, outer_size);
	pan_cs_increment(cs, pan_flag_va(0), 100);
	pan_cs_call(cs, inner, inner_size);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	EXPECT_EQ(1 + 1 + 10 + 100 + 1, *pan_flag(ctx, 0));
}

TEST_F(submit, branches_take_every_condition)
{
	static const int32_t values[] = { -2, 0, 2 };
	static const struct {
		enum pan_cond cond;
		bool taken[3];
	} conds[] = {
		{ PAN_COND_LEQUAL, { true, true, false } },
		{ PAN_COND_GREATER, { false, false, true } },
		{ PAN_COND_EQUAL, { false, true, false } },
		{ PAN_COND_NEQUAL, { true, false, true } },
		{ PAN_COND_LESS, { true, false, false } },
		{ PAN_COND_GEQUAL, { false, true, true } },
		{ PAN_COND_ALWAYS, { true, true, true } },
	};
	struct pan_ctx *ctx = &self->ctx;
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);
	unsigned int c, v;

	for (c = 0; c < 7; c++) {
		for (v = 0; v < 3; v++) {
			/* pan_cs_store32() is four instructions long */
			pan_cs_move32(cs, 0, values[v]);
			pan_cs_branch(cs, conds[c].cond, 0, pan_cs_label(cs) + 5);
			pan_cs_store32(cs, pan_flag_va(c * 3 + v), 1);
		}
	}
	ASSERT_OK(pan_ctx_run(ctx, 0));
	for (c = 0; c < 7; c++) {
		for (v = 0; v < 3; v++)
			EXPECT_EQ(!conds[c].taken[v], *pan_flag(ctx, c * 3 + v));
	}
}

TEST_F(submit, jobs_of_a_queue_run_in_order)
{
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_sync_op sync = pan_sync_signal(self->out);
	struct pan_cs *cs;
	uint32_t i;

	pan_ctx_begin(ctx, 0);
	for (i = 0; i < 100; i++) {
		cs = pan_ctx_append(ctx, 0);
		pan_cs_increment(cs, pan_flag_va(0), 1);
		pan_cs_move48(cs, 64, pan_flag_va(0));
		pan_cs_load(cs, 0, 1, 64, 0);
		pan_cs_wait(cs);
		pan_cs_move48(cs, 64, pan_flag_va(1 + i));
		pan_cs_store(cs, 0, 1, 64, 0);
		pan_cs_wait(cs);
		ASSERT_OK(pan_submit(ctx->dev, ctx->group, 0, pan_cs_addr(cs),
				     pan_cs_size(cs), &sync, 1));
	}
	ASSERT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));
	for (i = 0; i < 100; i++)
		EXPECT_EQ(i + 1, *pan_flag(ctx, 1 + i));
}

TEST_F(submit, small_ring_wraps_around)
{
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_queue_create queue;
	struct drm_panthor_group_create args;
	struct drm_panthor_sync_op sync = pan_sync_signal(self->out);
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);
	int i;

	pan_group_args(ctx->dev, ctx->vm, &queue, 1, &args);
	queue.ringbuf_size = 4096;
	ASSERT_OK(pan_ioctl(ctx->dev->fd, DRM_IOCTL_PANTHOR_GROUP_CREATE, &args));
	pan_cs_increment(cs, pan_flag_va(0), 1);
	for (i = 0; i < 300; i++)
		ASSERT_OK(pan_submit(ctx->dev, args.group_handle, 0, pan_cs_addr(cs),
				     pan_cs_size(cs), &sync, 1));
	ASSERT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));
	EXPECT_EQ(300, *pan_flag(ctx, 0));
	ASSERT_OK(pan_group_destroy(ctx->dev, args.group_handle));
}

TEST_F(submit, queues_run_side_by_side)
{
	struct pan_ctx *ctx = &self->ctx;
	uint32_t q;

	/* Each waits for a word that the next one writes: none can go first. */
	for (q = 0; q < QUEUES; q++) {
		struct pan_cs *cs = pan_ctx_begin(ctx, q);

		pan_cs_store32(cs, pan_flag_va(q), 1);
		pan_cs_spin_until(cs, pan_flag_va((q + 1) % QUEUES));
		pan_cs_store32(cs, pan_flag_va(16 + q), 1);
		ASSERT_OK(pan_ctx_submit(ctx, q));
	}
	for (q = 0; q < QUEUES; q++) {
		EXPECT_OK(pan_ctx_wait(ctx, q));
		EXPECT_EQ(1, *pan_flag(ctx, 16 + q));
	}
}

TEST_F(submit, empty_stream_is_a_synchronization_point)
{
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_sync_op sync = pan_sync_signal(self->out);

	/* Nothing before it: done at once. */
	ASSERT_OK(pan_submit(ctx->dev, ctx->group, 0, 0, 0, &sync, 1));
	ASSERT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));

	pan_cs_spin_until(pan_ctx_begin(ctx, 0), pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	ASSERT_OK(pan_syncobj_reset(ctx->dev, self->out));
	ASSERT_OK(pan_submit(ctx->dev, ctx->group, 0, 0, 0, &sync, 1));
	EXPECT_EQ(-ETIME, pan_syncobj_wait(ctx->dev, self->out, 0, SHORT_MS));
	*pan_flag(ctx, 0) = 1;
	EXPECT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));
}

TEST_F(submit, in_fence_of_another_group)
{
	struct pan_ctx *ctx = &self->ctx, other;
	struct drm_panthor_sync_op wait;

	ASSERT_OK(pan_ctx_init(&other, &self->dev, 1));
	pan_cs_spin_until(pan_ctx_begin(&other, 0), pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(&other, 0));
	wait = pan_sync_wait(other.done[0]);
	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(1), 1);
	ASSERT_OK(pan_ctx_submit_syncs(ctx, 0, &wait, 1));
	EXPECT_EQ(-ETIME, pan_syncobj_wait(ctx->dev, ctx->done[0], 0, SHORT_MS));
	EXPECT_EQ(0, *pan_flag(ctx, 1));
	*pan_flag(&other, 0) = 1;
	EXPECT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_EQ(1, *pan_flag(ctx, 1));
	pan_ctx_fini(&other);
}

TEST_F(submit, in_fence_signalled_before)
{
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_sync_op wait = pan_sync_wait(self->in);

	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(0), 1);
	EXPECT_EQ(-EINVAL, pan_ctx_submit_syncs(ctx, 0, &wait, 1));
	ASSERT_OK(pan_syncobj_signal(ctx->dev, self->in));
	ASSERT_OK(pan_ctx_submit_syncs(ctx, 0, &wait, 1));
	EXPECT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_EQ(1, *pan_flag(ctx, 0));
}

TEST_F(submit, timeline_points_order_jobs)
{
	struct pan_ctx *ctx = &self->ctx;
	uint64_t point;
	uint32_t q;

	/* Submitted in order of the points, each on a queue of its own. */
	for (q = 0; q < QUEUES; q++) {
		struct drm_panthor_sync_op syncs[2] = {
			pan_timeline_signal(self->out, q + 1),
			pan_timeline_wait(self->out, q),
		};

		pan_cs_increment(pan_ctx_begin(ctx, q), pan_flag_va(0), 1);
		ASSERT_OK(pan_ctx_submit_syncs(ctx, q, syncs, q ? 2 : 1));
	}
	ASSERT_OK(pan_syncobj_wait(ctx->dev, self->out, QUEUES, PAN_JOB_TIMEOUT));
	ASSERT_OK(pan_syncobj_query(ctx->dev, self->out, &point));
	EXPECT_EQ(QUEUES, point);
	EXPECT_EQ(QUEUES, *pan_flag(ctx, 0));
}

TEST_F(submit, jobs_of_one_call_can_wait_for_each_other)
{
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_sync_op first = pan_sync_signal(self->in);
	struct drm_panthor_sync_op second[2] = {
		pan_sync_wait(self->in), pan_sync_signal(self->out),
	};
	struct drm_panthor_queue_submit jobs[2] = { };
	struct drm_panthor_group_submit args = {
		.group_handle = ctx->group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(2, jobs),
	};
	struct pan_cs *cs;

	cs = pan_ctx_begin(ctx, 0);
	pan_cs_spin(cs, 10000);
	pan_cs_store32(cs, pan_flag_va(0), 5);
	jobs[0].stream_addr = pan_cs_addr(cs);
	jobs[0].stream_size = pan_cs_size(cs);
	jobs[0].syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &first);
	cs = pan_ctx_begin(ctx, 1);
	pan_cs_increment(cs, pan_flag_va(0), 1);
	jobs[1].queue_index = 1;
	jobs[1].stream_addr = pan_cs_addr(cs);
	jobs[1].stream_size = pan_cs_size(cs);
	jobs[1].syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(2, second);
	ASSERT_OK(pan_ioctl(ctx->dev->fd, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args));
	ASSERT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));
	EXPECT_EQ(6, *pan_flag(ctx, 0));
}

/* Word pairs far enough apart for 64-bit objects with their status. */
#define SYNC(n)		(64 + (n) * 4)

TEST_F(submit, sync_wait_64_waits_for_another_queue)
{
	struct pan_ctx *ctx = &self->ctx;

	pan_cs_sync_wait64(pan_ctx_begin(ctx, 0), pan_flag_va(SYNC(0)), true, 1ull << 32);
	pan_cs_store32(&ctx->cs[0], pan_flag_va(0), 1);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_EQ(-ETIME, pan_syncobj_wait(ctx->dev, ctx->done[0], 0, SHORT_MS));

	/* Not enough ... */
	pan_cs_sync_set64(pan_ctx_begin(ctx, 1), pan_flag_va(SYNC(0)), 1ull << 32);
	ASSERT_OK(pan_ctx_run(ctx, 1));
	EXPECT_EQ(-ETIME, pan_syncobj_wait(ctx->dev, ctx->done[0], 0, SHORT_MS));
	EXPECT_EQ(0, *pan_flag(ctx, 0));

	/* ... but now */
	pan_cs_sync_add64(pan_ctx_begin(ctx, 1), pan_flag_va(SYNC(0)), 1);
	ASSERT_OK(pan_ctx_run(ctx, 1));
	EXPECT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_EQ(1, *pan_flag(ctx, 0));
}

TEST_F(submit, sync_wait_32_waits_for_another_queue)
{
	struct pan_ctx *ctx = &self->ctx;

	pan_cs_sync_wait32(pan_ctx_begin(ctx, 0), pan_flag_va(SYNC(1)), true, 2);
	pan_cs_store32(&ctx->cs[0], pan_flag_va(0), 1);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	pan_cs_sync_add32(pan_ctx_begin(ctx, 1), pan_flag_va(SYNC(1)), 2);
	ASSERT_OK(pan_ctx_run(ctx, 1));
	EXPECT_EQ(-ETIME, pan_syncobj_wait(ctx->dev, ctx->done[0], 0, SHORT_MS));
	pan_cs_sync_set32(pan_ctx_begin(ctx, 1), pan_flag_va(SYNC(1)), 3);
	ASSERT_OK(pan_ctx_run(ctx, 1));
	EXPECT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_EQ(1, *pan_flag(ctx, 0));
}

TEST_F(submit, sync_wait_for_a_value_to_fall)
{
	struct pan_ctx *ctx = &self->ctx;

	*pan_flag(ctx, SYNC(2)) = 9;
	pan_cs_sync_wait32(pan_ctx_begin(ctx, 0), pan_flag_va(SYNC(2)), false, 4);
	pan_cs_store32(&ctx->cs[0], pan_flag_va(0), 1);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_EQ(-ETIME, pan_syncobj_wait(ctx->dev, ctx->done[0], 0, SHORT_MS));
	pan_cs_sync_set32(pan_ctx_begin(ctx, 1), pan_flag_va(SYNC(2)), 4);
	ASSERT_OK(pan_ctx_run(ctx, 1));
	EXPECT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_EQ(1, *pan_flag(ctx, 0));
}

TEST_F(submit, sync_wait_for_another_group)
{
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_sync_op sync = pan_sync_signal(self->out);
	uint32_t group;

	ASSERT_OK(pan_group_create(ctx->dev, ctx->vm, 1, &group));
	pan_cs_sync_wait64(pan_ctx_begin(ctx, 0), pan_flag_va(SYNC(3)), true, 0);
	pan_cs_store32(&ctx->cs[0], pan_flag_va(0), 1);
	ASSERT_OK(pan_submit(ctx->dev, group, 0, pan_cs_addr(&ctx->cs[0]),
			     pan_cs_size(&ctx->cs[0]), &sync, 1));

	/* Long enough for the blocked group to be found idle and suspended. */
	EXPECT_EQ(-ETIME, pan_syncobj_wait(ctx->dev, self->out, 0, 4 * SHORT_MS));
	pan_cs_sync_add64(pan_ctx_begin(ctx, 1), pan_flag_va(SYNC(3)), 1);
	ASSERT_OK(pan_ctx_run(ctx, 1));
	EXPECT_OK(pan_syncobj_wait(ctx->dev, self->out, 0, PAN_JOB_TIMEOUT));
	EXPECT_EQ(1, *pan_flag(ctx, 0));
	EXPECT_OK(pan_group_destroy(ctx->dev, group));
}

TEST_F(submit, queues_play_ping_pong)
{
	const uint64_t ping = pan_flag_va(SYNC(4)), pong = pan_flag_va(SYNC(5));
	struct pan_ctx *ctx = &self->ctx;
	uint32_t i;

	pan_ctx_begin(ctx, 0);
	pan_ctx_begin(ctx, 1);
	for (i = 0; i < 50; i++) {
		pan_cs_increment(&ctx->cs[0], pan_flag_va(0), 1);
		pan_cs_sync_add64(&ctx->cs[0], ping, 1);
		pan_cs_sync_wait64(&ctx->cs[0], pong, true, i);
		pan_cs_sync_wait64(&ctx->cs[1], ping, true, i);
		pan_cs_increment(&ctx->cs[1], pan_flag_va(0), 1);
		pan_cs_sync_add64(&ctx->cs[1], pong, 1);
	}
	ASSERT_OK(pan_ctx_submit(ctx, 1));
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_OK(pan_ctx_wait(ctx, 1));
	EXPECT_EQ(100, *pan_flag(ctx, 0));
}

TEST_HARNESS_MAIN
