/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_CONTAINER_H
#define _T1X_CONTAINER_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
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
 * struct t1x_container - what userspace made with VFIO_SET_IOMMU
 * @id: its cookie for vfio.ko, never used twice
 * @users: references; the initial one is dropped by release
 * @drained: completed when the last reference is gone
 * @rcu: delays the free until no lookup can see it
 * @dying: release has begun; long operations give up
 * @v2: unmap by the rules of VFIO_TYPE1v2_IOMMU
 * @registered_only: map nothing but registered memory
 * @pid: the process that opened it
 * @comm: its name
 * @pin_batch: pages pinned at a time; tests make it small
 * @device_sem: protects @access_devices together with @lock, see container.c
 * @mmio_lock: protects which MMIO of watched mappings is in @domains, see mmio_notifier.c
 * @range_tree: IOVA ranges that a task has locked; has a lock of its own
 * @lock: the lock
 * @dma_tree: the mappings, struct t1x_dma
 * @mrs: registered memory, struct t1x_mr
 * @domains: the domains, struct t1x_domain
 * @iova_ranges: usable IOVAs; empty without a domain, when none is unusable
 * @pgsizes: page sizes every domain supports, none below PAGE_SIZE
 * @process: the process that mapped last, which is the next to map mostly; or %NULL
 * @dma_avail: mappings that may still be made, or T1X_ENTRIES_UNLIMITED; below 0
 *	while a mapping has been split and its part is not gone yet
 * @emulated_groups: groups without an IOMMU, struct t1x_group
 * @access_devices: open mediated devices, &vfio_device.iommu_entry
 * @access_pages: pages that they hold
 * @mr_npages: pages of registered memory
 * @nr_map_calls: MAPs that began to pin
 * @nr_unmap_calls: UNMAPs that were not refused
 * @nr_vaddr_invalid: mappings whose vaddr was taken back
 * @nr_non_pinned_groups: groups that can write anywhere and do not tell where
 * @dirty: dirty pages are tracked; every mapping has a bitmap
 * @errlog: why requests were refused
 * @map_stats: what was mapped so far
 */
struct t1x_container {
	unsigned long id;
	refcount_t users;
	struct completion drained;
	struct rcu_head rcu;
	bool dying;
	bool v2;
	bool registered_only;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	unsigned int pin_batch;
	struct rw_semaphore device_sem;
	struct mutex mmio_lock;	/* see mmio_notifier.c */
	struct t1x_range_tree range_tree;

	struct mutex lock;	/* protects what follows, see container.c */
	struct rb_root dma_tree;
	struct rb_root mrs;
	struct list_head domains;
	struct t1x_iova_ranges iova_ranges;
	unsigned long pgsizes;
	struct t1x_process *process;
	long dma_avail;
	struct list_head emulated_groups;
	struct list_head access_devices;
	struct t1x_access_pages access_pages;
	unsigned long mr_npages;
	unsigned long nr_map_calls;
	unsigned long nr_unmap_calls;
	unsigned long nr_vaddr_invalid;
	unsigned int nr_non_pinned_groups;
	bool dirty;

	struct t1x_errlog errlog;	/* has a lock of its own */
	struct t1x_map_stats map_stats;		/* needs none */
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

