// SPDX-License-Identifier: GPL-2.0
/* tools/gpu/panthor-memctl: what it prints, what it does, and its exit statuses. */
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <linux/securebits.h>

#include "explicit_common.h"
#include "lib/pan_cgroup.h"

#define TIMEOUT_S	120
#define MAX_ARGS	8
#define MIB_OF_EACH	2

enum { DONE, STAYED, USAGE, NO_PROCESS, DENIED, NO_SPACE, FAILED };

FIXTURE(memctl)
{
	struct pan_dev dev;
	struct explicit_target *target;
	struct pan_cgroup cg;
	bool grouped;
	char path[PATH_MAX];
	char pid[16];
	char out[4096];
};

FIXTURE_SETUP(memctl)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
	if (pan_program("panthor-memctl", self->path, sizeof(self->path)))
		SKIP(return, "panthor-memctl was not built");
	if (!pan_cgroup_create(&self->cg, "memctl")) {
		self->grouped = true;
		ASSERT_OK(pan_cgroup_enter(&self->cg, 0));
	}
	self->target = explicit_start(1, MIB_OF_EACH);
	if (self->grouped)
		ASSERT_OK(pan_write_file("/sys/fs/cgroup/cgroup.procs", "0"));
	ASSERT_NE(NULL, self->target);
	snprintf(self->pid, sizeof(self->pid), "%d", self->target->pid);
}

FIXTURE_TEARDOWN(memctl)
{
	explicit_kill(self->target);
	if (self->grouped)
		pan_cgroup_remove(&self->cg);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/*
 * Runs the program, perhaps without capabilities, with arguments up to NULL: its exit
 * status. What it prints is in @out, unless it goes to @file.
 */
static int run_with(FIXTURE_DATA(memctl) *self, bool caps, const char *file, ...)
{
	char *argv[MAX_ARGS + 2] = { self->path };
	int ends[2], status, i = 1;
	size_t len = 0;
	va_list args;
	ssize_t n;
	pid_t pid;

	va_start(args, file);
	while (i <= MAX_ARGS && (argv[i] = va_arg(args, char *)))
		i++;
	va_end(args);
	if (pipe(ends))
		return -errno;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(file ? open(file, O_WRONLY) : ends[1], 1);
		close(ends[0]);
		if (!caps && prctl(PR_SET_SECUREBITS, SECBIT_NOROOT))
			_exit(200);
		execv(self->path, argv);
		_exit(201);
	}
	close(ends[1]);
	while ((n = read(ends[0], self->out + len, sizeof(self->out) - 1 - len)) > 0)
		len += n;
	self->out[len] = 0;
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -ECHILD;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define run(...) run_with(self, true, NULL, __VA_ARGS__, NULL)

/* The row of the target: KiB in memory and evicted. */
static int parse_row(FIXTURE_DATA(memctl) *self, unsigned long long *resident,
		     unsigned long long *evicted)
{
	char *line;

	for (line = strtok(self->out, "\n"); line; line = strtok(NULL, "\n")) {
		int pid;

		if (sscanf(line, "%d %*s %llu %llu", &pid, resident, evicted) == 3 &&
		    pid == self->target->pid)
			return 0;
	}
	return -ENOENT;
}

TEST_F_TIMEOUT(memctl, what_goes_out_and_comes_in_is_shown, TIMEOUT_S)
{
	const unsigned long long all = 4 * MIB_OF_EACH * 1024;
	unsigned long long resident, evicted;

	EXPECT_EQ(DONE, run("show", self->pid));
	ASSERT_OK(parse_row(self, &resident, &evicted));
	EXPECT_LE(all, resident);
	EXPECT_EQ(0, evicted);

	EXPECT_EQ(DONE, run("out", self->pid, "1M"));
	EXPECT_EQ(DONE, run("show", self->pid));
	ASSERT_OK(parse_row(self, &resident, &evicted));
	EXPECT_LE(1024, evicted);
	EXPECT_GT(all, evicted);

	EXPECT_EQ(DONE, run("out", self->pid));
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	/* Without a PID it finds it. */
	EXPECT_EQ(DONE, run("show"));
	ASSERT_OK(parse_row(self, &resident, &evicted));
	EXPECT_LE(all, evicted);

	EXPECT_EQ(DONE, run("-d", self->dev.node, "in", self->pid));
	EXPECT_EQ(DONE, run("-c", "1", "watch", self->pid));
	ASSERT_OK(parse_row(self, &resident, &evicted));
	EXPECT_LE(all, resident);
	EXPECT_EQ(0, evicted);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

TEST_F_TIMEOUT(memctl, command_lines_without_sense, TIMEOUT_S)
{
	int64_t resident = explicit_resident(&self->dev, self->target->pid);

	EXPECT_EQ(USAGE, run(NULL));
	EXPECT_EQ(USAGE, run("up", self->pid));
	EXPECT_EQ(USAGE, run("out"));
	EXPECT_EQ(USAGE, run("out", "1x"));
	EXPECT_EQ(USAGE, run("out", "-1"));
	EXPECT_EQ(USAGE, run("out", self->pid, "0"));
	EXPECT_EQ(USAGE, run("out", self->pid, "-1"));
	EXPECT_EQ(USAGE, run("out", self->pid, "1T"));
	EXPECT_EQ(USAGE, run("out", self->pid, "17179869184G"));
	EXPECT_EQ(USAGE, run("out", self->pid, "1M", "1M"));
	EXPECT_EQ(USAGE, run("-n", "in", self->pid));
	EXPECT_EQ(USAGE, run("-i", "0", "watch"));
	EXPECT_EQ(USAGE, run("-x", "show"));
	EXPECT_EQ(USAGE, run("show", "self"));
	EXPECT_EQ(DONE, run("-h"));
	EXPECT_EQ(resident, explicit_resident(&self->dev, self->target->pid));
}

TEST_F_TIMEOUT(memctl, each_reason_has_a_status, TIMEOUT_S)
{
	EXPECT_EQ(NO_PROCESS, run("out", "2147483647"));
	EXPECT_EQ(NO_PROCESS, run("show", "2147483647"));
	/* init has no GPU. */
	EXPECT_EQ(NO_PROCESS, run("in", "1"));
	EXPECT_EQ(FAILED, run("-d", "/dev/null", "show"));
	EXPECT_EQ(FAILED, run("-d", "/dev/does-not-exist", "show"));

	EXPECT_EQ(DENIED, run_with(self, false, NULL, "out", self->pid, NULL));
	EXPECT_EQ(DENIED, run_with(self, false, NULL, "show", self->pid, NULL));
	/* It is left out of the list of all. */
	EXPECT_EQ(DONE, run_with(self, false, NULL, "show", NULL));
	EXPECT_EQ(NULL, strstr(self->out, self->pid));
	EXPECT_LT(0, explicit_resident(&self->dev, self->target->pid));

	ASSERT_OK(explicit_order(self->target, EXPLICIT_SPIN));
	EXPECT_EQ(STAYED, run("-n", "out", self->pid));
	ASSERT_OK(explicit_order(self->target, EXPLICIT_RELAX));
	EXPECT_EQ(DONE, run("in", self->pid));

	if (!self->grouped)
		SKIP(return, "no memory cgroups");
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.swap.max", "0"));
	EXPECT_EQ(NO_SPACE, run("out", self->pid));
	EXPECT_LT(0, explicit_resident(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* What is not printed is not said to be. */
TEST_F_TIMEOUT(memctl, output_that_cannot_be_written_is_a_failure, TIMEOUT_S)
{
	EXPECT_EQ(FAILED, run_with(self, true, "/dev/full", "show", self->pid, NULL));
	EXPECT_EQ(FAILED, run_with(self, true, "/dev/full", "-c", "2", "watch", self->pid, NULL));
	EXPECT_EQ(FAILED, run_with(self, true, "/dev/full", "out", self->pid, NULL));
	EXPECT_EQ(0, explicit_resident(&self->dev, self->target->pid));
	EXPECT_EQ(FAILED, run_with(self, true, "/dev/full", "-h", NULL));
	EXPECT_EQ(DONE, run("in", self->pid));
}

TEST_HARNESS_MAIN
