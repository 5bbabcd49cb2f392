// SPDX-License-Identifier: GPL-2.0
/*
 * Prints where memory is, twenty times a second until it is killed, or once:
 * "@lab sample <ms> <GPU buffers> <resident> <shmem> <swap used> <free> <anon>",
 * sizes in KiB. Buffers and resident are what the driver says in debugfs. Free
 * counts the pages in the lists of the CPUs too, which MemFree leaves out.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_NS	50000000L

static char text[1 << 20];

static int slurp(const char *path)
{
	size_t used = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	while (used < sizeof(text) - 1) {
		got = read(fd, text + used, sizeof(text) - 1 - used);
		if (got <= 0)
			break;
		used += got;
	}
	close(fd);
	text[used] = 0;
	return used ? 0 : -1;
}

/* A value of /proc/meminfo, which is in text, in KiB. */
static unsigned long meminfo(const char *name)
{
	const char *line = strstr(text, name);

	return line ? strtoul(line + strlen(name), NULL, 10) : 0;
}

static int gems(const char *path, unsigned long *total, unsigned long *resident)
{
	unsigned long long bytes, in_memory;
	const char *line;

	if (slurp(path))
		return -1;
	line = strstr(text, "Total size: ");
	if (!line || sscanf(line, "Total size: %llu, Total resident: %llu", &bytes, &in_memory) != 2)
		return -1;
	*total = bytes >> 10;
	*resident = in_memory >> 10;
	return 0;
}

/* Pages that are free, but kept by the CPUs, in KiB. */
static unsigned long kept_by_cpus(void)
{
	unsigned long pages = 0;
	const char *line;

	if (slurp("/proc/zoneinfo"))
		return 0;
	for (line = text; (line = strstr(line, " count: ")); line++)
		pages += strtoul(line + strlen(" count: "), NULL, 10);
	return pages * (sysconf(_SC_PAGESIZE) >> 10);
}

static unsigned long long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	const struct timespec rest = { .tv_nsec = INTERVAL_NS };
	unsigned long total, resident, kept;
	FILE *score;

	if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "once"))) {
		fprintf(stderr,
			"Usage: %s GEMS [once]\nGEMS is the driver's debugfs file of that name.\n",
			argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);

	/* It has to go on when memory is short: that is what it shows. */
	mlockall(MCL_CURRENT);
	score = fopen("/proc/self/oom_score_adj", "w");
	if (score) {
		fputs("-1000", score);
		fclose(score);
	}

	for (;; nanosleep(&rest, NULL)) {
		if (gems(argv[1], &total, &resident)) {
			fprintf(stderr, "%s: no totals in %s\n", argv[0], argv[1]);
			return 1;
		}
		kept = kept_by_cpus();
		if (slurp("/proc/meminfo"))
			return 1;
		printf("@lab sample %llu %lu %lu %lu %lu %lu %lu\n", milliseconds(), total,
		       resident, meminfo("\nShmem:"),
		       meminfo("\nSwapTotal:") - meminfo("\nSwapFree:"),
		       meminfo("MemFree:") + kept, meminfo("\nAnonPages:"));
		if (argc == 3)
			return 0;
	}
}
