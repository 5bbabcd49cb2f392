// SPDX-License-Identifier: GPL-2.0
/* Two clients that do not fit into memory together, with jobs in both. */
#include <errno.h>
#include <inttypes.h>

#include "lib/pan_mem.h"
#include "lib/pan_proc.h"
#include "scenario.h"

#define CLIENTS		2
#define ROUNDS		2

struct two {
	uint32_t mib;
	uint32_t rounds;
	struct scenario_client report[CLIENTS];
};

struct arg {
	struct two *two;
	uint32_t index;
};

static int client_main(void *data)
{
	struct arg *arg = data;
	struct scenario_client *r = &arg->two->report[arg->index];
	struct pan_client client;
	uint32_t round;
	int ret;

	ret = pan_client_init(&client, 8 + arg->index, 1);
	if (ret) {
		r->failed = ret;
		return 1;
	}
	ret = pan_client_add_mib(&client, 0, arg->two->mib, PAN_BUF_PRIVATE);
	r->bound_mib = client.count;
	if (ret == -ENOMEM)
		ret = 0;

	/* A round that fails for lack of memory is lost, and the next one is tried. */
	for (round = 0; !ret && round < arg->two->rounds; round++) {
		ret = pan_client_work(&client, 0);
		if (!ret)
			ret = pan_client_check(&client, 0);
		if (!ret)
			r->rounds++;
		else if (ret == -ENOMEM || ret == -EFAULT)
			ret = 0;
		scenario_report(r, &client, ret);
	}
	scenario_report(r, &client, ret);
	pan_client_fini(&client);
	return 0;
}

static enum scenario_result judge(const struct scenario *s, struct two *two, const int *status)
{
	uint64_t enomem = 0, least = UINT64_MAX, bad = 0, bind = 0, submit = 0, sigbus = 0;
	bool broken = false, killed = false, late = false;
	int i;

	for (i = 0; i < CLIENTS; i++) {
		struct scenario_client *r = &two->report[i];

		bind += r->enomem_bind;
		submit += r->enomem_submit;
		sigbus += r->sigbus;
		bad += r->bad_words;
		least = r->rounds < least ? r->rounds : least;
		killed |= status[i] == 128 + 9;
		late |= status[i] == -ETIME;
		broken |= r->failed || (status[i] && status[i] != 128 + 9 && status[i] != -ETIME);
	}
	enomem = bind + submit + sigbus;
	scenario_metric(s, "asked", "MiB", (long long)CLIENTS * two->mib);
	scenario_metric(s, "bound", "MiB", two->report[0].bound_mib + two->report[1].bound_mib);
	scenario_metric(s, "rounds", "rounds", two->report[0].rounds + two->report[1].rounds);
	scenario_metric(s, "rounds_least", "rounds", least);
	scenario_metric(s, "enomem_bind", "calls", bind);
	scenario_metric(s, "enomem_submit", "calls", submit);
	scenario_metric(s, "sigbus", "accesses", sigbus);
	scenario_metric(s, "bad_words", "words", bad);

	if (bad)
		return scenario_outcome(s, SCENARIO_BROKEN, "%" PRIu64 " wrong words", bad);
	if (broken)
		return scenario_outcome(s, SCENARIO_BROKEN, "errors %d, %d, statuses %d, %d",
					two->report[0].failed, two->report[1].failed,
					status[0], status[1]);
	if (killed)
		return scenario_outcome(s, SCENARIO_SHORT, "a client was OOM-killed");
	if (late)
		return scenario_outcome(s, SCENARIO_SHORT, "out of time");
	if (enomem || least < two->rounds)
		return scenario_outcome(s, SCENARIO_SHORT, "%" PRIu64 " ENOMEM in %u rounds",
					enomem, CLIENTS * two->rounds);
	return scenario_outcome(s, SCENARIO_GOOD, "2 clients of %u MiB, %u rounds each",
				two->mib, two->rounds);
}

static enum scenario_result run(const struct scenario *s, const struct scenario_options *o)
{
	uint64_t start = pan_now_ms(), deadline = start + o->timeout_s * 1000ull;
	uint32_t total_mib = pan_meminfo_pages("MemTotal") / 256;
	struct arg args[CLIENTS];
	struct pan_mem before, after;
	enum scenario_result result;
	int status[CLIENTS], i;
	pid_t pids[CLIENTS];
	struct two *two;

	two = pan_shared_alloc(sizeof(*two));
	if (!two)
		return scenario_outcome(s, SCENARIO_BROKEN, "no memory");
	two->mib = o->mib ? o->mib : total_mib * 105 / 200;
	two->rounds = scenario_default(o->rounds, ROUNDS);

	pan_mem_read(&before);
	for (i = 0; i < CLIENTS; i++) {
		args[i] = (struct arg) { .two = two, .index = i };
		pids[i] = pan_spawn(client_main, &args[i]);
	}
	for (i = 0; i < CLIENTS; i++)
		status[i] = pids[i] < 0 ? pids[i] : pan_join(pids[i], deadline);
	pan_mem_read(&after);
	scenario_metric(s, "time", "ms", pan_now_ms() - start);
	scenario_metric(s, "swapped_out", "pages", after.swapped_out - before.swapped_out);
	scenario_metric(s, "swapped_in", "pages", after.swapped_in - before.swapped_in);
	result = judge(s, two, status);
	pan_shared_free(two, sizeof(*two));
	return result;
}

const struct scenario scenario_overcommit_two = {
	.name = "overcommit-two",
	.title = "two clients that do not fit into memory together",
	.run = run,
};
