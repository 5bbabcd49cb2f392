// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: the tiler heap.
 *
 * Nothing is binned, but memory is taken from the heap as if it were, so that
 * heaps grow, run out, and get their chunks back.
 *
 * A draw names a tiler context, which points to a heap descriptor: the chunk
 * that is being filled, from "bottom" to "top". A chunk begins with the address
 * of the next one. When a chunk is full, the next is, in this order: the one it
 * is linked to; one that the driver has given; one from the free list in the
 * heap context (HEAP_SET). If there is none, the driver is asked (tiler OOM).
 * If it refuses, the draw waits as long as fragment jobs are due that will
 * return chunks; if none is, it calls the exception handler of the stream, once,
 * and asks again; after that it faults.
 *
 * FINISH_TILING closes the chunk in use. FINISH_FRAGMENT puts the chunks of a
 * render pass, first to last as recorded in the tiler context, on the free list.
 *
 * A chunk is written as address | size >> 12, as the driver does it.
 */

#include "pmodel_insn.h"

/* Fields of the tiler context. */
#define CTX_HEAP		24
#define CTX_COMPLETED		40	/* first and last chunk */

/* Fields of the heap descriptor. */
#define DESC_BASE		8

#define CHUNK_ADDR		GENMASK_ULL(63, 12)
#define CHUNK_SIZE(v)		(((v) & ~CHUNK_ADDR) << 12)
#define CHUNK_HEADER		64

/* Longest chain of chunks, against chains that are rings. */
#define CHAIN_MAX		1024

/* What one step of a draw takes from the heap, to keep it short. */
#define STEP_BYTES		SZ_64K

enum { HEAP_OP_STARTED = 0, HEAP_OP_FINISHED = 1, HEAP_OP_FRAGMENT = 3 };

/**
 * struct pmodel_heap - The heap context, in memory
 * @free: First chunk of the free list, 0 if it is empty.
 * @counts: Render passes.
 */
struct pmodel_heap {
	u64 free;
	struct pmodel_heap_counts counts;
};

/* The driver sets 32 bytes aside. */
static_assert(sizeof(struct pmodel_heap) <= 32);

/**
 * struct pmodel_heap_desc - The part of the heap descriptor that changes
 * @base: Address of the chunk.
 * @bottom: First address not used yet.
 * @top: End of the chunk.
 */
struct pmodel_heap_desc {
	u64 base;
	u64 bottom;
	u64 top;
};

static enum pmodel_step pmodel_desc_read(struct pmodel_exec *x, struct pmodel_heap_desc *desc)
{
	return pmodel_exec_read(x, x->cs->ctx.tiler_desc + DESC_BASE, desc, sizeof(*desc));
}

static enum pmodel_step pmodel_desc_write(struct pmodel_exec *x,
					  const struct pmodel_heap_desc *desc)
{
	return pmodel_exec_write(x, x->cs->ctx.tiler_desc + DESC_BASE, desc, sizeof(*desc));
}

static enum pmodel_step pmodel_desc_touch(struct pmodel_exec *x)
{
	return pmodel_exec_touch(x, x->cs->ctx.tiler_desc + DESC_BASE,
				 sizeof(struct pmodel_heap_desc), PMODEL_WRITE);
}

static enum pmodel_step pmodel_heap_read(struct pmodel_exec *x, struct pmodel_heap *heap)
{
	memset(heap, 0, sizeof(*heap));
	if (!x->cs->ctx.heap)
		return PMODEL_STEP_RETIRE;
	return pmodel_exec_read(x, x->cs->ctx.heap, heap, sizeof(*heap));
}

static enum pmodel_step pmodel_heap_write(struct pmodel_exec *x, const struct pmodel_heap *heap)
{
	return pmodel_exec_write(x, x->cs->ctx.heap, heap, sizeof(*heap));
}

static enum pmodel_step pmodel_chunk_next(struct pmodel_exec *x, u64 chunk, u64 *next)
{
	*next = 0;
	if (!(chunk & CHUNK_ADDR))
		return PMODEL_STEP_RETIRE;
	return pmodel_exec_read(x, chunk & CHUNK_ADDR, next, sizeof(*next));
}

static enum pmodel_step pmodel_chunk_link(struct pmodel_exec *x, u64 chunk, u64 next)
{
	if (!(chunk & CHUNK_ADDR))
		return PMODEL_STEP_RETIRE;
	return pmodel_exec_write(x, chunk & CHUNK_ADDR, &next, sizeof(next));
}

static enum pmodel_step pmodel_chunk_touch(struct pmodel_exec *x, u64 chunk)
{
	if (!(chunk & CHUNK_ADDR))
		return PMODEL_STEP_RETIRE;
	return pmodel_exec_touch(x, chunk & CHUNK_ADDR, sizeof(u64), PMODEL_WRITE);
}

/* Last chunk of the chain that begins with @chunk. */
static enum pmodel_step pmodel_chain_end(struct pmodel_exec *x, u64 chunk, u64 *end)
{
	enum pmodel_step step;
	u64 next = chunk;
	u32 n;

	for (n = 0; next; n++) {
		if (n == CHAIN_MAX)
			return pmodel_exec_fault(x, DRM_PANTHOR_EXCEPTION_DATA_INVALID_FAULT,
						 chunk);
		*end = next;
		step = pmodel_chunk_next(x, next, &next);
		if (step != PMODEL_STEP_RETIRE)
			return step;
	}
	return PMODEL_STEP_RETIRE;
}

/* The heap is empty and there is no other way. */
static enum pmodel_step pmodel_tiler_refused(struct pmodel_exec *x, const struct pmodel_heap *heap)
{
	struct pmodel_cs_context *ctx = &x->cs->ctx;

	if ((s32)(heap->counts.finished - heap->counts.fragments) > 0)
		return PMODEL_STEP_STALL;

	if (ctx->oom_handler.pc != ctx->oom_handler.end && !ctx->oom_handled &&
	    ctx->depth && ctx->depth < PMODEL_CALL_DEPTH) {
		ctx->oom_handled = true;
		ctx->oom_refused = false;
		ctx->stack[ctx->depth++] = ctx->oom_handler;
		return PMODEL_STEP_AGAIN;
	}
	return pmodel_exec_fault(x, DRM_PANTHOR_EXCEPTION_OOM, ctx->heap);
}

static enum pmodel_step pmodel_tiler_out_of_memory(struct pmodel_exec *x,
						   const struct pmodel_heap *heap)
{
	if (!x->cs->ctx.heap)
		return pmodel_exec_fault(x, DRM_PANTHOR_EXCEPTION_OOM, 0);
	if (x->cs->ctx.oom_refused)
		return pmodel_tiler_refused(x, heap);

	x->cs->heap_counts = heap->counts;
	return PMODEL_STEP_OOM;
}

static enum pmodel_step pmodel_tiler_use_chunk(struct pmodel_exec *x, u64 chunk)
{
	struct pmodel_heap_desc desc = {
		.base = chunk & CHUNK_ADDR,
		.bottom = (chunk & CHUNK_ADDR) + CHUNK_HEADER,
		.top = (chunk & CHUNK_ADDR) + CHUNK_SIZE(chunk),
	};
	enum pmodel_step step;

	if (desc.bottom >= desc.top)
		return pmodel_exec_fault(x, DRM_PANTHOR_EXCEPTION_DATA_INVALID_FAULT, chunk);

	step = pmodel_desc_write(x, &desc);
	return step == PMODEL_STEP_RETIRE ? PMODEL_STEP_AGAIN : step;
}

/* Go to the next chunk: first find out that everything can be written. */
static enum pmodel_step pmodel_tiler_next_chunk(struct pmodel_exec *x,
						const struct pmodel_heap_desc *desc)
{
	struct pmodel_cs_context *ctx = &x->cs->ctx;
	struct pmodel_heap heap;
	enum pmodel_step step;
	u64 chunk, after;

	step = pmodel_chunk_next(x, desc->base, &chunk);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_desc_touch(x);
	if (step != PMODEL_STEP_RETIRE)
		return step;
	if (chunk)
		return pmodel_tiler_use_chunk(x, chunk);

	step = pmodel_heap_read(x, &heap);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_chunk_touch(x, desc->base);
	if (step != PMODEL_STEP_RETIRE)
		return step;

	if (ctx->oom_chunk) {
		chunk = ctx->oom_chunk;
		ctx->oom_chunk = 0;
	} else if (heap.free) {
		chunk = heap.free;
		step = pmodel_chunk_next(x, chunk, &after);
		if (step == PMODEL_STEP_RETIRE)
			step = pmodel_chunk_link(x, chunk, 0);
		if (step != PMODEL_STEP_RETIRE)
			return step;
		heap.free = after;
		step = pmodel_heap_write(x, &heap);
	} else {
		return pmodel_tiler_out_of_memory(x, &heap);
	}

	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_chunk_link(x, desc->base, chunk);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_tiler_use_chunk(x, chunk);
	return step;
}

/* Record the chunks of the render pass in the tiler context. */
static enum pmodel_step pmodel_tiler_record(struct pmodel_exec *x, u64 tiler,
					    const struct pmodel_heap_desc *desc)
{
	u64 completed[2], chunk = desc->base | (desc->top - desc->base) >> 12;
	enum pmodel_step step;

	step = pmodel_exec_read(x, tiler + CTX_COMPLETED, completed, sizeof(completed));
	if (step != PMODEL_STEP_RETIRE || completed[1] == chunk)
		return step;

	if (!completed[0])
		completed[0] = chunk;
	completed[1] = chunk;
	return pmodel_exec_write(x, tiler + CTX_COMPLETED, completed, sizeof(completed));
}

/* Take part of the room in the chunk, and write something to each page of it. */
static enum pmodel_step pmodel_tiler_take(struct pmodel_exec *x, u64 tiler,
					  struct pmodel_heap_desc *desc)
{
	struct pmodel_cs_context *ctx = &x->cs->ctx;
	u64 n = min3(ctx->tiler_left, desc->top - desc->bottom, (u64)STEP_BYTES);
	enum pmodel_step step;
	u64 va;

	step = pmodel_exec_touch(x, desc->bottom, n, PMODEL_WRITE);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_desc_touch(x);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_tiler_record(x, tiler, desc);
	if (step != PMODEL_STEP_RETIRE)
		return step;

	for (va = desc->bottom; va < desc->bottom + n && step == PMODEL_STEP_RETIRE;
	     va = ALIGN(va + 1, PAGE_SIZE))
		step = pmodel_exec_write(x, ALIGN_DOWN(va, sizeof(va)), &va, sizeof(va));
	if (step != PMODEL_STEP_RETIRE)
		return step;

	desc->bottom += n;
	ctx->tiler_left -= n;
	return pmodel_desc_write(x, desc);
}

static void pmodel_tiler_begin(struct pmodel_cs_context *ctx, u64 bytes)
{
	ctx->tiler_busy = true;
	ctx->oom_refused = false;
	ctx->oom_handled = false;
	ctx->tiler_left = ALIGN(max(bytes, 1ull), 64);
}

/**
 * pmodel_tiler_draw() - Take memory from the heap for a draw
 * @x: RUN_IDVS.
 * @tiler: Address of the tiler context; with 0 nothing is taken.
 * @bytes: What to take when the draw begins.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: PMODEL_STEP_RETIRE, PMODEL_STEP_AGAIN while it is not done, or what
 * the instruction has to return.
 */
enum pmodel_step pmodel_tiler_draw(struct pmodel_exec *x, u64 tiler, u64 bytes)
{
	struct pmodel_cs_context *ctx = &x->cs->ctx;
	struct pmodel_heap_desc desc;
	enum pmodel_step step;
	u64 desc_va;

	if (!tiler)
		return PMODEL_STEP_RETIRE;

	step = pmodel_exec_read(x, tiler + CTX_HEAP, &desc_va, sizeof(desc_va));
	if (step != PMODEL_STEP_RETIRE)
		return step;
	if (!desc_va)
		return pmodel_exec_fault(x, DRM_PANTHOR_EXCEPTION_DATA_INVALID_FAULT, tiler);

	if (!ctx->tiler_busy)
		pmodel_tiler_begin(ctx, bytes);
	ctx->tiler_desc = desc_va;

	step = pmodel_desc_read(x, &desc);
	if (step != PMODEL_STEP_RETIRE)
		return step;
	if (desc.bottom >= desc.top)
		return pmodel_tiler_next_chunk(x, &desc);

	step = pmodel_tiler_take(x, tiler, &desc);
	if (step != PMODEL_STEP_RETIRE)
		return step;
	if (ctx->tiler_left)
		return PMODEL_STEP_AGAIN;
	ctx->tiler_busy = false;
	return PMODEL_STEP_RETIRE;
}

/* Chunks linked behind the one in use go to the free list. */
static enum pmodel_step pmodel_tiler_detach(struct pmodel_exec *x,
					    const struct pmodel_heap_desc *desc)
{
	struct pmodel_heap heap;
	enum pmodel_step step;
	u64 rest, end = 0;

	step = pmodel_chunk_next(x, desc->base, &rest);
	if (step != PMODEL_STEP_RETIRE || !rest || !x->cs->ctx.heap)
		return step;

	step = pmodel_chain_end(x, rest, &end);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_chunk_touch(x, end);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_chunk_touch(x, desc->base);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_heap_read(x, &heap);
	if (step != PMODEL_STEP_RETIRE)
		return step;

	swap(heap.free, rest);
	step = pmodel_heap_write(x, &heap);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_chunk_link(x, end, rest);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_chunk_link(x, desc->base, 0);
	return step;
}

/**
 * pmodel_tiler_finish() - End the tiling of a render pass
 * @x: FINISH_TILING.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: PMODEL_STEP_RETIRE, or what the instruction has to return.
 */
enum pmodel_step pmodel_tiler_finish(struct pmodel_exec *x)
{
	struct pmodel_cs_context *ctx = &x->cs->ctx;
	struct pmodel_heap_desc desc;
	enum pmodel_step step;

	if (!ctx->tiler_desc)
		return PMODEL_STEP_RETIRE;

	step = pmodel_desc_read(x, &desc);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_desc_touch(x);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_tiler_detach(x, &desc);
	if (step != PMODEL_STEP_RETIRE)
		return step;

	/* The chunk is going to be returned: nothing may be linked to it. */
	memset(&desc, 0, sizeof(desc));
	step = pmodel_desc_write(x, &desc);
	if (step == PMODEL_STEP_RETIRE)
		ctx->tiler_desc = 0;
	return step;
}

/**
 * pmodel_tiler_finish_fragment() - Return the chunks of a render pass
 * @x: FINISH_FRAGMENT.
 * @first: First chunk; with 0 there are none.
 * @last: Last chunk.
 * @completed: Also count the fragment job as finished.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: PMODEL_STEP_RETIRE, or what the instruction has to return.
 */
enum pmodel_step pmodel_tiler_finish_fragment(struct pmodel_exec *x, u64 first, u64 last,
					      bool completed)
{
	struct pmodel_heap heap;
	enum pmodel_step step;
	u64 end = 0;

	if (!x->cs->ctx.heap)
		return PMODEL_STEP_RETIRE;

	step = pmodel_heap_read(x, &heap);
	if (step == PMODEL_STEP_RETIRE && first)
		step = pmodel_chain_end(x, last, &end);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_chunk_touch(x, end);
	if (step != PMODEL_STEP_RETIRE)
		return step;

	if (completed)
		heap.counts.fragments++;
	if (first)
		swap(heap.free, first);
	step = pmodel_heap_write(x, &heap);
	if (step == PMODEL_STEP_RETIRE)
		step = pmodel_chunk_link(x, end, first);
	return step;
}

/**
 * pmodel_tiler_heap_operation() - Count render passes
 * @x: HEAP_OPERATION.
 * @operation: 0 tiling started, 1 tiling finished, 3 fragment job finished.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: PMODEL_STEP_RETIRE, or what the instruction has to return.
 */
enum pmodel_step pmodel_tiler_heap_operation(struct pmodel_exec *x, u32 operation)
{
	struct pmodel_heap heap;
	enum pmodel_step step;

	if (!x->cs->ctx.heap)
		return PMODEL_STEP_RETIRE;

	step = pmodel_heap_read(x, &heap);
	if (step != PMODEL_STEP_RETIRE)
		return step;

	switch (operation) {
	case HEAP_OP_STARTED:
		heap.counts.started++;
		break;
	case HEAP_OP_FINISHED:
		heap.counts.finished++;
		break;
	case HEAP_OP_FRAGMENT:
		heap.counts.fragments++;
		break;
	default:
		return pmodel_exec_fatal(x, DRM_PANTHOR_EXCEPTION_CS_INSTR_INVALID, x->insn);
	}
	return pmodel_heap_write(x, &heap);
}

/**
 * pmodel_tiler_report() - Write what the driver needs to answer a tiler OOM
 * @pm: Model.
 * @csg: Slot.
 * @c: Index of the stream.
 *
 * Context: pmodel_csg::lock held. Takes pmodel::lock. Does not sleep.
 */
void pmodel_tiler_report(struct pmodel *pm, struct pmodel_csg *csg, u32 c)
{
	const struct pmodel_cs *cs = &csg->cs[c];
	u32 g = csg->index;

	pmodel_iface_write(pm, PMODEL_CS_OUT_FIELD(g, c, heap_vt_start),
			   cs->heap_counts.started);
	pmodel_iface_write(pm, PMODEL_CS_OUT_FIELD(g, c, heap_vt_end), cs->heap_counts.finished);
	pmodel_iface_write(pm, PMODEL_CS_OUT_FIELD(g, c, heap_frag_end),
			   cs->heap_counts.fragments);
	pmodel_mcu_write(pm, PMODEL_SHARED_VA + PMODEL_CS_OUT_FIELD(g, c, heap_address),
			 &cs->ctx.heap, sizeof(cs->ctx.heap));
}

/**
 * pmodel_tiler_answer() - Take the driver's answer to a tiler OOM
 * @cs: Stream.
 * @chunk: Chunk the driver gives, 0 if it refuses.
 *
 * Context: pmodel_csg::lock held.
 */
void pmodel_tiler_answer(struct pmodel_cs *cs, u64 chunk)
{
	cs->ctx.oom_chunk = chunk;
	cs->ctx.oom_refused = !chunk;
}
