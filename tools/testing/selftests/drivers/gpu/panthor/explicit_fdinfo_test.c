// SPDX-License-Identifier: GPL-2.0
/*
 * What fdinfo says about where memory is: BOs of the driver and BOs without a handle
 * count as those with one do.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "explicit_common.h"

#define TIMEOUT_S	120
#define SIZE		PAN_MIB
#define BOS		4
#define CHUNK		(256u << 10)
#define CHUNKS		5

FIXTURE(fdinfo)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct pan_bo bo[BOS];
	char path[64];
};

FIXTURE_SETUP(fdinfo)
{
	uint32_t i;

	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
	snprintf(self->path, sizeof(self->path), "/proc/self/fdinfo/%d", self->dev.fd);
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
	for (i = 0; i < BOS; i++) {
		ASSERT_OK(pan_ctx_bo(&self->ctx, SIZE, true, &self->bo[i]));
		pan_cs_fill(pan_ctx_begin(&self->ctx, 0), self->bo[i].va, SIZE, i);
		ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	}
}

FIXTURE_TEARDOWN(fdinfo)
{
	pan_ctx_fini(&self->ctx);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/* Bytes of a key, or -1. */
static int64_t value_of(const char *path, const char *key)
{
	unsigned long long value = 0;
	int64_t bytes = -1;
	char line[256];
	char unit[8];
	FILE *file = fopen(path, "r");

	while (file && fgets(line, sizeof(line), file)) {
		int n;

		if (strncmp(line, key, strlen(key)) || line[strlen(key)] != ':')
			continue;
		n = sscanf(line + strlen(key) + 1, "%llu %7s", &value, unit);
		if (n < 1)
			continue;
		bytes = value;
		if (n == 2 && !strcmp(unit, "KiB"))
			bytes <<= 10;
		if (n == 2 && !strcmp(unit, "MiB"))
			bytes <<= 20;
	}
	if (file)
		fclose(file);
	return bytes;
}

static int64_t bytes_out(const char *path)
{
	return value_of(path, "panthor-evicted-memory");
}

/* DRM leaves its key out if no BO with a handle is resident. */
static int64_t bytes_in(const char *path)
{
	int64_t drm = value_of(path, "drm-resident-memory");

	return (drm > 0 ? drm : 0) + value_of(path, "panthor-resident-memory");
}

static int ask(int fd, uint32_t op, struct drm_panthor_client_memory *args)
{
	*args = (struct drm_panthor_client_memory) { .op = op, .pidfd = -1 };
	return ioctl(fd, DRM_IOCTL_PANTHOR_CLIENT_MEMORY, args) ? -errno : 0;
}

/*
 * Rings, heaps and all. What the firmware's VM maps stays, and is no part of what the
 * ioctl counts.
 */
TEST_F_TIMEOUT(fdinfo, bos_of_the_driver_count_where_they_are, TIMEOUT_S)
{
	struct drm_panthor_tiler_heap_create heap = {
		.vm_id = self->ctx.vm, .initial_chunk_count = CHUNKS, .chunk_size = CHUNK,
		.max_chunks = CHUNKS, .target_in_flight = CHUNKS,
	};
	struct drm_panthor_client_memory args;
	int64_t before, driver, firmware;

	driver = value_of(self->path, "panthor-resident-memory");
	ASSERT_OK(PAN_IOCTL(self->dev.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap));
	EXPECT_LE(driver + (int64_t)CHUNKS * CHUNK,
		  value_of(self->path, "panthor-resident-memory"));

	ASSERT_OK(ask(self->dev.fd, DRM_PANTHOR_CLIENT_MEMORY_QUERY, &args));
	before = bytes_in(self->path);
	firmware = before - (int64_t)args.resident;
	EXPECT_LE(0, firmware);
	EXPECT_EQ(0, bytes_out(self->path));

	ASSERT_OK(ask(self->dev.fd, DRM_PANTHOR_CLIENT_MEMORY_OUT, &args));
	EXPECT_LE(BOS * SIZE + CHUNKS * CHUNK, args.evicted);
	EXPECT_EQ((int64_t)args.evicted, bytes_out(self->path));
	EXPECT_EQ((int64_t)args.resident + firmware, bytes_in(self->path));
	EXPECT_EQ(before, bytes_in(self->path) + bytes_out(self->path));

	ASSERT_OK(ask(self->dev.fd, DRM_PANTHOR_CLIENT_MEMORY_IN, &args));
	EXPECT_EQ(0, bytes_out(self->path));
	EXPECT_EQ(before, bytes_in(self->path));
}

/* It is mapped still, and moves from one key to the other. */
TEST_F_TIMEOUT(fdinfo, bo_without_a_handle_counts, TIMEOUT_S)
{
	int64_t all = bytes_in(self->path), drm = value_of(self->path, "drm-resident-memory");
	struct drm_panthor_client_memory args;

	ASSERT_OK(pan_bo_close(&self->dev, self->bo[0].handle));
	EXPECT_EQ(drm - (int64_t)SIZE, value_of(self->path, "drm-resident-memory"));
	EXPECT_EQ(all, bytes_in(self->path));

	ASSERT_OK(ask(self->dev.fd, DRM_PANTHOR_CLIENT_MEMORY_OUT, &args));
	EXPECT_LE(BOS * SIZE, bytes_out(self->path));
	EXPECT_EQ(all, bytes_in(self->path) + bytes_out(self->path));
	ASSERT_OK(ask(self->dev.fd, DRM_PANTHOR_CLIENT_MEMORY_IN, &args));
	EXPECT_EQ(all, bytes_in(self->path));
}

TEST_HARNESS_MAIN
