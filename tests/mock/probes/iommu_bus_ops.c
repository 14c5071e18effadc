// SPDX-License-Identifier: GPL-2.0
/* Before v6.7: a bus had the operations of its IOMMU. */
#include <linux/device/bus.h>

const struct iommu_ops *probe(const struct bus_type *bus)
{
	return bus->iommu_ops;
}
