// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling a mapping: where pin, charge and map meet.
 *
 * Filling goes up the mapping: pin a batch, charge its RAM, join what is
 * contiguous into runs across batches, map each run into every domain, remember
 * it.  Because t1x_dma.filled is a prefix at every moment, a fill that failed half
 * way is undone by the ordinary unfill (I4).
 *
 * RAM is charged before it is mapped, but not run by run: the first run of a
 * mapping pays for the rest in advance, up to T1X_CHARGE_AHEAD and if the limit
 * allows.  What turns out not to be RAM is refunded in the end.
 *
 * Whoever calls has either made the mapping busy, or holds the container's lock
 * with nothing busy; so domains neither come nor go.
 */
#include "fill.h"

#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "account.h"
#include "container.h"
#include "dma.h"
#include "domain.h"
#include "pin.h"
#include "populate.h"
#include "prereg.h"
#include "revoke.h"
#include "stats.h"
#include "t1x.h"

/* Pages charged in advance, 1 GiB of them. */
#define T1X_CHARGE_AHEAD	(1UL << (30 - PAGE_SHIFT))

/**
 * struct t1x_fill - a fill under way
 * @c: the container
 * @dma: the mapping
 * @pin: reads the user's memory
 * @run: read, charged, and to be mapped behind what is filled
 * @credit: pages charged that nothing read so far has used
 * @populate: faults memory in ahead of @pin, %NULL if that is not worth it
 */
struct t1x_fill {
	struct t1x_container *c;
	struct t1x_dma *dma;
	struct t1x_pin pin;
	struct t1x_run run;
	unsigned long credit;
	struct t1x_populate *populate;
};

/* Reads the next batch; if much memory turns out to be cold, with help from then on. */
static int t1x_fill_refill(struct t1x_fill *fill)
{
	struct t1x_pin *pin = &fill->pin;
	int ret;

	if (fill->populate) {
		ret = t1x_populate_reach(fill->populate, pin->vaddr);
		if (ret)
			return ret;
	}
	ret = t1x_pin_refill(pin);
	if (ret || fill->populate || !pin->cold || !pin->write ||
	    pin->mm != current->mm)
		return ret;
	fill->populate = t1x_populate_start(pin->mm, pin->vaddr, pin->left);
	return 0;
}

/*
 * Reads the next batch.  MMIO is read once more if it has to be watched and was
 * not; what was read before is stale if anything since then is.
 */
static int t1x_fill_read(struct t1x_fill *fill)
{
	const struct t1x_run *run = &fill->run, *next;
	struct t1x_pin *pin = &fill->pin;
	struct t1x_dma *dma = fill->dma;
	unsigned long left = pin->left;
	int ret;

	if (READ_ONCE(fill->c->dying))
		return -ENODEV;
	if (dma->watch && (!run->npages || run->pinned))
		t1x_watch_begin(dma);
	ret = t1x_fill_refill(fill);
	if (ret || dma->watch || !READ_ONCE(t1x_revoke_mmio))
		return ret;
	next = t1x_pin_peek(pin);
	if (next->pinned)
		return 0;

	t1x_pin_rewind(pin, left);
	ret = t1x_watch(fill->c, dma);
	if (ret)
		return ret;
	t1x_watch_begin(dma);
	return t1x_pin_refill(pin);
}

/* Pages to be charged for a run at page @first of the mapping. */
static unsigned long t1x_fill_cost(struct t1x_fill *fill,
				   const struct t1x_run *run,
				   unsigned long first)
{
	return t1x_dma_not_held(fill->c, fill->dma, run->ram ? run->npages : 0,
				first, run->npages);
}

/*
 * What is watched is filled under mmio_lock.  Reclaim may invalidate it, which
 * takes that lock, so memory is there at once or not at all.
 */
static gfp_t t1x_fill_lock(struct t1x_container *c, const struct t1x_dma *dma)
{
	if (likely(!dma->watch))
		return GFP_KERNEL_ACCOUNT;
	mutex_lock(&c->mmio_lock);
	return GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN;
}

static void t1x_fill_unlock(struct t1x_container *c, const struct t1x_dma *dma)
{
	if (unlikely(dma->watch))
		mutex_unlock(&c->mmio_lock);
}

/* Takes a run back out of the domains before @d; returns whether one kept it. */
static bool t1x_fill_undo(struct t1x_container *c, struct t1x_domain *d,
			  dma_addr_t iova, unsigned long npages)
{
	struct iommu_iotlb_gather gather;
	bool stuck = false;

	list_for_each_entry_continue_reverse(d, &c->domains, node) {
		t1x_gather_init(&gather);
		stuck |= t1x_domain_unmap(d, &gather, iova, npages);
		t1x_domain_sync(d, &gather);
	}
	return stuck;
}

/* Room for a run; without, the mapping is untracked from here on. */
static int t1x_fill_reserve(struct t1x_dma *dma, const struct t1x_run *run,
			    gfp_t gfp)
{
	if (unlikely(dma->untracked) || t1x_runs_reserve(&dma->runs, gfp)) {
		/* Whose pins, revocation or cuts need more than a domain knows. */
		if (run->huge || dma->watch || dma->claim ||
		    dma->granule_shift)
			return -ENOMEM;
		if (!dma->untracked)
			t1x_stat_inc(T1X_STAT_UNTRACKED_MAPPINGS);
		dma->untracked = true;
	}
	return 0;
}

/* Maps @fill->run into every domain, or into none. */
static int t1x_fill_run_locked(struct t1x_fill *fill, gfp_t gfp)
{
	struct t1x_container *c = fill->c;
	struct t1x_run *run = &fill->run;
	struct t1x_dma *dma = fill->dma;
	dma_addr_t iova = t1x_dma_iova_at(dma, dma->filled);
	struct t1x_domain *d;
	bool stuck;
	int ret;

	ret = t1x_fill_reserve(dma, run, gfp);
	if (ret)
		return ret;

	list_for_each_entry(d, &c->domains, node) {
		ret = t1x_domain_map(d, iova, run, dma->prot,
				     dma->granule_shift, gfp);
		if (unlikely(ret)) {
			stuck = ret == -EIO;
			stuck |= t1x_fill_undo(c, d, iova, run->npages);
			if (!stuck)
				return ret;
			/* Left to unfill, which checks (I1). */
			break;
		}
	}

	if (likely(!dma->untracked))
		t1x_runs_push(&dma->runs, run);
	dma->filled += run->npages;
	run->npages = 0;
	t1x_stat_inc(T1X_STAT_RUNS);
	return ret;
}

/* The same for a mapping whose MMIO is watched. */
static int t1x_fill_run_watched(struct t1x_fill *fill)
{
	struct t1x_dma *dma = fill->dma;
	gfp_t gfp = t1x_fill_lock(fill->c, dma);
	int ret = -EBUSY;

	if (fill->run.pinned || !t1x_watch_hit(dma))
		ret = t1x_fill_run_locked(fill, gfp);
	t1x_fill_unlock(fill->c, dma);
	return ret;
}

static int t1x_fill_run(struct t1x_fill *fill)
{
	if (unlikely(fill->dma->watch))
		return t1x_fill_run_watched(fill);
	return t1x_fill_run_locked(fill, GFP_KERNEL_ACCOUNT);
}

/* Charges what was read next, and makes it a part of @fill->run, which it joins. */
static int t1x_fill_take(struct t1x_fill *fill, const struct t1x_run *next)
{
	unsigned long first = fill->dma->filled + fill->run.npages;
	unsigned long cost = t1x_fill_cost(fill, next, first), more;
	struct t1x_owner *owner = &fill->dma->owner;
	unsigned long charged = owner->charged;
	int ret;

	if (cost > fill->credit) {
		more = t1x_dma_npages(fill->dma) - first - next->npages;
		ret = t1x_charge(owner, cost - fill->credit,
				 min(more, T1X_CHARGE_AHEAD));
		if (ret)
			return ret;
		fill->credit += owner->charged - charged;
	}
	fill->credit -= cost;
	t1x_run_join(&fill->run, next);
	t1x_pin_consume(&fill->pin);
	return 0;
}

/*
 * The loop of t1x_dma_fill().  On failure @fill->run and what @fill->pin still
 * holds are pinned and not mapped; of these, @fill->run is charged.
 */
static int t1x_fill_pages(struct t1x_fill *fill)
{
	const struct t1x_run *next;
	int ret = 0;

	do {
		next = t1x_pin_peek(&fill->pin);
		if (!next && fill->pin.left) {
			ret = t1x_fill_read(fill);
			continue;
		}
		if (!next || !t1x_run_joins(&fill->run, next))
			ret = t1x_fill_run(fill);
		if (!next)
			break;
		if (likely(!ret))
			ret = t1x_fill_take(fill, next);
	} while (likely(!ret));
	return ret;
}

static void t1x_fill_give_up(struct t1x_fill *fill)
{
	struct t1x_dma *dma = fill->dma;

	fill->credit += t1x_fill_cost(fill, &fill->run, dma->filled);
	if (fill->run.npages)
		t1x_unpin(&fill->run, false);
	t1x_pin_drain(&fill->pin);
	t1x_dma_unfill(fill->c, dma);
}

/* Fills a mapping of registered memory, which is pinned and charged already. */
static int t1x_dma_fill_claimed(struct t1x_container *c, struct t1x_dma *dma)
{
	unsigned long npages = t1x_dma_npages(dma);
	const struct t1x_region_run *at;
	struct t1x_fill fill;
	int ret = 0;

	fill.c = c;
	fill.dma = dma;
	at = t1x_claim_run(dma->claim, dma->claim_first);
	while (!ret && dma->filled < npages) {
		fill.run = t1x_region_cut(at++, dma->claim_first + dma->filled,
					  npages - dma->filled);
		ret = READ_ONCE(c->dying) ? -ENODEV : t1x_fill_run(&fill);
		cond_resched();
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
	}
	if (unlikely(ret))
		t1x_dma_unfill(c, dma);
	return ret;
}

/* A page no larger has all its parts on the same side of every cut. */
static unsigned long t1x_dma_huge_max(const struct t1x_dma *dma)
{
	return 1UL << min_t(unsigned int, dma->granule_shift,
			    __ffs(dma->vaddr | 1UL << 63));
}

/**
 * t1x_dma_fill() - pin the memory of a mapping and map it into all domains
 * @c: the container
 * @dma: the mapping, with nothing filled
 *
 * Without a domain nothing is done; the first one to come fills what is there.
 *
 * Context: the mapping is busy, or the lock is held; may be called by another
 * process than the owner.
 * Return: 0; -EFAULT, -ENOMEM, -EINTR, -ENODEV (the container is going away),
 * -EBUSY (MMIO was taken from the CPU meanwhile) or an error of the IOMMU.  On
 * failure nothing stays filled, unless the IOMMU would not unmap; then
 * @dma->filled says how much.
 */
int t1x_dma_fill(struct t1x_container *c, struct t1x_dma *dma)
{
	struct mm_struct *mm = dma->owner.mm;
	struct t1x_fill fill;
	int ret;

	t1x_container_assert(c);

	if (list_empty(&c->domains))
		return 0;
	if (dma->claim)
		return t1x_dma_fill_claimed(c, dma);
	if (mm != current->mm && !mmget_not_zero(mm))
		return -ENODEV;

	fill.c = c;
	fill.dma = dma;
	fill.run.npages = 0;
	fill.credit = 0;
	fill.populate = NULL;
	t1x_pin_init(&fill.pin, mm, dma->vaddr, t1x_dma_npages(dma),
		     t1x_dma_writable(dma), c->pin_batch);
	if (dma->granule_shift)
		fill.pin.huge_max = t1x_dma_huge_max(dma);
	ret = t1x_fill_pages(&fill);
	if (fill.populate)
		t1x_populate_stop(fill.populate);
	if (unlikely(ret))
		t1x_fill_give_up(&fill);
	if (fill.credit)
		t1x_refund(&dma->owner, fill.credit);
	t1x_pin_exit(&fill.pin);

	/* Never tear an address space down while a mapping is being filled. */
	if (mm != current->mm)
		mmput_async(mm);
	return ret;
}

/**
 * t1x_dma_replay() - map what a mapping holds into one more domain
 * @c: the container, whose first domain holds the mapping
 * @dma: the mapping
 * @d: the new domain, last in the list
 *
 * No page is pinned or charged again.
 *
 * Context: the lock is held.
 * Return: 0, or an error of the IOMMU; then @d is good for nothing but
 * t1x_domain_free(), which ends all its translations.
 */
int t1x_dma_replay(struct t1x_container *c, struct t1x_dma *dma,
		   struct t1x_domain *d)
{
	unsigned long index = dma->filled;
	const struct t1x_run *run;
	struct t1x_domain *source;
	struct t1x_runs_pos pos;
	struct t1x_run found;
	int ret = 0;
	gfp_t gfp;

	lockdep_assert_held(&c->lock);

	gfp = t1x_fill_lock(c, dma);
	source = list_first_entry(&c->domains, struct t1x_domain, node);
	while (index > dma->runs.npages && !ret) {
		index -= t1x_dma_lookup(source, dma, index, &found);
		ret = t1x_domain_map(d, t1x_dma_iova_at(dma, index), &found,
				     dma->prot, dma->granule_shift, gfp);
	}

	t1x_runs_walk(&dma->runs, &pos);
	while (!ret && (run = t1x_runs_next(&pos))) {
		index -= run->npages;
		if (!run->revoked)
			ret = t1x_domain_map(d, t1x_dma_iova_at(dma, index),
					     run, dma->prot,
					     dma->granule_shift, gfp);
	}
	t1x_fill_unlock(c, dma);
	return ret;
}
