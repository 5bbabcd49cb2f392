// SPDX-License-Identifier: GPL-2.0
/*
 * Whom a claim charges: the memory cgroup of the process whose memory it is, whose
 * limits hold, and not that of the manager.
 */
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "explicit_common.h"
#include "lib/pan_cgroup.h"

#define TIMEOUT_S	240
#define KIND_MIB	8
#define LIMIT		(16 * PAN_MIB)
#define ALL		(4 * KIND_MIB * PAN_MIB)
/* What mm charges ahead for each CPU, and some. */
#define AHEAD		(384ull << 10)

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

static int64_t evicted_of(const struct pan_dev *dev, pid_t pid)
{
	struct drm_panthor_client_memory args = { .op = DRM_PANTHOR_CLIENT_MEMORY_QUERY };
	int ret;

	args.pidfd = syscall(SYS_pidfd_open, pid, 0);
	ret = ioctl(dev->fd, DRM_IOCTL_PANTHOR_CLIENT_MEMORY, &args);
	close(args.pidfd);
	return ret ? -1 : (int64_t)args.evicted;
}

/* What is asked for is what is missing, not more. */
TEST_F_TIMEOUT(charge, little_that_fits_comes_back, TIMEOUT_S)
{
	int64_t evicted;
	char max[24];

	explicit_kill(self->target);
	ASSERT_OK(pan_cgroup_enter(&self->cg, 0));
	self->target = explicit_start(2, 0);
	ASSERT_OK(pan_cgroup_enter(&self->manager, 0));
	ASSERT_NE(NULL, self->target);
	ASSERT_OK(explicit_reclaim(&self->dev, self->target->pid));
	evicted = evicted_of(&self->dev, self->target->pid);
	TH_LOG("%lld KiB are evicted", (long long)evicted >> 10);
	ASSERT_LT(0, evicted);

	/* Less than a piece, which is what a claim reads at once. */
	ASSERT_GT((int64_t)PAN_MIB, evicted + (int64_t)AHEAD);
	snprintf(max, sizeof(max), "%llu",
		 (unsigned long long)(current_of(&self->cg) + evicted + AHEAD));
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.max", max));
	EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
	EXPECT_EQ(0, evicted_of(&self->dev, self->target->pid));
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.max", "max"));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

TEST_HARNESS_MAIN
