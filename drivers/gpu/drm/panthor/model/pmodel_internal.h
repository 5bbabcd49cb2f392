/* SPDX-License-Identifier: GPL-2.0 or MIT */

/*
 * Software Mali CSF GPU: what the files of the core share.
 *
 * Architecture
 *
 *	pmodel_regs.c	register window: dispatches 32-bit accesses
 *	pmodel_irq.c	raw status, masks, and what is left to deliver
 *	pmodel_gpu.c	GPU block: identity, power, reset, cache flush
 *	pmodel_mmu.c	address spaces: registers and commands
 *	pmodel_tlb.c	page-table walk, software TLB, access to memory
 *	pmodel_mcu.c	microcontroller: boot, halt, global interface
 *	pmodel_csg.c	group slots: start, suspend, resume, status, events
 *	pmodel_cs.c	command streams: ring, call stack, order of execution
 *	pmodel_insn.c	decode table and execution of the instructions
 *	pmodel_sync.c	instructions that write and wait for synchronization objects
 *	pmodel_tiler.c	tiler heap and its out-of-memory event
 *	pmodel_fw.c	firmware image the driver loads
 *	pmodel_debugfs.c counters and fault injection
 *	pmodel_core.c	life of the model and its two threads
 *	pmodel_front_*.c front ends, see pmodel.h
 *
 * Threads
 *
 * The MCU thread answers requests of the driver and delivers interrupts. It
 * is SCHED_FIFO because the driver gives up on a request after 100 ms, however
 * busy the machine is; what it does for one wake-up is bounded, and it sleeps
 * in between.
 *
 * The stream thread executes command streams, in batches. It stays
 * SCHED_NORMAL: a GPU does not take CPU time away from anybody, and a job that
 * never ends must leave a guest with one CPU usable. The scheduler's fairness
 * does that; the driver allows a job seconds.
 *
 * Neither thread allocates memory or takes a sleeping lock, for the memory
 * shrinker of the driver may be waiting for the GPU.
 *
 * Locking
 *
 * pmodel::lock is a raw spinlock taken with interrupts disabled. It protects
 * registers, interrupts, address spaces with their TLBs, and every access to
 * memory through an address space. Register accesses come from any context,
 * hard interrupts included, and take only this lock. An instruction of a
 * command stream executes under one hold of it, as a few others do: an address
 * space command is therefore ordered against whole instructions, and an
 * instruction that needs several pages finds all of them accessible or has had
 * no effect.
 *
 * pmodel_csg::lock is a raw spinlock, taken with interrupts enabled. It
 * protects the group slot, its streams, and the acknowledge words of the slot
 * in the interface memory. The stream thread holds it for a batch, the MCU
 * thread for one request. That preemption is off for a batch is intended: the
 * holder is never waited for longer than a batch takes, so that a request to
 * suspend the group gets its answer in time.
 *
 * Order: pmodel_csg::lock, then pmodel::lock.
 *
 * Reset
 *
 * A reset, or the driver stopping the MCU, takes effect inside the register
 * write, without waiting for anybody. It advances pmodel::epoch; a group slot
 * remembers the epoch it was started in, and is dead when it is not the
 * current one. Memory is only ever reached through pmodel::lock and a check of
 * the epoch, so nothing of the time before a reset touches memory after it.
 */

#ifndef __PMODEL_INTERNAL_H__
#define __PMODEL_INTERNAL_H__

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "panthor_device.h"
#include "panthor_fw.h"
#include "pmodel.h"

struct dentry;

#define PMODEL_AS_COUNT		8
#define PMODEL_AS_MCU		0
#define PMODEL_CSG_COUNT	8
#define PMODEL_CS_COUNT		8
#define PMODEL_REG_COUNT	96
#define PMODEL_SB_COUNT		8
#define PMODEL_CALL_DEPTH	8
#define PMODEL_SUSPEND_SIZE	SZ_8K

/* Layout of the interface memory, offsets from PMODEL_SHARED_VA. */
#define PMODEL_SHARED_VA	0x04000000
#define PMODEL_SHARED_SIZE	SZ_256K
#define PMODEL_GLB_IN		0xa000
#define PMODEL_GLB_OUT		0xa800
#define PMODEL_CSG_CTRL(g)	(0x1000 + (g) * 0x1000)
#define PMODEL_CS_CTRL(g, c)	(PMODEL_CSG_CTRL(g) + 0x40 + (c) * 0x10)
#define PMODEL_CSG_IN(g)	(0x10000 + (g) * 0x4000)
#define PMODEL_CSG_OUT(g)	(PMODEL_CSG_IN(g) + 0x100)
#define PMODEL_CS_IN(g, c)	(PMODEL_CSG_IN(g) + 0x400 + (c) * 0x200)
#define PMODEL_CS_OUT(g, c)	(PMODEL_CSG_IN(g) + 0x2000 + (c) * 0x200)

#define PMODEL_GLB_IN_FIELD(f) \
	(PMODEL_GLB_IN + offsetof(struct panthor_fw_global_input_iface, f))
#define PMODEL_GLB_OUT_FIELD(f) \
	(PMODEL_GLB_OUT + offsetof(struct panthor_fw_global_output_iface, f))
#define PMODEL_CSG_IN_FIELD(g, f) \
	(PMODEL_CSG_IN(g) + offsetof(struct panthor_fw_csg_input_iface, f))
#define PMODEL_CSG_OUT_FIELD(g, f) \
	(PMODEL_CSG_OUT(g) + offsetof(struct panthor_fw_csg_output_iface, f))
#define PMODEL_CS_IN_FIELD(g, c, f) \
	(PMODEL_CS_IN(g, c) + offsetof(struct panthor_fw_cs_input_iface, f))
#define PMODEL_CS_OUT_FIELD(g, c, f) \
	(PMODEL_CS_OUT(g, c) + offsetof(struct panthor_fw_cs_output_iface, f))

/* Bits 31:16 of AS_FAULTSTATUS: who noticed. Zero is the page-table walk. */
#define PMODEL_FAULT_STALE	BIT(16)
#define PMODEL_FAULT_FREE_PAGE	BIT(17)

/* Counters, in the order in which debugfs shows them (pmodel_debugfs.c). */
enum pmodel_counter {
	PMODEL_CNT_jobs,
	PMODEL_CNT_instructions,
	PMODEL_CNT_bytes_read,
	PMODEL_CNT_bytes_written,
	PMODEL_CNT_tlb_hits,
	PMODEL_CNT_tlb_misses,
	PMODEL_CNT_tlb_stale,
	PMODEL_CNT_free_page_touches,
	PMODEL_CNT_as_updates,
	PMODEL_CNT_as_locks,
	PMODEL_CNT_as_unlocks,
	PMODEL_CNT_as_flushes,
	PMODEL_CNT_gpu_flushes,
	PMODEL_CNT_irqs_job,
	PMODEL_CNT_irqs_mmu,
	PMODEL_CNT_irqs_gpu,
	PMODEL_CNT_irqs_lost,
	PMODEL_CNT_faults,
	PMODEL_CNT_resets,
	PMODEL_CNT_mcu_boots,
	PMODEL_CNT_csg_starts,
	PMODEL_CNT_csg_resumes,
	PMODEL_CNT_csg_suspends,
	PMODEL_CNT_csg_terminates,
	PMODEL_CNT_tiler_ooms,
	PMODEL_CNT_sync_updates,
	PMODEL_CNT_fw_asserts,
	PMODEL_CNT_COUNT,
};

/**
 * struct pmodel_inject - Fault and latency injection, 0 is off
 *
 * Written through debugfs at any time. "Next N" counts down.
 */
struct pmodel_inject {
	/** @as_delay_us: Each address space command is active that long. */
	atomic_t as_delay_us;
	/** @as_stuck: The next N commands never complete, until a reset. */
	atomic_t as_stuck;
	/** @as_stuck_after: That many commands are carried out before @as_stuck counts. */
	atomic_t as_stuck_after;
	/** @drop_invalidate: The next N commands for a region do not invalidate it. */
	atomic_t drop_invalidate;
	/** @lose_irq: The next N interrupts are not delivered. */
	atomic_t lose_irq;
	/** @mcu_hang: The MCU answers nothing, until a reset. */
	atomic_t mcu_hang;
	/** @resume_hang: The next N requests to resume a group set @mcu_hang instead. */
	atomic_t resume_hang;
	/** @l2_trans_us: After a reset the power of the L2 is in transition that long. */
	atomic_t l2_trans_us;
	/** @bus_fault: The next N data accesses of jobs fault. */
	atomic_t bus_fault;
	/** @slow_us: The stream thread sleeps that long after each pass. */
	atomic_t slow_us;
	/** @break_store: STORE_MULTIPLE writes a wrong word. */
	atomic_t break_store;
};

/** enum pmodel_access - Kinds of memory access */
enum pmodel_access {
	PMODEL_READ,
	PMODEL_WRITE,
	PMODEL_EXEC,
};

/**
 * struct pmodel_xlat - The configuration of an address space that is in effect
 * @transtab: AS_TRANSTAB as latched by the last UPDATE.
 * @transcfg: AS_TRANSCFG as latched by the last UPDATE.
 */
struct pmodel_xlat {
	u64 transtab;
	u64 transcfg;
};

/**
 * struct pmodel_leaf - Result of a page-table walk
 * @pte: Leaf entry.
 * @level: Level of @pte: 1 for 1 GiB, 2 for 2 MiB, 3 for 4 KiB.
 */
struct pmodel_leaf {
	u64 pte;
	u8 level;
};

/**
 * struct pmodel_tlb_entry - TLB entry
 * @tag: Virtual address of the page or block, in units of its size.
 * @leaf: What the walk found when the entry was filled.
 * @valid: Whether the entry is in use.
 */
struct pmodel_tlb_entry {
	u64 tag;
	struct pmodel_leaf leaf;
	bool valid;
};

#define PMODEL_TLB_PAGES	512
#define PMODEL_TLB_BLOCKS	64

/**
 * struct pmodel_tlb - TLB of one address space
 * @pages: Entries for 4 KiB pages, indexed by the low bits of the page number.
 * @blocks: Entries for 2 MiB blocks (and pieces of larger ones), likewise.
 */
struct pmodel_tlb {
	struct pmodel_tlb_entry pages[PMODEL_TLB_PAGES];
	struct pmodel_tlb_entry blocks[PMODEL_TLB_BLOCKS];
};

#define PMODEL_RECENT		8

/**
 * struct pmodel_recent - Pages found under one hold of pmodel::lock
 * @used: Bit mask of entries in use.
 * @e: Entries, indexed by the low bits of the page number.
 *
 * A translation is compared with the page table once for as long as the lock is
 * held, not for each of the instructions executed meanwhile.
 */
struct pmodel_recent {
	unsigned long used;
	struct {
		/** @e.page_nr: Virtual page number. */
		u64 page_nr;
		/** @e.page: Address in the linear map. */
		void *page;
		/** @e.as: Address space. */
		u32 as;
		/** @e.allowed: Bit mask by enum pmodel_access of what was looked up. */
		u32 allowed;
	} e[PMODEL_RECENT];
};

/**
 * struct pmodel_as - Address space, protected by pmodel::lock
 */
struct pmodel_as {
	/** @transtab: Register, takes effect with UPDATE. */
	u64 transtab;
	/** @memattr: Register, takes effect with UPDATE. */
	u64 memattr;
	/** @transcfg: Register, takes effect with UPDATE. */
	u64 transcfg;
	/** @lockaddr: Register, takes effect with LOCK and the flushes. */
	u64 lockaddr;
	/** @live: What the last UPDATE latched. */
	struct pmodel_xlat live;

	/** @command: Command in execution, AS_COMMAND_NOP if none. */
	u32 command;
	/** @command_done_ns: When @command completes. */
	u64 command_done_ns;
	/** @stuck: @command never completes. */
	bool stuck;

	/** @locked: Accesses to the region below wait. */
	bool locked;
	/** @lock_first: First address of the locked region. */
	u64 lock_first;
	/** @lock_last: Last address of the locked region. */
	u64 lock_last;

	/** @faultstatus: Register. */
	u32 faultstatus;
	/** @faultaddr: Register. */
	u64 faultaddr;
	/** @faulted: A fault was reported since the last UPDATE. */
	bool faulted;

	/** @tlb: Translations seen, forgotten on command only. */
	struct pmodel_tlb *tlb;
};

/**
 * struct pmodel_irq - Interrupt registers of one line
 * @raw: INT_RAWSTAT.
 * @mask: INT_MASK.
 * @notified: Visible bits the front end has been told about.
 */
struct pmodel_irq {
	u32 raw;
	u32 mask;
	u32 notified;
};

/**
 * struct pmodel_frame - Where a stream executes
 * @pc: Address of the next instruction.
 * @end: Address at which the buffer ends.
 */
struct pmodel_frame {
	u64 pc;
	u64 end;
};

/**
 * struct pmodel_heap_counts - Render passes that went through a tiler heap
 * @started: Passes whose tiling has started.
 * @finished: Passes whose tiling has finished.
 * @fragments: Passes whose fragment job has finished.
 */
struct pmodel_heap_counts {
	u32 started;
	u32 finished;
	u32 fragments;
};

#define PMODEL_CS_CONTEXT_MAGIC	0x4d43534743545831ull

/**
 * struct pmodel_cs_context - What a stream keeps while its group is suspended
 *
 * Written to and read from the suspend buffer as it is.
 */
struct pmodel_cs_context {
	/** @magic: PMODEL_CS_CONTEXT_MAGIC. */
	u64 magic;
	/** @regs: Work registers. */
	u32 regs[PMODEL_REG_COUNT];
	/** @stack: Called buffers, the innermost last. */
	struct pmodel_frame stack[PMODEL_CALL_DEPTH];
	/** @depth: Number of frames in @stack; 0 executes from the ring. */
	u32 depth;
	/** @error: Recoverable fault since the last ERROR_BARRIER. */
	u32 error;
	/** @heap: Address of the tiler heap context (HEAP_SET). */
	u64 heap;
	/** @oom_handler: Buffer to call when the tiler runs out of memory. */
	struct pmodel_frame oom_handler;
	/** @tiler_left: Bytes the current draw has yet to take from the heap. */
	u64 tiler_left;
	/** @tiler_desc: Heap descriptor of the last draw, 0 if closed. */
	u64 tiler_desc;
	/** @tiler_busy: The current draw has begun. */
	u32 tiler_busy;
	/** @oom_refused: The driver gave no memory to the current draw. */
	u32 oom_refused;
	/** @oom_handled: @oom_handler ran for the current draw. */
	u32 oom_handled;
	/** @oom_chunk: Chunk the driver gave, not yet linked, 0 if none. */
	u64 oom_chunk;
	/** @progress: Progress counter (PROGRESS_STORE). */
	u64 progress;
};

static_assert(sizeof(struct pmodel_cs_context) * PMODEL_CS_COUNT <= PMODEL_SUSPEND_SIZE);

/**
 * enum pmodel_cs_state - What a stream waits for
 * @PMODEL_CS_OFF: Not started.
 * @PMODEL_CS_READY: Nothing.
 * @PMODEL_CS_STALLED: A locked region, or chunks of the heap; worth retrying.
 * @PMODEL_CS_EMPTY: Work in the ring.
 * @PMODEL_CS_BLOCKED: A synchronization object.
 * @PMODEL_CS_WAIT_ACK: The driver's answer to a fault or to an empty heap.
 * @PMODEL_CS_DEAD: Nothing any more: it has reported a fatal fault.
 */
enum pmodel_cs_state {
	PMODEL_CS_OFF,
	PMODEL_CS_READY,
	PMODEL_CS_STALLED,
	PMODEL_CS_EMPTY,
	PMODEL_CS_BLOCKED,
	PMODEL_CS_WAIT_ACK,
	PMODEL_CS_DEAD,
};

/**
 * struct pmodel_cs - Command stream, protected by pmodel_csg::lock
 */
struct pmodel_cs {
	/** @ctx: State that a suspend saves. */
	struct pmodel_cs_context ctx;
	/** @state: What the stream waits for. */
	enum pmodel_cs_state state;

	/** @ring_base: Address of the ring, in the address space of the group. */
	u64 ring_base;
	/** @ring_size: Size of the ring, in bytes. */
	u32 ring_size;
	/** @ring_in: Address of the ring's input words, in the MCU's space. */
	u64 ring_in;
	/** @ring_out: Address of the ring's output words, in the MCU's space. */
	u64 ring_out;
	/** @insert: Last value seen of the driver's insert position. */
	u64 insert;
	/** @extract: Position of the next instruction in the ring. */
	u64 extract;

	/** @wait_ptr: Object a PMODEL_CS_BLOCKED stream waits for. */
	u64 wait_ptr;
	/** @wait_value: Value it compares with. */
	u64 wait_value;
	/** @wait_flags: Its CS_STATUS_WAIT bits. */
	u32 wait_flags;
	/** @resources: Last REQ_RESOURCE. */
	u32 resources;
	/** @wait_ack: Event a PMODEL_CS_WAIT_ACK stream waits for. */
	u32 wait_ack;
	/** @heap_counts: Counters of the heap when it was found empty. */
	struct pmodel_heap_counts heap_counts;
	/** @polled: Address of the last load. */
	u64 polled;
	/** @polls: Loads from there since the stream wrote anything. */
	u32 polls;

	/** @events: CS_FAULT, CS_FATAL, CS_TILER_OOM to be reported. */
	u32 events;
	/** @exception: Exception type of @events. */
	u32 exception;
	/** @exception_info: Its address or argument. */
	u64 exception_info;
};

/**
 * struct pmodel_csg - Group slot
 */
struct pmodel_csg {
	/** @lock: See "Locking" above. */
	raw_spinlock_t lock;
	/** @index: Number of the slot. */
	u32 index;
	/** @running: A group was started or resumed in this slot. */
	bool running;
	/** @epoch: pmodel::epoch it was started in. */
	u32 epoch;
	/** @as: Address space of the group. */
	u32 as;
	/** @idle_sent: CSG_IDLE was sent and nothing retired since. */
	bool idle_sent;
	/** @sync_update: A synchronization object was written: tell the driver. */
	bool sync_update;
	/** @sync_seen: pmodel::sync_seq when blocked streams were last tried. */
	int sync_seen;
	/** @next: Stream to begin the next batch with. */
	u32 next;
	/** @doorbells: User doorbells the streams listen to; any context reads. */
	u32 doorbells;
	/** @cs: The streams. */
	struct pmodel_cs cs[PMODEL_CS_COUNT];
};

/**
 * enum pmodel_run - What became of a pass over the streams
 * @PMODEL_RUN_IDLE: Nothing to do before something happens.
 * @PMODEL_RUN_STALLED: Only stalled streams are left, and those that poll memory.
 * @PMODEL_RUN_BUSY: There is more to execute.
 */
enum pmodel_run {
	PMODEL_RUN_IDLE,
	PMODEL_RUN_STALLED,
	PMODEL_RUN_BUSY,
};

/**
 * struct pmodel - The model
 */
struct pmodel {
	/** @ops: Front end. */
	const struct pmodel_front_ops *ops;
	/** @front: Argument of @ops. */
	void *front;
	/** @deterministic: See the module parameter of that name. */
	bool deterministic;

	/** @lock: See "Locking" above. */
	raw_spinlock_t lock;

	/** @epoch: Advances with each reset; any context reads, @lock writes. */
	u32 epoch;
	/** @irqs: Interrupt lines, protected by @lock. */
	struct pmodel_irq irqs[PMODEL_LINE_COUNT];
	/** @irqs_pending: Bit mask of lines to deliver. */
	unsigned long irqs_pending;
	/** @as: Address spaces, protected by @lock. */
	struct pmodel_as as[PMODEL_AS_COUNT];
	/** @recent: What whoever holds @lock has looked up, NULL if that is not kept. */
	struct pmodel_recent *recent;

	/** @gpu: GPU block, protected by @lock. */
	struct {
		/** @gpu.l2_ready: L2_READY. */
		u64 l2_ready;
		/** @gpu.l2_settled_ns: When L2_PWRTRANS becomes 0. */
		u64 l2_settled_ns;
		/** @gpu.coherency: GPU_COHERENCY_PROTOCOL. */
		u32 coherency;
		/** @gpu.l2_config: GPU_L2_CONFIG. */
		u32 l2_config;
		/** @gpu.flush_id: LATEST_FLUSH_ID, never 0. */
		u32 flush_id;
	} gpu;

	/** @mcu: Microcontroller, protected by @lock. */
	struct {
		/** @mcu.control: MCU_CONTROL. */
		u32 control;
		/** @mcu.status: MCU_STATUS; any context reads. */
		u32 status;
		/** @mcu.booting: The MCU thread has to boot the MCU. */
		bool booting;
		/** @mcu.doorbell: The global doorbell has been rung. */
		bool doorbell;
	} mcu;

	/** @csg: Group slots. */
	struct pmodel_csg csg[PMODEL_CSG_COUNT];
	/** @attention: Bit mask of slots whose streams have to look again. */
	unsigned long attention;
	/** @busy: Bit mask of slots that are not idle. */
	unsigned long busy;
	/** @idle_armed: Something ran since the last GLB_IDLE. */
	atomic_t idle_armed;
	/** @sync_seq: Number of synchronization objects written. */
	atomic_t sync_seq;

	/** @rnd: Decides about interleaving when @deterministic; stream thread. */
	struct rnd_state rnd;
	/** @virtual_ns: Clock when @deterministic. */
	atomic64_t virtual_ns;

	/** @mcu_task: MCU thread, NULL in unit tests. */
	struct task_struct *mcu_task;
	/** @cs_task: Stream thread, NULL in unit tests. */
	struct task_struct *cs_task;
	/** @mcu_kick: The MCU thread has something to do. */
	atomic_t mcu_kick;
	/** @cs_kick: The stream thread has something to do. */
	atomic_t cs_kick;

	/** @counters: Indexed by enum pmodel_counter. */
	atomic64_t counters[PMODEL_CNT_COUNT];
	/** @inject: Fault and latency injection. */
	struct pmodel_inject inject;
	/** @debugfs: Directory. */
	struct dentry *debugfs;
};

#define pmodel_count(pm, name) \
	atomic64_inc(&(pm)->counters[PMODEL_CNT_##name])
#define pmodel_count_add(pm, name, n) \
	atomic64_add(n, &(pm)->counters[PMODEL_CNT_##name])
#define pmodel_counter(pm, name) \
	((u64)atomic64_read(&(pm)->counters[PMODEL_CNT_##name]))

/* Consume one of the next N events that are to go wrong. */
#define pmodel_inject_hit(pm, name) \
	(atomic_dec_if_positive(&(pm)->inject.name) >= 0)

/* pmodel_core.c */
struct pmodel *pmodel_alloc(const struct pmodel_front_ops *ops, void *front,
			    bool deterministic, u64 seed);
void pmodel_free(struct pmodel *pm);
u64 pmodel_now_ns(struct pmodel *pm);
void pmodel_kick_mcu(struct pmodel *pm);
void pmodel_kick_streams(struct pmodel *pm);

/* pmodel_irq.c */
void pmodel_irq_raise(struct pmodel *pm, enum pmodel_line line, u32 bits);
u32 pmodel_irq_reg_read(struct pmodel *pm, enum pmodel_line line, u32 reg);
void pmodel_irq_reg_write(struct pmodel *pm, enum pmodel_line line, u32 reg, u32 value);
void pmodel_irq_deliver(struct pmodel *pm);

/* pmodel_gpu.c */
u32 pmodel_gpu_reg_read(struct pmodel *pm, u32 reg);
void pmodel_gpu_reg_write(struct pmodel *pm, u32 reg, u32 value);
void pmodel_gpu_flush(struct pmodel *pm);
void pmodel_gpu_init(struct pmodel *pm);

/* pmodel_mmu.c */
u32 pmodel_as_reg_read(struct pmodel *pm, u32 nr, u32 reg);
void pmodel_as_reg_write(struct pmodel *pm, u32 nr, u32 reg, u32 value);
void pmodel_as_settle(struct pmodel *pm, u32 nr);
void pmodel_as_fault(struct pmodel *pm, u32 nr, u64 va, u32 status,
		     enum pmodel_access access);
void pmodel_mmu_reset(struct pmodel *pm);

/* pmodel_tlb.c */
u32 pmodel_walk(struct pmodel *pm, const struct pmodel_xlat *xlat, u64 va,
		struct pmodel_leaf *leaf);
void pmodel_tlb_invalidate(struct pmodel_tlb *tlb, u64 first, u64 last);
int pmodel_access(struct pmodel *pm, u32 nr, u64 va, void *buf, size_t len,
		  enum pmodel_access access);

/* pmodel_mcu.c */
int pmodel_mcu_read_locked(struct pmodel *pm, u64 va, void *buf, size_t len);
int pmodel_mcu_write_locked(struct pmodel *pm, u64 va, const void *buf, size_t len);
int pmodel_mcu_read(struct pmodel *pm, u64 va, void *buf, size_t len);
int pmodel_mcu_write(struct pmodel *pm, u64 va, const void *buf, size_t len);
u32 pmodel_iface_read(struct pmodel *pm, u32 offset);
void pmodel_iface_write(struct pmodel *pm, u32 offset, u32 value);
u32 pmodel_mcu_reg_read(struct pmodel *pm, u32 reg);
void pmodel_mcu_reg_write(struct pmodel *pm, u32 reg, u32 value);
void pmodel_mcu_doorbell(struct pmodel *pm, u32 index);
void pmodel_mcu_work(struct pmodel *pm);
void pmodel_mcu_reset(struct pmodel *pm);
void pmodel_mcu_crash(struct pmodel *pm);
void pmodel_mcu_power(struct pmodel *pm);

/* pmodel_csg.c */
bool pmodel_csg_alive(struct pmodel *pm, struct pmodel_csg *csg);
void pmodel_csg_process(struct pmodel *pm, struct pmodel_csg *csg);
void pmodel_csg_event(struct pmodel *pm, struct pmodel_csg *csg, u32 event);
void pmodel_cs_report(struct pmodel *pm, struct pmodel_csg *csg, u32 c);

/* pmodel_cs.c */
bool pmodel_cs_sync_passed(struct pmodel *pm, struct pmodel_csg *csg, struct pmodel_cs *cs);
u64 pmodel_cs_pc(const struct pmodel_cs *cs);
enum pmodel_run pmodel_csg_run(struct pmodel *pm, struct pmodel_csg *csg);
enum pmodel_run pmodel_streams_run(struct pmodel *pm);

/* pmodel_insn.c; see pmodel_insn.h for what the interpreter's files share */
const char *pmodel_insn_name(u32 opcode);

/* pmodel_tiler.c */
void pmodel_tiler_report(struct pmodel *pm, struct pmodel_csg *csg, u32 c);
void pmodel_tiler_answer(struct pmodel_cs *cs, u64 chunk);

/* pmodel_fw.c */
const void *pmodel_fw_image(size_t *size);

/* pmodel_debugfs.c */
void pmodel_debugfs_init(struct pmodel *pm);
void pmodel_debugfs_fini(struct pmodel *pm);

#endif
