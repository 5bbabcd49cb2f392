/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_SHRINKER_CONTEXT_H
#define _LINUX_SHRINKER_CONTEXT_H

/*
 * What a shrinker can ask, and tell, about the reclaim that it is part of. A
 * shrinker that is called by anybody else (drop_caches, debugfs) may use these
 * as well.
 */

#include <linux/types.h>

struct mem_cgroup;
struct shrink_control;

bool shrink_is_global(void);
bool shrink_may_swap(const struct shrink_control *sc);
void shrink_account_charged(unsigned long nr_pages);
bool shrink_may_take(struct mem_cgroup *target, struct mem_cgroup *memcg);
unsigned long shrink_available(struct mem_cgroup *memcg);

#endif
