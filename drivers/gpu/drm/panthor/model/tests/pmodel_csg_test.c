// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Unit tests of the software Mali CSF GPU: group slots and streams.
 */

#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "panthor_mmu_regs.h"
#include "pmodel_test.h"

#define JOB(t, ...)							\
	({								\
		const u64 insns_[] = { __VA_ARGS__ };			\
		pmodel_test_job(t, insns_, ARRAY_SIZE(insns_));		\
	})

static bool csg_event(struct pmodel_test *t, u32 event)
{
	return (pmodel_test_csg_in(t)->req ^ pmodel_test_csg_out(t)->ack) & event;
}

/* Acknowledge events of the group without ringing anything. */
static void csg_ack(struct pmodel_test *t, u32 events)
{
	struct panthor_fw_csg_input_iface *in = pmodel_test_csg_in(t);

	in->req = (in->req & ~events) | (pmodel_test_csg_out(t)->ack & events);
}

static void stream_starts_by_its_state_alone(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	/* pmodel_test_start() never toggles the doorbell bit of the stream. */
	pmodel_test_start(t);
	KUNIT_EXPECT_EQ(test, pmodel_test_csg_in(t)->doorbell_req,
			pmodel_test_csg_out(t)->doorbell_ack);
	KUNIT_EXPECT_EQ(test, PMODEL_CS_EMPTY, pmodel_test_cs(t)->state);
}

static void stream_that_is_not_asked_to_start_does_not(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	KUNIT_EXPECT_EQ(test, PMODEL_CS_OFF, t->pm->csg[0].cs[1].state);
}

static void ring_without_memory_is_a_configuration_fault(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	pmodel_test_cs_in(t)->ringbuf_size = 3000;
	pmodel_test_request(t, CSG_STATE_TERMINATE, CSG_STATE_MASK);
	pmodel_test_request(t, CSG_STATE_START, CSG_STATE_MASK);
	KUNIT_EXPECT_TRUE(test, pmodel_test_event(t, CS_FATAL));
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_CS_CONFIG_FAULT,
			CS_EXCEPTION_TYPE(pmodel_test_cs_out(t)->fatal));
}

static void ring_wraps_around(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 *data, i;

	pmodel_test_start(t);
	data = t->data;
	for (i = 0; i < 3 * TEST_RING_SIZE / (4 * sizeof(u64)); i++)
		JOB(t, MOV48(0, TEST_DATA), MOV32(2, 1), SYNC_ADD32(0, 2));
	KUNIT_EXPECT_EQ(test, i, data[0]);
	KUNIT_EXPECT_EQ(test, 3 * TEST_RING_SIZE, t->ring_out->extract);
}

static void idle_is_sent_once_when_work_is_done(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	csg_ack(t, CSG_IDLE);
	pmodel_test_request(t, 0, 0);
	KUNIT_EXPECT_FALSE(test, csg_event(t, CSG_IDLE));
	JOB(t, NOP());
	KUNIT_EXPECT_TRUE(test, csg_event(t, CSG_IDLE));
}

static void blocked_stream_is_no_progress(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 i;

	pmodel_test_start(t);
	JOB(t, MOV48(0, TEST_DATA), MOV48(2, 0), SYNC_WAIT64(0, 2, 1));
	KUNIT_EXPECT_EQ(test, PMODEL_CS_BLOCKED, pmodel_test_cs(t)->state);
	KUNIT_EXPECT_TRUE(test, csg_event(t, CSG_IDLE));

	/* Whoever looks at the slot again finds nothing new. */
	for (i = 0; i < 5; i++) {
		csg_ack(t, CSG_IDLE);
		pmodel_test_request(t, 0, 0);
		KUNIT_EXPECT_FALSE(test, csg_event(t, CSG_IDLE));
	}
}

static void update_of_another_stream_unblocks(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	JOB(t, MOV48(0, TEST_DATA), MOV48(2, 0), SYNC_WAIT64(0, 2, 1), MOV32(4, 77));
	KUNIT_ASSERT_EQ(test, PMODEL_CS_BLOCKED, pmodel_test_cs(t)->state);

	/* As if it had executed SYNC_SET. */
	data[0] = 1;
	atomic_inc(&t->pm->sync_seq);
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, 77, pmodel_test_cs(t)->ctx.regs[4]);
	KUNIT_EXPECT_EQ(test, PMODEL_CS_EMPTY, pmodel_test_cs(t)->state);
}

struct wait_case {
	u64 value;
	u64 reference;
	bool wide;
	bool gt;
	bool passes;
};

static const struct wait_case wait_cases[] = {
	{ 1, 0, true, true, true }, { 1, 1, true, true, false },
	{ BIT_ULL(40), 1, true, true, true }, { 1, 1, true, false, true },
	{ 2, 1, true, false, false }, { 1, 0, false, true, true },
	{ 0, 0, false, true, false }, { 0, 0, false, false, true },
	/* 32 bits do not look at the other half. */
	{ BIT_ULL(40), 0, false, true, false },
};

static void wait_desc(const struct wait_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u bit %#llx %s %#llx", c->wide ? 64 : 32,
		 c->value, c->gt ? ">" : "<=", c->reference);
}

KUNIT_ARRAY_PARAM(wait, wait_cases, wait_desc);

static void wait_compares_unsigned(struct kunit *test)
{
	const struct wait_case *c = test->param_value;
	struct pmodel_test *t = pmodel_test_create(test);
	u64 *data;

	pmodel_test_start(t);
	data = t->data;
	data[0] = c->value;
	JOB(t, MOV48(0, TEST_DATA), MOV48(2, c->reference),
	    c->wide ? SYNC_WAIT64(0, 2, c->gt) : SYNC_WAIT32(0, 2, c->gt));
	KUNIT_EXPECT_EQ(test, c->passes ? PMODEL_CS_EMPTY : PMODEL_CS_BLOCKED,
			pmodel_test_cs(t)->state);
}

static void status_tells_what_a_blocked_stream_waits_for(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct panthor_fw_cs_output_iface *out;

	pmodel_test_start(t);
	out = pmodel_test_cs_out(t);
	JOB(t, MOV48(0, TEST_DATA), MOV48(2, 0x123456789ull), SYNC_WAIT64(0, 2, 1));
	pmodel_test_request(t, pmodel_test_csg_in(t)->req ^ CSG_STATUS_UPDATE,
			    CSG_STATUS_UPDATE);
	KUNIT_EXPECT_FALSE(test, csg_event(t, CSG_STATUS_UPDATE));
	KUNIT_EXPECT_EQ(test, CS_STATUS_BLOCKED_REASON_SYNC_WAIT, out->status_blocked_reason);
	KUNIT_EXPECT_EQ(test, TEST_DATA, out->status_wait_sync_ptr);
	KUNIT_EXPECT_EQ(test, 0x23456789, out->status_wait_sync_value);
	KUNIT_EXPECT_EQ(test, 1, out->status_wait_sync_value_hi);
	KUNIT_EXPECT_EQ(test,
			CS_STATUS_WAIT_SYNC | CS_STATUS_WAIT_SYNC_64B |
			CS_STATUS_WAIT_SYNC_COND_GT, out->status_wait);
	KUNIT_EXPECT_EQ(test, CSG_STATUS_STATE_IS_IDLE, pmodel_test_csg_out(t)->status_state);
}

static void status_does_not_call_blocked_what_could_go_on(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct pmodel_csg *csg;
	u64 *data;

	pmodel_test_start(t);
	data = t->data;
	csg = &t->pm->csg[0];
	JOB(t, MOV48(0, TEST_DATA), MOV48(2, 0), SYNC_WAIT64(0, 2, 1));
	KUNIT_ASSERT_EQ(test, PMODEL_CS_BLOCKED, csg->cs[0].state);

	/* The value changes before the status is taken. */
	data[0] = 1;
	pmodel_test_csg_in(t)->req ^= CSG_STATUS_UPDATE;
	pmodel_csg_process(t->pm, csg);
	KUNIT_EXPECT_EQ(test, CS_STATUS_BLOCKED_REASON_UNBLOCKED,
			pmodel_test_cs_out(t)->status_blocked_reason);
}

/* It waits until word 0 is not 0, then sets word 1. */
static void stream_that_polls_leaves_the_processor(struct kunit *test)
{
	const u64 insns[] = { MOV48(0, TEST_DATA), LOAD(2, 0x1, 0, 0), BRANCH(2, 2, -2),
			      MOV32(3, 1), STORE(2, 0x2, 0, 0) };
	struct pmodel_test *t = pmodel_test_create(test);
	u32 *data, i;

	pmodel_test_start(t);
	data = t->data;
	pmodel_test_submit(t, insns, ARRAY_SIZE(insns));
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, PMODEL_CS_READY, pmodel_test_cs(t)->state);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, PMODEL_RUN_STALLED, pmodel_streams_run(t->pm));
	KUNIT_EXPECT_TRUE(test, test_bit(0, &t->pm->busy));

	data[0] = 1;
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, 1, data[1]);
	KUNIT_EXPECT_EQ(test, PMODEL_CS_EMPTY, pmodel_test_cs(t)->state);
}

/* One that writes between its loads, and one that loads from somewhere else each time. */
static void stream_that_works_is_busy(struct kunit *test)
{
	const u64 stores[] = { MOV48(0, TEST_DATA), MOV32(4, 1000), STORE(4, 0x2, 0, 0),
			       LOAD(2, 0x1, 0, 0), ADD32(4, 4, -1), BRANCH(3, 4, -4) };
	const u64 reads[] = { MOV48(0, TEST_DATA), MOV32(4, 1000), LOAD(2, 0x1, 0, 0),
			      ADD64(0, 0, 4), ADD32(4, 4, -1), BRANCH(3, 4, -4) };
	struct pmodel_test *t = pmodel_test_create(test);
	u32 i;

	pmodel_test_start(t);
	pmodel_test_submit(t, stores, ARRAY_SIZE(stores));
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, PMODEL_RUN_BUSY, pmodel_streams_run(t->pm));
	pmodel_test_run(t);
	pmodel_test_submit(t, reads, ARRAY_SIZE(reads));
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, PMODEL_RUN_BUSY, pmodel_streams_run(t->pm));
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, PMODEL_CS_EMPTY, pmodel_test_cs(t)->state);
}

static void suspended_group_goes_on_where_it_was(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 *data;

	pmodel_test_start(t);
	data = t->data;
	JOB(t, MOV48(0, TEST_DATA), MOV48(2, 0), MOV32(6, 66), SYNC_WAIT64(0, 2, 1),
	    STORE(6, 1, 0, 16));
	pmodel_test_request(t, CSG_STATE_SUSPEND, CSG_STATE_MASK);
	KUNIT_EXPECT_EQ(test, CSG_STATE_SUSPEND, pmodel_test_csg_out(t)->ack & CSG_STATE_MASK);
	KUNIT_EXPECT_EQ(test, CS_STATUS_BLOCKED_REASON_SYNC_WAIT,
			pmodel_test_cs_out(t)->status_blocked_reason);
	KUNIT_EXPECT_EQ(test, PMODEL_CS_OFF, pmodel_test_cs(t)->state);

	/* Another group has had the slot since. */
	memset(pmodel_test_cs(t), 0x5a, sizeof(struct pmodel_cs));

	data[0] = 1;
	t->ring_in->extract = t->ring_out->extract;
	pmodel_test_request(t, CSG_STATE_RESUME, CSG_STATE_MASK);
	KUNIT_EXPECT_EQ(test, 66, data[2]);
	KUNIT_EXPECT_EQ(test, t->ring_in->insert, t->ring_out->extract);
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, csg_suspends));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, csg_resumes));
}

static void resumption_that_hangs_is_not_acknowledged(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	pmodel_test_request(t, CSG_STATE_SUSPEND, CSG_STATE_MASK);
	atomic_set(&t->pm->inject.resume_hang, 1);
	pmodel_test_request(t, CSG_STATE_RESUME, CSG_STATE_MASK);
	KUNIT_EXPECT_EQ(test, CSG_STATE_SUSPEND, pmodel_test_csg_out(t)->ack & CSG_STATE_MASK);
	KUNIT_EXPECT_EQ(test, 0, pmodel_counter(t->pm, csg_resumes));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->pm->inject.resume_hang));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&t->pm->inject.mcu_hang));
}

static void suspend_buffer_that_was_not_written_is_fatal(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	pmodel_test_request(t, CSG_STATE_TERMINATE, CSG_STATE_MASK);
	pmodel_test_request(t, CSG_STATE_RESUME, CSG_STATE_MASK);
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_CSF_FW_INTERNAL_ERROR,
			CS_EXCEPTION_TYPE(pmodel_test_cs_out(t)->fatal));
}

static void terminated_group_executes_nothing(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	const u64 insns[] = { MOV48(0, TEST_DATA), MOV32(2, 1), STORE(2, 1, 0, 0) };
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	pmodel_test_submit(t, insns, ARRAY_SIZE(insns));
	pmodel_test_csg_in(t)->req &= ~CSG_STATE_MASK;
	pmodel_csg_process(t->pm, &t->pm->csg[0]);
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, 0, data[0]);
	KUNIT_EXPECT_EQ(test, 0, t->pm->busy);
}

static void group_of_before_a_reset_executes_nothing(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	const u64 insns[] = { MOV48(0, TEST_DATA), MOV32(2, 1), STORE(2, 1, 0, 0) };
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	pmodel_test_submit(t, insns, ARRAY_SIZE(insns));
	pmodel_reg_write(t->pm, GPU_CMD, GPU_SOFT_RESET);

	pmodel_test_as_enable(t, PMODEL_AS_MCU, t->mcu_root);
	pmodel_test_as_enable(t, TEST_AS, t->root);
	pmodel_reg_write(t->pm, L2_PWRON, 1);
	pmodel_reg_write(t->pm, MCU_CONTROL_BASE + MCU_CONTROL, MCU_CONTROL_AUTO);
	pmodel_test_run(t);
	pmodel_reg_write(t->pm, CSF_DOORBELL(1), 1);
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, 0, data[0]);
	KUNIT_EXPECT_EQ(test, 2, pmodel_counter(t->pm, mcu_boots));
}

static void stalled_stream_does_not_keep_the_mcu_from_answering(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	pmodel_test_region_command(t, TEST_AS, TEST_DATA, 16, AS_COMMAND_LOCK);
	JOB(t, MOV48(0, TEST_DATA), MOV32(2, 1), STORE(2, 1, 0, 0));
	KUNIT_EXPECT_EQ(test, PMODEL_CS_STALLED, pmodel_test_cs(t)->state);
	pmodel_test_request(t, pmodel_test_csg_in(t)->req ^ CSG_STATUS_UPDATE,
			    CSG_STATUS_UPDATE);
	KUNIT_EXPECT_FALSE(test, csg_event(t, CSG_STATUS_UPDATE));
	KUNIT_EXPECT_EQ(test, 0, data[0]);

	pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(TEST_AS), AS_COMMAND_UNLOCK);
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, 1, data[0]);
}

static void slot_whose_doorbell_was_not_toggled_is_not_looked_at(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	pmodel_test_csg_in(t)->req ^= CSG_STATUS_UPDATE;
	pmodel_reg_write(t->pm, CSF_DOORBELL(CSF_GLB_DOORBELL_ID), 1);
	pmodel_test_run(t);
	KUNIT_EXPECT_TRUE(test, csg_event(t, CSG_STATUS_UPDATE));
}

static void same_seed_gives_the_same_interleaving(struct kunit *test)
{
	u64 instructions[2], hits[2];
	u32 i;

	for (i = 0; i < 2; i++) {
		struct pmodel_test *t = pmodel_test_create(test);
		const u64 insns[] = { MOV32(2, 500), ADD32(2, 2, -1), BRANCH(3, 2, -2) };
		u32 passes = 0;

		pmodel_test_start(t);
		pmodel_test_submit(t, insns, ARRAY_SIZE(insns));
		while (pmodel_streams_run(t->pm) == PMODEL_RUN_BUSY)
			passes++;
		instructions[i] = pmodel_counter(t->pm, instructions);
		hits[i] = passes;
	}
	KUNIT_EXPECT_EQ(test, instructions[0], instructions[1]);
	KUNIT_EXPECT_EQ(test, hits[0], hits[1]);
}

struct transition_case {
	const char *name;
	u32 first;
	u32 second;
	u32 config;
};

#define STATE_NONE	U32_MAX

/* What pmodel_test_start() has left is a group that runs. */
static const struct transition_case transition_cases[] = {
	{ "resume of a running group", STATE_NONE, CSG_STATE_RESUME, TEST_AS },
	{ "suspend of a terminated group", CSG_STATE_TERMINATE, CSG_STATE_SUSPEND, TEST_AS },
	{ "state 4", STATE_NONE, 4, TEST_AS },
	{ "state 7", CSG_STATE_TERMINATE, 7, TEST_AS },
	{ "no address space", CSG_STATE_TERMINATE, CSG_STATE_START, 15 },
	{ "address space 8 of 8", CSG_STATE_SUSPEND, CSG_STATE_RESUME, 8 },
	{ "address space of the MCU", CSG_STATE_TERMINATE, CSG_STATE_START, 0 },
};

KUNIT_ARRAY_PARAM_DESC(transition, transition_cases, name);

static void impossible_transition_stops_the_firmware(struct kunit *test)
{
	const struct transition_case *c = test->param_value;
	struct pmodel_test *t = pmodel_test_create(test);
	u32 ack;

	pmodel_test_start(t);
	if (c->first != STATE_NONE)
		pmodel_test_request(t, c->first, CSG_STATE_MASK);
	KUNIT_ASSERT_EQ(test, 0, pmodel_counter(t->pm, fw_asserts));

	ack = pmodel_test_csg_out(t)->ack;
	pmodel_test_csg_in(t)->config = c->config;
	pmodel_test_request(t, c->second, CSG_STATE_MASK);
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, fw_asserts));
	KUNIT_EXPECT_EQ(test, ack, pmodel_test_csg_out(t)->ack);
	KUNIT_EXPECT_EQ(test, MCU_STATUS_FATAL,
			pmodel_reg_read(t->pm, MCU_CONTROL_BASE + MCU_STATUS));
}

static void suspension_that_hangs_is_not_acknowledged(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	atomic_set(&t->pm->inject.suspend_hang, 1);
	pmodel_test_request(t, CSG_STATE_SUSPEND, CSG_STATE_MASK);
	KUNIT_EXPECT_EQ(test, CSG_STATE_START, pmodel_test_csg_out(t)->ack & CSG_STATE_MASK);
	KUNIT_EXPECT_EQ(test, 0, pmodel_counter(t->pm, csg_suspends));

	/* The firmware has not died of it. */
	pmodel_test_request(t, CSG_STATE_TERMINATE, CSG_STATE_MASK);
	KUNIT_EXPECT_EQ(test, CSG_STATE_TERMINATE,
			pmodel_test_csg_out(t)->ack & CSG_STATE_MASK);
}

static void suspended_group_can_get_into_a_state_that_is_none(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	atomic_set(&t->pm->inject.suspend_garbage, 1);
	pmodel_test_request(t, CSG_STATE_SUSPEND, CSG_STATE_MASK);
	KUNIT_EXPECT_EQ(test, CSG_STATE_MASK, pmodel_test_csg_out(t)->ack & CSG_STATE_MASK);
}

static void stream_can_break_for_good(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	atomic_set(&t->pm->inject.unrecoverable, 1);
	JOB(t, NOP());
	KUNIT_EXPECT_TRUE(test, pmodel_test_event(t, CS_FATAL));
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_CS_UNRECOVERABLE,
			CS_EXCEPTION_TYPE(pmodel_test_cs_out(t)->fatal));
	KUNIT_EXPECT_EQ(test, PMODEL_CS_DEAD, pmodel_test_cs(t)->state);
}

static void streams_need_power(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	pmodel_reg_write(t->pm, L2_PWROFF, 1);
	JOB(t, MOV48(0, TEST_DATA), MOV32(2, 1), STORE(2, 1, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, data[0]);

	pmodel_test_csg_in(t)->req ^= CSG_STATUS_UPDATE;
	pmodel_test_request(t, 0, 0);
	KUNIT_EXPECT_TRUE(test, csg_event(t, CSG_STATUS_UPDATE));
}

static void scope_of_a_write_decides_who_looks(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	int seen;

	pmodel_test_start(t);
	csg_ack(t, CSG_SYNC_UPDATE | CSG_IDLE);
	seen = atomic_read(&t->pm->sync_seq);
	JOB(t, MOV48(0, TEST_DATA), MOV48(2, 5), SYNC_SET64_CSG(0, 2));
	KUNIT_EXPECT_EQ(test, 5, *(u64 *)t->data);
	KUNIT_EXPECT_FALSE(test, csg_event(t, CSG_SYNC_UPDATE));
	KUNIT_EXPECT_EQ(test, seen, atomic_read(&t->pm->sync_seq));

	JOB(t, MOV48(0, TEST_DATA), MOV48(2, 6), SYNC_SET64(0, 2));
	KUNIT_EXPECT_TRUE(test, csg_event(t, CSG_SYNC_UPDATE));
	KUNIT_EXPECT_EQ(test, seen + 1, atomic_read(&t->pm->sync_seq));
}

static struct kunit_case csg_cases[] = {
	KUNIT_CASE_PARAM(impossible_transition_stops_the_firmware, transition_gen_params),
	KUNIT_CASE(suspension_that_hangs_is_not_acknowledged),
	KUNIT_CASE(suspended_group_can_get_into_a_state_that_is_none),
	KUNIT_CASE(stream_can_break_for_good),
	KUNIT_CASE(streams_need_power),
	KUNIT_CASE(scope_of_a_write_decides_who_looks),
	KUNIT_CASE(stream_starts_by_its_state_alone),
	KUNIT_CASE(stream_that_is_not_asked_to_start_does_not),
	KUNIT_CASE(ring_without_memory_is_a_configuration_fault),
	KUNIT_CASE(ring_wraps_around),
	KUNIT_CASE(idle_is_sent_once_when_work_is_done),
	KUNIT_CASE(blocked_stream_is_no_progress),
	KUNIT_CASE(update_of_another_stream_unblocks),
	KUNIT_CASE_PARAM(wait_compares_unsigned, wait_gen_params),
	KUNIT_CASE(status_tells_what_a_blocked_stream_waits_for),
	KUNIT_CASE(status_does_not_call_blocked_what_could_go_on),
	KUNIT_CASE(stream_that_polls_leaves_the_processor),
	KUNIT_CASE(stream_that_works_is_busy),
	KUNIT_CASE(suspended_group_goes_on_where_it_was),
	KUNIT_CASE(resumption_that_hangs_is_not_acknowledged),
	KUNIT_CASE(suspend_buffer_that_was_not_written_is_fatal),
	KUNIT_CASE(terminated_group_executes_nothing),
	KUNIT_CASE(group_of_before_a_reset_executes_nothing),
	KUNIT_CASE(stalled_stream_does_not_keep_the_mcu_from_answering),
	KUNIT_CASE(slot_whose_doorbell_was_not_toggled_is_not_looked_at),
	KUNIT_CASE(same_seed_gives_the_same_interleaving),
	{}
};

static struct kunit_suite csg_suite = {
	.name = "panthor_model_csg",
	.test_cases = csg_cases,
};

kunit_test_suite(csg_suite);
