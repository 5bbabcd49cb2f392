// SPDX-License-Identifier: GPL-2.0
/*
 * One client with more BOs than the machine has memory: first in one address
 * space, where they are only bound, then in address spaces that each fit, with
 * jobs in all of them in turn.
 */
#include <errno.h>
#include <inttypes.h>

#include "lib/pan_mem.h"
#include "lib/pan_proc.h"
#include "scenario.h"

#define VMS		5
#define ROUNDS		2

struct one {
	uint32_t mib;		/* in one address space */
	uint32_t vm_mib;	/* in each of several */
	uint32_t vms;
	uint32_t rounds;
	struct scenario_client single;
	struct scenario_client many;
};

/* Binds more than can be resident at once in one VM. Binds alone need not fail. */
static int single_main(void *arg)
{
	struct one *one = arg;
	struct scenario_client *r = &one->single;
	struct pan_client client;
	int ret;

	ret = pan_client_init(&client, 6, 1);
	if (ret) {
		r->failed = ret;
		return 1;
	}
	ret = pan_client_add_mib(&client, 0, one->mib, PAN_BUF_PRIVATE);
	r->bound_mib = client.count;
	scenario_report(r, &client, ret == -ENOMEM ? 0 : ret);
	pan_client_fini(&client);
	return 0;
}

static int bind_all(struct one *one, struct pan_client *client)
{
	uint32_t vm, i;
	int ret;

	for (vm = 0; vm < one->vms; vm++) {
		for (i = 0; i < one->vm_mib; i++) {
			ret = pan_client_add(client, vm, PAN_MIB, PAN_BUF_PRIVATE);
			if (ret == -ENOMEM)
				break;
			if (ret)
				return ret;
		}
	}
	return 0;
}

static int many_main(void *arg)
{
	struct one *one = arg;
	struct scenario_client *r = &one->many;
	struct pan_client client;
	uint32_t vm, round;
	int ret;

	ret = pan_client_init(&client, 7, one->vms);
	if (ret) {
		r->failed = ret;
		return 1;
	}
	ret = bind_all(one, &client);
	r->bound_mib = client.count;
	for (round = 0; !ret && round < one->rounds; round++) {
		bool complete = true;

		for (vm = 0; !ret && vm < one->vms; vm++) {
			ret = pan_client_work(&client, vm);
			if (!ret)
				ret = pan_client_check(&client, vm);
			if (ret == -ENOMEM || ret == -EFAULT) {
				complete = false;
				ret = 0;
			}
		}
		r->rounds += complete;
		scenario_report(r, &client, ret);
	}
	scenario_report(r, &client, ret);
	pan_client_fini(&client);
	return 0;
}

static enum scenario_result judge(const struct scenario *s, struct one *one, int single,
				  int many)
{
	struct scenario_client *a = &one->single, *b = &one->many;
	uint64_t enomem = b->enomem_bind + b->enomem_submit + b->sigbus;

	scenario_metric(s, "one_vm_asked", "MiB", one->mib);
	scenario_metric(s, "one_vm_bound", "MiB", a->bound_mib);
	scenario_metric(s, "one_vm_enomem", "calls", a->enomem_bind);
	scenario_metric(s, "asked", "MiB", one->vms * one->vm_mib);
	scenario_metric(s, "bound", "MiB", b->bound_mib);
	scenario_metric(s, "rounds", "rounds", b->rounds);
	scenario_metric(s, "enomem_bind", "calls", b->enomem_bind);
	scenario_metric(s, "enomem_submit", "calls", b->enomem_submit);
	scenario_metric(s, "sigbus", "accesses", b->sigbus);
	scenario_metric(s, "bad_words", "words", b->bad_words);

	if (b->bad_words)
		return scenario_outcome(s, SCENARIO_BROKEN, "%" PRIu64 " wrong words",
					b->bad_words);
	if (single == 128 + 9 || many == 128 + 9)
		return scenario_outcome(s, SCENARIO_SHORT, "a client was OOM-killed");
	if (single == -ETIME || many == -ETIME)
		return scenario_outcome(s, SCENARIO_SHORT, "out of time");
	if (single || many || a->failed || b->failed)
		return scenario_outcome(s, SCENARIO_BROKEN,
					"errors: one VM %d (status %d), several %d (status %d)",
					a->failed, single, b->failed, many);
	if (a->enomem_bind || enomem)
		return scenario_outcome(s, SCENARIO_SHORT,
					"ENOMEM at %" PRIu64 " of %u MiB, then %" PRIu64 " times",
					a->bound_mib, one->mib, enomem);
	return scenario_outcome(s, SCENARIO_GOOD, "%u MiB in %u VMs, %u rounds, no ENOMEM",
				one->vms * one->vm_mib, one->vms, one->rounds);
}

static int child(int (*fn)(void *arg), struct one *one, uint64_t deadline)
{
	pid_t pid = pan_spawn(fn, one);

	return pid < 0 ? pid : pan_join(pid, deadline);
}

static enum scenario_result run(const struct scenario *s, const struct scenario_options *o)
{
	uint64_t start = pan_now_ms(), deadline = start + o->timeout_s * 1000ull;
	uint32_t total_mib = pan_meminfo_pages("MemTotal") / 256;
	enum scenario_result result;
	struct pan_mem before, after;
	struct one *one;
	int single, many;

	one = pan_shared_alloc(sizeof(*one));
	if (!one)
		return scenario_outcome(s, SCENARIO_BROKEN, "no memory");
	one->vms = scenario_default(o->vms, VMS);
	one->mib = total_mib * 130 / 100;
	one->vm_mib = o->mib ? o->mib / one->vms : total_mib * 22 / 100;
	one->rounds = scenario_default(o->rounds, ROUNDS);

	pan_mem_read(&before);
	single = child(single_main, one, deadline);
	scenario_metric(s, "one_vm_time", "ms", pan_now_ms() - start);
	start = pan_now_ms();
	many = child(many_main, one, deadline);
	pan_mem_read(&after);
	scenario_metric(s, "time", "ms", pan_now_ms() - start);
	scenario_metric(s, "swapped_out", "pages", after.swapped_out - before.swapped_out);
	scenario_metric(s, "swapped_in", "pages", after.swapped_in - before.swapped_in);
	result = judge(s, one, single, many);
	pan_shared_free(one, sizeof(*one));
	return result;
}

const struct scenario scenario_overcommit_one = {
	.name = "overcommit-one",
	.title = "one client with more BOs than there is memory",
	.run = run,
};
