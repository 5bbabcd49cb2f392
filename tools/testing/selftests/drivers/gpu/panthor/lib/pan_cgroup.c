// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pan_cgroup.h"
#include "pan_dev.h"
#include "pan_file.h"
#include "pan_mem.h"

#define CGROUP_ROOT	"/sys/fs/cgroup"

static int create(struct pan_cgroup *cg, const char *parent, const char *name)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", parent);
	ret = pan_write_file(path, "+memory");
	if (ret)
		return -ENOENT;

	if ((size_t)snprintf(cg->path, sizeof(cg->path), "%s/%s-%d", parent, name,
			     getpid()) >= sizeof(cg->path))
		return -ENAMETOOLONG;
	if (mkdir(cg->path, 0755))
		return pan_error(-errno, "mkdir %s", cg->path);

	snprintf(path, sizeof(path), "%s/memory.max", cg->path);
	if (pan_file_exists(path))
		return 0;
	rmdir(cg->path);
	return -ENOENT;
}

int pan_cgroup_create(struct pan_cgroup *cg, const char *name)
{
	return create(cg, CGROUP_ROOT, name);
}

int pan_cgroup_create_in(struct pan_cgroup *cg, const struct pan_cgroup *parent,
			 const char *name)
{
	return create(cg, parent->path, name);
}

uint64_t pan_cgroup_id(const struct pan_cgroup *cg)
{
	struct stat st;

	return stat(cg->path, &st) ? 0 : st.st_ino;
}

void pan_cgroup_remove(struct pan_cgroup *cg)
{
	int tries;

	pan_cgroup_write(cg, "cgroup.kill", "1");
	for (tries = 0; tries < 200; tries++) {
		if (!rmdir(cg->path) || errno == ENOENT)
			return;
		pan_sleep_ms(10);
	}
	pan_error(-errno, "rmdir %s", cg->path);
}

int pan_cgroup_enter(const struct pan_cgroup *cg, pid_t pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", pid);
	return pan_cgroup_write(cg, "cgroup.procs", text);
}

int pan_cgroup_write(const struct pan_cgroup *cg, const char *file, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	return pan_write_file(path, text);
}

int pan_cgroup_read(const struct pan_cgroup *cg, const char *file, uint64_t *value)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	return pan_read_u64(path, value);
}

uint64_t pan_cgroup_key(const struct pan_cgroup *cg, const char *file, const char *key)
{
	char path[PATH_MAX];
	uint64_t value = 0;

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	pan_read_key(path, key, &value);
	return value;
}
