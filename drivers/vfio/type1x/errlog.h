/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_ERRLOG_H
#define _T1X_ERRLOG_H

#include <linux/compiler_attributes.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/time64.h>

struct dentry;

/*
 * How many refusals a container remembers, how many of closed containers are kept,
 * and bytes of the reason of each: enough for the longest one with the name of a process
 * of which each byte has to be escaped.
 */
#define T1X_ERRLOG_ENTRIES	8U
#define T1X_ERRLOG_CLOSED	32U
#define T1X_WHY_MAX		176

/**
 * struct t1x_errlog_entry - a request that was refused
 * @ret: the errno
 * @pid: the process that made the request
 * @at: seconds since the kernel booted
 * @why: the reason
 *
 * Protected by &t1x_errlog.lock.
 */
struct t1x_errlog_entry {
	int ret;
	pid_t pid;
	time64_t at;
	char why[T1X_WHY_MAX];
};

/**
 * struct t1x_errlog - the last requests of a container that were refused
 * @node: in the list of all
 * @container: &t1x_container.id
 * @lock: protects what follows
 * @nr: how many there were; the last one is at (@nr - 1) % T1X_ERRLOG_ENTRIES
 * @last: the last of them
 */
struct t1x_errlog {
	struct list_head node;
	unsigned long container;
	spinlock_t lock;	/* protects what follows; nothing nests inside */
	unsigned int nr;
	struct t1x_errlog_entry last[T1X_ERRLOG_ENTRIES];
};

void t1x_errlog_init(struct t1x_errlog *errlog, unsigned long container);
void t1x_errlog_exit(struct t1x_errlog *errlog);
__printf(3, 4) __cold int t1x_log_err(struct t1x_errlog *errlog, int ret,
				      const char *fmt, ...);
void t1x_errlog_debugfs(struct dentry *dir);

#endif /* _T1X_ERRLOG_H */
