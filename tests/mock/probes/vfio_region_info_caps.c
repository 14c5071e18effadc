// SPDX-License-Identifier: GPL-2.0
/* v6.19: the core answers VFIO_DEVICE_GET_REGION_INFO by an op of its own. */
#include <linux/vfio.h>

const struct vfio_device_ops probe = {
	.get_region_info_caps = NULL,
};
