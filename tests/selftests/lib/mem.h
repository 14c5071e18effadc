/* SPDX-License-Identifier: GPL-2.0 */
/* All kinds of memory. Every function ends the test if there is none. */
#ifndef T1X_MEM_H
#define T1X_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUGE_2M (2UL << 20)
/* What an entry of the CPU's page table above the last maps: 2 MiB, of pages of 4 KiB. */
#define HUGE_PMD (T1X_PAGE_SIZE / 8 * T1X_PAGE_SIZE)

#define MEM_RAM_DISK "/dev/ram0"

void *mem_anon(size_t size);
void *mem_anon_aligned(size_t size, size_t align);
void *mem_anon_cold(size_t size);
size_t mem_cold_size(size_t most);
void *mem_reserve(size_t size);
void *mem_thp(size_t size);
void *mem_hugetlb(size_t size);
void *mem_hugetlb_1g(size_t size);
void *mem_scattered(size_t npages);
void *mem_scattered_often(size_t npages, size_t times);
int mem_memfd(size_t size);
int mem_mounted_file(const char *source, const char *type, const char *options, size_t size);
int mem_tmpfs(size_t size);
void mem_ram_disk(void);
int mem_disk_file(size_t size);
void *mem_file(int fd, size_t size, int prot, int flags);
void *mem_at(void *addr, size_t size);
size_t mem_thp_bytes(void *addr);

void mem_allow_ipc_lock(bool on);
void mem_limit(size_t npages);

void mem_fill(void *vaddr, size_t len);
void mem_fill_pages(void *vaddr, size_t npages);

#endif /* T1X_MEM_H */
