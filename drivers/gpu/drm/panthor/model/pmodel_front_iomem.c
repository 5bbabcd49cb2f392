// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: front end for user-mode Linux.
 *
 * Registers are a region of emulated I/O memory (lib/logic_iomem.c), interrupts
 * are software interrupts, and the device is a platform device that this file
 * creates together with its clock and its operating point.
 *
 * The region cannot be unregistered, so as a module this cannot be unloaded.
 */

#include <linux/clk-provider.h>
#include <linux/clkdev.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/logic_iomem.h>
#include <linux/platform_device.h>
#include <linux/pm_opp.h>

#include "pmodel.h"

#define DEVICE_NAME	"panthor"
#define CORE_UV		800000

/**
 * struct pmodel_iomem - The front end
 * @pm: Model.
 * @ram: Memory behind the registers; only published registers are in it.
 * @region: Register window.
 * @irq: First of PMODEL_LINE_COUNT interrupts.
 * @clk: Core clock; the model is told when it is off.
 * @clkdev: Its association with the device.
 * @pdev: Device.
 */
struct pmodel_iomem {
	struct pmodel *pm;
	void *ram;
	struct resource region;
	int irq;
	struct clk_hw clk;
	struct clk_lookup *clkdev;
	struct platform_device *pdev;
};

static struct pmodel_iomem pmodel_iomem;

static const char * const pmodel_line_names[PMODEL_LINE_COUNT] = {
	[PMODEL_LINE_JOB] = "job",
	[PMODEL_LINE_MMU] = "mmu",
	[PMODEL_LINE_GPU] = "gpu",
};

static void pmodel_iomem_irq(void *front, enum pmodel_line line)
{
	struct pmodel_iomem *io = front;

	generic_handle_irq_safe(io->irq + line);
}

static void pmodel_iomem_publish(void *front, u32 offset, u32 value)
{
	struct pmodel_iomem *io = front;

	WRITE_ONCE(*(u32 *)(io->ram + offset), value);
}

static const struct pmodel_front_ops pmodel_iomem_front_ops = {
	.irq = pmodel_iomem_irq,
	.page = pmodel_ram_page,
	.page_is_free = pmodel_ram_page_is_free,
	.publish = pmodel_iomem_publish,
};

static unsigned long pmodel_iomem_read(void *priv, unsigned int offset, int size)
{
	struct pmodel_iomem *io = priv;

	if (WARN_ON_ONCE(size != sizeof(u32)))
		return 0;
	WARN_ONCE(!pmodel_has_clock(io->pm), "register %#x is read without a clock\n", offset);
	return pmodel_reg_read(io->pm, offset);
}

static void pmodel_iomem_write(void *priv, unsigned int offset, int size, unsigned long value)
{
	struct pmodel_iomem *io = priv;

	if (WARN_ON_ONCE(size != sizeof(u32)))
		return;
	WARN_ONCE(!pmodel_has_clock(io->pm), "register %#x is written without a clock\n", offset);
	pmodel_reg_write(io->pm, offset, value);
}

static const struct logic_iomem_ops pmodel_iomem_ops = {
	.read = pmodel_iomem_read,
	.write = pmodel_iomem_write,
};

static long pmodel_iomem_map(unsigned long offset, size_t size,
			     const struct logic_iomem_ops **ops, void **priv)
{
	*ops = &pmodel_iomem_ops;
	*priv = &pmodel_iomem;
	return offset;
}

static const struct logic_iomem_region_ops pmodel_iomem_region_ops = {
	.map = pmodel_iomem_map,
};

static int pmodel_iomem_clk_enable(struct clk_hw *hw)
{
	pmodel_clock(container_of(hw, struct pmodel_iomem, clk)->pm, true);
	return 0;
}

static void pmodel_iomem_clk_disable(struct clk_hw *hw)
{
	pmodel_clock(container_of(hw, struct pmodel_iomem, clk)->pm, false);
}

static unsigned long pmodel_iomem_clk_rate(struct clk_hw *hw, unsigned long parent_rate)
{
	return PMODEL_CORE_HZ;
}

static const struct clk_ops pmodel_iomem_clk_ops = {
	.enable = pmodel_iomem_clk_enable,
	.disable = pmodel_iomem_clk_disable,
	.recalc_rate = pmodel_iomem_clk_rate,
};

static int pmodel_iomem_init_clk(struct pmodel_iomem *io)
{
	static const struct clk_init_data init = {
		.name = "panthor-model",
		.ops = &pmodel_iomem_clk_ops,
	};
	int ret;

	io->clk.init = &init;
	ret = clk_hw_register(NULL, &io->clk);
	if (ret)
		return ret;

	io->clkdev = clkdev_hw_create(&io->clk, NULL, DEVICE_NAME);
	if (!io->clkdev) {
		clk_hw_unregister(&io->clk);
		return -ENOMEM;
	}
	pmodel_clock(io->pm, false);
	return 0;
}

static void pmodel_iomem_fini_clk(struct pmodel_iomem *io)
{
	clkdev_drop(io->clkdev);
	clk_hw_unregister(&io->clk);
}

static int pmodel_iomem_init_irqs(struct pmodel_iomem *io)
{
	enum pmodel_line line;

	io->irq = irq_alloc_descs(-1, 0, PMODEL_LINE_COUNT, NUMA_NO_NODE);
	if (io->irq < 0)
		return io->irq;

	for (line = 0; line < PMODEL_LINE_COUNT; line++) {
		irq_set_chip_and_handler(io->irq + line, &dummy_irq_chip, handle_simple_irq);
		irq_clear_status_flags(io->irq + line, IRQ_NOREQUEST);
	}
	return 0;
}

static int pmodel_iomem_init_device(struct pmodel_iomem *io)
{
	struct resource res[1 + PMODEL_LINE_COUNT];
	enum pmodel_line line;
	int ret;

	io->pdev = platform_device_alloc(DEVICE_NAME, PLATFORM_DEVID_NONE);
	if (!io->pdev)
		return -ENOMEM;

	res[0] = DEFINE_RES_MEM(io->region.start, PMODEL_IO_SIZE);
	for (line = 0; line < PMODEL_LINE_COUNT; line++)
		res[1 + line] = DEFINE_RES_IRQ_NAMED(io->irq + line, pmodel_line_names[line]);
	ret = platform_device_add_resources(io->pdev, res, ARRAY_SIZE(res));
	if (ret)
		goto err_put_device;

	/* The operating point must be there when the device is probed. */
	ret = dev_set_name(&io->pdev->dev, DEVICE_NAME);
	if (ret)
		goto err_put_device;
	ret = dev_pm_opp_add(&io->pdev->dev, PMODEL_CORE_HZ, CORE_UV);
	if (ret)
		goto err_put_device;

	ret = platform_device_add(io->pdev);
	if (ret)
		goto err_remove_opp;
	return 0;

err_remove_opp:
	dev_pm_opp_remove(&io->pdev->dev, PMODEL_CORE_HZ);
err_put_device:
	platform_device_put(io->pdev);
	return ret;
}

static int __init pmodel_iomem_init(void)
{
	struct pmodel_iomem *io = &pmodel_iomem;
	int ret;

	/* Real memory, as user space maps a page of the registers. */
	io->ram = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, get_order(PMODEL_IO_SIZE));
	if (!io->ram)
		return -ENOMEM;

	ret = pmodel_iomem_init_irqs(io);
	if (ret)
		goto err_free_ram;

	io->pm = pmodel_create(&pmodel_iomem_front_ops, io);
	if (IS_ERR(io->pm)) {
		ret = PTR_ERR(io->pm);
		goto err_free_irqs;
	}

	ret = pmodel_iomem_init_clk(io);
	if (ret)
		goto err_destroy_model;

	io->region = DEFINE_RES_MEM_NAMED(virt_to_phys(io->ram), PMODEL_IO_SIZE, "panthor-model");
	ret = logic_iomem_add_region(&io->region, &pmodel_iomem_region_ops);
	if (ret)
		goto err_fini_clk;

	/* From here on nothing can be undone: the region stays registered. */
	ret = pmodel_iomem_init_device(io);
	if (ret)
		pr_err("panthor-model: cannot create the device: %pe\n", ERR_PTR(ret));
	return 0;

err_fini_clk:
	pmodel_iomem_fini_clk(io);
err_destroy_model:
	pmodel_destroy(io->pm);
err_free_irqs:
	irq_free_descs(io->irq, PMODEL_LINE_COUNT);
err_free_ram:
	free_pages((unsigned long)io->ram, get_order(PMODEL_IO_SIZE));
	return ret;
}

/* Before the driver, so that a built-in driver finds its device. */
subsys_initcall(pmodel_iomem_init);
