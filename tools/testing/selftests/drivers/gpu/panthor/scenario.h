/* SPDX-License-Identifier: GPL-2.0 */
/* What the scenarios of memory reclaim have in common. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <stdint.h>

#include "lib/pan_client.h"

/* Exit status of the program. */
enum scenario_result {
	SCENARIO_GOOD = 0,	/* memory behaved as it should */
	SCENARIO_SHORT = 1,	/* it did not: the kind of failure that is known */
	SCENARIO_BROKEN = 2,	/* wrong data, a hang, an error nobody expects */
	SCENARIO_SKIP = 4,	/* cannot run here */
};

/**
 * struct scenario_options - From the command line; 0 stands for a scenario's default
 * @rounds: rounds of work
 * @mib: MiB, of what the scenario calls so
 * @vms: address spaces
 * @timeout_s: seconds after which the scenario ends itself
 */
struct scenario_options {
	uint32_t rounds;
	uint32_t mib;
	uint32_t vms;
	uint32_t timeout_s;
};

struct scenario {
	const char *name;
	const char *title;
	enum scenario_result (*run)(const struct scenario *s, const struct scenario_options *o);
};

extern const struct scenario scenario_really_free;
extern const struct scenario scenario_memcg_max;
extern const struct scenario scenario_memory_reclaim;
extern const struct scenario scenario_memcg_scale;
extern const struct scenario scenario_busy_vm;
extern const struct scenario scenario_overcommit_one;
extern const struct scenario scenario_overcommit_two;
extern const struct scenario scenario_explicit_reclaim;
extern const struct scenario scenario_explicit_claim;
extern const struct scenario scenario_explicit_claim_cpus;

/**
 * struct scenario_client - What a client in a process of its own reports
 * @ready: stage it has reached
 * @go: stage it may enter
 * @failed: first error that was not for lack of memory
 * @bound_mib: MiB it could bind
 * @rounds: rounds it completed
 * @enomem_bind: as in struct pan_client
 * @enomem_submit: as in struct pan_client
 * @sigbus: as in struct pan_client
 * @bad_words: as in struct pan_client
 */
struct scenario_client {
	volatile uint32_t ready;
	volatile uint32_t go;
	int32_t failed;
	uint64_t bound_mib;
	uint64_t rounds;
	uint64_t enomem_bind;
	uint64_t enomem_submit;
	uint64_t sigbus;
	uint64_t bad_words;
};

/* One line "METRIC <scenario> <metric> <unit> <value>". */
void scenario_metric(const struct scenario *s, const char *metric, const char *unit,
		     long long value);

/* One line "OUTCOME <scenario> <good|short|broken|skip> <text>"; returns @result. */
enum scenario_result scenario_outcome(const struct scenario *s, enum scenario_result result,
				      const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Copies what the client has counted. */
void scenario_report(struct scenario_client *report, const struct pan_client *client,
		     int error);

/* Writes the own TGID to a sysfs file of the device, as a resource manager would. */
int scenario_write_knob(const struct pan_client *client, const char *name);

static inline uint32_t scenario_default(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

#endif /* SCENARIO_H */
