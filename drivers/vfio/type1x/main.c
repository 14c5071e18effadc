// SPDX-License-Identifier: GPL-2.0-only
/*
 * type1x, a VFIO IOMMU backend: parameters, registration, init and exit.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>

#include "container.h"
#include "debugfs.h"
#include "dma.h"
#include "extpin.h"
#include "t1x.h"
#include "uapi.h"

bool t1x_allow_unsafe_interrupts;
module_param_named(allow_unsafe_interrupts, t1x_allow_unsafe_interrupts, bool,
		   0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Serve devices whose interrupts are not remapped.");

bool t1x_disable_hugepages;
module_param_named(disable_hugepages, t1x_disable_hugepages, bool, 0644);
MODULE_PARM_DESC(disable_hugepages,
		 "Map one page at a time, so that the IOMMU uses no large pages.");

unsigned int t1x_dma_entry_limit = T1X_ENTRIES_UNLIMITED;
module_param_named(dma_entry_limit, t1x_dma_entry_limit, uint, 0644);
MODULE_PARM_DESC(dma_entry_limit,
		 "Most mappings of one container (default: as many as memory allows).");

bool t1x_revoke_mmio;
module_param_named(revoke_mmio, t1x_revoke_mmio, bool, 0644);
MODULE_PARM_DESC(revoke_mmio,
		 "Unmap a BAR from the IOMMU when the CPU loses it.");

unsigned int t1x_populate_threads;
module_param_named(populate_threads, t1x_populate_threads, uint, 0644);
MODULE_PARM_DESC(populate_threads,
		 "Threads that help to fault in the memory of a large mapping (default: none).");

bool t1x_log_refusals;
module_param_named(log_refusals, t1x_log_refusals, bool, 0644);
MODULE_PARM_DESC(log_refusals, "Log why requests are refused, rate-limited.");

static void *t1x_open(unsigned long arg)
{
	void *cookie = t1x_container_open(arg);

	if (!IS_ERR(cookie))
		t1x_debugfs_add(cookie);
	return cookie;
}

static void t1x_release(void *cookie)
{
	t1x_debugfs_remove(cookie);
	t1x_container_release(cookie);
}

static const struct vfio_iommu_driver_ops t1x_ops = {
	.name		= "vfio-iommu-type1x",
	.owner		= THIS_MODULE,
	.open		= t1x_open,
	.release	= t1x_release,
	.ioctl		= t1x_uapi_ioctl,
	.attach_group	= t1x_attach_group,
	.detach_group	= t1x_detach_group,
	.pin_pages	= t1x_pin_pages,
	.unpin_pages	= t1x_unpin_pages,
	.register_device	= t1x_register_device,
	.unregister_device	= t1x_unregister_device,
	.dma_rw		= t1x_dma_rw,
	.group_iommu_domain	= t1x_group_domain,
};

static int __init t1x_init(void)
{
	int ret;

	ret = t1x_dma_cache_init();
	if (ret)
		return ret;
	t1x_debugfs_init();

	/* Last: containers may come from here on. */
	ret = vfio_register_iommu_driver(&t1x_ops);
	if (ret)
		goto err_debugfs;
	return 0;

err_debugfs:
	t1x_debugfs_exit();
	t1x_dma_cache_exit();
	return ret;
}

static void __exit t1x_exit(void)
{
	vfio_unregister_iommu_driver(&t1x_ops);
	t1x_debugfs_exit();
	t1x_dma_cache_exit();
}

module_init(t1x_init);
module_exit(t1x_exit);

MODULE_DESCRIPTION("VFIO IOMMU backend, type1 done faster and in the open");
MODULE_AUTHOR("The type1x developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
/* vfio asks the backend that registered last first: come after the in-tree. */
MODULE_SOFTDEP("pre: vfio_iommu_type1");
