// SPDX-License-Identifier: GPL-2.0
/* Groups: DRM_IOCTL_PANTHOR_GROUP_CREATE, GROUP_DESTROY, GROUP_GET_STATE */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_proc.h"

#define MAX_GROUPS	128
#define MAX_QUEUES	32
#define DEADLINE_MS	20000

FIXTURE(group)
{
	struct pan_dev dev;
	uint32_t vm;
	struct drm_panthor_queue_create queue;
	struct drm_panthor_group_create args;
};

FIXTURE_SETUP(group)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_vm_create(&self->dev, &self->vm));
	pan_group_args(&self->dev, self->vm, &self->queue, 1, &self->args);
}

FIXTURE_TEARDOWN(group)
{
	pan_close(&self->dev);
}

static int create(struct pan_dev *dev, struct drm_panthor_group_create *args)
{
	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_GROUP_CREATE, args);
}

/* Creates with one field changed, and changes it back. */
#define CREATE_WITH(object, field, value) ({ \
	typeof(object) __object = (object); \
	typeof(__object->field) __good = __object->field; \
	int __ret; \
	__object->field = (value); \
	__ret = create(&self->dev, &self->args); \
	__object->field = __good; \
	__ret; \
})

TEST_F(group, new_one_has_no_state_flags)
{
	struct drm_panthor_group_get_state state;

	ASSERT_OK(create(&self->dev, &self->args));
	EXPECT_NE(0, self->args.group_handle);
	ASSERT_OK(pan_group_state(&self->dev, self->args.group_handle, &state));
	EXPECT_EQ(0, state.state);
	EXPECT_EQ(0, state.fatal_queues);
}

TEST_F(group, as_many_queues_as_slots)
{
	struct drm_panthor_queue_create queues[MAX_QUEUES + 1];
	uint32_t slots = self->dev.csif.cs_slot_count;

	pan_group_args(&self->dev, self->vm, queues, slots, &self->args);
	EXPECT_OK(create(&self->dev, &self->args));
	if (slots < MAX_QUEUES) {
		pan_group_args(&self->dev, self->vm, queues, slots + 1, &self->args);
		EXPECT_EQ(-EINVAL, create(&self->dev, &self->args));
	}
	pan_group_args(&self->dev, self->vm, queues, MAX_QUEUES + 1, &self->args);
	EXPECT_EQ(-EINVAL, create(&self->dev, &self->args));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, queues.count, 0));
}

TEST_F(group, a_file_has_127_or_more)
{
	struct drm_panthor_group_create args;
	int i, ret = 0;

	self->queue.ringbuf_size = 4096;
	for (i = 0; i <= MAX_GROUPS && !ret; i++) {
		args = self->args;
		ret = create(&self->dev, &args);
	}
	EXPECT_EQ(-EBUSY, ret);
	EXPECT_GE(i, MAX_GROUPS);
	ASSERT_OK(pan_group_destroy(&self->dev, 1));
	EXPECT_OK(create(&self->dev, &self->args));
}

TEST_F(group, ring_size_is_a_power_of_two_of_4_to_64_kib)
{
	uint32_t size;

	for (size = 4096; size <= 65536; size *= 2)
		EXPECT_OK(CREATE_WITH(&self->queue, ringbuf_size, size));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->queue, ringbuf_size, 0));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->queue, ringbuf_size, 2048));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->queue, ringbuf_size, 4096 + 64));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->queue, ringbuf_size, 12288));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->queue, ringbuf_size, 131072));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->queue, ringbuf_size, ~0u));
}

TEST_F(group, queue_priority_goes_to_15)
{
	EXPECT_OK(CREATE_WITH(&self->queue, priority, 0));
	EXPECT_OK(CREATE_WITH(&self->queue, priority, 15));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->queue, priority, 16));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->queue, priority, 255));
}

TEST_F(group, padding_must_be_zero)
{
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, pad, 1));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->queue, pad[0], 1));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->queue, pad[2], 1));
}

TEST_F(group, cores_must_be_present)
{
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, compute_core_mask, ~0ull));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, fragment_core_mask, ~0ull));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, tiler_core_mask, ~0ull));
}

TEST_F(group, no_more_cores_than_in_the_mask)
{
	uint64_t one = self->dev.gpu.shader_present & -self->dev.gpu.shader_present;

	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, compute_core_mask, one));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, fragment_core_mask, one));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, max_compute_cores, 65));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, max_tiler_cores, 2));
	self->args.max_compute_cores = 1;
	EXPECT_OK(CREATE_WITH(&self->args, compute_core_mask, one));
}

TEST_F(group, priority_must_exist)
{
	EXPECT_OK(CREATE_WITH(&self->args, priority, PANTHOR_GROUP_PRIORITY_LOW));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, priority,
				       PANTHOR_GROUP_PRIORITY_REALTIME + 1));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, priority, 255));
}

TEST_F(group, high_priority_needs_privilege)
{
	if (geteuid())
		SKIP(return, "needs root");
	EXPECT_OK(CREATE_WITH(&self->args, priority, PANTHOR_GROUP_PRIORITY_HIGH));
	EXPECT_OK(CREATE_WITH(&self->args, priority, PANTHOR_GROUP_PRIORITY_REALTIME));
	ASSERT_OK(seteuid(65534));
	EXPECT_EQ(-EACCES, CREATE_WITH(&self->args, priority, PANTHOR_GROUP_PRIORITY_HIGH));
	EXPECT_EQ(-EACCES, CREATE_WITH(&self->args, priority,
				       PANTHOR_GROUP_PRIORITY_REALTIME));
	EXPECT_OK(CREATE_WITH(&self->args, priority, PANTHOR_GROUP_PRIORITY_MEDIUM));
	ASSERT_OK(seteuid(0));
}

TEST_F(group, vm_must_exist)
{
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, vm_id, 0));
	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, vm_id, self->vm + 1));
}

TEST_F(group, bad_queue_arrays)
{
	struct {
		struct drm_panthor_queue_create queue;
		uint64_t tomorrow;
	} big = { .queue = self->queue };

	EXPECT_EQ(-EINVAL, CREATE_WITH(&self->args, queues.stride, 4));
	EXPECT_EQ(-EFAULT, CREATE_WITH(&self->args, queues.array, 8));
	self->args.queues.array = (uintptr_t)&big;
	self->args.queues.stride = sizeof(big);
	EXPECT_OK(create(&self->dev, &self->args));
	big.tomorrow = 1;
	EXPECT_EQ(-E2BIG, create(&self->dev, &self->args));
}

static int destroy(struct pan_dev *dev, uint32_t group, uint32_t pad)
{
	struct drm_panthor_group_destroy args = { .group_handle = group, .pad = pad };

	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &args);
}

static int get_state(struct pan_dev *dev, uint32_t group, uint32_t pad)
{
	struct drm_panthor_group_get_state args = { .group_handle = group, .pad = pad };

	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &args);
}

TEST_F(group, destroy_and_get_state_reject_bad_arguments)
{
	struct pan_dev *dev = &self->dev;
	uint32_t group;

	ASSERT_OK(create(dev, &self->args));
	group = self->args.group_handle;
	EXPECT_EQ(-EINVAL, get_state(dev, group, 1));
	EXPECT_EQ(-EINVAL, get_state(dev, group + 1, 0));
	EXPECT_EQ(-EINVAL, get_state(dev, 0, 0));
	EXPECT_EQ(-EINVAL, destroy(dev, group, 1));
	EXPECT_EQ(-EINVAL, destroy(dev, group + 1, 0));
	EXPECT_EQ(-EINVAL, destroy(dev, 0, 0));
	EXPECT_OK(destroy(dev, group, 0));
	EXPECT_EQ(-EINVAL, destroy(dev, group, 0));
	EXPECT_EQ(-EINVAL, get_state(dev, group, 0));
}

TEST_F(group, handles_belong_to_a_file)
{
	struct pan_dev other;

	ASSERT_OK(create(&self->dev, &self->args));
	ASSERT_OK(pan_open(&other));
	EXPECT_EQ(-EINVAL, get_state(&other, self->args.group_handle, 0));
	EXPECT_EQ(-EINVAL, destroy(&other, self->args.group_handle, 0));
	pan_close(&other);
}

TEST_F(group, destroy_ends_a_running_job)
{
	struct pan_ctx ctx, bystander;

	ASSERT_OK(pan_ctx_init(&ctx, &self->dev, 1));
	ASSERT_OK(pan_ctx_init(&bystander, &self->dev, 1));
	pan_cs_store32(pan_ctx_begin(&ctx, 0), pan_flag_va(1), 1);
	pan_cs_spin_until(&ctx.cs[0], pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(&ctx, 0));
	ASSERT_OK(pan_wait_word(pan_flag(&ctx, 1), 1, DEADLINE_MS));

	ASSERT_OK(destroy(&self->dev, ctx.group, 0));
	EXPECT_EQ(-ECANCELED, pan_ctx_wait(&ctx, 0));

	/* The VM and everybody else goes on. */
	ctx.group = 0;
	ASSERT_OK(pan_ctx_new_group(&ctx));
	pan_cs_store32(pan_ctx_begin(&ctx, 0), pan_flag_va(2), 22);
	EXPECT_OK(pan_ctx_run(&ctx, 0));
	EXPECT_EQ(22, *pan_flag(&ctx, 2));
	pan_cs_store32(pan_ctx_begin(&bystander, 0), pan_flag_va(2), 23);
	EXPECT_OK(pan_ctx_run(&bystander, 0));
	EXPECT_EQ(23, *pan_flag(&bystander, 2));
	pan_ctx_fini(&bystander);
	pan_ctx_fini(&ctx);
}

TEST_F(group, destroy_ends_queued_jobs)
{
	uint32_t late;
	struct drm_panthor_sync_op sync;
	struct pan_ctx ctx;
	struct pan_cs *cs;
	int i;

	ASSERT_OK(pan_ctx_init(&ctx, &self->dev, 1));
	ASSERT_OK(pan_syncobj_create(&self->dev, &late));
	pan_cs_spin_until(pan_ctx_begin(&ctx, 0), pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(&ctx, 0));
	for (i = 0; i < 8; i++) {
		cs = pan_ctx_append(&ctx, 0);
		pan_cs_store32(cs, pan_flag_va(2), 1);
		sync = pan_sync_signal(late);
		ASSERT_OK(pan_submit(&self->dev, ctx.group, 0, pan_cs_addr(cs),
				     pan_cs_size(cs), &sync, 1));
	}
	ASSERT_OK(destroy(&self->dev, ctx.group, 0));
	ctx.group = 0;
	EXPECT_OK(pan_syncobj_wait(&self->dev, late, 0, PAN_JOB_TIMEOUT));
	EXPECT_GT(0, pan_syncobj_status(&self->dev, late));
	EXPECT_EQ(0, *pan_flag(&ctx, 2));
	pan_ctx_fini(&ctx);
}

TEST_F(group, create_and_destroy_many_times)
{
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_OK(create(&self->dev, &self->args));
		ASSERT_OK(destroy(&self->dev, self->args.group_handle, 0));
	}
}

TEST_HARNESS_MAIN
