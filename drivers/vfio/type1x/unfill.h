/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_UNFILL_H
#define _T1X_UNFILL_H

struct t1x_container;
struct t1x_dma;
struct t1x_domain;
struct t1x_range;
struct t1x_run;

int t1x_dma_unfill(struct t1x_container *c, const struct t1x_range *range,
		   struct t1x_dma *dma);
int t1x_dmas_unfill(struct t1x_container *c, const struct t1x_range *range,
		    struct t1x_dma *batch);
unsigned long t1x_dma_read_domain(struct t1x_domain *d, const struct t1x_dma *dma,
				  unsigned long index, struct t1x_run *run);
void t1x_dma_unfill_detached(struct t1x_container *c, struct t1x_dma *dma);

#endif /* _T1X_UNFILL_H */
