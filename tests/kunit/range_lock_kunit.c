// SPDX-License-Identifier: GPL-2.0-only
/*
 * The range lock: what conflicts, in which order it is granted, and what a killed waiter
 * leaves behind. Nothing here depends on time: a waiter is looked at in the tree.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "range_lock.h"
#include "t1x_kunit.h"

#define ALL		(~(dma_addr_t)0)
#define MANY		40
#define THREADS		8
#define ROUNDS		500
#define SLOTS		64

/**
 * struct waiter - a thread that locks a range
 * @tree: where
 * @range: what it locks
 * @iova: first byte
 * @last: last byte
 * @killable: wait so that a signal ends it
 * @ret: what locking returned
 * @locked: completed when it has returned
 * @go: to be completed for the thread to unlock, and end
 * @done: completed when it is about to end
 * @task: the thread
 */
struct waiter {
	struct t1x_range_tree *tree;
	struct t1x_range range;
	dma_addr_t iova;
	dma_addr_t last;
	bool killable;
	int ret;
	struct completion locked;
	struct completion go;
	struct completion done;
	struct task_struct *task;
};

static int waiter_thread(void *data)
{
	struct waiter *w = data;

	allow_signal(SIGKILL);
	if (w->killable)
		w->ret = t1x_range_lock(w->tree, &w->range, w->iova, w->last,
					T1X_RANGE_OTHER);
	else
		t1x_range_lock_all_uninterruptible(w->tree, &w->range);
	complete_all(&w->locked);
	wait_for_completion(&w->go);
	if (!w->ret)
		t1x_range_unlock(w->tree, &w->range);
	complete(&w->done);
	return 0;
}

static u64 tickets(struct t1x_range_tree *tree)
{
	u64 seq;

	spin_lock(&tree->lock);
	seq = tree->seq;
	spin_unlock(&tree->lock);
	return seq;
}

/* Starts a thread; on return it has its ticket. */
static struct waiter *waiter_start(struct kunit *test,
				   struct t1x_range_tree *tree, dma_addr_t iova,
				   dma_addr_t last, bool killable)
{
	struct waiter *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	u64 before = tickets(tree);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->tree = tree;
	w->iova = iova;
	w->last = last;
	w->killable = killable;
	init_completion(&w->locked);
	init_completion(&w->go);
	init_completion(&w->done);
	w->task = kthread_run(waiter_thread, w, "t1x_range");
	KUNIT_ASSERT_FALSE(test, IS_ERR(w->task));
	while (tickets(tree) == before)
		usleep_range(100, 200);
	return w;
}

static struct waiter *waiter(struct kunit *test, struct t1x_range_tree *tree,
			     dma_addr_t iova, dma_addr_t last)
{
	return waiter_start(test, tree, iova, last, true);
}

/* How many ranges it waits for. */
static unsigned int waits(struct waiter *w)
{
	unsigned int blockers;

	spin_lock(&w->tree->lock);
	blockers = w->range.blockers;
	spin_unlock(&w->tree->lock);
	return blockers;
}

/* It holds its range, or does not any more; it unlocks, and ends. */
static void waiter_end(struct waiter *w)
{
	wait_for_completion(&w->locked);
	complete(&w->go);
	wait_for_completion(&w->done);
}

static void lock(struct kunit *test, struct t1x_range_tree *tree,
		 struct t1x_range *range, dma_addr_t iova, dma_addr_t last)
{
	KUNIT_ASSERT_EQ(test, t1x_range_lock(tree, range, iova, last,
					     T1X_RANGE_OTHER), 0);
}

/**
 * struct overlap - two ranges, and whether the second has to wait
 * @name: of the case
 * @held: first and last byte of the first one
 * @iova: first byte of the second one
 * @last: last byte of the second one
 * @waits: how many ranges that waits for
 */
struct overlap {
	const char *name;
	dma_addr_t held[2];
	dma_addr_t iova;
	dma_addr_t last;
	unsigned int waits;
};

static const struct overlap overlaps[] = {
	{ "ends just before", { 10, 20 }, 0, 9, 0 },
	{ "the first byte is in both", { 10, 20 }, 0, 10, 1 },
	{ "the first byte", { 10, 20 }, 10, 10, 1 },
	{ "within", { 10, 20 }, 15, 16, 1 },
	{ "the last byte is in both", { 10, 20 }, 20, 30, 1 },
	{ "begins just behind", { 10, 20 }, 21, 30, 0 },
	{ "all there is", { 10, 20 }, 0, ALL, 1 },
	{ "the last byte there is", { 10, 20 }, ALL, ALL, 0 },
	{ "all, and the last byte held", { ALL, ALL }, 0, ALL, 1 },
	{ "up to the last byte", { ALL, ALL }, 0, ALL - 1, 0 },
};

CASE_DESC(overlap);
KUNIT_ARRAY_PARAM(overlap, overlaps, overlap_desc);

static void what_overlaps_waits(struct kunit *test)
{
	const struct overlap *p = test->param_value;
	struct t1x_range_tree tree;
	struct t1x_range range;
	struct waiter *w;

	t1x_range_tree_init(&tree);
	lock(test, &tree, &range, p->held[0], p->held[1]);
	w = waiter(test, &tree, p->iova, p->last);
	KUNIT_EXPECT_EQ(test, waits(w), p->waits);
	t1x_range_unlock(&tree, &range);
	waiter_end(w);
	KUNIT_EXPECT_EQ(test, w->ret, 0);
	KUNIT_EXPECT_TRUE(test, t1x_range_tree_empty(&tree));
}

static void newcomers_do_not_overtake(struct kunit *test)
{
	struct waiter *behind, *waiting, *apart;
	struct t1x_range_tree tree;
	struct t1x_range range;

	t1x_range_tree_init(&tree);
	lock(test, &tree, &range, 0, 9);
	waiting = waiter(test, &tree, 5, 15);
	behind = waiter(test, &tree, 12, 20);
	apart = waiter(test, &tree, 30, 40);
	KUNIT_EXPECT_EQ(test, waits(waiting), 1U);
	KUNIT_EXPECT_EQ(test, waits(behind), 1U);
	KUNIT_EXPECT_EQ(test, waits(apart), 0U);

	t1x_range_unlock(&tree, &range);
	KUNIT_EXPECT_EQ(test, waits(waiting), 0U);
	KUNIT_EXPECT_EQ(test, waits(behind), 1U);
	waiter_end(waiting);
	KUNIT_EXPECT_EQ(test, waits(behind), 0U);
	waiter_end(behind);
	waiter_end(apart);
	KUNIT_EXPECT_TRUE(test, t1x_range_tree_empty(&tree));
}

/* Half of the waiters lie in the one range, half in the other. */
static void unlock_grants_what_waited_for_it(struct kunit *test)
{
	struct t1x_range_tree tree;
	struct t1x_range range;
	struct waiter *w[MANY];
	int i;

	t1x_range_tree_init(&tree);
	lock(test, &tree, &range, 0, 999);
	w[0] = waiter(test, &tree, 1000, 1999);
	for (i = 1; i < MANY; i++)
		w[i] = waiter(test, &tree, i % 2 * 1000 + i * 10,
			      i % 2 * 1000 + i * 10 + 9);
	for (i = 1; i < MANY; i++)
		KUNIT_EXPECT_EQ(test, waits(w[i]), 1U);

	t1x_range_unlock(&tree, &range);
	for (i = 1; i < MANY; i++)
		KUNIT_EXPECT_EQ(test, waits(w[i]), i % 2 ? 1U : 0U);
	waiter_end(w[0]);
	for (i = 1; i < MANY; i++) {
		KUNIT_EXPECT_EQ(test, waits(w[i]), 0U);
		waiter_end(w[i]);
	}
	KUNIT_EXPECT_TRUE(test, t1x_range_tree_empty(&tree));
}

static void killed_waiter_leaves_nothing(struct kunit *test)
{
	struct waiter *killed, *behind, *both;
	struct t1x_range_tree tree;
	struct t1x_range range;

	t1x_range_tree_init(&tree);
	lock(test, &tree, &range, 0, 9);
	killed = waiter(test, &tree, 5, 15);
	behind = waiter(test, &tree, 12, 20);
	both = waiter(test, &tree, 9, 11);
	KUNIT_EXPECT_EQ(test, waits(both), 2U);

	send_sig(SIGKILL, killed->task, 1);
	wait_for_completion(&killed->locked);
	KUNIT_EXPECT_EQ(test, killed->ret, -EINTR);
	KUNIT_EXPECT_EQ(test, waits(behind), 0U);
	KUNIT_EXPECT_EQ(test, waits(both), 1U);
	waiter_end(killed);

	/* What is granted already stays so. */
	send_sig(SIGKILL, behind->task, 1);
	waiter_end(behind);
	KUNIT_EXPECT_EQ(test, behind->ret, 0);
	t1x_range_unlock(&tree, &range);
	waiter_end(both);
	KUNIT_EXPECT_TRUE(test, t1x_range_tree_empty(&tree));
}

static void all_of_it_is_a_range(struct kunit *test)
{
	struct t1x_range_tree tree;
	struct waiter *all, *late;
	struct t1x_range range;

	t1x_range_tree_init(&tree);
	lock(test, &tree, &range, 100, 199);
	all = waiter_start(test, &tree, 0, ALL, false);
	late = waiter(test, &tree, 500, 599);
	KUNIT_EXPECT_EQ(test, waits(all), 1U);
	KUNIT_EXPECT_EQ(test, waits(late), 1U);

	/* What cannot fail waits on. */
	send_sig(SIGKILL, all->task, 1);
	msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&all->locked));
	t1x_range_unlock(&tree, &range);
	KUNIT_EXPECT_EQ(test, waits(all), 0U);
	KUNIT_EXPECT_EQ(test, waits(late), 1U);
	waiter_end(all);
	waiter_end(late);

	t1x_range_lock_all_uninterruptible(&tree, &range);
	KUNIT_EXPECT_TRUE(test, t1x_range_is_held(&range, 0, ALL));
	t1x_range_unlock(&tree, &range);
	KUNIT_EXPECT_TRUE(test, t1x_range_tree_empty(&tree));
}

static void trim_grants_what_it_gives_back(struct kunit *test)
{
	struct waiter *below, *edge, *inside, *above;
	struct t1x_range_tree tree;
	struct t1x_range range;

	t1x_range_tree_init(&tree);
	lock(test, &tree, &range, 0, ALL);
	below = waiter(test, &tree, 0, 99);
	edge = waiter(test, &tree, 100, 100);
	inside = waiter(test, &tree, 150, 160);
	above = waiter(test, &tree, 200, ALL);

	t1x_range_trim(&tree, &range, 100, 199);
	KUNIT_EXPECT_EQ(test, waits(below), 0U);
	KUNIT_EXPECT_EQ(test, waits(edge), 1U);
	KUNIT_EXPECT_EQ(test, waits(inside), 1U);
	KUNIT_EXPECT_EQ(test, waits(above), 0U);
	KUNIT_EXPECT_TRUE(test, t1x_range_is_held(&range, 100, 199));
	KUNIT_EXPECT_FALSE(test, t1x_range_is_held(&range, 99, 199));

	t1x_range_unlock(&tree, &range);
	waiter_end(below);
	waiter_end(edge);
	waiter_end(inside);
	waiter_end(above);
	KUNIT_EXPECT_TRUE(test, t1x_range_tree_empty(&tree));
}

static void held_by_the_task_that_locked(struct kunit *test)
{
	struct t1x_range_tree tree;
	struct t1x_range range;
	struct waiter *w;

	t1x_range_tree_init(&tree);
	lock(test, &tree, &range, 10, 20);
	KUNIT_EXPECT_TRUE(test, t1x_range_is_held(&range, 10, 20));
	KUNIT_EXPECT_TRUE(test, t1x_range_is_held(&range, 12, 12));
	KUNIT_EXPECT_FALSE(test, t1x_range_is_held(&range, 9, 20));
	KUNIT_EXPECT_FALSE(test, t1x_range_is_held(&range, 10, 21));
	w = waiter(test, &tree, 15, 25);
	KUNIT_EXPECT_FALSE(test, t1x_range_is_held(&w->range, 15, 25));
	t1x_range_unlock(&tree, &range);
	KUNIT_EXPECT_FALSE(test, t1x_range_is_held(&range, 10, 20));
	wait_for_completion(&w->locked);
	KUNIT_EXPECT_FALSE(test, t1x_range_is_held(&w->range, 15, 25));
	waiter_end(w);
}

static void snapshot_of_what_is_held(struct kunit *test)
{
	struct t1x_range high = {}, low = {};
	struct t1x_range_info info[4];
	struct t1x_range_tree tree;
	struct waiter *w, *other;

	t1x_range_tree_init(&tree);
	KUNIT_ASSERT_EQ(test, t1x_range_lock(&tree, &high, 100, 199,
					     T1X_RANGE_UNMAP), 0);
	WRITE_ONCE(high.done, 42);
	w = waiter(test, &tree, 150, 300);
	other = waiter(test, &tree, 400, 500);
	KUNIT_EXPECT_EQ(test, t1x_range_snapshot(&tree, info, 4), 1U);
	KUNIT_EXPECT_EQ(test, info[0].iova, (dma_addr_t)100);
	KUNIT_EXPECT_EQ(test, info[0].last, (dma_addr_t)199);
	KUNIT_EXPECT_EQ(test, info[0].op, T1X_RANGE_UNMAP);
	KUNIT_EXPECT_EQ(test, info[0].pid, current->tgid);
	KUNIT_EXPECT_EQ(test, info[0].done, 42ULL);
	t1x_range_unlock(&tree, &high);
	waiter_end(w);
	waiter_end(other);

	KUNIT_ASSERT_EQ(test, t1x_range_lock(&tree, &low, 0, 9,
					     T1X_RANGE_MAP), 0);
	KUNIT_EXPECT_EQ(test, t1x_range_snapshot(&tree, info, 0), 0U);
	KUNIT_EXPECT_EQ(test, t1x_range_snapshot(&tree, info, 1), 1U);
	KUNIT_EXPECT_EQ(test, info[0].op, T1X_RANGE_MAP);
	t1x_range_unlock(&tree, &low);
}

/**
 * struct crowd - threads that lock random ranges of a few slots
 * @tree: the tree
 * @owner: which thread has a slot; 0: none
 * @seq: ticket of the last one that had it
 * @bad: what went wrong
 */
struct crowd {
	struct t1x_range_tree tree;
	unsigned long owner[SLOTS];
	u64 seq[SLOTS];
	atomic_t bad;
};

/**
 * struct member - one of them
 * @crowd: all of them
 * @id: which one, from 1 on
 * @rnd: where its ranges come from
 * @done: completed in the end
 */
struct member {
	struct crowd *crowd;
	unsigned long id;
	struct rnd_state rnd;
	struct completion done;
};

static void member_own(struct member *m, u64 seq, u32 first, u32 last)
{
	u32 i;

	for (i = first; i <= last; i++) {
		if (READ_ONCE(m->crowd->owner[i]) || m->crowd->seq[i] > seq)
			atomic_inc(&m->crowd->bad);
		WRITE_ONCE(m->crowd->owner[i], m->id);
		m->crowd->seq[i] = seq;
	}
}

static void member_disown(struct member *m, u32 first, u32 last)
{
	u32 i;

	for (i = first; i <= last; i++) {
		if (READ_ONCE(m->crowd->owner[i]) != m->id)
			atomic_inc(&m->crowd->bad);
		WRITE_ONCE(m->crowd->owner[i], 0);
	}
}

static int member_thread(void *data)
{
	struct member *m = data;
	struct t1x_range range;
	u32 first, last, mid;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		first = prandom_u32_state(&m->rnd) % SLOTS;
		last = first + prandom_u32_state(&m->rnd) % (SLOTS - first);
		if (t1x_range_lock(&m->crowd->tree, &range, first, last,
				   T1X_RANGE_OTHER))
			atomic_inc(&m->crowd->bad);
		member_own(m, range.seq, first, last);
		if (i % 3 == 0)
			cond_resched();
		if (i % 4 == 0 && first < last) {
			mid = first + (last - first) / 2;
			member_disown(m, mid + 1, last);
			last = mid;
			t1x_range_trim(&m->crowd->tree, &range, first, last);
		}
		member_disown(m, first, last);
		t1x_range_unlock(&m->crowd->tree, &range);
	}
	complete(&m->done);
	return 0;
}

static void one_owner_at_a_time(struct kunit *test)
{
	struct crowd *crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	struct member *m = kunit_kcalloc(test, THREADS, sizeof(*m), GFP_KERNEL);
	struct rnd_state rnd = t1x_kunit_seed(test);
	struct task_struct *task;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, crowd);
	KUNIT_ASSERT_NOT_NULL(test, m);
	t1x_range_tree_init(&crowd->tree);
	for (i = 0; i < THREADS; i++) {
		m[i].crowd = crowd;
		m[i].id = i + 1;
		prandom_seed_state(&m[i].rnd, prandom_u32_state(&rnd));
		init_completion(&m[i].done);
		task = kthread_run(member_thread, &m[i], "t1x_crowd");
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	}
	for (i = 0; i < THREADS; i++)
		wait_for_completion(&m[i].done);
	KUNIT_EXPECT_EQ(test, atomic_read(&crowd->bad), 0);
	KUNIT_EXPECT_EQ(test, crowd->tree.seq, (u64)THREADS * ROUNDS);
	KUNIT_EXPECT_TRUE(test, t1x_range_tree_empty(&crowd->tree));
}

static struct kunit_case range_lock_cases[] = {
	KUNIT_CASE_PARAM(what_overlaps_waits, overlap_gen_params),
	KUNIT_CASE(newcomers_do_not_overtake),
	KUNIT_CASE(unlock_grants_what_waited_for_it),
	KUNIT_CASE(killed_waiter_leaves_nothing),
	KUNIT_CASE(all_of_it_is_a_range),
	KUNIT_CASE(trim_grants_what_it_gives_back),
	KUNIT_CASE(held_by_the_task_that_locked),
	KUNIT_CASE(snapshot_of_what_is_held),
	KUNIT_CASE(one_owner_at_a_time),
	{}
};

static struct kunit_suite range_lock_suite = {
	.name = "t1x_range_lock",
	.test_cases = range_lock_cases,
};

kunit_test_suite(range_lock_suite);
