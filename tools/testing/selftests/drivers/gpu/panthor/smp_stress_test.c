// SPDX-License-Identifier: GPL-2.0
/*
 * Reclaim, jobs, binds and faults at once on several CPUs: every process does a
 * fixed number of operations, and every word of every buffer is verified.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/pan_cgroup.h"
#include "lib/pan_client.h"
#include "lib/pan_file.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_model.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"

#define WORK_ROUNDS	6u
#define WORK_MIB	2

#define BINDS		150u
#define BIND_BLOCK	(2 * PAN_MIB)
#define BIND_BLOCKS	2
#define BIND_SIZE	(BIND_BLOCKS * BIND_BLOCK)

#define JOB_FAULTS	30u
#define CPU_FAULTS	30u
#define FAULT_SIZE	(4 * PAN_MIB)

#define SHRINKS		200u
#define SHRINK_PAGES	2048
#define SHRINK_PAUSE_MS	5

#define TIMEOUT_S	240u

enum { WORKER_0, WORKER_1, BINDER, JOB_FAULTER, CPU_FAULTER, RECLAIMER, PROCESSES };

static const char * const names[PROCESSES] = {
	"worker 0", "worker 1", "binder", "job faulter", "CPU faulter", "reclaimer",
};

/**
 * struct stress - What the processes share
 * @cgroup: where they live
 * @engine: the driver has the new reclaim engine
 * @working: processes besides the reclaimer that have not done their work yet
 * @leave: the reclaimer has stopped
 * @shrinks: how often the driver's shrinker was called
 * @evicted: pages that it reported
 * @ops: operations that each process did
 */
struct stress {
	struct pan_cgroup cgroup;
	bool engine;
	uint32_t working;
	volatile uint32_t leave;
	uint32_t shrinks;
	uint64_t evicted;
	uint32_t ops[PROCESSES];
};

struct role {
	struct stress *s;
	uint32_t index;
};

/*
 * A client that leaves while memory is being reclaimed is more than a driver
 * without the new engine stands.
 */
static void done_working(struct stress *s)
{
	__atomic_sub_fetch(&s->working, 1, __ATOMIC_SEQ_CST);
	if (!s->engine)
		pan_wait_word(&s->leave, 1, TIMEOUT_S * 1000);
}

static int worker_setup(struct pan_client *client, uint32_t index)
{
	static const enum pan_buf_kind kinds[] = {
		PAN_BUF_PRIVATE, PAN_BUF_SHARED, PAN_BUF_MMAPPED, PAN_BUF_UNUSED,
	};
	unsigned int i;
	int ret;

	ret = pan_client_init(client, 20 + index, 2);
	for (i = 0; !ret && i < ARRAY_SIZE(kinds); i++)
		ret = pan_client_add_mib(client, i % 2, WORK_MIB / 2, kinds[i]);
	if (!ret)
		ret = pan_client_add(client, 0, BIND_BLOCK, PAN_BUF_PRIVATE);
	return ret;
}

static int worker(void *arg)
{
	struct role *role = arg;
	struct pan_client client;
	uint32_t round;
	int ret;

	ret = worker_setup(&client, role->index);
	for (round = 0; !ret && round < WORK_ROUNDS; round++) {
		ret = pan_client_work_all(&client);
		if (!ret)
			ret = pan_client_check_all(&client);
		role->s->ops[role->index]++;
	}
	if (ret)
		pan_error(ret, "%s, round %u", names[role->index], round);
	done_working(role->s);
	pan_client_fini(&client);
	return ret ? 1 : 0;
}

/* What the binder knows of each piece of its buffer. */
struct pieces {
	uint64_t size;
	uint32_t count;
	bool mapped[BIND_SIZE / (64 << 10)];
	uint32_t steps[BIND_SIZE / (64 << 10)];
};

static int change_binding(struct pan_ctx *ctx, struct pan_bo *bo, struct pieces *p)
{
	uint32_t first = rand() % p->count;
	uint32_t count = 1 + rand() % (p->count - first);
	bool map = rand() % 2;
	uint64_t offset = first * p->size;
	uint32_t i;
	int ret;

	if (map)
		ret = pan_vm_map(ctx->dev, ctx->vm, bo->handle, offset, bo->va + offset,
				 count * p->size, PAN_MAP_RW);
	else
		ret = pan_vm_unmap(ctx->dev, ctx->vm, bo->va + offset, count * p->size);
	for (i = first; !ret && i < first + count; i++)
		p->mapped[i] = map;
	return ret;
}

static int step_mapped(struct pan_ctx *ctx, struct pan_bo *bo, struct pieces *p)
{
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);
	uint32_t i, n;

	/* Few enough for one stream. */
	for (i = rand() % p->count, n = 0; i < p->count && n < 4; i++) {
		if (!p->mapped[i])
			continue;
		pan_cs_step(cs, bo->va + i * p->size, p->size);
		p->steps[i]++;
		n++;
	}
	return n ? pan_ctx_run(ctx, 0) : 0;
}

static int check_pieces(struct pan_ctx *ctx, struct pan_bo *bo, struct pieces *p, uint32_t seed)
{
	uint64_t words = p->size / 4, wrong = 0, w;
	uint32_t i;
	int ret;

	ret = pan_ctx_bo_map(ctx, bo);
	for (i = 0; !ret && i < p->count; i++) {
		for (w = i * words; w < (i + 1) * words; w++)
			wrong += bo->map[w] != pan_pattern(seed, w, p->steps[i]);
	}
	pan_ctx_bo_unmap(bo);
	if (ret)
		return ret;
	return wrong ? pan_error(-EILSEQ, "%llu wrong words", (unsigned long long)wrong) : 0;
}

static int binder_ops(struct stress *s, struct pan_ctx *ctx, struct pan_bo *bo)
{
	uint32_t seed = pan_seed(30, 0), i;
	struct pieces p = { .size = s->engine ? 64 << 10 : BIND_BLOCK };
	int ret;

	p.count = BIND_SIZE / p.size;
	for (i = 0; i < p.count; i++)
		p.mapped[i] = true;

	pan_cs_fill(pan_ctx_begin(ctx, 0), bo->va, bo->size, seed);
	ret = pan_ctx_run(ctx, 0);
	for (i = 0; !ret && i < BINDS; i++) {
		ret = change_binding(ctx, bo, &p);
		if (!ret)
			ret = step_mapped(ctx, bo, &p);
		s->ops[BINDER]++;
	}
	return ret ? ret : check_pieces(ctx, bo, &p, seed);
}

static int binder(void *arg)
{
	struct role *role = arg;
	struct pan_bo bo = { };
	struct pan_ctx ctx;
	struct pan_dev dev;
	int ret;

	srand(1);
	if (pan_open(&dev))
		return 1;
	ret = pan_ctx_init(&ctx, &dev, 1);
	if (!ret)
		ret = pan_ctx_bo(&ctx, BIND_SIZE, true, &bo);
	if (!ret)
		ret = binder_ops(role->s, &ctx, &bo);
	if (ret)
		pan_error(ret, "operation %u of the thread that binds", role->s->ops[BINDER]);
	done_working(role->s);
	pan_ctx_bo_free(&ctx, &bo);
	pan_ctx_fini(&ctx);
	pan_close(&dev);
	return ret ? 1 : 0;
}

/* A fault of one group is not to be felt by the next one in the same VM. */
static int fault_and_go_on(struct pan_ctx *ctx, struct pan_bo *bo, uint32_t seed)
{
	int ret;

	pan_cs_store32(pan_ctx_begin(ctx, 0), PAN_NOWHERE_VA, 1);
	ret = pan_ctx_submit(ctx, 0);
	if (!ret && !pan_ctx_wait(ctx, 0))
		return pan_error(-EPROTO, "a job that touched nothing mapped succeeded");
	if (!ret)
		ret = pan_ctx_new_group(ctx);
	if (ret)
		return ret;
	pan_cs_fill(pan_ctx_begin(ctx, 0), bo->va, bo->size, seed);
	return pan_ctx_run(ctx, 0);
}

static int job_faulter(void *arg)
{
	struct role *role = arg;
	uint32_t i, seed = 0;
	struct pan_bo bo = { };
	struct pan_ctx ctx;
	struct pan_dev dev;
	int ret;

	if (pan_open(&dev))
		return 1;
	ret = pan_ctx_init(&ctx, &dev, 1);
	if (!ret)
		ret = pan_ctx_bo(&ctx, PAN_MIB, true, &bo);
	for (i = 0; !ret && i < JOB_FAULTS; i++) {
		seed = pan_seed(40, i);
		ret = fault_and_go_on(&ctx, &bo, seed);
		role->s->ops[JOB_FAULTER]++;
	}
	if (!ret)
		ret = pan_ctx_bo_map(&ctx, &bo);
	if (!ret && pan_pattern_check(bo.map, bo.size, seed, 0))
		ret = -EILSEQ;
	if (ret)
		pan_error(ret, "operation %u of the job faulter", i);
	done_working(role->s);
	pan_ctx_bo_free(&ctx, &bo);
	pan_ctx_fini(&ctx);
	pan_close(&dev);
	return ret ? 1 : 0;
}

/* Every page is faulted in anew: the CPU mapping is made and dropped each time. */
static int cpu_faulter(void *arg)
{
	struct role *role = arg;
	uint32_t i, seed = pan_seed(50, 0);
	struct pan_bo bo = { .size = FAULT_SIZE };
	struct pan_ctx ctx;
	struct pan_dev dev;
	int ret;

	if (pan_open(&dev))
		return 1;
	ret = pan_ctx_init(&ctx, &dev, 1);
	if (!ret)
		ret = pan_bo_create(&dev, bo.size, 0, 0, &bo.handle);
	for (i = 0; !ret && i < CPU_FAULTS; i++) {
		ret = pan_ctx_bo_map(&ctx, &bo);
		if (ret)
			break;
		if (i)
			pan_pattern_step(bo.map, bo.size);
		else
			pan_pattern_fill(bo.map, bo.size, seed);
		if (pan_pattern_check(bo.map, bo.size, seed, i))
			ret = -EILSEQ;
		pan_ctx_bo_unmap(&bo);
		role->s->ops[CPU_FAULTER]++;
	}
	if (ret)
		pan_error(ret, "operation %u of the CPU faulter", i);
	done_working(role->s);
	pan_ctx_bo_free(&ctx, &bo);
	pan_ctx_fini(&ctx);
	pan_close(&dev);
	return ret ? 1 : 0;
}

/* Gives panthor's interrupts to one CPU after the other. */
static void move_interrupts(uint32_t cpu)
{
	char path[300], mask[16];
	struct dirent *irq, *action;
	DIR *irqs = opendir("/proc/irq"), *actions;

	snprintf(mask, sizeof(mask), "%x", 1u << cpu);
	while (irqs && (irq = readdir(irqs))) {
		snprintf(path, sizeof(path), "/proc/irq/%s", irq->d_name);
		actions = opendir(path);
		while (actions && (action = readdir(actions))) {
			if (strncmp(action->d_name, "panthor-", 8))
				continue;
			snprintf(path, sizeof(path), "/proc/irq/%s/smp_affinity", irq->d_name);
			pan_write_file(path, mask);
		}
		if (actions)
			closedir(actions);
	}
	if (irqs)
		closedir(irqs);
}

/* It goes on as long as there is somebody to take memory from. */
static int reclaimer(void *arg)
{
	struct role *role = arg;
	struct stress *s = role->s;
	uint64_t reclaimed;
	struct pan_dev dev;
	int ret = 0;

	if (pan_open(&dev))
		return 1;
	while (!ret && (s->shrinks < SHRINKS || __atomic_load_n(&s->working, __ATOMIC_SEQ_CST))) {
		ret = pan_shrink(&dev, 1 + s->shrinks * 37 % SHRINK_PAGES, &reclaimed);
		if (ret)
			break;
		s->evicted += reclaimed;
		if (s->shrinks % 4 == 0)
			pan_cgroup_write(&s->cgroup, "memory.reclaim", "2M");
		if (s->shrinks % 8 == 0)
			move_interrupts(s->shrinks / 8 % 2);
		s->shrinks++;
		pan_sleep_ms(SHRINK_PAUSE_MS);
	}
	s->ops[RECLAIMER] = s->shrinks;
	s->leave = 1;
	pan_close(&dev);
	return ret ? 1 : 0;
}

FIXTURE(smp)
{
	struct pan_dev dev;
	struct stress *s;
};

FIXTURE_SETUP(smp)
{
	struct pan_cgroup cgroup;

	PAN_OPEN_OR_SKIP(&self->dev);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one CPU: nothing happens at once");
	if (!pan_can_shrink(&self->dev))
		SKIP(return, "the driver has no debugfs file to shrink it by");
	if (!pan_meminfo_pages("SwapTotal"))
		SKIP(return, "there is no swap");
	if (pan_cgroup_create(&cgroup, "smp-stress"))
		SKIP(return, "there is no memory cgroup");
	self->s = pan_shared_alloc(sizeof(*self->s));
	ASSERT_NE(NULL, self->s);
	self->s->cgroup = cgroup;
	self->s->engine = pan_has_reclaim_engine(&self->dev);
	self->s->working = PROCESSES - 1;
}

FIXTURE_TEARDOWN(smp)
{
	pan_close(&self->dev);
	if (self->s) {
		pan_cgroup_remove(&self->s->cgroup);
		pan_shared_free(self->s, sizeof(*self->s));
	}
}

/* Interrupts of a line, on each of the first two CPUs. */
static void count_interrupts(const char *line, uint64_t counts[2])
{
	unsigned long long a, b;
	char text[512];
	FILE *f = fopen("/proc/interrupts", "re");

	counts[0] = 0;
	counts[1] = 0;
	while (f && fgets(text, sizeof(text), f)) {
		if (!strstr(text, line) || sscanf(text, " %*d: %llu %llu", &a, &b) != 2)
			continue;
		counts[0] = a;
		counts[1] = b;
	}
	if (f)
		fclose(f);
}

static int process_main(void *arg)
{
	static int (* const mains[PROCESSES])(void *) = {
		worker, worker, binder, job_faulter, cpu_faulter, reclaimer,
	};
	struct role *role = arg;

	if (pan_cgroup_enter(&role->s->cgroup, 0))
		return 1;
	return mains[role->index](role);
}

TEST_F_TIMEOUT(smp, reclaim_jobs_binds_and_faults_at_once, TIMEOUT_S + 30)
{
	uint64_t deadline = pan_now_ms() + TIMEOUT_S * 1000;
	uint64_t before[2], after[2], swapped, stale, freed;
	struct role roles[PROCESSES];
	pid_t pids[PROCESSES];
	unsigned int i;

	count_interrupts("panthor-job", before);
	swapped = pan_vmstat("pswpout");
	stale = pan_model_count("tlb_stale");
	freed = pan_model_count("free_page_touches");

	for (i = 0; i < PROCESSES; i++) {
		roles[i] = (struct role) { .s = self->s, .index = i };
		pids[i] = pan_spawn(process_main, &roles[i]);
		EXPECT_GT(pids[i], 0);
	}
	for (i = 0; i < PROCESSES; i++) {
		int status = pan_join(pids[i], deadline);

		EXPECT_EQ(0, status);
		if (status)
			TH_LOG("that was the %s", names[i]);
	}

	count_interrupts("panthor-job", after);
	swapped = pan_vmstat("pswpout") - swapped;
	for (i = 0; i < PROCESSES; i++)
		TH_LOG("%s: %u operations", names[i], self->s->ops[i]);
	TH_LOG("%llu pages evicted, %llu swapped out; job interrupts on CPU 0 %llu, on CPU 1 %llu",
	       (unsigned long long)self->s->evicted, (unsigned long long)swapped,
	       (unsigned long long)(after[0] - before[0]),
	       (unsigned long long)(after[1] - before[1]));

	EXPECT_EQ(WORK_ROUNDS, self->s->ops[WORKER_0]);
	EXPECT_EQ(WORK_ROUNDS, self->s->ops[WORKER_1]);
	EXPECT_EQ(BINDS, self->s->ops[BINDER]);
	EXPECT_EQ(JOB_FAULTS, self->s->ops[JOB_FAULTER]);
	EXPECT_EQ(CPU_FAULTS, self->s->ops[CPU_FAULTER]);
	EXPECT_GE(self->s->ops[RECLAIMER], SHRINKS);
	EXPECT_NE(0u, self->s->evicted);
	EXPECT_NE(0u, swapped);
	EXPECT_GT(after[0], before[0]);
	EXPECT_GT(after[1], before[1]);
	EXPECT_EQ(stale, pan_model_count("tlb_stale"));
	EXPECT_EQ(freed, pan_model_count("free_page_touches"));
}

TEST_HARNESS_MAIN
