// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling a mapping and its inverse: where pin, charge and map meet.
 *
 * Filling goes up the mapping: pin a batch, charge its RAM, join what is
 * contiguous into runs across batches, map each run into every domain, remember
 * it.  Unfilling goes down: unmap up to T1X_SYNC_RUNS runs as one range, sync,
 * unpin them, refund at the end.  Because t1x_dma.filled is a prefix at every
 * moment, a fill that failed half way is undone by the ordinary unfill (I4).
 *
 * A mapping whose runs could not be remembered (no memory) is untracked: the
 * pages beyond its runs are looked up in a domain before they are unmapped.
 */
#include "fill.h"

#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "account.h"
#include "container.h"
#include "dma.h"
#include "domain.h"
#include "pin.h"
#include "revoke.h"
#include "stats.h"
#include "t1x.h"

/* Runs looked up in a domain between two syncs: they stand on the stack. */
#define T1X_LOOKUP_RUNS		16

static bool t1x_dma_writable(const struct t1x_dma *dma)
{
	return dma->prot & IOMMU_WRITE;
}

/*
 * Makes sure that no domain translates a range of a mapping, not even from its
 * IOTLB: on success, and only then, its pages may be unpinned (I1).
 */
static int t1x_unmap_sync(struct t1x_container *c, const struct t1x_dma *dma,
			  unsigned long first, unsigned long npages)
{
	dma_addr_t iova = t1x_dma_iova_at(dma, first);
	struct t1x_domain *d;
	int ret = 0;

	list_for_each_entry(d, &c->domains, node)
		if (t1x_domain_unmap(d, iova, npages))
			ret = -EIO;
	list_for_each_entry(d, &c->domains, node)
		t1x_domain_sync(d);
	return ret;
}

/*
 * RAM among @nram pages of a range that no mediated device holds: those are
 * charged for as long as either of the two has them (I2).
 */
static unsigned long t1x_not_held(struct t1x_dma *dma, unsigned long nram,
				  unsigned long first, unsigned long npages)
{
	return nram - min(nram, t1x_pins_nram(&dma->pins, first, npages));
}

/*
 * Reads the next batch.  MMIO is read once more if it has to be watched and was
 * not; @run is what was read before, and stale if anything since then is.
 */
static int t1x_fill_read(struct t1x_container *c, struct t1x_dma *dma,
			 struct t1x_pin *pin, const struct t1x_run *run)
{
	unsigned long left = pin->left;
	int ret;

	if (dma->watch && (!run->npages || run->pinned))
		t1x_watch_begin(dma);
	ret = t1x_pin_refill(pin);
	if (ret || !pin->mmio.npages || dma->watch ||
	    !READ_ONCE(t1x_revoke_mmio))
		return ret;

	t1x_pin_rewind(pin, left);
	ret = t1x_watch(c, dma);
	if (ret)
		return ret;
	t1x_watch_begin(dma);
	return t1x_pin_refill(pin);
}

/* Pins and charges the next batch, or does neither. */
static int t1x_fill_refill(struct t1x_container *c, struct t1x_dma *dma,
			   struct t1x_pin *pin, const struct t1x_run *run)
{
	unsigned long first = t1x_dma_npages(dma) - pin->left;
	unsigned long left = pin->left;
	int ret;

	ret = t1x_fill_read(c, dma, pin, run);
	if (ret)
		return ret;

	ret = t1x_charge(&dma->owner, t1x_not_held(dma, pin->nram, first,
						   left - pin->left));
	if (ret)
		t1x_pin_rewind(pin, left);
	return ret;
}

/*
 * What is watched is filled under mmio_lock.  Reclaim may invalidate it, which
 * takes that lock, so memory is there at once or not at all.
 */
static gfp_t t1x_fill_lock(struct t1x_container *c, const struct t1x_dma *dma)
{
	if (!dma->watch)
		return GFP_KERNEL_ACCOUNT;
	mutex_lock(&c->mmio_lock);
	return GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN;
}

static void t1x_fill_unlock(struct t1x_container *c, const struct t1x_dma *dma)
{
	if (dma->watch)
		mutex_unlock(&c->mmio_lock);
}

/* Maps a run behind what is filled, into every domain or into none. */
static int t1x_fill_run_locked(struct t1x_container *c, struct t1x_dma *dma,
			       const struct t1x_run *run, gfp_t gfp)
{
	dma_addr_t iova = t1x_dma_iova_at(dma, dma->filled);
	struct t1x_domain *d;
	bool stuck;
	int ret;

	if (!dma->untracked && t1x_runs_reserve(&dma->runs, gfp)) {
		/* What may be revoked must be remembered. */
		if (dma->watch)
			return -ENOMEM;
		dma->untracked = true;
		t1x_stat_inc(T1X_STAT_UNTRACKED_MAPPINGS);
	}

	list_for_each_entry(d, &c->domains, node) {
		ret = t1x_domain_map(d, iova, run, dma->prot, gfp);
		if (ret)
			goto err_unmap;
	}
	goto out_filled;

err_unmap:
	stuck = ret == -EIO;
	list_for_each_entry_continue_reverse(d, &c->domains, node) {
		stuck |= t1x_domain_unmap(d, iova, run->npages);
		t1x_domain_sync(d);
	}
	if (!stuck)
		return ret;
	/* Still mapped somewhere: leave it to unfill, which checks (I1). */
out_filled:
	if (!dma->untracked)
		t1x_runs_push(&dma->runs, run);
	dma->filled += run->npages;
	t1x_stat_inc(T1X_STAT_RUNS);
	return ret;
}

static int t1x_fill_run(struct t1x_container *c, struct t1x_dma *dma,
			const struct t1x_run *run)
{
	gfp_t gfp = t1x_fill_lock(c, dma);
	int ret = -EBUSY;

	if (!dma->watch || run->pinned || !t1x_watch_hit(dma))
		ret = t1x_fill_run_locked(c, dma, run, gfp);
	t1x_fill_unlock(c, dma);
	return ret;
}

/*
 * The loop of t1x_dma_fill().  On failure @run and what @pin still holds are
 * pinned, charged and not mapped.
 */
static int t1x_fill_pinned(struct t1x_container *c, struct t1x_dma *dma,
			   struct t1x_pin *pin, struct t1x_run *run)
{
	unsigned long filled;
	struct t1x_run next;
	int ret;

	for (;;) {
		if (READ_ONCE(c->dying))
			return -ENODEV;

		if (t1x_pin_peek(pin, &next)) {
			if (t1x_run_join(run, &next)) {
				t1x_pin_consume(pin, next.npages);
				continue;
			}
		} else if (pin->left) {
			ret = t1x_fill_refill(c, dma, pin, run);
			if (ret)
				return ret;
			continue;
		} else if (!run->npages) {
			return 0;
		}

		filled = dma->filled;
		ret = t1x_fill_run(c, dma, run);
		if (dma->filled != filled)
			run->npages = 0;
		if (ret)
			return ret;
	}
}

/**
 * t1x_dma_fill() - pin the memory of a mapping and map it into all domains
 * @c: the container
 * @dma: the mapping, with nothing filled
 *
 * Without a domain nothing is done; the first one to come fills what is there.
 *
 * Context: the lock is held; may be called by another process than the owner.
 * Return: 0; -EFAULT, -ENOMEM, -EINTR, -ENODEV (the container is going away),
 * -EBUSY (MMIO was taken from the CPU meanwhile) or an error of the IOMMU.  On
 * failure nothing stays filled, unless the IOMMU would not unmap; then
 * @dma->filled says how much.
 */
int t1x_dma_fill(struct t1x_container *c, struct t1x_dma *dma)
{
	struct t1x_run run = { .npages = 0 };
	unsigned long npages, nram;
	struct t1x_pin pin;
	int ret;

	lockdep_assert_held(&c->lock);

	if (list_empty(&c->domains))
		return 0;
	if (!mmget_not_zero(dma->owner.mm))
		return -ENODEV;

	t1x_pin_init(&pin, dma->owner.mm, dma->vaddr, t1x_dma_npages(dma),
		     t1x_dma_writable(dma), c->pin_batch);
	ret = t1x_fill_pinned(c, dma, &pin, &run);
	if (ret) {
		npages = t1x_dma_npages(dma) - pin.left - dma->filled;
		nram = t1x_unpin(&run, false);
		nram += t1x_pin_drain(&pin);
		t1x_refund(&dma->owner,
			   t1x_not_held(dma, nram, dma->filled, npages));
		t1x_dma_unfill(c, dma);
	}
	t1x_pin_exit(&pin);

	/* Never tear an address space down under the container's lock. */
	mmput_async(dma->owner.mm);
	return ret;
}

/*
 * The run of an untracked mapping that ends before page @index, from the page
 * tables of one domain.  Returns its pages; @run is empty for a page that the
 * domain does not hold, whose pin nobody can find again.
 */
static unsigned long t1x_lookup_run(struct t1x_domain *d,
				    const struct t1x_dma *dma,
				    unsigned long index, struct t1x_run *run)
{
	unsigned long pfn;
	bool ram;

	run->npages = 0;
	pfn = t1x_domain_pfn(d, t1x_dma_iova_at(dma, --index));
	if (!pfn) {
		pr_err_ratelimited("untracked page lost at IOVA %pad\n",
				   &dma->iova);
		return 1;
	}

	ram = t1x_pfn_is_ram(pfn);
	run->pfn = pfn;
	run->npages = 1;
	run->revoked = 0;
	run->pinned = ram;
	run->ram = ram;
	while (index > dma->runs.npages && run->npages < T1X_SYNC_RUNS) {
		pfn = t1x_domain_pfn(d, t1x_dma_iova_at(dma, --index));
		if (pfn != run->pfn - 1 || t1x_pfn_is_ram(pfn) != ram)
			break;
		run->pfn = pfn;
		run->npages++;
	}
	return run->npages;
}

/* Unfills from the top of the part that no run describes. */
static int t1x_unfill_untracked(struct t1x_container *c, struct t1x_dma *dma,
				unsigned long *nram)
{
	struct t1x_run runs[T1X_LOOKUP_RUNS];
	unsigned long index = dma->filled;
	struct t1x_domain *d;
	unsigned int nr;
	int ret;

	d = list_first_entry(&c->domains, struct t1x_domain, node);
	for (nr = 0; nr < T1X_LOOKUP_RUNS && index > dma->runs.npages; nr++)
		index -= t1x_lookup_run(d, dma, index, &runs[nr]);

	ret = t1x_unmap_sync(c, dma, index, dma->filled - index);
	if (ret)
		return ret;

	dma->filled = index;
	while (nr--)
		*nram += t1x_unpin(&runs[nr], t1x_dma_writable(dma));
	return 0;
}

/* Unfills the highest runs, as many as one sync may cover; revoked ones apart. */
static int t1x_unfill_runs(struct t1x_container *c, struct t1x_dma *dma,
			   unsigned long *nram)
{
	unsigned long npages = 0, nr = 0;
	bool revoked = t1x_runs_top(&dma->runs)->revoked;
	const struct t1x_run *run;
	struct t1x_runs_pos pos;
	int ret = 0;

	t1x_runs_walk(&dma->runs, &pos);
	while (nr < T1X_SYNC_RUNS && (run = t1x_runs_next(&pos))) {
		if (run->revoked != revoked ||
		    (nr && npages + run->npages > T1X_SYNC_PAGES))
			break;
		npages += run->npages;
		nr++;
	}

	if (!revoked)
		ret = t1x_unmap_sync(c, dma, dma->filled - npages, npages);
	if (ret)
		return ret;

	dma->filled -= npages;
	while (nr--) {
		*nram += t1x_unpin(t1x_runs_top(&dma->runs),
				   t1x_dma_writable(dma));
		t1x_runs_pop(&dma->runs);
	}
	return 0;
}

/**
 * t1x_dma_unfill() - undo t1x_dma_fill(), wholly or as far as it got
 * @c: the container
 * @dma: the mapping
 *
 * Context: the lock is held.  Allocates nothing (I3).
 * Return: 0 with nothing filled; -EIO if an IOMMU keeps a page, when all that
 * was below it stays filled, pinned and charged.
 */
int t1x_dma_unfill(struct t1x_container *c, struct t1x_dma *dma)
{
	unsigned long filled = dma->filled, nram = 0;
	int ret = 0;

	lockdep_assert_held(&c->lock);

	if (dma->watch)
		t1x_unwatch(c, dma);
	while (dma->filled && !ret) {
		if (dma->filled > dma->runs.npages)
			ret = t1x_unfill_untracked(c, dma, &nram);
		else
			ret = t1x_unfill_runs(c, dma, &nram);
		cond_resched();
	}
	t1x_refund(&dma->owner, t1x_not_held(dma, nram, dma->filled,
					     filled - dma->filled));
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
		index -= t1x_lookup_run(source, dma, index, &found);
		ret = t1x_domain_map(d, t1x_dma_iova_at(dma, index), &found,
				     dma->prot, gfp);
	}

	t1x_runs_walk(&dma->runs, &pos);
	while (!ret && (run = t1x_runs_next(&pos))) {
		index -= run->npages;
		if (!run->revoked)
			ret = t1x_domain_map(d, t1x_dma_iova_at(dma, index),
					     run, dma->prot, gfp);
	}
	t1x_fill_unlock(c, dma);
	return ret;
}

/**
 * t1x_dma_abandon() - unpin what an IOMMU would not unmap
 * @dma: a mapping that t1x_dma_unfill() could not empty, and of which no
 *	domain exists any more: with the page tables its translations ended
 *
 * Context: the lock of the container is held.
 */
void t1x_dma_abandon(struct t1x_dma *dma)
{
	unsigned long nram = 0;

	if (dma->filled > dma->runs.npages)
		pr_err("%lu untracked pages at IOVA %pad stay pinned\n",
		       dma->filled - dma->runs.npages, &dma->iova);

	while (dma->runs.nr) {
		nram += t1x_unpin(t1x_runs_top(&dma->runs),
				  t1x_dma_writable(dma));
		t1x_runs_pop(&dma->runs);
	}
	t1x_refund(&dma->owner, t1x_not_held(dma, nram, 0, dma->filled));
	dma->filled = 0;
}
