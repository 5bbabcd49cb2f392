// SPDX-License-Identifier: GPL-2.0
/* memory.high throttles and reclaims; memory.min and memory.low protect. */
#include "memcg_common.h"

#define MIB		32u
#define TIMEOUT_S	240

FIXTURE(memcg_high)
{
	struct pan_dev dev;
	struct pan_cgroup cg;
	struct memcg_client *client;
};

FIXTURE_SETUP(memcg_high)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	MEMCG_NEEDS(&self->dev);
	MEMCG_CREATE_OR_SKIP(&self->cg, "high");
}

FIXTURE_TEARDOWN(memcg_high)
{
	memcg_client_free(self->client);
	pan_cgroup_remove(&self->cg);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

TEST_F_TIMEOUT(memcg_high, keeps_a_growing_client_down, TIMEOUT_S)
{
	self->client = memcg_client_alloc(&self->cg, 1, 4, MIB / 4);
	ASSERT_NE(NULL, self->client);
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.high", "20M"));
	ASSERT_OK(memcg_client_work(self->client));
	TH_LOG("memory.current %" PRIu64 " KiB of %u MiB bound, %" PRIu64 " times high",
	       memcg_current(&self->cg) >> 10, MIB,
	       pan_cgroup_key(&self->cg, "memory.events", "high"));
	EXPECT_LT(0, pan_cgroup_key(&self->cg, "memory.events", "high"));

	/* The limit can be exceeded by what one job needs. */
	EXPECT_GE(24 * PAN_MIB, memcg_current(&self->cg));
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
	EXPECT_EQ(0, self->client->enomem_bind + self->client->enomem_submit);
	EXPECT_EQ(0, memcg_client_stop(self->client));
}

TEST_F_TIMEOUT(memcg_high, takes_idle_bos_when_it_is_lowered, TIMEOUT_S)
{
	self->client = memcg_client_alloc(&self->cg, 1, 1, MIB);
	ASSERT_NE(NULL, self->client);
	ASSERT_OK(memcg_client_work(self->client));
	EXPECT_LE(MIB * PAN_MIB, memcg_current(&self->cg));
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.high", "16M"));
	EXPECT_GE(20 * PAN_MIB, memcg_current(&self->cg));
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.high", "max"));
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
	EXPECT_EQ(0, memcg_client_stop(self->client));
}

FIXTURE(memcg_protect)
{
	struct pan_dev dev;
	struct pan_cgroup parent;
	struct pan_cgroup cg[2];
	struct memcg_client *client[2];
};

FIXTURE_VARIANT(memcg_protect)
{
	const char *file;
};

FIXTURE_VARIANT_ADD(memcg_protect, min) { .file = "memory.min" };
FIXTURE_VARIANT_ADD(memcg_protect, low) { .file = "memory.low" };

FIXTURE_SETUP(memcg_protect)
{
	int i;

	PAN_OPEN_OR_SKIP(&self->dev);
	MEMCG_NEEDS(&self->dev);
	MEMCG_CREATE_OR_SKIP(&self->parent, "protect");
	ASSERT_OK(pan_cgroup_create_in(&self->cg[0], &self->parent, "protected"));
	ASSERT_OK(pan_cgroup_create_in(&self->cg[1], &self->parent, "other"));
	ASSERT_OK(pan_cgroup_write(&self->cg[0], variant->file, "max"));
	for (i = 0; i < 2; i++) {
		self->client[i] = memcg_client_alloc(&self->cg[i], i + 1, 4, MIB / 4);
		ASSERT_NE(NULL, self->client[i]);
		ASSERT_OK(memcg_client_work(self->client[i]));
	}
}

FIXTURE_TEARDOWN(memcg_protect)
{
	int i;

	for (i = 0; i < 2; i++) {
		memcg_client_free(self->client[i]);
		pan_cgroup_remove(&self->cg[i]);
	}
	pan_cgroup_remove(&self->parent);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

TEST_F_TIMEOUT(memcg_protect, reclaim_of_the_parent_spares_it, TIMEOUT_S)
{
	uint64_t before = memcg_bytes(&self->dev, &self->cg[0]);
	int64_t got;
	int i;

	EXPECT_OK(memcg_reclaim(&self->parent, "20M", &got));
	EXPECT_LE((int64_t)(19 * PAN_MIB), got);
	EXPECT_EQ(before, memcg_bytes(&self->dev, &self->cg[0]));
	EXPECT_GE((MIB - 18) * PAN_MIB + MEMCG_SLACK, memcg_bytes(&self->dev, &self->cg[1]));
	for (i = 0; i < 2; i++) {
		EXPECT_OK(memcg_order(self->client[i], MEMCG_CHECK));
		EXPECT_EQ(0, memcg_client_stop(self->client[i]));
	}
}

TEST_F_TIMEOUT(memcg_protect, limit_of_the_parent_spares_it, TIMEOUT_S)
{
	uint64_t before = memcg_bytes(&self->dev, &self->cg[0]);

	ASSERT_OK(pan_cgroup_write(&self->parent, "memory.max", "48M"));
	EXPECT_GE(48 * PAN_MIB, memcg_current(&self->parent));
	EXPECT_EQ(before, memcg_bytes(&self->dev, &self->cg[0]));
	EXPECT_EQ(0, pan_cgroup_key(&self->parent, "memory.events", "oom_kill"));
	EXPECT_OK(memcg_order(self->client[0], MEMCG_CHECK));
	EXPECT_OK(memcg_order(self->client[1], MEMCG_CHECK));
}

TEST_HARNESS_MAIN
