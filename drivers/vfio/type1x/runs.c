// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: what a mapping remembers of the pages it pinned.
 *
 * Owns the representation of a list of runs.  Knows neither pages nor IOMMUs.
 *
 * Only t1x_runs_reserve() can fail, and it is called before a run exists; pushing and
 * dropping cannot.  A chunk is freed when its last run is dropped:
 * walking down a mapping needs no memory and gives some back.
 */
#include "runs.h"

#include <linux/overflow.h>
#include <linux/slab.h>

/* Each chunk has four times the runs of the one below, up to a page with its header. */
#define T1X_CHUNK_MIN	14UL
#define T1X_CHUNK_MAX	((PAGE_SIZE - sizeof(struct t1x_run_chunk)) / \
			 sizeof(struct t1x_run))

static_assert(sizeof(struct t1x_run) == 16);
static_assert(sizeof(struct t1x_run_chunk) == 2 * sizeof(struct t1x_run));

static struct t1x_run *t1x_runs_limit(struct t1x_runs *runs,
				      struct t1x_run_chunk *chunk)
{
	return chunk ? chunk->runs + chunk->capacity :
		       runs->first + T1X_RUNS_INLINE;
}

static struct t1x_run_chunk *t1x_chunk_alloc(unsigned long capacity, gfp_t gfp)
{
	struct t1x_run_chunk *chunk;

	chunk = kmalloc(struct_size(chunk, runs, capacity), gfp | __GFP_NOWARN);
	if (chunk)
		chunk->capacity = capacity;
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
	unsigned long capacity = T1X_CHUNK_MIN;
	struct t1x_run_chunk *chunk;

	if (runs->last)
		capacity = min(4 * runs->last->capacity + 6, T1X_CHUNK_MAX);
	chunk = t1x_chunk_alloc(capacity, gfp);
	if (!chunk)
		return -ENOMEM;

	if (runs->last)
		runs->last->nr = runs->end - runs->last->runs;
	else
		runs->nr_first = runs->end - runs->first;
	chunk->below = runs->last;
	chunk->first = runs->npages;
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
	runs->limit = t1x_runs_limit(runs, runs->last);
	runs->end = t1x_runs_end(runs, runs->last);
	kfree(chunk);
}

/**
 * struct t1x_runs_at - a page's place in a list of runs
 * @chunk: the piece of memory that has it, %NULL for the inline runs
 * @above: the chunk above that, if any
 * @base: first run of that piece
 * @run: the run that has the page, or @end
 * @end: behind the last run of that piece
 * @skip: pages of @run before the page
 *
 * On the stack.
 */
struct t1x_runs_at {
	struct t1x_run_chunk *chunk;
	struct t1x_run_chunk *above;
	struct t1x_run *base;
	struct t1x_run *run;
	struct t1x_run *end;
	unsigned long skip;
};

/* Finds a page, not the first one; pages before it are in the same piece of memory. */
static struct t1x_runs_at t1x_runs_find(struct t1x_runs *runs,
					unsigned long page)
{
	struct t1x_runs_at at = { .chunk = runs->last, .end = runs->end };
	unsigned long first = runs->npages;

	while (at.chunk && at.chunk->first >= page) {
		first = at.chunk->first;
		at.above = at.chunk;
		at.chunk = at.chunk->below;
		at.end = t1x_runs_end(runs, at.chunk);
	}
	at.base = t1x_runs_of(runs, at.chunk);
	for (at.run = at.end; first > page; first -= at.run->npages)
		at.run--;
	at.skip = page - first;
	return at;
}

/* Runs that a split leaves in the piece of memory, and those that it takes out. */
static unsigned long t1x_runs_at_lower(const struct t1x_runs_at *at)
{
	return at->run - at->base + !!at->skip;
}

static unsigned long t1x_runs_at_upper(const struct t1x_runs_at *at)
{
	return at->end - at->run;
}

/**
 * t1x_runs_split_alloc() - get the memory that a split needs
 * @runs: the list
 * @page: pages before the split
 * @gfp: how to allocate
 * @spare: set to the memory for t1x_runs_split(), the caller's to kfree(); %NULL if
 *	none is needed
 *
 * It is still enough if the list is split above @page first.
 *
 * Context: as @gfp allows.
 * Return: 0 or -ENOMEM.
 */
int t1x_runs_split_alloc(struct t1x_runs *runs, unsigned long page, gfp_t gfp,
			 struct t1x_run_chunk **spare)
{
	struct t1x_runs_at at;
	unsigned long upper;

	*spare = NULL;
	if (page >= runs->npages)
		return 0;
	at = t1x_runs_find(runs, page);
	upper = t1x_runs_at_upper(&at);
	if (upper <= T1X_RUNS_INLINE)
		return 0;
	*spare = t1x_chunk_alloc(min(upper, t1x_runs_at_lower(&at)), gfp);
	return *spare ? 0 : -ENOMEM;
}

/* Copies what is above the split to @to. */
static void t1x_runs_copy_upper(const struct t1x_runs_at *at,
				struct t1x_run *to)
{
	memmove(to, at->run, t1x_runs_at_upper(at) * sizeof(*to));
	if (at->skip) {
		to->pfn += at->skip;
		to->npages -= at->skip;
	}
}

/*
 * Splits the piece of memory where the split is, copying as little as may be.
 * Returns the chunk with what is above the split, %NULL if that is inline now.
 */
static struct t1x_run_chunk *t1x_runs_split_chunk(struct t1x_runs *runs,
						  struct t1x_runs_at *at,
						  struct t1x_runs *upper,
						  struct t1x_run_chunk *spare)
{
	unsigned long nr_lower = t1x_runs_at_lower(at);
	unsigned long nr_upper = t1x_runs_at_upper(at);
	struct t1x_run_chunk *low = at->chunk, *high = NULL;
	struct t1x_run *base = at->base;

	if (nr_upper <= T1X_RUNS_INLINE) {
		t1x_runs_copy_upper(at, upper->first);
		upper->nr_first = nr_upper;
	} else if (nr_upper <= nr_lower) {
		high = spare;
		t1x_runs_copy_upper(at, high->runs);
	} else {
		high = at->chunk;
		low = spare;
		low->below = high->below;
		low->first = high->first;
		base = low->runs;
		memcpy(base, high->runs, nr_lower * sizeof(*base));
		t1x_runs_copy_upper(at, high->runs);
	}
	if (high) {
		high->below = NULL;
		high->first = 0;
		high->nr = nr_upper;
		upper->nr_first = 0;
	}

	if (at->skip)
		base[nr_lower - 1].npages = at->skip;
	runs->last = low;
	runs->end = base + nr_lower;
	runs->limit = t1x_runs_limit(runs, low);
	return high;
}

/**
 * t1x_runs_split() - move the runs above a page to another list
 * @runs: the list; the run that has the page is split
 * @page: pages before the split, at least one; may be beyond the last run
 * @upper: an empty list
 * @spare: from t1x_runs_split_alloc(); used or freed
 *
 * Walks down the chunks, not the runs, so splitting a mapping page by page from its
 * start does not visit all runs each time.
 */
void t1x_runs_split(struct t1x_runs *runs, unsigned long page,
		    struct t1x_runs *upper, struct t1x_run_chunk *spare)
{
	struct t1x_run_chunk *last, *chunk, *high;
	struct t1x_runs_at at;
	unsigned long nr;

	if (page >= runs->npages)
		goto out_free;

	if (t1x_runs_last_chunk_empty(runs))
		t1x_runs_shrink(runs);
	last = runs->last;
	at = t1x_runs_find(runs, page);
	nr = t1x_runs_at_upper(&at);
	if (at.above)
		last->nr = runs->end - last->runs;
	for (chunk = last; chunk != at.chunk; chunk = chunk->below) {
		chunk->first -= page;
		nr += chunk->nr;
	}

	upper->nr = nr;
	upper->npages = runs->npages - page;
	runs->nr -= nr - !!at.skip;
	runs->npages = page;
	high = t1x_runs_split_chunk(runs, &at, upper, spare);
	if (at.above)
		at.above->below = high;
	upper->last = at.above ? last : high;
	upper->limit = t1x_runs_limit(upper, upper->last);
	upper->end = t1x_runs_end(upper, upper->last);
	if (spare == high || spare == runs->last)
		return;
out_free:
	kfree(spare);
}
