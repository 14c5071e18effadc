/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_ACCOUNT_H
#define _T1X_ACCOUNT_H

#include "dma.h"

void t1x_owner_get(struct t1x_owner *owner);
void t1x_owner_put(struct t1x_owner *owner);
int t1x_owner_change(struct t1x_owner *owner);
int t1x_charge(struct t1x_owner *owner, unsigned long npages);
void t1x_refund(struct t1x_owner *owner, unsigned long npages);

#endif /* _T1X_ACCOUNT_H */
