/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a container of type1x can do besides <linux/vfio.h>.
 *
 * Ask VFIO_CHECK_EXTENSION first: other backends have none of this.  Numbers are
 * far from those of the kernel, and stay as they are.
 */
#ifndef _VFIO_TYPE1X_H
#define _VFIO_TYPE1X_H

#include <linux/types.h>
#include <linux/vfio.h>

/* Extension: memory can be registered. */
#define VFIO_TYPE1X_REGISTERED_MEMORY	0x74317800

/*
 * Extension, and type for VFIO_SET_IOMMU: as VFIO_TYPE1v2_IOMMU, but
 * VFIO_IOMMU_MAP_DMA maps registered memory only.
 */
#define VFIO_TYPE1X_REGISTERED_IOMMU	0x74317801

/*
 * Extension: VFIO_IOMMU_MAP_DMA takes VFIO_TYPE1X_MAP_FLAG_GRANULE, in a container
 * of any type but VFIO_TYPE1_IOMMU.
 */
#define VFIO_TYPE1X_GRANULES		0x74317802

/*
 * Flag of VFIO_IOMMU_MAP_DMA, whose argument is struct vfio_type1x_dma_map then.
 *
 * VFIO_IOMMU_UNMAP_DMA may take any part of such a mapping that begins and ends at
 * multiples of the granule in IOVA, any number of times, until nothing is left.
 * Devices use no page of the IOMMU larger than the granule.
 *
 * More errnos of VFIO_IOMMU_MAP_DMA: EINVAL (argsz; a granule that is no power of
 * two, or smaller than a page of the IOMMU; iova or size not aligned to it; with
 * VFIO_DMA_MAP_FLAG_VADDR; VFIO_TYPE1_IOMMU).  Of VFIO_IOMMU_UNMAP_DMA that takes a
 * part: ENOMEM, ENOSPC (two mappings would be left where one was, and
 * dma_entry_limit allows no more), when nothing is unmapped.
 */
#define VFIO_TYPE1X_MAP_FLAG_GRANULE	0x1000000

/**
 * struct vfio_type1x_dma_map - struct vfio_iommu_type1_dma_map, and a granule
 * @argsz: size of this structure
 * @flags: VFIO_TYPE1X_MAP_FLAG_GRANULE, and VFIO_DMA_MAP_FLAG_*
 * @vaddr: first byte of the memory
 * @iova: first byte on the device's side, a multiple of @granule
 * @size: bytes, a multiple of @granule
 * @granule: bytes, a power of two
 */
struct vfio_type1x_dma_map {
	__u32	argsz;
	__u32	flags;
	__u64	vaddr;
	__u64	iova;
	__u64	size;
	__u64	granule;
};

/**
 * struct vfio_type1x_memory - a range of the caller's memory
 * @argsz: size of this structure
 * @flags: VFIO_TYPE1X_MEMORY_*, to register; 0, to unregister
 * @vaddr: first byte, aligned to a page
 * @size: bytes, a multiple of the page size
 */
struct vfio_type1x_memory {
	__u32	argsz;
	__u32	flags;
/* Devices may be allowed to write, not only to read. */
#define VFIO_TYPE1X_MEMORY_WRITE	0x1
	__u64	vaddr;
	__u64	size;
};

/**
 * VFIO_TYPE1X_REGISTER_MEMORY - pin memory, and charge it, once
 *
 * A VFIO_IOMMU_MAP_DMA of this container whose range lies inside what was
 * registered takes the pages from there: it pins and charges nothing.  Other
 * containers that register the very same range of the same address space share
 * pins and charge.
 *
 * Return: 0, or -1 with errno: EINVAL (argsz, flags, alignment, no bytes),
 * EOVERFLOW (the range wraps), EEXIST (overlaps what is registered), EPERM
 * (registered by another container, and not to be written), ENOMEM (memory,
 * RLIMIT_MEMLOCK), EFAULT (argument or memory not there, or it is MMIO), EINTR.
 */
#define VFIO_TYPE1X_REGISTER_MEMORY	_IO(VFIO_TYPE, VFIO_BASE + 96)

/**
 * VFIO_TYPE1X_UNREGISTER_MEMORY - undo VFIO_TYPE1X_REGISTER_MEMORY
 *
 * Closing the container does that, too.
 *
 * Return: 0, or -1 with errno: EINVAL, EOVERFLOW, EFAULT as above, ENOENT (no
 * such range was registered here by this address space), EBUSY (part of it is
 * mapped), EINTR.
 */
#define VFIO_TYPE1X_UNREGISTER_MEMORY	_IO(VFIO_TYPE, VFIO_BASE + 97)

#endif /* _VFIO_TYPE1X_H */
