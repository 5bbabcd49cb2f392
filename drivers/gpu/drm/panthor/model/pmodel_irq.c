// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: interrupt registers and delivery.
 *
 * A line is high while a raw bit is unmasked. Delivery is a matter of the MCU
 * thread, because panthor writes registers with the lock held that its
 * handlers take. The front end is told once about each bit that becomes
 * visible, be it new or unmasked again.
 */

#include <linux/bitops.h>

#include "pmodel_internal.h"

static void pmodel_irq_update(struct pmodel *pm, enum pmodel_line line)
{
	struct pmodel_irq *irq = &pm->irqs[line];
	u32 visible = irq->raw & irq->mask;
	bool news = visible & ~irq->notified;

	irq->notified = visible;
	if (news) {
		set_bit(line, &pm->irqs_pending);
		pmodel_kick_mcu(pm);
	}
}

/**
 * pmodel_irq_raise() - Set raw bits of an interrupt line
 * @pm: Model.
 * @line: Line.
 * @bits: Bits of INT_RAWSTAT.
 *
 * A bit that is set already is an event of its own and is delivered again.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_irq_raise(struct pmodel *pm, enum pmodel_line line, u32 bits)
{
	lockdep_assert_held(&pm->lock);

	pm->irqs[line].raw |= bits;
	pm->irqs[line].notified &= ~bits;
	pmodel_irq_update(pm, line);
}

/**
 * pmodel_irq_reg_read() - Read an interrupt register
 * @pm: Model.
 * @line: Line.
 * @reg: INT_RAWSTAT, INT_CLEAR, INT_MASK or INT_STAT.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: The value.
 */
u32 pmodel_irq_reg_read(struct pmodel *pm, enum pmodel_line line, u32 reg)
{
	const struct pmodel_irq *irq = &pm->irqs[line];

	switch (reg) {
	case INT_RAWSTAT:
		return irq->raw;
	case INT_MASK:
		return irq->mask;
	case INT_STAT:
		return irq->raw & irq->mask;
	default:
		return 0;
	}
}

/**
 * pmodel_irq_reg_write() - Write an interrupt register
 * @pm: Model.
 * @line: Line.
 * @reg: INT_RAWSTAT (sets bits), INT_CLEAR or INT_MASK.
 * @value: Value.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_irq_reg_write(struct pmodel *pm, enum pmodel_line line, u32 reg, u32 value)
{
	struct pmodel_irq *irq = &pm->irqs[line];

	switch (reg) {
	case INT_RAWSTAT:
		irq->raw |= value;
		break;
	case INT_CLEAR:
		irq->raw &= ~value;
		break;
	case INT_MASK:
		irq->mask = value;
		break;
	default:
		return;
	}
	pmodel_irq_update(pm, line);
}

static void pmodel_irq_count(struct pmodel *pm, enum pmodel_line line)
{
	switch (line) {
	case PMODEL_LINE_JOB:
		pmodel_count(pm, irqs_job);
		break;
	case PMODEL_LINE_MMU:
		pmodel_count(pm, irqs_mmu);
		break;
	default:
		pmodel_count(pm, irqs_gpu);
		break;
	}
}

/**
 * pmodel_irq_deliver() - Hand pending interrupts to the front end
 * @pm: Model.
 *
 * Context: Process context, no lock held.
 */
void pmodel_irq_deliver(struct pmodel *pm)
{
	enum pmodel_line line;

	for (line = 0; line < PMODEL_LINE_COUNT; line++) {
		bool high;

		if (!test_and_clear_bit(line, &pm->irqs_pending))
			continue;

		scoped_guard(raw_spinlock_irqsave, &pm->lock)
			high = pm->irqs[line].raw & pm->irqs[line].mask;
		if (!high)
			continue;

		if (pmodel_inject_hit(pm, lose_irq)) {
			pmodel_count(pm, irqs_lost);
			continue;
		}

		pmodel_irq_count(pm, line);
		pm->ops->irq(pm->front, line);
	}
}
