// SPDX-License-Identifier: GPL-2.0
/*
 * A resource manager brings a process back that was evicted: how much faster is
 * that when all CPUs read from swap than when one does?
 */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/sysinfo.h>

#include "lib/pan_file.h"
#include "lib/pan_mem.h"
#include "scenario.h"

#define MIB		200
#define ROUNDS		3
#define GOAL_PERCENT	160
#define WQ_CPUMASK	"/sys/devices/virtual/workqueue/cpumask"

/**
 * struct cpus - What one claim may use
 * @affinity: CPUs of the task that claims
 * @workers: CPUs of its helpers, as in WQ_CPUMASK
 */
struct cpus {
	cpu_set_t affinity;
	char workers[64];
};

static int use(const struct cpus *cpus)
{
	if (sched_setaffinity(0, sizeof(cpus->affinity), &cpus->affinity))
		return -1;
	return pan_write_file(WQ_CPUMASK, cpus->workers);
}

/* Evicts everything, then claims it on some CPUs. @best is the shortest so far. */
static int claim(const struct pan_client *client, const struct cpus *cpus, uint64_t *best)
{
	uint64_t us;
	int ret;

	ret = scenario_write_knob(client, "mem_reclaim");
	if (!ret)
		ret = use(cpus);
	if (ret)
		return ret;
	us = pan_now_us();
	ret = scenario_write_knob(client, "mem_claim");
	us = pan_now_us() - us;
	*best = us < *best ? us : *best;
	return ret;
}

static enum scenario_result measure(const struct scenario *s, struct pan_client *client,
				    const struct cpus *all, uint32_t mib, uint32_t rounds)
{
	struct cpus one = { .workers = "1" };
	uint64_t us_one = ~0ull, us_all = ~0ull;
	long long percent;
	uint32_t i;
	int ret = 0;

	CPU_SET(0, &one.affinity);
	/* By turns, and the best of some: the others were disturbed. */
	for (i = 0; !ret && i < rounds; i++) {
		ret = claim(client, &one, &us_one);
		if (!ret)
			ret = claim(client, all, &us_all);
	}
	if (use(all) || ret)
		return scenario_outcome(s, SCENARIO_BROKEN, "claim: error %d", ret);

	percent = us_one * 100 / (us_all ? us_all : 1);
	scenario_metric(s, "claimed", "MiB", mib);
	scenario_metric(s, "one_cpu", "us", us_one);
	scenario_metric(s, "all_cpus", "us", us_all);
	scenario_metric(s, "as_fast", "percent", percent);
	ret = pan_client_check(client, 0);
	scenario_metric(s, "bad_words", "words", client->bad_words);
	if (ret)
		return scenario_outcome(s, SCENARIO_BROKEN, "what came back: error %d", ret);
	return scenario_outcome(s, percent < GOAL_PERCENT ? SCENARIO_SHORT : SCENARIO_GOOD,
				"%u MiB with %d CPUs: %lld %% as fast as with one", mib,
				get_nprocs(), percent);
}

static enum scenario_result run(const struct scenario *s, const struct scenario_options *o)
{
	uint32_t mib = scenario_default(o->mib, MIB);
	struct pan_client client;
	enum scenario_result result;
	char path[PATH_MAX];
	struct cpus all;
	int ret;

	if (get_nprocs() < 2)
		return scenario_outcome(s, SCENARIO_SKIP, "one CPU");
	if (pan_read_file(WQ_CPUMASK, all.workers, sizeof(all.workers)) < 0 ||
	    sched_getaffinity(0, sizeof(all.affinity), &all.affinity))
		return scenario_outcome(s, SCENARIO_SKIP,
					"the CPUs of work queues cannot be chosen");
	ret = pan_client_init(&client, 1, 1);
	if (ret)
		return scenario_outcome(s, SCENARIO_BROKEN, "no client: error %d", ret);

	snprintf(path, sizeof(path), "%.3000s/mem_claim", client.dev.sysfs);
	ret = pan_file_exists(path) ? pan_client_add_mib(&client, 0, mib, PAN_BUF_UNUSED) : 1;
	if (!ret)
		ret = pan_client_work(&client, 0);
	if (ret > 0)
		result = scenario_outcome(s, SCENARIO_SKIP, "no sysfs file 'mem_claim'");
	else if (ret)
		result = scenario_outcome(s, SCENARIO_BROKEN, "buffers: error %d", ret);
	else
		result = measure(s, &client, &all, mib, scenario_default(o->rounds, ROUNDS));
	pan_client_fini(&client);
	return result;
}

const struct scenario scenario_explicit_claim_cpus = {
	.name = "explicit-claim-cpus",
	.title = "claim of 200 MiB with all CPUs and with one: how much faster?",
	.run = run,
};
