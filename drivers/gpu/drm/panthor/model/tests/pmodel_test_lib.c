// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Unit tests of the software Mali CSF GPU: fixture.
 *
 * It plays both sides that the model talks to: the front end, and as much of
 * the driver as is needed to start a stream and give it a job.
 */

#include <linux/mm.h>

#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "panthor_mmu_regs.h"
#include "pmodel_test.h"

#define RUN_MAX		20000
#define USER_DOORBELL	1
#define LEVEL_SHIFT(l)	(12 + 9 * (3 - (l)))

/* Registers the fixture uses for its own part of a job. */
#define REG_ADDR	90
#define REG_SIZE	92

static void pmodel_test_irq(void *front, enum pmodel_line line)
{
	struct pmodel_test *t = front;

	t->irqs[line]++;
}

static void *pmodel_test_page_ptr(void *front, phys_addr_t pa)
{
	struct pmodel_test *t = front;

	if (pa < PMODEL_TEST_PA || pa >= PMODEL_TEST_PA + PMODEL_TEST_PAGES * PAGE_SIZE)
		return NULL;
	return t->arena + (pa - PMODEL_TEST_PA);
}

static bool pmodel_test_page_is_free(void *front, phys_addr_t pa)
{
	struct pmodel_test *t = front;

	return test_bit((pa - PMODEL_TEST_PA) >> PAGE_SHIFT, t->free);
}

static void pmodel_test_publish(void *front, u32 offset, u32 value)
{
	struct pmodel_test *t = front;

	if (offset == CSF_GPU_LATEST_FLUSH_ID)
		t->flush_id = value;
}

static const struct pmodel_front_ops pmodel_test_ops = {
	.irq = pmodel_test_irq,
	.page = pmodel_test_page_ptr,
	.page_is_free = pmodel_test_page_is_free,
	.publish = pmodel_test_publish,
};

static void pmodel_test_destroy(void *data)
{
	struct pmodel_test *t = data;

	pmodel_free(t->pm);
	kvfree(t->arena);
}

/**
 * pmodel_test_page() - Take a page of the arena
 * @t: Fixture.
 *
 * Pages are handed out in ascending order and are zero.
 *
 * Return: Its physical address.
 */
u64 pmodel_test_page(struct pmodel_test *t)
{
	KUNIT_ASSERT_LT(t->test, t->used, PMODEL_TEST_PAGES);
	return PMODEL_TEST_PA + PAGE_SIZE * t->used++;
}

/**
 * pmodel_test_ptr() - CPU address of memory in the arena
 * @t: Fixture.
 * @pa: Physical address.
 *
 * Return: The address.
 */
void *pmodel_test_ptr(struct pmodel_test *t, u64 pa)
{
	void *p = pmodel_test_page_ptr(t, pa);

	KUNIT_ASSERT_NOT_NULL(t->test, p);
	return p;
}

/**
 * pmodel_test_pte() - Find a page-table entry
 * @t: Fixture.
 * @root: Physical address of the root table.
 * @va: Virtual address.
 * @level: Level of the entry; tables above it are created.
 *
 * Return: The entry.
 */
u64 *pmodel_test_pte(struct pmodel_test *t, u64 root, u64 va, u32 level)
{
	u64 *table = pmodel_test_ptr(t, root);
	u32 l;

	for (l = 0; l < level; l++) {
		u64 *entry = &table[(va >> LEVEL_SHIFT(l)) & 0x1ff];

		if (!*entry)
			*entry = pmodel_test_page(t) | PT_VALID | PT_TABLE;
		table = pmodel_test_ptr(t, *entry & GENMASK_ULL(47, 12));
	}
	return &table[(va >> LEVEL_SHIFT(level)) & 0x1ff];
}

/**
 * pmodel_test_map() - Map a page
 * @t: Fixture.
 * @root: Physical address of the root table.
 * @va: Virtual address.
 * @pa: Physical address.
 * @bits: Bits of the entry besides those of any accessible page.
 */
void pmodel_test_map(struct pmodel_test *t, u64 root, u64 va, u64 pa, u64 bits)
{
	*pmodel_test_pte(t, root, va, 3) = pa | PT_LEAF | PT_PAGE | bits;
}

/**
 * pmodel_test_as_write64() - Write a 64-bit register of an address space
 * @t: Fixture.
 * @reg: Offset from MMU_AS_BASE.
 * @value: Value.
 */
void pmodel_test_as_write64(struct pmodel_test *t, u32 reg, u64 value)
{
	pmodel_reg_write(t->pm, MMU_AS_BASE + reg, lower_32_bits(value));
	pmodel_reg_write(t->pm, MMU_AS_BASE + reg + 4, upper_32_bits(value));
}

/**
 * pmodel_test_as_enable() - Give an address space a page table
 * @t: Fixture.
 * @nr: Address space.
 * @root: Physical address of the root table.
 */
void pmodel_test_as_enable(struct pmodel_test *t, u32 nr, u64 root)
{
	pmodel_test_as_write64(t, AS_TRANSTAB(nr), root);
	pmodel_test_as_write64(t, AS_TRANSCFG(nr),
			       AS_TRANSCFG_ADRMODE_AARCH64_4K | AS_TRANSCFG_INA_BITS(55 - 48));
	pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(nr), AS_COMMAND_UPDATE);
}

/**
 * pmodel_test_region_command() - Issue a command that takes a region
 * @t: Fixture.
 * @nr: Address space.
 * @va: An address in the region.
 * @log2: Logarithm of its size.
 * @command: Command.
 */
void pmodel_test_region_command(struct pmodel_test *t, u32 nr, u64 va, u32 log2, u32 command)
{
	pmodel_test_as_write64(t, AS_LOCKADDR(nr),
			       (va & GENMASK_ULL(63, log2)) | (log2 - 1));
	pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(nr), command);
}

/**
 * pmodel_test_access() - Access memory through TEST_AS
 * @t: Fixture.
 * @va: Virtual address.
 * @buf: Buffer.
 * @len: Length in bytes.
 * @access: Kind of access.
 *
 * Return: As pmodel_access().
 */
int pmodel_test_access(struct pmodel_test *t, u64 va, void *buf, size_t len,
		       enum pmodel_access access)
{
	guard(raw_spinlock_irqsave)(&t->pm->lock);
	return pmodel_access(t->pm, TEST_AS, va, buf, len, access);
}

/**
 * pmodel_test_read32() - Read a word through TEST_AS
 * @t: Fixture.
 * @va: Virtual address.
 * @value: Filled.
 *
 * Return: As pmodel_access().
 */
int pmodel_test_read32(struct pmodel_test *t, u64 va, u32 *value)
{
	return pmodel_test_access(t, va, value, sizeof(*value), PMODEL_READ);
}

/**
 * pmodel_test_create() - Create a fixture with TEST_AS enabled and empty
 * @test: Test, which also frees it.
 *
 * Return: The fixture.
 */
struct pmodel_test *pmodel_test_create(struct kunit *test)
{
	struct pmodel_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->arena = kvzalloc(PMODEL_TEST_PAGES * PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->arena);
	t->pm = pmodel_alloc(&pmodel_test_ops, t, true, 1);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, pmodel_test_destroy, t));
	KUNIT_ASSERT_NOT_NULL(test, t->pm);

	t->root = pmodel_test_page(t);
	t->mcu_root = pmodel_test_page(t);
	pmodel_test_as_enable(t, TEST_AS, t->root);
	return t;
}

static void *pmodel_test_map_new(struct pmodel_test *t, u64 root, u64 va, u32 pages)
{
	u64 pa[64];
	u32 i;

	KUNIT_ASSERT_LE(t->test, pages, ARRAY_SIZE(pa));

	/* Tables first, so that the pages are contiguous. */
	for (i = 0; i < pages; i++)
		pmodel_test_pte(t, root, va + i * PAGE_SIZE, 3);
	for (i = 0; i < pages; i++) {
		pa[i] = pmodel_test_page(t);
		pmodel_test_map(t, root, va + i * PAGE_SIZE, pa[i], 0);
	}
	return pmodel_test_ptr(t, pa[0]);
}

/**
 * pmodel_test_boot() - Power the GPU on, boot the MCU, map what jobs need
 * @t: Fixture.
 */
void pmodel_test_boot(struct pmodel_test *t)
{
	enum pmodel_line line;

	t->shared = pmodel_test_map_new(t, t->mcu_root, PMODEL_SHARED_VA,
					PMODEL_SHARED_SIZE / PAGE_SIZE);
	t->ring_in = pmodel_test_map_new(t, t->mcu_root, TEST_RING_IN, 1);
	t->ring_out = pmodel_test_map_new(t, t->mcu_root, TEST_RING_OUT, 1);
	pmodel_test_map_new(t, t->mcu_root, TEST_SUSPEND_BUF, PMODEL_SUSPEND_SIZE / PAGE_SIZE);
	t->ring = pmodel_test_map_new(t, t->root, TEST_RING, TEST_RING_SIZE / PAGE_SIZE);
	t->code = pmodel_test_map_new(t, t->root, TEST_CODE, TEST_CODE_PAGES);
	t->data = pmodel_test_map_new(t, t->root, TEST_DATA, TEST_DATA_PAGES);
	t->data_pa = PMODEL_TEST_PA + (t->data - t->arena);

	pmodel_test_as_enable(t, PMODEL_AS_MCU, t->mcu_root);
	pmodel_reg_write(t->pm, L2_PWRON, 1);
	for (line = 0; line < PMODEL_LINE_COUNT; line++) {
		static const u32 base[] = { JOB_INT_BASE, MMU_INT_BASE, GPU_INT_BASE };

		pmodel_reg_write(t->pm, base[line] + INT_MASK, ~0);
	}
	pmodel_reg_write(t->pm, MCU_CONTROL_BASE + MCU_CONTROL, MCU_CONTROL_AUTO);
	pmodel_test_run(t);
	KUNIT_ASSERT_EQ(t->test, MCU_STATUS_ENABLED,
			pmodel_reg_read(t->pm, MCU_CONTROL_BASE + MCU_STATUS));
}

/**
 * pmodel_test_run() - Do what the threads would do, until nothing is left
 * @t: Fixture.
 *
 * Returns also when only stalled streams are left.
 */
void pmodel_test_run(struct pmodel_test *t)
{
	u32 i;

	for (i = 0; i < RUN_MAX; i++) {
		enum pmodel_run run;

		atomic_set(&t->pm->mcu_kick, 0);
		pmodel_mcu_work(t->pm);
		pmodel_irq_deliver(t->pm);
		run = pmodel_streams_run(t->pm);
		if (run != PMODEL_RUN_BUSY && !atomic_read(&t->pm->mcu_kick))
			return;
	}
	KUNIT_FAIL(t->test, "streams do not come to rest");
}

static void pmodel_test_ring_global(struct pmodel_test *t)
{
	struct panthor_fw_global_input_iface *in = t->shared + PMODEL_GLB_IN;
	struct panthor_fw_global_output_iface *out = t->shared + PMODEL_GLB_OUT;

	in->doorbell_req = out->doorbell_ack ^ BIT(0);
	pmodel_reg_write(t->pm, CSF_DOORBELL(CSF_GLB_DOORBELL_ID), 1);
	pmodel_test_run(t);
}

/**
 * pmodel_test_request() - Make a request to group slot 0, and run
 * @t: Fixture.
 * @set: Value of the bits in @mask.
 * @mask: Bits of the request word to change.
 */
void pmodel_test_request(struct pmodel_test *t, u32 set, u32 mask)
{
	struct panthor_fw_csg_input_iface *in = pmodel_test_csg_in(t);

	in->req = (in->req & ~mask) | set;
	pmodel_test_ring_global(t);
}

/**
 * pmodel_test_start() - Boot, and start a group with one stream in slot 0
 * @t: Fixture.
 */
void pmodel_test_start(struct pmodel_test *t)
{
	struct panthor_fw_csg_input_iface *csg;
	struct panthor_fw_cs_input_iface *cs;

	pmodel_test_boot(t);

	cs = pmodel_test_cs_in(t);
	cs->ringbuf_base = TEST_RING;
	cs->ringbuf_size = TEST_RING_SIZE;
	cs->ringbuf_input = TEST_RING_IN;
	cs->ringbuf_output = TEST_RING_OUT;
	cs->config = CS_CONFIG_DOORBELL(USER_DOORBELL);
	cs->ack_irq_mask = ~0;
	cs->req = CS_STATE_START;

	csg = pmodel_test_csg_in(t);
	csg->config = TEST_AS;
	csg->suspend_buf = TEST_SUSPEND_BUF;
	csg->ack_irq_mask = ~0;
	pmodel_test_request(t, CSG_STATE_START, CSG_STATE_MASK);
	KUNIT_ASSERT_EQ(t->test, CSG_STATE_START,
			pmodel_test_csg_out(t)->ack & CSG_STATE_MASK);
}

static void pmodel_test_ring_put(struct pmodel_test *t, u64 insn)
{
	t->ring[t->ring_in->insert % TEST_RING_SIZE / sizeof(u64)] = insn;
	t->ring_in->insert += sizeof(u64);
}

/**
 * pmodel_test_submit() - Call a buffer from the ring, and ring the doorbell
 * @t: Fixture.
 * @insns: Instructions of the buffer.
 * @count: Number of them.
 */
void pmodel_test_submit(struct pmodel_test *t, const u64 *insns, u32 count)
{
	memcpy(t->code, insns, count * sizeof(*insns));
	pmodel_test_ring_put(t, MOV48(REG_ADDR, TEST_CODE));
	pmodel_test_ring_put(t, MOV32(REG_SIZE, count * sizeof(*insns)));
	pmodel_test_ring_put(t, CALL(REG_ADDR, REG_SIZE));
	pmodel_test_ring_put(t, ERROR_BARRIER());
	pmodel_reg_write(t->pm, CSF_DOORBELL(USER_DOORBELL), 1);
}

/**
 * pmodel_test_job() - pmodel_test_submit(), and run
 * @t: Fixture.
 * @insns: Instructions of the buffer.
 * @count: Number of them.
 */
void pmodel_test_job(struct pmodel_test *t, const u64 *insns, u32 count)
{
	pmodel_test_submit(t, insns, count);
	pmodel_test_run(t);
}

/**
 * pmodel_test_ack() - Acknowledge events of the stream, and run
 * @t: Fixture.
 * @events: Bits of CS_EVT_MASK.
 */
void pmodel_test_ack(struct pmodel_test *t, u32 events)
{
	struct panthor_fw_cs_input_iface *in = pmodel_test_cs_in(t);
	u32 ack = pmodel_test_cs_out(t)->ack;

	in->req = (in->req & ~events) | (ack & events);
	pmodel_test_csg_in(t)->cs_irq_ack = pmodel_test_csg_out(t)->cs_irq_req;
	pmodel_test_csg_in(t)->doorbell_req = pmodel_test_csg_out(t)->doorbell_ack ^ BIT(0);
	pmodel_test_ring_global(t);
}
