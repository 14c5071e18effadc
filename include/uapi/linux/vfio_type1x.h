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
