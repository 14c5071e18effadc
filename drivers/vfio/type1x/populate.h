/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_POPULATE_H
#define _T1X_POPULATE_H

#include <linux/types.h>

struct mm_struct;
struct t1x_pfn_reader;
struct t1x_populate;

struct t1x_populate *t1x_populate_start(struct mm_struct *mm,
					unsigned long vaddr,
					unsigned long npages);
int t1x_populate_wait(struct t1x_populate *p, unsigned long vaddr);
int t1x_populate_read(struct t1x_populate **populate, struct t1x_pfn_reader *reader);
void t1x_populate_cancel(struct t1x_populate *p);
void t1x_populate_stop(struct t1x_populate *p);

#endif /* _T1X_POPULATE_H */
