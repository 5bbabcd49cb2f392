/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A GPU client as reclaim sees one: buffers of all classes in one or several
 * address spaces, jobs that read and write every word of them in rounds, and a
 * check of every word.
 *
 * Failures for lack of memory are counted, not printed: they are what the
 * tests and scenarios are about.
 */
#ifndef PAN_CLIENT_H
#define PAN_CLIENT_H

#include "pan_ctx.h"

enum pan_buf_kind {
	PAN_BUF_PRIVATE,	/* bound in one VM that it belongs to */
	PAN_BUF_SHARED,		/* bound in every VM of the client, exportable */
	PAN_BUF_MMAPPED,	/* bound nowhere, mapped by the CPU all the time */
	PAN_BUF_UNUSED,		/* neither bound nor mapped between the rounds */
};

/**
 * struct pan_buf - A buffer with known contents
 * @bo: the BO
 * @kind: class
 * @vm: index of the VM whose jobs work on it
 * @seed: seed of the pattern
 * @steps: steps that were done since it was filled
 * @filled: has contents
 */
struct pan_buf {
	struct pan_bo bo;
	enum pan_buf_kind kind;
	uint32_t vm;
	uint32_t seed;
	uint32_t steps;
	bool filled;
};

/**
 * struct pan_client - A client
 * @dev: its own open file
 * @id: makes its contents different from other clients'
 * @vms: number of address spaces
 * @ctx: address spaces
 * @bufs: buffers
 * @count: number of buffers
 * @capacity: room in @bufs
 * @next_va: address of the next buffer
 * @enomem_bind: VM_BIND calls that failed with -ENOMEM
 * @enomem_submit: GROUP_SUBMIT calls that failed with -ENOMEM
 * @sigbus: CPU accesses that failed
 * @jobs: jobs that ran
 * @bad_words: words that were not what they had to be
 */
struct pan_client {
	struct pan_dev dev;
	uint32_t id;
	uint32_t vms;
	struct pan_ctx *ctx;
	struct pan_buf *bufs;
	uint32_t count;
	uint32_t capacity;
	uint64_t next_va;
	uint64_t enomem_bind;
	uint64_t enomem_submit;
	uint64_t sigbus;
	uint64_t jobs;
	uint64_t bad_words;
};

int pan_client_init(struct pan_client *client, uint32_t id, uint32_t vms);
void pan_client_fini(struct pan_client *client);

/* Adds a buffer that works in VM number @vm. -errno of BO_CREATE or VM_BIND. */
int pan_client_add(struct pan_client *client, uint32_t vm, uint64_t size,
		   enum pan_buf_kind kind);

/* Adds @mib MiB in buffers of 1 MiB. */
int pan_client_add_mib(struct pan_client *client, uint32_t vm, uint32_t mib,
		       enum pan_buf_kind kind);

/* Takes the last buffers away again, until @count are left. */
void pan_client_trim(struct pan_client *client, uint32_t count);

/*
 * Fills the buffers of a VM that have no contents, and takes the others one
 * step further. 0, or the first error: -ENOMEM (counted), -EFAULT for a CPU
 * access that failed (counted), or a job's error.
 */
int pan_client_work(struct pan_client *client, uint32_t vm);

/* The same for all VMs, one after the other; goes on after -ENOMEM and -EFAULT. */
int pan_client_work_all(struct pan_client *client);

/*
 * Compares every word of the buffers of a VM, or of all of them. Returns 0,
 * -EILSEQ when words were wrong, -EFAULT when memory could not be read.
 */
int pan_client_check(struct pan_client *client, uint32_t vm);
int pan_client_check_all(struct pan_client *client);

/* Bytes in all buffers. */
uint64_t pan_client_bytes(const struct pan_client *client);

#endif /* PAN_CLIENT_H */
