// SPDX-License-Identifier: GPL-2.0-only
/*
 * MMIO read from page tables: made-up ones, and those behind the fake BAR.
 */
#include <linux/pgtable.h>

#include "pfnmap.h"
#include "runs.h"
#include "t1x_kunit.h"

/* --- A made-up table, and another one behind it ------------------------------- */

/* No memory is there, real or emulated. */
#define MMIO_PFN	BIT(28)

static pte_t *table_alloc(struct kunit *test)
{
	pte_t *table;
	int i;

	table = kunit_kcalloc(test, 2 * PTRS_PER_PTE, sizeof(*table),
			      GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, table);
	for (i = 0; i < 2 * PTRS_PER_PTE; i++)
		table[i] = pfn_pte(MMIO_PFN + i, PAGE_SHARED);
	return table;
}

static unsigned long scan(pte_t *table, unsigned long first, unsigned long most)
{
	struct follow_pfnmap_args args = {
		.address = PMD_SIZE + first * PAGE_SIZE,
		.ptep = table + first,
		.pfn = pte_pfn(table[first]),
	};

	return t1x_pfnmap_scan(&args, most);
}

static void scan_ends_where_wanted(struct kunit *test)
{
	pte_t *table = table_alloc(test);

	KUNIT_EXPECT_EQ(test, scan(table, 0, 1), 1UL);
	KUNIT_EXPECT_EQ(test, scan(table, 0, PTRS_PER_PTE - 1),
			PTRS_PER_PTE - 1UL);
	KUNIT_EXPECT_EQ(test, scan(table, 7, 100), 100UL);
}

/* The next table in memory is not the next one in the address space. */
static void scan_ends_with_the_table(struct kunit *test)
{
	pte_t *table = table_alloc(test);

	KUNIT_EXPECT_EQ(test, scan(table, 0, ULONG_MAX),
			(unsigned long)PTRS_PER_PTE);
	KUNIT_EXPECT_EQ(test, scan(table, 1, ULONG_MAX),
			PTRS_PER_PTE - 1UL);
	KUNIT_EXPECT_EQ(test, scan(table, PTRS_PER_PTE - 1, 2), 1UL);
}

/**
 * struct odd_entry - an entry that ends a scan
 * @name: of the case
 * @place: where it is
 * @pfn: the page frame in it; 0: it is empty
 */
struct odd_entry {
	const char *name;
	unsigned long place;
	unsigned long pfn;
};

static const struct odd_entry odd_entries[] = {
	{ "another page, second entry", 1, MMIO_PFN },
	{ "another page, third entry", 2, MMIO_PFN },
	{ "another page, in the middle", 255, MMIO_PFN },
	{ "another page, last entry", PTRS_PER_PTE - 1, MMIO_PFN },
	{ "a later page, second entry", 1, MMIO_PFN + PTRS_PER_PTE },
	{ "a later page, last entry", PTRS_PER_PTE - 1,
	  MMIO_PFN + PTRS_PER_PTE },
	{ "a hole, second entry", 1 },
	{ "a hole, third entry", 2 },
	{ "a hole, in the middle", 255 },
	{ "a hole, last entry", PTRS_PER_PTE - 1 },
};

CASE_DESC(odd_entry);
KUNIT_ARRAY_PARAM(odd_entry, odd_entries, odd_entry_desc);

static void scan_ends_at_an_odd_entry(struct kunit *test)
{
	const struct odd_entry *p = test->param_value;
	pte_t *table = table_alloc(test);

	table[p->place] = p->pfn ? pfn_pte(p->pfn, PAGE_SHARED) : __pte(0);
	KUNIT_EXPECT_EQ(test, scan(table, 0, PTRS_PER_PTE), p->place);
}

/* What users did with some of the pages is no difference. */
static void scan_goes_on_where_pages_were_used(struct kunit *test)
{
	pte_t *table = table_alloc(test);
	int i;

	for (i = 0; i < PTRS_PER_PTE; i++) {
		if (i % 3 == 1)
			table[i] = pte_mkdirty(table[i]);
		if (i % 5 == 1)
			table[i] = pte_mkold(table[i]);
	}
	KUNIT_EXPECT_EQ(test, scan(table, 0, PTRS_PER_PTE),
			(unsigned long)PTRS_PER_PTE);
	KUNIT_EXPECT_EQ(test, scan(table, 1, PTRS_PER_PTE),
			PTRS_PER_PTE - 1UL);
}

/* Only one of them is what the lookup told of the first one. */
static void scan_ends_where_less_is_allowed(struct kunit *test)
{
	pte_t *table = table_alloc(test);
	unsigned long i;

	for (i = 1; i < PTRS_PER_PTE; i++) {
		table[i] = pfn_pte(MMIO_PFN + i, PAGE_READONLY);
		KUNIT_EXPECT_EQ(test, scan(table, 0, PTRS_PER_PTE), i);
		KUNIT_EXPECT_EQ(test, scan(table, i, 2), 1UL);
		table[i] = pfn_pte(MMIO_PFN + i, PAGE_SHARED);
	}
}

/* --- The fake BAR ------------------------------------------------------------- */

/* Around the place where a page table ends. */
#define BORDER		(FAKE_BAR_PAGES / 2)

static const unsigned int places[] = {
	1, 2, BORDER - 1, BORDER, BORDER + 1, FAKE_BAR_PAGES - 1
};

KUNIT_ARRAY_PARAM(place, places, number_desc);

static int read_bar(unsigned int first, unsigned long npages, bool write,
		    struct t1x_run *run)
{
	unsigned long vaddr = fake_memory.vaddr +
			      (FAKE_PAGES + first) * PAGE_SIZE;
	bool retry = false;
	int ret;

	mmap_read_lock(fake_memory.mm);
	ret = t1x_pfnmap_read(vma_lookup(fake_memory.mm, vaddr), vaddr, npages,
			      write, run, &retry);
	mmap_read_unlock(fake_memory.mm);
	return retry ? -EAGAIN : ret;
}

/* Until the end, or an error; returns how many pages there were. */
static unsigned int read_all(struct kunit *test, bool write, int want)
{
	struct t1x_run run = {};
	unsigned int n = 0;
	int ret = 0;

	while (n < FAKE_BAR_PAGES && !ret) {
		ret = read_bar(n, FAKE_BAR_PAGES - n, write, &run);
		n += run.npages;
	}
	KUNIT_EXPECT_EQ(test, ret, want);
	return n;
}

/* What must be faulted in first comes in steps, what is there at once. */
static void read_in_one_go(struct kunit *test)
{
	struct t1x_run run;

	KUNIT_EXPECT_EQ(test, read_bar(0, FAKE_BAR_PAGES, true, &run), 0);
	KUNIT_EXPECT_LT(test, run.npages, (u32)FAKE_BAR_PAGES);
	KUNIT_EXPECT_EQ(test, read_all(test, true, 0), FAKE_BAR_PAGES);

	KUNIT_EXPECT_EQ(test, read_bar(0, FAKE_BAR_PAGES, true, &run), 0);
	KUNIT_EXPECT_EQ(test, run.npages, (u32)FAKE_BAR_PAGES);
	KUNIT_EXPECT_EQ(test, run.pfn, page_to_pfn(fake_memory.bar));
	KUNIT_EXPECT_FALSE(test, run.ram || run.pinned || run.huge);
}

/* Each page is faulted in once, as many at a time as mmap_lock may be held for. */
static void read_faults_what_is_wanted(struct kunit *test)
{
	const struct {
		unsigned int first;
		unsigned long npages;
	} parts[] = {
		{ 0, 1 }, { 0, 2 }, { 1, 40 }, { 0, BORDER }, { BORDER - 3, 5 },
		{ 3, FAKE_BAR_PAGES - 3 },
	};
	struct t1x_run run;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		fake_memory_reset();
		KUNIT_EXPECT_EQ(test, read_bar(parts[i].first, parts[i].npages, true, &run), 0);
		KUNIT_EXPECT_EQ(test, fake_memory.bar_faults, run.npages);
		KUNIT_EXPECT_GE(test, run.npages, min(parts[i].npages, 60UL));
		KUNIT_EXPECT_LE(test, run.npages, min(parts[i].npages, 95UL));
		KUNIT_EXPECT_EQ(test, run.pfn, page_to_pfn(fake_memory.bar) + parts[i].first);
	}
}

static void read_any_part(struct kunit *test)
{
	unsigned int first, npages;
	struct t1x_run run;

	read_all(test, true, 0);
	for (first = 0; first < FAKE_BAR_PAGES; first += 9) {
		for (npages = 1; npages < FAKE_BAR_PAGES; npages += 7) {
			KUNIT_ASSERT_EQ(test,
					read_bar(first, npages, false, &run),
					0);
			/* More than that is not in the VMA. */
			KUNIT_ASSERT_EQ(test, run.npages,
					(u32)min(npages,
						 FAKE_BAR_PAGES - first));
			KUNIT_ASSERT_EQ(test, run.pfn,
					page_to_pfn(fake_memory.bar) + first);
		}
	}
}

/* Cold and then warm: the error comes where the page is, and not before. */
static void read_ends_at_a_hole(struct kunit *test)
{
	const unsigned int *place = test->param_value;

	fake_memory.bar_layout[*place] = NULL;
	KUNIT_EXPECT_EQ(test, read_all(test, true, -EFAULT), *place);
	KUNIT_EXPECT_EQ(test, read_all(test, true, -EFAULT), *place);
}

static void read_ends_at_what_is_read_only(struct kunit *test)
{
	const unsigned int *place = test->param_value;

	fake_memory.bar_read_only = *place;
	KUNIT_EXPECT_EQ(test, read_all(test, true, -EFAULT), *place);
	KUNIT_EXPECT_EQ(test, read_all(test, true, -EFAULT), *place);
	KUNIT_EXPECT_EQ(test, read_all(test, false, 0), FAKE_BAR_PAGES);
}

static void read_ends_at_ram(struct kunit *test)
{
	const unsigned int *place = test->param_value;
	struct page *page = fake_memory.bar + *place;

	ClearPageReserved(page);
	KUNIT_EXPECT_EQ(test, read_all(test, false, -EFAULT), *place);
	KUNIT_EXPECT_EQ(test, read_all(test, false, -EFAULT), *place);
	SetPageReserved(page);
}

static void read_ends_where_pages_jump(struct kunit *test)
{
	const unsigned int *place = test->param_value;
	struct t1x_run run;

	swap(fake_memory.bar_layout[*place], fake_memory.bar_layout[0]);
	KUNIT_EXPECT_EQ(test, read_all(test, true, 0), FAKE_BAR_PAGES);
	KUNIT_EXPECT_EQ(test, read_bar(*place, FAKE_BAR_PAGES, true, &run), 0);
	KUNIT_EXPECT_EQ(test, run.npages, 1U);
	KUNIT_EXPECT_EQ(test, run.pfn, page_to_pfn(fake_memory.bar));
}

static struct kunit_case pfnmap_cases[] = {
	KUNIT_CASE(scan_ends_where_wanted),
	KUNIT_CASE(scan_ends_with_the_table),
	KUNIT_CASE_PARAM(scan_ends_at_an_odd_entry, odd_entry_gen_params),
	KUNIT_CASE(scan_goes_on_where_pages_were_used),
	KUNIT_CASE(scan_ends_where_less_is_allowed),
	KUNIT_CASE(read_in_one_go),
	KUNIT_CASE(read_faults_what_is_wanted),
	KUNIT_CASE(read_any_part),
	KUNIT_CASE_PARAM(read_ends_at_a_hole, place_gen_params),
	KUNIT_CASE_PARAM(read_ends_at_what_is_read_only, place_gen_params),
	KUNIT_CASE_PARAM(read_ends_at_ram, place_gen_params),
	KUNIT_CASE_PARAM(read_ends_where_pages_jump, place_gen_params),
	{}
};

static struct kunit_suite pfnmap_suite = {
	.name = "t1x_pfnmap",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fake_memory_init,
	.exit = fake_memory_exit,
	.test_cases = pfnmap_cases,
};

kunit_test_suite(pfnmap_suite);
