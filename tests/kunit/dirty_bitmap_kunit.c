// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bitmaps seen through a shift, against moving them bit by bit.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>

#include "dirty_bitmap.h"
#include "t1x_kunit.h"

#define MAX_BITS	400

static void dirty_bitmap_check(struct kunit *test, const unsigned long *map,
			       unsigned long first, unsigned long nbits,
			       unsigned int shift)
{
	unsigned long bit, at, to, nr = DIV_ROUND_UP(shift + nbits - first, 64) + 1;
	u64 word, want, words[MAX_BITS / 64 + 4];

	for (at = 0; at < nr; at++) {
		want = 0;
		for (bit = first; bit < nbits; bit++) {
			to = bit - first + shift;
			if (to / 64 == at && (!map || test_bit(bit, map)))
				want |= 1ULL << to % 64;
		}
		word = t1x_dirty_bitmap_word(map, first, nbits, shift, at);
		KUNIT_ASSERT_EQ(test, word, want);
		/* The same by the rest of the words at once, and not one more. */
		words[nr - at] = 0x5a5a;
		t1x_dirty_bitmap_words(map, first, nbits, shift, at, words, nr - at);
		KUNIT_ASSERT_EQ(test, words[0], want);
		KUNIT_ASSERT_EQ(test, words[nr - at], 0x5a5aULL);
		if (!at)
			continue;
		t1x_dirty_bitmap_words(map, first, nbits, shift, 0, words, nr);
		KUNIT_ASSERT_EQ(test, words[at], want);
	}
}

static const unsigned int shifts[] = { 0, 1, 2, 7, 31, 32, 33, 62, 63 };

KUNIT_ARRAY_PARAM(shift, shifts, number_desc);

static void dirty_bitmap_every_length(struct kunit *test)
{
	const unsigned int *shift = test->param_value;
	unsigned long nbits;

	for (nbits = 1; nbits < 140; nbits++) {
		dirty_bitmap_check(test, NULL, 0, nbits, *shift);
		dirty_bitmap_check(test, NULL, nbits / 3, nbits, *shift);
	}
}

static void dirty_bitmap_random_against_moving(struct kunit *test)
{
	struct rnd_state rnd = t1x_kunit_seed(test);
	DECLARE_BITMAP(map, MAX_BITS);
	unsigned int round, nbits;

	for (round = 0; round < 300; round++) {
		prandom_bytes_state(&rnd, map, sizeof(map));
		nbits = 1 + prandom_u32_state(&rnd) % MAX_BITS;
		dirty_bitmap_check(test, map, 0, nbits, prandom_u32_state(&rnd) % 64);
		dirty_bitmap_check(test, map, prandom_u32_state(&rnd) % nbits, nbits,
				   prandom_u32_state(&rnd) % 64);
	}
}

static struct kunit_case dirty_bitmap_cases[] = {
	KUNIT_CASE_PARAM(dirty_bitmap_every_length, shift_gen_params),
	KUNIT_CASE(dirty_bitmap_random_against_moving),
	{}
};

static struct kunit_suite dirty_bitmap_suite = {
	.name = "t1x_dirty_bitmap",
	.test_cases = dirty_bitmap_cases,
};

kunit_test_suite(dirty_bitmap_suite);
