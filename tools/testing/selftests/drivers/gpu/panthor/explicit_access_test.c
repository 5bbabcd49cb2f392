// SPDX-License-Identifier: GPL-2.0
/*
 * Who may act on another process through mem_reclaim, and what other processes can
 * do to how long that takes. Each write here is one write(2).
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/capability.h>

#include "explicit_common.h"

#define TIMEOUT_S	240
#define NOBODY		1000
#define HIGH_FD		500000
#define THREADS		1000

FIXTURE(access)
{
	struct pan_dev dev;
	struct explicit_target *target;
	volatile uint32_t *word;
	char path[PATH_MAX];
};

FIXTURE_SETUP(access)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
	self->word = pan_shared_alloc(4096);
	ASSERT_NE(NULL, self->word);
	self->target = explicit_start(1, 1);
	ASSERT_NE(NULL, self->target);
	explicit_path(&self->dev, "mem_reclaim", self->path, sizeof(self->path));
}

FIXTURE_TEARDOWN(access)
{
	ASSERT_OK(chmod(self->path, 0200));
	ASSERT_OK(chown(self->path, 0, 0));
	explicit_kill(self->target);
	pan_shared_free((void *)self->word, 4096);
	pan_close(&self->dev);
}

/* One write of a TGID to an open file: 0 or -errno. */
static int write_to(int fd, int tgid)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", tgid);

	return write(fd, text, len) == len ? 0 : -errno;
}

/* All but @keep of the capabilities go. */
static int drop_caps(uint64_t keep)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = keep, .permitted = keep },
		{ .effective = keep >> 32, .permitted = keep >> 32 },
	};

	return syscall(SYS_capset, &header, data);
}

/* Runs as another user with some capabilities. */
static int write_as(const char *path, uint64_t caps, int tgid)
{
	int fd;

	if (prctl(PR_SET_KEEPCAPS, 1) || setgid(NOBODY) || setuid(NOBODY) || drop_caps(caps))
		return 200;
	fd = open(path, O_WRONLY);
	return fd < 0 ? errno : -write_to(fd, tgid);
}

static int errno_as(const char *path, uint64_t caps, int tgid)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(write_as(path, caps, tgid));
	return pan_join(pid, pan_now_ms() + EXPLICIT_MS);
}

/* What process_madvise() asks for, both of it, and nothing else. */
TEST_F_TIMEOUT(access, others_take_ptrace_and_nice, TIMEOUT_S)
{
	const uint64_t nice = 1ull << CAP_SYS_NICE, ptrace = 1ull << CAP_SYS_PTRACE;
	const uint64_t resource = 1ull << CAP_SYS_RESOURCE;

	ASSERT_OK(chown(self->path, 0, NOBODY));
	ASSERT_OK(chmod(self->path, 0220));
	EXPECT_EQ(EPERM, errno_as(self->path, 0, self->target->pid));
	EXPECT_EQ(EPERM, errno_as(self->path, nice, self->target->pid));
	EXPECT_EQ(EPERM, errno_as(self->path, ptrace, self->target->pid));
	EXPECT_EQ(EPERM, errno_as(self->path, resource, self->target->pid));
	EXPECT_LT(0, explicit_resident(&self->dev, self->target->pid));
	EXPECT_EQ(0, errno_as(self->path, nice | ptrace, self->target->pid));
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
}

/* Opened without privileges, written with: what a setuid program does that prints. */
TEST_F_TIMEOUT(access, opener_without_privileges_has_no_deputy, TIMEOUT_S)
{
	int fd;

	ASSERT_OK(chown(self->path, 0, NOBODY));
	ASSERT_OK(chmod(self->path, 0220));
	ASSERT_OK(setegid(NOBODY));
	ASSERT_OK(seteuid(NOBODY));
	fd = open(self->path, O_WRONLY);
	ASSERT_OK(seteuid(0));
	ASSERT_OK(setegid(0));
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPERM, write_to(fd, self->target->pid));
	EXPECT_LT(0, explicit_resident(&self->dev, self->target->pid));
	close(fd);
	EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
}

static void *idle_thread(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

/* Threads whose leader has gone, with a table that is large and nearly empty. */
static int crowd_main(void *arg)
{
	volatile uint32_t *word = arg;
	struct rlimit limit = { HIGH_FD + 1, HIGH_FD + 1 };
	pthread_attr_t attr;
	pthread_t thread;
	int i;

	if (setrlimit(RLIMIT_NOFILE, &limit) || dup2(0, HIGH_FD) != HIGH_FD)
		return 1;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (i = 0; i < THREADS; i++) {
		if (pthread_create(&thread, &attr, idle_thread, NULL))
			return 2;
	}
	word[0] = 1;
	pthread_exit(NULL);
}

/*
 * A write looks at the tables of its target and no others, and at each once. With
 * a walk of all tables of the machine, and of one for each thread that has it, this
 * takes minutes and RCU reports stalls.
 */
TEST_F_TIMEOUT(access, crowds_are_not_looked_at, TIMEOUT_S)
{
	pid_t pid = pan_spawn(crowd_main, (void *)self->word);
	uint32_t i;

	ASSERT_LT(0, pid);
	ASSERT_OK(pan_wait_word(self->word, 1, EXPLICIT_MS));
	for (i = 0; i < 5; i++) {
		EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
		EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
		/* The crowd has inherited this one's file. */
		EXPECT_OK(explicit_reclaim(&self->dev, pid));
	}
	kill(pid, SIGKILL);
	pan_join(pid, pan_now_ms() + EXPLICIT_MS);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

TEST_HARNESS_MAIN
