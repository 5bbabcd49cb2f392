// SPDX-License-Identifier: GPL-2.0
/*
 * A GPU client to watch: allocates buffers of several classes, works on them in
 * rounds, and verifies every word of all of them after each round.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/pan_client.h"
#include "lib/pan_mem.h"
#include "lib/pan_proc.h"

struct options {
	uint32_t id;
	uint32_t mib;
	uint32_t vms;
	uint32_t rounds;
	uint32_t seconds;
	uint32_t pause_ms;
	const char *kinds;
	bool hold;
	bool patient;
};

static volatile sig_atomic_t stop, wake;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		wake = 1;
	else
		stop = 1;
}

static void usage(const char *name)
{
	fprintf(stderr,
		"Usage: %s [-i ID] [-m MIB] [-v VMS] [-k KINDS] [-r ROUNDS] [-t SECONDS]\n"
		"          [-p MS] [-w] [-H]\n"
		"  -i ID       number of this client, in its messages and its data (default 1)\n"
		"  -m MIB      memory in buffers of 1 MiB (default 64)\n"
		"  -v VMS      address spaces (default 1)\n"
		"  -k KINDS    classes of buffers, in turn: p(rivate), s(hared), m(mapped),\n"
		"              u(nused) (default pppsm)\n"
		"  -r ROUNDS   rounds of work (default 4)\n"
		"  -t SECONDS  stop after this time (default: none)\n"
		"  -p MS       rest between rounds (default 0)\n"
		"  -w          count failures for lack of memory and go on\n"
		"  -H          hold the memory after the rounds until SIGUSR1, then verify\n"
		"SIGTERM ends it after the round it is in.\n", name);
}

static int parse(int argc, char **argv, struct options *o)
{
	int opt;

	while ((opt = getopt(argc, argv, "i:m:v:k:r:t:p:wHh")) != -1) {
		switch (opt) {
		case 'i':
			o->id = strtoul(optarg, NULL, 0);
			break;
		case 'm':
			o->mib = strtoul(optarg, NULL, 0);
			break;
		case 'v':
			o->vms = strtoul(optarg, NULL, 0);
			break;
		case 'k':
			o->kinds = optarg;
			break;
		case 'r':
			o->rounds = strtoul(optarg, NULL, 0);
			break;
		case 't':
			o->seconds = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			o->pause_ms = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			o->patient = true;
			break;
		case 'H':
			o->hold = true;
			break;
		default:
			usage(argv[0]);
			exit(opt == 'h' ? 0 : 2);
		}
	}
	if (!o->vms || o->vms > 32 || !o->mib || !*o->kinds ||
	    strspn(o->kinds, "psmu") != strlen(o->kinds)) {
		usage(argv[0]);
		return -EINVAL;
	}
	return 0;
}

static enum pan_buf_kind kind_of(char c)
{
	switch (c) {
	case 's':
		return PAN_BUF_SHARED;
	case 'm':
		return PAN_BUF_MMAPPED;
	case 'u':
		return PAN_BUF_UNUSED;
	default:
		return PAN_BUF_PRIVATE;
	}
}

static int allocate(struct pan_client *client, const struct options *o)
{
	size_t kinds = strlen(o->kinds);
	uint32_t i;
	int ret;

	for (i = 0; i < o->mib && !stop; i++) {
		ret = pan_client_add(client, i % o->vms, PAN_MIB, kind_of(o->kinds[i % kinds]));
		if (ret == -ENOMEM && o->patient)
			continue;
		if (ret)
			return pan_error(ret, "tour %u: buffer %u", o->id, i);
	}
	printf("tour %u: %llu MiB in %u buffers and %u VMs\n", o->id,
	       (unsigned long long)pan_client_bytes(client) >> 20, client->count, o->vms);
	return 0;
}

static bool acceptable(int ret, const struct options *o)
{
	return !ret || (o->patient && (ret == -ENOMEM || ret == -EFAULT));
}

static int one_round(struct pan_client *client, const struct options *o, uint32_t round)
{
	uint64_t start = pan_now_ms(), worked;
	int ret, check;

	ret = pan_client_work_all(client);
	worked = pan_now_ms();
	check = pan_client_check_all(client);
	printf("tour %u: round %u: worked %llu ms, ", o->id, round,
	       (unsigned long long)(worked - start));
	printf("verified %llu ms, %llu wrong words, %llu ENOMEM\n",
	       (unsigned long long)(pan_now_ms() - worked),
	       (unsigned long long)client->bad_words,
	       (unsigned long long)(client->enomem_bind + client->enomem_submit +
				    client->sigbus));
	if (!acceptable(check, o))
		return pan_error(check, "tour %u: check", o->id);
	if (!acceptable(ret, o))
		return pan_error(ret, "tour %u: work", o->id);
	return 0;
}

static int hold(struct pan_client *client, const struct options *o)
{
	int ret;

	printf("tour %u: holding\n", o->id);
	while (!stop && !wake)
		pan_sleep_ms(20);
	ret = pan_client_check_all(client);
	printf("tour %u: held, %llu wrong words\n", o->id,
	       (unsigned long long)client->bad_words);
	return acceptable(ret, o) ? 0 : ret;
}

static int play(struct pan_client *client, const struct options *o)
{
	uint64_t end = pan_now_ms() + o->seconds * 1000ull;
	uint32_t round;
	int ret;

	ret = allocate(client, o);
	for (round = 0; !ret && !stop && round < o->rounds; round++) {
		if (o->seconds && pan_now_ms() >= end)
			break;
		ret = one_round(client, o, round);
		if (o->pause_ms && round + 1 < o->rounds && !stop)
			pan_sleep_ms(o->pause_ms);
	}
	if (!ret && o->hold)
		ret = hold(client, o);
	printf("tour %u: %s after %u rounds, %llu jobs, %llu wrong words\n", o->id,
	       ret ? "failed" : "done", round, (unsigned long long)client->jobs,
	       (unsigned long long)client->bad_words);
	return ret;
}

int main(int argc, char **argv)
{
	struct options o = { .id = 1, .mib = 64, .vms = 1, .rounds = 4, .kinds = "pppsm" };
	struct sigaction sa = { .sa_handler = on_signal };
	struct pan_client client;
	int ret;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (parse(argc, argv, &o))
		return 2;

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);

	pan_be_expendable();
	if (pan_client_init(&client, o.id, o.vms))
		return 1;
	ret = play(&client, &o);
	pan_client_fini(&client);
	return ret ? 1 : 0;
}
