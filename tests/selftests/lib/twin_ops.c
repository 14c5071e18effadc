// SPDX-License-Identifier: GPL-2.0
/* What each operation of fuzz is, on a container of either driver. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "dirty.h"
#include "sys.h"
#include "test.h"
#include "twin_containers.h"
#include "twin_ops.h"
#include "vfio.h"

#define NOTHING		0x1f00000000UL
#define KERNEL		0xffff888000000000UL

#define DMA_LEN		64

/* IOVA of the in-tree map that tells whether memory can be registered, and its size. */
#define IOVA_TRIAL	0x08800000UL
#define MOST_MEMORY	(8 * FUZZ_MIB)

static int call(const struct twin *twin, unsigned long nr, void *arg,
		const struct fuzz_op *op)
{
	if (op->ptr == FUZZ_PTR_NULL_ARG)
		arg = NULL;
	return ioctl(twin->fd, nr, arg) < 0 ? -errno : 0;
}

/*
 * In-tree a mapping for each granule: that can be unmapped by parts, too.  First
 * all of it, to see whether it can be mapped.
 */
static int map_granules(const struct twin *twin, const struct fuzz_op *op)
{
	char *vaddr = (char *)arena_vaddr(op);
	uint64_t at;
	int ret;

	ret = dma_map(twin->fd, vaddr, op->iova, op->size, op->flags);
	if (ret)
		return ret;
	assert_ret(dma_unmap(twin->fd, op->iova, op->size), op->size);
	for (at = 0; at < op->size; at += op->pgsize)
		assert_ret(dma_map(twin->fd, vaddr + at, op->iova + at,
				   op->pgsize, op->flags), 0);
	return 0;
}

static void do_granules(struct twin *twin, const struct fuzz_op *op,
			struct result *res)
{
	struct vfio_type1x_dma_map map = {
		.argsz = sizeof(map),
		.flags = op->flags | VFIO_TYPE1X_MAP_FLAG_GRANULE,
		.vaddr = arena_vaddr(op),
		.iova = op->iova,
		.size = op->size,
		.granule = op->pgsize,
	};

	if (twin->side == TREE)
		res->ret = map_granules(twin, op);
	else
		res->ret = call(twin, VFIO_IOMMU_MAP_DMA, &map, op);
}

static void do_map(struct twin *twin, const struct fuzz_op *op,
		   struct result *res)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = op->argsz,
		.flags = op->flags,
		.vaddr = arena_vaddr(op),
		.iova = op->iova,
		.size = op->size,
	};

	res->ret = call(twin, VFIO_IOMMU_MAP_DMA, &map, op);
	res->out = map.size;
}

/* A child with the same memory: it becomes the owner, is charged, and exits. */
static void do_new_owner(const struct fuzz_seq *seq, struct twin *twin,
			 const struct fuzz_op *op, struct result *res)
{
	struct rlimit limit = { seq->limit * PAGE, RLIM_INFINITY };
	pid_t pid;

	arena_child[0] = -ECHILD;
	pid = fork();
	if (!pid) {
		if (seq->limit)
			setrlimit(RLIMIT_MEMLOCK, &limit);
		do_map(twin, op, res);
		arena_child[0] = res->ret;
		arena_child[1] = sys_vmlck();
		_exit(0);
	}
	assert_eq(waitpid(pid, NULL, 0), pid);
	res->ret = arena_child[0];
	res->out = arena_child[1];
}

/* What is in a bitmap before; where that is 0, nothing is hidden. */
static unsigned char poison_of(const struct fuzz_op *op)
{
	static const unsigned char poisons[] = { 0, 0xff, 0xa5, 0 };

	return poisons[(op->iova ^ op->size) >> 12 & 3];
}

static void make_bitmap(struct vfio_bitmap *bitmap, const struct fuzz_op *op,
			struct result *res)
{
	uint64_t need = fuzz_bitmap_bytes(op->size);

	bitmap->pgsize = op->pgsize;
	bitmap->size = op->bytes;
	switch (op->ptr) {
	case FUZZ_PTR_NOTHING:
		bitmap->data = (void *)NOTHING;
		break;
	case FUZZ_PTR_KERNEL:
		bitmap->data = (void *)KERNEL;
		break;
	case FUZZ_PTR_HALF:
		res->len = (need / 2 + 7) & ~7UL;
		bitmap->data = (void *)(arena_edge - res->len);
		memset(bitmap->data, poison_of(op), res->len);
		return;
	default:
		bitmap->data = (void *)(res->bytes +
					(op->ptr == FUZZ_PTR_ODD ? 4 : 0));
		break;
	}
	res->len = (need < FUZZ_BITMAP ? need : FUZZ_BITMAP) + 256;
	memset(res->bytes, poison_of(op), res->len);
}

/*
 * Before 7.2 the in-tree driver finds no mapping in a range that ends with the
 * address space. The request is repeated without the last page, where no mapping
 * can be.
 */
static bool finds_nothing(const struct twin *twin, const struct fuzz_op *op)
{
	return twin->side == TREE && sys_kernel_before(7, 2) &&
	       op->size > PAGE && !(op->iova + op->size);
}

/* What was written before an error is not compared. */
static void read_half(const struct fuzz_op *op, struct result *res)
{
	if (op->ptr != FUZZ_PTR_HALF || !res->len)
		return;
	if (res->ret)
		res->len = 0;
	memcpy(res->bytes, arena_edge - res->len, res->len);
}

static void do_unmap(struct twin *twin, const struct fuzz_op *op,
		     struct result *res)
{
	struct {
		struct vfio_iommu_type1_dma_unmap head;
		struct vfio_bitmap bitmap;
	} arg = {
		.head = {
			.argsz = op->argsz,
			.flags = op->flags,
			.iova = op->iova,
			.size = op->size,
		},
	};

	if (op->flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP)
		make_bitmap(&arg.bitmap, op, res);
	res->ret = call(twin, VFIO_IOMMU_UNMAP_DMA, &arg, op);
	if (finds_nothing(twin, op) && !res->ret && !arg.head.size) {
		arg.head.size = op->size - PAGE;
		res->ret = call(twin, VFIO_IOMMU_UNMAP_DMA, &arg, op);
	}
	res->out = arg.head.size;
	read_half(op, res);
}

static void do_dirty(struct twin *twin, const struct fuzz_op *op,
		     struct result *res)
{
	struct dirty_get arg = {
		.head = { .argsz = op->argsz, .flags = op->flags },
		.range = { .iova = op->iova, .size = op->size },
	};

	if (op->flags & GET)
		make_bitmap(&arg.range.bitmap, op, res);
	res->ret = call(twin, VFIO_IOMMU_DIRTY_PAGES, &arg, op);
	read_half(op, res);
}

/*
 * What an answer to GET_INFO says, without where it says it, and without the
 * number of mappings left: ours has no limit.
 */
static void simplify_info(struct result *res, uint32_t argsz, bool ours)
{
	struct vfio_iommu_type1_info_dma_avail *avail;
	struct vfio_info_cap_header *cap;
	unsigned char copy[4096];
	uint32_t at, next, end;

	/* The last 4 bytes are padding, and not always written. */
	res->len = argsz < 24 ? argsz : 20;
	if (argsz < 24)
		return;
	memcpy(copy, res->bytes, sizeof(copy));
	memcpy(&at, copy + 16, sizeof(at));
	for (; at; at = next) {
		if (at > sizeof(copy) - sizeof(*cap))
			fail("capability at %u", at);
		cap = (void *)(copy + at);
		next = cap->next;
		end = next ?: (res->out + 7) & ~7UL;
		cap->next = 0;
		if (cap->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) {
			avail = (void *)cap;
			if (ours)
				expect_eq(avail->avail, UINT32_MAX);
			avail->avail = 0;
			end = at + sizeof(*avail);
		} else if (cap->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
			end = at + 16 + 16 * *(uint32_t *)(cap + 1);
		}
		if (end < at || end > sizeof(copy) ||
		    res->len + end - at > sizeof(res->bytes))
			fail("capability ends at %u", end);
		memcpy(res->bytes + res->len, copy + at, end - at);
		res->len += end - at;
	}
	/* argsz is in out; the last capability says where all ends. */
	memset(res->bytes, 0, 4);
}

static void do_info(struct twin *twin, const struct fuzz_op *op,
		    struct result *res)
{
	struct vfio_iommu_type1_info *info = (void *)res->bytes;
	uint32_t argsz = op->argsz < 4096 ? op->argsz : 4096;

	memset(res->bytes, 0xa5, 4096);
	info->argsz = op->argsz;
	res->ret = call(twin, VFIO_IOMMU_GET_INFO, info, op);
	res->out = info->argsz;
	res->len = 64;
	if (res->ret)
		return;
	/* Without room for cap_offset the kernel may not write one. */
	if (argsz >= 24 && info->argsz <= argsz)
		info->argsz = op->argsz;
	if (argsz < 24 || info->argsz > op->argsz)
		info->cap_offset = 0;
	simplify_info(res, argsz, twin->side == OUR);
}

static unsigned int nr_attached(const struct twin *twin)
{
	unsigned int g, n = 0;

	for (g = 0; g < twins.nr_groups; g++)
		n += twin->in[g];
	return n;
}

static void do_group(struct twin *twin, const struct fuzz_op *op,
		     struct result *res)
{
	bool attach = op->kind == FUZZ_ATTACH;
	unsigned int g = op->flags;
	long violations;

	if (g >= twins.nr_groups || twin->in[g] == attach ||
	    (!attach && nr_attached(twin) == 1))
		return;
	violations = sys_mock_get("violations");
	res->ret = attach ? vfio_group_join(twin->groups[g], twin->fd) :
			    vfio_group_leave(twin->groups[g]);
	if (twin->side == TREE)
		twins_forget_violations(violations);
	if (!res->ret)
		twin->in[g] = attach;
}

static void do_dma(struct twin *twin, const struct fuzz_op *op,
		   struct result *res)
{
	int g = 0;
	struct vdev dev;

	while (!twin->in[g])
		g++;
	res->ret = dma_map(twin->fd, arena_scratch, IOVA_SCRATCH, PAGE, RW);
	if (res->ret)
		return;
	if (sys_is_uml())
		vfio_mock_device_open(&dev, twin->groups[g],
				      twin->devices[g]);
	else
		vfio_device_open(&dev, twin->groups[g], twin->side);
	/* A device that may not read keeps what it has. */
	memset(arena_scratch, 0x3c, DMA_LEN);
	dma_load(&dev, IOVA_SCRATCH, 0, DMA_LEN);
	dma_load(&dev, op->iova, 0, DMA_LEN);
	memset(arena_scratch, 0, DMA_LEN);
	dma_store(&dev, IOVA_SCRATCH, 0, DMA_LEN);
	memcpy(res->bytes, arena_scratch, DMA_LEN);
	res->len = DMA_LEN;
	vfio_device_close(&dev);
	res->out = dma_unmap(twin->fd, IOVA_SCRATCH, PAGE);
}

/* In-tree there is only this: is the memory good, and what would it be charged? */
static void try_memory(struct twin *twin, const struct fuzz_op *op,
		       struct result *res)
{
	long vmlck = twins_vmlck();

	res->ret = -EFAULT;
	if (op->kind != FUZZ_REGISTER || op->size > MOST_MEMORY)
		return;
	res->ret = dma_map(twin->fd, (void *)arena_vaddr(op), IOVA_TRIAL,
			   op->size,
			   op->flags & VFIO_TYPE1X_MEMORY_WRITE ? RW : RO);
	res->out = twins_vmlck() - vmlck;
	if (!res->ret)
		assert_ret(dma_unmap(twin->fd, IOVA_TRIAL, op->size),
			   op->size);
}

static void do_memory(struct twin *twin, const struct fuzz_op *op,
		      struct result *res)
{
	struct vfio_type1x_memory memory = {
		.argsz = op->argsz,
		.flags = op->flags,
		.vaddr = arena_vaddr(op),
		.size = op->size,
	};

	if (twin->side == TREE)
		try_memory(twin, op, res);
	else
		res->ret = call(twin, op->kind == FUZZ_REGISTER ?
				VFIO_TYPE1X_REGISTER_MEMORY :
				VFIO_TYPE1X_UNREGISTER_MEMORY, &memory, op);
}

/**
 * twin_do() - do an operation on a container
 * @twin: the container
 * @seq: the sequence
 * @op: one of its operations
 * @res: set to what comes of it, but for &result.locked
 *
 * May be called by several threads, for operations that fuzz_commute().
 */
void twin_do(struct twin *twin, const struct fuzz_seq *seq, const struct fuzz_op *op,
	     struct result *res)
{
	unsigned char arg[64] = { 64 };

	res->ret = 0;
	res->out = 0;
	res->locked = 0;
	res->len = 0;
	switch (op->kind) {
	case FUZZ_MAP:
		do_map(twin, op, res);
		break;
	case FUZZ_GRANULES:
		do_granules(twin, op, res);
		break;
	case FUZZ_NEW_OWNER:
		do_new_owner(seq, twin, op, res);
		break;
	case FUZZ_UNMAP:
		do_unmap(twin, op, res);
		break;
	case FUZZ_DIRTY:
		do_dirty(twin, op, res);
		break;
	case FUZZ_INFO:
		do_info(twin, op, res);
		break;
	case FUZZ_EXTENSION:
		res->ret = ioctl(twin->fd, VFIO_CHECK_EXTENSION, op->flags);
		break;
	case FUZZ_IOCTL:
		if (op->flags >= 12 && op->flags <= 17)
			break;
		res->ret = call(twin, _IO(VFIO_TYPE, VFIO_BASE + op->flags), arg, op);
		break;
	case FUZZ_ATTACH:
	case FUZZ_DETACH:
		do_group(twin, op, res);
		break;
	case FUZZ_DMA:
		do_dma(twin, op, res);
		break;
	case FUZZ_REGISTER:
	case FUZZ_UNREGISTER:
		do_memory(twin, op, res);
		break;
	}
}
