/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mock IOMMU and mock VFIO devices behind it.
 *
 * mock_main.c	platform devices, module parameters
 * mock_stat.c	counters and knobs in debugfs
 * mock_domain.c	a checked page table, with an IOTLB that is stale until it is
 *		told otherwise
 * mock_iommu.c	the IOMMU that it belongs to
 * mock_vfio.c	the devices: a DMA engine, a BAR, and contiguous memory
 */
#ifndef T1X_MOCK_H
#define T1X_MOCK_H

#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/types.h>

/** enum t1x_mock_stat - counters, each a file of its name in debugfs */
enum t1x_mock_stat {
	/** @T1X_MOCK_MAP_CALLS: map_pages() calls */
	T1X_MOCK_MAP_CALLS,
	/** @T1X_MOCK_UNMAP_CALLS: unmap_pages() calls */
	T1X_MOCK_UNMAP_CALLS,
	/** @T1X_MOCK_SYNCS: iotlb_sync() calls that covered something */
	T1X_MOCK_SYNCS,
	/** @T1X_MOCK_IOVA_TO_PHYS_CALLS: iova_to_phys() calls */
	T1X_MOCK_IOVA_TO_PHYS_CALLS,
	/** @T1X_MOCK_LEAVES: leaves mapped at this moment */
	T1X_MOCK_LEAVES,
	/** @T1X_MOCK_STALE: leaves unmapped but not flushed at this moment */
	T1X_MOCK_STALE,
	/** @T1X_MOCK_MAPPED_4K: 4 KiB leaves ever mapped */
	T1X_MOCK_MAPPED_4K,
	/** @T1X_MOCK_MAPPED_2M: 2 MiB leaves ever mapped */
	T1X_MOCK_MAPPED_2M,
	/** @T1X_MOCK_MAPPED_1G: 1 GiB leaves ever mapped */
	T1X_MOCK_MAPPED_1G,
	/** @T1X_MOCK_UNCACHED: leaves ever mapped without IOMMU_CACHE */
	T1X_MOCK_UNCACHED,
	/** @T1X_MOCK_OVERSIZE_UNMAPS: unmaps that took more than was asked */
	T1X_MOCK_OVERSIZE_UNMAPS,
	/** @T1X_MOCK_MAX_STALE: the most leaves that waited for one flush */
	T1X_MOCK_MAX_STALE,
	/** @T1X_MOCK_MAX_UNMAPS_BETWEEN_SYNCS: of one domain */
	T1X_MOCK_MAX_UNMAPS_BETWEEN_SYNCS,
	/** @T1X_MOCK_DOMAINS: paging domains that exist at this moment */
	T1X_MOCK_DOMAINS,
	/** @T1X_MOCK_LEAVES_AT_FREE: leaves still mapped when a domain went */
	T1X_MOCK_LEAVES_AT_FREE,
	/** @T1X_MOCK_DMA_PAGES: pages read or written by a device */
	T1X_MOCK_DMA_PAGES,
	/** @T1X_MOCK_DMA_STALE: of these, through a stale IOTLB entry */
	T1X_MOCK_DMA_STALE,
	/** @T1X_MOCK_DMA_FAULTS: pages a device was refused */
	T1X_MOCK_DMA_FAULTS,
	/** @T1X_MOCK_VIOLATIONS: rules of use broken by the IOMMU's user */
	T1X_MOCK_VIOLATIONS,
	/** @T1X_MOCK_NR_STATS: number of counters */
	T1X_MOCK_NR_STATS,
};

/** enum t1x_mock_knob - settings, each a file of its name in debugfs */
enum t1x_mock_knob {
	/** @T1X_MOCK_FAIL_MAP_IN: fail the Nth map_pages() from now, 0: none */
	T1X_MOCK_FAIL_MAP_IN,
	/** @T1X_MOCK_SHORT_UNMAP_IN: refuse the Nth unmap_pages() from now */
	T1X_MOCK_SHORT_UNMAP_IN,
	/** @T1X_MOCK_REFUSE_UNMAPS: refuse as many unmap_pages() from now on */
	T1X_MOCK_REFUSE_UNMAPS,
	/** @T1X_MOCK_NR_KNOBS: number of settings */
	T1X_MOCK_NR_KNOBS,
};

struct platform_device;

int t1x_mock_stat_init(void);
void t1x_mock_stat_exit(void);
void t1x_mock_stat_add(enum t1x_mock_stat stat, long n);
void t1x_mock_stat_max(enum t1x_mock_stat stat, u64 value);
bool t1x_mock_knob_fires(enum t1x_mock_knob knob);
bool t1x_mock_knob_spends(enum t1x_mock_knob knob);
void t1x_mock_violation(const char *what, u64 iova, u64 phys);

struct iommu_domain *
t1x_mock_domain_alloc(const struct iommu_domain_ops *ops, bool unchecked);
void t1x_mock_domain_free(struct iommu_domain *domain);
int t1x_mock_domain_join(struct iommu_domain *domain, bool noncoherent);
void t1x_mock_domain_leave(struct iommu_domain *domain, bool noncoherent);
int t1x_mock_domain_dma(struct iommu_domain *domain, u64 iova, void *buf,
			size_t len, bool to_memory);
int t1x_mock_domain_provoke(void);

/* Operations of a paging domain. */
int t1x_mock_map_pages(struct iommu_domain *domain, unsigned long iova,
		       phys_addr_t paddr, size_t pgsize, size_t pgcount,
		       int prot, gfp_t gfp, size_t *mapped);
size_t t1x_mock_unmap_pages(struct iommu_domain *domain, unsigned long iova,
			    size_t pgsize, size_t pgcount,
			    struct iommu_iotlb_gather *gather);
void t1x_mock_iotlb_sync(struct iommu_domain *domain,
			 struct iommu_iotlb_gather *gather);
void t1x_mock_flush_iotlb_all(struct iommu_domain *domain);
phys_addr_t t1x_mock_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova);
bool t1x_mock_enforce_cache_coherency(struct iommu_domain *domain);
void t1x_mock_unchecked_sync(struct iommu_domain *domain,
			     struct iommu_iotlb_gather *gather);

int t1x_mock_iommu_init(void);
void t1x_mock_iommu_exit(void);
bool t1x_mock_iommu_isolated_msi(void);
void t1x_mock_iommu_set_isolated_msi(bool isolated);
int t1x_mock_dma(struct device *dev, dma_addr_t iova, void *buf, size_t len,
		 bool to_memory);

int t1x_mock_vfio_init(void);

/* Of mock_main.c: the devices, and what the IOMMU has to know about each. */
unsigned int t1x_mock_nr_devices(void);
struct platform_device *t1x_mock_device(unsigned int nr);
int t1x_mock_device_nr(struct device *dev);
bool t1x_mock_device_is_noncoherent(unsigned int nr);
bool t1x_mock_device_shares_group(unsigned int nr);
bool t1x_mock_is_unchecked(void);
u64 t1x_mock_resv_start(void);
u64 t1x_mock_resv_length(void);

#endif /* T1X_MOCK_H */
