// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_INFO: page sizes and the chain of capabilities.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "container.h"
#include "dirty.h"
#include "info.h"

/* Room for a capability at the end of the chain, zeroed but for its header. */
static void *t1x_info_cap(struct vfio_info_cap *caps, size_t size, u16 id)
{
	/* The chain keeps 8-byte alignment only if every member does. */
	return vfio_info_cap_add(caps, ALIGN(size, sizeof(u64)), id, 1);
}

static int t1x_info_add_migration(struct t1x_container *c,
				  struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_migration *cap;

	cap = t1x_info_cap(caps, sizeof(*cap),
			   VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);
	if (IS_ERR(cap))
		return PTR_ERR(cap);
	cap->pgsize_bitmap = t1x_container_pgsize(c);
	cap->max_dirty_bitmap_size = t1x_dirty_bytes(T1X_DIRTY_MAX_BITS);
	return 0;
}

static int t1x_info_add_avail(struct t1x_container *c,
			      struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_dma_avail *cap;

	cap = t1x_info_cap(caps, sizeof(*cap),
			   VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	if (IS_ERR(cap))
		return PTR_ERR(cap);
	cap->avail = max(c->dma_avail, 0L);
	return 0;
}

static int t1x_info_add_ranges(struct t1x_container *c,
			       struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	unsigned int i;

	if (!c->iova_ranges.nr)
		return 0;

	cap = t1x_info_cap(caps, struct_size(cap, iova_ranges, c->iova_ranges.nr),
			   VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	if (IS_ERR(cap))
		return PTR_ERR(cap);
	cap->nr_iovas = c->iova_ranges.nr;
	for (i = 0; i < c->iova_ranges.nr; i++) {
		cap->iova_ranges[i].start = c->iova_ranges.range[i].first;
		cap->iova_ranges[i].end = c->iova_ranges.range[i].last;
	}
	return 0;
}

static int t1x_info_collect(struct t1x_container *c,
			    struct vfio_iommu_type1_info *info,
			    struct vfio_info_cap *caps)
{
	int ret;

	ret = mutex_lock_killable(&c->lock);
	if (ret)
		return ret;

	info->flags = VFIO_IOMMU_INFO_PGSIZES;
	info->iova_pgsizes = c->pgsizes;
	ret = t1x_info_add_migration(c, caps);
	if (!ret)
		ret = t1x_info_add_avail(c, caps);
	if (!ret)
		ret = t1x_info_add_ranges(c, caps);

	mutex_unlock(&c->lock);
	return ret;
}

/**
 * t1x_uapi_get_info() - answer VFIO_IOMMU_GET_INFO
 * @c: the container
 * @arg: struct vfio_iommu_type1_info
 *
 * When the chain does not fit, argsz says how much would, and no capability is
 * given; a caller too old to know of cap_offset gets as much as it asked for.
 *
 * Context: takes the lock; may sleep.
 * Return: 0, -EFAULT, -EINVAL, -ENOMEM, or -EINTR when killed while waiting.
 */
long t1x_uapi_get_info(struct t1x_container *c, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_iommu_type1_info,
					 iova_pgsizes);
	struct vfio_info_cap caps = { .buf = NULL, .size = 0 };
	struct vfio_iommu_type1_info info = {};
	size_t size;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "information with argsz %llu, which has to be %llu at least",
				   info.argsz, minsz);
	size = min_t(size_t, info.argsz, sizeof(info));

	ret = t1x_info_collect(c, &info, &caps);
	if (ret)
		goto out_free;

	info.flags |= VFIO_IOMMU_INFO_CAPS;
	if (info.argsz < sizeof(info) + caps.size) {
		info.argsz = sizeof(info) + caps.size;
	} else {
		vfio_info_cap_shift(&caps, sizeof(info));
		info.cap_offset = sizeof(info);
		if (copy_to_user(arg + sizeof(info), caps.buf, caps.size))
			ret = -EFAULT;
	}
	if (!ret && copy_to_user(arg, &info, size))
		ret = -EFAULT;

out_free:
	kfree(caps.buf);
	return ret;
}
