// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usable IOVA ranges, against one bit for each step of a coarse IOVA space that
 * spans the real one, so that the first and the last byte are in play.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>

#include "iova_ranges.h"
#include "t1x_kunit.h"

#define STEPS		64
#define STEP_SHIFT	58	/* 64 steps of 2^58 bytes are 2^64 */

static dma_addr_t step_first(unsigned int step)
{
	return (dma_addr_t)step << STEP_SHIFT;
}

static dma_addr_t step_last(unsigned int step)
{
	return step_first(step) + ((1ULL << STEP_SHIFT) - 1);
}

static void expect_contains(struct kunit *test, struct t1x_iova_ranges *ranges,
			    dma_addr_t first, dma_addr_t last, bool contains)
{
	KUNIT_EXPECT_EQ(test, t1x_iova_contains(ranges, first, last), contains);
}

static void ranges_check(struct kunit *test, struct t1x_iova_ranges *ranges,
			 const unsigned long *bits)
{
	unsigned int first, last, i = 0;

	for_each_set_bit(first, bits, STEPS) {
		dma_addr_t lo = step_first(first), hi;

		if (first && test_bit(first - 1, bits))
			continue;
		last = find_next_zero_bit(bits, STEPS, first) - 1;
		hi = step_last(last);
		KUNIT_ASSERT_LT(test, i, ranges->nr);
		KUNIT_ASSERT_EQ(test, ranges->range[i].first, lo);
		KUNIT_ASSERT_EQ(test, ranges->range[i].last, hi);
		expect_contains(test, ranges, lo, hi, true);
		if (first)
			expect_contains(test, ranges, lo - 1, hi, false);
		if (last + 1 < STEPS)
			expect_contains(test, ranges, lo, hi + 1, false);
		i++;
	}
	KUNIT_ASSERT_EQ(test, i, ranges->nr);
}

/* From each step below the highest range: what cannot be used next. */
static void gaps_check(struct kunit *test, const struct t1x_iova_ranges *ranges,
		       const unsigned long *bits)
{
	unsigned int step, first, last;
	struct t1x_iova_range gap;

	for (step = 0; ; step++) {
		first = step;
		if (test_bit(step, bits))
			first = find_next_zero_bit(bits, STEPS, step);
		else
			while (first && !test_bit(first - 1, bits))
				first--;
		last = find_next_bit(bits, STEPS, first);
		if (last == STEPS)
			break;
		t1x_iova_gap(ranges, step_first(step) + 1, &gap);
		KUNIT_ASSERT_EQ(test, gap.first, step_first(first));
		KUNIT_ASSERT_EQ(test, gap.last, step_first(last) - 1);
	}
}

#define TOP	(~(dma_addr_t)0)

/**
 * struct cut_case - all IOVAs, of which something is taken away
 * @name: of the case
 * @clip: what they are clipped to
 * @exclude: what is excluded then, a range after the other; ends with { 1, 0 }
 * @nr: ranges that are left
 * @left: first and last byte of each
 */
struct cut_case {
	const char *name;
	dma_addr_t clip[2];
	dma_addr_t exclude[4][2];
	unsigned int nr;
	dma_addr_t left[3][2];
};

#define END	{ 1, 0 }

static const struct cut_case cut_cases[] = {
	{ "nothing", { 0, TOP }, { END }, 1, { { 0, TOP } } },
	{ "both ends", { 0x1000, 0xffff }, { END }, 1, { { 0x1000, 0xffff } } },
	{ "all but the first byte", { 0, 0 }, { END }, 1, { { 0, 0 } } },
	{ "all but the last byte", { TOP, TOP }, { END }, 1, { { TOP, TOP } } },
	{ "the first byte", { 0, TOP }, { { 0, 0 }, END }, 1, { { 1, TOP } } },
	{ "the last byte", { 0, TOP }, { { TOP, TOP }, END }, 1,
	  { { 0, TOP - 1 } } },
	{ "a byte in the middle", { 0, TOP }, { { 9, 9 }, END }, 2,
	  { { 0, 8 }, { 10, TOP } } },
	{ "a byte at both ends and in the middle", { 0, TOP },
	  { { 0, 0 }, { TOP, TOP }, { 9, 9 }, END }, 2,
	  { { 1, 8 }, { 10, TOP - 1 } } },
	{ "over the end of what is left", { 0x1000, 0xffff },
	  { { 0xf000, 0x1ffff }, END }, 1, { { 0x1000, 0xefff } } },
	{ "outside of what is left", { 0x1000, 0xffff },
	  { { 0, 0xfff }, { 0x10000, TOP }, END }, 1, { { 0x1000, 0xffff } } },
	{ "the same twice", { 0, 99 }, { { 10, 19 }, { 10, 19 }, END }, 2,
	  { { 0, 9 }, { 20, 99 } } },
	{ "over a hole", { 0, 99 }, { { 10, 19 }, { 5, 29 }, END }, 2,
	  { { 0, 4 }, { 30, 99 } } },
	{ "two holes", { 0, 99 }, { { 10, 19 }, { 30, 39 }, END }, 3,
	  { { 0, 9 }, { 20, 29 }, { 40, 99 } } },
	{ "everything", { 0, TOP }, { { 0, TOP }, END }, 0 },
	{ "everything, by halves", { 0, TOP },
	  { { 0, TOP / 2 }, { TOP / 2 + 1, TOP }, END }, 0 },
	{ "all that is left", { 0x1000, 0xffff }, { { 0x1000, 0xffff }, END },
	  0 },
};

CASE_DESC(cut_case);
KUNIT_ARRAY_PARAM(cut_case, cut_cases, cut_case_desc);

static void iova_ranges_are_cut(struct kunit *test)
{
	const struct cut_case *p = test->param_value;
	struct t1x_iova_ranges ranges;
	unsigned int i;

	t1x_iova_init(&ranges);
	KUNIT_ASSERT_EQ(test, t1x_iova_ranges_init_full(&ranges), 0);
	t1x_iova_ranges_clip(&ranges, p->clip[0], p->clip[1]);
	for (i = 0; p->exclude[i][0] <= p->exclude[i][1]; i++)
		KUNIT_ASSERT_EQ(test, t1x_iova_exclude(&ranges, p->exclude[i][0],
						       p->exclude[i][1]), 0);
	KUNIT_ASSERT_EQ(test, ranges.nr, p->nr);
	for (i = 0; i < p->nr; i++) {
		dma_addr_t first = p->left[i][0], last = p->left[i][1];

		KUNIT_EXPECT_EQ(test, ranges.range[i].first, first);
		KUNIT_EXPECT_EQ(test, ranges.range[i].last, last);
		expect_contains(test, &ranges, first, last, true);
		if (first)
			expect_contains(test, &ranges, first - 1, last, false);
		if (last != TOP)
			expect_contains(test, &ranges, first, last + 1, false);
	}
	t1x_iova_free(&ranges);
}

static void iova_clip_to_what_is_gone(struct kunit *test)
{
	struct t1x_iova_ranges ranges;

	t1x_iova_init(&ranges);
	KUNIT_ASSERT_EQ(test, t1x_iova_ranges_init_full(&ranges), 0);
	t1x_iova_ranges_clip(&ranges, 0x1000, 0xffff);
	t1x_iova_ranges_clip(&ranges, 0x20000, 0x30000);
	KUNIT_EXPECT_EQ(test, ranges.nr, 0U);
	t1x_iova_free(&ranges);
}

static void iova_replace_moves(struct kunit *test)
{
	struct t1x_iova_ranges ranges, by;

	t1x_iova_init(&ranges);
	t1x_iova_init(&by);
	KUNIT_ASSERT_EQ(test, t1x_iova_ranges_init_full(&ranges), 0);
	KUNIT_ASSERT_EQ(test, t1x_iova_ranges_init_full(&by), 0);
	t1x_iova_ranges_clip(&by, 5, 6);
	t1x_iova_ranges_swap(&ranges, &by);
	KUNIT_EXPECT_EQ(test, by.nr, 0U);
	KUNIT_EXPECT_NULL(test, by.range);
	KUNIT_ASSERT_EQ(test, ranges.nr, 1U);
	KUNIT_EXPECT_EQ(test, ranges.range[0].first, 5ULL);
	t1x_iova_free(&ranges);
}

static void iova_random_against_bits(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	struct t1x_iova_ranges ranges;
	unsigned int round, step, a, b;
	DECLARE_BITMAP(bits, STEPS);
	int ret;

	t1x_iova_init(&ranges);
	for (round = 0; round < 300; round++) {
		KUNIT_ASSERT_EQ(test, t1x_iova_ranges_init_full(&ranges), 0);
		bitmap_fill(bits, STEPS);
		for (step = 0; step < 12; step++) {
			a = prandom_u32_state(&rnd) % STEPS;
			b = a + prandom_u32_state(&rnd) % 10;
			b = min_t(unsigned int, b, STEPS - 1);
			if (prandom_u32_state(&rnd) % 8) {
				ret = t1x_iova_exclude(&ranges, step_first(a),
						       step_last(b));
				KUNIT_ASSERT_EQ(test, ret, 0);
				bitmap_clear(bits, a, b - a + 1);
			} else {
				b = STEPS - 2 - b / 2;
				a = 1 + a / 4;
				t1x_iova_ranges_clip(&ranges, step_first(a),
						     step_last(b));
				bitmap_clear(bits, 0, a);
				bitmap_clear(bits, b + 1, STEPS - 1 - b);
			}
			ranges_check(test, &ranges, bits);
			gaps_check(test, &ranges, bits);
		}
	}
	t1x_iova_free(&ranges);
}

static struct kunit_case iova_cases[] = {
	KUNIT_CASE_PARAM(iova_ranges_are_cut, cut_case_gen_params),
	KUNIT_CASE(iova_clip_to_what_is_gone),
	KUNIT_CASE(iova_replace_moves),
	KUNIT_CASE(iova_random_against_bits),
	{}
};

static struct kunit_suite iova_suite = {
	.name = "t1x_iova",
	.test_cases = iova_cases,
};

kunit_test_suite(iova_suite);
