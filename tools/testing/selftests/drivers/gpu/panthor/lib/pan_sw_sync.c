// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "pan_obj.h"

#define SW_SYNC_FILE	"/sys/kernel/debug/sync/sw_sync"

/* drivers/dma-buf/sw_sync.c keeps this to itself. */
struct sw_sync_create_fence_data {
	uint32_t value;
	char name[32];
	int32_t fence;
};

#define SW_SYNC_IOC_CREATE_FENCE	_IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC			_IOW('W', 1, uint32_t)

static int import(struct pan_gate *gate, int fence)
{
	struct drm_syncobj_handle args = {
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
		.fd = fence,
	};
	int ret = pan_syncobj_create(gate->dev, &args.handle);

	if (ret)
		return ret;
	gate->syncobj = args.handle;
	return PAN_IOCTL(gate->dev->fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);
}

int pan_gate_init(struct pan_gate *gate, struct pan_dev *dev)
{
	struct sw_sync_create_fence_data data = { .value = 1, .name = "gate" };
	int ret;

	*gate = (struct pan_gate) { .dev = dev };
	gate->timeline = open(SW_SYNC_FILE, O_RDWR | O_CLOEXEC);
	if (gate->timeline < 0)
		return -errno;

	if (ioctl(gate->timeline, SW_SYNC_IOC_CREATE_FENCE, &data)) {
		ret = -errno;
	} else {
		ret = import(gate, data.fence);
		close(data.fence);
	}
	if (ret)
		pan_gate_fini(gate);
	return ret;
}

int pan_gate_open(struct pan_gate *gate)
{
	uint32_t one = 1;

	return ioctl(gate->timeline, SW_SYNC_IOC_INC, &one) ? -errno : 0;
}

void pan_gate_fini(struct pan_gate *gate)
{
	if (gate->syncobj)
		pan_syncobj_destroy(gate->dev, gate->syncobj);
	if (gate->timeline >= 0)
		close(gate->timeline);
	gate->syncobj = 0;
	gate->timeline = -1;
}
