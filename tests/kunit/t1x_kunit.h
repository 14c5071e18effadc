/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_KUNIT_H
#define _T1X_KUNIT_H

#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "container.h"
#include "dma.h"
#include "domain.h"
#include "unmap.h"

/* Pages of the window of user memory that suites lay out as they like. */
#define FAKE_PAGES	2048
/*
 * Pages of the BAR that follows it, at once, in the user's address space.  Half of
 * them are in one page table, half in the next.
 */
#define FAKE_BAR_PAGES	128

/*
 * Defines what tells KUNIT_ARRAY_PARAM() how a case of a table is called: by its member
 * name. Each case fails by that, and runs between an init and an exit of its own.
 */
#define CASE_DESC(tag)							\
	static void tag##_desc(const struct tag p[], char *desc)	\
	{								\
		strscpy(desc, p->name, KUNIT_PARAM_DESC_SIZE);		\
	}

/* Cases that are nothing but a number. */
void number_desc(const unsigned int *number, char *desc);

struct rnd_state t1x_kunit_seed(struct kunit *test);
int t1x_kunit_suite_init(struct kunit_suite *suite);
void t1x_kunit_suite_exit(struct kunit_suite *suite);

/**
 * struct fake_memory - user memory, of which a suite chooses every page frame
 * @mm: the address space: that of the process which loads the module
 * @file: what backs the windows
 * @vaddr: start of the RAM window; the BAR window follows it
 * @block: page blocks, each physically contiguous
 * @bar: reserved pages, physically contiguous
 * @layout: page behind each page of the RAM window; %NULL for a hole
 * @bar_layout: the same for the BAR window
 * @bar_read_only: page of the BAR window that may not be written; -1: none
 * @bar_faults: pages of the BAR window that were faulted in since the last reset
 * @on_fault: called when a page of the RAM window is faulted in; or %NULL
 */
struct fake_memory {
	struct mm_struct *mm;
	struct file *file;
	unsigned long vaddr;
	struct page *block[2];
	struct page *bar;
	struct page *layout[FAKE_PAGES];
	struct page *bar_layout[FAKE_BAR_PAGES];
	int bar_read_only;
	unsigned int bar_faults;
	void (*on_fault)(void);
};

extern struct fake_memory fake_memory;

/* A range that the current task seems to hold: each suite has its containers alone. */
#define FAKE_ALL \
	(&(struct t1x_range){ .last = ~(dma_addr_t)0, .task = current })

/**
 * fake_release() - what main.c does when vfio.ko releases a container
 * @cookie: the container; nothing is registered there
 */
static inline void fake_release(void *cookie)
{
	struct t1x_container *c = t1x_container_shutdown(cookie);

	mutex_lock(&c->lock);
	t1x_unmap_all(c, FAKE_ALL);
	mutex_unlock(&c->lock);
	t1x_container_free(c);
}

/**
 * fake_page_pinned() - does GUP hold a pin on a page
 * @page: an order-0 page
 *
 * Return: whether it does, for sure where nothing else takes many references.
 */
static inline bool fake_page_pinned(struct page *page)
{
	return folio_maybe_dma_pinned(page_folio(page));
}

int fake_memory_suite_init(struct kunit_suite *suite);
void fake_memory_suite_exit(struct kunit_suite *suite);
void fake_memory_reset(void);
void fake_memory_reverse(unsigned int first, unsigned int npages);
void fake_memory_scatter(void);
struct page *fake_memory_page(unsigned int i);
void fake_memory_expect_unpinned(struct kunit *test);
long fake_memory_locked(void);

/**
 * struct fake_domain - an IOMMU domain that remembers and judges
 * @d: the domain as the driver sees it
 * @domain: the domain as the IOMMU core sees it
 * @leaves: page frame of each IOVA page, as an xarray value
 * @nr: pages mapped
 * @map_ops: calls of map_pages()
 * @map_syncs: calls of iotlb_sync_map(), one for each call of the IOMMU core that maps
 * @unmap_ops: calls of unmap_pages()
 * @lookups: calls of iova_to_phys()
 * @syncs: calls of iotlb_sync()
 * @flushes: calls of flush_iotlb_all()
 * @sync_at_gaps: calls iotlb_sync() itself where what is gathered would get a gap
 * @stale_pages: pages unmapped and not flushed since
 * @stale_runs: physically contiguous pieces of them
 * @most_stale_runs: the most there ever were
 * @fail_map: fail this call of map_pages() half way, counted down; 0 never
 * @keep: IOVA page that unmap_pages() will not unmap
 * @keep_times: so often
 * @overshoot: pages that the next unmap_pages() does too much
 * @on_sync: called by iotlb_sync(); or %NULL
 * @errors: rules broken: double map, unpinned before the sync, too large a flush
 * @stale: page frames of the stale pages
 * @stale_index: their IOVA pages
 */
struct fake_domain {
	struct t1x_domain d;
	struct iommu_domain domain;
	struct xarray leaves;
	unsigned long nr;
	unsigned int map_ops;
	unsigned int map_syncs;
	unsigned int unmap_ops;
	unsigned int lookups;
	unsigned int syncs;
	unsigned int flushes;
	bool sync_at_gaps;
	unsigned long stale_pages;
	unsigned long stale_runs;
	unsigned long most_stale_runs;
	unsigned int fail_map;
	unsigned long keep;
	unsigned int keep_times;
	unsigned int overshoot;
	void (*on_sync)(struct fake_domain *fake);
	unsigned int errors;
	unsigned long stale[FAKE_PAGES + FAKE_BAR_PAGES];
	unsigned long stale_index[FAKE_PAGES + FAKE_BAR_PAGES];
};

/**
 * fake_domain_of() - find the fake of a domain
 * @domain: the domain as the IOMMU core sees it
 *
 * Return: the fake.
 */
static inline struct fake_domain *fake_domain_of(struct iommu_domain *domain)
{
	return container_of(domain, struct fake_domain, domain);
}

extern const struct iommu_domain_ops fake_domain_ops;

void fake_domain_setup(struct fake_domain *fake);
struct fake_domain *fake_domain_alloc(struct kunit *test);
unsigned long fake_domain_pfn(struct fake_domain *fake, dma_addr_t iova);

/* A container that vfio does not know of, and mappings of fake memory. */
struct t1x_container *fake_container_alloc(struct kunit *test);
struct t1x_dma *fake_dma_alloc(struct kunit *test, dma_addr_t iova,
			       unsigned int first, unsigned int npages);
void fake_dma_free(struct t1x_dma *dma);
void fake_expect_mapped(struct kunit *test, struct fake_domain *fake,
			struct t1x_dma *dma, unsigned int first);

#define FIXTURE_DOMAINS	3

/**
 * struct fixture - what a test begins with, and must leave as it was
 * @cookie: a container of type1v2, as vfio.ko knows it
 * @c: the container
 * @fake: its domains, in the order of its list
 * @nr: how many there are
 * @locked: locked memory of the fake user before the test
 */
struct fixture {
	void *cookie;
	struct t1x_container *c;
	struct fake_domain *fake[FIXTURE_DOMAINS];
	unsigned int nr;
	long locked;
};

int fixture_init(struct kunit *test);
void fixture_exit(struct kunit *test);
struct fixture *fixture_with(struct kunit *test, unsigned int nr);

int fixture_fill(struct fixture *f, struct t1x_dma *dma);
int fixture_unfill(struct fixture *f, struct t1x_dma *dma);
struct t1x_dma *fixture_map(struct kunit *test, dma_addr_t iova,
			    unsigned int first, unsigned int npages,
			    unsigned int granule_shift);

int fixture_unmap(struct fixture *f, struct t1x_unmap_request *req);
long fixture_unmap_pages(struct fixture *f, dma_addr_t iova,
			 unsigned long first, unsigned long npages);

int fake_memory_init(struct kunit *test);
void fake_memory_exit(struct kunit *test);

#endif /* _T1X_KUNIT_H */
