// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader: what it brings for each kind of page, and that it lets go.
 */
#include "pfn_reader.h"
#include "t1x_kunit.h"
#include "unpin.h"

static void pin_start(struct t1x_pfn_reader *pin, unsigned int first,
		      unsigned int npages, unsigned int batch)
{
	t1x_pfn_reader_init(pin, fake_memory.mm,
			    fake_memory.vaddr + first * PAGE_SIZE, npages, true,
			    batch);
}

/* Reads on, joined as fill.c does, and returns the next run; 0 at the end. */
static int pin_run(struct t1x_pfn_reader *pin, struct t1x_run *run)
{
	const struct t1x_run *next;
	int ret;

	run->npages = 0;
	for (;;) {
		next = t1x_pfn_reader_peek(pin);
		if (next) {
			if (!t1x_run_joins(run, next))
				return 0;
			t1x_run_join(run, next);
			t1x_pfn_reader_consume(pin);
			continue;
		}
		if (!pin->left)
			return 0;
		ret = t1x_pfn_reader_fill(pin);
		if (ret)
			return ret;
	}
}

static const unsigned int batches[] = { 1, 2, 7, 8, 9, 511, 512 };

KUNIT_ARRAY_PARAM(batches, batches, number_desc);

static void pin_contiguous_is_one_run(struct kunit *test)
{
	const unsigned int *batch = test->param_value;
	struct t1x_pfn_reader pin;
	struct t1x_run run;

	pin_start(&pin, 0, 1000, *batch);
	KUNIT_EXPECT_EQ(test, pin_run(&pin, &run), 0);
	KUNIT_EXPECT_EQ(test, (unsigned long)run.npages, 1000UL);
	KUNIT_EXPECT_EQ(test, run.pfn, page_to_pfn(fake_memory_page(0)));
	KUNIT_EXPECT_TRUE(test, run.ram && run.pinned);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory_page(999)));
	KUNIT_EXPECT_EQ(test, t1x_unpin_run(&run, true), 1000UL);
	t1x_pfn_reader_destroy(&pin);
}

/* Wherever memory stops to be contiguous, a run ends there and not beside it. */
static void pin_runs_end_at_each_place(struct kunit *test)
{
	struct t1x_pfn_reader pin;
	struct t1x_run run;
	unsigned int at, first;

	for (at = 1; at < 32; at++) {
		first = at * 32;	/* a fault reads the layout once */
		fake_memory.layout[first + at] = fake_memory_page(first);
		pin_start(&pin, first, at + 1, 512);
		KUNIT_ASSERT_EQ(test, pin_run(&pin, &run), 0);
		KUNIT_EXPECT_EQ(test, (unsigned long)run.npages, (unsigned long)at);
		t1x_unpin_run(&run, false);
		KUNIT_ASSERT_EQ(test, pin_run(&pin, &run), 0);
		KUNIT_EXPECT_EQ(test, run.pfn, page_to_pfn(fake_memory_page(first)));
		KUNIT_EXPECT_EQ(test, (unsigned long)run.npages, 1UL);
		t1x_unpin_run(&run, false);
		t1x_pfn_reader_destroy(&pin);
	}
}

static void pin_scattered_is_a_run_each(struct kunit *test)
{
	struct t1x_pfn_reader pin;
	struct t1x_run run;
	unsigned int i;

	fake_memory_scatter();
	pin_start(&pin, 0, 700, 512);
	for (i = 0; i < 700; i++) {
		KUNIT_ASSERT_EQ(test, pin_run(&pin, &run), 0);
		KUNIT_ASSERT_EQ(test, (unsigned long)run.npages, 1UL);
		KUNIT_ASSERT_EQ(test, run.pfn,
				page_to_pfn(fake_memory.layout[i]));
		KUNIT_ASSERT_EQ(test, t1x_unpin_run(&run, false), 1UL);
	}
	KUNIT_EXPECT_EQ(test, pin_run(&pin, &run), 0);
	KUNIT_EXPECT_EQ(test, (unsigned long)run.npages, 0UL);
	t1x_pfn_reader_destroy(&pin);
}

/* Pages that stand alone, up to one that does not, and all but the last. */
static void pin_singles_are_alone(struct kunit *test)
{
	struct t1x_run runs[8], run;
	struct t1x_pfn_reader pin;
	unsigned int i;

	fake_memory_scatter();
	fake_memory.layout[3] = fake_memory.bar;
	fake_memory.layout[5] = fake_memory_page(100);
	fake_memory.layout[6] = fake_memory_page(101);
	pin_start(&pin, 0, 9, 512);
	KUNIT_ASSERT_EQ(test, t1x_pfn_reader_fill(&pin), 0);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_next_singles(&pin, runs, 0), 0U);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_next_singles(&pin, runs, 2), 2U);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_next_singles(&pin, runs + 2, 6), 1U);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_next_singles(&pin, runs + 3, 5), 0U);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, runs[i].pfn,
				page_to_pfn(fake_memory.layout[i]));
		KUNIT_EXPECT_EQ(test, t1x_unpin_run(&runs[i], false), 1UL);
	}

	/* The reserved page, page 4, the pair, page 7, and the last. */
	run = *t1x_pfn_reader_peek(&pin);
	KUNIT_EXPECT_TRUE(test, run.npages == 1 && !run.ram);
	t1x_unpin_run(&run, false);
	t1x_pfn_reader_consume(&pin);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_next_singles(&pin, runs, 8), 1U);
	KUNIT_EXPECT_EQ(test, t1x_unpin_run(runs, false), 1UL);
	run = *t1x_pfn_reader_peek(&pin);
	KUNIT_EXPECT_EQ(test, (unsigned long)run.npages, 2UL);
	t1x_unpin_run(&run, false);
	t1x_pfn_reader_consume(&pin);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_next_singles(&pin, runs, 8), 1U);
	KUNIT_EXPECT_EQ(test, t1x_unpin_run(runs, false), 1UL);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_next_singles(&pin, runs, 8), 0U);
	t1x_pfn_reader_release_pins(&pin);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_next_singles(&pin, runs, 8), 0U);
	t1x_pfn_reader_destroy(&pin);
}

static void pin_hole_fails_and_keeps_the_rest(struct kunit *test)
{
	struct t1x_pfn_reader pin;
	struct t1x_run run;

	fake_memory.layout[5] = NULL;
	pin_start(&pin, 0, 100, 4);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_fill(&pin), 0);
	run = *t1x_pfn_reader_peek(&pin);
	KUNIT_EXPECT_EQ(test, (unsigned long)run.npages, 4UL);
	t1x_pfn_reader_consume(&pin);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_fill(&pin), 0);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory_page(4)));
	t1x_pfn_reader_release_pins(&pin);
	KUNIT_EXPECT_FALSE(test, fake_page_pinned(fake_memory_page(4)));
	KUNIT_EXPECT_LT(test, t1x_pfn_reader_fill(&pin), 0);
	KUNIT_EXPECT_NULL(test, t1x_pfn_reader_peek(&pin));
	KUNIT_EXPECT_EQ(test, t1x_unpin_run(&run, false), 4UL);
	t1x_pfn_reader_destroy(&pin);
}

static void pin_reserved_page_is_not_charged(struct kunit *test)
{
	struct t1x_pfn_reader pin;
	struct t1x_run run;

	fake_memory.layout[1] = fake_memory.bar;
	pin_start(&pin, 0, 3, 512);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_fill(&pin), 0);
	run = *t1x_pfn_reader_peek(&pin);
	KUNIT_EXPECT_TRUE(test, run.ram);
	KUNIT_EXPECT_EQ(test, t1x_unpin_run(&run, false), 1UL);
	t1x_pfn_reader_consume(&pin);
	run = *t1x_pfn_reader_peek(&pin);
	KUNIT_EXPECT_FALSE(test, run.ram);
	KUNIT_EXPECT_EQ(test, t1x_unpin_run(&run, false), 0UL);
	t1x_pfn_reader_consume(&pin);
	t1x_pfn_reader_release_pins(&pin);
	t1x_pfn_reader_destroy(&pin);
}

static void pin_bar_is_mmio(struct kunit *test)
{
	struct t1x_pfn_reader pin;
	struct t1x_run run;

	pin_start(&pin, FAKE_PAGES, FAKE_BAR_PAGES, 512);
	KUNIT_EXPECT_EQ(test, pin_run(&pin, &run), 0);
	KUNIT_EXPECT_EQ(test, run.pfn, page_to_pfn(fake_memory.bar));
	KUNIT_EXPECT_EQ(test, (unsigned long)run.npages,
			(unsigned long)FAKE_BAR_PAGES);
	KUNIT_EXPECT_FALSE(test, run.ram || run.pinned);
	KUNIT_EXPECT_EQ(test, t1x_unpin_run(&run, true), 0UL);
	t1x_pfn_reader_destroy(&pin);
}

static void pin_stops_between_ram_and_bar(struct kunit *test)
{
	struct t1x_pfn_reader pin;
	struct t1x_run run;

	pin_start(&pin, FAKE_PAGES - 3, 3 + FAKE_BAR_PAGES, 512);
	KUNIT_EXPECT_EQ(test, pin_run(&pin, &run), 0);
	KUNIT_EXPECT_EQ(test, (unsigned long)run.npages, 3UL);
	KUNIT_EXPECT_TRUE(test, run.ram);
	KUNIT_EXPECT_EQ(test, t1x_unpin_run(&run, false), 3UL);
	KUNIT_EXPECT_EQ(test, pin_run(&pin, &run), 0);
	KUNIT_EXPECT_EQ(test, (unsigned long)run.npages,
			(unsigned long)FAKE_BAR_PAGES);
	KUNIT_EXPECT_FALSE(test, run.ram);
	t1x_pfn_reader_destroy(&pin);
}

/* A VM_PFNMAP entry over ordinary memory would be freed under the device. */
static void pin_pfnmap_of_ram_is_refused(struct kunit *test)
{
	struct t1x_pfn_reader pin;

	ClearPageReserved(fake_memory.bar + 2);
	pin_start(&pin, FAKE_PAGES, FAKE_BAR_PAGES, 512);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_fill(&pin), 0);
	KUNIT_EXPECT_EQ(test, (unsigned long)t1x_pfn_reader_peek(&pin)->npages, 2UL);
	t1x_pfn_reader_release_pins(&pin);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_fill(&pin), -EFAULT);
	t1x_pfn_reader_destroy(&pin);
	SetPageReserved(fake_memory.bar + 2);
}

/* Single pages wait for others, until a flush or pages that are not like them. */
static void unpin_runs_of_all_kinds(struct kunit *test)
{
	const unsigned int n = 3 * T1X_UNPIN_PAGES;
	struct t1x_unpin_batch unpin;
	struct t1x_runs runs;
	struct t1x_pfn_reader pin;
	struct t1x_run run;
	unsigned int i;

	t1x_runs_init(&runs);
	fake_memory_scatter();
	fake_memory.layout[1] = fake_memory.bar;
	pin_start(&pin, 0, n, 512);
	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_EQ(test, pin_run(&pin, &run), 0);
		KUNIT_ASSERT_EQ(test, t1x_runs_reserve(&runs, GFP_KERNEL), 0);
		t1x_runs_push(&runs, &run);
	}
	t1x_pfn_reader_destroy(&pin);

	t1x_unpin_init(&unpin);
	KUNIT_EXPECT_EQ(test, t1x_unpin_last_runs(&unpin, &runs, 3, true), 3UL);
	KUNIT_EXPECT_EQ(test, unpin.nr, 3U);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory.layout[n - 1]));
	KUNIT_EXPECT_EQ(test, t1x_unpin_last_runs(&unpin, &runs, n - 3, false),
			(unsigned long)n - 4);
	KUNIT_EXPECT_FALSE(test, fake_page_pinned(fake_memory.layout[n - 1]));
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&runs), 0UL);
	t1x_unpin_flush(&unpin);
	KUNIT_EXPECT_EQ(test, unpin.nr, 0U);
}

static void pin_beyond_the_vma_is_efault(struct kunit *test)
{
	struct t1x_pfn_reader pin;

	t1x_pfn_reader_init(&pin, fake_memory.mm, 0, 1, false, 512);
	KUNIT_EXPECT_EQ(test, t1x_pfn_reader_fill(&pin), -EFAULT);
	t1x_pfn_reader_destroy(&pin);
}

static struct kunit_case pin_cases[] = {
	KUNIT_CASE_PARAM(pin_contiguous_is_one_run, batches_gen_params),
	KUNIT_CASE(pin_runs_end_at_each_place),
	KUNIT_CASE(pin_scattered_is_a_run_each),
	KUNIT_CASE(pin_singles_are_alone),
	KUNIT_CASE(pin_hole_fails_and_keeps_the_rest),
	KUNIT_CASE(pin_reserved_page_is_not_charged),
	KUNIT_CASE(pin_bar_is_mmio),
	KUNIT_CASE(pin_stops_between_ram_and_bar),
	KUNIT_CASE(pin_pfnmap_of_ram_is_refused),
	KUNIT_CASE(pin_beyond_the_vma_is_efault),
	KUNIT_CASE(unpin_runs_of_all_kinds),
	{}
};

static struct kunit_suite pin_suite = {
	.name = "t1x_pfn_reader",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fake_memory_init,
	.exit = fake_memory_exit,
	.test_cases = pin_cases,
};

kunit_test_suite(pin_suite);
