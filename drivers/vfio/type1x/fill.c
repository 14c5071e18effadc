// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling a mapping: pin, charge and map its memory.
 *
 * t1x_dma_fill() goes up the mapping.  It reads the next run, joins it to the one before
 * where the two are contiguous, charges its RAM, and maps what is ready into every domain
 * whenever the room in the mapping's list of runs is used up.  The runs are written to
 * that room directly, so mapping them needs no copy.  &t1x_dma.filled counts a prefix at
 * every moment, so a fill that fails half way is undone by t1x_dma_unfill() (I4).
 *
 * RAM is charged before it is mapped.  The first run that needs a charge also pays for
 * the pages pinned behind it, and, where no limit applies, for up to T1X_CHARGE_AHEAD of
 * those that are still to be pinned; what is left over is refunded at the end.
 */
#include "fill.h"

#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "account.h"
#include "container.h"
#include "dma.h"
#include "domain_list.h"
#include "gup_error.h"
#include "mmio_notifier.h"
#include "params.h"
#include "pfn_reader.h"
#include "populate.h"
#include "stats.h"
#include "t1x.h"
#include "trace.h"
#include "umem.h"
#include "unfill.h"
#include "unpin.h"

/* Pages charged in advance where no limit applies, 1 GiB of them. */
#define T1X_CHARGE_AHEAD	(1UL << (30 - PAGE_SHIFT))

/*
 * With so many pages ready, waiting for more gains nothing, and no signal is checked
 * for while they are mapped.
 */
#define T1X_READY_PAGES		512UL

/**
 * struct t1x_fill - the state of one t1x_dma_fill()
 * @c: the container
 * @dma: the mapping
 * @reader: reads the user's memory; has nothing to read if @dma has a memory region
 * @pos: the next run of the memory region
 * @slice: the part of it that was read and is not ready yet
 * @ready: runs to be mapped behind &t1x_dma.filled; the next pages may join the last
 *	one.  Points to the room of the mapping's list, or to @spare
 * @spare: room for one run: the first of the list, or when that cannot grow
 * @full: the list cannot grow
 * @room: runs that fit into @ready, or 1 with a notifier, to map each at once
 * @nr: runs in @ready
 * @npages: pages in them, at most T1X_SYNC_PAGES
 * @credit: pages charged in advance; negative by what is ready and not charged
 * @populate: threads that fault in memory ahead of @reader, or %NULL
 * @stats: what the mapping adds to the statistics of the container
 *
 * On the stack of t1x_dma_fill(), and used by that task alone.
 */
struct t1x_fill {
	struct t1x_container *c;
	struct t1x_dma *dma;
	struct t1x_pfn_reader reader;
	struct t1x_umem_pos pos;
	struct t1x_run slice;
	struct t1x_run *ready;
	struct t1x_run spare;
	bool full;
	unsigned int room;
	unsigned int nr;
	unsigned long npages;
	long credit;
	struct t1x_populate *populate;
	struct t1x_map_stats_delta stats;
};

/* Index of the page that follows those which are filled or ready. */
static unsigned long t1x_fill_index(const struct t1x_fill *fill)
{
	return fill->dma->filled + fill->npages;
}

/* Is MMIO ready?  With a notifier there is nothing else ready then. */
static bool t1x_fill_mmio(const struct t1x_fill *fill)
{
	return fill->nr && !fill->ready[fill->nr - 1].pinned;
}

/* --- read: the next run of the reader or of the memory region ------------------- */

/*
 * Reads the next batch.  The first MMIO of a mapping is read twice if it is to be
 * revoked: what was read before the notifier was registered may be stale.
 */
static int t1x_fill_read(struct t1x_fill *fill)
{
	struct t1x_pfn_reader *reader = &fill->reader;
	struct t1x_dma *dma = fill->dma;
	unsigned long left = reader->left;
	int ret;

	if (READ_ONCE(fill->c->dying))
		return -ENODEV;
	if (t1x_dma_mmio(dma) && !t1x_fill_mmio(fill))
		t1x_mmio_read_begin(dma);
	ret = t1x_populate_read(&fill->populate, reader);
	if (unlikely(ret))
		t1x_gup_error_log(&fill->c->errlog, ret, reader);
	if (ret || t1x_dma_mmio(dma) || !READ_ONCE(t1x_revoke_mmio))
		return ret;
	if (t1x_pfn_reader_peek(reader)->pinned)
		return 0;

	t1x_pfn_reader_seek(reader, left);
	ret = t1x_mmio_register(fill->c, dma);
	if (ret)
		return ret;
	fill->room = min(fill->room, 1U);
	t1x_mmio_read_begin(dma);
	return t1x_pfn_reader_fill(reader);
}

/* Reads the next run of a memory region, which has pinned and charged its pages. */
static int t1x_fill_read_mr(struct t1x_fill *fill)
{
	unsigned long index = t1x_fill_index(fill);

	cond_resched();
	if (READ_ONCE(fill->c->dying))
		return -ENODEV;
	if (fatal_signal_pending(current))
		return -EINTR;
	fill->slice = t1x_umem_slice(t1x_umem_next(&fill->pos),
				     fill->dma->mr_first + index,
				     t1x_dma_npages(fill->dma) - index);
	return 0;
}

static const struct t1x_run *t1x_fill_peek_mr(struct t1x_fill *fill, int *ret)
{
	if (!fill->slice.npages && t1x_fill_index(fill) != t1x_dma_npages(fill->dma))
		*ret = t1x_fill_read_mr(fill);
	return !*ret && fill->slice.npages ? &fill->slice : NULL;
}

/* The next run, to be consumed by t1x_fill_add(); %NULL at the end, or with @ret set. */
static const struct t1x_run *t1x_fill_peek(struct t1x_fill *fill, int *ret)
{
	const struct t1x_run *run;

	if (unlikely(fill->dma->registered))
		return t1x_fill_peek_mr(fill, ret);
	while (!(run = t1x_pfn_reader_peek(&fill->reader))) {
		if (!fill->reader.left)
			return NULL;
		*ret = t1x_fill_read(fill);
		if (unlikely(*ret))
			return NULL;
	}
	return run;
}

/* --- add: runs that are ready, and their charge --------------------------------- */

/* Makes room for runs in the list of the mapping, or takes the spare one. */
static void t1x_fill_reserve(struct t1x_fill *fill)
{
	struct t1x_dma *dma = fill->dma;
	gfp_t gfp = t1x_mmio_lock(fill->c, dma);

	fill->full = unlikely(dma->untracked) || t1x_runs_reserve(&dma->runs, gfp);
	fill->ready = NULL;
	fill->room = 1;
	if (likely(!fill->full))
		fill->ready = t1x_runs_room(&dma->runs, &fill->room);
	if (!fill->ready)
		fill->ready = &fill->spare;
	if (unlikely(t1x_dma_mmio(dma)))
		fill->room = 1;
	t1x_mmio_unlock(fill->c, dma);
}

/* Do pages continue the last run that is ready? */
static bool t1x_fill_joins(const struct t1x_fill *fill,
			   const struct t1x_run *next)
{
	return fill->nr && t1x_run_joins(&fill->ready[fill->nr - 1], next);
}

/* Can a run become ready before those that are ready are mapped? */
static bool t1x_fill_fits(const struct t1x_fill *fill, const struct t1x_run *next)
{
	return fill->npages + next->npages <= T1X_SYNC_PAGES &&
	       (t1x_fill_joins(fill, next) ||
		(fill->nr < fill->room && fill->npages < T1X_READY_PAGES));
}

/* Counts pages that become ready; @nram of them have to be charged. */
static void t1x_fill_count(struct t1x_fill *fill, unsigned long nram,
			   unsigned long npages)
{
	dma_addr_t iova = t1x_dma_iova_at(fill->dma, t1x_fill_index(fill));

	fill->credit -= t1x_access_pages_not_held(&fill->c->access_pages, iova,
						  nram, npages);
	fill->npages += npages;
}

/* Makes runs of single pages ready, at most @most; sets @nram to those to be charged. */
static unsigned int t1x_fill_next_singles(struct t1x_fill *fill, unsigned long most,
					  unsigned long *nram)
{
	struct t1x_run *runs = fill->ready + fill->nr;

	*nram = 0;
	if (unlikely(fill->dma->registered)) {
		most = min(most, t1x_dma_npages(fill->dma) - t1x_fill_index(fill));
		return t1x_umem_next_singles(&fill->pos, runs, most);
	}
	*nram = t1x_pfn_reader_next_singles(&fill->reader, runs, most);
	return *nram;
}

/*
 * Consumes the run that t1x_fill_peek() returned, and the single pages behind it: where
 * no two pages are contiguous, this is the loop that a page goes through.
 */
static void t1x_fill_add(struct t1x_fill *fill, const struct t1x_run *next)
{
	unsigned long nram = t1x_run_nram(next), npages = next->npages, most;
	unsigned int n;

	if (t1x_fill_joins(fill, next))
		t1x_run_join(&fill->ready[fill->nr - 1], next);
	else
		fill->ready[fill->nr++] = *next;
	t1x_fill_count(fill, nram, npages);
	fill->slice.npages = 0;
	t1x_pfn_reader_consume(&fill->reader);

	if (fill->nr >= fill->room)
		return;
	most = min_t(unsigned long, T1X_SYNC_PAGES - fill->npages,
		     fill->room - fill->nr);
	n = t1x_fill_next_singles(fill, most, &nram);
	fill->nr += n;
	t1x_fill_count(fill, nram, n);
}

/* Pages that the reader has pinned, that are not ready, and that need a charge. */
static unsigned long t1x_fill_pending(const struct t1x_fill *fill)
{
	unsigned long npages = t1x_pfn_reader_pending(&fill->reader);
	dma_addr_t iova = t1x_dma_iova_at(fill->dma, t1x_fill_index(fill));

	return t1x_access_pages_not_held(&fill->c->access_pages, iova, npages,
					 npages);
}

/* Charges what is ready and is not charged, and what comes next, see the top. */
static int t1x_fill_charge(struct t1x_fill *fill)
{
	struct t1x_owner *owner = &fill->dma->owner;
	unsigned long charged = owner->charged, more;
	int ret;

	if (likely(fill->credit >= 0))
		return 0;
	more = t1x_dma_npages(fill->dma) - t1x_fill_index(fill);
	if (more)
		more = t1x_owner_unlimited(owner) ? min(more, T1X_CHARGE_AHEAD) :
						    t1x_fill_pending(fill);
	ret = t1x_charge(owner, -fill->credit, more, t1x_dma_npages(fill->dma),
			 &fill->c->errlog);
	fill->credit += owner->charged - charged;
	return ret;
}

/* --- flush: map what is ready --------------------------------------------------- */

/*
 * May what is ready be mapped?  If the list of runs cannot grow, the mapping becomes
 * untracked, unless more has to be known of its runs than a domain can tell.  On failure
 * @why is set to the reason.
 */
static int t1x_fill_check(struct t1x_fill *fill, const char **why)
{
	struct t1x_dma *dma = fill->dma;

	if (unlikely(t1x_dma_mmio(dma)) && t1x_fill_mmio(fill)) {
		if (t1x_mmio_read_retry(dma)) {
			*why = "MMIO was taken from the CPU meanwhile";
			return -EBUSY;
		}
		t1x_mmio_fill(dma, dma->filled, fill->npages);
	}
	if (likely(!fill->full))
		return 0;

	if (fill->spare.huge || t1x_dma_mmio(dma) || dma->registered ||
	    dma->granule_shift) {
		*why = "no memory to remember what is pinned";
		return -ENOMEM;
	}
	if (!dma->untracked) {
		t1x_stat_inc(T1X_STAT_UNTRACKED_MAPPINGS);
		trace_t1x_slow_untracked(fill->c->id, dma->iova, dma->last);
	}
	dma->untracked = true;
	return 0;
}

/* Counts the mapped runs in the container's statistics and traces each one. */
static void t1x_fill_trace_runs(struct t1x_fill *fill, dma_addr_t iova)
{
	const struct t1x_run *run;

	for (run = fill->ready; run < fill->ready + fill->nr; run++) {
		t1x_map_stats_count_run(&fill->stats, iova, run);
		trace_t1x_map_run(fill->c->id, iova, run->pfn, run->npages);
		iova += (dma_addr_t)run->npages << PAGE_SHIFT;
	}
}

/* What was ready is filled: every domain has it, or unfill finds the domain that does. */
static void t1x_fill_record(struct t1x_fill *fill)
{
	struct t1x_dma *dma = fill->dma;

	/* A single page changes no statistics that t1x_map_stats_add() does not. */
	if (fill->npages != fill->nr || trace_t1x_map_run_enabled())
		t1x_fill_trace_runs(fill, t1x_dma_iova_at(dma, dma->filled));
	if (likely(!dma->untracked))
		t1x_runs_extend(&dma->runs, fill->ready, fill->nr, fill->npages);
	dma->filled += fill->npages;
	t1x_stat_add(T1X_STAT_RUNS, fill->nr);
	fill->room = 0;
	fill->nr = 0;
	fill->npages = 0;
}

/*
 * Maps what is ready into every domain, or into none.  If a domain keeps a page all the
 * same, it is recorded as filled, and t1x_dma_unfill() decides on it (I1).  Errors are
 * logged after mmio_lock is dropped: no lock of the module nests inside.
 */
static int t1x_fill_flush(struct t1x_fill *fill)
{
	struct t1x_dma *dma = fill->dma;
	dma_addr_t iova = t1x_dma_iova_at(dma, dma->filled);
	unsigned long npages = fill->npages;
	const char *why = NULL;
	bool stuck = false;
	gfp_t gfp;
	int ret;

	if (!fill->nr)
		return 0;
	gfp = t1x_mmio_lock(fill->c, dma);
	ret = t1x_fill_check(fill, &why);
	if (likely(!ret))
		ret = t1x_domain_list_map(&fill->c->domains, dma, fill->ready,
					  fill->nr, npages, gfp, &stuck);
	if (likely(!ret || stuck))
		t1x_fill_record(fill);
	t1x_mmio_unlock(fill->c, dma);
	if (likely(!ret))
		return 0;
	if (why)
		return t1x_errlog_add(&fill->c->errlog, ret, NULL, why, NULL, 0);
	return t1x_domain_list_log_refused(&fill->c->errlog, ret, iova, npages);
}

/* --- begin and end -------------------------------------------------------------- */

/*
 * A huge page no larger than this lies in one granule, because vaddr and IOVA are both
 * aligned to it; so no split divides the page, and one pin is enough for all of it.
 */
static unsigned long t1x_fill_huge_max(const struct t1x_dma *dma)
{
	return 1UL << min_t(unsigned int, dma->granule_shift,
			    __ffs(t1x_dma_vaddr(dma) | 1UL << 63));
}

static int t1x_fill_begin(struct t1x_fill *fill, struct t1x_container *c,
			  struct t1x_dma *dma)
{
	struct mm_struct *mm = dma->owner.process->mm;

	if (!dma->registered && mm != current->mm && !mmget_not_zero(mm))
		return -ENODEV;

	fill->c = c;
	fill->dma = dma;
	fill->slice.npages = 0;
	fill->ready = NULL;
	fill->full = false;
	fill->room = 0;
	fill->nr = 0;
	fill->npages = 0;
	fill->credit = 0;
	fill->populate = NULL;
	fill->stats = (struct t1x_map_stats_delta){ .largest = 1 };

	t1x_pfn_reader_init(&fill->reader, mm, t1x_dma_vaddr(dma),
			    dma->registered ? 0 : t1x_dma_npages(dma),
			    t1x_dma_writable(dma), c->pin_batch);
	if (dma->granule_shift)
		fill->reader.huge_max = t1x_fill_huge_max(dma);
	if (dma->registered)
		t1x_umem_seek(dma->mr->umem, dma->mr_first, &fill->pos);
	return 0;
}

/* Unpins what is ready and what the reader still holds, and unfills the rest. */
static void t1x_fill_abort(struct t1x_fill *fill,
			   const struct t1x_range *range)
{
	struct t1x_dma *dma = fill->dma;
	unsigned long first = dma->filled;
	const struct t1x_run *run;

	/* The memory that the threads fault in may be the reason for the failure. */
	if (fill->populate)
		t1x_populate_cancel(fill->populate);
	for (run = fill->ready; run < fill->ready + fill->nr; run++) {
		fill->credit += t1x_access_pages_not_held(&fill->c->access_pages,
							  t1x_dma_iova_at(dma, first),
							  t1x_run_nram(run),
							  run->npages);
		first += run->npages;
		t1x_unpin_run(run, false);
	}
	t1x_pfn_reader_release_pins(&fill->reader);
	t1x_dma_unfill(fill->c, range, dma);
}

static void t1x_fill_end(struct t1x_fill *fill, const struct t1x_range *range,
			 int error)
{
	struct t1x_dma *dma = fill->dma;

	if (likely(!error))
		t1x_map_stats_add(fill->c->map_stats, &fill->stats, dma->filled,
				  fill->reader.nr_slow);
	else
		t1x_fill_abort(fill, range);
	if (unlikely(fill->populate))
		t1x_populate_stop(fill->populate);
	if (fill->credit)
		t1x_refund(&dma->owner, fill->credit);
	t1x_pfn_reader_destroy(&fill->reader);

	/* The last user of an address space tears it down, which takes long. */
	if (!dma->registered && dma->owner.process->mm != current->mm)
		mmput_async(dma->owner.process->mm);
}

/**
 * t1x_dma_fill() - pin the memory of a mapping and map it into all domains
 * @c: the container
 * @range: the caller's range, which covers the mapping
 * @dma: the mapping, with nothing filled
 *
 * Without a domain nothing is done; attaching the first group fills the mapping.
 *
 * Context: may sleep long.  May be called by another process than the owner.
 * Return: 0; -EFAULT, -ENOMEM, -EINTR, -ENODEV (the container is going away),
 * -EBUSY (MMIO was taken from the CPU meanwhile) or an error of the IOMMU.  On
 * failure nothing stays filled, unless the IOMMU would not unmap; then
 * @dma->filled says how much.
 */
int t1x_dma_fill(struct t1x_container *c, const struct t1x_range *range,
		 struct t1x_dma *dma)
{
	const struct t1x_run *run;
	struct t1x_fill fill;
	int ret;

	t1x_range_assert_held(range, dma->iova, dma->last);

	if (list_empty(&c->domains))
		return 0;
	ret = t1x_fill_begin(&fill, c, dma);
	if (ret)
		return ret;
	while ((run = t1x_fill_peek(&fill, &ret))) {
		if (!t1x_fill_fits(&fill, run)) {
			ret = t1x_fill_flush(&fill);
			if (unlikely(ret))
				break;
			t1x_fill_reserve(&fill);
		}
		t1x_fill_add(&fill, run);
		ret = t1x_fill_charge(&fill);
		if (unlikely(ret))
			break;
	}
	if (likely(!ret))
		ret = t1x_fill_flush(&fill);
	t1x_fill_end(&fill, range, ret);
	return ret;
}
