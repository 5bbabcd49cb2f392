/* SPDX-License-Identifier: GPL-2.0 */
/* Other processes: clients of their own, with a time limit. */
#ifndef PAN_PROC_H
#define PAN_PROC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Memory that stays shared with processes forked later; zeroed. NULL on failure. */
void *pan_shared_alloc(size_t size);
void pan_shared_free(void *shared, size_t size);

/* Forks a process that exits with what @fn returns; -errno on failure. */
pid_t pan_spawn(int (*fn)(void *arg), void *arg);

/*
 * Waits for a process until @deadline_ms of pan_now_ms(), then kills it.
 * Returns its exit status, 128 + signal, or -ETIME after it had to be killed.
 */
int pan_join(pid_t pid, uint64_t deadline_ms);

/* Waits until *@word is at least @value. -ETIME after @timeout_ms. */
int pan_wait_word(volatile uint32_t *word, uint32_t value, int timeout_ms);

#endif /* PAN_PROC_H */
