/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_UNPIN_H
#define _T1X_UNPIN_H

#include <linux/types.h>

struct page;
struct t1x_run;
struct t1x_runs;

/* Single pages unpinned with one call. */
#define T1X_UNPIN_PAGES		32UL

/**
 * struct t1x_unpin_batch - pages to be unpinned
 * @dirty: a device may have written to them
 * @nr: single pages that are still pinned
 * @pages: these
 *
 * On the stack of the task that unpins.
 */
struct t1x_unpin_batch {
	bool dirty;
	unsigned int nr;
	struct page *pages[T1X_UNPIN_PAGES];
};

/**
 * t1x_unpin_init() - begin to let go of runs
 * @batch: for t1x_unpin_last_runs()
 */
static inline void t1x_unpin_init(struct t1x_unpin_batch *batch)
{
	batch->dirty = false;
	batch->nr = 0;
}

void t1x_unpin_extra(struct page *page, unsigned long npages);
unsigned long t1x_unpin_run(const struct t1x_run *run, bool dirty);
unsigned long t1x_unpin_last_runs(struct t1x_unpin_batch *batch, struct t1x_runs *runs,
				  unsigned long nr, bool dirty);
void t1x_unpin_flush(struct t1x_unpin_batch *batch);

#endif /* _T1X_UNPIN_H */
