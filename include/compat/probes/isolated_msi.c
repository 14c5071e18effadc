// SPDX-License-Identifier: GPL-2.0
/* v6.3: whether interrupts are isolated is asked of the group. */
#include <linux/iommu.h>

bool probe(struct iommu_group *group)
{
	return iommu_group_has_isolated_msi(group);
}
