/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_ERRLOG_H
#define _T1X_ERRLOG_H

#include <linux/build_bug.h>
#include <linux/compiler_attributes.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/time64.h>

struct dentry;

/*
 * How many refusals a container remembers, how many of closed containers are kept, and
 * how many numbers a reason may have.
 */
#define T1X_ERRLOG_ENTRIES	8U
#define T1X_ERRLOG_CLOSED	32U
#define T1X_ERRLOG_ARGS		4

/**
 * struct t1x_errlog_entry - a request that was refused
 * @ret: the errno
 * @pid: the process that made the request
 * @at: seconds since the kernel booted, the last time
 * @count: how often it was refused
 * @fmt: the reason, for printf(); of the module, so it is there as long as the entry is
 * @args: numbers for @fmt
 * @named: @fmt begins with a %s for @name
 * @name: the name of a process, which may be empty
 *
 * The text is made when it is read: programs try MAP and fall back to less.  Protected by
 * &t1x_errlog.lock.
 */
struct t1x_errlog_entry {
	int ret;
	pid_t pid;
	time64_t at;
	unsigned int count;
	const char *fmt;
	u64 args[T1X_ERRLOG_ARGS];
	bool named;
	char name[TASK_COMM_LEN];
};

/**
 * struct t1x_errlog - the last requests of a container that were refused
 *
 * A request that is repeated is one entry, whatever came between.
 *
 * @node: in the list of all
 * @container: &t1x_container.id
 * @lock: protects what follows
 * @nr: how many different ones there were; the last one is at (@nr - 1) % T1X_ERRLOG_ENTRIES
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
__cold int t1x_errlog_add(struct t1x_errlog *errlog, int ret, const char *name,
			  const char *fmt, const u64 *args, unsigned int nr);
__cold int t1x_errlog_add_of(struct t1x_errlog *errlog, int ret,
			     struct task_struct *task, const char *fmt,
			     const u64 *args, unsigned int nr);
void t1x_errlog_debugfs(struct dentry *dir);

/**
 * t1x_log_err() - record and return the error of a request
 * @errlog: of the container
 * @ret: what it is refused with, a negative errno
 * @fmt: the reason, without a newline; a literal, with %llu or %#llx for each number,
 *	which scripts/check/structure compares with the arguments
 *
 * Context: process context; takes a spinlock of its own.
 * Return: @ret.
 */
#define t1x_log_err(errlog, ret, fmt, ...)				\
({									\
	const u64 __args[] = { __VA_ARGS__ };				\
									\
	BUILD_BUG_ON(ARRAY_SIZE(__args) > T1X_ERRLOG_ARGS);		\
	t1x_errlog_add(errlog, ret, NULL, fmt, __args,			\
		       ARRAY_SIZE(__args));				\
})

/**
 * t1x_log_err_of() - record and return an error that is about a process
 * @errlog: of the container
 * @ret: what the request is refused with, a negative errno
 * @task: the process
 * @fmt: as of t1x_log_err(), with a %s for its name before the numbers
 *
 * Context: process context; takes a spinlock of its own.
 * Return: @ret.
 */
#define t1x_log_err_of(errlog, ret, task, fmt, ...)			\
({									\
	const u64 __args[] = { __VA_ARGS__ };				\
									\
	BUILD_BUG_ON(ARRAY_SIZE(__args) > T1X_ERRLOG_ARGS);		\
	t1x_errlog_add_of(errlog, ret, task, fmt, __args,		\
			  ARRAY_SIZE(__args));				\
})

#endif /* _T1X_ERRLOG_H */
