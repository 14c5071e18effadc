/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_RUNS_H
#define _T1X_RUNS_H

#include <linux/list.h>
#include <linux/types.h>

#define T1X_RUNS_INLINE		4

/**
 * struct t1x_run - physically contiguous pages of one kind
 * @pfn: first page frame
 * @npages: number of pages; 0 means no run at all
 * @revoked: MMIO that has left the IOMMUs again, see revoke.c
 * @pinned: GUP pinned each of the pages
 * @ram: each of the pages is charged; implies @pinned
 *
 * 16 bytes, so that the worst case (every page its own run) costs 0.4 % of the
 * memory that is mapped.
 */
struct t1x_run {
	unsigned long pfn;
	unsigned long npages : 61;
	unsigned long revoked : 1;
	unsigned long pinned : 1;
	unsigned long ram : 1;
};

/**
 * struct t1x_runs - the runs of one mapping, in IOVA order
 * @nr: runs held
 * @npages: pages in all of them
 * @chunks: memory beyond the inline runs, struct t1x_run_chunk, in order
 * @first: the first runs; most mappings need no more
 *
 * A stack: runs are pushed in IOVA order and popped from the highest IOVA
 * down, so what is left always describes a prefix of the mapping.
 */
struct t1x_runs {
	unsigned long nr;
	unsigned long npages;
	struct list_head chunks;
	struct t1x_run first[T1X_RUNS_INLINE];
};

/**
 * struct t1x_runs_pos - where a walk over runs stands
 * @runs: what is walked
 * @chunk: chunk of the next run, %NULL for the inline ones
 * @index: index of the next run in that chunk
 * @left: runs not yet visited
 */
struct t1x_runs_pos {
	struct t1x_runs *runs;
	struct t1x_run_chunk *chunk;
	unsigned long index;
	unsigned long left;
};

void t1x_runs_init(struct t1x_runs *runs);
void t1x_runs_free(struct t1x_runs *runs);
int t1x_runs_reserve(struct t1x_runs *runs, gfp_t gfp);
void t1x_runs_push(struct t1x_runs *runs, const struct t1x_run *run);
const struct t1x_run *t1x_runs_top(struct t1x_runs *runs);
void t1x_runs_pop(struct t1x_runs *runs);
void t1x_runs_walk(struct t1x_runs *runs, struct t1x_runs_pos *pos);
struct t1x_run *t1x_runs_next(struct t1x_runs_pos *pos);
bool t1x_run_join(struct t1x_run *run, const struct t1x_run *next);

#endif /* _T1X_RUNS_H */
