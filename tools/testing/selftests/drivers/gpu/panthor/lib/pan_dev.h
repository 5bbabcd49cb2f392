/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finding, opening, unbinding and rebinding the panthor device.
 *
 * Functions of this library return 0 or a negative errno and say on stderr
 * what failed, unless their description says that they are quiet.
 */
#ifndef PAN_DEV_H
#define PAN_DEV_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <drm/drm.h>
#include <drm/panthor_drm.h>

/**
 * struct pan_dev - An open panthor render node
 * @fd: file descriptor, -1 when closed
 * @minor: DRM minor, 128 for renderD128
 * @node: path of the device node
 * @sysfs: path of the parent device in sysfs
 * @debugfs: directory of the device in debugfs
 * @gpu: what DRM_PANTHOR_DEV_QUERY_GPU_INFO says
 * @csif: what DRM_PANTHOR_DEV_QUERY_CSIF_INFO says
 */
struct pan_dev {
	int fd;
	int minor;
	char node[64];
	char sysfs[PATH_MAX];
	char debugfs[64];
	struct drm_panthor_gpu_info gpu;
	struct drm_panthor_csif_info csif;
};

/* Makes an ioctl, restarting it after signals. Quiet. */
int pan_ioctl(int fd, unsigned long request, void *arg);

/* The same, saying which ioctl failed. */
int pan_ioctl_named(int fd, unsigned long request, const char *name, void *arg);
#define PAN_IOCTL(fd, request, arg) pan_ioctl_named(fd, request, #request, arg)

/* Prints "# what: errno", in KTAP's way of commenting; returns err. */
int pan_error(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Opens the first render node whose driver is panthor; -ENODEV when none is. */
int pan_open(struct pan_dev *dev);
void pan_close(struct pan_dev *dev);

/* Queries one of the DRM_PANTHOR_DEV_QUERY types. */
int pan_query(struct pan_dev *dev, uint32_t type, void *data, uint32_t size);

/* Takes the driver off the device that @dev was opened on, and puts it back. */
int pan_unbind(const struct pan_dev *dev);
int pan_rebind(const struct pan_dev *dev);
bool pan_is_bound(const struct pan_dev *dev);

/* Waits for the runtime power state ("active", "suspended") of the device. */
int pan_wait_runtime_status(const struct pan_dev *dev, const char *status, int timeout_ms);

#endif /* PAN_DEV_H */
