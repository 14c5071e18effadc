// SPDX-License-Identifier: GPL-2.0
/*
 * The mock IOMMU: what the kernel's IOMMU core sees of it, and its devices'
 * way to memory.
 *
 * Lock order: iommu_group mutex, mock_master.lock, a domain's own lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "mock_compat.h"

#include "mock.h"

#define MOCK_MSI_START	0xfee00000
#define MOCK_MSI_LENGTH	SZ_1M

/*
 * struct mock_master - what the IOMMU knows about a device
 * @lock:	a DMA holds it, so that the domain stays for its duration
 * @domain:	the paging domain attached, or NULL: every DMA faults
 */
struct mock_master {
	struct device *dev;
	struct mutex lock; /* domain */
	struct iommu_domain *domain;
	bool noncoherent;
};

static struct iommu_device mock_iommu;
static bool mock_isolated_msi = true;

/* Moves a device to a paging domain, or to none at all. */
static int mock_master_attach(struct device *dev, struct iommu_domain *domain)
{
	struct mock_master *master = dev_iommu_priv_get(dev);
	int ret = 0;

	mutex_lock(&master->lock);
	if (master->domain == domain)
		goto out_unlock;
	if (domain) {
		ret = t1x_mock_domain_join(domain, master->noncoherent);
		if (ret)
			goto out_unlock;
	}
	if (master->domain)
		t1x_mock_domain_leave(master->domain, master->noncoherent);
	master->domain = domain;

out_unlock:
	mutex_unlock(&master->lock);
	return ret;
}

static int mock_attach_paging(T1X_MOCK_ATTACH_ARGS)
{
	return mock_master_attach(dev, domain);
}

static int mock_attach_static(T1X_MOCK_ATTACH_ARGS)
{
	return mock_master_attach(dev, NULL);
}

static void mock_static_free(struct iommu_domain *domain)
{
}

/* Nothing to do; but a driver that has this is worth being called for several runs. */
static T1X_MOCK_SYNC_MAP mock_iotlb_sync_map(struct iommu_domain *domain,
					     unsigned long iova, size_t size)
{
	return (T1X_MOCK_SYNC_MAP)0;
}

static const struct iommu_domain_ops mock_paging_ops = {
	.attach_dev = mock_attach_paging,
	.map_pages = t1x_mock_map_pages,
	.iotlb_sync_map = mock_iotlb_sync_map,
	.unmap_pages = t1x_mock_unmap_pages,
	.flush_iotlb_all = t1x_mock_flush_iotlb_all,
	.iotlb_sync = t1x_mock_iotlb_sync,
	.iova_to_phys = t1x_mock_iova_to_phys,
	.enforce_cache_coherency = t1x_mock_enforce_cache_coherency,
	.free = t1x_mock_domain_free,
};

static const struct iommu_domain_ops mock_unchecked_ops = {
	T1X_MOCK_TABLE_OPS
	.attach_dev = mock_attach_paging,
	.iotlb_sync = t1x_mock_unchecked_sync,
	.enforce_cache_coherency = t1x_mock_enforce_cache_coherency,
	.free = t1x_mock_domain_free,
};

static const struct iommu_domain_ops mock_static_ops = {
	.attach_dev = mock_attach_static,
	.free = mock_static_free,
};

static struct iommu_domain mock_identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &mock_static_ops,
};

static struct iommu_domain mock_blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &mock_static_ops,
};

static struct iommu_domain *mock_domain_alloc_paging(struct device *dev)
{
	if (t1x_mock_is_unchecked())
		return t1x_mock_domain_alloc(&mock_unchecked_ops, true);
	return t1x_mock_domain_alloc(&mock_paging_ops, false);
}

T1X_MOCK_DEFINE_DOMAIN_ALLOC(mock)

static bool mock_capable(struct device *dev, enum iommu_cap cap)
{
	struct mock_master *master = dev_iommu_priv_get(dev);

	if (t1x_mock_cap_is_isolated_msi(cap))
		return mock_isolated_msi;
	if (t1x_mock_cap_is_enforce_coherency(cap))
		return !master->noncoherent;
	return cap == IOMMU_CAP_CACHE_COHERENCY;
}

static struct iommu_device *mock_probe_device(struct device *dev)
{
	struct mock_master *master;
	int nr = t1x_mock_device_nr(dev);

	if (nr < 0)
		return ERR_PTR(-ENODEV);

	master = kzalloc_obj(*master, GFP_KERNEL);
	if (!master)
		return ERR_PTR(-ENOMEM);

	master->dev = dev;
	mutex_init(&master->lock);
	master->noncoherent = t1x_mock_device_is_noncoherent(nr);
	dev_iommu_priv_set(dev, master);
	t1x_mock_set_isolated_msi(dev, mock_isolated_msi);
	return &mock_iommu;
}

static void mock_release_device(struct device *dev)
{
	struct mock_master *master = dev_iommu_priv_get(dev);

	t1x_mock_set_isolated_msi(dev, false);
	dev_iommu_priv_set(dev, NULL);
	mutex_destroy(&master->lock);
	kfree(master);
}

static struct iommu_group *mock_device_group(struct device *dev)
{
	int nr = t1x_mock_device_nr(dev);

	if (t1x_mock_device_shares_group(nr))
		return iommu_group_get(&t1x_mock_device(nr - 1)->dev);
	return generic_device_group(dev);
}

static void mock_add_resv(struct list_head *list, u64 start, size_t length,
			  enum iommu_resv_type type)
{
	struct iommu_resv_region *region;

	region = iommu_alloc_resv_region(start, length, 0, type, GFP_KERNEL);
	if (region)
		list_add_tail(&region->list, list);
}

static void mock_get_resv_regions(struct device *dev, struct list_head *list)
{
	mock_add_resv(list, MOCK_MSI_START, MOCK_MSI_LENGTH, IOMMU_RESV_MSI);
	if (t1x_mock_resv_length())
		mock_add_resv(list, t1x_mock_resv_start(),
			      t1x_mock_resv_length(), IOMMU_RESV_RESERVED);
}

static int mock_def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static const struct iommu_ops mock_iommu_ops = {
	.capable = mock_capable,
	T1X_MOCK_DOMAIN_OPS(mock),
	.probe_device = mock_probe_device,
	.release_device = mock_release_device,
	.device_group = mock_device_group,
	.get_resv_regions = mock_get_resv_regions,
	.def_domain_type = mock_def_domain_type,
	.default_domain_ops = &mock_paging_ops,
	.owner = THIS_MODULE,
};

/**
 * t1x_mock_dma() - a device reads or writes memory through the IOMMU
 * @dev: the device
 * @iova: first IOVA, in bytes
 * @buf: the device's own memory
 * @len: how many bytes
 * @to_memory: the device writes
 *
 * Goes on after a fault, as a device would.
 *
 * Context: may sleep.
 * Return: 0, or -EFAULT if any page of it faulted.
 */
int t1x_mock_dma(struct device *dev, dma_addr_t iova, void *buf, size_t len,
		 bool to_memory)
{
	struct mock_master *master = dev_iommu_priv_get(dev);
	int ret = -EFAULT;

	mutex_lock(&master->lock);
	if (master->domain)
		ret = t1x_mock_domain_dma(master->domain, iova, buf, len,
					  to_memory);
	else if (!to_memory)
		memset(buf, 0, len);
	mutex_unlock(&master->lock);
	return ret;
}

/**
 * t1x_mock_iommu_isolated_msi() - are the devices' interrupts isolated
 *
 * Return: what the mock reports to the kernel; false if the mock cannot isolate them on
 * this kernel.
 */
bool t1x_mock_iommu_isolated_msi(void)
{
	return t1x_mock_can_isolate_msi() && mock_isolated_msi;
}

/**
 * t1x_mock_iommu_set_isolated_msi() - isolate interrupts or no longer
 * @isolated: what to tell the kernel when a group is attached from now on
 */
void t1x_mock_iommu_set_isolated_msi(bool isolated)
{
	unsigned int nr;

	mock_isolated_msi = isolated;
	for (nr = 0; nr < t1x_mock_nr_devices(); nr++)
		t1x_mock_set_isolated_msi(&t1x_mock_device(nr)->dev, isolated);
}

/**
 * t1x_mock_iommu_init() - register the IOMMU with the kernel
 *
 * Must come before the devices behind it.
 *
 * Return: 0 or a negative errno.
 */
int t1x_mock_iommu_init(void)
{
	int ret;

	ret = iommu_device_sysfs_add(&mock_iommu, NULL, NULL, KBUILD_MODNAME);
	if (ret)
		return ret;

	ret = iommu_device_register(&mock_iommu, &mock_iommu_ops, NULL);
	if (ret)
		iommu_device_sysfs_remove(&mock_iommu);
	return ret;
}

/** t1x_mock_iommu_exit() - take the IOMMU back, once its devices are gone */
void t1x_mock_iommu_exit(void)
{
	iommu_device_unregister(&mock_iommu);
	iommu_device_sysfs_remove(&mock_iommu);
}
