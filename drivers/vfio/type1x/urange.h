/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_URANGE_H
#define _T1X_URANGE_H

#include <linux/rbtree.h>
#include <linux/types.h>
#include <asm/page.h>

struct mm_struct;

/**
 * struct t1x_urange - addresses of a process; those of one tree never overlap
 * @node: in the tree
 * @mm: the address space, which is only compared
 * @first: first byte
 * @last: last byte
 *
 * Protected by what protects the tree; all but @node never change there.
 */
struct t1x_urange {
	struct rb_node node;
	struct mm_struct *mm;
	unsigned long first;
	unsigned long last;
};

/**
 * t1x_urange_is() - does a urange begin and end just here
 * @urange: the urange
 * @first: first byte
 * @last: last byte
 *
 * Return: whether it does.
 */
static inline bool t1x_urange_is(const struct t1x_urange *urange,
				 unsigned long first, unsigned long last)
{
	return urange->first == first && urange->last == last;
}

/**
 * t1x_urange_npages() - size of a urange
 * @urange: the urange, of whole pages
 *
 * Return: its pages.
 */
static inline unsigned long t1x_urange_npages(const struct t1x_urange *urange)
{
	return ((urange->last - urange->first) >> PAGE_SHIFT) + 1;
}

struct t1x_urange *t1x_urange_add(struct rb_root *tree, struct t1x_urange *urange);
struct t1x_urange *t1x_urange_find(const struct rb_root *tree,
				   const struct t1x_urange *key);

#endif /* _T1X_URANGE_H */
