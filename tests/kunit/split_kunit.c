// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cutting mappings: each part keeps its pages, its charge and its place.
 *
 * Every case ends in split_done(), as those of fill_kunit.c do.
 */
#include "account.h"
#include "fill.h"
#include "split.h"
#include "t1x.h"
#include "t1x_kunit.h"
#include "unfill.h"

#define IOVA	0x80000000UL

/**
 * struct split_case - a container with a domain and a mapping
 * @c: the container; its lock is held
 * @fake: its domain
 * @first: page of fake memory that the mapping begins with
 * @locked: locked memory before
 */
struct split_case {
	struct t1x_container *c;
	struct fake_domain *fake;
	unsigned int first;
	long locked;
};

/* Pages of the RAM window from @first on, and of the BAR window. */
static struct split_case split_begin(struct kunit *test, unsigned int first,
				     unsigned int npages, bool scattered)
{
	struct split_case k = { .first = first };
	struct t1x_dma *dma;

	fake_memory_reset();
	if (scattered)
		fake_memory_scatter();
	k.c = fake_container_alloc(test);
	k.fake = fake_domain_alloc(test);
	list_add_tail(&k.fake->d.node, &k.c->domains);
	k.locked = fake_memory_locked();
	dma = fake_dma_alloc(test, IOVA, first, npages);
	dma->granule_shift = PAGE_SHIFT;
	mutex_lock(&k.c->lock);
	t1x_container_insert(k.c, dma);
	KUNIT_ASSERT_EQ(test, t1x_dma_fill(k.c, FAKE_ALL, dma), 0);
	return k;
}

static struct t1x_dma *split_part(struct split_case *k, unsigned long page)
{
	dma_addr_t iova = IOVA + page * PAGE_SIZE;

	return t1x_dma_first(&k->c->dma_tree, iova, iova);
}

/* Cuts before a page, which is not the first of its mapping. */
static void split_before(struct kunit *test, struct split_case *k,
			 unsigned long page)
{
	struct t1x_dma *dma = split_part(k, page), *upper;
	unsigned long npages = t1x_dma_npages(dma);
	struct t1x_split split;

	KUNIT_ASSERT_EQ(test, t1x_split_prepare(k->c, &split, dma,
						IOVA + page * PAGE_SIZE), 0);
	upper = t1x_split_commit(k->c, &split);
	KUNIT_ASSERT_PTR_EQ(test, upper, split_part(k, page));
	KUNIT_ASSERT_PTR_EQ(test, dma, split_part(k, page - 1));
	KUNIT_ASSERT_EQ(test, t1x_dma_npages(dma) + t1x_dma_npages(upper),
			npages);
	KUNIT_ASSERT_EQ(test, dma->filled, t1x_dma_npages(dma));
	KUNIT_ASSERT_EQ(test, upper->filled, t1x_dma_npages(upper));
	KUNIT_ASSERT_EQ(test, upper->vaddr,
			fake_memory.vaddr + (k->first + page) * PAGE_SIZE);
}

/* Takes a part away; everything else stays where it was. */
static void split_take(struct kunit *test, struct split_case *k,
		       struct t1x_dma *dma)
{
	KUNIT_ASSERT_EQ(test, t1x_dma_unfill(k->c, FAKE_ALL, dma), 0);
	t1x_container_remove(k->c, dma);
	KUNIT_ASSERT_EQ(test, dma->owner.charged, 0UL);
	fake_dma_free(dma);
}

static void split_check(struct kunit *test, struct split_case *k)
{
	unsigned long npages = 0;
	struct t1x_dma *dma;
	long ram = 0;

	for (dma = t1x_dma_first(&k->c->dma_tree, 0, ~0UL); dma;
	     dma = t1x_dma_next(dma, ~0UL)) {
		unsigned long first = k->first +
				      (dma->iova - IOVA) / PAGE_SIZE;
		unsigned long n = t1x_dma_npages(dma);

		fake_expect_mapped(test, k->fake, dma, first);
		n = first < FAKE_PAGES ? min(n, FAKE_PAGES - first) : 0;
		KUNIT_ASSERT_EQ(test, dma->owner.charged, n);
		KUNIT_ASSERT_EQ(test, dma->runs.npages, t1x_dma_npages(dma));
		ram += n;
		npages += t1x_dma_npages(dma);
	}
	KUNIT_ASSERT_EQ(test, k->fake->nr, npages);
	KUNIT_ASSERT_EQ(test, fake_memory_locked(), k->locked + ram);
}

static void split_done(struct kunit *test, struct split_case *k)
{
	struct t1x_dma *dma;

	while ((dma = t1x_dma_first(&k->c->dma_tree, 0, ~0UL)))
		split_take(test, k, dma);
	mutex_unlock(&k->c->lock);
	KUNIT_EXPECT_EQ(test, k->fake->nr, 0UL);
	KUNIT_EXPECT_EQ(test, k->fake->errors, 0U);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), k->locked);
	fake_memory_expect_unpinned(test);
}

static void split_splits_a_run(struct kunit *test)
{
	struct split_case k = split_begin(test, 0, 1000, false);

	KUNIT_EXPECT_EQ(test, split_part(&k, 0)->runs.nr, 1UL);
	split_before(test, &k, 333);
	KUNIT_EXPECT_EQ(test, split_part(&k, 0)->runs.nr, 1UL);
	KUNIT_EXPECT_EQ(test, split_part(&k, 333)->runs.nr, 1UL);
	split_check(test, &k);
	split_take(test, &k, split_part(&k, 0));
	split_check(test, &k);
	split_before(test, &k, 999);
	split_take(test, &k, split_part(&k, 999));
	split_check(test, &k);
	split_done(test, &k);
}

/* RAM is charged to the part that has it, wherever the cut is. */
static void split_of_ram_and_bar(struct kunit *test)
{
	unsigned long page;

	for (page = 1; page < 20 + FAKE_BAR_PAGES; page += 7) {
		struct split_case k = split_begin(test, FAKE_PAGES - 20,
						  20 + FAKE_BAR_PAGES, false);

		split_before(test, &k, page);
		split_check(test, &k);
		split_take(test, &k, split_part(&k, page));
		split_check(test, &k);
		split_done(test, &k);
	}
}

static void split_twice_with_all_prepared(struct kunit *test)
{
	struct split_case k = split_begin(test, 0, 700, true);
	struct t1x_dma *dma = split_part(&k, 0);
	struct t1x_split low, high;

	KUNIT_ASSERT_EQ(test, t1x_split_prepare(k.c, &high, dma,
						IOVA + 300 * PAGE_SIZE), 0);
	KUNIT_ASSERT_EQ(test, t1x_split_prepare(k.c, &low, dma,
						IOVA + 200 * PAGE_SIZE), 0);
	t1x_split_commit(k.c, &high);
	dma = t1x_split_commit(k.c, &low);
	KUNIT_EXPECT_EQ(test, t1x_dma_npages(dma), 100UL);
	split_check(test, &k);
	split_take(test, &k, dma);
	split_check(test, &k);

	/* Prepared and called off. */
	dma = split_part(&k, 0);
	KUNIT_ASSERT_EQ(test, t1x_split_prepare(k.c, &low, dma,
						IOVA + 100 * PAGE_SIZE), 0);
	t1x_split_cancel(&low);
	t1x_split_cancel(&low);
	KUNIT_EXPECT_EQ(test, t1x_dma_npages(dma), 200UL);
	split_check(test, &k);
	split_done(test, &k);
}

/* Without a domain there is nothing but what mediated devices hold. */
static void split_of_held_pages(struct kunit *test)
{
	struct t1x_run page = { .npages = 1, .pinned = 1, .ram = 1 };
	struct split_case k = split_begin(test, 0, 100, false);
	unsigned long i, index = t1x_access_pages_index(IOVA);
	struct t1x_dma *lower = split_part(&k, 0), *upper;
	struct t1x_split split;

	KUNIT_ASSERT_EQ(test, t1x_dma_unfill(k.c, FAKE_ALL, lower), 0);
	for (i = 10; i < 40; i++)
		KUNIT_ASSERT_EQ(test, t1x_access_pages_add(&k.c->access_pages, index + i,
							   &page), 0);
	KUNIT_ASSERT_EQ(test, t1x_charge(&lower->owner, 30, 0,
					 &k.c->errlog), 0);
	KUNIT_ASSERT_EQ(test, t1x_split_prepare(k.c, &split, lower,
						IOVA + 17 * PAGE_SIZE), 0);
	upper = t1x_split_commit(k.c, &split);
	KUNIT_EXPECT_EQ(test, lower->owner.charged, 7UL);
	KUNIT_EXPECT_EQ(test, upper->owner.charged, 23UL);
	KUNIT_EXPECT_EQ(test, upper->filled, 0UL);
	while (t1x_access_pages_remove(&k.c->access_pages, &index, ULONG_MAX, &page))
		;
	t1x_refund(&lower->owner, 7);
	t1x_refund(&upper->owner, 23);
	split_done(test, &k);
}

static void split_at_random(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	unsigned int round, i, npages;
	struct t1x_dma *dma;

	for (round = 0; round < 8; round++) {
		struct split_case k;

		npages = 200 + prandom_u32_state(&rnd) % 1200;
		k = split_begin(test, FAKE_PAGES - npages + round % 2 * 50,
				npages, round & 2);
		for (i = 0; i < 60; i++) {
			unsigned long page = prandom_u32_state(&rnd) % npages;

			dma = split_part(&k, page);
			if (!dma)
				continue;
			if (dma != split_part(&k, page - 1))
				split_take(test, &k, dma);
			else
				split_before(test, &k, page);
		}
		split_check(test, &k);
		split_done(test, &k);
	}
}

static struct kunit_case split_cases[] = {
	KUNIT_CASE(split_splits_a_run),
	KUNIT_CASE(split_of_ram_and_bar),
	KUNIT_CASE(split_twice_with_all_prepared),
	KUNIT_CASE(split_of_held_pages),
	KUNIT_CASE(split_at_random),
	{}
};

static struct kunit_suite split_suite = {
	.name = "t1x_split",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.test_cases = split_cases,
};

kunit_test_suite(split_suite);
