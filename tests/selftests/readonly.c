// SPDX-License-Identifier: GPL-2.0
/*
 * Memory mapped for devices to read: they read what the process writes there, whatever
 * the pages were when they were mapped.
 *
 * The pages of private memory that was never written are shared (the page of zeroes,
 * the file's own) until the process writes.  A pin must end that, or the device keeps
 * a page that the process no longer sees.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define N 3
#define SIZE (N * PAGE)

enum state { UNTOUCHED, READ, WRITTEN, NR_STATES };
enum way { MAPPED, REGISTERED, ADDED, NR_WAYS };

/**
 * struct kind - a kind of memory
 * @variant: its name
 * @make: its pages, none of them touched
 * @size: bytes that are mapped
 * @step: every so many bytes a page is looked at
 * @prot: how the process may access it when it is mapped
 */
struct kind {
	const char *variant;
	char *(*make)(void);
	size_t size;
	size_t step;
	int prot;
};

static const char *const states[] = { "untouched", "read", "written" };
static const char *const ways[] = { "mapped", "registered", "mapped for a second domain" };

static void touch(const struct kind *kind, char *memory, enum state state)
{
	volatile char *at = memory;
	size_t i;

	for (i = 0; state == READ && i < kind->size; i += PAGE)
		(void)at[i];
	if (state != WRITTEN)
		return;
	assert_eq(mprotect(memory, kind->size, PROT_READ | PROT_WRITE), 0);
	mem_fill_pages(memory, kind->size / PAGE);
	assert_eq(mprotect(memory, kind->size, kind->prot), 0);
}

static void check_device_sees(const struct kind *kind, struct rig *rig, int nr,
			      char *memory)
{
	size_t at;

	assert_eq(mprotect(memory, kind->size, PROT_READ | PROT_WRITE), 0);
	for (at = 0; at < kind->size; at += kind->step) {
		mem_fill(memory + at, DMA_MAX);
		dma_check_read(rig, nr, IOVA + at, memory + at, DMA_MAX);
	}
}

static void try(const struct kind *kind, enum state state, enum way way)
{
	struct rig *rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	char *memory = kind->make();
	long vmlck = sys_vmlck();

	test_say("%s, then %s", states[state], ways[way]);
	touch(kind, memory, state);
	if (way == REGISTERED)
		assert_ret(dma_register(rig->container, memory, kind->size, 0),
			   0);
	assert_ret(dma_map(rig->container, memory, IOVA, kind->size, RO), 0);
	expect_eq(sys_vmlck(), vmlck + (long)(kind->size >> 10));
	if (way == ADDED)
		rig_add_mock(rig, 2);
	check_device_sees(kind, rig, way == ADDED, memory);
	assert_ret(dma_unmap(rig->container, IOVA, kind->size), kind->size);
	if (way == REGISTERED)
		assert_ret(dma_unregister(rig->container, memory, kind->size),
			   0);
	expect_eq(sys_vmlck(), vmlck);
	rig_close(rig);
	munmap(memory, kind->size);
}

/* --- kinds -------------------------------------------------------------------------- */

static char *mapped(int fd, int prot, int flags)
{
	void *memory = mmap(NULL, SIZE, prot, flags, fd, 0);

	if (memory == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return memory;
}

static int filled(int fd)
{
	char page[PAGE];
	int i;

	for (i = 0; i < N; i++) {
		mem_fill(page, PAGE);
		assert_eq(write(fd, page, PAGE), PAGE);
	}
	return fd;
}

static char *make_anon(void)
{
	return mapped(-1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
}

static char *make_private_file(void)
{
	return mapped(filled(mem_tmpfs(SIZE)), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE);
}

static char *make_private_memfd(void)
{
	return mapped(filled(mem_memfd(SIZE)), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE);
}

static char *make_private_hole(void)
{
	return mapped(mem_memfd(SIZE), PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static char *make_rom(void)
{
	return mapped(filled(mem_memfd(SIZE)), PROT_READ, MAP_PRIVATE);
}

static char *make_shared(void)
{
	return mapped(filled(mem_memfd(SIZE)), PROT_READ, MAP_SHARED);
}

static char *make_mixed(void)
{
	char *memory = mem_reserve(SIZE);
	int fd = filled(mem_memfd(SIZE));

	assert_ne(mmap(memory, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_FIXED, fd, 0), MAP_FAILED);
	assert_ne(mmap(memory + PAGE, PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, fd, PAGE), MAP_FAILED);
	assert_ne(mmap(memory + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		  MAP_FAILED);
	close(fd);
	return memory;
}

static char *make_huge(void)
{
	char *memory = mem_anon_aligned(HUGE_PMD, HUGE_PMD);

	/* Pages that were touched already go again. */
	madvise(memory, HUGE_PMD, MADV_HUGEPAGE);
	assert_eq(madvise(memory, HUGE_PMD, MADV_DONTNEED), 0);
	return memory;
}

static char *make_hugetlb(void)
{
	char *memory = mem_hugetlb(HUGE_2M);

	assert_eq(madvise(memory, HUGE_2M, MADV_DONTNEED), 0);
	return memory;
}

#define RW_PROT (PROT_READ | PROT_WRITE)

static const struct kind kinds[] = {
	{ "anon", make_anon, SIZE, SIZE, RW_PROT },
	{ "private_file", make_private_file, SIZE, SIZE, RW_PROT },
	{ "private_memfd", make_private_memfd, SIZE, SIZE, RW_PROT },
	{ "private_hole", make_private_hole, SIZE, SIZE, RW_PROT },
	{ "rom", make_rom, SIZE, SIZE, PROT_READ },
	{ "shared", make_shared, SIZE, SIZE, PROT_READ },
	{ "mixed", make_mixed, SIZE, PAGE, RW_PROT },
	{ "huge", make_huge, HUGE_PMD, HUGE_PMD, RW_PROT },
	{ "hugetlb", make_hugetlb, HUGE_2M, HUGE_2M, RW_PROT },
};

static void devices_read_what_is_written(const void *variant)
{
	const struct kind *kind = variant;
	enum state state;
	enum way way;

	for (way = MAPPED; way < NR_WAYS; way++) {
		/* A domain of its own for the second group has only the mock. */
		if ((way == ADDED && !sys_is_uml()) ||
		    (way == REGISTERED && !sys_is_type1x()))
			continue;
		for (state = UNTOUCHED; state < NR_STATES; state++)
			try(kind, state, way);
	}
}

/* --- memory that is refused for reading as well ------------------------------------- */

static void no_access(void)
{
	struct rig *rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	char *memory = mem_anon(SIZE);

	assert_eq(mprotect(memory + PAGE, PAGE, PROT_NONE), 0);
	expect_ret(dma_map(rig->container, memory, IOVA, SIZE, RO), -EFAULT);
	expect_ret(dma_map(rig->container, memory + PAGE, IOVA, PAGE, RO),
		   -EFAULT);
	dma_check_refused(rig, 0, IOVA, memory);
}

/* It cannot be written, not even with FOLL_FORCE, so no page is copied. */
static void sealed_file(void)
{
	struct rig *rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	int fd = memfd_create("t1x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char *memory;

	assert_eq(ftruncate(fd, SIZE), 0);
	filled(fd);
	assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	memory = mem_file(fd, SIZE, PROT_READ, MAP_SHARED);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RO), 0);
	dma_check_read(rig, 0, IOVA + PAGE, memory + PAGE, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), -EFAULT);
	close(fd);
}

static const struct test tests[] = {
	TEST_VARIANTS(devices_read_what_is_written, kinds),
	TEST(no_access),
	TEST(sealed_file),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
