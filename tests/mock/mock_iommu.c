// SPDX-License-Identifier: GPL-2.0
/*
 * The mock IOMMU.
 *
 * A domain keeps its leaves as they were mapped, one xarray per page size, so
 * a 2 MiB leaf goes as a whole and reports 2 MiB, as in hardware. A leaf that
 * is unmapped only becomes stale: devices can go on using it until a flush
 * covers it, which is the worst that a real IOTLB may do. That makes these
 * rules checkable, and breaking one is a violation:
 *
 * - memory that a device can reach, be it through a stale leaf, is pinned;
 * - an IOVA is not mapped again before its stale leaf was flushed.
 *
 * Lock order: iommu_group mutex, mock_master.lock, mock_domain.lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include <t1x_mock_compat.h>

#include "mock.h"

#define MOCK_IOVA_BITS	48
#define MOCK_PGSIZES	(SZ_4K | SZ_2M | SZ_1G)
#define MOCK_MSI_START	0xfee00000
#define MOCK_MSI_LENGTH	SZ_1M

/* A leaf is a value entry: the physical address with these in its low bits. */
#define MOCK_LEAF_READ	BIT(0)
#define MOCK_LEAF_WRITE	BIT(1)
#define MOCK_LEAF_ADDR	PAGE_MASK

#define MOCK_MARK_STALE	XA_MARK_0

enum { MOCK_4K, MOCK_2M, MOCK_1G, MOCK_NR_LEVELS };

static const unsigned int mock_shifts[MOCK_NR_LEVELS] = { 12, 21, 30 };

/*
 * struct mock_domain - a paging domain
 * @lock:	taken by everything that looks at the leaves
 * @leaves:	by page size, then by IOVA in units of it
 * @enforces:	no-snoop accesses are blocked, now and for future devices
 * @noncoherent: devices attached for which that is impossible
 * @unmaps:	unmap_pages() calls since the last flush
 * @stale:	leaves marked stale
 */
struct mock_domain {
	struct iommu_domain domain;
	struct mutex lock; /* leaves and all below */
	struct xarray leaves[MOCK_NR_LEVELS];
	bool enforces;
	unsigned int noncoherent;
	unsigned long unmaps;
	unsigned long stale;
};

/*
 * struct mock_master - what the IOMMU knows about a device
 * @lock:	a DMA holds it, so that the domain stays for its duration
 * @domain:	the paging domain attached, or NULL: every DMA faults
 */
struct mock_master {
	struct device *dev;
	struct mutex lock; /* domain */
	struct mock_domain *domain;
	bool noncoherent;
};

static struct iommu_device mock_iommu;
static bool mock_isolated_msi = true;

static struct mock_domain *to_mock_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct mock_domain, domain);
}

static bool mock_phys_is_held(phys_addr_t phys)
{
	unsigned long pfn = PHYS_PFN(phys);

	/* MMIO, and memory that nobody can free: reserved, the zero page. */
	if (!pfn_valid(pfn) || PageReserved(pfn_to_page(pfn)))
		return true;

	return folio_maybe_dma_pinned(page_folio(pfn_to_page(pfn)));
}

static void mock_check_leaf_held(unsigned long entry, unsigned int level,
				 u64 iova, const char *what)
{
	phys_addr_t phys = entry & MOCK_LEAF_ADDR;
	phys_addr_t end = phys + BIT_ULL(mock_shifts[level]);

	for (; phys < end; phys += PAGE_SIZE, iova += PAGE_SIZE) {
		if (mock_phys_is_held(phys))
			continue;
		t1x_mock_violation(what, iova, phys);
		return;
	}
}

/*
 * Finds the leaf, stale or not, that translates @iova. Returns its level, or
 * -ENOENT.
 */
static int mock_find_leaf(struct mock_domain *mock, u64 iova,
			  unsigned long *entry, bool *stale)
{
	void *value;
	int level;

	lockdep_assert_held(&mock->lock);

	for (level = 0; level < MOCK_NR_LEVELS; level++) {
		struct xarray *leaves = &mock->leaves[level];
		unsigned long index = iova >> mock_shifts[level];

		value = xa_load(leaves, index);
		if (!value)
			continue;
		*entry = xa_to_value(value);
		*stale = xa_get_mark(leaves, index, MOCK_MARK_STALE);
		return level;
	}
	return -ENOENT;
}

static bool mock_domain_is_empty(struct mock_domain *mock)
{
	int level;

	for (level = 0; level < MOCK_NR_LEVELS; level++)
		if (!xa_empty(&mock->leaves[level]))
			return false;
	return true;
}

/* Forgets the stale leaves that touch the range; @last is inclusive. */
static void mock_flush(struct mock_domain *mock, u64 iova, u64 last)
{
	unsigned long index, max;
	void *value;
	int level;

	lockdep_assert_held(&mock->lock);

	for (level = 0; level < MOCK_NR_LEVELS; level++) {
		struct xarray *leaves = &mock->leaves[level];
		unsigned int shift = mock_shifts[level];

		index = iova >> shift;
		max = last >> shift;
		for (value = xa_find(leaves, &index, max, MOCK_MARK_STALE);
		     value;
		     value = xa_find_after(leaves, &index, max,
					   MOCK_MARK_STALE)) {
			mock_check_leaf_held(xa_to_value(value), level,
					     (u64)index << shift,
					     "unpinned before the flush");
			xa_erase(leaves, index);
			mock->stale--;
			t1x_mock_stat_add(T1X_MOCK_STALE, -1);
			cond_resched();
		}
	}
	mock->unmaps = 0;
}

/* Whatever is in the way of a new leaf: stale is a violation, live an error. */
static int mock_make_room(struct mock_domain *mock, u64 iova, u64 last)
{
	int level;

	for (level = 0; level < MOCK_NR_LEVELS; level++) {
		struct xarray *leaves = &mock->leaves[level];
		unsigned int shift = mock_shifts[level];
		unsigned long index = iova >> shift;
		void *value = xa_find(leaves, &index, last >> shift,
				      XA_PRESENT);

		if (!value)
			continue;
		if (!xa_get_mark(leaves, index, MOCK_MARK_STALE))
			return -EEXIST;
		t1x_mock_violation("mapped again before the flush", iova,
				   xa_to_value(value) & MOCK_LEAF_ADDR);
		mock_flush(mock, iova, last);
	}
	return 0;
}

static int mock_map_leaf(struct mock_domain *mock, u64 iova, phys_addr_t paddr,
			 unsigned int level, int prot, gfp_t gfp)
{
	unsigned int shift = mock_shifts[level];
	unsigned long entry = paddr;
	int ret;

	ret = mock_make_room(mock, iova, iova + BIT_ULL(shift) - 1);
	if (ret)
		return ret;

	if (prot & IOMMU_READ)
		entry |= MOCK_LEAF_READ;
	if (prot & IOMMU_WRITE)
		entry |= MOCK_LEAF_WRITE;

	mock_check_leaf_held(entry, level, iova, "mapped before it was pinned");

	ret = xa_err(xa_store(&mock->leaves[level], iova >> shift,
			      xa_mk_value(entry), gfp));
	if (ret)
		return ret;

	t1x_mock_stat_add(T1X_MOCK_LEAVES, 1);
	t1x_mock_stat_add(T1X_MOCK_MAPPED_4K + level, 1);
	if (!(prot & IOMMU_CACHE))
		t1x_mock_stat_add(T1X_MOCK_UNCACHED, 1);
	return 0;
}

static int mock_map_pages(struct iommu_domain *domain, unsigned long iova,
			  phys_addr_t paddr, size_t pgsize, size_t pgcount,
			  int prot, gfp_t gfp, size_t *mapped)
{
	struct mock_domain *mock = to_mock_domain(domain);
	size_t fail_at = SIZE_MAX;
	unsigned int level = 0;
	size_t i;
	int ret = 0;

	t1x_mock_stat_add(T1X_MOCK_MAP_CALLS, 1);
	if (t1x_mock_knob_fires(T1X_MOCK_FAIL_MAP_IN))
		fail_at = pgcount / 2;

	while (pgsize != BIT(mock_shifts[level]))
		if (WARN_ON(++level == MOCK_NR_LEVELS))
			return -EINVAL;

	mutex_lock(&mock->lock);
	for (i = 0; i < pgcount; i++) {
		if (i == fail_at)
			ret = -ENOMEM;
		else
			ret = mock_map_leaf(mock, iova, paddr, level, prot,
					    gfp);
		if (ret)
			break;
		iova += pgsize;
		paddr += pgsize;
		*mapped += pgsize;
	}
	mutex_unlock(&mock->lock);
	return ret;
}

static size_t mock_unmap_pages(struct iommu_domain *domain, unsigned long iova,
			       size_t pgsize, size_t pgcount,
			       struct iommu_iotlb_gather *gather)
{
	struct mock_domain *mock = to_mock_domain(domain);
	size_t size = pgsize * pgcount;
	size_t unmapped = 0;
	unsigned long entry;
	bool stale;
	int level;

	t1x_mock_stat_add(T1X_MOCK_UNMAP_CALLS, 1);
	if (t1x_mock_knob_fires(T1X_MOCK_SHORT_UNMAP_IN))
		return 0;

	mutex_lock(&mock->lock);
	while (unmapped < size) {
		u64 start = iova + unmapped;
		unsigned long index;

		level = mock_find_leaf(mock, start, &entry, &stale);
		if (level < 0 || stale)
			break;

		index = start >> mock_shifts[level];
		xa_set_mark(&mock->leaves[level], index, MOCK_MARK_STALE);
		mock->stale++;
		t1x_mock_stat_add(T1X_MOCK_STALE, 1);
		t1x_mock_stat_add(T1X_MOCK_LEAVES, -1);

		start = (u64)index << mock_shifts[level];
		iommu_iotlb_gather_add_range(gather, start,
					     BIT(mock_shifts[level]));
		unmapped = start + BIT(mock_shifts[level]) - iova;
	}
	if (unmapped > size)
		t1x_mock_stat_add(T1X_MOCK_OVERSIZE_UNMAPS, 1);
	t1x_mock_stat_max(T1X_MOCK_MAX_UNMAPS_BETWEEN_SYNCS, ++mock->unmaps);
	t1x_mock_stat_max(T1X_MOCK_MAX_STALE, mock->stale);
	mutex_unlock(&mock->lock);
	return unmapped;
}

static void mock_iotlb_sync(struct iommu_domain *domain,
			    struct iommu_iotlb_gather *gather)
{
	struct mock_domain *mock = to_mock_domain(domain);

	if (gather->start >= gather->end)
		return;

	t1x_mock_stat_add(T1X_MOCK_SYNCS, 1);
	mutex_lock(&mock->lock);
	mock_flush(mock, gather->start, gather->end);
	mutex_unlock(&mock->lock);
}

static void mock_flush_iotlb_all(struct iommu_domain *domain)
{
	struct mock_domain *mock = to_mock_domain(domain);

	t1x_mock_stat_add(T1X_MOCK_SYNCS, 1);
	mutex_lock(&mock->lock);
	mock_flush(mock, 0, U64_MAX);
	mutex_unlock(&mock->lock);
}

static phys_addr_t mock_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova)
{
	struct mock_domain *mock = to_mock_domain(domain);
	phys_addr_t phys = 0;
	unsigned long entry;
	bool stale;
	int level;

	t1x_mock_stat_add(T1X_MOCK_IOVA_TO_PHYS_CALLS, 1);
	mutex_lock(&mock->lock);
	level = mock_find_leaf(mock, iova, &entry, &stale);
	if (level >= 0 && !stale)
		phys = (entry & MOCK_LEAF_ADDR) |
		       (iova & (BIT_ULL(mock_shifts[level]) - 1));
	mutex_unlock(&mock->lock);
	return phys;
}

/* As VT-d does: not once there are mappings without the enforcing bit. */
static bool mock_enforce_cache_coherency(struct iommu_domain *domain)
{
	struct mock_domain *mock = to_mock_domain(domain);

	mutex_lock(&mock->lock);
	if (!mock->enforces && !mock->noncoherent && mock_domain_is_empty(mock))
		mock->enforces = true;
	mutex_unlock(&mock->lock);
	return mock->enforces;
}

static void mock_domain_free(struct iommu_domain *domain)
{
	struct mock_domain *mock = to_mock_domain(domain);
	unsigned long index;
	void *value;
	int level;

	/* No device is left that could use a stale leaf. */
	mutex_lock(&mock->lock);
	mock_flush(mock, 0, U64_MAX);
	for (level = 0; level < MOCK_NR_LEVELS; level++) {
		xa_for_each(&mock->leaves[level], index, value) {
			mock_check_leaf_held(xa_to_value(value), level,
					     (u64)index << mock_shifts[level],
					     "unpinned but never unmapped");
			t1x_mock_stat_add(T1X_MOCK_LEAVES, -1);
			t1x_mock_stat_add(T1X_MOCK_LEAVES_AT_FREE, 1);
			cond_resched();
		}
		xa_destroy(&mock->leaves[level]);
	}
	mutex_unlock(&mock->lock);

	t1x_mock_stat_add(T1X_MOCK_DOMAINS, -1);
	mutex_destroy(&mock->lock);
	kfree(mock);
}

/* Moves a device to @mock, or to no paging domain at all. */
static int mock_master_attach(struct device *dev, struct mock_domain *mock)
{
	struct mock_master *master = dev_iommu_priv_get(dev);
	struct mock_domain *old;
	int ret = 0;

	mutex_lock(&master->lock);
	old = master->domain;
	if (old == mock)
		goto out_unlock;

	if (mock) {
		mutex_lock(&mock->lock);
		if (mock->enforces && master->noncoherent)
			ret = -EINVAL;
		else
			mock->noncoherent += master->noncoherent;
		mutex_unlock(&mock->lock);
		if (ret)
			goto out_unlock;
	}
	if (old) {
		mutex_lock(&old->lock);
		old->noncoherent -= master->noncoherent;
		mutex_unlock(&old->lock);
	}
	master->domain = mock;

out_unlock:
	mutex_unlock(&master->lock);
	return ret;
}

static int mock_attach_paging(T1X_MOCK_ATTACH_ARGS)
{
	return mock_master_attach(dev, to_mock_domain(domain));
}

static int mock_attach_static(T1X_MOCK_ATTACH_ARGS)
{
	return mock_master_attach(dev, NULL);
}

static void mock_static_free(struct iommu_domain *domain)
{
}

static const struct iommu_domain_ops mock_paging_ops = {
	.attach_dev = mock_attach_paging,
	.map_pages = mock_map_pages,
	.unmap_pages = mock_unmap_pages,
	.flush_iotlb_all = mock_flush_iotlb_all,
	.iotlb_sync = mock_iotlb_sync,
	.iova_to_phys = mock_iova_to_phys,
	.enforce_cache_coherency = mock_enforce_cache_coherency,
	.free = mock_domain_free,
};

static const struct iommu_domain_ops mock_static_ops = {
	.attach_dev = mock_attach_static,
	.free = mock_static_free,
};

static struct iommu_domain mock_identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &mock_static_ops,
};

static struct iommu_domain mock_blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &mock_static_ops,
};

static struct iommu_domain *mock_domain_alloc_paging(struct device *dev)
{
	struct mock_domain *mock;
	int level;

	mock = kzalloc_obj(*mock, GFP_KERNEL);
	if (!mock)
		return NULL;

	mutex_init(&mock->lock);
	for (level = 0; level < MOCK_NR_LEVELS; level++)
		xa_init(&mock->leaves[level]);
	mock->domain.ops = &mock_paging_ops;
	mock->domain.pgsize_bitmap = MOCK_PGSIZES;
	mock->domain.geometry.aperture_end = BIT_ULL(MOCK_IOVA_BITS) - 1;
	mock->domain.geometry.force_aperture = true;

	t1x_mock_stat_add(T1X_MOCK_DOMAINS, 1);
	return &mock->domain;
}

/* What kernels ask that know no static domains. */
static __maybe_unused struct iommu_domain *mock_domain_alloc(unsigned int type)
{
	switch (type) {
	case IOMMU_DOMAIN_IDENTITY:
		return &mock_identity_domain;
	case IOMMU_DOMAIN_BLOCKED:
		return &mock_blocked_domain;
	case IOMMU_DOMAIN_UNMANAGED:
		return mock_domain_alloc_paging(NULL);
	default:
		return NULL;
	}
}

static bool mock_capable(struct device *dev, enum iommu_cap cap)
{
	if (t1x_mock_cap_is_isolated_msi(cap))
		return mock_isolated_msi;
	return cap == IOMMU_CAP_CACHE_COHERENCY;
}

static struct iommu_device *mock_probe_device(struct device *dev)
{
	struct mock_master *master;
	int nr = t1x_mock_device_nr(dev);

	if (nr < 0)
		return ERR_PTR(-ENODEV);

	master = kzalloc_obj(*master, GFP_KERNEL);
	if (!master)
		return ERR_PTR(-ENOMEM);

	master->dev = dev;
	mutex_init(&master->lock);
	master->noncoherent = t1x_mock_device_is_noncoherent(nr);
	dev_iommu_priv_set(dev, master);
	t1x_mock_set_isolated_msi(dev, mock_isolated_msi);
	return &mock_iommu;
}

static void mock_release_device(struct device *dev)
{
	struct mock_master *master = dev_iommu_priv_get(dev);

	t1x_mock_set_isolated_msi(dev, false);
	dev_iommu_priv_set(dev, NULL);
	mutex_destroy(&master->lock);
	kfree(master);
}

static struct iommu_group *mock_device_group(struct device *dev)
{
	int nr = t1x_mock_device_nr(dev);

	if (t1x_mock_device_shares_group(nr))
		return iommu_group_get(&t1x_mock_device(nr - 1)->dev);
	return generic_device_group(dev);
}

static void mock_add_resv(struct list_head *list, u64 start, size_t length,
			  enum iommu_resv_type type)
{
	struct iommu_resv_region *region;

	region = iommu_alloc_resv_region(start, length, 0, type, GFP_KERNEL);
	if (region)
		list_add_tail(&region->list, list);
}

static void mock_get_resv_regions(struct device *dev, struct list_head *list)
{
	mock_add_resv(list, MOCK_MSI_START, MOCK_MSI_LENGTH, IOMMU_RESV_MSI);
	if (t1x_mock_resv_length())
		mock_add_resv(list, t1x_mock_resv_start(),
			      t1x_mock_resv_length(), IOMMU_RESV_RESERVED);
}

static int mock_def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static const struct iommu_ops mock_iommu_ops = {
	.capable = mock_capable,
	T1X_MOCK_DOMAIN_OPS,
	.probe_device = mock_probe_device,
	.release_device = mock_release_device,
	.device_group = mock_device_group,
	.get_resv_regions = mock_get_resv_regions,
	.def_domain_type = mock_def_domain_type,
	.default_domain_ops = &mock_paging_ops,
	.owner = THIS_MODULE,
};

/* One page of a DMA; whatever the device may not read reads as zeros. */
static int mock_dma_page(struct mock_domain *mock, u64 iova, void *buf,
			 size_t len, bool to_memory)
{
	unsigned long entry;
	bool stale = false;
	phys_addr_t phys;
	void *kaddr;
	int level;

	t1x_mock_stat_add(T1X_MOCK_DMA_PAGES, 1);
	level = mock ? mock_find_leaf(mock, iova, &entry, &stale) : -ENOENT;
	if (level < 0 ||
	    !(entry & (to_memory ? MOCK_LEAF_WRITE : MOCK_LEAF_READ))) {
		t1x_mock_stat_add(T1X_MOCK_DMA_FAULTS, 1);
		if (!to_memory)
			memset(buf, 0, len);
		return -EFAULT;
	}
	if (stale)
		t1x_mock_stat_add(T1X_MOCK_DMA_STALE, 1);

	phys = (entry & MOCK_LEAF_ADDR) |
	       (iova & (BIT_ULL(mock_shifts[level]) - 1));
	if (!mock_phys_is_held(phys))
		t1x_mock_violation("DMA to memory that is not pinned", iova,
				   phys);
	if (!pfn_valid(PHYS_PFN(phys)))
		return -EFAULT;

	kaddr = kmap_local_page(pfn_to_page(PHYS_PFN(phys)));
	if (to_memory)
		memcpy(kaddr + offset_in_page(phys), buf, len);
	else
		memcpy(buf, kaddr + offset_in_page(phys), len);
	kunmap_local(kaddr);
	return 0;
}

/**
 * t1x_mock_dma() - a device reads or writes memory through the IOMMU
 * @dev: the device
 * @iova: first IOVA, in bytes
 * @buf: the device's own memory
 * @len: how many bytes
 * @to_memory: the device writes
 *
 * Goes on after a fault, as a device would.
 *
 * Context: may sleep.
 * Return: 0, or -EFAULT if any page of it faulted.
 */
int t1x_mock_dma(struct device *dev, dma_addr_t iova, void *buf, size_t len,
		 bool to_memory)
{
	struct mock_master *master = dev_iommu_priv_get(dev);
	struct mock_domain *mock;
	int ret = 0;

	mutex_lock(&master->lock);
	mock = master->domain;
	if (mock)
		mutex_lock(&mock->lock);
	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - offset_in_page(iova));

		if (mock_dma_page(mock, iova, buf, n, to_memory))
			ret = -EFAULT;
		iova += n;
		buf += n;
		len -= n;
	}
	if (mock)
		mutex_unlock(&mock->lock);
	mutex_unlock(&master->lock);
	return ret;
}

/**
 * t1x_mock_iommu_provoke() - break the pinning rule on purpose
 *
 * Maps, unmaps and flushes a page that is not pinned, which must be found
 * twice: when it is mapped and when it is flushed.
 *
 * Return: 0 when that was done, or a negative errno.
 */
int t1x_mock_iommu_provoke(void)
{
	struct iommu_iotlb_gather gather;
	struct iommu_domain *domain;
	size_t mapped = 0;
	struct page *page;
	int ret = -ENOMEM;

	page = alloc_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	domain = mock_domain_alloc_paging(NULL);
	if (!domain)
		goto out_free_page;

	iommu_iotlb_gather_init(&gather);
	ret = mock_map_pages(domain, 0, page_to_phys(page), SZ_4K, 1,
			     IOMMU_READ | IOMMU_CACHE, GFP_KERNEL, &mapped);
	if (!ret && mock_unmap_pages(domain, 0, SZ_4K, 1, &gather) != SZ_4K)
		ret = -EIO;
	mock_iotlb_sync(domain, &gather);
	mock_domain_free(domain);

out_free_page:
	__free_page(page);
	return ret;
}

/**
 * t1x_mock_iommu_isolated_msi() - are the devices' interrupts isolated
 *
 * Return: what the kernel is told; false where it cannot be told.
 */
bool t1x_mock_iommu_isolated_msi(void)
{
	return t1x_mock_can_isolate_msi() && mock_isolated_msi;
}

/**
 * t1x_mock_iommu_set_isolated_msi() - isolate interrupts or no longer
 * @isolated: what to tell the kernel when a group is attached from now on
 */
void t1x_mock_iommu_set_isolated_msi(bool isolated)
{
	unsigned int nr;

	mock_isolated_msi = isolated;
	for (nr = 0; nr < t1x_mock_nr_devices(); nr++)
		t1x_mock_set_isolated_msi(&t1x_mock_device(nr)->dev, isolated);
}

/**
 * t1x_mock_iommu_init() - register the IOMMU with the kernel
 *
 * Must come before the devices behind it.
 *
 * Return: 0 or a negative errno.
 */
int t1x_mock_iommu_init(void)
{
	int ret;

	ret = iommu_device_sysfs_add(&mock_iommu, NULL, NULL, KBUILD_MODNAME);
	if (ret)
		return ret;

	ret = iommu_device_register(&mock_iommu, &mock_iommu_ops, NULL);
	if (ret)
		iommu_device_sysfs_remove(&mock_iommu);
	return ret;
}

/** t1x_mock_iommu_exit() - take the IOMMU back, once its devices are gone */
void t1x_mock_iommu_exit(void)
{
	iommu_device_unregister(&mock_iommu);
	iommu_device_sysfs_remove(&mock_iommu);
}
