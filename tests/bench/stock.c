// SPDX-License-Identifier: GPL-2.0
/*
 * Cases for stock kernels alone: pages of 1 GiB, a second domain that VT-d has
 * to be talked into, threads that wait, and the kernel's memory.
 *
 *   T1X_TWO_DOMAINS		file of t1x_two_domains, for the case "attach"
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../selftests/lib/mem.h"
#include "../selftests/lib/module.h"
#include "../selftests/lib/sys.h"
#include "../selftests/lib/test.h"
#include "../selftests/lib/free_pages.h"
#include "../selftests/lib/vfio.h"
#include "bench.h"
#include "measure.h"
#include "side.h"

#define REFUSE		"/sys/module/t1x_two_domains/parameters/refuse"

static void once_mapped_1g(void *memory)
{
	mapped_in_a_container(memory, GIB);
}

/** stock_hugetlb_1g() - a page of 1 GiB */
void stock_hugetlb_1g(void)
{
	measure("hugetlb-1g", once_mapped_1g, mem_hugetlb_1g(GIB));
}

/**
 * stock_join_apart() - measure that a second group joins with a domain of its own
 * @op: what that is called
 * @units: what it is divided by
 * @per: and their name
 *
 * Both drivers give a new group its own domain first, then try the others. t1x_two_domains is
 * loaded, and refuses those.
 *
 * Return: fd of the group.
 */
int stock_join_apart(const char *op, size_t units, const char *per)
{
	int second = vfio_group_open(1), ret;

	sys_write(REFUSE, "2");
	start();
	ret = vfio_group_join(second, container);
	stop(op, units, per);
	assert_ret(ret, 0);
	assert_eq(sys_read_number(REFUSE), 0);
	return second;
}

static void once_attach(void *memory)
{
	open_edu();
	assert_ret(dma_map(container, memory, IOVA, GIB, RW), 0);
	stock_join_apart("attach", GIB / PAGE, "page");
	vfio_close_all();
}

/** stock_attach() - a second domain for what is mapped */
void stock_attach(void)
{
	enum side side;

	side_load("T1X_TWO_DOMAINS", "");
	measure("attach", once_attach, huge(GIB));
	module_unload("t1x_two_domains");
	/* A group that joins a domain maps nothing. */
	for (side = TREE; side < side_end(); side++)
		expect_ge(figure_of("attach")->counts[side][COUNT_IOMMU_MAP],
			  1);
}

static void map_at_once(void *memory)
{
	assert_ret(dma_map(container, memory, IOVA, SIZE, RW), 0);
}

/* How many pages the kernel needs to have @memory mapped. */
static long pages_for(void (*map_all)(void *memory), void *memory)
{
	long pages;

	open_edu();
	pages = free_pages_count();
	map_all(memory);
	pages -= free_pages_count();
	vfio_close_all();
	return pages;
}

static void weigh(const char *op, size_t units, void (*map_all)(void *memory),
		  void *memory)
{
	long pages[SIDES][TURNS];
	unsigned int turn;
	enum side side;

	for (turn = 0; turn < TURNS; turn++)
		for (side = TREE; side < side_end(); side++) {
			side_serve(side);
			/* What is needed but once does not count. */
			pages_for(map_all, memory);
			pages[side][turn] = pages_for(map_all, memory);
		}
	for (side = TREE; side < side_end(); side++) {
		report_begin("memory", op, op, units, side);
		printf(",\"bytes\":[%.1f,%.1f]}\n",
		       (double)pages[side][0] * PAGE / units,
		       (double)pages[side][1] * PAGE / units);
		/* Four bytes are some pages of half used slabs. */
		expect_le(labs(pages[side][0] - pages[side][1]) * PAGE,
			  4 * units);
	}
}

/** stock_memory() - what the kernel needs for a run and for a mapping */
void stock_memory(void)
{
	weigh("run", SIZE / PAGE, map_at_once, mem_scattered(SIZE / PAGE));
	weigh("mapping", ENTRIES, map_entries, mem_anon(ENTRIES * PAGE));
}

/* --- A pair beside threads that wait for another range --------------------------- */

#define WAITERS		200
#define WAITERS_PAIRS	500
#define WAITERS_IOVA	(IOVA + GIB)

static void set_policy(int policy, int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	assert_eq(sched_setscheduler(0, policy, &param), 0);
}

/* A map that gets no further while another thread wants the CPU. */
static void *map_when_idle(void *memory)
{
	set_policy(SCHED_IDLE, 0);
	assert_ret(dma_map(container, memory, WAITERS_IOVA, SIZE, RW), 0);
	return NULL;
}

static void *wait_for_it(void *unused)
{
	(void)unused;
	dma_unmap(container, WAITERS_IOVA, SIZE);
	return NULL;
}

static void measure_pairs(void *page, const char *op)
{
	set_policy(SCHED_FIFO, 1);
	start();
	pairs(page, IOVA, WAITERS_PAIRS);
	stop(op, WAITERS_PAIRS, "pair");
	set_policy(SCHED_OTHER, 0);
}

static void once_waiters(void *memory)
{
	pthread_t holder, waiters[WAITERS];
	void *page = memory + SIZE;
	size_t i;

	open_edu();
	measure_pairs(page, "alone");

	assert_eq(pthread_create(&holder, NULL, map_when_idle, memory), 0);
	usleep(1000);
	for (i = 0; i < WAITERS; i++)
		assert_eq(pthread_create(&waiters[i], NULL, wait_for_it, NULL), 0);
	usleep(1000);
	measure_pairs(page, "beside");

	pthread_join(holder, NULL);
	for (i = 0; i < WAITERS; i++)
		pthread_join(waiters[i], NULL);
	vfio_close_all();
}

/**
 * stock_waiters() - a pair alone, and beside threads that wait for another range
 *
 * What is mapped meanwhile takes long, because no two pages are neighbours, and takes no
 * mmap_lock, because all are there.
 */
void stock_waiters(void)
{
	/* The in-tree driver has the pairs wait as well, for as long as that takes. */
	measure_few("waiters", once_waiters,
		    mem_scattered(SIZE / PAGE + 1));
}
