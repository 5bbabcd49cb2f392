// SPDX-License-Identifier: GPL-2.0
/*
 * The encoder of these tests (lib/pan_cs.c) against Mesa's description of the
 * instructions. What the software GPU makes of them cannot tell: it could be wrong
 * in the same way.
 */
#include <string.h>

#include "lib/pan_cs.h"
#include "lib/pan_harness.h"

#define FACTS "../../../../../../drivers/gpu/drm/panthor/model/tests/pmodel_v10.h"

#define CS_INSN(n, op)
#define CS_FIELD(i, n, l, b)
#define CS_VALUE(g, n, v)
#define DRAW_FIELD(n, l, b)

#undef CS_INSN
#define CS_INSN(n, op) { #n, op },
static const struct {
	const char *name;
	uint64_t opcode;
} insns[] = {
#include FACTS
};

#undef CS_INSN
#define CS_INSN(n, op)

#undef CS_FIELD
#define CS_FIELD(i, n, l, b) { #i, n, l, b },
static const struct {
	const char *insn;
	const char *name;
	uint32_t lsb;
	uint32_t bits;
} fields[] = {
#include FACTS
};

#undef CS_FIELD
#define CS_FIELD(i, n, l, b)

#undef CS_VALUE
#define CS_VALUE(g, n, v) { g, n, v },
static const struct {
	const char *group;
	const char *name;
	uint64_t value;
} values[] = {
#include FACTS
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define NOWHERE		UINT64_MAX
#define WORDS		64

/* The encoder's own registers */
#define ADDR		64
#define VALUE		70
#define LENGTH		72

FIXTURE(encoder)
{
	uint64_t buf[WORDS];
	struct pan_cs cs;
};

FIXTURE_SETUP(encoder)
{
	pan_cs_init(&self->cs, self->buf, 0x100000, sizeof(self->buf));
}

FIXTURE_TEARDOWN(encoder)
{
}

static uint64_t opcode(const char *insn)
{
	unsigned int i;

	for (i = 0; i < COUNT(insns); i++) {
		if (!strcmp(insns[i].name, insn))
			return insns[i].opcode << 56;
	}
	return NOWHERE;
}

static uint64_t field(const char *insn, const char *name, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < COUNT(fields); i++) {
		if (!strcmp(fields[i].insn, insn) && !strcmp(fields[i].name, name))
			return (value & (UINT64_MAX >> (64 - fields[i].bits))) << fields[i].lsb;
	}
	return NOWHERE;
}

static uint64_t value(const char *group, const char *name)
{
	unsigned int i;

	for (i = 0; i < COUNT(values); i++) {
		if (!strcmp(values[i].group, group) && !strcmp(values[i].name, name))
			return values[i].value;
	}
	return NOWHERE;
}

/* The last instruction of what has been built so far */
#define LAST()	(self->buf[self->cs.count - 1])

struct part {
	const char *name;
	uint64_t value;
};

static uint64_t compose(const char *insn, const struct part *parts, unsigned int count)
{
	uint64_t word = opcode(insn);
	unsigned int i;

	for (i = 0; i < count; i++)
		word |= field(insn, parts[i].name, parts[i].value);
	return word;
}

#define INSN(insn, ...) \
	compose(insn, (const struct part[]) { __VA_ARGS__ }, \
		COUNT(((const struct part[]) { __VA_ARGS__ })))

TEST_F(encoder, moves_and_adds)
{
	pan_cs_nop(&self->cs);
	EXPECT_EQ(opcode("NOP"), LAST());
	pan_cs_move48(&self->cs, 4, 0x123456789abcull);
	EXPECT_EQ(INSN("MOVE", { "Destination", 4 }, { "Immediate", 0x123456789abcull }), LAST());
	pan_cs_move32(&self->cs, 5, 0xdeadbeef);
	EXPECT_EQ(INSN("MOVE32", { "Destination", 5 }, { "Immediate", 0xdeadbeef }), LAST());
	pan_cs_add32(&self->cs, 6, 7, -2);
	EXPECT_EQ(INSN("ADD_IMMEDIATE32",
		       { "Destination", 6 }, { "Source", 7 }, { "Immediate", -2 }),
		  LAST());
	pan_cs_add64(&self->cs, 8, 10, 3);
	EXPECT_EQ(INSN("ADD_IMMEDIATE64",
		       { "Destination", 8 }, { "Source", 10 }, { "Immediate", 3 }),
		  LAST());
}

TEST_F(encoder, loads_and_stores)
{
	pan_cs_load(&self->cs, 12, 3, 14, -8);
	EXPECT_EQ(INSN("LOAD_MULTIPLE",
		       { "Base register", 12 }, { "Mask", 7 }, { "Address", 14 },
		       { "Offset", -8 }), LAST());
	pan_cs_store(&self->cs, 12, 16, 14, 16);
	EXPECT_EQ(INSN("STORE_MULTIPLE",
		       { "Base register", 12 }, { "Mask", 0xffff }, { "Address", 14 },
		       { "Offset", 16 }), LAST());
	pan_cs_wait(&self->cs);
	EXPECT_EQ(INSN("WAIT", { "Wait mask", 0xff }), LAST());
}

TEST_F(encoder, branches)
{
	static const struct {
		enum pan_cond cond;
		const char *name;
	} conds[] = {
		{ PAN_COND_LEQUAL, "Lequal" }, { PAN_COND_GREATER, "Greater" },
		{ PAN_COND_EQUAL, "Equal" }, { PAN_COND_NEQUAL, "Nequal" },
		{ PAN_COND_LESS, "Less" }, { PAN_COND_GEQUAL, "Gequal" },
		{ PAN_COND_ALWAYS, "Always" },
	};
	unsigned int i;

	for (i = 0; i < COUNT(conds); i++) {
		/* Back to the first instruction: offsets count from the next one. */
		pan_cs_branch(&self->cs, conds[i].cond, 9, 0);
		EXPECT_EQ(INSN("BRANCH",
			       { "Condition", value("Condition", conds[i].name) }, { "Value", 9 },
			       { "Offset", -(int)self->cs.count }), LAST());
	}
}

TEST_F(encoder, calls)
{
	pan_cs_call(&self->cs, 0x1000, 64);
	EXPECT_EQ(INSN("CALL", { "Address", VALUE }, { "Length", LENGTH }), LAST());
	pan_cs_jump(&self->cs, 0x1000, 64);
	EXPECT_EQ(INSN("JUMP", { "Address", VALUE }, { "Length", LENGTH }), LAST());
	pan_cs_set_oom_handler(&self->cs, 0x1000, 64);
	EXPECT_EQ(INSN("SET_EXCEPTION_HANDLER",
		       { "Address", VALUE }, { "Length", LENGTH },
		       { "Exception type", value("Exception type", "Tiler OOM") }), LAST());
}

TEST_F(encoder, synchronization_of_the_system)
{
	uint64_t system = value("Sync scope", "System");

	pan_cs_sync_add32(&self->cs, 0x1000, 1);
	EXPECT_EQ(INSN("SYNC_ADD32",
		       { "Address", ADDR }, { "Data", VALUE }, { "Scope", system }), LAST());
	pan_cs_sync_set32(&self->cs, 0x1000, 1);
	EXPECT_EQ(INSN("SYNC_SET32",
		       { "Address", ADDR }, { "Data", VALUE }, { "Scope", system }), LAST());
	pan_cs_sync_add64(&self->cs, 0x1000, 1);
	EXPECT_EQ(INSN("SYNC_ADD64",
		       { "Address", ADDR }, { "Data", VALUE }, { "Scope", system }), LAST());
	pan_cs_sync_set64(&self->cs, 0x1000, 1);
	EXPECT_EQ(INSN("SYNC_SET64",
		       { "Address", ADDR }, { "Data", VALUE }, { "Scope", system }), LAST());
}

TEST_F(encoder, waits_for_synchronization)
{
	uint64_t greater = value("Condition", "Greater"), most = value("Condition", "Lequal");

	pan_cs_sync_wait32(&self->cs, 0x1000, true, 1);
	EXPECT_EQ(INSN("SYNC_WAIT32",
		       { "Address", ADDR }, { "Data", VALUE }, { "Condition", greater }),
		  LAST());
	pan_cs_sync_wait64(&self->cs, 0x1000, false, 1);
	EXPECT_EQ(INSN("SYNC_WAIT64",
		       { "Address", ADDR }, { "Data", VALUE }, { "Condition", most }),
		  LAST());
}

TEST_F(encoder, heaps)
{
	pan_cs_heap_set(&self->cs, 0x1000);
	EXPECT_EQ(INSN("HEAP_SET", { "Address", ADDR }), LAST());
	pan_cs_heap_operation(&self->cs, PAN_HEAP_TILING_STARTED);
	EXPECT_EQ(INSN("HEAP_OPERATION",
		       { "Operation", value("Heap Operation", "Vertex/Tiler Started") }), LAST());
	pan_cs_heap_operation(&self->cs, PAN_HEAP_TILING_FINISHED);
	EXPECT_EQ(INSN("HEAP_OPERATION",
		       { "Operation", value("Heap Operation", "Vertex/Tiler Completed") }), LAST());
	pan_cs_heap_operation(&self->cs, PAN_HEAP_FRAGMENT_FINISHED);
	EXPECT_EQ(INSN("HEAP_OPERATION",
		       { "Operation", value("Heap Operation", "Fragment Completed") }), LAST());
}

TEST_F(encoder, draws)
{
	/* A wait follows each of them. */
	pan_cs_draw(&self->cs, 0x1000, 3);
	EXPECT_EQ(opcode("RUN_IDVS"), self->buf[self->cs.count - 2]);
	pan_cs_finish_tiling(&self->cs);
	EXPECT_EQ(opcode("FINISH_TILING"), self->buf[self->cs.count - 2]);
	pan_cs_finish_fragment(&self->cs, 0x1000);
	EXPECT_EQ(INSN("FINISH_FRAGMENT",
		       { "First Heap Chunk", VALUE }, { "Last Heap Chunk", VALUE + 2 },
		       { "Increment Fragment Completed", 1 }),
		  self->buf[self->cs.count - 2]);
	EXPECT_FALSE(self->cs.overflow);
}

TEST_HARNESS_MAIN
