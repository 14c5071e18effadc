/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_PFN_READER_H
#define _T1X_PFN_READER_H

#include <linux/types.h>

#include "runs.h"

struct mm_struct;
struct page;

/* Enough for a small mapping without an allocation. */
#define T1X_READER_INLINE	8

/**
 * struct t1x_pfn_reader - a reader that turns user addresses into runs
 * @mm: address space of the memory
 * @vaddr: next address to read
 * @left: pages from @vaddr on that are still to be read
 * @write: the device may write
 * @single: the last page was one of hugetlb, of which one pin is enough
 * @cold: pages of the last batch had to be faulted in
 * @mmio: the last batch was MMIO, for which fast GUP finds nothing
 * @nr_slow: batches that took mmap_lock
 * @huge_max: bytes of the largest hugetlb page of which one pin is enough
 * @next: the first run that was read and not consumed; empty if it is still to be
 *	made of @pages
 * @pages: pages that GUP returned; [@head, @nr) are in no run yet
 * @capacity: pointers that fit into @pages
 * @head: index of the next page
 * @nr: pages in @pages
 * @few: storage for @pages where few are enough
 *
 * On the stack of the task that reads.
 */
struct t1x_pfn_reader {
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
	struct page *few[T1X_READER_INLINE];
};

void t1x_pfn_reader_init(struct t1x_pfn_reader *reader, struct mm_struct *mm,
			 unsigned long vaddr, unsigned long npages, bool write,
			 unsigned int batch);
void t1x_pfn_reader_destroy(struct t1x_pfn_reader *reader);
int t1x_pfn_reader_fill(struct t1x_pfn_reader *reader);
const struct t1x_run *t1x_pfn_reader_next(struct t1x_pfn_reader *reader);
unsigned int t1x_pfn_reader_next_singles(struct t1x_pfn_reader *reader, struct t1x_run *runs,
					 unsigned int most);
bool t1x_pfn_reader_pin_page(unsigned long vaddr, bool write, struct t1x_run *run);
void t1x_pfn_reader_release_pins(struct t1x_pfn_reader *reader);
void t1x_pfn_reader_seek(struct t1x_pfn_reader *reader, unsigned long left);

/**
 * t1x_pfn_reader_peek() - look at the next contiguous pages
 * @reader: the reader
 *
 * Return: a run, or %NULL when there is nothing and t1x_pfn_reader_fill() is due.
 */
static inline const struct t1x_run *t1x_pfn_reader_peek(struct t1x_pfn_reader *reader)
{
	if (reader->next.npages)
		return &reader->next;
	return reader->head == reader->nr ? NULL : t1x_pfn_reader_next(reader);
}

/**
 * t1x_pfn_reader_pending() - pages that GUP pinned and that are in no run yet
 * @reader: the reader
 *
 * Return: how many.
 */
static inline unsigned long t1x_pfn_reader_pending(const struct t1x_pfn_reader *reader)
{
	return reader->nr - reader->head;
}

/**
 * t1x_pfn_reader_consume() - take over the run that t1x_pfn_reader_peek() showed
 * @reader: the reader
 */
static inline void t1x_pfn_reader_consume(struct t1x_pfn_reader *reader)
{
	reader->next.npages = 0;
}

#endif /* _T1X_PFN_READER_H */

