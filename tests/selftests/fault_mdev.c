// SPDX-License-Identifier: GPL-2.0
/* As fault.c, for containers of mediated devices. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/dirty.h"
#include "lib/fault.h"
#include "lib/mdev.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define N	100UL
#define KB(n)	((long)(n) * PAGE_KB)

static int container, mdev;
static void *memory;
static long pins, vmlck;

static void begin(void)
{
	int group;

	fault_init();
	group = mdev_group_open(0);
	container = vfio_container_open();
	assert_ret(vfio_group_join(group, container), 0);
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	mdev = mdev_device_open(group, 0);
	memory = mem_anon(N * PAGE);
	assert_ret(dma_map(container, memory, IOVA, N * PAGE, RW), 0);
	pins = sys_pins();
	vmlck = sys_vmlck();
}

static void check_nothing_held(void)
{
	assert_eq(sys_vmlck(), vmlck);
	assert_eq(sys_pins(), pins);
}

/* Its memory is cold, so that pages of it have to be found too. */
static void pin_or_nothing(void)
{
	struct fault_sweep sweep = {};
	int ret;

	begin();
	while (fault_sweep_next(&sweep)) {
		assert_eq(madvise(memory, N * PAGE, MADV_DONTNEED), 0);
		ret = fault_try(&sweep, mdev_pin(mdev, IOVA, N));
		if (ret >= 0) {
			assert_ret(ret, N);
			assert_eq(sys_vmlck(), vmlck + KB(N));
			assert_ret(mdev_unpin(mdev, IOVA, N), 0);
		}
		check_nothing_held();
	}
	fault_sweep_end(&sweep, (long)N / 2);
}

static void unpin_never_fails(void)
{
	struct fault_sweep sweep = {};

	begin();
	while (fault_sweep_next(&sweep)) {
		assert_ret(mdev_pin(mdev, IOVA, N), N);
		assert_ret(fault_try(&sweep, mdev_unpin(mdev, IOVA, N)), 0);
		check_nothing_held();
	}
	fault_sweep_end(&sweep, 0);
}

static void unmap_of_held_never_fails(void)
{
	struct fault_sweep sweep = {};

	begin();
	while (fault_sweep_next(&sweep)) {
		assert_ret(mdev_pin(mdev, IOVA, N), N);
		assert_ret(fault_try(&sweep, dma_unmap(container, IOVA, N * PAGE)), N * PAGE);
		check_nothing_held();
		assert_ret(dma_map(container, memory, IOVA, N * PAGE, RW), 0);
	}
	fault_sweep_end(&sweep, 0);
}

/* The first group behind an IOMMU: all is pinned and mapped, or as before. */
static void first_join_or_nothing(void)
{
	struct fault_sweep sweep = {};
	int group, ret;

	begin();
	group = vfio_mock_group_open(0);
	assert_ret(mdev_pin(mdev, IOVA, 3), 3);
	pins = sys_pins();
	vmlck = sys_vmlck();
	while (fault_sweep_next(&sweep)) {
		madvise(memory + 3 * PAGE, (N - 3) * PAGE, MADV_DONTNEED);
		ret = fault_try(&sweep, vfio_group_join(group, container));
		if (!ret) {
			assert_eq(sys_vmlck(), vmlck + KB(N - 3));
			assert_ret(vfio_group_leave(group), 0);
		}
		check_nothing_held();
		assert_eq(sys_mock_get("domains"), 0);
		assert_eq(sys_mock_get("leaves"), 0);
	}
	fault_sweep_end(&sweep, 2);
}

/* The last one goes: what the device holds stays pinned and charged. */
static void last_leave_never_fails(void)
{
	struct fault_sweep sweep = {};
	int group;

	begin();
	group = vfio_mock_group_open(0);
	assert_ret(mdev_pin(mdev, IOVA, 3), 3);
	pins = sys_pins();
	vmlck = sys_vmlck();
	while (fault_sweep_next(&sweep)) {
		assert_ret(vfio_group_join(group, container), 0);
		assert_ret(fault_try(&sweep, vfio_group_leave(group)), 0);
		check_nothing_held();
		assert_eq(sys_mock_get("domains"), 0);
	}
	fault_sweep_end(&sweep, 0);
	assert_ret(mdev_unpin(mdev, IOVA, 3), 0);
}

static const struct test tests[] = {
	TEST_LONG(pin_or_nothing, 240),
	TEST(unpin_never_fails),
	TEST(unmap_of_held_never_fails),
	TEST_LONG(first_join_or_nothing, 240),
	TEST(last_leave_never_fails),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
