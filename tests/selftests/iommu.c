// SPDX-License-Identifier: GPL-2.0
/*
 * How the driver uses the IOMMU, seen from the other side: only the mock can
 * tell. In QEMU all of this is skipped.
 */
#include <errno.h>
#include <sys/mman.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define SCATTERED	1537
#define MAX_RUNS	512	/* unmapped between two flushes, at most */

/* In scattered memory some runs have two pages by chance. */
#define MAX_LEAVES	(MAX_RUNS + MAX_RUNS / 8)

/* A region of the mock: RAM, physically contiguous. */
#define REGION_MEMORY	3
#define REGION_SIZE	(4 * MIB)

static struct rig *rig;

static void rig_of_mock(void)
{
	if (!sys_is_uml())
		test_skip("needs a mock IOMMU");
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
}

static void *map_region(unsigned int region)
{
	void *vaddr = mem_anon_aligned(REGION_SIZE, HUGE_2M);

	return vfio_region_map(&rig->devices[0], region, vaddr, 0, REGION_SIZE);
}

static void *contiguous(void)
{
	return map_region(REGION_MEMORY);
}

/* The mock's own alarm must work, or none of these tests means anything. */
static void violations_are_noticed(void)
{
	if (!sys_is_uml())
		test_skip("needs a mock IOMMU");
	expect_eq(sys_mock_get("provoke"), 2);
}

static void scattered_memory_is_scattered(void)
{
	void *memory = mem_scattered(SCATTERED);
	long mapped, calls;

	rig_of_mock();
	calls = sys_mock_get("map_calls");
	mapped = sys_mock_get("mapped_4k");
	assert_ret(dma_map(rig->container, memory, IOVA, SCATTERED * PAGE, RW),
		   0);
	expect_eq(sys_mock_get("mapped_4k") - mapped, SCATTERED);
	expect_ge(sys_mock_get("map_calls") - calls, SCATTERED * 9 / 10);
	expect_le(sys_mock_get("map_calls") - calls, SCATTERED);
	dma_check_pages(rig, 0, IOVA, memory, SCATTERED);
}

/**
 * struct region - a contiguous region of the mock
 * @variant: name
 * @nr: which one
 * @npages: pages that are charged
 */
struct region {
	const char *variant;
	unsigned int nr;
	long npages;
};

static const struct region regions[] = {
	{ "memory", REGION_MEMORY, REGION_SIZE / PAGE },
	{ "bar", 1, 0 },
	{ "bar_faulted_in", 2, 0 },
};

/* Though memory is pinned in many batches, and a BAR found page by page. */
static void one_call_for_a_run(const void *variant)
{
	const struct region *region = variant;
	long calls, mapped;
	void *memory;

	rig_of_mock();
	memory = map_region(region->nr);
	calls = sys_mock_get("map_calls");
	mapped = sys_mock_get("mapped_2m");
	assert_ret(dma_map(rig->container, memory, IOVA, REGION_SIZE, RW), 0);
	expect_eq(sys_mock_get("map_calls") - calls, 1);
	expect_eq(sys_mock_get("mapped_2m") - mapped, 2);
	expect_eq(sys_vmlck(), PAGE_KB + region->npages * PAGE_KB);
	dma_check_pages(rig, 0, IOVA, memory, REGION_SIZE / PAGE);
	assert_ret(dma_unmap(rig->container, IOVA, REGION_SIZE), REGION_SIZE);
}

/* Large leaves are used where the addresses allow, and found again. */
static void one_call_for_a_run_misaligned(void)
{
	long small, large;
	void *memory;

	rig_of_mock();
	memory = contiguous();
	small = sys_mock_get("mapped_4k");
	large = sys_mock_get("mapped_2m");
	assert_ret(dma_map(rig->container, memory + PAGE, IOVA + PAGE,
			   REGION_SIZE - 2 * PAGE, RW), 0);
	expect_eq(sys_mock_get("mapped_2m") - large, 0);
	expect_eq(sys_mock_get("mapped_4k") - small, REGION_SIZE / PAGE - 2);
	assert_ret(dma_unmap(rig->container, IOVA, GIB),
		   REGION_SIZE - 2 * PAGE);

	small = sys_mock_get("mapped_4k");
	assert_ret(dma_map(rig->container, memory + PAGE, IOVA + PAGE,
			   REGION_SIZE - PAGE, RW), 0);
	expect_eq(sys_mock_get("mapped_2m") - large, 1);
	expect_eq(sys_mock_get("mapped_4k") - small, HUGE_2M / PAGE - 1);
	dma_check_pages(rig, 0, IOVA + PAGE, memory + PAGE,
			REGION_SIZE / PAGE - 1);
	assert_ret(dma_unmap(rig->container, IOVA, GIB), REGION_SIZE - PAGE);
}

static void disable_hugepages(void)
{
	long small, large;
	void *memory;
	char before[8];

	rig_of_mock();
	memory = contiguous();
	sys_param_get("disable_hugepages", before, sizeof(before));
	sys_param_set("disable_hugepages", "Y");
	small = sys_mock_get("mapped_4k");
	large = sys_mock_get("mapped_2m");
	assert_ret(dma_map(rig->container, memory, IOVA, REGION_SIZE, RW), 0);
	sys_param_set("disable_hugepages", before);
	expect_eq(sys_mock_get("mapped_2m") - large, 0);
	expect_eq(sys_mock_get("mapped_4k") - small, REGION_SIZE / PAGE);
	dma_check_pages(rig, 0, IOVA, memory, REGION_SIZE / PAGE);

	/* Toggled back while this is mapped: the two do not mix. */
	assert_ret(dma_unmap(rig->container, IOVA, REGION_SIZE), REGION_SIZE);
	assert_ret(dma_map(rig->container, memory, IOVA, REGION_SIZE, RW), 0);
	expect_eq(sys_mock_get("mapped_2m") - large, 2);
	assert_ret(dma_unmap(rig->container, IOVA, REGION_SIZE), REGION_SIZE);
}

static void few_unmaps_between_flushes(void)
{
	void *memory = mem_scattered(SCATTERED);
	long syncs;

	rig_of_mock();
	assert_ret(dma_map(rig->container, memory, IOVA, SCATTERED * PAGE, RW),
		   0);
	sys_mock_set("max_unmaps_between_syncs", 0);
	sys_mock_set("max_stale", 0);
	syncs = sys_mock_get("syncs");
	assert_ret(dma_unmap(rig->container, IOVA, SCATTERED * PAGE),
		   SCATTERED * PAGE);
	expect_le(sys_mock_get("max_unmaps_between_syncs"), MAX_RUNS);
	expect_le(sys_mock_get("max_stale"), MAX_LEAVES);
	/* And not one flush for each page either. */
	expect_le(sys_mock_get("syncs") - syncs, SCATTERED / 100);
}

/* Many small mappings in one unmap obey the same bound. */
static void few_unmaps_between_flushes_of_entries(void)
{
	char *memory = mem_anon(PAGE);
	long i;

	rig_of_mock();
	for (i = 0; i < SCATTERED; i++)
		assert_ret(dma_map(rig->container, memory, IOVA + 2 * i * PAGE,
				   PAGE, RW), 0);
	sys_mock_set("max_unmaps_between_syncs", 0);
	sys_mock_set("max_stale", 0);
	assert_ret(dma_unmap(rig->container, IOVA, 2 * SCATTERED * PAGE),
		   SCATTERED * PAGE);
	expect_le(sys_mock_get("max_unmaps_between_syncs"), MAX_RUNS);
	expect_le(sys_mock_get("max_stale"), MAX_LEAVES);
}

/* What was pinned is remembered, so the IOMMU need not be asked. */
static void iova_to_phys_is_not_needed(void)
{
	void *memory = mem_scattered(700);
	long calls;

	rig_of_mock();
	if (!sys_is_type1x())
		test_skip("%s asks the IOMMU", sys_driver());
	calls = sys_mock_get("iova_to_phys_calls");
	assert_ret(dma_map(rig->container, memory, IOVA, 700 * PAGE, RW), 0);
	rig_add_mock(rig, 2);
	dma_check_pages(rig, 1, IOVA, memory, 700);
	assert_ret(dma_unmap(rig->container, IOVA, 700 * PAGE), 700 * PAGE);
	expect_eq(sys_mock_get("iova_to_phys_calls") - calls, 0);
}

/**
 * struct failing - a map of which a call of the IOMMU fails
 * @variant: name
 * @npages: scattered pages, or 0 for a region
 * @step: one in so many calls is tried
 * @second: in two domains
 */
struct failing {
	const char *variant;
	size_t npages;
	int step;
	bool second;
};

static const struct failing failing[] = {
	{ "scattered", 30, 1, false },
	{ "contiguous", 0, 1, false },
	{ "later_batch", 1100, 101, false },
	{ "scattered_in_either_domain", 20, 1, true },
	{ "contiguous_in_either_domain", 0, 1, true },
};

/* Nothing may ever stay. */
static void map_fails_at_each_step(const void *variant)
{
	const struct failing *map = variant;
	long pins, leaves, vmlck, n;
	size_t size = REGION_SIZE;
	void *memory;
	int ret;

	rig_of_mock();
	if (map->second)
		rig_add_mock(rig, 2);
	if (map->npages)
		size = map->npages * PAGE;
	memory = map->npages ? mem_scattered(map->npages) : contiguous();
	pins = sys_pins();
	leaves = sys_mock_get("leaves");
	vmlck = sys_vmlck();
	for (n = 1; n < 10000; n += map->step) {
		sys_mock_set("fail_map_in", n);
		ret = dma_map(rig->container, memory, IOVA, size, RW);
		if (!ret)
			break;
		expect_ret(ret, -ENOMEM);
		assert_eq(sys_vmlck(), vmlck);
		assert_eq(sys_mock_get("leaves"), leaves);
		assert_eq(sys_mock_get("stale"), 0);
		assert_eq(sys_pins(), pins);
		assert_ret(dma_unmap(rig->container, IOVA, size), 0);
	}
	sys_mock_set("fail_map_in", 0);
	test_say("%ld calls failed", (n - 1) / map->step);
	expect_ge(n, map->step + 1);
	assert_ret(ret, 0);
	assert_ret(dma_unmap(rig->container, IOVA, size), size);
}

/* If the IOMMU unmaps less than it was asked to, the rest is unmapped by another call. */
static void unmap_falls_short(void)
{
	void *memory = mem_scattered(20);
	long errors;
	int n;

	rig_of_mock();
	if (!sys_is_type1x())
		test_skip("%s does not look", sys_driver());
	for (n = 1; n < 4; n++) {
		errors = sys_stat_get("unmap_errors");
		assert_ret(dma_map(rig->container, memory, IOVA, 20 * PAGE,
				   RW), 0);
		sys_mock_set("short_unmap_in", n);
		assert_ret(dma_unmap(rig->container, IOVA, 20 * PAGE),
			   20 * PAGE);
		/* Later ones only if the driver asks in several calls. */
		if (n == 1)
			expect_ge(sys_stat_get("unmap_errors"), errors + 1);
		sys_mock_set("short_unmap_in", 0);
		dma_check_refused(rig, 0, IOVA, memory);
		expect_eq(sys_mock_get("leaves"), 1);
		expect_eq(sys_vmlck(), PAGE_KB);
	}
}

#define FOREVER 1000000

/*
 * An IOMMU that keeps a page: as devices can still reach it, it stays pinned
 * and charged, and the mapping stays with it.
 */
static void unmap_is_refused(void)
{
	void *memory = mem_scattered(20);
	long vmlck, pins;

	rig_of_mock();
	if (!sys_is_type1x())
		test_skip("%s does not look", sys_driver());
	assert_ret(dma_map(rig->container, memory, IOVA, 20 * PAGE, RW), 0);
	vmlck = sys_vmlck();
	pins = sys_pins();
	sys_mock_set("refuse_unmaps", FOREVER);
	expect_ret(dma_unmap(rig->container, IOVA, 20 * PAGE), -EIO);
	expect_eq(sys_vmlck(), vmlck);
	expect_eq(sys_pins(), pins);
	dma_check_pages(rig, 0, IOVA, memory, 20);
	expect_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), -EEXIST);

	sys_mock_set("refuse_unmaps", 0);
	assert_ret(dma_unmap(rig->container, IOVA, 20 * PAGE), 20 * PAGE);
	dma_check_refused(rig, 0, IOVA, memory);
	expect_eq(sys_vmlck(), PAGE_KB);
}

/* With the domain itself the last leaf goes, so then it is safe to unpin. */
static void unmap_is_refused_until_the_end(void)
{
	void *memory = mem_scattered(20);
	long pins = sys_pins();

	rig_of_mock();
	if (!sys_is_type1x())
		test_skip("%s does not look", sys_driver());
	assert_ret(dma_map(rig->container, memory, IOVA, 20 * PAGE, RW), 0);
	sys_mock_set("refuse_unmaps", FOREVER);
	rig_close(rig);
	sys_mock_set("refuse_unmaps", 0);
	sys_settle_pins(pins);
	expect_eq(sys_vmlck(), 0);
	expect_eq(sys_mock_get("domains"), 0);
}

static void devices_leave_nothing_mapped(void)
{
	void *memory = mem_scattered(600);
	long before;

	rig_of_mock();
	before = sys_mock_get("dma_stale");
	assert_ret(dma_map(rig->container, memory, IOVA, 600 * PAGE, RW), 0);
	assert_ret(dma_unmap(rig->container, IOVA, 600 * PAGE), 600 * PAGE);
	/* After unmap has returned nothing is stale any more. */
	expect_eq(sys_mock_get("stale"), 0);
	expect_eq(sys_mock_get("leaves"), 1);
	dma_check_refused(rig, 0, IOVA, memory);
	expect_eq(sys_mock_get("dma_stale"), before);
	rig_close(rig);
	expect_eq(sys_mock_get("leaves"), 0);
	expect_eq(sys_mock_get("domains"), 0);
}

static const struct test tests[] = {
	TEST(violations_are_noticed),
	TEST(scattered_memory_is_scattered),
	TEST_VARIANTS(one_call_for_a_run, regions),
	TEST(one_call_for_a_run_misaligned),
	TEST(disable_hugepages),
	TEST(few_unmaps_between_flushes),
	TEST(few_unmaps_between_flushes_of_entries),
	TEST(iova_to_phys_is_not_needed),
	TEST_VARIANTS(map_fails_at_each_step, failing),
	TEST(unmap_falls_short),
	TEST(unmap_is_refused),
	TEST(unmap_is_refused_until_the_end),
	TEST(devices_leave_nothing_mapped),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
