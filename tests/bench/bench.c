// SPDX-License-Identifier: GPL-2.0
/*
 * What mapping and unmapping cost in the in-tree driver and in ours, side by
 * side in one boot and with the very same memory. These are the cases that
 * make sense everywhere; stock.c has those for stock kernels alone, smp.c and
 * shared.c those that need two CPUs, and native.c those for UML. side.h says which
 * drivers are compared, and measure.h how.
 *
 * Arguments are names of the cases that are to run.
 */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "../selftests/lib/bar.h"
#include "../selftests/lib/dirty.h"
#include "../selftests/lib/mem.h"
#include "../selftests/lib/sys.h"
#include "../selftests/lib/test.h"
#include "../selftests/lib/vfio.h"
#include "bench.h"
#include "measure.h"
#include "side.h"

#define SIZE_COLD	(32 * MIB)
#define PAIRS		2000

/* The first maps of a page are dearer. */
#define FIRST_PAIRS	4

int container;
static int group;
static struct vdev device;

static void open_container(int opened_group)
{
	group = opened_group;
	container = side_container_open(group);
}

/**
 * open_dma_device() - a container with a DMA device, for the side in turn
 * @nr: 0 or 1
 *
 * Only iommufd needs the device to be open, or it has no domain to map for; in
 * QEMU that takes a while.
 */
void open_dma_device(int nr)
{
	open_container(vfio_group_open(nr));
	if (side_serving() == IOMMUFD)
		vfio_device_open(&device, group, nr);
}

/** open_edu() - such a container with the first DMA device in it */
void open_edu(void)
{
	open_dma_device(0);
}

/** close_edu() - undo open_edu(): the last group, or device, takes the IOMMU along */
void close_edu(void)
{
	if (side_serving() == IOMMUFD)
		vfio_device_close(&device);
	vfio_close(&group);
	vfio_close(&container);
}

/* Aligned as the largest page of an IOMMU has to be. */
#define IOVA_HUGE	(4 * GIB)

static void map(void *memory, size_t size)
{
	int ret;

	start();
	ret = dma_map(container, memory, IOVA_HUGE, size, RW);
	stop("map", size / PAGE, "page");
	assert_ret(ret, 0);
}

static void map_and_unmap(void *memory, size_t size)
{
	int64_t ret;

	map(memory, size);
	start();
	ret = dma_unmap(container, IOVA_HUGE, size);
	stop("unmap", size / PAGE, "page");
	assert_ret(ret, size);
}

/**
 * mapped_in_a_container() - measure a map and an unmap, as "map" and "unmap"
 * @memory: what is mapped
 * @size: all of it
 */
void mapped_in_a_container(void *memory, size_t size)
{
	open_edu();
	map_and_unmap(memory, size);
	vfio_close_all();
}

static void once_mapped(void *memory)
{
	mapped_in_a_container(memory, SIZE);
}

/*
 * Pages that were in use are allocated again in an order that depends on that
 * use, which decides how many runs there are. So allocate the fragments first: what is
 * allocated then is contiguous.
 */
static void take_fragments(size_t size)
{
	mem_anon(size);
}

static void anon(void)
{
	/* Of what booting left. */
	take_fragments(SIZE_COLD);
	measure("anon", once_mapped, mem_anon(SIZE));
}

/* UML takes minutes to fill more: each fault goes through the host. */
static size_t shm_size(void)
{
	return sys_is_uml() ? SIZE / 4 : SIZE;
}

static void once_shm(void *memory)
{
	mapped_in_a_container(memory, shm_size());
}

static void shm(void)
{
	measure("shm", once_shm, mem_scattered(shm_size() / PAGE));
	/* A call for nearly every page, or the memory was not scattered. */
	if (!sys_is_uml())
		expect_ge(figure_of("map")->counts[TREE][COUNT_IOMMU_MAP],
			  SIZE / PAGE * 9 / 10);
}

/**
 * huge() - transparent huge pages and nothing else
 * @size: how much, of 2 MiB each
 *
 * Return: where they are.
 */
void *huge(size_t size)
{
	void *memory = mem_thp(size);

	assert_eq(mem_thp_bytes(memory), size);
	return memory;
}

/**
 * cold() - small pages that were never touched
 * @size: in bytes
 *
 * Return: where they are.
 */
void *cold(size_t size)
{
	void *memory = mem_anon_cold(size);

	madvise(memory, size, MADV_NOHUGEPAGE);
	return memory;
}

static void thp(void)
{
	measure("thp", once_mapped, huge(SIZE));
}

static void hugetlb(void)
{
	measure("hugetlb", once_mapped, mem_hugetlb(SIZE));
}

static void memfd(void)
{
	int fd = mem_memfd(SIZE);
	void *memory = mem_file(fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);

	/* And all that "anon" had. */
	take_fragments(SIZE + SIZE_COLD);
	mem_fill_pages(memory, SIZE / PAGE);
	measure("memfd", once_mapped, memory);
}

/* Lets go of nothing, or the next time would not be the same. */
static void once_cold(void *huge_pages)
{
	void *memory = mem_anon_aligned(SIZE_COLD, HUGE_2M);

	madvise(memory, SIZE_COLD, huge_pages ? MADV_HUGEPAGE :
						MADV_NOHUGEPAGE);
	open_edu();
	map(memory, SIZE_COLD);
	vfio_close_all();
}

static void anon_cold(void)
{
	take_fragments(SIZE);
	measure("anon-cold", once_cold, NULL);
}

static void thp_cold(void)
{
	take_fragments(SIZE);
	measure("thp-cold", once_cold, "");
}

/**
 * struct leaves - how a BAR is mapped for the CPU when it is mapped for the device
 * @off: its address by so many bytes, which keeps large leaves out
 * @cold: not yet
 */
struct leaves {
	size_t off;
	bool cold;
};

static void once_bar(void *how)
{
	const struct leaves *leaves = how;
	volatile char *memory;
	struct bar bar;
	size_t at, size;

	/* It refuses what is not memory. */
	if (side_serving() == IOMMUFD)
		return;
	open_container(vfio_bar_group_open());
	vfio_bar_open(&bar, group);
	size = leaves->cold ? SIZE_COLD : bar.size;
	memory = bar_reserve(leaves->off, bar.size);
	vfio_region_map(&bar.dev, bar.region, (void *)memory, 0, bar.size);
	for (at = 0; at < bar.size && !leaves->cold; at += PAGE)
		(void)memory[at];
	map_and_unmap((void *)memory, size);
	vfio_close_all();
}

static void bar_(void)
{
	measure("bar", once_bar, &(struct leaves){ 0 });
}

static void bar_4k(void)
{
	measure("bar-4k", once_bar, &(struct leaves){ .off = PAGE });
}

static void bar_cold(void)
{
	measure("bar-cold", once_bar, &(struct leaves){ .off = PAGE, .cold = true });
}

/**
 * map_entries() - map a page at a time
 * @memory: ENTRIES pages
 */
void map_entries(void *memory)
{
	size_t i;

	for (i = 0; i < ENTRIES; i++)
		assert_ret(dma_map(container, memory + i * PAGE,
				   IOVA + i * PAGE, PAGE, RW), 0);
}

static void once_small(void *memory)
{
	size_t i;

	open_edu();
	start();
	map_entries(memory);
	stop("map", ENTRIES, "call");
	start();
	for (i = 0; i < ENTRIES; i++)
		assert_ret(dma_unmap(container, IOVA + i * PAGE, PAGE), PAGE);
	stop("unmap", ENTRIES, "call");
	vfio_close_all();
}

static void small(void)
{
	measure("small", once_small, mem_anon(ENTRIES * PAGE));
}

static void once_unmap_all(void *memory)
{
	int64_t ret;

	open_edu();
	map_entries(memory);
	start();
	ret = dma_unmap_flags(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
	stop("unmap", ENTRIES, "entry");
	assert_ret(ret, ENTRIES * PAGE);
	vfio_close_all();
}

static void unmap_all(void)
{
	measure("unmap-all", once_unmap_all, mem_anon(ENTRIES * PAGE));
}

/**
 * pairs() - map a page and unmap it, over and over
 * @memory: the page
 * @iova: where
 * @n: how often
 */
void pairs(void *memory, uint64_t iova, size_t n)
{
	while (n--) {
		assert_ret(dma_map(container, memory, iova, PAGE, RW), 0);
		assert_ret(dma_unmap(container, iova, PAGE), PAGE);
	}
}

static void once_pair(void *memory)
{
	open_edu();
	pairs(memory, IOVA, FIRST_PAIRS);
	start();
	pairs(memory, IOVA, PAIRS);
	stop("both", PAIRS, "pair");
	vfio_close_all();
}

/* Each page is dirty all the time: the device does not tell which it writes to. */
static void track(uint64_t size, const char *get, size_t units, const char *per)
{
	static uint64_t bitmap[SIZE / PAGE / 64];

	assert_ret(dirty_get(container, IOVA, size, bitmap, size / PAGE / 8), 0);
	start();
	assert_ret(dirty_get(container, IOVA, size, bitmap, size / PAGE / 8), 0);
	stop(get, units, per);
}

static void once_dirty(void *memory)
{
	open_edu();
	assert_ret(dma_map(container, memory, IOVA, SIZE, RW), 0);
	start();
	assert_ret(dirty_flags(container, START), 0);
	stop("start", SIZE / PAGE, "page");
	track(SIZE, "get", SIZE / PAGE, "page");
	vfio_close_all();
}

static void dirty(void)
{
	measure("dirty", once_dirty, mem_anon(SIZE));
}

static void once_dirty_small(void *memory)
{
	open_edu();
	map_entries(memory);
	start();
	assert_ret(dirty_flags(container, START), 0);
	stop("start", ENTRIES, "mapping");
	track(ENTRIES * PAGE, "get", ENTRIES, "mapping");
	vfio_close_all();
}

static void dirty_small(void)
{
	measure("dirty-small", once_dirty_small, mem_anon(ENTRIES * PAGE));
}

static void pair(void)
{
	measure("pair", once_pair, mem_anon(PAGE));
}

/* Ours maps from registered memory; the others pin it each time. */
static void once_registered(void *memory)
{
	void *page = memory + shm_size() / 2;

	open_edu();
	if (side_serving() == OURS)
		assert_ret(dma_register(container, memory, shm_size(),
					VFIO_TYPE1X_MEMORY_WRITE), 0);
	pairs(page, IOVA, FIRST_PAIRS);
	start();
	pairs(page, IOVA, PAIRS);
	stop("pair", PAIRS, "pair");
	map_and_unmap(memory, shm_size());
	vfio_close_all();
}

static void registered(void)
{
	measure("registered", once_registered,
		mem_scattered(shm_size() / PAGE));
}

/**
 * map_blocks() - map what can be unmapped block by block, at IOVA
 * @memory: what is mapped
 * @size: all of it
 * @block: bytes of a block
 *
 * One mapping of ours, with granules, and a mapping each of others.
 */
void map_blocks(void *memory, size_t size, size_t block)
{
	size_t at;

	if (side_serving() == OURS)
		assert_ret(dma_map_granule(container, memory, IOVA, size, block), 0);
	else
		for (at = 0; at < size; at += block)
			assert_ret(dma_map(container, memory + at, IOVA + at, block, RW), 0);
}

static void once_granule(void *memory)
{
	const size_t blocks = SIZE / HUGE_2M;
	size_t i;

	open_edu();
	start();
	map_blocks(memory, SIZE, HUGE_2M);
	stop("map", SIZE / PAGE, "page");
	start();
	/* First each second one, so that what is left is in pieces. */
	for (i = 0; i < blocks; i++)
		assert_ret(dma_unmap(container, IOVA + (i * 2 % blocks +
				     i * 2 / blocks) * HUGE_2M, HUGE_2M),
			   HUGE_2M);
	stop("unmap", blocks, "block");
	vfio_close_all();
}

static void granule(void)
{
	measure("granule", once_granule, huge(SIZE));
}

/* Of huge pages where there are any, and then of more of them. */
static size_t teardown_size(void)
{
	return sys_is_uml() ? SIZE : GIB;
}

static void once_teardown(void *memory)
{
	open_edu();
	assert_ret(dma_map(container, memory, IOVA, teardown_size(), RW), 0);
	start();
	close_edu();
	stop("close", teardown_size() / PAGE, "page");
}

static void teardown(void)
{
	measure("teardown", once_teardown,
		sys_is_uml() ? mem_anon(SIZE) : huge(GIB));
}

/* Only the mock can have two IOMMUs; VT-d needs to be talked into it. */
static void attach(void)
{
	if (sys_is_uml())
		native_attach();
	else
		stock_attach();
}

#define CASE(label, fn) { .name = (label), .run = (fn), .seconds = 3600 }

/* First what depends most on how memory looks: it is in one piece after a boot. */
static const struct test cases[] = {
	CASE("anon", anon),
	CASE("memfd", memfd),
	CASE("anon-cold", anon_cold),
	CASE("thp-cold", thp_cold),
	CASE("thp", thp),
	CASE("hugetlb", hugetlb),
	CASE("hugetlb-1g", stock_hugetlb_1g),
	CASE("granule", granule),
	CASE("teardown", teardown),
	CASE("attach", attach),
	CASE("shm", shm),
	CASE("bar", bar_),
	CASE("bar-4k", bar_4k),
	CASE("bar-cold", bar_cold),
	CASE("small", small),
	CASE("pair", pair),
	CASE("dirty", dirty),
	CASE("dirty-small", dirty_small),
	CASE("registered", registered),
	CASE("unmap-all", unmap_all),
	CASE("waiters", stock_waiters),
	CASE("memory", stock_memory),
	CASE("empty", native_empty),
	CASE("meanwhile", native_meanwhile),
	CASE("compute", smp_compute),
	CASE("threads", smp_threads),
	CASE("huge-cold", smp_huge_cold),
	CASE("crowd", smp_crowd),
	CASE("lines", shared_lines),
	CASE("scale-10", scale_few),
	CASE("scale-1000", scale_many),
	CASE("scale-60000", scale_lots),
	CASE("scale-300000", scale_most),
};

static bool is_wanted(const char *name, char **names)
{
	while (*names)
		if (!strcmp(*names++, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct test wanted[ARRAY_SIZE(cases)];
	size_t i, n = 0;

	(void)argc;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (is_wanted(cases[i].name, argv + 1))
			wanted[n++] = cases[i];
	return test_main(wanted, n);
}
