// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP: which mappings a range removes, by the rules of type1 and type1v2.
 */

/**
 * DOC: Life of an UNMAP
 *
 * uapi.c copies the request in and checks its size and flags.  t1x_unmap_prepare() locks
 * the range and the container and finds the mappings that go::
 *
 *   mappings     |---A---|---B---|
 *   v2  range    |---A---|            A goes
 *   v2  range    |-----A and B---|    both go
 *   v2  range    |--A--|              -EINVAL: would bisect A
 *   v1  range    |--|                 covers A's first byte: all of A goes
 *   v1  range        |---------|      starts inside A: nothing goes, size 0
 *
 * While a mediated device has a page of them pinned, everything is unlocked, the device's
 * dma_unmap() is called, and the request begins anew.  Then dirty pages are copied to the
 * user, and in v2 a mapping that was made with granules is split where the range ends.  Up
 * to here every failure leaves all mappings as they were.
 *
 * A mapping that is one run, of pages of its own and all that the range has, leaves the tree
 * at once and is then unfilled.  Others go in batches of up to T1X_SYNC_RUNS.  A batch is
 * chained with the container locked, and unfilled by t1x_dmas_unfill() with the range alone:
 * each domain unmaps it, then syncs its IOTLB, and only then are pages unpinned and charges
 * refunded (I1).  What was unfilled is removed from the tree with the container locked and
 * freed without.  The range shrinks to what is left, and what lies outside can be mapped
 * again.  Only whole mappings go, so no call to the IOMMU splits one of its large pages (I6).
 */
#include "unmap.h"

#include <linux/overflow.h>
#include <linux/prefetch.h>
#include <linux/sched.h>

#include "access.h"
#include "account.h"
#include "container.h"
#include "dirty.h"
#include "dma.h"
#include "split.h"
#include "stats.h"
#include "t1x.h"
#include "trace.h"
#include "unfill.h"

/* Notifications about one mapping, all in vain, after which an unmap gives up. */
#define T1X_UNMAP_NOTIFICATIONS	10

static int t1x_unmap_check_range(struct t1x_container *c,
				 const struct t1x_unmap_request *req,
				 dma_addr_t *last)
{
	unsigned long mask = t1x_container_pgsize(c) - 1;

	if (req->iova & mask)
		goto err_align;

	if (req->all) {
		*last = ~(dma_addr_t)0;
		if (!req->iova && !req->size)
			return 0;
		return t1x_log_err(&c->errlog, -EINVAL,
				   "unmap all takes neither IOVA nor size");
	}

	if (!req->size || req->size & mask)
		goto err_align;
	if (check_add_overflow(req->iova, (dma_addr_t)(req->size - 1), last))
		return t1x_log_err(&c->errlog, -EOVERFLOW,
				   "unmap %#llx bytes at %#llx wraps", req->size,
				   req->iova);
	return 0;

err_align:
	return t1x_log_err(&c->errlog, -EINVAL,
			   "unmap %#llx bytes at %#llx: not aligned to %#llx, or nothing",
			   req->size, req->iova, mask + 1);
}

/*
 * Checks a request, and finds the lowest mapping that it takes away.  The errnos,
 * and which comes first, are those of type1 in 7.2.
 */
static int t1x_unmap_check(struct t1x_container *c,
			   struct t1x_unmap_request *req,
			   dma_addr_t *last, struct t1x_dma **first)
{
	int ret;

	if (req->vaddr && !list_empty(&c->emulated_groups))
		return t1x_log_err(&c->errlog, -EBUSY,
				   "mediated devices need their vaddr");
	ret = t1x_unmap_check_range(c, req, last);
	if (ret)
		return ret;
	if (req->dirty &&
	    (!c->dirty || req->pgsize != t1x_container_pgsize(c)))
		return t1x_log_err(&c->errlog, -EINVAL,
				   "dirty pages are not tracked, or not by %#llx bytes",
				   req->pgsize);
	*first = t1x_dma_first(&c->dma_tree, req->iova, *last);
	if (c->v2) {
		req->splits = !req->all && t1x_dma_range_splits(&c->dma_tree, *first,
								req->iova, *last);
		if (likely(!req->splits) ||
		    (!req->vaddr &&
		     t1x_dma_range_may_split(&c->dma_tree, *first, req->iova, *last)))
			return 0;
		return t1x_log_err(&c->errlog, -EINVAL,
				   "unmap [%#llx, %#llx] would bisect a mapping",
				   req->iova, *last);
	}
	/* v1: a range that starts inside a mapping takes nothing at all. */
	if (*first && (*first)->iova < req->iova)
		*first = NULL;
	return 0;
}

/* Takes the vaddr of all mappings in a range back, or of none. */
static int t1x_unmap_vaddr(struct t1x_container *c,
			   struct t1x_unmap_request *req,
			   struct t1x_dma *first, dma_addr_t last)
{
	struct t1x_dma *dma;

	for (dma = first; dma; dma = t1x_dma_next(dma, last))
		if (dma->vaddr_invalid)
			return t1x_log_err(&c->errlog, -EINVAL,
					   "vaddr at %#llx is invalid already",
					   dma->iova);

	for (dma = first; dma; dma = t1x_dma_next(dma, last)) {
		dma->vaddr_invalid = true;
		c->nr_vaddr_invalid++;
		req->unmapped += t1x_dma_bytes(dma);
	}
	return 0;
}

/* Last byte of a range that was not checked yet. */
static dma_addr_t t1x_unmap_last(const struct t1x_unmap_request *req)
{
	dma_addr_t last = req->iova + (req->size - 1);

	return req->all || last < req->iova ? ~(dma_addr_t)0 : last;
}

/*
 * Has a mediated device pinned a page of a range?  Narrows the range down to the part that
 * the first such mapping has.
 */
static bool t1x_unmap_accessed(struct t1x_container *c, dma_addr_t *iova,
			       dma_addr_t *last)
{
	unsigned long index = t1x_access_pages_index(*iova);
	struct t1x_dma *dma;
	struct t1x_run page;

	if (!t1x_access_pages_first(&c->access_pages, &index, t1x_access_pages_index(*last), &page))
		return false;
	dma = t1x_dma_first(&c->dma_tree, (dma_addr_t)index << PAGE_SHIFT, *last);
	if (WARN_ON_ONCE(!dma))
		return false;
	*iova = max(*iova, dma->iova);
	*last = min(*last, dma->last);
	return true;
}

/**
 * struct t1x_unmap_state - the state of one t1x_unmap()
 * @range: the locked range, which covers all mappings that are to be removed
 * @first: the lowest of them, %NULL if there is none
 * @last: last byte of the request
 * @notified: first byte of the last range that mediated devices were notified of
 * @nr_notified: how often in a row they were notified of it
 *
 * On the stack of t1x_unmap_steps(), and used by that task alone.  @first and @last are
 * valid while &t1x_container.lock is held or @range is locked.
 */
struct t1x_unmap_state {
	struct t1x_range range;
	struct t1x_dma *first;
	dma_addr_t last;
	dma_addr_t notified;
	unsigned int nr_notified;
};

/* In v1: last byte of the highest mapping that goes, or of the request. */
static dma_addr_t t1x_unmap_end(struct t1x_container *c,
				const struct t1x_unmap_state *unmap)
{
	struct t1x_dma *dma = NULL;

	if (unmap->first)
		dma = t1x_dma_first(&c->dma_tree, unmap->last, unmap->last);
	return dma ? dma->last : unmap->last;
}

/*
 * If a mediated device has pinned a page of the request, unlocks everything and notifies
 * the devices: -EAGAIN to begin anew, or -EBUSY if that was in vain too often.
 */
static int t1x_unmap_notify(struct t1x_container *c,
			    const struct t1x_unmap_request *req,
			    struct t1x_unmap_state *unmap)
{
	dma_addr_t from = req->iova, to = unmap->last;

	if (req->vaddr || !t1x_unmap_accessed(c, &from, &to))
		return 0;

	t1x_container_unlock(c, &unmap->range);
	if (!unmap->nr_notified || unmap->notified != from)
		unmap->nr_notified = 0;
	if (unmap->nr_notified++ == T1X_UNMAP_NOTIFICATIONS) {
		pr_err_ratelimited("a mediated device does not let go of the mapping at %pad\n",
				   &from);
		return t1x_log_err(&c->errlog, -EBUSY,
				   "a mediated device does not let go of the mapping at %#llx",
				   from);
	}
	unmap->notified = from;
	t1x_access_notify_unmap(c, from, to - from + 1, unmap->nr_notified > 1);
	return -EAGAIN;
}

/*
 * Locks the range and the container, checks the request, and has mediated devices unpin
 * all pages in its range.  In v1 the highest mapping may end beyond the range: then all of
 * it is locked.  Each time that the locks were dropped the request is checked anew.  On
 * failure they are not held.
 */
static int t1x_unmap_prepare(struct t1x_container *c,
			     struct t1x_unmap_request *req,
			     struct t1x_unmap_state *unmap)
{
	dma_addr_t top, end = t1x_unmap_last(req);
	int ret;

	unmap->nr_notified = 0;
	do {
		ret = t1x_container_lock(c, &unmap->range, req->iova, end,
					 T1X_RANGE_UNMAP);
		if (ret)
			return ret;
		ret = t1x_unmap_check(c, req, &unmap->last, &unmap->first);
		if (ret) {
			t1x_container_unlock(c, &unmap->range);
			return ret;
		}
		top = likely(c->v2) ? end : t1x_unmap_end(c, unmap);
		if (unlikely(top > end)) {
			end = top;
			t1x_container_unlock(c, &unmap->range);
			ret = -EAGAIN;
		} else if (unmap->first && !t1x_access_pages_empty(&c->access_pages)) {
			ret = t1x_unmap_notify(c, req, unmap);
		}
	} while (unlikely(ret == -EAGAIN));
	return ret;
}

/* Splits the mappings that go on beyond a range, or none; @first is its lowest. */
static int t1x_unmap_split(struct t1x_container *c, dma_addr_t iova,
			   dma_addr_t last, struct t1x_dma **first)
{
	struct t1x_dma *beyond = t1x_dma_crossing(&c->dma_tree, last);
	struct t1x_split low = {}, high = {};
	int ret = 0;

	/* Of the parts, the one that goes leaves an entry to one that stays. */
	if (beyond == *first && beyond->iova < iova && c->dma_avail <= 0)
		return t1x_log_err(&c->errlog, -ENOSPC,
				   "unmap [%#llx, %#llx] makes two mappings of one: dma_entry_limit reached",
				   iova, last);
	if (beyond)
		ret = t1x_split_prepare(c, &high, beyond, last + 1);
	if (!ret && (*first)->iova < iova)
		ret = t1x_split_prepare(c, &low, *first, iova);
	if (ret) {
		t1x_split_cancel(&high);
		return t1x_log_err(&c->errlog, ret,
				   "unmap [%#llx, %#llx]: no memory to split a mapping",
				   iova, last);
	}

	if (high.dma)
		t1x_split_commit(c, &high);
	if (low.dma)
		*first = t1x_split_commit(c, &low);
	return 0;
}

/*
 * Chains the mappings of a range, from @dma on, as many as can share a sync.
 * Returns the first of the others.
 */
static struct t1x_dma *t1x_unmap_chain(struct t1x_dma *dma, dma_addr_t last)
{
	struct t1x_dma *next;
	unsigned int nr = 1;

	while ((next = t1x_dma_next(dma, last)) && nr++ < T1X_SYNC_RUNS) {
		/* Prefetch what unfill reads next; the tree walk hides the latency. */
		prefetch(&next->owner);
		prefetch(&next->runs);
		dma->next = next;
		dma = next;
	}
	dma->next = NULL;
	return next;
}

/*
 * Removes those of a chain from the tree that have nothing filled any more.  Returns them,
 * chained, and adds up their bytes.
 */
static struct t1x_dma *t1x_unmap_remove(struct t1x_container *c,
					struct t1x_dma *dma, u64 *bytes)
{
	struct t1x_dma *removed = NULL, *next;

	for (; dma; dma = next) {
		next = dma->next;
		if (dma->filled)
			continue;
		*bytes += t1x_dma_bytes(dma);
		if (unlikely(dma->dirty))
			t1x_dirty_untrack(dma);
		t1x_container_remove(c, dma);
		dma->next = removed;
		removed = dma;
	}
	return removed;
}

static void t1x_unmap_free(struct t1x_dma *dma)
{
	struct t1x_dma *next;

	for (; dma; dma = next) {
		next = dma->next;
		t1x_owner_put(&dma->owner);
		t1x_dma_free(dma);
		cond_resched();
	}
}

/*
 * Unmaps the mappings of a range batch by batch: what the tree walk has touched is still
 * in the cache.  Drops the locks.
 */
static int t1x_unmap_mappings(struct t1x_container *c,
			      struct t1x_unmap_state *unmap, u64 *bytes)
{
	struct t1x_dma *batch = unmap->first, *removed = NULL, *next_batch;
	struct t1x_range *range = &unmap->range;
	dma_addr_t last = range->last;
	int ret = 0;

	/* The gaps below the lowest mapping and above the highest can be mapped meanwhile. */
	if (!~last)
		last = t1x_dma_highest(&c->dma_tree)->last;
	if (batch->iova > range->iova || last < range->last)
		t1x_range_trim(&c->range_tree, range, batch->iova, last);
	for (; batch; batch = ret ? NULL : next_batch) {
		/* Not up to the end of the request: what is above may be being mapped. */
		next_batch = t1x_unmap_chain(batch, last);
		mutex_unlock(&c->lock);
		t1x_unmap_free(removed);
		ret = t1x_dmas_unfill(c, range, batch);
		mutex_lock(&c->lock);
		removed = t1x_unmap_remove(c, batch, bytes);
		WRITE_ONCE(range->done, *bytes);
		if (next_batch && !ret)
			t1x_range_trim(&c->range_tree, range, next_batch->iova, last);
	}
	t1x_container_unlock(c, range);
	t1x_unmap_free(removed);
	return ret;
}

/*
 * May the only mapping of a range leave the tree before it is unfilled?  One of registered
 * memory may not: it keeps the memory from being unpinned.
 */
static bool t1x_unmap_is_run(const struct t1x_unmap_state *unmap)
{
	const struct t1x_dma *dma = unmap->first;

	return t1x_dma_is_run(dma) && !dma->registered && !dma->vaddr_invalid && !dma->dirty &&
	       dma->iova == unmap->range.iova && dma->last == unmap->range.last;
}

/*
 * Unmaps such a mapping with the container locked once.  If an IOMMU keeps it, it comes back
 * into the tree, and has no bitmap if dirty pages are tracked meanwhile.  Drops the locks.
 */
static int t1x_unmap_run(struct t1x_container *c, struct t1x_unmap_state *unmap, u64 *bytes)
{
	struct t1x_dma *dma = unmap->first;
	int ret;

	t1x_container_remove(c, dma);
	mutex_unlock(&c->lock);
	dma->next = NULL;
	ret = t1x_dmas_unfill(c, &unmap->range, dma);
	if (unlikely(ret)) {
		mutex_lock(&c->lock);
		t1x_container_insert(c, dma);
		mutex_unlock(&c->lock);
	}
	t1x_range_unlock(&c->range_tree, &unmap->range);
	if (likely(!ret)) {
		*bytes = t1x_dma_bytes(dma);
		t1x_unmap_free(dma);
	}
	return ret;
}

static int t1x_unmap_steps(struct t1x_container *c,
			   struct t1x_unmap_request *req)
{
	struct t1x_unmap_state unmap __uninitialized;	/* t1x_unmap_prepare() sets it */
	int ret;

	ret = t1x_unmap_prepare(c, req, &unmap);
	if (ret)
		return ret;

	if (req->vaddr) {
		ret = t1x_unmap_vaddr(c, req, unmap.first, unmap.last);
		goto out_unlock;
	}
	if (req->dirty)
		ret = t1x_dirty_copy(c, req->iova, unmap.last, req->bitmap);
	if (!ret && unlikely(req->splits))
		ret = t1x_unmap_split(c, req->iova, unmap.last, &unmap.first);
	if (ret)
		goto out_unlock;

	t1x_stat_inc(T1X_STAT_UNMAP_CALLS);
	c->nr_unmap_calls++;
	if (unmap.first) {
		ret = t1x_unmap_is_run(&unmap) ?
			      t1x_unmap_run(c, &unmap, &req->unmapped) :
			      t1x_unmap_mappings(c, &unmap, &req->unmapped);
		if (unlikely(ret))
			t1x_log_err(&c->errlog, ret, "unmap up to %#llx: an IOMMU keeps a page",
				    (u64)unmap.last);
		return ret;
	}

out_unlock:
	t1x_container_unlock(c, &unmap.range);
	return ret;
}

/**
 * t1x_unmap() - unmap a range
 * @c: the container
 * @req: what to unmap, and what was
 *
 * Context: locks the range, and unlocks it while mediated devices let go; may sleep long.
 * Return: 0, even if nothing was there; -EINVAL or -EOVERFLOW for a range that
 * cannot be unmapped; -EBUSY if mediated devices do not let go, or for a vaddr
 * that they need; -EFAULT for a bad bitmap; -ENOMEM or -ENOSPC where a mapping
 * would have to be split; -EINTR when killed while waiting.  In all these cases
 * nothing is unmapped.  -EIO if an IOMMU keeps a page, whose mapping then stays.
 */
int t1x_unmap(struct t1x_container *c, struct t1x_unmap_request *req)
{
	int ret;

	req->unmapped = 0;
	req->splits = false;
	ret = t1x_unmap_steps(c, req);
	trace_t1x_unmap(c->id, req->iova, t1x_unmap_last(req), req->unmapped,
			ret);
	return ret;
}

/**
 * t1x_unmap_all() - unmap everything because the last group left
 * @c: the container
 * @all: the caller's range, all of it
 *
 * With domains, mappings that an IOMMU will not unmap stay in the tree; called
 * again when the domains are freed, it unpins those too.
 *
 * Context: the lock is held.
 */
void t1x_unmap_all(struct t1x_container *c, const struct t1x_range *all)
{
	bool accessed = !t1x_access_pages_empty(&c->access_pages);
	bool detached = list_empty(&c->domains);
	const dma_addr_t last = ~(dma_addr_t)0;
	struct t1x_dma *batch, *next_batch, *dma;
	u64 bytes = 0;

	lockdep_assert_held(&c->lock);

	for (batch = t1x_dma_first(&c->dma_tree, 0, last); batch; batch = next_batch) {
		next_batch = t1x_unmap_chain(batch, last);
		for (dma = batch; dma; dma = dma->next) {
			if (detached && dma->filled)
				t1x_dma_unfill_detached(c, dma);
			if (accessed)
				t1x_access_release(c, dma);
		}
		if (!detached)
			t1x_dmas_unfill(c, all, batch);
		t1x_unmap_free(t1x_unmap_remove(c, batch, &bytes));
	}
}
