// SPDX-License-Identifier: GPL-2.0
/*
 * The scenarios of the program of that name as tests. What a driver without the
 * reclaim engine is known to fail at is an expected failure there, with the
 * numbers in the log; a driver with it has to pass.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <sys/wait.h>

#include "lib/pan_dev.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "scenario.h"

#define TIMEOUT_S	280

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

FIXTURE_SETUP(scenario)
{
	char self_path[PATH_MAX];
	ssize_t n;

	n = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
	ASSERT_LT(0, n);
	self_path[n] = 0;
	snprintf(self->program, sizeof(self->program), "%s/scenario", dirname(self_path));
	if (access(self->program, X_OK))
		SKIP(return, "there is no program 'scenario' beside this one");
}

FIXTURE_TEARDOWN(scenario)
{
}

/* Runs the program, and passes what it says on as comments. */
static int play(FIXTURE_DATA(scenario) *self, const char *name)
{
	char command[PATH_MAX + 64], line[512];
	int status;
	FILE *f;

	snprintf(command, sizeof(command), "exec '%s' -t %d %s", self->program, TIMEOUT_S - 20,
		 name);
	fflush(NULL);
	f = popen(command, "re");
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
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

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
	EXPECT_EQ(SCENARIO_GOOD, status)
		TH_LOG("%s", self->outcome[0] ? self->outcome : "it said nothing");
}

TEST_HARNESS_MAIN
