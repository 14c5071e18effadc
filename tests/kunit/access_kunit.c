// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices: what they may pin, what is charged for it, and letting go.
 *
 * The container is that of the fixture; the device is a structure with a dma_unmap
 * callback that does as it is told.
 */
#include <linux/completion.h>
#include <linux/sched/signal.h>
#include <linux/vfio.h>
#include <linux/workqueue.h>

#include "access.h"
#include "account.h"
#include "dirty.h"
#include "split.h"
#include "t1x.h"
#include "t1x_kunit.h"
#include "unmap.h"

#define IOVA	0x100000UL
#define NPAGES	64
#define RW	(IOMMU_READ | IOMMU_WRITE)

/**
 * struct fake_device - a mediated device
 * @vdev: the device as the driver sees it
 * @ops: its callbacks
 * @cookie: the container
 * @deaf: how many times it ignores dma_unmap
 * @told: how many times it was told
 * @iova: what it lets go of
 * @npages: how much of it
 */
struct fake_device {
	struct vfio_device vdev;
	struct vfio_device_ops ops;
	void *cookie;
	unsigned int deaf;
	unsigned int told;
	dma_addr_t iova;
	int npages;
};

/**
 * struct access_case - a container with a mapping and a device
 * @cookie: the container, as vfio.ko knows it
 * @c: the container
 * @dma: a mapping of NPAGES of fake memory at IOVA
 * @device: the device, open
 * @locked: locked memory before
 * @pages: what was pinned
 */
struct access_case {
	void *cookie;
	struct t1x_container *c;
	struct t1x_dma *dma;
	struct fake_device *device;
	long locked;
	struct page *pages[NPAGES];
};

static void fake_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	struct fake_device *device = container_of(vdev, struct fake_device,
						  vdev);

	device->told++;
	if (device->deaf) {
		device->deaf--;
		return;
	}
	t1x_access_unpin_pages(device->cookie, device->iova, device->npages);
}

static struct access_case *access_begin(struct kunit *test)
{
	struct access_case *e = kunit_kzalloc(test, sizeof(*e), GFP_KERNEL);
	struct fixture *f = test->priv;
	struct fake_device *device;

	KUNIT_ASSERT_NOT_NULL(test, e);
	device = kunit_kzalloc(test, sizeof(*device), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, device);

	e->locked = f->locked;
	e->cookie = f->cookie;
	e->c = f->c;
	e->dma = fixture_map(test, IOVA, 0, NPAGES, 0);

	device->ops.dma_unmap = fake_dma_unmap;
	device->vdev.ops = &device->ops;
	device->cookie = e->cookie;
	device->iova = IOVA;
	device->npages = NPAGES;
	e->device = device;
	t1x_access_open(e->cookie, &device->vdev);
	return e;
}

static void access_done(struct access_case *e)
{
	t1x_access_close(e->cookie, &e->device->vdev);
}

static int access_pin(struct access_case *e, unsigned int first, int npages)
{
	return t1x_access_pin_pages(e->cookie, NULL, IOVA + first * PAGE_SIZE, npages,
				    RW, e->pages);
}

static void access_unpin(struct access_case *e, unsigned int first, int npages)
{
	t1x_access_unpin_pages(e->cookie, IOVA + first * PAGE_SIZE, npages);
}

static int extunmap(struct access_case *e)
{
	struct t1x_unmap_request req = {
		.iova = IOVA,
		.size = NPAGES * PAGE_SIZE,
	};

	return t1x_unmap(e->c, &req);
}

static void pin_refuses_what_type1_refuses(struct kunit *test)
{
	struct access_case *e = access_begin(test);

	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, access_pin(e, 0, -1), -EINVAL);
	KUNIT_EXPECT_EQ(test, access_pin(e, NPAGES, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, access_pin(e, NPAGES - 1, 2), -EINVAL);
	KUNIT_EXPECT_NULL(test, e->pages[0]);
	KUNIT_EXPECT_EQ(test,
			t1x_access_pin_pages(e->cookie, NULL, -PAGE_SIZE, 2, RW,
					     e->pages), -EOVERFLOW);
	e->dma->prot = IOMMU_READ;
	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 1), -EPERM);
	e->dma->prot = RW;
	e->c->nr_vaddr_invalid++;
	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 1), -EBUSY);
	e->c->nr_vaddr_invalid--;

	t1x_access_close(e->cookie, &e->device->vdev);
	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 1), -EINVAL);
	t1x_access_open(e->cookie, &e->device->vdev);
	access_done(e);
}

static void pin_is_for_v2(struct kunit *test)
{
	struct access_case *e = access_begin(test);

	e->c->v2 = false;
	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 1), -EACCES);
	access_done(e);
}

static void pin_counts_and_charges_once(struct kunit *test)
{
	struct access_case *e = access_begin(test);
	int i;

	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 8), 8);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_PTR_EQ(test, e->pages[i], fake_memory.layout[i]);
	KUNIT_EXPECT_EQ(test, access_pin(e, 4, 8), 8);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), e->locked + 12);
	access_unpin(e, 0, 8);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), e->locked + 8);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory.layout[4]));
	KUNIT_EXPECT_FALSE(test, fake_page_pinned(fake_memory.layout[3]));
	access_unpin(e, 4, 8);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), e->locked);
	access_done(e);
}

static void pin_failure_lets_go(struct kunit *test)
{
	struct access_case *e = access_begin(test);

	fake_memory.layout[5] = NULL;
	KUNIT_EXPECT_LT(test, access_pin(e, 0, 8), 0);
	KUNIT_EXPECT_NULL(test, e->pages[0]);
	KUNIT_EXPECT_TRUE(test, t1x_access_pages_empty(&e->c->access_pages));
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur =
		(e->locked + 3) << PAGE_SHIFT;
	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 4), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), e->locked);
	access_done(e);
}

static void pin_of_filled_is_free(struct kunit *test)
{
	struct access_case *e = access_begin(test);
	struct fixture *f = fixture_with(test, 1);

	KUNIT_EXPECT_EQ(test, fixture_fill(f, e->dma), 0);
	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 8), 8);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), e->locked + NPAGES);

	/* The domain leaves; what is held must still be paid for. */
	KUNIT_EXPECT_EQ(test, fixture_unfill(f, e->dma), 0);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), e->locked + 8);
	access_unpin(e, 0, 8);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), e->locked);
	access_done(e);
}

static void unmap_tells_the_device(struct kunit *test)
{
	struct access_case *e = access_begin(test);

	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 8), 8);
	e->device->deaf = 1;
	KUNIT_EXPECT_EQ(test, extunmap(e), 0);
	KUNIT_EXPECT_EQ(test, e->device->told, 2U);
	KUNIT_EXPECT_TRUE(test, RB_EMPTY_ROOT(&e->c->dma_tree));
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), e->locked);
	access_done(e);
}

static void unmap_gives_up_on_a_deaf_device(struct kunit *test)
{
	struct access_case *e = access_begin(test);

	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 8), 8);
	e->device->deaf = 1000;
	KUNIT_EXPECT_EQ(test, extunmap(e), -EBUSY);
	KUNIT_EXPECT_EQ(test, e->device->told, 10U);
	KUNIT_EXPECT_TRUE(test, fake_page_pinned(fake_memory.layout[0]));
	KUNIT_EXPECT_FALSE(test, RB_EMPTY_ROOT(&e->c->dma_tree));

	/* It may yet come to its senses. */
	e->device->deaf = 0;
	KUNIT_EXPECT_EQ(test, extunmap(e), 0);
	access_done(e);
}

static void closed_device_loses_its_pages(struct kunit *test)
{
	struct access_case *e = access_begin(test);

	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 8), 8);
	KUNIT_EXPECT_EQ(test, access_pin(e, 0, 8), 8);
	access_done(e);
}

static void held_pages_are_dirty(struct kunit *test)
{
	struct access_case *e = access_begin(test);

	KUNIT_EXPECT_EQ(test, access_pin(e, 3, 2), 2);
	KUNIT_EXPECT_EQ(test, t1x_dirty_start(e->c), 0);
	KUNIT_ASSERT_NOT_NULL(test, e->dma->dirty);
	KUNIT_EXPECT_EQ(test, e->dma->dirty[0], 0x18UL);
	KUNIT_EXPECT_EQ(test, access_pin(e, 8, 1), 1);
	KUNIT_EXPECT_EQ(test, e->dma->dirty[0], 0x118UL);
	KUNIT_EXPECT_EQ(test, t1x_dirty_stop(e->c), 0);
	KUNIT_EXPECT_NULL(test, e->dma->dirty);
	access_done(e);
}

/**
 * struct splitter - splits the mapping in two while a page of it is faulted in
 * @work: runs t1x_split_commit() in another task, as an UNMAP elsewhere does
 * @done: completed by @work
 * @c: the container
 * @dma: the mapping
 * @upper: the upper half; %NULL if the container was locked
 */
static struct splitter {
	struct work_struct work;
	struct completion done;
	struct t1x_container *c;
	struct t1x_dma *dma;
	struct t1x_dma *upper;
} splitter;

static void split_in_half(struct work_struct *work)
{
	struct t1x_split split;

	if (mutex_trylock(&splitter.c->lock)) {
		if (!t1x_split_prepare(splitter.c, &split, splitter.dma,
				       IOVA + NPAGES / 2 * PAGE_SIZE))
			splitter.upper = t1x_split_commit(splitter.c, &split);
		mutex_unlock(&splitter.c->lock);
	}
	complete(&splitter.done);
}

static void split_on_fault(void)
{
	fake_memory.on_fault = NULL;
	queue_work(system_unbound_wq, &splitter.work);
	wait_for_completion(&splitter.done);
}

static void splitter_begin(struct access_case *e)
{
	splitter.c = e->c;
	splitter.dma = e->dma;
	splitter.upper = NULL;
	init_completion(&splitter.done);
	INIT_WORK(&splitter.work, split_in_half);
	fake_memory.on_fault = split_on_fault;
}

/* While memory is faulted in for a device the rest of the container can be used. */
static void pin_does_not_lock_the_container(struct kunit *test)
{
	struct access_case *e = access_begin(test);
	const unsigned int page = NPAGES / 2 + 3;

	KUNIT_EXPECT_EQ(test, t1x_dirty_start(e->c), 0);
	splitter_begin(e);
	KUNIT_EXPECT_EQ(test, access_pin(e, page, 1), 1);
	KUNIT_ASSERT_NOT_NULL(test, splitter.upper);
	KUNIT_EXPECT_PTR_EQ(test, e->pages[0], fake_memory.layout[page]);
	KUNIT_EXPECT_EQ(test, splitter.upper->owner.charged, 1UL);
	KUNIT_EXPECT_EQ(test, e->dma->owner.charged, 0UL);
	KUNIT_EXPECT_EQ(test, splitter.upper->dirty[0], 8UL);
	KUNIT_EXPECT_EQ(test, e->dma->dirty[0], 0UL);
	access_unpin(e, page, 1);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), e->locked);
	access_done(e);
}

static void rw_does_not_lock_the_container(struct kunit *test)
{
	struct access_case *e = access_begin(test);
	const unsigned int page = NPAGES / 2 + 3;
	u32 word = 0x12345678, *there = page_address(fake_memory.layout[page]);

	KUNIT_EXPECT_EQ(test, t1x_dirty_start(e->c), 0);
	splitter_begin(e);
	KUNIT_EXPECT_EQ(test, t1x_access_rw(e->cookie, IOVA + page * PAGE_SIZE, &word,
					    sizeof(word), true), 0);
	KUNIT_ASSERT_NOT_NULL(test, splitter.upper);
	KUNIT_EXPECT_EQ(test, *there, word);
	KUNIT_EXPECT_EQ(test, splitter.upper->dirty[0], 8UL);
	KUNIT_EXPECT_EQ(test, e->dma->dirty[0], 0UL);
	access_done(e);
}

/* The range lock covers no IOVA behind the last one there is. */
static void rw_does_not_wrap(struct kunit *test)
{
	struct access_case *e = access_begin(test);
	u32 words[2] = {};

	KUNIT_EXPECT_EQ(test, t1x_access_rw(e->cookie, -(dma_addr_t)sizeof(words[0]), words,
					    sizeof(words), false), -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, t1x_access_rw(e->cookie, -(dma_addr_t)sizeof(words), words,
					    sizeof(words), false), -EINVAL);
	KUNIT_EXPECT_EQ(test, t1x_access_rw(e->cookie, IOVA, words, 0, false), 0);
	access_done(e);
}

static struct kunit_case access_cases[] = {
	KUNIT_CASE(pin_refuses_what_type1_refuses),
	KUNIT_CASE(pin_is_for_v2),
	KUNIT_CASE(pin_counts_and_charges_once),
	KUNIT_CASE(pin_failure_lets_go),
	KUNIT_CASE(pin_of_filled_is_free),
	KUNIT_CASE(unmap_tells_the_device),
	KUNIT_CASE(unmap_gives_up_on_a_deaf_device),
	KUNIT_CASE(closed_device_loses_its_pages),
	KUNIT_CASE(held_pages_are_dirty),
	KUNIT_CASE(pin_does_not_lock_the_container),
	KUNIT_CASE(rw_does_not_lock_the_container),
	KUNIT_CASE(rw_does_not_wrap),
	{}
};

static struct kunit_suite access_suite = {
	.name = "t1x_access",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = access_cases,
};

kunit_test_suite(access_suite);
