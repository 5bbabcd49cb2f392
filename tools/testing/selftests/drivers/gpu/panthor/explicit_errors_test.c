// SPDX-License-Identifier: GPL-2.0
/* Every error that mem_reclaim and mem_claim know, and who may write to them. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "explicit_common.h"
#include "lib/pan_cgroup.h"

#define NOBODY		1000
#define TIMEOUT_S	240

FIXTURE(errors)
{
	struct pan_dev dev;
	volatile uint32_t *shared;
};

FIXTURE_VARIANT(errors)
{
	const char *knob;
};

FIXTURE_VARIANT_ADD(errors, reclaim)
{
	.knob = "mem_reclaim",
};

FIXTURE_VARIANT_ADD(errors, claim)
{
	.knob = "mem_claim",
};

FIXTURE_SETUP(errors)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
	self->shared = pan_shared_alloc(4096);
	ASSERT_NE(NULL, self->shared);
}

FIXTURE_TEARDOWN(errors)
{
	pan_shared_free((void *)self->shared, 4096);
	pan_close(&self->dev);
}

TEST_F(errors, what_is_no_tgid)
{
	static const struct {
		const char *text;
		size_t size;
		int ret;
	} cases[] = {
#define CASE(text, ret) { text, sizeof(text) - 1, ret }
		CASE(" ", -EINVAL), CASE("\n", -EINVAL), CASE("\n\n", -EINVAL),
		CASE("\t", -EINVAL), CASE("self", -EINVAL), CASE("all", -EINVAL),
		CASE("-", -EINVAL), CASE("+", -EINVAL), CASE("--1", -EINVAL),
		CASE("0", -EINVAL), CASE("0\n", -EINVAL), CASE("-0", -EINVAL),
		CASE("-1", -EINVAL), CASE("-2147483648", -EINVAL),
		CASE("-2147483649", -ERANGE), CASE("2147483648", -ERANGE),
		CASE("4294967297", -ERANGE), CASE("18446744073709551617", -ERANGE),
		CASE("99999999999999999999999999999999", -ERANGE),
		CASE("0x", -EINVAL), CASE("0xg", -EINVAL), CASE("1e0", -EINVAL),
		CASE("1.0", -EINVAL), CASE("1 0", -EINVAL), CASE("1 -2", -EINVAL),
		CASE("1 x", -EINVAL), CASE("1  2", -EINVAL), CASE("1 2 3", -EINVAL),
		CASE("1 18446744073709551616", -ERANGE), CASE("1\n2", -EINVAL),
		CASE("1,2", -EINVAL), CASE(" 1", -EINVAL), CASE("1 ", -EINVAL),
		CASE("1\n\n", -EINVAL), CASE("1\r\n", -EINVAL), CASE("1x", -EINVAL),
		CASE("\0", -EINVAL), CASE("\0001", -EINVAL), CASE("1\0001", -EINVAL),
		CASE("\xff\xfe", -EINVAL), CASE("%d", -EINVAL), CASE("$$", -EINVAL),
#undef CASE
	};
	char digits[4000];
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		EXPECT_EQ(cases[i].ret, explicit_write(&self->dev, variant->knob,
						       cases[i].text, cases[i].size))
			TH_LOG("case %u: '%s'", i, cases[i].text);

	/* Nothing is written, so nobody sees it. */
	EXPECT_EQ(0, explicit_write(&self->dev, variant->knob, "", 0));

	memset(digits, '1', sizeof(digits));
	EXPECT_EQ(-ERANGE, explicit_write(&self->dev, variant->knob, digits, sizeof(digits)));
	memset(digits, ' ', sizeof(digits));
	digits[0] = '1';
	EXPECT_EQ(-EINVAL, explicit_write(&self->dev, variant->knob, digits, sizeof(digits)));
}

TEST_F(errors, all_ways_to_write_a_tgid)
{
	char text[32];
	int len;

	len = snprintf(text, sizeof(text), "%d", getpid());
	EXPECT_OK(explicit_write(&self->dev, variant->knob, text, len));
	EXPECT_OK(explicit_write(&self->dev, variant->knob, text, len + 1));
	len = snprintf(text, sizeof(text), "%d\n", getpid());
	EXPECT_OK(explicit_write(&self->dev, variant->knob, text, len));
	EXPECT_OK(explicit_write(&self->dev, variant->knob, text, len + 1));
	len = snprintf(text, sizeof(text), "+%08d\n", getpid());
	EXPECT_OK(explicit_write(&self->dev, variant->knob, text, len));
}

TEST_F(errors, files_cannot_be_read)
{
	char path[PATH_MAX], buf[16];
	struct stat st;
	int fd;

	explicit_path(&self->dev, variant->knob, path, sizeof(path));
	ASSERT_OK(stat(path, &st));
	EXPECT_EQ(0200, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_uid);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		EXPECT_EQ(-1, read(fd, buf, sizeof(buf)));
		close(fd);
	}
}

static int sleep_main(void *arg)
{
	FIXTURE_DATA(errors) *self = arg;

	pan_close(&self->dev);
	self->shared[0] = 1;
	for (;;)
		pause();
	return 0;
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	pan_join(pid, pan_now_ms() + EXPLICIT_MS);
}

TEST_F(errors, no_process)
{
	pid_t pid = pan_spawn(sleep_main, self);

	ASSERT_LT(0, pid);
	end_process(pid);
	EXPECT_EQ(-ESRCH, explicit_tgid(&self->dev, variant->knob, pid));
	EXPECT_EQ(-ESRCH, explicit_tgid(&self->dev, variant->knob, 4194305));
	EXPECT_EQ(-ESRCH, explicit_tgid(&self->dev, variant->knob, 2147483647));
}

TEST_F(errors, process_without_gpu_files)
{
	pid_t pid = pan_spawn(sleep_main, self);

	ASSERT_LT(0, pid);
	EXPECT_OK(pan_wait_word(self->shared, 1, EXPLICIT_MS));
	EXPECT_EQ(-ESRCH, explicit_tgid(&self->dev, variant->knob, pid));
	end_process(pid);

	/* A kernel thread. */
	EXPECT_EQ(-ESRCH, explicit_tgid(&self->dev, variant->knob, 2));
}

static void *thread_main(void *arg)
{
	volatile uint32_t *shared = arg;

	shared[0] = syscall(SYS_gettid);
	while (!shared[1])
		pan_sleep_ms(2);
	return NULL;
}

TEST_F(errors, thread_that_is_no_leader)
{
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, thread_main, (void *)self->shared));
	EXPECT_OK(pan_wait_word(self->shared, 1, EXPLICIT_MS));
	EXPECT_NE(getpid(), (pid_t)self->shared[0]);
	EXPECT_EQ(-ESRCH, explicit_tgid(&self->dev, variant->knob, self->shared[0]));
	self->shared[1] = 1;
	pthread_join(thread, NULL);
}

TEST_F(errors, zombie)
{
	siginfo_t info;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		struct pan_dev dev;

		_exit(pan_open(&dev) != 0);
	}
	ASSERT_OK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(0, info.si_status);
	EXPECT_EQ(-ESRCH, explicit_tgid(&self->dev, variant->knob, pid));
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + EXPLICIT_MS));
}

static bool leader_has_gone(void)
{
	const char *state;
	char text[400];

	if (pan_read_file("/proc/self/stat", text, sizeof(text)) < 0)
		return false;
	state = strrchr(text, ')');
	return state && state[1] && state[2] == 'Z';
}

/* A thread with a file table of its own, its leader gone: a process all the same. */
static void *hermit_main(void *arg)
{
	volatile uint32_t *shared = arg;
	struct pan_dev dev;

	while (!leader_has_gone())
		pan_sleep_ms(2);
	shared[1] = unshare(CLONE_FILES) || pan_open(&dev) ? 2 : 1;
	for (;;)
		pause();
	return NULL;
}

static int leaderless_main(void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, hermit_main, arg))
		return 1;
	pthread_exit(NULL);
	return 0;
}

TEST_F(errors, files_of_threads_count)
{
	pid_t pid;

	pan_close(&self->dev);
	pid = pan_spawn(leaderless_main, (void *)self->shared);
	ASSERT_LT(0, pid);
	EXPECT_OK(pan_wait_word(self->shared + 1, 1, EXPLICIT_MS));
	EXPECT_EQ(1, self->shared[1]);
	EXPECT_OK(explicit_tgid(&self->dev, variant->knob, pid));
	end_process(pid);
	EXPECT_EQ(-ESRCH, explicit_tgid(&self->dev, variant->knob, pid));
}

/* What is written counts in the namespace of the writer, whoever opened the file. */
struct pid_ns {
	struct pan_dev *dev;
	const char *knob;
	volatile pid_t outer;
	volatile uint32_t ready;
	volatile uint32_t go;
};

static int pid_ns_main(void *arg)
{
	struct pid_ns *ns = arg;
	struct pan_dev dev;

	if (getpid() != 1 || pan_open(&dev))
		return 1;
	/* The parent may not have come to telling it. */
	while (!ns->outer)
		pan_sleep_ms(2);
	ns->ready = 1;
	while (!ns->go)
		pan_sleep_ms(2);
	/* Itself, nobody, and by the number that it has outside. */
	if (explicit_tgid(&dev, ns->knob, 1))
		return 2;
	if (explicit_tgid(&dev, ns->knob, 2) != -ESRCH)
		return 3;
	if (explicit_tgid(&dev, ns->knob, ns->outer) != -ESRCH)
		return 4;
	return 0;
}

static int pid_ns_parent(void *arg)
{
	struct pid_ns *ns = arg;
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return errno == EINVAL ? 77 : 76;
	pid = fork();
	if (!pid)
		_exit(pid_ns_main(arg));
	ns->outer = pid;
	return pid < 0 ? 75 : pan_join(pid, pan_now_ms() + EXPLICIT_MS);
}

TEST_F(errors, other_pid_namespace)
{
	struct pid_ns *ns = pan_shared_alloc(sizeof(*ns));
	pid_t pid;
	int ret;

	ASSERT_NE(NULL, ns);
	ns->dev = &self->dev;
	ns->knob = variant->knob;
	pid = pan_spawn(pid_ns_parent, ns);
	ASSERT_LT(0, pid);
	if (!pan_wait_word(&ns->ready, 1, 5000)) {
		/* Out here the process has another number. */
		EXPECT_OK(explicit_tgid(&self->dev, variant->knob, ns->outer));
		EXPECT_EQ(-ESRCH, explicit_tgid(&self->dev, variant->knob, 1));
		ns->go = 1;
	}
	ret = pan_join(pid, pan_now_ms() + EXPLICIT_MS);
	pan_shared_free(ns, sizeof(*ns));
	if (ret == 77)
		SKIP(return, "no PID namespaces");
	EXPECT_EQ(0, ret);
}

struct unprivileged {
	const struct pan_dev *dev;
	const char *knob;
	pid_t other;
	bool user_ns;
};

static int unprivileged_main(void *arg)
{
	struct unprivileged *u = arg;
	struct pan_dev dev;

	if (pan_open(&dev) || setgid(NOBODY) || setuid(NOBODY))
		return 1;
	if (u->user_ns && unshare(CLONE_NEWUSER))
		return errno == EINVAL ? 77 : 2;
	if (explicit_tgid(u->dev, u->knob, getpid()))
		return 3;
	if (explicit_tgid(u->dev, u->knob, u->other) != -EPERM)
		return 4;
	if (explicit_tgid(u->dev, u->knob, 1) != -EPERM)
		return 5;
	if (explicit_tgid(u->dev, u->knob, 4194305) != -ESRCH)
		return 6;
	if (explicit_tgid(u->dev, u->knob, -1) != -EINVAL)
		return 7;
	return 0;
}

static int run_unprivileged(const struct pan_dev *dev, const char *knob, bool user_ns)
{
	struct unprivileged u = {
		.dev = dev,
		.knob = knob,
		.other = getpid(),
		.user_ns = user_ns,
	};
	char path[PATH_MAX];
	pid_t pid;
	int ret;

	explicit_path(dev, knob, path, sizeof(path));
	if (chown(path, NOBODY, NOBODY))
		return -errno;
	pid = pan_spawn(unprivileged_main, &u);
	ret = pid < 0 ? pid : pan_join(pid, pan_now_ms() + EXPLICIT_MS);
	if (chown(path, 0, 0))
		return -errno;
	return ret;
}

TEST_F(errors, unprivileged_writer_acts_on_itself_only)
{
	EXPECT_EQ(0, run_unprivileged(&self->dev, variant->knob, false));
}

/* CAP_SYS_NICE in a user namespace of one's own is not the one that is asked for. */
TEST_F(errors, capability_in_a_user_namespace_does_not_help)
{
	int ret = run_unprivileged(&self->dev, variant->knob, true);

	if (ret == 77)
		SKIP(return, "no user namespaces");
	EXPECT_EQ(0, ret);
}

/* Not handed over, the file cannot be opened at all. */
TEST_F(errors, only_root_unless_handed_over)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(1);
		_exit(explicit_tgid(&self->dev, variant->knob, getpid()) != -EACCES);
	}
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + EXPLICIT_MS));
}

TEST_F(errors, device_is_gone)
{
	char path[PATH_MAX], text[16];
	int fd, len, ret;

	explicit_path(&self->dev, variant->knob, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	len = snprintf(text, sizeof(text), "%d", getpid());
	ASSERT_OK(pan_unbind(&self->dev));
	ret = write(fd, text, len) < 0 ? -errno : 0;
	EXPECT_EQ(-ENODEV, ret);
	close(fd);
	EXPECT_EQ(-ENOENT, explicit_tgid(&self->dev, variant->knob, getpid()));
	ASSERT_OK(pan_rebind(&self->dev));
}

FIXTURE(target)
{
	struct pan_dev dev;
	struct explicit_target *target;
};

FIXTURE_SETUP(target)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	EXPLICIT_NEEDS(&self->dev);
	pan_close(&self->dev);
	self->target = explicit_start(1, 2);
	ASSERT_NE(NULL, self->target);
	ASSERT_OK(pan_open(&self->dev));
}

FIXTURE_TEARDOWN(target)
{
	pan_model_calm();
	explicit_kill(self->target);
	pan_close(&self->dev);
}

static int only_swap(char *device, size_t size)
{
	char buf[1024], *line, *end;

	if (pan_read_file("/proc/swaps", buf, sizeof(buf)) < 0)
		return -ENOENT;
	line = strchr(buf, '\n');
	end = line && line[1] ? strpbrk(++line, " \t") : NULL;
	if (!end || end - line >= (long)size || !strchr(end, '\n') || strchr(end, '\n')[1])
		return -EOPNOTSUPP;
	memcpy(device, line, end - line);
	device[end - line] = '\0';
	return 0;
}

TEST_F_TIMEOUT(target, no_swap_is_enospc, TIMEOUT_S)
{
	int64_t resident = explicit_resident(&self->dev, self->target->pid);
	char device[128];

	if (only_swap(device, sizeof(device)))
		SKIP(return, "not exactly one swap area");
	ASSERT_OK(swapoff(device));
	EXPECT_EQ(-ENOSPC, explicit_reclaim(&self->dev, self->target->pid));
	EXPECT_EQ(resident, explicit_resident(&self->dev, self->target->pid));
	EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
	ASSERT_OK(swapon(device, 0));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
	EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* zram of 4 MiB for 8 MiB: half of it goes, and what went is told from what did not. */
TEST_F_TIMEOUT(target, full_swap_is_enospc, TIMEOUT_S)
{
	int64_t resident = explicit_resident(&self->dev, self->target->pid), left;
	char device[128];
	int ret;

	if (only_swap(device, sizeof(device)))
		SKIP(return, "not exactly one swap area");
	ASSERT_OK(swapoff(device));
	ret = pan_zram_on(4);
	if (ret) {
		swapon(device, 0);
		SKIP(return, "no zram");
	}
	EXPECT_EQ(-ENOSPC, explicit_reclaim(&self->dev, self->target->pid));
	left = explicit_resident(&self->dev, self->target->pid);
	TH_LOG("%lld of %lld KiB stayed", (long long)left >> 10, (long long)resident >> 10);
	EXPECT_LT(left, resident);
	EXPECT_LT(0, left);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
	EXPECT_OK(pan_zram_off());
	ASSERT_OK(swapon(device, 0));
	EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* The process's cgroup has no room for it. */
TEST_F_TIMEOUT(target, claim_without_memory_is_enomem, TIMEOUT_S)
{
	struct explicit_target *target;
	struct pan_cgroup cg;
	uint64_t now;
	char text[32];
	int ret;

	if (pan_cgroup_create(&cg, "explicit"))
		SKIP(return, "no memory cgroups");
	ASSERT_OK(pan_cgroup_enter(&cg, 0));
	target = explicit_start(3, 4);
	EXPECT_OK(pan_write_file("/sys/fs/cgroup/cgroup.procs", "0"));
	ASSERT_NE(NULL, target);

	EXPECT_OK(explicit_reclaim(&self->dev, target->pid));

	/* Nor for anything else: the target must not need a page meanwhile. */
	kill(target->pid, SIGSTOP);
	ASSERT_OK(pan_cgroup_read(&cg, "memory.current", &now));
	snprintf(text, sizeof(text), "%llu", (unsigned long long)now + 2 * PAN_MIB);
	ASSERT_OK(pan_cgroup_write(&cg, "memory.max", text));
	ret = explicit_claim(&self->dev, target->pid);
	EXPECT_EQ(-ENOMEM, ret);
	EXPECT_OK(pan_cgroup_write(&cg, "memory.max", "max"));
	kill(target->pid, SIGCONT);
	EXPECT_OK(explicit_claim(&self->dev, target->pid));
	EXPECT_OK(explicit_order(target, EXPLICIT_WORK));
	explicit_kill(target);
	pan_cgroup_remove(&cg);
}

/* Keeps the device from being suspended, and its VM in its slot. */
static int awake_main(void *arg)
{
	volatile uint32_t *word = arg;
	struct pan_client client;

	if (pan_client_init(&client, 9, 1) || explicit_spin(&client.ctx[0]))
		return 1;
	word[0] = 1;
	for (;;)
		pause();
	return 0;
}

/*
 * The GPU does not let the VM be mapped, so the claim fails and has the GPU reset.
 * The one after that finds everything as it has to be.
 */
TEST_F_TIMEOUT(target, stuck_gpu_is_ebusy, TIMEOUT_S)
{
	volatile uint32_t *word = pan_shared_alloc(4096);
	uint64_t end = pan_now_ms() + 20000;
	pid_t awake;
	int ret;

	PAN_NEEDS_INJECTION("as_stuck");
	ASSERT_NE(NULL, word);
	awake = pan_spawn(awake_main, (void *)word);
	ASSERT_LT(0, awake);
	EXPECT_OK(pan_wait_word(word, 1, EXPLICIT_MS));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
	EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
	ASSERT_OK(pan_model_inject("as_stuck", 1));
	EXPECT_EQ(-EBUSY, explicit_claim(&self->dev, self->target->pid));
	pan_model_calm();
	end_process(awake);
	do {
		ret = explicit_claim(&self->dev, self->target->pid);
	} while (ret == -EBUSY && pan_now_ms() < end);
	EXPECT_OK(ret);
	EXPECT_OK(explicit_order(self->target, EXPLICIT_CHECK));
	pan_shared_free((void *)word, 4096);
}

struct interrupted {
	struct pan_dev *dev;
	pid_t tgid;
};

static int interrupted_main(void *arg)
{
	struct interrupted *i = arg;

	return explicit_reclaim(i->dev, i->tgid) == -EINTR ? 0 : 1;
}

static void on_signal(int sig)
{
	(void)sig;
}

/* The job of the target keeps the write waiting, then a signal comes. */
TEST_F_TIMEOUT(target, signal_ends_reclaim_with_eintr, TIMEOUT_S)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct interrupted interrupted = { &self->dev, self->target->pid };
	pid_t pid;

	ASSERT_OK(sigaction(SIGUSR1, &action, NULL));
	ASSERT_OK(explicit_order(self->target, EXPLICIT_SPIN));
	pid = pan_spawn(interrupted_main, &interrupted);
	ASSERT_LT(0, pid);
	EXPECT_OK(pan_wait_syscall(pid, SYS_write, EXPLICIT_MS));
	kill(pid, SIGUSR1);
	EXPECT_EQ(0, pan_join(pid, pan_now_ms() + EXPLICIT_MS));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_RELAX));
	EXPECT_OK(explicit_reclaim(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

/* Signals every 0.3 ms, then every 0.6 ms and so on: how long claim takes is not known. */
TEST_F_TIMEOUT(target, signals_end_claim_with_eintr, TIMEOUT_S)
{
	struct sigaction action = { .sa_handler = on_signal };
	int ret = 0, eintr = 0, i;

	ASSERT_OK(sigaction(SIGALRM, &action, NULL));
	for (i = 0; i < 40 && !eintr; i++) {
		struct timeval period = { .tv_usec = 300 * (i + 1) };
		struct itimerval every = { .it_interval = period, .it_value = period };

		ASSERT_OK(explicit_reclaim(&self->dev, self->target->pid));
		ASSERT_OK(setitimer(ITIMER_REAL, &every, NULL));
		ret = explicit_claim(&self->dev, self->target->pid);
		ASSERT_OK(setitimer(ITIMER_REAL, &(struct itimerval) { }, NULL));
		EXPECT_TRUE(!ret || ret == -EINTR);
		eintr += ret == -EINTR;
	}
	TH_LOG("interrupted in attempt %d", i);
	EXPECT_LT(0, eintr);
	EXPECT_OK(explicit_claim(&self->dev, self->target->pid));
	EXPECT_OK(explicit_order(self->target, EXPLICIT_WORK));
}

TEST_HARNESS_MAIN
