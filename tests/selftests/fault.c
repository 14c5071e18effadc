// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation that the kernel makes in an ioctl fails once. What may fail
 * leaves nothing behind, and taking mappings away never fails.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/dirty.h"
#include "lib/fault.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* More than one batch, and more runs than fit where nothing is allocated. */
#define N		600

static struct rig *rig;
static void *memory;

static void rig_with_memory(void)
{
	fault_init();
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_scattered(N);
}

/* No device gets at &memory where it was to be mapped. */
static void assert_unmapped(void)
{
	dma_check_refused(rig, 0, IOVA, memory);
	dma_check_refused(rig, 0, IOVA + (N - 1) * PAGE, memory + (N - 1) * PAGE);
}

/* Only the mock tells. */
static void assert_domains(long domains)
{
	if (sys_is_uml())
		assert_eq(sys_mock_get("domains"), domains);
}

static void map_or_nothing(void)
{
	long pins, vmlck, leaves;
	struct fault_sweep sweep = {};
	int ret;

	rig_with_memory();
	pins = sys_pins();
	vmlck = sys_vmlck();
	leaves = sys_mock_get("leaves");
	while (fault_sweep_next(&sweep)) {
		ret = fault_try(&sweep, dma_map(rig->container, memory, IOVA, N * PAGE, RW));
		if (ret) {
			assert_eq(sys_vmlck(), vmlck);
			assert_eq(sys_pins(), pins);
			assert_eq(sys_mock_get("leaves"), leaves);
			assert_unmapped();
			continue;
		}
		/* It may do without, but then it has to be as good. */
		assert_eq(sys_vmlck(), vmlck + N * PAGE_KB);
		dma_check_copy(&rig->devices[0], IOVA, memory,
			       IOVA + (N - 1) * PAGE, memory + (N - 1) * PAGE,
			       DMA_MAX);
		assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
		assert_eq(sys_vmlck(), vmlck);
		assert_eq(sys_pins(), pins);
	}
	fault_sweep_end(&sweep, 1);
}

static void unmap_never_fails(void)
{
	struct fault_sweep sweep = {};
	long vmlck;

	rig_with_memory();
	vmlck = sys_vmlck();
	while (fault_sweep_next(&sweep)) {
		assert_ret(dma_map(rig->container, memory, IOVA, N * PAGE, RW),
			   0);
		assert_ret(fault_try(&sweep, dma_unmap(rig->container, IOVA, N * PAGE)), N * PAGE);
		assert_eq(sys_vmlck(), vmlck);
		assert_unmapped();
	}
	fault_sweep_end(&sweep, 0);
}

/* Without memory to remember what was pinned, and without memory to unmap. */
static void unmap_of_untracked_never_fails(void)
{
	long untracked = 0, vmlck;
	struct fault_sweep sweep = {};
	int ret;

	rig_with_memory();
	if (!sys_is_type1x())
		test_skip("%s never remembers", sys_driver());
	vmlck = sys_vmlck();
	while (fault_sweep_next(&sweep)) {
		untracked = sys_stat_get("untracked_mappings");
		ret = fault_try(&sweep, dma_map(rig->container, memory, IOVA, N * PAGE, RW));
		if (ret)
			continue;
		if (sys_stat_get("untracked_mappings") > untracked)
			break;
		assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
	}
	assert_ge(sys_stat_get("untracked_mappings"), untracked + 1);
	dma_check_pages(rig, 0, IOVA, memory, N);
	assert_ret(fault_in(1, dma_unmap(rig->container, IOVA, N * PAGE)), N * PAGE);
	expect_eq(sys_vmlck(), vmlck);
	dma_check_refused(rig, 0, IOVA, memory);
}

/* A container comes into being whole or not at all. */
static void set_iommu_or_nothing(void)
{
	long refs;
	struct fault_sweep sweep = {};
	int container, group, ret;

	fault_init();
	refs = sys_refs();
	container = vfio_container_open();
	group = vfio_group_open(0);
	assert_ret(vfio_group_join(group, container), 0);
	while (fault_sweep_next(&sweep)) {
		ret = fault_try(&sweep, vfio_try_set_iommu(container, VFIO_TYPE1v2_IOMMU));
		if (ret) {
			assert_eq(sys_refs(), refs);
			assert_domains(0);
			continue;
		}
		/* Where ours fails VFIO asks the in-tree driver, if that is loaded. */
		if (sys_refs() == refs) {
			assert_eq(sys_has_rival(), true);
			sweep.failed++;
		}
		assert_ret(vfio_group_leave(group), 0);
		assert_ret(vfio_group_join(group, container), 0);
		assert_eq(sys_refs(), refs);
	}
	fault_sweep_end(&sweep, 1);
}

/**
 * struct other - a group that joins one with mappings
 * @variant: its name
 * @open: returns its fd
 * @nr: what @open is told
 * @domains: how many there are with it
 */
struct other {
	const char *variant;
	int (*open)(int nr);
	int nr;
	long domains;
};

static const struct other others[] = {
	{ "same_domain", vfio_group_open, 1, 1 },
	{ "second_domain", vfio_mock_group_open, 2, 2 },
};

/* What it needs is there, and a domain of its own is filled, or the group stays out. */
static void join_or_nothing(const void *variant)
{
	const struct other *other = variant;
	long pins;
	struct fault_sweep sweep = {};
	int group, ret;

	rig_with_memory();
	assert_ret(dma_map(rig->container, memory, IOVA, N * PAGE, RW), 0);
	group = other->open(other->nr);
	pins = sys_pins();
	while (fault_sweep_next(&sweep)) {
		ret = fault_try(&sweep, vfio_group_join(group, rig->container));
		assert_eq(sys_pins(), pins);
		if (ret) {
			assert_domains(1);
			continue;
		}
		assert_domains(other->domains);
		assert_ret(vfio_group_leave(group), 0);
	}
	fault_sweep_end(&sweep, 1);
	dma_check_pages(rig, 0, IOVA, memory, N);
}

static void leave_never_fails(const void *variant)
{
	const struct other *other = variant;
	struct fault_sweep sweep = {};
	long pins;
	int group;

	rig_with_memory();
	assert_ret(dma_map(rig->container, memory, IOVA, N * PAGE, RW), 0);
	group = other->open(other->nr);
	pins = sys_pins();
	while (fault_sweep_next(&sweep)) {
		assert_ret(vfio_group_join(group, rig->container), 0);
		assert_ret(fault_try(&sweep, vfio_group_leave(group)), 0);
		assert_eq(sys_pins(), pins);
		assert_domains(1);
	}
	fault_sweep_end(&sweep, 0);
	dma_check_pages(rig, 0, IOVA, memory, N);
}

/* The last one, with everything that was mapped. */
static void last_leave_never_fails(void)
{
	long refs, pins;
	struct fault_sweep sweep = {};
	int container, group;

	fault_init();
	memory = mem_scattered(N);
	refs = sys_refs();
	pins = sys_pins();
	container = vfio_container_open();
	group = vfio_group_open(0);
	while (fault_sweep_next(&sweep)) {
		assert_ret(vfio_group_join(group, container), 0);
		assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
		assert_ret(dma_map(container, memory, IOVA, N * PAGE, RW), 0);
		assert_ret(fault_try(&sweep, vfio_group_leave(group)), 0);
		sys_settle_refs(refs);
		sys_settle_pins(pins);
		assert_eq(sys_vmlck(), 0);
	}
	fault_sweep_end(&sweep, 0);
}

/* Closing a file cannot report a failure. */
static void close_never_fails(void)
{
	long refs, pins;
	struct fault_sweep sweep = {};

	fault_init();
	memory = mem_scattered(N);
	refs = sys_refs();
	pins = sys_pins();
	while (fault_sweep_next(&sweep)) {
		rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
		assert_ret(dirty_flags(rig->container, START), 0);
		assert_ret(dma_map(rig->container, memory, IOVA, N * PAGE, RW),
			   0);
		/* A real one runs code of ACPI when it goes, which memory must not fail. */
		if (!sys_is_uml())
			vfio_device_close(&rig->devices[0]);
		fault_try(&sweep, (rig_close(rig), 0));
		sys_settle_refs(refs);
		sys_settle_pins(pins);
		assert_eq(sys_vmlck(), 0);
		assert_domains(0);
	}
	fault_sweep_end(&sweep, 0);
}

static void dirty_start_or_nothing(void)
{
	struct fault_sweep sweep = {};
	uint64_t word = 0;
	int ret, i;

	rig_with_memory();
	for (i = 0; i < 3; i++)
		assert_ret(dma_map(rig->container, memory, IOVA + i * MIB,
				   16 * PAGE, RW), 0);
	while (fault_sweep_next(&sweep)) {
		ret = fault_try(&sweep, dirty_flags(rig->container, START));
		assert_ret(dirty_get(rig->container, IOVA, 16 * PAGE, &word, 8),
			   ret ? -EINVAL : 0);
		assert_ret(dirty_flags(rig->container, STOP), 0);
	}
	fault_sweep_end(&sweep, 3);
}

/* While tracking is on a mapping needs a bitmap as well. */
static void map_while_tracking_or_nothing(void)
{
	long vmlck;
	struct fault_sweep sweep = {};
	int ret;

	rig_with_memory();
	assert_ret(dirty_flags(rig->container, START), 0);
	vmlck = sys_vmlck();
	while (fault_sweep_next(&sweep)) {
		ret = fault_try(&sweep, dma_map(rig->container, memory, IOVA, N * PAGE, RW));
		if (ret) {
			assert_eq(sys_vmlck(), vmlck);
			continue;
		}
		assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
	}
	fault_sweep_end(&sweep, 2);
}

static void new_vaddr_or_nothing(void)
{
	struct fault_sweep sweep = {};
	int ret;

	rig_with_memory();
	assert_ret(dma_map(rig->container, memory, IOVA, N * PAGE, RW), 0);
	while (fault_sweep_next(&sweep)) {
		assert_ret(dma_unmap_flags(rig->container, IOVA, N * PAGE,
					   VFIO_DMA_UNMAP_FLAG_VADDR),
			   N * PAGE);
		ret = fault_try(&sweep, dma_map(rig->container, memory, IOVA, N * PAGE,
						VFIO_DMA_MAP_FLAG_VADDR));
		if (ret)
			assert_ret(dma_map(rig->container, memory, IOVA,
					   N * PAGE, VFIO_DMA_MAP_FLAG_VADDR),
				   0);
	}
	fault_sweep_end(&sweep, 0);
	assert_ret(dma_unmap(rig->container, IOVA, N * PAGE), N * PAGE);
}

static void register_or_nothing(void)
{
	long pins, vmlck;
	struct fault_sweep sweep = {};
	int ret;

	rig_with_memory();
	pins = sys_pins();
	vmlck = sys_vmlck();
	while (fault_sweep_next(&sweep)) {
		ret = fault_try(&sweep, dma_register(rig->container, memory, N * PAGE, 0));
		if (ret) {
			assert_eq(sys_vmlck(), vmlck);
			assert_eq(sys_pins(), pins);
			assert_ret(dma_unregister(rig->container, memory,
						  N * PAGE), -ENOENT);
			continue;
		}
		assert_ret(dma_unregister(rig->container, memory, N * PAGE), 0);
		assert_eq(sys_vmlck(), vmlck);
		assert_eq(sys_pins(), pins);
	}
	fault_sweep_end(&sweep, 4);
}

/* A mapping of registered memory always remembers its runs, or there is none. */
static void map_registered_or_nothing(void)
{
	long pins, leaves;
	struct fault_sweep sweep = {};
	int ret;

	rig_with_memory();
	assert_ret(dma_register(rig->container, memory, N * PAGE,
				VFIO_TYPE1X_MEMORY_WRITE), 0);
	pins = sys_pins();
	leaves = sys_mock_get("leaves");
	while (fault_sweep_next(&sweep)) {
		ret = fault_try(&sweep, dma_map(rig->container, memory, IOVA, N * PAGE, RW));
		if (!ret)
			assert_ret(fault_in(sweep.n, dma_unmap(rig->container, IOVA,
							       N * PAGE)), N * PAGE);
		assert_eq(sys_mock_get("leaves"), leaves);
		assert_unmapped();
		assert_eq(sys_pins(), pins);
	}
	fault_sweep_end(&sweep, 1);
	assert_ret(fault_in(1, dma_unregister(rig->container, memory, N * PAGE)), 0);
	expect_eq(sys_pins(), pins - (long)N);
}

/* --- Memory of other kinds, which the map itself has to fetch ---------------- */

#define COLD	12UL

/**
 * struct cold - memory of which the pages have to be fetched
 * @variant: its name
 * @make: sets &memory
 * @drop: makes it cold again
 * @prot: what the process may do with it
 * @map_flags: of a file
 * @flags: what devices may do with it
 */
struct cold {
	const char *variant;
	void (*make)(const struct cold *cold);
	void (*drop)(void);
	int prot;
	int map_flags;
	uint32_t flags;
};

static int memory_fd;
static int bar_fd;
static off_t bar_offset;

static void make_anon(const struct cold *cold)
{
	memory = mem_anon_cold(COLD * PAGE);
	assert_eq(mprotect(memory, COLD * PAGE, cold->prot), 0);
}

static void drop_anon(void)
{
	assert_eq(madvise(memory, COLD * PAGE, MADV_DONTNEED), 0);
}

static void make_file(const struct cold *cold)
{
	memory_fd = mem_memfd(COLD * PAGE);
	memory = mem_file(memory_fd, COLD * PAGE, cold->prot, cold->map_flags);
}

static void drop_file(void)
{
	drop_anon();
	assert_eq(ftruncate(memory_fd, 0), 0);
	assert_eq(ftruncate(memory_fd, COLD * PAGE), 0);
}

static void make_bar(const struct cold *cold)
{
	struct vfio_region_info info;
	struct bar bar = { .dev = rig->devices[0], .region = 2 };
	int group;

	(void)cold;
	/* Of the mock the one that is faulted in, see tests/mock/mock_vfio.c. */
	if (!sys_is_uml()) {
		group = vfio_bar_group_open();
		assert_ret(vfio_group_join(group, rig->container), 0);
		vfio_bar_open(&bar, group);
	}
	vfio_region(&bar.dev, bar.region, &info);
	bar_fd = bar.dev.fd;
	bar_offset = info.offset;
	memory = mem_anon(COLD * PAGE);
}

static void drop_bar(void)
{
	assert_eq(munmap(memory, COLD * PAGE), 0);
	memory = mmap(NULL, COLD * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      bar_fd, bar_offset);
	assert_ne((long)memory, -1);
}

#define PROT_RW	(PROT_READ | PROT_WRITE)

/*
 * Of the private file a device only reads, but for long: its page must not change
 * below, so a copy is made.
 */
static void make_watched_bar(const struct cold *cold)
{
	make_bar(cold);
	if (sys_is_type1x())
		sys_param_set("revoke_mmio", "Y");
}

static const struct cold cold_memory[] = {
	{ "anon", make_anon, drop_anon, PROT_RW, 0, RW },
	{ "zero_page", make_anon, drop_anon, PROT_READ, 0, RO },
	{ "file", make_file, drop_file, PROT_RW, MAP_SHARED, RW },
	{ "private_file", make_file, drop_file, PROT_READ, MAP_PRIVATE, RO },
	{ "bar", make_bar, drop_bar, PROT_RW, 0, RW },
	{ "watched_bar", make_watched_bar, drop_bar, PROT_RW, 0, RW },
};

static void map_cold_or_nothing(const void *variant)
{
	const struct cold *cold = variant;
	struct fault_sweep sweep = {};
	long pins, vmlck, leaves;
	int ret;

	rig_with_memory();
	cold->make(cold);
	cold->drop();
	pins = sys_pins();
	vmlck = sys_vmlck();
	leaves = sys_mock_get("leaves");
	while (fault_sweep_next(&sweep)) {
		cold->drop();
		ret = fault_try(&sweep, dma_map(rig->container, memory, IOVA, COLD * PAGE,
						cold->flags));
		if (!ret)
			assert_ret(dma_unmap(rig->container, IOVA, COLD * PAGE),
				   COLD * PAGE);
		assert_eq(sys_vmlck(), vmlck);
		assert_eq(sys_pins(), pins);
		assert_eq(sys_mock_get("leaves"), leaves);
	}
	fault_sweep_end(&sweep, 1);
	if (sys_is_type1x())
		sys_param_set("revoke_mmio", "N");
	/* Or a BAR would keep the device open. */
	munmap(memory, COLD * PAGE);
}

static void information_or_nothing(void)
{
	static union {
		struct vfio_iommu_type1_info info;
		char room[PAGE];
	} answer;
	struct fault_sweep sweep = {};

	rig_with_memory();
	while (fault_sweep_next(&sweep)) {
		answer.info.argsz = sizeof(answer);
		fault_try(&sweep, ioctl(rig->container, VFIO_IOMMU_GET_INFO, &answer) ? -errno : 0);
	}
	fault_sweep_end(&sweep, 2);
}

static const struct test tests[] = {
	TEST(information_or_nothing),
	TEST_LONG(map_or_nothing, 240),
	TEST(unmap_never_fails),
	TEST_LONG(unmap_of_untracked_never_fails, 240),
	TEST(set_iommu_or_nothing),
	TEST_VARIANTS_LONG(join_or_nothing, others, 240),
	TEST_VARIANTS(leave_never_fails, others),
	TEST(last_leave_never_fails),
	TEST(dirty_start_or_nothing),
	TEST_LONG(map_while_tracking_or_nothing, 300),
	TEST(new_vaddr_or_nothing),
	TEST_LONG(register_or_nothing, 240),
	TEST_LONG(map_registered_or_nothing, 240),
	TEST_VARIANTS(map_cold_or_nothing, cold_memory),
	TEST(close_never_fails),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
