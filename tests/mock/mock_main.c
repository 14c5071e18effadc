// SPDX-License-Identifier: GPL-2.0
/*
 * The mock's platform devices and module parameters.
 *
 * The module stays once it is loaded: an IOMMU cannot be unplugged, and every
 * device behind it holds a reference on its driver.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>

#include "mock.h"

#define MOCK_MAX_DEVICES 16

static unsigned int devices = 5;
module_param(devices, uint, 0444);
MODULE_PARM_DESC(devices, "Number of mock devices (default 5)");

static unsigned int noncoherent = BIT(2);
module_param(noncoherent, uint, 0444);
MODULE_PARM_DESC(noncoherent,
		 "Mask of devices whose no-snoop accesses the IOMMU cannot block (default: device 2)");

static unsigned int shared = BIT(4);
module_param(shared, uint, 0444);
MODULE_PARM_DESC(shared,
		 "Mask of devices in the IOMMU group of the device before them (default: device 4)");

static unsigned long long resv_start = BIT_ULL(44);
module_param(resv_start, ullong, 0444);
MODULE_PARM_DESC(resv_start,
		 "First IOVA of the reserved region (default 0x100000000000)");

static unsigned long long resv_length = SZ_64K;
module_param(resv_length, ullong, 0444);
MODULE_PARM_DESC(resv_length,
		 "Length of the reserved region in bytes, 0: none (default 65536)");

static bool unchecked;
module_param(unchecked, bool, 0444);
MODULE_PARM_DESC(unchecked,
		 "Domains are page tables of VT-d, which are quick, check nothing and no device can use (default N)");

static struct platform_device *mock_devices[MOCK_MAX_DEVICES];
static unsigned int mock_nr_devices;

/**
 * t1x_mock_nr_devices() - how many devices exist so far
 *
 * Return: the number of devices, counted up while the module loads.
 */
unsigned int t1x_mock_nr_devices(void)
{
	return mock_nr_devices;
}

/**
 * t1x_mock_device() - a device by its number
 * @nr: number of the device, less than t1x_mock_nr_devices()
 *
 * Return: the device.
 */
struct platform_device *t1x_mock_device(unsigned int nr)
{
	return mock_devices[nr];
}

/**
 * t1x_mock_device_nr() - the number of a device
 * @dev: any device of the platform bus
 *
 * Return: its number, or -ENODEV if the device is not one of the mock's.
 */
int t1x_mock_device_nr(struct device *dev)
{
	struct platform_device *pdev = to_platform_device(dev);

	if (strcmp(pdev->name, KBUILD_MODNAME) || pdev->id < 0)
		return -ENODEV;
	return pdev->id;
}

/**
 * t1x_mock_device_is_noncoherent() - can no-snoop accesses not be blocked
 * @nr: number of the device
 *
 * Return: true if a domain with this device cannot enforce cache coherency.
 */
bool t1x_mock_device_is_noncoherent(unsigned int nr)
{
	return noncoherent & BIT(nr);
}

/**
 * t1x_mock_device_shares_group() - is the device in its predecessor's group
 * @nr: number of the device
 *
 * Return: true if so; never for device 0.
 */
bool t1x_mock_device_shares_group(unsigned int nr)
{
	return nr && (shared & BIT(nr));
}

/**
 * t1x_mock_resv_start() - where the reserved region begins
 *
 * Return: its first IOVA.
 */
u64 t1x_mock_resv_start(void)
{
	return resv_start;
}

/**
 * t1x_mock_resv_length() - how long the reserved region is
 *
 * Return: its length in bytes, 0 if there is none.
 */
u64 t1x_mock_resv_length(void)
{
	return resv_length;
}

/**
 * t1x_mock_is_unchecked() - is this about time and not about correctness
 *
 * Return: true if domains are to be page tables and nothing else.
 */
bool t1x_mock_is_unchecked(void)
{
	return unchecked;
}

static void mock_remove_devices(void)
{
	while (mock_nr_devices)
		platform_device_unregister(mock_devices[--mock_nr_devices]);
}

static int mock_add_devices(void)
{
	struct platform_device *pdev;
	unsigned int nr;

	for (nr = 0; nr < devices; nr++) {
		pdev = platform_device_register_simple(KBUILD_MODNAME, nr,
						       NULL, 0);
		if (IS_ERR(pdev)) {
			mock_remove_devices();
			return PTR_ERR(pdev);
		}
		mock_devices[nr] = pdev;
		mock_nr_devices++;
	}
	return 0;
}

static int __init mock_init(void)
{
	int ret;

	if (!devices || devices > MOCK_MAX_DEVICES)
		return -EINVAL;

	ret = t1x_mock_stat_init();
	if (ret)
		return ret;

	ret = t1x_mock_iommu_init();
	if (ret)
		goto err_stat;

	/* The devices come before their driver: no probe may be missed. */
	ret = mock_add_devices();
	if (ret)
		goto err_iommu;

	ret = t1x_mock_vfio_init();
	if (ret)
		goto err_devices;

	pr_info("%u devices\n", mock_nr_devices);
	return 0;

err_devices:
	mock_remove_devices();
err_iommu:
	t1x_mock_iommu_exit();
err_stat:
	t1x_mock_stat_exit();
	return ret;
}
module_init(mock_init);

MODULE_DESCRIPTION("Mock IOMMU and VFIO devices for the tests of type1x");
MODULE_AUTHOR("The type1x authors");
MODULE_LICENSE("GPL");
