// SPDX-License-Identifier: GPL-2.0-only
/*
 * More CPUs for memory that is not there yet.
 *
 * Nearly all the time of a large cold map goes into clearing pages.  Threads
 * fault them in, ahead of the caller, who then pins what is there.  They hold
 * nothing: no pin, no charge, no error of theirs counts.  Where they could not
 * do it the caller finds the same hole, and reports it at its place.
 *
 * The memory is cut into chunks.  Whoever has nothing to do takes the next one,
 * and so does the caller as long as he cannot go on, so all of them are busy to
 * the end.
 *
 * A thread is not in the caller's cgroups and has no memory policy.  Its pages
 * and page tables are charged to the mm's memcg nevertheless, and it runs where
 * the caller may run and no sooner than he would.  Where a policy or a cpuset
 * says on which nodes memory has to be, there are no threads.
 */
#include "populate.h"

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/cpuset.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "stats.h"
#include "t1x.h"

/* What is taken at a time, aligned so that huge pages lie in one chunk. */
#define T1X_POPULATE_CHUNK	(16UL << 20)

/* Less than this is not worth a thread. */
#define T1X_POPULATE_MIN	(64UL << 20)

/* Bytes faulted in before others may have the mmap_lock. */
#define T1X_POPULATE_STEP	(2UL << 20)

/**
 * struct t1x_populate - memory that is being faulted in
 * @mm: whose; its user is in t1x_populate_start() to t1x_populate_stop()
 * @start: first address
 * @end: behind the last one
 * @base: where chunk 0 would begin if nothing were cut off
 * @nr: number of chunks
 * @taken: chunks taken so far
 * @given_up: a page could not be had; its finder leaves it to the caller
 * @wait: for chunks to be done
 * @nr_threads: number of @threads
 * @threads: the threads
 * @done: bitmap of chunks
 */
struct t1x_populate {
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	unsigned long base;
	unsigned long nr;
	atomic_long_t taken;
	bool given_up;
	wait_queue_head_t wait;
	unsigned int nr_threads;
	struct task_struct **threads;
	unsigned long done[];
};

static bool t1x_populate_ends(struct t1x_populate *p)
{
	return READ_ONCE(p->given_up) ||
	       (current->flags & PF_KTHREAD ? kthread_should_stop() :
					      fatal_signal_pending(current));
}

static void t1x_populate_chunk(struct t1x_populate *p, unsigned long chunk)
{
	unsigned long at = p->base + chunk * T1X_POPULATE_CHUNK;
	unsigned long end = min(at + T1X_POPULATE_CHUNK, p->end), n;
	long ret;

	at = max(at, p->start);
	while (at < end && !t1x_populate_ends(p)) {
		n = min(end - at, T1X_POPULATE_STEP) >> PAGE_SHIFT;
		if (mmap_read_lock_killable(p->mm))
			return;
		ret = get_user_pages_remote(p->mm, at, n, FOLL_WRITE, NULL,
					    NULL);
		mmap_read_unlock(p->mm);
		if (ret <= 0) {
			WRITE_ONCE(p->given_up, true);
			return;
		}
		at += ret << PAGE_SHIFT;
		cond_resched();
	}
}

/* Takes a chunk and faults it in; returns false if none is left. */
static bool t1x_populate_next(struct t1x_populate *p)
{
	unsigned long chunk = atomic_long_inc_return(&p->taken) - 1;
	unsigned int pin;

	if (chunk >= p->nr || t1x_populate_ends(p))
		return false;

	/* Where it will be pinned it must not have to be moved from. */
	pin = memalloc_pin_save();
	t1x_populate_chunk(p, chunk);
	memalloc_pin_restore(pin);

	set_bit(chunk, p->done);
	wake_up_all(&p->wait);
	return true;
}

static int t1x_populate_thread(void *data)
{
	struct t1x_populate *p = data;
	struct mem_cgroup *memcg, *old;

	memcg = get_mem_cgroup_from_mm(p->mm);
	old = set_active_memcg(memcg);
	while (t1x_populate_next(p))
		;
	set_active_memcg(old);
	mem_cgroup_put(memcg);

	/* kthread_stop() wants a thread that is still there. */
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static bool t1x_populate_allowed(void)
{
#ifdef CONFIG_NUMA
	if (current->mempolicy)
		return false;
#endif
	return nodes_subset(node_states[N_MEMORY], cpuset_current_mems_allowed);
}

static void t1x_populate_thread_add(struct t1x_populate *p)
{
	struct task_struct *thread;

	thread = kthread_create(t1x_populate_thread, p, "t1x_populate/%d",
				task_tgid_nr(current));
	if (IS_ERR(thread))
		return;
	set_cpus_allowed_ptr(thread, current->cpus_ptr);
	set_user_nice(thread, task_nice(current));
	p->threads[p->nr_threads++] = thread;
	wake_up_process(thread);
	t1x_stat_inc(T1X_STAT_POPULATE_THREADS);
}

/**
 * t1x_populate_start() - begin to fault memory in, for writing
 * @mm: whose memory; the caller's own
 * @vaddr: first address, page aligned
 * @npages: pages from there on
 *
 * Context: may sleep.
 * Return: for the other two functions; %NULL if nobody can help.
 */
struct t1x_populate *t1x_populate_start(struct mm_struct *mm,
					unsigned long vaddr,
					unsigned long npages)
{
	unsigned long start = untagged_addr(vaddr);
	unsigned long end = start + (npages << PAGE_SHIFT);
	unsigned long base = round_down(start, T1X_POPULATE_CHUNK);
	unsigned long nr = DIV_ROUND_UP(end - base, T1X_POPULATE_CHUNK);
	unsigned int nr_threads = READ_ONCE(t1x_populate_threads);
	struct t1x_populate *p;

	/* The caller counts for one, so to speak, of the CPUs he may use. */
	nr_threads = min(nr_threads, cpumask_weight(current->cpus_ptr) - 1);
	if (!nr_threads || npages << PAGE_SHIFT < T1X_POPULATE_MIN ||
	    !t1x_populate_allowed())
		return NULL;

	p = kvzalloc(struct_size(p, done, BITS_TO_LONGS(nr)),
		     GFP_KERNEL_ACCOUNT);
	if (!p)
		return NULL;
	p->threads = kcalloc(nr_threads, sizeof(*p->threads), GFP_KERNEL);
	if (!p->threads) {
		kvfree(p);
		return NULL;
	}
	p->mm = mm;
	p->start = start;
	p->end = end;
	p->base = base;
	p->nr = nr;
	init_waitqueue_head(&p->wait);
	while (nr_threads--)
		t1x_populate_thread_add(p);
	return p;
}

/**
 * t1x_populate_reach() - wait for memory to be there, and help meanwhile
 * @p: from t1x_populate_start()
 * @vaddr: an address of its range, in ascending order
 *
 * Context: may sleep.
 * Return: 0 when the memory is there, or nobody could get it; -EINTR when the
 * caller is being killed.
 */
int t1x_populate_reach(struct t1x_populate *p, unsigned long vaddr)
{
	unsigned long chunk = (untagged_addr(vaddr) - p->base) /
			      T1X_POPULATE_CHUNK;

	while (!test_bit(chunk, p->done) && !READ_ONCE(p->given_up)) {
		if (t1x_populate_next(p))
			continue;
		if (wait_event_killable(p->wait,
					test_bit(chunk, p->done) ||
					READ_ONCE(p->given_up)))
			return -EINTR;
	}
	return 0;
}

/**
 * t1x_populate_stop() - undo t1x_populate_start()
 * @p: what it returned
 *
 * Context: sleeps until the threads have gone.
 */
void t1x_populate_stop(struct t1x_populate *p)
{
	unsigned int i;

	WRITE_ONCE(p->given_up, true);
	for (i = 0; i < p->nr_threads; i++)
		kthread_stop(p->threads[i]);
	kfree(p->threads);
	kvfree(p);
}
