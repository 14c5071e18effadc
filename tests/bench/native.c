// SPDX-License-Identifier: GPL-2.0
/*
 * Cases for UML, which has real time: whether a map waits for another, and a second
 * domain, which the mock IOMMU can have.
 */
#include <linux/vfio.h>
#include <pthread.h>
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
