// SPDX-License-Identifier: GPL-2.0
/*
 * What mapping and unmapping cost in the in-tree driver and in ours, side by
 * side in one boot and with the very same memory.
 *
 * It is meant for a machine whose clock counts instructions (scripts/vm -c);
 * elsewhere the numbers are times, with all the noise that times have. A test
 * fails if a driver differs from itself.
 *
 *   T1X_MODULE, T1X_INTREE	files of both modules, which are loaded in turn
 *   T1X_SECOND			file of t1x_second, for the case "attach"
 *   T1X_PROFILE			if set, mark what is measured, for profile.c
 *
 * Arguments are names of cases; without any, all of them run.
 *
 * Prints a JSON object per operation and driver, as a remark. Each has two
 * figures, of two turns: nanoseconds, or bytes of the kernel's memory, per
 * page, entry, call or whatever it says.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../selftests/lib/mem.h"
#include "../selftests/lib/module.h"
#include "../selftests/lib/sys.h"
#include "../selftests/lib/test.h"
#include "../selftests/lib/usage.h"
#include "../selftests/lib/vfio.h"
#include "mark.h"

#define SIZE		(256 * MIB)
#define SIZE_COLD	(32 * MIB)
#define ENTRIES		8192
#define PAIRS		2000

/* What a driver may differ from itself, per thousand. */
#define TOLERANCE	5

/*
 * Both drivers pass so often, and the passes are shared out between the turns:
 * what changes slowly, as the state of slabs does, is the same for all.
 */
#define PASSES		4

/* The cheapest of these counts: short operations escape the tick that way. */
#define TIMES		2

/* One pin marks a page referenced, another one active, and that costs more. */
#define WARM_UP		4

#define MAX_FIGURES	2
#define TURNS		2

#define EVENTS		"/sys/kernel/tracing/events/"
#define PMUS		"/sys/bus/event_source/devices/"
#define REFUSE		"/sys/module/t1x_second/parameters/refuse"

enum side { TREE, OURS, SIDES };

static const char *const modules[SIDES] = {
	"vfio_iommu_type1", "vfio_iommu_type1x"
};

/* --- Counting what the kernel does ----------------------------------------- */

static const struct {
	const char *name;
	const char *event;	/* in tracefs */
	const char *filter;
	const char *function;	/* if there is no event */
} counters[] = {
	{ "iommu_map", "iommu/map", NULL, NULL },
	{ "iommu_unmap", "iommu/unmap", NULL, NULL },
	{ "iova_to_phys", NULL, NULL, "iommu_iova_to_phys" },
	/* What VT-d is told to forget, one wait each. */
	{ "iotlb_flush", NULL, NULL, "qi_submit_sync" },
	{ "mmap_write_lock", "mmap_lock/mmap_lock_acquire_returned",
	  "write == 1", NULL },
};

#define NR_COUNTERS ARRAY_SIZE(counters)

static int counter_fds[NR_COUNTERS];

static int counter_open(size_t i)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.disabled = 1,
	};
	char path[128];
	int fd;

	if (counters[i].event) {
		snprintf(path, sizeof(path), EVENTS "%s/id", counters[i].event);
		attr.type = PERF_TYPE_TRACEPOINT;
		attr.config = sys_read_number(path);
	} else {
		attr.type = sys_read_number(PMUS "kprobe/type");
		attr.kprobe_func = (uintptr_t)counters[i].function;
	}
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1,
		     PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || (counters[i].filter &&
		       ioctl(fd, PERF_EVENT_IOC_SET_FILTER,
			     counters[i].filter)))
		fail("count %s: %s", counters[i].name, strerror(errno));
	return fd;
}

static void counters_open(void)
{
	size_t i;

	for (i = 0; i < NR_COUNTERS; i++)
		counter_fds[i] = counter_open(i);
}

static void counters_ioctl(unsigned long request)
{
	size_t i;

	for (i = 0; i < NR_COUNTERS; i++)
		assert_eq(ioctl(counter_fds[i], request, 0), 0);
}

static uint64_t counter_read(size_t i)
{
	uint64_t count;

	assert_eq(read(counter_fds[i], &count, sizeof(count)), sizeof(count));
	return count;
}

static void counters_close(void)
{
	size_t i;

	for (i = 0; i < NR_COUNTERS; i++)
		close(counter_fds[i]);
}

/* --- Measuring ------------------------------------------------------------- */

/* An operation of the case that runs. */
struct figure {
	const char *op;
	const char *per;
	size_t units;
	uint64_t ns[SIDES][TURNS];
	uint64_t counts[SIDES][NR_COUNTERS];
};

static struct figure figures[MAX_FIGURES];
static size_t nr_figures;

/* What is being done with the figures. */
static enum { WARM, TIME, COUNT, PROFILE } phase = WARM;
static enum side side;
static const char *case_name;
static unsigned int turn;

static uint64_t started;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Between this and stop() is nothing but what is measured. */
static void start(void)
{
	if (phase == COUNT) {
		counters_ioctl(PERF_EVENT_IOC_RESET);
		counters_ioctl(PERF_EVENT_IOC_ENABLE);
	}
	started = now_ns();
	if (phase == PROFILE)
		MARK(MARK_BEGIN);
}

static struct figure *figure_of(const char *op)
{
	size_t i;

	for (i = 0; i < nr_figures; i++)
		if (!strcmp(figures[i].op, op))
			return &figures[i];
	assert_le(nr_figures + 1, MAX_FIGURES);
	figures[nr_figures].op = op;
	return &figures[nr_figures++];
}

static void stop(const char *op, size_t units, const char *per)
{
	struct figure *figure;
	uint64_t ns;
	size_t i;

	if (phase == PROFILE) {
		MARK(MARK_END);
		printf("# profile %s %s %s %zu\n", case_name, op,
		       modules[side], units);
		return;
	}
	ns = now_ns() - started;
	if (phase == COUNT)
		counters_ioctl(PERF_EVENT_IOC_DISABLE);
	figure = figure_of(op);
	figure->units = units;
	figure->per = per;
	if (phase == COUNT)
		for (i = 0; i < NR_COUNTERS; i++)
			figure->counts[side][i] = counter_read(i);
	if (phase == TIME && (!figure->ns[side][turn] ||
			      ns < figure->ns[side][turn]))
		figure->ns[side][turn] = ns;
}

static void load_file_of(const char *variable)
{
	const char *file = getenv(variable);

	if (!file)
		fail("no %s", variable);
	module_load(file, "");
}

/* From now on that driver alone is there, and vfio_set_iommu() looks who served. */
static void serve(enum side who)
{
	static const char *const files[SIDES] = { "T1X_INTREE", "T1X_MODULE" };

	module_unload(modules[!who]);
	setenv("T1X_DRIVER", modules[who], 1);
	if (sys_refs() >= 0)
		return;
	load_file_of(files[who]);
}

static void report_begin(const char *name, const char *op, const char *per,
			 size_t units, enum side who)
{
	printf("# {\"case\":\"%s\",\"op\":\"%s\",\"driver\":\"%s\"", name, op,
	       modules[who]);
	printf(",\"per\":\"%s\",\"units\":%zu", per, units);
}

static void report(const char *name, const struct figure *figure, enum side who)
{
	const uint64_t *ns = figure->ns[who];
	size_t i;

	report_begin(name, figure->op, figure->per, figure->units, who);
	printf(",\"ns\":[%.3f,%.3f]", (double)ns[0] / figure->units,
	       (double)ns[1] / figure->units);
	for (i = 0; i < NR_COUNTERS; i++)
		printf(",\"%s\":%ju", counters[i].name,
		       (uintmax_t)figure->counts[who][i]);
	printf("}\n");
	/* The same code with the same memory. */
	expect_le(llabs((long long)(ns[0] - ns[1])) * 1000, ns[0] * TOLERANCE);
}

/* Where the functions of modules are: another one may be there next time. */
static void print_symbols(void)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[256], name[128];
	uintmax_t address;

	if (!file)
		fail("/proc/kallsyms: %s", strerror(errno));
	printf("# modules\n");
	while (fgets(line, sizeof(line), file))
		if (strchr(line, '[') &&
		    sscanf(line, "%jx %*[tT] %127s", &address, name) == 2)
			printf("# sym %jx %s\n", address, name);
	fclose(file);
}

static void profile(void (*once)(void *memory), void *memory)
{
	for (side = TREE; side < SIDES; side++) {
		serve(side);
		print_symbols();
		phase = WARM;
		once(memory);
		phase = PROFILE;
		once(memory);
	}
}

/**
 * measure() - run a case with each driver twice, and once more to count
 * @name: of the case
 * @once: measures each operation once; leaves everything as it was
 * @memory: for @once
 */
static void measure(const char *name, void (*once)(void *memory), void *memory)
{
	unsigned int i, pass;

	case_name = name;
	serve(TREE);
	for (i = 0; i < WARM_UP; i++)
		once(memory);
	for (pass = 0; pass < PASSES; pass++) {
		turn = pass % TURNS;
		for (side = TREE; side < SIDES; side++) {
			serve(side);
			phase = WARM;
			once(memory);
			phase = TIME;
			for (i = 0; i < TIMES; i++)
				once(memory);
		}
	}
	counters_open();
	phase = COUNT;
	for (side = TREE; side < SIDES; side++) {
		serve(side);
		once(memory);
	}
	counters_close();
	if (getenv("T1X_PROFILE"))
		profile(once, memory);
	/* The runner's view of what is left behind is ours. */
	serve(OURS);

	for (i = 0; i < nr_figures; i++)
		for (side = TREE; side < SIDES; side++)
			report(name, &figures[i], side);
}

/* --- The cases -------------------------------------------------------------- */

static int group, container;

/* No device is opened: that takes a while, and nobody needs one. */
static void open_container(int (*open_group)(void))
{
	container = vfio_container_open();
	group = open_group();
	assert_ret(vfio_group_join(group, container), 0);
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
}

static int edu_group(void)
{
	return vfio_group_open(0);
}

static void map(void *memory, size_t size)
{
	int ret;

	start();
	ret = dma_map(container, memory, IOVA, size, RW);
	stop("map", size / PAGE, "page");
	assert_ret(ret, 0);
}

static void map_and_unmap(void *memory, size_t size)
{
	int64_t ret;

	map(memory, size);
	start();
	ret = dma_unmap(container, IOVA, size);
	stop("unmap", size / PAGE, "page");
	assert_ret(ret, size);
}

static void mapped_in_a_container(void *memory, size_t size)
{
	open_container(edu_group);
	map_and_unmap(memory, size);
	vfio_close_all();
}

static void once_mapped(void *memory)
{
	mapped_in_a_container(memory, SIZE);
}

static void once_mapped_1g(void *memory)
{
	mapped_in_a_container(memory, GIB);
}

/*
 * Pages that somebody has had come back in an order of their own, and that
 * decides how many runs there are. So take the odd ones away first: what comes
 * then is of memory in one piece.
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

static void shm(void)
{
	measure("shm", once_mapped, mem_scattered(SIZE / PAGE));
	/* A call for nearly every page, or the memory was not scattered. */
	expect_ge(figure_of("map")->counts[TREE][0], SIZE / PAGE * 9 / 10);
}

static void *huge(size_t size)
{
	void *memory = mem_thp(size);

	assert_eq(mem_thp_bytes(memory), size);
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

static void hugetlb_1g(void)
{
	measure("hugetlb-1g", once_mapped_1g, mem_hugetlb_1g(GIB));
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
	open_container(edu_group);
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

static void once_bar(void *unused)
{
	volatile char *memory;
	struct bar bar;
	size_t at;

	(void)unused;
	open_container(vfio_bar_group_open);
	vfio_bar_open(&bar, group);
	/* Newer kernels have huge pages of it, as they have in QEMU. */
	memory = mem_anon_aligned(bar.size, HUGE_2M);
	vfio_region_map(&bar.dev, bar.region, (void *)memory, 0, bar.size);
	for (at = 0; at < bar.size; at += PAGE)
		(void)memory[at];
	map_and_unmap((void *)memory, bar.size);
	vfio_close_all();
}

static void bar_(void)
{
	measure("bar", once_bar, NULL);
}

static void map_entries(void *memory)
{
	size_t i;

	for (i = 0; i < ENTRIES; i++)
		assert_ret(dma_map(container, memory + i * PAGE,
				   IOVA + i * PAGE, PAGE, RW), 0);
}

static void once_small(void *memory)
{
	size_t i;

	open_container(edu_group);
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

	open_container(edu_group);
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

static void pairs(void *memory, size_t n)
{
	while (n--) {
		assert_ret(dma_map(container, memory, IOVA, PAGE, RW), 0);
		assert_ret(dma_unmap(container, IOVA, PAGE), PAGE);
	}
}

static void once_pair(void *memory)
{
	open_container(edu_group);
	pairs(memory, WARM_UP);
	start();
	pairs(memory, PAIRS);
	stop("both", PAIRS, "pair");
	vfio_close_all();
}

static void pair(void)
{
	measure("pair", once_pair, mem_anon(PAGE));
}

static void once_teardown(void *memory)
{
	open_container(edu_group);
	assert_ret(dma_map(container, memory, IOVA, GIB, RW), 0);
	start();
	/* The last group takes the IOMMU along. */
	vfio_close(&group);
	vfio_close(&container);
	stop("close", GIB / PAGE, "page");
}

static void teardown(void)
{
	measure("teardown", once_teardown, huge(GIB));
}

/* Both drivers give a new group its own domain first, then try the others. */
static void once_attach(void *memory)
{
	int second, ret;

	open_container(edu_group);
	assert_ret(dma_map(container, memory, IOVA, GIB, RW), 0);
	second = vfio_group_open(1);
	sys_write(REFUSE, "2");
	start();
	ret = vfio_group_join(second, container);
	stop("attach", GIB / PAGE, "page");
	assert_ret(ret, 0);
	assert_eq(sys_read_number(REFUSE), 0);
	vfio_close_all();
}

static void attach(void)
{
	load_file_of("T1X_SECOND");
	measure("attach", once_attach, huge(GIB));
	module_unload("t1x_second");
	/* A group that joins a domain maps nothing. */
	for (side = TREE; side < SIDES; side++)
		expect_ge(figure_of("attach")->counts[side][0], 1);
}

static void map_at_once(void *memory)
{
	assert_ret(dma_map(container, memory, IOVA, SIZE, RW), 0);
}

/* How many pages the kernel needs to have @memory mapped. */
static long pages_for(void (*map_all)(void *memory), void *memory)
{
	long pages;

	open_container(edu_group);
	pages = usage_free_pages();
	map_all(memory);
	pages -= usage_free_pages();
	vfio_close_all();
	return pages;
}

static void weigh(const char *op, size_t units, void (*map_all)(void *memory),
		  void *memory)
{
	long pages[SIDES][TURNS];

	for (turn = 0; turn < TURNS; turn++)
		for (side = TREE; side < SIDES; side++) {
			serve(side);
			/* What is needed but once does not count. */
			pages_for(map_all, memory);
			pages[side][turn] = pages_for(map_all, memory);
		}
	for (side = TREE; side < SIDES; side++) {
		report_begin("memory", op, op, units, side);
		printf(",\"bytes\":[%.1f,%.1f]}\n",
		       (double)pages[side][0] * PAGE / units,
		       (double)pages[side][1] * PAGE / units);
		/* Two bytes are some pages of half used slabs. */
		expect_le(labs(pages[side][0] - pages[side][1]) * PAGE,
			  2 * units);
	}
}

static void memory_(void)
{
	weigh("run", SIZE / PAGE, map_at_once, mem_scattered(SIZE / PAGE));
	weigh("mapping", ENTRIES, map_entries, mem_anon(ENTRIES * PAGE));
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
	CASE("hugetlb-1g", hugetlb_1g),
	CASE("teardown", teardown),
	CASE("attach", attach),
	CASE("shm", shm),
	CASE("bar", bar_),
	CASE("small", small),
	CASE("pair", pair),
	CASE("unmap-all", unmap_all),
	CASE("memory", memory_),
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

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (argc == 1 || is_wanted(cases[i].name, argv + 1))
			wanted[n++] = cases[i];
	return test_main(wanted, n);
}
