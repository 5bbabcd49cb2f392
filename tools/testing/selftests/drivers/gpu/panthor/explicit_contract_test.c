// SPDX-License-Identifier: GPL-2.0
/*
 * What 0 and every errno of mem_reclaim and mem_claim promise: memory is out, or
 * in, when they say so, and stays where it is when it cannot go. Each write here is
 * one write(2).
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "explicit_common.h"
#include "lib/pan_cgroup.h"

#define TIMEOUT_S	240
#define KIND_MIB	8
#define KINDS		4

FIXTURE(contract)
{
	struct pan_dev dev;
	struct explicit_target *target;
	struct pan_cgroup cg;
	bool grouped;
};

FIXTURE_SETUP(contract)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
}

FIXTURE_TEARDOWN(contract)
{
	explicit_kill(self->target);
	if (self->grouped)
		pan_cgroup_remove(&self->cg);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/* A target in a cgroup of its own, whose pages are charged to that. */
static int start_in_cgroup(FIXTURE_DATA(contract) *self, uint32_t mib)
{
	int ret;

	ret = pan_cgroup_create(&self->cg, "explicit");
	if (ret)
		return ret;
	self->grouped = true;
	ret = pan_cgroup_enter(&self->cg, 0);
	if (ret)
		return ret;
	self->target = explicit_start(1, mib);
	if (pan_write_file("/sys/fs/cgroup/cgroup.procs", "0"))
		return -EIO;
	return self->target ? 0 : -EIO;
}

#define START_IN_CGROUP(mib) do { \
	int __ret = start_in_cgroup(self, mib); \
	if (__ret == -ENOENT) \
		SKIP(return, "no memory cgroups"); \
	ASSERT_EQ(0, __ret); \
} while (0)

TEST_F_TIMEOUT(contract, cgroup_without_swap_is_enospc_and_nothing_goes, TIMEOUT_S)
{
	int64_t resident, evicted;

	START_IN_CGROUP(KIND_MIB);
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.swap.max", "0"));
	resident = explicit_resident(&self->dev, self->target->pid);
	evicted = engine_stat(&self->dev, "evicted_pages");
	EXPECT_EQ(-ENOSPC, explicit_reclaim(&self->dev, self->target->pid));
	EXPECT_EQ(resident, explicit_resident(&self->dev, self->target->pid));
	EXPECT_EQ(evicted, engine_stat(&self->dev, "evicted_pages"));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));

	/* It was the limit. */
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.swap.max", "max"));
	EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* As much goes as may go, and no more is unmapped. */
TEST_F_TIMEOUT(contract, cgroup_with_little_swap_is_enospc_and_the_rest_stays, TIMEOUT_S)
{
	int64_t resident, left;

	START_IN_CGROUP(KIND_MIB);
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.swap.max", "8M"));
	resident = explicit_resident(&self->dev, self->target->pid);
	EXPECT_EQ(-ENOSPC, explicit_reclaim(&self->dev, self->target->pid));
	left = explicit_resident(&self->dev, self->target->pid);
	TH_LOG("%lld of %lld KiB left", (long long)left >> 10, (long long)resident >> 10);
	EXPECT_GE(left, resident - (int64_t)(8 * PAN_MIB));
	EXPECT_LT(left, resident);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/*
 * zram takes the pages and then cannot store them: they are in the swap cache for
 * good. What was not unmapped by then stays.
 */
TEST_F_TIMEOUT(contract, swap_that_refuses_writes_is_enospc, TIMEOUT_S)
{
	int ret = pan_zram_on(256);
	int64_t left;

	if (ret == -ENODEV)
		SKIP(return, "no zram");
	ASSERT_EQ(0, ret);
	ASSERT_OK(pan_zram_limit("1M"));
	self->target = explicit_start(1, 2 * KIND_MIB);
	EXPECT_NE(NULL, self->target);
	if (self->target) {
		EXPECT_EQ(-ENOSPC, explicit_reclaim(&self->dev, self->target->pid));
		left = explicit_resident(&self->dev, self->target->pid);
		TH_LOG("%lld KiB were not unmapped", (long long)left >> 10);
		EXPECT_LT(0, left);
		EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
		explicit_kill(self->target);
		self->target = NULL;
	}
	EXPECT_OK(pan_zram_limit("0"));
	EXPECT_OK(pan_zram_off());
}

struct writer {
	struct pan_dev *dev;
	const char *knob;
	pid_t tgid;
	volatile int ret;
	volatile int over;
};

static void *writer_main(void *arg)
{
	struct writer *w = arg;

	w->ret = explicit_tgid(w->dev, w->knob, w->tgid);
	__sync_synchronize();
	w->over = 1;
	return NULL;
}

/*
 * The claim comes while the reclaim runs, at all moments of it. Afterwards all is
 * in if the claim says 0, and the reclaim does not say that all is out.
 */
TEST_F_TIMEOUT(contract, claim_ends_a_running_reclaim_and_is_not_undone, TIMEOUT_S)
{
	static const unsigned int delays_ms[] = { 0, 1, 2, 5, 10, 20, 40, 80 };
	uint32_t met = 0, rounds = pan_rounds(16, 8), i;
	int64_t all;

	self->target = explicit_start(1, pan_rounds(25, KIND_MIB));
	ASSERT_NE(NULL, self->target);
	all = explicit_resident(&self->dev, self->target->pid);
	for (i = 0; i < rounds; i++) {
		struct writer w = {
			.dev = &self->dev, .knob = "mem_reclaim", .tgid = self->target->pid,
		};
		pthread_t thread;
		bool early;
		int ret;

		ASSERT_EQ(0, pthread_create(&thread, NULL, writer_main, &w));
		pan_sleep_ms(delays_ms[i % 8]);
		early = !w.over;
		ret = explicit_claim(&self->dev, self->target->pid);
		pthread_join(thread, NULL);
		EXPECT_EQ(0, ret);
		met += early && w.ret == -ECANCELED;
		EXPECT_TRUE(!w.ret || w.ret == -ECANCELED) {
			TH_LOG("mem_reclaim: %d", w.ret);
		}
		if (early && !w.ret) {
			/* It had ended by the time the claim began, or not begun. */
			EXPECT_TRUE(!explicit_resident(&self->dev, self->target->pid) ||
				    explicit_resident(&self->dev, self->target->pid) == all);
		} else {
			EXPECT_EQ(all, explicit_resident(&self->dev, self->target->pid));
		}
		EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
		EXPECT_EQ(all, explicit_resident(&self->dev, self->target->pid));
	}
	TH_LOG("%u of %u reclaims were ended", met, rounds);
	EXPECT_LT(0, met);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* A process that draws is not in the background: 0 only with nothing in memory. */
TEST_F_TIMEOUT(contract, working_process_is_never_said_to_be_out, TIMEOUT_S)
{
	uint32_t canceled = 0, out = 0, other = 0, i;

	self->target = explicit_start(1, 4);
	ASSERT_NE(NULL, self->target);
	explicit_send(self->target, EXPLICIT_LOOP);
	for (i = 0; i < 60; i++) {
		int ret = explicit_reclaim(&self->dev, self->target->pid);

		canceled += ret == -ECANCELED;
		out += !ret;
		other += ret == -EBUSY || ret == -EAGAIN;
		EXPECT_TRUE(!ret || ret == -ECANCELED || ret == -EBUSY || ret == -EAGAIN);
	}
	TH_LOG("ECANCELED %u, EBUSY or EAGAIN %u, 0 %u", canceled, other, out);
	EXPECT_LT(0, canceled + other);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));

	/* Once it is stopped it goes, as a whole. */
	kill(self->target->pid, SIGSTOP);
	EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	kill(self->target->pid, SIGCONT);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* One BO of @size bytes in this process, with contents. */
static int big_bo(struct pan_dev *dev, struct pan_ctx *ctx, uint64_t size, struct pan_bo *bo)
{
	int ret = pan_ctx_init(ctx, dev, 1) ?: pan_ctx_bo(ctx, size, true, bo);

	if (ret)
		return ret;
	pan_cs_fill(pan_ctx_begin(ctx, 0), bo->va, size, 7);
	return pan_ctx_run(ctx, 0);
}

static int check_big_bo(struct pan_ctx *ctx, struct pan_bo *bo, uint64_t size)
{
	int ret = pan_ctx_bo_map(ctx, bo);

	if (ret)
		return ret;
	ret = pan_pattern_check(bo->map, size, 7, 0) ? -EILSEQ : 0;
	pan_ctx_bo_unmap(bo);
	return ret;
}

static pid_t fork_writer(const struct pan_dev *dev, const char *knob, pid_t tgid)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(dev->fd);
		_exit(-explicit_tgid(dev, knob, tgid));
	}
	return pid;
}

/*
 * The writer is killed within one big BO: some of the BO has not been written by
 * then. That is what is looked at, not the time.
 */
TEST_F_TIMEOUT(contract, killed_writer_leaves_a_big_bo_alone, TIMEOUT_S)
{
	uint64_t size = pan_rounds(96, 48) * PAN_MIB;
	uint32_t within = 0, i;
	struct pan_ctx ctx;
	struct pan_bo bo;

	ASSERT_OK(big_bo(&self->dev, &ctx, size, &bo));
	for (i = 0; i < 8; i++) {
		uint64_t out = pan_vmstat("pswpout");
		pid_t pid = fork_writer(&self->dev, "mem_reclaim", getpid());

		ASSERT_LT(0, pid);
		while (pan_vmstat("pswpout") == out && !waitpid(pid, NULL, WNOHANG))
			pan_sleep_ms(1);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		out = pan_vmstat("pswpout") - out;
		TH_LOG("killed after %llu of %llu pages", (unsigned long long)out,
		       (unsigned long long)(size / PAN_PAGE));
		within += out && out < size / PAN_PAGE / 2;
		EXPECT_OK(explicit_claim(&self->dev, getpid()));
	}
	EXPECT_LT(0, within);
	EXPECT_OK(check_big_bo(&ctx, &bo, size));
	pan_ctx_fini(&ctx);
}

static volatile int ticks;

static void tick(int sig)
{
	(void)sig;
	ticks++;
}

/* Writes with a timer that ticks all the time; how often it was interrupted, or -errno. */
static int write_ticking(const struct pan_dev *dev, const char *knob, pid_t tgid,
			 unsigned int us, int flags, int most)
{
	struct sigaction action = { .sa_handler = tick, .sa_flags = flags };
	struct itimerval timer = {
		.it_interval.tv_usec = us, .it_value.tv_usec = us,
	}, off = {};
	int ret, tries = 0;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	do {
		ret = explicit_tgid(dev, knob, tgid);
	} while (ret == -EINTR && ++tries < most);
	setitimer(ITIMER_REAL, &off, NULL);
	return ret ?: tries;
}

TEST_F_TIMEOUT(contract, interrupted_writes_converge, TIMEOUT_S)
{
	int tries;

	self->target = explicit_start(1, KIND_MIB);
	ASSERT_NE(NULL, self->target);
	tries = write_ticking(&self->dev, "mem_reclaim", self->target->pid, 2000, 0, 2000);
	TH_LOG("mem_reclaim: EINTR %d times", tries);
	ASSERT_LE(0, tries);
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	/* What is out is not looked at again. */
	tries = write_ticking(&self->dev, "mem_reclaim", self->target->pid, 2000, 0, 2000);
	TH_LOG("again: %d times", tries);
	EXPECT_LE(0, tries);
	tries = write_ticking(&self->dev, "mem_claim", self->target->pid, 2000, 0, 2000);
	TH_LOG("mem_claim: %d times", tries);
	EXPECT_LE(0, tries);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* With SA_RESTART nothing is seen of the signals, and something was interrupted. */
TEST_F_TIMEOUT(contract, restarting_signals_are_not_seen, TIMEOUT_S)
{
	self->target = explicit_start(1, KIND_MIB);
	ASSERT_NE(NULL, self->target);
	ticks = 0;
	EXPECT_EQ(0, write_ticking(&self->dev, "mem_reclaim", self->target->pid, 5000,
				   SA_RESTART, 1));
	EXPECT_LT(0, ticks);
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	EXPECT_EQ(0, write_ticking(&self->dev, "mem_claim", self->target->pid, 5000,
				   SA_RESTART, 1));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* A job keeps mem_reclaim waiting, so that the stop comes in the middle. */
TEST_F_TIMEOUT(contract, stopped_and_continued_writer_sees_nothing, TIMEOUT_S)
{
	pid_t pid;
	int i;

	self->target = explicit_start(1, KIND_MIB);
	ASSERT_NE(NULL, self->target);
	pid = fork_writer(&self->dev, "mem_reclaim", self->target->pid);
	ASSERT_LT(0, pid);
	for (i = 0; i < 5; i++) {
		pan_sleep_ms(5);
		kill(pid, SIGSTOP);
		pan_sleep_ms(5);
		kill(pid, SIGCONT);
	}
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + EXPLICIT_MS));
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

TEST_F_TIMEOUT(contract, frozen_writer_sees_nothing, TIMEOUT_S)
{
	uint64_t frozen = 0, end;
	pid_t pid;

	if (pan_cgroup_create(&self->cg, "frozen"))
		SKIP(return, "no cgroups");
	self->grouped = true;
	self->target = explicit_start(1, KIND_MIB);
	ASSERT_NE(NULL, self->target);
	ASSERT_OK(explicit_order(self->target, EXPLICIT_SPIN));
	pid = fork_writer(&self->dev, "mem_reclaim", self->target->pid);
	ASSERT_LT(0, pid);
	ASSERT_OK(pan_cgroup_enter(&self->cg, pid));
	ASSERT_OK(pan_wait_syscall(pid, SYS_write, EXPLICIT_MS));
	ASSERT_OK(pan_cgroup_write(&self->cg, "cgroup.freeze", "1"));
	for (end = pan_now_ms() + 5000; !frozen && pan_now_ms() < end; pan_sleep_ms(2))
		frozen = pan_cgroup_key(&self->cg, "cgroup.events", "frozen");
	EXPECT_EQ(1, frozen);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_RELAX));
	EXPECT_OK(pan_cgroup_write(&self->cg, "cgroup.freeze", "0"));
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + EXPLICIT_MS));
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

TEST_HARNESS_MAIN
