// SPDX-License-Identifier: GPL-2.0
/* UNMAP_DMA: what goes, what stays, and how much it says it was. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define N 16
#define SIZE (N * PAGE)
#define ALL VFIO_DMA_UNMAP_FLAG_ALL

static struct rig *rig;
static void *vaddr;
static long vmlck;

/* One mapping of N pages at IOVA. */
static void one_mapping(unsigned long type)
{
	rig = rig_open(1, type);
	vaddr = mem_anon(SIZE);
	vmlck = sys_vmlck();
	assert_ret(dma_map(rig->container, vaddr, IOVA, SIZE, RW), 0);
}

/* N mappings of a page each, side by side. */
static void many_mappings(unsigned long type)
{
	int i;

	rig = rig_open(1, type);
	vaddr = mem_anon(SIZE);
	vmlck = sys_vmlck();
	for (i = 0; i < N; i++)
		assert_ret(dma_map(rig->container, vaddr + i * PAGE,
				   IOVA + i * PAGE, PAGE, RW), 0);
}

static void check_locked(size_t npages)
{
	expect_eq(sys_vmlck(), vmlck + (long)(npages * PAGE >> 10));
}

static void v2_bisect_is_refused(void)
{
	static const struct { long first, last; } ranges[] = {
		{ 0, N - 1 }, { 1, N }, { 1, N - 1 }, { 0, 1 }, { N - 1, N },
		{ -1, 1 }, { N - 1, N + 1 }, { -1, N - 1 }, { 1, N + 1 },
		{ 3, 4 },
	};
	size_t i;

	one_mapping(VFIO_TYPE1v2_IOMMU);
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		expect_ret(dma_unmap(rig->container,
				     IOVA + ranges[i].first * PAGE,
				     (ranges[i].last - ranges[i].first) * PAGE),
			   -EINVAL);
	check_locked(N);
	dma_check_pages(rig, 0, IOVA, vaddr, N);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
}

/* The mappings that the range covers whole must not go either. */
static void v2_bisect_of_the_last_spares_the_first(void)
{
	many_mappings(VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, vaddr, IOVA + SIZE, 2 * PAGE, RW),
		   0);
	expect_ret(dma_unmap(rig->container, IOVA, SIZE + PAGE), -EINVAL);
	check_locked(N + 2);
	dma_check_pages(rig, 0, IOVA, vaddr, 2);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE + 2 * PAGE),
		   SIZE + 2 * PAGE);
}

static void v2_range_may_be_larger(void)
{
	one_mapping(VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_unmap(rig->container, IOVA - 8 * PAGE, 4 * SIZE), SIZE);
	check_locked(0);
	dma_check_refused(rig, 0, IOVA, vaddr);
}

static void v2_part_of_many(void)
{
	many_mappings(VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_unmap(rig->container, IOVA + 4 * PAGE, 8 * PAGE),
		   8 * PAGE);
	check_locked(8);
	dma_check_write(rig, 0, IOVA + 3 * PAGE, vaddr + 3 * PAGE, DMA_MAX);
	dma_check_refused(rig, 0, IOVA + 4 * PAGE, vaddr + 4 * PAGE);
	dma_check_refused(rig, 0, IOVA + 11 * PAGE, vaddr + 11 * PAGE);
	dma_check_write(rig, 0, IOVA + 12 * PAGE, vaddr + 12 * PAGE, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), 8 * PAGE);
	check_locked(0);
}

/* A range that does not begin at the mapping's first byte takes nothing. */
static void v1_inside_takes_nothing(void)
{
	one_mapping(VFIO_TYPE1_IOMMU);
	expect_ret(dma_unmap(rig->container, IOVA + PAGE, PAGE), 0);
	expect_ret(dma_unmap(rig->container, IOVA + PAGE, SIZE), 0);
	expect_ret(dma_unmap(rig->container, IOVA + SIZE - PAGE, 4 * PAGE), 0);
	check_locked(N);
	dma_check_pages(rig, 0, IOVA, vaddr, N);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
}

/* A range with the mapping's first byte in it takes all of it. */
static void v1_first_byte_takes_all(void)
{
	one_mapping(VFIO_TYPE1_IOMMU);
	assert_ret(dma_unmap(rig->container, IOVA, PAGE), SIZE);
	check_locked(0);
	dma_check_refused(rig, 0, IOVA, vaddr);
	dma_check_refused(rig, 0, IOVA + SIZE - PAGE, vaddr + SIZE - PAGE);
}

static void v1_range_may_begin_before(void)
{
	one_mapping(VFIO_TYPE1_IOMMU);
	assert_ret(dma_unmap(rig->container, IOVA - 4 * PAGE, 5 * PAGE), SIZE);
	check_locked(0);
	dma_check_refused(rig, 0, IOVA + SIZE - PAGE, vaddr + SIZE - PAGE);
}

/* It ends in the middle of the second one, which goes as a whole. */
static void v1_many(void)
{
	one_mapping(VFIO_TYPE1_IOMMU);
	assert_ret(dma_map(rig->container, vaddr, IOVA + SIZE, SIZE, RW), 0);
	assert_ret(dma_map(rig->container, vaddr, IOVA + 2 * SIZE, SIZE, RW),
		   0);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE + PAGE), 2 * SIZE);
	check_locked(N);
	dma_check_refused(rig, 0, IOVA + SIZE, vaddr);
	dma_check_write(rig, 0, IOVA + 2 * SIZE, vaddr, DMA_MAX);

	/* Begins inside: the search ends there, nothing behind it goes. */
	assert_ret(dma_map(rig->container, vaddr, IOVA + 3 * SIZE, SIZE, RW),
		   0);
	expect_ret(dma_unmap(rig->container, IOVA + 2 * SIZE + PAGE, 4 * SIZE),
		   0);
	assert_ret(dma_unmap(rig->container, IOVA, 8 * SIZE), 2 * SIZE);
	check_locked(0);
}

/*
 * SPDK issue 1705: a part of a mapping is unmapped, and the part is mapped anew.
 * v1 says success, and only the size says that nothing went; a program that
 * ignores the -EEXIST of the new map has DMA to the old page.
 */
static void v1_part_stays_and_cannot_be_mapped(void)
{
	const uint64_t half = SIZE / 2;
	char *other = mem_anon(SIZE);

	one_mapping(VFIO_TYPE1_IOMMU);
	expect_ret(dma_unmap(rig->container, IOVA + half, half), 0);
	expect_ret(dma_map(rig->container, other, IOVA + half, half, RW),
		   -EEXIST);
	check_locked(N);
	dma_check_write(rig, 0, IOVA + half, vaddr + half, DMA_MAX);
	dma_check_no_write(rig, 0, IOVA + half, other);

	/* Three in a row: a range into the second takes both whole. */
	assert_ret(dma_map(rig->container, vaddr, IOVA + SIZE, SIZE, RW), 0);
	assert_ret(dma_map(rig->container, vaddr, IOVA + 2 * SIZE, SIZE, RW),
		   0);
	expect_ret(dma_unmap(rig->container, IOVA + half, SIZE + half), 0);
	check_locked(3 * N);
	assert_ret(dma_unmap(rig->container, IOVA - half, 2 * SIZE), 2 * SIZE);
	check_locked(N);

	/* The first half takes the second with it, and then there is room. */
	assert_ret(dma_unmap(rig->container, IOVA + 2 * SIZE, half), SIZE);
	check_locked(0);
	assert_ret(dma_map(rig->container, other, IOVA + half, half, RW), 0);
	dma_check_write(rig, 0, IOVA + half, other, DMA_MAX);
	dma_check_no_read(rig, 0, IOVA + 2 * SIZE, vaddr);
}

/* v2 says what is wrong, and leaves the size as it was asked for. */
static void v2_part_is_refused_and_stays(void)
{
	static const struct { long first, npages; } parts[] = {
		{ 0, N / 2 }, { N / 2, N / 2 }, { N / 4, N / 2 },
		{ -1, N }, { N / 2, N },
	};
	size_t i;

	one_mapping(VFIO_TYPE1v2_IOMMU);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		struct vfio_iommu_type1_dma_unmap unmap = {
			.argsz = sizeof(unmap),
			.iova = IOVA + parts[i].first * PAGE,
			.size = parts[i].npages * PAGE,
		};

		expect_ret(ioctl(rig->container, VFIO_IOMMU_UNMAP_DMA, &unmap) ?
			   -errno : 0, -EINVAL);
		expect_eq(unmap.size, parts[i].npages * PAGE);
	}
	expect_ret(dma_map(rig->container, vaddr, IOVA + SIZE / 2, PAGE, RW),
		   -EEXIST);
	check_locked(N);
	dma_check_write(rig, 0, IOVA + SIZE / 2, vaddr + SIZE / 2, DMA_MAX);
}

/* What DPDK does with a hole in what it had mapped as a whole. */
static void v1_page_by_page_from_the_end(void)
{
	int64_t total = 0, size;
	long i;

	one_mapping(VFIO_TYPE1_IOMMU);
	for (i = N - 1; i >= 0; i--) {
		size = dma_unmap(rig->container, IOVA + i * PAGE, PAGE);
		assert_ge(size, 0);
		total += size;
	}
	expect_eq(total, SIZE);
	check_locked(0);
}

static void nothing_is_not_an_error(const void *variant)
{
	const struct vfio_type *type = variant;

	rig = rig_open(1, type->id);
	expect_ret(dma_unmap(rig->container, IOVA, SIZE), 0);
	expect_ret(dma_unmap(rig->container, IOVA, PAGE), 0);
	expect_ret(dma_unmap(rig->container, 1UL << 40, 1UL << 40), 0);
	assert_ret(dma_unmap(rig->container, IOVA_SCRATCH, PAGE), PAGE);
	expect_ret(dma_unmap(rig->container, IOVA_SCRATCH, PAGE), 0);
	expect_ret(dma_unmap_flags(rig->container, 0, 0, ALL), 0);
}

/* As QEMU clears a container: two halves of the whole 64 bits. */
static void two_halves_of_everything(void)
{
	const uint64_t half = 1ULL << 63;

	many_mappings(VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_unmap(rig->container, 0, half), SIZE + PAGE);
	assert_ret(dma_unmap(rig->container, half, half), 0);
	expect_eq(sys_vmlck(), vmlck - PAGE_KB);
}

static void all(const void *variant)
{
	const struct vfio_type *type = variant;

	many_mappings(type->id);
	assert_ret(dma_map(rig->container, vaddr, 1UL << 36, SIZE, RW), 0);
	assert_ret(dma_unmap_flags(rig->container, 0, 0, ALL),
		   2 * SIZE + PAGE);
	expect_eq(sys_vmlck(), vmlck - PAGE_KB);
	assert_ret(dma_map(rig->container, rig->scratch, IOVA_SCRATCH, PAGE,
			   RW), 0);
	dma_check_refused(rig, 0, IOVA, vaddr);
	dma_check_refused(rig, 0, 1UL << 36, vaddr);
}

static void all_of_many_entries(void)
{
	const size_t n = 3000;
	size_t i;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	vmlck = sys_vmlck();
	vaddr = mem_anon(PAGE);
	for (i = 0; i < n; i++)
		assert_ret(dma_map(rig->container, vaddr, IOVA + 2 * i * PAGE,
				   PAGE, RW), 0);
	check_locked(n);
	assert_ret(dma_unmap_flags(rig->container, 0, 0, ALL),
		   (n + 1) * PAGE);
	expect_eq(sys_vmlck(), vmlck - PAGE_KB);
}

/*
 * An IOMMU may refuse to flush a range that is too large, and its driver not tell.
 * Only what a device used before can be in an IOTLB, so it does DMA first.
 */
static void far_apart(void)
{
	static const uint64_t iovas[] = { 0x100000, 0x200000000, 0x7e00000000 };
	size_t i;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	vaddr = mem_anon(ARRAY_SIZE(iovas) * 2 * PAGE);
	for (i = 0; i < ARRAY_SIZE(iovas); i++) {
		assert_ret(dma_map(rig->container, vaddr + i * 2 * PAGE,
				   iovas[i], 2 * PAGE, RW), 0);
		dma_check_write(rig, 0, iovas[i], vaddr + i * 2 * PAGE,
				DMA_MAX);
	}
	assert_ret(dma_unmap_flags(rig->container, 0, 0, ALL),
		   (2 * ARRAY_SIZE(iovas) + 1) * PAGE);
	assert_ret(dma_map(rig->container, rig->scratch, IOVA_SCRATCH, PAGE,
			   RW), 0);
	for (i = 0; i < ARRAY_SIZE(iovas); i++)
		dma_check_refused(rig, 0, iovas[i], vaddr + i * 2 * PAGE);
}

/**
 * struct border - two pages on either side of an IOVA
 * @variant: name
 * @iova: the first byte of the second page
 * @registered: their memory is registered
 * @granule: they are mapped by granules of this size, or 0
 */
struct border {
	const char *variant;
	uint64_t iova;
	bool registered;
	uint64_t granule;
};

static const struct border borders[] = {
	{ "1g", 1UL << 30, false, 0 },
	{ "16g", 1UL << 34, false, 0 },
	{ "256g", 1UL << 38, false, 0 },
	{ "registered", 1UL << 34, true, 0 },
	{ "granules", 1UL << 34, false, PAGE },
};

/* Two pages are enough if a multiple of a large power of 2 is between them. */
static void across_a_border(const void *variant)
{
	const struct border *border = variant;
	const uint64_t iova = border->iova - PAGE;
	size_t at;

	if ((border->registered || border->granule) && !sys_is_type1x())
		test_skip("not on %s", sys_driver());
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	vaddr = mem_anon(2 * PAGE);
	if (border->registered)
		assert_ret(dma_register(rig->container, vaddr, 2 * PAGE,
					VFIO_TYPE1X_MEMORY_WRITE), 0);
	if (border->granule)
		assert_ret(dma_map_granule(rig->container, vaddr, iova,
					   2 * PAGE, border->granule), 0);
	else
		assert_ret(dma_map(rig->container, vaddr, iova, 2 * PAGE, RW),
			   0);
	for (at = 0; at < 2 * PAGE; at += PAGE)
		dma_check_write(rig, 0, iova + at, vaddr + at, DMA_MAX);
	assert_ret(dma_unmap(rig->container, iova, 2 * PAGE), 2 * PAGE);
	for (at = 0; at < 2 * PAGE; at += PAGE)
		dma_check_refused(rig, 0, iova + at, vaddr + at);
	if (border->registered)
		assert_ret(dma_unregister(rig->container, vaddr, 2 * PAGE), 0);
}

/* Unmapped IOVAs can be mapped again at once, to something else. */
static void map_again(void)
{
	void *other = mem_anon(SIZE);

	one_mapping(VFIO_TYPE1v2_IOMMU);
	dma_check_pages(rig, 0, IOVA, vaddr, 2);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	assert_ret(dma_map(rig->container, other, IOVA, SIZE, RW), 0);
	dma_check_no_write(rig, 0, IOVA, vaddr);
	dma_check_pages(rig, 0, IOVA, other, N);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	check_locked(0);
}

/* The same, hot: as a guest with a virtual IOMMU does for each packet. */
static void map_and_unmap_many_times(void)
{
	char *pages;
	int i;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	vmlck = sys_vmlck();
	pages = mem_anon(4 * PAGE);
	for (i = 0; i < 1000; i++) {
		void *page = pages + i % 4 * PAGE;

		assert_ret(dma_map(rig->container, page, IOVA, PAGE, RW), 0);
		if (i % (sys_is_uml() ? 10 : 250) == 0)
			dma_check_write(rig, 0, IOVA, page, 64);
		assert_ret(dma_unmap(rig->container, IOVA, PAGE), PAGE);
	}
	check_locked(0);
}

/* Large mappings between small ones, in an order that moves through a tree. */
static void any_order(void)
{
	const int n = 64, stride = 37;
	int i, at;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	vaddr = mem_anon(SIZE);
	vmlck = sys_vmlck();
	for (i = 0; i < n; i++) {
		at = i * stride % n;
		assert_ret(dma_map(rig->container, vaddr, IOVA + at * SIZE,
				   at % 2 ? PAGE : SIZE, RW), 0);
	}
	for (i = 0; i < n; i++) {
		at = i * (stride + 6) % n;
		assert_ret(dma_unmap(rig->container, IOVA + at * SIZE, SIZE),
			   at % 2 ? PAGE : SIZE);
	}
	check_locked(0);
}

static const struct test tests[] = {
	TEST(v2_bisect_is_refused),
	TEST(v2_bisect_of_the_last_spares_the_first),
	TEST(v2_range_may_be_larger),
	TEST(v2_part_of_many),
	TEST(v1_inside_takes_nothing),
	TEST(v1_first_byte_takes_all),
	TEST(v1_range_may_begin_before),
	TEST(v1_many),
	TEST(v1_part_stays_and_cannot_be_mapped),
	TEST(v2_part_is_refused_and_stays),
	TEST(v1_page_by_page_from_the_end),
	TEST_VARIANTS(nothing_is_not_an_error, vfio_types),
	TEST(two_halves_of_everything),
	TEST_VARIANTS(all, vfio_types),
	TEST(all_of_many_entries),
	TEST(far_apart),
	TEST_VARIANTS(across_a_border, borders),
	TEST(map_again),
	TEST(map_and_unmap_many_times),
	TEST(any_order),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
