// SPDX-License-Identifier: GPL-2.0-only
/*
 * Splitting mappings: each part keeps its pages, its charge and its place.
 */
#include "account.h"
#include "split.h"
#include "t1x.h"
#include "t1x_kunit.h"

#define IOVA	0x80000000UL

/* Page of fake memory that stands at IOVA. */
static unsigned int first_page;

/* Pages of the RAM window from @first on, and of the BAR window. */
static struct fixture *split_begin(struct kunit *test, unsigned int first,
				   unsigned int npages, bool scattered)
{
	struct fixture *f = fixture_with(test, 1);

	fake_memory_reset();
	if (scattered)
		fake_memory_scatter();
	first_page = first;
	fixture_map(test, IOVA, first, npages, PAGE_SHIFT);
	return f;
}

static struct t1x_dma *split_part(struct fixture *f, unsigned long page)
{
	dma_addr_t iova = IOVA + page * PAGE_SIZE;

	return t1x_dma_first(&f->c->dma_tree, iova, iova);
}

/* Splits before a page, which is not the first of its mapping. */
static void split_before(struct kunit *test, struct fixture *f,
			 unsigned long page)
{
	struct t1x_dma *dma = split_part(f, page), *upper;
	unsigned long npages = t1x_dma_npages(dma);
	struct t1x_split split;
	int ret;

	mutex_lock(&f->c->lock);
	ret = t1x_split_prepare(f->c, &split, dma, IOVA + page * PAGE_SIZE);
	upper = ret ? NULL : t1x_split_commit(f->c, &split);
	mutex_unlock(&f->c->lock);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_ASSERT_PTR_EQ(test, upper, split_part(f, page));
	KUNIT_ASSERT_PTR_EQ(test, dma, split_part(f, page - 1));
	KUNIT_ASSERT_EQ(test, t1x_dma_npages(dma) + t1x_dma_npages(upper),
			npages);
	KUNIT_ASSERT_EQ(test, dma->filled, t1x_dma_npages(dma));
	KUNIT_ASSERT_EQ(test, upper->filled, t1x_dma_npages(upper));
	KUNIT_ASSERT_EQ(test, t1x_dma_vaddr(upper),
			fake_memory.vaddr + (first_page + page) * PAGE_SIZE);
}

/* Takes a part away; everything else stays where it was. */
static void split_take(struct kunit *test, struct fixture *f,
		       struct t1x_dma *dma)
{
	KUNIT_ASSERT_EQ(test, fixture_unfill(f, dma), 0);
	mutex_lock(&f->c->lock);
	t1x_container_remove(f->c, dma);
	mutex_unlock(&f->c->lock);
	KUNIT_ASSERT_EQ(test, dma->owner.charged, 0UL);
	fake_dma_free(dma);
}

static void split_check(struct kunit *test, struct fixture *f)
{
	unsigned long npages = 0;
	struct t1x_dma *dma;
	long ram = 0;

	for (dma = t1x_dma_first(&f->c->dma_tree, 0, ~0UL); dma;
	     dma = t1x_dma_next(dma, ~0UL)) {
		unsigned long first = first_page +
				      (dma->iova - IOVA) / PAGE_SIZE;
		unsigned long n = t1x_dma_npages(dma);

		fake_expect_mapped(test, f->fake[0], dma, first);
		n = first < FAKE_PAGES ? min(n, FAKE_PAGES - first) : 0;
		KUNIT_ASSERT_EQ(test, dma->owner.charged, n);
		KUNIT_ASSERT_EQ(test, t1x_runs_npages(&dma->runs), t1x_dma_npages(dma));
		ram += n;
		npages += t1x_dma_npages(dma);
	}
	KUNIT_ASSERT_EQ(test, f->fake[0]->nr, npages);
	KUNIT_ASSERT_EQ(test, fake_memory_locked(), f->locked + ram);
}

static void split_take_all(struct kunit *test, struct fixture *f)
{
	struct t1x_dma *dma;

	while ((dma = t1x_dma_first(&f->c->dma_tree, 0, ~0UL)))
		split_take(test, f, dma);
}

static void split_splits_a_run(struct kunit *test)
{
	struct fixture *f = split_begin(test, 0, 1000, false);

	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&split_part(f, 0)->runs), 1UL);
	split_before(test, f, 333);
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&split_part(f, 0)->runs), 1UL);
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&split_part(f, 333)->runs), 1UL);
	split_check(test, f);
	split_take(test, f, split_part(f, 0));
	split_check(test, f);
	split_before(test, f, 999);
	split_take(test, f, split_part(f, 999));
	split_check(test, f);
}

/* Of 20 pages of RAM and all of the BAR: within either, and between them. */
static const unsigned int cuts[] = { 1, 8, 19, 20, 21, 63, 84, 147 };

KUNIT_ARRAY_PARAM(cut, cuts, number_desc);

/* RAM is charged to the part that has it, wherever the split is. */
static void split_of_ram_and_bar(struct kunit *test)
{
	const unsigned int *page = test->param_value;
	struct fixture *f = split_begin(test, FAKE_PAGES - 20,
					20 + FAKE_BAR_PAGES, false);

	split_before(test, f, *page);
	split_check(test, f);
	split_take(test, f, split_part(f, *page));
	split_check(test, f);
}

static void split_twice_with_all_prepared(struct kunit *test)
{
	struct fixture *f = split_begin(test, 0, 700, true);
	struct t1x_dma *dma = split_part(f, 0);
	struct t1x_split low, high;

	mutex_lock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, t1x_split_prepare(f->c, &high, dma,
						IOVA + 300 * PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, t1x_split_prepare(f->c, &low, dma,
						IOVA + 200 * PAGE_SIZE), 0);
	t1x_split_commit(f->c, &high);
	dma = t1x_split_commit(f->c, &low);
	mutex_unlock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, t1x_dma_npages(dma), 100UL);
	split_check(test, f);
	split_take(test, f, dma);
	split_check(test, f);

	/* Prepared and called off. */
	dma = split_part(f, 0);
	mutex_lock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, t1x_split_prepare(f->c, &low, dma,
						IOVA + 100 * PAGE_SIZE), 0);
	t1x_split_cancel(&low);
	t1x_split_cancel(&low);
	mutex_unlock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, t1x_dma_npages(dma), 200UL);
	split_check(test, f);
}

/* Without a domain there is nothing but what mediated devices hold. */
static void split_of_held_pages(struct kunit *test)
{
	struct t1x_run page = { .npages = 1, .pinned = 1, .ram = 1 };
	struct fixture *f = split_begin(test, 0, 100, false);
	unsigned long i, index = t1x_access_pages_index(IOVA);
	struct t1x_dma *lower = split_part(f, 0), *upper;
	struct t1x_split split;

	KUNIT_ASSERT_EQ(test, fixture_unfill(f, lower), 0);
	for (i = 10; i < 40; i++)
		KUNIT_ASSERT_EQ(test, t1x_access_pages_add(&f->c->access_pages,
							   index + i, &page), 0);
	KUNIT_ASSERT_EQ(test, t1x_charge(&lower->owner, 30, 0, 0,
					 &f->c->errlog), 0);
	mutex_lock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, t1x_split_prepare(f->c, &split, lower,
						IOVA + 17 * PAGE_SIZE), 0);
	upper = t1x_split_commit(f->c, &split);
	mutex_unlock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, lower->owner.charged, 7UL);
	KUNIT_EXPECT_EQ(test, upper->owner.charged, 23UL);
	KUNIT_EXPECT_EQ(test, upper->filled, 0UL);
	while (t1x_access_pages_remove(&f->c->access_pages, &index, ULONG_MAX, &page))
		;
	t1x_refund(&lower->owner, 7);
	t1x_refund(&upper->owner, 23);
}

static void split_at_random(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	unsigned int round, i, npages;
	struct t1x_dma *dma;

	for (round = 0; round < 8; round++) {
		struct fixture *f;

		npages = 200 + prandom_u32_state(&rnd) % 1200;
		f = split_begin(test, FAKE_PAGES - npages + round % 2 * 50,
				npages, round & 2);
		for (i = 0; i < 60; i++) {
			unsigned long page = prandom_u32_state(&rnd) % npages;

			dma = split_part(f, page);
			if (!dma)
				continue;
			if (dma != split_part(f, page - 1))
				split_take(test, f, dma);
			else
				split_before(test, f, page);
		}
		split_check(test, f);
		split_take_all(test, f);
	}
}

static struct kunit_case split_cases[] = {
	KUNIT_CASE(split_splits_a_run),
	KUNIT_CASE_PARAM(split_of_ram_and_bar, cut_gen_params),
	KUNIT_CASE(split_twice_with_all_prepared),
	KUNIT_CASE(split_of_held_pages),
	KUNIT_CASE(split_at_random),
	{}
};

static struct kunit_suite split_suite = {
	.name = "t1x_split",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = split_cases,
};

kunit_test_suite(split_suite);
