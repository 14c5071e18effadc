// SPDX-License-Identifier: GPL-2.0
/* Registered memory that several containers, domains, groups and threads use. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/counted.h"
#include "lib/mdev.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"
#include "lib/watch.h"

/* --- Several containers -------------------------------------------------------- */

static void containers_share_pins_and_charge(void)
{
	struct rig *other;

	rig_with_registered(WRITE);
	other = rig_open_from(1, 1, VFIO_TYPE1v2_IOMMU);
	pins++;
	vmlck += PAGE_KB;
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
	vmlck -= PAGE_KB;
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
	watch_expect_reason(dma_register(other->container, memory, SIZE, WRITE), -EPERM,
			    ": another container registered it without write");
	watch_expect_reason(dma_register(other->container, memory, PAGE, 0), -EEXIST,
			    ": another container has [%p, ", memory);
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
	sys_msleep(sys_race_ms());
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
	TEST(containers_share_pins_and_charge),
	TEST(containers_that_do_not_fit),
	TEST(limit_counts_once),
	TEST(second_domain),
	TEST(last_group_leaves),
	TEST(mediated_device),
	TEST(registering_against_mapping),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
