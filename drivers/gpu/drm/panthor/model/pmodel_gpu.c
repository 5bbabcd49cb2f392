// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: the GPU block.
 *
 * Identity and features are those of a Mali-G610 (architecture 10.8).
 */

#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "pmodel_internal.h"

#define L2_PRESENT_MASK		1ull
#define TILER_PRESENT_MASK	1ull
#define SHADER_PRESENT_MASK	0x50005ull

/* Types of command in bits 7:0 of GPU_CMD, see GPU_CMD_DEF(). */
#define CMD_TYPE(v)		((v) & 0xff)
#define CMD_TYPE_RESET		CMD_TYPE(GPU_SOFT_RESET)
#define CMD_TYPE_FLUSH		CMD_TYPE(GPU_FLUSH_CACHES(0, 0, 0))

struct pmodel_gpu_id_reg {
	u32 reg;
	u32 value;
};

static const struct pmodel_gpu_id_reg pmodel_gpu_id_regs[] = {
	{ GPU_ID, 0xa8670005 },
	{ GPU_L2_FEATURES, 0x07120206 },
	{ GPU_CORE_FEATURES, 0 },
	{ GPU_TILER_FEATURES, 0x809 },
	{ GPU_MEM_FEATURES, 0x301 },
	{ GPU_MMU_FEATURES, 0x2830 },
	{ GPU_AS_PRESENT, GENMASK(PMODEL_AS_COUNT - 1, 0) },
	{ GPU_CSF_ID, 0x40a0412 },
	{ GPU_THREAD_MAX_THREADS, 0x800 },
	{ GPU_THREAD_MAX_WORKGROUP_SIZE, 0x400 },
	{ GPU_THREAD_MAX_BARRIER_SIZE, 0x400 },
	{ GPU_THREAD_FEATURES, 0x4010000 },
	{ GPU_TEXTURE_FEATURES(0), 0xc1ffff9e },
	{ GPU_TEXTURE_FEATURES(1), 0xffff },
	{ GPU_TEXTURE_FEATURES(2), 0xc1ffffff },
	{ GPU_TEXTURE_FEATURES(3), 0xffff },
	{ GPU_SHADER_PRESENT, SHADER_PRESENT_MASK },
	{ GPU_TILER_PRESENT, TILER_PRESENT_MASK },
	{ GPU_L2_PRESENT, L2_PRESENT_MASK },
	{ GPU_COHERENCY_FEATURES, GPU_COHERENCY_PROT_BIT(ACE_LITE) },
};

/* The firmware powers the cores, and keeps them on as long as it runs. */
static bool pmodel_gpu_cores_on(struct pmodel *pm)
{
	return pm->gpu.l2_ready && pm->mcu.status == MCU_STATUS_ENABLED;
}

static bool pmodel_gpu_l2_in_transition(struct pmodel *pm)
{
	return pm->gpu.l2_settled_ns && pmodel_now_ns(pm) < pm->gpu.l2_settled_ns;
}

static void pmodel_gpu_l2_unsettle(struct pmodel *pm)
{
	u32 us = max(atomic_read(&pm->inject.l2_trans_us), 0);

	pm->gpu.l2_settled_ns = us ? pmodel_now_ns(pm) + (u64)us * NSEC_PER_USEC : 0;
}

/**
 * pmodel_gpu_reg_read() - Read a register of the GPU block
 * @pm: Model.
 * @reg: Offset.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: The value; 0 where there is no register.
 */
u32 pmodel_gpu_reg_read(struct pmodel *pm, u32 reg)
{
	u32 i;

	switch (reg) {
	case L2_PWRTRANS:
		return pmodel_gpu_l2_in_transition(pm) ? L2_PRESENT_MASK : 0;
	case L2_READY:
		return lower_32_bits(pm->gpu.l2_ready);
	case SHADER_READY:
		return pmodel_gpu_cores_on(pm) ? SHADER_PRESENT_MASK : 0;
	case TILER_READY:
		return pmodel_gpu_cores_on(pm) ? TILER_PRESENT_MASK : 0;
	case GPU_STATUS:
		return pm->gpu.l2_ready ? GPU_STATUS_PWR_ACTIVE : 0;
	case GPU_L2_CONFIG:
		return pm->gpu.l2_config;
	case GPU_COHERENCY_PROTOCOL:
		return pm->gpu.coherency;
	case GPU_TIMESTAMP:
	case GPU_CYCLE_COUNT:
		return lower_32_bits(pmodel_now_ns(pm));
	case GPU_TIMESTAMP + 4:
	case GPU_CYCLE_COUNT + 4:
		return upper_32_bits(pmodel_now_ns(pm));
	case CSF_GPU_LATEST_FLUSH_ID:
		return pm->gpu.flush_id;
	}

	for (i = 0; i < ARRAY_SIZE(pmodel_gpu_id_regs); i++) {
		if (pmodel_gpu_id_regs[i].reg == reg)
			return pmodel_gpu_id_regs[i].value;
	}
	return 0;
}

static void pmodel_gpu_l2_power(struct pmodel *pm, u64 ready)
{
	u32 bits = GPU_IRQ_POWER_CHANGED_ALL;

	if (ready != pm->gpu.l2_ready)
		bits |= GPU_IRQ_POWER_CHANGED;
	WRITE_ONCE(pm->gpu.l2_ready, ready);
	pmodel_irq_raise(pm, PMODEL_LINE_GPU, bits);
	if (ready) {
		pmodel_mcu_power(pm);
		pmodel_kick_mcu(pm);
		pmodel_kick_streams(pm);
	}
}

/* Back to the state after power on, apart from the mask of the GPU interrupt. */
static void pmodel_gpu_clear(struct pmodel *pm)
{
	enum pmodel_line line;

	for (line = 0; line < PMODEL_LINE_COUNT; line++) {
		pm->irqs[line].raw = 0;
		pm->irqs[line].notified = 0;
		if (line != PMODEL_LINE_GPU)
			pm->irqs[line].mask = 0;
	}

	WRITE_ONCE(pm->gpu.l2_ready, 0);
	pm->gpu.l2_config = 0;
	pm->gpu.coherency = GPU_COHERENCY_NONE;
	pm->gpu.flushing = false;
	pmodel_mcu_reset(pm);
	pmodel_mmu_reset(pm);
}

/*
 * The mask of the GPU interrupt survives, as the completion of the reset is to be
 * signalled; an interrupt that was pending is gone.
 */
static void pmodel_gpu_reset(struct pmodel *pm)
{
	pmodel_gpu_clear(pm);
	pmodel_gpu_l2_unsettle(pm);
	atomic_set(&pm->inject.mcu_hang, 0);

	pmodel_count(pm, resets);
	pmodel_irq_raise(pm, PMODEL_LINE_GPU, GPU_IRQ_RESET_COMPLETED);
}

/**
 * pmodel_gpu_lose_power() - Forget all that registers hold
 * @pm: Model.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_gpu_lose_power(struct pmodel *pm)
{
	lockdep_assert_held(&pm->lock);

	pmodel_gpu_clear(pm);
	pm->irqs[PMODEL_LINE_GPU].mask = 0;
}

/**
 * pmodel_gpu_flush() - Clean and invalidate the caches
 * @pm: Model.
 *
 * There are none: what counts is that it happened, and the flush id by which
 * user space tells whether another flush is needed. 0 is "never".
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_gpu_flush(struct pmodel *pm)
{
	lockdep_assert_held(&pm->lock);

	pmodel_count(pm, gpu_flushes);
	if (!++pm->gpu.flush_id)
		pm->gpu.flush_id = 1;
	pm->ops->publish(pm->front, CSF_GPU_LATEST_FLUSH_ID, pm->gpu.flush_id);
}

/**
 * pmodel_gpu_settle() - End a flush whose time has come
 * @pm: Model.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: Time in nanoseconds after which to call this again, 0 for never.
 */
u64 pmodel_gpu_settle(struct pmodel *pm)
{
	u64 now;

	lockdep_assert_held(&pm->lock);

	if (likely(!pm->gpu.flushing) || pm->gpu.flush_done_ns == U64_MAX)
		return 0;
	now = pmodel_now_ns(pm);
	if (now < pm->gpu.flush_done_ns)
		return pm->gpu.flush_done_ns - now;

	pm->gpu.flushing = false;
	pmodel_gpu_flush(pm);
	pmodel_irq_raise(pm, PMODEL_LINE_GPU, GPU_IRQ_CLEAN_CACHES_COMPLETED);
	return 0;
}

/* The driver must not ask for a flush while another is under way. */
static void pmodel_gpu_begin_flush(struct pmodel *pm)
{
	u32 us = max(atomic_read(&pm->inject.flush_us), 0);

	if (pm->gpu.flushing)
		return;

	pm->gpu.flushing = true;
	if (pmodel_inject_hit(pm, flush_stuck))
		pm->gpu.flush_done_ns = U64_MAX;
	else
		pm->gpu.flush_done_ns = us ? pmodel_now_ns(pm) + (u64)us * NSEC_PER_USEC : 0;
	if (pmodel_gpu_settle(pm))
		pmodel_kick_mcu(pm);
}

static void pmodel_gpu_command(struct pmodel *pm, u32 command)
{
	switch (CMD_TYPE(command)) {
	case CMD_TYPE_RESET:
		pmodel_gpu_reset(pm);
		break;
	case CMD_TYPE_FLUSH:
		pmodel_gpu_begin_flush(pm);
		break;
	}
}

/**
 * pmodel_gpu_reg_write() - Write a register of the GPU block
 * @pm: Model.
 * @reg: Offset.
 * @value: Value.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_gpu_reg_write(struct pmodel *pm, u32 reg, u32 value)
{
	switch (reg) {
	case GPU_CMD:
		pmodel_gpu_command(pm, value);
		break;
	case GPU_L2_CONFIG:
		pm->gpu.l2_config = value;
		break;
	case GPU_COHERENCY_PROTOCOL:
		pm->gpu.coherency = value;
		break;
	case L2_PWRON:
		pmodel_gpu_l2_power(pm, pm->gpu.l2_ready | (value & L2_PRESENT_MASK));
		break;
	case L2_PWROFF:
		pmodel_gpu_l2_power(pm, pm->gpu.l2_ready & ~(u64)value);
		break;
	}
}

/**
 * pmodel_gpu_init() - Set the registers to their values after power on
 * @pm: Model, not yet visible to anybody.
 *
 * Context: Any.
 */
void pmodel_gpu_init(struct pmodel *pm)
{
	pm->gpu.coherency = GPU_COHERENCY_NONE;
	pm->gpu.flush_id = 1;
	pm->ops->publish(pm->front, CSF_GPU_LATEST_FLUSH_ID, pm->gpu.flush_id);
}
