/* SPDX-License-Identifier: GPL-2.0 */
/* Comparing what a pair of containers did; knows what may differ. */
#ifndef T1X_DIFFER_H
#define T1X_DIFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "fuzz_ops.h"
#include "twin_containers.h"

void differ_begin(void);
bool differ(const struct fuzz_op *op, const struct result *results, char *why, size_t len);
void differ_say_known(void);

#endif /* T1X_DIFFER_H */
