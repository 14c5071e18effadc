// SPDX-License-Identifier: GPL-2.0
/*
 * Cases for UML, whose clock is a clock: who waits for whom, what two CPUs
 * gain, and a second domain, which the mock IOMMU can have.
 */
#include <linux/vfio.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../selftests/lib/mem.h"
#include "../selftests/lib/sys.h"
#include "../selftests/lib/test.h"
#include "../selftests/lib/vfio.h"
#include "bench.h"
#include "measure.h"
#include "side.h"

#define CALLS		2000
/* As long as a map: a tenth of a second. */
#define STEPS		400000000
#define THREADS		2

/* The mock's device that cannot share a domain with device 0. */
#define NONCOHERENT	2

/* Where a page comes and goes while a huge range is mapped at IOVA. */
#define IOVA_PAGE	(IOVA + 16 * GIB)

/* What any system call costs, for comparison: in UML that is a lot. */
static void once_empty(void *unused)
{
	size_t i;

	(void)unused;
	open_edu();
	start();
	for (i = 0; i < CALLS; i++)
		assert_eq(ioctl(container, VFIO_CHECK_EXTENSION,
				VFIO_TYPE1v2_IOMMU), 1);
	stop("ioctl", CALLS, "call");
	vfio_close_all();
}

/** native_empty() - a system call that does nothing */
void native_empty(void)
{
	measure("empty", once_empty, NULL);
}

/* A type1 driver maps when the group joins, iommufd when the device is opened. */
static void once_attach(void *memory)
{
	long domains = sys_mock_get("domains");
	struct vdev device;
	int group;

	open_edu();
	assert_ret(dma_map(container, memory, IOVA, SIZE, RW), 0);
	group = vfio_mock_group_open(NONCOHERENT);
	start();
	assert_ret(vfio_group_join(group, container), 0);
	vfio_mock_device_open(&device, group, NONCOHERENT);
	stop("attach", SIZE / PAGE, "page");
	assert_eq(sys_mock_get("domains"), domains + 2);
	vfio_close_all();
}

/** native_attach() - a second domain for what is mapped */
void native_attach(void)
{
	measure("attach", once_attach, mem_anon(SIZE));
}

/* --- How long a small map waits for a huge one --------------------------------- */

static void *cold(size_t size)
{
	void *memory = mem_anon_cold(size);

	madvise(memory, size, MADV_NOHUGEPAGE);
	return memory;
}

static pthread_barrier_t ready;
static volatile bool huge_is_mapped;

static void *map_huge(void *memory)
{
	pthread_barrier_wait(&ready);
	assert_ret(dma_map(container, memory, IOVA, GIB, RW), 0);
	huge_is_mapped = true;
	return NULL;
}

/* One page comes and goes until the huge range is mapped: the longest of that. */
static uint64_t slowest_pair(void *page)
{
	uint64_t ns, slowest = 0;

	do {
		start();
		assert_ret(dma_map(container, page, IOVA_PAGE, PAGE, RW), 0);
		assert_ret(dma_unmap(container, IOVA_PAGE, PAGE), PAGE);
		ns = since_start();
		if (ns > slowest)
			slowest = ns;
	} while (!huge_is_mapped);
	return slowest;
}

static void once_meanwhile(void *page)
{
	void *memory = cold(GIB);
	pthread_t mapper;

	pthread_barrier_init(&ready, NULL, 2);
	huge_is_mapped = false;
	open_edu();
	assert_eq(pthread_create(&mapper, NULL, map_huge, memory), 0);
	pthread_barrier_wait(&ready);
	/* By then it has begun. */
	sys_msleep(10);
	note("slowest", slowest_pair(page), 1, "pair");
	pthread_join(mapper, NULL);
	vfio_close_all();
	munmap(memory, GIB);
	pthread_barrier_destroy(&ready);
}

/** native_meanwhile() - a small map while a huge one runs */
void native_meanwhile(void)
{
	measure_few("meanwhile", once_meanwhile, mem_anon(PAGE));
}

/* --- Two threads, each with a half of the same work -------------------------- */

struct half {
	void (*work)(const struct half *half);
	void *memory;
	uint64_t iova;
};

static void *work_in_thread(void *data)
{
	const struct half *half = data;

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

static void compute(const struct half *half)
{
	volatile unsigned int steps;

	(void)half;
	for (steps = 0; steps < STEPS; steps++)
		;
}

static void once_compute(void *unused)
{
	struct half halves[THREADS] = { { .work = compute },
					{ .work = compute } };

	(void)unused;
	in_turn(halves, STEPS * THREADS, "step");
	together(halves, STEPS * THREADS, "step");
}

/**
 * native_compute() - no driver: by how much two CPUs are quicker here at all
 *
 * What the host gives the sides differs as much as what it gives the threads.
 */
void native_compute(void)
{
	measure_few("compute", once_compute, NULL);
}

static void map_and_unmap_half(const struct half *half)
{
	assert_ret(dma_map(container, half->memory, half->iova, SIZE, RW), 0);
	assert_ret(dma_unmap(container, half->iova, SIZE), SIZE);
}

static void once_threads(void *memory)
{
	struct half halves[THREADS];
	size_t i;

	for (i = 0; i < THREADS; i++) {
		halves[i].work = map_and_unmap_half;
		halves[i].memory = (char *)memory + i * SIZE;
		/* A gap between them: nobody may take them for one range. */
		halves[i].iova = IOVA + i * GIB;
	}
	open_edu();
	in_turn(halves, THREADS * SIZE / PAGE, "page");
	together(halves, THREADS * SIZE / PAGE, "page");
	vfio_close_all();
}

/** native_threads() - maps and unmaps of disjoint ranges at the same time */
void native_threads(void)
{
	measure_few("threads", once_threads, mem_anon(THREADS * SIZE));
}

/* --- A huge range that nobody has touched ------------------------------------- */

static void use_cpus(size_t n)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	while (n--)
		CPU_SET(n, &cpus);
	assert_eq(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

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
	use_cpus(1);
	map_cold("one-cpu");
	use_cpus(2);
	map_cold("two-cpus");
}

/** native_huge_cold() - what a second CPU helps to fault memory in */
void native_huge_cold(void)
{
	measure_few("huge-cold", once_huge_cold, NULL);
}
