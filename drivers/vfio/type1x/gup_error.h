/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_GUP_ERROR_H
#define _T1X_GUP_ERROR_H

#include <linux/compiler_attributes.h>

struct t1x_errlog;
struct t1x_pfn_reader;

__cold void t1x_gup_error_log(struct t1x_errlog *errlog, int ret,
			      const struct t1x_pfn_reader *reader);

#endif /* _T1X_GUP_ERROR_H */
