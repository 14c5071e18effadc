// SPDX-License-Identifier: GPL-2.0-only
/*
 * Range lock: an IOVA range of a container, locked by one task at a time.
 *
 * A tree has the ranges that are held and those that are waited for.  Each has a ticket
 * and counts the earlier ranges that overlap it; with none left it is held.  So
 *
 * R1  ranges that are held never overlap;
 * R2  a range is granted only after every earlier one that overlaps it is gone: what
 *     comes later never overtakes, and what does not overlap never waits.
 *
 * An exclusive operation, such as attaching a group, locks [0, ~0] and is no special case.
 * The callers keep to these rules:
 *
 * R3  A task holds at most one range of a container.
 * R4  A range that is held while &t1x_container.lock is not covers whole mappings, or the
 *     mapping is looked up anew with that lock before it is used again (access.c).  So the
 *     holder of a range may split a mapping that goes on beyond it.
 * R5  No callback of a driver (dma_unmap) is called with a range held.
 * R6  The task that locked a range unlocks it.
 *
 * Nothing is allocated: a range stands on the stack of its task.  Locking and unlocking
 * cost a descent of the tree, and a step for each range that overlaps.
 */
#include "range_lock.h"

#include <linux/interval_tree_generic.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#define T1X_RANGE_FIRST(range)	((range)->iova)
#define T1X_RANGE_LAST(range)	((range)->last)

INTERVAL_TREE_DEFINE(struct t1x_range, node, dma_addr_t, subtree_last,
		     T1X_RANGE_FIRST, T1X_RANGE_LAST, static, t1x_range_tree)

#define t1x_range_tree_for_each(range, tree, iova, last)			\
	for (range = t1x_range_tree_iter_first(&(tree)->root, iova, last);	\
	     range; range = t1x_range_tree_iter_next(range, iova, last))

/**
 * t1x_range_tree_init() - begin to lock ranges
 * @tree: the tree
 */
void t1x_range_tree_init(struct t1x_range_tree *tree)
{
	static struct lock_class_key key;

	spin_lock_init(&tree->lock);
	tree->root = RB_ROOT_CACHED;
	tree->seq = 0;
	lockdep_init_map(&tree->dep_map, "t1x_range", &key, 0);
}

/* Grants a range that overlapped this one, if it waited for this one and for no other. */
static void t1x_range_grant(struct t1x_range *other, const struct t1x_range *range)
{
	/* With the lock held, so the other task has not returned and @task is valid. */
	if (other->seq > range->seq && !--other->blockers)
		wake_up_process(other->task);
}

static void t1x_range_remove(struct t1x_range_tree *tree,
			     struct t1x_range *range)
{
	struct rb_node *node = &range->node;
	struct t1x_range *other;

	lockdep_assert_held(&tree->lock);

	/* Without another range there is nothing to grant. */
	if (likely(tree->root.rb_root.rb_node == node && !node->rb_left &&
		   !node->rb_right)) {
		tree->root = RB_ROOT_CACHED;
	} else {
		t1x_range_tree_remove(range, &tree->root);
		t1x_range_tree_for_each(other, tree, range->iova, range->last)
			t1x_range_grant(other, range);
	}
	RB_CLEAR_NODE(node);
}

/*
 * Waits until a range that is in the tree is held.  The waker takes the lock, so it sees
 * the task's state or is seen by the check of @blockers.
 */
static int t1x_range_wait(struct t1x_range_tree *tree, struct t1x_range *range,
			  unsigned int state)
{
	int ret = 0;

	while (range->blockers) {
		if (state == TASK_KILLABLE && fatal_signal_pending(current)) {
			t1x_range_remove(tree, range);
			ret = -EINTR;
			break;
		}
		set_current_state(state);
		spin_unlock(&tree->lock);
		schedule();
		spin_lock(&tree->lock);
	}
	return ret;
}

/* Counts the ranges that overlap one which is not in the tree. */
static unsigned int t1x_range_overlaps(struct t1x_range_tree *tree,
				       const struct t1x_range *range)
{
	struct t1x_range *other;
	unsigned int nr = 0;

	t1x_range_tree_for_each(other, tree, range->iova, range->last)
		nr++;
	return nr;
}

/* Inline, because this is a large part of a MAP and an UNMAP of one page. */
static __always_inline int
t1x_range_lock_state(struct t1x_range_tree *tree, struct t1x_range *range,
		     dma_addr_t iova, dma_addr_t last, enum t1x_range_op op,
		     unsigned int state)
{
	int ret = 0;

	range->iova = iova;
	range->last = last;
	range->blockers = 0;
	range->op = op;
	range->task = current;
	range->done = 0;

	lock_map_acquire(&tree->dep_map);
	spin_lock(&tree->lock);
	range->seq = ++tree->seq;
	if (unlikely(!t1x_range_tree_empty(tree)))
		range->blockers = t1x_range_overlaps(tree, range);
	t1x_range_tree_insert(range, &tree->root);
	if (unlikely(range->blockers))
		ret = t1x_range_wait(tree, range, state);
	spin_unlock(&tree->lock);
	if (ret)
		lock_map_release(&tree->dep_map);
	return ret;
}

/**
 * t1x_range_lock() - lock a range
 * @tree: the tree
 * @range: to be the range, until t1x_range_unlock()
 * @iova: its first byte
 * @last: its last byte
 * @op: what for
 *
 * Context: may sleep long; &t1x_container.lock is not held.
 * Return: 0, or -EINTR when killed while waiting.
 */
int t1x_range_lock(struct t1x_range_tree *tree, struct t1x_range *range,
		   dma_addr_t iova, dma_addr_t last, enum t1x_range_op op)
{
	return t1x_range_lock_state(tree, range, iova, last, op,
				    TASK_KILLABLE);
}

/**
 * t1x_range_lock_all_uninterruptible() - lock all IOVAs, for what cannot fail
 * @tree: the tree
 * @range: to be the range, until t1x_range_unlock()
 *
 * Context: may sleep long; &t1x_container.lock is not held.
 */
void t1x_range_lock_all_uninterruptible(struct t1x_range_tree *tree,
					struct t1x_range *range)
{
	t1x_range_lock_state(tree, range, 0, ~(dma_addr_t)0, T1X_RANGE_OTHER,
			     TASK_UNINTERRUPTIBLE);
}

/**
 * t1x_range_trim() - unlock a part of a range
 * @tree: the tree
 * @range: the range, which the current task holds
 * @iova: first byte of what stays locked, in @range
 * @last: its last byte
 */
void t1x_range_trim(struct t1x_range_tree *tree, struct t1x_range *range,
		    dma_addr_t iova, dma_addr_t last)
{
	dma_addr_t was_iova = range->iova, was_last = range->last;
	struct t1x_range *other;

	t1x_range_assert_held(range, iova, last);
	spin_lock(&tree->lock);
	t1x_range_tree_remove(range, &tree->root);
	range->iova = iova;
	range->last = last;
	t1x_range_tree_for_each(other, tree, was_iova, was_last)
		if (other->last < iova || other->iova > last)
			t1x_range_grant(other, range);
	t1x_range_tree_insert(range, &tree->root);
	spin_unlock(&tree->lock);
}

/**
 * t1x_range_unlock() - unlock a range
 * @tree: the tree
 * @range: the range, which the current task holds
 */
void t1x_range_unlock(struct t1x_range_tree *tree, struct t1x_range *range)
{
	t1x_range_assert_held(range, range->iova, range->last);

	spin_lock(&tree->lock);
	t1x_range_remove(tree, range);
	spin_unlock(&tree->lock);
	lock_map_release(&tree->dep_map);
}

/**
 * t1x_range_is_held() - does the current task hold a range, and does it cover another
 * @range: the range
 * @iova: first byte of the other
 * @last: its last byte
 *
 * Return: whether it does.
 */
bool t1x_range_is_held(const struct t1x_range *range, dma_addr_t iova,
		       dma_addr_t last)
{
	return !RB_EMPTY_NODE(&range->node) && range->task == current &&
	       !READ_ONCE(range->blockers) && range->iova <= iova &&
	       last <= range->last;
}

/**
 * t1x_range_tree_overlaps() - has any task locked a part of a range, or waits for one
 * @tree: the tree
 * @iova: first byte
 * @last: last byte
 *
 * Return: whether one has; stale at once, unless ranges are used only by tasks that
 * need what the caller has locked.
 */
bool t1x_range_tree_overlaps(struct t1x_range_tree *tree, dma_addr_t iova,
			     dma_addr_t last)
{
	bool overlaps;

	spin_lock(&tree->lock);
	overlaps = t1x_range_tree_iter_first(&tree->root, iova, last);
	spin_unlock(&tree->lock);
	return overlaps;
}

/**
 * t1x_range_snapshot() - copy the ranges that MAPs and UNMAPs hold
 * @tree: the tree
 * @info: set to one entry for each, in order of IOVA
 * @nr: entries that fit there
 *
 * Return: entries in @info.
 */
unsigned int t1x_range_snapshot(struct t1x_range_tree *tree,
				struct t1x_range_info *info, unsigned int nr)
{
	const struct t1x_range *range;
	unsigned int n = 0;
	struct rb_node *node;

	spin_lock(&tree->lock);
	for (node = rb_first_cached(&tree->root); node && n < nr;
	     node = rb_next(node)) {
		range = rb_entry(node, struct t1x_range, node);
		if (range->blockers || range->op == T1X_RANGE_OTHER)
			continue;
		info[n++] = (struct t1x_range_info){
			.iova = range->iova,
			.last = range->last,
			.op = range->op,
			.pid = range->task->tgid,
			.done = READ_ONCE(range->done),
		};
	}
	spin_unlock(&tree->lock);
	return n;
}
