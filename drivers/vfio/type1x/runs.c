// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: what a mapping remembers of the pages it pinned.
 *
 * Owns the representation of a list of runs.  Knows neither pages nor IOMMUs.
 *
 * Growth may fail, and the caller must be able to go on without; so room is
 * reserved before a run exists (t1x_runs_reserve()), and from there on pushing
 * and popping cannot fail.  A chunk is freed when its last run is popped:
 * walking down a mapping needs no memory and gives some back.
 */
#include "runs.h"

#include <linux/bug.h>
#include <linux/mm.h>
#include <linux/slab.h>

/**
 * struct t1x_run_chunk - runs that did not fit into struct t1x_runs
 * @node: in &t1x_runs.chunks
 * @capacity: runs that fit
 * @nr: runs held; only the last chunk may hold fewer than @capacity
 * @runs: the runs
 */
struct t1x_run_chunk {
	struct list_head node;
	unsigned int capacity;
	unsigned int nr;
	struct t1x_run runs[];
};

/* The first chunk is small: mappings of a few MiB rarely fill a page. */
#define T1X_CHUNK_MIN_BYTES	256

static_assert(sizeof(struct t1x_run) == 16);

static struct t1x_run_chunk *t1x_runs_last_chunk(struct t1x_runs *runs)
{
	return list_last_entry(&runs->chunks, struct t1x_run_chunk, node);
}

/**
 * t1x_runs_init() - make an empty list
 * @runs: to be initialised
 */
void t1x_runs_init(struct t1x_runs *runs)
{
	runs->nr = 0;
	runs->npages = 0;
	INIT_LIST_HEAD(&runs->chunks);
}

/**
 * t1x_runs_free() - forget all runs
 * @runs: the list; empty afterwards
 *
 * Only memory is freed: unpinning the pages is the caller's business, before.
 */
void t1x_runs_free(struct t1x_runs *runs)
{
	struct t1x_run_chunk *chunk, *next;

	list_for_each_entry_safe(chunk, next, &runs->chunks, node)
		kfree(chunk);
	t1x_runs_init(runs);
}

/**
 * t1x_runs_reserve() - make room for one more run
 * @runs: the list
 * @gfp: how to allocate; with %__GFP_ACCOUNT, for the caller can make a run of
 *	every page he maps
 *
 * Context: as @gfp allows.
 * Return: 0, or -ENOMEM with the list unchanged.
 */
int t1x_runs_reserve(struct t1x_runs *runs, gfp_t gfp)
{
	struct t1x_run_chunk *chunk;
	size_t bytes = T1X_CHUNK_MIN_BYTES;

	if (runs->nr < T1X_RUNS_INLINE)
		return 0;

	if (!list_empty(&runs->chunks)) {
		chunk = t1x_runs_last_chunk(runs);
		if (chunk->nr < chunk->capacity)
			return 0;
		bytes = PAGE_SIZE;
	}

	chunk = kmalloc(bytes, gfp | __GFP_NOWARN);
	if (!chunk)
		return -ENOMEM;

	chunk->capacity = (bytes - sizeof(*chunk)) / sizeof(chunk->runs[0]);
	chunk->nr = 0;
	list_add_tail(&chunk->node, &runs->chunks);
	return 0;
}

/**
 * t1x_runs_push() - append a run
 * @runs: the list, with room made by t1x_runs_reserve()
 * @run: what to append; follows the last run in IOVA order
 */
void t1x_runs_push(struct t1x_runs *runs, const struct t1x_run *run)
{
	struct t1x_run_chunk *chunk;

	if (runs->nr < T1X_RUNS_INLINE) {
		runs->first[runs->nr] = *run;
	} else {
		chunk = t1x_runs_last_chunk(runs);
		chunk->runs[chunk->nr++] = *run;
	}
	runs->nr++;
	runs->npages += run->npages;
}

/**
 * t1x_runs_top() - look at the last run
 * @runs: the list
 *
 * Return: the run with the highest IOVA, or %NULL when there is none.
 */
const struct t1x_run *t1x_runs_top(struct t1x_runs *runs)
{
	struct t1x_run_chunk *chunk;

	if (!runs->nr)
		return NULL;
	if (runs->nr <= T1X_RUNS_INLINE)
		return &runs->first[runs->nr - 1];

	/* A chunk that was reserved and never used may stand at the end. */
	chunk = t1x_runs_last_chunk(runs);
	if (!chunk->nr)
		chunk = list_prev_entry(chunk, node);
	return &chunk->runs[chunk->nr - 1];
}

/**
 * t1x_runs_pop() - remove the last run
 * @runs: the list, not empty
 */
void t1x_runs_pop(struct t1x_runs *runs)
{
	const struct t1x_run *run = t1x_runs_top(runs);
	struct t1x_run_chunk *chunk;

	if (WARN_ON_ONCE(!run))
		return;

	runs->npages -= run->npages;
	if (runs->nr-- <= T1X_RUNS_INLINE)
		return;

	chunk = t1x_runs_last_chunk(runs);
	if (!chunk->nr) {
		list_del(&chunk->node);
		kfree(chunk);
		chunk = t1x_runs_last_chunk(runs);
	}
	if (!--chunk->nr) {
		list_del(&chunk->node);
		kfree(chunk);
	}
}

/**
 * t1x_runs_walk() - start a walk from the highest IOVA down
 * @runs: the list; must not change while it is walked
 * @pos: where the walk stands, for t1x_runs_next()
 */
void t1x_runs_walk(struct t1x_runs *runs, struct t1x_runs_pos *pos)
{
	pos->runs = runs;
	pos->left = runs->nr;
	pos->chunk = NULL;
	pos->index = runs->nr;

	if (runs->nr <= T1X_RUNS_INLINE)
		return;

	pos->chunk = t1x_runs_last_chunk(runs);
	if (!pos->chunk->nr)
		pos->chunk = list_prev_entry(pos->chunk, node);
	pos->index = pos->chunk->nr;
}

/**
 * t1x_runs_next() - take the next step of a walk
 * @pos: where the walk stands
 *
 * Return: the run below the one returned before, or %NULL at the end.
 */
struct t1x_run *t1x_runs_next(struct t1x_runs_pos *pos)
{
	if (!pos->left)
		return NULL;
	pos->left--;

	if (pos->chunk && !pos->index) {
		if (list_is_first(&pos->chunk->node, &pos->runs->chunks)) {
			pos->chunk = NULL;
			pos->index = T1X_RUNS_INLINE;
		} else {
			pos->chunk = list_prev_entry(pos->chunk, node);
			pos->index = pos->chunk->nr;
		}
	}

	pos->index--;
	return pos->chunk ? &pos->chunk->runs[pos->index] :
			    &pos->runs->first[pos->index];
}

/**
 * t1x_run_join() - grow a run by the pages that follow it
 * @run: the run; an empty one takes over @next
 * @next: pages that follow in IOVA order, at least one
 *
 * Return: whether @run now includes @next; if not, @run is unchanged.
 */
bool t1x_run_join(struct t1x_run *run, const struct t1x_run *next)
{
	if (!run->npages) {
		*run = *next;
		return true;
	}
	if (run->pfn + run->npages != next->pfn ||
	    run->pinned != next->pinned || run->ram != next->ram)
		return false;

	run->npages += next->npages;
	return true;
}
