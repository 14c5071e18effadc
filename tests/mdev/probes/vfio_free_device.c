// SPDX-License-Identifier: GPL-2.0
/* Before v6.3: a driver frees its device itself. */
#include <linux/vfio.h>

void probe(struct vfio_device *vdev)
{
	vfio_free_device(vdev);
}
