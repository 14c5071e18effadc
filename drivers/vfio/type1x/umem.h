/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_UMEM_H
#define _T1X_UMEM_H

#include <linux/minmax.h>
#include <linux/types.h>
#include <asm/page.h>

#include "runs.h"

struct t1x_container;
struct t1x_umem;

/**
 * struct t1x_umem_run - a run of registered memory
 * @first: pages of the umem before it
 * @run: the run
 *
 * Never changes once the umem is pinned.
 */
struct t1x_umem_run {
	unsigned long first;
	struct t1x_run run;
};

/* Runs to a page of memory, see &t1x_umem.runs. */
#define T1X_UMEM_ARRAY	(PAGE_SIZE / sizeof(struct t1x_umem_run))

/**
 * struct t1x_umem_pos - a place among the runs of registered memory
 * @array: the array that has the run
 * @slot: its place there
 *
 * On the stack.
 */
struct t1x_umem_pos {
	struct t1x_umem_run *const *array;
	unsigned int slot;
};

/**
 * t1x_umem_next() - take the next step of a walk over registered memory
 * @pos: from t1x_umem_seek(); moves on behind the run
 *
 * Return: the run, which must be one of the umem.
 */
static inline const struct t1x_umem_run *
t1x_umem_next(struct t1x_umem_pos *pos)
{
	const struct t1x_umem_run *run = *pos->array + pos->slot;

	if (unlikely(++pos->slot == T1X_UMEM_ARRAY)) {
		pos->array++;
		pos->slot = 0;
	}
	return run;
}

/**
 * t1x_umem_slice() - the part of a run that a mapping takes
 * @at: the run
 * @index: page of the umem to start with; the run has it
 * @npages: at most so many
 *
 * Return: a run that holds neither pin nor charge.
 */
static inline struct t1x_run t1x_umem_slice(const struct t1x_umem_run *at,
					    unsigned long index,
					    unsigned long npages)
{
	unsigned long skip = index - at->first;

	return (struct t1x_run){
		.pfn = at->run.pfn + skip,
		.npages = min(npages, at->run.npages - skip),
		.ram = at->run.ram,
	};
}

struct t1x_umem *t1x_umem_get_pinned(struct t1x_container *c,
				     unsigned long first,
				     unsigned long last, bool write);
void t1x_umem_put(struct t1x_umem *umem);
void t1x_umem_seek(const struct t1x_umem *umem, unsigned long index,
		   struct t1x_umem_pos *pos);
unsigned int t1x_umem_next_singles(struct t1x_umem_pos *pos, struct t1x_run *runs,
				   unsigned int most);

#endif /* _T1X_UMEM_H */

