/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Containers, groups, devices, and their DMA.
 *
 * A group or device number here is that of devices.h. The mock has more: see
 * vfio_mock_group_open().
 */
#ifndef T1X_VFIO_H
#define T1X_VFIO_H

#include <linux/vfio.h>
#include <linux/vfio_type1x.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Not in every uapi header that this is compiled with. */
#ifndef VFIO_TYPE1_NESTING_IOMMU
#define VFIO_TYPE1_NESTING_IOMMU 6
#endif
#ifndef VFIO_UPDATE_VADDR
#define VFIO_UPDATE_VADDR 10
#endif

#define PAGE		T1X_PAGE_SIZE	/* see Makefile */
#define PAGE_KB		((long)(PAGE >> 10))
#define MIB		(1UL << 20)
#define GIB		(1UL << 30)
#define RW		(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)
#define RO		VFIO_DMA_MAP_FLAG_READ
#define WO		VFIO_DMA_MAP_FLAG_WRITE

/* Where tests map, and where the page is through which a device is watched. */
#define IOVA		0x10000000UL
#define IOVA_SCRATCH	0x0c000000UL

/* The most a device moves at a time: edu takes less than its 4096 bytes. */
#define DMA_MAX		4080UL

/**
 * struct vdev - an open device
 * @fd: of the device
 * @regs: region 0 if it can be mapped, or NULL
 * @offset: of region 0 in @fd otherwise
 */
struct vdev {
	int fd;
	volatile uint64_t *regs;
	uint64_t offset;
};

/**
 * struct rig - a container with groups and devices, ready for use
 * @container: fd
 * @groups: fds
 * @devices: one of each group
 * @n: how many of them
 * @scratch: a page mapped at IOVA_SCRATCH, or NULL
 */
struct rig {
	int container;
	int groups[4];
	struct vdev devices[4];
	int n;
	unsigned char *scratch;
};

/**
 * struct vfio_type - a type of container, as a variant of a test
 * @variant: its name
 * @id: its number in VFIO_SET_IOMMU
 */
struct vfio_type {
	const char *variant;
	unsigned long id;
};

extern const struct vfio_type vfio_types[2];

int vfio_remember(int fd);
int vfio_container_open(void);
int vfio_set_iommu(int container, unsigned long type);
int vfio_try_set_iommu(int container, unsigned long type);
int vfio_group_open(int nr);
void vfio_group_number(int nr, char *number, size_t len);
int vfio_mock_group_open(int device);
int vfio_group_join(int group, int container);
int vfio_group_leave(int group);
void vfio_device_open(struct vdev *dev, int group, int nr);
void vfio_mock_device_open(struct vdev *dev, int group, int device);
void vfio_device_close(struct vdev *dev);
void vfio_close(int *fd);
void vfio_close_all(void);

struct rig *rig_open_from(int nr, int n, unsigned long type);
struct rig *rig_open(int n, unsigned long type);
void rig_add_mock(struct rig *rig, int device);
void rig_close(struct rig *rig);

int dma_map(int container, const void *vaddr, uint64_t iova, uint64_t size,
	    uint32_t flags);
int dma_map_granule(int container, const void *vaddr, uint64_t iova,
		    uint64_t size, uint64_t granule);
int64_t dma_unmap(int container, uint64_t iova, uint64_t size);
int64_t dma_unmap_flags(int container, uint64_t iova, uint64_t size,
			uint32_t flags);
int dma_register(int container, const void *vaddr, uint64_t size,
		 uint32_t flags);
int dma_unregister(int container, const void *vaddr, uint64_t size);

void dma_load(struct vdev *dev, uint64_t iova, unsigned int at, size_t len);
void dma_store(struct vdev *dev, uint64_t iova, unsigned int at, size_t len);
void dma_check_copy(struct vdev *dev, uint64_t to, void *to_vaddr,
		    uint64_t from, void *from_vaddr, size_t len);
void dma_check_read(struct rig *rig, int nr, uint64_t iova, const void *want,
		    size_t len);
void dma_check_write(struct rig *rig, int nr, uint64_t iova, const void *vaddr,
		     size_t len);
void dma_check_pages(struct rig *rig, int nr, uint64_t iova, void *vaddr,
		     size_t npages);
void dma_check_no_read(struct rig *rig, int nr, uint64_t iova, void *vaddr);
void dma_check_no_write(struct rig *rig, int nr, uint64_t iova, void *vaddr);
void dma_check_refused(struct rig *rig, int nr, uint64_t iova, void *vaddr);

/**
 * struct bar - a region to mmap()
 * @dev: its device
 * @region: which one
 * @size: of the region in bytes
 * @offset: of the region in the device's fd
 */
struct bar {
	struct vdev dev;
	unsigned int region;
	uint64_t size;
	uint64_t offset;
};

int vfio_bar_group_open(void);
void vfio_bar_open(struct bar *bar, int group);
void vfio_region(struct vdev *dev, unsigned int region,
		 struct vfio_region_info *info);
void vfio_pci_command(struct vdev *dev, uint16_t clear, uint16_t set);
void *vfio_region_map(struct vdev *dev, unsigned int region, void *addr,
		      uint64_t at, size_t size);

#endif /* T1X_VFIO_H */
