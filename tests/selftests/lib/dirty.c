// SPDX-License-Identifier: GPL-2.0
/* Ioctls of dirty page tracking, and checks of bitmaps. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "dirty.h"
#include "vfio.h"

/**
 * dirty_ioctl() - VFIO_IOMMU_DIRTY_PAGES
 * @container: fd
 * @arg: its argument
 *
 * Return: 0 or a negative errno.
 */
int dirty_ioctl(int container, void *arg)
{
	return ioctl(container, VFIO_IOMMU_DIRTY_PAGES, arg) ? -errno : 0;
}

/**
 * dirty_flags() - VFIO_IOMMU_DIRTY_PAGES with flags alone
 * @container: fd
 * @flags: START, STOP, or worse
 *
 * Return: 0 or a negative errno.
 */
int dirty_flags(int container, uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap arg = {
		.argsz = sizeof(arg),
		.flags = flags,
	};

	return dirty_ioctl(container, &arg);
}

/**
 * dirty_get_init() - make the argument of GET_BITMAP
 * @get: the argument
 * @iova: first byte
 * @size: bytes of IOVA
 * @bitmap: where to
 * @bytes: how large it is
 */
void dirty_get_init(struct dirty_get *get, uint64_t iova, uint64_t size,
		    void *bitmap, uint64_t bytes)
{
	memset(get, 0, sizeof(*get));
	get->head.argsz = sizeof(*get);
	get->head.flags = GET;
	get->range.iova = iova;
	get->range.size = size;
	get->range.bitmap.pgsize = PAGE;
	get->range.bitmap.size = bytes;
	get->range.bitmap.data = bitmap;
}

/**
 * dirty_get() - VFIO_IOMMU_DIRTY_PAGES with GET_BITMAP
 * @container: fd
 * @iova: first byte
 * @size: bytes of IOVA
 * @bitmap: where to
 * @bytes: how large it is
 *
 * Return: 0 or a negative errno.
 */
int dirty_get(int container, uint64_t iova, uint64_t size, void *bitmap,
	      uint64_t bytes)
{
	struct dirty_get get;

	dirty_get_init(&get, iova, size, bitmap, bytes);
	return dirty_ioctl(container, &get.head);
}

/**
 * dirty_unmap() - VFIO_IOMMU_UNMAP_DMA with GET_DIRTY_BITMAP
 * @container: fd
 * @iova: first byte
 * @size: bytes of IOVA
 * @bitmap: where to
 * @bytes: how large it is
 *
 * Return: how many bytes were unmapped, or a negative errno.
 */
int64_t dirty_unmap(int container, uint64_t iova, uint64_t size, void *bitmap,
		    uint64_t bytes)
{
	struct {
		struct vfio_iommu_type1_dma_unmap head;
		struct vfio_bitmap bitmap;
	} arg = {
		.head = {
			.argsz = sizeof(arg),
			.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			.iova = iova,
			.size = size,
		},
		.bitmap = {
			.pgsize = PAGE,
			.size = bytes,
			.data = bitmap,
		},
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &arg))
		return -errno;
	return arg.head.size;
}
