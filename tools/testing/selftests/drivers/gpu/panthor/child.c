// SPDX-License-Identifier: GPL-2.0
/*
 * What tests execute in place of a client, where there may be no shell:
 *
 *	child sleep SECONDS
 *	child lacks PATH	exit status 9 if it has inherited PATH
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int lacks(const char *path)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[256];
	int status = 0;
	ssize_t n;

	if (!dir)
		return 1;
	while ((entry = readdir(dir))) {
		n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		if (!strcmp(target, path))
			status = 9;
	}
	closedir(dir);
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "sleep")) {
		sleep(atoi(argv[2]));
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "lacks"))
		return lacks(argv[2]);
	fprintf(stderr, "Usage: %s sleep SECONDS | lacks PATH\n", argv[0]);
	return 2;
}
