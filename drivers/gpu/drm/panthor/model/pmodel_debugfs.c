// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: /sys/kernel/debug/panthor-model/.
 *
 *	counters	what has happened since the model was created
 *	state		address spaces and group slots as they are now
 *	inject/		what is to go wrong, see struct pmodel_inject
 *	firmware	the firmware image
 */

#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "panthor_fw_regs.h"
#include "pmodel_internal.h"

static int pmodel_counters_show(struct seq_file *m, void *unused)
{
	struct pmodel *pm = m->private;

#define PMODEL_COUNTER_SHOW(name) \
	seq_printf(m, "%s %llu\n", #name, pmodel_counter(pm, name));
	PMODEL_COUNTERS(PMODEL_COUNTER_SHOW)
#undef PMODEL_COUNTER_SHOW
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pmodel_counters);

static void pmodel_as_show(struct seq_file *m, struct pmodel *pm, u32 nr)
{
	struct pmodel_as as;

	scoped_guard(raw_spinlock_irqsave, &pm->lock)
		as = pm->as[nr];

	seq_printf(m, "as %u transtab %#llx transcfg %#llx command %u", nr, as.live.transtab,
		   as.live.transcfg, as.command);
	if (as.locked)
		seq_printf(m, " locked %#llx-%#llx", as.lock_first, as.lock_last);
	if (as.faulted)
		seq_printf(m, " fault %#x at %#llx", as.faultstatus, as.faultaddr);
	seq_putc(m, '\n');
}

static const char *pmodel_cs_state_name(enum pmodel_cs_state state)
{
	static const char * const name[] = {
		[PMODEL_CS_OFF] = "off",
		[PMODEL_CS_READY] = "ready",
		[PMODEL_CS_STALLED] = "stalled",
		[PMODEL_CS_EMPTY] = "empty",
		[PMODEL_CS_BLOCKED] = "blocked",
		[PMODEL_CS_WAIT_ACK] = "waits for the driver",
		[PMODEL_CS_DEAD] = "dead",
	};

	return name[state];
}

static void pmodel_cs_show(struct seq_file *m, struct pmodel_csg *csg, u32 c)
{
	enum pmodel_cs_state state;
	u64 pc, insert, extract;
	u32 depth;

	scoped_guard(raw_spinlock, &csg->lock) {
		const struct pmodel_cs *cs = &csg->cs[c];

		state = cs->state;
		depth = cs->ctx.depth;
		insert = cs->insert;
		extract = cs->extract;
		pc = pmodel_cs_pc(cs);
	}

	if (state != PMODEL_CS_OFF)
		seq_printf(m, "cs %u.%u %s pc %#llx depth %u insert %llu extract %llu\n",
			   csg->index, c, pmodel_cs_state_name(state), pc, depth, insert,
			   extract);
}

static void pmodel_csg_show(struct seq_file *m, struct pmodel *pm, struct pmodel_csg *csg)
{
	u32 as, c;

	scoped_guard(raw_spinlock, &csg->lock) {
		if (!csg->running || csg->epoch != READ_ONCE(pm->epoch))
			return;
		as = csg->as;
	}

	seq_printf(m, "csg %u as %u%s\n", csg->index, as,
		   test_bit(csg->index, &pm->busy) ? " busy" : "");
	for (c = 0; c < PMODEL_CS_COUNT; c++)
		pmodel_cs_show(m, csg, c);
}

static int pmodel_state_show(struct seq_file *m, void *unused)
{
	struct pmodel *pm = m->private;
	u32 i;

	seq_printf(m, "mcu control %u status %u\n", READ_ONCE(pm->mcu.control),
		   READ_ONCE(pm->mcu.status));
	for (i = 0; i < PMODEL_AS_COUNT; i++)
		pmodel_as_show(m, pm, i);
	for (i = 0; i < PMODEL_CSG_COUNT; i++)
		pmodel_csg_show(m, pm, &pm->csg[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pmodel_state);

static ssize_t pmodel_firmware_read(struct file *file, char __user *buf, size_t count,
				    loff_t *pos)
{
	size_t size;
	const void *image = pmodel_fw_image(&size);

	return simple_read_from_buffer(buf, count, pos, image, size);
}

static const struct file_operations pmodel_firmware_fops = {
	.owner = THIS_MODULE,
	.read = pmodel_firmware_read,
	.llseek = default_llseek,
};

/**
 * pmodel_debugfs_init() - Create the directory
 * @pm: Model.
 *
 * Context: Process context, may sleep.
 */
void pmodel_debugfs_init(struct pmodel *pm)
{
	struct dentry *inject;

	pm->debugfs = debugfs_create_dir("panthor-model", NULL);
	debugfs_create_file("counters", 0400, pm->debugfs, pm, &pmodel_counters_fops);
	debugfs_create_file("state", 0400, pm->debugfs, pm, &pmodel_state_fops);
	debugfs_create_file("firmware", 0400, pm->debugfs, pm, &pmodel_firmware_fops);

	inject = debugfs_create_dir("inject", pm->debugfs);
#define PMODEL_INJECTION_FILE(name) \
	debugfs_create_atomic_t(#name, 0600, inject, &pm->inject.name);
	PMODEL_INJECTIONS(PMODEL_INJECTION_FILE)
#undef PMODEL_INJECTION_FILE
}

/**
 * pmodel_debugfs_fini() - Remove the directory
 * @pm: Model.
 *
 * Context: Process context, may sleep.
 */
void pmodel_debugfs_fini(struct pmodel *pm)
{
	debugfs_remove(pm->debugfs);
}
