// SPDX-License-Identifier: GPL-2.0
/* Registered memory: pinned and charged once, mapped often. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/counted.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"
#include "lib/watch.h"

static void extensions(void)
{
	int container = vfio_container_open();
	int group = vfio_group_open(0);

	assert_ret(vfio_group_join(group, container), 0);
	expect_eq(ioctl(container, VFIO_CHECK_EXTENSION,
			VFIO_TYPE1X_REGISTERED_MEMORY), 1);
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1X_REGISTERED_IOMMU), 0);
	expect_eq(ioctl(container, VFIO_CHECK_EXTENSION,
			VFIO_TYPE1X_REGISTERED_IOMMU), 1);
	expect_eq(ioctl(container, VFIO_CHECK_EXTENSION,
			VFIO_TYPE1X_REGISTERED_IOMMU + 0x100), 0);
}

/* What is mapped is no more pinned or charged than it is already. */
static void maps_pin_and_charge_nothing(void)
{
	rig_with_registered(WRITE);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	dma_check_pages(rig, 0, IOVA, memory, N);
	assert_ret(dma_map(rig->container, memory + 7 * PAGE, IOVA + GIB,
			   PAGE, RW), 0);
	dma_check_pages(rig, 0, IOVA + GIB, memory + 7 * PAGE, 1);
	assert_ret(dma_map(rig->container, memory + SIZE - 9 * PAGE,
			   IOVA + 2 * GIB, 9 * PAGE, RW), 0);
	dma_check_pages(rig, 0, IOVA + 2 * GIB, memory + SIZE - 9 * PAGE, 9);
	expect_more(N);

	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	dma_check_refused(rig, 0, IOVA, memory);
	dma_check_pages(rig, 0, IOVA + GIB, memory + 7 * PAGE, 1);
	assert_ret(dma_unmap(rig->container, IOVA + GIB, 2 * GIB), 10 * PAGE);
	expect_more(N);
	assert_ret(dma_unregister(rig->container, memory, SIZE), 0);
	expect_more(0);

	/* From here on a map of these addresses pins them. */
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	expect_more(N);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_more(0);
}

/* A range that is not within what is registered is pinned, all of it. */
static void what_sticks_out_is_pinned(void)
{
	rig_of(VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_register(rig->container, memory, 10 * PAGE, WRITE), 0);
	assert_ret(dma_register(rig->container, memory + 10 * PAGE, 10 * PAGE,
				WRITE), 0);
	expect_more(20);
	assert_ret(dma_map(rig->container, memory, IOVA, 10 * PAGE, RW), 0);
	expect_more(20);
	assert_ret(dma_map(rig->container, memory + 5 * PAGE, IOVA + GIB,
			   10 * PAGE, RW), 0);
	expect_more(30);
	dma_check_pages(rig, 0, IOVA + GIB, memory + 5 * PAGE, 10);
	/* It does not use either. */
	assert_ret(dma_unregister(rig->container, memory + 10 * PAGE,
				  10 * PAGE), 0);
	dma_check_pages(rig, 0, IOVA + GIB, memory + 5 * PAGE, 10);
	assert_ret(dma_unmap(rig->container, IOVA, 2 * GIB), 20 * PAGE);
	expect_more(10);
}

static int raw(unsigned long request, uint32_t argsz, uint32_t flags,
	       uint64_t vaddr, uint64_t size)
{
	struct vfio_type1x_memory arg = {
		.argsz = argsz,
		.flags = flags,
		.vaddr = vaddr,
		.size = size,
	};

	return ioctl(rig->container, request, &arg) ? -errno : 0;
}

/**
 * struct request - an ioctl of registered memory
 * @variant: its name
 * @nr: its number
 * @bad_flags: the least that it does not know
 * @top: what it returns for the last page of 64 bits
 */
struct request {
	const char *variant;
	unsigned long nr;
	uint32_t bad_flags;
	int top;
};

static const struct request requests[] = {
	{ "register", VFIO_TYPE1X_REGISTER_MEMORY, 2, -EFAULT },
	{ "unregister", VFIO_TYPE1X_UNREGISTER_MEMORY, WRITE, -ENOENT },
};

static void bad_arguments(const void *variant)
{
	const struct request *req = variant;
	const uint32_t argsz = sizeof(struct vfio_type1x_memory);
	const uint64_t end = -PAGE;
	uint64_t vaddr;

	rig_of(VFIO_TYPE1v2_IOMMU);
	vaddr = (uintptr_t)memory;
	expect_eq(ioctl(rig->container, req->nr, 8) ? errno : 0, EFAULT);
	expect_ret(raw(req->nr, argsz - 1, 0, vaddr, PAGE), -EINVAL);
	expect_ret(raw(req->nr, argsz, 2, vaddr, PAGE), -EINVAL);
	expect_ret(raw(req->nr, argsz, req->bad_flags, vaddr, PAGE), -EINVAL);
	expect_ret(raw(req->nr, argsz, 0, vaddr, 0), -EINVAL);
	expect_ret(raw(req->nr, argsz, 0, vaddr + 1, PAGE), -EINVAL);
	expect_ret(raw(req->nr, argsz, 0, vaddr, PAGE + 1), -EINVAL);
	expect_ret(raw(req->nr, argsz, 0, end, 2 * PAGE), -EOVERFLOW);
	expect_ret(raw(req->nr, argsz, 0, vaddr, end), -EOVERFLOW);
	expect_ret(raw(req->nr, argsz, 0, end, PAGE), req->top);
	expect_more(0);
}

/* What cannot be pinned cannot be registered, and then none of it is; one reason is given. */
static void bad_memory(void)
{
	char *mixed, line[256];

	rig_of(VFIO_TYPE1v2_IOMMU);
	mixed = mem_anon(3 * PAGE);
	munmap(mixed + PAGE, PAGE);
	watch_expect_reason(dma_register(rig->container, mixed, 3 * PAGE, WRITE), -EFAULT,
			    "why=vaddr %#lx: nothing is mapped there",
			    (unsigned long)mixed + PAGE);
	expect_eq(watch_refusal(line, sizeof(line)), 1);
	assert_eq(mprotect(mixed + 2 * PAGE, PAGE, PROT_READ), 0);
	expect_ret(dma_register(rig->container, mixed + 2 * PAGE, PAGE, WRITE),
		   -EFAULT);
	assert_ret(dma_register(rig->container, mixed + 2 * PAGE, PAGE, 0), 0);
	assert_ret(dma_unregister(rig->container, mixed + 2 * PAGE, PAGE), 0);
	expect_more(0);
	munmap(mixed, 3 * PAGE);
}

/* A BAR cannot be registered: it is not pinned, so it could be revoked. */
static void mmio_is_refused(void)
{
	struct bar bar;
	char *region;
	int group;

	rig_of(VFIO_TYPE1v2_IOMMU);
	group = vfio_bar_group_open();
	assert_ret(vfio_group_join(group, rig->container), 0);
	vfio_bar_open(&bar, group);
	region = vfio_region_map(&bar.dev, bar.region, NULL, 0, 2 * PAGE);
	watch_expect_reason(dma_register(rig->container, region, 2 * PAGE, WRITE), -EFAULT,
			    "why=vaddr %#lx: memory of a device (MMIO)",
			    (unsigned long)region);
	expect_more(0);
}

static void overlaps_and_strangers(void)
{
	rig_of(VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_register(rig->container, memory + 10 * PAGE, 10 * PAGE,
				WRITE), 0);
	expect_ret(dma_register(rig->container, memory + 10 * PAGE, 10 * PAGE,
				WRITE), -EEXIST);
	watch_expect_reason(dma_register(rig->container, memory + 19 * PAGE, 2 * PAGE,
					 WRITE), -EEXIST,
			    "why=register [%p, %p] overlaps [%p, %p]", memory + 19 * PAGE,
			    memory + 21 * PAGE - 1, memory + 10 * PAGE,
			    memory + 20 * PAGE - 1);
	expect_ret(dma_register(rig->container, memory + 9 * PAGE, 2 * PAGE,
				WRITE), -EEXIST);
	expect_ret(dma_register(rig->container, memory + 11 * PAGE, PAGE, 0),
		   -EEXIST);
	expect_ret(dma_register(rig->container, memory, SIZE, WRITE), -EEXIST);
	assert_ret(dma_register(rig->container, memory, PAGE, 0), 0);
	expect_ret(dma_register(rig->container, memory, PAGE, WRITE), -EEXIST);
	assert_ret(dma_unregister(rig->container, memory, PAGE), 0);
	expect_more(10);
	assert_ret(dma_register(rig->container, memory + 20 * PAGE, PAGE,
				WRITE), 0);
	assert_ret(dma_register(rig->container, memory + 9 * PAGE, PAGE,
				WRITE), 0);
	expect_more(12);

	expect_ret(dma_unregister(rig->container, memory, PAGE), -ENOENT);
	expect_ret(dma_unregister(rig->container, memory + 10 * PAGE, PAGE),
		   -ENOENT);
	expect_ret(dma_unregister(rig->container, memory + 9 * PAGE,
				  12 * PAGE), -ENOENT);
	expect_more(12);
	assert_ret(dma_unregister(rig->container, memory + 10 * PAGE,
				  10 * PAGE), 0);
	expect_ret(dma_unregister(rig->container, memory + 10 * PAGE,
				  10 * PAGE), -ENOENT);
	expect_more(2);
}

static void busy_while_mapped(void)
{
	rig_with_registered(WRITE);
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
	assert_ret(dma_map(rig->container, memory, IOVA + PAGE, PAGE, RO), 0);
	expect_ret(dma_unregister(rig->container, memory, SIZE), -EBUSY);
	assert_ret(dma_unmap(rig->container, IOVA, PAGE), PAGE);
	expect_ret(dma_unregister(rig->container, memory, SIZE), -EBUSY);
	dma_check_read(rig, 0, IOVA + PAGE, memory, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA + PAGE, PAGE), PAGE);
	/* A map that fails uses nothing. */
	expect_ret(dma_map(rig->container, memory, MSI_FIRST, PAGE, RW),
		   -EINVAL);
	assert_ret(dma_unregister(rig->container, memory, SIZE), 0);
	expect_more(0);
}

static void write_has_to_be_allowed(void)
{
	rig_with_registered(0);
	expect_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), -EPERM);
	expect_ret(dma_map(rig->container, memory, IOVA, PAGE, WO), -EPERM);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RO), 0);
	dma_check_read(rig, 0, IOVA, memory, DMA_MAX);
	dma_check_no_write(rig, 0, IOVA, memory);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_more(N);
}

/* The zero page is not charged. */
static void untouched_memory_to_be_read(void)
{
	char *cold;

	rig_of(VFIO_TYPE1v2_IOMMU);
	cold = mem_anon_cold(8 * PAGE);
	madvise(cold, 8 * PAGE, MADV_NOHUGEPAGE);
	assert_ret(dma_register(rig->container, cold, 8 * PAGE, 0), 0);
	expect_le(sys_vmlck(), vmlck + 8 * PAGE_KB);
	assert_ret(dma_map(rig->container, cold, IOVA, 8 * PAGE, RO), 0);
	dma_check_read(rig, 0, IOVA + 7 * PAGE, cold + 7 * PAGE, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, 8 * PAGE), 8 * PAGE);
	assert_ret(dma_unregister(rig->container, cold, 8 * PAGE), 0);
	expect_more(0);
	munmap(cold, 8 * PAGE);
}

static void huge_pages(void)
{
	char *huge;

	rig_of(VFIO_TYPE1v2_IOMMU);
	huge = mem_hugetlb(2 * HUGE_2M);
	assert_ret(dma_register(rig->container, huge, 2 * HUGE_2M, WRITE), 0);
	expect_eq(sys_vmlck(), vmlck + (long)(2 * HUGE_2M >> 10));
	assert_ret(dma_map(rig->container, huge + HUGE_2M - 4 * PAGE, IOVA,
			   8 * PAGE, RW), 0);
	dma_check_pages(rig, 0, IOVA, huge + HUGE_2M - 4 * PAGE, 8);
	assert_ret(dma_map(rig->container, huge, IOVA + GIB, 2 * HUGE_2M, RW),
		   0);
	dma_check_pages(rig, 0, IOVA + GIB, huge, 2 * HUGE_2M / PAGE);
	assert_ret(dma_unmap(rig->container, IOVA, 2 * GIB),
		   2 * HUGE_2M + 8 * PAGE);
	assert_ret(dma_unregister(rig->container, huge, 2 * HUGE_2M), 0);
	expect_more(0);
	munmap(huge, 2 * HUGE_2M);
}

/* The type of container that maps nothing but what is registered. */
static void registered_iommu(void)
{
	rig_of(VFIO_TYPE1X_REGISTERED_IOMMU);
	expect_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), -EINVAL);
	assert_ret(dma_register(rig->container, memory, 10 * PAGE, WRITE), 0);
	expect_ret(dma_map(rig->container, memory + 9 * PAGE, IOVA, 2 * PAGE,
			   RW), -EINVAL);
	expect_ret(dma_map(rig->container, memory + 10 * PAGE, IOVA, PAGE, RW),
		   -EINVAL);
	assert_ret(dma_map(rig->container, memory, IOVA, 10 * PAGE, RW), 0);
	expect_more(10);
	dma_check_pages(rig, 0, IOVA, memory, 10);
	/* Otherwise as v2. */
	expect_ret(dma_unmap(rig->container, IOVA, PAGE), -EINVAL);
	expect_ret(dma_map(rig->container, memory, IOVA + PAGE, PAGE, RW),
		   -EEXIST);
	assert_ret(dma_unmap(rig->container, IOVA, 10 * PAGE), 10 * PAGE);
	expect_more(10);
}

/* The program of the manual does what it says there. */
static void example(void)
{
	run_example("registered");
}

static const struct test tests[] = {
	TEST(extensions),
	TEST(maps_pin_and_charge_nothing),
	TEST(what_sticks_out_is_pinned),
	TEST_VARIANTS(bad_arguments, requests),
	TEST(bad_memory),
	TEST(mmio_is_refused),
	TEST(overlaps_and_strangers),
	TEST(busy_while_mapped),
	TEST(write_has_to_be_allowed),
	TEST(untouched_memory_to_be_read),
	TEST(huge_pages),
	TEST(registered_iommu),
	TEST(example),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
