// SPDX-License-Identifier: GPL-2.0
/* Compiles with none. */
#include <linux/mm.h>

int probe(void)
{
	return t1x_no_kernel_has_this();
}
