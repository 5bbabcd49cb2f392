// SPDX-License-Identifier: GPL-2.0
/*
 * Scenarios of memory reclaim that print numbers: what happens to GPU memory
 * under the pressure that a person would put on it. The same program measures
 * any kernel with panthor, whatever its reclaim can do.
 */
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"
#include "lib/pan_file.h"
#include "lib/pan_mem.h"
#include "scenario.h"

static const struct scenario * const scenarios[] = {
	&scenario_really_free,
	&scenario_memcg_max,
	&scenario_memory_reclaim,
	&scenario_memcg_scale,
	&scenario_busy_vm,
	&scenario_overcommit_one,
	&scenario_overcommit_two,
	&scenario_explicit_reclaim,
	&scenario_explicit_claim,
	&scenario_explicit_claim_cpus,
};

#define TIMEOUT_S	120

void scenario_metric(const struct scenario *s, const char *metric, const char *unit,
		     long long value)
{
	printf("METRIC %s %s %s %lld\n", s->name, metric, unit, value);
}

enum scenario_result scenario_outcome(const struct scenario *s, enum scenario_result result,
				      const char *fmt, ...)
{
	static const char * const words[] = {
		[SCENARIO_GOOD] = "good",
		[SCENARIO_SHORT] = "short",
		[SCENARIO_BROKEN] = "broken",
		[SCENARIO_SKIP] = "skip",
	};
	va_list ap;

	printf("OUTCOME %s %s ", s->name, words[result]);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return result;
}

void scenario_report(struct scenario_client *report, const struct pan_client *client, int error)
{
	report->enomem_bind = client->enomem_bind;
	report->enomem_submit = client->enomem_submit;
	report->sigbus = client->sigbus;
	report->bad_words = client->bad_words;
	if (error && !report->failed)
		report->failed = error;
}

int scenario_write_knob(const struct pan_client *client, const char *name)
{
	char path[PATH_MAX], text[16];

	snprintf(path, sizeof(path), "%.3000s/%s", client->dev.sysfs, name);
	snprintf(text, sizeof(text), "%d", getpid());
	return pan_write_file(path, text);
}

static void usage(const char *name)
{
	unsigned int i;

	fprintf(stderr,
		"Usage: %s [-r ROUNDS] [-m MIB] [-v VMS] [-t SECONDS] SCENARIO\n"
		"  -r ROUNDS   rounds of work\n"
		"  -m MIB      how much memory the clients use\n"
		"  -v VMS      in how many address spaces\n"
		"  -t SECONDS  give up after this time (default %u)\n"
		"Exit status: 0 memory behaved, 1 it did not, 2 something is broken, 4 cannot run.\n"
		"Scenarios:\n", name, TIMEOUT_S);
	for (i = 0; i < ARRAY_SIZE(scenarios); i++)
		fprintf(stderr, "  %-19s %s\n", scenarios[i]->name, scenarios[i]->title);
}

static const struct scenario *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (!strcmp(scenarios[i]->name, name))
			return scenarios[i];
	}
	return NULL;
}

static enum scenario_result run(const struct scenario *s, const struct scenario_options *o)
{
	struct pan_dev dev;
	struct pan_mem mem;

	if (pan_open(&dev))
		return scenario_outcome(s, SCENARIO_SKIP, "no panthor device");
	pan_close(&dev);

	pan_mem_read(&mem);
	if (!mem.swap_total)
		return scenario_outcome(s, SCENARIO_SKIP, "no swap");
	pan_drop_caches();
	return s->run(s, o);
}

int main(int argc, char **argv)
{
	struct scenario_options o = { .timeout_s = TIMEOUT_S };
	const struct scenario *s;
	int opt;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((opt = getopt(argc, argv, "r:m:v:t:h")) != -1) {
		switch (opt) {
		case 'r':
			o.rounds = strtoul(optarg, NULL, 0);
			break;
		case 'm':
			o.mib = strtoul(optarg, NULL, 0);
			break;
		case 'v':
			o.vms = strtoul(optarg, NULL, 0);
			break;
		case 't':
			o.timeout_s = strtoul(optarg, NULL, 0);
			break;
		default:
			usage(argv[0]);
			return opt == 'h' ? SCENARIO_GOOD : SCENARIO_BROKEN;
		}
	}
	s = optind + 1 == argc ? find(argv[optind]) : NULL;
	if (!s) {
		usage(argv[0]);
		return SCENARIO_BROKEN;
	}
	return run(s, &o);
}
