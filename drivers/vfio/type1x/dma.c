// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings and the tree that orders them by IOVA.
 *
 * Owns struct t1x_dma as data.  Neither pins nor maps: fill.c does.
 *
 * Invariant: mappings of one tree never overlap, so the tree is ordered by
 * first and by last byte alike, and what lies at an IOVA is found in one
 * descent.
 */
#include "dma.h"

#include <linux/bug.h>
#include <linux/mm.h>
#include <linux/slab.h>

static_assert(sizeof(struct t1x_dma) == 128);

static struct kmem_cache *t1x_dma_cache;

/**
 * t1x_dma_cache_init() - create the slab cache of mappings
 *
 * Context: module init.
 * Return: 0 or -ENOMEM.
 */
int t1x_dma_cache_init(void)
{
	/* A user can make any number of mappings: they are charged to the memory cgroup. */
	t1x_dma_cache = KMEM_CACHE(t1x_dma, SLAB_ACCOUNT);
	return t1x_dma_cache ? 0 : -ENOMEM;
}

/**
 * t1x_dma_cache_exit() - undo t1x_dma_cache_init()
 *
 * Context: module exit, after the last mapping was freed.
 */
void t1x_dma_cache_exit(void)
{
	kmem_cache_destroy(t1x_dma_cache);
}

/**
 * t1x_dma_alloc() - make an empty mapping
 * @iova: first byte on the device's side, page aligned
 * @last: last byte, of a page
 * @vaddr: user address of @iova, page aligned
 * @prot: IOMMU_READ and/or IOMMU_WRITE
 *
 * Context: may sleep.
 * Return: a mapping that has no owner, is in no tree and holds no page; %NULL
 * without memory.
 */
struct t1x_dma *t1x_dma_alloc(dma_addr_t iova, dma_addr_t last,
			      unsigned long vaddr, unsigned int prot)
{
	struct t1x_dma *dma;

	dma = kmem_cache_alloc(t1x_dma_cache, GFP_KERNEL);
	if (!dma)
		return NULL;

	dma->iova = iova;
	dma->last = last;
	dma->vpn = vaddr >> PAGE_SHIFT;
	dma->prot = prot;
	dma->granule_shift = 0;
	dma->registered = false;
	dma->untracked = false;
	dma->vaddr_invalid = false;
	dma->dirty = NULL;
	dma->mmio = NULL;
	dma->next = NULL;
	dma->filled = 0;
	t1x_runs_init(&dma->runs);
	return dma;
}

/**
 * t1x_dma_free() - free an empty mapping
 * @dma: the mapping, in no tree, with nothing filled or tracked
 */
void t1x_dma_free(struct t1x_dma *dma)
{
	WARN_ON_ONCE(dma->filled || dma->dirty || t1x_dma_mmio(dma));
	t1x_runs_free(&dma->runs);
	kmem_cache_free(t1x_dma_cache, dma);
}

static struct t1x_dma *t1x_dma_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct t1x_dma, node);
}

/**
 * t1x_dma_insert() - put a mapping into a tree
 * @tree: the tree
 * @dma: the mapping; overlaps no mapping of @tree
 */
void t1x_dma_insert(struct rb_root *tree, struct t1x_dma *dma)
{
	struct rb_node **link = &tree->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (dma->iova < t1x_dma_of(parent)->iova)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}

	rb_link_node(&dma->node, parent, link);
	rb_insert_color(&dma->node, tree);
}

/**
 * t1x_dma_erase() - take a mapping out of its tree
 * @tree: the tree
 * @dma: the mapping
 */
void t1x_dma_erase(struct rb_root *tree, struct t1x_dma *dma)
{
	rb_erase(&dma->node, tree);
}

/**
 * t1x_dma_first() - find the lowest mapping in a range
 * @tree: the tree
 * @iova: first byte of the range
 * @last: last byte of the range
 *
 * Return: the lowest mapping with a byte in the range, or %NULL.
 */
struct t1x_dma *t1x_dma_first(const struct rb_root *tree, dma_addr_t iova,
			      dma_addr_t last)
{
	struct rb_node *node = tree->rb_node;
	struct t1x_dma *first = NULL, *dma;

	while (node) {
		dma = t1x_dma_of(node);
		if (dma->last < iova) {
			node = node->rb_right;
			continue;
		}
		first = dma;
		if (dma->iova <= iova)
			break;
		node = node->rb_left;
	}

	return first && first->iova <= last ? first : NULL;
}

/**
 * t1x_dma_next() - step to the next mapping in a range
 * @dma: a mapping in the tree
 * @last: last byte of the range
 *
 * Return: the mapping above @dma if it has a byte in the range, or %NULL.
 */
struct t1x_dma *t1x_dma_next(struct t1x_dma *dma, dma_addr_t last)
{
	struct t1x_dma *next;

	if (dma->last >= last)
		return NULL;
	next = t1x_dma_of(rb_next(&dma->node));
	return next && next->iova <= last ? next : NULL;
}

/**
 * t1x_dma_highest() - find the highest mapping
 * @tree: the tree, not empty
 *
 * Return: the mapping.
 */
struct t1x_dma *t1x_dma_highest(const struct rb_root *tree)
{
	return t1x_dma_of(rb_last(tree));
}

/**
 * t1x_dma_range_splits() - would a range split a mapping in two
 * @tree: the tree
 * @first: the lowest mapping in the range, or %NULL
 * @iova: first byte of the range
 * @last: last byte of the range
 *
 * Return: whether a mapping has bytes on both sides of either edge.
 */
bool t1x_dma_range_splits(const struct rb_root *tree, const struct t1x_dma *first,
			  dma_addr_t iova, dma_addr_t last)
{
	if (!first || first->iova < iova)
		return first;
	if (first->last >= last)
		return first->last != last;
	return t1x_dma_crossing(tree, last);
}

/**
 * t1x_dma_crossing() - find a mapping that goes on where a range ends
 * @tree: the tree
 * @last: last byte of the range
 *
 * Return: the mapping with bytes on both sides of that edge, or %NULL.
 */
struct t1x_dma *t1x_dma_crossing(const struct rb_root *tree, dma_addr_t last)
{
	struct t1x_dma *dma = t1x_dma_first(tree, last, last);

	return dma && dma->last != last ? dma : NULL;
}

static bool t1x_dma_can_cut(const struct t1x_dma *dma, dma_addr_t iova)
{
	return dma->granule_shift &&
	       !(iova & ((1ULL << dma->granule_shift) - 1));
}

/**
 * t1x_dma_range_may_split() - do granules allow a range that bisects mappings
 * @tree: the tree
 * @first: the lowest mapping in the range
 * @iova: first byte of the range
 * @last: last byte of the range
 *
 * Return: whether all mappings can be split that the range bisects.
 */
bool t1x_dma_range_may_split(const struct rb_root *tree, const struct t1x_dma *first,
			     dma_addr_t iova, dma_addr_t last)
{
	const struct t1x_dma *beyond = t1x_dma_crossing(tree, last);

	return (first->iova >= iova || t1x_dma_can_cut(first, iova)) &&
	       (!beyond || t1x_dma_can_cut(beyond, last + 1));
}
