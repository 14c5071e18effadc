// SPDX-License-Identifier: GPL-2.0
/* v6.15: a domain has one cookie, and its type says of what kind. */
#include <linux/iommu.h>

bool probe(struct iommu_domain *domain)
{
	return domain->cookie_type == IOMMU_COOKIE_NONE;
}
