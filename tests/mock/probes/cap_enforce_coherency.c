// SPDX-License-Identifier: GPL-2.0
/* v6.2: whether no-snoop accesses can be blocked is a capability. */
#include <linux/iommu.h>

enum iommu_cap probe(void)
{
	return IOMMU_CAP_ENFORCE_CACHE_COHERENCY;
}
