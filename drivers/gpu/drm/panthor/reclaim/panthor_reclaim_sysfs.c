// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * The sysfs files mem_reclaim and mem_claim. A manager that knows which application
 * comes next writes the TGID of one that does not, and all of its GPU memory
 * leaves; or the TGID of one that does, and all of it comes back. See
 * Documentation/ABI/testing/sysfs-driver-panthor for each error.
 *
 * They are binary files because only those tell who opened them: a program with
 * privileges that prints something to a descriptor it was started with must not
 * act on behalf of who opened that.
 */

#include <linux/device.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include <drm/drm_drv.h>

#include "panthor_client_memory.h"
#include "panthor_device.h"
#include "panthor_reclaim_sysfs.h"
#include "panthor_reclaim_target.h"

/* Decimal, or hexadecimal with 0x. A leading zero does not make it octal. */
static unsigned int base_of(const char *number)
{
	return !strncasecmp(number + (*number == '+'), "0x", 2) ? 16 : 10;
}

/* "TGID" or "TGID BYTES", and a newline or a zero byte. */
static int parse(char *buf, size_t len, int *tgid, u64 *bytes)
{
	char *rest;
	int ret;

	/* kernfs has terminated what it passes on, so this is a zero byte of the writer. */
	if (strnlen(buf, len) + 1 < len)
		return -EINVAL;

	rest = strchr(buf, ' ');
	if (rest)
		*rest++ = '\0';

	ret = kstrtoint(buf, base_of(buf), tgid);
	if (!ret && rest)
		ret = kstrtou64(rest, base_of(rest), bytes);
	if (ret)
		return ret;

	return *tgid > 0 && (!rest || *bytes) ? 0 : -EINVAL;
}

/* Process of a TGID in the PID namespace of the writer. */
static struct pid *find_process(int tgid)
{
	struct pid *pid = find_get_pid(tgid);
	bool is_process;

	scoped_guard(rcu)
		is_process = pid_task(pid, PIDTYPE_TGID);
	if (is_process)
		return pid;

	put_pid(pid);

	return NULL;
}

typedef int (*client_fn)(struct panthor_target *target, struct panthor_client_request *req);

static int act_on(struct panthor_device *ptdev, struct pid *pid, const struct cred *opener,
		  struct panthor_client_request *req, client_fn act)
{
	struct panthor_target target;
	int ret;

	/* sysfs keeps the driver bound, but that does not keep the device plugged. */
	if (drm_dev_is_unplugged(&ptdev->base))
		return -ENODEV;

	ret = panthor_client_init_target(&target, ptdev, pid, opener);
	if (ret)
		return ret;

	ret = act(&target, req);
	panthor_target_fini(&target);

	return ret;
}

static ssize_t act_on_written(struct file *filp, struct kobject *kobj, char *buf, size_t len,
			      client_fn act)
{
	struct panthor_device *ptdev = dev_get_drvdata(kobj_to_dev(kobj));
	struct panthor_client_request req = {};
	struct pid *pid;
	int ret, tgid;

	ret = parse(buf, len, &tgid, &req.bytes);
	if (ret)
		return ret;

	pid = find_process(tgid);
	if (!pid)
		return -ESRCH;

	ret = act_on(ptdev, pid, filp->f_cred, &req, act);
	put_pid(pid);

	return ret ?: len;
}

static ssize_t mem_reclaim_write(struct file *filp, struct kobject *kobj,
				 const struct bin_attribute *attr, char *buf, loff_t pos,
				 size_t len)
{
	return act_on_written(filp, kobj, buf, len, panthor_client_reclaim);
}

const struct bin_attribute bin_attr_mem_reclaim = __BIN_ATTR_WO(mem_reclaim, 0);

static ssize_t mem_claim_write(struct file *filp, struct kobject *kobj,
			       const struct bin_attribute *attr, char *buf, loff_t pos,
			       size_t len)
{
	return act_on_written(filp, kobj, buf, len, panthor_client_claim);
}

const struct bin_attribute bin_attr_mem_claim = __BIN_ATTR_WO(mem_claim, 0);
