/* SPDX-License-Identifier: GPL-2.0 */
/* Making an allocation of this thread fail, where the kernel can do that. */
#ifndef T1X_FAULT_H
#define T1X_FAULT_H

#include <stdbool.h>

/**
 * struct fault_sweep - an operation is tried with each of its allocations failing once
 * @n: the allocation that is to fail in this round, for fault_arm()
 * @more: whether it did, set by the test; if not, the operation made no more of them
 * @failed: rounds in which the operation failed, counted by the test
 */
struct fault_sweep {
	long n;
	bool more;
	long failed;
};

void fault_init(void);
void fault_arm(long nth);
bool fault_happened(void);
bool fault_sweep_next(struct fault_sweep *sweep);
void fault_sweep_end(const struct fault_sweep *sweep, long least);

#endif /* T1X_FAULT_H */
