/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels for the mock mediated devices: before 6.3 a driver
 * had to free its device itself, and with IOMMUFD a device without its ops cannot
 * be registered at all.
 */
#ifndef T1X_MDEV_COMPAT_H
#define T1X_MDEV_COMPAT_H

#include <linux/vfio.h>
#include <t1x_features.h>

#if T1X_HAS_VFIO_FREE_DEVICE
#define T1X_MDEV_CORE_OPS						\
	.release = vfio_free_device,
#else
#define T1X_MDEV_CORE_OPS
#endif

#if IS_ENABLED(CONFIG_IOMMUFD)
#define T1X_MDEV_IOMMUFD_OPS						\
	.bind_iommufd = vfio_iommufd_emulated_bind,			\
	.unbind_iommufd = vfio_iommufd_emulated_unbind,			\
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,		\
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
#else
#define T1X_MDEV_IOMMUFD_OPS
#endif

#endif /* T1X_MDEV_COMPAT_H */
