// SPDX-License-Identifier: GPL-2.0
/*
 * More groups than slots, more VMs than address spaces, and a device that goes
 * to sleep: everybody gets on, with the right results.
 */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_model.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"

#define MAX_GROUPS	64
#define MAX_VMS		32
#define SIZE		(64ull << 10)

/* Several ticks of the scheduler */
#define DEADLINE_MS	20000

FIXTURE(sched)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
};

FIXTURE_SETUP(sched)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
}

FIXTURE_TEARDOWN(sched)
{
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

TEST_F(sched, more_groups_than_slots_do_their_work)
{
	uint32_t count = 2 * self->dev.csif.csg_slot_count + 1, i, round;
	uint32_t groups[MAX_GROUPS], done[MAX_GROUPS];
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_sync_op sync;
	struct pan_cs *cs;

	ASSERT_LE(count, MAX_GROUPS);
	for (i = 0; i < count; i++) {
		ASSERT_OK(pan_group_create(ctx->dev, ctx->vm, 1, &groups[i]));
		ASSERT_OK(pan_syncobj_create(ctx->dev, &done[i]));
	}
	pan_ctx_begin(ctx, 0);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < count; i++) {
			cs = pan_ctx_append(ctx, 0);
			pan_cs_spin(cs, 2000);
			pan_cs_increment(cs, pan_flag_va(i), i + 1);
			sync = pan_sync_signal(done[i]);
			ASSERT_OK(pan_submit(ctx->dev, groups[i], 0, pan_cs_addr(cs),
					     pan_cs_size(cs), &sync, 1));
		}
	}
	for (i = 0; i < count; i++) {
		EXPECT_OK(pan_syncobj_wait(ctx->dev, done[i], 0, PAN_JOB_TIMEOUT));
		EXPECT_EQ(1, pan_syncobj_status(ctx->dev, done[i]));
		EXPECT_EQ(5 * (i + 1), *pan_flag(ctx, i));
		EXPECT_OK(pan_group_destroy(ctx->dev, groups[i]));
	}
}

/* None of these jobs ends before all of them have begun. */
TEST_F(sched, jobs_that_do_not_end_give_up_their_slots)
{
	uint32_t count = self->dev.csif.csg_slot_count + 2, i;
	uint64_t suspends = pan_model_count("csg_suspends");
	uint64_t resumes = pan_model_count("csg_resumes");
	uint32_t groups[MAX_GROUPS], done[MAX_GROUPS];
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_sync_op sync;
	struct pan_cs *cs;

	ASSERT_LE(count, MAX_GROUPS);
	pan_ctx_begin(ctx, 0);
	for (i = 0; i < count; i++) {
		ASSERT_OK(pan_group_create(ctx->dev, ctx->vm, 1, &groups[i]));
		ASSERT_OK(pan_syncobj_create(ctx->dev, &done[i]));
		cs = pan_ctx_append(ctx, 0);

		/* State that must survive: registers, the call stack, where it was. */
		pan_cs_move32(cs, 20, 1000 + i);
		pan_cs_store32(cs, pan_flag_va(1 + i), 1);
		pan_cs_spin_until(cs, pan_flag_va(0));
		pan_cs_move48(cs, 64, pan_flag_va(100 + i));
		pan_cs_store(cs, 20, 1, 64, 0);
		pan_cs_wait(cs);
		sync = pan_sync_signal(done[i]);
		ASSERT_OK(pan_submit(ctx->dev, groups[i], 0, pan_cs_addr(cs), pan_cs_size(cs),
				     &sync, 1));
	}
	for (i = 0; i < count; i++)
		EXPECT_OK(pan_wait_word(pan_flag(ctx, 1 + i), 1, DEADLINE_MS));
	*pan_flag(ctx, 0) = 1;
	for (i = 0; i < count; i++) {
		EXPECT_OK(pan_syncobj_wait(ctx->dev, done[i], 0, PAN_JOB_TIMEOUT));
		EXPECT_EQ(1, pan_syncobj_status(ctx->dev, done[i]));
		EXPECT_EQ(1000 + i, *pan_flag(ctx, 100 + i));
		EXPECT_OK(pan_group_destroy(ctx->dev, groups[i]));
	}
	if (pan_model_present()) {
		EXPECT_LT(suspends, pan_model_count("csg_suspends"));
		EXPECT_LT(resumes, pan_model_count("csg_resumes"));
	}
}

/*
 * One job in each of @count new groups, which has begun and spins until flag 0 is set.
 * Job i sets flag @first + i when it begins.
 */
static int spin_in_groups(struct pan_ctx *ctx, uint32_t *groups, uint32_t *done,
			  uint32_t count, uint32_t first)
{
	struct drm_panthor_sync_op sync;
	struct pan_cs *cs;
	int ret = 0;

	for (uint32_t i = 0; !ret && i < count; i++) {
		ret = pan_group_create(ctx->dev, ctx->vm, 1, &groups[i]);
		if (!ret)
			ret = pan_syncobj_create(ctx->dev, &done[i]);
		if (ret)
			break;

		cs = pan_ctx_append(ctx, 0);
		pan_cs_store32(cs, pan_flag_va(first + i), 1);
		pan_cs_spin_until(cs, pan_flag_va(0));
		sync = pan_sync_signal(done[i]);
		ret = pan_submit(ctx->dev, groups[i], 0, pan_cs_addr(cs), pan_cs_size(cs),
				 &sync, 1);
	}
	for (uint32_t i = 0; !ret && i < count; i++)
		ret = pan_wait_word(pan_flag(ctx, first + i), 1, DEADLINE_MS);
	return ret;
}

/*
 * What a queue waits for may be unmapped while its group has no slot. That is between
 * the client and its GPU: the job fails, and the kernel has nothing to warn about.
 */
TEST_F(sched, blocked_group_loses_what_it_waits_for)
{
	uint32_t count = self->dev.csif.csg_slot_count + 1, i;
	uint32_t groups[MAX_GROUPS], done[MAX_GROUPS];
	struct pan_ctx *ctx = &self->ctx, blocked;
	struct pan_cs *cs;
	struct pan_bo bo;

	ASSERT_LE(count, MAX_GROUPS);
	ASSERT_OK(pan_ctx_init(&blocked, &self->dev, 1));
	ASSERT_OK(pan_ctx_bo(&blocked, PAN_PAGE, true, &bo));
	cs = pan_ctx_begin(&blocked, 0);
	pan_cs_store32(cs, pan_flag_va(0), 1);
	pan_cs_sync_wait64(cs, bo.va, true, 0);
	pan_cs_store32(cs, pan_flag_va(0), 2);
	ASSERT_OK(pan_ctx_submit(&blocked, 0));
	EXPECT_OK(pan_wait_word(pan_flag(&blocked, 0), 1, DEADLINE_MS));

	/* Groups that can run take all slots, and take turns when the blocked one has none. */
	pan_ctx_begin(ctx, 0);
	ASSERT_OK(spin_in_groups(ctx, groups, done, count, 1));
	ASSERT_OK(pan_vm_unmap(ctx->dev, blocked.vm, bo.va, bo.size));

	/* Jobs that end have the objects of all blocked queues looked at. */
	*pan_flag(ctx, 0) = 1;
	for (i = 0; i < count; i++) {
		EXPECT_OK(pan_syncobj_wait(ctx->dev, done[i], 0, PAN_JOB_TIMEOUT));
		EXPECT_OK(pan_group_destroy(ctx->dev, groups[i]));
	}
	EXPECT_GT(0, pan_ctx_wait(&blocked, 0));
	EXPECT_NE(-ETIME, pan_ctx_wait(&blocked, 0));
	EXPECT_EQ(1, *pan_flag(&blocked, 0));
	pan_ctx_fini(&blocked);
}

/* Jobs that end have the objects of all blocked queues looked at. */
static int end_some_jobs(struct pan_ctx *ctx, uint32_t group, uint32_t done)
{
	struct drm_panthor_sync_op sync = pan_sync_signal(done);
	struct pan_cs *cs;
	int ret = 0;

	for (uint32_t i = 0; !ret && i < 4; i++) {
		cs = pan_ctx_append(ctx, 0);
		pan_cs_increment(cs, pan_flag_va(1), 1);
		ret = pan_submit(ctx->dev, group, 0, pan_cs_addr(cs), pan_cs_size(cs), &sync, 1);
		if (!ret)
			ret = pan_syncobj_wait(ctx->dev, done, 0, PAN_JOB_TIMEOUT);
	}
	return ret;
}

/*
 * The GPU goes on by itself when it finds that what a queue waits for has come. The
 * next object that the queue waits for is another one, also for the driver.
 */
TEST_F_TIMEOUT(sched, blocked_queue_waits_for_one_object_after_another, 120)
{
	uint32_t count = 4 * self->dev.csif.csg_slot_count, i;
	uint32_t groups[MAX_GROUPS], done[MAX_GROUPS];
	struct pan_ctx *ctx = &self->ctx, blocked;
	struct pan_bo first, second;
	struct pan_cs *cs;

	ASSERT_LE(count, MAX_GROUPS - 1);
	ASSERT_OK(pan_ctx_init(&blocked, &self->dev, 2));
	ASSERT_OK(pan_ctx_bo(&blocked, PAN_PAGE, true, &first));
	ASSERT_OK(pan_ctx_bo_map(&blocked, &first));
	ASSERT_OK(pan_ctx_bo(&blocked, PAN_PAGE, true, &second));
	ASSERT_OK(pan_ctx_bo_map(&blocked, &second));
	cs = pan_ctx_begin(&blocked, 0);
	pan_cs_store32(cs, pan_flag_va(0), 1);
	pan_cs_sync_wait64(cs, first.va, true, 0);
	pan_cs_store32(cs, pan_flag_va(0), 2);
	pan_cs_sync_wait64(cs, second.va + 64, true, 100);
	pan_cs_store32(cs, pan_flag_va(0), 3);
	ASSERT_OK(pan_ctx_submit(&blocked, 0));

	/* As long as the other queue has work, the group gets a slot in its turn. */
	pan_cs_spin_until(pan_ctx_begin(&blocked, 1), pan_flag_va(1));
	ASSERT_OK(pan_ctx_submit(&blocked, 1));
	EXPECT_OK(pan_wait_word(pan_flag(&blocked, 0), 1, DEADLINE_MS));

	pan_ctx_begin(ctx, 0);
	ASSERT_OK(pan_group_create(ctx->dev, ctx->vm, 1, &groups[count]));
	ASSERT_OK(pan_syncobj_create(ctx->dev, &done[count]));
	ASSERT_OK(spin_in_groups(ctx, groups, done, count, 2));

	/*
	 * The group has no slot most of the time. When it has one again, the GPU sees that
	 * the first object has come. The driver does not without a job that ends; it may be
	 * late for the last one.
	 */
	EXPECT_OK(end_some_jobs(ctx, groups[count], done[count]));
	pan_sleep_ms(50);
	*(volatile uint32_t *)first.map = 1;
	EXPECT_OK(pan_wait_word(pan_flag(&blocked, 0), 2, DEADLINE_MS));
	EXPECT_OK(end_some_jobs(ctx, groups[count], done[count]));

	/* Now the group gets a slot only if the driver sees that the second one comes. */
	*pan_flag(&blocked, 1) = 1;
	EXPECT_OK(pan_ctx_wait(&blocked, 1));
	EXPECT_OK(end_some_jobs(ctx, groups[count], done[count]));
	EXPECT_EQ(2, *pan_flag(&blocked, 0));
	*(volatile uint32_t *)(second.map + 16) = 101;
	EXPECT_OK(end_some_jobs(ctx, groups[count], done[count]));
	EXPECT_OK(pan_wait_word(pan_flag(&blocked, 0), 3, DEADLINE_MS));

	*pan_flag(ctx, 0) = 1;
	for (i = 0; i < count; i++)
		EXPECT_OK(pan_syncobj_wait(ctx->dev, done[i], 0, PAN_JOB_TIMEOUT));
	for (i = 0; i <= count; i++)
		EXPECT_OK(pan_group_destroy(ctx->dev, groups[i]));
	EXPECT_OK(pan_ctx_wait(&blocked, 0));
	pan_ctx_fini(&blocked);
}

TEST_F(sched, more_vms_than_address_spaces)
{
	uint32_t count = __builtin_popcount(self->dev.gpu.as_present) + 4, i, round;
	struct pan_ctx ctx[MAX_VMS];
	struct pan_bo bo[MAX_VMS];

	ASSERT_LE(count, MAX_VMS - 1);
	for (i = 0; i < count; i++) {
		ASSERT_OK(pan_ctx_init(&ctx[i], &self->dev, 1));
		ASSERT_OK(pan_ctx_bo(&ctx[i], SIZE, true, &bo[i]));
		ASSERT_OK(pan_ctx_bo_map(&ctx[i], &bo[i]));
		pan_cs_fill(pan_ctx_begin(&ctx[i], 0), bo[i].va, SIZE, pan_seed(3, i));
		ASSERT_OK(pan_ctx_submit(&ctx[i], 0));
	}
	for (round = 0; round < 3; round++) {
		for (i = 0; i < count; i++) {
			EXPECT_OK(pan_ctx_wait(&ctx[i], 0));
			EXPECT_EQ(0, pan_pattern_check(bo[i].map, SIZE, pan_seed(3, i), round));
			pan_cs_step(pan_ctx_begin(&ctx[i], 0), bo[i].va, SIZE);
			ASSERT_OK(pan_ctx_submit(&ctx[i], 0));
		}
	}
	for (i = 0; i < count; i++) {
		EXPECT_OK(pan_ctx_wait(&ctx[i], 0));
		EXPECT_EQ(0, pan_pattern_check(bo[i].map, SIZE, pan_seed(3, i), round));
		pan_ctx_fini(&ctx[i]);
	}
}

/* A VM that loses its address space while its group is suspended, with a job in it. */
TEST_F(sched, endless_jobs_in_more_vms_than_address_spaces)
{
	uint32_t count = __builtin_popcount(self->dev.gpu.as_present) + 2, i;
	struct pan_ctx ctx[MAX_VMS];

	ASSERT_LE(count, MAX_VMS - 1);
	for (i = 0; i < count; i++) {
		ASSERT_OK(pan_ctx_init(&ctx[i], &self->dev, 1));
		pan_cs_store32(pan_ctx_begin(&ctx[i], 0), pan_flag_va(1), 1);
		pan_cs_spin_until(&ctx[i].cs[0], pan_flag_va(0));
		pan_cs_store32(&ctx[i].cs[0], pan_flag_va(2), 50 + i);
		ASSERT_OK(pan_ctx_submit(&ctx[i], 0));
	}
	for (i = 0; i < count; i++)
		EXPECT_OK(pan_wait_word(pan_flag(&ctx[i], 1), 1, DEADLINE_MS));
	for (i = 0; i < count; i++)
		*pan_flag(&ctx[i], 0) = 1;
	for (i = 0; i < count; i++) {
		EXPECT_OK(pan_ctx_wait(&ctx[i], 0));
		EXPECT_EQ(50 + i, *pan_flag(&ctx[i], 2));
		pan_ctx_fini(&ctx[i]);
	}
}

TEST_F(sched, priorities_all_get_on)
{
	static const uint8_t prios[] = {
		PANTHOR_GROUP_PRIORITY_LOW, PANTHOR_GROUP_PRIORITY_MEDIUM,
		PANTHOR_GROUP_PRIORITY_HIGH, PANTHOR_GROUP_PRIORITY_REALTIME,
	};
	struct drm_panthor_queue_create queue;
	struct drm_panthor_group_create args;
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_sync_op sync;
	uint32_t done[4];
	struct pan_cs *cs;
	int i;

	if (geteuid())
		SKIP(return, "needs root");
	pan_ctx_begin(ctx, 0);
	for (i = 0; i < 4; i++) {
		pan_group_args(ctx->dev, ctx->vm, &queue, 1, &args);
		args.priority = prios[i];
		ASSERT_OK(pan_ioctl(ctx->dev->fd, DRM_IOCTL_PANTHOR_GROUP_CREATE, &args));
		ASSERT_OK(pan_syncobj_create(ctx->dev, &done[i]));
		sync = pan_sync_signal(done[i]);
		cs = pan_ctx_append(ctx, 0);
		pan_cs_spin(cs, 1000);
		pan_cs_store32(cs, pan_flag_va(i), 1);
		ASSERT_OK(pan_submit(ctx->dev, args.group_handle, 0, pan_cs_addr(cs),
				     pan_cs_size(cs), &sync, 1));
	}
	for (i = 0; i < 4; i++) {
		EXPECT_OK(pan_syncobj_wait(ctx->dev, done[i], 0, PAN_JOB_TIMEOUT));
		EXPECT_EQ(1, *pan_flag(ctx, i));
	}
}

TEST_F(sched, device_sleeps_between_jobs)
{
	uint64_t boots = pan_model_count("mcu_boots");
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;
	uint32_t i;

	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &bo));
	ASSERT_OK(pan_ctx_bo_map(ctx, &bo));
	pan_cs_fill(pan_ctx_begin(ctx, 0), bo.va, SIZE, 5);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	for (i = 0; i < 3; i++) {
		ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", 5000));
		EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE, 5, i));
		pan_cs_step(pan_ctx_begin(ctx, 0), bo.va, SIZE);
		ASSERT_OK(pan_ctx_run(ctx, 0));
	}
	EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE, 5, i));
	if (pan_model_present())
		EXPECT_LE(boots + 3, pan_model_count("mcu_boots"));
}

TEST_F(sched, binds_while_the_device_sleeps)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo, second;

	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &bo));
	pan_cs_fill(pan_ctx_begin(ctx, 0), bo.va, SIZE, 6);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", 5000));
	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &second));
	ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, bo.va, SIZE));
	pan_cs_fill(pan_ctx_begin(ctx, 0), second.va, SIZE, 7);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	ASSERT_OK(pan_ctx_bo_map(ctx, &second));
	EXPECT_EQ(0, pan_pattern_check(second.map, SIZE, 7, 0));
	pan_cs_store32(pan_ctx_begin(ctx, 0), bo.va, 1);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_NE(0, pan_ctx_wait(ctx, 0));
}

TEST_F(sched, running_job_keeps_the_device_awake)
{
	struct pan_ctx *ctx = &self->ctx;

	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(1), 1);
	pan_cs_spin_until(&ctx->cs[0], pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	ASSERT_OK(pan_wait_word(pan_flag(ctx, 1), 1, DEADLINE_MS));
	pan_sleep_ms(300);
	EXPECT_OK(pan_wait_runtime_status(&self->dev, "active", 0));
	*pan_flag(ctx, 0) = 1;
	EXPECT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_OK(pan_wait_runtime_status(&self->dev, "suspended", 5000));
}

/*
 * One queue faults, so that the address space is turned off and its interrupt masked.
 * That has the other queue fault. What it leaves behind is not the next VM's fault.
 */
TEST_F(sched, faults_before_sleep_are_gone_after_it)
{
	uint32_t count = __builtin_popcount(self->dev.gpu.as_present), i;
	struct pan_ctx faulty, ctx[MAX_VMS];
	struct pan_cs *cs;

	ASSERT_LE(count, MAX_VMS);
	ASSERT_OK(pan_ctx_init(&faulty, &self->dev, 2));
	for (i = 0; i < 2; i++) {
		cs = pan_ctx_begin(&faulty, i);
		pan_cs_store32(cs, pan_flag_va(1 + i), 1);
		pan_cs_spin_until(cs, pan_flag_va(10 + i));
		pan_cs_store32(cs, PAN_NOWHERE_VA, 1);
		ASSERT_OK(pan_ctx_submit(&faulty, i));
	}
	for (i = 0; i < 2; i++)
		EXPECT_OK(pan_wait_word(pan_flag(&faulty, 1 + i), 1, DEADLINE_MS));
	*pan_flag(&faulty, 10) = 1;
	for (i = 0; i < 2; i++)
		EXPECT_GT(0, pan_ctx_wait(&faulty, i));
	pan_ctx_fini(&faulty);
	EXPECT_OK(pan_wait_runtime_status(&self->dev, "suspended", DEADLINE_MS));

	/* As many VMs as there are address spaces, so that one of them has that one. */
	for (i = 0; i < count; i++) {
		ASSERT_OK(pan_ctx_init(&ctx[i], &self->dev, 1));
		pan_cs_store32(pan_ctx_begin(&ctx[i], 0), pan_flag_va(0), 1);
		ASSERT_OK(pan_ctx_submit(&ctx[i], 0));
	}
	for (i = 0; i < count; i++) {
		EXPECT_OK(pan_ctx_wait(&ctx[i], 0));
		EXPECT_EQ(1, *pan_flag(&ctx[i], 0));
	}

	/* A job may be faster than the interrupt. The group is good for more. */
	for (i = 0; i < count; i++) {
		pan_cs_store32(pan_ctx_begin(&ctx[i], 0), pan_flag_va(0), 2);
		EXPECT_OK(pan_ctx_run(&ctx[i], 0));
		EXPECT_EQ(2, *pan_flag(&ctx[i], 0));
		pan_ctx_fini(&ctx[i]);
	}
}

TEST_HARNESS_MAIN
