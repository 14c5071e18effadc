// SPDX-License-Identifier: GPL-2.0
/* Granules and huge pages: parts of them, and blocks as large as they are. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/counted.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* What virtio-mem plugs and unplugs. */
#define BLOCKS		24UL
#define BLOCK		HUGE_2M

/* Which blocks are still mapped. */
static bool mapped[BLOCKS];

/* Each small page of a huge one can go by itself, and the rest stays pinned. */
static void huge_pages(void)
{
	char *huge;

	rig_of(VFIO_TYPE1v2_IOMMU);
	huge = mem_hugetlb(2 * HUGE_2M);
	mem_fill_pages(huge, 2 * HUGE_2M / PAGE);
	assert_ret(dma_map_granule(rig->container, huge, IOVA, 2 * HUGE_2M,
				   PAGE), 0);
	assert_ret(dma_unmap(rig->container, IOVA + PAGE, HUGE_2M), HUGE_2M);
	dma_check_pages(rig, 0, IOVA, huge, 1);
	dma_check_refused(rig, 0, IOVA + PAGE, huge + PAGE);
	dma_check_pages(rig, 0, IOVA + HUGE_2M + PAGE, huge + HUGE_2M + PAGE,
			4);
	expect_eq(sys_vmlck(), vmlck + (long)(HUGE_2M >> 10));
	assert_ret(dma_unmap(rig->container, IOVA, 2 * HUGE_2M), HUGE_2M);

	/* One pin for each where no split can come between its pages. */
	assert_ret(dma_map_granule(rig->container, huge, IOVA, 2 * HUGE_2M,
				   HUGE_2M), 0);
	assert_ret(dma_unmap(rig->container, IOVA, HUGE_2M), HUGE_2M);
	dma_check_pages(rig, 0, IOVA + HUGE_2M, huge + HUGE_2M, 4);
	assert_ret(dma_unmap(rig->container, IOVA, GIB), HUGE_2M);
	expect_eq(sys_vmlck(), vmlck);

	/* Here a granule ends in the middle of each huge page. */
	assert_ret(dma_map_granule(rig->container, huge + MIB, IOVA, HUGE_2M,
				   HUGE_2M), 0);
	assert_ret(dma_map_granule(rig->container, huge + PAGE, IOVA + HUGE_2M,
				   MIB, 16 * PAGE), 0);
	assert_ret(dma_unmap(rig->container, IOVA + HUGE_2M, 16 * PAGE),
		   16 * PAGE);
	dma_check_pages(rig, 0, IOVA, huge + MIB, 4);
	assert_ret(dma_unmap(rig->container, IOVA, GIB),
		   HUGE_2M + MIB - 16 * PAGE);
	expect_more(0);
	munmap(huge, 2 * HUGE_2M);
}

static void check_block(uint64_t i)
{
	char *block = memory + i * BLOCK;
	uint64_t iova = IOVA + i * BLOCK, last = BLOCK - PAGE;

	if (mapped[i]) {
		dma_check_pages(rig, 0, iova, block, 1);
		dma_check_pages(rig, 0, iova + last, block + last, 1);
	} else {
		dma_check_refused(rig, 0, iova, block);
		dma_check_refused(rig, 0, iova + last, block + last);
	}
}

/* A block is charged by pages, and may be a huge page, of which one pin is enough. */
static void expect_blocks(long plugged)
{
	const long npages = plugged * (long)(BLOCK / PAGE);

	expect_eq(sys_vmlck(), vmlck + npages * (long)(PAGE >> 10));
	expect_ge(sys_pins(), pins + plugged);
	expect_le(sys_pins(), pins + npages);
}

/* A VMM maps its memory at once; its guest gives blocks back and takes them again. */
static void plug_and_unplug(void)
{
	/* A DMA takes QEMU's device 200 ms. */
	const unsigned int rounds = sys_is_uml() ? 160 : 4;
	uint64_t plugged = BLOCKS, i;
	unsigned int round;

	rig_of(VFIO_TYPE1v2_IOMMU);
	memory = mem_anon_aligned(BLOCKS * BLOCK, BLOCK);
	mem_fill_pages(memory, BLOCKS * BLOCK / PAGE);
	memset(mapped, true, BLOCKS);
	count();
	assert_ret(dma_map_granule(rig->container, memory, IOVA, BLOCKS * BLOCK,
				   BLOCK), 0);
	srand(11);
	for (round = 0; round < rounds; round++) {
		i = rand() % BLOCKS;
		if (mapped[i]) {
			assert_ret(dma_unmap(rig->container, IOVA + i * BLOCK,
					     BLOCK), BLOCK);
			assert_eq(madvise(memory + i * BLOCK, BLOCK,
					  MADV_DONTNEED), 0);
			plugged--;
		} else {
			mem_fill_pages(memory + i * BLOCK, BLOCK / PAGE);
			assert_ret(dma_map_granule(rig->container,
						   memory + i * BLOCK,
						   IOVA + i * BLOCK, BLOCK,
						   BLOCK), 0);
			plugged++;
		}
		mapped[i] = !mapped[i];
		expect_blocks(plugged);
		check_block(i);
		check_block((i + 1) % BLOCKS);
		check_block((i + BLOCKS - 1) % BLOCKS);
	}
	assert_ret(dma_unmap(rig->container, IOVA, BLOCKS * BLOCK),
		   plugged * BLOCK);
	expect_more(0);
}

static const struct test tests[] = {
	TEST(huge_pages),
	TEST(plug_and_unplug),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
