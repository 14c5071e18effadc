// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP of what mediated devices hold: which of it they are told to let go of.
 */
#include <linux/vfio.h>

#include "access.h"
#include "t1x_kunit.h"

#define IOVA	0x80000000UL

/**
 * struct holder - a mediated device that holds pages, and lets go of what it is told
 * @vdev: the device as the driver sees it
 * @f: the fixture
 * @told: first page and pages of each call
 * @nr: how many calls there were
 * @locked: calls that found a lock or a range held
 */
struct holder {
	struct vfio_device vdev;
	struct fixture *f;
	unsigned long told[8][2];
	unsigned int nr;
	unsigned int locked;
};

static void holder_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	struct holder *h = container_of(vdev, struct holder, vdev);
	struct t1x_container *c = h->f->c;

	if (!t1x_range_tree_empty(&c->range_tree) || !mutex_trylock(&c->lock))
		h->locked++;
	else
		mutex_unlock(&c->lock);
	if (h->nr < ARRAY_SIZE(h->told)) {
		h->told[h->nr][0] = (iova - IOVA) / PAGE_SIZE;
		h->told[h->nr][1] = length / PAGE_SIZE;
	}
	h->nr++;
	t1x_access_unpin_pages(h->f->cookie, iova, length / PAGE_SIZE);
}

static const struct vfio_device_ops holder_ops = {
	.dma_unmap = holder_unmap,
};

static struct holder *holder_open(struct kunit *test, struct fixture *f)
{
	struct holder *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	h->vdev.ops = &holder_ops;
	h->f = f;
	t1x_access_open(f->cookie, &h->vdev);
	return h;
}

static void holder_pin(struct kunit *test, struct holder *h, unsigned long page)
{
	struct page *pinned;

	KUNIT_EXPECT_EQ(test, t1x_access_pin_pages(h->f->cookie, NULL,
						   IOVA + page * PAGE_SIZE, 1,
						   IOMMU_READ, &pinned), 1);
}

/* Pages 10 to 19, 20 to 29 and 40 to 49. */
static void map_three(struct kunit *test)
{
	static const unsigned int first[] = { 10, 20, 40 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(first); i++)
		fixture_map(test, IOVA + first[i] * PAGE_SIZE, first[i], 10, 0);
}

/* One call for each mapping of which something is held, and no lock held meanwhile. */
static void device_is_told_of_each_mapping(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct holder *h = holder_open(test, f);

	map_three(test);
	holder_pin(test, h, 11);
	holder_pin(test, h, 19);
	holder_pin(test, h, 40);
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 20, 10), 10L);
	KUNIT_EXPECT_EQ(test, h->nr, 0U);
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 0, 100), 20L);
	KUNIT_EXPECT_EQ(test, h->nr, 2U);
	KUNIT_EXPECT_EQ(test, h->told[0][0], 10UL);
	KUNIT_EXPECT_EQ(test, h->told[0][1], 10UL);
	KUNIT_EXPECT_EQ(test, h->told[1][0], 40UL);
	KUNIT_EXPECT_EQ(test, h->told[1][1], 10UL);
	KUNIT_EXPECT_EQ(test, h->locked, 0U);
	KUNIT_EXPECT_TRUE(test, t1x_access_pages_empty(&f->c->access_pages));
	t1x_access_close(f->cookie, &h->vdev);
}

/* What is held of the rest is not asked for, and stays held. */
static void device_is_told_of_the_part(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct holder *h = holder_open(test, f);

	fixture_map(test, IOVA, 0, 40, PAGE_SHIFT + 2);
	holder_pin(test, h, 0);
	holder_pin(test, h, 30);
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 28, 4), 4L);
	KUNIT_EXPECT_EQ(test, h->nr, 1U);
	KUNIT_EXPECT_EQ(test, h->told[0][0], 28UL);
	KUNIT_EXPECT_EQ(test, h->told[0][1], 4UL);
	KUNIT_EXPECT_FALSE(test, t1x_access_pages_empty(&f->c->access_pages));
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 36);
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 0, 28), 28L);
	KUNIT_EXPECT_EQ(test, h->nr, 2U);
	KUNIT_EXPECT_EQ(test, h->locked, 0U);
	t1x_access_close(f->cookie, &h->vdev);
}

/* A vaddr that goes is of no concern to what is held. */
static void device_is_not_told_of_a_vaddr(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct holder *h = holder_open(test, f);
	struct t1x_unmap_request req = {
		.iova = IOVA + 10 * PAGE_SIZE,
		.size = 10 * PAGE_SIZE,
		.vaddr = true,
	};

	map_three(test);
	holder_pin(test, h, 11);
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), 0);
	KUNIT_EXPECT_EQ(test, h->nr, 0U);
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 10, 10), 10L);
	KUNIT_EXPECT_EQ(test, h->nr, 1U);
	t1x_access_close(f->cookie, &h->vdev);
}

static struct kunit_case unmap_access_cases[] = {
	KUNIT_CASE(device_is_told_of_each_mapping),
	KUNIT_CASE(device_is_told_of_the_part),
	KUNIT_CASE(device_is_not_told_of_a_vaddr),
	{}
};

static struct kunit_suite unmap_access_suite = {
	.name = "t1x_unmap_access",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = unmap_access_cases,
};

kunit_test_suite(unmap_access_suite);
