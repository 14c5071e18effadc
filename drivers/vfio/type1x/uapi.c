// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a container: copying, argsz, flags, widths.
 *
 * Translates the arguments of userspace to those of the other files, and back.  The
 * numbers and structures are those of <linux/vfio.h>, where the errnos are those
 * of type1 in 7.2 on every kernel, and of <linux/vfio_type1x.h>.
 */
#include "uapi.h"

#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <uapi/linux/vfio_type1x.h>

#include "container.h"
#include "dirty.h"
#include "info.h"
#include "map.h"
#include "mr.h"
#include "t1x.h"
#include "unmap.h"

static long t1x_uapi_check_extension(struct t1x_container *c, unsigned long arg)
{
	switch (arg) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
	case VFIO_TYPE1X_REGISTERED_MEMORY:
	case VFIO_TYPE1X_REGISTERED_IOMMU:
	case VFIO_TYPE1X_GRANULES:
		return 1;
	case VFIO_DMA_CC_IOMMU:
		return c ? t1x_container_coherent(c) : 0;
	case VFIO_UPDATE_VADDR:
		return c ? t1x_container_vaddr(c) : 0;
	default:
		return 0;
	}
}

/* The granule behind the arguments of a MAP that has one. */
static int t1x_uapi_granule(struct t1x_container *c,
			    const struct vfio_iommu_type1_dma_map *map,
			    void __user *arg, u64 *granule)
{
	const size_t at = offsetof(struct vfio_type1x_dma_map, granule);

	if (map->argsz < at + sizeof(*granule) ||
	    map->flags & VFIO_DMA_MAP_FLAG_VADDR)
		goto err_inval;
	if (copy_from_user(granule, arg + at, sizeof(*granule)))
		return -EFAULT;
	if (*granule)
		return 0;

err_inval:
	return t1x_log_err(&c->errlog, -EINVAL,
			   "map by granules with argsz %llu, flags %#llx, or by none",
			   map->argsz, map->flags);
}

static long t1x_uapi_map_dma(struct t1x_container *c, void __user *arg)
{
	const u32 known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE |
			  VFIO_DMA_MAP_FLAG_VADDR | VFIO_TYPE1X_MAP_FLAG_GRANULE;
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map map;
	unsigned long vaddr, vaddr_last;
	dma_addr_t iova, last;
	unsigned int prot = 0;
	u64 granule = 0;
	size_t size;
	int ret;

	if (copy_from_user(&map, arg, minsz))
		return -EFAULT;
	if (map.argsz < minsz)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "map with argsz %llu, which has to be %llu at least",
				   map.argsz, minsz);
	if (map.flags & ~known)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "map with flags %#llx, of which %#llx are unknown",
				   map.flags, map.flags & ~known);
	if (map.flags & VFIO_TYPE1X_MAP_FLAG_GRANULE) {
		ret = t1x_uapi_granule(c, &map, arg, &granule);
		if (ret)
			return ret;
	}

	iova = map.iova;
	vaddr = map.vaddr;
	size = map.size;
	if (iova != map.iova || vaddr != map.vaddr || size != map.size)
		return -EOVERFLOW;
	if (!size)
		return t1x_log_err(&c->errlog, -EINVAL, "map of no bytes");
	if (check_add_overflow(iova, (dma_addr_t)size - 1, &last) ||
	    check_add_overflow(vaddr, (unsigned long)size - 1, &vaddr_last))
		return t1x_log_err(&c->errlog, -EOVERFLOW,
				   "map of %#llx bytes at IOVA %#llx, vaddr %#llx wraps",
				   size, iova, vaddr);

	if (map.flags & VFIO_DMA_MAP_FLAG_READ)
		prot |= IOMMU_READ;
	if (map.flags & VFIO_DMA_MAP_FLAG_WRITE)
		prot |= IOMMU_WRITE;
	if (!prot == !(map.flags & VFIO_DMA_MAP_FLAG_VADDR))
		return t1x_log_err(&c->errlog, -EINVAL,
				   "map neither readable nor writable, or both that and a new vaddr");

	if (map.flags & VFIO_DMA_MAP_FLAG_VADDR)
		return t1x_map_vaddr(c, iova, last, vaddr);
	return t1x_map(c, iova, last, vaddr, prot, granule);
}

/*
 * A user's bitmap for @size bytes, checked as far as it can be without knowing
 * the mappings.
 */
static int t1x_uapi_bitmap(struct t1x_container *c,
			   const struct vfio_bitmap *bitmap, u64 size,
			   u64 __user **data)
{
	u64 nbits;

	*data = bitmap->data;
	if (!access_ok(*data, bitmap->size) || !is_power_of_2(bitmap->pgsize))
		goto err_inval;

	nbits = size >> __ffs(bitmap->pgsize);
	if (!nbits || bitmap->size > t1x_dirty_bytes(T1X_DIRTY_MAX_BITS) ||
	    bitmap->size < t1x_dirty_bytes(nbits))
		goto err_inval;
	return 0;

err_inval:
	return t1x_log_err(&c->errlog, -EINVAL,
			   "bitmap of %#llx bytes by %#llx for %#llx bytes of IOVA",
			   bitmap->size, bitmap->pgsize, size);
}

static int t1x_uapi_unmap_bitmap(struct t1x_container *c, void __user *arg,
				 const struct vfio_iommu_type1_dma_unmap *unmap,
				 struct t1x_unmap_request *req)
{
	struct vfio_bitmap bitmap;

	if (unmap->flags & (VFIO_DMA_UNMAP_FLAG_ALL |
			    VFIO_DMA_UNMAP_FLAG_VADDR))
		return t1x_log_err(&c->errlog, -EINVAL,
				   "unmap with flags %#llx: a bitmap is not for all, nor for a vaddr",
				   unmap->flags);
	if (unmap->argsz < sizeof(*unmap) + sizeof(bitmap))
		return t1x_log_err(&c->errlog, -EINVAL,
				   "unmap with a bitmap and argsz %llu, which has to be %llu at least",
				   unmap->argsz, sizeof(*unmap) + sizeof(bitmap));
	if (copy_from_user(&bitmap, arg + sizeof(*unmap), sizeof(bitmap)))
		return -EFAULT;
	req->pgsize = bitmap.pgsize;
	return t1x_uapi_bitmap(c, &bitmap, unmap->size, &req->bitmap);
}

static long t1x_uapi_unmap_dma(struct t1x_container *c, void __user *arg)
{
	const u32 known = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |
			  VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR;
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap,
					 size);
	struct vfio_iommu_type1_dma_unmap unmap;
	struct t1x_unmap_request req __uninitialized;	/* set below */
	int ret;

	if (copy_from_user(&unmap, arg, minsz))
		return -EFAULT;
	if (unmap.argsz < minsz)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "unmap with argsz %llu, which has to be %llu at least",
				   unmap.argsz, minsz);
	if (unmap.flags & ~known)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "unmap with flags %#llx, of which %#llx are unknown",
				   unmap.flags, unmap.flags & ~known);
	req.dirty = unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	req.bitmap = NULL;
	req.pgsize = 0;
	if (unlikely(req.dirty)) {
		ret = t1x_uapi_unmap_bitmap(c, arg, &unmap, &req);
		if (ret)
			return ret;
	}

	req.iova = unmap.iova;
	req.size = unmap.size;
	req.all = unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL;
	req.vaddr = unmap.flags & VFIO_DMA_UNMAP_FLAG_VADDR;
	if (req.iova != unmap.iova || (size_t)unmap.size != unmap.size)
		return -EOVERFLOW;

	ret = t1x_unmap(c, &req);
	/* With -EIO a part was unmapped, so the size is written back then as well. */
	if (ret && ret != -EIO)
		return ret;

	unmap.size = req.unmapped;
	if (copy_to_user(arg, &unmap, minsz))
		return -EFAULT;
	return ret;
}

static long t1x_uapi_dirty_get(struct t1x_container *c, void __user *arg,
			       size_t argsz)
{
	struct vfio_iommu_type1_dirty_bitmap_get range;
	dma_addr_t iova, last;
	u64 __user *bitmap;
	int ret;

	if (argsz < sizeof(range))
		return t1x_log_err(&c->errlog, -EINVAL,
				   "dirty pages: no room for a range in argsz");
	if (copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;

	iova = range.iova;
	if (iova != range.iova || (size_t)range.size != range.size)
		return -EOVERFLOW;
	if (!range.size)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "dirty pages of no bytes");
	if (check_add_overflow(iova, (dma_addr_t)range.size - 1, &last))
		return t1x_log_err(&c->errlog, -EOVERFLOW,
				   "dirty pages of %#llx bytes at %#llx wrap",
				   range.size, iova);
	ret = t1x_uapi_bitmap(c, &range.bitmap, range.size, &bitmap);
	if (ret)
		return ret;

	return t1x_dirty_get(c, iova, last, bitmap, range.bitmap.pgsize);
}

static long t1x_uapi_dirty(struct t1x_container *c, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dirty_bitmap,
					 flags);
	struct vfio_iommu_type1_dirty_bitmap dirty;

	if (!c->v2)
		return t1x_log_err(&c->errlog, -EACCES,
				   "dirty pages: not for VFIO_TYPE1_IOMMU");
	if (copy_from_user(&dirty, arg, minsz))
		return -EFAULT;
	if (dirty.argsz < minsz)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "dirty pages with argsz %llu", dirty.argsz);

	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		return t1x_dirty_start(c);
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		return t1x_dirty_stop(c);
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return t1x_uapi_dirty_get(c, arg + minsz, dirty.argsz - minsz);
	default:
		return t1x_log_err(&c->errlog, -EINVAL,
				   "dirty pages: flags %#llx, not just one",
				   dirty.flags);
	}
}

/* Copies in which memory to register or to unregister; @known are the flags allowed. */
static int t1x_uapi_memory_range(struct t1x_container *c, void __user *arg,
				 u32 known, struct vfio_type1x_memory *memory,
				 unsigned long *last)
{
	unsigned long first;

	if (copy_from_user(memory, arg, sizeof(*memory)))
		return -EFAULT;
	if (memory->argsz < sizeof(*memory) || memory->flags & ~known)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "memory with argsz %llu, flags %#llx",
				   memory->argsz, memory->flags);

	first = memory->vaddr;
	if (first != memory->vaddr || (size_t)memory->size != memory->size)
		return -EOVERFLOW;
	if (!memory->size || (memory->vaddr | memory->size) & ~PAGE_MASK)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "memory of %#llx bytes at %#llx: not whole pages, or nothing",
				   memory->size, first);
	if (check_add_overflow(first, (unsigned long)memory->size - 1, last))
		return t1x_log_err(&c->errlog, -EOVERFLOW,
				   "memory of %#llx bytes at %#llx wraps",
				   memory->size, first);
	return 0;
}

static long t1x_uapi_register_memory(struct t1x_container *c, void __user *arg)
{
	struct vfio_type1x_memory memory;
	unsigned long last;
	int ret;

	ret = t1x_uapi_memory_range(c, arg, VFIO_TYPE1X_MEMORY_WRITE, &memory,
				    &last);
	if (ret)
		return ret;
	return t1x_mr_register(c, memory.vaddr, last,
			       memory.flags & VFIO_TYPE1X_MEMORY_WRITE);
}

static long t1x_uapi_unregister_memory(struct t1x_container *c, void __user *arg)
{
	struct vfio_type1x_memory memory;
	unsigned long last;
	int ret;

	ret = t1x_uapi_memory_range(c, arg, 0, &memory, &last);
	return ret ?: t1x_mr_unregister(c, memory.vaddr, last);
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
		ret = t1x_uapi_map_dma(c, (void __user *)arg);
	else if (cmd == VFIO_IOMMU_UNMAP_DMA)
		ret = t1x_uapi_unmap_dma(c, (void __user *)arg);
	else if (cmd == VFIO_IOMMU_DIRTY_PAGES)
		ret = t1x_uapi_dirty(c, (void __user *)arg);
	else if (cmd == VFIO_TYPE1X_REGISTER_MEMORY)
		ret = t1x_uapi_register_memory(c, (void __user *)arg);
	else if (cmd == VFIO_TYPE1X_UNREGISTER_MEMORY)
		ret = t1x_uapi_unregister_memory(c, (void __user *)arg);
	else
		ret = -ENOTTY;

	if (c)
		t1x_container_put(c);
	return ret;
}
