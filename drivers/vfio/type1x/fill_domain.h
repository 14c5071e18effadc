/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_FILL_DOMAIN_H
#define _T1X_FILL_DOMAIN_H

struct t1x_container;
struct t1x_dma;
struct t1x_domain;
struct t1x_range;

int t1x_fill_domain(struct t1x_container *c, const struct t1x_range *range,
		    struct t1x_dma *dma, struct t1x_domain *d);

#endif /* _T1X_FILL_DOMAIN_H */
