// SPDX-License-Identifier: GPL-2.0
/*
 * Granules, for authors of VMMs and userspace drivers.
 *
 *	granule GROUP
 *
 * GROUP is the number of an IOMMU group whose devices belong to vfio-pci.  Build
 * it with the header that `make install` installed:
 *
 *	cc -o granule granule.c
 *
 * A guest's memory is mapped at once.  Later the guest gives blocks of it back,
 * as virtio-mem and balloons do, in any order, and takes some of them again.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <linux/vfio_type1x.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define GUEST_RAM	(16UL << 20)
#define GUEST_IOVA	0x40000000UL
#define BLOCK		(2UL << 20)

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* A container with one group, served by a backend that has granules. */
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

	/*
	 * Ask before you rely on it.  Without, memory that is to go in blocks has
	 * to be mapped in blocks.
	 */
	if (ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1X_GRANULES) != 1) {
		fprintf(stderr, "nothing here has granules\n");
		exit(2);
	}
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO_SET_IOMMU");
	return container;
}

/*
 * The block is the granule: the IOMMU may use pages as large, which is why vaddr
 * should be aligned to it as IOVA has to be, and no larger ones.
 */
static void map(int container, void *ram, uint64_t offset, uint64_t size)
{
	struct vfio_type1x_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE |
			 VFIO_TYPE1X_MAP_FLAG_GRANULE,
		.vaddr = (uintptr_t)ram + offset,
		.iova = GUEST_IOVA + offset,
		.size = size,
		.granule = BLOCK,
	};

	if (ioctl(container, VFIO_IOMMU_MAP_DMA, &arg))
		die("VFIO_IOMMU_MAP_DMA");
}

/* Any blocks, of whatever mappings: the ordinary ioctl. */
static uint64_t unmap(int container, uint64_t offset, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.iova = GUEST_IOVA + offset,
		.size = size,
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &arg))
		die("VFIO_IOMMU_UNMAP_DMA");
	return arg.size;
}

int main(int argc, char **argv)
{
	int container;
	char *ram;

	if (argc != 2) {
		fprintf(stderr, "usage: granule GROUP\n");
		return 2;
	}
	container = open_container(argv[1]);
	ram = mmap(NULL, GUEST_RAM + BLOCK, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		die("mmap");
	ram += -(uintptr_t)ram % BLOCK;
	map(container, ram, 0, GUEST_RAM);

	/* The guest unplugs a block.  Devices first, and then the memory goes. */
	unmap(container, 3 * BLOCK, BLOCK);
	madvise(ram + 3 * BLOCK, BLOCK, MADV_DONTNEED);

	/* It plugs the block again, as a mapping of its own. */
	map(container, ram, 3 * BLOCK, BLOCK);

	/* An unmap need not know which mapping is which. */
	if (unmap(container, BLOCK, 4 * BLOCK) != 4 * BLOCK ||
	    unmap(container, 0, GUEST_RAM) != GUEST_RAM - 4 * BLOCK) {
		fprintf(stderr, "something else was unmapped\n");
		return 1;
	}
	printf("%lu bytes in blocks of %lu\n", GUEST_RAM, BLOCK);
	return 0;
}
