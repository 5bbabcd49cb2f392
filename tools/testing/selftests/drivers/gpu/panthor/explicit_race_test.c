// SPDX-License-Identifier: GPL-2.0
/*
 * mem_reclaim and mem_claim in a loop while everything goes on that can go on
 * beside them. No word may be lost, and the books have to be in order afterwards.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "explicit_common.h"

#define STORM_MS	pan_rounds(4000, 500)
#define TIMEOUT_S	120
#define MAX_WRITERS	4

struct writer {
	struct pan_dev *dev;
	const char *knob;
	const volatile pid_t *tgid;
	volatile int *over;
	uint32_t writes;
	uint32_t good;
	int unexpected;
};

static bool expected(int ret)
{
	/* The target may resist, come back, or be gone; claims may be ended and undone. */
	return !ret || ret == -EBUSY || ret == -ESRCH || ret == -ECANCELED || ret == -EAGAIN;
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;

	do {
		int ret = explicit_tgid(w->dev, w->knob, *w->tgid);

		w->writes++;
		w->good += !ret;
		if (!expected(ret))
			w->unexpected = ret;
		pan_sleep_ms(w->writes % 5);
	} while (!*w->over);
	return NULL;
}

FIXTURE(race)
{
	struct pan_dev dev;
	uint64_t stale;
	uint64_t touches;
	struct writer writers[MAX_WRITERS];
	pthread_t threads[MAX_WRITERS];
	uint32_t nr;
	volatile pid_t tgid;
	volatile int over;
};

FIXTURE_SETUP(race)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
	self->stale = pan_model_count("tlb_stale");
	self->touches = pan_model_count("free_page_touches");
	self->tgid = getpid();
}

FIXTURE_TEARDOWN(race)
{
	EXPECT_OK(engine_books(&self->dev));
	EXPECT_EQ(self->stale, pan_model_count("tlb_stale"));
	EXPECT_EQ(self->touches, pan_model_count("free_page_touches"));
	pan_close(&self->dev);
}

static int start_writer(FIXTURE_DATA(race) *self, const char *knob)
{
	struct writer *w = &self->writers[self->nr];

	*w = (struct writer) {
		.dev = &self->dev,
		.knob = knob,
		.tgid = &self->tgid,
		.over = &self->over,
	};
	return -pthread_create(&self->threads[self->nr++], NULL, writer_main, w);
}

/* 0 if every write returned what it may. */
static int end_writers(FIXTURE_DATA(race) *self)
{
	int ret = 0;
	uint32_t i;

	self->over = 1;
	for (i = 0; i < self->nr; i++) {
		struct writer *w = &self->writers[i];

		pthread_join(self->threads[i], NULL);
		printf("# %s: %u writes, %u of them succeeded\n", w->knob, w->writes, w->good);
		if (w->unexpected)
			ret = pan_error(w->unexpected, "%s", w->knob);
		if (!w->writes)
			ret = -ENODATA;
	}
	return ret;
}

TEST_F_TIMEOUT(race, reclaim_and_claim_of_a_working_process, TIMEOUT_S)
{
	struct explicit_target *target = explicit_start(1, 0);

	ASSERT_NE(NULL, target);
	self->tgid = target->pid;
	explicit_send(target, EXPLICIT_LOOP);
	ASSERT_OK(start_writer(self, "mem_reclaim"));
	ASSERT_OK(start_writer(self, "mem_claim"));
	pan_sleep_ms(STORM_MS);
	EXPECT_OK(end_writers(self));
	EXPECT_OK(explicit_order(target, EXPLICIT_WORK));
	explicit_kill(target);
}

TEST_F_TIMEOUT(race, two_managers_of_each_kind_and_the_shrinker, TIMEOUT_S)
{
	struct explicit_target *target = explicit_start(2, 1);
	uint64_t end = pan_now_ms() + STORM_MS;

	ASSERT_NE(NULL, target);
	self->tgid = target->pid;
	ASSERT_OK(start_writer(self, "mem_reclaim"));
	ASSERT_OK(start_writer(self, "mem_reclaim"));
	ASSERT_OK(start_writer(self, "mem_claim"));
	ASSERT_OK(start_writer(self, "mem_claim"));
	while (pan_now_ms() < end) {
		engine_shrink(&self->dev, 256);
		pan_sleep_ms(20);
	}
	EXPECT_OK(explicit_order(target, EXPLICIT_WORK));
	EXPECT_OK(end_writers(self));

	/* Nobody is in the way any more. */
	EXPECT_OK(explicit_reclaim(&self->dev, target->pid));
	EXPECT_EQ(0, explicit_resident(&self->dev, target->pid));
	EXPECT_OK(explicit_claim(&self->dev, target->pid));
	EXPECT_EQ(0, engine_stat(&self->dev, "class_evicted_bos"));
	EXPECT_OK(explicit_order(target, EXPLICIT_WORK));
	explicit_kill(target);
}

/* Its VMs, BOs and files come and go. */
static int restless_main(void *arg)
{
	volatile uint32_t *word = arg;
	uint32_t round;

	for (round = 0; !word[1]; round++) {
		struct pan_client client;

		if (pan_client_init(&client, 20 + round, 2) || explicit_fill(&client, 0))
			return 1;
		pan_client_trim(&client, 2);
		if (pan_client_check_all(&client))
			return 2;
		pan_client_fini(&client);
		word[0]++;
	}
	return 0;
}

TEST_F_TIMEOUT(race, vms_bos_and_files_come_and_go, TIMEOUT_S)
{
	volatile uint32_t *word = pan_shared_alloc(4096);
	pid_t pid;

	ASSERT_NE(NULL, word);
	pid = pan_spawn(restless_main, (void *)word);
	ASSERT_LT(0, pid);
	self->tgid = pid;
	ASSERT_OK(start_writer(self, "mem_reclaim"));
	ASSERT_OK(start_writer(self, "mem_claim"));
	pan_sleep_ms(STORM_MS);
	word[1] = 1;
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + EXPLICIT_MS));
	TH_LOG("%u rounds", word[0]);
	EXPECT_LT(0, word[0]);
	EXPECT_OK(end_writers(self));
	pan_shared_free((void *)word, 4096);
}

TEST_F_TIMEOUT(race, targets_are_killed, TIMEOUT_S)
{
	uint64_t end = pan_now_ms() + STORM_MS;
	uint32_t rounds = 0;

	ASSERT_OK(start_writer(self, "mem_reclaim"));
	ASSERT_OK(start_writer(self, "mem_claim"));
	while (pan_now_ms() < end) {
		struct explicit_target *target = explicit_start(100 + rounds, 0);

		ASSERT_NE(NULL, target);
		self->tgid = target->pid;
		explicit_send(target, EXPLICIT_LOOP);
		pan_sleep_ms(20 + rounds % 11 * 7);
		explicit_kill(target);
		rounds++;
	}
	TH_LOG("%u targets", rounds);
	EXPECT_OK(end_writers(self));
}

/* The process stays, its files go. */
static int exec_main(void *arg)
{
	struct pan_client client;
	char child[PATH_MAX];

	if (pan_client_init(&client, 30, 2) || explicit_fill(&client, 0) ||
	    pan_program("child", child, sizeof(child)))
		return 1;
	*(volatile uint32_t *)arg = 1;
	pan_sleep_ms(50);
	execl(child, child, "sleep", "1", NULL);
	return 127;
}

TEST_F_TIMEOUT(race, targets_exec, TIMEOUT_S)
{
	volatile uint32_t *word = pan_shared_alloc(4096);
	int i;

	ASSERT_NE(NULL, word);
	ASSERT_OK(start_writer(self, "mem_reclaim"));
	ASSERT_OK(start_writer(self, "mem_claim"));
	for (i = 0; i < 3; i++) {
		pid_t pid;

		*word = 0;
		pid = pan_spawn(exec_main, (void *)word);
		ASSERT_LT(0, pid);
		ASSERT_OK(pan_wait_word(word, 1, EXPLICIT_MS));
		self->tgid = pid;
		EXPECT_EQ(0, pan_join(pid, pan_now_ms() + EXPLICIT_MS));
	}
	EXPECT_OK(end_writers(self));
	pan_shared_free((void *)word, 4096);
}

/* Others open and close the device: how many, and how long the slowest took, in ms. */
struct opens {
	volatile uint32_t over;
	volatile uint32_t count;
	volatile uint32_t slowest;
};

static int open_main(void *arg)
{
	struct opens *opens = arg;

	while (!opens->over) {
		uint64_t start = pan_now_ms();
		struct pan_dev dev;

		if (pan_open(&dev))
			return 1;
		pan_close(&dev);
		opens->count++;
		if (pan_now_ms() - start > opens->slowest)
			opens->slowest = pan_now_ms() - start;
	}
	return 0;
}

/* The target's job keeps the write waiting to the end of the time allowed. */
TEST_F_TIMEOUT(race, device_is_opened_and_closed_during_a_long_reclaim, TIMEOUT_S)
{
	struct explicit_target *target = explicit_start(3, 2);
	struct opens *opens = pan_shared_alloc(sizeof(*opens));
	uint32_t before, during;
	uint64_t ms;
	pid_t pid;

	ASSERT_NE(NULL, target);
	ASSERT_NE(NULL, opens);
	ASSERT_OK(explicit_order(target, EXPLICIT_SPIN));
	pid = pan_spawn(open_main, opens);
	ASSERT_LT(0, pid);
	ASSERT_OK(pan_wait_word(&opens->count, 1, EXPLICIT_MS));
	opens->slowest = 0;
	before = opens->count;
	ms = pan_now_ms();
	EXPECT_EQ(-EBUSY, explicit_reclaim(&self->dev, target->pid));
	ms = pan_now_ms() - ms;
	during = opens->count - before;
	TH_LOG("%u opens during a write of %llu ms, the slowest took %u ms",
	       during, (unsigned long long)ms, opens->slowest);
	opens->over = 1;
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + EXPLICIT_MS));
	/* One that began after the write, and ended before it, waited for nothing of it. */
	EXPECT_LE(2, during);
	EXPECT_OK(explicit_order(target, EXPLICIT_RELAX));
	EXPECT_OK(explicit_order(target, EXPLICIT_WORK));
	explicit_kill(target);
	pan_shared_free(opens, sizeof(*opens));
}

TEST_F_TIMEOUT(race, device_is_unbound_during_a_write, TIMEOUT_S)
{
	static const char * const knobs[] = { "mem_reclaim", "mem_claim" };
	int i;

	for (i = 0; i < 2; i++) {
		struct explicit_target *target = explicit_start(40 + i, 2);
		struct pan_client client;
		int ret;
		pid_t pid;

		ASSERT_NE(NULL, target);
		if (i) {
			EXPECT_OK(explicit_reclaim(&self->dev, target->pid));
		} else {
			EXPECT_OK(explicit_order(target, EXPLICIT_SPIN));
		}
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			ret = explicit_tgid(&self->dev, knobs[i], target->pid);
			_exit(ret == -ENOENT ? ENODEV : -ret);
		}
		/* The claim does not wait for anything: it may be over. */
		if (i)
			pan_sleep_ms(20);
		else
			EXPECT_OK(pan_wait_syscall(pid, SYS_write, EXPLICIT_MS));
		ASSERT_OK(pan_unbind(&self->dev));
		ret = pan_join(pid, pan_now_ms() + EXPLICIT_MS);
		TH_LOG("%s: error %d", knobs[i], ret);
		EXPECT_TRUE(!ret || ret == EBUSY || ret == ENODEV || ret == ECANCELED);
		explicit_kill(target);
		ASSERT_OK(pan_rebind(&self->dev));

		ASSERT_OK(pan_client_init(&client, 50 + i, 2));
		ASSERT_OK(explicit_fill(&client, 0));
		EXPECT_OK(explicit_reclaim(&client.dev, getpid()));
		EXPECT_OK(explicit_claim(&client.dev, getpid()));
		EXPECT_OK(pan_client_work_all(&client));
		EXPECT_OK(pan_client_check_all(&client));
		pan_client_fini(&client);
	}

	/* The one the fixture has open belongs to the device that went. */
	pan_close(&self->dev);
	ASSERT_OK(pan_open(&self->dev));
}

TEST_HARNESS_MAIN
