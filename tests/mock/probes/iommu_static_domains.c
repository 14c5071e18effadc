// SPDX-License-Identifier: GPL-2.0
/* v6.7: static identity and blocked domains, and domain_alloc_paging(). */
#include <linux/iommu.h>

const struct iommu_ops probe = {
	.identity_domain = NULL,
	.blocked_domain = NULL,
	.domain_alloc_paging = NULL,
};
