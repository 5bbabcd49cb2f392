// SPDX-License-Identifier: GPL-2.0
/*
 * 2 MiB blocks in the page table: physically contiguous memory becomes one
 * whatever folios it consists of, and still has to be unmapped in parts.
 *
 * Where the memory lies is not for user space to know. But memory that was
 * allocated in one go often is contiguous, and binding a BO at every offset
 * within 2 MiB is sure to hit the one at which it is also aligned.
 */
#include "engine_common.h"

#define BO_SIZE		(6 * PAN_MIB)
#define BLOCK		(2 * PAN_MIB)
#define VA		0x200000000ull
#define HOLE		(37 * PAN_PAGE)

FIXTURE(block)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	uint32_t bo;
	uint32_t *map;
	uint32_t seed;
};

FIXTURE_SETUP(block)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	self->seed = pan_seed(6, 0);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
	ASSERT_OK(pan_bo_create(&self->dev, BO_SIZE, 0, self->ctx.vm, &self->bo));
	self->map = pan_bo_mmap(&self->dev, self->bo, BO_SIZE);
	ASSERT_NE(NULL, self->map);
	pan_pattern_fill(self->map, BO_SIZE, self->seed);
}

FIXTURE_TEARDOWN(block)
{
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

/* The GPU steps what is mapped of the BO from @offset on, with a hole in it. */
static int step_around_hole(struct pan_ctx *ctx, uint64_t offset, uint64_t hole,
			    uint64_t size)
{
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);

	(void)offset;
	if (hole)
		pan_cs_step(cs, VA, hole);
	if (size > hole + PAN_PAGE)
		pan_cs_step(cs, VA + hole + PAN_PAGE, size - hole - PAN_PAGE);
	return pan_ctx_run(ctx, 0);
}

static int vm_usable(struct pan_dev *dev, uint32_t vm)
{
	uint32_t state;

	return pan_vm_state(dev, vm, &state) ?:
	       state == DRM_PANTHOR_VM_STATE_USABLE ? 0 : -EINVAL;
}

/* One page goes from the middle of what may be a block, at every alignment. */
static int punch_holes(struct pan_dev *dev, struct pan_ctx *ctx, uint32_t bo, bool evict)
{
	uint64_t offset;
	int ret;

	for (offset = 0; offset < BLOCK; offset += PAN_PAGE) {
		ret = pan_vm_map(dev, ctx->vm, bo, offset, VA, 2 * BLOCK, PAN_MAP_RW);
		if (!ret && evict)
			ret = engine_shrink(dev, ENGINE_ALL_PAGES) < 0;
		if (!ret)
			ret = pan_vm_unmap(dev, ctx->vm, VA + HOLE, PAN_PAGE);
		if (!ret)
			ret = vm_usable(dev, ctx->vm);
		if (!ret && (evict || offset % (32 * PAN_PAGE) == 0))
			ret = step_around_hole(ctx, offset, HOLE, BLOCK);
		if (!ret)
			ret = pan_vm_unmap(dev, ctx->vm, VA, 2 * BLOCK);
		if (ret)
			return pan_error(ret, "offset %llu pages",
					 (unsigned long long)(offset / PAN_PAGE));
		if (evict)
			offset += 63 * PAN_PAGE;
	}
	return 0;
}

TEST_F(block, page_goes_from_the_middle_at_every_alignment)
{
	EXPECT_OK(punch_holes(&self->dev, &self->ctx, self->bo, false));
}

TEST_F(block, page_goes_from_the_middle_of_an_evicted_block)
{
	ENGINE_NEEDS(&self->dev);
	EXPECT_OK(punch_holes(&self->dev, &self->ctx, self->bo, true));
}

/* What stays mapped is what was mapped: the GPU writes to the right pages. */
TEST_F(block, rest_of_the_block_is_mapped_as_before)
{
	uint64_t i, words = BLOCK / 4;

	ASSERT_OK(pan_vm_map(&self->dev, self->ctx.vm, self->bo, 0, VA, BLOCK, PAN_MAP_RW));
	ASSERT_OK(pan_vm_unmap(&self->dev, self->ctx.vm, VA + HOLE, PAN_PAGE));
	ASSERT_OK(step_around_hole(&self->ctx, 0, HOLE, BLOCK));
	EXPECT_EQ(0, pan_pattern_check(self->map, HOLE, self->seed, 1));
	for (i = HOLE / 4; i < (HOLE + PAN_PAGE) / 4; i++)
		ASSERT_EQ(pan_pattern(self->seed, i, 0), self->map[i]);
	for (; i < words; i++)
		ASSERT_EQ(pan_pattern(self->seed, i, 1), self->map[i]);
}

/* Another BO takes the place of a page in the middle. */
TEST_F(block, page_in_the_middle_is_replaced)
{
	struct pan_bo other;

	ENGINE_NEEDS(&self->dev);
	ASSERT_OK(pan_ctx_bo(&self->ctx, PAN_PAGE, true, &other));
	ASSERT_OK(pan_ctx_bo_map(&self->ctx, &other));
	ASSERT_OK(pan_vm_map(&self->dev, self->ctx.vm, self->bo, 0, VA, BLOCK, PAN_MAP_RW));
	ASSERT_OK(pan_vm_map(&self->dev, self->ctx.vm, other.handle, 0, VA + HOLE, PAN_PAGE,
			     PAN_MAP_RW));
	ASSERT_LE(0, engine_shrink(&self->dev, ENGINE_ALL_PAGES));
	pan_cs_store32(pan_ctx_begin(&self->ctx, 0), VA + HOLE + 8, 0x12345678);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	EXPECT_EQ(0x12345678, other.map[2]);
	EXPECT_EQ(0, pan_pattern_check(self->map, BO_SIZE, self->seed, 0));
	EXPECT_OK(engine_books(&self->dev));
}

TEST_HARNESS_MAIN
