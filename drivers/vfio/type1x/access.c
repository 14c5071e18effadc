// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices: software that stands for a device and reaches the user's
 * memory through this module, page by page, instead of through an IOMMU.
 *
 * A page it pins is looked up by IOVA in the mappings, pinned once however many
 * times it is asked for, and charged unless the mapping is filled, in which
 * case it is charged already (I2).  Some open device of the container must have a
 * dma_unmap callback: before a mapping goes it is called to let go of the pages.
 *
 * The user's memory is faulted in, which may take long, with the range of the pages locked
 * and not the container.  The mapping stays in that range and keeps its vaddr, but may be
 * split elsewhere meanwhile, so it is looked up anew afterwards.
 */
#include "access.h"

#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "account.h"
#include "container.h"
#include "dirty.h"
#include "dma.h"
#include "pfn_reader.h"
#include "t1x.h"
#include "umem.h"
#include "unpin.h"

static unsigned long t1x_dma_index(const struct t1x_dma *dma, dma_addr_t iova)
{
	return (iova - dma->iova) >> PAGE_SHIFT;
}

/* A page is charged for an access only where the mapping is not filled. */
static unsigned long t1x_access_nram(const struct t1x_dma *dma, dma_addr_t iova,
				     const struct t1x_run *page)
{
	return t1x_run_nram(page) && t1x_dma_index(dma, iova) >= dma->filled;
}

/* Reads a page, and pins it if it is not registered, with the lock dropped for that. */
static int t1x_access_read(struct t1x_container *c, const struct t1x_dma *dma,
			   dma_addr_t iova, struct t1x_run *page)
{
	unsigned long index = t1x_dma_index(dma, iova);
	struct t1x_umem_pos pos;
	struct t1x_pfn_reader reader;
	int ret;

	if (dma->registered) {
		index += dma->mr_first;
		t1x_umem_seek(dma->mr->umem, index, &pos);
		*page = t1x_umem_slice(t1x_umem_next(&pos), index, 1);
		return 0;
	}
	t1x_pfn_reader_init(&reader, dma->owner.process->mm,
			    t1x_dma_vaddr(dma) + (index << PAGE_SHIFT), 1,
			    t1x_dma_writable(dma), 1);
	mutex_unlock(&c->lock);
	ret = t1x_pfn_reader_fill(&reader);
	if (!ret) {
		*page = *t1x_pfn_reader_peek(&reader);
		t1x_pfn_reader_consume(&reader);
	}
	t1x_pfn_reader_destroy(&reader);
	mutex_lock(&c->lock);
	return ret;
}

/* Pins and charges a page that is not held yet, and holds it. */
static int t1x_access_add(struct t1x_container *c, struct t1x_dma *dma,
			  dma_addr_t iova, unsigned long *pfn)
{
	struct mm_struct *mm = dma->owner.process->mm;
	struct t1x_run page;
	unsigned long nram;
	int ret;

	if (!mmget_not_zero(mm))
		return -ENODEV;

	ret = t1x_access_read(c, dma, iova, &page);
	/* vfio.ko returns struct pages; a BAR need not have one. */
	if (!ret && !pfn_valid(page.pfn))
		ret = -EINVAL;
	if (ret) {
		t1x_log_err(&c->errlog, ret,
			    "pin %#llx, whose memory cannot be pinned", iova);
		goto out_put;
	}

	dma = t1x_dma_first(&c->dma_tree, iova, iova);
	nram = t1x_access_nram(dma, iova, &page);
	ret = t1x_charge(&dma->owner, nram, 0, 0, &c->errlog);
	if (ret)
		goto err_unpin;
	ret = t1x_access_pages_add(&c->access_pages, t1x_access_pages_index(iova), &page);
	if (ret)
		goto err_refund;
	t1x_dirty_mark(c, dma, iova - dma->iova, PAGE_SIZE);
	*pfn = page.pfn;
	goto out_put;

err_refund:
	t1x_refund(&dma->owner, nram);
err_unpin:
	t1x_unpin_run(&page, false);
out_put:
	mmput_async(mm);
	return ret;
}

static void t1x_access_put(struct t1x_container *c, struct t1x_dma *dma,
			   dma_addr_t iova)
{
	struct t1x_run page;

	if (!t1x_access_pages_put(&c->access_pages, t1x_access_pages_index(iova), &page))
		return;
	t1x_unpin_run(&page, dma->prot & IOMMU_WRITE);
	t1x_refund(&dma->owner, t1x_access_nram(dma, iova, &page));
}

static int t1x_access_get(struct t1x_container *c, dma_addr_t iova, int prot,
			  struct page **page)
{
	struct t1x_dma *dma = t1x_dma_first(&c->dma_tree, iova, iova);
	unsigned long pfn;
	int ret;

	if (!dma)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "pin %#llx, where nothing is mapped", iova);
	if ((dma->prot & prot) != prot)
		return t1x_log_err(&c->errlog, -EPERM,
				   "pin %#llx, which is mapped for less", iova);

	ret = t1x_access_pages_get(&c->access_pages, t1x_access_pages_index(iova), &pfn);
	if (ret == -ENOENT)
		ret = t1x_access_add(c, dma, iova, &pfn);
	if (!ret)
		*page = pfn_to_page(pfn);
	return ret;
}

static void t1x_access_put_range(struct t1x_container *c, dma_addr_t iova,
				 int npages)
{
	struct t1x_dma *dma;

	for (; npages > 0; npages--, iova += PAGE_SIZE) {
		dma = t1x_dma_first(&c->dma_tree, iova, iova);
		if (dma)
			t1x_access_put(c, dma, iova);
	}
}

/* From its first pin on a group writes to nothing that it did not pin. */
static void t1x_access_scope_dirty(struct t1x_container *c, struct iommu_group *group)
{
	struct t1x_domain *d;
	struct t1x_group *g;

	g = t1x_container_find_group(c, group, &d);
	if (g && g->non_pinned) {
		g->non_pinned = false;
		c->nr_non_pinned_groups--;
	}
}

static int t1x_access_pin_locked(struct t1x_container *c,
				 struct iommu_group *group, dma_addr_t iova,
				 int npages, int prot, struct page **pages)
{
	int i, ret;

	lockdep_assert_held(&c->lock);

	if (c->nr_vaddr_invalid)
		return t1x_log_err(&c->errlog, -EBUSY,
				   "pages cannot be pinned while a vaddr is invalid");
	/* No device could be asked to unpin them again. */
	if (list_empty(&c->access_devices))
		return t1x_log_err(&c->errlog, -EINVAL,
				   "pin, and no open device has dma_unmap()");

	for (i = 0; i < npages; i++) {
		ret = t1x_access_get(c, iova + (dma_addr_t)i * PAGE_SIZE, prot,
				     &pages[i]);
		if (ret)
			goto err_put;
	}
	t1x_access_scope_dirty(c, group);
	return npages;

err_put:
	t1x_access_put_range(c, iova, i);
	memset(pages, 0, (i + 1) * sizeof(*pages));
	return ret;
}

static int t1x_access_last(dma_addr_t iova, int npages, dma_addr_t *last)
{
	size_t size;

	if (npages <= 0)
		return -EINVAL;
	if (check_mul_overflow((size_t)npages, PAGE_SIZE, &size) ||
	    check_add_overflow(iova, (dma_addr_t)size - 1, last))
		return -EOVERFLOW;
	return 0;
}

/**
 * t1x_access_pin_pages() - pin pages for a mediated device
 * @cookie: the container
 * @group: the device's group
 * @iova: first page
 * @npages: pages; vfio.ko allows 512 at most
 * @prot: IOMMU_READ and/or IOMMU_WRITE, what the device will do
 * @pages: filled with the pages; cleared on failure
 *
 * Context: called by vfio.ko while the device is open; may sleep.
 * Return: @npages; -EINVAL where nothing is mapped, for a page without struct
 * page, or when no device can be told of an unmap; -EACCES for type1 v1;
 * -EPERM for more than the mapping allows; -EBUSY while a vaddr is invalid;
 * -EOVERFLOW, -ENOMEM, -EFAULT, -EINTR, -ENODEV (the owner has exited).  On
 * failure nothing is pinned.
 */
int t1x_access_pin_pages(void *cookie, struct iommu_group *group, dma_addr_t iova,
			 int npages, int prot, struct page **pages)
{
	struct t1x_container *c;
	struct t1x_range range;
	dma_addr_t last;
	int ret;

	if (!pages || npages <= 0)
		return -EINVAL;
	c = t1x_container_get(cookie);
	if (!c)
		return -EINVAL;

	ret = c->v2 ? t1x_access_last(iova, npages, &last) : -EACCES;
	if (!ret)
		ret = t1x_container_lock(c, &range, iova, last,
					 T1X_RANGE_OTHER);
	if (!ret) {
		ret = t1x_access_pin_locked(c, group, iova & PAGE_MASK, npages,
					    prot, pages);
		t1x_container_unlock(c, &range);
	}
	t1x_container_put(c);
	return ret;
}

/**
 * t1x_access_unpin_pages() - undo t1x_access_pin_pages()
 * @cookie: the container
 * @iova: first page
 * @npages: pages
 *
 * A page that is not held is skipped: it may have gone with its mapping.
 *
 * Context: called by vfio.ko, also from a device's dma_unmap callback.
 */
void t1x_access_unpin_pages(void *cookie, dma_addr_t iova, int npages)
{
	struct t1x_container *c = t1x_container_get(cookie);
	dma_addr_t last;

	if (!c)
		return;
	/* MAP and UNMAP have locked no page that is held: nothing to wait for. */
	if (!t1x_access_last(iova, npages, &last)) {
		mutex_lock(&c->lock);
		t1x_access_put_range(c, iova & PAGE_MASK, npages);
		mutex_unlock(&c->lock);
	}
	t1x_container_put(c);
}

/* Copies to or from the address space of a mapping; false if part of that is missing. */
static bool t1x_access_copy(struct mm_struct *mm, void __user *vaddr, void *data,
			    size_t count, bool write)
{
	bool adopt = !current->mm;
	bool left;

	if (adopt)
		kthread_use_mm(mm);
	if (write)
		left = copy_to_user(vaddr, data, count);
	else
		left = copy_from_user(data, vaddr, count);
	if (adopt)
		kthread_unuse_mm(mm);
	return !left;
}

/*
 * The part of a mapping that can be copied at once, with the lock dropped for that; returns
 * bytes or an errno.
 */
static ssize_t t1x_access_rw_chunk(struct t1x_container *c, dma_addr_t iova,
				   void *data, size_t count, bool write)
{
	struct t1x_dma *dma = t1x_dma_first(&c->dma_tree, iova, iova);
	struct mm_struct *mm;
	void __user *vaddr;
	bool copied;

	if (!dma)
		return t1x_log_err(&c->errlog, -EINVAL,
				   "access to %#llx, where nothing is mapped",
				   iova);
	/* As in type1, a mapping has to be readable even to be written to. */
	if ((write && !(dma->prot & IOMMU_WRITE)) || !(dma->prot & IOMMU_READ))
		return t1x_log_err(&c->errlog, -EPERM,
				   "access to %#llx, which is mapped for less",
				   iova);

	mm = dma->owner.process->mm;
	if (current->mm && current->mm != mm)
		return -EFAULT;
	if (!mmget_not_zero(mm))
		return -EPERM;

	count = min_t(u64, count, dma->last - iova + 1);
	vaddr = (void __user *)(t1x_dma_vaddr(dma) + (unsigned long)(iova - dma->iova));
	mutex_unlock(&c->lock);
	copied = t1x_access_copy(mm, vaddr, data, count, write);
	mmput_async(mm);
	mutex_lock(&c->lock);
	if (!copied)
		return -EFAULT;
	if (write) {
		dma = t1x_dma_first(&c->dma_tree, iova, iova);
		t1x_dirty_mark(c, dma, iova - dma->iova, count);
	}
	return count;
}

/**
 * t1x_access_rw() - read or write the user's memory for a mediated device
 * @cookie: the container
 * @iova: first byte
 * @data: kernel buffer
 * @count: bytes
 * @write: into user memory
 *
 * Nothing is pinned.
 *
 * Context: called by vfio.ko while the device is open, from a kernel thread or
 * from the process that owns the mapping; faults user memory in.
 * Return: 0; -EINVAL where nothing is mapped, -EPERM, -EFAULT, -EBUSY while a
 * vaddr is invalid, -EOVERFLOW if the range wraps, -EINTR.  On failure part may
 * have been copied.
 */
int t1x_access_rw(void *cookie, dma_addr_t iova, void *data, size_t count,
		  bool write)
{
	struct t1x_container *c;
	struct t1x_range range;
	dma_addr_t last = iova;
	ssize_t done;
	int ret;

	if (count && check_add_overflow(iova, (dma_addr_t)count - 1, &last))
		return -EOVERFLOW;
	c = t1x_container_get(cookie);
	if (!c)
		return -EINVAL;
	ret = t1x_container_lock(c, &range, iova, last, T1X_RANGE_OTHER);
	if (ret)
		goto out_put;

	if (c->nr_vaddr_invalid)
		ret = t1x_log_err(&c->errlog, -EBUSY,
				  "memory cannot be read or written while a vaddr is invalid");
	while (count && !ret) {
		done = t1x_access_rw_chunk(c, iova, data, count, write);
		if (done < 0) {
			ret = done;
			break;
		}
		count -= done;
		data += done;
		iova += done;
	}

	t1x_container_unlock(c, &range);
out_put:
	t1x_container_put(c);
	return ret;
}

static void t1x_access_change(void *cookie, struct vfio_device *vdev,
			      bool open)
{
	struct t1x_container *c;

	/* A device without the callback can pin nothing. */
	if (!vdev->ops->dma_unmap)
		return;
	c = t1x_container_get(cookie);
	if (WARN_ON_ONCE(!c))
		return;
	down_write(&c->device_sem);
	mutex_lock(&c->lock);
	if (open)
		list_add(&vdev->iommu_entry, &c->access_devices);
	else
		list_del(&vdev->iommu_entry);
	mutex_unlock(&c->lock);
	up_write(&c->device_sem);
	t1x_container_put(c);
}

/**
 * t1x_access_open() - a mediated device was opened
 * @cookie: the container
 * @vdev: the device
 *
 * Context: called by vfio.ko; may sleep.
 */
void t1x_access_open(void *cookie, struct vfio_device *vdev)
{
	t1x_access_change(cookie, vdev, true);
}

/**
 * t1x_access_close() - undo t1x_access_open()
 * @cookie: the container
 * @vdev: the device; its dma_unmap is not called any more
 *
 * Context: called by vfio.ko; may sleep.
 */
void t1x_access_close(void *cookie, struct vfio_device *vdev)
{
	t1x_access_change(cookie, vdev, false);
}

/**
 * t1x_access_notify_unmap() - have mediated devices unpin the pages of a mapping
 * @c: the container
 * @iova: first byte of the mapping
 * @size: its bytes
 * @again: they were told before; let them get ready, for they cannot let go of
 *	what they are just about to note
 *
 * Context: neither the lock nor a range is held, for a device calls back to unpin.
 */
void t1x_access_notify_unmap(struct t1x_container *c, dma_addr_t iova, u64 size,
			     bool again)
{
	struct vfio_device *vdev;

	lockdep_assert_not_held(&c->lock);

	if (again)
		schedule_timeout_killable(1);
	down_read(&c->device_sem);
	list_for_each_entry(vdev, &c->access_devices, iommu_entry)
		vdev->ops->dma_unmap(vdev, iova, size);
	up_read(&c->device_sem);
}

/**
 * t1x_access_release() - unpin the pages that closed devices left pinned
 * @c: the container
 * @dma: the mapping; it is about to go with the last group
 *
 * A driver has to unpin its pages when its device is closed.  No device is open now, so
 * none may use the pages any more.
 *
 * Context: the lock is held.
 */
void t1x_access_release(struct t1x_container *c, struct t1x_dma *dma)
{
	unsigned long index = t1x_access_pages_index(dma->iova), dropped = 0;
	dma_addr_t iova;
	struct t1x_run page;

	while (t1x_access_pages_remove(&c->access_pages, &index, t1x_access_pages_index(dma->last),
				       &page)) {
		iova = (dma_addr_t)index << PAGE_SHIFT;
		t1x_unpin_run(&page, dma->prot & IOMMU_WRITE);
		t1x_refund(&dma->owner, t1x_access_nram(dma, iova, &page));
		dropped++;
	}
	if (dropped)
		pr_err_ratelimited("closed device still held %lu pages\n",
				   dropped);
}
