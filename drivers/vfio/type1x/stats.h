/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_STATS_H
#define _T1X_STATS_H

#include <linux/atomic.h>

/* One line each: enumerator suffix, name in the statistics file. */
#define T1X_STATS(X)					\
	X(CONTAINERS, containers)			\
	X(CONTAINERS_OPENED, containers_opened)		\
	X(MAPPINGS, mappings)				\
	X(MAP_CALLS, map_calls)				\
	X(UNMAP_CALLS, unmap_calls)			\
	X(RUNS, runs)					\
	X(IOMMU_MAP_CALLS, iommu_map_calls)		\
	X(IOMMU_UNMAP_CALLS, iommu_unmap_calls)		\
	X(IOTLB_SYNCS, iotlb_syncs)			\
	X(PAGES_PINNED, pages_pinned)			\
	X(PAGES_UNPINNED, pages_unpinned)		\
	X(PAGES_CHARGED, pages_charged)			\
	X(PAGES_REFUNDED, pages_refunded)		\
	X(UNTRACKED_MAPPINGS, untracked_mappings)	\
	X(UNMAP_ERRORS, unmap_errors)

/**
 * enum t1x_stat - the counters of the module
 *
 * All only grow, except CONTAINERS and MAPPINGS, which count what is alive.
 * With no container open PAGES_PINNED equals PAGES_UNPINNED, and PAGES_CHARGED
 * equals PAGES_REFUNDED.
 */
enum t1x_stat {
#define T1X_STAT_ENUM(suffix, name) T1X_STAT_##suffix,
	T1X_STATS(T1X_STAT_ENUM)
#undef T1X_STAT_ENUM
	T1X_NR_STATS
};

extern atomic64_t t1x_stats[T1X_NR_STATS];

/**
 * t1x_stat_add() - add to a counter
 * @stat: the counter
 * @n: what to add; negative for the two that fall
 *
 * Context: any.
 */
static inline void t1x_stat_add(enum t1x_stat stat, long n)
{
	atomic64_add(n, &t1x_stats[stat]);
}

/**
 * t1x_stat_inc() - count one event
 * @stat: the counter
 *
 * Context: any.
 */
static inline void t1x_stat_inc(enum t1x_stat stat)
{
	t1x_stat_add(stat, 1);
}

void t1x_stats_init(void);
void t1x_stats_exit(void);

#endif /* _T1X_STATS_H */
