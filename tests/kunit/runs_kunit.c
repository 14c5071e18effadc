// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: the list against an array that cannot be wrong, and the borders of its
 * chunks.
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "runs.h"
#include "t1x_kunit.h"

/* Inline runs, two chunks that grow, two full ones and a bit of a third. */
#define GROWING	(T1X_RUNS_INLINE + 15 + 63)
#define MANY	(GROWING + 2 * 255 + 3)

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

	while (runs->nr < nr) {
		run = run_nr(runs->nr);
		KUNIT_ASSERT_EQ(test, t1x_runs_reserve(runs, GFP_KERNEL), 0);
		t1x_runs_push(runs, &run);
	}
}

static void runs_check(struct kunit *test, struct t1x_runs *runs,
		       unsigned long nr)
{
	struct t1x_runs_pos pos;
	unsigned long i = nr;

	KUNIT_ASSERT_EQ(test, runs->nr, nr);
	KUNIT_ASSERT_EQ(test, runs->npages, nr * (nr + 1) / 2);
	if (nr)
		KUNIT_ASSERT_TRUE(test, run_is(t1x_runs_top(runs), nr - 1));

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
		t1x_runs_drop(&runs, 1);
	}
	runs_check(test, &runs, 0);
	KUNIT_EXPECT_TRUE(test, !runs.last);
}

static void runs_few_need_no_memory(struct kunit *test)
{
	struct t1x_runs runs;

	t1x_runs_init(&runs);
	runs_push_to(test, &runs, T1X_RUNS_INLINE);
	KUNIT_EXPECT_TRUE(test, !runs.last);
	KUNIT_EXPECT_EQ(test, sizeof(struct t1x_run), (size_t)16);
}

static void runs_reserve_unused_is_harmless(struct kunit *test)
{
	struct t1x_runs runs;
	unsigned long nr;

	/* At each border of a chunk, a reservation that is never used. */
	for (nr = T1X_RUNS_INLINE; nr < MANY; nr++) {
		t1x_runs_init(&runs);
		runs_push_to(test, &runs, nr);
		KUNIT_ASSERT_EQ(test, t1x_runs_reserve(&runs, GFP_KERNEL), 0);
		KUNIT_ASSERT_EQ(test, t1x_runs_reserve(&runs, GFP_KERNEL), 0);
		runs_check(test, &runs, nr);
		t1x_runs_drop(&runs, 1);
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
			runs_push_to(test, &runs, runs.nr + 1);
		else if (runs.nr)
			t1x_runs_drop(&runs, 1);
		if (step % 97 == 0)
			runs_check(test, &runs, runs.nr);
	}
	t1x_runs_free(&runs);
}

static void runs_drop_by_arrays(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	const struct t1x_run *tail;
	unsigned long i, nr, most;
	struct t1x_runs runs;

	t1x_runs_init(&runs);
	runs_push_to(test, &runs, MANY);
	while (runs.nr) {
		most = prandom_u32_state(&rnd) % 100 + 1;
		tail = t1x_runs_tail(&runs, most, &nr);
		KUNIT_ASSERT_TRUE(test, nr && nr <= most);
		for (i = 0; i < nr; i++)
			KUNIT_ASSERT_TRUE(test,
					  run_is(tail + i, runs.nr - nr + i));
		t1x_runs_drop(&runs, nr);
	}
	runs_check(test, &runs, 0);
	KUNIT_EXPECT_TRUE(test, !runs.last);
}

static void run_join_wants_contiguous_and_alike(struct kunit *test)
{
	const struct t1x_run next = { .pfn = 110, .npages = 5, .ram = 1 };
	struct t1x_run run = { .npages = 0 };

	KUNIT_EXPECT_TRUE(test, t1x_run_joins(&run, &next));
	t1x_run_join(&run, &next);
	KUNIT_EXPECT_EQ(test, run.pfn, 110UL);

	run = (struct t1x_run){ .pfn = 100, .npages = 10, .ram = 1 };
	KUNIT_EXPECT_TRUE(test, t1x_run_joins(&run, &next));
	t1x_run_join(&run, &next);
	KUNIT_EXPECT_EQ(test, (unsigned long)run.npages, 15UL);

	run = (struct t1x_run){ .pfn = 100, .npages = 10, .ram = 0 };
	KUNIT_EXPECT_FALSE(test, t1x_run_joins(&run, &next));
	run = (struct t1x_run){ .pfn = 100, .npages = 10, .ram = 1, .huge = 1 };
	KUNIT_EXPECT_FALSE(test, t1x_run_joins(&run, &next));
	run = (struct t1x_run){ .pfn = 100, .npages = 9, .ram = 1 };
	KUNIT_EXPECT_FALSE(test, t1x_run_joins(&run, &next));
	run = (struct t1x_run){ .pfn = 115, .npages = 1, .ram = 1 };
	KUNIT_EXPECT_FALSE(test, t1x_run_joins(&run, &next));
}

static struct kunit_case runs_cases[] = {
	KUNIT_CASE(runs_push_pop_keeps_order),
	KUNIT_CASE(runs_few_need_no_memory),
	KUNIT_CASE(runs_reserve_unused_is_harmless),
	KUNIT_CASE(runs_random_against_array),
	KUNIT_CASE(runs_drop_by_arrays),
	KUNIT_CASE(run_join_wants_contiguous_and_alike),
	{}
};

static struct kunit_suite runs_suite = {
	.name = "t1x_runs",
	.test_cases = runs_cases,
};

kunit_test_suite(runs_suite);
