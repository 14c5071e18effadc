// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a container has mapped so far, for debugfs: is memory contiguous, and is it
 * aligned so that an IOMMU can use its large leaves?
 */
#include "tally.h"

#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#define T1X_PAGES_2M	(SZ_2M >> PAGE_SHIFT)
#define T1X_PAGES_1G	(SZ_1G >> PAGE_SHIFT)

/* Pages of a run that leaves of @leaf pages, a power of two, can map. */
static unsigned long t1x_tally_leaves(dma_addr_t iova,
				      const struct t1x_run *run,
				      unsigned long leaf)
{
	unsigned long first = iova >> PAGE_SHIFT;
	unsigned long end = first + run->npages;

	if ((first ^ run->pfn) & (leaf - 1))
		return 0;
	first = (first + leaf - 1) & ~(leaf - 1);
	end &= ~(leaf - 1);
	return end > first ? end - first : 0;
}

static void t1x_tally_largest(struct t1x_tally *tally, unsigned int npages)
{
	int old = atomic_read(&tally->largest);

	while (npages > (unsigned int)old &&
	       !atomic_try_cmpxchg(&tally->largest, &old, npages))
		;
}

/**
 * t1x_tally_runs() - count runs that were mapped
 * @tally: of the container
 * @iova: where the first of them is
 * @runs: the runs, one behind the other
 * @nr: how many
 *
 * Context: any.  Runs smaller than a large leaf take next to nothing.
 */
void t1x_tally_runs(struct t1x_tally *tally, dma_addr_t iova,
		    const struct t1x_run *runs, unsigned int nr)
{
	unsigned long npages = 0, npages_2m = 0, npages_1g = 0;
	const struct t1x_run *run;
	unsigned int largest = 0;
	dma_addr_t at;

	for (run = runs; run < runs + nr; run++) {
		largest = max(largest, run->npages);
		if (unlikely(run->npages >= T1X_PAGES_2M)) {
			at = iova + ((dma_addr_t)npages << PAGE_SHIFT);
			npages_2m += t1x_tally_leaves(at, run, T1X_PAGES_2M);
			npages_1g += t1x_tally_leaves(at, run, T1X_PAGES_1G);
		}
		npages += run->npages;
	}

	atomic_long_add(npages, &tally->npages);
	if (npages_2m)
		atomic_long_add(npages_2m, &tally->npages_2m);
	if (npages_1g)
		atomic_long_add(npages_1g, &tally->npages_1g);
	t1x_tally_largest(tally, largest);
}
