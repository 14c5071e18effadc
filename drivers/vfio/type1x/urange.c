// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges of user addresses, in trees: the names of registered memory.
 */
#include "urange.h"

static struct t1x_urange *t1x_urange_of(const struct rb_node *node)
{
	return rb_entry(node, struct t1x_urange, node);
}

/* Ranges that overlap compare as equal. */
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
 * t1x_urange_add() - insert a range into a tree
 * @tree: the tree
 * @urange: the range
 *
 * Return: %NULL, or the range in the tree that overlaps it; then it is not inserted.
 */
struct t1x_urange *t1x_urange_add(struct rb_root *tree, struct t1x_urange *urange)
{
	struct rb_node *node = rb_find_add(&urange->node, tree, t1x_urange_less);

	return node ? t1x_urange_of(node) : NULL;
}

/**
 * t1x_urange_find() - find a range that overlaps another
 * @tree: the tree
 * @key: the other
 *
 * Return: the range, or %NULL.
 */
struct t1x_urange *t1x_urange_find(const struct rb_root *tree,
				   const struct t1x_urange *key)
{
	struct rb_node *node = rb_find(key, tree, t1x_urange_cmp);

	return node ? t1x_urange_of(node) : NULL;
}
