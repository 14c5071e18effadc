// SPDX-License-Identifier: GPL-2.0
/*
 * With revoke_mmio set, a region that the CPU loses is lost to devices as well.
 *
 * Each region is mapped into the process twice: a view, which is what the
 * container maps and what goes away, and an eye, to see what a device did.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define SIZE	MIB
#define AT	(IOVA + GIB)

static struct rig *rig;
static struct bar bar;
static char *memory, *view, *eye;

static void rig_with_views(void)
{
	int group;

	if (!sys_is_type1x())
		test_skip("%s never revokes", sys_driver());
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	group = vfio_bar_group_open();
	assert_ret(vfio_group_join(group, rig->container), 0);
	vfio_bar_open(&bar, group);
	memory = mem_anon(PAGE);
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
	view = vfio_region_map(&bar.dev, bar.region, NULL, 0, SIZE);
	eye = vfio_region_map(&bar.dev, bar.region, NULL, 0, 4 * MIB);
}

static int map_revocable(const void *vaddr, size_t size)
{
	int ret;

	sys_param_set("revoke_mmio", "Y");
	ret = dma_map(rig->container, vaddr, AT, size, RW);
	sys_param_set("revoke_mmio", "N");
	return ret;
}

/* Does a device reach the page of the region that the eye sees at @offset? */
static void check_reached(uint64_t iova, size_t offset)
{
	dma_check_copy(&rig->devices[0], iova, eye + offset, IOVA, memory,
		       DMA_MAX);
}

static void check_refused(uint64_t iova, size_t offset)
{
	dma_check_refused(rig, 0, iova, eye + offset);
}

static void view_goes(void)
{
	long revoked, vmlck;

	rig_with_views();
	vmlck = sys_vmlck();
	revoked = sys_stat_get("runs_revoked");
	assert_ret(map_revocable(view, SIZE), 0);
	check_reached(AT, 0);
	check_reached(AT + SIZE - PAGE, SIZE - PAGE);
	munmap(view, SIZE);
	check_refused(AT, 0);
	check_refused(AT + SIZE - PAGE, SIZE - PAGE);
	expect_eq(sys_stat_get("runs_revoked"), revoked + 1);

	/* The mapping is still one: it takes room, and goes with its size. */
	assert_ret(dma_map(rig->container, eye, AT, PAGE, RW), -EEXIST);
	assert_ret(dma_unmap(rig->container, AT, PAGE), -EINVAL);
	assert_ret(dma_unmap(rig->container, AT, SIZE), SIZE);
	expect_eq(sys_vmlck(), vmlck);

	assert_ret(map_revocable(eye, SIZE), 0);
	check_reached(AT, 0);
	assert_ret(dma_unmap(rig->container, AT, SIZE), SIZE);
	check_refused(AT, 0);
	expect_eq(sys_stat_get("runs_revoked"), revoked + 1);
}

/* As the in-tree driver does it, and ours unless asked. */
static void not_asked_for(void)
{
	rig_with_views();
	assert_ret(dma_map(rig->container, view, AT, SIZE, RW), 0);
	munmap(view, SIZE);
	check_reached(AT, 0);
	assert_ret(dma_unmap(rig->container, AT, SIZE), SIZE);
}

/* Two places of a region side by side: one goes, the other one stays. */
static void one_of_two_goes(void)
{
	char *both = mem_anon_aligned(2 * SIZE, MIB);

	rig_with_views();
	vfio_region_map(&bar.dev, bar.region, both, 0, SIZE);
	vfio_region_map(&bar.dev, bar.region, both + SIZE, 2 * MIB, SIZE);
	assert_ret(map_revocable(both, 2 * SIZE), 0);
	check_reached(AT, 0);
	check_reached(AT + SIZE, 2 * MIB);
	munmap(both + SIZE - PAGE, PAGE);
	check_refused(AT, 0);
	check_reached(AT + SIZE, 2 * MIB);
	munmap(both + SIZE, PAGE);
	check_refused(AT + SIZE, 2 * MIB);
	assert_ret(dma_unmap(rig->container, AT, 2 * SIZE), 2 * SIZE);
}

/* RAM is pinned: it stays mapped when its addresses are unmapped. */
static void memory_stays(void)
{
	const size_t before = 5 * PAGE, after = 7 * PAGE;
	const size_t total = before + SIZE + after;
	char *vaddr = mem_anon_aligned(total, MIB);
	long vmlck, pins;

	rig_with_views();
	mem_fill_pages(vaddr, total / PAGE);
	vfio_region_map(&bar.dev, bar.region, vaddr + before, 0, SIZE);
	vmlck = sys_vmlck();
	assert_ret(map_revocable(vaddr, total), 0);
	pins = sys_pins();
	munmap(vaddr, before + PAGE);
	check_refused(AT + before, 0);
	check_refused(AT + before + PAGE, PAGE);
	dma_check_pages(rig, 0, AT + before + SIZE, vaddr + before + SIZE,
			after / PAGE);
	dma_load(&rig->devices[0], AT, 0, 64);
	expect_eq(sys_pins(), pins);
	expect_eq(sys_vmlck(), vmlck + (long)(before + after) / 1024);
	assert_ret(dma_unmap(rig->container, AT, total), total);
	expect_eq(sys_vmlck(), vmlck);
}

static void protection_changes(void)
{
	rig_with_views();
	assert_ret(map_revocable(view, SIZE), 0);
	check_reached(AT, 0);
	assert_eq(mprotect(view, SIZE, PROT_READ), 0);
	check_refused(AT, 0);
	assert_ret(dma_unmap(rig->container, AT, SIZE), SIZE);
}

/* Memory decode is switched off: vfio-pci zaps all pages of the BAR. */
static void memory_decode_off(void)
{
	if (sys_is_uml())
		test_skip("needs a PCI device");
	rig_with_views();
	assert_ret(map_revocable(view, SIZE), 0);
	check_reached(AT, 0);
	vfio_pci_command(&bar.dev, PCI_COMMAND_MEMORY, 0);
	vfio_pci_command(&bar.dev, 0, PCI_COMMAND_MEMORY);
	check_refused(AT, 0);

	/* The device is fine again, but only a new mapping brings it back. */
	assert_ret(dma_unmap(rig->container, AT, SIZE), SIZE);
	assert_ret(map_revocable(view, SIZE), 0);
	check_reached(AT, 0);
}

static void every_domain_loses_it(void)
{
	rig_with_views();
	assert_ret(map_revocable(view, SIZE), 0);
	rig_add_mock(rig, 2);
	dma_check_pages(rig, 1, AT, eye, SIZE / PAGE);
	munmap(view, SIZE);
	check_refused(AT, 0);
	dma_check_refused(rig, 1, AT, eye);
	assert_ret(dma_unmap(rig->container, AT, SIZE), SIZE);
}

static void new_domain_does_not_get_it(void)
{
	rig_with_views();
	assert_ret(map_revocable(view, SIZE), 0);
	munmap(view, SIZE);
	rig_add_mock(rig, 2);
	dma_check_refused(rig, 1, AT, eye);
	check_refused(AT, 0);
	assert_ret(dma_unmap(rig->container, AT, SIZE), SIZE);
}

/* The mapping outlives its process, the region does not. */
static void process_goes(void)
{
	int mapped[2], status;
	pid_t pid;
	char byte;

	rig_with_views();
	assert_eq(pipe(mapped), 0);
	pid = fork();
	if (!pid) {
		assert_ret(map_revocable(view, SIZE), 0);
		assert_eq(write(mapped[1], "m", 1), 1);
		pause();
	}
	assert_eq(read(mapped[0], &byte, 1), 1);
	check_reached(AT, 0);
	kill(pid, SIGKILL);
	assert_eq(waitpid(pid, &status, 0), pid);
	check_refused(AT, 0);
	assert_ret(dma_unmap(rig->container, AT, SIZE), SIZE);
}

/* A new vaddr does not keep a revoked region mapped. */
static void new_vaddr_does_not_keep_it(void)
{
	rig_with_views();
	assert_ret(map_revocable(view, SIZE), 0);
	assert_ret(dma_unmap_flags(rig->container, AT, SIZE,
				   VFIO_DMA_UNMAP_FLAG_VADDR), SIZE);
	assert_ret(dma_map(rig->container, memory, AT, SIZE,
			   VFIO_DMA_MAP_FLAG_VADDR), 0);
	check_reached(AT, 0);
	munmap(view, SIZE);
	check_refused(AT, 0);
	assert_ret(dma_unmap(rig->container, AT, SIZE), SIZE);
}

static volatile int stop;
static volatile long maps;

static void *map_thread(void *arg)
{
	int ret;

	(void)arg;
	while (!stop) {
		ret = dma_map(rig->container, view, AT, SIZE, RW);
		/* Not there when it was looked at, or gone before it was used. */
		if (ret != -EFAULT && ret != -EBUSY)
			assert_ret(ret, 0);
		if (!ret)
			maps++;
		assert_ret(dma_unmap(rig->container, AT, SIZE), ret ? 0 : SIZE);
	}
	return NULL;
}

static void *attach_thread(void *arg)
{
	int group = vfio_mock_group_open(2);

	(void)arg;
	while (!stop) {
		assert_ret(vfio_group_join(group, rig->container), 0);
		assert_ret(vfio_group_leave(group), 0);
	}
	return NULL;
}

static void race_with_map_and_attach(void)
{
	uint64_t end = sys_now_ms() + sys_race_ms();
	pthread_t mapper, attacher;
	int n = 0;

	rig_with_views();
	sys_param_set("revoke_mmio", "Y");
	assert_eq(pthread_create(&mapper, NULL, map_thread, NULL), 0);
	if (sys_is_uml())
		assert_eq(pthread_create(&attacher, NULL, attach_thread, NULL),
			  0);
	while (n < SYS_ROUNDS || sys_now_ms() < end) {
		munmap(view, SIZE);
		usleep(n % 5 * 100);
		assert_eq(mmap(view, SIZE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, bar.dev.fd,
			       bar.offset) == view, true);
		usleep(n % 3 * 100);
		n++;
	}
	sys_race(0, &maps);
	stop = 1;
	pthread_join(mapper, NULL);
	if (sys_is_uml())
		pthread_join(attacher, NULL);
	test_say("%ld maps, %d times the view went", maps, n);

	assert_ret(dma_map(rig->container, view, AT, SIZE, RW), 0);
	sys_param_set("revoke_mmio", "N");
	check_reached(AT, 0);
	munmap(view, SIZE);
	check_refused(AT, 0);
}

static const struct test tests[] = {
	TEST(view_goes),
	TEST(not_asked_for),
	TEST(one_of_two_goes),
	TEST(memory_stays),
	TEST(protection_changes),
	TEST(memory_decode_off),
	TEST(every_domain_loses_it),
	TEST(new_domain_does_not_get_it),
	TEST(process_goes),
	TEST(new_vaddr_does_not_keep_it),
	TEST(race_with_map_and_attach),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
