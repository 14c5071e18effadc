// SPDX-License-Identifier: GPL-2.0
/*
 * The mock VFIO devices.
 *
 * Region 0: registers and a 4 KiB buffer with a DMA engine, laid out as in
 *	     QEMU's edu device, so that one userspace routine drives both.
 *	     A DMA is over when the write that started it returns.
 * Region 1: a BAR of 4 MiB: mmap()ed as a whole, like MMIO in every respect
 *	     but that it remembers what was written.
 * Region 2: the same BAR, faulted in page by page.
 * Region 3: 4 MiB of ordinary memory that happens to be contiguous. UML has
 *	     no huge pages, but with this a mapping can use large leaves.
 * Region 4: the same memory as page frames (VM_PFNMAP), which drivers should not do.
 * Region 5: the same memory, marked as not to be touched (VM_IO).
 * Region 6: nothing, whose first use is a SIGBUS.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "mock_compat.h"

#include "mock.h"

#define MOCK_REGION_SHIFT	40
#define MOCK_NR_REGIONS		7
#define MOCK_MMIO_SIZE		SZ_1M
#define MOCK_BAR_SIZE		SZ_4M
#define MOCK_BAR_ORDER		(22 - PAGE_SHIFT)
#define MOCK_BAR_PAGES		BIT(MOCK_BAR_ORDER)

#define MOCK_REG_ID		0x00
#define MOCK_REG_SRC		0x80
#define MOCK_REG_DST		0x88
#define MOCK_REG_COUNT		0x90
#define MOCK_REG_CMD		0x98
#define MOCK_CMD_START		BIT(0)
#define MOCK_CMD_TO_MEMORY	BIT(1)
#define MOCK_ID			0x010000ed
#define MOCK_BUFFER		0x40000
#define MOCK_BUFFER_SIZE	SZ_4K

struct mock_vfio {
	struct vfio_device vdev;
	struct mutex lock; /* registers and buffer */
	u64 src;
	u64 dst;
	u64 count;
	u64 cmd;
	u8 buffer[MOCK_BUFFER_SIZE];
	struct page *bar;
	struct page *memory;
};

static struct mock_vfio *to_mock_vfio(struct vfio_device *vdev)
{
	return container_of(vdev, struct mock_vfio, vdev);
}

static bool mock_in_buffer(u64 addr, u64 count)
{
	return addr >= MOCK_BUFFER && count <= MOCK_BUFFER_SIZE &&
	       addr - MOCK_BUFFER <= MOCK_BUFFER_SIZE - count;
}

static void mock_start_dma(struct mock_vfio *mock)
{
	bool to_memory = mock->cmd & MOCK_CMD_TO_MEMORY;
	u64 inside = to_memory ? mock->src : mock->dst;
	u64 iova = to_memory ? mock->dst : mock->src;

	lockdep_assert_held(&mock->lock);

	if (mock_in_buffer(inside, mock->count))
		t1x_mock_dma(mock->vdev.dev, iova,
			     mock->buffer + inside - MOCK_BUFFER, mock->count,
			     to_memory);
	mock->cmd &= ~MOCK_CMD_START;
}

static u64 *mock_register(struct mock_vfio *mock, u64 pos)
{
	switch (pos) {
	case MOCK_REG_SRC:
		return &mock->src;
	case MOCK_REG_DST:
		return &mock->dst;
	case MOCK_REG_COUNT:
		return &mock->count;
	case MOCK_REG_CMD:
		return &mock->cmd;
	default:
		return NULL;
	}
}

static ssize_t mock_access_register(struct mock_vfio *mock, u64 pos, u64 *value,
				    bool write)
{
	u64 *reg;

	mutex_lock(&mock->lock);
	reg = mock_register(mock, pos);
	if (!write)
		*value = reg ? *reg : pos == MOCK_REG_ID ? MOCK_ID : U64_MAX;
	else if (reg)
		*reg = *value;
	if (write && pos == MOCK_REG_CMD && (*value & MOCK_CMD_START))
		mock_start_dma(mock);
	mutex_unlock(&mock->lock);
	return 0;
}

static ssize_t mock_read_mmio(struct mock_vfio *mock, char __user *buf,
			      size_t count, u64 pos)
{
	u64 value;

	if ((count != 4 && count != 8) || pos > MOCK_MMIO_SIZE - count)
		return -EINVAL;

	mock_access_register(mock, pos, &value, false);
	return copy_to_user(buf, &value, count) ? -EFAULT : count;
}

static ssize_t mock_write_mmio(struct mock_vfio *mock, const char __user *buf,
			       size_t count, u64 pos)
{
	u64 value = 0;

	if ((count != 4 && count != 8) || pos > MOCK_MMIO_SIZE - count)
		return -EINVAL;
	if (copy_from_user(&value, buf, count))
		return -EFAULT;

	mock_access_register(mock, pos, &value, true);
	return count;
}

static void *mock_region_memory(struct mock_vfio *mock, unsigned int region)
{
	switch (region) {
	case 1:
	case 2:
		return page_address(mock->bar);
	case 3:
		return page_address(mock->memory);
	default:
		return NULL;
	}
}

static ssize_t mock_read(struct vfio_device *vdev, char __user *buf,
			 size_t count, loff_t *ppos)
{
	struct mock_vfio *mock = to_mock_vfio(vdev);
	unsigned int region = *ppos >> MOCK_REGION_SHIFT;
	u64 pos = *ppos & (BIT_ULL(MOCK_REGION_SHIFT) - 1);
	void *memory = mock_region_memory(mock, region);

	if (region == 0)
		return mock_read_mmio(mock, buf, count, pos);
	if (!memory || count > MOCK_BAR_SIZE || pos > MOCK_BAR_SIZE - count)
		return -EINVAL;
	return copy_to_user(buf, memory + pos, count) ? -EFAULT : count;
}

static ssize_t mock_write(struct vfio_device *vdev, const char __user *buf,
			  size_t count, loff_t *ppos)
{
	struct mock_vfio *mock = to_mock_vfio(vdev);
	unsigned int region = *ppos >> MOCK_REGION_SHIFT;
	u64 pos = *ppos & (BIT_ULL(MOCK_REGION_SHIFT) - 1);
	void *memory = mock_region_memory(mock, region);

	if (region == 0)
		return mock_write_mmio(mock, buf, count, pos);
	if (!memory || count > MOCK_BAR_SIZE || pos > MOCK_BAR_SIZE - count)
		return -EINVAL;
	return copy_from_user(memory + pos, buf, count) ? -EFAULT : count;
}

static vm_fault_t mock_bar_fault(struct vm_fault *vmf)
{
	struct mock_vfio *mock = vmf->vma->vm_private_data;
	unsigned long pgoff = (vmf->address - vmf->vma->vm_start) >> PAGE_SHIFT;

	pgoff += vmf->vma->vm_pgoff & (BIT(MOCK_REGION_SHIFT - PAGE_SHIFT) - 1);
	return vmf_insert_pfn(vmf->vma, vmf->address,
			      page_to_pfn(mock->bar) + pgoff);
}

static const struct vm_operations_struct mock_bar_vm_ops = {
	.fault = mock_bar_fault,
};

static vm_fault_t mock_no_fault(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct mock_no_vm_ops = {
	.fault = mock_no_fault,
};

static int mock_mmap_memory(struct mock_vfio *mock, struct vm_area_struct *vma,
			    unsigned long pgoff)
{
	unsigned long addr;
	int ret;

	for (addr = vma->vm_start; addr < vma->vm_end; addr += PAGE_SIZE) {
		ret = vm_insert_page(vma, addr, mock->memory + pgoff++);
		if (ret)
			return ret;
	}
	return 0;
}

static int mock_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	struct mock_vfio *mock = to_mock_vfio(vdev);
	unsigned int region = vma->vm_pgoff >> (MOCK_REGION_SHIFT - PAGE_SHIFT);
	unsigned long pgoff =
		vma->vm_pgoff & (BIT(MOCK_REGION_SHIFT - PAGE_SHIFT) - 1);
	unsigned long npages = vma_pages(vma);

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (npages > MOCK_BAR_PAGES || pgoff > MOCK_BAR_PAGES - npages)
		return -EINVAL;

	switch (region) {
	case 1:
		return remap_pfn_range(vma, vma->vm_start,
				       page_to_pfn(mock->bar) + pgoff,
				       npages << PAGE_SHIFT, vma->vm_page_prot);
	case 2:
		vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND |
				  VM_DONTDUMP);
		vma->vm_private_data = mock;
		vma->vm_ops = &mock_bar_vm_ops;
		return 0;
	case 3:
		return mock_mmap_memory(mock, vma, pgoff);
	case 4:
		return remap_pfn_range(vma, vma->vm_start,
				       page_to_pfn(mock->memory) + pgoff,
				       npages << PAGE_SHIFT, vma->vm_page_prot);
	case 5:
		vm_flags_set(vma, VM_IO);
		return mock_mmap_memory(mock, vma, pgoff);
	case 6:
		vma->vm_ops = &mock_no_vm_ops;
		return 0;
	default:
		return -EINVAL;
	}
}

static int mock_region_info(struct vfio_device *vdev,
			    struct vfio_region_info *info,
			    struct vfio_info_cap *caps)
{
	if (info->index >= MOCK_NR_REGIONS)
		return -EINVAL;

	info->offset = (u64)info->index << MOCK_REGION_SHIFT;
	info->size = info->index ? MOCK_BAR_SIZE : MOCK_MMIO_SIZE;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (info->index)
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return 0;
}

static long mock_ioctl_device_info(void __user *arg)
{
	struct vfio_device_info info = {};
	size_t minsz = offsetofend(struct vfio_device_info, num_irqs);

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;

	info.flags = VFIO_DEVICE_FLAGS_PLATFORM;
	info.num_regions = MOCK_NR_REGIONS;
	info.num_irqs = 0;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

static long mock_ioctl_region_info(struct vfio_device *vdev, void __user *arg)
{
	struct vfio_region_info info = {};
	size_t minsz = offsetofend(struct vfio_region_info, offset);
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;

	ret = mock_region_info(vdev, &info, NULL);
	if (ret)
		return ret;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

static long mock_ioctl(struct vfio_device *vdev, unsigned int cmd,
		       unsigned long arg)
{
	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return mock_ioctl_device_info((void __user *)arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return mock_ioctl_region_info(vdev, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int mock_open_device(struct vfio_device *vdev)
{
	struct mock_vfio *mock = to_mock_vfio(vdev);

	mutex_lock(&mock->lock);
	mock->src = 0;
	mock->dst = 0;
	mock->count = 0;
	mock->cmd = 0;
	memset(mock->buffer, 0, sizeof(mock->buffer));
	mutex_unlock(&mock->lock);
	return 0;
}

static const struct vfio_device_ops mock_vfio_ops = {
	T1X_MOCK_VFIO_OPS,
	.open_device = mock_open_device,
	.read = mock_read,
	.write = mock_write,
	.ioctl = mock_ioctl,
	.mmap = mock_mmap,
};

/* Reserved pages are what the kernel takes for MMIO. */
static struct page *mock_alloc_bar(void)
{
	struct page *bar = alloc_pages(GFP_KERNEL | __GFP_ZERO, MOCK_BAR_ORDER);
	unsigned long i;

	if (!bar)
		return NULL;
	split_page(bar, MOCK_BAR_ORDER);
	for (i = 0; i < MOCK_BAR_PAGES; i++)
		SetPageReserved(bar + i);
	return bar;
}

static void mock_free_pages(struct page *page)
{
	unsigned long i;

	for (i = 0; page && i < MOCK_BAR_PAGES; i++) {
		ClearPageReserved(page + i);
		__free_page(page + i);
	}
}

static int mock_probe(struct platform_device *pdev)
{
	struct mock_vfio *mock;
	struct page *bar, *memory;
	int ret = -ENOMEM;

	bar = mock_alloc_bar();
	memory = alloc_pages(GFP_KERNEL | __GFP_ZERO, MOCK_BAR_ORDER);
	if (memory)
		split_page(memory, MOCK_BAR_ORDER);
	if (!bar || !memory)
		goto err_free_pages;

	mock = vfio_alloc_device(mock_vfio, vdev, &pdev->dev, &mock_vfio_ops);
	if (IS_ERR(mock)) {
		ret = PTR_ERR(mock);
		goto err_free_pages;
	}
	mutex_init(&mock->lock);
	mock->bar = bar;
	mock->memory = memory;

	ret = vfio_register_group_dev(&mock->vdev);
	if (ret)
		goto err_put_device;

	platform_set_drvdata(pdev, mock);
	return 0;

err_put_device:
	vfio_put_device(&mock->vdev);
err_free_pages:
	mock_free_pages(memory);
	mock_free_pages(bar);
	return ret;
}

/* No remove(): a device that was given to userspace stays. */
static struct platform_driver mock_driver = {
	.probe = mock_probe,
	.driver_managed_dma = true,
	.driver = {
		.name = KBUILD_MODNAME,
		.suppress_bind_attrs = true,
	},
};

/**
 * t1x_mock_vfio_init() - register the driver of the mock devices
 *
 * Return: 0 or a negative errno.
 */
int t1x_mock_vfio_init(void)
{
	return platform_driver_register(&mock_driver);
}
