// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that fault in memory which is about to be pinned.
 *
 * Nearly all the time of a large cold map goes into clearing pages.  Threads
 * fault them in, ahead of the caller, which then pins what is there.  A thread holds
 * neither pins nor charges, and its errors are ignored: the caller meets the same error
 * at the same address, and reports it.
 *
 * The memory is divided into chunks.  Idle threads take the next one, and so does the
 * calling task while it waits, so all of them work until the last chunk.
 *
 * A thread that faults in memory of a full cgroup would go on to reclaim and to call
 * the OOM killer for as long as the caller, its victim, has not let go of what it has
 * pinned.  So the threads get SIGKILL as soon as the caller gives up, which ends a
 * fault as it does that of a process; the caller waits for them after the unpin.
 *
 * A thread is not in the caller's cgroups and has no memory policy.  Its pages
 * and page tables are charged to the mm's memcg nevertheless, and it runs where
 * the caller may run, with the same priority.  Where a policy or a cpuset
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

#include "params.h"
#include "pfn_reader.h"
#include "stats.h"
#include "t1x.h"

/* Bytes of a chunk, aligned so that a huge page lies in one. */
#define T1X_POPULATE_CHUNK	(16UL << 20)

/* Bytes for which a thread pays. */
#define T1X_POPULATE_MIN	(64UL << 20)

/* Bytes faulted in between two releases of mmap_lock. */
#define T1X_POPULATE_STEP	(2UL << 20)

/**
 * struct t1x_populate - memory that is being faulted in
 * @mm: the address space; has users from t1x_populate_start() to t1x_populate_stop()
 * @start: first address
 * @end: behind the last one
 * @base: start of chunk 0, at or below @start
 * @nr: number of chunks
 * @next_chunk: the first chunk that no thread has begun; atomic
 * @failed: no chunk is to be begun any more: a page could not be faulted in, and the
 *	caller will meet that error itself, or the caller has failed
 * @wait: where the caller waits for chunks
 * @nr_threads: number of @threads
 * @threads: the threads
 * @done: bitmap of chunks, changed by atomic bit operations
 *
 * Shared by the caller and its threads without a lock: what is not atomic does not change
 * while there are threads.
 */
struct t1x_populate {
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	unsigned long base;
	unsigned long nr;
	atomic_long_t next_chunk;
	bool failed;
	wait_queue_head_t wait;
	unsigned int nr_threads;
	struct task_struct **threads;
	unsigned long done[];
};

/* Threads of all callers. */
static atomic_t t1x_populate_nr_threads;

static bool t1x_populate_should_stop(struct t1x_populate *p)
{
	return READ_ONCE(p->failed) || fatal_signal_pending(current);
}

static void t1x_populate_chunk(struct t1x_populate *p, unsigned long chunk)
{
	unsigned long at = p->base + chunk * T1X_POPULATE_CHUNK;
	unsigned long end = min(at + T1X_POPULATE_CHUNK, p->end), n;
	long ret;

	at = max(at, p->start);
	while (at < end && !t1x_populate_should_stop(p)) {
		n = min(end - at, T1X_POPULATE_STEP) >> PAGE_SHIFT;
		if (mmap_read_lock_killable(p->mm))
			return;
		ret = get_user_pages_remote(p->mm, at, n, FOLL_WRITE, NULL,
					    NULL);
		mmap_read_unlock(p->mm);
		if (ret <= 0) {
			WRITE_ONCE(p->failed, true);
			return;
		}
		at += ret << PAGE_SHIFT;
		cond_resched();
	}
}

/* Takes a chunk and faults it in; returns false if none is left. */
static bool t1x_populate_next(struct t1x_populate *p)
{
	unsigned long chunk = atomic_long_inc_return(&p->next_chunk) - 1;
	unsigned int pin;

	if (chunk >= p->nr || t1x_populate_should_stop(p))
		return false;

	/* As GUP with FOLL_LONGTERM allocates, or pinning would migrate the page. */
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

	allow_kernel_signal(SIGKILL);
	memcg = get_mem_cgroup_from_mm(p->mm);
	old = set_active_memcg(memcg);
	while (t1x_populate_next(p))
		;
	set_active_memcg(old);
	mem_cgroup_put(memcg);

	/* kthread_stop() wants a thread that is still there; SIGKILL may be pending. */
	for (;;) {
		set_current_state(TASK_IDLE);
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

static bool t1x_populate_thread_add(struct t1x_populate *p)
{
	struct task_struct *thread;

	thread = kthread_create(t1x_populate_thread, p, "t1x_populate/%d",
				task_tgid_nr(current));
	if (IS_ERR(thread))
		return false;
	set_cpus_allowed_ptr(thread, current->cpus_ptr);
	set_user_nice(thread, task_nice(current));
	p->threads[p->nr_threads++] = thread;
	wake_up_process(thread);
	t1x_stat_inc(T1X_STAT_POPULATE_THREADS);
	return true;
}

/* Reserves up to @most of the threads that populate_threads allows in all. */
static unsigned int t1x_populate_reserve(unsigned int most)
{
	unsigned int limit = READ_ONCE(t1x_populate_threads), nr;
	int there = atomic_read(&t1x_populate_nr_threads);

	do {
		nr = limit > there ? min(most, limit - there) : 0;
	} while (nr && !atomic_try_cmpxchg(&t1x_populate_nr_threads, &there,
					   there + nr));
	return nr;
}

/**
 * t1x_populate_start() - begin to fault memory in, for writing
 * @mm: the address space, which is that of the caller
 * @vaddr: first address, page aligned
 * @npages: pages from there on
 *
 * Context: may sleep.
 * Return: what the other functions take; %NULL if no thread can help.
 */
struct t1x_populate *t1x_populate_start(struct mm_struct *mm,
					unsigned long vaddr,
					unsigned long npages)
{
	unsigned long start = untagged_addr(vaddr);
	unsigned long end = start + (npages << PAGE_SHIFT);
	unsigned long base = round_down(start, T1X_POPULATE_CHUNK);
	unsigned long nr = DIV_ROUND_UP(end - base, T1X_POPULATE_CHUNK);
	unsigned int nr_threads = 0;
	struct t1x_populate *p;

	if (!READ_ONCE(t1x_populate_threads) ||
	    npages << PAGE_SHIFT < T1X_POPULATE_MIN || !t1x_populate_allowed())
		return NULL;
	/* The calling task works as well, on a CPU of those that it may use. */
	nr_threads = t1x_populate_reserve(cpumask_weight(current->cpus_ptr) - 1);
	if (!nr_threads)
		return NULL;

	p = kvzalloc(struct_size(p, done, BITS_TO_LONGS(nr)),
		     GFP_KERNEL_ACCOUNT);
	if (!p)
		goto err_release;
	p->threads = kcalloc(nr_threads, sizeof(*p->threads), GFP_KERNEL);
	if (!p->threads)
		goto err_free;
	p->mm = mm;
	p->start = start;
	p->end = end;
	p->base = base;
	p->nr = nr;
	init_waitqueue_head(&p->wait);
	while (p->nr_threads < nr_threads && t1x_populate_thread_add(p))
		;
	atomic_sub(nr_threads - p->nr_threads, &t1x_populate_nr_threads);
	return p;

err_free:
	kvfree(p);
err_release:
	atomic_sub(nr_threads, &t1x_populate_nr_threads);
	return NULL;
}

/**
 * t1x_populate_wait() - wait for memory to be there, and help meanwhile
 * @p: from t1x_populate_start()
 * @vaddr: an address of its range, in ascending order
 *
 * Context: may sleep.
 * Return: 0 when the memory is there, or could not be had; -EINTR when the caller is
 * being killed.
 */
int t1x_populate_wait(struct t1x_populate *p, unsigned long vaddr)
{
	unsigned long chunk = (untagged_addr(vaddr) - p->base) /
			      T1X_POPULATE_CHUNK;

	while (!test_bit(chunk, p->done) && !READ_ONCE(p->failed)) {
		if (t1x_populate_next(p))
			continue;
		if (wait_event_killable(p->wait,
					test_bit(chunk, p->done) ||
					READ_ONCE(p->failed)))
			return -EINTR;
	}
	return 0;
}

/**
 * t1x_populate_read() - fill a reader with memory that may have to be faulted in
 * @populate: the threads that do so ahead of the reader; to be %NULL at first, and stopped
 *	with t1x_populate_stop() in the end unless it still is
 * @reader: the reader, with pages left and none pending
 *
 * Threads are started once a batch had to be faulted in, which pays only for a writer that
 * reads its own address space.
 *
 * Context: as t1x_populate_wait().
 * Return: as t1x_pfn_reader_fill(), or -EINTR when killed while waiting.
 */
int t1x_populate_read(struct t1x_populate **populate, struct t1x_pfn_reader *reader)
{
	int ret;

	if (*populate) {
		ret = t1x_populate_wait(*populate, reader->vaddr);
		if (ret)
			return ret;
	}
	ret = t1x_pfn_reader_fill(reader);
	if (ret || *populate || !reader->cold || !reader->write ||
	    reader->mm != current->mm)
		return ret;
	*populate = t1x_populate_start(reader->mm, reader->vaddr, reader->left);
	return 0;
}

/**
 * t1x_populate_cancel() - let no more memory be faulted in
 * @p: from t1x_populate_start()
 *
 * The threads leave their faults soon, whatever these wait for.
 *
 * Context: any that may sleep; does not wait for the threads.
 */
void t1x_populate_cancel(struct t1x_populate *p)
{
	unsigned int i;

	WRITE_ONCE(p->failed, true);
	for (i = 0; i < p->nr_threads; i++)
		send_sig(SIGKILL, p->threads[i], 1);
}

/**
 * t1x_populate_stop() - undo t1x_populate_start()
 * @p: what it returned
 *
 * Context: sleeps until the threads have gone; nothing that a fault may wait for is
 * held, nor anything pinned that is not to stay.
 */
void t1x_populate_stop(struct t1x_populate *p)
{
	unsigned int i;

	t1x_populate_cancel(p);
	for (i = 0; i < p->nr_threads; i++)
		kthread_stop(p->threads[i]);
	atomic_sub(p->nr_threads, &t1x_populate_nr_threads);
	kfree(p->threads);
	kvfree(p);
}
