// SPDX-License-Identifier: GPL-2.0
/* Pairs by two threads, each on its own CPU: which cache lines they share, see lines.c. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "../selftests/lib/mem.h"
#include "../selftests/lib/sys.h"
#include "../selftests/lib/test.h"
#include "../selftests/lib/vfio.h"
#include "bench.h"
#include "mark.h"
#include "measure.h"
#include "side.h"

#define THREADS		2
#define SHARED_PAIRS	500

/* The first ones fill what a CPU has for itself. */
#define FIRST_PAIRS	20

/* Mappings around those that come and go. */
#define STANDING	64

/* Far enough apart that no table of the IOMMU has entries for both. */
#define APART		GIB

struct worker {
	pthread_t thread;
	size_t cpu;
	int container;
	void *memory;
	uint64_t iova;
};

static pthread_barrier_t ready;

static void pair(const struct worker *worker)
{
	assert_ret(dma_map(worker->container, worker->memory, worker->iova, PAGE, RW), 0);
	assert_ret(dma_unmap(worker->container, worker->iova, PAGE), PAGE);
}

static void *work(void *data)
{
	const struct worker *worker = data;
	cpu_set_t cpus;
	size_t i;

	CPU_ZERO(&cpus);
	CPU_SET(worker->cpu, &cpus);
	assert_eq(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	for (i = 0; i < FIRST_PAIRS; i++)
		pair(worker);
	pthread_barrier_wait(&ready);
	for (i = 0; i < SHARED_PAIRS; i++) {
		mark(MARK_OPERATION);
		pair(worker);
	}
	mark(MARK_DONE);
	return NULL;
}

/* Every other page, and the gap in their middle is for the pairs. */
static void map_standing(const struct worker *worker)
{
	size_t i;

	for (i = 0; i < STANDING; i++)
		if (i != STANDING / 2)
			assert_ret(dma_map(worker->container, worker->memory + PAGE,
					   worker->iova + 2 * (i - STANDING / 2) * PAGE,
					   PAGE, RW), 0);
}

static void run(const char *op, const int containers[THREADS], void *memory)
{
	struct worker workers[THREADS];
	size_t i;

	pthread_barrier_init(&ready, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		workers[i].cpu = i;
		workers[i].container = containers[i];
		workers[i].memory = (char *)memory + i * HUGE_2M;
		workers[i].iova = IOVA + (i + 1) * APART;
		map_standing(&workers[i]);
	}
	mark(MARK_BEGIN);
	for (i = 0; i < THREADS; i++)
		assert_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	mark(MARK_END);
	pthread_barrier_destroy(&ready);
	printf("# lines %s %s\n", op, side_name(side_serving()));
}

static void one_container(void *memory)
{
	int containers[THREADS];

	open_dma_device(0);
	containers[0] = container;
	containers[1] = container;
	run("one-container", containers, memory);
	vfio_close_all();
}

static void container_each(void *memory)
{
	int containers[THREADS], i;

	for (i = 0; i < THREADS; i++) {
		open_dma_device(i);
		containers[i] = container;
	}
	run("container-each", containers, memory);
	vfio_close_all();
}

/** shared_lines() - two threads in one container, and with a container each */
void shared_lines(void)
{
	void *memory = mem_anon(THREADS * HUGE_2M);
	enum side side;

	for (side = TREE; side < side_end(); side++) {
		side_serve(side);
		print_symbols();
		one_container(memory);
		container_each(memory);
	}
	side_serve(OURS);
}
