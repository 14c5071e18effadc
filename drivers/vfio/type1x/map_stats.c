// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a container has mapped so far, for debugfs: is memory contiguous, and is it
 * aligned so that an IOMMU can use its large leaves?
 */
#include "map_stats.h"

/**
 * t1x_map_stats_sum() - read what t1x_map_stats_add() has counted
 * @stats: of the container
 * @sum: set to the sums over all CPUs, and to the largest run; each is exact while nothing
 *	is mapped
 */
void t1x_map_stats_sum(const struct t1x_map_stats __percpu *stats, struct t1x_map_stats *sum)
{
	const struct t1x_map_stats *part;
	int cpu;

	*sum = (struct t1x_map_stats){};
	for_each_possible_cpu(cpu) {
		part = per_cpu_ptr(stats, cpu);
		sum->npages += READ_ONCE(part->npages);
		sum->npages_pmd += READ_ONCE(part->npages_pmd);
		sum->npages_pud += READ_ONCE(part->npages_pud);
		sum->largest = max(sum->largest, READ_ONCE(part->largest));
		sum->slow_gup += READ_ONCE(part->slow_gup);
	}
}
