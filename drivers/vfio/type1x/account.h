/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_ACCOUNT_H
#define _T1X_ACCOUNT_H

#include <linux/types.h>

struct mm_struct;
struct t1x_errlog;
struct task_struct;

/**
 * struct t1x_owner - the process that locked memory is charged to
 * @task: thread group leader of the mapper, whose RLIMIT_MEMLOCK counts
 * @mm: address space whose locked_vm counts; held by mmgrab(), so it may
 *	outlive its users
 * @charged: pages charged and not yet refunded
 * @lock_cap: mapper had CAP_IPC_LOCK: no limit
 *
 * Embedded in a mapping or a umem, and protected by what protects that.
 */
struct t1x_owner {
	struct task_struct *task;
	struct mm_struct *mm;
	unsigned long charged;
	bool lock_cap;
};

/**
 * struct t1x_refund_batch - pages to be refunded to one process
 * @owner: one of the owners that the process has; must outlive the batch
 * @npages: pages
 *
 * On the stack of the task that unfills.
 */
struct t1x_refund_batch {
	const struct t1x_owner *owner;
	unsigned long npages;
};

void t1x_owner_get(struct t1x_owner *owner);
void t1x_owner_dup(const struct t1x_owner *owner, struct t1x_owner *other);
void t1x_owner_transfer(struct t1x_owner *owner, struct t1x_owner *other,
			unsigned long npages);
void t1x_owner_put(struct t1x_owner *owner);
int t1x_owner_replace(struct t1x_owner *owner, struct t1x_errlog *errlog);
bool t1x_owner_unlimited(const struct t1x_owner *owner);
int t1x_charge(struct t1x_owner *owner, unsigned long npages,
	       unsigned long more, struct t1x_errlog *errlog);
void t1x_refund(struct t1x_owner *owner, unsigned long npages);
void t1x_refund_batch_add(struct t1x_refund_batch *refunds, struct t1x_owner *owner,
			  unsigned long npages);
void t1x_refund_batch_flush(struct t1x_refund_batch *refunds);

#endif /* _T1X_ACCOUNT_H */
