/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A builder of CSF command streams: what a GPU needs to fill, copy, sum and
 * step memory, to spin, to wait, to call, and to fault.
 *
 * Registers r64 and up hold addresses and counters, r0 to r63 hold data. The
 * kernel's own part of a submission uses the last four registers.
 */
#ifndef PAN_CS_H
#define PAN_CS_H

#include <stdbool.h>
#include <stdint.h>

enum pan_cond {
	PAN_COND_LEQUAL,
	PAN_COND_GREATER,
	PAN_COND_EQUAL,
	PAN_COND_NEQUAL,
	PAN_COND_LESS,
	PAN_COND_GEQUAL,
	PAN_COND_ALWAYS,
};

/**
 * struct pan_cs - A command stream under construction
 * @buf: CPU mapping of the memory it is built in
 * @va: GPU address of that memory
 * @capacity: room, in instructions
 * @start: index of the first instruction of the stream being built
 * @count: index of the next free instruction
 * @overflow: an instruction did not fit
 */
struct pan_cs {
	uint64_t *buf;
	uint64_t va;
	uint32_t capacity;
	uint32_t start;
	uint32_t count;
	bool overflow;
};

void pan_cs_init(struct pan_cs *cs, void *buf, uint64_t va, uint64_t size);

/* Starts a new stream on the next 64 byte boundary, or at the beginning again. */
void pan_cs_begin(struct pan_cs *cs);
void pan_cs_rewind(struct pan_cs *cs);

/* Address and size in bytes of the stream begun last. */
uint64_t pan_cs_addr(const struct pan_cs *cs);
uint32_t pan_cs_size(const struct pan_cs *cs);

/* Single instructions */
void pan_cs_emit(struct pan_cs *cs, uint64_t instruction);
void pan_cs_nop(struct pan_cs *cs);
void pan_cs_move48(struct pan_cs *cs, uint32_t reg, uint64_t value);
void pan_cs_move32(struct pan_cs *cs, uint32_t reg, uint32_t value);
void pan_cs_add32(struct pan_cs *cs, uint32_t dst, uint32_t src, int32_t value);
void pan_cs_add64(struct pan_cs *cs, uint32_t dst, uint32_t src, int32_t value);
void pan_cs_load(struct pan_cs *cs, uint32_t reg, uint32_t count, uint32_t addr, int16_t off);
void pan_cs_store(struct pan_cs *cs, uint32_t reg, uint32_t count, uint32_t addr, int16_t off);
void pan_cs_wait(struct pan_cs *cs);
void pan_cs_branch(struct pan_cs *cs, enum pan_cond cond, uint32_t reg, uint32_t target);

/* Index to branch to. */
uint32_t pan_cs_label(const struct pan_cs *cs);

/* Memory: @size in bytes, multiples of 4096. */
void pan_cs_store32(struct pan_cs *cs, uint64_t va, uint32_t value);
void pan_cs_store64(struct pan_cs *cs, uint64_t va, uint64_t value);
void pan_cs_copy(struct pan_cs *cs, uint64_t dst, uint64_t src, uint64_t size);

/* The pattern of pan_pattern.h: writing it, and taking it one step further. */
void pan_cs_fill(struct pan_cs *cs, uint64_t va, uint64_t size, uint32_t seed);
void pan_cs_step(struct pan_cs *cs, uint64_t va, uint64_t size);

/* The loop of pan_cs_step() as a routine: address in r64, pages in r68. */
void pan_cs_step_routine(struct pan_cs *cs);

/* Adds @words 32-bit words from @src to the 32-bit word at @sum. */
void pan_cs_sum(struct pan_cs *cs, uint64_t sum, uint64_t src, uint32_t words);

/* Adds @value to the 32-bit word at @va with plain loads and stores. */
void pan_cs_increment(struct pan_cs *cs, uint64_t va, int32_t value);

/* Time: a number of turns, or until memory is not 0 (or the job is killed). */
void pan_cs_spin(struct pan_cs *cs, uint32_t turns);
void pan_cs_spin_until(struct pan_cs *cs, uint64_t va);

/* Sync objects in memory: seqno (32 or 64 bits), then a 32-bit status. */
void pan_cs_sync_add32(struct pan_cs *cs, uint64_t va, uint32_t value);
void pan_cs_sync_set32(struct pan_cs *cs, uint64_t va, uint32_t value);
void pan_cs_sync_add64(struct pan_cs *cs, uint64_t va, uint64_t value);
void pan_cs_sync_set64(struct pan_cs *cs, uint64_t va, uint64_t value);

/* Waits until the seqno is greater than @value (@greater) or at most @value. */
void pan_cs_sync_wait32(struct pan_cs *cs, uint64_t va, bool greater, uint32_t value);
void pan_cs_sync_wait64(struct pan_cs *cs, uint64_t va, bool greater, uint64_t value);

/* Control flow to other streams */
void pan_cs_call(struct pan_cs *cs, uint64_t va, uint32_t size);
void pan_cs_jump(struct pan_cs *cs, uint64_t va, uint32_t size);

/* An instruction no GPU has. */
void pan_cs_invalid(struct pan_cs *cs);

/*
 * Tiler: a tiler context points to a heap descriptor, which begins to use the
 * heap's first chunk; drawing takes memory from there on. @ctx is 128 bytes of
 * memory on a 64 byte boundary, mapped on both sides.
 */
#define PAN_VERTEX_BYTES	16

enum pan_heap_operation {
	PAN_HEAP_TILING_STARTED,
	PAN_HEAP_TILING_FINISHED,
	PAN_HEAP_FRAGMENT_FINISHED = 3,
};

void pan_tiler_init(void *ctx, uint64_t ctx_va, uint64_t chunk, uint32_t chunk_size);
void pan_cs_heap_set(struct pan_cs *cs, uint64_t heap_ctx);
void pan_cs_heap_operation(struct pan_cs *cs, enum pan_heap_operation operation);
void pan_cs_draw(struct pan_cs *cs, uint64_t ctx_va, uint32_t vertices);
void pan_cs_finish_tiling(struct pan_cs *cs);

/* Gives the chunks that the render pass of @ctx_va used back to the heap. */
void pan_cs_finish_fragment(struct pan_cs *cs, uint64_t ctx_va);

/*
 * What is called when the tiler has no memory and the driver none to give: a stream
 * that makes some, with pan_cs_incremental_render(), by rendering what has been tiled.
 * It leaves the registers below r64 alone.
 */
void pan_cs_set_oom_handler(struct pan_cs *cs, uint64_t va, uint32_t size);
void pan_cs_incremental_render(struct pan_cs *cs, uint64_t ctx_va);

#endif /* PAN_CS_H */
