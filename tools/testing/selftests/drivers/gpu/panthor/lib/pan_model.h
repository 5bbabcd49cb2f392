/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The software GPU: its counters, and the faults it injects on request.
 */
#ifndef PAN_MODEL_H
#define PAN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* True when the GPU is the model and its debugfs directory can be seen. */
bool pan_model_present(void);

/* One counter. -ENOENT when this model has none of that name. Quiet. */
int pan_model_counter(const char *name, uint64_t *value);

/* The same for code that has found the counter before: 0 when it is gone. */
uint64_t pan_model_count(const char *name);

/* Until the GPU has been reset so often in all; -ETIME if it has not in time. */
int pan_model_wait_resets(uint64_t count, int timeout_ms);

/* Prints what the GPU is at, for whom it keeps waiting. Quiet without a model. */
void pan_model_tell(void);

bool pan_model_can_inject(const char *name);

/* Sets a file of inject/; says when that fails. */
int pan_model_inject(const char *name, uint64_t value);

/* Value of a file of inject/: how often it will still happen. */
int pan_model_injected(const char *name, uint64_t *value);

/* Switches every injection off. Quiet; does nothing without a model. */
void pan_model_calm(void);

#endif /* PAN_MODEL_H */
