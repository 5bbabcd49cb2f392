// SPDX-License-Identifier: GPL-2.0
/*
 * Eviction in a loop while clients do everything that can happen to a BO or a
 * VM. No word may be lost, the books have to be in order afterwards, and no
 * access may have gone to a page that was given back.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "engine_common.h"

/* At least as long as it takes for one thing to happen everywhere. */
#define STORM_MS	pan_rounds(4000, 500)
#define SMALL		(64ull << 10)

FIXTURE(race)
{
	struct pan_dev dev;
	uint64_t stale;
	uint64_t touches;
	pthread_t threads[2];
	int64_t books;
};

static volatile int storm_over;

static void *shrink_main(void *arg)
{
	struct pan_dev *dev = arg;
	unsigned int turn = 0;

	while (!storm_over) {
		engine_shrink(dev, turn++ % 3 ? 256 : ENGINE_ALL_PAGES);
		pan_sleep_ms(turn % 7);
	}
	return NULL;
}

FIXTURE_SETUP(race)
{
	int i;

	PAN_OPEN_OR_SKIP(&self->dev);
	ENGINE_NEEDS(&self->dev);
	self->stale = pan_model_count("tlb_stale");
	self->touches = pan_model_count("free_page_touches");
	storm_over = 0;
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&self->threads[i], NULL, shrink_main, &self->dev));
}

FIXTURE_TEARDOWN(race)
{
	int i;

	storm_over = 1;
	for (i = 0; i < 2; i++)
		pthread_join(self->threads[i], NULL);
	EXPECT_OK(engine_books(&self->dev));
	EXPECT_EQ(self->stale, pan_model_count("tlb_stale"));
	EXPECT_EQ(self->touches, pan_model_count("free_page_touches"));
	pan_close(&self->dev);
}

static int add_some(struct pan_client *client)
{
	static const enum pan_buf_kind kinds[] = {
		PAN_BUF_PRIVATE, PAN_BUF_SHARED, PAN_BUF_MMAPPED, PAN_BUF_UNUSED,
	};
	uint32_t i, vm;
	int ret;

	for (vm = 0; vm < client->vms; vm++) {
		for (i = 0; i < 8; i++) {
			ret = pan_client_add(client, vm, SMALL, kinds[i % 4]);
			if (ret)
				return ret;
		}
	}
	return 0;
}

TEST_F(race, jobs_and_cpu_accesses)
{
	uint64_t end = pan_now_ms() + STORM_MS;
	struct pan_client client;
	uint32_t rounds = 0;

	ASSERT_OK(pan_client_init(&client, 10, 3));
	ASSERT_OK(add_some(&client));
	while (!rounds || pan_now_ms() < end) {
		ASSERT_OK(pan_client_work_all(&client));
		ASSERT_OK(pan_client_check_all(&client));
		rounds++;
	}
	TH_LOG("%u rounds", rounds);
	EXPECT_LT(0, rounds);
	pan_client_fini(&client);
}

TEST_F(race, binds_and_unbinds)
{
	uint64_t end = pan_now_ms() + STORM_MS, va = 0x300000000ull;
	uint32_t seed = pan_seed(11, 0), bo, i, rounds = 0, *map;
	struct pan_ctx ctx;

	ASSERT_OK(pan_ctx_init(&ctx, &self->dev, 1));
	ASSERT_OK(pan_bo_create(&self->dev, PAN_MIB, 0, ctx.vm, &bo));
	map = pan_bo_mmap(&self->dev, bo, PAN_MIB);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, PAN_MIB, seed);
	while (!rounds || pan_now_ms() < end) {
		/* Mapped, in parts unmapped, mapped again over it, twice at once. */
		ASSERT_OK(pan_vm_map(&self->dev, ctx.vm, bo, 0, va, PAN_MIB, PAN_MAP_RW));
		for (i = 0; i < 4; i++)
			ASSERT_OK(pan_vm_unmap(&self->dev, ctx.vm,
					       va + (3 + 40 * i) * PAN_PAGE, 5 * PAN_PAGE));
		ASSERT_OK(pan_vm_map(&self->dev, ctx.vm, bo, 0, va + 2 * PAN_MIB, PAN_MIB,
				     PAN_MAP_RW));
		ASSERT_OK(pan_vm_map(&self->dev, ctx.vm, bo, 16 * PAN_PAGE,
				     va + 16 * PAN_PAGE, 100 * PAN_PAGE, PAN_MAP_RW));
		pan_cs_step(pan_ctx_begin(&ctx, 0), va + 2 * PAN_MIB, PAN_MIB);
		ASSERT_OK(pan_ctx_run(&ctx, 0));
		rounds++;
		ASSERT_EQ(0, pan_pattern_check(map, PAN_MIB, seed, rounds));
		ASSERT_OK(pan_vm_unmap(&self->dev, ctx.vm, va, 4 * PAN_MIB));
	}
	TH_LOG("%u rounds", rounds);
	EXPECT_LT(0, rounds);
	munmap(map, PAN_MIB);
	pan_ctx_fini(&ctx);
}

TEST_F(race, mmap_fault_and_munmap)
{
	uint64_t end = pan_now_ms() + STORM_MS;
	uint32_t seed = pan_seed(12, 0), bo, rounds = 0, *map;

	ASSERT_OK(pan_bo_create(&self->dev, SMALL, 0, 0, &bo));
	map = pan_bo_mmap(&self->dev, bo, SMALL);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, SMALL, seed);
	munmap(map, SMALL);
	while (!rounds || pan_now_ms() < end) {
		map = pan_bo_mmap(&self->dev, bo, SMALL);
		ASSERT_NE(NULL, map);
		ASSERT_EQ(0, pan_pattern_check(map, SMALL, seed, rounds++));
		pan_pattern_step(map, SMALL);
		munmap(map, SMALL);
	}
	TH_LOG("%u rounds", rounds);
	EXPECT_LT(0, rounds);
}

/*
 * User-mode Linux looks up the page once after the fault and copies without
 * anything that would keep it there: its user accesses fail with EFAULT if
 * the page goes again in between, whoever takes it.
 */
static bool user_access_faults_once(void)
{
	char machine[1024];

	return pan_read_file("/proc/cpuinfo", machine, sizeof(machine)) >= 0 &&
	       strstr(machine, "User Mode Linux");
}

/* Faults of the kernel itself, in copy_from_user() and copy_to_user(). */
TEST_F(race, system_calls_read_and_write_bos)
{
	uint64_t end = pan_now_ms() + STORM_MS;
	uint32_t seed = pan_seed(13, 0), bo, rounds = 0, *map;
	int fds[2];

	if (user_access_faults_once())
		SKIP(return, "user accesses of User-mode Linux do not fault twice");
	ASSERT_OK(pipe(fds));
	ASSERT_OK(pan_bo_create(&self->dev, SMALL, 0, 0, &bo));
	map = pan_bo_mmap(&self->dev, bo, SMALL);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, SMALL, seed);
	while (!rounds || pan_now_ms() < end) {
		uint32_t at = rounds++ % 16 * 1024;

		ASSERT_EQ(PAN_PAGE, write(fds[1], map + at, PAN_PAGE));
		ASSERT_EQ(PAN_PAGE, read(fds[0], map + at, PAN_PAGE));
	}
	EXPECT_EQ(0, pan_pattern_check(map, SMALL, seed, 0));
	munmap(map, SMALL);
	close(fds[0]);
	close(fds[1]);
}

struct victim {
	uint32_t id;
	uint32_t ready;
};

static int victim_main(void *arg)
{
	struct victim *victim = arg;
	struct pan_client client;

	if (pan_client_init(&client, victim->id, 2) || add_some(&client))
		return 1;
	for (;;) {
		if (pan_client_work_all(&client) || pan_client_check_all(&client))
			return 2;
		victim->ready = 1;
	}
}

TEST_F(race, clients_are_killed)
{
	uint64_t end = pan_now_ms() + STORM_MS;
	struct victim *victim = pan_shared_alloc(sizeof(*victim));
	uint32_t rounds = 0;

	ASSERT_NE(NULL, victim);
	while (!rounds || pan_now_ms() < end) {
		pid_t pid;
		int status;

		victim->id = 100 + rounds;
		victim->ready = 0;
		pid = pan_spawn(victim_main, victim);
		ASSERT_LT(0, pid);
		ASSERT_OK(pan_wait_word(&victim->ready, 1, 20000));
		pan_sleep_ms(rounds % 11 * 3);
		ASSERT_OK(kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		rounds++;
	}
	TH_LOG("%u clients", rounds);
	pan_shared_free(victim, sizeof(*victim));
}

TEST_F(race, vms_are_destroyed_and_bos_closed)
{
	uint64_t end = pan_now_ms() + STORM_MS;
	uint32_t rounds = 0;

	while (!rounds || pan_now_ms() < end) {
		struct pan_client client;

		ASSERT_OK(pan_client_init(&client, 200 + rounds, 2));
		ASSERT_OK(add_some(&client));
		ASSERT_OK(pan_client_work_all(&client));
		pan_client_trim(&client, client.count / 2);
		ASSERT_OK(pan_client_check_all(&client));
		pan_client_fini(&client);
		rounds++;
	}
	TH_LOG("%u clients", rounds);
}

TEST_F(race, exported_bos_are_imported_elsewhere)
{
	uint64_t end = pan_now_ms() + STORM_MS, va = 0x300000000ull;
	uint32_t seed = pan_seed(14, 0), bo, imported, rounds = 0, *map;
	struct pan_dev other;
	struct pan_ctx ctx;

	ASSERT_OK(pan_open(&other));
	ASSERT_OK(pan_ctx_init(&ctx, &other, 1));
	ASSERT_OK(pan_bo_create(&self->dev, SMALL, 0, 0, &bo));
	map = pan_bo_mmap(&self->dev, bo, SMALL);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, SMALL, seed);
	while (!rounds || pan_now_ms() < end) {
		int fd = pan_bo_export(&self->dev, bo, DRM_CLOEXEC | DRM_RDWR);

		ASSERT_LE(0, fd);
		ASSERT_OK(pan_bo_import(&other, fd, &imported));
		ASSERT_OK(pan_vm_map(&other, ctx.vm, imported, 0, va, SMALL, PAN_MAP_RW));
		pan_cs_step(pan_ctx_begin(&ctx, 0), va, SMALL);
		ASSERT_OK(pan_ctx_run(&ctx, 0));
		rounds++;
		ASSERT_EQ(0, pan_pattern_check(map, SMALL, seed, rounds));
		ASSERT_OK(pan_vm_unmap(&other, ctx.vm, va, SMALL));
		ASSERT_OK(pan_bo_close(&other, imported));
		close(fd);
	}
	TH_LOG("%u rounds", rounds);
	munmap(map, SMALL);
	pan_ctx_fini(&ctx);
	pan_close(&other);
}

TEST_F(race, device_is_suspended_and_resumed)
{
	uint64_t end = pan_now_ms() + STORM_MS;
	struct pan_client client;
	uint32_t rounds = 0;

	ASSERT_OK(pan_client_init(&client, 15, 2));
	ASSERT_OK(add_some(&client));
	while (!rounds || pan_now_ms() < end) {
		ASSERT_OK(pan_client_work_all(&client));
		ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", 5000));
		ASSERT_OK(pan_client_check_all(&client));
		rounds++;
	}
	TH_LOG("%u rounds", rounds);
	pan_client_fini(&client);
}

/* Both scans of the storm get something, again and again. */
TEST_F_TIMEOUT(race, two_scans_at_once_both_progress, 120)
{
	int64_t scans = engine_stat(&self->dev, "scans");
	int64_t evicted = engine_stat(&self->dev, "evicted_bos");
	uint64_t start = pan_now_ms();
	struct pan_client client;

	ASSERT_OK(pan_client_init(&client, 16, 4));
	ASSERT_OK(add_some(&client));
	/* Without progress it ends by the time limit of the test. */
	while (pan_now_ms() < start + STORM_MS ||
	       engine_stat(&self->dev, "scans") <= scans + 4 ||
	       engine_stat(&self->dev, "evicted_bos") <= evicted + 8)
		ASSERT_OK(pan_client_work_all(&client));
	TH_LOG("%lld scans, %lld BOs evicted",
	       (long long)(engine_stat(&self->dev, "scans") - scans),
	       (long long)(engine_stat(&self->dev, "evicted_bos") - evicted));
	EXPECT_OK(pan_client_check_all(&client));
	pan_client_fini(&client);
}

FIXTURE(unplug)
{
	struct pan_dev dev;
};

FIXTURE_SETUP(unplug)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ENGINE_NEEDS(&self->dev);
}

FIXTURE_TEARDOWN(unplug)
{
	if (!pan_is_bound(&self->dev))
		pan_rebind(&self->dev);
	pan_close(&self->dev);
}

TEST_F(unplug, device_goes_during_scans)
{
	struct pan_client client, fresh;
	pthread_t thread;
	struct pan_dev probe;

	ASSERT_OK(pan_client_init(&client, 17, 2));
	ASSERT_OK(add_some(&client));
	ASSERT_OK(pan_client_work_all(&client));
	storm_over = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, shrink_main, &client.dev));
	pan_sleep_ms(100);
	ASSERT_OK(pan_unbind(&self->dev));
	pan_sleep_ms(100);
	storm_over = 1;
	pthread_join(thread, NULL);
	pan_client_fini(&client);
	ASSERT_OK(pan_rebind(&self->dev));

	ASSERT_OK(pan_open(&probe));
	pan_close(&probe);
	ASSERT_OK(pan_client_init(&fresh, 18, 1));
	ASSERT_OK(add_some(&fresh));
	ASSERT_OK(pan_client_work_all(&fresh));
	ASSERT_LE(0, engine_shrink(&fresh.dev, ENGINE_ALL_PAGES));
	ASSERT_OK(pan_client_work_all(&fresh));
	EXPECT_OK(pan_client_check_all(&fresh));
	pan_client_fini(&fresh);
}

TEST_HARNESS_MAIN
