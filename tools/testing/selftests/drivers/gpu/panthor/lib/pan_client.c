// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pan_client.h"
#include "pan_pattern.h"

/* A job must end well before the driver's timeout of 5 s, on a slow model too. */
#define JOB_BYTES	(4 * PAN_MIB)

/* Stream memory for the loop that the jobs of a VM share. */
#define ROUTINE_BYTES	(1ull << 10)

/* More instructions than emit() puts into a stream for one buffer. */
#define MAX_EMIT	256

static void init_routine(struct pan_ctx *ctx)
{
	struct pan_cs *cs = &ctx->cs[0];

	pan_cs_rewind(cs);
	pan_cs_step_routine(cs);
	pan_cs_init(cs, (char *)ctx->streams.map + ROUTINE_BYTES,
		    PAN_STREAM_VA + ROUTINE_BYTES, PAN_STREAM_SIZE - ROUTINE_BYTES);
}

static uint32_t routine_size(void)
{
	uint64_t scratch[ROUTINE_BYTES / sizeof(uint64_t)];
	struct pan_cs cs;

	pan_cs_init(&cs, scratch, 0, sizeof(scratch));
	pan_cs_step_routine(&cs);
	return pan_cs_size(&cs);
}

int pan_client_init(struct pan_client *client, uint32_t id, uint32_t vms)
{
	int ret;

	memset(client, 0, sizeof(*client));
	client->id = id;
	client->next_va = PAN_DATA_VA;
	ret = pan_open(&client->dev);
	if (ret)
		return ret;

	client->ctx = calloc(vms, sizeof(*client->ctx));
	if (!client->ctx) {
		pan_close(&client->dev);
		return -ENOMEM;
	}

	while (client->vms < vms) {
		ret = pan_ctx_init(&client->ctx[client->vms], &client->dev, 1);
		if (ret) {
			pan_client_fini(client);
			return ret;
		}
		init_routine(&client->ctx[client->vms++]);
	}
	return 0;
}

static void free_buf(struct pan_client *client, struct pan_buf *buf)
{
	uint32_t i;

	pan_ctx_bo_unmap(&buf->bo);
	if (buf->bo.va) {
		for (i = 0; i < client->vms; i++) {
			if (i == buf->vm || buf->kind == PAN_BUF_SHARED)
				pan_vm_unmap(&client->dev, client->ctx[i].vm, buf->bo.va,
					     buf->bo.size);
		}
	}
	if (buf->bo.handle)
		pan_bo_close(&client->dev, buf->bo.handle);
	memset(buf, 0, sizeof(*buf));
}

void pan_client_trim(struct pan_client *client, uint32_t count)
{
	while (client->count > count)
		free_buf(client, &client->bufs[--client->count]);
}

void pan_client_fini(struct pan_client *client)
{
	pan_client_trim(client, 0);
	while (client->vms)
		pan_ctx_fini(&client->ctx[--client->vms]);
	free(client->ctx);
	free(client->bufs);
	pan_close(&client->dev);
	memset(client, 0, sizeof(*client));
	client->dev.fd = -1;
}

static int bind_buf(struct pan_client *client, struct pan_buf *buf, uint32_t vm)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = PAN_MAP_RW,
		.bo_handle = buf->bo.handle,
		.va = client->next_va,
		.size = buf->bo.size,
	};
	int ret = pan_vm_bind(&client->dev, client->ctx[vm].vm, 0, &op, 1);

	if (!ret)
		buf->bo.va = client->next_va;
	else if (ret == -ENOMEM)
		client->enomem_bind++;
	return ret;
}

static int make_buf(struct pan_client *client, struct pan_buf *buf)
{
	uint32_t owner = buf->kind == PAN_BUF_PRIVATE ? client->ctx[buf->vm].vm : 0;
	uint32_t i;
	int ret;

	ret = pan_bo_create(&client->dev, buf->bo.size, 0, owner, &buf->bo.handle);
	if (ret)
		return ret;

	switch (buf->kind) {
	case PAN_BUF_PRIVATE:
		return bind_buf(client, buf, buf->vm);
	case PAN_BUF_SHARED:
		for (i = 0; !ret && i < client->vms; i++)
			ret = bind_buf(client, buf, i);
		return ret;
	case PAN_BUF_MMAPPED:
		return pan_ctx_bo_map(&client->ctx[buf->vm], &buf->bo);
	default:
		return 0;
	}
}

int pan_client_add(struct pan_client *client, uint32_t vm, uint64_t size,
		   enum pan_buf_kind kind)
{
	struct pan_buf *buf;
	int ret;

	if (client->count == client->capacity) {
		uint32_t capacity = client->capacity ? 2 * client->capacity : 64;

		buf = realloc(client->bufs, capacity * sizeof(*buf));
		if (!buf)
			return -ENOMEM;
		client->bufs = buf;
		client->capacity = capacity;
	}

	buf = &client->bufs[client->count];
	*buf = (struct pan_buf) {
		.bo.size = size,
		.kind = kind,
		.vm = vm,
		.seed = pan_seed(client->id, client->count),
	};
	ret = make_buf(client, buf);
	if (ret) {
		free_buf(client, buf);
		return ret;
	}
	client->next_va += size;
	client->count++;
	return 0;
}

int pan_client_add_mib(struct pan_client *client, uint32_t vm, uint32_t mib,
		       enum pan_buf_kind kind)
{
	int ret = 0;

	while (!ret && mib--)
		ret = pan_client_add(client, vm, PAN_MIB, kind);
	return ret;
}

static bool by_gpu(const struct pan_buf *buf)
{
	return buf->kind == PAN_BUF_PRIVATE || buf->kind == PAN_BUF_SHARED;
}

static void cpu_work(void *arg)
{
	struct pan_buf *buf = arg;

	if (buf->filled)
		pan_pattern_step(buf->bo.map, buf->bo.size);
	else
		pan_pattern_fill(buf->bo.map, buf->bo.size, buf->seed);
}

static void worked(struct pan_buf *buf)
{
	if (buf->filled)
		buf->steps++;
	else
		buf->steps = 0;
	buf->filled = true;
}

static int work_by_cpu(struct pan_client *client, struct pan_buf *buf)
{
	bool mapped = buf->bo.map, ok;
	int ret;

	ret = pan_ctx_bo_map(&client->ctx[buf->vm], &buf->bo);
	if (ret)
		return ret;

	ok = pan_catch_sigbus(cpu_work, buf);
	if (!mapped)
		pan_ctx_bo_unmap(&buf->bo);
	if (!ok) {
		/* Half a step was done, nobody knows which half: start anew next time. */
		buf->filled = false;
		client->sigbus++;
		return -EFAULT;
	}
	worked(buf);
	return 0;
}

static void emit(struct pan_ctx *ctx, struct pan_buf *buf, uint32_t routine)
{
	struct pan_cs *cs = &ctx->cs[0];

	if (!buf->filled) {
		pan_cs_fill(cs, buf->bo.va, buf->bo.size, buf->seed);
		return;
	}
	pan_cs_move48(cs, 64, buf->bo.va);
	pan_cs_move32(cs, 68, buf->bo.size / PAN_PAGE);
	pan_cs_call(cs, PAN_STREAM_VA, routine);
}

/* Runs one job over buffers from @first on; @next is the first one it left out. */
static int gpu_job(struct pan_client *client, uint32_t vm, uint32_t first, uint32_t *next)
{
	struct pan_ctx *ctx = &client->ctx[vm];
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);
	uint32_t routine = routine_size(), i;
	uint64_t bytes = 0;
	int ret;

	for (i = first; i < client->count; i++) {
		struct pan_buf *buf = &client->bufs[i];

		if (buf->vm != vm || !by_gpu(buf))
			continue;
		if (bytes && bytes + buf->bo.size > JOB_BYTES)
			break;
		if (cs->count + MAX_EMIT > cs->capacity)
			break;
		emit(ctx, buf, routine);
		bytes += buf->bo.size;
	}
	*next = i;
	if (!bytes)
		return 0;

	ret = pan_ctx_submit(ctx, 0);
	if (ret == -ENOMEM)
		client->enomem_submit++;
	if (!ret)
		ret = pan_ctx_wait(ctx, 0);
	if (ret)
		return ret;

	client->jobs++;
	for (i = first; i < *next; i++) {
		if (client->bufs[i].vm == vm && by_gpu(&client->bufs[i]))
			worked(&client->bufs[i]);
	}
	return 0;
}

int pan_client_work(struct pan_client *client, uint32_t vm)
{
	uint32_t i;
	int ret;

	for (i = 0; i < client->count; ) {
		ret = gpu_job(client, vm, i, &i);
		if (ret)
			return ret;
	}
	for (i = 0; i < client->count; i++) {
		if (client->bufs[i].vm != vm || by_gpu(&client->bufs[i]))
			continue;
		ret = work_by_cpu(client, &client->bufs[i]);
		if (ret)
			return ret;
	}
	return 0;
}

int pan_client_work_all(struct pan_client *client)
{
	int ret, first = 0;
	uint32_t vm;

	for (vm = 0; vm < client->vms; vm++) {
		ret = pan_client_work(client, vm);
		if (ret && ret != -ENOMEM && ret != -EFAULT)
			return ret;
		if (!first)
			first = ret;
	}
	return first;
}

static int check_buf(struct pan_client *client, struct pan_buf *buf)
{
	bool mapped = buf->bo.map;
	int64_t bad;
	int ret;

	if (!buf->filled)
		return 0;
	ret = pan_ctx_bo_map(&client->ctx[buf->vm], &buf->bo);
	if (ret)
		return ret;
	bad = pan_pattern_check(buf->bo.map, buf->bo.size, buf->seed, buf->steps);
	if (!mapped)
		pan_ctx_bo_unmap(&buf->bo);
	if (bad < 0) {
		client->sigbus++;
		return -EFAULT;
	}
	client->bad_words += bad;
	return bad ? -EILSEQ : 0;
}

int pan_client_check(struct pan_client *client, uint32_t vm)
{
	int ret, first = 0;
	uint32_t i;

	for (i = 0; i < client->count; i++) {
		if (client->bufs[i].vm != vm)
			continue;
		ret = check_buf(client, &client->bufs[i]);
		if (!first || ret == -EILSEQ)
			first = ret;
	}
	return first;
}

int pan_client_check_all(struct pan_client *client)
{
	int ret, first = 0;
	uint32_t vm;

	for (vm = 0; vm < client->vms; vm++) {
		ret = pan_client_check(client, vm);
		if (!first || ret == -EILSEQ)
			first = ret;
	}
	return first;
}

uint64_t pan_client_bytes(const struct pan_client *client)
{
	uint64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < client->count; i++)
		bytes += client->bufs[i].bo.size;
	return bytes;
}
