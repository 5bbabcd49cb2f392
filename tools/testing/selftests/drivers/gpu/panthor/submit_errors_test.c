// SPDX-License-Identifier: GPL-2.0
/* Bad arguments of DRM_IOCTL_PANTHOR_GROUP_SUBMIT: the errno, and no effect */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"

#define BAD_HANDLE	0x7fffffffu

FIXTURE(submit_errors)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct drm_panthor_sync_op sync;
	struct drm_panthor_queue_submit job;
	struct drm_panthor_group_submit args;
};

FIXTURE_SETUP(submit_errors)
{
	struct pan_cs *cs;

	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 2));
	cs = pan_ctx_begin(&self->ctx, 0);
	pan_cs_increment(cs, pan_flag_va(0), 1);
	self->sync = pan_sync_signal(self->ctx.done[0]);
	self->job = (struct drm_panthor_queue_submit) {
		.stream_addr = pan_cs_addr(cs),
		.stream_size = pan_cs_size(cs),
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &self->sync),
	};
	self->args = (struct drm_panthor_group_submit) {
		.group_handle = self->ctx.group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &self->job),
	};
}

FIXTURE_TEARDOWN(submit_errors)
{
	/* Nothing of what was rejected ran, and the group still works. */
	EXPECT_EQ(0, *pan_flag(&self->ctx, 0));
	EXPECT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &self->args));
	EXPECT_OK(pan_ctx_wait(&self->ctx, 0));
	EXPECT_EQ(1, *pan_flag(&self->ctx, 0));
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

#define SUBMIT_WITH(object, field, value) ({ \
	typeof(object) __object = (object); \
	typeof(__object->field) __good = __object->field; \
	int __ret; \
	__object->field = (value); \
	__ret = pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &self->args); \
	__object->field = __good; \
	__ret; \
})

TEST_F(submit_errors, unknown_group)
{
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->args, group_handle, 0));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->args, group_handle, self->ctx.group + 1));
}

TEST_F(submit_errors, unknown_queue)
{
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, queue_index, 2));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, queue_index, ~0u));
}

TEST_F(submit_errors, padding)
{
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->args, pad, 1));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, pad, 1));
}

TEST_F(submit_errors, address_and_size_go_together)
{
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, stream_addr, 0));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, stream_size, 0));
}

TEST_F(submit_errors, misaligned_stream)
{
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, stream_addr, PAN_STREAM_VA + 8));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, stream_addr, PAN_STREAM_VA + 1));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, stream_size, 4));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, stream_size, 9));
}

TEST_F(submit_errors, reserved_bits_of_the_flush_id)
{
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, latest_flush, 1 << 24));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, latest_flush, 1 << 30));
}

TEST_F(submit_errors, bad_sync_operations)
{
	const uint32_t signal = DRM_PANTHOR_SYNC_OP_SIGNAL;

	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->sync, flags, signal | 1 << 8));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->sync, flags, signal | 2));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->sync, flags, 2));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->sync, timeline_value, 1));
	self->sync = pan_sync_wait(BAD_HANDLE);
	EXPECT_EQ(-ENOENT, SUBMIT_WITH(&self->args, pad, 0));
	self->sync = pan_sync_signal(self->ctx.done[0]);
}

TEST_F(submit_errors, bad_arrays)
{
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->args, queue_submits.stride,
				       sizeof(self->job) - 8));
	EXPECT_EQ(-EFAULT, SUBMIT_WITH(&self->args, queue_submits.array, 8));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->job, syncs.stride, sizeof(self->sync) - 8));
	EXPECT_EQ(-EFAULT, SUBMIT_WITH(&self->job, syncs.array, 8));
	EXPECT_OK(SUBMIT_WITH(&self->args, queue_submits.count, 0));
}

TEST_F(submit_errors, one_bad_job_of_two_stops_both)
{
	struct drm_panthor_queue_submit jobs[2] = { self->job, self->job };
	struct drm_panthor_group_submit args = {
		.group_handle = self->ctx.group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(2, jobs),
	};

	jobs[1].queue_index = 5;
	EXPECT_EQ(-EINVAL, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args));
	EXPECT_EQ(-ETIME, pan_syncobj_wait(&self->dev, self->ctx.done[0], 0, 50));
}

TEST_F(submit_errors, destroyed_group)
{
	uint32_t group;

	ASSERT_OK(pan_group_create(&self->dev, self->ctx.vm, 1, &group));
	ASSERT_OK(pan_group_destroy(&self->dev, group));
	EXPECT_EQ(-EINVAL, SUBMIT_WITH(&self->args, group_handle, group));
}

TEST_HARNESS_MAIN
