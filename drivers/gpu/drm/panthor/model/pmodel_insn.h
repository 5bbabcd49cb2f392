/* SPDX-License-Identifier: GPL-2.0 or MIT */

/* Software Mali CSF GPU: what the files of the command-stream interpreter share. */

#ifndef __PMODEL_INSN_H__
#define __PMODEL_INSN_H__

#include <linux/types.h>
#include <linux/wordpart.h>

#include "pmodel_internal.h"

/**
 * enum pmodel_step - What became of one instruction
 * @PMODEL_STEP_RETIRE: Done, go to the next.
 * @PMODEL_STEP_JUMPED: Done, and it set the program counter itself.
 * @PMODEL_STEP_AGAIN: Part of it is done, execute it again.
 * @PMODEL_STEP_STALL: No effect yet: memory it needs is locked, or the heap
 * is waiting for a fragment job.
 * @PMODEL_STEP_BLOCK: It waits for a synchronization object.
 * @PMODEL_STEP_OOM: It waits for a heap chunk from the driver.
 * @PMODEL_STEP_EMPTY: There was none in the ring.
 * @PMODEL_STEP_FAULT: Recoverable fault.
 * @PMODEL_STEP_FATAL: Fatal fault.
 */
enum pmodel_step {
	PMODEL_STEP_RETIRE,
	PMODEL_STEP_JUMPED,
	PMODEL_STEP_AGAIN,
	PMODEL_STEP_STALL,
	PMODEL_STEP_BLOCK,
	PMODEL_STEP_OOM,
	PMODEL_STEP_EMPTY,
	PMODEL_STEP_FAULT,
	PMODEL_STEP_FATAL,
};

/**
 * struct pmodel_exec - An instruction in execution
 */
struct pmodel_exec {
	/** @pm: Model. */
	struct pmodel *pm;
	/** @csg: Group slot, its lock and pmodel::lock held. */
	struct pmodel_csg *csg;
	/** @cs: Stream. */
	struct pmodel_cs *cs;
	/** @insn: Instruction word. */
	u64 insn;
	/** @exception: Exception type when the step is FAULT or FATAL. */
	u32 exception;
	/** @info: Its address or argument. */
	u64 info;
};

#define PMODEL_OP(insn)		((u32)((insn) >> 56))
#define PMODEL_RD(insn)		((u32)((insn) >> 48) & 0xff)
#define PMODEL_RA(insn)		((u32)((insn) >> 40) & 0xff)
#define PMODEL_RB(insn)		((u32)((insn) >> 32) & 0xff)
#define PMODEL_MASK16(insn)	((u32)((insn) >> 16) & 0xffff)
#define PMODEL_OFFS16(insn)	((s16)(insn))

/* pmodel_insn.c */
enum pmodel_step pmodel_insn_exec(struct pmodel_exec *x);
enum pmodel_step pmodel_exec_read(struct pmodel_exec *x, u64 va, void *buf, size_t len);
enum pmodel_step pmodel_exec_write(struct pmodel_exec *x, u64 va, const void *buf, size_t len);
enum pmodel_step pmodel_exec_touch(struct pmodel_exec *x, u64 va, size_t len,
				   enum pmodel_access access);
enum pmodel_step pmodel_exec_fault(struct pmodel_exec *x, u32 exception, u64 info);
enum pmodel_step pmodel_exec_fatal(struct pmodel_exec *x, u32 exception, u64 info);

/* pmodel_sync.c */
enum pmodel_step pmodel_exec_sync_set32(struct pmodel_exec *x);
enum pmodel_step pmodel_exec_sync_add32(struct pmodel_exec *x);
enum pmodel_step pmodel_exec_sync_wait32(struct pmodel_exec *x);
enum pmodel_step pmodel_exec_sync_set64(struct pmodel_exec *x);
enum pmodel_step pmodel_exec_sync_add64(struct pmodel_exec *x);
enum pmodel_step pmodel_exec_sync_wait64(struct pmodel_exec *x);

/* pmodel_tiler.c */
enum pmodel_step pmodel_tiler_draw(struct pmodel_exec *x, u64 tiler, u64 bytes);
enum pmodel_step pmodel_tiler_finish(struct pmodel_exec *x);
enum pmodel_step pmodel_tiler_finish_fragment(struct pmodel_exec *x, u64 first, u64 last,
					      bool completed);
enum pmodel_step pmodel_tiler_heap_operation(struct pmodel_exec *x, u32 operation);
static inline u64 pmodel_reg64(const struct pmodel_cs *cs, u32 r)
{
	return cs->ctx.regs[r] | (u64)cs->ctx.regs[r + 1] << 32;
}

static inline void pmodel_set_reg64(struct pmodel_cs *cs, u32 r, u64 value)
{
	cs->ctx.regs[r] = lower_32_bits(value);
	cs->ctx.regs[r + 1] = upper_32_bits(value);
}

#endif
