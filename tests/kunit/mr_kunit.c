// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registered memory: found by range, shared, and mapped without another pin.
 *
 * Memory is registered by a process; the thread that runs the suites borrows the
 * address space of the fake memory for it.
 */
#include <linux/kthread.h>

#include "fill.h"
#include "mr.h"
#include "stats.h"
#include "t1x_kunit.h"
#include "umem.h"
#include "unfill.h"
#include "unmap.h"

#define IOVA	0x80000000UL

/**
 * struct mr_case - two containers of one process, the first with a domain
 * @c: the containers; the first is that of the fixture
 * @fake: the domain
 * @locked: locked memory before
 */
struct mr_case {
	struct t1x_container *c[2];
	struct fake_domain *fake;
	long locked;
};

/* To be undone by the thread that does it. */
static struct mr_case mr_begin(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 1);

	kthread_use_mm(fake_memory.mm);
	return (struct mr_case){
		.c = { f->c, fake_container_alloc(test) },
		.fake = f->fake[0],
		.locked = f->locked,
	};
}

static void mr_done(struct kunit *test, struct mr_case *p)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p->c); i++)
		t1x_mr_unregister_all(p->c[i]);
	kthread_unuse_mm(fake_memory.mm);
	KUNIT_EXPECT_EQ(test, t1x_stat_sum(T1X_STAT_REGIONS), 0L);
}

static unsigned long vaddr_of(unsigned int page)
{
	return fake_memory.vaddr + page * PAGE_SIZE;
}

static int reg(struct t1x_container *c, unsigned int first, unsigned int npages)
{
	return t1x_mr_register(c, vaddr_of(first), vaddr_of(first + npages) - 1,
			       true);
}

static int unreg(struct t1x_container *c, unsigned int first,
		 unsigned int npages)
{
	return t1x_mr_unregister(c, vaddr_of(first), vaddr_of(first + npages) - 1);
}

static struct t1x_mr *find(struct t1x_container *c, unsigned int first,
			   unsigned int npages)
{
	struct t1x_mr *mr;

	mutex_lock(&c->lock);
	mr = t1x_mr_find(c, vaddr_of(first), vaddr_of(first + npages) - 1);
	mutex_unlock(&c->lock);
	return mr;
}

static void mr_is_found_by_range(struct kunit *test)
{
	struct mr_case p = mr_begin(test);
	struct t1x_container *c = p.c[0];
	struct t1x_mr *mr;

	KUNIT_EXPECT_NULL(test, find(c, 0, 1));
	KUNIT_EXPECT_EQ(test, reg(c, 20, 10), 0);
	KUNIT_EXPECT_EQ(test, reg(c, 10, 10), 0);
	KUNIT_EXPECT_EQ(test, reg(c, 40, 1), 0);
	mr = find(c, 10, 10);
	KUNIT_EXPECT_NOT_NULL(test, mr);
	KUNIT_EXPECT_PTR_EQ(test, find(c, 10, 1), mr);
	KUNIT_EXPECT_PTR_EQ(test, find(c, 19, 1), mr);
	KUNIT_EXPECT_NOT_NULL(test, find(c, 20, 10));
	KUNIT_EXPECT_PTR_NE(test, find(c, 20, 1), mr);
	KUNIT_EXPECT_NOT_NULL(test, find(c, 40, 1));
	KUNIT_EXPECT_NULL(test, find(c, 19, 2));
	KUNIT_EXPECT_NULL(test, find(c, 9, 1));
	KUNIT_EXPECT_NULL(test, find(c, 9, 2));
	KUNIT_EXPECT_NULL(test, find(c, 30, 1));
	KUNIT_EXPECT_NULL(test, find(c, 29, 2));
	KUNIT_EXPECT_NULL(test, find(p.c[1], 10, 1));
	mr_done(test, &p);
}

static void mr_overlaps(struct kunit *test)
{
	struct mr_case p = mr_begin(test);

	KUNIT_EXPECT_EQ(test, reg(p.c[0], 10, 10), 0);
	KUNIT_EXPECT_EQ(test, reg(p.c[0], 10, 10), -EEXIST);
	KUNIT_EXPECT_EQ(test, reg(p.c[0], 0, 11), -EEXIST);
	KUNIT_EXPECT_EQ(test, reg(p.c[0], 19, 1), -EEXIST);
	KUNIT_EXPECT_EQ(test, reg(p.c[1], 0, 100), -EEXIST);
	KUNIT_EXPECT_EQ(test, unreg(p.c[0], 10, 9), -ENOENT);
	KUNIT_EXPECT_EQ(test, unreg(p.c[1], 10, 10), -ENOENT);
	KUNIT_EXPECT_EQ(test, t1x_stat_sum(T1X_STAT_REGIONS), 1L);
	KUNIT_EXPECT_EQ(test, reg(p.c[0], 0, 10), 0);
	KUNIT_EXPECT_EQ(test, reg(p.c[0], 20, 1), 0);
	mr_done(test, &p);
}

/* What one container lets go of, the other still has. */
static void mr_is_shared(struct kunit *test)
{
	struct mr_case p = mr_begin(test);

	KUNIT_EXPECT_EQ(test, reg(p.c[0], 0, 100), 0);
	KUNIT_EXPECT_EQ(test, reg(p.c[1], 0, 100), 0);
	KUNIT_EXPECT_EQ(test, t1x_stat_sum(T1X_STAT_REGIONS), 1L);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), p.locked + 100);
	KUNIT_EXPECT_EQ(test, unreg(p.c[0], 0, 100), 0);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory.layout[50]));
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), p.locked + 100);
	KUNIT_EXPECT_EQ(test, unreg(p.c[1], 0, 100), 0);
	KUNIT_EXPECT_FALSE(test, fake_page_pinned(fake_memory.layout[50]));
	mr_done(test, &p);
}

static void mr_of_a_hole(struct kunit *test)
{
	struct mr_case p = mr_begin(test);

	fake_memory_scatter();
	fake_memory.layout[700] = NULL;
	KUNIT_EXPECT_EQ(test, reg(p.c[0], 0, 800), -EFAULT);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), p.locked);
	KUNIT_EXPECT_EQ(test, t1x_stat_sum(T1X_STAT_REGIONS), 0L);
	KUNIT_EXPECT_EQ(test, reg(p.c[0], FAKE_PAGES - 3, 4), -EFAULT);
	KUNIT_EXPECT_EQ(test, reg(p.c[0], 0, 700), 0);
	mr_done(test, &p);
}

/**
 * struct layout - how registered memory lies
 * @name: of the case
 * @from: first of its pages that are no neighbours of each other
 * @npages: how many of these there are; all others are contiguous
 */
struct layout {
	const char *name;
	unsigned int from;
	unsigned int npages;
};

static const struct layout layouts[] = {
	{ "contiguous", 0, 0 }, { "scattered", 0, 1500 }, { "in part scattered", 200, 300 },
};

CASE_DESC(layout);
KUNIT_ARRAY_PARAM(layout, layouts, layout_desc);

/* Every page is where it belongs, in a run that does not go beyond what is asked. */
static void mr_run_is_of_these_pages(struct kunit *test)
{
	const unsigned int first = 100, npages = 1500;
	const struct layout *layout = test->param_value;
	struct mr_case p = mr_begin(test);
	struct t1x_umem_pos pos;
	struct page **pages;
	struct t1x_run run;
	unsigned int i, n;
	struct t1x_mr *mr;

	fake_memory_reverse(first + layout->from, layout->npages);
	KUNIT_EXPECT_EQ(test, reg(p.c[0], first, npages), 0);
	mr = find(p.c[0], first, 1);
	for (i = 0; mr && i < npages; i++) {
		n = min(npages - i, 1 + i % 7);
		t1x_umem_seek(mr->umem, i, &pos);
		run = t1x_umem_slice(t1x_umem_next(&pos), i, n);
		pages = fake_memory.layout + first + i;
		if (!run.npages || run.npages > n || run.pfn != page_to_pfn(pages[0]) ||
		    run.pfn + run.npages - 1 != page_to_pfn(pages[run.npages - 1]) ||
		    run.pinned || !run.ram || t1x_run_nram(&run))
			break;
	}
	KUNIT_EXPECT_EQ(test, i, npages);
	KUNIT_EXPECT_EQ(test, unreg(p.c[0], first, npages), 0);
	mr_done(test, &p);
}

static void mr_fills(struct kunit *test)
{
	const unsigned int first = 1000, npages = 200;
	struct mr_case p = mr_begin(test);
	struct t1x_container *c = p.c[0];
	struct t1x_mr *mr;
	struct t1x_dma *dma;
	unsigned int i;
	long pinned;

	KUNIT_EXPECT_EQ(test, reg(c, 0, FAKE_PAGES), 0);
	mr = find(c, first, npages);
	dma = fake_dma_alloc(test, IOVA, first, npages);
	dma->registered = true;
	dma->mr = mr;
	dma->mr_first = first;
	pinned = t1x_stat_sum(T1X_STAT_PAGES_PINNED);
	mutex_lock(&c->lock);
	t1x_container_insert(c, dma);
	KUNIT_EXPECT_EQ(test, t1x_dma_fill(c, FAKE_ALL, dma), 0);
	mutex_unlock(&c->lock);
	KUNIT_EXPECT_EQ(test, t1x_stat_sum(T1X_STAT_PAGES_PINNED), pinned);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), p.locked + FAKE_PAGES);
	/* The window is in two halves, which may be neighbours in memory as well. */
	KUNIT_EXPECT_LE(test, t1x_runs_nr(&dma->runs), 2UL);
	for (i = 0; i < npages; i++)
		KUNIT_EXPECT_EQ(test,
				fake_domain_pfn(p.fake, t1x_dma_iova_at(dma, i)),
				page_to_pfn(fake_memory.layout[first + i]));
	KUNIT_EXPECT_EQ(test, unreg(c, 0, FAKE_PAGES), -EBUSY);

	mutex_lock(&c->lock);
	KUNIT_EXPECT_EQ(test, t1x_dma_unfill(c, FAKE_ALL, dma), 0);
	t1x_container_remove(c, dma);
	mutex_unlock(&c->lock);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), p.locked + FAKE_PAGES);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory.layout[first]));
	KUNIT_EXPECT_EQ(test, unreg(c, 0, FAKE_PAGES), 0);
	fake_dma_free(dma);
	mr_done(test, &p);
}

static struct {
	struct t1x_container *c;
	int ret;
} unregistering;

static void try_to_unregister(struct fake_domain *unused)
{
	unregistering.ret = unreg(unregistering.c, 10, 1);
}

/* Until then a device can write to it. */
static void mr_stays_until_the_sync(struct kunit *test)
{
	struct t1x_unmap_request req = { .iova = IOVA, .size = PAGE_SIZE };
	struct mr_case p = mr_begin(test);
	struct t1x_container *c = p.c[0];
	struct t1x_dma *dma;

	KUNIT_EXPECT_EQ(test, reg(c, 10, 1), 0);
	dma = fake_dma_alloc(test, IOVA, 10, 1);
	dma->registered = true;
	dma->mr = find(c, 10, 1);
	dma->mr_first = 0;
	mutex_lock(&c->lock);
	t1x_container_insert(c, dma);
	KUNIT_EXPECT_EQ(test, t1x_dma_fill(c, FAKE_ALL, dma), 0);
	mutex_unlock(&c->lock);

	unregistering.c = c;
	unregistering.ret = 0;
	p.fake->on_sync = try_to_unregister;
	KUNIT_EXPECT_EQ(test, t1x_unmap(c, &req), 0);
	p.fake->on_sync = NULL;
	KUNIT_EXPECT_EQ(test, unregistering.ret, -EBUSY);
	KUNIT_EXPECT_EQ(test, unreg(c, 10, 1), 0);
	mr_done(test, &p);
}

/* A domain that refuses: nothing stays of the mapping, all of the region. */
static void mr_fill_fails(struct kunit *test)
{
	struct mr_case p = mr_begin(test);
	struct t1x_container *c = p.c[0];
	struct t1x_dma *dma;

	fake_memory_scatter();
	KUNIT_EXPECT_EQ(test, reg(c, 0, 600), 0);
	dma = fake_dma_alloc(test, IOVA, 0, 600);
	dma->registered = true;
	dma->mr = find(c, 0, 600);
	dma->mr_first = 0;
	p.fake->fail_map = 300;
	mutex_lock(&c->lock);
	KUNIT_EXPECT_NE(test, t1x_dma_fill(c, FAKE_ALL, dma), 0);
	mutex_unlock(&c->lock);
	KUNIT_EXPECT_EQ(test, dma->filled, 0UL);
	KUNIT_EXPECT_EQ(test, p.fake->nr, 0UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), p.locked + 600);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory.layout[599]));
	fake_dma_free(dma);
	mr_done(test, &p);
}

static struct kunit_case mr_cases[] = {
	KUNIT_CASE(mr_is_found_by_range),
	KUNIT_CASE(mr_overlaps),
	KUNIT_CASE(mr_is_shared),
	KUNIT_CASE(mr_of_a_hole),
	KUNIT_CASE_PARAM(mr_run_is_of_these_pages, layout_gen_params),
	KUNIT_CASE(mr_fills),
	KUNIT_CASE(mr_fill_fails),
	KUNIT_CASE(mr_stays_until_the_sync),
	{}
};

static struct kunit_suite mr_suite = {
	.name = "t1x_mr",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = mr_cases,
};

kunit_test_suite(mr_suite);
