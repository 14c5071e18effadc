/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_IOVA_RANGES_H
#define _T1X_IOVA_RANGES_H

#include <linux/types.h>

/**
 * struct t1x_iova_range - IOVAs a device can use
 * @first: first byte
 * @last: last byte, inclusive
 *
 * Protected by what protects the list.
 */
struct t1x_iova_range {
	dma_addr_t first;
	dma_addr_t last;
};

/**
 * struct t1x_iova_ranges - all IOVAs a container can use
 * @range: the ranges, ascending, disjoint, none empty
 * @nr: number of ranges
 * @capacity: ranges that fit into @range
 *
 * Has no lock: &t1x_container.iova_ranges is protected by the container's, and all others
 * are on the stack of one task.
 */
struct t1x_iova_ranges {
	struct t1x_iova_range *range;
	unsigned int nr;
	unsigned int capacity;
};

void t1x_iova_init(struct t1x_iova_ranges *ranges);
void t1x_iova_free(struct t1x_iova_ranges *ranges);
int t1x_iova_ranges_init_full(struct t1x_iova_ranges *ranges);
void t1x_iova_ranges_clip(struct t1x_iova_ranges *ranges, dma_addr_t first,
			  dma_addr_t last);
int t1x_iova_exclude(struct t1x_iova_ranges *ranges, dma_addr_t first,
		     dma_addr_t last);
bool t1x_iova_contains(const struct t1x_iova_ranges *ranges, dma_addr_t first,
		       dma_addr_t last);
void t1x_iova_gap(const struct t1x_iova_ranges *ranges, dma_addr_t first,
		  struct t1x_iova_range *gap);
void t1x_iova_ranges_swap(struct t1x_iova_ranges *ranges,
			  struct t1x_iova_ranges *by);

#endif /* _T1X_IOVA_RANGES_H */
