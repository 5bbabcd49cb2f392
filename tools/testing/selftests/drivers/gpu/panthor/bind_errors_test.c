// SPDX-License-Identifier: GPL-2.0
/* Bad arguments of DRM_IOCTL_PANTHOR_VM_BIND: the errno, and no effect */
#include "lib/pan_harness.h"
#include "lib/pan_obj.h"

#define SIZE	(64ull << 10)
#define VA	0x100000000ull

FIXTURE(bind_errors)
{
	struct pan_dev dev;
	uint32_t vm;
	uint32_t bo;
	struct drm_panthor_vm_bind_op map;
	struct drm_panthor_vm_bind_op unmap;
};

FIXTURE_SETUP(bind_errors)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_vm_create(&self->dev, &self->vm));
	ASSERT_OK(pan_bo_create(&self->dev, SIZE, 0, 0, &self->bo));
	self->map = (struct drm_panthor_vm_bind_op) {
		.flags = PAN_MAP_RW, .bo_handle = self->bo, .va = VA, .size = SIZE,
	};
	self->unmap = (struct drm_panthor_vm_bind_op) {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP, .va = VA, .size = SIZE,
	};
}

FIXTURE_TEARDOWN(bind_errors)
{
	/* Whatever was rejected, the VM still works. */
	EXPECT_OK(pan_vm_bind(&self->dev, self->vm, 0, &self->map, 1));
	pan_close(&self->dev);
}

/* Binds with one field of a good operation changed. */
#define BIND_WITH(op, field, value) ({ \
	struct drm_panthor_vm_bind_op __op = (op); \
	__op.field = (value); \
	pan_vm_bind(&self->dev, self->vm, 0, &__op, 1); \
})

TEST_F(bind_errors, unknown_vm)
{
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, 0, 0, &self->map, 1));
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, self->vm + 1, 0, &self->map, 1));
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, ~0u, DRM_PANTHOR_VM_BIND_ASYNC,
				       &self->map, 1));
}

TEST_F(bind_errors, unknown_bo)
{
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, bo_handle, 0));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, bo_handle, 0x7fffffff));
}

TEST_F(bind_errors, misaligned)
{
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, va, VA + 1));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, va, VA + 2048));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, size, SIZE - 1));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, bo_offset, 64));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->unmap, va, VA + 1));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->unmap, size, 5));
}

TEST_F(bind_errors, beyond_the_bo)
{
	struct drm_panthor_vm_bind_op op = self->map;

	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, size, SIZE + PAN_PAGE));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, bo_offset, PAN_PAGE));
	op.bo_offset = ~0ull - PAN_PAGE + 1;
	op.size = 2 * PAN_PAGE;
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, self->vm, 0, &op, 1));
}

TEST_F(bind_errors, beyond_the_address_space)
{
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, va, 1ull << 48));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, va, ~0ull - SIZE + 1));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->unmap, va, ~0ull - SIZE + 1));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->unmap, size, ~0ull - PAN_PAGE + 1));
}

TEST_F(bind_errors, unknown_flags)
{
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, flags, PAN_MAP_RW | 1 << 4));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, flags, PAN_MAP_RW | 1 << 27));
}

TEST_F(bind_errors, unknown_type)
{
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, flags, 3u << 28));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->map, flags, 15u << 28));
}

TEST_F(bind_errors, unmap_takes_no_bo)
{
	EXPECT_EQ(-EINVAL, BIND_WITH(self->unmap, bo_handle, self->bo));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->unmap, bo_offset, PAN_PAGE));
	EXPECT_EQ(-EINVAL, BIND_WITH(self->unmap, flags,
				     DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP |
				     DRM_PANTHOR_VM_BIND_OP_MAP_READONLY));
}

TEST_F(bind_errors, sparse_takes_no_bo_and_no_code)
{
	const uint32_t sparse = DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE;
	struct drm_panthor_vm_bind_op op = self->map;

	op.flags = PAN_MAP_RW | sparse;
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, self->vm, 0, &op, 1));
	op.bo_handle = 0;
	op.bo_offset = PAN_PAGE;
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, self->vm, 0, &op, 1));
	op.bo_offset = 0;
	op.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | sparse;
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, self->vm, 0, &op, 1));
	op.flags = PAN_MAP_RW | sparse;
	EXPECT_OK(pan_vm_bind(&self->dev, self->vm, 0, &op, 1));
}

TEST_F(bind_errors, private_bo_of_another_vm)
{
	struct drm_panthor_vm_bind_op op = self->map;
	uint32_t other;

	ASSERT_OK(pan_vm_create(&self->dev, &other));
	ASSERT_OK(pan_bo_create(&self->dev, SIZE, 0, other, &op.bo_handle));
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, self->vm, 0, &op, 1));
	EXPECT_OK(pan_vm_bind(&self->dev, other, 0, &op, 1));
}

TEST_F(bind_errors, synchronous_bind_takes_no_syncs)
{
	struct drm_panthor_vm_bind_op op = self->map;
	struct drm_panthor_sync_op sync;
	uint32_t syncobj;

	ASSERT_OK(pan_syncobj_create(&self->dev, &syncobj));
	sync = pan_sync_signal(syncobj);
	op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &sync);
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, self->vm, 0, &op, 1));
}

TEST_F(bind_errors, size_zero_does_nothing)
{
	EXPECT_OK(BIND_WITH(self->map, size, 0));
	EXPECT_OK(BIND_WITH(self->unmap, size, 0));
}

TEST_F(bind_errors, bad_arrays)
{
	struct {
		struct drm_panthor_vm_bind_op op;
		uint64_t tomorrow;
	} big = { .op = self->map };
	struct drm_panthor_vm_bind args = { .vm_id = self->vm };

	/* Nothing to do */
	EXPECT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_VM_BIND, &args));

	args.ops = (struct drm_panthor_obj_array) {
		.stride = sizeof(big.op) - 8, .count = 1, .array = (uintptr_t)&big,
	};
	EXPECT_EQ(-EINVAL, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_VM_BIND, &args));
	args.ops.count = 1;
	args.ops.stride = sizeof(big);
	EXPECT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_VM_BIND, &args));
	big.tomorrow = 1;
	args.ops.count = 1;
	EXPECT_EQ(-E2BIG, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_VM_BIND, &args));
	args.ops.array = 8;
	args.ops.stride = sizeof(big.op);
	EXPECT_EQ(-EFAULT, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_VM_BIND, &args));
}

TEST_HARNESS_MAIN
