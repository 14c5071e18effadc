// SPDX-License-Identifier: GPL-2.0
/* Registered memory, and what becomes of it when the address space changes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/counted.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* The device keeps what was registered, whatever is at the addresses now. */
static void discarded_memory_stays_registered(void)
{
	unsigned char was[DMA_MAX];

	rig_with_registered(WRITE);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	memcpy(was, memory, sizeof(was));
	munmap(memory, SIZE);
	memory = mem_at(memory, SIZE);
	mem_fill_pages(memory, N);
	dma_check_read(rig, 0, IOVA, was, sizeof(was));
	assert_ret(dma_map(rig->container, memory, IOVA + GIB, PAGE, RW), 0);
	dma_check_read(rig, 0, IOVA + GIB, was, sizeof(was));
	dma_check_no_write(rig, 0, IOVA + GIB, memory);
	expect_more(N);

	assert_ret(dma_unmap(rig->container, IOVA, 2 * GIB), SIZE + PAGE);
	assert_ret(dma_unregister(rig->container, memory, SIZE), 0);
	expect_more(0);
	assert_ret(dma_register(rig->container, memory, SIZE, WRITE), 0);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	dma_check_pages(rig, 0, IOVA, memory, N);
}

static void moved_memory_keeps_its_name(void)
{
	char *there = mem_reserve(SIZE), *here;

	rig_with_registered(WRITE);
	here = memory;
	assert_eq(mremap(here, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			 there) == there, true);
	assert_ret(dma_map(rig->container, here, IOVA, SIZE, RW), 0);
	dma_check_pages(rig, 0, IOVA, there, N);
	/* To pin it under its new name is to pin it again. */
	assert_ret(dma_map(rig->container, there, IOVA + GIB, PAGE, RW), 0);
	expect_more(N + 1);
	assert_ret(dma_unmap(rig->container, IOVA, 2 * GIB), SIZE + PAGE);
	assert_ret(dma_unregister(rig->container, here, SIZE), 0);
	expect_more(0);
	munmap(there, SIZE);
}

/* What a child maps is its own: nothing is registered there. */
static void child_has_nothing_registered(void)
{
	pid_t pid;

	rig_with_registered(WRITE);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	pid = fork();
	if (!pid) {
		mem_fill(memory, PAGE);
		assert_ret(dma_unregister(rig->container, memory, SIZE),
			   -ENOENT);
		assert_ret(dma_map(rig->container, memory, IOVA + GIB, PAGE,
				   RW), 0);
		assert_eq(sys_vmlck(), PAGE_KB);
		assert_ret(dma_register(rig->container, memory, SIZE, WRITE),
			   0);
		assert_eq(sys_vmlck(), PAGE_KB + SIZE / 1024);
		_exit(0);
	}
	sys_wait_for(pid);
	mem_fill_pages(memory, N);
	dma_check_pages(rig, 0, IOVA, memory, N);
	/* Until the container is closed, what the child left stays. */
	expect_eq(sys_pins(), pins + 2 * N + 1);
	expect_eq(sys_vmlck(), vmlck + (long)SIZE / 1024);
	rig_close(rig);
	sys_settle_pins(pins - 1);
	expect_eq(sys_vmlck(), vmlck - PAGE_KB);
}

/* What is left behind exec() of exec_leaves_it_to_the_container(). */
static int after_exec(int container, const void *vaddr)
{
	if (sys_vmlck())
		return 2;
	if (dma_unregister(container, vaddr, SIZE) != -ENOENT)
		return 3;
	if (dma_unmap(container, IOVA, SIZE) != SIZE)
		return 4;
	return sys_vmlck() ? 5 : 0;
}

static void exec_leaves_it_to_the_container(void)
{
	char container[16], vaddr[32];
	pid_t pid;

	rig_of(VFIO_TYPE1v2_IOMMU);
	snprintf(container, sizeof(container), "%d", rig->container);
	pid = fork();
	if (!pid) {
		assert_ret(dma_register(rig->container, memory, SIZE, WRITE),
			   0);
		assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
		snprintf(vaddr, sizeof(vaddr), "%p", memory);
		execl("/proc/self/exe", "register_mm", "exec", container, vaddr,
		      NULL);
		_exit(1);
	}
	sys_wait_for(pid);
	expect_eq(sys_pins(), pins + (long)N);
	expect_eq(sys_vmlck(), vmlck);
	rig_close(rig);
	sys_settle_pins(pins - 1);
}

/* The process is gone, its pages stay for as long as the container is open. */
static void exit_leaves_it_to_the_container(void)
{
	pid_t pid;

	rig_of(VFIO_TYPE1v2_IOMMU);
	pid = fork();
	if (!pid) {
		assert_ret(dma_register(rig->container, memory, SIZE, WRITE),
			   0);
		assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
		_exit(0);
	}
	sys_wait_for(pid);
	expect_eq(sys_pins(), pins + (long)N);
	expect_eq(sys_vmlck(), vmlck);
	dma_check_read(rig, 0, IOVA, memory, DMA_MAX);
	/* It was never ours to give back, nor to map. */
	expect_ret(dma_unregister(rig->container, memory, SIZE), -ENOENT);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_eq(sys_pins(), pins + (long)N);
	rig_close(rig);
	sys_settle_pins(pins - 1);
}

/* A new vaddr is a name of the mapping; what was registered keeps its own. */
static void vaddr_update(void)
{
	int memfd = mem_memfd(SIZE);
	char *view;

	rig_of(VFIO_TYPE1v2_IOMMU);
	munmap(memory, SIZE);
	memory = mem_file(memfd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	mem_fill_pages(memory, N);
	assert_ret(dma_register(rig->container, memory, SIZE, WRITE), 0);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	view = mem_file(memfd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	assert_ret(dma_unmap_flags(rig->container, IOVA, SIZE,
				   VFIO_DMA_UNMAP_FLAG_VADDR), SIZE);
	dma_check_pages(rig, 0, IOVA, view, N);
	assert_ret(dma_map(rig->container, view, IOVA, SIZE,
			   VFIO_DMA_MAP_FLAG_VADDR), 0);
	dma_check_pages(rig, 0, IOVA, view, N);
	expect_more(N);
	expect_ret(dma_unregister(rig->container, view, SIZE), -ENOENT);
	expect_ret(dma_unregister(rig->container, memory, SIZE), -EBUSY);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	assert_ret(dma_unregister(rig->container, memory, SIZE), 0);
	expect_more(0);
	munmap(view, SIZE);
	close(memfd);
}

static const struct test tests[] = {
	TEST(discarded_memory_stays_registered),
	TEST(moved_memory_keeps_its_name),
	TEST(child_has_nothing_registered),
	TEST(exec_leaves_it_to_the_container),
	TEST(exit_leaves_it_to_the_container),
	TEST(vaddr_update),
};

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "exec"))
		return after_exec(atoi(argv[2]),
				  (void *)strtoul(argv[3], NULL, 0));
	return test_main(tests, ARRAY_SIZE(tests));
}
