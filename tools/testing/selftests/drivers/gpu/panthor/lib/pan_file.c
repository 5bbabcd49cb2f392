// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pan_file.h"

int pan_read_file(const char *path, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n;
	int fd, err = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	while (used < size - 1) {
		n = read(fd, buf + used, size - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		used += n;
	}
	close(fd);
	buf[used] = 0;
	return err ? err : (int)used;
}

int pan_write_file(const char *path, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	n = write(fd, text, len);
	if (n < 0)
		err = -errno;
	else if ((size_t)n != len)
		err = -EIO;
	close(fd);
	return err;
}

int pan_read_u64(const char *path, uint64_t *value)
{
	char buf[64], *end;
	int ret;

	ret = pan_read_file(path, buf, sizeof(buf));
	if (ret < 0)
		return ret;

	errno = 0;
	*value = strtoull(buf, &end, 0);
	if (errno || end == buf)
		return -EINVAL;
	return 0;
}

int pan_write_u64(const char *path, uint64_t value)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%" PRIu64, value);
	return pan_write_file(path, buf);
}

int pan_read_key(const char *path, const char *key, uint64_t *value)
{
	size_t len = strlen(key);
	char line[512], *end;
	int err = -ENOENT;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return -errno;

	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, len) || (line[len] != ' ' && line[len] != '\t'))
			continue;
		*value = strtoull(line + len, &end, 0);
		err = end == line + len ? -EINVAL : 0;
		break;
	}
	fclose(f);
	return err;
}

bool pan_file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}
