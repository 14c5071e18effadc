// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of the whole module, shown in debugfs as lines of "name value" in
 * <debugfs>/vfio_iommu_type1x/stats.
 *
 * They answer three questions: does this module serve a container, how much work did it
 * hand to the IOMMU, and do the pins and charges balance.
 */
#include "stats.h"

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

DEFINE_PER_CPU(struct t1x_stats, t1x_stats);

static const char * const t1x_stat_names[] = {
	[T1X_STAT_CONTAINERS] = "containers",
	[T1X_STAT_CONTAINERS_OPENED] = "containers_opened",
	[T1X_STAT_MAPPINGS] = "mappings",
	[T1X_STAT_REGIONS] = "regions",
	[T1X_STAT_MAP_CALLS] = "map_calls",
	[T1X_STAT_UNMAP_CALLS] = "unmap_calls",
	[T1X_STAT_RUNS] = "runs",
	[T1X_STAT_IOMMU_MAP_CALLS] = "iommu_map_calls",
	[T1X_STAT_IOMMU_UNMAP_CALLS] = "iommu_unmap_calls",
	[T1X_STAT_IOTLB_SYNCS] = "iotlb_syncs",
	[T1X_STAT_PAGES_PINNED] = "pages_pinned",
	[T1X_STAT_PAGES_UNPINNED] = "pages_unpinned",
	[T1X_STAT_PAGES_CHARGED] = "pages_charged",
	[T1X_STAT_PAGES_REFUNDED] = "pages_refunded",
	[T1X_STAT_UNTRACKED_MAPPINGS] = "untracked_mappings",
	[T1X_STAT_RUNS_REVOKED] = "runs_revoked",
	[T1X_STAT_POPULATE_THREADS] = "populate_threads",
	[T1X_STAT_UNMAP_ERRORS] = "unmap_errors",
};

static_assert(ARRAY_SIZE(t1x_stat_names) == T1X_NR_STATS);

/**
 * t1x_stat_sum() - read a counter
 * @stat: the counter
 *
 * Return: its value; exact while no CPU counts.
 */
long t1x_stat_sum(enum t1x_stat stat)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(t1x_stats, cpu).count[stat]);
	return sum;
}

static int t1x_stats_show(struct seq_file *m, void *unused)
{
	int i;

	for (i = 0; i < T1X_NR_STATS; i++)
		seq_printf(m, "%s %ld\n", t1x_stat_names[i], t1x_stat_sum(i));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(t1x_stats);

/**
 * t1x_stats_debugfs() - make the statistics file
 * @dir: where; its removal removes the file
 *
 * Context: module init.
 */
void t1x_stats_debugfs(struct dentry *dir)
{
	debugfs_create_file("stats", 0444, dir, NULL, &t1x_stats_fops);
}
