// SPDX-License-Identifier: GPL-2.0
/* Measures an operation: repeats it, and reports instructions or time. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../selftests/lib/sys.h"
#include "../selftests/lib/test.h"
#include "mark.h"
#include "measure.h"

#define MAX_FIGURES	32

#define EVENTS		"/sys/kernel/tracing/events/"
#define PMUS		"/sys/bus/event_source/devices/"

/*
 * struct effort - how often the sides pass
 * @warm_up: runs before: one pin marks a page referenced, another one active,
 *	and that costs more
 * @times: runs of a pass, of which the cheapest counts: short operations escape
 *	the tick that way
 * @least: passes
 * @most: passes, if turns differ by more than @aim until then
 * @aim: per thousand
 * @tolerance: the test fails if turns differ by more, per thousand; 0 if they
 *	may, as they show whatever else the machine did
 * @counts: the kernel's events are counted as well
 *
 * Passes are shared out between the turns: what changes slowly, as the state of
 * slabs does, is the same for all.
 */
struct effort {
	unsigned int warm_up;
	unsigned int times;
	unsigned int least;
	unsigned int most;
	unsigned int aim;
	unsigned int tolerance;
	bool counts;
};

static const struct effort for_instructions = { 4, 2, 4, 4, 0, 5, true };

/* Others use the machine too: the quickest of many, and as many as it takes. */
static const struct effort for_times = { 4, 2, 6, 24, 30, 100, false };

/* For what takes seconds. */
static const struct effort for_long_times = { 1, 1, 4, 6, 50, 0, false };

/* Two CPUs are quick only while nothing else needs one: the best of ten or more. */
static const struct effort for_smp = { 1, 5, 4, 12, 50, 0, false };

/* --- Counting what the kernel does ----------------------------------------- */

/* Invalidations of VT-d, with one wait each; lists of commands of an SMMUv3. */
#ifdef __aarch64__
#define FLUSH "arm_smmu_cmdq_issue_cmdlist"
#else
#define FLUSH "qi_submit_sync"
#endif

static const struct {
	const char *name;
	const char *event;	/* in tracefs */
	const char *filter;
	const char *function;	/* if there is no event */
} counters[NR_COUNTERS] = {
	[COUNT_IOMMU_MAP] = { "iommu_map", "iommu/map", NULL, NULL },
	[COUNT_IOMMU_UNMAP] = { "iommu_unmap", "iommu/unmap", NULL, NULL },
	[COUNT_IOVA_TO_PHYS] = {
		"iova_to_phys", NULL, NULL, "iommu_iova_to_phys"
	},
	[COUNT_IOTLB_FLUSH] = { "iotlb_flush", NULL, NULL, FLUSH },
	[COUNT_MMAP_WRITE_LOCK] = {
		"mmap_write_lock", "mmap_lock/mmap_lock_acquire_returned",
		"write == 1", NULL
	},
};

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

static struct figure figures[MAX_FIGURES];
static size_t nr_figures;

/* What is being done with the figures. */
static enum { WARM, TIME, COUNT, PROFILE } phase = WARM;
static const char *case_name;
static unsigned int turn;

static uint64_t started;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/** start() - between this and stop() is nothing but what is measured */
void start(void)
{
	if (phase == COUNT) {
		counters_ioctl(PERF_EVENT_IOC_RESET);
		counters_ioctl(PERF_EVENT_IOC_ENABLE);
	}
	started = now_ns();
	if (phase == PROFILE)
		mark(MARK_BEGIN);
}

/**
 * figure_of() - the figure of an operation
 * @op: what is done; a new one if it was not done before
 *
 * Return: the figure.
 */
struct figure *figure_of(const char *op)
{
	size_t i;

	for (i = 0; i < nr_figures; i++)
		if (!strcmp(figures[i].op, op))
			return &figures[i];
	assert_le(nr_figures + 1, MAX_FIGURES);
	figures[nr_figures].op = op;
	return &figures[nr_figures++];
}

/**
 * since_start() - how long it has been
 *
 * Return: nanoseconds since start().
 */
uint64_t since_start(void)
{
	return now_ns() - started;
}

static struct figure *take(const char *op, uint64_t ns, size_t units,
			   const char *per)
{
	struct figure *figure = figure_of(op);
	uint64_t *best = &figure->ns[side_serving()][turn];

	figure->units = units;
	figure->per = per;
	if (phase == TIME && (!*best || ns < *best))
		*best = ns;
	return figure;
}

/**
 * note() - an operation that the case took the time of by itself
 * @op: what was done
 * @ns: how long it took
 * @units: how much of it
 * @per: what a unit is
 */
void note(const char *op, uint64_t ns, size_t units, const char *per)
{
	take(op, ns, units, per);
}

/**
 * stop() - the operation is over
 * @op: what was done
 * @units: how much of it
 * @per: what a unit is
 */
void stop(const char *op, size_t units, const char *per)
{
	struct figure *figure;
	uint64_t ns;
	size_t i;

	if (phase == PROFILE) {
		mark(MARK_END);
		printf("# profile %s %s %s %zu\n", case_name, op,
		       side_name(side_serving()), units);
		return;
	}
	ns = since_start();
	if (phase == COUNT)
		counters_ioctl(PERF_EVENT_IOC_DISABLE);
	figure = take(op, ns, units, per);
	if (phase == COUNT)
		for (i = 0; i < NR_COUNTERS; i++)
			figure->counts[side_serving()][i] = counter_read(i);
}

/* By how much the turns of a side differ, per thousand. */
static unsigned int difference(const struct figure *figure, enum side side)
{
	const uint64_t *ns = figure->ns[side];

	return ns[0] ? llabs((long long)(ns[0] - ns[1])) * 1000 / ns[0] : 0;
}

static bool turns_agree(unsigned int per_thousand)
{
	enum side side;
	size_t i;

	for (i = 0; i < nr_figures; i++)
		for (side = TREE; side < side_end(); side++)
			if (difference(&figures[i], side) > per_thousand)
				return false;
	return true;
}

/**
 * report_begin() - the first part of the object with a figure; the caller goes on
 * @name: of the case
 * @op: what was done
 * @per: what a unit is
 * @units: how much of it
 * @side: driver that was measured
 */
void report_begin(const char *name, const char *op, const char *per,
		  size_t units, enum side side)
{
	printf("# {\"case\":\"%s\",\"op\":\"%s\",\"driver\":\"%s\"", name, op,
	       side_name(side));
	printf(",\"per\":\"%s\",\"units\":%zu", per, units);
}

static void report(const struct figure *figure, enum side side,
		   const struct effort *effort)
{
	const uint64_t *ns = figure->ns[side];
	size_t i;

	if (!ns[0])
		return;
	report_begin(case_name, figure->op, figure->per, figure->units, side);
	printf(",\"ns\":[%.3f,%.3f]", (double)ns[0] / figure->units,
	       (double)ns[1] / figure->units);
	for (i = 0; i < NR_COUNTERS; i++)
		printf(",\"%s\":%ju", counters[i].name,
		       (uintmax_t)figure->counts[side][i]);
	printf("}\n");
	/* The same code with the same memory. */
	if (effort->tolerance)
		expect_le(difference(figure, side), effort->tolerance);
}

static void pass(void (*once)(void *memory), void *memory, unsigned int times)
{
	enum side side;
	unsigned int i;

	for (side = TREE; side < side_end(); side++) {
		side_serve(side);
		phase = WARM;
		once(memory);
		phase = TIME;
		for (i = 0; i < times; i++)
			once(memory);
	}
}

static void count(void (*once)(void *memory), void *memory)
{
	enum side side;

	counters_open();
	phase = COUNT;
	for (side = TREE; side < side_end(); side++) {
		side_serve(side);
		once(memory);
	}
	counters_close();
}

/** print_symbols() - where the functions of modules are: others may be there next time */
void print_symbols(void)
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
	enum side side;

	for (side = TREE; side < side_end(); side++) {
		side_serve(side);
		print_symbols();
		phase = WARM;
		once(memory);
		phase = PROFILE;
		once(memory);
	}
}

static void measure_with(const struct effort *effort, const char *name,
			 void (*once)(void *memory), void *memory)
{
	unsigned int i, passes;
	enum side side;

	case_name = name;
	side_serve(TREE);
	for (i = 0; i < effort->warm_up; i++)
		once(memory);
	for (passes = 0; passes < effort->most; passes++) {
		if (passes >= effort->least && turns_agree(effort->aim))
			break;
		turn = passes % TURNS;
		pass(once, memory, effort->times);
	}
	if (effort->counts)
		count(once, memory);
	if (getenv("T1X_PROFILE"))
		profile(once, memory);
	/* The runner's view of what is left behind is ours. */
	side_serve(OURS);

	for (i = 0; i < nr_figures; i++)
		for (side = TREE; side < side_end(); side++)
			report(&figures[i], side, effort);
}

/**
 * measure() - run a case with each side in two turns, and once more to count
 * @name: of the case
 * @once: measures each operation once; leaves everything as it was
 * @memory: for @once
 */
void measure(const char *name, void (*once)(void *memory), void *memory)
{
	measure_with(sys_is_uml() ? &for_times : &for_instructions, name, once,
		     memory);
}

/**
 * measure_smp() - measure() the time that two CPUs take, which the host decides
 * @name: of the case
 * @once: measures each operation once; leaves everything as it was
 * @memory: for @once
 */
void measure_smp(const char *name, void (*once)(void *memory), void *memory)
{
	measure_with(&for_smp, name, once, memory);
}

/**
 * measure_few() - measure() for what takes seconds in UML, thus not as often
 * @name: of the case
 * @once: measures each operation once; leaves everything as it was
 * @memory: for @once
 */
void measure_few(const char *name, void (*once)(void *memory), void *memory)
{
	measure_with(&for_long_times, name, once, memory);
}
