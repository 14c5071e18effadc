// SPDX-License-Identifier: GPL-2.0
/* Every allocation that mapping by granules and splitting make fails once. */
#include <sys/mman.h>

#include "lib/counted.h"
#include "lib/dirty.h"
#include "lib/fault.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/*
 * How many fail varies: what the slab allocator has left over from the time before
 * decides whether it asks for a page, and so which allocation is the nth.
 */
static void begin(void)
{
	fault_init();
	rig_of(VFIO_TYPE1v2_IOMMU);
}

/* Nothing more is pinned, charged and in the IOMMU. */
static void assert_nothing(long leaves)
{
	assert_eq(sys_vmlck(), vmlck);
	assert_eq(sys_pins(), pins);
	assert_eq(sys_mock_get("leaves"), leaves);
}

/* Without memory for its runs a mapping by granules fails: it is never untracked. */
static void map_granules_or_nothing(void)
{
	long leaves;
	struct fault_sweep sweep = {};
	int ret;

	begin();
	leaves = sys_mock_get("leaves");
	while (fault_sweep_next(&sweep)) {
		ret = fault_try(&sweep, dma_map_granule(rig->container, memory, IOVA,
							N * PAGE, PAGE));
		if (!ret) {
			assert_ret(dma_unmap(rig->container, IOVA + PAGE, PAGE),
				   PAGE);
			assert_ret(fault_in(sweep.n, dma_unmap(rig->container, IOVA,
							       N * PAGE)),
				   (N - 1) * PAGE);
		}
		assert_nothing(leaves);
	}
	fault_sweep_end(&sweep, 3);
}

/* A range inside a mapping splits it twice, or not at all if memory fails. */
static void unmap_of_a_part_or_nothing(void)
{
	const uint64_t iova = IOVA + 150 * PAGE, size = 300 * PAGE;
	uint64_t words[8];
	struct fault_sweep sweep = {};
	uint32_t avail;
	int64_t ret;

	begin();
	assert_ret(dirty_flags(rig->container, START), 0);
	while (fault_sweep_next(&sweep)) {
		assert_ret(dma_map_granule(rig->container, memory, IOVA,
					   N * PAGE, PAGE), 0);
		count();
		avail = dma_avail(rig->container);
		ret = fault_try(&sweep, dirty_unmap(rig->container, iova, size, words,
						    sizeof(words)));
		if (ret < 0) {
			expect_more(0);
			assert_eq(dma_avail(rig->container), avail);
			dma_check_pages(rig, 0, iova, memory + 150 * PAGE, 1);
		} else {
			assert_ret(ret, (int64_t)size);
			expect_more(-300);
			dma_check_refused(rig, 0, iova, memory + 150 * PAGE);
		}
		dma_check_pages(rig, 0, IOVA, memory, 1);
		dma_check_pages(rig, 0, IOVA + (N - 1) * PAGE,
				memory + (N - 1) * PAGE, 1);
		assert_ret(dma_unmap(rig->container, IOVA, N * PAGE),
			   (int64_t)(N * PAGE - (ret < 0 ? 0 : size)));
	}
	fault_sweep_end(&sweep, 2);
}

/* A part of a region that is watched has to be watched by itself. */
static void unmap_of_a_watched_part_or_nothing(void)
{
	long revoked;
	struct fault_sweep sweep = {};
	struct bar bar;
	int64_t ret;
	char *view;
	int group;

	begin();
	group = vfio_bar_group_open();
	assert_ret(vfio_group_join(group, rig->container), 0);
	vfio_bar_open(&bar, group);
	while (fault_sweep_next(&sweep)) {
		view = vfio_region_map(&bar.dev, bar.region, NULL, 0, MIB);
		sys_param_set("revoke_mmio", "Y");
		assert_ret(dma_map_granule(rig->container, view, IOVA, MIB,
					   PAGE), 0);
		sys_param_set("revoke_mmio", "N");
		ret = fault_try(&sweep, dma_unmap(rig->container, IOVA + 100 * PAGE, 10 * PAGE));
		if (ret >= 0)
			assert_ret(ret, 10 * (int64_t)PAGE);
		revoked = sys_stat_get("runs_revoked");
		munmap(view, MIB);
		assert_eq(sys_stat_get("runs_revoked"),
			  revoked + (ret < 0 ? 1 : 2));
		assert_ret(dma_unmap(rig->container, IOVA, MIB),
			   (int64_t)MIB - (ret < 0 ? 0 : ret));
	}
	fault_sweep_end(&sweep, 2);
	expect_more(0);
}

static const struct test tests[] = {
	TEST_LONG(map_granules_or_nothing, 240),
	TEST_LONG(unmap_of_a_part_or_nothing, 240),
	TEST_LONG(unmap_of_a_watched_part_or_nothing, 240),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
