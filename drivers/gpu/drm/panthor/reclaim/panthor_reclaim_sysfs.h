/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_RECLAIM_SYSFS_H__
#define __PANTHOR_RECLAIM_SYSFS_H__

#include <linux/sysfs.h>

extern const struct bin_attribute bin_attr_mem_reclaim;
extern const struct bin_attribute bin_attr_mem_claim;

#endif
