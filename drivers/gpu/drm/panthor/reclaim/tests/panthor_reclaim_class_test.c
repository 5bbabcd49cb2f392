// SPDX-License-Identifier: GPL-2.0 or MIT

/* Which class a BO belongs to, and whether counters and lists show it. */

#include <linux/string.h>

#include <drm/drm_print.h>

#include "panthor_reclaim_mock.h"

static struct panthor_reclaim_vm some_vm;

struct class_case {
	const char *description;
	struct panthor_reclaim_facts facts;
	enum panthor_reclaim_class class;
};

static const struct class_case class_cases[] = {
	{ "no pages", {}, PANTHOR_RECLAIM_UNRECLAIMABLE },
	{ "no pages but mapped", { .mmapped = true, .nr_vms = 1, .vm = &some_vm },
	  PANTHOR_RECLAIM_UNRECLAIMABLE },
	{ "pages only", { .resident = true }, PANTHOR_RECLAIM_UNUSED },
	{ "CPU mapping", { .resident = true, .mmapped = true }, PANTHOR_RECLAIM_MMAPPED },
	{ "one VM", { .resident = true, .nr_vms = 1, .vm = &some_vm },
	  PANTHOR_RECLAIM_PRIVATE },
	{ "one VM and CPU mapping",
	  { .resident = true, .mmapped = true, .nr_vms = 1, .vm = &some_vm },
	  PANTHOR_RECLAIM_PRIVATE },
	{ "two VMs", { .resident = true, .nr_vms = 2 }, PANTHOR_RECLAIM_SHARED },
	{ "many VMs and CPU mapping", { .resident = true, .mmapped = true, .nr_vms = 30 },
	  PANTHOR_RECLAIM_SHARED },
	{ "pinned", { .resident = true, .pinned = true }, PANTHOR_RECLAIM_UNRECLAIMABLE },
	{ "pinned and in one VM",
	  { .resident = true, .pinned = true, .nr_vms = 1, .vm = &some_vm },
	  PANTHOR_RECLAIM_UNRECLAIMABLE },
	{ "imported", { .resident = true, .imported = true }, PANTHOR_RECLAIM_UNRECLAIMABLE },
	{ "evicted", { .evicted = true, .nr_vms = 2 }, PANTHOR_RECLAIM_UNRECLAIMABLE },
};

static void class_case_description(const struct class_case *c, char *description)
{
	strscpy(description, c->description, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(class, class_cases, class_case_description);

static void class_follows_from_state(struct kunit *test)
{
	const struct class_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, c->class, panthor_reclaim_classify(&c->facts));
}

static void expect_pages(struct mock *mock, long unused, long mmapped, long private,
			 long shared, long unreclaimable)
{
	struct kunit *test = mock->test;

	KUNIT_EXPECT_EQ(test, unused, mock_pages(mock, PANTHOR_RECLAIM_UNUSED));
	KUNIT_EXPECT_EQ(test, mmapped, mock_pages(mock, PANTHOR_RECLAIM_MMAPPED));
	KUNIT_EXPECT_EQ(test, private, mock_pages(mock, PANTHOR_RECLAIM_PRIVATE));
	KUNIT_EXPECT_EQ(test, shared, mock_pages(mock, PANTHOR_RECLAIM_SHARED));
	KUNIT_EXPECT_EQ(test, unreclaimable, mock_pages(mock, PANTHOR_RECLAIM_UNRECLAIMABLE));
	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_check(&mock->reclaim));
}

static void counters_follow_a_bo_through_its_life(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *vm = mock_vm_create(mock);
	struct mock_bo *bo = mock_bo_create(mock, 7);

	expect_pages(mock, 0, 0, 0, 0, 7);

	bo->facts.resident = true;
	mock_bo_file(bo);
	expect_pages(mock, 7, 0, 0, 0, 0);

	bo->facts.mmapped = true;
	mock_bo_file(bo);
	expect_pages(mock, 0, 7, 0, 0, 0);

	bo->facts.nr_vms = 1;
	bo->facts.vm = &vm->base;
	mock_bo_file(bo);
	expect_pages(mock, 0, 0, 7, 0, 0);
	KUNIT_EXPECT_EQ(test, 1, vm->base.nr_bos);

	bo->facts.nr_vms = 2;
	bo->facts.vm = NULL;
	mock_bo_file(bo);
	expect_pages(mock, 0, 0, 0, 7, 0);
	KUNIT_EXPECT_EQ(test, 0, vm->base.nr_bos);

	bo->facts.pinned = true;
	mock_bo_file(bo);
	expect_pages(mock, 0, 0, 0, 0, 7);

	mock_bo_free(bo);
	expect_pages(mock, 0, 0, 0, 0, 0);
}

static void evicted_bos_are_counted_apart(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_bo *bo = mock_bo_unused(mock, 5);
	struct panthor_reclaim_scan scan;

	mock_bo_create(mock, 3);
	mock_scan(mock, 5, 0, &scan);
	expect_pages(mock, 0, 0, 0, 0, 8);
	KUNIT_EXPECT_EQ(test, 1, atomic_long_read(&mock->reclaim.evicted_bos));
	KUNIT_EXPECT_EQ(test, 5, atomic_long_read(&mock->reclaim.evicted_pages));

	/* It comes back. */
	bo->facts.resident = true;
	bo->facts.evicted = false;
	mock_bo_file(bo);
	expect_pages(mock, 5, 0, 0, 0, 3);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&mock->reclaim.evicted_pages));
}

static void evicted_bo_can_be_freed(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_bo *bo = mock_bo_unused(mock, 5);
	struct panthor_reclaim_scan scan;

	mock_scan(mock, 5, 0, &scan);
	mock_bo_free(bo);
	expect_pages(mock, 0, 0, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&mock->reclaim.evicted_bos));
}

static void bo_moves_from_vm_to_vm(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_vm *a = mock_vm_create(mock), *b = mock_vm_create(mock);
	struct mock_bo *bo = mock_bo_private(a, 4);

	bo->facts.vm = &b->base;
	mock_bo_file(bo);
	KUNIT_EXPECT_EQ(test, 0, a->base.nr_bos);
	KUNIT_EXPECT_EQ(test, 1, b->base.nr_bos);
	KUNIT_EXPECT_TRUE(test, list_empty(&a->base.node.link));
	expect_pages(mock, 0, 0, 4, 0, 0);
}

static void bo_that_was_never_added_can_be_freed(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct panthor_reclaim_bo bo = {};

	panthor_reclaim_bo_init(&bo);
	panthor_reclaim_bo_fini(&mock->reclaim, &bo);
	expect_pages(mock, 0, 0, 0, 0, 0);
}

static void check_finds_a_wrong_counter(struct kunit *test)
{
	struct mock *mock = mock_create(test);

	mock_bo_unused(mock, 4);
	atomic_long_inc(&mock->reclaim.nr_pages[PANTHOR_RECLAIM_UNUSED]);
	KUNIT_EXPECT_EQ(test, 1, panthor_reclaim_check(&mock->reclaim));
	atomic_long_dec(&mock->reclaim.nr_pages[PANTHOR_RECLAIM_UNUSED]);
	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_check(&mock->reclaim));
}

static void bo_with_an_unfiled_change_is_found(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct mock_bo *bo = mock_bo_unused(mock, 4);

	mock_bo_mmapped(mock, 4);
	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_count_misfiled(&mock->reclaim));
	bo->facts.mmapped = true;
	KUNIT_EXPECT_EQ(test, 1, panthor_reclaim_count_misfiled(&mock->reclaim));
	mock_bo_file(bo);
	KUNIT_EXPECT_EQ(test, 0, panthor_reclaim_count_misfiled(&mock->reclaim));
}

struct text {
	char buf[4096];
	size_t len;
};

static void text_printfn(struct drm_printer *p, struct va_format *vaf)
{
	struct text *text = p->arg;

	text->len += scnprintf(text->buf + text->len, sizeof(text->buf) - text->len, "%pV", vaf);
}

static void text_has_one_line_per_fact(struct kunit *test)
{
	struct mock *mock = mock_create(test);
	struct text *text = kunit_kzalloc(test, sizeof(*text), GFP_KERNEL);
	struct drm_printer p = { .printfn = text_printfn, .arg = text };
	struct panthor_reclaim_scan scan;
	char *at, *line, name[64];
	int lines = 0;
	long value;

	KUNIT_ASSERT_NOT_NULL(test, text);
	mock_bo_unused(mock, 11);
	mock_bo_mmapped(mock, 13);
	mock_bo_shared(mock, 17);
	mock_scan(mock, 11, 0, &scan);
	panthor_reclaim_print(&mock->reclaim, &p);

	KUNIT_EXPECT_NOT_NULL(test, strstr(text->buf, "class_unused_pages 0\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text->buf, "class_mmapped_bos 1\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text->buf, "class_mmapped_pages 13\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text->buf, "class_shared_pages 17\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text->buf, "class_evicted_pages 11\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text->buf, "\nscans 1\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text->buf, "\nevicted_pages 11\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text->buf, "\nfreed_pages 11\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(text->buf, "\ninvariant_errors 0\n"));

	at = text->buf;
	while ((line = strsep(&at, "\n")) && *line) {
		int n = sscanf(line, "%63s %ld", name, &value);

		KUNIT_EXPECT_EQ_MSG(test, 2, n, "line '%s'", line);
		lines++;
	}
	KUNIT_EXPECT_EQ(test, 2 * PANTHOR_RECLAIM_CLASS_COUNT + PANTHOR_RECLAIM_STAT_COUNT + 4,
			lines);
}

static struct kunit_case class_test_cases[] = {
	KUNIT_CASE_PARAM(class_follows_from_state, class_gen_params),
	KUNIT_CASE(counters_follow_a_bo_through_its_life),
	KUNIT_CASE(evicted_bos_are_counted_apart),
	KUNIT_CASE(evicted_bo_can_be_freed),
	KUNIT_CASE(bo_moves_from_vm_to_vm),
	KUNIT_CASE(bo_that_was_never_added_can_be_freed),
	KUNIT_CASE(check_finds_a_wrong_counter),
	KUNIT_CASE(bo_with_an_unfiled_change_is_found),
	KUNIT_CASE(text_has_one_line_per_fact),
	{}
};

static struct kunit_suite class_test_suite = {
	.name = "panthor_reclaim_class",
	.test_cases = class_test_cases,
};

kunit_test_suite(class_test_suite);
