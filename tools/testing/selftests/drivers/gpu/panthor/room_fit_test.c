// SPDX-License-Identifier: GPL-2.0
/*
 * What fits and what does not: more than the machine's memory can be bound in
 * one address space, but jobs need all of it at once.
 */
#include <sys/ioctl.h>

#include "engine_common.h"

/* All waits for room end well before. */
#define BOUND_MS	120000

FIXTURE(room_fit)
{
	struct pan_client client;
	uint64_t oom_kills;
};

FIXTURE_SETUP(room_fit)
{
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	ENGINE_NEEDS(&dev);
	if (!pan_reclaim_has(&dev, "room_")) {
		pan_close(&dev);
		SKIP(return, "the driver does not make room");
	}
	pan_close(&dev);
	pan_be_expendable();
	self->oom_kills = pan_vmstat("oom_kill");
	ASSERT_OK(pan_client_init(&self->client, 21, 1));
}

FIXTURE_TEARDOWN(room_fit)
{
	pan_client_fini(&self->client);
	EXPECT_EQ(self->oom_kills, pan_vmstat("oom_kill"));
}

TEST_F_TIMEOUT(room_fit, vm_that_cannot_fit_works_after_unbinding, 280)
{
	struct pan_client *client = &self->client;
	uint32_t mib = pan_meminfo_pages("MemTotal") / 256 * 110 / 100;
	int64_t failures = engine_stat(&client->dev, "room_failures");
	uint64_t start;

	/* Binding pins a BO for a moment only. */
	ASSERT_OK(pan_client_add_mib(client, 0, mib, PAN_BUF_PRIVATE));

	start = pan_now_ms();
	EXPECT_EQ(-ENOMEM, pan_client_work(client, 0));
	EXPECT_EQ(1, client->enomem_submit);
	EXPECT_GT(BOUND_MS, pan_now_ms() - start);
	EXPECT_LT(failures, engine_stat(&client->dev, "room_failures"));

	/* Nothing of what was brought back in vain is in the way. */
	pan_client_trim(client, mib / 4);
	ASSERT_OK(pan_client_work(client, 0));
	ASSERT_OK(pan_client_work(client, 0));
	EXPECT_OK(pan_client_check_all(client));
	EXPECT_EQ(0, client->bad_words);
	EXPECT_EQ(0, engine_stat(&client->dev, "room_promised_pages"));
	EXPECT_OK(engine_books(&client->dev));
}

/* What comes back makes what came back before leave: less is in than was asked for. */
TEST_F_TIMEOUT(room_fit, claim_of_more_than_fits_does_not_say_done, 280)
{
	struct drm_panthor_client_memory args = {
		.op = DRM_PANTHOR_CLIENT_MEMORY_IN, .pidfd = -1,
	};
	uint32_t mib = pan_meminfo_pages("MemTotal") / 256 * 110 / 100;
	struct pan_client *client = &self->client;
	int ret;

	ASSERT_OK(pan_client_add_mib(client, 0, mib, PAN_BUF_PRIVATE));
	args.bytes = (uint64_t)mib * PAN_MIB;
	ret = ioctl(client->dev.fd, DRM_IOCTL_PANTHOR_CLIENT_MEMORY, &args) ? -errno : 0;
	TH_LOG("%d: %llu of %u MiB are in memory", ret,
	       (unsigned long long)args.resident / PAN_MIB, mib);
	EXPECT_LT(0, args.evicted);
	EXPECT_GT(args.bytes, args.resident);
	EXPECT_TRUE(ret == -EAGAIN || ret == -ENOMEM);
	EXPECT_OK(engine_books(&client->dev));
}

TEST_HARNESS_MAIN
