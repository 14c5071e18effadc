// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: what a mapping remembers of the pages it pinned.
 *
 * Owns the representation of a list of runs.  Knows neither pages nor IOMMUs.
 *
 * Growth may fail, and the caller must be able to go on without; so room is
 * reserved before a run exists (t1x_runs_reserve()), and from there on pushing
 * and dropping cannot fail.  A chunk is freed when its last run is dropped:
 * walking down a mapping needs no memory and gives some back.
 */
#include "runs.h"

#include <linux/overflow.h>
#include <linux/slab.h>

/* Chunks grow up to a page, four times as large each; their header is like a run. */
#define T1X_CHUNK_MIN	15UL
#define T1X_CHUNK_MAX	((PAGE_SIZE - sizeof(struct t1x_run_chunk)) / \
			 sizeof(struct t1x_run))

static_assert(sizeof(struct t1x_run) == 16);

static struct t1x_run *t1x_runs_of(struct t1x_runs *runs,
				   struct t1x_run_chunk *chunk)
{
	return chunk ? chunk->runs : runs->first;
}

static unsigned long t1x_runs_capacity(const struct t1x_run_chunk *chunk)
{
	return chunk ? chunk->capacity : T1X_RUNS_INLINE;
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
	unsigned long capacity = T1X_CHUNK_MIN;
	struct t1x_run_chunk *chunk;

	if (runs->last)
		capacity = min(4 * runs->last->capacity + 3, T1X_CHUNK_MAX);
	chunk = kmalloc(struct_size(chunk, runs, capacity), gfp | __GFP_NOWARN);
	if (!chunk)
		return -ENOMEM;

	chunk->below = runs->last;
	chunk->capacity = capacity;
	runs->last = chunk;
	runs->end = chunk->runs;
	runs->limit = chunk->runs + capacity;
	return 0;
}

/**
 * t1x_runs_shrink() - free the last chunk
 * @runs: the list, with an empty chunk at its end
 */
void t1x_runs_shrink(struct t1x_runs *runs)
{
	struct t1x_run_chunk *chunk = runs->last;

	runs->last = chunk->below;
	runs->limit = t1x_runs_of(runs, runs->last) +
		      t1x_runs_capacity(runs->last);
	runs->end = runs->limit;
	kfree(chunk);
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
	pos->chunk = runs->last;
	pos->base = t1x_runs_of(runs, pos->chunk);
	pos->run = runs->end;
}

/**
 * t1x_runs_step() - go on in the piece of memory below, for t1x_runs_next()
 * @pos: at the start of a chunk
 */
void t1x_runs_step(struct t1x_runs_pos *pos)
{
	pos->chunk = pos->chunk->below;
	pos->base = t1x_runs_of(pos->runs, pos->chunk);
	pos->run = pos->base + t1x_runs_capacity(pos->chunk);
}
