// SPDX-License-Identifier: GPL-2.0
/* What the driver says is wrong with memory that cannot be pinned, for each kind of it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/memcg.h"
#include "lib/proc.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"
#include "lib/watch.h"

/* Not in every header that this is compiled with. */
#define MADV_GUARD	102	/* MADV_GUARD_INSTALL */

/* Regions of the mock. */
#define REGION_PFNS	4
#define REGION_IO	5
#define REGION_NOTHING	6

/* The name of the folder is that of the disk. */
#define NULL_BLK	"/sys/kernel/config/nullb/nullb0"

static struct rig *rig;

/**
 * struct unpinnable - memory that cannot be pinned
 * @variant: its name
 * @make: makes a page that cannot; the one before it can
 * @flags: of the map, 0: to be read and written
 * @why: the reason, after the address of that page
 * @ret: what the map fails with, 0: -EFAULT
 */
struct unpinnable {
	const char *variant;
	char *(*make)(void);
	uint32_t flags;
	const char *why;
	int ret;
};

/* The second of two pages. */
static char *second_page(void)
{
	return (char *)mem_anon(2 * PAGE) + PAGE;
}

/* Puts a page of a file at @page. */
static char *put(char *page, int fd, off_t offset)
{
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 offset) != page)
		fail("mmap: %s", strerror(errno));
	close(fd);
	return page;
}

static char *unmapped(void)
{
	char *page = second_page();

	munmap(page, PAGE);
	return page;
}

static char *read_only(void)
{
	char *page = second_page();

	mprotect(page, PAGE, PROT_READ);
	return page;
}

static char *write_only(void)
{
	char *page = second_page();

	/* What is there already is read without a look at its VMA. */
	madvise(page, PAGE, MADV_DONTNEED);
	mprotect(page, PAGE, PROT_WRITE);
	return page;
}

static char *behind_the_end(void)
{
	return put(second_page(), mem_memfd(PAGE), PAGE);
}

static char *full_tmpfs(void)
{
	char *page = second_page();
	int fd = mem_mounted_file("t1x", "tmpfs", "nr_blocks=1", 2 * PAGE);

	assert_eq(write(fd, "", 1), 1);
	return put(page, fd, PAGE);
}

/* All huge pages that are left are reserved, so a mapping without a reservation has none. */
static char *no_huge_page(void)
{
	const char *pool = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
			  __builtin_ctzl(HUGE_2M) << MAP_HUGE_SHIFT;
	char path[96], *page = mem_anon_aligned(2 * HUGE_2M, HUGE_2M);
	long left;

	snprintf(path, sizeof(path), "%sfree_hugepages", pool);
	left = sys_read_number(path);
	if (left < 0)
		test_skip("no such hugetlb pages in this kernel");
	snprintf(path, sizeof(path), "%sresv_hugepages", pool);
	left -= sys_read_number(path);
	if (left)
		assert_ne((long)mmap(NULL, left * HUGE_2M, PROT_READ, flags, -1, 0), -1);
	page += HUGE_2M;
	assert_eq(mmap(page, HUGE_2M, PROT_READ | PROT_WRITE,
		       flags | MAP_FIXED | MAP_NORESERVE, -1, 0) == page, 1);
	return page;
}

static char *secret(void)
{
	int fd = syscall(SYS_memfd_secret, 0);

	if (fd < 0 || ftruncate(fd, PAGE))
		test_skip("no memfd_secret() in this kernel");
	return put(second_page(), fd, 0);
}

static char *missing(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range.len = PAGE,
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	char *page = second_page();
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		test_skip("no userfaultfd in this kernel");
	madvise(page, PAGE, MADV_DONTNEED);
	reg.range.start = (uintptr_t)page;
	assert_eq(ioctl(fd, UFFDIO_API, &api), 0);
	assert_eq(ioctl(fd, UFFDIO_REGISTER, &reg), 0);
	return page;
}

static char *guarded(void)
{
	char *page = second_page();

	if (madvise(page, PAGE, MADV_GUARD))
		test_skip("no guard pages in this kernel");
	return page;
}

static void ignore(int unused)
{
	(void)unused;
}

static char *poisoned(void)
{
	char *page = second_page();

	/* A process that poisons a page of its own gets this. */
	signal(SIGBUS, ignore);
	if (madvise(page, PAGE, MADV_HWPOISON))
		test_skip("no memory failures in this kernel");
	return page;
}

static char *dma_buf(void)
{
	struct dma_heap_allocation_data alloc = {
		.len = PAGE,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);

	if (heap < 0)
		test_skip("no heap of dma-bufs in this kernel");
	assert_eq(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &alloc), 0);
	close(heap);
	return put(second_page(), alloc.fd, 0);
}

static char *block_device(void)
{
	int fd;

	mem_ram_disk();
	fd = open(MEM_RAM_DISK, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", MEM_RAM_DISK, strerror(errno));
	if (sys_kernel_before(6, 5))
		test_skip("shared files are pinned by this kernel");
	return put(second_page(), fd, 0);
}

static char *file_on_a_disk(void)
{
	int fd = mem_disk_file(PAGE);

	if (sys_kernel_before(6, 5))
		test_skip("shared files are pinned by this kernel");
	return put(second_page(), fd, 0);
}

/* A disk of which only the beginning can be read. */
static char *broken_disk(void)
{
	char *page = second_page();
	int fd;

	if (sys_kernel_before(6, 12) && !sys_is_uml())
		test_skip("bad blocks can be read in this kernel");
	if (sys_is_uml() || system("/bin/modprobe configfs") ||
	    system("/bin/modprobe null_blk nr_devices=0"))
		test_skip("no disk with errors in this kernel");
	mount("none", "/sys/kernel/config", "configfs", 0, NULL);
	rmdir(NULL_BLK);
	if (mkdir(NULL_BLK, 0700))
		fail(NULL_BLK ": %s", strerror(errno));
	sys_write(NULL_BLK "/size", "4");
	sys_write(NULL_BLK "/memory_backed", "1");
	sys_write(NULL_BLK "/badblocks", "+2048-4095");
	sys_write(NULL_BLK "/power", "1");
	fd = open("/dev/nullb0", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail("/dev/nullb0: %s", strerror(errno));
	assert_eq(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
		       MIB) == page, 1);
	close(fd);
	return page;
}

/* A file on persistent memory, which scripts/lab/vm makes of a part of the guest's. */
static char *dax(void)
{
	if (!sys_is_uml())
		system("/bin/modprobe nd_e820 2>/dev/null && /bin/modprobe nd_pmem");
	if (access("/dev/pmem0", R_OK))
		test_skip("no persistent memory here");
	proc_run("mke2fs -b 4096 /dev/pmem0 >/dev/null && /bin/modprobe ext4");
	return put(second_page(), mem_mounted_file("/dev/pmem0", "ext4", "dax", PAGE), 0);
}

static char *of_mock(unsigned int region)
{
	if (!sys_is_uml())
		test_skip("needs a mock device");
	return vfio_region_map(&rig->devices[0], region, second_page(), 0, PAGE);
}

static char *page_frames(void)
{
	return of_mock(REGION_PFNS);
}

static char *marked_as_io(void)
{
	return of_mock(REGION_IO);
}

static char *nothing_in_a_driver(void)
{
	return of_mock(REGION_NOTHING);
}

static const struct unpinnable unpinnables[] = {
	{ "unmapped", unmapped, .why = "nothing is mapped there" },
	{ "read_only", read_only, .why = "mapped without write access" },
	{ "write_only", write_only, .flags = RO, .why = "mapped without read access" },
	{ "behind_the_end", behind_the_end, .why = "behind the end of its file" },
	{ "full_tmpfs", full_tmpfs, .why = "its tmpfs is full" },
	{ "no_huge_page", no_huge_page, .why = "no huge page is left" },
	{ "secret", secret, .why = "secret memory" },
	{ "userfaultfd", missing, .why = "a userfaultfd has to provide the page" },
	{ "guard", guarded, .why = "a guard page" },
	{ "poisoned", poisoned, .why = "a guard page, one lost to a memory error" },
	{ "dma_buf", dma_buf, .why = "a dma-buf cannot be pinned" },
	{ "block_device", block_device, .why = "a shared file on a disk cannot be pinned" },
	{ "file_on_a_disk", file_on_a_disk,
	  .why = "a shared file on a disk cannot be pinned" },
	{ "broken_disk", broken_disk, .why = "the file cannot be read there" },
	{ "dax", dax, .why = "a file of a DAX file system cannot be pinned",
	  .ret = -EOPNOTSUPP },
	{ "page_frames", page_frames,
	  .why = "ordinary memory that its driver does not allow to be pinned" },
	{ "marked_as_io", marked_as_io,
	  .why = "memory that its driver does not allow to be pinned" },
	{ "nothing_in_a_driver", nothing_in_a_driver, .why = "memory of a driver" },
};

static void reason_of_memory(const void *variant)
{
	const struct unpinnable *kind = variant;
	char *page;
	long locked;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	page = kind->make();
	locked = sys_vmlck();
	watch_expect_reason(dma_map(rig->container, page - PAGE, IOVA, 2 * PAGE,
				    kind->flags ?: RW),
			    kind->ret ?: -EFAULT, "why=vaddr %#lx: %s",
			    (unsigned long)page, kind->why);
	expect_eq(sys_vmlck(), locked);
}

/* In a process that cannot be killed for it. */
static void no_memory_is_left(void)
{
	int64_t ret;
	char *memory;
	long locked;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	locked = sys_vmlck();
	memory = mem_anon_aligned(64 * MIB, HUGE_2M);
	madvise(memory, 64 * MIB, MADV_NOHUGEPAGE);
	sys_write("/proc/self/oom_score_adj", "-1000");
	memcg_make("32M");
	memcg_join();
	ret = dma_map(rig->container, memory, IOVA, 64 * MIB, RW);
	/* Before anything is touched: a fault would be repeated for ever. */
	memcg_leave();
	watch_expect_reason(ret, -ENOMEM, "no memory is left for");
	expect_eq(sys_vmlck(), locked);
	memcg_remove();
}

/* What is private, or read only, is pinned on any kernel. */
static void files_on_a_disk_that_map(void)
{
	int fd = mem_disk_file(PAGE);
	char *private = mem_file(fd, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *shared = mem_file(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, private, IOVA, PAGE, RW), 0);
	dma_check_pages(rig, 0, IOVA, private, 1);
	assert_ret(dma_map(rig->container, shared, IOVA + MIB, PAGE, RO), 0);
	dma_check_read(rig, 0, IOVA + MIB, shared, 64);
	expect_ret(dma_map(rig->container, shared, IOVA + 2 * MIB, PAGE, RW),
		   sys_kernel_before(6, 5) ? 0 : -EFAULT);
}

static const struct test tests[] = {
	TEST_VARIANTS(reason_of_memory, unpinnables),
	TEST(no_memory_is_left),
	TEST(files_on_a_disk_that_map),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
