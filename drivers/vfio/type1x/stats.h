/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_STATS_H
#define _T1X_STATS_H

#include <linux/percpu.h>
#include <linux/preempt.h>

struct dentry;

/**
 * enum t1x_stat - the counters of the module
 * @T1X_STAT_CONTAINERS: containers alive
 * @T1X_STAT_CONTAINERS_OPENED: containers ever opened
 * @T1X_STAT_MAPPINGS: mappings alive
 * @T1X_STAT_REGIONS: regions of registered memory alive
 * @T1X_STAT_MAP_CALLS: VFIO_IOMMU_MAP_DMA that made a mapping
 * @T1X_STAT_UNMAP_CALLS: VFIO_IOMMU_UNMAP_DMA that was not refused, those of a vaddr
 *	left out
 * @T1X_STAT_RUNS: contiguous runs mapped; what is mapped in two parts counts twice
 * @T1X_STAT_IOMMU_MAP_CALLS: calls of iommu_map() and iommu_map_sg() that succeeded
 * @T1X_STAT_IOMMU_UNMAP_CALLS: calls of iommu_unmap_fast()
 * @T1X_STAT_IOTLB_SYNCS: calls of t1x_domain_sync()
 * @T1X_STAT_PAGES_PINNED: pages kept by pins; all pages of a huge page, though it has
 *	one pin
 * @T1X_STAT_PAGES_UNPINNED: pages unpinned
 * @T1X_STAT_PAGES_CHARGED: pages charged to RLIMIT_MEMLOCK
 * @T1X_STAT_PAGES_REFUNDED: pages refunded
 * @T1X_STAT_UNTRACKED_MAPPINGS: mappings that lost track of their runs
 * @T1X_STAT_UNMAP_ERRORS: times an IOMMU did not unmap what it was told to
 * @T1X_STAT_RUNS_REVOKED: runs of MMIO unmapped because revoke_mmio is set
 * @T1X_STAT_POPULATE_THREADS: threads that helped to fault memory in
 * @T1X_NR_STATS: how many there are
 *
 * All only grow, except CONTAINERS, MAPPINGS and REGIONS, which count what is
 * alive.
 * With no container open PAGES_PINNED equals PAGES_UNPINNED, unless an IOMMU kept pages
 * of an untracked mapping, and PAGES_CHARGED equals PAGES_REFUNDED.
 */
enum t1x_stat {
	T1X_STAT_CONTAINERS,
	T1X_STAT_CONTAINERS_OPENED,
	T1X_STAT_MAPPINGS,
	T1X_STAT_REGIONS,
	T1X_STAT_MAP_CALLS,
	T1X_STAT_UNMAP_CALLS,
	T1X_STAT_RUNS,
	T1X_STAT_IOMMU_MAP_CALLS,
	T1X_STAT_IOMMU_UNMAP_CALLS,
	T1X_STAT_IOTLB_SYNCS,
	T1X_STAT_PAGES_PINNED,
	T1X_STAT_PAGES_UNPINNED,
	T1X_STAT_PAGES_CHARGED,
	T1X_STAT_PAGES_REFUNDED,
	T1X_STAT_UNTRACKED_MAPPINGS,
	T1X_STAT_UNMAP_ERRORS,
	T1X_STAT_RUNS_REVOKED,
	T1X_STAT_POPULATE_THREADS,
	T1X_NR_STATS
};

/**
 * struct t1x_stats - the counters of one CPU
 * @count: by enum t1x_stat; only the sum over all CPUs has a meaning
 *
 * Per CPU, so no lock: each CPU changes its own.
 */
struct t1x_stats {
	long count[T1X_NR_STATS];
};

DECLARE_PER_CPU(struct t1x_stats, t1x_stats);

/**
 * t1x_stat_add() - add to a counter
 * @stat: the counter
 * @n: what to add; negative for those that fall
 *
 * Context: process context; interrupts do not count.
 */
static inline void t1x_stat_add(enum t1x_stat stat, long n)
{
	/* Not this_cpu_add(): where that is no instruction it turns interrupts off. */
	preempt_disable();
	__this_cpu_add(t1x_stats.count[stat], n);
	preempt_enable();
}

/**
 * t1x_stat_inc() - count one event
 * @stat: the counter
 *
 * Context: process context; interrupts do not count.
 */
static inline void t1x_stat_inc(enum t1x_stat stat)
{
	t1x_stat_add(stat, 1);
}

long t1x_stat_sum(enum t1x_stat stat);
void t1x_stats_debugfs(struct dentry *dir);

#endif /* _T1X_STATS_H */
