// SPDX-License-Identifier: GPL-2.0 or MIT

/* Who BOs are charged to, and scans that are limited to some of them. */

#include <linux/gfp.h>
#include <linux/prandom.h>
#include <linux/shrinker.h>

#include "panthor_reclaim_mock.h"

#define MAX_ACCOUNTS	4

/* A memcg is whatever the address of one of these is. */
struct owner {
	bool spared;
};

struct account {
	struct panthor_reclaim_account base;
	struct owner *owner;
	int refs;
};

struct books {
	struct mock *mock;
	struct account accounts[MAX_ACCOUNTS];
	struct owner owners[MAX_ACCOUNTS];
	bool global;
	unsigned long freed;
	int told;
};

static struct account *to_account(const struct panthor_reclaim_account *base)
{
	return container_of(base, struct account, base);
}

static int start(struct panthor_reclaim *reclaim, struct shrinker *shrinker)
{
	return 0;
}

static void put(struct panthor_reclaim *reclaim, struct panthor_reclaim_account *base)
{
	to_account(base)->refs--;
}

static unsigned long count(struct panthor_reclaim *reclaim, struct shrink_control *sc)
{
	struct books *books = reclaim->accounts;
	unsigned long sum = 0;

	for (int i = 0; i < MAX_ACCOUNTS; i++) {
		if (books->accounts[i].owner == (void *)sc->memcg)
			sum += panthor_reclaim_sum_pages(books->accounts[i].base.nr_pages);
	}

	return sum;
}

static void begin_scan(struct panthor_reclaim *reclaim, struct shrink_control *sc,
		       struct panthor_reclaim_scan *scan)
{
	struct books *books = reclaim->accounts;

	scan->limited = true;
	scan->memcg = sc->memcg;
	scan->global = books->global;
}

static bool wants(struct panthor_reclaim *reclaim, const struct panthor_reclaim_scan *scan,
		  struct panthor_reclaim_account *base)
{
	struct owner *owner = to_account(base)->owner;

	return owner == (void *)scan->memcg || (scan->global && !owner->spared);
}

static void freed(struct panthor_reclaim *reclaim, struct shrink_control *sc,
		  const struct panthor_reclaim_scan *scan)
{
	struct books *books = reclaim->accounts;

	books->told++;
	books->freed += scan->freed;
}

static void print(struct panthor_reclaim *reclaim, struct drm_printer *p)
{
}

static const struct panthor_reclaim_account_ops account_ops = {
	.start = start,
	.put = put,
	.count = count,
	.begin_scan = begin_scan,
	.wants = wants,
	.freed = freed,
	.print = print,
};

static struct books *books_create(struct kunit *test)
{
	struct books *books = kunit_kzalloc(test, sizeof(*books), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, books);
	books->mock = mock_create(test);
	panthor_reclaim_set_accounts(&books->mock->reclaim, &account_ops, books);
	for (int i = 0; i < MAX_ACCOUNTS; i++)
		books->accounts[i].owner = &books->owners[i];

	return books;
}

static struct mock_bo *charge(struct books *books, struct mock_bo *bo, int account)
{
	books->accounts[account].refs++;
	panthor_reclaim_bo_charge(&books->mock->reclaim, &bo->base,
				  &books->accounts[account].base);

	return bo;
}

static unsigned long pages_of(struct books *books, int account)
{
	return panthor_reclaim_sum_pages(books->accounts[account].base.nr_pages);
}

static unsigned long scan_for(struct books *books, int owner, unsigned long target)
{
	struct shrink_context reclaim = { .may_swap = true };
	struct shrink_control sc = {
		.gfp_mask = GFP_KERNEL,
		.reclaim = &reclaim,
		.nr_to_scan = target,
		.memcg = (void *)&books->owners[owner],
	};
	unsigned long ret = panthor_reclaim_shrinker_scan(&books->mock->reclaim, &sc);

	KUNIT_EXPECT_EQ(books->mock->test, 0, panthor_reclaim_check(&books->mock->reclaim));

	return ret == SHRINK_STOP ? 0 : ret;
}

static unsigned long count_of(struct books *books, int owner)
{
	struct shrink_context reclaim = { .may_swap = true };
	struct shrink_control sc = {
		.gfp_mask = GFP_KERNEL,
		.reclaim = &reclaim,
		.memcg = (void *)&books->owners[owner],
	};

	return panthor_reclaim_shrinker_count(&books->mock->reclaim, &sc);
}

/* Every BO's pages are in exactly one account. */
static void expect_same_sums(struct books *books)
{
	struct panthor_reclaim *reclaim = &books->mock->reclaim;

	for (int class = 0; class < PANTHOR_RECLAIM_CLASS_COUNT; class++) {
		long bos = 0, pages = 0;

		for (int i = 0; i < MAX_ACCOUNTS; i++) {
			bos += atomic_long_read(&books->accounts[i].base.nr_bos[class]);
			pages += atomic_long_read(&books->accounts[i].base.nr_pages[class]);
		}
		KUNIT_EXPECT_EQ(books->mock->test, atomic_long_read(&reclaim->nr_bos[class]),
				bos);
		KUNIT_EXPECT_EQ(books->mock->test, atomic_long_read(&reclaim->nr_pages[class]),
				pages);
	}
}

static void accounts_follow_the_class(struct kunit *test)
{
	struct books *books = books_create(test);
	struct mock_bo *bo = charge(books, mock_bo_create(books->mock, 7), 1);
	atomic_long_t *pages = books->accounts[1].base.nr_pages;

	KUNIT_EXPECT_EQ(test, 7, atomic_long_read(&pages[PANTHOR_RECLAIM_UNRECLAIMABLE]));
	bo->facts.resident = true;
	mock_bo_file(bo);
	KUNIT_EXPECT_EQ(test, 7, atomic_long_read(&pages[PANTHOR_RECLAIM_UNUSED]));
	bo->facts.mmapped = true;
	mock_bo_file(bo);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&pages[PANTHOR_RECLAIM_UNUSED]));
	KUNIT_EXPECT_EQ(test, 7, atomic_long_read(&pages[PANTHOR_RECLAIM_MMAPPED]));
	KUNIT_EXPECT_EQ(test, 7, count_of(books, 1));
	KUNIT_EXPECT_EQ(test, 0, count_of(books, 0));
	expect_same_sums(books);
}

static void charging_anew_moves_the_pages(struct kunit *test)
{
	struct books *books = books_create(test);
	struct mock_vm *vm = mock_vm_create(books->mock);
	struct mock_bo *bo = charge(books, mock_bo_private(vm, 5), 0);

	charge(books, mock_bo_private(vm, 6), 0);
	charge(books, bo, 1);
	KUNIT_EXPECT_EQ(test, 6, pages_of(books, 0));
	KUNIT_EXPECT_EQ(test, 5, pages_of(books, 1));
	KUNIT_EXPECT_EQ(test, 1, books->accounts[0].refs);
	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_check(&books->mock->reclaim));
	expect_same_sums(books);
}

static void freeing_a_bo_puts_its_account(struct kunit *test)
{
	struct books *books = books_create(test);
	struct mock_bo *bo = charge(books, mock_bo_unused(books->mock, 5), 2);

	mock_bo_free(bo);
	KUNIT_EXPECT_EQ(test, 0, books->accounts[2].refs);
	KUNIT_EXPECT_EQ(test, 0, pages_of(books, 2));
	expect_same_sums(books);
}

static void scan_takes_the_coldest_of_one_account(struct kunit *test)
{
	struct books *books = books_create(test);

	charge(books, mock_bo_unused(books->mock, 4), 0);
	charge(books, mock_bo_unused(books->mock, 4), 1);
	charge(books, mock_bo_unused(books->mock, 4), 0);
	charge(books, mock_bo_unused(books->mock, 4), 1);
	KUNIT_EXPECT_EQ(test, 4, scan_for(books, 1, 4));
	KUNIT_EXPECT_EQ(test, 1, books->mock->log[0]);
	KUNIT_EXPECT_EQ(test, 4, scan_for(books, 1, 100));
	KUNIT_EXPECT_EQ(test, 3, books->mock->log[1]);
	KUNIT_EXPECT_EQ(test, 0, scan_for(books, 1, 100));
	KUNIT_EXPECT_EQ(test, 8, pages_of(books, 0));
}

static void scan_finds_the_account_in_every_class(struct kunit *test)
{
	struct books *books = books_create(test);

	for (int i = 0; i < 2; i++) {
		charge(books, mock_bo_unused(books->mock, 1), i);
		charge(books, mock_bo_mmapped(books->mock, 2), i);
		charge(books, mock_bo_private(mock_vm_create(books->mock), 4), i);
		charge(books, mock_bo_shared(books->mock, 8), i);
	}
	KUNIT_EXPECT_EQ(test, 15, scan_for(books, 0, 100));
	KUNIT_EXPECT_EQ(test, 0, pages_of(books, 0));
	KUNIT_EXPECT_EQ(test, 15, pages_of(books, 1));
}

static void vm_with_bos_of_several_accounts_loses_only_those(struct kunit *test)
{
	struct books *books = books_create(test);
	struct mock_vm *vm = mock_vm_create(books->mock);

	for (int i = 0; i < 4; i++)
		charge(books, mock_bo_private(vm, 1), 0);
	charge(books, mock_bo_private(vm, 2), 1);
	charge(books, mock_bo_private(vm, 4), 2);
	KUNIT_EXPECT_EQ(test, 2, scan_for(books, 1, 100));
	KUNIT_EXPECT_EQ(test, 4, pages_of(books, 0));
	KUNIT_EXPECT_EQ(test, 4, pages_of(books, 2));
	KUNIT_EXPECT_EQ(test, 4, scan_for(books, 0, 100));
	KUNIT_EXPECT_EQ(test, 4, scan_for(books, 2, 100));
}

static void vms_without_bos_of_the_account_are_not_locked(struct kunit *test)
{
	struct books *books = books_create(test);

	for (int i = 0; i < 8; i++)
		charge(books, mock_bo_private(mock_vm_create(books->mock), 1), i == 5);
	KUNIT_EXPECT_EQ(test, 1, scan_for(books, 1, 100));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&books->mock->sweeps));
}

static void pages_follow_an_account_to_its_new_owner(struct kunit *test)
{
	struct books *books = books_create(test);

	charge(books, mock_bo_unused(books->mock, 3), 0);
	charge(books, mock_bo_private(mock_vm_create(books->mock), 5), 1);
	books->accounts[1].owner = &books->owners[0];
	KUNIT_EXPECT_EQ(test, 0, count_of(books, 1));
	KUNIT_EXPECT_EQ(test, 8, count_of(books, 0));
	KUNIT_EXPECT_EQ(test, 0, scan_for(books, 1, 100));
	KUNIT_EXPECT_EQ(test, 8, scan_for(books, 0, 100));
}

static void global_scan_takes_the_coldest_of_all(struct kunit *test)
{
	struct books *books = books_create(test);
	struct mock_vm *vm[3];

	books->global = true;
	for (int i = 0; i < 3; i++) {
		vm[i] = mock_vm_create(books->mock);
		charge(books, mock_bo_private(vm[i], 4), i);
	}
	panthor_reclaim_vm_touch(&books->mock->reclaim, &vm[0]->base);

	/* Whichever mm asks about: it asks about the warmest first. */
	KUNIT_EXPECT_EQ(test, 4, scan_for(books, 0, 4));
	KUNIT_EXPECT_EQ(test, 4, scan_for(books, 0, 4));
	KUNIT_EXPECT_EQ(test, 4, scan_for(books, 2, 4));
	KUNIT_EXPECT_EQ(test, 1, books->mock->log[0]);
	KUNIT_EXPECT_EQ(test, 2, books->mock->log[1]);
	KUNIT_EXPECT_EQ(test, 0, books->mock->log[2]);
}

static void global_scan_spares_the_protected_unless_asked(struct kunit *test)
{
	struct books *books = books_create(test);

	books->global = true;
	books->owners[0].spared = true;
	charge(books, mock_bo_unused(books->mock, 4), 0);
	charge(books, mock_bo_unused(books->mock, 4), 1);
	KUNIT_EXPECT_EQ(test, 4, scan_for(books, 1, 100));
	KUNIT_EXPECT_EQ(test, 4, pages_of(books, 0));
	KUNIT_EXPECT_EQ(test, 4, scan_for(books, 0, 100));
}

static void freed_pages_are_told_once(struct kunit *test)
{
	struct books *books = books_create(test);

	charge(books, mock_bo_unused(books->mock, 4), 0);
	charge(books, mock_bo_unused(books->mock, 4), 0);
	KUNIT_EXPECT_EQ(test, 8, scan_for(books, 0, 8));
	KUNIT_EXPECT_EQ(test, 1, books->told);
	KUNIT_EXPECT_EQ(test, 8, books->freed);
}

static void sums_stay_right_in_a_storm(struct kunit *test)
{
	struct books *books = books_create(test);
	struct mock_bo *bos[32];
	struct mock_vm *vms[3];
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 1);
	for (int i = 0; i < ARRAY_SIZE(vms); i++)
		vms[i] = mock_vm_create(books->mock);
	for (int i = 0; i < ARRAY_SIZE(bos); i++)
		bos[i] = charge(books, mock_bo_create(books->mock, 1 + i), i % MAX_ACCOUNTS);

	for (int i = 0; i < 2000; i++) {
		struct mock_bo *bo = bos[prandom_u32_state(&rnd) % ARRAY_SIZE(bos)];
		u32 what = prandom_u32_state(&rnd);

		if (what % 8 == 0)
			charge(books, bo, what / 8 % MAX_ACCOUNTS);
		if (what % 8 == 1)
			scan_for(books, what / 8 % MAX_ACCOUNTS, 20);
		bo->facts.resident = what & 0x100;
		bo->facts.mmapped = what & 0x200;
		bo->facts.nr_vms = what >> 10 & 3;
		bo->facts.vm = bo->facts.nr_vms == 1 ? &vms[(what >> 12) % 3]->base : NULL;
		mock_bo_file(bo);
		KUNIT_ASSERT_EQ(test, 0, panthor_reclaim_check(&books->mock->reclaim));
	}
	expect_same_sums(books);

	for (int i = 0; i < ARRAY_SIZE(bos); i++)
		mock_bo_free(bos[i]);
	for (int i = 0; i < MAX_ACCOUNTS; i++)
		KUNIT_EXPECT_EQ(test, 0, books->accounts[i].refs);
	expect_same_sums(books);
}

static struct kunit_case account_test_cases[] = {
	KUNIT_CASE(accounts_follow_the_class),
	KUNIT_CASE(charging_anew_moves_the_pages),
	KUNIT_CASE(freeing_a_bo_puts_its_account),
	KUNIT_CASE(scan_takes_the_coldest_of_one_account),
	KUNIT_CASE(scan_finds_the_account_in_every_class),
	KUNIT_CASE(vm_with_bos_of_several_accounts_loses_only_those),
	KUNIT_CASE(vms_without_bos_of_the_account_are_not_locked),
	KUNIT_CASE(pages_follow_an_account_to_its_new_owner),
	KUNIT_CASE(global_scan_takes_the_coldest_of_all),
	KUNIT_CASE(global_scan_spares_the_protected_unless_asked),
	KUNIT_CASE(freed_pages_are_told_once),
	KUNIT_CASE(sums_stay_right_in_a_storm),
	{}
};

static struct kunit_suite account_test_suite = {
	.name = "panthor_reclaim_account",
	.test_cases = account_test_cases,
};

kunit_test_suite(account_test_suite);
