// SPDX-License-Identifier: GPL-2.0
/* Mediated devices: pinning, reading and writing, and letting go. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/dirty.h"
#include "lib/mdev.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"
#include "lib/watch.h"

#define NPAGES	40UL
#define SIZE	(NPAGES * PAGE)
#define KB(n)	((long)(n) * PAGE_KB)

static int container, group, mdev;
static unsigned char *memory;
static long vmlck;

static void begin(unsigned long type)
{
	group = mdev_group_open(0);
	container = vfio_container_open();
	assert_ret(vfio_group_join(group, container), 0);
	assert_ret(vfio_set_iommu(container, type), 0);
	mdev = mdev_device_open(group, 0);
	memory = mem_anon(SIZE);
	mem_fill(memory, SIZE);
	vmlck = sys_vmlck();
	assert_ret(dma_map(container, memory, IOVA, SIZE, RW), 0);
}

static int do_op(uint32_t what, uint64_t iova, uint64_t size, void *data)
{
	return mdev_op(mdev, what, iova, 0, size, data);
}

static int pin(uint64_t page, int64_t npages)
{
	return mdev_pin(mdev, IOVA + page * PAGE, npages);
}

static int unpin(uint64_t page, int64_t npages)
{
	return mdev_unpin(mdev, IOVA + page * PAGE, npages);
}

static void container_without_iommu(void)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	begin(VFIO_TYPE1v2_IOMMU);
	/* Nothing is pinned before a device asks. */
	expect_eq(sys_vmlck(), vmlck);
	expect_eq(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR), 0);
	expect_eq(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU), 1);
	assert_eq(ioctl(container, VFIO_IOMMU_GET_INFO, &info), 0);
	expect_eq(info.iova_pgsizes, ~(PAGE - 1));
	/* No IOMMU, no limit: the top of the space. */
	assert_ret(dma_map(container, memory, -PAGE, PAGE, RW), 0);
	assert_ret(dma_unmap(container, -PAGE, PAGE), PAGE);
	assert_ret(dma_unmap(container, IOVA, SIZE), SIZE);
	expect_eq(mdev_told(mdev), 0);
}

static void pins_are_charged_once(void)
{
	begin(VFIO_TYPE1v2_IOMMU);
	expect_ret(pin(0, 10), 10);
	expect_eq(sys_vmlck(), vmlck + KB(10));
	expect_ret(pin(5, 10), 10);
	expect_eq(sys_vmlck(), vmlck + KB(15));
	expect_ret(unpin(0, 10), 0);
	expect_eq(sys_vmlck(), vmlck + KB(10));
	expect_ret(unpin(5, 10), 0);
	expect_eq(sys_vmlck(), vmlck);
}

static void pinned_pages_are_the_users(void)
{
	unsigned char page[PAGE];
	int i;

	begin(VFIO_TYPE1v2_IOMMU);
	assert_ret(pin(0, NPAGES), NPAGES);
	for (i = 0; i < (int)NPAGES; i++) {
		assert_ret(do_op(T1X_MDEV_PEEK, IOVA + i * PAGE, PAGE,
				 page), 0);
		assert_bytes(page, memory + i * PAGE, PAGE);
	}
	memset(page, 0x5a, PAGE);
	assert_ret(do_op(T1X_MDEV_POKE, IOVA + PAGE, PAGE, page), 0);
	assert_bytes(memory + PAGE, page, PAGE);
}

static void what_cannot_be_pinned(void)
{
	begin(VFIO_TYPE1v2_IOMMU);
	/* Their addresses would not fit in a page. */
	expect_ret(pin(0, PAGE / 8 + 1), -E2BIG);
	expect_ret(pin(0, 0), -EINVAL);
	watch_expect_reason(pin(NPAGES, 1), -EINVAL, "pin %#lx, where nothing is mapped",
			    IOVA + SIZE);
	expect_ret(pin(NPAGES - 1, 2), -EINVAL);
	assert_ret(dma_map(container, memory, IOVA + GIB, PAGE, RO), 0);
	watch_expect_reason(pin(GIB / PAGE, 1), -EPERM, "pin %#lx, which is mapped for less",
			    IOVA + GIB);
	munmap(memory + 3 * PAGE, PAGE);
	watch_expect_reason(pin(0, 5), -EFAULT, "pin %#lx, whose memory cannot be pinned",
			    IOVA + 3 * PAGE);
	expect_eq(sys_vmlck(), vmlck);
}

static void v1_cannot_pin(void)
{
	begin(VFIO_TYPE1_IOMMU);
	expect_ret(pin(0, 1), -EACCES);
}

static void reads_and_writes(void)
{
	unsigned char page[PAGE];

	begin(VFIO_TYPE1v2_IOMMU);
	assert_ret(do_op(T1X_MDEV_READ, IOVA + 100, 3000, page), 0);
	assert_bytes(page, memory + 100, 3000);
	memset(page, 0xc3, PAGE);
	assert_ret(do_op(T1X_MDEV_WRITE, IOVA + PAGE - 7, 2000, page), 0);
	assert_bytes(memory + PAGE - 7, page, 2000);

	/* Over the border of two mappings, and over the end of the last. */
	assert_ret(dma_map(container, memory, IOVA + SIZE, PAGE, RW), 0);
	assert_ret(do_op(T1X_MDEV_READ, IOVA + SIZE - 10, 20, page), 0);
	assert_bytes(page, memory + SIZE - 10, 10);
	assert_bytes(page + 10, memory, 10);
	watch_expect_reason(do_op(T1X_MDEV_READ, IOVA + SIZE + PAGE - 10, 20, page), -EINVAL,
			    "access to %#lx, where nothing is mapped", IOVA + SIZE + PAGE);

	assert_ret(dma_map(container, memory, IOVA + GIB, PAGE, RO), 0);
	assert_ret(dma_map(container, memory, IOVA + 2 * GIB, PAGE, WO), 0);
	watch_expect_reason(do_op(T1X_MDEV_WRITE, IOVA + GIB, 1, page), -EPERM,
			    "access to %#lx, which is mapped for less", IOVA + GIB);
	expect_ret(do_op(T1X_MDEV_READ, IOVA + 2 * GIB, 1, page), -EPERM);

	/* What follows the last IOVA there is, is not the first. */
	assert_ret(dma_map(container, memory, -PAGE, PAGE, RW), 0);
	assert_ret(dma_map(container, memory, 0, PAGE, RW), 0);
	assert_ret(do_op(T1X_MDEV_READ, -8UL, 8, page), 0);
	assert_bytes(page, memory + PAGE - 8, 8);
	expect_ret(do_op(T1X_MDEV_READ, -8UL, 16, page), -EOVERFLOW);
	expect_ret(do_op(T1X_MDEV_WRITE, -8UL, 16, page), -EOVERFLOW);
	expect_eq(sys_vmlck(), vmlck);
}

static void unmap_makes_it_let_go(void)
{
	begin(VFIO_TYPE1v2_IOMMU);
	assert_ret(pin(0, 10), 10);
	assert_ret(pin(5, 1), 1);
	assert_ret(dma_unmap(container, IOVA, SIZE), SIZE);
	expect_eq(mdev_told(mdev), 1);
	expect_eq(sys_vmlck(), vmlck);
}

static void deaf_once(void)
{
	begin(VFIO_TYPE1v2_IOMMU);
	assert_ret(pin(0, 10), 10);
	assert_ret(mdev_deaf(mdev, 1), 0);
	assert_ret(dma_unmap(container, IOVA, SIZE), SIZE);
	expect_eq(mdev_told(mdev), 2);
	expect_eq(sys_vmlck(), vmlck);
}

/* What it held until the end, the end of the container takes away. */
static void deaf_to_the_end(void)
{
	begin(VFIO_TYPE1v2_IOMMU);
	if (!sys_is_type1x())
		test_skip("would leave a warning");
	assert_ret(pin(0, 10), 10);
	assert_ret(mdev_deaf(mdev, 1000000), 0);
	vfio_close(&mdev);
	vfio_close(&group);
	vfio_close(&container);
	expect_eq(sys_vmlck(), vmlck);
}

static void iommu_group_leaves_and_comes(void)
{
	int hw = vfio_group_open(0);

	begin(VFIO_TYPE1v2_IOMMU);
	assert_ret(pin(0, 10), 10);
	expect_eq(sys_vmlck(), vmlck + KB(10));

	/* A device behind an IOMMU comes: everything is pinned. */
	assert_ret(vfio_group_join(hw, container), 0);
	expect_eq(sys_vmlck(), vmlck + KB(NPAGES));
	assert_ret(pin(5, 10), 10);
	expect_eq(sys_vmlck(), vmlck + KB(NPAGES));

	/* It leaves: what is held stays. */
	assert_ret(vfio_group_leave(hw), 0);
	expect_eq(sys_vmlck(), vmlck + KB(15));
	assert_ret(unpin(5, 10), 0);
	expect_eq(sys_vmlck(), vmlck + KB(10));

	assert_ret(vfio_group_join(hw, container), 0);
	assert_ret(unpin(0, 10), 0);
	expect_eq(sys_vmlck(), vmlck + KB(NPAGES));
	assert_ret(dma_unmap(container, IOVA, SIZE), SIZE);
	expect_eq(sys_vmlck(), vmlck);
	assert_ret(vfio_group_leave(hw), 0);
}

static void iommu_group_does_dma(void)
{
	int hw = vfio_group_open(0);
	struct rig rig = { .n = 1 };

	begin(VFIO_TYPE1v2_IOMMU);
	assert_ret(vfio_group_join(hw, container), 0);
	vfio_device_open(&rig.devices[0], hw, 0);
	rig.container = container;
	rig.scratch = mem_anon(PAGE);
	assert_ret(dma_map(container, rig.scratch, IOVA_SCRATCH, PAGE, RW), 0);
	dma_check_pages(&rig, 0, IOVA, memory, NPAGES);
}

/* The mapping cannot be filled: the group does not get in, all is as before. */
static void iommu_group_finds_a_hole(void)
{
	int hw = vfio_group_open(0);

	begin(VFIO_TYPE1v2_IOMMU);
	assert_ret(pin(0, 3), 3);
	munmap(memory + 30 * PAGE, PAGE);
	expect_ret(vfio_group_join(hw, container), -EFAULT);
	expect_eq(sys_vmlck(), vmlck + KB(3));
	assert_ret(dma_unmap(container, IOVA, SIZE), SIZE);
	assert_ret(vfio_group_join(hw, container), 0);
	assert_ret(vfio_group_leave(hw), 0);
}

static void vaddr_is_needed(void)
{
	begin(VFIO_TYPE1v2_IOMMU);
	watch_expect_reason(dma_unmap_flags(container, IOVA, SIZE, VFIO_DMA_UNMAP_FLAG_VADDR),
			    -EBUSY, "mediated devices need their vaddr");
}

static void dirty_is_what_was_held_or_written(void)
{
	unsigned char byte = 1;
	uint64_t word = 0;

	begin(VFIO_TYPE1v2_IOMMU);
	assert_ret(pin(1, 2), 2);
	assert_ret(dirty_flags(container, START), 0);
	assert_ret(pin(5, 1), 1);
	assert_ret(do_op(T1X_MDEV_WRITE, IOVA + 9 * PAGE, 1, &byte), 0);
	assert_ret(do_op(T1X_MDEV_READ, IOVA + 12 * PAGE, 1, &byte), 0);
	assert_ret(dirty_get(container, IOVA, SIZE, &word, 8), 0);
	expect_eq(word, 0x226);

	/* What was written is clean now; what was held since is dirty. */
	assert_ret(unpin(1, 2), 0);
	assert_ret(dirty_get(container, IOVA, SIZE, &word, 8), 0);
	expect_eq(word, 0x26);
	assert_ret(dirty_get(container, IOVA, SIZE, &word, 8), 0);
	expect_eq(word, 0x20);
	assert_ret(unpin(5, 1), 0);
	assert_ret(dirty_get(container, IOVA, SIZE, &word, 8), 0);
	expect_eq(word, 0x20);
	assert_ret(dirty_get(container, IOVA, SIZE, &word, 8), 0);
	expect_eq(word, 0);
}

/* A failed copy must not lose what it could not tell. */
static void dirty_survives_a_bad_bitmap(void)
{
	unsigned char byte = 1;
	uint64_t words[2] = {};

	begin(VFIO_TYPE1v2_IOMMU);
	assert_ret(dirty_flags(container, START), 0);
	assert_ret(do_op(T1X_MDEV_WRITE, IOVA + 9 * PAGE, 1, &byte), 0);
	/* At a shift: in-tree moves the bits first and copies then. */
	expect_ret(dirty_get(container, IOVA - 3 * PAGE, SIZE + 3 * PAGE, NULL,
			     8), -EFAULT);
	assert_ret(dirty_get(container, IOVA, SIZE, words, 8), 0);
	expect_eq(words[0], 1ULL << 9);
}

static void dirty_all_while_blind(void)
{
	int hw = vfio_group_open(0);
	uint64_t word = 0;

	begin(VFIO_TYPE1v2_IOMMU);
	assert_ret(dirty_flags(container, START), 0);
	assert_ret(vfio_group_join(hw, container), 0);
	assert_ret(dirty_get(container, IOVA, SIZE, &word, 8), 0);
	expect_eq(word, (1ULL << NPAGES) - 1);
	/* The group leaves; all its pages may be dirty and are reported once more. */
	assert_ret(vfio_group_leave(hw), 0);
	assert_ret(dirty_get(container, IOVA, SIZE, &word, 8), 0);
	expect_eq(word, (1ULL << NPAGES) - 1);
	assert_ret(dirty_get(container, IOVA, SIZE, &word, 8), 0);
	expect_eq(word, 0);
}

static void two_devices(void)
{
	int first, group2;

	begin(VFIO_TYPE1v2_IOMMU);
	group2 = mdev_group_open(1);
	assert_ret(vfio_group_join(group2, container), 0);
	assert_ret(pin(0, 4), 4);
	first = mdev;
	mdev = mdev_device_open(group2, 1);
	assert_ret(pin(2, 4), 4);
	expect_eq(sys_vmlck(), vmlck + KB(6));
	assert_ret(dma_unmap(container, IOVA, SIZE), SIZE);
	expect_eq(sys_vmlck(), vmlck);
	vfio_close(&first);
	vfio_close(&mdev);
}

/* --- Against each other ------------------------------------------------------------ */

static volatile bool stop;

static void *pin_thread(void *arg)
{
	long n, got = 0;
	int ret;

	for (n = 0; !stop || !got; n++) {
		ret = pin(n % 8, 8);
		if (ret == 8)
			got++;
		else
			assert_ret(ret, -EINVAL);
		if (n % 3)
			unpin(n % 8, 8);
	}
	*(long *)arg = got;
	return NULL;
}

/*
 * A device pins and unpins pages while the mapping comes and goes. It unpins when
 * it is told to, so every unmap succeeds, except one that comes while a page is
 * pinned that the device has not recorded yet.
 */
static void pins_against_unmap(void)
{
	uint64_t end = sys_now_ms() + sys_race_ms();
	long n = 0, busy = 0, got = 0;
	pthread_t thread;
	int64_t ret;

	begin(VFIO_TYPE1v2_IOMMU);
	assert_eq(pthread_create(&thread, NULL, pin_thread, &got), 0);
	while (n < 3 || sys_now_ms() < end) {
		ret = dma_unmap(container, IOVA, SIZE);
		if (ret == -EBUSY) {
			busy++;
			continue;
		}
		assert_ret(ret, SIZE);
		assert_ret(dma_map(container, memory, IOVA, SIZE, RW), 0);
		n++;
	}
	stop = true;
	pthread_join(thread, NULL);
	test_say("%ld unmaps, %ld pins, busy %ld times", n, got, busy);
	assert_ret(dma_unmap(container, IOVA, SIZE), SIZE);
	expect_eq(sys_vmlck(), vmlck);
}

static const struct test tests[] = {
	TEST(container_without_iommu),
	TEST(pins_are_charged_once),
	TEST(pinned_pages_are_the_users),
	TEST(what_cannot_be_pinned),
	TEST(v1_cannot_pin),
	TEST(reads_and_writes),
	TEST(unmap_makes_it_let_go),
	TEST(deaf_once),
	TEST(deaf_to_the_end),
	TEST(iommu_group_leaves_and_comes),
	TEST(iommu_group_does_dma),
	TEST(iommu_group_finds_a_hole),
	TEST(vaddr_is_needed),
	TEST(dirty_is_what_was_held_or_written),
	TEST(dirty_survives_a_bad_bitmap),
	TEST(dirty_all_while_blind),
	TEST(two_devices),
	TEST(pins_against_unmap),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
