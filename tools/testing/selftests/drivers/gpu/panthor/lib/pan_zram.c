// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <sys/swap.h>

#include "pan_file.h"
#include "pan_mem.h"

/* Devices that are looked at: the first ones may be the machine's swap. */
#define ZRAM_DEVICES	4

/* The device that is in use, -1 when there is none. */
static int device = -1;

static void zram_path(char path[64], int index, const char *file)
{
	snprintf(path, 64, "/sys/block/zram%d/%s", index, file);
}

/* A device without a size belongs to nobody. */
static int find_device(void)
{
	uint64_t size;
	char path[64];
	int i;

	for (i = 0; i < ZRAM_DEVICES; i++) {
		zram_path(path, i, "disksize");
		if (!pan_read_u64(path, &size) && !size)
			return i;
	}
	return -ENODEV;
}

int pan_zram_on(uint32_t mib)
{
	char dev[32], disksize[64], reset[64];
	int index = find_device();
	int ret;

	if (index < 0)
		return index;
	snprintf(dev, sizeof(dev), "/dev/zram%d", index);
	zram_path(disksize, index, "disksize");
	zram_path(reset, index, "reset");

	ret = pan_write_u64(disksize, (uint64_t)mib << 20);
	if (ret)
		return pan_error(ret, "%s", disksize);

	ret = pan_swap_make(dev, 0);
	if (!ret && swapon(dev, SWAP_FLAG_PREFER | 100))
		ret = -errno;
	if (ret) {
		pan_write_file(reset, "1");
		return pan_error(ret, "swap on %s", dev);
	}
	device = index;
	return 0;
}

int pan_zram_limit(const char *limit)
{
	char path[64];

	if (device < 0)
		return -ENODEV;
	zram_path(path, device, "mem_limit");
	return pan_write_file(path, limit);
}

int pan_zram_off(void)
{
	char dev[32], reset[64];
	int ret = 0;

	if (device < 0)
		return 0;
	snprintf(dev, sizeof(dev), "/dev/zram%d", device);
	zram_path(reset, device, "reset");
	if (swapoff(dev) && errno != EINVAL)
		ret = pan_error(-errno, "swapoff of %s", dev);
	if (!ret) {
		ret = pan_write_file(reset, "1");
		if (ret)
			pan_error(ret, "%s", reset);
		device = -1;
	}
	return ret;
}

uint64_t pan_zram_pages(void)
{
	unsigned long long used;
	uint64_t bytes = 0;
	char path[64];
	FILE *f;
	int i;

	for (i = 0; i < ZRAM_DEVICES; i++) {
		zram_path(path, i, "mm_stat");
		f = fopen(path, "re");
		if (!f)
			continue;
		/* Third: the memory it takes, in bytes. */
		if (fscanf(f, "%*u %*u %llu", &used) == 1)
			bytes += used;
		fclose(f);
	}
	return bytes / 4096;
}
