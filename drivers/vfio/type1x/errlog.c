// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of failed requests, with the reason that an errno alone does not give.
 *
 * <debugfs>/vfio_iommu_type1x/refusals, as the interface calls them, has the last ones of
 * each container, and of containers that are closed, because many programs end when a
 * request fails.  Each is a trace event as well, and a line in the kernel log if
 * log_refusals is set; that is rate-limited and not the default, because a user can cause
 * any number of them.
 */
#include "errlog.h"

#include <linux/debugfs.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/timekeeping.h>

#include "params.h"
#include "t1x.h"
#include "trace.h"

/* An entry of a container that is closed. */
struct t1x_errlog_closed_entry {
	unsigned long container;
	struct t1x_errlog_entry refusal;
};

static DEFINE_MUTEX(t1x_errlog_lock);	/* protects what follows */
static LIST_HEAD(t1x_errlog_all);
static struct t1x_errlog_closed_entry t1x_errlog_closed[T1X_ERRLOG_CLOSED];
static unsigned int t1x_errlog_nr_closed;

/**
 * t1x_errlog_init() - initialise the log of a container
 * @errlog: to be filled in
 * @container: its number
 *
 * Context: may sleep.
 */
void t1x_errlog_init(struct t1x_errlog *errlog, unsigned long container)
{
	errlog->container = container;
	spin_lock_init(&errlog->lock);
	errlog->nr = 0;
	mutex_lock(&t1x_errlog_lock);
	list_add_tail(&errlog->node, &t1x_errlog_all);
	mutex_unlock(&t1x_errlog_lock);
}

/* Index of the oldest entry in a ring of @size, after @nr were added. */
static unsigned int t1x_errlog_oldest(unsigned int nr, unsigned int size)
{
	return nr - min(nr, size);
}

/**
 * t1x_errlog_exit() - undo t1x_errlog_init()
 * @errlog: the log of a container that closes; a copy of it is kept
 *
 * Context: may sleep.
 */
void t1x_errlog_exit(struct t1x_errlog *errlog)
{
	struct t1x_errlog_closed_entry *closed;
	unsigned int i;

	mutex_lock(&t1x_errlog_lock);
	list_del(&errlog->node);
	for (i = t1x_errlog_oldest(errlog->nr, T1X_ERRLOG_ENTRIES);
	     i != errlog->nr; i++) {
		closed = &t1x_errlog_closed[t1x_errlog_nr_closed++ %
					      T1X_ERRLOG_CLOSED];
		closed->container = errlog->container;
		closed->refusal = errlog->last[i % T1X_ERRLOG_ENTRIES];
	}
	mutex_unlock(&t1x_errlog_lock);
}

/*
 * Enough for the longest reason with the name of a process of which each byte has to be
 * escaped.
 */
#define T1X_WHY_MAX	224

/* Makes the text of a reason; what a process calls itself is escaped. */
static void t1x_errlog_text(const struct t1x_errlog_entry *one, char why[T1X_WHY_MAX])
{
	char name[4 * TASK_COMM_LEN];
	const u64 *args = one->args;
	int len;

	if (!one->named) {
		scnprintf(why, T1X_WHY_MAX, one->fmt, args[0], args[1], args[2],
			  args[3]);
		return;
	}
	len = string_escape_mem(one->name, strlen(one->name), name,
				sizeof(name) - 1, T1X_ESCAPE, T1X_ESCAPE_ALSO);
	name[len] = '\0';
	scnprintf(why, T1X_WHY_MAX, one->fmt, name, args[0], args[1], args[2],
		  args[3]);
}

/* By a copy: the log is unlocked before anything is printed. */
static noinline void t1x_errlog_unlock_print(struct t1x_errlog *errlog,
					     const struct t1x_errlog_entry *one)
	__releases(&errlog->lock)
{
	const struct t1x_errlog_entry copy = *one;
	char why[T1X_WHY_MAX];

	spin_unlock(&errlog->lock);
	t1x_errlog_text(&copy, why);
	trace_t1x_refused(errlog->container, copy.ret, why);
	if (READ_ONCE(t1x_log_refusals))
		pr_info_ratelimited("refused: container %lu, %pe: %s\n",
				    errlog->container, ERR_PTR(copy.ret), why);
}

/*
 * Finds a request that was refused for the same reason already.  One of the same format has
 * as many numbers.
 */
static struct t1x_errlog_entry *
t1x_errlog_find(struct t1x_errlog *errlog, int ret, const char *name, const char *fmt,
		const u64 *args, unsigned int nr)
{
	struct t1x_errlog_entry *one;
	const u64 *known;
	unsigned int i, n;

	lockdep_assert_held(&errlog->lock);

	for (i = t1x_errlog_oldest(errlog->nr, T1X_ERRLOG_ENTRIES); i != errlog->nr; i++) {
		one = &errlog->last[i % T1X_ERRLOG_ENTRIES];
		if (one->fmt != fmt || one->ret != ret || one->pid != current->tgid)
			continue;
		known = one->args;
		for (n = 0; n < nr && known[n] == args[n]; n++)
			;
		if (n == nr && (!name || !strcmp(one->name, name)))
			return one;
	}
	return NULL;
}

static struct t1x_errlog_entry *
t1x_errlog_append(struct t1x_errlog *errlog, int ret, const char *name, const char *fmt,
		  const u64 *args, unsigned int nr)
{
	struct t1x_errlog_entry *one = &errlog->last[errlog->nr++ % T1X_ERRLOG_ENTRIES];

	lockdep_assert_held(&errlog->lock);

	*one = (struct t1x_errlog_entry){
		.ret = ret,
		.pid = current->tgid,
		.fmt = fmt,
		.named = name,
	};
	memcpy(one->args, args, nr * sizeof(*args));
	if (name)
		strscpy(one->name, name, sizeof(one->name));
	return one;
}

/**
 * t1x_errlog_add() - record and return an error, for t1x_log_err()
 * @errlog: of the container
 * @ret: a negative errno
 * @name: what @fmt begins with as a %s, of a process, or %NULL
 * @fmt: the reason; stays where it is
 * @args: numbers for @fmt
 * @nr: how many
 *
 * Context: process context; takes a spinlock of its own.
 * Return: @ret.
 */
int t1x_errlog_add(struct t1x_errlog *errlog, int ret, const char *name,
		   const char *fmt, const u64 *args, unsigned int nr)
{
	struct t1x_errlog_entry *one;

	spin_lock(&errlog->lock);
	one = t1x_errlog_find(errlog, ret, name, fmt, args, nr);
	if (!one)
		one = t1x_errlog_append(errlog, ret, name, fmt, args, nr);
	one->at = ktime_get_seconds();
	one->count++;
	if (trace_t1x_refused_enabled() || READ_ONCE(t1x_log_refusals))
		t1x_errlog_unlock_print(errlog, one);
	else
		spin_unlock(&errlog->lock);
	return ret;
}

/**
 * t1x_errlog_add_of() - record and return an error, for t1x_log_err_of()
 * @errlog: of the container
 * @ret: a negative errno
 * @task: the process that @fmt names
 * @fmt: the reason; stays where it is
 * @args: numbers for @fmt
 * @nr: how many
 *
 * Context: process context; takes a spinlock of its own.
 * Return: @ret.
 */
int t1x_errlog_add_of(struct t1x_errlog *errlog, int ret, struct task_struct *task,
		      const char *fmt, const u64 *args, unsigned int nr)
{
	char name[TASK_COMM_LEN];

	get_task_comm(name, task);
	return t1x_errlog_add(errlog, ret, name, fmt, args, nr);
}

static void t1x_errlog_show_entry(struct seq_file *m, unsigned long container,
				  const struct t1x_errlog_entry *one)
{
	char why[T1X_WHY_MAX];

	t1x_errlog_text(one, why);
	seq_printf(m, "container=%lu pid=%d age=%lld count=%u ret=%d why=%s\n",
		   container, one->pid, ktime_get_seconds() - one->at,
		   one->count, one->ret, why);
}

static void t1x_errlog_show_open(struct seq_file *m,
				 struct t1x_errlog *errlog)
{
	unsigned int i;

	spin_lock(&errlog->lock);
	if (errlog->nr > T1X_ERRLOG_ENTRIES)
		seq_printf(m, "container=%lu lost=%u\n", errlog->container,
			   errlog->nr - T1X_ERRLOG_ENTRIES);
	for (i = t1x_errlog_oldest(errlog->nr, T1X_ERRLOG_ENTRIES);
	     i != errlog->nr; i++)
		t1x_errlog_show_entry(m, errlog->container,
				      &errlog->last[i % T1X_ERRLOG_ENTRIES]);
	spin_unlock(&errlog->lock);
}

static void t1x_errlog_show_closed(struct seq_file *m)
{
	const struct t1x_errlog_closed_entry *closed;
	unsigned int i;

	if (t1x_errlog_nr_closed > T1X_ERRLOG_CLOSED)
		seq_printf(m, "closed lost=%u\n",
			   t1x_errlog_nr_closed - T1X_ERRLOG_CLOSED);
	for (i = t1x_errlog_oldest(t1x_errlog_nr_closed,
				   T1X_ERRLOG_CLOSED);
	     i != t1x_errlog_nr_closed; i++) {
		closed = &t1x_errlog_closed[i % T1X_ERRLOG_CLOSED];
		t1x_errlog_show_entry(m, closed->container, &closed->refusal);
	}
}

static int t1x_errlog_show(struct seq_file *m, void *unused)
{
	struct t1x_errlog *errlog;

	mutex_lock(&t1x_errlog_lock);
	t1x_errlog_show_closed(m);
	list_for_each_entry(errlog, &t1x_errlog_all, node)
		t1x_errlog_show_open(m, errlog);
	mutex_unlock(&t1x_errlog_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(t1x_errlog);

/**
 * t1x_errlog_debugfs() - create the file "refusals"
 * @dir: where; its removal removes the file
 *
 * Context: module init.
 */
void t1x_errlog_debugfs(struct dentry *dir)
{
	debugfs_create_file("refusals", 0400, dir, NULL, &t1x_errlog_fops);
}
