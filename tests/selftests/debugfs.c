// SPDX-License-Identifier: GPL-2.0
/* What our driver shows of each container in debugfs. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/debugfs.h"
#include "lib/mdev.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define LOOK_MS		2000
#define LARGE		(64 * MIB)
#define MANY		4096L

static int container, group;
static char *memory;
static volatile int stop;

/* No rig, which has a mapping of its own. */
static void container_with_group(void)
{
	container = vfio_container_open();
	group = vfio_group_open(0);
	assert_ret(vfio_group_join(group, container), 0);
}

static void container_open(void)
{
	container_with_group();
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
}

static void container_close(void)
{
	vfio_close(&group);
	vfio_close(&container);
}

static void setup(size_t npages)
{
	container_open();
	memory = mem_scattered(npages);
}

static void expect_text(const char *key, const char *want)
{
	char value[256];

	if (!debugfs_text("summary", key, value, sizeof(value)))
		fail("no %s in the summary", key);
	if (strcmp(value, want))
		fail("%s is \"%s\", not \"%s\"", key, value, want);
}

/* Pages mapped, of these RAM, and pages charged. */
static void expect_pages(long mapped, long ram, long charged)
{
	expect_eq(debugfs_number("mapped_bytes"), mapped * PAGE);
	expect_eq(debugfs_number("ram_bytes"), ram * PAGE);
	expect_eq(debugfs_number("mmio_bytes"), (mapped - ram) * PAGE);
	expect_eq(debugfs_number("charged_pages"), charged);
}

static void summary_names_the_process(void)
{
	char version[32], number[16], domain[256], groups[32];

	sys_version(version, sizeof(version));
	setup(1);
	expect_text("command", program_invocation_short_name);
	expect_text("version", version);
	expect_text("type", "v2");
	vfio_group_number(0, number, sizeof(number));
	snprintf(groups, sizeof(groups), " groups=%s ", number);
	debugfs_text("summary", "domain", domain, sizeof(domain));
	if (!strstr(domain, groups))
		fail("no%sin: %s", groups, domain);
	container_close();
	expect_eq(debugfs_containers(), 0);
}

/* The sums are those of the accounts (I2), and nothing is left of them. */
static void sums_are_the_accounts(void)
{
	long vmlck, runs;

	setup(16);
	vmlck = sys_vmlck();
	expect_eq(debugfs_number("mappings"), 0);
	assert_ret(dma_map(container, memory, IOVA, 8 * PAGE, RW), 0);
	assert_ret(dma_map(container, memory + 8 * PAGE, IOVA + GIB,
			   8 * PAGE, RW), 0);
	expect_eq(debugfs_number("mappings"), 2);
	expect_pages(16, 16, (sys_vmlck() - vmlck) / PAGE_KB);
	expect_pages(16, 16, sys_stat_get("pages_charged") -
		     sys_stat_get("pages_refunded"));
	expect_pages(16, 16, sys_stat_get("pages_pinned") -
		     sys_stat_get("pages_unpinned"));
	runs = debugfs_number("runs");
	expect_ge(runs, 2);
	expect_le(runs, 16);
	expect_eq(debugfs_number("mean_run_bytes"), 16 / runs * PAGE);

	expect_ret(dma_map(container, memory, IOVA, PAGE, RW), -EEXIST);
	assert_ret(dma_unmap(container, IOVA, 2 * GIB), 16 * PAGE);
	expect_eq(debugfs_number("map_calls"), 2);
	expect_eq(debugfs_number("unmap_calls"), 1);
	expect_pages(0, 0, 0);
	expect_eq(debugfs_number("mappings"), 0);
	expect_eq(debugfs_number("runs"), 0);
	container_close();
}

/* Some mapping in the list has this at its end. */
static void expect_listed(const char *mark)
{
	FILE *file = debugfs_open("mappings");
	char line[512];
	bool found = false;

	while (fgets(line, sizeof(line), file))
		found = found || strstr(line, mark);
	fclose(file);
	expect_eq(found, true);
}

static void bar_is_no_ram(void)
{
	struct bar bar;
	char *region;
	int other;

	setup(3);
	other = vfio_bar_group_open();
	assert_ret(vfio_group_join(other, container), 0);
	vfio_bar_open(&bar, other);
	region = vfio_region_map(&bar.dev, bar.region, NULL, 0, MIB);
	assert_ret(dma_map(container, memory, IOVA, 3 * PAGE, RW), 0);
	sys_param_set("revoke_mmio", "Y");
	assert_ret(dma_map(container, region, IOVA + GIB, MIB, RW), 0);
	sys_param_set("revoke_mmio", "N");
	expect_pages(3 + MIB / PAGE, 3, 3);
	expect_listed(" watched\n");
	assert_ret(dma_unmap(container, IOVA, 2 * GIB), MIB + 3 * PAGE);
}

static void registered_and_held(void)
{
	int other, mdev;

	setup(16);
	assert_ret(dma_register(container, memory, 16 * PAGE, 0), 0);
	expect_eq(debugfs_number("registered_bytes"), 16 * PAGE);
	assert_ret(dma_map(container, memory, IOVA, 4 * PAGE,
			   VFIO_DMA_MAP_FLAG_READ), 0);
	/* The process that registered is charged, once. */
	expect_pages(4, 4, 0);
	expect_listed(" registered\n");
	assert_ret(dma_unmap(container, IOVA, 4 * PAGE), 4 * PAGE);
	assert_ret(dma_unregister(container, memory, 16 * PAGE), 0);
	expect_eq(debugfs_number("registered_bytes"), 0);

	other = mdev_group_open(0);
	assert_ret(vfio_group_join(other, container), 0);
	mdev = mdev_device_open(other, 0);
	assert_ret(dma_map(container, memory, IOVA, 8 * PAGE, RW), 0);
	assert_ret(mdev_pin(mdev, IOVA, 3), 3);
	expect_eq(debugfs_number("held_pages"), 3);
	expect_pages(8, 8, 8);
	assert_ret(mdev_unpin(mdev, IOVA, 3), 0);
	expect_eq(debugfs_number("held_pages"), 0);
	assert_ret(dma_unmap(container, IOVA, 8 * PAGE), 8 * PAGE);
}

/* Large leaves are possible only where IOVA and memory are aligned alike. */
static void leaves_that_runs_allow(void)
{
	const size_t size = 2 * HUGE_PMD;
	char small[32], large[32];

	snprintf(small, sizeof(small), "leaf_%luk_bytes", PAGE >> 10);
	snprintf(large, sizeof(large), "leaf_%lum_bytes", HUGE_PMD >> 20);
	setup(1);
	memory = mem_thp(size);
	if (mem_thp_bytes(memory) < size)
		test_skip("no huge pages to be had");
	assert_ret(dma_map(container, memory, IOVA, size, RW), 0);
	expect_eq(debugfs_number(large), size);
	expect_eq(debugfs_number(small), 0);
	expect_ge(debugfs_number("largest_run_bytes"), HUGE_PMD);
	assert_ret(dma_map(container, memory, IOVA + GIB + PAGE, size, RW), 0);
	expect_eq(debugfs_number(large), size);
	expect_eq(debugfs_number(small), size);
	assert_ret(dma_unmap(container, IOVA, 2 * GIB), 2 * size);
	container_close();
}

/* Reads the mappings; returns how many, which must go up. */
static long read_mappings(void)
{
	FILE *file = debugfs_open("mappings");
	unsigned long long iova = 0;
	char line[512];
	long nr = 0;

	while (fgets(line, sizeof(line), file)) {
		if (nr++ && (unsigned long long)debugfs_field(line, "iova") <= iova)
			fail("after %#llx: %s", iova, line);
		iova = debugfs_field(line, "iova");
		expect_eq(debugfs_field(line, "last") - iova, PAGE - 1);
	}
	fclose(file);
	return nr;
}

static void mappings_are_listed(void)
{
	char line[512], want[64];
	FILE *file;

	setup(2);
	assert_ret(dma_map(container, memory, IOVA, 2 * PAGE,
			   VFIO_DMA_MAP_FLAG_READ), 0);
	file = debugfs_open("mappings");
	snprintf(want, sizeof(want), "iova=0x%016lx last=0x%016lx ", IOVA,
		 IOVA + 2 * PAGE - 1);
	if (!fgets(line, sizeof(line), file) ||
	    strncmp(line, want, strlen(want)))
		fail("%s", line);
	expect_eq(debugfs_field(line, "vaddr"), (uintptr_t)memory);
	expect_eq(debugfs_field(line, "pid"), getpid());
	expect_eq(debugfs_field(line, "bytes"), 2 * PAGE);
	expect_eq(debugfs_field(line, "filled"), 2 * PAGE);
	expect_eq(debugfs_field(line, "charged_pages"), 2);
	if (!strstr(line, " prot=r "))
		fail("%s", line);
	expect_eq(fgets(line, sizeof(line), file), NULL);
	fclose(file);
	assert_ret(dma_unmap(container, IOVA, 2 * PAGE), 2 * PAGE);
}

/* More than one read() brings. */
static void many_mappings_are_listed(void)
{
	const long nr = 2000;
	long i;

	setup(1);
	expect_eq(read_mappings(), 0);
	for (i = 0; i < nr; i++)
		assert_ret(dma_map(container, memory, IOVA + 2 * i * PAGE,
				   PAGE, RW), 0);
	expect_eq(read_mappings(), nr);
	assert_ret(dma_unmap(container, IOVA, 2 * nr * PAGE), nr * PAGE);
	container_close();
}

/* Where the last mapping ends, so do 64 bits. */
static void top_of_the_space_is_listed(void)
{
	group = mdev_group_open(0);
	container = vfio_container_open();
	assert_ret(vfio_group_join(group, container), 0);
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	memory = mem_anon(PAGE);
	assert_ret(dma_map(container, memory, -PAGE, PAGE, RW), 0);
	assert_ret(dma_map(container, memory, 0, PAGE, RW), 0);
	expect_eq(read_mappings(), 2);
	/* Nothing is pinned before a device asks. */
	expect_eq(debugfs_number("charged_pages"), 0);
	expect_eq(debugfs_number("mapped_bytes"), 2 * PAGE);
}

/* Looks how far an operation is; returns whether it was under way. */
static bool seen_under_way(const char *what)
{
	FILE *file = debugfs_open("progress");
	bool seen = false;
	char line[256];
	long long done;

	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, what, strlen(what)))
			continue;
		done = debugfs_field(line, "done");
		expect_eq(debugfs_field(line, "pid"), getpid());
		/* Of an unmap it is what is left. */
		if (*what == 'm')
			expect_eq(debugfs_field(line, "iova"), IOVA);
		else
			expect_ge(debugfs_field(line, "iova"), IOVA);
		expect_le(done, debugfs_field(line, "total"));
		seen |= done > 0;
	}
	fclose(file);
	return seen;
}

/* Has a thread do something over and over until that was seen half way. */
static void expect_progress(void *(*work)(void *), const char *what)
{
	pthread_t worker;

	expect_eq(seen_under_way(what), false);
	pthread_create(&worker, NULL, work, NULL);
	while (!seen_under_way(what))
		usleep(1000);
	stop = 1;
	pthread_join(worker, NULL);
	expect_eq(seen_under_way(""), false);
}

static void *map_thread(void *unused)
{
	(void)unused;
	while (!stop) {
		expect_ret(dma_map(container, memory, IOVA, LARGE, RW), 0);
		expect_ret(dma_unmap(container, IOVA, LARGE), LARGE);
	}
	return NULL;
}

static void *unmap_thread(void *unused)
{
	long i;

	(void)unused;
	while (!stop) {
		for (i = 0; i < MANY; i++)
			expect_ret(dma_map(container, memory,
					   IOVA + 2 * i * PAGE, PAGE, RW), 0);
		expect_ret(dma_unmap(container, IOVA, 2 * MANY * PAGE),
			   MANY * PAGE);
	}
	return NULL;
}

/**
 * struct operation - one whose progress is shown
 * @variant: its name, as it is shown
 * @work: has it done over and over
 * @size: of the memory for that
 */
struct operation {
	const char *variant;
	void *(*work)(void *unused);
	size_t size;
};

/* Of many mappings 512 are unmapped at a time. */
static const struct operation operations[] = {
	{ "map", map_thread, LARGE },
	{ "unmap", unmap_thread, PAGE },
};

static void progress(const void *variant)
{
	const struct operation *operation = variant;

	container_open();
	memory = mem_anon(operation->size);
	expect_progress(operation->work, operation->variant);
}

static void *look_thread(void *unused)
{
	static const char * const names[] = { "summary", "mappings", "progress" };
	char path[128], line[512];
	FILE *file;
	int i;

	(void)unused;
	for (i = 0; !stop; i++) {
		snprintf(path, sizeof(path), DEBUGFS_CONTAINERS "/%ld/%s",
			 sys_stat_get("containers_opened") - (i / 3) % 2,
			 names[i % 3]);
		file = fopen(path, "re");
		if (!file)
			continue;
		while (fgets(line, sizeof(line), file))
			;
		fclose(file);
	}
	return NULL;
}

/* A splat, a hang, or a container that does not close would be seen. */
static void reading_against_closing(void)
{
	uint64_t end = sys_now_ms() + LOOK_MS;
	pthread_t readers[2];
	int i, n;

	memory = mem_anon(64 * PAGE);
	for (i = 0; i < 2; i++)
		pthread_create(&readers[i], NULL, look_thread, NULL);
	for (n = 0; n < SYS_ROUNDS || sys_now_ms() < end; n++) {
		container_with_group();
		/* Readers keep the module, which vfio_set_iommu() looks at. */
		assert_ret(vfio_try_set_iommu(container, VFIO_TYPE1v2_IOMMU),
			   0);
		for (i = 0; i < 64; i++)
			assert_ret(dma_map(container, memory + i * PAGE,
					   IOVA + 2 * i * PAGE, PAGE, RW), 0);
		if (n % 2)
			usleep(1000);
		container_close();
	}
	stop = 1;
	for (i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	expect_eq(debugfs_containers(), 0);
}

/* An open debugfs file does not keep its container open. */
static void an_open_file_keeps_nothing(void)
{
	char line[128];
	FILE *file;

	setup(1);
	file = debugfs_open("mappings");
	assert_ret(dma_map(container, memory, IOVA, PAGE, RW), 0);
	container_close();
	expect_eq(sys_stat_get("containers"), 0);
	expect_eq(fgets(line, sizeof(line), file), NULL);
	expect_ne(ferror(file), 0);
	fclose(file);
}

static void for_root_only(void)
{
	struct stat stat;
	FILE *file;

	setup(1);
	file = debugfs_open("summary");
	assert_eq(fstat(fileno(file), &stat), 0);
	expect_eq(stat.st_mode & 0777, 0400);
	fclose(file);
	container_close();
}

static const struct test tests[] = {
	TEST(summary_names_the_process),
	TEST(sums_are_the_accounts),
	TEST(bar_is_no_ram),
	TEST(registered_and_held),
	TEST(leaves_that_runs_allow),
	TEST(mappings_are_listed),
	TEST(many_mappings_are_listed),
	TEST(top_of_the_space_is_listed),
	TEST_VARIANTS_LONG(progress, operations, 300),
	TEST(reading_against_closing),
	TEST(an_open_file_keeps_nothing),
	TEST(for_root_only),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
