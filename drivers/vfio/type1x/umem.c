// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registered memory: a range of a process's memory, pinned and charged once.
 *
 * Each container that registers the very same range has a claim on the one region; with
 * the last claim it goes.  So it lives as long as containers do and not as long as the
 * process: after exec() or exit() the pages stay until the containers are closed, as
 * those of mappings do.
 *
 * Locks: t1x_regions_lock protects the tree of regions and their user counts.  The lock
 * of a region is held while it is pinned; concurrent registrations of the same range
 * wait on it.  No lock of the container is held outside of either.
 */
#include "umem.h"

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "account.h"
#include "container.h"
#include "pfn_reader.h"
#include "stats.h"
#include "t1x.h"
#include "trace.h"
#include "unpin.h"

/**
 * struct t1x_region - registered memory
 * @span: what it is called, in t1x_regions
 * @users: claims on it, those included that are being made
 * @write: pinned so that devices may write
 * @owner: who pays for it
 * @lock: protects what follows; once pinned, it stays as it is
 * @runs: what was pinned, in order, in arrays of T1X_REGION_ARRAY; %NULL before that
 * @nr: runs in all of them
 *
 * There may be more runs than fit into the largest array that can be allocated.
 */
struct t1x_region {
	struct t1x_span span;
	unsigned long users;
	bool write;
	struct t1x_owner owner;
	struct mutex lock;	/* protects what follows */
	struct t1x_region_run **runs;
	unsigned long nr;
};

static DEFINE_MUTEX(t1x_regions_lock);
static struct rb_root t1x_regions = RB_ROOT;

static struct t1x_region *t1x_region_alloc(unsigned long first,
					   unsigned long last, bool write)
{
	struct t1x_region *region = kzalloc_obj(*region, GFP_KERNEL_ACCOUNT);

	if (!region)
		return NULL;
	region->span.mm = current->mm;
	region->span.first = first;
	region->span.last = last;
	region->write = write;
	t1x_owner_get(&region->owner);
	mutex_init(&region->lock);
	t1x_stat_inc(T1X_STAT_REGIONS);
	return region;
}

static struct t1x_region_run *t1x_region_run(const struct t1x_region *region,
					     unsigned long nr)
{
	return &region->runs[nr / T1X_REGION_ARRAY][nr % T1X_REGION_ARRAY];
}

static void t1x_region_free_runs(struct t1x_region *region)
{
	unsigned long i, arrays = DIV_ROUND_UP(region->nr, T1X_REGION_ARRAY);

	for (i = 0; i < arrays; i++) {
		kfree(region->runs[i]);
		cond_resched();
	}
	kvfree(region->runs);
	region->runs = NULL;
	region->nr = 0;
}

static void t1x_region_free(struct t1x_region *region)
{
	unsigned long i;

	for (i = 0; i < region->nr; i++) {
		t1x_unpin_run(&t1x_region_run(region, i)->run, region->write);
		cond_resched();
	}
	t1x_region_free_runs(region);
	/* Refunds what is charged. */
	t1x_owner_put(&region->owner);
	mutex_destroy(&region->lock);
	kfree(region);
	t1x_stat_add(T1X_STAT_REGIONS, -1);
}

/**
 * t1x_region_put() - undo t1x_region_get_pinned()
 * @region: the memory; with its last user it is unpinned and refunded
 *
 * Context: may sleep.
 */
void t1x_region_put(struct t1x_region *region)
{
	bool is_last;

	mutex_lock(&t1x_regions_lock);
	is_last = !--region->users;
	if (is_last)
		rb_erase(&region->span.node, &t1x_regions);
	mutex_unlock(&t1x_regions_lock);
	if (is_last)
		t1x_region_free(region);
}

/* The caller's region of these addresses: the one there is, or a new one. */
static struct t1x_region *t1x_region_get(unsigned long first,
					 unsigned long last, bool write)
{
	struct t1x_region *fresh, *region;
	struct t1x_span *span;
	int ret = 0;

	fresh = t1x_region_alloc(first, last, write);
	if (!fresh)
		return ERR_PTR(-ENOMEM);

	mutex_lock(&t1x_regions_lock);
	span = t1x_span_add(&t1x_regions, &fresh->span);
	region = span ? container_of(span, struct t1x_region, span) : fresh;
	if (!t1x_span_is(&region->span, first, last))
		ret = -EEXIST;
	else if (write && !region->write)
		ret = -EPERM;
	else
		region->users++;
	mutex_unlock(&t1x_regions_lock);

	if (region != fresh)
		t1x_region_free(fresh);
	return ret ? ERR_PTR(ret) : region;
}

/*
 * Makes the arrays that runs can be found in by their place.  All are there before the
 * first run moves, for what is in them counts as pinned.
 */
static int t1x_region_alloc_runs(struct t1x_region *region, unsigned long nr)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	unsigned long i, arrays = DIV_ROUND_UP(nr, T1X_REGION_ARRAY);

	region->runs = kvcalloc(arrays, sizeof(*region->runs), gfp);
	if (!region->runs)
		return -ENOMEM;
	region->nr = nr;
	for (i = 0; i < arrays; i++) {
		region->runs[i] = kmalloc(PAGE_SIZE, gfp);
		if (!region->runs[i]) {
			t1x_region_free_runs(region);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

/* Moves runs to the arrays; counts the RAM pages. */
static int t1x_region_index(struct t1x_region *region, struct t1x_runs *runs,
			    unsigned long *nram)
{
	unsigned long first = t1x_span_npages(&region->span), i = runs->nr;
	struct t1x_region_run *run;
	const struct t1x_run *top;
	int ret;

	ret = t1x_region_alloc_runs(region, i);
	if (ret)
		return ret;
	while (i--) {
		top = t1x_runs_top(runs);
		first -= top->npages;
		run = t1x_region_run(region, i);
		run->first = first;
		run->run = *top;
		*nram += t1x_run_nram(top);
		t1x_runs_drop(runs, 1, top->npages);
		cond_resched();
	}
	return 0;
}

static int t1x_region_push(struct t1x_runs *runs, struct t1x_run *run)
{
	int ret = t1x_runs_reserve(runs, GFP_KERNEL_ACCOUNT);

	if (ret)
		return ret;
	t1x_runs_push(runs, run);
	run->npages = 0;
	return 0;
}

/* Reads the next batch, and charges it unless @charged says that it is. */
static int t1x_region_refill(struct t1x_container *c, struct t1x_region *region,
			     struct t1x_pfn_reader *reader, bool charged)
{
	unsigned long left = reader->left;
	int ret = t1x_pfn_reader_fill(reader);

	if (ret || charged)
		return ret;
	return t1x_charge(&region->owner, left - reader->left, 0, &c->refusals);
}

/* Pins what @reader reads; @run was read and is not among @runs yet. */
static int t1x_region_read(struct t1x_container *c, struct t1x_region *region,
			   struct t1x_pfn_reader *reader, struct t1x_runs *runs,
			   struct t1x_run *run, bool charged)
{
	const struct t1x_run *next;
	int ret = 0;

	while (!ret) {
		next = t1x_pfn_reader_peek(reader);
		if (READ_ONCE(c->dying)) {
			ret = -ENODEV;
		} else if (next && !next->pinned) {
			ret = t1x_refuse(&c->refusals, -EFAULT,
					 "MMIO cannot be registered");
		} else if (next && t1x_run_joins(run, next)) {
			t1x_run_join(run, next);
			t1x_pfn_reader_consume(reader);
		} else if (!next && reader->left) {
			ret = t1x_region_refill(c, region, reader, charged);
		} else if (run->npages) {
			ret = t1x_region_push(runs, run);
		} else {
			break;
		}
	}
	return ret;
}

static void t1x_region_unread(struct t1x_runs *runs)
{
	struct t1x_unpin_batch unpin;

	t1x_unpin_init(&unpin);
	while (runs->nr) {
		t1x_unpin_last_runs(&unpin, runs, min(runs->nr, T1X_SYNC_RUNS),
				    false);
		cond_resched();
	}
	t1x_unpin_flush(&unpin);
}

/*
 * Charges and pins a region of the caller's.  What turns out to be the zero page is
 * refunded.
 */
static int t1x_region_pin(struct t1x_container *c, struct t1x_region *region)
{
	unsigned long npages = t1x_span_npages(&region->span), nram = 0;
	bool ahead = t1x_owner_unlimited(&region->owner);
	struct t1x_run run = { .npages = 0 };
	struct t1x_runs runs;
	struct t1x_pfn_reader reader;
	int ret;

	if (ahead) {
		ret = t1x_charge(&region->owner, npages, 0, &c->refusals);
		if (ret)
			return ret;
	}

	t1x_runs_init(&runs);
	t1x_pfn_reader_init(&reader, region->span.mm, region->span.first, npages,
			    region->write, c->pin_batch);
	ret = t1x_region_read(c, region, &reader, &runs, &run, ahead);
	if (!ret)
		ret = t1x_region_index(region, &runs, &nram);
	if (ret) {
		if (run.npages)
			t1x_unpin_run(&run, false);
		t1x_pfn_reader_release_pins(&reader);
		t1x_region_unread(&runs);
	}
	atomic_long_add(reader.nr_slow, &c->tally.slow_gup);
	t1x_pfn_reader_destroy(&reader);
	t1x_runs_free(&runs);
	t1x_refund(&region->owner, npages - nram);
	return ret;
}

/**
 * t1x_region_get_pinned() - find or make the caller's region of these addresses
 * @c: a container, which gets the reasons and the statistics
 * @first: first byte, of a page
 * @last: last byte, of a page
 * @write: devices may be allowed to write
 *
 * Context: may sleep long; takes no lock of the container.
 * Return: the region, pinned and charged, for t1x_region_put(); or an ERR_PTR(), as of
 * t1x_register().
 */
struct t1x_region *t1x_region_get_pinned(struct t1x_container *c,
					 unsigned long first,
					 unsigned long last, bool write)
{
	struct t1x_region *region;
	int ret;

	region = t1x_region_get(first, last, write);
	if (IS_ERR(region))
		return region;

	ret = mutex_lock_killable(&region->lock);
	if (!ret) {
		if (!region->runs)
			ret = t1x_region_pin(c, region);
		mutex_unlock(&region->lock);
	}
	if (ret) {
		t1x_region_put(region);
		return ERR_PTR(ret);
	}
	return region;
}

/**
 * t1x_region_seek() - find a page of registered memory
 * @region: the memory, pinned
 * @index: pages before it
 * @pos: set to the run that has the page, for t1x_region_next()
 *
 * Context: a claim keeps @region.
 */
void t1x_region_seek(const struct t1x_region *region, unsigned long index,
		     struct t1x_region_pos *pos)
{
	unsigned long low = 0, mid;
	unsigned long high = DIV_ROUND_UP(region->nr, T1X_REGION_ARRAY);
	const struct t1x_region_run *runs;

	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (region->runs[mid]->first <= index)
			low = mid;
		else
			high = mid;
	}
	pos->array = region->runs + low;
	runs = *pos->array;

	high = min(region->nr - low * T1X_REGION_ARRAY, T1X_REGION_ARRAY);
	low = 0;
	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (runs[mid].first <= index)
			low = mid;
		else
			high = mid;
	}
	pos->slot = low;
}
