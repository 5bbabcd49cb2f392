// SPDX-License-Identifier: GPL-2.0
/*
 * panthor-memctl - show, evict and bring back the GPU memory of processes
 *
 * A front end of DRM_IOCTL_PANTHOR_CLIENT_MEMORY. See panthor-memctl.8.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/panthor_drm.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open	434
#endif

#define DRI		"/dev/dri"
#define MAX_DEVICES	16

enum status {
	STATUS_DONE = 0,
	STATUS_STAYED = 1,
	STATUS_USAGE = 2,
	STATUS_NO_PROCESS = 3,
	STATUS_DENIED = 4,
	STATUS_NO_SPACE = 5,
	STATUS_FAILED = 6,
};

/**
 * struct memctl - What the command line asks for
 * @fds: files of the GPUs
 * @names: their names
 * @nr_fds: number of GPUs
 * @flags: of the ioctl
 * @interval: seconds between two lists of watch
 * @count: number of lists of watch, 0 for no end
 */
struct memctl {
	int fds[MAX_DEVICES];
	char names[MAX_DEVICES][PATH_MAX];
	unsigned int nr_fds;
	uint32_t flags;
	unsigned int interval;
	unsigned int count;
};

static const char usage_text[] =
	"Usage: panthor-memctl [-d DEVICE]... show [PID]...\n"
	"       panthor-memctl [-d DEVICE]... [-n] out PID [SIZE]\n"
	"       panthor-memctl [-d DEVICE]... [-b] in PID [SIZE]\n"
	"       panthor-memctl [-d DEVICE]... [-i SECONDS] [-c COUNT] watch [PID]...\n"
	"\n"
	"  -d  a GPU's render node; all GPUs of panthor if there is none\n"
	"  -n  do not wait for jobs, nor for what is on its way to swap\n"
	"  -b  take only memory that is free, and none from others\n"
	"  -i  seconds between two lists, 1 by default\n"
	"  -c  number of lists\n"
	"\n"
	"SIZE is in bytes, or with K, M or G in KiB, MiB or GiB, and counts what is out,\n"
	"or in, in all.\n";

static enum status status_of(int error)
{
	switch (error) {
	case 0:
		return STATUS_DONE;
	case EAGAIN:
	case EBUSY:
	case ECANCELED:
	case EINTR:
		return STATUS_STAYED;
	case ESRCH:
		return STATUS_NO_PROCESS;
	case EPERM:
	case EACCES:
		return STATUS_DENIED;
	case ENOSPC:
	case ENOMEM:
		return STATUS_NO_SPACE;
	default:
		return STATUS_FAILED;
	}
}

static bool is_panthor(int fd)
{
	char name[16] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "panthor");
}

/* Adds a GPU. One that is not panthor's is skipped unless it @must be. */
static enum status add_device(struct memctl *ctl, const char *path, bool must)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 && !must)
		return STATUS_DONE;
	if (fd < 0) {
		fprintf(stderr, "panthor-memctl: %s: %s\n", path, strerror(errno));
		return status_of(errno);
	}
	if (!is_panthor(fd) || ctl->nr_fds == MAX_DEVICES) {
		close(fd);
		if (!must)
			return STATUS_DONE;
		fprintf(stderr, "panthor-memctl: %s is no GPU of panthor\n", path);
		return STATUS_FAILED;
	}
	snprintf(ctl->names[ctl->nr_fds], sizeof(ctl->names[0]), "%s", path);
	ctl->fds[ctl->nr_fds++] = fd;

	return STATUS_DONE;
}

static enum status add_all_devices(struct memctl *ctl)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir(DRI);

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "renderD", 7))
			continue;
		snprintf(path, sizeof(path), DRI "/%s", entry->d_name);
		add_device(ctl, path, false);
	}
	if (dir)
		closedir(dir);
	if (ctl->nr_fds)
		return STATUS_DONE;

	fprintf(stderr, "panthor-memctl: there is no GPU of panthor that can be opened\n");
	return STATUS_FAILED;
}

/* One call, repeated if a signal interrupts it: 0 or an errno. */
static int ask(int fd, struct drm_panthor_client_memory *args)
{
	while (ioctl(fd, DRM_IOCTL_PANTHOR_CLIENT_MEMORY, args)) {
		if (errno != EINTR)
			return errno;
	}

	return 0;
}

static void add_up(struct drm_panthor_client_memory *sum,
		   const struct drm_panthor_client_memory *args)
{
	sum->done += args->done;
	sum->resident += args->resident;
	sum->evicted += args->evicted;
	sum->busy += args->busy;
	sum->shared += args->shared;
	sum->noswap += args->noswap;
}

/*
 * The same for a process on all GPUs. One of which it has no file does not count,
 * unless that holds for all.
 */
static int ask_all(const struct memctl *ctl, pid_t pid, struct drm_panthor_client_memory *sum)
{
	const struct drm_panthor_client_memory request = *sum;
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	bool found = false;
	int error = 0;

	if (pidfd < 0)
		return errno == EINVAL ? ESRCH : errno;

	for (unsigned int i = 0; i < ctl->nr_fds; i++) {
		struct drm_panthor_client_memory args = request;
		int ret;

		args.pidfd = pidfd;
		/* An amount is one of all GPUs together. */
		if (args.bytes) {
			uint64_t so_far = args.op == DRM_PANTHOR_CLIENT_MEMORY_OUT ?
					  sum->evicted : sum->resident;

			if (so_far >= args.bytes) {
				args.op = DRM_PANTHOR_CLIENT_MEMORY_QUERY;
				args.flags = 0;
				args.bytes = 0;
			} else {
				args.bytes -= so_far;
			}
		}
		ret = ask(ctl->fds[i], &args);
		if (ret == ESRCH)
			continue;

		found = true;
		add_up(sum, &args);
		if (ret && !error)
			error = ret;
	}
	close(pidfd);

	return found ? error : ESRCH;
}

static void print_row(pid_t pid, const struct drm_panthor_client_memory *sum)
{
	char path[64], name[64] = "?";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "r");
	if (file) {
		if (fgets(name, sizeof(name), file))
			name[strcspn(name, "\n")] = 0;
		fclose(file);
	}
	for (char *c = name; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	}
	printf("%8d %-16s %10llu %10llu %10llu %10llu\n", pid, name,
	       (unsigned long long)sum->resident >> 10, (unsigned long long)sum->evicted >> 10,
	       (unsigned long long)sum->busy >> 10, (unsigned long long)sum->shared >> 10);
}

static enum status show_one(const struct memctl *ctl, pid_t pid)
{
	struct drm_panthor_client_memory sum = { .op = DRM_PANTHOR_CLIENT_MEMORY_QUERY };
	int error = ask_all(ctl, pid, &sum);

	if (!error)
		print_row(pid, &sum);

	return status_of(error);
}

/* Whole decimal numbers from 1 on; 0 if it is none. */
static pid_t parse_pid(const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || end == text || *end || pid <= 0 || pid > INT_MAX)
		return 0;

	return pid;
}

/* Processes that cannot be looked at are left out. */
static enum status show_all(const struct memctl *ctl)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	if (!dir) {
		perror("panthor-memctl: /proc");
		return STATUS_FAILED;
	}
	while ((entry = readdir(dir))) {
		pid_t pid = parse_pid(entry->d_name);

		/* Its own files are those of the GPUs, opened to ask. */
		if (pid && pid != getpid())
			show_one(ctl, pid);
	}
	closedir(dir);

	return STATUS_DONE;
}

static enum status show(const struct memctl *ctl, char **pids, int nr)
{
	static const char * const reasons[] = {
		[STATUS_STAYED] = "interrupted",
		[STATUS_USAGE] = "not a PID",
		[STATUS_NO_PROCESS] = "no such process, or it has no file of the GPU",
		[STATUS_DENIED] = "permission denied",
		[STATUS_NO_SPACE] = "out of memory",
		[STATUS_FAILED] = "failed",
	};
	enum status status = STATUS_DONE;

	printf("%8s %-16s %10s %10s %10s %10s\n", "PID", "COMMAND", "RESIDENT", "EVICTED",
	       "BUSY", "SHARED");
	if (!nr)
		status = show_all(ctl);
	for (int i = 0; i < nr; i++) {
		pid_t pid = parse_pid(pids[i]);
		enum status one = pid ? show_one(ctl, pid) : STATUS_USAGE;

		if (one != STATUS_DONE)
			fprintf(stderr, "panthor-memctl: %s: %s\n", pids[i], reasons[one]);
		if (status == STATUS_DONE)
			status = one;
	}
	fflush(stdout);

	return status;
}

static enum status watch(const struct memctl *ctl, char **pids, int nr)
{
	enum status status;

	for (unsigned int i = 0; ; i++) {
		status = show(ctl, pids, nr);
		if (ferror(stdout) || (ctl->count && i + 1 >= ctl->count) ||
		    (nr && status != STATUS_DONE))
			return status;
		sleep(ctl->interval);
		putchar('\n');
	}
}

/* Bytes, or with K, M or G behind it; 0 if it is none. */
static uint64_t parse_size(const char *text)
{
	static const char units[] = "KMG";
	unsigned int shift = 0;
	unsigned long long size;
	const char *unit;
	char *end;

	errno = 0;
	size = strtoull(text, &end, 0);
	if (errno || end == text || strchr(text, '-'))
		return 0;
	if (*end) {
		unit = strchr(units, *end);
		if (!unit || end[1])
			return 0;
		shift = 10 * (unit - units + 1);
	}

	return size > UINT64_MAX >> shift ? 0 : size << shift;
}

static void print_moved(pid_t pid, uint32_t op, const struct drm_panthor_client_memory *sum)
{
	printf("%d: %llu KiB %s; ", pid, (unsigned long long)sum->done >> 10,
	       op == DRM_PANTHOR_CLIENT_MEMORY_OUT ? "evicted" : "brought back");
	printf("%llu KiB out, %llu KiB in memory ", (unsigned long long)sum->evicted >> 10,
	       (unsigned long long)sum->resident >> 10);
	printf("(%llu busy, %llu shared, %llu without swap)\n",
	       (unsigned long long)sum->busy >> 10, (unsigned long long)sum->shared >> 10,
	       (unsigned long long)sum->noswap >> 10);
}

static enum status move(const struct memctl *ctl, uint32_t op, char **args, int nr)
{
	struct drm_panthor_client_memory sum = { .op = op, .flags = ctl->flags };
	pid_t pid = parse_pid(args[0]);
	int error;

	if (nr == 2)
		sum.bytes = parse_size(args[1]);
	if (!pid || (nr == 2 && !sum.bytes)) {
		fputs(usage_text, stderr);
		return STATUS_USAGE;
	}

	error = ask_all(ctl, pid, &sum);
	if (error)
		fprintf(stderr, "panthor-memctl: %d: %s\n", pid, strerror(error));
	if (error != ESRCH && error != EPERM)
		print_moved(pid, op, &sum);

	return status_of(error);
}

static bool parse_number(const char *text, unsigned int *number)
{
	*number = parse_pid(text);

	return *number;
}

/* What could not be printed was not done. */
static enum status finish(enum status status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;

	fputs("panthor-memctl: standard output cannot be written\n", stderr);

	return status == STATUS_DONE ? STATUS_FAILED : status;
}

static enum status parse_options(struct memctl *ctl, int argc, char **argv)
{
	enum status status = STATUS_DONE;
	int option;

	while (status == STATUS_DONE && (option = getopt(argc, argv, "+d:nbi:c:h")) != -1) {
		switch (option) {
		case 'd':
			status = add_device(ctl, optarg, true);
			break;
		case 'n':
			ctl->flags |= DRM_PANTHOR_CLIENT_MEMORY_NOWAIT;
			break;
		case 'b':
			ctl->flags |= DRM_PANTHOR_CLIENT_MEMORY_BEST_EFFORT;
			break;
		case 'i':
			if (!parse_number(optarg, &ctl->interval))
				status = STATUS_USAGE;
			break;
		case 'c':
			if (!parse_number(optarg, &ctl->count))
				status = STATUS_USAGE;
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(finish(STATUS_DONE));
		default:
			status = STATUS_USAGE;
		}
	}

	return status;
}

static enum status run(struct memctl *ctl, int argc, char **argv)
{
	const char *command = argv[0];
	bool is_out = !strcmp(command, "out"), is_in = !strcmp(command, "in");
	bool is_show = !strcmp(command, "show"), is_watch = !strcmp(command, "watch");
	uint32_t flags = is_out ? DRM_PANTHOR_CLIENT_MEMORY_NOWAIT :
			 is_in ? DRM_PANTHOR_CLIENT_MEMORY_BEST_EFFORT : 0;
	enum status status;

	if (!(is_show || is_watch || ((is_out || is_in) && (argc == 2 || argc == 3))) ||
	    ctl->flags & ~flags) {
		fputs(usage_text, stderr);
		return STATUS_USAGE;
	}
	status = ctl->nr_fds ? STATUS_DONE : add_all_devices(ctl);
	if (status != STATUS_DONE)
		return status;
	if (is_show)
		return show(ctl, argv + 1, argc - 1);
	if (is_watch)
		return watch(ctl, argv + 1, argc - 1);

	return move(ctl, is_out ? DRM_PANTHOR_CLIENT_MEMORY_OUT : DRM_PANTHOR_CLIENT_MEMORY_IN,
		    argv + 1, argc - 1);
}

int main(int argc, char **argv)
{
	static struct memctl ctl = { .interval = 1 };
	enum status status = parse_options(&ctl, argc, argv);

	if (status == STATUS_USAGE || (status == STATUS_DONE && optind >= argc)) {
		fputs(usage_text, stderr);
		return STATUS_USAGE;
	}

	if (status == STATUS_DONE)
		status = run(&ctl, argc - optind, argv + optind);

	return finish(status);
}
