/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_HUGE_PMD_H
#define _T1X_HUGE_PMD_H

#include <linux/pgtable.h>
#include <linux/types.h>

struct mm_struct;

/* Pages of the CPU that a leaf in place of a table of PTEs maps. */
#define T1X_PMD_PAGES	(PMD_SIZE >> PAGE_SHIFT)

/*
 * Page tables can be read without a lock where fast GUP does that, and have such leaves
 * only with huge pages.
 */
#if defined(CONFIG_TRANSPARENT_HUGEPAGE) && \
	(defined(CONFIG_HAVE_GUP_FAST) || defined(CONFIG_HAVE_FAST_GUP))
#define T1X_HUGE_PMD
#endif

#ifdef T1X_HUGE_PMD
unsigned long t1x_huge_pmd_pfn(struct mm_struct *mm, unsigned long vaddr,
			       bool write);
#else
static inline unsigned long t1x_huge_pmd_pfn(struct mm_struct *mm,
					     unsigned long vaddr, bool write)
{
	return 0;
}
#endif

#endif /* _T1X_HUGE_PMD_H */
