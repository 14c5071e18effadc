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
 * @runs: the list, not empty
 * @gfp: how to allocate
 *
 * Context: as @gfp allows.
 * Return: 0, or -ENOMEM with the list unchanged.
 */
int t1x_runs_grow(struct t1x_runs *runs, gfp_t gfp)
{
	struct t1x_run_chunk *chunk, *last = runs->last;
	unsigned long capacity = T1X_CHUNK_MIN, nr = 0;

	if (last) {
		capacity = min(4UL * last->capacity + 6, T1X_CHUNK_MAX);
		nr = (unsigned long)last->first_nr + last->nr;
	}
	chunk = nr <= U32_MAX - capacity ? t1x_chunk_alloc(capacity, gfp) : NULL;
	if (!chunk)
		return -ENOMEM;

	chunk->below = last;
	chunk->first_nr = nr;
	if (last) {
		chunk->first = last->first + last->npages;
		chunk->npages = 0;
		chunk->nr = 0;
		last->above = chunk;
	} else {
		chunk->first = 0;
		chunk->npages = runs->single.npages;
		chunk->nr = 1;
		chunk->runs[0] = runs->single;
		runs->lowest = chunk;
	}
	runs->last = chunk;
	return 0;
}

/**
 * t1x_runs_shrink() - free the last chunk
 * @runs: the list, whose last chunk has no run that is needed
 */
void t1x_runs_shrink(struct t1x_runs *runs)
{
	struct t1x_run_chunk *chunk = runs->last, *below = chunk->below;

	runs->last = below;
	if (below)
		below->npages = chunk->first - below->first;
	else
		runs->single.npages = 0;
	kfree(chunk);
}

/**
 * struct t1x_runs_at - a page's place in a list of more than one run
 * @page: the page, counted as &t1x_run_chunk.first is
 * @chunk: the chunk that has the page before it
 * @above: the chunk above that, or %NULL
 * @run: the run that has the page, or @end
 * @end: behind the last run of @chunk
 * @skip: pages of @run before the page
 * @upper_npages: pages of @chunk from the page on
 *
 * On the stack.
 */
struct t1x_runs_at {
	unsigned long page;
	struct t1x_run_chunk *chunk;
	struct t1x_run_chunk *above;
	struct t1x_run *run;
	struct t1x_run *end;
	unsigned long skip;
	unsigned long upper_npages;
};

/*
 * Finds the chunk that has the page before @page, from both ends at once: what takes a
 * mapping away piece by piece, from wherever it begins, finds its place in few steps.
 */
static struct t1x_run_chunk *t1x_runs_find_chunk(struct t1x_runs *runs,
						 unsigned long page)
{
	struct t1x_run_chunk *low = runs->lowest, *high = runs->last;

	while (high->first >= page) {
		if (low->above->first >= page)
			return low;
		low = low->above;
		high = high->below;
	}
	return high;
}

/* Finds a page, not the first one and not beyond the last. */
static struct t1x_runs_at t1x_runs_find(struct t1x_runs *runs,
					unsigned long page)
{
	struct t1x_runs_at at;
	unsigned long first;

	at.page = runs->lowest->first + page;
	at.chunk = t1x_runs_find_chunk(runs, at.page);
	at.above = at.chunk == runs->last ? NULL : at.chunk->above;
	first = at.above ? at.above->first : at.chunk->first + at.chunk->npages;
	at.upper_npages = first - at.page;
	at.end = at.chunk->runs + at.chunk->nr;
	for (at.run = at.end; first > at.page; first -= at.run->npages)
		at.run--;
	at.skip = at.page - first;
	return at;
}

/* Runs of the chunk that are below the split, and above. */
static unsigned long t1x_runs_at_lower(const struct t1x_runs_at *at)
{
	return at->run - at->chunk->runs + !!at->skip;
}

static unsigned long t1x_runs_at_upper(const struct t1x_runs_at *at)
{
	return at->end - at->run;
}

/* Is what is below the split one run, or what is above? */
static bool t1x_runs_at_lower_single(const struct t1x_runs_at *at)
{
	return !at->chunk->below && t1x_runs_at_lower(at) == 1;
}

static bool t1x_runs_at_upper_single(const struct t1x_runs_at *at)
{
	return !at->above && t1x_runs_at_upper(at) == 1;
}

/**
 * t1x_runs_split_alloc() - get the memory that a split needs
 * @runs: the list
 * @page: pages before the split, at least one
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
	if (!runs->last || page >= t1x_runs_npages(runs))
		return 0;
	at = t1x_runs_find(runs, page);
	upper = t1x_runs_at_upper(&at);
	if (!upper || t1x_runs_at_upper_single(&at) || t1x_runs_at_lower_single(&at))
		return 0;
	*spare = t1x_chunk_alloc(min(upper, t1x_runs_at_lower(&at)), gfp);
	return *spare ? 0 : -ENOMEM;
}

/* Copies the runs above the split to @to. */
static void t1x_runs_copy_upper(const struct t1x_runs_at *at,
				struct t1x_run *to)
{
	unsigned long nr = t1x_runs_at_upper(at);

	memmove(to, at->run, nr * sizeof(*to));
	if (at->skip) {
		to->pfn += at->skip;
		to->npages -= at->skip;
	}
}

/* Makes @low the last chunk of a list, with the runs below the split. */
static void t1x_runs_end_below(struct t1x_runs *runs, const struct t1x_runs_at *at,
			       struct t1x_run_chunk *low)
{
	unsigned long nr = t1x_runs_at_lower(at);

	if (low != at->chunk) {
		low->below = at->chunk->below;
		low->first = at->chunk->first;
		low->first_nr = at->chunk->first_nr;
		memcpy(low->runs, at->chunk->runs, nr * sizeof(*low->runs));
		if (low->below)
			low->below->above = low;
		else
			runs->lowest = low;
	}
	low->npages = at->page - low->first;
	low->nr = nr;
	if (at->skip)
		low->runs[nr - 1].npages = at->skip;
	runs->last = low;
}

/* Makes @high the lowest chunk of a list, with the runs above the split. */
static void t1x_runs_begin_above(struct t1x_runs *upper, const struct t1x_runs_at *at,
				 struct t1x_run_chunk *high, struct t1x_run_chunk *last)
{
	unsigned long nr = t1x_runs_at_upper(at);
	u32 first_nr = at->chunk->first_nr + (at->run - at->chunk->runs);

	t1x_runs_copy_upper(at, high->runs);
	high->below = NULL;
	high->first = at->page;
	high->first_nr = first_nr;
	high->nr = nr;
	if (at->above) {
		high->above = at->above;
		at->above->below = high;
	} else {
		high->npages = at->upper_npages;
	}
	upper->lowest = high;
	upper->last = at->above ? last : high;
}

/* Divides the chunk that has runs on both sides of the split, copying as little as may be. */
static void t1x_runs_split_chunk(struct t1x_runs *runs, const struct t1x_runs_at *at,
				 struct t1x_runs *upper, struct t1x_run_chunk *spare)
{
	struct t1x_run_chunk *chunk = at->chunk, *last = runs->last;
	struct t1x_run single = chunk->runs[0];

	if (t1x_runs_at_upper_single(at)) {
		t1x_runs_copy_upper(at, &upper->single);
		t1x_runs_end_below(runs, at, chunk);
	} else if (t1x_runs_at_lower_single(at)) {
		t1x_runs_begin_above(upper, at, chunk, last);
		if (at->skip)
			single.npages = at->skip;
		runs->last = NULL;
		runs->single = single;
	} else if (t1x_runs_at_upper(at) <= t1x_runs_at_lower(at)) {
		t1x_runs_begin_above(upper, at, spare, last);
		t1x_runs_end_below(runs, at, chunk);
	} else {
		t1x_runs_end_below(runs, at, spare);
		t1x_runs_begin_above(upper, at, chunk, last);
	}
}

/**
 * t1x_runs_split() - move the runs above a page to another list
 * @runs: the list; the run that has the page is split
 * @page: pages before the split, at least one; may be beyond the last run
 * @upper: an empty list
 * @spare: from t1x_runs_split_alloc(); used or freed
 *
 * Visits the chunks from the nearer end to the page, and the runs of one chunk.
 */
void t1x_runs_split(struct t1x_runs *runs, unsigned long page,
		    struct t1x_runs *upper, struct t1x_run_chunk *spare)
{
	struct t1x_run_chunk *last;
	struct t1x_runs_at at;

	if (page >= t1x_runs_npages(runs))
		goto out_free;

	if (!runs->last) {
		upper->single = runs->single;
		upper->single.pfn += page;
		upper->single.npages -= page;
		runs->single.npages = page;
		goto out_free;
	}

	if (!runs->last->nr)
		t1x_runs_shrink(runs);
	last = runs->last;
	at = t1x_runs_find(runs, page);
	if (t1x_runs_at_upper(&at)) {
		t1x_runs_split_chunk(runs, &at, upper, spare);
	} else {
		upper->lowest = at.above;
		upper->last = last;
		at.above->below = NULL;
		t1x_runs_end_below(runs, &at, at.chunk);
	}
	if (spare == runs->last || (upper->last && spare == upper->lowest))
		return;
out_free:
	kfree(spare);
}

/**
 * t1x_runs_walk_from() - start a walk at a page
 * @runs: the list; must not change while it is walked
 * @page: pages before it
 * @pos: where the walk stands, for t1x_runs_next(); visits the run that has the page, or
 *	the last one, and those below
 *
 * Return: pages up to the end of the run that is visited first.
 */
unsigned long t1x_runs_walk_from(struct t1x_runs *runs, unsigned long page,
				 struct t1x_runs_pos *pos)
{
	unsigned long npages = t1x_runs_npages(runs);
	struct t1x_runs_at at;

	t1x_runs_walk(runs, pos);
	if (!runs->last || page + 1 >= npages)
		return npages;
	at = t1x_runs_find(runs, page + 1);
	pos->chunk = at.chunk;
	pos->base = at.chunk->runs;
	pos->run = at.run + !!at.skip;
	return at.page - runs->lowest->first - at.skip + (at.skip ? at.run->npages : 0);
}
