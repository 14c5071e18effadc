// SPDX-License-Identifier: GPL-2.0
/* Before v6.5. */
#include <linux/mm.h>

long probe(struct mm_struct *mm, struct page **pages, int *locked)
{
	return pin_user_pages_remote(mm, 0, 1, 0, pages, NULL, locked) +
	       get_user_pages_remote(mm, 0, 1, 0, pages, NULL, locked);
}
