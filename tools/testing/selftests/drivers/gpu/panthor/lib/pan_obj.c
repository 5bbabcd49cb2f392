// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "pan_obj.h"

int pan_vm_create(struct pan_dev *dev, uint32_t *vm)
{
	struct drm_panthor_vm_create args = { };
	int ret;

	ret = PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_VM_CREATE, &args);
	*vm = args.id;
	return ret;
}

int pan_vm_destroy(struct pan_dev *dev, uint32_t vm)
{
	struct drm_panthor_vm_destroy args = { .id = vm };

	return PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_VM_DESTROY, &args);
}

int pan_vm_state(struct pan_dev *dev, uint32_t vm, uint32_t *state)
{
	struct drm_panthor_vm_get_state args = { .vm_id = vm };
	int ret;

	ret = PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_VM_GET_STATE, &args);
	*state = args.state;
	return ret;
}

int pan_vm_bind(struct pan_dev *dev, uint32_t vm, uint32_t flags,
		struct drm_panthor_vm_bind_op *ops, uint32_t count)
{
	struct drm_panthor_vm_bind args = {
		.vm_id = vm,
		.flags = flags,
		.ops = DRM_PANTHOR_OBJ_ARRAY(count, ops),
	};

	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

int pan_vm_map(struct pan_dev *dev, uint32_t vm, uint32_t bo, uint64_t bo_offset,
	       uint64_t va, uint64_t size, uint32_t flags)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = flags,
		.bo_handle = bo,
		.bo_offset = bo_offset,
		.va = va,
		.size = size,
	};
	int ret = pan_vm_bind(dev, vm, 0, &op, 1);

	if (ret)
		pan_error(ret, "DRM_IOCTL_PANTHOR_VM_BIND(map BO %u at %#llx, %llu KiB)", bo,
			  (unsigned long long)va, (unsigned long long)size >> 10);
	return ret;
}

int pan_vm_unmap(struct pan_dev *dev, uint32_t vm, uint64_t va, uint64_t size)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = va,
		.size = size,
	};
	int ret = pan_vm_bind(dev, vm, 0, &op, 1);

	if (ret)
		pan_error(ret, "DRM_IOCTL_PANTHOR_VM_BIND(unmap %#llx, %llu KiB)",
			  (unsigned long long)va, (unsigned long long)size >> 10);
	return ret;
}

int pan_bo_create(struct pan_dev *dev, uint64_t size, uint32_t flags, uint32_t vm,
		  uint32_t *bo)
{
	struct drm_panthor_bo_create args = {
		.size = size,
		.flags = flags,
		.exclusive_vm_id = vm,
	};
	int ret;

	ret = PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_BO_CREATE, &args);
	*bo = args.handle;
	return ret;
}

int pan_bo_close(struct pan_dev *dev, uint32_t bo)
{
	struct drm_gem_close args = { .handle = bo };

	return PAN_IOCTL(dev->fd, DRM_IOCTL_GEM_CLOSE, &args);
}

int pan_bo_export(struct pan_dev *dev, uint32_t bo, uint32_t flags)
{
	struct drm_prime_handle args = { .handle = bo, .flags = flags, .fd = -1 };
	int ret = pan_ioctl(dev->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	return ret ? ret : args.fd;
}

int pan_bo_import(struct pan_dev *dev, int fd, uint32_t *bo)
{
	struct drm_prime_handle args = { .fd = fd };
	int ret = pan_ioctl(dev->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*bo = args.handle;
	return ret;
}

int pan_bo_mmap_offset(struct pan_dev *dev, uint32_t bo, uint64_t *offset)
{
	struct drm_panthor_bo_mmap_offset args = { .handle = bo };
	int ret;

	ret = PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args);
	*offset = args.offset;
	return ret;
}

void *pan_bo_mmap(struct pan_dev *dev, uint32_t bo, uint64_t size)
{
	uint64_t offset;
	void *map;

	if (pan_bo_mmap_offset(dev, bo, &offset))
		return NULL;

	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->fd, offset);
	if (map == MAP_FAILED) {
		pan_error(-errno, "mmap of BO %u", bo);
		return NULL;
	}
	return map;
}

int pan_bo_label(struct pan_dev *dev, uint32_t bo, const char *label)
{
	struct drm_panthor_bo_set_label args = {
		.handle = bo,
		.label = (uintptr_t)label,
	};

	return PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &args);
}

int pan_bo_sync(struct pan_dev *dev, uint32_t bo, uint64_t size, bool invalidate)
{
	struct drm_panthor_bo_sync_op op = {
		.handle = bo,
		.type = invalidate ? DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH_AND_INVALIDATE :
				     DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH,
		.size = size,
	};
	struct drm_panthor_bo_sync args = { .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op) };

	return PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_BO_SYNC, &args);
}

void pan_group_args(struct pan_dev *dev, uint32_t vm, struct drm_panthor_queue_create *queues,
		    uint32_t count, struct drm_panthor_group_create *args)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		queues[i] = (struct drm_panthor_queue_create) {
			.priority = 1,
			.ringbuf_size = 64 << 10,
		};

	*args = (struct drm_panthor_group_create) {
		.queues = DRM_PANTHOR_OBJ_ARRAY(count, queues),
		.max_compute_cores = __builtin_popcountll(dev->gpu.shader_present),
		.max_fragment_cores = __builtin_popcountll(dev->gpu.shader_present),
		.max_tiler_cores = 1,
		.priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
		.compute_core_mask = dev->gpu.shader_present,
		.fragment_core_mask = dev->gpu.shader_present,
		.tiler_core_mask = dev->gpu.tiler_present,
		.vm_id = vm,
	};
}

int pan_group_create(struct pan_dev *dev, uint32_t vm, uint32_t queues, uint32_t *group)
{
	struct drm_panthor_queue_create queue_args[32];
	struct drm_panthor_group_create args;
	int ret;

	pan_group_args(dev, vm, queue_args, queues, &args);
	ret = PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_GROUP_CREATE, &args);
	*group = args.group_handle;
	return ret;
}

int pan_group_destroy(struct pan_dev *dev, uint32_t group)
{
	struct drm_panthor_group_destroy args = { .group_handle = group };

	return PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &args);
}

int pan_group_state(struct pan_dev *dev, uint32_t group,
		    struct drm_panthor_group_get_state *state)
{
	*state = (struct drm_panthor_group_get_state) { .group_handle = group };
	return PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, state);
}

int pan_submit(struct pan_dev *dev, uint32_t group, uint32_t queue, uint64_t va,
	       uint32_t size, struct drm_panthor_sync_op *syncs, uint32_t count)
{
	struct drm_panthor_queue_submit job = {
		.queue_index = queue,
		.stream_size = size,
		.stream_addr = va,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(count, syncs),
	};
	struct drm_panthor_group_submit args = {
		.group_handle = group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &job),
	};

	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args);
}
