/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_RESIDENT_H__
#define __PANTHOR_RESIDENT_H__

#include <linux/types.h>

#include "panthor_room.h"

struct panthor_device;
struct panthor_gem_object;
struct panthor_vm;

/**
 * struct panthor_resident - Having a VM's memory resident for a submission
 */
struct panthor_resident {
	/** @visit: Request for room. */
	struct panthor_room_visit visit;

	/** @vm: The VM. */
	struct panthor_vm *vm;

	/** @bos: BOs that were brought back, and are pinned until the jobs are submitted. */
	struct panthor_gem_object **bos;

	/** @nr_bos: Number of BOs in @bos. */
	u32 nr_bos;

	/** @tries: Times anything had to be brought back. */
	u32 tries;
};

void panthor_resident_init(struct panthor_device *ptdev);
bool panthor_resident_is_free(struct panthor_device *ptdev, unsigned long nr_pages);

int panthor_resident_begin(struct panthor_resident *resident, struct panthor_vm *vm);
int panthor_resident_bring_back(struct panthor_resident *resident);
void panthor_resident_end(struct panthor_resident *resident, bool submitted);

#endif
