// SPDX-License-Identifier: GPL-2.0
/* The tracepoints of the driver: what each reports, and when. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"
#include "lib/watch.h"

static struct rig *rig;
static void *memory;

static void setup(void)
{
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_scattered(4);
	mem_fill_pages(memory, 4);
}

static void map_twice(void)
{
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
	expect_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), -EEXIST);
	assert_ret(dma_unmap(rig->container, IOVA, PAGE), PAGE);
}

static void log_only_when_asked(void)
{
	int log;

	setup();
	log = log_open();
	map_twice();
	expect_eq(log_count(log, "refused: "), 0);
	expect_eq(log_refusals(map_twice, "overlaps the mapping", "overlaps the mapping"), 1);
	rig_close(rig);
}

/* Traces what this thread has our driver do. */
static void trace(void)
{
	watch_event("type1x", "common_pid > 0");
}

/* Expects an event, of which the last has this in its line; returns how many. */
static int expect_traced(const char *event, const char *format, ...)
{
	char line[512], text[256];
	va_list args;
	int count;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	count = watch_traced(event, line, sizeof(line));
	if (!strstr(line, text))
		fail("no %s with \"%s\": %s", event, text, line);
	return count;
}

static void trace_of_a_container(void)
{
	char version[32], number[16];

	sys_version(version, sizeof(version));
	trace();
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	rig_close(rig);
	watch_end();
	vfio_group_number(0, number, sizeof(number));
	expect_eq(expect_traced("t1x_container_open",
				"v2=1 registered=0 version=%s\n", version), 1);
	expect_eq(expect_traced("t1x_attach", " group=%s domain=", number), 1);
	expect_traced("t1x_attach", " joined=0 ret=0\n");
	expect_eq(expect_traced("t1x_detach", " group=%s domain=", number), 1);
	expect_eq(expect_traced("t1x_container_release", "version=%s\n",
				version), 1);
}

static void trace_of_map_and_unmap(void)
{
	const unsigned long last = IOVA + 4 * PAGE - 1;
	char line[512], *runs;

	setup();
	trace();
	assert_ret(dma_map(rig->container, memory, IOVA, 4 * PAGE, RW), 0);
	assert_ret(dma_unmap(rig->container, IOVA, 4 * PAGE), 4 * PAGE);
	watch_end();

	expect_traced("t1x_map_begin", " iova=%#lx last=%#lx vaddr=%p prot=0x3\n",
		      IOVA, last, memory);
	expect_traced("t1x_charge", " payer=%d pages=4 ret=0\n", getpid());
	watch_traced("t1x_map_end", line, sizeof(line));
	runs = strstr(line, " runs=");
	if (!runs)
		fail("t1x_map_end: %s", line);
	expect_eq(expect_traced("t1x_map_run", " pfn="), atoi(runs + 6));
	expect_traced("t1x_map_end", " iova=%#lx last=%#lx pages=4 runs=", IOVA,
		      last);
	expect_eq(expect_traced("t1x_sync", " iova="), 1);
	expect_traced("t1x_refund", " payer=%d pages=4 ret=0\n", getpid());
	expect_traced("t1x_unmap", " iova=%#lx last=%#lx bytes=%#lx ret=0\n",
		      IOVA, last, 4 * PAGE);
	rig_close(rig);
}

static void trace_of_a_refusal(void)
{
	mem_allow_ipc_lock(false);
	mem_limit(1);
	setup();
	trace();
	expect_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), -ENOMEM);
	watch_end();
	expect_traced("t1x_refused", " ret=-12 why=RLIMIT_MEMLOCK (ulimit -l) of %s[%d]",
		      program_invocation_short_name, getpid());
	expect_traced("t1x_charge", " ret=-12\n");
	expect_traced("t1x_map_end", " pages=0 runs=0 ret=-12\n");
	rig_close(rig);
}

static void trace_of_registered_memory(void)
{
	const unsigned long last = 4 * PAGE - 1;

	setup();
	trace();
	assert_ret(dma_register(rig->container, memory, 4 * PAGE, 0), 0);
	assert_ret(dma_unregister(rig->container, memory, 4 * PAGE), 0);
	expect_ret(dma_unregister(rig->container, memory, 4 * PAGE), -ENOENT);
	watch_end();
	expect_traced("t1x_register", " vaddr=%p last=%p ret=0\n", memory,
		      memory + last);
	expect_eq(expect_traced("t1x_unregister", " vaddr=%p last=%p ret=-2\n",
				memory, memory + last), 2);
	rig_close(rig);
}

static void trace_of_cold_memory(void)
{
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_reserve(4 * PAGE);
	assert_eq(mprotect(memory, 4 * PAGE, PROT_READ | PROT_WRITE), 0);
	trace();
	assert_ret(dma_map(rig->container, memory, IOVA, 4 * PAGE, RW), 0);
	assert_ret(dma_unmap(rig->container, IOVA, 4 * PAGE), 4 * PAGE);
	assert_ret(dma_map(rig->container, memory, IOVA, 4 * PAGE, RW), 0);
	assert_ret(dma_unmap(rig->container, IOVA, 4 * PAGE), 4 * PAGE);
	watch_end();
	/* The second time it is there. */
	expect_eq(expect_traced("t1x_slow_gup", " vaddr=%p pages=4 ret=4\n",
				memory), 1);
	rig_close(rig);
}

/* A tracepoint that is off reports nothing. */
static void trace_is_quiet(void)
{
	char line[512];

	setup();
	trace();
	watch_end();
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
	assert_ret(dma_unmap(rig->container, IOVA, PAGE), PAGE);
	expect_eq(watch_traced("t1x_map_begin", line, sizeof(line)), 0);
	rig_close(rig);
}

static const struct test tests[] = {
	TEST(log_only_when_asked),
	TEST(trace_of_a_container),
	TEST(trace_of_map_and_unmap),
	TEST(trace_of_a_refusal),
	TEST(trace_of_registered_memory),
	TEST(trace_of_cold_memory),
	TEST(trace_is_quiet),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
