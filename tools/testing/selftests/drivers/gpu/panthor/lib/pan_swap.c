// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pan_file.h"
#include "pan_mem.h"

/* What mkswap writes into the first page. */
#define SWAP_PAGE	4096
#define SWAP_MAGIC	"SWAPSPACE2"

struct swap_header {
	char boot[1024];
	uint32_t version;
	uint32_t last_page;
	uint32_t bad_pages;
};

int pan_swap_area(char *device, size_t size)
{
	char buf[1024], *line, *end;

	if (pan_read_file("/proc/swaps", buf, sizeof(buf)) < 0)
		return -errno;
	line = strchr(buf, '\n');
	if (!line || !line[1])
		return -ENOENT;
	end = strpbrk(++line, " \t");
	if (!end || end - line >= (long)size || strchr(end, '\n')[1])
		return -EOPNOTSUPP;
	memcpy(device, line, end - line);
	device[end - line] = '\0';
	return 0;
}

int pan_swap_make(const char *device, uint64_t bytes)
{
	char page[SWAP_PAGE] = { 0 };
	struct swap_header *header = (struct swap_header *)page;
	int fd, ret = 0;
	off_t end;

	fd = open(device, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	end = lseek(fd, 0, SEEK_END);
	if (!bytes)
		bytes = end;
	if (end < 0 || bytes > (uint64_t)end) {
		close(fd);
		return end < 0 ? -errno : -ENOSPC;
	}

	header->version = 1;
	header->last_page = bytes / SWAP_PAGE - 1;
	memcpy(page + SWAP_PAGE - strlen(SWAP_MAGIC), SWAP_MAGIC, strlen(SWAP_MAGIC));
	if (pwrite(fd, page, sizeof(page), 0) != sizeof(page) || fsync(fd))
		ret = -EIO;
	close(fd);
	return ret;
}
