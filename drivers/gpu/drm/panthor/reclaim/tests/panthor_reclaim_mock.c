// SPDX-License-Identifier: GPL-2.0 or MIT

/* A mechanism that evicts nothing, but does so by the rules. */

#include <linux/delay.h>
#include <linux/list.h>
#include <linux/sched.h>

#include "panthor_reclaim_mock.h"

static struct mock_bo *to_mock_bo(struct panthor_reclaim_bo *bo)
{
	return container_of(bo, struct mock_bo, base);
}

static struct mock_vm *to_mock_vm(struct panthor_reclaim_vm *vm)
{
	return container_of(vm, struct mock_vm, base);
}

static bool mock_get_bo(struct panthor_reclaim_bo *bo)
{
	return refcount_inc_not_zero(&to_mock_bo(bo)->refs);
}

static bool mock_put_bo_unless_last(struct panthor_reclaim_bo *bo)
{
	return refcount_dec_not_one(&to_mock_bo(bo)->refs);
}

static void mock_put_bo(struct panthor_reclaim_bo *rbo)
{
	struct mock_bo *bo = to_mock_bo(rbo);

	if (refcount_dec_and_test(&bo->refs))
		panthor_reclaim_bo_fini(&bo->mock->reclaim, rbo);
}

static bool mock_get_vm(struct panthor_reclaim_vm *vm)
{
	return refcount_inc_not_zero(&to_mock_vm(vm)->refs);
}

static bool mock_put_vm_unless_last(struct panthor_reclaim_vm *vm)
{
	return refcount_dec_not_one(&to_mock_vm(vm)->refs);
}

static void mock_put_vm(struct panthor_reclaim_vm *rvm)
{
	struct mock_vm *vm = to_mock_vm(rvm);

	if (refcount_dec_and_test(&vm->refs)) {
		vm->mock->put_in_worker++;
		panthor_reclaim_vm_fini(&vm->mock->reclaim, rvm);
	}
}

static void log_eviction(struct mock_bo *bo)
{
	struct mock *mock = bo->mock;

	spin_lock(&mock->lock);
	if (mock->logged < ARRAY_SIZE(mock->log))
		mock->log[mock->logged++] = bo->id;
	spin_unlock(&mock->lock);
}

static void become_evicted(struct mock_bo *bo)
{
	log_eviction(bo);
	bo->facts.resident = false;
	bo->facts.evicted = true;
	bo->facts.nr_vms = 0;
	bo->facts.vm = NULL;
	mock_bo_file(bo);
}

/* Isolation is exclusive, whatever the locks are. */
static void enter_bo(struct mock_bo *bo)
{
	KUNIT_EXPECT_EQ(bo->mock->test, 1, atomic_inc_return(&bo->users));
	if (bo->mock->on_evict)
		bo->mock->on_evict(bo->mock, bo->id);
	cond_resched();
}

static int mock_evict_bo(struct panthor_reclaim_bo *rbo)
{
	struct mock_bo *bo = to_mock_bo(rbo);
	int ret;

	enter_bo(bo);
	KUNIT_EXPECT_NE(bo->mock->test, PANTHOR_RECLAIM_PRIVATE, rbo->class);
	ret = bo->error;
	if (!ret)
		become_evicted(bo);
	atomic_dec(&bo->users);

	return ret;
}

static int mock_begin_vm(struct panthor_reclaim_vm *rvm, unsigned int *pending)
{
	struct mock_vm *vm = to_mock_vm(rvm);

	if (!mutex_trylock(&vm->locked))
		return -EAGAIN;

	if (vm->busy) {
		*pending = vm->busy;
		mutex_unlock(&vm->locked);
		return -EBUSY;
	}

	vm->taken = 0;
	atomic_inc(&vm->mock->sweeps);

	return 0;
}

static int mock_zap_vm_bo(struct panthor_reclaim_vm *rvm, struct panthor_reclaim_bo *rbo)
{
	struct mock_vm *vm = to_mock_vm(rvm);
	struct mock_bo *bo = to_mock_bo(rbo);
	int ret;

	enter_bo(bo);
	KUNIT_EXPECT_PTR_EQ(vm->mock->test, rvm, rbo->vm);
	ret = bo->error;
	atomic_dec(&bo->users);

	if (!ret && vm->foreign && ++vm->taken >= vm->foreign)
		return -ENOSPC;

	return ret;
}

static int mock_end_vm(struct panthor_reclaim_vm *rvm, struct list_head *victims,
		       struct list_head *kept)
{
	struct mock_vm *vm = to_mock_vm(rvm);
	struct panthor_reclaim_bo *rbo, *next;
	int ret = vm->dead_gpu ? -EIO : 0;

	list_for_each_entry_safe(rbo, next, victims, victims) {
		struct mock_bo *bo = to_mock_bo(rbo);

		if (vm->dead_gpu || bo->unmap_error) {
			ret = ret ?: bo->unmap_error;
			list_move_tail(&rbo->victims, kept);
			continue;
		}

		become_evicted(bo);
	}
	mutex_unlock(&vm->locked);

	return ret;
}

static int mock_wait_for(struct mock *mock, int id, u64 ns, u64 done_ns, bool interruptible)
{
	u64 taken = min(ns, done_ns);

	if (mock->nr_waits < ARRAY_SIZE(mock->waits))
		mock->waits[mock->nr_waits++] = id;
	if (mock->signal && interruptible)
		return -ERESTARTSYS;

	mock->waited_ns += taken;
	fsleep(div_u64(taken, NSEC_PER_USEC));

	return done_ns <= ns ? 0 : -ETIME;
}

static int mock_wait_vm(struct panthor_reclaim_vm *rvm, u64 ns, bool interruptible)
{
	struct mock_vm *vm = to_mock_vm(rvm);
	int ret = mock_wait_for(vm->mock, vm->id, ns, vm->done_ns, interruptible);

	if (!ret)
		vm->busy = 0;

	return ret;
}

static int mock_wait_bo(struct panthor_reclaim_bo *rbo, u64 ns, bool interruptible)
{
	struct mock_bo *bo = to_mock_bo(rbo);
	int ret = mock_wait_for(bo->mock, -1, ns, bo->done_ns, interruptible);

	if (!ret)
		bo->error = 0;

	return ret;
}

static int mock_write_out(struct panthor_reclaim_bo *rbo, unsigned long first, unsigned long last,
			  bool wait, unsigned long *freed, unsigned long *writeback)
{
	struct mock *mock = to_mock_bo(rbo)->mock;
	unsigned long nr_pages = last - first + 1;

	mock->parts++;
	if (mock->on_write)
		mock->on_write(mock);
	if (mock->unwritable)
		return wait ? -ENOSPC : 0;

	if (wait)
		*freed += mock->async ? nr_pages : 0;
	else if (mock->async)
		*writeback += nr_pages;
	else
		*freed += nr_pages;

	return 0;
}

static bool mock_is_pinned(struct panthor_reclaim_bo *rbo)
{
	const struct panthor_reclaim_facts *facts = &to_mock_bo(rbo)->facts;

	return facts->resident && facts->pinned;
}

static struct mock *current_mock;

static unsigned long mock_swap_pages(void)
{
	return current_mock->swap;
}

static unsigned long mock_swap_pages_of(struct panthor_reclaim_bo *rbo)
{
	return to_mock_bo(rbo)->noswap ? 0 : current_mock->swap;
}

static bool mock_filed_right(struct panthor_reclaim_bo *rbo)
{
	return panthor_reclaim_classify(&to_mock_bo(rbo)->facts) == rbo->class;
}

static const struct panthor_reclaim_ops mock_ops = {
	.get_bo = mock_get_bo,
	.put_bo_unless_last = mock_put_bo_unless_last,
	.put_bo = mock_put_bo,
	.get_vm = mock_get_vm,
	.put_vm_unless_last = mock_put_vm_unless_last,
	.put_vm = mock_put_vm,
	.evict_bo = mock_evict_bo,
	.begin_vm = mock_begin_vm,
	.zap_vm_bo = mock_zap_vm_bo,
	.end_vm = mock_end_vm,
	.wait_vm = mock_wait_vm,
	.wait_bo = mock_wait_bo,
	.write_out = mock_write_out,
	.is_pinned = mock_is_pinned,
	.swap_pages = mock_swap_pages,
	.swap_pages_of = mock_swap_pages_of,
	.filed_right = mock_filed_right,
};

/**
 * mock_create() - Create a device with plenty of swap
 * @test: The running test.
 *
 * Return: The device, which lives as long as the test.
 */
struct mock *mock_create(struct kunit *test)
{
	struct mock *mock = kunit_kzalloc(test, sizeof(*mock), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mock);
	mock->test = test;
	mock->swap = 1UL << 20;
	spin_lock_init(&mock->lock);
	panthor_reclaim_init(&mock->reclaim, &mock_ops, "mock");
	current_mock = mock;

	return mock;
}

/**
 * mock_vm_create() - Create an idle VM that maps nothing
 * @mock: The device.
 *
 * Return: The VM with one reference.
 */
struct mock_vm *mock_vm_create(struct mock *mock)
{
	struct mock_vm *vm = kunit_kzalloc(mock->test, sizeof(*vm), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(mock->test, vm);
	vm->mock = mock;
	vm->id = mock->nr_vms++;
	vm->done_ns = U64_MAX;
	refcount_set(&vm->refs, 1);
	mutex_init(&vm->locked);
	panthor_reclaim_vm_init(&vm->base);

	return vm;
}

/**
 * mock_bo_create() - Create a BO that has no pages
 * @mock: The device.
 * @nr_pages: Its size in pages.
 *
 * Return: The BO with one reference.
 */
struct mock_bo *mock_bo_create(struct mock *mock, unsigned long nr_pages)
{
	struct mock_bo *bo = kunit_kzalloc(mock->test, sizeof(*bo), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(mock->test, bo);
	bo->mock = mock;
	bo->id = mock->nr_bos++;
	bo->done_ns = U64_MAX;
	refcount_set(&bo->refs, 1);
	panthor_reclaim_bo_init(&bo->base);
	panthor_reclaim_bo_add(&mock->reclaim, &bo->base, nr_pages);

	return bo;
}

/**
 * mock_bo_file() - Have a BO filed after its state changed
 * @bo: The BO.
 */
void mock_bo_file(struct mock_bo *bo)
{
	panthor_reclaim_bo_file(&bo->mock->reclaim, &bo->base, &bo->facts);
}

/**
 * mock_bo_unused() - Create a BO with pages and no mapping
 * @mock: The device.
 * @nr_pages: Its size in pages.
 *
 * Return: The BO.
 */
struct mock_bo *mock_bo_unused(struct mock *mock, unsigned long nr_pages)
{
	struct mock_bo *bo = mock_bo_create(mock, nr_pages);

	bo->facts.resident = true;
	mock_bo_file(bo);

	return bo;
}

/**
 * mock_bo_mmapped() - Create a BO that only the CPU maps
 * @mock: The device.
 * @nr_pages: Its size in pages.
 *
 * Return: The BO.
 */
struct mock_bo *mock_bo_mmapped(struct mock *mock, unsigned long nr_pages)
{
	struct mock_bo *bo = mock_bo_create(mock, nr_pages);

	bo->facts.resident = true;
	bo->facts.mmapped = true;
	mock_bo_file(bo);

	return bo;
}

/**
 * mock_bo_private() - Create a BO that one VM maps
 * @vm: The VM.
 * @nr_pages: Its size in pages.
 *
 * Return: The BO.
 */
struct mock_bo *mock_bo_private(struct mock_vm *vm, unsigned long nr_pages)
{
	struct mock_bo *bo = mock_bo_create(vm->mock, nr_pages);

	bo->facts.resident = true;
	bo->facts.nr_vms = 1;
	bo->facts.vm = &vm->base;
	mock_bo_file(bo);

	return bo;
}

/**
 * mock_bo_shared() - Create a BO that several VMs map
 * @mock: The device.
 * @nr_pages: Its size in pages.
 *
 * Return: The BO.
 */
struct mock_bo *mock_bo_shared(struct mock *mock, unsigned long nr_pages)
{
	struct mock_bo *bo = mock_bo_create(mock, nr_pages);

	bo->facts.resident = true;
	bo->facts.nr_vms = 2;
	mock_bo_file(bo);

	return bo;
}

/**
 * mock_bo_free() - Drop the reference of the BO's creator
 * @bo: The BO.
 */
void mock_bo_free(struct mock_bo *bo)
{
	mock_put_bo(&bo->base);
}

/**
 * mock_vm_put() - Drop the reference of the VM's creator
 * @vm: The VM, which maps nothing any more.
 */
void mock_vm_put(struct mock_vm *vm)
{
	if (refcount_dec_and_test(&vm->refs))
		panthor_reclaim_vm_fini(&vm->mock->reclaim, &vm->base);
}

/**
 * mock_pages() - Read the counter of a class
 * @mock: The device.
 * @class: The class.
 *
 * Return: Size of its BOs in pages.
 */
long mock_pages(struct mock *mock, enum panthor_reclaim_class class)
{
	return atomic_long_read(&mock->reclaim.nr_pages[class]);
}

/**
 * mock_stat() - Read a statistic
 * @mock: The device.
 * @stat: The statistic.
 *
 * Return: Its value.
 */
long mock_stat(struct mock *mock, enum panthor_reclaim_stat stat)
{
	return atomic_long_read(&mock->reclaim.stats[stat]);
}

/**
 * mock_scan() - Do a scan and check that counters and lists agree after it
 * @mock: The device.
 * @target: Pages to evict.
 * @budget_ns: Time to wait for jobs, in nanoseconds.
 * @scan: Gets the results.
 *
 * Return: What panthor_reclaim_run() returns.
 */
unsigned long mock_scan(struct mock *mock, unsigned long target, u64 budget_ns,
			struct panthor_reclaim_scan *scan)
{
	unsigned long ret;

	*scan = (struct panthor_reclaim_scan) { .target = target, .budget_ns = budget_ns };
	ret = panthor_reclaim_run(&mock->reclaim, scan);
	KUNIT_EXPECT_EQ(mock->test, 0, panthor_reclaim_check(&mock->reclaim));

	return ret;
}
