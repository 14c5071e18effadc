/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_ACCOUNT_H
#define _T1X_ACCOUNT_H

#include <linux/cache.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct cred;
struct mm_struct;
struct t1x_errlog;
struct task_struct;

/**
 * struct t1x_process - a process that locked memory is charged to
 * @task: thread group leader, whose RLIMIT_MEMLOCK counts
 * @mm: address space whose locked_vm counts; held by mmgrab(), so it may
 *	outlive its users
 * @cred: credentials it had
 * @lock_cap: CAP_IPC_LOCK was among them: no limit
 * @users: owners that refer to it, and containers that mapped for it last
 *
 * Does not change once it is made; @users is atomic, and has a cache line of its own: each
 * MAP and UNMAP of any thread writes to it.
 */
struct t1x_process {
	struct task_struct *task;
	struct mm_struct *mm;
	const struct cred *cred;
	bool lock_cap;
	refcount_t users ____cacheline_aligned_in_smp;
};

/**
 * struct t1x_owner - what a process is charged for a mapping or a umem
 * @process: the process
 * @charged: pages charged and not yet refunded
 *
 * Embedded in a mapping or a umem, and protected by what protects that.
 */
struct t1x_owner {
	struct t1x_process *process;
	unsigned long charged;
};

/**
 * struct t1x_refund_batch - pages to be refunded to one process
 * @process: the process, which an owner keeps until the batch is flushed
 * @npages: pages
 *
 * On the stack of the task that unfills.
 */
struct t1x_refund_batch {
	const struct t1x_process *process;
	unsigned long npages;
};

void t1x_process_put(struct t1x_process *process);
int t1x_owner_get(struct t1x_owner *owner, struct t1x_process **recent);
void t1x_owner_dup(const struct t1x_owner *owner, struct t1x_owner *other);
void t1x_owner_transfer(struct t1x_owner *owner, struct t1x_owner *other,
			unsigned long npages);
void t1x_owner_put(struct t1x_owner *owner);
int t1x_owner_replace(struct t1x_owner *owner, struct t1x_process **recent,
		      struct t1x_errlog *errlog);
bool t1x_owner_unlimited(const struct t1x_owner *owner);
int t1x_charge(struct t1x_owner *owner, unsigned long npages, unsigned long more,
	       unsigned long total, struct t1x_errlog *errlog);
void t1x_refund(struct t1x_owner *owner, unsigned long npages);
void t1x_refund_batch_add(struct t1x_refund_batch *refunds, struct t1x_owner *owner,
			  unsigned long npages);
void t1x_refund_batch_flush(struct t1x_refund_batch *refunds);

#endif /* _T1X_ACCOUNT_H */
