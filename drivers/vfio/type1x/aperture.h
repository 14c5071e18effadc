/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_APERTURE_H
#define _T1X_APERTURE_H

#include <linux/types.h>

struct t1x_container;
struct t1x_domain;
struct t1x_iova_ranges;

int t1x_aperture_compute(struct t1x_container *c, struct t1x_domain *extra,
			 struct t1x_iova_ranges *ranges);
bool t1x_aperture_conflict(struct t1x_container *c,
			   const struct t1x_iova_ranges *ranges);
int t1x_aperture_reserved(struct t1x_container *c, dma_addr_t first, dma_addr_t last);
void t1x_aperture_refresh(struct t1x_container *c);
unsigned long t1x_aperture_pgsizes(struct t1x_container *c,
				   const struct t1x_domain *extra);

#endif /* _T1X_APERTURE_H */
