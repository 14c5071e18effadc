// SPDX-License-Identifier: GPL-2.0-only
/*
 * An IOMMU that is registered with the kernel, with devices in groups of their own.
 *
 * Groups are attached and detached by the IOMMU core, as it does it for vfio.ko. The
 * domains are those of fake_domain.c; one that is freed must have been flushed, and what
 * it still translates must be pinned.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "../mock/mock_compat.h"

#include "attach.h"
#include "fake_iommu.h"
#include "params.h"

#define FAKE_NAME	"t1x_fake"

struct fake_iommu fake_iommu;

static struct iommu_device fake_iommu_device;
static bool fake_iommu_registered;

/* The parameter, of which the devices have need: nothing isolates their interrupts. */
static bool unsafe_interrupts;

static struct fake_group *fake_group_of(struct device *dev)
{
	struct platform_device *pdev = to_platform_device(dev);

	if (strcmp(pdev->name, FAKE_NAME))
		return NULL;
	return &fake_iommu.group[pdev->id];
}

static int fake_attach_paging(T1X_MOCK_ATTACH_ARGS)
{
	if (fake_iommu.fail_attach > 1) {
		fake_iommu.fail_attach--;
	} else if (fake_iommu.fail_attach && fake_iommu.fail_attaches) {
		fake_iommu.fail_attaches--;
		return -ENOSPC;
	}
	fake_group_of(dev)->domain = fake_domain_of(domain);
	return 0;
}

static int fake_attach_static(T1X_MOCK_ATTACH_ARGS)
{
	fake_group_of(dev)->domain = NULL;
	return 0;
}

static void fake_static_free(struct iommu_domain *domain)
{
}

static bool fake_enforce_coherency(struct iommu_domain *domain)
{
	return fake_iommu.coherent;
}

static void fake_paging_free(struct iommu_domain *domain)
{
	struct fake_domain *fake = fake_domain_of(domain);
	unsigned long index;
	struct page *page;
	void *entry;

	xa_for_each(&fake->leaves, index, entry) {
		page = pfn_to_page(xa_to_value(entry));
		if (!PageReserved(page) && !fake_page_pinned(page))
			fake->errors++;
	}
	fake_iommu.errors += fake->errors + fake->stale_pages;
	fake_iommu.domains--;
	xa_destroy(&fake->leaves);
	kfree(fake);
}

/* Filled from fake_domain_ops, which are those of a domain without groups. */
static struct iommu_domain_ops fake_paging_ops;

static const struct iommu_domain_ops fake_static_ops = {
	.attach_dev = fake_attach_static,
	.free = fake_static_free,
};

static struct iommu_domain fake_iommu_identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &fake_static_ops,
};

static struct iommu_domain fake_iommu_blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &fake_static_ops,
};

static struct iommu_domain *fake_iommu_domain_alloc_paging(struct device *dev)
{
	struct fake_domain *fake;

	if (fake_iommu.fail_alloc)
		return NULL;
	fake = kzalloc_obj(*fake, GFP_KERNEL);
	if (!fake)
		return NULL;
	fake_domain_setup(fake);
	fake->domain.ops = &fake_paging_ops;
	fake->domain.pgsize_bitmap = fake_iommu.pgsizes;
	fake->domain.geometry.aperture_start = fake_iommu.first;
	fake->domain.geometry.aperture_end = fake_iommu.last;
	fake->fail_map = fake_iommu.fail_map;
	fake_iommu.domains++;
	return &fake->domain;
}

T1X_MOCK_DEFINE_DOMAIN_ALLOC(fake_iommu)

static struct iommu_device *fake_probe_device(struct device *dev)
{
	return fake_group_of(dev) ? &fake_iommu_device : ERR_PTR(-ENODEV);
}

static void fake_release_device(struct device *dev)
{
}

static int fake_def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static void fake_get_resv_regions(struct device *dev, struct list_head *list)
{
	struct fake_group *g = fake_group_of(dev);
	struct iommu_resv_region *region;
	unsigned int i;

	for (i = 0; i < g->nr_resv; i++) {
		region = iommu_alloc_resv_region(g->resv[i].start,
						 g->resv[i].length, 0,
						 g->resv[i].type, GFP_KERNEL);
		if (region)
			list_add_tail(&region->list, list);
	}
}

static const struct iommu_ops fake_iommu_ops = {
	T1X_MOCK_DOMAIN_OPS(fake_iommu),
	.probe_device = fake_probe_device,
	.release_device = fake_release_device,
	.device_group = generic_device_group,
	.get_resv_regions = fake_get_resv_regions,
	.def_domain_type = fake_def_domain_type,
	.default_domain_ops = &fake_paging_ops,
	.owner = THIS_MODULE,
};

/**
 * fake_iommu_reset() - make the IOMMU translate all there is, without reserved regions
 *
 * What is attached stays so, and broken rules are not forgotten.
 */
void fake_iommu_reset(void)
{
	unsigned int i;

	fake_iommu.first = 0;
	fake_iommu.last = ~(dma_addr_t)0;
	fake_iommu.pgsizes = PAGE_SIZE | 1UL << 21;
	fake_iommu.coherent = true;
	fake_iommu.fail_alloc = false;
	fake_iommu.fail_attach = 0;
	fake_iommu.fail_attaches = 0;
	fake_iommu.fail_map = 0;
	for (i = 0; i < FAKE_GROUPS; i++)
		fake_iommu.group[i].nr_resv = 0;
}

/**
 * fake_iommu_reserve() - have a device reserve IOVAs
 * @nr: which device
 * @start: first byte
 * @length: bytes
 * @type: what for
 */
void fake_iommu_reserve(unsigned int nr, u64 start, size_t length,
			enum iommu_resv_type type)
{
	struct fake_group *g = &fake_iommu.group[nr];

	g->resv[g->nr_resv++] = (struct fake_resv){ start, length, type };
}

static int fake_group_add(unsigned int nr)
{
	struct fake_group *g = &fake_iommu.group[nr];
	struct platform_device *pdev;

	pdev = platform_device_register_simple(FAKE_NAME, nr, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	g->pdev = pdev;
	g->group = iommu_group_get(&pdev->dev);
	if (!g->group)
		return -ENODEV;
	return iommu_group_claim_dma_owner(g->group, &fake_iommu);
}

static void fake_group_del(struct fake_group *g)
{
	if (g->group) {
		iommu_group_release_dma_owner(g->group);
		iommu_group_put(g->group);
	}
	if (g->pdev)
		platform_device_unregister(g->pdev);
}

/**
 * fake_iommu_suite_init() - make fake memory, the IOMMU and its devices
 * @suite: the suite
 *
 * Context: as fake_memory_suite_init().
 * Return: 0 or a negative errno.
 */
int fake_iommu_suite_init(struct kunit_suite *suite)
{
	unsigned int i;
	int ret;

	memset(&fake_iommu, 0, sizeof(fake_iommu));
	fake_iommu_registered = false;
	unsafe_interrupts = t1x_allow_unsafe_interrupts;
	t1x_allow_unsafe_interrupts = true;
	ret = fake_memory_suite_init(suite);
	if (ret)
		return ret;

	fake_paging_ops = fake_domain_ops;
	fake_paging_ops.attach_dev = fake_attach_paging;
	fake_paging_ops.enforce_cache_coherency = fake_enforce_coherency;
	fake_paging_ops.free = fake_paging_free;
	fake_iommu_reset();

	ret = iommu_device_sysfs_add(&fake_iommu_device, NULL, NULL, FAKE_NAME);
	if (ret)
		return ret;
	ret = iommu_device_register(&fake_iommu_device, &fake_iommu_ops, NULL);
	if (ret) {
		iommu_device_sysfs_remove(&fake_iommu_device);
		return ret;
	}
	fake_iommu_registered = true;
	for (i = 0; i < FAKE_GROUPS && !ret; i++)
		ret = fake_group_add(i);
	return ret;
}

/**
 * fake_iommu_suite_exit() - undo fake_iommu_suite_init(), done or half done
 * @suite: the suite
 */
void fake_iommu_suite_exit(struct kunit_suite *suite)
{
	unsigned int i;

	if (fake_iommu_registered) {
		for (i = 0; i < FAKE_GROUPS; i++)
			fake_group_del(&fake_iommu.group[i]);
		iommu_device_unregister(&fake_iommu_device);
		iommu_device_sysfs_remove(&fake_iommu_device);
		t1x_mock_forget_bus_ops();
	}
	fake_memory_suite_exit(suite);
	t1x_allow_unsafe_interrupts = unsafe_interrupts;
}

/**
 * fake_iommu_init() - fixture_init(), with an IOMMU in which nothing fails
 * @test: the test
 *
 * Return: 0 or a negative errno.
 */
int fake_iommu_init(struct kunit *test)
{
	fake_iommu_reset();
	return fixture_init(test);
}

/**
 * fake_iommu_exit() - detach all groups, check the IOMMU, and then the fixture
 * @test: the test
 *
 * Groups that a test left go first: the domains are judged when they are freed.
 */
void fake_iommu_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; f && i < FAKE_GROUPS; i++)
		if (fake_attached(f, i))
			fake_detach(f, i);
	for (i = 0; i < FAKE_GROUPS; i++)
		KUNIT_EXPECT_NULL(test, fake_iommu.group[i].domain);
	KUNIT_EXPECT_EQ(test, fake_iommu.domains, 0U);
	KUNIT_EXPECT_EQ(test, fake_iommu.errors, 0U);
	fake_iommu.errors = 0;
	fixture_exit(test);
}

/**
 * fake_attach() - attach a group with a device behind the IOMMU
 * @f: the fixture
 * @nr: which group
 *
 * Return: what t1x_attach_group() does.
 */
int fake_attach(struct fixture *f, unsigned int nr)
{
	return t1x_attach_group(f->cookie, fake_iommu.group[nr].group, VFIO_IOMMU);
}

/**
 * fake_emulate() - attach a group as if it had a mediated device
 * @f: the fixture
 * @nr: which group
 *
 * Return: what t1x_attach_group() does.
 */
int fake_emulate(struct fixture *f, unsigned int nr)
{
	return t1x_attach_group(f->cookie, fake_iommu.group[nr].group,
				VFIO_EMULATED_IOMMU);
}

/**
 * fake_detach() - undo fake_attach() or fake_emulate()
 * @f: the fixture
 * @nr: which group
 */
void fake_detach(struct fixture *f, unsigned int nr)
{
	t1x_detach_group(f->cookie, fake_iommu.group[nr].group);
}

/**
 * fake_attached() - is a group attached
 * @f: the fixture
 * @nr: which group
 *
 * Return: whether it is.
 */
bool fake_attached(struct fixture *f, unsigned int nr)
{
	struct t1x_domain *d;
	struct t1x_group *g;

	mutex_lock(&f->c->lock);
	g = t1x_container_find_group(f->c, fake_iommu.group[nr].group, &d);
	mutex_unlock(&f->c->lock);
	return g;
}
