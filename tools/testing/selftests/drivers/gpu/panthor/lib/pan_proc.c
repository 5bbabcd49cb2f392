// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pan_file.h"
#include "pan_mem.h"
#include "pan_model.h"
#include "pan_proc.h"

void *pan_shared_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void pan_shared_free(void *shared, size_t size)
{
	munmap(shared, size);
}

void pan_be_expendable(void)
{
	pan_write_file("/proc/self/oom_score_adj", "1000");
}

void pan_expect_oom(bool expected)
{
	pan_write_file("/dev/kmsg", expected ? "lab: oom expected" : "lab: oom unexpected");
}

pid_t pan_spawn(int (*fn)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return pan_error(-errno, "fork");
	if (pid)
		return pid;

	/* Nobody is left to wait for it when the parent has gone. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pan_be_expendable();
	if (getppid() != parent)
		_exit(127);
	pid = fn(arg);
	fflush(NULL);
	_exit(pid);
}

int pan_join(pid_t pid, uint64_t deadline_ms)
{
	int status, killed = 0;
	pid_t ret;

	for (;;) {
		ret = waitpid(pid, &status, killed ? 0 : WNOHANG);
		if (ret == pid)
			break;
		if (ret < 0 && errno != EINTR)
			return -errno;
		if (!killed && pan_now_ms() >= deadline_ms) {
			kill(pid, SIGKILL);
			killed = 1;
			continue;
		}
		pan_sleep_ms(10);
	}
	if (killed)
		return -ETIME;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int pan_program(const char *name, char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return -errno;
	self[n] = 0;
	if ((size_t)snprintf(path, size, "%s/%s", dirname(self), name) >= size)
		return -ENAMETOOLONG;
	return access(path, X_OK) ? -ENOENT : 0;
}

FILE *pan_start(const char *path, char * const argv[], pid_t *pid)
{
	int ends[2];
	FILE *f;

	if (pipe(ends))
		return NULL;
	f = fdopen(ends[0], "r");
	if (!f) {
		close(ends[0]);
		close(ends[1]);
		return NULL;
	}

	fflush(NULL);
	*pid = fork();
	if (!*pid) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execv(path, argv);
		_exit(127);
	}
	close(ends[1]);
	if (*pid < 0) {
		fclose(f);
		return NULL;
	}
	return f;
}

int pan_wait_syscall(pid_t pid, long nr, int timeout_ms)
{
	uint64_t end = pan_now_ms() + timeout_ms;
	char path[40], text[200];
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	for (;;) {
		ret = pan_read_file(path, text, sizeof(text));
		if (ret < 0)
			return ret == -ENOENT && !kill(pid, 0) ? -EOPNOTSUPP : -ESRCH;
		/* It is "running", or -1 when it sleeps outside of system calls. */
		if (text[0] >= '0' && text[0] <= '9' && strtol(text, NULL, 10) == nr)
			return 0;
		if (pan_now_ms() >= end)
			return -ETIME;
		pan_sleep_ms(2);
	}
}

int pan_wait_word(volatile uint32_t *word, uint32_t value, int timeout_ms)
{
	uint64_t end = pan_now_ms() + timeout_ms;

	while (*word < value) {
		if (pan_now_ms() >= end) {
			pan_model_tell();
			return -ETIME;
		}
		pan_sleep_ms(5);
	}
	return 0;
}

uint32_t pan_rounds(uint32_t usual, uint32_t least)
{
	const char *text = getenv("PAN_EFFORT");
	uint64_t rounds = usual;

	if (text && strtoul(text, NULL, 10))
		rounds = usual * (uint64_t)strtoul(text, NULL, 10) / 100;
	return rounds < least ? least : rounds;
}
