/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A container or two served by the in-tree driver and as many served by ours, at the same
 * time and with the same memory, for fuzz.
 *
 * VFIO asks the backend first that was registered last, and a container keeps
 * the one it got. So the in-tree driver is loaded all the time, and ours, from
 * the file T1X_MODULE, is loaded for each sequence after the in-tree driver's
 * containers have got their IOMMU.
 */
#ifndef T1X_TWIN_CONTAINERS_H
#define T1X_TWIN_CONTAINERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz_ops.h"

/* The module that is loaded all the time. */
#define IN_TREE		"vfio_iommu_type1"

#define TWINS_GROUPS	3

/** enum twins_side - driver that serves a container */
enum twins_side {
	/** @TREE: the in-tree driver's */
	TREE,
	/** @OUR: ours */
	OUR,
	/** @SIDES: number of sides */
	SIDES,
};

/**
 * struct twin - one container
 * @side: driver that serves it
 * @fd: of the container
 * @groups: fds
 * @devices: in UML, numbers of the mock's devices that are in them
 * @in: which of them are in the container
 */
struct twin {
	enum twins_side side;
	int fd;
	int groups[TWINS_GROUPS];
	int devices[TWINS_GROUPS];
	bool in[TWINS_GROUPS];
};

/**
 * struct result - what a user can see of an operation
 * @ret: return value or negative errno
 * @out: size or argsz as returned
 * @locked: by how much VmLck grew, in kB; of a batch that was done at the same time the last
 *	operation has all of it
 * @len: how much of @bytes counts
 * @bytes: a bitmap, information, or what a device read
 */
struct result {
	long ret;
	uint64_t out;
	long locked;
	size_t len;
	unsigned char bytes[FUZZ_BITMAP + 4096];
};

/**
 * struct twins - containers of both drivers
 * @containers: of each
 * @locked: what those of a driver have locked, in kB
 * @results: of the last operations, done one after the other in-tree and at the same time
 *	by ours
 * @nr_groups: how many groups each container can have
 * @nr_containers: how many containers each driver can have
 */
struct twins {
	struct twin containers[SIDES][FUZZ_CONTAINERS];
	long locked[SIDES];
	struct result results[FUZZ_BATCH][SIDES];
	unsigned int nr_groups;
	unsigned int nr_containers;
};

extern struct twins twins;

void twins_set_up(void);
void twins_open(const struct fuzz_seq *seq);
void twins_do(const struct fuzz_seq *seq, const struct fuzz_op *ops, unsigned int n);
bool twins_unmap_is_partial(const struct fuzz_op *op, const struct result *tree,
			    const struct result *ours);
void twins_undo_map(const struct fuzz_op *op, const struct result *results);
void twins_settle(const struct fuzz_op *op, const struct result *results);
long twins_close(enum twins_side side);
void twins_over(const struct fuzz_seq *seq);

long twins_vmlck(void);
void twins_forget_violations(long before);

#endif /* T1X_TWIN_CONTAINERS_H */
