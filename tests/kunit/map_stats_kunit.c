// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which leaves runs allow.
 */
#include <kunit/test.h>
#include <linux/sizes.h>

#include "map_stats.h"
#include "t1x_kunit.h"

#define PAGES(bytes)	((unsigned long)(bytes) >> PAGE_SHIFT)

/* What this CPU counts and the others have counted. */
static struct t1x_map_stats __percpu *map_stats_alloc(struct kunit *test)
{
	struct t1x_map_stats __percpu *stats = alloc_percpu(*stats);

	KUNIT_ASSERT_NOT_NULL(test, stats);
	return stats;
}

static void map_stats_expect(struct kunit *test, const struct t1x_map_stats __percpu *stats,
			     struct t1x_map_stats expected)
{
	struct t1x_map_stats sum;

	t1x_map_stats_sum(stats, &sum);
	KUNIT_EXPECT_EQ(test, sum.npages, expected.npages);
	KUNIT_EXPECT_EQ(test, sum.npages_pmd, expected.npages_pmd);
	KUNIT_EXPECT_EQ(test, sum.npages_pud, expected.npages_pud);
	KUNIT_EXPECT_EQ(test, sum.largest, expected.largest);
	KUNIT_EXPECT_EQ(test, sum.slow_gup, expected.slow_gup);
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
	struct t1x_map_stats __percpu *stats = map_stats_alloc(test);
	struct t1x_map_stats_delta part = {};

	t1x_map_stats_count_run(&part, p->iova, &run);
	t1x_map_stats_add(stats, &part, p->npages, 0);
	map_stats_expect(test, stats, (struct t1x_map_stats){
		.npages = p->npages, .npages_pmd = p->npages_pmd,
		.npages_pud = p->npages_pud, .largest = p->npages,
	});
	free_percpu(stats);
}

static void map_stats_several(struct kunit *test)
{
	const unsigned long m = PAGES(SZ_2M);
	const struct t1x_run runs[] = {
		{ .pfn = 5, .npages = 1 },
		{ .pfn = 9 * m + 1, .npages = 2 * m - 1 },
		{ .pfn = m, .npages = m },
	};
	struct t1x_map_stats __percpu *stats = map_stats_alloc(test);
	struct t1x_map_stats expected = {
		.npages = 3 * m, .npages_pmd = 2 * m, .largest = 2 * m - 1, .slow_gup = 7,
	};
	struct t1x_map_stats_delta part = {};
	dma_addr_t iova = SZ_2M;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		t1x_map_stats_count_run(&part, iova, &runs[i]);
		iova += (dma_addr_t)runs[i].npages << PAGE_SHIFT;
	}
	t1x_map_stats_add(stats, &part, 3 * m, 7);
	map_stats_expect(test, stats, expected);

	/* A smaller one changes neither. */
	part = (struct t1x_map_stats_delta){ .largest = 3 };
	t1x_map_stats_add(stats, &part, 3, 0);
	expected.npages += 3;
	map_stats_expect(test, stats, expected);
	free_percpu(stats);
}

/* Whichever CPU has counted. */
static void map_stats_of_all_cpus(struct kunit *test)
{
	struct t1x_map_stats __percpu *stats = map_stats_alloc(test);
	struct t1x_map_stats expected = {};
	struct t1x_map_stats *part;
	int cpu;

	for_each_possible_cpu(cpu) {
		part = per_cpu_ptr(stats, cpu);
		part->npages = 1 + cpu;
		part->npages_pmd = 10 + cpu;
		part->npages_pud = 100 + cpu;
		part->largest = 1000 - cpu;
		part->slow_gup = 10000 + cpu;
		expected.npages += part->npages;
		expected.npages_pmd += part->npages_pmd;
		expected.npages_pud += part->npages_pud;
		expected.slow_gup += part->slow_gup;
	}
	expected.largest = 1000;
	map_stats_expect(test, stats, expected);
	free_percpu(stats);
}

static struct kunit_case map_stats_cases[] = {
	KUNIT_CASE_PARAM(map_stats_alignment, leaf_case_gen_params),
	KUNIT_CASE(map_stats_several),
	KUNIT_CASE(map_stats_of_all_cpus),
	{}
};

static struct kunit_suite map_stats_suite = {
	.name = "t1x_map_stats",
	.test_cases = map_stats_cases,
};

kunit_test_suite(map_stats_suite);
