// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: group slots.
 *
 * A slot looks at the requests of its streams when the driver toggles their
 * doorbell bits, with one exception: starting or resuming a group starts each
 * stream whose request says CS_STATE_START, whether or not its doorbell bit was
 * acknowledged before.
 */

#include "panthor_fw_regs.h"
#include "pmodel_internal.h"

#define CONFIG_AS_MASK		GENMASK(3, 0)
#define CONFIG_DOORBELL(v)	(((v) >> 8) & 0xff)
#define RING_SIZE_MIN		SZ_4K

static void pmodel_csg_irq(struct pmodel *pm, const struct pmodel_csg *csg)
{
	guard(raw_spinlock_irqsave)(&pm->lock);
	pmodel_irq_raise(pm, PMODEL_LINE_JOB, JOB_INT_CSG_IF(csg->index));
}

/**
 * pmodel_csg_alive() - Tell whether the streams of a slot may execute
 * @pm: Model.
 * @csg: Slot.
 *
 * Context: pmodel_csg::lock held. If pmodel::lock is held too, the answer stays
 * true until it is released.
 * Return: True if a group was started since the last reset, the MCU runs, and the
 * L2 has power.
 */
bool pmodel_csg_alive(struct pmodel *pm, struct pmodel_csg *csg)
{
	return csg->running && csg->epoch == READ_ONCE(pm->epoch) &&
	       READ_ONCE(pm->mcu.status) == MCU_STATUS_ENABLED &&
	       READ_ONCE(pm->gpu.l2_ready) && !atomic_read(&pm->inject.mcu_hang);
}

/**
 * pmodel_csg_event() - Send an event of the group to the driver
 * @pm: Model.
 * @csg: Slot.
 * @event: One of CSG_EVT_MASK.
 *
 * If the driver has not acknowledged the last one, this is the same event and
 * the driver has yet to look.
 *
 * Context: pmodel_csg::lock held. Takes pmodel::lock. Does not sleep.
 */
void pmodel_csg_event(struct pmodel *pm, struct pmodel_csg *csg, u32 event)
{
	u32 g = csg->index, req, ack;

	lockdep_assert_held(&csg->lock);

	/* What the event is about must be visible before it can be merged. */
	smp_mb();

	req = pmodel_iface_read(pm, PMODEL_CSG_IN_FIELD(g, req));
	ack = pmodel_iface_read(pm, PMODEL_CSG_OUT_FIELD(g, ack));
	if ((req ^ ack) & event)
		return;
	pmodel_iface_write(pm, PMODEL_CSG_OUT_FIELD(g, ack), ack ^ event);
	if (pmodel_iface_read(pm, PMODEL_CSG_IN_FIELD(g, ack_irq_mask)) & event)
		pmodel_csg_irq(pm, csg);
}

static void pmodel_cs_write_exception(struct pmodel *pm, struct pmodel_csg *csg, u32 c)
{
	const struct pmodel_cs *cs = &csg->cs[c];
	u32 g = csg->index;

	if (cs->events & CS_FATAL) {
		pmodel_iface_write(pm, PMODEL_CS_OUT_FIELD(g, c, fatal), cs->exception);
		pmodel_mcu_write(pm, PMODEL_SHARED_VA + PMODEL_CS_OUT_FIELD(g, c, fatal_info),
				 &cs->exception_info, sizeof(cs->exception_info));
	}
	if (cs->events & CS_FAULT) {
		pmodel_iface_write(pm, PMODEL_CS_OUT_FIELD(g, c, fault), cs->exception);
		pmodel_mcu_write(pm, PMODEL_SHARED_VA + PMODEL_CS_OUT_FIELD(g, c, fault_info),
				 &cs->exception_info, sizeof(cs->exception_info));
	}
	if (cs->events & CS_TILER_OOM)
		pmodel_tiler_report(pm, csg, c);
}

/**
 * pmodel_cs_report() - Send the events of a stream to the driver
 * @pm: Model.
 * @csg: Slot.
 * @c: Index of the stream; its pmodel_cs::events are consumed.
 *
 * Context: pmodel_csg::lock held. Takes pmodel::lock. Does not sleep.
 */
void pmodel_cs_report(struct pmodel *pm, struct pmodel_csg *csg, u32 c)
{
	struct pmodel_cs *cs = &csg->cs[c];
	u32 g = csg->index, req, ack, irq;

	lockdep_assert_held(&csg->lock);

	if (!cs->events)
		return;

	pmodel_cs_write_exception(pm, csg, c);

	req = pmodel_iface_read(pm, PMODEL_CS_IN_FIELD(g, c, req));
	ack = pmodel_iface_read(pm, PMODEL_CS_OUT_FIELD(g, c, ack));
	pmodel_iface_write(pm, PMODEL_CS_OUT_FIELD(g, c, ack),
			   (ack & ~cs->events) | (~req & cs->events));

	irq = pmodel_iface_read(pm, PMODEL_CSG_OUT_FIELD(g, cs_irq_req)) & ~BIT(c);
	irq |= ~pmodel_iface_read(pm, PMODEL_CSG_IN_FIELD(g, cs_irq_ack)) & BIT(c);
	pmodel_iface_write(pm, PMODEL_CSG_OUT_FIELD(g, cs_irq_req), irq);

	cs->events = 0;
	pmodel_csg_irq(pm, csg);
}

static void pmodel_cs_fatal(struct pmodel *pm, struct pmodel_csg *csg, u32 c, u32 exception)
{
	struct pmodel_cs *cs = &csg->cs[c];

	cs->state = PMODEL_CS_DEAD;
	cs->events |= CS_FATAL;
	cs->exception = exception;
	cs->exception_info = 0;
	pmodel_count(pm, faults);
	pmodel_cs_report(pm, csg, c);
}

static bool pmodel_cs_ring_valid(const struct panthor_fw_cs_input_iface *in)
{
	return in->ringbuf_base && in->ringbuf_input && in->ringbuf_output &&
	       is_power_of_2(in->ringbuf_size) && in->ringbuf_size >= RING_SIZE_MIN;
}

static u64 pmodel_cs_save_va(u64 suspend_buf, u32 c)
{
	return suspend_buf + c * sizeof(struct pmodel_cs_context);
}

static bool pmodel_cs_restore(struct pmodel *pm, struct pmodel_cs *cs, u64 va)
{
	if (pmodel_mcu_read(pm, va, &cs->ctx, sizeof(cs->ctx)))
		return false;
	return cs->ctx.magic == PMODEL_CS_CONTEXT_MAGIC && cs->ctx.depth <= PMODEL_CALL_DEPTH;
}

static void pmodel_cs_start(struct pmodel *pm, struct pmodel_csg *csg, u32 c, u64 saved)
{
	struct panthor_fw_ringbuf_input_iface ring;
	struct panthor_fw_cs_input_iface in;
	struct pmodel_cs *cs = &csg->cs[c];
	u32 g = csg->index;

	memset(cs, 0, sizeof(*cs));
	cs->ctx.magic = PMODEL_CS_CONTEXT_MAGIC;

	pmodel_mcu_read(pm, PMODEL_SHARED_VA + PMODEL_CS_IN(g, c), &in, sizeof(in));
	if ((in.req & CS_STATE_MASK) != CS_STATE_START)
		return;

	/* Events of who used the slot before are nobody's any more. */
	pmodel_iface_write(pm, PMODEL_CS_OUT_FIELD(g, c, ack), in.req);

	if (!pmodel_cs_ring_valid(&in)) {
		pmodel_cs_fatal(pm, csg, c, DRM_PANTHOR_EXCEPTION_CS_CONFIG_FAULT);
		return;
	}
	if (saved && !pmodel_cs_restore(pm, cs, saved)) {
		pmodel_cs_fatal(pm, csg, c, DRM_PANTHOR_EXCEPTION_CSF_FW_INTERNAL_ERROR);
		return;
	}

	cs->ring_base = in.ringbuf_base;
	cs->ring_size = in.ringbuf_size;
	cs->ring_in = in.ringbuf_input;
	cs->ring_out = in.ringbuf_output;
	pmodel_mcu_read(pm, cs->ring_in, &ring, sizeof(ring));
	cs->insert = ring.insert;
	cs->extract = ring.extract;
	cs->state = PMODEL_CS_READY;
	csg->doorbells |= BIT(CONFIG_DOORBELL(in.config) % 32);
}

static void pmodel_csg_start(struct pmodel *pm, struct pmodel_csg *csg, bool resume)
{
	u32 g = csg->index, c;
	u64 suspend_buf = 0;

	if (resume) {
		pmodel_mcu_read(pm, PMODEL_SHARED_VA + PMODEL_CSG_IN_FIELD(g, suspend_buf),
				&suspend_buf, sizeof(suspend_buf));
		pmodel_count(pm, csg_resumes);
	} else {
		pmodel_count(pm, csg_starts);
	}

	csg->as = pmodel_iface_read(pm, PMODEL_CSG_IN_FIELD(g, config)) & CONFIG_AS_MASK;
	csg->doorbells = 0;
	csg->idle_sent = false;
	csg->sync_update = false;
	csg->epoch = READ_ONCE(pm->epoch);
	for (c = 0; c < PMODEL_CS_COUNT; c++)
		pmodel_cs_start(pm, csg, c,
				suspend_buf ? pmodel_cs_save_va(suspend_buf, c) : 0);

	csg->running = true;
	set_bit(csg->index, &pm->busy);
	set_bit(csg->index, &pm->attention);
	pmodel_kick_streams(pm);
}

static u32 pmodel_cs_blocked_reason(struct pmodel *pm, struct pmodel_csg *csg,
				    struct pmodel_cs *cs)
{
	if (cs->state != PMODEL_CS_BLOCKED)
		return CS_STATUS_BLOCKED_REASON_UNBLOCKED;

	/*
	 * The driver waits for the next event if it reads "blocked". If the
	 * event has been sent, only the value tells.
	 */
	scoped_guard(raw_spinlock_irqsave, &pm->lock) {
		if (pmodel_cs_sync_passed(pm, csg, cs))
			return CS_STATUS_BLOCKED_REASON_UNBLOCKED;
	}
	return CS_STATUS_BLOCKED_REASON_SYNC_WAIT;
}

/* Fills in the status of a stream. Returns whether it has nothing to do. */
static bool pmodel_cs_status(struct pmodel *pm, struct pmodel_csg *csg, u32 c)
{
	struct pmodel_cs *cs = &csg->cs[c];
	u32 base = PMODEL_CS_OUT(csg->index, c);
	struct panthor_fw_cs_output_iface out;
	u64 insert = 0;

	if (cs->state == PMODEL_CS_OFF)
		return true;

	pmodel_mcu_read(pm, PMODEL_SHARED_VA + base, &out, sizeof(out));
	out.status_cmd_ptr = pmodel_cs_pc(cs);
	out.status_blocked_reason = pmodel_cs_blocked_reason(pm, csg, cs);
	out.status_wait = cs->wait_flags;
	out.status_req_resource = cs->resources;
	out.status_wait_sync_ptr = cs->wait_ptr;
	out.status_wait_sync_value = lower_32_bits(cs->wait_value);
	out.status_wait_sync_value_hi = upper_32_bits(cs->wait_value);
	out.status_scoreboards = 0;
	pmodel_mcu_write(pm, PMODEL_SHARED_VA + base, &out, sizeof(out));

	if (out.status_blocked_reason != CS_STATUS_BLOCKED_REASON_UNBLOCKED)
		return true;
	pmodel_mcu_read(pm, cs->ring_in, &insert, sizeof(insert));
	return insert == cs->extract;
}

static void pmodel_csg_status(struct pmodel *pm, struct pmodel_csg *csg)
{
	bool idle = true;
	u32 c;

	for (c = 0; c < PMODEL_CS_COUNT; c++)
		idle &= pmodel_cs_status(pm, csg, c);
	pmodel_iface_write(pm, PMODEL_CSG_OUT_FIELD(csg->index, status_state),
			   idle ? CSG_STATUS_STATE_IS_IDLE : 0);
}

static void pmodel_csg_save(struct pmodel *pm, struct pmodel_csg *csg)
{
	u64 suspend_buf;
	u32 c;

	pmodel_mcu_read(pm, PMODEL_SHARED_VA + PMODEL_CSG_IN_FIELD(csg->index, suspend_buf),
			&suspend_buf, sizeof(suspend_buf));
	for (c = 0; suspend_buf && c < PMODEL_CS_COUNT; c++)
		pmodel_mcu_write(pm, pmodel_cs_save_va(suspend_buf, c), &csg->cs[c].ctx,
				 sizeof(csg->cs[c].ctx));
}

static void pmodel_csg_stop(struct pmodel *pm, struct pmodel_csg *csg, bool suspend)
{
	u32 c, ack;

	if (suspend)
		pmodel_count(pm, csg_suspends);
	else
		pmodel_count(pm, csg_terminates);

	if (csg->running && csg->epoch == READ_ONCE(pm->epoch)) {
		pmodel_csg_status(pm, csg);
		if (suspend)
			pmodel_csg_save(pm, csg);
	}

	for (c = 0; c < PMODEL_CS_COUNT; c++) {
		if (csg->cs[c].state == PMODEL_CS_OFF)
			continue;
		csg->cs[c].state = PMODEL_CS_OFF;
		ack = pmodel_iface_read(pm, PMODEL_CS_OUT_FIELD(csg->index, c, ack));
		pmodel_iface_write(pm, PMODEL_CS_OUT_FIELD(csg->index, c, ack),
				   ack & ~CS_STATE_MASK);
	}
	csg->running = false;
	csg->doorbells = 0;
	clear_bit(csg->index, &pm->busy);
}

/*
 * What a firmware cannot do: run a group twice, suspend one that does not run, run
 * one in the address space of the MCU or in none, or reach a state there is not.
 */
static bool pmodel_csg_legal(struct pmodel *pm, struct pmodel_csg *csg, u32 state)
{
	u32 as;

	switch (state) {
	case CSG_STATE_START:
	case CSG_STATE_RESUME:
		as = pmodel_iface_read(pm, PMODEL_CSG_IN_FIELD(csg->index, config)) &
		     CONFIG_AS_MASK;
		return !csg->running && as != PMODEL_AS_MCU && as < PMODEL_AS_COUNT;
	case CSG_STATE_SUSPEND:
		return csg->running;
	case CSG_STATE_TERMINATE:
		return true;
	default:
		return false;
	}
}

/* Returns whether the MCU has survived it. */
static bool pmodel_csg_state(struct pmodel *pm, struct pmodel_csg *csg, u32 state)
{
	if (!pmodel_csg_legal(pm, csg, state)) {
		pmodel_count(pm, fw_asserts);
		scoped_guard(raw_spinlock_irqsave, &pm->lock)
			pmodel_mcu_crash(pm);
		return false;
	}

	switch (state) {
	case CSG_STATE_START:
		pmodel_csg_start(pm, csg, false);
		break;
	case CSG_STATE_RESUME:
		pmodel_csg_start(pm, csg, true);
		break;
	case CSG_STATE_SUSPEND:
		pmodel_csg_stop(pm, csg, true);
		break;
	default:
		pmodel_csg_stop(pm, csg, false);
		break;
	}
	return true;
}

/* The doorbell of one stream: look at what it is asked for. */
static void pmodel_cs_process(struct pmodel *pm, struct pmodel_csg *csg, u32 c)
{
	struct panthor_fw_cs_input_iface in;
	struct pmodel_cs *cs = &csg->cs[c];
	u32 g = csg->index, ack;

	if (cs->state == PMODEL_CS_OFF)
		return;

	pmodel_mcu_read(pm, PMODEL_SHARED_VA + PMODEL_CS_IN(g, c), &in, sizeof(in));
	ack = pmodel_iface_read(pm, PMODEL_CS_OUT_FIELD(g, c, ack));
	pmodel_iface_write(pm, PMODEL_CS_OUT_FIELD(g, c, ack),
			   (ack & CS_EVT_MASK) | (in.req & ~CS_EVT_MASK));

	if ((in.req & CS_STATE_MASK) == CS_STATE_STOP) {
		cs->state = PMODEL_CS_OFF;
		return;
	}
	if (cs->state == PMODEL_CS_WAIT_ACK && !((in.req ^ ack) & cs->wait_ack)) {
		if (cs->wait_ack == CS_TILER_OOM)
			pmodel_tiler_answer(cs, in.heap_start);
		cs->state = PMODEL_CS_READY;
	}
}

/* Whether the MCU hangs, or begins to with what is asked for. */
static bool pmodel_csg_hangs(struct pmodel *pm, u32 req, u32 ack)
{
	if ((req ^ ack) & CSG_STATE_MASK && (req & CSG_STATE_MASK) == CSG_STATE_RESUME &&
	    pmodel_inject_hit(pm, resume_hang))
		atomic_set(&pm->inject.mcu_hang, 1);

	return atomic_read(&pm->inject.mcu_hang);
}

/* Whether a request about the state of a group is not answered. */
static bool pmodel_csg_ignores(struct pmodel *pm, u32 req)
{
	return (req & CSG_STATE_MASK) == CSG_STATE_SUSPEND && pmodel_inject_hit(pm, suspend_hang);
}

/* What the firmware says about the state of a group it was asked to change. */
static u32 pmodel_csg_answer(struct pmodel *pm, u32 req, u32 done)
{
	if (done & CSG_STATE_MASK && (req & CSG_STATE_MASK) == CSG_STATE_SUSPEND &&
	    pmodel_inject_hit(pm, suspend_garbage))
		return req | CSG_STATE_MASK;
	return req;
}

static u32 pmodel_csg_requests(struct pmodel *pm, struct pmodel_csg *csg, u32 req, u32 ack)
{
	u32 done = 0;

	if ((req ^ ack) & CSG_STATE_MASK && !pmodel_csg_ignores(pm, req)) {
		if (!pmodel_csg_state(pm, csg, req & CSG_STATE_MASK))
			return 0;
		done |= CSG_STATE_MASK;
	}
	if ((req ^ ack) & CSG_ENDPOINT_CONFIG) {
		u32 ep = pmodel_iface_read(pm, PMODEL_CSG_IN_FIELD(csg->index, endpoint_req));

		pmodel_iface_write(pm, PMODEL_CSG_OUT_FIELD(csg->index, status_endpoint_current),
				   ep);
		pmodel_iface_write(pm, PMODEL_CSG_OUT_FIELD(csg->index, status_endpoint_req), ep);
		done |= CSG_ENDPOINT_CONFIG;
	}
	if ((req ^ ack) & CSG_STATUS_UPDATE) {
		if (csg->running)
			pmodel_csg_status(pm, csg);
		done |= CSG_STATUS_UPDATE;
	}
	return done;
}

/**
 * pmodel_csg_process() - Answer the requests made to a group slot
 * @pm: Model.
 * @csg: Slot whose doorbell bit was toggled in the global interface.
 *
 * Context: MCU thread. Takes pmodel_csg::lock and pmodel::lock. Does not sleep.
 */
void pmodel_csg_process(struct pmodel *pm, struct pmodel_csg *csg)
{
	u32 g = csg->index, rung, req, ack, done, c;

	guard(raw_spinlock)(&csg->lock);

	/* Killed by a reset: it is not a running group that is asked. */
	if (csg->epoch != READ_ONCE(pm->epoch))
		csg->running = false;

	rung = pmodel_iface_read(pm, PMODEL_CSG_IN_FIELD(g, doorbell_req));
	ack = pmodel_iface_read(pm, PMODEL_CSG_OUT_FIELD(g, doorbell_ack));
	pmodel_iface_write(pm, PMODEL_CSG_OUT_FIELD(g, doorbell_ack), rung);
	rung ^= ack;

	/* A request made before the doorbell was toggled must be seen below. */
	smp_mb();

	req = pmodel_iface_read(pm, PMODEL_CSG_IN_FIELD(g, req));
	ack = pmodel_iface_read(pm, PMODEL_CSG_OUT_FIELD(g, ack));
	if (pmodel_csg_hangs(pm, req, ack))
		return;
	done = pmodel_csg_requests(pm, csg, req, ack);

	if (csg->running && !(done & CSG_STATE_MASK)) {
		for (c = 0; c < PMODEL_CS_COUNT; c++) {
			if (rung & BIT(c))
				pmodel_cs_process(pm, csg, c);
		}
		set_bit(g, &pm->attention);
		pmodel_kick_streams(pm);
	}

	if (!done)
		return;
	pmodel_iface_write(pm, PMODEL_CSG_OUT_FIELD(g, ack),
			   (ack & ~done) | (pmodel_csg_answer(pm, req, done) & done));
	if (pmodel_iface_read(pm, PMODEL_CSG_IN_FIELD(g, ack_irq_mask)) & done)
		pmodel_csg_irq(pm, csg);
}
