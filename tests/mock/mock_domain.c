// SPDX-License-Identifier: GPL-2.0
/*
 * The mock's paging domains.
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
 * All of that takes longer than a driver does. Where time is measured, a domain
 * has instead a page table of the kernel's own, which needs no lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "mock_compat.h"

#include "mock.h"

#define MOCK_IOVA_BITS	48
#define MOCK_PGSIZES	(SZ_4K | SZ_2M | SZ_1G)

/* A leaf is a value entry: the physical address with these in its low bits. */
#define MOCK_LEAF_READ	BIT(0)
#define MOCK_LEAF_WRITE	BIT(1)
#define MOCK_LEAF_ADDR	PAGE_MASK

#define MOCK_TABLE_LEAVES	32

#define MOCK_MARK_STALE	XA_MARK_0

enum { MOCK_4K, MOCK_2M, MOCK_1G, MOCK_NR_LEVELS };

static const unsigned int mock_shifts[MOCK_NR_LEVELS] = { 12, 21, 30 };

/*
 * struct mock_domain - a paging domain
 * @table:	what the kernel knows, and in an unchecked domain all there is
 * @lock:	taken by everything that looks at the leaves
 * @leaves:	by page size, then by IOVA in units of it
 * @enforces:	no-snoop accesses are blocked, now and for future devices
 * @noncoherent: devices attached for which that is impossible
 * @unmaps:	unmap_pages() calls since the last flush
 * @stale:	leaves marked stale
 */
struct mock_domain {
	union t1x_mock_table table;
	struct mutex lock; /* leaves and all below */
	struct xarray leaves[MOCK_NR_LEVELS];
	bool enforces;
	unsigned int noncoherent;
	unsigned long unmaps;
	unsigned long stale;
};

static struct mock_domain *to_mock_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct mock_domain, table.domain);
}

static bool mock_phys_is_held(phys_addr_t phys)
{
	unsigned long pfn = PHYS_PFN(phys);

	/* MMIO, and memory that is never freed: reserved, the zero page. */
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

/*
 * Memory for a leaf, before the lock is taken: no IOMMU driver waits for reclaim
 * with a lock that its unmap needs. A table of leaves is not asked for twice, as
 * an xarray does it.
 */
static int mock_reserve_leaf(struct mock_domain *mock, u64 iova,
			     unsigned int level, gfp_t gfp)
{
	u64 index = iova >> mock_shifts[level];
	void *table;

	if (index % MOCK_TABLE_LEAVES == 0) {
		table = kmalloc_array(MOCK_TABLE_LEAVES, sizeof(u64), gfp);
		if (!table)
			return -ENOMEM;
		kfree(table);
	}
	return xa_reserve(&mock->leaves[level], index, gfp);
}

static int mock_map_leaf(struct mock_domain *mock, u64 iova, phys_addr_t paddr,
			 unsigned int level, int prot)
{
	unsigned int shift = mock_shifts[level];
	unsigned long entry = paddr;
	int ret;

	lockdep_assert_held(&mock->lock);

	ret = mock_make_room(mock, iova, iova + BIT_ULL(shift) - 1);
	if (ret)
		return ret;

	if (prot & IOMMU_READ)
		entry |= MOCK_LEAF_READ;
	if (prot & IOMMU_WRITE)
		entry |= MOCK_LEAF_WRITE;

	mock_check_leaf_held(entry, level, iova, "mapped before it was pinned");

	ret = xa_err(xa_store(&mock->leaves[level], iova >> shift,
			      xa_mk_value(entry), GFP_NOWAIT));
	if (ret)
		return ret;

	t1x_mock_stat_add(T1X_MOCK_LEAVES, 1);
	t1x_mock_stat_add(T1X_MOCK_MAPPED_4K + level, 1);
	if (!(prot & IOMMU_CACHE))
		t1x_mock_stat_add(T1X_MOCK_UNCACHED, 1);
	return 0;
}

/**
 * t1x_mock_map_pages() - map_pages() of a paging domain
 * @domain: the domain
 * @iova: first byte
 * @paddr: physical address of it
 * @pgsize: size of each leaf in bytes
 * @pgcount: how many leaves
 * @prot: IOMMU_READ and so on
 * @gfp: for the memory that this takes
 * @mapped: raised by the bytes that were mapped, also on failure
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int t1x_mock_map_pages(struct iommu_domain *domain, unsigned long iova,
		       phys_addr_t paddr, size_t pgsize, size_t pgcount,
		       int prot, gfp_t gfp, size_t *mapped)
{
	struct mock_domain *mock = to_mock_domain(domain);
	size_t fail_at = SIZE_MAX;
	unsigned int level = 0;
	size_t i;
	int ret;

	t1x_mock_stat_add(T1X_MOCK_MAP_CALLS, 1);
	if (t1x_mock_knob_fires(T1X_MOCK_FAIL_MAP_IN))
		fail_at = pgcount / 2;

	while (pgsize != BIT(mock_shifts[level]))
		if (WARN_ON(++level == MOCK_NR_LEVELS))
			return -EINVAL;

	for (i = 0; i < pgcount; i++) {
		if (i == fail_at)
			return -ENOMEM;
		ret = mock_reserve_leaf(mock, iova, level, gfp);
		if (ret)
			return ret;
		mutex_lock(&mock->lock);
		ret = mock_map_leaf(mock, iova, paddr, level, prot);
		mutex_unlock(&mock->lock);
		if (ret) {
			xa_release(&mock->leaves[level],
				   iova >> mock_shifts[level]);
			return ret;
		}
		iova += pgsize;
		paddr += pgsize;
		*mapped += pgsize;
	}
	return 0;
}

/**
 * t1x_mock_unmap_pages() - unmap_pages() of a paging domain
 * @domain: the domain
 * @iova: first byte
 * @pgsize: size of each page in bytes; leaves may be larger
 * @pgcount: how many pages
 * @gather: raised by what has to be flushed
 *
 * Context: may sleep.  Allocates nothing.
 * Return: bytes unmapped from @iova on; more than asked if a leaf was larger.
 */
size_t t1x_mock_unmap_pages(struct iommu_domain *domain, unsigned long iova,
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
	if (t1x_mock_knob_fires(T1X_MOCK_SHORT_UNMAP_IN) ||
	    t1x_mock_knob_spends(T1X_MOCK_REFUSE_UNMAPS))
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

/**
 * t1x_mock_iotlb_sync() - iotlb_sync() of a paging domain
 * @domain: the domain
 * @gather: what to flush, no more and no less
 */
void t1x_mock_iotlb_sync(struct iommu_domain *domain,
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

/**
 * t1x_mock_unchecked_sync() - iotlb_sync() of an unchecked domain
 * @domain: the domain
 * @gather: has the pages of the table that nothing uses any more
 */
void t1x_mock_unchecked_sync(struct iommu_domain *domain,
			     struct iommu_iotlb_gather *gather)
{
	t1x_mock_table_sync(gather);
}

/**
 * t1x_mock_flush_iotlb_all() - flush_iotlb_all() of a paging domain
 * @domain: the domain
 */
void t1x_mock_flush_iotlb_all(struct iommu_domain *domain)
{
	struct mock_domain *mock = to_mock_domain(domain);

	t1x_mock_stat_add(T1X_MOCK_SYNCS, 1);
	mutex_lock(&mock->lock);
	mock_flush(mock, 0, U64_MAX);
	mutex_unlock(&mock->lock);
}

/**
 * t1x_mock_iova_to_phys() - iova_to_phys() of a paging domain
 * @domain: the domain
 * @iova: any byte
 *
 * Return: its physical address, 0 where nothing is mapped.
 */
phys_addr_t t1x_mock_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
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

/**
 * t1x_mock_enforce_cache_coherency() - enforce_cache_coherency() of a domain
 * @domain: the domain
 *
 * As with VT-d this comes too late once there are mappings without the bit.
 *
 * Return: true if no-snoop accesses are blocked from now on.
 */
bool t1x_mock_enforce_cache_coherency(struct iommu_domain *domain)
{
	struct mock_domain *mock = to_mock_domain(domain);

	mutex_lock(&mock->lock);
	if (!mock->enforces && !mock->noncoherent && mock_domain_is_empty(mock))
		mock->enforces = true;
	mutex_unlock(&mock->lock);
	return mock->enforces;
}

/**
 * t1x_mock_domain_free() - free() of a paging domain
 * @domain: the domain, with no device left that could use a leaf
 */
void t1x_mock_domain_free(struct iommu_domain *domain)
{
	struct mock_domain *mock = to_mock_domain(domain);
	unsigned long index;
	void *value;
	int level;

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
	t1x_mock_table_deinit(&mock->table);
	mutex_destroy(&mock->lock);
	kfree(mock);
}

/**
 * t1x_mock_domain_alloc() - a new paging domain
 * @ops: its operations, most of which are in this file
 * @unchecked: a page table, with operations that go with it
 *
 * Return: the domain, NULL without memory or without such page tables.
 */
struct iommu_domain *
t1x_mock_domain_alloc(const struct iommu_domain_ops *ops, bool unchecked)
{
	struct mock_domain *mock;
	int level;

	mock = kzalloc_obj(*mock, GFP_KERNEL);
	if (!mock)
		return NULL;

	mutex_init(&mock->lock);
	for (level = 0; level < MOCK_NR_LEVELS; level++)
		xa_init(&mock->leaves[level]);
	mock->table.domain.ops = ops;
	mock->table.domain.pgsize_bitmap = MOCK_PGSIZES;
	mock->table.domain.geometry.aperture_end = BIT_ULL(MOCK_IOVA_BITS) - 1;
	mock->table.domain.geometry.force_aperture = true;
	if (unchecked && t1x_mock_table_init(&mock->table)) {
		mutex_destroy(&mock->lock);
		kfree(mock);
		return NULL;
	}

	t1x_mock_stat_add(T1X_MOCK_DOMAINS, 1);
	return &mock->table.domain;
}

/**
 * t1x_mock_domain_join() - a device is attached
 * @domain: to this domain
 * @noncoherent: its no-snoop accesses cannot be blocked
 *
 * Return: 0, or -EINVAL if the domain promised to block them.
 */
int t1x_mock_domain_join(struct iommu_domain *domain, bool noncoherent)
{
	struct mock_domain *mock = to_mock_domain(domain);
	int ret = 0;

	mutex_lock(&mock->lock);
	if (mock->enforces && noncoherent)
		ret = -EINVAL;
	else
		mock->noncoherent += noncoherent;
	mutex_unlock(&mock->lock);
	return ret;
}

/**
 * t1x_mock_domain_leave() - undo t1x_mock_domain_join()
 * @domain: the domain that the device leaves
 * @noncoherent: as then
 */
void t1x_mock_domain_leave(struct iommu_domain *domain, bool noncoherent)
{
	struct mock_domain *mock = to_mock_domain(domain);

	mutex_lock(&mock->lock);
	mock->noncoherent -= noncoherent;
	mutex_unlock(&mock->lock);
}

/* One page of a DMA; memory that the device may not read reads as zeros. */
static int mock_dma_page(struct mock_domain *mock, u64 iova, void *buf,
			 size_t len, bool to_memory)
{
	unsigned long entry;
	bool stale = false;
	phys_addr_t phys;
	void *kaddr;
	int level;

	t1x_mock_stat_add(T1X_MOCK_DMA_PAGES, 1);
	level = mock_find_leaf(mock, iova, &entry, &stale);
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
 * t1x_mock_domain_dma() - a device reads or writes memory
 * @domain: the domain that it is attached to
 * @iova: first byte
 * @buf: the device's own memory
 * @len: bytes
 * @to_memory: the device writes
 *
 * Goes on after a fault, as a device would.
 *
 * Context: may sleep.
 * Return: 0, or -EFAULT if any page of it faulted.
 */
int t1x_mock_domain_dma(struct iommu_domain *domain, u64 iova, void *buf,
			size_t len, bool to_memory)
{
	struct mock_domain *mock = to_mock_domain(domain);
	int ret = 0;

	mutex_lock(&mock->lock);
	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - offset_in_page(iova));

		if (mock_dma_page(mock, iova, buf, n, to_memory))
			ret = -EFAULT;
		iova += n;
		buf += n;
		len -= n;
	}
	mutex_unlock(&mock->lock);
	return ret;
}

/**
 * t1x_mock_domain_provoke() - break the pinning rule on purpose
 *
 * Maps, unmaps and flushes a page that is not pinned, which must be found
 * twice: when it is mapped and when it is flushed.
 *
 * Return: 0 when that was done, or a negative errno.
 */
int t1x_mock_domain_provoke(void)
{
	struct iommu_iotlb_gather gather;
	struct iommu_domain *domain;
	size_t mapped = 0;
	struct page *page;
	int ret = -ENOMEM;

	page = alloc_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	domain = t1x_mock_domain_alloc(NULL, false);
	if (!domain)
		goto out_free_page;

	iommu_iotlb_gather_init(&gather);
	ret = t1x_mock_map_pages(domain, 0, page_to_phys(page), SZ_4K, 1,
				 IOMMU_READ | IOMMU_CACHE, GFP_KERNEL, &mapped);
	if (!ret && t1x_mock_unmap_pages(domain, 0, SZ_4K, 1, &gather) != SZ_4K)
		ret = -EIO;
	t1x_mock_iotlb_sync(domain, &gather);
	t1x_mock_domain_free(domain);

out_free_page:
	__free_page(page);
	return ret;
}
