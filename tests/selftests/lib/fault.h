/* SPDX-License-Identifier: GPL-2.0 */
/* Making an allocation of this thread fail, where the kernel can do that. */
#ifndef T1X_FAULT_H
#define T1X_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct fault_sweep - an operation is tried with each of its allocations failing once
 * @n: the allocation that is to fail in this round
 * @more: whether it did; if not, the operation made no more of them
 * @failed: rounds in which the operation failed
 *
 * Zero at first.  A round is one fault_try()::
 *
 *	while (fault_sweep_next(&sweep))
 *		ret = fault_try(&sweep, dma_map(...));
 *	fault_sweep_end(&sweep, 1);
 */
struct fault_sweep {
	long n;
	bool more;
	long failed;
};

void fault_init(void);
void fault_arm(long nth);
int64_t fault_disarm(int64_t ret);
bool fault_sweep_next(struct fault_sweep *sweep);
void fault_sweep_arm(struct fault_sweep *sweep);
int64_t fault_sweep_disarm(int64_t ret);
void fault_sweep_end(const struct fault_sweep *sweep, long least);

/* The result of @op, a negative errno if it failed, which must be for want of memory. */
#define fault_try(sweep, op) (fault_sweep_arm(sweep), fault_sweep_disarm(op))

/* The result of @op with its @nth allocation failing, whatever comes of it. */
#define fault_in(nth, op) (fault_arm(nth), fault_disarm(op))

#endif /* T1X_FAULT_H */
