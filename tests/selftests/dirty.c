// SPDX-License-Identifier: GPL-2.0
/* Dirty page tracking: which bits are reported, where they are written, and cleared. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/dirty.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define POISON		0xa5a5a5a5a5a5a5a5ULL

static struct rig *rig;

static void tracked(void)
{
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dirty_flags(rig->container, START), 0);
}

static void *mapped(uint64_t iova, size_t npages)
{
	void *memory = mem_anon(npages * PAGE);

	assert_ret(dma_map(rig->container, memory, iova, npages * PAGE, RW), 0);
	return memory;
}

static void poison(uint64_t *words, size_t n)
{
	while (n--)
		words[n] = POISON;
}

static void start_and_stop_repeat(void)
{
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	expect_ret(dirty_flags(rig->container, STOP), 0);
	expect_ret(dirty_flags(rig->container, START), 0);
	expect_ret(dirty_flags(rig->container, START), 0);
	expect_ret(dirty_flags(rig->container, STOP), 0);
	expect_ret(dirty_flags(rig->container, STOP), 0);
}

static void flags_and_argsz(void)
{
	struct vfio_iommu_type1_dirty_bitmap arg = {
		.argsz = sizeof(arg) - 1,
		.flags = START,
	};

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	expect_ret(dirty_flags(rig->container, 0), -EINVAL);
	expect_ret(dirty_flags(rig->container, START | STOP), -EINVAL);
	expect_ret(dirty_flags(rig->container, START | GET), -EINVAL);
	expect_ret(dirty_flags(rig->container, 8), -EINVAL);
	expect_ret(dirty_flags(rig->container, START | 1U << 31), -EINVAL);
	expect_ret(dirty_ioctl(rig->container, &arg), -EINVAL);
	expect_ret(dirty_ioctl(rig->container, NULL), -EFAULT);
	/* A header alone is not enough for a bitmap. */
	expect_ret(dirty_flags(rig->container, GET), -EINVAL);
}

static void v1_has_none(void)
{
	rig = rig_open(1, VFIO_TYPE1_IOMMU);
	expect_ret(dirty_flags(rig->container, START), -EACCES);
	expect_ret(dirty_flags(rig->container, 0), -EACCES);
}

static void every_mapped_page_is_dirty(void)
{
	uint64_t words[2] = {};

	tracked();
	mapped(IOVA, 70);
	assert_ret(dirty_get(rig->container, IOVA, 70 * PAGE, words, 16), 0);
	expect_eq(words[0], ~0ULL);
	expect_eq(words[1], 0x3f);
	/* And again: the device can still write to any of them. */
	memset(words, 0, sizeof(words));
	assert_ret(dirty_get(rig->container, IOVA, 70 * PAGE, words, 16), 0);
	expect_eq(words[0], ~0ULL);
	expect_eq(words[1], 0x3f);
}

static void mapped_before_start(void)
{
	uint64_t word = 0;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	mapped(IOVA, 5);
	assert_ret(dirty_flags(rig->container, START), 0);
	assert_ret(dirty_get(rig->container, IOVA, 5 * PAGE, &word, 8), 0);
	expect_eq(word, 0x1f);
}

/* Three mappings with holes between them share words. */
static void mappings_share_words(void)
{
	uint64_t words[3];

	tracked();
	mapped(IOVA + 3 * PAGE, 2);
	mapped(IOVA + 10 * PAGE, 60);
	mapped(IOVA + 100 * PAGE, 1);
	memset(words, 0, sizeof(words));
	assert_ret(dirty_get(rig->container, IOVA, 128 * PAGE, words, 16), 0);
	expect_eq(words[0], 0x18 | ~0ULL << 10);
	expect_eq(words[1], 0x3f | 1ULL << 36);
}

/* Only words that have a bit are written, and bits below the first are kept. */
static void words_without_mappings_are_left(void)
{
	uint64_t words[5];

	tracked();
	mapped(IOVA + 130 * PAGE, 1);
	poison(words, 5);
	assert_ret(dirty_get(rig->container, IOVA, 256 * PAGE, words, 32), 0);
	expect_eq(words[0], POISON);
	expect_eq(words[1], POISON);
	expect_eq(words[2], (POISON & 3) | 4);
	expect_eq(words[3], POISON);
	expect_eq(words[4], POISON);
}

static void bitmap_sizes(void)
{
	/* Far from the end of the address space, which a size may not pass. */
	static uint64_t words[4];

	tracked();
	mapped(IOVA, 65);
	expect_ret(dirty_get(rig->container, IOVA, 65 * PAGE, words, 8),
		   -EINVAL);
	expect_ret(dirty_get(rig->container, IOVA, 65 * PAGE, words, 0),
		   -EINVAL);
	expect_ret(dirty_get(rig->container, IOVA, 65 * PAGE, words, 15),
		   -EINVAL);
	expect_ret(dirty_get(rig->container, IOVA, 65 * PAGE, words, 16), 0);
	expect_ret(dirty_get(rig->container, IOVA, 65 * PAGE, words,
			     1UL << 28), 0);
	expect_ret(dirty_get(rig->container, IOVA, 65 * PAGE, words,
			     (1UL << 28) + 8), -EINVAL);
}

struct page_size {
	const char *variant;
	uint64_t size;
};

static const struct page_size page_sizes[] = {
	{ "0", 0 }, { "1", 1 }, { "3", 3 }, { "2048", 2048 }, { "4097", 4097 },
	{ "8192", 8192 }, { "2m", 1UL << 21 },
};

static void other_page_size(const void *variant)
{
	const struct page_size *page = variant;
	struct dirty_get get;
	uint64_t word = 0;

	tracked();
	mapped(IOVA, 4);
	dirty_get_init(&get, IOVA, 4 * PAGE, &word, 8);
	get.range.bitmap.pgsize = page->size;
	expect_ret(dirty_ioctl(rig->container, &get.head), -EINVAL);
}

static void ranges(void)
{
	static uint64_t words[64];

	tracked();
	mapped(IOVA, 4);
	expect_ret(dirty_get(rig->container, IOVA, 0, words, 8), -EINVAL);
	expect_ret(dirty_get(rig->container, IOVA + 1, PAGE, words, 8),
		   -EINVAL);
	expect_ret(dirty_get(rig->container, IOVA, PAGE + 1, words, 8),
		   -EINVAL);
	expect_ret(dirty_get(rig->container, IOVA + PAGE, 3 * PAGE, words, 8),
		   -EINVAL);
	expect_ret(dirty_get(rig->container, IOVA, 3 * PAGE, words, 8),
		   -EINVAL);
	expect_ret(dirty_get(rig->container, -PAGE, 2 * PAGE, words, 8),
		   -EOVERFLOW);
	expect_ret(dirty_get(rig->container, -PAGE, PAGE, words, 8), 0);
	expect_ret(dirty_get(rig->container, IOVA + MIB, PAGE, words, 8), 0);
	expect_ret(dirty_get(rig->container, IOVA - PAGE, 6 * PAGE, words, 8),
		   0);
}

static void without_tracking(void)
{
	uint64_t word = 0;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	mapped(IOVA, 4);
	expect_ret(dirty_get(rig->container, IOVA, 4 * PAGE, &word, 8),
		   -EINVAL);
	expect_ret(dirty_unmap(rig->container, IOVA, 4 * PAGE, &word, 8),
		   -EINVAL);
	assert_ret(dma_unmap(rig->container, IOVA, 4 * PAGE), 4 * PAGE);
}

static void unmap_tells(void)
{
	uint64_t words[2] = {};

	tracked();
	mapped(IOVA, 3);
	mapped(IOVA + 64 * PAGE, 2);
	assert_ret(dirty_unmap(rig->container, IOVA, 128 * PAGE, words, 16),
		   5 * PAGE);
	expect_eq(words[0], 7);
	expect_eq(words[1], 3);
	expect_ret(dma_unmap(rig->container, IOVA, 128 * PAGE), 0);
}

static void unmap_checks_first(void)
{
	uint64_t word = 0;

	tracked();
	mapped(IOVA, 65);
	expect_ret(dirty_unmap(rig->container, IOVA, 65 * PAGE, &word, 8),
		   -EINVAL);
	expect_ret(dirty_unmap(rig->container, IOVA, 64 * PAGE, &word, 8),
		   -EINVAL);
	assert_ret(dma_unmap(rig->container, IOVA, 65 * PAGE), 65 * PAGE);
}

/*
 * A page that cannot be written stands behind the word for the first mapping.
 * In-tree, that mapping is gone by then, and its dirty pages are not reported.
 */
static void unmap_with_bad_bitmap_changes_nothing(void)
{
	uint8_t *memory = mem_anon(2 * PAGE);
	uint64_t *words = (uint64_t *)(memory + PAGE) - 1;

	tracked();
	mapped(IOVA, 3);
	mapped(IOVA + 64 * PAGE, 2);
	assert_eq(munmap(memory + PAGE, PAGE), 0);
	expect_ret(dirty_unmap(rig->container, IOVA, 128 * PAGE, words, 16),
		   -EFAULT);
	assert_ret(dma_unmap(rig->container, IOVA, 128 * PAGE), 5 * PAGE);
}

static void bad_bitmap_leaves_the_bits(void)
{
	uint64_t words[2] = {};

	tracked();
	mapped(IOVA + 5 * PAGE, 3);
	expect_ret(dirty_get(rig->container, IOVA, 64 * PAGE, NULL, 8),
		   -EFAULT);
	expect_ret(dirty_get(rig->container, IOVA, 64 * PAGE,
			     (void *)(uintptr_t)~0xfffULL, 8), -EINVAL);
	assert_ret(dirty_get(rig->container, IOVA, 64 * PAGE, words, 8), 0);
	expect_eq(words[0], 0xe0);
}

static void large_mapping(void)
{
	size_t npages = 20000, bytes = (npages + 63) / 64 * 8, i;
	uint64_t *words = mem_anon(bytes + 8);

	tracked();
	mapped(IOVA + PAGE, npages);
	assert_ret(dirty_get(rig->container, IOVA, (npages + 1) * PAGE, words,
			     bytes + 8), 0);
	expect_eq(words[0], ~1ULL);
	for (i = 1; i < npages / 64; i++)
		assert_eq(words[i], ~0ULL);
	expect_eq(words[npages / 64], (1ULL << (npages % 64 + 1)) - 1);
}

static const struct test tests[] = {
	TEST(start_and_stop_repeat),
	TEST(flags_and_argsz),
	TEST(v1_has_none),
	TEST(every_mapped_page_is_dirty),
	TEST(mapped_before_start),
	TEST(mappings_share_words),
	TEST(words_without_mappings_are_left),
	TEST(bitmap_sizes),
	TEST_VARIANTS(other_page_size, page_sizes),
	TEST(ranges),
	TEST(without_tracking),
	TEST(unmap_tells),
	TEST(unmap_checks_first),
	TEST(unmap_with_bad_bitmap_changes_nothing),
	TEST(bad_bitmap_leaves_the_bits),
	TEST(large_mapping),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
