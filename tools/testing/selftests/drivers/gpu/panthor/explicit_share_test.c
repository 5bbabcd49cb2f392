// SPDX-License-Identifier: GPL-2.0
/*
 * What another process uses, too, is left alone by reclaim and counted, whatever
 * the way it got there; and it comes back with a claim all the same.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "explicit_common.h"

#define SIZE		PAN_MIB
#define PAGES		(SIZE / PAN_PAGE)
#define TIMEOUT_S	120

/* Stages of the two processes, in memory that both see. */
struct stage {
	volatile uint32_t word;
	volatile uint32_t over;
};

FIXTURE(share)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct pan_bo bo;
	struct pan_bo own;
	uint32_t seed;
	uint32_t steps;
	struct stage *stage;
	int sock[2];
	pid_t pid;
};

/* The BO that is shared, and one beside it that is not. */
FIXTURE_SETUP(share)
{
	self->pid = -1;
	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
	self->seed = pan_seed(50, 0);
	self->stage = pan_shared_alloc(sizeof(*self->stage));
	ASSERT_NE(NULL, self->stage);
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, self->sock));
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
	ASSERT_OK(pan_ctx_bo(&self->ctx, SIZE, false, &self->bo));
	ASSERT_OK(pan_ctx_bo(&self->ctx, SIZE, true, &self->own));
	pan_cs_fill(pan_ctx_begin(&self->ctx, 0), self->bo.va, SIZE, self->seed);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	pan_cs_fill(pan_ctx_begin(&self->ctx, 0), self->own.va, SIZE, self->seed);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
}

FIXTURE_TEARDOWN(share)
{
	self->stage->over = 1;
	if (self->pid > 0) {
		EXPECT_EQ(0, pan_join(self->pid, pan_now_ms() + EXPLICIT_MS));
		EXPECT_OK(engine_books(&self->dev));
	}
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
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

/* The other process: without the files it was forked with, unless told otherwise. */
static pid_t fork_other(struct pan_dev *dev)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		close(dev->fd);
	return pid;
}

static void wait_over(struct stage *stage)
{
	while (!stage->over)
		pan_sleep_ms(2);
}

static int64_t evicted(struct pan_dev *dev)
{
	return engine_stat(dev, "class_evicted_pages");
}

/*
 * Reclaims this process, of which only what is its own may go, and checks what it
 * has by jobs. How much stayed, in BOs.
 */
#define EXPECT_LEFT_ALONE() do { \
	int64_t foreign = engine_stat(&self->dev, "skip_foreign"); \
	int64_t own = evicted(&self->dev); \
	EXPECT_OK(explicit_reclaim(&self->dev, getpid())); \
	EXPECT_LT(foreign, engine_stat(&self->dev, "skip_foreign")); \
	own = evicted(&self->dev) - own; \
	EXPECT_GE(own, (int64_t)PAGES); \
	EXPECT_LT(own, (int64_t)(2 * PAGES)); \
	EXPECT_OK(explicit_claim(&self->dev, getpid())); \
	EXPECT_OK(step(self)); \
} while (0)

#define EXPECT_GOES() do { \
	int64_t own = evicted(&self->dev); \
	EXPECT_OK(explicit_reclaim(&self->dev, getpid())); \
	EXPECT_GE(evicted(&self->dev) - own, (int64_t)(2 * PAGES)); \
	EXPECT_OK(explicit_claim(&self->dev, getpid())); \
	EXPECT_OK(step(self)); \
} while (0)

static int step(FIXTURE_DATA(share) *self)
{
	int ret;

	pan_cs_step(pan_ctx_begin(&self->ctx, 0), self->bo.va, SIZE);
	ret = pan_ctx_run(&self->ctx, 0);
	if (ret)
		return ret;
	pan_cs_step(pan_ctx_begin(&self->ctx, 0), self->own.va, SIZE);
	ret = pan_ctx_run(&self->ctx, 0);
	if (ret)
		return ret;
	self->steps++;
	ret = pan_ctx_bo_map(&self->ctx, &self->bo) ?: pan_ctx_bo_map(&self->ctx, &self->own);
	if (ret)
		return ret;
	ret = pan_pattern_check(self->bo.map, SIZE, self->seed, self->steps) ||
	      pan_pattern_check(self->own.map, SIZE, self->seed, self->steps);
	pan_ctx_bo_unmap(&self->bo);
	pan_ctx_bo_unmap(&self->own);
	return ret ? -EILSEQ : 0;
}

TEST_F_TIMEOUT(share, nobody_shares_it, TIMEOUT_S)
{
	EXPECT_GOES();
}

/* The process's own second file is no other process. */
TEST_F_TIMEOUT(share, two_files_of_one_process, TIMEOUT_S)
{
	struct pan_dev second;
	struct pan_ctx ctx;
	uint32_t handle;
	int fd;

	ASSERT_OK(pan_open(&second));
	ASSERT_OK(pan_ctx_init(&ctx, &second, 1));
	fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC | DRM_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_OK(pan_bo_import(&second, fd, &handle));
	ASSERT_OK(pan_vm_map(&second, ctx.vm, handle, 0, 0x300000000ull, SIZE, PAN_MAP_RW));
	close(fd);
	EXPECT_GOES();
	pan_ctx_fini(&ctx);
	pan_close(&second);
}

TEST_F_TIMEOUT(share, imported_and_mapped_by_another_process, TIMEOUT_S)
{
	struct stage *stage = self->stage;
	int fd;

	self->pid = fork_other(&self->dev);
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		struct pan_dev dev;
		struct pan_ctx ctx;
		uint32_t handle;

		fd = receive_fd(self->sock[1]);
		if (fd < 0 || pan_open(&dev) || pan_ctx_init(&ctx, &dev, 1) ||
		    pan_bo_import(&dev, fd, &handle) ||
		    pan_vm_map(&dev, ctx.vm, handle, 0, 0x300000000ull, SIZE, PAN_MAP_RW))
			_exit(1);
		close(fd);
		stage->word = 1;
		while (stage->word < 2)
			pan_sleep_ms(2);
		/* The handle goes, the mapping stays. */
		if (pan_bo_close(&dev, handle))
			_exit(2);
		stage->word = 3;
		wait_over(stage);
		_exit(0);
	}
	fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC | DRM_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_OK(send_fd(self->sock[0], fd));
	close(fd);
	ASSERT_OK(pan_wait_word(&stage->word, 1, EXPLICIT_MS));
	EXPECT_LEFT_ALONE();
	stage->word = 2;
	ASSERT_OK(pan_wait_word(&stage->word, 3, EXPLICIT_MS));
	EXPECT_LEFT_ALONE();
	stage->over = 1;
	EXPECT_EQ(0, pan_join(self->pid, pan_now_ms() + EXPLICIT_MS));
	self->pid = -1;

	/* Nobody else has it any more. */
	EXPECT_GOES();
}

/* The process's own descriptors of a dma-buf exempt nothing, however many there are. */
TEST_F_TIMEOUT(share, exported_with_the_descriptor_kept, TIMEOUT_S)
{
	int fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC | DRM_RDWR);
	int second = dup(fd);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, second);
	EXPECT_GOES();
	close(second);
	close(fd);
	EXPECT_GOES();
}

/* On its way to a display server that has not looked yet. */
TEST_F_TIMEOUT(share, exported_and_sent, TIMEOUT_S)
{
	int fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC | DRM_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_OK(send_fd(self->sock[0], fd));
	EXPECT_LEFT_ALONE();
	close(fd);
	EXPECT_LEFT_ALONE();
	fd = receive_fd(self->sock[1]);
	ASSERT_LE(0, fd);
	EXPECT_GOES();
	close(fd);
}

/* DRM has forgotten the dma-buf with the last handle, the receiver has not. */
TEST_F_TIMEOUT(share, exported_and_the_handle_closed, TIMEOUT_S)
{
	int fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC | DRM_RDWR);
	int64_t foreign, before;

	ASSERT_LE(0, fd);
	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		close(self->dev.fd);
		self->stage->word = 1;
		wait_over(self->stage);
		_exit(0);
	}
	ASSERT_OK(pan_wait_word(&self->stage->word, 1, EXPLICIT_MS));
	close(fd);
	ASSERT_OK(pan_bo_close(&self->dev, self->bo.handle));
	foreign = engine_stat(&self->dev, "skip_foreign");
	before = evicted(&self->dev);
	EXPECT_OK(explicit_reclaim(&self->dev, getpid()));
	EXPECT_LT(foreign, engine_stat(&self->dev, "skip_foreign"));
	EXPECT_GT((int64_t)(2 * PAGES), evicted(&self->dev) - before);

	/* Once the receiver is gone, no other process uses it. */
	self->stage->over = 1;
	EXPECT_EQ(0, pan_join(self->pid, pan_now_ms() + EXPLICIT_MS));
	self->pid = -1;
	EXPECT_OK(explicit_reclaim(&self->dev, getpid()));
	EXPECT_LE((int64_t)(2 * PAGES), evicted(&self->dev) - before);
}

/* The same open file in two processes, after fork: the memory of either. */
TEST_F_TIMEOUT(share, file_of_a_forked_child, TIMEOUT_S)
{
	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		self->stage->word = 1;
		wait_over(self->stage);
		_exit(0);
	}
	ASSERT_OK(pan_wait_word(&self->stage->word, 1, EXPLICIT_MS));
	EXPECT_GOES();
	EXPECT_OK(explicit_reclaim(&self->dev, self->pid));
	EXPECT_LE((int64_t)(2 * PAGES), evicted(&self->dev));
	EXPECT_OK(explicit_claim(&self->dev, self->pid));
	EXPECT_EQ(0, evicted(&self->dev));
	EXPECT_OK(step(self));
}

/*
 * The file is handed on and closed here, so it is the other's now; last used by
 * whom makes no difference.
 */
TEST_F_TIMEOUT(share, file_that_was_handed_on, TIMEOUT_S)
{
	struct pan_dev dev;
	struct pan_bo bo;
	struct pan_ctx ctx;
	pid_t other;

	/* Without this one's files. */
	other = fork_other(&self->dev);
	ASSERT_LE(0, other);
	if (!other) {
		self->stage->word = 1;
		if (receive_fd(self->sock[1]) < 0)
			_exit(1);
		self->stage->word = 2;
		wait_over(self->stage);
		_exit(0);
	}
	self->pid = other;
	ASSERT_OK(pan_wait_word(&self->stage->word, 1, EXPLICIT_MS));
	EXPECT_EQ(-ESRCH, explicit_reclaim(&self->dev, other));

	ASSERT_OK(pan_open(&dev));
	ASSERT_OK(pan_ctx_init(&ctx, &dev, 1));
	ASSERT_OK(pan_ctx_bo(&ctx, SIZE, true, &bo));
	pan_cs_fill(pan_ctx_begin(&ctx, 0), bo.va, SIZE, 1);
	ASSERT_OK(pan_ctx_run(&ctx, 0));
	ASSERT_OK(send_fd(self->sock[0], dev.fd));
	ASSERT_OK(pan_wait_word(&self->stage->word, 2, EXPLICIT_MS));

	/* Both have it: either may be named. This one used it last. */
	EXPECT_OK(explicit_reclaim(&self->dev, other));
	EXPECT_LE((int64_t)PAGES, evicted(&self->dev));
	EXPECT_OK(explicit_claim(&self->dev, other));
	EXPECT_EQ(0, evicted(&self->dev));

	/* CPU mappings hold the file, but do not make it this one's. */
	pan_close(&dev);
	EXPECT_OK(explicit_reclaim(&self->dev, other));
	EXPECT_LE((int64_t)PAGES, evicted(&self->dev));
	EXPECT_OK(explicit_claim(&self->dev, other));
	EXPECT_EQ(0, evicted(&self->dev));
	EXPECT_OK(step(self));
}

TEST_HARNESS_MAIN
