// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling a mapping: where pin, charge and map meet.
 *
 * Filling goes up the mapping: pin a batch, join what is contiguous into runs
 * across batches, charge their RAM, map them into every domain, remember them.
 * Runs are written to the room that the list of the mapping has, and mapped when
 * that is full; so what is done for each of them is little, and nothing is copied.
 * Because t1x_dma.filled is a prefix at every moment, a fill that failed half way
 * is undone by the ordinary unfill (I4).
 *
 * For a group that comes later the same is mapped into one more domain: the runs tell
 * what, and the first domain what is not tracked.
 *
 * RAM is charged before it is mapped, but not run by run: the first run pays for all
 * that is pinned behind it, and where no limit applies for what is to be pinned next,
 * up to T1X_CHARGE_AHEAD.  What turns out not to be RAM is refunded in the end.
 *
 * The caller has locked a range that covers the mapping, so the list of domains cannot
 * change.
 */
#include "fill.h"

#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "account.h"
#include "container.h"
#include "dma.h"
#include "domain_list.h"
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
 * With so many pages ready nothing is won by waiting for more, and signals are not looked
 * for while they are mapped.
 */
#define T1X_READY_PAGES		512UL

/**
 * struct t1x_fill - a fill under way
 * @c: the container
 * @dma: the mapping
 * @reader: reads the user's memory
 * @ready: runs read, to be mapped behind what is filled; the next pages may join
 *	the last one.  Written to where the list of the mapping has room
 * @spare: room for a run where there is no memory for more
 * @room: runs that fit into @ready
 * @nr: runs in @ready
 * @npages: pages in these, at most T1X_SYNC_PAGES
 * @credit: pages charged that nothing read so far has used; negative, if what is
 *	ready has to be charged yet
 * @populate: faults memory in ahead of @reader, %NULL if that is not worth it
 * @stats: what there is to tell of the runs so far
 */
struct t1x_fill {
	struct t1x_container *c;
	struct t1x_dma *dma;
	struct t1x_pfn_reader reader;
	struct t1x_run *ready;
	struct t1x_run spare;
	unsigned int room;
	unsigned int nr;
	unsigned long npages;
	long credit;
	struct t1x_populate *populate;
	struct t1x_map_stats_delta stats;
};

static void t1x_fill_init(struct t1x_fill *fill, struct t1x_container *c,
			  struct t1x_dma *dma)
{
	fill->c = c;
	fill->dma = dma;
	fill->ready = NULL;
	fill->room = 0;
	fill->nr = 0;
	fill->npages = 0;
	fill->credit = 0;
	fill->populate = NULL;
	fill->stats = (struct t1x_map_stats_delta){ .largest = 1 };
}

/* Is MMIO ready?  If it is watched there is nothing else. */
static bool t1x_fill_mmio(const struct t1x_fill *fill)
{
	return fill->nr && !fill->ready[fill->nr - 1].pinned;
}

/* Reads the next batch; if much memory turns out to be cold, with help from then on. */
static int t1x_fill_refill(struct t1x_fill *fill)
{
	struct t1x_pfn_reader *reader = &fill->reader;
	int ret;

	if (fill->populate) {
		ret = t1x_populate_wait(fill->populate, reader->vaddr);
		if (ret)
			return ret;
	}
	ret = t1x_pfn_reader_fill(reader);
	if (ret || fill->populate || !reader->cold || !reader->write ||
	    reader->mm != current->mm)
		return ret;
	fill->populate = t1x_populate_start(reader->mm, reader->vaddr, reader->left);
	return 0;
}

/*
 * Reads the next batch.  MMIO is read once more if it has to be watched and was
 * not; what was read before is stale if anything since then is.
 */
static int t1x_fill_read(struct t1x_fill *fill)
{
	struct t1x_pfn_reader *reader = &fill->reader;
	struct t1x_dma *dma = fill->dma;
	unsigned long left = reader->left;
	int ret;

	if (READ_ONCE(fill->c->dying))
		return -ENODEV;
	if (dma->mmio && !t1x_fill_mmio(fill))
		t1x_mmio_read_begin(dma);
	ret = t1x_fill_refill(fill);
	if (unlikely(ret && ret != -EINTR))
		t1x_log_err(&fill->c->errlog, ret,
			    "memory at vaddr %#lx cannot be pinned", reader->vaddr);
	if (ret || dma->mmio || !READ_ONCE(t1x_revoke_mmio))
		return ret;
	if (t1x_pfn_reader_peek(reader)->pinned)
		return 0;

	t1x_pfn_reader_seek(reader, left);
	ret = t1x_mmio_register(fill->c, dma);
	if (ret)
		return ret;
	t1x_mmio_read_begin(dma);
	return t1x_pfn_reader_fill(reader);
}

/* Makes room for runs; if there is none, for one that the list will lack. */
static void t1x_fill_reserve(struct t1x_fill *fill)
{
	struct t1x_dma *dma = fill->dma;
	gfp_t gfp = t1x_mmio_lock(fill->c, dma);

	if (likely(!dma->untracked) && !t1x_runs_reserve(&dma->runs, gfp)) {
		fill->ready = dma->runs.end;
		fill->room = t1x_runs_room(&dma->runs);
	} else {
		fill->ready = &fill->spare;
		fill->room = 1;
	}
	t1x_mmio_unlock(fill->c, dma);
}

/*
 * May what is ready be mapped?  Without room in the list the mapping is untracked from
 * here on, if it may be.  On failure @why is set to the reason.
 */
static int t1x_fill_check(struct t1x_fill *fill, const char **why)
{
	struct t1x_dma *dma = fill->dma;

	if (unlikely(dma->mmio) && t1x_fill_mmio(fill) &&
	    t1x_mmio_read_retry(dma)) {
		*why = "MMIO was taken from the CPU meanwhile";
		return -EBUSY;
	}
	if (likely(fill->ready != &fill->spare))
		return 0;

	/* Unpinning, revoking or splitting these takes more than a domain knows. */
	if (fill->spare.huge || dma->mmio || dma->mr || dma->granule_shift) {
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

/* Maps what is ready into every domain, or into none. */
static int t1x_fill_map(struct t1x_fill *fill, gfp_t gfp)
{
	struct t1x_dma *dma = fill->dma;
	dma_addr_t iova = t1x_dma_iova_at(dma, dma->filled);
	bool stuck;
	int ret;

	ret = t1x_domain_list_map(&fill->c->domains, dma, fill->ready, fill->nr,
				  fill->npages, gfp, &stuck);
	/* What is stuck is left to unfill, which checks (I1). */
	if (unlikely(ret && !stuck))
		return ret;

	/* Single pages have nothing to tell that is not known otherwise. */
	if (fill->npages != fill->nr || trace_t1x_map_run_enabled())
		t1x_fill_trace_runs(fill, iova);
	if (likely(!dma->untracked))
		t1x_runs_extend(&dma->runs, fill->nr, fill->npages);
	dma->filled += fill->npages;
	t1x_stat_add(T1X_STAT_RUNS, fill->nr);
	fill->room = 0;
	fill->nr = 0;
	fill->npages = 0;
	return ret;
}

/* Errors are logged after mmio_lock is dropped: no lock of the module nests inside. */
static int t1x_fill_flush(struct t1x_fill *fill)
{
	dma_addr_t iova = t1x_dma_iova_at(fill->dma, fill->dma->filled);
	unsigned long npages = fill->npages;
	const char *why = NULL;
	gfp_t gfp;
	int ret;

	if (!fill->nr)
		return 0;
	gfp = t1x_mmio_lock(fill->c, fill->dma);
	ret = t1x_fill_check(fill, &why);
	if (likely(!ret))
		ret = t1x_fill_map(fill, gfp);
	t1x_mmio_unlock(fill->c, fill->dma);
	if (likely(!ret))
		return 0;
	if (why)
		return t1x_log_err(&fill->c->errlog, ret, "%s", why);
	return t1x_log_err(&fill->c->errlog, ret,
			   "the IOMMU does not map %lu pages at %pad", npages,
			   &iova);
}

/* Runs to collect before they are mapped; what is watched is mapped at once. */
static unsigned int t1x_fill_limit(const struct t1x_fill *fill)
{
	return unlikely(fill->dma->mmio) ? min(fill->room, 1U) : fill->room;
}

/* Would pages continue the last run that is ready? */
static bool t1x_fill_joins(const struct t1x_fill *fill,
			   const struct t1x_run *next)
{
	return fill->nr && t1x_run_joins(&fill->ready[fill->nr - 1], next);
}

/* Sees to it that a run can become ready. */
static int t1x_fill_make_room(struct t1x_fill *fill, const struct t1x_run *next)
{
	int ret;

	if (fill->npages + next->npages <= T1X_SYNC_PAGES &&
	    (t1x_fill_joins(fill, next) ||
	     (fill->nr < t1x_fill_limit(fill) &&
	      fill->npages < T1X_READY_PAGES)))
		return 0;
	ret = t1x_fill_flush(fill);
	if (likely(!ret))
		t1x_fill_reserve(fill);
	return ret;
}

/* Counts pages that are ready now, and what is to be charged for them. */
static void t1x_fill_count(struct t1x_fill *fill, unsigned long nram,
			   unsigned long npages)
{
	unsigned long first = fill->dma->filled + fill->npages;

	fill->credit -= t1x_access_pages_not_held(&fill->c->access_pages,
						  t1x_dma_iova_at(fill->dma, first),
						  nram, npages);
	fill->npages += npages;
}

static void t1x_fill_add(struct t1x_fill *fill, const struct t1x_run *next)
{
	if (t1x_fill_joins(fill, next))
		t1x_run_join(&fill->ready[fill->nr - 1], next);
	else
		fill->ready[fill->nr++] = *next;
	t1x_fill_count(fill, t1x_run_nram(next), next->npages);
}

/* Makes single pages ready, which follow and join nothing. */
static void t1x_fill_add_singles(struct t1x_fill *fill)
{
	unsigned long most = T1X_SYNC_PAGES - fill->npages;
	unsigned int n, limit = t1x_fill_limit(fill);

	if (fill->nr >= limit)
		return;
	n = t1x_pfn_reader_next_singles(&fill->reader, fill->ready + fill->nr,
					min_t(unsigned long, most, limit - fill->nr));
	fill->nr += n;
	t1x_fill_count(fill, n, n);
}

/* Pages that are pinned, not ready yet, and not charged for a mediated device. */
static unsigned long t1x_fill_pending(const struct t1x_fill *fill)
{
	unsigned long npages = t1x_pfn_reader_pending(&fill->reader);
	unsigned long first = fill->dma->filled + fill->npages;

	return t1x_access_pages_not_held(&fill->c->access_pages,
					 t1x_dma_iova_at(fill->dma, first), npages,
					 npages);
}

/* Charges what is ready and has not been, and the rest of what is pinned. */
static int t1x_fill_charge(struct t1x_fill *fill)
{
	struct t1x_owner *owner = &fill->dma->owner;
	unsigned long charged = owner->charged, more;
	int ret;

	if (likely(fill->credit >= 0))
		return 0;
	more = t1x_dma_npages(fill->dma) - fill->dma->filled - fill->npages;
	if (more)
		more = t1x_owner_unlimited(owner) ? min(more, T1X_CHARGE_AHEAD) :
						    t1x_fill_pending(fill);
	ret = t1x_charge(owner, -fill->credit, more, &fill->c->errlog);
	fill->credit += owner->charged - charged;
	return ret;
}

/* Makes what was read next ready. */
static int t1x_fill_take(struct t1x_fill *fill, const struct t1x_run *next)
{
	int ret;

	ret = t1x_fill_make_room(fill, next);
	if (ret)
		return ret;
	t1x_fill_add(fill, next);
	t1x_pfn_reader_consume(&fill->reader);
	t1x_fill_add_singles(fill);
	return t1x_fill_charge(fill);
}

/*
 * The loop of t1x_dma_fill().  On failure what is ready, and what @fill->reader still
 * holds, is pinned and not mapped.
 */
static int t1x_fill_pages(struct t1x_fill *fill)
{
	const struct t1x_run *next;
	int ret = 0;

	while (likely(!ret)) {
		next = t1x_pfn_reader_peek(&fill->reader);
		if (next)
			ret = t1x_fill_take(fill, next);
		else if (fill->reader.left)
			ret = t1x_fill_read(fill);
		else
			return t1x_fill_flush(fill);
	}
	return ret;
}

static void t1x_fill_abort(struct t1x_fill *fill,
			   const struct t1x_range *range)
{
	struct t1x_dma *dma = fill->dma;
	unsigned long first = dma->filled;
	const struct t1x_run *run;

	/* What the threads fault in may be what the caller is being killed for. */
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

/* Fills a mapping of registered memory, which is pinned and charged already. */
static int t1x_dma_fill_mr(struct t1x_container *c,
			   const struct t1x_range *range,
			   struct t1x_dma *dma)
{
	unsigned long index = dma->mr_first;
	unsigned long left = t1x_dma_npages(dma);
	struct t1x_fill fill;
	struct t1x_umem_pos pos;
	struct t1x_run run;
	int ret = 0;

	t1x_fill_init(&fill, c, dma);
	t1x_umem_seek(dma->mr->umem, index, &pos);
	while (!ret && left) {
		run = t1x_umem_slice(t1x_umem_next(&pos), index, left);
		index += run.npages;
		left -= run.npages;
		if (READ_ONCE(c->dying))
			ret = -ENODEV;
		else if (fatal_signal_pending(current))
			ret = -EINTR;
		else
			ret = t1x_fill_make_room(&fill, &run);
		if (!ret)
			t1x_fill_add(&fill, &run);
		cond_resched();
	}
	if (!ret)
		ret = t1x_fill_flush(&fill);
	if (likely(!ret))
		t1x_map_stats_add(&c->map_stats, &fill.stats, dma->filled, 0);
	else
		t1x_dma_unfill(c, range, dma);
	return ret;
}

/* A page no larger has all its parts on the same side of every split. */
static unsigned long t1x_dma_huge_max(const struct t1x_dma *dma)
{
	return 1UL << min_t(unsigned int, dma->granule_shift,
			    __ffs(dma->vaddr | 1UL << 63));
}

/**
 * t1x_dma_fill() - pin the memory of a mapping and map it into all domains
 * @c: the container
 * @range: the caller's range, which covers the mapping
 * @dma: the mapping, with nothing filled
 *
 * Without a domain nothing is done; the first one to come fills what is there.
 *
 * Context: may be called by another process than the owner.
 * Return: 0; -EFAULT, -ENOMEM, -EINTR, -ENODEV (the container is going away),
 * -EBUSY (MMIO was taken from the CPU meanwhile) or an error of the IOMMU.  On
 * failure nothing stays filled, unless the IOMMU would not unmap; then
 * @dma->filled says how much.
 */
int t1x_dma_fill(struct t1x_container *c, const struct t1x_range *range,
		 struct t1x_dma *dma)
{
	struct mm_struct *mm = dma->owner.mm;
	struct t1x_fill fill;
	int ret;

	t1x_range_assert_held(range, dma->iova, dma->last);

	if (list_empty(&c->domains))
		return 0;
	if (dma->mr)
		return t1x_dma_fill_mr(c, range, dma);
	if (mm != current->mm && !mmget_not_zero(mm))
		return -ENODEV;

	t1x_fill_init(&fill, c, dma);
	t1x_pfn_reader_init(&fill.reader, mm, dma->vaddr, t1x_dma_npages(dma),
			    t1x_dma_writable(dma), c->pin_batch);
	if (dma->granule_shift)
		fill.reader.huge_max = t1x_dma_huge_max(dma);
	ret = t1x_fill_pages(&fill);
	if (likely(!ret))
		t1x_map_stats_add(&c->map_stats, &fill.stats, dma->filled,
				  fill.reader.nr_slow);
	else
		t1x_fill_abort(&fill, range);
	if (unlikely(fill.populate))
		t1x_populate_stop(fill.populate);
	if (fill.credit)
		t1x_refund(&dma->owner, fill.credit);
	t1x_pfn_reader_destroy(&fill.reader);

	/* Never tear an address space down while a mapping is being filled. */
	if (mm != current->mm)
		mmput_async(mm);
	return ret;
}

/**
 * t1x_dma_fill_domain() - map what a mapping holds into one more domain
 * @c: the container, whose first domain holds the mapping
 * @range: the caller's range, which covers the mapping
 * @dma: the mapping
 * @d: the new domain, last in the list
 *
 * No page is pinned or charged again.
 *
 * Context: the lock is held.
 * Return: 0, or an error of the IOMMU; then @d is good for nothing but
 * t1x_domain_free(), which ends all its translations.
 */
int t1x_dma_fill_domain(struct t1x_container *c, const struct t1x_range *range,
			struct t1x_dma *dma, struct t1x_domain *d)
{
	unsigned long index = dma->filled;
	const struct t1x_run *run;
	struct t1x_domain *source;
	struct t1x_runs_pos pos;
	struct t1x_run found;
	int ret = 0;
	gfp_t gfp;

	lockdep_assert_held(&c->lock);
	t1x_range_assert_held(range, dma->iova, dma->last);

	gfp = t1x_mmio_lock(c, dma);
	source = list_first_entry(&c->domains, struct t1x_domain, node);
	while (index > dma->runs.npages && !ret) {
		index -= t1x_dma_read_domain(source, dma, index, &found);
		ret = t1x_domain_map(d, t1x_dma_iova_at(dma, index), &found, 1,
				     dma->prot, dma->granule_shift, gfp);
	}

	t1x_runs_walk(&dma->runs, &pos);
	while (!ret && (run = t1x_runs_next(&pos))) {
		index -= run->npages;
		if (!run->revoked)
			ret = t1x_domain_map(d, t1x_dma_iova_at(dma, index),
					     run, 1, dma->prot,
					     dma->granule_shift, gfp);
	}
	t1x_mmio_unlock(c, dma);
	return ret;
}
