/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_MAP_H
#define _T1X_MAP_H

#include <linux/types.h>

struct t1x_container;

int t1x_map(struct t1x_container *c, dma_addr_t iova, dma_addr_t last,
	    unsigned long vaddr, unsigned int prot, u64 granule);
int t1x_map_vaddr(struct t1x_container *c, dma_addr_t iova, dma_addr_t last,
		  unsigned long vaddr);

#endif /* _T1X_MAP_H */
