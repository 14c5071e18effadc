// SPDX-License-Identifier: GPL-2.0
/*
 * How costs grow with the number of mappings: each operation in a container that has few,
 * and in one that has very many. Only on stock kernels.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../selftests/lib/debugfs.h"
#include "../selftests/lib/dirty.h"
#include "../selftests/lib/mem.h"
#include "../selftests/lib/sys.h"
#include "../selftests/lib/test.h"
#include "bench.h"
#include "measure.h"
#include "side.h"

#define FEW	10
#define MANY	1000
#define LOTS	60000

#define CALLS	100

static size_t nr;

/* A page, a gap of a page, and so on: none are neighbours. */
static uint64_t iova_of(size_t i)
{
	return IOVA + 2 * i * PAGE;
}

static void map_all(void *memory)
{
	size_t i;

	for (i = 0; i < nr; i++)
		assert_ret(dma_map(container, memory + i * PAGE, iova_of(i), PAGE, RW), 0);
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
	static uint64_t bitmap[2 * LOTS / 64 + 1];
	const uint64_t size = (2 * nr - 1) * PAGE;
	const size_t bytes = (2 * nr + 63) / 64 * 8;

	assert_ret(dirty_flags(container, START), 0);
	assert_ret(dirty_flags(container, STOP), 0);
	start();
	assert_ret(dirty_flags(container, START), 0);
	stop("dirty-start", nr, "mapping");
	start();
	assert_ret(dirty_get(container, IOVA, size, bitmap, bytes), 0);
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

	if (side_serving() != OURS)
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

static void once_scale(void *memory)
{
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

	map_all(memory);
	start();
	close_edu();
	stop("leave", nr, "mapping");
}

static void scale(const char *name, size_t mappings)
{
	nr = mappings;
	measure_few(name, once_scale, mem_anon(mappings * PAGE));
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
