// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges of addresses of processes, in trees: what registered memory is called.
 */
#include "span.h"

static struct t1x_span *t1x_span_of(const struct rb_node *node)
{
	return rb_entry(node, struct t1x_span, node);
}

/* Spans that overlap are equal. */
static int t1x_span_cmp(const void *key, const struct rb_node *node)
{
	const struct t1x_span *a = key, *b = t1x_span_of(node);

	if (a->mm != b->mm)
		return a->mm < b->mm ? -1 : 1;
	if (a->last < b->first)
		return -1;
	return a->first > b->last;
}

static int t1x_span_less(struct rb_node *node, const struct rb_node *other)
{
	return t1x_span_cmp(t1x_span_of(node), other);
}

/**
 * t1x_span_add() - put a span into a tree
 * @tree: the tree
 * @span: the span
 *
 * Return: the span that is in the way, or %NULL if @span is in the tree now.
 */
struct t1x_span *t1x_span_add(struct rb_root *tree, struct t1x_span *span)
{
	struct rb_node *node = rb_find_add(&span->node, tree, t1x_span_less);

	return node ? t1x_span_of(node) : NULL;
}

/**
 * t1x_span_find() - look for a span
 * @tree: where
 * @key: what it has to overlap
 *
 * Return: one that does, or %NULL.
 */
struct t1x_span *t1x_span_find(const struct rb_root *tree,
			       const struct t1x_span *key)
{
	struct rb_node *node = rb_find(key, tree, t1x_span_cmp);

	return node ? t1x_span_of(node) : NULL;
}
