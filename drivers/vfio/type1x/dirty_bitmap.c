// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic on dirty bitmaps: seen through a shift, never shifted.
 *
 * A bitmap that were shifted in place to fit the user's would be wrong ever
 * after if copying it then failed.
 */
#include "dirty_bitmap.h"

#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/string.h>

/* A word of @map; zeroes beyond @nbits, ones without a map. */
static u64 t1x_dirty_bitmap_get(const unsigned long *map, unsigned long nbits,
				unsigned long word)
{
	unsigned long first = word * 64;
	u64 bits;

	if (first >= nbits)
		return 0;
	bits = map ? map[word] : ~0ULL;
	if (nbits - first < 64)
		bits &= GENMASK_ULL(nbits - first - 1, 0);
	return bits;
}

/* 64 bits of @map from bit @first on. */
static u64 t1x_dirty_bitmap_at(const unsigned long *map, unsigned long nbits,
			       unsigned long first)
{
	unsigned int skip = first % 64;
	u64 bits = t1x_dirty_bitmap_get(map, nbits, first / 64) >> skip;

	if (skip)
		bits |= t1x_dirty_bitmap_get(map, nbits, first / 64 + 1) << (64 - skip);
	return bits;
}

/**
 * t1x_dirty_bitmap_word() - one word of the end of a bitmap, moved
 * @map: the bitmap; %NULL for one full of ones
 * @first: bit with which that end begins
 * @nbits: bits of the bitmap
 * @shift: where @first is moved to, less than 64
 * @word: index of a word of the result
 *
 * Return: the word; bits below @shift and beyond the moved bitmap are zero.
 */
u64 t1x_dirty_bitmap_word(const unsigned long *map, unsigned long first,
			  unsigned long nbits, unsigned int shift, unsigned long word)
{
	if (!word)
		return t1x_dirty_bitmap_at(map, nbits, first) << shift;
	return t1x_dirty_bitmap_at(map, nbits, first + word * 64 - shift);
}

/**
 * t1x_dirty_bitmap_words() - many words of the end of a bitmap, moved
 * @map: the bitmap; %NULL for one full of ones
 * @first: bit with which that end begins
 * @nbits: bits of the bitmap
 * @shift: where @first is moved to, less than 64
 * @word: index of the first word of the result
 * @words: set to what t1x_dirty_bitmap_word() returns for each
 * @n: how many words
 *
 * All but the first and the last word of a bitmap are whole, and copied as such.
 */
void t1x_dirty_bitmap_words(const unsigned long *map, unsigned long first,
			    unsigned long nbits, unsigned int shift,
			    unsigned long word, u64 *words, unsigned int n)
{
	unsigned long at, whole;
	unsigned int skip, i = 0;

	if (!word && n)
		words[i++] = t1x_dirty_bitmap_word(map, first, nbits, shift, 0);

	at = first + (word + i) * 64 - shift;
	skip = at % 64;
	whole = at < nbits ? min_t(unsigned long, (nbits - at) / 64, n - i) : 0;
	if (!map) {
		memset(words + i, 0xff, whole * sizeof(*words));
		i += whole;
	} else if (!skip) {
		memcpy(words + i, map + at / 64, whole * sizeof(*words));
		i += whole;
	} else {
		for (at /= 64; whole; whole--, at++)
			words[i++] = map[at] >> skip |
				     (u64)map[at + 1] << (64 - skip);
	}
	for (; i < n; i++)
		words[i] = t1x_dirty_bitmap_word(map, first, nbits, shift, word + i);
}
