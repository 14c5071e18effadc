// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges of addresses of processes, in trees: what registered memory is called.
 */
#include "urange.h"

static struct t1x_urange *t1x_urange_of(const struct rb_node *node)
{
	return rb_entry(node, struct t1x_urange, node);
}

/* Spans that overlap are equal. */
static int t1x_urange_cmp(const void *key, const struct rb_node *node)
{
	const struct t1x_urange *a = key, *b = t1x_urange_of(node);

	if (a->mm != b->mm)
		return a->mm < b->mm ? -1 : 1;
	if (a->last < b->first)
		return -1;
	return a->first > b->last;
}

static int t1x_urange_less(struct rb_node *node, const struct rb_node *other)
{
	return t1x_urange_cmp(t1x_urange_of(node), other);
}

/**
 * t1x_urange_add() - put a urange into a tree
 * @tree: the tree
 * @urange: the urange
 *
 * Return: the urange that is in the way, or %NULL if @urange is in the tree now.
 */
struct t1x_urange *t1x_urange_add(struct rb_root *tree, struct t1x_urange *urange)
{
	struct rb_node *node = rb_find_add(&urange->node, tree, t1x_urange_less);

	return node ? t1x_urange_of(node) : NULL;
}

/**
 * t1x_urange_find() - look for a urange
 * @tree: where
 * @key: what it has to overlap
 *
 * Return: one that does, or %NULL.
 */
struct t1x_urange *t1x_urange_find(const struct rb_root *tree,
				   const struct t1x_urange *key)
{
	struct rb_node *node = rb_find(key, tree, t1x_urange_cmp);

	return node ? t1x_urange_of(node) : NULL;
}
