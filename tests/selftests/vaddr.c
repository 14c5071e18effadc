// SPDX-License-Identifier: GPL-2.0
/* Vaddr update, as QEMU does it when it is replaced by another QEMU (CPR). */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define UNMAP_VADDR	VFIO_DMA_UNMAP_FLAG_VADDR
#define UNMAP_ALL	VFIO_DMA_UNMAP_FLAG_ALL
#define MAP_VADDR	VFIO_DMA_MAP_FLAG_VADDR
#define NPAGES		20UL
#define SIZE		(NPAGES * PAGE)

static struct rig *rig;
static int memfd;
static unsigned char *memory;

static void *view(void)
{
	return mem_file(memfd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static void begin(void)
{
	memfd = mem_memfd(SIZE);
	memory = view();
	mem_fill(memory, SIZE);
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
}

static int64_t take_back(uint64_t iova, uint64_t size)
{
	return dma_unmap_flags(rig->container, iova, size, UNMAP_VADDR);
}

static int give(const void *vaddr, uint64_t iova, uint64_t size)
{
	return dma_map(rig->container, vaddr, iova, size, MAP_VADDR);
}

/* DMA goes on, pages stay pinned and charged, also when the vaddr changes. */
static void another_place(void)
{
	long vmlck, pins;
	void *other;

	begin();
	other = view();
	pins = sys_pins();
	vmlck = sys_vmlck();
	assert_ret(take_back(IOVA, SIZE), SIZE);
	munmap(memory, SIZE);
	dma_check_read(rig, 0, IOVA, other, DMA_MAX);
	expect_eq(sys_vmlck(), vmlck);
	expect_eq(sys_pins(), pins);
	assert_ret(give(other, IOVA, SIZE), 0);
	dma_check_write(rig, 0, IOVA + PAGE, other + PAGE, DMA_MAX);
	expect_eq(sys_vmlck(), vmlck);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_eq(sys_vmlck(), vmlck - (long)(SIZE >> 10));
}

static void all_of_it(void)
{
	begin();
	assert_ret(dma_unmap_flags(rig->container, 0, 0,
				   UNMAP_VADDR | UNMAP_ALL), SIZE + PAGE);
	assert_ret(give(memory, IOVA, SIZE), 0);
	assert_ret(give(rig->scratch, IOVA_SCRATCH, PAGE), 0);
	dma_check_read(rig, 0, IOVA, memory, DMA_MAX);
}

static void only_what_was_taken_back(void)
{
	begin();
	expect_ret(give(memory, IOVA, SIZE), -EINVAL);
	expect_ret(give(memory, IOVA + SIZE, PAGE), -ENOENT);
	expect_ret(take_back(IOVA + SIZE, PAGE), 0);
	assert_ret(take_back(IOVA, SIZE), SIZE);
	expect_ret(give(memory, IOVA, SIZE - PAGE), -EINVAL);
	expect_ret(give(memory, IOVA + PAGE, SIZE - PAGE), -EINVAL);
	expect_ret(give(memory, IOVA, SIZE + PAGE), -EINVAL);
	expect_ret(give(memory + 1, IOVA, SIZE), -EINVAL);
	expect_ret(dma_map(rig->container, memory, IOVA, SIZE, RW | MAP_VADDR),
		   -EINVAL);
	expect_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), -EEXIST);
	assert_ret(give(memory, IOVA, SIZE), 0);
	expect_ret(give(memory, IOVA, SIZE), -EINVAL);
}

static void bisecting_is_refused(void)
{
	begin();
	expect_ret(take_back(IOVA, PAGE), -EINVAL);
	expect_ret(take_back(IOVA + PAGE, SIZE - PAGE), -EINVAL);
	assert_ret(take_back(IOVA, SIZE), SIZE);
}

/* A range with one that is invalid already: the others stay valid. */
static void twice_is_refused_and_undone(void)
{
	void *other = mem_anon(PAGE);

	begin();
	assert_ret(dma_map(rig->container, other, IOVA + GIB, PAGE, RW), 0);
	assert_ret(take_back(IOVA + GIB, PAGE), PAGE);
	expect_ret(take_back(IOVA, 2 * GIB), -EINVAL);
	expect_ret(give(memory, IOVA, SIZE), -EINVAL);
	assert_ret(take_back(IOVA, SIZE), SIZE);
}

static void unmapping_it_is_fine(void)
{
	long vmlck;

	begin();
	vmlck = sys_vmlck();
	assert_ret(take_back(IOVA, SIZE), SIZE);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_eq(sys_vmlck(), vmlck - (long)(SIZE >> 10));
	/* And nothing is invalid any more: a group may come. */
	assert_ret(vfio_group_join(vfio_group_open(1), rig->container), 0);
}

static void no_group_meanwhile(void)
{
	int group;

	begin();
	group = vfio_group_open(1);
	assert_ret(take_back(IOVA, SIZE), SIZE);
	expect_ret(vfio_group_join(group, rig->container), -EBUSY);
	assert_ret(give(memory, IOVA, SIZE), 0);
	assert_ret(vfio_group_join(group, rig->container), 0);
}

/* After fork() a child has the descriptors, but not the charge. */
static int child(bool unmaps)
{
	long vmlck = sys_vmlck();

	if (give(view(), IOVA, SIZE))
		return 1;
	if (sys_vmlck() != vmlck + (long)(SIZE >> 10))
		return 2;
	if (!unmaps)
		return 0;
	if (dma_unmap(rig->container, IOVA, SIZE) != (int64_t)SIZE)
		return 3;
	return sys_vmlck() == vmlck ? 0 : 4;
}

static void give_in_child(bool unmaps)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(child(unmaps));
	assert_eq(waitpid(pid, &status, 0), pid);
	assert_eq(status, 0);
}

static void another_process(void)
{
	long vmlck;

	begin();
	vmlck = sys_vmlck();
	assert_ret(take_back(IOVA, SIZE), SIZE);
	give_in_child(true);
	expect_eq(sys_vmlck(), vmlck - (long)(SIZE >> 10));
	expect_ret(dma_unmap(rig->container, IOVA, SIZE), 0);
}

/* The new owner exits; its pages stay for the device and are no longer charged. */
static void another_process_that_exits(void)
{
	long vmlck;

	begin();
	vmlck = sys_vmlck();
	assert_ret(take_back(IOVA, SIZE), SIZE);
	give_in_child(false);
	expect_eq(sys_vmlck(), vmlck - (long)(SIZE >> 10));
	dma_check_write(rig, 0, IOVA + PAGE, memory + PAGE, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_eq(sys_vmlck(), vmlck - (long)(SIZE >> 10));
}

static void v1_has_it_too(void)
{
	memfd = mem_memfd(SIZE);
	memory = view();
	rig = rig_open(1, VFIO_TYPE1_IOMMU);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	assert_ret(take_back(IOVA, PAGE), SIZE);
	assert_ret(give(memory, IOVA, SIZE), 0);
}

static const struct test tests[] = {
	TEST(another_place),
	TEST(all_of_it),
	TEST(only_what_was_taken_back),
	TEST(bisecting_is_refused),
	TEST(twice_is_refused_and_undone),
	TEST(unmapping_it_is_fine),
	TEST(no_group_meanwhile),
	TEST(another_process),
	TEST(another_process_that_exits),
	TEST(v1_has_it_too),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
