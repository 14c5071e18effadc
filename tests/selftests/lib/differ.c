// SPDX-License-Identifier: GPL-2.0
/* What may differ between the drivers, and everything else. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

#include "differ.h"
#include "twin_containers.h"
#include "sys.h"
#include "test.h"
#include "vfio.h"

/* What is mapped in both, for v2; an unmap may make two of one. */
static struct mapped {
	struct range {
		uint64_t iova;
		uint64_t size;
	} ranges[2 * FUZZ_MAX_OPS];
	size_t nr;
} mapped[FUZZ_CONTAINERS];

static bool is_overflow(const struct fuzz_op *op, const struct result *tree,
			const struct result *ours)
{
	return sys_kernel_before(7, 2) &&
	       (op->kind <= FUZZ_DIRTY || op->kind == FUZZ_GRANULES) &&
	       tree->ret == -EINVAL && ours->ret == -EOVERFLOW;
}

static bool is_last_page(const struct fuzz_op *op, const struct result *tree,
			 const struct result *ours)
{
	/* Nothing can be mapped there, so ours finds nothing, or no memory. */
	return (!ours->ret || ours->ret == -EFAULT) &&
	       sys_kernel_before(7, 2) && op->kind == FUZZ_DIRTY && op->size &&
	       !(op->iova + op->size) && tree->ret == -EINVAL;
}

static bool is_nesting(const struct fuzz_op *op, const struct result *tree,
		       const struct result *ours)
{
	return sys_kernel_before(7, 2) && op->kind == FUZZ_EXTENSION &&
	       op->flags == VFIO_TYPE1_NESTING_IOMMU && tree->ret == 1 &&
	       ours->ret == 0;
}

static bool is_alignment(const struct fuzz_op *op, const struct result *tree,
			 const struct result *ours)
{
	return sys_kernel_before(6, 12) && op->kind == FUZZ_INFO && tree->ret == ours->ret &&
	       ((tree->out + 7) & ~7UL) == ours->out && tree->out != ours->out;
}

/* With tracking on. In-tree, memory is pinned before that is found out. */
static bool is_giant(const struct fuzz_op *op, const struct result *tree,
		     const struct result *ours)
{
	return op->kind == FUZZ_MAP && op->size / PAGE > INT32_MAX &&
	       tree->ret < 0 && ours->ret == -EINVAL;
}

static bool is_mapped(uint64_t container, uint64_t iova)
{
	const struct mapped *in = &mapped[container];
	size_t i;

	for (i = 0; i < in->nr; i++)
		if (iova - in->ranges[i].iova < in->ranges[i].size)
			return true;
	return false;
}

/*
 * In-tree, a mapping that does not begin with a word of the bitmap keeps the
 * user's bits of that word, not only those before the mapping; and the next
 * time its own bits of this time, shifted. So pages are reported as dirty where
 * there is nothing.
 */
static bool is_nowhere(const struct fuzz_op *op, const struct result *tree,
		       const struct result *ours)
{
	size_t begin = op->ptr == FUZZ_PTR_ODD ? 4 : 0, i;
	unsigned char other;
	uint64_t at;
	int bit;

	if (tree->ret || ours->ret || tree->out != ours->out || !op->pgsize ||
	    tree->len != ours->len)
		return false;
	for (i = 0; i < tree->len; i++) {
		other = tree->bytes[i] ^ ours->bytes[i];
		if (!other)
			continue;
		if (i < begin || (other & ours->bytes[i]))
			return false;
		for (bit = 0; bit < 8; bit++) {
			at = ((i - begin) * 8 + bit) * PAGE;
			if ((other & 1 << bit) && at < op->size &&
			    is_mapped(op->container, op->iova + at))
				return false;
		}
	}
	return true;
}

/*
 * In-tree, the dirty bits of one mapping after the other are copied and the mapping is
 * unmapped; after an error the rest stays. Ours copies all bits first. See
 * twins_settle().
 */
static bool is_half(const struct fuzz_op *op, const struct result *tree,
		    const struct result *ours)
{
	return twins_unmap_is_partial(op, tree, ours) && !ours->locked && tree->locked <= 0 &&
	       tree->out == ours->out;
}

static struct known {
	const char *name;
	const char *reason;
	bool (*is)(const struct fuzz_op *op, const struct result *tree,
		   const struct result *ours);
	unsigned long times;
} known[] = {
	{ "overflow", "-EOVERFLOW as in 7.2, -EINVAL before", is_overflow, 0 },
	{ "last page", "can be in a range as in 7.2", is_last_page, 0 },
	{ "nesting", "not offered, as in 7.2", is_nesting, 0 },
	{ "alignment", "capabilities on 8 bytes, as from 6.6 on", is_alignment,
	  0 },
	{ "giant", "too many pages for a bitmap is found out first", is_giant,
	  0 },
	{ "half", "no mapping goes if not all of the bitmap can be told",
	  is_half, 0 },
	{ "nowhere", "no bits for pages that are not mapped", is_nowhere, 0 },
};

static const char *ret_text(long ret, char *buf, size_t len)
{
	const char *name = ret < 0 ? strerrorname_np(-ret) : NULL;

	if (name)
		snprintf(buf, len, "-%s", name);
	else
		snprintf(buf, len, "%ld", ret);
	return buf;
}

static bool is_known(const struct fuzz_op *op, const struct result *results)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].is(op, &results[TREE], &results[OUR])) {
			known[i].times++;
			return true;
		}
	return false;
}

static void note_range(struct mapped *in, uint64_t iova, uint64_t size)
{
	in->ranges[in->nr].iova = iova;
	in->ranges[in->nr].size = size;
	in->nr++;
}

/* Takes [iova, iova + size) out of a range; true if nothing of it is left. */
static bool take_range(struct mapped *in, size_t i, uint64_t iova, uint64_t size)
{
	struct range *range = &in->ranges[i];
	uint64_t first = range->iova, end = first + range->size;

	if (first - iova < size && end - 1 - iova < size)
		return true;
	if (first - iova < size) {
		range->iova = iova + size;
		range->size = end - (iova + size);
	} else if (iova - first < range->size) {
		range->size = iova - first;
		if (end - 1 - iova >= size)
			note_range(in, iova + size, end - (iova + size));
	}
	return false;
}

/* After it was seen that both did the same. */
static void note_ranges(const struct fuzz_op *op, const struct result *tree,
			const struct result *ours)
{
	struct mapped *in = &mapped[op->container];
	size_t i = 0;

	if (ours->ret && !twins_unmap_is_partial(op, tree, ours))
		return;
	if ((op->kind != FUZZ_MAP && op->kind != FUZZ_UNMAP &&
	     op->kind != FUZZ_GRANULES) ||
	    (op->flags & VFIO_DMA_MAP_FLAG_VADDR))
		return;
	if (op->kind != FUZZ_UNMAP) {
		note_range(in, op->iova, op->size);
		return;
	}
	while (i < in->nr) {
		if ((op->flags & VFIO_DMA_UNMAP_FLAG_ALL) ||
		    take_range(in, i, op->iova, op->size))
			in->ranges[i] = in->ranges[--in->nr];
		else
			i++;
	}
}

/**
 * differ() - did the drivers do something different
 * @op: the operation that was done
 * @results: what came of it
 * @why: says what
 * @len: size of @why
 *
 * Return: false if all is the same, or the difference is a known one.
 */
bool differ(const struct fuzz_op *op, const struct result *results, char *why, size_t len)
{
	const struct result *tree = &results[TREE], *ours = &results[OUR];
	char a[32], b[32];
	size_t i;

	if (tree->ret == ours->ret && tree->out == ours->out &&
	    tree->locked == ours->locked && tree->len == ours->len &&
	    !memcmp(tree->bytes, ours->bytes, tree->len)) {
		note_ranges(op, tree, ours);
		return false;
	}
	if ((tree->locked == ours->locked || twins_unmap_is_partial(op, tree, ours)) &&
	    is_known(op, results)) {
		note_ranges(op, tree, ours);
		return false;
	}
	for (i = 0; i < tree->len && tree->bytes[i] == ours->bytes[i]; i++)
		;
	snprintf(why, len,
		 "%s %s, size %#lx, VmLck %+ld kB; %s %s, size %#lx, VmLck %+ld kB; byte %zu of %zu and %zu differs: %#x and %#x",
		 "in-tree", ret_text(tree->ret, a, sizeof(a)),
		 tree->out, tree->locked, "ours",
		 ret_text(ours->ret, b, sizeof(b)), ours->out, ours->locked,
		 i, tree->len, ours->len, tree->bytes[i], ours->bytes[i]);
	return true;
}

/** differ_begin() - a new sequence: nothing is mapped */
void differ_begin(void)
{
	size_t i;

	for (i = 0; i < FUZZ_CONTAINERS; i++)
		mapped[i].nr = 0;
}

/** differ_say_known() - how often the known differences were met */
void differ_say_known(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].times)
			test_say("known: %s, %lu times: %s", known[i].name,
				 known[i].times, known[i].reason);
}
