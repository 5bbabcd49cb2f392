// SPDX-License-Identifier: GPL-2.0
/*
 * Processes move between cgroups and die, and cgroups go away, while there are
 * BOs that are charged to them. Nothing may be lost, nothing may be left.
 */
#include <sys/wait.h>

#include "memcg_common.h"

#define MIB		16u
#define CHURN		12
#define TIMEOUT_S	240

FIXTURE(memcg_life)
{
	struct pan_dev dev;
	struct pan_cgroup parent;
	struct pan_cgroup cg[2];
	struct memcg_client *client;
	int64_t accounts;
};

FIXTURE_SETUP(memcg_life)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	MEMCG_NEEDS(&self->dev);
	self->accounts = engine_stat(&self->dev, "memcg_accounts");
	MEMCG_CREATE_OR_SKIP(&self->parent, "life");
	ASSERT_OK(pan_cgroup_create_in(&self->cg[0], &self->parent, "first"));
	ASSERT_OK(pan_cgroup_create_in(&self->cg[1], &self->parent, "second"));
	self->client = memcg_client_alloc(&self->cg[0], 1, 1, MIB);
	ASSERT_NE(NULL, self->client);
	ASSERT_OK(memcg_client_work(self->client));
}

/* Accounts go with the last BO, which a worker may free. */
static bool accounts_are_back(FIXTURE_DATA(memcg_life) *self)
{
	uint64_t end = pan_now_ms() + 5000;

	while (engine_stat(&self->dev, "memcg_accounts") != self->accounts) {
		if (pan_now_ms() >= end)
			return false;
		pan_sleep_ms(20);
	}
	return true;
}

FIXTURE_TEARDOWN(memcg_life)
{
	int i;

	memcg_client_free(self->client);
	for (i = 0; i < 2; i++)
		pan_cgroup_remove(&self->cg[i]);
	pan_cgroup_remove(&self->parent);
	EXPECT_EQ(true, accounts_are_back(self));
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

TEST_F_TIMEOUT(memcg_life, bos_stay_charged_when_the_process_moves, TIMEOUT_S)
{
	uint64_t before = memcg_bytes(&self->dev, &self->cg[0]);
	int64_t got;

	ASSERT_OK(pan_cgroup_enter(&self->cg[1], self->client->pid));
	EXPECT_EQ(before, memcg_bytes(&self->dev, &self->cg[0]));

	memcg_reclaim(&self->cg[1], "32M", &got);
	EXPECT_EQ(before, memcg_bytes(&self->dev, &self->cg[0]));
	memcg_reclaim(&self->cg[0], "32M", &got);
	EXPECT_EQ(0, memcg_bytes(&self->dev, &self->cg[0]));

	/* What is swapped in again is charged to whom it was charged before. */
	EXPECT_OK(memcg_order(self->client, MEMCG_WORK));
	EXPECT_LE(MIB * PAN_MIB, memcg_bytes(&self->dev, &self->cg[0]));
	EXPECT_GE(MEMCG_SLACK, memcg_bytes(&self->dev, &self->cg[1]));
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
	EXPECT_EQ(0, memcg_client_stop(self->client));
}

TEST_F_TIMEOUT(memcg_life, bos_go_to_the_parent_when_the_cgroup_goes, TIMEOUT_S)
{
	uint64_t bytes = memcg_bytes(&self->dev, &self->cg[0]);
	uint64_t id = pan_cgroup_id(&self->cg[0]);
	int64_t got;

	ASSERT_OK(pan_cgroup_enter(&self->cg[1], self->client->pid));
	ASSERT_EQ(0, rmdir(self->cg[0].path));

	/* The kernel takes the memcg offline when it gets to it. */
	while (memcg_bytes_of(&self->dev, id))
		pan_sleep_ms(20);
	EXPECT_LE(bytes, memcg_bytes(&self->dev, &self->parent));
	EXPECT_OK(engine_books(&self->dev));

	EXPECT_OK(memcg_reclaim(&self->parent, "8M", &got));
	EXPECT_LE((int64_t)(8 * PAN_MIB * 95 / 100), got);
	EXPECT_OK(memcg_order(self->client, MEMCG_WORK));
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
	EXPECT_LE(MIB * PAN_MIB, memcg_bytes(&self->dev, &self->parent) +
		  memcg_bytes(&self->dev, &self->cg[1]));

	/* The limit of the parent reaches them as well. */
	ASSERT_OK(pan_cgroup_write(&self->parent, "memory.max", "12M"));
	EXPECT_GE(12 * PAN_MIB, memcg_current(&self->parent));
	ASSERT_OK(pan_cgroup_write(&self->parent, "memory.max", "max"));
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
	EXPECT_EQ(0, memcg_client_stop(self->client));
}

TEST_F_TIMEOUT(memcg_life, evicted_bos_survive_their_cgroup, TIMEOUT_S)
{
	int64_t got;

	memcg_reclaim(&self->cg[0], "32M", &got);
	EXPECT_EQ(0, memcg_bytes(&self->dev, &self->cg[0]));
	ASSERT_OK(pan_cgroup_enter(&self->cg[1], self->client->pid));
	ASSERT_EQ(0, rmdir(self->cg[0].path));
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
	EXPECT_OK(memcg_order(self->client, MEMCG_WORK));
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
	EXPECT_LE(MIB * PAN_MIB, memcg_bytes(&self->dev, &self->parent) +
		  memcg_bytes(&self->dev, &self->cg[1]));
	EXPECT_EQ(0, memcg_client_stop(self->client));
}

TEST_F_TIMEOUT(memcg_life, killed_client_leaves_nothing, TIMEOUT_S)
{
	pid_t pid = self->client->pid;
	int64_t got;

	memcg_reclaim(&self->cg[0], "8M", &got);
	self->client->pid = 0;
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(true, accounts_are_back(self));
	EXPECT_EQ(0, memcg_bytes(&self->dev, &self->cg[0]));
	EXPECT_GE(PAN_MIB, memcg_current(&self->cg[0]));
	EXPECT_EQ(0, rmdir(self->cg[0].path));
}

static int churn_main(void *arg)
{
	const struct pan_cgroup *parent = arg;
	int64_t got;

	for (;;)
		memcg_reclaim(parent, "4M", &got);
}

TEST_F_TIMEOUT(memcg_life, cgroups_come_and_go_under_reclaim, TIMEOUT_S)
{
	pid_t reclaimer = pan_spawn(churn_main, &self->parent);
	uint32_t rounds = pan_rounds(CHURN, 3), i;

	ASSERT_LT(0, reclaimer);
	for (i = 0; i < rounds; i++) {
		struct memcg_client *client;
		struct pan_cgroup cg;

		ASSERT_OK(pan_cgroup_create_in(&cg, &self->parent, "churn"));
		client = memcg_client_alloc(&cg, 10 + i, 1, 2);
		ASSERT_NE(NULL, client);
		ASSERT_OK(memcg_client_work(client));
		ASSERT_OK(pan_cgroup_enter(&self->cg[1], client->pid));
		EXPECT_EQ(0, rmdir(cg.path));
		EXPECT_OK(memcg_order(client, MEMCG_WORK));
		EXPECT_OK(memcg_order(client, MEMCG_CHECK));
		EXPECT_EQ(0, memcg_client_stop(client));
		memcg_client_free(client);
	}
	EXPECT_EQ(-ETIME, pan_join(reclaimer, 0));
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
	EXPECT_EQ(0, memcg_client_stop(self->client));
}

TEST_HARNESS_MAIN
