// SPDX-License-Identifier: GPL-2.0 or MIT

/* DRM_IOCTL_PANTHOR_CLIENT_MEMORY. */

#include <linux/err.h>
#include <linux/pid.h>

#include <drm/drm_file.h>
#include <drm/panthor_drm.h>

#include "panthor_client_ioctl.h"
#include "panthor_client_memory.h"
#include "panthor_device.h"
#include "panthor_reclaim_target.h"

static int init_target(struct panthor_target *target, struct drm_file *file, s32 pidfd)
{
	struct panthor_device *ptdev = container_of(file->minor->dev, struct panthor_device, base);
	unsigned int flags;
	struct pid *pid;
	int ret;

	if (pidfd == -1)
		return panthor_target_init_file(target, file);

	pid = pidfd_get_pid(pidfd, &flags);
	if (IS_ERR(pid))
		return PTR_ERR(pid);

	/* One of a thread that is no leader is none of a process. */
	ret = panthor_client_init_target(target, ptdev, pid, NULL);
	put_pid(pid);

	return ret;
}

static int check_args(const struct drm_panthor_client_memory *args)
{
	u32 flags = 0;

	switch (args->op) {
	case DRM_PANTHOR_CLIENT_MEMORY_OUT:
		flags = DRM_PANTHOR_CLIENT_MEMORY_NOWAIT;
		break;
	case DRM_PANTHOR_CLIENT_MEMORY_IN:
		flags = DRM_PANTHOR_CLIENT_MEMORY_BEST_EFFORT;
		break;
	case DRM_PANTHOR_CLIENT_MEMORY_QUERY:
		if (args->bytes)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}

	if (args->flags & ~flags || args->pad || args->pidfd < -1)
		return -EINVAL;

	return 0;
}

/**
 * panthor_ioctl_client_memory() - Handle DRM_IOCTL_PANTHOR_CLIENT_MEMORY
 * @ddev: Device.
 * @data: &struct drm_panthor_client_memory.
 * @file: File through which the request comes.
 *
 * Context: Process context, no lock held. Sleeps.
 *
 * Return: 0 on success, a negative errno otherwise; see the description of the
 * structure.
 */
int panthor_ioctl_client_memory(struct drm_device *ddev, void *data, struct drm_file *file)
{
	struct drm_panthor_client_memory *args = data;
	struct panthor_client_request req = {
		.bytes = args->bytes,
		.nowait = args->flags & DRM_PANTHOR_CLIENT_MEMORY_NOWAIT,
		.best_effort = args->flags & DRM_PANTHOR_CLIENT_MEMORY_BEST_EFFORT,
	};
	struct panthor_target target;
	int ret;

	ret = check_args(args);
	if (!ret)
		ret = init_target(&target, file, args->pidfd);
	if (ret)
		return ret;

	if (args->op == DRM_PANTHOR_CLIENT_MEMORY_OUT)
		ret = panthor_client_reclaim(&target, &req);
	else if (args->op == DRM_PANTHOR_CLIENT_MEMORY_IN)
		ret = panthor_client_claim(&target, &req);
	panthor_client_query(&target, &req);
	panthor_target_fini(&target);

	args->done += req.done;
	args->resident = req.resident;
	args->evicted = req.evicted;
	args->busy = req.busy;
	args->shared = req.shared;
	args->noswap = req.noswap;

	return ret;
}
