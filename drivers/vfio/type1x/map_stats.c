// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a container has mapped so far, for debugfs: is memory contiguous, and is it
 * aligned so that an IOMMU can use its large leaves?
 */
#include "map_stats.h"

/**
 * t1x_map_stats_add_large() - add what t1x_map_stats_add() does not do by itself
 * @stats: of the container
 * @part: of a mapping
 */
void t1x_map_stats_add_large(struct t1x_map_stats *stats,
			     const struct t1x_map_stats_delta *part)
{
	int old = atomic_read(&stats->largest);

	while (part->largest > (unsigned int)old &&
	       !atomic_try_cmpxchg(&stats->largest, &old, part->largest))
		;
	atomic_long_add(part->npages_pmd, &stats->npages_pmd);
	atomic_long_add(part->npages_pud, &stats->npages_pud);
}
