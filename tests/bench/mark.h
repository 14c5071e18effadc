/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bench executes to tell profile.c where a stretch begins and ends: a nop
 * whose operand is a number.
 */
#ifndef T1X_BENCH_MARK_H
#define T1X_BENCH_MARK_H

#define MARK_BEGIN	0x74317801
#define MARK_END	0x74317802

/* nopl number(%rax,%rax,1) */
#define MARK_BYTES(n)							\
	0x0f, 0x1f, 0x84, 0x00, (n) & 0xff, (n) >> 8 & 0xff,		\
	(n) >> 16 & 0xff, (n) >> 24 & 0xff

#define MARK(n)								\
	asm volatile("nopl %c0(%%rax,%%rax,1)" :: "i"(n) : "memory")

#endif /* T1X_BENCH_MARK_H */
