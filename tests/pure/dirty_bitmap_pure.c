// SPDX-License-Identifier: GPL-2.0-only
/* Bitmaps seen through a shift: any bit of any word is the right one. */
#include "dirty_bitmap.h"
#include "pick.h"

/* The proof is for one pair of these at a time, and any bitmap. */
#ifndef SIZE
#define SIZE	(1 + pick(300))
#define SHIFT	pick(63)
#define FIRST	pick(nbits)
#endif

#define WORDS	(PROOF ? 2U : 8U)

void dirty_bitmap_words(void)
{
	unsigned long nbits = SIZE, size = (nbits + 63) / 64;
	unsigned long first = FIRST, word = pick(WORDS - 1), to, from;
	unsigned int shift = SHIFT, n = pick(WORDS), i, bit = pick(63);
	unsigned long *map = NULL;
	u64 *words, one;
	bool set;

	if (pick(3)) {
		map = malloc(size * sizeof(*map));
		for (i = 0; i < size; i++)
			map[i] = pick(ULONG_MAX);
	}
	/* In the proof there is one word beyond the last. */
	words = malloc((PROOF ? WORDS + 1 : n) * sizeof(*words));
	if (PROOF)
		words[n] = ~0ULL / 3;
	t1x_dirty_bitmap_words(map, first, nbits, shift, word, words, n);
	check(!PROOF || words[n] == ~0ULL / 3);
	if (n) {
		i = pick(n - 1);
		to = (word + i) * 64 + bit;
		from = to - shift + first;
		set = to >= shift && from < nbits && (!map || map[from / 64] >> from % 64 & 1);
		check((words[i] >> bit & 1) == set);
		one = t1x_dirty_bitmap_word(map, first, nbits, shift, word + i);
		check(one == words[i]);
	}
	free(words);
	free(map);
}

const struct pure_case cases[] = {
	CASE(dirty_bitmap_words),
	{}
};
