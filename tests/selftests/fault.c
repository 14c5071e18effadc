// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation that the kernel makes in an ioctl fails once. What may fail
 * leaves nothing behind, and taking mappings away never fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/dirty.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"
#define MAX_CALLS	5000

/* More than one batch, and more runs than fit where nothing is allocated. */
#define N		600

static struct rig *rig;
static void *memory;
static int fail_fd;

static void need_fault_injection(void)
{
	if (access(DEBUGFS "failslab/verbose", W_OK) || access(FAIL_NTH, W_OK))
		test_skip("no fault injection in this kernel");
	/* Allocations that may sleep too, and without a word in the log. */
	sys_write(DEBUGFS "failslab/ignore-gfp-wait", "N");
	sys_write(DEBUGFS "failslab/verbose", "0");
	sys_write(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	sys_write(DEBUGFS "fail_page_alloc/min-order", "0");
	sys_write(DEBUGFS "fail_page_alloc/verbose", "0");
	fail_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	assert_ge(fail_fd, 0);
}

/* The @nth allocation of this thread from now on fails; 0: none. */
static void arm(long nth)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld", nth);

	assert_eq(pwrite(fail_fd, text, len, 0), len);
}

/* Did it come to that? Disarms. */
static bool has_failed(void)
{
	char text[32] = "";

	assert_ge(pread(fail_fd, text, sizeof(text) - 1, 0), 1);
	arm(0);
	return strtol(text, NULL, 0) == 0;
}

static void rig_with_memory(void)
{
	need_fault_injection();
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
	for (n = 1; fault && n < MAX_CALLS; n++) {
		arm(n);
		ret = dma_map(rig->container, memory, IOVA, N * PAGE, RW);
		fault = has_failed();
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
	for (n = 1; fault && n < MAX_CALLS; n++) {
		assert_ret(dma_map(rig->container, memory, IOVA, N * PAGE, RW),
			   0);
		arm(n);
		assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
		fault = has_failed();
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
	for (n = 1; fault && n < MAX_CALLS; n++) {
		untracked = sys_stat_get("untracked_mappings");
		arm(n);
		ret = dma_map(rig->container, memory, IOVA, N * PAGE, RW);
		fault = has_failed();
		if (ret)
			continue;
		if (sys_stat_get("untracked_mappings") > untracked)
			break;
		assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
	}
	assert_ge(sys_stat_get("untracked_mappings"), untracked + 1);
	dma_check_pages(rig, 0, IOVA, memory, N);
	arm(1);
	assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
	arm(0);
	expect_eq(sys_vmlck(), vmlck);
	dma_check_refused(rig, 0, IOVA, memory);
}

/* A container comes into being whole or not at all. */
static void set_iommu_or_nothing(void)
{
	long n, refs, failed = 0;
	bool fault = true;
	int container, group, ret;

	need_fault_injection();
	refs = sys_refs();
	container = vfio_container_open();
	group = vfio_group_open(0);
	assert_ret(vfio_group_join(group, container), 0);
	for (n = 1; fault && n < MAX_CALLS; n++) {
		arm(n);
		ret = vfio_try_set_iommu(container, VFIO_TYPE1v2_IOMMU);
		fault = has_failed();
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
	for (n = 1; fault && n < MAX_CALLS; n++) {
		arm(n);
		ret = vfio_group_join(group, rig->container);
		fault = has_failed();
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
	for (n = 1; fault && n < MAX_CALLS; n++) {
		assert_ret(vfio_group_join(group, rig->container), 0);
		arm(n);
		assert_ret(vfio_group_leave(group), 0);
		fault = has_failed();
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

	need_fault_injection();
	memory = mem_scattered(N);
	refs = sys_refs();
	pins = sys_pins();
	container = vfio_container_open();
	group = vfio_group_open(0);
	for (n = 1; fault && n < MAX_CALLS; n++) {
		assert_ret(vfio_group_join(group, container), 0);
		assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
		assert_ret(dma_map(container, memory, IOVA, N * PAGE, RW), 0);
		arm(n);
		assert_ret(vfio_group_leave(group), 0);
		fault = has_failed();
		sys_settle_refs(refs);
		sys_settle_pins(pins);
		assert_eq(sys_vmlck(), 0);
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
	for (n = 1; fault && n < MAX_CALLS; n++) {
		arm(n);
		ret = dirty_flags(rig->container, START);
		fault = has_failed();
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
	for (n = 1; fault && n < MAX_CALLS; n++) {
		arm(n);
		ret = dma_map(rig->container, memory, IOVA, N * PAGE, RW);
		fault = has_failed();
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
	for (n = 1; fault && n < MAX_CALLS; n++) {
		assert_ret(dma_unmap_flags(rig->container, IOVA, N * PAGE,
					   VFIO_DMA_UNMAP_FLAG_VADDR),
			   N * PAGE);
		arm(n);
		ret = dma_map(rig->container, memory, IOVA, N * PAGE,
			      VFIO_DMA_MAP_FLAG_VADDR);
		fault = has_failed();
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
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
