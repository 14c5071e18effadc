// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usable IOVAs and page sizes of all domains together.
 *
 * The groups are real ones behind a fake IOMMU, because what they reserve is asked of the
 * IOMMU core; the domains are put into the container by hand.
 */
#include <linux/sizes.h>

#include "aperture.h"
#include "fake_iommu.h"

#define TOP		(~(dma_addr_t)0)
#define TOP_PAGE	(TOP - (PAGE_SIZE - 1))

static struct t1x_group groups[FAKE_GROUPS];

/* Has a group be one of a domain, as attach.c does it. */
static void join(struct fake_domain *fake, unsigned int nr)
{
	groups[nr].group = fake_iommu.group[nr].group;
	list_add_tail(&groups[nr].node, &fake->d.groups);
}

static void aperture_of(struct fake_domain *fake, dma_addr_t first,
			dma_addr_t last)
{
	fake->domain.geometry.aperture_start = first;
	fake->domain.geometry.aperture_end = last;
}

static int compute(struct fixture *f, struct t1x_domain *extra,
		   struct t1x_iova_ranges *ranges)
{
	int ret;

	t1x_iova_init(ranges);
	mutex_lock(&f->c->lock);
	ret = t1x_aperture_compute(f->c, extra, ranges);
	mutex_unlock(&f->c->lock);
	return ret;
}

static void expect_range(struct kunit *test, const struct t1x_iova_ranges *ranges,
			 unsigned int i, dma_addr_t first, dma_addr_t last)
{
	KUNIT_ASSERT_LT(test, i, ranges->nr);
	KUNIT_EXPECT_EQ(test, ranges->range[i].first, first);
	KUNIT_EXPECT_EQ(test, ranges->range[i].last, last);
}

static void no_domain_reserves_nothing(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 0);
	struct t1x_iova_ranges ranges;

	KUNIT_EXPECT_EQ(test, compute(f, NULL, &ranges), 0);
	KUNIT_EXPECT_EQ(test, ranges.nr, 1U);
	expect_range(test, &ranges, 0, 0, TOP);
	t1x_iova_free(&ranges);
}

/**
 * struct two_apertures - the apertures of two domains, and what they have in common
 * @name: of the case
 * @a: the first domain: first and last byte
 * @b: the second one
 * @both: what both translate
 * @ret: 0 or -EINVAL
 */
struct two_apertures {
	const char *name;
	dma_addr_t a[2];
	dma_addr_t b[2];
	dma_addr_t both[2];
	int ret;
};

static const struct two_apertures two_apertures[] = {
	{ "all of it", { 0, TOP }, { 0, TOP }, { 0, TOP } },
	{ "one within the other", { 0, TOP }, { 0x1000, 0xffff },
	  { 0x1000, 0xffff } },
	{ "the ends overlap", { 0, 0xffff }, { 0x8000, TOP },
	  { 0x8000, 0xffff } },
	{ "one page in common", { 0, 0xffff }, { 0xf000, TOP },
	  { 0xf000, 0xffff } },
	{ "first page", { 0, PAGE_SIZE - 1 }, { 0, TOP }, { 0, PAGE_SIZE - 1 } },
	{ "last page", { TOP_PAGE, TOP }, { 0x1000, TOP }, { TOP_PAGE, TOP } },
	{ "neighbours", { 0, 0xffff }, { 0x10000, TOP }, { 0, 0 }, -EINVAL },
	{ "both ends", { 0, 0xfff }, { TOP_PAGE, TOP }, { 0, 0 }, -EINVAL },
};

CASE_DESC(two_apertures);
KUNIT_ARRAY_PARAM(two_apertures, two_apertures, two_apertures_desc);

/* Both in the container, and one of them about to be. */
static void domains_share_an_aperture(struct kunit *test)
{
	const struct two_apertures *p = test->param_value;
	struct fixture *f = fixture_with(test, 2);
	struct t1x_domain *extra = NULL;
	struct t1x_iova_ranges ranges;
	unsigned int i;

	aperture_of(f->fake[0], p->a[0], p->a[1]);
	aperture_of(f->fake[1], p->b[0], p->b[1]);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, compute(f, extra, &ranges), p->ret);
		KUNIT_EXPECT_EQ(test, ranges.nr, p->ret ? 0U : 1U);
		if (!p->ret)
			expect_range(test, &ranges, 0, p->both[0], p->both[1]);
		t1x_iova_free(&ranges);
		extra = &f->fake[1]->d;
		if (!i)
			list_del(&extra->node);
	}
	list_add_tail(&extra->node, &f->c->domains);
}

/**
 * struct reserved - what a region of one type leaves
 * @name: of the case
 * @start: first byte of the region
 * @length: its bytes
 * @type: what it is for
 * @nr: ranges that are left
 * @left: first and last byte of each
 */
struct reserved {
	const char *name;
	u64 start;
	size_t length;
	enum iommu_resv_type type;
	unsigned int nr;
	dma_addr_t left[2][2];
};

static const struct reserved reserved[] = {
	{ "direct", 0x1000, 0x1000, IOMMU_RESV_DIRECT, 2,
	  { { 0, 0xfff }, { 0x2000, TOP } } },
	{ "reserved", 0x1000, 0x1000, IOMMU_RESV_RESERVED, 2,
	  { { 0, 0xfff }, { 0x2000, TOP } } },
	{ "MSI", 0xfee00000, 0x100000, IOMMU_RESV_MSI, 2,
	  { { 0, 0xfedfffff }, { 0xfef00000, TOP } } },
	{ "software MSI", 0x8000000, 0x100000, IOMMU_RESV_SW_MSI, 2,
	  { { 0, 0x7ffffff }, { 0x8100000, TOP } } },
	{ "relaxable", 0x1000, 0x1000, IOMMU_RESV_DIRECT_RELAXABLE, 1,
	  { { 0, TOP } } },
	{ "no bytes", 0x1000, 0, IOMMU_RESV_RESERVED, 1, { { 0, TOP } } },
	{ "one byte", 0x1000, 1, IOMMU_RESV_RESERVED, 2,
	  { { 0, 0xfff }, { 0x1001, TOP } } },
	{ "first page", 0, PAGE_SIZE, IOMMU_RESV_RESERVED, 1,
	  { { PAGE_SIZE, TOP } } },
	{ "last page", TOP_PAGE, PAGE_SIZE, IOMMU_RESV_RESERVED, 1,
	  { { 0, TOP_PAGE - 1 } } },
};

CASE_DESC(reserved);
KUNIT_ARRAY_PARAM(reserved, reserved, reserved_desc);

static void groups_reserve(struct kunit *test)
{
	const struct reserved *p = test->param_value;
	struct fixture *f = fixture_with(test, 1);
	struct t1x_iova_ranges ranges;
	unsigned int i;

	fake_iommu_reserve(0, p->start, p->length, p->type);
	join(f->fake[0], 0);
	KUNIT_EXPECT_EQ(test, compute(f, NULL, &ranges), 0);
	KUNIT_EXPECT_EQ(test, ranges.nr, p->nr);
	for (i = 0; i < p->nr; i++)
		expect_range(test, &ranges, i, p->left[i][0], p->left[i][1]);
	t1x_iova_free(&ranges);
}

/* Of two groups of one domain and of one that is about to come, each region counts. */
static void all_groups_count(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_domain *extra = &f->fake[1]->d;
	struct t1x_iova_ranges ranges;

	aperture_of(f->fake[0], 0, 0xfffff);
	fake_iommu_reserve(0, 0x10000, 0x1000, IOMMU_RESV_RESERVED);
	fake_iommu_reserve(0, 0x11000, 0x1000, IOMMU_RESV_MSI);
	fake_iommu_reserve(1, 0x20000, 0x1000, IOMMU_RESV_DIRECT);
	fake_iommu_reserve(2, 0x11000, 0x2000, IOMMU_RESV_DIRECT);
	join(f->fake[0], 0);
	join(f->fake[0], 1);
	join(f->fake[1], 2);
	list_del(&extra->node);
	KUNIT_EXPECT_EQ(test, compute(f, extra, &ranges), 0);
	KUNIT_EXPECT_EQ(test, ranges.nr, 3U);
	expect_range(test, &ranges, 0, 0, 0xffff);
	expect_range(test, &ranges, 1, 0x13000, 0x1ffff);
	expect_range(test, &ranges, 2, 0x21000, 0xfffff);
	t1x_iova_free(&ranges);

	fake_iommu_reserve(2, 0, 0x100000, IOMMU_RESV_RESERVED);
	KUNIT_EXPECT_EQ(test, compute(f, extra, &ranges), -EINVAL);
	t1x_iova_free(&ranges);
	list_add_tail(&extra->node, &f->c->domains);
}

/**
 * struct conflict - a mapping, and IOVAs 0x10000 to 0x2ffff without 0x20000 to 0x20fff
 * @name: of the case
 * @iova: first byte of the mapping
 * @npages: its pages
 * @conflicts: it has an IOVA that cannot be used
 */
struct conflict {
	const char *name;
	dma_addr_t iova;
	unsigned int npages;
	bool conflicts;
};

static const struct conflict conflicts[] = {
	{ "all of a range", 0x10000, 16, false },
	{ "last page of a range", 0x1f000, 1, false },
	{ "first page behind the hole", 0x21000, 1, false },
	{ "last page", 0x2f000, 1, false },
	{ "begins a page too early", 0xf000, 2, true },
	{ "into the hole", 0x1f000, 2, true },
	{ "the hole", 0x20000, 1, true },
	{ "from the hole on", 0x20000, 2, true },
	{ "over the hole", 0x1f000, 3, true },
	{ "goes on a page too far", 0x2f000, 2, true },
	{ "outside", 0x100000, 1, true },
	{ "the last page there is", TOP_PAGE, 1, true },
};

CASE_DESC(conflict);
KUNIT_ARRAY_PARAM(conflict, conflicts, conflict_desc);

/* Alone, and between others that can stay. */
static void mappings_conflict(struct kunit *test)
{
	const struct conflict *p = test->param_value;
	struct fixture *f = fixture_with(test, 0);
	struct t1x_iova_ranges ranges;
	unsigned int i;

	t1x_iova_init(&ranges);
	KUNIT_ASSERT_EQ(test, t1x_iova_ranges_init_full(&ranges), 0);
	t1x_iova_ranges_clip(&ranges, 0x10000, 0x2ffff);
	KUNIT_ASSERT_EQ(test, t1x_iova_exclude(&ranges, 0x20000, 0x20fff), 0);

	mutex_lock(&f->c->lock);
	KUNIT_EXPECT_FALSE(test, t1x_aperture_conflict(f->c, &ranges));
	mutex_unlock(&f->c->lock);
	fixture_map(test, p->iova, 0, p->npages, 0);
	for (i = 0; i < 2; i++) {
		mutex_lock(&f->c->lock);
		KUNIT_EXPECT_EQ(test, t1x_aperture_conflict(f->c, &ranges),
				p->conflicts);
		mutex_unlock(&f->c->lock);
		if (p->npages == 16 || i)
			break;
		fixture_map(test, 0x10000, 100, 1, 0);
		fixture_map(test, 0x2a000, 101, 1, 0);
	}
	t1x_iova_free(&ranges);
}

static void refresh_widens(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_container *c = f->c;

	aperture_of(f->fake[0], 0, 0xfffff);
	aperture_of(f->fake[1], 0x10000, 0x1ffff);
	fake_iommu_reserve(1, 0x18000, 0x1000, IOMMU_RESV_RESERVED);
	join(f->fake[0], 0);
	join(f->fake[1], 1);
	mutex_lock(&c->lock);
	t1x_aperture_refresh(c);
	KUNIT_EXPECT_EQ(test, c->iova_ranges.nr, 2U);
	expect_range(test, &c->iova_ranges, 0, 0x10000, 0x17fff);
	expect_range(test, &c->iova_ranges, 1, 0x19000, 0x1ffff);

	/* The group goes, then the domain. */
	list_del(&groups[1].node);
	t1x_aperture_refresh(c);
	KUNIT_EXPECT_EQ(test, c->iova_ranges.nr, 1U);
	expect_range(test, &c->iova_ranges, 0, 0x10000, 0x1ffff);
	list_del(&f->fake[1]->d.node);
	t1x_aperture_refresh(c);
	KUNIT_EXPECT_EQ(test, c->iova_ranges.nr, 1U);
	expect_range(test, &c->iova_ranges, 0, 0, 0xfffff);
	list_del(&f->fake[0]->d.node);
	t1x_aperture_refresh(c);
	expect_range(test, &c->iova_ranges, 0, 0, TOP);
	mutex_unlock(&c->lock);
}

/* Narrower than need be is safe, none at all would mean that any can be used. */
static void refresh_keeps_what_it_cannot_compute(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct t1x_container *c = f->c;

	aperture_of(f->fake[0], 0x10000, 0x1ffff);
	mutex_lock(&c->lock);
	t1x_aperture_refresh(c);
	fake_iommu_reserve(0, 0x10000, 0x10000, IOMMU_RESV_RESERVED);
	join(f->fake[0], 0);
	t1x_aperture_refresh(c);
	KUNIT_EXPECT_EQ(test, c->iova_ranges.nr, 1U);
	expect_range(test, &c->iova_ranges, 0, 0x10000, 0x1ffff);
	mutex_unlock(&c->lock);
}

#define ABOVE(size)	(~((size) - 1UL))

/**
 * struct page_sizes - page sizes of two domains, and what they have in common
 * @name: of the case
 * @a: the first domain; 0: there is none
 * @b: the second one; 0: there is none
 * @both: what the container supports
 */
struct page_sizes {
	const char *name;
	unsigned long a;
	unsigned long b;
	unsigned long both;
};

static const struct page_sizes page_sizes[] = {
	{ "no domain", 0, 0, PAGE_MASK },
	{ "one", PAGE_SIZE | SZ_2M, 0, PAGE_SIZE | SZ_2M },
	{ "alike", PAGE_SIZE | SZ_2M, PAGE_SIZE | SZ_2M, PAGE_SIZE | SZ_2M },
	{ "different large ones", PAGE_SIZE | SZ_2M, PAGE_SIZE | SZ_1G,
	  PAGE_SIZE },
	{ "a larger smallest one", SZ_64K | SZ_2M, PAGE_SIZE | SZ_64K | SZ_2M,
	  SZ_64K | SZ_2M },
	{ "smaller than a page", SZ_512 | SZ_2M, 0, PAGE_SIZE | SZ_2M },
	{ "any", ABOVE(SZ_512), ABOVE(SZ_2K), PAGE_MASK },
	{ "smaller ones and large ones", ABOVE(SZ_512), SZ_2M, SZ_2M },
	{ "none in common", PAGE_SIZE | SZ_2M, SZ_64K, 0 },
};

CASE_DESC(page_sizes);
KUNIT_ARRAY_PARAM(page_sizes, page_sizes, page_sizes_desc);

static void page_sizes_are_common(struct kunit *test)
{
	const struct page_sizes *p = test->param_value;
	struct fixture *f = fixture_with(test, !!p->a + !!p->b);
	struct t1x_domain *extra;

	if (p->a)
		f->fake[0]->domain.pgsize_bitmap = p->a;
	if (p->b)
		f->fake[1]->domain.pgsize_bitmap = p->b;
	mutex_lock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, t1x_aperture_pgsizes(f->c, NULL), p->both);
	/* The same with one of them about to come. */
	if (f->nr) {
		extra = &f->fake[f->nr - 1]->d;
		list_del(&extra->node);
		KUNIT_EXPECT_EQ(test, t1x_aperture_pgsizes(f->c, extra),
				p->both);
		list_add_tail(&extra->node, &f->c->domains);
	}
	mutex_unlock(&f->c->lock);
}

static struct kunit_case aperture_cases[] = {
	KUNIT_CASE(no_domain_reserves_nothing),
	KUNIT_CASE_PARAM(domains_share_an_aperture, two_apertures_gen_params),
	KUNIT_CASE_PARAM(groups_reserve, reserved_gen_params),
	KUNIT_CASE(all_groups_count),
	KUNIT_CASE_PARAM(mappings_conflict, conflict_gen_params),
	KUNIT_CASE(refresh_widens),
	KUNIT_CASE(refresh_keeps_what_it_cannot_compute),
	KUNIT_CASE_PARAM(page_sizes_are_common, page_sizes_gen_params),
	{}
};

static struct kunit_suite aperture_suite = {
	.name = "t1x_aperture",
	.suite_init = fake_iommu_suite_init,
	.suite_exit = fake_iommu_suite_exit,
	.init = fake_iommu_init,
	.exit = fixture_exit,
	.test_cases = aperture_cases,
};

kunit_test_suite(aperture_suite);
