/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_MR_H
#define _T1X_MR_H

#include <linux/types.h>

struct t1x_mr;
struct t1x_container;

int t1x_mr_register(struct t1x_container *c, unsigned long first,
		    unsigned long last, bool write);
int t1x_mr_unregister(struct t1x_container *c, unsigned long first,
		      unsigned long last);
void t1x_mr_unregister_all(struct t1x_container *c);

struct t1x_mr *t1x_mr_find(const struct t1x_container *c,
			   unsigned long first, unsigned long last);

#endif /* _T1X_MR_H */
