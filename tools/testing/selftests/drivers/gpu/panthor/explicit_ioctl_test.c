// SPDX-License-Identifier: GPL-2.0
/* DRM_IOCTL_PANTHOR_CLIENT_MEMORY: layout, bad input, amounts, pidfds. */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "explicit_common.h"

#define TIMEOUT_S	120
#define NOBODY		1000
#define SIZE		PAN_MIB
#define BOS		4

/* The same for 32-bit and 64-bit callers: no field needs padding that is not there. */
static_assert(sizeof(struct drm_panthor_client_memory) == 72, "size");
static_assert(offsetof(struct drm_panthor_client_memory, pidfd) == 8, "pidfd");
static_assert(offsetof(struct drm_panthor_client_memory, bytes) == 16, "bytes");
static_assert(offsetof(struct drm_panthor_client_memory, done) == 24, "done");
static_assert(offsetof(struct drm_panthor_client_memory, noswap) == 64, "noswap");

FIXTURE(client_memory)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct pan_bo bo[BOS];
	struct explicit_target *target;
};

/* One ioctl, not restarted: 0 or -errno. */
static int ask(int fd, struct drm_panthor_client_memory *args)
{
	return ioctl(fd, DRM_IOCTL_PANTHOR_CLIENT_MEMORY, args) ? -errno : 0;
}

static int pidfd_of(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

FIXTURE_SETUP(client_memory)
{
	uint32_t i;

	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
	for (i = 0; i < BOS; i++) {
		ASSERT_OK(pan_ctx_bo(&self->ctx, SIZE, true, &self->bo[i]));
		pan_cs_fill(pan_ctx_begin(&self->ctx, 0), self->bo[i].va, SIZE, i);
		ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	}
}

FIXTURE_TEARDOWN(client_memory)
{
	explicit_kill(self->target);
	pan_ctx_fini(&self->ctx);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

TEST_F_TIMEOUT(client_memory, what_makes_no_sense_is_einval, TIMEOUT_S)
{
	static const struct drm_panthor_client_memory cases[] = {
		{ .op = 3, .pidfd = -1 },
		{ .op = 0xffffffff, .pidfd = -1 },
		{ .op = DRM_PANTHOR_CLIENT_MEMORY_OUT, .pidfd = -1, .pad = 1 },
		{ .op = DRM_PANTHOR_CLIENT_MEMORY_OUT, .pidfd = -2 },
		{ .op = DRM_PANTHOR_CLIENT_MEMORY_OUT, .pidfd = -1, .flags = 2 },
		{ .op = DRM_PANTHOR_CLIENT_MEMORY_OUT, .pidfd = -1, .flags = 0x80000000 },
		{ .op = DRM_PANTHOR_CLIENT_MEMORY_IN, .pidfd = -1,
		  .flags = DRM_PANTHOR_CLIENT_MEMORY_NOWAIT },
		{ .op = DRM_PANTHOR_CLIENT_MEMORY_QUERY, .pidfd = -1,
		  .flags = DRM_PANTHOR_CLIENT_MEMORY_NOWAIT },
		{ .op = DRM_PANTHOR_CLIENT_MEMORY_QUERY, .pidfd = -1, .bytes = 1 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct drm_panthor_client_memory args = cases[i];

		EXPECT_EQ(-EINVAL, ask(self->dev.fd, &args)) {
			TH_LOG("case %u", i);
		}
		EXPECT_EQ(0, memcmp(&args, &cases[i], sizeof(args)));
	}
	EXPECT_EQ(-1, ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_CLIENT_MEMORY, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, engine_stat(&self->dev, "class_evicted_bos"));
}

TEST_F_TIMEOUT(client_memory, pidfds_that_are_none, TIMEOUT_S)
{
	struct drm_panthor_client_memory args = { .op = DRM_PANTHOR_CLIENT_MEMORY_OUT };
	pid_t pid;
	int fd;

	args.pidfd = 12345;
	EXPECT_EQ(-EBADF, ask(self->dev.fd, &args));
	args.pidfd = self->dev.fd;
	EXPECT_EQ(-EBADF, ask(self->dev.fd, &args));

	/* Of a process that has gone, before and after it has been waited for. */
	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(0);
	fd = pidfd_of(pid);
	ASSERT_LE(0, fd);
	args.pidfd = fd;
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + EXPLICIT_MS));
	EXPECT_EQ(-ESRCH, ask(self->dev.fd, &args));
	close(fd);
	EXPECT_EQ(-EBADF, ask(self->dev.fd, &args));
	EXPECT_EQ(0, engine_stat(&self->dev, "class_evicted_bos"));
}

/* Amounts are totals, so that a call can be repeated as it is. */
TEST_F_TIMEOUT(client_memory, amounts_are_totals, TIMEOUT_S)
{
	struct drm_panthor_client_memory args = {
		.op = DRM_PANTHOR_CLIENT_MEMORY_QUERY, .pidfd = -1,
	};
	uint64_t all;

	ASSERT_OK(ask(self->dev.fd, &args));
	all = args.resident;
	EXPECT_LE(BOS * SIZE, all);
	EXPECT_EQ(0, args.evicted);
	EXPECT_EQ(0, args.shared);
	EXPECT_EQ(0, args.done);

	args.op = DRM_PANTHOR_CLIENT_MEMORY_OUT;
	args.bytes = 1;
	ASSERT_OK(ask(self->dev.fd, &args));
	EXPECT_LE(1, args.evicted);
	EXPECT_LE(args.evicted, 2 * SIZE);
	EXPECT_EQ(args.done, args.evicted);
	EXPECT_EQ(all, args.resident + args.evicted);
	ASSERT_OK(ask(self->dev.fd, &args));
	EXPECT_EQ(args.done, args.evicted);

	args.bytes = ~0ull;
	ASSERT_OK(ask(self->dev.fd, &args));
	EXPECT_LE(BOS * SIZE, args.evicted);
	EXPECT_EQ(args.done, args.evicted);

	args.op = DRM_PANTHOR_CLIENT_MEMORY_IN;
	args.bytes = args.resident + SIZE;
	args.done = 0;
	ASSERT_OK(ask(self->dev.fd, &args));
	EXPECT_LE(SIZE, args.done);
	EXPECT_GT(BOS * SIZE, args.done);
	args.bytes = 0;
	ASSERT_OK(ask(self->dev.fd, &args));
	EXPECT_EQ(all, args.resident);
	EXPECT_EQ(0, args.evicted);
	EXPECT_EQ(0, engine_stat(&self->dev, "class_evicted_bos"));
}

/* BOs without handles and those of the driver count, and the file alone does. */
TEST_F_TIMEOUT(client_memory, bos_without_handles_count, TIMEOUT_S)
{
	struct drm_panthor_client_memory args = {
		.op = DRM_PANTHOR_CLIENT_MEMORY_QUERY, .pidfd = -1,
	};
	struct pan_dev second;
	uint64_t all;

	ASSERT_OK(ask(self->dev.fd, &args));
	all = args.resident;
	ASSERT_OK(pan_bo_close(&self->dev, self->bo[0].handle));
	ASSERT_OK(ask(self->dev.fd, &args));
	EXPECT_EQ(all, args.resident);
	args.op = DRM_PANTHOR_CLIENT_MEMORY_OUT;
	ASSERT_OK(ask(self->dev.fd, &args));
	EXPECT_LE(BOS * SIZE, args.evicted);
	args.op = DRM_PANTHOR_CLIENT_MEMORY_IN;
	ASSERT_OK(ask(self->dev.fd, &args));

	ASSERT_OK(pan_open(&second));
	args.op = DRM_PANTHOR_CLIENT_MEMORY_OUT;
	ASSERT_OK(ask(second.fd, &args));
	EXPECT_EQ(0, args.evicted);
	EXPECT_EQ(0, args.resident);
	pan_close(&second);
}

TEST_F_TIMEOUT(client_memory, another_process_by_pidfd, TIMEOUT_S)
{
	struct drm_panthor_client_memory args = { .op = DRM_PANTHOR_CLIENT_MEMORY_OUT };
	pid_t pid;

	self->target = explicit_start(1, 2);
	ASSERT_NE(NULL, self->target);
	args.pidfd = pidfd_of(self->target->pid);
	ASSERT_LE(0, args.pidfd);

	/* Without privileges it is EPERM, and nothing is told. */
	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(200);
		args.op = DRM_PANTHOR_CLIENT_MEMORY_QUERY;
		_exit(-ask(self->dev.fd, &args) ?: args.resident != 0);
	}
	EXPECT_EQ(EPERM, pan_join(pid, pan_now_ms() + EXPLICIT_MS));

	EXPECT_OK(ask(self->dev.fd, &args));
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	EXPECT_LE(8 * PAN_MIB, args.evicted);
	args.op = DRM_PANTHOR_CLIENT_MEMORY_IN;
	EXPECT_OK(ask(self->dev.fd, &args));
	EXPECT_EQ(0, args.evicted);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));

	/* Busy memory is told, and not waited for. */
	ASSERT_OK(explicit_order(self->target, EXPLICIT_SPIN));
	args.op = DRM_PANTHOR_CLIENT_MEMORY_OUT;
	args.flags = DRM_PANTHOR_CLIENT_MEMORY_NOWAIT;
	EXPECT_EQ(-EBUSY, ask(self->dev.fd, &args));
	EXPECT_LT(0, args.busy);
	EXPECT_LT(0, args.evicted);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_RELAX));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
	close(args.pidfd);
}

struct out_call {
	struct pan_dev *dev;
	struct drm_panthor_client_memory args;
	int ret;
	volatile bool over;
};

static void *call_out(void *arg)
{
	struct out_call *call = arg;

	call->args = (struct drm_panthor_client_memory) {
		.op = DRM_PANTHOR_CLIENT_MEMORY_OUT, .pidfd = -1,
	};
	call->ret = ask(call->dev->fd, &call->args);
	__sync_synchronize();
	call->over = true;
	return NULL;
}

/* A call that waits for a job knows of the dma-buf, and is no other user of it. */
TEST_F_TIMEOUT(client_memory, own_dmabuf_is_not_shared_beside_another_call, TIMEOUT_S)
{
	struct drm_panthor_client_memory args = {
		.op = DRM_PANTHOR_CLIENT_MEMORY_QUERY, .pidfd = -1,
	};
	struct out_call call = { .dev = &self->dev };
	uint32_t beside = 0, handle;
	pthread_t thread;
	void *map;
	int fd;

	ASSERT_OK(pan_bo_create(&self->dev, SIZE, 0, 0, &handle));
	fd = pan_bo_export(&self->dev, handle, DRM_CLOEXEC | DRM_RDWR);
	ASSERT_LE(0, fd);
	map = pan_bo_mmap(&self->dev, handle, SIZE);
	ASSERT_NE(NULL, map);
	memset(map, 1, SIZE);
	ASSERT_OK(explicit_spin(&self->ctx));
	ASSERT_EQ(0, pthread_create(&thread, NULL, call_out, &call));
	while (!call.over && engine_stat(&self->dev, "class_evicted_pages") < SIZE / PAN_PAGE)
		pan_sleep_ms(1);
	for (;;) {
		ASSERT_OK(ask(self->dev.fd, &args));
		if (call.over)
			break;
		beside++;
		EXPECT_EQ(0, args.shared);
		EXPECT_LE(SIZE, args.evicted);
	}
	pthread_join(thread, NULL);
	EXPECT_LT(0, beside);
	EXPECT_EQ(-EBUSY, call.ret);
	EXPECT_EQ(0, call.args.shared);
	EXPECT_EQ(SIZE, call.args.done);
	*pan_flag(&self->ctx, 0) = 1;
	EXPECT_OK(pan_ctx_wait(&self->ctx, 0));
	munmap(map, SIZE);
	close(fd);
	EXPECT_OK(pan_bo_close(&self->dev, handle));
}

static void tick(int sig)
{
	(void)sig;
}

/* What was done until the signal came is told, and added to when the call is repeated. */
TEST_F_TIMEOUT(client_memory, interrupted_call_tells_what_it_did, TIMEOUT_S)
{
	struct drm_panthor_client_memory args = {
		.op = DRM_PANTHOR_CLIENT_MEMORY_QUERY, .pidfd = -1,
	};
	struct itimerval timer = {
		.it_interval.tv_usec = 50000, .it_value.tv_usec = 50000,
	}, off = {};
	struct sigaction action = { .sa_handler = tick };
	uint64_t all, pinned;
	uint32_t handle;
	void *map;

	/* No job uses this one. */
	ASSERT_OK(pan_bo_create(&self->dev, SIZE, 0, 0, &handle));
	map = pan_bo_mmap(&self->dev, handle, SIZE);
	ASSERT_NE(NULL, map);
	memset(map, 1, SIZE);
	ASSERT_OK(ask(self->dev.fd, &args));
	all = args.resident;
	pinned = args.busy;
	ASSERT_OK(explicit_spin(&self->ctx));

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &timer, NULL));
	args.op = DRM_PANTHOR_CLIENT_MEMORY_OUT;
	EXPECT_EQ(-EINTR, ask(self->dev.fd, &args));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &off, NULL));
	EXPECT_EQ(SIZE, args.done);
	EXPECT_EQ(SIZE, args.evicted);
	EXPECT_EQ(all, args.resident + args.evicted);
	EXPECT_LE(pinned + BOS * SIZE, args.busy);

	*pan_flag(&self->ctx, 0) = 1;
	ASSERT_OK(pan_ctx_wait(&self->ctx, 0));
	EXPECT_OK(ask(self->dev.fd, &args));
	EXPECT_LE((BOS + 1) * SIZE, args.done);
	EXPECT_EQ(args.done, args.evicted);
	EXPECT_EQ(pinned, args.busy);
	munmap(map, SIZE);
	EXPECT_OK(pan_bo_close(&self->dev, handle));
}

TEST_HARNESS_MAIN
