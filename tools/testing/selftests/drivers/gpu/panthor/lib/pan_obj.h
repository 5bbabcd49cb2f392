/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Objects of the uAPI: VMs, buffer objects, groups, submissions, sync objects.
 *
 * One function per ioctl, with the arguments a test usually wants. A test of
 * bad arguments fills the ioctl's structure itself and uses pan_ioctl().
 */
#ifndef PAN_OBJ_H
#define PAN_OBJ_H

#include "pan_dev.h"

#define PAN_PAGE	4096ull
#define PAN_MIB		(1ull << 20)

#define PAN_MAP_RO	(DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY)
#define PAN_MAP_RW	(DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)

int pan_vm_create(struct pan_dev *dev, uint32_t *vm);
int pan_vm_destroy(struct pan_dev *dev, uint32_t vm);
int pan_vm_state(struct pan_dev *dev, uint32_t vm, uint32_t *state);

/* Synchronous binds. @flags is one of PAN_MAP_*, or more of the uAPI's flags. */
int pan_vm_map(struct pan_dev *dev, uint32_t vm, uint32_t bo, uint64_t bo_offset,
	       uint64_t va, uint64_t size, uint32_t flags);
int pan_vm_unmap(struct pan_dev *dev, uint32_t vm, uint64_t va, uint64_t size);

/* VM_BIND with any flags and operations. Quiet. */
int pan_vm_bind(struct pan_dev *dev, uint32_t vm, uint32_t flags,
		struct drm_panthor_vm_bind_op *ops, uint32_t count);

int pan_bo_create(struct pan_dev *dev, uint64_t size, uint32_t flags, uint32_t vm,
		  uint32_t *bo);
int pan_bo_close(struct pan_dev *dev, uint32_t bo);
/* The BO as a dma-buf: its descriptor, or -errno. Quiet. */
int pan_bo_export(struct pan_dev *dev, uint32_t bo, uint32_t flags);
/* A handle of the dma-buf @fd. Quiet. */
int pan_bo_import(struct pan_dev *dev, int fd, uint32_t *bo);

int pan_bo_mmap_offset(struct pan_dev *dev, uint32_t bo, uint64_t *offset);

/* Maps the BO for reading and writing; NULL when that fails. */
void *pan_bo_mmap(struct pan_dev *dev, uint32_t bo, uint64_t size);

int pan_bo_label(struct pan_dev *dev, uint32_t bo, const char *label);

/* Cleans CPU caches before the GPU reads (@invalidate: after it wrote) the whole BO. */
int pan_bo_sync(struct pan_dev *dev, uint32_t bo, uint64_t size, bool invalidate);

/* A group with every core, of medium priority, with @queues queues of 64 KiB. */
int pan_group_create(struct pan_dev *dev, uint32_t vm, uint32_t queues, uint32_t *group);
int pan_group_destroy(struct pan_dev *dev, uint32_t group);
int pan_group_state(struct pan_dev *dev, uint32_t group,
		    struct drm_panthor_group_get_state *state);

/* The argument of a usual GROUP_CREATE, for tests that spoil one field of it. */
void pan_group_args(struct pan_dev *dev, uint32_t vm, struct drm_panthor_queue_create *queues,
		    uint32_t count, struct drm_panthor_group_create *args);

/* Submits one stream to one queue. Quiet: the caller knows which errno it expects. */
int pan_submit(struct pan_dev *dev, uint32_t group, uint32_t queue, uint64_t va,
	       uint32_t size, struct drm_panthor_sync_op *syncs, uint32_t count);

int pan_syncobj_create(struct pan_dev *dev, uint32_t *syncobj);
int pan_syncobj_destroy(struct pan_dev *dev, uint32_t syncobj);
int pan_syncobj_reset(struct pan_dev *dev, uint32_t syncobj);
int pan_syncobj_signal(struct pan_dev *dev, uint32_t syncobj);

/* Waits; -ETIME when the time is over. Quiet. @point is 0 for a binary syncobj. */
int pan_syncobj_wait(struct pan_dev *dev, uint32_t syncobj, uint64_t point, int timeout_ms);

/* Last signalled point of a timeline. */
int pan_syncobj_query(struct pan_dev *dev, uint32_t syncobj, uint64_t *point);

/* Signals a timeline point from the CPU. */
int pan_syncobj_signal_point(struct pan_dev *dev, uint32_t syncobj, uint64_t point);

/* Status of the fence in a syncobj: 1 done, 0 pending, a negative errno when it failed. */
int pan_syncobj_status(struct pan_dev *dev, uint32_t syncobj);

/**
 * struct pan_gate - A fence that user space signals, on the kernel's sw_sync
 * @dev: device
 * @timeline: what the fence is on
 * @syncobj: holds the fence: jobs that wait for it are queued and not started
 */
struct pan_gate {
	struct pan_dev *dev;
	int timeline;
	uint32_t syncobj;
};

/* -ENOENT, quietly, when the kernel has no sw_sync. */
int pan_gate_init(struct pan_gate *gate, struct pan_dev *dev);
int pan_gate_open(struct pan_gate *gate);

/* Opens it as well, but fences of a gate that was not open end with an error. */
void pan_gate_fini(struct pan_gate *gate);

static inline struct drm_panthor_sync_op pan_sync_wait(uint32_t syncobj)
{
	return (struct drm_panthor_sync_op) {
		.flags = DRM_PANTHOR_SYNC_OP_WAIT | DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_SYNCOBJ,
		.handle = syncobj,
	};
}

static inline struct drm_panthor_sync_op pan_sync_signal(uint32_t syncobj)
{
	return (struct drm_panthor_sync_op) {
		.flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL |
			 DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_SYNCOBJ,
		.handle = syncobj,
	};
}

static inline struct drm_panthor_sync_op pan_timeline_wait(uint32_t syncobj, uint64_t point)
{
	return (struct drm_panthor_sync_op) {
		.flags = DRM_PANTHOR_SYNC_OP_WAIT |
			 DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
		.handle = syncobj,
		.timeline_value = point,
	};
}

static inline struct drm_panthor_sync_op pan_timeline_signal(uint32_t syncobj, uint64_t point)
{
	return (struct drm_panthor_sync_op) {
		.flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL |
			 DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
		.handle = syncobj,
		.timeline_value = point,
	};
}

#endif /* PAN_OBJ_H */
