// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading an IOMMU's answers: short, long, refused.
 */
#include "domain.h"
#include "params.h"
#include "t1x.h"
#include "t1x_kunit.h"

#define IOVA	0x40000000UL

static struct iommu_iotlb_gather gather;

/* MMIO: the pages of the BAR may be mapped without a pin. */
static struct t1x_run bar_run(unsigned long npages)
{
	return (struct t1x_run){
		.pfn = page_to_pfn(fake_memory.bar),
		.npages = npages,
	};
}

static struct fake_domain *mapped_domain(struct kunit *test,
					 unsigned long npages)
{
	struct fake_domain *fake = fixture_with(test, 1)->fake[0];
	struct t1x_run run = bar_run(npages);

	iommu_iotlb_gather_init(&gather);
	KUNIT_ASSERT_EQ(test,
			t1x_domain_map(&fake->d, IOVA, &run, 1, IOMMU_READ, 0,
				       GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, fake->nr, npages);
	return fake;
}

static void domain_map_is_one_call(struct kunit *test)
{
	struct fake_domain *fake = mapped_domain(test, 32);
	unsigned long nr_syncs = t1x_domain_nr_syncs(&fake->d), i;

	KUNIT_EXPECT_EQ(test, fake->map_ops, 1U);
	for (i = 0; i < 32; i++)
		KUNIT_EXPECT_EQ(test,
				fake_domain_pfn(fake, IOVA + i * PAGE_SIZE),
				page_to_pfn(fake_memory.bar) + i);
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap(&fake->d, &gather, IOVA, 32), 0);
	KUNIT_EXPECT_EQ(test, fake->unmap_ops, 1U);
	KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
	KUNIT_EXPECT_EQ(test, fake->syncs, 0U);
	t1x_domain_sync(&fake->d, &gather);
	KUNIT_EXPECT_EQ(test, fake->syncs, 1U);
	KUNIT_EXPECT_EQ(test, t1x_domain_nr_syncs(&fake->d), nr_syncs + 1);
	KUNIT_EXPECT_EQ(test, fake->lookups, 0U);
}

static void domain_map_page_by_page(struct kunit *test)
{
	struct fake_domain *fake;

	t1x_disable_hugepages = true;
	fake = mapped_domain(test, 32);
	t1x_disable_hugepages = false;
	KUNIT_EXPECT_EQ(test, fake->map_ops, 32U);
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap(&fake->d, &gather, IOVA, 32), 0);
	t1x_domain_sync(&fake->d, &gather);
	KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
}

/* From the middle of a granule to the middle of another, and over whole ones. */
static void domain_map_stops_at_granules(struct kunit *test)
{
	struct fake_domain *fake = fixture_with(test, 1)->fake[0];
	const unsigned int shift = PAGE_SHIFT + 2;
	struct t1x_run run = bar_run(12);
	unsigned long i;

	iommu_iotlb_gather_init(&gather);
	KUNIT_EXPECT_EQ(test, t1x_domain_map(&fake->d, IOVA + 3 * PAGE_SIZE,
					     &run, 1, IOMMU_READ, shift,
					     GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, fake->map_ops, 1U + 2 + 1);
	for (i = 0; i < 12; i++)
		KUNIT_EXPECT_EQ(test,
				fake_domain_pfn(fake,
						IOVA + (3 + i) * PAGE_SIZE),
				page_to_pfn(fake_memory.bar) + i);
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap(&fake->d, &gather,
					       IOVA + 3 * PAGE_SIZE, 12), 0);

	run.npages = 2;
	KUNIT_EXPECT_EQ(test, t1x_domain_map(&fake->d, IOVA + PAGE_SIZE, &run,
					     1, IOMMU_READ, shift, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, fake->map_ops, 4U + 1);
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap(&fake->d, &gather,
					       IOVA + PAGE_SIZE, 2), 0);
	t1x_domain_sync(&fake->d, &gather);
	KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
}

static void domain_map_failure_leaves_nothing(struct kunit *test)
{
	struct fake_domain *fake = fixture_with(test, 1)->fake[0];
	struct t1x_run run = bar_run(32);
	unsigned int nth;

	t1x_disable_hugepages = true;
	for (nth = 1; nth <= 32; nth++) {
		fake->fail_map = nth;
		KUNIT_EXPECT_EQ(test, t1x_domain_map(&fake->d, IOVA, &run,
						     1, IOMMU_READ, 0,
						     GFP_KERNEL),
				-ENOMEM);
		KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
		KUNIT_EXPECT_EQ(test, fake->stale_pages, 0UL);
	}
	t1x_disable_hugepages = false;
}

/**
 * struct kind - what runs are of, that are mapped together
 * @name: of the case
 * @ram: ordinary memory
 * @calls: of the IOMMU core for four of them
 */
struct kind {
	const char *name;
	bool ram;
	unsigned int calls;
};

static const struct kind kinds[] = {
	{ "MMIO", false, 4 }, { "RAM", true, 1 },
};

CASE_DESC(kind);
KUNIT_ARRAY_PARAM(kind, kinds, kind_desc);

/* Runs that are no neighbours, of 1, 2, 3 and 4 pages; for these tests, of any kind. */
static void some_runs(struct t1x_run runs[4], const struct kind *p)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		runs[i] = bar_run(i + 1);
		runs[i].pfn += 5 * (4 - i);
		runs[i].ram = p->ram;
	}
}

static int map_four(struct fake_domain *fake, const struct t1x_run runs[4])
{
	return t1x_domain_map(&fake->d, IOVA, runs, 4, IOMMU_READ, 0, GFP_KERNEL);
}

/* All of them, or none. */
static void domain_map_runs_or_none(struct kunit *test)
{
	struct fake_domain *fake = fixture_with(test, 1)->fake[0];
	const struct kind *p = test->param_value;
	struct t1x_run runs[4];
	unsigned int i, nth;

	some_runs(runs, p);
	for (nth = 1; nth <= 4; nth++) {
		fake->fail_map = nth;
		KUNIT_EXPECT_EQ(test, map_four(fake, runs), -ENOMEM);
		KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
		KUNIT_EXPECT_EQ(test, fake->stale_pages, 0UL);
	}

	fake->map_syncs = 0;
	KUNIT_EXPECT_EQ(test, map_four(fake, runs), 0);
	KUNIT_EXPECT_EQ(test, fake->map_syncs, p->calls);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, runs[i].pfn,
				fake_domain_pfn(fake, IOVA + i * (i + 1) / 2 *
						      PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap_sync(&fake->d, IOVA, 10), 0);
	KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
}

/* The kernel does not tell whether it could undo what a failed call had mapped. */
static void domain_map_undo_refused(struct kunit *test)
{
	struct fake_domain *fake = fixture_with(test, 1)->fake[0];
	const struct kind *p = test->param_value;
	struct t1x_run runs[4];
	unsigned int i;

	some_runs(runs, p);
	/* Page 7 is mapped when the last run fails, page 0 before, by itself or with it. */
	for (i = 0; i <= 7; i += 7) {
		fake->keep = (IOVA >> PAGE_SHIFT) + i;
		fake->keep_times = 1;
		fake->fail_map = 4;
		KUNIT_EXPECT_EQ(test, map_four(fake, runs), -ENOMEM);
		KUNIT_EXPECT_EQ(test, fake->nr, 0UL);

		fake->keep_times = 1000;
		fake->fail_map = 4;
		KUNIT_EXPECT_EQ(test, map_four(fake, runs), -EIO);
		KUNIT_EXPECT_GE(test, fake->nr, 1UL);
		fake->keep_times = 0;
		KUNIT_EXPECT_EQ(test, t1x_domain_unmap_sync(&fake->d, IOVA, 10), 0);
		KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
		KUNIT_EXPECT_EQ(test, fake->stale_pages, 0UL);
	}
}

/* Neighbours in memory, a large page of the IOMMU's in all, and unmapped one by one. */
static void domain_map_joins_no_runs(struct kunit *test)
{
	struct fake_domain *fake = fixture_with(test, 1)->fake[0];
	struct t1x_run runs[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		runs[i] = bar_run(2);
		runs[i].pfn += 2 * i;
		runs[i].ram = true;
	}
	fake->domain.pgsize_bitmap = PAGE_SIZE | 8 * PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, map_four(fake, runs), 0);
	KUNIT_EXPECT_EQ(test, fake->map_ops, 4U);
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap_sync(&fake->d, IOVA, 8), 0);
	KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
}

/* More than one call maps, and over the edge of a block, which no call crosses. */
static void domain_map_many_runs(struct kunit *test)
{
	const dma_addr_t iova = ALIGN_DOWN(~0UL >> 8, BIT(T1X_FLUSH_SHIFT)) - 20 * PAGE_SIZE;
	struct fake_domain *fake = fixture_with(test, 1)->fake[0];
	static struct t1x_run runs[100];
	unsigned int i;

	for (i = 0; i < 100; i++) {
		runs[i] = bar_run(1);
		runs[i].pfn += i % 2 ? i / 2 : FAKE_BAR_PAGES / 2 + i / 4;
		runs[i].ram = true;
	}
	KUNIT_EXPECT_EQ(test, t1x_domain_map(&fake->d, iova, runs, 100, IOMMU_READ, 0,
					     GFP_KERNEL), 0);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, fake_domain_pfn(fake, iova + i * PAGE_SIZE), runs[i].pfn);
	/* 20, and 80 by 32. */
	KUNIT_EXPECT_EQ(test, fake->map_syncs, 4U);
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap_sync(&fake->d, iova, 100), 0);
	KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
}

static void domain_unmap_short_goes_on(struct kunit *test)
{
	struct fake_domain *fake = mapped_domain(test, 32);

	fake->keep = (IOVA >> PAGE_SHIFT) + 7;
	fake->keep_times = 1;
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap(&fake->d, &gather, IOVA, 32), 0);
	KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
	t1x_domain_sync(&fake->d, &gather);
}

static void domain_unmap_over_a_hole_goes_on(struct kunit *test)
{
	struct fake_domain *fake = mapped_domain(test, 32);
	unsigned long i;

	for (i = 3; i < 9; i++)
		xa_erase(&fake->leaves, (IOVA >> PAGE_SHIFT) + i);
	fake->nr -= 6;
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap(&fake->d, &gather, IOVA, 32), 0);
	KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
	t1x_domain_sync(&fake->d, &gather);
}

static void domain_unmap_refused_is_told(struct kunit *test)
{
	struct fake_domain *fake = mapped_domain(test, 32);

	fake->keep = (IOVA >> PAGE_SHIFT) + 31;
	fake->keep_times = 1000;
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap(&fake->d, &gather, IOVA, 32), -EIO);
	KUNIT_EXPECT_EQ(test, fake->nr, 1UL);
	fake->keep_times = 0;
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap(&fake->d, &gather, IOVA, 32), 0);
	KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
	t1x_domain_sync(&fake->d, &gather);
}

static void domain_unmap_long_is_survived(struct kunit *test)
{
	struct fake_domain *fake = mapped_domain(test, 32);

	fake->overshoot = 4;
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap(&fake->d, &gather, IOVA, 16), 0);
	KUNIT_EXPECT_EQ(test, fake->nr, 12UL);
	/* The part that went too early is a hole now. */
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap(&fake->d, &gather,
					       IOVA + 16 * PAGE_SIZE, 16), 0);
	KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
	t1x_domain_sync(&fake->d, &gather);
}

/* Where a mapping crosses the border of what an IOMMU flushes at once. */
#define BORDER	(4UL << T1X_FLUSH_SHIFT)

/**
 * struct driver - what an IOMMU driver does about gaps in what it gathers
 * @name: of the case
 * @sync_at_gaps: it flushes by itself
 */
struct driver {
	const char *name;
	bool sync_at_gaps;
};

static const struct driver drivers[] = {
	{ "takes gaps", false }, { "flushes at gaps", true },
};

CASE_DESC(driver);
KUNIT_ARRAY_PARAM(driver, drivers, driver_desc);

static void domain_flush_stops_at_borders(struct kunit *test)
{
	const struct driver *p = test->param_value;
	const dma_addr_t iova = BORDER - 2 * PAGE_SIZE;
	struct fake_domain *fake = fixture_with(test, 1)->fake[0];
	struct t1x_run run = bar_run(4);

	fake->sync_at_gaps = p->sync_at_gaps;
	KUNIT_EXPECT_EQ(test, t1x_domain_map(&fake->d, iova, &run, 1, IOMMU_READ,
					     0, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, fake->map_ops, 2U);
	KUNIT_EXPECT_EQ(test, t1x_domain_unmap_sync(&fake->d, iova, 4), 0);
	KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
	KUNIT_EXPECT_EQ(test, fake->syncs, 2U);
	KUNIT_EXPECT_EQ(test, fake->stale_pages, 0UL);
	KUNIT_EXPECT_EQ(test, fake->flushes, 0U);
}

static void domain_map_undone_at_a_border(struct kunit *test)
{
	struct fake_domain *fake = fixture_with(test, 1)->fake[0];
	struct t1x_run run = bar_run(6);
	unsigned int nth;

	for (nth = 1; nth <= 2; nth++) {
		fake->fail_map = nth;
		KUNIT_EXPECT_EQ(test, t1x_domain_map(&fake->d,
						     BORDER - 3 * PAGE_SIZE,
						     &run, 1, IOMMU_READ, 0,
						     GFP_KERNEL), -ENOMEM);
		KUNIT_EXPECT_EQ(test, fake->nr, 0UL);
		KUNIT_EXPECT_EQ(test, fake->stale_pages, 0UL);
	}
}

/* One flush for many ranges, however far apart, unless the driver makes more. */
static void domain_flush_of_distant_ranges(struct kunit *test)
{
	static const dma_addr_t iovas[] = {
		0x100000, BORDER - PAGE_SIZE, BORDER, 2 * BORDER, BORDER << 8,
	};
	struct fake_domain *fake = fixture_with(test, 1)->fake[0];
	const struct driver *p = test->param_value;
	struct t1x_run run = bar_run(1);
	unsigned int i;

	fake->sync_at_gaps = p->sync_at_gaps;
	iommu_iotlb_gather_init(&gather);
	for (i = 0; i < ARRAY_SIZE(iovas); i++)
		KUNIT_EXPECT_EQ(test, t1x_domain_map(&fake->d, iovas[i], &run, 1,
						     IOMMU_READ, 0, GFP_KERNEL),
				0);
	for (i = 0; i < ARRAY_SIZE(iovas); i++)
		KUNIT_EXPECT_EQ(test, t1x_domain_unmap(&fake->d, &gather,
						       iovas[i], 1), 0);
	t1x_domain_sync(&fake->d, &gather);
	KUNIT_EXPECT_EQ(test, fake->stale_pages, 0UL);
	KUNIT_EXPECT_EQ(test, fake->flushes, p->sync_at_gaps ? 0U : 1U);
}

static struct kunit_case domain_cases[] = {
	KUNIT_CASE(domain_map_is_one_call),
	KUNIT_CASE(domain_map_page_by_page),
	KUNIT_CASE(domain_map_stops_at_granules),
	KUNIT_CASE(domain_map_failure_leaves_nothing),
	KUNIT_CASE_PARAM(domain_map_runs_or_none, kind_gen_params),
	KUNIT_CASE_PARAM(domain_map_undo_refused, kind_gen_params),
	KUNIT_CASE(domain_map_joins_no_runs),
	KUNIT_CASE(domain_map_many_runs),
	KUNIT_CASE(domain_unmap_short_goes_on),
	KUNIT_CASE(domain_unmap_over_a_hole_goes_on),
	KUNIT_CASE(domain_unmap_refused_is_told),
	KUNIT_CASE(domain_unmap_long_is_survived),
	KUNIT_CASE_PARAM(domain_flush_stops_at_borders, driver_gen_params),
	KUNIT_CASE(domain_map_undone_at_a_border),
	KUNIT_CASE_PARAM(domain_flush_of_distant_ranges, driver_gen_params),
	{}
};

static struct kunit_suite domain_suite = {
	.name = "t1x_domain",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = domain_cases,
};

kunit_test_suite(domain_suite);
