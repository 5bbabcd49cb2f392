// SPDX-License-Identifier: GPL-2.0
/*
 * The last process of a guest. Powering off by sysrq is no alternative: it
 * happens in a worker, and a process that runs while User-mode Linux ends its
 * host processes hangs the guest.
 */
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	sync();
	reboot(RB_POWER_OFF);
	perror("reboot");
	return 1;
}
