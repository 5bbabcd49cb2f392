/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of panthor add to kselftest_harness.h. */
#ifndef PAN_HARNESS_H
#define PAN_HARNESS_H

#include "kselftest_harness.h"

#define ASSERT_OK(call)		ASSERT_EQ(0, (call))
#define EXPECT_OK(call)		EXPECT_EQ(0, (call))

/* Like SKIP(), for a failure that is known and expected where the test runs. */
#define XFAIL(statement, fmt, ...) do { \
	snprintf(_metadata->results->reason, sizeof(_metadata->results->reason), \
		 fmt, ##__VA_ARGS__); \
	TH_LOG("expected failure: %s", _metadata->results->reason); \
	_metadata->exit_code = KSFT_XFAIL; \
	_metadata->trigger = 0; \
	statement; \
} while (0)

/*
 * To be used in FIXTURE_SETUP(): there is a device, or the test is skipped. The
 * only way to leave a SETUP that skips without running the test is its exit
 * code.
 */
#define PAN_OPEN_OR_SKIP(dev) do { \
	if (pan_open(dev)) \
		SKIP(return, "no panthor device"); \
} while (0)

#define PAN_NEEDS_MODEL() do { \
	if (!pan_model_present()) \
		SKIP(return, "the GPU is not the model, or debugfs is not mounted"); \
} while (0)

#define PAN_NEEDS_INJECTION(name) do { \
	const char *__name = (name); \
	if (!pan_model_can_inject(__name)) \
		SKIP(return, "the GPU cannot inject %s", __name); \
} while (0)

#endif /* PAN_HARNESS_H */
