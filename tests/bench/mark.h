/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bench executes to tell plugins of QEMU where they are: a nop whose operand is a
 * number. Between the first two lies what profile.c counts, or, for lines.c, where each CPU
 * begins an operation with the third and has done its last with the fourth.  The plugins are for
 * x86; elsewhere there is nothing to execute.
 */
#ifndef T1X_BENCH_MARK_H
#define T1X_BENCH_MARK_H

#define MARK_BEGIN	0x74317801
#define MARK_END	0x74317802
#define MARK_OPERATION	0x74317803
#define MARK_DONE	0x74317804

/**
 * mark() - execute such a nop
 * @number: a constant
 */
static inline __attribute__((always_inline)) void mark(unsigned int number)
{
#ifdef __x86_64__
	asm volatile("nopl %c0(%%rax,%%rax,1)" :: "i"(number) : "memory");
#else
	(void)number;
#endif
}

/* The bytes of that instruction, as a little-endian number. */
#define MARK_CODE(number)	((uint64_t)(number) << 32 | 0x00841f0f)

#endif /* T1X_BENCH_MARK_H */
