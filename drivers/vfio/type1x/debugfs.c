// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files in debugfs: counters of the module, failed requests, and a folder for each
 * container.
 *
 * A file knows its container by cookie and looks it up each time it is read, so it
 * keeps none open.  The container's lock is taken for one mapping at a time, to copy
 * what is printed without it; for the summary, also to count what mediated devices
 * hold.  What a MAP under way has filled may therefore be a little old, and sums over
 * many are not of one moment.
 */
#include "debugfs.h"

#include <linux/bitops.h>
#include <linux/debugfs.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "container.h"
#include "dma.h"
#include "range_lock.h"
#include "stats.h"
#include "t1x.h"

/* Ranges that "progress" shows at most. */
#define T1X_PROGRESS_SHOWN		16

/* Room for the name of a folder, a number of 64 bits. */
#define T1X_DEBUGFS_NAME	21

static struct dentry *t1x_debugfs;
static struct dentry *t1x_debugfs_containers;

/* --- Looking at mappings -------------------------------------------------------- */

/**
 * struct t1x_dma_iter - a walk over mappings that takes the lock for each of them
 * @c: the container
 * @from: where the next mapping may begin
 * @last: last byte of the walk
 * @over: no IOVA is left for another mapping
 * @iova: first byte of the mapping that was found, as all that follows
 * @end: its last byte
 * @vaddr: &t1x_dma.vaddr
 * @pid: the process that is charged
 * @npages: pages of the mapping
 * @filled: pages that are mapped
 * @ram: those of them that are RAM
 * @charged: pages charged
 * @nr_runs: runs remembered; not counted while it is mapped or unmapped
 * @run_npages: pages in them
 * @prot: IOMMU_READ and/or IOMMU_WRITE
 * @granule_shift: may be split at multiples of 2 to the power of this; 0: nowhere
 * @registered: made of registered memory
 * @untracked: not all runs are remembered
 * @watched: MMIO may be revoked
 * @vaddr_invalid: the vaddr was taken back
 *
 * On the stack of the reader of debugfs; a copy, so it needs no lock.
 */
struct t1x_dma_iter {
	struct t1x_container *c;
	dma_addr_t from;
	dma_addr_t last;
	bool over;

	dma_addr_t iova;
	dma_addr_t end;
	unsigned long vaddr;
	pid_t pid;
	unsigned long npages;
	unsigned long filled;
	unsigned long ram;
	unsigned long charged;
	unsigned long nr_runs;
	unsigned long run_npages;
	u8 prot;
	u8 granule_shift;
	bool registered;
	bool untracked;
	bool watched;
	bool vaddr_invalid;
};

static void t1x_dma_iter_init(struct t1x_dma_iter *iter, struct t1x_container *c,
			      dma_addr_t from, dma_addr_t last)
{
	iter->c = c;
	iter->from = from;
	iter->last = last;
	iter->over = false;
}

/*
 * The holder of the range may be changing these fields; a stale value is fine.  Chunks of
 * runs come and go though: they are looked at while there is no holder, and none can begin
 * without the lock.
 */
static void t1x_dma_iter_copy(struct t1x_dma_iter *iter, const struct t1x_dma *dma)
{
	bool busy = t1x_range_tree_overlaps(&iter->c->range_tree, dma->iova, dma->last);

	iter->iova = dma->iova;
	iter->end = dma->last;
	iter->vaddr = t1x_dma_vaddr(dma);
	iter->pid = dma->owner.process->task->tgid;
	iter->npages = t1x_dma_npages(dma);
	iter->filled = READ_ONCE(dma->filled);
	iter->charged = READ_ONCE(dma->owner.charged);
	iter->nr_runs = busy ? 0 : t1x_runs_nr(&dma->runs);
	iter->run_npages = busy ? 0 : t1x_runs_npages(&dma->runs);
	iter->prot = dma->prot;
	iter->granule_shift = dma->granule_shift;
	iter->registered = dma->registered;
	iter->untracked = dma->untracked;
	iter->watched = !dma->registered && READ_ONCE(dma->mmio);
	iter->vaddr_invalid = dma->vaddr_invalid;
	/* Pages that are charged and not mapped are held by accesses, or are being mapped. */
	iter->ram = iter->registered ? iter->filled :
		    min(iter->charged, iter->filled);
}

/* Finds the next mapping; returns whether there was one. */
static bool t1x_dma_iter_next(struct t1x_dma_iter *iter)
{
	struct t1x_dma *dma;

	if (iter->over || mutex_lock_killable(&iter->c->lock))
		return false;
	dma = t1x_dma_first(&iter->c->dma_tree, iter->from, iter->last);
	if (dma) {
		t1x_dma_iter_copy(iter, dma);
		iter->over = dma->last >= iter->last;
		iter->from = dma->last + 1;
	}
	mutex_unlock(&iter->c->lock);
	cond_resched();
	return dma;
}

/* --- summary -------------------------------------------------------------------- */

static void t1x_show_bytes(struct seq_file *m, const char *name,
			   unsigned long npages)
{
	seq_printf(m, "%s_bytes %llu\n", name, (u64)npages << PAGE_SHIFT);
}

static const char *t1x_type_name(const struct t1x_container *c)
{
	if (c->registered_only)
		return "registered";
	return c->v2 ? "v2" : "v1";
}

static void t1x_show_mappings_sum(struct seq_file *m, struct t1x_container *c)
{
	unsigned long nr = 0, npages = 0, ram = 0, filled = 0, charged = 0;
	unsigned long nr_runs = 0, run_npages = 0, untracked = 0;
	struct t1x_dma_iter iter;

	t1x_dma_iter_init(&iter, c, 0, ~(dma_addr_t)0);
	while (t1x_dma_iter_next(&iter)) {
		nr++;
		npages += iter.npages;
		filled += iter.filled;
		ram += iter.ram;
		charged += iter.charged;
		nr_runs += iter.nr_runs;
		run_npages += iter.run_npages;
		untracked += iter.untracked;
	}

	seq_printf(m, "mappings %lu\n", nr);
	t1x_show_bytes(m, "mapped", npages);
	t1x_show_bytes(m, "ram", ram);
	t1x_show_bytes(m, "mmio", filled - ram);
	seq_printf(m, "charged_pages %lu\n", charged);
	seq_printf(m, "runs %lu\n", nr_runs);
	t1x_show_bytes(m, "mean_run", nr_runs ? run_npages / nr_runs : 0);
	seq_printf(m, "untracked_mappings %lu\n", untracked);
}

/* What leaves of 1 << @shift bytes can map: leaf_4k_bytes and so on. */
static void t1x_show_leaf(struct seq_file *m, unsigned int shift, unsigned long npages)
{
	seq_printf(m, "leaf_%u%c_bytes %llu\n", 1U << shift % 10, "bkmgt"[shift / 10],
		   (u64)npages << PAGE_SHIFT);
}

static void t1x_show_map_stats(struct seq_file *m, const struct t1x_container *c)
{
	struct t1x_map_stats sum;

	t1x_map_stats_sum(c->map_stats, &sum);
	/* What comes meanwhile may be counted in one and not in the other. */
	sum.npages_pmd = max(sum.npages_pmd, sum.npages_pud);
	sum.npages = max(sum.npages, sum.npages_pmd);
	t1x_show_bytes(m, "largest_run", sum.largest);
	t1x_show_leaf(m, PUD_SHIFT, sum.npages_pud);
	t1x_show_leaf(m, PMD_SHIFT, sum.npages_pmd - sum.npages_pud);
	t1x_show_leaf(m, PAGE_SHIFT, sum.npages - sum.npages_pmd);
	seq_printf(m, "slow_gup %lu\n", sum.slow_gup);
}

static void t1x_show_groups(struct seq_file *m, struct list_head *groups)
{
	const struct t1x_group *g;

	list_for_each_entry(g, groups, node)
		seq_printf(m, "%s%d", list_is_first(&g->node, groups) ? "" : ",",
			   t1x_group_number(g->group));
}

/* Of these there are few. */
static void t1x_show_domains(struct seq_file *m, struct t1x_container *c)
{
	struct t1x_domain *d;

	list_for_each_entry(d, &c->domains, node) {
		seq_printf(m, "domain %lu groups=", d->id);
		t1x_show_groups(m, &d->groups);
		seq_printf(m, " page_sizes=%#lx coherent=%d iotlb_syncs=%lu walks=%ld\n",
			   d->domain->pgsize_bitmap, d->coherent,
			   t1x_domain_nr_syncs(d), atomic_long_read(&d->walks));
	}
	if (!list_empty(&c->emulated_groups)) {
		seq_puts(m, "emulated groups=");
		t1x_show_groups(m, &c->emulated_groups);
		seq_putc(m, '\n');
	}
}

static int t1x_show_state(struct seq_file *m, struct t1x_container *c)
{
	int ret = mutex_lock_killable(&c->lock);

	if (ret)
		return ret;
	t1x_show_bytes(m, "registered", c->mr_npages);
	seq_printf(m, "held_pages %lu\n", t1x_access_pages_count(&c->access_pages));
	seq_printf(m, "map_calls %lu\n", c->nr_map_calls);
	seq_printf(m, "unmap_calls %lu\n", c->nr_unmap_calls);
	seq_printf(m, "entries_left %ld\n", c->dma_avail);
	seq_printf(m, "dirty_tracking %d\n", c->dirty);
	seq_printf(m, "invalid_vaddrs %lu\n", c->nr_vaddr_invalid);
	t1x_show_domains(m, c);
	mutex_unlock(&c->lock);
	return 0;
}

static int t1x_summary_show(struct seq_file *m, void *unused)
{
	struct t1x_container *c = t1x_container_get(m->private);
	int ret;

	if (!c)
		return -ENODEV;
	seq_printf(m, "container %lu\n", c->id);
	seq_printf(m, "version %s\n", THIS_MODULE->version);
	seq_printf(m, "pid %d\n", c->pid);
	seq_puts(m, "command ");
	seq_escape_mem(m, c->comm, strlen(c->comm), T1X_ESCAPE,
		       T1X_ESCAPE_ALSO);
	seq_putc(m, '\n');
	seq_printf(m, "type %s\n", t1x_type_name(c));
	t1x_show_mappings_sum(m, c);
	t1x_show_map_stats(m, c);
	ret = t1x_show_state(m, c);
	t1x_container_put(c);
	return ret;
}
DEFINE_SHOW_ATTRIBUTE(t1x_summary);

/* --- progress ------------------------------------------------------------------- */

static void t1x_show_progress(struct seq_file *m, struct t1x_container *c,
			      const struct t1x_range_info *info)
{
	bool unmaps = info->op == T1X_RANGE_UNMAP;
	unsigned long npages = 0, filled = 0;
	struct t1x_dma_iter iter;
	u64 total, done;

	t1x_dma_iter_init(&iter, c, info->iova, info->last);
	while (t1x_dma_iter_next(&iter)) {
		npages += iter.npages;
		filled += iter.filled;
	}
	total = info->done + ((u64)npages << PAGE_SHIFT);
	done = (u64)(unmaps ? npages - filled : filled) << PAGE_SHIFT;
	seq_printf(m, "%s pid=%d iova=%pad last=%pad done=%llu total=%llu\n",
		   unmaps ? "unmap" : "map", info->pid, &info->iova,
		   &info->last, info->done + done, total);
}

static int t1x_progress_show(struct seq_file *m, void *unused)
{
	struct t1x_container *c = t1x_container_get(m->private);
	struct t1x_range_info *info;
	unsigned int i, nr;

	if (!c)
		return -ENODEV;
	info = kcalloc(T1X_PROGRESS_SHOWN, sizeof(*info), GFP_KERNEL);
	if (info) {
		nr = t1x_range_snapshot(&c->range_tree, info,
					T1X_PROGRESS_SHOWN);
		for (i = 0; i < nr; i++)
			t1x_show_progress(m, c, &info[i]);
		kfree(info);
	}
	t1x_container_put(c);
	return info ? 0 : -ENOMEM;
}
DEFINE_SHOW_ATTRIBUTE(t1x_progress);

/* --- mappings ------------------------------------------------------------------- */

/*
 * There may be very many, and they come and go while they are read.  So a position
 * in the file is the page of IOVA where the next one is looked for.
 */
static void *t1x_mappings_find(struct t1x_dma_iter *iter, loff_t pos)
{
	/* Behind the last page of 64 bits. */
	if (pos > (loff_t)(~0ULL >> PAGE_SHIFT))
		return NULL;
	t1x_dma_iter_init(iter, iter->c, (dma_addr_t)pos << PAGE_SHIFT,
			  ~(dma_addr_t)0);
	return t1x_dma_iter_next(iter) ? iter : NULL;
}

static void *t1x_mappings_start(struct seq_file *m, loff_t *pos)
{
	struct t1x_dma_iter *iter = m->private;

	iter->c = t1x_container_get(file_inode(m->file)->i_private);
	if (!iter->c)
		return ERR_PTR(-ENODEV);
	return t1x_mappings_find(iter, *pos);
}

static void *t1x_mappings_next(struct seq_file *m, void *unused, loff_t *pos)
{
	struct t1x_dma_iter *iter = m->private;

	*pos = (loff_t)(iter->end >> PAGE_SHIFT) + 1;
	return t1x_mappings_find(iter, *pos);
}

static void t1x_mappings_stop(struct seq_file *m, void *unused)
{
	struct t1x_dma_iter *iter = m->private;

	if (iter->c)
		t1x_container_put(iter->c);
}

/* The longest line of "mappings". */
#define T1X_MAPPINGS_LINE							\
	"iova=0x0123456789abcdef last=0x0123456789abcdef vaddr=0x0123456789abcdef"	\
	" pid=2147483647 prot=rw bytes=18446744073709551615"			\
	" filled=18446744073709551615 ram=18446744073709551615"			\
	" charged_pages=18446744073709551615 runs=18446744073709551615"		\
	" granule=18446744073709551615 registered untracked watched vaddr-invalid\n"

/* Text that is a literal. */
#define t1x_put(at, text)	(memcpy(at, text, sizeof(text) - 1) + sizeof(text) - 1)

/* A number in hexadecimal, of no fewer than so many digits. */
static char *t1x_put_hex(char *at, u64 value, unsigned int digits)
{
	unsigned int i, nr = max(digits, DIV_ROUND_UP((unsigned int)fls64(value), 4));

	for (i = nr; i; value >>= 4)
		at[--i] = "0123456789abcdef"[value & 0xf];
	return at + nr;
}

static char *t1x_put_decimal(char *at, u64 value)
{
	char digits[20];
	unsigned int nr = 0;

	do {
		digits[nr++] = '0' + value % 10;
		value /= 10;
	} while (value);
	while (nr)
		*at++ = digits[--nr];
	return at;
}

/*
 * There may be very many: a line is put together here and written at once, because most of
 * its cost would be the calls of seq_file for its parts.
 */
static int t1x_mappings_show(struct seq_file *m, void *found)
{
	const struct t1x_dma_iter *iter = found;
	char line[sizeof(T1X_MAPPINGS_LINE)];
	char *at = line;

	at = t1x_put_hex(t1x_put(at, "iova=0x"), iter->iova, 16);
	at = t1x_put_hex(t1x_put(at, " last=0x"), iter->end, 16);
	at = t1x_put_hex(t1x_put(at, " vaddr=0x"), iter->vaddr, 1);
	at = t1x_put_decimal(t1x_put(at, " pid="), iter->pid);
	at = t1x_put(at, " prot=");
	if (iter->prot & IOMMU_READ)
		*at++ = 'r';
	if (iter->prot & IOMMU_WRITE)
		*at++ = 'w';
	at = t1x_put_decimal(t1x_put(at, " bytes="), (u64)iter->npages << PAGE_SHIFT);
	at = t1x_put_decimal(t1x_put(at, " filled="), (u64)iter->filled << PAGE_SHIFT);
	at = t1x_put_decimal(t1x_put(at, " ram="), (u64)iter->ram << PAGE_SHIFT);
	at = t1x_put_decimal(t1x_put(at, " charged_pages="), iter->charged);
	at = t1x_put_decimal(t1x_put(at, " runs="), iter->nr_runs);
	at = t1x_put_decimal(t1x_put(at, " granule="),
			     iter->granule_shift ? 1ULL << iter->granule_shift : 0);
	if (iter->registered)
		at = t1x_put(at, " registered");
	if (iter->untracked)
		at = t1x_put(at, " untracked");
	if (iter->watched)
		at = t1x_put(at, " watched");
	if (iter->vaddr_invalid)
		at = t1x_put(at, " vaddr-invalid");
	at = t1x_put(at, "\n");
	seq_write(m, line, at - line);
	return 0;
}

static const struct seq_operations t1x_mappings_ops = {
	.start	= t1x_mappings_start,
	.next	= t1x_mappings_next,
	.stop	= t1x_mappings_stop,
	.show	= t1x_mappings_show,
};

static int t1x_mappings_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &t1x_mappings_ops,
				sizeof(struct t1x_dma_iter));
}

static const struct file_operations t1x_mappings_fops = {
	.owner		= THIS_MODULE,
	.open		= t1x_mappings_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

/* --- files ---------------------------------------------------------------------- */

static void t1x_debugfs_name(char name[T1X_DEBUGFS_NAME], void *cookie)
{
	snprintf(name, T1X_DEBUGFS_NAME, "%lu", (unsigned long)cookie);
}

/**
 * t1x_debugfs_add() - make the folder of a container
 * @cookie: of t1x_container_open()
 *
 * Context: may sleep.  Without debugfs there is no folder; that is no reason to
 * refuse service, so nothing is returned.
 */
void t1x_debugfs_add(void *cookie)
{
	char name[T1X_DEBUGFS_NAME];
	struct dentry *dir;

	t1x_debugfs_name(name, cookie);
	dir = debugfs_create_dir(name, t1x_debugfs_containers);
	debugfs_create_file("summary", 0400, dir, cookie, &t1x_summary_fops);
	debugfs_create_file("mappings", 0400, dir, cookie, &t1x_mappings_fops);
	debugfs_create_file("progress", 0400, dir, cookie, &t1x_progress_fops);
}

/**
 * t1x_debugfs_remove() - remove the folder of a container
 * @cookie: of t1x_container_open()
 *
 * Context: may sleep, until readers have left.
 */
void t1x_debugfs_remove(void *cookie)
{
	char name[T1X_DEBUGFS_NAME];
	struct dentry *dir;

	t1x_debugfs_name(name, cookie);
	dir = debugfs_lookup(name, t1x_debugfs_containers);
	debugfs_remove(dir);
	dput(dir);
}

/**
 * t1x_debugfs_init() - make the files of the module
 *
 * Context: module init.
 */
void t1x_debugfs_init(void)
{
	t1x_debugfs = debugfs_create_dir(KBUILD_MODNAME, NULL);
	t1x_stats_debugfs(t1x_debugfs);
	t1x_errlog_debugfs(t1x_debugfs);
	t1x_debugfs_containers = debugfs_create_dir("containers", t1x_debugfs);
}

/**
 * t1x_debugfs_exit() - remove the files of the module
 *
 * Context: module exit.
 */
void t1x_debugfs_exit(void)
{
	debugfs_remove(t1x_debugfs);
}
