// SPDX-License-Identifier: GPL-2.0
/*
 * The last process of a guest, executed by init once it has killed all others.
 *
 * User-mode Linux ends the host process behind every process of the guest when
 * it powers off. One that still runs then, if only to die, takes the guest down
 * with it: it hangs, or aborts. So wait for the killed ones to be gone, and do
 * not power off by sysrq, which happens in a worker.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

/* For those that cannot be killed because they hang in the kernel. */
#define PATIENCE_S	10

static void out_of_patience(int sig)
{
	(void)sig;
}

int main(void)
{
	/* Without SA_RESTART it ends the wait. */
	const struct sigaction action = { .sa_handler = out_of_patience };

	sigaction(SIGALRM, &action, NULL);
	alarm(PATIENCE_S);
	while (wait(NULL) > 0)
		;
	if (errno == EINTR)
		printf("@lab error a process could not be killed within %d s\n", PATIENCE_S);
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	perror("reboot");
	return 1;
}
