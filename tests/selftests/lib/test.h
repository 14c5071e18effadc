/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Running tests and saying what went wrong.
 *
 * Every test is a process of its own: what it leaves open the kernel closes,
 * and a crash or a hang is one failed test. When it is gone the runner ends the
 * processes that it left, which would keep a group from the next test, and checks
 * that nothing is left behind (see sys.h).
 *
 * expect_*() notes a failure and goes on, assert_*() ends the test.
 */
#ifndef T1X_TEST_H
#define T1X_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/** enum test_bug - a bug of the in-tree driver that a test is about */
enum test_bug {
	/** @BUG_ABSENT: it is not in this kernel, or is not about that driver */
	BUG_ABSENT,
	/** @BUG_SHOWN: the test fails, after test_bug_from_here() */
	BUG_SHOWN,
	/** @BUG_UNSAFE: the kernel may not survive, or anything may happen */
	BUG_UNSAFE,
};

/**
 * struct test - one test, or several that differ in their parameters alone
 * @name: what it proves, in words that fit in a file name
 * @run: returns if nothing went wrong
 * @run_variant: the same for a test with variants; gets a row of @variants
 * @variants: a table, whose rows begin with a name: const char *variant
 * @nr_variants: rows of @variants; each is a test of its own, @name:@variant
 * @variant_size: of a row
 * @seconds: how long it may take, 0: three minutes
 * @bug: asked if the in-tree driver is the one under test; NULL: no bug
 */
struct test {
	const char *name;
	union {
		void (*run)(void);
		void (*run_variant)(const void *variant);
	};
	const void *variants;
	size_t nr_variants;
	size_t variant_size;
	unsigned int seconds;
	enum test_bug (*bug)(void);
};

#define TEST(fn) { .name = #fn, .run = (fn) }
#define TEST_LONG(fn, secs) { .name = #fn, .run = (fn), .seconds = (secs) }

#define TEST_VARIANTS(fn, table) TEST_VARIANTS_LONG(fn, table, 0)
#define TEST_VARIANTS_LONG(fn, table, secs)				\
	{ .name = #fn, .run_variant = (fn), .variants = (table),	\
	  .nr_variants = sizeof(table) / sizeof((table)[0]),		\
	  .variant_size = sizeof((table)[0]), .seconds = (secs) }

/* Where each thing takes its turn, in-tree, a busy machine needs its time. */
#define TEST_IN_TREE(fn, when)						\
	{ .name = #fn, .run = (fn), .seconds = 240, .bug = (when) }

int test_main(const struct test *tests, size_t n);
void test_skip(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
void test_bug_from_here(void);
void test_say(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

void test_check(const char *file, int line, bool fatal, const char *what,
		long long got, const char *op, long long want, bool good);
void test_check_errno(const char *file, int line, bool fatal, const char *what,
		      long long got, long long want);
void test_check_bytes(const char *file, int line, const char *what,
		      const void *got, const void *want, size_t len);
void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

#define TEST_OP(fatal, got, op, want) do {				\
	long long _got = (long long)(got);				\
	long long _want = (long long)(want);				\
									\
	test_check(__FILE__, __LINE__, fatal, #got, _got, #op, _want,	\
		   _got op _want);					\
} while (0)

#define expect_eq(got, want)	TEST_OP(false, got, ==, want)
#define expect_ne(got, want)	TEST_OP(false, got, !=, want)
#define expect_le(got, want)	TEST_OP(false, got, <=, want)
#define expect_ge(got, want)	TEST_OP(false, got, >=, want)
#define assert_eq(got, want)	TEST_OP(true, got, ==, want)
#define assert_ne(got, want)	TEST_OP(true, got, !=, want)
#define assert_le(got, want)	TEST_OP(true, got, <=, want)
#define assert_ge(got, want)	TEST_OP(true, got, >=, want)

/* For what is 0, a size, or a negative errno: printed as such. */
#define expect_ret(got, want)						\
	test_check_errno(__FILE__, __LINE__, false, #got, got, want)
#define assert_ret(got, want)						\
	test_check_errno(__FILE__, __LINE__, true, #got, got, want)

/* Ends the test at the first byte that differs. */
#define assert_bytes(got, want, len)					\
	test_check_bytes(__FILE__, __LINE__, #got, got, want, len)

#define fail(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

#endif /* T1X_TEST_H */
