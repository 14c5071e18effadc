// SPDX-License-Identifier: GPL-2.0
/*
 * The reason of each request that a user can have refused without more than the rig: what
 * uapi.rst lists, and not what needs a fault of memory or of hardware. gup_error.c has what
 * is wrong with memory, errlog.c what is about limits, and fault.c makes allocations fail.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <linux/vfio_type1x.h>
#include <sys/ioctl.h>

#include "lib/dirty.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"
#include "lib/watch.h"

#define ALL	VFIO_DMA_UNMAP_FLAG_ALL
#define VADDR	VFIO_DMA_UNMAP_FLAG_VADDR
#define BITMAP	VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP
#define TOP	(~0UL - PAGE + 1)

static struct rig *rig;
static int container;
static char *memory;	/* 4 pages */
static unsigned char bitmap[4096];

static int64_t map_nothing(void)
{
	return dma_map(container, memory, IOVA, 0, RW);
}

static int64_t map_for_nothing(void)
{
	return dma_map(container, memory, IOVA, PAGE, 0);
}

static int64_t map_beyond_the_top(void)
{
	return dma_map(container, memory, TOP, 2 * PAGE, RW);
}

static int64_t map_by_no_granules(void)
{
	return dma_map_granule(container, memory, IOVA, PAGE, 0);
}

static int64_t map_by_three_pages(void)
{
	return dma_map_granule(container, memory, IOVA, 3 * PAGE, 3 * PAGE);
}

static int64_t map_not_aligned(void)
{
	return dma_map(container, memory + 1, IOVA, PAGE, RW);
}

static int64_t map_below_msi(void)
{
	return dma_map(container, memory, MSI_FIRST - PAGE, 4 * PAGE, RW);
}

static int64_t new_vaddr_of_nothing(void)
{
	return dma_map(container, memory, IOVA, PAGE, VFIO_DMA_MAP_FLAG_VADDR);
}

static int64_t unmap_all_of_a_size(void)
{
	return dma_unmap_flags(container, IOVA, PAGE, ALL);
}

static int64_t unmap_beyond_the_top(void)
{
	return dma_unmap(container, TOP, 2 * PAGE);
}

static int64_t unmap_unknown_flags(void)
{
	return dma_unmap_flags(container, IOVA, PAGE, 0x80);
}

static int64_t unmap_with_a_bitmap_of_all(void)
{
	return dma_unmap_flags(container, 0, 0, ALL | BITMAP);
}

static int64_t unmap_without_room_for_a_bitmap(void)
{
	return dma_unmap_flags(container, IOVA, PAGE, BITMAP);
}

static int64_t unmap_a_part(void)
{
	assert_ret(dma_map(container, memory, IOVA, 4 * PAGE, RW), 0);
	return dma_unmap(container, IOVA + PAGE, PAGE);
}

static int64_t unmap_with_a_bitmap_untracked(void)
{
	assert_ret(dma_map(container, memory, IOVA, PAGE, RW), 0);
	return dirty_unmap(container, IOVA, PAGE, bitmap, 8);
}

static int64_t unmap_to_one_mapping_more(void)
{
	assert_ret(dma_map_granule(container, memory, IOVA, 4 * PAGE, PAGE), 0);
	return dma_unmap(container, IOVA + PAGE, PAGE);
}

static int64_t unmap_vaddr_twice(void)
{
	assert_ret(dma_map(container, memory, IOVA, PAGE, RW), 0);
	assert_ret(dma_unmap_flags(container, IOVA, PAGE, VADDR), PAGE);
	return dma_unmap_flags(container, IOVA, PAGE, VADDR);
}

static int64_t join_without_a_vaddr(void)
{
	assert_ret(dma_map(container, memory, IOVA, PAGE, RW), 0);
	assert_ret(dma_unmap_flags(container, IOVA, PAGE, VADDR), PAGE);
	return vfio_group_join(vfio_group_open(1), container);
}

static int64_t dirty_by_two_flags(void)
{
	return dirty_flags(container, START | STOP);
}

static int64_t dirty_untracked(void)
{
	return dirty_get(container, IOVA, PAGE, bitmap, 8);
}

static int64_t dirty_of_no_bytes(void)
{
	assert_ret(dirty_flags(container, START), 0);
	return dirty_get(container, IOVA, 0, bitmap, 8);
}

static int64_t dirty_beyond_the_top(void)
{
	assert_ret(dirty_flags(container, START), 0);
	return dirty_get(container, TOP, 2 * PAGE, bitmap, 8);
}

static int64_t dirty_not_aligned(void)
{
	assert_ret(dirty_flags(container, START), 0);
	return dirty_get(container, IOVA + 1, PAGE, bitmap, 8);
}

static int64_t dirty_with_too_little_room(void)
{
	assert_ret(dirty_flags(container, START), 0);
	return dirty_get(container, IOVA, 65 * PAGE, bitmap, 8);
}

static int64_t dirty_without_a_range(void)
{
	return dirty_flags(container, GET);
}

static int64_t dirty_without_argsz(void)
{
	struct vfio_iommu_type1_dirty_bitmap arg = { .argsz = 4, .flags = START };

	return dirty_ioctl(container, &arg);
}

static int64_t info_without_argsz(void)
{
	struct vfio_iommu_type1_info info = { .argsz = 4 };

	return ioctl(container, VFIO_IOMMU_GET_INFO, &info) ? -errno : 0;
}

static int64_t register_unknown_flags(void)
{
	return dma_register(container, memory, PAGE, 0x80);
}

static int64_t register_half_a_page(void)
{
	return dma_register(container, memory + PAGE / 2, PAGE, 0);
}

static int64_t register_beyond_the_top(void)
{
	return dma_register(container, (void *)TOP, 2 * PAGE, 0);
}

static int64_t register_twice(void)
{
	assert_ret(dma_register(container, memory, 2 * PAGE, 0), 0);
	return dma_register(container, memory + PAGE, 2 * PAGE, 0);
}

static int64_t unregister_what_is_mapped(void)
{
	assert_ret(dma_register(container, memory, PAGE, VFIO_TYPE1X_MEMORY_WRITE), 0);
	assert_ret(dma_map(container, memory, IOVA, PAGE, RW), 0);
	return dma_unregister(container, memory, PAGE);
}

static int64_t map_to_be_written_what_is_not(void)
{
	assert_ret(dma_register(container, memory, PAGE, 0), 0);
	return dma_map(container, memory, IOVA, PAGE, RW);
}

static int64_t map_what_is_not_registered(void)
{
	return dma_map(container, memory, IOVA, PAGE, RW);
}

static int64_t dirty_of_version_1(void)
{
	return dirty_flags(container, START);
}

/**
 * struct refusal - a request that is refused
 * @variant: its name
 * @request: makes it, and returns what it returned
 * @ret: what that is
 * @why: a part of the reason
 * @type: of container; 0: VFIO_TYPE1v2_IOMMU
 */
struct refusal {
	const char *variant;
	int64_t (*request)(void);
	int ret;
	const char *why;
	unsigned long type;
};

#define REFUSAL(request, ret, why)	{ #request, request, ret, why, 0 }

static const struct refusal refusals[] = {
	REFUSAL(map_nothing, -EINVAL, "map of no bytes"),
	REFUSAL(map_for_nothing, -EINVAL, "map neither readable nor writable"),
	REFUSAL(map_beyond_the_top, -EOVERFLOW, " wraps"),
	REFUSAL(map_by_no_granules, -EINVAL, "map by granules with argsz "),
	REFUSAL(map_by_three_pages, -EINVAL, "] by granules of 0x"),
	REFUSAL(map_not_aligned, -EINVAL, " is not aligned to 0x"),
	REFUSAL(map_below_msi, -EINVAL, "] is reserved for interrupts (MSI)"),
	REFUSAL(new_vaddr_of_nothing, -ENOENT, "new vaddr 0x"),
	REFUSAL(unmap_all_of_a_size, -EINVAL, "unmap all takes neither IOVA nor size"),
	REFUSAL(unmap_beyond_the_top, -EOVERFLOW, " wraps"),
	REFUSAL(unmap_unknown_flags, -EINVAL, "unmap with flags 0x80, of which 0x80 are unknown"),
	REFUSAL(unmap_with_a_bitmap_of_all, -EINVAL, ": a bitmap is not for all, nor for a vaddr"),
	REFUSAL(unmap_without_room_for_a_bitmap, -EINVAL, "unmap with a bitmap and argsz "),
	REFUSAL(unmap_a_part, -EINVAL, "] would bisect a mapping"),
	REFUSAL(unmap_with_a_bitmap_untracked, -EINVAL, "dirty pages are not tracked, or not by "),
	REFUSAL(unmap_to_one_mapping_more, -ENOSPC,
		"] makes two mappings of one: dma_entry_limit reached"),
	REFUSAL(unmap_vaddr_twice, -EINVAL, " is invalid already"),
	REFUSAL(join_without_a_vaddr, -EBUSY, "attach: a vaddr is invalid"),
	REFUSAL(dirty_by_two_flags, -EINVAL, "dirty pages: flags 0x3, not just one"),
	REFUSAL(dirty_untracked, -EINVAL, "]: not tracked, or bisects a mapping"),
	REFUSAL(dirty_of_no_bytes, -EINVAL, "dirty pages of no bytes"),
	REFUSAL(dirty_beyond_the_top, -EOVERFLOW, " wrap"),
	REFUSAL(dirty_not_aligned, -EINVAL, " are not aligned to 0x"),
	REFUSAL(dirty_with_too_little_room, -EINVAL, "bitmap of 0x8 bytes by 0x"),
	REFUSAL(dirty_without_a_range, -EINVAL, "dirty pages: no room for a range in argsz"),
	REFUSAL(dirty_without_argsz, -EINVAL, "dirty pages with argsz 4"),
	REFUSAL(info_without_argsz, -EINVAL, "argsz"),
	REFUSAL(register_unknown_flags, -EINVAL, "memory with argsz "),
	REFUSAL(register_half_a_page, -EINVAL, ": not whole pages, or nothing"),
	REFUSAL(register_beyond_the_top, -EOVERFLOW, " wraps"),
	REFUSAL(register_twice, -EEXIST, "], which is registered"),
	REFUSAL(unregister_what_is_mapped, -EBUSY, "], of which 1 mappings are made"),
	REFUSAL(map_to_be_written_what_is_not, -EPERM, "], registered without write"),
	{ "map_what_is_not_registered", map_what_is_not_registered, -EINVAL,
	  "], which is not registered", VFIO_TYPE1X_REGISTERED_IOMMU },
	{ "dirty_of_version_1", dirty_of_version_1, -EACCES,
	  "dirty pages: not for VFIO_TYPE1_IOMMU", VFIO_TYPE1_IOMMU },
};

static void reason(const void *variant)
{
	const struct refusal *refusal = variant;
	char limit[32];

	/* The rig has one mapping, and this is another. */
	sys_param_get("dma_entry_limit", limit, sizeof(limit));
	if (refusal->request == unmap_to_one_mapping_more)
		sys_param_set("dma_entry_limit", "2");
	rig = rig_open(1, refusal->type ?: VFIO_TYPE1v2_IOMMU);
	sys_param_set("dma_entry_limit", limit);
	container = rig->container;
	memory = mem_anon(4 * PAGE);
	watch_expect_reason(refusal->request(), refusal->ret, "%s", refusal->why);
}

static const struct test tests[] = {
	TEST_VARIANTS(reason, refusals),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
