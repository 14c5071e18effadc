/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_TALLY_H
#define _T1X_TALLY_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "runs.h"

/**
 * struct t1x_tally - what has been mapped in a container since it was opened
 * @npages: pages
 * @npages_2m: those of them that whole leaves of 2 MiB can map, for IOVA and
 *	physical address are aligned alike; those of @npages_1g included
 * @npages_1g: the same with leaves of 1 GiB
 * @largest: pages of the largest run
 * @slow_gup: batches of pages that were not to be had without mmap_lock
 *
 * For people to look at: each is exact, but they are not read at the same time.
 */
struct t1x_tally {
	atomic_long_t npages;
	atomic_long_t npages_2m;
	atomic_long_t npages_1g;
	atomic_t largest;
	atomic_long_t slow_gup;
};

void t1x_tally_runs(struct t1x_tally *tally, dma_addr_t iova,
		    const struct t1x_run *runs, unsigned int nr);

/**
 * t1x_tally_slow() - count batches of pages
 * @tally: of the container
 * @nr: how many of them took mmap_lock
 */
static inline void t1x_tally_slow(struct t1x_tally *tally, unsigned long nr)
{
	if (nr)
		atomic_long_add(nr, &tally->slow_gup);
}

#endif /* _T1X_TALLY_H */
