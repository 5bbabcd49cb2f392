/* SPDX-License-Identifier: GPL-2.0 or MIT */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM panthor_reclaim

#if !defined(__PANTHOR_RECLAIM_TRACE_H__) || defined(TRACE_HEADER_MULTI_READ)
#define __PANTHOR_RECLAIM_TRACE_H__

#include <linux/tracepoint.h>
#include <linux/types.h>

#include "panthor_reclaim_private.h"

/**
 * panthor_reclaim_scan_begin - A scan starts
 * @reclaim: The device's reclaim.
 * @scan: The scan.
 */
TRACE_EVENT(panthor_reclaim_scan_begin,
	TP_PROTO(const struct panthor_reclaim *reclaim,
		 const struct panthor_reclaim_scan *scan),
	TP_ARGS(reclaim, scan),
	TP_STRUCT__entry(
		__string(dev, reclaim->name)
		__field(u64, seq)
		__field(unsigned long, target)
		__field(u64, budget_ns)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->seq = scan->seq;
		__entry->target = scan->target;
		__entry->budget_ns = scan->budget_ns;
	),
	TP_printk("dev=%s scan=%llu target=%lu budget_ns=%llu",
		  __get_str(dev), __entry->seq, __entry->target, __entry->budget_ns)
);

/**
 * panthor_reclaim_scan_end - A scan is over
 * @reclaim: The device's reclaim.
 * @scan: The scan.
 */
TRACE_EVENT(panthor_reclaim_scan_end,
	TP_PROTO(const struct panthor_reclaim *reclaim,
		 const struct panthor_reclaim_scan *scan),
	TP_ARGS(reclaim, scan),
	TP_STRUCT__entry(
		__string(dev, reclaim->name)
		__field(u64, seq)
		__field(unsigned long, target)
		__field(unsigned long, scanned)
		__field(unsigned long, evicted)
		__field(unsigned long, freed)
		__field(unsigned long, writeback)
		__field(bool, contended)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->seq = scan->seq;
		__entry->target = scan->target;
		__entry->scanned = scan->scanned;
		__entry->evicted = scan->evicted;
		__entry->freed = scan->freed;
		__entry->writeback = scan->writeback;
		__entry->contended = scan->contended;
	),
	TP_printk("dev=%s scan=%llu target=%lu scanned=%lu evicted=%lu freed=%lu writeback=%lu contended=%d",
		  __get_str(dev), __entry->seq, __entry->target, __entry->scanned,
		  __entry->evicted, __entry->freed, __entry->writeback, __entry->contended)
);

/**
 * panthor_reclaim_vm - A scan is done with a VM
 * @reclaim: The device's reclaim.
 * @scan: The scan.
 * @vm: The VM.
 * @result: 0, or why it was skipped.
 * @pending: Number of unfinished fences if it was busy.
 */
TRACE_EVENT(panthor_reclaim_vm,
	TP_PROTO(const struct panthor_reclaim *reclaim,
		 const struct panthor_reclaim_scan *scan,
		 const struct panthor_reclaim_vm *vm, int result, unsigned int pending),
	TP_ARGS(reclaim, scan, vm, result, pending),
	TP_STRUCT__entry(
		__string(dev, reclaim->name)
		__field(u64, seq)
		__field(const void *, vm)
		__field(unsigned long, nr_bos)
		__field(int, result)
		__field(unsigned int, pending)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->seq = scan->seq;
		__entry->vm = vm;
		__entry->nr_bos = vm->nr_bos;
		__entry->result = result;
		__entry->pending = pending;
	),
	TP_printk("dev=%s scan=%llu vm=%p result=%d pending=%u left_bos=%lu",
		  __get_str(dev), __entry->seq, __entry->vm, __entry->result,
		  __entry->pending, __entry->nr_bos)
);

/**
 * panthor_reclaim_evict - A scan tried to evict a BO
 * @reclaim: The device's reclaim.
 * @scan: The scan.
 * @bo: The BO.
 * @class: The class the scan found it in.
 * @result: 0, or why it was skipped.
 */
TRACE_EVENT(panthor_reclaim_evict,
	TP_PROTO(const struct panthor_reclaim *reclaim,
		 const struct panthor_reclaim_scan *scan,
		 const struct panthor_reclaim_bo *bo,
		 enum panthor_reclaim_class class, int result),
	TP_ARGS(reclaim, scan, bo, class, result),
	TP_STRUCT__entry(
		__string(dev, reclaim->name)
		__field(u64, seq)
		__field(const void *, bo)
		__field(unsigned long, nr_pages)
		__field(int, class)
		__field(int, result)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->seq = scan->seq;
		__entry->bo = bo;
		__entry->nr_pages = bo->nr_pages;
		__entry->class = class;
		__entry->result = result;
	),
	TP_printk("dev=%s scan=%llu bo=%p pages=%lu class=%s result=%d",
		  __get_str(dev), __entry->seq, __entry->bo, __entry->nr_pages,
		  __print_symbolic(__entry->class,
				   { PANTHOR_RECLAIM_UNUSED, "unused" },
				   { PANTHOR_RECLAIM_MMAPPED, "mmapped" },
				   { PANTHOR_RECLAIM_PRIVATE, "private" },
				   { PANTHOR_RECLAIM_SHARED, "shared" }),
		  __entry->result)
);

/**
 * panthor_reclaim_wait - A scan waited for jobs
 * @reclaim: The device's reclaim.
 * @scan: The scan.
 * @ns: How long, in nanoseconds.
 * @result: 0, or -ETIME if the jobs took longer.
 */
TRACE_EVENT(panthor_reclaim_wait,
	TP_PROTO(const struct panthor_reclaim *reclaim,
		 const struct panthor_reclaim_scan *scan, u64 ns, int result),
	TP_ARGS(reclaim, scan, ns, result),
	TP_STRUCT__entry(
		__string(dev, reclaim->name)
		__field(u64, seq)
		__field(u64, ns)
		__field(u64, budget_ns)
		__field(int, result)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->seq = scan->seq;
		__entry->ns = ns;
		__entry->budget_ns = scan->budget_ns;
		__entry->result = result;
	),
	TP_printk("dev=%s scan=%llu ns=%llu left_ns=%llu result=%d",
		  __get_str(dev), __entry->seq, __entry->ns, __entry->budget_ns,
		  __entry->result)
);

/**
 * panthor_reclaim_restore - The evicted mappings of a VM were restored
 * @reclaim: The device's reclaim.
 * @vm: The VM.
 * @nr_vmas: Number of mappings.
 * @ns: Time it took, preparing their page tables included, in nanoseconds.
 * @result: 0, or why not all of them were.
 */
TRACE_EVENT(panthor_reclaim_restore,
	TP_PROTO(const struct panthor_reclaim *reclaim,
		 const struct panthor_reclaim_vm *vm, unsigned long nr_vmas,
		 u64 ns, int result),
	TP_ARGS(reclaim, vm, nr_vmas, ns, result),
	TP_STRUCT__entry(
		__string(dev, reclaim->name)
		__field(const void *, vm)
		__field(unsigned long, nr_vmas)
		__field(u64, ns)
		__field(int, result)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->vm = vm;
		__entry->nr_vmas = nr_vmas;
		__entry->ns = ns;
		__entry->result = result;
	),
	TP_printk("dev=%s vm=%p vmas=%lu ns=%llu result=%d",
		  __get_str(dev), __entry->vm, __entry->nr_vmas, __entry->ns,
		  __entry->result)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH reclaim
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE panthor_reclaim_trace

#include <trace/define_trace.h>
