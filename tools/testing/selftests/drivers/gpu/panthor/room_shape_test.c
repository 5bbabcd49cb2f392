// SPDX-License-Identifier: GPL-2.0
/*
 * What memory is needed for: one BO at many places, one BO that is most of memory,
 * BOs of binds that wait for a fence.
 */
#include "room_common.h"

#define FILLER	(64ull << 10)

FIXTURE(shape)
{
	struct pan_dev dev;
	uint32_t mib;
	int64_t failures;
	uint64_t oom_kills;
};

FIXTURE_SETUP(shape)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ROOM_NEEDS(&self->dev);
	pan_be_expendable();
	pan_drop_caches();
	self->mib = room_available_mib();
	self->failures = engine_stat(&self->dev, "room_failures");
	self->oom_kills = pan_vmstat("oom_kill");
}

FIXTURE_TEARDOWN(shape)
{
	EXPECT_EQ(self->failures, engine_stat(&self->dev, "room_failures"));
	EXPECT_EQ(self->oom_kills, pan_vmstat("oom_kill"));
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/* One big BO bound at @places, with a small one of the VM between each two. */
static int bind_alternating(struct pan_ctx *ctx, struct pan_bo *big, struct pan_bo *small,
			    uint32_t places)
{
	uint64_t va = 0x400000000ull;
	int ret = 0;

	for (uint32_t i = 0; !ret && i < places; i++) {
		ret = pan_vm_map(ctx->dev, ctx->vm, big->handle, 0, va, big->size, PAN_MAP_RW);
		va += big->size;
		if (!ret)
			ret = pan_vm_map(ctx->dev, ctx->vm, small->handle, 0, va, small->size,
					 PAN_MAP_RW);
		va += small->size;
	}
	return ret;
}

TEST_F_TIMEOUT(shape, one_bo_at_many_places, 300)
{
	static const struct {
		uint32_t per_cent;
		uint32_t places;
	} tries[] = { { 10, 12 }, { 24, 8 }, { 45, 3 } };

	for (uint32_t t = 0; t < sizeof(tries) / sizeof(tries[0]); t++) {
		uint64_t size = (uint64_t)(self->mib * tries[t].per_cent / 100) * PAN_MIB;
		struct pan_bo big = {}, small = {};
		struct pan_ctx ctx;

		ASSERT_OK(pan_ctx_init(&ctx, &self->dev, 1));
		ASSERT_OK(pan_ctx_bo(&ctx, size, true, &big));
		ASSERT_OK(pan_ctx_bo(&ctx, FILLER, true, &small));
		ASSERT_OK(bind_alternating(&ctx, &big, &small, tries[t].places));
		pan_cs_store32(pan_ctx_begin(&ctx, 0), big.va, 0xa11a5);
		ASSERT_OK(pan_ctx_run(&ctx, 0));
		ASSERT_LE((int64_t)(size / PAN_PAGE), engine_shrink(&self->dev, ENGINE_ALL_PAGES));

		/* All places show the same word. */
		for (uint32_t i = 0; i < tries[t].places; i++) {
			pan_cs_store32(pan_ctx_begin(&ctx, 0),
				       0x400000000ull + i * (size + FILLER) + 4096 * i, i + 1);
			EXPECT_OK(pan_ctx_run(&ctx, 0));
		}
		ASSERT_OK(pan_ctx_bo_map(&ctx, &big));
		EXPECT_EQ(1, big.map[0]);
		for (uint32_t i = 1; i < tries[t].places; i++)
			EXPECT_EQ(i + 1, big.map[1024 * i]);
		pan_ctx_bo_free(&ctx, &big);
		pan_ctx_bo_free(&ctx, &small);
		pan_ctx_fini(&ctx);
	}
}

TEST_HARNESS_MAIN
