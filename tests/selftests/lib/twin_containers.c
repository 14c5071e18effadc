// SPDX-License-Identifier: GPL-2.0
/* Runs operations on containers of the in-tree driver and on as many of ours. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "arena.h"
#include "dirty.h"
#include "mem.h"
#include "module.h"
#include "sys.h"
#include "test.h"
#include "threads.h"
#include "twin_containers.h"
#include "twin_ops.h"
#include "vfio.h"

#define OURS		"vfio_iommu_type1x"
#define REFS(module)	"/sys/module/" module "/refcnt"

struct twins twins;

/* Of the numbers that tests/e2e/fuzz.sh gives the mock: 2, 3, 9 and 10 noncoherent. */
static const int mock_devices[FUZZ_CONTAINERS][SIDES][TWINS_GROUPS] = {
	{ { 0, 2, 4 }, { 1, 3, 5 } },
	{ { 7, 9, 11 }, { 8, 10, 12 } },
};

#define MOCK_BAR	6

static long vmlck_before;
static int status_fd;

/* Containers of each driver that are open. */
static unsigned int nr_open;

/* --- Drivers, limits, locked memory --------------------------------------- */

/* No options but this: UML without MSIs cannot say that they are isolated. */
static void load_ours(void)
{
	module_load(getenv("T1X_MODULE") ?: OURS ".ko",
		    "allow_unsafe_interrupts=1");
}

/**
 * twins_vmlck() - as sys_vmlck(), but quick
 *
 * Return: VmLck in kB.
 */
long twins_vmlck(void)
{
	char buf[2048], *at;
	ssize_t n = pread(status_fd, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	at = strstr(buf, "VmLck:");
	if (!at)
		fail("no VmLck");
	return strtol(at + 6, NULL, 10);
}

/* By how much VmLck has grown since the last operation, which was of @side. */
static long newly_locked(enum twins_side side)
{
	long more = twins_vmlck() - vmlck_before - twins.locked[TREE] - twins.locked[OUR];

	twins.locked[side] += more;
	return more;
}

/* What the other driver has locked must not count. */
static void set_limit(const struct fuzz_seq *seq, const struct fuzz_op *op, enum twins_side side)
{
	struct rlimit limit;

	if (!seq->limit || (op->kind != FUZZ_MAP && op->kind != FUZZ_DMA &&
			    op->kind != FUZZ_GRANULES))
		return;
	limit.rlim_max = RLIM_INFINITY;
	limit.rlim_cur = seq->limit * PAGE + ((vmlck_before + twins.locked[!side]) << 10);
	assert_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

/**
 * twins_forget_violations() - take back what the mock has counted against the in-tree driver
 * @before: number of violations before it got a new domain
 *
 * In 6.1 the in-tree driver tries each new domain with memory not pinned.
 */
void twins_forget_violations(long before)
{
	if (sys_kernel_before(6, 12) && sys_is_uml())
		sys_mock_set("violations", before);
}

/* --- Operations ------------------------------------------------------------ */

/* What threads of ours do. */
static struct {
	const struct fuzz_seq *seq;
	const struct fuzz_op *ops;
} batch;

static void do_ours(unsigned int nr)
{
	const struct fuzz_op *op = &batch.ops[nr];

	twin_do(&twins.containers[OUR][op->container], batch.seq, op, &twins.results[nr][OUR]);
}

/* VmLck cannot be told apart for operations at the same time. */
static void do_at_once(const struct fuzz_seq *seq, const struct fuzz_op *ops, unsigned int n)
{
	set_limit(seq, ops, OUR);
	batch.seq = seq;
	batch.ops = ops;
	if (n == 1)
		do_ours(0);
	else
		threads_do(n, do_ours);
	twins.results[n - 1][OUR].locked = newly_locked(OUR);
}

static void do_in_turn(const struct fuzz_seq *seq, const struct fuzz_op *ops, unsigned int n)
{
	const struct fuzz_op *op;
	struct result *res;
	unsigned int i;

	for (i = 0; i < n; i++) {
		op = &ops[i];
		res = &twins.results[i][TREE];
		set_limit(seq, op, TREE);
		twin_do(&twins.containers[TREE][op->container], seq, op, res);
		res->locked = newly_locked(TREE);
	}
}

/**
 * twins_do() - do operations on containers of both drivers
 * @seq: the sequence
 * @ops: one of its batches
 * @n: operations in it
 */
void twins_do(const struct fuzz_seq *seq, const struct fuzz_op *ops, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		arena_touch(&ops[i]);
	if (seq->ours_first)
		do_at_once(seq, ops, n);
	do_in_turn(seq, ops, n);
	if (!seq->ours_first)
		do_at_once(seq, ops, n);
}

/**
 * twins_unmap_is_partial() - could an unmap not tell all of its bitmap
 * @op: an operation
 * @tree: what came of it in-tree
 * @ours: and on ours
 *
 * Return: true if so; then it may have done part of its work.
 */
bool twins_unmap_is_partial(const struct fuzz_op *op, const struct result *tree,
			    const struct result *ours)
{
	return op->kind == FUZZ_UNMAP && op->ptr == FUZZ_PTR_HALF &&
	       tree->ret == -EFAULT && ours->ret == -EFAULT;
}

/**
 * twins_undo_map() - take back a map that the in-tree driver alone should have made
 * @op: the operation, a map
 * @results: what came of it
 */
void twins_undo_map(const struct fuzz_op *op, const struct result *results)
{
	assert_ret(dma_unmap(twins.containers[TREE][op->container].fd, op->iova, op->size),
		   op->size);
	twins.locked[TREE] -= results[TREE].locked;
}

static void restart_tracking(const struct fuzz_op *op)
{
	int side, fd;

	for (side = 0; side < SIDES; side++) {
		fd = twins.containers[side][op->container].fd;
		assert_ret(dirty_flags(fd, STOP), 0);
		assert_ret(dirty_flags(fd, START), 0);
	}
}

static void unmap_the_rest(const struct fuzz_op *op)
{
	int side;

	for (side = 0; side < SIDES; side++) {
		assert_ge(dma_unmap(twins.containers[side][op->container].fd, op->iova, op->size),
			  0);
		newly_locked(side);
	}
}

/**
 * twins_settle() - make both the same again after what is known to differ
 * @op: an operation
 * @results: what came of it
 *
 * In-tree, bits are lost or shifted when a bitmap cannot be written. Tracking
 * that starts anew has none of them.
 */
void twins_settle(const struct fuzz_op *op, const struct result *results)
{
	bool bitmap = op->kind == FUZZ_DIRTY || op->kind == FUZZ_UNMAP;

	if (twins_unmap_is_partial(op, &results[TREE], &results[OUR]))
		unmap_the_rest(op);
	if (bitmap && op->ptr != FUZZ_PTR_NULL_ARG &&
	    (results[TREE].ret == -EFAULT || results[OUR].ret == -EFAULT))
		restart_tracking(op);
}

/* --- Sequences ------------------------------------------------------------- */

/* A container of its own, so that the region stays. */
static void make_bar(void)
{
	static struct bar bar;
	int container, group;
	long violations;

	if (!sys_is_uml() && !strstr(getenv("T1X_DEVICES") ?: "", "bar:"))
		return;
	container = vfio_container_open();
	group = sys_is_uml() ? vfio_mock_group_open(MOCK_BAR) : vfio_bar_group_open();
	assert_ret(vfio_group_join(group, container), 0);
	violations = sys_mock_get("violations");
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	twins_forget_violations(violations);
	if (sys_is_uml()) {
		vfio_mock_device_open(&bar.dev, group, MOCK_BAR);
		bar.region = 1;
	} else {
		vfio_bar_open(&bar, group);
	}
	vfio_region_map(&bar.dev, bar.region, arena_part(FUZZ_BAR), 0, 4 * FUZZ_MIB);
}

static void open_one(enum twins_side side, unsigned int nr, unsigned long type)
{
	struct twin *twin = &twins.containers[side][nr];
	long tree = sys_read_number(REFS(IN_TREE));
	long violations;
	unsigned int g;

	memset(twin, 0, sizeof(*twin));
	twin->side = side;
	twin->fd = vfio_container_open();
	memcpy(twin->devices, mock_devices[nr][side], sizeof(twin->devices));
	for (g = 0; g < twins.nr_groups; g++)
		twin->groups[g] = sys_is_uml() ? vfio_mock_group_open(twin->devices[g]) :
						 vfio_group_open(side);
	assert_ret(vfio_group_join(twin->groups[0], twin->fd), 0);
	twin->in[0] = true;
	violations = sys_mock_get("violations");
	assert_ret(vfio_try_set_iommu(twin->fd, type), 0);
	if (side == TREE)
		twins_forget_violations(violations);
	assert_eq(sys_read_number(REFS(IN_TREE)), tree + (side == TREE));
	assert_eq(sys_read_number(REFS(OURS)), side == TREE ? -1 : (long)nr + 1);
}

/**
 * twins_open() - new containers, each served by its driver
 * @seq: for this sequence
 */
void twins_open(const struct fuzz_seq *seq)
{
	unsigned int nr;

	nr_open = fuzz_nr_containers(seq);
	assert_le(nr_open, twins.nr_containers);
	arena_renew();
	memset(twins.locked, 0, sizeof(twins.locked));
	vmlck_before = twins_vmlck();
	for (nr = 0; nr < nr_open; nr++)
		open_one(TREE, nr, seq->type);
	load_ours();
	for (nr = 0; nr < nr_open; nr++)
		open_one(OUR, nr, seq->type);
	if (seq->limit)
		mem_allow_ipc_lock(false);
}

static void close_one(struct twin *twin)
{
	unsigned int g;

	/* In any order: the container goes with the last of them. */
	for (g = 0; g < twins.nr_groups; g++)
		vfio_close(&twin->groups[g]);
	vfio_close(&twin->fd);
}

/**
 * twins_close() - close all containers of a driver
 * @side: which driver's
 *
 * Return: kB that they have left locked, 0 if all is well.
 */
long twins_close(enum twins_side side)
{
	unsigned int nr;

	for (nr = 0; nr < nr_open; nr++)
		close_one(&twins.containers[side][nr]);
	twins.locked[side] = 0;
	return newly_locked(side);
}

/**
 * twins_over() - after all containers have been closed
 * @seq: the sequence that is over
 */
void twins_over(const struct fuzz_seq *seq)
{
	if (seq->limit)
		mem_allow_ipc_lock(true);
	module_unload(OURS);
}

/** twins_set_up() - once for all sequences: memory, groups, no driver of ours */
void twins_set_up(void)
{
	/* Stock kernels have a device for each driver. */
	twins.nr_groups = sys_is_uml() ? TWINS_GROUPS : 1;
	twins.nr_containers = sys_is_uml() ? FUZZ_CONTAINERS : 1;
	status_fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	module_unload(OURS);
	arena_make();
	make_bar();
}
