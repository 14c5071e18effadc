// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a page frame is: ordinary memory, or anything else.
 */
#include "pfn.h"

#include <linux/minmax.h>
#include <linux/mm.h>

/**
 * t1x_pfn_count_mmio() - how much of what a device can reach is no RAM
 * @pfn: first page frame
 * @most: pages to look at
 *
 * A pageblock has a struct page for each of its pages or for none.
 *
 * Return: pages from @pfn on, at most @most, that hold no pin and no charge.
 */
unsigned long t1x_pfn_count_mmio(unsigned long pfn, unsigned long most)
{
	unsigned long n = 0, end;
	struct page *page;

	while (n < most) {
		end = min(most, ALIGN(pfn + n + 1, pageblock_nr_pages) - pfn);
		if (!pfn_valid(pfn + n)) {
			n = end;
			continue;
		}
		for (page = pfn_to_page(pfn + n); n < end; n++, page++)
			if (!PageReserved(page))
				return n;
	}
	return n;
}
