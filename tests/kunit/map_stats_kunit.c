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
			     unsigned long npages, unsigned long npages_pmd,
			     unsigned long npages_pud)
{
	KUNIT_EXPECT_EQ(test, atomic_long_read(&stats->npages), npages);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&stats->npages_pmd), npages_pmd);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&stats->npages_pud), npages_pud);
}

#define M	PAGES(SZ_2M)
#define G	PAGES(SZ_1G)

/**
 * struct leaf_case - a run, and the pages that leaves can have
 * @name: of the case
 * @iova: where it is mapped
 * @pfn: its first page frame
 * @npages: its pages
 * @npages_pmd: pages that may be in leaves of 2 MiB or more
 * @npages_pud: pages that may be in leaves of 1 GiB
 */
struct leaf_case {
	const char *name;
	dma_addr_t iova;
	unsigned long pfn;
	unsigned long npages;
	unsigned long npages_pmd;
	unsigned long npages_pud;
};

static const struct leaf_case leaf_cases[] = {
	{ "2 MiB", SZ_2M, M, M, M, 0 },
	{ "2 MiB less a page", SZ_2M, M, M - 1, 0, 0 },
	{ "not alike", SZ_2M + PAGE_SIZE, M, 4 * M, 0, 0 },
	{ "alike, not at a boundary: only what is whole counts",
	  SZ_2M + PAGE_SIZE, 7 * M + 1, 2 * M, M, 0 },
	{ "1 GiB", SZ_1G, 2 * G, G, G, G },
	{ "1 GiB, alike by 2 MiB", SZ_1G + SZ_2M, M, G, G, 0 },
	{ "1 GiB in the middle", SZ_1G - SZ_2M, 3 * G - M, G + 2 * M, G + 2 * M,
	  G },
	/* The last byte of 64 bits is that of a leaf like any other. */
	{ "the top of the space", -(dma_addr_t)(2 * SZ_2M), 6 * M, 2 * M, 2 * M,
	  0 },
};

CASE_DESC(leaf_case);
KUNIT_ARRAY_PARAM(leaf_case, leaf_cases, leaf_case_desc);

static void map_stats_alignment(struct kunit *test)
{
	const struct leaf_case *p = test->param_value;
	const struct t1x_run run = { .pfn = p->pfn, .npages = p->npages };
	struct t1x_map_stats_delta part = {};
	struct t1x_map_stats stats = {};

	t1x_map_stats_count_run(&part, p->iova, &run);
	t1x_map_stats_add(&stats, &part, p->npages, 0);
	map_stats_expect(test, &stats, p->npages, p->npages_pmd, p->npages_pud);
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
	KUNIT_CASE_PARAM(map_stats_alignment, leaf_case_gen_params),
	KUNIT_CASE(map_stats_several),
	{}
};

static struct kunit_suite map_stats_suite = {
	.name = "t1x_map_stats",
	.test_cases = map_stats_cases,
};

kunit_test_suite(map_stats_suite);
