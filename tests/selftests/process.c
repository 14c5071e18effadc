// SPDX-License-Identifier: GPL-2.0
/* Processes that fork, exec, exit and are killed while they have mappings. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/proc.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define N 24
#define SIZE (N * PAGE)

static struct rig *rig;
static void *memory;

static void rig_with_memory(void)
{
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_anon(SIZE);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
}

/* The copy that a child gets is not the memory that the device sees. */
static void fork_does_not_disturb(void)
{
	pid_t pid;

	rig_with_memory();
	pid = fork();
	if (!pid) {
		/* A child has no locked memory of its own. */
		expect_eq(sys_vmlck(), 0);
		mem_fill_pages(memory, N);
		sys_msleep(100);
		_exit(0);
	}
	mem_fill_pages(memory, N);
	dma_check_pages(rig, 0, IOVA, memory, N);
	sys_wait_for(pid);
	dma_check_pages(rig, 0, IOVA, memory, N);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
}

/* A child maps into its parent's container: charged to the child. */
static void child_maps(void)
{
	long vmlck;
	pid_t pid;

	rig_with_memory();
	vmlck = sys_vmlck();
	pid = fork();
	if (!pid) {
		void *own = mem_anon(2 * PAGE);

		assert_ret(dma_map(rig->container, own, IOVA + MIB, 2 * PAGE,
				   RW), 0);
		expect_eq(sys_vmlck(), 2 * PAGE_KB);
		dma_check_copy(&rig->devices[0], IOVA + MIB, own,
			       IOVA + MIB + PAGE, own + PAGE, DMA_MAX);
		_exit(0);
	}
	sys_wait_for(pid);
	expect_eq(sys_vmlck(), vmlck);
	/* The child is gone, its memory is not. */
	dma_load(&rig->devices[0], IOVA + MIB, 0, 64);
	assert_ret(dma_unmap(rig->container, IOVA, 2 * MIB),
		   SIZE + 2 * PAGE);
	expect_eq(sys_vmlck(), PAGE_KB);
}

/* The process that mapped gets the refund, also if another one unmaps. */
static void child_unmaps(void)
{
	pid_t pid;

	rig_with_memory();
	expect_eq(sys_vmlck(), (N + 1) * PAGE_KB);
	pid = fork();
	if (!pid) {
		assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
		expect_eq(sys_vmlck(), 0);
		_exit(0);
	}
	sys_wait_for(pid);
	expect_eq(sys_vmlck(), PAGE_KB);
	dma_check_refused(rig, 0, IOVA, memory);
}

static void exit_with_mappings(void)
{
	long refs = sys_refs(), pins = sys_pins();
	pid_t pid;

	pid = fork();
	if (!pid) {
		rig_with_memory();
		_exit(0);
	}
	sys_wait_for(pid);
	sys_settle_refs(refs);
	sys_settle_pins(pins);
}

/* The memory's owner is gone, but the container lives on in another process. */
static void exit_with_files_elsewhere(void)
{
	long refs = sys_refs(), pins = sys_pins();
	int ready[2], over[2];
	pid_t owner, child;
	char byte;

	assert_eq(pipe(ready), 0);
	assert_eq(pipe(over), 0);
	owner = fork();
	if (!owner) {
		rig_with_memory();
		child = fork();
		if (!child) {
			/* Until its parent is gone and it was told to go on. */
			close(over[1]);
			if (read(over[0], &byte, 1) != 1)
				_exit(1);
			dma_load(&rig->devices[0], IOVA, 0, 64);
			assert_ret(dma_unmap(rig->container, IOVA, PAGE),
				   -EINVAL);
			assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
			expect_eq(sys_vmlck(), 0);
			byte = 'd';
			if (write(ready[1], &byte, 1) != 1)
				_exit(1);
			_exit(0);
		}
		_exit(0);
	}
	sys_wait_for(owner);
	close(ready[1]);
	expect_eq(sys_refs(), refs + 1);
	expect_eq(sys_pins(), pins + N + 1);
	assert_eq(write(over[1], "g", 1), 1);
	assert_eq(read(ready[0], &byte, 1), 1);
	sys_settle_refs(refs);
	sys_settle_pins(pins);
}

/* A mapping of an address space that is gone can only be unmapped, and is. */
static void exec_with_mappings(void)
{
	char container[16];
	long pins;
	pid_t pid;

	rig_with_memory();
	pins = sys_pins();
	snprintf(container, sizeof(container), "%d", rig->container);
	pid = fork();
	if (!pid) {
		assert_ret(dma_map(rig->container, memory, IOVA + MIB, SIZE,
				   RW), 0);
		execl("/proc/self/exe", "process", "unmap", container, NULL);
		_exit(1);
	}
	sys_wait_for(pid);
	sys_settle_pins(pins);
	dma_check_pages(rig, 0, IOVA, memory, 2);
}

/* What is left of exec_with_mappings() behind exec. */
static int unmap_after_exec(int container)
{
	if (sys_vmlck() != 0)
		return 2;
	if (dma_unmap(container, IOVA + MIB, SIZE) != SIZE)
		return 3;
	return sys_vmlck() != 0 ? 4 : 0;
}

/* Threads come and go, memory belongs to the process. */
static void *map_in_thread(void *arg)
{
	(void)arg;
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	return NULL;
}

static void thread_maps_and_ends(void)
{
	pthread_t thread;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_anon(SIZE);
	assert_eq(pthread_create(&thread, NULL, map_in_thread, NULL), 0);
	pthread_join(thread, NULL);
	expect_eq(sys_vmlck(), (N + 1) * PAGE_KB);
	dma_check_pages(rig, 0, IOVA, memory, N);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_eq(sys_vmlck(), PAGE_KB);
}

/* --- SIGKILL ends a map that takes long, with each kind of memory --------------- */

/**
 * struct long_map - a map that takes long
 * @variant: its name
 * @make: makes what is mapped, @size bytes, in the process that is killed
 * @size: how much that is
 * @progress: grows while it is mapped
 * @begun: by how much when the map is under way
 * @step: grows by one for so many bytes
 */
struct long_map {
	const char *variant;
	void *(*make)(size_t size);
	size_t (*size)(void);
	long (*progress)(void);
	long begun;
	size_t step;
};

/* Pages have to be found. */
static void *make_cold(size_t size)
{
	void *addr = mem_anon_cold(size);

	madvise(addr, size, MADV_NOHUGEPAGE);
	return addr;
}

static size_t cold_size(void)
{
	return mem_cold_size(512 * MIB);
}

#define OFTEN	512UL

/* Pages are there, but each is a call of the IOMMU. */
static void *make_scattered(size_t size)
{
	return mem_scattered_often(size / PAGE / OFTEN, OFTEN);
}

static size_t scattered_size(void)
{
	return OFTEN * 512 * PAGE;
}

#define BAR_PART	(4 * MIB)

/*
 * A region as often as it takes.  Nothing is pinned, so that nothing but the driver
 * itself can look for the signal.
 */
static void *make_bar(size_t size)
{
	char *addr = mem_reserve(size);
	int group = vfio_bar_group_open();
	struct bar bar;
	size_t at;

	assert_ret(vfio_group_join(group, rig->container), 0);
	vfio_bar_open(&bar, group);
	for (at = 0; at < size; at += BAR_PART)
		if (mmap(addr + at, BAR_PART, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, bar.dev.fd, bar.offset) ==
		    MAP_FAILED)
			fail("mmap region: %s", strerror(errno));
	return addr;
}

/* In UML each page of a region has an entry of its own to be made. */
static size_t bar_size(void)
{
	return sys_is_uml() ? GIB : 4 * GIB;
}

static long runs_mapped(void)
{
	return sys_stat_get("runs");
}

static const struct long_map long_maps[] = {
	{ "cold", make_cold, cold_size, sys_pins_acquired, 2000, PAGE },
	{ "scattered", make_scattered, scattered_size, sys_pins_acquired, 2000,
	  PAGE },
	{ "bar", make_bar, bar_size, runs_mapped, 20, BAR_PART },
};

/* The flag shows that the map did not end by itself. */
static void kill_in_the_middle(const void *variant)
{
	const struct long_map *map = variant;
	long refs = sys_refs(), pins = sys_pins(), vmlck = sys_vmlck();
	const size_t size = map->size();
	const long all = size / map->step;
	volatile int *done;
	long before;
	int status;
	pid_t pid;

	if (map->progress == runs_mapped && !sys_is_type1x())
		test_skip("%s has no statistics", sys_driver());
	before = map->progress();
	done = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	proc_one_cpu();
	pid = fork();
	if (!pid) {
		rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
		memory = map->make(size);
		proc_be_last();
		*done = 1;
		/* No large pages in the IOMMU: they would make it short. */
		dma_map(rig->container, memory, 4 * GIB + PAGE, size, RW);
		*done = 2;
		pause();
	}

	/* Reading the statistics takes a reference on the module, and the child counts those. */
	while (!*done)
		sys_msleep(1);
	while (map->progress() < before + map->begun)
		sys_msleep(1);
	expect_eq(*done, 1);
	kill(pid, SIGKILL);
	assert_eq(waitpid(pid, &status, 0), pid);
	assert_eq(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, 1);
	expect_eq(*done, 1);
	test_say("%ld of %ld", map->progress() - before, all);
	expect_le(map->progress() - before, all - 1);
	sys_settle_refs(refs);
	sys_settle_pins(pins);
	expect_eq(sys_vmlck(), vmlck);
}

/* A signal that does not kill does not interrupt a map. */
static void on_alarm(int signal)
{
	(void)signal;
}

static void signal_in_the_middle_of_map(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	pid_t parent = getpid(), pid;
	size_t size = 32 * MIB;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_anon_cold(size);
	assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	pid = fork();
	if (!pid) {
		for (;;) {
			kill(parent, SIGUSR1);
			usleep(500);
		}
	}
	assert_ret(dma_map(rig->container, memory, IOVA, size, RW), 0);
	expect_eq(sys_vmlck(), PAGE_KB + (long)(size >> 10));
	assert_ret(dma_unmap(rig->container, IOVA, size), size);
	kill(pid, SIGKILL);
	/* Its last signal may come now. Until it is dead it holds the container. */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* --- Owners go while others go on with the container ---------------------------- */

static volatile int *mapped;

/* Maps two pages of its own at @iova and goes, by exec or by exit. */
static void map_and_go(uint64_t iova, bool exec)
{
	void *own = mem_anon(2 * PAGE);

	assert_ret(dma_map(rig->container, own, iova, 2 * PAGE, RW), 0);
	*mapped = 1;
	if (exec)
		execl("/proc/self/exe", "process", "nothing", NULL);
	_exit(exec);
}

/* What an owner leaves is unmapped before it goes, while it goes, and after. */
static void owners_go_while_others_map(void)
{
	uint64_t end = sys_now_ms() + sys_race_ms(), iova;
	long pins, n;
	pid_t pid;

	rig_with_memory();
	mapped = mem_file(-1, PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS);
	pins = sys_pins();
	for (n = 0; n < 4 || sys_now_ms() < end; n++) {
		iova = IOVA + MIB + n % 8 * 16 * PAGE;
		*mapped = 0;
		pid = fork();
		if (!pid)
			map_and_go(iova, n % 2);
		while (!*mapped) {
			assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
			assert_ret(dma_map(rig->container, memory, IOVA, SIZE,
					   RW), 0);
		}
		if (n % 4 == 3)
			sys_wait_for(pid);
		else
			usleep(n % 4 * 500);
		assert_ret(dma_unmap(rig->container, iova, 2 * PAGE), 2 * PAGE);
		if (n % 4 != 3)
			sys_wait_for(pid);
	}
	test_say("%ld owners", n);
	sys_settle_pins(pins);
	expect_eq(sys_vmlck(), (N + 1) * PAGE_KB);
	dma_check_pages(rig, 0, IOVA, memory, N);
}

/* --- What the runner does ------------------------------------------------------- */

#define LEFT	"/tmp/t1x.left"	/* their numbers */

/* One that is in a session of its own, with a group, and its child. */
static void leaves_processes(void)
{
	FILE *file;

	mapped = mem_file(-1, PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS);
	if (!fork()) {
		setsid();
		rig_with_memory();
		mapped[0] = getpid();
		if (!fork())
			mapped[1] = getpid();
		for (;;)
			pause();
	}
	while (!mapped[0] || !mapped[1])
		sys_msleep(1);
	file = fopen(LEFT, "we");
	assert_eq(fprintf(file, "%d %d\n", mapped[0], mapped[1]) > 0, true);
	fclose(file);
}

static void finds_none_of_them(void)
{
	FILE *file = fopen(LEFT, "re");
	int pids[2];

	if (!file || fscanf(file, "%d %d", &pids[0], &pids[1]) != 2)
		fail(LEFT);
	fclose(file);
	unlink(LEFT);
	expect_eq(kill(pids[0], 0), -1);
	expect_eq(kill(pids[1], 0), -1);
	/* They had its group, which is free again. */
	rig_with_memory();
}

static const struct test tests[] = {
	TEST(fork_does_not_disturb),
	TEST(child_maps),
	TEST(child_unmaps),
	TEST(exit_with_mappings),
	TEST(exit_with_files_elsewhere),
	TEST(exec_with_mappings),
	TEST(thread_maps_and_ends),
	TEST_VARIANTS_LONG(kill_in_the_middle, long_maps, 240),
	TEST(signal_in_the_middle_of_map),
	TEST(owners_go_while_others_map),
	TEST(leaves_processes),
	TEST(finds_none_of_them),
};

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "unmap"))
		return unmap_after_exec(atoi(argv[2]));
	if (argc == 2 && !strcmp(argv[1], "nothing"))
		return 0;
	return test_main(tests, ARRAY_SIZE(tests));
}
