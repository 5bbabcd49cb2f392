/* SPDX-License-Identifier: GPL-2.0 or MIT */

/*
 * Software Mali CSF GPU: the interface between its core and a front end.
 *
 * The core behaves like the GPU. It does not know how the CPU reaches its
 * registers or how an interrupt gets to a CPU. A front end knows just that:
 *
 *  - it makes every 32-bit access of the driver to the register window end in
 *    pmodel_reg_read() or pmodel_reg_write();
 *  - it delivers an interrupt when the core asks for it;
 *  - it gives the core access to physical memory;
 *  - it says when the clock goes off and on, if it knows (pmodel_clock());
 *  - it keeps real memory behind the page that user space maps from the
 *    register window (LATEST_FLUSH_ID), and stores there what the core
 *    publishes.
 *
 * There is one model in a system. A front end creates it before panthor can
 * probe, and destroys it after panthor has let go of the device.
 */

#ifndef __PMODEL_H__
#define __PMODEL_H__

#include <linux/sizes.h>
#include <linux/types.h>

struct pmodel;

/** PMODEL_IO_SIZE - Size of the register window, in bytes. */
#define PMODEL_IO_SIZE		SZ_2M

/** PMODEL_CORE_HZ - Rate of the core clock a front end has to provide. */
#define PMODEL_CORE_HZ		500000000UL

/**
 * enum pmodel_line - Interrupt lines of the GPU
 * @PMODEL_LINE_JOB: "job" in the device tree binding.
 * @PMODEL_LINE_MMU: "mmu" in the device tree binding.
 * @PMODEL_LINE_GPU: "gpu" in the device tree binding.
 * @PMODEL_LINE_COUNT: Number of lines.
 */
enum pmodel_line {
	PMODEL_LINE_JOB,
	PMODEL_LINE_MMU,
	PMODEL_LINE_GPU,
	PMODEL_LINE_COUNT,
};

/**
 * struct pmodel_front_ops - What a front end does for the core
 */
struct pmodel_front_ops {
	/**
	 * @irq: Deliver an interrupt: run, or make pending, the handlers of
	 * @line.
	 *
	 * The core calls it once each time a line has something new to say,
	 * from a kernel thread, with interrupts enabled and no lock held, so
	 * that it may run the handlers itself. It must not wait for them if
	 * they wait for the model.
	 */
	void (*irq)(void *front, enum pmodel_line line);

	/**
	 * @page: Return the address at which the CPU sees the 4 KiB page at
	 * physical address @pa, or NULL if there is no memory.
	 *
	 * Called with a raw spinlock held and interrupts disabled.
	 * pmodel_ram_page() does it where all memory is in the linear map.
	 */
	void *(*page)(void *front, phys_addr_t pa);

	/**
	 * @page_is_free: Tell whether the page at @pa belongs to nobody.
	 *
	 * Same context as @page, called after it, for pages that it found.
	 * pmodel_ram_page_is_free() does it for pages of the page allocator.
	 */
	bool (*page_is_free)(void *front, phys_addr_t pa);

	/**
	 * @publish: Store @value where a mapping of the register at @offset
	 * shows it to user space.
	 *
	 * Called with a raw spinlock held and interrupts disabled.
	 */
	void (*publish)(void *front, u32 offset, u32 value);
};

struct pmodel *pmodel_create(const struct pmodel_front_ops *ops, void *front);
void pmodel_destroy(struct pmodel *pm);

u32 pmodel_reg_read(struct pmodel *pm, u32 offset);
void pmodel_reg_write(struct pmodel *pm, u32 offset, u32 value);

void pmodel_clock(struct pmodel *pm, bool on);
bool pmodel_has_clock(struct pmodel *pm);

void *pmodel_ram_page(void *front, phys_addr_t pa);
bool pmodel_ram_page_is_free(void *front, phys_addr_t pa);

#endif
