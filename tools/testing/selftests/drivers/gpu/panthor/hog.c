// SPDX-License-Identifier: GPL-2.0
/*
 * A memory hog: touches anonymous memory, holds it, verifies every word of it,
 * and lets it go.
 */
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/pan_dev.h"
#include "lib/pan_mem.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"

static void usage(const char *name)
{
	fprintf(stderr,
		"Usage: %s [-m MIB] [-r ROUNDS] [-s SECONDS]\n"
		"  -m MIB      how much memory to use (default: all that MemTotal says)\n"
		"  -r ROUNDS   how often (default 1)\n"
		"  -s SECONDS  how long to hold it (default 0)\n", name);
}

static int round_of(uint32_t round, uint64_t bytes, unsigned int seconds)
{
	uint32_t seed = pan_seed(0x1009, round);
	uint64_t start = pan_now_ms(), touched;
	int64_t bad;
	void *map;

	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return pan_error(-errno, "mmap of %llu MiB", (unsigned long long)bytes >> 20);

	pan_pattern_fill_anon(map, bytes, seed);
	touched = pan_now_ms();
	printf("hog: round %u: touched %llu MiB in %llu ms\n", round,
	       (unsigned long long)bytes >> 20, (unsigned long long)(touched - start));
	pan_sleep_ms(seconds * 1000);
	bad = pan_pattern_check(map, bytes, seed, 0);
	printf("hog: round %u: verified in %llu ms, %lld wrong words\n", round,
	       (unsigned long long)(pan_now_ms() - touched - seconds * 1000ull),
	       (long long)bad);
	munmap(map, bytes);
	return bad ? -EILSEQ : 0;
}

int main(int argc, char **argv)
{
	uint64_t bytes = pan_meminfo_pages("MemTotal") * 4096;
	uint32_t rounds = 1, seconds = 0, i;
	int opt;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((opt = getopt(argc, argv, "m:r:s:h")) != -1) {
		switch (opt) {
		case 'm':
			bytes = strtoull(optarg, NULL, 0) << 20;
			break;
		case 'r':
			rounds = strtoul(optarg, NULL, 0);
			break;
		case 's':
			seconds = strtoul(optarg, NULL, 0);
			break;
		default:
			usage(argv[0]);
			return opt == 'h' ? 0 : 2;
		}
	}

	pan_be_expendable();
	for (i = 0; i < rounds; i++) {
		if (round_of(i, bytes, seconds))
			return 1;
	}
	return 0;
}
