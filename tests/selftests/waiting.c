// SPDX-License-Identifier: GPL-2.0
/* Operations that take long or come without end: what waits for them, and what does not. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/dirty.h"
#include "lib/mem.h"
#include "lib/proc.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

static int container;
static void *memory;

static size_t huge_size;

/*
 * Cold memory, and no large pages. Returns when the map has begun; it goes on while
 * this process sleeps.
 */
static pid_t start_huge_map(void)
{
	long before = sys_pins_acquired();
	pid_t pid;

	proc_one_cpu();
	container = rig_open(1, VFIO_TYPE1v2_IOMMU)->container;
	memory = mem_anon(8 * PAGE);
	huge_size = mem_cold_size((sys_is_short() ? 64 : 192) * MIB);
	pid = fork();
	if (!pid) {
		memory = mem_anon_cold(huge_size);
		madvise(memory, huge_size, MADV_NOHUGEPAGE);
		proc_be_last();
		_exit(dma_map(container, memory, IOVA, huge_size, RW) != 0);
	}
	while (sys_pins_acquired() < before + 1000)
		sys_msleep(1);
	return pid;
}

static void others_map_during_a_huge_map(void)
{
	long before = sys_pins_acquired(), pins = 0;
	pid_t pid = start_huge_map();
	uint64_t iova = IOVA - MIB;
	int i, status;

	/* No DMA here: a device may take longer than all of the huge map. */
	for (i = 0; i < 20; i++) {
		assert_ret(dma_map(container, memory, iova, 8 * PAGE, RW), 0);
		assert_ret(dma_unmap(container, iova, 8 * PAGE), 8 * PAGE);
		pins += 8;
	}
	/* The large map still runs: the small ones did not wait for its end. */
	expect_le(sys_pins_acquired() - before - pins,
		  (long)(huge_size / PAGE) - 1);
	assert_eq(waitpid(pid, &status, 0), pid);
	assert_eq(status, 0);
	assert_ret(dma_unmap(container, IOVA, huge_size), huge_size);
}

/* What overlaps waits for it, and finds it done. */
static void others_wait_for_what_is_being_mapped(void)
{
	pid_t pid = start_huge_map();
	int status;

	expect_ret(dma_map(container, memory, IOVA, PAGE, RW), -EEXIST);
	expect_ret(dma_map(container, memory, IOVA + huge_size - PAGE,
			   2 * PAGE, RW), -EEXIST);
	assert_ret(dma_unmap(container, IOVA, huge_size), huge_size);
	assert_eq(waitpid(pid, &status, 0), pid);
	assert_eq(status, 0);
}

/* --- An operation on all IOVAs is not starved --------------------------------------- */

#define CHURN		(sys_is_uml() ? MIB : 32 * MIB)
#define CHURN_IOVA(n)	(IOVA + (n) * 32 * MIB)
#define THREADS		4
#define TURNS		9

static volatile long churned[THREADS];
static volatile bool stop;

static void *churn_thread(void *arg)
{
	void *own = mem_anon(CHURN);
	long n = (long)arg;
	int64_t ret;

	while (!stop) {
		assert_ret(dma_map(container, own, CHURN_IOVA(n), CHURN, RW),
			   0);
		ret = dma_unmap(container, CHURN_IOVA(n), CHURN);
		if (ret)
			assert_ret(ret, CHURN);
		churned[n]++;
	}
	munmap(own, CHURN);
	return NULL;
}

static long all_churned(void)
{
	long sum = 0;
	int i;

	for (i = 0; i < THREADS; i++)
		sum += churned[i];
	return sum;
}

static int compare(const void *a, const void *b)
{
	return (*(const long *)a > *(const long *)b) -
	       (*(const long *)a < *(const long *)b);
}

static void unmap_everything(void)
{
	assert_ge(dma_unmap_flags(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL), 0);
}

static void start_tracking(void)
{
	assert_ret(dirty_flags(container, START), 0);
}

static void bitmap_of_everything(void)
{
	static uint64_t bitmap[THREADS * 32 * MIB / PAGE / 64];

	assert_ret(dirty_get(container, IOVA, THREADS * 32 * MIB, bitmap,
			     sizeof(bitmap)), 0);
}

static int joining = -1;

static void open_other_group(void)
{
	/* One that needs a domain of its own, where there is one. */
	joining = sys_is_uml() ? vfio_mock_group_open(2) : vfio_group_open(1);
}

static void join_and_leave(void)
{
	assert_ret(vfio_group_join(joining, container), 0);
	assert_ret(vfio_group_leave(joining), 0);
}

/**
 * struct everything - an operation on all IOVAs
 * @variant: its name
 * @begin: before the first one, or NULL
 * @act: does it
 */
struct everything {
	const char *variant;
	void (*begin)(void);
	void (*act)(void);
};

static const struct everything operations[] = {
	{ "unmap_all", NULL, unmap_everything },
	{ "dirty_bitmap", start_tracking, bitmap_of_everything },
	{ "attach", open_other_group, join_and_leave },
};

/*
 * Threads map and unmap without end.  An operation on all IOVAs has to wait for one MAP
 * or UNMAP of each thread, and for none that begins later.  More may run before it is
 * queued, and on the lowest IOVAs while it works on the upper ones: hence half of the
 * turns, and four times as many.
 */
static void everything_gets_its_turn(const void *variant)
{
	const struct everything *everything = variant;
	long before, others[TURNS];
	pthread_t threads[THREADS];
	int i;

	container = rig_open(1, VFIO_TYPE1v2_IOMMU)->container;
	if (everything->begin)
		everything->begin();
	for (i = 0; i < THREADS; i++)
		assert_eq(pthread_create(&threads[i], NULL, churn_thread,
					 (void *)(long)i), 0);
	for (i = 0; i < TURNS; i++) {
		/* They are all at it again. */
		before = all_churned();
		while (all_churned() < before + 2 * THREADS)
			sys_msleep(1);
		before = all_churned();
		everything->act();
		others[i] = all_churned() - before;
	}
	stop = true;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	qsort(others, TURNS, sizeof(others[0]), compare);
	test_say("others did %ld, half of the time at most %ld, at most %ld",
		 others[0], others[TURNS / 2], others[TURNS - 1]);
	expect_le(others[TURNS / 2], 4L * THREADS);
}

static const struct test tests[] = {
	TEST(others_map_during_a_huge_map),
	TEST(others_wait_for_what_is_being_mapped),
	TEST_VARIANTS_LONG(everything_gets_its_turn, operations, 240),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
