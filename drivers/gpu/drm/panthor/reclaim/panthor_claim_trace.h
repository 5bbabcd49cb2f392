/* SPDX-License-Identifier: GPL-2.0 or MIT */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM panthor_claim

#if !defined(__PANTHOR_CLAIM_TRACE_H__) || defined(TRACE_HEADER_MULTI_READ)
#define __PANTHOR_CLAIM_TRACE_H__

#include <linux/tracepoint.h>
#include <linux/types.h>

/**
 * panthor_claim_piece - A piece of a BO was brought in
 * @dev: The device's name.
 * @tgid: Whose memory it is.
 * @bo: Number of the BO in this claim.
 * @start: First page.
 * @end: Page after the last one.
 * @result: 0, or why it was not brought in.
 *
 * The CPU and the task that did it are those of the event.
 */
TRACE_EVENT(panthor_claim_piece,
	TP_PROTO(const char *dev, pid_t tgid, unsigned long bo, unsigned long start,
		 unsigned long end, int result),
	TP_ARGS(dev, tgid, bo, start, end, result),
	TP_STRUCT__entry(
		__string(dev, dev)
		__field(pid_t, tgid)
		__field(unsigned long, bo)
		__field(unsigned long, start)
		__field(unsigned long, end)
		__field(int, result)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->tgid = tgid;
		__entry->bo = bo;
		__entry->start = start;
		__entry->end = end;
		__entry->result = result;
	),
	TP_printk("dev=%s tgid=%d bo=%lu pages=%lu-%lu result=%d", __get_str(dev),
		  __entry->tgid, __entry->bo, __entry->start, __entry->end, __entry->result)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH reclaim
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE panthor_claim_trace

#include <trace/define_trace.h>
