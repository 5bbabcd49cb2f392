/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of making room have in common: clients that compete for memory. */
#ifndef ROOM_COMMON_H
#define ROOM_COMMON_H

#include <signal.h>

#include "engine_common.h"

/* All waits for room end well before: reached only by what hangs. */
#define ROOM_BOUND_MS	120000

/* Times that somebody with the turn has to have waited before it counts as waiting. */
#define ROOM_WAITS	5

/**
 * struct room_client - A client in a process of its own
 * @id: makes its contents different from other clients'
 * @vms: address spaces
 * @mib: MiB in each of them
 * @limit: rounds after which it does no more
 * @oom_adj: oom_score_adj, 0 for the highest
 * @hold: it keeps its memory after that, until it is stopped
 * @resilient: a job that was lost is done again by a new group
 * @tolerant: lack of memory is counted and does not end it
 * @stop: set by the test to have it end
 * @ready: it has bound what it could
 * @rounds: rounds done: jobs in all VMs, every word verified after that
 * @bound: MiB it has got
 * @enomem: failures for lack of memory
 * @bad_words: words that were wrong
 * @result: 0, or the error that ended it
 * @pid: the process, 0 when there is none
 */
struct room_client {
	uint32_t id;
	uint32_t vms;
	uint32_t mib;
	volatile uint32_t limit;
	int32_t oom_adj;
	bool hold;
	bool resilient;
	bool tolerant;
	volatile uint32_t stop;
	volatile uint32_t ready;
	volatile uint32_t rounds;
	volatile uint32_t bound;
	volatile uint64_t enomem;
	volatile uint64_t bad_words;
	volatile int32_t result;
	pid_t pid;
};

static inline int room_bind(struct room_client *rc, struct pan_client *client)
{
	uint32_t vm, i;
	int ret = 0;

	for (vm = 0; !ret && vm < rc->vms; vm++) {
		for (i = 0; !ret && i < rc->mib; i++)
			ret = pan_client_add(client, vm, PAN_MIB, PAN_BUF_PRIVATE);
	}
	rc->bound = client->count;
	return ret == -ENOMEM && rc->tolerant ? 0 : ret;
}

/* A reset of the GPU takes all groups along that cannot be suspended, also idle ones. */
static inline int room_work(struct room_client *rc, struct pan_client *client, uint32_t vm)
{
	int ret = pan_client_work(client, vm);

	if (!ret || ret == -ENOMEM || ret == -EFAULT || !rc->resilient)
		return ret;
	ret = pan_ctx_new_group_after_reset(&client->ctx[vm], ROOM_BOUND_MS);
	return ret ? ret : pan_client_work(client, vm);
}

/* Whether a round was done in full is told by @*complete. */
static inline int room_round(struct room_client *rc, struct pan_client *client, bool *complete)
{
	uint32_t vm;
	int ret;

	*complete = true;
	for (vm = 0; vm < rc->vms; vm++) {
		ret = room_work(rc, client, vm);
		if (!ret)
			ret = pan_client_check(client, vm);
		if ((ret == -ENOMEM || ret == -EFAULT) && rc->tolerant)
			*complete = false;
		else if (ret)
			return ret;
	}
	return 0;
}

static inline int room_client_main(void *arg)
{
	struct room_client *rc = arg;
	struct pan_client client;
	bool complete;
	char text[16];
	int ret;

	snprintf(text, sizeof(text), "%d", rc->oom_adj);
	if (rc->oom_adj)
		pan_write_file("/proc/self/oom_score_adj", text);
	ret = pan_client_init(&client, rc->id, rc->vms);
	if (ret) {
		rc->result = ret;
		rc->ready = 1;
		return 1;
	}

	ret = room_bind(rc, &client);
	rc->ready = 1;
	while (!ret && !rc->stop && (rc->hold || rc->rounds < rc->limit)) {
		if (rc->rounds >= rc->limit) {
			pan_sleep_ms(2);
			continue;
		}
		ret = room_round(rc, &client, &complete);
		rc->rounds += !ret && complete;
		rc->bad_words = client.bad_words;
		rc->enomem = client.enomem_bind + client.enomem_submit + client.sigbus;
	}
	rc->enomem = client.enomem_bind + client.enomem_submit + client.sigbus;
	rc->result = ret;
	pan_client_fini(&client);
	return ret ? 1 : 0;
}

static inline int room_client_start(struct room_client *rc)
{
	rc->pid = pan_spawn(room_client_main, rc);
	return rc->pid < 0 ? rc->pid : 0;
}

/* Waits for the end of a client. Returns its exit status. */
static inline int room_client_join(struct room_client *rc, uint32_t timeout_ms)
{
	pid_t pid = rc->pid;

	rc->pid = 0;
	return pid > 0 ? pan_join(pid, pan_now_ms() + timeout_ms) : 0;
}

/* Ends a client in order. Returns its exit status. */
static inline int room_client_stop(struct room_client *rc)
{
	rc->stop = 1;
	return room_client_join(rc, ROOM_BOUND_MS);
}

/* Kills a client and waits for its end. Returns its exit status, 128 + SIGKILL. */
static inline int room_client_kill(struct room_client *rc)
{
	if (rc->pid > 0)
		kill(rc->pid, SIGKILL);
	return room_client_join(rc, ROOM_BOUND_MS);
}

static inline uint32_t room_available_mib(void)
{
	return pan_meminfo_pages("MemAvailable") / 256;
}

/* Waits until no more than @bytes are left of BOs that somebody has. */
static inline int room_wait_gems(const struct pan_dev *dev, uint64_t bytes)
{
	uint64_t end = pan_now_ms() + 20000, size = 0, resident = 0;
	int ret;

	for (;;) {
		ret = pan_gems_totals(dev, &size, &resident);
		if (ret || size <= bytes)
			return ret;
		if (pan_now_ms() >= end)
			return pan_error(-ETIME, "BOs of %llu KiB are left, %llu KiB were there",
					 (unsigned long long)size >> 10,
					 (unsigned long long)bytes >> 10);
		pan_sleep_ms(10);
	}
}

/* Queues a job that does nothing and waits for a gate: memory of its VM is in use. */
static inline int room_block(struct pan_ctx *ctx, const struct pan_gate *gate)
{
	struct drm_panthor_sync_op wait = pan_sync_wait(gate->syncobj);

	pan_cs_nop(pan_ctx_begin(ctx, 0));
	return pan_ctx_submit_syncs(ctx, 0, &wait, 1);
}

/* Waits until somebody with the turn finds nothing to evict. */
static inline int room_wait_until_waiting(const struct pan_dev *dev, int64_t before)
{
	uint64_t end = pan_now_ms() + ROOM_BOUND_MS;

	while (engine_stat(dev, "room_waits") < before + ROOM_WAITS) {
		if (pan_now_ms() >= end)
			return -ETIME;
		pan_sleep_ms(5);
	}
	return 0;
}

/* In FIXTURE_SETUP(), after PAN_OPEN_OR_SKIP(). */
#define ROOM_NEEDS(dev) do { \
	const struct pan_dev *needs_dev = (dev); \
\
	ENGINE_NEEDS(needs_dev); \
	if (!pan_reclaim_has(needs_dev, "room_")) \
		SKIP(return, "the driver does not make room"); \
} while (0)

#define ROOM_NEEDS_GATE(gate, dev) do { \
	if (pan_gate_init(gate, dev)) \
		SKIP(return, "no fences that user space signals (SW_SYNC)"); \
} while (0)

#endif /* ROOM_COMMON_H */
