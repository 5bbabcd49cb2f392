/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_EVICT_H__
#define __PANTHOR_EVICT_H__

struct panthor_device;
struct panthor_gem_object;

int panthor_evict_init(struct panthor_device *ptdev);
int panthor_evict_start(struct panthor_device *ptdev);
void panthor_evict_stop(struct panthor_device *ptdev);

void panthor_evict_update_class(struct panthor_gem_object *bo);
void panthor_evict_update_class_locked(struct panthor_gem_object *bo);

#endif
