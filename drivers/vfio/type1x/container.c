// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers: the object behind VFIO_SET_IOMMU, its lock and its lifetime.
 */

/**
 * DOC: Invariants
 *
 * Other files refer to these by number.
 *
 * I1
 *   A page is unpinned only after every domain was told to unmap it, confirmed that, and
 *   had its IOTLB synced.
 *
 * I2
 *   While no range is locked, pages charged equal RAM pages pinned, where a page both
 *   mapped and pinned for a mediated device counts once.  They are charged before a device
 *   can see them and refunded after they are unpinned.
 *
 * I3
 *   Unmap, detach and release cannot fail for want of memory; only an unmap that has to
 *   split a mapping may, before the first mapping is removed.
 *
 * I4
 *   A failed operation leaves the container as it was, with these exceptions: UNMAP over
 *   several mappings reports the bytes it unmapped; a MAP stays that an IOMMU would not
 *   undo; a group that an IOMMU does not take back is left blocked; a write of a mediated
 *   device may be done in part.
 *
 * I5
 *   Mappings of a container do not overlap.  Each is present in every domain, revoked MMIO
 *   excepted, up to &t1x_dma.filled and absent beyond; unless its range is locked or an
 *   IOMMU kept a page of it, all of it is filled, or (without a domain) none of it.
 *
 * I6
 *   A range given to an IOMMU to be unmapped starts and ends at the borders of runs, of
 *   granules or of blocks (T1X_FLUSH_SHIFT), so it never splits what one iommu_map() made.
 *   Only after an IOMMU unmapped less than that are pages unmapped one by one.
 *
 * I7
 *   IOVA ranges are [first, last]; iova + size, which may be 2^64, is never computed.
 */

/**
 * DOC: Lock order
 *
 * ::
 *
 *   vfio group.group_lock
 *     vfio container.group_lock            held by vfio.ko around attach, detach,
 *       vfio iommu_drivers_lock            release and (the last one) SET_IOMMU
 *         t1x_container.device_sem
 *           a range of t1x_container.range_tree
 *             t1x_container.lock
 *               mmap_lock
 *                 vfio-pci's memory_lock, i_mmap_rwsem, ... held where page tables change
 *                   t1x_container.mmio_lock
 *               t1x_errlog.lock
 *
 * A range is never locked with t1x_container.lock held.  Under mmio_lock, which is taken
 * where user page tables change, nothing may fault, wait for reclaim or take another lock
 * of the module.  vfio.ko's own locks are held around attach, detach and release, so
 * nothing here calls back into vfio.ko.
 */

/**
 * DOC: Lifetime of a container
 *
 * vfio.ko reads its pointer to the container and calls ioctl() with no lock, while on
 * another CPU the last group may leave and release() run, so a pointer could be freed under
 * the ioctl.  vfio.ko never looks into the cookie though, so the cookie is a number counting
 * up from 1, never used twice, and every entry looks it up::
 *
 *   ioctl                               release
 *   -----                               -------
 *   rcu_read_lock                       take the number out of xarray and slots
 *   look the number up                  dying = true
 *   got++                               full barrier
 *   full barrier                        wait until got is put
 *   dying? as below, found nothing      unmap, unpin, refund what is left
 *   rcu_read_unlock                     free after an RCU grace period
 *   ...
 *   full barrier
 *   put++
 *   full barrier
 *   dying? wake release
 *
 * got and put are sums over all CPUs, and release adds up put first: of a reference that it
 * sees dropped it then sees that it was taken, too.  It sees each that was taken without
 * seeing @dying, and is woken by each that it does not see dropped.
 *
 * An ioctl that comes too late finds nothing and returns -EINVAL, as on a container that
 * has no backend.  One that came in time is waited for; a long map checks @dying before
 * each batch and returns -ENODEV.
 */
#include "container.h"

#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/vfio.h>
#include <linux/xarray.h>
#include <uapi/linux/vfio_type1x.h>

#include "account.h"
#include "dma.h"
#include "params.h"
#include "stats.h"
#include "t1x.h"
#include "trace.h"

static DEFINE_XARRAY(t1x_containers);
static atomic_long_t t1x_last_id;

/*
 * Containers by the low bits of their number, the one opened last of those that have the
 * same.  Every ioctl looks one up, and an xa_load() is 3 % of a small UNMAP.
 */
#define T1X_RECENT	64
static struct t1x_container __rcu *t1x_recent[T1X_RECENT] __read_mostly;

static struct t1x_container __rcu **t1x_recent_slot(unsigned long id)
{
	return &t1x_recent[id % T1X_RECENT];
}

static void t1x_container_free_rcu(struct rcu_head *rcu)
{
	struct t1x_container *c = container_of(rcu, struct t1x_container, rcu);

	free_percpu(c->map_stats);
	free_percpu(c->users);
	kfree(c);
}

/**
 * t1x_container_open() - make a container
 * @arg: VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU or VFIO_TYPE1X_REGISTERED_IOMMU
 *
 * Called by vfio.ko for VFIO_SET_IOMMU, once CHECK_EXTENSION accepted @arg.
 *
 * Context: may sleep.
 * Return: a cookie, or an ERR_PTR().
 */
void *t1x_container_open(unsigned long arg)
{
	struct t1x_container *c;
	int ret = -ENOMEM;

	if (arg != VFIO_TYPE1_IOMMU && arg != VFIO_TYPE1v2_IOMMU &&
	    arg != VFIO_TYPE1X_REGISTERED_IOMMU)
		return ERR_PTR(-EINVAL);

	c = kzalloc_obj(*c, GFP_KERNEL_ACCOUNT);
	if (!c)
		return ERR_PTR(ret);
	c->users = alloc_percpu_gfp(*c->users, GFP_KERNEL_ACCOUNT);
	c->map_stats = alloc_percpu_gfp(*c->map_stats, GFP_KERNEL_ACCOUNT);
	if (!c->users || !c->map_stats)
		goto err_free;

	rcuwait_init(&c->releaser);
	c->v2 = arg != VFIO_TYPE1_IOMMU;
	c->registered_only = arg == VFIO_TYPE1X_REGISTERED_IOMMU;
	c->pid = current->tgid;
	get_task_comm(c->comm, current->group_leader);
	c->pin_batch = T1X_GUP_BATCH;
	init_rwsem(&c->device_sem);
	mutex_init(&c->lock);
	mutex_init(&c->mmio_lock);
	t1x_range_tree_init(&c->range_tree);
	c->dma_tree = RB_ROOT;
	c->mrs = RB_ROOT;
	INIT_LIST_HEAD(&c->emulated_groups);
	INIT_LIST_HEAD(&c->access_devices);
	INIT_LIST_HEAD(&c->domains);
	t1x_access_pages_init(&c->access_pages);
	t1x_iova_init(&c->iova_ranges);
	c->pgsizes = PAGE_MASK;
	c->dma_avail = READ_ONCE(t1x_dma_entry_limit);

	c->id = atomic_long_inc_return(&t1x_last_id);
	ret = xa_insert(&t1x_containers, c->id, c, GFP_KERNEL);
	if (ret)
		goto err_free;

	rcu_assign_pointer(*t1x_recent_slot(c->id), c);
	t1x_errlog_init(&c->errlog, c->id);
	t1x_stat_inc(T1X_STAT_CONTAINERS);
	t1x_stat_inc(T1X_STAT_CONTAINERS_OPENED);
	trace_t1x_container_open(c->id, c->v2, c->registered_only);
	return (void *)c->id;

err_free:
	t1x_container_free_rcu(&c->rcu);
	return ERR_PTR(ret);
}

/**
 * t1x_container_get() - find a container and keep it
 * @cookie: what t1x_container_open() returned; may be stale
 *
 * Return: the container, or %NULL once its release has begun.
 */
struct t1x_container *t1x_container_get(void *cookie)
{
	unsigned long id = (unsigned long)cookie;
	struct t1x_container *c;

	rcu_read_lock_sched();
	c = rcu_dereference_sched(*t1x_recent_slot(id));
	if (unlikely(!c || c->id != id))
		c = xa_load(&t1x_containers, id);
	if (likely(c)) {
		__this_cpu_inc(c->users->got);
		/* Release sees this, or this sees that it has begun. */
		smp_mb();
		if (unlikely(READ_ONCE(c->dying))) {
			t1x_container_put(c);
			c = NULL;
		}
	}
	rcu_read_unlock_sched();
	return c;
}

/**
 * t1x_container_put() - undo t1x_container_get()
 * @c: the container; not to be touched afterwards
 */
void t1x_container_put(struct t1x_container *c)
{
	/* Keeps @c until the end of this, whatever release sees. */
	rcu_read_lock_sched();
	/* What was done with the container is done before release sees this. */
	smp_mb();
	__this_cpu_inc(c->users->put);
	/* Release sees this, or this sees that it has begun. */
	smp_mb();
	if (unlikely(READ_ONCE(c->dying)))
		rcuwait_wake_up(&c->releaser);
	rcu_read_unlock_sched();
}

/*
 * Is there a reference that was taken without a look at @dying, which is set?  Those that are
 * given back at once, because of it, may be counted as well.
 */
static bool t1x_container_is_used(const struct t1x_container *c)
{
	unsigned long got = 0, put = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		put += READ_ONCE(per_cpu_ptr(c->users, cpu)->put);
	/* What was put was got before: it is among what is added up next. */
	smp_mb();
	for_each_possible_cpu(cpu)
		got += READ_ONCE(per_cpu_ptr(c->users, cpu)->got);
	return got != put;
}

/**
 * t1x_container_shutdown() - end the use of a container
 * @cookie: what t1x_container_open() returned
 *
 * Waits for ioctls that are under way; &t1x_container.dying makes long ones give up.
 *
 * Context: may sleep.
 * Return: the container, which nothing else finds or uses any more; %NULL if there is
 * none, with a warning.
 */
struct t1x_container *t1x_container_shutdown(void *cookie)
{
	struct t1x_container *c;

	c = xa_erase(&t1x_containers, (unsigned long)cookie);
	if (WARN_ON_ONCE(!c))
		return NULL;
	/* Another one may have taken the slot; no task stores @c there any more. */
	cmpxchg(t1x_recent_slot(c->id), RCU_INITIALIZER(c), NULL);

	WRITE_ONCE(c->dying, true);
	/* It has the barrier between @dying and the counts. */
	rcuwait_wait_event(&c->releaser, !t1x_container_is_used(c), TASK_UNINTERRUPTIBLE);
	return c;
}

/**
 * t1x_container_free() - undo t1x_container_open()
 * @c: from t1x_container_shutdown(); without groups, mappings and registered memory
 *
 * Context: may sleep.
 */
void t1x_container_free(struct t1x_container *c)
{
	WARN_ON_ONCE(!list_empty(&c->domains) || !list_empty(&c->emulated_groups) ||
		     !t1x_range_tree_empty(&c->range_tree) || !RB_EMPTY_ROOT(&c->dma_tree) ||
		     !RB_EMPTY_ROOT(&c->mrs) || !t1x_access_pages_empty(&c->access_pages));

	trace_t1x_container_release(c->id, c->v2, c->registered_only);
	t1x_errlog_exit(&c->errlog);
	t1x_stat_add(T1X_STAT_CONTAINERS, -1);
	t1x_process_put(c->process);
	t1x_iova_free(&c->iova_ranges);
	mutex_destroy(&c->mmio_lock);
	mutex_destroy(&c->lock);
	call_rcu(&c->rcu, t1x_container_free_rcu);
}

/**
 * t1x_container_coherent() - can no device bypass the CPU caches
 * @c: the container
 *
 * What VFIO_DMA_CC_IOMMU asks; KVM emulates cache flushes otherwise.
 *
 * Context: takes the lock; may sleep.
 * Return: 1 if every domain is coherent, else 0; -EINTR when killed while
 * waiting.
 */
int t1x_container_coherent(struct t1x_container *c)
{
	struct t1x_domain *d;
	int ret;

	ret = mutex_lock_killable(&c->lock);
	if (ret)
		return ret;
	ret = 1;
	list_for_each_entry(d, &c->domains, node)
		if (!d->coherent)
			ret = 0;
	mutex_unlock(&c->lock);
	return ret;
}

/**
 * t1x_container_vaddr() - can a vaddr be taken back
 * @c: the container
 *
 * What VFIO_UPDATE_VADDR asks; mediated devices need a vaddr at any time.
 *
 * Context: takes the lock; may sleep.
 * Return: 1 if no emulated group is attached, else 0; -EINTR when killed while
 * waiting.
 */
int t1x_container_vaddr(struct t1x_container *c)
{
	int ret;

	ret = mutex_lock_killable(&c->lock);
	if (ret)
		return ret;
	ret = list_empty(&c->emulated_groups);
	mutex_unlock(&c->lock);
	return ret;
}

/**
 * t1x_container_find_group() - find a group of a container
 * @c: the container
 * @group: the kernel's group
 * @domain: set to its domain; %NULL for an emulated group
 *
 * Context: the lock is held.
 * Return: our group, or %NULL.
 */
struct t1x_group *t1x_container_find_group(struct t1x_container *c,
					   struct iommu_group *group,
					   struct t1x_domain **domain)
{
	struct t1x_domain *d;
	struct t1x_group *g;

	lockdep_assert_held(&c->lock);

	*domain = NULL;
	list_for_each_entry(g, &c->emulated_groups, node)
		if (g->group == group)
			return g;
	list_for_each_entry(d, &c->domains, node)
		list_for_each_entry(g, &d->groups, node)
			if (g->group == group) {
				*domain = d;
				return g;
			}
	return NULL;
}

/**
 * t1x_container_insert() - add a mapping
 * @c: the container, with an entry left unless one is about to go
 * @dma: the mapping; overlaps no other
 *
 * Context: the lock is held.
 */
void t1x_container_insert(struct t1x_container *c, struct t1x_dma *dma)
{
	lockdep_assert_held(&c->lock);

	t1x_dma_insert(&c->dma_tree, dma);
	if (dma->registered)
		dma->mr->nr_dmas++;
	if (c->dma_avail != T1X_ENTRIES_UNLIMITED)
		c->dma_avail--;
	t1x_stat_inc(T1X_STAT_MAPPINGS);
}

/**
 * t1x_container_remove() - undo t1x_container_insert()
 * @c: the container
 * @dma: the mapping, with nothing filled, or locked by the caller, which is about to unfill it,
 *	and of no registered memory
 *
 * Context: the lock is held.
 */
void t1x_container_remove(struct t1x_container *c, struct t1x_dma *dma)
{
	lockdep_assert_held(&c->lock);

	t1x_dma_erase(&c->dma_tree, dma);
	if (dma->registered)
		dma->mr->nr_dmas--;
	if (dma->vaddr_invalid)
		c->nr_vaddr_invalid--;
	if (c->dma_avail != T1X_ENTRIES_UNLIMITED)
		c->dma_avail++;
	t1x_stat_add(T1X_STAT_MAPPINGS, -1);
}
