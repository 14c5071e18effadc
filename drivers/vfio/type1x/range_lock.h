/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_RANGE_LOCK_H
#define _T1X_RANGE_LOCK_H

#include <linux/lockdep.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct task_struct;

/**
 * enum t1x_range_op - what a range is locked for
 * @T1X_RANGE_OTHER: anything that debugfs does not show
 * @T1X_RANGE_MAP: MAP_DMA
 * @T1X_RANGE_UNMAP: UNMAP_DMA
 */
enum t1x_range_op {
	T1X_RANGE_OTHER,
	T1X_RANGE_MAP,
	T1X_RANGE_UNMAP,
};

/**
 * struct t1x_range_tree - the locked ranges of a container, and those waited for
 * @lock: protects what follows; innermost but for the scheduler's
 * @root: struct t1x_range, by &t1x_range.iova
 * @seq: the last ticket
 * @dep_map: what lockdep knows a range by
 */
struct t1x_range_tree {
	spinlock_t lock;	/* protects what follows */
	struct rb_root_cached root;
	u64 seq;
	struct lockdep_map dep_map;
};

/**
 * struct t1x_range - an IOVA range that one task has locked, or waits for
 * @node: in the tree
 * @iova: first byte
 * @last: last byte
 * @subtree_last: highest @last of the subtree
 * @seq: ticket; where ranges overlap they are granted in this order
 * @blockers: earlier ranges that overlap; the range is held when there are none
 * @op: what for, for debugfs
 * @task: the task that locks it, woken when @blockers becomes 0
 * @done: bytes that UNMAP has removed already, for debugfs (WRITE_ONCE())
 *
 * Lives on the stack of that task from t1x_range_lock() to t1x_range_unlock().  All but
 * @done is protected by &t1x_range_tree.lock; what the holder of a range reads of it
 * does not change.
 */
struct t1x_range {
	struct rb_node node;
	dma_addr_t iova;
	dma_addr_t last;
	dma_addr_t subtree_last;
	u64 seq;
	unsigned int blockers;
	enum t1x_range_op op;
	struct task_struct *task;
	u64 done;
};

/**
 * struct t1x_range_info - what debugfs shows of a range that is held
 * @iova: first byte
 * @last: last byte
 * @op: T1X_RANGE_MAP or T1X_RANGE_UNMAP
 * @pid: the process that holds it
 * @done: bytes that UNMAP has removed already
 *
 * A copy, on the stack of the reader of debugfs.
 */
struct t1x_range_info {
	dma_addr_t iova;
	dma_addr_t last;
	enum t1x_range_op op;
	pid_t pid;
	u64 done;
};

void t1x_range_tree_init(struct t1x_range_tree *tree);

int t1x_range_lock(struct t1x_range_tree *tree, struct t1x_range *range,
		   dma_addr_t iova, dma_addr_t last, enum t1x_range_op op);
void t1x_range_lock_all_uninterruptible(struct t1x_range_tree *tree,
					struct t1x_range *range);
void t1x_range_trim(struct t1x_range_tree *tree, struct t1x_range *range,
		    dma_addr_t iova, dma_addr_t last);
void t1x_range_unlock(struct t1x_range_tree *tree, struct t1x_range *range);
bool t1x_range_is_held(const struct t1x_range *range, dma_addr_t iova,
		       dma_addr_t last);
bool t1x_range_tree_overlaps(struct t1x_range_tree *tree, dma_addr_t iova,
			     dma_addr_t last);
unsigned int t1x_range_snapshot(struct t1x_range_tree *tree,
				struct t1x_range_info *info, unsigned int nr);

/**
 * t1x_range_tree_empty() - is no range held or waited for
 * @tree: the tree
 *
 * Return: whether there is none.
 */
static inline bool t1x_range_tree_empty(const struct t1x_range_tree *tree)
{
	return RB_EMPTY_ROOT(&tree->root.rb_root);
}

/**
 * t1x_range_assert_held() - expect that the current task holds a range
 * @range: the range
 * @iova: first byte that it must cover
 * @last: last byte that it must cover
 */
static inline void t1x_range_assert_held(const struct t1x_range *range,
					 dma_addr_t iova, dma_addr_t last)
{
	lockdep_assert(t1x_range_is_held(range, iova, last));
}

#endif /* _T1X_RANGE_LOCK_H */
