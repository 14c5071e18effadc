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
 * @capacity: runs that fit; all but the last chunk are full
 * @runs: the runs
 */
struct t1x_run_chunk {
	struct list_head node;
	unsigned long capacity;
	struct t1x_run runs[];
};

/* The first chunk is small: mappings of a few MiB rarely fill a page. */
#define T1X_CHUNK_MIN_BYTES	256

static_assert(sizeof(struct t1x_run) == 16);

/* Makes the last chunk, or without one the inline runs, what is filled next. */
static struct t1x_run_chunk *t1x_runs_use_last(struct t1x_runs *runs)
{
	struct t1x_run_chunk *chunk = NULL;

	if (list_empty(&runs->chunks)) {
		runs->base = runs->first;
		runs->limit = runs->first + T1X_RUNS_INLINE;
	} else {
		chunk = list_last_entry(&runs->chunks, struct t1x_run_chunk,
					node);
		runs->base = chunk->runs;
		runs->limit = chunk->runs + chunk->capacity;
	}
	return chunk;
}

/**
 * t1x_runs_grow() - make room where there is none, for t1x_runs_reserve()
 * @runs: the list
 * @gfp: how to allocate
 *
 * Context: as @gfp allows.
 * Return: 0, or -ENOMEM with the list unchanged.
 */
int t1x_runs_grow(struct t1x_runs *runs, gfp_t gfp)
{
	size_t bytes = list_empty(&runs->chunks) ? T1X_CHUNK_MIN_BYTES :
						   PAGE_SIZE;
	struct t1x_run_chunk *chunk;

	chunk = kmalloc(bytes, gfp | __GFP_NOWARN);
	if (!chunk)
		return -ENOMEM;

	chunk->capacity = (bytes - sizeof(*chunk)) / sizeof(chunk->runs[0]);
	list_add_tail(&chunk->node, &runs->chunks);
	t1x_runs_use_last(runs);
	runs->end = runs->base;
	return 0;
}

/**
 * t1x_runs_shrink() - free the last chunk, which is empty
 * @runs: the list, with runs before that chunk
 */
void t1x_runs_shrink(struct t1x_runs *runs)
{
	struct t1x_run_chunk *chunk = t1x_runs_use_last(runs);

	if (WARN_ON_ONCE(!chunk))
		return;
	list_del(&chunk->node);
	kfree(chunk);
	t1x_runs_use_last(runs);
	runs->end = runs->limit;
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
	pos->chunk = t1x_runs_use_last(runs);
	pos->base = runs->base;
	pos->run = runs->end;
}

/**
 * t1x_runs_step() - go on in the piece of memory below, for t1x_runs_next()
 * @pos: at the start of a chunk
 */
void t1x_runs_step(struct t1x_runs_pos *pos)
{
	if (list_is_first(&pos->chunk->node, &pos->runs->chunks)) {
		pos->chunk = NULL;
		pos->base = pos->runs->first;
		pos->run = pos->base + T1X_RUNS_INLINE;
	} else {
		pos->chunk = list_prev_entry(pos->chunk, node);
		pos->base = pos->chunk->runs;
		pos->run = pos->base + pos->chunk->capacity;
	}
}
