// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <stdio.h>

#include "kselftest.h"
#include "pan_dev.h"
#include "pan_file.h"
#include "pan_mem.h"
#include "pan_model.h"

#define MODEL_DIR	"/sys/kernel/debug/panthor-model"

static const char * const injections[] = {
	"as_delay_us", "as_stuck", "as_stuck_after", "drop_invalidate", "lose_irq", "mcu_hang",
	"resume_hang", "l2_trans_us", "bus_fault", "slow_us",
	"suspend_hang", "suspend_garbage", "flush_us", "flush_stuck", "irq_delay_us",
	"unrecoverable",
};

static const char *inject_path(const char *name, char *buf, size_t size)
{
	snprintf(buf, size, MODEL_DIR "/inject/%s", name);
	return buf;
}

bool pan_model_present(void)
{
	return pan_file_exists(MODEL_DIR "/counters");
}

int pan_model_counter(const char *name, uint64_t *value)
{
	return pan_read_key(MODEL_DIR "/counters", name, value);
}

uint64_t pan_model_count(const char *name)
{
	uint64_t value = 0;

	pan_model_counter(name, &value);
	return value;
}

int pan_model_wait_resets(uint64_t count, int timeout_ms)
{
	uint64_t end = pan_now_ms() + timeout_ms;

	while (pan_model_count("resets") < count) {
		if (pan_now_ms() >= end)
			return -ETIME;
		pan_sleep_ms(5);
	}
	return 0;
}

void pan_model_tell(void)
{
	FILE *f = fopen(MODEL_DIR "/state", "re");
	char line[256];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		fprintf(stderr, "# model: %s", line);
	fclose(f);
}

bool pan_model_can_inject(const char *name)
{
	char path[PATH_MAX];

	return pan_file_exists(inject_path(name, path, sizeof(path)));
}

int pan_model_inject(const char *name, uint64_t value)
{
	char path[PATH_MAX];
	int ret;

	ret = pan_write_u64(inject_path(name, path, sizeof(path)), value);
	return ret ? pan_error(ret, "%s", path) : 0;
}

int pan_model_injected(const char *name, uint64_t *value)
{
	char path[PATH_MAX];

	return pan_read_u64(inject_path(name, path, sizeof(path)), value);
}

void pan_model_calm(void)
{
	char path[PATH_MAX];
	unsigned int i;

	/*
	 * break_store is not in the list: it is set from outside, to see whether a
	 * run notices.
	 */
	for (i = 0; i < ARRAY_SIZE(injections); i++)
		pan_write_u64(inject_path(injections[i], path, sizeof(path)), 0);
}
