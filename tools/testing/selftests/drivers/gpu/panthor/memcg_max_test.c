// SPDX-License-Identifier: GPL-2.0
/*
 * memory.max is a limit that GPU clients live with: they are reclaimed from
 * when they reach it, and fail in order when what they ask for cannot be.
 */
#include "memcg_common.h"

#define VMS		4u

/* Of each quarter that PAN_EFFORT leaves. */
#define LIMIT_MIB	16u
#define MIB		25u
#define ROUNDS		20
#define CHECK_EVERY	5
#define TIMEOUT_S	600

FIXTURE(memcg_max)
{
	struct pan_dev dev;
	struct pan_cgroup cg;
	struct memcg_client *client;
	uint64_t limit;
	uint32_t mib;
};

FIXTURE_SETUP(memcg_max)
{
	char text[32];

	PAN_OPEN_OR_SKIP(&self->dev);
	MEMCG_NEEDS(&self->dev);
	MEMCG_CREATE_OR_SKIP(&self->cg, "max");
	self->limit = pan_rounds(4, 1) * LIMIT_MIB * PAN_MIB;
	self->mib = pan_rounds(4, 1) * MIB;
	snprintf(text, sizeof(text), "%" PRIu64, self->limit);
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.max", text));
}

FIXTURE_TEARDOWN(memcg_max)
{
	memcg_client_free(self->client);
	pan_cgroup_remove(&self->cg);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

TEST_F_TIMEOUT(memcg_max, four_vms_that_each_fit_work_in_turn, TIMEOUT_S)
{
	struct pan_cgroup *cg = &self->cg;
	uint64_t peak = 0;
	uint32_t rounds = pan_rounds(ROUNDS, CHECK_EVERY), i;

	self->client = memcg_client_alloc(cg, 1, VMS, self->mib / VMS);
	ASSERT_NE(NULL, self->client);
	ASSERT_OK(memcg_client_start(self->client));
	for (i = 0; i < rounds; i++) {
		ASSERT_OK(memcg_order(self->client, MEMCG_WORK))
			TH_LOG("round %u", i);
		EXPECT_GE(self->limit, memcg_current(cg));

		/* What a round has lost is still wrong in later rounds. */
		if (i % CHECK_EVERY == CHECK_EVERY - 1)
			ASSERT_OK(memcg_order(self->client, MEMCG_CHECK));
	}

	ASSERT_OK(pan_cgroup_read(cg, "memory.peak", &peak));
	EXPECT_GE(self->limit, peak);
	EXPECT_EQ(0, self->client->bad_words);
	EXPECT_EQ(0, self->client->enomem_bind);
	EXPECT_EQ(0, self->client->enomem_submit);
	EXPECT_LT(0, pan_cgroup_key(cg, "memory.events", "max"));
	EXPECT_EQ(0, pan_cgroup_key(cg, "memory.events", "oom"));
	EXPECT_EQ(0, pan_cgroup_key(cg, "memory.events", "oom_kill"));
	EXPECT_EQ(0, memcg_client_stop(self->client));
}

/*
 * What one submission needs has to be resident all at once. Binding it does not:
 * but a bind populates the BO with the VM's resv held, so that reclaim cannot
 * take the VM's other BOs unless the driver makes room for binds.
 */
TEST_F_TIMEOUT(memcg_max, one_vm_that_does_not_fit_fails_in_order, TIMEOUT_S)
{
	struct pan_cgroup *cg = &self->cg;
	uint64_t start;
	int ret;

	self->client = memcg_client_alloc(cg, 2, 1, self->mib);
	ASSERT_NE(NULL, self->client);
	start = pan_now_ms();
	ret = memcg_client_start(self->client);
	TH_LOG("bound in %" PRIu64 " ms: %d", pan_now_ms() - start, ret);
	EXPECT_EQ(0, pan_cgroup_key(cg, "memory.events", "oom_kill"));
	if (ret == -ENOMEM && !pan_reclaim_has(&self->dev, "room_"))
		XFAIL(return, "binds in one VM fail: the driver does not make room for them");
	ASSERT_OK(ret);

	start = pan_now_ms();
	EXPECT_EQ(-ENOMEM, memcg_order(self->client, MEMCG_WORK));
	TH_LOG("submission failed after %" PRIu64 " ms", pan_now_ms() - start);
	EXPECT_LT(0, self->client->enomem_submit);
	EXPECT_EQ(0, pan_cgroup_key(cg, "memory.events", "oom_kill"));

	ASSERT_OK(memcg_order(self->client, MEMCG_HALVE));
	EXPECT_OK(memcg_order(self->client, MEMCG_WORK));
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
	EXPECT_EQ(0, memcg_client_stop(self->client));
}

TEST_HARNESS_MAIN
