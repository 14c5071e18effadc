// SPDX-License-Identifier: GPL-2.0
/* GET_INFO: page sizes, the chain of capabilities, and the argsz protocol. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/counted.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define CAP_IOVA_RANGE	VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE
#define CAP_MIGRATION	VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION
#define CAP_DMA_AVAIL	VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL

#define CANARY		0xa5
#define BUFFER		4096

static unsigned char buffer[BUFFER];

/* GET_INFO with that argsz, the rest of the buffer full of canaries. */
static struct vfio_iommu_type1_info *get_info(uint32_t argsz)
{
	struct vfio_iommu_type1_info *info = (void *)buffer;

	memset(buffer, CANARY, sizeof(buffer));
	info->argsz = argsz;
	assert_eq(ioctl(rig->container, VFIO_IOMMU_GET_INFO, info), 0);
	return info;
}

static void check_untouched(size_t from)
{
	size_t i;

	for (i = from; i < sizeof(buffer) && buffer[i] == CANARY; i++)
		;
	if (i < sizeof(buffer))
		fail("wrote byte %zu of a buffer of %zu", i, from);
}

static uint32_t needed(void)
{
	return get_info(sizeof(struct vfio_iommu_type1_info))->argsz;
}

static void *find_cap(struct vfio_iommu_type1_info *info, int id)
{
	struct vfio_info_cap_header *cap;
	uint32_t at;

	for (at = info->cap_offset; at; at = cap->next) {
		cap = (void *)info + at;
		if (cap->id == id)
			return cap;
	}
	return NULL;
}

static void page_sizes(void)
{
	struct vfio_iommu_type1_info *info;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	info = get_info(sizeof(*info));
	expect_eq(info->flags & VFIO_IOMMU_INFO_PGSIZES,
		  VFIO_IOMMU_INFO_PGSIZES);
	expect_eq(info->iova_pgsizes & PAGE, PAGE);
	expect_eq(info->iova_pgsizes & (PAGE - 1), 0);
	if (sys_is_uml())
		expect_eq(info->iova_pgsizes, PAGE | HUGE_2M | GIB);
}

/* The first version of the structure ended before cap_offset. */
static void argsz_of_old(void)
{
	struct vfio_iommu_type1_info *info;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	info = get_info(16);
	check_untouched(16);
	expect_ne(info->flags & VFIO_IOMMU_INFO_CAPS, 0);
	expect_eq(info->argsz, needed());
}

/* Anything between: no more than that is written, in any case. */
static void argsz_between(void)
{
	struct vfio_iommu_type1_info *info;
	uint32_t argsz, need;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	need = needed();
	for (argsz = 17; argsz < need; argsz++) {
		info = get_info(argsz);
		check_untouched(argsz < sizeof(*info) ? argsz : sizeof(*info));
		expect_eq(info->argsz, need);
		if (argsz >= sizeof(*info))
			expect_eq(info->cap_offset, 0);
	}
}

static void argsz_exact(void)
{
	struct vfio_iommu_type1_info *info;
	uint32_t need;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	need = needed();
	info = get_info(need);
	check_untouched(need);
	expect_eq(info->argsz, need);
	expect_eq(info->cap_offset, sizeof(*info));
	expect_eq(info->flags, VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS);
}

static void argsz_larger(void)
{
	struct vfio_iommu_type1_info *info;
	uint32_t need;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	need = needed();
	info = get_info(BUFFER);
	check_untouched(need);
	expect_eq(info->argsz, BUFFER);
	expect_eq(info->cap_offset, sizeof(*info));
}

/* Every capability once, aligned, inside the buffer, and the chain ends. */
static void chain_is_sound(void)
{
	struct vfio_iommu_type1_info *info;
	struct vfio_info_cap_header *cap;
	uint32_t at, need, seen = 0;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	need = needed();
	info = get_info(need);
	for (at = info->cap_offset; at; at = cap->next) {
		cap = (void *)info + at;
		assert_le(at + sizeof(*cap), need);
		expect_eq(at % 8, 0);
		expect_eq(cap->version, 1);
		assert_le(cap->id, 31);
		assert_eq(seen & 1U << cap->id, 0);
		seen |= 1U << cap->id;
	}
	expect_eq(seen, 1U << CAP_IOVA_RANGE | 1U << CAP_DMA_AVAIL |
			1U << CAP_MIGRATION);
}

static void iova_ranges(void)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	uint64_t start, last;
	uint32_t i;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	cap = find_cap(get_info(BUFFER), CAP_IOVA_RANGE);
	assert_ne(cap, 0);
	assert_ge(cap->nr_iovas, 2);
	for (i = 0; i < cap->nr_iovas; i++) {
		start = cap->iova_ranges[i].start;
		last = cap->iova_ranges[i].end;
		expect_eq(start < last, 1);
		expect_eq(start & (PAGE - 1), 0);
		expect_eq(last & (PAGE - 1), PAGE - 1);
		/* Nothing of the interrupt window. */
		expect_eq(start <= MSI_LAST && last >= MSI_FIRST, 0);
		if (i)
			expect_eq(start > cap->iova_ranges[i - 1].end, 1);
	}
	expect_eq(cap->iova_ranges[0].start, 0);
	if (!sys_is_uml())
		return;
	assert_eq(cap->nr_iovas, 3);
	expect_eq(cap->iova_ranges[0].end, 0xfedfffff);
	expect_eq(cap->iova_ranges[1].start, 0xfef00000);
	expect_eq(cap->iova_ranges[1].end, (1UL << 44) - 1);
	expect_eq(cap->iova_ranges[2].start, (1UL << 44) + 0x10000);
	expect_eq(cap->iova_ranges[2].end, (1UL << 48) - 1);
}

/* What it says is what MAP accepts: the first and last page of each range. */
static void iova_ranges_are_true(void)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	void *page = mem_anon(2 * PAGE);
	uint32_t i;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	cap = find_cap(get_info(BUFFER), CAP_IOVA_RANGE);
	assert_ne(cap, 0);
	for (i = 0; i < cap->nr_iovas; i++) {
		uint64_t start = cap->iova_ranges[i].start;
		uint64_t last = cap->iova_ranges[i].end;

		/* An emulated IOMMU may translate less than it reports. */
		if (last == ~0ULL)
			continue;
		assert_ret(dma_map(rig->container, page, start, PAGE, RW), 0);
		dma_check_write(rig, 0, start, page, DMA_MAX);
		assert_ret(dma_unmap(rig->container, start, PAGE), PAGE);
		assert_ret(dma_map(rig->container, page, last - PAGE + 1, PAGE,
				   RW), 0);
		dma_check_write(rig, 0, last - PAGE + 1, page, DMA_MAX);
		assert_ret(dma_unmap(rig->container, last - PAGE + 1, PAGE),
			   PAGE);
		expect_ret(dma_map(rig->container, page, last - PAGE + 1,
				   2 * PAGE, RW), -EINVAL);
		if (start)
			expect_ret(dma_map(rig->container, page, start - PAGE,
					   2 * PAGE, RW), -EINVAL);
	}
}

static void check_reserved(const struct vfio_iommu_type1_info_cap_iova_range *cap,
			   uint64_t start, uint64_t last)
{
	uint64_t first_page = start & -PAGE, last_page = last & -PAGE;
	uint32_t i;

	for (i = 0; i < cap->nr_iovas; i++)
		expect_eq(cap->iova_ranges[i].start <= last &&
			  cap->iova_ranges[i].end >= start, 0);
	expect_ret(dma_map(rig->container, memory, first_page, PAGE, RW),
		   -EINVAL);
	expect_ret(dma_map(rig->container, memory, last_page, PAGE, RW),
		   -EINVAL);
}

/* What the kernel says of a group in sysfs is in no range and cannot be mapped. */
static void reserved_regions_are_left_out(void)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	char path[80], line[128], type[32], number[16];
	uint64_t start, last;
	int nr_msi = 0;
	FILE *regions;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_anon(PAGE);
	cap = find_cap(get_info(BUFFER), CAP_IOVA_RANGE);
	assert_ne(cap, 0);

	vfio_group_number(0, number, sizeof(number));
	snprintf(path, sizeof(path),
		 "/sys/kernel/iommu_groups/%s/reserved_regions", number);
	regions = fopen(path, "re");
	if (!regions)
		fail("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), regions)) {
		if (sscanf(line, "%lx %lx %31s", &start, &last, type) != 3)
			fail("%s: %s", path, line);
		/* Only a firmware's own use, which has ended, may be mapped over. */
		if (!strcmp(type, "direct-relaxable"))
			continue;
		test_say("%s %#lx-%#lx", type, start, last);
		check_reserved(cap, start, last);
		if (!strcmp(type, "msi")) {
			expect_eq(start, MSI_FIRST);
			expect_eq(last, MSI_LAST);
			nr_msi++;
		}
	}
	fclose(regions);
	expect_eq(nr_msi, 1);
}

/* With a limit it counts down, and up again; failures cost nothing. */
static void dma_avail_counts(void)
{
	char limit[16];

	sys_param_get("dma_entry_limit", limit, sizeof(limit));
	sys_param_set("dma_entry_limit", "10");
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	sys_param_set("dma_entry_limit", limit);
	memory = mem_anon(4 * PAGE);

	expect_eq(dma_avail(rig->container), 9);
	assert_ret(dma_map(rig->container, memory, IOVA, 2 * PAGE, RW), 0);
	assert_ret(dma_map(rig->container, memory, IOVA + 8 * PAGE, PAGE, RW),
		   0);
	expect_eq(dma_avail(rig->container), 7);
	expect_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), -EEXIST);
	expect_ret(dma_map(rig->container, NULL, IOVA + 16 * PAGE, PAGE, RW),
		   -EFAULT);
	expect_eq(dma_avail(rig->container), 7);
	assert_ret(dma_unmap(rig->container, IOVA, 2 * PAGE), 2 * PAGE);
	expect_eq(dma_avail(rig->container), 8);
	assert_ret(dma_unmap_flags(rig->container, 0, 0,
				   VFIO_DMA_UNMAP_FLAG_ALL), 2 * PAGE);
	expect_eq(dma_avail(rig->container), 10);
}

static void example(void)
{
	run_example("vmm");
}

static const struct test tests[] = {
	TEST(page_sizes),
	TEST(argsz_of_old),
	TEST(argsz_between),
	TEST(argsz_exact),
	TEST(argsz_larger),
	TEST(chain_is_sound),
	TEST(iova_ranges),
	TEST(iova_ranges_are_true),
	TEST(reserved_regions_are_left_out),
	TEST(dma_avail_counts),
	TEST(example),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
