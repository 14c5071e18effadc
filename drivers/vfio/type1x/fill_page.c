// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling a mapping of one page that is there already, or is registered.
 *
 * A guest with a virtual IOMMU makes such mappings all the time, and what t1x_dma_fill()
 * keeps of pages that are read, joined and charged ahead costs more there than the page.
 * The order is the same: pin, charge, map, record.  All else is left to t1x_dma_fill().
 */
#include "fill_page.h"

#include <linux/sched.h>

#include "account.h"
#include "container.h"
#include "dma.h"
#include "domain_list.h"
#include "pfn_reader.h"
#include "stats.h"
#include "t1x.h"
#include "trace.h"
#include "umem.h"
#include "unfill.h"
#include "unpin.h"

/* Pins the page, or finds it in registered memory. */
static bool t1x_fill_page_read(const struct t1x_dma *dma, struct t1x_run *run)
{
	struct t1x_umem_pos pos;

	if (!dma->registered)
		return dma->owner.process->mm == current->mm &&
		       t1x_pfn_reader_pin_page(t1x_dma_vaddr(dma), t1x_dma_writable(dma), run);

	t1x_umem_seek(dma->mr->umem, dma->mr_first, &pos);
	*run = t1x_umem_slice(t1x_umem_next(&pos), dma->mr_first, 1);
	return true;
}

static void t1x_fill_page_record(struct t1x_container *c, struct t1x_dma *dma,
				 const struct t1x_run *run)
{
	trace_t1x_map_run(c->id, dma->iova, run->pfn, 1);
	t1x_runs_extend(&dma->runs, run, 1, 1);
	dma->filled = 1;
	t1x_stat_inc(T1X_STAT_RUNS);
}

/* Undoes the charge and the pin; after what unmaps the page, if a domain kept it. */
static void t1x_fill_page_abort(struct t1x_container *c, const struct t1x_range *range,
				struct t1x_dma *dma, const struct t1x_run *run, bool stuck)
{
	if (stuck) {
		t1x_fill_page_record(c, dma, run);
		t1x_dma_unfill(c, range, dma);
	} else {
		t1x_refund(&dma->owner, t1x_unpin_run(run, false));
	}
}

/**
 * t1x_fill_page() - do what t1x_dma_fill() does, for one page that takes no waiting
 * @c: the container
 * @range: the caller's range, which covers the mapping
 * @dma: the mapping, with nothing filled
 *
 * Context: may sleep.
 * Return: as t1x_dma_fill(), or 1 if that is still to be done and nothing has changed.
 */
int t1x_fill_page(struct t1x_container *c, const struct t1x_range *range,
		  struct t1x_dma *dma)
{
	struct t1x_run run;
	bool stuck = false;
	int ret;

	t1x_range_assert_held(range, dma->iova, dma->last);

	if (dma->last - dma->iova >= PAGE_SIZE || list_empty(&c->domains) ||
	    READ_ONCE(c->dying) || !t1x_access_pages_empty(&c->access_pages) ||
	    !t1x_fill_page_read(dma, &run))
		return 1;

	ret = t1x_charge(&dma->owner, t1x_run_nram(&run), 0, 1, &c->errlog);
	if (unlikely(ret)) {
		t1x_unpin_run(&run, false);
		return ret;
	}
	ret = t1x_domain_list_map(&c->domains, dma, &run, 1, 1, GFP_KERNEL_ACCOUNT, &stuck);
	if (unlikely(ret)) {
		t1x_domain_list_log_refused(&c->errlog, ret, dma->iova, 1);
		t1x_fill_page_abort(c, range, dma, &run, stuck);
		return ret;
	}
	t1x_fill_page_record(c, dma, &run);
	t1x_map_stats_add(c->map_stats, &(struct t1x_map_stats_delta){ .largest = 1 }, 1, 0);
	return 0;
}
