/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_UAPI_H
#define _T1X_UAPI_H

#include <linux/compiler.h>

struct t1x_container;

/* uapi.c */
long t1x_uapi_ioctl(void *cookie, unsigned int cmd, unsigned long arg);

/* info.c */
long t1x_uapi_get_info(struct t1x_container *c, void __user *arg);

#endif /* _T1X_UAPI_H */
