/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface between vfio.ko and an IOMMU backend, restated.
 *
 * The kernel keeps it in drivers/vfio/vfio.h, which no linux-headers package
 * ships.  A wrong copy is not caught by symbol versions (a module takes the
 * CRC of vfio_register_iommu_driver from the kernel's Module.symvers, whatever
 * it passes in), so the layout is asserted here and scripts/check/compare-abi
 * compares it with the BTF of the vfio.ko that will really be loaded.
 */
#ifndef _VFIO_ABI_VFIO_IOMMU_DRIVER_H
#define _VFIO_ABI_VFIO_IOMMU_DRIVER_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/version.h>

struct iommu_domain;
struct iommu_group;
struct module;
struct page;
struct vfio_device;

/*
 * Which kernels were tested, or differ too little from one that was to matter,
 * is in Documentation/compatibility.rst.
 */
#if KERNEL_VERSION(6, 1, 0) > LINUX_VERSION_CODE
#error "type1x supports Linux 6.1, 6.12 and later"
#elif ((KERNEL_VERSION(6, 2, 0) <= LINUX_VERSION_CODE &&	\
	KERNEL_VERSION(6, 12, 0) > LINUX_VERSION_CODE) ||	\
	KERNEL_VERSION(7, 4, 0) <= LINUX_VERSION_CODE) &&	\
	!defined(T1X_ALLOW_UNTESTED)
#error "untested kernel: run scripts/check/compare-abi, then build with T1X_ALLOW_UNTESTED"
#endif

/* Before 6.3 a backend is told that the container's descriptor was closed. */
#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE
#define VFIO_ABI_HAS_NOTIFY 1
#endif

/**
 * enum vfio_group_type - what stands behind an IOMMU group
 * @VFIO_IOMMU: hardware whose DMA an IOMMU translates
 * @VFIO_EMULATED_IOMMU: a mediated device, which pins through the backend
 * @VFIO_NO_IOMMU: hardware without translation; never offered to type1
 */
enum vfio_group_type {
	VFIO_IOMMU,
	VFIO_EMULATED_IOMMU,
	VFIO_NO_IOMMU,
};

#ifdef VFIO_ABI_HAS_NOTIFY
/**
 * enum vfio_iommu_notify_type - events of &vfio_iommu_driver_ops.notify
 * @VFIO_IOMMU_CONTAINER_CLOSE: userspace closed the container's descriptor
 */
enum vfio_iommu_notify_type {
	VFIO_IOMMU_CONTAINER_CLOSE = 0,
};
#endif

/**
 * struct vfio_iommu_driver_ops - what a backend registers with vfio.ko
 * @name: backend name, for vfio.ko's no-IOMMU check only
 * @owner: module held from VFIO_SET_IOMMU until the last group has left
 * @open: makes the backend's side of a container; returns a cookie that
 *	vfio.ko passes back and never dereferences, or an ERR_PTR()
 * @release: ends the cookie; may run while @ioctl with that cookie still does
 * @ioctl: everything vfio.ko does not handle itself; called with a %NULL
 *	cookie for VFIO_CHECK_EXTENSION on a container that has no backend yet
 * @attach_group: adds a group; group_lock of the container is held for write
 * @detach_group: removes a group; group_lock is held for write
 * @pin_pages: pins user pages for a mediated device
 * @unpin_pages: undoes @pin_pages
 * @register_device: a mediated device opens; paired with @unregister_device
 * @unregister_device: a mediated device closes
 * @dma_rw: reads or writes user memory for a mediated device
 * @group_iommu_domain: the domain a group is attached to
 * @notify: (before 6.3) tells of a container event
 *
 * Optional members may be %NULL; vfio.ko then answers -ENOTTY itself.
 */
struct vfio_iommu_driver_ops {
	char *name;
	struct module *owner;
	void *(*open)(unsigned long arg);
	void (*release)(void *iommu_data);
	long (*ioctl)(void *iommu_data, unsigned int cmd, unsigned long arg);
	int (*attach_group)(void *iommu_data, struct iommu_group *group,
			    enum vfio_group_type type);
	void (*detach_group)(void *iommu_data, struct iommu_group *group);
	int (*pin_pages)(void *iommu_data, struct iommu_group *group,
			 dma_addr_t user_iova, int npage, int prot,
			 struct page **pages);
	void (*unpin_pages)(void *iommu_data, dma_addr_t user_iova, int npage);
	void (*register_device)(void *iommu_data, struct vfio_device *vdev);
	void (*unregister_device)(void *iommu_data, struct vfio_device *vdev);
	int (*dma_rw)(void *iommu_data, dma_addr_t user_iova, void *data,
		      size_t count, bool write);
	struct iommu_domain *(*group_iommu_domain)(void *iommu_data,
						   struct iommu_group *group);
#ifdef VFIO_ABI_HAS_NOTIFY
	void (*notify)(void *iommu_data, enum vfio_iommu_notify_type event);
#endif
};

#define VFIO_ABI_MEMBER(member, slot)					\
	static_assert(offsetof(struct vfio_iommu_driver_ops, member) ==	\
		      (slot) * sizeof(void *))

VFIO_ABI_MEMBER(name, 0);
VFIO_ABI_MEMBER(owner, 1);
VFIO_ABI_MEMBER(open, 2);
VFIO_ABI_MEMBER(release, 3);
VFIO_ABI_MEMBER(ioctl, 4);
VFIO_ABI_MEMBER(attach_group, 5);
VFIO_ABI_MEMBER(detach_group, 6);
VFIO_ABI_MEMBER(pin_pages, 7);
VFIO_ABI_MEMBER(unpin_pages, 8);
VFIO_ABI_MEMBER(register_device, 9);
VFIO_ABI_MEMBER(unregister_device, 10);
VFIO_ABI_MEMBER(dma_rw, 11);
VFIO_ABI_MEMBER(group_iommu_domain, 12);
#ifdef VFIO_ABI_HAS_NOTIFY
VFIO_ABI_MEMBER(notify, 13);
static_assert(sizeof(struct vfio_iommu_driver_ops) == 14 * sizeof(void *));
#else
static_assert(sizeof(struct vfio_iommu_driver_ops) == 13 * sizeof(void *));
#endif

#undef VFIO_ABI_MEMBER

int vfio_register_iommu_driver(const struct vfio_iommu_driver_ops *ops);
void vfio_unregister_iommu_driver(const struct vfio_iommu_driver_ops *ops);

#endif /* _VFIO_ABI_VFIO_IOMMU_DRIVER_H */
