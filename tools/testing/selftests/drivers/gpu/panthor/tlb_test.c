// SPDX-License-Identifier: GPL-2.0
/*
 * The model as a detector: a TLB entry that the driver failed to invalidate,
 * and memory that the driver has given back, are caught when a job touches
 * them. The failure is provoked in the model, which loses an invalidation.
 */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_model.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"

#define SIZE		(64ull << 10)
#define DEADLINE_MS	20000

/*
 * A TLB entry must survive until it is used again: nothing else that the jobs
 * need lies on a page with a number like this one's, modulo any power of two
 * that a TLB might be indexed with.
 */
#define SPOT		(5 * PAN_PAGE + 8)

/*
 * More invalidations than there are while one is dropped: the client of a test
 * before may still be going, and has some, too.
 */
#define MANY		100000

FIXTURE(tlb)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct pan_bo bo;
	uint64_t stale;
	uint64_t freed;
};

/*
 * A job on queue 0 keeps the address space in use: it is then not configured
 * anew, which would invalidate everything. Queue 1 touches the memory.
 */
FIXTURE_SETUP(tlb)
{
	struct pan_ctx *ctx = &self->ctx;

	PAN_OPEN_OR_SKIP(&self->dev);
	PAN_NEEDS_MODEL();
	PAN_NEEDS_INJECTION("drop_invalidate");
	pan_model_calm();
	ASSERT_OK(pan_ctx_init(ctx, &self->dev, 2));
	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &self->bo));
	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(1), 1);
	pan_cs_spin_until(&ctx->cs[0], pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	ASSERT_OK(pan_wait_word(pan_flag(ctx, 1), 1, DEADLINE_MS));
	pan_cs_fill(pan_ctx_begin(ctx, 1), self->bo.va, SIZE, 1);
	ASSERT_OK(pan_ctx_run(ctx, 1));
	self->stale = pan_model_count("tlb_stale");
	self->freed = pan_model_count("free_page_touches");
}

FIXTURE_TEARDOWN(tlb)
{
	pan_model_calm();
	*pan_flag(&self->ctx, 0) = 1;
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
}

static int touch(struct pan_ctx *ctx, uint64_t va)
{
	int ret;

	pan_cs_store32(pan_ctx_begin(ctx, 1), va, 0xbad);
	ret = pan_ctx_submit(ctx, 1);
	return ret ? ret : pan_ctx_wait(ctx, 1);
}

static int drop_invalidations(void)
{
	return pan_model_inject("drop_invalidate", MANY);
}

/* Returns how many were dropped. */
static int64_t dropped_invalidations(void)
{
	uint64_t left;
	int ret = pan_model_injected("drop_invalidate", &left);

	return ret ?: pan_model_inject("drop_invalidate", 0) ?: (int64_t)(MANY - left);
}

TEST_F(tlb, unmapped_memory_is_not_reached)
{
	struct pan_ctx *ctx = &self->ctx;

	ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, self->bo.va, SIZE));
	EXPECT_NE(0, touch(ctx, self->bo.va + SPOT));
	EXPECT_EQ(self->stale, pan_model_count("tlb_stale"));
	EXPECT_EQ(self->freed, pan_model_count("free_page_touches"));
	ASSERT_OK(pan_ctx_bo_map(ctx, &self->bo));
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 1, 0));
}

TEST_F(tlb, missing_invalidation_of_an_unmap_is_detected)
{
	struct pan_ctx *ctx = &self->ctx;

	ASSERT_OK(drop_invalidations());
	ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, self->bo.va, SIZE));
	ASSERT_LT(0, dropped_invalidations());
	EXPECT_NE(0, touch(ctx, self->bo.va + SPOT));
	EXPECT_LT(self->stale, pan_model_count("tlb_stale"));

	/* Detected means refused: the memory has not changed. */
	ASSERT_OK(pan_ctx_bo_map(ctx, &self->bo));
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 1, 0));
}

TEST_F(tlb, missing_invalidation_of_a_remap_is_detected)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo next = { .size = SIZE };
	uint64_t i;

	ASSERT_OK(pan_bo_create(ctx->dev, SIZE, 0, 0, &next.handle));
	ASSERT_OK(pan_ctx_bo_map(ctx, &next));
	ASSERT_OK(drop_invalidations());
	ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, next.handle, 0, self->bo.va, SIZE, PAN_MAP_RW));
	ASSERT_LT(0, dropped_invalidations());
	EXPECT_NE(0, touch(ctx, self->bo.va + SPOT));
	EXPECT_LT(self->stale, pan_model_count("tlb_stale"));
	ASSERT_OK(pan_ctx_bo_map(ctx, &self->bo));
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 1, 0));
	for (i = 0; i < SIZE / 4; i++)
		ASSERT_EQ(0, next.map[i]);
}

TEST_F(tlb, touch_of_a_freed_page_is_detected)
{
	struct pan_ctx *ctx = &self->ctx;
	uint64_t va = self->bo.va + SPOT;

	ASSERT_OK(drop_invalidations());
	pan_ctx_bo_free(ctx, &self->bo);
	ASSERT_LT(0, dropped_invalidations());
	EXPECT_NE(0, touch(ctx, va));
	EXPECT_LT(self->stale, pan_model_count("tlb_stale"));
	EXPECT_LT(self->freed, pan_model_count("free_page_touches"));
}

TEST_F(tlb, driver_does_not_miss_an_invalidation)
{
	uint64_t hits = pan_model_count("tlb_hits");
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;
	int i;

	/* This takes its time: without the job that must end within five seconds. */
	*pan_flag(ctx, 0) = 1;
	ASSERT_OK(pan_ctx_wait(ctx, 0));
	for (i = 0; i < 30; i++) {
		ASSERT_OK(pan_ctx_bo(ctx, SIZE, i & 1, &bo));
		pan_cs_fill(pan_ctx_begin(ctx, 1), bo.va, SIZE, i);
		ASSERT_OK(pan_ctx_run(ctx, 1));
		ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, bo.va, SIZE / 2));
		ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, bo.handle, SIZE / 2, bo.va, SIZE / 2,
				     PAN_MAP_RW));
		pan_cs_fill(pan_ctx_begin(ctx, 1), bo.va, SIZE / 2, i + 100);
		ASSERT_OK(pan_ctx_run(ctx, 1));
		ASSERT_OK(pan_ctx_bo_map(ctx, &bo));
		EXPECT_EQ(0, pan_pattern_check(bo.map + SIZE / 8, SIZE / 2, i + 100, 0));
		pan_ctx_bo_free(ctx, &bo);
	}
	EXPECT_LT(hits, pan_model_count("tlb_hits"));
	EXPECT_EQ(self->stale, pan_model_count("tlb_stale"));
	EXPECT_EQ(self->freed, pan_model_count("free_page_touches"));
}

/* The switch that breaks the model on purpose is noticed by every check. */
TEST_F(tlb, broken_stores_are_detected)
{
	struct pan_ctx *ctx = &self->ctx;
	uint64_t set = 0;
	int64_t bad;

	PAN_NEEDS_INJECTION("break_store");
	pan_model_injected("break_store", &set);
	if (set)
		SKIP(return, "stores are broken already");
	ASSERT_OK(pan_ctx_bo_map(ctx, &self->bo));
	ASSERT_OK(pan_model_inject("break_store", 1));
	pan_cs_step(pan_ctx_begin(ctx, 1), self->bo.va, SIZE);
	EXPECT_OK(pan_ctx_run(ctx, 1));
	bad = pan_pattern_check(self->bo.map, SIZE, 1, 1);
	ASSERT_OK(pan_model_inject("break_store", 0));
	EXPECT_LT(0, bad);
}

TEST_HARNESS_MAIN
