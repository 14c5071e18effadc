/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_DOMAIN_H
#define _T1X_DOMAIN_H

#include <linux/atomic.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/percpu-defs.h>

#include "runs.h"

/**
 * struct t1x_domain - one set of IO page tables
 * @node: in the list of the container
 * @groups: the groups attached, struct t1x_group
 * @domain: the kernel's domain
 * @id: what a trace calls it; never used twice
 * @coherent: the domain forbids its devices to bypass CPU caches
 * @syncs: how often each CPU flushed its IOTLB; which is what every UNMAP does, so it is
 *	in no cache line that others read; %NULL before t1x_domain_prepare()
 * @walks: how often it was asked for translations
 *
 * All but the last two change with the container's lock held and all IOVAs locked.
 */
struct t1x_domain {
	struct list_head node;
	struct list_head groups;
	struct iommu_domain *domain;
	unsigned long id;
	bool coherent;
	unsigned long __percpu *syncs;
	atomic_long_t walks;
};

/**
 * struct t1x_group - one IOMMU group of a container
 * @node: in &t1x_domain.groups, or in &t1x_container.emulated_groups
 * @group: the kernel's group; vfio.ko keeps it alive while it is attached
 * @non_pinned: its devices may write to any mapping without a trace; cleared when the
 *	group pins pages, because then it writes to those alone
 *
 * Changes with all IOVAs locked; @non_pinned with &t1x_container.lock held.
 */
struct t1x_group {
	struct list_head node;
	struct iommu_group *group;
	bool non_pinned;
};

/**
 * t1x_gather_init() - begin to collect what an IOTLB is to forget
 * @gather: for t1x_domain_unmap(); one for each domain
 */
static inline void t1x_gather_init(struct iommu_iotlb_gather *gather)
{
	iommu_iotlb_gather_init(gather);
}

struct t1x_domain *t1x_domain_alloc(struct iommu_group *group);
int t1x_domain_prepare(struct t1x_domain *d);
void t1x_domain_free(struct t1x_domain *d);
int t1x_domain_attach(struct t1x_domain *d, struct iommu_group *group);
void t1x_domain_detach(struct t1x_domain *d, struct iommu_group *group);
void t1x_domain_enforce_coherency(struct t1x_domain *d);
bool t1x_domain_compatible(const struct t1x_domain *a,
			   const struct t1x_domain *b);
int t1x_domain_msi_window(struct t1x_domain *d, struct iommu_group *group);

int t1x_domain_map(struct t1x_domain *d, dma_addr_t iova,
		   const struct t1x_run *runs, unsigned int nr, int prot,
		   unsigned int granule_shift, gfp_t gfp);
int t1x_domain_unmap(struct t1x_domain *d, struct iommu_iotlb_gather *gather,
		     dma_addr_t iova, unsigned long npages);
unsigned long t1x_domain_nr_syncs(const struct t1x_domain *d);
void t1x_domain_sync(struct t1x_domain *d, struct iommu_iotlb_gather *gather);
int t1x_domain_unmap_sync(struct t1x_domain *d, dma_addr_t iova,
			  unsigned long npages);
void t1x_domain_count_walk(struct t1x_domain *d, dma_addr_t iova,
			   unsigned long npages);
unsigned long t1x_domain_iova_to_pfn(struct t1x_domain *d, dma_addr_t iova);

int t1x_group_for_each_resv(struct iommu_group *group,
			    int (*fn)(const struct iommu_resv_region *region, void *data),
			    void *data);
bool t1x_group_msi_isolated(struct iommu_group *group);
int t1x_group_number(struct iommu_group *group);

#endif /* _T1X_DOMAIN_H */
