// SPDX-License-Identifier: GPL-2.0
/*
 * Whom a claim charges: the memory cgroup of the process whose memory it is, whose
 * limits hold, and not that of the manager.
 */
#include "explicit_common.h"
#include "lib/pan_cgroup.h"

#define TIMEOUT_S	240
#define KIND_MIB	8
#define LIMIT		(16 * PAN_MIB)
#define ALL		(4 * KIND_MIB * PAN_MIB)

FIXTURE(charge)
{
	struct pan_dev dev;
	struct explicit_target *target;
	struct pan_cgroup cg;
	struct pan_cgroup manager;
	bool grouped;
};

FIXTURE_SETUP(charge)
{
	int ret;

	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
	ret = pan_cgroup_create(&self->cg, "target");
	if (ret == -ENOENT)
		SKIP(return, "no memory cgroups");
	ASSERT_EQ(0, ret);
	ASSERT_OK(pan_cgroup_create(&self->manager, "manager"));
	self->grouped = true;
	ASSERT_OK(pan_cgroup_enter(&self->cg, 0));
	self->target = explicit_start(1, KIND_MIB);
	ASSERT_OK(pan_cgroup_enter(&self->manager, 0));
	ASSERT_NE(NULL, self->target);
	ASSERT_OK(explicit_reclaim(&self->dev, self->target->pid));
	ASSERT_EQ(0, explicit_resident(&self->dev, self->target->pid));
}

FIXTURE_TEARDOWN(charge)
{
	explicit_kill(self->target);
	EXPECT_OK(pan_write_file("/sys/fs/cgroup/cgroup.procs", "0"));
	if (self->grouped) {
		pan_cgroup_remove(&self->cg);
		pan_cgroup_remove(&self->manager);
	}
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

static uint64_t current_of(const struct pan_cgroup *cg)
{
	uint64_t bytes = ~0ull;

	return pan_cgroup_read(cg, "memory.current", &bytes) ? ~0ull : bytes;
}

TEST_F_TIMEOUT(charge, target_is_charged_and_the_manager_is_not, TIMEOUT_S)
{
	uint64_t target = current_of(&self->cg), manager = current_of(&self->manager);

	EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
	EXPECT_LE(target + ALL, current_of(&self->cg));
	EXPECT_GT(manager + PAN_MIB, current_of(&self->manager));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* Nor is the process killed because others filled its cgroup. */
TEST_F_TIMEOUT(charge, memory_max_of_the_target_holds, TIMEOUT_S)
{
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.max", "16M"));
	EXPECT_EQ(-ENOMEM, explicit_claim(&self->dev, self->target->pid));
	EXPECT_LT(0, explicit_resident(&self->dev, self->target->pid));
	EXPECT_GE(LIMIT, current_of(&self->cg));
	EXPECT_EQ(0, pan_cgroup_key(&self->cg, "memory.events", "oom_kill"));
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.max", "max"));
	EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* It is not even exceeded, as only the process itself can be made to wait for it. */
TEST_F_TIMEOUT(charge, memory_high_of_the_target_holds, TIMEOUT_S)
{
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.high", "16M"));
	EXPECT_EQ(-ENOMEM, explicit_claim(&self->dev, self->target->pid));
	EXPECT_GE(LIMIT, current_of(&self->cg));
	EXPECT_EQ(0, pan_cgroup_key(&self->cg, "memory.events", "high"));
	EXPECT_LT(0, explicit_resident(&self->dev, self->target->pid));
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.high", "max"));
	EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

TEST_HARNESS_MAIN
