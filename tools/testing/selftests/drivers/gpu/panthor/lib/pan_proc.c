// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pan_mem.h"
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

int pan_wait_word(volatile uint32_t *word, uint32_t value, int timeout_ms)
{
	uint64_t end = pan_now_ms() + timeout_ms;

	while (*word < value) {
		if (pan_now_ms() >= end)
			return -ETIME;
		pan_sleep_ms(5);
	}
	return 0;
}
