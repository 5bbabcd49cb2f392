// SPDX-License-Identifier: GPL-2.0
/*
 * A client in a cgroup with less memory than it has BOs, in address spaces that
 * each fit: binds and jobs, one address space after the other.
 */
#include <errno.h>
#include <inttypes.h>

#include "lib/pan_cgroup.h"
#include "lib/pan_mem.h"
#include "lib/pan_proc.h"
#include "scenario.h"

#define LIMIT		"64M"
#define MIB		100
#define VMS		4
#define ROUNDS		2

struct job {
	struct pan_cgroup cg;
	uint32_t mib;
	uint32_t vms;
	uint32_t rounds;
	struct scenario_client report;
};

static int rounds(struct job *job, struct pan_client *client)
{
	struct scenario_client *r = &job->report;
	uint32_t vm;
	int ret = 0;

	while (r->rounds < job->rounds) {
		int failed = 0;

		for (vm = 0; vm < job->vms; vm++) {
			ret = pan_client_work(client, vm);
			if (!ret)
				ret = pan_client_check(client, vm);
			if (ret == -ENOMEM || ret == -EFAULT)
				failed = ret;
			else if (ret)
				return ret;
		}
		scenario_report(r, client, 0);
		if (failed)
			return 0;
		r->rounds++;
	}
	return 0;
}

static int client_main(void *arg)
{
	struct job *job = arg;
	struct pan_client client;
	uint32_t vm;
	int ret;

	ret = pan_cgroup_enter(&job->cg, 0);
	if (!ret)
		ret = pan_client_init(&client, 2, job->vms);
	if (ret) {
		job->report.failed = ret;
		return 1;
	}

	for (vm = 0; vm < job->vms; vm++) {
		ret = pan_client_add_mib(&client, vm, job->mib / job->vms, PAN_BUF_PRIVATE);
		if (ret && ret != -ENOMEM)
			break;
		ret = 0;
	}
	job->report.bound_mib = pan_client_bytes(&client) / PAN_MIB;
	if (!ret)
		ret = rounds(job, &client);
	scenario_report(&job->report, &client, ret);
	pan_client_fini(&client);
	return 0;
}

static enum scenario_result judge(const struct scenario *s, struct job *job, int status)
{
	struct scenario_client *r = &job->report;
	uint64_t enomem = r->enomem_bind + r->enomem_submit + r->sigbus;
	uint64_t killed = pan_cgroup_key(&job->cg, "memory.events", "oom_kill");
	uint64_t peak = 0;

	pan_cgroup_read(&job->cg, "memory.peak", &peak);
	scenario_metric(s, "asked", "MiB", job->mib);
	scenario_metric(s, "bound", "MiB", r->bound_mib);
	scenario_metric(s, "rounds", "rounds", r->rounds);
	scenario_metric(s, "enomem_bind", "calls", r->enomem_bind);
	scenario_metric(s, "enomem_submit", "calls", r->enomem_submit);
	scenario_metric(s, "sigbus", "accesses", r->sigbus);
	scenario_metric(s, "events_max", "events",
			pan_cgroup_key(&job->cg, "memory.events", "max"));
	scenario_metric(s, "oom_kill", "processes", killed);
	scenario_metric(s, "peak", "MiB", peak >> 20);
	scenario_metric(s, "bad_words", "words", r->bad_words);

	if (r->bad_words)
		return scenario_outcome(s, SCENARIO_BROKEN, "%" PRIu64 " wrong words",
					r->bad_words);
	if (killed)
		return scenario_outcome(s, SCENARIO_SHORT, "the client was OOM-killed");
	if (status == -ETIME)
		return scenario_outcome(s, SCENARIO_SHORT, "out of time");
	if (r->failed || status)
		return scenario_outcome(s, SCENARIO_BROKEN, "the client: error %d, status %d",
					r->failed, status);
	if (enomem || r->rounds < job->rounds)
		return scenario_outcome(s, SCENARIO_SHORT, "ENOMEM at %" PRIu64 " of %u MiB",
					r->bound_mib, job->mib);
	return scenario_outcome(s, SCENARIO_GOOD, "%u MiB, %u rounds under %s", job->mib,
				job->rounds, LIMIT);
}

static enum scenario_result run(const struct scenario *s, const struct scenario_options *o)
{
	enum scenario_result result;
	struct job *job;
	uint64_t start;
	pid_t pid;
	int ret;

	job = pan_shared_alloc(sizeof(*job));
	if (!job)
		return scenario_outcome(s, SCENARIO_BROKEN, "no memory");
	job->mib = scenario_default(o->mib, MIB);
	job->vms = scenario_default(o->vms, VMS);
	job->rounds = scenario_default(o->rounds, ROUNDS);

	ret = pan_cgroup_create(&job->cg, "panthor");
	if (ret) {
		pan_shared_free(job, sizeof(*job));
		return scenario_outcome(s, SCENARIO_SKIP, "no memory cgroups");
	}
	pan_cgroup_write(&job->cg, "memory.max", LIMIT);

	start = pan_now_ms();
	pid = pan_spawn(client_main, job);
	ret = pid < 0 ? pid : pan_join(pid, start + o->timeout_s * 1000ull);
	scenario_metric(s, "time", "ms", pan_now_ms() - start);
	result = judge(s, job, ret);

	pan_cgroup_remove(&job->cg);
	pan_shared_free(job, sizeof(*job));
	return result;
}

const struct scenario scenario_memcg_max = {
	.name = "memcg-max",
	.title = "100 MiB of BOs in a cgroup with memory.max=64M",
	.run = run,
};
