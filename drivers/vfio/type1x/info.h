/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_INFO_H
#define _T1X_INFO_H

#include <linux/compiler.h>

struct t1x_container;

long t1x_uapi_get_info(struct t1x_container *c, void __user *arg);

#endif /* _T1X_INFO_H */
