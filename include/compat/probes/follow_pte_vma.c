// SPDX-License-Identifier: GPL-2.0
/* v6.10 and v6.11: follow_pte() takes a VMA. */
#include <linux/mm.h>

int probe(struct vm_area_struct *vma, pte_t **ptep, spinlock_t **lock)
{
	return follow_pte(vma, 0, ptep, lock);
}
