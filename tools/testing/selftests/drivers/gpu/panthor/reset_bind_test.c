// SPDX-License-Identifier: GPL-2.0
/*
 * VM_BINDs do not stop while the GPU is reset. What one of them has locked in its
 * address space must not stay locked in that of who has it after the reset.
 */
#include <pthread.h>

#include "reset_common.h"

/* Commands take that long, so that one is on its way when the reset ends. */
#define AS_DELAY_US	2000
#define L2_TRANS_US	8000

/*
 * Where a new client has its first buffer, but not in large pages: thousands of small
 * ones take their time between lock and unlock.
 */
#define BIND_VA		(PAN_DATA_VA + PAN_PAGE)
#define BIND_SIZE	(8ull << 20)

struct binder {
	struct pan_ctx *ctx;
	uint32_t handle;
	uint32_t count;
	int ret;
	volatile bool stop;
};

FIXTURE(reset_bind)
{
	struct pan_dev dev;
	struct pan_ctx busy;
	struct pan_ctx ctx;
	struct binder binder;
	pthread_t thread;
	uint64_t resets;
};

FIXTURE_SETUP(reset_bind)
{
	struct binder *binder = &self->binder;

	PAN_OPEN_OR_SKIP(&self->dev);
	PAN_NEEDS_MODEL();
	PAN_NEEDS_INJECTION("l2_trans_us");
	pan_model_calm();
	ASSERT_OK(pan_ctx_init(&self->busy, &self->dev, 1));
	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));

	binder->ctx = &self->busy;
	ASSERT_OK(pan_bo_create(&self->dev, BIND_SIZE, 0, self->busy.vm, &binder->handle));
	self->resets = pan_model_count("resets");
}

FIXTURE_TEARDOWN(reset_bind)
{
	pan_model_calm();
	pan_ctx_fini(&self->ctx);
	pan_ctx_fini(&self->busy);
	pan_close(&self->dev);
}

static void *bind_main(void *arg)
{
	struct binder *binder = arg;
	struct pan_ctx *ctx = binder->ctx;

	while (!binder->stop && !binder->ret) {
		binder->ret = pan_vm_map(ctx->dev, ctx->vm, binder->handle, 0,
					 BIND_VA, BIND_SIZE, PAN_MAP_RW) ?:
			      pan_vm_unmap(ctx->dev, ctx->vm, BIND_VA, BIND_SIZE);
		binder->count++;
	}
	return NULL;
}

TEST_F_TIMEOUT(reset_bind, leaves_nothing_locked, 300)
{
	struct binder *binder = &self->binder;
	uint32_t rounds = pan_rounds(20, 8), i;

	for (i = 1; i <= rounds; i++) {
		/* Its VM gets the address space that the first VM has after the reset. */
		ASSERT_OK(pan_wait_runtime_status(&self->dev, "suspended", DEADLINE_MS));
		ASSERT_OK(start_endless(&self->busy));

		ASSERT_OK(pan_model_inject("as_delay_us", AS_DELAY_US));
		ASSERT_OK(pan_model_inject("l2_trans_us", L2_TRANS_US));
		binder->stop = false;
		binder->count = 0;
		binder->ret = 0;
		ASSERT_EQ(0, pthread_create(&self->thread, NULL, bind_main, binder));

		EXPECT_OK(pan_model_inject("mcu_hang", 1));
		pan_cs_store32(pan_ctx_begin(&self->ctx, 0), pan_flag_va(2), 1);
		pan_ctx_submit(&self->ctx, 0);
		EXPECT_OK(pan_model_wait_resets(self->resets + i, DEADLINE_MS));
		pan_ctx_wait(&self->busy, 0);
		pan_ctx_wait(&self->ctx, 0);

		binder->stop = true;
		pthread_join(self->thread, NULL);
		EXPECT_OK(binder->ret);
		EXPECT_LT(0, binder->count);
		pan_model_calm();

		ASSERT_OK(new_client_works_after_reset(&self->dev));
		ASSERT_OK(pan_ctx_new_group_after_reset(&self->busy, DEADLINE_MS));
		ASSERT_OK(pan_ctx_new_group_after_reset(&self->ctx, DEADLINE_MS));
	}
}

TEST_HARNESS_MAIN
