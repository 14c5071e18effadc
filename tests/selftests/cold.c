// SPDX-License-Identifier: GPL-2.0
/* Memory that is not there yet, faulted in with the help of other threads. */
#include <errno.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* Chunks are 16 MiB, and threads come from 64 MiB on, after the first batch. */
#define SIZE	(67 * MIB)

static struct rig *rig;
static char *memory;
static long threads;

/* Where there is one CPU nobody can help, and all else has to be as it is. */
static bool can_help(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

static void begin(int advice)
{
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	if (mem_cold_size(SIZE) < SIZE)
		test_skip("needs %lu MiB", 2 * SIZE / MIB);
	memory = mem_anon_cold(SIZE);
	madvise(memory, SIZE, advice);
	sys_param_set("populate_threads", "3");
	threads = sys_stat_get("populate_threads");
}

static void expect_help(bool was_there)
{
	threads = sys_stat_get("populate_threads") - threads;
	if (was_there && can_help())
		expect_ge(threads, 1);
	else
		expect_eq(threads, 0);
}

static void map_and_look(void)
{
	size_t at;

	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	expect_eq(sys_vmlck(), SIZE / 1024 + 4);
	/* A page of each chunk, and the last. */
	for (at = 0; at < SIZE; at += 16 * MIB - PAGE)
		dma_check_pages(rig, 0, IOVA + at, memory + at, 1);
	dma_check_pages(rig, 0, IOVA + SIZE - PAGE, memory + SIZE - PAGE, 1);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_eq(sys_vmlck(), 4);
}

static void every_page_is_the_right_one(void)
{
	begin(MADV_NOHUGEPAGE);
	map_and_look();
	expect_help(true);
}

static void so_with_huge_pages(void)
{
	begin(MADV_HUGEPAGE);
	map_and_look();
	expect_help(true);
}

static void not_asked_for(void)
{
	begin(MADV_NOHUGEPAGE);
	sys_param_set("populate_threads", "0");
	map_and_look();
	expect_help(false);
}

static void not_for_what_is_there(void)
{
	size_t at;

	begin(MADV_NOHUGEPAGE);
	for (at = 0; at < SIZE; at += PAGE)
		memory[at] = 1;
	map_and_look();
	expect_help(false);
}

static void not_on_one_cpu(void)
{
	cpu_set_t one;

	begin(MADV_NOHUGEPAGE);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	map_and_look();
	expect_help(false);
}

/* Threads have no policy, so what they fault in might lie on another node. */
static void not_with_a_memory_policy(void)
{
	unsigned long nodes = 1;

	begin(MADV_NOHUGEPAGE);
	if (syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 8 * sizeof(nodes)))
		test_skip("no memory policies in this kernel");
	map_and_look();
	expect_help(false);
}

static void hole_refuses_all(void)
{
	static const size_t holes[] = { 0, 50 * MIB, SIZE - PAGE };
	size_t i;

	begin(MADV_NOHUGEPAGE);
	for (i = 0; i < ARRAY_SIZE(holes); i++) {
		memory = mem_anon_cold(SIZE);
		munmap(memory + holes[i], PAGE);
		expect_ret(dma_map(rig->container, memory, IOVA, SIZE, RW),
			   -EFAULT);
		expect_eq(sys_vmlck(), 4);
		expect_ret(dma_unmap(rig->container, IOVA, SIZE), 0);
		munmap(memory, SIZE);
	}
}

static void limit_refuses_all(void)
{
	begin(MADV_NOHUGEPAGE);
	mem_allow_ipc_lock(false);
	mem_limit(SIZE / PAGE);
	/* The scratch page is one too many. */
	expect_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), -ENOMEM);
	expect_eq(sys_vmlck(), 4);
	mem_limit(SIZE / PAGE + 1);
	map_and_look();
}

static void kill_ends_it(void)
{
	long refs = sys_refs(), pins = sys_pins(), before;
	uint64_t end = sys_now_ms() + 40000;
	pid_t pid;

	before = sys_pins_acquired();
	pid = fork();
	if (!pid) {
		begin(MADV_NOHUGEPAGE);
		dma_map(rig->container, memory, IOVA, SIZE, RW);
		pause();
	}
	while (sys_pins_acquired() < before + 2000 && sys_now_ms() < end)
		sched_yield();
	kill(pid, SIGKILL);
	assert_eq(waitpid(pid, NULL, 0), pid);
	expect_ge(sys_pins_acquired() - before, 2000);
	sys_settle_refs(refs);
	sys_settle_pins(pins);
}

static void *drop_thread(void *stop)
{
	size_t at = 0;

	while (!*(volatile int *)stop) {
		madvise(memory + at, MIB, MADV_DONTNEED);
		at = (at + 7 * MIB) % SIZE;
	}
	return NULL;
}

static void memory_goes_meanwhile(void)
{
	pthread_t thread;
	int stop = 0, i;

	begin(MADV_NOHUGEPAGE);
	assert_eq(pthread_create(&thread, NULL, drop_thread, &stop), 0);
	for (i = 0; i < 3; i++) {
		assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
		expect_eq(sys_vmlck(), SIZE / 1024 + 4);
		assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	}
	stop = 1;
	pthread_join(thread, NULL);
	map_and_look();
}

static const struct test tests[] = {
	TEST(every_page_is_the_right_one),
	TEST(so_with_huge_pages),
	TEST(not_asked_for),
	TEST(not_for_what_is_there),
	TEST(not_on_one_cpu),
	TEST(not_with_a_memory_policy),
	TEST(hole_refuses_all),
	TEST(limit_refuses_all),
	TEST_LONG(kill_ends_it, 100),
	TEST_LONG(memory_goes_meanwhile, 200),
};

int main(void)
{
	int ret;

	ret = test_main(tests, ARRAY_SIZE(tests));
	sys_param_set("populate_threads", "0");
	return ret;
}
