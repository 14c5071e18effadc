/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_ATTACH_H
#define _T1X_ATTACH_H

#include <vfio_abi/vfio_iommu_driver.h>

int t1x_attach_group(void *cookie, struct iommu_group *group,
		     enum vfio_group_type type);
void t1x_detach_group(void *cookie, struct iommu_group *group);
struct iommu_domain *t1x_group_domain(void *cookie, struct iommu_group *group);

#endif /* _T1X_ATTACH_H */
