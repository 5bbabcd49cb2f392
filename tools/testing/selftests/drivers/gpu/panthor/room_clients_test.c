// SPDX-License-Identifier: GPL-2.0
/*
 * Clients that do not fit into memory, together or one with itself: no failure,
 * and everybody gets on.
 */
#include "room_common.h"

#define MAX_CLIENTS	4

/* For any progress: reached only by what hangs. */
#define STALLED_MS	400000

/* Whoever asks for many rounds (PAN_EFFORT) says himself how long they may take. */
#define TIMEOUT_S	(24 * 3600)

FIXTURE(clients)
{
	struct pan_dev dev;
	struct room_client *rc;
	uint32_t total_mib;
	int64_t failures;
	uint64_t oom_kills;
};

FIXTURE_SETUP(clients)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ROOM_NEEDS(&self->dev);
	self->total_mib = pan_meminfo_pages("MemTotal") / 256;
	if (pan_meminfo_pages("SwapFree") / 256 < 2 * self->total_mib)
		SKIP(return, "swap for twice the memory is needed");
	self->rc = pan_shared_alloc(MAX_CLIENTS * sizeof(*self->rc));
	ASSERT_NE(NULL, self->rc);
	pan_be_expendable();
	self->failures = engine_stat(&self->dev, "room_failures");
	self->oom_kills = pan_vmstat("oom_kill");
}

FIXTURE_TEARDOWN(clients)
{
	uint32_t i;

	for (i = 0; i < MAX_CLIENTS; i++)
		room_client_stop(&self->rc[i]);
	pan_shared_free(self->rc, MAX_CLIENTS * sizeof(*self->rc));
	EXPECT_EQ(self->failures, engine_stat(&self->dev, "room_failures"));
	EXPECT_EQ(0, engine_stat(&self->dev, "room_promised_pages"));
	EXPECT_EQ(0, engine_stat(&self->dev, "room_queued_pages"));
	EXPECT_EQ(self->oom_kills, pan_vmstat("oom_kill"));
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/* Rounds that were done since those in @from. */
static uint32_t rounds_since(struct room_client *rc, uint32_t *from, uint32_t count)
{
	uint32_t sum = 0, i;

	for (i = 0; i < count; i++)
		sum += rc[i].rounds - from[i];
	return sum;
}

static uint32_t fewest_since(struct room_client *rc, uint32_t *from, uint32_t count)
{
	uint32_t fewest = ~0u, i;

	for (i = 0; i < count; i++)
		fewest = rc[i].rounds - from[i] < fewest ? rc[i].rounds - from[i] : fewest;
	return fewest;
}

/*
 * Waits until clients have done @rounds together since @from, and each of them at
 * least @each, or one has failed.
 */
static void wait_rounds(struct room_client *rc, uint32_t *from, uint32_t count, uint32_t rounds,
			uint32_t each)
{
	uint64_t end = pan_now_ms() + STALLED_MS;
	uint32_t sum = 0, now, i;

	while (pan_now_ms() < end &&
	       (rounds_since(rc, from, count) < rounds || fewest_since(rc, from, count) < each)) {
		pan_sleep_ms(20);
		for (i = 0; i < count; i++) {
			if (rc[i].result || rc[i].bad_words)
				return;
		}
		now = rounds_since(rc, from, count);
		if (now > sum)
			end = pan_now_ms() + STALLED_MS;
		sum = now;
	}
}

/*
 * Who starts asks for memory with each bind and each first word, hundreds of times,
 * while a round of those that have started is a few requests: everybody has to get
 * through that, and is compared with the others from there on.
 */
static void compete(struct __test_metadata *_metadata, FIXTURE_DATA(clients) *self,
		    uint32_t count, uint32_t rounds)
{
	struct room_client *rc = self->rc;
	uint32_t from[MAX_CLIENTS] = {};
	uint32_t done[MAX_CLIENTS];
	uint32_t sum = 0, i;

	for (i = 0; i < count; i++) {
		rc[i] = (struct room_client) {
			.id = 60 + i, .vms = 1, .mib = self->total_mib * 8 / 15, .limit = ~0u,
		};
		ASSERT_OK(room_client_start(&rc[i]));
	}
	wait_rounds(rc, from, count, count, 1);
	for (i = 0; i < count; i++) {
		EXPECT_LT(0, rc[i].rounds);
		from[i] = rc[i].rounds;
	}

	/* With a single round of the slowest, where it begins would decide about its share. */
	wait_rounds(rc, from, count, rounds, 3);
	for (i = 0; i < count; i++) {
		done[i] = rc[i].rounds - from[i];
		sum += done[i];
		rc[i].stop = 1;
	}
	EXPECT_LE(rounds, sum);
	for (i = 0; i < count; i++) {
		EXPECT_LE(3, done[i]);
		EXPECT_LE(sum / 10, done[i]) {
			TH_LOG("client %u of %u has done %u of %u rounds", i, count, done[i], sum);
		}
		EXPECT_OK(room_client_stop(&rc[i]));
		EXPECT_OK(rc[i].result);
		EXPECT_EQ(0, rc[i].enomem);
		EXPECT_EQ(0, rc[i].bad_words);
	}
}

TEST_F_TIMEOUT(clients, two, TIMEOUT_S)
{
	compete(_metadata, self, 2, pan_rounds(4, 2));
}

TEST_F_TIMEOUT(clients, four, TIMEOUT_S)
{
	compete(_metadata, self, 4, pan_rounds(6, 4));
}

/* Address spaces that each fit, of twice the memory, with jobs in all in turn. */
TEST_F_TIMEOUT(clients, one_with_twice_the_memory, TIMEOUT_S)
{
	uint32_t rounds = pan_rounds(1, 1);
	struct room_client *rc = self->rc;

	*rc = (struct room_client) {
		.id = 70, .vms = 5, .mib = self->total_mib * 2 / 5, .limit = rounds,
	};
	ASSERT_OK(room_client_start(rc));
	EXPECT_OK(room_client_join(rc, rounds * STALLED_MS));
	EXPECT_LE(2 * self->total_mib - 5, rc->bound);
	EXPECT_EQ(rounds, rc->rounds);
	EXPECT_OK(rc->result);
	EXPECT_EQ(0, rc->enomem);
	EXPECT_EQ(0, rc->bad_words);
}

TEST_HARNESS_MAIN
