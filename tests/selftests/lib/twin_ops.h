/* SPDX-License-Identifier: GPL-2.0 */
/* What each operation of fuzz is, on a container of either driver. */
#ifndef T1X_TWIN_OPS_H
#define T1X_TWIN_OPS_H

#include "twin_containers.h"

void twin_do(struct twin *twin, const struct fuzz_seq *seq, const struct fuzz_op *op,
	     struct result *res);

#endif /* T1X_TWIN_OPS_H */
