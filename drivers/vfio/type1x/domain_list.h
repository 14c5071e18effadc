/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_DOMAIN_LIST_H
#define _T1X_DOMAIN_LIST_H

#include <linux/list.h>
#include <linux/types.h>

#include "dma.h"
#include "domain.h"

struct t1x_errlog;

bool t1x_domain_list_undo(struct list_head *domains, struct t1x_domain *d,
			  dma_addr_t iova, unsigned long npages);

/**
 * t1x_domain_list_unmap_sync() - make sure that no domain translates a range
 * @domains: the domains, struct t1x_domain
 * @iova: first byte
 * @npages: pages
 *
 * Context: may sleep.
 * Return: 0 when no domain translates the range, not even from its IOTLB: then, and
 * only then, its pages may be unpinned (I1); -EIO if an IOMMU keeps a page.
 */
static inline int t1x_domain_list_unmap_sync(struct list_head *domains,
					     dma_addr_t iova,
					     unsigned long npages)
{
	struct t1x_domain *d;
	int ret = 0;

	list_for_each_entry(d, domains, node)
		if (t1x_domain_unmap_sync(d, iova, npages))
			ret = -EIO;
	return ret;
}

/**
 * t1x_domain_list_map() - map the next runs of a mapping into every domain
 * @domains: the domains, struct t1x_domain
 * @dma: the mapping; the runs go behind its &t1x_dma.filled
 * @runs: what
 * @nr: how many runs
 * @npages: pages in all of them
 * @gfp: how page tables are allocated
 * @stuck: set, on failure, to whether a domain kept what it had mapped
 *
 * Context: as @gfp allows; not atomic.
 * Return: 0, or the error of the first domain that failed; then no domain has any of
 * the runs, unless @stuck.
 */
static inline int
t1x_domain_list_map(struct list_head *domains, const struct t1x_dma *dma,
		    const struct t1x_run *runs, unsigned int nr,
		    unsigned long npages, gfp_t gfp, bool *stuck)
{
	dma_addr_t iova = t1x_dma_iova_at(dma, dma->filled);
	struct t1x_domain *d;
	int ret;

	list_for_each_entry(d, domains, node) {
		ret = t1x_domain_map(d, iova, runs, nr, dma->prot,
				     dma->granule_shift, gfp);
		if (unlikely(ret)) {
			*stuck = t1x_domain_list_undo(domains, d, iova, npages) ||
				 ret == -EIO;
			return ret;
		}
	}
	return 0;
}

int t1x_domain_list_log_refused(struct t1x_errlog *errlog, int error, dma_addr_t iova,
				unsigned long npages);
int t1x_domain_list_unmap_dmas(struct list_head *domains,
			       struct t1x_dma *first, struct t1x_dma *end);

#endif /* _T1X_DOMAIN_LIST_H */
