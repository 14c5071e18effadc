// SPDX-License-Identifier: GPL-2.0
/* Allocates the memory that random sequences map, a part for each kind. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "mem.h"
#include "fuzz_ops.h"
#include "sys.h"
#include "test.h"
#include "vfio.h"

/* Memory is always at the same place, a part of that size for each kind. */
#define ARENA		0x2000000000UL
#define PART		(32 * FUZZ_MIB)
#define SMALL		(64 * PAGE)

unsigned char *arena_scratch, *arena_edge;
volatile long *arena_child;

/**
 * arena_part() - where memory of a kind is
 * @mem: enum fuzz_mem
 *
 * Return: its address.
 */
char *arena_part(unsigned int mem)
{
	return (char *)ARENA + mem * PART;
}

/**
 * arena_vaddr() - where the memory of an operation is
 * @op: the operation
 *
 * Return: its address.
 */
uint64_t arena_vaddr(const struct fuzz_op *op)
{
	return (op->mem ? (uintptr_t)arena_part(op->mem) : 0) + op->off;
}

static void place(unsigned int mem, void *addr, size_t size)
{
	if (mremap(addr, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
		   arena_part(mem)) == MAP_FAILED)
		fail("mremap: %s", strerror(errno));
}

/** arena_make() - once for all sequences */
void arena_make(void)
{
	int fd = mem_memfd(5 * FUZZ_MIB);

	arena_scratch = mem_anon(PAGE);
	arena_edge = (unsigned char *)mem_anon(FUZZ_BITMAP + PAGE) + FUZZ_BITMAP;
	assert_eq(mprotect(arena_edge, PAGE, PROT_NONE), 0);
	arena_child = mem_file(-1, PAGE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS);
	place(FUZZ_ANON, mem_anon(5 * FUZZ_MIB), 5 * FUZZ_MIB);
	mem_at(arena_part(FUZZ_HUGE), 8 * FUZZ_MIB);
	madvise(arena_part(FUZZ_HUGE), 8 * FUZZ_MIB, MADV_HUGEPAGE);
	mem_fill_pages(arena_part(FUZZ_HUGE), 8 * FUZZ_MIB / PAGE);
	mem_at(arena_part(FUZZ_COLD), 5 * FUZZ_MIB);
	place(FUZZ_SCATTERED, mem_scattered(1200), 1200 * PAGE);
	place(FUZZ_SHARED, mem_file(fd, 5 * FUZZ_MIB, PROT_READ | PROT_WRITE,
				    MAP_SHARED), 5 * FUZZ_MIB);
	mem_fill_pages(arena_part(FUZZ_SHARED), 5 * FUZZ_MIB / PAGE);
	close(fd);
	place(FUZZ_READONLY, mem_anon(SMALL), SMALL);
	mprotect(arena_part(FUZZ_READONLY), SMALL, PROT_READ);
	mem_at(arena_part(FUZZ_ZERO), SMALL);
	mprotect(arena_part(FUZZ_ZERO), SMALL, PROT_READ);
	place(FUZZ_HOLE, mem_anon(SMALL), SMALL);
	mprotect(arena_part(FUZZ_HOLE) + 24 * PAGE, 8 * PAGE, PROT_NONE);
	place(FUZZ_TAIL, mem_anon(SMALL), SMALL);
}

/**
 * arena_renew() - before each sequence: replace touched memory by untouched
 *
 * Before 6.2 the in-tree driver pins the page of zeroes to be read, which is not what
 * the process has there once it writes, and is not charged. Ours never does, and there
 * is nothing to compare: then no memory is of zeroes.
 */
void arena_renew(void)
{
	size_t i;

	madvise(arena_part(FUZZ_COLD), 5 * FUZZ_MIB, MADV_DONTNEED);
	madvise(arena_part(FUZZ_ZERO), SMALL, MADV_DONTNEED);
	if (sys_kernel_before(6, 2)) {
		mprotect(arena_part(FUZZ_ZERO), SMALL, PROT_READ | PROT_WRITE);
		mem_fill_pages(arena_part(FUZZ_ZERO), SMALL / PAGE);
		mprotect(arena_part(FUZZ_ZERO), SMALL, PROT_READ);
	}
	for (i = 0; i < SMALL; i += PAGE)
		(void)*(volatile char *)(arena_part(FUZZ_ZERO) + i);
}

/**
 * arena_touch() - the same before an operation that may map memory to be read
 * @op: the operation
 */
void arena_touch(const struct fuzz_op *op)
{
	volatile char *cold = arena_part(FUZZ_COLD);
	size_t at;

	if (op->mem != FUZZ_COLD || !sys_kernel_before(6, 2) ||
	    (op->kind == FUZZ_MAP && op->flags & VFIO_DMA_MAP_FLAG_WRITE))
		return;
	for (at = 0; at < 5 * FUZZ_MIB; at += PAGE)
		cold[at] = cold[at];
}
