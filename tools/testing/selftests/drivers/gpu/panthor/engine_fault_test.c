// SPDX-License-Identifier: GPL-2.0
/*
 * A GPU that does not answer in the middle of an eviction: nothing is lost, no
 * page is given back that the GPU may still write to, and after the reset
 * everything goes on.
 */
#include "engine_common.h"

/* Three BOs of 256 KiB. */
#define BO_PAGES	64u
#define ALL_PAGES	(3 * BO_PAGES)

/* Two VMs, and a shared BO in both: each is locked and unlocked. */
#define MIN_COMMANDS	8
#define MAX_COMMANDS	64

#define TIMEOUT_S	120

#define RESET_MS	20000

FIXTURE(fault)
{
	struct pan_client client;
	struct pan_client other;
};

FIXTURE_SETUP(fault)
{
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	ENGINE_NEEDS(&dev);
	PAN_NEEDS_MODEL();
	pan_close(&dev);
	pan_model_calm();
	ASSERT_OK(pan_client_init(&self->client, 8, 2));
	ASSERT_OK(pan_client_init(&self->other, 9, 1));
	ASSERT_OK(pan_client_add(&self->client, 0, BO_PAGES * PAN_PAGE, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_add(&self->client, 1, BO_PAGES * PAN_PAGE, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_add(&self->client, 0, BO_PAGES * PAN_PAGE, PAN_BUF_SHARED));
	ASSERT_OK(pan_client_work_all(&self->client));
}

FIXTURE_TEARDOWN(fault)
{
	pan_model_calm();
	pan_client_fini(&self->other);
	pan_client_fini(&self->client);
}

/*
 * All that the client has. Pages that another CPU has just brought back are in that
 * CPU's batch of pages for the LRU, and held by it; dropping the page cache, but no
 * slabs, empties those.
 */
static int64_t shrink_all(struct pan_client *client)
{
	int ret = pan_write_file("/proc/sys/vm/drop_caches", "1");

	if (ret)
		return ret;
	return engine_shrink(&client->dev, ENGINE_ALL_PAGES);
}

/* A job that keeps the device from being suspended, and its VM in its slot. */
static int start_endless(struct pan_client *client)
{
	struct pan_ctx *ctx = &client->ctx[0];

	*pan_flag(ctx, 0) = 0;
	*pan_flag(ctx, 1) = 0;
	pan_cs_store32(pan_ctx_begin(ctx, 0), pan_flag_va(1), 1);
	pan_cs_spin_until(&ctx->cs[0], pan_flag_va(0));
	return pan_ctx_submit(ctx, 0) ?: pan_wait_word(pan_flag(ctx, 1), 1, 5000);
}

/*
 * Groups that ran may have been hit by the reset. Until it has happened nothing can
 * be mapped, a new group's own BOs neither.
 */
static int works_with_new_groups(struct pan_client *client)
{
	uint32_t i;
	int ret;

	for (i = 0; i < client->vms; i++) {
		ret = pan_ctx_new_group(&client->ctx[i]);
		if (ret)
			return ret;
	}
	return pan_client_work_all(client);
}

static int works_in_the_end(struct pan_client *client)
{
	uint64_t end = pan_now_ms() + RESET_MS;
	int ret;

	do {
		ret = works_with_new_groups(client);
	} while (ret && pan_now_ms() < end);
	return ret ?: pan_client_check_all(client);
}

TEST_F(fault, slow_address_space_only_takes_longer)
{
	PAN_NEEDS_INJECTION("as_delay_us");
	ASSERT_OK(pan_model_inject("as_delay_us", 5000));
	EXPECT_LE(ALL_PAGES, shrink_all(&self->client));
	ASSERT_OK(pan_model_inject("as_delay_us", 0));
	ASSERT_OK(pan_client_work_all(&self->client));
	EXPECT_OK(pan_client_check_all(&self->client));
	EXPECT_OK(engine_books(&self->client.dev));
}

/* Locking the region fails: not one BO of that VM may go. */
TEST_F(fault, stuck_address_space_loses_nothing)
{
	int64_t gpu;

	PAN_NEEDS_INJECTION("as_stuck");
	ASSERT_OK(start_endless(&self->other));
	ASSERT_OK(pan_client_work_all(&self->client));
	gpu = engine_stat(&self->client.dev, "skip_gpu");
	ASSERT_OK(pan_model_inject("as_stuck", 1));
	ASSERT_LE(0, engine_shrink(&self->client.dev, ENGINE_ALL_PAGES));
	EXPECT_LT(gpu, engine_stat(&self->client.dev, "skip_gpu"));
	pan_model_calm();
	*pan_flag(&self->other.ctx[0], 0) = 1;
	EXPECT_OK(works_in_the_end(&self->client));
	EXPECT_LE(ALL_PAGES, shrink_all(&self->client));
	EXPECT_OK(works_in_the_end(&self->client));
	EXPECT_OK(engine_books(&self->client.dev));
	EXPECT_EQ(0, pan_model_count("free_page_touches"));
}

/* The unlock after the second VM's mappings are gone fails, not the first lock. */
TEST_F_TIMEOUT(fault, later_commands_fail, TIMEOUT_S)
{
	uint32_t i;

	PAN_NEEDS_INJECTION("as_stuck");
	PAN_NEEDS_INJECTION("drop_invalidate");
	for (i = 0; i < 4; i++) {
		ASSERT_OK(start_endless(&self->other));
		ASSERT_OK(pan_model_inject("as_delay_us", 2000 * i));
		ASSERT_OK(pan_model_inject("as_stuck", 1));
		ASSERT_LE(0, engine_shrink(&self->client.dev, BO_PAGES * (i + 1)));
		pan_model_calm();
		*pan_flag(&self->other.ctx[0], 0) = 1;
		ASSERT_OK(works_in_the_end(&self->client));
		ASSERT_OK(pan_ctx_new_group_after_reset(&self->other.ctx[0], RESET_MS));
		ASSERT_OK(engine_books(&self->client.dev));
	}
	EXPECT_EQ(0, pan_model_count("free_page_touches"));
}

/*
 * Each address space command of an eviction fails once, those of the second VM of
 * a shared BO after the first was done with, too. The number of commands is the
 * mechanism's own: the last round is the first that none of them failed in.
 */
TEST_F_TIMEOUT(fault, every_command_fails_once, TIMEOUT_S)
{
	struct pan_dev *dev = &self->client.dev;
	int64_t freed, gpu = 0;
	uint64_t left = 0;
	uint32_t i;

	PAN_NEEDS_INJECTION("as_stuck_after");
	for (i = 0; !left && i < MAX_COMMANDS; i++) {
		ASSERT_OK(start_endless(&self->other));
		gpu = engine_stat(dev, "skip_gpu");
		ASSERT_OK(pan_model_inject("as_stuck_after", i));
		ASSERT_OK(pan_model_inject("as_stuck", 1));
		freed = shrink_all(&self->client);
		ASSERT_LE(0, freed);
		ASSERT_OK(pan_model_injected("as_stuck", &left));
		gpu = engine_stat(dev, "skip_gpu") - gpu;
		/* Else one of the GPU scheduler's commands may have been hit. */
		if (left)
			EXPECT_EQ(0, gpu);
		pan_model_calm();
		*pan_flag(&self->other.ctx[0], 0) = 1;
		ASSERT_OK(works_in_the_end(&self->client));
		ASSERT_OK(pan_ctx_new_group_after_reset(&self->other.ctx[0], RESET_MS));
		ASSERT_OK(engine_books(dev));
	}
	TH_LOG("%u commands", i - 1);
	EXPECT_EQ(1, left);
	EXPECT_LE(ALL_PAGES, freed);
	EXPECT_LT(MIN_COMMANDS, i);
	EXPECT_EQ(0, pan_model_count("free_page_touches"));
}

TEST_F(fault, suspended_device_is_reclaimed_from)
{
	ASSERT_OK(pan_wait_runtime_status(&self->client.dev, "suspended", 5000));
	EXPECT_LE(ALL_PAGES, shrink_all(&self->client));
	EXPECT_OK(pan_wait_runtime_status(&self->client.dev, "suspended", 0));
	ASSERT_OK(pan_client_work_all(&self->client));
	EXPECT_OK(pan_client_check_all(&self->client));
}

TEST_HARNESS_MAIN
