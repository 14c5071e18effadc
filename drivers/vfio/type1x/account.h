/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_ACCOUNT_H
#define _T1X_ACCOUNT_H

#include "dma.h"

struct t1x_refusals;

/**
 * struct t1x_bill - pages to be refunded, of mappings that one process paid for
 * @owner: one of the owners; stays until the bill is paid
 * @npages: pages
 */
struct t1x_bill {
	const struct t1x_owner *owner;
	unsigned long npages;
};

void t1x_owner_get(struct t1x_owner *owner);
void t1x_owner_share(const struct t1x_owner *owner, struct t1x_owner *other);
void t1x_owner_move(struct t1x_owner *owner, struct t1x_owner *other,
		    unsigned long npages);
void t1x_owner_put(struct t1x_owner *owner);
int t1x_owner_change(struct t1x_owner *owner, struct t1x_refusals *refusals);
bool t1x_owner_unlimited(const struct t1x_owner *owner);
int t1x_charge(struct t1x_owner *owner, unsigned long npages,
	       unsigned long more, struct t1x_refusals *refusals);
void t1x_refund(struct t1x_owner *owner, unsigned long npages);
void t1x_bill_add(struct t1x_bill *bill, struct t1x_owner *owner,
		  unsigned long npages);
void t1x_bill_pay(struct t1x_bill *bill);

#endif /* _T1X_ACCOUNT_H */
