// SPDX-License-Identifier: GPL-2.0-only
/*
 * An IOMMU domain that knows the order of things.
 *
 * It holds the translations page by page, and what was unmapped since it was flushed
 * from the IOTLB.  When that is done every such page of RAM must still be pinned,
 * because until then a device could have used it (I1 of container.c); and no flush of
 * a range may be one that an IOMMU refuses.
 */
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "../mock/mock_compat.h"
#include "account.h"
#include "params.h"
#include "t1x.h"
#include "t1x_kunit.h"

static void fake_error(struct fake_domain *fake, const char *what,
		       unsigned long index)
{
	pr_err("fake_domain: %s at IOVA page %#lx\n", what, index);
	fake->errors++;
}

static bool fake_pfn_held(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	return PageReserved(page) || fake_page_pinned(page);
}

static int fake_map_pages(struct iommu_domain *domain, unsigned long iova,
			  phys_addr_t paddr, size_t pgsize, size_t pgcount,
			  int prot, gfp_t gfp, size_t *mapped)
{
	struct fake_domain *fake = fake_domain_of(domain);
	unsigned long index = iova >> PAGE_SHIFT, pfn = PHYS_PFN(paddr);
	unsigned long i, npages = (pgsize * pgcount) >> PAGE_SHIFT;
	bool fails = fake->fail_map && !--fake->fail_map;

	fake->map_ops++;
	if (fails)
		npages /= 2;
	for (i = 0; i < npages; i++) {
		if (xa_load(&fake->leaves, index + i))
			fake_error(fake, "mapped twice", index + i);
		if (!fake_pfn_held(pfn + i))
			fake_error(fake, "mapped unpinned", index + i);
		if (xa_is_err(xa_store(&fake->leaves, index + i,
				       xa_mk_value(pfn + i), GFP_KERNEL)))
			return -ENOMEM;
		fake->nr++;
		*mapped += PAGE_SIZE;
	}
	return fails ? -ENOMEM : 0;
}

static T1X_MOCK_SYNC_MAP fake_iotlb_sync_map(struct iommu_domain *domain,
					     unsigned long iova, size_t size)
{
	struct fake_domain *fake = fake_domain_of(domain);

	fake->map_syncs++;
	if ((iova ^ (iova + size - 1)) >> T1X_FLUSH_SHIFT)
		fake_error(fake, "mapped more than an IOMMU may flush", iova >> PAGE_SHIFT);
	return (T1X_MOCK_SYNC_MAP)0;
}

static bool fake_unmap_page(struct fake_domain *fake, unsigned long index)
{
	unsigned long pfn, *stale = fake->stale;
	void *entry;

	if (fake->keep_times && index == fake->keep) {
		fake->keep_times--;
		return false;
	}
	entry = xa_erase(&fake->leaves, index);
	if (!entry)
		return false;

	pfn = xa_to_value(entry);
	fake->nr--;
	if (!fake_pfn_held(pfn))
		fake_error(fake, "unmapped after the unpin", index);
	if (!fake->stale_pages || stale[fake->stale_pages - 1] + 1 != pfn)
		fake->stale_runs++;
	fake->most_stale_runs = max(fake->most_stale_runs, fake->stale_runs);
	if (fake->stale_pages < ARRAY_SIZE(fake->stale)) {
		fake->stale_index[fake->stale_pages] = index;
		stale[fake->stale_pages++] = pfn;
	}
	return true;
}

/* Adds to what is to be flushed, as drivers do that take gaps or that do not. */
static void fake_gather(struct fake_domain *fake,
			struct iommu_iotlb_gather *gather, unsigned long iova,
			size_t size)
{
	if (!size)
		return;
	if (fake->sync_at_gaps)
		iommu_iotlb_gather_add_page(&fake->domain, gather, iova, size);
	else
		iommu_iotlb_gather_add_range(gather, iova, size);
}

static size_t fake_unmap_pages(struct iommu_domain *domain, unsigned long iova,
			       size_t pgsize, size_t pgcount,
			       struct iommu_iotlb_gather *gather)
{
	struct fake_domain *fake = fake_domain_of(domain);
	unsigned long index = iova >> PAGE_SHIFT;
	unsigned long i, npages = (pgsize * pgcount) >> PAGE_SHIFT;

	fake->unmap_ops++;
	for (i = 0; i < npages; i++)
		if (!fake_unmap_page(fake, index + i))
			goto out;
	for (; fake->overshoot; fake->overshoot--, i++)
		fake_unmap_page(fake, index + i);
out:
	fake_gather(fake, gather, iova, i << PAGE_SHIFT);
	return i << PAGE_SHIFT;
}

/* Flushes what is stale in a range of IOVA pages. */
static void fake_flush(struct fake_domain *fake, unsigned long first,
		       unsigned long last)
{
	unsigned long i, left = 0;

	for (i = 0; i < fake->stale_pages; i++) {
		if (fake->stale_index[i] < first || fake->stale_index[i] > last) {
			fake->stale_index[left] = fake->stale_index[i];
			fake->stale[left++] = fake->stale[i];
		} else if (!fake_pfn_held(fake->stale[i])) {
			fake_error(fake, "unpinned before the sync",
				   fake->stale_index[i]);
		}
	}
	fake->stale_pages = left;
	if (!left)
		fake->stale_runs = 0;
}

static void fake_iotlb_sync(struct iommu_domain *domain,
			    struct iommu_iotlb_gather *gather)
{
	struct fake_domain *fake = fake_domain_of(domain);

	fake->syncs++;
	if (fake->on_sync)
		fake->on_sync(fake);
	if (gather->start >= gather->end)
		return;
	if ((gather->start ^ gather->end) >> T1X_FLUSH_SHIFT)
		fake_error(fake, "flushed more than an IOMMU may take",
			   gather->start >> PAGE_SHIFT);
	fake_flush(fake, gather->start >> PAGE_SHIFT,
		   gather->end >> PAGE_SHIFT);
}

static void fake_flush_iotlb_all(struct iommu_domain *domain)
{
	struct fake_domain *fake = fake_domain_of(domain);

	fake->flushes++;
	fake_flush(fake, 0, ULONG_MAX);
}

static phys_addr_t fake_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova)
{
	struct fake_domain *fake = fake_domain_of(domain);

	fake->lookups++;
	return PFN_PHYS(fake_domain_pfn(fake, iova));
}

/* Of a domain that no group is attached to: the IOMMU core has no more to ask it. */
const struct iommu_domain_ops fake_domain_ops = {
	.map_pages = fake_map_pages,
	.iotlb_sync_map = fake_iotlb_sync_map,
	.unmap_pages = fake_unmap_pages,
	.iotlb_sync = fake_iotlb_sync,
	.flush_iotlb_all = fake_flush_iotlb_all,
	.iova_to_phys = fake_iova_to_phys,
};

/**
 * fake_domain_pfn() - look a translation up without being counted
 * @fake: the domain
 * @iova: a page
 *
 * Return: its page frame, or 0.
 */
unsigned long fake_domain_pfn(struct fake_domain *fake, dma_addr_t iova)
{
	void *entry = xa_load(&fake->leaves, iova >> PAGE_SHIFT);

	return entry ? xa_to_value(entry) : 0;
}

/* What all of them count together: a test compares before and after. */
static DEFINE_PER_CPU(unsigned long, fake_syncs);
static DEFINE_PER_CPU(struct t1x_map_stats, fake_map_stats);

/**
 * fake_domain_setup() - make a domain of zeroed memory
 * @fake: to be the domain, empty, of all IOVAs
 */
void fake_domain_setup(struct fake_domain *fake)
{
	xa_init(&fake->leaves);
	fake->domain.type = IOMMU_DOMAIN_UNMANAGED;
	fake->domain.ops = &fake_domain_ops;
	fake->domain.pgsize_bitmap = PAGE_SIZE | 1UL << 21;
	fake->domain.geometry.aperture_end = ~(dma_addr_t)0;
	fake->d.domain = &fake->domain;
	fake->d.syncs = &fake_syncs;
	INIT_LIST_HEAD(&fake->d.groups);
}

/**
 * fake_domain_alloc() - make an empty domain
 * @test: the test, which frees it
 *
 * Return: the domain.
 */
struct fake_domain *fake_domain_alloc(struct kunit *test)
{
	struct fake_domain *fake = kunit_kzalloc(test, sizeof(*fake),
						 GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake_domain_setup(fake);
	return fake;
}

/**
 * fake_container_alloc() - make a container that vfio does not know of
 * @test: the test, which frees it
 *
 * Return: the container, with no domain.
 */
struct t1x_container *fake_container_alloc(struct kunit *test)
{
	struct t1x_container *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	mutex_init(&c->lock);
	mutex_init(&c->mmio_lock);
	t1x_range_tree_init(&c->range_tree);
	init_rwsem(&c->device_sem);
	spin_lock_init(&c->errlog.lock);
	c->dma_tree = RB_ROOT;
	INIT_LIST_HEAD(&c->domains);
	INIT_LIST_HEAD(&c->emulated_groups);
	INIT_LIST_HEAD(&c->access_devices);
	t1x_access_pages_init(&c->access_pages);
	c->pgsizes = PAGE_MASK;
	c->dma_avail = T1X_ENTRIES_UNLIMITED;
	c->pin_batch = 512;
	c->map_stats = &fake_map_stats;
	return c;
}

/**
 * fake_dma_alloc() - make a mapping of fake memory
 * @test: the test
 * @iova: where
 * @first: first page of the RAM window
 * @npages: pages; may reach into the BAR window
 *
 * Return: the mapping, owned by the fake user without CAP_IPC_LOCK.
 */
struct t1x_dma *fake_dma_alloc(struct kunit *test, dma_addr_t iova,
			       unsigned int first, unsigned int npages)
{
	struct t1x_process *process;
	struct t1x_dma *dma;

	dma = t1x_dma_alloc(iova, iova + npages * PAGE_SIZE - 1,
			    fake_memory.vaddr + first * PAGE_SIZE,
			    IOMMU_READ | IOMMU_WRITE);
	KUNIT_ASSERT_NOT_NULL(test, dma);
	process = kzalloc_obj(*process, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, process);
	refcount_set(&process->users, 1);
	process->task = get_task_struct(current);
	process->mm = fake_memory.mm;
	mmgrab(process->mm);
	process->cred = get_current_cred();
	dma->owner = (struct t1x_owner){ .process = process };
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur = RLIM_INFINITY;
	return dma;
}

/**
 * fake_dma_free() - undo fake_dma_alloc()
 * @dma: the mapping, with nothing filled or held
 */
void fake_dma_free(struct t1x_dma *dma)
{
	t1x_owner_put(&dma->owner);
	t1x_dma_free(dma);
}

/**
 * fake_expect_mapped() - expect every page of a mapping in a domain, the right one
 * @test: the test
 * @fake: the domain
 * @dma: the mapping
 * @first: page of the RAM window that it begins with
 */
void fake_expect_mapped(struct kunit *test, struct fake_domain *fake,
			struct t1x_dma *dma, unsigned int first)
{
	unsigned long i, npages = t1x_dma_npages(dma);
	struct page *page;

	for (i = 0; i < npages; i++) {
		page = first + i < FAKE_PAGES ?
		       fake_memory.layout[first + i] :
		       fake_memory.bar + (first + i - FAKE_PAGES);
		KUNIT_ASSERT_EQ(test, page_to_pfn(page),
				fake_domain_pfn(fake,
						t1x_dma_iova_at(dma, i)));
	}
}
