/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_PIN_H
#define _T1X_PIN_H

#include <linux/types.h>

#include "runs.h"

struct mm_struct;
struct page;

/* Enough for a small mapping without an allocation. */
#define T1X_PIN_FEW	8

/**
 * struct t1x_pin - a reader that turns user addresses into runs
 * @mm: whose memory is pinned
 * @vaddr: next address to be looked at
 * @left: pages from @vaddr on that are still to be looked at
 * @write: the device may write
 * @single: the last page was one of hugetlb, of which one pin is enough
 * @cold: pages of the last batch had to be faulted in
 * @mmio: the last batch was MMIO, of which fast GUP brings nothing
 * @nr_slow: batches that took mmap_lock
 * @huge_max: bytes of the largest page of hugetlb of which one pin is enough: no
 *	two parts of a run may share one
 * @next: the first run of what was brought and not consumed; empty if it is
 *	still to be made of @pages
 * @pages: pages that GUP brought; [@head, @nr) are not yet in a run
 * @capacity: pointers that fit into @pages
 * @head: index of the next page
 * @nr: pages in @pages
 * @few: memory behind @pages when it is small
 */
struct t1x_pin {
	struct mm_struct *mm;
	unsigned long vaddr;
	unsigned long left;
	bool write;
	bool single;
	bool cold;
	bool mmio;
	unsigned long nr_slow;
	unsigned long huge_max;
	struct t1x_run next;
	struct page **pages;
	unsigned int capacity;
	unsigned int head;
	unsigned int nr;
	struct page *few[T1X_PIN_FEW];
};

void t1x_pin_init(struct t1x_pin *pin, struct mm_struct *mm,
		  unsigned long vaddr, unsigned long npages, bool write,
		  unsigned int batch);
void t1x_pin_exit(struct t1x_pin *pin);
int t1x_pin_refill(struct t1x_pin *pin);
const struct t1x_run *t1x_pin_next(struct t1x_pin *pin);
unsigned int t1x_pin_singles(struct t1x_pin *pin, struct t1x_run *runs,
			     unsigned int most);
void t1x_pin_drain(struct t1x_pin *pin);
void t1x_pin_rewind(struct t1x_pin *pin, unsigned long left);

/**
 * t1x_pin_peek() - look at the next contiguous pages
 * @pin: the reader
 *
 * Return: a run, or %NULL when there is nothing and t1x_pin_refill() is due.
 */
static inline const struct t1x_run *t1x_pin_peek(struct t1x_pin *pin)
{
	if (pin->next.npages)
		return &pin->next;
	return pin->head == pin->nr ? NULL : t1x_pin_next(pin);
}

/**
 * t1x_pin_pending() - pages that GUP pinned and that are in no run yet
 * @pin: the reader
 *
 * Return: how many.
 */
static inline unsigned long t1x_pin_pending(const struct t1x_pin *pin)
{
	return pin->nr - pin->head;
}

/**
 * t1x_pin_consume() - take over the run that t1x_pin_peek() showed
 * @pin: the reader
 */
static inline void t1x_pin_consume(struct t1x_pin *pin)
{
	pin->next.npages = 0;
}

#endif /* _T1X_PIN_H */

