/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A container served by the in-tree driver and one served by ours, at the same
 * time and with the same memory, for fuzz.
 *
 * VFIO asks the backend first that was registered last, and a container keeps
 * the one it got. So the in-tree driver is loaded all the time, and ours, from
 * the file T1X_MODULE, is loaded for each sequence after the first container
 * has got its IOMMU.
 */
#ifndef T1X_PAIR_H
#define T1X_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz_ops.h"

/* The module that is loaded all the time. */
#define IN_TREE		"vfio_iommu_type1"

#define PAIR_GROUPS	3

/** enum pair_side - whose container */
enum pair_side {
	/** @TREE: the in-tree driver's */
	TREE,
	/** @OUR: ours */
	OUR,
	/** @SIDES: number of sides */
	SIDES,
};

/**
 * struct side - a container and who serves it
 * @container: fd
 * @groups: fds
 * @in: which of them are in the container
 * @locked: what it has locked, in kB
 */
struct side {
	int container;
	int groups[PAIR_GROUPS];
	bool in[PAIR_GROUPS];
	long locked;
};

/**
 * struct result - what a user can see of an operation
 * @ret: return value or negative errno
 * @out: size or argsz as returned
 * @locked: by how much VmLck grew, in kB
 * @len: how much of @bytes counts
 * @bytes: a bitmap, information, or what a device read
 */
struct result {
	long ret;
	uint64_t out;
	long locked;
	size_t len;
	unsigned char bytes[SEQ_BITMAP + 4096];
};

/**
 * struct pair - both
 * @sides: the containers
 * @results: of the last operation
 * @nr_groups: how many groups each container can have
 */
struct pair {
	struct side sides[SIDES];
	struct result results[SIDES];
	unsigned int nr_groups;
};

extern struct pair pair;

void pair_set_up(void);
void pair_open(const struct seq *seq);
void pair_do(const struct seq *seq, const struct seq_op *op);
bool pair_is_cut_short(const struct seq_op *op);
uint64_t pair_vaddr(const struct seq_op *op);
void pair_undo_map(enum pair_side which, const struct seq_op *op);
void pair_settle(const struct seq_op *op);
long pair_close(enum pair_side which);
void pair_over(const struct seq *seq);

#endif /* T1X_PAIR_H */
