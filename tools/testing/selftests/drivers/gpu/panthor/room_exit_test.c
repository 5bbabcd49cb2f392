// SPDX-License-Identifier: GPL-2.0
/*
 * A client that ends gives its memory back though it cannot allocate any.
 *
 * The OOM killer's victims end that way: they may use a part of the reserves,
 * and when that has gone their allocations fail, also those that never fail
 * otherwise. Unmapping allocated, for mappings that have to be split. When an
 * address space was destroyed in that state, nothing was unmapped, the mappings
 * kept the address space and all memory in it alive until the next boot.
 */
#include "room_common.h"

#define FAILSLAB	"/sys/kernel/debug/failslab"
#define FAIL_PAGES	"/sys/kernel/debug/fail_page_alloc"

#define MIB		24

FIXTURE(exit)
{
	struct pan_dev dev;
	uint64_t bytes;
	volatile uint32_t *ready;
};

static int set_up(const char *dir, uint32_t probability)
{
	static const struct {
		const char *name, *text;
	} settings[] = {
		{ "task-filter", "Y" }, { "ignore-gfp-wait", "N" }, { "interval", "1" },
		{ "times", "-1" }, { "space", "0" }, { "verbose", "0" },
	};
	char path[128];
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < sizeof(settings) / sizeof(*settings); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, settings[i].name);
		ret = pan_write_file(path, settings[i].text);
	}
	if (!ret && !strcmp(dir, FAIL_PAGES)) {
		ret = pan_write_file(FAIL_PAGES "/min-order", "0");
		if (!ret)
			ret = pan_write_file(FAIL_PAGES "/ignore-gfp-highmem", "N");
	}
	snprintf(path, sizeof(path), "%s/probability", dir);
	return ret ? ret : pan_write_u64(path, probability);
}

FIXTURE_SETUP(exit)
{
	uint64_t resident;

	PAN_OPEN_OR_SKIP(&self->dev);
	ROOM_NEEDS(&self->dev);
	if (!pan_file_exists(FAILSLAB) || !pan_file_exists(FAIL_PAGES))
		SKIP(return, "no fault injection (FAILSLAB, FAIL_PAGE_ALLOC)");
	self->ready = pan_shared_alloc(sizeof(*self->ready));
	ASSERT_NE(NULL, self->ready);
	ASSERT_OK(pan_gems_totals(&self->dev, &self->bytes, &resident));
}

FIXTURE_TEARDOWN(exit)
{
	EXPECT_OK(pan_write_u64(FAILSLAB "/probability", 0));
	EXPECT_OK(pan_write_u64(FAIL_PAGES "/probability", 0));
	pan_shared_free((void *)self->ready, sizeof(*self->ready));
	pan_close(&self->dev);
}

/* All that a client can have: buffers, streams, a tiler heap, work done. */
static int client_main(void *arg)
{
	volatile uint32_t *ready = arg;
	struct pan_client client;
	struct drm_panthor_tiler_heap_create heap = {
		.initial_chunk_count = 2,
		.chunk_size = 128 << 10,
		.max_chunks = 4,
		.target_in_flight = 2,
	};
	int ret;

	ret = pan_client_init(&client, 41, 2);
	if (!ret)
		ret = pan_client_add_mib(&client, 0, MIB / 2, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_add_mib(&client, 1, MIB / 4, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_add_mib(&client, 1, MIB / 4, PAN_BUF_SHARED);
	if (!ret)
		ret = pan_client_work_all(&client);
	if (!ret) {
		heap.vm_id = client.ctx[0].vm;
		ret = PAN_IOCTL(client.dev.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &heap);
	}
	if (!ret)
		ret = pan_write_file("/proc/self/make-it-fail", "1");
	if (ret)
		return 1;
	*ready = 1;
	for (;;)
		pause();
}

TEST_F_TIMEOUT(exit, without_any_memory, 200)
{
	uint64_t size, resident;
	pid_t pid;

	pid = pan_spawn(client_main, (void *)self->ready);
	ASSERT_LT(0, pid);
	ASSERT_OK(pan_wait_word(self->ready, 1, ROOM_BOUND_MS));
	ASSERT_OK(pan_gems_totals(&self->dev, &size, &resident));
	ASSERT_LE(self->bytes + MIB * PAN_MIB, size);

	ASSERT_OK(set_up(FAILSLAB, 100));
	ASSERT_OK(set_up(FAIL_PAGES, 100));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, pan_join(pid, pan_now_ms() + ROOM_BOUND_MS));
	EXPECT_OK(pan_write_u64(FAILSLAB "/probability", 0));
	EXPECT_OK(pan_write_u64(FAIL_PAGES "/probability", 0));
	EXPECT_OK(room_wait_gems(&self->dev, self->bytes));
}

TEST_HARNESS_MAIN
