// SPDX-License-Identifier: GPL-2.0
/* Locked memory, its limit, and the limit of entries. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

static struct rig *rig;

/* A rig of which the scratch page is 1 page of @npages that may be locked. */
static void limited(size_t npages)
{
	mem_allow_ipc_lock(false);
	mem_limit(npages);
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_eq(sys_vmlck(), PAGE_KB);
}

static void charge_is_exact(void)
{
	static const size_t sizes[] = { 1, 2, 3, 511, 513, 1000 };
	void *memory = mem_anon(1000 * PAGE);
	long vmlck;
	size_t i;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	vmlck = sys_vmlck();
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i] * PAGE;

		assert_ret(dma_map(rig->container, memory, IOVA, size, RW), 0);
		expect_eq(sys_vmlck(), vmlck + (long)(size >> 10));
		assert_ret(dma_unmap(rig->container, IOVA, size), size);
		expect_eq(sys_vmlck(), vmlck);
	}
}

/* Once per IOVA: neither huge pages nor mlock() make it cheaper. */
static void charge_of_huge_and_locked_memory(void)
{
	void *memory = mem_thp(2 * HUGE_PMD);
	long vmlck;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_eq(mlock(memory, 2 * HUGE_PMD), 0);
	vmlck = sys_vmlck();
	assert_ret(dma_map(rig->container, memory, IOVA, 2 * HUGE_PMD, RW), 0);
	expect_eq(sys_vmlck(), vmlck + (long)(2 * HUGE_PMD >> 10));
	assert_ret(dma_unmap(rig->container, IOVA, 2 * HUGE_PMD), 2 * HUGE_PMD);
	expect_eq(sys_vmlck(), vmlck);
	munlock(memory, 2 * HUGE_PMD);
}

static void limit_is_exact(void)
{
	void *memory = mem_scattered(41);
	long pins;

	limited(41);
	pins = sys_pins();
	assert_ret(dma_map(rig->container, memory, IOVA, 40 * PAGE, RW), 0);
	expect_eq(sys_vmlck(), 41 * PAGE_KB);
	dma_check_pages(rig, 0, IOVA, memory, 40);
	expect_ret(dma_map(rig->container, memory, IOVA + MIB, PAGE, RW),
		   -ENOMEM);
	expect_eq(sys_vmlck(), 41 * PAGE_KB);
	assert_ret(dma_unmap(rig->container, IOVA, 40 * PAGE), 40 * PAGE);
	expect_eq(sys_vmlck(), PAGE_KB);

	expect_ret(dma_map(rig->container, memory, IOVA, 41 * PAGE, RW),
		   -ENOMEM);
	expect_eq(sys_vmlck(), PAGE_KB);
	sys_settle_pins(pins);
	dma_check_refused(rig, 0, IOVA, memory);
	expect_ret(dma_unmap(rig->container, IOVA, 41 * PAGE), 0);

	/* A refused map takes nothing from the next. */
	assert_ret(dma_map(rig->container, memory, IOVA, 40 * PAGE, RW), 0);
	assert_ret(dma_unmap(rig->container, IOVA, 40 * PAGE), 40 * PAGE);
}

/* The limit comes in the middle, when much is pinned and mapped already. */
static void limit_in_a_later_batch(void)
{
	void *scattered = mem_scattered(1500), *together = mem_anon(1500 * PAGE);
	long pins;

	limited(1200);
	pins = sys_pins();
	expect_ret(dma_map(rig->container, scattered, IOVA, 1500 * PAGE, RW),
		   -ENOMEM);
	expect_eq(sys_vmlck(), PAGE_KB);
	sys_settle_pins(pins);
	expect_ret(dma_map(rig->container, together, IOVA, 1500 * PAGE, RW),
		   -ENOMEM);
	expect_eq(sys_vmlck(), PAGE_KB);
	sys_settle_pins(pins);
	assert_ret(dma_map(rig->container, scattered, IOVA, 1199 * PAGE, RW),
		   0);
	assert_ret(dma_unmap(rig->container, IOVA, 1199 * PAGE), 1199 * PAGE);
}

static void limit_of_huge_pages(void)
{
	void *memory = mem_thp(2 * HUGE_PMD);
	long pins;

	limited(1 + HUGE_PMD / PAGE + 100);
	pins = sys_pins();
	expect_ret(dma_map(rig->container, memory, IOVA, 2 * HUGE_PMD, RW),
		   -ENOMEM);
	expect_eq(sys_vmlck(), PAGE_KB);
	sys_settle_pins(pins);
	assert_ret(dma_map(rig->container, memory, IOVA, HUGE_PMD, RW), 0);
	assert_ret(dma_unmap(rig->container, IOVA, HUGE_PMD), HUGE_PMD);
}

/* mlock() and DMA share one limit. */
static void limit_counts_mlock(void)
{
	void *locked = mem_anon(10 * PAGE), *memory = mem_anon(10 * PAGE);

	limited(16);
	assert_eq(mlock(locked, 10 * PAGE), 0);
	expect_ret(dma_map(rig->container, memory, IOVA, 6 * PAGE, RW),
		   -ENOMEM);
	assert_ret(dma_map(rig->container, memory, IOVA, 5 * PAGE, RW), 0);
	expect_eq(mlock(memory + 5 * PAGE, PAGE), -1);
	expect_eq(sys_vmlck(), 16 * PAGE_KB);
	assert_ret(dma_unmap(rig->container, IOVA, 5 * PAGE), 5 * PAGE);
	munlock(locked, 10 * PAGE);
}

static void limit_does_not_bind_ipc_lock(void)
{
	void *memory = mem_anon(20 * PAGE);

	mem_limit(0);
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_map(rig->container, memory, IOVA, 20 * PAGE, RW), 0);
	expect_eq(sys_vmlck(), 21 * PAGE_KB);
	assert_ret(dma_unmap(rig->container, IOVA, 20 * PAGE), 20 * PAGE);
}

/* A lower limit later does not stop what is mapped from being unmapped. */
static void limit_lowered(void)
{
	void *memory = mem_anon(20 * PAGE);

	limited(100);
	assert_ret(dma_map(rig->container, memory, IOVA, 20 * PAGE, RW), 0);
	mem_limit(0);
	expect_ret(dma_map(rig->container, memory, IOVA + MIB, PAGE, RW),
		   -ENOMEM);
	assert_ret(dma_unmap(rig->container, IOVA, 20 * PAGE), 20 * PAGE);
	expect_eq(sys_vmlck(), PAGE_KB);
}

/* Of memory that is mapped page by page, which takes its time under KASAN. */
#define ROUNDS	(sys_is_short() ? 10 : sys_is_uml() ? 25 : 100)
#define FAILING	(60 * MIB)
#define GRANTED	(16 * MIB)

struct way {
	const char *variant;
	bool registers;
};

static const struct way ways[] = {
	{ "map", false },
	{ "register", true },
};

/**
 * struct failing - a thread whose requests fail
 * @way: how it makes them
 * @memory: a page of it is there
 * @stop: it is to end
 * @rounds: how often a request failed
 */
struct failing {
	const struct way *way;
	char *memory;
	int stop;
	int rounds;
};

static void *fail_all_the_time(void *data)
{
	struct failing *f = data;
	int ret;

	while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
		if (f->way->registers)
			ret = dma_register(rig->container, f->memory, FAILING,
					   VFIO_TYPE1X_MEMORY_WRITE);
		else
			ret = dma_map(rig->container, f->memory, 4 * GIB,
				      FAILING, RW);
		expect_ret(ret, -EFAULT);
		__atomic_add_fetch(&f->rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* What a request that fails would have locked, others may lock meanwhile. */
static void failing_takes_no_room(const void *variant)
{
	struct failing f = { .way = variant };
	char *mapped = mem_anon(GRANTED), *locked = mem_anon(GRANTED);
	pthread_t thread;
	int i;

	if (f.way->registers && !sys_is_type1x())
		test_skip("%s cannot register", sys_driver());
	limited(64 * MIB / PAGE);
	f.memory = mem_anon_cold(FAILING);
	munmap(f.memory + PAGE, FAILING - PAGE);
	mem_fill(f.memory, PAGE);
	assert_eq(pthread_create(&thread, NULL, fail_all_the_time, &f), 0);
	for (i = 0; i < ROUNDS || __atomic_load_n(&f.rounds, __ATOMIC_RELAXED) <
				  ROUNDS; i++) {
		assert_ret(dma_map(rig->container, mapped, IOVA, GRANTED, RW),
			   0);
		assert_eq(mlock(locked, GRANTED), 0);
		assert_eq(munlock(locked, GRANTED), 0);
		assert_ret(dma_unmap(rig->container, IOVA, GRANTED), GRANTED);
	}
	f.stop = 1;
	pthread_join(thread, NULL);
	expect_eq(sys_vmlck(), PAGE_KB);
}

static void limited_entries(const char *entries)
{
	char limit[16];

	sys_param_get("dma_entry_limit", limit, sizeof(limit));
	sys_param_set("dma_entry_limit", entries);
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	sys_param_set("dma_entry_limit", limit);
}

static void entries_run_out(void)
{
	char *memory = mem_anon(8 * PAGE);
	int i;

	limited_entries("5");
	for (i = 0; i < 4; i++)
		assert_ret(dma_map(rig->container, memory, IOVA + i * PAGE,
				   PAGE, RW), 0);
	expect_ret(dma_map(rig->container, memory, IOVA + 4 * PAGE, PAGE, RW),
		   -ENOSPC);
	/* Other errors come before or after this one, in the order of the in-tree driver. */
	expect_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), -EEXIST);
	expect_ret(dma_map(rig->container, memory, MSI_FIRST, PAGE, RW),
		   -ENOSPC);
	expect_ret(dma_map(rig->container, memory, IOVA + 1, PAGE, RW),
		   -EINVAL);
	assert_ret(dma_unmap(rig->container, IOVA, 2 * PAGE), 2 * PAGE);
	assert_ret(dma_map(rig->container, memory, IOVA, 8 * PAGE, RW),
		   -EEXIST);
	assert_ret(dma_map(rig->container, memory, IOVA, 2 * PAGE, RW), 0);
	assert_ret(dma_map(rig->container, memory, IOVA + MIB, PAGE, RW), 0);
	expect_ret(dma_map(rig->container, memory, IOVA + 2 * MIB, PAGE, RW),
		   -ENOSPC);
	assert_ret(dma_unmap_flags(rig->container, 0, 0,
				   VFIO_DMA_UNMAP_FLAG_ALL), 6 * PAGE);
}

/* The limit is that of the moment at which the container was opened. */
static void entries_are_counted_per_container(void)
{
	void *memory = mem_anon(PAGE);
	int i;

	limited_entries("3");
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
	assert_ret(dma_map(rig->container, memory, IOVA + PAGE, PAGE, RW), 0);
	expect_ret(dma_map(rig->container, memory, IOVA + 2 * PAGE, PAGE, RW),
		   -ENOSPC);
	rig_close(rig);
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	for (i = 0; i < 100; i++)
		assert_ret(dma_map(rig->container, memory, IOVA + i * PAGE,
				   PAGE, RW), 0);
	rig_close(rig);
}

static const struct test tests[] = {
	TEST(charge_is_exact),
	TEST(charge_of_huge_and_locked_memory),
	TEST(limit_is_exact),
	TEST(limit_in_a_later_batch),
	TEST(limit_of_huge_pages),
	TEST(limit_counts_mlock),
	TEST(limit_does_not_bind_ipc_lock),
	TEST(limit_lowered),
	TEST_VARIANTS_LONG(failing_takes_no_room, ways, 600),
	TEST(entries_run_out),
	TEST(entries_are_counted_per_container),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
