/* SPDX-License-Identifier: GPL-2.0 */
/* Dirty page tracking of a container. */
#ifndef T1X_DIRTY_H
#define T1X_DIRTY_H

#include <linux/vfio.h>
#include <stdint.h>

#define START	VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP	VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET	VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

/**
 * struct dirty_get - VFIO_IOMMU_DIRTY_PAGES with GET_BITMAP
 * @head: flags
 * @range: IOVAs and bitmap
 */
struct dirty_get {
	struct vfio_iommu_type1_dirty_bitmap head;
	struct vfio_iommu_type1_dirty_bitmap_get range;
};

int dirty_ioctl(int container, void *arg);
int dirty_flags(int container, uint32_t flags);
void dirty_get_init(struct dirty_get *get, uint64_t iova, uint64_t size,
		    void *bitmap, uint64_t bytes);
int dirty_get(int container, uint64_t iova, uint64_t size, void *bitmap,
	      uint64_t bytes);
int64_t dirty_unmap(int container, uint64_t iova, uint64_t size, void *bitmap,
		    uint64_t bytes);

#endif /* T1X_DIRTY_H */
