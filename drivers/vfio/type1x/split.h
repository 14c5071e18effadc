/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_SPLIT_H
#define _T1X_SPLIT_H

#include <linux/types.h>

struct t1x_container;
struct t1x_dma;
struct t1x_run_chunk;
struct t1x_mmio_range;

/**
 * struct t1x_split - a prepared split, which cannot fail any more
 * @dma: the mapping; %NULL if there is none to split
 * @upper: the mapping that will be its upper part
 * @spare: memory for the runs of one of them; %NULL if none is needed
 * @mmio: memory for the MMIO notifier of @upper; %NULL if @dma has none
 *
 * On the stack of the task that has the range of @dma locked.
 */
struct t1x_split {
	struct t1x_dma *dma;
	struct t1x_dma *upper;
	struct t1x_run_chunk *spare;
	struct t1x_mmio_range *mmio;
};

int t1x_split_prepare(struct t1x_container *c, struct t1x_split *split,
		      struct t1x_dma *dma, dma_addr_t iova);
void t1x_split_cancel(struct t1x_split *split);
struct t1x_dma *t1x_split_commit(struct t1x_container *c, struct t1x_split *split);

#endif /* _T1X_SPLIT_H */
