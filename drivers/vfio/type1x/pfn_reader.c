// SPDX-License-Identifier: GPL-2.0-only
/*
 * From user addresses to pinned runs.
 *
 * The only file that pins.  It lets pfnmap.c read MMIO; populate.c faults memory in
 * without taking a reference.  Knows nothing of IOMMUs or limits: pages that it brings
 * are neither charged nor mapped yet.
 *
 * What a page is, is decided by what was found and not by its VMA alone.  What
 * GUP brings is pinned and will be unpinned, and is RAM unless it is reserved;
 * so is the zero page, a part of the kernel's image.  What a VM_PFNMAP VMA maps,
 * GUP refuses to touch; it is MMIO.  A VM_PFNMAP entry that leads to ordinary
 * memory is refused, because nothing would keep that memory in place.
 */
#include "pfn_reader.h"

#include <linux/gfp.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "huge_pmd.h"
#include "pfnmap.h"
#include "stats.h"
#include "t1x.h"
#include "trace.h"
#include "unpin.h"

/**
 * t1x_pfn_reader_init() - start to read a range of user memory
 * @reader: the reader
 * @mm: the address space; has users until the reader is done
 * @vaddr: first address, page aligned
 * @npages: pages of the range
 * @write: the device may write
 * @batch: pages to pin at a time, at most T1X_GUP_BATCH
 *
 * Context: may sleep.  Cannot fail: short of memory, the batch is smaller.
 */
void t1x_pfn_reader_init(struct t1x_pfn_reader *reader, struct mm_struct *mm,
			 unsigned long vaddr, unsigned long npages, bool write,
			 unsigned int batch)
{
	reader->mm = mm;
	reader->vaddr = vaddr;
	reader->left = npages;
	reader->write = write;
	reader->single = false;
	reader->cold = false;
	reader->mmio = false;
	reader->nr_slow = 0;
	reader->huge_max = ULONG_MAX;
	reader->next.npages = 0;
	reader->pages = NULL;
	reader->head = 0;
	reader->nr = 0;

	if (npages > T1X_READER_INLINE && batch > T1X_READER_INLINE)
		reader->pages = (struct page **)__get_free_page(GFP_KERNEL);
	if (reader->pages) {
		reader->capacity = batch;
	} else {
		reader->pages = reader->few;
		reader->capacity = min_t(unsigned int, batch, T1X_READER_INLINE);
	}
}

/**
 * t1x_pfn_reader_destroy() - end a reader
 * @reader: the reader, with all it brought consumed or drained
 */
void t1x_pfn_reader_destroy(struct t1x_pfn_reader *reader)
{
	if (reader->pages != reader->few)
		free_page((unsigned long)reader->pages);
}

/* Are the next eight pages those from @page on? */
static bool t1x_eight_follow(struct page **at, const struct page *page)
{
	return at[0] == page && at[1] == page + 1 && at[2] == page + 2 &&
	       at[3] == page + 3 && at[4] == page + 4 && at[5] == page + 5 &&
	       at[6] == page + 6 && at[7] == page + 7;
}

/*
 * Pages at the start of @pages that follow each other in memory, at most @nr.  The
 * first one tells what they are, as in the in-tree driver: GUP brings no reserved
 * pages for long, but for the page of zeroes, which none follows.
 */
static unsigned int t1x_contiguous(struct page **pages, unsigned int nr)
{
	struct page *page = pages[0] + 1, **at = pages + 1, **end = pages + nr;

	/* Most of what a page costs in this module is this. */
	while (end - at >= 8 && t1x_eight_follow(at, page)) {
		at += 8;
		page += 8;
	}
	for (; at < end && *at == page; at++)
		page++;
	return at - pages;
}

/*
 * A page of hugetlb is always mapped as a whole and freed as a whole, so its
 * first pin keeps all of it.  Lets go of the others, and takes in what lies
 * beyond the pages that were asked for.
 */
static void t1x_pfn_reader_hugetlb(struct t1x_pfn_reader *reader, struct folio *folio)
{
	struct page *page = reader->pages[reader->head];
	unsigned long rest = folio_nr_pages(folio) - folio_page_idx(folio, page);
	unsigned int n = t1x_contiguous(reader->pages + reader->head,
					min(rest, reader->nr - reader->head));
	unsigned long more = 0;

	if (n > 1)
		t1x_unpin_extra(page + 1, n - 1);
	reader->head += n;
	if (reader->head == reader->nr) {
		more = min(rest - n, reader->left);
		reader->vaddr += more << PAGE_SHIFT;
		reader->left -= more;
	}
	t1x_stat_add(T1X_STAT_PAGES_PINNED, more);
	reader->single = true;
	reader->next.npages = n + more;
	reader->next.huge = true;
}

/* Is one pin enough for the large page that this is a part of? */
static inline bool t1x_is_hugetlb(const struct t1x_pfn_reader *reader, struct page *page)
{
	return PageCompound(page) && folio_test_hugetlb(page_folio(page)) &&
	       folio_size(page_folio(page)) <= reader->huge_max;
}

/**
 * t1x_pfn_reader_next() - make a run of the next pages, for t1x_pfn_reader_peek()
 * @reader: the reader, with pages in no run yet
 *
 * Return: the run: as many pages as are contiguous and alike; one, if it is
 * reserved.
 */
const struct t1x_run *t1x_pfn_reader_next(struct t1x_pfn_reader *reader)
{
	struct page **pages = reader->pages + reader->head, *page = *pages;
	unsigned int nr = reader->nr - reader->head, n = 1;
	bool ram = !PageReserved(page);

	if (ram && nr > 1 && pages[1] == page + 1)
		n = t1x_contiguous(pages, nr);
	reader->next = (struct t1x_run){
		.pfn = page_to_pfn(page),
		.npages = n,
		.pinned = true,
		.ram = ram,
	};
	reader->single = false;
	if (unlikely(t1x_is_hugetlb(reader, page)))
		t1x_pfn_reader_hugetlb(reader, page_folio(page));
	else
		reader->head += n;
	return &reader->next;
}

/**
 * t1x_pfn_reader_next_singles() - make runs of pages that stand alone
 * @reader: the reader, with nothing to be consumed
 * @runs: set to a run for each
 * @most: how many to look at
 *
 * What costs most is memory of which no two pages are neighbours; so this is one
 * loop.  It leaves the last page of a batch, which the first of the next may
 * follow, and all that is not a page of RAM to t1x_pfn_reader_peek().
 *
 * Return: how many there are, of the next pages.
 */
unsigned int t1x_pfn_reader_next_singles(struct t1x_pfn_reader *reader, struct t1x_run *runs,
					 unsigned int most)
{
	struct page *page, **pages = reader->pages + reader->head;
	unsigned int n, left = reader->nr - reader->head;

	if (most >= left)
		most = left ? left - 1 : 0;
	for (n = 0; n < most; n++) {
		page = pages[n];
		if (pages[n + 1] == page + 1 || PageReserved(page) ||
		    t1x_is_hugetlb(reader, page))
			break;
		runs[n].pfn = page_to_pfn(page);
		runs[n].key = T1X_RUN_SINGLE.key;
	}
	reader->head += n;
	return n;
}

/* A batch ends where a huge page may begin, or those behind would never be aligned. */
static unsigned long t1x_pfn_reader_wanted(const struct t1x_pfn_reader *reader)
{
	unsigned long npages, edge;

	if (reader->single)
		return 1;
	npages = min_t(unsigned long, reader->left, reader->capacity);
	if (likely(reader->left <= T1X_PMD_PAGES))
		return npages;
	edge = (PMD_SIZE - (reader->vaddr & ~PMD_MASK)) >> PAGE_SHIFT;
	return reader->left - edge >= T1X_PMD_PAGES ? min(npages, edge) : npages;
}

static unsigned int t1x_pfn_reader_gup_flags(bool write)
{
	return FOLL_LONGTERM | (write ? FOLL_WRITE : 0);
}

/*
 * Not FOLL_UNLOCKABLE (locked is NULL): GUP must not wait for a userfaultfd handler,
 * which may be waiting for this ioctl.
 */
static long t1x_pfn_reader_gup(struct t1x_pfn_reader *reader, unsigned long vaddr)
{
	return pin_user_pages_remote(reader->mm, vaddr, t1x_pfn_reader_wanted(reader),
				     t1x_pfn_reader_gup_flags(reader->write),
				     reader->pages, NULL) ?:
	       -EFAULT;
}

/*
 * Pages of the caller's own that are there already, without the mmap_lock.  For
 * all others, among them those that protection keys refuse here, the slow GUP
 * decides.
 */
static long t1x_pfn_reader_gup_fast(struct t1x_pfn_reader *reader)
{
	if (reader->mm != current->mm)
		return 0;
	return pin_user_pages_fast(reader->vaddr, t1x_pfn_reader_wanted(reader),
				   t1x_pfn_reader_gup_flags(reader->write) | FOLL_NOFAULT,
				   reader->pages);
}

/**
 * t1x_pfn_reader_pin_page() - pin a page of the caller's RAM that is there already
 * @vaddr: its address
 * @write: the device may write
 * @run: set to the page
 *
 * Return: whether it is pinned; all else is for a reader.
 */
bool t1x_pfn_reader_pin_page(unsigned long vaddr, bool write, struct t1x_run *run)
{
	struct page *page;

	if (pin_user_pages_fast(vaddr, 1, t1x_pfn_reader_gup_flags(write) | FOLL_NOFAULT,
				&page) != 1)
		return false;
	if (unlikely(PageReserved(page))) {
		t1x_unpin_extra(page, 1);
		return false;
	}
	t1x_stat_inc(T1X_STAT_PAGES_PINNED);
	run->pfn = page_to_pfn(page);
	run->key = T1X_RUN_SINGLE.key;
	return true;
}

/* May the next pages be a transparent huge page of which one pin is enough? */
static bool t1x_pfn_reader_may_be_huge(const struct t1x_pfn_reader *reader)
{
	return !(reader->vaddr & ~PMD_MASK) && reader->left >= T1X_PMD_PAGES &&
	       reader->huge_max >= PMD_SIZE && !reader->single &&
	       reader->mm == current->mm;
}

/*
 * Pins a transparent huge page once, as @reader->next, instead of each of its pages.
 *
 * A pin on any page of a folio keeps all of it from being freed, split, migrated or
 * swapped out, and has fork() copy every page of it.  What is left to show is that all
 * pages from here on are of the folio: that is so if one entry of the page table maps
 * them after the first one was pinned.  Then GUP of every page would have returned these,
 * since that entry grants the access and, for anonymous memory, is exclusive as a whole.
 */
static bool t1x_pfn_reader_pin_huge(struct t1x_pfn_reader *reader)
{
	struct folio *folio;
	struct page *page;

	if (!t1x_huge_pmd_pfn(reader->mm, reader->vaddr, reader->write) ||
	    pin_user_pages_fast(reader->vaddr, 1,
				t1x_pfn_reader_gup_flags(reader->write) | FOLL_NOFAULT,
				&page) != 1)
		return false;

	folio = page_folio(page);
	if (page_to_pfn(page) != t1x_huge_pmd_pfn(reader->mm, reader->vaddr, reader->write) ||
	    folio_size(folio) != PMD_SIZE || folio_page_idx(folio, page) ||
	    folio_test_hugetlb(folio) || is_zone_device_page(page) ||
	    !READ_ONCE(folio->mapping)) {
		t1x_unpin_extra(page, 1);
		return false;
	}
	reader->next = (struct t1x_run){
		.pfn = page_to_pfn(page),
		.npages = T1X_PMD_PAGES,
		.huge = true,
		.pinned = true,
		.ram = true,
	};
	return true;
}

/* Returns pages in @reader->pages; or 0 with MMIO in @reader->next, or an errno. */
static long t1x_pfn_reader_read(struct t1x_pfn_reader *reader)
{
	struct vm_area_struct *vma;
	unsigned long vaddr;
	bool retry;
	long ret;

	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = mmap_read_lock_killable(reader->mm);
		if (ret)
			return ret;

		retry = false;
		vaddr = untagged_addr_remote(reader->mm, reader->vaddr);
		vma = vma_lookup(reader->mm, vaddr);
		if (vma && vma->vm_flags & VM_PFNMAP)
			ret = t1x_pfnmap_read(vma, vaddr, reader->left, reader->write,
					      &reader->next, &retry);
		else
			ret = t1x_pfn_reader_gup(reader, vaddr);
		mmap_read_unlock(reader->mm);
		cond_resched();
	} while (retry);
	return ret;
}

/**
 * t1x_pfn_reader_fill() - pin the next pages of the range
 * @reader: the reader, with all it brought before consumed and pages left
 *
 * On success there is a run to be looked at.
 *
 * Context: may take mmap_lock for read; may sleep and fault.
 * Return: 0; -EFAULT for memory that is not there, not accessible or must not
 * be mapped; -EINTR when the caller is being killed; other errors of GUP.  On
 * failure nothing more is pinned.
 */
int t1x_pfn_reader_fill(struct t1x_pfn_reader *reader)
{
	unsigned long npages, faults;
	bool huge = false;
	long ret = 0;

	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;

	if (!reader->cold && !reader->mmio) {
		huge = unlikely(t1x_pfn_reader_may_be_huge(reader)) &&
		       t1x_pfn_reader_pin_huge(reader);
		if (!huge)
			ret = t1x_pfn_reader_gup_fast(reader);
	}
	if (ret <= 0 && !huge) {
		faults = current->min_flt + current->maj_flt;
		ret = t1x_pfn_reader_read(reader);
		reader->nr_slow++;
		trace_t1x_slow_gup(reader->vaddr, t1x_pfn_reader_wanted(reader), ret);
		reader->cold = current->min_flt + current->maj_flt != faults;
		reader->mmio = !ret;
	}
	if (ret < 0)
		return ret;

	t1x_stat_add(T1X_STAT_PAGES_PINNED, huge ? T1X_PMD_PAGES : ret);
	reader->head = 0;
	reader->nr = ret;
	npages = ret ?: reader->next.npages;
	reader->vaddr += npages << PAGE_SHIFT;
	reader->left -= npages;
	return 0;
}

/**
 * t1x_pfn_reader_release_pins() - unpin what was brought and not consumed
 * @reader: the reader
 */
void t1x_pfn_reader_release_pins(struct t1x_pfn_reader *reader)
{
	const struct t1x_run *run;

	while ((run = t1x_pfn_reader_peek(reader))) {
		/* No device saw these pages. */
		t1x_unpin_run(run, false);
		t1x_pfn_reader_consume(reader);
	}
}

/**
 * t1x_pfn_reader_seek() - unread what was brought and not consumed
 * @reader: the reader
 * @left: what was left to be looked at before the last t1x_pfn_reader_fill()
 */
void t1x_pfn_reader_seek(struct t1x_pfn_reader *reader, unsigned long left)
{
	t1x_pfn_reader_release_pins(reader);
	reader->vaddr -= (left - reader->left) << PAGE_SHIFT;
	reader->left = left;
}

