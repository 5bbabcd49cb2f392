// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic that nobody has arranged: four clients of half of the memory each, with
 * several address spaces, shared BOs and BOs bound at many places, while they are
 * killed, stopped, protected, limited, reclaimed from and interrupted at random.
 * What fits is never refused, nobody is killed for lack of memory, and every word
 * is right. The seed is printed; PAN_TRAFFIC_SEED repeats a run as far as the
 * scheduling of processes does.
 */
#include "memcg_common.h"
#include "room_common.h"

#define CLIENTS		4u
#define VMS		2u
#define PIECE		(64u << 10)
#define KILLS		8u

/* Number of rounds that all clients together have to do. */
#define ROUNDS		24u
#define TIMEOUT_S	900

/**
 * struct traffic - A client
 * @id: makes its contents different from other clients'
 * @seed: decides what it does in which order
 * @mib: MiB of private BOs in each of its address spaces
 * @tick_us: period of an interval timer, 0 for none
 * @cg: the cgroup it enters
 * @stop: set by the test to have it end
 * @rounds: rounds done by all that were started with this
 * @enomem: failures for lack of memory
 * @bad_words: words that were wrong
 * @result: 0, or the error that ended it
 * @pid: the process
 */
struct traffic {
	uint32_t id;
	uint64_t seed;
	uint32_t mib;
	uint32_t tick_us;
	struct pan_cgroup cg;
	volatile uint32_t stop;
	volatile uint32_t rounds;
	volatile uint64_t enomem;
	volatile uint64_t bad_words;
	volatile int32_t result;
	pid_t pid;
};

static uint32_t traffic_random(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33) % below;
}

/* The first BO of an address space once more, piece by piece between others. */
static int traffic_alias(struct pan_client *client, uint32_t vm)
{
	struct drm_panthor_vm_bind_op ops[2] = {};
	struct pan_buf *buf = NULL;
	uint32_t i;
	int ret = 0;

	for (i = 0; i < client->count && !buf; i++) {
		if (client->bufs[i].vm == vm && client->bufs[i].kind == PAN_BUF_PRIVATE)
			buf = &client->bufs[i];
	}
	if (!buf || i == client->count)
		return -EINVAL;

	for (i = 0; !ret && i < 8; i++) {
		for (uint32_t k = 0; k < 2; k++) {
			ops[k] = (struct drm_panthor_vm_bind_op) {
				.flags = PAN_MAP_RW, .size = PIECE,
				.bo_handle = buf[k].bo.handle,
				.va = 0x500000000ull + (2 * i + k) * PIECE,
			};
		}
		ret = pan_vm_bind(&client->dev, client->ctx[vm].vm, 0, ops, 2);
	}
	return ret;
}

static int traffic_fill(struct traffic *t, struct pan_client *client)
{
	int ret = 0;

	for (uint32_t vm = 0; !ret && vm < VMS; vm++) {
		for (uint32_t i = 0; !ret && i < t->mib; i++)
			ret = pan_client_add(client, vm, PAN_MIB, PAN_BUF_PRIVATE);
		if (!ret)
			ret = traffic_alias(client, vm);
	}
	if (!ret)
		ret = pan_client_add_mib(client, 0, 4, PAN_BUF_SHARED);
	if (!ret)
		ret = pan_client_add_mib(client, 0, 2, PAN_BUF_MMAPPED);
	return ret;
}

static int traffic_main(void *arg)
{
	struct traffic *t = arg;
	struct pan_client client;
	uint64_t state = t->seed;
	int ret;

	ret = pan_cgroup_enter(&t->cg, 0);
	if (!ret)
		ret = pan_client_init(&client, t->id, VMS);
	if (ret) {
		t->result = ret;
		return 1;
	}
	if (t->tick_us)
		room_tick(t->tick_us);

	ret = traffic_fill(t, &client);
	while (!ret && !t->stop) {
		uint32_t vm = traffic_random(&state, VMS);

		ret = pan_client_work(&client, vm);
		if (!ret && !traffic_random(&state, 2))
			ret = pan_client_check(&client, vm);
		if (!ret && !traffic_random(&state, 4))
			ret = pan_client_check_all(&client);
		t->bad_words = client.bad_words;
		if (!ret)
			__sync_fetch_and_add(&t->rounds, 1);
	}
	t->enomem = client.enomem_bind + client.enomem_submit + client.sigbus;
	t->bad_words = client.bad_words;
	t->result = ret;
	pan_client_fini(&client);
	return ret ? 1 : 0;
}

FIXTURE(traffic)
{
	struct pan_dev dev;
	struct traffic *clients;
	uint64_t state;
	uint64_t oom_kills;
	uint32_t kills;
};

FIXTURE_SETUP(traffic)
{
	const char *seed = getenv("PAN_TRAFFIC_SEED");
	char name[16];

	PAN_OPEN_OR_SKIP(&self->dev);
	MEMCG_NEEDS(&self->dev);
	ROOM_NEEDS(&self->dev);
	self->state = seed ? strtoull(seed, NULL, 0) : pan_now_ms() * 2 + 1;
	TH_LOG("PAN_TRAFFIC_SEED=%llu", (unsigned long long)self->state);
	pan_be_expendable();
	pan_drop_caches();
	self->oom_kills = pan_vmstat("oom_kill");
	self->clients = pan_shared_alloc(CLIENTS * sizeof(*self->clients));
	ASSERT_NE(NULL, self->clients);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		snprintf(name, sizeof(name), "traffic%u", i);
		MEMCG_CREATE_OR_SKIP(&self->clients[i].cg, name);
	}
}

FIXTURE_TEARDOWN(traffic)
{
	for (uint32_t i = 0; self->clients && i < CLIENTS; i++) {
		struct traffic *t = &self->clients[i];

		if (t->pid > 0) {
			kill(t->pid, SIGCONT);
			kill(t->pid, SIGKILL);
			pan_join(t->pid, pan_now_ms() + ROOM_BOUND_MS);
		}
		if (t->cg.path[0])
			pan_cgroup_remove(&t->cg);
	}
	if (self->clients)
		pan_shared_free(self->clients, CLIENTS * sizeof(*self->clients));
	EXPECT_EQ(self->oom_kills, pan_vmstat("oom_kill"));
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/*
 * Never less than what one address space needs at once. A limit that is lowered below
 * what is in use kills at once, so memory.max is for clients that are about to start.
 */
static void traffic_limit(FIXTURE_DATA(traffic) *self, struct traffic *t, const char *file)
{
	char text[16];

	if (traffic_random(&self->state, 2))
		snprintf(text, sizeof(text), "max");
	else
		snprintf(text, sizeof(text), "%u",
			 (t->mib + 16 + traffic_random(&self->state, t->mib)) << 20);
	pan_cgroup_write(&t->cg, file, text);
}

static int traffic_start(FIXTURE_DATA(traffic) *self, struct traffic *t)
{
	traffic_limit(self, t, "memory.max");
	t->seed = traffic_random(&self->state, ~0u);
	t->pid = pan_spawn(traffic_main, t);
	return t->pid < 0 ? t->pid : 0;
}

static int traffic_kill(FIXTURE_DATA(traffic) *self, struct traffic *t)
{
	pid_t pid = t->pid;
	int status;

	if (self->kills++ >= KILLS)
		return 0;
	t->pid = 0;
	kill(pid, SIGKILL);
	status = pan_join(pid, pan_now_ms() + ROOM_BOUND_MS);
	if (status != 128 + SIGKILL)
		return pan_error(-ECHILD, "client %u ended with %d: %d, %llu ENOMEM", t->id,
				 status, t->result, (unsigned long long)t->enomem);
	return traffic_start(self, t);
}

/* One of the clients at most has memory that is protected, a fraction of what there is. */
static void traffic_protect(FIXTURE_DATA(traffic) *self, struct traffic *t)
{
	const char *file = traffic_random(&self->state, 2) ? "memory.min" : "memory.low";
	char text[16];

	for (uint32_t i = 0; i < CLIENTS; i++) {
		pan_cgroup_write(&self->clients[i].cg, "memory.min", "0");
		pan_cgroup_write(&self->clients[i].cg, "memory.low", "0");
	}
	snprintf(text, sizeof(text), "%u", traffic_random(&self->state, 32) << 20);
	pan_cgroup_write(&t->cg, file, text);
}

static int traffic_disturb(FIXTURE_DATA(traffic) *self)
{
	struct traffic *t = &self->clients[traffic_random(&self->state, CLIENTS)];
	uint64_t reclaimed;
	int64_t got;

	switch (traffic_random(&self->state, 6)) {
	case 0:
		return traffic_kill(self, t);
	case 1:
		traffic_protect(self, t);
		return 0;
	case 2:
		traffic_limit(self, t, "memory.high");
		return 0;
	case 3:
		/* It may well be that not all of it can be had. */
		memcg_reclaim(&t->cg, "8M", &got);
		return 0;
	case 4:
		if (pan_can_shrink(&self->dev))
			pan_shrink(&self->dev, traffic_random(&self->state, 8192), &reclaimed);
		return 0;
	default:
		kill(t->pid, SIGSTOP);
		pan_sleep_ms(traffic_random(&self->state, 300));
		kill(t->pid, SIGCONT);
		return 0;
	}
}

static uint32_t traffic_rounds(const struct traffic *clients)
{
	uint32_t rounds = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		rounds += clients[i].rounds;
	return rounds;
}

TEST_F_TIMEOUT(traffic, nothing_is_refused_and_no_word_is_wrong, TIMEOUT_S)
{
	uint32_t rounds = pan_rounds(ROUNDS, 8), i, mib = room_available_mib() / 4;
	struct traffic *clients = self->clients;
	bool failed = false;

	for (i = 0; i < CLIENTS; i++) {
		clients[i].id = 120 + i;
		clients[i].mib = mib;
		clients[i].tick_us = i ? 0 : 20000;
		ASSERT_OK(traffic_start(self, &clients[i]));
	}
	while (!failed && traffic_rounds(clients) < rounds) {
		pan_sleep_ms(traffic_random(&self->state, 200));
		ASSERT_OK(traffic_disturb(self));
		for (i = 0; i < CLIENTS; i++)
			failed |= clients[i].result || clients[i].bad_words;
	}
	for (i = 0; i < CLIENTS; i++)
		clients[i].stop = 1;
	for (i = 0; i < CLIENTS; i++) {
		pid_t pid = clients[i].pid;

		clients[i].pid = 0;
		EXPECT_OK(pan_join(pid, pan_now_ms() + 2 * ROOM_BOUND_MS));
		EXPECT_OK(clients[i].result);
		EXPECT_EQ(0, clients[i].enomem);
		EXPECT_EQ(0, clients[i].bad_words);
		EXPECT_EQ(0, pan_cgroup_key(&clients[i].cg, "memory.events", "oom_kill"));
	}
	TH_LOG("%u rounds, %u kills", traffic_rounds(clients), self->kills);
}

TEST_HARNESS_MAIN
