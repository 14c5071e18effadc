// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several domains: all of them have what is mapped or none has, and what is unmapped is
 * in none of them.
 *
 * The pages are those of the BAR, which need no pin.
 */
#include "domain_list.h"
#include "t1x_kunit.h"

#define IOVA		0x80000000UL
#define INDEX		(IOVA >> PAGE_SHIFT)
#define NR_RUNS		4

/* Runs of 1, 2, 3 and 4 pages, of which no two are neighbours. */
static const unsigned long npages = 1 + 2 + 3 + 4;

static void runs_of(struct t1x_run *runs)
{
	unsigned int i;

	for (i = 0; i < NR_RUNS; i++)
		runs[i] = (struct t1x_run){
			.pfn = page_to_pfn(fake_memory.bar) + 5 * (NR_RUNS - i),
			.npages = i + 1,
		};
}

/* Maps them behind the first @filled pages of a mapping. */
static int map_runs(struct fixture *f, unsigned long filled, bool *stuck)
{
	struct t1x_dma dma = {
		.iova = IOVA,
		.last = IOVA + 100 * PAGE_SIZE - 1,
		.filled = filled,
		.prot = IOMMU_READ | IOMMU_WRITE,
	};
	struct t1x_run runs[NR_RUNS];

	runs_of(runs);
	*stuck = false;
	return t1x_domain_list_map(&f->c->domains, &dma, runs, NR_RUNS, npages,
				   GFP_KERNEL, stuck);
}

static int unmap_runs(struct fixture *f, unsigned long filled)
{
	return t1x_domain_list_unmap_sync(&f->c->domains,
					  IOVA + filled * PAGE_SIZE, npages);
}

static void map_reaches_each(struct kunit *test)
{
	struct fixture *f = fixture_with(test, FIXTURE_DOMAINS);
	struct t1x_run runs[NR_RUNS];
	unsigned long at, n;
	unsigned int i, k;
	bool stuck;

	runs_of(runs);
	KUNIT_ASSERT_EQ(test, map_runs(f, 7, &stuck), 0);
	for (k = 0; k < FIXTURE_DOMAINS; k++) {
		KUNIT_EXPECT_EQ(test, f->fake[k]->nr, npages);
		KUNIT_EXPECT_EQ(test, f->fake[k]->map_ops, (unsigned int)NR_RUNS);
		for (i = 0, at = 7; i < NR_RUNS; i++)
			for (n = 0; n < runs[i].npages; n++, at++)
				KUNIT_EXPECT_EQ(test, runs[i].pfn + n,
						fake_domain_pfn(f->fake[k],
								IOVA + at * PAGE_SIZE));
	}
	KUNIT_EXPECT_EQ(test, unmap_runs(f, 7), 0);
	for (k = 0; k < FIXTURE_DOMAINS; k++) {
		KUNIT_EXPECT_EQ(test, f->fake[k]->unmap_ops, 1U);
		KUNIT_EXPECT_EQ(test, f->fake[k]->syncs, 1U);
	}
}

/**
 * struct failure - which call of which domain fails
 * @name: of the case
 * @domain: which domain
 * @call: which call, from 1 on
 */
struct failure {
	const char *name;
	unsigned int domain;
	unsigned int call;
};

static const struct failure failures[] = {
	{ "the first call of all", 0, 1 },
	{ "within the first domain", 0, 3 },
	{ "the first call of the second domain", 1, 1 },
	{ "the last call of the second domain", 1, NR_RUNS },
	{ "the first call of the last domain", 2, 1 },
	{ "the last call of all", 2, NR_RUNS },
};

CASE_DESC(failure);
KUNIT_ARRAY_PARAM(failure, failures, failure_desc);

static void map_leaves_nothing_if_it_fails(struct kunit *test)
{
	const struct failure *p = test->param_value;
	struct fixture *f = fixture_with(test, FIXTURE_DOMAINS);
	unsigned int k;
	bool stuck;

	f->fake[p->domain]->fail_map = p->call;
	KUNIT_EXPECT_EQ(test, map_runs(f, 0, &stuck), -ENOMEM);
	KUNIT_EXPECT_FALSE(test, stuck);
	for (k = 0; k < FIXTURE_DOMAINS; k++) {
		KUNIT_EXPECT_EQ(test, f->fake[k]->nr, 0UL);
		KUNIT_EXPECT_EQ(test, f->fake[k]->stale_pages, 0UL);
		/* Domains behind the one that failed were not even asked. */
		KUNIT_EXPECT_EQ(test, f->fake[k]->map_ops,
				k < p->domain ? NR_RUNS :
				k == p->domain ? p->call : 0U);
	}
	KUNIT_EXPECT_EQ(test, map_runs(f, 0, &stuck), 0);
	KUNIT_EXPECT_EQ(test, unmap_runs(f, 0), 0);
}

static const unsigned int domain_numbers[] = { 0, 1, 2 };

KUNIT_ARRAY_PARAM(domain, domain_numbers, number_desc);

/* The last domain refuses, and one, maybe itself, does not undo what it has. */
static void map_tells_of_a_stuck_domain(struct kunit *test)
{
	const unsigned int *which = test->param_value;
	struct fixture *f = fixture_with(test, FIXTURE_DOMAINS);
	unsigned int k;
	bool stuck;

	f->fake[2]->fail_map = 3;
	f->fake[*which]->keep = INDEX + 1;
	f->fake[*which]->keep_times = 1000;
	KUNIT_EXPECT_EQ(test, map_runs(f, 0, &stuck),
			*which == 2 ? -EIO : -ENOMEM);
	KUNIT_EXPECT_TRUE(test, stuck);
	for (k = 0; k < FIXTURE_DOMAINS; k++) {
		KUNIT_EXPECT_EQ(test, !f->fake[k]->nr, k != *which);
		KUNIT_EXPECT_EQ(test, f->fake[k]->stale_pages, 0UL);
	}
	KUNIT_EXPECT_NE(test, fake_domain_pfn(f->fake[*which], IOVA + PAGE_SIZE),
			0UL);
	f->fake[*which]->keep_times = 0;
	KUNIT_EXPECT_EQ(test, unmap_runs(f, 0), 0);
}

/* One that keeps a page is told, and keeps no other from unmapping. */
static void unmap_goes_on_in_other_domains(struct kunit *test)
{
	const unsigned int *which = test->param_value;
	struct fixture *f = fixture_with(test, FIXTURE_DOMAINS);
	unsigned int k;
	bool stuck;

	KUNIT_ASSERT_EQ(test, map_runs(f, 0, &stuck), 0);
	f->fake[*which]->keep = INDEX + npages - 1;
	f->fake[*which]->keep_times = 1000;
	KUNIT_EXPECT_EQ(test, unmap_runs(f, 0), -EIO);
	for (k = 0; k < FIXTURE_DOMAINS; k++) {
		KUNIT_EXPECT_EQ(test, f->fake[k]->nr, k == *which ? 1UL : 0UL);
		KUNIT_EXPECT_EQ(test, f->fake[k]->stale_pages, 0UL);
		KUNIT_EXPECT_EQ(test, f->fake[k]->syncs, 1U);
	}
	f->fake[*which]->keep_times = 0;
	KUNIT_EXPECT_EQ(test, unmap_runs(f, 0), 0);
}

/* --- Mappings, chained -------------------------------------------------------- */

/**
 * struct chain - mappings of a few pages each
 * @dma: the mappings, in IOVA order
 */
struct chain {
	struct t1x_dma dma[5];
};

/* Where each begins and how long it is: the second and the third are neighbours. */
static const unsigned int layout[][2] = {
	{ 0, 3 }, { 10, 4 }, { 14, 1 }, { 20, 2 }, { 30, 5 },
};

static void chain_map(struct kunit *test, struct fixture *f, struct chain *chain)
{
	struct t1x_run run = { .pfn = page_to_pfn(fake_memory.bar) };
	struct t1x_dma *dma;
	unsigned int i;
	bool stuck;

	memset(chain, 0, sizeof(*chain));
	for (i = 0; i < ARRAY_SIZE(layout); i++) {
		dma = &chain->dma[i];
		dma->iova = IOVA + layout[i][0] * PAGE_SIZE;
		dma->last = dma->iova + layout[i][1] * PAGE_SIZE - 1;
		dma->prot = IOMMU_READ;
		dma->next = i + 1 < ARRAY_SIZE(layout) ? dma + 1 : NULL;
		run.npages = layout[i][1];
		KUNIT_ASSERT_EQ(test,
				t1x_domain_list_map(&f->c->domains, dma, &run, 1,
						    run.npages, GFP_KERNEL,
						    &stuck), 0);
		dma->filled = run.npages;
		run.pfn += run.npages;
	}
}

static void dmas_share_calls_and_syncs(struct kunit *test)
{
	struct fixture *f = fixture_with(test, FIXTURE_DOMAINS);
	struct chain chain;
	unsigned int k;

	chain_map(test, f, &chain);
	KUNIT_EXPECT_EQ(test, t1x_domain_list_unmap_dmas(&f->c->domains,
							 chain.dma, NULL), 0);
	for (k = 0; k < FIXTURE_DOMAINS; k++) {
		KUNIT_EXPECT_EQ(test, f->fake[k]->nr, 0UL);
		KUNIT_EXPECT_EQ(test, f->fake[k]->unmap_ops, 4U);
		KUNIT_EXPECT_EQ(test, f->fake[k]->syncs, 1U);
	}
}

/* Also between neighbours: what is from @end on stays. */
static void dmas_end_before_the_end(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct chain chain;
	unsigned int k;

	chain_map(test, f, &chain);
	KUNIT_EXPECT_EQ(test, t1x_domain_list_unmap_dmas(&f->c->domains,
							 chain.dma,
							 chain.dma + 2), 0);
	for (k = 0; k < 2; k++) {
		KUNIT_EXPECT_EQ(test, f->fake[k]->nr, 1UL + 2 + 5);
		KUNIT_EXPECT_EQ(test, f->fake[k]->unmap_ops, 2U);
		KUNIT_EXPECT_NE(test, fake_domain_pfn(f->fake[k],
						      chain.dma[2].iova), 0UL);
		KUNIT_EXPECT_EQ(test, fake_domain_pfn(f->fake[k],
						      chain.dma[2].iova - PAGE_SIZE), 0UL);
	}
	KUNIT_EXPECT_EQ(test, t1x_domain_list_unmap_dmas(&f->c->domains,
							 chain.dma + 2, NULL), 0);
}

/* Of neighbours, the last may be filled in part. */
static void dmas_filled_in_part(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct chain chain;

	chain_map(test, f, &chain);
	KUNIT_EXPECT_EQ(test,
			t1x_domain_list_unmap_sync(&f->c->domains,
						   chain.dma[4].iova + 2 * PAGE_SIZE,
						   3), 0);
	chain.dma[4].filled = 2;
	KUNIT_EXPECT_EQ(test, t1x_domain_list_unmap_dmas(&f->c->domains,
							 chain.dma, NULL), 0);
	KUNIT_EXPECT_EQ(test, f->fake[0]->lookups, 0U);
}

static void dmas_kept_by_a_domain(struct kunit *test)
{
	const unsigned int *which = test->param_value;
	struct fixture *f = fixture_with(test, FIXTURE_DOMAINS);
	struct chain chain;
	unsigned int k;

	chain_map(test, f, &chain);
	f->fake[*which]->keep = INDEX + 12;
	f->fake[*which]->keep_times = 1000;
	KUNIT_EXPECT_NE(test, t1x_domain_list_unmap_dmas(&f->c->domains,
							 chain.dma, NULL), 0);
	for (k = 0; k < FIXTURE_DOMAINS; k++) {
		if (k != *which)
			KUNIT_EXPECT_EQ(test, f->fake[k]->nr, 0UL);
		KUNIT_EXPECT_EQ(test, f->fake[k]->stale_pages, 0UL);
	}
	KUNIT_EXPECT_NE(test, fake_domain_pfn(f->fake[*which],
					      IOVA + 12 * PAGE_SIZE), 0UL);
	f->fake[*which]->keep_times = 0;
	KUNIT_EXPECT_EQ(test, t1x_domain_list_unmap_dmas(&f->c->domains,
							 chain.dma, NULL), 0);
}

static void no_domains_are_no_failure(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 0);
	struct chain chain;
	bool stuck;

	KUNIT_EXPECT_EQ(test, map_runs(f, 0, &stuck), 0);
	KUNIT_EXPECT_EQ(test, unmap_runs(f, 0), 0);
	chain_map(test, f, &chain);
	KUNIT_EXPECT_EQ(test, t1x_domain_list_unmap_dmas(&f->c->domains,
							 chain.dma, NULL), 0);
}

static struct kunit_case domain_list_cases[] = {
	KUNIT_CASE(map_reaches_each),
	KUNIT_CASE_PARAM(map_leaves_nothing_if_it_fails, failure_gen_params),
	KUNIT_CASE_PARAM(map_tells_of_a_stuck_domain, domain_gen_params),
	KUNIT_CASE_PARAM(unmap_goes_on_in_other_domains, domain_gen_params),
	KUNIT_CASE(dmas_share_calls_and_syncs),
	KUNIT_CASE(dmas_end_before_the_end),
	KUNIT_CASE(dmas_filled_in_part),
	KUNIT_CASE_PARAM(dmas_kept_by_a_domain, domain_gen_params),
	KUNIT_CASE(no_domains_are_no_failure),
	{}
};

static struct kunit_suite domain_list_suite = {
	.name = "t1x_domain_list",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = domain_list_cases,
};

kunit_test_suite(domain_list_suite);
