// SPDX-License-Identifier: GPL-2.0
/* v6.19: attach_dev() is told which domain it replaces. */
#include <linux/iommu.h>

int probe(struct iommu_domain *domain, struct device *dev)
{
	return domain->ops->attach_dev(domain, dev, domain);
}
