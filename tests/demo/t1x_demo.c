// SPDX-License-Identifier: GPL-2.0
/*
 * A demonstration: maps 64 MiB of several kinds of memory, lets a device copy
 * between them, and shows what that meant for this process. Prints a line
 * `name value` for each thing that it saw; exit status 0 if all was as it
 * should be.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../selftests/lib/mem.h"
#include "../selftests/lib/sys.h"
#include "../selftests/lib/test.h"
#include "../selftests/lib/vfio.h"

#define HUGETLB "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

/* One kind of memory, and where the device sees it. */
struct area {
	const char *name;
	char *vaddr;
	size_t size;
	uint64_t iova;
};

static struct area areas[] = {
	{ "anonymous", NULL, 32 * MIB, IOVA },
	{ "scattered", NULL, 16 * MIB, IOVA + 256 * MIB },
	{ "hugetlb", NULL, 16 * MIB, IOVA + 512 * MIB },
};

#define NR_AREAS ARRAY_SIZE(areas)

/* Pages of each area that take part in a copy, from its first to its last. */
#define SAMPLES 4

static void show(const char *name, unsigned long value)
{
	printf("%s %lu\n", name, value);
}

static void allocate(void)
{
	areas[0].vaddr = mem_thp(areas[0].size);
	areas[1].vaddr = mem_scattered(areas[1].size / PAGE);
	if (!access(HUGETLB, W_OK)) {
		areas[2].vaddr = mem_hugetlb(areas[2].size);
	} else {
		areas[2].name = "anonymous_small";
		areas[2].vaddr = mem_anon(areas[2].size);
	}
}

static uint64_t sample(const struct area *area, unsigned int i)
{
	size_t npages = area->size / PAGE;

	return i * (npages - 1) / (SAMPLES - 1) * PAGE;
}

/* Each sample of each area to the one in the next area. */
static size_t copy_all(struct rig *rig)
{
	size_t bytes = 0, a, i;

	for (a = 0; a < NR_AREAS; a++) {
		struct area *from = &areas[a];
		struct area *to = &areas[(a + 1) % NR_AREAS];

		for (i = 0; i < SAMPLES; i++) {
			uint64_t src = sample(from, i), dst = sample(to, i);

			dma_check_copy(&rig->devices[0], to->iova + dst,
				       to->vaddr + dst, from->iova + src,
				       from->vaddr + src, DMA_MAX);
			bytes += DMA_MAX;
		}
	}
	return bytes;
}

int main(void)
{
	unsigned long mapped = 0, unmapped = 0;
	long before, during, after;
	struct rig *rig;
	size_t a;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!sys_init())
		return 1;

	allocate();
	before = sys_vmlck();
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	printf("driver %s\n", sys_driver());
	printf("type type1v2\n");
	for (a = 0; a < NR_AREAS; a++) {
		assert_ret(dma_map(rig->container, areas[a].vaddr,
				   areas[a].iova, areas[a].size, RW), 0);
		printf("mapped_%s_bytes %zu\n", areas[a].name, areas[a].size);
		mapped += areas[a].size;
	}
	show("huge_page_bytes", mem_thp_bytes(areas[0].vaddr));
	show("mapped_bytes", mapped);

	during = sys_vmlck();
	/* And the page of the rig. */
	assert_eq(during, before + (long)(mapped + PAGE) / 1024);

	a = copy_all(rig);
	show("bytes_read_by_dma", a);
	show("bytes_written_by_dma", a);
	show("bytes_verified", 2 * a);

	for (a = 0; a < NR_AREAS; a++)
		unmapped += dma_unmap(rig->container, areas[a].iova,
				      areas[a].size);
	assert_eq(unmapped, mapped);
	show("unmapped_bytes", unmapped);
	dma_check_refused(rig, 0, areas[1].iova, areas[1].vaddr);
	printf("dma_after_unmap refused\n");

	rig_close(rig);
	after = sys_vmlck();
	assert_eq(after, before);
	show("vmlck_before_kb", before);
	show("vmlck_during_kb", during);
	show("vmlck_after_kb", after);
	return 0;
}
