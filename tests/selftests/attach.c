// SPDX-License-Identifier: GPL-2.0
/* Groups come and go: containers with several, and what becomes of mappings. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"
#include "lib/watch.h"

/* The mock's device whose accesses cannot be made coherent. */
#define NONCOHERENT 2

#define N 24
#define SIZE (N * PAGE)

static struct rig *rig;
static void *memory;

static void rig_with_memory(int n)
{
	rig = rig_open(n, VFIO_TYPE1v2_IOMMU);
	memory = mem_scattered(N);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
}

/* Adds DMA device @nr, which is not yet in the rig. */
static void add_device(int nr)
{
	rig->groups[nr] = vfio_group_open(nr);
	assert_ret(vfio_group_join(rig->groups[nr], rig->container), 0);
	vfio_device_open(&rig->devices[nr], rig->groups[nr], nr);
	rig->n++;
}

static void two_groups(void)
{
	rig_with_memory(2);
	dma_check_pages(rig, 0, IOVA, memory, N);
	dma_check_pages(rig, 1, IOVA, memory, N);
	if (sys_is_uml())
		expect_eq(sys_mock_get("domains"), 1);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	dma_check_refused(rig, 0, IOVA, memory);
	dma_check_refused(rig, 1, IOVA, memory);
}

/* One references the mappings that the other was there for. */
static void group_joins_later(void)
{
	rig_with_memory(1);
	add_device(1);
	dma_check_pages(rig, 1, IOVA, memory, N);
	assert_ret(dma_map(rig->container, memory, IOVA + MIB, PAGE, RW), 0);
	dma_check_write(rig, 1, IOVA + MIB, memory, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, 2 * MIB), SIZE + PAGE);
	dma_check_refused(rig, 1, IOVA, memory);
}

static void group_leaves(void)
{
	long vmlck;

	rig_with_memory(2);
	vmlck = sys_vmlck();
	vfio_device_close(&rig->devices[1]);
	assert_ret(vfio_group_leave(rig->groups[1]), 0);
	expect_eq(sys_vmlck(), vmlck);
	dma_check_pages(rig, 0, IOVA, memory, N);
	assert_ret(vfio_group_join(rig->groups[1], rig->container), 0);
	vfio_device_open(&rig->devices[1], rig->groups[1], 1);
	dma_check_pages(rig, 1, IOVA, memory, 4);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
}

/* The one that came first, and for which the domain was made. */
static void first_group_leaves(void)
{
	rig_with_memory(2);
	vfio_device_close(&rig->devices[0]);
	assert_ret(vfio_group_leave(rig->groups[0]), 0);
	dma_check_pages(rig, 1, IOVA, memory, N);
	assert_ret(dma_map(rig->container, memory, IOVA + MIB, PAGE, RW), 0);
	dma_check_write(rig, 1, IOVA + MIB, memory, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	dma_check_refused(rig, 1, IOVA, memory);
	/* So that the rig can be closed as usual. */
	assert_ret(vfio_group_join(rig->groups[0], rig->container), 0);
	vfio_device_open(&rig->devices[0], rig->groups[0], 0);
}

/* With the last group everything goes, and the container is as new. */
static void last_group_leaves(void)
{
	long refs = sys_refs(), pins = sys_pins();

	rig_with_memory(1);
	expect_eq(sys_pins(), pins + N + 1);
	expect_eq(sys_vmlck(), (N + 1) * PAGE_KB);
	vfio_device_close(&rig->devices[0]);
	assert_ret(vfio_group_leave(rig->groups[0]), 0);
	sys_settle_refs(refs);
	sys_settle_pins(pins);
	expect_eq(sys_vmlck(), 0);
	expect_ret(dma_map(rig->container, memory, IOVA, PAGE, RW), -EINVAL);
	expect_ret(dma_unmap(rig->container, IOVA, PAGE), -EINVAL);

	/* The same container again, of the other type. */
	assert_ret(vfio_group_join(rig->groups[0], rig->container), 0);
	assert_ret(vfio_set_iommu(rig->container, VFIO_TYPE1_IOMMU), 0);
	vfio_device_open(&rig->devices[0], rig->groups[0], 0);
	expect_ret(dma_unmap_flags(rig->container, 0, 0,
				   VFIO_DMA_UNMAP_FLAG_ALL), 0);
	assert_ret(dma_map(rig->container, rig->scratch, IOVA_SCRATCH, PAGE,
			   RW), 0);
	dma_check_refused(rig, 0, IOVA, memory);
	assert_ret(dma_map(rig->container, memory, IOVA, SIZE, RW), 0);
	dma_check_pages(rig, 0, IOVA, memory, N);
}

static void two_containers(void)
{
	int container, group, i;
	struct vdev dev;

	rig_with_memory(1);
	container = vfio_container_open();
	group = vfio_group_open(1);
	assert_ret(vfio_group_join(group, container), 0);
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	vfio_device_open(&dev, group, 1);

	/* Nothing of the one is in the other. */
	dma_load(&dev, IOVA, 0, 64);
	expect_ret(dma_unmap(container, IOVA, SIZE), 0);

	/* The same memory is pinned and charged twice. */
	assert_ret(dma_map(container, memory, IOVA + MIB, SIZE, RW), 0);
	expect_eq(sys_vmlck(), (2 * N + 1) * PAGE_KB);
	for (i = 0; i < 4; i++)
		dma_check_copy(&dev, IOVA + MIB + i * PAGE, memory + i * PAGE,
			       IOVA + MIB + (i + 4) * PAGE,
			       memory + (i + 4) * PAGE, DMA_MAX);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_eq(sys_vmlck(), (N + 1) * PAGE_KB);
	dma_check_copy(&dev, IOVA + MIB, memory, IOVA + MIB + PAGE,
		       memory + PAGE, DMA_MAX);
	vfio_device_close(&dev);
	vfio_close(&group);
	vfio_close(&container);
	expect_eq(sys_vmlck(), PAGE_KB);
}

struct order {
	const char *variant;
};

/* Of the container, its group and the device. */
static const struct order orders[] = {
	{ "cgd" }, { "cdg" }, { "gcd" }, { "gdc" }, { "dcg" }, { "dgc" },
};

static void closed_in_any_order(const void *variant)
{
	const struct order *order = variant;
	long refs = sys_refs(), pins = sys_pins();
	const char *next;

	rig_with_memory(1);
	for (next = order->variant; *next; next++) {
		switch (*next) {
		case 'c':
			vfio_close(&rig->container);
			break;
		case 'g':
			vfio_close(&rig->groups[0]);
			break;
		case 'd':
			vfio_device_close(&rig->devices[0]);
			break;
		}
		/* As long as there is a device it can do DMA. */
		if (rig->devices[0].fd >= 0)
			dma_check_pages(rig, 0, IOVA, memory, 2);
	}
	sys_settle_refs(refs);
	sys_settle_pins(pins);
	expect_eq(sys_vmlck(), 0);
}

static void module_in_use_stays(void)
{
	rig_with_memory(1);
	expect_eq(syscall(SYS_delete_module, sys_driver(), O_NONBLOCK), -1);
	expect_eq(errno, EWOULDBLOCK);
	dma_check_pages(rig, 0, IOVA, memory, 2);
}

static void group_joins_twice(void)
{
	int container;

	rig_with_memory(1);
	expect_ret(vfio_group_join(rig->groups[0], rig->container), -EINVAL);
	container = vfio_container_open();
	expect_ret(vfio_group_join(rig->groups[0], container), -EINVAL);
	expect_ret(vfio_group_leave(rig->groups[0]), -EBUSY);
	dma_check_pages(rig, 0, IOVA, memory, 2);
}

/* Both devices of one group. */
static void group_of_two_devices(void)
{
	struct vdev other;

	rig_with_memory(1);
	rig_add_mock(rig, 3);
	vfio_mock_device_open(&other, rig->groups[1], 4);
	dma_check_pages(rig, 1, IOVA, memory, N);
	dma_check_copy(&other, IOVA, memory, IOVA + PAGE, memory + PAGE,
		       DMA_MAX);
	vfio_device_close(&other);
}

static int is_coherent(void)
{
	return ioctl(rig->container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU);
}

/* A device that needs a domain of its own sees what was mapped before it. */
static void second_domain_is_filled(void)
{
	void *read_only = mem_anon(2 * PAGE), *large = mem_anon(700 * PAGE);
	long vmlck;

	rig_with_memory(1);
	assert_ret(dma_map(rig->container, read_only, IOVA + MIB, 2 * PAGE, RO),
		   0);
	assert_ret(dma_map(rig->container, large, IOVA + 16 * MIB, 700 * PAGE,
			   RW), 0);
	vmlck = sys_vmlck();
	rig_add_mock(rig, NONCOHERENT);
	expect_eq(sys_mock_get("domains"), 2);
	expect_eq(sys_vmlck(), vmlck);

	dma_check_pages(rig, 1, IOVA, memory, N);
	dma_check_pages(rig, 1, IOVA + 16 * MIB, large, 700);
	dma_check_read(rig, 1, IOVA + MIB, read_only, DMA_MAX);
	dma_check_no_write(rig, 1, IOVA + MIB, read_only);
	dma_check_pages(rig, 0, IOVA, memory, N);

	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	dma_check_refused(rig, 0, IOVA, memory);
	dma_check_refused(rig, 1, IOVA, memory);
	assert_ret(dma_unmap_flags(rig->container, 0, 0,
				   VFIO_DMA_UNMAP_FLAG_ALL), 703 * PAGE);
}

/* What is mapped while there are two domains is in both, or in none. */
static void second_domain_is_mapped(void)
{
	void *more = mem_scattered(600), *hole = mem_anon(9 * PAGE);

	rig_with_memory(1);
	rig_add_mock(rig, NONCOHERENT);
	assert_ret(dma_map(rig->container, more, IOVA + MIB, 600 * PAGE, RW),
		   0);
	dma_check_pages(rig, 0, IOVA + MIB, more, 600);
	dma_check_pages(rig, 1, IOVA + MIB, more, 600);
	assert_ret(dma_unmap(rig->container, IOVA + MIB, 600 * PAGE),
		   600 * PAGE);
	dma_check_refused(rig, 0, IOVA + MIB, more);
	dma_check_refused(rig, 1, IOVA + MIB, more);

	munmap(hole + 8 * PAGE, PAGE);
	expect_ret(dma_map(rig->container, hole, IOVA + MIB, 9 * PAGE, RW),
		   -EFAULT);
	dma_check_refused(rig, 0, IOVA + MIB, hole);
	dma_check_refused(rig, 1, IOVA + MIB, hole);
}

static void second_domain_goes(void)
{
	rig_with_memory(1);
	rig_add_mock(rig, NONCOHERENT);
	vfio_device_close(&rig->devices[1]);
	assert_ret(vfio_group_leave(rig->groups[1]), 0);
	expect_eq(sys_mock_get("domains"), 1);
	dma_check_pages(rig, 0, IOVA, memory, N);
	assert_ret(vfio_group_join(rig->groups[1], rig->container), 0);
	vfio_mock_device_open(&rig->devices[1], rig->groups[1], NONCOHERENT);
	dma_check_pages(rig, 1, IOVA, memory, N);
}

/* The domain that was there first, and was the model for the second. */
static void first_domain_goes(void)
{
	rig_with_memory(1);
	rig_add_mock(rig, NONCOHERENT);
	vfio_device_close(&rig->devices[0]);
	assert_ret(vfio_group_leave(rig->groups[0]), 0);
	expect_eq(sys_mock_get("domains"), 1);
	expect_eq(sys_vmlck(), (N + 1) * PAGE_KB);
	dma_check_pages(rig, 1, IOVA, memory, N);
	assert_ret(vfio_group_join(rig->groups[0], rig->container), 0);
	expect_eq(sys_mock_get("domains"), 2);
	vfio_device_open(&rig->devices[0], rig->groups[0], 0);
	dma_check_pages(rig, 0, IOVA, memory, N);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
	expect_eq(sys_vmlck(), PAGE_KB);
}

static void coherency_is_that_of_all_domains(void)
{
	rig_with_memory(1);
	if (!sys_is_uml())
		test_skip("needs mock devices");
	expect_eq(is_coherent(), 1);
	add_device(1);
	expect_eq(is_coherent(), 1);
	expect_eq(sys_mock_get("domains"), 1);
	rig_add_mock(rig, NONCOHERENT);
	expect_eq(is_coherent(), 0);
	vfio_device_close(&rig->devices[2]);
	assert_ret(vfio_group_leave(rig->groups[2]), 0);
	expect_eq(is_coherent(), 1);
	assert_ret(vfio_group_join(rig->groups[2], rig->container), 0);
	vfio_mock_device_open(&rig->devices[2], rig->groups[2], NONCOHERENT);
	expect_eq(is_coherent(), 0);
}

/* The first domain does not enforce it, so the second is a different one. */
static void noncoherent_first(void)
{
	int container, group, other;
	struct vdev dev, dev0;

	memory = mem_anon(2 * PAGE);
	container = vfio_container_open();
	group = vfio_mock_group_open(NONCOHERENT);
	assert_ret(vfio_group_join(group, container), 0);
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	vfio_mock_device_open(&dev, group, NONCOHERENT);
	expect_eq(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU), 0);
	assert_ret(dma_map(container, memory, IOVA, 2 * PAGE, RW), 0);

	other = vfio_group_open(0);
	assert_ret(vfio_group_join(other, container), 0);
	expect_eq(sys_mock_get("domains"), 2);
	vfio_device_open(&dev0, other, 0);
	dma_check_copy(&dev0, IOVA, memory, IOVA + PAGE, memory + PAGE,
		       DMA_MAX);
	dma_check_copy(&dev, IOVA, memory, IOVA + PAGE, memory + PAGE, DMA_MAX);
}

/* A join that fails half way leaves the container as it was. */
static void second_domain_cannot_be_filled(void)
{
	int group, calls;
	bool joined = false;

	rig_with_memory(1);
	group = vfio_mock_group_open(NONCOHERENT);
	for (calls = 1; calls < 3 * N && !joined; calls += 5) {
		sys_mock_set("fail_map_in", calls);
		joined = !vfio_group_join(group, rig->container);
		if (joined)
			break;
		expect_eq(sys_mock_get("domains"), 1);
		expect_eq(sys_vmlck(), (N + 1) * PAGE_KB);
		dma_check_pages(rig, 0, IOVA, memory, N);
	}
	sys_mock_set("fail_map_in", 0);
	expect_ge(calls, 11);
	expect_eq(joined, true);
	assert_ret(dma_unmap(rig->container, IOVA, SIZE), SIZE);
}

/* Interrupts that are not isolated: refused unless allow_unsafe_interrupts is set. */
static void isolated_interrupts(void)
{
	int container = vfio_container_open(), group;
	char unsafe[8];
	bool can;

	if (!sys_is_uml())
		test_skip("needs mock devices");
	can = sys_mock_get("isolated_msi");
	sys_param_get("allow_unsafe_interrupts", unsafe, sizeof(unsafe));
	group = vfio_group_open(0);
	assert_ret(vfio_group_join(group, container), 0);

	sys_mock_set("isolated_msi", 0);
	sys_param_set("allow_unsafe_interrupts", "N");
	watch_expect_reason(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), -EPERM,
			    "attach: no interrupt remapping (allow_unsafe_interrupts=1 goes without)");
	sys_param_set("allow_unsafe_interrupts", "Y");
	expect_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	if (can) {
		assert_ret(vfio_group_leave(group), 0);
		sys_mock_set("isolated_msi", 1);
		sys_param_set("allow_unsafe_interrupts", "N");
		assert_ret(vfio_group_join(group, container), 0);
		expect_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	}
	sys_mock_set("isolated_msi", can);
	sys_param_set("allow_unsafe_interrupts", unsafe);
}

static const struct test tests[] = {
	TEST(two_groups),
	TEST(group_joins_later),
	TEST(group_leaves),
	TEST(first_group_leaves),
	TEST(last_group_leaves),
	TEST(two_containers),
	TEST_VARIANTS(closed_in_any_order, orders),
	TEST(module_in_use_stays),
	TEST(group_joins_twice),
	TEST(group_of_two_devices),
	TEST(second_domain_is_filled),
	TEST(second_domain_is_mapped),
	TEST(second_domain_goes),
	TEST(first_domain_goes),
	TEST(coherency_is_that_of_all_domains),
	TEST(noncoherent_first),
	TEST(second_domain_cannot_be_filled),
	TEST(isolated_interrupts),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
