// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Unit tests of the software Mali CSF GPU: tiler heap.
 *
 * Four chunks of one page each are in the data of the fixture, behind the
 * tiler context, the heap descriptor and the heap context. A draw of 248
 * vertices takes nearly all of a chunk.
 */

#include "panthor_fw_regs.h"
#include "pmodel_test.h"

#define TILER_CTX	TEST_DATA
#define HEAP_DESC	(TEST_DATA + 64)
#define HEAP_CTX	(TEST_DATA + 128)
#define CHUNK(n)	((TEST_DATA + (1 + (n)) * PAGE_SIZE) | 1)
#define CHUNK_VERTICES	248

#define OP_STARTED	0
#define OP_FINISHED	1

struct heap {
	u64 free;
	u32 started, finished, fragments;
};

static u64 *chunk_header(struct pmodel_test *t, u32 n)
{
	return t->data + (1 + n) * PAGE_SIZE;
}

static struct heap *heap_ctx(struct pmodel_test *t)
{
	return t->data + 128;
}

static u64 *tiler_ctx(struct pmodel_test *t)
{
	return t->data;
}

/* A heap whose first chunk is in use and linked to the second. */
static struct pmodel_test *heap_create(struct kunit *test)
{
	struct pmodel_test *t = pmodel_test_create(test);
	u64 *desc;

	pmodel_test_start(t);
	desc = t->data + 64;
	tiler_ctx(t)[3] = HEAP_DESC;
	desc[1] = CHUNK(0) & PAGE_MASK;
	desc[2] = (CHUNK(0) & PAGE_MASK) + 64;
	desc[3] = (CHUNK(0) & PAGE_MASK) + PAGE_SIZE;
	*chunk_header(t, 0) = CHUNK(1);
	return t;
}

static void draw(struct pmodel_test *t, u32 chunks)
{
	const u64 insns[] = {
		MOV48(0, HEAP_CTX), HEAP_SET(0), HEAP_OPERATION(OP_STARTED),
		MOV48(40, TILER_CTX), MOV32(33, chunks * CHUNK_VERTICES), MOV32(34, 1),
		RUN_IDVS(), MOV32(60, 1),
	};

	pmodel_test_cs(t)->ctx.regs[60] = 0;
	pmodel_test_job(t, insns, ARRAY_SIZE(insns));
}

static bool drawn(struct pmodel_test *t)
{
	return pmodel_test_cs(t)->ctx.regs[60];
}

static void draw_uses_linked_chunks_first(struct kunit *test)
{
	struct pmodel_test *t = heap_create(test);

	draw(t, 2);
	KUNIT_EXPECT_TRUE(test, drawn(t));
	KUNIT_EXPECT_EQ(test, CHUNK(0), tiler_ctx(t)[5]);
	KUNIT_EXPECT_EQ(test, CHUNK(1), tiler_ctx(t)[6]);
	KUNIT_EXPECT_EQ(test, 0, pmodel_counter(t->pm, tiler_ooms));
}

static void empty_heap_asks_the_driver(struct kunit *test)
{
	struct pmodel_test *t = heap_create(test);
	struct panthor_fw_cs_output_iface *out = pmodel_test_cs_out(t);

	draw(t, 3);
	KUNIT_EXPECT_FALSE(test, drawn(t));
	KUNIT_ASSERT_TRUE(test, pmodel_test_event(t, CS_TILER_OOM));
	KUNIT_EXPECT_EQ(test, 1, pmodel_counter(t->pm, tiler_ooms));
	KUNIT_EXPECT_EQ(test, HEAP_CTX, out->heap_address);
	KUNIT_EXPECT_EQ(test, 1, out->heap_vt_start);
	KUNIT_EXPECT_EQ(test, 0, out->heap_vt_end);
	KUNIT_EXPECT_EQ(test, 0, out->heap_frag_end);
}

static void chunk_from_the_driver_is_linked_and_used(struct kunit *test)
{
	struct pmodel_test *t = heap_create(test);

	draw(t, 3);
	pmodel_test_cs_in(t)->heap_start = CHUNK(2);
	pmodel_test_ack(t, CS_TILER_OOM);
	KUNIT_EXPECT_TRUE(test, drawn(t));
	KUNIT_EXPECT_EQ(test, CHUNK(2), *chunk_header(t, 1));
	KUNIT_EXPECT_EQ(test, CHUNK(2), tiler_ctx(t)[6]);
}

static void refusal_without_a_way_out_faults(struct kunit *test)
{
	struct pmodel_test *t = heap_create(test);

	draw(t, 3);
	pmodel_test_cs_in(t)->heap_start = 0;
	pmodel_test_ack(t, CS_TILER_OOM);
	KUNIT_ASSERT_TRUE(test, pmodel_test_event(t, CS_FAULT));
	KUNIT_EXPECT_EQ(test, DRM_PANTHOR_EXCEPTION_OOM,
			CS_EXCEPTION_TYPE(pmodel_test_cs_out(t)->fault));
	pmodel_test_ack(t, CS_FAULT);
	KUNIT_EXPECT_FALSE(test, drawn(t));
	KUNIT_EXPECT_EQ(test, t->ring_in->insert, t->ring_out->extract);
}

static void refused_draw_waits_for_fragment_jobs(struct kunit *test)
{
	struct pmodel_test *t = heap_create(test);

	/* A pass whose fragment job is due. */
	heap_ctx(t)->started = 1;
	heap_ctx(t)->finished = 1;
	draw(t, 3);
	pmodel_test_cs_in(t)->heap_start = 0;
	pmodel_test_ack(t, CS_TILER_OOM);
	KUNIT_EXPECT_EQ(test, PMODEL_CS_STALLED, pmodel_test_cs(t)->state);

	/* It returns a chunk. */
	heap_ctx(t)->fragments = 1;
	heap_ctx(t)->free = CHUNK(3);
	pmodel_test_run(t);
	KUNIT_EXPECT_TRUE(test, drawn(t));
	KUNIT_EXPECT_EQ(test, 0, heap_ctx(t)->free);
}

static void refused_draw_calls_the_exception_handler(struct kunit *test)
{
	struct pmodel_test *t = heap_create(test);
	u64 *handler = t->code + 256;
	const u64 insns[] = {
		MOV48(10, TEST_CODE + 256 * sizeof(u64)), MOV32(12, 3 * sizeof(u64)),
		SET_HANDLER(10, 12),
		MOV48(0, HEAP_CTX), HEAP_SET(0), HEAP_OPERATION(OP_STARTED),
		MOV48(40, TILER_CTX), MOV32(33, 3 * CHUNK_VERTICES), MOV32(34, 1),
		RUN_IDVS(), MOV32(60, 1),
	};

	/* Incremental rendering: give chunk 3 back. */
	handler[0] = MOV48(14, CHUNK(3));
	handler[1] = FINISH_FRAGMENT(14, 14);
	handler[2] = ADD32(61, 61, 1);
	pmodel_test_job(t, insns, ARRAY_SIZE(insns));
	pmodel_test_cs_in(t)->heap_start = 0;
	pmodel_test_ack(t, CS_TILER_OOM);
	KUNIT_EXPECT_EQ(test, 1, pmodel_test_cs(t)->ctx.regs[61]);
	KUNIT_EXPECT_TRUE(test, drawn(t));
}

static void draw_survives_a_suspend_while_it_waits(struct kunit *test)
{
	struct pmodel_test *t = heap_create(test);

	draw(t, 3);
	KUNIT_ASSERT_TRUE(test, pmodel_test_event(t, CS_TILER_OOM));
	pmodel_test_request(t, CSG_STATE_SUSPEND, CSG_STATE_MASK);
	t->ring_in->extract = t->ring_out->extract;
	pmodel_test_request(t, CSG_STATE_RESUME, CSG_STATE_MASK);

	/* The driver is asked again. */
	KUNIT_ASSERT_TRUE(test, pmodel_test_event(t, CS_TILER_OOM));
	KUNIT_EXPECT_EQ(test, 2, pmodel_counter(t->pm, tiler_ooms));
	pmodel_test_cs_in(t)->heap_start = CHUNK(2);
	pmodel_test_ack(t, CS_TILER_OOM);
	KUNIT_EXPECT_TRUE(test, drawn(t));
}

static void finished_passes_give_their_chunks_back(struct kunit *test)
{
	struct pmodel_test *t = heap_create(test);
	const u64 insns[] = {
		FINISH_TILING(), HEAP_OPERATION(OP_FINISHED),
		MOV48(14, TILER_CTX), LOAD(50, 0xf, 14, 40), FINISH_FRAGMENT(50, 52),
	};

	draw(t, 2);
	pmodel_test_job(t, insns, ARRAY_SIZE(insns));
	KUNIT_EXPECT_EQ(test, CHUNK(0), heap_ctx(t)->free);
	KUNIT_EXPECT_EQ(test, CHUNK(1), *chunk_header(t, 0));
	KUNIT_EXPECT_EQ(test, 0, *chunk_header(t, 1));
	KUNIT_EXPECT_EQ(test, 1, heap_ctx(t)->fragments);

	/* The next pass begins with one of them. */
	memset(&tiler_ctx(t)[5], 0, 16);
	draw(t, 2);
	KUNIT_EXPECT_TRUE(test, drawn(t));
	KUNIT_EXPECT_EQ(test, CHUNK(0), tiler_ctx(t)[5]);
	KUNIT_EXPECT_EQ(test, 0, heap_ctx(t)->free);
	KUNIT_EXPECT_EQ(test, 0, pmodel_counter(t->pm, tiler_ooms));
}

static void unused_chunks_are_free_when_tiling_ends(struct kunit *test)
{
	struct pmodel_test *t = heap_create(test);
	const u64 insns[] = { FINISH_TILING() };

	draw(t, 1);
	pmodel_test_job(t, insns, ARRAY_SIZE(insns));
	KUNIT_EXPECT_EQ(test, CHUNK(1), heap_ctx(t)->free);
	KUNIT_EXPECT_EQ(test, 0, *chunk_header(t, 0));
}

static void ring_of_chunks_is_no_endless_loop(struct kunit *test)
{
	struct pmodel_test *t = heap_create(test);
	const u64 insns[] = {
		MOV48(0, HEAP_CTX), HEAP_SET(0), MOV48(14, CHUNK(1)), FINISH_FRAGMENT(14, 14),
	};

	*chunk_header(t, 1) = CHUNK(0);
	pmodel_test_job(t, insns, ARRAY_SIZE(insns));
	KUNIT_EXPECT_TRUE(test, pmodel_test_event(t, CS_FAULT));
}

struct count_case {
	u32 operation;
	u32 started, finished, fragments;
	bool fatal;
};

/* The numbers of Mesa's v10.xml: there is no operation 2. */
static const struct count_case count_cases[] = {
	{ 0, 1, 0, 0, false },
	{ 1, 0, 1, 0, false },
	{ 2, 0, 0, 0, true },
	{ 3, 0, 0, 1, false },
};

static void count_desc(const struct count_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "operation %u", c->operation);
}

KUNIT_ARRAY_PARAM(count, count_cases, count_desc);

static void operation_counts_passes(struct kunit *test)
{
	const struct count_case *c = test->param_value;
	struct pmodel_test *t = heap_create(test);
	const u64 insns[] = { MOV48(0, HEAP_CTX), HEAP_SET(0), HEAP_OPERATION(c->operation) };

	pmodel_test_job(t, insns, ARRAY_SIZE(insns));
	KUNIT_EXPECT_EQ(test, c->started, heap_ctx(t)->started);
	KUNIT_EXPECT_EQ(test, c->finished, heap_ctx(t)->finished);
	KUNIT_EXPECT_EQ(test, c->fragments, heap_ctx(t)->fragments);
	KUNIT_EXPECT_EQ(test, c->fatal, pmodel_test_event(t, CS_FATAL));
}

static struct kunit_case tiler_cases[] = {
	KUNIT_CASE_PARAM(operation_counts_passes, count_gen_params),
	KUNIT_CASE(draw_uses_linked_chunks_first),
	KUNIT_CASE(empty_heap_asks_the_driver),
	KUNIT_CASE(chunk_from_the_driver_is_linked_and_used),
	KUNIT_CASE(refusal_without_a_way_out_faults),
	KUNIT_CASE(refused_draw_waits_for_fragment_jobs),
	KUNIT_CASE(refused_draw_calls_the_exception_handler),
	KUNIT_CASE(draw_survives_a_suspend_while_it_waits),
	KUNIT_CASE(finished_passes_give_their_chunks_back),
	KUNIT_CASE(unused_chunks_are_free_when_tiling_ends),
	KUNIT_CASE(ring_of_chunks_is_no_endless_loop),
	{}
};

static struct kunit_suite tiler_suite = {
	.name = "panthor_model_tiler",
	.test_cases = tiler_cases,
};

kunit_test_suite(tiler_suite);
