// SPDX-License-Identifier: GPL-2.0
/*
 * Tiler heaps that grow while memory is short: the firmware is told at once that
 * there is none, and has what was tiled rendered before it goes on.
 */
#include "room_common.h"

#define CHUNK		(8u << 20)
#define INITIAL		2

/* No more than that, lest what the driver leaves to others is asked for. */
#define STEP		(128u << 10)

/* Words of the page of flags; the tiler context is 128 bytes on a 64 byte boundary. */
#define DONE_FLAG	0
#define HANDLED_FLAG	1
#define TILER		512
#define TILER_VA	pan_flag_va(TILER)

FIXTURE(heap)
{
	struct pan_client client;
	struct drm_panthor_tiler_heap_create heap;
	struct room_client *rc;
	struct pan_gate gate;
	uint64_t oom_kills;
};

FIXTURE_SETUP(heap)
{
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	ROOM_NEEDS(&dev);
	pan_close(&dev);
	PAN_NEEDS_MODEL();
	self->gate.timeline = -1;
	pan_be_expendable();
	pan_drop_caches();
	self->rc = pan_shared_alloc(sizeof(*self->rc));
	ASSERT_NE(NULL, self->rc);
	self->oom_kills = pan_vmstat("oom_kill");
	ASSERT_OK(pan_client_init(&self->client, 80, 1));
	ROOM_NEEDS_GATE(&self->gate, &self->client.dev);
	self->heap = (struct drm_panthor_tiler_heap_create) {
		.vm_id = self->client.ctx[0].vm,
		.initial_chunk_count = INITIAL,
		.chunk_size = CHUNK,
		.max_chunks = 16,
		.target_in_flight = 4,
	};
}

FIXTURE_TEARDOWN(heap)
{
	room_client_stop(self->rc);
	pan_shared_free(self->rc, sizeof(*self->rc));
	pan_gate_fini(&self->gate);
	pan_client_fini(&self->client);
	EXPECT_EQ(self->oom_kills, pan_vmstat("oom_kill"));
}

static int create(struct pan_dev *dev, struct drm_panthor_tiler_heap_create *heap)
{
	return PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, heap);
}

/* A handler, and a draw for which one chunk more is needed than there are at first. */
static void draw(struct pan_ctx *ctx, const struct drm_panthor_tiler_heap_create *heap,
		 bool handle)
{
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);
	uint64_t handler = pan_cs_addr(cs);
	uint32_t size;

	*pan_flag(ctx, DONE_FLAG) = 0;
	*pan_flag(ctx, HANDLED_FLAG) = 0;
	pan_tiler_init((void *)pan_flag(ctx, TILER), TILER_VA, heap->first_heap_chunk_gpu_va,
		       heap->chunk_size);
	pan_cs_incremental_render(cs, TILER_VA);
	pan_cs_increment(cs, pan_flag_va(HANDLED_FLAG), 1);
	size = pan_cs_size(cs);

	cs = pan_ctx_append(ctx, 0);
	pan_cs_set_oom_handler(cs, handler, handle ? size : 0);
	pan_cs_heap_set(cs, heap->tiler_heap_ctx_gpu_va);
	pan_cs_heap_operation(cs, PAN_HEAP_TILING_STARTED);
	pan_cs_draw(cs, TILER_VA, ((INITIAL + 1) * CHUNK - 4096) / PAN_VERTEX_BYTES);
	pan_cs_finish_tiling(cs);
	pan_cs_heap_operation(cs, PAN_HEAP_TILING_FINISHED);
	pan_cs_finish_fragment(cs, TILER_VA);
	pan_cs_store32(cs, pan_flag_va(DONE_FLAG), 1);
}

TEST_F_TIMEOUT(heap, renders_incrementally_when_memory_is_short, 300)
{
	struct pan_client *client = &self->client, hold;
	struct pan_gate gate;
	struct pan_ctx *ctx = &client->ctx[0];
	int64_t refused = engine_stat(&client->dev, "room_nowait_failures");
	uint32_t total_mib = pan_meminfo_pages("MemTotal") / 256, i;
	struct drm_panthor_group_get_state state;
	struct drm_panthor_sync_op wait;
	int ret;

	ASSERT_OK(create(&client->dev, &self->heap));
	draw(ctx, &self->heap, true);
	wait = pan_sync_wait(self->gate.syncobj);
	ASSERT_OK(pan_ctx_submit_syncs(ctx, 0, &wait, 1));

	/*
	 * Memory that is in use, until there is less left than a chunk needs. Jobs
	 * come first: BOs of an idle VM would make room for others.
	 */
	ASSERT_OK(pan_client_init(&hold, 81, 1));
	ASSERT_OK(pan_gate_init(&gate, &hold.dev));
	ASSERT_OK(room_block(&hold.ctx[0], &gate));
	for (i = 0; i < 2 * total_mib; i++) {
		uint64_t available = pan_meminfo_pages("MemAvailable") * PAN_PAGE;

		if (available < CHUNK)
			break;
		ASSERT_OK(pan_client_add(&hold, 0, available < 2 * CHUNK ? STEP : PAN_MIB,
					 PAN_BUF_PRIVATE));
	}
	ASSERT_GT(CHUNK / PAN_PAGE, pan_meminfo_pages("MemAvailable"));

	ASSERT_OK(pan_gate_open(&self->gate));
	EXPECT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_EQ(1, *pan_flag(ctx, DONE_FLAG));
	EXPECT_EQ(1, *pan_flag(ctx, HANDLED_FLAG));
	EXPECT_LT(refused, engine_stat(&client->dev, "room_nowait_failures"));

	/*
	 * The same without a handler: the job fails exactly if a chunk is refused,
	 * which is not the end of its group.
	 */
	refused = engine_stat(&client->dev, "room_nowait_failures");
	draw(ctx, &self->heap, false);
	pan_tiler_init((void *)pan_flag(ctx, TILER), TILER_VA, 0, 0);
	((volatile uint64_t *)pan_flag(ctx, TILER))[10] = 0;
	ASSERT_OK(pan_ctx_submit(ctx, 0));
	ret = pan_ctx_wait(ctx, 0);
	refused = engine_stat(&client->dev, "room_nowait_failures") - refused;
	EXPECT_EQ(!refused, !ret);
	EXPECT_EQ(!refused, *pan_flag(ctx, DONE_FLAG));
	ASSERT_OK(pan_group_state(ctx->dev, ctx->group, &state));
	EXPECT_EQ(0, state.state);
	ASSERT_OK(pan_gate_open(&gate));
	ASSERT_OK(pan_ctx_wait(&hold.ctx[0], 0));
	pan_gate_fini(&gate);
	pan_client_fini(&hold);

	/* With memory it grows, and nobody has to handle anything. */
	ASSERT_OK(create(&client->dev, &self->heap));
	refused = engine_stat(&client->dev, "room_nowait_failures");
	draw(ctx, &self->heap, true);
	EXPECT_OK(pan_ctx_run(ctx, 0));
	EXPECT_EQ(1, *pan_flag(ctx, DONE_FLAG));
	EXPECT_EQ(0, *pan_flag(ctx, HANDLED_FLAG));
	EXPECT_EQ(refused, engine_stat(&client->dev, "room_nowait_failures"));
	ASSERT_OK(pan_group_state(ctx->dev, ctx->group, &state));
	EXPECT_EQ(0, state.state);
	EXPECT_OK(engine_books(&client->dev));
}

/* Somebody waits for this client's memory, and thus for its job; that needs a chunk. */
TEST_F_TIMEOUT(heap, grows_while_its_memory_is_waited_for, 300)
{
	uint32_t mib = room_available_mib() * 6 / 10;
	struct pan_client *client = &self->client;
	struct pan_ctx *ctx = &client->ctx[0];
	struct room_client *rc = self->rc;
	struct drm_panthor_sync_op wait;
	int64_t waits, failures;

	*rc = (struct room_client) {
		.id = 82, .vms = 1, .mib = mib, .limit = 1, .hold = true,
	};
	ASSERT_OK(room_client_start(rc));
	ASSERT_OK(pan_wait_word(&rc->rounds, 1, ROOM_BOUND_MS));
	ASSERT_OK(pan_client_add_mib(client, 0, mib, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(client, 0));
	ASSERT_OK(create(&client->dev, &self->heap));

	draw(ctx, &self->heap, true);
	wait = pan_sync_wait(self->gate.syncobj);
	ASSERT_OK(pan_ctx_submit_syncs(ctx, 0, &wait, 1));
	failures = engine_stat(&client->dev, "room_failures");
	waits = engine_stat(&client->dev, "room_waits");
	rc->limit = 3;
	EXPECT_OK(room_wait_until_waiting(&client->dev, waits));
	EXPECT_OK(pan_gate_open(&self->gate));
	EXPECT_OK(pan_ctx_wait(ctx, 0));
	EXPECT_EQ(1, *pan_flag(ctx, DONE_FLAG));

	EXPECT_OK(pan_wait_word(&rc->rounds, 3, ROOM_BOUND_MS));
	EXPECT_OK(room_client_stop(rc));
	EXPECT_OK(rc->result);
	EXPECT_EQ(0, rc->enomem);
	EXPECT_EQ(0, rc->bad_words);
	EXPECT_EQ(failures, engine_stat(&client->dev, "room_failures"));
	EXPECT_OK(pan_client_work(client, 0));
	EXPECT_OK(pan_client_check_all(client));
	EXPECT_EQ(0, client->bad_words);
	EXPECT_OK(engine_books(&client->dev));
}

/* Reads a block device until hardly anything is free but what is clean page cache. */
static int fill_page_cache(void)
{
	static char buf[1 << 20];
	char device[128];
	int fd, ret = 0;

	ret = pan_swap_area(device, sizeof(device));
	if (ret)
		return ret;
	fd = open(device, O_RDONLY);
	if (fd < 0)
		return -errno;
	while (!ret && pan_meminfo_pages("MemFree") > CHUNK / PAN_PAGE)
		ret = read(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf) ? 0 : -EIO;
	close(fd);
	return ret;
}

/* Clean page cache is memory: nobody has to handle anything. */
TEST_F_TIMEOUT(heap, grows_into_clean_page_cache, 300)
{
	struct pan_client *client = &self->client;
	struct pan_ctx *ctx = &client->ctx[0];
	char device[128];

	if (pan_swap_area(device, sizeof(device)))
		SKIP(return, "not one swap area on a block device");
	for (uint32_t i = 0; i < 5; i++) {
		ASSERT_OK(create(&client->dev, &self->heap));
		ASSERT_OK(fill_page_cache());
		draw(ctx, &self->heap, false);
		EXPECT_OK(pan_ctx_run(ctx, 0));
		EXPECT_EQ(1, *pan_flag(ctx, DONE_FLAG));
	}
	pan_drop_caches();
}

TEST_HARNESS_MAIN
