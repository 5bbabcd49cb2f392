// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <time.h>
#include <unistd.h>
#include <linux/sync_file.h>

#include "pan_obj.h"

int pan_syncobj_create(struct pan_dev *dev, uint32_t *syncobj)
{
	struct drm_syncobj_create args = { };
	int ret;

	ret = PAN_IOCTL(dev->fd, DRM_IOCTL_SYNCOBJ_CREATE, &args);
	*syncobj = args.handle;
	return ret;
}

int pan_syncobj_destroy(struct pan_dev *dev, uint32_t syncobj)
{
	struct drm_syncobj_destroy args = { .handle = syncobj };

	return PAN_IOCTL(dev->fd, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

int pan_syncobj_reset(struct pan_dev *dev, uint32_t syncobj)
{
	struct drm_syncobj_array args = { .handles = (uintptr_t)&syncobj, .count_handles = 1 };

	return PAN_IOCTL(dev->fd, DRM_IOCTL_SYNCOBJ_RESET, &args);
}

int pan_syncobj_signal(struct pan_dev *dev, uint32_t syncobj)
{
	struct drm_syncobj_array args = { .handles = (uintptr_t)&syncobj, .count_handles = 1 };

	return PAN_IOCTL(dev->fd, DRM_IOCTL_SYNCOBJ_SIGNAL, &args);
}

int pan_syncobj_signal_point(struct pan_dev *dev, uint32_t syncobj, uint64_t point)
{
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&syncobj,
		.points = (uintptr_t)&point,
		.count_handles = 1,
	};

	return PAN_IOCTL(dev->fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);
}

int pan_syncobj_query(struct pan_dev *dev, uint32_t syncobj, uint64_t *point)
{
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&syncobj,
		.points = (uintptr_t)point,
		.count_handles = 1,
	};

	return PAN_IOCTL(dev->fd, DRM_IOCTL_SYNCOBJ_QUERY, &args);
}

static int64_t deadline_ns(int timeout_ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec + timeout_ms * 1000000ll;
}

int pan_syncobj_wait(struct pan_dev *dev, uint32_t syncobj, uint64_t point, int timeout_ms)
{
	struct drm_syncobj_timeline_wait args = {
		.handles = (uintptr_t)&syncobj,
		.points = (uintptr_t)&point,
		.count_handles = 1,
		.timeout_nsec = deadline_ns(timeout_ms),
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL |
			 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};

	return pan_ioctl(dev->fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

int pan_syncobj_status(struct pan_dev *dev, uint32_t syncobj)
{
	struct drm_syncobj_handle args = {
		.handle = syncobj,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	struct sync_file_info info = { };
	int ret;

	ret = PAN_IOCTL(dev->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);
	if (ret)
		return ret;
	ret = PAN_IOCTL(args.fd, SYNC_IOC_FILE_INFO, &info);
	close(args.fd);
	return ret ? ret : info.status;
}
