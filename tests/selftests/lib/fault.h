/* SPDX-License-Identifier: GPL-2.0 */
/* Making an allocation of this thread fail, where the kernel can do that. */
#ifndef T1X_FAULT_H
#define T1X_FAULT_H

#include <stdbool.h>

/* More allocations than any operation makes. */
#define FAULT_MOST	5000

void fault_init(void);
void fault_arm(long nth);
bool fault_happened(void);

#endif /* T1X_FAULT_H */
