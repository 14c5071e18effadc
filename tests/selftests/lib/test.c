// SPDX-License-Identifier: GPL-2.0
/* Runs tests, each in a process of its own, and prints TAP. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "invariants.h"
#include "proc.h"
#include "sys.h"
#include "test.h"
#include "vfio.h"

#define TEST_SECONDS 180

enum { RUNNING, PASSED, FAILED, SKIPPED };

/* Written by the process of a test, read by the runner. */
struct verdict {
	int state;
	bool failed;
	bool may_show_bug;
	bool failed_before;
	char reason[256];
};

/* What is run by itself: a test, or a variant of one. */
struct job {
	const struct test *test;
	const void *variant;
	char name[128];
};

static struct verdict alone;
static struct verdict *verdict = &alone;

/* The process of the test that runs, and whether the runner was told to end. */
static volatile pid_t running;
static volatile sig_atomic_t ended;

/**
 * test_say() - a line of diagnostics
 * @format: of printf, without the newline
 */
void test_say(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	printf("# %s\n", line);
	fflush(stdout);
}

/**
 * test_skip() - end the test: it cannot be done here
 * @format: why
 */
void test_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(verdict->reason, sizeof(verdict->reason), format, args);
	va_end(args);
	verdict->state = SKIPPED;
	_exit(0);
}

/**
 * test_bug_from_here() - from now on a failure shows the bug
 *
 * Whatever fails before that says nothing about it.
 */
void test_bug_from_here(void)
{
	verdict->failed_before = verdict->failed;
	verdict->may_show_bug = true;
}

static void test_failed(bool fatal)
{
	verdict->failed = true;
	if (!fatal)
		return;
	verdict->state = FAILED;
	_exit(1);
}

/**
 * test_fail() - end the test as failed
 * @file: source file of the check
 * @line: which one
 * @format: what was wrong
 */
void test_fail(const char *file, int line, const char *format, ...)
{
	char what[400];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	test_say("%s:%d: %s", file, line, what);
	test_failed(true);
	__builtin_unreachable();
}

/**
 * test_check() - behind expect_eq() and its like
 * @file: source file of the check
 * @line: which one
 * @fatal: end the test if it failed
 * @what: the expression
 * @got: its value
 * @op: how it was compared
 * @want: with what
 * @good: the outcome
 */
void test_check(const char *file, int line, bool fatal, const char *what,
		long long got, const char *op, long long want, bool good)
{
	if (good)
		return;
	test_say("%s:%d: %s: expected %s %lld (%#llx), got %lld (%#llx)", file,
		 line, what, op, want, want, got, got);
	test_failed(fatal);
}

static const char *ret_name(long long ret, char *buf, size_t len)
{
	const char *name = NULL;

	if (ret < 0 && ret > -4096)
		name = strerrorname_np(-ret);
	if (name)
		snprintf(buf, len, "-%s", name);
	else
		snprintf(buf, len, "%lld", ret);
	return buf;
}

/**
 * test_check_errno() - behind expect_ret() and assert_ret()
 * @file: source file of the check
 * @line: which one
 * @fatal: end the test if it failed
 * @what: the expression
 * @got: its value: a result, or a negative errno
 * @want: what it should be
 */
void test_check_errno(const char *file, int line, bool fatal, const char *what,
		      long long got, long long want)
{
	char got_name[32], want_name[32];

	if (got == want)
		return;
	test_say("%s:%d: %s: expected %s, got %s", file, line, what,
		 ret_name(want, want_name, sizeof(want_name)),
		 ret_name(got, got_name, sizeof(got_name)));
	test_failed(fatal);
}

/**
 * test_check_bytes() - behind assert_bytes()
 * @file: source file of the check
 * @line: which one
 * @what: the expression
 * @got: what is there
 * @want: what should be there
 * @len: how many bytes
 */
void test_check_bytes(const char *file, int line, const char *what,
		      const void *got, const void *want, size_t len)
{
	const unsigned char *g = got, *w = want;
	size_t i;

	for (i = 0; i < len && g[i] == w[i]; i++)
		;
	if (i == len)
		return;
	test_say("%s:%d: %s: byte %zu of %zu: expected %#x, got %#x", file,
		 line, what, i, len, w[i], g[i]);
	test_failed(true);
}

static void on_term(int signal)
{
	(void)signal;
	ended = 1;
	if (running)
		kill(running, SIGKILL);
}

static void run_in_child(const struct job *job)
{
	long vmlck = sys_vmlck();

	signal(SIGTERM, SIG_DFL);
	alarm((job->test->seconds ?: TEST_SECONDS) * sys_slowness());
	invariants_begin();
	if (job->variant)
		job->test->run_variant(job->variant);
	else
		job->test->run();
	invariants_check();
	vfio_close_all();
	expect_eq(sys_vmlck(), vmlck);
	verdict->state = verdict->failed ? FAILED : PASSED;
	_exit(0);
}

static enum test_bug bug_of(const struct test *test)
{
	return test->bug && !sys_is_type1x() ? test->bug() : BUG_ABSENT;
}

/* Was the in-tree driver's bug seen, and not something else? */
static bool shows_bug(const struct job *job, int status)
{
	if (WIFEXITED(status) && verdict->may_show_bug && verdict->failed &&
	    !verdict->failed_before)
		return true;
	test_say("%s: the bug is not there, or not all that is wrong",
		 job->name);
	return false;
}

/* Runs a test, and ends what it left running; returns its status. */
static int run_to_the_end(const struct job *job)
{
	int status;

	fflush(stdout);
	running = fork();
	if (!running)
		run_in_child(job);
	if (ended)
		kill(running, SIGKILL);
	if (running < 0 || waitpid(running, &status, 0) != running) {
		printf("Bail out! fork: %s\n", strerror(errno));
		exit(1);
	}
	running = 0;
	proc_end_children();
	if (ended) {
		printf("Bail out! told to end during %s\n", job->name);
		exit(1);
	}
	return status;
}

static bool run_one(const struct job *job, size_t number)
{
	enum test_bug bug = bug_of(job->test);
	struct sys_state before;
	bool good, clean;
	int status;

	if (bug == BUG_UNSAFE) {
		printf("ok %zu - %s # SKIP not on %s\n", number, job->name,
		       sys_driver());
		return true;
	}
	memset(verdict, 0, sizeof(*verdict));
	sys_state_read(&before);
	status = run_to_the_end(job);
	if (WIFSIGNALED(status))
		test_say("%s: killed by signal %d (%s)", job->name,
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (verdict->state == RUNNING)
		test_say("%s: ended with status %d before it was over",
			 job->name, WEXITSTATUS(status));

	good = verdict->state == PASSED || verdict->state == SKIPPED;
	clean = sys_state_settle(&before);
	if (bug == BUG_SHOWN && verdict->state != SKIPPED) {
		good = shows_bug(job, status);
		clean = true;
	}
	printf("%s %zu - %s%s%s\n", good && clean ? "ok" : "not ok", number,
	       job->name, verdict->state == SKIPPED ? " # SKIP " : "",
	       verdict->reason);
	fflush(stdout);
	return good && clean;
}

/* The variants of a test, or the test itself. */
static size_t nr_jobs(const struct test *test)
{
	return test->variants ? test->nr_variants : 1;
}

static void job_init(struct job *job, const struct test *test, size_t nr)
{
	job->test = test;
	job->variant = NULL;
	snprintf(job->name, sizeof(job->name), "%s", test->name);
	if (!test->variants)
		return;
	/* The name is the first member of a row. */
	job->variant = (const char *)test->variants + nr * test->variant_size;
	snprintf(job->name, sizeof(job->name), "%s:%s", test->name,
		 *(const char *const *)job->variant);
}

static bool job_wanted(const struct job *job, const char *only)
{
	return !*only || !strcmp(only, job->name) || !strcmp(only, job->test->name);
}

/**
 * test_main() - run tests, print TAP
 * @tests: all tests of the program
 * @n: how many
 *
 * T1X_TEST=<name> runs one test or variant alone, without a plan. T1X_STOP=y ends with the
 * first that fails.
 *
 * Return: what main() should: 0 if no test failed.
 */
int test_main(const struct test *tests, size_t n)
{
	struct sigaction action = { .sa_handler = on_term,
				    .sa_flags = SA_RESTART };
	const char *only = getenv("T1X_TEST") ?: "";
	bool stop = *(getenv("T1X_STOP") ?: "");
	size_t i, nr, planned = 0, number = 0, failed = 0;
	struct job job;

	/* Results must be visible line by line, should the program hang. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (verdict == MAP_FAILED || !sys_init())
		return 1;

	/* What a test forks and leaves behind becomes the runner's child. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || sigaction(SIGTERM, &action, NULL)) {
		printf("Bail out! %s\n", strerror(errno));
		return 1;
	}
	for (i = 0; i < n; i++)
		planned += nr_jobs(&tests[i]);
	if (!*only)
		printf("1..%zu\n", planned);
	for (i = 0; i < n; i++)
		for (nr = 0; nr < nr_jobs(&tests[i]); nr++) {
			job_init(&job, &tests[i], nr);
			number++;
			if (job_wanted(&job, only))
				failed += !run_one(&job, number);
			if (failed && stop) {
				printf("Bail out! stopped at the first failure\n");
				return 1;
			}
		}
	return failed != 0;
}
