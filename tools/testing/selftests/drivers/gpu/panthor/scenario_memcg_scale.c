// SPDX-License-Identifier: GPL-2.0
/*
 * What many cgroups cost reclaim: the same 10,000 BOs of one page, charged to one
 * cgroup and to 200, are taken by memory.reclaim, 50 at a time, and by a shortage
 * of all memory. How much of a shortage mm asks the driver for depends on what
 * else there is to take. So what is compared is the time in the driver for what
 * it gave, and the time of the shortage is only told.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/pan_cgroup.h"
#include "lib/pan_file.h"
#include "lib/pan_mem.h"
#include "lib/pan_obj.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"
#include "scenario.h"

#define CGROUPS		200
#define BOS		50	/* in each of them */

/*
 * Times that memory.reclaim is written to, each for the BOs of one of 200 cgroups.
 * Out of one cgroup mm asks for 512 pages at least: there have to be enough.
 */
#define PIECES		10

#define BASE_VA		0x100000000ull
#define STEP		PAN_MIB

/*
 * reclaim reads the sizes of LRU lists from statistics that are up to two seconds
 * old. Who fills memory faster is killed, as all of it was active a moment ago.
 */
#define STEP_MS		100

/* Times that one cgroup and 200 are measured in turn: of each the quickest counts. */
#define ROUNDS		2

/* Times a program goes through as much memory as there is: until half is evicted. */
#define PASSES		4

struct client {
	struct pan_dev dev;
	uint32_t vm;
	uint32_t bos[BOS];
};

struct job {
	struct pan_cgroup parent;
	struct pan_cgroup cg[CGROUPS];
	struct client clients[CGROUPS];
	uint32_t cgroups;
	uint32_t opened;
	uint64_t bad_words;
};

/* Times in microseconds. */
struct result {
	uint64_t piece;
	uint64_t shortage;
	uint64_t scans;
	uint64_t evicted;
};

static int each_word(struct client *client, uint32_t id, uint32_t bo, uint64_t *bad)
{
	uint32_t seed = pan_seed(id, bo);
	int64_t wrong = 0;
	uint32_t *map;

	map = pan_bo_mmap(&client->dev, client->bos[bo], PAN_PAGE);
	if (!map)
		return -ENOMEM;
	if (bad)
		wrong = pan_pattern_check(map, PAN_PAGE, seed, 0);
	else
		pan_pattern_fill(map, PAN_PAGE, seed);
	munmap(map, PAN_PAGE);
	if (wrong < 0)
		return wrong;
	if (bad)
		*bad += wrong;
	return 0;
}

static int fill(struct client *client, uint32_t id)
{
	uint32_t i;
	int ret;

	ret = pan_vm_create(&client->dev, &client->vm);
	for (i = 0; !ret && i < BOS; i++) {
		ret = pan_bo_create(&client->dev, PAN_PAGE, 0, client->vm, &client->bos[i]);
		if (!ret)
			ret = pan_vm_map(&client->dev, client->vm, client->bos[i], 0,
					 BASE_VA + i * PAN_PAGE, PAN_PAGE, PAN_MAP_RW);
		if (!ret)
			ret = each_word(client, id, i, NULL);
	}
	return ret;
}

static int set_up(struct job *job)
{
	const struct pan_cgroup everybody = { .path = "/sys/fs/cgroup" };
	char name[16];
	uint32_t i;
	int ret;

	for (i = 0; i < job->cgroups; i++) {
		snprintf(name, sizeof(name), "scale%u", i);
		ret = pan_cgroup_create_in(&job->cg[i], &job->parent, name);
		if (ret)
			return ret;
	}
	for (i = 0, ret = 0; !ret && i < CGROUPS; i++) {
		ret = pan_cgroup_enter(&job->cg[i % job->cgroups], 0);
		if (!ret)
			ret = pan_open(&job->clients[i].dev);
		if (ret)
			break;
		job->opened = i + 1;
		ret = fill(&job->clients[i], i);
	}
	pan_cgroup_enter(&everybody, 0);
	return ret;
}

static void tear_down(struct job *job)
{
	uint32_t i;

	while (job->opened)
		pan_close(&job->clients[--job->opened].dev);
	for (i = 0; i < job->cgroups; i++) {
		if (job->cg[i].path[0])
			pan_cgroup_remove(&job->cg[i]);
	}
}

/* The BOs that were filled last, as the ones that take longest to find. */
static int reclaim_pieces(struct job *job, uint64_t *us)
{
	uint64_t start, sum = 0;
	char text[32];
	uint32_t i;
	int ret;

	snprintf(text, sizeof(text), "%lluK", BOS * PAN_PAGE >> 10);
	for (i = 0; i < PIECES; i++) {
		struct pan_cgroup *cg = &job->cg[(CGROUPS - 1 - i) % job->cgroups];

		start = pan_now_us();
		ret = pan_cgroup_write(cg, "memory.reclaim", text);
		sum += pan_now_us() - start;
		if (ret && ret != -EAGAIN)
			return ret;
	}
	*us = sum / PIECES;
	return 0;
}

static uint64_t stat_of(struct job *job, const char *name)
{
	uint64_t value = 0;

	pan_reclaim_stat(&job->clients[0].dev, name, &value);
	return value;
}

static uint64_t evicted(struct job *job)
{
	return stat_of(job, "evicted_bos");
}

static int run_short(struct job *job, struct result *result)
{
	uint64_t size = pan_meminfo_pages("MemTotal") / (STEP / PAN_PAGE) * STEP, used;
	uint64_t before = evicted(job), scans = stat_of(job, "scan_us"), start = pan_now_us();
	char *anon;

	anon = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (anon == MAP_FAILED)
		return -ENOMEM;
	for (used = 0; used < PASSES * size; used += STEP) {
		pan_touch(anon + used % size, STEP);
		pan_sleep_ms(STEP_MS);
		if (evicted(job) - before >= CGROUPS * BOS / 2)
			break;
	}
	munmap(anon, size);
	result->shortage = pan_now_us() - start;
	result->evicted = evicted(job) - before;
	result->scans = stat_of(job, "scan_us") - scans;
	return 0;
}

static int check(struct job *job)
{
	uint32_t i, bo;
	int ret = 0;

	for (i = 0; !ret && i < CGROUPS; i++) {
		for (bo = 0; !ret && bo < BOS; bo++)
			ret = each_word(&job->clients[i], i, bo, &job->bad_words);
	}
	return ret;
}

static int measure(struct job *job, uint32_t cgroups, struct result *result)
{
	int ret;

	job->cgroups = cgroups;
	ret = set_up(job);
	if (!ret)
		ret = run_short(job, result);
	if (!ret)
		ret = check(job);	/* all of it is back then */
	if (!ret)
		ret = reclaim_pieces(job, &result->piece);
	if (!ret)
		ret = check(job);
	tear_down(job);
	return ret;
}

/*
 * What else the machine does only adds to a time. A shortage that took nothing
 * measured nothing.
 */
static void take_quicker(struct result *best, const struct result *next)
{
	uint64_t piece = next->piece;

	if (best->piece && best->piece < piece)
		piece = best->piece;
	if (!best->piece ||
	    (best->evicted &&
	     (!next->evicted || next->scans * best->evicted < best->scans * next->evicted)))
		*best = *next;
	best->piece = piece;
}

static enum scenario_result judge(const struct scenario *s, struct job *job,
				  const struct result *one, const struct result *many, int error)
{
	uint64_t ns_one, ns_many;

	if (error)
		return scenario_outcome(s, SCENARIO_SHORT, "error %d", error);
	if (!one->evicted || !many->evicted)
		return scenario_outcome(s, SCENARIO_SHORT, "a shortage evicted %" PRIu64
					" BOs of one cgroup and %" PRIu64 " of many",
					one->evicted, many->evicted);

	ns_one = one->scans * 1000 / one->evicted ?: 1;
	ns_many = many->scans * 1000 / many->evicted;

	scenario_metric(s, "piece_one", "us", one->piece);
	scenario_metric(s, "piece_many", "us", many->piece);
	scenario_metric(s, "piece_ratio", "percent", many->piece * 100 / one->piece);
	scenario_metric(s, "shortage_one", "ms", one->shortage / 1000);
	scenario_metric(s, "shortage_many", "ms", many->shortage / 1000);
	scenario_metric(s, "scan_one", "ns/BO", ns_one);
	scenario_metric(s, "scan_many", "ns/BO", ns_many);
	scenario_metric(s, "scan_ratio", "percent", ns_many * 100 / ns_one);
	scenario_metric(s, "evicted_one", "BOs", one->evicted);
	scenario_metric(s, "evicted_many", "BOs", many->evicted);
	scenario_metric(s, "bad_words", "words", job->bad_words);
	if (job->bad_words)
		return scenario_outcome(s, SCENARIO_BROKEN, "%" PRIu64 " wrong words",
					job->bad_words);
	return scenario_outcome(s, SCENARIO_GOOD, "%u cgroups, %u BOs", CGROUPS, CGROUPS * BOS);
}

static enum scenario_result run(const struct scenario *s, const struct scenario_options *o)
{
	struct result one = {}, many = {}, next;
	enum scenario_result result;
	struct pan_dev dev;
	uint32_t round;
	struct job *job;
	int ret = 0;
	bool aware;

	(void)o;
	if (pan_open(&dev))
		return scenario_outcome(s, SCENARIO_SKIP, "no panthor device");
	aware = pan_reclaim_has(&dev, "memcg_");
	pan_close(&dev);
	if (!aware)
		return scenario_outcome(s, SCENARIO_SKIP, "reclaim knows no memory cgroups");

	job = calloc(1, sizeof(*job));
	if (!job)
		return scenario_outcome(s, SCENARIO_BROKEN, "no memory");
	if (pan_cgroup_create(&job->parent, "scale")) {
		free(job);
		return scenario_outcome(s, SCENARIO_SKIP, "no memory cgroups");
	}

	for (round = 0; !ret && round < ROUNDS; round++) {
		ret = measure(job, 1, &next);
		if (ret)
			break;
		take_quicker(&one, &next);
		ret = measure(job, CGROUPS, &next);
		if (!ret)
			take_quicker(&many, &next);
	}
	result = judge(s, job, &one, &many, ret);

	pan_cgroup_remove(&job->parent);
	free(job);
	return result;
}

const struct scenario scenario_memcg_scale = {
	.name = "memcg-scale",
	.title = "10,000 BOs of 4 KiB, charged to one cgroup and to 200",
	.run = run,
};
