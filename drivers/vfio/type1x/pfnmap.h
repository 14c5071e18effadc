/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_PFNMAP_H
#define _T1X_PFNMAP_H

#include <linux/types.h>

struct follow_pfnmap_args;
struct t1x_run;
struct vm_area_struct;

unsigned long t1x_pfnmap_scan(const struct follow_pfnmap_args *args,
			      unsigned long most);
int t1x_pfnmap_read(struct vm_area_struct *vma, unsigned long vaddr,
		    unsigned long npages, bool write, struct t1x_run *run,
		    bool *retry);
bool t1x_pfnmap_is_ram(struct vm_area_struct *vma, unsigned long vaddr);

#endif /* _T1X_PFNMAP_H */
