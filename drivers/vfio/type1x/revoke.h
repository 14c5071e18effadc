/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_REVOKE_H
#define _T1X_REVOKE_H

#include <linux/types.h>

struct t1x_container;
struct t1x_dma;
struct t1x_watch;

int t1x_watch(struct t1x_container *c, struct t1x_dma *dma);
struct t1x_watch *t1x_watch_alloc(void);
void t1x_watch_cut(struct t1x_dma *dma, struct t1x_dma *upper,
		   unsigned long npages, struct t1x_watch *watch);
void t1x_unwatch(struct t1x_container *c, struct t1x_dma *dma);
void t1x_watch_begin(struct t1x_dma *dma);
bool t1x_watch_hit(struct t1x_dma *dma);

#endif /* _T1X_REVOKE_H */
