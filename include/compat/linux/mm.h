/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_COMPAT_LINUX_MM_H
#define _T1X_COMPAT_LINUX_MM_H

#include_next <linux/mm.h>
#include <linux/version.h>
#include <t1x_features.h>

/*
 * v6.2: a long-term pin for reading breaks copy-on-write, so that the process goes on
 * to see the page that is pinned.  Before, only a pin for writing does.  That is how the
 * kernel behaves, which no header shows: hence its version.
 * v6.5: {pin,get}_user_pages_remote() lost their vmas argument.
 * Delete with 6.1.
 */
#if KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE
/*
 * A page that is mapped writable is no copy that could still be broken.  All others
 * are left to pin_user_pages_remote(), if @gup_flags has FOLL_NOFAULT.
 */
static inline int t1x_compat_pin_user_pages_fast(unsigned long start,
						 int nr_pages,
						 unsigned int gup_flags,
						 struct page **pages)
{
	if (gup_flags & FOLL_LONGTERM)
		gup_flags |= FOLL_WRITE;
	return pin_user_pages_fast(start, nr_pages, gup_flags, pages);
}

#define pin_user_pages_fast t1x_compat_pin_user_pages_fast

/*
 * May the first page be pinned for writing, by force if need be, though it is only to
 * be read?  Pages of shared memory must not: that would make a file dirty.  Nor pages
 * that the process must not read.  What follows the page up to @nr_pages is alike.
 */
static inline bool t1x_compat_pin_breaks_cow(struct mm_struct *mm,
					     unsigned long start,
					     unsigned long *nr_pages)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);
	unsigned long npages = 1;	/* GUP may extend a stack by this one */

	if (vma)
		npages = (vma->vm_end - start) >> PAGE_SHIFT;
	*nr_pages = min(*nr_pages, npages);
	return !vma || (vma->vm_flags & VM_READ &&
			is_cow_mapping(vma->vm_flags));
}
#endif

#if !T1X_HAS_GUP_WITHOUT_VMAS
static inline long t1x_compat_pin_user_pages_remote(struct mm_struct *mm,
						    unsigned long start,
						    unsigned long nr_pages,
						    unsigned int gup_flags,
						    struct page **pages,
						    int *locked)
{
#if KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE
	if ((gup_flags & (FOLL_LONGTERM | FOLL_WRITE)) == FOLL_LONGTERM &&
	    t1x_compat_pin_breaks_cow(mm, start, &nr_pages)) {
		long ret = pin_user_pages_remote(mm, start, nr_pages,
						 gup_flags | FOLL_WRITE |
						 FOLL_FORCE, pages, NULL,
						 locked);

		/* A page of hugetlb, say, that the process may only read. */
		if (ret != -EFAULT)
			return ret;
		nr_pages = 1;
	}
#endif
	return pin_user_pages_remote(mm, start, nr_pages, gup_flags, pages,
				     NULL, locked);
}

#define pin_user_pages_remote t1x_compat_pin_user_pages_remote

static inline long t1x_compat_get_user_pages_remote(struct mm_struct *mm,
						    unsigned long start,
						    unsigned long nr_pages,
						    unsigned int gup_flags,
						    struct page **pages,
						    int *locked)
{
	return get_user_pages_remote(mm, start, nr_pages, gup_flags, pages,
				     NULL, locked);
}

#define get_user_pages_remote t1x_compat_get_user_pages_remote
#endif

/*
 * v6.10: follow_pte() takes a VMA.
 * v6.12: follow_pfnmap_start()/_end() replace it.
 * Delete with 6.1.
 */
#if !T1X_HAS_FOLLOW_PFNMAP
struct follow_pfnmap_args {
	struct vm_area_struct *vma;
	unsigned long address;
	spinlock_t *lock;	/* held from start to end */
	pte_t *ptep;
	unsigned long pfn;
	bool writable;
};

static inline int
t1x_compat_follow_pfnmap_start(struct follow_pfnmap_args *args)
{
	int ret;

#if T1X_HAS_FOLLOW_PTE_MM
	ret = follow_pte(args->vma->vm_mm, args->address, &args->ptep,
			 &args->lock);
#else
	ret = follow_pte(args->vma, args->address, &args->ptep, &args->lock);
#endif
	if (ret)
		return ret;

	args->pfn = pte_pfn(*args->ptep);
	args->writable = pte_write(*args->ptep);
	return 0;
}

static inline void t1x_compat_follow_pfnmap_end(struct follow_pfnmap_args *args)
{
	__acquire(args->lock);	/* sparse does not know what follow_pte() did */
	pte_unmap_unlock(args->ptep, args->lock);
}

#define follow_pfnmap_start t1x_compat_follow_pfnmap_start
#define follow_pfnmap_end t1x_compat_follow_pfnmap_end
#endif

/*
 * v6.15: follow_pfnmap_args tells the size of a large leaf, one whose ptep is
 * NULL, in addr_mask.  Before, it is 2 MiB at least.  Delete with 6.12.
 */
static inline unsigned long
t1x_compat_pfnmap_addr_mask(const struct follow_pfnmap_args *args)
{
#if T1X_HAS_PFNMAP_ADDR_MASK
	return args->addr_mask;
#else
	return PMD_MASK;
#endif
}

#endif /* _T1X_COMPAT_LINUX_MM_H */
