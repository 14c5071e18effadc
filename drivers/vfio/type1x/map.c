// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP: which requests are granted, and the steps of one.
 */

/**
 * DOC: Life of a MAP
 *
 * uapi.c copies the request in and checks its size and flags.  t1x_map() locks the range
 * and the container, t1x_map_check() decides in the order of type1, and an empty mapping
 * enters the tree; then the container is unlocked, so other ranges can be mapped and
 * unmapped meanwhile.
 *
 * t1x_dma_fill() pins up to 512 pages at a time (pfn_reader.c), joins contiguous pages to
 * runs, charges RAM (account.c) and maps the runs into every domain (domain_list.c), each
 * by itself, until nothing is left.  Without a domain it does nothing, and the
 * mapping is filled when the first group with an IOMMU is attached; with registered memory
 * (mr.c) pages are pinned and charged already.  What is one page that is there, or is
 * registered, is done by t1x_fill_page(), which needs no state for it.
 *
 * &t1x_dma.filled counts a prefix of the mapping all the time.  If any step fails, pages
 * that no domain has are unpinned at once and t1x_dma_unfill() undoes the prefix, so the
 * container is as it was (I4); then the mapping leaves the tree.
 */
#include "map.h"

#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/sched.h>

#include "account.h"
#include "aperture.h"
#include "container.h"
#include "dirty.h"
#include "dma.h"
#include "fill.h"
#include "fill_page.h"
#include "mr.h"
#include "stats.h"
#include "t1x.h"
#include "trace.h"

static int t1x_map_log_bad_iova(struct t1x_container *c, dma_addr_t iova,
				dma_addr_t last)
{
	dma_addr_t top = c->iova_ranges.range[c->iova_ranges.nr - 1].last;
	struct t1x_iova_range gap;

	if (last > top)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "map [%#llx, %#llx]: the IOMMU can address no more than %#llx",
				   iova, last, top);
	t1x_iova_gap(&c->iova_ranges, iova, &gap);
	switch (t1x_aperture_reserved(c, gap.first, gap.last)) {
	case IOMMU_RESV_MSI:
	case IOMMU_RESV_SW_MSI:
		return t1x_log_err(&c->errlog, -EINVAL,
				   "map [%#llx, %#llx]: [%#llx, %#llx] is reserved for interrupts (MSI)",
				   iova, last, gap.first, gap.last);
	case IOMMU_RESV_DIRECT:
		return t1x_log_err(&c->errlog, -EINVAL,
				   "map [%#llx, %#llx]: [%#llx, %#llx] is reserved for the firmware (RMRR, IVMD)",
				   iova, last, gap.first, gap.last);
	default:
		return t1x_log_err(&c->errlog, -EINVAL,
				   "map [%#llx, %#llx]: [%#llx, %#llx] is reserved by the platform or the IOMMU",
				   iova, last, gap.first, gap.last);
	}
}

/* The errnos, and which comes first, are those of type1 in 7.2. */
static int t1x_map_check(struct t1x_container *c, dma_addr_t iova,
			 dma_addr_t last, unsigned long vaddr)
{
	unsigned long mask = t1x_container_pgsize(c) - 1;
	struct t1x_dma *dma;

	/* last + 1 is the size's alignment; wrapping to 0 is aligned. */
	if ((iova | (last + 1) | vaddr) & mask)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "map [%#llx, %#llx] at vaddr %#llx is not aligned to %#llx",
				   iova, last, vaddr, mask + 1);
	dma = t1x_dma_first(&c->dma_tree, iova, last);
	if (dma)
		return t1x_log_err(&c->errlog, -EEXIST,
				   "map [%#llx, %#llx] overlaps the mapping [%#llx, %#llx]",
				   iova, last, dma->iova, dma->last);
	if (c->dma_avail <= 0)
		return t1x_log_err(&c->errlog, -ENOSPC,
				   "map [%#llx, %#llx]: all dma_entry_limit mappings are in use",
				   iova, last);
	if (c->iova_ranges.nr && !t1x_iova_contains(&c->iova_ranges, iova, last))
		return t1x_map_log_bad_iova(c, iova, last);
	return 0;
}

/* The rules of a granule, which is not 0. */
static int t1x_map_check_granule(struct t1x_container *c, dma_addr_t iova,
				 dma_addr_t last, u64 granule)
{
	if (c->v2 && is_power_of_2(granule) &&
	    granule >= t1x_container_pgsize(c) &&
	    !((iova | (last + 1)) & (granule - 1)))
		return 0;
	return t1x_log_err(&c->errlog, -EINVAL,
			   "map [%#llx, %#llx] by granules of %#llx", iova,
			   last, granule);
}

/* Registered memory that has the range, or NULL if it has to be pinned. */
static struct t1x_mr *t1x_map_mr(struct t1x_container *c,
				 unsigned long vaddr,
				 unsigned long vaddr_last,
				 unsigned int prot)
{
	struct t1x_mr *mr = NULL;
	int ret = 0;

	if (!RB_EMPTY_ROOT(&c->mrs))
		mr = t1x_mr_find(c, vaddr, vaddr_last);
	if (!mr && c->registered_only)
		ret = t1x_log_err(&c->errlog, -EINVAL,
				  "map of [%#llx, %#llx], which is not registered",
				  vaddr, vaddr_last);
	if (mr && prot & IOMMU_WRITE && !mr->write)
		ret = t1x_log_err(&c->errlog, -EPERM,
				  "map of [%#llx, %#llx], registered without write",
				  vaddr, vaddr_last);
	return ret ? ERR_PTR(ret) : mr;
}

/* Puts an empty mapping into the tree. */
static struct t1x_dma *t1x_map_begin(struct t1x_container *c, dma_addr_t iova,
				     dma_addr_t last, unsigned long vaddr,
				     unsigned int prot, u64 granule)
{
	struct t1x_mr *mr;
	struct t1x_dma *dma;
	int ret;

	ret = t1x_map_check(c, iova, last, vaddr);
	if (!ret && granule)
		ret = t1x_map_check_granule(c, iova, last, granule);
	if (ret)
		return ERR_PTR(ret);
	mr = t1x_map_mr(c, vaddr, vaddr + (unsigned long)(last - iova),
			prot);
	if (IS_ERR(mr))
		return ERR_CAST(mr);
	dma = t1x_dma_alloc(iova, last, vaddr, prot);
	if (!dma)
		return ERR_PTR(t1x_log_err(&c->errlog, -ENOMEM,
					   "map [%#llx, %#llx]: no memory for the mapping",
					   iova, last));
	if (granule)
		dma->granule_shift = __ffs64(granule);
	if (mr) {
		dma->registered = true;
		dma->mr = mr;
		dma->mr_first = (vaddr - mr->urange.first) >> PAGE_SHIFT;
	}
	ret = t1x_owner_get(&dma->owner, &c->process);
	if (unlikely(ret))
		goto err_free;
	ret = c->dirty ? t1x_dirty_track(c, dma) : 0;
	if (unlikely(ret))
		goto err_put;
	t1x_container_insert(c, dma);
	c->nr_map_calls++;
	return dma;

err_put:
	t1x_owner_put(&dma->owner);
err_free:
	t1x_dma_free(dma);
	return ERR_PTR(ret);
}

/* Undoes t1x_map_begin(). */
static void t1x_map_cancel(struct t1x_container *c, struct t1x_dma *dma)
{
	mutex_lock(&c->lock);
	t1x_dirty_untrack(dma);
	t1x_container_remove(c, dma);
	mutex_unlock(&c->lock);
	t1x_owner_put(&dma->owner);
	t1x_dma_free(dma);
}

/* What is mapped is the caller's memory: a kernel thread has none. */
static int t1x_map_lock(struct t1x_container *c, struct t1x_range *range,
			dma_addr_t iova, dma_addr_t last, enum t1x_range_op op)
{
	if (!current->mm)
		return -ENODEV;
	return t1x_container_lock(c, range, iova, last, op);
}

/**
 * t1x_map() - make a mapping
 * @c: the container
 * @iova: first byte on the device's side
 * @last: last byte
 * @vaddr: user address of @iova
 * @prot: IOMMU_READ and/or IOMMU_WRITE
 * @granule: bytes; multiples of it are where the mapping may be split; 0: nowhere
 *
 * Context: locks the range; may sleep long; called by the owner-to-be.
 * Return: 0; -EINVAL, -EEXIST, -ENOSPC or -EPERM for what cannot be mapped;
 * errors of t1x_dma_fill(); -EINTR when killed.  On failure nothing changed
 * (I4), unless an IOMMU would not give a page back: then the mapping stays, for
 * a later unmap to try again.
 */
int t1x_map(struct t1x_container *c, dma_addr_t iova, dma_addr_t last,
	    unsigned long vaddr, unsigned int prot, u64 granule)
{
	struct t1x_range range __uninitialized;	/* t1x_range_lock() sets it */
	struct t1x_dma *dma;
	int ret;

	ret = t1x_map_lock(c, &range, iova, last, T1X_RANGE_MAP);
	if (ret)
		return ret;
	dma = t1x_map_begin(c, iova, last, vaddr, prot, granule);
	mutex_unlock(&c->lock);
	if (IS_ERR(dma)) {
		ret = PTR_ERR(dma);
		goto out_unlock;
	}

	trace_t1x_map_begin(c->id, iova, last, vaddr, prot);
	ret = t1x_fill_page(c, &range, dma);
	if (ret > 0)
		ret = t1x_dma_fill(c, &range, dma);
	trace_t1x_map_end(c->id, iova, last, dma->filled, t1x_runs_nr(&dma->runs), ret);
	if (unlikely(ret && !dma->filled))
		t1x_map_cancel(c, dma);
	else
		t1x_stat_inc(T1X_STAT_MAP_CALLS);

out_unlock:
	t1x_range_unlock(&c->range_tree, &range);
	return ret;
}

/**
 * t1x_map_vaddr() - give a mapping a new vaddr after its old one was taken back
 * @c: the container
 * @iova: first byte of the mapping
 * @last: its last byte
 * @vaddr: user address of @iova in the caller
 *
 * The caller becomes the owner, and has to have the very same memory there: what is
 * pinned stays pinned, and DMA never stopped.
 *
 * Context: locks the range; may sleep.
 * Return: 0; -ENOENT where nothing is mapped; -EINVAL unless the range is one
 * whole mapping whose vaddr is invalid; errors of t1x_owner_replace(); -EINTR
 * when killed while waiting.  On failure nothing changed.
 */
int t1x_map_vaddr(struct t1x_container *c, dma_addr_t iova, dma_addr_t last,
		  unsigned long vaddr)
{
	struct t1x_range range;
	unsigned long mask;
	struct t1x_dma *dma;
	int ret;

	ret = t1x_map_lock(c, &range, iova, last, T1X_RANGE_OTHER);
	if (ret)
		return ret;

	mask = t1x_container_pgsize(c) - 1;
	dma = t1x_dma_first(&c->dma_tree, iova, last);
	if ((iova | (last + 1) | vaddr) & mask)
		ret = -EINVAL;
	else if (!dma)
		ret = -ENOENT;
	else if (!dma->vaddr_invalid || dma->iova != iova || dma->last != last)
		ret = -EINVAL;
	else
		ret = t1x_owner_replace(&dma->owner, &c->process, &c->errlog);
	if (ret) {
		t1x_log_err(&c->errlog, ret,
			    "new vaddr %#llx for [%#llx, %#llx]", vaddr, iova,
			    last);
		goto out_unlock;
	}

	dma->vpn = vaddr >> PAGE_SHIFT;
	dma->vaddr_invalid = false;
	c->nr_vaddr_invalid--;

out_unlock:
	t1x_container_unlock(c, &range);
	return ret;
}
