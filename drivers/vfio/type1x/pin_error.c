// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why memory could not be pinned.
 *
 * GUP says -EFAULT to everything.  What is mapped at the address tells the reasons apart,
 * as far as they can be told afterwards: nothing here decides on a request.
 */
#include "pin_error.h"

#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "errlog.h"
#include "t1x.h"

/* Memory of a file, which may be written to as far as the mapping is concerned. */
static const char *t1x_pin_error_of_file(const struct vm_area_struct *vma, bool write)
{
	switch (file_inode(vma->vm_file)->i_sb->s_magic) {
	case SECRETMEM_MAGIC:
		return "memory at vaddr %#llx is secret (memfd_secret) and cannot be pinned";
	case DMA_BUF_MAGIC:
		return "memory at vaddr %#llx is a dma-buf, which cannot be pinned";
	case TMPFS_MAGIC:
		return "memory at vaddr %#llx cannot be faulted in: behind the end of its memfd or tmpfs file, or no memory is left for it";
	case HUGETLBFS_MAGIC:
		return "memory at vaddr %#llx cannot be faulted in: behind the end of its hugetlbfs file, or no huge page is left";
	}
	if (write && vma->vm_flags & VM_SHARED)
		return "memory at vaddr %#llx is a shared mapping of a file whose file system does not let it be pinned; memfd, tmpfs and hugetlbfs do";
	return "memory at vaddr %#llx cannot be read from its file, or is behind its end";
}

static const char *t1x_pin_error_reason(const struct vm_area_struct *vma, bool write)
{
	if (!vma)
		return "nothing is mapped at vaddr %#llx";
	if (write && !(vma->vm_flags & VM_WRITE))
		return "memory at vaddr %#llx is mapped without write access, which the request asks for";
	if (!(vma->vm_flags & (VM_READ | VM_WRITE)))
		return "memory at vaddr %#llx is mapped without read access";
	if (vma->vm_flags & VM_PFNMAP)
		return "memory at vaddr %#llx is of a device that does not give it away now, or ordinary memory in the place of such";
	if (vma->vm_flags & VM_IO)
		return "memory at vaddr %#llx is of a device, and cannot be pinned";
	if (vma->vm_file)
		return t1x_pin_error_of_file(vma, write);
	return "memory at vaddr %#llx cannot be faulted in: none is left, or a userfaultfd has to provide it";
}

/**
 * t1x_pin_error_log() - record and return the error of a request to pin memory
 * @errlog: of the container
 * @ret: what pinning failed with, a negative errno
 * @mm: the address space; has users
 * @vaddr: the first address that could not be pinned
 * @write: writing was asked for
 *
 * Context: takes mmap_lock for read, if it is free; process context.
 * Return: @ret.
 */
int t1x_pin_error_log(struct t1x_errlog *errlog, int ret, struct mm_struct *mm,
		      unsigned long vaddr, bool write)
{
	const char *why = "memory at vaddr %#llx cannot be pinned";
	const u64 address = vaddr;

	if (ret == -EFAULT && mmap_read_trylock(mm)) {
		why = t1x_pin_error_reason(vma_lookup(mm, untagged_addr_remote(mm, vaddr)),
					   write);
		mmap_read_unlock(mm);
	}
	return t1x_errlog_add(errlog, ret, NULL, why, &address, 1);
}
