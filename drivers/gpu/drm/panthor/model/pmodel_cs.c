// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: command streams.
 *
 * A stream executes instructions of its ring, which is in the memory of the
 * group; its positions are in memory of the MCU. CALL executes a buffer; the
 * CALL in the ring retires, and the extract position moves past it, when the
 * buffer ends. By the extract position the driver knows which job a fault is
 * about.
 *
 * After a recoverable fault the called buffers are left, and the stream waits
 * until the driver has acknowledged. Then it goes on in the ring; what would do
 * work is skipped up to the next ERROR_BARRIER. After a fatal fault it is over.
 */

#include <linux/math64.h>

#include "panthor_fw_regs.h"
#include "pmodel_insn.h"

/* Instructions a stream may execute before it is another one's turn. */
#define BATCH_MAX	64

/*
 * Instructions executed under one hold of pmodel::lock. Taking a lock costs more
 * than an instruction does where lockdep looks on; register accesses wait for
 * the lock with interrupts disabled.
 */
#define SLICE_MAX	16

/*
 * Loads from one address, with nothing written in between, that make a stream one
 * that polls. It would keep a processor from those who write what it waits for.
 */
#define POLLS_MAX	64

/**
 * pmodel_cs_pc() - Address of the next instruction of a stream
 * @cs: Stream.
 *
 * Context: pmodel_csg::lock held.
 * Return: The address in the address space of the group.
 */
u64 pmodel_cs_pc(const struct pmodel_cs *cs)
{
	if (cs->ctx.depth)
		return cs->ctx.stack[cs->ctx.depth - 1].pc;
	return cs->ring_base + (cs->extract & (cs->ring_size - 1));
}

/**
 * pmodel_cs_sync_passed() - Tell whether a blocked stream could go on
 * @pm: Model.
 * @csg: Slot.
 * @cs: Stream in state PMODEL_CS_BLOCKED.
 *
 * Context: pmodel_csg::lock and pmodel::lock held. Does not sleep.
 * Return: True if the object it waits for has the value it waits for.
 */
bool pmodel_cs_sync_passed(struct pmodel *pm, struct pmodel_csg *csg, struct pmodel_cs *cs)
{
	size_t size = cs->wait_flags & CS_STATUS_WAIT_SYNC_64B ? sizeof(u64) : sizeof(u32);
	u32 condition = cs->wait_flags & CS_STATUS_WAIT_SYNC_COND_MASK;
	u64 value = 0;

	if (pmodel_access(pm, csg->as, cs->wait_ptr, &value, size, PMODEL_READ))
		return false;
	return condition == CS_STATUS_WAIT_SYNC_COND_GT ? value > cs->wait_value :
							  value <= cs->wait_value;
}

static void pmodel_cs_advance_ring(struct pmodel *pm, struct pmodel_cs *cs)
{
	cs->extract += sizeof(u64);
	pmodel_mcu_write_locked(pm, cs->ring_out +
				offsetof(struct panthor_fw_ringbuf_output_iface, extract),
				&cs->extract, sizeof(cs->extract));
}

/* Leave the buffers that have ended. */
static void pmodel_cs_return(struct pmodel *pm, struct pmodel_cs *cs)
{
	struct pmodel_cs_context *ctx = &cs->ctx;

	while (ctx->depth && ctx->stack[ctx->depth - 1].pc >= ctx->stack[ctx->depth - 1].end) {
		if (!--ctx->depth) {
			pmodel_count(pm, jobs);
			pmodel_cs_advance_ring(pm, cs);
		}
	}
}

static bool pmodel_cs_ring_empty(struct pmodel *pm, struct pmodel_cs *cs)
{
	if (cs->ctx.depth || cs->extract < cs->insert)
		return false;
	pmodel_mcu_read_locked(pm, cs->ring_in +
			       offsetof(struct panthor_fw_ringbuf_input_iface, insert),
			       &cs->insert, sizeof(cs->insert));
	return cs->extract >= cs->insert;
}

/* Execute one instruction, if there is one. */
static enum pmodel_step pmodel_cs_step(struct pmodel_exec *x)
{
	struct pmodel *pm = x->pm;
	struct pmodel_cs *cs = x->cs;
	enum pmodel_step step;
	u64 pc;

	if (!pmodel_csg_alive(pm, x->csg))
		return PMODEL_STEP_STALL;

	pmodel_cs_return(pm, cs);
	if (pmodel_cs_ring_empty(pm, cs))
		return PMODEL_STEP_EMPTY;

	pc = pmodel_cs_pc(cs);
	switch (pmodel_access(pm, x->csg->as, pc, &x->insn, sizeof(x->insn), PMODEL_READ)) {
	case 0:
		break;
	case -EAGAIN:
		return PMODEL_STEP_STALL;
	default:
		x->exception = DRM_PANTHOR_EXCEPTION_CS_BUS_FAULT;
		x->info = pc;
		return PMODEL_STEP_FATAL;
	}

	step = pmodel_insn_exec(x);
	if (step == PMODEL_STEP_RETIRE || step == PMODEL_STEP_JUMPED)
		pmodel_count(pm, instructions);
	if (step == PMODEL_STEP_RETIRE) {
		if (cs->ctx.depth)
			cs->ctx.stack[cs->ctx.depth - 1].pc += sizeof(u64);
		else
			pmodel_cs_advance_ring(pm, cs);
	} else if (step == PMODEL_STEP_FAULT) {
		cs->ctx.depth = 0;
		cs->ctx.tiler_busy = 0;
		pmodel_cs_advance_ring(pm, cs);
	}
	return step;
}

static void pmodel_cs_exception(struct pmodel *pm, struct pmodel_cs *cs,
				const struct pmodel_exec *x, u32 event)
{
	cs->events |= event;
	cs->exception = x->exception;
	cs->exception_info = x->info;
	pmodel_count(pm, faults);
}

static void pmodel_cs_wait_ack(struct pmodel_cs *cs, u32 event)
{
	cs->state = PMODEL_CS_WAIT_ACK;
	cs->wait_ack = event;
}

/* What a step means for the stream. Returns whether to go on with the batch. */
static bool pmodel_cs_stepped(struct pmodel_exec *x, enum pmodel_step step)
{
	struct pmodel_cs *cs = x->cs;

	switch (step) {
	case PMODEL_STEP_RETIRE:
	case PMODEL_STEP_JUMPED:
	case PMODEL_STEP_AGAIN:
		x->csg->idle_sent = false;
		return true;
	case PMODEL_STEP_STALL:
		cs->state = PMODEL_CS_STALLED;
		return false;
	case PMODEL_STEP_EMPTY:
		cs->state = PMODEL_CS_EMPTY;
		return false;
	case PMODEL_STEP_BLOCK:
		cs->state = PMODEL_CS_BLOCKED;
		return false;
	case PMODEL_STEP_OOM:
		cs->events |= CS_TILER_OOM;
		pmodel_count(x->pm, tiler_ooms);
		pmodel_cs_wait_ack(cs, CS_TILER_OOM);
		return false;
	case PMODEL_STEP_FAULT:
		pmodel_cs_exception(x->pm, cs, x, CS_FAULT);
		cs->ctx.error = x->exception;
		pmodel_cs_wait_ack(cs, CS_FAULT);
		return false;
	default:
		pmodel_cs_exception(x->pm, cs, x, CS_FATAL);
		cs->state = PMODEL_CS_DEAD;
		return false;
	}
}

static u32 pmodel_batch_size(struct pmodel *pm)
{
	if (!pm->deterministic)
		return BATCH_MAX;
	return 1 + prandom_u32_state(&pm->rnd) % BATCH_MAX;
}

/* Some instructions under one hold of the lock. Returns whether to go on. */
static bool pmodel_cs_slice(struct pmodel_exec *x, u32 count)
{
	struct pmodel_recent recent;
	bool go_on = true;

	recent.used = 0;
	guard(raw_spinlock_irqsave)(&x->pm->lock);

	x->pm->recent = &recent;
	while (go_on && count--)
		go_on = pmodel_cs_stepped(x, pmodel_cs_step(x));
	x->pm->recent = NULL;
	return go_on;
}

static void pmodel_cs_batch(struct pmodel *pm, struct pmodel_csg *csg, u32 c)
{
	struct pmodel_exec x = { .pm = pm, .csg = csg, .cs = &csg->cs[c] };
	u32 left = pmodel_batch_size(pm);

	while (left) {
		u32 count = min_t(u32, left, SLICE_MAX);

		if (!pmodel_cs_slice(&x, count))
			break;
		left -= count;
	}

	pmodel_cs_report(pm, csg, c);
	if (csg->sync_update) {
		csg->sync_update = false;
		pmodel_csg_event(pm, csg, CSG_SYNC_UPDATE);
	}
}

/* Let streams look again at what they wait for, if it may have changed. */
static void pmodel_csg_wake(struct pmodel *pm, struct pmodel_csg *csg)
{
	bool look = test_and_clear_bit(csg->index, &pm->attention);
	int seq = atomic_read(&pm->sync_seq);
	bool synced = seq != csg->sync_seen;
	u32 c;

	csg->sync_seen = seq;
	for (c = 0; c < PMODEL_CS_COUNT; c++) {
		struct pmodel_cs *cs = &csg->cs[c];

		if (cs->state == PMODEL_CS_STALLED ||
		    (cs->state == PMODEL_CS_EMPTY && look) ||
		    (cs->state == PMODEL_CS_BLOCKED && (look || synced)))
			cs->state = PMODEL_CS_READY;
	}
}

static int pmodel_csg_pick(struct pmodel_csg *csg)
{
	u32 i;

	for (i = 0; i < PMODEL_CS_COUNT; i++) {
		u32 c = (csg->next + i) % PMODEL_CS_COUNT;

		if (csg->cs[c].state == PMODEL_CS_READY) {
			csg->next = c + 1;
			return c;
		}
	}
	return -1;
}

static enum pmodel_run pmodel_csg_outlook(const struct pmodel_csg *csg, bool *idle)
{
	enum pmodel_run run = PMODEL_RUN_IDLE;
	u32 c;

	*idle = true;
	for (c = 0; c < PMODEL_CS_COUNT; c++) {
		switch (csg->cs[c].state) {
		case PMODEL_CS_READY:
			*idle = false;
			run = max(run, csg->cs[c].polls < POLLS_MAX ? PMODEL_RUN_BUSY :
								      PMODEL_RUN_STALLED);
			break;
		case PMODEL_CS_STALLED:
			*idle = false;
			run = max(run, PMODEL_RUN_STALLED);
			break;
		case PMODEL_CS_WAIT_ACK:
			*idle = false;
			break;
		default:
			break;
		}
	}
	return run;
}

/*
 * A group whose streams are empty or blocked is idle. The driver is told when
 * it becomes so, and again only after something has retired: a stream that
 * wakes up to find itself still blocked is no news.
 */
static void pmodel_csg_idle(struct pmodel *pm, struct pmodel_csg *csg, bool idle)
{
	if (!idle) {
		set_bit(csg->index, &pm->busy);
		return;
	}

	clear_bit(csg->index, &pm->busy);
	if (csg->idle_sent)
		return;
	csg->idle_sent = true;
	pmodel_csg_event(pm, csg, CSG_IDLE);
	atomic_set(&pm->idle_armed, 1);
	pmodel_kick_mcu(pm);
}

/**
 * pmodel_csg_run() - Execute a batch of instructions of a group
 * @pm: Model.
 * @csg: Slot.
 *
 * Context: Stream thread. Takes pmodel_csg::lock and pmodel::lock. Does not
 * sleep.
 * Return: Whether there is more to execute.
 */
enum pmodel_run pmodel_csg_run(struct pmodel *pm, struct pmodel_csg *csg)
{
	enum pmodel_run run;
	bool idle;
	int c;

	guard(raw_spinlock)(&csg->lock);

	if (!pmodel_csg_alive(pm, csg)) {
		clear_bit(csg->index, &pm->busy);
		return PMODEL_RUN_IDLE;
	}

	pmodel_csg_wake(pm, csg);
	c = pmodel_csg_pick(csg);
	if (c >= 0)
		pmodel_cs_batch(pm, csg, c);

	run = pmodel_csg_outlook(csg, &idle);
	pmodel_csg_idle(pm, csg, idle);
	return run;
}

/**
 * pmodel_streams_run() - Execute a batch of instructions of each group
 * @pm: Model.
 *
 * Context: Stream thread. Takes the locks of group slots and pmodel::lock. Does
 * not sleep.
 * Return: Whether there is more to execute.
 */
enum pmodel_run pmodel_streams_run(struct pmodel *pm)
{
	u32 first = pm->deterministic ? prandom_u32_state(&pm->rnd) % PMODEL_CSG_COUNT : 0;
	enum pmodel_run run = PMODEL_RUN_IDLE;
	u32 i;

	for (i = 0; i < PMODEL_CSG_COUNT; i++)
		run = max(run, pmodel_csg_run(pm, &pm->csg[(first + i) % PMODEL_CSG_COUNT]));
	return run;
}
