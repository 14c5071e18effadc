// SPDX-License-Identifier: GPL-2.0
/*
 * Transparent huge pages, of which one pin is enough: what is pinned, and that devices
 * and the process go on to share every page of them, whatever happens to the page table.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define N		4UL
#define SIZE		(N * HUGE_PMD)
#define HUGE_PAGES	(HUGE_PMD / PAGE)

#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define SPLIT		"/sys/kernel/debug/split_huge_pages"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

static struct rig *rig;
static char *memory;
static long vmlck, pins, acquired;

static void count(void)
{
	vmlck = sys_vmlck();
	pins = sys_pins();
	acquired = sys_pins_acquired();
}

static void rig_with_huge_pages(void)
{
	if (sys_is_uml())
		test_skip("no huge pages to be had");
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_thp(SIZE);
	assert_eq(mem_thp_bytes(memory), SIZE);
	count();
}

static void map(char *at, size_t size, uint32_t flags)
{
	assert_ret(dma_map(rig->container, at, IOVA, size, flags), 0);
	expect_eq(sys_vmlck(), vmlck + (long)(size >> 10));
}

/* Only our driver pins huge pages once. */
static void expect_acquired(long want)
{
	if (sys_is_type1x())
		expect_eq(sys_pins_acquired() - acquired, want);
}

/* Devices read what the process has in the first, a middle and the last page of each. */
static void check_reads(const char *at)
{
	static const size_t pages[] = { 0, HUGE_PAGES / 2 - 1, HUGE_PAGES - 1 };
	size_t i, j, offset;

	for (i = 0; i < N; i++)
		for (j = 0; j < ARRAY_SIZE(pages); j++) {
			offset = i * HUGE_PMD + pages[j] * PAGE;
			dma_check_read(rig, 0, IOVA + offset, at + offset, 64);
		}
}

static void unmap(size_t size)
{
	assert_ret(dma_unmap(rig->container, IOVA, size), size);
	expect_eq(sys_vmlck(), vmlck);
	sys_settle_pins(pins);
	dma_check_refused(rig, 0, IOVA, memory);
	rig_close(rig);
}

struct access {
	const char *variant;
	uint32_t flags;
};

static const struct access accesses[] = {
	{ "read_write", RW },
	{ "read_only", RO },
};

static void one_pin_each(const void *variant)
{
	const struct access *access = variant;

	rig_with_huge_pages();
	map(memory, SIZE, access->flags);
	expect_acquired(N);
	mem_fill_pages(memory, SIZE / PAGE);
	check_reads(memory);
	if (access->flags == RW)
		dma_check_write(rig, 0, IOVA + SIZE - PAGE,
				memory + SIZE - PAGE, 64);
	unmap(SIZE);
}

/* What is before the first whole huge page, and behind the last, is pinned by pages. */
static void ends_within_huge_pages(void)
{
	rig_with_huge_pages();
	map(memory + PAGE, SIZE - 2 * PAGE, RW);
	expect_acquired(N - 2 + 2 * (HUGE_PAGES - 1));
	dma_check_read(rig, 0, IOVA, memory + PAGE, 64);
	dma_check_read(rig, 0, IOVA + HUGE_PMD - PAGE, memory + HUGE_PMD, 64);
	dma_check_read(rig, 0, IOVA + SIZE - 3 * PAGE, memory + SIZE - 2 * PAGE, 64);
	unmap(SIZE - 2 * PAGE);
}

/* One that the page table maps in parts is pinned by pages, though it is one folio. */
static void mapped_in_parts(void)
{
	rig_with_huge_pages();
	assert_eq(mprotect(memory + PAGE, PAGE, PROT_READ), 0);
	assert_eq(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
	memory[PAGE] = 1;
	map(memory, SIZE, RW);
	expect_acquired(N - 1 + HUGE_PAGES);
	check_reads(memory);
	unmap(SIZE);
}

static void read_only_page_of_one(void)
{
	rig_with_huge_pages();
	assert_eq(mprotect(memory + PAGE, PAGE, PROT_READ), 0);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), -EFAULT);
	expect_eq(sys_vmlck(), vmlck);
	sys_settle_pins(pins);
	rig_close(rig);
}

/* The parent keeps the pinned pages, each of them; the child gets copies. */
static void fork_and_write(void)
{
	char *want;
	pid_t pid;

	rig_with_huge_pages();
	map(memory, SIZE, RW);
	want = malloc(SIZE);
	memcpy(want, memory, SIZE);
	pid = fork();
	if (!pid) {
		bool same;

		sys_msleep(200);
		same = !memcmp(memory, want, SIZE);
		memset(memory, 0x77, SIZE);
		_exit(same ? 0 : 1);
	}
	/* Before the child writes: of a page that they share, the first to write gets a copy. */
	mem_fill_pages(memory, SIZE / PAGE);
	sys_wait_for(pid);
	check_reads(memory);
	free(want);
	unmap(SIZE);
}

/* The page table changes under what is pinned, but for pages that are given back. */
static void page_table_split(void)
{
	char request[128];
	int fd;

	rig_with_huge_pages();
	map(memory, SIZE, RW);
	/* A page that the process gives back is the device's alone from now on. */
	assert_eq(madvise(memory + 5 * PAGE, PAGE, MADV_DONTNEED), 0);
	assert_eq(mprotect(memory + HUGE_PMD + PAGE, PAGE, PROT_NONE), 0);
	assert_eq(mprotect(memory + HUGE_PMD + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
	fd = open(SPLIT, O_WRONLY);
	if (fd >= 0) {
		snprintf(request, sizeof(request), "%d,0x%lx,0x%lx", getpid(),
			 (unsigned long)memory, (unsigned long)memory + SIZE);
		/* Refused for what is pinned. */
		if (write(fd, request, strlen(request)) < 0)
			test_say("splitting: %s", strerror(errno));
		close(fd);
	}
	madvise(memory, SIZE, MADV_COLLAPSE);
	mem_fill_pages(memory + 6 * PAGE, (SIZE - 6 * PAGE) / PAGE);
	dma_check_read(rig, 0, IOVA + 4 * PAGE, memory + 4 * PAGE, 64);
	dma_check_read(rig, 0, IOVA + 6 * PAGE, memory + 6 * PAGE, 64);
	dma_check_read(rig, 0, IOVA + HUGE_PMD + PAGE, memory + HUGE_PMD + PAGE, 64);
	dma_check_read(rig, 0, IOVA + SIZE - PAGE, memory + SIZE - PAGE, 64);
	unmap(SIZE);
}

/* A huge page of zeroes is shared until it is written to. */
static void zero_page_read_only(void)
{
	volatile char *at;
	size_t i;

	if (sys_is_uml())
		test_skip("no huge pages to be had");
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_anon_aligned(SIZE, HUGE_PMD);
	madvise(memory, SIZE, MADV_HUGEPAGE);
	for (at = memory, i = 0; i < SIZE; i += PAGE)
		(void)at[i];
	count();
	map(memory, SIZE, RO);
	mem_fill_pages(memory, SIZE / PAGE);
	check_reads(memory);
	unmap(SIZE);
}

/* Pages of a file stay where they are when the file is truncated. */
static void shared_memory(void)
{
	char was[64] = "";
	int fd, enabled;

	if (sys_is_uml())
		test_skip("no huge pages to be had");
	enabled = open(THP "shmem_enabled", O_RDWR);
	if (enabled < 0)
		test_skip("no huge pages of files in this kernel");
	assert_ge(read(enabled, was, sizeof(was) - 1), 1);
	sys_write(THP "shmem_enabled", "always");
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	fd = mem_memfd(SIZE);
	memory = mem_reserve(SIZE + HUGE_PMD);
	memory += -(unsigned long)memory & (HUGE_PMD - 1);
	memory = mmap(memory, SIZE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED, fd, 0);
	assert_ne((long)memory, (long)MAP_FAILED);
	mem_fill_pages(memory, SIZE / PAGE);
	/* At once: a failure below must not leave it to the tests that follow. */
	*strchrnul(strchr(was, '[') + 1, ']') = '\0';
	sys_write(THP "shmem_enabled", strchr(was, '[') + 1);
	close(enabled);
	count();
	map(memory, SIZE, RW);
	expect_acquired(N);
	check_reads(memory);
	assert_eq(ftruncate(fd, PAGE), 0);
	dma_check_read(rig, 0, IOVA, memory, 64);
	unmap(SIZE);
}

/* --- races ------------------------------------------------------------------------- */

static volatile bool stop;

/* Everything that changes how the page table maps a huge page, or its folio. */
static void *change_page_table(void *unused)
{
	unsigned int i = 0;
	pid_t pid;

	(void)unused;
	while (!stop) {
		char *at = memory + i++ % N * HUGE_PMD;

		switch (i / N % 5) {
		case 0:
			mprotect(at + PAGE, PAGE, PROT_READ);
			mprotect(at + PAGE, PAGE, PROT_READ | PROT_WRITE);
			break;
		case 1:
			madvise(at + 2 * PAGE, PAGE, MADV_DONTNEED);
			break;
		case 2:
			madvise(at, HUGE_PMD, MADV_DONTNEED);
			*(volatile char *)at = 1;
			break;
		case 3:
			madvise(at, HUGE_PMD, MADV_COLLAPSE);
			break;
		default:
			pid = fork();
			if (!pid) {
				*(volatile char *)at = 2;
				_exit(0);
			}
			if (pid > 0)
				sys_wait_for(pid);
		}
	}
	return NULL;
}

/* DMA goes to what the process has, also to what was pinned in the middle of a change. */
static void maps_against_changes(void)
{
	uint64_t end = sys_now_ms() + 5000;
	long good = 0, bad = 0;
	pthread_t thread;
	int64_t ret;

	rig_with_huge_pages();
	stop = false;
	assert_eq(pthread_create(&thread, NULL, change_page_table, NULL), 0);
	while (sys_now_ms() < end || !good) {
		ret = dma_map(rig->container, memory, IOVA, SIZE, RW);
		if (ret) {
			/* A page was read-only. */
			assert_ret(ret, -EFAULT);
			bad++;
		} else {
			good++;
			assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
		}
	}
	stop = true;
	pthread_join(thread, NULL);
	test_say("%ld maps, %ld refused", good, bad);

	mem_fill_pages(memory, SIZE / PAGE);
	map(memory, SIZE, RW);
	mem_fill_pages(memory, SIZE / PAGE);
	check_reads(memory);
	unmap(SIZE);
}

static const struct test tests[] = {
	TEST_VARIANTS(one_pin_each, accesses),
	TEST(ends_within_huge_pages),
	TEST(mapped_in_parts),
	TEST(read_only_page_of_one),
	TEST_LONG(fork_and_write, 120),
	TEST_LONG(page_table_split, 120),
	TEST(zero_page_read_only),
	TEST(shared_memory),
	TEST_LONG(maps_against_changes, 240),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
