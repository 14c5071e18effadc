// SPDX-License-Identifier: GPL-2.0
/*
 * The in-tree driver registers no memory, so what ours has to do is put together:
 * of what the in-tree driver did, and of what registering may change in that.
 *
 * A map whose range is registered in its container is charged nothing, and fails if it wants
 * to write and may not.  An unmap gives back what the map was charged.  Containers that
 * register the very same range share the pins and the charge.  What registering itself costs,
 * and whether the memory is good, is found out by a map on the in-tree side, see twin_ops.c.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdlib.h>

#include "arena.h"
#include "model.h"
#include "test.h"
#include "vfio.h"

/* What ours has pinned, and what that was charged, in kB; without users it has gone. */
static struct memory {
	uint64_t vaddr;
	uint64_t size;
	bool write;
	long charge;
	unsigned int users;
} memories[FUZZ_MAX_OPS];

/* What a container has registered; one that has gone has no memory. */
static struct region {
	struct memory *memory;
	uint64_t container;
	bool write;
	unsigned int used;
} regions[FUZZ_MAX_OPS];

/*
 * What is mapped from there, and what the in-tree driver has charged for it: of a map by
 * granules each granule.
 */
static struct map {
	uint64_t iova;
	uint64_t size;
	struct region *region;
	long charge;
} *maps;

static size_t nr_memories, nr_regions, nr_maps, max_maps;

/** model_begin() - a new sequence: nothing is registered or mapped */
void model_begin(void)
{
	nr_memories = 0;
	nr_regions = 0;
	nr_maps = 0;
}

static int check_argument(const struct fuzz_op *op, uint64_t vaddr,
			  uint64_t known)
{
	if (op->ptr == FUZZ_PTR_NULL_ARG)
		return -EFAULT;
	if (op->argsz < sizeof(struct vfio_type1x_memory) ||
	    (uint32_t)op->flags & ~known)
		return -EINVAL;
	if (!op->size || (vaddr | op->size) % PAGE)
		return -EINVAL;
	return vaddr + op->size - 1 < vaddr ? -EOVERFLOW : 0;
}

static bool is_same(const struct memory *memory, uint64_t vaddr, uint64_t size)
{
	return memory->vaddr == vaddr && memory->size == size;
}

static bool overlaps(const struct memory *memory, uint64_t vaddr, uint64_t size)
{
	return memory->vaddr <= vaddr + size - 1 && vaddr <= memory->vaddr + memory->size - 1;
}

/* The first that overlaps a range, or NULL: no two of them overlap each other. */
static struct memory *find_memory(uint64_t vaddr, uint64_t size)
{
	size_t i;

	for (i = 0; i < nr_memories; i++)
		if (memories[i].users && overlaps(&memories[i], vaddr, size))
			return &memories[i];
	return NULL;
}

static void add_region(const struct fuzz_op *op, struct memory *memory)
{
	struct region *region = &regions[nr_regions++];

	memory->users++;
	region->memory = memory;
	region->container = op->container;
	region->write = op->flags & VFIO_TYPE1X_MEMORY_WRITE;
	region->used = 0;
}

/* Sets @charge to what is charged for it. */
static int expect_register(const struct fuzz_op *op, uint64_t vaddr,
			   const struct result *trial, long *charge)
{
	int ret = check_argument(op, vaddr, VFIO_TYPE1X_MEMORY_WRITE);
	bool write = op->flags & VFIO_TYPE1X_MEMORY_WRITE;
	struct memory *memory;
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < nr_regions; i++)
		if (regions[i].memory && regions[i].container == op->container &&
		    overlaps(regions[i].memory, vaddr, op->size))
			return -EEXIST;
	memory = find_memory(vaddr, op->size);
	if (memory) {
		if (!is_same(memory, vaddr, op->size))
			return -EEXIST;
		if (write && !memory->write)
			return -EPERM;
		add_region(op, memory);
		return 0;
	}
	if (trial->ret || op->mem == FUZZ_BAR)
		return -EFAULT;
	memory = &memories[nr_memories++];
	memory->vaddr = vaddr;
	memory->size = op->size;
	memory->write = write;
	memory->charge = trial->out;
	memory->users = 0;
	add_region(op, memory);
	*charge = memory->charge;
	return 0;
}

static int expect_unregister(const struct fuzz_op *op, uint64_t vaddr,
			     long *charge)
{
	int ret = check_argument(op, vaddr, 0);
	struct region *region;

	if (ret)
		return ret;
	for (region = regions; region < regions + nr_regions; region++)
		if (region->memory && region->container == op->container &&
		    is_same(region->memory, vaddr, op->size))
			break;
	if (region == regions + nr_regions)
		return -ENOENT;
	if (region->used)
		return -EBUSY;
	if (!--region->memory->users)
		*charge = -region->memory->charge;
	region->memory = NULL;
	return 0;
}

/* The region that has all of the memory that is to be mapped, or NULL. */
static struct region *find_region(const struct fuzz_op *op, uint64_t vaddr)
{
	const struct memory *memory;
	size_t i;

	for (i = 0; i < nr_regions; i++) {
		memory = regions[i].memory;
		if (memory && regions[i].container == op->container &&
		    vaddr - memory->vaddr < memory->size &&
		    op->size <= memory->size - (vaddr - memory->vaddr))
			return &regions[i];
	}
	return NULL;
}

/* All pages that can be registered are charged, so a part's charge tells from its size. */
static void note_map(const struct fuzz_op *op, struct region *region, long charge)
{
	uint64_t part = op->kind == FUZZ_GRANULES ? op->pgsize : op->size;
	uint64_t nr = op->size / part, i;

	if (nr_maps + nr > max_maps) {
		max_maps = 2 * (nr_maps + nr);
		maps = realloc(maps, max_maps * sizeof(*maps));
		assert_ne(maps, NULL);
	}
	for (i = 0; i < nr; i++)
		maps[nr_maps++] = (struct map){
			.iova = op->iova + i * part,
			.size = part,
			.region = region,
			.charge = charge / (long)nr,
		};
	region->used += nr;
}

static void expect_map(const struct fuzz_op *op, uint64_t vaddr, struct result *results)
{
	struct result *tree = &results[TREE];
	struct region *region;

	if ((tree->ret && tree->ret != -EFAULT) ||
	    op->ptr == FUZZ_PTR_NULL_ARG || op->flags & VFIO_DMA_MAP_FLAG_VADDR)
		return;
	region = find_region(op, vaddr);
	if (!region)
		return;
	if (op->flags & VFIO_DMA_MAP_FLAG_WRITE && !region->write) {
		if (!tree->ret)
			twins_undo_map(op, results);
		tree->ret = -EPERM;
	} else if (!tree->ret) {
		note_map(op, region, tree->locked);
	}
	tree->locked = 0;
}

static void expect_unmap(const struct fuzz_op *op, struct result *results)
{
	struct result *tree = &results[TREE];
	bool partial = twins_unmap_is_partial(op, tree, &results[OUR]);
	size_t i = 0;

	/* A partial unmap is completed by twins_settle(). */
	if ((tree->ret && !partial) || op->flags & VFIO_DMA_UNMAP_FLAG_VADDR)
		return;
	while (i < nr_maps) {
		if (maps[i].region->container != op->container ||
		    (!(op->flags & VFIO_DMA_UNMAP_FLAG_ALL) &&
		     maps[i].iova - op->iova >= op->size)) {
			i++;
			continue;
		}
		if (!partial)
			tree->locked += maps[i].charge;
		maps[i].region->used--;
		maps[i] = maps[--nr_maps];
	}
}

/**
 * model_expect() - turn what the in-tree driver did into what ours has to do
 * @op: an operation
 * @results: what came of it
 */
void model_expect(const struct fuzz_op *op, struct result *results)
{
	struct result *tree = &results[TREE];
	uint64_t vaddr = arena_vaddr(op);
	long charge = 0;

	switch (op->kind) {
	case FUZZ_REGISTER:
		tree->ret = expect_register(op, vaddr, tree, &charge);
		tree->locked = charge;
		tree->out = 0;
		break;
	case FUZZ_UNREGISTER:
		tree->ret = expect_unregister(op, vaddr, &charge);
		tree->locked = charge;
		break;
	case FUZZ_MAP:
	case FUZZ_GRANULES:
		expect_map(op, vaddr, results);
		break;
	case FUZZ_UNMAP:
		expect_unmap(op, results);
		break;
	}
}
