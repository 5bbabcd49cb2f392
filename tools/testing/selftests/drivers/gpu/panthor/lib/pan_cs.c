// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>

#include "pan_cs.h"
#include "pan_pattern.h"

enum {
	OP_NOP = 0,
	OP_MOVE48 = 1,
	OP_MOVE32 = 2,
	OP_WAIT = 3,
	OP_RUN_IDVS = 6,
	OP_FINISH_TILING = 9,
	OP_FINISH_FRAGMENT = 11,
	OP_ADD_IMM32 = 16,
	OP_ADD_IMM64 = 17,
	OP_LOAD_MULTIPLE = 20,
	OP_STORE_MULTIPLE = 21,
	OP_BRANCH = 22,
	OP_SET_EXCEPTION_HANDLER = 25,
	OP_CALL = 32,
	OP_JUMP = 33,
	OP_SYNC_ADD32 = 37,
	OP_SYNC_SET32 = 38,
	OP_SYNC_WAIT32 = 39,
	OP_HEAP_SET = 48,
	OP_HEAP_OPERATION = 49,
	OP_SYNC_ADD64 = 51,
	OP_SYNC_SET64 = 52,
	OP_SYNC_WAIT64 = 53,
	OP_NONE = 0xfe,
};

/* Registers of the composed operations; pairs start at even numbers. */
enum {
	REG_ADDR = 64,
	REG_ADDR2 = 66,
	REG_COUNT = 68,
	REG_VALUE = 70,
	REG_LENGTH = 72,
};

#define ALL_SCOREBOARDS		0xffu
#define EXCEPTION_TILER_OOM	2
#define PAGE_BYTES		4096
#define LINE_BYTES		64
#define LINES			(PAGE_BYTES / LINE_BYTES)

void pan_cs_init(struct pan_cs *cs, void *buf, uint64_t va, uint64_t size)
{
	*cs = (struct pan_cs) {
		.buf = buf,
		.va = va,
		.capacity = size / sizeof(uint64_t),
	};
}

void pan_cs_rewind(struct pan_cs *cs)
{
	cs->start = 0;
	cs->count = 0;
	cs->overflow = false;
}

void pan_cs_begin(struct pan_cs *cs)
{
	cs->start = (cs->count + 7) & ~7u;
	cs->count = cs->start;
}

uint64_t pan_cs_addr(const struct pan_cs *cs)
{
	return cs->va + cs->start * sizeof(uint64_t);
}

uint32_t pan_cs_size(const struct pan_cs *cs)
{
	return (cs->count - cs->start) * sizeof(uint64_t);
}

void pan_cs_emit(struct pan_cs *cs, uint64_t instruction)
{
	if (cs->count >= cs->capacity) {
		cs->overflow = true;
		return;
	}
	((volatile uint64_t *)cs->buf)[cs->count++] = instruction;
}

static uint64_t op(uint64_t opcode, uint64_t dst, uint64_t src, uint64_t low)
{
	return opcode << 56 | dst << 48 | src << 40 | low;
}

void pan_cs_nop(struct pan_cs *cs)
{
	pan_cs_emit(cs, op(OP_NOP, 0, 0, 0));
}

void pan_cs_move48(struct pan_cs *cs, uint32_t reg, uint64_t value)
{
	pan_cs_emit(cs, op(OP_MOVE48, reg, 0, value & ((1ull << 48) - 1)));
}

void pan_cs_move32(struct pan_cs *cs, uint32_t reg, uint32_t value)
{
	pan_cs_emit(cs, op(OP_MOVE32, reg, 0, value));
}

void pan_cs_add32(struct pan_cs *cs, uint32_t dst, uint32_t src, int32_t value)
{
	pan_cs_emit(cs, op(OP_ADD_IMM32, dst, src, (uint32_t)value));
}

void pan_cs_add64(struct pan_cs *cs, uint32_t dst, uint32_t src, int32_t value)
{
	pan_cs_emit(cs, op(OP_ADD_IMM64, dst, src, (uint32_t)value));
}

static uint64_t multiple(uint32_t count, int16_t off)
{
	return (uint64_t)((1u << count) - 1) << 16 | (uint16_t)off;
}

void pan_cs_load(struct pan_cs *cs, uint32_t reg, uint32_t count, uint32_t addr, int16_t off)
{
	pan_cs_emit(cs, op(OP_LOAD_MULTIPLE, reg, addr, multiple(count, off)));
}

void pan_cs_store(struct pan_cs *cs, uint32_t reg, uint32_t count, uint32_t addr, int16_t off)
{
	pan_cs_emit(cs, op(OP_STORE_MULTIPLE, reg, addr, multiple(count, off)));
}

void pan_cs_wait(struct pan_cs *cs)
{
	pan_cs_emit(cs, op(OP_WAIT, 0, 0, ALL_SCOREBOARDS << 16));
}

uint32_t pan_cs_label(const struct pan_cs *cs)
{
	return cs->count;
}

void pan_cs_branch(struct pan_cs *cs, enum pan_cond cond, uint32_t reg, uint32_t target)
{
	int16_t off = (int32_t)target - (int32_t)cs->count - 1;

	pan_cs_emit(cs, op(OP_BRANCH, 0, reg, (uint64_t)cond << 28 | (uint16_t)off));
}

void pan_cs_store32(struct pan_cs *cs, uint64_t va, uint32_t value)
{
	pan_cs_move48(cs, REG_ADDR, va);
	pan_cs_move32(cs, REG_VALUE, value);
	pan_cs_store(cs, REG_VALUE, 1, REG_ADDR, 0);
	pan_cs_wait(cs);
}

void pan_cs_store64(struct pan_cs *cs, uint64_t va, uint64_t value)
{
	pan_cs_move48(cs, REG_ADDR, va);
	pan_cs_move32(cs, REG_VALUE, value);
	pan_cs_move32(cs, REG_VALUE + 1, value >> 32);
	pan_cs_store(cs, REG_VALUE, 2, REG_ADDR, 0);
	pan_cs_wait(cs);
}

/* Ends a loop over pages: next page, one fewer to go, again when any is left. */
static void next_page(struct pan_cs *cs, uint32_t loop)
{
	pan_cs_add64(cs, REG_ADDR, REG_ADDR, PAGE_BYTES);
	pan_cs_add32(cs, REG_COUNT, REG_COUNT, -1);
	pan_cs_branch(cs, PAN_COND_GREATER, REG_COUNT, loop);
}

void pan_cs_copy(struct pan_cs *cs, uint64_t dst, uint64_t src, uint64_t size)
{
	uint32_t loop, line, i;

	pan_cs_move48(cs, REG_ADDR, dst);
	pan_cs_move48(cs, REG_ADDR2, src);
	pan_cs_move32(cs, REG_COUNT, size / PAGE_BYTES);
	loop = pan_cs_label(cs);
	for (line = 0; line < LINES; line += 4) {
		for (i = 0; i < 4; i++)
			pan_cs_load(cs, i * 16, 16, REG_ADDR2, (line + i) * LINE_BYTES);
		pan_cs_wait(cs);
		for (i = 0; i < 4; i++)
			pan_cs_store(cs, i * 16, 16, REG_ADDR, (line + i) * LINE_BYTES);
		pan_cs_wait(cs);
	}
	pan_cs_add64(cs, REG_ADDR2, REG_ADDR2, PAGE_BYTES);
	next_page(cs, loop);
}

void pan_cs_fill(struct pan_cs *cs, uint64_t va, uint64_t size, uint32_t seed)
{
	uint32_t loop, line, i;

	pan_cs_move48(cs, REG_ADDR, va);
	pan_cs_move32(cs, REG_COUNT, size / PAGE_BYTES);
	for (i = 0; i < 16; i++)
		pan_cs_move32(cs, i, pan_pattern(seed, i, 0));
	loop = pan_cs_label(cs);
	for (line = 0; line < LINES; line++) {
		/* A store has read its registers when the next instruction begins. */
		pan_cs_store(cs, 0, 16, REG_ADDR, line * LINE_BYTES);
		pan_cs_add32(cs, line % 16, line % 16, PAN_DIAGONAL);
	}
	pan_cs_wait(cs);
	next_page(cs, loop);
}

void pan_cs_step_routine(struct pan_cs *cs)
{
	uint32_t loop = pan_cs_label(cs), i;

	for (i = 0; i < PAN_STEP_LINES; i++)
		pan_cs_load(cs, i * 16, 16, REG_ADDR, i * PAN_STEP_LINE * LINE_BYTES);
	pan_cs_wait(cs);
	for (i = 0; i < PAN_STEP_LINES; i++) {
		uint32_t reg = i * 16 + i * PAN_STEP_LINE % 16;

		pan_cs_add32(cs, reg, reg, PAN_STEP);
		pan_cs_store(cs, i * 16, 16, REG_ADDR, i * PAN_STEP_LINE * LINE_BYTES);
	}
	pan_cs_wait(cs);
	next_page(cs, loop);
}

void pan_cs_step(struct pan_cs *cs, uint64_t va, uint64_t size)
{
	pan_cs_move48(cs, REG_ADDR, va);
	pan_cs_move32(cs, REG_COUNT, size / PAGE_BYTES);
	pan_cs_step_routine(cs);
}

void pan_cs_sum(struct pan_cs *cs, uint64_t sum, uint64_t src, uint32_t words)
{
	uint32_t loop;

	pan_cs_move48(cs, REG_ADDR, src);
	pan_cs_move48(cs, REG_ADDR2, sum);
	pan_cs_move32(cs, REG_COUNT, words);
	loop = pan_cs_label(cs);
	pan_cs_load(cs, REG_VALUE, 1, REG_ADDR, 0);
	pan_cs_wait(cs);
	pan_cs_emit(cs, op(OP_SYNC_ADD32, 0, REG_ADDR2, (uint64_t)REG_VALUE << 32));
	pan_cs_add64(cs, REG_ADDR, REG_ADDR, 4);
	pan_cs_add32(cs, REG_COUNT, REG_COUNT, -1);
	pan_cs_branch(cs, PAN_COND_GREATER, REG_COUNT, loop);
}

void pan_cs_increment(struct pan_cs *cs, uint64_t va, int32_t value)
{
	pan_cs_move48(cs, REG_ADDR, va);
	pan_cs_load(cs, REG_VALUE, 1, REG_ADDR, 0);
	pan_cs_wait(cs);
	pan_cs_add32(cs, REG_VALUE, REG_VALUE, value);
	pan_cs_store(cs, REG_VALUE, 1, REG_ADDR, 0);
	pan_cs_wait(cs);
}

void pan_cs_spin(struct pan_cs *cs, uint32_t turns)
{
	uint32_t loop;

	pan_cs_move32(cs, REG_COUNT, turns);
	loop = pan_cs_label(cs);
	pan_cs_add32(cs, REG_COUNT, REG_COUNT, -1);
	pan_cs_branch(cs, PAN_COND_GREATER, REG_COUNT, loop);
}

void pan_cs_spin_until(struct pan_cs *cs, uint64_t va)
{
	uint32_t loop;

	pan_cs_move48(cs, REG_ADDR, va);
	loop = pan_cs_label(cs);
	pan_cs_load(cs, REG_VALUE, 1, REG_ADDR, 0);
	pan_cs_wait(cs);
	pan_cs_branch(cs, PAN_COND_EQUAL, REG_VALUE, loop);
}

static void sync_op(struct pan_cs *cs, uint64_t opcode, uint64_t va, uint64_t value,
		    uint64_t flags)
{
	pan_cs_move48(cs, REG_ADDR, va);
	pan_cs_move32(cs, REG_VALUE, value);
	pan_cs_move32(cs, REG_VALUE + 1, value >> 32);
	pan_cs_emit(cs, op(opcode, 0, REG_ADDR, (uint64_t)REG_VALUE << 32 | flags));
}

void pan_cs_sync_add32(struct pan_cs *cs, uint64_t va, uint32_t value)
{
	sync_op(cs, OP_SYNC_ADD32, va, value, 0);
}

void pan_cs_sync_set32(struct pan_cs *cs, uint64_t va, uint32_t value)
{
	sync_op(cs, OP_SYNC_SET32, va, value, 0);
}

void pan_cs_sync_add64(struct pan_cs *cs, uint64_t va, uint64_t value)
{
	sync_op(cs, OP_SYNC_ADD64, va, value, 0);
}

void pan_cs_sync_set64(struct pan_cs *cs, uint64_t va, uint64_t value)
{
	sync_op(cs, OP_SYNC_SET64, va, value, 0);
}

static uint64_t wait_cond(bool greater)
{
	return (uint64_t)(greater ? PAN_COND_GREATER : PAN_COND_LEQUAL) << 28;
}

void pan_cs_sync_wait32(struct pan_cs *cs, uint64_t va, bool greater, uint32_t value)
{
	sync_op(cs, OP_SYNC_WAIT32, va, value, wait_cond(greater));
}

void pan_cs_sync_wait64(struct pan_cs *cs, uint64_t va, bool greater, uint64_t value)
{
	sync_op(cs, OP_SYNC_WAIT64, va, value, wait_cond(greater));
}

static void transfer(struct pan_cs *cs, uint64_t opcode, uint64_t va, uint32_t size)
{
	pan_cs_move48(cs, REG_VALUE, va);
	pan_cs_move32(cs, REG_LENGTH, size);
	pan_cs_emit(cs, op(opcode, 0, REG_VALUE, (uint64_t)REG_LENGTH << 32));
}

void pan_cs_call(struct pan_cs *cs, uint64_t va, uint32_t size)
{
	transfer(cs, OP_CALL, va, size);
}

void pan_cs_jump(struct pan_cs *cs, uint64_t va, uint32_t size)
{
	transfer(cs, OP_JUMP, va, size);
}

void pan_cs_invalid(struct pan_cs *cs)
{
	pan_cs_emit(cs, op(OP_NONE, 0, 0, 0));
}

/* Registers of the tiler's instructions, and fields of its descriptors. */
enum {
	REG_VERTICES = 33,
	REG_INSTANCES = 34,
	REG_TILER = 40,
	REG_DRAW_FLAGS = 56,
};

#define TILER_HEAP	24
#define TILER_COMPLETED	40
#define TILER_BYTES	64
#define HEAP_BASE	8
#define CHUNK_HEADER	64

void pan_tiler_init(void *ctx, uint64_t ctx_va, uint64_t chunk, uint32_t chunk_size)
{
	volatile uint64_t *tiler = ctx, *heap = tiler + TILER_BYTES / sizeof(uint64_t);
	unsigned int i;

	for (i = 0; i < 2 * TILER_BYTES / sizeof(uint64_t); i++)
		tiler[i] = 0;
	tiler[TILER_HEAP / sizeof(uint64_t)] = ctx_va + TILER_BYTES;
	heap += HEAP_BASE / sizeof(uint64_t);
	heap[0] = chunk;
	heap[1] = chunk + CHUNK_HEADER;
	heap[2] = chunk + chunk_size;
}

void pan_cs_heap_set(struct pan_cs *cs, uint64_t heap_ctx)
{
	pan_cs_move48(cs, REG_ADDR, heap_ctx);
	pan_cs_emit(cs, op(OP_HEAP_SET, 0, REG_ADDR, 0));
}

void pan_cs_heap_operation(struct pan_cs *cs, enum pan_heap_operation operation)
{
	pan_cs_emit(cs, op(OP_HEAP_OPERATION, 0, 0, (uint64_t)operation << 32));
}

void pan_cs_draw(struct pan_cs *cs, uint64_t ctx_va, uint32_t vertices)
{
	uint32_t reg;

	/* Neither shaders nor resources */
	for (reg = 0; reg < 32; reg += 2)
		pan_cs_move48(cs, reg, 0);
	pan_cs_move32(cs, REG_VERTICES, vertices);
	pan_cs_move32(cs, REG_INSTANCES, 1);
	pan_cs_move48(cs, REG_TILER, ctx_va);
	/* Neither indices nor a varying shader */
	pan_cs_move32(cs, REG_DRAW_FLAGS, 0);
	pan_cs_emit(cs, op(OP_RUN_IDVS, 0, 0, 0));
	pan_cs_wait(cs);
}

void pan_cs_finish_tiling(struct pan_cs *cs)
{
	pan_cs_emit(cs, op(OP_FINISH_TILING, 0, 0, 0));
	pan_cs_wait(cs);
}

static void finish_fragment(struct pan_cs *cs, uint64_t ctx_va, bool completed)
{
	pan_cs_move48(cs, REG_ADDR, ctx_va + TILER_COMPLETED);
	pan_cs_load(cs, REG_VALUE, 4, REG_ADDR, 0);
	pan_cs_wait(cs);
	pan_cs_emit(cs, op(OP_FINISH_FRAGMENT, 0, REG_VALUE,
			   (uint64_t)(REG_VALUE + 2) << 32 | completed));
	pan_cs_wait(cs);
}

void pan_cs_finish_fragment(struct pan_cs *cs, uint64_t ctx_va)
{
	finish_fragment(cs, ctx_va, true);
}

void pan_cs_incremental_render(struct pan_cs *cs, uint64_t ctx_va)
{
	uint32_t i;

	pan_cs_finish_tiling(cs);
	finish_fragment(cs, ctx_va, false);

	/* What is tiled from here on is all that the next fragment job returns. */
	for (i = 0; i < 4; i++)
		pan_cs_move32(cs, REG_VALUE + i, 0);
	pan_cs_store(cs, REG_VALUE, 4, REG_ADDR, 0);
	pan_cs_wait(cs);
}

void pan_cs_set_oom_handler(struct pan_cs *cs, uint64_t va, uint32_t size)
{
	pan_cs_move48(cs, REG_VALUE, va);
	pan_cs_move32(cs, REG_LENGTH, size);
	pan_cs_emit(cs, op(OP_SET_EXCEPTION_HANDLER, 0, REG_VALUE,
			   (uint64_t)REG_LENGTH << 32 | EXCEPTION_TILER_OOM));
}
