/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What test memory holds: a value for every 32-bit word, derived from the
 * buffer (seed), the offset, and the number of steps done since it was filled.
 *
 * A command stream writes it with two instructions for each line of 64 bytes:
 * word j of line l starts as seed + j * PAN_COLUMN + n * PAN_DIAGONAL, n being
 * how many lines before it have the number j modulo 16. A step adds PAN_STEP to
 * one word of four lines of each page of 4 KiB: what has missed a step is
 * noticed page by page, and a job over much memory stays short.
 */
#ifndef PAN_PATTERN_H
#define PAN_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#define PAN_COLUMN	0x01000193u
#define PAN_DIAGONAL	0x00010dcdu
#define PAN_STEP	0x00300007u

/* The lines of a page that take steps (0, 21, 42, 63), and which word of them. */
#define PAN_STEP_LINE		21
#define PAN_STEP_LINES		4

static inline bool pan_takes_steps(uint64_t line, uint32_t column)
{
	return line % 64 % PAN_STEP_LINE == 0 && line % 16 == column;
}

static inline uint32_t pan_pattern(uint32_t seed, uint64_t word, uint32_t steps)
{
	uint64_t line = word / 16;
	uint32_t column = word % 16;
	uint32_t before = (line + 15 - column) / 16;
	uint32_t value = seed + column * PAN_COLUMN + before * PAN_DIAGONAL;

	return pan_takes_steps(line, column) ? value + steps * PAN_STEP : value;
}

/* A seed that differs in many bits between buffers, clients and runs. */
uint32_t pan_seed(uint32_t client, uint32_t buffer);

/* Writes the pattern from the CPU, or takes it one step further. */
void pan_pattern_fill(uint32_t *map, uint64_t size, uint32_t seed);
void pan_pattern_step(uint32_t *map, uint64_t size);

/*
 * The same for a private anonymous mapping, which is populated part by part:
 * a page fault is dear where the kernel is a program.
 */
void pan_pattern_fill_anon(uint32_t *map, uint64_t size, uint32_t seed);

/*
 * Compares every word. Returns how many are wrong, after saying where the first
 * one is; or -EFAULT when the memory could not be read (SIGBUS).
 */
int64_t pan_pattern_check(const uint32_t *map, uint64_t size, uint32_t seed, uint32_t steps);

/*
 * Runs @fn(@arg), catching SIGBUS, also inside of another one. Returns false when
 * there was one: a CPU fault on a BO whose pages could not be had.
 */
bool pan_catch_sigbus(void (*fn)(void *arg), void *arg);

#endif /* PAN_PATTERN_H */
