/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every file of type1x shares: words and limits.
 *
 * Words, each with one meaning everywhere:
 *
 *   iova     byte address on the device's side
 *   vaddr    byte address in the user's mm
 *   last     last byte (or index) of a range, inclusive; a one-past-the-end
 *            address does not exist for a range that ends at 2^64 - 1
 *   pfn      page frame number; npages counts pages of PAGE_SIZE, and no
 *            variable called size counts pages
 *   run      physically contiguous pages of one kind
 *   RAM      ordinary memory: pinned by GUP and charged to RLIMIT_MEMLOCK
 *   MMIO     what a VM_PFNMAP VMA maps, such as a BAR: neither pinned nor
 *            charged; the zero page and reserved pages that GUP brings are
 *            pinned like RAM, and not charged like MMIO
 *   mapping  what one VFIO_IOMMU_MAP_DMA made, struct t1x_dma
 *   filled   pages of a mapping that are present in every domain, but for revoked
 *            MMIO, and pinned and charged if they are RAM and not registered;
 *            always a prefix of the mapping
 *
 * Verbs come in inverse pairs: alloc/free, get/put, attach/detach, pin/unpin,
 * charge/refund, map/unmap, fill/unfill.
 */
#ifndef _T1X_H
#define _T1X_H

#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/string_helpers.h>
#include <linux/types.h>
#include <asm/page.h>

/*
 * Runs unmapped between two IOTLB syncs.  Bounds how long unmapped pages stay
 * pinned, and with it the latency of one step of a large unmap.
 */
#define T1X_SYNC_RUNS		512

/*
 * Pages unmapped between two IOTLB syncs, 64 GiB of them.  No run is longer, and its
 * pages fit into the 32 bits of &t1x_run.npages.
 */
#define T1X_SYNC_PAGES		(64UL << (30 - PAGE_SHIFT))

/*
 * An IOMMU is never asked to flush a range of IOVAs that reaches over a multiple of 2
 * to the power of this: 1 GiB is the most that every VT-d takes which has first-stage
 * translation or pages of that size.  See Documentation/kernel-faults.rst.
 */
#define T1X_FLUSH_SHIFT		30

/* Pages asked of GUP at a time; their pointers fill one page. */
#define T1X_GUP_BATCH		(PAGE_SIZE / sizeof(struct page *))

/*
 * How string_escape_mem() escapes a name that a process has chosen, all but printable
 * ASCII: a newline in it would begin a line of its own, and an escape sequence would reach
 * the terminal of the reader.
 */
#define T1X_ESCAPE	(ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND)
#define T1X_ESCAPE_ALSO	"\\"

#endif /* _T1X_H */
