/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_RUNS_H
#define _T1X_RUNS_H

#include <linux/minmax.h>
#include <linux/types.h>

#include "t1x.h"

/**
 * struct t1x_run - physically contiguous pages of one kind
 * @pfn: first page frame
 * @npages: number of pages, at most T1X_SYNC_PAGES; 0 means no run at all
 * @huge: large folios, each with one pin and not one for every page: hugetlb pages or
 *	the ends of some, or whole transparent huge pages; implies @pinned
 * @revoked: MMIO that was unmapped from all domains, see mmio_notifier.c
 * @pinned: GUP pinned each of the pages, for this list and no other
 * @ram: ordinary memory; with @pinned each page is charged for the mapping, or to what a
 *	mediated device holds, without it for the registered memory that it is a part of
 * @key: all but @pfn, to be compared at once
 *
 * 16 bytes, so that the worst case (every page its own run) costs 0.4 % of the
 * memory that is mapped.  Protected by what protects the list that it is in.
 */
struct t1x_run {
	unsigned long pfn;
	union {
		struct {
			u32 npages;
			bool huge;
			bool revoked;
			bool pinned;
			bool ram;
		};
		u64 key;
	};
};

/* One page of RAM, with a pin of its own. */
#define T1X_RUN_SINGLE	((const struct t1x_run){	\
	.npages = 1,					\
	.pinned = true,					\
	.ram = true,					\
})

/* One page of RAM that registered memory keeps. */
#define T1X_RUN_SINGLE_HELD	((const struct t1x_run){	\
	.npages = 1,						\
	.ram = true,						\
})

/**
 * struct t1x_run_chunk - a part of the runs of a mapping that has more than one
 * @below: the chunk with the runs before these, or %NULL
 * @above: the chunk with the runs that follow; not in the last chunk
 * @npages: in the last chunk: pages in these runs
 * @first: pages before these runs
 * @first_nr: number of runs before these
 * @nr: number of these
 * @capacity: how many fit
 * @runs: the runs
 *
 * What a split cuts off below stays counted in @first and @first_nr, which
 * therefore mean something only compared with those of the lowest chunk: a split changes
 * the chunk that it divides, and no other.  Protected by what protects the list.
 */
struct t1x_run_chunk {
	struct t1x_run_chunk *below;
	union {
		struct t1x_run_chunk *above;
		unsigned long npages;
	};
	unsigned long first;
	u32 first_nr;
	u16 nr;
	u16 capacity;
	struct t1x_run runs[];
};

/**
 * struct t1x_runs - the runs of one mapping, in IOVA order
 * @last: the last chunk; %NULL while one run is enough
 * @single: without @last: the only run, without pages if there is none; most mappings
 *	have no other
 * @lowest: with @last: the chunk with the first runs
 *
 * A stack: runs are pushed in IOVA order and dropped from the highest IOVA
 * down, so what is left always describes a prefix of the mapping.  There may be very many
 * lists, so what the chunks can tell is not stored here.  Protected by what protects the
 * mapping, see struct t1x_dma.
 */
struct t1x_runs {
	struct t1x_run_chunk *last;
	union {
		struct t1x_run single;
		struct t1x_run_chunk *lowest;
	};
};

/**
 * struct t1x_runs_pos - the position of a walk over runs
 * @chunk: the chunk that the walk is in, %NULL if one run is all
 * @base: first run there
 * @run: the run visited last; at first, behind the last one
 *
 * On the stack of the walker, which has the list locked.
 */
struct t1x_runs_pos {
	struct t1x_run_chunk *chunk;
	struct t1x_run *base;
	struct t1x_run *run;
};

int t1x_runs_grow(struct t1x_runs *runs, gfp_t gfp);
void t1x_runs_shrink(struct t1x_runs *runs);
int t1x_runs_split_alloc(struct t1x_runs *runs, unsigned long page, gfp_t gfp,
			 struct t1x_run_chunk **spare);
void t1x_runs_split(struct t1x_runs *runs, unsigned long page,
		    struct t1x_runs *upper, struct t1x_run_chunk *spare);
unsigned long t1x_runs_walk_from(struct t1x_runs *runs, unsigned long page,
				 struct t1x_runs_pos *pos);

/**
 * t1x_runs_init() - make an empty list
 * @runs: to be initialised; stays where it is until it is empty again
 */
static inline void t1x_runs_init(struct t1x_runs *runs)
{
	runs->last = NULL;
	runs->single.npages = 0;
}

/**
 * t1x_runs_free() - forget all runs
 * @runs: the list; empty afterwards
 *
 * Only memory is freed: unpinning the pages is the caller's business, before.
 */
static inline void t1x_runs_free(struct t1x_runs *runs)
{
	while (unlikely(runs->last))
		t1x_runs_shrink(runs);
	runs->single.npages = 0;
}

/* The runs of a chunk, or the single one. */
static inline struct t1x_run *t1x_runs_of(struct t1x_runs *runs,
					  struct t1x_run_chunk *chunk)
{
	return chunk ? chunk->runs : &runs->single;
}

/* Where those end. */
static inline struct t1x_run *t1x_runs_end(struct t1x_runs *runs,
					   struct t1x_run_chunk *chunk)
{
	return chunk ? chunk->runs + chunk->nr :
		       &runs->single + !!runs->single.npages;
}

/**
 * t1x_runs_npages() - count the pages of a list
 * @runs: the list
 *
 * Return: pages in all of the runs.
 */
static inline unsigned long t1x_runs_npages(const struct t1x_runs *runs)
{
	const struct t1x_run_chunk *last = runs->last;

	return unlikely(last) ? last->first + last->npages - runs->lowest->first :
				runs->single.npages;
}

/**
 * t1x_runs_nr() - count the runs of a list
 * @runs: the list
 *
 * Return: how many.
 */
static inline unsigned long t1x_runs_nr(const struct t1x_runs *runs)
{
	const struct t1x_run_chunk *last = runs->last;

	return unlikely(last) ? last->first_nr + last->nr - runs->lowest->first_nr :
				!!runs->single.npages;
}

/**
 * t1x_runs_reserve() - make room for one more run
 * @runs: the list
 * @gfp: how to allocate; with %__GFP_ACCOUNT, because a user can make a run of every
 *	page that is mapped
 *
 * Context: as @gfp allows.
 * Return: 0, or -ENOMEM with the list unchanged; also if there are 2^32 runs.
 */
static inline int t1x_runs_reserve(struct t1x_runs *runs, gfp_t gfp)
{
	const struct t1x_run_chunk *last = runs->last;

	if (likely(last ? last->nr < last->capacity : !runs->single.npages))
		return 0;
	return t1x_runs_grow(runs, gfp);
}

/**
 * t1x_runs_room() - find the room for the next runs
 * @runs: the list, after t1x_runs_reserve()
 * @nr: set to how many runs there is room for, at least one
 *
 * Return: where the runs may be written before t1x_runs_extend(); %NULL if it is the first
 * run, which is elsewhere until then.
 */
static inline struct t1x_run *t1x_runs_room(struct t1x_runs *runs, unsigned int *nr)
{
	struct t1x_run_chunk *last = runs->last;

	*nr = last ? last->capacity - last->nr : 1;
	return last ? last->runs + last->nr : NULL;
}

/**
 * t1x_runs_extend() - append the runs that were written to the room
 * @runs: the list
 * @added: the runs: what t1x_runs_room() returned, or the single run
 * @nr: how many; they follow the last one in IOVA order
 * @npages: pages in all of these
 */
static inline void t1x_runs_extend(struct t1x_runs *runs, const struct t1x_run *added,
				   unsigned int nr, unsigned long npages)
{
	struct t1x_run_chunk *last = runs->last;

	if (likely(!last)) {
		runs->single = *added;
		return;
	}
	last->nr += nr;
	last->npages += npages;
}

/**
 * t1x_runs_push() - append a run
 * @runs: the list, with room made by t1x_runs_reserve()
 * @run: what to append; follows the last run in IOVA order
 */
static inline void t1x_runs_push(struct t1x_runs *runs,
				 const struct t1x_run *run)
{
	if (runs->last)
		runs->last->runs[runs->last->nr] = *run;
	t1x_runs_extend(runs, run, 1, run->npages);
}

/**
 * t1x_runs_last() - look at the last run
 * @runs: the list, not empty
 *
 * Return: the run with the highest IOVA.
 */
static inline const struct t1x_run *t1x_runs_last(struct t1x_runs *runs)
{
	/* A chunk that was reserved and never used may stand at the end. */
	if (unlikely(runs->last && !runs->last->nr))
		t1x_runs_shrink(runs);
	return t1x_runs_end(runs, runs->last) - 1;
}

/**
 * t1x_runs_last_runs() - look at the last runs, as far as they are an array
 * @runs: the list, not empty
 * @most: how many to look at
 * @nr: set to how many there are, at least one
 *
 * Return: the first of these.
 */
static inline const struct t1x_run *t1x_runs_last_runs(struct t1x_runs *runs,
						       unsigned long most,
						       unsigned long *nr)
{
	const struct t1x_run *end = t1x_runs_last(runs) + 1;
	unsigned long held;

	held = end - t1x_runs_of(runs, runs->last);
	*nr = min(most, held);
	return end - *nr;
}

/**
 * t1x_runs_drop() - remove the last runs
 * @runs: the list
 * @nr: how many, at most what t1x_runs_last_runs() told
 * @npages: pages in all of these
 */
static inline void t1x_runs_drop(struct t1x_runs *runs, unsigned long nr,
				 unsigned long npages)
{
	struct t1x_run_chunk *last = runs->last;

	if (likely(!last)) {
		runs->single.npages = 0;
		return;
	}
	last->nr -= nr;
	last->npages -= npages;
	if (unlikely(!last->nr))
		t1x_runs_shrink(runs);
}

/**
 * t1x_runs_walk() - start a walk from the highest IOVA down
 * @runs: the list; must not change while it is walked
 * @pos: where the walk stands, for t1x_runs_next()
 */
static inline void t1x_runs_walk(struct t1x_runs *runs,
				 struct t1x_runs_pos *pos)
{
	pos->chunk = runs->last;
	pos->base = t1x_runs_of(runs, pos->chunk);
	pos->run = t1x_runs_end(runs, runs->last);
}

/* Goes on in the chunk below, if any. */
static inline void t1x_runs_step(struct t1x_runs_pos *pos)
{
	if (!pos->chunk || !pos->chunk->below)
		return;
	pos->chunk = pos->chunk->below;
	pos->base = pos->chunk->runs;
	pos->run = pos->base + pos->chunk->nr;
}

/**
 * t1x_runs_walk_array() - take steps of a walk at once, as far as runs are an array
 * @pos: where the walk stands
 * @most: how many to take
 * @nr: set to how many there are; 0 at the end
 *
 * Return: the lowest of these.
 */
static inline struct t1x_run *t1x_runs_walk_array(struct t1x_runs_pos *pos,
						  unsigned long most,
						  unsigned long *nr)
{
	unsigned long held;

	if (unlikely(pos->run == pos->base))
		t1x_runs_step(pos);
	held = pos->run - pos->base;
	*nr = min(most, held);
	pos->run -= *nr;
	return pos->run;
}

/**
 * t1x_runs_next() - take the next step of a walk
 * @pos: where the walk stands
 *
 * Return: the run below the one returned before, or %NULL at the end.
 */
static inline struct t1x_run *t1x_runs_next(struct t1x_runs_pos *pos)
{
	unsigned long nr;
	struct t1x_run *run = t1x_runs_walk_array(pos, 1, &nr);

	return nr ? run : NULL;
}

/**
 * t1x_run_nram() - count the pages of a run that are charged
 * @run: the run
 *
 * Return: how many: all or none.
 */
static inline unsigned long t1x_run_nram(const struct t1x_run *run)
{
	return run->pinned && run->ram ? run->npages : 0;
}

/**
 * t1x_run_joins() - would pages continue a run
 * @run: the run; anything continues an empty one
 * @next: pages that follow in IOVA order, at least one
 *
 * Return: whether the two can be one run.
 */
static inline bool t1x_run_joins(const struct t1x_run *run,
				 const struct t1x_run *next)
{
	return !run->npages ||
	       (run->pfn + run->npages == next->pfn &&
		run->npages + next->npages <= T1X_SYNC_PAGES &&
		run->huge == next->huge && run->pinned == next->pinned &&
		run->ram == next->ram);
}

/**
 * t1x_run_join() - grow a run by the pages that follow it
 * @run: the run; an empty one takes over @next
 * @next: pages for which t1x_run_joins()
 */
static inline void t1x_run_join(struct t1x_run *run, const struct t1x_run *next)
{
	if (run->npages)
		run->npages += next->npages;
	else
		*run = *next;
}

#endif /* _T1X_RUNS_H */
