// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which leaves runs allow.
 */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "map_stats.h"
#include "t1x_kunit.h"

#define PAGES(bytes)	((unsigned long)(bytes) >> PAGE_SHIFT)

static void map_stats_expect(struct kunit *test, const struct t1x_map_stats *stats,
			     unsigned long npages, unsigned long npages_2m,
			     unsigned long npages_1g)
{
	KUNIT_EXPECT_EQ(test, atomic_long_read(&stats->npages), npages);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&stats->npages_2m), npages_2m);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&stats->npages_1g), npages_1g);
}

static void map_stats_of_one(struct t1x_map_stats *stats, dma_addr_t iova,
			     unsigned long pfn, unsigned long npages)
{
	const struct t1x_run run = { .pfn = pfn, .npages = npages };
	struct t1x_map_stats_delta part = {};

	memset(stats, 0, sizeof(*stats));
	t1x_map_stats_count_run(&part, iova, &run);
	t1x_map_stats_add(stats, &part, npages, 0);
}

static void map_stats_alignment(struct kunit *test)
{
	const unsigned long m = PAGES(SZ_2M), g = PAGES(SZ_1G);
	struct t1x_map_stats stats;

	map_stats_of_one(&stats, SZ_2M, m, m);
	map_stats_expect(test, &stats, m, m, 0);
	map_stats_of_one(&stats, SZ_2M, m, m - 1);
	map_stats_expect(test, &stats, m - 1, 0, 0);
	map_stats_of_one(&stats, SZ_2M + PAGE_SIZE, m, 4 * m);
	map_stats_expect(test, &stats, 4 * m, 0, 0);
	/* Alike, but not at a boundary: only what is whole counts. */
	map_stats_of_one(&stats, SZ_2M + PAGE_SIZE, 7 * m + 1, 2 * m);
	map_stats_expect(test, &stats, 2 * m, m, 0);
	map_stats_of_one(&stats, SZ_1G, 2 * g, g);
	map_stats_expect(test, &stats, g, g, g);
	map_stats_of_one(&stats, SZ_1G + SZ_2M, m, g);
	map_stats_expect(test, &stats, g, g, 0);
	map_stats_of_one(&stats, SZ_1G - SZ_2M, 3 * g - m, g + 2 * m);
	map_stats_expect(test, &stats, g + 2 * m, g + 2 * m, g);
}

/* The last byte of 64 bits is that of a leaf like any other. */
static void map_stats_top_of_the_space(struct kunit *test)
{
	const unsigned long m = PAGES(SZ_2M);
	struct t1x_map_stats stats;

	map_stats_of_one(&stats, -(dma_addr_t)(2 * SZ_2M), 6 * m, 2 * m);
	map_stats_expect(test, &stats, 2 * m, 2 * m, 0);
}

static void map_stats_several(struct kunit *test)
{
	const unsigned long m = PAGES(SZ_2M);
	const struct t1x_run runs[] = {
		{ .pfn = 5, .npages = 1 },
		{ .pfn = 9 * m + 1, .npages = 2 * m - 1 },
		{ .pfn = m, .npages = m },
	};
	struct t1x_map_stats_delta part = {};
	struct t1x_map_stats stats = {};
	dma_addr_t iova = SZ_2M;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		t1x_map_stats_count_run(&part, iova, &runs[i]);
		iova += (dma_addr_t)runs[i].npages << PAGE_SHIFT;
	}
	t1x_map_stats_add(&stats, &part, 3 * m, 7);
	map_stats_expect(test, &stats, 3 * m, 2 * m, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&stats.largest), 2 * m - 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&stats.slow_gup), 7);

	/* A smaller one changes neither. */
	part = (struct t1x_map_stats_delta){ .largest = 3 };
	t1x_map_stats_add(&stats, &part, 3, 0);
	map_stats_expect(test, &stats, 3 * m + 3, 2 * m, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&stats.largest), 2 * m - 1);
}

static struct kunit_case map_stats_cases[] = {
	KUNIT_CASE(map_stats_alignment),
	KUNIT_CASE(map_stats_top_of_the_space),
	KUNIT_CASE(map_stats_several),
	{}
};

static struct kunit_suite map_stats_suite = {
	.name = "t1x_map_stats",
	.test_cases = map_stats_cases,
};

kunit_test_suite(map_stats_suite);
