// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mapping of one page, and unfilling one of one run: what the general ways do, with the
 * same result.
 */
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "account.h"
#include "fill.h"
#include "fill_page.h"
#include "stats.h"
#include "t1x.h"
#include "t1x_kunit.h"
#include "unfill.h"

#define IOVA	0x80000000UL
#define INDEX	(IOVA >> PAGE_SHIFT)

static void no_page(struct fixture *f)
{
	fake_memory.layout[0] = NULL;
}

static void reserved_page(struct fixture *f)
{
	fake_memory.layout[0] = fake_memory.bar;
}

static void no_room_in_limit(struct fixture *f)
{
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur = f->locked << PAGE_SHIFT;
}

static void first_domain_refuses(struct fixture *f)
{
	f->fake[0]->fail_map = 1;
}

static void second_domain_refuses(struct fixture *f)
{
	f->fake[1]->fail_map = 1;
}

static void container_goes(struct fixture *f)
{
	f->c->dying = true;
}

static void many_held(struct fixture *f)
{
	struct t1x_run page = { .npages = 1, .pinned = 1, .ram = 1 };

	page.pfn = page_to_pfn(fake_memory.layout[1]);
	t1x_access_pages_add(&f->c->access_pages, INDEX + 1, &page);
}

/**
 * struct page_case - a page that is filled
 * @name: what is special
 * @first: its number in the fake memory
 * @prepare: brings it about, or NULL
 * @alone: t1x_fill_page() does it, and not what reads any memory
 * @ret: what filling returns
 * @nram: pages charged then
 */
struct page_case {
	const char *name;
	unsigned int first;
	void (*prepare)(struct fixture *f);
	bool alone;
	int ret;
	long nram;
};

static const struct page_case page_cases[] = {
	{ "ram", 0, NULL, true, 0, 1 },
	{ "reserved", 0, reserved_page, false, 0, 0 },
	{ "mmio", FAKE_PAGES, NULL, false, 0, 0 },
	{ "hole", 0, no_page, false, -EFAULT, 0 },
	{ "over_limit", 0, no_room_in_limit, true, -ENOMEM, 0 },
	{ "first_domain_refuses", 0, first_domain_refuses, true, -ENOMEM, 0 },
	{ "second_domain_refuses", 0, second_domain_refuses, true, -ENOMEM, 0 },
	{ "dying", 0, container_goes, false, -ENODEV, 0 },
	{ "others_are_held", 0, many_held, false, 0, 1 },
};

CASE_DESC(page_case);
KUNIT_ARRAY_PARAM(page_case, page_cases, page_case_desc);

/* As the owner. The page is there, or GUP would have to fault it in; but for the hole. */
static int fill_page(struct fixture *f, struct t1x_dma *dma)
{
	int ret;

	kthread_use_mm(fake_memory.mm);
	(void)put_user(0, (u8 __user *)t1x_dma_vaddr(dma));
	ret = t1x_fill_page(f->c, FAKE_ALL, dma);
	kthread_unuse_mm(fake_memory.mm);
	return ret;
}

static void one_page(struct kunit *test)
{
	const struct page_case *p = test->param_value;
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, p->first, 1);
	long pinned = t1x_stat_sum(T1X_STAT_PAGES_PINNED);
	long unpinned = t1x_stat_sum(T1X_STAT_PAGES_UNPINNED);
	unsigned long index = 0;
	struct t1x_run held;
	int ret;

	if (p->prepare)
		p->prepare(f);
	ret = fill_page(f, dma);
	KUNIT_EXPECT_EQ(test, ret, p->alone ? p->ret : 1);
	if (ret > 0) {
		KUNIT_EXPECT_EQ(test, dma->filled, 0UL);
		KUNIT_EXPECT_EQ(test, f->fake[0]->map_ops, 0U);
		ret = fixture_fill(f, dma);
	}
	KUNIT_EXPECT_EQ(test, ret, p->ret);
	KUNIT_EXPECT_EQ(test, dma->filled, ret ? 0UL : 1UL);
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&dma->runs), ret ? 0UL : 1UL);
	KUNIT_EXPECT_EQ(test, f->fake[0]->nr, ret ? 0UL : 1UL);
	KUNIT_EXPECT_EQ(test, f->fake[1]->nr, ret ? 0UL : 1UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + p->nram);
	if (!ret) {
		fake_expect_mapped(test, f->fake[0], dma, p->first);
		fake_expect_mapped(test, f->fake[1], dma, p->first);
	}
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	pinned = t1x_stat_sum(T1X_STAT_PAGES_PINNED) - pinned;
	unpinned = t1x_stat_sum(T1X_STAT_PAGES_UNPINNED) - unpinned;
	KUNIT_EXPECT_EQ(test, pinned, unpinned);
	t1x_access_pages_remove(&f->c->access_pages, &index, ULONG_MAX, &held);
	f->c->dying = false;
	fake_dma_free(dma);
}

/* The first domain gives back what it kept. */
static void let_go(struct kunit *test, struct fixture *f, struct t1x_dma *dma)
{
	f->fake[0]->keep_times = 0;
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, dma), 0);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked);
	fake_dma_free(dma);
}

/* The second domain refuses, and the first does not give the page back. */
static void one_page_is_kept(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, 0, 1);

	f->fake[1]->fail_map = 1;
	f->fake[0]->keep = INDEX;
	f->fake[0]->keep_times = 1000;
	KUNIT_EXPECT_EQ(test, fill_page(f, dma), -ENOMEM);
	KUNIT_EXPECT_EQ(test, dma->filled, 1UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 1);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory.layout[0]));

	let_go(test, f, dma);
}

static void one_run_is_unfilled(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, 0, 300);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&dma->runs), 1UL);
	KUNIT_EXPECT_EQ(test, t1x_dmas_unfill(f->c, FAKE_ALL, dma), 0);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, f->fake[i]->unmap_ops, 1U);
		KUNIT_EXPECT_EQ(test, f->fake[i]->syncs, 1U);
		KUNIT_EXPECT_EQ(test, f->fake[i]->lookups, 0U);
	}
	KUNIT_EXPECT_EQ(test, dma->filled, 0UL);
	KUNIT_EXPECT_EQ(test, t1x_runs_nr(&dma->runs), 0UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked);
	fake_dma_free(dma);
}

static void one_run_is_kept(struct kunit *test)
{
	struct fixture *f = fixture_with(test, 2);
	struct t1x_dma *dma = fake_dma_alloc(test, IOVA, 0, 300);

	KUNIT_EXPECT_EQ(test, fixture_fill(f, dma), 0);
	f->fake[0]->keep = INDEX + 7;
	f->fake[0]->keep_times = 1000;
	KUNIT_EXPECT_EQ(test, t1x_dmas_unfill(f->c, FAKE_ALL, dma), -EIO);
	KUNIT_EXPECT_EQ(test, dma->filled, 300UL);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked + 300);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory.layout[299]));

	let_go(test, f, dma);
}

static struct kunit_case fill_page_cases[] = {
	KUNIT_CASE_PARAM(one_page, page_case_gen_params),
	KUNIT_CASE(one_page_is_kept),
	KUNIT_CASE(one_run_is_unfilled),
	KUNIT_CASE(one_run_is_kept),
	{}
};

static struct kunit_suite fill_page_suite = {
	.name = "t1x_fill_page",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = fill_page_cases,
};

kunit_test_suite(fill_page_suite);
