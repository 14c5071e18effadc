/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_DIRTY_H
#define _T1X_DIRTY_H

#include <linux/limits.h>
#include <linux/math.h>
#include <linux/types.h>

struct t1x_container;
struct t1x_dma;

/*
 * Bits of the largest bitmap, as type1 has it: the kernel's bitmap functions
 * count in int.
 */
#define T1X_DIRTY_MAX_BITS	((u64)INT_MAX)

/**
 * t1x_dirty_bytes() - size of a user's bitmap
 * @nbits: pages it covers
 *
 * Return: bytes, whole words of 64 bits.
 */
static inline u64 t1x_dirty_bytes(u64 nbits)
{
	return DIV_ROUND_UP_ULL(nbits, 64) * sizeof(u64);
}

int t1x_dirty_start(struct t1x_container *c);
int t1x_dirty_stop(struct t1x_container *c);
int t1x_dirty_get(struct t1x_container *c, dma_addr_t iova, dma_addr_t last,
		  u64 __user *bitmap, u64 pgsize);

int t1x_dirty_track(struct t1x_container *c, struct t1x_dma *dma);
void t1x_dirty_untrack(struct t1x_dma *dma);
void t1x_dirty_split(struct t1x_container *c, const struct t1x_dma *dma,
		     struct t1x_dma *upper, unsigned long npages);
void t1x_dirty_mark(struct t1x_container *c, struct t1x_dma *dma,
		    u64 offset, u64 bytes);
void t1x_dirty_mark_all(struct t1x_container *c);
int t1x_dirty_copy(struct t1x_container *c, dma_addr_t iova, dma_addr_t last,
		   u64 __user *bitmap);

#endif /* _T1X_DIRTY_H */
