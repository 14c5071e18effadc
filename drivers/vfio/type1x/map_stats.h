/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_MAP_STATS_H
#define _T1X_MAP_STATS_H

#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/types.h>

#include "runs.h"

/*
 * Tables of an IOMMU that has the CPU's page size have its levels as well: with pages of
 * 4 KiB the leaves above them are of 2 MiB and 1 GiB, with 16 KiB of 32 MiB and 64 GiB.
 */
#define T1X_PAGES_PMD	(PMD_SIZE >> PAGE_SHIFT)
#define T1X_PAGES_PUD	(PUD_SIZE >> PAGE_SHIFT)

/**
 * struct t1x_map_stats - mappings that were made in a container since it was opened
 * @npages: pages
 * @npages_pmd: those of them that whole leaves of PMD_SIZE can map, for IOVA and
 *	physical address are aligned alike; those of @npages_pud included
 * @npages_pud: the same with leaves of PUD_SIZE
 * @largest: pages of the largest run
 * @slow_gup: batches of pages that were not to be had without mmap_lock
 *
 * For debugfs.  Per CPU, so no lock: each CPU changes its own, and t1x_map_stats_sum() adds
 * them up.
 */
struct t1x_map_stats {
	unsigned long npages;
	unsigned long npages_pmd;
	unsigned long npages_pud;
	unsigned int largest;
	unsigned long slow_gup;
};

/**
 * struct t1x_map_stats_delta - what a mapping adds to the statistics while it is filled
 * @npages_pmd: pages for &t1x_map_stats.npages_pmd
 * @npages_pud: pages for &t1x_map_stats.npages_pud
 * @largest: pages of its largest run
 *
 * On the stack of t1x_dma_fill().
 */
struct t1x_map_stats_delta {
	unsigned long npages_pmd;
	unsigned long npages_pud;
	unsigned int largest;
};

void t1x_map_stats_sum(const struct t1x_map_stats __percpu *stats, struct t1x_map_stats *sum);

/**
 * t1x_map_stats_leaves() - pages of a run that leaves of a size can map
 * @first: page of IOVA where the run begins
 * @run: the run
 * @leaf: pages of a leaf, a power of two
 *
 * Return: their number.
 */
static inline unsigned long t1x_map_stats_leaves(unsigned long first,
						 const struct t1x_run *run,
						 unsigned long leaf)
{
	unsigned long end = (first + run->npages) & ~(leaf - 1);

	if ((first ^ run->pfn) & (leaf - 1))
		return 0;
	first = (first + leaf - 1) & ~(leaf - 1);
	return end > first ? end - first : 0;
}

/**
 * t1x_map_stats_count_run() - count a run that is mapped
 * @part: of the mapping
 * @iova: where the run is
 * @run: the run
 *
 * Most runs are small, and take next to nothing.
 */
static inline void t1x_map_stats_count_run(struct t1x_map_stats_delta *part, dma_addr_t iova,
					   const struct t1x_run *run)
{
	unsigned long first = iova >> PAGE_SHIFT;

	if (run->npages > part->largest)
		part->largest = run->npages;
	if (likely(run->npages < T1X_PAGES_PMD))
		return;
	part->npages_pmd += t1x_map_stats_leaves(first, run, T1X_PAGES_PMD);
	if (run->npages >= T1X_PAGES_PUD)
		part->npages_pud += t1x_map_stats_leaves(first, run, T1X_PAGES_PUD);
}

/**
 * t1x_map_stats_add() - count a mapping that was filled
 * @stats: of the container
 * @part: of its runs
 * @npages: its pages
 * @slow_gup: batches of them that took mmap_lock
 *
 * Context: process context; interrupts do not count.
 */
static inline void t1x_map_stats_add(struct t1x_map_stats __percpu *stats,
				     const struct t1x_map_stats_delta *part,
				     unsigned long npages, unsigned long slow_gup)
{
	struct t1x_map_stats *own = get_cpu_ptr(stats);

	own->npages += npages;
	own->npages_pmd += part->npages_pmd;
	own->npages_pud += part->npages_pud;
	own->largest = max(own->largest, part->largest);
	own->slow_gup += slow_gup;
	put_cpu_ptr(stats);
}

#endif /* _T1X_MAP_STATS_H */
