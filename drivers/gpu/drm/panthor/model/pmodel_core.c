// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: life of the model, its clock and its two threads.
 */

#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "pmodel_internal.h"

static bool deterministic;
module_param(deterministic, bool, 0444);
MODULE_PARM_DESC(deterministic,
		 "Interleave streams as the seed says, use a virtual clock, do not sleep (default: off)");

static ulong seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Seed of the deterministic mode (default: 1)");

/* How long the stream thread leaves stalled streams alone if nobody calls. */
#define STALL_RETRY_NS		(100 * NSEC_PER_USEC)

/* A longer sleep of the stream thread would look like a hung task. */
#define SLOW_MAX_US		(1 * USEC_PER_SEC)

/* The driver gives up on an answer after 100 ms. */
#define LATE_MAX_US		(20 * USEC_PER_MSEC)

/* What looking at the virtual clock costs. */
#define VIRTUAL_TICK_NS		NSEC_PER_USEC

/**
 * pmodel_now_ns() - Time of the model
 * @pm: Model.
 *
 * In deterministic mode the clock advances by a microsecond when it is read,
 * and at no other time.
 *
 * Context: Any.
 * Return: Time in nanoseconds since some moment in the past.
 */
u64 pmodel_now_ns(struct pmodel *pm)
{
	if (pm->deterministic)
		return atomic64_add_return(VIRTUAL_TICK_NS, &pm->virtual_ns);
	return ktime_get_ns();
}

/* Pairs with the atomic_xchg() in pmodel_wait_kick(). */
static void pmodel_kick(struct task_struct *task, atomic_t *kick)
{
	atomic_set_release(kick, 1);
	if (task)
		wake_up_process(task);
}

/**
 * pmodel_kick_mcu() - Tell the MCU thread that there is something to do
 * @pm: Model.
 *
 * Context: Any, also with pmodel::lock held. Does not sleep.
 */
void pmodel_kick_mcu(struct pmodel *pm)
{
	pmodel_kick(pm->mcu_task, &pm->mcu_kick);
}

/**
 * pmodel_kick_streams() - Tell the stream thread that there is something to do
 * @pm: Model.
 *
 * Context: Any, also with pmodel::lock held. Does not sleep.
 */
void pmodel_kick_streams(struct pmodel *pm)
{
	pmodel_kick(pm->cs_task, &pm->cs_kick);
}

/*
 * Sleep until kicked, or until @timeout has passed if it is not NULL. Whatever
 * was there to be done when a kick is taken, is seen after this.
 */
static void pmodel_wait_kick(atomic_t *kick, ktime_t *timeout)
{
	set_current_state(TASK_IDLE);
	if (!atomic_xchg(kick, 0) && !kthread_should_stop()) {
		if (timeout)
			schedule_hrtimeout_range(timeout, 0, HRTIMER_MODE_REL);
		else
			schedule();
		atomic_xchg(kick, 0);
	}
	__set_current_state(TASK_RUNNING);
}

/* The firmware waits as well, which makes its answers late. */
static void pmodel_late(struct pmodel *pm)
{
	u32 us = clamp(atomic_read(&pm->inject.irq_delay_us), 0, (int)LATE_MAX_US);

	if (us && READ_ONCE(pm->irqs_pending))
		fsleep(us);
}

static int pmodel_mcu_thread(void *data)
{
	struct pmodel *pm = data;

	while (!kthread_should_stop()) {
		ktime_t timeout;
		u64 left;

		scoped_guard(raw_spinlock_irqsave, &pm->lock)
			left = pmodel_gpu_settle(pm);
		timeout = ns_to_ktime(left);
		pmodel_wait_kick(&pm->mcu_kick, left ? &timeout : NULL);
		scoped_guard(raw_spinlock_irqsave, &pm->lock)
			pmodel_gpu_settle(pm);
		pmodel_mcu_work(pm);
		pmodel_late(pm);
		pmodel_irq_deliver(pm);
	}
	return 0;
}

static void pmodel_slow_down(struct pmodel *pm, bool executed)
{
	u32 us = clamp(atomic_read(&pm->inject.slow_us), 0, (int)SLOW_MAX_US);

	if (us && executed && !pm->deterministic)
		fsleep(us);
}

static int pmodel_cs_thread(void *data)
{
	struct pmodel *pm = data;

	while (!kthread_should_stop()) {
		ktime_t retry = ns_to_ktime(STALL_RETRY_NS);
		u64 before = pmodel_counter(pm, instructions);
		enum pmodel_run run = pmodel_streams_run(pm);

		pmodel_slow_down(pm, pmodel_counter(pm, instructions) != before);

		if (run == PMODEL_RUN_IDLE)
			pmodel_wait_kick(&pm->cs_kick, NULL);
		else if (run == PMODEL_RUN_STALLED && !pm->deterministic)
			pmodel_wait_kick(&pm->cs_kick, &retry);
		else
			cond_resched();
	}
	return 0;
}

/**
 * pmodel_ram_page() - Address of a page in the linear map
 * @front: Unused.
 * @pa: Physical address of the page.
 *
 * For pmodel_front_ops::page.
 *
 * Context: Any.
 * Return: The address, NULL if there is no such page.
 */
void *pmodel_ram_page(void *front, phys_addr_t pa)
{
	if (!pfn_valid(PHYS_PFN(pa)))
		return NULL;
	return phys_to_virt(pa);
}

/**
 * pmodel_ram_page_is_free() - Tell whether nobody owns a page
 * @front: Unused.
 * @pa: Physical address of a page for which pmodel_ram_page() gave an address.
 *
 * For pmodel_front_ops::page_is_free.
 *
 * Context: Any.
 * Return: True if the page is back in the page allocator.
 */
bool pmodel_ram_page_is_free(void *front, phys_addr_t pa)
{
	struct folio *folio = page_folio(pfn_to_page(PHYS_PFN(pa)));

	/* The pages of a slab, page tables among them, have no references. */
	return !folio_ref_count(folio) && !folio_test_slab(folio);
}

/**
 * pmodel_free() - Free a model that has no threads
 * @pm: Model, may be NULL.
 *
 * Context: Process context, may sleep.
 */
void pmodel_free(struct pmodel *pm)
{
	u32 i;

	if (!pm)
		return;
	for (i = 0; i < PMODEL_AS_COUNT; i++)
		kvfree(pm->as[i].tlb);
	kvfree(pm);
}

/**
 * pmodel_alloc() - Allocate a model without threads
 * @ops: Front end.
 * @front: Argument of @ops.
 * @deterministic: Mode.
 * @seed: Seed for deterministic mode.
 *
 * Unit tests use this, and do what the threads would do.
 *
 * Context: Process context, may sleep.
 * Return: The model, NULL if there is no memory.
 */
struct pmodel *pmodel_alloc(const struct pmodel_front_ops *ops, void *front,
			    bool deterministic, u64 seed)
{
	struct pmodel *pm = kvzalloc_obj(*pm);
	u32 i;

	if (!pm)
		return NULL;

	for (i = 0; i < PMODEL_AS_COUNT; i++) {
		pm->as[i].tlb = kvzalloc_obj(*pm->as[i].tlb);
		if (!pm->as[i].tlb) {
			pmodel_free(pm);
			return NULL;
		}
	}

	pm->ops = ops;
	pm->front = front;
	pm->deterministic = deterministic;
	raw_spin_lock_init(&pm->lock);
	prandom_seed_state(&pm->rnd, seed);
	for (i = 0; i < PMODEL_CSG_COUNT; i++) {
		raw_spin_lock_init(&pm->csg[i].lock);
		pm->csg[i].index = i;
	}
	pmodel_gpu_init(pm);
	return pm;
}

static struct task_struct *pmodel_thread(struct pmodel *pm, int (*fn)(void *), const char *name)
{
	struct task_struct *task = kthread_create(fn, pm, "%s", name);

	return IS_ERR(task) ? NULL : task;
}

/**
 * pmodel_create() - Create the model
 * @ops: Front end.
 * @front: Argument of @ops.
 *
 * The model answers register accesses and asks for interrupts when this has
 * returned. There must be no other model.
 *
 * Context: Process context, may sleep.
 * Return: The model, or ERR_PTR(-ENOMEM).
 */
struct pmodel *pmodel_create(const struct pmodel_front_ops *ops, void *front)
{
	struct pmodel *pm = pmodel_alloc(ops, front, deterministic, seed);

	if (!pm)
		return ERR_PTR(-ENOMEM);

	pm->mcu_task = pmodel_thread(pm, pmodel_mcu_thread, "panthor-mcu");
	pm->cs_task = pmodel_thread(pm, pmodel_cs_thread, "panthor-streams");
	if (!pm->mcu_task || !pm->cs_task) {
		if (pm->mcu_task)
			kthread_stop(pm->mcu_task);
		if (pm->cs_task)
			kthread_stop(pm->cs_task);
		pmodel_free(pm);
		return ERR_PTR(-ENOMEM);
	}
	sched_set_fifo_low(pm->mcu_task);
	wake_up_process(pm->mcu_task);
	wake_up_process(pm->cs_task);

	pmodel_debugfs_init(pm);
	return pm;
}

/**
 * pmodel_destroy() - Destroy the model
 * @pm: Model. No register may be accessed any more.
 *
 * No interrupt is delivered after this has returned.
 *
 * Context: Process context, may sleep.
 */
void pmodel_destroy(struct pmodel *pm)
{
	pmodel_debugfs_fini(pm);
	kthread_stop(pm->cs_task);
	kthread_stop(pm->mcu_task);
	pmodel_free(pm);
}

MODULE_DESCRIPTION("Software Mali CSF GPU for the panthor driver");
MODULE_LICENSE("Dual MIT/GPL");
