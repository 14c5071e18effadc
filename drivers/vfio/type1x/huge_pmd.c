// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge pages in the page table of a process, looked up without a lock.
 *
 * As fast GUP does: with interrupts disabled no page table is freed, because freeing one
 * waits for an interrupt of every CPU that uses the address space, or for RCU.
 */
#include "huge_pmd.h"

#include <linux/irqflags.h>
#include <linux/mm.h>

#ifdef T1X_HUGE_PMD

/* The entry for an address, or none. Interrupts are disabled. */
static pmd_t t1x_huge_pmd_read(struct mm_struct *mm, unsigned long vaddr)
{
	pgd_t *pgdp = pgd_offset(mm, vaddr), pgd = READ_ONCE(*pgdp);
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;

	if (pgd_none(pgd) || !pgd_present(pgd))
		return __pmd(0);
	p4dp = p4d_offset_lockless(pgdp, pgd, vaddr);
	p4d = READ_ONCE(*p4dp);
	if (p4d_none(p4d) || !p4d_present(p4d))
		return __pmd(0);
	pudp = pud_offset_lockless(p4dp, p4d, vaddr);
	pud = READ_ONCE(*pudp);
	if (pud_none(pud) || !pud_present(pud) || pud_leaf(pud))
		return __pmd(0);
	return READ_ONCE(*pmd_offset_lockless(pudp, pud, vaddr));
}

/**
 * t1x_huge_pmd_pfn() - look up the huge page at a user address
 * @mm: the address space, which has users
 * @vaddr: the address, a multiple of PMD_SIZE
 * @write: the page must be writable
 *
 * What is found may have changed on return: only a pin on the page, and finding it once
 * more, say that it is mapped here.
 *
 * Context: process context; takes no lock.
 * Return: the first page frame of a page of PMD_SIZE that one entry maps, with the access
 * wanted and none that a protection key or NUMA balancing withholds; 0 if there is none.
 */
unsigned long t1x_huge_pmd_pfn(struct mm_struct *mm, unsigned long vaddr,
			       bool write)
{
	unsigned long flags;
	pmd_t pmd;

	local_irq_save(flags);
	pmd = t1x_huge_pmd_read(mm, vaddr);
	local_irq_restore(flags);

	if (!pmd_present(pmd) || !pmd_leaf(pmd) ||
	    !pmd_access_permitted(pmd, write))
		return 0;
	return pmd_pfn(pmd);
}

#endif
