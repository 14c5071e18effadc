/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_DIRTY_BITMAP_H
#define _T1X_DIRTY_BITMAP_H

#include <linux/types.h>

u64 t1x_dirty_bitmap_word(const unsigned long *map, unsigned long first,
			  unsigned long nbits, unsigned int shift, unsigned long word);
void t1x_dirty_bitmap_words(const unsigned long *map, unsigned long first,
			    unsigned long nbits, unsigned int shift,
			    unsigned long word, u64 *words, unsigned int n);

#endif /* _T1X_DIRTY_BITMAP_H */
