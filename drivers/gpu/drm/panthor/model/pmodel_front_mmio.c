// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: front end for a board described by a device tree.
 *
 * The registers of the GPU are reserved RAM. The tracepoints of MMIO accesses
 * give them a behaviour: rwmmio_read fires before the load, so that the value
 * to be read can be stored first; rwmmio_post_write fires after the store, and
 * carries the value. User space may map the RAM as it may map registers.
 *
 * Interrupts are those of the board: the lines that the device tree gives to
 * the GPU are made pending in the interrupt controller, which does the rest.
 *
 * What marks a GPU as one of software is a "memory-region" that is its own
 * register window. Registers of hardware are never memory, so that the module
 * does no harm on a board with a GPU.
 *
 * Two CPUs and one word of RAM
 *
 * pmodel_mmio::lock makes computing a value and storing it one step. Whatever
 * a CPU loads after its own step was computed in that step or in a later one of
 * another CPU: it may be newer than what the core told this CPU, as it may be
 * when a register changes between two reads, but never older, so that a CPU
 * always sees the effect of its own writes.
 *
 * A store of the driver to the same register can come between the step and the
 * load as well. That register can be written, so its value is the one stored,
 * or it reads as 0 and nobody reads it: the registers that have a different
 * meaning in each direction (INT_CLEAR, commands, doorbells) are write-only.
 *
 * LATEST_FLUSH_ID, which the core changes by itself, is the exception. What the
 * core publishes goes straight to RAM, under the core's lock, and is not stored
 * again when it is read.
 */

#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/of_platform.h>
#include <linux/of_reserved_mem.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>
#include <trace/events/rwmmio.h>

#include "panthor_fw_regs.h"
#include "pmodel.h"

/* Blocks of physical memory, known to be there, that are remembered. */
#define KNOWN_BLOCKS	64

/**
 * struct pmodel_mmio - A board with the model for its GPU
 */
struct pmodel_mmio {
	/** @pm: Model. */
	struct pmodel *pm;
	/** @pdev: The GPU, as the driver gets to see it. */
	struct platform_device *pdev;
	/** @first_pfn: Page frame at which the register window begins. */
	unsigned long first_pfn;
	/** @io: The RAM behind the registers, mapped like registers. */
	void __iomem *io;
	/** @lock: Makes computing a value and storing it in @io one step. */
	raw_spinlock_t lock;
	/** @known: Numbers, plus one, of blocks (subsections) that are memory. */
	unsigned long known[KNOWN_BLOCKS];
	/** @irqs: Interrupt numbers of the lines. */
	int irqs[PMODEL_LINE_COUNT];
	/** @bus_nb: Learns when a driver is bound to @pdev. */
	struct notifier_block bus_nb;
	/** @held: A driver may be bound: this module must stay. */
	bool held;
};

static struct pmodel_mmio *pmodel_mmio;

/*
 * All MMIO of all drivers comes here, from any context. An address is resolved
 * anew each time: what it maps may change as soon as a driver lets go of it.
 */
static bool pmodel_mmio_offset(const struct pmodel_mmio *mmio, const void *va, u32 *offset)
{
	unsigned long index;
	struct page *page;

	if (!is_vmalloc_addr(va))
		return false;
	page = vmalloc_to_page(va);
	if (!page)
		return false;
	index = page_to_pfn(page) - mmio->first_pfn;
	if (index >= PHYS_PFN(PMODEL_IO_SIZE))
		return false;
	*offset = PFN_PHYS(index) + offset_in_page(va);
	return true;
}

static void pmodel_mmio_read(void *data, unsigned long caller, unsigned long caller0,
			     u8 width, const volatile void __iomem *addr)
{
	struct pmodel_mmio *mmio = data;
	u32 offset;

	if (!pmodel_mmio_offset(mmio, (const void __force *)addr, &offset))
		return;
	if (WARN_ONCE(width != 32, "%u-bit read of register %#x by %pS\n",
		      width, offset, (void *)caller))
		return;
	if (offset == CSF_GPU_LATEST_FLUSH_ID)
		return;

	guard(raw_spinlock_irqsave)(&mmio->lock);
	__raw_writel(pmodel_reg_read(mmio->pm, offset), mmio->io + offset);
}

static void pmodel_mmio_write(void *data, unsigned long caller, unsigned long caller0,
			      u64 val, u8 width, volatile void __iomem *addr)
{
	struct pmodel_mmio *mmio = data;
	u32 offset;

	if (!pmodel_mmio_offset(mmio, (const void __force *)addr, &offset))
		return;
	if (WARN_ONCE(width != 32, "%u-bit write of register %#x by %pS\n",
		      width, offset, (void *)caller))
		return;
	pmodel_reg_write(mmio->pm, offset, val);
}

/*
 * Made pending by software, a line of the controller is pending until it is
 * taken, whatever its trigger: like an edge. The core asks again for what is
 * left or new after that.
 */
static void pmodel_mmio_irq(void *data, enum pmodel_line line)
{
	struct pmodel_mmio *mmio = data;
	int ret = irq_set_irqchip_state(mmio->irqs[line], IRQCHIP_STATE_PENDING, true);

	if (ret)
		dev_err_ratelimited(&mmio->pdev->dev,
				    "model: IRQ %d cannot be made pending: %d\n",
				    mmio->irqs[line], ret);
}

static void pmodel_mmio_publish(void *data, u32 offset, u32 value)
{
	struct pmodel_mmio *mmio = data;

	__raw_writel(value, mmio->io + offset);
}

/*
 * The walk of a page table asks for each table, each time. pfn_valid() enters an
 * RCU read-side section, which costs more than the rest of the walk where
 * lockdep looks on. The caller holds the lock that protects what is remembered.
 */
static bool pmodel_mmio_is_ram(struct pmodel_mmio *mmio, unsigned long pfn)
{
	unsigned long block = pfn >> PFN_SUBSECTION_SHIFT;
	unsigned long *known = &mmio->known[block % KNOWN_BLOCKS];

	if (*known == block + 1)
		return true;
	if (!pfn_valid(pfn))
		return false;
	*known = block + 1;
	return true;
}

/* The registers are memory too, but the linear map leaves them out. */
static void *pmodel_mmio_page(void *data, phys_addr_t pa)
{
	struct pmodel_mmio *mmio = data;

	if (PHYS_PFN(pa) - mmio->first_pfn < PHYS_PFN(PMODEL_IO_SIZE))
		return NULL;
	return pmodel_mmio_is_ram(mmio, PHYS_PFN(pa)) ? phys_to_virt(pa) : NULL;
}

static const struct pmodel_front_ops pmodel_mmio_ops = {
	.irq = pmodel_mmio_irq,
	.page = pmodel_mmio_page,
	.page_is_free = pmodel_ram_page_is_free,
	.publish = pmodel_mmio_publish,
};

/*
 * panthor does not know that its GPU is a module: hold the module while a
 * driver is bound. The device lock serialises the calls.
 */
static int pmodel_mmio_bus_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	struct pmodel_mmio *mmio = container_of(nb, struct pmodel_mmio, bus_nb);
	struct device *dev = data;

	if (dev != &mmio->pdev->dev)
		return NOTIFY_DONE;

	switch (action) {
	case BUS_NOTIFY_BIND_DRIVER:
		mmio->held = try_module_get(THIS_MODULE);
		break;
	case BUS_NOTIFY_UNBOUND_DRIVER:
	case BUS_NOTIFY_DRIVER_NOT_BOUND:
		if (mmio->held)
			module_put(THIS_MODULE);
		mmio->held = false;
		break;
	}
	return NOTIFY_OK;
}

static bool pmodel_mmio_is_mine(struct device_node *np, struct resource *regs)
{
	struct resource ram;

	return !of_address_to_resource(np, 0, regs) &&
	       !of_reserved_mem_region_to_resource(np, 0, &ram) &&
	       regs->start == ram.start && resource_size(&ram) >= PMODEL_IO_SIZE &&
	       resource_size(regs) == PMODEL_IO_SIZE;
}

static struct platform_device *pmodel_mmio_find(struct resource *regs)
{
	struct device_node *np;

	for_each_compatible_node(np, NULL, "arm,mali-valhall-csf") {
		if (pmodel_mmio_is_mine(np, regs)) {
			struct platform_device *pdev = of_find_device_by_node(np);

			of_node_put(np);
			return pdev;
		}
	}
	return NULL;
}

static int pmodel_mmio_get_irqs(struct pmodel_mmio *mmio)
{
	static const char * const names[PMODEL_LINE_COUNT] = {
		[PMODEL_LINE_JOB] = "job",
		[PMODEL_LINE_MMU] = "mmu",
		[PMODEL_LINE_GPU] = "gpu",
	};
	enum pmodel_line line;

	for (line = 0; line < PMODEL_LINE_COUNT; line++) {
		bool pending;
		int irq, ret;

		irq = platform_get_irq_byname(mmio->pdev, names[line]);
		if (irq < 0)
			return irq;
		ret = irq_get_irqchip_state(irq, IRQCHIP_STATE_PENDING, &pending);
		if (ret)
			return dev_err_probe(&mmio->pdev->dev, ret,
					     "model: IRQ %d cannot be raised by software\n", irq);
		mmio->irqs[line] = irq;
	}
	return 0;
}

static int pmodel_mmio_register_probes(struct pmodel_mmio *mmio)
{
	int ret;

	ret = register_trace_rwmmio_post_write(pmodel_mmio_write, mmio);
	if (ret)
		return ret;
	ret = register_trace_rwmmio_read(pmodel_mmio_read, mmio);
	if (ret)
		unregister_trace_rwmmio_post_write(pmodel_mmio_write, mmio);
	return ret;
}

static void pmodel_mmio_unregister_probes(struct pmodel_mmio *mmio)
{
	unregister_trace_rwmmio_read(pmodel_mmio_read, mmio);
	unregister_trace_rwmmio_post_write(pmodel_mmio_write, mmio);
	tracepoint_synchronize_unregister();
}

static int pmodel_mmio_start(struct pmodel_mmio *mmio, const struct resource *regs)
{
	int ret;

	mmio->first_pfn = PHYS_PFN(regs->start);
	mmio->io = ioremap(regs->start, PMODEL_IO_SIZE);
	if (!mmio->io)
		return -ENOMEM;
	memset_io(mmio->io, 0, PMODEL_IO_SIZE);

	ret = pmodel_mmio_get_irqs(mmio);
	if (ret)
		goto err_unmap;

	mmio->pm = pmodel_create(&pmodel_mmio_ops, mmio);
	if (IS_ERR(mmio->pm)) {
		ret = PTR_ERR(mmio->pm);
		goto err_unmap;
	}

	ret = pmodel_mmio_register_probes(mmio);
	if (ret)
		goto err_destroy;

	mmio->bus_nb.notifier_call = pmodel_mmio_bus_notify;
	ret = bus_register_notifier(&platform_bus_type, &mmio->bus_nb);
	if (ret)
		goto err_unregister;
	return 0;

err_unregister:
	pmodel_mmio_unregister_probes(mmio);
err_destroy:
	pmodel_destroy(mmio->pm);
err_unmap:
	iounmap(mmio->io);
	return ret;
}

/*
 * The notifier could not hold a module that had begun to go away. Whatever was
 * bound since then is unbound while its GPU still works.
 */
static void pmodel_mmio_stop(struct pmodel_mmio *mmio)
{
	device_release_driver(&mmio->pdev->dev);
	bus_unregister_notifier(&platform_bus_type, &mmio->bus_nb);
	pmodel_mmio_unregister_probes(mmio);
	pmodel_destroy(mmio->pm);
	iounmap(mmio->io);
}

/* A driver that was there before the GPU was gets its second chance. */
static int __init pmodel_mmio_init(void)
{
	struct resource regs;
	int ret;

	struct pmodel_mmio *mmio __free(kfree) = kzalloc_obj(*mmio);
	if (!mmio)
		return -ENOMEM;
	raw_spin_lock_init(&mmio->lock);

	mmio->pdev = pmodel_mmio_find(&regs);
	if (!mmio->pdev) {
		pr_info("panthor_model: the device tree has no GPU whose registers are reserved memory\n");
		return -ENODEV;
	}

	ret = pmodel_mmio_start(mmio, &regs);
	if (ret) {
		platform_device_put(mmio->pdev);
		return ret;
	}

	pmodel_mmio = no_free_ptr(mmio);
	ret = device_attach(&pmodel_mmio->pdev->dev);
	if (ret < 0)
		dev_info(&pmodel_mmio->pdev->dev, "model: no driver took the GPU yet: %d\n", ret);
	return 0;
}
device_initcall(pmodel_mmio_init);

static void __exit pmodel_mmio_exit(void)
{
	pmodel_mmio_stop(pmodel_mmio);
	platform_device_put(pmodel_mmio->pdev);
	kfree(pmodel_mmio);
}
module_exit(pmodel_mmio_exit);
