/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_PREREG_H
#define _T1X_PREREG_H

#include <linux/rbtree.h>
#include <linux/types.h>

struct mm_struct;
struct t1x_container;
struct t1x_region;
struct t1x_run;

/**
 * struct t1x_span - addresses of a process; those of one tree never overlap
 * @node: in the tree
 * @mm: the address space; held by the region
 * @first: first byte
 * @last: last byte
 */
struct t1x_span {
	struct rb_node node;
	struct mm_struct *mm;
	unsigned long first;
	unsigned long last;
};

/**
 * struct t1x_claim - what one container registered
 * @span: what it is called, in &t1x_container.claims
 * @region: the memory
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

int t1x_register(struct t1x_container *c, unsigned long first,
		 unsigned long last, bool write);
int t1x_unregister(struct t1x_container *c, unsigned long first,
		   unsigned long last);
void t1x_unregister_all(struct t1x_container *c);

struct t1x_claim *t1x_claim_find(const struct t1x_container *c,
				 unsigned long first, unsigned long last);
void t1x_claim_run(const struct t1x_claim *claim, unsigned long index,
		   unsigned long npages, struct t1x_run *run);

#endif /* _T1X_PREREG_H */
