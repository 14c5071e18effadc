// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locked memory: the process that pinned RAM is charged to, and its limit.
 *
 * The only file that touches locked_vm.  It counts what it is told to; that RAM is
 * charged before a device sees it and refunded after it was unpinned is kept by its
 * callers, fill.c, unfill.c, umem.c and access.c.
 *
 * Charging may fail.  Refunding may not: a mapping often goes while its process is being
 * killed, when a killable lock would fail, and the pages would stay charged to other users
 * of the mm.
 */
#include "account.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "errlog.h"
#include "stats.h"
#include "t1x.h"
#include "trace.h"

/* The group leader stands for the process, so all of its threads are charged as one. */
static struct t1x_process *t1x_process_alloc(void)
{
	struct t1x_process *process = kzalloc_obj(*process, GFP_KERNEL_ACCOUNT);

	if (!process)
		return NULL;
	refcount_set(&process->users, 1);
	process->task = get_task_struct(current->group_leader);
	process->mm = current->mm;
	mmgrab(process->mm);
	process->cred = get_current_cred();
	process->lock_cap = capable(CAP_IPC_LOCK);
	return process;
}

/**
 * t1x_process_put() - drop a reference to a process
 * @process: the process, or %NULL
 */
void t1x_process_put(struct t1x_process *process)
{
	if (!process || !refcount_dec_and_test(&process->users))
		return;
	put_cred(process->cred);
	mmdrop(process->mm);
	put_task_struct(process->task);
	kfree(process);
}

/* The caller, with the credentials it has now. */
static bool t1x_process_is_current(const struct t1x_process *process)
{
	return process->mm == current->mm && process->cred == current_cred() &&
	       process->task == current->group_leader;
}

/**
 * t1x_owner_get() - make the calling process the owner of a mapping
 * @owner: to be filled in, with nothing charged
 * @recent: the process that was made an owner last, or %NULL; replaced by the caller
 *
 * CAP_IPC_LOCK is asked for once for the same credentials in a row, so a change of the
 * security policy alone is seen when the process has others.
 *
 * Context: process context with an mm; may sleep; @recent is locked.
 * Return: 0, or -ENOMEM with nothing changed.
 */
int t1x_owner_get(struct t1x_owner *owner, struct t1x_process **recent)
{
	struct t1x_process *process = *recent;

	if (unlikely(!process || !t1x_process_is_current(process))) {
		process = t1x_process_alloc();
		if (!process)
			return -ENOMEM;
		t1x_process_put(*recent);
		*recent = process;
	}
	refcount_inc(&process->users);
	owner->process = process;
	owner->charged = 0;
	return 0;
}

/**
 * t1x_owner_dup() - make the owner of a mapping the owner of another
 * @owner: the owner
 * @other: to be filled in, with nothing charged
 */
void t1x_owner_dup(const struct t1x_owner *owner, struct t1x_owner *other)
{
	refcount_inc(&owner->process->users);
	other->process = owner->process;
	other->charged = 0;
}

/**
 * t1x_owner_transfer() - let another mapping of the same owner hold a charge
 * @owner: holds the charge
 * @other: is to hold it, from t1x_owner_dup()
 * @npages: pages of the charge
 */
void t1x_owner_transfer(struct t1x_owner *owner, struct t1x_owner *other,
			unsigned long npages)
{
	npages = min(npages, owner->charged);
	owner->charged -= npages;
	other->charged += npages;
}

/**
 * t1x_owner_put() - undo t1x_owner_get() or t1x_owner_dup()
 * @owner: the owner; what is still charged is refunded
 */
void t1x_owner_put(struct t1x_owner *owner)
{
	if (owner->charged)
		t1x_refund(owner, owner->charged);
	t1x_process_put(owner->process);
}

/**
 * t1x_owner_replace() - make the calling process the owner instead
 * @owner: the owner so far; may be dying or dead
 * @recent: as of t1x_owner_get()
 * @errlog: the log for an error
 *
 * The charge moves over.  If the process is the owner already, nothing changes.
 *
 * Context: process context with an mm; takes mmap_lock for write; may sleep; @recent is
 * locked.
 * Return: 0, -ENOMEM or an error of t1x_charge() with nothing changed.
 */
int t1x_owner_replace(struct t1x_owner *owner, struct t1x_process **recent,
		      struct t1x_errlog *errlog)
{
	struct t1x_owner new;
	int ret;

	if (owner->process->mm == current->mm)
		return 0;

	ret = t1x_owner_get(&new, recent);
	if (ret)
		return ret;
	ret = t1x_charge(&new, owner->charged, 0, 0, errlog);
	if (ret) {
		t1x_owner_put(&new);
		return ret;
	}
	t1x_owner_put(owner);
	*owner = new;
	return 0;
}

/**
 * t1x_owner_unlimited() - is a process free of RLIMIT_MEMLOCK
 * @owner: the charged process
 *
 * Pages that are charged ahead of being pinned count against the limit, and would make a
 * request of another thread, or mlock(), fail that the limit allows.  So more may be
 * charged than is pinned only where there is no limit.
 *
 * Return: whether no limit applies.
 */
bool t1x_owner_unlimited(const struct t1x_owner *owner)
{
	return owner->process->lock_cap ||
	       task_rlimit(owner->process->task, RLIMIT_MEMLOCK) == RLIM_INFINITY;
}

/* @total of which @npages are still to be charged: the reason tells what to ask for. */
static int t1x_charge_log_err(const struct t1x_owner *owner, unsigned long npages,
			      unsigned long total, int ret, struct t1x_errlog *errlog)
{
	struct task_struct *task = owner->process->task;
	unsigned long locked = READ_ONCE(owner->process->mm->locked_vm);

	locked -= min3(locked, owner->charged, total - npages);
	return t1x_log_err_of(errlog, ret, task,
			      "RLIMIT_MEMLOCK (ulimit -l) of %s[%llu] is %llu bytes, of which %llu are used; %llu more are needed",
			      task->tgid, task_rlimit(task, RLIMIT_MEMLOCK),
			      (u64)locked << PAGE_SHIFT, (u64)total << PAGE_SHIFT);
}

static int t1x_charge_locked(const struct t1x_process *process,
			     unsigned long npages)
{
	return __account_locked_vm(process->mm, npages, true, process->task,
				   process->lock_cap);
}

/**
 * t1x_charge() - charge pages against RLIMIT_MEMLOCK
 * @owner: the charged process; its mm has users
 * @npages: RAM pages just pinned; may be 0
 * @more: pages that are likely to be charged soon, charged as well if the limit
 *	allows, as @owner->charged shows; they are pinned, unless t1x_owner_unlimited()
 * @total: pages that the request charges in all, at most; for the reason of an error
 * @errlog: the log for an error
 *
 * Context: takes mmap_lock for write; may sleep.
 * Return: 0, -ENOMEM over the limit, or -EINTR when the caller is being
 * killed; on failure nothing is charged.
 */
int t1x_charge(struct t1x_owner *owner, unsigned long npages, unsigned long more,
	       unsigned long total, struct t1x_errlog *errlog)
{
	const struct t1x_process *process = owner->process;
	int ret;

	if (!npages)
		return 0;

	ret = mmap_write_lock_killable(process->mm);
	if (ret)
		return ret;
	ret = t1x_charge_locked(process, npages + more);
	if (!ret)
		npages += more;
	else if (more)
		ret = t1x_charge_locked(process, npages);
	mmap_write_unlock(process->mm);

	trace_t1x_charge(process->task->tgid, npages, ret);
	if (ret)
		return t1x_charge_log_err(owner, npages, max(npages, total), ret, errlog);
	owner->charged += npages;
	t1x_stat_add(T1X_STAT_PAGES_CHARGED, npages);
	return 0;
}

/**
 * t1x_refund_batch_add() - note that pages are to be refunded
 * @refunds: all zero at first; flushed, if it is another process's
 * @owner: the charged process; may be dying or dead
 * @npages: RAM pages just unpinned; may be 0
 *
 * Never notes more than was charged: a page can be RAM to a mediated device
 * that pinned it late, and have been the zero page when it was mapped.
 *
 * Context: may take mmap_lock for write; may sleep.
 */
void t1x_refund_batch_add(struct t1x_refund_batch *refunds, struct t1x_owner *owner,
			  unsigned long npages)
{
	if (refunds->process && refunds->process != owner->process)
		t1x_refund_batch_flush(refunds);
	npages = min(npages, owner->charged);
	owner->charged -= npages;
	refunds->npages += npages;
	refunds->process = owner->process;
}

/**
 * t1x_refund_batch_flush() - give back what t1x_charge() took
 * @refunds: what t1x_refund_batch_add() noted; empty afterwards
 *
 * Context: takes mmap_lock for write; may sleep.
 */
void t1x_refund_batch_flush(struct t1x_refund_batch *refunds)
{
	const struct t1x_process *process = refunds->process;
	unsigned long npages = refunds->npages;
	struct mm_struct *mm;

	refunds->process = NULL;
	refunds->npages = 0;
	if (!npages)
		return;
	t1x_stat_add(T1X_STAT_PAGES_REFUNDED, npages);
	trace_t1x_refund(process->task->tgid, npages, 0);

	/* Nothing reads the locked_vm of an mm without users. */
	mm = process->mm;
	if (mm != current->mm && !mmget_not_zero(mm))
		return;
	mmap_write_lock(mm);
	__account_locked_vm(mm, npages, false, process->task, process->lock_cap);
	mmap_write_unlock(mm);

	/* The last user of an address space tears it down, which takes long. */
	if (mm != current->mm)
		mmput_async(mm);
}

/**
 * t1x_refund() - give back what t1x_charge() took, at once
 * @owner: the charged process; may be dying or dead
 * @npages: RAM pages just unpinned; may be 0
 *
 * Context: takes mmap_lock for write; may sleep.
 */
void t1x_refund(struct t1x_owner *owner, unsigned long npages)
{
	struct t1x_refund_batch refunds = {};

	t1x_refund_batch_add(&refunds, owner, npages);
	t1x_refund_batch_flush(&refunds);
}
