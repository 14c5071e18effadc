/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_PREREG_H
#define _T1X_PREREG_H

#include <linux/minmax.h>
#include <linux/types.h>

#include "runs.h"
#include "span.h"

struct t1x_container;
struct t1x_region;

/**
 * struct t1x_claim - what one container registered
 * @span: what it is called, in &t1x_container.claims
 * @region: the memory; %NULL while it is pinned, when only the name is taken
 * @write: devices of this container may be allowed to write
 * @nr_dmas: mappings made from it
 *
 * Protected by the container's lock.
 */
struct t1x_claim {
	struct t1x_span span;
	struct t1x_region *region;
	bool write;
	unsigned long nr_dmas;
};

/**
 * struct t1x_region_run - a run of registered memory, and where it is
 * @first: pages of the region before it
 * @run: the run
 */
struct t1x_region_run {
	unsigned long first;
	struct t1x_run run;
};

/**
 * t1x_region_cut() - the part of a run that a mapping takes
 * @at: the run
 * @index: page of the region to start with; the run has it
 * @npages: at most so many
 *
 * Return: a run that holds neither pin nor charge.
 */
static inline struct t1x_run t1x_region_cut(const struct t1x_region_run *at,
					    unsigned long index,
					    unsigned long npages)
{
	unsigned long skip = index - at->first;

	return (struct t1x_run){
		.pfn = at->run.pfn + skip,
		.npages = min(npages, at->run.npages - skip),
	};
}

int t1x_register(struct t1x_container *c, unsigned long first,
		 unsigned long last, bool write);
int t1x_unregister(struct t1x_container *c, unsigned long first,
		   unsigned long last);
void t1x_unregister_all(struct t1x_container *c);

struct t1x_claim *t1x_claim_find(const struct t1x_container *c,
				 unsigned long first, unsigned long last);
const struct t1x_region_run *t1x_claim_run(const struct t1x_claim *claim,
					   unsigned long index);

#endif /* _T1X_PREREG_H */
