// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unfilling mappings: unmap, sync, unpin, refund, in that order.
 *
 * Unfilling goes down a mapping: up to T1X_SYNC_RUNS runs are unmapped as one range
 * and share a sync; then, and only then, they are unpinned (I1).  Mappings that
 * have fewer runs share a sync with their neighbours.  The refund comes last, in
 * one sum for all that a process paid.
 *
 * A mapping whose runs could not be remembered (no memory) is untracked: the
 * pages beyond its runs are looked up in a domain before they are unmapped.
 *
 * Nothing here allocates (I3).  The caller has locked a range that covers the mappings.
 */
#include "domain_list.h"
#include "unfill.h"

#include <linux/sched.h>

#include "account.h"
#include "container.h"
#include "dma.h"
#include "domain.h"
#include "mmio_notifier.h"
#include "pfn.h"
#include "stats.h"
#include "t1x.h"
#include "unpin.h"

/* Runs looked up in a domain between two syncs: they stand on the stack. */
#define T1X_LOOKUP_RUNS		16

/**
 * t1x_dma_read_domain() - find a run of an untracked mapping in a domain
 * @d: the domain
 * @dma: the mapping
 * @index: page before which the run ends, above what runs describe
 * @run: set to the run; empty for a page that the domain does not hold, of which the
 *	pin is lost
 *
 * Context: the caller has locked a range that covers the mapping.
 * Return: pages that the run has, or that are lost; at least one.
 */
unsigned long t1x_dma_read_domain(struct t1x_domain *d, const struct t1x_dma *dma,
				  unsigned long index, struct t1x_run *run)
{
	unsigned long pfn;
	bool ram;

	run->npages = 0;
	pfn = t1x_domain_iova_to_pfn(d, t1x_dma_iova_at(dma, --index));
	if (!pfn) {
		pr_err_ratelimited("untracked page lost at IOVA %pad\n",
				   &dma->iova);
		return 1;
	}

	ram = t1x_pfn_is_ram(pfn);
	*run = (struct t1x_run){
		.pfn = pfn,
		.npages = 1,
		.pinned = ram,
		.ram = ram,
	};
	while (index > t1x_runs_npages(&dma->runs) && run->npages < T1X_SYNC_RUNS) {
		pfn = t1x_domain_iova_to_pfn(d, t1x_dma_iova_at(dma, --index));
		if (pfn != run->pfn - 1 || t1x_pfn_is_ram(pfn) != ram)
			break;
		run->pfn = pfn;
		run->npages++;
	}
	t1x_domain_count_walk(d, t1x_dma_iova_at(dma, index), run->npages);
	return run->npages;
}

/* Unfills from the top of the part that no run describes. */
static int t1x_unfill_untracked(struct t1x_container *c, struct t1x_dma *dma,
				unsigned long *nram)
{
	struct t1x_run runs[T1X_LOOKUP_RUNS];
	unsigned long index = dma->filled;
	struct t1x_domain *d;
	unsigned int nr;
	int ret;

	d = list_first_entry(&c->domains, struct t1x_domain, node);
	for (nr = 0; nr < T1X_LOOKUP_RUNS && index > t1x_runs_npages(&dma->runs); nr++)
		index -= t1x_dma_read_domain(d, dma, index, &runs[nr]);

	ret = t1x_domain_list_unmap_sync(&c->domains,
					 t1x_dma_iova_at(dma, index),
					 dma->filled - index);
	if (ret)
		return ret;

	dma->filled = index;
	while (nr--)
		*nram += t1x_unpin_run(&runs[nr], t1x_dma_writable(dma));
	return 0;
}

/* Counts the highest runs, as many as one sync may cover: all revoked, or none. */
static unsigned long t1x_unfill_count(struct t1x_runs *runs,
				      unsigned long *npages)
{
	bool revoked = t1x_runs_last(runs)->revoked;
	unsigned long sum = 0, nr = 0, i, n;
	const struct t1x_run *run;
	struct t1x_runs_pos pos;

	t1x_runs_walk(runs, &pos);
	do {
		run = t1x_runs_walk_array(&pos, T1X_SYNC_RUNS - nr, &n) + n;
		for (i = 0; i < n; i++) {
			run--;
			if (run->revoked != revoked ||
			    sum + run->npages > T1X_SYNC_PAGES)
				break;
			sum += run->npages;
		}
		nr += i;
	} while (n && i == n);
	*npages = sum;
	return nr;
}

/* Unfills the highest runs, as many as one sync may cover; revoked ones apart. */
static int t1x_unfill_runs(struct t1x_container *c, struct t1x_dma *dma,
			   unsigned long *nram)
{
	bool revoked = t1x_runs_last(&dma->runs)->revoked;
	unsigned long nr, npages, first;
	struct t1x_unpin_batch unpin __uninitialized;
	int ret = 0;

	nr = t1x_unfill_count(&dma->runs, &npages);
	first = dma->filled - npages;
	if (!revoked)
		ret = t1x_domain_list_unmap_sync(&c->domains,
						 t1x_dma_iova_at(dma, first),
						 npages);
	if (ret)
		return ret;

	dma->filled = first;
	t1x_unpin_init(&unpin);
	*nram += t1x_unpin_last_runs(&unpin, &dma->runs, nr, t1x_dma_writable(dma));
	t1x_unpin_flush(&unpin);
	return 0;
}

static int t1x_unfill(struct t1x_container *c, const struct t1x_range *range,
		      struct t1x_dma *dma, struct t1x_refund_batch *refunds)
{
	unsigned long filled = dma->filled, nram = 0;
	int ret = 0;

	t1x_range_assert_held(range, dma->iova, dma->last);

	if (t1x_dma_mmio(dma))
		t1x_mmio_unregister(c, dma);
	while (dma->filled && !ret) {
		if (dma->filled > t1x_runs_npages(&dma->runs))
			ret = t1x_unfill_untracked(c, dma, &nram);
		else
			ret = t1x_unfill_runs(c, dma, &nram);
		cond_resched();
	}
	t1x_refund_batch_add(refunds, &dma->owner,
			     t1x_access_pages_not_held(&c->access_pages,
						       t1x_dma_iova_at(dma, dma->filled), nram,
						       filled - dma->filled));
	return ret;
}

/**
 * t1x_dma_unfill() - undo t1x_dma_fill(), wholly or as far as it got
 * @c: the container
 * @range: the caller's range, which covers the mapping
 * @dma: the mapping
 *
 * Context: may sleep.  Allocates nothing (I3).
 * Return: 0 with nothing filled; -EIO if an IOMMU keeps a page, when all that
 * was below it stays filled, pinned and charged.
 */
int t1x_dma_unfill(struct t1x_container *c, const struct t1x_range *range,
		   struct t1x_dma *dma)
{
	struct t1x_refund_batch refunds = {};
	int ret;

	ret = t1x_unfill(c, range, dma, &refunds);
	t1x_refund_batch_flush(&refunds);
	return ret;
}

/* Unpins all runs of mappings before @end, which no domain translates any more. */
static void t1x_unpin_all(struct t1x_container *c, struct t1x_dma *dma,
			  struct t1x_dma *end, struct t1x_refund_batch *refunds)
{
	struct t1x_unpin_batch unpin __uninitialized;
	unsigned long nram;

	t1x_unpin_init(&unpin);
	for (; dma != end; dma = dma->next) {
		nram = t1x_unpin_last_runs(&unpin, &dma->runs, t1x_runs_nr(&dma->runs),
					   t1x_dma_writable(dma));
		/* A refunds of another process is paid at once. */
		if (refunds->process && refunds->process != dma->owner.process)
			t1x_unpin_flush(&unpin);
		t1x_refund_batch_add(refunds, &dma->owner,
				     t1x_access_pages_not_held(&c->access_pages, dma->iova, nram,
							       dma->filled));
		dma->filled = 0;
	}
	t1x_unpin_flush(&unpin);
}

/*
 * Finds the end of a batch: as many mappings, from @batch on, as one sync covers; none, if
 * the first has to be unfilled by itself.
 */
static struct t1x_dma *t1x_unfill_batch_end(struct t1x_dma *batch)
{
	unsigned long npages = 0, nr = 0;
	struct t1x_dma *dma;

	for (dma = batch; dma; dma = dma->next) {
		nr += t1x_runs_nr(&dma->runs);
		npages += dma->filled;
		if (t1x_dma_mmio(dma) || t1x_runs_npages(&dma->runs) != t1x_dma_npages(dma) ||
		    nr > T1X_SYNC_RUNS || npages > T1X_SYNC_PAGES)
			break;
	}
	return dma;
}

/* A mapping of one run needs no list of what is to be unpinned. */
static int t1x_unfill_run(struct t1x_container *c, const struct t1x_range *range,
			  struct t1x_dma *dma)
{
	unsigned long nram;

	/* Page by page, it shows which of them is kept. */
	if (t1x_domain_list_unmap_sync(&c->domains, dma->iova, dma->filled))
		return t1x_dma_unfill(c, range, dma);

	nram = t1x_unpin_run(&dma->runs.single, t1x_dma_writable(dma));
	nram = t1x_access_pages_not_held(&c->access_pages, dma->iova, nram, dma->filled);
	t1x_runs_drop(&dma->runs, 1, dma->filled);
	dma->filled = 0;
	t1x_refund(&dma->owner, nram);
	return 0;
}

/**
 * t1x_dmas_unfill() - undo t1x_dma_fill() for many mappings
 * @c: the container
 * @range: the caller's range, which covers all of them
 * @batch: the first of the mappings, which are chained by &t1x_dma.next in IOVA
 *	order; may be %NULL
 *
 * As many runs share a sync as may, of whatever mappings.
 *
 * Context: may sleep.  Allocates nothing (I3).
 * Return: 0 with nothing filled in any of them, or -EIO if an IOMMU keeps a
 * page; then &t1x_dma.filled says which are left.
 */
int t1x_dmas_unfill(struct t1x_container *c, const struct t1x_range *range,
		    struct t1x_dma *batch)
{
	struct t1x_refund_batch refunds = {};
	struct t1x_dma *end;
	int ret = 0;

	if (batch && !batch->next && t1x_dma_is_run(batch)) {
		t1x_range_assert_held(range, batch->iova, batch->last);
		return t1x_unfill_run(c, range, batch);
	}
	while (batch && !ret) {
		t1x_range_assert_held(range, batch->iova, batch->last);
		end = t1x_unfill_batch_end(batch);
		if (end != batch &&
		    !t1x_domain_list_unmap_dmas(&c->domains, batch, end)) {
			t1x_unpin_all(c, batch, end, &refunds);
			batch = end;
		} else {
			/* One by one, it shows which of them is kept. */
			end = end == batch ? batch->next : end;
			for (; batch != end; batch = batch->next)
				ret |= t1x_unfill(c, range, batch, &refunds);
		}
		cond_resched();
	}
	t1x_refund_batch_flush(&refunds);
	return ret;
}

/**
 * t1x_dma_unfill_detached() - unpin what an IOMMU would not unmap
 * @c: the container
 * @dma: a mapping that t1x_dma_unfill() could not empty, and of which no
 *	domain exists any more: with the page tables its translations ended
 *
 * Context: the lock is held.
 */
void t1x_dma_unfill_detached(struct t1x_container *c, struct t1x_dma *dma)
{
	struct t1x_refund_batch refunds = {};

	if (dma->filled > t1x_runs_npages(&dma->runs))
		pr_err("%lu untracked pages at IOVA %pad stay pinned\n",
		       dma->filled - t1x_runs_npages(&dma->runs), &dma->iova);
	t1x_unpin_all(c, dma, dma->next, &refunds);
	t1x_refund_batch_flush(&refunds);
}

