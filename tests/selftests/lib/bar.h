/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where to mmap() the regions of a device so that large leaves are used. Depends
 * on nothing else here: an example, explained in Documentation/mapping-bars.rst.
 */
#ifndef T1X_BAR_H
#define T1X_BAR_H

#include <linux/vfio.h>
#include <stddef.h>
#include <stdint.h>

void *bar_reserve(uint64_t offset, size_t size);
void *bar_mmap(int device, const struct vfio_region_info *info,
	       const struct vfio_region_sparse_mmap_area *areas,
	       unsigned int nr);

#endif /* T1X_BAR_H */
