/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_UNMAP_H
#define _T1X_UNMAP_H

#include <linux/types.h>

struct t1x_container;
struct t1x_range;

/**
 * struct t1x_unmap_request - what VFIO_IOMMU_UNMAP_DMA asks for
 * @iova: first byte; 0 with @all
 * @size: bytes; 0 with @all
 * @all: unmap every mapping
 * @vaddr: take back the vaddr instead of unmapping
 * @dirty: copy dirty pages first
 * @bitmap: the user's bitmap for them
 * @pgsize: bytes a bit of @bitmap stands for
 * @unmapped: set to the bytes really unmapped, also on failure
 * @splits: set if a mapping has to be split
 *
 * On the stack of the ioctl.
 */
struct t1x_unmap_request {
	dma_addr_t iova;
	u64 size;
	bool all;
	bool vaddr;
	bool dirty;
	u64 __user *bitmap;
	u64 pgsize;
	u64 unmapped;
	bool splits;
};

int t1x_unmap(struct t1x_container *c, struct t1x_unmap_request *req);
void t1x_unmap_all(struct t1x_container *c, const struct t1x_range *all);

#endif /* _T1X_UNMAP_H */
