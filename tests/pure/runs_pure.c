// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: every operation, on any list of a few chunks, against an array.  A list is made as
 * such, and not by what led to it, so that sizes of chunks and what splits have left counted
 * in them are any, too.
 */
#include "pick.h"
#include "runs.h"

#define CHUNKS		(PROOF ? 2UL : 5UL)
#define CHUNK_RUNS	(PROOF ? 2UL : 9UL)
#define ROOM		(PROOF ? 1UL : 4UL)
#define STEPS		40
#define RUNS		(CHUNKS * CHUNK_RUNS + STEPS)

/* More pages than an address space has. */
#define MOST_PAGES	BIT(52)

/**
 * struct model - runs in an array
 * @nr: how many
 * @run: the runs
 */
struct model {
	unsigned long nr;
	struct t1x_run run[CHUNKS * CHUNK_RUNS + (PROOF ? 1 : STEPS)];
};

static struct t1x_run any_run(void)
{
	struct t1x_run run = {
		.pfn = pick(MOST_PAGES),
		.npages = pick_from(1, T1X_SYNC_PAGES),
		.huge = pick(1),
		.revoked = pick(1),
		.pinned = pick(1),
		.ram = pick(1),
	};

	return run;
}

static bool same_run(const struct t1x_run *a, const struct t1x_run *b)
{
	return a->pfn == b->pfn && a->key == b->key;
}

static unsigned long model_npages(const struct model *model)
{
	unsigned long i, npages = 0;

	for (i = 0; i < model->nr; i++)
		npages += model->run[i].npages;
	return npages;
}

/* Moves what is above @page to @upper. */
static void model_split(struct model *model, unsigned long page, struct model *upper)
{
	unsigned long i, nr = model->nr;
	struct t1x_run run;

	model->nr = 0;
	upper->nr = 0;
	for (i = 0; i < nr; i++) {
		run = model->run[i];
		if (page >= run.npages) {
			model->run[model->nr++] = run;
			page -= run.npages;
			continue;
		}
		if (page) {
			model->run[model->nr] = run;
			model->run[model->nr++].npages = page;
			run.pfn += page;
			run.npages -= page;
			page = 0;
		}
		upper->run[upper->nr++] = run;
	}
}

/* Any list, and the same in @model. */
static void any_list(struct t1x_runs *runs, struct model *model)
{
	unsigned long chunks = pick(CHUNKS), i, nr, n, capacity;
	unsigned long first = pick(MOST_PAGES);
	struct t1x_run_chunk *chunk;
	u32 first_nr = pick(U32_MAX);

	model->nr = 0;
	t1x_runs_init(runs);
	if (!chunks && pick(1)) {
		runs->single = any_run();
		model->run[model->nr++] = runs->single;
	}
	for (i = 0; i < chunks; i++) {
		/* The last one may have been reserved and not been used. */
		if (i && i + 1 == chunks)
			nr = pick(CHUNK_RUNS);
		else
			nr = 1 + pick(CHUNK_RUNS - 1);
		capacity = nr;
		if (i + 1 == chunks)
			capacity += !nr + pick(ROOM);
		chunk = malloc(struct_size(chunk, runs, capacity));
		chunk->capacity = capacity;
		chunk->nr = nr;
		chunk->first = first;
		chunk->first_nr = first_nr;
		chunk->below = runs->last;
		if (chunk->below)
			chunk->below->above = chunk;
		else
			runs->lowest = chunk;
		runs->last = chunk;
		first_nr += nr;
		for (n = 0; n < nr; n++) {
			chunk->runs[n] = any_run();
			model->run[model->nr++] = chunk->runs[n];
			first += chunk->runs[n].npages;
		}
		chunk->npages = first - chunk->first;
	}
}

/* The list is a valid one, and has what the model has. */
static void check_list(struct t1x_runs *runs, const struct model *model)
{
	struct t1x_run_chunk *chunk, *above = NULL;
	unsigned long nr = model->nr, first = 0, n;
	struct t1x_run *run;

	check(t1x_runs_npages(runs) == model_npages(model));
	check(t1x_runs_nr(runs) == nr);
	if (!runs->last) {
		check(nr <= 1);
		check(!nr == !runs->single.npages);
		check(!nr || same_run(&runs->single, &model->run[0]));
		return;
	}
	for (chunk = runs->last; chunk; chunk = chunk->below) {
		if (above)
			check(chunk->above == above);
		else
			first = chunk->first + chunk->npages;
		check(chunk->nr <= chunk->capacity);
		check(chunk->nr || (!above && chunk->below));
		check((u32)(chunk->first_nr - runs->lowest->first_nr) == nr - chunk->nr);
		check(chunk->nr <= nr);
		for (n = chunk->nr; n--; first -= run->npages) {
			run = &chunk->runs[n];
			check(same_run(run, &model->run[--nr]));
		}
		check(chunk->first == first);
		check(chunk->below || chunk == runs->lowest);
		above = chunk;
	}
	check(!nr);
}

static void push(struct t1x_runs *runs, struct model *model)
{
	struct t1x_run *room, added = any_run();
	unsigned int nr;
	int ret;

	ret = t1x_runs_reserve(runs, GFP_KERNEL);
	if (ret) {
		check(ret == -ENOMEM);
		return;
	}
	check_list(runs, model);
	room = t1x_runs_room(runs, &nr);
	check(nr && !room == !runs->last);
	model->run[model->nr++] = added;
	if (!room || pick(1)) {
		t1x_runs_push(runs, &added);
		return;
	}
	*room = added;
	t1x_runs_extend(runs, room, 1, added.npages);
}

static void drop(struct t1x_runs *runs, struct model *model)
{
	unsigned long most = pick_from(1, RUNS), nr, i, npages = 0;
	const struct t1x_run *tail;

	if (!model->nr)
		return;
	check(same_run(t1x_runs_last(runs), &model->run[model->nr - 1]));
	tail = t1x_runs_last_runs(runs, most, &nr);
	check(nr && nr <= most && nr <= model->nr);
	model->nr -= nr;
	for (i = 0; i < nr; i++) {
		check(same_run(&tail[i], &model->run[model->nr + i]));
		npages += tail[i].npages;
	}
	t1x_runs_drop(runs, nr, npages);
}

/* False without memory; then nothing is split. */
static bool split(struct t1x_runs *runs, struct model *model, unsigned long page,
		  struct t1x_runs *upper, struct model *upper_model)
{
	struct t1x_run_chunk *spare;
	int ret;

	ret = t1x_runs_split_alloc(runs, page, GFP_KERNEL, &spare);
	check_list(runs, model);
	if (ret) {
		check(ret == -ENOMEM && !spare);
		return false;
	}
	t1x_runs_init(upper);
	t1x_runs_split(runs, page, upper, spare);
	model_split(model, page, upper_model);
	check_list(runs, model);
	check_list(upper, upper_model);
	return true;
}

/* From a page, which may be beyond the last: its run is the first that is visited. */
static void walk(struct t1x_runs *runs, struct model *model)
{
	unsigned long npages = model_npages(model), page = pick(npages), end, nr, i;
	struct t1x_runs_pos pos;
	struct t1x_run *run;

	end = t1x_runs_walk_from(runs, page, &pos);
	check(end <= npages && (page >= npages ? end == npages : end > page));
	for (nr = model->nr; nr && npages > end; nr--)
		npages -= model->run[nr - 1].npages;
	check(npages == end);
	check(page >= npages || !nr || npages - model->run[nr - 1].npages <= page);
	while (nr) {
		run = t1x_runs_walk_array(&pos, pick_from(1, RUNS), &i);
		check(i && i <= nr);
		nr -= i;
		while (i--)
			check(same_run(&run[i], &model->run[nr + i]));
	}
	check(!t1x_runs_next(&pos));
}

void runs_push(void)
{
	struct t1x_runs runs;
	struct model model;

	any_list(&runs, &model);
	check_list(&runs, &model);
	push(&runs, &model);
	check_list(&runs, &model);
	t1x_runs_free(&runs);
	check(!t1x_runs_nr(&runs) && !runs.last);
}

void runs_drop(void)
{
	struct t1x_runs runs;
	struct model model;

	any_list(&runs, &model);
	drop(&runs, &model);
	check_list(&runs, &model);
	t1x_runs_free(&runs);
}

void runs_split(void)
{
	struct t1x_runs runs, upper;
	struct model model, upper_model;

	any_list(&runs, &model);
	if (split(&runs, &model, pick_from(1, model_npages(&model) + 1), &upper, &upper_model))
		t1x_runs_free(&upper);
	t1x_runs_free(&runs);
}

/* The memory that the lower of two splits needs is enough after the higher one, too. */
void runs_split_twice(void)
{
	struct t1x_runs runs, middle, upper;
	struct model model, middle_model, upper_model;
	unsigned long page, higher;
	struct t1x_run_chunk *spare;

	any_list(&runs, &model);
	t1x_runs_init(&middle);
	higher = pick_from(2, model_npages(&model) + 2);
	page = pick_from(1, higher - 1);
	if (!t1x_runs_split_alloc(&runs, page, GFP_KERNEL, &spare)) {
		if (split(&runs, &model, higher, &upper, &upper_model)) {
			t1x_runs_split(&runs, page, &middle, spare);
			model_split(&model, page, &middle_model);
			check_list(&runs, &model);
			check_list(&middle, &middle_model);
			check_list(&upper, &upper_model);
			t1x_runs_free(&middle);
			t1x_runs_free(&upper);
		} else {
			kfree(spare);
		}
	}
	t1x_runs_free(&runs);
}

void runs_walk(void)
{
	struct t1x_runs runs;
	struct model model;

	any_list(&runs, &model);
	walk(&runs, &model);
	check_list(&runs, &model);
	t1x_runs_free(&runs);
}

/* What joins has the pages of both, in order and of one kind. */
void run_join(void)
{
	struct t1x_run run = any_run(), next = any_run(), joined;
	unsigned long page;

	if (pick(1))
		run.npages = 0;
	joined = run;
	if (t1x_run_joins(&run, &next)) {
		t1x_run_join(&joined, &next);
		check(joined.npages == run.npages + next.npages);
		check(joined.npages <= T1X_SYNC_PAGES);
		check(joined.ram == next.ram && joined.huge == next.huge &&
		      joined.pinned == next.pinned);
		page = pick(joined.npages - 1);
		check(joined.pfn + page == (page < run.npages ? run.pfn + page :
					    next.pfn + page - run.npages));
	} else {
		check(run.npages);
	}
}

#ifndef __CPROVER__
/* One after the other, so that lists are also as these leave them. */
void runs_mixed(void)
{
	struct t1x_runs lists[2], *runs = &lists[0], *other = &lists[1];
	struct model models[2], *model = &models[0], *other_model = &models[1];
	unsigned int step;

	any_list(runs, model);
	for (step = 0; step < STEPS; step++) {
		switch (pick(5)) {
		case 0:
			drop(runs, model);
			break;
		case 1:
			walk(runs, model);
			break;
		case 2:
			if (!split(runs, model, pick_from(1, model_npages(model) + 1), other,
				   other_model))
				break;
			if (pick(1)) {
				struct t1x_runs *list = runs;
				struct model *list_model = model;

				runs = other;
				other = list;
				model = other_model;
				other_model = list_model;
			}
			t1x_runs_free(other);
			break;
		default:
			push(runs, model);
		}
		check_list(runs, model);
	}
	t1x_runs_free(runs);
}
#endif

const struct pure_case cases[] = {
	CASE(runs_push),
	CASE(runs_drop),
	CASE(runs_split),
	CASE(runs_split_twice),
	CASE(runs_walk),
	CASE(run_join),
#ifndef __CPROVER__
	CASE(runs_mixed),
#endif
	{}
};
