// SPDX-License-Identifier: GPL-2.0
/*
 * Reclaim of a range of a shmem file on request of the kernel user that owns it.
 *
 * Drivers that keep the contents of their buffers in shmem files can only unpin
 * the pages under memory pressure. That puts the pages on an LRU list, and when
 * they leave memory is for reclaim to say: it may well look elsewhere. This is
 * to a kernel user of a shmem file what MADV_PAGEOUT is to a process.
 */

#include <linux/export.h>
#include <linux/pagemap.h>
#include <linux/folio_batch.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/xarray.h>

#include "internal.h"
#include "swap.h"

/* Isolated pages are out of everybody else's reach, so do not hoard them. */
#define RECLAIM_BATCH	(16 * SWAP_CLUSTER_MAX)

static unsigned long isolate_folio(struct folio *folio, struct list_head *folios)
{
	if (!folio_isolate_lru(folio))
		return 0;

	if (folio_test_unevictable(folio)) {
		folio_putback_lru(folio);
		return 0;
	}

	/* reclaim_pages() takes them from the other end, and so in file order. */
	list_add(&folio->lru, folios);

	return folio_nr_pages(folio);
}

static unsigned long reclaim_folios(struct list_head *folios)
{
	unsigned long freed = reclaim_pages(folios);

	/* What is under writeback now waits in this CPU's batch; see below. */
	lru_add_drain();
	cond_resched();

	return freed;
}

/* Write what is in the file out, and free what that makes clean at once. */
static void reclaim_pagecache(struct address_space *mapping, pgoff_t start,
			      pgoff_t last, struct shmem_reclaim_stat *stat)
{
	struct folio_batch fbatch;
	unsigned long isolated = 0;
	LIST_HEAD(folios);

	folio_batch_init(&fbatch);
	while (filemap_get_folios(mapping, &start, last, &fbatch)) {
		for (unsigned int i = 0; i < folio_batch_count(&fbatch); i++)
			isolated += isolate_folio(fbatch.folios[i], &folios);

		/* Reclaim does not write folios with other references. */
		folio_batch_release(&fbatch);

		if (isolated >= RECLAIM_BATCH) {
			stat->freed += reclaim_folios(&folios);
			isolated = 0;
		}
	}
	stat->freed += reclaim_folios(&folios);
}

static struct folio *get_swapcache_folio(swp_entry_t entry)
{
	struct swap_info_struct *si = get_swap_device(entry);
	struct folio *folio;

	if (!si)
		return NULL;

	/*
	 * The entry may be another's by now. Its folio is then reclaimed a
	 * little earlier than it would have been.
	 */
	folio = swap_cache_get_folio(entry);
	put_swap_device(si);

	return folio;
}

/*
 * Isolate a folio of the swap cache if it is clean by now, count it otherwise. What is
 * dirty although it @has_been_written could not be written. Returns how many pages were
 * isolated; @taken counts those that reclaim may free, isolated or not.
 */
static unsigned long take_from_swapcache(struct folio *folio, bool wait, bool has_been_written,
					 struct list_head *folios, unsigned long *taken,
					 struct shmem_reclaim_stat *stat)
{
	/* After a fatal signal what is under writeback is only counted. */
	if (wait)
		folio_wait_writeback_killable(folio);

	if (folio_test_writeback(folio)) {
		stat->writeback += folio_nr_pages(folio);
		return 0;
	}

	if (has_been_written && folio_test_dirty(folio)) {
		stat->failed += folio_nr_pages(folio);
		return 0;
	}

	*taken += folio_nr_pages(folio);

	return isolate_folio(folio, folios);
}

/*
 * What was written stays in the swap cache until reclaim comes by again. Pick
 * up what is clean by now and count or wait for the rest. Returns how many pages are
 * in memory that another attempt may free.
 */
static unsigned long reclaim_swapcache(struct address_space *mapping, pgoff_t start,
				       pgoff_t last, bool wait, bool has_been_written,
				       struct shmem_reclaim_stat *stat)
{
	unsigned long isolated = 0, taken = 0, freed = 0, cached = 0;
	XA_STATE(xas, &mapping->i_pages, start);
	LIST_HEAD(folios);
	void *entry;

	stat->writeback = 0;
	stat->failed = 0;

	rcu_read_lock();
	xas_for_each(&xas, entry, last) {
		struct folio *folio;
		swp_entry_t swap;

		if (xas_retry(&xas, entry))
			continue;

		if (!xa_is_value(entry)) {
			cached += 1UL << xas_get_order(&xas);
			continue;
		}

		/* Or it marks where swapping in failed. */
		swap = radix_to_swp_entry(entry);
		if (!softleaf_is_swap(swap))
			continue;

		xas_pause(&xas);
		rcu_read_unlock();

		folio = get_swapcache_folio(swap);
		if (folio) {
			isolated += take_from_swapcache(folio, wait, has_been_written, &folios,
							&taken, stat);
			folio_put(folio);
		}

		if (isolated >= RECLAIM_BATCH) {
			freed += reclaim_folios(&folios);
			isolated = 0;
		}

		rcu_read_lock();
	}
	rcu_read_unlock();

	freed += reclaim_folios(&folios);
	stat->freed += freed;
	taken -= min(taken, freed);
	stat->left = cached + taken + stat->failed;

	return taken;
}

static void reclaim_now(struct address_space *mapping, pgoff_t start, pgoff_t last,
			bool wait, struct shmem_reclaim_stat *stat)
{
	unsigned int tries = wait ? 4 : 1;
	bool again = false;

	reclaim_pagecache(mapping, start, last, stat);

	/*
	 * The end of writeback wakes waiters up before it drops its reference,
	 * and folios may be in the batch of a CPU we were on before.
	 */
	while (reclaim_swapcache(mapping, start, last, wait, again, stat) && --tries) {
		if (fatal_signal_pending(current))
			break;

		again = true;
		schedule_timeout_uninterruptible(1);
		lru_add_drain();
	}
}

/**
 * shmem_reclaim_range() - Reclaim a range of a shmem file now
 * @mapping: Mapping of the file.
 * @start: First page of the range.
 * @last: Last page of the range.
 * @wait: Wait for writeback to end and free the pages, instead of only starting
 *	  it.
 * @stat: Grows by the pages freed, by those under writeback on return, and by
 *	  those left in memory.
 *
 * Writes the pages of the range to swap and frees them. Pages that somebody
 * uses stay: those with an elevated reference count, mlocked and mapped ones
 * that cannot be unmapped, and all of them if there is no swap space. Without
 * @wait, pages under writeback on return are freed when reclaim next gets to
 * them, for which they are at the end of the list.
 *
 * A folio that is faulted in again meanwhile may be counted twice, or not.
 *
 * Context: Process context that may do I/O, reclaim included (__GFP_IO and
 * __GFP_FS). Locks folios and sleeps, with @wait until I/O has ended or a fatal
 * signal arrives.
 */
void shmem_reclaim_range(struct address_space *mapping, pgoff_t start, pgoff_t last,
			 bool wait, struct shmem_reclaim_stat *stat)
{
	struct shmem_reclaim_stat now = {};

	/* New pages are not on a list yet. */
	lru_add_drain();
	reclaim_now(mapping, start, last, wait, &now);

	/* Or they are in the batch of another CPU, which reclaim itself cannot wait for. */
	if (wait && now.left > now.failed && get_nr_swap_pages() > 0 &&
	    !(current->flags & PF_MEMALLOC) && !fatal_signal_pending(current)) {
		lru_add_drain_all();
		reclaim_now(mapping, start, last, wait, &now);
	}

	stat->freed += now.freed;
	stat->writeback += now.writeback;
	stat->left += now.left;
	stat->failed += now.failed;
}
EXPORT_SYMBOL_GPL(shmem_reclaim_range);
