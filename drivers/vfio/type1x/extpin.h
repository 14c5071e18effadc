/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_EXTPIN_H
#define _T1X_EXTPIN_H

#include <linux/types.h>

struct iommu_group;
struct page;
struct t1x_container;
struct t1x_dma;
struct vfio_device;

int t1x_pin_pages(void *cookie, struct iommu_group *group, dma_addr_t iova,
		  int npages, int prot, struct page **pages);
void t1x_unpin_pages(void *cookie, dma_addr_t iova, int npages);
int t1x_dma_rw(void *cookie, dma_addr_t iova, void *data, size_t count,
	       bool write);
void t1x_register_device(void *cookie, struct vfio_device *vdev);
void t1x_unregister_device(void *cookie, struct vfio_device *vdev);

void t1x_extpin_recall(struct t1x_container *c, dma_addr_t iova, u64 size,
		       bool again);
void t1x_extpin_drop(struct t1x_container *c, struct t1x_dma *dma);

#endif /* _T1X_EXTPIN_H */
