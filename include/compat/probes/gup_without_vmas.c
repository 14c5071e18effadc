// SPDX-License-Identifier: GPL-2.0
/* v6.5: {pin,get}_user_pages_remote() no longer return VMAs. */
#include <linux/mm.h>

long probe(struct mm_struct *mm, struct page **pages, int *locked)
{
	return pin_user_pages_remote(mm, 0, 1, 0, pages, locked) +
	       get_user_pages_remote(mm, 0, 1, 0, pages, locked);
}
