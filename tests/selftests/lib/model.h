/* SPDX-License-Identifier: GPL-2.0 */
/* What registering memory may change, for fuzz. */
#ifndef T1X_MODEL_H
#define T1X_MODEL_H

#include "fuzz_ops.h"

void model_begin(void);
void model_expect(const struct fuzz_op *op, uint64_t vaddr);

#endif /* T1X_MODEL_H */
