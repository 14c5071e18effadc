/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_CONTAINER_H
#define _T1X_CONTAINER_H

#include <linux/cache.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu-defs.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/rcuwait.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <vfio_abi/vfio_iommu_driver.h>

#include "access_pages.h"
#include "domain.h"
#include "errlog.h"
#include "iova_ranges.h"
#include "map_stats.h"
#include "range_lock.h"
#include "urange.h"

struct t1x_dma;
struct t1x_process;
struct t1x_umem;

/**
 * struct t1x_mr - a memory region: what one container registered
 * @urange: what it is called, in &t1x_container.mrs
 * @umem: the memory; %NULL while it is pinned, when only the name is taken
 * @write: devices of this container may be allowed to write
 * @nr_dmas: mappings made from it
 *
 * Protected by the container's lock.
 */
struct t1x_mr {
	struct t1x_urange urange;
	struct t1x_umem *umem;
	bool write;
	unsigned long nr_dmas;
};

/**
 * struct t1x_container_users - references to a container, as one CPU has counted them
 * @got: taken
 * @put: dropped, by tasks that may have taken theirs on another CPU
 *
 * Per CPU: with one count for all, that of a pair of ioctls would be the cache line that
 * travels most between the threads of a container.
 */
struct t1x_container_users {
	unsigned long got;
	unsigned long put;
};

/**
 * struct t1x_container - what userspace made with VFIO_SET_IOMMU
 * @id: its cookie for vfio.ko, never used twice
 * @dying: release has begun; long operations give up
 * @v2: unmap by the rules of VFIO_TYPE1v2_IOMMU
 * @registered_only: map nothing but registered memory
 * @dirty: dirty pages are tracked; mappings have a bitmap, see &t1x_dma.dirty
 * @pin_batch: pages pinned at a time; tests make it small
 * @users: references
 * @map_stats: what was mapped so far
 * @process: the process that mapped last, which is the next to map mostly; or %NULL
 * @mrs: registered memory, struct t1x_mr
 * @domains: the domains, struct t1x_domain
 * @iova_ranges: usable IOVAs; empty without a domain, when none is unusable
 * @pgsizes: page sizes every domain supports, none below PAGE_SIZE
 * @range_tree: IOVA ranges that a task has locked; has a lock of its own
 * @lock: the lock
 * @dma_tree: the mappings, struct t1x_dma
 * @dma_avail: mappings that may still be made, or T1X_ENTRIES_UNLIMITED; below 0
 *	while a mapping has been split and its part is not gone yet
 * @nr_map_calls: MAPs that began to pin
 * @nr_unmap_calls: UNMAPs that were not refused
 * @device_sem: protects @access_devices together with @lock, see container.c
 * @mmio_lock: protects which MMIO of watched mappings is in @domains, see mmio_notifier.c
 * @emulated_groups: groups without an IOMMU, struct t1x_group
 * @access_devices: open mediated devices, &vfio_device.iommu_entry
 * @access_pages: pages that they hold
 * @mr_npages: pages of registered memory
 * @nr_vaddr_invalid: mappings whose vaddr was taken back
 * @nr_non_pinned_groups: groups that can write anywhere and do not tell where
 * @pid: the process that opened it
 * @comm: its name
 * @releaser: the task that waits for the references to go
 * @rcu: delays the free until no lookup can see it
 * @errlog: why requests were refused
 *
 * From @process to @nr_non_pinned_groups all is protected by @lock, but what has a lock of its
 * own.  First comes what each MAP and UNMAP reads and few write to, then a cache line with
 * the locks, and then what they write to with a lock held: threads that are at work in
 * one container take no more lines from each other than they have to.
 */
struct t1x_container {
	unsigned long id;
	bool dying;
	bool v2;
	bool registered_only;
	bool dirty;
	unsigned int pin_batch;
	struct t1x_container_users __percpu *users;
	struct t1x_map_stats __percpu *map_stats;
	struct t1x_process *process;
	struct rb_root mrs;
	struct list_head domains;
	struct t1x_iova_ranges iova_ranges;
	unsigned long pgsizes;

	struct t1x_range_tree range_tree ____cacheline_aligned_in_smp;
	struct mutex lock;	/* see container.c */

	struct rb_root dma_tree ____cacheline_aligned_in_smp;
	long dma_avail;
	unsigned long nr_map_calls;
	unsigned long nr_unmap_calls;

	struct rw_semaphore device_sem;
	struct mutex mmio_lock;	/* see mmio_notifier.c */
	struct list_head emulated_groups;
	struct list_head access_devices;
	struct t1x_access_pages access_pages;
	unsigned long mr_npages;
	unsigned long nr_vaddr_invalid;
	unsigned int nr_non_pinned_groups;

	pid_t pid;
	char comm[TASK_COMM_LEN];
	struct rcuwait releaser;
	struct rcu_head rcu;
	struct t1x_errlog errlog;	/* has a lock of its own */
};

void *t1x_container_open(unsigned long arg);
struct t1x_container *t1x_container_shutdown(void *cookie);
void t1x_container_free(struct t1x_container *c);
struct t1x_container *t1x_container_get(void *cookie);
void t1x_container_put(struct t1x_container *c);

/**
 * t1x_container_lock() - lock a range of IOVAs, and the container
 * @c: the container
 * @range: to be the range, until t1x_container_unlock() or t1x_range_unlock()
 * @iova: its first byte
 * @last: its last byte
 * @op: what for
 *
 * Context: may sleep long, until earlier ranges that overlap are unlocked.
 * Return: 0 with the range locked and &t1x_container.lock held, or -EINTR when killed
 * while waiting.
 */
static inline int t1x_container_lock(struct t1x_container *c,
				     struct t1x_range *range, dma_addr_t iova,
				     dma_addr_t last, enum t1x_range_op op)
{
	int ret = t1x_range_lock(&c->range_tree, range, iova, last, op);

	if (ret)
		return ret;
	ret = mutex_lock_killable(&c->lock);
	if (ret)
		t1x_range_unlock(&c->range_tree, range);
	return ret;
}

/**
 * t1x_container_unlock() - undo t1x_container_lock()
 * @c: the container
 * @range: the range
 */
static inline void t1x_container_unlock(struct t1x_container *c,
					struct t1x_range *range)
{
	mutex_unlock(&c->lock);
	t1x_range_unlock(&c->range_tree, range);
}

/**
 * t1x_container_pgsize() - granule of IOVAs, addresses and sizes
 * @c: the container
 *
 * Context: the lock is held.
 * Return: the smallest page size in bytes, at least PAGE_SIZE.
 */
static inline unsigned long t1x_container_pgsize(const struct t1x_container *c)
{
	lockdep_assert_held(&c->lock);
	return c->pgsizes & -c->pgsizes;
}

int t1x_container_coherent(struct t1x_container *c);
int t1x_container_vaddr(struct t1x_container *c);
struct t1x_group *t1x_container_find_group(struct t1x_container *c,
					   struct iommu_group *group,
					   struct t1x_domain **domain);
void t1x_container_insert(struct t1x_container *c, struct t1x_dma *dma);
void t1x_container_remove(struct t1x_container *c, struct t1x_dma *dma);

#endif /* _T1X_CONTAINER_H */

