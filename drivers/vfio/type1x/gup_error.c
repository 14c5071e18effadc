// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why memory could not be pinned.
 *
 * GUP says -EFAULT to everything.  What is mapped at the address tells the reasons apart,
 * as far as they can be told afterwards: nothing here decides on a request.
 */
#include "gup_error.h"

#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd_k.h>

#include "errlog.h"
#include "pfn_reader.h"
#include "pfnmap.h"
#include "t1x.h"

#define T1X_GUP_ERROR_DISK							\
	"vaddr %#llx: a shared file on a disk cannot be pinned for writing: use tmpfs or share=off"
#define T1X_GUP_ERROR_UFFD							\
	"vaddr %#llx: a userfaultfd has to provide the page first, which is not waited for"

static bool t1x_gup_error_beyond_end(const struct vm_area_struct *vma,
				     const struct inode *inode, unsigned long vaddr)
{
	u64 offset = vaddr - vma->vm_start + ((u64)vma->vm_pgoff << PAGE_SHIFT);

	return S_ISREG(inode->i_mode) && offset >= i_size_read(inode);
}

/*
 * No file has a name in a pseudo file system, which drivers have for their memory; a memfd
 * and a block device are in one, too.
 */
static bool t1x_gup_error_is_driver(const struct inode *inode)
{
	const struct super_block *sb = inode->i_sb;

	return S_ISCHR(inode->i_mode) ||
	       (sb->s_flags & SB_NOUSER && !S_ISBLK(inode->i_mode) &&
		sb->s_magic != TMPFS_MAGIC && sb->s_magic != HUGETLBFS_MAGIC);
}

/* Memory of a file, or of a device that has no memory of its own there. */
static const char *t1x_gup_error_of_file(struct vm_area_struct *vma, unsigned long vaddr,
					 bool write)
{
	/* Of a block device itself, and not of its node in /dev. */
	const struct inode *inode = vma->vm_file->f_mapping->host;
	const unsigned long magic = inode->i_sb->s_magic;

	if (magic == SECRETMEM_MAGIC)
		return "vaddr %#llx: secret memory (memfd_secret) cannot be pinned";
	if (t1x_gup_error_beyond_end(vma, inode, vaddr))
		return "vaddr %#llx: behind the end of its file, which is shorter than that";
	if (magic == HUGETLBFS_MAGIC && !userfaultfd_armed(vma))
		return "vaddr %#llx: no huge page is left of the pool (nr_hugepages) or the cgroup";
	if (t1x_gup_error_is_driver(inode))
		return "vaddr %#llx: memory of a driver, which has none there or forbids to pin it";
	if (magic != TMPFS_MAGIC && magic != HUGETLBFS_MAGIC && write &&
	    vma->vm_flags & VM_SHARED)
		return T1X_GUP_ERROR_DISK;
	if (userfaultfd_armed(vma))
		return T1X_GUP_ERROR_UFFD;
	if (magic == TMPFS_MAGIC)
		return "vaddr %#llx: its tmpfs is full (see df), or no memory is left";
	return "vaddr %#llx: the file cannot be read there";
}

static const char *t1x_gup_error_of_device(struct vm_area_struct *vma, unsigned long vaddr)
{
	if (t1x_pfnmap_is_ram(vma, vaddr))
		return "vaddr %#llx: ordinary memory that its driver does not allow to be pinned";
	return "vaddr %#llx: memory of a device that is not there: in reset, or its decode is off";
}

static const char *t1x_gup_error_reason(struct vm_area_struct *vma, unsigned long vaddr,
					bool write)
{
	if (!vma)
		return "vaddr %#llx: nothing is mapped there";
	if (write && !(vma->vm_flags & VM_WRITE))
		return "vaddr %#llx: mapped without write access, which is asked for";
	if (!write && !(vma->vm_flags & VM_READ))
		return "vaddr %#llx: mapped without read access, which is asked for";
	if (vma->vm_file && file_inode(vma->vm_file)->i_sb->s_magic == DMA_BUF_MAGIC)
		return "vaddr %#llx: a dma-buf cannot be pinned: use a memfd or the like";
	if (vma->vm_flags & VM_PFNMAP)
		return t1x_gup_error_of_device(vma, vaddr);
	if (vma->vm_flags & VM_IO)
		return "vaddr %#llx: memory that its driver does not allow to be pinned";
	if (vma->vm_file)
		return t1x_gup_error_of_file(vma, vaddr, write);
	if (userfaultfd_armed(vma))
		return T1X_GUP_ERROR_UFFD;
	return "vaddr %#llx: a guard page, one lost to a memory error, or swap that cannot be read";
}

/**
 * t1x_gup_error_log() - record why a reader could not be filled
 * @errlog: of the container
 * @ret: what that failed with, a negative errno; -EINTR, of a caller that is being
 *	killed, is not recorded
 * @reader: the reader, which stands at the first address that could not be pinned
 *
 * Context: takes mmap_lock for read, if it is free; process context.
 */
void t1x_gup_error_log(struct t1x_errlog *errlog, int ret,
		       const struct t1x_pfn_reader *reader)
{
	const char *why = "vaddr %#llx: the memory cannot be pinned";
	struct mm_struct *mm = reader->mm;
	const u64 vaddr = reader->vaddr;
	unsigned long at;

	if (ret == -EINTR)
		return;
	if (ret == -ENOMEM) {
		why = "vaddr %#llx: no memory is left for its page, or to move it elsewhere";
	} else if (ret == -EOPNOTSUPP) {
		why = "vaddr %#llx: a file of a DAX file system cannot be pinned";
	} else if (ret == -EFAULT && mmap_read_trylock(mm)) {
		at = untagged_addr_remote(mm, vaddr);
		why = t1x_gup_error_reason(vma_lookup(mm, at), at, reader->write);
		mmap_read_unlock(mm);
	}
	t1x_errlog_add(errlog, ret, NULL, why, &vaddr, 1);
}
