/* SPDX-License-Identifier: GPL-2.0 */
/* What the files with the cases share. */
#ifndef T1X_BENCH_H
#define T1X_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "../selftests/lib/vfio.h"

/* So much that it does not matter what it takes to enter the kernel, in UML. */
#define SIZE		(256 * MIB)
#define ENTRIES		8192

/* The one that open_dma_device() opened. */
extern int container;

void open_dma_device(int nr);
void open_edu(void);
void close_edu(void);
void mapped_in_a_container(void *memory, size_t size);
void map_entries(void *memory);
void map_blocks(void *memory, size_t size, size_t block);
void *huge(size_t size);
void *cold(size_t size);
void pairs(void *memory, uint64_t iova, size_t n);

void stock_hugetlb_1g(void);
void stock_attach(void);
int stock_join_apart(const char *op, size_t units, const char *per);
void stock_memory(void);
void stock_waiters(void);

void native_empty(void);
void native_attach(void);
void native_meanwhile(void);

void smp_compute(void);
void smp_threads(void);
void smp_huge_cold(void);
void smp_crowd(void);

void shared_lines(void);

void scale_few(void);
void scale_many(void);
void scale_lots(void);
void scale_most(void);

#endif /* T1X_BENCH_H */
