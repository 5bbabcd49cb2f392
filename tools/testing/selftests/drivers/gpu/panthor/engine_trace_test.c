// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints of reclaim tell the same as its counters.
 */
#include "engine_common.h"

#define TRACING		"/sys/kernel/tracing/"
#define EVENTS		TRACING "events/panthor_reclaim/"

#define BOS		8
#define BO_PAGES	64u

FIXTURE(trace)
{
	struct pan_client client;
};

FIXTURE_SETUP(trace)
{
	struct pan_dev dev;
	int i;

	PAN_OPEN_OR_SKIP(&dev);
	ENGINE_NEEDS(&dev);
	pan_close(&dev);
	if (!pan_file_exists(EVENTS "enable"))
		SKIP(return, "no tracefs at " TRACING ", or a kernel without CONFIG_FTRACE");
	ASSERT_OK(pan_client_init(&self->client, 9, 1));
	for (i = 0; i < BOS; i++)
		ASSERT_OK(pan_client_add(&self->client, 0, BO_PAGES * PAN_PAGE,
					 PAN_BUF_PRIVATE));
	ASSERT_OK(pan_client_work(&self->client, 0));
	ASSERT_OK(pan_write_file(TRACING "trace", ""));
	ASSERT_OK(pan_write_file(EVENTS "enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	pan_write_file(EVENTS "enable", "0");
	pan_write_file(TRACING "trace", "");
	pan_client_fini(&self->client);
}

/**
 * struct seen - What the lines of an event add up to
 * @lines: number of lines
 * @sum: sum of the field that was asked for
 */
struct seen {
	int64_t lines;
	int64_t sum;
};

/* The lines of @event that have the text @having, and the sum of their @field. */
static int look(const char *event, const char *having, const char *field, struct seen *seen)
{
	char line[512], *at;
	FILE *f;

	memset(seen, 0, sizeof(*seen));
	f = fopen(TRACING "trace", "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		at = strstr(line, event);
		if (line[0] == '#' || !at || (having && !strstr(at, having)))
			continue;
		at = strstr(at, field);
		if (!at)
			continue;
		seen->lines++;
		seen->sum += strtoll(at + strlen(field), NULL, 10);
	}
	fclose(f);
	return 0;
}

TEST_F(trace, scans_vms_and_bos)
{
	struct pan_dev *dev = &self->client.dev;
	int64_t scans, bos, pages;
	struct seen seen;

	scans = engine_stat(dev, "scans");
	bos = engine_stat(dev, "evicted_bos");
	pages = engine_stat(dev, "evicted_pages");
	ASSERT_LE(BOS * BO_PAGES, engine_shrink(dev, ENGINE_ALL_PAGES));
	ASSERT_OK(pan_write_file(EVENTS "enable", "0"));
	scans = engine_stat(dev, "scans") - scans;
	bos = engine_stat(dev, "evicted_bos") - bos;
	pages = engine_stat(dev, "evicted_pages") - pages;

	ASSERT_OK(look("panthor_reclaim_scan_begin:", NULL, " target=", &seen));
	EXPECT_EQ(scans, seen.lines);
	ASSERT_OK(look("panthor_reclaim_scan_end:", NULL, " evicted=", &seen));
	EXPECT_EQ(scans, seen.lines);
	EXPECT_EQ(pages, seen.sum);
	ASSERT_OK(look("panthor_reclaim_evict:", " result=0", " pages=", &seen));
	EXPECT_EQ(bos, seen.lines);
	EXPECT_EQ(pages, seen.sum);
	ASSERT_OK(look("panthor_reclaim_vm:", " result=0", " left_bos=", &seen));
	EXPECT_LE(1, seen.lines);
}

TEST_F(trace, restores)
{
	struct pan_dev *dev = &self->client.dev;
	int64_t restores, vmas;
	struct seen seen;

	ASSERT_LE(BOS * BO_PAGES, engine_shrink(dev, ENGINE_ALL_PAGES));
	restores = engine_stat(dev, "restores");
	vmas = engine_stat(dev, "restored_vmas");
	ASSERT_OK(pan_client_work(&self->client, 0));
	ASSERT_OK(pan_write_file(EVENTS "enable", "0"));
	restores = engine_stat(dev, "restores") - restores;
	vmas = engine_stat(dev, "restored_vmas") - vmas;

	EXPECT_LE(BOS, vmas);
	ASSERT_OK(look("panthor_reclaim_restore:", " result=0", " vmas=", &seen));
	EXPECT_EQ(restores, seen.lines);
	EXPECT_EQ(vmas, seen.sum);
	EXPECT_OK(pan_client_check(&self->client, 0));
}

TEST_HARNESS_MAIN
