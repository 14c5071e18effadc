// SPDX-License-Identifier: GPL-2.0
/*
 * Batches: operations that ours does at the same time, and the in-tree driver one after the
 * other.
 *
 * What each of them returns can be compared because all of a batch commute: in any order they
 * return the same and leave the same behind. That is decided by what they ask for alone, so
 * what is left of a batch when a sequence is shrunk commutes as well. Only v2 is meant: in v1
 * an unmap takes mappings that begin in its range and end beyond it.
 */
#include <linux/vfio.h>

#include "arena.h"
#include "fuzz_ops.h"
#include "vfio.h"

struct extent {
	uint64_t first;
	uint64_t last;
};

/* All pages of a range, everything if it wraps. What is refused anyway only seems larger. */
static struct extent pages_of(uint64_t at, uint64_t size)
{
	uint64_t last = at + (size ?: 1) - 1;

	if (last < at)
		return (struct extent){ 0, UINT64_MAX };
	return (struct extent){ at & -PAGE, last | (PAGE - 1) };
}

static bool meet(struct extent a, struct extent b)
{
	return a.first <= b.last && b.first <= a.last;
}

static bool iovas_meet(const struct fuzz_op *a, const struct fuzz_op *b)
{
	return meet(pages_of(a->iova, a->size), pages_of(b->iova, b->size));
}

static bool memory_meets(const struct fuzz_op *a, const struct fuzz_op *b)
{
	return meet(pages_of(arena_vaddr(a), a->size), pages_of(arena_vaddr(b), b->size));
}

/*
 * A new owner takes a fork(), and DMAs share a page of memory. There is one place for a
 * bitmap of which half is not there; and how much an unmap did that cannot write it shows in
 * VmLck, of which a batch has only one.
 */
static bool is_alone(const struct fuzz_op *op)
{
	return op->kind == FUZZ_NEW_OWNER || op->kind == FUZZ_DMA || op->ptr == FUZZ_PTR_HALF;
}

/* Asks for what only attach and detach change. */
static bool only_asks(const struct fuzz_op *op)
{
	return op->kind == FUZZ_INFO || op->kind == FUZZ_EXTENSION || op->kind == FUZZ_IOCTL;
}

static bool is_group(const struct fuzz_op *op)
{
	return op->kind == FUZZ_ATTACH || op->kind == FUZZ_DETACH;
}

static bool is_memory(const struct fuzz_op *op)
{
	return op->kind == FUZZ_REGISTER || op->kind == FUZZ_UNREGISTER;
}

/* Depends on, and changes, only what is mapped in its range. */
static bool has_range(const struct fuzz_op *op)
{
	switch (op->kind) {
	case FUZZ_MAP:
		return !(op->flags & VFIO_DMA_MAP_FLAG_VADDR);
	case FUZZ_GRANULES:
		return true;
	case FUZZ_UNMAP:
		return !(op->flags & (VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR));
	case FUZZ_DIRTY:
		return op->flags == VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP;
	default:
		return false;
	}
}

/*
 * Containers share registered memory if it is the same, and then it is charged once; for
 * which of them does not matter.
 */
static bool memories_commute(const struct fuzz_op *a, const struct fuzz_op *b)
{
	return !memory_meets(a, b) ||
	       (a->container != b->container && a->kind == b->kind && a->flags == b->flags &&
		a->mem == b->mem && a->off == b->off && a->size == b->size);
}

/*
 * @op has a range, in the container of @memory. An unmap does not tell what memory is no
 * longer used then.
 */
static bool memory_commutes(const struct fuzz_op *memory, const struct fuzz_op *op)
{
	switch (op->kind) {
	case FUZZ_MAP:
	case FUZZ_GRANULES:
		return !memory_meets(memory, op);
	case FUZZ_UNMAP:
		return memory->kind == FUZZ_REGISTER;
	default:
		return true;
	}
}

/**
 * fuzz_commute() - do operations return the same and leave the same behind in any order
 * @a: an operation on a container of v2
 * @b: another
 *
 * Return: true if they do, whatever has been done before.
 */
bool fuzz_commute(const struct fuzz_op *a, const struct fuzz_op *b)
{
	if (is_alone(a) || is_alone(b))
		return false;
	if (is_memory(a) && is_memory(b))
		return memories_commute(a, b);
	if (a->container != b->container)
		return true;
	if (is_group(a) || is_group(b))
		return false;
	if (only_asks(a) || only_asks(b))
		return true;
	if (is_memory(a))
		return has_range(b) && memory_commutes(a, b);
	if (is_memory(b))
		return has_range(a) && memory_commutes(b, a);
	return has_range(a) && has_range(b) && !iovas_meet(a, b);
}

/**
 * fuzz_joins() - may an operation be done beside those before it
 * @seq: the sequence
 * @at: number of the operation, which is not the first
 *
 * Return: true if the batch of the operation before it has room, and all of it commutes
 * with this one.
 */
bool fuzz_joins(const struct fuzz_seq *seq, uint64_t at)
{
	uint64_t i = at;

	do {
		i--;
		if (at - i == FUZZ_BATCH || !fuzz_commute(&seq->ops[i], &seq->ops[at]))
			return false;
	} while (i && seq->ops[i].beside);
	return true;
}

/**
 * fuzz_batch() - how many operations are done at the same time
 * @seq: the sequence
 * @at: number of the first of them
 *
 * Return: their number, at least 1 and at most FUZZ_BATCH.
 */
unsigned int fuzz_batch(const struct fuzz_seq *seq, uint64_t at)
{
	unsigned int n = 1;

	while (n < FUZZ_BATCH && at + n < seq->n && seq->ops[at + n].beside)
		n++;
	return n;
}

/**
 * fuzz_nr_containers() - how many containers of each driver a sequence needs
 * @seq: the sequence
 *
 * Return: their number, at least 1 and at most FUZZ_CONTAINERS.
 */
unsigned int fuzz_nr_containers(const struct fuzz_seq *seq)
{
	unsigned int n = 1;
	uint64_t i;

	for (i = 0; i < seq->n; i++)
		if (seq->ops[i].container >= n)
			n = seq->ops[i].container + 1;
	return n;
}
