// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Reclaim as seen from debugfs, three files per device:
 *
 * shrink:  Write a number of pages to have that many reclaimed, as under memory
 *	    pressure, except that the write waits until they have left memory.
 *	    Read, in decimal, the number of pages the last write to this open
 *	    file reclaimed; from a file that was not written to, the number of
 *	    the device's last such request.
 * reclaim: Counters and statistics, one "name value" per line.
 * reclaim_misfiled:
 *	    The number of BOs whose class does not agree with their state. To
 *	    read it locks every BO in turn, so that scans that run meanwhile
 *	    find BOs busy: that is why it is not in "reclaim".
 */

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "panthor_device.h"
#include "panthor_reclaim_private.h"

/**
 * struct shrink_state - The "shrink" file of a device
 */
struct shrink_state {
	/** @ptdev: Device. */
	struct panthor_device *ptdev;

	/** @last: Pages that the latest write reclaimed. */
	atomic_long_t last;
};

/**
 * struct shrink_file - An open "shrink" file
 */
struct shrink_file {
	/** @state: The file of the device. */
	struct shrink_state *state;

	/** @lock: Protects the other members. */
	struct mutex lock;

	/** @written: There was a write to this file. */
	bool written;

	/** @reclaimed: Pages reclaimed by the last one. */
	unsigned long reclaimed;
};

static int shrink_open(struct inode *inode, struct file *file)
{
	struct shrink_file *sf = kzalloc_obj(*sf);

	if (!sf)
		return -ENOMEM;

	sf->state = inode->i_private;
	mutex_init(&sf->lock);
	file->private_data = sf;

	return 0;
}

static int shrink_release(struct inode *inode, struct file *file)
{
	struct shrink_file *sf = file->private_data;

	mutex_destroy(&sf->lock);
	kfree(sf);

	return 0;
}

static ssize_t shrink_read(struct file *file, char __user *buf, size_t size, loff_t *ppos)
{
	struct shrink_file *sf = file->private_data;
	unsigned long reclaimed;
	char text[24];
	int len;

	scoped_guard(mutex, &sf->lock)
		reclaimed = sf->written ? sf->reclaimed :
			    atomic_long_read(&sf->state->last);
	len = scnprintf(text, sizeof(text), "%lu\n", reclaimed);

	return simple_read_from_buffer(buf, size, ppos, text, len);
}

static ssize_t shrink_write(struct file *file, const char __user *buf, size_t size,
			    loff_t *ppos)
{
	struct shrink_file *sf = file->private_data;
	struct panthor_device *ptdev = sf->state->ptdev;
	struct panthor_reclaim_scan scan = {
		.budget_ns = PANTHOR_RECLAIM_WAIT_BUDGET_NS,
		.wait_writeback = true,
	};
	unsigned long reclaimed;
	int ret, cookie;

	ret = kstrtoul_from_user(buf, size, 0, &scan.target);
	if (ret)
		return ret;

	if (!drm_dev_enter(&ptdev->base, &cookie))
		return -ENODEV;

	/* Nothing below may do what reclaim may not. */
	fs_reclaim_acquire(GFP_KERNEL);
	reclaimed = panthor_reclaim_run(ptdev->reclaim, &scan);
	fs_reclaim_release(GFP_KERNEL);

	drm_dev_exit(cookie);

	atomic_long_set(&sf->state->last, reclaimed);
	scoped_guard(mutex, &sf->lock) {
		sf->written = true;
		sf->reclaimed = reclaimed;
	}

	/* What is read next is the result from its start. */
	*ppos = 0;

	return size;
}

static const struct file_operations shrink_fops = {
	.owner = THIS_MODULE,
	.open = shrink_open,
	.release = shrink_release,
	.read = shrink_read,
	.write = shrink_write,
	.llseek = default_llseek,
};

static int reclaim_show(struct seq_file *m, void *data)
{
	struct drm_device *ddev = m->private;
	struct drm_printer p = drm_seq_file_printer(m);

	panthor_reclaim_print(container_of(ddev, struct panthor_device, base)->reclaim, &p);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(reclaim);

static int reclaim_misfiled_show(struct seq_file *m, void *data)
{
	struct drm_device *ddev = m->private;
	struct panthor_device *ptdev = container_of(ddev, struct panthor_device, base);

	seq_printf(m, "%u\n", panthor_reclaim_count_misfiled(ptdev->reclaim));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(reclaim_misfiled);

/**
 * panthor_reclaim_debugfs_init() - Create the debugfs files
 * @minor: Minor of the device.
 *
 * Context: Process context, sleeps.
 */
void panthor_reclaim_debugfs_init(struct drm_minor *minor)
{
	struct shrink_state *state;

	state = drmm_kzalloc(minor->dev, sizeof(*state), GFP_KERNEL);
	if (state) {
		state->ptdev = container_of(minor->dev, struct panthor_device, base);
		debugfs_create_file("shrink", 0600, minor->debugfs_root, state, &shrink_fops);
	}
	debugfs_create_file("reclaim", 0400, minor->debugfs_root, minor->dev, &reclaim_fops);
	debugfs_create_file("reclaim_misfiled", 0400, minor->debugfs_root, minor->dev,
			    &reclaim_misfiled_fops);
}
