/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random sequences of operations on a container, as fuzz makes them: from a
 * seed alone, and readable and writable as text, one operation a line.
 */
#ifndef T1X_FUZZ_OPS_H
#define T1X_FUZZ_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FUZZ_MAX_OPS	300

/* Containers of each driver, and operations at the same time, at most. */
#define FUZZ_CONTAINERS	2
#define FUZZ_BATCH	8

/* Sizes are numbers of pages; this many are a MiB where a page has 4 KiB. */
#define FUZZ_MIB	(256 * T1X_PAGE_SIZE)

/* Room for a bitmap; a range that needs more gets a pointer to nothing. */
#define FUZZ_BITMAP	65536UL

/** enum fuzz_kind - what an operation does */
enum fuzz_kind {
	/** @FUZZ_MAP: VFIO_IOMMU_MAP_DMA */
	FUZZ_MAP,
	/** @FUZZ_NEW_OWNER: the same, by a process that ends then */
	FUZZ_NEW_OWNER,
	/** @FUZZ_UNMAP: VFIO_IOMMU_UNMAP_DMA */
	FUZZ_UNMAP,
	/** @FUZZ_DIRTY: VFIO_IOMMU_DIRTY_PAGES */
	FUZZ_DIRTY,
	/** @FUZZ_INFO: VFIO_IOMMU_GET_INFO */
	FUZZ_INFO,
	/** @FUZZ_EXTENSION: VFIO_CHECK_EXTENSION, of number flags */
	FUZZ_EXTENSION,
	/** @FUZZ_IOCTL: an ioctl that does not exist, of number flags */
	FUZZ_IOCTL,
	/** @FUZZ_ATTACH: group number flags joins the container */
	FUZZ_ATTACH,
	/** @FUZZ_DETACH: group number flags leaves it, unless it is the last */
	FUZZ_DETACH,
	/** @FUZZ_DMA: a device reads at iova */
	FUZZ_DMA,
	/** @FUZZ_REGISTER: VFIO_TYPE1X_REGISTER_MEMORY, on ours only */
	FUZZ_REGISTER,
	/** @FUZZ_UNREGISTER: VFIO_TYPE1X_UNREGISTER_MEMORY, on ours only */
	FUZZ_UNREGISTER,
	/**
	 * @FUZZ_GRANULES: a map by granules of pgsize bytes on ours; in-tree a map
	 * of each granule
	 */
	FUZZ_GRANULES,
	/** @FUZZ_NR_KINDS: number of kinds */
	FUZZ_NR_KINDS,
};

/** enum fuzz_mem - where vaddr points to, see arena.c for how it is made */
enum fuzz_mem {
	/** @FUZZ_NOWHERE: offset is the address itself */
	FUZZ_NOWHERE,
	/** @FUZZ_ANON: private memory, small pages */
	FUZZ_ANON,
	/** @FUZZ_HUGE: private memory, huge pages where there are any */
	FUZZ_HUGE,
	/** @FUZZ_COLD: private memory, not touched when a sequence begins */
	FUZZ_COLD,
	/** @FUZZ_SCATTERED: no two neighbours are contiguous */
	FUZZ_SCATTERED,
	/** @FUZZ_SHARED: a memfd */
	FUZZ_SHARED,
	/** @FUZZ_READONLY: cannot be written */
	FUZZ_READONLY,
	/** @FUZZ_ZERO: the page of zeroes, cannot be written */
	FUZZ_ZERO,
	/** @FUZZ_HOLE: has PROT_NONE in the middle */
	FUZZ_HOLE,
	/** @FUZZ_TAIL: ends in nothing */
	FUZZ_TAIL,
	/** @FUZZ_BAR: a region of a device, or nothing */
	FUZZ_BAR,
	/** @FUZZ_NR_MEMS: number of kinds */
	FUZZ_NR_MEMS,
};

/** enum fuzz_ptr - what a pointer to a bitmap or to an argument is like */
enum fuzz_ptr {
	/** @FUZZ_PTR_GOOD: as it should be */
	FUZZ_PTR_GOOD,
	/** @FUZZ_PTR_ODD: not aligned */
	FUZZ_PTR_ODD,
	/** @FUZZ_PTR_HALF: what comes behind its first half is not there */
	FUZZ_PTR_HALF,
	/** @FUZZ_PTR_NOTHING: an address where nothing is */
	FUZZ_PTR_NOTHING,
	/** @FUZZ_PTR_KERNEL: an address of the kernel's */
	FUZZ_PTR_KERNEL,
	/** @FUZZ_PTR_NULL_ARG: not the bitmap's but the argument's is bad */
	FUZZ_PTR_NULL_ARG,
	/** @FUZZ_NR_PTRS: number of kinds */
	FUZZ_NR_PTRS,
};

/**
 * struct fuzz_op - one operation; what a field means, <linux/vfio.h> says
 * @kind: enum fuzz_kind
 * @argsz: of the argument
 * @flags: of the argument, or a number
 * @iova: first byte
 * @size: in bytes
 * @mem: enum fuzz_mem
 * @off: offset in @mem
 * @pgsize: of the bitmap, or of a granule
 * @bytes: of the bitmap
 * @ptr: enum fuzz_ptr
 * @container: which container of each driver it is for
 * @beside: ours does it at the same time as the operation before it
 */
struct fuzz_op {
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
	uint64_t container;
	uint64_t beside;
};

/**
 * struct fuzz_seq - a sequence
 * @seed: that it was made of, or 0
 * @type: of the containers
 * @limit: RLIMIT_MEMLOCK in pages for each container, 0: none
 * @ours_first: which container is served first, in every operation
 * @n: number of operations
 * @ops: the operations
 */
struct fuzz_seq {
	uint64_t seed;
	uint64_t type;
	uint64_t limit;
	uint64_t ours_first;
	uint64_t n;
	struct fuzz_op ops[FUZZ_MAX_OPS];
};

/**
 * struct fuzz_shape - what sequences are made for
 * @type: of the containers
 * @groups: how many groups each container can have
 * @containers: how many containers of each driver there are
 * @dma: one operation in so many is a DMA, 0: none
 * @memory: ours registers memory, see model.c; then there are neither limits nor
 *	new owners
 * @granules: ours maps by granules; then no vaddr is taken back
 * @threads: operations that commute may be done at the same time; then there are no
 *	limits
 */
struct fuzz_shape {
	uint64_t type;
	unsigned int groups;
	unsigned int containers;
	unsigned int dma;
	bool memory;
	bool granules;
	bool threads;
};

/**
 * fuzz_bitmap_bytes() - how large a bitmap has to be
 * @size: of the range
 *
 * Return: bytes of a bitmap with a bit for each page.
 */
static inline uint64_t fuzz_bitmap_bytes(uint64_t size)
{
	return (size / T1X_PAGE_SIZE + 63) / 64 * 8;
}

void fuzz_seq_make(struct fuzz_seq *seq, uint64_t seed, const struct fuzz_shape *shape,
		   unsigned int max_ops);
bool fuzz_commute(const struct fuzz_op *a, const struct fuzz_op *b);
bool fuzz_joins(const struct fuzz_seq *seq, uint64_t at);
unsigned int fuzz_batch(const struct fuzz_seq *seq, uint64_t at);
unsigned int fuzz_nr_containers(const struct fuzz_seq *seq);
const char *fuzz_kind_name(uint64_t kind);
void fuzz_op_text(const struct fuzz_op *op, char *text, size_t len);
void fuzz_seq_head_text(const struct fuzz_seq *seq, char *text, size_t len);
bool fuzz_seq_read(struct fuzz_seq *seq, FILE *file);

#endif /* T1X_FUZZ_OPS_H */
