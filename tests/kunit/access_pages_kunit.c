// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages held, against an array of counts.
 */
#include <kunit/test.h>

#include "access_pages.h"
#include "t1x_kunit.h"

#define SLOTS	40

static struct t1x_run pins_page(unsigned long index)
{
	return (struct t1x_run){
		.pfn = 0xfffffffff0 - index,
		.npages = 1,
		.pinned = index % 3 != 0,
		.ram = index % 3 == 1,
	};
}

static bool pins_same(const struct t1x_run *page, unsigned long index)
{
	struct t1x_run want = pins_page(index);

	return page->pfn == want.pfn && page->npages == 1 &&
	       page->pinned == want.pinned && page->ram == want.ram;
}

static void pins_get_and_put_balance(struct kunit *test)
{
	struct t1x_run page = pins_page(7);
	struct t1x_access_pages pins;
	unsigned long pfn;

	t1x_access_pages_init(&pins);
	KUNIT_EXPECT_TRUE(test, t1x_access_pages_empty(&pins));
	KUNIT_EXPECT_EQ(test, t1x_access_pages_get(&pins, 7, &pfn), -ENOENT);
	KUNIT_EXPECT_FALSE(test, t1x_access_pages_put(&pins, 7, &page));
	KUNIT_ASSERT_EQ(test, t1x_access_pages_add(&pins, 7, &page), 0);
	KUNIT_EXPECT_EQ(test, t1x_access_pages_get(&pins, 7, &pfn), 0);
	KUNIT_EXPECT_EQ(test, pfn, page.pfn);
	KUNIT_EXPECT_FALSE(test, t1x_access_pages_put(&pins, 7, &page));
	KUNIT_EXPECT_FALSE(test, t1x_access_pages_empty(&pins));
	KUNIT_EXPECT_TRUE(test, t1x_access_pages_put(&pins, 7, &page));
	KUNIT_EXPECT_TRUE(test, pins_same(&page, 7));
	KUNIT_EXPECT_TRUE(test, t1x_access_pages_empty(&pins));
}

static void pins_random_against_counts(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	unsigned int refs[SLOTS] = {}, step, i;
	unsigned long index, pfn, nram, lo, n;
	struct t1x_access_pages pins;
	struct t1x_run page;

	t1x_access_pages_init(&pins);
	for (step = 0; step < 5000; step++) {
		i = prandom_u32_state(&rnd) % SLOTS;
		if (prandom_u32_state(&rnd) % 2) {
			page = pins_page(i);
			if (!refs[i])
				KUNIT_ASSERT_EQ(test,
						t1x_access_pages_add(&pins, i, &page),
						0);
			else
				KUNIT_ASSERT_EQ(test,
						t1x_access_pages_get(&pins, i, &pfn),
						0);
			refs[i]++;
		} else if (refs[i]) {
			bool last = t1x_access_pages_put(&pins, i, &page);

			refs[i]--;
			KUNIT_ASSERT_EQ(test, last, !refs[i]);
			if (last)
				KUNIT_ASSERT_TRUE(test, pins_same(&page, i));
		}

		lo = prandom_u32_state(&rnd) % SLOTS;
		n = prandom_u32_state(&rnd) % SLOTS;
		for (nram = 0, i = lo; i < lo + n && i < SLOTS; i++)
			nram += refs[i] && pins_page(i).ram;
		KUNIT_ASSERT_EQ(test, t1x_access_pages_nram(&pins, lo, n), nram);
	}

	for (i = 0, index = 0; t1x_access_pages_remove(&pins, &index, ULONG_MAX, &page); i++) {
		while (!refs[i])
			i++;
		KUNIT_ASSERT_EQ(test, index, (unsigned long)i);
		KUNIT_ASSERT_TRUE(test, pins_same(&page, i));
	}
	KUNIT_EXPECT_TRUE(test, t1x_access_pages_empty(&pins));
}

static struct kunit_case pins_cases[] = {
	KUNIT_CASE(pins_get_and_put_balance),
	KUNIT_CASE(pins_random_against_counts),
	{}
};

static struct kunit_suite pins_suite = {
	.name = "t1x_access_pages",
	.test_cases = pins_cases,
};

kunit_test_suite(pins_suite);
