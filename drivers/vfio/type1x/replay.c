// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replaying a mapping: what is pinned and mapped is mapped into one more domain, for
 * a group that comes later.  The runs tell what; for what is not tracked the first
 * domain does.
 */
#include "fill.h"

#include "container.h"
#include "dma.h"
#include "domain.h"

/**
 * t1x_dma_replay() - map what a mapping holds into one more domain
 * @c: the container, whose first domain holds the mapping
 * @dma: the mapping
 * @d: the new domain, last in the list
 *
 * No page is pinned or charged again.
 *
 * Context: the lock is held.
 * Return: 0, or an error of the IOMMU; then @d is good for nothing but
 * t1x_domain_free(), which ends all its translations.
 */
int t1x_dma_replay(struct t1x_container *c, struct t1x_dma *dma,
		   struct t1x_domain *d)
{
	unsigned long index = dma->filled;
	const struct t1x_run *run;
	struct t1x_domain *source;
	struct t1x_runs_pos pos;
	struct t1x_run found;
	int ret = 0;
	gfp_t gfp;

	lockdep_assert_held(&c->lock);

	gfp = t1x_fill_lock(c, dma);
	source = list_first_entry(&c->domains, struct t1x_domain, node);
	while (index > dma->runs.npages && !ret) {
		index -= t1x_dma_lookup(source, dma, index, &found);
		ret = t1x_domain_map(d, t1x_dma_iova_at(dma, index), &found, 1,
				     dma->prot, dma->granule_shift, gfp);
	}

	t1x_runs_walk(&dma->runs, &pos);
	while (!ret && (run = t1x_runs_next(&pos))) {
		index -= run->npages;
		if (!run->revoked)
			ret = t1x_domain_map(d, t1x_dma_iova_at(dma, index),
					     run, 1, dma->prot,
					     dma->granule_shift, gfp);
	}
	t1x_fill_unlock(c, dma);
	return ret;
}
