// SPDX-License-Identifier: GPL-2.0
/*
 * What a VMM asks of a container, for authors of VMMs; nothing in here needs
 * more than <linux/vfio.h>, so any backend serves it.
 *
 *	vmm GROUP
 *
 * GROUP is the number of an IOMMU group whose devices belong to vfio-pci.  Build
 * it with:
 *
 *	cc -D_GNU_SOURCE -o vmm vmm.c
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUEST_RAM	(16UL << 20)
#define GUEST_IOVA	0x40000000UL
#define HUGE_PAGE	(2UL << 20)

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* A container with one group. */
static int open_container(const char *number)
{
	int container, group;
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%s", number);
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	group = open(path, O_RDWR | O_CLOEXEC);
	if (container < 0 || group < 0)
		die(path);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container))
		die("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO_SET_IOMMU");
	return container;
}

/* With too little room the first call returns the size that is needed. */
static struct vfio_iommu_type1_info *get_info(int container)
{
	struct vfio_iommu_type1_info *info;
	uint32_t size = sizeof(*info);

	for (;;) {
		info = calloc(1, size);
		if (!info)
			die("calloc");
		info->argsz = size;
		if (ioctl(container, VFIO_IOMMU_GET_INFO, info))
			die("VFIO_IOMMU_GET_INFO");
		if (info->argsz <= size)
			return info;
		size = info->argsz;
		free(info);
	}
}

static const void *find_cap(const struct vfio_iommu_type1_info *info, int id)
{
	const struct vfio_info_cap_header *cap;
	uint32_t at;

	if (!(info->flags & VFIO_IOMMU_INFO_CAPS))
		return NULL;
	for (at = info->cap_offset; at; at = cap->next) {
		cap = (const void *)((const char *)info + at);
		if (cap->id == id)
			return cap;
	}
	return NULL;
}

/* Both ends are inclusive.  Ranges change when a group comes or goes. */
static bool is_usable(int container, uint64_t iova, uint64_t last)
{
	struct vfio_iommu_type1_info *info = get_info(container);
	const struct vfio_iommu_type1_info_cap_iova_range *cap;
	bool is_within;
	uint32_t i;

	cap = find_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	is_within = !cap;
	for (i = 0; cap && i < cap->nr_iovas; i++)
		if (cap->iova_ranges[i].start <= iova &&
		    cap->iova_ranges[i].end >= last)
			is_within = true;
	free(info);
	return is_within;
}

/* Address and IOVA differ by a multiple of a huge page, so both can have it. */
static char *mmap_ram(int memfd)
{
	char *all, *ram;

	all = mmap(NULL, GUEST_RAM + HUGE_PAGE, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		die("mmap");
	ram = all + (GUEST_IOVA - (uintptr_t)all) % HUGE_PAGE;
	if (mmap(ram, GUEST_RAM, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, memfd, 0) == MAP_FAILED)
		die("mmap");
	madvise(ram, GUEST_RAM, MADV_HUGEPAGE);
	return ram;
}

/* With VFIO_DMA_MAP_FLAG_VADDR it only says where the memory is now. */
static int map(int container, uint32_t flags, const char *vaddr)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = GUEST_IOVA,
		.size = GUEST_RAM,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &arg) ? -errno : 0;
}

/* What went is in size, and nothing else tells. */
static uint64_t unmap(int container, uint32_t flags, uint64_t iova,
		      uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.iova = iova,
		.size = size,
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &arg))
		die("VFIO_IOMMU_UNMAP_DMA");
	return arg.size;
}

static void dirty(int container, uint32_t flag, void *bitmap, size_t bytes)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get range;
	} arg = {
		.head.argsz = sizeof(arg),
		.head.flags = flag,
		.range.iova = GUEST_IOVA,
		.range.size = GUEST_RAM,
		.range.bitmap.pgsize = sysconf(_SC_PAGESIZE),
		.range.bitmap.size = bytes,
		.range.bitmap.data = bitmap,
	};

	if (ioctl(container, VFIO_IOMMU_DIRTY_PAGES, &arg))
		die("VFIO_IOMMU_DIRTY_PAGES");
}

/* Pages that a device may have written to, for a migration. */
static void track_dirty(int container)
{
	size_t i, nr = 0, words = GUEST_RAM / sysconf(_SC_PAGESIZE) / 64;
	uint64_t *bitmap = calloc(words, sizeof(*bitmap));

	if (!bitmap)
		die("calloc");
	dirty(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START, NULL, 0);
	dirty(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP, bitmap,
	      words * sizeof(*bitmap));
	dirty(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP, NULL, 0);
	for (i = 0; i < words; i++)
		nr += __builtin_popcountll(bitmap[i]);
	free(bitmap);
	printf("%zu dirty pages\n", nr);
}

/* The same memory at another address, as a new VMM has it.  DMA goes on. */
static char *move_ram(int container, int memfd, char *old)
{
	char *ram;

	unmap(container, VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR,
	      0, 0);
	ram = mmap_ram(memfd);
	munmap(old, GUEST_RAM);
	if (map(container, VFIO_DMA_MAP_FLAG_VADDR, ram))
		die("new vaddr");
	return ram;
}

int main(int argc, char **argv)
{
	int container, memfd, ret;
	char *ram;

	if (argc != 2) {
		fprintf(stderr, "usage: vmm GROUP\n");
		return 2;
	}
	container = open_container(argv[1]);
	memfd = memfd_create("ram", MFD_CLOEXEC);
	if (memfd < 0 || ftruncate(memfd, GUEST_RAM))
		die("memfd");
	ram = mmap_ram(memfd);

	if (!is_usable(container, GUEST_IOVA, GUEST_IOVA + GUEST_RAM - 1)) {
		fprintf(stderr, "no device can have memory at %#lx\n", GUEST_IOVA);
		return 1;
	}
	ret = map(container, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		  ram);
	if (ret) {
		fprintf(stderr, "map: error %d\n", -ret);
		return 1;
	}

	track_dirty(container);
	if (ioctl(container, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR) == 1)
		ram = move_ram(container, memfd, ram);
	if (unmap(container, 0, GUEST_IOVA, GUEST_RAM) != GUEST_RAM) {
		fprintf(stderr, "something else was unmapped\n");
		return 1;
	}
	return 0;
}
