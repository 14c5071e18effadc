// SPDX-License-Identifier: GPL-2.0
/*
 * Every refusal: what it is refused with, as Linux 7.2 does it, on all kernels,
 * and that nothing happened.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define GET_DIRTY	VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP
#define ALL		VFIO_DMA_UNMAP_FLAG_ALL
#define MAP_VADDR	VFIO_DMA_MAP_FLAG_VADDR

#define TOP		(~0ULL - PAGE + 1)	/* the last page of 64 bits */
#define MAP_ARGSZ	sizeof(struct vfio_iommu_type1_dma_map)
#define UNMAP_ARGSZ	sizeof(struct vfio_iommu_type1_dma_unmap)

static struct rig *rig;
static void *memory;

/* Memory of 16 pages, of which the first 4 are mapped at IOVA. */
static void setup(unsigned long type)
{
	rig = rig_open(1, type);
	memory = mem_anon(16 * PAGE);
	assert_ret(dma_map(rig->container, memory, IOVA, 4 * PAGE, RW), 0);
}

static void teardown(void)
{
	/* Whatever was refused has changed nothing. */
	expect_ret(dma_unmap_flags(rig->container, 0, 0, ALL), 5 * PAGE);
	rig_close(rig);
	munmap(memory, 16 * PAGE);
}

struct map_case {
	const char *what;
	uint64_t iova;
	uint64_t vaddr;		/* added to memory, unless ABSOLUTE */
	uint64_t size;
	uint32_t flags;
	uint32_t argsz;
	int want;
};

#define ABSOLUTE (1U << 31)	/* in argsz */

static void check_maps(const struct map_case *cases, size_t n)
{
	long vmlck = sys_vmlck();
	size_t i;

	for (i = 0; i < n; i++) {
		const struct map_case *c = &cases[i];
		struct vfio_iommu_type1_dma_map map = {
			.argsz = c->argsz & ~ABSOLUTE,
			.flags = c->flags,
			.iova = c->iova,
			.vaddr = c->vaddr,
			.size = c->size,
		};
		int ret;

		if (!(c->argsz & ABSOLUTE))
			map.vaddr += (uintptr_t)memory;
		ret = ioctl(rig->container, VFIO_IOMMU_MAP_DMA, &map) ?
			-errno : 0;
		if (ret != c->want)
			test_say("case %s:", c->what);
		expect_ret(ret, c->want);
		if (!ret && !c->want)
			expect_ret(dma_unmap(rig->container, c->iova, c->size),
				   c->size);
		expect_eq(sys_vmlck(), vmlck);
	}
}

#define FREE (IOVA + 64 * PAGE)	/* IOVAs at which nothing is mapped */

static void map_arguments(const void *variant)
{
	static const struct map_case cases[] = {
		{ "fine", FREE, 0, PAGE, RW, MAP_ARGSZ, 0 },
		{ "argsz too large", FREE, 0, PAGE, RW, 4096, 0 },
		{ "argsz one less", FREE, 0, PAGE, RW, MAP_ARGSZ - 1, -EINVAL },
		{ "argsz 0", FREE, 0, PAGE, RW, 0, -EINVAL },
		{ "flag 3", FREE, 0, PAGE, RW | 8, MAP_ARGSZ, -EINVAL },
		{ "flag 31", FREE, 0, PAGE, RW | 1U << 31, MAP_ARGSZ, -EINVAL },
		{ "no flag", FREE, 0, PAGE, 0, MAP_ARGSZ, -EINVAL },
		{ "size 0", FREE, 0, 0, RW, MAP_ARGSZ, -EINVAL },
		{ "size 0, no flag", FREE, 0, 0, 0, MAP_ARGSZ, -EINVAL },
	};
	const struct vfio_type *type = variant;

	setup(type->id);
	check_maps(cases, ARRAY_SIZE(cases));
	teardown();
}

static void map_alignment(void)
{
	static const struct map_case cases[] = {
		{ "iova", FREE + 1, 0, PAGE, RW, MAP_ARGSZ, -EINVAL },
		{ "iova 2048", FREE + 2048, 0, PAGE, RW, MAP_ARGSZ, -EINVAL },
		{ "vaddr", FREE, 1, PAGE, RW, MAP_ARGSZ, -EINVAL },
		{ "vaddr 2048", FREE, 2048, PAGE, RW, MAP_ARGSZ, -EINVAL },
		{ "size 1", FREE, 0, 1, RW, MAP_ARGSZ, -EINVAL },
		{ "size 4095", FREE, 0, PAGE - 1, RW, MAP_ARGSZ, -EINVAL },
		{ "size 4097", FREE, 0, PAGE + 1, RW, MAP_ARGSZ, -EINVAL },
		{ "all alike", FREE + 8, 8, PAGE + 8, RW, MAP_ARGSZ, -EINVAL },
		{ "over a mapping", IOVA + 1, 0, PAGE, RW, MAP_ARGSZ, -EINVAL },
	};

	setup(VFIO_TYPE1v2_IOMMU);
	check_maps(cases, ARRAY_SIZE(cases));
	teardown();
}

/* A range that wraps is checked before flags and alignment, and after argsz. */
static void map_overflow(void)
{
	static const struct map_case cases[] = {
		{ "iova wraps", TOP, 0, 2 * PAGE, RW, MAP_ARGSZ, -EOVERFLOW },
		{ "iova wraps far", 1UL << 63, 0, (1UL << 63) + PAGE, RW,
		  MAP_ARGSZ, -EOVERFLOW },
		{ "vaddr wraps", FREE, TOP, 2 * PAGE, RW, MAP_ARGSZ | ABSOLUTE,
		  -EOVERFLOW },
		{ "odd iova wraps", TOP + 1, 0, 2 * PAGE, RW, MAP_ARGSZ,
		  -EOVERFLOW },
		{ "wraps, no flag", TOP, 0, 2 * PAGE, 0, MAP_ARGSZ,
		  -EOVERFLOW },
		{ "wraps, unknown flag", TOP, 0, 2 * PAGE, RW | 8, MAP_ARGSZ,
		  -EINVAL },
		{ "wraps, short", TOP, 0, 2 * PAGE, RW, MAP_ARGSZ - 1,
		  -EINVAL },
		{ "all of 64 bits but a page", PAGE, 0, TOP, RW, MAP_ARGSZ,
		  -EOVERFLOW },
	};

	setup(VFIO_TYPE1v2_IOMMU);
	check_maps(cases, ARRAY_SIZE(cases));
	teardown();
}

static void map_overlap(const void *variant)
{
	static const struct map_case cases[] = {
		{ "same", IOVA, 0, 4 * PAGE, RW, MAP_ARGSZ, -EEXIST },
		{ "first page", IOVA, 0, PAGE, RW, MAP_ARGSZ, -EEXIST },
		{ "last page", IOVA + 3 * PAGE, 0, PAGE, RW, MAP_ARGSZ,
		  -EEXIST },
		{ "inside", IOVA + PAGE, 0, 2 * PAGE, RW, MAP_ARGSZ, -EEXIST },
		{ "around", IOVA - PAGE, 0, 6 * PAGE, RW, MAP_ARGSZ, -EEXIST },
		{ "from below", IOVA - PAGE, 0, 2 * PAGE, RW, MAP_ARGSZ,
		  -EEXIST },
		{ "from above", IOVA + 3 * PAGE, 0, 2 * PAGE, RW, MAP_ARGSZ,
		  -EEXIST },
		{ "just below", IOVA - PAGE, 0, PAGE, RW, MAP_ARGSZ, 0 },
		{ "just above", IOVA + 4 * PAGE, 0, PAGE, RW, MAP_ARGSZ, 0 },
	};
	const struct vfio_type *type = variant;

	setup(type->id);
	check_maps(cases, ARRAY_SIZE(cases));
	dma_check_pages(rig, 0, IOVA, memory, 4);
	teardown();
}

/* The interrupt window is in the way of every IOMMU. */
static void map_reserved(void)
{
	const struct map_case cases[] = {
		{ "in it", MSI_FIRST, 0, PAGE, RW, MAP_ARGSZ, -EINVAL },
		{ "its last page", MSI_LAST + 1 - PAGE, 0, PAGE, RW, MAP_ARGSZ,
		  -EINVAL },
		{ "into it", MSI_FIRST - PAGE, 0, 2 * PAGE, RW, MAP_ARGSZ,
		  -EINVAL },
		{ "out of it", MSI_LAST + 1 - PAGE, 0, 2 * PAGE, RW, MAP_ARGSZ,
		  -EINVAL },
		{ "around it", MSI_FIRST - 16 * MIB, 0, 32 * MIB, RW, MAP_ARGSZ,
		  -EINVAL },
		{ "before it", MSI_FIRST - PAGE, 0, PAGE, RW, MAP_ARGSZ, 0 },
		{ "behind it", MSI_LAST + 1, 0, PAGE, RW, MAP_ARGSZ, 0 },
	};
	static const struct map_case mock_cases[] = {
		{ "in it", 1UL << 44, 0, PAGE, RW, MAP_ARGSZ, -EINVAL },
		{ "into it", (1UL << 44) - PAGE, 0, 2 * PAGE, RW, MAP_ARGSZ,
		  -EINVAL },
		{ "before it", (1UL << 44) - PAGE, 0, PAGE, RW, MAP_ARGSZ, 0 },
		{ "behind it", (1UL << 44) + 0x10000, 0, PAGE, RW, MAP_ARGSZ,
		  0 },
		{ "beyond the aperture", 1UL << 48, 0, PAGE, RW, MAP_ARGSZ,
		  -EINVAL },
		{ "out of the aperture", (1UL << 48) - PAGE, 0, 2 * PAGE, RW,
		  MAP_ARGSZ, -EINVAL },
		{ "end of the aperture", (1UL << 48) - PAGE, 0, PAGE, RW,
		  MAP_ARGSZ, 0 },
	};

	setup(VFIO_TYPE1v2_IOMMU);
	check_maps(cases, ARRAY_SIZE(cases));
	if (sys_is_uml())
		check_maps(mock_cases, ARRAY_SIZE(mock_cases));
	teardown();
}

static void map_pointer(void)
{
	void *hole = mem_anon(2 * PAGE);

	setup(VFIO_TYPE1v2_IOMMU);
	expect_eq(ioctl(rig->container, VFIO_IOMMU_MAP_DMA, NULL), -1);
	expect_eq(errno, EFAULT);
	munmap(hole + PAGE, PAGE);
	/* All of it has to be readable, not just the beginning. */
	expect_eq(ioctl(rig->container, VFIO_IOMMU_MAP_DMA, hole + PAGE - 16),
		  -1);
	expect_eq(errno, EFAULT);
	teardown();
}

static void map_vaddr_flag(void)
{
	static const struct map_case cases[] = {
		{ "nothing there", FREE, 0, PAGE, MAP_VADDR, MAP_ARGSZ,
		  -ENOENT },
		{ "not invalidated", IOVA, 0, 4 * PAGE, MAP_VADDR, MAP_ARGSZ,
		  -EINVAL },
		{ "and more flags", FREE, 0, PAGE, RW | MAP_VADDR, MAP_ARGSZ,
		  -EINVAL },
	};

	setup(VFIO_TYPE1v2_IOMMU);
	check_maps(cases, ARRAY_SIZE(cases));
	teardown();
}

struct unmap_case {
	const char *what;
	uint64_t iova;
	uint64_t size;
	uint32_t flags;
	uint32_t argsz;
	int64_t want;
};

static void check_unmaps(const struct unmap_case *cases, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct unmap_case *c = &cases[i];
		struct vfio_iommu_type1_dma_unmap unmap = {
			.argsz = c->argsz,
			.flags = c->flags,
			.iova = c->iova,
			.size = c->size,
		};
		int64_t ret;

		ret = ioctl(rig->container, VFIO_IOMMU_UNMAP_DMA, &unmap) ?
			-errno : (int64_t)unmap.size;
		if (ret != c->want)
			test_say("case %s:", c->what);
		expect_ret(ret, c->want);
	}
}

static void unmap_arguments(const void *variant)
{
	static const struct unmap_case cases[] = {
		{ "nothing there", FREE, PAGE, 0, UNMAP_ARGSZ, 0 },
		{ "argsz too large", FREE, PAGE, 0, 4096, 0 },
		{ "argsz one less", FREE, PAGE, 0, UNMAP_ARGSZ - 1, -EINVAL },
		{ "argsz 0", FREE, PAGE, 0, 0, -EINVAL },
		{ "flag 3", FREE, PAGE, 8, UNMAP_ARGSZ, -EINVAL },
		{ "flag 31", FREE, PAGE, 1U << 31, UNMAP_ARGSZ, -EINVAL },
		{ "size 0", IOVA, 0, 0, UNMAP_ARGSZ, -EINVAL },
		{ "all 0 without the flag", 0, 0, 0, UNMAP_ARGSZ, -EINVAL },
		{ "size 1", IOVA, 1, 0, UNMAP_ARGSZ, -EINVAL },
		{ "size 4097", IOVA, PAGE + 1, 0, UNMAP_ARGSZ, -EINVAL },
		{ "iova", IOVA + 1, PAGE, 0, UNMAP_ARGSZ, -EINVAL },
		{ "iova 2048", IOVA + 2048, PAGE, 0, UNMAP_ARGSZ, -EINVAL },
		{ "all, iova", PAGE, 0, ALL, UNMAP_ARGSZ, -EINVAL },
		{ "all, size", 0, PAGE, ALL, UNMAP_ARGSZ, -EINVAL },
		{ "all, size of all", 0, TOP, ALL, UNMAP_ARGSZ, -EINVAL },
		{ "all, short", 0, 0, ALL, UNMAP_ARGSZ - 1, -EINVAL },
	};
	const struct vfio_type *type = variant;

	setup(type->id);
	check_unmaps(cases, ARRAY_SIZE(cases));
	teardown();
}

static void unmap_overflow(void)
{
	static const struct unmap_case cases[] = {
		{ "wraps", TOP, 2 * PAGE, 0, UNMAP_ARGSZ, -EOVERFLOW },
		{ "wraps far", 1UL << 63, (1UL << 63) + PAGE, 0, UNMAP_ARGSZ,
		  -EOVERFLOW },
		{ "wraps over a mapping", IOVA, TOP, 0, UNMAP_ARGSZ,
		  -EOVERFLOW },
		/* Here alignment is looked at first. */
		{ "odd and wraps", TOP + 1, 2 * PAGE, 0, UNMAP_ARGSZ, -EINVAL },
		{ "odd size wraps", TOP, PAGE + 1, 0, UNMAP_ARGSZ, -EINVAL },
		{ "the last page", TOP, PAGE, 0, UNMAP_ARGSZ, 0 },
		{ "up to the last page", FREE, TOP - FREE + PAGE, 0,
		  UNMAP_ARGSZ, 0 },
	};

	setup(VFIO_TYPE1v2_IOMMU);
	check_unmaps(cases, ARRAY_SIZE(cases));
	teardown();
}

static void unmap_pointer(void)
{
	char *hole = mem_anon(2 * PAGE);

	setup(VFIO_TYPE1v2_IOMMU);
	expect_eq(ioctl(rig->container, VFIO_IOMMU_UNMAP_DMA, NULL), -1);
	expect_eq(errno, EFAULT);
	munmap(hole + PAGE, PAGE);
	expect_eq(ioctl(rig->container, VFIO_IOMMU_UNMAP_DMA, hole + PAGE - 16),
		  -1);
	expect_eq(errno, EFAULT);
	teardown();
}

/* As long as nothing is tracked, this is an error in any driver. */
static void unmap_dirty_flag(void)
{
	__u64 bits[64] = { 0 };
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap = {
			.argsz = sizeof(arg),
			.flags = GET_DIRTY,
			.iova = IOVA,
			.size = 4 * PAGE,
		},
		.bitmap = {
			.pgsize = PAGE,
			.size = sizeof(bits),
			.data = bits,
		},
	};

	setup(VFIO_TYPE1v2_IOMMU);
	expect_eq(ioctl(rig->container, VFIO_IOMMU_UNMAP_DMA, &arg), -1);
	expect_eq(errno, EINVAL);
	arg.unmap.argsz = UNMAP_ARGSZ;
	expect_eq(ioctl(rig->container, VFIO_IOMMU_UNMAP_DMA, &arg), -1);
	expect_eq(errno, EINVAL);
	arg.unmap.flags |= ALL;
	expect_eq(ioctl(rig->container, VFIO_IOMMU_UNMAP_DMA, &arg), -1);
	expect_eq(errno, EINVAL);
	teardown();
}

static void get_info_arguments(void)
{
	struct vfio_iommu_type1_info info = { .argsz = 15 };

	setup(VFIO_TYPE1v2_IOMMU);
	expect_eq(ioctl(rig->container, VFIO_IOMMU_GET_INFO, &info), -1);
	expect_eq(errno, EINVAL);
	info.argsz = 0;
	expect_eq(ioctl(rig->container, VFIO_IOMMU_GET_INFO, &info), -1);
	expect_eq(errno, EINVAL);
	expect_eq(ioctl(rig->container, VFIO_IOMMU_GET_INFO, NULL), -1);
	expect_eq(errno, EFAULT);
	teardown();
}

static void other_ioctls(void)
{
	setup(VFIO_TYPE1v2_IOMMU);
	expect_eq(ioctl(rig->container, VFIO_IOMMU_ENABLE), -1);
	expect_eq(errno, ENOTTY);
	expect_eq(ioctl(rig->container, VFIO_IOMMU_DISABLE), -1);
	expect_eq(errno, ENOTTY);
	expect_eq(ioctl(rig->container, _IO(VFIO_TYPE, VFIO_BASE + 99)), -1);
	expect_eq(errno, ENOTTY);
	teardown();
}

static const struct test tests[] = {
	TEST_VARIANTS(map_arguments, vfio_types),
	TEST(map_alignment),
	TEST(map_overflow),
	TEST_VARIANTS(map_overlap, vfio_types),
	TEST(map_reserved),
	TEST(map_pointer),
	TEST(map_vaddr_flag),
	TEST_VARIANTS(unmap_arguments, vfio_types),
	TEST(unmap_overflow),
	TEST(unmap_pointer),
	TEST(unmap_dirty_flag),
	TEST(get_info_arguments),
	TEST(other_ioctls),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
