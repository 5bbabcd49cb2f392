// SPDX-License-Identifier: GPL-2.0
/*
 * Claiming reads from swap on all CPUs that work queues may use. How much faster
 * that is tells the benchmark (scenario explicit-claim-cpus).
 */
#include <sched.h>
#include <sys/sysinfo.h>

#include "explicit_common.h"

#define MIB		200u
#define BIG_MIB		16u
#define TIMEOUT_S	280
#define MAX_CPUS	64
#define WQ_CPUMASK	"/sys/devices/virtual/workqueue/cpumask"
#define TRACING		"/sys/kernel/tracing/"
#define EVENT		"panthor_claim_piece:"
#define ENABLE		TRACING "events/panthor_claim/enable"

/*
 * Of what is read, each of two CPUs has to read this part at least: not half, as one
 * of them may have other things to do. The benchmark says how much faster it is.
 */
#define LEAST_PART	40

FIXTURE(cpus)
{
	struct pan_client client;
	char cpumask[64];
	cpu_set_t affinity;
	uint32_t mib;
	bool zram;
};

FIXTURE_SETUP(cpus)
{
	struct pan_dev dev;
	uint64_t part;

	PAN_OPEN_OR_SKIP(&dev);
	EXPLICIT_NEEDS(&dev);
	pan_close(&dev);
	if (get_nprocs() < 2)
		SKIP(return, "one CPU");
	if (pan_read_file(WQ_CPUMASK, self->cpumask, sizeof(self->cpumask)) < 0)
		SKIP(return, "the CPUs of work queues cannot be chosen");
	if (!pan_file_exists(ENABLE))
		SKIP(return, "no tracefs at " TRACING ", or a kernel without CONFIG_FTRACE");
	ASSERT_OK(sched_getaffinity(0, sizeof(self->affinity), &self->affinity));

	/* Once as BOs, once as what zram makes of them, and room for the rest. */
	part = pan_free_pages() / 256 / 3;
	self->mib = part < MIB ? part : MIB;
	if (self->mib < 2 * BIG_MIB)
		SKIP(return, "only %u MiB for BOs", self->mib);
	if (pan_zram_on(self->mib + 16))
		SKIP(return, "no zram");
	self->zram = true;
	ASSERT_OK(pan_client_init(&self->client, 70, 1));
	/* One that is read in parts, and many that are read whole. */
	ASSERT_OK(pan_client_add(&self->client, 0, BIG_MIB * PAN_MIB, PAN_BUF_UNUSED));
	ASSERT_OK(pan_client_add_mib(&self->client, 0, self->mib - BIG_MIB, PAN_BUF_UNUSED));
	ASSERT_OK(pan_client_work(&self->client, 0));
}

FIXTURE_TEARDOWN(cpus)
{
	pan_write_file(ENABLE, "0");
	pan_write_file(TRACING "trace", "");
	pan_write_file(WQ_CPUMASK, self->cpumask);
	sched_setaffinity(0, sizeof(self->affinity), &self->affinity);
	pan_client_fini(&self->client);
	if (self->zram) {
		EXPECT_OK(pan_zram_off());
	}
}

static int only_cpu(int cpu)
{
	cpu_set_t set;
	char mask[32];

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	snprintf(mask, sizeof(mask), "%x", 1 << cpu);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno :
	       pan_write_file(WQ_CPUMASK, mask);
}

/**
 * struct claimed - What the events of a claim add up to, in pages
 * @by_cpu: by the CPU that brought them in
 * @by_us: by the task that claimed
 * @all: all of them
 */
struct claimed {
	uint64_t by_cpu[MAX_CPUS];
	uint64_t by_us;
	uint64_t all;
};

/* One line: "<task>-<pid> [<cpu>] <flags> <time>: <event> <fields>". */
static int add_line(const char *line, struct claimed *claimed)
{
	const char *event = strstr(line, EVENT), *at, *cpu = NULL, *pid = NULL;
	unsigned long start, end;
	int number, tgid, result;

	if (!event)
		return 0;
	for (at = line; at < event; at++) {
		if (*at == '[')
			cpu = at;
		if (*at == '-' && !cpu)
			pid = at;
	}
	number = cpu ? atoi(cpu + 1) : -1;
	at = strstr(event, " tgid=");
	if (!at || !pid || number < 0 || number >= MAX_CPUS ||
	    sscanf(at, " tgid=%d bo=%*u pages=%lu-%lu result=%d", &tgid, &start, &end,
		   &result) != 4)
		return pan_error(-EBADMSG, "%s", line);
	if (tgid != getpid())
		return 0;
	if (result)
		return pan_error(result, "%s", line);
	claimed->by_cpu[number] += end - start;
	claimed->by_us += atoi(pid + 1) == getpid() ? end - start : 0;
	claimed->all += end - start;
	return 0;
}

static int add_lines(struct claimed *claimed)
{
	char line[512];
	int ret = 0;
	FILE *f;

	f = fopen(TRACING "trace", "re");
	if (!f)
		return -errno;
	while (!ret && fgets(line, sizeof(line), f))
		ret = line[0] == '#' ? 0 : add_line(line, claimed);
	fclose(f);
	return ret;
}

/* Everything leaves and is claimed; @pages is what the driver says came back. */
static int there_and_back(struct pan_client *client, struct claimed *claimed, int64_t *pages)
{
	int ret;

	memset(claimed, 0, sizeof(*claimed));
	ret = explicit_reclaim(&client->dev, getpid());
	if (!ret)
		ret = pan_write_file(TRACING "trace", "");
	if (!ret)
		ret = pan_write_file(ENABLE, "1");
	if (ret)
		return ret;
	*pages = engine_stat(&client->dev, "swapped_in_pages");
	ret = explicit_claim(&client->dev, getpid());
	*pages = engine_stat(&client->dev, "swapped_in_pages") - *pages;
	pan_write_file(ENABLE, "0");
	return ret ? ret : add_lines(claimed);
}

TEST_F_TIMEOUT(cpus, all_of_them_read, TIMEOUT_S)
{
	struct claimed claimed;
	uint64_t least;
	int64_t pages;
	int cpu, readers = 0;

	ASSERT_OK(there_and_back(&self->client, &claimed, &pages));
	least = claimed.all / LEAST_PART;
	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (claimed.by_cpu[cpu])
			TH_LOG("CPU %d read %llu of %llu pages", cpu,
			       (unsigned long long)claimed.by_cpu[cpu],
			       (unsigned long long)claimed.all);
		readers += claimed.by_cpu[cpu] > least;
	}
	EXPECT_LE(2, readers);
	EXPECT_EQ(pages, claimed.all);
	EXPECT_LE(self->mib * 256ull, claimed.all);
	/* Who claims does not sit by while others work. */
	EXPECT_LT(0, claimed.by_us);
	EXPECT_GT(claimed.all, claimed.by_us);
	EXPECT_OK(pan_client_check(&self->client, 0));
}

TEST_F_TIMEOUT(cpus, one_that_may_read_reads_it_all, TIMEOUT_S)
{
	struct claimed claimed;
	int64_t pages;

	ASSERT_OK(only_cpu(0));
	ASSERT_OK(there_and_back(&self->client, &claimed, &pages));
	EXPECT_EQ(claimed.all, claimed.by_cpu[0]);
	EXPECT_EQ(pages, claimed.all);
	EXPECT_LE(self->mib * 256ull, claimed.all);
	EXPECT_OK(pan_client_check(&self->client, 0));
}

TEST_HARNESS_MAIN
