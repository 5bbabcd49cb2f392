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

/**
 * struct big - A client whose memory is one BO
 * @mib: its size in MiB
 * @id: the word that a job stores at its start
 * @rounds: rounds to do
 * @done: rounds done: bind, job, CPU access
 * @go: set by the test when both are there
 * @async: bind it by VM_BIND_ASYNC, after a fence
 * @result: 0, or the error that ended it
 * @pid: the process
 */
struct big {
	uint32_t mib;
	uint32_t id;
	uint32_t rounds;
	volatile uint32_t done;
	volatile uint32_t ready;
	volatile uint32_t *go;
	bool async;
	volatile int32_t result;
	pid_t pid;
};

static int big_bind(struct big *big, struct pan_ctx *ctx, struct pan_bo *bo)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = PAN_MAP_RW, .bo_handle = bo->handle, .va = bo->va, .size = bo->size,
	};
	struct drm_panthor_sync_op syncs[2];
	struct pan_gate gate;
	uint32_t done;
	int ret;

	if (!big->async)
		return pan_vm_bind(ctx->dev, ctx->vm, 0, &op, 1);

	ret = pan_gate_init(&gate, ctx->dev);
	if (!ret)
		ret = pan_syncobj_create(ctx->dev, &done);
	if (ret)
		return ret;
	syncs[0] = pan_sync_wait(gate.syncobj);
	syncs[1] = pan_sync_signal(done);
	op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(2, syncs);
	ret = pan_vm_bind(ctx->dev, ctx->vm, DRM_PANTHOR_VM_BIND_ASYNC, &op, 1);
	if (!ret) {
		pan_sleep_ms(1000);
		ret = pan_gate_open(&gate);
	}
	if (!ret)
		ret = pan_syncobj_wait(ctx->dev, done, 0, PAN_JOB_TIMEOUT);
	pan_gate_fini(&gate);
	pan_syncobj_destroy(ctx->dev, done);
	return ret;
}

static int big_round(struct big *big, struct pan_ctx *ctx)
{
	struct pan_bo bo = { .size = (uint64_t)big->mib * PAN_MIB, .va = 0x400000000ull };
	int ret;

	ret = pan_bo_create(ctx->dev, bo.size, 0, ctx->vm, &bo.handle);
	if (ret)
		return ret;
	ret = big_bind(big, ctx, &bo);
	if (!ret) {
		pan_cs_store32(pan_ctx_begin(ctx, 0), bo.va, big->id);
		ret = pan_ctx_run(ctx, 0);
	}
	if (!ret)
		ret = pan_ctx_bo_map(ctx, &bo);
	if (!ret && bo.map[0] != big->id)
		ret = -EILSEQ;
	pan_ctx_bo_free(ctx, &bo);
	return ret;
}

static int big_main(void *arg)
{
	struct big *big = arg;
	struct pan_dev dev;
	struct pan_ctx ctx;
	int ret;

	ret = pan_open(&dev);
	if (!ret)
		ret = pan_ctx_init(&ctx, &dev, 1);
	big->ready = 1;
	while (!*big->go)
		pan_sleep_ms(1);
	while (!ret && big->done < big->rounds) {
		ret = big_round(big, &ctx);
		big->done += !ret;
	}
	big->result = ret;
	return ret ? 1 : 0;
}

static void two_big(struct __test_metadata *_metadata, FIXTURE_DATA(shape) *self, bool async)
{
	struct big *big = pan_shared_alloc(2 * sizeof(*big));
	volatile uint32_t *go = pan_shared_alloc(sizeof(*go));

	ASSERT_NE(NULL, big);
	ASSERT_NE(NULL, go);
	for (uint32_t i = 0; i < 2; i++) {
		big[i] = (struct big) {
			.mib = self->mib * 6 / 10, .id = i + 1, .go = go, .async = async,
			.rounds = pan_rounds(3, 1),
		};
		big[i].pid = pan_spawn(big_main, &big[i]);
		ASSERT_LT(0, big[i].pid);
		ASSERT_OK(pan_wait_word(&big[i].ready, 1, ROOM_BOUND_MS));
	}
	*go = 1;
	for (uint32_t i = 0; i < 2; i++) {
		EXPECT_OK(pan_join(big[i].pid, pan_now_ms() + ROOM_BOUND_MS));
		EXPECT_OK(big[i].result);
		EXPECT_EQ(big[i].rounds, big[i].done);
	}
	pan_shared_free((void *)go, sizeof(*go));
	pan_shared_free(big, 2 * sizeof(*big));
}

TEST_F_TIMEOUT(shape, two_bos_of_more_than_half, 300)
{
	two_big(_metadata, self, false);
}

TEST_F_TIMEOUT(shape, two_bos_whose_binds_wait_for_a_fence, 300)
{
	struct pan_gate gate;

	ROOM_NEEDS_GATE(&gate, &self->dev);
	pan_gate_fini(&gate);
	two_big(_metadata, self, true);
}

TEST_HARNESS_MAIN
