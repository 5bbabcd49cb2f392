// SPDX-License-Identifier: GPL-2.0
/* Reclaim of one cgroup takes BOs that are charged to it, and no others. */
#include <sys/ioctl.h>

#include <drm/drm.h>

#include "lib/pan_ctx.h"
#include "memcg_common.h"

#define MIB		24u
#define SHARED		(4 * PAN_MIB)
#define TIMEOUT_S	240

static const struct pan_cgroup everybody = { .path = "/sys/fs/cgroup" };

FIXTURE(memcg_whose)
{
	struct pan_dev dev;
	struct pan_cgroup cg[2];
	struct memcg_client *client[2];
};

FIXTURE_SETUP(memcg_whose)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	MEMCG_NEEDS(&self->dev);
	MEMCG_CREATE_OR_SKIP(&self->cg[0], "whose-a");
	MEMCG_CREATE_OR_SKIP(&self->cg[1], "whose-b");
}

FIXTURE_TEARDOWN(memcg_whose)
{
	int i;

	for (i = 0; i < 2; i++) {
		memcg_client_free(self->client[i]);
		pan_cgroup_remove(&self->cg[i]);
	}
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

static void start_both(struct __test_metadata *_metadata, FIXTURE_DATA(memcg_whose) *self)
{
	int i;

	for (i = 0; i < 2; i++) {
		self->client[i] = memcg_client_alloc(&self->cg[i], i + 1, 2, MIB / 2);
		ASSERT_NE(NULL, self->client[i]);
		ASSERT_OK(memcg_client_work(self->client[i]));
	}
}

TEST_F_TIMEOUT(memcg_whose, reclaim_leaves_the_other_cgroup_alone, TIMEOUT_S)
{
	uint64_t other;
	int64_t got;
	int i;

	start_both(_metadata, self);
	other = memcg_bytes(&self->dev, &self->cg[1]);
	EXPECT_LE(MIB * PAN_MIB, other);
	EXPECT_LE(MIB * PAN_MIB, memcg_bytes(&self->dev, &self->cg[0]));

	/* More than there is, so that it takes all it can find. */
	memcg_reclaim(&self->cg[0], "64M", &got);
	EXPECT_LE((int64_t)(MIB * PAN_MIB), got);
	EXPECT_EQ(0, memcg_bytes(&self->dev, &self->cg[0]));
	EXPECT_EQ(other, memcg_bytes(&self->dev, &self->cg[1]));

	for (i = 0; i < 2; i++) {
		EXPECT_OK(memcg_order(self->client[i], MEMCG_WORK));
		EXPECT_OK(memcg_order(self->client[i], MEMCG_CHECK));
		EXPECT_EQ(0, memcg_client_stop(self->client[i]));
	}
}

TEST_F_TIMEOUT(memcg_whose, limit_leaves_the_other_cgroup_alone, TIMEOUT_S)
{
	uint64_t other;

	start_both(_metadata, self);
	other = memcg_bytes(&self->dev, &self->cg[1]);
	ASSERT_OK(pan_cgroup_write(&self->cg[0], "memory.max", "16M"));
	EXPECT_GE(16 * PAN_MIB, memcg_current(&self->cg[0]));
	EXPECT_OK(memcg_order(self->client[0], MEMCG_WORK));
	EXPECT_EQ(other, memcg_bytes(&self->dev, &self->cg[1]));
	EXPECT_OK(memcg_order(self->client[0], MEMCG_CHECK));
	EXPECT_OK(memcg_order(self->client[1], MEMCG_CHECK));
}

static int share(struct pan_dev *from, uint32_t handle, struct pan_dev *to, uint32_t *imported)
{
	int fd = pan_bo_export(from, handle, DRM_CLOEXEC | DRM_RDWR), ret;

	if (fd < 0)
		return fd;
	ret = pan_bo_import(to, fd, imported);
	close(fd);
	return ret;
}

/* One step of every word's pattern, in the VM of one of the two. */
static int step(struct pan_ctx *ctx, uint64_t va)
{
	pan_cs_step(pan_ctx_begin(ctx, 0), va, SHARED);
	return pan_ctx_run(ctx, 0);
}

TEST_F_TIMEOUT(memcg_whose, shared_bo_is_filed_once, TIMEOUT_S)
{
	uint32_t seed = pan_seed(7, 0), imported, steps = 0, i;
	struct pan_bo bo;
	struct pan_ctx ctx[2];
	struct pan_dev dev[2];
	uint64_t va = 0x300000000ull;
	uint64_t bytes[2];
	int64_t got;

	/* The first one populates it and pays. */
	for (i = 0; i < 2; i++) {
		ASSERT_OK(pan_cgroup_enter(&self->cg[i], 0));
		ASSERT_OK(pan_open(&dev[i]));
		ASSERT_OK(pan_ctx_init(&ctx[i], &dev[i], 1));
		bytes[i] = memcg_bytes(&self->dev, &self->cg[i]);
		if (!i) {
			ASSERT_OK(pan_ctx_bo(&ctx[0], SHARED, false, &bo));
			ASSERT_OK(pan_ctx_bo_map(&ctx[0], &bo));
			pan_pattern_fill(bo.map, SHARED, seed);
			continue;
		}
		ASSERT_OK(share(&dev[0], bo.handle, &dev[1], &imported));
		ASSERT_OK(pan_vm_map(&dev[1], ctx[1].vm, imported, 0, va, SHARED, PAN_MAP_RW));
	}
	EXPECT_LE(SHARED / PAN_PAGE, engine_stat(&self->dev, "class_shared_pages"));
	EXPECT_EQ(bytes[0] + SHARED, memcg_bytes(&self->dev, &self->cg[0]));
	EXPECT_EQ(bytes[1], memcg_bytes(&self->dev, &self->cg[1]));

	for (i = 0; i < 3; i++) {
		ASSERT_OK(step(&ctx[0], bo.va));
		ASSERT_OK(step(&ctx[1], va));
		steps += 2;

		/* Nothing that is charged to the other one ... */
		memcg_reclaim(&self->cg[1], "32M", &got);
		EXPECT_EQ(0, memcg_bytes(&self->dev, &self->cg[1]));
		EXPECT_LE(SHARED, memcg_bytes(&self->dev, &self->cg[0]));

		/* ... and that all at once. */
		memcg_reclaim(&self->cg[0], "32M", &got);
		EXPECT_EQ(0, memcg_bytes(&self->dev, &self->cg[0]));
		EXPECT_LE((int64_t)SHARED, got);

		/* The second one brings it back; it stays the first one's. */
		ASSERT_OK(step(&ctx[1], va));
		steps++;
		EXPECT_LE(SHARED, memcg_bytes(&self->dev, &self->cg[0]));
		EXPECT_EQ(0, pan_pattern_check(bo.map, SHARED, seed, steps));
	}

	pan_ctx_bo_free(&ctx[0], &bo);
	for (i = 0; i < 2; i++) {
		pan_ctx_fini(&ctx[i]);
		pan_close(&dev[i]);
	}
	ASSERT_OK(pan_cgroup_enter(&everybody, 0));
}

TEST_HARNESS_MAIN
