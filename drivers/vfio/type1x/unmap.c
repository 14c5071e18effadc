// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP: which mappings a range takes away, by the rules of type1 and type1v2.
 *
 *   mappings     |---A---|---B---|
 *   v2  range    |---A---|            A goes
 *   v2  range    |-----A and B---|    both go
 *   v2  range    |--A--|              -EINVAL: would bisect A
 *   v1  range    |--|                 covers A's first byte: all of A goes
 *   v1  range        |---------|      starts inside A: nothing goes, size 0
 *
 * Only whole mappings go, so what the IOMMU is asked to unmap never splits one
 * of its large pages (I6).
 */
#include <linux/overflow.h>
#include <linux/sched.h>

#include "account.h"
#include "container.h"
#include "dma.h"
#include "fill.h"
#include "stats.h"
#include "t1x.h"

static int t1x_unmap_dma(struct t1x_container *c, struct t1x_dma *dma)
{
	int ret;

	ret = t1x_dma_unfill(c, dma);
	if (ret)
		return ret;

	t1x_container_remove(c, dma);
	t1x_owner_put(&dma->owner);
	t1x_dma_free(dma);
	return 0;
}

/* The errnos, and which comes first, are those of type1 in 7.2. */
static int t1x_unmap_check(struct t1x_container *c, dma_addr_t iova, u64 size,
			   bool all, dma_addr_t *last)
{
	unsigned long mask = t1x_container_pgsize(c) - 1;

	if (iova & mask)
		goto err_align;

	if (all) {
		*last = ~(dma_addr_t)0;
		if (!iova && !size)
			return 0;
		t1x_refuse("unmap all takes neither IOVA nor size");
		return -EINVAL;
	}

	if (!size || size & mask)
		goto err_align;
	if (check_add_overflow(iova, (dma_addr_t)(size - 1), last)) {
		t1x_refuse("unmap %#llx bytes at %pad wraps", size, &iova);
		return -EOVERFLOW;
	}
	if (c->v2 && t1x_dma_bisects(&c->tree, iova, *last)) {
		t1x_refuse("unmap [%pad, %pad] would bisect a mapping", &iova,
			   last);
		return -EINVAL;
	}
	return 0;

err_align:
	t1x_refuse("unmap %#llx bytes at %pad: not aligned to %#lx, or nothing",
		   size, &iova, mask + 1);
	return -EINVAL;
}

/**
 * t1x_unmap() - unmap a range
 * @c: the container
 * @iova: first byte; 0 with @all
 * @size: bytes; 0 with @all
 * @all: every mapping there is
 * @unmapped: bytes really unmapped, also on failure
 *
 * Context: takes the lock; may sleep long.
 * Return: 0, even if nothing was there; -EINVAL or -EOVERFLOW for a range that
 * cannot be unmapped, -EINTR when killed while waiting; -EIO if an IOMMU keeps
 * a page, whose mapping then stays.
 */
int t1x_unmap(struct t1x_container *c, dma_addr_t iova, u64 size, bool all,
	      u64 *unmapped)
{
	struct t1x_dma *dma, *next;
	dma_addr_t last;
	u64 bytes;
	int ret;

	*unmapped = 0;
	ret = mutex_lock_killable(&c->lock);
	if (ret)
		return ret;

	ret = t1x_unmap_check(c, iova, size, all, &last);
	if (ret)
		goto out_unlock;

	dma = t1x_dma_first(&c->tree, iova, last);
	if (dma && !c->v2 && dma->iova < iova)
		dma = NULL;

	for (; dma && !ret; dma = next) {
		next = t1x_dma_next(dma, last);
		bytes = (u64)t1x_dma_npages(dma) << PAGE_SHIFT;
		ret = t1x_unmap_dma(c, dma);
		if (!ret)
			*unmapped += bytes;
		cond_resched();
	}
	t1x_stat_inc(T1X_STAT_UNMAP_CALLS);

out_unlock:
	mutex_unlock(&c->lock);
	return ret;
}

/**
 * t1x_unmap_all() - unmap everything because the last group left
 * @c: the container
 *
 * With domains, mappings that an IOMMU will not unmap stay in the tree; called
 * again when the domains are freed, it unpins those too.
 *
 * Context: the lock is held.
 */
void t1x_unmap_all(struct t1x_container *c)
{
	struct t1x_dma *dma, *next;

	lockdep_assert_held(&c->lock);

	for (dma = t1x_dma_first(&c->tree, 0, ~(dma_addr_t)0); dma; dma = next) {
		next = t1x_dma_next(dma, ~(dma_addr_t)0);
		if (list_empty(&c->domains))
			t1x_dma_abandon(dma);
		t1x_unmap_dma(c, dma);
		cond_resched();
	}
}
