// SPDX-License-Identifier: GPL-2.0
/* A page of 1 GiB, and parts of it. */
#include <linux/memfd.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/dirty.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"
#include "lib/watch.h"

/* A multiple of the page, that no reserved range is near to. */
#define AT	(4 * GIB)

/* Its page is cleared once, which takes QEMU seconds, and not for each test. */
static int file;
static struct rig *rig;
static char *memory;
static long vmlck, pins;

static void rig_with_page(void)
{
	if (file < 0)
		test_skip("no such hugetlb pages in this kernel");
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_file(file, GIB, PROT_READ | PROT_WRITE, MAP_SHARED);
	vmlck = sys_vmlck();
	pins = sys_pins();
}

static void expect_charged(size_t size)
{
	expect_eq(sys_vmlck(), vmlck + (long)(size >> 10));
}

/* The first page of @size, one in the middle, and the last. */
static void check(int nr, size_t from, size_t size)
{
	dma_check_pages(rig, nr, AT + from, memory + from, 1);
	dma_check_pages(rig, nr, AT + from + size / 2, memory + from + size / 2, 1);
	dma_check_pages(rig, nr, AT + from + size - PAGE, memory + from + size - PAGE, 1);
}

static void check_refused(size_t from, size_t size)
{
	dma_check_refused(rig, 0, AT + from, memory + from);
	dma_check_refused(rig, 0, AT + from + size - PAGE, memory + from + size - PAGE);
}

static void unmap(size_t from, size_t size)
{
	assert_ret(dma_unmap(rig->container, AT + from, size), size);
	check_refused(from, size);
}

static void expect_nothing(void)
{
	expect_eq(sys_vmlck(), vmlck);
	sys_settle_pins(pins);
}

static void mapped_in_one_call(void)
{
	rig_with_page();
	watch_event("iommu/map", "size == 0x40000000");
	assert_ret(dma_map(rig->container, memory, AT, GIB, RW), 0);
	expect_eq(watch_end(), 1);
	expect_charged(GIB);
	check(0, 0, GIB);
	unmap(0, GIB);
	expect_nothing();
}

static void registered_once_mapped_twice(void)
{
	if (!sys_is_type1x())
		test_skip("not on %s", sys_driver());
	rig_with_page();
	assert_ret(dma_register(rig->container, memory, GIB, VFIO_TYPE1X_MEMORY_WRITE), 0);
	expect_charged(GIB);
	assert_ret(dma_map(rig->container, memory, AT, GIB, RW), 0);
	assert_ret(dma_map(rig->container, memory + HUGE_2M, AT + 2 * GIB, HUGE_2M, RW), 0);
	expect_charged(GIB);
	check(0, 0, GIB);
	unmap(0, GIB);
	dma_check_pages(rig, 0, AT + 2 * GIB, memory + HUGE_2M, 1);
	assert_ret(dma_unmap(rig->container, AT + 2 * GIB, HUGE_2M), HUGE_2M);
	assert_ret(dma_unregister(rig->container, memory, GIB), 0);
	expect_nothing();
}

/* Where memory and IOVA are not aligned alike there are smaller leaves, all in place. */
static void out_of_step(void)
{
	const size_t size = GIB - HUGE_2M;

	rig_with_page();
	memory += HUGE_2M;
	assert_ret(dma_map(rig->container, memory, AT, size, RW), 0);
	expect_charged(size);
	check(0, 0, size);
	dma_check_refused(rig, 0, AT + size, memory + size - PAGE);
	unmap(0, size);
	expect_nothing();
}

/* Each half by itself: what goes with one is none of the other's. */
static void two_halves(void)
{
	rig_with_page();
	assert_ret(dma_map(rig->container, memory, AT, GIB / 2, RW), 0);
	assert_ret(dma_map(rig->container, memory + GIB / 2, AT + GIB / 2, GIB / 2, RW), 0);
	expect_charged(GIB);
	unmap(0, GIB / 2);
	check(0, GIB / 2, GIB / 2);
	expect_charged(GIB / 2);
	unmap(GIB / 2, GIB / 2);
	expect_nothing();
}

static void granules_within(void)
{
	const size_t hole = 100 * HUGE_2M;

	if (!sys_is_type1x())
		test_skip("not on %s", sys_driver());
	rig_with_page();
	assert_ret(dma_map_granule(rig->container, memory, AT, GIB, HUGE_2M), 0);
	unmap(hole, HUGE_2M);
	check(0, 0, hole);
	check(0, hole + HUGE_2M, GIB - hole - HUGE_2M);
	expect_charged(GIB - HUGE_2M);
	assert_ret(dma_unmap(rig->container, AT, GIB), GIB - HUGE_2M);
	check_refused(0, GIB);
	expect_nothing();
}

static void all_of_it_is_dirty(void)
{
	const size_t bytes = GIB / PAGE / 8;
	uint64_t *words;
	size_t i;

	rig_with_page();
	words = mem_anon(bytes);
	assert_ret(dirty_flags(rig->container, START), 0);
	assert_ret(dma_map(rig->container, memory, AT, GIB, RW), 0);
	assert_ret(dirty_get(rig->container, AT, GIB, words, bytes), 0);
	for (i = 0; i < bytes / 8; i++)
		assert_eq(words[i], ~0ULL);
	unmap(0, GIB);
	expect_nothing();
}

static const struct test tests[] = {
	TEST_LONG(mapped_in_one_call, 240),
	TEST(registered_once_mapped_twice),
	TEST(out_of_step),
	TEST(two_halves),
	TEST(granules_within),
	TEST(all_of_it_is_dirty),
};

int main(void)
{
	file = memfd_create("t1x", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_1GB);
	if (file >= 0 && ftruncate(file, GIB))
		return 1;
	return test_main(tests, ARRAY_SIZE(tests));
}
