// SPDX-License-Identifier: GPL-2.0
/*
 * A swap device that does not give back what it was given: mem_claim says so, and
 * brings back everything else.
 */
#include <sys/wait.h>

#include "explicit_common.h"

#define KIND_MIB	1

/* What one failed request can take along: a BO of the target at most. */
#define BO_MAX		(KIND_MIB * PAN_MIB)

#define FAIL_DIR	"/sys/kernel/debug/fail_make_request/"

FIXTURE(eio)
{
	struct pan_dev dev;
	struct explicit_target *target;
	struct explicit_target *other;
	char fail[96];
};

/* The file that makes the requests of the swap device fail; false if none. */
static bool fail_file(char *path, size_t size)
{
	char device[64];

	if (pan_swap_area(device, sizeof(device)) || strncmp(device, "/dev/", 5))
		return false;
	snprintf(path, size, "/sys/block/%s/make-it-fail", device + 5);
	return pan_file_exists(path) && pan_file_exists(FAIL_DIR "times");
}

static int arm(const char *path, bool on)
{
	int ret;

	ret = pan_write_u64(FAIL_DIR "times", 1);
	ret = ret ?: pan_write_u64(FAIL_DIR "verbose", 0);
	ret = ret ?: pan_write_u64(FAIL_DIR "probability", on ? 100 : 0);
	return ret ?: pan_write_u64(path, on);
}

FIXTURE_SETUP(eio)
{
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	EXPLICIT_NEEDS(&dev);
	pan_close(&dev);
	if (!fail_file(self->fail, sizeof(self->fail)))
		SKIP(return, "no swap whose requests can fail (CONFIG_FAIL_MAKE_REQUEST)");
	self->target = explicit_start(1, KIND_MIB);
	ASSERT_NE(NULL, self->target);
	self->other = explicit_start(2, KIND_MIB);
	ASSERT_NE(NULL, self->other);
	ASSERT_OK(pan_open(&self->dev));
}

FIXTURE_TEARDOWN(eio)
{
	EXPECT_OK(arm(self->fail, false));
	explicit_kill(self->target);
	explicit_kill(self->other);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/*
 * Has the target work. What it has lost may be its command stream, too: it dies of
 * SIGBUS then, -EFAULT.
 */
static int work_with_loss(struct explicit_target *t)
{
	uint64_t end = pan_now_ms() + EXPLICIT_MS;
	siginfo_t info;

	explicit_send(t, EXPLICIT_WORK);
	while (t->done != t->given + 1 && pan_now_ms() < end) {
		info.si_pid = 0;
		if (waitid(P_PID, t->pid, &info, WEXITED | WNOHANG | WNOWAIT))
			return -errno;
		if (info.si_pid)
			return info.si_status == SIGBUS ? -EFAULT : -ECHILD;
		pan_sleep_ms(2);
	}
	return t->done == t->given + 1 ? t->result : -ETIME;
}

TEST_F(eio, claim_tells_and_brings_back_the_rest)
{
	int64_t all = explicit_resident(&self->dev, self->target->pid);
	int ret;

	/* Alone: swap is read ahead, and would take the other's pages along. */
	ASSERT_OK(explicit_reclaim(&self->dev, self->target->pid));
	ASSERT_EQ(0, explicit_resident(&self->dev, self->target->pid));

	ASSERT_OK(arm(self->fail, true));
	EXPECT_EQ(-EIO, explicit_claim(&self->dev, self->target->pid));
	ASSERT_OK(arm(self->fail, false));
	EXPECT_LE(all - (int64_t)BO_MAX, explicit_resident(&self->dev, self->target->pid));
	EXPECT_GT(all, explicit_resident(&self->dev, self->target->pid));

	/* What is lost stays lost: jobs that need it fail, and accesses of the CPU. */
	EXPECT_EQ(-EIO, explicit_claim(&self->dev, self->target->pid));
	ret = work_with_loss(self->target);
	EXPECT_TRUE(ret == -EIO || ret == -EFAULT)
		TH_LOG("neither a job nor a CPU access has failed, but %d", ret);

	ASSERT_OK(explicit_reclaim(&self->dev, self->other->pid));
	ASSERT_OK(explicit_claim(&self->dev, self->other->pid));
	EXPECT_OK(explicit_order(self->other, EXPLICIT_WORK));
}

TEST_HARNESS_MAIN
