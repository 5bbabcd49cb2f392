// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's shrinker takes idle private BOs. Does the memory leave? What it
 * reports must show up as free memory, or as pages on their way to swap.
 */
#include <inttypes.h>

#include "lib/pan_mem.h"
#include "scenario.h"

#define MIB		64
#define SETTLE_MS	5000
#define GOAL_PERCENT	95

struct sample {
	int64_t rise;
	int64_t writeback;
	int64_t swap_fall;
};

static void sample(const struct pan_mem *before, struct sample *s)
{
	struct pan_mem now;

	pan_mem_read(&now);
	/* What swap in memory takes has left its owner all the same. */
	s->rise = now.free + now.zram - before->free - before->zram;
	s->writeback = now.writeback;
	s->swap_fall = before->swap_free - now.swap_free;
}

/* Memory may need writeback to become free: watch it until the goal, or for a while. */
static struct sample settle(const struct pan_mem *before, uint64_t reported)
{
	uint64_t end = pan_now_ms() + SETTLE_MS;
	struct sample now, best = { 0 };

	do {
		sample(before, &now);
		if (now.rise + now.writeback >= best.rise + best.writeback)
			best = now;
		if ((best.rise + best.writeback) * 100 >= (int64_t)reported * GOAL_PERCENT)
			break;
		pan_sleep_ms(50);
	} while (pan_now_ms() < end);
	return best;
}

static enum scenario_result measure(const struct scenario *s, struct pan_client *client,
				    uint32_t mib)
{
	uint64_t asked = (uint64_t)mib * 256, reported, start, left;
	struct pan_mem before;
	struct sample now;
	int ret;

	pan_mem_read(&before);
	start = pan_now_ms();
	ret = pan_shrink(&client->dev, asked, &reported);
	scenario_metric(s, "scan", "ms", pan_now_ms() - start);
	if (ret)
		return scenario_outcome(s, SCENARIO_BROKEN, "the shrinker could not be run");

	now = settle(&before, reported);
	left = reported ? (now.rise + now.writeback) * 100 / (int64_t)reported : 0;
	scenario_metric(s, "asked", "pages", asked);
	scenario_metric(s, "reported", "pages", reported);
	scenario_metric(s, "free_rise", "pages", now.rise);
	scenario_metric(s, "writeback", "pages", now.writeback);
	scenario_metric(s, "swapfree_fall", "pages", now.swap_fall);
	scenario_metric(s, "left_memory", "percent", left);

	ret = pan_client_work(client, 0);
	if (!ret)
		ret = pan_client_check(client, 0);
	scenario_metric(s, "bad_words", "words", client->bad_words);
	if (ret)
		return scenario_outcome(s, SCENARIO_BROKEN, "the next job failed: error %d", ret);

	if (reported * 100 < asked * GOAL_PERCENT || left < GOAL_PERCENT)
		return scenario_outcome(s, SCENARIO_SHORT,
					"%" PRIu64 " pages reported, %" PRId64 " free or leaving",
					reported, now.rise + now.writeback);
	return scenario_outcome(s, SCENARIO_GOOD, "%" PRIu64 " %% of what was reported left",
				left);
}

static enum scenario_result run(const struct scenario *s, const struct scenario_options *o)
{
	uint32_t mib = scenario_default(o->mib, MIB);
	enum scenario_result result;
	struct pan_client client;
	int ret;

	ret = pan_client_init(&client, 1, 1);
	if (ret)
		return scenario_outcome(s, SCENARIO_BROKEN, "no client: error %d", ret);

	if (!pan_can_shrink(&client.dev)) {
		pan_client_fini(&client);
		return scenario_outcome(s, SCENARIO_SKIP, "no debugfs file 'shrink'");
	}

	ret = pan_client_add_mib(&client, 0, mib, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_work(&client, 0);
	if (ret)
		result = scenario_outcome(s, SCENARIO_BROKEN, "buffers: error %d", ret);
	else
		result = measure(s, &client, mib);
	pan_client_fini(&client);
	return result;
}

const struct scenario scenario_really_free = {
	.name = "really-free",
	.title = "debugfs shrink on idle private BOs: is the memory free afterwards?",
	.run = run,
};
