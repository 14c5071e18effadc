// SPDX-License-Identifier: GPL-2.0
/* Why something was refused, as the driver remembers it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/debugfs.h"
#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"
#include "lib/watch.h"

#define TOP (~0ULL - PAGE + 1)	/* the last page of 64 bits */

static struct rig *rig;
static void *memory;

/* Memory of 4 pages, all that may be locked, of which the first is mapped. */
static void setup(void)
{
	mem_allow_ipc_lock(false);
	mem_limit(2);
	rig = rig_open(1, VFIO_TYPE1v2_IOMMU);
	memory = mem_anon(4 * PAGE);
	assert_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), 0);
}

static void teardown(void)
{
	expect_ret(dma_unmap(rig->container, IOVA, PAGE), PAGE);
	rig_close(rig);
	munmap(memory, 4 * PAGE);
}

/* Some of the IOMMUs have all 64 bits; then there is but the limit. */
static void reason_of_the_width(int container)
{
	int ret = dma_map(container, memory, TOP, PAGE, RW);

	if (ret == -ENOMEM && !sys_is_uml())
		return;
	watch_expect_reason(ret, -EINVAL, "the IOMMU can address no more than 0x");
}

/* The most frequent errors, each with its reason. */
static void reason_of_each_errno(void)
{
	int container;

	setup();
	container = rig->container;
	watch_expect_reason(dma_map(container, memory, IOVA + 1, PAGE, RW), -EINVAL,
			    "not aligned to %#lx", PAGE);
	watch_expect_reason(dma_map(container, memory, IOVA, PAGE, RW), -EEXIST,
			    "overlaps the mapping [%#lx, %#lx]", IOVA, IOVA + PAGE - 1);
	watch_expect_reason(dma_map(container, memory, MSI_FIRST, PAGE, RW), -EINVAL,
			    "[%#lx, %#lx] is reserved for interrupts (MSI)", MSI_FIRST,
			    MSI_LAST);
	reason_of_the_width(container);
	watch_expect_reason(dma_map(container, memory, TOP, 2 * PAGE, RW), -EOVERFLOW,
			    "wraps");
	watch_expect_reason(dma_map(container, memory, IOVA + MIB, 3 * PAGE, RW), -ENOMEM,
			    "] is %lu bytes, of which %lu are used; %lu more are needed",
			    2 * PAGE, 2 * PAGE, 3 * PAGE);
	mem_limit(100);
	watch_expect_reason(dma_map(container, NULL, IOVA + MIB, PAGE, RW), -EFAULT,
			    ": nothing is mapped there");
	watch_expect_reason(dma_map(container, memory, IOVA + MIB, PAGE, 0x70), -EINVAL,
			    "map with flags 0x70, of which 0x70 are unknown");
	watch_expect_reason(dma_unmap(container, IOVA + 1, PAGE), -EINVAL,
			    "not aligned");
	teardown();
}

static void reason_of_the_entry_limit(void)
{
	char limit[32];

	sys_param_get("dma_entry_limit", limit, sizeof(limit));
	/* One mapping is the rig's own. */
	sys_param_set("dma_entry_limit", "2");
	setup();
	sys_param_set("dma_entry_limit", limit);
	watch_expect_reason(dma_map(rig->container, memory, IOVA + MIB, PAGE, RW),
			    -ENOSPC, "dma_entry_limit");
	teardown();
}

static void eight_are_kept(void)
{
	char line[256];
	int i;

	setup();
	for (i = 1; i <= 20; i++)
		expect_ret(dma_map(rig->container, memory, IOVA, i * PAGE, RW),
			   -EEXIST);
	expect_eq(watch_refusal(line, sizeof(line)), 8);
	watch_refusals_lost(line, sizeof(line));
	if (!strstr(line, " lost=12\n"))
		fail("what was lost is not counted: %s", line);
	teardown();
	/* Many a program ends when it is refused something. */
	expect_eq(watch_refusal(line, sizeof(line)), 8);
}

/* A program that tries over and over does not push out what was refused before. */
static void repeats_are_counted(void)
{
	char line[256];
	int i;

	setup();
	expect_ret(dma_map(rig->container, memory, IOVA + 1, PAGE, RW), -EINVAL);
	for (i = 0; i < 20; i++) {
		expect_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), -EEXIST);
		expect_ret(dma_map(rig->container, memory, IOVA, 2 * PAGE, RW), -EEXIST);
	}
	expect_eq(watch_refusal(line, sizeof(line)), 3);
	if (!strstr(line, " count=20 "))
		fail("not counted: %s", line);
	teardown();
}

/* What has a backslash is said with one: no byte of this can begin a line of its own. */
#define BAD_NAME	"a\nb\\\x1b[31m\xff\xe9\x80\x81\x9b\t"
#define ESCAPED		"a\\012b\\134\\033[31m\\377\\351\\200\\201\\233\\011"

static void map_beyond_the_limit(void)
{
	assert_ret(dma_map(rig->container, memory, IOVA + MIB, PAGE, RW), -ENOMEM);
}

static void a_name_can_be_anything(void)
{
	char line[256], value[128], end[48];

	assert_eq(prctl(PR_SET_NAME, BAD_NAME), 0);
	setup();
	watch_event("type1x/t1x_refused", "ret < 0");
	watch_expect_reason(dma_map(rig->container, memory, IOVA + MIB, PAGE, RW),
			    -ENOMEM, "RLIMIT_MEMLOCK (ulimit -l) of " ESCAPED "[");
	/* The longest of names leaves room for the rest. */
	watch_refusal(line, sizeof(line));
	snprintf(end, sizeof(end), "; %lu more are needed\n", PAGE);
	if (!strstr(line, end))
		fail("truncated: %s", line);
	if (watch_traced("t1x_refused", line, sizeof(line)) != 1 ||
	    !strstr(line, ESCAPED "["))
		fail("traced: %s", line);
	watch_end();
	/* The log escapes backslashes once more, and would say \x0a for a newline. */
	log_refusals(map_beyond_the_limit, "RLIMIT_MEMLOCK (ulimit -l) of a",
		     "RLIMIT_MEMLOCK (ulimit -l) of a\\x5c012b\\x5c134\\x5c033[");
	if (!debugfs_text("summary", "command", value, sizeof(value)))
		fail("no command");
	if (strcmp(value, ESCAPED))
		fail("command is \"%s\"", value);
	teardown();
}

/* Then the reason must not take a number for it. */
static void a_name_can_be_empty(void)
{
	assert_eq(prctl(PR_SET_NAME, ""), 0);
	setup();
	watch_expect_reason(dma_map(rig->container, memory, IOVA + MIB, PAGE, RW),
			    -ENOMEM, "RLIMIT_MEMLOCK (ulimit -l) of [");
	teardown();
}

static const struct test tests[] = {
	TEST(reason_of_each_errno),
	TEST(reason_of_the_entry_limit),
	TEST(eight_are_kept),
	TEST(repeats_are_counted),
	TEST(a_name_can_be_anything),
	TEST(a_name_can_be_empty),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
