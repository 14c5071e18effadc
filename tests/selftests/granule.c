// SPDX-License-Identifier: GPL-2.0
/* Mappings with granules: UNMAP takes any part, and DMA ends there and only there. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/counted.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* A mapping of 1 GiB, of memory that is there many times. */
#define GIB_PAGES	(GIB / PAGE)
#define GIB_MEMORY	4096UL

/* Which pages are still mapped. */
static bool mapped[GIB_PAGES];

static void rig_with_granules(uint64_t granule)
{
	rig_of(VFIO_TYPE1v2_IOMMU);
	memset(mapped, true, sizeof(mapped));
	assert_ret(dma_map_granule(rig->container, memory, IOVA, SIZE, granule),
		   0);
	expect_more(N);
}

/* A DMA takes QEMU's device 200 ms. */
static unsigned int rounds(unsigned int n)
{
	return sys_is_uml() ? n : n / 40;
}

static int64_t unmap(uint64_t first, uint64_t npages)
{
	int64_t ret = dma_unmap(rig->container, IOVA + first * PAGE,
				npages * PAGE);

	if (ret > 0)
		memset(mapped + first, false, npages);
	return ret;
}

/* DMA reaches a page if, and only if, it is still mapped. */
static void check_page(uint64_t i)
{
	if (mapped[i])
		dma_check_pages(rig, 0, IOVA + i * PAGE, memory + i * PAGE, 1);
	else
		dma_check_refused(rig, 0, IOVA + i * PAGE, memory + i * PAGE);
}

static void check_around(uint64_t first, uint64_t npages, uint64_t end)
{
	if (first)
		check_page(first - 1);
	check_page(first);
	check_page(first + npages - 1);
	if (first + npages < end)
		check_page(first + npages);
}

static void extension(void)
{
	int container = vfio_container_open();
	int group = vfio_group_open(0);

	assert_ret(vfio_group_join(group, container), 0);
	expect_eq(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1X_GRANULES),
		  1);
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	expect_eq(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1X_GRANULES),
		  1);
}

static int raw_map(uint32_t argsz, uint32_t flags, uint64_t iova, uint64_t size,
		   uint64_t granule)
{
	struct vfio_type1x_dma_map map = {
		.argsz = argsz,
		.flags = flags | VFIO_TYPE1X_MAP_FLAG_GRANULE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
		.granule = granule,
	};

	return ioctl(rig->container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

static void bad_arguments(void)
{
	const uint32_t argsz = sizeof(struct vfio_type1x_dma_map);
	char *edge;

	rig_of(VFIO_TYPE1v2_IOMMU);
	expect_ret(raw_map(argsz - 1, RW, IOVA, SIZE, PAGE), -EINVAL);
	expect_ret(raw_map(argsz - 8, RW, IOVA, SIZE, PAGE), -EINVAL);
	expect_ret(raw_map(argsz, RW, IOVA, SIZE, 0), -EINVAL);
	expect_ret(raw_map(argsz, RW, IOVA, 3 * PAGE, 3 * PAGE), -EINVAL);
	expect_ret(raw_map(argsz, RW, IOVA, SIZE, PAGE / 2), -EINVAL);
	expect_ret(raw_map(argsz, RW, IOVA, SIZE, 1), -EINVAL);
	expect_ret(raw_map(argsz, RW, IOVA, 8 * PAGE, 16 * PAGE), -EINVAL);
	expect_ret(raw_map(argsz, RW, IOVA, 8 * PAGE, 1ULL << 63), -EINVAL);
	expect_ret(raw_map(argsz, RW, IOVA, 9 * PAGE, 2 * PAGE), -EINVAL);
	expect_ret(raw_map(argsz, RW, IOVA + PAGE, 8 * PAGE, 2 * PAGE),
		   -EINVAL);
	expect_ret(raw_map(argsz, 0, IOVA, SIZE, PAGE), -EINVAL);
	expect_ret(raw_map(argsz, RW | 1 << 25, IOVA, SIZE, PAGE), -EINVAL);
	expect_ret(raw_map(argsz, VFIO_DMA_MAP_FLAG_VADDR, IOVA, SIZE, PAGE),
		   -EINVAL);
	expect_ret(raw_map(argsz, RW, IOVA, SIZE + 1, PAGE), -EINVAL);

	/* The granule is where nothing can be read. */
	edge = mem_anon(2 * PAGE);
	munmap(edge + PAGE, PAGE);
	edge += PAGE - offsetof(struct vfio_type1x_dma_map, granule);
	*(struct vfio_iommu_type1_dma_map *)edge =
		(struct vfio_iommu_type1_dma_map){
			.argsz = argsz,
			.flags = RW | VFIO_TYPE1X_MAP_FLAG_GRANULE,
			.vaddr = (uintptr_t)memory,
			.iova = IOVA,
			.size = SIZE,
		};
	expect_eq(ioctl(rig->container, VFIO_IOMMU_MAP_DMA, edge), -1);
	expect_eq(errno, EFAULT);
	expect_more(0);
	expect_ret(dma_unmap(rig->container, IOVA, GIB), 0);

	/* Larger arguments are those of the future. */
	expect_ret(raw_map(argsz + 64, RW, IOVA, SIZE, PAGE), 0);
}

/* Type1 v1 has rules of its own for what UNMAP takes. */
static void not_in_v1(void)
{
	rig_of(VFIO_TYPE1_IOMMU);
	expect_ret(dma_map_granule(rig->container, memory, IOVA, SIZE, PAGE),
		   -EINVAL);
	expect_more(0);
}

static void any_order(void)
{
	unsigned int order[N], i, j, tmp;

	rig_with_granules(PAGE);
	srand(7);
	for (i = 0; i < N; i++) {
		j = rand() % (i + 1);
		order[i] = order[j];
		order[j] = i;
	}
	for (i = 0; i < N; i++) {
		assert_ret(unmap(order[i], 1), PAGE);
		expect_more(N - 1 - i);
		if (i % (N / rounds(N)) == 0) {
			check_page(order[i]);
			check_page(order[rand() % N]);
		}
		tmp = order[rand() % (i + 1)];
		assert_ret(dma_unmap(rig->container, IOVA + tmp * PAGE, PAGE),
			   0);
	}
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	expect_more(N);
}

/* Each size in runs and batches, from both ends and from the middle. */
static void parts_of_all_sizes(void)
{
	uint64_t from = 0, to = N, n;

	rig_with_granules(PAGE);
	for (n = 1; from + 3 * n + 2 < to; n += sys_is_uml() ? 1 : 40) {
		assert_ret(unmap(from, n), n * PAGE);
		check_around(from, n, N);
		from += n;
		assert_ret(unmap(to - n, n), n * PAGE);
		check_around(to - n, n, N);
		to -= n;
		assert_ret(unmap(from + 1, n), n * PAGE);
		check_around(from + 1, n, N);
		assert_ret(unmap(from, n + 1), PAGE);
		from += n + 1;
		expect_more(to - from);
	}
	assert_ret(unmap(0, N), (to - from) * PAGE);
	expect_more(0);
}

static void only_at_granules(void)
{
	rig_with_granules(8 * PAGE);
	expect_ret(unmap(8, 4), -EINVAL);
	expect_ret(unmap(4, 4), -EINVAL);
	expect_ret(unmap(0, 9), -EINVAL);
	expect_ret(unmap(7, N - 7), -EINVAL);
	expect_ret(unmap(1, 1), -EINVAL);
	expect_more(N);
	check_page(8);
	assert_ret(unmap(8, 8), 8 * PAGE);
	check_around(8, 8, N);
	/* What is left has the same granules, and no others. */
	expect_ret(unmap(4, 4), -EINVAL);
	expect_ret(unmap(12, 8), -EINVAL);
	expect_ret(unmap(12, 4), 0);
	assert_ret(unmap(0, 16), 8 * PAGE);
	expect_more(N - 16);
	assert_ret(dma_unmap_flags(rig->container, 0, 0,
				   VFIO_DMA_UNMAP_FLAG_ALL),
		   SIZE - 15 * PAGE);
}

/* A range over several mappings is split at both ends, or refused as a whole. */
static void range_over_several(void)
{
	rig_of(VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map_granule(rig->container, memory, IOVA, 8 * PAGE,
				   2 * PAGE), 0);
	assert_ret(dma_map(rig->container, memory, IOVA + 8 * PAGE, 8 * PAGE,
			   RW), 0);
	assert_ret(dma_map_granule(rig->container, memory, IOVA + 16 * PAGE,
				   8 * PAGE, 4 * PAGE), 0);
	expect_ret(unmap(2, 10), -EINVAL);
	expect_ret(unmap(2, 16), -EINVAL);
	expect_ret(unmap(3, 17), -EINVAL);
	expect_ret(unmap(12, 8), -EINVAL);
	expect_more(24);
	assert_ret(unmap(2, 18), 18 * PAGE);
	expect_more(6);
	dma_check_pages(rig, 0, IOVA, memory, 2);
	dma_check_refused(rig, 0, IOVA + 2 * PAGE, memory + 2 * PAGE);
	dma_check_refused(rig, 0, IOVA + 19 * PAGE, memory + 3 * PAGE);
	dma_check_pages(rig, 0, IOVA + 20 * PAGE, memory + 4 * PAGE, 4);
	assert_ret(dma_map(rig->container, memory, IOVA + 2 * PAGE, 18 * PAGE,
			   RW), 0);
	assert_ret(unmap(0, 24), 24 * PAGE);
	expect_more(0);
}

/* No leaf of the IOMMU reaches over the edge of a granule. */
static void leaves_stay_within(void)
{
	long small, large;
	char *region;

	rig_of(VFIO_TYPE1v2_IOMMU);
	if (!sys_is_uml())
		test_skip("needs a mock IOMMU");
	region = vfio_region_map(&rig->devices[0], 3,
				 mem_anon_aligned(4 * MIB, HUGE_2M), 0, 4 * MIB);
	small = sys_mock_get("mapped_4k");
	large = sys_mock_get("mapped_2m");
	assert_ret(dma_map_granule(rig->container, region, IOVA, 4 * MIB,
				   HUGE_2M), 0);
	expect_eq(sys_mock_get("mapped_2m") - large, 2);
	expect_eq(sys_mock_get("mapped_4k") - small, 0);
	assert_ret(dma_unmap(rig->container, IOVA + HUGE_2M, HUGE_2M), HUGE_2M);
	dma_check_pages(rig, 0, IOVA, region, HUGE_2M / PAGE);
	dma_check_refused(rig, 0, IOVA + HUGE_2M, region + HUGE_2M);
	assert_ret(dma_unmap(rig->container, IOVA, HUGE_2M), HUGE_2M);

	assert_ret(dma_map_granule(rig->container, region, IOVA, 4 * MIB, MIB),
		   0);
	expect_eq(sys_mock_get("mapped_2m") - large, 2);
	expect_eq(sys_mock_get("mapped_4k") - small, 4 * MIB / PAGE);
	assert_ret(dma_unmap(rig->container, IOVA + MIB, 2 * MIB), 2 * MIB);
	dma_check_pages(rig, 0, IOVA, region, MIB / PAGE);
	dma_check_pages(rig, 0, IOVA + 3 * MIB, region + 3 * MIB, MIB / PAGE);
	expect_eq(sys_vmlck(), vmlck + 2048);
}

static void pages_of_a_gib(void)
{
	uint64_t npages = GIB_PAGES, left, i;
	unsigned int round;

	/* The UML of newest checks every access that it makes. */
	if (sys_is_uml() && !sys_kernel_before(7, 0))
		npages /= 8;
	left = npages;
	rig_of(VFIO_TYPE1v2_IOMMU);
	memory = mem_scattered_often(GIB_MEMORY, npages / GIB_MEMORY);
	memset(mapped, true, npages);
	count();
	assert_ret(dma_map_granule(rig->container, memory, IOVA, npages * PAGE,
				   PAGE), 0);
	expect_more(npages);
	srand(13);
	for (round = 0; round < rounds(200); round++) {
		i = (uint64_t)rand() % npages;
		assert_ret(dma_unmap(rig->container, IOVA + i * PAGE, PAGE),
			   mapped[i] ? PAGE : 0);
		left -= mapped[i];
		mapped[i] = false;
		expect_more(left);
		check_around(i, 1, npages);
	}
	assert_ret(dma_unmap(rig->container, IOVA, GIB), left * PAGE);
	expect_more(0);
}

/* Parts count as mappings, and there has to be room for one more. */
static void parts_are_counted(void)
{
	char limit[16];

	sys_param_get("dma_entry_limit", limit, sizeof(limit));
	sys_param_set("dma_entry_limit", "4");
	rig_with_granules(PAGE);
	sys_param_set("dma_entry_limit", limit);
	/* One is the scratch page's. */
	expect_eq(dma_avail(rig->container), 2);
	assert_ret(unmap(10, 1), PAGE);
	expect_eq(dma_avail(rig->container), 1);
	assert_ret(unmap(11, 1), PAGE);
	expect_eq(dma_avail(rig->container), 1);
	assert_ret(unmap(20, 1), PAGE);
	expect_eq(dma_avail(rig->container), 0);
	expect_ret(unmap(5, 1), -ENOSPC);
	expect_ret(unmap(30, 100), -ENOSPC);
	expect_more(N - 3);
	check_around(5, 1, N);
	/* At an edge nothing is added. */
	assert_ret(unmap(0, 1), PAGE);
	assert_ret(unmap(N - 1, 1), PAGE);
	assert_ret(unmap(8, 14), 11 * PAGE);
	expect_eq(dma_avail(rig->container), 1);
	expect_ret(dma_map(rig->container, memory, IOVA + 9 * PAGE, PAGE, RW),
		   0);
	expect_eq(dma_avail(rig->container), 0);
	assert_ret(unmap(0, N), SIZE - 15 * PAGE);
	expect_eq(dma_avail(rig->container), 3);
	expect_more(0);
}

static void example(void)
{
	run_example("granule");
}

/* --- Races ------------------------------------------------------------------------ */

static volatile bool racing;

struct lane {
	uint64_t first;
	long n;
};

/* Unmaps the pages of a lane, in between those of another, and maps them again. */
static void *take_parts(void *data)
{
	struct lane *lane = data;
	uint64_t i, iova;

	while (racing) {
		for (i = lane->first; i < N; i += 2) {
			iova = IOVA + i * PAGE;
			assert_ret(dma_unmap(rig->container, iova, PAGE), PAGE);
			assert_ret(dma_unmap(rig->container, iova, PAGE), 0);
		}
		for (i = lane->first; i < N; i += 2)
			assert_ret(dma_map_granule(rig->container,
						   memory + i * PAGE,
						   IOVA + i * PAGE, PAGE, PAGE),
				   0);
		lane->n++;
	}
	return NULL;
}

/* Unmaps all and maps all again, while other threads unmap parts. */
static void *take_all(void *data)
{
	long *n = data;
	int ret;

	while (racing) {
		ret = dma_map_granule(rig->container, memory, IOVA + GIB, SIZE,
				      PAGE);
		assert_ret(ret, 0);
		assert_ret(dma_unmap(rig->container, IOVA + GIB + PAGE, PAGE),
			   PAGE);
		assert_ret(dma_unmap(rig->container, IOVA + GIB, SIZE),
			   SIZE - PAGE);
		++*n;
	}
	return NULL;
}

static void parts_at_the_same_time(void)
{
	struct lane lanes[2] = { { .first = 0 }, { .first = 1 } };
	pthread_t threads[3];
	unsigned int i;
	long all = 0;

	rig_with_granules(PAGE);
	racing = true;
	for (i = 0; i < 2; i++)
		assert_eq(pthread_create(&threads[i], NULL, take_parts,
					 &lanes[i]), 0);
	assert_eq(pthread_create(&threads[2], NULL, take_all, &all), 0);
	sys_race(sys_race_ms(), &lanes[0].n);
	sys_race(0, &lanes[1].n);
	sys_race(0, &all);
	racing = false;
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	test_say("%ld and %ld rounds, %ld of all", lanes[0].n, lanes[1].n, all);
	dma_check_pages(rig, 0, IOVA, memory, N);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_more(0);
}

static const struct test tests[] = {
	TEST(extension),
	TEST(bad_arguments),
	TEST(not_in_v1),
	TEST(any_order),
	TEST(parts_of_all_sizes),
	TEST(only_at_granules),
	TEST(range_over_several),
	TEST(leaves_stay_within),
	TEST_LONG(pages_of_a_gib, 240),
	TEST(parts_are_counted),
	TEST(example),
	TEST(parts_at_the_same_time),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
