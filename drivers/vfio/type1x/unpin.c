// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unpinning runs. The only file that unpins pages which a device may have reached, so
 * the only one that has to be called after the IOMMUs (I1).
 */
#include "unpin.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "runs.h"
#include "stats.h"

/* Pages unpinned between two calls of cond_resched(). */
#define T1X_UNPIN_STEP		0x8000UL

/**
 * t1x_unpin_extra() - drop pins that GUP took and no run will hold
 * @page: the first of contiguous pages, which no device has reached
 * @npages: how many
 *
 * They are not counted: another pin keeps the same pages.
 *
 * Context: may sleep.
 */
void t1x_unpin_extra(struct page *page, unsigned long npages)
{
	unpin_user_page_range_dirty_lock(page, npages, false);
}

/* Each large folio that has a part in the run holds one pin. */
static void t1x_unpin_huge(const struct t1x_run *run, bool dirty)
{
	unsigned long pfn = run->pfn, end = pfn + run->npages;
	struct folio *folio;
	struct page *page;

	while (pfn < end) {
		page = pfn_to_page(pfn);
		folio = page_folio(page);
		pfn += folio_nr_pages(folio) - folio_page_idx(folio, page);
		unpin_user_page_range_dirty_lock(page, 1, dirty);
		cond_resched();
	}
}

/**
 * t1x_unpin_run() - unpin a run
 * @run: pages that no device can reach any more, in no IOMMU and no IOTLB
 * @dirty: a device may have written to them
 *
 * Context: may sleep.
 * Return: RAM pages unpinned, to be refunded.
 */
unsigned long t1x_unpin_run(const struct t1x_run *run, bool dirty)
{
	unsigned long pfn = run->pfn, left = run->npages;

	if (!run->pinned)
		return 0;

	t1x_stat_add(T1X_STAT_PAGES_UNPINNED, left);
	if (unlikely(run->huge)) {
		t1x_unpin_huge(run, dirty);
		left = 0;
	}
	while (unlikely(left > T1X_UNPIN_STEP)) {
		unpin_user_page_range_dirty_lock(pfn_to_page(pfn),
						 T1X_UNPIN_STEP, dirty);
		cond_resched();
		pfn += T1X_UNPIN_STEP;
		left -= T1X_UNPIN_STEP;
	}
	if (left)
		unpin_user_page_range_dirty_lock(pfn_to_page(pfn), left, dirty);
	return t1x_run_nram(run);
}

/**
 * t1x_unpin_flush() - unpin the pages that t1x_unpin_last_runs() left
 * @batch: the pages
 *
 * Context: may sleep.
 */
void t1x_unpin_flush(struct t1x_unpin_batch *batch)
{
	if (!batch->nr)
		return;
	t1x_stat_add(T1X_STAT_PAGES_UNPINNED, batch->nr);
	unpin_user_pages_dirty_lock(batch->pages, batch->nr, batch->dirty);
	batch->nr = 0;
}

/* Notes single pages from a run on downwards, at most @most; returns how many. */
static unsigned long t1x_unpin_singles(struct t1x_unpin_batch *batch,
				       const struct t1x_run *run,
				       unsigned long most)
{
	struct page **pages = batch->pages + batch->nr;
	unsigned long n;

	for (n = 0; n < most && run[-n].key == T1X_RUN_SINGLE.key; n++)
		pages[n] = pfn_to_page(run[-n].pfn);
	batch->nr += n;
	return n;
}

/*
 * Unpins runs that are no single pages, from one on downwards, at most @most; returns how
 * many, and adds up their pages and those that are RAM.
 */
static unsigned long t1x_unpin_others(const struct t1x_run *run, unsigned long most,
				      bool dirty, unsigned long *npages,
				      unsigned long *nram)
{
	unsigned long n;

	for (n = 0; n < most && run[-n].key != T1X_RUN_SINGLE.key; n++) {
		*npages += run[-n].npages;
		*nram += t1x_unpin_run(&run[-n], dirty);
	}
	return n;
}

/**
 * t1x_unpin_last_runs() - unpin the last runs of a list, and remove them
 * @batch: holds some of their pages until t1x_unpin_flush()
 * @runs: the list; its last runs are as for t1x_unpin_run()
 * @nr: how many of them
 * @dirty: a device may have written to them
 *
 * Context: may sleep.
 * Return: RAM pages unpinned, to be refunded after t1x_unpin_flush().
 */
unsigned long t1x_unpin_last_runs(struct t1x_unpin_batch *batch, struct t1x_runs *runs,
				  unsigned long nr, bool dirty)
{
	unsigned long nram = 0, most, n, npages;
	const struct t1x_run *run;

	if (dirty != batch->dirty)
		t1x_unpin_flush(batch);
	batch->dirty = dirty;
	for (; nr; nr -= n) {
		if (batch->nr == T1X_UNPIN_PAGES)
			t1x_unpin_flush(batch);
		most = min(nr, T1X_UNPIN_PAGES - batch->nr);
		run = t1x_runs_last_runs(runs, most, &most) + most - 1;
		n = t1x_unpin_singles(batch, run, most);
		npages = n;
		nram += n;
		if (!n)
			n = t1x_unpin_others(run, most, dirty, &npages, &nram);
		t1x_runs_drop(runs, n, npages);
	}
	return nram;
}
