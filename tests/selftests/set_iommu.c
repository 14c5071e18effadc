// SPDX-License-Identifier: GPL-2.0
/* VFIO_SET_IOMMU and VFIO_CHECK_EXTENSION: what a container can be, and what it can do. */
#include <errno.h>
#include <sys/ioctl.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* Without an IOMMU a container has no driver. */
static void container_without_iommu(void)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	int container = vfio_container_open();
	void *page = mem_anon(PAGE);

	expect_eq(ioctl(container, VFIO_IOMMU_GET_INFO, &info), -1);
	expect_eq(errno, EINVAL);
	expect_ret(dma_map(container, page, IOVA, PAGE, RW), -EINVAL);
	expect_ret(dma_unmap(container, IOVA, PAGE), -EINVAL);
	expect_ret(vfio_try_set_iommu(container, VFIO_TYPE1v2_IOMMU), -EINVAL);
	vfio_close(&container);
}

static void set_iommu(void)
{
	static const unsigned long unknown[] = {
		0, VFIO_SPAPR_TCE_IOMMU, VFIO_DMA_CC_IOMMU, VFIO_EEH,
		VFIO_SPAPR_TCE_v2_IOMMU, VFIO_NOIOMMU_IOMMU, 11, 99,
		1UL << 32 | VFIO_TYPE1_IOMMU, ~0UL,
	};
	int container = vfio_container_open();
	int group = vfio_group_open(0);
	size_t i;

	assert_ret(vfio_group_join(group, container), 0);
	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		expect_ret(vfio_set_iommu(container, unknown[i]), -ENODEV);
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	expect_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), -EINVAL);
	expect_ret(vfio_set_iommu(container, VFIO_TYPE1_IOMMU), -EINVAL);
	vfio_close(&group);
	vfio_close(&container);
}

/*
 * Nesting is gone in 7.2. Before, the in-tree driver knew it: if that is loaded
 * too, it may serve such a container; this one never does.
 */
static void set_iommu_nesting(void)
{
	const unsigned long nesting = 6;
	int container = vfio_container_open();
	int group = vfio_group_open(0);
	long refs = sys_refs();

	assert_ret(vfio_group_join(group, container), 0);
	if (sys_has_rival())
		vfio_try_set_iommu(container, nesting);
	else
		expect_ret(vfio_try_set_iommu(container, nesting), -ENODEV);
	expect_eq(sys_refs(), refs);
	vfio_close(&group);
	vfio_close(&container);
}

struct extension {
	unsigned long nr;
	int want;
};

static void check_extensions(int container, const struct extension *want,
			     size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int ret = ioctl(container, VFIO_CHECK_EXTENSION, want[i].nr);

		if (ret != want[i].want)
			test_say("extension %lu:", want[i].nr);
		expect_eq(ret, want[i].want);
	}
}

static void check_extension(const void *variant)
{
	/* VFIO_DMA_CC_IOMMU depends on the devices: see attach.c. */
	const struct extension bound[] = {
		{ 0, 0 },
		{ VFIO_TYPE1_IOMMU, 1 },
		{ VFIO_SPAPR_TCE_IOMMU, 0 },
		{ VFIO_TYPE1v2_IOMMU, 1 },
		{ VFIO_EEH, 0 },
		{ 6, 0 },
		{ VFIO_SPAPR_TCE_v2_IOMMU, 0 },
		{ VFIO_NOIOMMU_IOMMU, 0 },
		{ VFIO_UNMAP_ALL, 1 },
		{ VFIO_UPDATE_VADDR, 1 },
		{ 11, 0 },
		{ 99, 0 },
		{ ~0UL, 0 },
		{ 1UL << 32 | VFIO_TYPE1_IOMMU, 0 },
	};
	const struct vfio_type *type = variant;

	check_extensions(rig_open(1, type->id)->container, bound,
			 ARRAY_SIZE(bound));
}

static void check_extension_without_iommu(void)
{
	static const struct extension unbound[] = {
		{ VFIO_TYPE1_IOMMU, 1 },
		{ VFIO_TYPE1v2_IOMMU, 1 },
		{ VFIO_DMA_CC_IOMMU, 0 },
		{ VFIO_SPAPR_TCE_v2_IOMMU, 0 },
		{ VFIO_UNMAP_ALL, 1 },
		{ VFIO_UPDATE_VADDR, 0 },
		{ 99, 0 },
	};

	check_extensions(vfio_container_open(), unbound, ARRAY_SIZE(unbound));
}

static const struct test tests[] = {
	TEST(container_without_iommu),
	TEST(set_iommu),
	TEST(set_iommu_nesting),
	TEST_VARIANTS(check_extension, vfio_types),
	TEST(check_extension_without_iommu),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
