/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MM_TESTS_SHMEM_INSERT_KUNIT_H
#define _MM_TESTS_SHMEM_INSERT_KUNIT_H

#include <kunit/test.h>

#include <linux/gfp.h>
#include <linux/mmzone.h>
#include <linux/shmem_fs.h>

#define BLOCK_GFP	(GFP_HIGHUSER | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)
#define INSERT_GFP	(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

/* Large enough for two of the largest folios at aligned places. */
#define FILE_PAGES	(4UL << MAX_PAGECACHE_ORDER)

struct insert_test_counters {
	long nr_shmem;
	unsigned long nrpages;
	unsigned long alloced;
	unsigned long swapped;
	u64 blocks;
};

struct insert_test_priv {
	struct file *file;
	long nr_shmem;
};

const void *insert_test_order_params(struct kunit *test, const void *prev, char *desc);

int insert_test_init(struct kunit *test);
void insert_test_exit(struct kunit *test);
void insert_test_need_swap(struct kunit *test);
unsigned int insert_test_order_param(struct kunit *test);

struct file *insert_test_file(struct kunit *test);
void insert_test_put_file(struct file *file);
struct insert_test_counters insert_test_counters(struct file *file);
long insert_test_node_stat(enum node_stat_item item);
void insert_test_expect_counters(struct kunit *test, struct file *file,
				 const struct insert_test_counters *was,
				 long cached, long swapped);

struct folio *insert_test_block(struct kunit *test, unsigned int order, u64 seed);
void insert_test_free_block(struct folio *folio, unsigned int order);
void insert_test_expect_block(struct kunit *test, struct folio *folio,
			      unsigned int order, u64 seed);
void insert_test_fill(struct page *page, unsigned long nr, u64 seed);
bool insert_test_page_is(struct page *page, u64 seed, unsigned long i);
int insert_test_expect_contents(struct kunit *test, struct file *file, pgoff_t index,
				unsigned long nr, u64 seed);
int insert_test_entry_order(struct file *file, pgoff_t index, bool *swapped);
void insert_test_reclaim(struct file *file, pgoff_t index);

#endif
