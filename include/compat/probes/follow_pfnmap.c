// SPDX-License-Identifier: GPL-2.0
/* v6.12: a PFN is looked up between follow_pfnmap_start() and follow_pfnmap_end(). */
#include <linux/mm.h>

int probe(struct vm_area_struct *vma)
{
	struct follow_pfnmap_args args = { .vma = vma };
	int ret = follow_pfnmap_start(&args);

	if (!ret)
		follow_pfnmap_end(&args);
	return ret;
}
