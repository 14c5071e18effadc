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
#include "pin.h"

#include <linux/gfp.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "pfnmap.h"
#include "stats.h"
#include "t1x.h"
#include "trace.h"
#include "unpin.h"

/**
 * t1x_pin_init() - start to read a range of user memory
 * @pin: the reader
 * @mm: whose memory; somebody uses it until the reader is done
 * @vaddr: first address, page aligned
 * @npages: pages of the range
 * @write: the device may write
 * @batch: pages to pin at a time, at most T1X_PIN_BATCH
 *
 * Context: may sleep.  Cannot fail: short of memory, the batch is smaller.
 */
void t1x_pin_init(struct t1x_pin *pin, struct mm_struct *mm,
		  unsigned long vaddr, unsigned long npages, bool write,
		  unsigned int batch)
{
	pin->mm = mm;
	pin->vaddr = vaddr;
	pin->left = npages;
	pin->write = write;
	pin->single = false;
	pin->cold = false;
	pin->mmio = false;
	pin->nr_slow = 0;
	pin->huge_max = ULONG_MAX;
	pin->next.npages = 0;
	pin->pages = NULL;
	pin->head = 0;
	pin->nr = 0;

	if (npages > T1X_PIN_FEW && batch > T1X_PIN_FEW)
		pin->pages = (struct page **)__get_free_page(GFP_KERNEL);
	if (pin->pages) {
		pin->capacity = batch;
	} else {
		pin->pages = pin->few;
		pin->capacity = min_t(unsigned int, batch, T1X_PIN_FEW);
	}
}

/**
 * t1x_pin_exit() - end a reader
 * @pin: the reader, with all it brought consumed or drained
 */
void t1x_pin_exit(struct t1x_pin *pin)
{
	if (pin->pages != pin->few)
		free_page((unsigned long)pin->pages);
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
static void t1x_pin_hugetlb(struct t1x_pin *pin, struct folio *folio)
{
	struct page *page = pin->pages[pin->head];
	unsigned long rest = folio_nr_pages(folio) - folio_page_idx(folio, page);
	unsigned int n = t1x_contiguous(pin->pages + pin->head,
					min(rest, pin->nr - pin->head));
	unsigned long more = 0;

	if (n > 1)
		t1x_unpin_extra(page + 1, n - 1);
	pin->head += n;
	if (pin->head == pin->nr) {
		more = min(rest - n, pin->left);
		pin->vaddr += more << PAGE_SHIFT;
		pin->left -= more;
	}
	t1x_stat_add(T1X_STAT_PAGES_PINNED, more);
	pin->single = true;
	pin->next.npages = n + more;
	pin->next.huge = true;
}

/* Is one pin enough for the large page that this is a part of? */
static inline bool t1x_is_hugetlb(const struct t1x_pin *pin, struct page *page)
{
	return PageCompound(page) && folio_test_hugetlb(page_folio(page)) &&
	       folio_size(page_folio(page)) <= pin->huge_max;
}

/**
 * t1x_pin_next() - make a run of the next pages, for t1x_pin_peek()
 * @pin: the reader, with pages in no run yet
 *
 * Return: the run: as many pages as are contiguous and alike; one, if it is
 * reserved.
 */
const struct t1x_run *t1x_pin_next(struct t1x_pin *pin)
{
	struct page **pages = pin->pages + pin->head, *page = *pages;
	unsigned int nr = pin->nr - pin->head, n = 1;
	bool ram = !PageReserved(page);

	if (ram && nr > 1 && pages[1] == page + 1)
		n = t1x_contiguous(pages, nr);
	pin->next = (struct t1x_run){
		.pfn = page_to_pfn(page),
		.npages = n,
		.pinned = true,
		.ram = ram,
	};
	pin->single = false;
	if (unlikely(t1x_is_hugetlb(pin, page)))
		t1x_pin_hugetlb(pin, page_folio(page));
	else
		pin->head += n;
	return &pin->next;
}

/**
 * t1x_pin_singles() - make runs of pages that stand alone
 * @pin: the reader, with nothing to be consumed
 * @runs: set to a run for each
 * @most: how many to look at
 *
 * What costs most is memory of which no two pages are neighbours; so this is one
 * loop.  It leaves the last page of a batch, which the first of the next may
 * follow, and all that is not a page of RAM to t1x_pin_peek().
 *
 * Return: how many there are, of the next pages.
 */
unsigned int t1x_pin_singles(struct t1x_pin *pin, struct t1x_run *runs,
			     unsigned int most)
{
	struct page *page, **pages = pin->pages + pin->head;
	unsigned int n, left = pin->nr - pin->head;

	if (most >= left)
		most = left ? left - 1 : 0;
	for (n = 0; n < most; n++) {
		page = pages[n];
		if (pages[n + 1] == page + 1 || PageReserved(page) ||
		    t1x_is_hugetlb(pin, page))
			break;
		runs[n].pfn = page_to_pfn(page);
		runs[n].what = T1X_RUN_SINGLE.what;
	}
	pin->head += n;
	return n;
}

static unsigned long t1x_pin_wanted(const struct t1x_pin *pin)
{
	return pin->single ? 1 : min_t(unsigned long, pin->left, pin->capacity);
}

static unsigned int t1x_pin_flags(const struct t1x_pin *pin)
{
	return FOLL_LONGTERM | (pin->write ? FOLL_WRITE : 0);
}

/*
 * Not FOLL_UNLOCKABLE (locked is NULL): nobody waits for a userfaultfd handler,
 * who may be waiting for this ioctl.
 */
static long t1x_pfn_reader_gup(struct t1x_pin *pin, unsigned long vaddr)
{
	return pin_user_pages_remote(pin->mm, vaddr, t1x_pin_wanted(pin),
				     t1x_pin_flags(pin), pin->pages, NULL) ?:
	       -EFAULT;
}

/*
 * Pages of the caller's own that are there already, without the mmap_lock.  For
 * all others, among them those that protection keys refuse here, the slow GUP
 * decides.
 */
static long t1x_pin_fast(struct t1x_pin *pin)
{
	if (pin->mm != current->mm)
		return 0;
	return pin_user_pages_fast(pin->vaddr, t1x_pin_wanted(pin),
				   t1x_pin_flags(pin) | FOLL_NOFAULT,
				   pin->pages);
}

/* Returns pages in @pin->pages; or 0 with MMIO in @pin->next, or an errno. */
static long t1x_pin_slow(struct t1x_pin *pin)
{
	struct vm_area_struct *vma;
	unsigned long vaddr;
	bool retry;
	long ret;

	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = mmap_read_lock_killable(pin->mm);
		if (ret)
			return ret;

		retry = false;
		vaddr = untagged_addr_remote(pin->mm, pin->vaddr);
		vma = vma_lookup(pin->mm, vaddr);
		if (vma && vma->vm_flags & VM_PFNMAP)
			ret = t1x_pfnmap_read(vma, vaddr, pin->left, pin->write,
					      &pin->next, &retry);
		else
			ret = t1x_pfn_reader_gup(pin, vaddr);
		mmap_read_unlock(pin->mm);
		cond_resched();
	} while (retry);
	return ret;
}

/**
 * t1x_pin_refill() - pin the next pages of the range
 * @pin: the reader, with all it brought before consumed and pages left
 *
 * On success there is a run to be looked at.
 *
 * Context: may take mmap_lock for read; may sleep and fault.
 * Return: 0; -EFAULT for memory that is not there, not accessible or must not
 * be mapped; -EINTR when the caller is being killed; other errors of GUP.  On
 * failure nothing more is pinned.
 */
int t1x_pin_refill(struct t1x_pin *pin)
{
	unsigned long npages, faults;
	long ret = 0;

	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;

	if (!pin->cold && !pin->mmio)
		ret = t1x_pin_fast(pin);
	if (ret <= 0) {
		faults = current->min_flt + current->maj_flt;
		ret = t1x_pin_slow(pin);
		pin->nr_slow++;
		trace_t1x_slow_gup(pin->vaddr, t1x_pin_wanted(pin), ret);
		pin->cold = current->min_flt + current->maj_flt != faults;
		pin->mmio = !ret;
	}
	if (ret < 0)
		return ret;

	t1x_stat_add(T1X_STAT_PAGES_PINNED, ret);
	pin->head = 0;
	pin->nr = ret;
	npages = ret ?: pin->next.npages;
	pin->vaddr += npages << PAGE_SHIFT;
	pin->left -= npages;
	return 0;
}

/**
 * t1x_pin_drain() - unpin what was brought and not consumed
 * @pin: the reader
 */
void t1x_pin_drain(struct t1x_pin *pin)
{
	const struct t1x_run *run;

	while ((run = t1x_pin_peek(pin))) {
		/* No device saw these pages. */
		t1x_unpin(run, false);
		t1x_pin_consume(pin);
	}
}

/**
 * t1x_pin_rewind() - unread what was brought and not consumed
 * @pin: the reader
 * @left: what was left to be looked at before the last t1x_pin_refill()
 */
void t1x_pin_rewind(struct t1x_pin *pin, unsigned long left)
{
	t1x_pin_drain(pin);
	pin->vaddr -= (left - pin->left) << PAGE_SHIFT;
	pin->left = left;
}

