// SPDX-License-Identifier: GPL-2.0
/*
 * panthor and the GPU model as modules: loaded and unloaded many times, they
 * leave nothing behind.
 *
 * A leak is found by counting, not by looking at how much memory is free: what
 * is lost once a cycle has been lost as often as there were cycles, in the slab
 * cache, the vmalloc area, the pages or the names it belongs to. Less than that
 * is noise of caches that have grown.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/pan_ctx.h"
#include "lib/pan_file.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"

#define WARM_UP		5
#define CYCLES		50
#define MAX_CACHES	256
#define NODE_TIMEOUT_MS	10000

/* kfree_rcu() keeps what it is given for 5 s if it is little. */
#define SETTLE_MS	8000

#define DRIVER		"panthor"
#define MODEL		"panthor_model"

/**
 * struct usage - What is in use in the kernel
 * @caches: number of slab caches
 * @cache: their names and how many objects of each are allocated
 * @areas: vmalloc areas
 * @pages: pages that are not free and not in a cache that can be dropped
 * @names: files and directories in debugfs, /sys/devices and /sys/class
 */
struct usage {
	unsigned int caches;
	struct {
		char name[64];
		long objects;
	} cache[MAX_CACHES];
	long areas;
	long pages;
	long names;
};

static char module_path[2][256];
static long entries;

static int find_module(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *base = path + ftw->base;

	(void)st;
	if (type != FTW_F)
		return 0;
	if (!strcmp(base, DRIVER ".ko"))
		snprintf(module_path[0], sizeof(module_path[0]), "%s", path);
	if (!strcmp(base, MODEL ".ko"))
		snprintf(module_path[1], sizeof(module_path[1]), "%s", path);
	return 0;
}

static bool find_modules(void)
{
	char root[300];
	struct utsname u;

	uname(&u);
	snprintf(root, sizeof(root), "/lib/modules/%s", u.release);
	nftw(root, find_module, 16, FTW_PHYS);
	return module_path[0][0] && module_path[1][0];
}

static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return pan_error(-errno, "%s", path);
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

static bool is_loaded(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return pan_file_exists(path);
}

/* The device is probed by the time the module is loaded, but let it be late. */
static int open_device(struct pan_dev *dev)
{
	uint64_t end = pan_now_ms() + NODE_TIMEOUT_MS;
	int ret;

	while ((ret = pan_open(dev)) && pan_now_ms() < end)
		pan_sleep_ms(20);
	return ret;
}

/* A job makes the driver use everything it has: firmware, groups, heaps of BOs. */
static int use_device(void)
{
	struct pan_bo bo = { };
	struct pan_ctx ctx;
	struct pan_dev dev;
	int ret;

	ret = open_device(&dev);
	if (ret)
		return ret;
	ret = pan_ctx_init(&ctx, &dev, 1);
	if (!ret) {
		ret = pan_ctx_bo(&ctx, PAN_MIB, true, &bo);
		if (!ret) {
			pan_cs_fill(pan_ctx_begin(&ctx, 0), bo.va, bo.size, 1);
			ret = pan_ctx_run(&ctx, 0);
		}
		pan_ctx_bo_free(&ctx, &bo);
		pan_ctx_fini(&ctx);
	}
	pan_close(&dev);
	return ret;
}

static int unload_both(void)
{
	int ret = unload(DRIVER);

	if (ret)
		return pan_error(ret, "unload " DRIVER);
	ret = unload(MODEL);
	return ret ? pan_error(ret, "unload " MODEL) : 0;
}

static int load_both(void)
{
	int ret = load(module_path[1]);

	if (ret)
		return pan_error(ret, "load " MODEL);
	ret = load(module_path[0]);
	return ret ? pan_error(ret, "load " DRIVER) : 0;
}

static int cycle(void)
{
	int ret = unload_both();

	if (!ret)
		ret = load_both();
	return ret ? ret : use_device();
}

static void read_caches(struct usage *u)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	char line[512];

	u->caches = 0;
	while (f && u->caches < MAX_CACHES && fgets(line, sizeof(line), f)) {
		char *name = u->cache[u->caches].name;

		if (sscanf(line, "%63s %ld", name, &u->cache[u->caches].objects) == 2)
			u->caches++;
	}
	if (f)
		fclose(f);
}

static long count_lines(const char *path)
{
	FILE *f = fopen(path, "re");
	long lines = 0;
	int c;

	while (f && (c = fgetc(f)) != EOF)
		lines += c == '\n';
	if (f)
		fclose(f);
	return lines;
}

static int count_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)st;
	(void)type;
	(void)ftw;
	entries++;
	return 0;
}

static long count_names(void)
{
	entries = 0;
	nftw("/sys/kernel/debug", count_entry, 16, FTW_PHYS);
	nftw("/sys/devices", count_entry, 16, FTW_PHYS);
	nftw("/sys/class", count_entry, 16, FTW_PHYS);
	return entries;
}

/* Free objects that a CPU keeps for itself would be counted as allocated. */
static void shrink_caches(void)
{
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *entry;
	char path[300];

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", entry->d_name);
		pan_write_file(path, "1");
	}
	if (dir)
		closedir(dir);
}

static void read_usage(struct usage *u)
{
	/* What is freed late is freed now. */
	pan_drop_caches();
	pan_sleep_ms(200);
	pan_drop_caches();
	shrink_caches();

	read_caches(u);
	u->areas = count_lines("/proc/vmallocinfo");
	u->names = count_names();
	u->pages = (long)pan_meminfo_pages("MemTotal") - (long)pan_free_pages() -
		   (long)pan_meminfo_pages("Slab") -
		   (long)pan_meminfo_pages("Cached") - (long)pan_meminfo_pages("AnonPages") -
		   (long)pan_meminfo_pages("Buffers");
}

static long objects_of(const struct usage *u, const char *name)
{
	unsigned int i;

	for (i = 0; i < u->caches; i++) {
		if (!strcmp(u->cache[i].name, name))
			return u->cache[i].objects;
	}
	return 0;
}

FIXTURE(modules)
{
	struct usage before;
	struct usage after;
};

FIXTURE_SETUP(modules)
{
	if (!is_loaded(DRIVER) || !is_loaded(MODEL))
		SKIP(return, "panthor and its model are not modules here");
	if (!find_modules())
		SKIP(return, "the module files are not below /lib/modules");
}

FIXTURE_TEARDOWN(modules)
{
	if (!module_path[0][0])
		return;
	if (!is_loaded(MODEL))
		load(module_path[1]);
	if (!is_loaded(DRIVER))
		load(module_path[0]);
}

/* What a cycle leaves behind, so many leave so many of. */
static unsigned int count_leaks(const struct usage *before, const struct usage *after,
				int cycles, bool tell)
{
	unsigned int leaks = 0, i;

	for (i = 0; i < after->caches; i++) {
		const char *name = after->cache[i].name;
		long more = after->cache[i].objects - objects_of(before, name);

		if (more < cycles)
			continue;
		if (tell)
			printf("# %s: %ld more objects\n", name, more);
		leaks++;
	}
	return leaks;
}

/* What is only freed late goes away. */
static unsigned int leaks_that_stay(const struct usage *before, struct usage *after,
				    int cycles)
{
	uint64_t end = pan_now_ms() + SETTLE_MS;

	read_usage(after);
	while (count_leaks(before, after, cycles, false) && pan_now_ms() < end) {
		pan_sleep_ms(1000);
		read_usage(after);
	}
	return count_leaks(before, after, cycles, true);
}

static int run_cycles(unsigned int count)
{
	int ret = 0;

	while (!ret && count--)
		ret = cycle();
	return ret;
}

TEST_F_TIMEOUT(modules, loaded_50_times_they_leak_nothing, 560)
{
	int cycles = CYCLES;

	ASSERT_OK(run_cycles(WARM_UP));
	read_usage(&self->before);
	ASSERT_GT(self->before.caches, 10u);
	ASSERT_GT(self->before.areas, 10);
	ASSERT_OK(run_cycles(CYCLES));
	read_usage(&self->after);

	/* What is freed late is as much then as now; a leak grows as much once more. */
	if (count_leaks(&self->before, &self->after, cycles, true)) {
		ASSERT_OK(run_cycles(CYCLES));
		cycles += CYCLES;
		EXPECT_EQ(0, leaks_that_stay(&self->before, &self->after, cycles));
	}
	EXPECT_LT(self->after.areas - self->before.areas, cycles);
	EXPECT_LT(self->after.pages - self->before.pages, cycles);
	EXPECT_LE(self->after.names - self->before.names, 0);
	TH_LOG("%d cycles: %+ld pages, %+ld vmalloc areas, %+ld names in sysfs and debugfs",
	       cycles, self->after.pages - self->before.pages,
	       self->after.areas - self->before.areas,
	       self->after.names - self->before.names);
}

TEST_F(modules, model_stays_while_the_driver_uses_it)
{
	ASSERT_OK(use_device());
	EXPECT_EQ(-EWOULDBLOCK, unload(MODEL));
	EXPECT_OK(use_device());
}

TEST_F(modules, driver_stays_while_a_file_is_open)
{
	struct pan_dev dev;

	ASSERT_OK(open_device(&dev));
	EXPECT_EQ(-EWOULDBLOCK, unload(DRIVER));
	pan_close(&dev);
	EXPECT_OK(use_device());
}

TEST_F(modules, driver_that_came_first_gets_the_gpu)
{
	struct pan_dev dev;

	ASSERT_OK(unload_both());
	/* No GPU answers: the driver is there but has no device. */
	ASSERT_OK(load(module_path[0]));
	EXPECT_NE(0, pan_open(&dev));
	ASSERT_OK(load(module_path[1]));
	EXPECT_OK(use_device());
}

TEST_HARNESS_MAIN
