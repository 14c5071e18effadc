// SPDX-License-Identifier: GPL-2.0-only
/*
 * Splitting a mapping in two, because UNMAP takes a part of it.
 *
 *   before    |------------- dma --------------|
 *   after     |---- dma ----|----- upper ------|
 *
 * Nothing is unmapped, pinned or charged: each part keeps what it has, and no
 * iommu_map() reaches over the split, which is between granules (I6).  So only the runs are
 * divided, and no IOMMU is called.
 *
 * An UNMAP may need two splits and must do all or nothing (I4): what may fail for
 * want of memory comes first, for both.  Then they are made, the higher one first.
 */
#include "split.h"

#include <linux/slab.h>

#include "account.h"
#include "container.h"
#include "dirty.h"
#include "dma.h"
#include "mmio_notifier.h"

/**
 * t1x_split_prepare() - do all of a split that may fail
 * @c: the container
 * @split: to be filled in
 * @dma: the mapping, whose granules allow it
 * @iova: first byte of its upper part
 *
 * Context: the lock is held, and a range that has a part of the mapping; may sleep.
 * Return: 0, when t1x_split_commit() or t1x_split_cancel() has to follow before the lock is
 * dropped; or -ENOMEM with nothing to be undone.
 */
int t1x_split_prepare(struct t1x_container *c, struct t1x_split *split,
		      struct t1x_dma *dma, dma_addr_t iova)
{
	u64 bytes = iova - dma->iova;
	struct t1x_dma *upper;

	upper = t1x_dma_alloc(iova, dma->last, t1x_dma_vaddr(dma) + bytes, dma->prot);
	if (!upper)
		return -ENOMEM;
	upper->granule_shift = dma->granule_shift;
	if (dma->registered) {
		upper->registered = true;
		upper->mr = dma->mr;
		upper->mr_first = dma->mr_first + (bytes >> PAGE_SHIFT);
	}
	t1x_owner_dup(&dma->owner, &upper->owner);
	*split = (struct t1x_split){ .dma = dma, .upper = upper };

	if (dma->dirty && t1x_dirty_track(c, upper))
		goto err_cancel;
	if (t1x_runs_split_alloc(&dma->runs, bytes >> PAGE_SHIFT, GFP_KERNEL_ACCOUNT,
				 &split->spare))
		goto err_cancel;
	if (t1x_dma_mmio(dma))
		split->mmio = t1x_mmio_range_alloc();
	if (!t1x_dma_mmio(dma) == !split->mmio)
		return 0;

err_cancel:
	t1x_split_cancel(split);
	return -ENOMEM;
}

/**
 * t1x_split_cancel() - undo t1x_split_prepare()
 * @split: what that filled in; nothing is to be split afterwards
 */
void t1x_split_cancel(struct t1x_split *split)
{
	if (!split->dma)
		return;
	kfree(split->mmio);
	kfree(split->spare);
	t1x_dirty_untrack(split->upper);
	t1x_owner_put(&split->upper->owner);
	t1x_dma_free(split->upper);
	split->dma = NULL;
}

/* Moves what is filled; mmio_lock keeps revocation away meanwhile. */
static void t1x_split_runs(struct t1x_container *c, struct t1x_split *split,
			   unsigned long npages)
{
	struct t1x_dma *dma = split->dma, *upper = split->upper;

	mutex_lock(&c->mmio_lock);
	t1x_runs_split(&dma->runs, npages, &upper->runs, split->spare);
	if (t1x_dma_mmio(dma))
		t1x_mmio_range_split(dma, upper, npages, split->mmio);
	if (dma->filled > npages) {
		upper->filled = dma->filled - npages;
		dma->filled = npages;
	}
	mutex_unlock(&c->mmio_lock);
}

/* Counts the pages that are charged for a part of a mapping (I2), by its runs. */
static unsigned long t1x_split_count(struct t1x_container *c, struct t1x_dma *part)
{
	unsigned long npages = t1x_dma_npages(part), nram;
	const struct t1x_run *run;
	struct t1x_runs_pos pos;

	nram = t1x_access_pages_nram(&c->access_pages,
				     t1x_access_pages_index(part->iova) + part->filled,
				     npages - part->filled);
	t1x_runs_walk(&part->runs, &pos);
	while ((run = t1x_runs_next(&pos)))
		nram += t1x_run_nram(run);
	return nram;
}

/*
 * Pages that are charged for the upper part.  Mostly all of a mapping is charged, or
 * nothing; else the part that has fewer runs is counted.
 */
static unsigned long t1x_split_charge(struct t1x_container *c, const struct t1x_split *split)
{
	struct t1x_dma *dma = split->dma, *upper = split->upper;
	unsigned long charged = dma->owner.charged;

	if (!charged || charged == t1x_dma_npages(dma) + t1x_dma_npages(upper))
		return t1x_dma_npages(upper);
	if (t1x_runs_nr(&dma->runs) < t1x_runs_nr(&upper->runs))
		return charged - t1x_split_count(c, dma);
	return t1x_split_count(c, upper);
}

/**
 * t1x_split_commit() - split a mapping
 * @c: the container
 * @split: from t1x_split_prepare(); the mapping may have been split above that since
 *
 * Context: the lock is held, and a range that has a part of the mapping.  Allocates
 * nothing.
 * Return: the upper part, which is in the tree now.
 */
struct t1x_dma *t1x_split_commit(struct t1x_container *c, struct t1x_split *split)
{
	struct t1x_dma *dma = split->dma, *upper = split->upper;
	unsigned long npages = (upper->iova - dma->iova) >> PAGE_SHIFT;

	upper->last = dma->last;
	dma->last = upper->iova - 1;
	t1x_split_runs(c, split, npages);
	t1x_dirty_split(c, dma, upper, npages);

	t1x_owner_transfer(&dma->owner, &upper->owner, t1x_split_charge(c, split));

	if (dma->vaddr_invalid) {
		upper->vaddr_invalid = true;
		c->nr_vaddr_invalid++;
	}
	t1x_container_insert(c, upper);
	return upper;
}
