/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_COMPAT_LINUX_IOMMU_H
#define _T1X_COMPAT_LINUX_IOMMU_H

#include_next <linux/iommu.h>
#include <t1x_features.h>

/* v6.3: iommu_map() and iommu_map_sg() take gfp flags.  Delete with 6.1. */
#if !T1X_HAS_IOMMU_MAP_GFP
#include <linux/gfp.h>

static inline int t1x_compat_iommu_map(struct iommu_domain *domain,
				       unsigned long iova, phys_addr_t paddr,
				       size_t size, int prot, gfp_t gfp)
{
	return gfpflags_allow_blocking(gfp) ?
	       iommu_map(domain, iova, paddr, size, prot) :
	       iommu_map_atomic(domain, iova, paddr, size, prot);
}

/* Only where it may block: there is iommu_map_sg_atomic(), but not for modules. */
static inline ssize_t t1x_compat_iommu_map_sg(struct iommu_domain *domain,
					      unsigned long iova,
					      struct scatterlist *sg,
					      unsigned int nents, int prot, gfp_t gfp)
{
	return iommu_map_sg(domain, iova, sg, nents, prot);
}

#define iommu_map t1x_compat_iommu_map
#define iommu_map_sg t1x_compat_iommu_map_sg
#endif

/* v6.3: iommu_group_has_isolated_msi() exists.  Delete with 6.1. */
#if !T1X_HAS_ISOLATED_MSI
#include <linux/irqdomain.h>

static inline int t1x_compat_dev_intr_remap(struct device *dev, void *data)
{
	return device_iommu_capable(dev, IOMMU_CAP_INTR_REMAP);
}

static inline bool
t1x_compat_iommu_group_has_isolated_msi(struct iommu_group *group)
{
	return irq_domain_check_msi_remap() ||
	       iommu_group_for_each_dev(group, NULL,
					t1x_compat_dev_intr_remap);
}

#define iommu_group_has_isolated_msi t1x_compat_iommu_group_has_isolated_msi
#endif

/*
 * v6.11: iommu_paging_domain_alloc() replaces iommu_domain_alloc(), which took
 * a bus.  Delete with 6.1.
 */
#if !T1X_HAS_IOMMU_PAGING_DOMAIN
#include <linux/err.h>

static inline struct iommu_domain *
t1x_compat_iommu_paging_domain_alloc(struct device *dev)
{
	struct iommu_domain *domain = iommu_domain_alloc(dev->bus);

	/* It does not say why; the in-tree type1 answers -EIO too. */
	return domain ?: ERR_PTR(-EIO);
}

#define iommu_paging_domain_alloc t1x_compat_iommu_paging_domain_alloc
#endif

/*
 * v6.15: a domain without a cookie gets no MSIs where the IOMMU translates doorbells, even
 * if it does not translate those of its group (kernel-faults.rst).
 */
static inline bool t1x_compat_msi_needs_cookie(void)
{
	return IS_ENABLED(CONFIG_IRQ_MSI_IOMMU) && T1X_HAS_IOMMU_COOKIE;
}

#endif /* _T1X_COMPAT_LINUX_IOMMU_H */
