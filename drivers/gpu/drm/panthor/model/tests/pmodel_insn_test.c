// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Unit tests of the software Mali CSF GPU: instructions.
 */

#include "panthor_fw_regs.h"
#include "panthor_mmu_regs.h"
#include "pmodel_insn.h"
#include "pmodel_test.h"

#define JOB(t, ...)							\
	({								\
		const u64 insns_[] = { __VA_ARGS__ };			\
		pmodel_test_job(t, insns_, ARRAY_SIZE(insns_));		\
	})

#define COND_LE		0
#define COND_GT		1
#define COND_EQ		2
#define COND_NE		3
#define COND_LT		4
#define COND_GE		5
#define COND_ALWAYS	6

struct alu_case {
	const char *name;
	u64 insns[4];
	u64 expect;
};

/* Each leaves its result in r4 and r5. */
static const struct alu_case alu_cases[] = {
	{ "MOV48", { MOV48(4, 0x123456789abcull) }, 0x123456789abcull },
	{ "MOV32 changes one register", { MOV48(4, 0x111122223333ull), MOV32(4, 0xdeadbeef) },
	  0x1111deadbeefull },
	{ "ADD_IMM32", { MOV32(2, 5), ADD32(4, 2, 7) }, 12 },
	{ "ADD_IMM32 subtracts", { MOV32(2, 5), ADD32(4, 2, -7) }, (u32)-2 },
	{ "ADD_IMM64 carries", { MOV48(2, 0xffffffffull), ADD64(4, 2, 1) }, 0x100000000ull },
	{ "ADD_IMM64 subtracts", { MOV48(2, 0x100000000ull), ADD64(4, 2, -1) }, 0xffffffffull },
	{ "UMIN32 takes RA", { MOV32(2, 3), MOV32(3, 0x80000000), UMIN32(4, 2, 3) }, 3 },
	{ "UMIN32 takes RB", { MOV32(2, 0x80000000), MOV32(3, 9), UMIN32(4, 2, 3) }, 9 },
	{ "NOP", { MOV48(4, 1), NOP(), NOP(), NOP() }, 1 },
};

KUNIT_ARRAY_PARAM_DESC(alu, alu_cases, name);

static void result_is_in_the_destination(struct kunit *test)
{
	const struct alu_case *c = test->param_value;
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	pmodel_test_job(t, c->insns, ARRAY_SIZE(c->insns));
	KUNIT_EXPECT_EQ(test, c->expect, pmodel_reg64(pmodel_test_cs(t), 4));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, jobs));
	KUNIT_EXPECT_EQ(test, t->ring_in->insert, t->ring_out->extract);
}

struct branch_case {
	u32 condition;
	s32 value;
	bool taken;
};

static const struct branch_case branch_cases[] = {
	{ COND_LE, -1, true }, { COND_LE, 0, true }, { COND_LE, 1, false },
	{ COND_GT, 0, false }, { COND_GT, 1, true },
	{ COND_EQ, 0, true }, { COND_EQ, 1, false },
	{ COND_NE, 0, false }, { COND_NE, -1, true },
	{ COND_LT, -1, true }, { COND_LT, 0, false },
	{ COND_GE, 0, true }, { COND_GE, -1, false },
	{ COND_ALWAYS, 5, true },
};

static void branch_desc(const struct branch_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "condition %u value %d", c->condition, c->value);
}

KUNIT_ARRAY_PARAM(branch, branch_cases, branch_desc);

static void branch_depends_on_its_condition(struct kunit *test)
{
	const struct branch_case *c = test->param_value;
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	JOB(t, MOV32(4, 1), MOV32(2, c->value), BRANCH(c->condition, 2, 1), MOV32(4, 2), NOP());
	KUNIT_EXPECT_EQ(test, c->taken ? 1 : 2, pmodel_test_cs(t)->ctx.regs[4]);
}

static void loop_counts_down(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	JOB(t, MOV32(2, 1000), MOV32(4, 0),
	    ADD32(4, 4, 3), ADD32(2, 2, -1), BRANCH(COND_NE, 2, -3));
	KUNIT_EXPECT_EQ(test, 3000, pmodel_test_cs(t)->ctx.regs[4]);
	KUNIT_EXPECT_EQ(test, 4 + 2 + 3 * 1000, pmodel_counter(t->pm, instructions));
}

static void store_writes_the_registers_of_its_mask(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	memset(data, 0xff, 64);
	JOB(t, MOV48(0, TEST_DATA + 8), MOV32(2, 0x22), MOV32(3, 0x33), MOV32(4, 0x44),
	    STORE(2, 0x5, 0, -8));
	KUNIT_EXPECT_EQ(test, 0x22, data[0]);
	KUNIT_EXPECT_EQ(test, ~0, data[1]);
	KUNIT_EXPECT_EQ(test, 0x44, data[2]);
	KUNIT_EXPECT_EQ(test, ~0, data[3]);
	KUNIT_EXPECT_EQ(test, 8, pmodel_counter(t->pm, bytes_written));
}

static void load_reads_the_registers_of_its_mask(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	const u32 *regs;
	u32 *data, i;

	pmodel_test_start(t);
	data = t->data;
	for (i = 0; i < 16; i++)
		data[i] = 100 + i;
	JOB(t, MOV48(0, TEST_DATA), MOV32(17, 7), LOAD(16, 0xfffd, 0, 0));
	regs = pmodel_test_cs(t)->ctx.regs;
	KUNIT_EXPECT_EQ(test, 100, regs[16]);
	KUNIT_EXPECT_EQ(test, 7, regs[17]);
	KUNIT_EXPECT_EQ(test, 102, regs[18]);
	KUNIT_EXPECT_EQ(test, 115, regs[31]);
	KUNIT_EXPECT_EQ(test, 60, pmodel_counter(t->pm, bytes_read));
}

static void load_may_replace_its_own_address(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 *data;

	pmodel_test_start(t);
	data = t->data;
	data[0] = 0x5555;
	JOB(t, MOV48(0, TEST_DATA), LOAD(0, 0x3, 0, 0));
	KUNIT_EXPECT_EQ(test, 0x5555, pmodel_reg64(pmodel_test_cs(t), 0));
}

static void store_at_a_page_boundary_is_all_or_nothing(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 end = TEST_DATA + TEST_DATA_PAGES * PAGE_SIZE;
	u32 *last;

	/* The second half has no memory. */
	pmodel_test_start(t);
	last = t->data + TEST_DATA_PAGES * PAGE_SIZE - sizeof(u32);
	JOB(t, MOV48(0, end - 4), MOV32(2, 1), MOV32(3, 1), STORE(2, 0x3, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, *last);
	KUNIT_EXPECT_EQ(test, PMODEL_CS_DEAD, pmodel_test_cs(t)->state);
}

static void call_returns_to_the_next_instruction(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	/* The buffer calls its own tail, behind its end. */
	const u64 insns[] = {
		MOV48(10, TEST_CODE + 5 * sizeof(u64)), MOV32(12, 2 * sizeof(u64)),
		CALL(10, 12), ADD32(4, 4, 1), NOP(),
		MOV32(4, 40), MOV32(5, 50),
	};

	pmodel_test_start(t);
	memcpy(t->code, insns, sizeof(insns));
	pmodel_test_job(t, insns, 5);
	KUNIT_EXPECT_EQ(test, 41, pmodel_test_cs(t)->ctx.regs[4]);
	KUNIT_EXPECT_EQ(test, 50, pmodel_test_cs(t)->ctx.regs[5]);
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, jobs));
}

static void jump_does_not_return(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	const u64 insns[] = {
		MOV48(10, TEST_CODE + 5 * sizeof(u64)), MOV32(12, sizeof(u64)),
		JUMP(10, 12), MOV32(4, 1), NOP(),
		MOV32(5, 50),
	};

	pmodel_test_start(t);
	memcpy(t->code, insns, sizeof(insns));
	pmodel_test_job(t, insns, 5);
	KUNIT_EXPECT_EQ(test, 0, pmodel_test_cs(t)->ctx.regs[4]);
	KUNIT_EXPECT_EQ(test, 50, pmodel_test_cs(t)->ctx.regs[5]);
}

static void endless_recursion_overflows_the_call_stack(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	JOB(t, MOV48(10, TEST_CODE), MOV32(12, 3 * sizeof(u64)), CALL(10, 12));
	KUNIT_EXPECT_TRUE(test, pmodel_test_event(t, CS_FATAL));
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_CS_CALL_STACK_OVERFLOW,
			CS_EXCEPTION_TYPE(pmodel_test_cs_out(t)->fatal));
	KUNIT_EXPECT_EQ(test, PMODEL_CALL_DEPTH, pmodel_test_cs(t)->ctx.depth);
}

struct invalid_case {
	const char *name;
	u64 insn;
};

static const struct invalid_case invalid_cases[] = {
	{ "unknown opcode", INSN(63, 0, 0, 0, 0) },
	{ "hole in the table", INSN(10, 0, 0, 0, 0) },
	{ "largest opcode", INSN(255, 0, 0, 0, 0) },
	{ "register that does not exist", MOV32(PMODEL_REG_COUNT, 1) },
	{ "pair that does not exist", MOV48(PMODEL_REG_COUNT - 1, 1) },
	{ "address pair that does not exist", LOAD(0, 1, PMODEL_REG_COUNT - 1, 0) },
	{ "load beyond the last register", LOAD(PMODEL_REG_COUNT - 1, 0x3, 0, 0) },
	{ "store beyond the last register", STORE(PMODEL_REG_COUNT - 8, 0x100, 0, 0) },
	{ "unknown state", STORE_STATE(9, 0) },
};

KUNIT_ARRAY_PARAM_DESC(invalid, invalid_cases, name);

static void invalid_instruction_is_fatal(struct kunit *test)
{
	const struct invalid_case *c = test->param_value;
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	JOB(t, MOV48(0, TEST_DATA), c->insn);
	KUNIT_EXPECT_TRUE(test, pmodel_test_event(t, CS_FATAL));
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_CS_INSTR_INVALID,
			CS_EXCEPTION_TYPE(pmodel_test_cs_out(t)->fatal));
	KUNIT_EXPECT_EQ(test, c->insn, pmodel_test_cs_out(t)->fatal_info);
}

static void access_to_nowhere_is_fatal_and_a_page_fault(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	JOB(t, MOV48(0, TEST_HOLE), STORE(2, 1, 0, 0));
	KUNIT_EXPECT_TRUE(test, pmodel_test_event(t, CS_FATAL));
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_CS_BUS_FAULT,
			CS_EXCEPTION_TYPE(pmodel_test_cs_out(t)->fatal));
	KUNIT_EXPECT_EQ(test, TEST_HOLE, pmodel_test_cs_out(t)->fatal_info);
	KUNIT_EXPECT_EQ(test, BIT(TEST_AS),
			pmodel_reg_read(t->pm, MMU_INT_BASE + INT_RAWSTAT));
	KUNIT_EXPECT_EQ(test, 1, t->irqs[PMODEL_LINE_MMU]);
}

static void injected_bus_fault_ends_only_its_job(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	atomic_set(&t->pm->inject.bus_fault, 1);
	JOB(t, MOV48(0, TEST_DATA), MOV32(2, 1), STORE(2, 1, 0, 0), STORE(2, 1, 0, 4));
	KUNIT_ASSERT_TRUE(test, pmodel_test_event(t, CS_FAULT));
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_CS_BUS_FAULT,
			CS_EXCEPTION_TYPE(pmodel_test_cs_out(t)->fault));
	KUNIT_EXPECT_EQ(test, TEST_DATA, pmodel_test_cs_out(t)->fault_info);
	KUNIT_EXPECT_EQ(test, 0, data[0]);
	KUNIT_EXPECT_EQ(test, 0, data[1]);

	/* The stream waits for the driver, then does the next job. */
	KUNIT_EXPECT_NE(test, t->ring_in->insert, t->ring_out->extract);
	pmodel_test_ack(t, CS_FAULT);
	KUNIT_EXPECT_EQ(test, t->ring_in->insert, t->ring_out->extract);
	JOB(t, MOV48(0, TEST_DATA), MOV32(2, 1), STORE(2, 1, 0, 0), STORE(2, 1, 0, 4));
	KUNIT_EXPECT_EQ(test, 1, data[0]);
	KUNIT_EXPECT_EQ(test, 1, data[1]);
}

static void error_skips_work_up_to_the_barrier(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct pmodel_cs *cs;
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	cs = pmodel_test_cs(t);
	cs->ctx.error = DRM_PANTHOR_EXCEPTION_CS_BUS_FAULT;
	JOB(t, MOV48(0, TEST_DATA), MOV32(2, 1), STORE(2, 1, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, data[0]);
	KUNIT_EXPECT_EQ(test, 0, cs->ctx.error);
	JOB(t, MOV48(0, TEST_DATA), MOV32(2, 1), STORE(2, 1, 0, 0));
	KUNIT_EXPECT_EQ(test, 1, data[0]);
}

static void broken_store_writes_a_wrong_word(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	atomic_set(&t->pm->inject.break_store, 1);
	JOB(t, MOV48(0, TEST_DATA), MOV32(2, 1), STORE(2, 1, 0, 0));
	KUNIT_EXPECT_NE(test, 1, data[0]);
}

static void sync_objects_are_added_and_set(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 *data64;
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	data64 = t->data + 64;
	data[0] = 5;
	data64[0] = BIT_ULL(32) - 1;
	JOB(t, MOV48(0, TEST_DATA), MOV48(2, 3), SYNC_ADD32(0, 2),
	    MOV48(0, TEST_DATA + 64), SYNC_ADD64(0, 2),
	    MOV48(0, TEST_DATA + 16), SYNC_SET32(0, 2),
	    MOV48(0, TEST_DATA + 80), SYNC_SET64(0, 2));
	KUNIT_EXPECT_EQ(test, 8, data[0]);
	KUNIT_EXPECT_EQ(test, BIT_ULL(32) + 2, data64[0]);
	KUNIT_EXPECT_EQ(test, 3, data[4]);
	KUNIT_EXPECT_EQ(test, 3, data64[2]);
	KUNIT_EXPECT_EQ(test, 4, pmodel_counter(t->pm, sync_updates));
	KUNIT_EXPECT_TRUE(test, (pmodel_test_csg_in(t)->req ^ pmodel_test_csg_out(t)->ack) &
				CSG_SYNC_UPDATE);
}

static void error_is_passed_on_in_sync_objects(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	pmodel_test_cs(t)->ctx.error = DRM_PANTHOR_EXCEPTION_CS_BUS_FAULT;
	/* In the ring, as buffers are not called after an error. */
	t->ring[0] = MOV48(0, TEST_DATA);
	t->ring[1] = MOV48(2, 1);
	t->ring[2] = SYNC_ADD64(0, 2);
	t->ring[3] = ERROR_BARRIER();
	t->ring_in->insert = 4 * sizeof(u64);
	pmodel_reg_write(t->pm, CSF_DOORBELL(1), 1);
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, 1, data[0]);
	/* "Iter status is written at [Address + 8], 0 == NO_FAULT, 1 == FAULT" (v10.xml) */
	KUNIT_EXPECT_EQ(test, 1, data[2]);

	JOB(t, MOV48(0, TEST_DATA), MOV48(2, 2), SYNC_SET64(0, 2));
	KUNIT_EXPECT_EQ(test, 2, data[0]);
	KUNIT_EXPECT_EQ(test, 0, data[2]);
}

static void wait_that_rejects_errors_inherits_them(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 *data;

	pmodel_test_start(t);
	data = t->data;
	data[0] = 1;
	data[2] = 1;
	JOB(t, MOV48(0, TEST_DATA), MOV48(2, 0), SYNC_WAIT64_REJECT(0, 2));
	KUNIT_EXPECT_TRUE(test, pmodel_test_event(t, CS_FAULT));
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_CS_INHERIT_FAULT,
			CS_EXCEPTION_TYPE(pmodel_test_cs_out(t)->fault));
}

static void flush_happens_unless_there_was_a_later_one(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 id;

	pmodel_test_start(t);
	id = t->pm->gpu.flush_id;
	JOB(t, MOV32(2, id), FLUSH_CACHE2(2), FLUSH_CACHE2(2));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, gpu_flushes));
	JOB(t, MOV32(2, 0), FLUSH_CACHE2(2));
	KUNIT_EXPECT_EQ(test, 2, pmodel_counter(t->pm, gpu_flushes));
}

static void state_is_stored(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 *data;

	pmodel_test_start(t);
	data = t->data;
	memset(data, 0xff, 32);
	JOB(t, MOV48(0, TEST_DATA), STORE_STATE(0, 0),
	    MOV48(0, TEST_DATA + 8), STORE_STATE(1, 0),
	    MOV48(0, TEST_DATA + 16), STORE_STATE(2, 0),
	    MOV48(0, TEST_DATA + 24), STORE_STATE(3, 0));
	KUNIT_EXPECT_NE(test, U64_MAX, data[0]);
	KUNIT_EXPECT_GT(test, data[1], data[0]);
	KUNIT_EXPECT_EQ(test, 0, data[2]);
	KUNIT_EXPECT_EQ(test, 0, data[3]);
}

static void shader_has_to_be_mapped_executable(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 *data;

	pmodel_test_start(t);
	data = t->data;
	data[1] = TEST_CODE;
	JOB(t, MOV48(16, TEST_DATA), RUN_COMPUTE());
	KUNIT_EXPECT_FALSE(test, pmodel_test_event(t, CS_FATAL | CS_FAULT));

	*pmodel_test_pte(t, t->root, TEST_DATA + PAGE_SIZE, 3) |= PT_XN;
	data[1] = TEST_DATA + PAGE_SIZE;
	JOB(t, MOV48(16, TEST_DATA), RUN_COMPUTE());
	KUNIT_EXPECT_TRUE(test, pmodel_test_event(t, CS_FATAL));
	KUNIT_EXPECT_EQ(test,
			DRM_PANTHOR_EXCEPTION_PERM_FAULT_3 | AS_FAULTSTATUS_ACCESS_TYPE_EX,
			pmodel_reg_read(t->pm, MMU_AS_BASE + AS_FAULTSTATUS(TEST_AS)));
}

struct draw_case {
	const char *name;
	u32 flags;
	u64 insn;
	bool executes;
};

#define SECONDARY_SHADER	BIT(18)

static const struct draw_case draw_cases[] = {
	{ "none", 0, 0, false },
	{ "in the register", SECONDARY_SHADER, 0, true },
	{ "in the instruction", 0, SECONDARY_SHADER, true },
};

KUNIT_ARRAY_PARAM_DESC(draw, draw_cases, name);

/* User-space drivers leave register 18 as it is if there is no varying shader. */
static void varying_shader_is_looked_at_if_there_is_one(struct kunit *test)
{
	const struct draw_case *c = test->param_value;
	struct pmodel_test *t = pmodel_test_create(test);
	u64 *data;

	pmodel_test_start(t);
	data = t->data;
	*pmodel_test_pte(t, t->root, TEST_DATA + PAGE_SIZE, 3) |= PT_XN;
	data[1] = TEST_DATA + PAGE_SIZE;
	JOB(t, MOV48(18, TEST_DATA), MOV32(33, 3), MOV32(56, c->flags),
	    RUN_IDVS() | c->insn);
	KUNIT_EXPECT_EQ(test, c->executes, pmodel_test_event(t, CS_FATAL));
}

struct select_case {
	const char *name;
	u32 reg;
	u64 insn;
	bool touched;
};

/* Each register is of no use unless something selects it. */
static const struct select_case select_cases[] = {
	{ "position SRT", 0, 0, true },
	{ "position FAU", 8, 0, true },
	{ "position TSD", 24, 0, true },
	{ "varying SRT", 2, 0, false },
	{ "varying SRT, selected", 2, BIT_ULL(35), true },
	{ "varying FAU", 10, 0, false },
	{ "varying FAU, selected", 10, BIT_ULL(36), true },
	{ "varying TSD", 26, 0, false },
	{ "varying TSD, selected", 26, BIT_ULL(37), true },
	{ "fragment SRT", 4, 0, false },
	{ "fragment SRT, selected", 4, BIT_ULL(38), true },
	{ "fragment FAU", 12, 0, true },
	{ "fragment TSD", 28, 0, false },
	{ "fragment TSD, selected", 28, BIT_ULL(39), true },
	{ "index buffer", 54, 0, false },
	{ "index buffer, selected", 54, BIT_ULL(9), true },
};

KUNIT_ARRAY_PARAM_DESC(select, select_cases, name);

static void draw_looks_at_what_it_selects(struct kunit *test)
{
	const struct select_case *c = test->param_value;
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	/* A pointer to nowhere; as FAU it has one entry. */
	pmodel_set_reg64(pmodel_test_cs(t), c->reg, TEST_HOLE | BIT_ULL(56));
	JOB(t, MOV32(33, 3), MOV32(56, SECONDARY_SHADER), RUN_IDVS() | c->insn);
	KUNIT_EXPECT_EQ(test, c->touched, pmodel_test_event(t, CS_FATAL));
}

static void compute_without_a_shader_faults(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_start(t);
	JOB(t, MOV48(16, 0), RUN_COMPUTE());
	KUNIT_EXPECT_TRUE(test, pmodel_test_event(t, CS_FAULT));
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_DATA_INVALID_FAULT,
			CS_EXCEPTION_TYPE(pmodel_test_cs_out(t)->fault));
}

static void instructions_of_a_user_space_driver_are_known(struct kunit *test)
{
	static const u8 opcodes[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 16, 17, 18, 20, 21, 22,
				      23, 24, 25, 32, 33, 34, 36, 37, 38, 39, 40, 41, 42, 43,
				      44, 47, 48, 49, 50, 51, 52, 53 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(opcodes); i++)
		KUNIT_EXPECT_NOT_NULL(test, pmodel_insn_name(opcodes[i]));
	KUNIT_EXPECT_NULL(test, pmodel_insn_name(10));
	KUNIT_EXPECT_NULL(test, pmodel_insn_name(255));
}

static struct kunit_case insn_cases[] = {
	KUNIT_CASE_PARAM(result_is_in_the_destination, alu_gen_params),
	KUNIT_CASE_PARAM(branch_depends_on_its_condition, branch_gen_params),
	KUNIT_CASE(loop_counts_down),
	KUNIT_CASE(store_writes_the_registers_of_its_mask),
	KUNIT_CASE(load_reads_the_registers_of_its_mask),
	KUNIT_CASE(load_may_replace_its_own_address),
	KUNIT_CASE(store_at_a_page_boundary_is_all_or_nothing),
	KUNIT_CASE(call_returns_to_the_next_instruction),
	KUNIT_CASE(jump_does_not_return),
	KUNIT_CASE(endless_recursion_overflows_the_call_stack),
	KUNIT_CASE_PARAM(invalid_instruction_is_fatal, invalid_gen_params),
	KUNIT_CASE(access_to_nowhere_is_fatal_and_a_page_fault),
	KUNIT_CASE(injected_bus_fault_ends_only_its_job),
	KUNIT_CASE(error_skips_work_up_to_the_barrier),
	KUNIT_CASE(broken_store_writes_a_wrong_word),
	KUNIT_CASE(sync_objects_are_added_and_set),
	KUNIT_CASE(error_is_passed_on_in_sync_objects),
	KUNIT_CASE(wait_that_rejects_errors_inherits_them),
	KUNIT_CASE(flush_happens_unless_there_was_a_later_one),
	KUNIT_CASE(state_is_stored),
	KUNIT_CASE(shader_has_to_be_mapped_executable),
	KUNIT_CASE_PARAM(varying_shader_is_looked_at_if_there_is_one, draw_gen_params),
	KUNIT_CASE_PARAM(draw_looks_at_what_it_selects, select_gen_params),
	KUNIT_CASE(compute_without_a_shader_faults),
	KUNIT_CASE(instructions_of_a_user_space_driver_are_known),
	{}
};

static struct kunit_suite insn_suite = {
	.name = "panthor_model_insn",
	.test_cases = insn_cases,
};

kunit_test_suite(insn_suite);
