// SPDX-License-Identifier: GPL-2.0
/* Why something was refused, as the driver remembers it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

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

static void expect_reason(int64_t got, int want, const char *why)
{
	char line[256], text[32];

	expect_ret(got, want);
	watch_refusal(line, sizeof(line));
	snprintf(text, sizeof(text), " ret=%d ", want);
	if (!strstr(line, text) || !strstr(line, why))
		fail("not \"%s\": %s", why, line);
}

/* Some of the IOMMUs have all 64 bits; then there is but the limit. */
static void reason_of_the_width(int container)
{
	int ret = dma_map(container, memory, TOP, PAGE, RW);

	if (ret == -ENOMEM && !sys_is_uml())
		return;
	expect_reason(ret, -EINVAL, "the IOMMU can address no more than 0x");
}

/* The complaints that one hears most. */
static void reason_of_each_errno(void)
{
	int container;

	setup();
	container = rig->container;
	expect_reason(dma_map(container, memory, IOVA + 1, PAGE, RW), -EINVAL,
		      "not aligned to 0x1000");
	expect_reason(dma_map(container, memory, IOVA, PAGE, RW), -EEXIST,
		      "overlaps a mapping");
	expect_reason(dma_map(container, memory, 0xfee00000, PAGE, RW), -EINVAL,
		      "reserved");
	reason_of_the_width(container);
	expect_reason(dma_map(container, memory, TOP, 2 * PAGE, RW), -EOVERFLOW,
		      "wraps");
	expect_reason(dma_map(container, memory, IOVA + MIB, PAGE, RW), -ENOMEM,
		      "RLIMIT_MEMLOCK of ");
	mem_limit(100);
	expect_reason(dma_map(container, NULL, IOVA + MIB, PAGE, RW), -EFAULT,
		      "cannot be pinned");
	expect_reason(dma_unmap(container, IOVA + 1, PAGE), -EINVAL,
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
	expect_reason(dma_map(rig->container, memory, IOVA + MIB, PAGE, RW),
		      -ENOSPC, "dma_entry_limit");
	teardown();
}

static void eight_are_kept(void)
{
	char line[256];
	int i;

	setup();
	for (i = 0; i < 20; i++)
		expect_ret(dma_map(rig->container, memory, IOVA, PAGE, RW),
			   -EEXIST);
	expect_eq(watch_refusal(line, sizeof(line)), 8);
	teardown();
	/* Many a program ends when it is refused something. */
	expect_eq(watch_refusal(line, sizeof(line)), 8);
}

static const struct test tests[] = {
	TEST(reason_of_each_errno),
	TEST(reason_of_the_entry_limit),
	TEST(eight_are_kept),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
