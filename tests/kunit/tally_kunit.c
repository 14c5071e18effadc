// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which leaves runs allow.
 */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "t1x_kunit.h"
#include "tally.h"

#define PAGES(bytes)	((unsigned long)(bytes) >> PAGE_SHIFT)

static void tally_expect(struct kunit *test, const struct t1x_tally *tally,
			 unsigned long npages, unsigned long npages_2m,
			 unsigned long npages_1g)
{
	KUNIT_EXPECT_EQ(test, atomic_long_read(&tally->npages), npages);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&tally->npages_2m), npages_2m);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&tally->npages_1g), npages_1g);
}

static void tally_of_one(struct t1x_tally *tally, dma_addr_t iova,
			 unsigned long pfn, unsigned long npages)
{
	const struct t1x_run run = { .pfn = pfn, .npages = npages };
	struct t1x_tally_part part = {};

	memset(tally, 0, sizeof(*tally));
	t1x_tally_run(&part, iova, &run);
	t1x_tally_add(tally, &part, npages, 0);
}

static void tally_alignment(struct kunit *test)
{
	const unsigned long m = PAGES(SZ_2M), g = PAGES(SZ_1G);
	struct t1x_tally tally;

	tally_of_one(&tally, SZ_2M, m, m);
	tally_expect(test, &tally, m, m, 0);
	tally_of_one(&tally, SZ_2M, m, m - 1);
	tally_expect(test, &tally, m - 1, 0, 0);
	tally_of_one(&tally, SZ_2M + PAGE_SIZE, m, 4 * m);
	tally_expect(test, &tally, 4 * m, 0, 0);
	/* Alike, but not at a boundary: only what is whole counts. */
	tally_of_one(&tally, SZ_2M + PAGE_SIZE, 7 * m + 1, 2 * m);
	tally_expect(test, &tally, 2 * m, m, 0);
	tally_of_one(&tally, SZ_1G, 2 * g, g);
	tally_expect(test, &tally, g, g, g);
	tally_of_one(&tally, SZ_1G + SZ_2M, m, g);
	tally_expect(test, &tally, g, g, 0);
	tally_of_one(&tally, SZ_1G - SZ_2M, 3 * g - m, g + 2 * m);
	tally_expect(test, &tally, g + 2 * m, g + 2 * m, g);
}

/* The last byte of 64 bits is that of a leaf like any other. */
static void tally_top_of_the_space(struct kunit *test)
{
	const unsigned long m = PAGES(SZ_2M);
	struct t1x_tally tally;

	tally_of_one(&tally, -(dma_addr_t)(2 * SZ_2M), 6 * m, 2 * m);
	tally_expect(test, &tally, 2 * m, 2 * m, 0);
}

static void tally_several(struct kunit *test)
{
	const unsigned long m = PAGES(SZ_2M);
	const struct t1x_run runs[] = {
		{ .pfn = 5, .npages = 1 },
		{ .pfn = 9 * m + 1, .npages = 2 * m - 1 },
		{ .pfn = m, .npages = m },
	};
	struct t1x_tally_part part = {};
	struct t1x_tally tally = {};
	dma_addr_t iova = SZ_2M;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		t1x_tally_run(&part, iova, &runs[i]);
		iova += (dma_addr_t)runs[i].npages << PAGE_SHIFT;
	}
	t1x_tally_add(&tally, &part, 3 * m, 7);
	tally_expect(test, &tally, 3 * m, 2 * m, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&tally.largest), 2 * m - 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&tally.slow_gup), 7);

	/* A smaller one changes neither. */
	part = (struct t1x_tally_part){ .largest = 3 };
	t1x_tally_add(&tally, &part, 3, 0);
	tally_expect(test, &tally, 3 * m + 3, 2 * m, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&tally.largest), 2 * m - 1);
}

static struct kunit_case tally_cases[] = {
	KUNIT_CASE(tally_alignment),
	KUNIT_CASE(tally_top_of_the_space),
	KUNIT_CASE(tally_several),
	{}
};

static struct kunit_suite tally_suite = {
	.name = "t1x_tally",
	.test_cases = tally_cases,
};

kunit_test_suite(tally_suite);
