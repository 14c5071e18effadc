// SPDX-License-Identifier: GPL-2.0-only
/*
 * Revoking MMIO: what the CPU loses, devices lose too.
 *
 * A BAR is neither pinned nor does its mapping keep the device.  vfio-pci takes
 * it from the CPU when memory decode goes off, on a reset and before the device
 * changes hands; a mapping would let other devices reach it for ever.  With
 * revoke_mmio set, a mapping that has MMIO watches its addresses, and a run is
 * unmapped from every domain before the page table entries behind it go.  It
 * does not come back: only a new mapping reads the page table again.
 *
 * Invariant: while t1x_container.mmio_lock is free, a run of MMIO of a watched
 * mapping is in a domain only if it was in the page table when it was read and
 * nothing was invalidated since.
 *
 * The watch stays with the addresses it began with, whatever becomes of the
 * mapping's vaddr: an owner cannot point it at something that never goes away.
 *
 * The parts of a mapping that was split share a guard, which is told of all that was
 * watched before; a watch says which of it concerns one part.
 */
#include "revoke.h"

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
 * struct t1x_guard - is told when addresses are invalidated
 * @notifier: in the mm of the owner that there was
 * @c: the container
 * @watches: whom to tell, struct t1x_watch; protected by &t1x_container.mmio_lock
 * @seq: of the invalidations before the page table was read last
 */
struct t1x_guard {
	struct mmu_interval_notifier notifier;
	struct t1x_container *c;
	struct list_head watches;
	unsigned long seq;
};

/**
 * struct t1x_watch - revokes the MMIO of a mapping
 * @node: in the list of the guard
 * @guard: the guard
 * @dma: the mapping
 * @first: pages of what is guarded before those of the mapping
 */
struct t1x_watch {
	struct list_head node;
	struct t1x_guard *guard;
	struct t1x_dma *dma;
	unsigned long first;
};

/* Revokes every run of MMIO that has a page of [first, last]; returns how many. */
static unsigned long t1x_revoke(struct t1x_container *c, struct t1x_dma *dma,
				unsigned long first, unsigned long last)
{
	unsigned long index = dma->runs.npages, nr = 0;
	struct t1x_runs_pos pos;
	struct t1x_run *run;

	lockdep_assert_held(&c->mmio_lock);

	t1x_runs_walk(&dma->runs, &pos);
	while ((run = t1x_runs_next(&pos))) {
		index -= run->npages;
		if (index + run->npages <= first)
			break;
		if (index > last || run->pinned || run->revoked)
			continue;
		/* If an IOMMU refuses, unfill will find out and tell. */
		run->revoked = !t1x_domain_list_unmap_sync(&c->domains,
							   t1x_dma_iova_at(dma, index),
							   run->npages);
		nr++;
	}
	return nr;
}

/* The same for all that is guarded: pages [first, last] of that. */
static unsigned long t1x_guard_revoke(struct t1x_guard *guard,
				      unsigned long first, unsigned long last)
{
	struct t1x_watch *watch;
	unsigned long nr = 0;

	list_for_each_entry(watch, &guard->watches, node)
		if (last >= watch->first)
			nr += t1x_revoke(guard->c, watch->dma,
					 max(first, watch->first) - watch->first,
					 last - watch->first);
	return nr;
}

static bool t1x_guard_invalidate(struct mmu_interval_notifier *notifier,
				 const struct mmu_notifier_range *range,
				 unsigned long seq)
{
	struct t1x_guard *guard = container_of(notifier, struct t1x_guard,
					       notifier);
	unsigned long start = notifier->interval_tree.start;
	unsigned long last = notifier->interval_tree.last;
	struct t1x_container *c = guard->c;
	unsigned long nr = 0;

	/* Only the OOM reaper must not sleep; it will find other memory. */
	if (!mmu_notifier_range_blockable(range))
		return false;

	mutex_lock(&c->mmio_lock);
	mmu_interval_set_seq(notifier, seq);
	/* That one leaves the page frame where it is. */
	if (range->event != MMU_NOTIFY_SOFT_DIRTY)
		nr = t1x_guard_revoke(guard,
				      (max(range->start, start) - start) >> PAGE_SHIFT,
				      (min(range->end - 1, last) - start) >> PAGE_SHIFT);
	mutex_unlock(&c->mmio_lock);
	t1x_stat_add(T1X_STAT_RUNS_REVOKED, nr);
	return true;
}

static const struct mmu_interval_notifier_ops t1x_guard_ops = {
	.invalidate = t1x_guard_invalidate,
};

/* Guards the addresses of a mapping; errors as of t1x_watch(). */
static struct t1x_guard *t1x_guard_alloc(struct t1x_container *c,
					 struct t1x_dma *dma)
{
	struct mm_struct *mm = dma->owner.mm;
	struct t1x_guard *guard;
	int ret;

	guard = kzalloc_obj(*guard, GFP_KERNEL_ACCOUNT);
	if (!guard)
		return ERR_PTR(-ENOMEM);
	guard->c = c;
	INIT_LIST_HEAD(&guard->watches);

	ret = mmap_write_lock_killable(mm);
	if (ret)
		goto err_free;
	ret = mmu_interval_notifier_insert_locked(&guard->notifier, mm,
						  untagged_addr_remote(mm, dma->vaddr),
						  t1x_dma_bytes(dma),
						  &t1x_guard_ops);
	mmap_write_unlock(mm);
	if (!ret)
		return guard;

err_free:
	kfree(guard);
	return ERR_PTR(ret);
}

static void t1x_guard_free(struct t1x_guard *guard)
{
	/* Waits for those who are in t1x_guard_invalidate(). */
	mmu_interval_notifier_remove(&guard->notifier);
	kfree(guard);
}

static void t1x_watch_add(struct t1x_watch *watch, struct t1x_guard *guard,
			  struct t1x_dma *dma, unsigned long first)
{
	lockdep_assert_held(&guard->c->mmio_lock);

	watch->guard = guard;
	watch->dma = dma;
	watch->first = first;
	list_add(&watch->node, &guard->watches);
	dma->watch = watch;
}

/**
 * t1x_watch_alloc() - get the memory that watching a mapping needs
 *
 * Context: may sleep.
 * Return: what t1x_watch_split() takes, or the caller's to kfree(); %NULL without
 * memory.
 */
struct t1x_watch *t1x_watch_alloc(void)
{
	return kzalloc_obj(struct t1x_watch, GFP_KERNEL_ACCOUNT);
}

/**
 * t1x_watch() - make the MMIO of a mapping revocable
 * @c: the container
 * @dma: the mapping, with no MMIO filled yet and not watched; its owner's mm
 *	has users
 *
 * Context: a range that covers the mapping is locked; takes mmap_lock
 * for write; may sleep.
 * Return: 0, -ENOMEM, or -EINTR when killed while waiting.
 */
int t1x_watch(struct t1x_container *c, struct t1x_dma *dma)
{
	struct t1x_guard *guard;
	struct t1x_watch *watch;

	watch = t1x_watch_alloc();
	if (!watch)
		return -ENOMEM;
	guard = t1x_guard_alloc(c, dma);
	if (IS_ERR(guard)) {
		kfree(watch);
		return PTR_ERR(guard);
	}

	mutex_lock(&c->mmio_lock);
	t1x_watch_add(watch, guard, dma, 0);
	mutex_unlock(&c->mmio_lock);
	return 0;
}

/**
 * t1x_watch_split() - watch the upper part of a mapping that is being split
 * @dma: the mapping, watched
 * @upper: its upper part
 * @npages: pages of the mapping below that
 * @watch: from t1x_watch_alloc()
 *
 * Context: the container's mmio_lock is held, from before the first run moves.
 */
void t1x_watch_split(struct t1x_dma *dma, struct t1x_dma *upper,
		     unsigned long npages, struct t1x_watch *watch)
{
	t1x_watch_add(watch, dma->watch->guard, upper,
		      dma->watch->first + npages);
}

/**
 * t1x_unwatch() - undo t1x_watch()
 * @c: the container
 * @dma: the mapping; none of its MMIO is in a domain afterwards
 *
 * Revokes first, so that at no time an IOMMU has what nobody watches.
 *
 * Context: a range that covers the mapping is locked; may sleep.
 * Allocates nothing.
 */
void t1x_unwatch(struct t1x_container *c, struct t1x_dma *dma)
{
	struct t1x_watch *watch = dma->watch;
	struct t1x_guard *guard = watch->guard;
	bool last;

	mutex_lock(&c->mmio_lock);
	t1x_revoke(c, dma, 0, t1x_dma_npages(dma) - 1);
	list_del(&watch->node);
	last = list_empty(&guard->watches);
	mutex_unlock(&c->mmio_lock);

	if (last)
		t1x_guard_free(guard);
	kfree(watch);
	dma->watch = NULL;
}

/**
 * t1x_watch_begin() - start to read the page table of a watched mapping
 * @dma: the mapping
 *
 * Context: a range that covers the mapping is locked; mmap_lock is
 * not; may sleep, until nobody invalidates these addresses any more.
 */
void t1x_watch_begin(struct t1x_dma *dma)
{
	struct t1x_guard *guard = dma->watch->guard;

	guard->seq = mmu_interval_read_begin(&guard->notifier);
}

/**
 * t1x_watch_hit() - is what was read from the page table stale
 * @dma: the mapping
 *
 * Context: the container's mmio_lock is held, and stays held until what was
 * read is in the domains and in the runs, or given up.
 * Return: whether anything was invalidated since t1x_watch_begin().
 */
bool t1x_watch_hit(struct t1x_dma *dma)
{
	struct t1x_guard *guard = dma->watch->guard;

	return mmu_interval_read_retry(&guard->notifier, guard->seq);
}

