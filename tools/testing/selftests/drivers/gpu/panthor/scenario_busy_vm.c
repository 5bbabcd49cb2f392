// SPDX-License-Identifier: GPL-2.0
/*
 * The shrinker meets an address space with a running job and many private BOs,
 * and another one that is idle. How long does one scan wait for the job, and
 * does it take what can be had at once?
 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "lib/pan_mem.h"
#include "lib/pan_proc.h"
#include "scenario.h"

#define BUSY_MIB	65
#define IDLE_MIB	8
#define SCAN_PAGES	4096

/* The job ends by itself, before the driver's job timeout of 5 s. */
#define JOB_MS		4000

enum { STAGE_READY = 1, STAGE_SCANNED };

struct busy {
	uint32_t mib;
	uint32_t over;		/* the job had ended when the scan came back */
	struct scenario_client report;
};

static int start_job(struct pan_client *client)
{
	struct pan_ctx *ctx = &client->ctx[0];
	struct pan_cs *cs = pan_ctx_begin(ctx, 0);

	*pan_flag(ctx, 0) = 0;
	*pan_flag(ctx, 1) = 0;
	pan_cs_store32(cs, pan_flag_va(1), 1);
	pan_cs_spin_until(cs, pan_flag_va(0));
	return pan_ctx_submit(ctx, 0);
}

static int hold_job(struct busy *busy, struct pan_client *client)
{
	struct scenario_client *r = &busy->report;
	struct pan_ctx *ctx = &client->ctx[0];
	uint64_t end;
	int ret;

	ret = start_job(client);
	if (!ret)
		ret = pan_wait_word(pan_flag(ctx, 1), 1, 5000);
	end = pan_now_ms() + JOB_MS;
	r->ready = STAGE_READY;
	if (ret)
		return ret;

	while (r->go < STAGE_SCANNED && pan_now_ms() < end)
		pan_sleep_ms(5);
	busy->over = r->go < STAGE_SCANNED;
	*pan_flag(ctx, 0) = 1;
	return pan_ctx_wait(ctx, 0);
}

static int busy_main(void *arg)
{
	struct busy *busy = arg;
	struct pan_client client;
	int ret;

	ret = pan_client_init(&client, 4, 1);
	if (ret) {
		busy->report.failed = ret;
		busy->report.ready = STAGE_READY;
		return 1;
	}
	ret = pan_client_add_mib(&client, 0, busy->mib, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_work(&client, 0);
	if (!ret)
		ret = hold_job(busy, &client);
	if (!ret)
		ret = pan_client_work(&client, 0);
	if (!ret)
		ret = pan_client_check(&client, 0);
	scenario_report(&busy->report, &client, ret);
	busy->report.ready = STAGE_READY;
	pan_client_fini(&client);
	return ret != 0;
}

static enum scenario_result judge(const struct scenario *s, struct busy *busy, int status,
				  struct pan_client *idle, uint64_t idle_left)
{
	struct scenario_client *r = &busy->report;
	int ret;

	ret = pan_client_work(idle, 0);
	if (!ret)
		ret = pan_client_check(idle, 0);
	scenario_metric(s, "bad_words", "words", r->bad_words + idle->bad_words);
	if (ret || r->failed || status)
		return scenario_outcome(s, SCENARIO_BROKEN,
					"errors: idle client %d, busy client %d (status %d)",
					ret, r->failed, status);
	if (busy->over)
		return scenario_outcome(s, SCENARIO_SHORT,
					"the scan came back only when the job had ended");
	if (idle_left)
		return scenario_outcome(s, SCENARIO_SHORT,
					"%" PRIu64 " pages of the idle VM were left",
					idle_left);
	return scenario_outcome(s, SCENARIO_GOOD,
				"the scan took the idle VM and did not wait for the job");
}

/*
 * A driver that writes what it takes to swap says how long it waited for jobs:
 * that is the stall. One that does not write does nothing but wait.
 */
static uint64_t stall_us(const struct pan_dev *dev, uint64_t waited_before, uint64_t scan_ms)
{
	uint64_t waited;

	if (pan_reclaim_stat(dev, "wait_us", &waited))
		return scan_ms * 1000;
	return waited - waited_before;
}

static void scan(const struct scenario *s, struct busy *busy, struct pan_client *idle,
		 uint64_t *idle_left)
{
	uint64_t start, took, waited = 0, reported = 0;

	pan_reclaim_stat(&idle->dev, "wait_us", &waited);
	start = pan_now_ms();
	pan_shrink(&idle->dev, SCAN_PAGES, &reported);
	took = pan_now_ms() - start;
	scenario_metric(s, "scan", "ms", took);
	scenario_metric(s, "stall", "us", stall_us(&idle->dev, waited, took));
	busy->report.go = STAGE_SCANNED;
	pan_gems_resident_of(&idle->dev, getpid(), idle_left);

	/* What stays is the context's own memory: streams and flags. */
	*idle_left -= idle->ctx[0].streams.size + idle->ctx[0].flags.size;
	*idle_left = (int64_t)*idle_left < 0 ? 0 : *idle_left / PAN_PAGE;
	scenario_metric(s, "reported", "pages", reported);
	scenario_metric(s, "idle_vm_left", "pages", *idle_left);
}

/* The child is forked before this process opens the device: it must not share the file. */
static enum scenario_result play(const struct scenario *s, const struct scenario_options *o,
				 struct busy *busy)
{
	uint64_t deadline = pan_now_ms() + o->timeout_s * 1000ull, idle_left = 0;
	enum scenario_result result;
	struct pan_client idle;
	int ret, status;
	pid_t pid;

	pid = pan_spawn(busy_main, busy);
	if (pid < 0)
		return scenario_outcome(s, SCENARIO_BROKEN, "no process");

	ret = pan_client_init(&idle, 5, 1);
	if (ret) {
		pan_join(pid, 0);
		return scenario_outcome(s, SCENARIO_BROKEN, "no client: error %d", ret);
	}
	ret = pan_client_add_mib(&idle, 0, IDLE_MIB, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_work(&idle, 0);
	if (!ret)
		ret = pan_wait_word(&busy->report.ready, STAGE_READY, o->timeout_s * 500);
	if (!ret && !busy->report.failed)
		scan(s, busy, &idle, &idle_left);
	busy->report.go = STAGE_SCANNED;
	status = pan_join(pid, deadline);
	result = judge(s, busy, ret ? ret : status, &idle, idle_left);
	pan_client_fini(&idle);
	return result;
}

static enum scenario_result run(const struct scenario *s, const struct scenario_options *o)
{
	enum scenario_result result;
	struct pan_dev dev;
	struct busy *busy;
	bool can;

	if (pan_open(&dev))
		return scenario_outcome(s, SCENARIO_SKIP, "no panthor device");
	can = pan_can_shrink(&dev);
	pan_close(&dev);
	if (!can)
		return scenario_outcome(s, SCENARIO_SKIP, "no debugfs file 'shrink'");

	busy = pan_shared_alloc(sizeof(*busy));
	if (!busy)
		return scenario_outcome(s, SCENARIO_BROKEN, "no memory");
	busy->mib = scenario_default(o->mib, BUSY_MIB);
	result = play(s, o, busy);
	pan_shared_free(busy, sizeof(*busy));
	return result;
}

const struct scenario scenario_busy_vm = {
	.name = "busy-vm",
	.title = "one scan of the shrinker while a VM with 65 private BOs runs a job",
	.run = run,
};
