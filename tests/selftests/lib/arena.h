/* SPDX-License-Identifier: GPL-2.0 */
/* The memory that random sequences map. */
#ifndef T1X_ARENA_H
#define T1X_ARENA_H

#include <stdint.h>

struct fuzz_op;

/* A page for devices to write to; bitmaps that end where nothing is end here. */
extern unsigned char *arena_scratch, *arena_edge;

/* Result and VmLck of the process that FUZZ_NEW_OWNER forks. */
extern volatile long *arena_child;

void arena_make(void);
void arena_renew(void);
void arena_touch(const struct fuzz_op *op);
char *arena_part(unsigned int mem);
uint64_t arena_vaddr(const struct fuzz_op *op);

#endif /* T1X_ARENA_H */
