// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pan_dev.h"
#include "pan_file.h"

#define RENDER_MINOR_FIRST	128
#define RENDER_MINOR_LAST	191
#define DRIVER_NAME		"panthor"
#define DRIVER_DIR		"/sys/bus/platform/drivers/panthor"

int pan_error(int err, const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(-err));
	return err;
}

int pan_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));

	return ret < 0 ? -errno : 0;
}

int pan_ioctl_named(int fd, unsigned long request, const char *name, void *arg)
{
	int ret = pan_ioctl(fd, request, arg);

	return ret ? pan_error(ret, "%s", name) : 0;
}

static bool is_panthor(int fd)
{
	char name[32] = "";
	struct drm_version version = {
		.name = name,
		.name_len = sizeof(name) - 1,
	};

	return !pan_ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, DRIVER_NAME);
}

int pan_query(struct pan_dev *dev, uint32_t type, void *data, uint32_t size)
{
	struct drm_panthor_dev_query query = {
		.type = type,
		.size = size,
		.pointer = (uintptr_t)data,
	};

	return PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_DEV_QUERY, &query);
}

static int open_minor(struct pan_dev *dev, int minor)
{
	char link[64];

	snprintf(dev->node, sizeof(dev->node), "/dev/dri/renderD%d", minor);
	dev->fd = open(dev->node, O_RDWR | O_CLOEXEC);
	if (dev->fd < 0)
		return -errno;
	if (!is_panthor(dev->fd)) {
		pan_close(dev);
		return -ENODEV;
	}

	dev->minor = minor;
	snprintf(dev->debugfs, sizeof(dev->debugfs), "/sys/kernel/debug/dri/%d", minor);
	snprintf(link, sizeof(link), "/sys/dev/char/226:%d/device", minor);
	if (!realpath(link, dev->sysfs))
		dev->sysfs[0] = 0;
	return 0;
}

int pan_open(struct pan_dev *dev)
{
	int minor, ret;

	for (minor = RENDER_MINOR_FIRST; minor <= RENDER_MINOR_LAST; minor++) {
		if (!open_minor(dev, minor))
			break;
	}
	if (minor > RENDER_MINOR_LAST) {
		dev->fd = -1;
		return pan_error(-ENODEV, "no render node of the panthor driver in /dev/dri");
	}

	ret = pan_query(dev, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &dev->gpu, sizeof(dev->gpu));
	if (!ret)
		ret = pan_query(dev, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &dev->csif,
				sizeof(dev->csif));
	if (ret)
		pan_close(dev);
	return ret;
}

void pan_close(struct pan_dev *dev)
{
	if (dev->fd >= 0)
		close(dev->fd);
	dev->fd = -1;
}

static const char *device_name(const struct pan_dev *dev)
{
	const char *slash = strrchr(dev->sysfs, '/');

	return slash ? slash + 1 : dev->sysfs;
}

int pan_unbind(const struct pan_dev *dev)
{
	int ret = pan_write_file(DRIVER_DIR "/unbind", device_name(dev));

	return ret ? pan_error(ret, "unbind of %s", device_name(dev)) : 0;
}

bool pan_is_bound(const struct pan_dev *dev)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/driver", dev->sysfs);
	return pan_file_exists(path);
}

int pan_rebind(const struct pan_dev *dev)
{
	int ret;

	if (pan_is_bound(dev))
		return 0;
	ret = pan_write_file(DRIVER_DIR "/bind", device_name(dev));
	return ret ? pan_error(ret, "bind of %s", device_name(dev)) : 0;
}

int pan_wait_runtime_status(const struct pan_dev *dev, const char *status, int timeout_ms)
{
	char path[PATH_MAX + 32], buf[32];
	int ret, ms;

	snprintf(path, sizeof(path), "%s/power/runtime_status", dev->sysfs);
	for (ms = 0; ms <= timeout_ms; ms += 10) {
		ret = pan_read_file(path, buf, sizeof(buf));
		if (ret < 0)
			return pan_error(ret, "%s", path);
		buf[strcspn(buf, "\n")] = 0;
		if (!strcmp(buf, status))
			return 0;
		usleep(10000);
	}
	return pan_error(-ETIMEDOUT, "runtime_status is %s, not %s", buf, status);
}
