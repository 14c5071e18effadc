// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a container: copying, argsz, flags, widths.
 *
 * Turns what userspace wrote into what the rest understands, and back.  The
 * numbers and structures are those of <linux/vfio.h>; the errnos are those of
 * type1 in 7.2 on every kernel.
 */
#include "uapi.h"

#include <linux/overflow.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "container.h"
#include "t1x.h"

static long t1x_uapi_check_extension(struct t1x_container *c, unsigned long arg)
{
	switch (arg) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_DMA_CC_IOMMU:
		return c && t1x_container_coherent(c);
	default:
		return 0;
	}
}

static long t1x_uapi_map(struct t1x_container *c, void __user *arg)
{
	const u32 known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map map;
	unsigned long vaddr, vaddr_last;
	dma_addr_t iova, last;
	unsigned int prot = 0;
	size_t size;

	if (copy_from_user(&map, arg, minsz))
		return -EFAULT;
	if (map.argsz < minsz || map.flags & ~known) {
		t1x_refuse("map with argsz %u, flags %#x", map.argsz,
			   map.flags);
		return -EINVAL;
	}

	iova = map.iova;
	vaddr = map.vaddr;
	size = map.size;
	if (iova != map.iova || vaddr != map.vaddr || size != map.size)
		return -EOVERFLOW;
	if (!size) {
		t1x_refuse("map of no bytes");
		return -EINVAL;
	}
	if (check_add_overflow(iova, (dma_addr_t)size - 1, &last) ||
	    check_add_overflow(vaddr, (unsigned long)size - 1, &vaddr_last)) {
		t1x_refuse("map of %#zx bytes at IOVA %pad, vaddr %#lx wraps",
			   size, &iova, vaddr);
		return -EOVERFLOW;
	}

	if (map.flags & VFIO_DMA_MAP_FLAG_READ)
		prot |= IOMMU_READ;
	if (map.flags & VFIO_DMA_MAP_FLAG_WRITE)
		prot |= IOMMU_WRITE;
	if (!prot) {
		t1x_refuse("map neither readable nor writable");
		return -EINVAL;
	}

	return t1x_map(c, iova, last, vaddr, prot);
}

static long t1x_uapi_unmap(struct t1x_container *c, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap,
					 size);
	struct vfio_iommu_type1_dma_unmap unmap;
	dma_addr_t iova;
	u64 unmapped;
	int ret;

	if (copy_from_user(&unmap, arg, minsz))
		return -EFAULT;
	if (unmap.argsz < minsz || unmap.flags & ~VFIO_DMA_UNMAP_FLAG_ALL) {
		t1x_refuse("unmap with argsz %u, flags %#x", unmap.argsz,
			   unmap.flags);
		return -EINVAL;
	}

	iova = unmap.iova;
	if (iova != unmap.iova || (size_t)unmap.size != unmap.size)
		return -EOVERFLOW;

	ret = t1x_unmap(c, iova, unmap.size,
			unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL, &unmapped);
	/* A refused request is left as it was; what was done is always told. */
	if (ret && ret != -EIO)
		return ret;

	unmap.size = unmapped;
	if (copy_to_user(arg, &unmap, minsz))
		return -EFAULT;
	return ret;
}

/**
 * t1x_uapi_ioctl() - answer an ioctl on a container
 * @cookie: the container, possibly stale; %NULL while it has no backend
 * @cmd: VFIO_*
 * @arg: its argument
 *
 * Context: called by vfio.ko without a lock, and for VFIO_CHECK_EXTENSION with
 * its group_lock held for read.  May sleep long.
 * Return: what the ioctl returns; -ENOTTY for one that type1 does not have,
 * -EINVAL for a container that has gone, as for one that has no backend.
 */
long t1x_uapi_ioctl(void *cookie, unsigned int cmd, unsigned long arg)
{
	struct t1x_container *c = NULL;
	long ret;

	if (cookie) {
		c = t1x_container_get(cookie);
		if (!c)
			return -EINVAL;
	}

	/* vfio.ko asks nothing but VFIO_CHECK_EXTENSION without a container. */
	if (cmd == VFIO_CHECK_EXTENSION)
		ret = t1x_uapi_check_extension(c, arg);
	else if (!c)
		ret = -EINVAL;
	else if (cmd == VFIO_IOMMU_GET_INFO)
		ret = t1x_uapi_get_info(c, (void __user *)arg);
	else if (cmd == VFIO_IOMMU_MAP_DMA)
		ret = t1x_uapi_map(c, (void __user *)arg);
	else if (cmd == VFIO_IOMMU_UNMAP_DMA)
		ret = t1x_uapi_unmap(c, (void __user *)arg);
	else
		ret = -ENOTTY;

	if (c)
		t1x_container_put(c);
	return ret;
}
