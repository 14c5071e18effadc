// SPDX-License-Identifier: GPL-2.0
/* Compiles with any kernel: if not, no answer of the others means anything. */
#include <linux/mm.h>

unsigned long probe(struct page *page)
{
	return page_to_pfn(page);
}
