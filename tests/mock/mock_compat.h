/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels for the mock IOMMU and the mock VFIO device,
 * written as if only the newest kernel existed.
 */
#ifndef T1X_MOCK_COMPAT_H
#define T1X_MOCK_COMPAT_H

#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/platform_device.h>
#include <linux/vfio.h>
#include <t1x_features.h>

/*
 * Static identity and blocked domains and domain_alloc_paging() came together;
 * before them one domain_alloc() served every type.
 */
#if T1X_HAS_IOMMU_STATIC_DOMAINS
#define T1X_MOCK_DOMAIN_OPS(prefix)					\
	.identity_domain = &prefix##_identity_domain,			\
	.blocked_domain = &prefix##_blocked_domain,			\
	.domain_alloc_paging = prefix##_domain_alloc_paging
#define T1X_MOCK_DEFINE_DOMAIN_ALLOC(prefix)
#else
#define T1X_MOCK_DOMAIN_OPS(prefix)					\
	.domain_alloc = prefix##_domain_alloc
#define T1X_MOCK_DEFINE_DOMAIN_ALLOC(prefix)				\
static struct iommu_domain *prefix##_domain_alloc(unsigned int type)	\
{									\
	switch (type) {							\
	case IOMMU_DOMAIN_IDENTITY:					\
		return &prefix##_identity_domain;			\
	case IOMMU_DOMAIN_BLOCKED:					\
		return &prefix##_blocked_domain;			\
	case IOMMU_DOMAIN_UNMANAGED:					\
		return prefix##_domain_alloc_paging(NULL);		\
	default:							\
		return NULL;						\
	}								\
}
#endif

/* A bus had the operations of its IOMMU, and kept them when that was gone. */
static inline void t1x_mock_forget_bus_ops(void)
{
#if T1X_HAS_IOMMU_BUS_OPS
	platform_bus_type.iommu_ops = NULL;
#endif
}

/* VMA flags are now changed by helpers. */
#if !T1X_HAS_VM_FLAGS_SET
static inline void t1x_mock_vm_flags_set(struct vm_area_struct *vma,
					 unsigned long flags)
{
	vma->vm_flags |= flags;
}

#define vm_flags_set t1x_mock_vm_flags_set
#endif

/* What iotlb_sync_map() returns: nothing in 6.1, and an error where it can fail. */
#define T1X_MOCK_SYNC_MAP						\
	typeof(((struct iommu_domain_ops *)0)->iotlb_sync_map(NULL, 0, 0))

/* attach_dev() is now told what it replaces. */
#if T1X_HAS_ATTACH_DEV_OLD
#define T1X_MOCK_ATTACH_ARGS						\
	struct iommu_domain *domain, struct device *dev,		\
	struct iommu_domain *old
#else
#define T1X_MOCK_ATTACH_ARGS						\
	struct iommu_domain *domain, struct device *dev
#endif

/* Whether no-snoop accesses of a device can be blocked was no capability. */
#if T1X_HAS_CAP_ENFORCE_COHERENCY
static inline bool t1x_mock_cap_is_enforce_coherency(enum iommu_cap cap)
{
	return cap == IOMMU_CAP_ENFORCE_CACHE_COHERENCY;
}
#else
static inline bool t1x_mock_cap_is_enforce_coherency(enum iommu_cap cap)
{
	return false;
}
#endif

/*
 * Page tables of VT-d that the kernel lends to any IOMMU driver, if it was
 * configured to have them.
 */
#if IS_ENABLED(CONFIG_IOMMU_PT_VTDSS)
#include <iommu-pages.h>
#include <linux/generic_pt/iommu.h>

MODULE_IMPORT_NS("GENERIC_PT_IOMMU");

union t1x_mock_table {
	struct iommu_domain domain;
	struct pt_iommu_vtdss vtdss;
};

#define T1X_MOCK_TABLE_OPS						\
	IOMMU_PT_DOMAIN_OPS(vtdss),

static inline int t1x_mock_table_init(union t1x_mock_table *table)
{
	static const struct pt_iommu_vtdss_cfg cfg = {
		.common.features = BIT(PT_FEAT_FLUSH_RANGE),
		.common.hw_max_vasz_lg2 = 48,
		.common.hw_max_oasz_lg2 = 52,
		.top_level = 3,
	};

	table->vtdss.iommu.nid = NUMA_NO_NODE;
	return pt_iommu_vtdss_init(&table->vtdss, &cfg, GFP_KERNEL);
}

static inline void t1x_mock_table_deinit(union t1x_mock_table *table)
{
	pt_iommu_deinit(&table->vtdss.iommu);
}

static inline void t1x_mock_table_sync(struct iommu_iotlb_gather *gather)
{
	iommu_put_pages_list(&gather->freelist);
}
#else
union t1x_mock_table {
	struct iommu_domain domain;
};

#define T1X_MOCK_TABLE_OPS

static inline int t1x_mock_table_init(union t1x_mock_table *table)
{
	return -EOPNOTSUPP;
}

static inline void t1x_mock_table_deinit(union t1x_mock_table *table)
{
}

static inline void t1x_mock_table_sync(struct iommu_iotlb_gather *gather)
{
}
#endif

/*
 * Whether interrupts are isolated used to be a capability of the IOMMU and is
 * now a property of the MSI domain. Without MSIs there is nothing to set.
 */
#if T1X_HAS_IRQ_ISOLATED_MSI
#include <linux/irqdomain.h>

static inline bool t1x_mock_cap_is_isolated_msi(enum iommu_cap cap)
{
	return false;
}

static inline bool t1x_mock_can_isolate_msi(void)
{
	return IS_ENABLED(CONFIG_GENERIC_MSI_IRQ);
}

static inline void t1x_mock_set_isolated_msi(struct device *dev, bool isolated)
{
	static struct irq_domain mock_isolating_domain = {
		.name = "t1x_mock",
		.flags = IRQ_DOMAIN_FLAG_ISOLATED_MSI,
	};

	dev_set_msi_domain(dev, isolated ? &mock_isolating_domain : NULL);
}
#else
static inline bool t1x_mock_cap_is_isolated_msi(enum iommu_cap cap)
{
	return cap == IOMMU_CAP_INTR_REMAP;
}

static inline bool t1x_mock_can_isolate_msi(void)
{
	return true;
}

static inline void t1x_mock_set_isolated_msi(struct device *dev, bool isolated)
{
}
#endif

/*
 * Members of vfio_device_ops that not every kernel has: the core answers
 * VFIO_DEVICE_GET_REGION_INFO from an op of its own; before 6.3 the driver had
 * to free the device itself; with IOMMUFD a device without its ops cannot be
 * registered at all.
 */
#if T1X_HAS_VFIO_REGION_INFO_CAPS
#define T1X_MOCK_VFIO_CORE_OPS						\
	.get_region_info_caps = mock_region_info,
#elif !T1X_HAS_VFIO_FREE_DEVICE
#define T1X_MOCK_VFIO_CORE_OPS
#else
#define T1X_MOCK_VFIO_CORE_OPS						\
	.release = vfio_free_device,
#endif

#if IS_ENABLED(CONFIG_IOMMUFD)
#define T1X_MOCK_VFIO_IOMMUFD_OPS					\
	.bind_iommufd = vfio_iommufd_physical_bind,			\
	.unbind_iommufd = vfio_iommufd_physical_unbind,			\
	.attach_ioas = vfio_iommufd_physical_attach_ioas,		\
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
#else
#define T1X_MOCK_VFIO_IOMMUFD_OPS
#endif

#define T1X_MOCK_VFIO_OPS						\
	T1X_MOCK_VFIO_CORE_OPS						\
	T1X_MOCK_VFIO_IOMMUFD_OPS					\
	.name = KBUILD_MODNAME

#endif /* T1X_MOCK_COMPAT_H */
