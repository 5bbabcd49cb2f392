// SPDX-License-Identifier: GPL-2.0
/* The page with the flush id, and DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"

FIXTURE(mmio)
{
	struct pan_dev dev;
};

FIXTURE_SETUP(mmio)
{
	PAN_OPEN_OR_SKIP(&self->dev);
}

FIXTURE_TEARDOWN(mmio)
{
	pan_close(&self->dev);
}

static int try_mmap(struct pan_dev *dev, uint64_t size, int prot, int flags, uint64_t offset)
{
	void *map = mmap(NULL, size, prot, flags, dev->fd, offset);

	if (map == MAP_FAILED)
		return -errno;
	munmap(map, size);
	return 0;
}

TEST_F(mmio, flush_id_is_readable_and_usable)
{
	volatile uint32_t *id;
	struct pan_ctx ctx;
	struct pan_cs *cs;
	int i;

	id = mmap(NULL, PAN_PAGE, PROT_READ, MAP_SHARED, self->dev.fd,
		  DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET);
	ASSERT_NE(MAP_FAILED, id);
	ASSERT_OK(pan_ctx_init(&ctx, &self->dev, 1));
	for (i = 0; i < 3; i++) {
		struct drm_panthor_sync_op sync = pan_sync_signal(ctx.done[0]);
		struct drm_panthor_queue_submit job = {
			.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &sync),
		};
		struct drm_panthor_group_submit args = {
			.group_handle = ctx.group,
			.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &job),
		};

		cs = pan_ctx_begin(&ctx, 0);
		pan_cs_store32(cs, pan_flag_va(i), 100 + i);
		job.stream_addr = pan_cs_addr(cs);
		job.stream_size = pan_cs_size(cs);
		job.latest_flush = *id;
		ASSERT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args));
		ASSERT_OK(pan_ctx_wait(&ctx, 0));
		EXPECT_EQ(100 + i, *pan_flag(&ctx, i));
	}
	pan_ctx_fini(&ctx);
}

TEST_F(mmio, flush_id_stays_readable_while_suspended)
{
	volatile uint32_t *id;
	uint32_t vm;

	id = mmap(NULL, PAN_PAGE, PROT_READ, MAP_SHARED, self->dev.fd,
		  DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET);
	ASSERT_NE(MAP_FAILED, id);
	ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", 5000));
	EXPECT_EQ(1, *id);
	ASSERT_OK(pan_vm_create(&self->dev, &vm));
}

TEST_F(mmio, flush_id_is_mapped_only_as_designed)
{
	const uint64_t offset = DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET;

	EXPECT_OK(try_mmap(&self->dev, PAN_PAGE, PROT_READ, MAP_SHARED, offset));
	EXPECT_EQ(-EINVAL, try_mmap(&self->dev, PAN_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
				    offset));
	EXPECT_EQ(-EINVAL, try_mmap(&self->dev, PAN_PAGE, PROT_READ, MAP_PRIVATE, offset));
	EXPECT_EQ(-EINVAL, try_mmap(&self->dev, 2 * PAN_PAGE, PROT_READ, MAP_SHARED, offset));
	EXPECT_EQ(-EINVAL, try_mmap(&self->dev, PAN_PAGE, PROT_READ, MAP_SHARED,
				    offset + PAN_PAGE));
}

TEST_F(mmio, flush_id_cannot_become_writable)
{
	void *map = mmap(NULL, PAN_PAGE, PROT_READ, MAP_SHARED, self->dev.fd,
			 DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, mprotect(map, PAN_PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(mmio, offset_can_be_that_of_32_bit_processes)
{
	struct drm_panthor_set_user_mmio_offset args = {
		.offset = DRM_PANTHOR_USER_MMIO_OFFSET_32BIT,
	};

	ASSERT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET, &args));
	EXPECT_OK(try_mmap(&self->dev, PAN_PAGE, PROT_READ, MAP_SHARED,
			   DRM_PANTHOR_USER_MMIO_OFFSET_32BIT));
	args.offset = DRM_PANTHOR_USER_MMIO_OFFSET_64BIT;
	ASSERT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET, &args));
	EXPECT_OK(try_mmap(&self->dev, PAN_PAGE, PROT_READ, MAP_SHARED,
			   DRM_PANTHOR_USER_MMIO_OFFSET_64BIT));
	EXPECT_NE(0, try_mmap(&self->dev, PAN_PAGE, PROT_READ, MAP_SHARED,
			      DRM_PANTHOR_USER_MMIO_OFFSET_32BIT));
}

TEST_F(mmio, other_offsets_are_rejected)
{
	struct drm_panthor_set_user_mmio_offset args = { .offset = 0 };

	EXPECT_EQ(-EINVAL, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET,
				     &args));
	args.offset = 1ull << 44;
	EXPECT_EQ(-EINVAL, pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET,
				     &args));
}

TEST_HARNESS_MAIN
