// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: the instructions of command streams.
 *
 * An instruction is 64 bits: the opcode in 63:56, registers in 55:48 (RD),
 * 47:40 (RA) and 39:32 (RB), the rest as the instruction likes. A 64-bit operand
 * is a register and the one after it.
 *
 * What would be handed to shader cores or the tiler is not executed, but what
 * such an instruction needs in memory is looked at, so that it has to be
 * mapped. It retires at once, hence there is never anything to wait for on a
 * scoreboard.
 *
 * A function here either has no effect and returns STALL, BLOCK, OOM, FAULT or
 * FATAL, or does all of its work. (The tiler, which works in pieces, keeps its
 * place in the context of the stream.)
 */

#include "pmodel_insn.h"

#define BRANCH_CONDITION(insn)	(((insn) >> 28) & 0x7)
enum { COND_LE, COND_GT, COND_EQ, COND_NE, COND_LT, COND_GE, COND_ALWAYS };

enum { STATE_TIMESTAMP, STATE_CYCLE_COUNT, STATE_DISJOINT_COUNT, STATE_ERROR };

#define HANDLER_TYPE(insn)	((insn) & 0xff)
#define HANDLER_TILER_OOM	2

/* Registers that carry the operands of RUN_* instructions. */
#define SR_SRT(n)		(0 + 2 * (n))
#define SR_FAU(n)		(8 + 2 * (n))
#define SR_SPD(n)		(16 + 2 * (n))
#define SR_TSD(n)		(24 + 2 * (n))
#define SR_INDEX_COUNT		33
#define SR_INSTANCE_COUNT	34
#define SR_TILER_CTX		40
#define SR_FBD			40
#define SR_INDEX_BUFFER		54
#define SR_DRAW_FLAGS		56

/* What a draw is, in SR_DRAW_FLAGS; the low half of the instruction adds to it. */
#define DRAW_INDEX_TYPE		GENMASK(10, 8)
#define DRAW_SECONDARY_SHADER	BIT(18)

#define SELECT_SRT(insn)	(((insn) >> 40) & 3)
#define SELECT_SPD(insn)	(((insn) >> 42) & 3)
#define SELECT_TSD(insn)	(((insn) >> 44) & 3)
#define SELECT_FAU(insn)	(((insn) >> 46) & 3)

/* Whether a later shader of a draw has its own registers, or those of the first. */
#define IDVS_VARYING_SRT	BIT_ULL(35)
#define IDVS_VARYING_FAU	BIT_ULL(36)
#define IDVS_VARYING_TSD	BIT_ULL(37)
#define IDVS_FRAGMENT_SRT	BIT_ULL(38)
#define IDVS_FRAGMENT_TSD	BIT_ULL(39)

#define DESC_ADDR		GENMASK_ULL(47, 6)
#define FAU_ADDR		GENMASK_ULL(47, 3)
#define FAU_COUNT(v)		((v) >> 56)
#define DESC_SIZE		64
#define SPD_SIZE		32
#define SPD_BINARY		8
#define SHADER_MIN		16

/* What the tiler takes from the heap for one vertex. */
#define VERTEX_BYTES		16

/**
 * struct pmodel_insn - Entry of the decode table
 * @name: Mnemonic.
 * @exec: Executes it.
 * @rd: Number of registers at RD that must exist.
 * @ra: Number of registers at RA that must exist.
 * @rb: Number of registers at RB that must exist.
 * @skip_on_error: Retires without effect between a fault and ERROR_BARRIER.
 */
struct pmodel_insn {
	const char *name;
	enum pmodel_step (*exec)(struct pmodel_exec *x);
	u8 rd, ra, rb;
	bool skip_on_error;
};

/**
 * pmodel_exec_fatal() - End an instruction, and its stream, with a fatal fault
 * @x: Instruction.
 * @exception: Exception type.
 * @info: Its address or argument.
 *
 * Context: Any.
 * Return: PMODEL_STEP_FATAL.
 */
enum pmodel_step pmodel_exec_fatal(struct pmodel_exec *x, u32 exception, u64 info)
{
	x->exception = exception;
	x->info = info;
	return PMODEL_STEP_FATAL;
}

/**
 * pmodel_exec_fault() - End an instruction with a recoverable fault
 * @x: Instruction.
 * @exception: Exception type.
 * @info: Its address or argument.
 *
 * Context: Any.
 * Return: PMODEL_STEP_FAULT.
 */
enum pmodel_step pmodel_exec_fault(struct pmodel_exec *x, u32 exception, u64 info)
{
	x->exception = exception;
	x->info = info;
	return PMODEL_STEP_FAULT;
}

static enum pmodel_step pmodel_exec_access(struct pmodel_exec *x, u64 va, void *buf, size_t len,
					   enum pmodel_access access)
{
	if (pmodel_inject_hit(x->pm, bus_fault))
		return pmodel_exec_fault(x, DRM_PANTHOR_EXCEPTION_CS_BUS_FAULT, va);

	switch (pmodel_access(x->pm, x->csg->as, va, buf, len, access)) {
	case 0:
		return PMODEL_STEP_RETIRE;
	case -EAGAIN:
		return PMODEL_STEP_STALL;
	default:
		return pmodel_exec_fatal(x, DRM_PANTHOR_EXCEPTION_CS_BUS_FAULT, va);
	}
}

/**
 * pmodel_exec_read() - Read memory on behalf of an instruction
 * @x: Instruction.
 * @va: Address in the address space of the group.
 * @buf: Filled.
 * @len: Length in bytes.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: PMODEL_STEP_RETIRE, or what the instruction has to return.
 */
enum pmodel_step pmodel_exec_read(struct pmodel_exec *x, u64 va, void *buf, size_t len)
{
	enum pmodel_step step = pmodel_exec_access(x, va, buf, len, PMODEL_READ);

	if (step == PMODEL_STEP_RETIRE)
		pmodel_count_add(x->pm, bytes_read, len);
	return step;
}

/**
 * pmodel_exec_touch() - Find out whether memory can be accessed
 * @x: Instruction.
 * @va: Address in the address space of the group.
 * @len: Length in bytes.
 * @access: Kind of access.
 *
 * After success, the same access succeeds until pmodel::lock is released.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: PMODEL_STEP_RETIRE, or what the instruction has to return.
 */
enum pmodel_step pmodel_exec_touch(struct pmodel_exec *x, u64 va, size_t len,
				   enum pmodel_access access)
{
	return pmodel_exec_access(x, va, NULL, len, access);
}

/**
 * pmodel_exec_write() - Write memory on behalf of an instruction
 * @x: Instruction.
 * @va: Address in the address space of the group.
 * @buf: Data.
 * @len: Length in bytes.
 *
 * Writes all of it or nothing.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: PMODEL_STEP_RETIRE, or what the instruction has to return.
 */
enum pmodel_step pmodel_exec_write(struct pmodel_exec *x, u64 va, const void *buf, size_t len)
{
	enum pmodel_step step = PMODEL_STEP_RETIRE;

	if (offset_in_page(va) + len > PAGE_SIZE)
		step = pmodel_exec_touch(x, va, len, PMODEL_WRITE);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_exec_access(x, va, (void *)buf, len, PMODEL_WRITE);
	if (step == PMODEL_STEP_RETIRE) {
		pmodel_count_add(x->pm, bytes_written, len);
		x->cs->polls = 0;
	}
	return step;
}

/* Descriptors are looked at if there are any: 0 is "none". */
static enum pmodel_step pmodel_exec_descriptor(struct pmodel_exec *x, u64 pointer, size_t size)
{
	u8 desc[DESC_SIZE];
	u64 va = pointer & DESC_ADDR;

	if (!va)
		return PMODEL_STEP_RETIRE;
	return pmodel_exec_read(x, va, desc, min(size, sizeof(desc)));
}

static enum pmodel_step pmodel_exec_shader(struct pmodel_exec *x, u64 spd)
{
	enum pmodel_step step;
	u64 binary;

	if (!spd)
		return PMODEL_STEP_RETIRE;

	step = pmodel_exec_descriptor(x, spd, SPD_SIZE);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_exec_read(x, (spd & DESC_ADDR) + SPD_BINARY, &binary,
					sizeof(binary));
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_exec_touch(x, binary, SHADER_MIN, PMODEL_EXEC);
	return step;
}

/* The environment of a shader: resources, constants, code, local storage. */
static enum pmodel_step pmodel_exec_shader_env(struct pmodel_exec *x, u32 srt, u32 fau, u32 spd,
					       u32 tsd)
{
	const struct pmodel_cs *cs = x->cs;
	u64 fau_reg = pmodel_reg64(cs, SR_FAU(fau));
	enum pmodel_step step;

	step = pmodel_exec_shader(x, pmodel_reg64(cs, SR_SPD(spd)));
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_exec_descriptor(x, pmodel_reg64(cs, SR_SRT(srt)), 16);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_exec_descriptor(x, pmodel_reg64(cs, SR_TSD(tsd)), 32);
	if (step == PMODEL_STEP_RETIRE && FAU_COUNT(fau_reg))
		step = pmodel_exec_touch(x, fau_reg & FAU_ADDR,
					 FAU_COUNT(fau_reg) * sizeof(u64), PMODEL_READ);
	return step;
}

static enum pmodel_step exec_nop(struct pmodel_exec *x)
{
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_mov48(struct pmodel_exec *x)
{
	pmodel_set_reg64(x->cs, PMODEL_RD(x->insn), x->insn & GENMASK_ULL(47, 0));
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_mov32(struct pmodel_exec *x)
{
	x->cs->ctx.regs[PMODEL_RD(x->insn)] = lower_32_bits(x->insn);
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_add_imm32(struct pmodel_exec *x)
{
	u32 *regs = x->cs->ctx.regs;

	regs[PMODEL_RD(x->insn)] = regs[PMODEL_RA(x->insn)] + lower_32_bits(x->insn);
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_add_imm64(struct pmodel_exec *x)
{
	s64 imm = (s32)lower_32_bits(x->insn);

	pmodel_set_reg64(x->cs, PMODEL_RD(x->insn),
			 pmodel_reg64(x->cs, PMODEL_RA(x->insn)) + imm);
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_umin32(struct pmodel_exec *x)
{
	u32 *regs = x->cs->ctx.regs;

	regs[PMODEL_RD(x->insn)] = min(regs[PMODEL_RA(x->insn)], regs[PMODEL_RB(x->insn)]);
	return PMODEL_STEP_RETIRE;
}

/*
 * Next run of consecutive registers in a LOAD_MULTIPLE or STORE_MULTIPLE mask,
 * starting the search at bit @from. Returns its length, 0 if there is none.
 */
static u32 pmodel_mask_run(u32 mask, u32 from, u32 *first)
{
	mask = from < 16 ? mask >> from << from : 0;
	if (!mask)
		return 0;
	*first = __ffs(mask);
	return ffz(mask >> *first);
}

static void pmodel_note_load(struct pmodel_cs *cs, u64 va)
{
	cs->polls = va == cs->polled ? cs->polls + 1 : 0;
	cs->polled = va;
}

static enum pmodel_step exec_load_multiple(struct pmodel_exec *x)
{
	u64 va = pmodel_reg64(x->cs, PMODEL_RA(x->insn)) + PMODEL_OFFS16(x->insn);
	u32 mask = PMODEL_MASK16(x->insn), rd = PMODEL_RD(x->insn);
	u32 values[16], first = 0, n;

	if (rd + fls(mask) > PMODEL_REG_COUNT)
		return pmodel_exec_fatal(x, DRM_PANTHOR_EXCEPTION_CS_INSTR_INVALID, x->insn);

	for (n = 0; (n = pmodel_mask_run(mask, first + n, &first));) {
		enum pmodel_step step = pmodel_exec_read(x, va + first * sizeof(u32),
							 &values[first], n * sizeof(u32));

		if (step != PMODEL_STEP_RETIRE)
			return step;
	}

	/* Not before: the address may be among them. */
	for (n = 0; n < 16; n++) {
		if (mask & BIT(n))
			x->cs->ctx.regs[rd + n] = values[n];
	}
	pmodel_note_load(x->cs, va);
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_store_multiple(struct pmodel_exec *x)
{
	u64 va = pmodel_reg64(x->cs, PMODEL_RA(x->insn)) + PMODEL_OFFS16(x->insn);
	u32 mask = PMODEL_MASK16(x->insn), rd = PMODEL_RD(x->insn);
	u32 values[16], first = 0, n;
	enum pmodel_step step;

	if (rd + fls(mask) > PMODEL_REG_COUNT)
		return pmodel_exec_fatal(x, DRM_PANTHOR_EXCEPTION_CS_INSTR_INVALID, x->insn);

	/* More than one run, or a run in two pages: all or nothing. */
	for (n = 0; (n = pmodel_mask_run(mask, first + n, &first));) {
		step = pmodel_exec_touch(x, va + first * sizeof(u32), n * sizeof(u32),
					 PMODEL_WRITE);
		if (step != PMODEL_STEP_RETIRE)
			return step;
	}

	memcpy(values, &x->cs->ctx.regs[rd], fls(mask) * sizeof(u32));
	if (mask && atomic_read(&x->pm->inject.break_store))
		values[__ffs(mask)] ^= ~0u;

	for (n = 0, first = 0; (n = pmodel_mask_run(mask, first + n, &first));) {
		step = pmodel_exec_write(x, va + first * sizeof(u32), &values[first],
					 n * sizeof(u32));
		if (step != PMODEL_STEP_RETIRE)
			return step;
	}
	return PMODEL_STEP_RETIRE;
}

static bool pmodel_condition(u32 condition, s32 value)
{
	switch (condition) {
	case COND_LE:
		return value <= 0;
	case COND_GT:
		return value > 0;
	case COND_EQ:
		return value == 0;
	case COND_NE:
		return value != 0;
	case COND_LT:
		return value < 0;
	case COND_GE:
		return value >= 0;
	default:
		return condition == COND_ALWAYS;
	}
}

/* Offsets count instructions from the next one. The ring has no branches. */
static enum pmodel_step exec_branch(struct pmodel_exec *x)
{
	struct pmodel_cs_context *ctx = &x->cs->ctx;

	if (!ctx->depth)
		return pmodel_exec_fatal(x, DRM_PANTHOR_EXCEPTION_CS_INSTR_INVALID, x->insn);
	if (!pmodel_condition(BRANCH_CONDITION(x->insn), ctx->regs[PMODEL_RA(x->insn)]))
		return PMODEL_STEP_RETIRE;

	ctx->stack[ctx->depth - 1].pc += sizeof(u64) + PMODEL_OFFS16(x->insn) * (s64)sizeof(u64);
	return PMODEL_STEP_JUMPED;
}

static struct pmodel_frame pmodel_exec_target(const struct pmodel_exec *x)
{
	u64 va = pmodel_reg64(x->cs, PMODEL_RA(x->insn));

	return (struct pmodel_frame) {
		.pc = va,
		.end = va + x->cs->ctx.regs[PMODEL_RB(x->insn)],
	};
}

/* A CALL in the ring retires when the buffer ends, see pmodel_cs_return(). */
static enum pmodel_step exec_call(struct pmodel_exec *x)
{
	struct pmodel_cs_context *ctx = &x->cs->ctx;

	if (ctx->depth == PMODEL_CALL_DEPTH)
		return pmodel_exec_fatal(x, DRM_PANTHOR_EXCEPTION_CS_CALL_STACK_OVERFLOW,
					 pmodel_cs_pc(x->cs));
	if (ctx->depth)
		ctx->stack[ctx->depth - 1].pc += sizeof(u64);
	ctx->stack[ctx->depth++] = pmodel_exec_target(x);
	return PMODEL_STEP_JUMPED;
}

static enum pmodel_step exec_jump(struct pmodel_exec *x)
{
	struct pmodel_cs_context *ctx = &x->cs->ctx;

	if (!ctx->depth)
		return pmodel_exec_fatal(x, DRM_PANTHOR_EXCEPTION_CS_INSTR_INVALID, x->insn);
	ctx->stack[ctx->depth - 1] = pmodel_exec_target(x);
	return PMODEL_STEP_JUMPED;
}

static enum pmodel_step exec_set_exception_handler(struct pmodel_exec *x)
{
	if (HANDLER_TYPE(x->insn) == HANDLER_TILER_OOM)
		x->cs->ctx.oom_handler = pmodel_exec_target(x);
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_req_resource(struct pmodel_exec *x)
{
	x->cs->resources = x->insn & GENMASK(3, 0);
	return PMODEL_STEP_RETIRE;
}

/* Only if no flush has happened since the id in RA was read; 0 is "always". */
static enum pmodel_step exec_flush_cache2(struct pmodel_exec *x)
{
	u32 id = x->cs->ctx.regs[PMODEL_RA(x->insn)];

	if (!id || id == x->pm->gpu.flush_id)
		pmodel_gpu_flush(x->pm);
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_store_state(struct pmodel_exec *x)
{
	u64 va = pmodel_reg64(x->cs, PMODEL_RA(x->insn)) + PMODEL_OFFS16(x->insn);
	u64 value;

	switch (PMODEL_RB(x->insn)) {
	case STATE_TIMESTAMP:
	case STATE_CYCLE_COUNT:
		value = pmodel_now_ns(x->pm);
		break;
	case STATE_DISJOINT_COUNT:
		value = 0;
		break;
	case STATE_ERROR:
		value = x->cs->ctx.error;
		break;
	default:
		return pmodel_exec_fatal(x, DRM_PANTHOR_EXCEPTION_CS_INSTR_INVALID, x->insn);
	}
	return pmodel_exec_write(x, va, &value, sizeof(value));
}

static enum pmodel_step exec_progress_store(struct pmodel_exec *x)
{
	x->cs->ctx.progress = pmodel_reg64(x->cs, PMODEL_RA(x->insn));
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_progress_load(struct pmodel_exec *x)
{
	pmodel_set_reg64(x->cs, PMODEL_RD(x->insn), x->cs->ctx.progress);
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_error_barrier(struct pmodel_exec *x)
{
	x->cs->ctx.error = 0;
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_run_compute(struct pmodel_exec *x)
{
	u32 spd = SELECT_SPD(x->insn);

	if (!pmodel_reg64(x->cs, SR_SPD(spd)))
		return pmodel_exec_fault(x, DRM_PANTHOR_EXCEPTION_DATA_INVALID_FAULT,
					 pmodel_cs_pc(x->cs));
	return pmodel_exec_shader_env(x, SELECT_SRT(x->insn), SELECT_FAU(x->insn), spd,
				      SELECT_TSD(x->insn));
}

/* The position shader, the varying shader if there is one, the fragment shader. */
static enum pmodel_step pmodel_exec_draw_env(struct pmodel_exec *x, u32 flags)
{
	u64 insn = x->insn;
	enum pmodel_step step;

	step = pmodel_exec_shader_env(x, 0, 0, 0, 0);
	if (step == PMODEL_STEP_RETIRE && flags & DRAW_SECONDARY_SHADER)
		step = pmodel_exec_shader_env(x, insn & IDVS_VARYING_SRT ? 1 : 0,
					      insn & IDVS_VARYING_FAU ? 1 : 0, 1,
					      insn & IDVS_VARYING_TSD ? 1 : 0);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_exec_shader_env(x, insn & IDVS_FRAGMENT_SRT ? 2 : 0, 2, 2,
					      insn & IDVS_FRAGMENT_TSD ? 2 : 0);
	return step;
}

static enum pmodel_step exec_run_idvs(struct pmodel_exec *x)
{
	const struct pmodel_cs *cs = x->cs;
	u32 flags = cs->ctx.regs[SR_DRAW_FLAGS] | lower_32_bits(x->insn);
	u64 vertices = (u64)cs->ctx.regs[SR_INDEX_COUNT] *
		       max(cs->ctx.regs[SR_INSTANCE_COUNT], 1u);
	enum pmodel_step step;

	step = pmodel_exec_draw_env(x, flags);
	if (step == PMODEL_STEP_RETIRE && flags & DRAW_INDEX_TYPE)
		step = pmodel_exec_touch(x, pmodel_reg64(cs, SR_INDEX_BUFFER), 1, PMODEL_READ);
	if (step != PMODEL_STEP_RETIRE)
		return step;

	return pmodel_tiler_draw(x, pmodel_reg64(cs, SR_TILER_CTX) & DESC_ADDR,
				 vertices * VERTEX_BYTES);
}

static enum pmodel_step exec_run_tiling(struct pmodel_exec *x)
{
	return pmodel_exec_descriptor(x, pmodel_reg64(x->cs, SR_TILER_CTX), DESC_SIZE);
}

static enum pmodel_step exec_run_fragment(struct pmodel_exec *x)
{
	return pmodel_exec_descriptor(x, pmodel_reg64(x->cs, SR_FBD), DESC_SIZE);
}

static enum pmodel_step exec_run_fullscreen(struct pmodel_exec *x)
{
	enum pmodel_step step = exec_run_tiling(x);

	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_exec_descriptor(x, pmodel_reg64(x->cs, PMODEL_RA(x->insn)),
					      DESC_SIZE);
	return step;
}

static enum pmodel_step exec_finish_tiling(struct pmodel_exec *x)
{
	return pmodel_tiler_finish(x);
}

static enum pmodel_step exec_finish_fragment(struct pmodel_exec *x)
{
	return pmodel_tiler_finish_fragment(x, pmodel_reg64(x->cs, PMODEL_RA(x->insn)),
					    pmodel_reg64(x->cs, PMODEL_RB(x->insn)),
					    x->insn & 1);
}

static enum pmodel_step exec_heap_set(struct pmodel_exec *x)
{
	x->cs->ctx.heap = pmodel_reg64(x->cs, PMODEL_RA(x->insn));
	return PMODEL_STEP_RETIRE;
}

static enum pmodel_step exec_heap_operation(struct pmodel_exec *x)
{
	return pmodel_tiler_heap_operation(x, PMODEL_RB(x->insn) & 3);
}

#define WORK .skip_on_error = true

static const struct pmodel_insn pmodel_insns[] = {
	[0] = { "NOP", exec_nop },
	[1] = { "MOVE", exec_mov48, .rd = 2 },
	[2] = { "MOVE32", exec_mov32, .rd = 1 },
	[3] = { "WAIT", exec_nop },
	[4] = { "RUN_COMPUTE", exec_run_compute, WORK },
	[5] = { "RUN_TILING", exec_run_tiling, WORK },
	[6] = { "RUN_IDVS", exec_run_idvs, WORK },
	[7] = { "RUN_FRAGMENT", exec_run_fragment, WORK },
	[8] = { "RUN_FULLSCREEN", exec_run_fullscreen, .ra = 2, WORK },
	[9] = { "FINISH_TILING", exec_finish_tiling, WORK },
	[11] = { "FINISH_FRAGMENT", exec_finish_fragment, .ra = 2, .rb = 2, WORK },
	[16] = { "ADD_IMMEDIATE32", exec_add_imm32, .rd = 1, .ra = 1 },
	[17] = { "ADD_IMMEDIATE64", exec_add_imm64, .rd = 2, .ra = 2 },
	[18] = { "UMIN32", exec_umin32, .rd = 1, .ra = 1, .rb = 1 },
	[20] = { "LOAD_MULTIPLE", exec_load_multiple, .ra = 2, WORK },
	[21] = { "STORE_MULTIPLE", exec_store_multiple, .ra = 2, WORK },
	[22] = { "BRANCH", exec_branch, .ra = 1 },
	[23] = { "SET_SB_ENTRY", exec_nop },
	[24] = { "PROGRESS_WAIT", exec_nop },
	[25] = { "SET_EXCEPTION_HANDLER", exec_set_exception_handler, .ra = 2, .rb = 1 },
	[32] = { "CALL", exec_call, .ra = 2, .rb = 1, WORK },
	[33] = { "JUMP", exec_jump, .ra = 2, .rb = 1, WORK },
	[34] = { "REQ_RESOURCE", exec_req_resource },
	[36] = { "FLUSH_CACHE2", exec_flush_cache2, .ra = 1 },
	[37] = { "SYNC_ADD32", pmodel_exec_sync_add32, .ra = 2, .rb = 1 },
	[38] = { "SYNC_SET32", pmodel_exec_sync_set32, .ra = 2, .rb = 1 },
	[39] = { "SYNC_WAIT32", pmodel_exec_sync_wait32, .ra = 2, .rb = 1 },
	[40] = { "STORE_STATE", exec_store_state, .ra = 2 },
	[41] = { "PROT_REGION", exec_nop },
	[42] = { "PROGRESS_STORE", exec_progress_store, .ra = 2 },
	[43] = { "PROGRESS_LOAD", exec_progress_load, .rd = 2 },
	[44] = { "RUN_COMPUTE_INDIRECT", exec_run_compute, WORK },
	[47] = { "ERROR_BARRIER", exec_error_barrier },
	[48] = { "HEAP_SET", exec_heap_set, .ra = 2 },
	[49] = { "HEAP_OPERATION", exec_heap_operation, WORK },
	[50] = { "TRACE_POINT", exec_nop },
	[51] = { "SYNC_ADD64", pmodel_exec_sync_add64, .ra = 2, .rb = 2 },
	[52] = { "SYNC_SET64", pmodel_exec_sync_set64, .ra = 2, .rb = 2 },
	[53] = { "SYNC_WAIT64", pmodel_exec_sync_wait64, .ra = 2, .rb = 2 },
};

static const struct pmodel_insn *pmodel_insn_decode(u64 insn)
{
	const struct pmodel_insn *d;

	if (PMODEL_OP(insn) >= ARRAY_SIZE(pmodel_insns))
		return NULL;
	d = &pmodel_insns[PMODEL_OP(insn)];
	if (!d->exec ||
	    (d->rd && PMODEL_RD(insn) + d->rd > PMODEL_REG_COUNT) ||
	    (d->ra && PMODEL_RA(insn) + d->ra > PMODEL_REG_COUNT) ||
	    (d->rb && PMODEL_RB(insn) + d->rb > PMODEL_REG_COUNT))
		return NULL;
	return d;
}

/**
 * pmodel_insn_name() - Name of an instruction
 * @opcode: Bits 63:56 of the instruction.
 *
 * Context: Any.
 * Return: The mnemonic, NULL if there is no such instruction.
 */
const char *pmodel_insn_name(u32 opcode)
{
	return opcode < ARRAY_SIZE(pmodel_insns) ? pmodel_insns[opcode].name : NULL;
}

/**
 * pmodel_insn_exec() - Execute one instruction
 * @x: Instruction. @x->exception and @x->info are set with a FAULT or FATAL.
 *
 * Context: pmodel_csg::lock and pmodel::lock held. Does not sleep.
 * Return: What became of it.
 */
enum pmodel_step pmodel_insn_exec(struct pmodel_exec *x)
{
	const struct pmodel_insn *d = pmodel_insn_decode(x->insn);

	if (!d)
		return pmodel_exec_fatal(x, DRM_PANTHOR_EXCEPTION_CS_INSTR_INVALID, x->insn);
	if (d->skip_on_error && x->cs->ctx.error)
		return PMODEL_STEP_RETIRE;
	return d->exec(x);
}
