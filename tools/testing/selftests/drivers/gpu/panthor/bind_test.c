// SPDX-License-Identifier: GPL-2.0
/* Synchronous DRM_IOCTL_PANTHOR_VM_BIND, seen by jobs of the GPU */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_pattern.h"

#define SIZE		(64ull << 10)

FIXTURE(bind)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
};

FIXTURE_SETUP(bind)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
}

FIXTURE_TEARDOWN(bind)
{
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

static int gpu_fill(struct pan_ctx *ctx, uint64_t va, uint64_t size, uint32_t seed)
{
	pan_cs_fill(pan_ctx_begin(ctx, 0), va, size, seed);
	return pan_ctx_run(ctx, 0);
}

/* A job that must fault; the context gets a new group. */
static int gpu_faults(struct pan_ctx *ctx, uint64_t va)
{
	int ret;

	pan_cs_store32(pan_ctx_begin(ctx, 0), va, 1);
	ret = pan_ctx_submit(ctx, 0);
	if (!ret)
		ret = pan_ctx_wait(ctx, 0);
	pan_ctx_new_group(ctx);
	return ret;
}

static int new_bo(struct pan_ctx *ctx, uint64_t size, struct pan_bo *bo)
{
	*bo = (struct pan_bo) { .size = size };
	if (pan_bo_create(ctx->dev, size, 0, 0, &bo->handle))
		return -1;
	return pan_ctx_bo_map(ctx, bo);
}

TEST_F(bind, job_writes_what_is_mapped)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;

	ASSERT_OK(pan_ctx_bo(ctx, 4 * PAN_MIB, true, &bo));
	ASSERT_OK(gpu_fill(ctx, bo.va, bo.size, 11));
	ASSERT_OK(pan_ctx_bo_map(ctx, &bo));
	EXPECT_EQ(0, pan_pattern_check(bo.map, bo.size, 11, 0));
}

TEST_F(bind, job_reads_what_the_cpu_wrote)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo src, dst;

	ASSERT_OK(pan_ctx_bo(ctx, SIZE, false, &src));
	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &dst));
	ASSERT_OK(pan_ctx_bo_map(ctx, &src));
	pan_pattern_fill(src.map, SIZE, 12);
	pan_cs_copy(pan_ctx_begin(ctx, 0), dst.va, src.va, SIZE);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	ASSERT_OK(pan_ctx_bo_map(ctx, &dst));
	EXPECT_EQ(0, pan_pattern_check(dst.map, SIZE, 12, 0));
}

TEST_F(bind, offset_selects_a_part_of_the_bo)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;
	uint64_t i;

	ASSERT_OK(new_bo(ctx, 4 * SIZE, &bo));
	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, bo.handle, SIZE, PAN_DATA_VA, SIZE, PAN_MAP_RW));
	ASSERT_OK(gpu_fill(ctx, PAN_DATA_VA, SIZE, 13));
	EXPECT_EQ(0, pan_pattern_check(bo.map + SIZE / 4, SIZE, 13, 0));
	for (i = 0; i < SIZE / 4; i++) {
		ASSERT_EQ(0, bo.map[i]);
		ASSERT_EQ(0, bo.map[2 * SIZE / 4 + i]);
	}
	EXPECT_NE(0, gpu_faults(ctx, PAN_DATA_VA + SIZE));
}

TEST_F(bind, two_addresses_are_the_same_memory)
{
	struct pan_ctx *ctx = &self->ctx;
	const uint64_t far = 0x2000000000ull;
	struct pan_bo bo, copy;

	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &bo));
	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &copy));
	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, bo.handle, 0, far, SIZE, PAN_MAP_RW));
	ASSERT_OK(gpu_fill(ctx, bo.va, SIZE, 14));
	pan_cs_copy(pan_ctx_begin(ctx, 0), copy.va, far, SIZE);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	ASSERT_OK(pan_ctx_bo_map(ctx, &copy));
	EXPECT_EQ(0, pan_pattern_check(copy.map, SIZE, 14, 0));

	/* One of them goes, the other stays. */
	ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, far, SIZE));
	EXPECT_OK(gpu_fill(ctx, bo.va, SIZE, 15));
	EXPECT_NE(0, gpu_faults(ctx, far));
}

TEST_F(bind, shared_bo_is_seen_by_two_vms)
{
	struct pan_ctx *ctx = &self->ctx, other;
	struct pan_bo bo;

	ASSERT_OK(pan_ctx_init(&other, &self->dev, 1));
	ASSERT_OK(pan_ctx_bo(ctx, SIZE, false, &bo));
	ASSERT_OK(pan_vm_map(ctx->dev, other.vm, bo.handle, 0, bo.va + PAN_MIB, SIZE,
			     PAN_MAP_RW));
	ASSERT_OK(gpu_fill(ctx, bo.va, SIZE, 16));
	pan_cs_step(pan_ctx_begin(&other, 0), bo.va + PAN_MIB, SIZE);
	ASSERT_OK(pan_ctx_run(&other, 0));
	ASSERT_OK(pan_ctx_bo_map(ctx, &bo));
	EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE, 16, 1));
	pan_ctx_fini(&other);
}

TEST_F(bind, unmapped_range_faults)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;

	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &bo));
	ASSERT_OK(gpu_fill(ctx, bo.va, SIZE, 17));
	ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, bo.va, SIZE));
	EXPECT_NE(0, gpu_faults(ctx, bo.va));
	ASSERT_OK(pan_ctx_bo_map(ctx, &bo));
	EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE, 17, 0));
}

TEST_F(bind, mapping_outlives_the_handle)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo, copy;

	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &bo));
	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &copy));
	ASSERT_OK(pan_bo_close(ctx->dev, bo.handle));
	ASSERT_OK(gpu_fill(ctx, bo.va, SIZE, 18));
	pan_cs_copy(pan_ctx_begin(ctx, 0), copy.va, bo.va, SIZE);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	ASSERT_OK(pan_ctx_bo_map(ctx, &copy));
	EXPECT_EQ(0, pan_pattern_check(copy.map, SIZE, 18, 0));
	ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, bo.va, SIZE));
}

FIXTURE(partial)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
};

FIXTURE_VARIANT(partial)
{
	uint64_t size;
	uint64_t hole;
	uint64_t hole_size;
};

FIXTURE_VARIANT_ADD(partial, head) {
	.size = 256 << 10, .hole = 0, .hole_size = 64 << 10,
};

FIXTURE_VARIANT_ADD(partial, middle) {
	.size = 256 << 10, .hole = 64 << 10, .hole_size = 64 << 10,
};

FIXTURE_VARIANT_ADD(partial, tail) {
	.size = 256 << 10, .hole = 192 << 10, .hole_size = 64 << 10,
};

FIXTURE_VARIANT_ADD(partial, one_page) {
	.size = 256 << 10, .hole = 20 << 10, .hole_size = 4 << 10,
};

FIXTURE_VARIANT_ADD(partial, large_page_middle) {
	.size = 2 << 20, .hole = 512 << 10, .hole_size = 64 << 10,
};

FIXTURE_VARIANT_ADD(partial, across_large_pages) {
	.size = 4 << 20, .hole = (2 << 20) - (64 << 10), .hole_size = 128 << 10,
};

FIXTURE_SETUP(partial)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
}

FIXTURE_TEARDOWN(partial)
{
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

/* Every word outside the hole has taken the step, none inside has. */
static int64_t check_around(const uint32_t *map, uint64_t size, uint64_t hole,
			    uint64_t hole_size, uint32_t seed)
{
	uint64_t i;

	for (i = 0; i < size / 4; i++) {
		bool inside = i >= hole / 4 && i < (hole + hole_size) / 4;

		if (map[i] != pan_pattern(seed, i, inside ? 0 : 1))
			return i + 1;
	}
	return 0;
}

static void step_around(struct pan_cs *cs, const struct pan_bo *bo, uint64_t hole,
			uint64_t hole_size)
{
	uint64_t end = hole + hole_size;

	if (hole)
		pan_cs_step(cs, bo->va, hole);
	if (end < bo->size)
		pan_cs_step(cs, bo->va + end, bo->size - end);
}

TEST_F(partial, unmap_leaves_the_rest)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;

	ASSERT_OK(pan_ctx_bo(ctx, variant->size, true, &bo));
	ASSERT_OK(gpu_fill(ctx, bo.va, bo.size, 21));
	ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, bo.va + variant->hole, variant->hole_size));
	step_around(pan_ctx_begin(ctx, 0), &bo, variant->hole, variant->hole_size);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	ASSERT_OK(pan_ctx_bo_map(ctx, &bo));
	EXPECT_EQ(0, check_around(bo.map, bo.size, variant->hole, variant->hole_size, 21));
	EXPECT_NE(0, gpu_faults(ctx, bo.va + variant->hole));
	EXPECT_NE(0, gpu_faults(ctx, bo.va + variant->hole + variant->hole_size - 4));
	EXPECT_EQ(0, check_around(bo.map, bo.size, variant->hole, variant->hole_size, 21));
}

TEST_F(partial, remap_replaces_only_its_range)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo, patch;

	ASSERT_OK(pan_ctx_bo(ctx, variant->size, true, &bo));
	ASSERT_OK(new_bo(ctx, variant->hole_size, &patch));
	ASSERT_OK(gpu_fill(ctx, bo.va, bo.size, 22));
	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, patch.handle, 0, bo.va + variant->hole,
			     patch.size, PAN_MAP_RW));
	pan_cs_step(pan_ctx_begin(ctx, 0), bo.va, bo.size);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	ASSERT_OK(gpu_fill(ctx, bo.va + variant->hole, variant->hole_size, 23));
	ASSERT_OK(pan_ctx_bo_map(ctx, &bo));
	EXPECT_EQ(0, check_around(bo.map, bo.size, variant->hole, variant->hole_size, 22));
	EXPECT_EQ(0, pan_pattern_check(patch.map, patch.size, 23, 0));
}

TEST_F(partial, hole_can_be_filled_again)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;

	ASSERT_OK(pan_ctx_bo(ctx, variant->size, true, &bo));
	ASSERT_OK(gpu_fill(ctx, bo.va, bo.size, 24));
	ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, bo.va + variant->hole, variant->hole_size));
	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, bo.handle, variant->hole,
			     bo.va + variant->hole, variant->hole_size, PAN_MAP_RW));
	pan_cs_step(pan_ctx_begin(ctx, 0), bo.va, bo.size);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	ASSERT_OK(pan_ctx_bo_map(ctx, &bo));
	EXPECT_EQ(0, pan_pattern_check(bo.map, bo.size, 24, 1));
}

TEST_F(bind, remap_of_the_same_range_takes_the_new_bo)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo[3];
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_OK(new_bo(ctx, SIZE, &bo[i]));
		ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, bo[i].handle, 0, PAN_DATA_VA, SIZE,
				     PAN_MAP_RW));
		ASSERT_OK(gpu_fill(ctx, PAN_DATA_VA, SIZE, 30 + i));
	}
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, pan_pattern_check(bo[i].map, SIZE, 30 + i, 0));
}

TEST_F(bind, remap_of_the_same_bo_takes_the_new_offset)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;
	int i;

	ASSERT_OK(new_bo(ctx, 4 * SIZE, &bo));
	for (i = 3; i >= 0; i--) {
		ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, bo.handle, i * SIZE, PAN_DATA_VA, SIZE,
				     PAN_MAP_RW));
		ASSERT_OK(gpu_fill(ctx, PAN_DATA_VA, SIZE, 40 + i));
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, pan_pattern_check(bo.map + i * SIZE / 4, SIZE, 40 + i, 0));
}

TEST_F(bind, unmap_spans_several_mappings_and_gaps)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;
	int i;

	ASSERT_OK(new_bo(ctx, SIZE, &bo));
	for (i = 0; i < 5; i++)
		ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, bo.handle, 0,
				     PAN_DATA_VA + i * PAN_MIB, SIZE, PAN_MAP_RW));

	/* From the middle of the first to the middle of the last. */
	ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, PAN_DATA_VA + SIZE / 2, 4 * PAN_MIB));
	ASSERT_OK(gpu_fill(ctx, PAN_DATA_VA, SIZE / 2, 50));
	EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE / 2, 50, 0));
	ASSERT_OK(gpu_fill(ctx, PAN_DATA_VA + 4 * PAN_MIB + SIZE / 2, SIZE / 2, 51));
	EXPECT_EQ(0, pan_pattern_check(bo.map + SIZE / 8, SIZE / 2, 51, 0));
	EXPECT_NE(0, gpu_faults(ctx, PAN_DATA_VA + SIZE / 2));
	EXPECT_NE(0, gpu_faults(ctx, PAN_DATA_VA + 2 * PAN_MIB));
	EXPECT_NE(0, gpu_faults(ctx, PAN_DATA_VA + 4 * PAN_MIB));
}

TEST_F(bind, unmap_of_nothing_succeeds)
{
	struct pan_ctx *ctx = &self->ctx;

	EXPECT_OK(pan_vm_unmap(ctx->dev, ctx->vm, PAN_NOWHERE_VA, PAN_MIB));
	EXPECT_OK(pan_vm_unmap(ctx->dev, ctx->vm, 0, PAN_PAGE));
}

TEST_F(bind, many_scattered_pages)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_cs *cs;
	struct pan_bo bo;
	uint64_t i, pages = 128;

	ASSERT_OK(new_bo(ctx, pages * PAN_PAGE, &bo));
	for (i = 0; i < pages; i++)
		ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, bo.handle,
				     (i * 37 % pages) * PAN_PAGE,
				     PAN_DATA_VA + i * (PAN_MIB + PAN_PAGE), PAN_PAGE,
				     PAN_MAP_RW));
	cs = pan_ctx_begin(ctx, 0);
	for (i = 0; i < pages; i++)
		pan_cs_store32(cs, PAN_DATA_VA + i * (PAN_MIB + PAN_PAGE) + 4 * i, 1000 + i);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	for (i = 0; i < pages; i++)
		EXPECT_EQ(1000 + i, bo.map[(i * 37 % pages) * 1024 + i]);
}

TEST_F(bind, range_ends_where_the_user_range_ends)
{
	struct drm_panthor_vm_create vm = { };
	struct drm_panthor_vm_bind_op op = { .flags = PAN_MAP_RW, .size = PAN_PAGE };

	ASSERT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_VM_CREATE, &vm));
	ASSERT_OK(pan_bo_create(&self->dev, 2 * PAN_PAGE, 0, 0, &op.bo_handle));
	op.va = vm.user_va_range - PAN_PAGE;
	EXPECT_OK(pan_vm_bind(&self->dev, vm.id, 0, &op, 1));
	op.va = vm.user_va_range;
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, vm.id, 0, &op, 1));
	op.va = vm.user_va_range - PAN_PAGE;
	op.size = 2 * PAN_PAGE;
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, vm.id, 0, &op, 1));
	op.va = ~0ull - PAN_PAGE + 1;
	EXPECT_EQ(-EINVAL, pan_vm_bind(&self->dev, vm.id, 0, &op, 1));
}

TEST_F(bind, read_only_and_uncached_mappings)
{
	const uint32_t uncached = DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED;
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo src, dst;

	ASSERT_OK(new_bo(ctx, SIZE, &src));
	ASSERT_OK(new_bo(ctx, SIZE, &dst));
	pan_pattern_fill(src.map, SIZE, 60);
	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, src.handle, 0, PAN_DATA_VA, SIZE,
			     PAN_MAP_RW | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY));
	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, dst.handle, 0, PAN_DATA_VA + PAN_MIB, SIZE,
			     PAN_MAP_RW | uncached));
	pan_cs_copy(pan_ctx_begin(ctx, 0), PAN_DATA_VA + PAN_MIB, PAN_DATA_VA, SIZE);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	EXPECT_EQ(0, pan_pattern_check(dst.map, SIZE, 60, 0));
	EXPECT_NE(0, gpu_faults(ctx, PAN_DATA_VA));
	EXPECT_EQ(0, pan_pattern_check(src.map, SIZE, 60, 0));
}

TEST_F(bind, sparse_range_takes_accesses)
{
	const uint32_t sparse = PAN_MAP_RW | DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE;
	struct pan_ctx *ctx = &self->ctx;
	const uint64_t size = 16 * PAN_MIB;
	struct pan_cs *cs;
	struct pan_bo bo;
	uint64_t i;

	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &bo));
	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, 0, 0, 0x200000000ull, size, sparse));
	cs = pan_ctx_begin(ctx, 0);
	for (i = 0; i < size; i += PAN_MIB)
		pan_cs_copy(cs, bo.va, 0x200000000ull + i, PAN_PAGE);
	pan_cs_copy(cs, bo.va, 0x200000000ull + size - PAN_PAGE, PAN_PAGE);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	pan_cs_store32(pan_ctx_begin(ctx, 0), 0x200000000ull + 5 * PAN_MIB, 1);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, 0x200000000ull, size));
	EXPECT_NE(0, gpu_faults(ctx, 0x200000000ull));
}

TEST_F(bind, sparse_range_gets_memory_piece_by_piece)
{
	const uint32_t sparse = PAN_MAP_RW | DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE;
	const uint64_t base = 0x200000000ull, size = 8 * PAN_MIB;
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;

	ASSERT_OK(new_bo(ctx, SIZE, &bo));
	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, 0, 0, base, size, sparse));
	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, bo.handle, 0, base + 3 * PAN_MIB, SIZE,
			     PAN_MAP_RW));
	ASSERT_OK(gpu_fill(ctx, base + 3 * PAN_MIB - SIZE, 3 * SIZE, 61));
	ASSERT_OK(gpu_fill(ctx, base + 3 * PAN_MIB, SIZE, 62));
	EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE, 62, 0));

	/* And gives it back. */
	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, 0, 0, base + 3 * PAN_MIB, SIZE, sparse));
	ASSERT_OK(gpu_fill(ctx, base + 3 * PAN_MIB, SIZE, 63));
	EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE, 62, 0));
}

TEST_F(bind, operations_of_one_call_are_done_in_order)
{
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_vm_bind_op ops[3] = { };
	struct pan_bo a, b;

	ASSERT_OK(new_bo(ctx, SIZE, &a));
	ASSERT_OK(new_bo(ctx, SIZE, &b));
	ops[0] = (struct drm_panthor_vm_bind_op) {
		.flags = PAN_MAP_RW, .bo_handle = a.handle, .va = PAN_DATA_VA, .size = SIZE,
	};
	ops[1] = (struct drm_panthor_vm_bind_op) {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP, .va = PAN_DATA_VA, .size = SIZE / 2,
	};
	ops[2] = (struct drm_panthor_vm_bind_op) {
		.flags = PAN_MAP_RW, .bo_handle = b.handle, .va = PAN_DATA_VA, .size = SIZE / 4,
	};
	ASSERT_OK(pan_vm_bind(ctx->dev, ctx->vm, 0, ops, 3));
	ASSERT_OK(gpu_fill(ctx, PAN_DATA_VA, SIZE / 4, 70));
	ASSERT_OK(gpu_fill(ctx, PAN_DATA_VA + SIZE / 2, SIZE / 2, 71));
	EXPECT_EQ(0, pan_pattern_check(b.map, SIZE / 4, 70, 0));
	EXPECT_EQ(0, pan_pattern_check(a.map + SIZE / 8, SIZE / 2, 71, 0));
	EXPECT_EQ(0, a.map[0]);
	EXPECT_NE(0, gpu_faults(ctx, PAN_DATA_VA + SIZE / 4));
}

TEST_F(bind, failure_tells_which_operation)
{
	struct pan_ctx *ctx = &self->ctx;
	struct drm_panthor_vm_bind_op ops[3] = { };
	struct drm_panthor_vm_bind args = {
		.vm_id = ctx->vm,
		.ops = DRM_PANTHOR_OBJ_ARRAY(3, ops),
	};
	struct pan_bo bo;
	int i;

	ASSERT_OK(new_bo(ctx, SIZE, &bo));
	for (i = 0; i < 3; i++)
		ops[i] = (struct drm_panthor_vm_bind_op) {
			.flags = PAN_MAP_RW, .bo_handle = bo.handle,
			.va = PAN_DATA_VA + i * PAN_MIB, .size = SIZE,
		};
	ops[1].va += 1;
	EXPECT_EQ(-EINVAL, pan_ioctl(ctx->dev->fd, DRM_IOCTL_PANTHOR_VM_BIND, &args));
	EXPECT_EQ(1, args.ops.count);
	EXPECT_OK(gpu_fill(ctx, PAN_DATA_VA, SIZE, 72));
	EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE, 72, 0));
	EXPECT_NE(0, gpu_faults(ctx, PAN_DATA_VA + 2 * PAN_MIB));
}

TEST_HARNESS_MAIN
