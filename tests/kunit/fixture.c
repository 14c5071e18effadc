// SPDX-License-Identifier: GPL-2.0-only
/*
 * What most tests begin with, a container over fake memory, and how all of them end:
 * nothing mapped, charged or pinned, and no domain saw a rule broken.
 *
 * fixture_init() and fixture_exit() are for the init and exit of a suite, so a test that
 * breaks off is checked as well. The kernel may call exit from another thread.
 */
#include <linux/kthread.h>
#include <linux/vfio.h>

#include "fill.h"
#include "t1x_kunit.h"
#include "unfill.h"

/**
 * number_desc() - name a case that is a number
 * @number: the case
 * @desc: set to its name
 */
void number_desc(const unsigned int *number, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u", *number);
}

/**
 * fixture_init() - open a container, and lay fake memory out anew
 * @test: the test, of which priv becomes the fixture
 *
 * Return: 0 or a negative errno.
 */
int fixture_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	fake_memory_reset();
	f->locked = fake_memory_locked();
	f->cookie = t1x_container_open(VFIO_TYPE1v2_IOMMU);
	if (IS_ERR(f->cookie))
		return PTR_ERR(f->cookie);
	f->c = t1x_container_get(f->cookie);
	test->priv = f;
	return 0;
}

/**
 * fixture_exit() - release the container, and check what every test has to leave
 * @test: the test
 */
void fixture_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct t1x_container *c;
	unsigned int i;

	if (!f)
		return;
	t1x_container_put(f->c);
	c = t1x_container_shutdown(f->cookie);
	mutex_lock(&c->lock);
	t1x_unmap_all(c, FAKE_ALL);
	mutex_unlock(&c->lock);

	for (i = 0; i < f->nr; i++) {
		KUNIT_EXPECT_EQ(test, f->fake[i]->nr, 0UL);
		KUNIT_EXPECT_EQ(test, f->fake[i]->stale_pages, 0UL);
		KUNIT_EXPECT_EQ(test, f->fake[i]->errors, 0U);
		xa_destroy(&f->fake[i]->leaves);
	}
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&c->dma_tree));
	INIT_LIST_HEAD(&c->domains);
	t1x_container_free(c);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), f->locked);
	fake_memory_expect_unpinned(test);
}

/**
 * fixture_with() - give the container of a test domains
 * @test: the test, of a suite with fixture_init()
 * @nr: how many; those that there are already count
 *
 * Return: the fixture.
 */
struct fixture *fixture_with(struct kunit *test, unsigned int nr)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_LE(test, nr, (unsigned int)FIXTURE_DOMAINS);
	for (; f->nr < nr; f->nr++) {
		f->fake[f->nr] = fake_domain_alloc(test);
		list_add_tail(&f->fake[f->nr]->d.node, &f->c->domains);
	}
	return f;
}

/**
 * fixture_fill() - fill a mapping
 * @f: the fixture
 * @dma: the mapping
 *
 * Return: what t1x_dma_fill() does.
 */
int fixture_fill(struct fixture *f, struct t1x_dma *dma)
{
	int ret;

	mutex_lock(&f->c->lock);
	ret = t1x_dma_fill(f->c, FAKE_ALL, dma);
	mutex_unlock(&f->c->lock);
	return ret;
}

/**
 * fixture_unfill() - undo fixture_fill()
 * @f: the fixture
 * @dma: the mapping
 *
 * Return: what t1x_dma_unfill() does.
 */
int fixture_unfill(struct fixture *f, struct t1x_dma *dma)
{
	int ret;

	mutex_lock(&f->c->lock);
	ret = t1x_dma_unfill(f->c, FAKE_ALL, dma);
	mutex_unlock(&f->c->lock);
	return ret;
}

/**
 * fixture_map() - make a mapping of the container, and fill it
 * @test: the test, of a suite with fixture_init()
 * @iova: where
 * @first: first page of the RAM window
 * @npages: pages; may reach into the BAR window
 * @granule_shift: where it may be split; 0: nowhere
 *
 * Return: the mapping, which goes with an UNMAP or with the fixture.
 */
struct t1x_dma *fixture_map(struct kunit *test, dma_addr_t iova,
			    unsigned int first, unsigned int npages,
			    unsigned int granule_shift)
{
	struct fixture *f = test->priv;
	struct t1x_dma *dma;

	dma = fake_dma_alloc(test, iova, first, npages);
	dma->granule_shift = granule_shift;
	mutex_lock(&f->c->lock);
	t1x_container_insert(f->c, dma);
	mutex_unlock(&f->c->lock);
	KUNIT_ASSERT_EQ(test, fixture_fill(f, dma), 0);
	return dma;
}

/**
 * fixture_unmap() - make an UNMAP, as the fake user
 * @f: the fixture
 * @req: the request
 *
 * Return: what t1x_unmap() does.
 */
int fixture_unmap(struct fixture *f, struct t1x_unmap_request *req)
{
	int ret;

	kthread_use_mm(fake_memory.mm);
	ret = t1x_unmap(f->c, req);
	kthread_unuse_mm(fake_memory.mm);
	return ret;
}

/**
 * fixture_unmap_pages() - unmap a range, as the fake user
 * @f: the fixture
 * @iova: what pages are counted from
 * @first: first page of the range
 * @npages: its pages
 *
 * Return: pages that went, or what t1x_unmap() does.
 */
long fixture_unmap_pages(struct fixture *f, dma_addr_t iova,
			 unsigned long first, unsigned long npages)
{
	struct t1x_unmap_request req = {
		.iova = iova + first * PAGE_SIZE,
		.size = npages * PAGE_SIZE,
	};
	int ret = fixture_unmap(f, &req);

	return ret ?: (long)(req.unmapped / PAGE_SIZE);
}

/**
 * fake_memory_init() - lay fake memory out anew, for tests that have no container
 * @test: the test, of which priv becomes the locked memory
 *
 * Return: 0.
 */
int fake_memory_init(struct kunit *test)
{
	fake_memory_reset();
	test->priv = (void *)fake_memory_locked();
	return 0;
}

/**
 * fake_memory_exit() - check that nothing is pinned or charged any more
 * @test: the test
 */
void fake_memory_exit(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), (long)test->priv);
	fake_memory_expect_unpinned(test);
}
