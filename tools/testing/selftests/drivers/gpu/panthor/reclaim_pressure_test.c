// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that need more memory than there is, against GPU clients: memory is
 * swapped out and comes back with every word as it was.
 */
#include <errno.h>
#include <sys/mman.h>

#include "lib/pan_client.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_model.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"

#define TIMEOUT_S	240
#define CLIENT_MIB	40
#define ZRAM_MIB	256

FIXTURE(pressure)
{
	struct pan_client client;
	bool zram;
	uint64_t hog;
	uint64_t swapped_out;
	uint64_t stale;
	uint64_t freed;
};

FIXTURE_VARIANT(pressure)
{
	bool zram;
};

FIXTURE_VARIANT_ADD(pressure, disk) { .zram = false };
FIXTURE_VARIANT_ADD(pressure, zram) { .zram = true };

FIXTURE_SETUP(pressure)
{
	struct pan_mem mem;

	if (variant->zram) {
		if (pan_zram_on(ZRAM_MIB))
			SKIP(return, "no free zram device");
		self->zram = true;
	}
	if (!variant->zram && pan_zram_pages())
		SKIP(goto out, "swap is zram: that is the other variant");
	pan_drop_caches();
	pan_mem_read(&mem);
	if (mem.total > 512 * 256)
		SKIP(goto out, "the machine has more than 512 MiB of memory");
	if (mem.swap_free < mem.total)
		SKIP(goto out, "less swap than memory is free");
	if (pan_client_init(&self->client, 31, 2))
		SKIP(goto out, "no panthor device");

	/* Together with the client more than there is, but not hopeless. */
	self->hog = mem.available * PAN_PAGE - CLIENT_MIB / 2 * PAN_MIB;
	self->swapped_out = mem.swapped_out;
	self->stale = pan_model_count("tlb_stale");
	self->freed = pan_model_count("free_page_touches");
	return;
out:
	if (self->zram)
		pan_zram_off();
}

FIXTURE_TEARDOWN(pressure)
{
	struct pan_mem mem;

	pan_mem_read(&mem);
	EXPECT_LT(self->swapped_out, mem.swapped_out);
	EXPECT_EQ(self->stale, pan_model_count("tlb_stale"));
	EXPECT_EQ(self->freed, pan_model_count("free_page_touches"));
	pan_client_fini(&self->client);
	if (self->zram)
		EXPECT_OK(pan_zram_off());
}

struct hog {
	uint64_t bytes;
	uint32_t rounds;
};

/*
 * Anonymous memory with a pattern that a compressor likes as little as it likes
 * other people's data.
 */
static int hog_main(void *arg)
{
	struct hog *hog = arg;
	int64_t bad = 0;
	uint32_t i;
	void *map;

	map = mmap(NULL, hog->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return 2;
	for (i = 0; i < hog->rounds; i++) {
		pan_pattern_fill_anon(map, hog->bytes, i);
		bad += pan_pattern_check(map, hog->bytes, i, 0);
	}
	return bad != 0;
}

static int add_mixed(struct pan_client *client, uint32_t mib)
{
	int ret;

	ret = pan_client_add_mib(client, 0, mib * 5 / 10, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_add_mib(client, 1, mib * 2 / 10, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_add_mib(client, 1, mib * 1 / 10, PAN_BUF_SHARED);
	if (!ret)
		ret = pan_client_add_mib(client, 0, mib * 1 / 10, PAN_BUF_MMAPPED);
	if (!ret)
		ret = pan_client_add_mib(client, 0, mib * 1 / 10, PAN_BUF_UNUSED);
	return ret;
}

TEST_F_TIMEOUT(pressure, idle_client_survives_a_hog, TIMEOUT_S)
{
	struct pan_client *client = &self->client;
	struct hog hog = { .bytes = self->hog, .rounds = 1 };
	pid_t pid;

	ASSERT_OK(add_mixed(client, CLIENT_MIB));
	ASSERT_OK(pan_client_work_all(client));
	pid = pan_spawn(hog_main, &hog);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + TIMEOUT_S * 1000));
	EXPECT_OK(pan_client_check_all(client));
	ASSERT_OK(pan_client_work_all(client));
	EXPECT_OK(pan_client_check_all(client));
}

TEST_F_TIMEOUT(pressure, working_client_survives_a_hog, TIMEOUT_S)
{
	struct pan_client *client = &self->client;
	struct hog hog = { .bytes = self->hog, .rounds = 1 };
	int ret, check, rounds = 0;
	pid_t pid;

	ASSERT_OK(add_mixed(client, CLIENT_MIB));
	ASSERT_OK(pan_client_work_all(client));
	pid = pan_spawn(hog_main, &hog);
	ASSERT_LT(0, pid);
	do {
		ret = pan_client_work_all(client);
		check = pan_client_check_all(client);

		/*
		 * A driver that cannot make room fails calls for lack of memory,
		 * and does so visibly. The scenarios count that; here it is the
		 * data that counts.
		 */
		if (ret != -ENOMEM && ret != -EFAULT)
			EXPECT_EQ(0, ret);
		if (check != -EFAULT)
			EXPECT_EQ(0, check);
	} while (++rounds < 2);
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + TIMEOUT_S * 1000));
	ASSERT_OK(pan_client_work_all(client));
	EXPECT_OK(pan_client_check_all(client));
	EXPECT_EQ(0, client->bad_words);
}

TEST_HARNESS_MAIN
