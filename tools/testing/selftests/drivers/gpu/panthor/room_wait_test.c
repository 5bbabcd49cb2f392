// SPDX-License-Identifier: GPL-2.0
/*
 * Who waits for room can be killed and interrupted, and gets it when a client
 * that has hung is dealt with.
 */
#include <sys/ioctl.h>

#include "room_common.h"

/* A word of the holder's page of flags. */
#define SPIN_FLAG	68

enum holder_job {
	JOB_BLOCKED,	/* waits for a fence: no time limit, the GPU is free */
	JOB_ENDLESS,	/* never ends: the driver's time limit does that */
};

/**
 * struct holder - A client whose memory is in use for as long as the test likes
 * @job: what uses it
 * @mib: MiB it has
 * @state: 1 when it has done its work, 2 when the job was submitted
 * @go: set by the test to have the job submitted
 * @stop: set by the test to have it end
 * @result: how the job ended
 * @failed: error of anything else
 * @bad_words: words that were wrong at the end
 * @pid: the process
 */
struct holder {
	enum holder_job job;
	uint32_t mib;
	volatile uint32_t state;
	volatile uint32_t go;
	volatile uint32_t stop;
	volatile int32_t result;
	volatile int32_t failed;
	volatile uint64_t bad_words;
	pid_t pid;
};

FIXTURE(wait)
{
	struct pan_dev dev;
	struct holder *holder;
	struct room_client *rc;
	uint32_t mib;
	int64_t failures;
	int64_t interrupted;
	uint64_t oom_kills;
};

FIXTURE_SETUP(wait)
{
	struct pan_gate gate;

	PAN_OPEN_OR_SKIP(&self->dev);
	ROOM_NEEDS(&self->dev);
	ROOM_NEEDS_GATE(&gate, &self->dev);
	pan_gate_fini(&gate);
	self->holder = pan_shared_alloc(sizeof(*self->holder));
	self->rc = pan_shared_alloc(sizeof(*self->rc));
	ASSERT_NE(NULL, self->holder);
	ASSERT_NE(NULL, self->rc);
	pan_be_expendable();
	pan_drop_caches();
	self->mib = room_available_mib() * 6 / 10;
	self->failures = engine_stat(&self->dev, "room_failures");
	self->interrupted = engine_stat(&self->dev, "room_interrupted");
	self->oom_kills = pan_vmstat("oom_kill");
}

FIXTURE_TEARDOWN(wait)
{
	struct holder *holder = self->holder;

	pan_model_calm();
	holder->go = 1;
	holder->stop = 1;
	if (holder->pid > 0)
		pan_join(holder->pid, pan_now_ms() + ROOM_BOUND_MS);
	room_client_stop(self->rc);
	EXPECT_EQ(self->failures, engine_stat(&self->dev, "room_failures"));
	EXPECT_EQ(0, engine_stat(&self->dev, "room_promised_pages"));
	EXPECT_EQ(0, engine_stat(&self->dev, "room_queued_pages"));
	EXPECT_EQ(self->oom_kills, pan_vmstat("oom_kill"));
	EXPECT_OK(engine_books(&self->dev));
	pan_shared_free(holder, sizeof(*holder));
	pan_shared_free(self->rc, sizeof(*self->rc));
	pan_close(&self->dev);
}

static int start_job(struct holder *holder, struct pan_ctx *ctx, struct pan_gate *gate)
{
	int ret;

	if (holder->job == JOB_BLOCKED) {
		ret = pan_gate_init(gate, ctx->dev);
		return ret ? ret : room_block(ctx, gate);
	}
	pan_cs_spin_until(pan_ctx_begin(ctx, 0), pan_flag_va(SPIN_FLAG));
	return pan_ctx_submit(ctx, 0);
}

static int hold(struct holder *holder, struct pan_client *client)
{
	struct pan_gate gate = { .timeline = -1 };
	struct pan_ctx *ctx = &client->ctx[0];
	int ret;

	ret = pan_client_add_mib(client, 0, holder->mib, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_work(client, 0);
	if (ret)
		return ret;
	holder->state = 1;
	while (!holder->go)
		pan_sleep_ms(2);
	ret = start_job(holder, ctx, &gate);
	if (ret)
		return ret;
	holder->state = 2;
	while (!holder->stop)
		pan_sleep_ms(2);
	if (holder->job == JOB_BLOCKED)
		ret = pan_gate_open(&gate);
	if (ret)
		return ret;
	holder->result = pan_ctx_wait(ctx, 0);
	ret = pan_client_check_all(client);
	holder->bad_words = client->bad_words;
	pan_gate_fini(&gate);
	return ret;
}

static int holder_main(void *arg)
{
	struct holder *holder = arg;
	struct pan_client client;
	int ret;

	ret = pan_client_init(&client, 51, 1);
	if (!ret) {
		ret = hold(holder, &client);
		pan_client_fini(&client);
	}
	holder->failed = ret;
	holder->state = 3;
	return ret ? 1 : 0;
}

static int holder_start(struct holder *holder, enum holder_job job, uint32_t mib)
{
	holder->job = job;
	holder->mib = mib;
	holder->pid = pan_spawn(holder_main, holder);
	if (holder->pid < 0)
		return holder->pid;
	return pan_wait_word(&holder->state, 1, ROOM_BOUND_MS);
}

static int holder_go(struct holder *holder)
{
	int ret;

	holder->go = 1;
	ret = pan_wait_word(&holder->state, 2, ROOM_BOUND_MS);
	return ret ? ret : holder->failed;
}

static int holder_stop(struct holder *holder)
{
	pid_t pid = holder->pid;

	holder->pid = 0;
	holder->stop = 1;
	return pan_join(pid, pan_now_ms() + ROOM_BOUND_MS);
}

TEST_F_TIMEOUT(wait, killed, 300)
{
	struct room_client *rc = self->rc;
	int64_t waits;

	ASSERT_OK(holder_start(self->holder, JOB_BLOCKED, self->mib));
	*rc = (struct room_client) {
		.id = 52, .vms = 1, .mib = self->mib, .limit = 1, .hold = true,
	};
	ASSERT_OK(room_client_start(rc));
	ASSERT_OK(pan_wait_word(&rc->rounds, 1, ROOM_BOUND_MS));

	/* Now it wants its memory back, which cannot be had. */
	ASSERT_OK(holder_go(self->holder));
	waits = engine_stat(&self->dev, "room_waits");
	rc->limit = 2;
	ASSERT_OK(room_wait_until_waiting(&self->dev, waits));
	EXPECT_EQ(128 + SIGKILL, room_client_kill(rc));
	EXPECT_EQ(1, rc->rounds);
	EXPECT_EQ(self->interrupted + 1, engine_stat(&self->dev, "room_interrupted"));
	EXPECT_EQ(2, self->holder->state);

	/* It has gone with all it had, and nobody was harmed. */
	EXPECT_OK(room_wait_gems(&self->dev, (self->mib + 8) * PAN_MIB));
	EXPECT_OK(holder_stop(self->holder));
	EXPECT_OK(self->holder->failed);
	EXPECT_OK(self->holder->result);
	EXPECT_EQ(0, self->holder->bad_words);
}

static volatile sig_atomic_t interrupts;

static void count_interrupt(int sig)
{
	(void)sig;
	interrupts++;
}

struct nudge {
	const struct pan_dev *dev;
	int64_t waits;
	pid_t whom;
};

static int nudge_main(void *arg)
{
	struct nudge *nudge = arg;
	int ret = room_wait_until_waiting(nudge->dev, nudge->waits);

	kill(nudge->whom, SIGINT);
	return ret ? 1 : 0;
}

/* Both ioctls as they are: the library would make them again. */
static int raw_submit(struct pan_ctx *ctx)
{
	struct drm_panthor_queue_submit job;
	struct drm_panthor_group_submit args = {
		.group_handle = ctx->group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &job),
	};
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);

	pan_cs_store32(cs, pan_flag_va(0), 1);
	job = (struct drm_panthor_queue_submit) {
		.stream_size = pan_cs_size(cs),
		.stream_addr = pan_cs_addr(cs),
	};
	return ioctl(ctx->dev->fd, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args) ? -errno : 0;
}

static int raw_bind(struct pan_ctx *ctx, uint32_t bo, uint64_t size)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = PAN_MAP_RW,
		.bo_handle = bo,
		.va = 0x200000000ull,
		.size = size,
	};
	struct drm_panthor_vm_bind args = {
		.vm_id = ctx->vm,
		.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
	};

	return ioctl(ctx->dev->fd, DRM_IOCTL_PANTHOR_VM_BIND, &args) ? -errno : 0;
}

TEST_F_TIMEOUT(wait, interrupted, 300)
{
	struct sigaction sa = { .sa_handler = count_interrupt }, old;
	struct nudge nudge = { .dev = &self->dev, .whom = getpid() };
	struct pan_client client;
	struct pan_ctx *ctx;
	uint32_t bo;
	pid_t pid;

	ASSERT_OK(holder_start(self->holder, JOB_BLOCKED, self->mib));
	ASSERT_OK(pan_client_init(&client, 53, 1));
	ctx = &client.ctx[0];
	ASSERT_OK(pan_client_add_mib(&client, 0, self->mib, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(&client, 0));
	ASSERT_OK(holder_go(self->holder));
	ASSERT_OK(sigaction(SIGINT, &sa, &old));

	nudge.waits = engine_stat(&self->dev, "room_waits");
	pid = pan_spawn(nudge_main, &nudge);
	ASSERT_LT(0, pid);
	EXPECT_EQ(-EINTR, raw_submit(ctx));
	EXPECT_EQ(1, interrupts);
	EXPECT_OK(pan_join(pid, pan_now_ms() + ROOM_BOUND_MS));

	ASSERT_OK(pan_bo_create(&client.dev, self->mib * PAN_MIB, 0, ctx->vm, &bo));
	nudge.waits = engine_stat(&self->dev, "room_waits");
	pid = pan_spawn(nudge_main, &nudge);
	ASSERT_LT(0, pid);
	EXPECT_EQ(-EINTR, raw_bind(ctx, bo, self->mib * PAN_MIB));
	EXPECT_EQ(2, interrupts);
	EXPECT_OK(pan_join(pid, pan_now_ms() + ROOM_BOUND_MS));
	EXPECT_OK(pan_bo_close(&client.dev, bo));
	sigaction(SIGINT, &old, NULL);

	EXPECT_EQ(self->interrupted + 2, engine_stat(&self->dev, "room_interrupted"));
	EXPECT_EQ(2, self->holder->state);
	EXPECT_OK(holder_stop(self->holder));
	EXPECT_OK(self->holder->failed);
	EXPECT_OK(self->holder->result);
	EXPECT_EQ(0, self->holder->bad_words);

	/* As if nothing had happened. */
	EXPECT_OK(pan_client_work(&client, 0));
	EXPECT_OK(pan_client_check_all(&client));
	EXPECT_EQ(0, client.bad_words);
	pan_client_fini(&client);
}

/* Somebody waits for the memory of a client that has hung. */
static void wait_for_hung(struct __test_metadata *_metadata, FIXTURE_DATA(wait) *self,
			  const char *injection)
{
	struct room_client *rc = self->rc;
	int64_t waits;

	ASSERT_OK(holder_start(self->holder, JOB_ENDLESS, self->mib));
	*rc = (struct room_client) {
		.id = 54, .vms = 1, .mib = self->mib, .limit = 1, .hold = true,
		.resilient = injection,
	};
	ASSERT_OK(room_client_start(rc));
	ASSERT_OK(pan_wait_word(&rc->rounds, 1, ROOM_BOUND_MS));

	waits = engine_stat(&self->dev, "room_waits");
	ASSERT_OK(holder_go(self->holder));
	if (injection)
		ASSERT_OK(pan_model_inject(injection, 1));
	rc->limit = 3;
	EXPECT_OK(room_wait_until_waiting(&self->dev, waits));
	EXPECT_OK(pan_wait_word(&rc->rounds, 3, ROOM_BOUND_MS));
	EXPECT_OK(room_client_stop(rc));
	EXPECT_OK(rc->result);
	EXPECT_EQ(0, rc->enomem);
	EXPECT_EQ(0, rc->bad_words);

	/* The job is lost, the memory of who had it is not. */
	EXPECT_OK(holder_stop(self->holder));
	EXPECT_OK(self->holder->failed);
	EXPECT_GT(0, self->holder->result);
	EXPECT_EQ(0, self->holder->bad_words);
}

TEST_F_TIMEOUT(wait, for_a_job_that_never_ends, 300)
{
	wait_for_hung(_metadata, self, NULL);
}

TEST_F_TIMEOUT(wait, for_a_gpu_that_hangs, 300)
{
	uint64_t resets = pan_model_count("resets");

	PAN_NEEDS_INJECTION("mcu_hang");
	wait_for_hung(_metadata, self, "mcu_hang");
	EXPECT_LT(resets, pan_model_count("resets"));
}

TEST_HARNESS_MAIN
