// SPDX-License-Identifier: GPL-2.0
/*
 * The end of memory: swap that is full, no swap at all, and the OOM killer.
 */
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "room_common.h"

#define SWAP_MIB	64

/*
 * Whom the OOM killer takes next: one every 100 ms if there is one CPU, one every
 * 0.3 ms if another one is free to ask for memory.
 */
#define BYSTANDERS	8
#define BYSTANDERS_SMP	64

FIXTURE(swap_full)
{
	struct pan_client client;
	struct room_client *other;
	char device[128];
	uint64_t oom_kills;
	bool off;
};

FIXTURE_SETUP(swap_full)
{
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	ROOM_NEEDS(&dev);
	pan_close(&dev);
	if (pan_swap_area(self->device, sizeof(self->device)))
		SKIP(return, "not exactly one swap area");
	pan_be_expendable();
	self->other = pan_shared_alloc(sizeof(*self->other));
	ASSERT_NE(NULL, self->other);
	ASSERT_OK(pan_client_init(&self->client, 31, 3));
	ASSERT_OK(swapoff(self->device));
	self->off = true;
	ASSERT_OK(pan_swap_make(self->device, SWAP_MIB << 20));
	ASSERT_OK(swapon(self->device, 0));
	self->off = false;
	self->oom_kills = pan_vmstat("oom_kill");
}

FIXTURE_TEARDOWN(swap_full)
{
	EXPECT_EQ(self->oom_kills, pan_vmstat("oom_kill"));
	room_client_stop(self->other);
	pan_shared_free(self->other, sizeof(*self->other));
	pan_client_fini(&self->client);
	if (!self->off)
		ASSERT_OK(swapoff(self->device));
	ASSERT_OK(pan_swap_make(self->device, 0));
	ASSERT_OK(swapon(self->device, 0));
}

/* Binds until all is bound or memory has run out. */
static int bind_more(struct pan_client *client, uint32_t mib)
{
	int ret = 0;

	while (!ret && client->count < 3 * mib)
		ret = pan_client_add(client, client->count / mib, PAN_MIB, PAN_BUF_PRIVATE);
	return ret;
}

static bool lacks_memory(int ret)
{
	return ret == -ENOMEM || ret == -ENOSPC || ret == -EFAULT;
}

struct work {
	struct pan_client *client;
	uint32_t vm;
	int ret;
};

static void do_work(void *arg)
{
	struct work *work = arg;

	work->ret = pan_client_work(work->client, work->vm);
}

/* The command stream is in a BO, too, and may not be had: -EFAULT as for the others. */
static int try_work(struct pan_client *client, uint32_t vm)
{
	struct work work = { .client = client, .vm = vm };

	return pan_catch_sigbus(do_work, &work) ? work.ret : -EFAULT;
}

TEST_F_TIMEOUT(swap_full, goes_on_when_swap_is_free_again, 600)
{
	struct pan_client *client = &self->client;
	uint32_t mib = (room_available_mib() + SWAP_MIB / 3) / 3;
	struct room_client *other = self->other;
	int ret, vm, i, failed = 0;
	uint64_t start;

	/* Somebody idle: most of it goes to swap, which is nearly full with it. */
	*other = (struct room_client) {
		.id = 32, .vms = 1, .mib = SWAP_MIB - 8, .limit = 1, .hold = true,
	};
	ASSERT_OK(room_client_start(other));
	ASSERT_OK(pan_wait_word(&other->rounds, 1, ROOM_BOUND_MS));

	ret = bind_more(client, mib);
	failed += lacks_memory(ret);
	if (!failed)
		EXPECT_OK(ret);
	for (i = 0; i < 2; i++) {
		for (vm = 0; vm < 3; vm++) {
			start = pan_now_ms();
			ret = try_work(client, vm);
			EXPECT_TRUE(!ret || lacks_memory(ret)) TH_LOG("error %d", ret);
			failed += lacks_memory(ret);
			EXPECT_GT(ROOM_BOUND_MS, pan_now_ms() - start);
		}
	}
	EXPECT_LT(0, failed);
	TH_LOG("%u of %u MiB bound, %d failures, %llu pages of swap left", client->count, 3 * mib,
	       failed, (unsigned long long)pan_meminfo_pages("SwapFree"));
	ret = pan_client_check_all(client);
	EXPECT_TRUE(!ret || lacks_memory(ret)) TH_LOG("error %d", ret);
	EXPECT_EQ(0, client->bad_words);

	/* What filled it goes. */
	EXPECT_EQ(128 + SIGKILL, room_client_kill(other));
	EXPECT_OK(room_wait_gems(&client->dev, pan_client_bytes(client) + (8 << 20)));
	ASSERT_OK(bind_more(client, mib));
	for (i = 0; i < 2; i++) {
		for (vm = 0; vm < 3; vm++) {
			ASSERT_OK(pan_client_work(client, vm)) {
				TH_LOG("VM %d, %llu pages of swap free, %llu available", vm,
				       (unsigned long long)pan_meminfo_pages("SwapFree"),
				       (unsigned long long)pan_meminfo_pages("MemAvailable"));
			}
			EXPECT_OK(pan_client_check(client, vm));
		}
	}
	EXPECT_EQ(0, client->bad_words);
	EXPECT_EQ(0, engine_stat(&client->dev, "room_promised_pages"));
	EXPECT_OK(engine_books(&client->dev));
}

FIXTURE(no_swap)
{
	struct pan_dev dev;
	struct room_client *rc;
	uint64_t bytes;
	char device[128];
	uint64_t oom_kills;
};

FIXTURE_SETUP(no_swap)
{
	uint64_t resident;

	PAN_OPEN_OR_SKIP(&self->dev);
	ROOM_NEEDS(&self->dev);
	if (pan_swap_area(self->device, sizeof(self->device)))
		SKIP(return, "not exactly one swap area");
	self->rc = pan_shared_alloc(2 * sizeof(*self->rc));
	ASSERT_NE(NULL, self->rc);
	pan_drop_caches();
	ASSERT_OK(swapoff(self->device));
	ASSERT_OK(pan_gems_totals(&self->dev, &self->bytes, &resident));
	self->oom_kills = pan_vmstat("oom_kill");
	pan_expect_oom(true);
}

FIXTURE_TEARDOWN(no_swap)
{
	uint32_t i;

	for (i = 0; i < 2; i++)
		room_client_stop(&self->rc[i]);
	pan_expect_oom(false);
	pan_shared_free(self->rc, 2 * sizeof(*self->rc));
	EXPECT_OK(room_wait_gems(&self->dev, self->bytes));
	pan_close(&self->dev);
	ASSERT_OK(swapon(self->device, 0));
}

TEST_F_TIMEOUT(no_swap, two_clients_over_memory, 300)
{
	uint32_t mib = room_available_mib() * 7 / 10, i, killed = 0, asked = 2 * mib, bound = 0;
	struct room_client *rc = self->rc;
	uint64_t enomem = 0;

	for (i = 0; i < 2; i++) {
		rc[i] = (struct room_client) {
			.id = 33 + i, .vms = 1, .mib = mib, .limit = 3, .tolerant = true,
		};
		ASSERT_OK(room_client_start(&rc[i]));
	}
	for (i = 0; i < 2; i++) {
		int status = room_client_join(&rc[i], ROOM_BOUND_MS);

		EXPECT_TRUE(!status || status == 128 + SIGKILL) TH_LOG("status %d", status);
		killed += status == 128 + SIGKILL;
		EXPECT_OK(rc[i].result);
		EXPECT_EQ(0, rc[i].bad_words);
		enomem += rc[i].enomem;
		bound += rc[i].bound;
	}
	TH_LOG("%u of %u MiB bound, %llu failures, %u killed", bound, asked,
	       (unsigned long long)enomem, killed);
	EXPECT_GT(2, killed);
	EXPECT_LT(0, enomem + killed);
	EXPECT_EQ(killed, pan_vmstat("oom_kill") - self->oom_kills);
}

static int hog_main(void *arg)
{
	uint64_t bytes = *(uint64_t *)arg;
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return 1;
	pan_write_file("/proc/self/oom_score_adj", "-500");
	pan_pattern_fill(map, bytes, 7);
	return pan_pattern_check(map, bytes, 7, 0) ? 1 : 0;
}

static int bystander_main(void *arg)
{
	(void)arg;
	pan_write_u64("/proc/self/oom_score_adj", 900);
	pause();
	return 0;
}

/*
 * For the OOM killer a victim has gone when its address space has, which is before
 * its files are closed. BOs are no part of that. If they were freed when all files
 * have been closed only, the next process would have to die, and the next one, as
 * long as that takes: until there is nobody left and the kernel panics.
 */
TEST_F_TIMEOUT(no_swap, killed_clients_memory_is_back_at_once, 300)
{
	uint32_t mib = room_available_mib(), part = mib * 35 / 100, i;
	uint64_t hog = (uint64_t)mib * 45 / 100 << 20;
	struct room_client *rc = self->rc;
	pid_t pid, bystander[BYSTANDERS_SMP];
	uint32_t kills, bystanders;

	for (i = 0; i < 2; i++) {
		rc[i] = (struct room_client) {
			.id = 35 + i, .vms = 1, .mib = part, .limit = 1, .hold = true,
			.oom_adj = i ? -500 : 1000,
		};
		ASSERT_OK(room_client_start(&rc[i]));
		ASSERT_OK(pan_wait_word(&rc[i].rounds, 1, ROOM_BOUND_MS));
	}
	bystanders = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? BYSTANDERS_SMP : BYSTANDERS;
	for (i = 0; i < bystanders; i++) {
		bystander[i] = pan_spawn(bystander_main, NULL);
		ASSERT_LT(0, bystander[i]);
	}

	pid = pan_spawn(hog_main, &hog);
	ASSERT_LT(0, pid);
	EXPECT_EQ(128 + SIGKILL, room_client_join(&rc[0], ROOM_BOUND_MS));
	/* Its pages are back; the BOs go with the last of its jobs and mappings. */
	EXPECT_OK(room_wait_gems(&self->dev, self->bytes + (part + 8) * PAN_MIB));
	EXPECT_OK(pan_join(pid, pan_now_ms() + ROOM_BOUND_MS));

	/*
	 * From the end of the address space to the first BO it takes a while, in which
	 * more have to die, but not everybody.
	 */
	kills = pan_vmstat("oom_kill") - self->oom_kills;
	TH_LOG("%u processes died", kills);
	EXPECT_LE(1, kills);
	EXPECT_GE(bystanders, kills);
	for (i = 0; i < bystanders; i++) {
		kill(bystander[i], SIGKILL);
		pan_join(bystander[i], pan_now_ms() + ROOM_BOUND_MS);
	}

	/* The other one goes on. */
	rc[1].limit = 3;
	EXPECT_OK(pan_wait_word(&rc[1].rounds, 3, ROOM_BOUND_MS));
	EXPECT_OK(room_client_stop(&rc[1]));
	EXPECT_EQ(0, rc[1].bad_words);
}

TEST_HARNESS_MAIN
