// SPDX-License-Identifier: GPL-2.0
/*
 * A VM that goes away while a scan works on it: the scan's reference is the
 * last one, and freeing a VM is nothing for reclaim to do. lockdep has to keep
 * quiet, which whoever runs the tests sees in the kernel's log.
 */
#include <pthread.h>

#include "engine_common.h"

#define MIB		8u
#define ROUNDS		20

FIXTURE(vm_ref)
{
	struct pan_dev dev;
};

FIXTURE_SETUP(vm_ref)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ENGINE_NEEDS(&self->dev);
}

FIXTURE_TEARDOWN(vm_ref)
{
	pan_close(&self->dev);
}

struct shrinker_thread {
	struct pan_dev *dev;
	bool stop;
};

/*
 * Whoever reads the statistics locks each BO in turn, so that a scan may find
 * nothing but contended locks. It has to try again then.
 */
static void *shrink_main(void *arg)
{
	struct shrinker_thread *self = arg;

	while (!__atomic_load_n(&self->stop, __ATOMIC_RELAXED) &&
	       engine_shrink(self->dev, ENGINE_ALL_PAGES) <= 0)
		;

	return NULL;
}

/* Waits until the scan has taken the VM's first BO, then closes everything. */
static int close_under_scan(struct pan_dev *dev)
{
	struct shrinker_thread shrinker = { .dev = dev };
	int64_t evicted = engine_stat(dev, "evicted_pages");
	struct pan_client client;
	bool started = false;
	pthread_t thread;
	uint64_t end;
	int ret;

	ret = pan_client_init(&client, 7, 1);
	if (ret)
		return ret;
	ret = pan_client_add_mib(&client, 0, MIB, PAN_BUF_PRIVATE);
	if (!ret)
		ret = pan_client_work(&client, 0);
	if (!ret)
		ret = -pthread_create(&thread, NULL, shrink_main, &shrinker);
	started = !ret;
	end = pan_now_ms() + 5000;
	while (!ret && engine_stat(dev, "evicted_pages") == evicted) {
		if (pan_now_ms() >= end)
			ret = -ETIME;
	}
	__atomic_store_n(&shrinker.stop, true, __ATOMIC_RELAXED);
	pan_client_fini(&client);
	if (started)
		pthread_join(thread, NULL);
	return ret;
}

TEST_F(vm_ref, last_reference_is_dropped_by_the_worker)
{
	int64_t deferred = engine_stat(&self->dev, "deferred_puts");
	int i;

	for (i = 0; i < ROUNDS && engine_stat(&self->dev, "deferred_puts") == deferred; i++)
		ASSERT_OK(close_under_scan(&self->dev));
	TH_LOG("%lld deferred puts in %d rounds",
	       (long long)(engine_stat(&self->dev, "deferred_puts") - deferred), i);
	EXPECT_LT(deferred, engine_stat(&self->dev, "deferred_puts"));
	EXPECT_OK(engine_books(&self->dev));
}

TEST_HARNESS_MAIN
