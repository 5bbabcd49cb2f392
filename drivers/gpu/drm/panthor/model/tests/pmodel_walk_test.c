// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Unit tests of the software Mali CSF GPU: page-table walk.
 */

#include "panthor_mmu_regs.h"
#include "pmodel_test.h"

#define XLAT(bits)	(AS_TRANSCFG_ADRMODE_AARCH64_4K | AS_TRANSCFG_INA_BITS(55 - (bits)))
#define VA		0x123456789000ull

static u32 walk(struct pmodel_test *t, u64 transcfg, u64 va, struct pmodel_leaf *leaf)
{
	struct pmodel_xlat xlat = { .transtab = t->root, .transcfg = transcfg };

	guard(raw_spinlock_irqsave)(&t->pm->lock);
	return pmodel_walk(t->pm, &xlat, va, leaf);
}

struct missing_case {
	u32 level;
	u64 entry;
	u32 fault;
};

/* Tables down to a level, and there an entry that does not translate. */
static const struct missing_case missing_cases[] = {
	{ 0, 0, DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0 },
	{ 1, 0, DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_1 },
	{ 2, 0, DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_2 },
	{ 3, 0, DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_3 },
	/* Blocks where there are none. */
	{ 0, PMODEL_TEST_PA | PT_LEAF, DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0 },
	{ 3, PMODEL_TEST_PA | PT_LEAF, DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_3 },
	/* Valid entries without the access flag. */
	{ 1, PMODEL_TEST_PA | PT_VALID, DRM_PANTHOR_EXCEPTION_ACCESS_FLAG_1 },
	{ 2, PMODEL_TEST_PA | PT_VALID, DRM_PANTHOR_EXCEPTION_ACCESS_FLAG_2 },
	{ 3, PMODEL_TEST_PA | PT_VALID | PT_PAGE, DRM_PANTHOR_EXCEPTION_ACCESS_FLAG_3 },
};

static void missing_desc(const struct missing_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "level %u entry %#llx", c->level, c->entry);
}

KUNIT_ARRAY_PARAM(missing, missing_cases, missing_desc);

static void entry_that_does_not_translate_faults_at_its_level(struct kunit *test)
{
	const struct missing_case *c = test->param_value;
	struct pmodel_test *t = pmodel_test_create(test);
	struct pmodel_leaf leaf;

	*pmodel_test_pte(t, t->root, VA, c->level) = c->entry;
	KUNIT_EXPECT_EQ(test, c->fault, walk(t, XLAT(48), VA, &leaf));
}

static void page_is_found_at_level_3(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = pmodel_test_page(t);
	struct pmodel_leaf leaf;

	pmodel_test_map(t, t->root, VA, pa, PT_RDONLY);
	KUNIT_ASSERT_EQ(test, 0, walk(t, XLAT(48), VA + 0xabc, &leaf));
	KUNIT_EXPECT_EQ(test, 3, leaf.level);
	KUNIT_EXPECT_EQ(test, pa | PT_LEAF | PT_PAGE | PT_RDONLY, leaf.pte);
}

static void block_is_found_at_its_level(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct pmodel_leaf leaf;
	u32 level;

	for (level = 1; level <= 2; level++) {
		u64 va = VA + level * SZ_1G;

		*pmodel_test_pte(t, t->root, va, level) = PMODEL_TEST_PA | PT_LEAF;
		KUNIT_ASSERT_EQ(test, 0, walk(t, XLAT(48), va, &leaf));
		KUNIT_EXPECT_EQ(test, level, leaf.level);
	}
}

static void addresses_end_where_transcfg_says(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct pmodel_leaf leaf;

	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_ADDR_SIZE_FAULT_IN,
			walk(t, XLAT(48), BIT_ULL(48), &leaf));
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0,
			walk(t, XLAT(48), BIT_ULL(48) - 1, &leaf));
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_ADDR_SIZE_FAULT_IN,
			walk(t, XLAT(39), BIT_ULL(39), &leaf));
}

static void smaller_address_spaces_start_at_a_lower_level(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 va = 0x6543210000ull & (BIT_ULL(39) - 1);
	u64 *root = pmodel_test_ptr(t, t->root);
	struct pmodel_leaf leaf;

	/* With 39 bits the root table is the one of level 1. */
	root[va >> 30] = PMODEL_TEST_PA | PT_LEAF;
	KUNIT_ASSERT_EQ(test, 0, walk(t, XLAT(39), va, &leaf));
	KUNIT_EXPECT_EQ(test, 1, leaf.level);
}

static void disabled_address_space_faults(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct pmodel_leaf leaf;

	pmodel_test_map(t, t->root, VA, pmodel_test_page(t), 0);
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0,
			walk(t, AS_TRANSCFG_ADRMODE_UNMAPPED, VA, &leaf));
}

static void table_outside_memory_faults(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct pmodel_leaf leaf;

	*pmodel_test_pte(t, t->root, VA, 1) = BIT_ULL(39) | PT_VALID | PT_TABLE;
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_ADDR_SIZE_FAULT_OUT2,
			walk(t, XLAT(48), VA, &leaf));
}

static void free_table_is_refused(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	struct pmodel_leaf leaf;
	u64 table;

	pmodel_test_map(t, t->root, VA, pmodel_test_page(t), 0);
	table = *pmodel_test_pte(t, t->root, VA, 2) & GENMASK_ULL(47, 12);
	set_bit((table - PMODEL_TEST_PA) >> PAGE_SHIFT, t->free);
	KUNIT_EXPECT_EQ(test,
			PMODEL_FAULT_FREE_PAGE | DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_3,
			walk(t, XLAT(48), VA, &leaf));
}

static void software_bits_do_not_matter(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 pa = pmodel_test_page(t);
	struct pmodel_leaf leaf;

	pmodel_test_map(t, t->root, VA, pa, BIT_ULL(55));
	KUNIT_ASSERT_EQ(test, 0, walk(t, XLAT(48), VA, &leaf));
	KUNIT_EXPECT_EQ(test, pa | PT_LEAF | PT_PAGE, leaf.pte);
}

static struct kunit_case walk_cases[] = {
	KUNIT_CASE_PARAM(entry_that_does_not_translate_faults_at_its_level, missing_gen_params),
	KUNIT_CASE(page_is_found_at_level_3),
	KUNIT_CASE(block_is_found_at_its_level),
	KUNIT_CASE(addresses_end_where_transcfg_says),
	KUNIT_CASE(smaller_address_spaces_start_at_a_lower_level),
	KUNIT_CASE(disabled_address_space_faults),
	KUNIT_CASE(table_outside_memory_faults),
	KUNIT_CASE(free_table_is_refused),
	KUNIT_CASE(software_bits_do_not_matter),
	{}
};

static struct kunit_suite walk_suite = {
	.name = "panthor_model_walk",
	.test_cases = walk_cases,
};

kunit_test_suite(walk_suite);
