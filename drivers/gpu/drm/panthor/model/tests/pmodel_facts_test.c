// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Unit tests of the software Mali CSF GPU: comparison with what others have written
 * down about the hardware.
 *
 * Model, driver and encoders can be wrong in the same way, since one is written by
 * looking at the other. Instructions are compared with Mesa's description of them
 * (pmodel_v10.h). Registers are compared with those of the driver tyr
 * (drivers/gpu/drm/tyr/regs.rs), by numbers: no header of panthor's is used here.
 */

#include "pmodel_test.h"

struct fact_insn {
	const char *name;
	u32 opcode;
};

struct fact_field {
	const char *insn;
	const char *name;
	u32 lsb;
	u32 bits;
};

struct fact_value {
	const char *group;
	const char *name;
	u32 value;
};

#define CS_INSN(n, op)
#define CS_FIELD(i, n, l, b)
#define CS_VALUE(g, n, v)
#define DRAW_FIELD(n, l, b)

#undef CS_INSN
#define CS_INSN(n, op) { #n, op },
static const struct fact_insn fact_insns[] = {
#include "pmodel_v10.h"
};

#undef CS_INSN
#define CS_INSN(n, op)

#undef CS_FIELD
#define CS_FIELD(i, n, l, b) { #i, n, l, b },
#undef DRAW_FIELD
#define DRAW_FIELD(n, l, b) { "draw", n, l, b },
static const struct fact_field fact_fields[] = {
#include "pmodel_v10.h"
};

#undef CS_FIELD
#define CS_FIELD(i, n, l, b)
#undef DRAW_FIELD
#define DRAW_FIELD(n, l, b)

#undef CS_VALUE
#define CS_VALUE(g, n, v) { g, n, v },
static const struct fact_value fact_values[] = {
#include "pmodel_v10.h"
};

static u32 fact_opcode(struct kunit *test, const char *name)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(fact_insns); i++) {
		if (!strcmp(fact_insns[i].name, name))
			return fact_insns[i].opcode;
	}
	KUNIT_FAIL_AND_ABORT(test, "no instruction %s", name);
	return 0;
}

static u32 fact_value(struct kunit *test, const char *group, const char *name)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(fact_values); i++) {
		if (!strcmp(fact_values[i].group, group) && !strcmp(fact_values[i].name, name))
			return fact_values[i].value;
	}
	KUNIT_FAIL_AND_ABORT(test, "no value %s of %s", name, group);
	return 0;
}

static u64 fact_put(struct kunit *test, const char *insn, const char *name, u64 value)
{
	const struct fact_field *f;

	for (f = fact_fields; f < fact_fields + ARRAY_SIZE(fact_fields); f++) {
		if (!strcmp(f->insn, insn) && !strcmp(f->name, name))
			return (value & GENMASK_ULL(f->bits - 1, 0)) << f->lsb;
	}
	KUNIT_FAIL_AND_ABORT(test, "no field %s of %s", name, insn);
	return 0;
}

static const char *fact_name(u32 opcode)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(fact_insns); i++) {
		if (fact_insns[i].opcode == opcode)
			return fact_insns[i].name;
	}
	return NULL;
}

static void opcodes_are_those_of_mesa(struct kunit *test)
{
	u32 opcode;

	for (opcode = 0; opcode < 256; opcode++) {
		const char *ours = pmodel_insn_name(opcode), *theirs = fact_name(opcode);

		KUNIT_EXPECT_STREQ_MSG(test, theirs ?: "", ours ?: "", "opcode %u", opcode);
	}
}

struct word_case {
	const char *insn;
	u64 word;
	struct {
		const char *name;
		u64 value;
	} fields[5];
};

/* With these words the other suites find out what the model does. */
static const struct word_case word_cases[] = {
	{ "MOVE", MOV48(4, 0x123456789abcull),
	  { { "Destination", 4 }, { "Immediate", 0x123456789abcull } } },
	{ "MOVE32", MOV32(5, 0xdeadbeef),
	  { { "Destination", 5 }, { "Immediate", 0xdeadbeef } } },
	{ "ADD_IMMEDIATE32", ADD32(6, 7, -2),
	  { { "Destination", 6 }, { "Source", 7 }, { "Immediate", (u32)-2 } } },
	{ "ADD_IMMEDIATE64", ADD64(8, 10, 3),
	  { { "Destination", 8 }, { "Source", 10 }, { "Immediate", 3 } } },
	{ "UMIN32", UMIN32(1, 2, 3),
	  { { "Destination", 1 }, { "Source 2", 2 }, { "Source 1", 3 } } },
	{ "LOAD_MULTIPLE", LOAD(12, 0x8005, 14, -8),
	  { { "Base register", 12 }, { "Mask", 0x8005 }, { "Address", 14 },
	    { "Offset", (u16)-8 } } },
	{ "STORE_MULTIPLE", STORE(12, 0x8005, 14, 16),
	  { { "Base register", 12 }, { "Mask", 0x8005 }, { "Address", 14 },
	    { "Offset", 16 } } },
	{ "BRANCH", BRANCH(5, 9, -3),
	  { { "Condition", 5 }, { "Value", 9 }, { "Offset", (u16)-3 } } },
	{ "SET_EXCEPTION_HANDLER", SET_HANDLER(20, 22),
	  { { "Address", 20 }, { "Length", 22 }, { "Exception type", 2 } } },
	{ "CALL", CALL(20, 22), { { "Address", 20 }, { "Length", 22 } } },
	{ "JUMP", JUMP(20, 22), { { "Address", 20 }, { "Length", 22 } } },
	{ "FLUSH_CACHE2", FLUSH_CACHE2(30),
	  { { "Latest Flush ID", 30 }, { "L2 flush mode", 3 }, { "LSC flush mode", 3 },
	    { "Other invalidate", 1 } } },
	{ "SYNC_ADD32", SYNC_ADD32(2, 4), { { "Address", 2 }, { "Data", 4 } } },
	{ "SYNC_SET32", SYNC_SET32(2, 4), { { "Address", 2 }, { "Data", 4 } } },
	{ "SYNC_WAIT32", SYNC_WAIT32(2, 4, 1),
	  { { "Address", 2 }, { "Data", 4 }, { "Condition", 1 } } },
	{ "SYNC_ADD64", SYNC_ADD64(2, 4),
	  { { "Address", 2 }, { "Data", 4 }, { "Error propagate", 1 } } },
	{ "SYNC_SET64", SYNC_SET64(2, 4),
	  { { "Address", 2 }, { "Data", 4 }, { "Error propagate", 1 } } },
	{ "SYNC_SET64", SYNC_SET64_CSG(2, 4),
	  { { "Address", 2 }, { "Data", 4 }, { "Scope", 2 } } },
	{ "SYNC_WAIT64", SYNC_WAIT64(2, 4, 0),
	  { { "Address", 2 }, { "Data", 4 }, { "Condition", 0 } } },
	{ "SYNC_WAIT64", SYNC_WAIT64_REJECT(2, 4),
	  { { "Address", 2 }, { "Data", 4 }, { "Condition", 1 }, { "Error reject", 1 } } },
	{ "STORE_STATE", STORE_STATE(3, 6), { { "State", 3 }, { "Address", 6 } } },
	{ "RUN_COMPUTE", RUN_COMPUTE(), {} },
	{ "RUN_IDVS", RUN_IDVS() | BIT_ULL(35) | BIT_ULL(39),
	  { { "Varying SRT select", 1 }, { "Fragment TSD select", 1 } } },
	{ "RUN_IDVS", RUN_IDVS() | BIT_ULL(36) | BIT_ULL(37) | BIT_ULL(38),
	  { { "Varying FAU select", 1 }, { "Varying TSD select", 1 },
	    { "Fragment SRT select", 1 } } },
	{ "FINISH_TILING", FINISH_TILING(), {} },
	{ "FINISH_FRAGMENT", FINISH_FRAGMENT(50, 52),
	  { { "First Heap Chunk", 50 }, { "Last Heap Chunk", 52 },
	    { "Increment Fragment Completed", 1 } } },
	{ "ERROR_BARRIER", ERROR_BARRIER(), {} },
	{ "HEAP_SET", HEAP_SET(16), { { "Address", 16 } } },
	{ "HEAP_OPERATION", HEAP_OPERATION(3), { { "Operation", 3 } } },
};

static void word_desc(const struct word_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %#llx", c->insn, c->word);
}

KUNIT_ARRAY_PARAM(word, word_cases, word_desc);

static void words_of_these_tests_are_those_of_mesa(struct kunit *test)
{
	const struct word_case *c = test->param_value;
	u64 word = (u64)fact_opcode(test, c->insn) << 56;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(c->fields) && c->fields[i].name; i++)
		word |= fact_put(test, c->insn, c->fields[i].name, c->fields[i].value);
	KUNIT_EXPECT_EQ(test, word, c->word);
}

struct named_value_case {
	const char *group;
	const char *name;
	u32 value;
};

/* The values those words are made of, and the tests of what they do. */
static const struct named_value_case named_value_cases[] = {
	{ "Condition", "Lequal", 0 },
	{ "Condition", "Greater", 1 },
	{ "Condition", "Equal", 2 },
	{ "Condition", "Nequal", 3 },
	{ "Condition", "Less", 4 },
	{ "Condition", "Gequal", 5 },
	{ "Condition", "Always", 6 },
	{ "State", "Timestamp", 0 },
	{ "State", "Cycle count", 1 },
	{ "State", "Disjoint count", 2 },
	{ "State", "Error status", 3 },
	{ "Heap Operation", "Vertex/Tiler Started", 0 },
	{ "Heap Operation", "Vertex/Tiler Completed", 1 },
	{ "Heap Operation", "Fragment Completed", 3 },
	{ "Sync scope", "System", 0 },
	{ "Sync scope", "CSG", 2 },
	{ "Exception type", "Tiler OOM", 2 },
};

static void named_value_desc(const struct named_value_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %s", c->group, c->name);
}

KUNIT_ARRAY_PARAM(named_value, named_value_cases, named_value_desc);

static void values_of_these_tests_are_those_of_mesa(struct kunit *test)
{
	const struct named_value_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, c->value, fact_value(test, c->group, c->name));
}

static void draw_flags_are_where_mesa_has_them(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, BIT(18), fact_put(test, "draw", "Secondary Shader", 1));
	KUNIT_EXPECT_EQ(test, GENMASK(10, 8), fact_put(test, "draw", "Index type", 7));
}

struct reg_case {
	const char *name;
	u32 offset;
	u32 mask;
	u32 value;
};

/* After boot. Names and offsets are tyr's. */
static const struct reg_case reg_cases[] = {
	{ "GPU_ID: arch_major 10, arch_minor 8", 0x0, GENMASK(31, 24), 0xa8000000 },
	{ "L2_FEATURES: lines of 64 bytes", 0x4, GENMASK(7, 0), 6 },
	{ "MMU_FEATURES: va_bits 48, pa_bits 40", 0x14, GENMASK(15, 0), 40 << 8 | 48 },
	{ "AS_PRESENT", 0x18, ~0u, 0xff },
	{ "GPU_IRQ_RAWSTAT: power_changed_all", 0x20, BIT(10), BIT(10) },
	{ "GPU_IRQ_RAWSTAT: mcu_status", 0x20, BIT(19), BIT(19) },
	{ "GPU_IRQ_MASK", 0x28, ~0u, ~0u },
	{ "SHADER_PRESENT_LO", 0x100, ~0u, 0x50005 },
	{ "TILER_PRESENT_LO", 0x110, ~0u, 1 },
	{ "L2_PRESENT_LO", 0x120, ~0u, 1 },
	{ "SHADER_READY_LO", 0x140, ~0u, 0x50005 },
	{ "TILER_READY_LO", 0x150, ~0u, 1 },
	{ "L2_READY_LO", 0x160, ~0u, 1 },
	{ "L2_PWRTRANS_LO", 0x220, ~0u, 0 },
	{ "COHERENCY_FEATURES: ace_lite", 0x300, GENMASK(1, 0), BIT(0) },
	{ "COHERENCY_ENABLE: None", 0x304, ~0u, 31 },
	{ "MCU_CONTROL: Auto", 0x700, ~0u, 2 },
	{ "MCU_STATUS: Enabled", 0x704, ~0u, 1 },
	{ "JOB_IRQ_RAWSTAT: glb", 0x1000, BIT(31), BIT(31) },
	{ "JOB_IRQ_STATUS: glb", 0x100c, BIT(31), BIT(31) },
	{ "IRQ_RAWSTAT of the MMU", 0x2000, ~0u, 0 },
	{ "STATUS of address space 1", 0x2400 + 0x40 + 0x28, BIT(0), 0 },
};

KUNIT_ARRAY_PARAM_DESC(reg, reg_cases, name);

static void registers_are_where_tyr_has_them(struct kunit *test)
{
	const struct reg_case *c = test->param_value;
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_boot(t);
	KUNIT_EXPECT_EQ(test, c->value, pmodel_reg_read(t->pm, c->offset) & c->mask);
}

/* As tyr would do it: by numbers alone. */
static void commands_are_those_of_tyr(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_boot(t);
	pmodel_reg_write(t->pm, 0x24, ~0);				/* GPU_IRQ_CLEAR */
	pmodel_reg_write(t->pm, 0x30, 4 | 3 << 8 | 3 << 12 | 2 << 16);	/* FlushCaches */
	KUNIT_EXPECT_EQ(test, BIT(17), pmodel_reg_read(t->pm, 0x20));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, gpu_flushes));

	pmodel_reg_write(t->pm, 0x2400 + 0x40 + 0x10, 0x100000 | 15);	/* LOCKADDR */
	pmodel_reg_write(t->pm, 0x2400 + 0x40 + 0x14, 0);
	pmodel_reg_write(t->pm, 0x2400 + 0x40 + 0x18, 2);		/* Lock */
	KUNIT_EXPECT_TRUE(test, t->pm->as[1].locked);
	KUNIT_EXPECT_EQ(test, 0x100000, t->pm->as[1].lock_first);
	KUNIT_EXPECT_EQ(test, 0x10ffff, t->pm->as[1].lock_last);
	pmodel_reg_write(t->pm, 0x2400 + 0x40 + 0x18, 3);		/* Unlock */
	KUNIT_EXPECT_FALSE(test, t->pm->as[1].locked);

	pmodel_reg_write(t->pm, 0x24, ~0);
	pmodel_reg_write(t->pm, 0x30, 1 | 1 << 8);			/* Reset, SoftReset */
	KUNIT_EXPECT_EQ(test, BIT(8), pmodel_reg_read(t->pm, 0x20));
	KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, 0x704));
}

/* IRQ_RAWSTAT, FAULTSTATUS with its type of access (2: read), FAULTADDRESS */
static void fault_is_reported_where_tyr_looks(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 value;

	KUNIT_ASSERT_EQ(test, -EFAULT, pmodel_test_read32(t, 0x123456789000ull, &value));
	KUNIT_EXPECT_EQ(test, BIT(1), pmodel_reg_read(t->pm, 0x2000));
	KUNIT_EXPECT_EQ(test, 2, pmodel_reg_read(t->pm, 0x2400 + 0x40 + 0x1c) >> 8 & 3);
	KUNIT_EXPECT_EQ(test, 0x56789000, pmodel_reg_read(t->pm, 0x2400 + 0x40 + 0x20));
	KUNIT_EXPECT_EQ(test, 0x1234, pmodel_reg_read(t->pm, 0x2400 + 0x40 + 0x24));
}

static struct kunit_case facts_cases[] = {
	KUNIT_CASE(opcodes_are_those_of_mesa),
	KUNIT_CASE_PARAM(words_of_these_tests_are_those_of_mesa, word_gen_params),
	KUNIT_CASE_PARAM(values_of_these_tests_are_those_of_mesa, named_value_gen_params),
	KUNIT_CASE(draw_flags_are_where_mesa_has_them),
	KUNIT_CASE_PARAM(registers_are_where_tyr_has_them, reg_gen_params),
	KUNIT_CASE(commands_are_those_of_tyr),
	KUNIT_CASE(fault_is_reported_where_tyr_looks),
	{}
};

static struct kunit_suite facts_suite = {
	.name = "panthor_model_facts",
	.test_cases = facts_cases,
};

kunit_test_suite(facts_suite);
