// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: the register window.
 */

#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "panthor_mmu_regs.h"
#include "pmodel_internal.h"

#define INT_SIZE	0x10
#define MCU_SIZE	0x10
#define AS_SIZE		MMU_AS(1)
#define DOORBELL_SIZE	(CSF_DOORBELL(1) - CSF_DOORBELL(0))

static bool pmodel_in(u32 offset, u32 base, u32 size)
{
	return offset >= base && offset - base < size;
}

static bool pmodel_irq_line(u32 offset, enum pmodel_line *line, u32 *reg)
{
	static const u32 base[PMODEL_LINE_COUNT] = {
		[PMODEL_LINE_JOB] = JOB_INT_BASE,
		[PMODEL_LINE_MMU] = MMU_INT_BASE,
		[PMODEL_LINE_GPU] = GPU_INT_BASE,
	};

	for (*line = 0; *line < PMODEL_LINE_COUNT; (*line)++) {
		*reg = offset - base[*line];
		if (pmodel_in(offset, base[*line], INT_SIZE))
			return true;
	}
	return false;
}

/**
 * pmodel_reg_read() - The driver reads a register
 * @pm: Model.
 * @offset: Offset in the register window, in bytes, a multiple of 4.
 *
 * Context: Any. Takes pmodel::lock. Does not sleep or allocate.
 * Return: The value; 0 where there is no register, all ones without a clock.
 */
u32 pmodel_reg_read(struct pmodel *pm, u32 offset)
{
	enum pmodel_line line;
	u32 reg;

	guard(raw_spinlock_irqsave)(&pm->lock);

	if (pm->gpu.unpowered) {
		pmodel_count(pm, unpowered);
		return ~0;
	}

	pmodel_gpu_settle(pm);
	if (pmodel_irq_line(offset, &line, &reg))
		return pmodel_irq_reg_read(pm, line, reg);
	if (pmodel_in(offset, MCU_CONTROL_BASE, MCU_SIZE))
		return pmodel_mcu_reg_read(pm, offset - MCU_CONTROL_BASE);
	if (pmodel_in(offset, MMU_AS_BASE, PMODEL_AS_COUNT * AS_SIZE)) {
		offset -= MMU_AS_BASE;
		return pmodel_as_reg_read(pm, offset / AS_SIZE, offset % AS_SIZE);
	}
	return pmodel_gpu_reg_read(pm, offset);
}

/**
 * pmodel_reg_write() - The driver writes a register
 * @pm: Model.
 * @offset: Offset in the register window, in bytes, a multiple of 4.
 * @value: Value.
 *
 * What the hardware does before it accepts the next access has happened when
 * this returns: address space commands without delay, reset, and the answer to
 * a request to halt the MCU.
 *
 * Context: Any. Takes pmodel::lock. Does not sleep or allocate.
 */
void pmodel_reg_write(struct pmodel *pm, u32 offset, u32 value)
{
	enum pmodel_line line;
	u32 reg;

	guard(raw_spinlock_irqsave)(&pm->lock);

	if (pm->gpu.unpowered) {
		pmodel_count(pm, unpowered);
		return;
	}

	if (pmodel_irq_line(offset, &line, &reg)) {
		pmodel_irq_reg_write(pm, line, reg, value);
	} else if (pmodel_in(offset, MCU_CONTROL_BASE, MCU_SIZE)) {
		pmodel_mcu_reg_write(pm, offset - MCU_CONTROL_BASE, value);
	} else if (pmodel_in(offset, MMU_AS_BASE, PMODEL_AS_COUNT * AS_SIZE)) {
		offset -= MMU_AS_BASE;
		pmodel_as_reg_write(pm, offset / AS_SIZE, offset % AS_SIZE, value);
	} else if (offset >= CSF_DOORBELL(0)) {
		pmodel_mcu_doorbell(pm, (offset - CSF_DOORBELL(0)) / DOORBELL_SIZE);
	} else {
		pmodel_gpu_reg_write(pm, offset, value);
	}
}

/**
 * pmodel_clock() - The clock goes on or off
 * @pm: Model.
 * @on: Whether it is on.
 *
 * Without a clock registers cannot be accessed, nothing executes, and what the
 * registers held is lost, as on a board that also takes the power away. A front end
 * that never calls this has a clock that is always on.
 *
 * Context: Any. Takes pmodel::lock. Does not sleep.
 */
void pmodel_clock(struct pmodel *pm, bool on)
{
	guard(raw_spinlock_irqsave)(&pm->lock);

	WRITE_ONCE(pm->gpu.unpowered, !on);
	if (!on)
		pmodel_gpu_lose_power(pm);
}

/**
 * pmodel_has_clock() - Tell whether registers can be accessed
 * @pm: Model.
 *
 * Context: Any.
 * Return: Whether the clock is on.
 */
bool pmodel_has_clock(struct pmodel *pm)
{
	return !READ_ONCE(pm->gpu.unpowered);
}
