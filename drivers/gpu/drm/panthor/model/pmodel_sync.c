// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: the instructions that write and wait for synchronization
 * objects.
 *
 * An object is a sequence number of 32 or 64 bits, followed by a status word. The
 * status is written by an instruction that propagates errors, whether there is one
 * or not.
 */

#include "panthor_fw_regs.h"
#include "pmodel_insn.h"

/* Fields of 32-bit and 64-bit synchronization objects. */
#define SYNC32_STATUS		4
#define SYNC64_STATUS		8
#define SYNC_STATUS_NO_FAULT	0
#define SYNC_STATUS_FAULT	1
#define SYNC_PROPAGATE_ERROR	BIT_ULL(0)
#define SYNC_SCOPE(insn)		(((insn) >> 1) & 3)
#define SYNC_SCOPE_CSG		2
#define SYNC_REJECT_ERROR	BIT_ULL(0)
#define SYNC_CONDITION(insn)	(((insn) >> 28) & 0xf)
#define SYNC_CONDITION_GT	1

/* The streams that wait have to look again: those of the group, or all, and the CPU. */
static void pmodel_sync_wake(struct pmodel_exec *x)
{
	pmodel_count(x->pm, sync_updates);
	if (SYNC_SCOPE(x->insn) == SYNC_SCOPE_CSG) {
		set_bit(x->csg->index, &x->pm->attention);
	} else {
		x->csg->sync_update = true;
		atomic_inc(&x->pm->sync_seq);
	}
	pmodel_kick_streams(x->pm);
}

/* Write a synchronization object, and whether there was a fault if that is asked for. */
static enum pmodel_step pmodel_sync_write(struct pmodel_exec *x, u64 va, const void *value,
					  size_t len, u32 status_offset)
{
	u32 status = x->cs->ctx.error ? SYNC_STATUS_FAULT : SYNC_STATUS_NO_FAULT;
	enum pmodel_step step;

	if (x->insn & SYNC_PROPAGATE_ERROR) {
		step = pmodel_exec_touch(x, va, status_offset + sizeof(status), PMODEL_WRITE);
		if (step == PMODEL_STEP_RETIRE)
			step = pmodel_exec_write(x, va + status_offset, &status, sizeof(status));
		if (step != PMODEL_STEP_RETIRE)
			return step;
	}

	step = pmodel_exec_write(x, va, value, len);
	if (step != PMODEL_STEP_RETIRE)
		return step;

	pmodel_sync_wake(x);
	return PMODEL_STEP_RETIRE;
}

/**
 * pmodel_exec_sync_set32() - Execute SYNC_SET32
 * @x: Instruction.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: What the instruction has to return.
 */
enum pmodel_step pmodel_exec_sync_set32(struct pmodel_exec *x)
{
	u32 value = x->cs->ctx.regs[PMODEL_RB(x->insn)];

	return pmodel_sync_write(x, pmodel_reg64(x->cs, PMODEL_RA(x->insn)), &value,
				 sizeof(value), SYNC32_STATUS);
}

/**
 * pmodel_exec_sync_add32() - Execute SYNC_ADD32
 * @x: Instruction.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: What the instruction has to return.
 */
enum pmodel_step pmodel_exec_sync_add32(struct pmodel_exec *x)
{
	u64 va = pmodel_reg64(x->cs, PMODEL_RA(x->insn));
	enum pmodel_step step;
	u32 value;

	step = pmodel_exec_read(x, va, &value, sizeof(value));
	if (step != PMODEL_STEP_RETIRE)
		return step;
	value += x->cs->ctx.regs[PMODEL_RB(x->insn)];
	return pmodel_sync_write(x, va, &value, sizeof(value), SYNC32_STATUS);
}

/**
 * pmodel_exec_sync_set64() - Execute SYNC_SET64
 * @x: Instruction.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: What the instruction has to return.
 */
enum pmodel_step pmodel_exec_sync_set64(struct pmodel_exec *x)
{
	u64 value = pmodel_reg64(x->cs, PMODEL_RB(x->insn));

	return pmodel_sync_write(x, pmodel_reg64(x->cs, PMODEL_RA(x->insn)), &value,
				 sizeof(value), SYNC64_STATUS);
}

/**
 * pmodel_exec_sync_add64() - Execute SYNC_ADD64
 * @x: Instruction.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: What the instruction has to return.
 */
enum pmodel_step pmodel_exec_sync_add64(struct pmodel_exec *x)
{
	u64 va = pmodel_reg64(x->cs, PMODEL_RA(x->insn));
	enum pmodel_step step;
	u64 value;

	step = pmodel_exec_read(x, va, &value, sizeof(value));
	if (step != PMODEL_STEP_RETIRE)
		return step;
	value += pmodel_reg64(x->cs, PMODEL_RB(x->insn));
	return pmodel_sync_write(x, va, &value, sizeof(value), SYNC64_STATUS);
}

static enum pmodel_step pmodel_sync_wait(struct pmodel_exec *x, u64 reference, u32 size_flag,
					 u32 status_offset)
{
	struct pmodel_cs *cs = x->cs;
	bool gt = SYNC_CONDITION(x->insn) == SYNC_CONDITION_GT;
	size_t size = size_flag ? sizeof(u64) : sizeof(u32);
	enum pmodel_step step;
	u32 status = 0;
	u64 value = 0;

	cs->wait_ptr = pmodel_reg64(cs, PMODEL_RA(x->insn));
	cs->wait_value = reference;
	cs->wait_flags = CS_STATUS_WAIT_SYNC | size_flag |
			 (gt ? CS_STATUS_WAIT_SYNC_COND_GT : CS_STATUS_WAIT_SYNC_COND_LE);

	step = pmodel_exec_read(x, cs->wait_ptr, &value, size);
	if (step != PMODEL_STEP_RETIRE)
		return step;
	if (gt ? value <= reference : value > reference)
		return PMODEL_STEP_BLOCK;
	cs->wait_flags = 0;

	if (!(x->insn & SYNC_REJECT_ERROR))
		return PMODEL_STEP_RETIRE;
	step = pmodel_exec_read(x, cs->wait_ptr + status_offset, &status, sizeof(status));
	if (step == PMODEL_STEP_RETIRE && status)
		return pmodel_exec_fault(x, DRM_PANTHOR_EXCEPTION_CS_INHERIT_FAULT, cs->wait_ptr);
	return step;
}

/**
 * pmodel_exec_sync_wait32() - Execute SYNC_WAIT32
 * @x: Instruction.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: What the instruction has to return.
 */
enum pmodel_step pmodel_exec_sync_wait32(struct pmodel_exec *x)
{
	return pmodel_sync_wait(x, x->cs->ctx.regs[PMODEL_RB(x->insn)], 0, SYNC32_STATUS);
}

/**
 * pmodel_exec_sync_wait64() - Execute SYNC_WAIT64
 * @x: Instruction.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: What the instruction has to return.
 */
enum pmodel_step pmodel_exec_sync_wait64(struct pmodel_exec *x)
{
	return pmodel_sync_wait(x, pmodel_reg64(x->cs, PMODEL_RB(x->insn)),
				CS_STATUS_WAIT_SYNC_64B, SYNC64_STATUS);
}
