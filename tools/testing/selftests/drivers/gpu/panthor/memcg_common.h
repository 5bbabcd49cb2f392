/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of memory cgroups have in common: clients in cgroups. */
#ifndef MEMCG_COMMON_H
#define MEMCG_COMMON_H

#include <inttypes.h>
#include <signal.h>

#include "engine_common.h"
#include "lib/pan_cgroup.h"

#define MEMCG_TIMEOUT_MS	240000

/* A context has streams, flags, rings and heaps of its own. */
#define MEMCG_SLACK		(4 * PAN_MIB)

enum memcg_order {
	MEMCG_WORK = 1,		/* jobs in all VMs */
	MEMCG_CHECK,		/* every word is compared */
	MEMCG_HALVE,		/* half of the buffers go, the last ones first */
	MEMCG_QUIT,
};

/**
 * struct memcg_client - A client in a process of its own, which does as it is told
 * @id: makes its contents different from other clients'
 * @vms: address spaces
 * @mib: MiB in each of them
 * @kind: class of its buffers
 * @cg: the cgroup it enters before it has any memory, NULL for none
 * @order: what it has to do
 * @number: counts the orders
 * @done: number of the order it has carried out
 * @result: how that went
 * @bad_words: words that were wrong so far
 * @enomem_bind: as in struct pan_client
 * @enomem_submit: as in struct pan_client
 * @pid: the process
 */
struct memcg_client {
	uint32_t id;
	uint32_t vms;
	uint32_t mib;
	enum pan_buf_kind kind;
	const struct pan_cgroup *cg;
	volatile uint32_t order;
	volatile uint32_t number;
	volatile uint32_t done;
	volatile int32_t result;
	volatile uint64_t bad_words;
	volatile uint64_t enomem_bind;
	volatile uint64_t enomem_submit;
	pid_t pid;
};

static inline int memcg_fill(struct memcg_client *mc, struct pan_client *client)
{
	uint32_t vm;
	int ret = 0;

	for (vm = 0; !ret && vm < mc->vms; vm++)
		ret = pan_client_add_mib(client, vm, mc->mib, mc->kind);
	return ret;
}

static inline int memcg_obey(struct memcg_client *mc, struct pan_client *client)
{
	switch (mc->order) {
	case MEMCG_WORK:
		return pan_client_work_all(client);
	case MEMCG_CHECK:
		return pan_client_check_all(client);
	case MEMCG_HALVE:
		pan_client_trim(client, client->count / 2);
		return 0;
	default:
		return 0;
	}
}

static inline int memcg_client_main(void *arg)
{
	struct memcg_client *mc = arg;
	struct pan_client client;
	int ret = 0;

	if (mc->cg)
		ret = pan_cgroup_enter(mc->cg, 0);
	if (!ret)
		ret = pan_client_init(&client, mc->id, mc->vms);
	if (ret) {
		mc->result = ret;
		mc->done = 1;
		return 1;
	}

	ret = memcg_fill(mc, &client);
	for (;;) {
		mc->bad_words = client.bad_words;
		mc->enomem_bind = client.enomem_bind;
		mc->enomem_submit = client.enomem_submit;
		mc->result = ret;
		__sync_synchronize();
		mc->done = mc->number;
		if (mc->order == MEMCG_QUIT)
			break;
		while (mc->number == mc->done)
			pan_sleep_ms(2);
		ret = memcg_obey(mc, &client);
	}
	pan_client_fini(&client);
	return 0;
}

/* Gives an order and waits for the result: 0, -errno, or -ETIME. */
static inline int memcg_order(struct memcg_client *mc, enum memcg_order order)
{
	int ret;

	mc->order = order;
	__sync_synchronize();
	mc->number++;
	ret = pan_wait_word(&mc->done, mc->number, MEMCG_TIMEOUT_MS);
	return ret ? ret : mc->result;
}

/* Starts a client and waits until its buffers are there. */
static inline int memcg_client_start(struct memcg_client *mc)
{
	int ret;

	mc->number = 1;
	mc->done = 0;
	mc->pid = pan_spawn(memcg_client_main, mc);
	if (mc->pid < 0)
		return mc->pid;
	ret = pan_wait_word(&mc->done, 1, MEMCG_TIMEOUT_MS);
	return ret ? ret : mc->result;
}

/* Starts a client and has it fill its buffers. */
static inline int memcg_client_work(struct memcg_client *mc)
{
	int ret = memcg_client_start(mc);

	return ret ? ret : memcg_order(mc, MEMCG_WORK);
}

/* Ends a client in order. Returns its exit status. */
static inline int memcg_client_stop(struct memcg_client *mc)
{
	pid_t pid = mc->pid;

	if (pid <= 0)
		return 0;
	mc->pid = 0;
	mc->order = MEMCG_QUIT;
	__sync_synchronize();
	mc->number++;
	return pan_join(pid, pan_now_ms() + MEMCG_TIMEOUT_MS);
}

static inline struct memcg_client *memcg_client_alloc(const struct pan_cgroup *cg, uint32_t id,
						      uint32_t vms, uint32_t mib)
{
	struct memcg_client *mc = pan_shared_alloc(sizeof(*mc));

	if (mc) {
		mc->cg = cg;
		mc->id = id;
		mc->vms = vms;
		mc->mib = mib;
	}
	return mc;
}

static inline void memcg_client_free(struct memcg_client *mc)
{
	if (!mc)
		return;
	memcg_client_stop(mc);
	pan_shared_free(mc, sizeof(*mc));
}

/* Bytes of BOs that reclaim can take and that are charged to a cgroup. */
static inline uint64_t memcg_bytes_of(const struct pan_dev *dev, uint64_t id)
{
	char path[128], line[128], name[64];
	unsigned long long pages;
	uint64_t sum = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/reclaim", dev->debugfs);
	snprintf(name, sizeof(name), "memcg_%" PRIu64 "_pages %%llu", id);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, name, &pages) == 1)
			sum += pages * PAN_PAGE;
	}
	if (f)
		fclose(f);
	return sum;
}

static inline uint64_t memcg_bytes(const struct pan_dev *dev, const struct pan_cgroup *cg)
{
	return memcg_bytes_of(dev, pan_cgroup_id(cg));
}

static inline uint64_t memcg_current(const struct pan_cgroup *cg)
{
	uint64_t bytes = 0;

	pan_cgroup_read(cg, "memory.current", &bytes);
	return bytes;
}

/* Writes memory.reclaim. Returns 0 or -errno; *@got is by how much memory.current fell. */
static inline int memcg_reclaim(const struct pan_cgroup *cg, const char *text, int64_t *got)
{
	int64_t before = memcg_current(cg);
	int ret = pan_cgroup_write(cg, "memory.reclaim", text);

	*got = before - (int64_t)memcg_current(cg);
	return ret;
}

/* In FIXTURE_SETUP(), after PAN_OPEN_OR_SKIP(). */
#define MEMCG_NEEDS(dev) do { \
	const struct pan_dev *needs_dev = (dev); \
\
	ENGINE_NEEDS(needs_dev); \
	if (!pan_reclaim_has(needs_dev, "memcg_")) \
		SKIP(return, "the driver's reclaim knows no memory cgroups"); \
} while (0)

#define MEMCG_CREATE_OR_SKIP(cg, name) do { \
	if (pan_cgroup_create(cg, name)) \
		SKIP(return, "no cgroup v2 with the memory controller"); \
} while (0)

#endif /* MEMCG_COMMON_H */
