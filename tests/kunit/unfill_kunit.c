// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unfilling, of one mapping and of many at once, over domains that judge.
 */
#include "fill.h"
#include "t1x.h"
#include "t1x_kunit.h"
#include "unfill.h"

#define IOVA	0x80000000UL

static const unsigned int numbers_of_runs[] = { 1, 511, 512, 513, 1024, 2048 };

KUNIT_ARRAY_PARAM(runs, numbers_of_runs, number_desc);

static void unfill_syncs_every_512_runs(struct kunit *test)
{
	const unsigned int *nr = test->param_value;
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma;
	unsigned int i;

	fake_memory_scatter();
	dma = fake_dma_alloc(test, IOVA, 0, *nr);
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&dma->runs), (unsigned long)*nr);
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	fake_dma_free(dma);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, f->fake[i]->syncs, DIV_ROUND_UP(*nr, 512));
		KUNIT_EXPECT_EQ(test, f->fake[i]->most_stale_runs,
				min_t(unsigned long, *nr, T1X_SYNC_RUNS));
		KUNIT_EXPECT_EQ(test, f->fake[i]->lookups, 0U);
	}
}

static void unfill_refused_keeps_the_pins(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, 0, 600);

	fake_memory_scatter();
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	f->fake[1]->keep = (IOVA >> PAGE_SHIFT) + 5;
	f->fake[1]->keep_times = 1000;

	/* The upper 512 runs go; page 5 is among the 88 that stay. */
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), -EIO);
	KUNIT_EXPECT_EQ(test, dma->filled, 88UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 88);
	KUNIT_EXPECT_TRUE(test,
			  fake_page_pinned(fake_memory.layout[5]));
	KUNIT_EXPECT_FALSE(test,
			   fake_page_pinned(fake_memory.layout[88]));

	f->fake[1]->keep_times = 0;
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	fake_dma_free(dma);
}

/* Mappings of a page each, chained, with a gap before each tenth. */
static struct t1x_dma *fill_many(struct kunit *test, struct fixture *f,
				 unsigned int nr)
{
	struct t1x_dma *first = NULL, *dma;
	unsigned int i;

	for (i = nr; i--;) {
		dma = fake_dma_alloc(test, IOVA + (i + i / 10) * PAGE_SIZE, i,
				     1);
		KUNIT_ASSERT_EQ(test, fixture_fill(f, dma), 0);
		dma->next = first;
		first = dma;
	}
	return first;
}

static int unfill_many(struct fixture *f, struct t1x_dma *dma)
{
	int ret;

	mutex_lock(&f->c->lock);
	ret = t1x_dmas_unfill(f->c, FAKE_ALL, dma);
	mutex_unlock(&f->c->lock);
	return ret;
}

static void free_many(struct t1x_dma *dma)
{
	struct t1x_dma *next;

	for (; dma; dma = next) {
		next = dma->next;
		fake_dma_free(dma);
	}
}

static void unfill_many_share_syncs_and_ranges(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma;

	fake_memory_scatter();
	dma = fill_many(test, f, 1030);
	KUNIT_EXPECT_EQ(test, unfill_many(f, dma), 0);
	KUNIT_EXPECT_EQ(test, f->fake[0]->syncs, 3U);
	KUNIT_EXPECT_EQ(test, f->fake[1]->syncs, 3U);
	KUNIT_EXPECT_EQ(test, f->fake[0]->most_stale_runs, 512UL);
	/* One for each ten, and one more where a batch ends. */
	KUNIT_EXPECT_LE(test, f->fake[0]->unmap_ops, 103U + 2);
	free_many(dma);
}

static void unfill_many_tells_which_is_kept(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *first, *dma;
	unsigned int i;

	first = fill_many(test, f, 30);
	f->fake[1]->keep = (IOVA >> PAGE_SHIFT) + 7;
	f->fake[1]->keep_times = 1000;
	KUNIT_EXPECT_EQ(test, unfill_many(f, first), -EIO);
	for (i = 0, dma = first; dma; dma = dma->next, i++)
		KUNIT_EXPECT_EQ(test, dma->filled, i == 7 ? 1UL : 0UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 1);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory.layout[7]));

	f->fake[1]->keep_times = 0;
	KUNIT_EXPECT_EQ(test, unfill_many(f, first), 0);
	free_many(first);
}

static void abandon_unpins_what_stays(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, 0, 10);

	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	f->fake[0]->keep = IOVA >> PAGE_SHIFT;
	f->fake[0]->keep_times = 1000;
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), -EIO);

	/* What freeing the domain does to the translations. */
	xa_destroy(&f->fake[0]->leaves);
	f->fake[0]->nr = 0;
	t1x_dma_unfill_detached(f->c, dma);
	KUNIT_EXPECT_EQ(test, dma->filled, 0UL);
	fake_dma_free(dma);
}

static struct kunit_case unfill_cases[] = {
	KUNIT_CASE_PARAM(unfill_syncs_every_512_runs, runs_gen_params),
	KUNIT_CASE(unfill_refused_keeps_the_pins),
	KUNIT_CASE(unfill_many_share_syncs_and_ranges),
	KUNIT_CASE(unfill_many_tells_which_is_kept),
	KUNIT_CASE(abandon_unpins_what_stays),
	{}
};

static struct kunit_suite unfill_suite = {
	.name = "t1x_unfill",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = unfill_cases,
};

kunit_test_suite(unfill_suite);
