// SPDX-License-Identifier: GPL-2.0
/* Runs each operation on a container of the in-tree driver and on one of ours. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "dirty.h"
#include "mem.h"
#include "module.h"
#include "twin_containers.h"
#include "sys.h"
#include "test.h"
#include "vfio.h"

#define OURS		"vfio_iommu_type1x"
#define REFS(module)	"/sys/module/" module "/refcnt"

#define NOTHING		0x1f00000000UL
#define KERNEL		0xffff888000000000UL

#define DMA_LEN		64

/* IOVA of the in-tree map that tells whether memory can be registered, and its size. */
#define IOVA_TRIAL	0x08800000UL
#define MOST_MEMORY	(8 * FUZZ_MIB)

struct twins twins;

/* Of the numbers that tests/e2e/fuzz.sh gives the mock: 2 and 3 noncoherent. */
static const int mock_devices[SIDES][TWINS_GROUPS] = { { 0, 2, 4 }, { 1, 3, 5 } };

static long vmlck_before;
static int status_fd;

/* --- Drivers, limits, locked memory --------------------------------------- */

/* No options but this: UML without MSIs cannot say that they are isolated. */
static void load_ours(void)
{
	module_load(getenv("T1X_MODULE") ?: OURS ".ko",
		    "allow_unsafe_interrupts=1");
}

static long read_vmlck(void)
{
	char buf[2048], *at;
	ssize_t n = pread(status_fd, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	at = strstr(buf, "VmLck:");
	if (!at)
		fail("no VmLck");
	return strtol(at + 6, NULL, 10);
}

/* What the other container has locked must not count. */
static void set_limit(const struct fuzz_seq *seq, int nr)
{
	struct rlimit limit;

	if (!seq->limit)
		return;
	limit.rlim_max = RLIM_INFINITY;
	limit.rlim_cur = seq->limit * PAGE +
			 ((vmlck_before + twins.sides[!nr].locked) << 10);
	assert_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

/* In 6.1 the in-tree driver tries each new domain with memory not pinned. */
static void forget_violations(long before)
{
	if (sys_kernel_before(6, 12) && sys_is_uml())
		sys_mock_set("violations", before);
}

/* --- Operations -------------------------------------------------------------- */

/**
 * twins_vaddr() - where the memory of an operation is
 * @op: the operation
 *
 * Return: its address.
 */
uint64_t twins_vaddr(const struct fuzz_op *op)
{
	return (op->mem ? (uintptr_t)arena_part(op->mem) : 0) + op->off;
}

static int call(int container, unsigned long nr, void *arg,
		const struct fuzz_op *op)
{
	if (op->ptr == FUZZ_PTR_NULL_ARG)
		arg = NULL;
	return ioctl(container, nr, arg) < 0 ? -errno : 0;
}

/*
 * In-tree a mapping for each granule: that can be unmapped by parts, too.  First
 * all of it, to see whether it can be mapped.
 */
static int map_granules(int container, const struct fuzz_op *op)
{
	char *vaddr = (char *)twins_vaddr(op);
	uint64_t at;
	int ret;

	ret = dma_map(container, vaddr, op->iova, op->size, op->flags);
	if (ret)
		return ret;
	assert_ret(dma_unmap(container, op->iova, op->size), op->size);
	for (at = 0; at < op->size; at += op->pgsize)
		assert_ret(dma_map(container, vaddr + at, op->iova + at,
				   op->pgsize, op->flags), 0);
	return 0;
}

static void do_granules(struct side *side, const struct fuzz_op *op,
			struct result *res)
{
	struct vfio_type1x_dma_map map = {
		.argsz = sizeof(map),
		.flags = op->flags | VFIO_TYPE1X_MAP_FLAG_GRANULE,
		.vaddr = twins_vaddr(op),
		.iova = op->iova,
		.size = op->size,
		.granule = op->pgsize,
	};

	if (side == &twins.sides[TREE])
		res->ret = map_granules(side->container, op);
	else
		res->ret = call(side->container, VFIO_IOMMU_MAP_DMA, &map, op);
}

static void do_map(struct side *side, const struct fuzz_op *op,
		   struct result *res)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = op->argsz,
		.flags = op->flags,
		.vaddr = twins_vaddr(op),
		.iova = op->iova,
		.size = op->size,
	};

	res->ret = call(side->container, VFIO_IOMMU_MAP_DMA, &map, op);
	res->out = map.size;
}

/* A child with the same memory: it becomes the owner, is charged, and exits. */
static void do_new_owner(const struct fuzz_seq *seq, struct side *side,
			 const struct fuzz_op *op, struct result *res)
{
	struct rlimit limit = { seq->limit * PAGE, RLIM_INFINITY };
	pid_t pid;

	arena_child[0] = -ECHILD;
	pid = fork();
	if (!pid) {
		if (seq->limit)
			setrlimit(RLIMIT_MEMLOCK, &limit);
		do_map(side, op, res);
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
static bool finds_nothing(const struct side *side, const struct fuzz_op *op)
{
	return side == &twins.sides[TREE] && sys_kernel_before(7, 2) &&
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

static void do_unmap(struct side *side, const struct fuzz_op *op,
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
	res->ret = call(side->container, VFIO_IOMMU_UNMAP_DMA, &arg, op);
	if (finds_nothing(side, op) && !res->ret && !arg.head.size) {
		arg.head.size = op->size - PAGE;
		res->ret = call(side->container, VFIO_IOMMU_UNMAP_DMA, &arg, op);
	}
	res->out = arg.head.size;
	read_half(op, res);
}

static void do_dirty(struct side *side, const struct fuzz_op *op,
		     struct result *res)
{
	struct dirty_get arg = {
		.head = { .argsz = op->argsz, .flags = op->flags },
		.range = { .iova = op->iova, .size = op->size },
	};

	if (op->flags & GET)
		make_bitmap(&arg.range.bitmap, op, res);
	res->ret = call(side->container, VFIO_IOMMU_DIRTY_PAGES, &arg, op);
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

static void do_info(struct side *side, const struct fuzz_op *op,
		    struct result *res)
{
	struct vfio_iommu_type1_info *info = (void *)res->bytes;
	uint32_t argsz = op->argsz < 4096 ? op->argsz : 4096;

	memset(res->bytes, 0xa5, 4096);
	info->argsz = op->argsz;
	res->ret = call(side->container, VFIO_IOMMU_GET_INFO, info, op);
	res->out = info->argsz;
	res->len = 64;
	if (res->ret)
		return;
	/* Without room for cap_offset the kernel may not write one. */
	if (argsz >= 24 && info->argsz <= argsz)
		info->argsz = op->argsz;
	if (argsz < 24 || info->argsz > op->argsz)
		info->cap_offset = 0;
	simplify_info(res, argsz, side == &twins.sides[OUR]);
}

static unsigned int nr_attached(const struct side *side)
{
	unsigned int g, n = 0;

	for (g = 0; g < twins.nr_groups; g++)
		n += side->in[g];
	return n;
}

static void do_group(struct side *side, const struct fuzz_op *op,
		     struct result *res)
{
	bool attach = op->kind == FUZZ_ATTACH;
	unsigned int g = op->flags;
	long violations;

	if (g >= twins.nr_groups || side->in[g] == attach ||
	    (!attach && nr_attached(side) == 1))
		return;
	violations = sys_mock_get("violations");
	res->ret = attach ? vfio_group_join(side->groups[g], side->container) :
			    vfio_group_leave(side->groups[g]);
	if (side == &twins.sides[TREE])
		forget_violations(violations);
	if (!res->ret)
		side->in[g] = attach;
}

static void do_dma(struct side *side, const struct fuzz_op *op,
		   struct result *res)
{
	int nr = side - twins.sides, g = 0;
	struct vdev dev;

	while (!side->in[g])
		g++;
	res->ret = dma_map(side->container, arena_scratch, IOVA_SCRATCH, PAGE, RW);
	if (res->ret)
		return;
	if (sys_is_uml())
		vfio_mock_device_open(&dev, side->groups[g],
				      mock_devices[nr][g]);
	else
		vfio_device_open(&dev, side->groups[g], nr);
	/* A device that may not read keeps what it has. */
	memset(arena_scratch, 0x3c, DMA_LEN);
	dma_load(&dev, IOVA_SCRATCH, 0, DMA_LEN);
	dma_load(&dev, op->iova, 0, DMA_LEN);
	memset(arena_scratch, 0, DMA_LEN);
	dma_store(&dev, IOVA_SCRATCH, 0, DMA_LEN);
	memcpy(res->bytes, arena_scratch, DMA_LEN);
	res->len = DMA_LEN;
	vfio_device_close(&dev);
	res->out = dma_unmap(side->container, IOVA_SCRATCH, PAGE);
}

/* In-tree there is only this: is the memory good, and what would it be charged? */
static void try_memory(struct side *side, const struct fuzz_op *op,
		       struct result *res)
{
	long vmlck = read_vmlck();

	res->ret = -EFAULT;
	if (op->kind != FUZZ_REGISTER || op->size > MOST_MEMORY)
		return;
	res->ret = dma_map(side->container, (void *)twins_vaddr(op), IOVA_TRIAL,
			   op->size,
			   op->flags & VFIO_TYPE1X_MEMORY_WRITE ? RW : RO);
	res->out = read_vmlck() - vmlck;
	if (!res->ret)
		assert_ret(dma_unmap(side->container, IOVA_TRIAL, op->size),
			   op->size);
}

static void do_memory(struct side *side, const struct fuzz_op *op,
		      struct result *res)
{
	struct vfio_type1x_memory memory = {
		.argsz = op->argsz,
		.flags = op->flags,
		.vaddr = twins_vaddr(op),
		.size = op->size,
	};

	if (side == &twins.sides[TREE])
		try_memory(side, op, res);
	else
		res->ret = call(side->container, op->kind == FUZZ_REGISTER ?
				VFIO_TYPE1X_REGISTER_MEMORY :
				VFIO_TYPE1X_UNREGISTER_MEMORY, &memory, op);
}

static void do_op(const struct fuzz_seq *seq, const struct fuzz_op *op, int nr)
{
	struct result *res = &twins.results[nr];
	struct side *side = &twins.sides[nr];
	unsigned char arg[64] = { 64 };
	long locked;

	res->ret = 0;
	res->out = 0;
	res->locked = 0;
	res->len = 0;
	if (op->kind == FUZZ_MAP || op->kind == FUZZ_DMA ||
	    op->kind == FUZZ_GRANULES)
		set_limit(seq, nr);
	switch (op->kind) {
	case FUZZ_MAP:
		do_map(side, op, res);
		break;
	case FUZZ_GRANULES:
		do_granules(side, op, res);
		break;
	case FUZZ_NEW_OWNER:
		do_new_owner(seq, side, op, res);
		break;
	case FUZZ_UNMAP:
		do_unmap(side, op, res);
		break;
	case FUZZ_DIRTY:
		do_dirty(side, op, res);
		break;
	case FUZZ_INFO:
		do_info(side, op, res);
		break;
	case FUZZ_EXTENSION:
		res->ret = ioctl(side->container, VFIO_CHECK_EXTENSION,
				 op->flags);
		break;
	case FUZZ_IOCTL:
		if (op->flags >= 12 && op->flags <= 17)
			break;
		res->ret = call(side->container, _IO(VFIO_TYPE, VFIO_BASE +
						     op->flags), arg, op);
		break;
	case FUZZ_ATTACH:
	case FUZZ_DETACH:
		do_group(side, op, res);
		break;
	case FUZZ_DMA:
		do_dma(side, op, res);
		break;
	case FUZZ_REGISTER:
	case FUZZ_UNREGISTER:
		do_memory(side, op, res);
		break;
	}
	if (op->kind == FUZZ_DIRTY || op->kind == FUZZ_INFO ||
	    op->kind == FUZZ_EXTENSION || op->kind == FUZZ_IOCTL)
		return;
	locked = read_vmlck() - vmlck_before - twins.sides[!nr].locked;
	res->locked = locked - side->locked;
	side->locked = locked;
}

/**
 * twins_unmap_is_partial() - could an unmap not tell all of its bitmap
 * @op: the last operation
 *
 * Return: true if so; then it may have done part of its work.
 */
bool twins_unmap_is_partial(const struct fuzz_op *op)
{
	return op->kind == FUZZ_UNMAP && op->ptr == FUZZ_PTR_HALF &&
	       twins.results[TREE].ret == -EFAULT &&
	       twins.results[OUR].ret == -EFAULT;
}

/**
 * twins_undo_map() - take back a map that only one of them should have made
 * @which: side
 * @op: the last operation, a map
 */
void twins_undo_map(enum twins_side which, const struct fuzz_op *op)
{
	struct side *side = &twins.sides[which];

	assert_ret(dma_unmap(side->container, op->iova, op->size), op->size);
	side->locked -= twins.results[which].locked;
}

static void restart_tracking(void)
{
	int nr;

	for (nr = 0; nr < SIDES; nr++) {
		assert_ret(dirty_flags(twins.sides[nr].container, STOP), 0);
		assert_ret(dirty_flags(twins.sides[nr].container, START), 0);
	}
}

static void unmap_the_rest(const struct fuzz_op *op)
{
	long vmlck;
	int nr;

	for (nr = 0; nr < SIDES; nr++) {
		vmlck = read_vmlck();
		assert_ge(dma_unmap(twins.sides[nr].container, op->iova,
				    op->size), 0);
		twins.sides[nr].locked += read_vmlck() - vmlck;
	}
}

/**
 * twins_settle() - make both the same again after what is known to differ
 * @op: the last operation
 *
 * In-tree, bits are lost or shifted when a bitmap cannot be written. Tracking
 * that starts anew has none of them.
 */
void twins_settle(const struct fuzz_op *op)
{
	bool bitmap = op->kind == FUZZ_DIRTY || op->kind == FUZZ_UNMAP;

	if (twins_unmap_is_partial(op))
		unmap_the_rest(op);
	if (bitmap && op->ptr != FUZZ_PTR_NULL_ARG &&
	    (twins.results[TREE].ret == -EFAULT ||
	     twins.results[OUR].ret == -EFAULT))
		restart_tracking();
}

/* A container of its own, so that the region stays. */
static void make_bar(void)
{
	static struct bar bar;
	int container, group;
	long violations;

	if (!sys_is_uml() && !strstr(getenv("T1X_DEVICES") ?: "", "bar:"))
		return;
	container = vfio_container_open();
	group = sys_is_uml() ? vfio_mock_group_open(TWINS_GROUPS * SIDES) :
			       vfio_bar_group_open();
	assert_ret(vfio_group_join(group, container), 0);
	violations = sys_mock_get("violations");
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	forget_violations(violations);
	if (sys_is_uml()) {
		vfio_mock_device_open(&bar.dev, group, TWINS_GROUPS * SIDES);
		bar.region = 1;
	} else {
		vfio_bar_open(&bar, group);
	}
	vfio_region_map(&bar.dev, bar.region, arena_part(FUZZ_BAR), 0, 4 * FUZZ_MIB);
}

/* --- Sequences ---------------------------------------------------------------- */

static void open_side(int nr, const struct fuzz_seq *seq)
{
	long tree = sys_read_number(REFS(IN_TREE));
	struct side *side = &twins.sides[nr];
	long violations;
	unsigned int g;

	memset(side, 0, sizeof(*side));
	side->container = vfio_container_open();
	for (g = 0; g < twins.nr_groups; g++)
		side->groups[g] = sys_is_uml() ?
			vfio_mock_group_open(mock_devices[nr][g]) :
			vfio_group_open(nr);
	assert_ret(vfio_group_join(side->groups[0], side->container), 0);
	side->in[0] = true;
	violations = sys_mock_get("violations");
	assert_ret(vfio_try_set_iommu(side->container, seq->type), 0);
	if (nr == TREE)
		forget_violations(violations);
	assert_eq(sys_read_number(REFS(IN_TREE)), tree + (nr == TREE));
	assert_eq(sys_read_number(REFS(OURS)), nr == TREE ? -1 : 1);
}

/**
 * twins_open() - two new containers, each served by its driver
 * @seq: for this sequence
 */
void twins_open(const struct fuzz_seq *seq)
{
	arena_renew();
	memset(twins.sides, 0, sizeof(twins.sides));
	vmlck_before = read_vmlck();
	open_side(TREE, seq);
	load_ours();
	open_side(OUR, seq);
	if (seq->limit)
		mem_allow_ipc_lock(false);
}

/**
 * twins_close() - close a container
 * @which: side
 *
 * Return: kB that it has left locked, 0 if all is well.
 */
long twins_close(enum twins_side which)
{
	struct side *side = &twins.sides[which];
	unsigned int g;

	/* In any order: the container goes with the last of them. */
	for (g = 0; g < twins.nr_groups; g++)
		vfio_close(&side->groups[g]);
	vfio_close(&side->container);
	side->locked = 0;
	return read_vmlck() - vmlck_before - twins.sides[!which].locked;
}

/**
 * twins_over() - after both containers have been closed
 * @seq: the sequence that is over
 */
void twins_over(const struct fuzz_seq *seq)
{
	if (seq->limit)
		mem_allow_ipc_lock(true);
	module_unload(OURS);
}

/**
 * twins_do() - one operation on each container
 * @seq: the sequence
 * @op: one of its operations
 */
void twins_do(const struct fuzz_seq *seq, const struct fuzz_op *op)
{
	arena_touch(op);
	do_op(seq, op, seq->ours_first ? OUR : TREE);
	do_op(seq, op, seq->ours_first ? TREE : OUR);
}

/** twins_set_up() - once for all sequences: memory, groups, no driver of ours */
void twins_set_up(void)
{
	twins.nr_groups = sys_is_uml() ? TWINS_GROUPS : 1;
	status_fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	module_unload(OURS);
	arena_make();
	make_bar();
}

