// SPDX-License-Identifier: GPL-2.0
/*
 * Threads against each other. Errors are expected here, splats are not: what
 * proves the most is a kernel with KASAN and two CPUs.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/dirty.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define MAX_THREADS	4

static int container;
static struct rig *rig;
static void *memory;
static volatile int stop;
static volatile long rounds;

static pthread_t threads[MAX_THREADS];
static int nr_threads;

static void start(void *(*fn)(void *), long arg)
{
	assert_le(nr_threads, MAX_THREADS - 1);
	assert_eq(pthread_create(&threads[nr_threads++], NULL, fn,
				 (void *)arg), 0);
}

static void join_all(void)
{
	stop = 1;
	while (nr_threads)
		pthread_join(threads[--nr_threads], NULL);
}

static void rig_with_memory(void)
{
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	container = rig->container;
	memory = mem_anon(8 * PAGE);
}

/* One that needs a domain of its own, where there is one. */
static int other_group_open(void)
{
	return sys_is_uml() ? vfio_mock_group_open(2) : vfio_group_open(1);
}

/* In a container that comes and goes anything but this is wrong. */
static void expect_known_error(int ret)
{
	switch (ret) {
	case 0:
	case -EINVAL:
	case -EEXIST:
	case -ENOTTY:
	case -ENODEV:
		return;
	default:
		expect_ret(ret, 0);
	}
}

static void *get_info_thread(void *arg)
{
	struct vfio_iommu_type1_info info;

	(void)arg;
	while (!stop) {
		info.argsz = sizeof(info);
		expect_known_error(ioctl(container, VFIO_IOMMU_GET_INFO,
					 &info) ? -errno : 0);
		ioctl(container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU);
	}
	return NULL;
}

static void *map_thread(void *arg)
{
	uint64_t iova = IOVA + (long)arg * 256 * PAGE;
	int64_t ret;

	while (!stop) {
		ret = dma_map(container, memory, iova, 8 * PAGE, RW);
		expect_known_error(ret);
		ret = dma_unmap(container, iova, 8 * PAGE);
		expect_known_error(ret > 0 ? 0 : ret);
		rounds++;
	}
	return NULL;
}

/*
 * The core calls a driver's ioctl() with the container's data and no lock, and
 * release() frees that data when the last group leaves.
 */
static void ioctls_against_last_group_leaving(void)
{
	uint64_t end = sys_now_ms() + sys_race_ms();
	int group, n = 0;

	memory = mem_anon(8 * PAGE);
	container = vfio_container_open();
	group = vfio_group_open(0);
	start(get_info_thread, 0);
	start(map_thread, 0);
	start(map_thread, 1);
	while (n < SYS_ROUNDS || sys_now_ms() < end) {
		assert_ret(vfio_group_join(group, container), 0);
		assert_ret(vfio_try_set_iommu(container, VFIO_TYPE1v2_IOMMU),
			   0);
		/* Sometimes at once, sometimes with mappings in flight. */
		if (n % 3)
			usleep(n % 7 * 200);
		assert_ret(vfio_group_leave(group), 0);
		n++;
	}
	sys_race(0, &rounds);
	join_all();
	vfio_close(&group);
	vfio_close(&container);
	expect_eq(sys_vmlck(), 0);
}

/* The same, but the group's file is closed, from a thread of its own. */
static void ioctls_against_group_closing(void)
{
	uint64_t end = sys_now_ms() + sys_race_ms();
	int group, n = 0;

	memory = mem_anon(8 * PAGE);
	container = vfio_container_open();
	start(get_info_thread, 0);
	start(map_thread, 0);
	while (n < SYS_ROUNDS || sys_now_ms() < end) {
		group = vfio_group_open(0);
		assert_ret(vfio_group_join(group, container), 0);
		assert_ret(vfio_try_set_iommu(container, VFIO_TYPE1v2_IOMMU),
			   0);
		if (n % 3)
			usleep(n % 7 * 200);
		vfio_close(&group);
		n++;
	}
	join_all();
	vfio_close(&container);
	expect_eq(sys_vmlck(), 0);
}

/* A second group comes and goes while mappings do. */
static void maps_against_group_joining(void)
{
	uint64_t end = sys_now_ms() + sys_race_ms();
	int group, n = 0;

	rig_with_memory();
	group = other_group_open();
	start(map_thread, 0);
	start(map_thread, 1);
	start(get_info_thread, 0);
	while (n < SYS_ROUNDS || sys_now_ms() < end) {
		assert_ret(vfio_group_join(group, container), 0);
		if (n % 2)
			usleep(n % 5 * 200);
		assert_ret(vfio_group_leave(group), 0);
		n++;
	}
	sys_race(0, &rounds);
	join_all();
	expect_eq(sys_vmlck(), PAGE_KB);
	assert_ret(dma_map(container, memory, IOVA, 8 * PAGE, RW), 0);
	dma_check_pages(rig, 0, IOVA, memory, 8);
}

/* Different IOVAs, from several threads: each one is alone. */
static void *private_map_thread(void *arg)
{
	uint64_t iova = IOVA + (long)arg * 256 * PAGE;

	while (!stop) {
		assert_ret(dma_map(container, memory, iova, 8 * PAGE, RW), 0);
		assert_ret(dma_unmap(container, iova, 8 * PAGE), 8 * PAGE);
		rounds++;
	}
	return NULL;
}

static void maps_side_by_side(void)
{
	rig_with_memory();
	start(private_map_thread, 0);
	start(private_map_thread, 1);
	start(private_map_thread, 2);
	sys_race(sys_race_ms(), &rounds);
	join_all();
	expect_eq(sys_vmlck(), PAGE_KB);
}

/* The same IOVAs: of two maps one wins, of two unmaps one gets the size. */
static volatile long balance;

static void *rival_map_thread(void *arg)
{
	int64_t ret;

	(void)arg;
	while (!stop) {
		ret = dma_map(container, memory, IOVA, 8 * PAGE, RW);
		if (ret != -EEXIST) {
			assert_ret(ret, 0);
			__atomic_add_fetch(&balance, 1, __ATOMIC_SEQ_CST);
		}
		ret = dma_unmap(container, IOVA, 8 * PAGE);
		if (ret) {
			assert_ret(ret, 8 * PAGE);
			__atomic_sub_fetch(&balance, 1, __ATOMIC_SEQ_CST);
		}
		rounds++;
	}
	return NULL;
}

static void maps_of_the_same(void)
{
	rig_with_memory();
	start(rival_map_thread, 0);
	start(rival_map_thread, 1);
	start(rival_map_thread, 2);
	sys_race(sys_race_ms(), &rounds);
	join_all();
	expect_eq(balance, 0);
	expect_eq(sys_vmlck(), PAGE_KB);
	expect_ret(dma_unmap(container, IOVA, 8 * PAGE), 0);
}

static void *unmap_all_thread(void *arg)
{
	(void)arg;
	while (!stop) {
		assert_ge(dma_unmap_flags(container, 0, 0,
					  VFIO_DMA_UNMAP_FLAG_ALL), 0);
		sched_yield();
	}
	return NULL;
}

static void *many_maps_thread(void *arg)
{
	uint64_t iova = IOVA + (long)arg * GIB;
	long i;

	for (i = 0; !stop; i++) {
		assert_ret(dma_map(container, memory, iova + i * PAGE, PAGE,
				   RW), 0);
		rounds++;
	}
	return NULL;
}

static void maps_against_unmap_all(void)
{
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	container = rig->container;
	memory = mem_anon(PAGE);
	start(many_maps_thread, 0);
	start(many_maps_thread, 1);
	start(unmap_all_thread, 0);
	sys_race(sys_race_ms(), &rounds);
	join_all();
	assert_ge(dma_unmap_flags(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL), 0);
	expect_eq(sys_vmlck(), 0);
}

/* The device goes on with what is being taken from it. */
static void *dma_thread(void *arg)
{
	(void)arg;
	while (!stop) {
		dma_load(&rig->devices[0], IOVA, 0, 256);
		dma_store(&rig->devices[0], IOVA + 4 * PAGE, 0, 256);
		rounds++;
	}
	return NULL;
}

static void unmaps_against_dma(void)
{
	rig_with_memory();
	start(dma_thread, 0);
	start(private_map_thread, 0);
	sys_race(sys_race_ms(), &rounds);
	join_all();
	/* Memory that was given back is not written to. */
	dma_check_refused(rig, 0, IOVA, memory);
}

/* Memory moves and goes while it is being mapped. */
static void *munmap_thread(void *arg)
{
	(void)arg;
	while (!stop) {
		madvise(memory, 64 * PAGE, MADV_DONTNEED);
		mprotect(memory + 32 * PAGE, PAGE, PROT_NONE);
		mprotect(memory + 32 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

static void maps_against_memory_going(void)
{
	uint64_t end = sys_now_ms() + sys_race_ms();
	int64_t ret;
	long good = 0, bad = 0;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_anon(64 * PAGE);
	start(munmap_thread, 0);
	while (good + bad < SYS_ROUNDS || sys_now_ms() < end) {
		ret = dma_map(rig->container, memory, IOVA, 64 * PAGE, RW);
		if (ret)
			assert_ret(ret, -EFAULT);
		assert_ret(dma_unmap(rig->container, IOVA, 64 * PAGE),
			   ret ? 0 : 64 * PAGE);
		good += !ret;
		bad += !!ret;
	}
	join_all();
	expect_eq(sys_vmlck(), PAGE_KB);
}

/* --- Dirty page tracking --------------------------------------------------------- */

/* In a container that stays: a mapping is dirty as a whole or is not there. */
static void *dirty_thread(void *arg)
{
	uint64_t words[5];

	(void)arg;
	while (!stop) {
		memset(words, 0, sizeof(words));
		assert_ret(dirty_flags(container, START), 0);
		assert_ret(dirty_get(container, IOVA, 320 * PAGE, words, 40),
			   0);
		if ((words[0] && words[0] != 0xff) ||
		    (words[4] && words[4] != 0xff))
			fail("dirty: %#lx, %#lx", words[0], words[4]);
		assert_eq(words[1] | words[2] | words[3], 0);
		assert_ret(dirty_flags(container, STOP), 0);
		rounds++;
	}
	return NULL;
}

static void dirty_against_maps_and_groups(void)
{
	uint64_t end = sys_now_ms() + sys_race_ms();
	int group, n = 0;

	rig_with_memory();
	group = other_group_open();
	start(map_thread, 0);
	start(map_thread, 1);
	start(dirty_thread, 0);
	while (n < SYS_ROUNDS || sys_now_ms() < end) {
		assert_ret(vfio_group_join(group, container), 0);
		assert_ret(vfio_group_leave(group), 0);
		n++;
	}
	sys_race(0, &rounds);
	join_all();
	expect_eq(sys_vmlck(), PAGE_KB);
}

/* The container may be gone or empty, and dirty tracking off: any result will do. */
static void *any_dirty_thread(void *arg)
{
	uint64_t words[8];
	int64_t ret;

	while (!stop) {
		expect_known_error(dirty_flags(container, START));
		expect_known_error(dirty_get(container, IOVA, 320 * PAGE, words,
					     sizeof(words)));
		ret = dirty_unmap(container, IOVA + (long)arg * 256 * PAGE, 8 * PAGE,
				  words, sizeof(words));
		expect_known_error(ret > 0 ? 0 : ret);
		expect_known_error(dirty_flags(container, STOP));
		rounds++;
	}
	return NULL;
}

static void all_at_once(void)
{
	uint64_t end = sys_now_ms() + sys_race_ms();
	int groups[2], n = 0;

	memory = mem_anon(8 * PAGE);
	container = vfio_container_open();
	groups[0] = vfio_group_open(0);
	groups[1] = other_group_open();
	start(map_thread, 0);
	start(map_thread, 1);
	start(any_dirty_thread, 0);
	start(any_dirty_thread, 1);
	while (n < SYS_ROUNDS || sys_now_ms() < end) {
		assert_ret(vfio_group_join(groups[n % 2], container), 0);
		assert_ret(vfio_try_set_iommu(container, VFIO_TYPE1v2_IOMMU),
			   0);
		if (n % 3)
			assert_ret(vfio_group_join(groups[!(n % 2)], container),
				   0);
		if (n % 5)
			usleep(n % 7 * 200);
		assert_ret(vfio_group_leave(groups[n % 2]), 0);
		if (n % 3)
			assert_ret(vfio_group_leave(groups[!(n % 2)]), 0);
		n++;
	}
	sys_race(0, &rounds);
	join_all();
	vfio_close(&groups[0]);
	vfio_close(&groups[1]);
	vfio_close(&container);
	expect_eq(sys_vmlck(), 0);
}

/* --- The same account, from the other side ------------------------------------------ */

static void *mlock_thread(void *arg)
{
	void *own = mem_anon(16 * PAGE), *addr = arg ? memory : own;
	size_t size = arg ? 8 * PAGE : 16 * PAGE;

	while (!stop) {
		assert_eq(mlock(addr, size), 0);
		assert_eq(munlock(addr, size), 0);
		rounds++;
	}
	munmap(own, 16 * PAGE);
	return NULL;
}

static void maps_against_mlock(void)
{
	void *locked = mem_anon(5 * PAGE);

	rig_with_memory();
	start(private_map_thread, 0);
	start(private_map_thread, 1);
	start(mlock_thread, 0);
	start(mlock_thread, 1);
	sys_msleep(sys_race_ms() / 2);
	assert_eq(mlock(locked, 5 * PAGE), 0);
	assert_ret(dma_map(container, locked, IOVA + GIB, 5 * PAGE, RW), 0);
	sys_race(sys_race_ms() / 2, &rounds);
	join_all();
	/* Scratch, mlock() and DMA: a page that was lost would be seen here. */
	expect_eq(sys_vmlck(), 11 * PAGE_KB);
	assert_ret(dma_unmap(container, IOVA + GIB, 5 * PAGE), 5 * PAGE);
	expect_eq(sys_vmlck(), 6 * PAGE_KB);
	munlock(locked, 5 * PAGE);
}

static const struct test tests[] = {
	TEST(ioctls_against_last_group_leaving),
	TEST(ioctls_against_group_closing),
	TEST(maps_against_group_joining),
	TEST(maps_side_by_side),
	TEST(maps_of_the_same),
	TEST(maps_against_unmap_all),
	TEST(unmaps_against_dma),
	TEST(maps_against_memory_going),
	TEST(dirty_against_maps_and_groups),
	TEST(all_at_once),
	TEST(maps_against_mlock),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
