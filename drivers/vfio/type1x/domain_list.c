// SPDX-License-Identifier: GPL-2.0-only
/*
 * The domains of a container: what is mapped is mapped into all of them or none, and
 * what is unmapped is unmapped from all.
 */
#include "domain_list.h"

#include "errlog.h"

/**
 * t1x_domain_list_undo() - unmap a range from the domains before one
 * @domains: the domains, struct t1x_domain
 * @d: the one that has nothing of it
 * @iova: first byte
 * @npages: pages
 *
 * Context: may sleep.
 * Return: whether a domain kept a page.
 */
bool t1x_domain_list_undo(struct list_head *domains, struct t1x_domain *d,
			  dma_addr_t iova, unsigned long npages)
{
	bool stuck = false;

	list_for_each_entry_continue_reverse(d, domains, node)
		stuck |= t1x_domain_unmap_sync(d, iova, npages);
	return stuck;
}

/**
 * t1x_domain_list_log_refused() - log that t1x_domain_list_map() failed
 * @errlog: the log
 * @error: what it returned
 * @iova: first byte
 * @npages: pages
 *
 * Context: may sleep.
 * Return: @error.
 */
int t1x_domain_list_log_refused(struct t1x_errlog *errlog, int error, dma_addr_t iova,
				unsigned long npages)
{
	if (error == -ENOMEM)
		return t1x_log_err(errlog, error,
				   "no memory is left for the page tables of %llu pages at %#llx",
				   npages, iova);
	return t1x_log_err(errlog, error, "the IOMMU does not map %llu pages at %#llx",
			   npages, iova);
}

/* Unmaps the mappings before @end from one domain; neighbours are one range. */
static int t1x_domain_unmap_dmas(struct t1x_domain *d, struct t1x_dma *dma,
				 const struct t1x_dma *end)
{
	struct iommu_iotlb_gather gather;
	unsigned long npages;
	dma_addr_t iova;
	int ret = 0;

	t1x_gather_init(&gather);
	while (dma != end) {
		iova = dma->iova;
		npages = dma->filled;
		while (dma->next != end && dma->next->iova == dma->last + 1) {
			dma = dma->next;
			npages += dma->filled;
		}
		dma = dma->next;
		ret |= t1x_domain_unmap(d, &gather, iova, npages);
	}
	t1x_domain_sync(d, &gather);
	return ret;
}

/**
 * t1x_domain_list_unmap_dmas() - unmap mappings from every domain, with one sync each
 * @domains: the domains, struct t1x_domain
 * @first: the first of the mappings, chained by &t1x_dma.next in IOVA order; all
 *	that is filled of each but the last of neighbours is the whole of it
 * @end: the one behind the last, or %NULL
 *
 * Context: may sleep.
 * Return: as t1x_domain_list_unmap_sync().
 */
int t1x_domain_list_unmap_dmas(struct list_head *domains,
			       struct t1x_dma *first, struct t1x_dma *end)
{
	struct t1x_domain *d;
	int ret = 0;

	list_for_each_entry(d, domains, node)
		ret |= t1x_domain_unmap_dmas(d, first, end);
	return ret;
}
