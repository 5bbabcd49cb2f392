// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Unit tests of the software Mali CSF GPU: register file, interrupts, power,
 * reset, MCU.
 */

#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "panthor_mmu_regs.h"
#include "pmodel_test.h"

static void gpu_is_a_mali_g610(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 id = pmodel_reg_read(t->pm, GPU_ID), i;

	KUNIT_EXPECT_EQ(test, 10, GPU_ARCH_MAJOR(id));
	KUNIT_EXPECT_EQ(test, 8, GPU_ARCH_MINOR(id));
	KUNIT_EXPECT_EQ(test, 7, GPU_PROD_MAJOR(id));
	KUNIT_EXPECT_EQ(test, PMODEL_AS_COUNT,
			hweight32(pmodel_reg_read(t->pm, GPU_AS_PRESENT)));
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_NE(test, 0, pmodel_reg_read(t->pm, GPU_TEXTURE_FEATURES(i)));
}

static void identity_is_read_only(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 id = pmodel_reg_read(t->pm, GPU_ID);

	pmodel_reg_write(t->pm, GPU_ID, ~id);
	KUNIT_EXPECT_EQ(test, id, pmodel_reg_read(t->pm, GPU_ID));
}

static void offsets_without_a_register_read_as_zero(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 offset;

	for (offset = 0x3000; offset < PMODEL_IO_SIZE; offset += 0x1004) {
		if (offset == CSF_GPU_LATEST_FLUSH_ID)
			continue;
		KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, offset));
	}
}

static void mask_decides_what_is_seen_and_delivered(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_reg_write(t->pm, L2_PWRON, 1);
	pmodel_irq_deliver(t->pm);
	KUNIT_EXPECT_NE(test, 0, pmodel_reg_read(t->pm, GPU_INT_BASE + INT_RAWSTAT));
	KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, GPU_INT_BASE + INT_STAT));
	KUNIT_EXPECT_EQ(test, 0, t->irqs[PMODEL_LINE_GPU]);

	pmodel_reg_write(t->pm, GPU_INT_BASE + INT_MASK, GPU_IRQ_POWER_CHANGED_ALL);
	pmodel_irq_deliver(t->pm);
	KUNIT_EXPECT_EQ(test, GPU_IRQ_POWER_CHANGED_ALL,
			pmodel_reg_read(t->pm, GPU_INT_BASE + INT_STAT));
	KUNIT_EXPECT_EQ(test, 1, t->irqs[PMODEL_LINE_GPU]);
}

static void interrupt_is_delivered_once_until_unmasked_again(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_reg_write(t->pm, GPU_INT_BASE + INT_MASK, ~0);
	pmodel_reg_write(t->pm, L2_PWRON, 1);
	pmodel_irq_deliver(t->pm);
	pmodel_irq_deliver(t->pm);
	KUNIT_EXPECT_EQ(test, 1, t->irqs[PMODEL_LINE_GPU]);

	pmodel_reg_write(t->pm, GPU_INT_BASE + INT_MASK, 0);
	pmodel_reg_write(t->pm, GPU_INT_BASE + INT_MASK, ~0);
	pmodel_irq_deliver(t->pm);
	KUNIT_EXPECT_EQ(test, 2, t->irqs[PMODEL_LINE_GPU]);
}

static void cleared_interrupt_is_not_delivered(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_reg_write(t->pm, GPU_INT_BASE + INT_MASK, ~0);
	pmodel_reg_write(t->pm, L2_PWRON, 1);
	pmodel_reg_write(t->pm, GPU_INT_BASE + INT_CLEAR, ~0);
	pmodel_irq_deliver(t->pm);
	KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, GPU_INT_BASE + INT_RAWSTAT));
	KUNIT_EXPECT_EQ(test, 0, t->irqs[PMODEL_LINE_GPU]);
}

static void lost_interrupt_leaves_the_raw_status(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	atomic_set(&t->pm->inject.lose_irq, 1);
	pmodel_reg_write(t->pm, GPU_INT_BASE + INT_MASK, ~0);
	pmodel_reg_write(t->pm, L2_PWRON, 1);
	pmodel_irq_deliver(t->pm);
	KUNIT_EXPECT_EQ(test, 0, t->irqs[PMODEL_LINE_GPU]);
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, irqs_lost));
	KUNIT_EXPECT_NE(test, 0, pmodel_reg_read(t->pm, GPU_INT_BASE + INT_RAWSTAT));

	/* The next event is delivered. */
	pmodel_reg_write(t->pm, L2_PWROFF, 1);
	pmodel_irq_deliver(t->pm);
	KUNIT_EXPECT_EQ(test, 1, t->irqs[PMODEL_LINE_GPU]);
}

static void cache_flush_completes_and_publishes_its_id(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 before = pmodel_reg_read(t->pm, CSF_GPU_LATEST_FLUSH_ID);

	KUNIT_EXPECT_EQ(test, before, t->flush_id);
	pmodel_reg_write(t->pm, GPU_CMD, GPU_FLUSH_CACHES(CACHE_CLEAN, 0, 0));
	KUNIT_EXPECT_EQ(test, before + 1, pmodel_reg_read(t->pm, CSF_GPU_LATEST_FLUSH_ID));
	KUNIT_EXPECT_EQ(test, before + 1, t->flush_id);
	KUNIT_EXPECT_TRUE(test, pmodel_reg_read(t->pm, GPU_INT_BASE + INT_RAWSTAT) &
				GPU_IRQ_CLEAN_CACHES_COMPLETED);
}

static u32 flush_done(struct pmodel_test *t)
{
	return pmodel_reg_read(t->pm, GPU_INT_BASE + INT_RAWSTAT) &
	       GPU_IRQ_CLEAN_CACHES_COMPLETED;
}

/* The virtual clock goes on by a microsecond each time it is looked at. */
static void slow_flush_completes_later(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 id = t->flush_id, polls = 0;

	atomic_set(&t->pm->inject.flush_us, 10);
	pmodel_reg_write(t->pm, GPU_CMD, GPU_FLUSH_CACHES(CACHE_CLEAN, 0, 0));
	while (!flush_done(t) && polls < 100) {
		KUNIT_EXPECT_EQ(test, id, t->flush_id);
		/* One at a time. */
		pmodel_reg_write(t->pm, GPU_CMD, GPU_FLUSH_CACHES(CACHE_CLEAN, 0, 0));
		polls++;
	}
	KUNIT_EXPECT_GE(test, polls, 5);
	KUNIT_EXPECT_LE(test, polls, 10);
	KUNIT_EXPECT_EQ(test, id + 1, t->flush_id);
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, gpu_flushes));
}

static void stuck_flush_ends_with_a_reset(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 i;

	atomic_set(&t->pm->inject.flush_stuck, 1);
	for (i = 0; i < 100; i++) {
		pmodel_reg_write(t->pm, GPU_CMD, GPU_FLUSH_CACHES(CACHE_CLEAN, 0, 0));
		KUNIT_ASSERT_EQ(test, 0, flush_done(t));
	}
	KUNIT_EXPECT_EQ(test, 0, pmodel_counter(t->pm, gpu_flushes));

	pmodel_reg_write(t->pm, GPU_CMD, GPU_SOFT_RESET);
	KUNIT_EXPECT_EQ(test, 0, flush_done(t));
	pmodel_reg_write(t->pm, GPU_CMD, GPU_FLUSH_CACHES(CACHE_CLEAN, 0, 0));
	KUNIT_EXPECT_NE(test, 0, flush_done(t));
}

static void registers_without_a_clock_are_lost_and_not_accessed(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_boot(t);
	pmodel_reg_write(t->pm, GPU_COHERENCY_PROTOCOL, GPU_COHERENCY_ACE_LITE);
	pmodel_clock(t->pm, false);
	KUNIT_EXPECT_FALSE(test, pmodel_has_clock(t->pm));
	KUNIT_EXPECT_EQ(test, U32_MAX, pmodel_reg_read(t->pm, GPU_ID));
	pmodel_reg_write(t->pm, L2_PWRON, 1);
	KUNIT_EXPECT_EQ(test, 2, pmodel_counter(t->pm, unpowered));

	pmodel_clock(t->pm, true);
	KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, L2_READY));
	KUNIT_EXPECT_EQ(test, GPU_COHERENCY_NONE,
			pmodel_reg_read(t->pm, GPU_COHERENCY_PROTOCOL));
	KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, GPU_INT_BASE + INT_MASK));
	KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, JOB_INT_BASE + INT_MASK));
	KUNIT_EXPECT_EQ(test, MCU_STATUS_DISABLED,
			pmodel_reg_read(t->pm, MCU_CONTROL_BASE + MCU_STATUS));
	KUNIT_EXPECT_EQ(test, 0, pmodel_counter(t->pm, resets));
	KUNIT_EXPECT_EQ(test, 2, pmodel_counter(t->pm, unpowered));
}

static void flush_id_is_never_zero(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	t->pm->gpu.flush_id = U32_MAX;
	pmodel_reg_write(t->pm, GPU_CMD, GPU_FLUSH_CACHES(CACHE_CLEAN, 0, 0));
	KUNIT_EXPECT_EQ(test, 1, pmodel_reg_read(t->pm, CSF_GPU_LATEST_FLUSH_ID));
}

static void reset_keeps_only_the_mask_of_its_own_interrupt(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_boot(t);
	pmodel_reg_write(t->pm, GPU_INT_BASE + INT_MASK, GPU_IRQ_RESET_COMPLETED);
	pmodel_reg_write(t->pm, GPU_CMD, GPU_SOFT_RESET);

	KUNIT_EXPECT_EQ(test, GPU_IRQ_RESET_COMPLETED,
			pmodel_reg_read(t->pm, GPU_INT_BASE + INT_STAT));
	KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, JOB_INT_BASE + INT_MASK));
	KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, JOB_INT_BASE + INT_RAWSTAT));
	KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, MMU_INT_BASE + INT_MASK));
	KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, L2_READY));
	KUNIT_EXPECT_EQ(test, MCU_STATUS_DISABLED,
			pmodel_reg_read(t->pm, MCU_CONTROL_BASE + MCU_STATUS));
}

/* The virtual clock goes on by a microsecond each time it is looked at. */
static void l2_settles_after_a_reset(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 polls = 0;

	pmodel_test_boot(t);
	pmodel_reg_write(t->pm, GPU_CMD, GPU_SOFT_RESET);
	KUNIT_EXPECT_EQ(test, 0, pmodel_reg_read(t->pm, L2_PWRTRANS));

	atomic_set(&t->pm->inject.l2_trans_us, 10);
	pmodel_reg_write(t->pm, GPU_CMD, GPU_SOFT_RESET);
	while (pmodel_reg_read(t->pm, L2_PWRTRANS) && polls < 100)
		polls++;
	KUNIT_EXPECT_EQ(test, 9, polls);
}

static void boot_describes_the_interfaces(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct panthor_fw_global_control_iface *glb;
	struct panthor_fw_csg_control_iface *csg;

	pmodel_test_boot(t);
	glb = t->shared;
	csg = t->shared + PMODEL_CSG_CTRL(PMODEL_CSG_COUNT - 1);
	KUNIT_EXPECT_NE(test, 0, glb->version);
	KUNIT_EXPECT_EQ(test, PMODEL_CSG_COUNT, glb->group_num);
	KUNIT_EXPECT_EQ(test, PMODEL_CS_COUNT, csg->stream_num);
	KUNIT_EXPECT_LT(test, csg->input_va, PMODEL_SHARED_VA + PMODEL_SHARED_SIZE);
	KUNIT_EXPECT_TRUE(test, pmodel_reg_read(t->pm, JOB_INT_BASE + INT_RAWSTAT) &
				JOB_INT_GLOBAL_IF);
}

static void mcu_without_memory_does_not_boot(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_reg_write(t->pm, L2_PWRON, 1);
	pmodel_reg_write(t->pm, MCU_CONTROL_BASE + MCU_CONTROL, MCU_CONTROL_AUTO);
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, MCU_STATUS_FATAL,
			pmodel_reg_read(t->pm, MCU_CONTROL_BASE + MCU_STATUS));
	KUNIT_EXPECT_EQ(test, BIT(PMODEL_AS_MCU),
			pmodel_reg_read(t->pm, MMU_INT_BASE + INT_RAWSTAT));
}

static void mcu_boots_when_the_l2_has_power(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	pmodel_test_boot(t);
	pmodel_reg_write(t->pm, GPU_CMD, GPU_SOFT_RESET);
	pmodel_test_as_enable(t, PMODEL_AS_MCU, t->mcu_root);
	pmodel_reg_write(t->pm, MCU_CONTROL_BASE + MCU_CONTROL, MCU_CONTROL_AUTO);
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, MCU_STATUS_DISABLED,
			pmodel_reg_read(t->pm, MCU_CONTROL_BASE + MCU_STATUS));

	pmodel_reg_write(t->pm, L2_PWRON, 1);
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, MCU_STATUS_ENABLED,
			pmodel_reg_read(t->pm, MCU_CONTROL_BASE + MCU_STATUS));
}

static void halt_is_answered_in_the_doorbell(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct panthor_fw_global_input_iface *in;

	pmodel_test_boot(t);
	in = t->shared + PMODEL_GLB_IN;
	in->req |= GLB_HALT;
	pmodel_reg_write(t->pm, CSF_DOORBELL(CSF_GLB_DOORBELL_ID), 1);
	KUNIT_EXPECT_EQ(test, MCU_STATUS_HALT,
			pmodel_reg_read(t->pm, MCU_CONTROL_BASE + MCU_STATUS));

	pmodel_reg_write(t->pm, MCU_CONTROL_BASE + MCU_CONTROL, MCU_CONTROL_DISABLE);
	KUNIT_EXPECT_EQ(test, MCU_STATUS_DISABLED,
			pmodel_reg_read(t->pm, MCU_CONTROL_BASE + MCU_STATUS));
}

static void ping_is_answered(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct panthor_fw_global_output_iface *out;
	struct panthor_fw_global_input_iface *in;

	pmodel_test_boot(t);
	in = t->shared + PMODEL_GLB_IN;
	out = t->shared + PMODEL_GLB_OUT;
	in->ack_irq_mask = GLB_PING;
	in->req ^= GLB_PING;
	pmodel_reg_write(t->pm, JOB_INT_BASE + INT_CLEAR, ~0);
	pmodel_reg_write(t->pm, CSF_DOORBELL(CSF_GLB_DOORBELL_ID), 1);
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, 0, (in->req ^ out->ack) & GLB_PING);
	KUNIT_EXPECT_EQ(test, JOB_INT_GLOBAL_IF,
			pmodel_reg_read(t->pm, JOB_INT_BASE + INT_RAWSTAT));
}

static void hung_mcu_answers_after_reset_only(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct panthor_fw_global_output_iface *out;
	struct panthor_fw_global_input_iface *in;

	pmodel_test_boot(t);
	in = t->shared + PMODEL_GLB_IN;
	out = t->shared + PMODEL_GLB_OUT;
	atomic_set(&t->pm->inject.mcu_hang, 1);
	in->req ^= GLB_PING;
	pmodel_reg_write(t->pm, CSF_DOORBELL(CSF_GLB_DOORBELL_ID), 1);
	pmodel_test_run(t);
	KUNIT_EXPECT_NE(test, 0, (in->req ^ out->ack) & GLB_PING);

	pmodel_reg_write(t->pm, GPU_CMD, GPU_SOFT_RESET);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->pm->inject.mcu_hang));
	pmodel_test_as_enable(t, PMODEL_AS_MCU, t->mcu_root);
	pmodel_reg_write(t->pm, L2_PWRON, 1);
	pmodel_reg_write(t->pm, MCU_CONTROL_BASE + MCU_CONTROL, MCU_CONTROL_AUTO);
	pmodel_reg_write(t->pm, CSF_DOORBELL(CSF_GLB_DOORBELL_ID), 1);
	pmodel_test_run(t);
	KUNIT_EXPECT_EQ(test, 0, (in->req ^ out->ack) & GLB_PING);
}

static struct kunit_case regs_cases[] = {
	KUNIT_CASE(gpu_is_a_mali_g610),
	KUNIT_CASE(identity_is_read_only),
	KUNIT_CASE(offsets_without_a_register_read_as_zero),
	KUNIT_CASE(mask_decides_what_is_seen_and_delivered),
	KUNIT_CASE(interrupt_is_delivered_once_until_unmasked_again),
	KUNIT_CASE(cleared_interrupt_is_not_delivered),
	KUNIT_CASE(lost_interrupt_leaves_the_raw_status),
	KUNIT_CASE(cache_flush_completes_and_publishes_its_id),
	KUNIT_CASE(slow_flush_completes_later),
	KUNIT_CASE(stuck_flush_ends_with_a_reset),
	KUNIT_CASE(registers_without_a_clock_are_lost_and_not_accessed),
	KUNIT_CASE(flush_id_is_never_zero),
	KUNIT_CASE(reset_keeps_only_the_mask_of_its_own_interrupt),
	KUNIT_CASE(l2_settles_after_a_reset),
	KUNIT_CASE(boot_describes_the_interfaces),
	KUNIT_CASE(mcu_without_memory_does_not_boot),
	KUNIT_CASE(mcu_boots_when_the_l2_has_power),
	KUNIT_CASE(halt_is_answered_in_the_doorbell),
	KUNIT_CASE(ping_is_answered),
	KUNIT_CASE(hung_mcu_answers_after_reset_only),
	{}
};

static struct kunit_suite regs_suite = {
	.name = "panthor_model_regs",
	.test_cases = regs_cases,
};

kunit_test_suite(regs_suite);
