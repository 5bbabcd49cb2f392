/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_RECLAIM_STATS_H__
#define __PANTHOR_RECLAIM_STATS_H__

struct drm_printer;
struct panthor_reclaim;

/*
 * What is counted from probe on and shown in the debugfs file "reclaim":
 * PANTHOR_RECLAIM_STAT_SCANS and so on.
 */
enum panthor_reclaim_stat {
#define STAT(id, ...)	PANTHOR_RECLAIM_STAT_##id,
#include "panthor_reclaim_stat_list.h"
#undef STAT
	PANTHOR_RECLAIM_STAT_COUNT,
};

void panthor_reclaim_stat_add(struct panthor_reclaim *reclaim,
			      enum panthor_reclaim_stat stat, unsigned long value);

unsigned int panthor_reclaim_check(struct panthor_reclaim *reclaim);
unsigned int panthor_reclaim_count_misfiled(struct panthor_reclaim *reclaim);
void panthor_reclaim_print(struct panthor_reclaim *reclaim, struct drm_printer *p);

#endif
