// SPDX-License-Identifier: GPL-2.0
/*
 * The scenarios of the program of that name as tests. What a driver without the
 * reclaim engine is known to fail at is an expected failure there, with the
 * numbers in the log; a driver with it has to pass.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/pan_dev.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_proc.h"
#include "scenario.h"

#define TIMEOUT_S	280

/* Of work, in the scenarios that have rounds. */
#define ROUNDS		2

FIXTURE(scenario)
{
	char program[PATH_MAX + 16];
	char outcome[256];
};

FIXTURE_VARIANT(scenario)
{
	const char *name;

	/* What the driver's debugfs file "reclaim" speaks of when it must pass. */
	const char *feature;
};

FIXTURE_VARIANT_ADD(scenario, really_free) { .name = "really-free", .feature = "" };
FIXTURE_VARIANT_ADD(scenario, busy_vm) { .name = "busy-vm", .feature = "" };
FIXTURE_VARIANT_ADD(scenario, memcg_max) { .name = "memcg-max", .feature = "memcg_" };
FIXTURE_VARIANT_ADD(scenario, memory_reclaim) { .name = "memory-reclaim", .feature = "memcg_" };
FIXTURE_VARIANT_ADD(scenario, overcommit_one) { .name = "overcommit-one", .feature = "room_" };
FIXTURE_VARIANT_ADD(scenario, overcommit_two) { .name = "overcommit-two", .feature = "room_" };

static bool has_feature(const char *feature)
{
	struct pan_dev dev;
	bool has;

	if (pan_open(&dev))
		return false;
	has = pan_reclaim_has(&dev, feature);
	pan_close(&dev);
	return has;
}

static void tell(void)
{
	struct pan_dev dev;

	if (pan_open(&dev))
		return;
	pan_reclaim_tell(&dev);
	pan_close(&dev);
}

FIXTURE_SETUP(scenario)
{
	/* The OOM killer, whom they call in, does not stop at the scenario. */
	if (!strcmp(variant->feature, "room_") && !has_feature(variant->feature))
		SKIP(return, "the driver does not make room: run 'scenario %s'", variant->name);
	if (pan_program("scenario", self->program, sizeof(self->program)))
		SKIP(return, "there is no program 'scenario' beside this one");
}

FIXTURE_TEARDOWN(scenario)
{
}

/* Runs the program, and passes what it says on as comments. */
static int play(FIXTURE_DATA(scenario) *self, const char *name)
{
	char seconds[16], rounds[16], line[512];
	char * const argv[] = {
		self->program, "-t", seconds, "-r", rounds, (char *)name, NULL
	};
	int status;
	pid_t pid;
	FILE *f;

	snprintf(seconds, sizeof(seconds), "%d", TIMEOUT_S - 20);
	snprintf(rounds, sizeof(rounds), "%u", pan_rounds(ROUNDS, 1));
	f = pan_start(self->program, argv, &pid);
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		printf("# %s\n", line);
		if (!strncmp(line, "OUTCOME ", 8))
			snprintf(self->outcome, sizeof(self->outcome), "%.*s",
				 (int)sizeof(self->outcome) - 1, line + 8);
	}
	fflush(stdout);
	fclose(f);
	status = pan_join(pid, pan_now_ms() + TIMEOUT_S * 1000ull);
	return status < 128 ? status : -EIO;
}

TEST_F_TIMEOUT(scenario, memory_behaves, TIMEOUT_S)
{
	int status = play(self, variant->name);

	switch (status) {
	case SCENARIO_GOOD:
		return;
	case SCENARIO_SKIP:
		SKIP(return, "%s", self->outcome);
	case SCENARIO_SHORT:
		if (!has_feature(variant->feature))
			XFAIL(return, "%s", self->outcome);
		break;
	}
	tell();
	EXPECT_EQ(SCENARIO_GOOD, status)
		TH_LOG("%s", self->outcome[0] ? self->outcome : "it said nothing");
}

TEST_HARNESS_MAIN
