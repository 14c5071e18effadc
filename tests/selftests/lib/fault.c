// SPDX-License-Identifier: GPL-2.0
/* Fault injection: makes the nth allocation of this thread fail. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault.h"
#include "sys.h"
#include "test.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"

/* More allocations than any operation makes. */
#define FAULT_MOST	5000

static int fail_fd;

/* The sweep of which a round is under way. */
static struct fault_sweep *trying;

/** fault_init() - before all else; the test is skipped where it cannot be done */
void fault_init(void)
{
	if (access(DEBUGFS "failslab/verbose", W_OK) || access(FAIL_NTH, W_OK))
		test_skip("no fault injection in this kernel");
	/* What may sleep and users' pages too, and without a word in the log. */
	sys_write(DEBUGFS "failslab/ignore-gfp-wait", "N");
	sys_write(DEBUGFS "failslab/verbose", "0");
	sys_write(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	sys_write(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	sys_write(DEBUGFS "fail_page_alloc/min-order", "0");
	sys_write(DEBUGFS "fail_page_alloc/verbose", "0");
	fail_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	assert_ge(fail_fd, 0);
}

/**
 * fault_arm() - let an allocation of this thread fail
 * @nth: which one from now on; 0: none
 */
void fault_arm(long nth)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld", nth);

	assert_eq(pwrite(fail_fd, text, len, 0), len);
}

/**
 * fault_disarm() - behind fault_in(): no allocation is to fail any more
 * @ret: result of the operation
 *
 * Return: @ret.
 */
int64_t fault_disarm(int64_t ret)
{
	fault_arm(0);
	return ret;
}

/* Did it come to that? Disarms. */
static bool fault_happened(void)
{
	char text[32] = "";

	assert_ge(pread(fail_fd, text, sizeof(text) - 1, 0), 1);
	fault_arm(0);
	return strtol(text, NULL, 0) == 0;
}

/**
 * fault_sweep_next() - begin the next round of a sweep
 * @sweep: the sweep, all zero at first
 *
 * Return: false when the operation has succeeded with all of its allocations.
 */
bool fault_sweep_next(struct fault_sweep *sweep)
{
	if (sweep->n && (!sweep->more || sweep->n == FAULT_MOST))
		return false;
	sweep->n++;
	return true;
}

/**
 * fault_sweep_arm() - behind fault_try(): let the allocation of this round fail
 * @sweep: the sweep
 */
void fault_sweep_arm(struct fault_sweep *sweep)
{
	trying = sweep;
	fault_arm(sweep->n);
}

/**
 * fault_sweep_disarm() - behind fault_try(): the operation of this round is over
 * @ret: its result
 *
 * Return: @ret.
 */
int64_t fault_sweep_disarm(int64_t ret)
{
	trying->more = fault_happened();
	if (ret < 0) {
		assert_ret(ret, -ENOMEM);
		assert_eq(trying->more, true);
		trying->failed++;
	}
	return ret;
}

/**
 * fault_sweep_end() - check that a sweep came to its end, and say what it found
 * @sweep: the sweep
 * @least: rounds in which the operation has to have failed, at least
 */
void fault_sweep_end(const struct fault_sweep *sweep, long least)
{
	test_say("%ld allocations, %ld of them needed", sweep->n - 1,
		 sweep->failed);
	expect_eq(sweep->more, false);
	expect_ge(sweep->failed, least);
}
