/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cases that are tried in two ways: cbmc(1) proves what they check for all that they pick,
 * and the fuzzer, with the sanitizers of gcc, checks it for what it picks at random, with
 * larger bounds.
 */
#ifndef _PURE_PICK_H
#define _PURE_PICK_H

#include <kernel.h>

#ifdef __CPROVER__
#define PROOF			1
#define assume(what)		__CPROVER_assume(what)
#define check(what)		__CPROVER_assert(what, #what)
#else
#define PROOF			0
#define assume(what)		((void)(what))
#define check(what)		((what) ? (void)0 : failed(__FILE__, __LINE__, #what))
#endif

#ifdef __CPROVER__
void PROVE(void);
unsigned long nondet_unsigned_long(void);
#endif

void failed(const char *file, int line, const char *what);

/* Any number up to @most. */
unsigned long pick(unsigned long most);

/* Any number from @least to @most. */
static inline unsigned long pick_from(unsigned long least, unsigned long most)
{
	return least + pick(most - least);
}

/**
 * struct pure_case - a case
 * @name: of the function, for cbmc
 * @run: the function
 */
struct pure_case {
	const char *name;
	void (*run)(void);
};

#define CASE(function)		{ #function, function }

/* Of the file that is tested, ended by one without a name. */
extern const struct pure_case cases[];

#endif /* _PURE_PICK_H */
