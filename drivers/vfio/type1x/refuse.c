// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a request was refused: the errno alone rarely tells.
 *
 * The reason is where whoever was refused may look for it afterwards: in
 * <debugfs>/vfio_iommu_type1x/refusals, also of containers that are closed by now,
 * for many a program ends when it is refused something; in a trace, if one is
 * taken; and in the log, if log_refusals is set.  Users can have themselves refused
 * at will, so a log is rate-limited, and not the default.
 */
#include "refuse.h"

#include <linux/debugfs.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "params.h"
#include "t1x.h"
#include "trace.h"

/* A refusal of a container that is closed. */
struct t1x_refusal_closed {
	unsigned long container;
	struct t1x_refusal refusal;
};

static DEFINE_MUTEX(t1x_refusals_lock);	/* protects what follows */
static LIST_HEAD(t1x_refusals_all);
static struct t1x_refusal_closed t1x_refusals_closed[T1X_REFUSALS_CLOSED];
static unsigned int t1x_refusals_nr_closed;

/**
 * t1x_refusals_init() - begin to remember the refusals of a container
 * @refusals: to be filled in
 * @container: its number
 *
 * Context: may sleep.
 */
void t1x_refusals_init(struct t1x_refusals *refusals, unsigned long container)
{
	refusals->container = container;
	spin_lock_init(&refusals->lock);
	refusals->nr = 0;
	mutex_lock(&t1x_refusals_lock);
	list_add_tail(&refusals->node, &t1x_refusals_all);
	mutex_unlock(&t1x_refusals_lock);
}

/* Index of the oldest that a ring of @size still has, of @nr that it was given. */
static unsigned int t1x_refusals_oldest(unsigned int nr, unsigned int size)
{
	return nr - min(nr, size);
}

/**
 * t1x_refusals_exit() - a container closes
 * @refusals: its refusals, of which a copy is kept; nobody adds to them any more
 *
 * Context: may sleep.
 */
void t1x_refusals_exit(struct t1x_refusals *refusals)
{
	struct t1x_refusal_closed *closed;
	unsigned int i;

	mutex_lock(&t1x_refusals_lock);
	list_del(&refusals->node);
	for (i = t1x_refusals_oldest(refusals->nr, T1X_REFUSALS);
	     i != refusals->nr; i++) {
		closed = &t1x_refusals_closed[t1x_refusals_nr_closed++ %
					      T1X_REFUSALS_CLOSED];
		closed->container = refusals->container;
		closed->refusal = refusals->last[i % T1X_REFUSALS];
	}
	mutex_unlock(&t1x_refusals_lock);
}

/**
 * t1x_refuse() - remember why a request is refused, and tell who wants to know
 * @refusals: of the container
 * @ret: what it is refused with, a negative errno
 * @fmt: the reason, without a newline; text of a process's own in it is escaped by
 *	the caller (T1X_ESCAPE), for it is printed as it is
 *
 * Context: process context; takes a spinlock of its own.
 * Return: @ret.
 */
int t1x_refuse(struct t1x_refusals *refusals, int ret, const char *fmt, ...)
{
	struct t1x_refusal *last;
	char why[T1X_WHY_MAX];
	va_list args;

	va_start(args, fmt);
	vscnprintf(why, sizeof(why), fmt, args);
	va_end(args);

	spin_lock(&refusals->lock);
	last = &refusals->last[refusals->nr++ % T1X_REFUSALS];
	last->ret = ret;
	last->pid = current->tgid;
	last->at = ktime_get_seconds();
	strscpy(last->why, why, sizeof(last->why));
	spin_unlock(&refusals->lock);

	trace_t1x_refused(refusals->container, ret, why);
	if (READ_ONCE(t1x_log_refusals))
		pr_info_ratelimited("refused: container %lu, %pe: %s\n",
				    refusals->container, ERR_PTR(ret), why);
	return ret;
}

static void t1x_refusal_show(struct seq_file *m, unsigned long container,
			     const struct t1x_refusal *one)
{
	seq_printf(m, "container=%lu pid=%d age=%lld ret=%d why=%s\n",
		   container, one->pid, ktime_get_seconds() - one->at,
		   one->ret, one->why);
}

static void t1x_refusals_show_open(struct seq_file *m,
				   struct t1x_refusals *refusals)
{
	unsigned int i;

	spin_lock(&refusals->lock);
	for (i = t1x_refusals_oldest(refusals->nr, T1X_REFUSALS);
	     i != refusals->nr; i++)
		t1x_refusal_show(m, refusals->container,
				 &refusals->last[i % T1X_REFUSALS]);
	spin_unlock(&refusals->lock);
}

static void t1x_refusals_show_closed(struct seq_file *m)
{
	const struct t1x_refusal_closed *closed;
	unsigned int i;

	for (i = t1x_refusals_oldest(t1x_refusals_nr_closed,
				     T1X_REFUSALS_CLOSED);
	     i != t1x_refusals_nr_closed; i++) {
		closed = &t1x_refusals_closed[i % T1X_REFUSALS_CLOSED];
		t1x_refusal_show(m, closed->container, &closed->refusal);
	}
}

static int t1x_refusals_show(struct seq_file *m, void *unused)
{
	struct t1x_refusals *refusals;

	mutex_lock(&t1x_refusals_lock);
	t1x_refusals_show_closed(m);
	list_for_each_entry(refusals, &t1x_refusals_all, node)
		t1x_refusals_show_open(m, refusals);
	mutex_unlock(&t1x_refusals_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(t1x_refusals);

/**
 * t1x_refusals_debugfs() - make the file that shows them
 * @dir: where; its removal removes the file
 *
 * Context: module init.
 */
void t1x_refusals_debugfs(struct dentry *dir)
{
	debugfs_create_file("refusals", 0400, dir, NULL, &t1x_refusals_fops);
}
