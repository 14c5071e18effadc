// SPDX-License-Identifier: GPL-2.0
/*
 * Ours against the in-tree driver: the same random operations on a container
 * of each, at the same time, with the same memory; everything a user can see
 * has to be the same, but for the table in lib/differ.c.
 *
 * usage: fuzz [-n OPS] [-t SECONDS] [-s SEED] [-d DMAS] [-r FILE]
 *   -n OPS      how many operations (default 20000)
 *   -t SECONDS  begin no more sequences after this long
 *   -s SEED     repeat what printed that seed
 *   -d DMAS     one operation in so many lets a device read, 0: none
 *   -r FILE     one sequence, as it was printed
 *
 * VFIO asks the backend first that was registered last, and a container keeps
 * the one it got. So the in-tree driver is loaded all the time, and ours, from
 * the file T1X_MODULE, is loaded for each sequence after the first container
 * has got its IOMMU. No other process may use the drivers meanwhile.
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
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define DAY (24 * 60 * 60)

static unsigned long long opt_ops = 20000, opt_seconds, opt_seed, opt_dma;
static const char *opt_file;

/* How many operations of each kind there were, and how many succeeded. */
static unsigned long tried[FUZZ_NR_KINDS], succeeded[FUZZ_NR_KINDS];

static char why[1024];

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

/* Returns the number of the operation that differed, or -1. */
static long run_seq(const struct fuzz_seq *seq)
{
	const struct fuzz_op *op;
	long bad = -1;
	uint64_t i;

	differ_begin();
	model_begin();
	twins_open(seq);
	for (i = 0; i < seq->n && bad < 0; i++) {
		op = &seq->ops[i];
		twins_do(seq, op);
		model_expect(op, twins.results);
		if (differ(op, twins.results, why, sizeof(why)))
			bad = i;
		else
			twins_settle(op, twins.results);
		if (bad < 0 && (i + 1 == seq->n || i % CHECKED == CHECKED - 1) && !holds())
			bad = i;
		tried[op->kind]++;
		succeeded[op->kind] += twins.results[OUR].ret >= 0;
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

static void say_seq(const struct fuzz_seq *seq)
{
	char text[400];
	uint64_t i;

	fuzz_seq_head_text(seq, text, sizeof(text));
	test_say("%s", text);
	for (i = 0; i < seq->n; i++) {
		fuzz_op_text(&seq->ops[i], text, sizeof(text));
		test_say("%s", text);
	}
}

/* Take out as much as possible, in smaller and smaller pieces. */
static void shrink(struct fuzz_seq *seq)
{
	static struct fuzz_seq less;
	uint64_t piece, at, n;

	for (piece = seq->n / 2; piece; piece /= 2) {
		for (at = 0; at < seq->n && seq->n > 1;) {
			less = *seq;
			n = seq->n - at < piece ? seq->n - at : piece;
			memmove(&less.ops[at], &less.ops[at + n],
				(less.n - at - n) * sizeof(less.ops[0]));
			less.n -= n;
			if (less.n && run_seq(&less) >= 0)
				*seq = less;
			else
				at += n;
		}
	}
}

static void report(struct fuzz_seq *seq, long bad)
{
	test_say("seed %#lx, operation %ld: %s", seq->seed, bad, why);
	seq->n = bad + 1;
	if (run_seq(seq) < 0) {
		test_say("it does not happen again; all of it:");
		say_seq(seq);
		fail("the drivers differ, once");
	}
	seq->n = bad + 1;
	shrink(seq);
	run_seq(seq);
	test_say("shrunk to %lu operations: %s", seq->n, why);
	say_seq(seq);
	fail("the drivers differ");
}

/* @shape says what is special about the sequences. */
static void run_many(struct fuzz_shape shape)
{
	uint64_t state = opt_seed + shape.type + shape.memory +
			 2 * shape.granules;
	uint64_t begin = sys_now_ms(), said = begin;
	uint64_t seed, now, ops = 0, nr = 0;
	static struct fuzz_seq seq;
	size_t i;
	long bad;

	twins_set_up();
	shape.groups = twins.nr_groups;
	shape.dma = opt_dma;
	test_say("type %lu, seed %#llx", shape.type, opt_seed);
	while (ops < opt_ops) {
		seed = fuzz_random(&state);
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

static void run_file(void)
{
	FILE *file = fopen(opt_file, "re");
	static struct fuzz_seq seq;
	long bad;

	if (!file || !fuzz_seq_read(&seq, file))
		fail("%s: no sequence", opt_file);
	fclose(file);
	twins_set_up();
	bad = run_seq(&seq);
	if (bad >= 0)
		fail("operation %ld: %s", bad, why);
}

static const struct test tests[] = {
	TEST_LONG(same_as_in_tree_v1, DAY),
	TEST_LONG(same_as_in_tree_v2, DAY),
	TEST_LONG(as_the_model_of_registered_memory, DAY),
	TEST_LONG(as_many_small_mappings, DAY),
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
