/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_ACCESS_PAGES_H
#define _T1X_ACCESS_PAGES_H

#include <linux/xarray.h>

#include "runs.h"

/**
 * struct t1x_access_pages - pages that mediated devices hold in a container
 * @pages: by t1x_access_pages_index(): page frame, kind and references
 *
 * Changes with the container's lock held.  Readers need that lock, or a range lock on the
 * pages, because pages are added with both held.
 */
struct t1x_access_pages {
	struct xarray pages;
};

/**
 * t1x_access_pages_empty() - does no device hold a page
 * @access: the pages
 *
 * Return: whether there is none.
 */
static inline bool t1x_access_pages_empty(const struct t1x_access_pages *access)
{
	return xa_empty(&access->pages);
}

/**
 * t1x_access_pages_index() - what a page is called
 * @iova: address in it
 *
 * Return: pages of IOVA below it, whatever mapping it belongs to.
 */
static inline unsigned long t1x_access_pages_index(dma_addr_t iova)
{
	return iova >> PAGE_SHIFT;
}

void t1x_access_pages_init(struct t1x_access_pages *access);
int t1x_access_pages_add(struct t1x_access_pages *access, unsigned long index,
			 const struct t1x_run *page);
int t1x_access_pages_get(struct t1x_access_pages *access, unsigned long index,
			 unsigned long *pfn);
bool t1x_access_pages_put(struct t1x_access_pages *access, unsigned long index,
			  struct t1x_run *page);
bool t1x_access_pages_first(struct t1x_access_pages *access, unsigned long *index,
			    unsigned long last, struct t1x_run *page);
bool t1x_access_pages_remove(struct t1x_access_pages *access, unsigned long *index,
			     unsigned long last, struct t1x_run *page);
unsigned long t1x_access_pages_nram(struct t1x_access_pages *access, unsigned long index,
				    unsigned long npages);
unsigned long t1x_access_pages_count(struct t1x_access_pages *access);

/**
 * t1x_access_pages_not_held() - pages to be charged for a range of a mapping
 * @access: what mediated devices hold
 * @iova: first byte of the range
 * @nram: RAM pages of the range
 * @npages: its pages
 *
 * What a mediated device holds is charged for as long as either of the two has it (I2).
 *
 * Return: RAM pages that no mediated device holds.
 */
static inline unsigned long t1x_access_pages_not_held(struct t1x_access_pages *access,
						      dma_addr_t iova,
						      unsigned long nram,
						      unsigned long npages)
{
	if (likely(t1x_access_pages_empty(access)))
		return nram;
	return nram - min(nram, t1x_access_pages_nram(access, t1x_access_pages_index(iova),
						      npages));
}

#endif /* _T1X_ACCESS_PAGES_H */
