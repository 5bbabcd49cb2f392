// SPDX-License-Identifier: GPL-2.0
/*
 * Reclaimed memory leaves memory, whatever kind of BO it was, and comes back
 * word for word.
 */
#include "engine_common.h"

#define MIB		8u
#define PAGES		(MIB * 256u)

/* The context's own streams and flags are private BOs, too. */
#define SLACK		64

FIXTURE(leave)
{
	struct pan_client client;
};

FIXTURE_VARIANT(leave)
{
	enum pan_buf_kind kind;
	const char *class;
};

FIXTURE_VARIANT_ADD(leave, private)
{
	.kind = PAN_BUF_PRIVATE,
	.class = "class_private_pages",
};

FIXTURE_VARIANT_ADD(leave, shared)
{
	.kind = PAN_BUF_SHARED,
	.class = "class_shared_pages",
};

FIXTURE_VARIANT_ADD(leave, mmapped)
{
	.kind = PAN_BUF_MMAPPED,
	.class = "class_mmapped_pages",
};

FIXTURE_VARIANT_ADD(leave, unused)
{
	.kind = PAN_BUF_UNUSED,
	.class = "class_unused_pages",
};

FIXTURE_SETUP(leave)
{
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	ENGINE_NEEDS(&dev);
	pan_close(&dev);
	ASSERT_OK(pan_client_init(&self->client, 1, 2));
	ASSERT_OK(pan_client_add_mib(&self->client, 0, MIB, variant->kind));
	ASSERT_OK(pan_client_work(&self->client, 0));
}

FIXTURE_TEARDOWN(leave)
{
	pan_client_fini(&self->client);
}

TEST_F(leave, bos_are_counted_under_their_class)
{
	EXPECT_LE(PAGES, engine_stat(&self->client.dev, variant->class));
	EXPECT_OK(engine_books(&self->client.dev));
}

TEST_F(leave, free_memory_rises_by_what_is_reported)
{
	struct pan_dev *dev = &self->client.dev;
	int64_t reported, left;

	left = engine_free_pages();
	reported = engine_shrink(dev, ENGINE_ALL_PAGES);
	left = engine_free_pages() - left;
	TH_LOG("%lld pages reported, %lld left memory", (long long)reported, (long long)left);
	EXPECT_GE(reported, (int64_t)PAGES);
	EXPECT_GE(left * 100, reported * 95);
	EXPECT_EQ(0, engine_stat(dev, variant->class));
	EXPECT_LE(PAGES, engine_stat(dev, "class_evicted_pages"));
	EXPECT_OK(engine_books(dev));
}

/* It is for caches: memory whose contents swap would have to keep is none. */
TEST_F(leave, drop_caches_leaves_all_of_it)
{
	struct pan_dev *dev = &self->client.dev;
	const char *const orders[] = { "2", "3" };
	int64_t evicted = engine_stat(dev, "class_evicted_pages");
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
		ASSERT_LE(0, fd);
		EXPECT_EQ(1, write(fd, orders[i], 1));
		close(fd);
		EXPECT_LE(PAGES, engine_stat(dev, variant->class));
		EXPECT_EQ(evicted, engine_stat(dev, "class_evicted_pages"));
	}
}

TEST_F(leave, contents_come_back)
{
	struct pan_dev *dev = &self->client.dev;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_LE(PAGES, engine_shrink(dev, ENGINE_ALL_PAGES));
		ASSERT_OK(pan_client_work(&self->client, 0));
		ASSERT_OK(pan_client_check(&self->client, 0));
	}
	EXPECT_LE(2 * PAGES, engine_stat(dev, "swapped_in_pages"));
	EXPECT_OK(engine_books(dev));
}

TEST_F(leave, evicted_bos_can_be_closed)
{
	struct pan_dev *dev = &self->client.dev;
	int64_t evicted;

	evicted = engine_stat(dev, "class_evicted_pages");
	ASSERT_LE(PAGES, engine_shrink(dev, ENGINE_ALL_PAGES));
	pan_client_trim(&self->client, 0);
	EXPECT_OK(engine_books(dev));
	EXPECT_LE(engine_stat(dev, "class_evicted_pages"), evicted + SLACK);
}

FIXTURE(amount)
{
	struct pan_client client;
};

FIXTURE_SETUP(amount)
{
	struct pan_dev dev;

	PAN_OPEN_OR_SKIP(&dev);
	ENGINE_NEEDS(&dev);
	pan_close(&dev);
	ASSERT_OK(pan_client_init(&self->client, 2, 1));
}

FIXTURE_TEARDOWN(amount)
{
	pan_client_fini(&self->client);
}

/* BOs of 64 pages: whatever is asked, less than one of them more is taken. */
TEST_F(amount, overshoot_is_less_than_a_bo)
{
	static const uint64_t targets[] = { 1, 63, 64, 65, 128, 200, 640 };
	struct pan_client *client = &self->client;
	int64_t got, evicted;
	uint32_t i;

	for (i = 0; i < 40; i++)
		ASSERT_OK(pan_client_add(client, 0, 64 * PAN_PAGE, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(client, 0));
	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		evicted = engine_stat(&client->dev, "evicted_pages");
		got = engine_shrink(&client->dev, targets[i]);
		evicted = engine_stat(&client->dev, "evicted_pages") - evicted;
		EXPECT_GE(evicted, (int64_t)targets[i]);
		EXPECT_LT(evicted, (int64_t)targets[i] + 64);
		EXPECT_LE(got, evicted);
	}
	ASSERT_OK(pan_client_work(client, 0));
	EXPECT_OK(pan_client_check(client, 0));
}

TEST_F(amount, result_is_decimal_and_that_of_this_file)
{
	char path[128], text[32];
	int fd, other;
	int64_t got;

	ASSERT_OK(pan_client_add_mib(&self->client, 0, 2, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(&self->client, 0));
	snprintf(path, sizeof(path), "%s/shrink", self->client.dev.debugfs);
	fd = open(path, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(3, write(fd, "512", 3));
	got = engine_shrink(&self->client.dev, 0);
	EXPECT_EQ(0, got);
	memset(text, 0, sizeof(text));
	ASSERT_LT(0, pread(fd, text, sizeof(text) - 1, 0));
	EXPECT_GE(atoll(text), 512);
	EXPECT_EQ('\n', text[strlen(text) - 1]);
	EXPECT_EQ(strlen(text) - 1, strspn(text, "0123456789"));

	/* A file that was not written to shows the last request of all. */
	other = open(path, O_RDONLY);
	ASSERT_LE(0, other);
	memset(text, 0, sizeof(text));
	ASSERT_LT(0, read(other, text, sizeof(text) - 1));
	EXPECT_STREQ("0\n", text);
	close(other);
	close(fd);
}

TEST_F(amount, shrink_rejects_what_is_no_number)
{
	static const char * const bad[] = { "", "\n", " ", "x", "-1", "1 2", "12x", "0x", "1.5",
					    "99999999999999999999999" };
	char path[128];
	uint32_t i;

	snprintf(path, sizeof(path), "%s/shrink", self->client.dev.debugfs);
	for (i = 1; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_GT(0, pan_write_file(path, bad[i])) TH_LOG("'%s'", bad[i]);
	EXPECT_OK(pan_write_file(path, "0"));
	EXPECT_OK(pan_write_file(path, "0\n"));
}

/* Firmware, queues, sync objects: memory that has to stay where it is. */
TEST_F(amount, pinned_memory_stays)
{
	struct pan_dev *dev = &self->client.dev;
	int64_t unreclaimable;
	int i;

	ASSERT_OK(pan_client_add_mib(&self->client, 0, 2, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(&self->client, 0));
	unreclaimable = engine_stat(dev, "class_unreclaimable_bos") -
			engine_stat(dev, "class_evicted_bos");
	for (i = 0; i < 5; i++)
		ASSERT_LE(0, engine_shrink(dev, ENGINE_ALL_PAGES));
	EXPECT_EQ(unreclaimable, engine_stat(dev, "class_unreclaimable_bos") -
				 engine_stat(dev, "class_evicted_bos"));
	for (i = 0; i < 5; i++) {
		ASSERT_OK(pan_client_work(&self->client, 0));
		ASSERT_OK(pan_client_check(&self->client, 0));
	}
}

/* What was restored for a job costs one flush, not one per BO. */
TEST_F(amount, a_vm_is_evicted_with_one_flush)
{
	struct pan_dev *dev = &self->client.dev;
	int64_t flushes, restores, vmas;
	int i;

	for (i = 0; i < 64; i++)
		ASSERT_OK(pan_client_add(&self->client, 0, 4 * PAN_PAGE, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(&self->client, 0));
	flushes = engine_stat(dev, "flushes");
	ASSERT_LE(64 * 4, engine_shrink(dev, ENGINE_ALL_PAGES));
	EXPECT_GE(flushes + 2, engine_stat(dev, "flushes"));

	restores = engine_stat(dev, "restores");
	vmas = engine_stat(dev, "restored_vmas");
	ASSERT_OK(pan_client_work(&self->client, 0));
	EXPECT_EQ(restores + 1, engine_stat(dev, "restores"));
	EXPECT_LE(vmas + 64, engine_stat(dev, "restored_vmas"));
	EXPECT_OK(pan_client_check(&self->client, 0));
}

/* fdinfo of a client tells how much of it is evicted. */
TEST_F(amount, fdinfo_shows_evicted_memory)
{
	struct pan_client *client = &self->client;
	uint64_t kib = ~0ull;
	char path[64];

	ASSERT_OK(pan_client_add_mib(client, 0, 8, PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(client, 0));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", client->dev.fd);
	ASSERT_OK(pan_read_key(path, "panthor-evicted-memory:", &kib));
	EXPECT_EQ(0, kib);
	ASSERT_LE(8 * 256, engine_shrink(&client->dev, ENGINE_ALL_PAGES));
	ASSERT_OK(pan_read_key(path, "panthor-evicted-memory:", &kib));
	EXPECT_LE(8, kib);
	ASSERT_OK(pan_client_work(client, 0));
	ASSERT_OK(pan_client_check(client, 0));
	ASSERT_OK(pan_read_key(path, "panthor-evicted-memory:", &kib));
	EXPECT_EQ(0, kib);
}

TEST_HARNESS_MAIN
