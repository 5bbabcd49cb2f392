// SPDX-License-Identifier: GPL-2.0 or MIT

/*
 * Software Mali CSF GPU: page-table walk, software TLB, access to memory.
 *
 * Every access goes through the TLB of its address space, and the TLB forgets
 * only on command (pmodel_mmu.c). So when the driver changes a page table and
 * does not tell the GPU, the GPU keeps using the old translation, here as on
 * hardware. Here it is noticed: a hit outside a locked region is compared with
 * the page table, once under each hold of pmodel::lock. A difference is counted
 * (tlb_stale) and refused with a fault, as the page may have another owner by
 * now. An access that gets, or would have got, to a page that nobody owns is
 * counted (free_page_touches) and refused, too.
 *
 * Format: AArch64 stage 1, 4 KiB granule, up to 4 levels.
 */

#include "panthor_mmu_regs.h"
#include "pmodel_internal.h"

#define PTE_VALID		BIT_ULL(0)
#define PTE_TABLE		BIT_ULL(1)	/* at level 3: page */
#define PTE_RDONLY		BIT_ULL(7)
#define PTE_AF			BIT_ULL(10)
#define PTE_XN			BIT_ULL(54)
#define PTE_SOFTWARE		GENMASK_ULL(58, 55)
#define PTE_ADDR		GENMASK_ULL(47, 12)

#define LEAF_LEVEL		3
#define LEVEL_SHIFT(level)	(12 + 9 * (LEAF_LEVEL - (level)))
#define BLOCK_SHIFT		LEVEL_SHIFT(2)
#define PA_BITS			40

#define TRANSCFG_MODE(v)	((v) & 0xf)
#define TRANSCFG_INA(v)		(((v) >> 6) & 0x1f)

static u32 pmodel_fault_type(u32 level0_type, u32 level)
{
	return level0_type + level;
}

static u32 pmodel_walk_leaf(u64 va, u64 pte, u32 level, struct pmodel_leaf *leaf)
{
	if (!(pte & PTE_AF))
		return pmodel_fault_type(DRM_PANTHOR_EXCEPTION_ACCESS_FLAG_1, level - 1);

	leaf->pte = pte & ~PTE_SOFTWARE;
	leaf->level = level;
	return 0;
}

/**
 * pmodel_walk() - Look an address up in a page table
 * @pm: Model.
 * @xlat: Configuration of the address space.
 * @va: Virtual address.
 * @leaf: Filled with the entry that maps @va.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: 0, or what goes in the low half of AS_FAULTSTATUS, or that and
 * PMODEL_FAULT_FREE_PAGE if the table is in a page that nobody owns.
 */
u32 pmodel_walk(struct pmodel *pm, const struct pmodel_xlat *xlat, u64 va,
		struct pmodel_leaf *leaf)
{
	u32 bits, level;
	u64 table;

	if (TRANSCFG_MODE(xlat->transcfg) != AS_TRANSCFG_ADRMODE_AARCH64_4K)
		return DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0;

	bits = 55 - TRANSCFG_INA(xlat->transcfg);
	if (bits > 48 || bits < 25 || va >> bits)
		return DRM_PANTHOR_EXCEPTION_ADDR_SIZE_FAULT_IN;

	table = xlat->transtab & PTE_ADDR;
	level = LEAF_LEVEL + 1 - DIV_ROUND_UP(bits - 12, 9);
	for (;; level++) {
		u32 index = (va >> LEVEL_SHIFT(level)) & 0x1ff;
		const u64 *entries;
		u64 pte;

		entries = table >> PA_BITS ? NULL : pm->ops->page(pm->front, table);
		if (!entries)
			return pmodel_fault_type(DRM_PANTHOR_EXCEPTION_ADDR_SIZE_FAULT_OUT0,
						 level);
		if (pm->ops->page_is_free(pm->front, table))
			return PMODEL_FAULT_FREE_PAGE |
			       pmodel_fault_type(DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0,
						 level);

		pte = READ_ONCE(entries[index]);
		if (!(pte & PTE_VALID) ||
		    (level == LEAF_LEVEL && !(pte & PTE_TABLE)) ||
		    (level == 0 && !(pte & PTE_TABLE)))
			return pmodel_fault_type(DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0,
						 level);
		if (level == LEAF_LEVEL || !(pte & PTE_TABLE))
			return pmodel_walk_leaf(va, pte, level, leaf);
		table = pte & PTE_ADDR;
	}
}

/* Physical address of the 4 KiB page that contains @va. */
static u64 pmodel_leaf_page(const struct pmodel_leaf *leaf, u64 va)
{
	u64 inside = BIT_ULL(LEVEL_SHIFT(leaf->level)) - 1;

	return ((leaf->pte & PTE_ADDR & ~inside) | (va & inside)) & PAGE_MASK;
}

static u32 pmodel_leaf_check(const struct pmodel_leaf *leaf, enum pmodel_access access)
{
	if ((access == PMODEL_WRITE && (leaf->pte & PTE_RDONLY)) ||
	    (access == PMODEL_EXEC && (leaf->pte & PTE_XN)))
		return pmodel_fault_type(DRM_PANTHOR_EXCEPTION_PERM_FAULT_0, leaf->level);
	return 0;
}

static struct pmodel_tlb_entry *pmodel_tlb_page(struct pmodel_tlb *tlb, u64 va)
{
	return &tlb->pages[(va >> PAGE_SHIFT) % PMODEL_TLB_PAGES];
}

static struct pmodel_tlb_entry *pmodel_tlb_block(struct pmodel_tlb *tlb, u64 va)
{
	return &tlb->blocks[(va >> BLOCK_SHIFT) % PMODEL_TLB_BLOCKS];
}

static struct pmodel_tlb_entry *pmodel_tlb_find(struct pmodel_tlb *tlb, u64 va)
{
	struct pmodel_tlb_entry *e = pmodel_tlb_page(tlb, va);

	if (e->valid && e->tag == va >> PAGE_SHIFT)
		return e;

	e = pmodel_tlb_block(tlb, va);
	if (e->valid && e->tag == va >> BLOCK_SHIFT)
		return e;

	return NULL;
}

static void pmodel_tlb_fill(struct pmodel_tlb *tlb, u64 va, const struct pmodel_leaf *leaf)
{
	bool page = leaf->level == LEAF_LEVEL;
	struct pmodel_tlb_entry *e = page ? pmodel_tlb_page(tlb, va) : pmodel_tlb_block(tlb, va);

	e->tag = va >> (page ? PAGE_SHIFT : BLOCK_SHIFT);
	e->leaf = *leaf;
	e->valid = true;
}

static void pmodel_tlb_invalidate_set(struct pmodel_tlb_entry *e, u32 count, u32 shift,
				      u64 first, u64 last)
{
	for (; count; e++, count--) {
		if (e->valid && e->tag >= first >> shift && e->tag <= last >> shift)
			e->valid = false;
	}
}

/**
 * pmodel_tlb_invalidate() - Forget the translations of a region
 * @tlb: TLB.
 * @first: First address of the region.
 * @last: Last address of the region.
 *
 * Context: pmodel::lock held. Does not sleep.
 */
void pmodel_tlb_invalidate(struct pmodel_tlb *tlb, u64 first, u64 last)
{
	pmodel_tlb_invalidate_set(tlb->pages, PMODEL_TLB_PAGES, PAGE_SHIFT, first, last);
	pmodel_tlb_invalidate_set(tlb->blocks, PMODEL_TLB_BLOCKS, BLOCK_SHIFT, first, last);
}

static bool pmodel_leaf_equal(const struct pmodel_leaf *a, const struct pmodel_leaf *b)
{
	return a->pte == b->pte && a->level == b->level;
}

/* Where would an access through a stale translation have ended? */
static u32 pmodel_stale(struct pmodel *pm, const struct pmodel_leaf *leaf, u64 va)
{
	u64 pa = pmodel_leaf_page(leaf, va);
	u32 status = PMODEL_FAULT_STALE |
		     pmodel_fault_type(DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0, leaf->level);

	pmodel_count(pm, tlb_stale);
	if (!(pa >> PA_BITS) && pm->ops->page(pm->front, pa) &&
	    pm->ops->page_is_free(pm->front, pa))
		status |= PMODEL_FAULT_FREE_PAGE;
	return status;
}

/* Translate through the TLB. Returns 0 or what goes to AS_FAULTSTATUS. */
static u32 pmodel_lookup(struct pmodel *pm, struct pmodel_as *as, u64 va,
			 struct pmodel_leaf *leaf)
{
	struct pmodel_tlb_entry *e = pmodel_tlb_find(as->tlb, va);
	u32 status = pmodel_walk(pm, &as->live, va, leaf);

	if (!e) {
		pmodel_count(pm, tlb_misses);
		if (!status)
			pmodel_tlb_fill(as->tlb, va, leaf);
		return status;
	}

	pmodel_count(pm, tlb_hits);
	if (status || !pmodel_leaf_equal(&e->leaf, leaf))
		return pmodel_stale(pm, &e->leaf, va);
	return 0;
}

static bool pmodel_as_in_lock(const struct pmodel_as *as, u64 va)
{
	return as->locked && va >= as->lock_first && va <= as->lock_last;
}

/*
 * Find the page behind @va.
 *
 * The MCU's own address space does not stall on a locked region, it bypasses
 * the TLB there. Hardware would stall the MCU, the driver would finish, and
 * nobody could tell the difference, except a model that has to answer a
 * request to halt while the driver polls with preemption disabled.
 */
static int pmodel_translate(struct pmodel *pm, u32 nr, u64 va, enum pmodel_access access,
			    void **page)
{
	struct pmodel_as *as = &pm->as[nr];
	struct pmodel_leaf leaf = {};
	u32 status;
	u64 pa;

	pmodel_as_settle(pm, nr);

	if (!pmodel_as_in_lock(as, va))
		status = pmodel_lookup(pm, as, va, &leaf);
	else if (nr == PMODEL_AS_MCU)
		status = pmodel_walk(pm, &as->live, va, &leaf);
	else
		return -EAGAIN;

	if (!status)
		status = pmodel_leaf_check(&leaf, access);
	if (!status) {
		pa = pmodel_leaf_page(&leaf, va);
		*page = pa >> PA_BITS ? NULL : pm->ops->page(pm->front, pa);
		if (!*page)
			status = pmodel_fault_type(DRM_PANTHOR_EXCEPTION_ADDR_SIZE_FAULT_OUT0,
						   leaf.level);
		else if (pm->ops->page_is_free(pm->front, pa))
			status = PMODEL_FAULT_FREE_PAGE |
				 pmodel_fault_type(DRM_PANTHOR_EXCEPTION_TRANSLATION_FAULT_0,
						   leaf.level);
	}
	if (!status)
		return 0;

	if (status & PMODEL_FAULT_FREE_PAGE)
		pmodel_count(pm, free_page_touches);
	pmodel_as_fault(pm, nr, va, status, access);
	return -EFAULT;
}

/*
 * pmodel_translate(), or what it found before under this hold of the lock. Commands
 * of the driver's come in between two holds, so this is no way around them.
 */
static int pmodel_find_page(struct pmodel *pm, u32 nr, u64 va, enum pmodel_access access,
			    void **page)
{
	u32 i = (va >> PAGE_SHIFT) % PMODEL_RECENT;
	struct pmodel_recent *recent = pm->recent;
	int ret;

	if (!recent)
		return pmodel_translate(pm, nr, va, access, page);

	if (!(recent->used & BIT(i)) || recent->e[i].page_nr != va >> PAGE_SHIFT ||
	    recent->e[i].as != nr) {
		recent->used &= ~BIT(i);
	} else if (recent->e[i].allowed & BIT(access)) {
		pmodel_count(pm, tlb_hits);
		*page = recent->e[i].page;
		return 0;
	}

	ret = pmodel_translate(pm, nr, va, access, page);
	if (ret)
		return ret;

	if (!(recent->used & BIT(i)))
		recent->e[i].allowed = 0;
	recent->used |= BIT(i);
	recent->e[i].page_nr = va >> PAGE_SHIFT;
	recent->e[i].as = nr;
	recent->e[i].page = *page;
	recent->e[i].allowed |= BIT(access);
	return 0;
}

/* Naturally aligned words are single-copy atomic, as they are for a GPU. */
static void pmodel_copy(void *dst, const void *src, size_t len)
{
	if (len == sizeof(u64) && IS_ALIGNED((unsigned long)dst | (unsigned long)src, len))
		WRITE_ONCE(*(u64 *)dst, READ_ONCE(*(const u64 *)src));
	else if (len == sizeof(u32) && IS_ALIGNED((unsigned long)dst | (unsigned long)src, len))
		WRITE_ONCE(*(u32 *)dst, READ_ONCE(*(const u32 *)src));
	else
		memcpy(dst, src, len);
}

/**
 * pmodel_access() - Read or write memory through an address space
 * @pm: Model.
 * @nr: Address space.
 * @va: Virtual address.
 * @buf: Buffer to copy from or to; NULL only translates.
 * @len: Length in bytes.
 * @access: PMODEL_WRITE copies from @buf, the others to it.
 *
 * If @buf is not NULL, a failure may leave the access done in part, up to a
 * page boundary. Whoever cannot have that calls with NULL first, under the same
 * hold of the lock.
 *
 * Context: pmodel::lock held. Does not sleep.
 * Return: 0; -EAGAIN if part of it is in a locked region, to be tried again
 * later; -EFAULT if there was a fault, which has been reported.
 */
int pmodel_access(struct pmodel *pm, u32 nr, u64 va, void *buf, size_t len,
		  enum pmodel_access access)
{
	lockdep_assert_held(&pm->lock);

	while (len) {
		size_t offset = offset_in_page(va);
		size_t n = min_t(size_t, len, PAGE_SIZE - offset);
		void *page;
		int ret;

		ret = pmodel_find_page(pm, nr, va, access, &page);
		if (ret)
			return ret;

		if (buf && access == PMODEL_WRITE)
			pmodel_copy(page + offset, buf, n);
		else if (buf)
			pmodel_copy(buf, page + offset, n);
		if (buf)
			buf += n;
		va += n;
		len -= n;
	}
	return 0;
}
