// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "pan_pattern.h"

/* Bytes of anonymous memory that are asked for at once. */
#define POPULATE	(1ull << 20)

static sigjmp_buf sigbus_env;

static void sigbus_handler(int sig)
{
	siglongjmp(sigbus_env, sig);
}

bool pan_catch_sigbus(void (*fn)(void *arg), void *arg)
{
	struct sigaction sa = { .sa_handler = sigbus_handler }, old;
	sigjmp_buf outer;
	volatile bool ok = true;

	/* Somebody who calls us may be catching them, too. */
	memcpy(&outer, &sigbus_env, sizeof(outer));
	sigemptyset(&sa.sa_mask);
	sigaction(SIGBUS, &sa, &old);
	if (!sigsetjmp(sigbus_env, 1))
		fn(arg);
	else
		ok = false;
	sigaction(SIGBUS, &old, NULL);
	memcpy(&sigbus_env, &outer, sizeof(outer));
	return ok;
}

uint32_t pan_seed(uint32_t client, uint32_t buffer)
{
	uint32_t x = client * 0x9e3779b1u + buffer * 0x85ebca77u + 1;

	x ^= x >> 15;
	x *= 0x2c1b3c6du;
	x ^= x >> 12;
	return x;
}

static void fill_words(uint32_t *map, uint64_t from, uint64_t to, uint32_t seed)
{
	uint64_t i;

	for (i = from; i < to; i++)
		((volatile uint32_t *)map)[i] = pan_pattern(seed, i, 0);
}

void pan_pattern_fill(uint32_t *map, uint64_t size, uint32_t seed)
{
	fill_words(map, 0, size / 4, seed);
}

void pan_pattern_fill_anon(uint32_t *map, uint64_t size, uint32_t seed)
{
	uint64_t from, to;

	for (from = 0; from < size / 4; from = to) {
		to = from + POPULATE / 4 < size / 4 ? from + POPULATE / 4 : size / 4;
		/* What cannot be had at once is faulted in, or is not to be had. */
		madvise(map + from, (to - from) * 4, MADV_POPULATE_WRITE);
		fill_words(map, from, to, seed);
	}
}

void pan_pattern_step(uint32_t *map, uint64_t size)
{
	uint64_t line;

	for (line = 0; line < size / 64; line++) {
		if (pan_takes_steps(line, line % 16))
			((volatile uint32_t *)map)[line * 16 + line % 16] += PAN_STEP;
	}
}

struct check {
	const volatile uint32_t *map;
	uint64_t words;
	uint32_t seed;
	uint32_t steps;
	int64_t bad;
};

static void check_words(void *arg)
{
	struct check *c = arg;
	uint64_t i;

	for (i = 0; i < c->words; i++) {
		uint32_t want = pan_pattern(c->seed, i, c->steps);
		uint32_t seen = c->map[i];

		if (seen == want)
			continue;
		if (!c->bad++)
			fprintf(stderr, "# word %llu: %#x instead of %#x (seed %#x, %u steps)\n",
				(unsigned long long)i, seen, want, c->seed, c->steps);
	}
}

int64_t pan_pattern_check(const uint32_t *map, uint64_t size, uint32_t seed, uint32_t steps)
{
	struct check c = { .map = map, .words = size / 4, .seed = seed, .steps = steps };

	return pan_catch_sigbus(check_words, &c) ? c.bad : -EFAULT;
}
