/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_DMA_H
#define _T1X_DMA_H

#include <linux/iommu.h>
#include <linux/rbtree.h>

#include "account.h"
#include "runs.h"

struct t1x_mr;
struct t1x_mmio_range;

/**
 * struct t1x_dma - one mapping
 * @node: in the tree of the container
 * @iova: first byte on the device's side
 * @last: last byte, inclusive
 * @vpn: user address of @iova in the owner's mm, in pages
 * @prot: IOMMU_READ and/or IOMMU_WRITE
 * @granule_shift: the mapping may be split at multiples of 2 to the power of this in
 *	IOVA, see split.c; 0: nowhere
 * @registered: made of registered memory
 * @untracked: memory for @runs ran out: pages beyond them are in the IOMMU only
 * @vaddr_invalid: @vpn was taken back, and nothing more may be pinned
 * @dirty: a bit for each page that may have been written to, while dirty pages
 *	are tracked; else %NULL, and for what was being unmapped when that began and an
 *	IOMMU kept, of which all pages are dirty
 * @mr: with @registered: the memory that the pages are from, which are then neither
 *	pinned nor charged here
 * @mmio: without: what revokes its MMIO; %NULL if there is none, or it stays
 * @next: the next mapping that goes, for the task that unmaps them
 * @filled: pages pinned, charged and present in every domain; a prefix of the
 *	mapping, of which @runs describe a prefix again
 * @owner: the process that the RAM pages are charged to
 * @runs: what was pinned, in IOVA order
 * @mr_first: with @registered: pages of @mr before the first one
 *
 * There may be very many, so it is two cache lines of 64 bytes: what a walk over the tree
 * reads is in the first, what filling and unfilling writes in the second.
 *
 * @iova, @prot, @granule_shift, @registered and @mr do not change once the mapping is in
 * the tree, and @last only when it is split.  @dirty and its bits are protected by
 * the container's lock.  All else is protected by the range lock that covers the mapping, or
 * by the container's lock while no such range is locked; &t1x_run.revoked by mmio_lock as
 * well.
 */
struct t1x_dma {
	struct rb_node node;
	dma_addr_t iova;
	dma_addr_t last;
	u64 vpn : 52;
	u64 prot : 2;
	u64 granule_shift : 6;
	u64 registered : 1;
	u64 untracked : 1;
	u64 vaddr_invalid : 1;
	unsigned long *dirty;
	union {
		struct t1x_mr *mr;
		struct t1x_mmio_range *mmio;
	};

	struct t1x_dma *next;
	unsigned long filled;
	struct t1x_owner owner;
	struct t1x_runs runs;
	unsigned long mr_first;
};

/**
 * t1x_dma_vaddr() - user address of a mapping
 * @dma: the mapping
 *
 * Return: where @dma->iova is in the owner's mm.
 */
static inline unsigned long t1x_dma_vaddr(const struct t1x_dma *dma)
{
	return (unsigned long)dma->vpn << PAGE_SHIFT;
}

/**
 * t1x_dma_mmio() - what revokes the MMIO of a mapping
 * @dma: the mapping
 *
 * Return: the range that is watched, or %NULL.
 */
static inline struct t1x_mmio_range *t1x_dma_mmio(const struct t1x_dma *dma)
{
	return unlikely(dma->mmio) && !dma->registered ? dma->mmio : NULL;
}

/**
 * t1x_dma_npages() - number of pages the user asked for
 * @dma: the mapping
 *
 * Return: pages from @dma->iova to @dma->last.
 */
static inline unsigned long t1x_dma_npages(const struct t1x_dma *dma)
{
	/* last is the last byte of a page: no overflow, even at 2^64 - 1. */
	return ((dma->last - dma->iova) >> PAGE_SHIFT) + 1;
}

/**
 * t1x_dma_writable() - may devices write to a mapping
 * @dma: the mapping
 *
 * Return: whether they may.
 */
static inline bool t1x_dma_writable(const struct t1x_dma *dma)
{
	return dma->prot & IOMMU_WRITE;
}

/**
 * t1x_dma_iova_at() - IOVA of a page of a mapping
 * @dma: the mapping
 * @index: pages from its start
 *
 * Return: address of the first byte of that page.
 */
static inline dma_addr_t t1x_dma_iova_at(const struct t1x_dma *dma,
					 unsigned long index)
{
	return dma->iova + ((dma_addr_t)index << PAGE_SHIFT);
}

/**
 * t1x_dma_bytes() - size of a mapping
 * @dma: the mapping
 *
 * Return: bytes; 0 for one of all 2^64.
 */
static inline u64 t1x_dma_bytes(const struct t1x_dma *dma)
{
	return (u64)t1x_dma_npages(dma) << PAGE_SHIFT;
}

/**
 * t1x_dma_is_run() - is what is filled of a mapping one run
 * @dma: the mapping
 *
 * Context: the range is locked.
 * Return: whether it is, and no MMIO that is watched.
 */
static inline bool t1x_dma_is_run(const struct t1x_dma *dma)
{
	return !dma->runs.last && dma->filled && dma->filled == dma->runs.single.npages &&
	       !t1x_dma_mmio(dma);
}

int t1x_dma_cache_init(void);
void t1x_dma_cache_exit(void);
struct t1x_dma *t1x_dma_alloc(dma_addr_t iova, dma_addr_t last,
			      unsigned long vaddr, unsigned int prot);
void t1x_dma_free(struct t1x_dma *dma);
void t1x_dma_insert(struct rb_root *tree, struct t1x_dma *dma);
void t1x_dma_erase(struct rb_root *tree, struct t1x_dma *dma);
struct t1x_dma *t1x_dma_first(const struct rb_root *tree, dma_addr_t iova,
			      dma_addr_t last);
struct t1x_dma *t1x_dma_highest(const struct rb_root *tree);
struct t1x_dma *t1x_dma_next(struct t1x_dma *dma, dma_addr_t last);

/**
 * t1x_dma_for_each_in() - walk the mappings of a range in IOVA order
 * @dma: the mapping visited, &struct t1x_dma; %NULL after the last one.  It must stay in
 *	the tree until the next step
 * @tree: the mappings of a container
 * @iova: first byte of the range
 * @last: its last byte
 */
#define t1x_dma_for_each_in(dma, tree, iova, last)			\
	for (dma = t1x_dma_first(tree, iova, last); dma;		\
	     dma = t1x_dma_next(dma, last))

/**
 * t1x_dma_for_each() - walk all mappings in IOVA order
 * @dma: as t1x_dma_for_each_in()
 * @tree: the mappings of a container
 */
#define t1x_dma_for_each(dma, tree) \
	t1x_dma_for_each_in(dma, tree, 0, ~(dma_addr_t)0)

bool t1x_dma_range_splits(const struct rb_root *tree, const struct t1x_dma *first,
			  dma_addr_t iova, dma_addr_t last);
struct t1x_dma *t1x_dma_crossing(const struct rb_root *tree, dma_addr_t last);
bool t1x_dma_range_may_split(const struct rb_root *tree, const struct t1x_dma *first,
			     dma_addr_t iova, dma_addr_t last);

#endif /* _T1X_DMA_H */

