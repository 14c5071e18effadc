// SPDX-License-Identifier: GPL-2.0
/* Registered memory: pinned and charged once, mapped often. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/mdev.h"
#include "lib/mem.h"
#include "lib/counted.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define RACE_MS	3000

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

/* What cannot be pinned cannot be registered, and then none of it is. */
static void bad_memory(void)
{
	char *mixed;

	rig_of(VFIO_TYPE1v2_IOMMU);
	mixed = mem_anon(3 * PAGE);
	munmap(mixed + PAGE, PAGE);
	expect_ret(dma_register(rig->container, mixed, 3 * PAGE, WRITE),
		   -EFAULT);
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
	expect_ret(dma_register(rig->container, region, 2 * PAGE, WRITE),
		   -EFAULT);
	expect_more(0);
}

static void overlaps_and_strangers(void)
{
	rig_of(VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_register(rig->container, memory + 10 * PAGE, 10 * PAGE,
				WRITE), 0);
	expect_ret(dma_register(rig->container, memory + 10 * PAGE, 10 * PAGE,
				WRITE), -EEXIST);
	expect_ret(dma_register(rig->container, memory + 19 * PAGE, 2 * PAGE,
				WRITE), -EEXIST);
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
	expect_ret(dma_map(rig->container, memory, 0xfee00000, PAGE, RW),
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
	expect_le(sys_vmlck(), vmlck + 8 * 4);
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

/* --- Several containers -------------------------------------------------------- */

static void containers_share_pins_and_charge(void)
{
	struct rig *other;

	rig_with_registered(WRITE);
	other = rig_open_from(1, 1, VFIO_TYPE1v2_IOMMU);
	pins++;
	vmlck += 4;
	assert_ret(dma_register(other->container, memory, SIZE, WRITE), 0);
	expect_more(N);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	assert_ret(dma_map(other->container, memory, IOVA, SIZE, RW), 0);
	expect_more(N);
	dma_check_pages(rig, 0, IOVA, memory, N);
	dma_check_pages(other, 0, IOVA, memory, N);

	/* One goes, the other stays. */
	rig_close(rig);
	pins--;
	vmlck -= 4;
	expect_more(N);
	dma_check_pages(other, 0, IOVA, memory, N);
	assert_ret(dma_unmap(other->container, IOVA, SIZE), SIZE);
	assert_ret(dma_unregister(other->container, memory, SIZE), 0);
	expect_more(0);
	rig_close(other);
}

static void containers_that_do_not_fit(void)
{
	struct rig *other;

	rig_with_registered(0);
	other = rig_open_from(1, 1, VFIO_TYPE1v2_IOMMU);
	count();
	expect_ret(dma_register(other->container, memory, SIZE, WRITE),
		   -EPERM);
	expect_ret(dma_register(other->container, memory, PAGE, 0), -EEXIST);
	expect_ret(dma_unregister(other->container, memory, SIZE), -ENOENT);
	/* What another one registered is not mapped from here. */
	assert_ret(dma_map(other->container, memory, IOVA, 3 * PAGE, RW), 0);
	expect_more(3);
	assert_ret(dma_unmap(other->container, IOVA, 3 * PAGE), 3 * PAGE);
	assert_ret(dma_register(other->container, memory, SIZE, 0), 0);
	assert_ret(dma_unregister(rig->container, memory, SIZE), 0);
	expect_more(0);
	assert_ret(dma_unregister(other->container, memory, SIZE), 0);
	expect_more(-(long)N);
	rig_close(other);
}

static void limit_counts_once(void)
{
	struct rig *other;

	mem_allow_ipc_lock(false);
	mem_limit(N + 1);
	rig_of(VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_register(rig->container, memory, SIZE, WRITE), 0);
	mem_limit(N + 2);
	other = rig_open_from(1, 1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_register(other->container, memory, SIZE, WRITE), 0);
	assert_ret(dma_map(other->container, memory, IOVA, SIZE, RW), 0);
	expect_ret(dma_map(other->container, rig->scratch, IOVA + GIB, PAGE,
			   RW), -ENOMEM);
	rig_close(other);
	assert_ret(dma_unregister(rig->container, memory, SIZE), 0);
	mem_limit(N);
	expect_ret(dma_register(rig->container, memory, SIZE, WRITE), -ENOMEM);
	expect_more(0);
	assert_ret(dma_register(rig->container, memory, SIZE - PAGE, WRITE), 0);
	expect_more(N - 1);
}

/* --- VFIO_TYPE1X_REGISTERED_IOMMU ------------------------------------------------ */

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

/* --- More groups ----------------------------------------------------------------- */

/* The mock's device that cannot share a domain with the first. */
#define NONCOHERENT	2

static void second_domain(void)
{
	rig_with_registered(WRITE);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	rig_add_mock(rig, NONCOHERENT);
	assert_ret(dma_map(rig->container, memory, IOVA + GIB, 9 * PAGE, RW),
		   0);
	dma_check_pages(rig, 0, IOVA, memory, N);
	dma_check_pages(rig, 1, IOVA, memory, N);
	dma_check_pages(rig, 1, IOVA + GIB, memory, 9);
	expect_more(N);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	dma_check_refused(rig, 0, IOVA, memory);
	dma_check_refused(rig, 1, IOVA, memory);
	dma_check_pages(rig, 1, IOVA + GIB, memory, 9);
	expect_more(N);
}

/* The last detach unregisters everything. */
static void last_group_leaves(void)
{
	rig_with_registered(WRITE);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	vfio_device_close(&rig->devices[0]);
	assert_ret(vfio_group_leave(rig->groups[0]), 0);
	expect_more(-1);
}

/* What a mediated device pins is what an IOMMU would show it, charged once. */
static void mediated_device(void)
{
	int group = mdev_group_open(0), container = vfio_container_open(), mdev;
	char was[64], is[64];

	assert_ret(vfio_group_join(group, container), 0);
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1X_REGISTERED_IOMMU), 0);
	mdev = mdev_device_open(group, 0);
	memory = mem_scattered(N);
	mem_fill_pages(memory, N);
	memcpy(was, memory + 5 * PAGE, sizeof(was));
	count();
	assert_ret(dma_register(container, memory, SIZE, WRITE), 0);
	assert_ret(dma_map(container, memory, IOVA, SIZE, RW), 0);
	expect_more(N);
	munmap(memory, SIZE);
	memory = mem_at(memory, SIZE);
	assert_ret(mdev_pin(mdev, IOVA + 5 * PAGE, 3), 3);
	expect_more(N);
	assert_ret(mdev_op(mdev, T1X_MDEV_PEEK, IOVA + 5 * PAGE, 0,
			   sizeof(is), is), 0);
	assert_bytes(is, was, sizeof(was));
	expect_ret(dma_unregister(container, memory, SIZE), -EBUSY);
	assert_ret(mdev_unpin(mdev, IOVA + 5 * PAGE, 1), 0);
	expect_more(N);
	assert_ret(dma_unmap(container, IOVA, SIZE), SIZE);
	expect_ret(mdev_told(mdev), 1);
	assert_ret(dma_unregister(container, memory, SIZE), 0);
	expect_more(0);
}

/* The program of the manual does what it says there. */
static void example(void)
{
	run_example("registered");
}

/* --- Races ------------------------------------------------------------------------ */

static volatile bool racing;

static void *register_all_the_time(void *data)
{
	int container = *(int *)data, ret;
	long n = 0;

	do {
		ret = dma_register(container, memory, SIZE, WRITE);
		/* The other one may be letting go of the last page. */
		assert_ret(ret, 0);
		while ((ret = dma_unregister(container, memory, SIZE)))
			assert_ret(ret, -EBUSY);
		n++;
	} while (racing);
	return (void *)n;
}

/* Pages come from the region, or are pinned, and are the right ones. */
static void *map_all_the_time(void *data)
{
	struct rig *other = data;
	size_t page;
	long n = 0;

	do {
		page = n % N;
		assert_ret(dma_map(other->container, memory + page * PAGE,
				   IOVA, PAGE, RW), 0);
		if (sys_is_uml())
			dma_check_pages(other, 0, IOVA, memory + page * PAGE,
					1);
		assert_ret(dma_unmap(other->container, IOVA, PAGE), PAGE);
		n++;
	} while (racing);
	return (void *)n;
}

static void registering_against_mapping(void)
{
	struct rig *other;
	pthread_t threads[3];
	void *n[3];
	size_t i;

	rig_of(VFIO_TYPE1v2_IOMMU);
	other = rig_open_from(1, 1, VFIO_TYPE1v2_IOMMU);
	count();
	racing = true;
	assert_eq(pthread_create(&threads[0], NULL, register_all_the_time,
				 &rig->container), 0);
	assert_eq(pthread_create(&threads[1], NULL, register_all_the_time,
				 &other->container), 0);
	assert_eq(pthread_create(&threads[2], NULL, map_all_the_time, other),
		  0);
	sys_msleep(RACE_MS);
	racing = false;
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], &n[i]);
	test_say("%ld and %ld times registered, %ld mapped", (long)n[0],
		 (long)n[1], (long)n[2]);
	sys_settle_pins(pins);
	expect_more(0);
	rig_close(other);
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
	TEST(containers_share_pins_and_charge),
	TEST(containers_that_do_not_fit),
	TEST(limit_counts_once),
	TEST(registered_iommu),
	TEST(second_domain),
	TEST(last_group_leaves),
	TEST(mediated_device),
	TEST(example),
	TEST(registering_against_mapping),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
