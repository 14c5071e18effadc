// SPDX-License-Identifier: GPL-2.0-only
/*
 * From user addresses to pinned runs, and back.
 *
 * The only file that calls GUP, follow_pfnmap_*() and unpin_*().  Knows nothing
 * of IOMMUs or limits: pages it brings are neither charged nor mapped yet.
 *
 * What a page is, is decided by what was found and not by its VMA alone.  What
 * GUP brings is pinned and will be unpinned, and is RAM unless it is reserved
 * or the zero page.  What a VM_PFNMAP VMA maps, GUP refuses to touch; it is
 * MMIO.  A VM_PFNMAP entry that leads to ordinary memory is refused, because
 * nothing would keep that memory in place.
 */
#include "pin.h"

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd_k.h>

#include "stats.h"
#include "t1x.h"

/* Pages unpinned before others may run. */
#define T1X_UNPIN_STEP		0x8000UL

/**
 * t1x_pin_init() - start to read a range of user memory
 * @pin: the reader
 * @mm: whose memory; the caller's own, so it lives until the reader is done
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
	pin->nram = 0;
	pin->mmio.npages = 0;
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

static bool t1x_page_is_ram(struct page *page)
{
	return !PageReserved(page) && !is_zero_pfn(page_to_pfn(page));
}

/**
 * t1x_pfn_is_ram() - is a page that a device can reach pinned RAM
 * @pfn: its page frame, taken from an IOMMU
 *
 * For mappings that lost track of their runs.
 *
 * Return: whether the page holds a pin and a charge.
 */
bool t1x_pfn_is_ram(unsigned long pfn)
{
	return pfn_valid(pfn) && t1x_page_is_ram(pfn_to_page(pfn));
}

/*
 * Contiguous pages at the start of @pages.  Stops at the end of the folio:
 * inside, all pages are of one kind, and only the first one's struct page need
 * be looked at.
 */
static void t1x_pages_run(struct page **pages, unsigned int nr,
			  struct t1x_run *run)
{
	struct page *page = pages[0];
	struct folio *folio = page_folio(page);
	unsigned long most, n = 1;

	most = folio_nr_pages(folio) - folio_page_idx(folio, page);
	most = min_t(unsigned long, most, nr);
	while (n < most && pages[n] == page + n)
		n++;

	run->pfn = page_to_pfn(page);
	run->npages = n;
	run->revoked = 0;
	run->pinned = 1;
	run->ram = t1x_page_is_ram(page);
}

/* Takes over @nr pages that were pinned, and counts those that are RAM. */
static void t1x_pin_look(struct t1x_pin *pin, unsigned int nr)
{
	struct t1x_run run;
	unsigned int i;

	pin->head = 0;
	pin->nr = nr;
	for (i = 0; i < nr; i += run.npages) {
		t1x_pages_run(pin->pages + i, nr - i, &run);
		if (!i)
			pin->next = run;
		if (run.ram)
			pin->nram += run.npages;
	}
	t1x_stat_add(T1X_STAT_PAGES_PINNED, nr);
}

static unsigned int t1x_pin_flags(const struct t1x_pin *pin)
{
	return FOLL_LONGTERM | (pin->write ? FOLL_WRITE : 0);
}

static int t1x_pin_pages(struct t1x_pin *pin, unsigned long vaddr)
{
	long ret;

	/*
	 * Not FOLL_UNLOCKABLE (locked is NULL): a userfaultfd handler must not
	 * be waited for while the container is locked.
	 */
	ret = pin_user_pages_remote(pin->mm, vaddr,
				    min_t(unsigned long, pin->left,
					  pin->capacity),
				    t1x_pin_flags(pin), pin->pages, NULL);
	if (ret <= 0)
		return ret ?: -EFAULT;
	t1x_pin_look(pin, ret);
	return ret;
}

/*
 * Pages of the caller's own, without the mmap_lock if they are there.  Not where
 * that could wait for a userfaultfd, and not where access is refused, for which
 * protection keys count here: then 0, and the slow GUP decides.
 */
static int t1x_pin_fast(struct t1x_pin *pin)
{
	struct vm_area_struct *vma;
	unsigned long vaddr, n = 0;
	int ret;

	if (pin->mm != current->mm || mmap_read_lock_killable(pin->mm))
		return 0;
	vaddr = untagged_addr_remote(pin->mm, pin->vaddr);
	vma = vma_lookup(pin->mm, vaddr);
	if (vma && !(vma->vm_flags & VM_PFNMAP) && !userfaultfd_armed(vma))
		n = min3(pin->left, (vma->vm_end - vaddr) >> PAGE_SHIFT,
			 (unsigned long)pin->capacity);
	mmap_read_unlock(pin->mm);
	if (!n)
		return 0;
	ret = pin_user_pages_fast(vaddr, n, t1x_pin_flags(pin), pin->pages);
	if (ret > 0)
		t1x_pin_look(pin, ret);
	return ret == -EFAULT ? 0 : ret;
}

/*
 * One leaf of the page table, cut to what is wanted.  Sets @retry when the
 * mmap_lock was dropped and the VMA must be looked up again.
 */
static int t1x_pin_pfnmap_leaf(struct t1x_pin *pin, struct vm_area_struct *vma,
			       unsigned long vaddr, struct t1x_run *run,
			       bool *retry)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = vaddr };
	unsigned long mask;
	int ret;

	ret = follow_pfnmap_start(&args);
	if (ret) {
		ret = fixup_user_fault(pin->mm, vaddr,
				       FAULT_FLAG_REMOTE |
				       (pin->write ? FAULT_FLAG_WRITE : 0),
				       retry);
		if (ret)
			*retry = false;
		if (ret || *retry)
			return ret;
		ret = follow_pfnmap_start(&args);
		if (ret)
			return ret;
	}

	mask = t1x_compat_pfnmap_addr_mask(&args);
	run->pfn = args.pfn;
	run->npages = ((vaddr | ~mask) - vaddr + 1) >> PAGE_SHIFT;
	run->revoked = 0;
	run->pinned = 0;
	run->ram = 0;
	if (pin->write && !args.writable)
		ret = -EFAULT;
	else if (t1x_pfn_is_ram(args.pfn))
		ret = -EFAULT;
	follow_pfnmap_end(&args);
	return ret;
}

/*
 * As many contiguous leaves as one batch would hold pages: bounds the time the
 * mmap_lock is held, like GUP does for RAM.
 */
static int t1x_pin_pfnmap(struct t1x_pin *pin, struct vm_area_struct *vma,
			  unsigned long vaddr, bool *retry)
{
	struct t1x_run mmio = { .npages = 0 }, leaf;
	unsigned long most;
	unsigned int i;
	int ret = 0;

	most = min(pin->left, (vma->vm_end - vaddr) >> PAGE_SHIFT);
	for (i = 0; i < pin->capacity && mmio.npages < most; i++) {
		ret = t1x_pin_pfnmap_leaf(pin, vma,
					  vaddr + (mmio.npages << PAGE_SHIFT),
					  &leaf, retry);
		if (ret || *retry || !t1x_run_join(&mmio, &leaf))
			break;
	}

	/* What was found before an error is good; the error will come back. */
	if (!mmio.npages)
		return ret;
	*retry = false;
	pin->mmio = mmio;
	pin->mmio.npages = min_t(unsigned long, mmio.npages, most);
	return pin->mmio.npages;
}

static int t1x_pin_slow(struct t1x_pin *pin)
{
	struct vm_area_struct *vma;
	unsigned long vaddr;
	bool retry;
	int ret;

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
			ret = t1x_pin_pfnmap(pin, vma, vaddr, &retry);
		else
			ret = t1x_pin_pages(pin, vaddr);
		mmap_read_unlock(pin->mm);
		cond_resched();
	} while (retry);
	return ret;
}

/**
 * t1x_pin_refill() - pin the next pages of the range
 * @pin: the reader, with all it brought before consumed and pages left
 *
 * On success at least one page can be consumed, and @pin->nram says how many
 * of the new pages are RAM and must be charged.
 *
 * Context: takes mmap_lock for read; may sleep and fault.
 * Return: 0; -EFAULT for memory that is not there, not accessible or must not
 * be mapped; -EINTR when the caller is being killed; other errors of GUP.  On
 * failure nothing more is pinned.
 */
int t1x_pin_refill(struct t1x_pin *pin)
{
	int ret;

	pin->nram = 0;
	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;

	ret = t1x_pin_fast(pin);
	if (!ret)
		ret = t1x_pin_slow(pin);
	if (ret < 0)
		return ret;

	pin->vaddr += (unsigned long)ret << PAGE_SHIFT;
	pin->left -= ret;
	return 0;
}

/**
 * t1x_pin_peek() - look at the next contiguous pages
 * @pin: the reader
 * @run: where to describe them
 *
 * Return: whether there is anything; if not, t1x_pin_refill() is due.
 */
bool t1x_pin_peek(struct t1x_pin *pin, struct t1x_run *run)
{
	if (pin->nr) {
		if (!pin->next.npages)
			t1x_pages_run(pin->pages + pin->head, pin->nr,
				      &pin->next);
		*run = pin->next;
		return true;
	}
	*run = pin->mmio;
	return run->npages;
}

/**
 * t1x_pin_consume() - take over pages from a reader
 * @pin: the reader
 * @npages: pages, at most what t1x_pin_peek() showed
 */
void t1x_pin_consume(struct t1x_pin *pin, unsigned long npages)
{
	if (pin->nr) {
		pin->head += npages;
		pin->nr -= npages;
		pin->next.npages = 0;
	} else {
		pin->mmio.pfn += npages;
		pin->mmio.npages -= npages;
	}
}

/**
 * t1x_pin_drain() - unpin what was brought and not consumed
 * @pin: the reader
 *
 * Return: RAM pages unpinned, for the caller to refund if they were charged.
 */
unsigned long t1x_pin_drain(struct t1x_pin *pin)
{
	unsigned long nram = 0;
	struct t1x_run run;

	while (t1x_pin_peek(pin, &run)) {
		/* No device saw these pages. */
		nram += t1x_unpin(&run, false);
		t1x_pin_consume(pin, run.npages);
	}
	return nram;
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

/**
 * t1x_unpin() - let go of a run
 * @run: pages that no device can reach any more, in no IOMMU and no IOTLB
 * @dirty: a device may have written to them
 *
 * Context: may sleep.
 * Return: RAM pages unpinned, to be refunded.
 */
unsigned long t1x_unpin(const struct t1x_run *run, bool dirty)
{
	unsigned long pfn = run->pfn, left, n;

	if (!run->pinned)
		return 0;

	for (left = run->npages; left; left -= n, pfn += n) {
		n = min(left, T1X_UNPIN_STEP);
		unpin_user_page_range_dirty_lock(pfn_to_page(pfn), n, dirty);
		cond_resched();
	}
	t1x_stat_add(T1X_STAT_PAGES_UNPINNED, run->npages);
	return run->ram ? run->npages : 0;
}
