// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty page tracking: which pages may a device have written to.
 *
 * No IOMMU here reports writes.  So a page is dirty if a mediated device held
 * it or wrote to it, and every mapped page is dirty while a group is attached that can
 * write anywhere (&t1x_group.non_pinned).
 *
 * Each mapping has a bitmap while tracking is on, one bit for each smallest
 * page.  When a domain changes what that is, the bits say nothing any more, and all
 * of them are set.
 *
 * A user's bitmap starts at the IOVA asked for, so the bits of a mapping stand
 * shifted in it; they are computed word by word, and the tracked bitmap is changed
 * only after all of it was copied (I4).
 */
#include "dirty.h"

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "container.h"
#include "dirty_bitmap.h"
#include "dma.h"
#include "t1x.h"

/* Words composed on the stack before they are copied out. */
#define T1X_DIRTY_WORDS		64

/* Mappings copied between two calls of cond_resched(). */
#define T1X_DIRTY_STEP		64

static unsigned int t1x_dirty_shift(struct t1x_container *c)
{
	return __ffs(t1x_container_pgsize(c));
}

static unsigned long t1x_dirty_nbits(struct t1x_container *c,
				     const struct t1x_dma *dma)
{
	return t1x_dma_npages(dma) >> (t1x_dirty_shift(c) - PAGE_SHIFT);
}

/**
 * t1x_dirty_mark() - note that part of a mapping was written to
 * @c: the container
 * @dma: the mapping
 * @offset: bytes from its start
 * @bytes: how many, at least one
 *
 * Context: the lock is held.
 */
void t1x_dirty_mark(struct t1x_container *c, struct t1x_dma *dma,
		    u64 offset, u64 bytes)
{
	unsigned int shift = t1x_dirty_shift(c);
	unsigned long first = offset >> shift;

	if (dma->dirty)
		bitmap_set(dma->dirty, first,
			   ((offset + bytes - 1) >> shift) - first + 1);
}

/* Pages that a mediated device holds are dirty at any time. */
static void t1x_dirty_mark_accessed(struct t1x_container *c, struct t1x_dma *dma,
				    dma_addr_t iova, dma_addr_t last)
{
	unsigned long index = t1x_access_pages_index(iova);
	unsigned long end = t1x_access_pages_index(last);
	struct t1x_run page;

	for (; t1x_access_pages_first(&c->access_pages, &index, end, &page);
	     index++)
		t1x_dirty_mark(c, dma,
			       ((dma_addr_t)index << PAGE_SHIFT) - dma->iova,
			       PAGE_SIZE);
}

/**
 * t1x_dirty_mark_all() - note that everything may have been written to
 * @c: the container
 *
 * For a group that leaves and could write anywhere: its writes are still to be told.
 *
 * Context: the lock is held.
 */
void t1x_dirty_mark_all(struct t1x_container *c)
{
	struct t1x_dma *dma;

	if (!c->dirty)
		return;
	t1x_dma_for_each(dma, &c->dma_tree)
		if (dma->dirty)
			bitmap_fill(dma->dirty, t1x_dirty_nbits(c, dma));
}

/**
 * t1x_dirty_track() - give a mapping a bitmap if there is a need
 * @c: the container
 * @dma: the mapping, without one
 *
 * Context: the lock is held; may sleep.
 * Return: 0; -EINVAL for more pages than a bitmap can have; -ENOMEM.
 */
int t1x_dirty_track(struct t1x_container *c, struct t1x_dma *dma)
{
	/* Of PAGE_SIZE: a page may become as small as that when a domain goes (I3). */
	unsigned long nbits = t1x_dma_npages(dma);

	lockdep_assert_held(&c->lock);

	if (nbits > T1X_DIRTY_MAX_BITS)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "%llu pages are too many to track dirty ones",
				   nbits);
	/* One word is enough for most. */
	dma->dirty = nbits <= BITS_PER_LONG ?
			     kzalloc(sizeof(long), GFP_KERNEL_ACCOUNT) :
			     kvcalloc(BITS_TO_LONGS(nbits), sizeof(long), GFP_KERNEL_ACCOUNT);
	if (dma->dirty) {
		if (unlikely(!t1x_access_pages_empty(&c->access_pages)))
			t1x_dirty_mark_accessed(c, dma, dma->iova, dma->last);
		return 0;
	}
	return t1x_log_err(&c->errlog, -ENOMEM,
			   "no memory for the dirty bits of %llu pages", nbits);
}

/**
 * t1x_dirty_untrack() - undo t1x_dirty_track()
 * @dma: the mapping, with a bitmap or without
 *
 * Context: the lock of the container is held.
 */
void t1x_dirty_untrack(struct t1x_dma *dma)
{
	if (dma->dirty)
		kvfree(dma->dirty);
	dma->dirty = NULL;
}

/**
 * t1x_dirty_split() - give the upper part of a mapping its bits
 * @c: the container
 * @dma: the mapping
 * @upper: its upper part, tracked as @dma is
 * @npages: pages of the mapping below that
 *
 * Context: the lock is held.
 */
void t1x_dirty_split(struct t1x_container *c, const struct t1x_dma *dma,
		     struct t1x_dma *upper, unsigned long npages)
{
	unsigned long first = npages >> (t1x_dirty_shift(c) - PAGE_SHIFT);
	unsigned long nbits = t1x_dirty_nbits(c, upper);

	if (dma->dirty)
		t1x_dirty_bitmap_words(dma->dirty, first, first + nbits, 0, 0,
				       (u64 *)upper->dirty, BITS_TO_U64(nbits));
}

static void t1x_dirty_untrack_all(struct t1x_container *c)
{
	struct t1x_dma *dma;

	t1x_dma_for_each(dma, &c->dma_tree)
		t1x_dirty_untrack(dma);
}

/**
 * t1x_dirty_start() - begin to track dirty pages
 * @c: the container
 *
 * Context: takes the lock; may sleep.
 * Return: 0, also if it had begun; errors of t1x_dirty_track(), -EINTR when
 * killed while waiting; on failure nothing is tracked.
 */
int t1x_dirty_start(struct t1x_container *c)
{
	struct t1x_dma *dma;
	int ret;

	ret = mutex_lock_killable(&c->lock);
	if (ret)
		return ret;
	if (c->dirty)
		goto out_unlock;

	t1x_dma_for_each(dma, &c->dma_tree) {
		ret = t1x_dirty_track(c, dma);
		if (ret) {
			t1x_dirty_untrack_all(c);
			goto out_unlock;
		}
	}
	c->dirty = true;

out_unlock:
	mutex_unlock(&c->lock);
	return ret;
}

/**
 * t1x_dirty_stop() - undo t1x_dirty_start()
 * @c: the container
 *
 * Context: takes the lock; may sleep.
 * Return: 0, also if nothing was tracked; -EINTR when killed while waiting.
 */
int t1x_dirty_stop(struct t1x_container *c)
{
	int ret;

	ret = mutex_lock_killable(&c->lock);
	if (ret)
		return ret;
	c->dirty = false;
	t1x_dirty_untrack_all(c);
	mutex_unlock(&c->lock);
	return 0;
}

/**
 * struct t1x_dirty_writer - where a t1x_dirty_copy() writes next
 * @bitmap: the user's bitmap
 * @index: the word of it that is to be written next
 * @word: what is to be written there
 * @pending: there is such a word
 *
 * The last word of a mapping is not written at once, because the mappings behind it may
 * have bits in it as well.  On the stack.
 */
struct t1x_dirty_writer {
	u64 __user *bitmap;
	u64 index;
	u64 word;
	bool pending;
};

static int t1x_dirty_writer_flush(struct t1x_dirty_writer *to)
{
	if (to->pending &&
	    copy_to_user(to->bitmap + to->index, &to->word, sizeof(u64)))
		return -EFAULT;
	to->pending = false;
	return 0;
}

/* Sets @below to the bits below @shift of a word: those copied last, or the user's. */
static int t1x_dirty_writer_below(struct t1x_dirty_writer *to, u64 index,
				  unsigned int shift, u64 *below)
{
	bool same = to->pending && to->index == index;

	*below = to->word;
	if (!same && t1x_dirty_writer_flush(to))
		return -EFAULT;
	if (!same && shift &&
	    copy_from_user(below, to->bitmap + index, sizeof(u64)))
		return -EFAULT;
	*below &= BIT_ULL(shift) - 1;
	return 0;
}

/*
 * Copies the bits of one mapping to their place in the user's bitmap, which is for @base to
 * @last: the range may take a part of the mapping.
 */
static int t1x_dirty_copy_one(struct t1x_container *c, struct t1x_dma *dma,
			      dma_addr_t base, dma_addr_t last,
			      struct t1x_dirty_writer *to)
{
	unsigned int shift, n, pgshift = t1x_dirty_shift(c);
	dma_addr_t iova = max(base, dma->iova);
	unsigned long first = (iova - dma->iova) >> pgshift;
	unsigned long nbits = t1x_dirty_nbits(c, dma);
	u64 bit = (iova - base) >> pgshift, below;
	unsigned long word, nr, *map;
	u64 words[T1X_DIRTY_WORDS];

	if (last < dma->last)
		nbits = ((last - dma->iova) >> pgshift) + 1;
	map = c->nr_non_pinned_groups && dma->filled ? NULL : dma->dirty;
	shift = bit % 64;
	if (t1x_dirty_writer_below(to, bit / 64, shift, &below))
		return -EFAULT;

	nr = DIV_ROUND_UP(shift + nbits - first, 64);
	for (word = 0; word < nr; word += n) {
		n = min_t(unsigned long, nr - word, T1X_DIRTY_WORDS);
		t1x_dirty_bitmap_words(map, first, nbits, shift, word, words, n);
		words[0] |= below;
		below = 0;
		if (word + n == nr)
			break;
		if (copy_to_user(to->bitmap + bit / 64 + word, words, n * sizeof(u64)))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	if (n > 1 && copy_to_user(to->bitmap + bit / 64 + word, words,
				  (n - 1) * sizeof(u64)))
		return -EFAULT;
	to->index = bit / 64 + nr - 1;
	to->word = words[n - 1];
	to->pending = true;
	return 0;
}

/**
 * t1x_dirty_copy() - copy the bits of all mappings in a range to the user
 * @c: the container, with tracking on
 * @iova: first byte of the range
 * @last: last byte of the range
 * @bitmap: the user's bitmap; its first bit stands for @iova
 *
 * Of a mapping that the range takes a part of, the bits of that part are copied.  Only
 * words in which a mapping has bits are written.
 *
 * Context: the lock is held; faults user memory in.
 * Return: 0, -EFAULT, or -EINTR when the caller is being killed; what is
 * tracked is unchanged.
 */
int t1x_dirty_copy(struct t1x_container *c, dma_addr_t iova, dma_addr_t last,
		   u64 __user *bitmap)
{
	struct t1x_dirty_writer to = { .bitmap = bitmap };
	struct t1x_dma *dma;
	unsigned int nr = 0;
	int ret;

	t1x_dma_for_each_in(dma, &c->dma_tree, iova, last) {
		ret = t1x_dirty_copy_one(c, dma, iova, last, &to);
		if (ret)
			return ret;
		if (++nr % T1X_DIRTY_STEP)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return t1x_dirty_writer_flush(&to);
}

static int t1x_dirty_get_check(struct t1x_container *c, dma_addr_t iova,
			       dma_addr_t last, u64 pgsize)
{
	struct t1x_dma *first = t1x_dma_first(&c->dma_tree, iova, last);
	unsigned long mask = t1x_container_pgsize(c) - 1;

	if (pgsize != mask + 1 || (iova | (last + 1)) & mask)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "dirty pages of [%#llx, %#llx] by %#llx are not aligned to %#llx",
				   iova, last, pgsize, mask + 1);
	if (!c->dirty ||
	    (t1x_dma_range_splits(&c->dma_tree, first, iova, last) &&
	     !t1x_dma_range_may_split(&c->dma_tree, first, iova, last)))
		return t1x_log_err(&c->errlog, -EINVAL,
				   "dirty pages of [%#llx, %#llx]: not tracked, or bisects a mapping",
				   iova, last);
	return 0;
}

/* What was told of a part of a mapping is clean now. */
static void t1x_dirty_clear(struct t1x_container *c, struct t1x_dma *dma,
			    dma_addr_t iova, dma_addr_t last)
{
	unsigned int shift = t1x_dirty_shift(c);
	unsigned long first = (iova - dma->iova) >> shift;

	if (likely(dma->dirty))
		bitmap_clear(dma->dirty, first,
			     ((last - dma->iova) >> shift) - first + 1);
	if (unlikely(!t1x_access_pages_empty(&c->access_pages)))
		t1x_dirty_mark_accessed(c, dma, iova, last);
}

/**
 * t1x_dirty_get() - tell the user what is dirty, and begin anew
 * @c: the container
 * @iova: first byte of a range
 * @last: last byte of the range
 * @bitmap: the user's bitmap, large enough; its first bit stands for @iova
 * @pgsize: bytes a bit stands for
 *
 * Context: locks the range; may sleep.
 * Return: 0; -EINVAL for a wrong @pgsize or alignment, a range that bisects a
 * mapping where its granules do not allow it, or without tracking; -EFAULT or
 * -EINTR with nothing forgotten.
 */
int t1x_dirty_get(struct t1x_container *c, dma_addr_t iova, dma_addr_t last,
		  u64 __user *bitmap, u64 pgsize)
{
	struct t1x_range range;
	struct t1x_dma *dma;
	int ret;

	ret = t1x_container_lock(c, &range, iova, last, T1X_RANGE_OTHER);
	if (ret)
		return ret;

	ret = t1x_dirty_get_check(c, iova, last, pgsize);
	if (ret)
		goto out_unlock;
	ret = t1x_dirty_copy(c, iova, last, bitmap);
	if (ret)
		goto out_unlock;

	t1x_dma_for_each_in(dma, &c->dma_tree, iova, last)
		t1x_dirty_clear(c, dma, max(iova, dma->iova),
				min(last, dma->last));

out_unlock:
	t1x_container_unlock(c, &range);
	return ret;
}
