// SPDX-License-Identifier: GPL-2.0
/* Allocates memory of each kind that a test may map. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mem.h"
#include "proc.h"
#include "sys.h"
#include "test.h"
#include "vfio.h"

#define HUGETLB_PAGES "/sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages"

static void *checked(void *addr, size_t size)
{
	if (addr == MAP_FAILED)
		fail("mmap %zu bytes: %s", size, strerror(errno));
	return addr;
}

/**
 * mem_anon_cold() - private memory that was not touched yet
 * @size: in bytes
 *
 * Return: its address.
 */
void *mem_anon_cold(size_t size)
{
	return checked(mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), size);
}

/**
 * mem_reserve() - addresses that nothing else gets
 * @size: in bytes, more than there is memory if need be
 *
 * Return: the first one; there is nothing.
 */
void *mem_reserve(size_t size)
{
	return checked(mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
			    MAP_NORESERVE, -1, 0), size);
}

/**
 * mem_cold_size() - how much memory a test may have a driver fault in
 * @most: in bytes, more than is ever needed
 *
 * Return: bytes, at most half of what is free.
 */
size_t mem_cold_size(size_t most)
{
	size_t half = sys_mem_available() / 2 * 1024UL;

	return most > half ? half & ~(MIB - 1) : most;
}

/**
 * mem_anon() - private memory with a pattern in it, small pages
 * @size: in bytes
 *
 * Return: its address.
 */
void *mem_anon(size_t size)
{
	void *addr = mem_anon_cold(size);

	madvise(addr, size, MADV_NOHUGEPAGE);
	mem_fill_pages(addr, size / PAGE);
	return addr;
}

/**
 * mem_anon_aligned() - private memory at an aligned address, untouched
 * @size: in bytes
 * @align: a power of two
 *
 * Return: its address.
 */
void *mem_anon_aligned(size_t size, size_t align)
{
	uintptr_t addr = (uintptr_t)mem_anon_cold(size + align);
	uintptr_t start = (addr + align - 1) & ~(align - 1);

	if (start != addr)
		munmap((void *)addr, start - addr);
	munmap((void *)(start + size), addr + align - start);
	return (void *)start;
}

/**
 * mem_at() - private memory at a given address, in place of what is there
 * @addr: where
 * @size: in bytes
 *
 * Return: @addr.
 */
void *mem_at(void *addr, size_t size)
{
	return checked(mmap(addr, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		       size);
}

/**
 * mem_thp() - private memory made of huge pages, where there are any
 * @size: in bytes, a multiple of HUGE_PMD
 *
 * Return: its address.
 */
void *mem_thp(size_t size)
{
	void *addr = mem_anon_aligned(size, HUGE_PMD);

	madvise(addr, size, MADV_HUGEPAGE);
	mem_fill_pages(addr, size / PAGE);
	return addr;
}

/**
 * mem_thp_bytes() - how much of a mapping is made of huge pages
 * @addr: its first byte
 *
 * Return: AnonHugePages of that VMA, in bytes.
 */
size_t mem_thp_bytes(void *addr)
{
	unsigned long start, end;
	bool inside = false;
	char line[512];
	size_t kb = 0;
	FILE *smaps;

	smaps = fopen("/proc/self/smaps", "re");
	if (!smaps)
		return 0;
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (unsigned long)addr >= start &&
				 (unsigned long)addr < end;
		else if (inside && sscanf(line, "AnonHugePages: %zu", &kb) == 1)
			break;
	}
	fclose(smaps);
	return kb << 10;
}

static void *hugetlb_pages(size_t size, size_t page)
{
	char path[128], want[32];
	void *addr;
	long have;

	snprintf(path, sizeof(path), HUGETLB_PAGES, page >> 10);
	have = sys_read_number(path);
	if (have < 0)
		test_skip("no such hugetlb pages in this kernel");
	if (have < (long)(size / page)) {
		snprintf(want, sizeof(want), "%zu", size / page);
		sys_write(path, want);
	}
	addr = checked(mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
			    __builtin_ctzl(page) << MAP_HUGE_SHIFT, -1, 0),
		       size);
	mem_fill_pages(addr, size / PAGE);
	return addr;
}

/**
 * mem_hugetlb() - private hugetlb pages of 2 MiB
 * @size: in bytes, a multiple of 2 MiB
 *
 * Reserves the pages; the test is skipped in a kernel without hugetlb.
 *
 * Return: their address.
 */
void *mem_hugetlb(size_t size)
{
	return hugetlb_pages(size, HUGE_2M);
}

/**
 * mem_hugetlb_1g() - private hugetlb pages of 1 GiB
 * @size: in bytes, a multiple of 1 GiB
 *
 * Reserves the pages; the test is skipped where there are none of that size.
 *
 * Return: their address.
 */
void *mem_hugetlb_1g(size_t size)
{
	return hugetlb_pages(size, GIB);
}

/**
 * mem_memfd() - a file in memory
 * @size: in bytes
 *
 * Return: its fd.
 */
int mem_memfd(size_t size)
{
	int fd = memfd_create("t1x", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, size))
		fail("memfd: %s", strerror(errno));
	return fd;
}

/* Opens a file that has no name for long. */
static int nameless_file(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, size))
		fail("%s: %s", path, strerror(errno));
	unlink(path);
	return fd;
}

/**
 * mem_mounted_file() - a file in a file system that is mounted for it, and gone with it
 * @source: for mount()
 * @type: of the file system
 * @options: for mount(), or NULL
 * @size: in bytes
 *
 * Return: its fd.
 */
int mem_mounted_file(const char *source, const char *type, const char *options, size_t size)
{
	char dir[] = "/tmp/t1x.XXXXXX", path[64];
	int fd;

	if (!mkdtemp(dir) || mount(source, dir, type, 0, options))
		fail("%s of %s on %s: %s", type, source, dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = nameless_file(path, size);
	umount2(dir, MNT_DETACH);
	rmdir(dir);
	return fd;
}

/**
 * mem_tmpfs() - a file in a tmpfs of its own, which is gone with the file
 * @size: in bytes
 *
 * Return: its fd.
 */
int mem_tmpfs(size_t size)
{
	return mem_mounted_file("t1x", "tmpfs", NULL, size);
}

/**
 * mem_ram_disk() - make a disk of memory, MEM_RAM_DISK, of 4 MiB
 *
 * The test is skipped in UML, and in kernels that have no module for that.
 */
void mem_ram_disk(void)
{
	if (sys_is_uml() || system("/bin/modprobe brd rd_nr=1 rd_size=4096"))
		test_skip("no RAM disk in this kernel");
}

/**
 * mem_disk_file() - a file on a disk, which is gone with its last user
 * @size: in bytes
 *
 * UML has its root on the host's file system, another guest an ext4 on a RAM disk.
 *
 * Return: its fd.
 */
int mem_disk_file(size_t size)
{
	if (sys_is_uml())
		return nameless_file("/t1x-file", size);
	mem_ram_disk();
	proc_run("mke2fs " MEM_RAM_DISK " >/dev/null && /bin/modprobe ext4");
	return mem_mounted_file(MEM_RAM_DISK, "ext4", NULL, size);
}

/**
 * mem_file() - map a file
 * @fd: of the file
 * @size: in bytes
 * @prot: PROT_*
 * @flags: MAP_SHARED or MAP_PRIVATE
 *
 * Return: its address.
 */
void *mem_file(int fd, size_t size, int prot, int flags)
{
	return checked(mmap(NULL, size, prot, flags, fd, 0), size);
}

/**
 * mem_scattered_often() - memory of which no two neighbours are contiguous
 * @npages: how many pages
 * @times: how often they are there, one after the other: much to map for little
 *
 * Pages are often handed out in the order of their addresses, so neighbours
 * are not asked for one after the other.
 *
 * Return: its address.
 */
void *mem_scattered_often(size_t npages, size_t times)
{
	char *addr = mem_reserve(times * npages * PAGE);
	int fd = mem_memfd(npages * PAGE);
	size_t i;

	for (i = 0; i < times; i++)
		checked(mmap(addr + i * npages * PAGE, npages * PAGE,
			     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			     0), npages * PAGE);
	/* From both ends towards the middle: 0, n-1, 1, n-2, ... */
	for (i = 0; i < npages; i++) {
		size_t page = i % 2 ? npages - 1 - i / 2 : i / 2;

		mem_fill_pages(addr + page * PAGE, 1);
	}
	close(fd);
	return addr;
}

/**
 * mem_scattered() - memory of which no two neighbours are contiguous
 * @npages: how many pages
 *
 * Return: its address.
 */
void *mem_scattered(size_t npages)
{
	return mem_scattered_often(npages, 1);
}

/**
 * mem_fill() - bytes that were never seen before
 * @vaddr: where
 * @len: how many
 */
void mem_fill(void *vaddr, size_t len)
{
	static uint64_t state = 0x9e3779b97f4a7c15;
	unsigned char *byte = vaddr;
	size_t i;

	/* Different in each process, or a child would repeat its parent. */
	state += getpid();
	for (i = 0; i < len; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		byte[i] = state >> 32;
	}
}

/**
 * mem_fill_pages() - touch every page, and make each different
 * @vaddr: first page
 * @npages: how many
 */
void mem_fill_pages(void *vaddr, size_t npages)
{
	size_t i;

	for (i = 0; i < npages; i++)
		mem_fill((char *)vaddr + i * PAGE, 64);
}

/**
 * mem_allow_ipc_lock() - have CAP_IPC_LOCK or not
 * @on: with it even root may lock as much as it likes
 */
void mem_allow_ipc_lock(bool on)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	assert_eq(syscall(SYS_capget, &head, data), 0);
	if (on)
		data[0].effective |= 1U << CAP_IPC_LOCK;
	else
		data[0].effective &= ~(1U << CAP_IPC_LOCK);
	assert_eq(syscall(SYS_capset, &head, data), 0);
}

/**
 * mem_limit() - set RLIMIT_MEMLOCK
 * @npages: how many pages this process may lock, without CAP_IPC_LOCK
 */
void mem_limit(size_t npages)
{
	struct rlimit limit = { npages * PAGE, npages * PAGE };

	assert_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}
