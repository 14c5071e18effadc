// SPDX-License-Identifier: GPL-2.0
/*
 * A test for each known bug of the in-tree driver that ours does not have.
 *
 * With T1X_DRIVER=vfio_iommu_type1 a test succeeds if it shows the bug: what
 * each is good for on which kernel says the table at the end.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/dirty.h"
#include "lib/mdev.h"
#include "lib/mem.h"
#include "lib/proc.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"
#include "lib/watch.h"

#define POISON	0xa5a5a5a5a5a5a5a5ULL

static struct rig *rig;

static void *mapped(uint64_t iova, size_t npages)
{
	void *memory = mem_anon(npages * PAGE);

	assert_ret(dma_map(rig->container, memory, iova, npages * PAGE, RW), 0);
	return memory;
}

static void *shared_page(void)
{
	return mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/*
 * The bits of a mapping that does not begin with a word are shifted before they
 * are copied. If its second word cannot be written, they are not shifted back.
 */
static void b1_bitmap_stays_right_after_fault(void)
{
	uint8_t *memory = mem_anon(2 * PAGE);
	uint64_t *bad = (uint64_t *)(memory + PAGE) - 1;
	uint64_t words[2] = {};

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dirty_flags(rig->container, START), 0);
	mapped(IOVA + 5 * PAGE, 70);
	assert_eq(munmap(memory + PAGE, PAGE), 0);
	test_bug_from_here();
	expect_ret(dirty_get(rig->container, IOVA, 128 * PAGE, bad, 16),
		   -EFAULT);
	assert_ret(dirty_get(rig->container, IOVA + 5 * PAGE, 128 * PAGE, words,
			     16), 0);
	expect_eq(words[0], ~0ULL);
	expect_eq(words[1], 0x3f);
}

/* The number of the lowest bit that is set, of 0. */
static void b2_no_flag_and_no_page_size(void)
{
	bool quiet = !sys_is_type1x();
	struct dirty_get get;
	uint64_t word = POISON;
	struct {
		struct vfio_iommu_type1_dma_unmap head;
		struct vfio_bitmap bitmap;
	} unmap = {
		.head = {
			.argsz = sizeof(unmap),
			.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			.iova = IOVA,
			.size = 4 * PAGE,
		},
		.bitmap = { .size = 8, .data = (void *)&word },
	};
	int log;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	assert_ret(dirty_flags(rig->container, START), 0);
	mapped(IOVA, 4);
	dirty_get_init(&get, IOVA, 4 * PAGE, &word, 8);
	get.range.bitmap.pgsize = 0;
	log = log_open();
	if (quiet)
		log_to_console(false);
	test_bug_from_here();
	expect_ret(dirty_flags(rig->container, 0), -EINVAL);
	expect_ret(dirty_ioctl(rig->container, &get.head), -EINVAL);
	expect_ret(ioctl(rig->container, VFIO_IOMMU_UNMAP_DMA, &unmap) ?
		   -errno : 0, -EINVAL);
	if (quiet)
		log_to_console(true);
	expect_eq(log_count(log, "UBSAN"), 0);
	expect_eq(word, POISON);
	assert_ret(dma_unmap(rig->container, IOVA, 4 * PAGE), 4 * PAGE);
}

/* --- B3: locked memory of one process, unmapped by another that is dying ----- */

#define B3_ROUNDS	(sys_is_short() ? 1 : 3)	/* of ours */

/* Not in every header that this is compiled with. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#endif

static volatile int b3_stop;
static int b3_pages;

/* Takes the mmap_lock for read, over and over. */
static void *walk_thread(void *arg)
{
	size_t size = 16 * MIB;
	void *memory = mem_anon(size);

	(void)arg;
	while (!b3_stop)
		assert_eq(madvise(memory, size, MADV_POPULATE_READ), 0);
	return NULL;
}

/* True if the child was killed in the middle of its unmap. */
static bool kill_while_it_unmaps(volatile int *state)
{
	long full = sys_vmlck();
	pid_t pid;

	*state = 0;
	pid = fork();
	if (!pid) {
		*state = 1;
		dma_unmap(rig->container, IOVA, 2 * b3_pages * PAGE);
		*state = 2;
		pause();
	}
	while (sys_vmlck() == full)
		sys_msleep(1);
	kill(pid, SIGKILL);
	assert_eq(waitpid(pid, NULL, 0), pid);
	return *state == 1;
}

static void b3_killed_unmap_refunds(void)
{
	volatile int *state = shared_page();
	pthread_t thread;
	int i, kills = 0;
	long vmlck;
	char *memory;

	/* Ours refunds once for 512 of them: more, or there is no middle. */
	b3_pages = sys_is_type1x() ? 1300 : 300;
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_anon(b3_pages * PAGE);
	vmlck = sys_vmlck();
	assert_eq(pthread_create(&thread, NULL, walk_thread, NULL), 0);
	test_bug_from_here();
	/*
	 * Over and over: the lock may just be free when the kill comes, or it comes too
	 * late. What has the bug shows it some time.
	 */
	while (sys_vmlck() == vmlck &&
	       (kills < B3_ROUNDS || !sys_is_type1x())) {
		/* Every other page, so that no two of them can go at once. */
		for (i = 0; i < b3_pages; i++)
			assert_ret(dma_map(rig->container, memory + i * PAGE,
					   IOVA + 2 * i * PAGE, PAGE, RW), 0);
		kills += kill_while_it_unmaps(state);
		assert_ge(dma_unmap(rig->container, IOVA,
				    2 * b3_pages * PAGE), 0);
		expect_eq(sys_vmlck(), vmlck);
	}
	b3_stop = 1;
	pthread_join(thread, NULL);
}

/* --- B4, B5: mediated devices ------------------------------------------------- */

/* A container of a mediated device, with a mapping of @npages scattered pages. */
static void *mdev_with_mapping(int *mdev, size_t npages)
{
	int group = mdev_group_open(0);
	void *memory;

	rig = calloc(1, sizeof(*rig));
	rig->container = vfio_container_open();
	assert_ret(vfio_group_join(group, rig->container), 0);
	assert_ret(vfio_set_iommu(rig->container, VFIO_TYPE1v2_IOMMU), 0);
	*mdev = mdev_device_open(group, 0);
	memory = mem_scattered(npages);
	assert_ret(dma_map(rig->container, memory, IOVA, npages * PAGE, RW), 0);
	return memory;
}

/*
 * The in-tree driver fills the mappings, fails after that, and forgets them. We
 * fail where we can: what was filled is emptied again, and the next one works.
 */
static void b4_failed_first_attach_leaves_no_page(void)
{
	static const int calls[] = { 1, 2, 20 };
	long pins, vmlck;
	int mdev, group;
	void *memory;
	size_t i;

	memory = mdev_with_mapping(&mdev, 40);
	group = vfio_mock_group_open(0);
	assert_ret(mdev_pin(mdev, IOVA, 3), 3);
	pins = sys_pins();
	vmlck = sys_vmlck();
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		sys_mock_set("fail_map_in", calls[i]);
		expect_ret(vfio_group_join(group, rig->container), -ENOMEM);
		sys_mock_set("fail_map_in", 0);
		expect_eq(sys_pins(), pins);
		expect_eq(sys_vmlck(), vmlck);
		expect_eq(sys_mock_get("domains"), 0);
	}
	assert_ret(vfio_group_join(group, rig->container), 0);
	expect_eq(sys_vmlck(), vmlck + 37 * PAGE_KB);
	rig->n = 1;
	vfio_mock_device_open(&rig->devices[0], group, 0);
	rig->scratch = mapped(IOVA_SCRATCH, 1);
	dma_check_pages(rig, 0, IOVA, memory, 40);
}

/* After ten times in vain the in-tree driver stops the kernel. */
static void b5_deaf_device_is_no_reason_to_stop(void)
{
	unsigned char page[PAGE];
	long vmlck;
	int mdev;

	mdev_with_mapping(&mdev, 40);
	vmlck = sys_vmlck();
	mapped(IOVA - PAGE, 1);
	assert_ret(mdev_pin(mdev, IOVA, 10), 10);
	assert_ret(mdev_deaf(mdev, 1000000), 0);
	expect_ret(dma_unmap(rig->container, IOVA - PAGE, 41 * PAGE), -EBUSY);
	expect_eq(mdev_told(mdev), 10);
	/* Nothing has gone, not even pages that no device held. */
	assert_ret(dma_unmap(rig->container, IOVA - PAGE, PAGE), PAGE);
	assert_ret(mdev_op(mdev, T1X_MDEV_PEEK, IOVA, 0, PAGE, page), 0);
	expect_eq(sys_vmlck(), vmlck + 10 * PAGE_KB);
	assert_ret(mdev_deaf(mdev, 0), 0);
	assert_ret(dma_unmap(rig->container, IOVA, 40 * PAGE), 40 * PAGE);
	expect_eq(sys_vmlck(), vmlck);
}

/* --- B6, B7: how much is done for a page ---------------------------------------- */

#define SCATTERED	512UL

static void map_and_unmap(void *memory)
{
	assert_ret(dma_map(rig->container, memory, IOVA, SCATTERED * PAGE, RW),
		   0);
	assert_ret(dma_unmap(rig->container, IOVA, SCATTERED * PAGE),
		   SCATTERED * PAGE);
}

static void b6_unmap_does_not_ask_the_iommu(void)
{
	void *memory = mem_scattered(SCATTERED);
	long calls;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	test_bug_from_here();
	if (sys_is_uml()) {
		calls = sys_mock_get("iova_to_phys_calls");
		map_and_unmap(memory);
		calls = sys_mock_get("iova_to_phys_calls") - calls;
	} else {
		watch_probe("iommu_iova_to_phys");
		map_and_unmap(memory);
		calls = watch_end();
	}
	test_say("%ld calls for %lu pages", calls, SCATTERED);
	expect_le(calls, (long)SCATTERED / 8);
}

static void b7_map_does_not_lock_for_each_run(void)
{
	void *memory = mem_scattered(SCATTERED);
	long locked;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	test_bug_from_here();
	watch_event("mmap_lock/mmap_lock_acquire_returned", "write == 1");
	map_and_unmap(memory);
	locked = watch_end();
	test_say("locked %ld times for %lu runs", locked, SCATTERED);
	/* Once at least, or the probe did not count. */
	expect_ge(locked, 1);
	expect_le(locked, (long)SCATTERED / 8);
}

/* --- B8: waiting for a map that takes long ---------------------------------------- */

/* Each page is a call of the IOMMU, and none needs memory of its own. */
#define B8_OFTEN	512UL
#define B8_PAGES	(B8_OFTEN * 512)
#define B8_IOVA		(4 * GIB)

static void ask_info(void)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	ioctl(rig->container, VFIO_IOMMU_GET_INFO, &info);
}

static void ask_extension(void)
{
	ioctl(rig->container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU);
}

static void map_scratch(void)
{
	dma_map(rig->container, rig->scratch, IOVA - MIB, PAGE, RW);
}

static void unmap_scratch(void)
{
	dma_unmap(rig->container, IOVA - MIB, PAGE);
}

static void start_tracking(void)
{
	dirty_flags(rig->container, START);
}

/* These two wait in any driver, because they overlap the range being mapped. */
static void map_over(void)
{
	dma_map(rig->container, rig->scratch, B8_IOVA, PAGE, RW);
}

static void unmap_all(void)
{
	dma_unmap_flags(rig->container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
}

static const struct {
	void (*call)(void);
	bool must_wait;
} waiting[] = {
	{ ask_info, false }, { ask_extension, false }, { map_scratch, false },
	{ unmap_scratch, false }, { start_tracking, false },
	{ map_over, true }, { unmap_all, true },
};

static pid_t b8_start_map(void)
{
	long acquired = sys_pins_acquired();
	void *memory;
	pid_t pid;

	pid = fork();
	if (!pid) {
		memory = mem_scattered_often(B8_PAGES / B8_OFTEN, B8_OFTEN);
		proc_be_last();
		dma_map(rig->container, memory, B8_IOVA, B8_PAGES * PAGE, RW);
		pause();
	}
	while (sys_pins_acquired() == acquired)
		sys_msleep(1);
	return pid;
}

/* The map stands still, but for the moments in which all others sleep. */
static void b8_waiting_can_be_killed(void)
{
	long acquired = sys_pins_acquired() + 1;
	pid_t mapper, pids[ARRAY_SIZE(waiting)];
	size_t i;

	proc_one_cpu();
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	mapper = b8_start_map();
	for (i = 0; i < ARRAY_SIZE(waiting); i++) {
		pids[i] = fork();
		if (!pids[i]) {
			waiting[i].call();
			_exit(0);
		}
	}
	for (i = 0; i < ARRAY_SIZE(waiting); i++) {
		proc_settled(pids[i]);
		if (waiting[i].must_wait)
			assert_state(pids[i], 'D');
	}
	assert_le(sys_pins_acquired() - acquired, (long)B8_PAGES - 1);

	test_bug_from_here();
	for (i = 0; i < ARRAY_SIZE(waiting); i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < ARRAY_SIZE(waiting); i++)
		assert_eq(waitpid(pids[i], NULL, 0), pids[i]);
	/* They are gone, and the map is still at it. */
	expect_le(sys_pins_acquired() - acquired, (long)B8_PAGES - 1);
	kill(mapper, SIGKILL);
	assert_eq(waitpid(mapper, NULL, 0), mapper);
}

/* --- B9, B10 ------------------------------------------------------------------------ */

#define REFUSALS	300

static void b9_limit_does_not_flood_the_log(void)
{
	void *memory = mem_anon(PAGE);
	long lines;
	int log, i;

	mem_allow_ipc_lock(false);
	mem_limit(1);
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	if (sys_is_type1x())
		sys_param_set("log_refusals", "Y");
	log = log_open();
	for (i = 0; i < REFUSALS; i++)
		assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW),
			   -ENOMEM);
	test_bug_from_here();
	lines = log_count(log, "RLIMIT_MEMLOCK");
	if (sys_is_type1x())
		sys_param_set("log_refusals", "N");
	test_say("%ld lines for %d refusals", lines, REFUSALS);
	expect_le(lines, REFUSALS / 3);
}

/* It was never of any use, and 7.2 neither offers it nor does it. */
static void b10_nesting_is_not_offered(void)
{
	int container, group;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	test_bug_from_here();
	expect_eq(ioctl(rig->container, VFIO_CHECK_EXTENSION,
			VFIO_TYPE1_NESTING_IOMMU), 0);
	/* Where the other driver is there too, it would answer this. */
	if (sys_has_rival())
		return;
	rig_close(rig);
	container = vfio_container_open();
	group = vfio_group_open(0);
	assert_ret(vfio_group_join(group, container), 0);
	expect_eq(ioctl(container, VFIO_CHECK_EXTENSION,
			VFIO_TYPE1_NESTING_IOMMU), 0);
	expect_ret(vfio_try_set_iommu(container, VFIO_TYPE1_NESTING_IOMMU),
		   -ENODEV);
}

/* --- B11: regions ------------------------------------------------------------------ */

/* The process has no way to the region any more, so its devices have none. */
static void b11_lost_region_is_lost_to_devices(void)
{
	struct bar bar;
	void *view, *eye;
	int group;

	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	group = vfio_bar_group_open();
	assert_ret(vfio_group_join(group, rig->container), 0);
	vfio_bar_open(&bar, group);
	view = vfio_region_map(&bar.dev, bar.region, NULL, 0, MIB);
	/* Only to see what a device does. */
	eye = vfio_region_map(&bar.dev, bar.region, NULL, 0, PAGE);
	if (sys_is_type1x())
		sys_param_set("revoke_mmio", "Y");
	assert_ret(dma_map(rig->container, view, IOVA, MIB, RW), 0);
	if (sys_is_type1x())
		sys_param_set("revoke_mmio", "N");
	test_bug_from_here();
	munmap(view, MIB);
	dma_check_refused(rig, 0, IOVA, eye);
}

/* --- What the in-tree driver does on which kernel ------------------------------------- */

static enum test_bug always(void)
{
	return BUG_SHOWN;
}

/*
 * The result is undefined; only a kernel with UBSAN_SHIFT tells. That of arm64 does not:
 * the lowest bit of no bit is found by instructions there, and the compiler takes their
 * result for one that can be shifted by.
 */
static enum test_bug with_ubsan(void)
{
#ifdef __aarch64__
	return BUG_UNSAFE;
#endif
	return sys_kernel_before(7, 2) ? BUG_UNSAFE : BUG_SHOWN;
}

/* An allocation of its own would have to fail, and that at one place. */
static enum test_bug not_from_here(void)
{
	return BUG_UNSAFE;
}

static enum test_bug stops_the_kernel(void)
{
	return BUG_UNSAFE;
}

static enum test_bug until_7_2(void)
{
	return sys_kernel_before(7, 2) ? BUG_SHOWN : BUG_ABSENT;
}

static const struct test tests[] = {
	TEST_IN_TREE(b1_bitmap_stays_right_after_fault, always),
	TEST_IN_TREE(b2_no_flag_and_no_page_size, with_ubsan),
	TEST_IN_TREE(b3_killed_unmap_refunds, always),
	TEST_IN_TREE(b4_failed_first_attach_leaves_no_page, not_from_here),
	TEST_IN_TREE(b5_deaf_device_is_no_reason_to_stop, stops_the_kernel),
	TEST_IN_TREE(b6_unmap_does_not_ask_the_iommu, always),
	TEST_IN_TREE(b7_map_does_not_lock_for_each_run, always),
	TEST_IN_TREE(b8_waiting_can_be_killed, always),
	TEST_IN_TREE(b9_limit_does_not_flood_the_log, always),
	TEST_IN_TREE(b10_nesting_is_not_offered, until_7_2),
	TEST_IN_TREE(b11_lost_region_is_lost_to_devices, always),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
