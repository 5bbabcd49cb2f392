// SPDX-License-Identifier: GPL-2.0
/*
 * When all of memory is short, the coldest BOs go first, whichever cgroup they
 * are charged to, and protected cgroups are spared.
 */
#include <sys/mman.h>

#include "memcg_common.h"

#define MIB		32u
#define VMS		4
#define ENOUGH		(12 * PAN_MIB)
#define STEP		(4 * PAN_MIB)
#define TIMEOUT_S	240

FIXTURE(memcg_global)
{
	struct pan_dev dev;
	struct pan_cgroup cg[2];
	struct memcg_client *client[2];
	uint64_t bytes[2];
	size_t size;
	char *anon;
};

FIXTURE_SETUP(memcg_global)
{
	int i;

	PAN_OPEN_OR_SKIP(&self->dev);
	MEMCG_NEEDS(&self->dev);
	MEMCG_CREATE_OR_SKIP(&self->cg[0], "cold");
	MEMCG_CREATE_OR_SKIP(&self->cg[1], "warm");
	for (i = 0; i < 2; i++) {
		/* Two reclaimers take a VM each, so one VM would not be enough. */
		self->client[i] = memcg_client_alloc(&self->cg[i], i + 1, VMS, MIB / VMS);
		ASSERT_NE(NULL, self->client[i]);
		ASSERT_OK(memcg_client_work(self->client[i]));
	}
	self->size = pan_meminfo_pages("MemTotal") * PAN_PAGE;
	self->anon = mmap(NULL, self->size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->anon);
	for (i = 0; i < 2; i++)
		self->bytes[i] = memcg_bytes(&self->dev, &self->cg[i]);
}

FIXTURE_TEARDOWN(memcg_global)
{
	int i;

	munmap(self->anon, self->size);
	for (i = 0; i < 2; i++) {
		memcg_client_free(self->client[i]);
		pan_cgroup_remove(&self->cg[i]);
	}
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/* Uses more and more memory until one of the two has lost enough. */
static void squeeze(FIXTURE_DATA(memcg_global) *self, int64_t lost[2])
{
	size_t used;
	int i;

	for (used = 0; used + STEP <= self->size; used += STEP) {
		pan_touch(self->anon + used, STEP);
		for (i = 0; i < 2; i++)
			lost[i] = self->bytes[i] - memcg_bytes(&self->dev, &self->cg[i]);
		if (lost[0] >= (int64_t)ENOUGH || lost[1] >= (int64_t)ENOUGH)
			break;
	}
}

TEST_F_TIMEOUT(memcg_global, coldest_go_first_across_cgroups, TIMEOUT_S)
{
	int64_t lost[2] = {};
	int i;

	squeeze(self, lost);
	TH_LOG("the cold cgroup lost %lld KiB, the warm one %lld KiB",
	       (long long)lost[0] >> 10, (long long)lost[1] >> 10);
	EXPECT_LE((int64_t)ENOUGH, lost[0]);
	/*
	 * Where swap is slow one step of ours may cost more than all that is cold, and
	 * the last VM of it can be with another reclaimer.
	 */
	if (lost[0] < (int64_t)((MIB - MIB / VMS) * PAN_MIB))
		EXPECT_EQ(0, lost[1]);
	for (i = 0; i < 2; i++)
		EXPECT_OK(memcg_order(self->client[i], MEMCG_CHECK));
}

TEST_F_TIMEOUT(memcg_global, protected_cgroup_is_spared, TIMEOUT_S)
{
	int64_t lost[2] = {};
	int i;

	ASSERT_OK(pan_cgroup_write(&self->cg[0], "memory.min", "max"));
	squeeze(self, lost);
	TH_LOG("the protected cgroup lost %lld KiB, the other one %lld KiB",
	       (long long)lost[0] >> 10, (long long)lost[1] >> 10);
	EXPECT_EQ(0, lost[0]);
	EXPECT_LE((int64_t)ENOUGH, lost[1]);
	for (i = 0; i < 2; i++)
		EXPECT_OK(memcg_order(self->client[i], MEMCG_CHECK));
}

TEST_HARNESS_MAIN
