// SPDX-License-Identifier: GPL-2.0
/* mmap()s regions of a device at addresses that allow large leaves. */
#include <sys/mman.h>

#include "bar.h"

/* The largest leaf of page tables, the CPU's and the IOMMU's. */
#define LEAF_MOST (1UL << 30)

/**
 * bar_reserve() - addresses for a part of a region
 * @offset: of the part in the region
 * @size: of the part, in bytes
 *
 * Address and offset are congruent modulo the largest leaf that fits.
 *
 * Return: the first one, with nothing accessible there, or MAP_FAILED with errno
 * set.
 */
void *bar_reserve(uint64_t offset, size_t size)
{
	size_t leaf = LEAF_MOST, before;
	char *start;

	while (leaf > size)
		leaf /= 2;

	/* There is no way to ask for a remainder, so take a leaf too much. */
	start = mmap(NULL, size + leaf, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		return MAP_FAILED;
	before = (offset - (uintptr_t)start) & (leaf - 1);
	if (before)
		munmap(start, before);
	munmap(start + before + size, leaf - before);
	return start + before;
}

/**
 * bar_mmap() - mmap() a region that has holes
 * @device: fd
 * @info: of the region
 * @areas: what may be, or shall be, mapped of it: those of
 *	VFIO_REGION_INFO_CAP_SPARSE_MMAP, or what a hole for MSI-X leaves
 * @nr: how many of these
 *
 * One reservation for all of the region: each area then lies at its offset, and
 * what is true of the first byte is true of all of them.
 *
 * Return: address of the region, where holes are not accessible, or MAP_FAILED
 * with errno set.
 */
void *bar_mmap(int device, const struct vfio_region_info *info,
	       const struct vfio_region_sparse_mmap_area *areas,
	       unsigned int nr)
{
	char *region = bar_reserve(0, info->size);
	unsigned int i;

	if (region == MAP_FAILED)
		return MAP_FAILED;
	for (i = 0; i < nr; i++) {
		if (mmap(region + areas[i].offset, areas[i].size,
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, device,
			 info->offset + areas[i].offset) == MAP_FAILED) {
			munmap(region, info->size);
			return MAP_FAILED;
		}
	}
	return region;
}
