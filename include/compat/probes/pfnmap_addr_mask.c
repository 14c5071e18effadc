// SPDX-License-Identifier: GPL-2.0
/* v6.15: what is looked up says how large its leaf is. */
#include <linux/mm.h>

unsigned long probe(struct follow_pfnmap_args *args)
{
	return args->addr_mask;
}
