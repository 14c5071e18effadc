// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a request was refused: the errno alone rarely tells.
 *
 * The reason is where whoever was refused may look for it afterwards, in
 * <debugfs>/vfio_iommu_type1x/refusals as long as the container is open; in a trace,
 * if one is taken; and in the log, if log_refusals is set.  Users can have
 * themselves refused at will, so a log is rate-limited, and not the default.
 */
#include "refuse.h"

#include <linux/debugfs.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "t1x.h"
#include "trace.h"

static DEFINE_MUTEX(t1x_refusals_lock);	/* protects the list */
static LIST_HEAD(t1x_refusals_all);

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

/**
 * t1x_refusals_exit() - undo t1x_refusals_init()
 * @refusals: the refusals; nobody reads them afterwards
 *
 * Context: may sleep.
 */
void t1x_refusals_exit(struct t1x_refusals *refusals)
{
	mutex_lock(&t1x_refusals_lock);
	list_del(&refusals->node);
	mutex_unlock(&t1x_refusals_lock);
}

/**
 * t1x_refuse() - remember why a request is refused, and tell who wants to know
 * @refusals: of the container
 * @ret: what it is refused with, a negative errno
 * @fmt: the reason, without a newline
 *
 * Context: any that may print.
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
	strscpy(last->why, why, sizeof(last->why));
	spin_unlock(&refusals->lock);

	trace_t1x_refused(refusals->container, ret, why);
	if (READ_ONCE(t1x_log_refusals))
		pr_info_ratelimited("refused: container %lu, %pe: %s\n",
				    refusals->container, ERR_PTR(ret), why);
	return ret;
}

static void t1x_refusals_show_one(struct seq_file *m,
				  struct t1x_refusals *refusals)
{
	const struct t1x_refusal *one;
	unsigned int i, nr;

	spin_lock(&refusals->lock);
	nr = min(refusals->nr, T1X_REFUSALS);
	for (i = refusals->nr - nr; i != refusals->nr; i++) {
		one = &refusals->last[i % T1X_REFUSALS];
		seq_printf(m, "container=%lu pid=%d ret=%d why=%s\n",
			   refusals->container, one->pid, one->ret, one->why);
	}
	spin_unlock(&refusals->lock);
}

static int t1x_refusals_show(struct seq_file *m, void *unused)
{
	struct t1x_refusals *refusals;

	mutex_lock(&t1x_refusals_lock);
	list_for_each_entry(refusals, &t1x_refusals_all, node)
		t1x_refusals_show_one(m, refusals);
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
