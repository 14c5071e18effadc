// SPDX-License-Identifier: GPL-2.0
/*
 * How costs grow with the number of mappings: each operation in a container that has few,
 * and in one that has very many. Only on stock kernels.
 *
 *   T1X_TWO_DOMAINS		file of t1x_two_domains, see stock.c
 *   T1X_MDEV			file of t1x_mdev, a mediated device
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../selftests/lib/bar.h"
#include "../selftests/lib/debugfs.h"
#include "../selftests/lib/dirty.h"
#include "../selftests/lib/mdev.h"
#include "../selftests/lib/mem.h"
#include "../selftests/lib/module.h"
#include "../selftests/lib/sys.h"
#include "../selftests/lib/test.h"
#include "bench.h"
#include "measure.h"
#include "side.h"

#define FEW	10
#define MANY	1000
#define LOTS	60000
#define MOST	300000

#define CALLS	100

static size_t nr;

/* Of the memory; more mappings than that are of pages that others map, too. */
static size_t nr_pages;

/* So many pages of which no two are neighbours, and then addresses for a page of a BAR. */
static char *scattered;

/* A page, a gap of a page, and so on: none are neighbours, and none are where MSIs go. */
static uint64_t iova_of(size_t i)
{
	return (nr > LOTS ? 4 * GIB : IOVA) + 2 * i * PAGE;
}

static void map_all(void *memory)
{
	size_t i;

	for (i = 0; i < nr; i++)
		assert_ret(dma_map(container, memory + i % nr_pages * PAGE, iova_of(i), PAGE, RW),
			   0);
}

/* A second group of the same domain comes and goes. */
static void join_and_leave(void)
{
	int second = vfio_group_open(1);

	start();
	assert_ret(vfio_group_join(second, container), 0);
	stop("attach", 1, "call");
	start();
	assert_ret(vfio_group_leave(second), 0);
	stop("detach", 1, "call");
	vfio_close(&second);
}

static void map_what_is_mapped(void *memory)
{
	size_t i;

	start();
	for (i = 0; i < CALLS; i++)
		expect_ret(dma_map(container, memory, iova_of(nr / 2), PAGE, RW), -EEXIST);
	stop("refused", CALLS, "call");
}

static void map_and_unmap_another(void *memory)
{
	start();
	pairs(memory, iova_of(nr / 2) + PAGE, CALLS);
	stop("pair", CALLS, "pair");
}

static void track_dirty_pages(void)
{
	static uint64_t bitmap[2 * MOST / 64 + 1];
	const uint64_t size = (2 * nr - 1) * PAGE;
	const size_t bytes = (2 * nr + 63) / 64 * 8;

	assert_ret(dirty_flags(container, START), 0);
	assert_ret(dirty_flags(container, STOP), 0);
	start();
	assert_ret(dirty_flags(container, START), 0);
	stop("dirty-start", nr, "mapping");
	start();
	assert_ret(dirty_get(container, iova_of(0), size, bitmap, bytes), 0);
	stop("dirty-get", nr, "mapping");
	start();
	assert_ret(dirty_flags(container, STOP), 0);
	stop("dirty-stop", nr, "mapping");
}

static void ask_for_information(void)
{
	static union {
		struct vfio_iommu_type1_info info;
		char room[PAGE];
	} answer;
	size_t i;

	start();
	for (i = 0; i < CALLS; i++) {
		answer.info.argsz = sizeof(answer);
		assert_ret(ioctl(container, VFIO_IOMMU_GET_INFO, &answer), 0);
	}
	stop("info", CALLS, "call");
}

/* As many regions of a page each, and mappings of them. In-tree has nothing like it. */
static void map_registered_memory(void *memory)
{
	size_t i;

	/* A page is in one region. */
	if (side_serving() != OURS || nr > nr_pages)
		return;
	start();
	for (i = 0; i < nr; i++)
		assert_ret(dma_register(container, memory + i * PAGE, PAGE,
					VFIO_TYPE1X_MEMORY_WRITE), 0);
	stop("register", nr, "region");
	start();
	map_all(memory);
	stop("registered-map", nr, "mapping");
	start();
	pairs(memory + nr / 2 * PAGE, iova_of(nr / 2) + PAGE, CALLS);
	stop("registered-pair", CALLS, "pair");
	start();
	assert_ret(dma_unmap_flags(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL), nr * PAGE);
	stop("registered-unmap-all", nr, "mapping");
	start();
	for (i = 0; i < nr; i++)
		assert_ret(dma_unregister(container, memory + i * PAGE, PAGE), 0);
	stop("unregister", nr, "region");
}

/*
 * A mediated device pins a page of each mapping, and then works on one more, all of it by the
 * ioctls of the mock, whose own cost is in the figures of both drivers.
 */
static void hold_pages(void *memory)
{
	const uint64_t other = iova_of(nr / 2) + PAGE;
	char word[8];
	int group, dev;
	size_t i;

	/* Not for longer: its group would be one more in what comes before and after. */
	side_load("T1X_MDEV", "");
	group = mdev_group_open(0);
	assert_ret(vfio_group_join(group, container), 0);
	dev = mdev_device_open(group, 0);
	map_all(memory);
	start();
	for (i = 0; i < nr; i++)
		assert_ret(mdev_pin(dev, iova_of(i), 1), 1);
	stop("access-pin", nr, "mapping");

	assert_ret(dma_map(container, memory, other, PAGE, RW), 0);
	start();
	for (i = 0; i < CALLS; i++) {
		assert_ret(mdev_pin(dev, other, 1), 1);
		assert_ret(mdev_unpin(dev, other, 1), 0);
	}
	stop("access-pair", CALLS, "pair");
	start();
	for (i = 0; i < CALLS; i++)
		assert_ret(mdev_op(dev, T1X_MDEV_READ, other, 0, sizeof(word), word), 0);
	stop("access-read", CALLS, "call");

	start();
	for (i = 0; i < nr; i++)
		assert_ret(mdev_unpin(dev, iova_of(i), 1), 0);
	stop("access-unpin", nr, "mapping");
	assert_ret(dma_unmap_flags(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL), (nr + 1) * PAGE);
	vfio_close(&dev);
	vfio_close(&group);
	module_unload("t1x_mdev");
}

/* The in-tree driver has no such file. */
static void list_mappings(void)
{
	static char text[64 * 1024];
	FILE *file;

	if (side_serving() != OURS)
		return;
	file = debugfs_open("mappings");
	start();
	while (read(fileno(file), text, sizeof(text)) > 0)
		;
	stop("list", nr, "mapping");
	fclose(file);
}

/* A second domain gets as many runs. */
static void add_a_domain(void)
{
	int second;

	/* Not for longer: its probe costs each attach something. */
	side_load("T1X_TWO_DOMAINS", "");
	assert_ret(dma_map(container, scattered, IOVA, nr_pages * PAGE, RW), 0);
	second = stock_join_apart("second-joins", nr_pages, "run");
	start();
	assert_ret(vfio_group_leave(second), 0);
	stop("second-leaves", nr_pages, "run");
	vfio_close(&second);
	module_unload("t1x_two_domains");
	assert_ret(dma_unmap(container, IOVA, nr_pages * PAGE), nr_pages * PAGE);
}

/* From the bottom up: what is above has ever fewer pages, and all runs that are left. */
static void unmap_granules(void)
{
	size_t i;

	map_blocks(scattered, nr_pages * PAGE, PAGE);
	start();
	for (i = 0; i < nr_pages; i++)
		assert_ret(dma_unmap(container, IOVA + i * PAGE, PAGE), PAGE);
	stop("split", nr_pages, "granule");
}

static void watch_mmio(bool on)
{
	if (side_serving() == OURS)
		sys_param_set("revoke_mmio", on ? "Y" : "N");
}

/* A mapping of as many runs of RAM, and a page of a BAR, which ours watches. */
static void lose_mmio(void)
{
	char *page = scattered + nr_pages * PAGE;
	int group = vfio_bar_group_open();
	struct bar bar;
	size_t i;

	container = side_container_open(group);
	vfio_bar_open(&bar, group);
	vfio_region_map(&bar.dev, bar.region, page, 0, PAGE);
	watch_mmio(true);
	assert_ret(dma_map(container, scattered, IOVA, (nr_pages + 1) * PAGE, RW), 0);
	start();
	for (i = 0; i < CALLS; i++)
		madvise(scattered + nr_pages / 2 * PAGE, PAGE, MADV_DONTNEED);
	stop("lose-ram", CALLS, "call");
	start();
	mmap(page, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	stop("lose-bar", 1, "call");
	watch_mmio(false);
	vfio_close_all();
}

/* Ours has no limit by itself. */
static void allow_that_many(void)
{
	if (side_serving() == TREE)
		sys_write("/sys/module/vfio_iommu_type1/parameters/dma_entry_limit", "2000000");
}

static void once_scale(void *memory)
{
	allow_that_many();
	open_edu();
	start();
	map_all(memory);
	stop("map", nr, "mapping");
	join_and_leave();
	map_what_is_mapped(memory);
	map_and_unmap_another(memory);
	track_dirty_pages();
	ask_for_information();
	list_mappings();
	start();
	assert_ret(dma_unmap_flags(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL), nr * PAGE);
	stop("unmap-all", nr, "mapping");
	map_registered_memory(memory);
	if (nr == nr_pages) {
		hold_pages(memory);
		add_a_domain();
		unmap_granules();
	}

	map_all(memory);
	start();
	close_edu();
	stop("leave", nr, "mapping");
	if (nr == nr_pages)
		lose_mmio();
}

static void scale(const char *name, size_t mappings)
{
	nr = mappings;
	nr_pages = nr < LOTS ? nr : LOTS;
	scattered = mem_scattered(nr_pages + 1);
	measure_few(name, once_scale, mem_anon(nr_pages * PAGE));
}

/** scale_few() - with ten mappings */
void scale_few(void)
{
	scale("scale-10", FEW);
}

/** scale_many() - with a thousand */
void scale_many(void)
{
	scale("scale-1000", MANY);
}

/** scale_lots() - with sixty thousand, near to what in-tree allows at most */
void scale_lots(void)
{
	scale("scale-60000", LOTS);
}

/** scale_most() - with three hundred thousand, which in-tree has to be allowed */
void scale_most(void)
{
	scale("scale-300000", MOST);
}
