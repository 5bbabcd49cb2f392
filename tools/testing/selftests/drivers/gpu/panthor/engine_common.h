/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of the reclaim engine have in common. */
#ifndef ENGINE_COMMON_H
#define ENGINE_COMMON_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/pan_client.h"
#include "lib/pan_file.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_model.h"
#include "lib/pan_obj.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"

#define ENGINE_ALL_PAGES	(1ull << 30)

/* A line of the debugfs file "reclaim"; -1 when it is not there. */
static inline int64_t engine_stat(const struct pan_dev *dev, const char *name)
{
	uint64_t value;

	return pan_reclaim_stat(dev, name, &value) ? -1 : (int64_t)value;
}

/*
 * Writes a number of pages to "shrink" and reads, from the same open file, what
 * was reclaimed: the number, or -errno.
 */
static inline int64_t engine_shrink(const struct pan_dev *dev, uint64_t pages)
{
	char path[128], text[32];
	int64_t ret = 0;
	int fd, len;

	snprintf(path, sizeof(path), "%s/shrink", dev->debugfs);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return -errno;
	len = snprintf(text, sizeof(text), "%llu", (unsigned long long)pages);
	if (write(fd, text, len) != len) {
		ret = -errno;
	} else {
		len = pread(fd, text, sizeof(text) - 1, 0);
		text[len > 0 ? len : 0] = '\0';
		ret = len > 0 ? atoll(text) : -EIO;
	}
	close(fd);
	return ret;
}

/* Free pages, and those that are on their way to swap. */
static inline int64_t engine_free_pages(void)
{
	return pan_free_pages() + pan_meminfo_pages("Writeback") + pan_zram_pages();
}

/* Waits until the books are in order and every BO has the class it belongs to. */
static inline int engine_books(const struct pan_dev *dev)
{
	uint64_t end = pan_now_ms() + 5000;

	while (engine_stat(dev, "invariant_errors") || pan_reclaim_misfiled(dev)) {
		if (pan_now_ms() >= end)
			return pan_error(-EUCLEAN, "invariant_errors %lld, misfiled BOs %lld",
					 (long long)engine_stat(dev, "invariant_errors"),
					 (long long)pan_reclaim_misfiled(dev));
		pan_sleep_ms(10);
	}
	return 0;
}

/* In FIXTURE_SETUP(), after PAN_OPEN_OR_SKIP(). */
#define ENGINE_NEEDS(dev) do { \
	if (!pan_has_reclaim_engine(dev)) \
		SKIP(return, "the driver's reclaim has no debugfs file 'reclaim'"); \
	if (!pan_meminfo_pages("SwapFree")) \
		SKIP(return, "no swap"); \
} while (0)

#endif /* ENGINE_COMMON_H */
