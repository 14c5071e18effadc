/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_SPAN_H
#define _T1X_SPAN_H

#include <linux/rbtree.h>
#include <linux/types.h>
#include <asm/page.h>

struct mm_struct;

/**
 * struct t1x_span - addresses of a process; those of one tree never overlap
 * @node: in the tree
 * @mm: the address space, which is only compared
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
 * t1x_span_is() - does a span begin and end just here
 * @span: the span
 * @first: first byte
 * @last: last byte
 *
 * Return: whether it does.
 */
static inline bool t1x_span_is(const struct t1x_span *span,
			       unsigned long first, unsigned long last)
{
	return span->first == first && span->last == last;
}

/**
 * t1x_span_npages() - size of a span
 * @span: the span, of whole pages
 *
 * Return: its pages.
 */
static inline unsigned long t1x_span_npages(const struct t1x_span *span)
{
	return ((span->last - span->first) >> PAGE_SHIFT) + 1;
}

struct t1x_span *t1x_span_add(struct rb_root *tree, struct t1x_span *span);
struct t1x_span *t1x_span_find(const struct rb_root *tree,
			       const struct t1x_span *key);

#endif /* _T1X_SPAN_H */
