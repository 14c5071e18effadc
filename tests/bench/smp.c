// SPDX-License-Identifier: GPL-2.0
/*
 * Cases for a stock kernel on two emulated CPUs: what a second thread gains. Its
 * clock is the host's.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../selftests/lib/dirty.h"
#include "../selftests/lib/mem.h"
#include "../selftests/lib/sys.h"
#include "../selftests/lib/test.h"
#include "../selftests/lib/vfio.h"
#include "bench.h"
#include "measure.h"
#include "side.h"

#define THREADS		2

/* Short, because nothing else may need a CPU for as long as this takes. */
#define STEPS		20000000

/* @n CPUs from @first on are all that the calling thread may use. */
static void use_cpus(size_t first, size_t n)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	while (n--)
		CPU_SET(first + n, &cpus);
	assert_eq(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

/* --- Two threads, each with a half of the same work -------------------------- */

struct half {
	void (*work)(const struct half *half);
	size_t cpu;
	void *memory;
	uint64_t iova;
};

static pthread_barrier_t ready;

static void *work_in_thread(void *data)
{
	const struct half *half = data;

	use_cpus(half->cpu, 1);
	pthread_barrier_wait(&ready);
	half->work(half);
	return NULL;
}

static void in_turn(const struct half *halves, size_t units, const char *per)
{
	size_t i;

	start();
	for (i = 0; i < THREADS; i++)
		halves[i].work(&halves[i]);
	stop("one", units, per);
}

static void together(struct half *halves, size_t units, const char *per)
{
	pthread_t threads[THREADS];
	size_t i;

	pthread_barrier_init(&ready, NULL, THREADS + 1);
	for (i = 0; i < THREADS; i++)
		assert_eq(pthread_create(&threads[i], NULL, work_in_thread,
					 &halves[i]), 0);
	start();
	pthread_barrier_wait(&ready);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	stop("two", units, per);
	pthread_barrier_destroy(&ready);
}

/* Does both halves twice: on the first CPU, and on a CPU each. */
static void compare(void (*work)(const struct half *half), void *memory,
		    size_t units, const char *per)
{
	struct half halves[THREADS];
	size_t i;

	for (i = 0; i < THREADS; i++) {
		halves[i].work = work;
		halves[i].cpu = i;
		halves[i].memory = (char *)memory + i * SIZE;
		/* A gap between them: no driver may merge them into one range. */
		halves[i].iova = IOVA + i * GIB;
	}
	use_cpus(0, 1);
	in_turn(halves, units, per);
	together(halves, units, per);
}

static void compute(const struct half *half)
{
	volatile unsigned int steps;

	(void)half;
	for (steps = 0; steps < STEPS; steps++)
		;
}

static void once_compute(void *unused)
{
	compare(compute, unused, STEPS * THREADS, "step");
}

/** smp_compute() - no driver: by how much two CPUs are quicker here at all */
void smp_compute(void)
{
	measure_smp("compute", once_compute, NULL);
}

static void map_and_unmap_half(const struct half *half)
{
	assert_ret(dma_map(container, half->memory, half->iova, SIZE, RW), 0);
	assert_ret(dma_unmap(container, half->iova, SIZE), SIZE);
}

static void once_threads(void *memory)
{
	open_edu();
	compare(map_and_unmap_half, memory, THREADS * SIZE / PAGE, "page");
	vfio_close_all();
}

/** smp_threads() - maps and unmaps of disjoint ranges at the same time */
void smp_threads(void)
{
	measure_smp("threads", once_threads, mem_anon(THREADS * SIZE));
}

/* --- A huge range that was never touched --------------------------------------- */

static void map_cold(const char *op)
{
	void *memory = cold(SIZE);
	int ret;

	open_edu();
	start();
	ret = dma_map(container, memory, IOVA, SIZE, RW);
	stop(op, SIZE / PAGE, "page");
	assert_ret(ret, 0);
	vfio_close_all();
	munmap(memory, SIZE);
}

static void once_huge_cold(void *unused)
{
	(void)unused;
	if (side_serving() == OURS)
		sys_param_set("populate_threads", "1");
	use_cpus(0, 1);
	map_cold("one-cpu");
	use_cpus(0, 2);
	map_cold("two-cpus");
}

/** smp_huge_cold() - what a second CPU helps to fault memory in */
void smp_huge_cold(void)
{
	measure_smp("huge-cold", once_huge_cold, NULL);
}

/* --- Requests for all IOVAs while others map and unmap --------------------------- */

#define CROWD		4
#define CROWD_SIZE	(32 * MIB)
/* Calls that a figure is the mean of, each at another moment of what the others do. */
#define CALLS		30

struct crowd {
	pthread_t thread;
	void *memory;
	uint64_t iova;
};

static atomic_bool crowd_stop;

/* Maps and unmaps without end; UNMAP_ALL may have been there first. */
static void *map_without_end(void *data)
{
	const struct crowd *one = data;

	while (!atomic_load(&crowd_stop)) {
		dma_map(container, one->memory, one->iova, CROWD_SIZE, RW);
		dma_unmap(container, one->iova, CROWD_SIZE);
	}
	return NULL;
}

static void once_crowd(void *memory)
{
	static uint64_t bitmap[CROWD * CROWD_SIZE / PAGE / 64];
	struct crowd crowd[CROWD];
	uint64_t get = 0, unmap = 0;
	size_t i;

	open_edu();
	use_cpus(0, 2);
	assert_ret(dirty_flags(container, START), 0);
	atomic_store(&crowd_stop, false);
	for (i = 0; i < CROWD; i++) {
		crowd[i].memory = (char *)memory + i * CROWD_SIZE;
		crowd[i].iova = IOVA + i * CROWD_SIZE;
		assert_eq(pthread_create(&crowd[i].thread, NULL,
					 map_without_end, &crowd[i]), 0);
	}

	for (i = 0; i < CALLS; i++) {
		usleep(5000);
		start();
		assert_ret(dirty_get(container, IOVA, CROWD * CROWD_SIZE, bitmap,
				     sizeof(bitmap)), 0);
		get += since_start();
		usleep(5000);
		start();
		dma_unmap_flags(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
		unmap += since_start();
	}
	note("get-bitmap", get, CALLS, "call");
	note("unmap-all", unmap, CALLS, "call");

	atomic_store(&crowd_stop, true);
	for (i = 0; i < CROWD; i++)
		pthread_join(crowd[i].thread, NULL);
	vfio_close_all();
}

/** smp_crowd() - how long GET_BITMAP and UNMAP_ALL take beside four busy threads */
void smp_crowd(void)
{
	measure_few("crowd", once_crowd, mem_anon(CROWD * CROWD_SIZE));
}
