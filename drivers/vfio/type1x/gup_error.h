/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_GUP_ERROR_H
#define _T1X_GUP_ERROR_H

#include <linux/types.h>

struct mm_struct;
struct t1x_errlog;

__cold int t1x_gup_error_log(struct t1x_errlog *errlog, int ret, struct mm_struct *mm,
			     unsigned long vaddr, bool write);

#endif /* _T1X_GUP_ERROR_H */
