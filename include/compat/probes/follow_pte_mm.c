// SPDX-License-Identifier: GPL-2.0
/* Before v6.10: follow_pte() takes an address space. */
#include <linux/mm.h>

int probe(struct mm_struct *mm, pte_t **ptep, spinlock_t **lock)
{
	return follow_pte(mm, 0, ptep, lock);
}
