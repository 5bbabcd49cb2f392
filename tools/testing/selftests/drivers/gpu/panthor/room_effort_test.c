// SPDX-License-Identifier: GPL-2.0
/* DRM_PANTHOR_CLIENT_MEMORY_BEST_EFFORT: what is not free is left to others. */
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "explicit_common.h"
#include "lib/pan_mem.h"

#define TIMEOUT_S	120
#define SIZE		PAN_MIB
#define BOS		48

FIXTURE(effort)
{
	struct pan_dev dev;
	struct pan_client client;
	char *hog;
	size_t hog_size;
};

FIXTURE_SETUP(effort)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
	ASSERT_OK(pan_client_init(&self->client, 1, 1));
	ASSERT_OK(pan_client_add_mib(&self->client, 0, BOS, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(&self->client, 0));
}

FIXTURE_TEARDOWN(effort)
{
	if (self->hog)
		munmap(self->hog, self->hog_size);
	pan_client_fini(&self->client);
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

static int ask(FIXTURE_DATA(effort) *self, uint32_t op, uint32_t flags,
	       struct drm_panthor_client_memory *args)
{
	*args = (struct drm_panthor_client_memory) { .op = op, .flags = flags, .pidfd = -1 };
	return ioctl(self->client.dev.fd, DRM_IOCTL_PANTHOR_CLIENT_MEMORY, args) ? -errno : 0;
}

/* Uses memory until no more than @left pages are free. */
static int use_memory(FIXTURE_DATA(effort) *self, uint64_t left)
{
	size_t used = 0;

	self->hog_size = pan_free_pages() * PAN_PAGE;
	self->hog = mmap(NULL, self->hog_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (self->hog == MAP_FAILED) {
		self->hog = NULL;
		return -errno;
	}
	while (pan_free_pages() > left && used < self->hog_size) {
		self->hog[used] = 1;
		used += PAN_PAGE;
	}
	return 0;
}

/* All that reclaim takes from others, by kswapd as well. */
static uint64_t taken(const struct pan_dev *dev)
{
	return pan_vmstat("pgsteal_kswapd") + pan_vmstat("pgsteal_direct") +
	       pan_vmstat("pswpout") + engine_stat(dev, "evicted_pages");
}

TEST_F_TIMEOUT(effort, what_is_free_is_enough, TIMEOUT_S)
{
	struct drm_panthor_client_memory args;
	int64_t restores;

	ASSERT_OK(ask(self, DRM_PANTHOR_CLIENT_MEMORY_OUT, 0, &args));
	ASSERT_OK(ask(self, DRM_PANTHOR_CLIENT_MEMORY_IN, DRM_PANTHOR_CLIENT_MEMORY_BEST_EFFORT,
		      &args));
	EXPECT_EQ(0, args.evicted);
	EXPECT_LE(BOS * SIZE, args.done);

	/* It is mapped as well. */
	restores = engine_stat(&self->dev, "restores");
	EXPECT_OK(pan_client_work(&self->client, 0));
	EXPECT_EQ(restores, engine_stat(&self->dev, "restores"));
	EXPECT_OK(pan_client_check(&self->client, 0));
	EXPECT_EQ(0, self->client.bad_words);
}

/* Half of it is free at most: nothing is taken from others, and some comes back. */
TEST_F_TIMEOUT(effort, what_is_not_free_stays_with_others, TIMEOUT_S)
{
	struct drm_panthor_client_memory args;
	uint64_t before, all;

	ASSERT_OK(ask(self, DRM_PANTHOR_CLIENT_MEMORY_QUERY, 0, &args));
	all = args.resident;
	ASSERT_OK(ask(self, DRM_PANTHOR_CLIENT_MEMORY_OUT, 0, &args));
	ASSERT_OK(use_memory(self, BOS / 2 * SIZE / PAN_PAGE));
	before = taken(&self->dev);
	EXPECT_EQ(-ENOMEM, ask(self, DRM_PANTHOR_CLIENT_MEMORY_IN,
			       DRM_PANTHOR_CLIENT_MEMORY_BEST_EFFORT, &args));
	EXPECT_EQ(before, taken(&self->dev));
	TH_LOG("%llu of %llu KiB are back", (unsigned long long)args.done >> 10,
	       (unsigned long long)all >> 10);
	EXPECT_LE(BOS / 2 * SIZE, args.evicted);

	/* Without the flag all of it comes back. */
	EXPECT_OK(ask(self, DRM_PANTHOR_CLIENT_MEMORY_IN, 0, &args));
	EXPECT_EQ(all, args.resident);
	EXPECT_LT(before, taken(&self->dev));
	EXPECT_OK(pan_client_work(&self->client, 0));
	EXPECT_OK(pan_client_check(&self->client, 0));
	EXPECT_EQ(0, self->client.bad_words);
}

TEST_HARNESS_MAIN
