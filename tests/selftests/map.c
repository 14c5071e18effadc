// SPDX-License-Identifier: GPL-2.0
/* MAP_DMA of every size and kind of memory, seen by a real device. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

static struct rig *rig;

/* Maps, checks DMA and VmLck, unmaps, and checks both again. */
static void check_memory(void *vaddr, size_t npages)
{
	long vmlck = sys_vmlck();

	assert_ret(dma_map(rig->container, vaddr, IOVA, npages * PAGE, RW), 0);
	expect_eq(sys_vmlck(), vmlck + (long)(npages * PAGE >> 10));
	dma_check_pages(rig, 0, IOVA, vaddr, npages);
	assert_ret(dma_unmap(rig->container, IOVA, npages * PAGE),
		   npages * PAGE);
	expect_eq(sys_vmlck(), vmlck);
	dma_check_refused(rig, 0, IOVA, vaddr);
}

/**
 * struct kind - a kind of memory
 * @variant: its name
 * @make: its pages, filled unless they are to be cold
 * @npages: how many of them are mapped
 */
struct kind {
	const char *variant;
	void *(*make)(size_t size);
	size_t npages;
};

static void *scattered(size_t size)
{
	return mem_scattered(size / PAGE);
}

static void *thp(size_t size)
{
	void *vaddr = mem_thp(size);

	test_say("%zu of %zu KiB in huge pages", mem_thp_bytes(vaddr) >> 10,
		 size >> 10);
	return vaddr;
}

/* The middle of huge pages: neither end aligned, to IOVAs that differ. */
static void *thp_misaligned(size_t size)
{
	const size_t before = 5 * PAGE;

	return mem_thp((before + size + HUGE_PMD - 1) & ~(HUGE_PMD - 1)) + before;
}

static void *memfd(size_t size)
{
	return mem_file(mem_memfd(size), size, PROT_READ | PROT_WRITE,
			MAP_SHARED);
}

static void *tmpfs(size_t size)
{
	return mem_file(mem_tmpfs(size), size, PROT_READ | PROT_WRITE,
			MAP_SHARED);
}

static int this_program(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_ge(fd, 0);
	return fd;
}

/* Of whatever file system this program comes from. */
static void *private_file(size_t size)
{
	return mem_file(this_program(), size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE);
}

static const struct kind kinds[] = {
	{ "odd_number", mem_anon, 37 },
	{ "cold", mem_anon_cold, 600 },
	{ "scattered", scattered, 100 },
	{ "scattered_across_batches", scattered, 1537 },
	{ "thp", thp, 4 * HUGE_PMD / PAGE },
	{ "thp_misaligned", thp_misaligned, 2 * HUGE_PMD / PAGE + 17 },
	{ "hugetlb", mem_hugetlb, 2 * HUGE_2M / PAGE },
	{ "memfd", memfd, 70 },
	{ "tmpfs", tmpfs, 70 },
	{ "private_file", private_file, 4 },
};

static void every_page(const void *variant)
{
	const struct kind *kind = variant;
	void *vaddr = kind->make(kind->npages * PAGE);

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	check_memory(vaddr, kind->npages);
}

static void one_page(const void *variant)
{
	const struct vfio_type *type = variant;

	rig = rig_open(1, type->id);
	check_memory(mem_anon(PAGE), 1);
}

struct size {
	const char *variant;
	size_t npages;
};

static const struct size sizes[] = {
	{ "511", 511 }, { "512", 512 }, { "513", 513 },
	{ "1023", 1023 }, { "1024", 1024 }, { "1025", 1025 },
};

/* Pages are pinned some hundreds at a time: around the ends of such batches. */
static void size_around_a_batch(const void *variant)
{
	const size_t size = ((const struct size *)variant)->npages * PAGE;
	void *vaddr = mem_anon(size);
	long vmlck;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	vmlck = sys_vmlck();
	assert_ret(dma_map(rig->container, vaddr, IOVA, size, RW), 0);
	expect_eq(sys_vmlck(), vmlck + (long)(size >> 10));
	dma_check_copy(&rig->devices[0], IOVA, vaddr, IOVA + size - PAGE,
		       vaddr + size - PAGE, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, size), size);
	expect_eq(sys_vmlck(), vmlck);
}

/* Part of a hugetlb page, and the same page twice. */
static void hugetlb_in_parts(void)
{
	void *vaddr = mem_hugetlb(HUGE_2M);

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, vaddr, IOVA + GIB, HUGE_2M, RW), 0);
	check_memory(vaddr + 16 * PAGE, 33);
	dma_check_pages(rig, 0, IOVA + GIB, vaddr, 16);
	assert_ret(dma_unmap(rig->container, IOVA + GIB, HUGE_2M), HUGE_2M);
}

/* The device must see our copies, and the file must not see the device. */
static void private_file_on_tmpfs(void)
{
	size_t size = 8 * PAGE;
	int fd = mem_tmpfs(size);
	void *vaddr, *shared;
	char before[DMA_MAX];

	shared = mem_file(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED);
	mem_fill_pages(shared, 8);
	memcpy(before, shared, sizeof(before));
	vaddr = mem_file(fd, size, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	check_memory(vaddr, 8);
	assert_bytes(shared, before, sizeof(before));
}

static void shared_file_read_only(void)
{
	void *vaddr = mem_file(this_program(), 4 * PAGE, PROT_READ, MAP_SHARED);

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, vaddr, IOVA, 4 * PAGE, RO), 0);
	dma_check_read(rig, 0, IOVA + 3 * PAGE, vaddr + 3 * PAGE, DMA_MAX);
	dma_check_read(rig, 0, IOVA, vaddr, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, 4 * PAGE), 4 * PAGE);
}

static void device_may_only_read(void)
{
	void *vaddr = mem_anon(2 * PAGE);

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, vaddr, IOVA, 2 * PAGE, RO), 0);
	dma_check_read(rig, 0, IOVA, vaddr, DMA_MAX);
	dma_check_no_write(rig, 0, IOVA, vaddr);
	dma_check_no_write(rig, 0, IOVA + PAGE, vaddr + PAGE);
	assert_ret(dma_unmap(rig->container, IOVA, 2 * PAGE), 2 * PAGE);
}

static void device_may_only_write(void)
{
	void *vaddr = mem_anon(2 * PAGE);

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, vaddr, IOVA, 2 * PAGE, WO), 0);
	dma_check_write(rig, 0, IOVA + PAGE, vaddr + PAGE, DMA_MAX);
	dma_check_write(rig, 0, IOVA, vaddr, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, 2 * PAGE), 2 * PAGE);
}

/* Memory that we may only read can be read by the device, and no more. */
static void memory_we_may_only_read(void)
{
	void *vaddr = mem_anon(4 * PAGE);

	assert_eq(mprotect(vaddr, 4 * PAGE, PROT_READ), 0);
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	expect_ret(dma_map(rig->container, vaddr, IOVA, 4 * PAGE, RW), -EFAULT);
	expect_ret(dma_map(rig->container, vaddr, IOVA, 4 * PAGE, WO), -EFAULT);
	assert_ret(dma_map(rig->container, vaddr, IOVA, 4 * PAGE, RO), 0);
	dma_check_read(rig, 0, IOVA + PAGE, vaddr + PAGE, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, 4 * PAGE), 4 * PAGE);
}

static void zero_page(void)
{
	static const char zeros[DMA_MAX];
	volatile char *vaddr = mem_anon_cold(4 * PAGE);
	char sum = 0;
	size_t i;

	madvise((void *)vaddr, 4 * PAGE, MADV_NOHUGEPAGE);
	/* Reading is what brings the zero page in. */
	for (i = 0; i < 4; i++)
		sum |= vaddr[i * PAGE];
	assert_eq(sum, 0);
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, (void *)vaddr, IOVA, 4 * PAGE, RO),
		   0);
	dma_check_read(rig, 0, IOVA + PAGE, zeros, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, 4 * PAGE), 4 * PAGE);

	/* Written by the device it has to be a page of our own. */
	check_memory((void *)vaddr, 4);
}

/**
 * struct hole - a page in the middle of memory that cannot be pinned
 * @variant: name
 * @npages: of the memory
 * @at: number of the page
 */
struct hole {
	const char *variant;
	size_t npages;
	size_t at;
};

static const struct hole holes[] = {
	{ "middle", 9, 4 },
	{ "first", 9, 0 },
	{ "last", 9, 8 },
	{ "later_batch", 1300, 1200 },
};

/* Nothing may be left of a map that fails in its middle. */
static void hole_is_rolled_back(const void *variant)
{
	const struct hole *hole = variant;
	const size_t size = hole->npages * PAGE;
	void *vaddr = mem_scattered(hole->npages);
	long vmlck, pins;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	vmlck = sys_vmlck();
	assert_eq(mprotect(vaddr + hole->at * PAGE, PAGE, PROT_NONE), 0);
	pins = sys_pins();
	expect_ret(dma_map(rig->container, vaddr, IOVA, size, RW), -EFAULT);
	expect_eq(sys_vmlck(), vmlck);
	sys_settle_pins(pins);
	assert_eq(mprotect(vaddr + hole->at * PAGE, PAGE, PROT_READ | PROT_WRITE),
		  0);
	dma_check_refused(rig, 0, IOVA, vaddr);
	expect_ret(dma_unmap(rig->container, IOVA, size), 0);

	/* And the IOVAs are free again. */
	assert_ret(dma_map(rig->container, vaddr, IOVA, size, RW), 0);
	assert_ret(dma_unmap(rig->container, IOVA, size), size);
}

static void unmapped_memory(void)
{
	void *vaddr = mem_anon(4 * PAGE);

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	/* Only now, or something else may come to lie there. */
	munmap(vaddr + 2 * PAGE, PAGE);
	expect_ret(dma_map(rig->container, vaddr, IOVA, 4 * PAGE, RW), -EFAULT);
	expect_ret(dma_map(rig->container, vaddr + 2 * PAGE, IOVA, PAGE, RW),
		   -EFAULT);
	expect_ret(dma_map(rig->container, NULL, IOVA, PAGE, RW), -EFAULT);
}

/* One map over memory of several kinds and VMAs. */
static void several_kinds_in_one(void)
{
	char *vaddr = mem_anon_aligned(2 * HUGE_2M, HUGE_2M);
	int fd = mem_memfd(HUGE_2M);

	mem_at(vaddr, 2 * HUGE_2M);
	madvise(vaddr, HUGE_2M, MADV_HUGEPAGE);
	assert_eq(mmap(vaddr + HUGE_2M, HUGE_2M / 2, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED, 0);
	mem_fill_pages(vaddr, 2 * HUGE_2M / PAGE);
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	check_memory(vaddr, 2 * HUGE_2M / PAGE);
}

/* The same page behind several IOVAs is counted and pinned each time. */
static void one_page_many_times(void)
{
	long vmlck = sys_vmlck();
	void *vaddr;
	int i;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	vmlck = sys_vmlck();
	vaddr = mem_anon(PAGE);
	for (i = 0; i < 8; i++)
		assert_ret(dma_map(rig->container, vaddr, IOVA + i * PAGE,
				   PAGE, RW), 0);
	expect_eq(sys_vmlck(), vmlck + 8 * PAGE_KB);
	dma_check_write(rig, 0, IOVA + 7 * PAGE, vaddr, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, 4 * PAGE), 4 * PAGE);
	expect_eq(sys_vmlck(), vmlck + 4 * PAGE_KB);
	dma_check_refused(rig, 0, IOVA + 3 * PAGE, vaddr);
	dma_check_write(rig, 0, IOVA + 4 * PAGE, vaddr, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, 8 * PAGE), 4 * PAGE);
}

/* A transfer goes over the border of two mappings side by side. */
static void neighbours(void)
{
	const size_t at = PAGE - DMA_MAX / 2;
	char *first = mem_anon(PAGE), *second = mem_anon(PAGE);
	char *source = mem_anon(PAGE);

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, second, IOVA + PAGE, PAGE, RW), 0);
	assert_ret(dma_map(rig->container, first, IOVA, PAGE, RW), 0);
	assert_ret(dma_map(rig->container, source, IOVA + 16 * PAGE, PAGE, RW),
		   0);
	dma_check_copy(&rig->devices[0], IOVA + at, NULL, IOVA + 16 * PAGE,
		       source, DMA_MAX);
	assert_bytes(first + at, source, DMA_MAX / 2);
	assert_bytes(second, source + DMA_MAX / 2, DMA_MAX / 2);

	/* One goes, the other stays. */
	assert_ret(dma_unmap(rig->container, IOVA, PAGE), PAGE);
	dma_check_refused(rig, 0, IOVA, first);
	dma_check_write(rig, 0, IOVA + PAGE, second, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, 32 * PAGE), 2 * PAGE);
}

static void never_mapped_is_refused(void)
{
	void *vaddr = mem_anon(3 * PAGE);

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, vaddr + PAGE, IOVA + PAGE, PAGE, RW),
		   0);
	dma_check_refused(rig, 0, IOVA, vaddr);
	dma_check_refused(rig, 0, IOVA + 2 * PAGE, vaddr + 2 * PAGE);
	dma_check_refused(rig, 0, (uintptr_t)vaddr, vaddr);
	assert_ret(dma_unmap(rig->container, IOVA + PAGE, PAGE), PAGE);
}

/* Pinned pages stay the device's when we give our own view of them up. */
static void memory_goes_before_the_mapping(void)
{
	size_t size = 16 * PAGE;
	int fd = mem_memfd(size);
	void *vaddr, *again;
	long vmlck;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	vmlck = sys_vmlck();
	vaddr = mem_file(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED);
	assert_ret(dma_map(rig->container, vaddr, IOVA, size, RW), 0);
	munmap(vaddr, size);
	again = mem_file(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED);
	dma_check_pages(rig, 0, IOVA, again, 16);
	expect_eq(sys_vmlck(), vmlck + (long)(size >> 10));
	assert_ret(dma_unmap(rig->container, IOVA, size), size);
	expect_eq(sys_vmlck(), vmlck);
}

static void memory_is_discarded_under_the_mapping(void)
{
	void *vaddr = mem_anon(16 * PAGE);

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, vaddr, IOVA, 16 * PAGE, RW), 0);
	assert_eq(madvise(vaddr, 16 * PAGE, MADV_DONTNEED), 0);
	mem_fill_pages(vaddr, 16);
	/* These are new pages now, and the device still has the old ones. */
	dma_check_refused(rig, 0, IOVA, vaddr);
	assert_ret(dma_unmap(rig->container, IOVA, 16 * PAGE), 16 * PAGE);
}

/*
 * Its handler may be this very thread, so a map must not wait for it; what is
 * there already is of no help.
 */
static void userfaultfd_is_not_waited_for(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *vaddr = mem_anon_cold(16 * PAGE);
	long pins;
	int fd;

	fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0)
		test_skip("no userfaultfd in this kernel");
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	pins = sys_pins();
	mem_fill_pages(vaddr, 8);
	assert_eq(ioctl(fd, UFFDIO_API, &api), 0);
	reg.range.start = (uintptr_t)vaddr;
	reg.range.len = 16 * PAGE;
	assert_eq(ioctl(fd, UFFDIO_REGISTER, &reg), 0);
	expect_ret(dma_map(rig->container, vaddr, IOVA, 16 * PAGE, RW),
		   -EFAULT);
	expect_ret(dma_map(rig->container, vaddr + 8 * PAGE, IOVA, PAGE, RW),
		   -EFAULT);
	sys_settle_pins(pins);
	assert_ret(dma_map(rig->container, vaddr, IOVA, 8 * PAGE, RW), 0);
	dma_check_pages(rig, 0, IOVA, vaddr, 8);
	assert_ret(dma_unmap(rig->container, IOVA, 8 * PAGE), 8 * PAGE);
	close(fd);
}

static const struct test tests[] = {
	TEST_VARIANTS(one_page, vfio_types),
	TEST_VARIANTS(every_page, kinds),
	TEST_VARIANTS(size_around_a_batch, sizes),
	TEST(hugetlb_in_parts),
	TEST(private_file_on_tmpfs),
	TEST(shared_file_read_only),
	TEST(device_may_only_read),
	TEST(device_may_only_write),
	TEST(memory_we_may_only_read),
	TEST(zero_page),
	TEST_VARIANTS(hole_is_rolled_back, holes),
	TEST(unmapped_memory),
	TEST(several_kinds_in_one),
	TEST(one_page_many_times),
	TEST(neighbours),
	TEST(never_mapped_is_refused),
	TEST(memory_goes_before_the_mapping),
	TEST(memory_is_discarded_under_the_mapping),
	TEST(userfaultfd_is_not_waited_for),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
