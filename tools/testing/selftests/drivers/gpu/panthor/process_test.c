// SPDX-License-Identifier: GPL-2.0
/* Clients that fork, exec, hand files over, and get killed */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"

#define SIZE		(256ull << 10)
#define DEADLINE_MS	20000

FIXTURE(process)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	volatile uint32_t *shared;
	uint64_t resident;
};

FIXTURE_SETUP(process)
{
	uint64_t size;

	PAN_OPEN_OR_SKIP(&self->dev);
	self->shared = pan_shared_alloc(4096);
	ASSERT_NE(NULL, self->shared);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 2));
	if (pan_gems_totals(&self->dev, &size, &self->resident))
		self->resident = 0;
}

FIXTURE_TEARDOWN(process)
{
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
	pan_shared_free((void *)self->shared, 4096);
}

/* A client of its own: allocates, reports, and runs a job that does not end. */
static int endless_client(void *arg)
{
	volatile uint32_t *ready = arg;
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct pan_bo bo;

	if (pan_open(&dev) || pan_ctx_init(&ctx, &dev, 1) ||
	    pan_ctx_bo(&ctx, 4 * PAN_MIB, true, &bo))
		return 1;
	pan_cs_store32(pan_ctx_begin(&ctx, 0), pan_flag_va(1), 1);
	pan_cs_spin_until(&ctx.cs[0], pan_flag_va(0));
	if (pan_ctx_submit(&ctx, 0) || pan_wait_word(pan_flag(&ctx, 1), 1, DEADLINE_MS))
		return 1;
	__sync_fetch_and_add(ready, 1);
	for (;;)
		pause();
	return 0;
}

/* Memory of clients that have gone comes back: some of it behind work items. */
static int wait_resident(struct pan_dev *dev, uint64_t resident)
{
	uint64_t end = pan_now_ms() + DEADLINE_MS, size, now;

	do {
		if (pan_gems_totals(dev, &size, &now))
			return 0;
		if (now <= resident)
			return 0;
		pan_sleep_ms(10);
	} while (pan_now_ms() < end);
	return pan_error(-ETIME, "%llu bytes instead of %llu are resident",
			 (unsigned long long)now, (unsigned long long)resident);
}

static int job_runs(struct pan_ctx *ctx)
{
	static uint32_t value = 100;

	value++;
	pan_cs_store32(pan_ctx_begin(ctx, 1), pan_flag_va(5), value);
	if (pan_ctx_run(ctx, 1))
		return -EIO;
	return *pan_flag(ctx, 5) == value ? 0 : -EILSEQ;
}

TEST_F(process, killed_client_leaves_nothing_behind)
{
	pid_t pid = pan_spawn(endless_client, (void *)self->shared);

	ASSERT_LT(0, pid);
	ASSERT_OK(pan_wait_word(self->shared, 1, DEADLINE_MS));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, pan_join(pid, pan_now_ms() + DEADLINE_MS));
	EXPECT_OK(job_runs(&self->ctx));
	EXPECT_OK(wait_resident(&self->dev, self->resident));
}

TEST_F(process, many_killed_clients_leave_nothing_behind)
{
	enum { CLIENTS = 10 };
	pid_t pids[CLIENTS];
	int i;

	for (i = 0; i < CLIENTS; i++) {
		pids[i] = pan_spawn(endless_client, (void *)self->shared);
		ASSERT_LT(0, pids[i]);
	}
	EXPECT_OK(pan_wait_word(self->shared, CLIENTS, DEADLINE_MS));
	for (i = 0; i < CLIENTS; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < CLIENTS; i++)
		EXPECT_EQ(128 + SIGKILL, pan_join(pids[i], pan_now_ms() + DEADLINE_MS));
	EXPECT_OK(job_runs(&self->ctx));
	EXPECT_OK(wait_resident(&self->dev, self->resident));
}

TEST_F(process, client_killed_while_it_allocates)
{
	int i;

	for (i = 0; i < 10; i++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid) {
			struct pan_dev dev;
			struct pan_ctx ctx;
			struct pan_bo bo;

			if (pan_open(&dev) || pan_ctx_init(&ctx, &dev, 1))
				_exit(1);
			while (!pan_ctx_bo(&ctx, PAN_MIB, true, &bo))
				pan_ctx_bo_free(&ctx, &bo);
			_exit(1);
		}
		pan_sleep_ms(5 + 7 * i);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, pan_join(pid, pan_now_ms() + DEADLINE_MS));
	}
	EXPECT_OK(job_runs(&self->ctx));
	EXPECT_OK(wait_resident(&self->dev, self->resident));
}

TEST_F(process, file_closed_with_a_running_job)
{
	struct pan_dev dev;
	struct pan_ctx ctx;

	ASSERT_OK(pan_open(&dev));
	ASSERT_OK(pan_ctx_init(&ctx, &dev, 1));
	pan_cs_spin_until(pan_ctx_begin(&ctx, 0), pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(&ctx, 0));
	pan_ctx_bo_unmap(&ctx.flags);
	pan_ctx_bo_unmap(&ctx.streams);
	pan_close(&dev);
	EXPECT_OK(job_runs(&self->ctx));
	EXPECT_OK(wait_resident(&self->dev, self->resident));
}

TEST_F(process, forked_child_uses_the_same_objects)
{
	struct pan_ctx *ctx = &self->ctx;
	struct pan_bo bo;
	pid_t pid;

	ASSERT_OK(pan_ctx_bo(ctx, SIZE, true, &bo));
	ASSERT_OK(pan_ctx_bo_map(ctx, &bo));
	pan_cs_fill(pan_ctx_begin(ctx, 0), bo.va, SIZE, 1);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		pan_cs_step(pan_ctx_begin(ctx, 1), bo.va, SIZE);
		_exit(pan_ctx_run(ctx, 1) ||
		      pan_pattern_check(bo.map, SIZE, 1, 1));
	}
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + DEADLINE_MS));

	/* The end of the child is not the end of the file. */
	pan_cs_step(pan_ctx_begin(ctx, 0), bo.va, SIZE);
	ASSERT_OK(pan_ctx_run(ctx, 0));
	EXPECT_EQ(0, pan_pattern_check(bo.map, SIZE, 1, 2));
}

TEST_F(process, child_goes_on_after_its_parent)
{
	volatile uint32_t *result = self->shared;
	pid_t pid = fork(), creator;

	ASSERT_LE(0, pid);
	if (!pid) {
		/* A grandchild with the parent's file, its creator exits. */
		struct pan_dev dev;
		struct pan_ctx ctx;

		if (pan_open(&dev) || pan_ctx_init(&ctx, &dev, 2))
			_exit(1);
		creator = getpid();
		pid = fork();
		if (pid)
			_exit(pid < 0);
		while (getppid() == creator)
			pan_sleep_ms(2);
		*result = job_runs(&ctx) ? 2 : 1;
		_exit(0);
	}
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + DEADLINE_MS));
	EXPECT_OK(pan_wait_word(result, 1, DEADLINE_MS));
	EXPECT_EQ(1, *result);
	EXPECT_OK(wait_resident(&self->dev, self->resident));
}

TEST_F(process, exec_closes_the_device)
{
	char child[PATH_MAX];
	struct pan_dev dev;
	pid_t pid;

	ASSERT_OK(pan_program("child", child, sizeof(child)));
	ASSERT_OK(pan_open(&dev));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		execl(child, child, "lacks", dev.node, NULL);
		_exit(127);
	}
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + DEADLINE_MS));
	EXPECT_OK(job_runs(&self->ctx));
	pan_close(&dev);
}

TEST_F(process, client_that_execs_leaves_nothing_behind)
{
	char child[PATH_MAX];
	pid_t pid;

	ASSERT_OK(pan_program("child", child, sizeof(child)));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct pan_dev dev;
		struct pan_ctx ctx;
		struct pan_bo bo;

		if (pan_open(&dev) || pan_ctx_init(&ctx, &dev, 1) ||
		    pan_ctx_bo(&ctx, 4 * PAN_MIB, true, &bo))
			_exit(1);
		pan_cs_spin_until(pan_ctx_begin(&ctx, 0), pan_flag_va(0));
		if (pan_ctx_submit(&ctx, 0))
			_exit(1);
		execl(child, child, "sleep", "1", NULL);
		_exit(127);
	}
	EXPECT_OK(wait_resident(&self->dev, self->resident));
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + DEADLINE_MS));
	EXPECT_OK(job_runs(&self->ctx));
}

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -EIO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* Handed over like a GPU process hands its device to a sandbox. */
TEST_F(process, device_can_be_handed_over)
{
	struct pan_ctx *ctx = &self->ctx;
	int sock[2], fd;
	pid_t pid;

	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct pan_dev dev;

		if (pan_open(&dev))
			_exit(1);
		_exit(send_fd(sock[1], dev.fd) != 0);
	}
	fd = receive_fd(sock[0]);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + DEADLINE_MS));
	pan_ctx_fini(ctx);
	close(self->dev.fd);
	self->dev.fd = fd;
	ASSERT_OK(pan_ctx_init(ctx, &self->dev, 2));
	EXPECT_OK(job_runs(ctx));
	close(sock[0]);
	close(sock[1]);
}

TEST_HARNESS_MAIN
