// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a 32-bit process. Its system calls are open to a 64-bit one, too, by the
 * interrupt that they began with, if what they point to is below 4 GiB.
 */
#include <errno.h>
#include <linux/vfio_type1x.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/dirty.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* On other architectures a 64-bit process has no such system calls. */
#ifdef __x86_64__
#define LOW	MAP_32BIT
#else
#define LOW	0
#endif

#define NPAGES	70
#define SIZE	(NPAGES * PAGE)

/* What the C compiler of a 32-bit process makes of struct vfio_iommu_type1_info. */
#define INFO_SIZE_32	20

/* And of the argument of GET_BITMAP, whose last member is a pointer. */
#define GET_SIZE_32	44

static union {
	struct vfio_iommu_type1_dma_map map;
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_iommu_type1_info info;
	struct vfio_type1x_memory memory;
	struct dirty_get get;
	unsigned char bytes[PAGE];
} *arg;

static unsigned char *memory;
static struct rig *rig;
static long vmlck;

static void *low(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | LOW, -1, 0);

	if (p == MAP_FAILED)
		fail("no memory below 4 GiB");
	return p;
}

/* ioctl() of a 32-bit process; returns what it does, or a negative errno. */
static int ioctl_32(unsigned int command)
{
#ifdef __x86_64__
	int ret = 54;

	asm volatile("int $0x80"
		     : "+a" (ret)
		     : "b" (rig->container), "c" (command), "d" (arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
#else
	(void)command;
	return -EOPNOTSUPP;
#endif
}

static void begin(void)
{
	if (sys_is_uml() || !LOW)
		test_skip("no 32-bit system calls here");
	arg = low(PAGE);
	memory = low(SIZE);
	mem_fill(memory, SIZE);
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	vmlck = sys_vmlck();
}

static int map_32(void)
{
	arg->map = (struct vfio_iommu_type1_dma_map){
		.argsz = sizeof(arg->map),
		.flags = RW,
		.vaddr = (uintptr_t)memory,
		.iova = IOVA,
		.size = SIZE,
	};
	return ioctl_32(VFIO_IOMMU_MAP_DMA);
}

static int64_t unmap_32(void)
{
	int ret;

	arg->unmap = (struct vfio_iommu_type1_dma_unmap){
		.argsz = sizeof(arg->unmap),
		.iova = IOVA,
		.size = SIZE,
	};
	ret = ioctl_32(VFIO_IOMMU_UNMAP_DMA);
	return ret ?: (int64_t)arg->unmap.size;
}

static int memory_32(unsigned int command, uint32_t flags)
{
	arg->memory = (struct vfio_type1x_memory){
		.argsz = sizeof(arg->memory),
		.flags = flags,
		.vaddr = (uintptr_t)memory,
		.size = SIZE,
	};
	return ioctl_32(command);
}

static void maps_and_unmaps(void)
{
	begin();
	assert_ret(map_32(), 0);
	expect_eq(sys_vmlck() - vmlck, NPAGES * PAGE_KB);
	dma_check_pages(rig, 0, IOVA, memory, 3);
	expect_ret(map_32(), -EEXIST);
	assert_ret(unmap_32(), SIZE);
	dma_check_refused(rig, 0, IOVA, memory);
	expect_eq(sys_vmlck(), vmlck);
}

/* Where its structure ends the process may have something else. */
static void gets_information(void)
{
	size_t i;

	begin();
	memset(arg, 0x5a, PAGE);
	arg->info.argsz = INFO_SIZE_32;
	assert_ret(ioctl_32(VFIO_IOMMU_GET_INFO), 0);
	expect_eq(arg->info.iova_pgsizes & PAGE, PAGE);
	expect_ge(arg->info.argsz, sizeof(arg->info));
	for (i = INFO_SIZE_32; i < sizeof(arg->info); i++)
		expect_eq(arg->bytes[i], 0x5a);

	assert_ret(ioctl_32(VFIO_IOMMU_GET_INFO), 0);
	expect_eq(arg->info.cap_offset, sizeof(arg->info));
}

static void gets_dirty_pages(void)
{
	uint64_t *bitmap;

	begin();
	bitmap = low(PAGE);
	assert_ret(map_32(), 0);
	assert_ret(dirty_flags(rig->container, START), 0);
	dirty_get_init(&arg->get, IOVA, SIZE, bitmap, 16);
	arg->get.head.argsz = GET_SIZE_32;
	expect_ret(ioctl_32(VFIO_IOMMU_DIRTY_PAGES), -EINVAL);
	arg->get.head.argsz = sizeof(arg->get);
	assert_ret(ioctl_32(VFIO_IOMMU_DIRTY_PAGES), 0);
	expect_eq(bitmap[0], ~0UL);
	expect_eq(bitmap[1], (1UL << (NPAGES - 64)) - 1);
}

static void registers_memory(void)
{
	begin();
	assert_ret(memory_32(VFIO_TYPE1X_REGISTER_MEMORY, VFIO_TYPE1X_MEMORY_WRITE), 0);
	expect_eq(sys_vmlck() - vmlck, NPAGES * PAGE_KB);
	assert_ret(map_32(), 0);
	dma_check_pages(rig, 0, IOVA, memory, 3);
	assert_ret(unmap_32(), SIZE);
	assert_ret(memory_32(VFIO_TYPE1X_UNREGISTER_MEMORY, 0), 0);
	expect_eq(sys_vmlck(), vmlck);
}

static const struct test tests[] = {
	TEST(maps_and_unmaps),
	TEST(gets_information),
	TEST(gets_dirty_pages),
	TEST(registers_memory),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
