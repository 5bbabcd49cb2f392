// SPDX-License-Identifier: GPL-2.0
/* The driver is taken off the device, and put back */
#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"

#define SIZE	(256ull << 10)
#define DEADLINE_MS	20000

FIXTURE(unbind)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct pan_bo bo;
};

FIXTURE_SETUP(unbind)
{
	if (geteuid())
		SKIP(return, "needs root");
	PAN_OPEN_OR_SKIP(&self->dev);
	if (!pan_is_bound(&self->dev)) {
		pan_close(&self->dev);
		SKIP(return, "the device is not in sysfs");
	}
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
	ASSERT_OK(pan_ctx_bo(&self->ctx, SIZE, false, &self->bo));
	ASSERT_OK(pan_ctx_bo_map(&self->ctx, &self->bo));
	pan_cs_fill(pan_ctx_begin(&self->ctx, 0), self->bo.va, SIZE, 1);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
}

FIXTURE_TEARDOWN(unbind)
{
	/* Objects of a device that has gone can only be closed. */
	pan_close(&self->dev);
	EXPECT_OK(pan_rebind(&self->dev));
}

/* A client that comes after the rebind finds a GPU that works. */
static int new_client_works(void)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct pan_bo bo;
	int ret;

	ret = pan_open(&dev);
	if (ret)
		return ret;
	ret = pan_ctx_init(&ctx, &dev, 1);
	if (!ret) {
		ret = pan_ctx_bo(&ctx, SIZE, true, &bo);
		if (!ret)
			ret = pan_ctx_bo_map(&ctx, &bo);
		if (!ret) {
			pan_cs_fill(pan_ctx_begin(&ctx, 0), bo.va, SIZE, 2);
			ret = pan_ctx_run(&ctx, 0);
		}
		if (!ret)
			ret = pan_pattern_check(bo.map, SIZE, 2, 0);
		pan_ctx_fini(&ctx);
	}
	pan_close(&dev);
	return ret;
}

TEST_F(unbind, without_clients)
{
	int i;

	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
	for (i = 0; i < 3; i++) {
		struct pan_dev none;

		ASSERT_OK(pan_unbind(&self->dev));
		EXPECT_FALSE(pan_is_bound(&self->dev));
		EXPECT_EQ(-ENODEV, pan_open(&none));
		ASSERT_OK(pan_rebind(&self->dev));
		EXPECT_OK(new_client_works());
	}
}

TEST_F(unbind, open_file_gets_enodev)
{
	struct drm_panthor_dev_query query = { };
	struct drm_panthor_vm_create vm = { };
	struct drm_panthor_bo_create bo = { .size = PAN_PAGE };
	struct drm_panthor_vm_bind_op op = {
		.flags = PAN_MAP_RW, .bo_handle = self->bo.handle,
		.va = PAN_DATA_VA + PAN_MIB, .size = SIZE,
	};
	struct drm_panthor_group_destroy group = { .group_handle = self->ctx.group };
	int fd = self->dev.fd;

	ASSERT_OK(pan_unbind(&self->dev));
	EXPECT_EQ(-ENODEV, pan_ioctl(fd, DRM_IOCTL_PANTHOR_DEV_QUERY, &query));
	EXPECT_EQ(-ENODEV, pan_ioctl(fd, DRM_IOCTL_PANTHOR_VM_CREATE, &vm));
	EXPECT_EQ(-ENODEV, pan_ioctl(fd, DRM_IOCTL_PANTHOR_BO_CREATE, &bo));
	EXPECT_EQ(-ENODEV, pan_vm_bind(&self->dev, self->ctx.vm, 0, &op, 1));
	EXPECT_EQ(-ENODEV, pan_ctx_submit(&self->ctx, 0));
	EXPECT_EQ(-ENODEV, pan_ioctl(fd, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &group));
}

TEST_F(unbind, cpu_mapping_survives)
{
	ASSERT_OK(pan_unbind(&self->dev));
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 1, 0));
	pan_pattern_step(self->bo.map, SIZE);
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 1, 1));
}

static void read_word(void *arg)
{
	(void)*(volatile uint32_t *)arg;
}

TEST_F(unbind, flush_id_page_goes)
{
	void *id = mmap(NULL, PAN_PAGE, PROT_READ, MAP_SHARED, self->dev.fd,
			DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET);

	ASSERT_NE(MAP_FAILED, id);
	EXPECT_TRUE(pan_catch_sigbus(read_word, id));
	ASSERT_OK(pan_unbind(&self->dev));
	EXPECT_FALSE(pan_catch_sigbus(read_word, id));
}

TEST_F(unbind, rebind_while_the_old_file_is_open)
{
	ASSERT_OK(pan_unbind(&self->dev));
	ASSERT_OK(pan_rebind(&self->dev));
	EXPECT_OK(new_client_works());
	EXPECT_EQ(-ENODEV, pan_ctx_submit(&self->ctx, 0));
	EXPECT_EQ(0, pan_pattern_check(self->bo.map, SIZE, 1, 0));
	pan_ctx_bo_unmap(&self->bo);
	pan_close(&self->dev);
	EXPECT_OK(new_client_works());
}

TEST_F(unbind, with_a_running_job)
{
	struct pan_ctx *ctx = &self->ctx;

	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(1), 1);
	pan_cs_spin_until(&ctx->cs[0], pan_flag_va(0));
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	ASSERT_OK(pan_wait_word(pan_flag(ctx, 1), 1, DEADLINE_MS));
	ASSERT_OK(pan_unbind(&self->dev));
	pan_close(&self->dev);
	ASSERT_OK(pan_rebind(&self->dev));
	EXPECT_OK(new_client_works());
}

TEST_F(unbind, while_the_device_sleeps)
{
	ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", 5000));
	ASSERT_OK(pan_unbind(&self->dev));
	ASSERT_OK(pan_rebind(&self->dev));
	EXPECT_OK(new_client_works());
}

TEST_F(unbind, with_heaps_and_many_vms)
{
	struct drm_panthor_tiler_heap_create heap = {
		.initial_chunk_count = 4,
		.chunk_size = 128 << 10,
		.max_chunks = 8,
		.target_in_flight = 2,
	};
	struct pan_ctx ctx[10];
	struct pan_bo bo;
	int i;

	for (i = 0; i < 10; i++) {
		ASSERT_OK(pan_ctx_init(&ctx[i], &self->dev, 1));
		ASSERT_OK(pan_ctx_bo(&ctx[i], SIZE, true, &bo));
		heap.vm_id = ctx[i].vm;
		ASSERT_OK(pan_ioctl(self->dev.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap));
		pan_cs_fill(pan_ctx_begin(&ctx[i], 0), bo.va, SIZE, i);
		ASSERT_OK(pan_ctx_run(&ctx[i], 0));
	}
	ASSERT_OK(pan_unbind(&self->dev));
	pan_close(&self->dev);
	ASSERT_OK(pan_rebind(&self->dev));
	EXPECT_OK(new_client_works());
}

TEST_HARNESS_MAIN
