// SPDX-License-Identifier: GPL-2.0
/*
 * A resource manager names a process: how fast does its memory leave, and how
 * much of it; and how long is its first job after it was brought back, compared
 * with one that finds its memory in swap, and with one that never lost it?
 *
 * The process names itself, which makes no difference to the driver.
 *
 * Beside it, in the same run, what mm does to as much shared anonymous memory with
 * the same contents when it is asked to: MADV_PAGEOUT, until all writes have ended,
 * and MADV_WILLNEED and MADV_POPULATE_READ. The former leaves the pages in the swap
 * cache if the swap device is not synchronous, so it does less.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>

#include "lib/pan_file.h"
#include "lib/pan_mem.h"
#include "lib/pan_pattern.h"
#include "scenario.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#endif

#define MIB		64
#define JOBS		5
#define GOAL_LEFT	95
#define GOAL_SAVED	90

/* Time until madvise(MADV_PAGEOUT) of @mem has had all of it written. */
static int peer_out(char *mem, size_t size, uint64_t *us)
{
	uint64_t written = pan_vmstat("pswpout"), start = pan_now_us(), end = pan_now_ms() + 60000;

	if (madvise(mem, size, MADV_PAGEOUT))
		return -errno;
	while (pan_vmstat("nr_writeback") && pan_now_ms() < end)
		pan_sleep_ms(1);
	*us = pan_now_us() - start;

	/* What it skips would make it look fast. */
	return (pan_vmstat("pswpout") - written) * PAN_PAGE < size / 100 * 95 ? -EAGAIN : 0;
}

static int peer_in(char *mem, size_t size, uint64_t *us)
{
	uint64_t start = pan_now_us();

	if (madvise(mem, size, MADV_WILLNEED) || madvise(mem, size, MADV_POPULATE_READ))
		return -errno;
	*us = pan_now_us() - start;
	return 0;
}

/* The best of @times. */
static int measure_peer(uint32_t mib, int times, uint64_t *out_us, uint64_t *in_us)
{
	size_t size = mib * PAN_MIB;
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ret = 0;

	if (mem == MAP_FAILED)
		return -errno;
	*out_us = ~0ull;
	*in_us = ~0ull;
	while (!ret && times--) {
		uint64_t us;

		pan_pattern_fill((uint32_t *)mem, size, 1);
		ret = peer_out(mem, size, &us);
		if (!ret && us < *out_us)
			*out_us = us;

		/* The swap cache would save it the reading. */
		ret = ret ?: pan_write_file("/proc/sys/vm/drop_caches", "1");
		ret = ret ?: peer_in(mem, size, &us);
		if (!ret && us < *in_us)
			*in_us = us;
	}
	munmap(mem, size);
	return ret;
}

/* A client of which everything is in memory. SCENARIO_GOOD, or why there is none. */
static enum scenario_result prepare(const struct scenario *s, struct pan_client *client,
				    uint32_t mib)
{
	char path[PATH_MAX];
	int ret;

	ret = pan_client_init(client, 1, 1);
	if (ret)
		return scenario_outcome(s, SCENARIO_BROKEN, "no client: error %d", ret);

	snprintf(path, sizeof(path), "%.3000s/mem_reclaim", client->dev.sysfs);
	if (!pan_file_exists(path)) {
		pan_client_fini(client);
		return scenario_outcome(s, SCENARIO_SKIP, "no sysfs file 'mem_reclaim'");
	}

	ret = pan_client_add_mib(client, 0, mib, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_work(client, 0);
	if (!ret)
		return SCENARIO_GOOD;

	pan_client_fini(client);
	return scenario_outcome(s, SCENARIO_BROKEN, "buffers: error %d", ret);
}

static enum scenario_result verify(const struct scenario *s, struct pan_client *client)
{
	int ret = pan_client_work(client, 0);

	if (!ret)
		ret = pan_client_check(client, 0);
	scenario_metric(s, "bad_words", "words", client->bad_words);
	return ret ? scenario_outcome(s, SCENARIO_BROKEN, "the next job failed: error %d", ret) :
		     SCENARIO_GOOD;
}

static enum scenario_result measure_reclaim(const struct scenario *s,
					    struct pan_client *client, uint32_t mib)
{
	uint64_t us, peer_us, peer_in_us;
	enum scenario_result result;
	int64_t left;
	int ret;

	ret = measure_peer(mib, 1, &peer_us, &peer_in_us);
	if (ret)
		return scenario_outcome(s, SCENARIO_BROKEN, "MADV_PAGEOUT: error %d", ret);

	left = pan_free_pages();
	us = pan_now_us();
	ret = scenario_write_knob(client, "mem_reclaim");
	us = pan_now_us() - us;
	left = ((int64_t)pan_free_pages() - left) * 100 / (mib * 256ll);
	scenario_metric(s, "left_memory", "percent", left);
	scenario_metric(s, "speed", "MiB/s", mib * 1000000ull / (us ?: 1));
	scenario_metric(s, "pageout", "MiB/s", mib * 1000000ull / (peer_us ?: 1));
	scenario_metric(s, "of_pageout", "percent", peer_us * 100 / (us ?: 1));
	if (ret)
		return scenario_outcome(s, SCENARIO_BROKEN, "mem_reclaim: error %d", ret);

	result = verify(s, client);
	if (result)
		return result;
	return scenario_outcome(s, left < GOAL_LEFT ? SCENARIO_SHORT : SCENARIO_GOOD,
				"%d %% of %u MiB left memory", (int)left, mib);
}

static enum scenario_result run_reclaim(const struct scenario *s,
					const struct scenario_options *o)
{
	uint32_t mib = scenario_default(o->mib, MIB);
	enum scenario_result result;
	struct pan_client client;

	result = prepare(s, &client, mib);
	if (result)
		return result;
	result = measure_reclaim(s, &client, mib);
	pan_client_fini(&client);
	return result;
}

/* A job that uses next to nothing, so that what it takes is what it waits for. */
static int first_job(struct pan_client *client, uint64_t *us)
{
	struct pan_ctx *ctx = &client->ctx[0];
	uint64_t start = pan_now_us();
	int ret;

	pan_cs_store32(pan_ctx_append(ctx, 0), pan_flag_va(3), 1);
	ret = pan_ctx_submit(ctx, 0);
	if (!ret)
		ret = pan_ctx_wait(ctx, 0);
	*us = pan_now_us() - start;
	return ret;
}

/* The GPU is asleep every time, so that this is the same for all of them. */
static int rest(struct pan_client *client)
{
	return pan_wait_runtime_status(&client->dev, "suspended", 5000);
}

struct latencies {
	uint64_t never;
	uint64_t on_demand;
	uint64_t claimed;
	uint64_t claim;
};

static int measure_latencies(struct pan_client *client, struct latencies *l)
{
	uint64_t us, start;
	int ret, i;

	/* The best of some: the others were disturbed. */
	*l = (struct latencies) { ~0ull, ~0ull, ~0ull, ~0ull };
	for (i = 0; i < JOBS; i++) {
		ret = rest(client) ?: first_job(client, &us);
		if (ret)
			return ret;
		l->never = us < l->never ? us : l->never;

		ret = scenario_write_knob(client, "mem_reclaim") ?: rest(client);
		ret = ret ?: first_job(client, &us);
		if (ret)
			return ret;
		l->on_demand = us < l->on_demand ? us : l->on_demand;

		ret = scenario_write_knob(client, "mem_reclaim");
		start = pan_now_us();
		ret = ret ?: scenario_write_knob(client, "mem_claim");
		us = pan_now_us() - start;
		l->claim = us < l->claim ? us : l->claim;
		ret = ret ?: rest(client);
		ret = ret ?: first_job(client, &us);
		if (ret)
			return ret;
		l->claimed = us < l->claimed ? us : l->claimed;
	}
	return 0;
}

static enum scenario_result measure_claim(const struct scenario *s, struct pan_client *client,
					  uint32_t mib)
{
	uint64_t out_us, in_us;
	enum scenario_result result;
	struct latencies l;
	int64_t saved;
	int ret;

	ret = measure_peer(mib, JOBS, &out_us, &in_us);
	if (ret)
		return scenario_outcome(s, SCENARIO_BROKEN, "MADV_WILLNEED: error %d", ret);
	ret = measure_latencies(client, &l);
	if (ret)
		return scenario_outcome(s, SCENARIO_BROKEN, "error %d", ret);

	saved = (int64_t)(l.on_demand - l.claimed) * 100;
	saved /= l.on_demand > l.never ? (int64_t)(l.on_demand - l.never) : 1;
	scenario_metric(s, "never_evicted", "us", l.never);
	scenario_metric(s, "on_demand", "us", l.on_demand);
	scenario_metric(s, "claimed", "us", l.claimed);
	scenario_metric(s, "claim", "us", l.claim);
	scenario_metric(s, "saved", "percent", saved);
	scenario_metric(s, "willneed", "us", in_us);
	scenario_metric(s, "of_willneed", "percent", in_us * 100 / (l.claim ?: 1));
	result = verify(s, client);
	if (result)
		return result;
	return scenario_outcome(s, saved < GOAL_SAVED ? SCENARIO_SHORT : SCENARIO_GOOD,
				"%d %% of what swap costs the first job was saved", (int)saved);
}

static enum scenario_result run_claim(const struct scenario *s,
				      const struct scenario_options *o)
{
	uint32_t mib = scenario_default(o->mib, MIB);
	enum scenario_result result;
	struct pan_client client;

	result = prepare(s, &client, mib);
	if (result)
		return result;
	result = measure_claim(s, &client, mib);
	pan_client_fini(&client);
	return result;
}

const struct scenario scenario_explicit_reclaim = {
	.name = "explicit-reclaim",
	.title = "mem_reclaim of an idle process: how fast, and how much is free then?",
	.run = run_reclaim,
};

const struct scenario scenario_explicit_claim = {
	.name = "explicit-claim",
	.title = "first job after mem_claim, after eviction, and without",
	.run = run_claim,
};
