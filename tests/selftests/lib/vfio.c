// SPDX-License-Identifier: GPL-2.0
/* Opens containers, groups and devices, and makes the ioctls of VFIO. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "debugfs.h"
#include "devices.h"
#include "mem.h"
#include "sys.h"
#include "test.h"
#include "vfio.h"

#define MAX_FDS		64
#define MAX_MAPS	64

const struct vfio_type vfio_types[] = {
	{ "v1", VFIO_TYPE1_IOMMU },
	{ "v2", VFIO_TYPE1v2_IOMMU },
};

/* Everything open, so that the end of a test closes what the test did not. */
static int open_fds[MAX_FDS];
static size_t nr_open_fds;
static struct {
	void *addr;
	size_t size;
} maps[MAX_MAPS];
static size_t nr_maps;

/**
 * vfio_remember() - have the end of the test close a descriptor
 * @fd: of a container, group or device
 *
 * Return: @fd.
 */
int vfio_remember(int fd)
{
	if (nr_open_fds == MAX_FDS)
		fail("more than %d open files", MAX_FDS);
	open_fds[nr_open_fds++] = fd;
	return fd;
}

/**
 * vfio_close() - close a container or a group
 * @fd: set to -1
 */
void vfio_close(int *fd)
{
	size_t i;

	for (i = 0; i < nr_open_fds; i++)
		if (open_fds[i] == *fd)
			open_fds[i] = open_fds[--nr_open_fds];
	close(*fd);
	*fd = -1;
}

/** vfio_close_all() - close whatever is still open, newest first */
void vfio_close_all(void)
{
	/* A device stays open for as long as any part of it is mapped. */
	while (nr_maps) {
		nr_maps--;
		munmap(maps[nr_maps].addr, maps[nr_maps].size);
	}
	while (nr_open_fds)
		close(open_fds[--nr_open_fds]);
}

static int open_path(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		fail("open %s: %s", path, strerror(errno));
	return vfio_remember(fd);
}

/**
 * vfio_container_open() - a new container
 *
 * Return: its fd.
 */
int vfio_container_open(void)
{
	int fd = open_path("/dev/vfio/vfio");

	assert_eq(ioctl(fd, VFIO_GET_API_VERSION), VFIO_API_VERSION);
	return fd;
}

static int group_open(const struct device_entry *entry)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/%s", entry->group);
	fd = open_path(path);
	assert_eq(ioctl(fd, VFIO_GROUP_GET_STATUS, &status), 0);
	assert_ne(status.flags & VFIO_GROUP_FLAGS_VIABLE, 0);
	return fd;
}

/**
 * vfio_group_open() - open the group of a DMA device
 * @nr: 0 or 1
 *
 * Return: its fd.
 */
int vfio_group_open(int nr)
{
	struct device_entry entry;

	devices_need(&entry, false, nr);
	return group_open(&entry);
}

/**
 * vfio_bar_group_open() - open the group of the device with the big region
 *
 * Return: its fd.
 */
int vfio_bar_group_open(void)
{
	struct device_entry entry;

	devices_need(&entry, true, 0);
	return group_open(&entry);
}

/**
 * vfio_group_number() - what the group of a DMA device is called
 * @nr: which of them
 * @number: set to its number, as text
 * @len: size of @number
 */
void vfio_group_number(int nr, char *number, size_t len)
{
	struct device_entry entry;

	devices_need(&entry, false, nr);
	snprintf(number, len, "%s", entry.group);
}

/**
 * vfio_mock_group_open() - open the group of any mock device
 * @device: its number; the test is skipped without mocks
 *
 * Return: its fd.
 */
int vfio_mock_group_open(int device)
{
	struct device_entry entry;

	if (!sys_is_uml())
		test_skip("needs a mock device");
	if (!devices_mock(&entry, device))
		fail("no mock device %d", device);
	return group_open(&entry);
}

/**
 * vfio_group_join() - attach a group to a container
 * @group: fd
 * @container: fd
 *
 * Return: 0 or a negative errno.
 */
int vfio_group_join(int group, int container)
{
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ? -errno : 0;
}

/**
 * vfio_group_leave() - detach a group from its container
 * @group: fd
 *
 * Return: 0 or a negative errno.
 */
int vfio_group_leave(int group)
{
	return ioctl(group, VFIO_GROUP_UNSET_CONTAINER) ? -errno : 0;
}

/**
 * vfio_try_set_iommu() - VFIO_SET_IOMMU, with any driver
 * @container: fd
 * @type: VFIO_TYPE1_IOMMU and so on
 *
 * Return: 0 or a negative errno.
 */
int vfio_try_set_iommu(int container, unsigned long type)
{
	return ioctl(container, VFIO_SET_IOMMU, type) ? -errno : 0;
}

/*
 * Containers that the driver under test serves, each a reference on its module. Those of
 * other programs come and go at any time, and so do their references.
 */
static long nr_served(void)
{
	return sys_is_alone() ? sys_refs() : debugfs_containers();
}

/**
 * vfio_set_iommu() - VFIO_SET_IOMMU, and it has to be our driver
 * @container: fd
 * @type: VFIO_TYPE1_IOMMU and so on
 *
 * VFIO asks another driver when the first has failed, so a container that works
 * proves nothing. One more reference on the module does, or one more container of this
 * process in debugfs.
 *
 * Return: 0 or a negative errno.
 */
int vfio_set_iommu(int container, unsigned long type)
{
	long before = nr_served();
	int ret;

	ret = vfio_try_set_iommu(container, type);
	assert_eq(nr_served(), before + !ret);
	return ret;
}

/**
 * vfio_region() - VFIO_DEVICE_GET_REGION_INFO
 * @dev: the device
 * @region: its index
 * @info: the answer
 */
void vfio_region(struct vdev *dev, unsigned int region,
		 struct vfio_region_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = region;
	if (ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, info))
		fail("region %u: %s", region, strerror(errno));
}

/**
 * vfio_pci_command() - change the command register
 * @dev: a PCI device
 * @clear: bits to clear
 * @set: bits to set
 */
void vfio_pci_command(struct vdev *dev, uint16_t clear, uint16_t set)
{
	struct vfio_region_info info;
	uint16_t command;

	vfio_region(dev, VFIO_PCI_CONFIG_REGION_INDEX, &info);
	assert_eq(pread(dev->fd, &command, sizeof(command),
			info.offset + PCI_COMMAND), sizeof(command));
	command = (command & ~clear) | set;
	assert_eq(pwrite(dev->fd, &command, sizeof(command),
			 info.offset + PCI_COMMAND), sizeof(command));
}

static void device_open(struct vdev *dev, int group, const struct device_entry *entry)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	memset(dev, 0, sizeof(*dev));
	dev->fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, entry->device);
	if (dev->fd < 0)
		fail("open device %s: %s", entry->device, strerror(errno));
	vfio_remember(dev->fd);

	assert_eq(ioctl(dev->fd, VFIO_DEVICE_GET_INFO, &info), 0);
	if (info.flags & VFIO_DEVICE_FLAGS_PCI)
		vfio_pci_command(dev, 0, PCI_COMMAND_MEMORY |
					 PCI_COMMAND_MASTER);
}

/**
 * vfio_region_map() - mmap() part of a region
 * @dev: the device
 * @region: which one
 * @addr: where to, in place of what is there, or NULL
 * @at: offset in the region
 * @size: in bytes
 *
 * Return: its address.
 */
void *vfio_region_map(struct vdev *dev, unsigned int region, void *addr,
		      uint64_t at, size_t size)
{
	struct vfio_region_info info;

	vfio_region(dev, region, &info);
	addr = mmap(addr, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | (addr ? MAP_FIXED : 0), dev->fd,
		    info.offset + at);
	if (addr == MAP_FAILED)
		fail("mmap region %u: %s", region, strerror(errno));
	assert_le(nr_maps, MAX_MAPS - 1);
	maps[nr_maps].addr = addr;
	maps[nr_maps].size = size;
	nr_maps++;
	return addr;
}

static void map_registers(struct vdev *dev)
{
	struct vfio_region_info info;

	vfio_region(dev, 0, &info);
	dev->offset = info.offset;
	if (info.flags & VFIO_REGION_INFO_FLAG_MMAP)
		dev->regs = vfio_region_map(dev, 0, NULL, 0, PAGE);
}

/**
 * vfio_device_open() - open a DMA device
 * @dev: filled in
 * @group: fd of its group, which is in a container with an IOMMU
 * @nr: 0 or 1
 */
void vfio_device_open(struct vdev *dev, int group, int nr)
{
	struct device_entry entry;

	devices_need(&entry, false, nr);
	device_open(dev, group, &entry);
	map_registers(dev);
}

/**
 * vfio_mock_device_open() - open any mock device
 * @dev: filled in
 * @group: fd of its group
 * @device: its number
 */
void vfio_mock_device_open(struct vdev *dev, int group, int device)
{
	struct device_entry entry;

	if (!devices_mock(&entry, device))
		fail("no mock device %d", device);
	device_open(dev, group, &entry);
	map_registers(dev);
}

/**
 * vfio_bar_open() - open the device with the big region
 * @bar: filled in
 * @group: fd of its group
 */
void vfio_bar_open(struct bar *bar, int group)
{
	struct vfio_region_info info;
	struct device_entry entry;

	devices_need(&entry, true, 0);
	device_open(&bar->dev, group, &entry);
	vfio_region(&bar->dev, entry.region, &info);
	assert_ne(info.flags & VFIO_REGION_INFO_FLAG_MMAP, 0);
	bar->region = entry.region;
	bar->size = info.size;
	bar->offset = info.offset;
}

/**
 * vfio_device_close() - close a device
 * @dev: becomes unusable
 */
void vfio_device_close(struct vdev *dev)
{
	if (dev->regs)
		munmap((void *)dev->regs, PAGE);
	dev->regs = NULL;
	vfio_close(&dev->fd);
}

/**
 * rig_open_from() - a container with devices in it
 * @nr: the first DMA device: 0 or 1
 * @n: how many
 * @type: for VFIO_SET_IOMMU
 *
 * Maps the scratch page, and registers it if the type wants that.
 *
 * Return: everything, ready for use.
 */
struct rig *rig_open_from(int nr, int n, unsigned long type)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	int i;

	rig->container = vfio_container_open();
	for (i = 0; i < n; i++) {
		rig->groups[i] = vfio_group_open(nr + i);
		assert_ret(vfio_group_join(rig->groups[i], rig->container), 0);
	}
	assert_ret(vfio_set_iommu(rig->container, type), 0);
	for (i = 0; i < n; i++)
		vfio_device_open(&rig->devices[i], rig->groups[i], nr + i);
	rig->n = n;
	rig->scratch = mem_anon(PAGE);
	if (type == VFIO_TYPE1X_REGISTERED_IOMMU)
		assert_ret(dma_register(rig->container, rig->scratch, PAGE,
					VFIO_TYPE1X_MEMORY_WRITE), 0);
	assert_ret(dma_map(rig->container, rig->scratch, IOVA_SCRATCH, PAGE,
			   RW), 0);
	return rig;
}

/**
 * rig_open() - a container with the first devices in it
 * @n: how many DMA devices: 1 or 2
 * @type: VFIO_TYPE1_IOMMU or VFIO_TYPE1v2_IOMMU
 *
 * Return: as rig_open_from().
 */
struct rig *rig_open(int n, unsigned long type)
{
	return rig_open_from(0, n, type);
}

/**
 * rig_add_mock() - one more device, of the mock's
 * @rig: becomes larger
 * @device: number of the mock device; the test is skipped without mocks
 */
void rig_add_mock(struct rig *rig, int device)
{
	int i = rig->n;

	rig->groups[i] = vfio_mock_group_open(device);
	assert_ret(vfio_group_join(rig->groups[i], rig->container), 0);
	vfio_mock_device_open(&rig->devices[i], rig->groups[i], device);
	rig->n++;
}

/**
 * rig_close() - close everything, devices first
 * @rig: freed
 */
void rig_close(struct rig *rig)
{
	int i;

	for (i = 0; i < rig->n; i++)
		vfio_device_close(&rig->devices[i]);
	for (i = 0; i < rig->n; i++)
		vfio_close(&rig->groups[i]);
	vfio_close(&rig->container);
	munmap(rig->scratch, PAGE);
	free(rig);
}

/**
 * dma_map() - VFIO_IOMMU_MAP_DMA
 * @container: fd
 * @vaddr: memory
 * @iova: where devices will see it
 * @size: in bytes
 * @flags: RW, RO or WO
 *
 * Return: 0 or a negative errno.
 */
int dma_map(int container, const void *vaddr, uint64_t iova, uint64_t size,
	    uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

/**
 * dma_map_granule() - the same, with granules
 * @container: fd
 * @vaddr: memory
 * @iova: first byte
 * @size: in bytes
 * @granule: in bytes
 *
 * Return: 0 or a negative errno.
 */
int dma_map_granule(int container, const void *vaddr, uint64_t iova,
		    uint64_t size, uint64_t granule)
{
	struct vfio_type1x_dma_map map = {
		.argsz = sizeof(map),
		.flags = RW | VFIO_TYPE1X_MAP_FLAG_GRANULE,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
		.granule = granule,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

/**
 * dma_unmap_flags() - VFIO_IOMMU_UNMAP_DMA
 * @container: fd
 * @iova: first byte
 * @size: in bytes
 * @flags: 0 or VFIO_DMA_UNMAP_FLAG_*
 *
 * Return: how many bytes were unmapped, or a negative errno.
 */
int64_t dma_unmap_flags(int container, uint64_t iova, uint64_t size,
			uint32_t flags)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		return -errno;
	return unmap.size;
}

/**
 * dma_unmap() - VFIO_IOMMU_UNMAP_DMA without flags
 * @container: fd
 * @iova: first byte
 * @size: in bytes
 *
 * Return: how many bytes were unmapped, or a negative errno.
 */
int64_t dma_unmap(int container, uint64_t iova, uint64_t size)
{
	return dma_unmap_flags(container, iova, size, 0);
}

static int do_memory(int container, unsigned long request, const void *vaddr,
		     uint64_t size, uint32_t flags)
{
	struct vfio_type1x_memory memory = {
		.argsz = sizeof(memory),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.size = size,
	};

	return ioctl(container, request, &memory) ? -errno : 0;
}

/**
 * dma_register() - VFIO_TYPE1X_REGISTER_MEMORY
 * @container: fd
 * @vaddr: memory
 * @size: in bytes
 * @flags: VFIO_TYPE1X_MEMORY_*
 *
 * Return: 0 or a negative errno.
 */
int dma_register(int container, const void *vaddr, uint64_t size,
		 uint32_t flags)
{
	return do_memory(container, VFIO_TYPE1X_REGISTER_MEMORY, vaddr, size,
			 flags);
}

/**
 * dma_unregister() - VFIO_TYPE1X_UNREGISTER_MEMORY
 * @container: fd
 * @vaddr: memory
 * @size: in bytes
 *
 * Return: 0 or a negative errno.
 */
int dma_unregister(int container, const void *vaddr, uint64_t size)
{
	return do_memory(container, VFIO_TYPE1X_UNREGISTER_MEMORY, vaddr, size,
			 0);
}
