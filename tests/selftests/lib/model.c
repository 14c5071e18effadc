// SPDX-License-Identifier: GPL-2.0
/*
 * The in-tree driver registers no memory, so what ours has to do is put together:
 * of what the in-tree driver did, and of what registering may change in that.
 *
 * A map whose range is registered is charged nothing, and fails if it wants to
 * write and may not.  An unmap gives back what the map was charged.  What
 * registering itself costs, and whether the memory is good, is found out by a map
 * on the in-tree side, see twin_ops.c.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdbool.h>

#include "arena.h"
#include "model.h"
#include "test.h"
#include "vfio.h"

/* What ours has registered, and what that was charged, in kB. */
static struct {
	uint64_t vaddr;
	uint64_t size;
	bool write;
	long charge;
	unsigned int used;
} regions[FUZZ_MAX_OPS];

/* What is mapped from there, and what the in-tree driver has charged for it. */
static struct {
	uint64_t iova;
	uint64_t size;
	size_t region;
	long charge;
} maps[FUZZ_MAX_OPS];

static size_t nr_regions, nr_maps;

/** model_begin() - a new sequence: nothing is registered or mapped */
void model_begin(void)
{
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

static int expect_register(const struct fuzz_op *op, uint64_t vaddr,
			   const struct result *trial)
{
	int ret = check_argument(op, vaddr, VFIO_TYPE1X_MEMORY_WRITE);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < nr_regions; i++)
		if (regions[i].size && regions[i].vaddr <= vaddr + op->size - 1 &&
		    vaddr <= regions[i].vaddr + regions[i].size - 1)
			return -EEXIST;
	if (trial->ret || op->mem == FUZZ_BAR)
		return -EFAULT;
	regions[nr_regions].vaddr = vaddr;
	regions[nr_regions].size = op->size;
	regions[nr_regions].write = op->flags & VFIO_TYPE1X_MEMORY_WRITE;
	regions[nr_regions].charge = trial->out;
	regions[nr_regions].used = 0;
	nr_regions++;
	return 0;
}

/* A region that has gone has no bytes, and stays in the table. */
static int expect_unregister(const struct fuzz_op *op, uint64_t vaddr,
			     long *locked)
{
	int ret = check_argument(op, vaddr, 0);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < nr_regions; i++)
		if (regions[i].vaddr == vaddr && regions[i].size == op->size)
			break;
	if (i == nr_regions)
		return -ENOENT;
	if (regions[i].used)
		return -EBUSY;
	*locked = -regions[i].charge;
	regions[i].size = 0;
	return 0;
}

static void expect_map(const struct fuzz_op *op, uint64_t vaddr, struct result *results)
{
	struct result *tree = &results[TREE];
	size_t i;

	if ((tree->ret && tree->ret != -EFAULT) ||
	    op->ptr == FUZZ_PTR_NULL_ARG || op->flags & VFIO_DMA_MAP_FLAG_VADDR)
		return;
	for (i = 0; i < nr_regions; i++)
		if (vaddr - regions[i].vaddr < regions[i].size &&
		    op->size <= regions[i].size - (vaddr - regions[i].vaddr))
			break;
	if (i == nr_regions)
		return;
	if (op->flags & VFIO_DMA_MAP_FLAG_WRITE && !regions[i].write) {
		if (!tree->ret)
			twins_undo_map(op, results);
		tree->ret = -EPERM;
	} else if (!tree->ret) {
		maps[nr_maps].iova = op->iova;
		maps[nr_maps].size = op->size;
		maps[nr_maps].region = i;
		maps[nr_maps].charge = tree->locked;
		nr_maps++;
		regions[i].used++;
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
		if (!(op->flags & VFIO_DMA_UNMAP_FLAG_ALL) &&
		    maps[i].iova - op->iova >= op->size) {
			i++;
			continue;
		}
		if (!partial)
			tree->locked += maps[i].charge;
		regions[maps[i].region].used--;
		maps[i] = maps[--nr_maps];
	}
}

/**
 * model_expect() - turn what the in-tree driver did into what ours has to do
 * @op: the operation that was done
 * @results: what came of it
 */
void model_expect(const struct fuzz_op *op, struct result *results)
{
	struct result *tree = &results[TREE];
	uint64_t vaddr = arena_vaddr(op);

	switch (op->kind) {
	case FUZZ_REGISTER:
		tree->ret = expect_register(op, vaddr, tree);
		tree->locked = tree->ret ? 0 : tree->out;
		tree->out = 0;
		break;
	case FUZZ_UNREGISTER:
		tree->ret = expect_unregister(op, vaddr, &tree->locked);
		break;
	case FUZZ_MAP:
		expect_map(op, vaddr, results);
		break;
	case FUZZ_UNMAP:
		expect_unmap(op, results);
		break;
	}
}
