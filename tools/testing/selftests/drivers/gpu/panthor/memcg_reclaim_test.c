// SPDX-License-Identifier: GPL-2.0
/*
 * memory.reclaim takes idle BOs as it takes other memory: as much as was asked
 * for, and nothing where swapping is not allowed.
 */
#include <sys/mman.h>

#include "memcg_common.h"

#define MIB		100u
#define ASKED		(40 * PAN_MIB)
#define SOME_MIB	32u
#define ANON		(8 * PAN_MIB)
#define TIMEOUT_S	240

FIXTURE(memcg_reclaim)
{
	struct pan_dev dev;
	struct pan_cgroup cg;
	struct memcg_client *client;
};

FIXTURE_VARIANT(memcg_reclaim)
{
	enum pan_buf_kind kind;
	uint32_t vms;
};

FIXTURE_VARIANT_ADD(memcg_reclaim, private) { .kind = PAN_BUF_PRIVATE, .vms = 1 };
FIXTURE_VARIANT_ADD(memcg_reclaim, shared) { .kind = PAN_BUF_SHARED, .vms = 2 };
FIXTURE_VARIANT_ADD(memcg_reclaim, mmapped) { .kind = PAN_BUF_MMAPPED, .vms = 1 };
FIXTURE_VARIANT_ADD(memcg_reclaim, unused) { .kind = PAN_BUF_UNUSED, .vms = 1 };

FIXTURE_SETUP(memcg_reclaim)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	MEMCG_NEEDS(&self->dev);
	MEMCG_CREATE_OR_SKIP(&self->cg, "reclaim");
	self->client = memcg_client_alloc(&self->cg, 1, variant->vms, MIB / variant->vms);
	ASSERT_NE(NULL, self->client);
	self->client->kind = variant->kind;
	ASSERT_OK(memcg_client_work(self->client));
}

FIXTURE_TEARDOWN(memcg_reclaim)
{
	memcg_client_free(self->client);
	pan_cgroup_remove(&self->cg);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

TEST_F_TIMEOUT(memcg_reclaim, gets_what_was_asked_for, TIMEOUT_S)
{
	uint64_t before, after;
	int64_t got;

	before = memcg_bytes(&self->dev, &self->cg);
	EXPECT_LE(MIB * PAN_MIB, before);
	EXPECT_OK(memcg_reclaim(&self->cg, "40M", &got));
	after = memcg_bytes(&self->dev, &self->cg);
	TH_LOG("asked for %llu KiB, got %lld KiB, evicted %llu KiB", ASKED >> 10,
	       (long long)got >> 10, (unsigned long long)(before - after) >> 10);
	EXPECT_LE((int64_t)(ASKED * 95 / 100), got);

	/* Not much more either: what is evicted has to come back. */
	EXPECT_GE(ASKED * 3 / 2, before - after);
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
	EXPECT_OK(memcg_order(self->client, MEMCG_WORK));
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
	EXPECT_EQ(0, self->client->bad_words);
	EXPECT_EQ(0, memcg_client_stop(self->client));
}

FIXTURE(memcg_swap)
{
	struct pan_dev dev;
	struct pan_cgroup cg;
	struct memcg_client *client;
};

FIXTURE_SETUP(memcg_swap)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	MEMCG_NEEDS(&self->dev);
	MEMCG_CREATE_OR_SKIP(&self->cg, "swap");
	self->client = memcg_client_alloc(&self->cg, 1, 1, SOME_MIB);
	ASSERT_NE(NULL, self->client);
	ASSERT_OK(memcg_client_work(self->client));
}

FIXTURE_TEARDOWN(memcg_swap)
{
	memcg_client_free(self->client);
	pan_cgroup_remove(&self->cg);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/* Somebody with anonymous memory only, in a cgroup of its own. */
static int anon_main(void *arg)
{
	volatile uint32_t *ready = arg;
	char *p = mmap(NULL, ANON, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	pan_touch(p, ANON);
	*ready = 1;
	for (;;)
		pan_sleep_ms(1000);
}

struct anon {
	struct pan_cgroup cg;
	volatile uint32_t *ready;
	pid_t pid;
};

static int anon_start(struct anon *anon)
{
	int ret;

	anon->ready = pan_shared_alloc(sizeof(*anon->ready));
	if (!anon->ready)
		return -ENOMEM;
	ret = pan_cgroup_create(&anon->cg, "anon");
	if (ret)
		return ret;

	/* Charged to where it was first, so it has to be there from the start. */
	anon->pid = fork();
	if (anon->pid < 0)
		return -errno;
	if (!anon->pid) {
		if (pan_cgroup_enter(&anon->cg, 0))
			_exit(1);
		_exit(anon_main((void *)anon->ready));
	}
	return pan_wait_word(anon->ready, 1, MEMCG_TIMEOUT_MS);
}

static void anon_stop(struct anon *anon)
{
	if (anon->pid > 0)
		pan_join(anon->pid, 0);
	pan_cgroup_remove(&anon->cg);
	pan_shared_free((void *)anon->ready, sizeof(*anon->ready));
}

/* What it says for anonymous memory, it has to say for BOs, leaving both alone. */
static void expect_as_for_anon(struct __test_metadata *_metadata,
			       FIXTURE_DATA(memcg_swap) *self, const char *text,
			       const char *swap_max)
{
	uint64_t before = memcg_bytes(&self->dev, &self->cg);
	struct anon anon = {};
	int64_t got, got_anon;
	int ret, ret_anon;

	ASSERT_OK(anon_start(&anon));
	ASSERT_OK(pan_cgroup_write(&anon.cg, "memory.swap.max", swap_max));
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.swap.max", swap_max));
	ret_anon = memcg_reclaim(&anon.cg, text, &got_anon);
	ret = memcg_reclaim(&self->cg, text, &got);
	TH_LOG("'%s', memory.swap.max %s: anonymous memory %d, %lld KiB; BOs %d, %lld KiB",
	       text, swap_max, ret_anon, (long long)got_anon >> 10, ret, (long long)got >> 10);
	EXPECT_EQ(ret_anon, ret);
	EXPECT_GE((int64_t)PAN_MIB, got);
	EXPECT_EQ(before, memcg_bytes(&self->dev, &self->cg));
	anon_stop(&anon);
}

TEST_F_TIMEOUT(memcg_swap, takes_nothing_without_swappiness, TIMEOUT_S)
{
	expect_as_for_anon(_metadata, self, "4M swappiness=0", "max");
}

TEST_F_TIMEOUT(memcg_swap, takes_nothing_without_swap, TIMEOUT_S)
{
	expect_as_for_anon(_metadata, self, "4M", "0");
}

TEST_F_TIMEOUT(memcg_swap, stops_when_its_swap_is_full, TIMEOUT_S)
{
	uint64_t before = memcg_bytes(&self->dev, &self->cg);
	uint64_t swapped = 0;
	int64_t got;

	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.swap.max", "10M"));
	EXPECT_NE(0, memcg_reclaim(&self->cg, "24M", &got));
	ASSERT_OK(pan_cgroup_read(&self->cg, "memory.swap.current", &swapped));
	TH_LOG("got %lld KiB, %llu KiB in swap", (long long)got >> 10,
	       (unsigned long long)swapped >> 10);
	EXPECT_GE(10 * PAN_MIB, swapped);
	EXPECT_LE((int64_t)(8 * PAN_MIB), got);

	/* At most one BO was evicted that there was no room for. */
	EXPECT_GE(swapped + 3 * PAN_MIB, before - memcg_bytes(&self->dev, &self->cg));
	EXPECT_OK(memcg_order(self->client, MEMCG_CHECK));
}

TEST_HARNESS_MAIN
