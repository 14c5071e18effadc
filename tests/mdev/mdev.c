// SPDX-License-Identifier: GPL-2.0
/*
 * Mock mediated devices: pin, unpin, read and write user memory when userspace
 * requests it, and unpin pages when the driver asks them to, or refuse. They need
 * vfio.ko alone, so they come on stock kernels too.
 *
 * Every page that is held is kept in an xarray by IOVA page, with the number of
 * times that it was pinned in a second one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/xarray.h>

#include "mdev.h"
#include "mdev_compat.h"

struct mdev {
	struct vfio_device vdev;
	struct mutex lock; /* what is held, and what was said */
	struct xarray pages;
	struct xarray counts;
	unsigned long deaf;
	unsigned long told;
};

static struct mdev *to_mdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct mdev, vdev);
}

static int mdev_note(struct mdev *mdev, unsigned long index,
		     struct page *page)
{
	unsigned long count = xa_to_value(xa_load(&mdev->counts, index) ?:
					  xa_mk_value(0));
	int ret;

	ret = xa_err(xa_store(&mdev->pages, index, page, GFP_KERNEL));
	if (ret)
		return ret;
	ret = xa_err(xa_store(&mdev->counts, index, xa_mk_value(count + 1),
			      GFP_KERNEL));
	if (ret && !count)
		xa_erase(&mdev->pages, index);
	return ret;
}

/* Forgets one pin of a page; says whether there was one. */
static bool mdev_forget(struct mdev *mdev, unsigned long index)
{
	void *entry = xa_load(&mdev->counts, index);

	if (!entry)
		return false;
	if (xa_to_value(entry) > 1) {
		xa_store(&mdev->counts, index,
			 xa_mk_value(xa_to_value(entry) - 1), GFP_KERNEL);
		return true;
	}
	xa_erase(&mdev->counts, index);
	xa_erase(&mdev->pages, index);
	return true;
}

static void mdev_let_go(struct mdev *mdev, unsigned long first,
			unsigned long last)
{
	unsigned long index;
	void *entry;

	xa_for_each_range(&mdev->counts, index, entry, first, last)
		while (mdev_forget(mdev, index))
			vfio_unpin_pages(&mdev->vdev,
					 (dma_addr_t)index << PAGE_SHIFT, 1);
}

static void mdev_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	struct mdev *mdev = to_mdev(vdev);

	mutex_lock(&mdev->lock);
	mdev->told++;
	if (mdev->deaf)
		mdev->deaf--;
	else
		mdev_let_go(mdev, iova >> PAGE_SHIFT,
			    (iova + (length - 1)) >> PAGE_SHIFT);
	mutex_unlock(&mdev->lock);
}

static long mdev_pin(struct mdev *mdev, const struct t1x_mdev_op *op)
{
	unsigned long index = op->iova >> PAGE_SHIFT;
	long pinned, noted = 0;
	struct page **pages;
	int ret = 0;

	pages = kcalloc(VFIO_PIN_PAGES_MAX_ENTRIES, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;

	/*
	 * Not under the lock: an unmap that waits for us to let go would wait
	 * for ever if we waited for it.
	 */
	pinned = vfio_pin_pages(&mdev->vdev, op->iova, op->npages, op->prot,
				pages);
	mutex_lock(&mdev->lock);
	while (noted < pinned && !ret) {
		ret = mdev_note(mdev, index + noted, pages[noted]);
		noted += !ret;
	}
	/* What cannot be remembered is not kept. */
	while (ret && noted)
		mdev_forget(mdev, index + --noted);
	mutex_unlock(&mdev->lock);
	if (ret)
		vfio_unpin_pages(&mdev->vdev, op->iova, pinned);
	kfree(pages);
	return ret ?: pinned;
}

static long mdev_unpin(struct mdev *mdev, const struct t1x_mdev_op *op)
{
	long i;

	mutex_lock(&mdev->lock);
	for (i = 0; i < op->npages; i++)
		mdev_forget(mdev, (op->iova >> PAGE_SHIFT) + i);
	mutex_unlock(&mdev->lock);
	vfio_unpin_pages(&mdev->vdev, op->iova, op->npages);
	return 0;
}

static long mdev_rw(struct mdev *mdev, const struct t1x_mdev_op *op,
		    void *buf, bool write)
{
	void __user *data = u64_to_user_ptr(op->data);
	long ret;

	if (write && copy_from_user(buf, data, op->size))
		return -EFAULT;
	ret = vfio_dma_rw(&mdev->vdev, op->iova, buf, op->size, write);
	if (!ret && !write && copy_to_user(data, buf, op->size))
		return -EFAULT;
	return ret;
}

/* What a real mediated device does with a page that it pinned. */
static long mdev_access(struct mdev *mdev, const struct t1x_mdev_op *op,
			void *buf, bool write)
{
	void __user *data = u64_to_user_ptr(op->data);
	struct page *page;
	void *at;

	if (write && copy_from_user(buf, data, op->size))
		return -EFAULT;

	mutex_lock(&mdev->lock);
	page = xa_load(&mdev->pages, op->iova >> PAGE_SHIFT);
	if (page) {
		WARN(!folio_maybe_dma_pinned(page_folio(page)),
		     "the page held for IOVA %#llx is not pinned\n", op->iova);
		at = kmap_local_page(page);
		if (write)
			memcpy(at, buf, op->size);
		else
			memcpy(buf, at, op->size);
		kunmap_local(at);
	}
	mutex_unlock(&mdev->lock);

	if (!page)
		return -ENOENT;
	if (!write && copy_to_user(data, buf, op->size))
		return -EFAULT;
	return 0;
}

static long mdev_with_buffer(struct mdev *mdev,
			     const struct t1x_mdev_op *op)
{
	void *buf;
	long ret;

	if (!op->size || op->size > PAGE_SIZE)
		return -EINVAL;
	buf = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;

	switch (op->what) {
	case T1X_MDEV_READ:
		ret = mdev_rw(mdev, op, buf, false);
		break;
	case T1X_MDEV_WRITE:
		ret = mdev_rw(mdev, op, buf, true);
		break;
	case T1X_MDEV_PEEK:
		ret = mdev_access(mdev, op, buf, false);
		break;
	default:
		ret = mdev_access(mdev, op, buf, true);
		break;
	}
	kfree(buf);
	return ret;
}

static long mdev_ioctl(struct vfio_device *vdev, unsigned int cmd,
		       unsigned long arg)
{
	struct mdev *mdev = to_mdev(vdev);
	struct t1x_mdev_op op;

	if (cmd != T1X_MDEV_OP)
		return -ENOTTY;
	if (copy_from_user(&op, (void __user *)arg, sizeof(op)))
		return -EFAULT;

	switch (op.what) {
	case T1X_MDEV_PIN:
		return mdev_pin(mdev, &op);
	case T1X_MDEV_UNPIN:
		return mdev_unpin(mdev, &op);
	case T1X_MDEV_READ:
	case T1X_MDEV_WRITE:
	case T1X_MDEV_PEEK:
	case T1X_MDEV_POKE:
		return mdev_with_buffer(mdev, &op);
	case T1X_MDEV_DEAF:
		WRITE_ONCE(mdev->deaf, op.size);
		return 0;
	case T1X_MDEV_TOLD:
		return READ_ONCE(mdev->told);
	default:
		return -EINVAL;
	}
}

static int mdev_open(struct vfio_device *vdev)
{
	struct mdev *mdev = to_mdev(vdev);

	mdev->deaf = 0;
	mdev->told = 0;
	xa_init(&mdev->pages);
	xa_init(&mdev->counts);
	return 0;
}

/* A device that refuses keeps its pages even when it is closed. */
static void mdev_close(struct vfio_device *vdev)
{
	struct mdev *mdev = to_mdev(vdev);

	mutex_lock(&mdev->lock);
	if (!mdev->deaf)
		mdev_let_go(mdev, 0, ULONG_MAX);
	xa_destroy(&mdev->pages);
	xa_destroy(&mdev->counts);
	mutex_unlock(&mdev->lock);
}

static const struct vfio_device_ops mdev_ops = {
	T1X_MDEV_CORE_OPS
	T1X_MDEV_IOMMUFD_OPS
	.name = T1X_MDEV_NAME,
	.open_device = mdev_open,
	.close_device = mdev_close,
	.ioctl = mdev_ioctl,
	.dma_unmap = mdev_dma_unmap,
};

static void mdev_remove(void *data)
{
	struct mdev *mdev = data;

	/* Waits until it is closed. */
	vfio_unregister_group_dev(&mdev->vdev);
	vfio_put_device(&mdev->vdev);
}

static int mdev_probe(struct platform_device *pdev)
{
	struct mdev *mdev;
	int ret;

	mdev = vfio_alloc_device(mdev, vdev, &pdev->dev, &mdev_ops);
	if (IS_ERR(mdev))
		return PTR_ERR(mdev);
	mutex_init(&mdev->lock);

	ret = vfio_register_emulated_iommu_dev(&mdev->vdev);
	if (ret) {
		vfio_put_device(&mdev->vdev);
		return ret;
	}
	/* What remove() returns depends on the kernel. */
	return devm_add_action_or_reset(&pdev->dev, mdev_remove, mdev);
}

static struct platform_driver mdev_driver = {
	.probe = mdev_probe,
	/* Its group is of no IOMMU, and is not there yet when the driver is bound. */
	.driver_managed_dma = true,
	.driver = {
		.name = T1X_MDEV_NAME,
		.suppress_bind_attrs = true,
	},
};

static struct platform_device *mdev_devices[T1X_MDEV_DEVICES];

static void mdev_unregister(void)
{
	int nr;

	for (nr = 0; nr < T1X_MDEV_DEVICES; nr++)
		platform_device_unregister(mdev_devices[nr]);
}

static int __init mdev_init(void)
{
	struct platform_device *pdev;
	int nr, ret;

	for (nr = 0; nr < T1X_MDEV_DEVICES; nr++) {
		pdev = platform_device_register_simple(T1X_MDEV_NAME, nr, NULL, 0);
		if (IS_ERR(pdev)) {
			mdev_unregister();
			return PTR_ERR(pdev);
		}
		mdev_devices[nr] = pdev;
	}
	ret = platform_driver_register(&mdev_driver);
	if (ret)
		mdev_unregister();
	return ret;
}
module_init(mdev_init);

static void __exit mdev_exit(void)
{
	platform_driver_unregister(&mdev_driver);
	mdev_unregister();
}
module_exit(mdev_exit);

MODULE_DESCRIPTION("Mock mediated devices for the tests of type1x");
MODULE_AUTHOR("The type1x authors");
MODULE_LICENSE("GPL");
