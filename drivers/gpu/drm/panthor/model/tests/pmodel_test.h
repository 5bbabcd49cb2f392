/* SPDX-License-Identifier: GPL-2.0 or MIT */

/*
 * Unit tests of the software Mali CSF GPU: a model on memory of its own.
 *
 * The memory is an arena that the model sees at PMODEL_TEST_PA. Tests build page
 * tables in it, and can declare pages free. There are no threads: what they
 * would do happens in pmodel_test_run(), in a fixed order.
 */

#ifndef __PMODEL_TEST_H__
#define __PMODEL_TEST_H__

#include <kunit/test.h>

#include "pmodel_internal.h"

#define PMODEL_TEST_PA		0x40000000ull
#define PMODEL_TEST_PAGES	512

/* Page-table entries. */
#define PT_VALID		BIT_ULL(0)
#define PT_TABLE		BIT_ULL(1)
#define PT_PAGE			BIT_ULL(1)
#define PT_RDONLY		BIT_ULL(7)
#define PT_AF			BIT_ULL(10)
#define PT_XN			BIT_ULL(54)
#define PT_LEAF			(PT_VALID | PT_AF)

/* Address space of the group, and what is where in it. */
#define TEST_AS			1
#define TEST_RING		0x100000ull
#define TEST_RING_SIZE		SZ_4K
#define TEST_CODE		0x200000ull
#define TEST_CODE_PAGES		2
#define TEST_DATA		0x300000ull
#define TEST_DATA_PAGES		16
#define TEST_HOLE		0x700000ull

/* Address space of the MCU, besides the interface memory. */
#define TEST_RING_IN		0x05000000ull
#define TEST_RING_OUT		0x05001000ull
#define TEST_SUSPEND_BUF	0x05010000ull

/* Instructions. */
#define INSN(op, rd, ra, rb, low)					\
	((u64)(op) << 56 | (u64)(rd) << 48 | (u64)(ra) << 40 |		\
	 (u64)(rb) << 32 | (u32)(low))
#define NOP()			INSN(0, 0, 0, 0, 0)
#define MOV48(rd, v)		(INSN(1, rd, 0, 0, 0) | ((v) & GENMASK_ULL(47, 0)))
#define MOV32(rd, v)		INSN(2, rd, 0, 0, v)
#define ADD32(rd, ra, imm)	INSN(16, rd, ra, 0, imm)
#define ADD64(rd, ra, imm)	INSN(17, rd, ra, 0, imm)
#define UMIN32(rd, ra, rb)	INSN(18, rd, ra, rb, 0)
#define LOAD(rd, mask, ra, offs)  INSN(20, rd, ra, 0, (u32)(mask) << 16 | (u16)(offs))
#define STORE(rs, mask, ra, offs) INSN(21, rs, ra, 0, (u32)(mask) << 16 | (u16)(offs))
#define BRANCH(cond, ra, offs)	INSN(22, 0, ra, 0, (u32)(cond) << 28 | (u16)(offs))
#define SET_HANDLER(ra, rb)	INSN(25, 0, ra, rb, 2)
#define CALL(ra, rb)		INSN(32, 0, ra, rb, 0)
#define JUMP(ra, rb)		INSN(33, 0, ra, rb, 0)
#define FLUSH_CACHE2(ra)	INSN(36, 0, ra, 0, 0x233)
#define SYNC_ADD32(ra, rb)	INSN(37, 0, ra, rb, 0)
#define SYNC_SET32(ra, rb)	INSN(38, 0, ra, rb, 0)
#define SYNC_WAIT32(ra, rb, gt)	INSN(39, 0, ra, rb, (u32)(gt) << 28)
#define STORE_STATE(state, ra)	INSN(40, 0, ra, state, 0)
#define RUN_COMPUTE()		INSN(4, 0, 0, 0, 0)
#define RUN_IDVS()		INSN(6, 0, 0, 0, 0)
#define FINISH_TILING()		INSN(9, 0, 0, 0, 0)
#define FINISH_FRAGMENT(ra, rb)	INSN(11, 0, ra, rb, 1)
#define ERROR_BARRIER()		INSN(47, 0, 0, 0, 0)
#define HEAP_SET(ra)		INSN(48, 0, ra, 0, 0)
#define HEAP_OPERATION(op)	INSN(49, 0, 0, op, 0)
#define SYNC_ADD64(ra, rb)	INSN(51, 0, ra, rb, 1)
#define SYNC_SET64(ra, rb)	INSN(52, 0, ra, rb, 1)
#define SYNC_SET64_CSG(ra, rb)	INSN(52, 0, ra, rb, 2 << 1)
#define SYNC_WAIT64(ra, rb, gt)	INSN(53, 0, ra, rb, (u32)(gt) << 28)
#define SYNC_WAIT64_REJECT(ra, rb) INSN(53, 0, ra, rb, 1u << 28 | 1)

/**
 * struct pmodel_test - Fixture
 */
struct pmodel_test {
	/** @test: Test. */
	struct kunit *test;
	/** @pm: Model. */
	struct pmodel *pm;
	/** @arena: Memory. */
	void *arena;
	/** @used: Pages given out by pmodel_test_page(). */
	u32 used;
	/** @free: Pages that belong to nobody. */
	DECLARE_BITMAP(free, PMODEL_TEST_PAGES);
	/** @irqs: Interrupts delivered, by line. */
	u32 irqs[PMODEL_LINE_COUNT];
	/** @flush_id: Last one published. */
	u32 flush_id;

	/** @root: Root table of TEST_AS. */
	u64 root;
	/** @mcu_root: Root table of the MCU. */
	u64 mcu_root;
	/** @shared: Interface memory. */
	void *shared;
	/** @ring_in: What the driver writes about the ring. */
	struct panthor_fw_ringbuf_input_iface *ring_in;
	/** @ring_out: What the model writes about the ring. */
	struct panthor_fw_ringbuf_output_iface *ring_out;
	/** @ring: Ring. */
	u64 *ring;
	/** @code: Buffer that jobs are put in. */
	u64 *code;
	/** @data: Memory for jobs. */
	void *data;
	/** @data_pa: Physical address of @data. */
	u64 data_pa;
};

struct pmodel_test *pmodel_test_create(struct kunit *test);
u64 pmodel_test_page(struct pmodel_test *t);
void *pmodel_test_ptr(struct pmodel_test *t, u64 pa);
u64 *pmodel_test_pte(struct pmodel_test *t, u64 root, u64 va, u32 level);
void pmodel_test_map(struct pmodel_test *t, u64 root, u64 va, u64 pa, u64 bits);
void pmodel_test_as_write64(struct pmodel_test *t, u32 reg, u64 value);
void pmodel_test_as_enable(struct pmodel_test *t, u32 nr, u64 root);
void pmodel_test_region_command(struct pmodel_test *t, u32 nr, u64 va, u32 log2, u32 command);
int pmodel_test_access(struct pmodel_test *t, u64 va, void *buf, size_t len,
		       enum pmodel_access access);
int pmodel_test_read32(struct pmodel_test *t, u64 va, u32 *value);

void pmodel_test_boot(struct pmodel_test *t);
void pmodel_test_run(struct pmodel_test *t);
void pmodel_test_request(struct pmodel_test *t, u32 set, u32 mask);
void pmodel_test_start(struct pmodel_test *t);
void pmodel_test_submit(struct pmodel_test *t, const u64 *insns, u32 count);
void pmodel_test_job(struct pmodel_test *t, const u64 *insns, u32 count);
void pmodel_test_ack(struct pmodel_test *t, u32 events);

static inline struct pmodel_cs *pmodel_test_cs(struct pmodel_test *t)
{
	return &t->pm->csg[0].cs[0];
}

static inline struct panthor_fw_csg_input_iface *pmodel_test_csg_in(struct pmodel_test *t)
{
	return t->shared + PMODEL_CSG_IN(0);
}

static inline struct panthor_fw_csg_output_iface *pmodel_test_csg_out(struct pmodel_test *t)
{
	return t->shared + PMODEL_CSG_OUT(0);
}

static inline struct panthor_fw_cs_input_iface *pmodel_test_cs_in(struct pmodel_test *t)
{
	return t->shared + PMODEL_CS_IN(0, 0);
}

static inline struct panthor_fw_cs_output_iface *pmodel_test_cs_out(struct pmodel_test *t)
{
	return t->shared + PMODEL_CS_OUT(0, 0);
}

static inline bool pmodel_test_event(struct pmodel_test *t, u32 event)
{
	return (pmodel_test_cs_in(t)->req ^ pmodel_test_cs_out(t)->ack) & event;
}

#endif
