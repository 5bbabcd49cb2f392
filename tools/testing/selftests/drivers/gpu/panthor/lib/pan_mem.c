// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "pan_file.h"
#include "pan_mem.h"

uint64_t pan_meminfo_pages(const char *name)
{
	uint64_t kib = 0;
	char key[64];

	snprintf(key, sizeof(key), "%s:", name);
	pan_read_key("/proc/meminfo", key, &kib);
	return kib / 4;
}

uint64_t pan_vmstat(const char *name)
{
	uint64_t value = 0;

	pan_read_key("/proc/vmstat", name, &value);
	return value;
}

uint64_t pan_free_pages(void)
{
	uint64_t pages = pan_meminfo_pages("MemFree");
	unsigned long count;
	char line[256];
	FILE *f;

	f = fopen("/proc/zoneinfo", "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " count: %lu", &count) == 1)
			pages += count;
	}
	if (f)
		fclose(f);
	return pages;
}

void pan_mem_read(struct pan_mem *mem)
{
	mem->total = pan_meminfo_pages("MemTotal");
	mem->free = pan_free_pages();
	mem->available = pan_meminfo_pages("MemAvailable");
	mem->writeback = pan_meminfo_pages("Writeback");
	mem->swap_cached = pan_meminfo_pages("SwapCached");
	mem->swap_total = pan_meminfo_pages("SwapTotal");
	mem->swap_free = pan_meminfo_pages("SwapFree");
	mem->swapped_in = pan_vmstat("pswpin");
	mem->swapped_out = pan_vmstat("pswpout");
	mem->zram = pan_zram_pages();
}

static FILE *open_gems(const struct pan_dev *dev)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/gems", dev->debugfs);
	return fopen(path, "re");
}

int pan_gems_totals(const struct pan_dev *dev, uint64_t *size, uint64_t *resident)
{
	unsigned long long s, r;
	int err = -ENOENT;
	char line[512];
	FILE *f = open_gems(dev);

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Total size: %llu, Total resident: %llu", &s, &r) != 2)
			continue;
		*size = s;
		*resident = r;
		err = 0;
	}
	fclose(f);
	return err;
}

int pan_gems_resident_of(const struct pan_dev *dev, int pid, uint64_t *resident)
{
	unsigned long long size, here, offset;
	unsigned int name, refs, evictions, state, usage;
	char line[512], *slash;
	FILE *f = open_gems(dev);

	if (!f)
		return -errno;
	*resident = 0;
	while (fgets(line, sizeof(line), f)) {
		/* "comm/tgid", a column as wide as it needs, may hold blanks before the '/' */
		slash = strchr(line, '/');
		if (!slash || atoi(slash + 1) != pid)
			continue;
		if (sscanf(slash, "/%*d %u %u %u %llu %llu %llx %x %x", &name, &refs,
			   &evictions, &size, &here, &offset, &state, &usage) != 8)
			continue;
		if (!usage)
			*resident += here;
	}
	fclose(f);
	return 0;
}

static void driver_file(const struct pan_dev *dev, const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s", dev->debugfs, name);
}

int pan_reclaim_stat(const struct pan_dev *dev, const char *name, uint64_t *value)
{
	char path[128];

	driver_file(dev, "reclaim", path, sizeof(path));
	return pan_read_key(path, name, value) ? -ENOENT : 0;
}

int64_t pan_reclaim_misfiled(const struct pan_dev *dev)
{
	char path[128];
	uint64_t count;
	int ret;

	driver_file(dev, "reclaim_misfiled", path, sizeof(path));
	ret = pan_read_u64(path, &count);
	return ret ? ret : (int64_t)count;
}

bool pan_reclaim_has(const struct pan_dev *dev, const char *prefix)
{
	size_t len = strlen(prefix);
	char path[128], line[256];
	bool found = false;
	FILE *f;

	driver_file(dev, "reclaim", path, sizeof(path));
	f = fopen(path, "re");
	if (!f)
		return false;
	found = !len;
	while (!found && fgets(line, sizeof(line), f))
		found = !strncmp(line, prefix, len);
	fclose(f);
	return found;
}

bool pan_has_reclaim_engine(const struct pan_dev *dev)
{
	return pan_reclaim_has(dev, "");
}

void pan_reclaim_tell(const struct pan_dev *dev)
{
	char path[128], line[256];
	FILE *f;

	driver_file(dev, "reclaim", path, sizeof(path));
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		printf("# reclaim: %s", line);
	if (f)
		fclose(f);
	printf("# MemFree %llu, MemAvailable %llu, SwapFree %llu pages\n",
	       (unsigned long long)pan_meminfo_pages("MemFree"),
	       (unsigned long long)pan_meminfo_pages("MemAvailable"),
	       (unsigned long long)pan_meminfo_pages("SwapFree"));
}

bool pan_can_shrink(const struct pan_dev *dev)
{
	char path[128];

	driver_file(dev, "shrink", path, sizeof(path));
	return pan_file_exists(path);
}

int pan_shrink(const struct pan_dev *dev, uint64_t pages, uint64_t *reclaimed)
{
	char path[128], text[32];
	ssize_t n;
	int fd, ret = 0;

	driver_file(dev, "shrink", path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return pan_error(-errno, "%s", path);

	/* The file tells what the last write to it reclaimed: read the open one. */
	snprintf(text, sizeof(text), "%llu", (unsigned long long)pages);
	if (write(fd, text, strlen(text)) < 0) {
		ret = -errno;
	} else {
		n = read(fd, text, sizeof(text) - 1);
		if (n < 0)
			ret = -errno;
		else
			text[n] = 0;
	}
	close(fd);
	if (ret)
		return pan_error(ret, "%s", path);
	*reclaimed = strtoull(text, NULL, 0);
	return 0;
}

void pan_drop_caches(void)
{
	sync();
	pan_write_file("/proc/sys/vm/drop_caches", "3");
}

uint64_t pan_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

uint64_t pan_now_ms(void)
{
	return pan_now_us() / 1000;
}

void pan_sleep_ms(unsigned int ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

void pan_touch(void *mem, uint64_t size)
{
	madvise(mem, size, MADV_POPULATE_WRITE);
	memset(mem, 0x5a, size);
}
