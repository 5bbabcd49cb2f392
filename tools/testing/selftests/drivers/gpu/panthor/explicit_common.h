/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of mem_reclaim and mem_claim have in common. */
#ifndef EXPLICIT_COMMON_H
#define EXPLICIT_COMMON_H

#include "engine_common.h"

#define EXPLICIT_MS	60000
#define EXPLICIT_SMALL	(64ull << 10)

/* Path of "mem_reclaim" or "mem_claim". */
static inline void explicit_path(const struct pan_dev *dev, const char *knob,
				 char *path, size_t size)
{
	snprintf(path, size, "%.3000s/%s", dev->sysfs, knob);
}

/* One write() of any bytes; 0 or -errno. */
static inline int explicit_write(const struct pan_dev *dev, const char *knob,
				 const void *data, size_t size)
{
	char path[PATH_MAX];
	int fd, ret = 0;
	ssize_t n;

	explicit_path(dev, knob, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, data, size);
	if (n < 0)
		ret = -errno;
	else if ((size_t)n != size)
		ret = -EMSGSIZE;
	close(fd);
	return ret;
}

static inline int explicit_tgid(const struct pan_dev *dev, const char *knob, int tgid)
{
	char text[16];

	return explicit_write(dev, knob, text, snprintf(text, sizeof(text), "%d\n", tgid));
}

static inline int explicit_reclaim(const struct pan_dev *dev, int tgid)
{
	return explicit_tgid(dev, "mem_reclaim", tgid);
}

static inline int explicit_claim(const struct pan_dev *dev, int tgid)
{
	return explicit_tgid(dev, "mem_claim", tgid);
}

static inline bool explicit_there(const struct pan_dev *dev)
{
	char path[PATH_MAX];

	explicit_path(dev, "mem_reclaim", path, sizeof(path));
	return pan_file_exists(path);
}

/* What a target does when told to. */
enum explicit_order {
	EXPLICIT_NONE,
	EXPLICIT_WORK,		/* jobs and CPU accesses on everything, then a check */
	EXPLICIT_CHECK,		/* a check of every word */
	EXPLICIT_SPIN,		/* start a job in VM 0 that does not end */
	EXPLICIT_RELAX,		/* end it */
	EXPLICIT_LOOP,		/* work and check until the next order */
	EXPLICIT_EXIT,		/* end in good order */
};

/**
 * struct explicit_target - A process with GPU memory of every kind
 * @id: makes its contents different from others'
 * @mib: MiB of each kind of BO; 0 for one of EXPLICIT_SMALL bytes of each kind
 * @order: what it is to do
 * @given: number of orders given
 * @done: number of orders carried out; the first is to be ready
 * @result: of the last one
 * @sigbus: CPU accesses that failed
 * @pid: process
 */
struct explicit_target {
	uint32_t id;
	uint32_t mib;
	volatile uint32_t order;
	volatile uint32_t given;
	volatile uint32_t done;
	volatile int32_t result;
	volatile uint64_t sigbus;
	pid_t pid;
};

static inline int explicit_fill(struct pan_client *client, uint32_t mib)
{
	static const enum pan_buf_kind kinds[] = {
		PAN_BUF_PRIVATE, PAN_BUF_SHARED, PAN_BUF_MMAPPED, PAN_BUF_UNUSED,
	};
	int ret = 0;
	uint32_t i;

	for (i = 0; !ret && i < 4; i++) {
		if (mib)
			ret = pan_client_add_mib(client, i % 2, mib, kinds[i]);
		else
			ret = pan_client_add(client, i % 2, EXPLICIT_SMALL, kinds[i]);
	}
	return ret ?: pan_client_work_all(client);
}

static inline int explicit_spin(struct pan_ctx *ctx)
{
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);

	*pan_flag(ctx, 0) = 0;
	*pan_flag(ctx, 1) = 0;
	pan_cs_store32(cs, pan_flag_va(1), 1);
	pan_cs_spin_until(cs, pan_flag_va(0));
	return pan_ctx_submit(ctx, 0) ?: pan_wait_word(pan_flag(ctx, 1), 1, 5000);
}

static inline int explicit_obey(struct explicit_target *t, struct pan_client *client,
				uint32_t given)
{
	int ret = 0;

	switch (t->order) {
	case EXPLICIT_LOOP:
		while (!ret && t->given == given)
			ret = pan_client_work_all(client) ?: pan_client_check_all(client);
		return ret;
	case EXPLICIT_WORK:
		return pan_client_work_all(client) ?: pan_client_check_all(client);
	case EXPLICIT_CHECK:
		return pan_client_check_all(client);
	case EXPLICIT_SPIN:
		return explicit_spin(&client->ctx[0]);
	case EXPLICIT_RELAX:
		*pan_flag(&client->ctx[0], 0) = 1;
		return pan_ctx_wait(&client->ctx[0], 0);
	default:
		return 0;
	}
}

static inline int explicit_target_main(void *arg)
{
	struct explicit_target *t = arg;
	struct pan_client client;
	uint32_t next = 1;
	int ret;

	ret = pan_client_init(&client, t->id, 2);
	t->result = ret ?: explicit_fill(&client, t->mib);
	for (;;) {
		__sync_synchronize();
		t->done++;
		if (t->order == EXPLICIT_EXIT)
			break;
		while (t->given < next)
			pan_sleep_ms(2);
		next++;
		t->result = explicit_obey(t, &client, next - 1);
		t->sigbus = client.sigbus;
	}
	pan_client_fini(&client);
	return 0;
}

/* Waits until the target has carried out its last order; its result. */
static inline int explicit_wait(struct explicit_target *t)
{
	int ret = pan_wait_word(&t->done, t->given + 1, EXPLICIT_MS);

	return ret ?: t->result;
}

static inline void explicit_send(struct explicit_target *t, enum explicit_order order)
{
	t->order = order;
	__sync_synchronize();
	t->given++;
}

static inline int explicit_order(struct explicit_target *t, enum explicit_order order)
{
	explicit_send(t, order);
	return explicit_wait(t);
}

/* Starts a target with @mib MiB of each of four kinds of BOs; NULL on failure. */
static inline struct explicit_target *explicit_start(uint32_t id, uint32_t mib)
{
	struct explicit_target *t = pan_shared_alloc(sizeof(*t));

	if (!t)
		return NULL;
	t->id = id;
	t->mib = mib;
	t->pid = pan_spawn(explicit_target_main, t);
	if (t->pid > 0 && !explicit_wait(t))
		return t;
	pan_error(t->result ?: -EIO, "target %u of 4 x %u MiB", id, mib);
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		pan_join(t->pid, pan_now_ms() + EXPLICIT_MS);
	}
	pan_shared_free(t, sizeof(*t));
	return NULL;
}

static inline void explicit_kill(struct explicit_target *t)
{
	if (!t)
		return;
	kill(t->pid, SIGKILL);
	pan_join(t->pid, pan_now_ms() + EXPLICIT_MS);
	pan_shared_free(t, sizeof(*t));
}

/* Resident bytes of the BOs that a process created. */
static inline int64_t explicit_resident(const struct pan_dev *dev, int pid)
{
	uint64_t resident;

	return pan_gems_resident_of(dev, pid, &resident) ? -1 : (int64_t)resident;
}

/* In FIXTURE_SETUP(), after PAN_OPEN_OR_SKIP(). */
#define EXPLICIT_NEEDS(dev) do { \
	const struct pan_dev *needs_dev = (dev); \
\
	ENGINE_NEEDS(needs_dev); \
	if (!explicit_there(needs_dev)) \
		SKIP(return, "the device has no sysfs file 'mem_reclaim'"); \
	if (geteuid()) \
		SKIP(return, "needs root"); \
} while (0)

#endif /* EXPLICIT_COMMON_H */
