// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of one process leaves on request, all of it, and nobody else's; and
 * all of it comes back on request, before a job has to wait for it.
 */
#include <signal.h>
#include <sys/syscall.h>

#include "explicit_common.h"

/* MiB of each of four kinds of BOs. */
#define KIND_MIB	2
#define LARGE_MIB	25
#define OTHER_MIB	1

#define TIMEOUT_S	240

FIXTURE(leave)
{
	struct pan_dev dev;
	struct explicit_target *target;
	struct explicit_target *other;
	int64_t others;
	uint32_t mib;
};

FIXTURE_VARIANT(leave)
{
	uint32_t mib;
};

FIXTURE_VARIANT_ADD(leave, small)
{
	.mib = KIND_MIB,
};

FIXTURE_VARIANT_ADD(leave, large)
{
	.mib = LARGE_MIB,
};

FIXTURE_SETUP(leave)
{
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	EXPLICIT_NEEDS(&dev);
	pan_close(&dev);
	self->mib = pan_rounds(variant->mib, KIND_MIB);
	self->target = explicit_start(1, self->mib);
	ASSERT_NE(NULL, self->target);
	self->other = explicit_start(2, OTHER_MIB);
	ASSERT_NE(NULL, self->other);
	ASSERT_OK(pan_open(&self->dev));
	self->others = explicit_resident(&self->dev, self->other->pid);
	ASSERT_LE((int64_t)(4 * OTHER_MIB * PAN_MIB), self->others);
}

FIXTURE_TEARDOWN(leave)
{
	explicit_kill(self->target);
	explicit_kill(self->other);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

TEST_F_TIMEOUT(leave, memory_of_an_idle_process_is_free_when_the_write_returns, TIMEOUT_S)
{
	int64_t left = pan_free_pages() + pan_zram_pages(), swap = pan_meminfo_pages("SwapFree");
	int target_pages = 4 * self->mib * 256;

	ASSERT_OK(explicit_reclaim(&self->dev, self->target->pid));
	left = pan_free_pages() + pan_zram_pages() - left;
	swap -= pan_meminfo_pages("SwapFree");
	TH_LOG("%lld of %d pages left memory, %lld are in swap",
	       (long long)left, target_pages, (long long)swap);
	EXPECT_GE(left * 100, target_pages * 95);
	EXPECT_GE(swap * 100, target_pages * 95);
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));

	EXPECT_EQ(self->others, explicit_resident(&self->dev, self->other->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
	EXPECT_OK(explicit_order(self->other, EXPLICIT_WORK));
}

TEST_F_TIMEOUT(leave, claimed_memory_is_there_and_mapped, TIMEOUT_S)
{
	int64_t swapped_in, restored, resident;

	resident = explicit_resident(&self->dev, self->target->pid);
	ASSERT_OK(explicit_reclaim(&self->dev, self->target->pid));
	ASSERT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	ASSERT_OK(explicit_claim(&self->dev, self->target->pid));
	EXPECT_EQ(resident, explicit_resident(&self->dev, self->target->pid));

	/* Neither jobs nor CPU accesses have anything left to bring back. */
	swapped_in = engine_stat(&self->dev, "swapped_in_bos");
	restored = engine_stat(&self->dev, "restored_vmas");
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
	EXPECT_EQ(swapped_in, engine_stat(&self->dev, "swapped_in_bos"));
	EXPECT_EQ(restored, engine_stat(&self->dev, "restored_vmas"));
	EXPECT_EQ(0, engine_stat(&self->dev, "class_evicted_bos"));
}

FIXTURE(resist)
{
	struct pan_dev dev;
	struct explicit_target *target;
	struct explicit_target *other;
	int64_t others;
};

FIXTURE_SETUP(resist)
{
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	EXPLICIT_NEEDS(&dev);
	pan_close(&dev);
	self->target = explicit_start(1, KIND_MIB);
	ASSERT_NE(NULL, self->target);
	self->other = explicit_start(2, OTHER_MIB);
	ASSERT_NE(NULL, self->other);
	ASSERT_OK(pan_open(&self->dev));
	self->others = explicit_resident(&self->dev, self->other->pid);
	ASSERT_LE((int64_t)(4 * OTHER_MIB * PAN_MIB), self->others);
}

FIXTURE_TEARDOWN(resist)
{
	pan_model_calm();
	explicit_kill(self->target);
	explicit_kill(self->other);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

TEST_F_TIMEOUT(resist, both_can_be_repeated, TIMEOUT_S)
{
	int i;

	EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
	for (i = 0; i < 2; i++) {
		EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
		EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
		EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
		EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
	}
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
	EXPECT_EQ(self->others, explicit_resident(&self->dev, self->other->pid));
}

/* VM 0 resists. What belongs to other VMs or to none goes, others' stays. */
TEST_F_TIMEOUT(resist, busy_process_keeps_what_its_jobs_use, TIMEOUT_S)
{
	int64_t all = explicit_resident(&self->dev, self->target->pid), left;
	uint64_t start;

	ASSERT_OK(explicit_order(self->target, EXPLICIT_SPIN));
	start = pan_now_ms();
	EXPECT_EQ(-EBUSY, explicit_reclaim(&self->dev, self->target->pid));
	start = pan_now_ms() - start;
	left = explicit_resident(&self->dev, self->target->pid);
	TH_LOG("%lld of %lld KiB stayed, after %llu ms", (long long)left >> 10,
	       (long long)all >> 10, (unsigned long long)start);
	EXPECT_GE(start, 1000);

	/* Private and shared BOs of VM 0 stay; mmapped and unused ones go. */
	EXPECT_GE(left, 2 * KIND_MIB * (int64_t)PAN_MIB);
	EXPECT_LE(left, all - 2 * KIND_MIB * (int64_t)PAN_MIB);
	EXPECT_EQ(self->others, explicit_resident(&self->dev, self->other->pid));

	/* Claiming does not mind. */
	EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
	EXPECT_EQ(all, explicit_resident(&self->dev, self->target->pid));
	ASSERT_OK(explicit_order(self->target, EXPLICIT_RELAX));
	EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* A job that ends within the time is waited for. */
TEST_F_TIMEOUT(resist, job_that_ends_soon_is_no_hindrance, TIMEOUT_S)
{
	pid_t pid;

	ASSERT_OK(explicit_order(self->target, EXPLICIT_SPIN));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int ret = pan_wait_syscall(getppid(), SYS_write, EXPLICIT_MS);

		explicit_send(self->target, EXPLICIT_RELAX);
		_exit(-ret);
	}
	EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + EXPLICIT_MS));
	EXPECT_OK(explicit_wait(self->target));
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* Locks resist: everything the target does is slow, and it does it all the time. */
TEST_F_TIMEOUT(resist, locked_process_is_not_made_up_for_by_another, TIMEOUT_S)
{
	int ret, i;

	PAN_NEEDS_INJECTION("as_delay_us");
	ASSERT_OK(pan_model_inject("as_delay_us", 2000));
	explicit_send(self->target, EXPLICIT_WORK);
	for (i = 0; i < 3; i++) {
		ret = explicit_reclaim(&self->dev, self->target->pid);
		EXPECT_TRUE(!ret || ret == -EBUSY || ret == -ECANCELED || ret == -EAGAIN)
			TH_LOG("error %d", ret);
		EXPECT_EQ(self->others, explicit_resident(&self->dev, self->other->pid));
	}
	pan_model_calm();
	EXPECT_OK(explicit_wait(self->target));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
	EXPECT_OK(explicit_order(self->other, EXPLICIT_WORK));
}

/* The time of the claim falls to the claim, not to the first job. */
TEST_F_TIMEOUT(resist, nobody_else_comes_back_with_a_claim, TIMEOUT_S)
{
	ASSERT_OK(explicit_reclaim(&self->dev, self->target->pid));
	ASSERT_OK(explicit_reclaim(&self->dev, self->other->pid));
	ASSERT_EQ(0, explicit_resident(&self->dev, self->other->pid));
	ASSERT_OK(explicit_claim(&self->dev, self->target->pid));
	EXPECT_EQ(0, explicit_resident(&self->dev, self->other->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
	EXPECT_OK(explicit_order(self->other, EXPLICIT_WORK));
}

TEST_HARNESS_MAIN
