// SPDX-License-Identifier: GPL-2.0
/*
 * Tiler heaps that grow while memory is short: the firmware is told at once that
 * there is none, and has what was tiled rendered before it goes on.
 */
#include <inttypes.h>

#include "lib/pan_cgroup.h"
#include "room_common.h"

#define CHUNK		(8u << 20)
#define INITIAL		2
#define MAX_CHUNKS	16

/* Words of the page of flags; a tiler context is 128 bytes on a 64 byte boundary. */
#define DONE_FLAG	0
#define HANDLED_FLAG	1
#define SECOND_DONE_FLAG	2
#define TILER		512
#define SECOND_TILER	576

FIXTURE(heap)
{
	struct pan_client client;
	struct drm_panthor_tiler_heap_create heap;
	struct room_client *rc;
	struct pan_cgroup cg;
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
	if (pan_cgroup_create(&self->cg, "heap"))
		SKIP(return, "no memory cgroup (v2)");
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
		.max_chunks = MAX_CHUNKS,
		.target_in_flight = 4,
	};
}

FIXTURE_TEARDOWN(heap)
{
	const struct pan_cgroup root = { .path = "/sys/fs/cgroup" };

	room_client_stop(self->rc);
	pan_shared_free(self->rc, sizeof(*self->rc));
	pan_gate_fini(&self->gate);
	pan_client_fini(&self->client);
	EXPECT_OK(pan_cgroup_enter(&root, 0));
	pan_cgroup_remove(&self->cg);
	EXPECT_EQ(self->oom_kills, pan_vmstat("oom_kill"));
}

static int create(struct pan_dev *dev, struct drm_panthor_tiler_heap_create *heap)
{
	return PAN_IOCTL(dev->fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, heap);
}

/* A draw of @tiler that needs @chunks, appended to the stream. */
static void emit_draw(struct pan_cs *cs, const struct drm_panthor_tiler_heap_create *heap,
		      uint32_t tiler, uint32_t chunks, uint32_t done)
{
	pan_cs_heap_set(cs, heap->tiler_heap_ctx_gpu_va);
	pan_cs_heap_operation(cs, PAN_HEAP_TILING_STARTED);
	pan_cs_draw(cs, pan_flag_va(tiler), (chunks * CHUNK - 4096) / PAN_VERTEX_BYTES);
	pan_cs_finish_tiling(cs);
	pan_cs_heap_operation(cs, PAN_HEAP_TILING_FINISHED);
	pan_cs_finish_fragment(cs, pan_flag_va(tiler));
	pan_cs_store32(cs, pan_flag_va(done), 1);
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
	pan_tiler_init((void *)pan_flag(ctx, TILER), pan_flag_va(TILER),
		       heap->first_heap_chunk_gpu_va, heap->chunk_size);
	pan_cs_incremental_render(cs, pan_flag_va(TILER));
	pan_cs_increment(cs, pan_flag_va(HANDLED_FLAG), 1);
	size = pan_cs_size(cs);

	cs = pan_ctx_append(ctx, 0);
	pan_cs_set_oom_handler(cs, handler, handle ? size : 0);
	emit_draw(cs, heap, TILER, INITIAL + 1, DONE_FLAG);
}

/* The same without a handler, as a stream of its own, from the chunks that are back. */
static void draw_again(struct pan_ctx *ctx, const struct drm_panthor_tiler_heap_create *heap)
{
	volatile uint64_t *tiler = (void *)pan_flag(ctx, SECOND_TILER);
	struct pan_cs *cs = pan_ctx_append(ctx, 0);

	*pan_flag(ctx, SECOND_DONE_FLAG) = 0;
	pan_tiler_init((void *)tiler, pan_flag_va(SECOND_TILER), 0, 0);
	tiler[10] = 0;
	pan_cs_set_oom_handler(cs, 0, 0);
	emit_draw(cs, heap, SECOND_TILER, INITIAL + 1, SECOND_DONE_FLAG);
}

TEST_F_TIMEOUT(heap, renders_incrementally_when_memory_is_short, 300)
{
	struct pan_client *client = &self->client;
	struct pan_ctx *ctx = &client->ctx[0];
	struct drm_panthor_group_get_state state;
	struct drm_panthor_sync_op wait;
	uint64_t current;
	char text[32];
	int64_t refused;

	/* Nothing but this test's own memory moves in a cgroup with a limit. */
	ASSERT_OK(pan_cgroup_enter(&self->cg, 0));
	ASSERT_OK(create(&client->dev, &self->heap));
	draw(ctx, &self->heap, true);
	wait = pan_sync_wait(self->gate.syncobj);
	ASSERT_OK(pan_ctx_submit_syncs(ctx, 0, &wait, 1));
	draw_again(ctx, &self->heap);
	ASSERT_OK(pan_ctx_submit_syncs(ctx, 0, &wait, 1));
	ASSERT_OK(pan_cgroup_read(&self->cg, "memory.current", &current));
	ASSERT_LE(INITIAL * CHUNK, current);
	snprintf(text, sizeof(text), "%" PRIu64, current);
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.max", text));

	/* The second job has no handler, so it fails. That is not the end of its group. */
	refused = engine_stat(&client->dev, "room_nowait_failures");
	ASSERT_OK(pan_gate_open(&self->gate));
	EXPECT_NE(0, pan_ctx_wait(ctx, 0));
	EXPECT_EQ(1, *pan_flag(ctx, DONE_FLAG));
	EXPECT_EQ(1, *pan_flag(ctx, HANDLED_FLAG));
	EXPECT_EQ(0, *pan_flag(ctx, SECOND_DONE_FLAG));
	EXPECT_EQ(refused + 2, engine_stat(&client->dev, "room_nowait_failures"));
	ASSERT_OK(pan_group_state(ctx->dev, ctx->group, &state));
	EXPECT_EQ(0, state.state);
	EXPECT_EQ(0, pan_cgroup_key(&self->cg, "memory.events", "oom_kill"));
	ASSERT_OK(pan_cgroup_write(&self->cg, "memory.max", "max"));

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

/*
 * Fills memory with clean page cache: reads a block device until less than a chunk is
 * free. kswapd may keep more than that free; memory is full all the same when more has
 * been read than was free.
 */
static int fill_page_cache(void)
{
	static char buf[1 << 20];
	uint64_t full, bytes = 0;
	char device[128];
	ssize_t got;
	int fd, ret;

	ret = pan_swap_area(device, sizeof(device));
	if (ret)
		return ret;
	fd = open(device, O_RDONLY);
	if (fd < 0)
		return -errno;
	full = pan_meminfo_pages("MemFree") * PAN_PAGE;
	while (!ret && pan_meminfo_pages("MemFree") > CHUNK / PAN_PAGE) {
		got = read(fd, buf, sizeof(buf));
		if (got > 0)
			bytes += got;
		else if (got < 0)
			ret = -errno;
		else if (bytes < full)
			ret = -ENOSPC;
		else
			break;
	}
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
