// SPDX-License-Identifier: GPL-2.0
/*
 * The mock's counters and knobs: one file each in debugfs/t1x_mock.
 *
 * Writing a counter sets it, so that a test can begin at zero. "provoke" is
 * the mock's test of itself: reading it breaks the pinning rule once and
 * returns how many violations that was.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/printk.h>

#include "mock.h"

static const char * const mock_stat_names[T1X_MOCK_NR_STATS] = {
	[T1X_MOCK_MAP_CALLS] = "map_calls",
	[T1X_MOCK_UNMAP_CALLS] = "unmap_calls",
	[T1X_MOCK_SYNCS] = "syncs",
	[T1X_MOCK_IOVA_TO_PHYS_CALLS] = "iova_to_phys_calls",
	[T1X_MOCK_LEAVES] = "leaves",
	[T1X_MOCK_STALE] = "stale",
	[T1X_MOCK_MAPPED_4K] = "mapped_4k",
	[T1X_MOCK_MAPPED_2M] = "mapped_2m",
	[T1X_MOCK_MAPPED_1G] = "mapped_1g",
	[T1X_MOCK_UNCACHED] = "uncached",
	[T1X_MOCK_OVERSIZE_UNMAPS] = "oversize_unmaps",
	[T1X_MOCK_MAX_STALE] = "max_stale",
	[T1X_MOCK_MAX_UNMAPS_BETWEEN_SYNCS] = "max_unmaps_between_syncs",
	[T1X_MOCK_DOMAINS] = "domains",
	[T1X_MOCK_LEAVES_AT_FREE] = "leaves_at_free",
	[T1X_MOCK_DMA_PAGES] = "dma_pages",
	[T1X_MOCK_DMA_STALE] = "dma_stale",
	[T1X_MOCK_DMA_FAULTS] = "dma_faults",
	[T1X_MOCK_VIOLATIONS] = "violations",
};

static const char * const mock_knob_names[T1X_MOCK_NR_KNOBS] = {
	[T1X_MOCK_FAIL_MAP_IN] = "fail_map_in",
	[T1X_MOCK_SHORT_UNMAP_IN] = "short_unmap_in",
	[T1X_MOCK_REFUSE_UNMAPS] = "refuse_unmaps",
};

static atomic64_t mock_stats[T1X_MOCK_NR_STATS];
static atomic64_t mock_knobs[T1X_MOCK_NR_KNOBS];
static struct dentry *mock_dir;

/**
 * t1x_mock_stat_add() - count something
 * @stat: which counter
 * @n: how many, may be negative
 */
void t1x_mock_stat_add(enum t1x_mock_stat stat, long n)
{
	atomic64_add(n, &mock_stats[stat]);
}

/**
 * t1x_mock_stat_max() - raise a counter that keeps a maximum
 * @stat: which counter
 * @value: what was seen now
 */
void t1x_mock_stat_max(enum t1x_mock_stat stat, u64 value)
{
	s64 seen = atomic64_read(&mock_stats[stat]);

	while ((s64)value > seen &&
	       !atomic64_try_cmpxchg(&mock_stats[stat], &seen, value))
		;
}

/**
 * t1x_mock_knob_fires() - is this the call that was to go wrong
 * @knob: the countdown that was set, or not
 *
 * Return: true once, when the countdown reaches zero.
 */
bool t1x_mock_knob_fires(enum t1x_mock_knob knob)
{
	return atomic64_dec_if_positive(&mock_knobs[knob]) == 0;
}

/**
 * t1x_mock_knob_spends() - is this one of the calls that are to go wrong
 * @knob: how many of them are left
 *
 * Return: true as many times as was set.
 */
bool t1x_mock_knob_spends(enum t1x_mock_knob knob)
{
	return atomic64_dec_if_positive(&mock_knobs[knob]) >= 0;
}

/**
 * t1x_mock_violation() - the IOMMU's user broke a rule
 * @what: which one
 * @iova: where, in bytes
 * @phys: the memory in question, in bytes
 */
void t1x_mock_violation(const char *what, u64 iova, u64 phys)
{
	t1x_mock_stat_add(T1X_MOCK_VIOLATIONS, 1);
	pr_err_ratelimited("violation: %s: iova %#llx phys %#llx\n", what, iova,
			   phys);
}

static int mock_counter_get(void *data, u64 *value)
{
	*value = atomic64_read(data);
	return 0;
}

static int mock_counter_set(void *data, u64 value)
{
	atomic64_set(data, value);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(mock_counter_fops, mock_counter_get, mock_counter_set,
			 "%lld\n");

static int mock_isolated_msi_get(void *data, u64 *value)
{
	*value = t1x_mock_iommu_isolated_msi();
	return 0;
}

static int mock_isolated_msi_set(void *data, u64 value)
{
	t1x_mock_iommu_set_isolated_msi(value);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(mock_isolated_msi_fops, mock_isolated_msi_get,
			 mock_isolated_msi_set, "%llu\n");

static int mock_provoke_get(void *data, u64 *value)
{
	s64 before = atomic64_read(&mock_stats[T1X_MOCK_VIOLATIONS]);
	int ret;

	ret = t1x_mock_domain_provoke();
	if (ret)
		return ret;

	*value = atomic64_read(&mock_stats[T1X_MOCK_VIOLATIONS]) - before;
	atomic64_set(&mock_stats[T1X_MOCK_VIOLATIONS], before);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(mock_provoke_fops, mock_provoke_get, NULL, "%llu\n");

/**
 * t1x_mock_stat_init() - create the files
 *
 * Return: 0, or a negative errno without debugfs.
 */
int t1x_mock_stat_init(void)
{
	int i;

	mock_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(mock_dir))
		return PTR_ERR(mock_dir);

	for (i = 0; i < T1X_MOCK_NR_STATS; i++)
		debugfs_create_file_unsafe(mock_stat_names[i], 0600, mock_dir,
					   &mock_stats[i], &mock_counter_fops);
	for (i = 0; i < T1X_MOCK_NR_KNOBS; i++)
		debugfs_create_file_unsafe(mock_knob_names[i], 0600, mock_dir,
					   &mock_knobs[i], &mock_counter_fops);

	debugfs_create_file_unsafe("isolated_msi", 0600, mock_dir, NULL,
				   &mock_isolated_msi_fops);
	debugfs_create_file_unsafe("provoke", 0400, mock_dir, NULL,
				   &mock_provoke_fops);
	return 0;
}

/** t1x_mock_stat_exit() - remove the files */
void t1x_mock_stat_exit(void)
{
	debugfs_remove_recursive(mock_dir);
}
