// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation that the kernel makes in an ioctl fails once. What may fail
 * leaves nothing behind, and taking mappings away never fails.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/dirty.h"
#include "lib/fault.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* More than one batch, and more runs than fit where nothing is allocated. */
#define N		600

static struct rig *rig;
static void *memory;

static void rig_with_memory(void)
{
	fault_init();
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_scattered(N);
}

static void map_or_nothing(void)
{
	long n, pins, vmlck, leaves, failed = 0;
	bool fault = true;
	int ret;

	rig_with_memory();
	pins = sys_pins();
	vmlck = sys_vmlck();
	leaves = sys_mock_get("leaves");
	for (n = 1; fault && n < FAULT_MOST; n++) {
		fault_arm(n);
		ret = dma_map(rig->container, memory, IOVA, N * PAGE, RW);
		fault = fault_happened();
		if (ret) {
			assert_ret(ret, -ENOMEM);
			assert_eq(fault, true);
			assert_eq(sys_vmlck(), vmlck);
			assert_eq(sys_pins(), pins);
			assert_eq(sys_mock_get("leaves"), leaves);
			failed++;
			continue;
		}
		/* It may do without, but then it has to be as good. */
		assert_eq(sys_vmlck(), vmlck + N * 4);
		dma_check_copy(&rig->devices[0], IOVA, memory,
			       IOVA + (N - 1) * PAGE, memory + (N - 1) * PAGE,
			       DMA_MAX);
		assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
		assert_eq(sys_vmlck(), vmlck);
		assert_eq(sys_pins(), pins);
	}
	test_say("%ld allocations, %ld of them needed", n - 2, failed);
	expect_eq(fault, false);
	expect_ge(failed, 1);
}

static void unmap_never_fails(void)
{
	bool fault = true;
	long n, vmlck;

	rig_with_memory();
	vmlck = sys_vmlck();
	for (n = 1; fault && n < FAULT_MOST; n++) {
		assert_ret(dma_map(rig->container, memory, IOVA, N * PAGE, RW),
			   0);
		fault_arm(n);
		assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
		fault = fault_happened();
		assert_eq(sys_vmlck(), vmlck);
	}
	test_say("%ld allocations", n - 2);
	expect_eq(fault, false);
}

/* Without memory to remember what was pinned, and without memory to unmap. */
static void unmap_of_untracked_never_fails(void)
{
	long n, untracked = 0, vmlck;
	bool fault = true;
	int ret;

	rig_with_memory();
	if (!sys_is_type1x())
		test_skip("%s never remembers", sys_driver());
	vmlck = sys_vmlck();
	for (n = 1; fault && n < FAULT_MOST; n++) {
		untracked = sys_stat_get("untracked_mappings");
		fault_arm(n);
		ret = dma_map(rig->container, memory, IOVA, N * PAGE, RW);
		fault = fault_happened();
		if (ret)
			continue;
		if (sys_stat_get("untracked_mappings") > untracked)
			break;
		assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
	}
	assert_ge(sys_stat_get("untracked_mappings"), untracked + 1);
	dma_check_pages(rig, 0, IOVA, memory, N);
	fault_arm(1);
	assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
	fault_arm(0);
	expect_eq(sys_vmlck(), vmlck);
	dma_check_refused(rig, 0, IOVA, memory);
}

/* A container comes into being whole or not at all. */
static void set_iommu_or_nothing(void)
{
	long n, refs, failed = 0;
	bool fault = true;
	int container, group, ret;

	fault_init();
	refs = sys_refs();
	container = vfio_container_open();
	group = vfio_group_open(0);
	assert_ret(vfio_group_join(group, container), 0);
	for (n = 1; fault && n < FAULT_MOST; n++) {
		fault_arm(n);
		ret = vfio_try_set_iommu(container, VFIO_TYPE1v2_IOMMU);
		fault = fault_happened();
		if (ret) {
			assert_ret(ret, -ENOMEM);
			assert_eq(sys_refs(), refs);
			assert_eq(sys_mock_get("domains"), 0);
			failed++;
			continue;
		}
		assert_ret(vfio_group_leave(group), 0);
		assert_ret(vfio_group_join(group, container), 0);
	}
	test_say("%ld allocations, %ld of them needed", n - 2, failed);
	expect_eq(fault, false);
	expect_ge(failed, 1);
}

/* A group that needs a second domain: it is filled, or the group stays out. */
static void join_or_nothing(void)
{
	long n, pins, failed = 0;
	bool fault = true;
	int group, ret;

	rig_with_memory();
	assert_ret(dma_map(rig->container, memory, IOVA, N * PAGE, RW), 0);
	group = vfio_mock_group_open(2);
	pins = sys_pins();
	for (n = 1; fault && n < FAULT_MOST; n++) {
		fault_arm(n);
		ret = vfio_group_join(group, rig->container);
		fault = fault_happened();
		assert_eq(sys_pins(), pins);
		if (ret) {
			assert_ret(ret, -ENOMEM);
			assert_eq(sys_mock_get("domains"), 1);
			failed++;
			continue;
		}
		assert_eq(sys_mock_get("domains"), 2);
		assert_ret(vfio_group_leave(group), 0);
	}
	test_say("%ld allocations, %ld of them needed", n - 2, failed);
	expect_eq(fault, false);
	expect_ge(failed, 1);
	dma_check_pages(rig, 0, IOVA, memory, N);
}

static void leave_never_fails(void)
{
	bool fault = true;
	long n, pins;
	int group;

	rig_with_memory();
	assert_ret(dma_map(rig->container, memory, IOVA, N * PAGE, RW), 0);
	group = vfio_mock_group_open(2);
	pins = sys_pins();
	for (n = 1; fault && n < FAULT_MOST; n++) {
		assert_ret(vfio_group_join(group, rig->container), 0);
		fault_arm(n);
		assert_ret(vfio_group_leave(group), 0);
		fault = fault_happened();
		assert_eq(sys_pins(), pins);
		assert_eq(sys_mock_get("domains"), 1);
	}
	test_say("%ld allocations", n - 2);
	expect_eq(fault, false);
	dma_check_pages(rig, 0, IOVA, memory, N);
}

/* The last one, with everything that was mapped. */
static void last_leave_never_fails(void)
{
	long n, refs, pins;
	bool fault = true;
	int container, group;

	fault_init();
	memory = mem_scattered(N);
	refs = sys_refs();
	pins = sys_pins();
	container = vfio_container_open();
	group = vfio_group_open(0);
	for (n = 1; fault && n < FAULT_MOST; n++) {
		assert_ret(vfio_group_join(group, container), 0);
		assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
		assert_ret(dma_map(container, memory, IOVA, N * PAGE, RW), 0);
		fault_arm(n);
		assert_ret(vfio_group_leave(group), 0);
		fault = fault_happened();
		sys_settle_refs(refs);
		sys_settle_pins(pins);
		assert_eq(sys_vmlck(), 0);
	}
	test_say("%ld allocations", n - 2);
	expect_eq(fault, false);
}

/* Closing a file cannot report a failure. */
static void close_never_fails(void)
{
	long n, refs, pins;
	bool fault = true;

	fault_init();
	memory = mem_scattered(N);
	refs = sys_refs();
	pins = sys_pins();
	for (n = 1; fault && n < FAULT_MOST; n++) {
		rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
		assert_ret(dirty_flags(rig->container, START), 0);
		assert_ret(dma_map(rig->container, memory, IOVA, N * PAGE, RW),
			   0);
		fault_arm(n);
		rig_close(rig);
		fault = fault_happened();
		sys_settle_refs(refs);
		sys_settle_pins(pins);
		assert_eq(sys_vmlck(), 0);
		assert_eq(sys_mock_get("domains"), 0);
	}
	test_say("%ld allocations", n - 2);
	expect_eq(fault, false);
}

static void dirty_start_or_nothing(void)
{
	bool fault = true;
	uint64_t word = 0;
	long n, failed = 0;
	int ret, i;

	rig_with_memory();
	for (i = 0; i < 3; i++)
		assert_ret(dma_map(rig->container, memory, IOVA + i * MIB,
				   16 * PAGE, RW), 0);
	for (n = 1; fault && n < FAULT_MOST; n++) {
		fault_arm(n);
		ret = dirty_flags(rig->container, START);
		fault = fault_happened();
		if (ret) {
			assert_ret(ret, -ENOMEM);
			failed++;
		}
		assert_ret(dirty_get(rig->container, IOVA, 16 * PAGE, &word, 8),
			   ret ? -EINVAL : 0);
		assert_ret(dirty_flags(rig->container, STOP), 0);
	}
	test_say("%ld allocations, %ld of them needed", n - 2, failed);
	expect_eq(fault, false);
	expect_ge(failed, 3);
}

/* While tracking is on a mapping needs a bitmap as well. */
static void map_while_tracking_or_nothing(void)
{
	long n, vmlck, failed = 0;
	bool fault = true;
	int ret;

	rig_with_memory();
	assert_ret(dirty_flags(rig->container, START), 0);
	vmlck = sys_vmlck();
	for (n = 1; fault && n < FAULT_MOST; n++) {
		fault_arm(n);
		ret = dma_map(rig->container, memory, IOVA, N * PAGE, RW);
		fault = fault_happened();
		if (ret) {
			assert_ret(ret, -ENOMEM);
			assert_eq(sys_vmlck(), vmlck);
			failed++;
			continue;
		}
		assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
	}
	expect_eq(fault, false);
	expect_ge(failed, 2);
}

static void new_vaddr_or_nothing(void)
{
	bool fault = true;
	long n;
	int ret;

	rig_with_memory();
	assert_ret(dma_map(rig->container, memory, IOVA, N * PAGE, RW), 0);
	for (n = 1; fault && n < FAULT_MOST; n++) {
		assert_ret(dma_unmap_flags(rig->container, IOVA, N * PAGE,
					   VFIO_DMA_UNMAP_FLAG_VADDR),
			   N * PAGE);
		fault_arm(n);
		ret = dma_map(rig->container, memory, IOVA, N * PAGE,
			      VFIO_DMA_MAP_FLAG_VADDR);
		fault = fault_happened();
		if (ret) {
			assert_ret(ret, -ENOMEM);
			assert_ret(dma_map(rig->container, memory, IOVA,
					   N * PAGE, VFIO_DMA_MAP_FLAG_VADDR),
				   0);
		}
	}
	expect_eq(fault, false);
	assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
}

static void register_or_nothing(void)
{
	long n, pins, vmlck, failed = 0;
	bool fault = true;
	int ret;

	rig_with_memory();
	pins = sys_pins();
	vmlck = sys_vmlck();
	for (n = 1; fault && n < FAULT_MOST; n++) {
		fault_arm(n);
		ret = dma_register(rig->container, memory, N * PAGE, 0);
		fault = fault_happened();
		if (ret) {
			assert_ret(ret, -ENOMEM);
			assert_eq(sys_vmlck(), vmlck);
			assert_eq(sys_pins(), pins);
			assert_ret(dma_unregister(rig->container, memory,
						  N * PAGE), -ENOENT);
			failed++;
			continue;
		}
		assert_ret(dma_unregister(rig->container, memory, N * PAGE), 0);
		assert_eq(sys_vmlck(), vmlck);
		assert_eq(sys_pins(), pins);
	}
	test_say("%ld allocations, %ld of them needed", n - 2, failed);
	expect_eq(fault, false);
	expect_ge(failed, 4);
}

/* A mapping of registered memory always remembers its runs, or there is none. */
static void map_registered_or_nothing(void)
{
	long n, pins, leaves, failed = 0;
	bool fault = true;
	int ret;

	rig_with_memory();
	assert_ret(dma_register(rig->container, memory, N * PAGE,
				VFIO_TYPE1X_MEMORY_WRITE), 0);
	pins = sys_pins();
	leaves = sys_mock_get("leaves");
	for (n = 1; fault && n < FAULT_MOST; n++) {
		fault_arm(n);
		ret = dma_map(rig->container, memory, IOVA, N * PAGE, RW);
		fault = fault_happened();
		if (ret) {
			assert_ret(ret, -ENOMEM);
			assert_eq(sys_mock_get("leaves"), leaves);
			failed++;
		} else {
			fault_arm(n);
			assert_ret(dma_unmap(rig->container, IOVA, N * PAGE),
				   N * PAGE);
			fault_arm(0);
		}
		assert_eq(sys_pins(), pins);
	}
	test_say("%ld allocations, %ld of them needed", n - 2, failed);
	expect_eq(fault, false);
	expect_ge(failed, 1);
	fault_arm(1);
	assert_ret(dma_unregister(rig->container, memory, N * PAGE), 0);
	fault_arm(0);
	expect_eq(sys_pins(), pins - (long)N);
}

/* --- Memory of other kinds, which the map itself has to fetch ---------------- */

#define COLD	12UL

static int memory_fd;
static off_t bar_offset;

static void drop_anon(void)
{
	assert_eq(madvise(memory, COLD * PAGE, MADV_DONTNEED), 0);
}

static void drop_file(void)
{
	drop_anon();
	assert_eq(ftruncate(memory_fd, 0), 0);
	assert_eq(ftruncate(memory_fd, COLD * PAGE), 0);
}

static void drop_bar(void)
{
	assert_eq(munmap(memory, COLD * PAGE), 0);
	memory = mmap(NULL, COLD * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      rig->devices[0].fd, bar_offset);
	assert_ne((long)memory, -1);
}

/* Map @memory, which @drop makes cold again, until no allocation is left. */
static void sweep(void (*drop)(void), uint32_t flags)
{
	long n, pins, vmlck, leaves, failed = 0;
	bool fault = true;
	int ret;

	drop();
	pins = sys_pins();
	vmlck = sys_vmlck();
	leaves = sys_mock_get("leaves");
	for (n = 1; fault && n < FAULT_MOST; n++) {
		drop();
		fault_arm(n);
		ret = dma_map(rig->container, memory, IOVA, COLD * PAGE, flags);
		fault = fault_happened();
		if (!ret)
			assert_ret(dma_unmap(rig->container, IOVA, COLD * PAGE),
				   COLD * PAGE);
		else
			assert_ret(ret, -ENOMEM);
		failed += !!ret;
		assert_eq(sys_vmlck(), vmlck);
		assert_eq(sys_pins(), pins);
		assert_eq(sys_mock_get("leaves"), leaves);
	}
	test_say("%ld allocations, %ld of them needed", n - 2, failed);
	expect_eq(fault, false);
	expect_ge(failed, 1);
}

static void map_cold_or_nothing(void)
{
	rig_with_memory();
	memory = mem_anon_cold(COLD * PAGE);
	sweep(drop_anon, RW);
}

static void map_zero_page_or_nothing(void)
{
	rig_with_memory();
	memory = mem_anon_cold(COLD * PAGE);
	assert_eq(mprotect(memory, COLD * PAGE, PROT_READ), 0);
	sweep(drop_anon, RO);
}

static void map_file_or_nothing(void)
{
	rig_with_memory();
	memory_fd = mem_memfd(COLD * PAGE);
	memory = mem_file(memory_fd, COLD * PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED);
	sweep(drop_file, RW);
}

/* To be read only, but by a device for long: the file must not change below. */
static void map_private_file_or_nothing(void)
{
	rig_with_memory();
	memory_fd = mem_memfd(COLD * PAGE);
	memory = mem_file(memory_fd, COLD * PAGE, PROT_READ, MAP_PRIVATE);
	sweep(drop_file, RO);
}

static void map_bar_or_nothing(void)
{
	struct vfio_region_info info;

	rig_with_memory();
	/* The one that is faulted in, see tests/mock/mock_vfio.c. */
	vfio_region(&rig->devices[0], 2, &info);
	bar_offset = info.offset;
	memory = mem_anon(COLD * PAGE);
	sweep(drop_bar, RW);
	/* Or it would keep the device open. */
	munmap(memory, COLD * PAGE);
}

static const struct test tests[] = {
	TEST_LONG(map_or_nothing, 240),
	TEST(unmap_never_fails),
	TEST_LONG(unmap_of_untracked_never_fails, 240),
	TEST(set_iommu_or_nothing),
	TEST_LONG(join_or_nothing, 240),
	TEST(leave_never_fails),
	TEST(last_leave_never_fails),
	TEST(dirty_start_or_nothing),
	TEST_LONG(map_while_tracking_or_nothing, 300),
	TEST(new_vaddr_or_nothing),
	TEST_LONG(register_or_nothing, 240),
	TEST_LONG(map_registered_or_nothing, 240),
	TEST(map_cold_or_nothing),
	TEST(map_zero_page_or_nothing),
	TEST(map_file_or_nothing),
	TEST(map_private_file_or_nothing),
	TEST(map_bar_or_nothing),
	TEST(close_never_fails),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
