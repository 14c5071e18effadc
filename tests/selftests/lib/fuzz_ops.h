/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random sequences of operations on a container, as fuzz makes them: from a
 * seed alone, and readable and writable as text, one operation a line.
 */
#ifndef T1X_SEQ_H
#define T1X_SEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SEQ_MAX_OPS	300

/* Room for a bitmap; a range that needs more gets a pointer to nothing. */
#define SEQ_BITMAP	65536UL

/** enum seq_kind - what an operation does */
enum seq_kind {
	/** @SEQ_MAP: VFIO_IOMMU_MAP_DMA */
	SEQ_MAP,
	/** @SEQ_HEIR: the same, by a process that ends then */
	SEQ_HEIR,
	/** @SEQ_UNMAP: VFIO_IOMMU_UNMAP_DMA */
	SEQ_UNMAP,
	/** @SEQ_DIRTY: VFIO_IOMMU_DIRTY_PAGES */
	SEQ_DIRTY,
	/** @SEQ_INFO: VFIO_IOMMU_GET_INFO */
	SEQ_INFO,
	/** @SEQ_EXTENSION: VFIO_CHECK_EXTENSION, of number flags */
	SEQ_EXTENSION,
	/** @SEQ_IOCTL: an ioctl that does not exist, of number flags */
	SEQ_IOCTL,
	/** @SEQ_ATTACH: group number flags joins the container */
	SEQ_ATTACH,
	/** @SEQ_DETACH: group number flags leaves it, unless it is the last */
	SEQ_DETACH,
	/** @SEQ_DMA: a device reads at iova */
	SEQ_DMA,
	/** @SEQ_REGISTER: VFIO_TYPE1X_REGISTER_MEMORY, on ours only */
	SEQ_REGISTER,
	/** @SEQ_UNREGISTER: VFIO_TYPE1X_UNREGISTER_MEMORY, on ours only */
	SEQ_UNREGISTER,
	/**
	 * @SEQ_GRANULES: a map by granules of pgsize bytes on ours; in-tree a map
	 * of each granule
	 */
	SEQ_GRANULES,
	/** @SEQ_NR_KINDS: number of kinds */
	SEQ_NR_KINDS,
};

/** enum seq_mem - where vaddr points to, see fuzz.c for how it is made */
enum seq_mem {
	/** @SEQ_NOWHERE: offset is the address itself */
	SEQ_NOWHERE,
	/** @SEQ_ANON: private memory, small pages */
	SEQ_ANON,
	/** @SEQ_HUGE: private memory, huge pages where there are any */
	SEQ_HUGE,
	/** @SEQ_COLD: private memory, not touched when a sequence begins */
	SEQ_COLD,
	/** @SEQ_SCATTERED: no two neighbours are contiguous */
	SEQ_SCATTERED,
	/** @SEQ_SHARED: a memfd */
	SEQ_SHARED,
	/** @SEQ_READONLY: cannot be written */
	SEQ_READONLY,
	/** @SEQ_ZERO: the page of zeroes, cannot be written */
	SEQ_ZERO,
	/** @SEQ_HOLE: has PROT_NONE in the middle */
	SEQ_HOLE,
	/** @SEQ_TAIL: ends in nothing */
	SEQ_TAIL,
	/** @SEQ_BAR: a region of a device, or nothing */
	SEQ_BAR,
	/** @SEQ_NR_MEMS: number of kinds */
	SEQ_NR_MEMS,
};

/** enum seq_ptr - what a pointer to a bitmap or to an argument is like */
enum seq_ptr {
	/** @SEQ_PTR_GOOD: as it should be */
	SEQ_PTR_GOOD,
	/** @SEQ_PTR_ODD: not aligned */
	SEQ_PTR_ODD,
	/** @SEQ_PTR_HALF: what comes behind its first half is not there */
	SEQ_PTR_HALF,
	/** @SEQ_PTR_NOTHING: an address where nothing is */
	SEQ_PTR_NOTHING,
	/** @SEQ_PTR_KERNEL: an address of the kernel's */
	SEQ_PTR_KERNEL,
	/** @SEQ_PTR_NULL_ARG: not the bitmap's but the argument's is bad */
	SEQ_PTR_NULL_ARG,
	/** @SEQ_NR_PTRS: number of kinds */
	SEQ_NR_PTRS,
};

/**
 * struct seq_op - one operation; what a field means, <linux/vfio.h> says
 * @kind: enum seq_kind
 * @argsz: of the argument
 * @flags: of the argument, or a number
 * @iova: first byte
 * @size: in bytes
 * @mem: enum seq_mem
 * @off: offset in @mem
 * @pgsize: of the bitmap, or of a granule
 * @bytes: of the bitmap
 * @ptr: enum seq_ptr
 */
struct seq_op {
	uint64_t kind;
	uint64_t argsz;
	uint64_t flags;
	uint64_t iova;
	uint64_t size;
	uint64_t mem;
	uint64_t off;
	uint64_t pgsize;
	uint64_t bytes;
	uint64_t ptr;
};

/**
 * struct seq - a sequence
 * @seed: that it was made of, or 0
 * @type: of the containers
 * @limit: RLIMIT_MEMLOCK in pages for each container, 0: none
 * @ours_first: which container is served first, in every operation
 * @n: number of operations
 * @ops: the operations
 */
struct seq {
	uint64_t seed;
	uint64_t type;
	uint64_t limit;
	uint64_t ours_first;
	uint64_t n;
	struct seq_op ops[SEQ_MAX_OPS];
};

/**
 * struct seq_shape - what sequences are made for
 * @type: of the containers
 * @groups: how many groups each container can have
 * @dma: one operation in so many is a DMA, 0: none
 * @memory: ours registers memory, see model.c; then there are neither limits nor
 *	heirs
 * @granules: ours maps by granules; then no vaddr is taken back
 */
struct seq_shape {
	uint64_t type;
	unsigned int groups;
	unsigned int dma;
	bool memory;
	bool granules;
};

uint64_t seq_random(uint64_t *state);
uint64_t seq_bitmap_bytes(uint64_t size);
void seq_make(struct seq *seq, uint64_t seed, const struct seq_shape *shape,
	      unsigned int max_ops);
const char *seq_kind_name(uint64_t kind);
void seq_op_text(const struct seq_op *op, char *text, size_t len);
void seq_head_text(const struct seq *seq, char *text, size_t len);
bool seq_read(struct seq *seq, FILE *file);

#endif /* T1X_SEQ_H */
