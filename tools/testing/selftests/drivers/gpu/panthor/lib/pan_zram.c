// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

#include "pan_file.h"
#include "pan_mem.h"

#define ZRAM_DEV	"/dev/zram0"
#define ZRAM_SYS	"/sys/block/zram0"

/* What mkswap writes into the first page. */
#define SWAP_PAGE	4096
#define SWAP_MAGIC	"SWAPSPACE2"

struct swap_header {
	char boot[1024];
	uint32_t version;
	uint32_t last_page;
	uint32_t bad_pages;
};

static int make_swap(const char *path, uint64_t size)
{
	char page[SWAP_PAGE] = { 0 };
	struct swap_header *header = (struct swap_header *)page;
	ssize_t n;
	int fd;

	header->version = 1;
	header->last_page = size / SWAP_PAGE - 1;
	memcpy(page + SWAP_PAGE - strlen(SWAP_MAGIC), SWAP_MAGIC, strlen(SWAP_MAGIC));

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, page, sizeof(page));
	if (n >= 0 && fsync(fd))
		n = -1;
	close(fd);
	return n == sizeof(page) ? 0 : -EIO;
}

int pan_zram_on(uint32_t mib)
{
	uint64_t size = 0;
	int ret;

	ret = pan_read_u64(ZRAM_SYS "/disksize", &size);
	if (ret || size)
		return -ENODEV;

	ret = pan_write_u64(ZRAM_SYS "/disksize", (uint64_t)mib << 20);
	if (ret)
		return pan_error(ret, "%s/disksize", ZRAM_SYS);

	ret = make_swap(ZRAM_DEV, (uint64_t)mib << 20);
	if (!ret && swapon(ZRAM_DEV, SWAP_FLAG_PREFER | 100))
		ret = -errno;
	if (ret) {
		pan_write_file(ZRAM_SYS "/reset", "1");
		return pan_error(ret, "swap on %s", ZRAM_DEV);
	}
	return 0;
}

int pan_zram_off(void)
{
	int ret = 0;

	if (swapoff(ZRAM_DEV) && errno != EINVAL)
		ret = pan_error(-errno, "swapoff of %s", ZRAM_DEV);
	if (!ret) {
		ret = pan_write_file(ZRAM_SYS "/reset", "1");
		if (ret)
			pan_error(ret, "%s/reset", ZRAM_SYS);
	}
	return ret;
}
