/* SPDX-License-Identifier: GPL-2.0 */
/* A container, memory, and what that is pinned, charged and counted. */
#ifndef T1X_COUNTED_H
#define T1X_COUNTED_H

#include <stdint.h>

#include "vfio.h"

#define N	600UL
#define SIZE	(N * PAGE)
#define WRITE	VFIO_TYPE1X_MEMORY_WRITE

/* A container with a device, memory of N pages, and what was locked before. */
extern struct rig *rig;
extern char *memory;
extern long pins, vmlck;

void count(void);
void expect_more(long npages);
void rig_of(unsigned long type);
void rig_with_registered(uint32_t flags);
uint32_t dma_avail(int container);
void run_example(const char *name);

#endif /* T1X_COUNTED_H */
