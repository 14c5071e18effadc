/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel as the files of pure data need, for a build outside of it: all of
 * linux/ and asm/ beside this file is this file.
 */
#ifndef _PURE_KERNEL_H
#define _PURE_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef u64 dma_addr_t;
typedef unsigned int gfp_t;

#define U16_MAX			UINT16_MAX
#define U32_MAX			UINT32_MAX

#define PAGE_SHIFT		12
#define PAGE_SIZE		(1UL << PAGE_SHIFT)

#define static_assert(what)	_Static_assert(what, #what)
#define likely(what)		__builtin_expect(!!(what), 1)
#define unlikely(what)		__builtin_expect(!!(what), 0)

/* Of arguments that may be evaluated twice. */
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min_t(type, a, b)	min((type)(a), (type)(b))

#define BIT(nr)			(1UL << (nr))
#define GENMASK_ULL(high, low)	(~0ULL >> (63 - (high)) & ~0ULL << (low))

#define struct_size(at, member, n)	(sizeof(*(at)) + (n) * sizeof(*(at)->member))

#define GFP_KERNEL		0
#define GFP_KERNEL_ACCOUNT	0
#define __GFP_NOWARN		0

/* Of pick.c, which lets allocations fail now and then. */
bool enough(void);

#define kmalloc(size, gfp)	((void)(gfp), enough() ? malloc(size) : NULL)

#ifdef __CPROVER__
/* By words: quicker for cbmc than its own, by bytes. */
void *copy_words(void *to, const void *from, size_t size);
void *set_words(void *at, int value, size_t size);
void *copy_old(void *memory, void *old, size_t size);

#define memcpy(to, from, size)	copy_words(to, from, size)
#define memmove(to, from, size)	copy_words(to, from, size)
#define memset(at, value, size)	set_words(at, value, size)
#define krealloc(old, size, gfp)	copy_old(kmalloc(size, gfp), old, size)
#else
#define krealloc(old, size, gfp)	((void)(gfp), enough() ? realloc(old, size) : NULL)
#endif

#define kfree(at)		free(at)

#endif /* _PURE_KERNEL_H */
