// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's shrinker, made to scan through debugfs: what it takes comes back
 * with every word as it was, whatever else goes on.
 */
#include <errno.h>

#include "lib/pan_client.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_model.h"
#include "lib/pan_proc.h"

#define MIB		6
#define ALL		(1ull << 30)
#define TIMEOUT_S	120

#define NEEDS_SHRINK_AND_SWAP(dev) do { \
	struct pan_mem __mem; \
	pan_mem_read(&__mem); \
	if (!pan_can_shrink(dev)) \
		SKIP(return, "no debugfs file shrink"); \
	if (__mem.swap_free < 64 * 256) \
		SKIP(return, "less than 64 MiB of swap are free"); \
} while (0)

FIXTURE(shrink)
{
	struct pan_client client;
};

FIXTURE_VARIANT(shrink)
{
	enum pan_buf_kind kind;
	uint32_t vms;
};

FIXTURE_VARIANT_ADD(shrink, private) { .kind = PAN_BUF_PRIVATE, .vms = 1 };
FIXTURE_VARIANT_ADD(shrink, private_in_three_vms) { .kind = PAN_BUF_PRIVATE, .vms = 3 };
FIXTURE_VARIANT_ADD(shrink, exportable) { .kind = PAN_BUF_SHARED, .vms = 1 };
FIXTURE_VARIANT_ADD(shrink, shared_by_three_vms) { .kind = PAN_BUF_SHARED, .vms = 3 };
FIXTURE_VARIANT_ADD(shrink, mmapped) { .kind = PAN_BUF_MMAPPED, .vms = 1 };
FIXTURE_VARIANT_ADD(shrink, unused) { .kind = PAN_BUF_UNUSED, .vms = 1 };

FIXTURE_SETUP(shrink)
{
	uint32_t vm;

	if (pan_client_init(&self->client, 21, variant->vms))
		SKIP(return, "no panthor device");
	NEEDS_SHRINK_AND_SWAP(&self->client.dev);
	for (vm = 0; vm < variant->vms; vm++)
		ASSERT_OK(pan_client_add_mib(&self->client, vm, MIB / variant->vms,
					     variant->kind));
	ASSERT_OK(pan_client_work_all(&self->client));
}

FIXTURE_TEARDOWN(shrink)
{
	pan_client_fini(&self->client);
}

/* The driver can take memory only when it knows that the jobs have ended. */
static uint64_t shrink_mine(struct pan_client *client, uint64_t *resident)
{
	uint64_t reclaimed, total = 0;
	int i;

	for (i = 0; i < 50; i++) {
		if (pan_shrink(&client->dev, ALL, &reclaimed) ||
		    pan_gems_resident_of(&client->dev, getpid(), resident))
			break;
		total += reclaimed;
		if (!*resident)
			break;
		pan_sleep_ms(20);
	}
	return total;
}

TEST_F_TIMEOUT(shrink, memory_goes_and_comes_back, TIMEOUT_S)
{
	struct pan_client *client = &self->client;
	uint64_t resident = 0;
	int round;

	for (round = 0; round < 2; round++) {
		EXPECT_LE(MIB * 256, shrink_mine(client, &resident));
		EXPECT_EQ(0, resident);
		ASSERT_OK(pan_client_work_all(client));
		EXPECT_OK(pan_client_check_all(client));
	}
}

TEST_F_TIMEOUT(shrink, memory_comes_back_for_the_cpu, TIMEOUT_S)
{
	struct pan_client *client = &self->client;
	uint64_t resident = 0;

	EXPECT_LE(MIB * 256, shrink_mine(client, &resident));
	EXPECT_OK(pan_client_check_all(client));
	ASSERT_OK(pan_client_work_all(client));
	EXPECT_OK(pan_client_check_all(client));
}

TEST_F_TIMEOUT(shrink, evicted_memory_can_be_closed, TIMEOUT_S)
{
	struct pan_client *client = &self->client;
	uint64_t resident = 0;

	shrink_mine(client, &resident);
	pan_client_trim(client, client->count / 2);
	ASSERT_OK(pan_client_work_all(client));
	EXPECT_OK(pan_client_check_all(client));
	shrink_mine(client, &resident);
	pan_client_trim(client, 0);
	EXPECT_OK(pan_client_work_all(client));
}

FIXTURE(shrink_and)
{
	struct pan_client client;
	uint64_t stale;
	uint64_t freed;
};

FIXTURE_SETUP(shrink_and)
{
	if (pan_client_init(&self->client, 22, 2))
		SKIP(return, "no panthor device");
	NEEDS_SHRINK_AND_SWAP(&self->client.dev);
	self->stale = pan_model_count("tlb_stale");
	self->freed = pan_model_count("free_page_touches");
}

FIXTURE_TEARDOWN(shrink_and)
{
	/* The GPU never used what had been taken from it. */
	EXPECT_EQ(self->stale, pan_model_count("tlb_stale"));
	EXPECT_EQ(self->freed, pan_model_count("free_page_touches"));
	pan_client_fini(&self->client);
}

/* What a process that shrinks all the time shares with the test. */
struct orders {
	volatile uint32_t stop;
	volatile uint32_t scans;
};

struct shrinker {
	struct orders *orders;
	pid_t pid;
};

static int shrink_all_the_time(void *arg)
{
	struct orders *orders = arg;
	struct pan_dev dev;
	uint64_t reclaimed;

	if (pan_open(&dev))
		return 1;
	while (!orders->stop) {
		if (pan_shrink(&dev, 1 + orders->scans * 977 % 2000, &reclaimed))
			return 1;
		orders->scans++;
		pan_sleep_ms(orders->scans % 4);
	}
	return 0;
}

static int stop_shrinker(struct shrinker *s)
{
	int ret;

	s->orders->stop = 1;
	ret = pan_join(s->pid, pan_now_ms() + 30000);
	pan_shared_free(s->orders, sizeof(*s->orders));
	return ret;
}

/* Returns when it has begun: it might be over before. */
static int start_shrinker(struct shrinker *s)
{
	int ret;

	s->orders = pan_shared_alloc(sizeof(*s->orders));
	if (!s->orders)
		return -ENOMEM;
	s->pid = pan_spawn(shrink_all_the_time, s->orders);
	if (s->pid < 0)
		return s->pid;
	ret = pan_wait_word(&s->orders->scans, 1, 30000);
	if (ret)
		stop_shrinker(s);
	return ret;
}

TEST_F_TIMEOUT(shrink_and, jobs_run, TIMEOUT_S)
{
	struct pan_client *client = &self->client;
	struct shrinker shrinker;
	uint32_t vm;
	int round;

	for (vm = 0; vm < 2; vm++) {
		ASSERT_OK(pan_client_add_mib(client, vm, 3, PAN_BUF_PRIVATE));
		ASSERT_OK(pan_client_add_mib(client, vm, 1, PAN_BUF_SHARED));
		ASSERT_OK(pan_client_add_mib(client, vm, 1, PAN_BUF_MMAPPED));
		ASSERT_OK(pan_client_add_mib(client, vm, 1, PAN_BUF_UNUSED));
	}
	ASSERT_OK(start_shrinker(&shrinker));
	for (round = 0; round < 6; round++) {
		EXPECT_OK(pan_client_work_all(client));
		EXPECT_OK(pan_client_check_all(client));
	}
	EXPECT_OK(stop_shrinker(&shrinker));
}

TEST_F_TIMEOUT(shrink_and, buffers_come_and_go, TIMEOUT_S)
{
	static const enum pan_buf_kind kinds[] = {
		PAN_BUF_PRIVATE, PAN_BUF_SHARED, PAN_BUF_MMAPPED, PAN_BUF_UNUSED,
	};
	struct pan_client *client = &self->client;
	struct shrinker shrinker;
	uint32_t i;

	ASSERT_OK(start_shrinker(&shrinker));
	for (i = 0; i < 60; i++) {
		ASSERT_OK(pan_client_add(client, i % 2, (1 + i % 7) * 64 << 10, kinds[i % 4]));
		if (i % 10 != 9)
			continue;
		EXPECT_OK(pan_client_work_all(client));
		EXPECT_OK(pan_client_check_all(client));
		pan_client_trim(client, i / 3);
	}
	EXPECT_OK(stop_shrinker(&shrinker));
}

TEST_F_TIMEOUT(shrink_and, binds_change, TIMEOUT_S)
{
	const uint64_t size = 256 << 10;
	struct pan_ctx *ctx = &self->client.ctx[0];
	uint64_t far = 0x3000000000ull;
	struct shrinker shrinker;
	struct pan_buf *buf;
	int i;

	ASSERT_OK(pan_client_add(&self->client, 0, size, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(&self->client, 0));
	buf = &self->client.bufs[0];
	ASSERT_OK(start_shrinker(&shrinker));
	for (i = 0; i < 60; i++) {
		uint64_t hole = (uint64_t)(i % 8) * 16384, bytes = 16384 * (1 + i % 5);

		ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, buf->bo.handle, 0, far, size,
				     PAN_MAP_RW));
		ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, far + hole, bytes));
		ASSERT_OK(pan_vm_map(ctx->dev, ctx->vm, buf->bo.handle, hole, far + hole, bytes,
				     PAN_MAP_RW));

		/* The step through the second mapping, piece by piece, counts as one. */
		if (i % 6 == 0) {
			pan_cs_step(pan_ctx_begin(ctx, 0), far, size);
			ASSERT_OK(pan_ctx_run(ctx, 0));
			buf->steps++;
		}
		ASSERT_OK(pan_vm_unmap(ctx->dev, ctx->vm, far, size));
	}
	EXPECT_OK(pan_client_check_all(&self->client));
	EXPECT_OK(stop_shrinker(&shrinker));
}

TEST_F_TIMEOUT(shrink_and, the_device_sleeps, TIMEOUT_S)
{
	struct pan_client *client = &self->client;
	uint64_t reclaimed, resident = 1;
	int round;

	ASSERT_OK(pan_client_add_mib(client, 0, 6, PAN_BUF_PRIVATE));
	for (round = 0; round < 3; round++) {
		ASSERT_OK(pan_client_work(client, 0));
		ASSERT_OK(pan_wait_runtime_status(&client->dev, "suspended", 10000));
		ASSERT_OK(pan_shrink(&client->dev, ALL, &reclaimed));
		EXPECT_LE(6 * 256, reclaimed);
		ASSERT_OK(pan_gems_resident_of(&client->dev, getpid(), &resident));
		EXPECT_EQ(0, resident);
		EXPECT_OK(pan_wait_runtime_status(&client->dev, "suspended", 0));
	}
	ASSERT_OK(pan_client_work(client, 0));
	EXPECT_OK(pan_client_check_all(client));
}

TEST_F_TIMEOUT(shrink_and, nothing_is_there_to_take, TIMEOUT_S)
{
	uint64_t reclaimed, resident;

	shrink_mine(&self->client, &resident);
	ASSERT_OK(pan_shrink(&self->client.dev, ALL, &reclaimed));
	EXPECT_EQ(0, reclaimed);
	ASSERT_OK(pan_shrink(&self->client.dev, 0, &reclaimed));
	EXPECT_EQ(0, reclaimed);
}

TEST_F_TIMEOUT(shrink_and, the_group_is_recreated_after_a_fault, TIMEOUT_S)
{
	struct pan_client *client = &self->client;
	struct pan_ctx *ctx = &client->ctx[0];
	uint64_t resident;
	int round;

	ASSERT_OK(pan_client_add_mib(client, 0, 4, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(client, 0));
	for (round = 0; round < 3; round++) {
		pan_cs_store32(pan_ctx_begin(ctx, 0), PAN_NOWHERE_VA, 1);
		ASSERT_OK(pan_ctx_submit(ctx, 0));
		EXPECT_NE(0, pan_ctx_wait(ctx, 0));
		ASSERT_OK(pan_ctx_new_group(ctx));
		shrink_mine(client, &resident);
		ASSERT_OK(pan_client_work(client, 0));
		EXPECT_OK(pan_client_check(client, 0));
	}
}

TEST_HARNESS_MAIN
