// SPDX-License-Identifier: GPL-2.0
/* memory.reclaim on a cgroup whose memory is mostly idle BOs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/pan_cgroup.h"
#include "lib/pan_mem.h"
#include "lib/pan_proc.h"
#include "scenario.h"

#define MIB		100
#define ASK_PERCENT	40
#define GOAL_PERCENT	95

enum { STAGE_FILLED = 1, STAGE_RECLAIMED, STAGE_CHECKED };

struct job {
	struct pan_cgroup cg;
	uint32_t mib;
	struct scenario_client report;
};

static int client_main(void *arg)
{
	struct job *job = arg;
	struct scenario_client *r = &job->report;
	struct pan_client client;
	int ret;

	ret = pan_cgroup_enter(&job->cg, 0);
	if (!ret)
		ret = pan_client_init(&client, 3, 1);
	if (ret) {
		r->failed = ret;
		return 1;
	}

	ret = pan_client_add_mib(&client, 0, job->mib, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_work(&client, 0);
	r->bound_mib = pan_client_bytes(&client) / PAN_MIB;
	scenario_report(r, &client, ret);
	r->ready = STAGE_FILLED;

	while (r->go < STAGE_RECLAIMED)
		pan_sleep_ms(10);
	if (!ret)
		ret = pan_client_work(&client, 0);
	if (!ret)
		ret = pan_client_check(&client, 0);
	scenario_report(r, &client, ret);
	r->ready = STAGE_CHECKED;
	pan_client_fini(&client);
	return ret != 0;
}

static void write_reclaim(const struct scenario *s, struct job *job, uint64_t *percent, int *error)
{
	uint64_t before = 0, after = 0, start, asked = job->mib * ASK_PERCENT / 100;
	int64_t fell;
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 "M", asked);
	pan_cgroup_read(&job->cg, "memory.current", &before);
	start = pan_now_ms();
	*error = pan_cgroup_write(&job->cg, "memory.reclaim", text);
	scenario_metric(s, "time", "ms", pan_now_ms() - start);
	pan_cgroup_read(&job->cg, "memory.current", &after);
	fell = before - after;
	if (fell < 0)
		fell = 0;
	*percent = fell * 100 / (asked << 20);
	scenario_metric(s, "resident", "MiB", before >> 20);
	scenario_metric(s, "asked", "MiB", asked);
	scenario_metric(s, "reclaimed", "KiB", fell >> 10);
	scenario_metric(s, "reclaimed_share", "percent", *percent);
	scenario_metric(s, "write_errno", "errno", -*error);
}

static enum scenario_result judge(const struct scenario *s, struct job *job, int status,
				  uint64_t percent, int error)
{
	struct scenario_client *r = &job->report;

	scenario_metric(s, "bad_words", "words", r->bad_words);
	if (r->failed || status || r->bad_words)
		return scenario_outcome(s, SCENARIO_BROKEN,
					"the client: error %d, status %d, %" PRIu64 " words",
					r->failed, status, r->bad_words);
	if (error || percent < GOAL_PERCENT)
		return scenario_outcome(s, SCENARIO_SHORT,
					"memory.reclaim got %" PRIu64 " %%: %s", percent,
					strerror(-error));
	return scenario_outcome(s, SCENARIO_GOOD, "memory.reclaim got %" PRIu64 " %%", percent);
}

static enum scenario_result run(const struct scenario *s, const struct scenario_options *o)
{
	uint64_t deadline = pan_now_ms() + o->timeout_s * 1000ull, percent = 0;
	enum scenario_result result;
	struct job *job;
	int ret, error = 0;
	pid_t pid;

	job = pan_shared_alloc(sizeof(*job));
	if (!job)
		return scenario_outcome(s, SCENARIO_BROKEN, "no memory");
	job->mib = scenario_default(o->mib, MIB);
	ret = pan_cgroup_create(&job->cg, "panthor");
	if (ret) {
		pan_shared_free(job, sizeof(*job));
		return scenario_outcome(s, SCENARIO_SKIP, "no memory cgroups");
	}

	pid = pan_spawn(client_main, job);
	ret = pid < 0 ? pid : pan_wait_word(&job->report.ready, STAGE_FILLED,
					    o->timeout_s * 500);
	if (!ret && !job->report.failed)
		write_reclaim(s, job, &percent, &error);
	job->report.go = STAGE_RECLAIMED;
	if (pid > 0)
		ret = pan_join(pid, deadline);
	result = judge(s, job, ret, percent, error);

	pan_cgroup_remove(&job->cg);
	pan_shared_free(job, sizeof(*job));
	return result;
}

const struct scenario scenario_memory_reclaim = {
	.name = "memory-reclaim",
	.title = "memory.reclaim of 40 MiB on a cgroup with 100 MiB of idle BOs",
	.run = run,
};
