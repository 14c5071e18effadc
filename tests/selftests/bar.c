// SPDX-License-Identifier: GPL-2.0
/* Regions of devices, as targets of another device's DMA. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

static struct rig *rig;
static struct bar bar;
static int bar_group;

/* A rig, and the device with the big region in the same container. */
static void rig_with_bar(void)
{
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	bar_group = vfio_bar_group_open();
	assert_ret(vfio_group_join(bar_group, rig->container), 0);
	vfio_bar_open(&bar, bar_group);
	assert_ge(bar.size, 4 * MIB);
}

static void *map_bar(size_t offset, size_t size)
{
	return vfio_region_map(&bar.dev, bar.region, NULL, offset, size);
}

static void check_copy(uint64_t to, void *to_vaddr, uint64_t from,
		       void *from_vaddr)
{
	dma_check_copy(&rig->devices[0], to, to_vaddr, from, from_vaddr,
		       DMA_MAX);
}

/* Device to device both ways, nothing charged, and it ends with unmap. */
static void peer_to_peer(void)
{
	char *memory = mem_anon(2 * PAGE), *region;
	long pins, vmlck;

	rig_with_bar();
	assert_ret(dma_map(rig->container, memory, IOVA, 2 * PAGE, RW), 0);
	pins = sys_pins();
	vmlck = sys_vmlck();
	region = map_bar(0, 4 * MIB);
	assert_ret(dma_map(rig->container, region, IOVA + GIB, 4 * MIB, RW), 0);
	expect_eq(sys_vmlck(), vmlck);
	expect_eq(sys_pins(), pins);

	check_copy(IOVA + GIB, region, IOVA, memory);
	check_copy(IOVA + GIB + 4 * MIB - PAGE, region + 4 * MIB - PAGE,
		   IOVA + PAGE, memory + PAGE);
	check_copy(IOVA, memory, IOVA + GIB + 2 * MIB, region + 2 * MIB);

	assert_ret(dma_unmap(rig->container, IOVA + GIB, 4 * MIB), 4 * MIB);
	expect_eq(sys_vmlck(), vmlck);
	dma_check_refused(rig, 0, IOVA + GIB, region);
}

/* Neither end aligned, and IOVAs that are congruent or are not. */
static void parts_and_misaligned(void)
{
	static const struct {
		size_t offset, size;
		uint64_t iova;
	} parts[] = {
		{ 0, PAGE, GIB },
		{ 3 * PAGE, 5 * PAGE, GIB + 3 * PAGE },
		{ 3 * PAGE, 5 * PAGE, GIB + 7 * PAGE },
		{ PAGE, 4 * MIB - 2 * PAGE, GIB + PAGE },
		{ PAGE, 4 * MIB - 2 * PAGE, GIB },
		{ MIB, 2 * MIB + 17 * PAGE, GIB + MIB },
	};
	char *memory = mem_anon(PAGE), *region;
	size_t i;

	rig_with_bar();
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t size = parts[i].size;
		uint64_t iova = IOVA + parts[i].iova;

		region = map_bar(parts[i].offset, size);
		assert_ret(dma_map(rig->container, region, iova, size, RW), 0);
		check_copy(iova + size - PAGE, region + size - PAGE, IOVA,
			   memory);
		if (sys_is_uml())
			check_copy(iova, region, IOVA, memory);
		assert_ret(dma_unmap(rig->container, iova, size), size);
		munmap(region, size);
	}
}

/* Pages that nobody has touched yet are faulted in by the map. */
static void region_faulted_in(void)
{
	char *memory = mem_anon(PAGE), *region;

	rig_with_bar();
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
	/* In vfio-pci every region is; the mock has another one for it. */
	region = vfio_region_map(&bar.dev, sys_is_uml() ? 2 : bar.region, NULL,
				 0, 4 * MIB);
	assert_ret(dma_map(rig->container, region, IOVA + GIB, 4 * MIB, RW), 0);
	check_copy(IOVA + GIB + MIB, region + MIB, IOVA, memory);
	check_copy(IOVA + GIB + 3 * MIB, region + 3 * MIB, IOVA, memory);
	assert_ret(dma_unmap(rig->container, IOVA + GIB, 4 * MIB), 4 * MIB);
}

/* RAM, region, RAM in one map: only the RAM is charged. */
static void between_memory(void)
{
	const size_t before = 5 * PAGE, size = MIB, after = 7 * PAGE;
	const size_t total = before + size + after;
	char *vaddr = mem_anon_aligned(total, MIB);
	long vmlck;

	rig_with_bar();
	mem_fill_pages(vaddr, total / PAGE);
	vfio_region_map(&bar.dev, bar.region, vaddr + before, MIB, size);
	vmlck = sys_vmlck();
	assert_ret(dma_map(rig->container, vaddr, IOVA, total, RW), 0);
	expect_eq(sys_vmlck(), vmlck + (long)(before + after) / 1024);
	check_copy(IOVA + before, vaddr + before, IOVA + before - PAGE,
		   vaddr + before - PAGE);
	check_copy(IOVA + before + size, vaddr + before + size,
		   IOVA + before + size - PAGE, vaddr + before + size - PAGE);
	assert_ret(dma_unmap(rig->container, IOVA, total), total);
	expect_eq(sys_vmlck(), vmlck);
}

/* The map fails behind the region: nothing of it may stay. */
static void between_memory_and_nothing(void)
{
	const size_t size = MIB;
	char *vaddr = mem_anon_aligned(size + 2 * PAGE, MIB);
	long vmlck, pins;

	rig_with_bar();
	mem_fill_pages(vaddr, 1);
	vfio_region_map(&bar.dev, bar.region, vaddr + PAGE, 0, size);
	mprotect(vaddr + PAGE + size, PAGE, PROT_NONE);
	vmlck = sys_vmlck();
	pins = sys_pins();
	expect_ret(dma_map(rig->container, vaddr, IOVA, size + 2 * PAGE, RW),
		   -EFAULT);
	expect_eq(sys_vmlck(), vmlck);
	sys_settle_pins(pins);
	dma_check_refused(rig, 0, IOVA + PAGE, vaddr + PAGE);
}

static void limit_does_not_count(void)
{
	struct rlimit none = { 0, 0 };
	void *region;

	rig_with_bar();
	assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	region = map_bar(0, MIB);
	assert_ret(dma_map(rig->container, region, IOVA, MIB, RW), 0);
	expect_eq(sys_vmlck(), 4);
	assert_ret(dma_unmap(rig->container, IOVA, MIB), MIB);
}

static void device_may_only_read_it(void)
{
	char *memory = mem_anon(PAGE), *region;

	rig_with_bar();
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
	region = map_bar(0, 2 * PAGE);
	assert_ret(dma_map(rig->container, region, IOVA + GIB, 2 * PAGE, RO),
		   0);
	check_copy(IOVA, memory, IOVA + GIB + PAGE, region + PAGE);
	dma_check_no_write(rig, 0, IOVA + GIB, region);
	assert_ret(dma_unmap(rig->container, IOVA + GIB, 2 * PAGE), 2 * PAGE);
}

/* The region in a second domain, which is filled from the first. */
static void region_in_second_domain(void)
{
	char *region;

	rig_with_bar();
	region = map_bar(0, 4 * MIB);
	assert_ret(dma_map(rig->container, region, IOVA + GIB, 4 * MIB, RW), 0);
	rig_add_mock(rig, 2);
	dma_check_pages(rig, 1, IOVA + GIB, region, 4 * MIB / PAGE);
	assert_ret(dma_unmap(rig->container, IOVA + GIB, 4 * MIB), 4 * MIB);
	dma_check_refused(rig, 1, IOVA + GIB, region);
}

/* The view goes first, then the mapping. */
static void region_unmapped_first(void)
{
	char *region;

	rig_with_bar();
	region = map_bar(0, MIB);
	assert_ret(dma_map(rig->container, region, IOVA + GIB, MIB, RW), 0);
	munmap(region, MIB);
	assert_ret(dma_unmap(rig->container, IOVA + GIB, MIB), MIB);
}

static const struct test tests[] = {
	TEST(peer_to_peer),
	TEST(parts_and_misaligned),
	TEST(region_faulted_in),
	TEST(between_memory),
	TEST(between_memory_and_nothing),
	TEST(limit_does_not_count),
	TEST(device_may_only_read_it),
	TEST(region_in_second_domain),
	TEST(region_unmapped_first),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
