/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Measuring operations of the sides in turn, with the very same memory.
 *
 * On a machine whose clock counts instructions (scripts/lab/vm -c) a few passes
 * are enough, and the kernel's events are counted too; elsewhere figures are
 * times, and the passes go on until the turns agree. A test fails if two turns of a
 * side differ, unless load on the host can be the cause.
 *
 * Prints a JSON object per operation and side, as a remark. Each has two
 * figures, of two turns: nanoseconds, or bytes of the kernel's memory, per page,
 * entry, call or other unit.
 *
 *   T1X_PROFILE	if set, mark what is measured, for profile.c
 */
#ifndef T1X_MEASURE_H
#define T1X_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "side.h"

#define TURNS		2

/* In the order of the table in measure.c. */
enum counter {
	COUNT_IOMMU_MAP, COUNT_IOMMU_UNMAP, COUNT_IOVA_TO_PHYS,
	COUNT_IOTLB_FLUSH, COUNT_MMAP_WRITE_LOCK, NR_COUNTERS
};

/**
 * struct figure - an operation of the case that runs
 * @op: what is done
 * @per: what the figure is divided by
 * @units: how many of these there are
 * @ns: the cheapest, 0 if this side cannot do it
 * @counts: events, all 0 where they are not counted
 */
struct figure {
	const char *op;
	const char *per;
	size_t units;
	uint64_t ns[SIDES][TURNS];
	uint64_t counts[SIDES][NR_COUNTERS];
};

void start(void);
void stop(const char *op, size_t units, const char *per);
uint64_t since_start(void);
void note(const char *op, uint64_t ns, size_t units, const char *per);
struct figure *figure_of(const char *op);
void report_begin(const char *name, const char *op, const char *per,
		  size_t units, enum side side);
void print_symbols(void);
void measure(const char *name, void (*once)(void *memory), void *memory);
void measure_smp(const char *name, void (*once)(void *memory), void *memory);
void measure_few(const char *name, void (*once)(void *memory), void *memory);

#endif /* T1X_MEASURE_H */
