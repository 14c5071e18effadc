// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree of mappings, against one flag for each page of a small IOVA space
 * that is laid over the bottom and the very top of the real one.
 */
#include <kunit/test.h>

#include "dma.h"
#include "t1x_kunit.h"

#define SPACE	64	/* pages */

/**
 * struct dma_model - what the tree should say
 * @base: IOVA of page 0 of the model
 * @at: the mapping that covers a page, or %NULL
 * @tree: the tree under test
 */
struct dma_model {
	dma_addr_t base;
	struct t1x_dma *at[SPACE];
	struct rb_root tree;
};

static dma_addr_t model_iova(struct dma_model *m, unsigned int page)
{
	return m->base + ((dma_addr_t)page << PAGE_SHIFT);
}

static dma_addr_t model_last(struct dma_model *m, unsigned int page)
{
	return model_iova(m, page) + (PAGE_SIZE - 1);
}

static void model_add(struct kunit *test, struct dma_model *m,
		      unsigned int first, unsigned int last)
{
	struct t1x_dma *dma;
	unsigned int i;

	dma = t1x_dma_alloc(model_iova(m, first), model_last(m, last), 0, 0);
	KUNIT_ASSERT_NOT_NULL(test, dma);
	KUNIT_EXPECT_EQ(test, t1x_dma_npages(dma),
			(unsigned long)last - first + 1);
	t1x_dma_insert(&m->tree, dma);
	for (i = first; i <= last; i++)
		m->at[i] = dma;
}

static void model_del(struct dma_model *m, struct t1x_dma *dma)
{
	unsigned int i;

	for (i = 0; i < SPACE; i++)
		if (m->at[i] == dma)
			m->at[i] = NULL;
	t1x_dma_erase(&m->tree, dma);
	t1x_dma_free(dma);
}

static void model_clear(struct dma_model *m)
{
	unsigned int i;

	for (i = 0; i < SPACE; i++)
		if (m->at[i])
			model_del(m, m->at[i]);
}

/* All answers about one range. */
static void model_check(struct kunit *test, struct dma_model *m,
			unsigned int first, unsigned int last)
{
	dma_addr_t lo = model_iova(m, first), hi = model_last(m, last);
	struct t1x_dma *lowest = t1x_dma_first(&m->tree, lo, hi);
	struct t1x_dma *dma = lowest;
	struct t1x_dma *seen = NULL;
	unsigned int i;
	bool bisects;

	for (i = first; i <= last; i++) {
		if (!m->at[i] || m->at[i] == seen)
			continue;
		KUNIT_ASSERT_PTR_EQ(test, dma, m->at[i]);
		seen = dma;
		dma = t1x_dma_next(dma, hi);
	}
	KUNIT_ASSERT_NULL(test, dma);

	bisects = (first && m->at[first] && m->at[first] == m->at[first - 1]) ||
		  (last + 1 < SPACE && m->at[last] &&
		   m->at[last] == m->at[last + 1]);
	KUNIT_ASSERT_EQ(test, t1x_dma_range_splits(&m->tree, lowest, lo, hi),
			bisects);
}

static void model_check_all(struct kunit *test, struct dma_model *m)
{
	unsigned int first, last;

	for (first = 0; first < SPACE; first++)
		for (last = first; last < SPACE; last++)
			model_check(test, m, first, last);
}

static void dma_edges(struct kunit *test, dma_addr_t base)
{
	struct dma_model m = { .base = base, .tree = RB_ROOT };

	model_check_all(test, &m);
	model_add(test, &m, 0, 0);
	model_add(test, &m, 1, 9);
	model_add(test, &m, 10, 10);
	model_add(test, &m, 30, 40);
	model_add(test, &m, SPACE - 1, SPACE - 1);
	model_check_all(test, &m);
	model_del(&m, m.at[5]);
	model_check_all(test, &m);
	model_clear(&m);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&m.tree));
}

static void dma_edges_at_bottom(struct kunit *test)
{
	dma_edges(test, 0);
}

static void dma_edges_at_top(struct kunit *test)
{
	dma_edges(test, -(dma_addr_t)(SPACE * PAGE_SIZE));
}

static void dma_whole_space(struct kunit *test)
{
	const dma_addr_t end = ~(dma_addr_t)0;
	struct rb_root tree = RB_ROOT;
	struct t1x_dma *dma;

	dma = t1x_dma_alloc(0, end, 0, 0);
	KUNIT_ASSERT_NOT_NULL(test, dma);
	KUNIT_EXPECT_EQ(test, t1x_dma_npages(dma), 1UL << (64 - PAGE_SHIFT));
	t1x_dma_insert(&tree, dma);
	KUNIT_EXPECT_PTR_EQ(test, t1x_dma_first(&tree, 5, 5), dma);
	KUNIT_EXPECT_PTR_EQ(test, t1x_dma_first(&tree, 0, 0), dma);
	KUNIT_EXPECT_FALSE(test, t1x_dma_range_splits(&tree, dma, 0, end));
	KUNIT_EXPECT_TRUE(test, t1x_dma_range_splits(&tree, dma, 0, end - 1));
	KUNIT_EXPECT_TRUE(test, t1x_dma_range_splits(&tree, dma, 1, end));
	t1x_dma_erase(&tree, dma);
	t1x_dma_free(dma);
}

static void dma_random_against_flags(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	struct dma_model m = { .tree = RB_ROOT };
	unsigned int step, first, last, i;

	m.base = -(dma_addr_t)(SPACE * PAGE_SIZE);
	for (step = 0; step < 3000; step++) {
		first = prandom_u32_state(&rnd) % SPACE;
		last = first + prandom_u32_state(&rnd) % 8;
		last = min_t(unsigned int, last, SPACE - 1);
		if (m.at[first]) {
			model_del(&m, m.at[first]);
		} else {
			for (i = first; i <= last && !m.at[i]; i++)
				;
			model_add(test, &m, first, i - 1);
		}
		if (step % 100 == 0)
			model_check_all(test, &m);
		else
			model_check(test, &m, first, last);
	}
	model_clear(&m);
}

static struct kunit_case dma_cases[] = {
	KUNIT_CASE(dma_edges_at_bottom),
	KUNIT_CASE(dma_edges_at_top),
	KUNIT_CASE(dma_whole_space),
	KUNIT_CASE(dma_random_against_flags),
	{}
};

static struct kunit_suite dma_suite = {
	.name = "t1x_dma",
	.suite_init = t1x_kunit_suite_init,
	.suite_exit = t1x_kunit_suite_exit,
	.test_cases = dma_cases,
};

kunit_test_suite(dma_suite);
