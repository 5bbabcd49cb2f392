// SPDX-License-Identifier: GPL-2.0
/* Address spaces: DRM_IOCTL_PANTHOR_VM_CREATE, VM_DESTROY, VM_GET_STATE */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_pattern.h"

#define MAX_VMS			32
#define MIN_KERNEL_RANGE	(256ull << 20)

FIXTURE(vm)
{
	struct pan_dev dev;
};

FIXTURE_SETUP(vm)
{
	PAN_OPEN_OR_SKIP(&self->dev);
}

FIXTURE_TEARDOWN(vm)
{
	pan_close(&self->dev);
}

static int create(struct pan_dev *dev, struct drm_panthor_vm_create *args)
{
	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_VM_CREATE, args);
}

static int destroy(struct pan_dev *dev, uint32_t id, uint32_t pad)
{
	struct drm_panthor_vm_destroy args = { .id = id, .pad = pad };

	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_VM_DESTROY, &args);
}

static int get_state(struct pan_dev *dev, uint32_t id)
{
	struct drm_panthor_vm_get_state args = { .vm_id = id, .state = ~0u };
	int ret = pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_VM_GET_STATE, &args);

	return ret ? ret : (int)args.state;
}

static uint64_t full_range(struct pan_dev *dev)
{
	return 1ull << DRM_PANTHOR_MMU_VA_BITS(dev->gpu.mmu_features);
}

TEST_F(vm, default_range_leaves_room_for_the_kernel)
{
	struct drm_panthor_vm_create args = { };

	ASSERT_OK(create(&self->dev, &args));
	EXPECT_NE(0, args.id);
	EXPECT_NE(0, args.user_va_range);
	EXPECT_LE(args.user_va_range, full_range(&self->dev) - MIN_KERNEL_RANGE);
}

TEST_F(vm, asked_range_is_granted)
{
	struct drm_panthor_vm_create args = { .user_va_range = 1ull << 32 };

	ASSERT_OK(create(&self->dev, &args));
	EXPECT_GE(args.user_va_range, 1ull << 32);
}

TEST_F(vm, largest_range_is_granted)
{
	struct drm_panthor_vm_create args = {
		.user_va_range = full_range(&self->dev) - MIN_KERNEL_RANGE,
	};

	ASSERT_OK(create(&self->dev, &args));
	EXPECT_EQ(full_range(&self->dev) - MIN_KERNEL_RANGE, args.user_va_range);
}

TEST_F(vm, range_without_room_for_the_kernel_is_rejected)
{
	struct drm_panthor_vm_create args = {
		.user_va_range = full_range(&self->dev) - MIN_KERNEL_RANGE + PAN_PAGE,
	};

	EXPECT_EQ(-EINVAL, create(&self->dev, &args));
	args.user_va_range = full_range(&self->dev);
	EXPECT_EQ(-EINVAL, create(&self->dev, &args));
	args.user_va_range = ~0ull;
	EXPECT_EQ(-EINVAL, create(&self->dev, &args));
}

TEST_F(vm, flags_are_rejected)
{
	struct drm_panthor_vm_create args = { .flags = 1 };

	EXPECT_EQ(-EINVAL, create(&self->dev, &args));
	args.flags = 1u << 31;
	EXPECT_EQ(-EINVAL, create(&self->dev, &args));
}

TEST_F(vm, a_file_has_32)
{
	struct drm_panthor_vm_create args[MAX_VMS + 1] = { };
	struct pan_dev other;
	uint32_t vm;
	int i;

	for (i = 0; i < MAX_VMS; i++)
		ASSERT_OK(create(&self->dev, &args[i]));
	EXPECT_EQ(-EBUSY, create(&self->dev, &args[i]));

	/* The limit is the file's, not the device's ... */
	ASSERT_OK(pan_open(&other));
	EXPECT_OK(pan_vm_create(&other, &vm));
	pan_close(&other);

	/* ... and room that was made can be used. */
	ASSERT_OK(destroy(&self->dev, args[7].id, 0));
	EXPECT_OK(create(&self->dev, &args[7]));
}

TEST_F(vm, create_and_destroy_many_times)
{
	struct drm_panthor_vm_create args;
	int i;

	for (i = 0; i < 200; i++) {
		args = (struct drm_panthor_vm_create) { };
		ASSERT_OK(create(&self->dev, &args));
		ASSERT_OK(destroy(&self->dev, args.id, 0));
	}
}

TEST_F(vm, destroy_rejects_bad_arguments)
{
	uint32_t vm;

	ASSERT_OK(pan_vm_create(&self->dev, &vm));
	EXPECT_EQ(-EINVAL, destroy(&self->dev, 0, 0));
	EXPECT_EQ(-EINVAL, destroy(&self->dev, vm + 1, 0));
	EXPECT_EQ(-EINVAL, destroy(&self->dev, ~0u, 0));
	EXPECT_EQ(-EINVAL, destroy(&self->dev, vm, 1));
	EXPECT_OK(destroy(&self->dev, vm, 0));
	EXPECT_EQ(-EINVAL, destroy(&self->dev, vm, 0));
}

TEST_F(vm, ids_belong_to_a_file)
{
	struct pan_dev other;
	uint32_t vm;

	ASSERT_OK(pan_open(&other));
	ASSERT_OK(pan_vm_create(&self->dev, &vm));
	EXPECT_EQ(-EINVAL, get_state(&other, vm));
	EXPECT_EQ(-EINVAL, destroy(&other, vm, 0));
	EXPECT_EQ(DRM_PANTHOR_VM_STATE_USABLE, get_state(&self->dev, vm));
	pan_close(&other);
}

TEST_F(vm, new_one_is_usable)
{
	uint32_t vm;

	ASSERT_OK(pan_vm_create(&self->dev, &vm));
	EXPECT_EQ(DRM_PANTHOR_VM_STATE_USABLE, get_state(&self->dev, vm));
	ASSERT_OK(destroy(&self->dev, vm, 0));
	EXPECT_EQ(-EINVAL, get_state(&self->dev, vm));
	EXPECT_EQ(-EINVAL, get_state(&self->dev, 0));
}

TEST_F(vm, destroyed_one_cannot_be_used)
{
	struct drm_panthor_vm_bind_op op = { .flags = PAN_MAP_RW, .size = PAN_PAGE };
	struct drm_panthor_bo_create bo = { .size = PAN_PAGE };
	uint32_t vm;

	ASSERT_OK(pan_vm_create(&self->dev, &vm));
	ASSERT_OK(pan_bo_create(&self->dev, PAN_PAGE, 0, 0, &op.bo_handle));
	ASSERT_OK(destroy(&self->dev, vm, 0));
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, vm, 0, &op, 1));
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, vm, DRM_PANTHOR_VM_BIND_ASYNC, &op, 1));
	bo.exclusive_vm_id = vm;
	EXPECT_EQ(-EINVAL, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_CREATE, &bo));
}

TEST_F(vm, shared_bo_outlives_the_vm)
{
	uint32_t seed = pan_seed(1, 1), first, second, bo, *map;

	ASSERT_OK(pan_vm_create(&self->dev, &first));
	ASSERT_OK(pan_vm_create(&self->dev, &second));
	ASSERT_OK(pan_bo_create(&self->dev, PAN_MIB, 0, 0, &bo));
	ASSERT_OK(pan_vm_map(&self->dev, first, bo, 0, PAN_DATA_VA, PAN_MIB, PAN_MAP_RW));
	map = pan_bo_mmap(&self->dev, bo, PAN_MIB);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, PAN_MIB, seed);
	ASSERT_OK(destroy(&self->dev, first, 0));
	EXPECT_EQ(0, pan_pattern_check(map, PAN_MIB, seed, 0));
	EXPECT_OK(pan_vm_map(&self->dev, second, bo, 0, PAN_DATA_VA, PAN_MIB, PAN_MAP_RW));
	EXPECT_EQ(0, pan_pattern_check(map, PAN_MIB, seed, 0));
}

TEST_F(vm, private_bo_outlives_the_vm)
{
	uint32_t seed = pan_seed(1, 2), vm, bo, *map;

	ASSERT_OK(pan_vm_create(&self->dev, &vm));
	ASSERT_OK(pan_bo_create(&self->dev, PAN_MIB, 0, vm, &bo));
	map = pan_bo_mmap(&self->dev, bo, PAN_MIB);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, PAN_MIB, seed);
	ASSERT_OK(destroy(&self->dev, vm, 0));
	EXPECT_EQ(0, pan_pattern_check(map, PAN_MIB, seed, 0));
	EXPECT_OK(pan_bo_close(&self->dev, bo));
	EXPECT_EQ(0, pan_pattern_check(map, PAN_MIB, seed, 0));
}

/* One job each in two address spaces, at the same address. */
TEST_F(vm, same_address_in_two_is_different_memory)
{
	uint32_t seed[2] = { pan_seed(1, 3), pan_seed(1, 4) };
	struct pan_ctx ctx[2];
	struct pan_bo bo[2];
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_OK(pan_ctx_init(&ctx[i], &self->dev, 1));
		ASSERT_OK(pan_ctx_bo(&ctx[i], 64 << 10, true, &bo[i]));
		pan_cs_fill(pan_ctx_begin(&ctx[i], 0), bo[i].va, bo[i].size, seed[i]);
		ASSERT_OK(pan_ctx_submit(&ctx[i], 0));
	}
	ASSERT_EQ(bo[0].va, bo[1].va);
	for (i = 0; i < 2; i++) {
		ASSERT_OK(pan_ctx_wait(&ctx[i], 0));
		ASSERT_OK(pan_ctx_bo_map(&ctx[i], &bo[i]));
		EXPECT_EQ(0, pan_pattern_check(bo[i].map, bo[i].size, seed[i], 0));
	}
	for (i = 0; i < 2; i++)
		pan_ctx_fini(&ctx[i]);
}

TEST_HARNESS_MAIN
