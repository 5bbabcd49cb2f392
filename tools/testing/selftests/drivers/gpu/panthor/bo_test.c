// SPDX-License-Identifier: GPL-2.0
/*
 * Buffer objects without the GPU: BO_CREATE, BO_MMAP_OFFSET, BO_SET_LABEL,
 * BO_SYNC, BO_QUERY_INFO
 */
#include <stdio.h>
#include <sys/wait.h>

#include "lib/pan_file.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_obj.h"
#include "lib/pan_pattern.h"

#define BAD_HANDLE	0x7fffffffu

FIXTURE(bo)
{
	struct pan_dev dev;
};

FIXTURE_SETUP(bo)
{
	PAN_OPEN_OR_SKIP(&self->dev);
}

FIXTURE_TEARDOWN(bo)
{
	pan_close(&self->dev);
}

static int create(struct pan_dev *dev, struct drm_panthor_bo_create args)
{
	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_BO_CREATE, &args);
}

TEST_F(bo, size_is_rounded_up_to_pages)
{
	static const uint64_t sizes[] = { 1, 4095, 4096, 4097, 65536, PAN_MIB + 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct drm_panthor_bo_create args = { .size = sizes[i] };

		ASSERT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_CREATE, &args));
		EXPECT_NE(0, args.handle);
		EXPECT_EQ((sizes[i] + 4095) & ~4095ull, args.size);
	}
}

TEST_F(bo, create_rejects_bad_arguments)
{
	struct pan_dev *dev = &self->dev;

	EXPECT_EQ(-EINVAL, create(dev, (struct drm_panthor_bo_create) { .size = 0 }));
	EXPECT_EQ(-EINVAL, create(dev, (struct drm_panthor_bo_create) {
		.size = PAN_PAGE, .pad = 1 }));
	EXPECT_EQ(-EINVAL, create(dev, (struct drm_panthor_bo_create) {
		.size = PAN_PAGE, .flags = 1 << 2 }));
	EXPECT_EQ(-EINVAL, create(dev, (struct drm_panthor_bo_create) {
		.size = PAN_PAGE, .flags = 1u << 31 }));
	EXPECT_EQ(-EINVAL, create(dev, (struct drm_panthor_bo_create) {
		.size = PAN_PAGE, .exclusive_vm_id = 7 }));
}

TEST_F(bo, no_mmap_excludes_wb_mmap)
{
	EXPECT_OK(create(&self->dev, (struct drm_panthor_bo_create) {
		.size = PAN_PAGE, .flags = DRM_PANTHOR_BO_WB_MMAP }));
	EXPECT_EQ(-EINVAL, create(&self->dev, (struct drm_panthor_bo_create) {
		.size = PAN_PAGE,
		.flags = DRM_PANTHOR_BO_WB_MMAP | DRM_PANTHOR_BO_NO_MMAP }));
}

TEST_F(bo, size_beyond_any_file_is_rejected)
{
	EXPECT_NE(0, create(&self->dev, (struct drm_panthor_bo_create) { .size = 1ull << 63 }));
}

TEST_F(bo, new_memory_is_zero)
{
	const uint64_t size = 2 * PAN_MIB;
	uint32_t bo, *map;
	uint64_t i;

	ASSERT_OK(pan_bo_create(&self->dev, size, 0, 0, &bo));
	map = pan_bo_mmap(&self->dev, bo, size);
	ASSERT_NE(NULL, map);
	for (i = 0; i < size / 4; i++)
		ASSERT_EQ(0, map[i]);
}

TEST_F(bo, two_mappings_are_the_same_memory)
{
	uint32_t seed = pan_seed(2, 1), bo, *a, *b;

	ASSERT_OK(pan_bo_create(&self->dev, PAN_MIB, 0, 0, &bo));
	a = pan_bo_mmap(&self->dev, bo, PAN_MIB);
	b = pan_bo_mmap(&self->dev, bo, PAN_MIB);
	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	pan_pattern_fill(a, PAN_MIB, seed);
	EXPECT_EQ(0, pan_pattern_check(b, PAN_MIB, seed, 0));
	ASSERT_OK(munmap(a, PAN_MIB));
	EXPECT_EQ(0, pan_pattern_check(b, PAN_MIB, seed, 0));
}

TEST_F(bo, contents_survive_without_a_mapping)
{
	uint32_t seed = pan_seed(2, 2), bo, *map;

	ASSERT_OK(pan_bo_create(&self->dev, PAN_MIB, 0, 0, &bo));
	map = pan_bo_mmap(&self->dev, bo, PAN_MIB);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, PAN_MIB, seed);
	ASSERT_OK(munmap(map, PAN_MIB));
	map = pan_bo_mmap(&self->dev, bo, PAN_MIB);
	ASSERT_NE(NULL, map);
	EXPECT_EQ(0, pan_pattern_check(map, PAN_MIB, seed, 0));
}

TEST_F(bo, mapping_outlives_the_handle)
{
	uint32_t seed = pan_seed(2, 3), bo, *map;

	ASSERT_OK(pan_bo_create(&self->dev, PAN_MIB, 0, 0, &bo));
	map = pan_bo_mmap(&self->dev, bo, PAN_MIB);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, PAN_MIB, seed);
	ASSERT_OK(pan_bo_close(&self->dev, bo));
	EXPECT_EQ(0, pan_pattern_check(map, PAN_MIB, seed, 0));
	pan_pattern_step(map, PAN_MIB);
	EXPECT_EQ(0, pan_pattern_check(map, PAN_MIB, seed, 1));
}

TEST_F(bo, mapping_can_be_cut_in_pieces)
{
	uint32_t bo, *map;
	char *bytes;

	ASSERT_OK(pan_bo_create(&self->dev, 16 * PAN_PAGE, 0, 0, &bo));
	map = pan_bo_mmap(&self->dev, bo, 16 * PAN_PAGE);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, 16 * PAN_PAGE, 5);
	bytes = (char *)map;
	ASSERT_OK(munmap(bytes + 4 * PAN_PAGE, 8 * PAN_PAGE));
	EXPECT_EQ(0, pan_pattern_check(map, 4 * PAN_PAGE, 5, 0));
	EXPECT_EQ(pan_pattern(5, 12 * PAN_PAGE / 4, 0), map[12 * PAN_PAGE / 4]);
	ASSERT_OK(munmap(bytes, 4 * PAN_PAGE));
	ASSERT_OK(munmap(bytes + 12 * PAN_PAGE, 4 * PAN_PAGE));
}

TEST_F(bo, child_shares_the_mapping)
{
	uint32_t bo, *map;
	int status;
	pid_t pid;

	ASSERT_OK(pan_bo_create(&self->dev, PAN_MIB, 0, 0, &bo));
	map = pan_bo_mmap(&self->dev, bo, PAN_MIB);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, PAN_MIB, 6);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (pan_pattern_check(map, PAN_MIB, 6, 0))
			_exit(1);
		pan_pattern_step(map, PAN_MIB);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, pan_pattern_check(map, PAN_MIB, 6, 1));
}

TEST_F(bo, mmap_offset_rejects_bad_arguments)
{
	struct drm_panthor_bo_mmap_offset args = { .handle = BAD_HANDLE };
	uint32_t bo;

	EXPECT_EQ(-ENOENT, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args));
	ASSERT_OK(pan_bo_create(&self->dev, PAN_PAGE, 0, 0, &bo));
	args = (struct drm_panthor_bo_mmap_offset) { .handle = bo, .pad = 1 };
	EXPECT_EQ(-EINVAL, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args));
	args = (struct drm_panthor_bo_mmap_offset) { };
	EXPECT_EQ(-ENOENT, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args));
}

TEST_F(bo, no_mmap_has_no_offset)
{
	struct drm_panthor_bo_mmap_offset args = { };

	ASSERT_OK(pan_bo_create(&self->dev, PAN_PAGE, DRM_PANTHOR_BO_NO_MMAP, 0, &args.handle));
	EXPECT_EQ(-EPERM, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args));
}

static int try_mmap(struct pan_dev *dev, uint64_t size, int prot, int flags, uint64_t offset)
{
	void *map = mmap(NULL, size, prot, flags, dev->fd, offset);

	if (map == MAP_FAILED)
		return -errno;
	munmap(map, size);
	return 0;
}

TEST_F(bo, mmap_rejects_what_is_not_there)
{
	uint64_t offset;
	uint32_t bo;

	ASSERT_OK(pan_bo_create(&self->dev, 4 * PAN_PAGE, 0, 0, &bo));
	ASSERT_OK(pan_bo_mmap_offset(&self->dev, bo, &offset));
	EXPECT_OK(try_mmap(&self->dev, 4 * PAN_PAGE, PROT_READ, MAP_SHARED, offset));
	EXPECT_EQ(-EINVAL, try_mmap(&self->dev, 5 * PAN_PAGE, PROT_READ, MAP_SHARED, offset));
	EXPECT_EQ(-EINVAL, try_mmap(&self->dev, 4 * PAN_PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE, offset));
}

TEST_F(bo, offset_is_of_no_use_to_another_file)
{
	struct pan_dev other;
	uint64_t offset;
	uint32_t bo;

	ASSERT_OK(pan_open(&other));
	ASSERT_OK(pan_bo_create(&self->dev, PAN_PAGE, 0, 0, &bo));
	ASSERT_OK(pan_bo_mmap_offset(&self->dev, bo, &offset));
	EXPECT_EQ(-EACCES, try_mmap(&other, PAN_PAGE, PROT_READ, MAP_SHARED, offset));
	pan_close(&other);
}

static bool label_is_listed(struct pan_dev *dev, const char *label)
{
	static char text[256 << 10];
	char path[128];

	snprintf(path, sizeof(path), "%s/gems", dev->debugfs);
	return pan_read_file(path, text, sizeof(text)) > 0 && strstr(text, label);
}

TEST_F(bo, label_is_listed_in_debugfs)
{
	uint64_t size, resident;
	uint32_t bo;

	if (pan_gems_totals(&self->dev, &size, &resident))
		SKIP(return, "no debugfs file gems");
	ASSERT_OK(pan_bo_create(&self->dev, PAN_PAGE, 0, 0, &bo));
	ASSERT_OK(pan_bo_label(&self->dev, bo, "selftest label one"));
	EXPECT_TRUE(label_is_listed(&self->dev, "selftest label one"));
	ASSERT_OK(pan_bo_label(&self->dev, bo, "selftest label two"));
	EXPECT_FALSE(label_is_listed(&self->dev, "selftest label one"));
	EXPECT_TRUE(label_is_listed(&self->dev, "selftest label two"));
	ASSERT_OK(pan_bo_label(&self->dev, bo, NULL));
	EXPECT_FALSE(label_is_listed(&self->dev, "selftest label"));
	EXPECT_OK(pan_bo_label(&self->dev, bo, ""));
}

static int label(struct pan_dev *dev, struct drm_panthor_bo_set_label args)
{
	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &args);
}

TEST_F(bo, label_rejects_bad_arguments)
{
	static char text[8192];
	uint32_t bo;

	ASSERT_OK(pan_bo_create(&self->dev, PAN_PAGE, 0, 0, &bo));
	EXPECT_EQ(-EINVAL, label(&self->dev, (struct drm_panthor_bo_set_label) {
		.handle = bo, .pad = 1, .label = (uintptr_t)"x" }));
	EXPECT_EQ(-ENOENT, label(&self->dev, (struct drm_panthor_bo_set_label) {
		.handle = BAD_HANDLE, .label = (uintptr_t)"x" }));
	EXPECT_EQ(-EFAULT, label(&self->dev, (struct drm_panthor_bo_set_label) {
		.handle = bo, .label = 8 }));

	/* 4096 with the NUL is the limit. */
	memset(text, 'x', sizeof(text) - 1);
	EXPECT_EQ(-E2BIG, label(&self->dev, (struct drm_panthor_bo_set_label) {
		.handle = bo, .label = (uintptr_t)text }));
	text[4096] = 0;
	EXPECT_EQ(-E2BIG, label(&self->dev, (struct drm_panthor_bo_set_label) {
		.handle = bo, .label = (uintptr_t)text }));
	text[4095] = 0;
	EXPECT_OK(label(&self->dev, (struct drm_panthor_bo_set_label) {
		.handle = bo, .label = (uintptr_t)text }));
}

static int sync_op(struct pan_dev *dev, uint32_t bo, uint32_t type, uint64_t offset,
		   uint64_t size)
{
	struct drm_panthor_bo_sync_op op = {
		.handle = bo,
		.type = type,
		.offset = offset,
		.size = size,
	};
	struct drm_panthor_bo_sync args = { .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op) };

	return pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_BO_SYNC, &args);
}

TEST_F(bo, sync_takes_any_range_of_the_bo)
{
	const uint32_t flush = DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH;
	const uint32_t inv = DRM_PANTHOR_BO_SYNC_CPU_CACHE_FLUSH_AND_INVALIDATE;
	uint32_t bo, *map;

	ASSERT_OK(pan_bo_create(&self->dev, PAN_MIB, DRM_PANTHOR_BO_WB_MMAP, 0, &bo));

	/* Without pages there is nothing to do. */
	EXPECT_OK(sync_op(&self->dev, bo, flush, 0, PAN_MIB));

	map = pan_bo_mmap(&self->dev, bo, PAN_MIB);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, PAN_MIB, 7);
	EXPECT_OK(sync_op(&self->dev, bo, flush, 0, PAN_MIB));
	EXPECT_OK(sync_op(&self->dev, bo, inv, 0, PAN_MIB));
	EXPECT_OK(sync_op(&self->dev, bo, flush, 5, 1));
	EXPECT_OK(sync_op(&self->dev, bo, inv, PAN_MIB - 1, 1));
	EXPECT_OK(sync_op(&self->dev, bo, inv, 3 * PAN_PAGE + 7, 2 * PAN_PAGE));
	EXPECT_OK(sync_op(&self->dev, bo, inv, PAN_MIB, 0));
	EXPECT_EQ(0, pan_pattern_check(map, PAN_MIB, 7, 0));
}

TEST_F(bo, sync_rejects_bad_ranges)
{
	uint32_t bo;

	ASSERT_OK(pan_bo_create(&self->dev, PAN_MIB, 0, 0, &bo));
	EXPECT_EQ(-EINVAL, sync_op(&self->dev, bo, 0, 0, PAN_MIB + 1));
	EXPECT_EQ(-EINVAL, sync_op(&self->dev, bo, 0, PAN_MIB, 1));
	EXPECT_EQ(-EINVAL, sync_op(&self->dev, bo, 0, ~0ull, 2));
	EXPECT_EQ(-EINVAL, sync_op(&self->dev, bo, 0, 1, ~0ull));
	EXPECT_EQ(-EINVAL, sync_op(&self->dev, bo, 2, 0, PAN_PAGE));
	EXPECT_EQ(-ENOENT, sync_op(&self->dev, BAD_HANDLE, 0, 0, PAN_PAGE));
}

TEST_F(bo, sync_rejects_bad_arrays)
{
	struct {
		struct drm_panthor_bo_sync_op op;
		uint64_t tomorrow;
	} big = { };
	struct drm_panthor_bo_sync args = { };

	/* Nothing to do */
	EXPECT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_SYNC, &args));

	ASSERT_OK(pan_bo_create(&self->dev, PAN_PAGE, 0, 0, &big.op.handle));
	args.ops = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &big.op);
	args.ops.stride = sizeof(big.op) - 8;
	EXPECT_EQ(-EINVAL, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_SYNC, &args));
	args.ops.stride = sizeof(big);
	EXPECT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_SYNC, &args));
	big.tomorrow = 1;
	EXPECT_EQ(-E2BIG, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_SYNC, &args));
	args.ops.array = 8;
	EXPECT_EQ(-EFAULT, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_SYNC, &args));
}

TEST_F(bo, query_info_gives_creation_flags)
{
	static const uint32_t flags[] = { 0, DRM_PANTHOR_BO_NO_MMAP, DRM_PANTHOR_BO_WB_MMAP };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct drm_panthor_bo_query_info args = { .extra_flags = ~0u, .pad = 5 };

		ASSERT_OK(pan_bo_create(&self->dev, PAN_PAGE, flags[i], 0, &args.handle));
		ASSERT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &args));
		EXPECT_EQ(flags[i], args.create_flags);
		EXPECT_EQ(0, args.extra_flags);
		EXPECT_EQ(0, args.pad);
	}
}

TEST_F(bo, query_info_rejects_unknown_handle)
{
	struct drm_panthor_bo_query_info args = { .handle = BAD_HANDLE };

	EXPECT_EQ(-ENOENT, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &args));
}

TEST_F(bo, closed_handle_is_gone)
{
	struct drm_panthor_bo_query_info args = { };
	struct drm_gem_close again;

	ASSERT_OK(pan_bo_create(&self->dev, PAN_PAGE, 0, 0, &args.handle));
	again.handle = args.handle;
	ASSERT_OK(pan_bo_close(&self->dev, args.handle));
	EXPECT_EQ(-ENOENT, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &args));
	EXPECT_EQ(-EINVAL, pan_ioctl(self->dev.fd, DRM_IOCTL_GEM_CLOSE, &again));
}

TEST_F(bo, memory_is_freed_with_the_handle)
{
	uint64_t size, before, during, after;
	uint32_t bo, *map;

	if (pan_gems_totals(&self->dev, &size, &before))
		SKIP(return, "no debugfs file gems");
	ASSERT_OK(pan_bo_create(&self->dev, 4 * PAN_MIB, 0, 0, &bo));
	map = pan_bo_mmap(&self->dev, bo, 4 * PAN_MIB);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, 4 * PAN_MIB, 8);
	ASSERT_OK(pan_gems_totals(&self->dev, &size, &during));
	EXPECT_GE(during, before + 4 * PAN_MIB);
	ASSERT_OK(munmap(map, 4 * PAN_MIB));
	ASSERT_OK(pan_bo_close(&self->dev, bo));
	ASSERT_OK(pan_gems_totals(&self->dev, &size, &after));
	EXPECT_EQ(before, after);
}

TEST_F(bo, fdinfo_shows_memory)
{
	uint64_t total = 0, resident = 0;
	char path[64];
	uint32_t bo, *map;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->dev.fd);
	ASSERT_OK(pan_bo_create(&self->dev, 8 * PAN_MIB, 0, 0, &bo));
	ASSERT_OK(pan_bo_create(&self->dev, 2 * PAN_MIB, 0, 0, &bo));
	map = pan_bo_mmap(&self->dev, bo, 2 * PAN_MIB);
	ASSERT_NE(NULL, map);
	pan_pattern_fill(map, 2 * PAN_MIB, 9);
	ASSERT_OK(pan_read_key(path, "drm-total-memory:", &total));
	ASSERT_OK(pan_read_key(path, "drm-resident-memory:", &resident));

	/* "2048 KiB" or "2 MiB", whatever divides: take the large BO for a scale. */
	EXPECT_GT(total, 0);
	EXPECT_GT(resident, 0);
	EXPECT_NE(total, resident);
}

TEST_HARNESS_MAIN
