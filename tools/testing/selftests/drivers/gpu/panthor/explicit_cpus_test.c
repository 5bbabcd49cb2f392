// SPDX-License-Identifier: GPL-2.0
/* Claiming reads from swap on all CPUs: with two it is faster than with one. */
#include <sched.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "explicit_common.h"

#define MIB		200u
#define RUNS		3
#define GOAL_PERCENT	160
#define TIMEOUT_S	280
#define WQ_CPUMASK	"/sys/devices/virtual/workqueue/cpumask"

FIXTURE(cpus)
{
	struct pan_client client;
	char cpumask[64];
	cpu_set_t affinity;
	uint32_t mib;
	bool zram;
};

FIXTURE_SETUP(cpus)
{
	struct pan_dev dev;
	uint64_t quarter;

	PAN_OPEN_OR_SKIP(&dev);
	EXPLICIT_NEEDS(&dev);
	pan_close(&dev);
	if (get_nprocs() < 2)
		SKIP(return, "one CPU");
	if (pan_read_file(WQ_CPUMASK, self->cpumask, sizeof(self->cpumask)) < 0)
		SKIP(return, "the CPUs of work queues cannot be chosen");
	ASSERT_OK(sched_getaffinity(0, sizeof(self->affinity), &self->affinity));

	/* Once as BOs, once as what zram makes of them, and room for the rest. */
	quarter = pan_free_pages() / 256 / 3;
	self->mib = quarter < MIB ? quarter : MIB;
	if (self->mib < 32)
		SKIP(return, "only %u MiB for BOs", self->mib);
	if (pan_zram_on(self->mib + 16))
		SKIP(return, "no zram");
	self->zram = true;
	ASSERT_OK(pan_client_init(&self->client, 70, 1));
	ASSERT_OK(pan_client_add_mib(&self->client, 0, self->mib, PAN_BUF_UNUSED));
	ASSERT_OK(pan_client_work(&self->client, 0));
}

FIXTURE_TEARDOWN(cpus)
{
	pan_write_file(WQ_CPUMASK, self->cpumask);
	sched_setaffinity(0, sizeof(self->affinity), &self->affinity);
	pan_client_fini(&self->client);
	if (self->zram) {
		EXPECT_OK(pan_zram_off());
	}
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

/* The fastest of some claims, in us; 0 on failure. */
static uint64_t claim_us(struct pan_client *client)
{
	uint64_t best = ~0ull, us;
	int i;

	for (i = 0; i < RUNS; i++) {
		if (explicit_reclaim(&client->dev, getpid()))
			return 0;
		us = now_us();
		if (explicit_claim(&client->dev, getpid()))
			return 0;
		us = now_us() - us;
		if (us < best)
			best = us;
	}
	return best;
}

static int only_cpu(int cpu)
{
	cpu_set_t set;
	char mask[32];

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	snprintf(mask, sizeof(mask), "%x", 1 << cpu);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno :
	       pan_write_file(WQ_CPUMASK, mask);
}

TEST_F_TIMEOUT(cpus, two_are_faster_than_one, TIMEOUT_S)
{
	uint64_t one, all;

	ASSERT_OK(only_cpu(0));
	one = claim_us(&self->client);
	ASSERT_LT(0, one);
	ASSERT_OK(pan_write_file(WQ_CPUMASK, self->cpumask));
	ASSERT_OK(sched_setaffinity(0, sizeof(self->affinity), &self->affinity));
	all = claim_us(&self->client);
	ASSERT_LT(0, all);
	TH_LOG("%u MiB: %llu us with one CPU, %llu us with %d: %llu %% as fast", self->mib,
	       (unsigned long long)one, (unsigned long long)all, get_nprocs(),
	       (unsigned long long)(one * 100 / all));
	EXPECT_LE(all * GOAL_PERCENT, one * 100);
	EXPECT_OK(pan_client_check(&self->client, 0));
}

TEST_HARNESS_MAIN
