// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking: which bits a user is told, where they are, and when they are forgotten.
 *
 * The user's bitmap is a page of the fake memory; the thread of the test borrows that
 * address space for the call.
 */
#include <linux/bitmap.h>
#include <linux/kthread.h>
#include <linux/sizes.h>
#include <linux/vfio.h>

#include "access.h"
#include "dirty.h"
#include "split.h"
#include "t1x_kunit.h"

#define IOVA		0x80000000UL
#define USER_PAGE	(FAKE_PAGES - 2)
#define MAX_PAGES	4096
#define WORDS		(PAGE_SIZE / sizeof(u64))

/* The user's bitmap, as the kernel sees it. */
static u64 *user_bitmap(void)
{
	return page_address(fake_memory.layout[USER_PAGE]);
}

static int get_bytes(struct fixture *f, dma_addr_t iova, u64 bytes, u64 pgsize,
		     unsigned long vaddr)
{
	int ret;

	kthread_use_mm(fake_memory.mm);
	ret = t1x_dirty_get(f->c, iova, iova + bytes - 1, (u64 __user *)vaddr,
			    pgsize);
	kthread_unuse_mm(fake_memory.mm);
	return ret;
}

static int get(struct fixture *f, unsigned long first, unsigned long npages)
{
	return get_bytes(f, IOVA + first * PAGE_SIZE, npages * PAGE_SIZE,
			 PAGE_SIZE, fake_memory.vaddr + USER_PAGE * PAGE_SIZE);
}

static struct t1x_dma *map(struct kunit *test, unsigned long first,
			   unsigned int npages)
{
	return fixture_map(test, IOVA + first * PAGE_SIZE, first % 1000, npages,
			   0);
}

/* Pages of a mapping that something has written to. */
static bool written(unsigned long page)
{
	return page % 3 == 0 || page % 7 == 2;
}

static void write_some(struct fixture *f, struct t1x_dma *dma)
{
	unsigned long i;

	mutex_lock(&f->c->lock);
	for (i = 0; i < t1x_dma_npages(dma); i++)
		if (written((dma->iova - IOVA) / PAGE_SIZE + i))
			t1x_dirty_mark(f->c, dma, i * PAGE_SIZE, 1);
	mutex_unlock(&f->c->lock);
}

static void start_and_stop_twice(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma = map(test, 0, 10);

	KUNIT_EXPECT_EQ(test, get(f, 0, 10), -EINVAL);
	KUNIT_EXPECT_EQ(test, t1x_dirty_stop(f->c), 0);
	KUNIT_EXPECT_EQ(test, t1x_dirty_start(f->c), 0);
	KUNIT_ASSERT_NOT_NULL(test, dma->dirty);
	write_some(f, dma);
	KUNIT_EXPECT_EQ(test, t1x_dirty_start(f->c), 0);
	user_bitmap()[0] = ~0ULL;
	KUNIT_EXPECT_EQ(test, get(f, 0, 10), 0);
	KUNIT_EXPECT_EQ(test, user_bitmap()[0], 0x24dULL);
	KUNIT_EXPECT_EQ(test, t1x_dirty_stop(f->c), 0);
	KUNIT_EXPECT_NULL(test, dma->dirty);
	KUNIT_EXPECT_EQ(test, t1x_dirty_stop(f->c), 0);
	KUNIT_EXPECT_EQ(test, get(f, 0, 10), -EINVAL);
}

/* The mappings that had a bitmap already lose it again. */
static void start_fails_for_a_giant(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma = map(test, 0, 10);

	map(test, 100, INT_MAX + 1U);
	KUNIT_EXPECT_EQ(test, t1x_dirty_start(f->c), -EINVAL);
	KUNIT_EXPECT_NULL(test, dma->dirty);
	KUNIT_EXPECT_FALSE(test, f->c->dirty);
}

/**
 * struct mark - bytes that are written, in a mapping of 200 pages
 * @name: of the case
 * @offset: the first of them
 * @bytes: how many
 * @first: first page that is dirty
 * @npages: how many pages are
 * @pgsize: smallest page size of the container, in pages
 */
struct mark {
	const char *name;
	u64 offset;
	u64 bytes;
	unsigned int first;
	unsigned int npages;
	unsigned int pgsize;
};

static const struct mark marks[] = {
	{ "first byte", 0, 1, 0, 1, 1 },
	{ "last byte of a page", PAGE_SIZE - 1, 1, 0, 1, 1 },
	{ "two bytes of two pages", PAGE_SIZE - 1, 2, 0, 2, 1 },
	{ "a page", 7 * PAGE_SIZE, PAGE_SIZE, 7, 1, 1 },
	{ "a page and a byte", 7 * PAGE_SIZE, PAGE_SIZE + 1, 7, 2, 1 },
	{ "over a word", 60 * PAGE_SIZE, 70 * PAGE_SIZE, 60, 70, 1 },
	{ "all of it", 0, 200 * PAGE_SIZE, 0, 200, 1 },
	{ "last byte", 200 * PAGE_SIZE - 1, 1, 199, 1, 1 },
	{ "large pages: a byte", 9 * PAGE_SIZE, 1, 1, 1, 8 },
	{ "large pages: two bytes", 16 * PAGE_SIZE - 1, 2, 1, 2, 8 },
};

CASE_DESC(mark);
KUNIT_ARRAY_PARAM(mark, marks, mark_desc);

static void bytes_make_pages_dirty(struct kunit *test)
{
	const struct mark *p = test->param_value;
	struct fixture *f = test->priv;
	struct t1x_dma *dma = map(test, 0, 200);
	DECLARE_BITMAP(want, 200) = {};

	f->c->pgsizes = ~(p->pgsize * PAGE_SIZE - 1);
	mutex_lock(&f->c->lock);
	t1x_dirty_mark(f->c, dma, p->offset, p->bytes);
	mutex_unlock(&f->c->lock);
	KUNIT_ASSERT_EQ(test, t1x_dirty_start(f->c), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(dma->dirty, 200 / p->pgsize));
	mutex_lock(&f->c->lock);
	t1x_dirty_mark(f->c, dma, p->offset, p->bytes);
	mutex_unlock(&f->c->lock);
	bitmap_set(want, p->first, p->npages);
	KUNIT_EXPECT_TRUE(test, bitmap_equal(dma->dirty, want, 200 / p->pgsize));
}

/**
 * struct view - a range, and mappings in it
 * @name: of the case
 * @first: first page of the range
 * @npages: its pages
 * @maps: first page and pages of each mapping
 * @granule_shift: where they may be split
 */
struct view {
	const char *name;
	unsigned int first;
	unsigned int npages;
	unsigned int maps[2][2];
	unsigned int granule_shift;
};

static const struct view views[] = {
	{ "a word", 0, 64, { { 0, 64 } } },
	{ "second bit on", 0, 65, { { 1, 64 } } },
	{ "last bit of a word on", 0, 128, { { 63, 2 } } },
	{ "second word on", 0, 200, { { 64, 70 } } },
	{ "within the second word", 0, 400, { { 65, 130 } } },
	{ "two in a word", 0, 64, { { 3, 5 }, { 20, 7 } } },
	{ "neighbours in a word", 0, 200, { { 60, 10 }, { 70, 100 } } },
	{ "words without a mapping", 0, 512, { { 0, 10 }, { 400, 10 } } },
	{ "range that begins later", 100, 300, { { 130, 70 }, { 200, 200 } } },
	{ "more words than are copied at once", 7, 3000, { { 12, 2500 } } },
	{ "just as many", 0, 2048, { { 0, 2048 } } },
	{ "the middle of a mapping", 10, 50, { { 0, 100 } }, PAGE_SHIFT },
	{ "the end of one, the start of another", 70, 130,
	  { { 0, 101 }, { 150, 200 } }, PAGE_SHIFT },
};

CASE_DESC(view);
KUNIT_ARRAY_PARAM(view, views, view_desc);

static void map_view(struct kunit *test, const struct view *p,
		     unsigned long *mapped)
{
	unsigned int i;

	for (i = 0; i < 2 && p->maps[i][1]; i++) {
		fixture_map(test, IOVA + p->maps[i][0] * PAGE_SIZE, 0,
			    p->maps[i][1], p->granule_shift);
		bitmap_set(mapped, p->maps[i][0], p->maps[i][1]);
	}
}

/*
 * What the user is told, page by page. Words in which no mapping has bits are not
 * written: they are all ones still.
 */
static void expect_told(struct kunit *test, const struct view *p,
			const unsigned long *mapped, bool dirty)
{
	unsigned int page, bit;
	u64 *word = user_bitmap();
	u64 want = 0;
	bool any = false;

	for (bit = 0; bit < round_up(p->npages, 64); bit++) {
		page = p->first + bit;
		if (bit < p->npages && test_bit(page, mapped)) {
			any = true;
			if (dirty && written(page))
				want |= 1ULL << bit % 64;
		}
		if (bit % 64 != 63)
			continue;
		KUNIT_ASSERT_EQ_MSG(test, word[bit / 64], any ? want : ~0ULL,
				    "word %u", bit / 64);
		any = false;
		want = 0;
	}
	for (bit /= 64; bit < WORDS; bit++)
		KUNIT_ASSERT_EQ(test, word[bit], ~0ULL);
}

/* Ones where nothing is to be written, zeros in the words that have a mapping. */
static void prepare_bitmap(const struct view *p, const unsigned long *mapped)
{
	unsigned int bit;

	memset(user_bitmap(), 0xff, PAGE_SIZE);
	for (bit = 0; bit < p->npages; bit++)
		if (test_bit(p->first + bit, mapped))
			user_bitmap()[bit / 64] = 0;
}

/* Told once, told clean the second time, and kept where nothing was asked of. */
static void bits_are_told_and_forgotten(struct kunit *test)
{
	const struct view *p = test->param_value;
	struct fixture *f = test->priv;
	unsigned long *mapped;
	struct t1x_dma *dma;
	unsigned long i, page;

	mapped = kunit_kzalloc(test, MAX_PAGES / 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mapped);
	map_view(test, p, mapped);
	KUNIT_ASSERT_EQ(test, t1x_dirty_start(f->c), 0);
	for (dma = t1x_dma_first(&f->c->dma_tree, 0, ~0UL); dma;
	     dma = t1x_dma_next(dma, ~0UL))
		write_some(f, dma);

	prepare_bitmap(p, mapped);
	KUNIT_ASSERT_EQ(test, get(f, p->first, p->npages), 0);
	expect_told(test, p, mapped, true);
	prepare_bitmap(p, mapped);
	KUNIT_ASSERT_EQ(test, get(f, p->first, p->npages), 0);
	expect_told(test, p, mapped, false);

	for (dma = t1x_dma_first(&f->c->dma_tree, 0, ~0UL); dma;
	     dma = t1x_dma_next(dma, ~0UL)) {
		for (i = 0; i < t1x_dma_npages(dma); i++) {
			page = (dma->iova - IOVA) / PAGE_SIZE + i;
			KUNIT_ASSERT_EQ(test, test_bit(i, dma->dirty),
					written(page) &&
					(page < p->first ||
					 page >= p->first + p->npages));
		}
	}
}

/**
 * struct refusal - a range of which bits are not told
 * @name: of the case
 * @offset: its first byte behind the start of the mapping, of 16 pages; may be negative
 * @bytes: its bytes
 * @pgsize: page size of the bitmap, in bytes
 * @granule_shift: where the mapping may be split
 * @ret: the errno, or 0
 */
struct refusal {
	const char *name;
	long offset;
	u64 bytes;
	u64 pgsize;
	unsigned int granule_shift;
	int ret;
};

static const struct refusal refusals[] = {
	{ "all of it", 0, 16 * PAGE_SIZE, PAGE_SIZE, 0, 0 },
	{ "more than it", -PAGE_SIZE, 18 * PAGE_SIZE, PAGE_SIZE, 0, 0 },
	{ "before it", -PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 0, 0 },
	{ "behind it", 16 * PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 0, 0 },
	{ "larger pages", 0, 16 * PAGE_SIZE, 2 * PAGE_SIZE, 0, -EINVAL },
	{ "smaller pages", 0, 16 * PAGE_SIZE, PAGE_SIZE / 2, 0, -EINVAL },
	{ "pages of no bytes", 0, 16 * PAGE_SIZE, 0, 0, -EINVAL },
	{ "start not aligned", -1, 16 * PAGE_SIZE + 1, PAGE_SIZE, 0, -EINVAL },
	{ "size not aligned", 0, 16 * PAGE_SIZE + 1, PAGE_SIZE, 0, -EINVAL },
	{ "begins in it", PAGE_SIZE, 15 * PAGE_SIZE, PAGE_SIZE, 0, -EINVAL },
	{ "ends in it", 0, 15 * PAGE_SIZE, PAGE_SIZE, 0, -EINVAL },
	{ "inside of it", PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 0, -EINVAL },
	{ "granules", 4 * PAGE_SIZE, 8 * PAGE_SIZE, PAGE_SIZE, PAGE_SHIFT + 2,
	  0 },
	{ "begins in a granule", 3 * PAGE_SIZE, 9 * PAGE_SIZE, PAGE_SIZE,
	  PAGE_SHIFT + 2, -EINVAL },
	{ "ends in a granule", 4 * PAGE_SIZE, 9 * PAGE_SIZE, PAGE_SIZE,
	  PAGE_SHIFT + 2, -EINVAL },
};

CASE_DESC(refusal);
KUNIT_ARRAY_PARAM(refusal, refusals, refusal_desc);

static void refusal_forgets_nothing(struct kunit *test)
{
	const struct refusal *p = test->param_value;
	struct fixture *f = test->priv;
	struct t1x_dma *dma;
	unsigned long before;

	dma = fixture_map(test, IOVA, 0, 16, p->granule_shift);
	KUNIT_ASSERT_EQ(test, t1x_dirty_start(f->c), 0);
	write_some(f, dma);
	before = dma->dirty[0];
	KUNIT_EXPECT_EQ(test, get_bytes(f, IOVA + p->offset, p->bytes, p->pgsize,
					fake_memory.vaddr +
					USER_PAGE * PAGE_SIZE), p->ret);
	if (p->ret)
		KUNIT_EXPECT_EQ(test, dma->dirty[0], before);
}

/* The first mapping is told, the second one cannot be: neither is forgotten. */
static void fault_forgets_nothing(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned long vaddr = fake_memory.vaddr + (USER_PAGE + 1) * PAGE_SIZE;
	struct t1x_dma *low = map(test, 0, 10), *high = map(test, 70, 10);
	unsigned long before[2];

	fake_memory.layout[USER_PAGE + 1] = NULL;
	KUNIT_ASSERT_EQ(test, t1x_dirty_start(f->c), 0);
	write_some(f, low);
	write_some(f, high);
	before[0] = low->dirty[0];
	before[1] = high->dirty[0];
	KUNIT_EXPECT_EQ(test, get_bytes(f, IOVA, 100 * PAGE_SIZE, PAGE_SIZE,
					vaddr - sizeof(u64)), -EFAULT);
	KUNIT_EXPECT_EQ(test, low->dirty[0], before[0]);
	KUNIT_EXPECT_EQ(test, high->dirty[0], before[1]);
	KUNIT_EXPECT_EQ(test, get_bytes(f, IOVA, 10 * PAGE_SIZE, PAGE_SIZE,
					vaddr), -EFAULT);
	KUNIT_EXPECT_EQ(test, low->dirty[0], before[0]);
	KUNIT_EXPECT_EQ(test, get(f, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, low->dirty[0], 0UL);
	KUNIT_EXPECT_EQ(test, high->dirty[0], 0UL);
}

/* All that is filled, again and again, until the last such group has pinned or left. */
static void everything_is_dirty_with_a_non_pinned_group(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	struct t1x_dma *dma = map(test, 3, 20);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, t1x_dirty_start(f->c), 0);
	f->c->nr_non_pinned_groups = 1;
	for (i = 0; i < 2; i++) {
		user_bitmap()[0] = 0;
		KUNIT_EXPECT_EQ(test, get(f, 0, 64), 0);
		KUNIT_EXPECT_EQ(test, user_bitmap()[0], 0xfffffULL << 3);
	}

	/* Without a domain that group reaches none of it. */
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	KUNIT_EXPECT_EQ(test, get(f, 0, 64), 0);
	KUNIT_EXPECT_EQ(test, user_bitmap()[0], 0ULL);
	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);

	f->c->nr_non_pinned_groups = 0;
	KUNIT_EXPECT_EQ(test, get(f, 0, 64), 0);
	KUNIT_EXPECT_EQ(test, user_bitmap()[0], 0ULL);
	mutex_lock(&f->c->lock);
	t1x_dirty_mark_all(f->c);
	mutex_unlock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, get(f, 0, 64), 0);
	KUNIT_EXPECT_EQ(test, user_bitmap()[0], 0xfffffULL << 3);
	KUNIT_EXPECT_EQ(test, get(f, 0, 64), 0);
	KUNIT_EXPECT_EQ(test, user_bitmap()[0], 0ULL);
}

static void nothing_to_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
}

/* A page that is held may be written to at any time; one that was, is dirty once. */
static void held_pages_stay_dirty(struct kunit *test)
{
	struct vfio_device_ops ops = { .dma_unmap = nothing_to_unmap };
	struct vfio_device vdev = { .ops = &ops };
	struct fixture *f = test->priv;
	struct page *pages[2];
	unsigned int i;

	map(test, 0, 100);
	t1x_access_open(f->cookie, &vdev);
	KUNIT_EXPECT_EQ(test, t1x_access_pin_pages(f->cookie, NULL,
						   IOVA + 70 * PAGE_SIZE, 2,
						   IOMMU_READ, pages), 2);
	KUNIT_ASSERT_EQ(test, t1x_dirty_start(f->c), 0);
	for (i = 0; i < 3; i++) {
		/* For the last time: it was written to until it was let go of. */
		if (i == 2)
			t1x_access_unpin_pages(f->cookie, IOVA + 70 * PAGE_SIZE,
					       2);
		KUNIT_EXPECT_EQ(test, get(f, 0, 100), 0);
		KUNIT_EXPECT_EQ(test, user_bitmap()[0], 0ULL);
		KUNIT_EXPECT_EQ(test, user_bitmap()[1], 0xc0ULL);
	}
	KUNIT_EXPECT_EQ(test, get(f, 0, 100), 0);
	KUNIT_EXPECT_EQ(test, user_bitmap()[1], 0ULL);
	t1x_access_close(f->cookie, &vdev);
}

static const unsigned int split_pages[] = { 1, 63, 64, 65, 100, 128, 199 };

KUNIT_ARRAY_PARAM(split_page, split_pages, number_desc);

static void split_keeps_the_bits(struct kunit *test)
{
	const unsigned int *page = test->param_value;
	struct fixture *f = test->priv;
	struct t1x_dma *dma, *upper;
	struct t1x_split split;
	unsigned int i;

	dma = fixture_map(test, IOVA, 0, 200, PAGE_SHIFT);
	KUNIT_ASSERT_EQ(test, t1x_dirty_start(f->c), 0);
	write_some(f, dma);
	mutex_lock(&f->c->lock);
	KUNIT_EXPECT_EQ(test, t1x_split_prepare(f->c, &split, dma,
						IOVA + *page * PAGE_SIZE), 0);
	upper = t1x_split_commit(f->c, &split);
	mutex_unlock(&f->c->lock);
	for (i = 0; i < 200; i++)
		KUNIT_ASSERT_EQ(test, written(i),
				i < *page ? test_bit(i, dma->dirty) :
				test_bit(i - *page, upper->dirty));

	memset(user_bitmap(), 0, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, get(f, 0, 200), 0);
	for (i = 0; i < 200; i++)
		KUNIT_ASSERT_EQ(test, written(i),
				!!(user_bitmap()[i / 64] & 1ULL << i % 64));
}

static struct t1x_container *starting;

static void start_tracking(struct fake_domain *unused)
{
	t1x_dirty_start(starting);
}

/* A device can go on writing to what an IOMMU keeps, whenever tracking has begun. */
static void kept_page_is_dirty(struct kunit *test)
{
	struct t1x_unmap_request req = { .iova = IOVA, .size = 2 * PAGE_SIZE };
	struct fixture *f = fixture_with(test, 1);
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, t1x_dma_is_run(map(test, 0, 2)));
	starting = f->c;
	f->fake[0]->on_sync = start_tracking;
	/* The second page: the first one makes it sync. */
	f->fake[0]->keep = (IOVA >> PAGE_SHIFT) + 1;
	f->fake[0]->keep_times = 1000;
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), -EIO);
	KUNIT_EXPECT_TRUE(test, f->c->dirty);
	f->fake[0]->on_sync = NULL;
	f->fake[0]->keep_times = 0;
	for (i = 0; i < 2; i++) {
		user_bitmap()[0] = 0;
		KUNIT_EXPECT_EQ(test, get(f, 0, 2), 0);
		KUNIT_EXPECT_EQ(test, user_bitmap()[0], 3ULL);
	}
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), 0);
	KUNIT_EXPECT_EQ(test, req.unmapped, 2 * (u64)PAGE_SIZE);
}

static struct kunit_case dirty_cases[] = {
	KUNIT_CASE(start_and_stop_twice),
	KUNIT_CASE(start_fails_for_a_giant),
	KUNIT_CASE_PARAM(bytes_make_pages_dirty, mark_gen_params),
	KUNIT_CASE_PARAM(bits_are_told_and_forgotten, view_gen_params),
	KUNIT_CASE_PARAM(refusal_forgets_nothing, refusal_gen_params),
	KUNIT_CASE(fault_forgets_nothing),
	KUNIT_CASE(everything_is_dirty_with_a_non_pinned_group),
	KUNIT_CASE(held_pages_stay_dirty),
	KUNIT_CASE_PARAM(split_keeps_the_bits, split_page_gen_params),
	KUNIT_CASE(kept_page_is_dirty),
	{}
};

static struct kunit_suite dirty_suite = {
	.name = "t1x_dirty",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = dirty_cases,
};

kunit_test_suite(dirty_suite);
