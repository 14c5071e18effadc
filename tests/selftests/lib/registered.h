/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of registered memory share. */
#ifndef T1X_REGISTERED_H
#define T1X_REGISTERED_H

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

#endif /* T1X_REGISTERED_H */
