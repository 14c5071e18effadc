// SPDX-License-Identifier: GPL-2.0-only
/*
 * Charging: the limit to the page, and a refund that always comes through.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "account.h"
#include "errlog.h"
#include "t1x_kunit.h"

static struct t1x_errlog refusals = {
	.lock = __SPIN_LOCK_UNLOCKED(refusals.lock),
};

static struct t1x_process fake_process;

static struct t1x_owner fake_owner(unsigned long limit)
{
	fake_process = (struct t1x_process){
		.task = current,
		.mm = fake_memory.mm,
	};
	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur = limit;
	return (struct t1x_owner){ .process = &fake_process };
}

/**
 * struct limit - a limit, and pages that are charged one after the other
 * @name: of the case
 * @bytes: the limit, beyond what is locked already
 * @first: pages charged first
 * @ret: what charging them returns
 * @second: pages charged then
 * @ret2: what that returns
 */
struct limit {
	const char *name;
	long bytes;
	unsigned long first;
	int ret;
	unsigned long second;
	int ret2;
};

static const struct limit limits[] = {
	{ "just the limit, then a page", 10 * PAGE_SIZE, 10, 0, 1, -ENOMEM },
	{ "a page more", 10 * PAGE_SIZE, 11, -ENOMEM, 10, 0 },
	{ "in two parts", 10 * PAGE_SIZE, 4, 0, 6, 0 },
	{ "in two parts, a page more", 10 * PAGE_SIZE, 4, 0, 7, -ENOMEM },
	{ "a byte less than two pages", 2 * PAGE_SIZE - 1, 2, -ENOMEM, 1, 0 },
	{ "nothing", 0, 1, -ENOMEM, 0, 0 },
	{ "no limit", -1, 1000, 0, 1000, 0 },
};

CASE_DESC(limit);
KUNIT_ARRAY_PARAM(limit, limits, limit_desc);

static void charge_up_to_the_limit(struct kunit *test)
{
	const struct limit *p = test->param_value;
	long before = fake_memory_locked(), charged = 0;
	struct t1x_owner owner;

	owner = fake_owner(p->bytes < 0 ? RLIM_INFINITY :
			   (before << PAGE_SHIFT) + p->bytes);
	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, p->first, 0, 0, &refusals),
			p->ret);
	charged += p->ret ? 0 : p->first;
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before + charged);
	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, p->second, 0, 0, &refusals),
			p->ret2);
	charged += p->ret2 ? 0 : p->second;
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before + charged);
	KUNIT_EXPECT_EQ(test, owner.charged, (unsigned long)charged);
	t1x_refund(&owner, charged);
}

static void charge_capable_has_no_limit(struct kunit *test)
{
	long before = fake_memory_locked();
	struct t1x_owner owner = fake_owner(0);

	fake_process.lock_cap = true;
	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, 100, 0, 0, &refusals), 0);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before + 100);
	t1x_refund(&owner, 100);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before);
}

static void refund_never_exceeds_the_charge(struct kunit *test)
{
	long before = fake_memory_locked();
	struct t1x_owner owner = fake_owner(RLIM_INFINITY);

	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, 3, 0, 0, &refusals), 0);
	t1x_refund(&owner, 2);
	t1x_refund(&owner, 2);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before);
	KUNIT_EXPECT_EQ(test, owner.charged, 0UL);
}

static void charge_nothing_takes_no_lock(struct kunit *test)
{
	struct t1x_owner owner = fake_owner(0);

	mmap_write_lock(fake_memory.mm);
	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, 0, 0, 0, &refusals), 0);
	t1x_refund(&owner, 0);
	mmap_write_unlock(fake_memory.mm);
}

/* A process is one object for all its owners, until it has other credentials. */
static void owners_share_their_process(struct kunit *test)
{
	struct t1x_process *recent = NULL, *first;
	struct t1x_owner owner[3];
	const struct cred *old;
	struct cred *new;

	kthread_use_mm(fake_memory.mm);
	KUNIT_ASSERT_EQ(test, t1x_owner_get(&owner[0], &recent), 0);
	KUNIT_ASSERT_EQ(test, t1x_owner_get(&owner[1], &recent), 0);
	first = recent;
	KUNIT_EXPECT_PTR_EQ(test, owner[0].process, first);
	KUNIT_EXPECT_PTR_EQ(test, owner[1].process, first);
	KUNIT_EXPECT_EQ(test, refcount_read(&first->users), 3U);
	KUNIT_EXPECT_TRUE(test, first->lock_cap);

	new = prepare_creds();
	KUNIT_ASSERT_NOT_NULL(test, new);
	cap_lower(new->cap_effective, CAP_IPC_LOCK);
	old = override_creds(new);
	KUNIT_EXPECT_EQ(test, t1x_owner_get(&owner[2], &recent), 0);
	revert_creds(old);
	kthread_unuse_mm(fake_memory.mm);
	KUNIT_EXPECT_PTR_NE(test, owner[2].process, first);
	KUNIT_EXPECT_PTR_EQ(test, owner[2].process, recent);
	KUNIT_EXPECT_FALSE(test, owner[2].process->lock_cap);
	KUNIT_EXPECT_EQ(test, refcount_read(&first->users), 2U);

	t1x_process_put(recent);
	t1x_owner_put(&owner[2]);
	t1x_owner_put(&owner[1]);
	KUNIT_EXPECT_EQ(test, refcount_read(&first->users), 1U);
	t1x_owner_put(&owner[0]);
	put_cred(new);
}

static struct kunit_case account_cases[] = {
	KUNIT_CASE_PARAM(charge_up_to_the_limit, limit_gen_params),
	KUNIT_CASE(charge_capable_has_no_limit),
	KUNIT_CASE(refund_never_exceeds_the_charge),
	KUNIT_CASE(charge_nothing_takes_no_lock),
	KUNIT_CASE(owners_share_their_process),
	{}
};

static struct kunit_suite account_suite = {
	.name = "t1x_account",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.init = fake_memory_init,
	.exit = fake_memory_exit,
	.test_cases = account_cases,
};

kunit_test_suite(account_suite);
