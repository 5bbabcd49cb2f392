// SPDX-License-Identifier: GPL-2.0
/* A VM with a running job: what a scan takes instead, and how long it waits. */
#include "engine_common.h"

#define BUSY_BOS	65
#define IDLE_BOS	16
#define BO_PAGES	16
#define BUSY_PAGES	(BUSY_BOS * BO_PAGES)
#define IDLE_PAGES	(IDLE_BOS * BO_PAGES)
#define BUDGET_US	10000

FIXTURE(busy)
{
	struct pan_client busy;
	struct pan_client idle;
};

static int add_bos(struct pan_client *client, uint32_t count)
{
	int ret = 0;

	while (!ret && count--)
		ret = pan_client_add(client, 0, BO_PAGES * PAN_PAGE, PAN_BUF_PRIVATE);
	return ret ?: pan_client_work(client, 0);
}

FIXTURE_SETUP(busy)
{
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	ENGINE_NEEDS(&dev);
	pan_close(&dev);
	ASSERT_OK(pan_client_init(&self->busy, 3, 1));
	ASSERT_OK(pan_client_init(&self->idle, 4, 1));
	ASSERT_OK(add_bos(&self->idle, IDLE_BOS));
	ASSERT_OK(add_bos(&self->busy, BUSY_BOS));
}

FIXTURE_TEARDOWN(busy)
{
	pan_client_fini(&self->idle);
	pan_client_fini(&self->busy);
}

static int start_job(struct pan_client *client)
{
	struct pan_ctx *ctx = &client->ctx[0];
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);

	*pan_flag(ctx, 0) = 0;
	*pan_flag(ctx, 1) = 0;
	pan_cs_store32(cs, pan_flag_va(1), 1);
	pan_cs_spin_until(cs, pan_flag_va(0));
	return pan_ctx_submit(ctx, 0) ?: pan_wait_word(pan_flag(ctx, 1), 1, 5000);
}

static int end_job(struct pan_client *client)
{
	struct pan_ctx *ctx = &client->ctx[0];

	*pan_flag(ctx, 0) = 1;
	return pan_ctx_wait(ctx, 0);
}

TEST_F(busy, one_scan_waits_for_its_budget_in_total)
{
	struct pan_dev *dev = &self->busy.dev;
	int64_t waits, us, timeouts;

	/* Nothing idle is left. */
	ASSERT_LE(0, engine_shrink(dev, ENGINE_ALL_PAGES));
	ASSERT_OK(pan_client_work(&self->busy, 0));
	ASSERT_OK(start_job(&self->busy));
	waits = engine_stat(dev, "waits");
	timeouts = engine_stat(dev, "wait_timeouts");
	us = engine_stat(dev, "wait_us");
	EXPECT_EQ(0, engine_shrink(dev, 4096));
	us = engine_stat(dev, "wait_us") - us;
	TH_LOG("waited for %lld us", (long long)us);
	EXPECT_EQ(waits + 1, engine_stat(dev, "waits"));
	EXPECT_EQ(timeouts + 1, engine_stat(dev, "wait_timeouts"));
	EXPECT_GE(us, BUDGET_US);
	ASSERT_OK(end_job(&self->busy));
	ASSERT_OK(pan_client_work(&self->busy, 0));
	EXPECT_OK(pan_client_check(&self->busy, 0));
}

TEST_F(busy, idle_vm_goes_first_and_nothing_waits)
{
	struct pan_dev *dev = &self->busy.dev;
	int64_t waits, got;

	ASSERT_OK(start_job(&self->busy));
	waits = engine_stat(dev, "waits");
	got = engine_shrink(dev, IDLE_PAGES);
	EXPECT_LE(IDLE_PAGES, got);
	EXPECT_EQ(waits, engine_stat(dev, "waits"));

	/* Everything of the busy VM is still there. */
	EXPECT_LE(BUSY_PAGES, engine_stat(dev, "class_private_pages"));
	ASSERT_OK(end_job(&self->busy));
	ASSERT_OK(pan_client_work_all(&self->idle));
	ASSERT_OK(pan_client_work_all(&self->busy));
	EXPECT_OK(pan_client_check_all(&self->idle));
	EXPECT_OK(pan_client_check_all(&self->busy));
}

TEST_F(busy, vm_goes_once_its_job_is_done)
{
	struct pan_dev *dev = &self->busy.dev;

	ASSERT_OK(start_job(&self->busy));
	ASSERT_LE(0, engine_shrink(dev, ENGINE_ALL_PAGES));
	ASSERT_OK(end_job(&self->busy));
	EXPECT_LE(BUSY_PAGES, engine_shrink(dev, ENGINE_ALL_PAGES));
	ASSERT_OK(pan_client_work_all(&self->busy));
	EXPECT_OK(pan_client_check_all(&self->busy));
	EXPECT_OK(engine_books(dev));
}

/* The coldest VM is the one whose last job is the longest ago. */
TEST_F(busy, coldest_vm_goes_first)
{
	struct pan_dev *dev = &self->busy.dev;
	int64_t restores;

	ASSERT_OK(pan_client_work(&self->idle, 0));
	ASSERT_LE(BUSY_PAGES / 2, engine_shrink(dev, BUSY_PAGES / 2));
	restores = engine_stat(dev, "restores");
	ASSERT_OK(pan_client_work(&self->idle, 0));
	EXPECT_EQ(restores, engine_stat(dev, "restores"));
	ASSERT_OK(pan_client_work(&self->busy, 0));
	EXPECT_EQ(restores + 1, engine_stat(dev, "restores"));
	EXPECT_OK(pan_client_check_all(&self->busy));
}

TEST_HARNESS_MAIN
