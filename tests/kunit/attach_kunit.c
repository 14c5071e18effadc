// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups that come, through the functions that vfio.ko calls.
 *
 * The groups are those of a fake IOMMU that is registered with the kernel, so their
 * devices are really attached and detached. What UML cannot have is the window for MSIs:
 * its kernel has no IOMMU_DMA, and so t1x_domain_msi_window() finds nothing to reserve.
 */
#include <linux/sizes.h>
#include <linux/vfio.h>

#include "attach.h"
#include "fake_iommu.h"
#include "params.h"
#include "stats.h"

#define IOVA	0x80000000UL
#define NPAGES	30UL
#define TOP	(~(dma_addr_t)0)

/* A mapping of NPAGES runs, made while there is no domain or while there is one. */
static struct t1x_dma *map(struct kunit *test)
{
	fake_memory_scatter();
	return fixture_map(test, IOVA, 0, NPAGES, 0);
}

/**
 * struct state - of a container, and of what it has elsewhere
 * @domains: of the IOMMU
 * @non_pinned: groups that can write anywhere
 * @pgsizes: common page sizes
 * @nr_ranges: usable ranges
 * @first: first usable byte
 * @filled: pages of the mapping
 * @locked: locked memory of the fake user
 */
struct state {
	unsigned int domains;
	unsigned int non_pinned;
	unsigned long pgsizes;
	unsigned int nr_ranges;
	dma_addr_t first;
	unsigned long filled;
	long locked;
};

static struct state state_of(struct fixture *f, struct t1x_dma *dma)
{
	struct t1x_container *c = f->c;

	return (struct state){
		.domains = fake_iommu.domains,
		.non_pinned = c->nr_non_pinned_groups,
		.pgsizes = c->pgsizes,
		.nr_ranges = c->iova_ranges.nr,
		.first = c->iova_ranges.nr ? c->iova_ranges.range[0].first : 0,
		.filled = dma->filled,
		.locked = fake_memory_locked(),
	};
}

static void expect_state(struct kunit *test, struct t1x_dma *dma,
			 const struct state *want)
{
	struct state is = state_of(test->priv, dma);

	KUNIT_EXPECT_EQ(test, is.domains, want->domains);
	KUNIT_EXPECT_EQ(test, is.non_pinned, want->non_pinned);
	KUNIT_EXPECT_EQ(test, is.pgsizes, want->pgsizes);
	KUNIT_EXPECT_EQ(test, is.nr_ranges, want->nr_ranges);
	KUNIT_EXPECT_EQ(test, is.first, want->first);
	KUNIT_EXPECT_EQ(test, is.filled, want->filled);
	KUNIT_EXPECT_EQ(test, is.locked, want->locked);
}

static void first_group_brings_its_domain(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma;

	fake_iommu.first = 0x10000;
	fake_iommu.pgsizes = PAGE_SIZE | SZ_1G;
	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	KUNIT_ASSERT_NOT_NULL(test, fake_iommu.group[0].domain);
	KUNIT_EXPECT_PTR_EQ(test, t1x_group_domain(f->cookie, fake_iommu.group[0].group),
			    &fake_iommu.group[0].domain->domain);
	KUNIT_EXPECT_PTR_EQ(test, t1x_group_domain(f->cookie, fake_iommu.group[1].group),
			    ERR_PTR(-ENODEV));
	KUNIT_EXPECT_EQ(test, f->c->pgsizes, PAGE_SIZE | SZ_1G);
	KUNIT_ASSERT_EQ(test, f->c->iova_ranges.nr, 1U);
	KUNIT_EXPECT_EQ(test, f->c->iova_ranges.range[0].first, 0x10000ULL);
	KUNIT_EXPECT_EQ(test, f->c->nr_non_pinned_groups, 1U);

	dma = map(test);
	fake_expect_mapped(test, fake_iommu.group[0].domain, dma, 0);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + (long)NPAGES);
}

/* What is mapped is there for the newcomer, and not one call is made. */
static void group_joins_a_domain(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma;
	unsigned int calls;

	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	dma = map(test);
	calls = fake_iommu.group[0].domain->map_ops;
	KUNIT_EXPECT_EQ(test, calls, (unsigned int)NPAGES);
	KUNIT_ASSERT_EQ(test, fake_attach(f, 1), 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_iommu.group[1].domain, fake_iommu.group[0].domain);
	KUNIT_EXPECT_EQ(test, fake_iommu.group[0].domain->map_ops, calls);
	KUNIT_EXPECT_EQ(test, fake_iommu.group[0].domain->unmap_ops, 0U);
	KUNIT_EXPECT_EQ(test, fake_iommu.domains, 1U);
	KUNIT_EXPECT_EQ(test, f->c->nr_non_pinned_groups, 2U);
	fake_expect_mapped(test, fake_iommu.group[1].domain, dma, 0);
}

/* Many runs share a call, and nothing is pinned, charged or looked up for it. */
static void second_domain_is_filled_from_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma;
	long pinned;

	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	dma = map(test);
	pinned = t1x_stat_sum(T1X_STAT_PAGES_PINNED);
	fake_iommu.coherent = false;
	KUNIT_ASSERT_EQ(test, fake_attach(f, 1), 0);
	KUNIT_EXPECT_PTR_NE(test, fake_iommu.group[1].domain, fake_iommu.group[0].domain);
	KUNIT_EXPECT_EQ(test, fake_iommu.group[1].domain->map_ops, (unsigned int)NPAGES);
	KUNIT_EXPECT_LE(test, fake_iommu.group[1].domain->map_syncs, 4U);
	KUNIT_EXPECT_EQ(test, fake_iommu.group[0].domain->map_ops, (unsigned int)NPAGES);
	KUNIT_EXPECT_EQ(test, fake_iommu.group[0].domain->lookups, 0U);
	KUNIT_EXPECT_EQ(test, t1x_stat_sum(T1X_STAT_PAGES_PINNED), pinned);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + (long)NPAGES);
	fake_expect_mapped(test, fake_iommu.group[1].domain, dma, 0);
	KUNIT_EXPECT_EQ(test, t1x_container_coherent(f->c), 0);

	/* A third one goes where it fits. */
	fake_iommu.coherent = true;
	KUNIT_ASSERT_EQ(test, fake_attach(f, 2), 0);
	KUNIT_EXPECT_PTR_EQ(test, fake_iommu.group[2].domain, fake_iommu.group[0].domain);
	KUNIT_EXPECT_EQ(test, fake_iommu.domains, 2U);
	fake_detach(f, 1);
	KUNIT_EXPECT_EQ(test, t1x_container_coherent(f->c), 1);
	KUNIT_EXPECT_EQ(test, fake_iommu.group[0].domain->unmap_ops, 0U);
}

/* Compatible as it looks, the domain does not take the group, which keeps its own. */
static void group_that_a_domain_refuses(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma;

	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	dma = map(test);
	fake_iommu.fail_attach = 2;
	fake_iommu.fail_attaches = 1;
	KUNIT_ASSERT_EQ(test, fake_attach(f, 1), 0);
	KUNIT_EXPECT_PTR_NE(test, fake_iommu.group[1].domain, fake_iommu.group[0].domain);
	fake_expect_mapped(test, fake_iommu.group[1].domain, dma, 0);
	KUNIT_EXPECT_EQ(test, fake_iommu.domains, 2U);
}

/**
 * struct failure - how the attaching of a group fails
 * @name: of the case
 * @second: another group is attached already, to a domain that is not compatible
 * @joins: another group is attached already, to a domain that is compatible
 * @alloc: there is no domain
 * @attach: call of attach_dev() that fails
 * @attaches: how many calls fail from then on
 * @map: call of map_pages() that fails
 * @resv: a region that the group reserves
 * @ret: the errno; 0 where kernels differ
 */
struct failure {
	const char *name;
	bool second;
	bool joins;
	bool alloc;
	unsigned int attach;
	unsigned int attaches;
	unsigned int map;
	u64 resv[2];
	int ret;
};

static const struct failure failures[] = {
	{ .name = "no domain", .alloc = true },
	{ .name = "no second domain", .second = true, .alloc = true },
	{ .name = "attach", .attach = 1, .attaches = 1, .ret = -ENOSPC },
	{ .name = "attach to a second domain", .second = true, .attach = 1,
	  .attaches = 1, .ret = -ENOSPC },
	{ .name = "back from a domain that refuses", .joins = true, .attach = 2,
	  .attaches = 2, .ret = -ENOSPC },
	{ .name = "first map", .map = 1, .ret = -ENOMEM },
	{ .name = "last map", .map = NPAGES, .ret = -ENOMEM },
	{ .name = "first map of a second domain", .second = true, .map = 1,
	  .ret = -ENOMEM },
	{ .name = "last map of a second domain", .second = true, .map = NPAGES,
	  .ret = -ENOMEM },
	{ .name = "first page of a mapping is reserved",
	  .resv = { IOVA - PAGE_SIZE, 2 * PAGE_SIZE }, .ret = -EINVAL },
	{ .name = "last page of a mapping is reserved", .second = true,
	  .resv = { IOVA + (NPAGES - 1) * PAGE_SIZE, PAGE_SIZE },
	  .ret = -EINVAL },
	{ .name = "reserved for a domain that it would join", .joins = true,
	  .resv = { IOVA + PAGE_SIZE, 1 }, .ret = -EINVAL },
	{ .name = "nearly everything is reserved", .resv = { 0, ~(size_t)0 },
	  .ret = -EINVAL },
};

CASE_DESC(failure);
KUNIT_ARRAY_PARAM(failure, failures, failure_desc);

static void failure_changes_nothing(struct kunit *test)
{
	const struct failure *p = test->param_value;
	struct fixture *f = test->priv;
	struct t1x_dma *dma;
	struct state before;
	int ret;

	/* With a mediated device mappings may be made before there is a domain. */
	KUNIT_ASSERT_EQ(test, fake_emulate(f, 2), 0);
	dma = map(test);
	fake_iommu.coherent = !p->second;
	if (p->second || p->joins)
		KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	before = state_of(f, dma);

	fake_iommu.coherent = true;
	fake_iommu.fail_alloc = p->alloc;
	fake_iommu.fail_attach = p->attach;
	fake_iommu.fail_attaches = p->attaches;
	fake_iommu.fail_map = p->map;
	if (p->resv[1])
		fake_iommu_reserve(1, p->resv[0], p->resv[1],
				   IOMMU_RESV_RESERVED);
	ret = fake_attach(f, 1);
	KUNIT_EXPECT_LT(test, ret, 0);
	if (p->ret)
		KUNIT_EXPECT_EQ(test, ret, p->ret);
	expect_state(test, dma, &before);
	KUNIT_EXPECT_NULL(test, fake_iommu.group[1].domain);
	KUNIT_EXPECT_FALSE(test, fake_attached(f, 1));
	if (fake_iommu.group[0].domain)
		fake_expect_mapped(test, fake_iommu.group[0].domain, dma, 0);

	fake_iommu_reset();
	KUNIT_EXPECT_EQ(test, fake_attach(f, 1), 0);
	fake_expect_mapped(test, fake_iommu.group[1].domain, dma, 0);
}

static void refused_without_a_try(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma;
	struct state before;

	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	KUNIT_ASSERT_EQ(test, fake_emulate(f, 2), 0);
	dma = map(test);
	before = state_of(f, dma);
	KUNIT_EXPECT_EQ(test, fake_attach(f, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_emulate(f, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_emulate(f, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_attach(f, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, t1x_attach_group(f->cookie, fake_iommu.group[1].group,
					       VFIO_NO_IOMMU), -EINVAL);
	f->c->nr_vaddr_invalid = 1;
	KUNIT_EXPECT_EQ(test, fake_attach(f, 1), -EBUSY);
	KUNIT_EXPECT_EQ(test, fake_emulate(f, 1), -EBUSY);
	f->c->nr_vaddr_invalid = 0;
	expect_state(test, dma, &before);
}

/* Nothing isolates the interrupts of these devices. */
static void interrupts_have_to_be_isolated(struct kunit *test)
{
	struct fixture *f = test->priv;
	int ret;

	t1x_allow_unsafe_interrupts = false;
	ret = fake_attach(f, 0);
	t1x_allow_unsafe_interrupts = true;
	KUNIT_EXPECT_EQ(test, ret, -EPERM);
	KUNIT_EXPECT_EQ(test, fake_iommu.domains, 0U);
	KUNIT_EXPECT_EQ(test, f->c->iova_ranges.nr, 0U);
}

static void ranges_follow_groups(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_iova_ranges *ranges = &f->c->iova_ranges;

	fake_iommu.first = 0x10000;
	fake_iommu_reserve(1, 0x20000, 0x10000, IOMMU_RESV_RESERVED);
	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	KUNIT_ASSERT_EQ(test, fake_attach(f, 1), 0);
	KUNIT_ASSERT_EQ(test, ranges->nr, 2U);
	KUNIT_EXPECT_EQ(test, ranges->range[0].last, 0x1ffffULL);
	KUNIT_EXPECT_EQ(test, ranges->range[1].first, 0x30000ULL);

	fake_iommu.first = 0x40000;
	fake_iommu.coherent = false;
	fake_iommu.pgsizes = SZ_64K | SZ_2M;
	KUNIT_ASSERT_EQ(test, fake_attach(f, 2), 0);
	KUNIT_EXPECT_EQ(test, f->c->pgsizes, (unsigned long)SZ_2M);
	KUNIT_ASSERT_EQ(test, ranges->nr, 1U);
	KUNIT_EXPECT_EQ(test, ranges->range[0].first, 0x40000ULL);

	fake_detach(f, 2);
	KUNIT_ASSERT_EQ(test, ranges->nr, 2U);
	KUNIT_EXPECT_EQ(test, f->c->pgsizes, PAGE_SIZE | SZ_2M);
	fake_detach(f, 1);
	KUNIT_ASSERT_EQ(test, ranges->nr, 1U);
	KUNIT_EXPECT_EQ(test, ranges->range[0].first, 0x10000ULL);
	KUNIT_EXPECT_EQ(test, ranges->range[0].last, TOP);
}

/* There would be no size that an IOVA could be aligned to. */
static void no_page_size_in_common(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	fake_iommu.coherent = false;
	fake_iommu.pgsizes = SZ_64K;
	KUNIT_EXPECT_EQ(test, fake_attach(f, 1), -EINVAL);
	KUNIT_EXPECT_NULL(test, fake_iommu.group[1].domain);
	KUNIT_EXPECT_EQ(test, fake_iommu.domains, 1U);
	KUNIT_EXPECT_EQ(test, f->c->pgsizes, PAGE_SIZE | SZ_2M);
	fake_iommu.pgsizes = SZ_64K | SZ_2M;
	KUNIT_EXPECT_EQ(test, fake_attach(f, 1), 0);
	KUNIT_EXPECT_EQ(test, f->c->pgsizes, (unsigned long)SZ_2M);
}

static struct kunit_case attach_cases[] = {
	KUNIT_CASE(first_group_brings_its_domain),
	KUNIT_CASE(group_joins_a_domain),
	KUNIT_CASE(second_domain_is_filled_from_runs),
	KUNIT_CASE(group_that_a_domain_refuses),
	KUNIT_CASE_PARAM(failure_changes_nothing, failure_gen_params),
	KUNIT_CASE(refused_without_a_try),
	KUNIT_CASE(interrupts_have_to_be_isolated),
	KUNIT_CASE(ranges_follow_groups),
	KUNIT_CASE(no_page_size_in_common),
	{}
};

static struct kunit_suite attach_suite = {
	.name = "t1x_attach",
	.suite_init = fake_iommu_suite_init,
	.suite_exit = fake_iommu_suite_exit,
	.init = fake_iommu_init,
	.exit = fake_iommu_exit,
	.test_cases = attach_cases,
};

kunit_test_suite(attach_suite);
