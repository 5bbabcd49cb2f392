// SPDX-License-Identifier: GPL-2.0
/* Without swap space nothing is evicted, and debugfs says why. */
#include <sys/swap.h>

#include "engine_common.h"

FIXTURE(noswap)
{
	struct pan_client client;
	char device[128];
	bool off;
};

FIXTURE_SETUP(noswap)
{
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	ENGINE_NEEDS(&dev);
	pan_close(&dev);
	if (pan_swap_area(self->device, sizeof(self->device)))
		SKIP(return, "not exactly one swap area");
	ASSERT_OK(pan_client_init(&self->client, 5, 1));
	ASSERT_OK(pan_client_add_mib(&self->client, 0, 4, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(&self->client, 0));
	ASSERT_OK(swapoff(self->device));
	self->off = true;
}

FIXTURE_TEARDOWN(noswap)
{
	if (self->off)
		ASSERT_OK(swapon(self->device, 0));
	pan_client_fini(&self->client);
}

TEST_F(noswap, nothing_is_evicted)
{
	struct pan_dev *dev = &self->client.dev;
	int64_t skipped = engine_stat(dev, "skip_noswap");
	int64_t evicted = engine_stat(dev, "evicted_pages");

	EXPECT_EQ(0, engine_stat(dev, "swap_pages"));
	EXPECT_EQ(0, engine_shrink(dev, ENGINE_ALL_PAGES));
	EXPECT_EQ(skipped + 1, engine_stat(dev, "skip_noswap"));
	EXPECT_EQ(evicted, engine_stat(dev, "evicted_pages"));
	EXPECT_LE(4 * 256, engine_stat(dev, "class_private_pages"));
	ASSERT_OK(pan_client_work(&self->client, 0));
	EXPECT_OK(pan_client_check(&self->client, 0));
}

TEST_F(noswap, eviction_works_again_with_swap)
{
	struct pan_dev *dev = &self->client.dev;

	EXPECT_EQ(0, engine_shrink(dev, ENGINE_ALL_PAGES));
	ASSERT_OK(swapon(self->device, 0));
	self->off = false;
	EXPECT_LE(4 * 256, engine_shrink(dev, ENGINE_ALL_PAGES));
	ASSERT_OK(pan_client_work(&self->client, 0));
	EXPECT_OK(pan_client_check(&self->client, 0));
}

/* Swapping back in what was evicted is no business of the driver's. */
TEST_F(noswap, evicted_bos_survive_swapoff)
{
	struct pan_dev *dev = &self->client.dev;

	ASSERT_OK(swapon(self->device, 0));
	self->off = false;
	ASSERT_LE(4 * 256, engine_shrink(dev, ENGINE_ALL_PAGES));
	ASSERT_OK(swapoff(self->device));
	self->off = true;
	ASSERT_OK(pan_client_work(&self->client, 0));
	EXPECT_OK(pan_client_check(&self->client, 0));
	EXPECT_OK(engine_books(dev));
}

TEST_HARNESS_MAIN
