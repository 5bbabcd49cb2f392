// SPDX-License-Identifier: GPL-2.0
/*
 * CPU mappings of BOs that were evicted: they come back in blocks, and also a
 * mapping of which parts are gone has every page where it belongs.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine_common.h"

#define SIZE		PAN_MIB
#define PAGES		(SIZE / PAN_PAGE)

/* What one fault maps, aligned. */
#define AROUND		16u

FIXTURE(maps)
{
	struct pan_dev dev;
	uint32_t bo;
	uint32_t seed;
	uint8_t *map;
};

FIXTURE_SETUP(maps)
{
	PAN_OPEN_OR_SKIP(&self->dev);
	ENGINE_NEEDS(&self->dev);
	self->seed = pan_seed(77, 0);
	ASSERT_OK(pan_bo_create(&self->dev, SIZE, 0, 0, &self->bo));
	self->map = pan_bo_mmap(&self->dev, self->bo, SIZE);
	ASSERT_NE(NULL, self->map);
	pan_pattern_fill((uint32_t *)self->map, SIZE, self->seed);
}

FIXTURE_TEARDOWN(maps)
{
	munmap(self->map, SIZE);
	EXPECT_OK(pan_bo_close(&self->dev, self->bo));
	EXPECT_OK(engine_books(&self->dev));
	pan_close(&self->dev);
}

/* Page faults of this process until now. */
static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* Compares pages of the mapping, @first being the first one's number in the BO. */
static int wrong_words(const uint8_t *map, uint32_t first, uint32_t count, uint32_t seed)
{
	const volatile uint32_t *words = (const volatile uint32_t *)map;
	uint64_t base = (uint64_t)first * PAN_PAGE / 4, i;
	int bad = 0;

	for (i = 0; i < (uint64_t)count * PAN_PAGE / 4; i++)
		bad += words[base + i] != pan_pattern(seed, base + i, 0);
	return bad;
}

static uint64_t first_word(const uint8_t *map, uint32_t page)
{
	return *(const volatile uint32_t *)(map + page * PAN_PAGE);
}

TEST_F(maps, come_back_in_blocks)
{
	long before;

	ASSERT_LT(0, engine_shrink(&self->dev, ENGINE_ALL_PAGES));
	before = faults();
	EXPECT_EQ(0, wrong_words(self->map, 0, PAGES, self->seed));

	/* Some are the program's own, and the first one is handled twice. */
	EXPECT_LE(PAGES / AROUND, (uint64_t)(faults() - before));
	EXPECT_GT(PAGES / 4, (uint64_t)(faults() - before));
}

TEST_F(maps, parts_that_are_left_have_their_pages)
{
	/* The start goes, and a hole is made; neither edge is one of a block. */
	ASSERT_EQ(0, munmap(self->map, 3 * PAN_PAGE));
	ASSERT_EQ(0, munmap(self->map + 40 * PAN_PAGE, 5 * PAN_PAGE));
	ASSERT_LT(0, engine_shrink(&self->dev, ENGINE_ALL_PAGES));
	EXPECT_EQ(0, wrong_words(self->map, 3, 37, self->seed));
	EXPECT_EQ(0, wrong_words(self->map, 45, PAGES - 45, self->seed));
}

TEST_F(maps, parts_with_other_rights_have_their_pages)
{
	ASSERT_EQ(0, mprotect(self->map + 20 * PAN_PAGE, 30 * PAN_PAGE, PROT_READ));
	ASSERT_LT(0, engine_shrink(&self->dev, ENGINE_ALL_PAGES));
	EXPECT_EQ(0, wrong_words(self->map, 20, 30, self->seed));
	EXPECT_EQ(0, wrong_words(self->map, 0, PAGES, self->seed));
	ASSERT_EQ(0, mprotect(self->map + 20 * PAN_PAGE, 30 * PAN_PAGE, PROT_READ | PROT_WRITE));
	*(volatile uint32_t *)(self->map + 25 * PAN_PAGE) = 7;
	EXPECT_EQ(7, first_word(self->map, 25));
	EXPECT_NE(7, first_word(self->map, 5));
	EXPECT_EQ(1, wrong_words(self->map, 0, PAGES, self->seed));
}

TEST_F(maps, of_a_dma_buf_from_the_middle_on)
{
	uint32_t half = PAGES / 2;
	uint8_t *map;
	int fd;

	fd = pan_bo_export(&self->dev, self->bo, DRM_CLOEXEC | DRM_RDWR);
	ASSERT_LE(0, fd);
	map = mmap(NULL, half * PAN_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   half * PAN_PAGE);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, wrong_words(map - half * PAN_PAGE, half, half, self->seed));
	ASSERT_LE(0, engine_shrink(&self->dev, ENGINE_ALL_PAGES));
	EXPECT_EQ(0, wrong_words(map - half * PAN_PAGE, half, half, self->seed));
	munmap(map, half * PAN_PAGE);
	close(fd);
}

TEST_HARNESS_MAIN
