// SPDX-License-Identifier: GPL-2.0
/*
 * Registered memory, for authors of VMMs and userspace drivers.
 *
 *	registered GROUP
 *
 * GROUP is the number of an IOMMU group whose devices belong to vfio-pci.  Build
 * it with the header that `make install` installed:
 *
 *	cc -o registered registered.c
 *
 * A guest with an IOMMU of its own maps and unmaps a few pages for each DMA.  The
 * memory is registered once, so none of that pins or charges anything.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <linux/vfio_type1x.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUEST_RAM	(16UL << 20)
#define TIMES		1000

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* A container with one group, served by a backend that can register memory. */
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
	 * Ask before you rely on it: the kernel's own backend has none of this.
	 * A container of type VFIO_TYPE1X_REGISTERED_IOMMU refuses a map of
	 * memory that is not registered, so it pins no page by accident.
	 */
	if (ioctl(container, VFIO_CHECK_EXTENSION,
		  VFIO_TYPE1X_REGISTERED_MEMORY) != 1) {
		fprintf(stderr, "nothing here can register memory\n");
		exit(2);
	}
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO_SET_IOMMU");
	return container;
}

/* Once, when the guest's memory is made.  This is what takes time and counts. */
static void register_ram(int container, void *ram)
{
	struct vfio_type1x_memory memory = {
		.argsz = sizeof(memory),
		.flags = VFIO_TYPE1X_MEMORY_WRITE,
		.vaddr = (uintptr_t)ram,
		.size = GUEST_RAM,
	};

	if (ioctl(container, VFIO_TYPE1X_REGISTER_MEMORY, &memory))
		die("VFIO_TYPE1X_REGISTER_MEMORY");
}

/* Once, when it goes; or just close the container. */
static void unregister_ram(int container, void *ram)
{
	struct vfio_type1x_memory memory = {
		.argsz = sizeof(memory),
		.vaddr = (uintptr_t)ram,
		.size = GUEST_RAM,
	};

	if (ioctl(container, VFIO_TYPE1X_UNREGISTER_MEMORY, &memory))
		die("VFIO_TYPE1X_UNREGISTER_MEMORY");
}

/* For each DMA of the guest: the ordinary ioctls. */
static void map_and_unmap(int container, void *page, uint64_t iova,
			  uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)page,
		.iova = iova,
		.size = size,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};

	if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map))
		die("VFIO_IOMMU_MAP_DMA");
	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		die("VFIO_IOMMU_UNMAP_DMA");
}

int main(int argc, char **argv)
{
	const size_t size = sysconf(_SC_PAGESIZE);
	int container, i;
	char *ram;

	if (argc != 2) {
		fprintf(stderr, "usage: registered GROUP\n");
		return 2;
	}
	container = open_container(argv[1]);
	ram = mmap(NULL, GUEST_RAM, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		die("mmap");

	register_ram(container, ram);
	for (i = 0; i < TIMES; i++)
		map_and_unmap(container, ram + i * size, 0x40000000,
			      size);
	unregister_ram(container, ram);
	printf("%d maps and unmaps, %lu bytes pinned once\n", TIMES, GUEST_RAM);
	return 0;
}
