// SPDX-License-Identifier: GPL-2.0
/* v6.3: VMA flags are changed by helpers. */
#include <linux/mm.h>

void probe(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_IO);
}
