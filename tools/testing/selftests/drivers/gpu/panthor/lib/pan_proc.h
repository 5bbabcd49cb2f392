/* SPDX-License-Identifier: GPL-2.0 */
/* Other processes: clients of their own, with a time limit. */
#ifndef PAN_PROC_H
#define PAN_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Memory that stays shared with processes forked later; zeroed. NULL on failure. */
void *pan_shared_alloc(size_t size);
void pan_shared_free(void *shared, size_t size);

/*
 * Makes the caller the first that the OOM killer takes: memory of BOs is charged
 * to no process, so that it would take anybody else.
 */
void pan_be_expendable(void);

/*
 * Says in the kernel's log that the OOM killer is (not) going to have work, for
 * who judges the log. Reports of it are then no failures.
 */
void pan_expect_oom(bool expected);

/* Forks an expendable process that exits with what @fn returns; -errno on failure. */
pid_t pan_spawn(int (*fn)(void *arg), void *arg);

/*
 * Waits for a process until @deadline_ms of pan_now_ms(), then kills it.
 * Returns its exit status, 128 + signal, or -ETIME after it had to be killed.
 */
int pan_join(pid_t pid, uint64_t deadline_ms);

/*
 * Path of a program in the directory of the one that is running. -ENOENT, quietly,
 * when it cannot be executed.
 */
int pan_program(const char *name, char *path, size_t size);

/*
 * Starts a program whose output can be read from the returned stream; NULL on
 * failure. No shell is involved. @argv ends with NULL.
 */
FILE *pan_start(const char *path, char * const argv[], pid_t *pid);

/*
 * Waits until another process sleeps in the system call @nr, which has no other
 * sleep than the one that is meant. -ESRCH if the process has gone, -ETIME after
 * @timeout_ms, -EOPNOTSUPP if the kernel does not tell.
 */
int pan_wait_syscall(pid_t pid, long nr, int timeout_ms);

/* Waits until *@word is at least @value. -ETIME after @timeout_ms. */
int pan_wait_word(volatile uint32_t *word, uint32_t value, int timeout_ms);

/*
 * How many rounds of something to do, @usual of them as a rule. PAN_EFFORT in the
 * environment is what per cent of it to do instead, but @least at least.
 */
uint32_t pan_rounds(uint32_t usual, uint32_t least);

#endif /* PAN_PROC_H */
