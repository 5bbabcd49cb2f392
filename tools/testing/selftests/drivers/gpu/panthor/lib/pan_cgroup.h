/* SPDX-License-Identifier: GPL-2.0 */
/* A memory cgroup (v2) of one's own. */
#ifndef PAN_CGROUP_H
#define PAN_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

struct pan_cgroup {
	char path[128];
};

/*
 * Makes /sys/fs/cgroup/<name>-<pid> with the memory controller. -ENOENT when
 * cgroup v2 with that controller is not there.
 */
int pan_cgroup_create(struct pan_cgroup *cg, const char *name);

/* The same below another one, which then cannot hold processes any more. */
int pan_cgroup_create_in(struct pan_cgroup *cg, const struct pan_cgroup *parent,
			 const char *name);

/* Number that the kernel knows it by; 0 when it is gone. */
uint64_t pan_cgroup_id(const struct pan_cgroup *cg);

/* Kills what is still in it and removes it. */
void pan_cgroup_remove(struct pan_cgroup *cg);

/* Moves a process (0: the caller). */
int pan_cgroup_enter(const struct pan_cgroup *cg, pid_t pid);

/* Writes and reads its files. Quiet. */
int pan_cgroup_write(const struct pan_cgroup *cg, const char *file, const char *text);
int pan_cgroup_read(const struct pan_cgroup *cg, const char *file, uint64_t *value);

/* One key of a file such as memory.events or memory.stat; 0 when absent. */
uint64_t pan_cgroup_key(const struct pan_cgroup *cg, const char *file, const char *key);

#endif /* PAN_CGROUP_H */
