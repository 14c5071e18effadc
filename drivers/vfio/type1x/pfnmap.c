// SPDX-License-Identifier: GPL-2.0-only
/*
 * MMIO: what a VM_PFNMAP VMA maps, read from the page table.
 *
 * The only file that calls follow_pfnmap_*().  A BAR costs a lookup for each
 * large leaf, or for each table of small ones, whatever the kernel made of it.
 */
#include "pfnmap.h"

#include <linux/mm.h>
#include <linux/pgtable.h>

#include "pfn.h"
#include "runs.h"

/* Lookups between two releases of mmap_lock, and faults, but for those of the last one. */
#define T1X_PFNMAP_LOOKUPS	64

/* Faults for one lookup, where each brings one small leaf. */
#define T1X_PFNMAP_AHEAD	32UL

/* An entry of a page table without its accessed and dirty bits. */
static unsigned long t1x_pfnmap_entry(pte_t *ptep)
{
	return pte_val(pte_mkold(pte_mkclean(ptep_get(ptep))));
}

/**
 * t1x_pfnmap_scan() - read on in a page table
 * @args: where follow_pfnmap_start() has found a small leaf
 * @most: pages wanted
 *
 * follow_pfnmap_start() has locked the whole table, so all of it may be read, and not a
 * byte behind it.  Entries are compared and not decoded: that is nearly all that a small
 * leaf costs.
 *
 * Return: pages of MMIO from that leaf on that are contiguous and may be
 * accessed in the same ways; 0 if the first one is RAM.
 */
unsigned long t1x_pfnmap_scan(const struct follow_pfnmap_args *args,
			      unsigned long most)
{
	pte_t *ptep = args->ptep;
	unsigned long first, n;

	first = t1x_pfnmap_entry(ptep);
	most = min(most, PTRS_PER_PTE - pte_index(args->address));
	for (n = 1; n < most; n++)
		if (t1x_pfnmap_entry(ptep + n) != first + n * PAGE_SIZE)
			break;
	/* x86 inverts the page frame of an entry that allows no access. */
	if (pte_pfn(ptep_get(ptep + n - 1)) != args->pfn + n - 1)
		n = 1;
	return t1x_pfn_count_mmio(args->pfn, n);
}

/* The same for a large leaf: all of its pages are of the kind of the first. */
static unsigned long t1x_pfnmap_leaf(const struct follow_pfnmap_args *args,
				     unsigned long most)
{
	unsigned long last;

	if (t1x_pfn_is_ram(args->pfn))
		return 0;
	last = args->address | ~t1x_compat_pfnmap_addr_mask(args);
	return min(most, (last - args->address + 1) >> PAGE_SHIFT);
}

/*
 * Faults in a page that is not there, and those behind it, @npages in all, as an access
 * would.  An error behind the first page comes back when that page is looked up.
 */
static int t1x_pfnmap_fault(const struct follow_pfnmap_args *args, unsigned long npages,
			    bool write, bool *retry)
{
	unsigned int flags = FAULT_FLAG_REMOTE | (write ? FAULT_FLAG_WRITE : 0);
	unsigned long i;
	int ret = 0;

	for (i = 0; i < npages && !ret && !*retry; i++)
		ret = fixup_user_fault(args->vma->vm_mm, args->address + (i << PAGE_SHIFT),
				       flags, retry);
	if (i > 1)
		return 0;
	if (ret)
		*retry = false;
	return ret;
}

/* Calls follow_pfnmap_start(), after faults if the entry is not there. */
static int t1x_pfnmap_start(struct follow_pfnmap_args *args, unsigned long npages,
			    bool write, bool *retry)
{
	int ret;

	if (!follow_pfnmap_start(args))
		return 0;

	ret = t1x_pfnmap_fault(args, npages, write, retry);
	return ret || *retry ? ret : follow_pfnmap_start(args);
}

/* Reads the pages that one lookup finds, at most @most, with @ahead faults if need be. */
static int t1x_pfnmap_lookup(struct follow_pfnmap_args *args, unsigned long most,
			     unsigned long ahead, bool write, struct t1x_run *found,
			     bool *retry)
{
	int ret;

	ret = t1x_pfnmap_start(args, min(most, ahead), write, retry);
	if (ret || *retry)
		return ret;

	*found = (struct t1x_run){ .pfn = args->pfn };
	if (!write || args->writable)
		found->npages = args->ptep ? t1x_pfnmap_scan(args, most) :
					     t1x_pfnmap_leaf(args, most);
	follow_pfnmap_end(args);
	return found->npages ? 0 : -EFAULT;
}

/* How many pages to fault in at once: never over an edge, where a large leaf may begin. */
static unsigned long t1x_pfnmap_ahead(unsigned long address)
{
	return clamp((-address & ~PMD_MASK) >> PAGE_SHIFT, 1UL, T1X_PFNMAP_AHEAD);
}

/**
 * t1x_pfnmap_read() - read a run of MMIO
 * @vma: where it is mapped, with VM_PFNMAP
 * @vaddr: first address, page aligned, in @vma
 * @npages: pages wanted, at least one
 * @write: the device may write
 * @run: set to the contiguous pages at @vaddr, as many as are wanted, lie in
 *	@vma and can be read at once
 * @retry: set if the mmap_lock was dropped before anything was found: look the
 *	VMA up again
 *
 * Context: the mmap_lock is held for read; it may be dropped and taken again.
 * May sleep and fault.
 * Return: 0, with @run set unless @retry is; -EFAULT for what is not there, not
 * writable or no MMIO; another error of the fault.
 */
int t1x_pfnmap_read(struct vm_area_struct *vma, unsigned long vaddr,
		    unsigned long npages, bool write, struct t1x_run *run,
		    bool *retry)
{
	struct follow_pfnmap_args args = { .vma = vma };
	unsigned long most, ahead, i;
	struct t1x_run found;
	bool singly = false;
	int ret = 0;

	run->npages = 0;
	*retry = false;
	most = min(npages, (vma->vm_end - vaddr) >> PAGE_SHIFT);
	for (i = 0; i < T1X_PFNMAP_LOOKUPS && run->npages < most; i += ahead) {
		args.address = vaddr + ((unsigned long)run->npages << PAGE_SHIFT);
		ahead = singly ? t1x_pfnmap_ahead(args.address) : 1;
		ret = t1x_pfnmap_lookup(&args, most - run->npages, ahead, write,
					&found, retry);
		if (ret || *retry || !t1x_run_joins(run, &found))
			break;
		t1x_run_join(run, &found);
		singly |= found.npages == 1;
	}

	/* What was found before an error is good; the error will come back. */
	if (!run->npages)
		return ret;
	*retry = false;
	return 0;
}

/**
 * t1x_pfnmap_is_ram() - is there ordinary memory where MMIO was looked for?
 * @vma: where it is mapped, with VM_PFNMAP
 * @vaddr: an address in @vma
 *
 * Context: the mmap_lock is held for read.  Does not fault.
 * Return: true if there is; false also if nothing is there.
 */
bool t1x_pfnmap_is_ram(struct vm_area_struct *vma, unsigned long vaddr)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = vaddr };
	bool is_ram;

	if (follow_pfnmap_start(&args))
		return false;
	is_ram = t1x_pfn_is_ram(args.pfn);
	follow_pfnmap_end(&args);
	return is_ram;
}
