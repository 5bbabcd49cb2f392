// SPDX-License-Identifier: GPL-2.0
/*
 * Signals that come while memory is waited for, as the kernel's interface shows
 * them: system calls are made as they are, not by the library, which makes them
 * again.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "room_common.h"

#define BIND_VA		0x200000000ull
#define SMALL		(64ull << 10)

/* A kernel that does not spin makes a few visits; one that does makes 100,000 a second. */
#define MAX_INTERRUPTED	200

static volatile sig_atomic_t alarms;

static void count_alarm(int sig)
{
	(void)sig;
	alarms++;
}

/* Somebody else's memory is in use until a gate opens, in a process of its own. */
struct holder {
	uint32_t mib;
	uint32_t open_after_ms;
	volatile uint32_t held;
	volatile int32_t result;
	pid_t pid;
};

static int holder_main(void *arg)
{
	struct holder *holder = arg;
	struct pan_client client;
	struct pan_gate gate;
	int ret;

	ret = pan_client_init(&client, 90, 1);
	if (!ret)
		ret = pan_client_add_mib(&client, 0, holder->mib, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_work(&client, 0);
	if (!ret)
		ret = pan_gate_init(&gate, &client.dev);
	if (!ret)
		ret = room_block(&client.ctx[0], &gate);
	holder->result = ret;
	holder->held = 1;
	if (ret)
		return 1;
	pan_sleep_ms(holder->open_after_ms);
	ret = pan_gate_open(&gate);
	if (!ret)
		ret = pan_ctx_wait(&client.ctx[0], 0);
	if (!ret)
		ret = pan_client_check_all(&client);
	holder->result = ret;
	pan_gate_fini(&gate);
	pan_client_fini(&client);
	return ret ? 1 : 0;
}

FIXTURE(signals)
{
	struct pan_client client;
	struct holder *holder;
	struct sigaction old;
	uint32_t mib;
	uint64_t oom_kills;
};

FIXTURE_SETUP(signals)
{
	struct pan_gate gate;
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	ROOM_NEEDS(&dev);
	ROOM_NEEDS_GATE(&gate, &dev);
	pan_gate_fini(&gate);
	pan_close(&dev);
	self->holder = pan_shared_alloc(sizeof(*self->holder));
	ASSERT_NE(NULL, self->holder);
	pan_be_expendable();
	pan_drop_caches();
	alarms = 0;
	sigaction(SIGALRM, NULL, &self->old);
	self->mib = room_available_mib();
	self->oom_kills = pan_vmstat("oom_kill");
	ASSERT_OK(pan_client_init(&self->client, 91, 1));
}

FIXTURE_TEARDOWN(signals)
{
	struct itimerval off = {};

	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &self->old, NULL);
	if (self->holder->pid > 0)
		pan_join(self->holder->pid, pan_now_ms() + ROOM_BOUND_MS);
	pan_shared_free(self->holder, sizeof(*self->holder));
	pan_client_fini(&self->client);
	EXPECT_EQ(self->oom_kills, pan_vmstat("oom_kill"));
}

static int hold(struct holder *holder, uint32_t mib, uint32_t open_after_ms)
{
	int ret;

	holder->mib = mib;
	holder->open_after_ms = open_after_ms;
	holder->pid = pan_spawn(holder_main, holder);
	if (holder->pid < 0)
		return holder->pid;
	ret = pan_wait_word(&holder->held, 1, ROOM_BOUND_MS);
	return ret ? ret : holder->result;
}

static int joined(struct holder *holder)
{
	pid_t pid = holder->pid;

	holder->pid = 0;
	return pan_join(pid, pan_now_ms() + ROOM_BOUND_MS);
}

static void start_alarms(bool restart, uint32_t first_us, uint32_t every_us)
{
	struct sigaction sa = {
		.sa_handler = count_alarm,
		.sa_flags = restart ? SA_RESTART : 0,
	};
	struct itimerval timer = {
		.it_value.tv_usec = first_us,
		.it_interval.tv_usec = every_us,
	};

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void stop_alarms(void)
{
	struct itimerval off = {};

	setitimer(ITIMER_REAL, &off, NULL);
}

struct bind {
	struct drm_panthor_vm_bind_op ops[4];
	struct drm_panthor_vm_bind args;
	uint32_t count;
};

static void bind_prepare(struct bind *bind, struct pan_ctx *ctx, uint32_t bo, uint64_t size,
			 uint32_t count)
{
	memset(bind, 0, sizeof(*bind));
	for (uint32_t i = 0; i < count; i++) {
		bind->ops[i] = (struct drm_panthor_vm_bind_op) {
			.flags = PAN_MAP_RW,
			.bo_handle = bo,
			.va = BIND_VA + i * 0x100000000ull,
			.size = size,
		};
	}
	bind->count = count;
	bind->args = (struct drm_panthor_vm_bind) {
		.vm_id = ctx->vm,
		.ops = DRM_PANTHOR_OBJ_ARRAY(count, bind->ops),
	};
}

static int bind_once(struct bind *bind, struct pan_ctx *ctx)
{
	return ioctl(ctx->dev->fd, DRM_IOCTL_PANTHOR_VM_BIND, &bind->args) ? -errno : 0;
}

/* A GPU store through each of the mappings, which faults where nothing is bound. */
static int store_through(struct bind *bind, struct pan_ctx *ctx)
{
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);

	for (uint32_t i = 0; i < bind->count; i++)
		pan_cs_store32(cs, bind->ops[i].va, 0x600d + i);
	return pan_ctx_run(ctx, 0);
}

/* The signal comes while memory for the BO is waited for. */
static void interrupted_bind(struct __test_metadata *_metadata, FIXTURE_DATA(signals) *self,
			     bool restart)
{
	struct pan_ctx *ctx = &self->client.ctx[0];
	uint64_t size = (uint64_t)(self->mib / 4) * PAN_MIB;
	struct bind bind;
	uint32_t bo;
	int ret;

	ASSERT_OK(pan_bo_create(&self->client.dev, size, 0, ctx->vm, &bo));
	ASSERT_OK(hold(self->holder, self->mib * 85 / 100, 1500));
	bind_prepare(&bind, ctx, bo, size, 1);
	start_alarms(restart, 200000, 0);
	ret = bind_once(&bind, ctx);
	if (!restart && ret == -EINTR) {
		EXPECT_EQ(1, bind.args.ops.count);
		ret = bind_once(&bind, ctx);
	}
	stop_alarms();
	EXPECT_OK(ret);
	EXPECT_EQ(1, alarms);
	EXPECT_EQ(1, bind.args.ops.count);
	EXPECT_OK(store_through(&bind, ctx));
	EXPECT_OK(joined(self->holder));
	EXPECT_OK(self->holder->result);
	EXPECT_OK(pan_bo_close(&self->client.dev, bo));
}

TEST_F_TIMEOUT(signals, bind_without_restart, 300)
{
	interrupted_bind(_metadata, self, false);
}

TEST_F_TIMEOUT(signals, bind_with_restart, 300)
{
	interrupted_bind(_metadata, self, true);
}

struct contender {
	struct pan_ctx *ctx;
	volatile uint32_t *stop;
};

/* Takes the VM's resv again and again. */
static int contend_main(void *arg)
{
	struct contender *contender = arg;
	struct pan_ctx *ctx = contender->ctx;

	while (!*contender->stop) {
		pan_cs_nop(pan_ctx_begin(ctx, 0));
		if (pan_ctx_submit(ctx, 0) || pan_ctx_wait(ctx, 0))
			return 1;
	}
	return 0;
}

/* Memory is plentiful, the VM's resv is contended, and signals come all the time. */
TEST_F_TIMEOUT(signals, bind_while_the_resv_is_contended, 300)
{
	struct pan_ctx *ctx = &self->client.ctx[0];
	volatile uint32_t *stop = pan_shared_alloc(sizeof(*stop));
	struct contender contender = { .ctx = ctx, .stop = stop };
	uint32_t interrupted = 0, rounds, i;
	struct bind bind;
	pid_t pid;

	ASSERT_NE(NULL, stop);
	rounds = pan_rounds(2000, 400);
	pid = pan_spawn(contend_main, &contender);
	ASSERT_LT(0, pid);
	start_alarms(false, 1000, 1000);
	for (i = 0; i < rounds; i++) {
		uint32_t bo;
		int ret;

		ASSERT_OK(pan_bo_create(&self->client.dev, SMALL, 0, ctx->vm, &bo));
		bind_prepare(&bind, ctx, bo, SMALL, 4);
		while ((ret = bind_once(&bind, ctx)) == -EINTR) {
			ASSERT_EQ(4, bind.args.ops.count);
			interrupted++;
		}
		ASSERT_OK(ret);
		ASSERT_EQ(4, bind.args.ops.count);
		for (uint32_t j = 0; j < 4; j++)
			ASSERT_OK(pan_vm_unmap(&self->client.dev, ctx->vm, bind.ops[j].va, SMALL));
		ASSERT_OK(pan_bo_close(&self->client.dev, bo));
	}
	stop_alarms();
	*stop = 1;
	EXPECT_OK(pan_join(pid, pan_now_ms() + ROOM_BOUND_MS));
	EXPECT_LT(0, alarms);
	TH_LOG("%u of %u calls were interrupted, %d signals", interrupted, rounds, (int)alarms);
	pan_shared_free((void *)stop, sizeof(*stop));
}

/* A BO without pages that the CPU is about to touch for the first time. */
static void *map_absent(struct pan_client *client, uint64_t size, uint32_t *bo)
{
	struct pan_ctx *ctx = &client->ctx[0];

	if (pan_bo_create(&client->dev, size, DRM_PANTHOR_BO_WB_MMAP, ctx->vm, bo))
		return NULL;
	return pan_bo_mmap(&client->dev, *bo, size);
}

static int read_zeros(void *map)
{
	int fd = open("/dev/zero", O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, map, 4096);
	} while (n < 0 && errno == EINTR);
	close(fd);
	return n == 4096 ? 0 : -EIO;
}

/* The kernel writes to the BO, with a signal pending, while memory is waited for. */
TEST_F_TIMEOUT(signals, fault_of_the_kernel, 300)
{
	uint64_t size = (uint64_t)(self->mib / 4) * PAN_MIB;
	int64_t interrupted, turns;
	uint32_t bo;
	void *map;

	map = map_absent(&self->client, size, &bo);
	ASSERT_NE(NULL, map);
	ASSERT_OK(hold(self->holder, self->mib * 85 / 100, 1500));
	interrupted = engine_stat(&self->client.dev, "room_interrupted");
	turns = engine_stat(&self->client.dev, "room_turns");
	start_alarms(true, 100000, 10000);
	EXPECT_OK(read_zeros(map));
	stop_alarms();
	EXPECT_LT(0, alarms);
	EXPECT_GT(interrupted + MAX_INTERRUPTED,
		  engine_stat(&self->client.dev, "room_interrupted"));
	EXPECT_GT(turns + MAX_INTERRUPTED, engine_stat(&self->client.dev, "room_turns"));
	EXPECT_OK(joined(self->holder));
	EXPECT_OK(self->holder->result);
	munmap(map, size);
	EXPECT_OK(pan_bo_close(&self->client.dev, bo));
}

/* The same for a program that reads the BO: it gets the signal, and then its page. */
TEST_F_TIMEOUT(signals, fault_of_a_program, 300)
{
	uint64_t size = (uint64_t)(self->mib / 4) * PAN_MIB;
	int64_t interrupted;
	uint32_t bo;
	volatile uint32_t *map;

	map = map_absent(&self->client, size, &bo);
	ASSERT_NE(NULL, (void *)map);
	ASSERT_OK(hold(self->holder, self->mib * 85 / 100, 1500));
	interrupted = engine_stat(&self->client.dev, "room_interrupted");
	start_alarms(true, 100000, 10000);
	EXPECT_EQ(0, map[0]);
	stop_alarms();
	EXPECT_LT(0, alarms);
	EXPECT_GT(interrupted + MAX_INTERRUPTED,
		  engine_stat(&self->client.dev, "room_interrupted"));
	EXPECT_OK(joined(self->holder));
	EXPECT_OK(self->holder->result);
	munmap((void *)map, size);
	EXPECT_OK(pan_bo_close(&self->client.dev, bo));
}

struct reader {
	uint32_t mib;
	uint32_t started;
};

static int reader_main(void *arg)
{
	struct reader *reader = arg;
	uint64_t size = (uint64_t)reader->mib * PAN_MIB;
	struct pan_client client;
	uint32_t bo;
	void *map;

	if (pan_client_init(&client, 92, 1))
		return 1;
	map = map_absent(&client, size, &bo);
	if (!map)
		return 2;
	start_alarms(true, 50000, 10000);
	reader->started = 1;
	return read_zeros(map) ? 3 : 0;
}

/* A fatal signal ends the wait although others are pending. */
TEST_F_TIMEOUT(signals, fault_of_the_kernel_is_killable, 300)
{
	struct reader *reader = pan_shared_alloc(sizeof(*reader));
	int64_t waits;
	pid_t pid;

	ASSERT_NE(NULL, reader);
	reader->mib = self->mib / 4;
	ASSERT_OK(hold(self->holder, self->mib * 85 / 100, 4000));
	waits = engine_stat(&self->client.dev, "room_waits");
	pid = pan_spawn(reader_main, reader);
	ASSERT_LT(0, pid);
	ASSERT_OK(room_wait_until_waiting(&self->client.dev, waits));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, pan_join(pid, pan_now_ms() + ROOM_BOUND_MS));

	/* It did not take the end of the job. */
	EXPECT_EQ(1, self->holder->held);
	EXPECT_EQ(0, waitpid(self->holder->pid, NULL, WNOHANG));
	EXPECT_OK(joined(self->holder));
	EXPECT_OK(self->holder->result);
	pan_shared_free(reader, sizeof(*reader));
}

TEST_HARNESS_MAIN
