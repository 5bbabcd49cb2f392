// SPDX-License-Identifier: GPL-2.0
/*
 * 10,000 writes of anything to mem_reclaim and mem_claim: bytes, numbers, TGIDs
 * of targets at work, of their threads, and of processes that have nothing to do
 * with it. The seed is printed; PAN_FUZZ_SEED repeats a run.
 */
#include <signal.h>

#include "explicit_common.h"

#define WRITES		10000
#define LEAST_WRITES	1000
#define TARGETS		2
#define TIMEOUT_S	280

FIXTURE(fuzz)
{
	struct pan_dev dev;
	struct explicit_target *targets[TARGETS];
	uint64_t state;
};

FIXTURE_SETUP(fuzz)
{
	const char *seed = getenv("PAN_FUZZ_SEED");
	int i;

	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
	self->state = seed ? strtoull(seed, NULL, 0) : pan_now_ms() * 2 + 1;
	TH_LOG("PAN_FUZZ_SEED=%llu", (unsigned long long)self->state);
	pan_close(&self->dev);
	for (i = 0; i < TARGETS; i++) {
		self->targets[i] = explicit_start(60 + i, 0);
		ASSERT_NE(NULL, self->targets[i]);
	}
	ASSERT_OK(pan_open(&self->dev));
}

FIXTURE_TEARDOWN(fuzz)
{
	int i;

	for (i = 0; i < TARGETS; i++)
		explicit_kill(self->targets[i]);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/* xorshift64* */
static uint32_t next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * 0x2545f4914f6cdd1dull) >> 32;
}

static size_t random_bytes(uint64_t *state, char *buf, size_t size)
{
	size_t n = next(state) % size, i;

	for (i = 0; i < n; i++)
		buf[i] = next(state);
	return n;
}

static size_t random_text(uint64_t *state, char *buf, size_t size)
{
	static const char letters[] = " 0123456789012345678901234567890123456789+-x\n\t.,a";
	size_t n = next(state) % (size < 24 ? size : 24), i;

	for (i = 0; i < n; i++)
		buf[i] = letters[next(state) % (sizeof(letters) - 1)];
	return n;
}

/* A TGID that may be anybody's, or one of a target with something before or behind it. */
static size_t random_number(uint64_t *state, char *buf, size_t size,
			    const FIXTURE_DATA(fuzz) *self)
{
	static const char * const forms[] = {
		"%d", "%d\n", "+%d", "%d ", " %d", "-%d", "0x%x", "%d\n\n", "%d,", "0%d", "%o",
	};
	pid_t target = self->targets[next(state) % TARGETS]->pid;
	int n = target;

	switch (next(state) % 4) {
	case 0:
		n = next(state);
		break;
	case 1:
		n = next(state) % 400;
		break;
	case 2:
		n += next(state) % 5 - 2;
		break;
	}
	return snprintf(buf, size, forms[next(state) % (sizeof(forms) / sizeof(forms[0]))], n);
}

static bool known_error(int ret)
{
	return !ret || ret == -EINVAL || ret == -ERANGE || ret == -ESRCH || ret == -EBUSY ||
	       ret == -EPERM || ret == -ECANCELED || ret == -EAGAIN;
}

TEST_F_TIMEOUT(fuzz, ten_thousand_writes, TIMEOUT_S)
{
	uint32_t writes = pan_rounds(WRITES, LEAST_WRITES), good = 0, i;
	char buf[5000];

	for (i = 0; i < TARGETS; i++)
		explicit_send(self->targets[i], EXPLICIT_LOOP);
	for (i = 0; i < writes; i++) {
		const char *knob = next(&self->state) % 2 ? "mem_reclaim" : "mem_claim";
		size_t n;
		int ret;

		switch (next(&self->state) % 16) {
		case 0:
			n = random_bytes(&self->state, buf, sizeof(buf));
			break;
		case 1:
		case 2:
			n = random_number(&self->state, buf, sizeof(buf), self);
			break;
		case 3 ... 6:
			n = random_bytes(&self->state, buf, 16);
			break;
		default:
			n = random_text(&self->state, buf, sizeof(buf));
		}
		ret = explicit_write(&self->dev, knob, buf, n);
		/* More than a page is more than sysfs takes at once. */
		if (n > PAN_PAGE && ret == -EMSGSIZE)
			ret = 0;
		ASSERT_TRUE(known_error(ret)) TH_LOG("write %u: error %d", i, ret);
		good += !ret;
	}
	TH_LOG("%u of %u writes succeeded", good, writes);
	EXPECT_LT(0, good);
	for (i = 0; i < TARGETS; i++)
		EXPECT_OK(explicit_order(self->targets[i], EXPLICIT_WORK));
}

TEST_HARNESS_MAIN
