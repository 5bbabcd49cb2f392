// SPDX-License-Identifier: GPL-2.0
/*
 * Making room where memory cgroups have a say: what is protected stays although
 * another GPU client wants memory.
 */
#include "memcg_common.h"
#include "room_common.h"

#define IDLE_MIB	48u

FIXTURE(protection)
{
	struct pan_dev dev;
	struct pan_cgroup cg;
	struct memcg_client *idle;
	struct room_client *hog;
	uint64_t oom_kills;
};

FIXTURE_VARIANT(protection)
{
	const char *file;
	const char *value;
};

FIXTURE_VARIANT_ADD(protection, memory_min) { .file = "memory.min", .value = "max" };
FIXTURE_VARIANT_ADD(protection, memory_low) { .file = "memory.low", .value = "max" };
FIXTURE_VARIANT_ADD(protection, no_swap) { .file = "memory.swap.max", .value = "0" };

FIXTURE_SETUP(protection)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	MEMCG_NEEDS(&self->dev);
	ROOM_NEEDS(&self->dev);
	MEMCG_CREATE_OR_SKIP(&self->cg, "protected");
	pan_be_expendable();
	pan_drop_caches();
	self->oom_kills = pan_vmstat("oom_kill");
	self->hog = pan_shared_alloc(sizeof(*self->hog));
	ASSERT_NE(NULL, self->hog);
	self->idle = memcg_client_alloc(&self->cg, 1, 1, IDLE_MIB);
	ASSERT_NE(NULL, self->idle);
	ASSERT_OK(memcg_client_work(self->idle));
}

FIXTURE_TEARDOWN(protection)
{
	room_client_stop(self->hog);
	pan_shared_free(self->hog, sizeof(*self->hog));
	memcg_client_free(self->idle);
	pan_cgroup_remove(&self->cg);
	EXPECT_EQ(self->oom_kills, pan_vmstat("oom_kill"));
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/* The idle client has all it had: mapped by the GPU, and in memory. */
static void expect_spared(struct __test_metadata *_metadata, FIXTURE_DATA(protection) *self,
			  uint64_t bytes)
{
	uint64_t swapped = 0;

	EXPECT_EQ(bytes, memcg_bytes(&self->dev, &self->cg));
	EXPECT_OK(pan_cgroup_read(&self->cg, "memory.swap.current", &swapped));
	EXPECT_EQ(0, swapped);
	EXPECT_OK(memcg_order(self->idle, MEMCG_CHECK));
	EXPECT_EQ(0, self->idle->bad_words);
}

TEST_F_TIMEOUT(protection, holds_while_others_have_what_is_needed, 300)
{
	struct room_client *hog = self->hog;
	uint64_t bytes;

	ASSERT_OK(pan_cgroup_write(&self->cg, variant->file, variant->value));
	bytes = memcg_bytes(&self->dev, &self->cg);
	ASSERT_LE(IDLE_MIB * PAN_MIB, bytes);

	/* Two VMs that do not fit together: one of them goes for the other. */
	*hog = (struct room_client) {
		.id = 100, .vms = 2, .mib = room_available_mib() * 6 / 10, .limit = 3,
	};
	ASSERT_OK(room_client_start(hog));
	EXPECT_OK(room_client_join(hog, ROOM_BOUND_MS));
	EXPECT_OK(hog->result);
	EXPECT_EQ(3, hog->rounds);
	EXPECT_EQ(0, hog->enomem);
	EXPECT_EQ(0, hog->bad_words);
	expect_spared(_metadata, self, bytes);
}

TEST_HARNESS_MAIN
