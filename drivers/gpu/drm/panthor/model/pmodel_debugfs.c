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

static const char * const pmodel_counter_names[PMODEL_CNT_COUNT] = {
	[PMODEL_CNT_jobs] = "jobs",
	[PMODEL_CNT_instructions] = "instructions",
	[PMODEL_CNT_bytes_read] = "bytes_read",
	[PMODEL_CNT_bytes_written] = "bytes_written",
	[PMODEL_CNT_tlb_hits] = "tlb_hits",
	[PMODEL_CNT_tlb_misses] = "tlb_misses",
	[PMODEL_CNT_tlb_stale] = "tlb_stale",
	[PMODEL_CNT_free_page_touches] = "free_page_touches",
	[PMODEL_CNT_as_updates] = "as_updates",
	[PMODEL_CNT_as_locks] = "as_locks",
	[PMODEL_CNT_as_unlocks] = "as_unlocks",
	[PMODEL_CNT_as_flushes] = "as_flushes",
	[PMODEL_CNT_gpu_flushes] = "gpu_flushes",
	[PMODEL_CNT_irqs_job] = "irqs_job",
	[PMODEL_CNT_irqs_mmu] = "irqs_mmu",
	[PMODEL_CNT_irqs_gpu] = "irqs_gpu",
	[PMODEL_CNT_irqs_lost] = "irqs_lost",
	[PMODEL_CNT_faults] = "faults",
	[PMODEL_CNT_resets] = "resets",
	[PMODEL_CNT_mcu_boots] = "mcu_boots",
	[PMODEL_CNT_csg_starts] = "csg_starts",
	[PMODEL_CNT_csg_resumes] = "csg_resumes",
	[PMODEL_CNT_csg_suspends] = "csg_suspends",
	[PMODEL_CNT_csg_terminates] = "csg_terminates",
	[PMODEL_CNT_tiler_ooms] = "tiler_ooms",
	[PMODEL_CNT_sync_updates] = "sync_updates",
	[PMODEL_CNT_fw_asserts] = "fw_asserts",
	[PMODEL_CNT_unpowered] = "unpowered",
};

static int pmodel_counters_show(struct seq_file *m, void *unused)
{
	struct pmodel *pm = m->private;
	enum pmodel_counter i;

	for (i = 0; i < PMODEL_CNT_COUNT; i++)
		seq_printf(m, "%s %llu\n", pmodel_counter_names[i],
			   (u64)atomic64_read(&pm->counters[i]));
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

	seq_printf(m, "gpu l2 %#llx coherency %u flush id %u%s\n", READ_ONCE(pm->gpu.l2_ready),
		   READ_ONCE(pm->gpu.coherency), READ_ONCE(pm->gpu.flush_id),
		   READ_ONCE(pm->gpu.unpowered) ? " no clock" : "");
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
	debugfs_create_atomic_t("as_delay_us", 0600, inject, &pm->inject.as_delay_us);
	debugfs_create_atomic_t("as_stuck", 0600, inject, &pm->inject.as_stuck);
	debugfs_create_atomic_t("as_stuck_after", 0600, inject, &pm->inject.as_stuck_after);
	debugfs_create_atomic_t("drop_invalidate", 0600, inject, &pm->inject.drop_invalidate);
	debugfs_create_atomic_t("lose_irq", 0600, inject, &pm->inject.lose_irq);
	debugfs_create_atomic_t("mcu_hang", 0600, inject, &pm->inject.mcu_hang);
	debugfs_create_atomic_t("resume_hang", 0600, inject, &pm->inject.resume_hang);
	debugfs_create_atomic_t("suspend_hang", 0600, inject, &pm->inject.suspend_hang);
	debugfs_create_atomic_t("suspend_garbage", 0600, inject, &pm->inject.suspend_garbage);
	debugfs_create_atomic_t("flush_us", 0600, inject, &pm->inject.flush_us);
	debugfs_create_atomic_t("flush_stuck", 0600, inject, &pm->inject.flush_stuck);
	debugfs_create_atomic_t("irq_delay_us", 0600, inject, &pm->inject.irq_delay_us);
	debugfs_create_atomic_t("unrecoverable", 0600, inject, &pm->inject.unrecoverable);
	debugfs_create_atomic_t("l2_trans_us", 0600, inject, &pm->inject.l2_trans_us);
	debugfs_create_atomic_t("bus_fault", 0600, inject, &pm->inject.bus_fault);
	debugfs_create_atomic_t("slow_us", 0600, inject, &pm->inject.slow_us);
	debugfs_create_atomic_t("break_store", 0600, inject, &pm->inject.break_store);
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
