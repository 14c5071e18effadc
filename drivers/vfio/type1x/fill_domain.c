// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping what is filled into one more domain, which a group brings that fits into none.
 */
#include "fill_domain.h"

#include "container.h"
#include "dma.h"
#include "domain.h"
#include "mmio_notifier.h"
#include "t1x.h"
#include "unfill.h"

/**
 * t1x_fill_domain() - map what a mapping holds into one more domain
 * @c: the container, whose first domain holds the mapping
 * @range: the caller's range, which covers the mapping
 * @dma: the mapping
 * @d: the new domain, last in the list
 *
 * No page is pinned or charged again.
 *
 * The runs tell which pages these are, and the first domain tells it for those that
 * are not tracked.
 *
 * Context: &t1x_container.lock is held.
 * Return: 0, or an error of the IOMMU; then @d can only be freed by
 * t1x_domain_free(), which ends all its translations.
 */
int t1x_fill_domain(struct t1x_container *c, const struct t1x_range *range,
		    struct t1x_dma *dma, struct t1x_domain *d)
{
	/* A run that was revoked stays out. */
	unsigned long most = t1x_dma_mmio(dma) ? 1 : ULONG_MAX;
	unsigned long index = dma->filled, nr, i;
	const struct t1x_run *run;
	struct t1x_domain *source;
	struct t1x_runs_pos pos;
	struct t1x_run found;
	int ret = 0;
	gfp_t gfp;

	lockdep_assert_held(&c->lock);
	t1x_range_assert_held(range, dma->iova, dma->last);

	gfp = t1x_mmio_lock(c, dma);
	source = list_first_entry(&c->domains, struct t1x_domain, node);
	while (index > t1x_runs_npages(&dma->runs) && !ret) {
		index -= t1x_dma_read_domain(source, dma, index, &found);
		ret = t1x_domain_map(d, t1x_dma_iova_at(dma, index), &found, 1,
				     dma->prot, dma->granule_shift, gfp);
	}

	t1x_runs_walk(&dma->runs, &pos);
	do {
		run = t1x_runs_walk_array(&pos, most, &nr);
		for (i = 0; i < nr; i++)
			index -= run[i].npages;
		if (nr && !run->revoked)
			ret = t1x_domain_map(d, t1x_dma_iova_at(dma, index),
					     run, nr, dma->prot,
					     dma->granule_shift, gfp);
	} while (nr && !ret);
	t1x_mmio_unlock(c, dma);
	return ret;
}
