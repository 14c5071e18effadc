/* SPDX-License-Identifier: GPL-2.0 */
/* What registering memory may change, for fuzz. */
#ifndef T1X_MODEL_H
#define T1X_MODEL_H

#include "fuzz_ops.h"
#include "twin_containers.h"

void model_begin(void);
void model_expect(const struct fuzz_op *op, struct result *results);

#endif /* T1X_MODEL_H */
