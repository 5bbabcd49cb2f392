/* SPDX-License-Identifier: GPL-2.0 or MIT */

#ifndef __PANTHOR_CLIENT_IOCTL_H__
#define __PANTHOR_CLIENT_IOCTL_H__

struct drm_device;
struct drm_file;

int panthor_ioctl_client_memory(struct drm_device *ddev, void *data, struct drm_file *file);

#endif
