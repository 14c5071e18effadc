// SPDX-License-Identifier: GPL-2.0
/*
 * What the parts of a mapping keep when it is split: its domains, dirty pages, held
 * pages, vaddr, MMIO, registered memory, owner.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/counted.h"
#include "lib/dirty.h"
#include "lib/mdev.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* The mock's device whose accesses cannot be made coherent: a second domain. */
#define NONCOHERENT	2

/* Its region that is RAM, physically contiguous. */
#define REGION_MEMORY	3
#define REGION_SIZE	(4 * MIB)

static int64_t unmap(uint64_t first, uint64_t npages)
{
	return dma_unmap(rig->container, IOVA + first * PAGE, npages * PAGE);
}

/* Pages of the mapping that is split. */
static uint64_t end;

static void map(const void *vaddr, uint64_t size, uint64_t granule)
{
	end = size / PAGE;
	assert_ret(dma_map_granule(rig->container, vaddr, IOVA, size, granule),
		   0);
}

/* Device @nr reaches pages [from, to) and neither of those around them. */
static void check_part(int nr, char *vaddr, uint64_t from, uint64_t to)
{
	dma_check_pages(rig, nr, IOVA + from * PAGE, vaddr + from * PAGE, 1);
	dma_check_pages(rig, nr, IOVA + (to - 1) * PAGE, vaddr + (to - 1) * PAGE,
			1);
	if (from)
		dma_check_refused(rig, nr, IOVA + (from - 1) * PAGE,
				  vaddr + (from - 1) * PAGE);
	if (to < end)
		dma_check_refused(rig, nr, IOVA + to * PAGE, vaddr + to * PAGE);
}

/* A domain that comes later has leaves as small, and what is left of a mapping. */
static void second_domain(void)
{
	char *region;
	long large;

	rig_of(VFIO_TYPE1v2_IOMMU);
	if (!sys_is_uml())
		test_skip("needs a mock device");
	region = vfio_region_map(&rig->devices[0], REGION_MEMORY,
				 mem_anon_aligned(REGION_SIZE, HUGE_2M), 0,
				 REGION_SIZE);
	large = sys_mock_get("mapped_2m");
	map(region, REGION_SIZE, 16 * PAGE);
	assert_ret(unmap(32, 16), 16 * PAGE);
	rig_add_mock(rig, NONCOHERENT);
	expect_eq(sys_mock_get("mapped_2m"), large);
	check_part(0, region, 0, 32);
	check_part(1, region, 0, 32);
	check_part(1, region, 48, end);

	assert_ret(unmap(640, 16), 16 * PAGE);
	check_part(0, region, 48, 640);
	check_part(1, region, 48, 640);
	check_part(1, region, 656, end);
	assert_ret(unmap(0, 640), 624 * PAGE);
	dma_check_refused(rig, 0, IOVA, region);
	dma_check_refused(rig, 1, IOVA, region);
	check_part(1, region, 656, end);
}

/* --- Dirty pages ------------------------------------------------------------------ */

static int mdev, mdev_group;

static void with_mdev(void)
{
	mdev_group = mdev_group_open(0);
	rig_of(VFIO_TYPE1v2_IOMMU);
	vfio_device_close(&rig->devices[0]);
	assert_ret(vfio_group_join(mdev_group, rig->container), 0);
	mdev = mdev_device_open(mdev_group, 0);
	/* Only what the mediated device writes is dirty now. */
	assert_ret(vfio_group_leave(rig->groups[0]), 0);
	count();
}

static void write_page(uint64_t page)
{
	unsigned char byte = 1;

	assert_ret(mdev_op(mdev, T1X_MDEV_WRITE, IOVA + page * PAGE, 0, 1,
			   &byte), 0);
}

static uint64_t dirty_word(uint64_t first, uint64_t npages)
{
	uint64_t word = 0;

	assert_ret(dirty_get(rig->container, IOVA + first * PAGE, npages * PAGE,
			     &word, sizeof(word)), 0);
	return word;
}

static void dirty_pages(void)
{
	uint64_t words[4] = {}, word = 0;

	with_mdev();
	map(memory, SIZE, PAGE);
	assert_ret(dirty_flags(rig->container, START), 0);
	write_page(3);
	write_page(69);
	write_page(70);
	write_page(140);
	write_page(205);
	write_page(300);

	/* A part that begins and ends in the middle of words. */
	assert_ret(dirty_unmap(rig->container, IOVA + 70 * PAGE, 136 * PAGE,
			       words, sizeof(words)), 136 * PAGE);
	expect_eq(words[0], 1);
	expect_eq(words[1], 1ULL << (140 - 70 - 64));
	expect_eq(words[2], 1ULL << (205 - 70 - 128));
	expect_eq(words[3], 0);

	/* The bitmap of a part clears its dirty bits, and no others. */
	expect_eq(dirty_word(2, 5), 1ULL << 1);
	expect_eq(dirty_word(0, 40), 0);
	write_page(3);
	assert_ret(unmap(40, 20), 20 * PAGE);
	expect_eq(dirty_word(0, 40), 1ULL << 3);
	expect_eq(dirty_word(60, 10), 1ULL << 9);
	assert_ret(unmap(206, 50), 50 * PAGE);
	assert_ret(unmap(310, N), (N - 310) * PAGE);
	expect_eq(dirty_word(256, 54), 1ULL << (300 - 256));
	expect_eq(dirty_word(256, 54), 0);

	assert_ret(dma_map_granule(rig->container, memory, IOVA + GIB, 8 * PAGE,
				   4 * PAGE), 0);
	expect_ret(dirty_get(rig->container, IOVA + GIB + 2 * PAGE, 4 * PAGE,
			     &word, 8), -EINVAL);
	assert_ret(dma_unmap(rig->container, IOVA + GIB, 8 * PAGE), 8 * PAGE);

	/* Pages written after the split. */
	write_page(260);
	assert_ret(dirty_unmap(rig->container, IOVA + 256 * PAGE, 10 * PAGE,
			       &word, sizeof(word)), 10 * PAGE);
	expect_eq(word, 1ULL << 4);
	expect_ret(dma_unmap(rig->container, IOVA, SIZE), 94 * PAGE);
}

/* A bitmap that cannot be written: nothing is unmapped, and nothing is split. */
static void dirty_pages_bad_bitmap(void)
{
	uint32_t avail;

	rig_of(VFIO_TYPE1v2_IOMMU);
	map(memory, SIZE, PAGE);
	assert_ret(dirty_flags(rig->container, START), 0);
	avail = dma_avail(rig->container);
	expect_ret(dirty_unmap(rig->container, IOVA + 8 * PAGE, 8 * PAGE, NULL,
			       8), -EFAULT);
	expect_eq(dma_avail(rig->container), avail);
	expect_more(N);
	dma_check_pages(rig, 0, IOVA, memory, N);
	assert_ret(dma_unmap_flags(rig->container, IOVA, SIZE,
				   VFIO_DMA_UNMAP_FLAG_VADDR), SIZE);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE,
			   VFIO_DMA_MAP_FLAG_VADDR), 0);
}

/* A device that may write anywhere: all of the part, and no bit beside it. */
static void dirty_pages_of_a_device(void)
{
	uint64_t words[2] = {};

	rig_of(VFIO_TYPE1v2_IOMMU);
	map(memory, SIZE, PAGE);
	assert_ret(dirty_flags(rig->container, START), 0);
	assert_ret(dirty_unmap(rig->container, IOVA + 9 * PAGE, 70 * PAGE,
			       words, sizeof(words)), 70 * PAGE);
	expect_eq(words[0], ~0ULL);
	expect_eq(words[1], (1ULL << 6) - 1);
	check_part(0, memory, 79, N);
}

/* --- Pages that mediated devices hold ----------------------------------------------- */

static int pin(uint64_t page, int64_t npages)
{
	return mdev_pin(mdev, IOVA + page * PAGE, npages);
}

static int unpin(uint64_t page, int64_t npages)
{
	return mdev_unpin(mdev, IOVA + page * PAGE, npages);
}

static void held_pages(void)
{
	with_mdev();
	map(memory, SIZE, PAGE);
	expect_more(0);
	assert_ret(pin(5, 4), 4);
	assert_ret(pin(30, 3), 3);
	assert_ret(pin(100, 1), 1);
	expect_more(8);

	/* Only the pages that are unmapped have to be unpinned. */
	assert_ret(unmap(10, 10), 10 * PAGE);
	expect_eq(mdev_told(mdev), 0);
	expect_more(8);
	assert_ret(unmap(7, 24), 14 * PAGE);
	expect_ge(mdev_told(mdev), 1);
	expect_more(2 + 2 + 1);
	assert_ret(unpin(31, 2), 0);
	assert_ret(unpin(100, 1), 0);
	expect_more(2);
	assert_ret(pin(200, 10), 10);
	expect_more(12);
	expect_ret(pin(30, 1), -EINVAL);

	/* With an IOMMU all that is left is charged, and what is held is not twice. */
	assert_ret(dma_unmap(rig->container, IOVA_SCRATCH, PAGE), PAGE);
	assert_ret(vfio_group_join(rig->groups[0], rig->container), 0);
	expect_eq(sys_vmlck(), vmlck + (long)(N - 24) * PAGE_KB);
	assert_ret(unmap(205, 1), PAGE);
	expect_eq(sys_vmlck(), vmlck + (long)(N - 25) * PAGE_KB);
	assert_ret(vfio_group_leave(rig->groups[0]), 0);
	expect_more(11);
	assert_ret(unpin(200, 5), 0);
	assert_ret(unpin(206, 4), 0);
	assert_ret(unpin(5, 2), 0);
	expect_more(0);
}

/* The device keeps its pages: nothing is unmapped, and nothing is split. */
static void held_by_the_deaf(void)
{
	uint32_t avail;

	with_mdev();
	map(memory, SIZE, PAGE);
	assert_ret(pin(5, 4), 4);
	avail = dma_avail(rig->container);
	assert_ret(mdev_deaf(mdev, 1000), 0);
	expect_ret(unmap(6, 10), -EBUSY);
	expect_eq(dma_avail(rig->container), avail);
	expect_more(4);
	assert_ret(unmap(9, 10), 10 * PAGE);
	assert_ret(mdev_deaf(mdev, 0), 0);
	assert_ret(unmap(0, N), SIZE - 10 * PAGE);
	expect_more(0);
}

/* --- Owners ------------------------------------------------------------------------- */

static int take_back(uint64_t first, uint64_t npages)
{
	return dma_unmap_flags(rig->container, IOVA + first * PAGE,
			       npages * PAGE, VFIO_DMA_UNMAP_FLAG_VADDR) / PAGE;
}

static int give(void *vaddr, uint64_t first, uint64_t npages)
{
	return dma_map(rig->container, vaddr, IOVA + first * PAGE,
		       npages * PAGE, VFIO_DMA_MAP_FLAG_VADDR);
}

static void new_vaddr(void)
{
	rig_of(VFIO_TYPE1v2_IOMMU);
	map(memory, SIZE, PAGE);
	expect_ret(take_back(0, 10) * PAGE, -EINVAL / PAGE * PAGE);
	assert_ret(unmap(10, 10), 10 * PAGE);
	assert_ret(take_back(0, N), N - 10);
	/* An invalid vaddr is no reason not to unmap. */
	assert_ret(unmap(100, 1), PAGE);
	expect_ret(give(memory, 0, N), -EINVAL);
	expect_ret(give(memory + 20 * PAGE, 20, N - 20), -EINVAL);
	assert_ret(give(memory + 20 * PAGE, 20, 80), 0);
	assert_ret(give(memory + 101 * PAGE, 101, N - 101), 0);
	assert_ret(give(memory, 0, 10), 0);
	expect_ret(give(memory, 0, 10), -EINVAL);
	expect_more(N - 11);
	check_part(0, memory, 20, 100);
	check_part(0, memory, 101, N);
	/* Nothing is invalid: a group may come. */
	assert_ret(vfio_group_join(vfio_group_open(1), rig->container), 0);
}

/* In a child, which has the memory, since it is shared: one part is its own then. */
static int adopt(uint64_t first, uint64_t npages)
{
	long before = sys_vmlck();

	if (give(memory + first * PAGE, first, npages))
		return 1;
	if (sys_vmlck() != before + (long)(npages * PAGE >> 10))
		return 2;
	if (unmap(first + 1, 1) != (int64_t)PAGE)
		return 3;
	return sys_vmlck() == before + (long)((npages - 1) * PAGE >> 10) ? 0 : 4;
}

static void new_owner_of_a_part(void)
{
	int status;
	pid_t pid;

	rig_of(VFIO_TYPE1v2_IOMMU);
	map(memory, SIZE, PAGE);
	assert_ret(unmap(10, 10), 10 * PAGE);
	assert_ret(take_back(20, N - 20), N - 20);
	pid = fork();
	if (!pid)
		_exit(adopt(20, N - 20));
	assert_eq(waitpid(pid, &status, 0), pid);
	assert_eq(status, 0);
	expect_eq(sys_vmlck(), vmlck + 10 * PAGE_KB);
	expect_eq(sys_pins(), pins + (long)N - 11);
	check_part(0, memory, 22, N);
	assert_ret(unmap(0, N), SIZE - 11 * PAGE);
	expect_more(0);
}

static void limit_after_cuts(void)
{
	mem_allow_ipc_lock(false);
	mem_limit(N + 1);
	rig_of(VFIO_TYPE1v2_IOMMU);
	map(memory, SIZE, PAGE);
	assert_ret(unmap(10, 10), 10 * PAGE);
	assert_ret(unmap(300, 7), 7 * PAGE);
	expect_ret(dma_map(rig->container, memory, IOVA + GIB, 18 * PAGE, RW),
		   -ENOMEM);
	assert_ret(dma_map(rig->container, memory, IOVA + GIB, 17 * PAGE, RW),
		   0);
	expect_more(N);
	assert_ret(unmap(0, N), SIZE - 17 * PAGE);
	expect_more(17);
}

/* --- Registered memory -------------------------------------------------------------- */

static void registered_memory(void)
{
	rig_with_registered(WRITE);
	map(memory, SIZE, PAGE);
	assert_ret(dma_map_granule(rig->container, memory + 100 * PAGE,
				   IOVA + GIB, 100 * PAGE, 4 * PAGE), 0);
	expect_more(N);
	assert_ret(unmap(30, 7), 7 * PAGE);
	assert_ret(dma_unmap(rig->container, IOVA + GIB + 8 * PAGE, 4 * PAGE),
		   4 * PAGE);
	expect_more(N);
	check_part(0, memory, 37, N);
	dma_check_pages(rig, 0, IOVA + GIB, memory + 100 * PAGE, 8);
	dma_check_refused(rig, 0, IOVA + GIB + 8 * PAGE, memory + 108 * PAGE);
	dma_check_pages(rig, 0, IOVA + GIB + 12 * PAGE, memory + 112 * PAGE, 4);

	expect_ret(dma_unregister(rig->container, memory, SIZE), -EBUSY);
	assert_ret(dma_unmap(rig->container, IOVA + GIB, 100 * PAGE),
		   96 * PAGE);
	expect_ret(dma_unregister(rig->container, memory, SIZE), -EBUSY);
	assert_ret(unmap(0, 30), 30 * PAGE);
	expect_ret(dma_unregister(rig->container, memory, SIZE), -EBUSY);
	assert_ret(unmap(0, N), (N - 37) * PAGE);
	assert_ret(dma_unregister(rig->container, memory, SIZE), 0);
	expect_more(0);
}

/* --- MMIO --------------------------------------------------------------------------- */

#define BAR_PAGES	256
#define BAR_SIZE	(BAR_PAGES * PAGE)

static struct bar bar;

/* A window of RAM, a region of a device, and RAM again. */
static char *ram_and_bar(uint64_t before, uint64_t after)
{
	uint64_t npages = before + BAR_PAGES + after;
	char *vaddr = mem_anon_aligned(npages * PAGE, BAR_SIZE);
	int group;

	rig_of(VFIO_TYPE1v2_IOMMU);
	mem_fill_pages(vaddr, npages);
	group = vfio_bar_group_open();
	assert_ret(vfio_group_join(group, rig->container), 0);
	vfio_bar_open(&bar, group);
	vfio_region_map(&bar.dev, bar.region, vaddr + before * PAGE, BAR_SIZE, BAR_SIZE);
	count();
	return vaddr;
}

static void copy(char *vaddr, uint64_t to, uint64_t from)
{
	dma_check_copy(&rig->devices[0], IOVA + to * PAGE, vaddr + to * PAGE,
		       IOVA + from * PAGE, vaddr + from * PAGE, DMA_MAX);
}

static void mmio(void)
{
	char *vaddr = ram_and_bar(5, 7);

	map(vaddr, (5 + BAR_PAGES + 7) * PAGE, PAGE);
	expect_more(12);
	assert_ret(unmap(20, 3), 3 * PAGE);
	expect_more(12);
	copy(vaddr, 19, 4);
	copy(vaddr, 23, end - 1);
	dma_check_refused(rig, 0, IOVA + 20 * PAGE, vaddr + 20 * PAGE);
	dma_check_refused(rig, 0, IOVA + 22 * PAGE, vaddr + 22 * PAGE);
	assert_ret(unmap(3, 4), 4 * PAGE);
	expect_more(10);
	assert_ret(unmap(0, 20), 16 * PAGE);
	expect_more(7);
	copy(vaddr, 30, end - 7);
	assert_ret(unmap(end - 7, 7), 7 * PAGE);
	expect_more(0);
	assert_ret(unmap(0, end), (BAR_PAGES - 18) * PAGE);
}

static void revoked_mmio(void)
{
	const size_t from = 104 * PAGE, size = 96 * PAGE;
	char *vaddr = ram_and_bar(1, 0), *view = vaddr + PAGE, *eye;
	long revoked = sys_stat_get("runs_revoked");

	/* A view of its own, for a view that is split loses more than a part. */
	vfio_region_map(&bar.dev, bar.region, view + from, BAR_SIZE + from, size);
	sys_param_set("revoke_mmio", "Y");
	map(vaddr, BAR_SIZE + PAGE, PAGE);
	sys_param_set("revoke_mmio", "N");
	eye = vfio_region_map(&bar.dev, bar.region, NULL, BAR_SIZE, BAR_SIZE);
	assert_ret(unmap(100, 10), 10 * PAGE);
	assert_ret(unmap(200, 1), PAGE);

	/* Each part has the CPU's loss for itself. */
	munmap(view + from, size);
	expect_eq(sys_stat_get("runs_revoked"), revoked + 1);
	dma_check_refused(rig, 0, IOVA + 110 * PAGE, eye + 109 * PAGE);
	dma_check_refused(rig, 0, IOVA + 199 * PAGE, eye + 198 * PAGE);
	dma_check_copy(&rig->devices[0], IOVA + 99 * PAGE, eye + 98 * PAGE,
		       IOVA, vaddr, DMA_MAX);
	dma_check_copy(&rig->devices[0], IOVA + 201 * PAGE, eye + 200 * PAGE,
		       IOVA, vaddr, DMA_MAX);
	assert_ret(unmap(110, 10), 10 * PAGE);

	/* The others go; the last one is still watched. */
	assert_ret(unmap(1, 199), (199 - 20) * PAGE);
	dma_check_copy(&rig->devices[0], IOVA + 201 * PAGE, eye + 200 * PAGE,
		       IOVA, vaddr, DMA_MAX);
	munmap(view, BAR_SIZE);
	expect_eq(sys_stat_get("runs_revoked"), revoked + 2);
	dma_check_refused(rig, 0, IOVA + 201 * PAGE, eye + 200 * PAGE);
	expect_more(1);
	assert_ret(unmap(0, BAR_PAGES + 1), (BAR_PAGES - 199) * PAGE);
	expect_more(0);
}

static const struct test tests[] = {
	TEST(second_domain),
	TEST(dirty_pages),
	TEST(dirty_pages_bad_bitmap),
	TEST(dirty_pages_of_a_device),
	TEST(held_pages),
	TEST(held_by_the_deaf),
	TEST(new_vaddr),
	TEST(new_owner_of_a_part),
	TEST(limit_after_cuts),
	TEST(registered_memory),
	TEST(mmio),
	TEST(revoked_mmio),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
