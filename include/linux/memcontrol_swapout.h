/* SPDX-License-Identifier: GPL-2.0 */

#ifndef _LINUX_MEMCONTROL_SWAPOUT_H
#define _LINUX_MEMCONTROL_SWAPOUT_H

/* For drivers that swap out memory of their own outside of reclaim. */

#include <linux/types.h>

struct mem_cgroup;

bool mem_cgroup_may_swap_out(struct mem_cgroup *target, struct mem_cgroup *memcg);

#endif
