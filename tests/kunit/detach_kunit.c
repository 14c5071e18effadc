// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups that go, and what they leave: mappings, dirty pages, and page sizes.
 */
#include <linux/bitmap.h>
#include <linux/sizes.h>
#include <linux/vfio.h>

#include "access.h"
#include "attach.h"
#include "dirty.h"
#include "fake_iommu.h"

#define IOVA	0x80000000UL
#define NPAGES	30UL

/* A mapping of NPAGES runs, made while there is no domain or while there is one. */
static struct t1x_dma *map(struct kunit *test)
{
	fake_memory_scatter();
	return fixture_map(test, IOVA, 0, NPAGES, 0);
}

/* The mappings go as well: the right to them came with the group. */
static void last_group_takes_everything(struct kunit *test)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	KUNIT_ASSERT_EQ(test, fake_attach(f, 1), 0);
	map(test);
	fake_detach(f, 1);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + (long)NPAGES);
	KUNIT_EXPECT_FALSE(test, RB_EMPTY_ROOT(&f->c->dma_tree));
	fake_detach(f, 0);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&f->c->dma_tree));
	KUNIT_EXPECT_EQ(test, fake_iommu.domains, 0U);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked);
	KUNIT_EXPECT_EQ(test, f->c->pgsizes, PAGE_MASK);
	fake_memory_expect_unpinned(test);
}

/**
 * struct order - in which order groups leave
 * @name: of the case
 * @nr: the groups; 0 and 1 have a domain in common
 */
struct order {
	const char *name;
	unsigned int nr[FAKE_GROUPS];
};

static const struct order orders[] = {
	{ "as they came", { 0, 1, 2 } },
	{ "the other way round", { 2, 1, 0 } },
	{ "the second domain between", { 0, 2, 1 } },
	{ "the first domain last", { 2, 0, 1 } },
	{ "the second domain last", { 1, 0, 2 } },
};

CASE_DESC(order);
KUNIT_ARRAY_PARAM(order, orders, order_desc);

static void groups_leave_in_any_order(struct kunit *test)
{
	const struct order *p = test->param_value;
	struct fixture *f = test->priv;
	struct t1x_dma *dma;
	unsigned int i, k;

	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	KUNIT_ASSERT_EQ(test, fake_attach(f, 1), 0);
	dma = map(test);
	fake_iommu.coherent = false;
	KUNIT_ASSERT_EQ(test, fake_attach(f, 2), 0);
	for (i = 0; i < FAKE_GROUPS; i++) {
		KUNIT_EXPECT_EQ(test, f->c->nr_non_pinned_groups,
				FAKE_GROUPS - i);
		for (k = i; k < FAKE_GROUPS; k++)
			fake_expect_mapped(test, fake_iommu.group[p->nr[k]].domain, dma, 0);
		KUNIT_EXPECT_EQ(test, fake_memory_locked(),
				f->locked + (long)NPAGES);
		fake_detach(f, p->nr[i]);
		KUNIT_EXPECT_NULL(test, fake_iommu.group[p->nr[i]].domain);
	}
	KUNIT_EXPECT_EQ(test, fake_iommu.domains, 0U);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&f->c->dma_tree));
	KUNIT_EXPECT_EQ(test, f->c->nr_non_pinned_groups, 0U);
}

/* Mappings stay without a domain, empty, as long as a mediated device does. */
static void emulated_group_keeps_mappings(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma;

	KUNIT_ASSERT_EQ(test, fake_emulate(f, 2), 0);
	KUNIT_EXPECT_EQ(test, fake_iommu.domains, 0U);
	KUNIT_EXPECT_EQ(test, f->c->nr_non_pinned_groups, 0U);
	KUNIT_EXPECT_EQ(test, f->c->iova_ranges.nr, 0U);
	KUNIT_EXPECT_EQ(test, t1x_container_vaddr(f->c), 0);
	KUNIT_EXPECT_PTR_EQ(test, t1x_group_domain(f->cookie, fake_iommu.group[2].group),
			    ERR_PTR(-ENODEV));
	dma = map(test);
	KUNIT_EXPECT_EQ(test, dma->filled, 0UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked);

	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	KUNIT_EXPECT_EQ(test, dma->filled, NPAGES);
	fake_expect_mapped(test, fake_iommu.group[0].domain, dma, 0);
	fake_detach(f, 0);
	KUNIT_EXPECT_EQ(test, dma->filled, 0UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked);
	KUNIT_EXPECT_FALSE(test, RB_EMPTY_ROOT(&f->c->dma_tree));

	KUNIT_ASSERT_EQ(test, fake_attach(f, 1), 0);
	fake_detach(f, 2);
	KUNIT_EXPECT_EQ(test, t1x_container_vaddr(f->c), 1);
	fake_expect_mapped(test, fake_iommu.group[1].domain, dma, 0);
	fake_detach(f, 1);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&f->c->dma_tree));
}

static void nothing_to_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
}

/* A group that has pinned writes to nothing else, and is not counted out twice. */
static void pinning_group_is_not_counted(struct kunit *test)
{
	struct vfio_device_ops ops = { .dma_unmap = nothing_to_unmap };
	struct vfio_device vdev = { .ops = &ops };
	struct fixture *f = test->priv;
	struct page *page;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	KUNIT_ASSERT_EQ(test, fake_attach(f, 1), 0);
	map(test);
	t1x_access_open(f->cookie, &vdev);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test,
				t1x_access_pin_pages(f->cookie, fake_iommu.group[1].group, IOVA, 1,
						     IOMMU_READ, &page), 1);
		KUNIT_EXPECT_EQ(test, f->c->nr_non_pinned_groups, 1U);
	}
	for (i = 0; i < 2; i++)
		t1x_access_unpin_pages(f->cookie, IOVA, 1);
	t1x_access_close(f->cookie, &vdev);
	fake_detach(f, 1);
	KUNIT_EXPECT_EQ(test, f->c->nr_non_pinned_groups, 1U);
	fake_detach(f, 0);
	KUNIT_EXPECT_EQ(test, f->c->nr_non_pinned_groups, 0U);
}

/* What a group wrote unseen is not forgotten when it leaves. */
static void detached_group_leaves_dirty_pages(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma;

	KUNIT_ASSERT_EQ(test, fake_emulate(f, 2), 0);
	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	dma = map(test);
	KUNIT_ASSERT_EQ(test, t1x_dirty_start(f->c), 0);
	KUNIT_EXPECT_EQ(test, dma->dirty[0], 0UL);
	fake_detach(f, 2);
	KUNIT_EXPECT_EQ(test, dma->dirty[0], 0UL);
	KUNIT_ASSERT_EQ(test, fake_emulate(f, 2), 0);
	fake_detach(f, 0);
	KUNIT_EXPECT_TRUE(test, bitmap_full(dma->dirty, NPAGES));
}

/* A bit stands for a page of another size then, and what was known is not known. */
static void page_size_changes_while_tracking(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma;

	fake_iommu.pgsizes = SZ_64K | SZ_2M;
	KUNIT_ASSERT_EQ(test, fake_emulate(f, 2), 0);
	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	dma = fixture_map(test, IOVA, 0, 128, 0);
	KUNIT_ASSERT_EQ(test, t1x_dirty_start(f->c), 0);
	fake_detach(f, 0);
	mutex_lock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, t1x_container_pgsize(f->c), PAGE_SIZE);
	t1x_dirty_mark(f->c, dma, 100 * PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, bitmap_full(dma->dirty, 128));
	bitmap_zero(dma->dirty, 128);
	t1x_dirty_mark(f->c, dma, 127 * PAGE_SIZE, PAGE_SIZE);
	mutex_unlock(&f->c->lock);

	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_full(dma->dirty, 8));
}

/* Only when the page tables have gone is the page unpinned that they kept. */
static void kept_page_goes_with_its_domain(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma;

	KUNIT_ASSERT_EQ(test, fake_emulate(f, 2), 0);
	KUNIT_ASSERT_EQ(test, fake_attach(f, 0), 0);
	dma = map(test);
	fake_iommu.group[0].domain->keep = (IOVA >> PAGE_SHIFT) + 3;
	fake_iommu.group[0].domain->keep_times = 1000;
	fake_detach(f, 0);
	KUNIT_EXPECT_EQ(test, fake_iommu.domains, 0U);
	KUNIT_EXPECT_EQ(test, dma->filled, 0UL);
	KUNIT_EXPECT_FALSE(test, fake_page_pinned(fake_memory.layout[3]));
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked);
}

static struct kunit_case detach_cases[] = {
	KUNIT_CASE(last_group_takes_everything),
	KUNIT_CASE_PARAM(groups_leave_in_any_order, order_gen_params),
	KUNIT_CASE(emulated_group_keeps_mappings),
	KUNIT_CASE(pinning_group_is_not_counted),
	KUNIT_CASE(detached_group_leaves_dirty_pages),
	KUNIT_CASE(page_size_changes_while_tracking),
	KUNIT_CASE(kept_page_goes_with_its_domain),
	{}
};

static struct kunit_suite detach_suite = {
	.name = "t1x_detach",
	.suite_init = fake_iommu_suite_init,
	.suite_exit = fake_iommu_suite_exit,
	.init = fake_iommu_init,
	.exit = fake_iommu_exit,
	.test_cases = detach_cases,
};

kunit_test_suite(detach_suite);
