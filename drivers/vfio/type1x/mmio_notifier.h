/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_MMIO_NOTIFIER_H
#define _T1X_MMIO_NOTIFIER_H

#include <linux/gfp.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "container.h"
#include "dma.h"

struct t1x_mmio_range;

int t1x_mmio_register(struct t1x_container *c, struct t1x_dma *dma);
struct t1x_mmio_range *t1x_mmio_range_alloc(void);
void t1x_mmio_range_split(struct t1x_dma *dma, struct t1x_dma *upper,
			  unsigned long npages, struct t1x_mmio_range *mmio);
void t1x_mmio_unregister(struct t1x_container *c, struct t1x_dma *dma);
void t1x_mmio_fill(struct t1x_dma *dma, unsigned long index, unsigned long npages);
void t1x_mmio_read_begin(struct t1x_dma *dma);
bool t1x_mmio_read_retry(struct t1x_dma *dma);

/**
 * t1x_mmio_lock() - begin to map what a mapping holds
 * @c: the container
 * @dma: the mapping
 *
 * What is watched is filled under mmio_lock.  Reclaim may invalidate it, which
 * takes that lock, so memory is there at once or not at all.
 *
 * Context: a range that covers the mapping is locked.
 * Return: how memory may be allocated until t1x_mmio_unlock().
 */
static inline gfp_t t1x_mmio_lock(struct t1x_container *c,
				  const struct t1x_dma *dma)
{
	if (likely(!t1x_dma_mmio(dma)))
		return GFP_KERNEL_ACCOUNT;
	mutex_lock(&c->mmio_lock);
	return GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN;
}

/**
 * t1x_mmio_unlock() - undo t1x_mmio_lock()
 * @c: the container
 * @dma: the mapping
 */
static inline void t1x_mmio_unlock(struct t1x_container *c,
				   const struct t1x_dma *dma)
{
	if (unlikely(t1x_dma_mmio(dma)))
		mutex_unlock(&c->mmio_lock);
}

#endif /* _T1X_MMIO_NOTIFIER_H */
