// SPDX-License-Identifier: GPL-2.0
/* Memory that is not there yet, faulted in with the help of other threads. */
#include <dirent.h>
#include <errno.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/memcg.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* Chunks are 16 MiB, and threads come from 64 MiB on, after the first batch, of HUGE_PMD. */
#define SIZE	(65 * MIB + HUGE_PMD)

static struct rig *rig;
static char *memory;
static long threads;

/* With one CPU there are no helpers, and everything else is unchanged. */
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
	expect_eq(sys_vmlck(), SIZE / 1024 + PAGE_KB);
	/* A page of each chunk, and the last. */
	for (at = 0; at < SIZE; at += 16 * MIB - PAGE)
		dma_check_pages(rig, 0, IOVA + at, memory + at, 1);
	dma_check_pages(rig, 0, IOVA + SIZE - PAGE, memory + SIZE - PAGE, 1);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_eq(sys_vmlck(), PAGE_KB);
}

static void register_and_look(void)
{
	assert_ret(dma_register(rig->container, memory, SIZE,
				VFIO_TYPE1X_MEMORY_WRITE), 0);
	expect_eq(sys_vmlck(), SIZE / 1024 + PAGE_KB);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	dma_check_pages(rig, 0, IOVA, memory, 1);
	dma_check_pages(rig, 0, IOVA + SIZE - PAGE, memory + SIZE - PAGE, 1);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	assert_ret(dma_unregister(rig->container, memory, SIZE), 0);
	expect_eq(sys_vmlck(), PAGE_KB);
}

static void ask_for_none(void)
{
	sys_param_set("populate_threads", "0");
}

static void touch_all(void)
{
	size_t at;

	for (at = 0; at < SIZE; at += PAGE)
		memory[at] = 1;
}

static void stay_on_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* Threads have no policy, so what they fault in might lie on another node. */
static void set_memory_policy(void)
{
	unsigned long nodes = 1;

	if (syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 8 * sizeof(nodes)))
		test_skip("no memory policies in this kernel");
}

/**
 * struct situation - in which a MAP of cold memory has helpers or has none
 * @variant: its name
 * @advice: for madvise() of the memory
 * @prepare: brings it about, before the MAP, or NULL
 * @help: whether there are helpers
 */
struct situation {
	const char *variant;
	int advice;
	void (*prepare)(void);
	bool help;
};

static const struct situation situations[] = {
	{ "small_pages", MADV_NOHUGEPAGE, NULL, true },
	{ "huge_pages", MADV_HUGEPAGE, NULL, true },
	{ "not_asked_for", MADV_NOHUGEPAGE, ask_for_none, false },
	{ "there_already", MADV_NOHUGEPAGE, touch_all, false },
	{ "one_cpu", MADV_NOHUGEPAGE, stay_on_one_cpu, false },
	{ "memory_policy", MADV_NOHUGEPAGE, set_memory_policy, false },
};

/* Brings a situation about; @pin has the memory pinned, looks at it, and lets go of it. */
static void expect_help_in(const struct situation *situation, void (*pin)(void))
{
	begin(situation->advice);
	if (situation->prepare)
		situation->prepare();
	pin();
	expect_help(situation->help);
}

static void every_page_is_the_right_one(const void *variant)
{
	expect_help_in(variant, map_and_look);
}

static void registering_is_helped(const void *variant)
{
	expect_help_in(variant, register_and_look);
}

struct hole {
	const char *variant;
	size_t at;
};

static const struct hole holes[] = {
	{ "first_page", 0 },
	{ "middle", 50 * MIB },
	{ "last_page", SIZE - PAGE },
};

static void hole_refuses_all(const void *variant)
{
	const struct hole *hole = variant;

	begin(MADV_NOHUGEPAGE);
	munmap(memory + hole->at, PAGE);
	expect_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), -EFAULT);
	expect_eq(sys_vmlck(), PAGE_KB);
	expect_ret(dma_unmap(rig->container, IOVA, SIZE), 0);
}

static void hole_refuses_registration(const void *variant)
{
	const struct hole *hole = variant;

	begin(MADV_NOHUGEPAGE);
	munmap(memory + hole->at, PAGE);
	expect_ret(dma_register(rig->container, memory, SIZE,
				VFIO_TYPE1X_MEMORY_WRITE), -EFAULT);
	expect_eq(sys_vmlck(), PAGE_KB);
}

static void limit_refuses_all(void)
{
	begin(MADV_NOHUGEPAGE);
	mem_allow_ipc_lock(false);
	mem_limit(SIZE / PAGE);
	/* The scratch page is one too many. */
	expect_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), -ENOMEM);
	expect_eq(sys_vmlck(), PAGE_KB);
	mem_limit(SIZE / PAGE + 1);
	map_and_look();
}

static void kill_ends_it(void)
{
	long refs = sys_refs(), pins = sys_pins(), before;
	pid_t pid;

	before = sys_pins_acquired();
	pid = fork();
	if (!pid) {
		begin(MADV_NOHUGEPAGE);
		dma_map(rig->container, memory, IOVA, SIZE, RW);
		pause();
	}
	while (sys_pins_acquired() < before + 2000)
		sched_yield();
	kill(pid, SIGKILL);
	assert_eq(waitpid(pid, NULL, 0), pid);
	sys_settle_refs(refs);
	sys_settle_pins(pins);
}

/* Maps more than a memory cgroup allows; returns how often memory ran out in it. */
static long map_in_small_cgroup(const char *helpers)
{
	long ooms;
	int status;
	pid_t pid;

	memcg_make("32M");
	pid = fork();
	if (!pid) {
		memcg_join();
		begin(MADV_NOHUGEPAGE);
		sys_param_set("populate_threads", helpers);
		dma_map(rig->container, memory, IOVA, SIZE, RW);
		_exit(0);
	}
	assert_eq(waitpid(pid, &status, 0), pid);
	expect_eq(WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGKILL);
	ooms = memcg_ooms();
	memcg_remove();
	return ooms;
}

/* The caller is killed, and its helpers do not go on to ask for memory. */
static void ends_when_memory_does(void)
{
	long refs = sys_refs(), pins = sys_pins(), alone, helped;

	alone = map_in_small_cgroup("0");
	helped = map_in_small_cgroup("3");
	test_say("memory ran out %ld times, with helpers %ld times", alone,
		 helped);
	expect_ge(alone, 1);
	/*
	 * The threads find that out, too.  Each asks again until the caller has been scheduled
	 * to die, which counted 97 on a busy machine; without an end it is thousands.
	 */
	expect_ge(helped, 1);
	expect_le(helped, 4 * alone + 400);
	sys_settle_refs(refs);
	sys_settle_pins(pins);
}

static int helpers_running(void)
{
	char path[288], comm[32];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	FILE *file;
	int nr = 0;

	while (proc && (entry = readdir(proc))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		nr += fgets(comm, sizeof(comm), file) &&
		      !strncmp(comm, "t1x_populate", 12);
		fclose(file);
	}
	if (proc)
		closedir(proc);
	return nr;
}

static void *map_thread(void *at)
{
	uint64_t iova = IOVA + (uint64_t)(uintptr_t)at * GIB;
	char *cold = mem_anon_cold(SIZE);

	madvise(cold, SIZE, MADV_NOHUGEPAGE);
	expect_ret(dma_map(rig->container, cold, iova, SIZE, RW), 0);
	expect_ret(dma_unmap(rig->container, iova, SIZE), SIZE);
	munmap(cold, SIZE);
	return NULL;
}

/* The parameter is a limit for all maps together. */
static void no_more_than_the_parameter(void)
{
	pthread_t maps[3];
	uintptr_t i;
	int most = 0;

	begin(MADV_NOHUGEPAGE);
	if (mem_cold_size(ARRAY_SIZE(maps) * SIZE) < ARRAY_SIZE(maps) * SIZE)
		test_skip("needs %zu MiB", 2 * ARRAY_SIZE(maps) * SIZE / MIB);
	sys_param_set("populate_threads", "1");
	for (i = 0; i < ARRAY_SIZE(maps); i++)
		assert_eq(pthread_create(&maps[i], NULL, map_thread, (void *)i),
			  0);
	for (i = 0; i < ARRAY_SIZE(maps); i++)
		while (pthread_tryjoin_np(maps[i], NULL) == EBUSY) {
			int nr = helpers_running();

			most = nr > most ? nr : most;
		}
	expect_le(most, 1);
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
	for (i = 0; i < (sys_is_short() ? 1 : 3); i++) {
		assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
		expect_eq(sys_vmlck(), SIZE / 1024 + PAGE_KB);
		assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	}
	stop = 1;
	pthread_join(thread, NULL);
	map_and_look();
}

static const struct test tests[] = {
	TEST_VARIANTS(every_page_is_the_right_one, situations),
	TEST_VARIANTS(hole_refuses_all, holes),
	TEST_VARIANTS(registering_is_helped, situations),
	TEST_VARIANTS(hole_refuses_registration, holes),
	TEST(limit_refuses_all),
	TEST_LONG(kill_ends_it, 100),
	TEST_LONG(memory_goes_meanwhile, 200),
	TEST_LONG(ends_when_memory_does, 200),
	TEST_LONG(no_more_than_the_parameter, 200),
};

int main(void)
{
	int ret;

	ret = test_main(tests, ARRAY_SIZE(tests));
	sys_param_set("populate_threads", "0");
	return ret;
}
