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

/*
 * Each chunk has about four times the runs of the one below, up to a page: what
 * kmalloc() has objects for, with the header.
 */
#define T1X_CHUNK_MIN	6UL
#define T1X_CHUNK_MAX	((PAGE_SIZE - sizeof(struct t1x_run_chunk)) / \
			 sizeof(struct t1x_run))

static_assert(sizeof(struct t1x_run) == 16);
static_assert(sizeof(struct t1x_run_chunk) == 2 * sizeof(struct t1x_run));
static_assert(sizeof(struct t1x_runs) == 24);
static_assert(T1X_CHUNK_MAX <= U16_MAX);

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
	unsigned long capacity = T1X_CHUNK_MIN, nr = t1x_runs_nr(runs);
	struct t1x_run_chunk *chunk;

	if (runs->last)
		capacity = min(4UL * runs->last->capacity + 6, T1X_CHUNK_MAX);
	chunk = nr <= U32_MAX - capacity ? t1x_chunk_alloc(capacity, gfp) : NULL;
	if (!chunk)
		return -ENOMEM;

	chunk->first_nr = nr;
	chunk->below = runs->last;
	chunk->first = t1x_runs_npages(runs);
	chunk->npages = 0;
	chunk->nr = 0;
	runs->last = chunk;
	return 0;
}

/**
 * t1x_runs_shrink() - free the last chunk
 * @runs: the list, whose last chunk has no run that is needed
 */
void t1x_runs_shrink(struct t1x_runs *runs)
{
	struct t1x_run_chunk *chunk = runs->last;

	runs->last = chunk->below;
	kfree(chunk);
}

/**
 * struct t1x_runs_at - a page's place in a list of runs
 * @chunk: the piece of memory that has it, %NULL for the inline run
 * @above: the chunk above that, if any
 * @base: first run of that piece
 * @run: the run that has the page, or @end
 * @end: behind the last run of that piece
 * @skip: pages of @run before the page
 * @upper_npages: pages of that piece from the page on
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
	unsigned long upper_npages;
};

/* Finds a page, not the first one; pages before it are in the same piece of memory. */
static struct t1x_runs_at t1x_runs_find(struct t1x_runs *runs,
					unsigned long page)
{
	struct t1x_runs_at at = { .chunk = runs->last };
	unsigned long first;

	while (at.chunk && at.chunk->first >= page) {
		at.above = at.chunk;
		at.chunk = at.chunk->below;
	}
	first = at.above ? at.above->first : t1x_runs_npages(runs);
	at.upper_npages = first - page;
	at.base = t1x_runs_of(runs, at.chunk);
	at.end = t1x_runs_end(runs, at.chunk);
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
	if (page >= t1x_runs_npages(runs))
		return 0;
	at = t1x_runs_find(runs, page);
	upper = t1x_runs_at_upper(&at);
	if (upper <= 1)
		return 0;
	*spare = t1x_chunk_alloc(min(upper, t1x_runs_at_lower(&at)), gfp);
	return *spare ? 0 : -ENOMEM;
}

/* Copies what is above the split to @to. */
static void t1x_runs_copy_upper(const struct t1x_runs_at *at,
				struct t1x_run *to)
{
	unsigned long nr = t1x_runs_at_upper(at);

	memmove(to, at->run, nr * sizeof(*to));
	if (nr && at->skip) {
		to->pfn += at->skip;
		to->npages -= at->skip;
	}
}

/*
 * Splits the piece of memory where the split is, copying as little as may be, and makes
 * it the last one of @runs.  Returns the chunk with what is above the split, %NULL if
 * that is inline now.
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

	if (nr_upper <= 1) {
		t1x_runs_copy_upper(at, &upper->first);
	} else if (nr_upper <= nr_lower) {
		high = spare;
		t1x_runs_copy_upper(at, high->runs);
	} else {
		high = at->chunk;
		low = spare;
		low->below = high->below;
		low->first = high->first;
		low->npages = high->npages;
		low->first_nr = high->first_nr;
		base = low->runs;
		memcpy(base, high->runs, nr_lower * sizeof(*base));
		t1x_runs_copy_upper(at, high->runs);
	}
	if (high) {
		high->below = NULL;
		high->first = 0;
		high->npages = at->upper_npages;
		high->first_nr = 0;
		high->nr = nr_upper;
	}

	if (at->skip)
		base[nr_lower - 1].npages = at->skip;
	if (low) {
		low->npages -= at->upper_npages;
		low->nr = nr_lower;
	}
	runs->last = low;
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

	if (page >= t1x_runs_npages(runs))
		goto out_free;

	if (runs->last && !runs->last->nr)
		t1x_runs_shrink(runs);
	last = runs->last;
	at = t1x_runs_find(runs, page);
	nr = at.run - at.base + (at.chunk ? at.chunk->first_nr : 0);
	for (chunk = last; chunk != at.chunk; chunk = chunk->below) {
		chunk->first -= page;
		chunk->first_nr -= nr;
	}

	high = t1x_runs_split_chunk(runs, &at, upper, spare);
	if (at.above)
		at.above->below = high;
	upper->last = at.above ? last : high;
	if (spare == high || spare == runs->last)
		return;
out_free:
	kfree(spare);
}
