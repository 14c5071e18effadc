// SPDX-License-Identifier: GPL-2.0
/* v6.3: the domain of MSIs says whether they are isolated. */
#include <linux/irqdomain.h>

unsigned int probe(void)
{
	return IRQ_DOMAIN_FLAG_ISOLATED_MSI;
}
