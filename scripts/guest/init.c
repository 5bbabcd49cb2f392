// SPDX-License-Identifier: GPL-2.0
/*
 * First process of a guest that has only an initramfs: sets the guest up, does
 * what /lab/plan says, line by line, and powers off.
 *
 *	insmod FILE [PARAMETERS]	load a module
 *	rmmod NAME			unload it
 *	copy FROM TO			copy a file, with the directories it needs
 *	write FILE TEXT			write TEXT
 *	await FILE			wait until FILE is there
 *	run SECONDS NAME PROGRAM [ARGUMENTS]
 *					run a test program, with a time limit
 *	kunit PATTERN			run the KUnit suites whose names match
 *
 * From the kernel command line: LAB_OUT (where output goes), LAB_ZRAM (size of
 * a swap device), LAB_BREAK=model (make the GPU model store wrong words, as
 * soon as it is loaded).
 *
 * Lines "@lab WORD ..." tell the host what happens. A line of the plan that
 * fails ends the guest with "@lab error".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STATUS_TIMEOUT	124
#define MAX_ARGUMENTS	8
#define AWAIT_SECONDS	20
#define KUNIT_DIR	"/sys/kernel/debug/kunit"
#define BREAK_FILE	"/sys/kernel/debug/panthor-model/inject/break_store"

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

__attribute__((format(printf, 1, 2), noreturn))
static void stop(const char *fmt, ...)
{
	va_list args;

	printf("@lab error ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	power_off();
	abort();
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static void must_write(const char *path, const char *text)
{
	int err = write_text(path, text);

	if (err)
		stop("'%s' cannot be written to %s: %s", text, path, strerror(-err));
}

static void must_mount(const char *type, const char *where, const char *options)
{
	if (mkdir(where, 0755) && errno != EEXIST)
		stop("no directory %s: %s", where, strerror(errno));
	if (mount(type, where, type, 0, options))
		stop("%s cannot be mounted: %s", type, strerror(errno));
}

static void set_up_mounts(void)
{
	must_mount("proc", "/proc", NULL);
	must_mount("sysfs", "/sys", NULL);
	must_mount("devtmpfs", "/dev", NULL);
	must_mount("debugfs", "/sys/kernel/debug", NULL);
	/* Kernels that are measured do without. */
	if (!access("/sys/kernel/tracing", F_OK))
		must_mount("tracefs", "/sys/kernel/tracing", NULL);
	must_mount("cgroup2", "/sys/fs/cgroup", NULL);
	must_mount("tmpfs", "/tmp", "size=64M");
	must_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
}

/* Before this, words of ours can only go to the console. */
static void set_up_output(void)
{
	const char *path = getenv("LAB_OUT");
	int in = open("/dev/null", O_RDONLY);
	int out = open(path ? path : "/dev/console", O_WRONLY);

	if (in < 0 || out < 0)
		stop("no output %s: %s", path ? path : "/dev/console", strerror(errno));
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	if (in > STDERR_FILENO)
		close(in);
	if (out > STDERR_FILENO)
		close(out);
}

/* What mkswap does: a header that says how many pages follow the first one. */
static int make_swap(const char *path)
{
	long page = sysconf(_SC_PAGESIZE);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char *header = calloc(1, page);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	uint32_t *info = (uint32_t *)(header + 1024);
	int err = 0;

	if (size <= page) {
		err = size < 0 ? -errno : -EINVAL;
	} else {
		info[0] = 1;
		info[1] = size / page - 1;
		memcpy(header + page - 10, "SWAPSPACE2", 10);
		if (pwrite(fd, header, page, 0) != page || fsync(fd))
			err = -errno;
	}
	free(header);
	if (fd >= 0)
		close(fd);
	return err;
}

static void set_up_swap(void)
{
	const char *size = getenv("LAB_ZRAM");
	int err;

	if (!size)
		return;
	must_write("/sys/block/zram0/disksize", size);
	err = make_swap("/dev/zram0");
	if (err)
		stop("zram cannot be made a swap device: %s", strerror(-err));
	if (swapon("/dev/zram0", 0))
		stop("swap on zram does not work: %s", strerror(errno));
}

static void break_model(void)
{
	const char *what = getenv("LAB_BREAK");

	if (!what || strcmp(what, "model") || access(BREAK_FILE, F_OK))
		return;
	must_write(BREAK_FILE, "1");
	printf("@lab broken model\n");
}

static void do_insmod(const char *file, const char *parameters)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		stop("no module %s: %s", file, strerror(errno));
	if (syscall(SYS_finit_module, fd, parameters, 0))
		stop("module %s cannot be loaded: %s", file, strerror(errno));
	close(fd);
	break_model();
}

static void do_rmmod(const char *name, const char *rest)
{
	(void)rest;
	if (syscall(SYS_delete_module, name, O_NONBLOCK))
		stop("module %s cannot be unloaded: %s", name, strerror(errno));
}

static void make_parents(const char *path)
{
	char buf[256];
	char *slash;

	snprintf(buf, sizeof(buf), "%s", path);
	for (slash = strchr(buf + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(buf, 0755) && errno != EEXIST)
			stop("no directory %s: %s", buf, strerror(errno));
		*slash = '/';
	}
}

static void do_copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	char buf[4096];
	ssize_t n = -1;
	int out;

	make_parents(to);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (in >= 0 && out >= 0) {
		while ((n = read(in, buf, sizeof(buf))) > 0)
			if (write(out, buf, n) != n)
				stop("%s cannot be written: %s", to, strerror(errno));
	}
	if (n < 0)
		stop("%s cannot be copied to %s: %s", from, to, strerror(errno));
	close(in);
	close(out);
}

/* What a module makes may come a little after it was loaded. */
static void do_await(const char *path)
{
	struct timespec pause = { .tv_nsec = 20000000 };
	int tries;

	for (tries = 0; tries < AWAIT_SECONDS * 50; tries++) {
		if (!access(path, F_OK))
			return;
		nanosleep(&pause, NULL);
	}
	stop("%s did not appear: see the kernel log", path);
}

static void mark(const char *what, const char *name)
{
	char text[320];

	snprintf(text, sizeof(text), "lab: %s %s", what, name);
	write_text("/dev/kmsg", text);
}

/* Waits for a child; its status as a shell gives it. */
static int wait_limited(pid_t pid, int seconds)
{
	struct timespec left = { .tv_sec = seconds };
	struct timespec now, end;
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		left.tv_sec = end.tv_sec - now.tv_sec;
		left.tv_nsec = 0;
		if (left.tv_sec <= 0) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return STATUS_TIMEOUT;
		}
		sigtimedwait(&set, NULL, &left);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void run_child(char *program, char *argv[])
{
	char dir[256];
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	snprintf(dir, sizeof(dir), "%s", program);
	if (!chdir(dirname(dir)))
		execv(program, argv);
	fprintf(stderr, "%s: %s\n", program, strerror(errno));
	_exit(127);
}

/*
 * Tests that fill memory leave it in small pieces, and then huge pages are sought
 * for long. Not every kernel can help it.
 */
static void defragment(void)
{
	write_text("/proc/sys/vm/drop_caches", "1");
	write_text("/proc/sys/vm/compact_memory", "1");
}

static void do_run(const char *seconds, char *rest)
{
	char *name = strtok(rest, " ");
	char *argv[MAX_ARGUMENTS + 2];
	int status, i;
	pid_t pid;

	for (i = 0; i <= MAX_ARGUMENTS; i++) {
		argv[i] = strtok(NULL, " ");
		if (!argv[i])
			break;
	}
	argv[i] = NULL;
	if (!name || !argv[0])
		stop("the plan has a 'run' without a program");
	defragment();
	printf("@lab begin %s\n", name);
	mark("begin", name);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		stop("no process for %s: %s", name, strerror(errno));
	if (!pid)
		run_child(argv[0], argv);
	status = wait_limited(pid, atoi(seconds));
	/* What the program left running must not disturb the next one. */
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	mark("end", name);
	printf("\n@lab end %s %d\n", name, status);
}

static void run_suite(const char *suite)
{
	char path[512], buf[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), KUNIT_DIR "/%s/run", suite);
	printf("@lab begin %s\n", suite);
	mark("begin", suite);
	must_write(path, "1");
	snprintf(path, sizeof(path), KUNIT_DIR "/%s/results", suite);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		stop("no results of %s: %s", suite, strerror(errno));
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	close(fd);
	mark("end", suite);
	printf("\n@lab end %s 0\n", suite);
}

static void do_kunit(const char *pattern, const char *rest)
{
	struct dirent **suites;
	int count, i, found = 0;

	(void)rest;
	count = scandir(KUNIT_DIR, &suites, NULL, alphasort);
	if (count < 0)
		stop("no KUnit suites: %s", strerror(errno));
	for (i = 0; i < count; i++) {
		if (!fnmatch(pattern, suites[i]->d_name, FNM_PERIOD)) {
			found++;
			run_suite(suites[i]->d_name);
		}
		free(suites[i]);
	}
	free(suites);
	if (!found)
		stop("no KUnit suite is called %s", pattern);
}

static void do_line(char *line)
{
	char *word = strtok(line, " ");
	char *first = strtok(NULL, " ");
	char *rest = strtok(NULL, "");
	char none[] = "";

	if (!word || *word == '#')
		return;
	if (!first)
		stop("the plan has a '%s' with nothing after it", word);
	if (!rest)
		rest = none;
	if (!strcmp(word, "insmod"))
		do_insmod(first, rest);
	else if (!strcmp(word, "rmmod"))
		do_rmmod(first, rest);
	else if (!strcmp(word, "copy"))
		do_copy(first, rest);
	else if (!strcmp(word, "write"))
		must_write(first, rest);
	else if (!strcmp(word, "await"))
		do_await(first);
	else if (!strcmp(word, "run"))
		do_run(first, rest);
	else if (!strcmp(word, "kunit"))
		do_kunit(first, rest);
	else
		stop("the plan has an unknown word '%s'", word);
}

static void tell_lockdep(void)
{
	FILE *file = fopen("/proc/lockdep_stats", "re");
	char line[256];
	int value;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " debug_locks: %d", &value) == 1)
			printf("@lab lockdep %d\n", value);
	if (file)
		fclose(file);
}

int main(void)
{
	sigset_t chld;
	FILE *plan;
	char line[512];

	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	setenv("PATH", "/bin", 1);
	setenv("HOME", "/tmp", 1);

	set_up_mounts();
	set_up_output();
	set_up_swap();
	break_model();

	plan = fopen("/lab/plan", "re");
	if (!plan)
		stop("no plan: %s", strerror(errno));
	while (fgets(line, sizeof(line), plan)) {
		line[strcspn(line, "\n")] = 0;
		do_line(line);
	}
	fclose(plan);

	printf("@lab done 0\n");
	tell_lockdep();
	power_off();
	return 0;
}
