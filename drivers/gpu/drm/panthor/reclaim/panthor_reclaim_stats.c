// SPDX-License-Identifier: GPL-2.0 or MIT

/* Statistics, and whether lists, counters and the state of BOs agree. */

#include <drm/drm_print.h>

#include "panthor_reclaim_private.h"
#include "panthor_reclaim_trace.h"

static const char * const class_names[PANTHOR_RECLAIM_CLASS_COUNT] = {
	[PANTHOR_RECLAIM_UNUSED] = "unused",
	[PANTHOR_RECLAIM_MMAPPED] = "mmapped",
	[PANTHOR_RECLAIM_PRIVATE] = "private",
	[PANTHOR_RECLAIM_SHARED] = "shared",
	[PANTHOR_RECLAIM_UNRECLAIMABLE] = "unreclaimable",
};

static const char * const stat_names[PANTHOR_RECLAIM_STAT_COUNT] = {
#define STAT(id, name, ...)	\
	[PANTHOR_RECLAIM_STAT_##id] = #name,
#include "panthor_reclaim_stat_list.h"
#undef STAT
};

/**
 * panthor_reclaim_stat_add() - Add to a statistic
 * @reclaim: The device's reclaim.
 * @stat: Which one.
 * @value: What to add, in the unit of the statistic.
 *
 * Context: Any.
 */
void panthor_reclaim_stat_add(struct panthor_reclaim *reclaim,
			      enum panthor_reclaim_stat stat, unsigned long value)
{
	atomic_long_add(value, &reclaim->stats[stat]);
}

/**
 * panthor_reclaim_bo_swapped_in() - Account for an evicted BO that got its pages back
 * @reclaim: The device's reclaim.
 * @bo: The BO.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_bo_swapped_in(struct panthor_reclaim *reclaim,
				   const struct panthor_reclaim_bo *bo)
{
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SWAPPED_IN_BOS, 1);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_SWAPPED_IN_PAGES, bo->nr_pages);
}

/**
 * panthor_reclaim_vm_flushed() - Account for a GPU cache flush for evictions
 * @reclaim: The device's reclaim.
 * @bytes: Size of the mappings that were torn down before.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_vm_flushed(struct panthor_reclaim *reclaim, u64 bytes)
{
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_FLUSHES, 1);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_FLUSHED_BYTES, bytes);
}

/**
 * panthor_reclaim_vm_restored() - Account that a VM's evicted mappings were restored
 * @reclaim: The device's reclaim.
 * @vm: The VM.
 * @nr_vmas: Number of mappings.
 * @ns: Time it took, preparing their page tables included, in nanoseconds.
 * @result: 0, or the error that kept others from being restored.
 *
 * Context: Any, does not sleep.
 */
void panthor_reclaim_vm_restored(struct panthor_reclaim *reclaim,
				 const struct panthor_reclaim_vm *vm,
				 unsigned long nr_vmas, u64 ns, int result)
{
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_RESTORES, 1);
	panthor_reclaim_stat_add(reclaim, PANTHOR_RECLAIM_STAT_RESTORED_VMAS, nr_vmas);
	trace_panthor_reclaim_restore(reclaim, vm, nr_vmas, ns, result);
}

struct census {
	long nr_bos[PANTHOR_RECLAIM_CLASS_COUNT];
	long nr_pages[PANTHOR_RECLAIM_CLASS_COUNT];
	long evicted_bos;
	long evicted_pages;
};

static long listed(const struct list_head *list)
{
	const struct list_head *link = list;
	const struct panthor_reclaim_node *node;
	long n = 0;

	for (; (node = panthor_reclaim_next_node(link, list)); link = &node->link)
		n++;

	return n;
}

static unsigned int check_vms(struct panthor_reclaim *reclaim, long *nr_private)
{
	const struct list_head *link = &reclaim->vms;
	struct panthor_reclaim_node *node;
	unsigned int errors = 0;

	*nr_private = 0;
	for (; (node = panthor_reclaim_next_node(link, &reclaim->vms)); link = &node->link) {
		struct panthor_reclaim_vm *vm;

		vm = container_of(node, struct panthor_reclaim_vm, node);
		errors += listed(&vm->bos) != vm->nr_bos || !vm->nr_bos;
		errors += !vm->nr_account ||
			  panthor_reclaim_count_charged(vm, vm->account) != vm->nr_account;
		*nr_private += vm->nr_bos;
	}

	return errors;
}

/**
 * panthor_reclaim_check() - Compare lists and counters with a walk over all BOs
 * @reclaim: The device's reclaim.
 *
 * Context: Any, does not sleep, but takes time that grows with the BOs.
 *
 * Return: Number of things that disagree.
 */
unsigned int panthor_reclaim_check(struct panthor_reclaim *reclaim)
{
	const struct list_head *link = &reclaim->all;
	struct panthor_reclaim_node *node;
	unsigned int errors;
	struct census t = {};
	long nr_private;

	spin_lock(&reclaim->lock);
	for (; (node = panthor_reclaim_next_node(link, &reclaim->all)); link = &node->link) {
		struct panthor_reclaim_bo *bo;

		bo = container_of(node, struct panthor_reclaim_bo, all);
		t.nr_bos[bo->class]++;
		t.nr_pages[bo->class] += bo->nr_pages;
		t.evicted_bos += bo->evicted;
		t.evicted_pages += bo->evicted ? bo->nr_pages : 0;
	}

	errors = check_vms(reclaim, &nr_private);
	errors += nr_private != t.nr_bos[PANTHOR_RECLAIM_PRIVATE];
	errors += atomic_long_read(&reclaim->evicted_bos) != t.evicted_bos;
	errors += atomic_long_read(&reclaim->evicted_pages) != t.evicted_pages;
	for (int i = 0; i < PANTHOR_RECLAIM_CLASS_COUNT; i++) {
		errors += atomic_long_read(&reclaim->nr_bos[i]) != t.nr_bos[i];
		errors += atomic_long_read(&reclaim->nr_pages[i]) != t.nr_pages[i];
		if (i != PANTHOR_RECLAIM_PRIVATE && i != PANTHOR_RECLAIM_UNRECLAIMABLE)
			errors += listed(&reclaim->bos[i]) != t.nr_bos[i];
	}
	spin_unlock(&reclaim->lock);

	return errors;
}

static struct panthor_reclaim_bo *
get_next_bo(struct panthor_reclaim *reclaim, struct panthor_reclaim_node *cursor)
{
	struct panthor_reclaim_node *node = cursor;
	struct panthor_reclaim_bo *found = NULL;

	spin_lock(&reclaim->lock);
	while ((node = panthor_reclaim_next_node(&node->link, &reclaim->all))) {
		struct panthor_reclaim_bo *bo;

		bo = container_of(node, struct panthor_reclaim_bo, all);
		if (!reclaim->ops->get_bo(bo))
			continue;

		list_move(&cursor->link, &node->link);
		found = bo;
		break;
	}
	spin_unlock(&reclaim->lock);

	return found;
}

/**
 * panthor_reclaim_count_misfiled() - Compare the class of every BO with its state
 * @reclaim: The device's reclaim.
 *
 * Context: Process context outside of reclaim, takes the locks of every BO.
 *
 * Return: Number of BOs filed under a class they do not belong to. While
 * mappings change this need not be zero.
 */
unsigned int panthor_reclaim_count_misfiled(struct panthor_reclaim *reclaim)
{
	struct panthor_reclaim_node cursor;
	struct panthor_reclaim_bo *bo;
	unsigned int misfiled = 0;

	panthor_reclaim_cursor_enter(reclaim, &cursor, &reclaim->all);
	while ((bo = get_next_bo(reclaim, &cursor))) {
		misfiled += !reclaim->ops->filed_right(bo);
		reclaim->ops->put_bo(bo);
	}
	panthor_reclaim_cursor_leave(reclaim, &cursor);

	return misfiled;
}

/**
 * panthor_reclaim_print() - Print counters and statistics
 * @reclaim: The device's reclaim.
 * @p: Where to print. One line per fact, name and decimal value.
 *
 * Context: Process context, does not sleep. Does not block scans.
 */
void panthor_reclaim_print(struct panthor_reclaim *reclaim, struct drm_printer *p)
{
	for (int i = 0; i < PANTHOR_RECLAIM_CLASS_COUNT; i++) {
		drm_printf(p, "class_%s_bos %ld\n", class_names[i],
			   atomic_long_read(&reclaim->nr_bos[i]));
		drm_printf(p, "class_%s_pages %ld\n", class_names[i],
			   atomic_long_read(&reclaim->nr_pages[i]));
	}
	drm_printf(p, "class_evicted_bos %ld\n", atomic_long_read(&reclaim->evicted_bos));
	drm_printf(p, "class_evicted_pages %ld\n", atomic_long_read(&reclaim->evicted_pages));

	for (int i = 0; i < PANTHOR_RECLAIM_STAT_COUNT; i++)
		drm_printf(p, "%s %ld\n", stat_names[i], atomic_long_read(&reclaim->stats[i]));

	if (reclaim->account_ops)
		reclaim->account_ops->print(reclaim, p);

	drm_printf(p, "swap_pages %lu\n", reclaim->ops->swap_pages());
	drm_printf(p, "invariant_errors %u\n", panthor_reclaim_check(reclaim));

	if (reclaim->print_more)
		reclaim->print_more(reclaim->print_data, p);
}
