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

#include "errlog.h"
#include "pfn_reader.h"
#include "t1x.h"

/* Memory of a file, which may be written to as far as the mapping is concerned. */
static const char *t1x_gup_error_of_file(const struct vm_area_struct *vma, bool write)
{
	switch (file_inode(vma->vm_file)->i_sb->s_magic) {
	case SECRETMEM_MAGIC:
		return "vaddr %#llx: secret memory (memfd_secret) cannot be pinned";
	case DMA_BUF_MAGIC:
		return "vaddr %#llx: a dma-buf cannot be pinned";
	case TMPFS_MAGIC:
		return "vaddr %#llx: behind the end of its memfd or tmpfs, or no memory is left";
	case HUGETLBFS_MAGIC:
		return "vaddr %#llx: behind the end of its hugetlbfs file, or no page is left";
	}
	if (write && vma->vm_flags & VM_SHARED)
		return "vaddr %#llx: a shared file on a file system that lets none be pinned";
	return "vaddr %#llx: behind the end of its file, or it cannot be read";
}

static const char *t1x_gup_error_reason(const struct vm_area_struct *vma, bool write)
{
	if (!vma)
		return "vaddr %#llx: nothing is mapped there";
	if (write && !(vma->vm_flags & VM_WRITE))
		return "vaddr %#llx: mapped without write access, which is asked for";
	if (!(vma->vm_flags & (VM_READ | VM_WRITE)))
		return "vaddr %#llx: mapped without read access";
	if (vma->vm_flags & VM_PFNMAP)
		return "vaddr %#llx: a device took its memory away, or put ordinary memory there";
	if (vma->vm_flags & VM_IO)
		return "vaddr %#llx: memory of a device, which cannot be pinned";
	if (vma->vm_file)
		return t1x_gup_error_of_file(vma, write);
	return "vaddr %#llx: no memory is left, or a userfaultfd has to provide it";
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

	if (ret == -EINTR)
		return;
	if (ret == -EFAULT && mmap_read_trylock(mm)) {
		why = t1x_gup_error_reason(vma_lookup(mm, untagged_addr_remote(mm, vaddr)),
					   reader->write);
		mmap_read_unlock(mm);
	}
	t1x_errlog_add(errlog, ret, NULL, why, &vaddr, 1);
}
