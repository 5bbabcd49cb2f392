// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: the microcontroller.
 *
 * It has no code: what its firmware would do is done here. The image
 * (pmodel_fw.c) only makes the driver allocate and map the interface memory,
 * which the model reaches through address space 0, as a microcontroller would.
 *
 * Interface 1.5: 32-bit endpoint requests, GLB_HALT.
 */

#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "panthor_mmu_regs.h"
#include "pmodel_internal.h"

#define IFACE_VERSION(major, minor)	((major) << 24 | (minor) << 16)

/**
 * pmodel_mcu_crash() - The firmware cannot go on
 * @pm: Model.
 *
 * It lacks its memory, or was asked for what cannot be.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_mcu_crash(struct pmodel *pm)
{
	lockdep_assert_held(&pm->lock);

	if (pm->mcu.status == MCU_STATUS_FATAL)
		return;
	WRITE_ONCE(pm->mcu.status, MCU_STATUS_FATAL);
	pm->mcu.booting = false;
	pmodel_irq_raise(pm, PMODEL_LINE_GPU, GPU_IRQ_MCU_STATUS_CHANGED);
}

static int pmodel_mcu_access(struct pmodel *pm, u64 va, void *buf, size_t len,
			     enum pmodel_access access)
{
	int ret;

	if (pm->mcu.status != MCU_STATUS_ENABLED && !pm->mcu.booting)
		return -ECANCELED;

	ret = pmodel_access(pm, PMODEL_AS_MCU, va, buf, len, access);
	if (ret)
		pmodel_mcu_crash(pm);
	return ret;
}

/**
 * pmodel_mcu_read_locked() - Read memory as the MCU
 * @pm: Model.
 * @va: Address in the MCU's address space.
 * @buf: Filled; zeroed if the read fails.
 * @len: Length in bytes.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: 0; -ECANCELED if the MCU does not run; -EFAULT if there is no
 * memory, which stops the MCU.
 */
int pmodel_mcu_read_locked(struct pmodel *pm, u64 va, void *buf, size_t len)
{
	int ret = pmodel_mcu_access(pm, va, buf, len, PMODEL_READ);

	if (ret)
		memset(buf, 0, len);
	return ret;
}

/**
 * pmodel_mcu_write_locked() - Write memory as the MCU
 * @pm: Model.
 * @va: Address in the MCU's address space.
 * @buf: Data.
 * @len: Length in bytes.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: 0; -ECANCELED if the MCU does not run; -EFAULT if there is no
 * memory, which stops the MCU.
 */
int pmodel_mcu_write_locked(struct pmodel *pm, u64 va, const void *buf, size_t len)
{
	return pmodel_mcu_access(pm, va, (void *)buf, len, PMODEL_WRITE);
}

/**
 * pmodel_mcu_read() - pmodel_mcu_read_locked() that takes the lock
 * @pm: Model.
 * @va: Address in the MCU's address space.
 * @buf: Filled; zeroed if the read fails.
 * @len: Length in bytes.
 *
 * Context: Takes pmodel::lock. Does not sleep.
 * Return: 0, -ECANCELED or -EFAULT as pmodel_mcu_read_locked().
 */
int pmodel_mcu_read(struct pmodel *pm, u64 va, void *buf, size_t len)
{
	guard(raw_spinlock_irqsave)(&pm->lock);
	return pmodel_mcu_read_locked(pm, va, buf, len);
}

/**
 * pmodel_mcu_write() - pmodel_mcu_write_locked() that takes the lock
 * @pm: Model.
 * @va: Address in the MCU's address space.
 * @buf: Data.
 * @len: Length in bytes.
 *
 * Context: Takes pmodel::lock. Does not sleep.
 * Return: 0, -ECANCELED or -EFAULT as pmodel_mcu_write_locked().
 */
int pmodel_mcu_write(struct pmodel *pm, u64 va, const void *buf, size_t len)
{
	guard(raw_spinlock_irqsave)(&pm->lock);
	return pmodel_mcu_write_locked(pm, va, buf, len);
}

/**
 * pmodel_iface_read() - Read a word of the interface memory
 * @pm: Model.
 * @offset: Offset in the interface memory.
 *
 * Context: Takes pmodel::lock. Does not sleep.
 * Return: The word, 0 if the MCU does not run.
 */
u32 pmodel_iface_read(struct pmodel *pm, u32 offset)
{
	u32 value;

	pmodel_mcu_read(pm, PMODEL_SHARED_VA + offset, &value, sizeof(value));
	return value;
}

/**
 * pmodel_iface_write() - Write a word of the interface memory
 * @pm: Model.
 * @offset: Offset in the interface memory.
 * @value: Word. Dropped if the MCU does not run.
 *
 * Context: Takes pmodel::lock. Does not sleep.
 */
void pmodel_iface_write(struct pmodel *pm, u32 offset, u32 value)
{
	pmodel_mcu_write(pm, PMODEL_SHARED_VA + offset, &value, sizeof(value));
}

static void pmodel_job_irq(struct pmodel *pm, u32 bits)
{
	guard(raw_spinlock_irqsave)(&pm->lock);
	pmodel_irq_raise(pm, PMODEL_LINE_JOB, bits);
}

static void pmodel_mcu_describe_cs(struct pmodel *pm, u32 g, u32 c)
{
	struct panthor_fw_cs_control_iface ctrl = {
		.features = (PMODEL_REG_COUNT - 1) | PMODEL_SB_COUNT << 8 |
			    CS_FEATURES_COMPUTE | CS_FEATURES_FRAGMENT | CS_FEATURES_TILER,
		.input_va = PMODEL_SHARED_VA + PMODEL_CS_IN(g, c),
		.output_va = PMODEL_SHARED_VA + PMODEL_CS_OUT(g, c),
	};

	pmodel_mcu_write(pm, PMODEL_SHARED_VA + PMODEL_CS_CTRL(g, c), &ctrl, sizeof(ctrl));
}

static void pmodel_mcu_describe_csg(struct pmodel *pm, u32 g)
{
	struct panthor_fw_csg_control_iface ctrl = {
		.input_va = PMODEL_SHARED_VA + PMODEL_CSG_IN(g),
		.output_va = PMODEL_SHARED_VA + PMODEL_CSG_OUT(g),
		.suspend_size = PMODEL_SUSPEND_SIZE,
		.protm_suspend_size = SZ_4K,
		.stream_num = PMODEL_CS_COUNT,
		.stream_stride = PMODEL_CS_CTRL(0, 1) - PMODEL_CS_CTRL(0, 0),
	};
	u32 c;

	for (c = 0; c < PMODEL_CS_COUNT; c++)
		pmodel_mcu_describe_cs(pm, g, c);
	pmodel_mcu_write(pm, PMODEL_SHARED_VA + PMODEL_CSG_CTRL(g), &ctrl, sizeof(ctrl));
}

static void pmodel_mcu_describe(struct pmodel *pm)
{
	struct panthor_fw_global_control_iface ctrl = {
		.version = IFACE_VERSION(1, 5),
		.input_va = PMODEL_SHARED_VA + PMODEL_GLB_IN,
		.output_va = PMODEL_SHARED_VA + PMODEL_GLB_OUT,
		.group_num = PMODEL_CSG_COUNT,
		.group_stride = PMODEL_CSG_CTRL(1) - PMODEL_CSG_CTRL(0),
	};
	u32 g;

	for (g = 0; g < PMODEL_CSG_COUNT; g++)
		pmodel_mcu_describe_csg(pm, g);
	pmodel_mcu_write(pm, PMODEL_SHARED_VA, &ctrl, sizeof(ctrl));
}

/*
 * After a slow reset the driver has cleared the interface memory. After a fast
 * one it has kept it, and the words in it are still right.
 */
static void pmodel_mcu_boot(struct pmodel *pm)
{
	pmodel_mcu_describe(pm);

	guard(raw_spinlock_irqsave)(&pm->lock);
	if (!pm->mcu.booting)
		return;
	pm->mcu.booting = false;
	WRITE_ONCE(pm->mcu.status, MCU_STATUS_ENABLED);
	pmodel_count(pm, mcu_boots);
	pmodel_irq_raise(pm, PMODEL_LINE_JOB, JOB_INT_GLOBAL_IF);
	pmodel_irq_raise(pm, PMODEL_LINE_GPU, GPU_IRQ_MCU_STATUS_CHANGED);
}

/* Streams of before must neither run nor be taken for running. */
static void pmodel_mcu_kill_streams(struct pmodel *pm)
{
	WRITE_ONCE(pm->epoch, pm->epoch + 1);
	pm->busy = 0;
	pm->attention = 0;
	pm->mcu.doorbell = false;
}

static void pmodel_mcu_control(struct pmodel *pm, u32 control)
{
	pm->mcu.control = control;
	if (control == MCU_CONTROL_DISABLE) {
		pmodel_mcu_kill_streams(pm);
		pm->mcu.booting = false;
		WRITE_ONCE(pm->mcu.status, MCU_STATUS_DISABLED);
	} else {
		pmodel_mcu_power(pm);
	}
}

/**
 * pmodel_mcu_power() - Boot the MCU if it has been told to, and has what it needs
 * @pm: Model.
 *
 * The MCU reaches its memory through the L2: without power there it does nothing.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_mcu_power(struct pmodel *pm)
{
	lockdep_assert_held(&pm->lock);

	if (pm->mcu.control == MCU_CONTROL_DISABLE || pm->mcu.booting || !pm->gpu.l2_ready ||
	    pm->mcu.status != MCU_STATUS_DISABLED)
		return;
	pm->mcu.booting = true;
	pmodel_kick_mcu(pm);
}

/**
 * pmodel_mcu_reset() - Reset the MCU and kill all streams
 * @pm: Model.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_mcu_reset(struct pmodel *pm)
{
	lockdep_assert_held(&pm->lock);
	pmodel_mcu_control(pm, MCU_CONTROL_DISABLE);
}

/**
 * pmodel_mcu_reg_read() - Read a register of the MCU
 * @pm: Model.
 * @reg: MCU_CONTROL or MCU_STATUS.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: The value; 0 where there is no register.
 */
u32 pmodel_mcu_reg_read(struct pmodel *pm, u32 reg)
{
	switch (reg) {
	case MCU_CONTROL:
		return pm->mcu.control;
	case MCU_STATUS:
		return pm->mcu.status;
	default:
		return 0;
	}
}

/**
 * pmodel_mcu_reg_write() - Write a register of the MCU
 * @pm: Model.
 * @reg: MCU_CONTROL.
 * @value: Value.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_mcu_reg_write(struct pmodel *pm, u32 reg, u32 value)
{
	if (reg == MCU_CONTROL)
		pmodel_mcu_control(pm, value);
}

/*
 * The driver polls for the answer to GLB_HALT with preemption disabled: on one
 * CPU no thread would get to run, so it is given here.
 */
static void pmodel_mcu_try_halt(struct pmodel *pm)
{
	u32 req;

	if (pm->mcu.status != MCU_STATUS_ENABLED || !pm->gpu.l2_ready ||
	    pmodel_mcu_read_locked(pm, PMODEL_SHARED_VA + PMODEL_GLB_IN_FIELD(req),
				   &req, sizeof(req)))
		return;
	if (req & GLB_HALT)
		WRITE_ONCE(pm->mcu.status, MCU_STATUS_HALT);
}

/**
 * pmodel_mcu_doorbell() - The driver rings a doorbell
 * @pm: Model.
 * @index: 0 is the global one, the others are given to groups by the driver.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_mcu_doorbell(struct pmodel *pm, u32 index)
{
	u32 g;

	if (atomic_read(&pm->inject.mcu_hang))
		return;

	if (!index) {
		pmodel_mcu_try_halt(pm);
		pm->mcu.doorbell = true;
		pmodel_kick_mcu(pm);
		return;
	}

	for (g = 0; g < PMODEL_CSG_COUNT; g++) {
		if (READ_ONCE(pm->csg[g].doorbells) & BIT(index % 32))
			set_bit(g, &pm->attention);
	}
	pmodel_kick_streams(pm);
}

/* Answer everything the driver asked for in the global interface. */
static void pmodel_mcu_global(struct pmodel *pm)
{
	u32 rung, req, ack, done, irq_mask, g;

	rung = pmodel_iface_read(pm, PMODEL_GLB_IN_FIELD(doorbell_req));
	rung ^= pmodel_iface_read(pm, PMODEL_GLB_OUT_FIELD(doorbell_ack));
	pmodel_iface_write(pm, PMODEL_GLB_OUT_FIELD(doorbell_ack),
			   pmodel_iface_read(pm, PMODEL_GLB_OUT_FIELD(doorbell_ack)) ^ rung);

	/* A request made before the doorbell was toggled must be seen below. */
	smp_mb();

	req = pmodel_iface_read(pm, PMODEL_GLB_IN_FIELD(req));
	ack = pmodel_iface_read(pm, PMODEL_GLB_OUT_FIELD(ack));
	irq_mask = pmodel_iface_read(pm, PMODEL_GLB_IN_FIELD(ack_irq_mask));
	done = (req ^ ack) & ~(GLB_EVT_MASK | GLB_HALT);
	if (done) {
		pmodel_iface_write(pm, PMODEL_GLB_OUT_FIELD(ack), ack ^ done);
		if (done & irq_mask)
			pmodel_job_irq(pm, JOB_INT_GLOBAL_IF);
	}

	for (g = 0; g < PMODEL_CSG_COUNT; g++) {
		if (rung & BIT(g))
			pmodel_csg_process(pm, &pm->csg[g]);
	}
}

/* All groups have become idle: the driver may power the GPU off. */
static void pmodel_mcu_idle(struct pmodel *pm)
{
	u32 req, ack;

	if (READ_ONCE(pm->busy) || !atomic_xchg(&pm->idle_armed, 0))
		return;

	req = pmodel_iface_read(pm, PMODEL_GLB_IN_FIELD(req));
	if (!(req & GLB_IDLE_EN))
		return;

	ack = pmodel_iface_read(pm, PMODEL_GLB_OUT_FIELD(ack));
	pmodel_iface_write(pm, PMODEL_GLB_OUT_FIELD(ack),
			   (ack & ~GLB_IDLE) | (~req & GLB_IDLE));
	if (pmodel_iface_read(pm, PMODEL_GLB_IN_FIELD(ack_irq_mask)) & GLB_IDLE)
		pmodel_job_irq(pm, JOB_INT_GLOBAL_IF);
}

/**
 * pmodel_mcu_work() - Do what the MCU has been asked for
 * @pm: Model.
 *
 * Context: MCU thread. Takes the locks of group slots and pmodel::lock. Does
 * not sleep.
 */
void pmodel_mcu_work(struct pmodel *pm)
{
	bool boot = false, doorbell = false, enabled;

	if (atomic_read(&pm->inject.mcu_hang) || !READ_ONCE(pm->gpu.l2_ready))
		return;

	scoped_guard(raw_spinlock_irqsave, &pm->lock) {
		boot = pm->mcu.booting;
		swap(doorbell, pm->mcu.doorbell);
	}

	if (boot)
		pmodel_mcu_boot(pm);

	enabled = READ_ONCE(pm->mcu.status) == MCU_STATUS_ENABLED;
	if (enabled && doorbell)
		pmodel_mcu_global(pm);
	if (enabled)
		pmodel_mcu_idle(pm);
}
