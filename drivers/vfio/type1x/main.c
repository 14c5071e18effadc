// SPDX-License-Identifier: GPL-2.0-only
/*
 * type1x, a VFIO IOMMU backend: registration, init and exit.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "access.h"
#include "attach.h"
#include "container.h"
#include "debugfs.h"
#include "dma.h"
#include "mr.h"
#include "uapi.h"
#include "unmap.h"

static void *t1x_open(unsigned long arg)
{
	void *cookie = t1x_container_open(arg);

	if (!IS_ERR(cookie))
		t1x_debugfs_add(cookie);
	return cookie;
}

/*
 * The last group has left, or attaching the first one failed.  An ioctl between the
 * last detach and now may still have added mappings, filled in no domain.
 */
static void t1x_release(void *cookie)
{
	struct t1x_container *c;
	struct t1x_range all;

	t1x_debugfs_remove(cookie);
	c = t1x_container_shutdown(cookie);
	if (!c)
		return;
	t1x_range_lock_all_uninterruptible(&c->range_tree, &all);
	mutex_lock(&c->lock);
	t1x_unmap_all(c, &all);
	t1x_container_unlock(c, &all);
	t1x_mr_unregister_all(c);
	t1x_container_free(c);
}

static const struct vfio_iommu_driver_ops t1x_ops = {
	.name		= "vfio-iommu-type1x",
	.owner		= THIS_MODULE,
	.open		= t1x_open,
	.release	= t1x_release,
	.ioctl		= t1x_uapi_ioctl,
	.attach_group	= t1x_attach_group,
	.detach_group	= t1x_detach_group,
	.pin_pages	= t1x_access_pin_pages,
	.unpin_pages	= t1x_access_unpin_pages,
	.register_device	= t1x_access_open,
	.unregister_device	= t1x_access_close,
	.dma_rw		= t1x_access_rw,
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
	/* Containers are still to be freed. */
	rcu_barrier();
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
