// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP: which mappings a range takes, what is left when that fails, and what it costs.
 */
#include <linux/vfio.h>

#include "dirty.h"
#include "t1x.h"
#include "t1x_kunit.h"

#define IOVA		0x80000000UL
#define TOP		(~(dma_addr_t)0)
#define TOP_PAGE	(TOP - (PAGE_SIZE - 1))
#define USER_PAGE	(FAKE_PAGES - 1)

static struct t1x_dma *map(struct kunit *test, unsigned long first,
			   unsigned int npages)
{
	return fixture_map(test, IOVA + first * PAGE_SIZE, first, npages, 0);
}

static struct t1x_dma *mapping_at(struct fixture *f, unsigned long page)
{
	dma_addr_t iova = IOVA + page * PAGE_SIZE;

	return t1x_dma_first(&f->c->dma_tree, iova, iova);
}

static unsigned int count_mappings(struct fixture *f)
{
	struct t1x_dma *dma;
	unsigned int nr = 0;

	for (dma = t1x_dma_first(&f->c->dma_tree, 0, TOP); dma;
	     dma = t1x_dma_next(dma, TOP))
		nr++;
	return nr;
}

/* Three mappings; the first two are neighbours. */
static const unsigned int abc[][2] = { { 10, 10 }, { 20, 10 }, { 40, 10 } };

enum { A = 1, B = 2, C = 4 };

static void map_abc(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(abc); i++)
		map(test, abc[i][0], abc[i][1]);
}

/* Exactly these mappings are there, wholly filled, in every domain. */
static void expect_abc(struct kunit *test, unsigned int left)
{
	struct fixture *f = test->priv;
	unsigned long npages = 0;
	struct t1x_dma *dma;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(abc); i++) {
		dma = mapping_at(f, abc[i][0]);
		KUNIT_ASSERT_EQ(test, !!dma, !!(left & 1U << i));
		if (!dma)
			continue;
		npages += abc[i][1];
		KUNIT_EXPECT_EQ(test, t1x_dma_npages(dma), abc[i][1]);
		KUNIT_EXPECT_EQ(test, dma->filled, abc[i][1]);
		for (k = 0; k < f->nr; k++)
			fake_expect_mapped(test, f->fake[k], dma, abc[i][0]);
	}
	KUNIT_EXPECT_EQ(test, count_mappings(f), hweight32(left));
	for (k = 0; k < f->nr; k++)
		KUNIT_EXPECT_EQ(test, f->fake[k]->nr, npages);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + (long)npages);
}

/**
 * struct range_case - which of three mappings a range takes
 * @name: of the case
 * @first: first page of the range
 * @npages: its pages
 * @ret: pages that go, or an errno
 * @left: mappings that stay
 */
struct range_case {
	const char *name;
	unsigned int first;
	unsigned int npages;
	long ret;
	unsigned int left;
};

static const struct range_case v2_cases[] = {
	{ "a mapping", 10, 10, 10, B | C },
	{ "two mappings", 10, 20, 20, C },
	{ "all with room around", 0, 100, 30, 0 },
	{ "gaps around one", 35, 20, 10, A | B },
	{ "a gap", 30, 10, 0, A | B | C },
	{ "nothing", 100, 10, 0, A | B | C },
	{ "without its first page", 11, 9, -EINVAL, A | B | C },
	{ "without its last page", 10, 9, -EINVAL, A | B | C },
	{ "its first page", 10, 1, -EINVAL, A | B | C },
	{ "its last page", 19, 1, -EINVAL, A | B | C },
	{ "a page in the middle", 15, 1, -EINVAL, A | B | C },
	{ "a page of the neighbour too", 10, 11, -EINVAL, A | B | C },
	{ "ends in the last mapping", 5, 40, -EINVAL, A | B | C },
	{ "begins in the first mapping", 15, 40, -EINVAL, A | B | C },
};

static const struct range_case v1_cases[] = {
	{ "a mapping", 10, 10, 10, B | C },
	{ "its first page", 10, 1, 10, B | C },
	{ "a gap and its first page", 5, 6, 10, B | C },
	{ "without its last page", 10, 9, 10, B | C },
	{ "a page of the neighbour too", 10, 11, 20, C },
	{ "ends in the last mapping", 5, 36, 30, 0 },
	{ "without its first page", 11, 9, 0, A | B | C },
	{ "its last page", 19, 1, 0, A | B | C },
	{ "begins in the first mapping", 15, 40, 0, A | B | C },
	{ "a gap", 30, 10, 0, A | B | C },
};

CASE_DESC(range_case);
KUNIT_ARRAY_PARAM(v1, v1_cases, range_case_desc);
KUNIT_ARRAY_PARAM(v2, v2_cases, range_case_desc);

static void range_takes(struct kunit *test, bool v2)
{
	const struct range_case *p = test->param_value;
	struct fixture *f = fixture_with(test, 2);

	f->c->v2 = v2;
	map_abc(test);
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, p->first, p->npages), p->ret);
	expect_abc(test, p->left);
	KUNIT_EXPECT_TRUE(test, t1x_range_tree_empty(&f->c->range_tree));
}

static void v1_takes_whole_mappings(struct kunit *test)
{
	range_takes(test, false);
}

static void v2_takes_what_it_covers(struct kunit *test)
{
	range_takes(test, true);
}

/**
 * struct refusal - a request that is refused, or one next to it that is not
 * @name: of the case
 * @req: the request
 * @emulated: the container has a mediated device
 * @ret: the errno, or 0
 */
struct refusal {
	const char *name;
	struct t1x_unmap_request req;
	bool emulated;
	int ret;
};

static const struct refusal refusals[] = {
	{ "no bytes", { .iova = IOVA }, false, -EINVAL },
	{ "size not aligned", { .iova = IOVA, .size = PAGE_SIZE + 1 }, false,
	  -EINVAL },
	{ "start not aligned", { .iova = IOVA + 1, .size = PAGE_SIZE }, false,
	  -EINVAL },
	{ "all, with a start", { .iova = IOVA, .all = true }, false, -EINVAL },
	{ "all, with a size", { .size = PAGE_SIZE, .all = true }, false,
	  -EINVAL },
	{ "wraps", { .iova = TOP_PAGE, .size = 2 * PAGE_SIZE }, false,
	  -EOVERFLOW },
	{ "the last page", { .iova = TOP_PAGE, .size = PAGE_SIZE } },
	{ "not aligned before it wraps",
	  { .iova = TOP_PAGE, .size = 2 * PAGE_SIZE + 1 }, false, -EINVAL },
	{ "dirty pages are not tracked",
	  { .iova = IOVA, .size = PAGE_SIZE, .dirty = true,
	    .pgsize = PAGE_SIZE }, false, -EINVAL },
	{ "vaddr of a mediated device",
	  { .iova = IOVA + 1, .vaddr = true }, true, -EBUSY },
	{ "vaddr", { .iova = IOVA + 1, .vaddr = true }, false, -EINVAL },
};

CASE_DESC(refusal);
KUNIT_ARRAY_PARAM(refusal, refusals, refusal_desc);

static void refused_requests_change_nothing(struct kunit *test)
{
	const struct refusal *p = test->param_value;
	struct fixture *f = fixture_with(test, 1);
	struct t1x_unmap_request req = p->req;
	struct t1x_group g = {};

	map_abc(test);
	if (p->emulated)
		list_add(&g.node, &f->c->emulated_groups);
	req.unmapped = 1;
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), p->ret);
	KUNIT_EXPECT_EQ(test, req.unmapped, 0ULL);
	INIT_LIST_HEAD(&f->c->emulated_groups);
	expect_abc(test, A | B | C);
}

/* From the first byte to the last one there is. */
static void all_takes_everything(struct kunit *test)
{
	struct t1x_unmap_request req = { .all = true };
	struct fixture *f = fixture_with(test, 1);

	map_abc(test);
	fixture_map(test, 0, 100, 1, 0);
	fixture_map(test, TOP_PAGE, 101, 1, 0);
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), 0);
	KUNIT_EXPECT_EQ(test, req.unmapped, 32 * PAGE_SIZE);
	expect_abc(test, 0);
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), 0);
	KUNIT_EXPECT_EQ(test, req.unmapped, 0ULL);
}

static const unsigned int numbers_of_mappings[] = { 1, 511, 512, 513, 1030 };

KUNIT_ARRAY_PARAM(mappings, numbers_of_mappings, number_desc);

/* A sync for each T1X_SYNC_RUNS, and one call for neighbours that share it. */
static void mappings_share_syncs(struct kunit *test)
{
	const unsigned int *nr = test->param_value;
	const unsigned int batches = DIV_ROUND_UP(*nr, T1X_SYNC_RUNS);
	struct fixture *f = fixture_with(test, 2);
	unsigned int i, k;

	fake_memory_scatter();
	for (i = 0; i < *nr; i++)
		fixture_map(test, IOVA + (i + i / 10) * PAGE_SIZE, i, 1, 0);
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 0, 2000), (long)*nr);
	for (k = 0; k < 2; k++) {
		KUNIT_EXPECT_EQ(test, f->fake[k]->syncs, batches);
		KUNIT_EXPECT_LE(test, f->fake[k]->most_stale_runs,
				(unsigned long)T1X_SYNC_RUNS);
		KUNIT_EXPECT_LE(test, f->fake[k]->unmap_ops,
				DIV_ROUND_UP(*nr, 10) + batches - 1);
		KUNIT_EXPECT_EQ(test, f->fake[k]->lookups, 0U);
	}
	KUNIT_EXPECT_EQ(test, count_mappings(f), 0U);
}

#define BATCHES	3

static struct kunit *trimming;
static unsigned int locked_at_sync[BATCHES];

/*
 * Notes which batches are locked, as bits, and what is above them, when one is synced, and
 * makes a mapping there.
 */
static void note_what_is_locked(struct fake_domain *fake)
{
	struct fixture *f = trimming->priv;
	struct t1x_range_tree *tree = &f->c->range_tree;
	unsigned int i, *locked = &locked_at_sync[fake->syncs - 1];
	dma_addr_t iova = IOVA;

	for (i = 0; i < BATCHES; i++, iova += T1X_SYNC_RUNS * PAGE_SIZE)
		*locked |= t1x_range_tree_overlaps(tree, iova, iova + PAGE_SIZE - 1) << i;
	*locked |= t1x_range_tree_overlaps(tree, TOP_PAGE, TOP) << BATCHES;
	if (fake->syncs == 1)
		fixture_map(trimming, TOP_PAGE, USER_PAGE, 1, 0);
}

/* What was unmapped can be mapped again, and what was not mapped at all, and stays. */
static void range_shrinks_to_what_is_left(struct kunit *test)
{
	const unsigned int nr = (BATCHES - 1) * T1X_SYNC_RUNS + 1;
	struct t1x_unmap_request req = { .all = true };
	struct fixture *f = fixture_with(test, 1);
	unsigned int i;

	for (i = 0; i < nr; i++)
		fixture_map(test, IOVA + i * PAGE_SIZE, i, 1, 0);
	trimming = test;
	memset(locked_at_sync, 0, sizeof(locked_at_sync));
	f->fake[0]->on_sync = note_what_is_locked;
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), 0);
	f->fake[0]->on_sync = NULL;
	KUNIT_EXPECT_EQ(test, req.unmapped, nr * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, f->fake[0]->syncs, BATCHES);
	KUNIT_EXPECT_EQ(test, locked_at_sync[0], 7U);
	KUNIT_EXPECT_EQ(test, locked_at_sync[1], 6U);
	KUNIT_EXPECT_EQ(test, locked_at_sync[2], 4U);
	KUNIT_EXPECT_EQ(test, count_mappings(f), 1U);
	KUNIT_EXPECT_EQ(test, f->fake[0]->nr, 1UL);
}

static const unsigned int domain_numbers[] = { 0, 1 };

KUNIT_ARRAY_PARAM(domain, domain_numbers, number_desc);

/* All other mappings of the range go, and are told; a later UNMAP has the rest. */
static void kept_page_keeps_its_mapping(struct kunit *test)
{
	struct t1x_unmap_request req = { .all = true };
	const unsigned int *which = test->param_value;
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma;

	map_abc(test);
	f->fake[*which]->keep = (IOVA >> PAGE_SHIFT) + 25;
	f->fake[*which]->keep_times = 1000;
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), -EIO);
	KUNIT_EXPECT_EQ(test, req.unmapped, 20 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, count_mappings(f), 1U);
	dma = mapping_at(f, 25);
	KUNIT_ASSERT_NOT_NULL(test, dma);
	KUNIT_EXPECT_GT(test, dma->filled, 5UL);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory.layout[25]));
	KUNIT_EXPECT_EQ(test, fake_memory_locked(),
			f->locked + (long)dma->filled);
	KUNIT_EXPECT_FALSE(test, fake_page_pinned(fake_memory.layout[45]));

	f->fake[*which]->keep_times = 0;
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 20, 10), 10L);
	KUNIT_EXPECT_EQ(test, count_mappings(f), 0U);
}

/* What is one run leaves the tree before an IOMMU is asked, and comes back. */
static void kept_run_keeps_its_mapping(struct kunit *test)
{
	struct t1x_unmap_request req = { .iova = IOVA + 10 * PAGE_SIZE, .size = PAGE_SIZE };
	const unsigned int *which = test->param_value;
	struct fixture *f = fixture_with(test, 2);

	KUNIT_ASSERT_TRUE(test, t1x_dma_is_run(map(test, 10, 1)));
	f->fake[*which]->keep = (IOVA >> PAGE_SHIFT) + 10;
	f->fake[*which]->keep_times = 1000;
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), -EIO);
	KUNIT_EXPECT_EQ(test, req.unmapped, 0ULL);
	KUNIT_ASSERT_NOT_NULL(test, mapping_at(f, 10));
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory.layout[10]));
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 1);

	f->fake[*which]->keep_times = 0;
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 10, 1), 1L);
	KUNIT_EXPECT_EQ(test, count_mappings(f), 0U);
}

/* --- vaddr -------------------------------------------------------------------- */

static int unmap_vaddr(struct fixture *f, unsigned long first,
		       unsigned long npages, u64 *unmapped)
{
	struct t1x_unmap_request req = {
		.iova = IOVA + first * PAGE_SIZE,
		.size = npages * PAGE_SIZE,
		.vaddr = true,
	};
	int ret = fixture_unmap(f, &req);

	*unmapped = req.unmapped / PAGE_SIZE;
	return ret;
}

static void vaddr_goes_and_mappings_stay(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);
	u64 unmapped;

	map_abc(test);
	KUNIT_EXPECT_EQ(test, unmap_vaddr(f, 20, 10, &unmapped), 0);
	KUNIT_EXPECT_EQ(test, unmapped, 10ULL);
	KUNIT_EXPECT_EQ(test, f->c->nr_vaddr_invalid, 1UL);
	KUNIT_EXPECT_TRUE(test, mapping_at(f, 20)->vaddr_invalid);
	expect_abc(test, A | B | C);

	/* Of all, or of none. */
	KUNIT_EXPECT_EQ(test, unmap_vaddr(f, 0, 100, &unmapped), -EINVAL);
	KUNIT_EXPECT_EQ(test, unmapped, 0ULL);
	KUNIT_EXPECT_FALSE(test, mapping_at(f, 10)->vaddr_invalid);
	KUNIT_EXPECT_FALSE(test, mapping_at(f, 40)->vaddr_invalid);
	KUNIT_EXPECT_EQ(test, unmap_vaddr(f, 15, 5, &unmapped), -EINVAL);
	KUNIT_EXPECT_EQ(test, f->c->nr_vaddr_invalid, 1UL);
	KUNIT_EXPECT_EQ(test, unmap_vaddr(f, 35, 20, &unmapped), 0);
	KUNIT_EXPECT_EQ(test, f->c->nr_vaddr_invalid, 2UL);
	KUNIT_EXPECT_EQ(test, f->fake[0]->unmap_ops, 0U);

	/* They are unmapped like any other, and are not counted any more. */
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 0, 100), 30L);
	KUNIT_EXPECT_EQ(test, f->c->nr_vaddr_invalid, 0UL);
}

/* --- Granules ----------------------------------------------------------------- */

/**
 * struct part - a part of a mapping of 40 pages, in granules of 4
 * @name: of the case
 * @first: first page of the part
 * @npages: its pages
 * @avail: entries that are left
 * @ret: pages that go, or an errno
 * @mappings: mappings that are left
 */
struct part {
	const char *name;
	unsigned int first;
	unsigned int npages;
	long avail;
	long ret;
	unsigned int mappings;
};

static const struct part parts[] = {
	{ "the middle", 12, 8, 10, 8, 2 },
	{ "the start", 0, 4, 10, 4, 1 },
	{ "the end", 36, 4, 10, 4, 1 },
	{ "all of it", 0, 40, 10, 40, 0 },
	{ "more than it", 0, 100, 10, 40, 0 },
	{ "begins in a granule", 10, 10, 10, -EINVAL, 1 },
	{ "ends in a granule", 12, 7, 10, -EINVAL, 1 },
	{ "the middle with the last entry", 12, 8, 1, 8, 2 },
	{ "the middle without an entry", 12, 8, 0, -ENOSPC, 1 },
	{ "the start without an entry", 0, 4, 0, 4, 1 },
	{ "the end without an entry", 36, 4, 0, 4, 1 },
};

CASE_DESC(part);
KUNIT_ARRAY_PARAM(part, parts, part_desc);

static void granules_go_by_parts(struct kunit *test)
{
	const struct part *p = test->param_value;
	const unsigned long gone = max(p->ret, 0L);
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma;
	unsigned int i, bit;
	bool in_part;

	fixture_map(test, IOVA, 0, 40, PAGE_SHIFT + 2);
	KUNIT_ASSERT_EQ(test, t1x_dirty_start(f->c), 0);
	dma = mapping_at(f, 0);
	mutex_lock(&f->c->lock);
	t1x_dirty_mark(f->c, dma, 9 * PAGE_SIZE, 15 * PAGE_SIZE);
	mutex_unlock(&f->c->lock);
	f->c->dma_avail = p->avail;
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, p->first, p->npages), p->ret);
	KUNIT_EXPECT_EQ(test, count_mappings(f), p->mappings);
	KUNIT_EXPECT_EQ(test, f->c->dma_avail, p->avail + 1 - p->mappings);
	KUNIT_EXPECT_EQ(test, f->fake[0]->nr, 40 - gone);
	KUNIT_EXPECT_EQ(test, f->fake[1]->nr, 40 - gone);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(),
			f->locked + 40 - (long)gone);
	for (i = 0; i < 40; i++) {
		dma = mapping_at(f, i);
		in_part = i >= p->first && i < p->first + p->npages;
		KUNIT_ASSERT_EQ(test, !dma, gone && in_part);
		if (!dma)
			continue;
		bit = i - (dma->iova - IOVA) / PAGE_SIZE;
		KUNIT_EXPECT_EQ(test, test_bit(bit, dma->dirty),
				i >= 9 && i < 24);
	}
}

/* The end of one, all of the next and the start of a third; the rest is passed over. */
static void range_takes_parts_of_several(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);

	fixture_map(test, IOVA, 0, 16, PAGE_SHIFT + 2);
	fixture_map(test, IOVA + 16 * PAGE_SIZE, 16, 8, 0);
	fixture_map(test, IOVA + 32 * PAGE_SIZE, 32, 16, PAGE_SHIFT + 3);
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 12, 24), -EINVAL);
	KUNIT_EXPECT_EQ(test, count_mappings(f), 3U);
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 12, 28), 4L + 8 + 8);
	KUNIT_EXPECT_EQ(test, count_mappings(f), 2U);
	KUNIT_EXPECT_EQ(test, t1x_dma_npages(mapping_at(f, 0)), 12UL);
	KUNIT_EXPECT_EQ(test, t1x_dma_npages(mapping_at(f, 40)), 8UL);
	KUNIT_EXPECT_EQ(test, fixture_unmap_pages(f, IOVA, 8, 32), 4L);
}

/* --- Dirty pages -------------------------------------------------------------- */

static void dirty_pages_are_told_before(struct kunit *test)
{
	struct t1x_unmap_request req = {
		.iova = IOVA,
		.size = 100 * PAGE_SIZE,
		.dirty = true,
		.pgsize = PAGE_SIZE,
		.bitmap = (u64 __user *)(fake_memory.vaddr +
					 USER_PAGE * PAGE_SIZE),
	};
	struct page *page = fake_memory.layout[USER_PAGE];
	struct fixture *f = fixture_with(test, 1);
	u64 *bitmap = page_address(page);

	map_abc(test);
	KUNIT_ASSERT_EQ(test, t1x_dirty_start(f->c), 0);
	mutex_lock(&f->c->lock);
	t1x_dirty_mark(f->c, mapping_at(f, 10), PAGE_SIZE, 1);
	t1x_dirty_mark(f->c, mapping_at(f, 40), 5 * PAGE_SIZE, 1);
	mutex_unlock(&f->c->lock);

	/* Where they cannot be told nothing goes, and nothing is forgotten. */
	fake_memory.layout[USER_PAGE] = NULL;
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), -EFAULT);
	KUNIT_EXPECT_EQ(test, req.unmapped, 0ULL);
	expect_abc(test, A | B | C);
	fake_memory.layout[USER_PAGE] = page;
	bitmap[0] = 0;
	req.pgsize = 2 * PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), -EINVAL);
	req.pgsize = PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, fixture_unmap(f, &req), 0);
	KUNIT_EXPECT_EQ(test, req.unmapped, 30 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, bitmap[0], 1ULL << 11 | 1ULL << 45);
	expect_abc(test, 0);
}

static struct kunit_case unmap_cases[] = {
	KUNIT_CASE_PARAM(v1_takes_whole_mappings, v1_gen_params),
	KUNIT_CASE_PARAM(v2_takes_what_it_covers, v2_gen_params),
	KUNIT_CASE_PARAM(refused_requests_change_nothing, refusal_gen_params),
	KUNIT_CASE(all_takes_everything),
	KUNIT_CASE_PARAM(mappings_share_syncs, mappings_gen_params),
	KUNIT_CASE(range_shrinks_to_what_is_left),
	KUNIT_CASE_PARAM(kept_page_keeps_its_mapping, domain_gen_params),
	KUNIT_CASE_PARAM(kept_run_keeps_its_mapping, domain_gen_params),
	KUNIT_CASE(vaddr_goes_and_mappings_stay),
	KUNIT_CASE_PARAM(granules_go_by_parts, part_gen_params),
	KUNIT_CASE(range_takes_parts_of_several),
	KUNIT_CASE(dirty_pages_are_told_before),
	{}
};

static struct kunit_suite unmap_suite = {
	.name = "t1x_unmap",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = unmap_cases,
};

kunit_test_suite(unmap_suite);
