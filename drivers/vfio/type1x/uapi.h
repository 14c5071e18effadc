/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_UAPI_H
#define _T1X_UAPI_H

long t1x_uapi_ioctl(void *cookie, unsigned int cmd, unsigned long arg);

#endif /* _T1X_UAPI_H */
