// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usable IOVA ranges: the part of the IOVA space that every attached device
 * can reach and none has reserved.
 *
 * Owns set arithmetic on inclusive ranges, no locks and no IOMMU.  A change of
 * groups computes a new set from scratch and then replaces the old one, so a
 * failure on the way leaves the old one in force.
 */
#include "iova_ranges.h"

#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

/**
 * t1x_iova_init() - make an empty set
 * @ranges: to be initialised
 */
void t1x_iova_init(struct t1x_iova_ranges *ranges)
{
	memset(ranges, 0, sizeof(*ranges));
}

/**
 * t1x_iova_free() - empty a set and free its memory
 * @ranges: the set
 */
void t1x_iova_free(struct t1x_iova_ranges *ranges)
{
	kfree(ranges->range);
	t1x_iova_init(ranges);
}

static int t1x_iova_reserve(struct t1x_iova_ranges *ranges, unsigned int nr)
{
	struct t1x_iova_range *range;
	unsigned int capacity;

	if (nr <= ranges->capacity)
		return 0;

	capacity = max(nr, 2 * ranges->capacity);
	range = krealloc(ranges->range, capacity * sizeof(*range),
			 GFP_KERNEL_ACCOUNT);
	if (!range)
		return -ENOMEM;

	ranges->range = range;
	ranges->capacity = capacity;
	return 0;
}

/**
 * t1x_iova_ranges_init_full() - make a set hold every IOVA
 * @ranges: an initialised set
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM with the set unchanged.
 */
int t1x_iova_ranges_init_full(struct t1x_iova_ranges *ranges)
{
	int ret;

	ret = t1x_iova_reserve(ranges, 4);
	if (ret)
		return ret;

	ranges->range[0].first = 0;
	ranges->range[0].last = ~(dma_addr_t)0;
	ranges->nr = 1;
	return 0;
}

/**
 * t1x_iova_ranges_clip() - keep only what lies inside a window
 * @ranges: the set
 * @first: first byte of the window
 * @last: last byte of the window
 */
void t1x_iova_ranges_clip(struct t1x_iova_ranges *ranges, dma_addr_t first,
			  dma_addr_t last)
{
	unsigned int i, kept = 0;

	for (i = 0; i < ranges->nr; i++) {
		struct t1x_iova_range r = ranges->range[i];

		if (r.last < first || r.first > last)
			continue;
		r.first = max(r.first, first);
		r.last = min(r.last, last);
		ranges->range[kept++] = r;
	}
	ranges->nr = kept;
}

/**
 * t1x_iova_exclude() - take a window out of a set
 * @ranges: the set
 * @first: first byte of the window
 * @last: last byte of the window
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM with the set unchanged.
 */
int t1x_iova_exclude(struct t1x_iova_ranges *ranges, dma_addr_t first,
		     dma_addr_t last)
{
	unsigned int i, kept = 0;
	int ret;

	/* At most one range is split in two. */
	ret = t1x_iova_reserve(ranges, ranges->nr + 1);
	if (ret)
		return ret;

	for (i = 0; i < ranges->nr; i++) {
		struct t1x_iova_range r = ranges->range[i];

		if (r.last < first || r.first > last) {
			ranges->range[kept++] = r;
			continue;
		}
		if (r.first < first && r.last > last) {
			memmove(&ranges->range[i + 2], &ranges->range[i + 1],
				(ranges->nr - i - 1) * sizeof(r));
			ranges->range[i].last = first - 1;
			ranges->range[i + 1].first = last + 1;
			ranges->range[i + 1].last = r.last;
			ranges->nr++;
			return 0;
		}
		if (r.first < first)
			r.last = first - 1;
		else if (r.last > last)
			r.first = last + 1;
		else
			continue;
		ranges->range[kept++] = r;
	}
	ranges->nr = kept;
	return 0;
}

/**
 * t1x_iova_contains() - is every byte of a range usable
 * @ranges: the set
 * @first: first byte of the range
 * @last: last byte of the range
 *
 * Return: whether one range of the set holds all of it.
 */
bool t1x_iova_contains(const struct t1x_iova_ranges *ranges, dma_addr_t first,
		       dma_addr_t last)
{
	unsigned int i;

	for (i = 0; i < ranges->nr; i++)
		if (first >= ranges->range[i].first &&
		    last <= ranges->range[i].last)
			return true;
	return false;
}

/**
 * t1x_iova_gap() - find the first IOVAs from an address on that cannot be used
 * @ranges: the list, not empty
 * @first: where to begin; below the highest range
 * @gap: set to them, and to what is next to them below @first
 */
void t1x_iova_gap(const struct t1x_iova_ranges *ranges, dma_addr_t first,
		  struct t1x_iova_range *gap)
{
	const struct t1x_iova_range *range = ranges->range;

	gap->first = 0;
	for (; range->first <= first; range++)
		gap->first = range->last + 1;
	gap->last = range->first - 1;
}

/**
 * t1x_iova_ranges_swap() - put a new set in place of the old one
 * @ranges: the set in force
 * @by: the set to take over; empty afterwards
 */
void t1x_iova_ranges_swap(struct t1x_iova_ranges *ranges,
			  struct t1x_iova_ranges *by)
{
	t1x_iova_free(ranges);
	*ranges = *by;
	t1x_iova_init(by);
}
