// SPDX-License-Identifier: GPL-2.0-only
/*
 * Revoking MMIO: what is unmapped from the process is unmapped from the domains.
 *
 * A BAR is neither pinned nor does its mapping keep the device.  vfio-pci takes
 * it from the process when memory decode goes off, on a reset and before another user gets
 * the device; a mapping would let other devices reach it for ever.  With
 * revoke_mmio set, a mapping that has MMIO watches its addresses, and a run is
 * unmapped from every domain before the page table entries behind it go.  It
 * does not come back: only a new mapping reads the page table again.
 *
 * Invariant: while t1x_container.mmio_lock is free, a run of MMIO of a watched
 * mapping is in a domain only if it was in the page table when it was read and
 * nothing was invalidated since.
 *
 * The notifier stays with the addresses it began with, whatever becomes of the
 * mapping's vaddr: an owner cannot point it at something that never goes away.
 *
 * The parts of a mapping that was split share a notifier, which is told of all that was
 * watched before; a struct t1x_mmio_range says which of it concerns one part.
 */
#include "mmio_notifier.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "container.h"
#include "dma.h"
#include "domain_list.h"
#include "stats.h"
#include "t1x.h"

#ifndef CONFIG_MMU_NOTIFIER
#error "type1x needs CONFIG_MMU_NOTIFIER, which KVM selects"
#endif

/**
 * struct t1x_mmio_notifier - a notifier of invalidated user addresses
 * @interval: in the mm of the owner at the time
 * @c: the container
 * @ranges: the mappings in it, struct t1x_mmio_range; protected by
 *	&t1x_container.mmio_lock
 * @first: pages before the first MMIO that was ever filled
 * @last: pages before the last one; both are protected by &t1x_container.mmio_lock
 * @seq: of the invalidations before the page table was read last; protected by the range
 *	lock that covers the mapping
 */
struct t1x_mmio_notifier {
	struct mmu_interval_notifier interval;
	struct t1x_container *c;
	struct list_head ranges;
	unsigned long first;
	unsigned long last;
	unsigned long seq;
};

/**
 * struct t1x_mmio_range - the mapping that loses its MMIO when a notifier fires
 * @node: in &t1x_mmio_notifier.ranges
 * @notifier: the notifier
 * @dma: the mapping
 * @first: pages of the notifier before those of the mapping
 *
 * Protected by &t1x_container.mmio_lock.
 */
struct t1x_mmio_range {
	struct list_head node;
	struct t1x_mmio_notifier *notifier;
	struct t1x_dma *dma;
	unsigned long first;
};

/* Revokes every run of MMIO that has a page of [first, last]; returns how many. */
static unsigned long t1x_mmio_range_revoke(struct t1x_container *c, struct t1x_dma *dma,
					   unsigned long first, unsigned long last)
{
	unsigned long index, nr = 0;
	struct t1x_runs_pos pos;
	struct t1x_run *run;

	lockdep_assert_held(&c->mmio_lock);

	index = t1x_runs_walk_from(&dma->runs, last, &pos);
	while (index > first && (run = t1x_runs_next(&pos))) {
		index -= run->npages;
		if (run->pinned || run->revoked)
			continue;
		/* If an IOMMU keeps a page, t1x_dma_unfill() will report it. */
		run->revoked = !t1x_domain_list_unmap_sync(&c->domains,
							   t1x_dma_iova_at(dma, index),
							   run->npages);
		nr++;
	}
	return nr;
}

/* The same for pages [first, last] of the notifier. */
static unsigned long t1x_mmio_notifier_revoke(struct t1x_mmio_notifier *mn,
					      unsigned long first, unsigned long last)
{
	struct t1x_mmio_range *mmio;
	unsigned long nr = 0;

	/* Mostly it is RAM that is invalidated, of which there are very many runs. */
	first = max(first, mn->first);
	last = min(last, mn->last);
	if (first > last)
		return 0;
	list_for_each_entry(mmio, &mn->ranges, node)
		if (last >= mmio->first)
			nr += t1x_mmio_range_revoke(mn->c, mmio->dma,
						    max(first, mmio->first) - mmio->first,
						    last - mmio->first);
	return nr;
}

static bool t1x_mmio_notifier_invalidate(struct mmu_interval_notifier *notifier,
					 const struct mmu_notifier_range *range,
					 unsigned long seq)
{
	struct t1x_mmio_notifier *mn = container_of(notifier, struct t1x_mmio_notifier,
						    interval);
	unsigned long start = notifier->interval_tree.start;
	unsigned long last = notifier->interval_tree.last;
	struct t1x_container *c = mn->c;
	unsigned long nr = 0;

	/* Only the OOM reaper must not sleep; it goes on to other memory. */
	if (!mmu_notifier_range_blockable(range))
		return false;

	mutex_lock(&c->mmio_lock);
	mmu_interval_set_seq(notifier, seq);
	/* That one leaves the page frame where it is. */
	if (range->event != MMU_NOTIFY_SOFT_DIRTY)
		nr = t1x_mmio_notifier_revoke(mn,
					      (max(range->start, start) - start) >> PAGE_SHIFT,
					      (min(range->end - 1, last) - start) >> PAGE_SHIFT);
	mutex_unlock(&c->mmio_lock);
	t1x_stat_add(T1X_STAT_RUNS_REVOKED, nr);
	return true;
}

static const struct mmu_interval_notifier_ops t1x_mmio_notifier_ops = {
	.invalidate = t1x_mmio_notifier_invalidate,
};

/* Adds a notifier for the addresses of a mapping; errors as of t1x_mmio_register(). */
static struct t1x_mmio_notifier *t1x_mmio_notifier_alloc(struct t1x_container *c,
							 struct t1x_dma *dma)
{
	struct mm_struct *mm = dma->owner.process->mm;
	struct t1x_mmio_notifier *mn;
	int ret;

	mn = kzalloc_obj(*mn, GFP_KERNEL_ACCOUNT);
	if (!mn)
		return ERR_PTR(-ENOMEM);
	mn->c = c;
	mn->first = ULONG_MAX;
	INIT_LIST_HEAD(&mn->ranges);

	ret = mmap_write_lock_killable(mm);
	if (ret)
		goto err_free;
	ret = mmu_interval_notifier_insert_locked(&mn->interval, mm,
						  untagged_addr_remote(mm, t1x_dma_vaddr(dma)),
						  t1x_dma_bytes(dma),
						  &t1x_mmio_notifier_ops);
	mmap_write_unlock(mm);
	if (!ret)
		return mn;

err_free:
	kfree(mn);
	return ERR_PTR(ret);
}

static void t1x_mmio_notifier_free(struct t1x_mmio_notifier *mn)
{
	/* Waits until no t1x_mmio_notifier_invalidate() is under way. */
	mmu_interval_notifier_remove(&mn->interval);
	kfree(mn);
}

static void t1x_mmio_range_add(struct t1x_mmio_range *mmio, struct t1x_mmio_notifier *mn,
			       struct t1x_dma *dma, unsigned long first)
{
	lockdep_assert_held(&mn->c->mmio_lock);

	mmio->notifier = mn;
	mmio->dma = dma;
	mmio->first = first;
	list_add(&mmio->node, &mn->ranges);
	dma->mmio = mmio;
}

/**
 * t1x_mmio_range_alloc() - allocate what one more mapping of a notifier needs
 *
 * Context: may sleep.
 * Return: what t1x_mmio_range_split() takes, or the caller's to kfree(); %NULL without
 * memory.
 */
struct t1x_mmio_range *t1x_mmio_range_alloc(void)
{
	return kzalloc_obj(struct t1x_mmio_range, GFP_KERNEL_ACCOUNT);
}

/**
 * t1x_mmio_register() - make the MMIO of a mapping revocable
 * @c: the container
 * @dma: the mapping, with no MMIO filled yet and not watched; its owner's mm
 *	has users
 *
 * Context: a range that covers the mapping is locked; takes mmap_lock
 * for write; may sleep.
 * Return: 0, -ENOMEM, or -EINTR when killed while waiting.
 */
int t1x_mmio_register(struct t1x_container *c, struct t1x_dma *dma)
{
	struct t1x_mmio_notifier *mn;
	struct t1x_mmio_range *mmio;

	mmio = t1x_mmio_range_alloc();
	if (!mmio)
		return -ENOMEM;
	mn = t1x_mmio_notifier_alloc(c, dma);
	if (IS_ERR(mn)) {
		kfree(mmio);
		return PTR_ERR(mn);
	}

	mutex_lock(&c->mmio_lock);
	t1x_mmio_range_add(mmio, mn, dma, 0);
	mutex_unlock(&c->mmio_lock);
	return 0;
}

/**
 * t1x_mmio_range_split() - add the upper part of a mapping that is being split
 * @dma: the mapping, watched
 * @upper: its upper part
 * @npages: pages of the mapping below that
 * @mmio: from t1x_mmio_range_alloc()
 *
 * Context: the container's mmio_lock is held, from before the first run moves.
 */
void t1x_mmio_range_split(struct t1x_dma *dma, struct t1x_dma *upper,
			  unsigned long npages, struct t1x_mmio_range *mmio)
{
	t1x_mmio_range_add(mmio, dma->mmio->notifier, upper,
			   dma->mmio->first + npages);
}

/**
 * t1x_mmio_unregister() - undo t1x_mmio_register()
 * @c: the container
 * @dma: the mapping; none of its MMIO is in a domain afterwards
 *
 * Unmaps MMIO before the notifier is removed: a domain never maps MMIO without one.
 *
 * Context: a range that covers the mapping is locked; may sleep.
 * Allocates nothing.
 */
void t1x_mmio_unregister(struct t1x_container *c, struct t1x_dma *dma)
{
	struct t1x_mmio_range *mmio = dma->mmio;
	struct t1x_mmio_notifier *mn = mmio->notifier;
	bool last;

	mutex_lock(&c->mmio_lock);
	if (mn->first <= mn->last)
		t1x_mmio_range_revoke(c, dma, 0, t1x_dma_npages(dma) - 1);
	list_del(&mmio->node);
	last = list_empty(&mn->ranges);
	mutex_unlock(&c->mmio_lock);

	if (last)
		t1x_mmio_notifier_free(mn);
	kfree(mmio);
	dma->mmio = NULL;
}

/**
 * t1x_mmio_fill() - have MMIO of a watched mapping revoked when it is invalidated
 * @dma: the mapping
 * @index: pages of the mapping before the MMIO
 * @npages: its pages
 *
 * Context: the container's mmio_lock is held, from before it is mapped.
 */
void t1x_mmio_fill(struct t1x_dma *dma, unsigned long index, unsigned long npages)
{
	struct t1x_mmio_notifier *mn = dma->mmio->notifier;

	lockdep_assert_held(&mn->c->mmio_lock);

	index += dma->mmio->first;
	mn->first = min(mn->first, index);
	mn->last = max(mn->last, index + npages - 1);
}

/**
 * t1x_mmio_read_begin() - start to read the page table of a watched mapping
 * @dma: the mapping
 *
 * Context: a range that covers the mapping is locked; mmap_lock is not; may sleep, until
 * invalidations of these addresses have ended.
 */
void t1x_mmio_read_begin(struct t1x_dma *dma)
{
	struct t1x_mmio_notifier *mn = dma->mmio->notifier;

	mn->seq = mmu_interval_read_begin(&mn->interval);
}

/**
 * t1x_mmio_read_retry() - is what was read from the page table stale
 * @dma: the mapping
 *
 * Context: the container's mmio_lock is held, and stays held until what was
 * read is in the domains and in the runs, or given up.
 * Return: whether anything was invalidated since t1x_mmio_read_begin().
 */
bool t1x_mmio_read_retry(struct t1x_dma *dma)
{
	struct t1x_mmio_notifier *mn = dma->mmio->notifier;

	return mmu_interval_read_retry(&mn->interval, mn->seq);
}

