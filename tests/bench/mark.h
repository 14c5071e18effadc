/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bench executes to tell profile.c where a stretch begins and ends: a nop
 * whose operand is a number.
 */
#ifndef T1X_BENCH_MARK_H
#define T1X_BENCH_MARK_H

#define MARK_BEGIN	0x74317801
#define MARK_END	0x74317802

/**
 * mark() - execute such a nop
 * @number: a constant
 */
static inline __attribute__((always_inline)) void mark(unsigned int number)
{
	asm volatile("nopl %c0(%%rax,%%rax,1)" :: "i"(number) : "memory");
}

/* The bytes of that instruction, as a little-endian number. */
#define MARK_CODE(number)	((uint64_t)(number) << 32 | 0x00841f0f)

#endif /* T1X_BENCH_MARK_H */
