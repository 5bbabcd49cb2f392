/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_RECLAIM_TARGET_H__
#define __PANTHOR_RECLAIM_TARGET_H__

#include <linux/types.h>

struct drm_gem_object;
struct drm_gpuvm;
struct panthor_device;
struct pid;

/**
 * struct panthor_target_file - An open file of the device
 */
struct panthor_target_file {
	/** @file: The file. Not a reference, only good under the file-list mutex. */
	struct drm_file *file;

	/** @mine: The process has it open. */
	bool mine;

	/** @shared: Another process has it open. */
	bool shared;
};

/**
 * struct panthor_target_bo - A BO of a process
 */
struct panthor_target_bo {
	/** @obj: The BO, with a reference. */
	struct drm_gem_object *obj;

	/** @nr_handles: Handles of it in files that only the process has open. */
	unsigned int nr_handles;
};

/**
 * struct panthor_target - The GPU memory of a process
 *
 * All arrays grow until what there is fits; @nr counts what there is, @max what
 * fits.
 */
struct panthor_target {
	/** @ptdev: Device. */
	struct panthor_device *ptdev;

	/** @pid: The process. */
	struct pid *pid;

	/** @files: Files of the device that somebody has open. */
	struct panthor_target_file *files;

	/** @nr_files: Number of files. */
	unsigned long nr_files;

	/** @max_files: Room in @files. */
	unsigned long max_files;

	/** @vms: VMs of the process, with a reference each. */
	struct drm_gpuvm **vms;

	/** @nr_vms: Number of VMs. */
	unsigned long nr_vms;

	/** @max_vms: Room in @vms. */
	unsigned long max_vms;

	/** @bos: BOs that it has handles of, and those that its VMs map, once each. */
	struct panthor_target_bo *bos;

	/** @nr_bos: Number of BOs. */
	unsigned long nr_bos;

	/** @max_bos: Room in @bos. */
	unsigned long max_bos;

	/** @with_shared: VMs in files that others have open are wanted, too. */
	bool with_shared;
};

int panthor_target_init(struct panthor_target *target, struct panthor_device *ptdev,
			struct pid *pid, bool with_shared);
void panthor_target_fini(struct panthor_target *target);
bool panthor_target_is_foreign(const struct panthor_target *target,
			       const struct panthor_target_bo *bo);

#endif
