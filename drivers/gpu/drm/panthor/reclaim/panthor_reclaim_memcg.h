/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_RECLAIM_MEMCG_H__
#define __PANTHOR_RECLAIM_MEMCG_H__

#include <linux/types.h>

struct page;
struct panthor_device;
struct panthor_reclaim;
struct panthor_reclaim_bo;

#ifdef CONFIG_MEMCG
int panthor_reclaim_memcg_init(struct panthor_device *ptdev);
void panthor_reclaim_memcg_charge(struct panthor_reclaim *reclaim,
				  struct panthor_reclaim_bo *bo, struct page *first);
bool panthor_reclaim_memcg_is_high(const struct panthor_reclaim_bo *bo, unsigned long nr_pages);
int panthor_reclaim_memcg_cache_init(void);
void panthor_reclaim_memcg_cache_fini(void);
#else
static inline int panthor_reclaim_memcg_init(struct panthor_device *ptdev)
{
	return 0;
}

static inline void panthor_reclaim_memcg_charge(struct panthor_reclaim *reclaim,
						struct panthor_reclaim_bo *bo,
						struct page *first)
{
}

static inline bool panthor_reclaim_memcg_is_high(const struct panthor_reclaim_bo *bo,
						 unsigned long nr_pages)
{
	return false;
}

static inline int panthor_reclaim_memcg_cache_init(void)
{
	return 0;
}

static inline void panthor_reclaim_memcg_cache_fini(void)
{
}
#endif

#endif
