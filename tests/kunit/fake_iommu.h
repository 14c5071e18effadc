/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_FAKE_IOMMU_H
#define _T1X_FAKE_IOMMU_H

#include <linux/iommu.h>
#include <linux/platform_device.h>

#include "t1x_kunit.h"

#define FAKE_GROUPS	3
#define FAKE_RESV	4

/**
 * struct fake_resv - a region that a device reserves
 * @start: first byte
 * @length: bytes
 * @type: what for
 */
struct fake_resv {
	u64 start;
	size_t length;
	enum iommu_resv_type type;
};

/**
 * struct fake_group - a device in an IOMMU group of its own
 * @pdev: the device
 * @group: its group, of which the tests own the DMA
 * @domain: what it is attached to; %NULL: its DMA is blocked
 * @resv: what it reserves
 * @nr_resv: how many regions that are
 */
struct fake_group {
	struct platform_device *pdev;
	struct iommu_group *group;
	struct fake_domain *domain;
	struct fake_resv resv[FAKE_RESV];
	unsigned int nr_resv;
};

/**
 * struct fake_iommu - the IOMMU in front of these devices
 * @group: the devices
 * @first: first byte that the next domain translates
 * @last: last byte that the next domain translates
 * @pgsizes: page sizes of the next domain
 * @coherent: the next domain can be made coherent
 * @fail_alloc: there is no memory for domains
 * @fail_attach: the first call of attach_dev() for a domain that fails, counted down to
 *	1; 0 none
 * @fail_attaches: how many calls fail from then on
 * @fail_map: for the next domain, see struct fake_domain
 * @domains: domains that were not freed yet
 * @errors: rules broken in those that were
 */
struct fake_iommu {
	struct fake_group group[FAKE_GROUPS];
	dma_addr_t first;
	dma_addr_t last;
	unsigned long pgsizes;
	bool coherent;
	bool fail_alloc;
	unsigned int fail_attach;
	unsigned int fail_attaches;
	unsigned int fail_map;
	unsigned int domains;
	unsigned int errors;
};

extern struct fake_iommu fake_iommu;

int fake_iommu_suite_init(struct kunit_suite *suite);
void fake_iommu_suite_exit(struct kunit_suite *suite);
void fake_iommu_reset(void);
void fake_iommu_reserve(unsigned int nr, u64 start, size_t length,
			enum iommu_resv_type type);

int fake_iommu_init(struct kunit *test);
void fake_iommu_exit(struct kunit *test);
int fake_attach(struct fixture *f, unsigned int nr);
int fake_emulate(struct fixture *f, unsigned int nr);
void fake_detach(struct fixture *f, unsigned int nr);
bool fake_attached(struct fixture *f, unsigned int nr);

#endif /* _T1X_FAKE_IOMMU_H */
