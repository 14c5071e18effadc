// SPDX-License-Identifier: GPL-2.0
/* Makes random sequences of operations. */
#include <linux/vfio.h>
#include <string.h>

#include "fuzz_ops.h"
#include "random.h"
#include "sys.h"
#include "vfio.h"

#define RECENT 16

#define NEAR		IOVA		/* 64 slots of a page */
#define FAR		0x20000000UL	/* 64 slots of 128 pages */
#define SLOTS		64
#define FAR_SLOT	(FUZZ_MIB / 2)

/* How often an operation is made anew that does not commute with those before it. */
#define TRIES		4

/* Where mappings of a container were asked for, so that they are met again. */
struct asked {
	struct {
		uint64_t iova;
		uint64_t size;
	} recent[RECENT];
	unsigned int n;
	/* Which of them the last operation had to do with. */
	unsigned int last;
	/* Of which the vaddr may have been taken back, 0 bytes: none. */
	uint64_t orphan;
	uint64_t orphan_size;
};

struct maker {
	uint64_t state;
	const struct fuzz_shape *shape;
	struct asked containers[FUZZ_CONTAINERS];
	/* Of the operation that is being made. */
	struct asked *asked;
	/* What was registered, or was meant to be, in any container. */
	struct fuzz_op memory[RECENT];
	unsigned int nr_memory;
};

static uint64_t below(struct maker *m, uint64_t n)
{
	return random_next(&m->state) % n;
}

static bool one_in(struct maker *m, uint64_t n)
{
	return !below(m, n);
}

#define PICK(m, list) ((list)[below(m, sizeof(list) / sizeof((list)[0]))])

static uint64_t any_size(struct maker *m)
{
	static const uint64_t odd[] = {
		0, 1, PAGE - 1, PAGE + 1, 0x1800, 1UL << 32, 1UL << 63, -PAGE,
		UINT64_MAX, 1UL << 47, 256 * MIB,
	};

	if (one_in(m, 24))
		return PICK(m, odd);
	if (one_in(m, 20))
		return (509 + below(m, 516)) * PAGE;
	if (one_in(m, 6))
		return (1 + below(m, 200)) * PAGE;
	return (1 + below(m, 8)) * PAGE;
}

static uint64_t any_iova(struct maker *m)
{
	const uint64_t odd[] = {
		0, PAGE, 1, MSI_FIRST, MSI_FIRST - PAGE, MSI_LAST + 1 - PAGE,
		MSI_LAST + 1,
		(1UL << 39) - PAGE, 1UL << 39, (1UL << 44) - PAGE, 1UL << 44,
		(1UL << 44) + 65536, (1UL << 47) - PAGE, (1UL << 48) - PAGE,
		1UL << 48, 1UL << 63, -PAGE, -2 * PAGE, UINT64_MAX,
		NEAR + 2048, NEAR + 1,
	};

	if (one_in(m, 16))
		return PICK(m, odd);
	if (one_in(m, 3))
		return FAR + below(m, SLOTS) * FAR_SLOT;
	return NEAR + below(m, SLOTS) * PAGE;
}

/* Some pages of @all; one if there are none. */
static void part_of(struct maker *m, uint64_t all, uint64_t *first, uint64_t *npages)
{
	*first = all ? below(m, all) : 0;
	*npages = 1 + (all ? below(m, all - *first) : 0);
}

/* A range that has to do with one that was asked for before, mostly. */
static void any_range(struct maker *m, uint64_t *iova, uint64_t *size)
{
	struct asked *asked = m->asked;
	unsigned int nr = asked->n < RECENT ? asked->n : RECENT;
	uint64_t start, len, first, npages;

	*iova = any_iova(m);
	*size = any_size(m);
	if (!nr || one_in(m, 6))
		return;

	/* Those of a batch are to have to do with the same mapping. */
	if (!m->shape->threads || one_in(m, 2))
		asked->last = below(m, nr);
	start = asked->recent[asked->last].iova;
	len = asked->recent[asked->last].size;
	if (m->shape->granules && one_in(m, 3)) {
		part_of(m, len / PAGE, &first, &npages);
		*iova = start + first * PAGE;
		*size = npages * PAGE;
		return;
	}
	switch (below(m, 12)) {
	case 0: /* larger at its end */
		*iova = start;
		*size = len + (1 + below(m, 16)) * PAGE;
		break;
	case 1: /* larger at both */
		*iova = start - 4 * PAGE;
		*size = len + 8 * PAGE;
		break;
	case 2: /* the first part */
		*iova = start;
		*size = len / 2 & -PAGE;
		break;
	case 3: /* the last part */
		*iova = start + (len / 2 & -PAGE);
		*size = len - (len / 2 & -PAGE);
		break;
	case 4: /* from before into it */
		*iova = start - 2 * PAGE;
		*size = 3 * PAGE;
		break;
	case 5: /* all of a region */
		*iova = one_in(m, 2) ? NEAR : FAR;
		*size = *iova == FAR ? SLOTS * FAR_SLOT : 2 * SLOTS * PAGE;
		break;
	case 6: /* one byte off */
		*iova = start + one_in(m, 2);
		*size = len + 1;
		break;
	default:
		*iova = start;
		*size = len;
		break;
	}
}

static uint64_t any_offset(struct maker *m, uint64_t mem)
{
	static const uint64_t addresses[] = {
		0, PAGE, 1UL << 46, (1UL << 47) - PAGE, 1UL << 47, 1UL << 63,
		-PAGE, -16 * PAGE, 1UL << 36,
	};

	if (mem == FUZZ_NOWHERE)
		return PICK(m, addresses);
	if (one_in(m, 60))
		return 1 + below(m, PAGE - 1);
	return below(m, 64) * PAGE;
}

static uint64_t any_mem(struct maker *m)
{
	/* Some far more often than others. */
	static const uint8_t mems[] = {
		FUZZ_ANON, FUZZ_ANON, FUZZ_ANON, FUZZ_ANON, FUZZ_ANON, FUZZ_HUGE,
		FUZZ_HUGE, FUZZ_COLD, FUZZ_COLD, FUZZ_SCATTERED, FUZZ_SCATTERED,
		FUZZ_SHARED, FUZZ_READONLY, FUZZ_ZERO, FUZZ_HOLE, FUZZ_TAIL,
		FUZZ_BAR, FUZZ_BAR,
	};

	return one_in(m, 40) ? FUZZ_NOWHERE : PICK(m, mems);
}

/* Of @container, if one is found soon; often the last, so that containers meet there. */
static const struct fuzz_op *any_memory(struct maker *m, uint64_t container)
{
	unsigned int nr = m->nr_memory < RECENT ? m->nr_memory : RECENT, tries = TRIES;
	const struct fuzz_op *memory;

	do {
		memory = one_in(m, 3) ? &m->memory[(m->nr_memory - 1) % RECENT] :
					&m->memory[below(m, nr)];
	} while (memory->container != container && --tries);
	return memory;
}

/* A part of what may be registered, all of it, or a bit more. */
static void from_memory(struct maker *m, struct fuzz_op *op)
{
	const struct fuzz_op *memory = any_memory(m, op->container);
	uint64_t first, npages;

	part_of(m, memory->size / PAGE, &first, &npages);
	if (one_in(m, 4))
		first = 0;
	if (one_in(m, 8))
		npages++;
	op->mem = memory->mem;
	op->off = memory->off + first * PAGE;
	op->size = npages * PAGE;
}

static void note_range(struct asked *asked, const struct fuzz_op *op)
{
	asked->recent[asked->n % RECENT].iova = op->iova;
	asked->recent[asked->n % RECENT].size = op->size;
	asked->n++;
}

static void same_memory(struct fuzz_op *op, const struct fuzz_op *memory)
{
	op->flags = memory->flags;
	op->mem = memory->mem;
	op->off = memory->off;
	op->size = memory->size;
}

static void make_memory(struct maker *m, struct fuzz_op *op)
{
	op->argsz = one_in(m, 50) ? below(m, 32) : 24;
	op->flags = !one_in(m, 4);
	op->mem = any_mem(m);
	op->off = any_offset(m, op->mem);
	op->size = any_size(m);
	/* Larger than most maps, which are a part of it and are to be split. */
	if (m->shape->granules && !one_in(m, 4))
		op->size = (1 + below(m, SLOTS / 2)) * PAGE;
	if (m->nr_memory && one_in(m, 4))
		from_memory(m, op);
	else if (m->nr_memory && m->shape->containers > 1 && one_in(m, 2))
		same_memory(op, any_memory(m, !op->container));
	if (one_in(m, 8))
		op->flags ^= VFIO_TYPE1X_MEMORY_WRITE;
	if (one_in(m, 100))
		op->flags |= 1UL << below(m, 32);
	if (one_in(m, 100))
		op->ptr = FUZZ_PTR_NULL_ARG;
}

static void make_register(struct maker *m, struct fuzz_op *op)
{
	make_memory(m, op);
	if (op->size > 8 * FUZZ_MIB)
		return;
	m->memory[m->nr_memory % RECENT] = *op;
	m->nr_memory++;
}

static void make_unregister(struct maker *m, struct fuzz_op *op)
{
	make_memory(m, op);
	if (m->nr_memory && !one_in(m, 6))
		same_memory(op, any_memory(m, op->container));
	op->flags = one_in(m, 30);
}

static void make_map(struct maker *m, struct fuzz_op *op)
{
	op->argsz = one_in(m, 50) ? below(m, 40) : 32;
	op->flags = one_in(m, 6) ? 1 + below(m, 2) : RW;
	if (one_in(m, 40))
		op->flags = below(m, 16);
	if (one_in(m, 200))
		op->flags |= 1UL << below(m, 32);
	op->iova = any_iova(m);
	op->size = any_size(m);
	op->mem = any_mem(m);
	op->off = any_offset(m, op->mem);
	if (one_in(m, 12) && m->asked->n) {
		any_range(m, &op->iova, &op->size);
		op->flags = one_in(m, 8) ? RW : VFIO_DMA_MAP_FLAG_VADDR;
	} else if (m->nr_memory && !one_in(m, 3)) {
		from_memory(m, op);
	}
	if (one_in(m, 200))
		op->ptr = FUZZ_PTR_NULL_ARG;
	if (!op->size || op->size > 8 * FUZZ_MIB)
		return;
	note_range(m->asked, op);
}

static void make_granules(struct maker *m, struct fuzz_op *op)
{
	static const uint64_t granules[] = {
		PAGE, PAGE, PAGE, 2 * PAGE, 8 * PAGE, 64 * PAGE, 512 * PAGE,
	};

	make_map(m, op);
	if (!(op->flags & RW))
		op->flags = RW;
	op->flags &= RW;
	op->ptr = FUZZ_PTR_GOOD;
	op->pgsize = PICK(m, granules);
	if (m->shape->memory)
		while (op->pgsize > PAGE && op->size % op->pgsize)
			op->pgsize /= 2;
	op->iova &= -op->pgsize;
	op->size = (op->size + op->pgsize - 1) & -op->pgsize;
	if (!op->size || op->size > 8 * FUZZ_MIB)
		op->size = op->pgsize;
	note_range(m->asked, op);
}

static void make_new_owner(struct maker *m, struct fuzz_op *op)
{
	op->argsz = 32;
	op->flags = VFIO_DMA_MAP_FLAG_VADDR;
	op->iova = m->asked->orphan;
	op->size = m->asked->orphan_size;
	op->mem = any_mem(m);
	op->off = any_offset(m, op->mem);
	m->asked->orphan_size = 0;
}

static void any_bitmap(struct maker *m, struct fuzz_op *op)
{
	static const uint64_t pgsizes[] = {
		1, 512, 8192, 4097, 2 * MIB, 1UL << 63, UINT64_MAX,
	};

	op->pgsize = one_in(m, 16) ? PICK(m, pgsizes) : PAGE;
	op->bytes = fuzz_bitmap_bytes(op->size);
	switch (below(m, 16)) {
	case 0:
		op->bytes -= 8;
		break;
	case 1:
		op->bytes += 8;
		break;
	case 2:
		op->bytes = one_in(m, 2) ? 0 : below(m, 600) << 20;
		break;
	}
	if (one_in(m, 8))
		op->ptr = one_in(m, 3) ? FUZZ_PTR_HALF : below(m, FUZZ_NR_PTRS);
	if (fuzz_bitmap_bytes(op->size) > FUZZ_BITMAP && op->ptr < FUZZ_PTR_NOTHING)
		op->ptr = FUZZ_PTR_NOTHING;
}

static void make_unmap(struct maker *m, struct fuzz_op *op)
{
	op->argsz = one_in(m, 50) ? below(m, 32) : 24;
	any_range(m, &op->iova, &op->size);
	if (one_in(m, 30)) {
		op->flags = VFIO_DMA_UNMAP_FLAG_ALL;
		if (!one_in(m, 6)) {
			op->iova = 0;
			op->size = 0;
		}
	}
	if (one_in(m, 10))
		op->flags |= VFIO_DMA_UNMAP_FLAG_VADDR;
	/* Not often: it takes a process to inherit it. */
	if (op->flags == VFIO_DMA_UNMAP_FLAG_VADDR && !m->shape->granules && one_in(m, 3)) {
		m->asked->orphan = op->iova;
		m->asked->orphan_size = op->size;
	}
	if (one_in(m, 6)) {
		op->flags |= VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
		op->argsz = one_in(m, 30) ? 24 + below(m, 24) : 48;
		any_bitmap(m, op);
	}
	if (one_in(m, 200))
		op->flags |= 1UL << below(m, 32);
	if (m->shape->granules)
		op->flags &= ~VFIO_DMA_UNMAP_FLAG_VADDR;
	if (one_in(m, 200))
		op->ptr = FUZZ_PTR_NULL_ARG;
}

static void make_dirty(struct maker *m, struct fuzz_op *op)
{
	op->argsz = 8;
	op->flags = 1 + one_in(m, 4);
	if (one_in(m, 20))
		op->flags = 3 + below(m, 13);
	if (one_in(m, 40))
		op->argsz = below(m, 16);
	if (!one_in(m, 3)) {
		op->flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP;
		op->argsz = one_in(m, 40) ? below(m, 60) : 48;
		any_range(m, &op->iova, &op->size);
		any_bitmap(m, op);
	}
}

static void make_info(struct maker *m, struct fuzz_op *op)
{
	static const uint64_t sizes[] = {
		0, 8, 15, 16, 17, 20, 24, 25, 48, 64, UINT32_MAX,
	};

	op->argsz = one_in(m, 2) ? 4096 : PICK(m, sizes);
	if (one_in(m, 20))
		op->ptr = FUZZ_PTR_NULL_ARG;
}

static void make_group(struct maker *m, struct fuzz_op *op)
{
	op->kind = one_in(m, 2) ? FUZZ_ATTACH : FUZZ_DETACH;
	op->flags = below(m, m->shape->groups);
}

static void make_op(struct maker *m, struct fuzz_op *op)
{
	unsigned int dice = below(m, 100);

	memset(op, 0, sizeof(*op));
	op->container = below(m, m->shape->containers);
	m->asked = &m->containers[op->container];
	if (m->shape->dma && one_in(m, m->shape->dma)) {
		op->kind = FUZZ_DMA;
		any_range(m, &op->iova, &op->size);
		op->iova &= -PAGE;
		if (op->size > PAGE && op->size < 8 * FUZZ_MIB)
			op->iova += below(m, op->size / PAGE) * PAGE;
		op->size = 0;
	} else if (m->shape->memory && one_in(m, 6)) {
		op->kind = one_in(m, 2) ? FUZZ_REGISTER : FUZZ_UNREGISTER;
		if (op->kind == FUZZ_REGISTER)
			make_register(m, op);
		else
			make_unregister(m, op);
	} else if (m->asked->orphan_size && !m->shape->memory && one_in(m, 4)) {
		op->kind = FUZZ_NEW_OWNER;
		make_new_owner(m, op);
	} else if (m->shape->granules && dice < 30) {
		op->kind = FUZZ_GRANULES;
		make_granules(m, op);
	} else if (dice < 45) {
		op->kind = FUZZ_MAP;
		make_map(m, op);
	} else if (dice < 76) {
		op->kind = FUZZ_UNMAP;
		make_unmap(m, op);
	} else if (dice < 88) {
		op->kind = FUZZ_DIRTY;
		make_dirty(m, op);
	} else if (dice < 91) {
		op->kind = FUZZ_INFO;
		make_info(m, op);
	} else if (dice < 94) {
		op->kind = FUZZ_EXTENSION;
		op->flags = below(m, 21);
	} else if (dice < 95) {
		op->kind = FUZZ_IOCTL;
		op->flags = 3 + below(m, 20);
	} else if (m->shape->groups > 1) {
		make_group(m, op);
	} else {
		op->kind = FUZZ_UNMAP;
		make_unmap(m, op);
	}
}

/* Most operations go beside the one before, if one that commutes is made soon. */
static void make_next(struct maker *m, struct fuzz_seq *seq, uint64_t at)
{
	unsigned int tries = m->shape->threads && at && !one_in(m, 5) ? TRIES : 0;
	struct fuzz_op *op = &seq->ops[at];

	do {
		make_op(m, op);
		op->beside = tries && fuzz_joins(seq, at);
	} while (tries && !op->beside && --tries);
}

/**
 * fuzz_seq_make() - make a sequence
 * @seq: the sequence
 * @seed: all it depends on, with @shape and @max_ops
 * @shape: what it is made for
 * @max_ops: how long it may be
 */
void fuzz_seq_make(struct fuzz_seq *seq, uint64_t seed, const struct fuzz_shape *shape,
		   unsigned int max_ops)
{
	struct maker m = { .state = seed, .shape = shape };
	uint64_t i;

	seq->seed = seed;
	seq->type = shape->type;
	seq->limit = one_in(&m, 5) ? below(&m, 1200) + 1 : 0;
	if (shape->memory || shape->threads)
		seq->limit = 0;
	seq->ours_first = below(&m, 2);
	seq->n = max_ops;
	for (i = 0; i < seq->n; i++)
		make_next(&m, seq, i);
}
