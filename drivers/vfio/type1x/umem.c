// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registered memory: a range of a process's memory, pinned and charged once.
 *
 * Each container that registers the very same range has a memory region (mr.c) of the
 * one umem, which goes with the last of them.  So it lives as long as containers do and
 * not as long as the process: after exec() or exit() the pages stay until the containers
 * are closed, as those of mappings do.
 *
 * Locks: t1x_umems_lock protects the tree of umems and their user counts.  The lock
 * of a umem is held while it is pinned; concurrent registrations of the same range
 * wait on it.  No lock of the container is held outside of either.
 */
#include "umem.h"

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "account.h"
#include "container.h"
#include "gup_error.h"
#include "pfn_reader.h"
#include "populate.h"
#include "stats.h"
#include "t1x.h"
#include "trace.h"
#include "unpin.h"

/**
 * struct t1x_umem - registered memory
 * @urange: what it is called, in t1x_umems
 * @users: memory regions of it, those included that are being made
 * @write: pinned so that devices may write
 * @owner: the process that it is charged to
 * @lock: protects what follows; once pinned, it stays as it is
 * @runs: what was pinned, in order, in arrays of T1X_UMEM_ARRAY, of which the last has no
 *	more room than it needs; %NULL before that
 * @nr: runs in all of them
 *
 * There may be more runs than fit into the largest array that can be allocated.
 */
struct t1x_umem {
	struct t1x_urange urange;
	unsigned long users;
	bool write;
	struct t1x_owner owner;
	struct mutex lock;	/* protects what follows */
	struct t1x_umem_run **runs;
	unsigned long nr;
};

static DEFINE_MUTEX(t1x_umems_lock);
static struct rb_root t1x_umems = RB_ROOT;

static struct t1x_umem *t1x_umem_alloc(unsigned long first,
				       unsigned long last, bool write)
{
	struct t1x_umem *umem = kzalloc_obj(*umem, GFP_KERNEL_ACCOUNT);
	struct t1x_process *process = NULL;

	if (!umem)
		return NULL;
	umem->urange.mm = current->mm;
	umem->urange.first = first;
	umem->urange.last = last;
	umem->write = write;
	if (t1x_owner_get(&umem->owner, &process)) {
		kfree(umem);
		return NULL;
	}
	t1x_process_put(process);
	mutex_init(&umem->lock);
	t1x_stat_inc(T1X_STAT_REGIONS);
	return umem;
}

static struct t1x_umem_run *t1x_umem_run_at(const struct t1x_umem *umem,
					    unsigned long nr)
{
	return &umem->runs[nr / T1X_UMEM_ARRAY][nr % T1X_UMEM_ARRAY];
}

static void t1x_umem_free_runs(struct t1x_umem *umem)
{
	unsigned long i, arrays = DIV_ROUND_UP(umem->nr, T1X_UMEM_ARRAY);

	for (i = 0; i < arrays; i++) {
		kfree(umem->runs[i]);
		cond_resched();
	}
	kvfree(umem->runs);
	umem->runs = NULL;
	umem->nr = 0;
}

static void t1x_umem_free(struct t1x_umem *umem)
{
	unsigned long i;

	for (i = 0; i < umem->nr; i++) {
		t1x_unpin_run(&t1x_umem_run_at(umem, i)->run, umem->write);
		cond_resched();
	}
	t1x_umem_free_runs(umem);
	/* Refunds what is charged. */
	t1x_owner_put(&umem->owner);
	mutex_destroy(&umem->lock);
	kfree(umem);
	t1x_stat_add(T1X_STAT_REGIONS, -1);
}

/**
 * t1x_umem_put() - undo t1x_umem_get_pinned()
 * @umem: the memory; with its last user it is unpinned and refunded
 *
 * Context: may sleep.
 */
void t1x_umem_put(struct t1x_umem *umem)
{
	bool is_last;

	mutex_lock(&t1x_umems_lock);
	is_last = !--umem->users;
	if (is_last)
		rb_erase(&umem->urange.node, &t1x_umems);
	mutex_unlock(&t1x_umems_lock);
	if (is_last)
		t1x_umem_free(umem);
}

static int t1x_umem_log_enomem(struct t1x_errlog *errlog, const struct t1x_urange *urange)
{
	return t1x_log_err(errlog, -ENOMEM,
			   "register [%#llx, %#llx]: no memory to keep track of its pages",
			   urange->first, urange->last);
}

/* The caller's umem of these addresses: the one there is, or a new one. */
static struct t1x_umem *t1x_umem_get(struct t1x_errlog *errlog, unsigned long first,
				     unsigned long last, bool write)
{
	struct t1x_umem *fresh, *umem;
	struct t1x_urange *urange;
	int ret = 0;

	fresh = t1x_umem_alloc(first, last, write);
	if (!fresh)
		return ERR_PTR(t1x_log_err(errlog, -ENOMEM,
					   "register [%#llx, %#llx]: no memory to keep track of it",
					   first, last));

	mutex_lock(&t1x_umems_lock);
	urange = t1x_urange_add(&t1x_umems, &fresh->urange);
	umem = urange ? container_of(urange, struct t1x_umem, urange) : fresh;
	if (!t1x_urange_is(&umem->urange, first, last))
		ret = t1x_log_err(errlog, -EEXIST,
				  "register [%#llx, %#llx]: another container has [%#llx, %#llx], and these have to be the same",
				  first, last, umem->urange.first, umem->urange.last);
	else if (write && !umem->write)
		ret = t1x_log_err(errlog, -EPERM,
				  "register [%#llx, %#llx]: another container registered it without write",
				  first, last);
	else
		umem->users++;
	mutex_unlock(&t1x_umems_lock);

	if (umem != fresh)
		t1x_umem_free(fresh);
	return ret ? ERR_PTR(ret) : umem;
}

/*
 * Makes the arrays that runs can be found in by their place.  All are there before the
 * first run moves, for what is in them counts as pinned.
 */
static int t1x_umem_alloc_runs(struct t1x_umem *umem, unsigned long nr)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	unsigned long i, n, arrays = DIV_ROUND_UP(nr, T1X_UMEM_ARRAY);

	umem->runs = kvcalloc(arrays, sizeof(*umem->runs), gfp);
	if (!umem->runs)
		return -ENOMEM;
	umem->nr = nr;
	for (i = 0; i < arrays; i++) {
		/* Many regions have a run or two. */
		n = min(nr - i * T1X_UMEM_ARRAY, T1X_UMEM_ARRAY);
		umem->runs[i] = kmalloc_array(n, sizeof(**umem->runs), gfp);
		if (!umem->runs[i]) {
			t1x_umem_free_runs(umem);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

/* Moves runs to the arrays; counts the RAM pages. */
static int t1x_umem_index(struct t1x_umem *umem, struct t1x_runs *runs,
			  unsigned long *nram)
{
	unsigned long first = t1x_urange_npages(&umem->urange), i = t1x_runs_nr(runs);
	struct t1x_umem_run *run;
	const struct t1x_run *top;
	int ret;

	ret = t1x_umem_alloc_runs(umem, i);
	if (ret)
		return ret;
	while (i--) {
		top = t1x_runs_last(runs);
		first -= top->npages;
		run = t1x_umem_run_at(umem, i);
		run->first = first;
		run->run = *top;
		*nram += t1x_run_nram(top);
		t1x_runs_drop(runs, 1, top->npages);
		cond_resched();
	}
	return 0;
}

/**
 * struct t1x_umem_fill - the state of one t1x_umem_pin()
 * @c: the container, for reasons and statistics
 * @umem: what is to be pinned
 * @reader: reads it
 * @populate: threads that fault in memory ahead of @reader, or %NULL
 * @runs: what was read
 * @run: what was read last, and is not among @runs yet
 * @charged: all of @umem is charged
 *
 * On the stack of t1x_umem_pin(), which holds &t1x_umem.lock.
 */
struct t1x_umem_fill {
	struct t1x_container *c;
	struct t1x_umem *umem;
	struct t1x_pfn_reader reader;
	struct t1x_populate *populate;
	struct t1x_runs runs;
	struct t1x_run run;
	bool charged;
};

static int t1x_umem_push(struct t1x_umem_fill *fill)
{
	if (t1x_runs_reserve(&fill->runs, GFP_KERNEL_ACCOUNT))
		return t1x_umem_log_enomem(&fill->c->errlog, &fill->umem->urange);
	t1x_runs_push(&fill->runs, &fill->run);
	fill->run.npages = 0;
	return 0;
}

/* Reads the next batch, and charges it unless all is charged. */
static int t1x_umem_refill(struct t1x_umem_fill *fill)
{
	struct t1x_pfn_reader *reader = &fill->reader;
	unsigned long left = reader->left;
	int ret = t1x_populate_read(&fill->populate, reader);

	if (ret)
		t1x_gup_error_log(&fill->c->errlog, ret, reader);
	if (ret || fill->charged)
		return ret;
	return t1x_charge(&fill->umem->owner, left - reader->left, 0,
			  t1x_urange_npages(&fill->umem->urange), &fill->c->errlog);
}

/* Pins all of it. */
static int t1x_umem_read(struct t1x_umem_fill *fill)
{
	struct t1x_pfn_reader *reader = &fill->reader;
	const struct t1x_run *next;
	int ret = 0;

	while (!ret) {
		next = t1x_pfn_reader_peek(reader);
		if (READ_ONCE(fill->c->dying)) {
			ret = -ENODEV;
		} else if (next && !next->pinned) {
			ret = t1x_log_err(&fill->c->errlog, -EFAULT,
					  "vaddr %#llx: memory of a device (MMIO) cannot be registered",
					  reader->vaddr - ((u64)next->npages << PAGE_SHIFT));
		} else if (next && t1x_run_joins(&fill->run, next)) {
			t1x_run_join(&fill->run, next);
			t1x_pfn_reader_consume(reader);
		} else if (!next && reader->left) {
			ret = t1x_umem_refill(fill);
		} else if (fill->run.npages) {
			ret = t1x_umem_push(fill);
		} else {
			break;
		}
	}
	return ret;
}

/* Unpins what was read. */
static void t1x_umem_abort(struct t1x_umem_fill *fill)
{
	struct t1x_unpin_batch unpin __uninitialized;
	unsigned long nr;

	/* The memory that the threads fault in may be the reason for the failure. */
	if (fill->populate)
		t1x_populate_cancel(fill->populate);
	if (fill->run.npages)
		t1x_unpin_run(&fill->run, false);
	t1x_pfn_reader_release_pins(&fill->reader);
	t1x_unpin_init(&unpin);
	while ((nr = t1x_runs_nr(&fill->runs))) {
		t1x_unpin_last_runs(&unpin, &fill->runs, min(nr, T1X_SYNC_RUNS), false);
		cond_resched();
	}
	t1x_unpin_flush(&unpin);
}

/*
 * Charges and pins a umem of the caller's.  What turns out to be the zero page is
 * refunded.
 */
static int t1x_umem_pin(struct t1x_container *c, struct t1x_umem *umem)
{
	unsigned long npages = t1x_urange_npages(&umem->urange), nram = 0;
	struct t1x_umem_fill fill = {
		.c = c,
		.umem = umem,
		.charged = t1x_owner_unlimited(&umem->owner),
	};
	int ret;

	if (fill.charged) {
		ret = t1x_charge(&umem->owner, npages, 0, 0, &c->errlog);
		if (ret)
			return ret;
	}

	t1x_runs_init(&fill.runs);
	t1x_pfn_reader_init(&fill.reader, umem->urange.mm, umem->urange.first, npages,
			    umem->write, c->pin_batch);
	ret = t1x_umem_read(&fill);
	if (!ret && t1x_umem_index(umem, &fill.runs, &nram))
		ret = t1x_umem_log_enomem(&c->errlog, &umem->urange);
	if (ret)
		t1x_umem_abort(&fill);
	if (fill.populate)
		t1x_populate_stop(fill.populate);
	t1x_map_stats_add(c->map_stats, &(struct t1x_map_stats_delta){}, 0, fill.reader.nr_slow);
	t1x_pfn_reader_destroy(&fill.reader);
	t1x_runs_free(&fill.runs);
	t1x_refund(&umem->owner, npages - nram);
	return ret;
}

/**
 * t1x_umem_get_pinned() - find or make the caller's umem of these addresses
 * @c: a container, which gets the reasons and the statistics
 * @first: first byte, of a page
 * @last: last byte, of a page
 * @write: devices may be allowed to write
 *
 * Context: may sleep long; takes no lock of the container.
 * Return: the umem, pinned and charged, for t1x_umem_put(); or an ERR_PTR(), as of
 * t1x_mr_register().
 */
struct t1x_umem *t1x_umem_get_pinned(struct t1x_container *c,
				     unsigned long first,
				     unsigned long last, bool write)
{
	struct t1x_umem *umem;
	int ret;

	umem = t1x_umem_get(&c->errlog, first, last, write);
	if (IS_ERR(umem))
		return umem;

	ret = mutex_lock_killable(&umem->lock);
	if (!ret) {
		if (!umem->runs)
			ret = t1x_umem_pin(c, umem);
		mutex_unlock(&umem->lock);
	}
	if (ret) {
		t1x_umem_put(umem);
		return ERR_PTR(ret);
	}
	return umem;
}

/**
 * t1x_umem_seek() - find a page of registered memory
 * @umem: the memory, pinned
 * @index: pages before it
 * @pos: set to the run that has the page, for t1x_umem_next()
 *
 * Context: a memory region keeps @umem.
 */
void t1x_umem_seek(const struct t1x_umem *umem, unsigned long index,
		   struct t1x_umem_pos *pos)
{
	unsigned long npages = t1x_urange_npages(&umem->urange);
	unsigned long low = 0, high = umem->nr, step = 1, at;
	const struct t1x_umem_run *run;

	/* The run itself if all have as many pages, and near it if most have. */
	at = min(index / (npages / umem->nr), umem->nr - 1);
	for (;;) {
		pos->array = umem->runs + at / T1X_UMEM_ARRAY;
		pos->slot = at % T1X_UMEM_ARRAY;
		run = *pos->array + pos->slot;
		if (index - run->first < run->run.npages)
			return;

		/* Away from there in growing steps, then by halves of what is left. */
		if (index < run->first) {
			high = at;
			at = high - low > step ? high - step : low + (high - low) / 2;
		} else {
			low = at + 1;
			at = high - low > step ? low + step - 1 : low + (high - low) / 2;
		}
		step *= 2;
	}
}

/**
 * t1x_umem_next_singles() - go on over pages that stand alone
 * @pos: where; moves on behind them
 * @runs: set to a run for each, which holds neither pin nor charge
 * @most: how many pages to look at; the umem has so many from @pos on
 *
 * Return: how many there are.
 */
unsigned int t1x_umem_next_singles(struct t1x_umem_pos *pos, struct t1x_run *runs,
				   unsigned int most)
{
	const struct t1x_umem_run *at;
	unsigned int n;

	for (n = 0; n < most; n++) {
		at = *pos->array + pos->slot;
		if (at->run.key != T1X_RUN_SINGLE.key)
			break;
		runs[n].pfn = at->run.pfn;
		runs[n].key = T1X_RUN_SINGLE_HELD.key;
		t1x_umem_next(pos);
	}
	return n;
}
