// SPDX-License-Identifier: GPL-2.0
/* DRM_IOCTL_PANTHOR_DEV_QUERY */
#include <stddef.h>
#include <time.h>

#include "lib/pan_dev.h"
#include "lib/pan_harness.h"

FIXTURE(query)
{
	struct pan_dev dev;
};

FIXTURE_SETUP(query)
{
	PAN_OPEN_OR_SKIP(&self->dev);
}

FIXTURE_TEARDOWN(query)
{
	pan_close(&self->dev);
}

static int query(struct pan_dev *dev, uint32_t type, void *data, uint32_t *size)
{
	struct drm_panthor_dev_query args = {
		.type = type,
		.size = *size,
		.pointer = (uintptr_t)data,
	};
	int ret = pan_ioctl(dev->fd, DRM_IOCTL_PANTHOR_DEV_QUERY, &args);

	*size = args.size;
	return ret;
}

static int query_size(struct pan_dev *dev, uint32_t type, void *data, uint32_t size)
{
	return query(dev, type, data, &size);
}

TEST_F(query, gpu_info_describes_a_csf_gpu)
{
	struct drm_panthor_gpu_info info;

	memset(&info, 0xa5, sizeof(info));
	ASSERT_OK(query_size(&self->dev, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info, sizeof(info)));
	EXPECT_GE(DRM_PANTHOR_ARCH_MAJOR(info.gpu_id), 10);
	EXPECT_GE(DRM_PANTHOR_MMU_VA_BITS(info.mmu_features), 32);
	EXPECT_NE(0, info.as_present & ~1u);
	EXPECT_NE(0, info.shader_present);
	EXPECT_NE(0, info.tiler_present);
	EXPECT_NE(0, info.l2_present);
	EXPECT_NE(0, info.csf_id);
	EXPECT_EQ(0, info.pad);
}

TEST_F(query, csif_info_describes_slots)
{
	struct drm_panthor_csif_info info;

	memset(&info, 0xa5, sizeof(info));
	ASSERT_OK(query_size(&self->dev, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &info, sizeof(info)));
	EXPECT_GE(info.csg_slot_count, 3);
	EXPECT_LE(info.csg_slot_count, 31);
	EXPECT_GE(info.cs_slot_count, 1);
	EXPECT_GT(info.cs_reg_count, info.unpreserved_cs_reg_count);
	EXPECT_NE(0, info.unpreserved_cs_reg_count);
	EXPECT_NE(0, info.scoreboard_slot_count);
	EXPECT_EQ(0, info.pad);
}

TEST_F(query, mmu_info_has_small_and_large_pages)
{
	struct drm_panthor_mmu_info info = { };

	ASSERT_OK(query_size(&self->dev, DRM_PANTHOR_DEV_QUERY_MMU_INFO, &info, sizeof(info)));
	EXPECT_NE(0, info.page_size_bitmap & 0x1000);
	EXPECT_NE(0, info.page_size_bitmap & 0x200000);
}

TEST_F(query, timestamp_without_flags_gives_gpu_time)
{
	struct drm_panthor_timestamp_info first = { }, second = { };

	ASSERT_OK(query_size(&self->dev, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &first,
			     sizeof(first)));
	ASSERT_OK(query_size(&self->dev, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &second,
			     sizeof(second)));
	EXPECT_NE(0, first.current_timestamp);
	EXPECT_GE(second.current_timestamp, first.current_timestamp);
	EXPECT_EQ(0, first.cycle_count);
	EXPECT_EQ(0, first.duration_nsec);
	EXPECT_EQ(0, first.cpu_timestamp_sec);
}

TEST_F(query, timestamp_flags_select_fields)
{
	struct drm_panthor_timestamp_info info = {
		.flags = DRM_PANTHOR_TIMESTAMP_GPU_CYCLE_COUNT |
			 DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC,
		.current_timestamp = ~0ull,
		.timestamp_offset = ~0ull,
	};
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	ASSERT_OK(query_size(&self->dev, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &info,
			     sizeof(info)));
	clock_gettime(CLOCK_MONOTONIC, &after);
	EXPECT_EQ(0, info.current_timestamp);
	EXPECT_EQ(0, info.timestamp_offset);
	EXPECT_NE(0, info.cycle_count);
	EXPECT_GE(info.cpu_timestamp_sec, (uint64_t)before.tv_sec);
	EXPECT_LE(info.cpu_timestamp_sec, (uint64_t)after.tv_sec);
	EXPECT_LT(info.cpu_timestamp_nsec, 1000000000ull);
}

TEST_F(query, timestamp_rejects_unknown_flags)
{
	struct drm_panthor_timestamp_info info = { .flags = 1u << 31 };

	EXPECT_EQ(-EINVAL, query_size(&self->dev, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &info,
				      sizeof(info)));
	info.flags = DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC |
		     DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC_RAW;
	EXPECT_EQ(-EINVAL, query_size(&self->dev, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &info,
				      sizeof(info)));
}

TEST_F(query, timestamp_rejects_fields_it_does_not_know)
{
	struct {
		struct drm_panthor_timestamp_info info;
		uint64_t tomorrow;
	} big = { };

	EXPECT_OK(query_size(&self->dev, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &big,
			     sizeof(big)));
	big.info.flags = 0;
	big.tomorrow = 1;
	EXPECT_EQ(-E2BIG, query_size(&self->dev, DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, &big,
				     sizeof(big)));
}

static uint8_t allowed_priorities(struct pan_dev *dev)
{
	struct drm_panthor_group_priorities_info info = { };

	if (query_size(dev, DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO, &info, sizeof(info)))
		return 0;
	return info.allowed_mask;
}

TEST_F(query, priorities_depend_on_privilege)
{
	const uint8_t everyone = 1 << PANTHOR_GROUP_PRIORITY_LOW |
				 1 << PANTHOR_GROUP_PRIORITY_MEDIUM;

	if (geteuid())
		SKIP(return, "needs root");
	EXPECT_EQ(everyone | 1 << PANTHOR_GROUP_PRIORITY_HIGH |
		  1 << PANTHOR_GROUP_PRIORITY_REALTIME, allowed_priorities(&self->dev));
	ASSERT_OK(seteuid(65534));
	EXPECT_EQ(everyone, allowed_priorities(&self->dev));
	ASSERT_OK(seteuid(0));
}

TEST_F(query, unknown_type_is_rejected)
{
	char buf[256] = { 0 };

	EXPECT_EQ(-EINVAL, query_size(&self->dev, 1000, buf, sizeof(buf)));
	EXPECT_EQ(-EINVAL, query_size(&self->dev, 1000, NULL, 0));
}

FIXTURE(query_type)
{
	struct pan_dev dev;
};

FIXTURE_VARIANT(query_type)
{
	uint32_t type;
	uint32_t size;
	uint32_t min_size;
};

#define MIN_SIZE(type, field) \
	(offsetof(struct drm_panthor_##type, field) + \
	 sizeof(((struct drm_panthor_##type *)NULL)->field))

FIXTURE_VARIANT_ADD(query_type, gpu_info) {
	.type = DRM_PANTHOR_DEV_QUERY_GPU_INFO,
	.size = sizeof(struct drm_panthor_gpu_info),
	.min_size = MIN_SIZE(gpu_info, tiler_present),
};

FIXTURE_VARIANT_ADD(query_type, csif_info) {
	.type = DRM_PANTHOR_DEV_QUERY_CSIF_INFO,
	.size = sizeof(struct drm_panthor_csif_info),
	.min_size = MIN_SIZE(csif_info, pad),
};

FIXTURE_VARIANT_ADD(query_type, timestamp_info) {
	.type = DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO,
	.size = sizeof(struct drm_panthor_timestamp_info),
	.min_size = MIN_SIZE(timestamp_info, current_timestamp),
};

FIXTURE_VARIANT_ADD(query_type, group_priorities_info) {
	.type = DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO,
	.size = sizeof(struct drm_panthor_group_priorities_info),
	.min_size = MIN_SIZE(group_priorities_info, pad),
};

FIXTURE_VARIANT_ADD(query_type, mmu_info) {
	.type = DRM_PANTHOR_DEV_QUERY_MMU_INFO,
	.size = sizeof(struct drm_panthor_mmu_info),
	.min_size = MIN_SIZE(mmu_info, page_size_bitmap),
};

FIXTURE_SETUP(query_type)
{
	PAN_OPEN_OR_SKIP(&self->dev);
}

FIXTURE_TEARDOWN(query_type)
{
	pan_close(&self->dev);
}

TEST_F(query_type, null_pointer_gives_size)
{
	uint32_t size = 0;

	ASSERT_OK(query(&self->dev, variant->type, NULL, &size));
	EXPECT_GE(size, variant->size);
}

TEST_F(query_type, size_below_the_first_version_is_rejected)
{
	char buf[256] = { 0 };

	EXPECT_EQ(-EINVAL, query_size(&self->dev, variant->type, buf, variant->min_size - 1));
}

TEST_F(query_type, only_the_given_size_is_written)
{
	unsigned char buf[256];
	uint32_t i;

	memset(buf, 0, variant->min_size);
	memset(buf + variant->min_size, 0xa5, sizeof(buf) - variant->min_size);
	ASSERT_OK(query_size(&self->dev, variant->type, buf, variant->min_size));
	for (i = variant->min_size; i < sizeof(buf); i++)
		ASSERT_EQ(0xa5, buf[i]);
}

TEST_F(query_type, what_the_kernel_does_not_know_is_zeroed)
{
	unsigned char buf[512] = { 0 };
	uint32_t size = 0, i;

	ASSERT_OK(query(&self->dev, variant->type, NULL, &size));
	ASSERT_LT(size, sizeof(buf));
	if (variant->type != DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO)
		memset(buf, 0xa5, sizeof(buf));
	ASSERT_OK(query_size(&self->dev, variant->type, buf, sizeof(buf)));
	for (i = size; i < sizeof(buf); i++)
		ASSERT_EQ(0, buf[i]);
}

TEST_F(query_type, bad_pointer_faults)
{
	EXPECT_EQ(-EFAULT, query_size(&self->dev, variant->type, (void *)8, variant->size));
}

TEST_HARNESS_MAIN
