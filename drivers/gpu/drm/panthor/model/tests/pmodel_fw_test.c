// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Unit tests of the software Mali CSF GPU: firmware image.
 *
 * The image is read the way panthor_fw_load() reads it.
 */

#include <linux/firmware.h>
#include <linux/unaligned.h>

#include "pmodel_test.h"

#define HEADER_SIZE	20
#define SECTION_SHARED	BIT(30)

struct image {
	const u8 *data;
	size_t size;
};

static u32 word(struct kunit *test, const struct image *image, size_t offset)
{
	KUNIT_ASSERT_LE(test, offset + sizeof(u32), image->size);
	return get_unaligned_le32(image->data + offset);
}

static void header_is_the_one_of_a_csf_firmware(struct kunit *test)
{
	struct image image;

	image.data = pmodel_fw_image(&image.size);
	KUNIT_EXPECT_EQ(test, 0xc3f13a6e, word(test, &image, 0));
	KUNIT_EXPECT_EQ(test, 0, image.data[5]);
	KUNIT_EXPECT_LE(test, word(test, &image, 16), image.size);
}

static void entries_fill_what_the_header_says(struct kunit *test)
{
	struct image image;
	u32 offset, end, entry;

	image.data = pmodel_fw_image(&image.size);
	end = word(test, &image, 16);
	for (offset = HEADER_SIZE; offset < end; offset += (entry >> 8) & 0xff) {
		entry = word(test, &image, offset);
		KUNIT_ASSERT_GE(test, (entry >> 8) & 0xff, sizeof(u32));
		KUNIT_ASSERT_EQ(test, 0, ((entry >> 8) & 0xff) % sizeof(u32));
	}
	KUNIT_EXPECT_EQ(test, end, offset);
}

static void sections_can_be_mapped_and_filled(struct kunit *test)
{
	u32 offset, end, entry, sections = 0;
	struct image image;
	bool shared = false;

	image.data = pmodel_fw_image(&image.size);
	end = word(test, &image, 16);
	for (offset = HEADER_SIZE; offset < end; offset += (entry >> 8) & 0xff) {
		u32 flags, va, va_end, start, data_end;

		entry = word(test, &image, offset);
		if (entry & 0xff)
			continue;
		flags = word(test, &image, offset + 4);
		va = word(test, &image, offset + 8);
		va_end = word(test, &image, offset + 12);
		start = word(test, &image, offset + 16);
		data_end = word(test, &image, offset + 20);

		KUNIT_EXPECT_TRUE(test, IS_ALIGNED(va | va_end, SZ_4K));
		KUNIT_EXPECT_LT(test, va, va_end);
		KUNIT_EXPECT_LE(test, start, data_end);
		KUNIT_EXPECT_LE(test, data_end, image.size);
		KUNIT_EXPECT_LE(test, data_end - start, va_end - va);
		if (va == PMODEL_SHARED_VA) {
			shared = true;
			KUNIT_EXPECT_TRUE(test, flags & SECTION_SHARED);
			KUNIT_EXPECT_EQ(test, PMODEL_SHARED_SIZE, va_end - va);
		}
		sections++;
	}
	KUNIT_EXPECT_TRUE(test, shared);
	KUNIT_EXPECT_GE(test, sections, 2);
}

static void interfaces_fit_the_shared_section(struct kunit *test)
{
	u32 last = PMODEL_CS_OUT(PMODEL_CSG_COUNT - 1, PMODEL_CS_COUNT - 1);

	KUNIT_EXPECT_LE(test, last + sizeof(struct panthor_fw_cs_output_iface),
			PMODEL_SHARED_SIZE);
	/* Nothing overlaps its successor. */
	KUNIT_EXPECT_LE(test, PMODEL_CSG_CTRL(PMODEL_CSG_COUNT), PMODEL_GLB_IN);
	KUNIT_EXPECT_LE(test, PMODEL_GLB_OUT + sizeof(struct panthor_fw_global_output_iface),
			PMODEL_CSG_IN(0));
	KUNIT_EXPECT_LE(test, PMODEL_CS_IN(0, PMODEL_CS_COUNT), PMODEL_CS_OUT(0, 0));
	KUNIT_EXPECT_LE(test, PMODEL_CS_OUT(0, PMODEL_CS_COUNT), PMODEL_CSG_IN(1));
	KUNIT_EXPECT_LE(test, sizeof(struct panthor_fw_cs_output_iface),
			PMODEL_CS_OUT(0, 1) - PMODEL_CS_OUT(0, 0));
}

static struct kunit_case fw_cases[] = {
	KUNIT_CASE(header_is_the_one_of_a_csf_firmware),
	KUNIT_CASE(entries_fill_what_the_header_says),
	KUNIT_CASE(sections_can_be_mapped_and_filled),
	KUNIT_CASE(interfaces_fit_the_shared_section),
	{}
};

static struct kunit_suite fw_suite = {
	.name = "panthor_model_fw",
	.test_cases = fw_cases,
};

kunit_test_suite(fw_suite);
