// SPDX-License-Identifier: GPL-2.0
/*
 * Ours against the in-tree driver: the same random operations on a container
 * of each, at the same time, with the same memory; everything a user can see
 * has to be the same, but for the table in lib/differ.c.
 *
 * Operations that commute may be a batch (lib/fuzz_batch.c), which ours does in as many
 * threads and the in-tree driver one after the other.
 *
 * usage: fuzz [-n OPS] [-t SECONDS] [-s SEED] [-d DMAS] [-r FILE]
 *   -n OPS      how many operations (default 20000)
 *   -t SECONDS  begin no more sequences after this long
 *   -s SEED     repeat what printed that seed
 *   -d DMAS     one operation in so many lets a device read, 0: none
 *   -r FILE     one sequence, as it was printed; one with threads up to ten times
 *
 * VFIO asks the backend first that was registered last, and a container keeps
 * the one it got. So the in-tree driver is loaded all the time, and ours, from
 * the file T1X_MODULE, is loaded for each sequence after the in-tree driver's containers
 * have got their IOMMU. No other process may use the drivers meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/differ.h"
#include "lib/model.h"
#include "lib/twin_containers.h"
#include "lib/fuzz_ops.h"
#include "lib/invariants.h"
#include "lib/random.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define DAY (24 * 60 * 60)

static unsigned long long opt_ops = 20000, opt_seconds, opt_seed, opt_dma;
static const char *opt_file;

/* How many operations of each kind there were, and how many succeeded. */
static unsigned long tried[FUZZ_NR_KINDS], succeeded[FUZZ_NR_KINDS];

/* How many batches there were of how many operations. */
static unsigned long batches[FUZZ_BATCH + 1];

static char why[1024];

/* How often a sequence with threads is run before it counts as good; and how often it was. */
static unsigned int tries = 10, runs;

static bool closes_clean(void)
{
	static const char *const names[SIDES] = { "in-tree", "ours" };
	bool clean = true;
	long left;
	int nr;

	for (nr = 0; nr < SIDES; nr++) {
		left = twins_close(nr);
		if (!left || !clean)
			continue;
		snprintf(why, sizeof(why), "%s leaves %ld kB locked when closed",
			 names[nr], left);
		clean = false;
	}
	return clean;
}

/* Operations after which the invariants of ours are checked. */
#define CHECKED		16

static bool holds(void)
{
	const char *broken = invariants_broken();

	if (broken)
		snprintf(why, sizeof(why), "%s", broken);
	return !broken;
}

static void count(const struct fuzz_op *ops, unsigned int n)
{
	unsigned int i;

	batches[n]++;
	for (i = 0; i < n; i++) {
		tried[ops[i].kind]++;
		succeeded[ops[i].kind] += twins.results[i][OUR].ret >= 0;
	}
}

/* Returns the number of the operation of a batch that differed, or -1. */
static long run_batch(const struct fuzz_seq *seq, const struct fuzz_op *ops, unsigned int n)
{
	long tree_locked = 0;
	unsigned int i;

	twins_do(seq, ops, n);
	count(ops, n);
	for (i = 0; i < n; i++) {
		model_expect(&ops[i], twins.results[i]);
		tree_locked += twins.results[i][TREE].locked;
		twins.results[i][TREE].locked = 0;
	}
	twins.results[n - 1][TREE].locked = tree_locked;
	for (i = 0; i < n; i++)
		if (differ(&ops[i], twins.results[i], why, sizeof(why)))
			return i;
	for (i = 0; i < n; i++)
		twins_settle(&ops[i], twins.results[i]);
	return -1;
}

/* Returns the number of the operation that differed, or -1. */
static long run_seq(const struct fuzz_seq *seq)
{
	uint64_t i, next = CHECKED;
	long bad = -1;
	unsigned int n;

	differ_begin();
	model_begin();
	twins_open(seq);
	for (i = 0; i < seq->n && bad < 0; i += n) {
		n = fuzz_batch(seq, i);
		bad = run_batch(seq, &seq->ops[i], n);
		if (bad >= 0) {
			bad += i;
		} else if (i + n >= next || i + n == seq->n) {
			next = i + n + CHECKED;
			if (!holds())
				bad = i + n - 1;
		}
	}
	if (bad >= 0) {
		twins_close(TREE);
		twins_close(OUR);
	} else if (!closes_clean()) {
		bad = seq->n - 1;
	}
	twins_over(seq);
	return bad;
}

/* The same, if it need not happen each time: threads do not always meet alike. */
static long run_until_bad(const struct fuzz_seq *seq)
{
	bool threads = false;
	long bad = -1;
	uint64_t i;

	for (i = 0; i < seq->n; i++)
		threads |= fuzz_batch(seq, i) > 1;
	for (runs = 0; bad < 0 && runs < (threads ? tries : 1); runs++)
		bad = run_seq(seq);
	return bad;
}

/* The operations from @i on, up to @end. */
static void say_seq(const struct fuzz_seq *seq, uint64_t i, uint64_t end)
{
	char text[400];

	fuzz_seq_head_text(seq, text, sizeof(text));
	test_say("%s", text);
	for (; i < end; i++) {
		fuzz_op_text(&seq->ops[i], text, sizeof(text));
		test_say("%s", text);
	}
}

/* Takes @n operations out. What is left of a batch that began among them stays a batch. */
static void take_out(struct fuzz_seq *seq, uint64_t at, uint64_t n)
{
	bool beside = true;
	uint64_t i;

	for (i = at; i < at + n; i++)
		beside &= seq->ops[i].beside;
	seq->n -= n;
	memmove(&seq->ops[at], &seq->ops[at + n], (seq->n - at) * sizeof(seq->ops[0]));
	if (!beside && at < seq->n)
		seq->ops[at].beside = 0;
}

/* Take out as much as possible, in smaller and smaller pieces; then, as many threads. */
static void shrink(struct fuzz_seq *seq)
{
	static struct fuzz_seq less;
	uint64_t piece, at, n;

	for (piece = seq->n / 2; piece; piece /= 2) {
		for (at = 0; at < seq->n && seq->n > 1;) {
			less = *seq;
			n = seq->n - at < piece ? seq->n - at : piece;
			take_out(&less, at, n);
			if (less.n && run_until_bad(&less) >= 0)
				*seq = less;
			else
				at += n;
		}
	}
	for (at = 1; at < seq->n; at++) {
		less = *seq;
		less.ops[at].beside = 0;
		if (seq->ops[at].beside && run_until_bad(&less) >= 0)
			*seq = less;
	}
}

/* @bad is the number of the operation that differed. */
static void report(struct fuzz_seq *seq, uint64_t bad)
{
	uint64_t begin = 0, end = fuzz_batch(seq, 0);

	while (end <= bad) {
		begin = end;
		end += fuzz_batch(seq, begin);
	}
	test_say("seed %#lx, operation %ld: %s", seq->seed, bad, why);
	if (end - begin > 1) {
		test_say("it was done at the same time as the others of these:");
		say_seq(seq, begin, end);
	}
	seq->n = end;
	if (run_until_bad(seq) < 0) {
		test_say("it does not happen again; all of it:");
		say_seq(seq, 0, seq->n);
		fail("the drivers differ, once");
	}
	if (2 * runs < tries)
		tries = 2 * runs;
	shrink(seq);
	run_until_bad(seq);
	test_say("shrunk to %lu operations: %s", seq->n, why);
	say_seq(seq, 0, seq->n);
	fail("the drivers differ");
}

/* @shape says what is special about the sequences. */
static void run_many(struct fuzz_shape shape)
{
	uint64_t state = opt_seed + shape.type + shape.memory +
			 2 * shape.granules + 4 * shape.threads;
	uint64_t begin = sys_now_ms(), said = begin;
	uint64_t seed, now, ops = 0, nr = 0;
	static struct fuzz_seq seq;
	size_t i;
	long bad;

	twins_set_up();
	shape.groups = twins.nr_groups;
	shape.containers = shape.threads ? twins.nr_containers : 1;
	shape.dma = opt_dma;
	test_say("type %lu, seed %#llx", shape.type, opt_seed);
	while (ops < opt_ops) {
		seed = random_next(&state);
		fuzz_seq_make(&seq, seed, &shape, seed % 8 ? FUZZ_MAX_OPS : 50);
		bad = run_seq(&seq);
		if (bad >= 0)
			report(&seq, bad);
		ops += seq.n;
		nr++;
		now = sys_now_ms();
		if (now - said > 10000) {
			test_say("%lu operations in %lu s", ops,
				 (now - begin) / 1000);
			said = now;
		}
		if (opt_seconds && now - begin > opt_seconds * 1000)
			break;
	}
	test_say("%lu operations, %lu sequences, %lu s, no difference", ops,
		 nr, (sys_now_ms() - begin) / 1000);
	for (i = 0; i < FUZZ_NR_KINDS; i++)
		test_say("%s: %lu, %lu of them succeeded", fuzz_kind_name(i),
			 tried[i], succeeded[i]);
	for (i = 2; i <= FUZZ_BATCH && shape.threads; i++)
		test_say("at the same time %zu: %lu times", i, batches[i]);
	differ_say_known();
}

static void same_as_in_tree_v1(void)
{
	run_many((struct fuzz_shape){ .type = VFIO_TYPE1_IOMMU });
}

static void same_as_in_tree_v2(void)
{
	run_many((struct fuzz_shape){ .type = VFIO_TYPE1v2_IOMMU });
}

static void as_the_model_of_registered_memory(void)
{
	const struct fuzz_shape shape = { VFIO_TYPE1v2_IOMMU, .memory = true };

	run_many(shape);
}

static void as_many_small_mappings(void)
{
	const struct fuzz_shape shape = { VFIO_TYPE1v2_IOMMU, .granules = true };

	run_many(shape);
}

static void threads_as_one_after_the_other(void)
{
	const struct fuzz_shape shape = {
		VFIO_TYPE1v2_IOMMU, .memory = true, .granules = true, .threads = true,
	};

	run_many(shape);
}

static void run_file(void)
{
	FILE *file = fopen(opt_file, "re");
	static struct fuzz_seq seq;
	long bad;

	if (!file || !fuzz_seq_read(&seq, file))
		fail("%s: no sequence", opt_file);
	fclose(file);
	twins_set_up();
	bad = run_until_bad(&seq);
	if (bad >= 0)
		fail("operation %ld: %s", bad, why);
}

static const struct test tests[] = {
	TEST_LONG(same_as_in_tree_v1, DAY),
	TEST_LONG(same_as_in_tree_v2, DAY),
	TEST_LONG(as_the_model_of_registered_memory, DAY),
	TEST_LONG(as_many_small_mappings, DAY),
	TEST_LONG(threads_as_one_after_the_other, DAY),
};

static const struct test run_files[] = {
	TEST_LONG(run_file, DAY),
};

static void say_usage(void)
{
	fprintf(stderr, "usage: fuzz [-n OPS] [-t SECONDS] [-s SEED] ");
	fprintf(stderr, "[-d DMAS] [-r FILE]\n");
}

int main(int argc, char **argv)
{
	bool seeded = false;
	int opt;

	setenv("T1X_DRIVER", IN_TREE, 1);
	while ((opt = getopt(argc, argv, "n:t:s:d:r:")) != -1) {
		switch (opt) {
		case 'n':
			opt_ops = strtoull(optarg, NULL, 0);
			break;
		case 't':
			opt_seconds = strtoull(optarg, NULL, 0);
			break;
		case 's':
			opt_seed = strtoull(optarg, NULL, 0);
			seeded = true;
			break;
		case 'd':
			opt_dma = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			opt_file = optarg;
			break;
		default:
			say_usage();
			return 2;
		}
	}
	if (opt_file)
		return test_main(run_files, ARRAY_SIZE(run_files));
	if (!seeded)
		opt_seed = (uint64_t)time(NULL) << 20 ^ getpid();
	opt_ops = (opt_ops + ARRAY_SIZE(tests) - 1) / ARRAY_SIZE(tests);
	opt_seconds /= ARRAY_SIZE(tests);
	return test_main(tests, ARRAY_SIZE(tests));
}
