// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU domains and groups.
 *
 * The only file that calls iommu_*().  It knows which calls an IOMMU driver takes and how
 * to read what they return; what to map when is decided by its callers.
 *
 * Invariant: t1x_domain_unmap() succeeds only if the page table of the IOMMU has no page of
 * the range any more, so the pages may be unpinned after t1x_domain_sync().
 */
#include "domain.h"

#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "params.h"
#include "stats.h"
#include "t1x.h"
#include "trace.h"

/* Runs that one call maps at most, for which it needs 1 KiB of the stack. */
#define T1X_DOMAIN_SG	32

static atomic_long_t t1x_domain_last_id;

static int t1x_domain_alloc_dev(struct device *dev, void *data)
{
	struct t1x_domain *d = data;

	d->domain = iommu_paging_domain_alloc(dev);
	return 1;	/* one device speaks for the group: stop here */
}

/**
 * t1x_domain_alloc() - make a domain that suits a group
 * @group: the group; at least one device in it
 *
 * Context: may sleep.
 * Return: an empty domain with no group attached, for t1x_domain_prepare(); or an ERR_PTR().
 */
struct t1x_domain *t1x_domain_alloc(struct iommu_group *group)
{
	struct t1x_domain *d;
	long err;

	d = kzalloc_obj(*d, GFP_KERNEL_ACCOUNT);
	if (!d)
		return ERR_PTR(-ENOMEM);

	INIT_LIST_HEAD(&d->groups);
	iommu_group_for_each_dev(group, d, t1x_domain_alloc_dev);
	if (!IS_ERR_OR_NULL(d->domain)) {
		d->id = atomic_long_inc_return(&t1x_domain_last_id);
		return d;
	}

	err = d->domain ? PTR_ERR(d->domain) : -ENODEV;
	kfree(d);
	return ERR_PTR(err);
}

/**
 * t1x_domain_prepare() - give a domain what it needs to be mapped into
 * @d: the domain
 *
 * Not done for each: most groups join a domain that the container has, and the one that was made
 * to look at them goes.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int t1x_domain_prepare(struct t1x_domain *d)
{
	d->syncs = alloc_percpu_gfp(*d->syncs, GFP_KERNEL_ACCOUNT);
	return d->syncs ? 0 : -ENOMEM;
}

/**
 * t1x_domain_free() - free a domain and all its translations
 * @d: the domain, with no group attached
 *
 * Context: may sleep.
 */
void t1x_domain_free(struct t1x_domain *d)
{
	iommu_domain_free(d->domain);
	free_percpu(d->syncs);
	kfree(d);
}

/**
 * t1x_domain_attach() - let a group's devices use a domain
 * @d: the domain
 * @group: the group; vfio.ko owns its DMA
 *
 * Return: 0, or an error of the IOMMU driver; then the group can do no DMA.
 */
int t1x_domain_attach(struct t1x_domain *d, struct iommu_group *group)
{
	return iommu_attach_group(d->domain, group);
}

/**
 * t1x_domain_detach() - undo t1x_domain_attach()
 * @d: the domain
 * @group: the group; its DMA is blocked afterwards
 */
void t1x_domain_detach(struct t1x_domain *d, struct iommu_group *group)
{
	iommu_detach_group(d->domain, group);
}

/**
 * t1x_domain_enforce_coherency() - make a domain coherent if it can be
 * @d: the domain; still empty, since VT-d refuses once something is mapped
 *
 * Sets @d->coherent: no device in it can do no-snoop DMA, which spares KVM the
 * emulation of cache flushes.
 */
void t1x_domain_enforce_coherency(struct t1x_domain *d)
{
	const struct iommu_domain_ops *ops = d->domain->ops;

	d->coherent = ops->enforce_cache_coherency &&
		      ops->enforce_cache_coherency(d->domain);
}

/**
 * t1x_domain_compatible() - may groups of one domain use another
 * @a: a domain
 * @b: a domain
 *
 * Return: whether both are of the same driver and equally coherent; attaching may still
 * fail.
 */
bool t1x_domain_compatible(const struct t1x_domain *a,
			   const struct t1x_domain *b)
{
	return a->domain->ops == b->domain->ops && a->coherent == b->coherent;
}

/*
 * A real MSI region ends the search, since then doorbells need no window.  Where the kernel
 * insists on one it is that region, in which a doorbell has its own address.
 */
static int t1x_domain_find_window(const struct iommu_resv_region *region, void *data)
{
	dma_addr_t *base = data;

	if (region->type == IOMMU_RESV_MSI) {
		*base = t1x_compat_msi_needs_cookie() ? region->start : DMA_MAPPING_ERROR;
		return 1;
	}
	if (region->type == IOMMU_RESV_SW_MSI)
		*base = region->start;
	return 0;
}

/**
 * t1x_domain_msi_window() - reserve IOVAs for MSI doorbells
 * @d: the domain; still empty
 * @group: a group attached to it
 *
 * Only where a doorbell is translated like memory and the kernel picks its IOVA; a group
 * with a real MSI region needs nothing, but on some kernels a window that is that region.
 *
 * Return: 0, or an error; then the domain is not usable.
 */
int t1x_domain_msi_window(struct t1x_domain *d, struct iommu_group *group)
{
	dma_addr_t base = DMA_MAPPING_ERROR;
	int ret;

	ret = t1x_group_for_each_resv(group, t1x_domain_find_window, &base);
	if (ret < 0 || base == DMA_MAPPING_ERROR)
		return min(ret, 0);

	ret = iommu_get_msi_cookie(d->domain, base);
	/* Kernels without IOMMU_DMA have no cookies and need none. */
	return ret == -ENODEV ? 0 : ret;
}

/* The last byte of the block of T1X_FLUSH_SHIFT that an IOVA is in. */
static dma_addr_t t1x_domain_edge(dma_addr_t iova)
{
	return iova | (BIT_ULL(T1X_FLUSH_SHIFT) - 1);
}

/* Is a range in more than one block? */
static bool t1x_domain_crosses(dma_addr_t iova, dma_addr_t last)
{
	return (iova ^ last) >> T1X_FLUSH_SHIFT;
}

/* Is what is gathered in more than one block?  An empty gather starts behind its end. */
static bool t1x_gather_crosses(const struct iommu_iotlb_gather *gather)
{
	return gather->start < gather->end &&
	       t1x_domain_crosses(gather->start, gather->end);
}

/*
 * Undoes a map after @error: [@iova, @failed) is mapped, and what the failed call had
 * mapped up to @end the kernel has undone, without a word on whether the IOMMU did (I1).
 */
static int t1x_domain_map_undo(struct t1x_domain *d, dma_addr_t iova, dma_addr_t failed,
			       dma_addr_t end, int error)
{
	int ret = 0;

	if (iova != failed)
		ret = t1x_domain_unmap_sync(d, iova, (failed - iova) >> PAGE_SHIFT);
	for (; failed != end; failed += PAGE_SIZE) {
		if (iommu_iova_to_phys(d->domain, failed))
			return t1x_domain_unmap_sync(d, failed, (end - failed) >> PAGE_SHIFT) ?:
			       ret ?: error;
		cond_resched();
	}
	return ret ?: error;
}

/*
 * Collects runs of RAM for iommu_map_sg(), until one would be joined to the one before:
 * a page of the IOMMU must not have parts of two runs, which may be unmapped one by one.
 * MMIO may have no struct page.  Returns how many, and sets @size to the bytes in them,
 * at most @most.
 */
static unsigned int t1x_domain_collect(struct scatterlist *sg, const struct t1x_run *run,
				       unsigned int nr, u64 most, u64 *size)
{
	unsigned long end = 0;
	unsigned int n;
	u64 bytes;

	*size = 0;
	for (n = 0; n < nr && run->ram && run->pfn != end; n++, run++) {
		bytes = (u64)run->npages << PAGE_SHIFT;
		if (bytes > most - *size)
			break;
		sg_set_page(sg + n, pfn_to_page(run->pfn), bytes, 0);
		*size += bytes;
		end = run->pfn + run->npages;
	}
	return n;
}

/**
 * t1x_domain_map() - map runs one behind the other
 * @d: the domain
 * @iova: where, page aligned; nothing is mapped there
 * @runs: what
 * @nr: how many
 * @prot: IOMMU_READ and/or IOMMU_WRITE
 * @granule_shift: no page of the IOMMU may reach over a multiple of 2 to the power
 *	of this in IOVA; 0 for no such limit
 * @gfp: how page tables are allocated
 *
 * Each run is mapped by itself, and the IOMMU picks its largest pages; in a part for each
 * granule, so that no page of the IOMMU has parts of two, or for each page when
 * disable_hugepages is set.  Where the IOMMU driver has something to do after each call
 * (a request to the host, a flush), runs of RAM share one.  No call crosses a multiple of
 * T1X_FLUSH_SHIFT, because the kernel flushes what a call had mapped as one range.
 *
 * Context: as @gfp allows; not atomic.
 * Return: 0; -EIO if the IOMMU refused and then would not undo its part; other
 * errors of the IOMMU, with nothing mapped.
 */
int t1x_domain_map(struct t1x_domain *d, dma_addr_t iova,
		   const struct t1x_run *runs, unsigned int nr, int prot,
		   unsigned int granule_shift, gfp_t gfp)
{
	struct scatterlist sg[T1X_DOMAIN_SG] __uninitialized;
	u64 size = (u64)runs->npages << PAGE_SHIFT, done = 0;
	dma_addr_t mask, edge, at = iova;
	unsigned int n, most = 1;
	ssize_t ret;

	prot |= IOMMU_CACHE;
	if (unlikely(READ_ONCE(t1x_disable_hugepages)))
		granule_shift = PAGE_SHIFT;
	mask = BIT_ULL(min_not_zero(granule_shift, T1X_FLUSH_SHIFT)) - 1;
	/* No call maps beyond this byte. */
	edge = at | mask;
	/* Most maps are of one run that one call maps. */
	if (likely(nr == 1 && at + (size - 1) <= edge)) {
		ret = iommu_map(d->domain, at, (phys_addr_t)runs->pfn << PAGE_SHIFT, size,
				prot, gfp);
		t1x_stat_add(T1X_STAT_IOMMU_MAP_CALLS, !ret);
		return likely(!ret) ? 0 : t1x_domain_map_undo(d, at, at, at + size, ret);
	}

	if (nr > 1 && d->domain->ops->iotlb_sync_map && gfpflags_allow_blocking(gfp)) {
		most = T1X_DOMAIN_SG;
		sg_init_table(sg, min(nr, most));
	}
	while (nr) {
		n = 0;
		if (likely(!done && nr > 1 && most > 1))
			n = t1x_domain_collect(sg, runs, min(nr, most), edge - at + 1, &size);
		if (likely(n > 1)) {
			ret = iommu_map_sg(d->domain, at, sg, n, prot, gfp);
		} else {
			size = min(((u64)runs->npages << PAGE_SHIFT) - done, edge - at + 1);
			ret = iommu_map(d->domain, at,
					((phys_addr_t)runs->pfn << PAGE_SHIFT) + done, size,
					prot, gfp);
			done += size;
			n = done == (u64)runs->npages << PAGE_SHIFT;
		}
		if (unlikely(ret < 0))
			return t1x_domain_map_undo(d, iova, at, at + size, ret);
		t1x_stat_inc(T1X_STAT_IOMMU_MAP_CALLS);
		at += size;
		if (likely(n)) {
			done = 0;
			runs += n;
			nr -= n;
		}
		if (unlikely(at > edge)) {
			edge = at | mask;
			cond_resched();
		}
	}
	return 0;
}

static size_t t1x_domain_unmap_once(struct t1x_domain *d,
				    struct iommu_iotlb_gather *gather,
				    dma_addr_t iova, size_t size)
{
	t1x_stat_inc(T1X_STAT_IOMMU_UNMAP_CALLS);
	return iommu_unmap_fast(d->domain, iova, size, gather);
}

/*
 * An IOMMU driver stopped early, or returned more than it was asked for, which must not
 * happen with a range of whole calls to iommu_map().  Follow the page table instead: go on
 * behind every hole, and give up at a page that stays.
 */
static int t1x_domain_unmap_rest(struct t1x_domain *d,
				 struct iommu_iotlb_gather *gather,
				 dma_addr_t iova, size_t size, size_t done)
{
	t1x_stat_inc(T1X_STAT_UNMAP_ERRORS);
	t1x_domain_count_walk(d, iova, size >> PAGE_SHIFT);
	pr_err_ratelimited("IOMMU unmapped %#zx bytes instead of %#zx at %pad\n",
			   done, size, &iova);

	while (done < size) {
		dma_addr_t at = iova + done;
		size_t n = PAGE_SIZE;

		if (iommu_iova_to_phys(d->domain, at)) {
			n = t1x_domain_unmap_once(d, gather, at, size - done);
			if (!n) {
				pr_err_ratelimited("IOMMU keeps %pad: page stays pinned\n",
						   &at);
				return -EIO;
			}
		}
		done += n;
		cond_resched();
	}
	return 0;
}

/* The part of t1x_domain_unmap() that is in one block. */
static int t1x_domain_unmap_block(struct t1x_domain *d,
				  struct iommu_iotlb_gather *gather,
				  dma_addr_t iova, size_t size)
{
	size_t done;

	/*
	 * Some drivers flush by themselves whenever a gather would get a gap, so what
	 * they gathered is one range.  It must not grow over the edge of a block.
	 */
	if (unlikely(gather->end + 1 == iova &&
		     t1x_domain_crosses(gather->end, iova) &&
		     !t1x_gather_crosses(gather)))
		t1x_domain_sync(d, gather);

	done = t1x_domain_unmap_once(d, gather, iova, size);
	if (likely(done == size))
		return 0;
	return t1x_domain_unmap_rest(d, gather, iova, size, done);
}

/**
 * t1x_domain_unmap() - unmap whole runs, or whole granules of them
 * @d: the domain
 * @gather: collects what the IOTLB is to forget; from below @iova, if anything
 * @iova: first byte; the start of a run or granule
 * @npages: pages, up to the end of a run or granule
 *
 * The IOTLB may still hold the translations until t1x_domain_sync().
 *
 * Context: may sleep.  Allocates nothing.
 * Return: 0 if the page table holds no page of the range any more; -EIO if it
 * still does, when none of the range may be unpinned.
 */
int t1x_domain_unmap(struct t1x_domain *d, struct iommu_iotlb_gather *gather,
		     dma_addr_t iova, unsigned long npages)
{
	dma_addr_t last = iova + (((dma_addr_t)npages << PAGE_SHIFT) - 1), edge;
	int ret;

	for (;;) {
		edge = min(last, t1x_domain_edge(iova));
		ret = t1x_domain_unmap_block(d, gather, iova, edge - iova + 1);
		if (likely(edge == last) || ret)
			return ret;
		iova = edge + 1;
		cond_resched();
	}
}

/**
 * t1x_domain_sync() - make the IOTLB forget what was unmapped
 * @d: the domain
 * @gather: from t1x_domain_unmap(); empty afterwards
 *
 * The only place from which an IOTLB is flushed, but for what IOMMU drivers do inside
 * of iommu_map() and iommu_unmap_fast().  An IOMMU may refuse to flush a range beyond
 * a block, and its driver would not tell; so what has parts of several is flushed
 * together with all the rest of the domain (I1).
 *
 * Context: may sleep, waits for the hardware.
 */
void t1x_domain_sync(struct t1x_domain *d, struct iommu_iotlb_gather *gather)
{
	trace_t1x_sync(d->id, gather->start, gather->end);
	if (unlikely(t1x_gather_crosses(gather) &&
		     d->domain->ops->flush_iotlb_all)) {
		iommu_flush_iotlb_all(d->domain);
		/* The page tables that were emptied are still to be freed below. */
		gather->end = gather->start | ~PAGE_MASK;
	}
	iommu_iotlb_sync(d->domain, gather);
	preempt_disable();
	__this_cpu_inc(*d->syncs);
	preempt_enable();
	t1x_stat_inc(T1X_STAT_IOTLB_SYNCS);
}

/**
 * t1x_domain_nr_syncs() - how often t1x_domain_sync() was called for a domain
 * @d: the domain
 *
 * Return: the sum over all CPUs; exact while none counts.
 */
unsigned long t1x_domain_nr_syncs(const struct t1x_domain *d)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(d->syncs, cpu));
	return sum;
}

/**
 * t1x_domain_unmap_sync() - unmap whole runs, or whole granules, for good
 * @d: the domain
 * @iova: first byte, as for t1x_domain_unmap()
 * @npages: pages, as for t1x_domain_unmap()
 *
 * Context: may sleep, waits for the hardware.  Allocates nothing.
 * Return: 0 if the domain translates no page of the range any more, not even from
 * its IOTLB, and they may be unpinned (I1); else -EIO.
 */
int t1x_domain_unmap_sync(struct t1x_domain *d, dma_addr_t iova,
			  unsigned long npages)
{
	struct iommu_iotlb_gather gather;
	int ret;

	t1x_gather_init(&gather);
	ret = t1x_domain_unmap(d, &gather, iova, npages);
	t1x_domain_sync(d, &gather);
	return ret;
}

/**
 * t1x_domain_count_walk() - count and tell that a domain is asked for translations
 * @d: the domain
 * @iova: first byte
 * @npages: pages that it was or will be asked for
 */
void t1x_domain_count_walk(struct t1x_domain *d, dma_addr_t iova,
			   unsigned long npages)
{
	atomic_long_inc(&d->walks);
	trace_t1x_slow_walk(d->id, iova, npages);
}

/**
 * t1x_domain_iova_to_pfn() - ask a domain for a translation
 * @d: the domain
 * @iova: a page
 *
 * Return: the page frame, or 0 where nothing is mapped.
 */
unsigned long t1x_domain_iova_to_pfn(struct t1x_domain *d, dma_addr_t iova)
{
	return iommu_iova_to_phys(d->domain, iova) >> PAGE_SHIFT;
}

/**
 * t1x_group_for_each_resv() - look at each region that a group's devices reserve
 * @group: the group
 * @fn: called for each until it returns other than 0
 * @data: passed to @fn
 *
 * The regions are copies and belong to the caller, unlike those of a device, which
 * iommu_put_resv_regions() frees.
 *
 * Context: may sleep.
 * Return: what @fn returned last; 0 without a region; or an error of the IOMMU.
 */
int t1x_group_for_each_resv(struct iommu_group *group,
			    int (*fn)(const struct iommu_resv_region *region, void *data),
			    void *data)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	int ret;

	ret = iommu_get_group_resv_regions(group, &regions);
	list_for_each_entry_safe(region, next, &regions, list) {
		if (!ret)
			ret = fn(region, data);
		kfree(region);
	}
	return ret;
}

/**
 * t1x_group_msi_isolated() - can a group's devices raise only their own MSIs
 * @group: the group
 *
 * Return: whether interrupts are remapped for every device of the group.
 */
bool t1x_group_msi_isolated(struct iommu_group *group)
{
	return iommu_group_has_isolated_msi(group);
}

/**
 * t1x_group_number() - what userspace calls a group
 * @group: the group
 *
 * Return: the name of its folder in sysfs.
 */
int t1x_group_number(struct iommu_group *group)
{
	return iommu_group_id(group);
}
