// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Unit tests of the software Mali CSF GPU: TLB and access to memory.
 */

#include "panthor_fw_regs.h"
#include "panthor_gpu_regs.h"
#include "panthor_mmu_regs.h"
#include "pmodel_test.h"

#define VA	0x10000000ull

static u32 fault_status(struct pmodel_test *t)
{
	return pmodel_reg_read(t->pm, MMU_AS_BASE + AS_FAULTSTATUS(TEST_AS));
}

static u64 fault_address(struct pmodel_test *t)
{
	u32 reg = MMU_AS_BASE + AS_FAULTADDRESS(TEST_AS);

	return pmodel_reg_read(t->pm, reg) | (u64)pmodel_reg_read(t->pm, reg + 4) << 32;
}

static u32 as_status(struct pmodel_test *t)
{
	return pmodel_reg_read(t->pm, MMU_AS_BASE + AS_STATUS(TEST_AS));
}

/* Map two pages with known contents. Returns the first. */
static u64 map_two(struct pmodel_test *t)
{
	u64 pa;
	u32 i;

	pmodel_test_pte(t, t->root, VA, 3);
	pa = pmodel_test_page(t);
	pmodel_test_page(t);
	for (i = 0; i < 2; i++) {
		pmodel_test_map(t, t->root, VA + i * PAGE_SIZE, pa + i * PAGE_SIZE, 0);
		*(u32 *)pmodel_test_ptr(t, pa + i * PAGE_SIZE) = 0x1000 + i;
	}
	return pa;
}

static void second_access_hits(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 value;

	map_two(t);
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, 0x1000, value);
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA + 4, &value));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_misses));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_hits));
}

static void access_spans_pages(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = map_two(t), value = 0x1122334455667788ull;

	KUNIT_ASSERT_EQ(test, 0, pmodel_test_access(t, VA + PAGE_SIZE - 4, &value,
						    sizeof(value), PMODEL_WRITE));
	KUNIT_EXPECT_EQ(test, 0x55667788, *(u32 *)pmodel_test_ptr(t, pa + PAGE_SIZE - 4));
	KUNIT_EXPECT_EQ(test, 0x11223344, *(u32 *)pmodel_test_ptr(t, pa + PAGE_SIZE));
}

static void block_translates_all_of_its_pages(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 value, offset = 300 * PAGE_SIZE + 8;

	*pmodel_test_pte(t, t->root, VA, 2) = PMODEL_TEST_PA | PT_LEAF;
	*(u32 *)pmodel_test_ptr(t, PMODEL_TEST_PA + offset) = 77;
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA + offset, &value));
	KUNIT_EXPECT_EQ(test, 77, value);

	/* One entry for all of them. */
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA + SZ_4K, &value));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_misses));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_hits));
}

static void changed_entry_without_invalidation_is_stale(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = map_two(t);
	u32 value;

	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	pmodel_test_map(t, t->root, VA, pa + PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_stale));
	KUNIT_EXPECT_TRUE(test, fault_status(t) & PMODEL_FAULT_STALE);
	KUNIT_EXPECT_EQ(test, VA, fault_address(t));
}

static void unmapped_page_without_invalidation_is_stale(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 value;

	map_two(t);
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	*pmodel_test_pte(t, t->root, VA, 3) = 0;
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_stale));
}

static void split_block_without_invalidation_is_stale(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 *entry = pmodel_test_pte(t, t->root, VA, 2);
	u32 value, i;

	*entry = PMODEL_TEST_PA | PT_LEAF;
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));

	/* The same translations, by pages. */
	*entry = 0;
	for (i = 0; i < 2; i++)
		pmodel_test_map(t, t->root, VA + i * PAGE_SIZE, PMODEL_TEST_PA + i * PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_stale));
}

struct invalidate_case {
	const char *name;
	u32 command;
};

static const struct invalidate_case invalidate_cases[] = {
	{ "UNLOCK", AS_COMMAND_UNLOCK },
	{ "FLUSH_PT", AS_COMMAND_FLUSH_PT },
	{ "FLUSH_MEM", AS_COMMAND_FLUSH_MEM },
	{ "UPDATE", AS_COMMAND_UPDATE },
};

KUNIT_ARRAY_PARAM_DESC(invalidate, invalidate_cases, name);

static void command_invalidates(struct kunit *test)
{
	const struct invalidate_case *c = test->param_value;
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = map_two(t);
	u32 value;

	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	pmodel_test_region_command(t, TEST_AS, VA, 15, AS_COMMAND_LOCK);
	pmodel_test_map(t, t->root, VA, pa + PAGE_SIZE, 0);
	pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(TEST_AS), c->command);
	if (c->command == AS_COMMAND_UPDATE)
		pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(TEST_AS), AS_COMMAND_UNLOCK);

	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, 0x1001, value);
	KUNIT_EXPECT_EQ(test, 0, pmodel_counter(t->pm, tlb_stale));
}

static void lock_alone_does_not_invalidate(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = map_two(t);
	u32 value;

	/* The region that is released is not the one that has changed. */
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	pmodel_test_region_command(t, TEST_AS, VA, 15, AS_COMMAND_LOCK);
	pmodel_test_map(t, t->root, VA, pa + PAGE_SIZE, 0);
	pmodel_test_region_command(t, TEST_AS, VA + SZ_1M, 15, AS_COMMAND_LOCK);
	pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(TEST_AS), AS_COMMAND_UNLOCK);
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_stale));
}

static void cache_flush_does_not_invalidate(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = map_two(t);
	u32 value;

	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	pmodel_test_map(t, t->root, VA, pa + PAGE_SIZE, 0);
	pmodel_reg_write(t->pm, GPU_CMD,
			 GPU_FLUSH_CACHES(CACHE_CLEAN | CACHE_INV, CACHE_CLEAN | CACHE_INV,
					  CACHE_INV));
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_stale));
}

static void invalidation_is_limited_to_the_region(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 far = VA + SZ_64K;
	u32 value;

	map_two(t);
	pmodel_test_map(t, t->root, far, pmodel_test_page(t), 0);
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, far, &value));
	pmodel_test_region_command(t, TEST_AS, VA, 15, AS_COMMAND_LOCK);
	pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(TEST_AS), AS_COMMAND_UNLOCK);

	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, far, &value));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_hits));
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, 3, pmodel_counter(t->pm, tlb_misses));
}

static void address_spaces_do_not_share_translations(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = map_two(t), root = pmodel_test_page(t);
	u32 value, other;

	pmodel_test_map(t, root, VA, pa + PAGE_SIZE, 0);
	pmodel_test_as_enable(t, TEST_AS + 1, root);
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	scoped_guard(raw_spinlock_irqsave, &t->pm->lock)
		KUNIT_EXPECT_EQ(test, 0, pmodel_access(t->pm, TEST_AS + 1, VA, &other,
						       sizeof(other), PMODEL_READ));
	KUNIT_EXPECT_EQ(test, 0x1000, value);
	KUNIT_EXPECT_EQ(test, 0x1001, other);
}

static void reset_forgets_everything(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = map_two(t);
	u32 value;

	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	pmodel_test_region_command(t, TEST_AS, VA, 15, AS_COMMAND_LOCK);
	pmodel_reg_write(t->pm, GPU_CMD, GPU_SOFT_RESET);
	pmodel_test_map(t, t->root, VA, pa + PAGE_SIZE, 0);
	pmodel_test_as_enable(t, TEST_AS, t->root);
	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, 0x1001, value);
}

static void locked_region_stalls(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 value;

	map_two(t);
	pmodel_test_region_command(t, TEST_AS, VA, 15, AS_COMMAND_LOCK);
	KUNIT_EXPECT_EQ(test, -EAGAIN, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, -EAGAIN, pmodel_test_read32(t, VA + SZ_32K - 4, &value));
	/* Outside: nothing is mapped, but nothing stalls. */
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA + SZ_32K, &value));

	pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(TEST_AS), AS_COMMAND_UNLOCK);
	KUNIT_EXPECT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
}

static void write_to_read_only_page_faults(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 value = 1;

	pmodel_test_map(t, t->root, VA, pmodel_test_page(t), PT_RDONLY);
	KUNIT_EXPECT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_access(t, VA, &value, sizeof(value),
							  PMODEL_WRITE));
	KUNIT_EXPECT_EQ(test,
			DRM_PANTHOR_EXCEPTION_PERM_FAULT_3 | AS_FAULTSTATUS_ACCESS_TYPE_WRITE,
			fault_status(t));
}

static void execution_of_data_faults(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 value;

	pmodel_test_map(t, t->root, VA, pmodel_test_page(t), PT_XN);
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_access(t, VA, &value, sizeof(value),
							  PMODEL_EXEC));
	KUNIT_EXPECT_EQ(test,
			DRM_PANTHOR_EXCEPTION_PERM_FAULT_3 | AS_FAULTSTATUS_ACCESS_TYPE_EX,
			fault_status(t));
}

static void free_page_is_refused_and_not_touched(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = map_two(t);
	u32 value = 0xdead;

	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	set_bit((pa - PMODEL_TEST_PA) >> PAGE_SHIFT, t->free);
	value = 0xdead;
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_access(t, VA, &value, sizeof(value),
							  PMODEL_WRITE));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, free_page_touches));
	KUNIT_EXPECT_EQ(test, 0x1000, *(u32 *)pmodel_test_ptr(t, pa));
	KUNIT_EXPECT_TRUE(test, fault_status(t) & PMODEL_FAULT_FREE_PAGE);
}

static void stale_translation_to_a_free_page_is_both(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = map_two(t);
	u32 value;

	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	*pmodel_test_pte(t, t->root, VA, 3) = 0;
	set_bit((pa - PMODEL_TEST_PA) >> PAGE_SHIFT, t->free);
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_stale));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, free_page_touches));
}

static void first_fault_is_kept_until_update(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 value;

	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA + SZ_1M, &value));
	KUNIT_EXPECT_EQ(test, VA, fault_address(t));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, faults));
	KUNIT_EXPECT_EQ(test, BIT(TEST_AS),
			pmodel_reg_read(t->pm, MMU_INT_BASE + INT_RAWSTAT));

	pmodel_test_as_enable(t, TEST_AS, t->root);
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA + SZ_1M, &value));
	KUNIT_EXPECT_EQ(test, VA + SZ_1M, fault_address(t));
}

static void configuration_takes_effect_with_update(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 value;

	map_two(t);
	pmodel_test_as_write64(t, AS_TRANSTAB(TEST_AS), 0);
	pmodel_test_as_write64(t, AS_TRANSCFG(TEST_AS), AS_TRANSCFG_ADRMODE_UNMAPPED);
	KUNIT_EXPECT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(TEST_AS), AS_COMMAND_UPDATE);
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA, &value));
}

static void dropped_invalidation_leaves_a_stale_entry(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = map_two(t);
	u32 value;

	KUNIT_ASSERT_EQ(test, 0, pmodel_test_read32(t, VA, &value));
	atomic_set(&t->pm->inject.drop_invalidate, 1);
	pmodel_test_region_command(t, TEST_AS, VA, 15, AS_COMMAND_LOCK);
	pmodel_test_map(t, t->root, VA, pa + PAGE_SIZE, 0);
	pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(TEST_AS), AS_COMMAND_UNLOCK);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->pm->inject.drop_invalidate));
	KUNIT_EXPECT_EQ(test, -EFAULT, pmodel_test_read32(t, VA, &value));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tlb_stale));
}

static void delayed_command_stays_active(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 polls = 0;

	/* The virtual clock advances a microsecond when it is looked at. */
	atomic_set(&t->pm->inject.as_delay_us, 10);
	pmodel_test_region_command(t, TEST_AS, VA, 15, AS_COMMAND_LOCK);
	KUNIT_EXPECT_FALSE(test, t->pm->as[TEST_AS].locked);
	while (as_status(t) & AS_STATUS_AS_ACTIVE && polls < 100)
		polls++;
	KUNIT_EXPECT_GE(test, polls, 5);
	KUNIT_EXPECT_LE(test, polls, 10);
	KUNIT_EXPECT_TRUE(test, t->pm->as[TEST_AS].locked);
}

static void stuck_command_completes_by_reset_only(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u32 i;

	atomic_set(&t->pm->inject.as_stuck, 1);
	pmodel_test_region_command(t, TEST_AS, VA, 15, AS_COMMAND_LOCK);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, AS_STATUS_AS_ACTIVE, as_status(t));
	pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(TEST_AS), AS_COMMAND_UNLOCK);
	KUNIT_EXPECT_EQ(test, AS_STATUS_AS_ACTIVE, as_status(t));
	pmodel_reg_write(t->pm, GPU_CMD, GPU_SOFT_RESET);
	KUNIT_EXPECT_EQ(test, 0, as_status(t));
}

static void command_gets_stuck_after_others(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);

	atomic_set(&t->pm->inject.as_stuck_after, 1);
	atomic_set(&t->pm->inject.as_stuck, 1);
	pmodel_test_region_command(t, TEST_AS, VA, 15, AS_COMMAND_LOCK);
	KUNIT_EXPECT_EQ(test, 0, as_status(t));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&t->pm->inject.as_stuck));
	pmodel_reg_write(t->pm, MMU_AS_BASE + AS_COMMAND(TEST_AS), AS_COMMAND_UNLOCK);
	KUNIT_EXPECT_EQ(test, AS_STATUS_AS_ACTIVE, as_status(t));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&t->pm->inject.as_stuck));
}

static struct kunit_case tlb_cases[] = {
	KUNIT_CASE(command_gets_stuck_after_others),
	KUNIT_CASE(second_access_hits),
	KUNIT_CASE(access_spans_pages),
	KUNIT_CASE(block_translates_all_of_its_pages),
	KUNIT_CASE(changed_entry_without_invalidation_is_stale),
	KUNIT_CASE(unmapped_page_without_invalidation_is_stale),
	KUNIT_CASE(split_block_without_invalidation_is_stale),
	KUNIT_CASE_PARAM(command_invalidates, invalidate_gen_params),
	KUNIT_CASE(lock_alone_does_not_invalidate),
	KUNIT_CASE(cache_flush_does_not_invalidate),
	KUNIT_CASE(invalidation_is_limited_to_the_region),
	KUNIT_CASE(address_spaces_do_not_share_translations),
	KUNIT_CASE(reset_forgets_everything),
	KUNIT_CASE(locked_region_stalls),
	KUNIT_CASE(write_to_read_only_page_faults),
	KUNIT_CASE(execution_of_data_faults),
	KUNIT_CASE(free_page_is_refused_and_not_touched),
	KUNIT_CASE(stale_translation_to_a_free_page_is_both),
	KUNIT_CASE(first_fault_is_kept_until_update),
	KUNIT_CASE(configuration_takes_effect_with_update),
	KUNIT_CASE(dropped_invalidation_leaves_a_stale_entry),
	KUNIT_CASE(delayed_command_stays_active),
	KUNIT_CASE(stuck_command_completes_by_reset_only),
	{}
};

static struct kunit_suite tlb_suite = {
	.name = "panthor_model_tlb",
	.test_cases = tlb_cases,
};

kunit_test_suite(tlb_suite);
