// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: address spaces, their registers and commands.
 *
 * What each command does:
 *
 *	UPDATE		TRANSTAB, MEMATTR and TRANSCFG take effect; the whole
 *			TLB is invalidated; a fault is forgotten.
 *	LOCK		Accesses to the region of LOCKADDR wait.
 *	UNLOCK		The TLB is invalidated for the locked region, which is
 *			then released.
 *	FLUSH_PT/MEM	As UNLOCK, for the region of LOCKADDR.
 *
 * Nothing else invalidates the TLB, apart from a reset.
 *
 * A command completes at once, unless a delay was injected. A delayed command
 * is completed by whoever looks next: the driver that polls STATUS, or an
 * access that needs the address space.
 */

#include "panthor_mmu_regs.h"
#include "pmodel_internal.h"

#define REG_TRANSTAB		AS_TRANSTAB(0)
#define REG_MEMATTR		AS_MEMATTR(0)
#define REG_LOCKADDR		AS_LOCKADDR(0)
#define REG_COMMAND		AS_COMMAND(0)
#define REG_FAULTSTATUS		AS_FAULTSTATUS(0)
#define REG_FAULTADDRESS	AS_FAULTADDRESS(0)
#define REG_STATUS		AS_STATUS(0)
#define REG_TRANSCFG		AS_TRANSCFG(0)

#define LOCKADDR_WIDTH(v)	((v) & 0x3f)

static u64 *pmodel_as_reg64(struct pmodel_as *as, u32 reg)
{
	switch (reg & ~4u) {
	case REG_TRANSTAB:
		return &as->transtab;
	case REG_MEMATTR:
		return &as->memattr;
	case REG_LOCKADDR:
		return &as->lockaddr;
	case REG_TRANSCFG:
		return &as->transcfg;
	case REG_FAULTADDRESS:
		return &as->faultaddr;
	default:
		return NULL;
	}
}

/* The region is naturally aligned; LOCKADDR holds log2 of its size minus 1. */
static void pmodel_as_region(const struct pmodel_as *as, u64 *first, u64 *last)
{
	u32 width = LOCKADDR_WIDTH(as->lockaddr) + 1;

	if (width >= 64) {
		*first = 0;
		*last = U64_MAX;
		return;
	}
	*first = as->lockaddr & GENMASK_ULL(63, width);
	*last = *first | (BIT_ULL(width) - 1);
}

static void pmodel_as_invalidate(struct pmodel *pm, struct pmodel_as *as, u64 first, u64 last)
{
	if (!pmodel_inject_hit(pm, drop_invalidate))
		pmodel_tlb_invalidate(as->tlb, first, last);
}

static void pmodel_as_update(struct pmodel *pm, struct pmodel_as *as)
{
	as->live.transtab = as->transtab;
	as->live.transcfg = as->transcfg;
	as->faulted = false;
	pmodel_count(pm, as_updates);
	pmodel_tlb_invalidate(as->tlb, 0, U64_MAX);
}

static void pmodel_as_lock(struct pmodel *pm, struct pmodel_as *as)
{
	pmodel_as_region(as, &as->lock_first, &as->lock_last);
	as->locked = true;
	pmodel_count(pm, as_locks);
}

static void pmodel_as_unlock(struct pmodel *pm, struct pmodel_as *as)
{
	pmodel_count(pm, as_unlocks);
	if (as->locked)
		pmodel_as_invalidate(pm, as, as->lock_first, as->lock_last);
	as->locked = false;
	pmodel_kick_streams(pm);
}

static void pmodel_as_flush(struct pmodel *pm, struct pmodel_as *as)
{
	u64 first, last;

	pmodel_count(pm, as_flushes);
	pmodel_as_region(as, &first, &last);
	pmodel_as_invalidate(pm, as, first, last);
	as->locked = false;
	pmodel_kick_streams(pm);
}

static void pmodel_as_complete(struct pmodel *pm, struct pmodel_as *as)
{
	u32 command = as->command;

	as->command = AS_COMMAND_NOP;
	switch (command) {
	case AS_COMMAND_UPDATE:
		pmodel_as_update(pm, as);
		break;
	case AS_COMMAND_LOCK:
		pmodel_as_lock(pm, as);
		break;
	case AS_COMMAND_UNLOCK:
		pmodel_as_unlock(pm, as);
		break;
	case AS_COMMAND_FLUSH_PT:
	case AS_COMMAND_FLUSH_MEM:
		pmodel_as_flush(pm, as);
		break;
	}
}

/**
 * pmodel_as_settle() - Complete a delayed command whose time has come
 * @pm: Model.
 * @nr: Address space.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_as_settle(struct pmodel *pm, u32 nr)
{
	struct pmodel_as *as = &pm->as[nr];

	if (likely(as->command == AS_COMMAND_NOP))
		return;

	lockdep_assert_held(&pm->lock);
	if (!as->stuck && pmodel_now_ns(pm) >= as->command_done_ns)
		pmodel_as_complete(pm, as);
}

static bool pmodel_as_gets_stuck(struct pmodel *pm)
{
	if (likely(!atomic_read(&pm->inject.as_stuck)))
		return false;

	return !pmodel_inject_hit(pm, as_stuck_after) && pmodel_inject_hit(pm, as_stuck);
}

static void pmodel_as_command(struct pmodel *pm, struct pmodel_as *as, u32 command)
{
	u32 delay_us = max(atomic_read(&pm->inject.as_delay_us), 0);

	/* The driver must not issue a command while another is active. */
	if (as->command != AS_COMMAND_NOP || command == AS_COMMAND_NOP)
		return;

	as->command = command;
	if (pmodel_as_gets_stuck(pm)) {
		as->stuck = true;
		return;
	}
	if (!delay_us) {
		pmodel_as_complete(pm, as);
		return;
	}
	as->command_done_ns = pmodel_now_ns(pm) + (u64)delay_us * NSEC_PER_USEC;
}

/**
 * pmodel_as_reg_read() - Read a register of an address space
 * @pm: Model.
 * @nr: Address space.
 * @reg: Offset in the address space's block.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: The value; 0 where there is no register.
 */
u32 pmodel_as_reg_read(struct pmodel *pm, u32 nr, u32 reg)
{
	struct pmodel_as *as = &pm->as[nr];
	const u64 *reg64;

	pmodel_as_settle(pm, nr);

	switch (reg) {
	case REG_STATUS:
		return as->command != AS_COMMAND_NOP ? AS_STATUS_AS_ACTIVE : 0;
	case REG_FAULTSTATUS:
		return as->faultstatus;
	}

	reg64 = pmodel_as_reg64(as, reg);
	if (!reg64)
		return 0;
	return reg & 4 ? upper_32_bits(*reg64) : lower_32_bits(*reg64);
}

/**
 * pmodel_as_reg_write() - Write a register of an address space
 * @pm: Model.
 * @nr: Address space.
 * @reg: Offset in the address space's block.
 * @value: Value.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_as_reg_write(struct pmodel *pm, u32 nr, u32 reg, u32 value)
{
	struct pmodel_as *as = &pm->as[nr];
	u64 *reg64;

	pmodel_as_settle(pm, nr);

	if (reg == REG_COMMAND) {
		pmodel_as_command(pm, as, value);
		return;
	}

	reg64 = pmodel_as_reg64(as, reg);
	if (!reg64 || reg64 == &as->faultaddr)
		return;
	if (reg & 4)
		*reg64 = (u64)value << 32 | lower_32_bits(*reg64);
	else
		*reg64 = (u64)upper_32_bits(*reg64) << 32 | value;
}

/**
 * pmodel_as_fault() - Report a page fault
 * @pm: Model.
 * @nr: Address space.
 * @va: Faulting address.
 * @status: Exception type, and PMODEL_FAULT_* if it applies.
 * @access: Kind of access.
 *
 * The first fault is kept until the driver has configured the address space
 * anew; those that follow it are not reported.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_as_fault(struct pmodel *pm, u32 nr, u64 va, u32 status,
		     enum pmodel_access access)
{
	static const u32 type[] = {
		[PMODEL_READ] = AS_FAULTSTATUS_ACCESS_TYPE_READ,
		[PMODEL_WRITE] = AS_FAULTSTATUS_ACCESS_TYPE_WRITE,
		[PMODEL_EXEC] = AS_FAULTSTATUS_ACCESS_TYPE_EX,
	};
	struct pmodel_as *as = &pm->as[nr];

	lockdep_assert_held(&pm->lock);

	if (as->faulted)
		return;
	as->faulted = true;
	as->faultstatus = status | type[access];
	as->faultaddr = va;
	pmodel_count(pm, faults);
	pmodel_irq_raise(pm, PMODEL_LINE_MMU, BIT(nr));
}

/**
 * pmodel_mmu_reset() - Reset all address spaces
 * @pm: Model.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_mmu_reset(struct pmodel *pm)
{
	u32 nr;

	lockdep_assert_held(&pm->lock);

	for (nr = 0; nr < PMODEL_AS_COUNT; nr++) {
		struct pmodel_tlb *tlb = pm->as[nr].tlb;

		pmodel_tlb_invalidate(tlb, 0, U64_MAX);
		memset(&pm->as[nr], 0, sizeof(pm->as[nr]));
		pm->as[nr].tlb = tlb;
	}
}
