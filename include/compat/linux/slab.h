/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_COMPAT_LINUX_SLAB_H
#define _T1X_COMPAT_LINUX_SLAB_H

#include_next <linux/slab.h>

/* v7.0, backported to 6.12.y: allocation by type.  Delete with 6.1. */
#ifndef kzalloc_obj
#define kzalloc_obj(obj, gfp) kzalloc(sizeof(obj), gfp)
#endif

#endif /* _T1X_COMPAT_LINUX_SLAB_H */
