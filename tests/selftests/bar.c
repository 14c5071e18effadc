// SPDX-License-Identifier: GPL-2.0
/* Regions of devices, as targets of another device's DMA. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/bar.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"
#include "lib/watch.h"

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

/**
 * struct part - a part of the region that is mapped by itself
 * @variant: name
 * @offset: in the region
 * @size: in bytes
 * @iova: added to IOVA; congruent to @offset or not
 */
struct part {
	const char *variant;
	size_t offset;
	size_t size;
	uint64_t iova;
};

static const struct part parts[] = {
	{ "first_page", 0, PAGE, GIB },
	{ "few_pages", 3 * PAGE, 5 * PAGE, GIB + 3 * PAGE },
	{ "few_pages_elsewhere", 3 * PAGE, 5 * PAGE, GIB + 7 * PAGE },
	{ "all_but_the_ends", PAGE, 4 * MIB - 2 * PAGE, GIB + PAGE },
	{ "all_but_the_ends_elsewhere", PAGE, 4 * MIB - 2 * PAGE, GIB },
	{ "middle", MIB, 2 * MIB + 17 * PAGE, GIB + MIB },
};

static void part_of_a_region(const void *variant)
{
	const struct part *part = variant;
	const uint64_t iova = IOVA + part->iova;
	const size_t last = part->size - PAGE;
	char *memory = mem_anon(PAGE), *region;

	rig_with_bar();
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
	region = map_bar(part->offset, part->size);
	assert_ret(dma_map(rig->container, region, iova, part->size, RW), 0);
	check_copy(iova + last, region + last, IOVA, memory);
	check_copy(iova, region, IOVA, memory);
	assert_ret(dma_unmap(rig->container, iova, part->size), part->size);
}

/* Pages that were not touched yet are faulted in by the map. */
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
	expect_eq(sys_vmlck(), PAGE_KB);
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

/* A map at IOVA + GIB that fails and leaves nothing, as @eye sees. */
static void check_fails(const void *vaddr, size_t size, char *eye)
{
	long vmlck = sys_vmlck(), pins = sys_pins();

	expect_ret(dma_map(rig->container, vaddr, IOVA + GIB, size, RW),
		   -EFAULT);
	expect_eq(sys_vmlck(), vmlck);
	sys_settle_pins(pins);
	dma_check_refused(rig, 0, IOVA + GIB, eye);
	expect_ret(dma_unmap(rig->container, IOVA + GIB, size), 0);
}

static void view_ends_in_the_middle(void)
{
	char *view, *eye;

	rig_with_bar();
	eye = map_bar(0, PAGE);
	view = map_bar(0, 4 * MIB);
	munmap(view + MIB + 3 * PAGE, PAGE);
	check_fails(view, 4 * MIB, eye);
	munmap(view + MIB, 3 * MIB);
	check_fails(view, 4 * MIB, eye);
	assert_ret(dma_map(rig->container, view, IOVA + GIB, MIB, RW), 0);
	check_copy(IOVA + GIB, view, IOVA + GIB + MIB - PAGE,
		   view + MIB - PAGE);
}

/* The halves of the region the other way round, and with them its pages. */
static void views_side_by_side(void)
{
	char *views = mem_reserve(4 * MIB), *eye;

	rig_with_bar();
	eye = map_bar(0, 4 * MIB);
	vfio_region_map(&bar.dev, bar.region, views, 2 * MIB, 2 * MIB);
	vfio_region_map(&bar.dev, bar.region, views + 2 * MIB, 0, 2 * MIB);
	assert_ret(dma_map(rig->container, views, IOVA, 4 * MIB, RW), 0);
	check_copy(IOVA, eye + 2 * MIB, IOVA + 2 * MIB, eye);
	check_copy(IOVA + 4 * MIB - PAGE, eye + 2 * MIB - PAGE,
		   IOVA + 2 * MIB - PAGE, eye + 4 * MIB - PAGE);
	assert_ret(dma_unmap(rig->container, IOVA, 4 * MIB), 4 * MIB);
}

static void memory_decode_off(void)
{
	char *view;

	if (sys_is_uml())
		test_skip("needs a PCI device");
	rig_with_bar();
	view = map_bar(0, 4 * MIB);
	mem_fill_pages(view, 4 * MIB / PAGE);
	vfio_pci_command(&bar.dev, PCI_COMMAND_MEMORY, 0);
	watch_expect_reason(dma_map(rig->container, view, IOVA, 4 * MIB, RW), -EFAULT,
			    "vaddr %#lx: memory of a device that is not there",
			    (unsigned long)view);
	expect_ret(dma_unmap(rig->container, IOVA, 4 * MIB), 0);
	expect_eq(sys_vmlck(), PAGE_KB);

	vfio_pci_command(&bar.dev, 0, PCI_COMMAND_MEMORY);
	assert_ret(dma_map(rig->container, view, IOVA, 4 * MIB, RW), 0);
	check_copy(IOVA, view, IOVA + MIB, view + MIB);
	assert_ret(dma_unmap(rig->container, IOVA, 4 * MIB), 4 * MIB);
}

/* A device must not write where its user may not. */
static void read_only_view(void)
{
	char *memory = mem_anon(PAGE), *eye, *view;

	rig_with_bar();
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
	eye = map_bar(0, MIB);

	/* Never touched, then touched, then all but a page may be written. */
	view = map_bar(0, MIB);
	mprotect(view, MIB, PROT_READ);
	check_fails(view, MIB, eye);
	mem_fill_pages(eye, MIB / PAGE);
	assert_bytes(view + MIB - PAGE, eye + MIB - PAGE, 64);
	check_fails(view, MIB, eye);
	mprotect(view, 5 * PAGE, PROT_READ | PROT_WRITE);
	mprotect(view + 6 * PAGE, MIB - 6 * PAGE, PROT_READ | PROT_WRITE);
	check_fails(view, MIB, eye);

	assert_ret(dma_map(rig->container, view, IOVA + GIB, MIB, RO), 0);
	check_copy(IOVA, memory, IOVA + GIB + 5 * PAGE, eye + 5 * PAGE);
	dma_check_no_write(rig, 0, IOVA + GIB, eye);
	dma_check_no_write(rig, 0, IOVA + GIB + 5 * PAGE, eye + 5 * PAGE);
	assert_ret(dma_unmap(rig->container, IOVA + GIB, MIB), MIB);
}

/*
 * What the process may not even read is there all the same, as in-tree, with page
 * frames that x86 keeps inverted.
 */
static void view_without_access(void)
{
	char *memory = mem_anon(PAGE), *eye, *view;

	rig_with_bar();
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
	eye = map_bar(0, MIB);
	view = map_bar(0, MIB);
	mem_fill_pages(view, MIB / PAGE);
	mprotect(view, MIB, PROT_NONE);
	check_fails(view, MIB, eye);
	assert_ret(dma_map(rig->container, view, IOVA + GIB, MIB, RO), 0);
	check_copy(IOVA, memory, IOVA + GIB + PAGE, eye + PAGE);
	check_copy(IOVA, memory, IOVA + GIB + MIB - PAGE, eye + MIB - PAGE);
	dma_check_no_write(rig, 0, IOVA + GIB, eye);
	assert_ret(dma_unmap(rig->container, IOVA + GIB, MIB), MIB);
}

/* A part of a region, whose address is to be congruent with @offset modulo @leaf. */
struct reserved {
	const char *variant;
	uint64_t offset;
	size_t size;
	size_t leaf;
};

static const struct reserved reserved[] = {
	{ "4k", 0, PAGE, PAGE },
	{ "4k_at_an_offset", 5 * PAGE, PAGE, PAGE },
	{ "2m", 0, 2 * MIB, 2 * MIB },
	{ "2m_at_an_offset", 2 * MIB - PAGE, 2 * MIB + PAGE, 2 * MIB },
	{ "4m", 3 * MIB, 5 * MIB, 4 * MIB },
	{ "512m", GIB + 2 * MIB + 7 * PAGE, GIB - PAGE, 512 * MIB },
	{ "1g", 3 * GIB + PAGE, 2 * GIB, GIB },
};

static void reserved_where_leaves_fit(const void *variant)
{
	const struct reserved *want = variant;
	void *vaddr = bar_reserve(want->offset, want->size);

	expect_eq((uintptr_t)vaddr % want->leaf, want->offset % want->leaf);
	/* Fails if any of it were missing. */
	expect_eq(mprotect(vaddr, want->size, PROT_READ), 0);
}

static char *mmap_areas(const struct vfio_region_sparse_mmap_area *areas,
			unsigned int nr)
{
	struct vfio_region_info info;
	char *view;

	vfio_region(&bar.dev, bar.region, &info);
	view = bar_mmap(bar.dev.fd, &info, areas, nr);
	assert_ne((long)view, -1);
	return view;
}

static long faults(void)
{
	struct rusage usage;

	assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_minflt;
}

/* Maps all of the region, lets a device copy within it, and unmaps it. */
static void check_region(char *view)
{
	const uint64_t iova = IOVA + GIB;
	long vmlck = sys_vmlck();

	assert_ret(dma_map(rig->container, view, iova, bar.size, RW), 0);
	expect_eq(sys_vmlck(), vmlck);
	dma_check_pages(rig, 0, iova, view, bar.size / PAGE);
	assert_ret(dma_unmap(rig->container, iova, bar.size), bar.size);
	dma_check_refused(rig, 0, iova + bar.size - PAGE,
			  view + bar.size - PAGE);
}

/* By large leaves where the kernel has them, and by small ones all over it. */
static void whole_region(void)
{
	struct vfio_region_sparse_mmap_area all = { .offset = 0 };
	long before;
	size_t at;
	char *view;

	rig_with_bar();
	all.size = bar.size;
	view = mmap_areas(&all, 1);
	before = faults();
	for (at = 0; at < bar.size; at += PAGE)
		*(volatile char *)(view + at);
	/* One for each leaf, or one for all before 6.12, and a few from elsewhere. */
	if (!sys_is_uml() && (sys_has_thp() || sys_kernel_before(6, 12)))
		expect_le(faults() - before, (long)(bar.size / HUGE_2M) + 8);
	check_region(view);
	munmap(view, bar.size);

	view = bar_reserve(PAGE, bar.size);
	vfio_region_map(&bar.dev, bar.region, view, 0, bar.size);
	check_region(view);
}

static const struct part parts_of_leaves[] = {
	{ "congruent", 3 * PAGE, 2 * MIB + 5 * PAGE, 3 * PAGE },
	{ "not_congruent", 3 * PAGE, 2 * MIB + 5 * PAGE, 4 * PAGE },
};

/* Neither end is that of a large leaf. */
static void part_of_a_leaf(const void *variant)
{
	const struct part *part = variant;
	const uint64_t iova = IOVA + part->iova;
	const size_t last = part->size - PAGE;
	struct vfio_region_sparse_mmap_area all = { .offset = 0 };
	char *view;

	rig_with_bar();
	all.size = bar.size;
	view = mmap_areas(&all, 1) + part->offset;
	assert_ret(dma_map(rig->container, view, iova, part->size, RW), 0);
	check_copy(iova, view, iova + last, view + last);
	check_copy(iova + 2 * MIB, view + 2 * MIB, iova + 2 * MIB - 4 * PAGE,
		   view + 2 * MIB - 4 * PAGE);
	assert_ret(dma_unmap(rig->container, iova, part->size), part->size);
	munmap(view - part->offset, bar.size);
}

/* As a VMM maps a BAR without the pages that hold the MSI-X table. */
static void region_with_a_hole(void)
{
	static const struct vfio_region_sparse_mmap_area areas[] = {
		{ .offset = 0, .size = 2 * MIB + 3 * PAGE },
		{ .offset = 2 * MIB + 5 * PAGE, .size = 2 * MIB - 5 * PAGE },
	};
	const size_t hole = areas[0].size;
	const uint64_t iova = IOVA + GIB;
	char *view, *eye;
	size_t i;

	rig_with_bar();
	eye = map_bar(0, 4 * MIB);
	view = mmap_areas(areas, ARRAY_SIZE(areas));
	check_fails(view, 4 * MIB, eye);
	for (i = 0; i < ARRAY_SIZE(areas); i++)
		assert_ret(dma_map(rig->container, view + areas[i].offset,
				   iova + areas[i].offset, areas[i].size, RW),
			   0);
	check_copy(iova + hole - PAGE, eye + hole - PAGE, iova, eye);
	check_copy(iova + 4 * MIB - PAGE, eye + 4 * MIB - PAGE,
		   iova + areas[1].offset, eye + areas[1].offset);
	dma_check_refused(rig, 0, iova + hole, eye + hole);
	dma_check_refused(rig, 0, iova + hole + PAGE, eye + hole + PAGE);
	assert_ret(dma_unmap(rig->container, iova, 4 * MIB),
		   4 * MIB - 2 * PAGE);
	munmap(view, bar.size);
}

static const struct test tests[] = {
	TEST(peer_to_peer),
	TEST_VARIANTS(part_of_a_region, parts),
	TEST(region_faulted_in),
	TEST(between_memory),
	TEST(between_memory_and_nothing),
	TEST(limit_does_not_count),
	TEST(device_may_only_read_it),
	TEST(region_in_second_domain),
	TEST(region_unmapped_first),
	TEST(view_ends_in_the_middle),
	TEST(views_side_by_side),
	TEST(memory_decode_off),
	TEST(read_only_view),
	TEST(view_without_access),
	TEST_VARIANTS(reserved_where_leaves_fit, reserved),
	TEST(whole_region),
	TEST_VARIANTS(part_of_a_leaf, parts_of_leaves),
	TEST(region_with_a_hole),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
