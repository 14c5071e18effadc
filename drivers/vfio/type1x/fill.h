/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_FILL_H
#define _T1X_FILL_H

#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>

#include "container.h"
#include "dma.h"

/**
 * t1x_container_assert() - expect that something is busy, or the lock held
 * @c: the container
 */
static inline void t1x_container_assert(struct t1x_container *c)
{
	lockdep_assert(!hlist_empty(&c->busy) || lockdep_is_held(&c->lock));
}

/**
 * t1x_dma_writable() - may devices write to a mapping
 * @dma: the mapping
 *
 * Return: whether they may.
 */
static inline bool t1x_dma_writable(const struct t1x_dma *dma)
{
	return dma->prot & IOMMU_WRITE;
}

/**
 * t1x_dma_not_held() - pages to be charged for a range of a mapping
 * @c: the container
 * @dma: the mapping
 * @nram: RAM pages of the range
 * @first: its first page
 * @npages: its pages
 *
 * What a mediated device holds is charged for as long as either of the two has
 * it (I2).
 *
 * Return: RAM pages that no mediated device holds.
 */
static inline unsigned long t1x_dma_not_held(struct t1x_container *c,
					     const struct t1x_dma *dma,
					     unsigned long nram,
					     unsigned long first,
					     unsigned long npages)
{
	if (likely(t1x_pins_empty(&c->pins)))
		return nram;
	first += t1x_pins_index(dma->iova);
	return nram - min(nram, t1x_pins_nram(&c->pins, first, npages));
}

/**
 * t1x_fill_lock() - begin to map what a mapping holds
 * @c: the container
 * @dma: the mapping
 *
 * What is watched is filled under mmio_lock.  Reclaim may invalidate it, which
 * takes that lock, so memory is there at once or not at all.
 *
 * Context: the mapping is busy, or the lock is held.
 * Return: how memory may be allocated until t1x_fill_unlock().
 */
static inline gfp_t t1x_fill_lock(struct t1x_container *c,
				  const struct t1x_dma *dma)
{
	if (likely(!dma->watch))
		return GFP_KERNEL_ACCOUNT;
	mutex_lock(&c->mmio_lock);
	return GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN;
}

/**
 * t1x_fill_unlock() - undo t1x_fill_lock()
 * @c: the container
 * @dma: the mapping
 */
static inline void t1x_fill_unlock(struct t1x_container *c,
				   const struct t1x_dma *dma)
{
	if (unlikely(dma->watch))
		mutex_unlock(&c->mmio_lock);
}

/* fill.c */
int t1x_dma_fill(struct t1x_container *c, struct t1x_dma *dma);

/* unfill.c */
int t1x_dma_unfill(struct t1x_container *c, struct t1x_dma *dma);
int t1x_dmas_unfill(struct t1x_container *c, struct t1x_dma *going);
unsigned long t1x_dma_lookup(struct t1x_domain *d, const struct t1x_dma *dma,
			     unsigned long index, struct t1x_run *run);
void t1x_dma_abandon(struct t1x_container *c, struct t1x_dma *dma);

/* replay.c */
int t1x_dma_replay(struct t1x_container *c, struct t1x_dma *dma,
		   struct t1x_domain *d);

#endif /* _T1X_FILL_H */
