// SPDX-License-Identifier: GPL-2.0
/*
 * BOs in 2 MiB folios: mapped by 2 MiB blocks of the GPU's page table, evicted,
 * swapped out, brought back, and unmapped in part.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/pan_cgroup.h"
#include "lib/pan_ctx.h"
#include "lib/pan_file.h"
#include "lib/pan_harness.h"
#include "lib/pan_mem.h"
#include "lib/pan_model.h"
#include "lib/pan_pattern.h"

#define THP_DIR		"/sys/kernel/mm/transparent_hugepage"
#define THP_STATS	THP_DIR "/hugepages-2048kB/stats"
#define THP_PARAMETER	"/sys/module/panthor/parameters/transparent_hugepage"

#define BLOCK		(2 * PAN_MIB)
#define BLOCKS		4ull
#define SIZE		(BLOCKS * BLOCK)
#define PAGES		(SIZE / PAN_PAGE)

/* A job goes on until the fence is seen; the driver lets go a little later. */
#define EVICT_TRIES	50
#define EVICT_PAUSE_MS	20

FIXTURE(hugepage)
{
	struct pan_dev dev;
	struct pan_ctx ctx;
	struct pan_cgroup cgroup;
	struct pan_bo bo;
	uint64_t huge_before;
	uint32_t seed;
	uint32_t steps;
	char defrag[64];
};

static uint64_t thp_stat(const char *name)
{
	char path[128];
	uint64_t value = 0;

	snprintf(path, sizeof(path), THP_STATS "/%s", name);
	pan_read_u64(path, &value);
	return value;
}

/* The kernel shows what is chosen in brackets: that word alone can be written. */
static void save_choice(const char *path, char *choice, size_t size)
{
	char text[128], *open, *close;

	choice[0] = 0;
	if (pan_read_file(path, text, sizeof(text)) < 0)
		return;
	open = strchr(text, '[');
	close = open ? strchr(open, ']') : NULL;
	if (close)
		snprintf(choice, size, "%.*s", (int)(close - open - 1), open + 1);
}

FIXTURE_SETUP(hugepage)
{
	char text[8] = "";

	PAN_OPEN_OR_SKIP(&self->dev);
	if (!pan_file_exists(THP_STATS "/shmem_alloc"))
		SKIP(return, "this kernel has no transparent huge pages of 2 MiB for shmem");
	if (pan_read_file(THP_PARAMETER, text, sizeof(text)) > 0 && text[0] == 'N')
		SKIP(return, "panthor was told not to use huge pages");
	if (pan_cgroup_create(&self->cgroup, "hugepage"))
		SKIP(return, "there is no memory cgroup");
	ASSERT_OK(pan_cgroup_enter(&self->cgroup, 0));

	/* Huge pages are there for the asking, however the machine was used before. */
	save_choice(THP_DIR "/defrag", self->defrag, sizeof(self->defrag));
	pan_write_file(THP_DIR "/defrag", "always");
	pan_drop_caches();
	pan_write_file("/proc/sys/vm/compact_memory", "1");

	ASSERT_OK(pan_ctx_init(&self->ctx, &self->dev, 1));
	self->huge_before = thp_stat("shmem_alloc");
	ASSERT_OK(pan_ctx_bo(&self->ctx, SIZE, true, &self->bo));
	self->seed = pan_seed(7, 1);
}

FIXTURE_TEARDOWN(hugepage)
{
	struct pan_cgroup root = { .path = "/sys/fs/cgroup" };

	pan_ctx_bo_free(&self->ctx, &self->bo);
	pan_ctx_fini(&self->ctx);
	pan_close(&self->dev);
	pan_write_file(THP_DIR "/defrag", self->defrag);
	pan_cgroup_enter(&root, 0);
	pan_cgroup_remove(&self->cgroup);
}

static int fill(FIXTURE_DATA(hugepage) *self)
{
	pan_cs_fill(pan_ctx_begin(&self->ctx, 0), self->bo.va, SIZE, self->seed);
	self->steps = 0;
	return pan_ctx_run(&self->ctx, 0);
}

/* The GPU takes part of the buffer one step further. */
static int step(FIXTURE_DATA(hugepage) *self, uint64_t offset, uint64_t size)
{
	pan_cs_step(pan_ctx_begin(&self->ctx, 0), self->bo.va + offset, size);
	return pan_ctx_run(&self->ctx, 0);
}

/* The GPU must not reach memory that is not mapped. */
static int touch(FIXTURE_DATA(hugepage) *self, uint64_t offset)
{
	int ret;

	pan_cs_store32(pan_ctx_begin(&self->ctx, 0), self->bo.va + offset, 0xbad);
	ret = pan_ctx_submit(&self->ctx, 0);
	if (!ret)
		ret = pan_ctx_wait(&self->ctx, 0);
	if (pan_ctx_new_group(&self->ctx))
		return -EIO;
	return ret;
}

struct words {
	const volatile uint32_t *map;
	uint64_t first, end;
	uint32_t seed, steps;
	uint64_t wrong;
};

static void check_words(void *arg)
{
	struct words *w = arg;
	uint64_t i;

	for (i = w->first; i < w->end; i++)
		w->wrong += w->map[i] != pan_pattern(w->seed, i, w->steps);
}

/* The CPU compares part of the buffer. Wrong words, or -errno. */
static int64_t wrong_words(FIXTURE_DATA(hugepage) *self, uint64_t offset, uint64_t size,
			   uint32_t steps)
{
	bool mapped = self->bo.map;
	struct words w = {
		.first = offset / 4, .end = (offset + size) / 4,
		.seed = self->seed, .steps = steps,
	};
	int ret = pan_ctx_bo_map(&self->ctx, &self->bo);
	bool ok;

	if (ret)
		return ret;
	w.map = self->bo.map;
	ok = pan_catch_sigbus(check_words, &w);
	if (!mapped)
		pan_ctx_bo_unmap(&self->bo);
	return ok ? (int64_t)w.wrong : -EFAULT;
}

/* The driver's part of reclaim: no page of ours is held any more. */
static int evict(FIXTURE_DATA(hugepage) *self)
{
	uint64_t reclaimed, resident = 0;
	int tries, ret;

	for (tries = 0; tries < EVICT_TRIES; tries++) {
		ret = pan_shrink(&self->dev, 2 * PAGES, &reclaimed);
		if (!ret)
			ret = pan_gems_resident_of(&self->dev, getpid(), &resident);
		if (ret)
			return ret;
		if (!resident)
			return 0;
		pan_sleep_ms(EVICT_PAUSE_MS);
	}
	return pan_error(-EBUSY, "%llu bytes stay resident", (unsigned long long)resident);
}

/* The rest of it: what the driver let go goes to swap. */
static int swap_out(FIXTURE_DATA(hugepage) *self)
{
	uint64_t pages = pan_vmstat("pswpout"), whole = thp_stat("swpout"), shmem = 0;
	int tries, ret;

	ret = evict(self);
	for (tries = 0; !ret && tries < EVICT_TRIES; tries++) {
		shmem = pan_cgroup_key(&self->cgroup, "memory.stat", "shmem");
		if (shmem <= SIZE / 16)
			break;
		pan_cgroup_write(&self->cgroup, "memory.reclaim", "16M");
	}
	if (ret)
		return ret;
	if (tries == EVICT_TRIES)
		return pan_error(-EBUSY, "%llu bytes of shmem stay in memory",
				 (unsigned long long)shmem);
	printf("# %llu pages were written to swap, %llu huge folios among them whole\n",
	       (unsigned long long)(pan_vmstat("pswpout") - pages),
	       (unsigned long long)(thp_stat("swpout") - whole));
	return 0;
}

#define NEEDS_SHRINK() do { \
	if (!pan_can_shrink(&self->dev)) \
		SKIP(return, "the driver has no debugfs file to shrink it by"); \
	if (!pan_meminfo_pages("SwapTotal")) \
		SKIP(return, "there is no swap"); \
} while (0)

TEST_F(hugepage, bo_is_in_huge_folios)
{
	ASSERT_OK(fill(self));
	EXPECT_GE(thp_stat("shmem_alloc") - self->huge_before, BLOCKS);
	EXPECT_EQ(0, wrong_words(self, 0, SIZE, 0));
}

TEST_F(hugepage, gpu_maps_blocks)
{
	uint64_t misses;

	PAN_NEEDS_MODEL();
	ASSERT_OK(fill(self));
	misses = pan_model_count("tlb_misses");
	ASSERT_OK(step(self, 0, SIZE));
	misses = pan_model_count("tlb_misses") - misses;
	/* Mapped by pages, each of them is a miss. */
	EXPECT_LT(misses, PAGES / 8);
	EXPECT_EQ(0, wrong_words(self, 0, SIZE, 1));
}

TEST_F(hugepage, evicted_bo_comes_back)
{
	int i;

	NEEDS_SHRINK();
	ASSERT_OK(fill(self));
	for (i = 1; i <= 3; i++) {
		ASSERT_OK(evict(self));
		ASSERT_OK(step(self, 0, SIZE));
		ASSERT_EQ(0, wrong_words(self, 0, SIZE, i));
	}
}

TEST_F(hugepage, swapped_out_bo_comes_back_to_the_gpu)
{
	int i;

	NEEDS_SHRINK();
	ASSERT_OK(fill(self));
	for (i = 1; i <= 3; i++) {
		ASSERT_OK(swap_out(self));
		ASSERT_OK(step(self, 0, SIZE));
		ASSERT_EQ(0, wrong_words(self, 0, SIZE, i));
	}
}

TEST_F(hugepage, swapped_out_bo_comes_back_to_the_cpu)
{
	NEEDS_SHRINK();
	ASSERT_OK(fill(self));
	ASSERT_OK(pan_ctx_bo_map(&self->ctx, &self->bo));
	ASSERT_EQ(0, wrong_words(self, 0, SIZE, 0));
	ASSERT_OK(swap_out(self));
	EXPECT_EQ(0, wrong_words(self, 0, SIZE, 0));
	ASSERT_OK(step(self, 0, SIZE));
	EXPECT_EQ(0, wrong_words(self, 0, SIZE, 1));
}

/* Holes in the first block, across two blocks, and a whole block. */
static const struct {
	uint64_t offset, size;
} holes[] = {
	{ 64 << 10, PAN_PAGE },
	{ BLOCK - (64 << 10), 128 << 10 },
	{ 2 * BLOCK + PAN_PAGE, BLOCK - 2 * PAN_PAGE },
	{ 3 * BLOCK, BLOCK / 2 },
};

#define HOLES ARRAY_SIZE(holes)

/* Steps what is left around the holes, then checks all of it. */
static void check_around_holes(struct __test_metadata *_metadata,
			       FIXTURE_DATA(hugepage) *self, uint32_t steps)
{
	uint64_t offset = 0;
	unsigned int i;

	for (i = 0; i <= HOLES; i++) {
		uint64_t end = i < HOLES ? holes[i].offset : SIZE;

		if (end > offset)
			ASSERT_OK(step(self, offset, end - offset));
		offset = i < HOLES ? end + holes[i].size : SIZE;
	}

	offset = 0;
	for (i = 0; i <= HOLES; i++) {
		uint64_t end = i < HOLES ? holes[i].offset : SIZE;

		EXPECT_EQ(0, wrong_words(self, offset, end - offset, steps));
		if (i == HOLES)
			break;
		EXPECT_EQ(0, wrong_words(self, end, holes[i].size, 0));
		offset = end + holes[i].size;
	}
}

static void check_holes_fault(struct __test_metadata *_metadata,
			      FIXTURE_DATA(hugepage) *self)
{
	unsigned int i;

	for (i = 0; i < HOLES; i++) {
		EXPECT_NE(0, touch(self, holes[i].offset));
		EXPECT_NE(0, touch(self, holes[i].offset + holes[i].size - 4));
	}
}

static int punch_holes(FIXTURE_DATA(hugepage) *self)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < HOLES; i++)
		ret = pan_vm_unmap(&self->dev, self->ctx.vm, self->bo.va + holes[i].offset,
				   holes[i].size);
	return ret;
}

static int fill_holes(FIXTURE_DATA(hugepage) *self)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < HOLES; i++)
		ret = pan_vm_map(&self->dev, self->ctx.vm, self->bo.handle, holes[i].offset,
				 self->bo.va + holes[i].offset, holes[i].size, PAN_MAP_RW);
	return ret;
}

TEST_F(hugepage, part_of_a_block_is_unmapped)
{
	ASSERT_OK(fill(self));
	ASSERT_OK(punch_holes(self));
	check_around_holes(_metadata, self, 1);
	check_holes_fault(_metadata, self);
	check_around_holes(_metadata, self, 2);
}

TEST_F(hugepage, part_of_a_block_is_unmapped_while_it_is_evicted)
{
	NEEDS_SHRINK();
	ASSERT_OK(fill(self));
	ASSERT_OK(evict(self));
	ASSERT_OK(punch_holes(self));
	check_around_holes(_metadata, self, 1);
	check_holes_fault(_metadata, self);
	check_around_holes(_metadata, self, 2);
}

TEST_F(hugepage, part_of_a_block_is_unmapped_while_it_is_in_swap)
{
	NEEDS_SHRINK();
	ASSERT_OK(fill(self));
	ASSERT_OK(swap_out(self));
	ASSERT_OK(punch_holes(self));
	check_around_holes(_metadata, self, 1);
	check_holes_fault(_metadata, self);
	check_around_holes(_metadata, self, 2);
}

TEST_F(hugepage, block_with_holes_is_evicted)
{
	uint32_t i;

	NEEDS_SHRINK();
	ASSERT_OK(fill(self));
	ASSERT_OK(punch_holes(self));
	for (i = 1; i <= 2; i++) {
		ASSERT_OK(swap_out(self));
		check_around_holes(_metadata, self, i);
		check_holes_fault(_metadata, self);
	}
}

TEST_F(hugepage, holes_are_mapped_again_while_it_is_evicted)
{
	NEEDS_SHRINK();
	ASSERT_OK(fill(self));
	ASSERT_OK(punch_holes(self));
	ASSERT_OK(swap_out(self));
	ASSERT_OK(fill_holes(self));
	ASSERT_OK(step(self, 0, SIZE));
	EXPECT_EQ(0, wrong_words(self, 0, SIZE, 1));
	ASSERT_OK(swap_out(self));
	ASSERT_OK(step(self, 0, SIZE));
	EXPECT_EQ(0, wrong_words(self, 0, SIZE, 2));
}

TEST_F(hugepage, another_bo_is_mapped_over_part_of_a_block)
{
	uint64_t offset = BLOCK + (256 << 10);
	struct pan_bo small;

	NEEDS_SHRINK();
	ASSERT_OK(fill(self));
	ASSERT_OK(pan_ctx_bo(&self->ctx, 64 << 10, true, &small));
	ASSERT_OK(pan_vm_map(&self->dev, self->ctx.vm, small.handle, 0, self->bo.va + offset,
			     small.size, PAN_MAP_RW));
	ASSERT_OK(swap_out(self));

	pan_cs_fill(pan_ctx_begin(&self->ctx, 0), self->bo.va + offset, small.size, 5);
	ASSERT_OK(pan_ctx_run(&self->ctx, 0));
	ASSERT_OK(step(self, 0, SIZE));

	EXPECT_EQ(0, wrong_words(self, 0, offset, 1));
	EXPECT_EQ(0, wrong_words(self, offset, small.size, 0));
	EXPECT_EQ(0, wrong_words(self, offset + small.size, SIZE - offset - small.size, 1));
	ASSERT_OK(pan_ctx_bo_map(&self->ctx, &small));
	EXPECT_EQ(0, pan_pattern_check(small.map, small.size, 5, 1));
	pan_ctx_bo_free(&self->ctx, &small);
}

TEST_HARNESS_MAIN
