// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: the list against an array that cannot be wrong, and the borders of its
 * chunks.
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "runs.h"
#include "t1x_kunit.h"

/* Three chunks that grow, two full ones and a bit of a third. */
#define GROWING	(6 + 30 + 126)
#define MANY	(GROWING + 2 * 254 + 3)

static struct t1x_run run_nr(unsigned long i)
{
	return (struct t1x_run){ .pfn = 7 * i, .npages = i + 1, .ram = i & 1 };
}

static bool run_is(const struct t1x_run *run, unsigned long i)
{
	struct t1x_run want = run_nr(i);

	return run && run->pfn == want.pfn && run->npages == want.npages &&
	       run->ram == want.ram;
}

static void runs_push_to(struct kunit *test, struct t1x_runs *runs,
			 unsigned long nr)
{
	struct t1x_run run;

	while (t1x_runs_nr(runs) < nr) {
		run = run_nr(t1x_runs_nr(runs));
		KUNIT_ASSERT_EQ(test, t1x_runs_reserve(runs, GFP_KERNEL), 0);
		t1x_runs_push(runs, &run);
	}
}

static void runs_pop(struct t1x_runs *runs)
{
	t1x_runs_drop(runs, 1, t1x_runs_last(runs)->npages);
}

static void runs_check(struct kunit *test, struct t1x_runs *runs,
		       unsigned long nr)
{
	struct t1x_runs_pos pos;
	unsigned long i = nr;

	KUNIT_ASSERT_EQ(test, t1x_runs_nr(runs), nr);
	KUNIT_ASSERT_EQ(test, t1x_runs_npages(runs), nr * (nr + 1) / 2);
	if (nr)
		KUNIT_ASSERT_TRUE(test, run_is(t1x_runs_last(runs), nr - 1));

	t1x_runs_walk(runs, &pos);
	while (i--)
		KUNIT_ASSERT_TRUE(test, run_is(t1x_runs_next(&pos), i));
	KUNIT_ASSERT_NULL(test, t1x_runs_next(&pos));
}

static void runs_push_pop_keeps_order(struct kunit *test)
{
	struct t1x_runs runs;
	unsigned long i;

	t1x_runs_init(&runs);
	runs_check(test, &runs, 0);
	for (i = 1; i <= MANY; i++)
		runs_push_to(test, &runs, i);
	for (i = MANY; i; i--) {
		if (i % 61 == 0 || i < 30)
			runs_check(test, &runs, i);
		runs_pop(&runs);
	}
	runs_check(test, &runs, 0);
	KUNIT_EXPECT_TRUE(test, !runs.last);
}

static void runs_one_needs_no_memory(struct kunit *test)
{
	struct t1x_runs runs;

	t1x_runs_init(&runs);
	runs_push_to(test, &runs, 1);
	KUNIT_EXPECT_TRUE(test, !runs.last);
	KUNIT_EXPECT_EQ(test, sizeof(struct t1x_run), (size_t)16);
}

static void runs_reserve_unused_is_harmless(struct kunit *test)
{
	struct t1x_runs runs;
	unsigned long nr;

	/* At each border of a chunk, a reservation that is never used. */
	for (nr = 1; nr < MANY; nr++) {
		t1x_runs_init(&runs);
		runs_push_to(test, &runs, nr);
		KUNIT_ASSERT_EQ(test, t1x_runs_reserve(&runs, GFP_KERNEL), 0);
		KUNIT_ASSERT_EQ(test, t1x_runs_reserve(&runs, GFP_KERNEL), 0);
		runs_check(test, &runs, nr);
		runs_pop(&runs);
		runs_check(test, &runs, nr - 1);
		runs_push_to(test, &runs, nr + 1);
		runs_check(test, &runs, nr + 1);
		t1x_runs_free(&runs);
		runs_check(test, &runs, 0);
		if (nr == GROWING + 1)
			nr = MANY - 8;
	}
}

static void runs_random_against_array(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	struct t1x_runs runs;
	unsigned int step;

	t1x_runs_init(&runs);
	for (step = 0; step < 20000; step++) {
		/* A walk that drifts up and down over the borders. */
		u32 up = step % 4000 < 2000 ? 3 : 1;

		if (prandom_u32_state(&rnd) % 4 < up)
			runs_push_to(test, &runs, t1x_runs_nr(&runs) + 1);
		else if (t1x_runs_nr(&runs))
			runs_pop(&runs);
		if (step % 97 == 0)
			runs_check(test, &runs, t1x_runs_nr(&runs));
	}
	t1x_runs_free(&runs);
}

static void runs_drop_by_arrays(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	const struct t1x_run *tail;
	unsigned long i, nr, npages, most;
	struct t1x_runs runs;

	t1x_runs_init(&runs);
	runs_push_to(test, &runs, MANY);
	while (t1x_runs_nr(&runs)) {
		most = prandom_u32_state(&rnd) % 100 + 1;
		tail = t1x_runs_last_runs(&runs, most, &nr);
		KUNIT_ASSERT_TRUE(test, nr && nr <= most);
		npages = 0;
		for (i = 0; i < nr; i++) {
			KUNIT_ASSERT_TRUE(test,
					  run_is(tail + i, t1x_runs_nr(&runs) - nr + i));
			npages += tail[i].npages;
		}
		t1x_runs_drop(&runs, nr, npages);
	}
	runs_check(test, &runs, 0);
	KUNIT_EXPECT_TRUE(test, !runs.last);
}

/* Page @i of the lists that are split: runs of one to five pages, none contiguous. */
static unsigned long split_pfn(unsigned long i)
{
	return 10 * (i / 15) + i % 15 * 2 / 5 * 100000 + i % 15;
}

static void split_push_to(struct kunit *test, struct t1x_runs *runs,
			  unsigned long npages)
{
	struct t1x_run run;
	unsigned long i;

	while (t1x_runs_npages(runs) < npages) {
		i = t1x_runs_npages(runs);
		run = (struct t1x_run){ .pfn = split_pfn(i), .ram = 1 };
		do
			run.npages++;
		while (++i < npages && split_pfn(i) == run.pfn + run.npages);
		KUNIT_ASSERT_EQ(test, t1x_runs_reserve(runs, GFP_KERNEL), 0);
		t1x_runs_push(runs, &run);
	}
}

/* The list has the pages from @first on, in order, and counts them right. */
static void split_check(struct kunit *test, struct t1x_runs *runs,
			unsigned long first, unsigned long npages)
{
	unsigned long i = npages, nr = 0, n;
	const struct t1x_run *run;
	struct t1x_runs_pos pos;

	KUNIT_ASSERT_EQ(test, t1x_runs_npages(runs), npages);
	t1x_runs_walk(runs, &pos);
	while ((run = t1x_runs_next(&pos))) {
		KUNIT_ASSERT_TRUE(test, run->npages && run->npages <= i);
		for (n = run->npages; n--; )
			KUNIT_ASSERT_EQ(test, run->pfn + n,
					split_pfn(first + --i));
		KUNIT_ASSERT_TRUE(test, run->ram);
		nr++;
	}
	KUNIT_ASSERT_EQ(test, i, 0UL);
	KUNIT_ASSERT_EQ(test, nr, t1x_runs_nr(runs));
}

static void split_at(struct kunit *test, struct t1x_runs *runs,
		     unsigned long page, struct t1x_runs *upper)
{
	struct t1x_run_chunk *spare;

	t1x_runs_init(upper);
	KUNIT_ASSERT_EQ(test, t1x_runs_split_alloc(runs, page, GFP_KERNEL, &spare),
			0);
	t1x_runs_split(runs, page, upper, spare);
}

static void runs_split_anywhere(struct kunit *test)
{
	unsigned long npages, page, filled;
	struct t1x_runs runs, upper;

	/* With all sizes of the last chunk, and where it has just begun. */
	for (npages = 1; npages < 400; npages += npages < 70 ? 1 : 67)
		for (page = 1; page <= npages + 1; page++) {
			t1x_runs_init(&runs);
			split_push_to(test, &runs, npages);
			if (page % 3 == 0)
				KUNIT_ASSERT_EQ(test,
						t1x_runs_reserve(&runs,
								 GFP_KERNEL),
						0);
			split_at(test, &runs, page, &upper);
			filled = min(page, npages);
			split_check(test, &runs, 0, filled);
			split_check(test, &upper, page, npages - filled);
			t1x_runs_free(&runs);
			t1x_runs_free(&upper);
		}
}

/* As UNMAP does for a range in the middle: the higher edge is split first. */
static void runs_split_twice(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	struct t1x_runs runs, middle, upper;
	struct t1x_run_chunk *low, *high;
	unsigned long npages, a, b;
	unsigned int i;

	for (i = 0; i < 500; i++) {
		npages = 3 + prandom_u32_state(&rnd) % 2000;
		a = 1 + prandom_u32_state(&rnd) % (npages - 2);
		b = a + 1 + prandom_u32_state(&rnd) % (npages - a);
		t1x_runs_init(&runs);
		t1x_runs_init(&middle);
		t1x_runs_init(&upper);
		split_push_to(test, &runs, npages);
		KUNIT_ASSERT_EQ(test, t1x_runs_split_alloc(&runs, a, GFP_KERNEL,
							   &low), 0);
		KUNIT_ASSERT_EQ(test, t1x_runs_split_alloc(&runs, b, GFP_KERNEL,
							   &high), 0);
		t1x_runs_split(&runs, b, &upper, high);
		t1x_runs_split(&runs, a, &middle, low);
		split_check(test, &runs, 0, a);
		split_check(test, &middle, a, b - a);
		split_check(test, &upper, b, npages - b);
		t1x_runs_free(&runs);
		t1x_runs_free(&middle);
		t1x_runs_free(&upper);
	}
}

/* Bit by bit from below, and now and then a run is dropped from above. */
static void runs_split_again_and_again(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	unsigned long first = 0, n, npages;
	struct t1x_runs lists[2], *runs, *upper;
	unsigned int i = 0;

	t1x_runs_init(&lists[0]);
	split_push_to(test, &lists[0], 3000);
	do {
		runs = &lists[i % 2];
		upper = &lists[++i % 2];
		npages = t1x_runs_npages(runs);
		n = 1 + prandom_u32_state(&rnd) % 9;
		split_at(test, runs, n, upper);
		split_check(test, runs, first, min(n, npages));
		split_check(test, upper, first + n, npages - min(n, npages));
		t1x_runs_free(runs);
		first += n;
		if (t1x_runs_nr(upper) && i % 5 == 0) {
			runs_pop(upper);
			split_check(test, upper, first, t1x_runs_npages(upper));
		}
	} while (t1x_runs_nr(upper));
	KUNIT_EXPECT_TRUE(test, !upper->last);
	t1x_runs_free(upper);
}

/* Takes the lists apart and counts the chunks that were changed, by what is in them. */
static unsigned int chunks_changed(struct t1x_run_chunk *chunk,
				   const struct t1x_run_chunk *old, unsigned int nr)
{
	unsigned int changed = 0;

	for (; chunk; chunk = chunk->below, nr--)
		changed += !!memcmp(chunk, &old[nr - 1],
				    offsetof(struct t1x_run_chunk, nr));
	return changed;
}

/* Small pieces are taken from below, and nothing far above them is written to. */
static void runs_split_changes_one_chunk(struct kunit *test)
{
	struct t1x_run_chunk *chunk, *copies;
	struct t1x_runs lists[2], *runs, *upper;
	unsigned int i, nr = 0, n;

	t1x_runs_init(&lists[0]);
	split_push_to(test, &lists[0], 30000);
	for (chunk = lists[0].last; chunk; chunk = chunk->below)
		nr++;
	copies = kunit_kcalloc(test, nr, sizeof(*copies), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copies);
	for (i = 0; i < 1000; i++) {
		runs = &lists[i % 2];
		upper = &lists[(i + 1) % 2];
		for (n = nr, chunk = runs->last; chunk; chunk = chunk->below)
			copies[--n] = *chunk;
		split_at(test, runs, 16, upper);
		/* The one that is divided, and the link to it from the one above. */
		KUNIT_ASSERT_LE(test, chunks_changed(upper->last, copies, nr), 2U);
		t1x_runs_free(runs);
	}
	split_check(test, upper, 16000, 14000);
	t1x_runs_free(upper);
}

static void runs_walk_from_anywhere(struct kunit *test)
{
	unsigned long npages, page, end, i;
	const struct t1x_run *run;
	struct t1x_runs runs, upper;
	struct t1x_runs_pos pos;

	for (npages = 1; npages < 600; npages += npages < 20 ? 1 : 97) {
		t1x_runs_init(&runs);
		split_push_to(test, &runs, npages + 11);
		/* So that no chunk counts from the first page of the list. */
		split_at(test, &runs, 11, &upper);
		for (page = 0; page < npages + 2; page++) {
			end = t1x_runs_walk_from(&upper, page, &pos);
			KUNIT_ASSERT_GT(test, end, min(page, npages - 1));
			for (i = end; (run = t1x_runs_next(&pos)); ) {
				i -= run->npages;
				KUNIT_ASSERT_EQ(test, run->pfn, split_pfn(11 + i));
				if (end == i + run->npages)
					KUNIT_ASSERT_LE(test, i, min(page, npages - 1));
			}
			KUNIT_ASSERT_EQ(test, i, 0UL);
		}
		t1x_runs_free(&runs);
		t1x_runs_free(&upper);
	}
}

static void runs_walk_by_pieces(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	unsigned long i, nr, most, left = MANY;
	const struct t1x_run *piece;
	struct t1x_runs_pos pos;
	struct t1x_runs runs;

	t1x_runs_init(&runs);
	runs_push_to(test, &runs, MANY);
	t1x_runs_walk(&runs, &pos);
	while (left) {
		most = prandom_u32_state(&rnd) % 300 + 1;
		piece = t1x_runs_walk_array(&pos, most, &nr);
		KUNIT_ASSERT_TRUE(test, nr && nr <= min(most, left));
		left -= nr;
		for (i = 0; i < nr; i++)
			KUNIT_ASSERT_TRUE(test, run_is(piece + i, left + i));
	}
	t1x_runs_walk_array(&pos, 1, &nr);
	KUNIT_EXPECT_EQ(test, nr, 0UL);
	t1x_runs_free(&runs);
}

/**
 * struct join_case - a run, and whether it joins 5 pages of RAM from page 110 on
 * @name: of the case
 * @run: the run
 * @joins: it does
 */
struct join_case {
	const char *name;
	struct t1x_run run;
	bool joins;
};

static const struct join_case join_cases[] = {
	{ "nothing", { .npages = 0 }, true },
	{ "contiguous", { .pfn = 100, .npages = 10, .ram = 1 }, true },
	{ "MMIO", { .pfn = 100, .npages = 10, .ram = 0 }, false },
	{ "hugetlb", { .pfn = 100, .npages = 10, .ram = 1, .huge = 1 }, false },
	{ "a hole", { .pfn = 100, .npages = 9, .ram = 1 }, false },
	{ "an overlap", { .pfn = 100, .npages = 11, .ram = 1 }, false },
	{ "contiguous from above", { .pfn = 115, .npages = 1, .ram = 1 },
	  false },
};

CASE_DESC(join_case);
KUNIT_ARRAY_PARAM(join_case, join_cases, join_case_desc);

static void run_join_wants_contiguous_and_alike(struct kunit *test)
{
	const struct t1x_run next = { .pfn = 110, .npages = 5, .ram = 1 };
	const struct join_case *p = test->param_value;
	struct t1x_run run = p->run;

	KUNIT_EXPECT_EQ(test, t1x_run_joins(&run, &next), p->joins);
	if (!p->joins)
		return;
	t1x_run_join(&run, &next);
	KUNIT_EXPECT_EQ(test, run.pfn, 110UL - p->run.npages);
	KUNIT_EXPECT_EQ(test, (unsigned long)run.npages,
			p->run.npages + 5UL);
}

static struct kunit_case runs_cases[] = {
	KUNIT_CASE(runs_push_pop_keeps_order),
	KUNIT_CASE(runs_one_needs_no_memory),
	KUNIT_CASE(runs_reserve_unused_is_harmless),
	KUNIT_CASE(runs_random_against_array),
	KUNIT_CASE(runs_drop_by_arrays),
	KUNIT_CASE(runs_split_anywhere),
	KUNIT_CASE(runs_split_twice),
	KUNIT_CASE(runs_split_again_and_again),
	KUNIT_CASE(runs_split_changes_one_chunk),
	KUNIT_CASE(runs_walk_from_anywhere),
	KUNIT_CASE(runs_walk_by_pieces),
	KUNIT_CASE_PARAM(run_join_wants_contiguous_and_alike, join_case_gen_params),
	{}
};

static struct kunit_suite runs_suite = {
	.name = "t1x_runs",
	.test_cases = runs_cases,
};

kunit_test_suite(runs_suite);
