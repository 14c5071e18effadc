// SPDX-License-Identifier: GPL-2.0
/* v6.3: iommu_map() is told how page tables may be allocated. */
#include <linux/iommu.h>

int probe(struct iommu_domain *domain)
{
	return iommu_map(domain, 0, 0, PAGE_SIZE, IOMMU_READ, GFP_KERNEL);
}
