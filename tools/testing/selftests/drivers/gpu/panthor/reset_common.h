/* SPDX-License-Identifier: GPL-2.0 */
/* What tests of resets share: who is running before one, and who works after it. */
#ifndef RESET_COMMON_H
#define RESET_COMMON_H

#include <errno.h>

#include "lib/pan_ctx.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_model.h"
#include "lib/pan_pattern.h"
#include "lib/pan_proc.h"

#define SIZE		(256ull << 10)
#define DEADLINE_MS	20000

/* A job that keeps its VM in an address space until it is let go. */
static inline int start_endless(struct pan_ctx *ctx)
{
	*pan_flag(ctx, 0) = 0;
	*pan_flag(ctx, 1) = 0;
	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(1), 1);
	pan_cs_spin_until(&ctx->cs[0], pan_flag_va(0));
	if (pan_ctx_submit(ctx, 0))
		return -EIO;
	return pan_wait_word(pan_flag(ctx, 1), 1, DEADLINE_MS);
}

static inline int end_endless(struct pan_ctx *ctx)
{
	*pan_flag(ctx, 0) = 1;
	return pan_ctx_wait(ctx, 0);
}

static inline int new_client_works(struct pan_dev *dev)
{
	struct pan_ctx ctx;
	struct pan_bo bo;
	int64_t ret;

	ret = pan_ctx_init(&ctx, dev, 1);
	if (ret)
		return ret;
	ret = pan_ctx_bo(&ctx, SIZE, true, &bo);
	if (!ret)
		ret = pan_ctx_bo_map(&ctx, &bo);
	if (!ret) {
		pan_cs_fill(pan_ctx_begin(&ctx, 0), bo.va, SIZE, 9);
		ret = pan_ctx_run(&ctx, 0);
	}
	if (!ret)
		ret = pan_pattern_check(bo.map, SIZE, 9, 0);
	pan_ctx_bo_free(&ctx, &bo);
	pan_ctx_fini(&ctx);
	return ret;
}

/* The driver says that there is no space for a group until the reset is over. */
static inline int new_client_works_after_reset(struct pan_dev *dev)
{
	uint64_t end = pan_now_ms() + DEADLINE_MS;
	int ret;

	while ((ret = new_client_works(dev)) == -ENOSPC && pan_now_ms() < end)
		pan_sleep_ms(5);
	return ret;
}

#endif /* RESET_COMMON_H */
