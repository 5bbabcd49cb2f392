// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * The sysfs files mem_reclaim and mem_claim. Whoever knows which application
 * comes next writes the TGID of one that does not, and all of its GPU memory
 * leaves; or the TGID of one that does, and all of it comes back. See
 * Documentation/ABI/testing/sysfs-driver-panthor for each error.
 */

#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/time64.h>

#include <drm/drm_drv.h>

#include "panthor_claim.h"
#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim_set.h"
#include "panthor_reclaim_sysfs.h"
#include "panthor_reclaim_target.h"

/*
 * How long reclaim waits for the jobs of the process. Who is in the background
 * has none, or finishes what was submitted before; who goes on submitting is
 * not in the background.
 */
#define EXPLICIT_BUDGET_NS	((u64)NSEC_PER_SEC)

static struct pid *find_process(const char *buf, size_t len)
{
	struct pid *pid;
	bool is_process;
	int nr, ret;

	/* sysfs has terminated what it passes on, so this is somebody's zero byte. */
	if (strnlen(buf, len) + 1 < len)
		return ERR_PTR(-EINVAL);

	ret = kstrtoint(buf, 10, &nr);
	if (ret)
		return ERR_PTR(ret);

	if (nr <= 0)
		return ERR_PTR(-EINVAL);

	/* In the PID namespace of the writer. */
	pid = find_get_pid(nr);
	scoped_guard(rcu)
		is_process = pid_task(pid, PIDTYPE_TGID);
	if (!is_process) {
		put_pid(pid);
		return ERR_PTR(-ESRCH);
	}

	if (pid != task_tgid(current) && !capable(CAP_SYS_RESOURCE)) {
		put_pid(pid);
		return ERR_PTR(-EPERM);
	}

	return pid;
}

struct explicit_reclaim {
	struct panthor_reclaim_set set;
	struct panthor_target target;
};

static bool is_foreign(struct panthor_reclaim_set *set,
		       const struct panthor_reclaim_set_entry *entry)
{
	struct explicit_reclaim *er = container_of(set, struct explicit_reclaim, set);

	return panthor_target_is_foreign(&er->target,
					 &er->target.bos[entry - set->entries]);
}

static int reclaim_process(struct panthor_device *ptdev, struct pid *pid)
{
	struct explicit_reclaim er = {
		.set.budget_ns = EXPLICIT_BUDGET_NS,
		.set.is_foreign = is_foreign,
	};
	int ret, cookie;

	ret = panthor_target_init(&er.target, ptdev, pid, false);
	if (ret)
		return ret;

	er.set.nr_entries = er.target.nr_bos;
	er.set.entries = kvzalloc_objs(*er.set.entries, er.set.nr_entries);
	if (!er.set.entries) {
		ret = -ENOMEM;
		goto out_fini_target;
	}

	for (unsigned long i = 0; i < er.set.nr_entries; i++)
		er.set.entries[i].bo = &to_panthor_bo(er.target.bos[i].obj)->reclaim;

	if (drm_dev_enter(&ptdev->base, &cookie)) {
		ret = panthor_reclaim_evict_set(ptdev->reclaim, &er.set);
		drm_dev_exit(cookie);
	} else {
		ret = -ENODEV;
	}
	kvfree(er.set.entries);

out_fini_target:
	panthor_target_fini(&er.target);

	return ret;
}

static int claim_process(struct panthor_device *ptdev, struct pid *pid)
{
	struct panthor_target target;
	int ret;

	ret = panthor_target_init(&target, ptdev, pid, true);
	if (ret)
		return ret;

	ret = panthor_claim(&target);
	panthor_target_fini(&target);

	return ret;
}

static ssize_t act_on_process(struct device *dev, const char *buf, size_t len,
			      int (*act)(struct panthor_device *ptdev, struct pid *pid))
{
	struct panthor_device *ptdev = dev_get_drvdata(dev);
	struct pid *pid = find_process(buf, len);
	int ret;

	if (IS_ERR(pid))
		return PTR_ERR(pid);

	/* sysfs keeps the driver bound, but that does not keep the device plugged. */
	ret = drm_dev_is_unplugged(&ptdev->base) ? -ENODEV : act(ptdev, pid);
	put_pid(pid);

	return ret ?: len;
}

static ssize_t mem_reclaim_store(struct device *dev, struct device_attribute *attr,
				 const char *buf, size_t len)
{
	return act_on_process(dev, buf, len, reclaim_process);
}
DEVICE_ATTR_WO(mem_reclaim);

static ssize_t mem_claim_store(struct device *dev, struct device_attribute *attr,
			       const char *buf, size_t len)
{
	return act_on_process(dev, buf, len, claim_process);
}
DEVICE_ATTR_WO(mem_claim);
