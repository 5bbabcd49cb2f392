// SPDX-License-Identifier: GPL-2.0
/*
 * Swap out buffers of a real TTM driver, and see them come back unharmed.
 *
 * Uses dumb buffers of the first device whose driver is known to have them in
 * TTM's system memory. Needs root, and changes the module parameter
 * ttm.pages_limit for the time it runs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "../../../kselftest_harness.h"

#define PAGES_LIMIT	"/sys/module/ttm/parameters/pages_limit"
#define TT_SHRINK	"/sys/kernel/debug/ttm/tt_shrink"
#define CGROUPS		"/sys/fs/cgroup"
#define CGROUP		CGROUPS "/ttm-swapout"
#define CHILD		CGROUP "/child"
#define STAT_REFRESH	"/proc/sys/vm/stat_refresh"
#define SHMEM_ENABLED	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* Seconds for each test: the machine may be an emulated one. */
#define TIME_LIMIT	300

#define NR_BUFFERS	12
#define WIDTH		1024
#define HEIGHT		1024
#define BUFFER_SIZE	((size_t)WIDTH * HEIGHT * 4)

struct buffer {
	uint32_t handle;
	size_t size;
	uint64_t *map;
};

static const char * const drivers[] = { "qxl", "vmwgfx", "radeon", "nouveau", "amdgpu" };

/* A card of a driver that has dumb buffers in TTM, or -1. */
static int open_card(void)
{
	char path[32], name[32];
	unsigned int i, j;
	int fd;

	for (i = 0; i < 16; i++) {
		struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

		snprintf(path, sizeof(path), "/dev/dri/card%u", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		memset(name, 0, sizeof(name));
		if (!ioctl(fd, DRM_IOCTL_VERSION, &version))
			for (j = 0; j < sizeof(drivers) / sizeof(*drivers); j++)
				if (!strcmp(name, drivers[j]))
					return fd;
		close(fd);
	}
	return -1;
}

/* A number in a file, or in the line of a file that starts with @key. */
static long read_number(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	char line[256];
	long value = -1;

	while (file && fgets(line, sizeof(line), file)) {
		if (key && strncmp(line, key, strlen(key)))
			continue;
		value = strtol(line + (key ? strlen(key) : 0), NULL, 10);
		break;
	}
	if (file)
		fclose(file);
	return value;
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int n = strlen(text);
	int ret = fd < 0 || write(fd, text, n) != n ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return ret;
}

static int write_number(const char *path, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", value);
	return write_text(path, text);
}

static int map(int fd, struct buffer *buffer, uint32_t handle, size_t size)
{
	struct drm_mode_map_dumb map = { .handle = handle };

	buffer->handle = handle;
	buffer->size = size;
	if (ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map))
		return -errno;
	buffer->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, map.offset);
	return buffer->map == MAP_FAILED ? -errno : 0;
}

static int create(int fd, struct buffer *buffer)
{
	struct drm_mode_create_dumb make = { .width = WIDTH, .height = HEIGHT, .bpp = 32 };

	if (ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &make))
		return -errno;
	return map(fd, buffer, make.handle, make.size);
}

static void destroy(int fd, struct buffer *buffer)
{
	struct drm_mode_destroy_dumb destroy = { .handle = buffer->handle };

	if (buffer->map && buffer->map != MAP_FAILED)
		munmap(buffer->map, buffer->size);
	if (buffer->handle)
		ioctl(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
	memset(buffer, 0, sizeof(*buffer));
}

/* Compressible, as most contents are, but with no page like another. */
static uint64_t pattern(unsigned int buffer, unsigned int round, size_t word)
{
	return (word & 7) ? (uint64_t)(word >> 9) << 20 | (buffer << 8) | round :
			    word * 0x9e3779b97f4a7c15ULL + buffer * 131 + round;
}

static void fill(struct buffer *buffer, unsigned int nr, unsigned int round)
{
	size_t i;

	for (i = 0; i < buffer->size / sizeof(*buffer->map); i++)
		buffer->map[i] = pattern(nr, round, i);
}

static size_t count_bad(struct buffer *buffer, unsigned int nr, unsigned int round)
{
	size_t i, bad = 0;

	for (i = 0; i < buffer->size / sizeof(*buffer->map); i++)
		bad += buffer->map[i] != pattern(nr, round, i);
	return bad;
}

/* Swap out what TTM can, one object after another. */
static long swap_out_all(void)
{
	long n, pages = 0;

	while ((n = read_number(TT_SHRINK, NULL)) > 0)
		pages += n;
	return n < 0 ? n : pages;
}

FIXTURE(ttm_swapout)
{
	int fd;
	long limit;
	struct buffer buffer[NR_BUFFERS];
};

FIXTURE_SETUP(ttm_swapout)
{
	unsigned int i;

	if (geteuid())
		SKIP(return, "needs root");
	self->limit = read_number(PAGES_LIMIT, NULL);
	if (self->limit < 0)
		SKIP(return, "no " PAGES_LIMIT ": the kernel has no TTM");
	self->fd = open_card();
	if (self->fd < 0)
		SKIP(return, "no device with a TTM driver that has dumb buffers");
	for (i = 0; i < NR_BUFFERS; i++)
		ASSERT_EQ(0, create(self->fd, &self->buffer[i]));
}

FIXTURE_TEARDOWN(ttm_swapout)
{
	unsigned int i;

	if (self->fd <= 0)
		return;
	for (i = 0; i < NR_BUFFERS; i++)
		destroy(self->fd, &self->buffer[i]);
	close(self->fd);
	write_number(PAGES_LIMIT, self->limit);
}

/* TTM's limit is a quarter of the buffers: each new one drives another out. */
TEST_F_TIMEOUT(ttm_swapout, page_limit, TIME_LIMIT)
{
	long shmem, quarter = NR_BUFFERS / 4 * BUFFER_SIZE / sysconf(_SC_PAGESIZE);
	unsigned int i, round;

	shmem = read_number("/proc/meminfo", "Shmem:");
	ASSERT_EQ(0, write_number(PAGES_LIMIT, quarter));
	for (round = 0; round < 3; round++) {
		for (i = 0; i < NR_BUFFERS; i++) {
			if (round)
				EXPECT_EQ(0, count_bad(&self->buffer[i], i, round - 1));
			fill(&self->buffer[i], i, round);
		}
		/* Half of all at the very least is out */
		EXPECT_GT(read_number("/proc/meminfo", "Shmem:") - shmem +
			  read_number("/proc/vmstat", "pswpout ") * 4,
			  NR_BUFFERS / 2 * BUFFER_SIZE / 1024);
	}
	for (i = 0; i < NR_BUFFERS; i++)
		EXPECT_EQ(0, count_bad(&self->buffer[i], i, round - 1));
}

/* All are swapped out and come back, in an order of their own. */
TEST_F_TIMEOUT(ttm_swapout, explicit, TIME_LIMIT)
{
	unsigned int i, round;

	if (access(TT_SHRINK, R_OK))
		SKIP(return, "no " TT_SHRINK);
	for (i = 0; i < NR_BUFFERS; i++)
		fill(&self->buffer[i], i, 0);
	for (round = 0; round < 3; round++) {
		EXPECT_GE(swap_out_all(),
			  NR_BUFFERS * BUFFER_SIZE / sysconf(_SC_PAGESIZE));
		for (i = 0; i < NR_BUFFERS; i++) {
			unsigned int nr = (i * 5 + round) % NR_BUFFERS;

			EXPECT_EQ(0, count_bad(&self->buffer[nr], nr, 0));
		}
	}
}

/* Other memory is needed so badly that what was swapped out leaves memory. */
TEST_F_TIMEOUT(ttm_swapout, memory_pressure, TIME_LIMIT)
{
	long before = read_number("/proc/vmstat", "pswpout ");
	long total = read_number("/proc/meminfo", "MemAvailable:");
	unsigned int i;
	pid_t pid;
	int status;

	if (access(TT_SHRINK, R_OK))
		SKIP(return, "no " TT_SHRINK);
	if (read_number("/proc/meminfo", "SwapTotal:") <= 0)
		SKIP(return, "no swap");
	for (i = 0; i < NR_BUFFERS; i++)
		fill(&self->buffer[i], i, 7);
	ASSERT_GT(swap_out_all(), 0);

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		/* Nearly all that is left, plus what the buffers were */
		size_t size = ((size_t)total - 16 * 1024) * 1024, j;
		char *hog = mmap(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (hog == MAP_FAILED)
			_exit(1);
		for (j = 0; j < size; j += 4096)
			hog[j] = j >> 12;
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_GT(read_number("/proc/vmstat", "pswpout "), before);
	for (i = 0; i < NR_BUFFERS; i++)
		EXPECT_EQ(0, count_bad(&self->buffer[i], i, 7));
}

/* Several processes use their buffers while TTM swaps them out. */
TEST_F_TIMEOUT(ttm_swapout, concurrent_use, TIME_LIMIT)
{
	pid_t pid[3];
	unsigned int i, j;
	int status;

	if (access(TT_SHRINK, R_OK))
		SKIP(return, "no " TT_SHRINK);
	for (i = 0; i < 3; i++) {
		pid[i] = fork();
		ASSERT_GE(pid[i], 0);
		if (pid[i])
			continue;
		for (j = 0; j < 8; j++) {
			struct buffer *mine = &self->buffer[i * 4 + j % 4];
			unsigned int nr = i * 4 + j % 4;

			if (j >= 4 && count_bad(mine, nr, j - 4))
				_exit(1);
			fill(mine, nr, j);
			if (count_bad(mine, nr, j))
				_exit(2);
		}
		_exit(0);
	}
	for (i = 0; i < 20; i++)
		swap_out_all();
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	for (i = 0; i < 3; i++)
		for (j = 4; j < 8; j++)
			EXPECT_EQ(0, count_bad(&self->buffer[i * 4 + j % 4],
					       i * 4 + j % 4, j));
}

/* What shmem would make of its own pages is nothing to pages that are given to it. */
TEST_F_TIMEOUT(ttm_swapout, huge_shmem, TIME_LIMIT)
{
	static const char * const policies[] = { "force", "deny", "never" };
	long shmem = read_number("/proc/meminfo", "Shmem:");
	unsigned int i, j;

	if (access(TT_SHRINK, R_OK))
		SKIP(return, "no " TT_SHRINK);
	if (write_text(SHMEM_ENABLED, "never"))
		SKIP(return, "no " SHMEM_ENABLED);
	for (i = 0; i < NR_BUFFERS; i++)
		fill(&self->buffer[i], i, 6);
	for (j = 0; j < sizeof(policies) / sizeof(*policies); j++) {
		ASSERT_EQ(0, write_text(SHMEM_ENABLED, policies[j]));
		EXPECT_GE(swap_out_all(),
			  NR_BUFFERS * BUFFER_SIZE / sysconf(_SC_PAGESIZE));
		for (i = 0; i < NR_BUFFERS; i++)
			EXPECT_EQ(0, count_bad(&self->buffer[i], i, 6));
		/* Nothing of them stays in shmem, which counts approximately */
		EXPECT_LT(read_number("/proc/meminfo", "Shmem:") - shmem, 2048);
	}
}

/* A cgroup with a limit that cannot swap. */
static int make_cgroup(long max)
{
	int ret;

	write_text(CGROUPS "/cgroup.subtree_control", "+memory");
	if (mkdir(CGROUP, 0755) && errno != EEXIST)
		return -errno;
	ret = write_number(CGROUP "/memory.max", max);
	return ret ? ret : write_number(CGROUP "/memory.swap.max", 0);
}

/* A cgroup below that one, with a limit as well. */
static int make_child(long max)
{
	int ret = write_text(CGROUP "/cgroup.subtree_control", "+memory");

	if (ret)
		return ret;
	if (mkdir(CHILD, 0755) && errno != EEXIST)
		return -errno;
	return write_number(CHILD "/memory.max", max);
}

/* Run in a process of a cgroup. Returns what waitpid() says. */
static int in_cgroup(const char *procs, int (*run)(int fd, uint32_t *handle), int fd,
		     uint32_t *handle)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		if (write_number(procs, getpid()))
			_exit(1);
		_exit(run(fd, handle));
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static int create_all(int fd, uint32_t *handle)
{
	struct drm_mode_create_dumb make = { .width = WIDTH, .height = HEIGHT, .bpp = 32 };
	unsigned int i;

	for (i = 0; i < NR_BUFFERS; i++) {
		if (ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &make))
			return 2;
		handle[i] = make.handle;
	}
	return 0;
}

static int swap_all(int fd, uint32_t *handle)
{
	return swap_out_all() < 0 ? 2 : 0;
}

/* A task in a cgroup swaps out what is none of its own: it is not charged. */
TEST_F_TIMEOUT(ttm_swapout, memcg_of_another, TIME_LIMIT)
{
	const long max = 8 << 20;
	unsigned int i;

	if (access(TT_SHRINK, R_OK))
		SKIP(return, "no " TT_SHRINK);
	if (make_cgroup(max))
		SKIP(return, "no memory cgroups with a swap limit");
	for (i = 0; i < NR_BUFFERS; i++)
		fill(&self->buffer[i], i, 5);
	EXPECT_EQ(0, in_cgroup(CGROUP "/cgroup.procs", swap_all, self->fd, NULL));
	EXPECT_LT(read_number(CGROUP "/memory.peak", NULL), max / 2);
	for (i = 0; i < NR_BUFFERS; i++)
		EXPECT_EQ(0, count_bad(&self->buffer[i], i, 5));
	rmdir(CGROUP);
}

/* Have a process of a cgroup make all buffers, and fill them. Returns 0, or -1. */
static int make_buffers_in(const char *procs, int fd, struct buffer *buffer)
{
	uint32_t *handle = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	if (handle == MAP_FAILED)
		return -1;
	for (i = 0; i < NR_BUFFERS; i++)
		destroy(fd, &buffer[i]);
	if (in_cgroup(procs, create_all, fd, handle))
		return -1;
	for (i = 0; i < NR_BUFFERS; i++) {
		if (map(fd, &buffer[i], handle[i], BUFFER_SIZE))
			return -1;
		fill(&buffer[i], i, 5);
	}
	return munmap(handle, 4096);
}

/* What a cgroup has made is charged to it, up to its limit, by any other task. */
TEST_F_TIMEOUT(ttm_swapout, memcg_of_creator, TIME_LIMIT)
{
	const long max = 8 << 20;
	unsigned int i;
	long peak;

	if (access(TT_SHRINK, R_OK))
		SKIP(return, "no " TT_SHRINK);
	if (make_cgroup(max))
		SKIP(return, "no memory cgroups with a swap limit");
	ASSERT_EQ(0, make_buffers_in(CGROUP "/cgroup.procs", self->fd, self->buffer));
	/* Most of it stays where it is */
	EXPECT_GT(swap_out_all(), 0);
	peak = read_number(CGROUP "/memory.peak", NULL);
	EXPECT_GT(peak, max / 2);
	EXPECT_LE(peak, max);
	for (i = 0; i < NR_BUFFERS; i++)
		EXPECT_EQ(0, count_bad(&self->buffer[i], i, 5));
	rmdir(CGROUP);
}

/*
 * A cgroup is gone, but what it has made is not: that is charged to the parent, and
 * a limit that no longer exists is not reached, however often it goes out and in.
 */
TEST_F_TIMEOUT(ttm_swapout, memcg_of_creator_is_gone, TIME_LIMIT)
{
	const long size = NR_BUFFERS * BUFFER_SIZE;
	unsigned int i, round;

	if (access(TT_SHRINK, R_OK))
		SKIP(return, "no " TT_SHRINK);
	if (make_cgroup(4 * size) || make_child(2 * size))
		SKIP(return, "no memory cgroups with a swap limit");
	ASSERT_EQ(0, make_buffers_in(CHILD "/cgroup.procs", self->fd, self->buffer));
	ASSERT_EQ(0, rmdir(CHILD));
	for (round = 0; round < 4; round++) {
		EXPECT_GE(swap_out_all(), size / sysconf(_SC_PAGESIZE));
		EXPECT_GE(read_number(CGROUP "/memory.current", NULL), size);
		for (i = 0; i < NR_BUFFERS; i++)
			EXPECT_EQ(0, count_bad(&self->buffer[i], i, 5));
		EXPECT_LT(read_number(CGROUP "/memory.current", NULL), size);
	}
	for (i = 0; i < NR_BUFFERS; i++)
		destroy(self->fd, &self->buffer[i]);
	EXPECT_EQ(0, rmdir(CGROUP));
}

static volatile sig_atomic_t signals;

static void count_signal(int sig)
{
	signals++;
}

/*
 * Have the kernel read a pollfd out of a buffer that is swapped out, with a
 * signal that becomes deliverable on the way there. What the kernel returns, or
 * the negative errno.
 */
static long poll_in_buffer(struct buffer *buffer)
{
	struct timespec zero = { 0 };
	uint64_t none = 0, usr1 = 1ULL << (SIGUSR1 - 1);
	struct pollfd *pollfd = (struct pollfd *)buffer->map;

	*pollfd = (struct pollfd) { .fd = -1 };
	signal(SIGUSR1, count_signal);
	if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &usr1, NULL, sizeof(usr1)) ||
	    syscall(SYS_kill, getpid(), SIGUSR1) || swap_out_all() <= 0)
		return 1;
	return syscall(SYS_ppoll, pollfd, 1, &zero, &none, sizeof(none)) < 0 ? -errno : 0;
}

/* Wait until a child has ended, but not until the end of days. */
static bool ends(pid_t pid, int *status)
{
	unsigned int i;

	for (i = 0; i < 100; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		usleep(100000);
	}
	return false;
}

/* No signal keeps a fault in the kernel from coming to an end. */
TEST_F_TIMEOUT(ttm_swapout, signal_in_kernel_fault, TIME_LIMIT)
{
	pid_t pid;
	int status = -1;
	long ret;

	if (access(TT_SHRINK, R_OK))
		SKIP(return, "no " TT_SHRINK);
	fill(&self->buffer[0], 0, 1);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		ret = poll_in_buffer(&self->buffer[0]);
		if (ret && ret != -EINTR)
			_exit(1);
		_exit(signals == 1 ? 0 : 2);
	}
	if (!ends(pid, &status)) {
		TH_LOG("the child does not come out of its system call");
		kill(pid, SIGKILL);
		EXPECT_TRUE(ends(pid, &status)) {
			TH_LOG("nor does SIGKILL end it");
		}
	}
	EXPECT_EQ(0, status);
}

/* Read all of a buffer in the kernel. Returns how many words are wrong, or -errno. */
static long count_bad_through_pipe(struct buffer *buffer, unsigned int nr,
				   unsigned int round)
{
	uint64_t word[512];
	size_t i, j;
	long n, bad = 0;
	int fd[2];

	if (pipe(fd))
		return -errno;
	for (i = 0; i < buffer->size / sizeof(word); i++) {
		while ((n = syscall(SYS_write, fd[1], buffer->map + i * 512,
				    sizeof(word))) < 0 && errno == EINTR)
			;
		if (n != sizeof(word)) {
			bad = n < 0 ? -errno : -EIO;
			break;
		}
		while ((n = syscall(SYS_read, fd[0], word, sizeof(word))) < 0 && errno == EINTR)
			;
		for (j = 0; j < 512; j++)
			bad += word[j] != pattern(nr, round, i * 512 + j);
	}
	close(fd[0]);
	close(fd[1]);
	return bad;
}

/* Signals come all the time while buffers go out and in: nothing fails or is lost. */
TEST_F_TIMEOUT(ttm_swapout, signal_storm, TIME_LIMIT)
{
	const struct itimerval often = { .it_interval.tv_usec = 2000,
					 .it_value.tv_usec = 2000 };
	unsigned int i, round;
	int status = -1;
	pid_t pid;

	if (access(TT_SHRINK, R_OK))
		SKIP(return, "no " TT_SHRINK);
	for (i = 0; i < NR_BUFFERS; i++)
		fill(&self->buffer[i], i, 8);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		signal(SIGALRM, count_signal);
		if (setitimer(ITIMER_REAL, &often, NULL))
			_exit(1);
		for (round = 0; round < 3; round++) {
			if (swap_out_all() < 0)
				_exit(2);
			for (i = 0; i < NR_BUFFERS; i++) {
				if (i % 2 ? count_bad(&self->buffer[i], i, 8) :
				    count_bad_through_pipe(&self->buffer[i], i, 8))
					_exit(3);
			}
		}
		_exit(signals ? 0 : 4);
	}
	for (i = 0; i < 20; i++)
		swap_out_all();
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	for (i = 0; i < NR_BUFFERS; i++)
		EXPECT_EQ(0, count_bad(&self->buffer[i], i, 8));
}

/* KiB in shmem, with what CPUs have not folded into the sum yet. */
static long read_shmem(void)
{
	read_number(STAT_REFRESH, NULL);
	return read_number("/proc/meminfo", "Shmem:");
}

/* Nothing stays behind of buffers that are destroyed while they are out. */
TEST_F_TIMEOUT(ttm_swapout, destroy_swapped_out, TIME_LIMIT)
{
	const long size = NR_BUFFERS * BUFFER_SIZE / 1024;
	unsigned int i;
	long shmem;

	if (access(TT_SHRINK, R_OK) || access(STAT_REFRESH, R_OK))
		SKIP(return, "no " TT_SHRINK " or " STAT_REFRESH);
	for (i = 0; i < NR_BUFFERS; i++)
		fill(&self->buffer[i], i, 3);
	shmem = read_shmem();
	EXPECT_EQ(swap_out_all(), NR_BUFFERS * BUFFER_SIZE / sysconf(_SC_PAGESIZE));
	EXPECT_EQ(read_shmem() - shmem, size);
	for (i = 0; i < NR_BUFFERS; i++)
		destroy(self->fd, &self->buffer[i]);
	/* Objects are destroyed by a worker */
	for (i = 0; i < 100 && read_shmem() != shmem; i++)
		usleep(50000);
	EXPECT_EQ(read_shmem(), shmem);
}

TEST_HARNESS_MAIN
