// SPDX-License-Identifier: GPL-2.0
/* Tiler heaps: TILER_HEAP_CREATE, TILER_HEAP_DESTROY, and growth on demand */
#include "lib/pan_ctx.h"
#include "lib/pan_file.h"
#include "lib/pan_harness.h"
#include "lib/pan_model.h"

#define CHUNK		(128u << 10)
#define MAX_HEAPS	128

FIXTURE(heap)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct drm_panthor_tiler_heap_create args;
};

FIXTURE_SETUP(heap)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
	self->args = (struct drm_panthor_tiler_heap_create) {
		.vm_id = self->ctx.vm,
		.initial_chunk_count = 1,
		.chunk_size = CHUNK,
		.max_chunks = 8,
		.target_in_flight = 4,
	};
}

FIXTURE_TEARDOWN(heap)
{
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

static int create(struct pan_dev *dev, struct drm_panthor_tiler_heap_create *args)
{
	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, args);
}

static int destroy(struct pan_dev *dev, uint32_t handle, uint32_t pad)
{
	struct drm_panthor_tiler_heap_destroy args = { .handle = handle, .pad = pad };

	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &args);
}

#define CREATE_WITH(field, value) ({ \
	struct drm_panthor_tiler_heap_create __args = self->args; \
	__args.field = (value); \
	create(&self->dev, &__args); \
})

TEST_F(heap, gives_addresses_of_context_and_first_chunk)
{
	ASSERT_OK(create(&self->dev, &self->args));
	EXPECT_NE(0, self->args.tiler_heap_ctx_gpu_va);
	EXPECT_NE(0, self->args.first_heap_chunk_gpu_va);
	EXPECT_EQ(0, self->args.first_heap_chunk_gpu_va % PAN_PAGE);
	EXPECT_OK(destroy(&self->dev, self->args.handle, 0));
}

TEST_F(heap, chunk_size_lies_between_128_kib_and_8_mib)
{
	EXPECT_OK(CREATE_WITH(chunk_size, 8u << 20));
	EXPECT_OK(CREATE_WITH(chunk_size, CHUNK + 4096));
	EXPECT_EQ(-EINVAL, CREATE_WITH(chunk_size, 0));
	EXPECT_EQ(-EINVAL, CREATE_WITH(chunk_size, CHUNK - 4096));
	EXPECT_EQ(-EINVAL, CREATE_WITH(chunk_size, (8u << 20) + 4096));
	EXPECT_EQ(-EINVAL, CREATE_WITH(chunk_size, CHUNK + 64));
	EXPECT_EQ(-EINVAL, CREATE_WITH(chunk_size, ~0u));
}

TEST_F(heap, chunk_counts_must_make_sense)
{
	EXPECT_EQ(-EINVAL, CREATE_WITH(initial_chunk_count, 0));
	EXPECT_EQ(-EINVAL, CREATE_WITH(initial_chunk_count, 9));
	EXPECT_EQ(-EINVAL, CREATE_WITH(max_chunks, 0));
	EXPECT_OK(CREATE_WITH(initial_chunk_count, 8));
}

TEST_F(heap, vm_must_exist)
{
	EXPECT_EQ(-EINVAL, CREATE_WITH(vm_id, 0));
	EXPECT_EQ(-EINVAL, CREATE_WITH(vm_id, self->ctx.vm + 1));
}

TEST_F(heap, destroy_rejects_bad_arguments)
{
	/* The first heap of a VM makes its pool. */
	EXPECT_EQ(-ENOENT, destroy(&self->dev, self->ctx.vm << 16, 0));
	ASSERT_OK(create(&self->dev, &self->args));
	EXPECT_EQ(-EINVAL, destroy(&self->dev, self->args.handle, 1));
	EXPECT_EQ(-EINVAL, destroy(&self->dev, self->args.handle + 1, 0));
	EXPECT_EQ(-EINVAL, destroy(&self->dev, (self->ctx.vm + 1) << 16, 0));
	EXPECT_EQ(-EINVAL, destroy(&self->dev, ~0u, 0));
	EXPECT_OK(destroy(&self->dev, self->args.handle, 0));
	EXPECT_EQ(-EINVAL, destroy(&self->dev, self->args.handle, 0));
}

TEST_F(heap, a_vm_has_128)
{
	uint32_t handle[MAX_HEAPS];
	int i;

	for (i = 0; i < MAX_HEAPS; i++) {
		ASSERT_OK(create(&self->dev, &self->args));
		handle[i] = self->args.handle;
	}
	EXPECT_EQ(-EBUSY, create(&self->dev, &self->args));
	ASSERT_OK(destroy(&self->dev, handle[40], 0));
	EXPECT_OK(create(&self->dev, &self->args));
}

TEST_F(heap, goes_with_its_vm)
{
	uint32_t vm;

	ASSERT_OK(pan_vm_create(&self->dev, &vm));
	self->args.vm_id = vm;
	self->args.initial_chunk_count = 4;
	ASSERT_OK(create(&self->dev, &self->args));
	ASSERT_OK(pan_vm_destroy(&self->dev, vm));
	EXPECT_EQ(-EINVAL, destroy(&self->dev, self->args.handle, 0));
}

TEST_F(heap, first_chunk_is_mapped_for_jobs)
{
	struct pan_ctx *ctx = &self->ctx;

	ASSERT_OK(create(&self->dev, &self->args));
	pan_cs_store32(pan_ctx_begin(ctx, 0), self->args.first_heap_chunk_gpu_va + 64, 1);
	pan_cs_store32(&ctx->cs[0], self->args.first_heap_chunk_gpu_va + CHUNK - 4, 1);
	EXPECT_OK(pan_ctx_run(ctx, 0));
	ASSERT_OK(destroy(&self->dev, self->args.handle, 0));
	pan_cs_store32(pan_ctx_begin(ctx, 0), self->args.first_heap_chunk_gpu_va + 64, 1);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_NE(0, pan_ctx_wait(ctx, 0));
}

/* A tiler context of 128 bytes, 64 byte aligned, in the page of flags. */
#define TILER		512
#define TILER_VA	pan_flag_va(TILER)

/* A draw that takes @chunks chunks, or a little less. */
static void draw(struct pan_ctx *ctx, const struct drm_panthor_tiler_heap_create *heap,
		 uint32_t chunks)
{
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);

	pan_tiler_init((void *)pan_flag(ctx, TILER), TILER_VA, heap->first_heap_chunk_gpu_va,
		       heap->chunk_size);
	pan_cs_heap_set(cs, heap->tiler_heap_ctx_gpu_va);
	pan_cs_heap_operation(cs, PAN_HEAP_TILING_STARTED);
	pan_cs_draw(cs, TILER_VA, (chunks * heap->chunk_size - 4096) / PAN_VERTEX_BYTES);
	pan_cs_finish_tiling(cs);
	pan_cs_heap_operation(cs, PAN_HEAP_TILING_FINISHED);
	pan_cs_store32(cs, pan_flag_va(0), 1);
}

TEST_F(heap, job_that_fits_does_not_make_it_grow)
{
	uint64_t ooms = pan_model_count("tiler_ooms");

	PAN_NEEDS_MODEL();
	ASSERT_OK(create(&self->dev, &self->args));
	draw(&self->ctx, &self->args, 1);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	EXPECT_EQ(1, *pan_flag(&self->ctx, 0));
	EXPECT_EQ(ooms, pan_model_count("tiler_ooms"));
}

TEST_F(heap, grows_on_demand)
{
	uint64_t ooms = pan_model_count("tiler_ooms");

	PAN_NEEDS_MODEL();
	ASSERT_OK(create(&self->dev, &self->args));
	draw(&self->ctx, &self->args, 5);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	EXPECT_EQ(1, *pan_flag(&self->ctx, 0));
	EXPECT_EQ(ooms + 4, pan_model_count("tiler_ooms"));
}

TEST_F(heap, grows_to_its_limit_and_no_further)
{
	struct drm_panthor_group_get_state state;
	struct pan_ctx *ctx = &self->ctx;

	PAN_NEEDS_MODEL();
	ASSERT_OK(create(&self->dev, &self->args));
	draw(ctx, &self->args, 8);
	ASSERT_OK(pan_ctx_run(ctx, 0));

	ASSERT_OK(destroy(&self->dev, self->args.handle, 0));
	ASSERT_OK(create(&self->dev, &self->args));
	*pan_flag(ctx, 0) = 0;
	draw(ctx, &self->args, 10);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_NE(0, pan_ctx_wait(ctx, 0));
	EXPECT_EQ(0, *pan_flag(ctx, 0));

	/* Out of memory is no reason to lose the group. */
	ASSERT_OK(pan_group_state(ctx->dev, ctx->group, &state));
	EXPECT_EQ(0, state.state);
	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(1), 1);
	EXPECT_OK(pan_ctx_run(ctx, 0));
}

TEST_F(heap, chunks_of_finished_passes_are_used_again)
{
	uint64_t ooms = pan_model_count("tiler_ooms");
	struct pan_ctx *ctx = &self->ctx;
	int i;

	PAN_NEEDS_MODEL();
	self->args.max_chunks = 4;
	ASSERT_OK(create(&self->dev, &self->args));
	draw(ctx, &self->args, 4);
	pan_cs_finish_fragment(&ctx->cs[0], TILER_VA);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	EXPECT_EQ(ooms + 3, pan_model_count("tiler_ooms"));

	/* The next passes begin with an empty descriptor: all from the free list. */
	for (i = 0; i < 3; i++) {
		struct pan_cs *cs = pan_ctx_begin(ctx, 0);

		pan_tiler_init((void *)pan_flag(ctx, TILER), TILER_VA, 0, 0);
		((volatile uint64_t *)pan_flag(ctx, TILER))[10] = 0;
		pan_cs_heap_set(cs, self->args.tiler_heap_ctx_gpu_va);
		pan_cs_heap_operation(cs, PAN_HEAP_TILING_STARTED);
		pan_cs_draw(cs, TILER_VA, (4 * CHUNK - 4096) / PAN_VERTEX_BYTES);
		pan_cs_finish_tiling(cs);
		pan_cs_heap_operation(cs, PAN_HEAP_TILING_FINISHED);
		pan_cs_finish_fragment(cs, TILER_VA);
		ASSERT_OK(pan_ctx_run(ctx, 0));
	}
	EXPECT_EQ(ooms + 3, pan_model_count("tiler_ooms"));
}

TEST_F(heap, growth_is_charged_in_fdinfo)
{
	uint64_t before = 0, after = 0;
	char path[64];

	PAN_NEEDS_MODEL();
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->dev.fd);
	ASSERT_OK(create(&self->dev, &self->args));
	ASSERT_OK(pan_read_key(path, "panthor-resident-memory:", &before));
	draw(&self->ctx, &self->args, 8);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	ASSERT_OK(pan_read_key(path, "panthor-resident-memory:", &after));

	/* In KiB: not a multiple of a MiB because of the heap contexts and queues. */
	EXPECT_EQ(before + 7 * CHUNK / 1024, after);
}

/* The counts of render passes say that none has begun: the driver cannot help. */
TEST_F(heap, growth_without_a_pass_is_fatal)
{
	struct drm_panthor_group_get_state state;
	struct pan_ctx *ctx = &self->ctx;
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);

	PAN_NEEDS_MODEL();
	ASSERT_OK(create(&self->dev, &self->args));
	pan_tiler_init((void *)pan_flag(ctx, TILER), TILER_VA,
		       self->args.first_heap_chunk_gpu_va, CHUNK);
	pan_cs_heap_set(cs, self->args.tiler_heap_ctx_gpu_va);
	pan_cs_draw(cs, TILER_VA, 2 * CHUNK / PAN_VERTEX_BYTES);
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	EXPECT_NE(0, pan_ctx_wait(ctx, 0));
	ASSERT_OK(pan_group_state(ctx->dev, ctx->group, &state));
	EXPECT_TRUE(state.state & DRM_PANTHOR_GROUP_STATE_FATAL_FAULT);
}

TEST_HARNESS_MAIN
