// SPDX-License-Identifier: GPL-2.0
/* Sharing BOs as dma-bufs, within the device */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <linux/dma-buf.h>

#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_pattern.h"

#define SIZE		(256ull << 10)
#define BAD_HANDLE	0x7fffffffu

FIXTURE(prime)
{
	struct pan_dev dev;
	struct pan_dev other;
	struct pan_ctx ctx;
	struct pan_bo bo;
};

FIXTURE_SETUP(prime)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ASSERT_OK(pan_open(&self->other));
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
	ASSERT_OK(pan_ctx_bo(&self->ctx, SIZE, false, &self->bo));
}

FIXTURE_TEARDOWN(prime)
{
	pan_ctx_fini(&self->ctx);
	pan_close(&self->other);
	pan_close(&self->dev);
}

TEST_F(prime, dma_buf_can_be_mapped)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	uint32_t *map;
	int fd;

	fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC | DRM_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(SIZE, lseek(fd, 0, SEEK_END));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_OK(ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
	pan_pattern_fill(map, SIZE, 1);
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW;
	EXPECT_OK(ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync));
	pan_cs_step(pan_ctx_begin(&self->ctx, 0), self->bo.va, SIZE);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	EXPECT_EQ(0, pan_pattern_check(map, SIZE, 1, 1));
	munmap(map, SIZE);
	close(fd);
}

TEST_F(prime, read_only_dma_buf_cannot_be_written)
{
	int fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC);

	ASSERT_LE(0, fd);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	EXPECT_EQ(EACCES, errno);
	close(fd);
}

TEST_F(prime, import_into_the_same_file_gives_the_same_handle)
{
	uint32_t bo;
	int fd;

	fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC | DRM_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_OK(pan_bo_import(&self->dev, fd, &bo));
	EXPECT_EQ(self->bo.handle, bo);
	close(fd);
}

TEST_F(prime, import_into_another_file_is_the_same_memory)
{
	struct pan_ctx ctx;
	uint32_t bo, *map;
	int fd;

	ASSERT_OK(pan_ctx_init(&ctx, &self->other, 1));
	fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC | DRM_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_OK(pan_bo_import(&self->other, fd, &bo));
	close(fd);
	ASSERT_OK(pan_vm_map(&self->other, ctx.vm, bo, 0, PAN_DATA_VA, SIZE, PAN_MAP_RW));
	pan_cs_fill(pan_ctx_begin(&self->ctx, 0), self->bo.va, SIZE, 2);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	pan_cs_step(pan_ctx_begin(&ctx, 0), PAN_DATA_VA, SIZE);
	ASSERT_OK(pan_ctx_run(&ctx, 0));
	map = pan_bo_mmap(&self->other, bo, SIZE);
	ASSERT_NE(NULL, map);
	EXPECT_EQ(0, pan_pattern_check(map, SIZE, 2, 1));
	ASSERT_OK(pan_ctx_bo_map(&self->ctx, &self->bo));
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 2, 1));
	pan_ctx_fini(&ctx);
}

TEST_F(prime, memory_outlives_the_exporter)
{
	uint32_t bo, *map;
	int fd;

	pan_cs_fill(pan_ctx_begin(&self->ctx, 0), self->bo.va, SIZE, 3);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC | DRM_RDWR);
	ASSERT_LE(0, fd);
	pan_ctx_bo_free(&self->ctx, &self->bo);
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
	ASSERT_OK(pan_bo_import(&self->other, fd, &bo));
	close(fd);
	map = pan_bo_mmap(&self->other, bo, SIZE);
	ASSERT_NE(NULL, map);
	EXPECT_EQ(0, pan_pattern_check(map, SIZE, 3, 0));
}

/* Of all clients: the one of the test before may still be going, hence tries. */
TEST_F(prime, memory_goes_with_the_last_user)
{
	uint64_t size, before, during = 0, after;
	struct pan_bo bo;
	int fd, try;

	if (pan_gems_totals(&self->dev, &size, &after))
		SKIP(return, "no debugfs file gems");
	for (try = 0; try < 20; try++) {
		before = after;
		ASSERT_OK(pan_ctx_bo(&self->ctx, 4 * PAN_MIB, false, &bo));
		fd = pan_bo_export(&self->dev, bo.handle, DRM_CLOEXEC | DRM_RDWR);
		ASSERT_LE(0, fd);
		pan_ctx_bo_free(&self->ctx, &bo);
		ASSERT_OK(pan_gems_totals(&self->dev, &size, &during));
		close(fd);
		ASSERT_OK(pan_gems_totals(&self->dev, &size, &after));
		if (after == before)
			break;
		pan_sleep_ms(50);
	}
	EXPECT_EQ(before, after);
	EXPECT_EQ(before + 4 * PAN_MIB, during);
}

TEST_F(prime, fence_of_a_job_is_seen_by_importers)
{
	struct dma_buf_export_sync_file sync = { .flags = DMA_BUF_SYNC_RW, .fd = -1 };
	int fd, ret;

	fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC | DRM_RDWR);
	ASSERT_LE(0, fd);
	pan_cs_spin(pan_ctx_begin(&self->ctx, 0), 1000);
	ASSERT_OK(pan_ctx_submit(&self->ctx, 0));

	/* Panthor's fences are explicit: the dma-buf has them for bookkeeping only. */
	ret = ioctl(fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &sync);
	EXPECT_EQ(0, ret);
	if (!ret)
		close(sync.fd);
	EXPECT_OK(pan_ctx_wait(&self->ctx, 0));
	close(fd);
}

TEST_F(prime, private_bo_cannot_be_exported)
{
	uint32_t bo;

	ASSERT_OK(pan_bo_create(&self->dev, SIZE, 0, self->ctx.vm, &bo));
	EXPECT_EQ(-EINVAL, pan_bo_export(&self->dev, bo, DRM_CLOEXEC | DRM_RDWR));
}

TEST_F(prime, own_buffer_is_not_called_imported)
{
	struct drm_panthor_bo_query_info args = { };
	int fd;

	fd = pan_bo_export(&self->dev, self->bo.handle, DRM_CLOEXEC | DRM_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_OK(pan_bo_import(&self->other, fd, &args.handle));
	ASSERT_OK(pan_ioctl(self->other.fd, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &args));
	EXPECT_EQ(0, args.extra_flags);
	close(fd);
}

TEST_F(prime, bad_arguments)
{
	int null = open("/dev/null", O_RDWR);
	uint32_t bo;

	EXPECT_EQ(-ENOENT, pan_bo_export(&self->dev, BAD_HANDLE, 0));
	EXPECT_EQ(-EINVAL, pan_bo_export(&self->dev, self->bo.handle, 1u << 30));
	EXPECT_EQ(-EBADF, pan_bo_import(&self->dev, -1, &bo));
	EXPECT_EQ(-EINVAL, pan_bo_import(&self->dev, null, &bo));
	close(null);
}

TEST_HARNESS_MAIN
