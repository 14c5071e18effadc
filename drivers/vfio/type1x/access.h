/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_ACCESS_H
#define _T1X_ACCESS_H

#include <linux/types.h>

struct iommu_group;
struct page;
struct t1x_container;
struct t1x_dma;
struct vfio_device;

int t1x_access_pin_pages(void *cookie, struct iommu_group *group, dma_addr_t iova,
			 int npages, int prot, struct page **pages);
void t1x_access_unpin_pages(void *cookie, dma_addr_t iova, int npages);
int t1x_access_rw(void *cookie, dma_addr_t iova, void *data, size_t count,
		  bool write);
void t1x_access_open(void *cookie, struct vfio_device *vdev);
void t1x_access_close(void *cookie, struct vfio_device *vdev);

void t1x_access_notify_unmap(struct t1x_container *c, dma_addr_t iova, u64 size,
			     bool again);
void t1x_access_release(struct t1x_container *c, struct t1x_dma *dma);

#endif /* _T1X_ACCESS_H */
