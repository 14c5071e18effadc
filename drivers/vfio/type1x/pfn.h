/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_PFN_H
#define _T1X_PFN_H

#include <linux/types.h>

unsigned long t1x_pfn_count_mmio(unsigned long pfn, unsigned long most);

/**
 * t1x_pfn_is_ram() - is a page that a device can reach RAM
 * @pfn: its page frame, taken from an IOMMU or a page table
 *
 * For mappings that lost track of their runs, and for what may not be mapped.
 *
 * Return: whether the page holds a pin and a charge, or would have to.
 */
static inline bool t1x_pfn_is_ram(unsigned long pfn)
{
	return !t1x_pfn_count_mmio(pfn, 1);
}

#endif /* _T1X_PFN_H */
