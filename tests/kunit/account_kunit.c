// SPDX-License-Identifier: GPL-2.0-only
/*
 * Charging: the limit to the page, and a refund that always comes through.
 */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "account.h"
#include "errlog.h"
#include "t1x_kunit.h"

static struct t1x_errlog refusals = {
	.lock = __SPIN_LOCK_UNLOCKED(refusals.lock),
};

static struct t1x_owner fake_owner(unsigned long limit)
{
	struct t1x_owner owner = {
		.task = current,
		.mm = fake_memory.mm,
		.lock_cap = false,
	};

	current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur = limit;
	return owner;
}

static void charge_up_to_the_limit(struct kunit *test)
{
	long before = fake_memory_locked();
	struct t1x_owner owner;

	owner = fake_owner((before + 10) << PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, 10, 0, &refusals), 0);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before + 10);
	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, 1, 0, &refusals), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before + 10);
	t1x_refund(&owner, 10);
	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, 11, 0, &refusals), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before);
}

static void charge_rounds_the_limit_down(struct kunit *test)
{
	long before = fake_memory_locked();
	struct t1x_owner owner;

	owner = fake_owner(((before + 2) << PAGE_SHIFT) - 1);
	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, 2, 0, &refusals), -ENOMEM);
	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, 1, 0, &refusals), 0);
	t1x_refund(&owner, 1);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before);
}

static void charge_capable_has_no_limit(struct kunit *test)
{
	long before = fake_memory_locked();
	struct t1x_owner owner = fake_owner(0);

	owner.lock_cap = true;
	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, 100, 0, &refusals), 0);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before + 100);
	t1x_refund(&owner, 100);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before);
}

static void refund_never_exceeds_the_charge(struct kunit *test)
{
	long before = fake_memory_locked();
	struct t1x_owner owner = fake_owner(RLIM_INFINITY);

	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, 3, 0, &refusals), 0);
	t1x_refund(&owner, 2);
	t1x_refund(&owner, 2);
	KUNIT_EXPECT_EQ(test, fake_memory_locked(), before);
	KUNIT_EXPECT_EQ(test, owner.charged, 0UL);
}

static void charge_nothing_takes_no_lock(struct kunit *test)
{
	struct t1x_owner owner = fake_owner(0);

	mmap_write_lock(owner.mm);
	KUNIT_EXPECT_EQ(test, t1x_charge(&owner, 0, 0, &refusals), 0);
	t1x_refund(&owner, 0);
	mmap_write_unlock(owner.mm);
}

static struct kunit_case account_cases[] = {
	KUNIT_CASE(charge_up_to_the_limit),
	KUNIT_CASE(charge_rounds_the_limit_down),
	KUNIT_CASE(charge_capable_has_no_limit),
	KUNIT_CASE(refund_never_exceeds_the_charge),
	KUNIT_CASE(charge_nothing_takes_no_lock),
	{}
};

static struct kunit_suite account_suite = {
	.name = "t1x_account",
	.suite_init = fake_memory_suite_init,
	.suite_exit = fake_memory_suite_exit,
	.test_cases = account_cases,
};

kunit_test_suite(account_suite);
