// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling, over chosen memory and domains that judge.
 */
#include <linux/sched/signal.h>

#include "account.h"
#include "fill.h"
#include "fill_domain.h"
#include "params.h"
#include "stats.h"
#include "t1x.h"
#include "t1x_kunit.h"

#define IOVA	0x80000000UL

static const unsigned int batches[] = { 1, 3, 8, 64, 512 };

KUNIT_ARRAY_PARAM(batches, batches, number_desc);

static void fill_joins_across_batches(struct kunit *test)
{
	const unsigned int *batch = test->param_value;
	struct fixture *f = fixture_with(test, 1);
	long calls = t1x_stat_sum(T1X_STAT_IOMMU_MAP_CALLS);
	struct t1x_dma *dma;

	f->c->pin_batch = *batch;
	dma = fake_dma_alloc(test, IOVA, 0, 1024);
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	calls -= t1x_stat_sum(T1X_STAT_IOMMU_MAP_CALLS);
	KUNIT_EXPECT_EQ(test, calls, -1L);
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&dma->runs), 1UL);
	KUNIT_EXPECT_EQ(test, dma->filled, 1024UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 1024);
	fake_expect_mapped(test, f->fake[0], dma, 0);
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	KUNIT_EXPECT_EQ(test, f->fake[0]->syncs, 1U);
	KUNIT_EXPECT_EQ(test, f->fake[0]->lookups, 0U);
	fake_dma_free(dma);
}

static void fill_without_hugepages(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, 0, 100);

	t1x_disable_hugepages = true;
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	t1x_disable_hugepages = false;
	KUNIT_EXPECT_EQ(test, f->fake[0]->map_ops, 100U);
	fake_expect_mapped(test, f->fake[0], dma, 0);
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	fake_dma_free(dma);
}

static void fill_ram_then_bar_charges_ram(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma;

	dma = fake_dma_alloc(test, IOVA, FAKE_PAGES - 20, 20 + FAKE_BAR_PAGES);
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&dma->runs), 2UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 20);
	fake_expect_mapped(test, f->fake[0], dma, FAKE_PAGES - 20);
	fake_expect_mapped(test, f->fake[1], dma, FAKE_PAGES - 20);
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	fake_dma_free(dma);
}

static void fill_reserved_between_ram(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, 0, 10);

	fake_memory.layout[4] = fake_memory.bar + 4;
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&dma->runs), 3UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 9);
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	fake_dma_free(dma);
}

/* The limit is reached after n pages, for every n, in batches of 8. */
static void fill_limit_in_the_middle(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma;
	unsigned int n;

	fake_memory_scatter();
	f->c->pin_batch = 8;
	for (n = 0; n <= 40; n++) {
		dma = fake_dma_alloc(test, IOVA, 0, 40);
		current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur =
			(f->locked + n) << PAGE_SHIFT;
		KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), n < 40 ? -ENOMEM : 0);
		KUNIT_EXPECT_EQ(test, fake_memory_locked(),
				f->locked + (n < 40 ? 0 : 40));
		KUNIT_EXPECT_EQ(test, f->fake[0]->nr, n < 40 ? 0UL : 40UL);
		KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
		fake_dma_free(dma);
	}
}

/* Under a limit no more is ever charged than is pinned; without, far fewer times. */
static void fill_charges_what_is_pinned(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	long charged, pinned;
	struct t1x_dma *dma;
	unsigned int n;

	for (n = 0; n < 2; n++) {
		fake_memory_scatter();
		fake_memory.layout[20] = NULL;
		f->c->pin_batch = 8;
		dma = fake_dma_alloc(test, IOVA, 0, 1000);
		if (!n)
			current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur =
				(f->locked + 2000) << PAGE_SHIFT;
		charged = t1x_stat_sum(T1X_STAT_PAGES_CHARGED);
		pinned = t1x_stat_sum(T1X_STAT_PAGES_PINNED);
		KUNIT_EXPECT_LT(test, fixture_fill(f, dma), 0);
		charged = t1x_stat_sum(T1X_STAT_PAGES_CHARGED) - charged;
		pinned = t1x_stat_sum(T1X_STAT_PAGES_PINNED) - pinned;
		KUNIT_EXPECT_EQ(test, pinned, 20L);
		KUNIT_EXPECT_EQ(test, charged, n ? 1000L : 20L);
		fake_dma_free(dma);
	}
}

static void fill_hole_at_each_page(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct t1x_dma *dma;
	unsigned int n;

	f->c->pin_batch = 4;
	for (n = 0; n < 20; n++) {
		fake_memory_scatter();
		fake_memory.layout[n] = NULL;
		dma = fake_dma_alloc(test, IOVA, 0, 20);
		KUNIT_EXPECT_LT(test, fixture_fill(f, dma), 0);
		KUNIT_EXPECT_EQ(test, dma->filled, 0UL);
		KUNIT_EXPECT_EQ(test, t1x_runs_nr(&dma->runs), 0UL);
		fake_dma_free(dma);
	}
}

/* The nth call to each of two IOMMUs fails, for every n. */
static void fill_map_fails_at_each_step(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma;
	unsigned int n, which;

	fake_memory_scatter();
	f->c->pin_batch = 8;
	for (which = 0; which < 2; which++) {
		for (n = 1; n <= 30; n++) {
			dma = fake_dma_alloc(test, IOVA, 0, 30);
			f->fake[which]->fail_map = n;
			KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), -ENOMEM);
			KUNIT_EXPECT_EQ(test, dma->filled, 0UL);
			KUNIT_EXPECT_EQ(test, f->fake[0]->nr, 0UL);
			KUNIT_EXPECT_EQ(test, f->fake[1]->nr, 0UL);
			KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked);
			fake_dma_free(dma);
		}
	}
}

static void replay_maps_the_same(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma;

	list_del(&f->fake[1]->d.node);
	fake_memory_scatter();
	dma = fake_dma_alloc(test, IOVA, FAKE_PAGES - 600,
			     600 + FAKE_BAR_PAGES);
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);

	mutex_lock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, t1x_fill_domain(f->c, FAKE_ALL, dma, &f->fake[1]->d), 0);
	mutex_unlock(&f->c->lock);
	list_add_tail(&f->fake[1]->d.node, &f->c->domains);
	fake_expect_mapped(test, f->fake[1], dma, FAKE_PAGES - 600);
	KUNIT_EXPECT_EQ(test, f->fake[0]->lookups, 0U);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 600);

	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	fake_dma_free(dma);
}

/* Without memory for runs a mapping still works, and still balances. */
static void untracked_takes_the_walk(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, FAKE_PAGES - 100,
					     100 + FAKE_BAR_PAGES);

	fake_memory_scatter();
	list_del(&f->fake[1]->d.node);
	dma->untracked = true;
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&dma->runs), 0UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 100);

	mutex_lock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, t1x_fill_domain(f->c, FAKE_ALL, dma, &f->fake[1]->d), 0);
	mutex_unlock(&f->c->lock);
	list_add_tail(&f->fake[1]->d.node, &f->c->domains);
	fake_expect_mapped(test, f->fake[1], dma, FAKE_PAGES - 100);

	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	KUNIT_EXPECT_GT(test, f->fake[0]->lookups, 0U);
	fake_dma_free(dma);
}

static void untracked_after_some_runs(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, 0, 50);
	struct t1x_run extra;
	unsigned long i;

	fake_memory_scatter();
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	/* Forget the upper runs, as if memory had run out half way. */
	dma->untracked = true;
	for (i = 0; i < 30; i++) {
		extra = *t1x_runs_last(&dma->runs);
		t1x_runs_drop(&dma->runs, 1, extra.npages);
	}
	KUNIT_EXPECT_EQ(test, extra.pfn, page_to_pfn(fake_memory.layout[20]));
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&dma->runs), 20UL);
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	KUNIT_EXPECT_EQ(test, f->fake[0]->lookups >= 30U, true);
	fake_dma_free(dma);
}

/* Pages 10 to 19 of a mapping of 30 are held by a mediated device. */
static void hold_ten(struct kunit *test, struct t1x_container *c,
		     struct t1x_dma *dma)
{
	struct t1x_run page = { .npages = 1, .pinned = 1, .ram = 1 };
	unsigned long i, first = t1x_access_pages_index(dma->iova);

	for (i = 10; i < 20; i++) {
		page.pfn = page_to_pfn(fake_memory.layout[i]);
		KUNIT_ASSERT_EQ(test, t1x_access_pages_add(&c->access_pages, first + i, &page),
				0);
	}
	KUNIT_ASSERT_EQ(test, t1x_charge(&dma->owner, 10, 0, 0, &c->errlog), 0);
}

static void let_go_of_ten(struct t1x_container *c, struct t1x_dma *dma)
{
	unsigned long index = 0;
	struct t1x_run page;

	while (t1x_access_pages_remove(&c->access_pages, &index, ULONG_MAX, &page))
		;
	t1x_refund(&dma->owner, 10);
}

static void held_pages_are_charged_once(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, 0, 30);

	f->c->pin_batch = 8;
	hold_ten(test, f->c, dma);
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 30);
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 10);
	let_go_of_ten(f->c, dma);
	fake_dma_free(dma);
}

static void held_pages_stay_charged_if_fill_fails(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, 0, 30);
	unsigned int n;

	f->c->pin_batch = 4;
	hold_ten(test, f->c, dma);
	for (n = 0; n < 20; n++) {
		current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur =
			(f->locked + 10 + n) << PAGE_SHIFT;
		KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), -ENOMEM);
		KUNIT_EXPECT_EQ(test, dma->filled, 0UL);
		KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 10);
	}
	let_go_of_ten(f->c, dma);
	fake_dma_free(dma);
}

static void dying_container_gives_up(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, 0, 10);

	f->c->dying = true;
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), -ENODEV);
	fake_dma_free(dma);
}

#define SLOTS		8
#define SLOT_PAGES	256

/* Random layouts, mappings, batches and failures, against the table. */
static void fill_random_against_layout(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma[SLOTS] = {};
	unsigned int first[SLOTS] = {};
	unsigned int step, i, slot, npages;
	bool fail;

	for (i = 0; i < FAKE_PAGES; i += npages) {
		npages = 1 + prandom_u32_state(&rnd) % 16;
		npages = min_t(unsigned int, npages, FAKE_PAGES - i);
		while (npages && prandom_u32_state(&rnd) % 2)
			swap(fake_memory.layout[i],
			     fake_memory.layout[prandom_u32_state(&rnd) %
						FAKE_PAGES]);
	}

	for (step = 0; step < 600; step++) {
		slot = prandom_u32_state(&rnd) % SLOTS;
		if (dma[slot]) {
			fake_expect_mapped(test, f->fake[0], dma[slot], first[slot]);
			fake_expect_mapped(test, f->fake[1], dma[slot], first[slot]);
			KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma[slot]), 0);
			fake_dma_free(dma[slot]);
			dma[slot] = NULL;
			continue;
		}
		f->c->pin_batch = 1 + prandom_u32_state(&rnd) % 40;
		npages = 1 + prandom_u32_state(&rnd) % SLOT_PAGES;
		first[slot] = prandom_u32_state(&rnd) %
			      (FAKE_PAGES + FAKE_BAR_PAGES - npages);
		dma[slot] = fake_dma_alloc(test,
					   IOVA + slot * SLOT_PAGES * PAGE_SIZE,
					   first[slot], npages);
		dma[slot]->untracked = prandom_u32_state(&rnd) % 8 == 0;
		fail = prandom_u32_state(&rnd) % 4 == 0;
		i = prandom_u32_state(&rnd) % 2;
		f->fake[i]->fail_map = fail ? 1 + prandom_u32_state(&rnd) % 9 :
					     0;
		if (fixture_fill(f, dma[slot])) {
			KUNIT_EXPECT_TRUE(test, fail);
			KUNIT_EXPECT_EQ(test, dma[slot]->filled, 0UL);
			fake_dma_free(dma[slot]);
			dma[slot] = NULL;
		}
		f->fake[i]->fail_map = 0;
	}

	for (slot = 0; slot < SLOTS; slot++) {
		if (!dma[slot])
			continue;
		KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma[slot]), 0);
		fake_dma_free(dma[slot]);
	}
	KUNIT_EXPECT_LE(test, f->fake[0]->most_stale_runs, 512UL);
}

static struct kunit_case fill_cases[] = {
	KUNIT_CASE_PARAM(fill_joins_across_batches, batches_gen_params),
	KUNIT_CASE(fill_without_hugepages),
	KUNIT_CASE(fill_ram_then_bar_charges_ram),
	KUNIT_CASE(fill_reserved_between_ram),
	KUNIT_CASE(fill_limit_in_the_middle),
	KUNIT_CASE(fill_charges_what_is_pinned),
	KUNIT_CASE(fill_hole_at_each_page),
	KUNIT_CASE(fill_map_fails_at_each_step),
	KUNIT_CASE(replay_maps_the_same),
	KUNIT_CASE(untracked_takes_the_walk),
	KUNIT_CASE(untracked_after_some_runs),
	KUNIT_CASE(held_pages_are_charged_once),
	KUNIT_CASE(held_pages_stay_charged_if_fill_fails),
	KUNIT_CASE(dying_container_gives_up),
	KUNIT_CASE(fill_random_against_layout),
	{}
};

static struct kunit_suite fill_suite = {
	.name = "t1x_fill",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = fill_cases,
};

kunit_test_suite(fill_suite);
